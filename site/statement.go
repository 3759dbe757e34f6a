package site

import (
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/privacy"
)

// Statement returns what the statement of the site says, made at a time under a policy.
func (s Site) Statement(policy privacy.Policy, made time.Time) privacy.Statement {
	return privacy.Statement{
		Policy: policy.Of(s.Own()),
		Site:   s.ID,
		Name:   s.Name,
		Host:   hostname.Display(hostname.Canonical(s.Hosts[0])),
		Made:   made,

		Declared: s.Declared,
		OptOut:   privacy.OptOut{Page: s.OptOut},

		Parameters: s.Parameters,
		Searches:   s.SearchParameters,
		Categories: s.SearchCategories,
	}
}

// SharesDomain reports whether a cookie of a host comes with the hits of all hosts of the site:
// whether they have its registrable domain, by the public suffix list.
func (s Site) SharesDomain(host string) bool {
	own := registrable(host)
	return !slices.ContainsFunc(s.Hosts, func(of string) bool { return registrable(strings.TrimPrefix(of, "*.")) != own })
}

// registrable returns the registrable domain of a host, or the host itself if it is an
// address or a name without one.
func registrable(host string) string {
	host = hostname.Canonical(host)
	if domain, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil && net.ParseIP(host) == nil {
		return domain
	}
	return host
}
