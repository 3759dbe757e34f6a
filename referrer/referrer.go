// Package referrer names the channel and the source that a visit came from, by
// the referring URL and the campaign parameters of the page.
package referrer

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The channels of a visit.
const (
	Direct   = "direct"   // no referrer, or a page of the site itself
	Search   = "search"   // a search engine
	Social   = "social"   // a social network
	AI       = "ai"       // an assistant or a search engine that answers
	Website  = "website"  // any other site or app
	Campaign = "campaign" // a link with campaign parameters
	Email    = "email"    // a mail service, or a campaign by e-mail
)

// Source is where a visit came from. Nothing of a referring URL is kept but its
// host, and of that only a name we know or the host itself.
type Source struct {
	Channel string
	Source  string // name, host or campaign source; "" for Direct

	// The campaign parameters of the page, each at most 100 characters of valid
	// UTF-8 in which [email] stands for a mail address.
	Campaign        string
	CampaignSource  string
	CampaignMedium  string
	CampaignTerm    string
	CampaignContent string
}

// maxValue is the most that is kept of a host in bytes and of a campaign
// parameter in characters; maxRead is the most that is read of either in bytes.
const (
	maxValue = 100
	maxRead  = 2048
)

// Classify names where a visit that began on page came from; ref is the referring
// URL as sent. Where page, which may be nil, carries campaign parameters, those
// count before ref. A ref whose host is that of page, or of which own, which may
// be nil, says so, is the site itself; own is asked for the host in lower case
// without a port. A ref that is no URL of a web page or an Android app is none,
// and so is one whose host is an IP address, for that may be a person's.
func Classify(page *url.URL, ref string, own func(host string) bool) Source {
	source := campaign(page)
	channel, name := origin(page, ref, own)
	switch {
	case source == Source{}:
	case source.Campaign == "" && source.CampaignMedium == "" && known(&channel, &name, source.CampaignSource):
		// Assistants and networks mark their links with their own host and no more.
	default:
		channel = Campaign
		if isMail(source.CampaignMedium) {
			channel = Email
		}
		if source.CampaignSource != "" {
			name = source.CampaignSource
		}
	}
	source.Channel, source.Source = channel, name
	return source
}

// origin names the channel and the source that ref says.
func origin(page *url.URL, ref string, own func(host string) bool) (channel, name string) {
	if len(ref) > maxRead {
		ref = ref[:maxRead]
	}
	u, err := url.Parse(ref)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "android-app" {
		return Direct, ""
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if !isHost(host) || own != nil && own(host) {
		return Direct, ""
	}
	host = strings.TrimPrefix(host, "www.")
	if page != nil && host == strings.TrimPrefix(strings.ToLower(page.Hostname()), "www.") {
		return Direct, ""
	}
	if channel, name, ok := table.find(host, u.Path); ok {
		return channel, name
	}
	if strings.HasPrefix(host, "mail.") || strings.HasPrefix(host, "webmail.") {
		return Email, short(host)
	}
	return Website, short(host)
}

// known sets channel and name to those of host, if that is one we know.
func known(channel, name *string, host string) bool {
	c, n, ok := table.find(strings.TrimPrefix(strings.ToLower(host), "www."), "")
	if ok {
		*channel, *name = c, n
	}
	return ok
}

// isHost reports whether s can be the name of a host: not an IP address, and
// nothing that a name cannot hold.
func isHost(s string) bool {
	if s == "" || !utf8.ValidString(s) {
		return false
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return false
	}
	for _, r := range s {
		if r != '.' && r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			return false
		}
	}
	return true
}

// short drops labels from the front of host until it is short enough to keep.
func short(host string) string {
	for len(host) > maxValue {
		_, parent, ok := strings.Cut(host, ".")
		if !ok {
			return ""
		}
		host = parent
	}
	return host
}

// isMail reports whether the medium of a campaign is e-mail.
func isMail(medium string) bool {
	switch strings.ToLower(medium) {
	case "email", "e-mail", "mail", "epost", "e-post", "newsletter", "nyhetsbrev":
		return true
	}
	return false
}

// prefixes are what campaign parameters begin with: Matomo's, its older names, and
// those of everybody else. The first that has a value counts.
var prefixes = []string{"mtm_", "matomo_", "pk_", "piwik_", "utm_"}

// campaign reads the campaign parameters of page, from its query or else from a
// fragment that looks like one. Of the Source it sets only those fields.
func campaign(page *url.URL) Source {
	if page == nil {
		return Source{}
	}
	source := parameters(page.RawQuery)
	if source == (Source{}) {
		source = parameters(strings.TrimLeft(page.Fragment, "?!/"))
	}
	return source
}

func parameters(query string) Source {
	if !hasParameters(query) {
		return Source{}
	}
	if len(query) > 4*maxRead {
		query = query[:4*maxRead]
	}
	values, _ := url.ParseQuery(query) // what cannot be read is left out
	return Source{
		Campaign:        first(values, "campaign", "cpn"),
		CampaignSource:  first(values, "source"),
		CampaignMedium:  first(values, "medium"),
		CampaignTerm:    first(values, "term", "keyword", "kwd"),
		CampaignContent: first(values, "content"),
	}
}

// hasParameters reports whether query may hold a campaign parameter.
func hasParameters(query string) bool {
	for _, prefix := range prefixes {
		if strings.Contains(query, prefix) {
			return true
		}
	}
	return false
}

// first returns the value of the first parameter with one of names that has any.
func first(values url.Values, names ...string) string {
	for _, prefix := range prefixes {
		for _, name := range names {
			if value := clean(values.Get(prefix + name)); value != "" {
				return value
			}
		}
	}
	return ""
}

// mail is a mail address, or the handle of a person, whole or cut off: whatever
// stands around an at sign, which may still be encoded.
var mail = regexp.MustCompile(`[^\s<>()\[\]"',;:|/=&]*(@|%40)[^\s<>()\[\]"',;:|/=&]*`)

// clean makes of a campaign parameter what may be kept of it.
func clean(value string) string {
	if len(value) > maxRead {
		value = value[:maxRead]
	}
	value = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return ' '
		}
		return r
	}, value)
	if strings.ContainsRune(value, '@') || strings.Contains(value, "%40") {
		value = mail.ReplaceAllString(value, "[email]")
	}
	value = strings.TrimSpace(value)
	for n, at := 0, 0; at < len(value); n++ {
		if n == maxValue {
			return strings.TrimSpace(value[:at])
		}
		_, size := utf8.DecodeRuneInString(value[at:])
		at += size
	}
	return value
}
