package collector

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/privacy/scrub"
	"github.com/fotspor/fotspor/referrer"
)

// hitContext is one hit on its way through the pipeline.
type hitContext struct {
	hit     *hit.Hit
	request *http.Request
	now     time.Time

	site *knownSite
	page *url.URL // without personal data; nil unless the hit names one

	ref string // the referring URL, up to its query
	row *hit.Row

	// Without personal data too.
	campaign, remembered string // queries of campaign parameters
	linking              string // what leads to a page that isn't there: a path of the site, or a host

	absent     bool // the hit stands for a page that isn't there
	unreadable bool // the hit names its page by what is no URL of one
	excluded   bool // the page is on an excluded path, which a rule of the site has marked

	conversions []hit.Row // of the goals that it reaches

	// Where the hit is excluded, and staff are to see that:
	ledger bool
	rule   string // that told a bot
	name   string // of a bot, or a host that is not the site's
}

// step is one station of the pipeline. It fills in what it knows of the row, or
// says why the hit is excluded.
type step struct {
	name string
	do   func(*Collector, *hitContext) reason
}

// anonymous are the steps that see one hit by itself. A person's objection comes
// before anything of the person is worked on, and no step behind scrub sees a text as
// it was sent. The site's own rules come before scrub, which may decode what divides
// a path into segments.
var anonymous = []step{
	{"site", (*Collector).findSite},
	{"objection", (*Collector).objection},
	{"url", (*Collector).readURL},
	{"rules", (*Collector).markPaths},
	{"scrub", (*Collector).scrub},
	{"browser", (*Collector).browser},
	{"page", (*Collector).locate},
	{"referrer", (*Collector).referrer},
	{"geo", (*Collector).geo},
}

// pipeline is the whole way of a hit, read from top to bottom. The policy has the
// last word on what the row says. What has a line in the rollups is decided in two steps: of
// what a visit keeps before the visit, and of what was done once the row is ready.
// Rows of conversions are copies of a row that says all but that: a goal has its line.
var pipeline = append(anonymous[:len(anonymous):len(anonymous)],
	step{"lines", (*Collector).lines},
	step{"goals", (*Collector).goals},
	step{"visit", (*Collector).visit},
	step{"policy", (*Collector).policy},
	step{"conversions", (*Collector).conversions},
	step{"lines of actions", (*Collector).linesOfActions},
)

// reason says why a hit was excluded. It is a label of a metric, and with spaces
// for underscores it is told to the site owner.
type reason string

const (
	kept         reason = ""
	unknownSite  reason = "unknown_site"
	tooOld       reason = "too_old"
	objected     reason = hit.Objection
	bot          reason = hit.IsBot
	prefetched   reason = hit.Prefetched
	noPage       reason = "no_page"
	ownLink      reason = "own_link"
	noTarget     reason = "no_target"
	foreignHost  reason = hit.ForeignHost
	excludedPath reason = hit.ExcludedPath
	spam         reason = hit.ReferrerSpam
	noVisit      reason = "no_visit"
	badRequest   reason = "bad_request"
	badItem      reason = "bad_item"
	bodyMemory   reason = "body_memory"
	bodySlow     reason = "body_slow"
	bodyTooLarge reason = "body_too_large"
	rateLimited  reason = "rate_limited"
	spoolFull    reason = "spool_full"
)

var reasons = []reason{
	unknownSite, tooOld, objected, bot, prefetched, noPage, ownLink, noTarget, foreignHost, excludedPath, spam, noVisit,
	badRequest, badItem, bodyMemory, bodySlow, bodyTooLarge, rateLimited, spoolFull,
}

// String is the reason in words.
func (why reason) String() string { return strings.ReplaceAll(string(why), "_", " ") }

// invalid tells a hit that is wrong from one that is excluded on purpose.
func (why reason) invalid() bool { return why == unknownSite || why == tooOld }

// run sends a hit through steps, until one leaves the hit out.
func (c *Collector) run(p *hitContext, steps []step) reason {
	for _, s := range steps {
		if why := s.do(c, p); why != kept {
			return why
		}
	}
	return kept
}

