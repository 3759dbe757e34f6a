package collector

import (
	"net/http"
	"net/netip"
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
	memory  *scrub.Memory // of texts that hold nothing

	site   *knownSite
	policy privacy.Policy // for the site, when the hit came
	page   *url.URL       // without personal data; nil unless the hit names one
	read   url.URL        // what page points at, mostly

	ref string // the referring URL, up to its query
	row *hit.Row

	// Without personal data too:
	campaign, remembered string // queries of campaign parameters
	linking              string // the page with the link to a missing page: a path of the site, or a host

	absent     bool // the hit is the event of a missing page
	unreadable bool // the URL of the page can't be read
	excluded   bool // the page was on an excluded path before a path rule changed the path

	conversions []hit.Row // rows of the goals that the hit reaches

	title         string // of the page, without personal data; after the last step only a title to store
	titleVisitors uint8  // how many visitors have seen a title to store

	// Set if the hit is excluded and staff are to see that:
	ledger bool   // the hit gets a ledger entry
	rule   string // the rule that recognised a bot
	name   string // the name of a bot, or a host that is not the site's
}

// step is one step of the pipeline. It fills in its fields of the row, or returns why the
// hit is excluded.
type step struct {
	name string
	do   func(*Collector, *hitContext) reason
}

// anonymous are the steps that see one hit by itself. An objection is checked before
// personal data are processed. Steps after scrub see no text as it was sent. The site's
// path rules come before scrub, because scrub may decode slashes that divide a path into
// segments.
var anonymous = []step{
	{"site", (*Collector).findSite},
	{"objection", (*Collector).objection},
	{"url", (*Collector).readURL},
	{"rules", (*Collector).markPaths},
	{"scrub", (*Collector).scrub},
	{"browser", (*Collector).browser},
	{"page", (*Collector).locate},
	{"network", (*Collector).network},
	{"referrer", (*Collector).referrer},
	{"geo", (*Collector).geo},
	{"others", (*Collector).noOthers},
}

// pipeline is all steps of a hit, from top to bottom. The step policy removes from the row
// what the policy does not keep. Two steps decide which values have their own lines in
// the rollups: lines does it before the visit, for the values that a visit keeps;
// linesOfActions does it last, for what the hit itself did. The row of a conversion is a
// copy of the row before that last step, because a goal always has a line.
var pipeline = append(anonymous[:len(anonymous):len(anonymous)],
	step{"lines", (*Collector).lines},
	step{"goals", (*Collector).goals},
	step{"visit", (*Collector).visit},
	step{"policy", (*Collector).policy},
	step{"conversions", (*Collector).conversions},
	step{"lines of actions", (*Collector).linesOfActions},
	step{"title", (*Collector).keepTitle},
)

// reason is why a hit was excluded. It is the label of a metric and, with spaces for
// underscores, in the X-Fotspor header for site owners.
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
	ownNetwork   reason = hit.ExcludedNetwork
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
	unknownSite, tooOld, objected, bot, prefetched, noPage, ownLink, noTarget, foreignHost, excludedPath, ownNetwork, spam, noVisit,
	badRequest, badItem, bodyMemory, bodySlow, bodyTooLarge, rateLimited, spoolFull,
}

// String returns the reason in words.
func (why reason) String() string { return strings.ReplaceAll(string(why), "_", " ") }

// invalid reports whether the hit is wrong, as opposed to excluded on purpose.
func (why reason) invalid() bool { return why == unknownSite || why == tooOld }

// run runs the steps for a hit until one excludes it.
func (c *Collector) run(p *hitContext, steps []step) reason {
	for _, s := range steps {
		if why := s.do(c, p); why != kept {
			return why
		}
	}
	return kept
}

// findSite finds the site, and sets the time of the hit: now, unless the hit claims an
// earlier time whose rows are still within the retention.
func (c *Collector) findSite(p *hitContext) reason {
	site, ok := c.Sites.find(p.request.Context(), p.hit.Site)
	if !ok {
		return unknownSite
	}
	p.policy = c.policyOf(site)
	h := p.hit
	if h.Time.IsZero() || h.Time.After(p.now) {
		h.Time = p.now
	} else if h.Time.Before(p.now.Add(-recent)) && h.Time.Before(p.policy.Retention.Cutoff(p.now)) {
		return tooOld
	}
	p.site = site
	p.row.Site, p.row.Kind = site.ID, h.Kind
	p.row.Time = h.Time.UTC().Truncate(time.Second)
	return kept
}

