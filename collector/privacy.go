package collector

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/internal/httpcompress"
	"github.com/fotspor/fotspor/privacy"
)

// statement serves the privacy statement of a site.
func (c *Collector) statement(w http.ResponseWriter, r *http.Request) {
	site, ok := c.siteOf(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	var page bytes.Buffer
	err := privacy.RenderStatement(&page, pageLanguage(r), c.statementOf(site))
	c.page(w, r, site, page.Bytes(), err)
}

// what serves a page with the row that this request would leave if it were a view of the
// front page of the site. Nothing is recorded.
func (c *Collector) what(w http.ResponseWriter, r *http.Request) {
	site, ok := c.siteOf(r)
	if !ok {
		http.NotFound(w, r)
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
	c.page(w, r, site, page.Bytes(), err)
}

func (c *Collector) siteOf(r *http.Request) (*knownSite, bool) {
	id, err := strconv.ParseUint(r.PathValue("site"), 10, 32)
	if err != nil {
		return nil, false
	}
	return c.Sites.find(r.Context(), uint32(id))
}

func (c *Collector) statementOf(site *knownSite) privacy.Statement {
	s := privacy.Statement{
		Policy: c.policyOf(site),
		Site:   site.ID,
		Name:   site.Name,
		Host:   hostname.Display(hostname.Canonical(site.Hosts[0])),
		Made:   c.Now(),

		Parameters: site.Parameters,
		Searches:   site.SearchParameters,
		Categories: site.SearchCategories,
	}
	s.GeoText, s.GeoURL = c.Geo.Attribution()
	return s
}

// page sends a rendered page, or status 500 if rendering failed with err.
func (c *Collector) page(w http.ResponseWriter, r *http.Request, site *knownSite, page []byte, err error) {
	if err != nil {
		c.Logger.Error("privacy page could not be made", "err", err)
		http.Error(w, "fotspor: this page can't be made right now", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
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
	return i18n.Match(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
}