// findSite finds the site, and settles when the hit happened: now, unless it claims
// an earlier time for which rows are still held.
func (c *Collector) findSite(p *hitContext) reason {
	site, ok := c.Sites.find(p.request.Context(), p.hit.Site)
	if !ok {
		return unknownSite
	}
	h := p.hit
	if h.Time.IsZero() || h.Time.After(p.now) {
		h.Time = p.now
	} else if h.Time.Before(p.now.Add(-recent)) && h.Time.Before(c.Policy.Retention.Cutoff(p.now)) {
		return tooOld
	}
	p.site = site
	p.row.Site, p.row.Kind = site.ID, h.Kind
	p.row.Time = h.Time.UTC().Truncate(time.Second)
	return kept
}

// recent is less than the shortest retention.
const recent = time.Hour

// objection leaves out the hits of a visitor who objects. Those that would have been page
// views are counted in the ledger: that there was one on that day at that site, and nothing
// else.
func (c *Collector) objection(p *hitContext) reason {
	if p.hit.OptedOut || p.hit.Objection && !c.Policy.IgnoreObjection {
		if p.hit.Kind == hit.Pageview && !p.hit.Prefetch && p.onSite() && c.isPerson(p.hit) {
			p.ledger = true
		}
		return objected
	}
	return kept
}

// onSite reports whether the page of a hit is one of the site's. A page that is not told,
// as by the message of our own script, is.
func (p *hitContext) onSite() bool {
	raw := p.hit.URL
	if p.site.cached {
		raw = p.site.withoutCache(raw)
	}
	page, ok := parsePage(raw)
	if !ok {
		return strings.TrimSpace(raw) == ""
	}
	return page.Host == "" || p.site.owns(cleanHost(page))
}

// isPerson reports whether a hit is that of a person, as far as its browser tells. What a
// request says of bots (bots=1) does not matter.
func (c *Collector) isPerson(h *hit.Hit) bool {
	client := c.Browsers.Parse(h.UserAgent, h.Hints)
	return client.Bot == "" || h.Relayed && client.Relays()
}

// scrub takes every text about pages out of the hit, and leaves to the steps behind
// it what is free of personal data: user and password, queries and fragments are
// dropped, but for parameters that the site allows or that name a campaign; what
// looks like a mail or internet address, a number of a person or a key becomes a mark.
// Only the hosts of page and referrer are left as they are, to be known by: locate and
// referrer scrub what they store of them. A link to another host of the same site is
// no way out of it.
func (c *Collector) scrub(p *hitContext) reason {
	h, scrubber := p.hit, p.scrubber()
	p.row.Name, p.row.Value = p.eventName(), h.Value
	if _, ok := scrubber.Value(h.Value); !ok {
		p.row.Value = 0
		if h.Kind == hit.Search {
			p.row.Value = -1 // not known; 0 would be a search without a result
		}
	}
	switch {
	case h.Kind == hit.Outlink && p.site.leadsHome(h.Name):
		return ownLink
	case (h.Kind == hit.Outlink || h.Kind == hit.Download) && p.row.Name == "": // mailto:, tel: and the like
		return noTarget
	}
	page, ok := parsePage(h.URL)
	p.unreadable = !ok && strings.Trim(h.URL, " \t\r\n") != "" && !strings.HasPrefix(strings.TrimSpace(h.URL), "#")
	if ok {
		page.RawQuery = p.cleanQuery(page.RawQuery, p.site.Parameters)
		if strings.Contains(page.Fragment, "=") { // Matomo's links may name a campaign there
			fragment := strings.TrimLeft(page.EscapedFragment(), "?!/")
			page.RawQuery += "&" + p.cleanQuery(fragment, nil)
		}
		path := cleanPath(scrubber, page)
		if page.Path, page.RawPath = p.markPath(page, path), ""; page.Path != path {
			p.excluded = p.excluded || p.site.Excludes(path)
		}
		page.User, page.Fragment, page.RawFragment = nil, "", ""
		p.page = page
	}
	if _, _, p.absent = missing(h.Kind, h.Name); p.absent {
		p.linking = p.linkingPage(h.Referrer)
		if !strings.HasPrefix(p.linking, "/") && c.policyOf(p.site).Record == privacy.Minimal { // which keeps no source
			p.linking = ""
		}
	}
	p.ref = h.Referrer
	if i := strings.IndexAny(p.ref, "?#"); i >= 0 {
		p.ref = p.ref[:i]
	}
	p.campaign, p.remembered = p.cleanQuery(h.Campaign, nil), p.cleanQuery(h.Remembered, nil)
	h.URL, h.Referrer, h.Name, h.Campaign, h.Remembered = "", "", "", "", ""
	return kept
}

// scrubber returns what scrubs the texts of the hit.
func (p *hitContext) scrubber() scrub.Scrubber { return scrub.Scrubber{Sender: p.hit.Addr} }