// recent is the age up to which no retention is checked. It is less than the shortest one.
const recent = time.Hour

// objection excludes the hits of a visitor who objects. Those that would have been page
// views are counted in the ledger, by day and site and nothing else.
func (c *Collector) objection(p *hitContext) reason {
	if p.hit.OptedOut || p.hit.Objection && !p.policy.IgnoreObjection {
		if p.hit.Kind == hit.Pageview && !p.hit.Prefetch && p.onSite() && c.isPerson(p.hit) {
			p.ledger = true
		}
		return objected
	}
	return kept
}

// onSite reports whether the page of a hit is one of the site's. A hit without a page
// counts as one, as our own script's message on an objection does.
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

// isPerson reports whether a hit comes from a person, judged by its browser. It ignores
// bots=1 in the request.
func (c *Collector) isPerson(h *hit.Hit) bool {
	client := c.Browsers.Parse(h.UserAgent, h.Hints)
	return client.Bot == "" || h.Relayed && client.Relays()
}

// scrub removes every text about pages from the hit, and passes on to later steps what is
// free of personal data. User and password, queries and fragments are dropped, except
// parameters that the site allows or that name a campaign. Texts that look like a mail or
// internet address, a number of a person or a key become marks. Only the hosts of page
// and referrer are unchanged, since later steps must recognise them: locate and referrer
// scrub what they store of them. scrub excludes a link to another host of the same site,
// because it is no outlink unless the page says so.
func (c *Collector) scrub(p *hitContext) reason {
	h, scrubber := p.hit, p.scrubber()
	p.row.Name, p.row.Value = p.eventName(), h.Value
	if _, ok := scrubber.Value(h.Value); !ok {
		p.row.Value = 0
		if h.Kind == hit.Search {
			p.row.Value = -1 // unknown; 0 would be a search without a result
		}
	}
	switch {
	case h.Kind == hit.Outlink && !h.OwnLink && p.site.leadsHome(h.Name):
		return ownLink
	case (h.Kind == hit.Outlink || h.Kind == hit.Download) && p.row.Name == "": // mailto:, tel: and the like
		return noTarget
	}
	page, ok := &p.read, false
	if p.read, ok = plainPage(h.URL); !ok {
		page, ok = parsePage(h.URL)
	}
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
	if h.Kind == hit.Pageview && p.policy.KeepsTitles() {
		p.title = p.cleanTitle(h.Title)
	}
	if _, _, p.absent = missing(h.Kind, h.Name); p.absent {
		p.linking = p.linkingPage(h.Referrer)
		if !strings.HasPrefix(p.linking, "/") && p.policy.Record == privacy.Minimal { // minimal records have no source
			p.linking = ""
		}
	}
	p.ref = h.Referrer[:beforeQuery(h.Referrer)]
	p.campaign, p.remembered = p.cleanQuery(h.Campaign, nil), p.cleanQuery(h.Remembered, nil)
	h.URL, h.Title, h.Referrer, h.Name, h.Campaign, h.Remembered = "", "", "", "", "", ""
	return kept
}

// scrubber returns the Scrubber for the texts of the hit.
func (p *hitContext) scrubber() scrub.Scrubber {
	return scrub.Scrubber{Sender: p.hit.Addr, Memory: p.memory}
}

// browser sets the browser, and excludes bots and prefetches. A program that relays the
// hits of others is not taken for their browser.
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

// locate checks that the page is one of the site's, and sets host and path. Hits other
// than page views may have no page, as events from a server. A page whose URL can't be
// read is not the site's.
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
	case slices.Contains(p.site.Hosts, host): // not scrubbed: the site's owner entered it
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

// network excludes hits from networks that the site does not count.
func (c *Collector) network(p *hitContext) reason {
	if len(p.site.Networks) == 0 {
		return kept
	}
	from := geo.Network(p.hit.Addr, geo.MaxBits4, geo.MaxBits6)
	if from.IsValid() && slices.ContainsFunc(p.site.Networks, func(own netip.Prefix) bool { return own.Contains(from.Addr()) }) {
		p.ledger = true
		return ownNetwork
	}
	return kept
}

