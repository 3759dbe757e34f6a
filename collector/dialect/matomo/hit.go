package matomo

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
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

	visitorIDLength = 16
	maxHints        = 4096 // bytes of uadata
)

var (
	errSite    = errors.New("idsite: want the number of a site, from 1")
	errVisitor = errors.New("cid: want 16 hexadecimal digits")
	errOld     = errors.New("cdt: a time more than 24 hours ago needs a token_auth")
)

// apply sets in h, which holds what the headers say, what the parameters say.
// It reports whether there is anything to record. An error says why the request
// is one that Matomo answers with 400.
func (d Dialect) apply(h *hit.Hit, p *params, referer string) (keep bool, err error) {
	if p.rec != "1" || p.recMode == "1" { // recMode=1: of an AI bot, not of a visitor
		return false, nil
	}
	var ok bool
	if h.Site, ok = dialect.Site(p.idsite); !ok {
		return false, errSite
	}
	// There are no tokens to hold yet; what needs one is refused.
	if p.privileged != "" {
		return false, fmt.Errorf("%s: needs a token_auth", p.privileged)
	}
	if p.visitor != "" && len(p.visitor) != visitorIDLength {
		return false, errVisitor
	}
	if h.Time, err = p.when(d.now()); err != nil {
		return false, err
	}
	page := p.url
	if page == "" && p.urlref == "" {
		page = referer
	}
	h.URL = dialect.Clean(page, dialect.MaxURL)
	h.Referrer = dialect.Clean(p.urlref, dialect.MaxURL)
	p.sender(h)
	return p.what(h), nil
}

// sender sets what the parameters say of the browser in place of the headers.
func (p *params) sender(h *hit.Hit) {
	if p.userAgent != "" {
		h.UserAgent = dialect.Clean(p.userAgent, dialect.MaxText)
		h.Hints = hit.Hints{} // the headers' are those of another program
	}
	if hints, ok := parseHints(p.hints); ok {
		h.Hints = hints
	}
	if p.language != "" {
		h.Language = dialect.Clean(p.language, dialect.MaxText)
	}
}

// what sets the kind of hit, its name and value, and reports whether it is one
// that we keep.
func (p *params) what(h *hit.Hit) bool {
	goal, err := strconv.Atoi(p.goal)
	isGoal := err == nil
	category, action := strings.TrimSpace(p.category), strings.TrimSpace(p.action)
	switch {
	case p.ping == "1":
		h.Kind = hit.Ping
	case isGoal && goal > 0:
		p.event(h, p.revenue, "goal", strconv.Itoa(goal))
	case isGoal: // an order or a cart
		return false
	case category != "" && action != "":
		p.event(h, p.value, category, action, p.name)
	case p.link != "":
		h.Kind, h.Name = hit.Outlink, dialect.Clean(p.link, dialect.MaxURL)
	case p.download != "":
		h.Kind, h.Name = hit.Download, dialect.Clean(p.download, dialect.MaxURL)
	case p.search != "":
		h.Kind, h.Name = hit.Search, dialect.Clean(p.search, dialect.MaxText)
		h.Value = number(p.searchCount)
	case p.contentInteraction != "":
		p.event(h, "", "content", p.contentInteraction, p.contentName)
	case p.contentName != "": // shown, which is nothing that the visitor did
		return false
	case p.custom == "1": // of a plug-in: never a page view
		return false
	default:
		h.Kind = hit.Pageview
	}
	return true
}

// event makes h an event that is named by its parts, as "Video / Play / Intro".
func (*params) event(h *hit.Hit, value string, parts ...string) {
	name := parts[:0]
	for _, part := range parts {
		if part = strings.TrimSpace(part); part != "" {
			name = append(name, part)
		}
	}
	h.Kind = hit.Event
	h.Name = dialect.Clean(strings.Join(name, " / "), dialect.MaxText)
	h.Value = number(value)
}

// number reads a finite number; anything else is 0.
func number(s string) float64 {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return 0
	}
	return f
}

// when returns the time that the request says the hit took place, or zero if it
// doesn't say or can't be believed.
func (p *params) when(now time.Time) (time.Time, error) {
	at, ok := parseTime(p.time)
	if p.timeOffset != "" {
		if !ok {
			at = now
		}
		seconds := math.Min(math.Abs(number(p.timeOffset)), (2 * plausible).Seconds())
		at, ok = at.Add(-time.Duration(seconds)*time.Second), true
	}
	age := now.Sub(at)
	switch {
	case !ok, age < 0, age > plausible:
		return time.Time{}, nil
	case age > lateness:
		return time.Time{}, errOld
	}
	return at, nil
}

// parseTime reads Unix seconds or one of the forms that trackers send; a time
// without a zone is UTC.
func parseTime(s string) (time.Time, bool) {
	if s == "" {
		return time.Time{}, false
	}
	if seconds, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC(), true
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
// form of the headers of https://wicg.github.io/ua-client-hints/.
func parseHints(uadata string) (hit.Hints, bool) {
	type brand struct{ Brand, Version string }
	var data struct {
		Brands, FullVersionList []brand
		Mobile                  any
		Platform                string
	}
	if len(uadata) <= len("{}") || len(uadata) > maxHints || json.Unmarshal([]byte(uadata), &data) != nil {
		return hit.Hints{}, false
	}
	brands := data.Brands
	if len(brands) == 0 {
		brands = data.FullVersionList
	}
	if len(brands) == 0 && data.Platform == "" {
		return hit.Hints{}, false
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
	return hints, true
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
