// Package referrer determines the channel and the source of a visit by the referring URL and
// the campaign parameters of the page. It also lists the hosts of referrer spam.
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
	AI       = "ai"       // an AI assistant, or a search engine that writes answers
	Website  = "website"  // any other site or app
	Campaign = "campaign" // a link with campaign parameters
	Email    = "email"    // a mail service, or a campaign by e-mail
)

// Source is where a visit came from. Of a referring URL it holds only the name of a known
// source, or else the host.
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
	maxValue = 100  // longest host kept, in bytes, and longest name or campaign parameter, in characters
	maxRead  = 2048 // bytes that are read of a referring URL or a campaign parameter
	maxHost  = 253  // length of a host as text, RFC 1035
)

// Classify returns the source of a visit that began on page; ref is the referring URL as
// sent. Campaign parameters of page count before ref. Their values are kept unchanged, so
// page must not hold personal data. ref is the site itself if its Host is that of page, or
// if own returns true for it. A ref without a Host counts as no referrer. page and own may be
// nil.
func (s *Sources) Classify(page *url.URL, ref string, own func(host string) bool) Source {
	source := campaign(page)
	from := s.origin(page, ref, own)
	if source != (Source{}) {
		from = s.campaignOrigin(source, from)
	}
	source.Channel, source.Source = from.channel, from.name
	return source
}

// origin returns the origin of a visit by ref.
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

// campaignOrigin returns the origin of a visit by its campaign parameters. from is the origin
// by the referring URL.
func (s *Sources) campaignOrigin(campaign Source, from origin) origin {
	if campaign.Campaign == "" && campaign.CampaignMedium == "" {
		// Assistants and social networks mark their links with only their own host.
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

// Host returns the host of a referring URL in the form of hostname.Canonical, without www. It
// returns "" if ref is not the URL of a web page or an Android app, and for an IP address or
// localhost, which may be a person's machine.
func Host(ref string) string {
	host, _ := split(ref)
	return host
}

// split returns the Host of ref and its path as sent. It does not use net/url, which
// allocates, and refuses a URL for a mistake after the host.
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
	if !isHost(host) || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return "", ""
	}
	return host, path[:firstOf(path, isPathEnd)]
}

// firstOf returns the offset of the first byte of s that is wanted, or the length of s. It is
// faster than strings.IndexAny, which builds a set of bytes each time.
func firstOf(s string, wanted func(byte) bool) int {
	i := 0
	for i < len(s) && !wanted(s[i]) {
		i++
	}
	return i
}

func isAuthorityEnd(b byte) bool { return b == '/' || b == '\\' || isPathEnd(b) }
func isPathEnd(b byte) bool      { return b == '?' || b == '#' }

// isScheme reports whether scheme is one of web pages or apps.
func isScheme(scheme string) bool {
	return scheme == "https" || strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "android-app")
}

// plain returns the Canonical host without www.
func plain(host string) string { return strings.TrimPrefix(hostname.Canonical(host), "www.") }

// isHost reports whether s can be the name of a host. No top-level domain begins with a
// digit, so it returns false for everything that browsers read as an IPv4 address.
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
		case 'a' <= r && r <= 'z': // nearly all characters
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