// browser names the browser, and leaves out what is not a person reading. A program
// that hands on the hits of others is none of their browsers.
func (c *Collector) browser(p *hitContext) reason {
	if p.hit.Prefetch {
		p.ledger = true
		return prefetched
	}
	client := c.Browsers.Parse(p.hit.UserAgent, p.hit.Hints)
	switch {
	case client.Bot == "":
	case p.hit.Bots:
		client = c.Browsers.Parse("", hit.Hints{})
	case p.hit.Relayed && client.Relays():
		client = c.Browsers.Parse("", p.hit.Hints)
	default:
		p.ledger, p.rule, p.name = true, client.Rule, client.Bot
		return bot
	}
	p.row.Browser, p.row.BrowserVersion = client.Browser, client.Version
	p.row.OS, p.row.Device = client.OS, client.Device
	p.row.Language = primaryLanguage(p.hit.Language)
	return kept
}

// locate finds the page among those of the site. What is not a page view may do
// without: a server-side event has no page. A URL that can't be read is none of the
// site's.
func (c *Collector) locate(p *hitContext) reason {
	switch {
	case p.page != nil:
	case p.hit.Kind == hit.Pageview:
		return noPage
	case p.unreadable:
		p.ledger = true
		return foreignHost
	default:
		return kept
	}
	switch host := cleanHost(p.page); {
	case host == "":
		p.row.Host = hostname.Canonical(p.site.Hosts[0])
	case !p.site.Owns(host):
		p.ledger, p.name = true, c.foreignName(p, host)
		return foreignHost
	case slices.Contains(p.site.Hosts, host): // which its owner named
		p.row.Host = host
	default:
		p.row.Host = p.scrubHost(host)
	}
	if p.excluded || p.site.Excludes(p.page.Path) {
		p.ledger = true
		return excludedPath
	}
	p.row.Path = p.pathWithParameters(p.page)
	return kept
}

// referrer names where the visit came from. A host that is known as a source is no
// spam, whatever stands on a list.
func (c *Collector) referrer(p *hitContext) reason {
	host := referrer.Host(p.ref)
	from := c.Sources.Classify(p.landing(p.campaign), p.ref, p.site.inside)
	p.hit.Arrives, p.hit.From = p.arrives(from, host), from.Source
	if from.CampaignSource != "" { // which stands in the place of the website
		p.hit.From = c.Sources.Classify(nil, p.ref, p.site.inside).Source
	}
	if from.Channel == referrer.Direct && p.remembered != "" {
		from = c.Sources.Classify(p.landing(p.remembered), p.ref, p.site.inside)
	}
	switch from.Channel {
	case referrer.Direct, referrer.Search, referrer.Social, referrer.AI:
	default:
		if c.Spam.Has(host) {
			p.ledger = true
			return spam
		}
	}
	p.row.Channel, p.row.Source = from.Channel, p.source(from.Source, host)
	p.row.Campaign, p.row.CampaignSource, p.row.CampaignMedium = from.Campaign, from.CampaignSource, from.CampaignMedium
	p.row.CampaignTerm, p.row.CampaignContent = from.CampaignTerm, from.CampaignContent
	return kept
}

// arrives reports whether a hit, whose source is from and whose referrer is on host, comes
// from outside of the site: as the opening of a page to which a campaign or another website
// leads. A search and a page that isn't there are opened as other pages are. A link on a
// page of the site itself comes from within, whatever parameters it has, and what else is
// done on a page tells again where that page was opened from. An ignored referrer is no
// source, but a campaign that leads through it is one.
func (p *hitContext) arrives(from referrer.Source, host string) bool {
	opened := p.hit.Kind == hit.Pageview || p.hit.Kind == hit.Search || p.absent
	return opened && from.Channel != referrer.Direct && !p.site.owns(host)
}

// landing returns the page with the parameters of a campaign before its own.
func (p *hitContext) landing(campaign string) *url.URL {
	if campaign == "" {
		return p.page
	}
	var page url.URL
	if p.page != nil {
		page = *p.page
	}
	page.RawQuery = campaign + "&" + page.RawQuery
	return &page
}

// source scrubs the name of a source. The host of the referrer that was shortened for it
// is scrubbed before: its labels may have spelled an address.
func (p *hitContext) source(name, host string) string {
	if name == "" {
		return ""
	}
	if len(host) <= len(name) || !strings.HasSuffix(host, name) {
		return p.scrubHost(name)
	}
	return short(p.scrubHost(host))
}