// referrer sets where the visit came from, and excludes referrer spam. A host that is a
// known source is never spam, even if it is on the list of spam.
func (c *Collector) referrer(p *hitContext) reason {
	host, lists := referrer.Host(p.ref), c.lists.Load()
	from := lists.sources.Classify(p.landing(p.campaign), p.ref, p.site.inside)
	p.hit.Arrives, p.hit.From = p.arrives(from, host), from.Source
	if from.CampaignSource != "" { // Source is then that of the campaign, not the website
		p.hit.From = lists.sources.Classify(nil, p.ref, p.site.inside).Source
	}
	if from.Channel == referrer.Direct && p.remembered != "" {
		from = lists.sources.Classify(p.landing(p.remembered), p.ref, p.site.inside)
	}
	switch from.Channel {
	case referrer.Direct, referrer.Search, referrer.Social, referrer.AI:
	default:
		if lists.spam.Has(host) {
			p.ledger = true
			return spam
		}
	}
	p.row.Channel, p.row.Source = from.Channel, p.source(from.Source, host)
	p.row.Campaign, p.row.CampaignSource, p.row.CampaignMedium = from.Campaign, from.CampaignSource, from.CampaignMedium
	p.row.CampaignTerm, p.row.CampaignContent = from.CampaignTerm, from.CampaignContent
	return kept
}

// arrives reports whether a hit with source from and a referrer on host comes from outside
// of the site: whether it opens a page to which a campaign or another website led. Searches
// and missing pages are opened like other pages. Other hits repeat the referrer with which
// their page was opened, so they never arrive. A link on a page of the site itself never
// arrives, with any parameters. An ignored referrer is no source, but a campaign
// whose link leads over it is one.
func (p *hitContext) arrives(from referrer.Source, host string) bool {
	opened := p.hit.Kind == hit.Pageview || p.hit.Kind == hit.Search || p.absent
	return opened && from.Channel != referrer.Direct && !p.site.owns(host)
}

// landing returns the page with the parameters of a campaign in front of its query.
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

// source scrubs the name of a source. If the name is the shortened host of the referrer,
// the whole host is scrubbed: its labels together may spell an address.
func (p *hitContext) source(name, host string) string {
	if name == "" {
		return ""
	}
	if len(host) <= len(name) || !strings.HasSuffix(host, name) {
		return p.scrubHost(name)
	}
	return short(p.scrubHost(host))
}

// short removes labels from the front of a host until it is at most maxSource bytes.
func short(host string) string {
	for len(host) > maxSource {
		_, host, _ = strings.Cut(host, ".")
	}
	return host
}

// geo sets the region of the address, and its network cut as the policy says. A country
// that a sender with a token names replaces that of the address.
func (c *Collector) geo(p *hitContext) reason {
	place := c.Geo.Lookup(p.hit.Addr)
	p.row.Country, p.row.Region = place.Country, place.Region
	if told := c.Geo.Told(p.hit.Country, p.hit.Region); told.Country != "" && (told.Country != place.Country || told.Region != "") {
		p.row.Country, p.row.Region = told.Country, told.Region
	}
	p.row.Network = geo.Cut(p.hit.Addr, p.policy.Bits4, p.policy.Bits6)
	return kept
}

// noOthers takes hit.Others out of the texts of the row. The rollups alone write it, for values
// without a line. Sent in several layers of encoding, it may have come out of scrub.
func (c *Collector) noOthers(p *hitContext) reason {
	for _, at := range freeTexts {
		c.noOther(at(p.row))
	}
	c.noOther(&p.linking)
	c.noOther(&p.title)
	return kept
}

func (c *Collector) noOther(text *string) {
	if strings.IndexByte(*text, '[') >= 0 {
		c.countMarks(*text)
		*text = strings.ReplaceAll(*text, hit.Others, "("+strings.Trim(hit.Others, "[]")+")")
	}
}

// freeTexts return the texts of a row that a sender may have chosen.
var freeTexts = func() (all []func(*hit.Row) *string) {
	for _, f := range hit.Fields {
		if f.Free() {
			all = append(all, f.At.(func(*hit.Row) *string))
		}
	}
	return all
}()

