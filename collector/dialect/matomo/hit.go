package matomo

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/hit"
)

const (
	// lateness is how old a hit may say to be (cdt, cdo) without a token.
	lateness = 24 * time.Hour
	// plausible is the age beyond which a time is a mistake and is not believed.
	plausible = 20 * 365 * 24 * time.Hour

	// farAway is beyond every time that is believed, in Unix seconds.
	farAway = 1e11

	maxGoal         = 1_000_000 // more than any site has; a larger number is of something else
	visitorIDLength = 16
	maxHints        = 4096 // bytes of uadata
)

var (
	errSite    = errors.New("idsite: want the number of a site, from 1")
	errVisitor = errors.New("cid: want 16 hexadecimal digits")
	errOld     = errors.New("cdt: a time more than 24 hours ago needs a token_auth")
	errAddress = errors.New("cip: want an IP address") // never with the value: it is a visitor's
)

// apply sets in h, which holds what the headers say, what the parameters say.
// It reports whether there is anything to record. An error says why the request
// is one that Matomo answers with 400; the order of the checks is Matomo's too.
func (d Dialect) apply(h *hit.Hit, p *params, referer string) (keep bool, err error) {
	var ok bool
	if h.Site, ok = dialect.Site(p.idsite); !ok {
		return false, errSite
	}
	if err := d.privileges(h, p); err != nil {
		return false, err
	}
	if p.rec != "1" || p.recMode == "1" { // recMode=1: of an AI bot, not of a visitor
		return false, nil
	}
	if p.visitor != "" && len(p.visitor) != visitorIDLength {
		return false, errVisitor
	}
	p.decode()
	page := p.url
	if page == "" && p.urlref == "" {
		page = referer
	}
	h.URL = dialect.Clean(page, dialect.MaxURL)
	h.Referrer = dialect.Clean(p.urlref, dialect.MaxURL)
	p.sender(h)
	return p.what(h), nil
}

// privileges sets time and place of the hit, as far as the sender may say them.
func (d Dialect) privileges(h *hit.Hit, p *params) error {
	old := false
	if p.time != "" || p.timeOffset != "" {
		now := d.now()
		h.Time = p.when(now)
		old = !h.Time.IsZero() && now.Sub(h.Time) > lateness
	}
	switch name := p.privileged(); {
	case name == "" && !old:
		return nil
	case d.allowed(p.token, h.Site):
		return p.place(h)
	case name != "":
		return fmt.Errorf("%s: needs a token_auth", name)
	}
	return errOld
}

// place sets where the parameters say that the visitor is, which is checked behind;
// city, lat and long are more than is ever kept.
func (p *params) place(h *hit.Hit) error {
	if p.address != "" && p.address != "0" {
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
	if h.Region != "" && !strings.HasPrefix(h.Region, h.Country+"-") { // as Matomo's
		h.Region = h.Country + "-" + h.Region
	}
	return nil
}

// sender sets what the parameters say of the browser in place of the headers.
func (p *params) sender(h *hit.Hit) {
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

// what sets the kind of hit, its name and value, and reports whether it is one
// that we keep.
func (p *params) what(h *hit.Hit) bool {
	goal := whole(p.goal)
	category, action := text(p.category), text(p.action)
	switch {
	case p.ping == "1":
		h.Kind = hit.Ping
	case goal > maxGoal:
		return false
	case goal > 0:
		p.event(h, p.revenue, "goal", strconv.Itoa(goal))
	case goal == 0: // an order or a cart
		return false
	case category != "" && action != "":
		p.event(h, p.value, category, action, p.name)
	case p.link != "":
		h.Kind, h.Name = hit.Outlink, dialect.Clean(p.link, dialect.MaxURL)
	case p.download != "":
		h.Kind, h.Name = hit.Download, dialect.Clean(p.download, dialect.MaxURL)
	case text(p.search) != "":
		p.searched(h)
	case p.contentInteraction != "":
		p.event(h, "", "content", p.contentInteraction, p.contentName)
	case p.contentName != "":
		p.event(h, "", "content", "shown", p.contentName)
		h.Passive = true
	case p.custom == "1": // of a plug-in: never a page view
		return false
	default:
		h.Kind = hit.Pageview
	}
	return true
}

// searched makes h a search, named as "red shoes / Shop": the term as it was typed, but
// for the number of its spaces, and the category, if there is one. Its value is the number of results; -1 if the tracker doesn't say.
func (p *params) searched(h *hit.Hit) {
	term := strings.Join(strings.Fields(text(p.search)), " ")
	if category := text(p.searchCategory); category != "" {
		term += " / " + category
	}
	h.Kind, h.Name, h.Value = hit.Search, dialect.Clean(term, dialect.MaxURL), float64(whole(p.searchCount))
}

// event makes h an event that is named by its parts, as "Video / Play / Intro".
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

// text returns what can be kept of a name, which may be nothing: strangers send bytes
// that are no text at all.
func text(s string) string { return strings.TrimSpace(dialect.Clean(s, dialect.MaxURL)) }

// number reads a finite number; anything else is 0.
func number(s string) float64 {
	if s == "" { // as mostly, and an error costs memory
		return 0
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return 0
	}
	return f
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

// when returns the time that the request says the hit took place, or zero if it
// doesn't say or can't be believed.
func (p *params) when(now time.Time) time.Time {
	at, ok := parseTime(p.time)
	if p.timeOffset != "" {
		if !ok {
			at = now
		}
		seconds := math.Min(math.Abs(number(p.timeOffset)), (2 * plausible).Seconds())
		at, ok = at.Add(-time.Duration(seconds)*time.Second), true
	}
	if age := now.Sub(at); !ok || age < 0 || age > plausible {
		return time.Time{}
	}
	return at
}

// parseTime reads Unix seconds or one of the forms that trackers send; a time
// without a zone is UTC.
func parseTime(s string) (time.Time, bool) {
	if s == "" {
		return time.Time{}, false
	}
	if seconds, err := strconv.ParseFloat(s, 64); err == nil {
		return time.Unix(int64(seconds), 0).UTC(), math.Abs(seconds) < farAway
	}
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", time.DateTime, "2006-01-02 15:04", time.DateOnly,
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// parseHints turns uadata, which is what navigator.userAgentData says, into the
// form of the headers of https://wicg.github.io/ua-client-hints/. What can't be read
// says nothing.
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