// short returns a host without its first labels if it is too long for the name of one.
func short(host string) string {
	for len(host) > maxSource {
		_, host, _ = strings.Cut(host, ".")
	}
	return host
}

// geo keeps of the address its region, and its network cut as the policy says. A
// country that a sender with a token names counts before that of the address.
func (c *Collector) geo(p *hitContext) reason {
	place := c.Geo.Lookup(p.hit.Addr)
	p.row.Country, p.row.Region = place.Country, place.Region
	if told := c.Geo.Told(p.hit.Country, p.hit.Region); told.Country != "" && (told.Country != place.Country || told.Region != "") {
		p.row.Country, p.row.Region = told.Country, told.Region
	}
	p.row.Network = geo.Cut(p.hit.Addr, c.Policy.Bits4, c.Policy.Bits6)
	return kept
}

// lines decides which values that the hit brings have lines of their own.
func (c *Collector) lines(p *hitContext) reason {
	day := calendar.DayOf(p.hit.Time.In(p.site.Location))
	c.Lines.Arrive(p.hit, p.row, day, c.policyOf(p.site).Record == privacy.Minimal)
	return kept
}

// linesOfActions decides the same of what was done.
func (c *Collector) linesOfActions(p *hitContext) reason {
	c.Lines.Act(p.hit, p.row)
	return kept
}

// goals finds the goals of the site that the hit reaches, in its visit or not for the
// first time. A page that isn't there is none, and a minimal record has none.
func (c *Collector) goals(p *hitContext) reason {
	if len(p.site.Goals) == 0 || p.absent || c.policyOf(p.site).Record == privacy.Minimal {
		return kept
	}
	for _, g := range p.site.Goals {
		if g.Reached(p.row) {
			p.hit.Goals |= 1 << (g.Number - 1)
		}
	}
	return kept
}

func (c *Collector) visit(p *hitContext) reason {
	if !c.Visits.Observe(p.hit, p.row, p.site.Location) {
		return noVisit
	}
	p.markEarlier()
	if p.linking != "" {
		p.row.PreviousPath = p.linking
	}
	return kept
}

func (c *Collector) policy(p *hitContext) reason {
	c.policyOf(p.site).Trim(p.row)
	return kept
}

// conversions makes a row for each goal that the visit has reached now.
func (c *Collector) conversions(p *hitContext) reason {
	if p.hit.Goals == 0 {
		return kept
	}
	for _, g := range p.site.Goals {
		if p.hit.Goals&(1<<(g.Number-1)) != 0 {
			p.conversions = append(p.conversions, p.row.Conversion(g.Name))
		}
	}
	return kept
}

// policyOf returns the policy as it is for one site.
func (c *Collector) policyOf(site *knownSite) privacy.Policy {
	policy := c.Policy
	if site.Record != "" {
		policy.Record = site.Record
	}
	return policy
}

// entry returns what the ledger keeps of a hit that is excluded.
func (p *hitContext) entry(why reason) hit.LedgerEntry {
	return hit.LedgerEntry{
		Site: p.site.ID, Day: calendar.DayOf(p.hit.Time.In(p.site.Location)),
		Reason: string(why), Rule: p.rule, Name: p.name, Count: 1,
	}
}

// Bounds of what is kept of texts, in bytes.
const (
	maxHost = 253 // RFC 1035, as text
	maxPath = 1024
	maxName = 255

	// As package referrer cuts them, which knows of no marks.
	maxCampaign = 100 // characters
	maxSource   = 100
)