// lines decides which values of the hit that a visit keeps have their own lines.
func (c *Collector) lines(p *hitContext) reason {
	day := calendar.DayOf(p.hit.Time.In(p.site.Location))
	c.Lines.Arrive(p.hit, p.row, day, p.policy.Record == privacy.Minimal)
	return kept
}

// linesOfActions decides the same for the values of the hit's own action.
func (c *Collector) linesOfActions(p *hitContext) reason {
	c.Lines.Act(p.hit, p.row)
	return kept
}

// goals finds the goals of the site that the hit reaches, also those that its visit has
// reached before. Missing pages reach none, and minimal records have none.
func (c *Collector) goals(p *hitContext) reason {
	if len(p.site.Goals) == 0 || p.absent || p.policy.Record == privacy.Minimal {
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
	if p.absent {
		p.missedFrom()
	}
	return kept
}

// missedFrom sets the page before a missing page: the one that links to it, or else the one
// seen before. That is never the missing page itself, which is its own referrer where it was
// loaded again, or where an application changed the address first.
func (p *hitContext) missedFrom() {
	_, missed, _ := missing(p.hit.Kind, p.row.Name)
	isItself := func(path string) bool { return path == missed || path == p.row.Path }
	if p.linking != "" && !isItself(p.linking) {
		p.row.PreviousPath = p.linking
	} else if isItself(p.row.PreviousPath) {
		p.row.PreviousPath = ""
	}
}

func (c *Collector) policy(p *hitContext) reason {
	p.policy.Trim(p.row)
	return kept
}

// conversions makes a row for each goal that the visit reaches with this hit.
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

// policyOf returns the policy in force for one site.
func (c *Collector) policyOf(site *knownSite) privacy.Policy { return c.inForce.Load().Of(site.Own()) }

// entry returns the ledger entry of an excluded hit.
func (p *hitContext) entry(why reason) hit.LedgerEntry {
	return hit.LedgerEntry{
		Site: p.site.ID, Day: calendar.DayOf(p.hit.Time.In(p.site.Location)),
		Reason: string(why), Rule: p.rule, Name: p.name, Count: 1,
	}
}

// Bounds of the texts of rows, in bytes where no other unit is given.
const (
	maxHost = 253 // RFC 1035, as text
	maxPath = 1024
	maxName = 255 // of titles, too

	// The same as in package referrer, which can't take care of marks when it cuts.
	maxCampaign = 100 // characters
	maxSource   = 100
)

// parsePage reads the URL of a page: absolute with http or https or without a scheme, as in
// //example.org/page, or a path.
func parsePage(raw string) (*url.URL, bool) {
	if page, ok := plainPage(raw); ok {
		return &page, true
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
	case (page.Scheme == "http" || page.Scheme == "https" || page.Scheme == "") && page.Host != "":
	case page.Scheme == "" && page.Host == "" && strings.HasPrefix(page.Path, "/"):
	default:
		return nil, false
	}
	return page, true
}

// plainPage reads a URL without encoded characters, as nearly all are, in a third of the
// time of url.Parse: https or http, a host in lower case, a path, perhaps a query.
func plainPage(raw string) (page url.URL, ok bool) {
	scheme := "https"
	rest, ok := strings.CutPrefix(raw, "https://")
	if !ok {
		scheme = "http"
		rest, ok = strings.CutPrefix(raw, "http://")
	}
	if !ok || len(raw) > scrub.MaxText {
		return url.URL{}, false
	}
	slash := 0
	for slash < len(rest) && plainBytes[rest[slash]] == inHost {
		slash++
	}
	if slash == 0 || slash == len(rest) || rest[slash] != '/' {
		return url.URL{}, false
	}
	end := slash
	for end < len(rest) && plainBytes[rest[end]] != 0 {
		end++
	}
	query := ""
	if end < len(rest) {
		query = rest[end+1:]
		if rest[end] != '?' || query == "" || !isPlain(query) || strings.IndexByte(query, '#') >= 0 {
			return url.URL{}, false
		}
	}
	return url.URL{Scheme: scheme, Host: rest[:slash], Path: rest[slash:end], RawQuery: query}, true
}

// plainBytes says for each byte whether plainPage reads it in paths only, or in hosts too.
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

// wholeParts returns a URL without its last part if the dialect has cut it in that part: a
// fragment of a text can't be recognised as personal data, or by a rule of the site.
func wholeParts(raw string) string {
	if len(raw) <= scrub.MaxText {
		return raw
	}
	return raw[:max(0, strings.LastIndexAny(raw[:scrub.MaxText], "/?#&"))]
}

// mendEscapes encodes each % that begins no escape: browsers do not encode it, and a URL
// that was cut may end in the middle of an escape.
func mendEscapes(raw string) string {
	parts := strings.Split(raw, "%")
	for i, part := range parts[1:] {
		if !escape.MatchString(part) {
			parts[i+1] = "25" + part
		}
	}
	return strings.Join(parts, "%")
}

// escape matches what follows the % of an escape.
var escape = regexp.MustCompile(`^[0-9A-Fa-f]{2}`)

// eventName returns the name of a hit as it is stored. The parts of an event's name are
// scrubbed once more together, because personal data may be divided among them.
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

// parseTarget reads the URL of what a link leads to: that of a page, or of a file on a server
// of files.
func parseTarget(raw string) (*url.URL, bool) {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(raw), "://")
	if ok && (strings.EqualFold(scheme, "ftp") || strings.EqualFold(scheme, "ftps") || strings.EqualFold(scheme, "sftp")) {
		raw = "https://" + rest
	}
	return parsePage(raw)
}

