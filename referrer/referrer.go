// Package referrer names the channel and the source that a visit came from, by
// the referring URL and the campaign parameters of the page, and knows the hosts
// whose referring URLs are advertisements.
package referrer

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fotspor/fotspor/internal/hostname"
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
	// UTF-8.
	Campaign        string
	CampaignSource  string
	CampaignMedium  string
	CampaignTerm    string
	CampaignContent string
}

const (
	maxValue = 100  // kept of a host in bytes, and of a name or campaign parameter in characters
	maxRead  = 2048 // read of a referring URL or a campaign parameter, in bytes
	maxHost  = 253  // length of a host as text, RFC 1035
)

// Classify names where a visit that began on page came from; ref is the referring
// URL as sent. Where page, which may be nil, carries campaign parameters, those
// count before ref; their values are kept as they are, so that page must hold
// nothing of a person any more. A ref whose Host is that of page, or of which own,
// which may be nil, says so, is the site itself. A ref without a Host is none.
func (s *Sources) Classify(page *url.URL, ref string, own func(host string) bool) Source {
	source := campaign(page)
	from := s.origin(page, ref, own)
	if source != (Source{}) {
		from = s.campaignOrigin(source, from)
	}
	source.Channel, source.Source = from.channel, from.name
	return source
}

// origin returns what ref says.
func (s *Sources) origin(page *url.URL, ref string, own func(host string) bool) origin {
	host, path := split(ref)
	if host == "" || own != nil && own(host) || page != nil && host == plain(page.Hostname()) {
		return origin{channel: Direct}
	}
	if known := s.find(host, path); known.name != "" {
		return known
	}
	if strings.HasPrefix(host, "mail.") || strings.HasPrefix(host, "webmail.") {
		return origin{Email, short(host)}
	}
	return origin{Website, short(host)}
}

// campaignOrigin returns what the campaign parameters say; the referring URL says
// from.
func (s *Sources) campaignOrigin(campaign Source, from origin) origin {
	if campaign.Campaign == "" && campaign.CampaignMedium == "" {
		// Assistants and networks mark their links with their own host and no more.
		if known := s.find(plain(campaign.CampaignSource), ""); known.name != "" {
			return known
		}
	}
	from.channel = Campaign
	if isMail(campaign.CampaignMedium) {
		from.channel = Email
	}
	if campaign.CampaignSource != "" {
		from.name = campaign.CampaignSource
	}
	return from
}

// isMail reports whether the medium of a campaign is e-mail.
func isMail(medium string) bool {
	switch strings.ToLower(medium) {
	case "email", "e-mail", "mail", "epost", "e-post", "newsletter", "nyhetsbrev":
		return true
	}
	return false
}

// Host returns the host of a referring URL as hostname.Canonical does, without www., or "" where ref is not the URL of a web page or an Android app. It is
// "" for an IP address too, which may be a person's.
func Host(ref string) string {
	host, _ := split(ref)
	return host
}

// split returns the Host of ref and its path as sent. It does without net/url,
// which allocates and refuses a URL for a fault behind the host.
func split(ref string) (host, path string) {
	if ref == "" {
		return "", ""
	}
	scheme, rest, ok := strings.Cut(ref[:min(len(ref), maxRead)], "://")
	if !ok || !isScheme(scheme) {
		return "", ""
	}
	if end := firstOf(rest, isAuthorityEnd); end < len(rest) {
		rest, path = rest[:end], rest[end:]
	}
	host, _, _ = strings.Cut(rest[strings.LastIndexByte(rest, '@')+1:], ":")
	host = plain(host)
	if !isHost(host) {
		return "", ""
	}
	return host, path[:firstOf(path, isPathEnd)]
}

// firstOf returns where the first byte of s is that is one of those wanted, or the length
// of s. It takes less time than strings.IndexAny, which makes a set of them each time.
func firstOf(s string, wanted func(byte) bool) int {
	i := 0
	for i < len(s) && !wanted(s[i]) {
		i++
	}
	return i
}

func isAuthorityEnd(b byte) bool { return b == '/' || b == '\\' || isPathEnd(b) }
func isPathEnd(b byte) bool      { return b == '?' || b == '#' }

// isScheme reports whether URLs with scheme can be those of web pages and apps.
func isScheme(scheme string) bool {
	return scheme == "https" || strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "android-app")
}

// plain returns the Canonical host without www.
func plain(host string) string { return strings.TrimPrefix(hostname.Canonical(host), "www.") }

// isHost reports whether s can be the name of a host. No top-level domain begins
// with a digit, and so nothing that browsers would read as an IPv4 address is one.
func isHost(s string) bool {
	if len(s) > maxHost || !utf8.ValidString(s) {
		return false
	}
	digit, previous := false, '.'
	for _, r := range s {
		if previous == '.' {
			digit = unicode.IsDigit(r)
		}
		switch {
		case 'a' <= r && r <= 'z': // as nearly all are
		case r == '.' && previous == '.':
			return false
		case r != '.' && r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r):
			return false
		}
		previous = r
	}
	return !digit && previous != '.'
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
