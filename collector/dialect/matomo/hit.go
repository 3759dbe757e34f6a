package matomo

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/hit"
)

const (
	// lateness is the largest age that a hit may claim (cdt, cdo) without a token.
	lateness = 24 * time.Hour
	// plausible is the age beyond which a time is taken for a mistake.
	plausible = 20 * 365 * 24 * time.Hour

	maxGoal         = 1_000_000 // more than any site has; larger numbers are not goals
	visitorIDLength = 16
	maxHints        = 4096 // bytes of uadata
)

var (
	errSite    = errors.New("idsite: want the number of a site, from 1")
	errVisitor = errors.New("cid: want 16 hexadecimal digits")
	errOld     = errors.New("cdt: a time more than 24 hours ago needs a token_auth")
	errAddress = errors.New("cip: want an IP address") // without the value, which is a visitor's address
	errTime    = errors.New("cdt: want Unix seconds, a date and time such as 2026-03-01T11:00:00Z, or an offset such as -3 hours, within 20 years")
	errOffset  = errors.New("cdo: want a number of seconds, within 20 years")
)

// apply sets the fields of h from the parameters; those from headers are set already. It
// reports whether there is anything to record. It returns an error for a request that Matomo
// answers with 400. The checks are in the same order as Matomo's.
func (d Dialect) apply(h *hit.Hit, p *params, referer string) (keep bool, err error) {
	var ok bool
	if h.Site, ok = dialect.Site(p.idsite); !ok {
		return false, errSite
	}
	asked, err := d.privileges(h, p)
	if err != nil {
		return false, err
	}
	if !isOn(p.rec) || p.recMode == "1" { // recMode=1: the hit is of an AI bot, not of a visitor
		return false, nil
	}
	if p.visitor != "" && len(p.visitor) != visitorIDLength {
		return false, errVisitor
	}
	if p.objection == "1" {
		if !d.CountObjections {
			return false, nil
		}
		h.OptedOut = true
	}
	p.decode()
	page := p.url
	if page == "" && p.urlref == "" {
		page = referer
	}
	h.URL = dialect.PageURL(page)
	if p.ignoreReferrer != "1" {
		h.Referrer = dialect.Clean(p.urlref, dialect.MaxURL)
	}
	h.NewVisit, h.Bots = isOn(p.newVisit), isOn(p.bots)
	p.campaigns(h)
	p.sender(h)
	if p.token != "" && !h.Relayed && p.userAgent == "" {
		h.Relayed = asked || d.allowed(p.token, h.Site)
	}
	return p.what(h), nil
}

// campaigns sets the campaign that the parameters name, and the one that a tracker
// remembers.
func (p *params) campaigns(h *hit.Hit) {
	h.Campaign = dialect.Clean(p.campaign, dialect.MaxURL)
	if p.rememberedCampaign == "" {
		return
	}
	h.Remembered = "mtm_campaign=" + url.QueryEscape(dialect.Clean(p.rememberedCampaign, dialect.MaxText))
	if p.rememberedTerm != "" {
		h.Remembered += "&mtm_kwd=" + url.QueryEscape(dialect.Clean(p.rememberedTerm, dialect.MaxText))
	}
}

// privileges sets time and place of the hit, if the sender may set them. It reports whether
// this required a token and the token allows it.
func (d Dialect) privileges(h *hit.Hit, p *params) (allowed bool, err error) {
	old := false
	if p.time != "" || p.timeOffset != "" {
		now := d.now()
		if h.Time, err = p.when(now); err != nil {
			return false, err
		}
		old = !h.Time.IsZero() && now.Sub(h.Time) > lateness
	}
	switch name := p.privileged(); {
	case name == "" && !old:
		return false, nil
	case d.allowed(p.token, h.Site):
		return true, p.place(h)
	case name != "":
		return false, fmt.Errorf("%s: needs a token_auth", name)
	}
	return false, errOld
}

