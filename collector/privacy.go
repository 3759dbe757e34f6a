package collector

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/collector/optout"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/internal/httpcompress"
	"github.com/fotspor/fotspor/privacy"
)

// statement serves the privacy statement of a site.
func (c *Collector) statement(w http.ResponseWriter, r *http.Request) {
	site, ok := c.siteOf(r)
	if !ok {
		refuse(w, r, http.StatusNotFound, "not_found")
		return
	}
	var page bytes.Buffer
	said := c.statementOf(site)
	if asksJSON(r) {
		err := privacy.WriteStatement(&page, said)
		w.Header().Set("Link", "<"+privacy.SchemaName+`>; rel="describedby"; type="application/schema+json"`)
		c.page(w, r, site, "application/json", page.Bytes(), err)
		return
	}
	said.Reader = geo.Cut(ClientAddr(r, c.TrustedProxies), said.Policy.Bits4, said.Policy.Bits6)
	if site.SharesDomain(baseurl.Of(r).Hostname()) {
		said.OptOut.State = optout.State(r.URL.Query(), !said.Policy.IgnoreObjection && dialect.Objects(r.Header), dialect.OptedOut(r.Header))
		said.OptOut.Out = !dialect.OptedOut(r.Header)
	}
	err := privacy.RenderStatement(&page, pageLanguage(r), said)
	c.page(w, r, site, "text/html; charset=utf-8", page.Bytes(), err)
}

// readable refuses a request with parameters that can't be decoded: url.URL.Query leaves them
// out, and the page would be in a language that nobody asked for.
func readable(f http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
			refuse(w, r, http.StatusBadRequest, "bad_request")
			return
		}
		f(w, r)
	})
}

// jsonSuffix ends the address of a statement for programs.
const jsonSuffix = ".json"

func asksJSON(r *http.Request) bool { return strings.HasSuffix(r.PathValue("site"), jsonSuffix) }

// AnswerPanic answers a request of a visitor whose handler panicked.
func AnswerPanic(w http.ResponseWriter, r *http.Request) {
	w.Header().Del("Content-Encoding") // of the answer that did not come
	refuse(w, r, http.StatusInternalServerError, "internal")
}

// badMethod refuses what is neither read nor, where that can be, chosen.
func badMethod(allowed string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", allowed)
		refuse(w, r, http.StatusMethodNotAllowed, "bad_method")
	}
}

// refuse answers with an error in the language of the reader: for programs in the form that the
// API has, in which code is documented.
func refuse(w http.ResponseWriter, r *http.Request, status int, code string) {
	l := pageLanguage(r)
	if !asksJSON(r) {
		optout.Refuse(w, l, status, code)
		return
	}
	text := l.Known("visitor.", code)
	body, _ := json.Marshal(struct {
		Code  string `json:"code"`
		Error string `json:"error"`
	}{code, text})
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(body) // an error means that the client is gone
}

// schema serves the JSON Schema of statements for programs.
func (c *Collector) schema(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/schema+json")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	w.Write(httpcompress.Bytes(h, r, privacy.StatementSchema())) // an error means that the client is gone
}

// choose keeps what a visitor chose on the statement of a site.
func (c *Collector) choose(w http.ResponseWriter, r *http.Request) {
	site, ok := c.siteOf(r)
	if !ok || asksJSON(r) {
		refuse(w, r, http.StatusNotFound, "not_found")
		return
	}
	if !site.SharesDomain(baseurl.Of(r).Hostname()) {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, r, http.StatusMethodNotAllowed, "no_choices")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	optout.Choose(w, r, pageLanguage(r), r.URL.Query(), true)
}

