package collector

import (
	"context"
	"net/http"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/collector/dialect/matomo"
	"github.com/fotspor/fotspor/collector/dialect/pixel"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/store"
)

// ForwardedFor lets tests see what ClientAddr chooses from.
var ForwardedFor = forwardedFor

// The wire formats, for Rows.
var (
	Pixel  dialect.Dialect = pixel.Dialect{}
	Matomo dialect.Dialect = matomo.Dialect{}
)

// Rows is all that happens between a request and the spool.
func (c *Collector) Rows(d dialect.Dialect, r *http.Request) ([]hit.Row, error) {
	hits, err := d.Parse(r)
	if err != nil {
		return nil, err
	}
	_, rows, _ := c.pass(r, hits)
	return rows, nil
}

// Steps returns the names of the pipeline's steps in order.
func Steps() []string {
	var names []string
	for _, s := range pipeline {
		names = append(names, s.name)
	}
	return names
}

// ByID lets tests ask for what is known of a site.
func (s *Sites) ByID(id uint32) (host string, ok bool) { return hostOf(s.byID(id)) }

// Find lets tests ask for a site as the pipeline does.
func (s *Sites) Find(ctx context.Context, id uint32) (host string, ok bool) {
	return hostOf(s.find(ctx, id))
}

func hostOf(site store.Site, ok bool) (string, bool) {
	if !ok {
		return "", false
	}
	return site.Hosts[0], true
}
