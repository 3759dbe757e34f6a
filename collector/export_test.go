package collector

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/site"
)

// ForwardedFor returns the addresses from which ClientAddr chooses.
var ForwardedFor = forwardedFor

// PlainPage is the fast way to parse the URL of a page.
var PlainPage = plainPage

// WithFormat adds a wire format until the test ends.
func WithFormat(t *testing.T, f dialect.Format) {
	was := formats
	formats = append(slices.Clone(was), f)
	busy = busyPaths()
	t.Cleanup(func() {
		formats = was
		busy = busyPaths()
	})
}

// Batch runs everything between a request and the spool. The batch is valid until the next
// call.
func (c *Collector) Batch(d dialect.Dialect, r *http.Request) (hit.Batch, error) {
	m := c.scratches.Get().(*scratch)
	defer c.scratches.Put(m)
	m.clear()
	hits, _, err := d.Parse(r, m.hits)
	if err != nil {
		return hit.Batch{}, err
	}
	m.hits = hits
	c.admit(ClientAddr(r, c.TrustedProxies), hits)
	c.pass(r, m)
	return m.batch, nil
}

// Steps returns the names of the pipeline's steps in order.
func Steps() []string {
	var names []string
	for _, s := range pipeline {
		names = append(names, s.name)
	}
	return names
}

// PrimaryLanguage returns what is kept of an Accept-Language header.
var PrimaryLanguage = primaryLanguage

// ByID returns a known site.
func (s *Sites) ByID(id uint32) (host string, ok bool) { return hostOf(s.byID(id)) }

// Find looks up a site as the pipeline does.
func (s *Sites) Find(ctx context.Context, id uint32) (host string, ok bool) {
	return hostOf(s.find(ctx, id))
}

// Site is Find, but returns the whole site.
func (s *Sites) Site(ctx context.Context, id uint32) (site.Site, bool) {
	found, ok := s.find(ctx, id)
	if !ok {
		return site.Site{}, false
	}
	return found.Site, true
}

// Allowed reports whether a credential allows a site.
func (s *Sites) Allowed(secret string, site uint32) bool { return s.allowed(secret, site) }

func hostOf(site *knownSite, ok bool) (string, bool) {
	if !ok {
		return "", false
	}
	return site.Hosts[0], true
}