// what serves a page with the row that this request would leave if it were a view of the
// front page of the site. Nothing is recorded.
func (c *Collector) what(w http.ResponseWriter, r *http.Request) {
	site, ok := c.siteOf(r)
	if !ok || asksJSON(r) {
		refuse(w, r, http.StatusNotFound, "not_found")
		return
	}
	h := dialect.FromHeaders(r)
	h.Site, h.Kind, h.URL, h.Addr = site.ID, hit.Pageview, "/", ClientAddr(r, c.TrustedProxies)
	var row hit.Row
	why := c.run(&hitContext{hit: &h, request: r, now: c.Now(), row: &row}, anonymous)
	row.Day = calendar.DayOf(h.Time.In(site.Location))
	row.EntryPath = row.Path
	row.Pageviews, row.Visits, row.Visitors, row.PageVisitors, row.SectionVisitors, row.Bounces = 1, 1, 1, 1, 1, 1
	c.policyOf(site).Trim(&row)

	var page bytes.Buffer
	err := privacy.RenderWhat(&page, pageLanguage(r), privacy.What{
		Statement: c.statementOf(site),
		Row:       row,
		Dropped:   string(why),
	})
	c.page(w, r, site, "text/html; charset=utf-8", page.Bytes(), err)
}

func (c *Collector) siteOf(r *http.Request) (*knownSite, bool) {
	id, err := strconv.ParseUint(strings.TrimSuffix(r.PathValue("site"), jsonSuffix), 10, 32)
	if err != nil {
		return nil, false
	}
	return c.Sites.find(r.Context(), uint32(id))
}

func (c *Collector) statementOf(site *knownSite) privacy.Statement {
	s := site.Statement(c.inForce.Load().Policy, c.Now())
	s.GeoText, s.GeoURL = c.Geo.Attribution()
	if c.ReceiptKeys != nil {
		s.ReceiptKeys = c.ReceiptKeys()
	}
	return s
}

// page sends a rendered page, or status 500 if rendering failed with err.
func (c *Collector) page(w http.ResponseWriter, r *http.Request, site *knownSite, mediaType string, page []byte, err error) {
	if err != nil {
		c.Logger.Error("privacy page could not be made", "err", err)
		refuse(w, r, http.StatusInternalServerError, "internal")
		return
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Security-Policy", privacy.ContentSecurityPolicy(site.framers()...))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), browsing-topics=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	w.Write(httpcompress.Bytes(h, r, page)) // an error means that the client is gone
}

// framers returns the hosts whose pages may frame the privacy pages of a site: the site's
// own hosts, with and without www. A page proxy is excluded, because it serves pages of
// other sites too.
func (s *knownSite) framers() []string {
	var hosts []string
	for _, host := range s.Hosts {
		if _, copied := hostname.Copied(strings.TrimPrefix(host, "*")); copied {
			continue
		}
		hosts = append(hosts, host)
		if !strings.HasPrefix(host, "*") {
			bare := strings.TrimPrefix(host, "www.")
			hosts = append(hosts, bare, "www."+bare)
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// pageLanguage returns the language asked for with ?lang=, or else by the browser.
func pageLanguage(r *http.Request) *i18n.Language {
	return i18n.Match(r.URL.Query().Get("lang"), strings.Join(r.Header.Values("Accept-Language"), ","))
}

// maxReceipts bounds the archive of receipts, which is in memory until it is whole: a pass a day
// for forty years.
const maxReceipts = 64 << 20

// receipts serves the receipts of deletions, whose chain everybody can verify. They are those of
// the store, which are the same for all its sites.
func (c *Collector) receipts(w http.ResponseWriter, r *http.Request) {
	if _, ok := c.siteOf(r); !ok || asksJSON(r) || c.Receipts == nil {
		refuse(w, r, http.StatusNotFound, "not_found")
		return
	}
	select {
	case c.receipting <- struct{}{}: // one at a time
		defer func() { <-c.receipting }()
	default:
		w.Header().Set("Retry-After", "5")
		refuse(w, r, http.StatusServiceUnavailable, "crowded")
		return
	}
	var archive bounded
	if err := c.Receipts(r.Context(), &archive); err != nil {
		c.Logger.Warn("the receipts can't be read", "err", err)
		w.Header().Set("Retry-After", "30")
		refuse(w, r, http.StatusServiceUnavailable, "unavailable")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-tar")
	h.Set("Content-Disposition", `attachment; filename="receipts.tar"`)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.Write(archive.Bytes()) // an error means that the client is gone
}

// bounded is a buffer of at most maxReceipts bytes.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxReceipts {
		return 0, errors.New("the archive is too large")
	}
	return b.Buffer.Write(p)
}
