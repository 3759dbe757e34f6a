package collector

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/referrer"
	"github.com/fotspor/fotspor/store"
)

// passage is one hit on its way through the pipeline.
type passage struct {
	hit     *hit.Hit
	request *http.Request
	now     time.Time

	site store.Site
	page *url.URL // nil unless the hit names one
	row  hit.Row
}

// step is one station of the pipeline. It fills in what it knows of the row, or
// says why the hit is left out.
type step struct {
	name string
	do   func(*Collector, *passage) reason
}

// anonymous are the steps that see one hit by itself. A person's objection comes
// before anything of the person is looked at.
var anonymous = []step{
	{"site", (*Collector).findSite},
	{"objection", (*Collector).objection},
	{"address", (*Collector).address},
	{"browser", (*Collector).browser},
	{"page", (*Collector).locate},
	{"referrer", (*Collector).referrer},
	{"geo", (*Collector).geo},
}

// pipeline is the whole way of a hit, read from top to bottom. The policy has the
// last word on the row.
var pipeline = append(anonymous[:len(anonymous):len(anonymous)],
	step{"visit", (*Collector).visit},
	step{"policy", (*Collector).policy},
)

// reason says why a hit was left out. It is a label of a metric, and with spaces
// for underscores it is told to the site owner.
type reason string

const (
	kept         reason = ""
	unknownSite  reason = "unknown_site"
	objected     reason = "objection"
	bot          reason = "bot"
	prefetched   reason = "prefetch"
	noPage       reason = "no_page"
	noVisit      reason = "no_visit"
	badRequest   reason = "bad_request"
	bodyTooLarge reason = "body_too_large"
	spoolFull    reason = "spool_full"
)

var reasons = []reason{
	unknownSite, objected, bot, prefetched, noPage, noVisit,
	badRequest, bodyTooLarge, spoolFull,
}

// String is the reason in words.
func (why reason) String() string { return strings.ReplaceAll(string(why), "_", " ") }

// invalid tells a hit that is wrong from one that is left out on purpose.
func (why reason) invalid() bool { return why == unknownSite }

// run sends a passage through steps, until one leaves the hit out.
func (c *Collector) run(p *passage, steps []step) reason {
	for _, s := range steps {
		if why := s.do(c, p); why != kept {
			return why
		}
	}
	return kept
}

func (c *Collector) findSite(p *passage) reason {
	site, ok := c.Sites.find(p.request.Context(), p.hit.Site)
	if !ok {
		return unknownSite
	}
	p.site = site
	p.row.Site, p.row.Kind = site.ID, p.hit.Kind
	// The time that a request may claim would move the site's day for everybody.
	p.hit.Time = p.now
	p.row.Time = p.hit.Time.UTC().Truncate(time.Second)
	return kept
}

func (c *Collector) objection(p *passage) reason {
	if p.hit.Objection && !c.Policy.IgnoreObjection {
		return objected
	}
	return kept
}

func (c *Collector) address(p *passage) reason {
	p.hit.Addr = ClientAddr(p.request, c.TrustedProxies)
	return kept
}

// browser names the browser, and leaves out what is not a person reading.
func (c *Collector) browser(p *passage) reason {
	if p.hit.Prefetch {
		return prefetched
	}
	client := c.Browsers.Parse(p.hit.UserAgent, p.hit.Hints)
	if client.Bot != "" {
		return bot
	}
	p.row.Browser, p.row.BrowserVersion = client.Browser, client.Version
	p.row.OS, p.row.Device = client.OS, client.Device
	p.row.Language = primaryLanguage(p.hit.Language)
	return kept
}

// locate finds the page. Of its URL only host and path are kept. What is not a
// page view may do without: a server-side event has no page.
func (c *Collector) locate(p *passage) reason {
	p.row.Name, p.row.Value = eventName(p.hit), p.hit.Value
	page, ok := parsePage(p.hit.URL)
	if !ok {
		if p.hit.Kind == hit.Pageview {
			return noPage
		}
		return kept
	}
	p.page = page
	p.row.Host, p.row.Path = cleanHost(page), cleanPath(page)
	if p.row.Host == "" {
		p.row.Host = p.site.Hosts[0]
	}
	return kept
}

