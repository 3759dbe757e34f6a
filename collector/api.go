package collector

import (
	"net/http"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/collector/dialect/matomo"
)

// api answers the part of Matomo's reporting API that is here, and hands other requests
// for Matomo's pages to a handler.
func (c *Collector) api(pages http.Handler) http.Handler {
	api := c.matomoHits()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if matomo.IsAPI(r) {
			api.ServeHTTP(w, r)
		} else {
			pages.ServeHTTP(w, r)
		}
	})
}

// sitesOf returns the sites that a credential is good for. Each question counts as one hit of
// the sender's network.
func (c *Collector) sitesOf(r *http.Request, secret string) ([]matomo.Site, error) {
	if !c.Limit.Allow(ClientAddr(r, c.TrustedProxies), 1) {
		return nil, dialect.ErrTooMany
	}
	known := c.Sites.ofCredential(secret)
	if known == nil {
		return nil, matomo.ErrToken
	}
	sites := make([]matomo.Site, len(known))
	for i, s := range known {
		sites[i] = matomo.Site{ID: s.ID, Name: s.Name, Host: s.Hosts[0], TimeZone: s.Location.String(), Owns: s.owns}
	}
	return sites, nil
}