// place sets the address, country and region of the parameters. The collector checks country
// and region later. City, lat and long are not used, since they are never kept.
func (p *params) place(h *hit.Hit) error {
	switch p.address {
	case "", "0":
	case "-": // a log without addresses: not the address of the sender of the log
		h.Addr = hit.NewAddr(netip.IPv4Unspecified())
	default:
		addr, err := netip.ParseAddr(strings.TrimSpace(p.address))
		if err != nil {
			return errAddress
		}
		h.Addr = hit.NewAddr(addr)
	}
	if p.country == "" {
		return nil
	}
	h.Country, h.Region = strings.ToUpper(p.country), strings.ToUpper(p.region)
	if h.Region != "" && !strings.HasPrefix(h.Region, h.Country+"-") { // Matomo sends regions without the country
		h.Region = h.Country + "-" + h.Region
	}
	return nil
}

// unknownAgents are what programs write in place of a User-Agent that they do not know, in
// lower case and without brackets.
var unknownAgents = map[string]bool{
	"": true, "-": true, "--": true, "?": true, "0": true, "null": true, "nil": true, "none": true, "undefined": true, "unknown": true, "n/a": true, "na": true, "nan": true,
	"false": true, "empty": true, "not set": true, "not available": true, "no user agent": true, "no user-agent": true, "unknown user agent": true, "unknown user-agent": true,
	"unknown browser": true, "object object": true,
}

// isUnknownAgent reports whether a text stands for a User-Agent that its sender does not know.
func isUnknownAgent(agent string) bool {
	if len(agent) > len("(unknown user-agent)") {
		return false
	}
	return unknownAgents[strings.ToLower(strings.Trim(agent, " ()<>[]\t"))]
}

// sender sets what the parameters say of the browser in place of the headers. A log
// says - for nothing, some write quotes around it, and that of IIS + for a space.
func (p *params) sender(h *hit.Hit) {
	for p.userAgent = strings.TrimSpace(p.userAgent); ; {
		inner := strings.Trim(p.userAgent, " ")
		if n := len(inner); n < 2 || inner[0] != inner[n-1] || inner[0] != '"' && inner[0] != '\'' {
			break
		}
		p.userAgent = strings.TrimSpace(inner[1 : len(inner)-1])
	}
	if isUnknownAgent(p.userAgent) {
		p.userAgent = ""
	}
	if strings.Contains(p.userAgent, "+(") && !strings.Contains(p.userAgent, " ") {
		p.userAgent = strings.ReplaceAll(p.userAgent, "+", " ")
	}
	h.Relayed = p.bulk && p.userAgent == ""
	if p.userAgent != "" {
		h.UserAgent = dialect.Clean(p.userAgent, dialect.MaxText)
		h.Hints = hit.Hints{} // the headers' are those of another program
	}
	if h.Hints == (hit.Hints{}) { // else a browser said the same in its headers
		hints := p.hints
		if p.hintsEscaped {
			hints = dialect.Unescape(hints)
		}
		h.Hints = parseHints(hints)
	}
	if p.language != "" {
		h.Language = dialect.Clean(p.language, dialect.MaxText)
	}
}

// what sets the kind of the hit, its name and value. It reports whether hits of the kind are
// kept.
func (p *params) what(h *hit.Hit) bool {
	goal := whole(p.goal)
	category, action := text(p.category), text(p.action)
	switch {
	case isOn(p.ping):
		h.Kind = hit.Ping
	case goal > maxGoal:
		return false
	case goal > 0:
		p.event(h, p.revenue, "goal", strconv.Itoa(goal))
	case goal == 0: // an order or a cart
		return false
	case category != "" && action != "":
		p.event(h, p.value, category, action, p.name)
	case p.action != "" && p.category == "": // an event of our own script
		if action == "" {
			return false
		}
		if !strings.Contains(action, " / ") {
			action = "event / " + action
		}
		p.event(h, p.value, action)
	case p.link != "":
		h.Kind, h.Name, h.OwnLink = hit.Outlink, dialect.Clean(onSite(p.link, h.URL), dialect.MaxURL), p.ownLink == "1"
	case p.download != "":
		h.Kind, h.Name = hit.Download, dialect.Clean(onSite(p.download, h.URL), dialect.MaxURL)
	case text(p.search) != "":
		p.searched(h)
	case p.contentInteraction != "":
		p.event(h, "", "content", p.contentInteraction, p.contentName)
	case p.contentName != "":
		p.event(h, "", "content", "shown", p.contentName)
		h.Passive = true
	case isOn(p.custom): // a request of a plug-in: never a page view
		return false
	case p.missing(h):
	default:
		h.Kind = hit.Pageview
		h.Title = dialect.Clean(cmp.Or(p.ownTitle, p.plainTitle()), dialect.MaxURL)
	}
	return true
}