// linkName returns host and path of the target of a link. The query is dropped, since it
// may say who followed the link.
func (p *hitContext) linkName(raw string) string {
	target, ok := parseTarget(raw)
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

// scrubHost returns a canonical host without personal data: each label stays in ASCII or
// becomes a mark. It looks at the decoded host, since an encoding may hide them.
func (p *hitContext) scrubHost(host string) string {
	decoded := hostname.Unicode(host)
	scrubbed := p.scrubber().Host(decoded)
	if scrubbed == decoded {
		return host
	}
	labels := strings.Split(scrubbed, ".")
	for i, label := range labels {
		if !strings.Contains(label, "[") {
			labels[i] = hostname.Canonical(label)
		}
	}
	return strings.Join(labels, ".")
}

// pathParameters matches parameters that a server may append to a segment of a path, such
// as ;jsessionid=…
var pathParameters = regexp.MustCompile(`;[^/]*`)

// cleanPath returns the path of a page, decoded, scrubbed and without the parameters of
// its segments, but not cut.
func cleanPath(scrubber scrub.Scrubber, page *url.URL) string {
	path := page.Path
	if strings.Contains(path, ";") {
		path = withoutParameters(page.EscapedPath())
	}
	path = cleanText(path)
	if i := beforeQuery(path); strings.IndexByte(path[i:], '=') > 0 { // a query that was escaped
		path = path[:i]
	}
	if path = strings.TrimSpace(scrubber.Path(path)); path == "" {
		return "/"
	}
	return path
}

// beforeQuery returns how many bytes of a URL or path are before its query and fragment. It
// takes a fraction of the time of strings.IndexAny.
func beforeQuery(s string) int {
	if i := strings.IndexByte(s, '?'); i >= 0 {
		s = s[:i]
	}
	if i := strings.IndexByte(s, '#'); i >= 0 {
		return i
	}
	return len(s)
}

// withoutParameters returns an escaped path decoded and without the parameters of its
// segments.
func withoutParameters(escaped string) string {
	escaped = pathParameters.ReplaceAllString(escaped, "")
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return escaped
	}
	return path
}

// cleanText returns s as valid UTF-8 in Unicode's form C without control characters, nor
// those that turn the text after them round (Bidi_Control of Unicode's annex 9). What reads as
// a mark of the program gets round brackets.
func cleanText(s string) string {
	if isPlain(s) {
		return scrub.Unmark(s) // nearly all hosts and paths
	}
	s = norm.NFC.String(strings.TrimSpace(dialect.Text(s)))
	controls := func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }
	if strings.ContainsFunc(s, controls) {
		s = strings.Map(func(r rune) rune {
			if controls(r) {
				return -1
			}
			return r
		}, s)
	}
	return scrub.Unmark(s)
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