func (c *Collector) referrer(p *passage) reason {
	from := referrer.Classify(p.page, p.hit.Referrer, p.site.Owns)
	p.row.Channel, p.row.Source = from.Channel, from.Source
	p.row.Campaign, p.row.CampaignSource, p.row.CampaignMedium = from.Campaign, from.CampaignSource, from.CampaignMedium
	p.row.CampaignTerm, p.row.CampaignContent = from.CampaignTerm, from.CampaignContent
	return kept
}

// geo keeps of the address its region, and its network cut as the policy says.
func (c *Collector) geo(p *passage) reason {
	place := c.Geo.Lookup(p.hit.Addr)
	p.row.Country, p.row.Region = place.Country, place.Region
	p.row.Network = geo.Cut(p.hit.Addr, c.Policy.Bits4, c.Policy.Bits6)
	return kept
}

func (c *Collector) visit(p *passage) reason {
	if !c.Visits.Observe(p.hit, &p.row, p.site.Location) {
		return noVisit
	}
	return kept
}

func (c *Collector) policy(p *passage) reason {
	c.Policy.Trim(&p.row)
	return kept
}

// Bounds of what is kept of texts, in bytes.
const (
	maxHost = 253 // RFC 1035, as text
	maxPath = 1024
	maxName = 255
)

// parsePage reads the URL of a page: absolute with http or https, or a path.
func parsePage(raw string) (*url.URL, bool) {
	raw = strings.TrimSpace(raw)
	page, err := url.Parse(raw)
	if err != nil {
		page, err = url.Parse(mendEscapes(raw))
	}
	if err != nil {
		return nil, false
	}
	switch {
	case (page.Scheme == "http" || page.Scheme == "https") && page.Host != "":
	case page.Scheme == "" && page.Host == "" && strings.HasPrefix(page.Path, "/"):
	default:
		return nil, false
	}
	return page, true
}

// mendEscapes encodes each % that begins no escape: browsers leave such a one in a
// URL as it is, and a URL that was too long may end in the middle of an escape.
func mendEscapes(raw string) string {
	parts := strings.Split(raw, "%")
	for i, part := range parts[1:] {
		if !escape.MatchString(part) {
			parts[i+1] = "25" + part
		}
	}
	return strings.Join(parts, "%")
}

// escape is what follows the % of an escape.
var escape = regexp.MustCompile(`^[0-9A-Fa-f]{2}`)

// eventName returns what is kept of the name of a hit. Of the target of a link
// it is host and path: a query may say who followed it.
func eventName(h *hit.Hit) string {
	if h.Kind != hit.Outlink && h.Kind != hit.Download {
		return cleanText(h.Name, maxName)
	}
	target, ok := parsePage(h.Name)
	if !ok {
		return ""
	}
	return cleanText(cleanHost(target)+cleanPath(target), maxName)
}

// cleanHost returns the host of a page, without user and port.
func cleanHost(page *url.URL) string {
	return cleanText(strings.ToLower(page.Hostname()), maxHost)
}

// pathParameters are what a server may append to a segment of a path, such as
// ;jsessionid=…
var pathParameters = regexp.MustCompile(`;[^/]*`)

// cleanPath returns the path of a page as people read it, without the parameters
// of its segments. One that is not UTF-8 stays escaped.
func cleanPath(page *url.URL) string {
	escaped := page.EscapedPath()
	if strings.Contains(escaped, ";") {
		escaped = pathParameters.ReplaceAllString(escaped, "")
	}
	path, err := url.PathUnescape(escaped)
	if err != nil || !utf8.ValidString(path) {
		path = escaped
	}
	if path = cleanText(path, maxPath); path == "" {
		return "/"
	}
	return path
}

// cleanText returns s as valid UTF-8 without control characters, cut to at most
// limit bytes.
func cleanText(s string, limit int) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, ""))
	if strings.ContainsFunc(s, unicode.IsControl) {
		s = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return -1
			}
			return r
		}, s)
	}
	return dialect.Clean(s, limit)
}

// primaryLanguage returns the primary subtag (RFC 5646) of the first language of
// an Accept-Language header, or "".
func primaryLanguage(accept string) string {
	end := strings.IndexAny(accept, "-,;_ ")
	if end < 0 {
		end = len(accept)
	}
	tag := strings.ToLower(accept[:end])
	if len(tag) < 2 || len(tag) > 3 {
		return ""
	}
	for _, c := range []byte(tag) {
		if c < 'a' || c > 'z' {
			return ""
		}
	}
	return tag
}