// onSite returns the address of what a link leads to, which may be a path on the host of a
// page. What the page made itself (blob:, data:) gets the path /download there, since its
// address may hold it whole.
func onSite(file, page string) string {
	if made.MatchString(file) {
		file = "/download"
	}
	scheme, rest, ok := strings.Cut(page, "://")
	if !ok || !strings.HasPrefix(file, "/") || strings.HasPrefix(file, "//") {
		return file
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return scheme + "://" + rest + file
}

var made = regexp.MustCompile(`^\s*(?i:blob|data):`)

// searched makes h a search. Its value is the number of results, or -1 if the tracker does
// not send it.
func (p *params) searched(h *hit.Hit) {
	h.Kind, h.Name, h.Value = hit.Search, dialect.SearchName(text(p.search), text(p.searchCategory)), float64(whole(p.searchCount))
}

// event makes h an event whose name consists of parts, such as "Video / Play / Intro".
func (*params) event(h *hit.Hit, value string, parts ...string) {
	name := parts[:0]
	for _, part := range parts {
		if part = text(part); part != "" {
			name = append(name, part)
		}
	}
	h.Kind = hit.Event
	h.Name = dialect.Clean(strings.Join(name, " / "), dialect.MaxURL)
	h.Value = number(value)
}

// text returns a name as it can be kept. It may be "", since strangers send bytes that are
// not text.
func text(s string) string { return strings.TrimSpace(dialect.Clean(s, dialect.MaxURL)) }

// number reads a finite number; anything else is 0.
func number(s string) float64 {
	if s == "" { // the usual case; an error would take memory
		return 0
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return 0
	}
	return f
}

// isOn reports whether a switch is on: Matomo takes any whole number but 0.
func isOn(s string) bool {
	if s == "" || s == "1" { // as mostly
		return s == "1"
	}
	n, err := strconv.Atoi(strings.TrimSpace(s))
	return err == nil && n != 0
}

// whole reads a whole number from 0; anything else is -1.
func whole(s string) int {
	if s == "" {
		return -1
	}
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return -1
	}
	return max(n, -1)
}

// parseHints converts uadata, the contents of navigator.userAgentData, to the form of the
// headers of https://wicg.github.io/ua-client-hints/. It ignores what it can't read.
func parseHints(uadata string) hit.Hints {
	if len(uadata) <= len("{}") || len(uadata) > maxHints {
		return hit.Hints{}
	}
	type brand struct{ Brand, Version string }
	var data struct {
		Brands, FullVersionList []brand
		Mobile                  any
		Platform                string
	}
	if json.Unmarshal([]byte(uadata), &data) != nil {
		return hit.Hints{}
	}
	brands := data.Brands
	if len(brands) == 0 {
		brands = data.FullVersionList
	}
	if len(brands) == 0 && data.Platform == "" {
		return hit.Hints{}
	}
	list := make([]string, len(brands))
	for i, b := range brands {
		major, _, _ := strings.Cut(b.Version, ".")
		list[i] = quote(b.Brand) + ";v=" + quote(major)
	}
	hints := hit.Hints{Brands: dialect.Clean(strings.Join(list, ", "), dialect.MaxText)}
	if mobile, ok := data.Mobile.(bool); ok {
		hints.Mobile = "?0"
		if mobile {
			hints.Mobile = "?1"
		}
	}
	if data.Platform != "" {
		hints.Platform = dialect.Clean(quote(data.Platform), dialect.MaxText)
	}
	return hints
}

// quote returns s as a string of RFC 9651, without the characters that it can't hold.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		if c == '"' || c == '\\' {
			b.WriteByte('\\')
		}
		if ' ' <= c && c <= '~' {
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