// parsePage reads the URL of a page: absolute with http or https, or a path.
func parsePage(raw string) (*url.URL, bool) {
	if page, ok := plainPage(raw); ok {
		return page, true
	}
	raw = wholeParts(strings.TrimSpace(raw))
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

// plainPage reads a URL of which nothing is encoded, as nearly all are, in a third of the
// time of url.Parse: https or http, a host in lower case, a path, perhaps a query.
func plainPage(raw string) (*url.URL, bool) {
	scheme := "https"
	rest, ok := strings.CutPrefix(raw, "https://")
	if !ok {
		scheme = "http"
		rest, ok = strings.CutPrefix(raw, "http://")
	}
	if !ok || len(raw) > scrub.MaxText {
		return nil, false
	}
	slash := 0
	for slash < len(rest) && plainBytes[rest[slash]] == inHost {
		slash++
	}
	if slash == 0 || slash == len(rest) || rest[slash] != '/' {
		return nil, false
	}
	end := slash
	for end < len(rest) && plainBytes[rest[end]] != 0 {
		end++
	}
	query := ""
	if end < len(rest) {
		query = rest[end+1:]
		if rest[end] != '?' || query == "" || !isPlain(query) || strings.IndexByte(query, '#') >= 0 {
			return nil, false
		}
	}
	return &url.URL{Scheme: scheme, Host: rest[:slash], Path: rest[slash:end], RawQuery: query}, true
}

// plainBytes are those that plainPage reads in a path, and in a host.
var plainBytes = func() (table [256]byte) {
	const inPath = 2
	for c := range table {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '.', c == '-':
			table[c] = inHost
		case 'A' <= c && c <= 'Z', c == '/', c == '_', c == '~':
			table[c] = inPath
		}
	}
	return table
}()

const inHost = 1

// wholeParts returns a URL without its end if it was cut off, perhaps amid what must not be
// kept, or what a rule of the site asks for.
func wholeParts(raw string) string {
	if len(raw) <= scrub.MaxText {
		return raw
	}
	return raw[:max(0, strings.LastIndexAny(raw[:scrub.MaxText], "/?#&"))]
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

// eventName returns what is kept of the name of a hit. The parts of an event's name are
// one text, and are looked at once more as what they make together.
func (p *hitContext) eventName() string {
	name := p.hit.Name
	if p.hit.Kind == hit.Outlink || p.hit.Kind == hit.Download {
		name = p.linkName(name)
	} else if status, path, ok := missing(p.hit.Kind, name); ok {
		name = status + " / " + p.linkName(path)
	} else if name = p.cleanText(name); p.hit.Kind == hit.Event || p.hit.Kind == hit.Search {
		const between = " / "
		if parts := strings.SplitN(name, between, maxParts); p.scrubber().Parts(parts) {
			name = strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), between)
		}
	}
	return strings.TrimSpace(scrub.Cut(name, maxName))
}

// maxParts is how many parts the name of an event has: category, action and name.
const maxParts = 3

// linkName returns what is kept of the target of a link, host and path: a query may
// say who followed it.
func (p *hitContext) linkName(raw string) string {
	target, ok := parsePage(raw)
	if !ok {
		return ""
	}
	return p.scrubHost(cleanHost(target)) + p.markPath(target, cleanPath(p.scrubber(), target))
}

// cleanHost returns the canonical host of a page, without user and port. It is not
// scrubbed.
func cleanHost(page *url.URL) string {
	return scrub.Cut(cleanText(hostname.Canonical(page.Hostname())), maxHost)
}

// scrubHost returns a canonical host without personal data, which its encoding may hide.
func (p *hitContext) scrubHost(host string) string {
	decoded := hostname.Unicode(host)
	if scrubbed := p.scrubber().Host(decoded); scrubbed != decoded {
		return scrubbed
	}
	return host
}

// pathParameters are what a server may append to a segment of a path, such as
// ;jsessionid=…
var pathParameters = regexp.MustCompile(`;[^/]*`)

// cleanPath returns the path of a page as people read it, without personal data and
// the parameters of its segments, not yet cut.
func cleanPath(scrubber scrub.Scrubber, page *url.URL) string {
	path := page.Path
	if strings.Contains(path, ";") {
		path = withoutParameters(page.EscapedPath())
	}
	path = cleanText(path)
	if i := strings.IndexAny(path, "?#"); i >= 0 && strings.IndexByte(path[i:], '=') > 0 { // a query that was escaped
		path = path[:i]
	}
	if path = strings.TrimSpace(scrubber.Path(path)); path == "" {
		return "/"
	}
	return path
}

// withoutParameters takes the parameters of its segments from an escaped path, and
// decodes what is left.
func withoutParameters(escaped string) string {
	escaped = pathParameters.ReplaceAllString(escaped, "")
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return escaped
	}
	return path
}

// cleanText returns s as valid UTF-8 in Unicode's form C without control characters.
func cleanText(s string) string {
	if isPlain(s) {
		return s // as nearly all hosts and paths are
	}
	s = norm.NFC.String(strings.TrimSpace(dialect.Text(s)))
	if strings.ContainsFunc(s, unicode.IsControl) {
		s = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return -1
			}
			return r
		}, s)
	}
	return s
}

// isPlain reports whether s is printable ASCII without spaces.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
