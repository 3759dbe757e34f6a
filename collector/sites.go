package collector

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fotspor/fotspor/store"
)

// Sites is what the collector knows of the sites: the last good answer of the
// store. It is safe for concurrent use.
type Sites struct {
	list   func(context.Context) ([]store.Site, error)
	logger *slog.Logger
	known  atomic.Pointer[map[uint32]store.Site]

	asking sync.Mutex
	asked  time.Time // when an unknown site last made us ask
}

// How often an unknown site makes us ask the store, and how long its answer may take.
const (
	askEvery = time.Second
	askTime  = time.Second
)

// NewSites returns an empty list that Refresh and Watch fill from list.
func NewSites(list func(context.Context) ([]store.Site, error), logger *slog.Logger) *Sites {
	s := &Sites{list: list, logger: logger}
	s.known.Store(&map[uint32]store.Site{})
	return s
}

// Refresh asks for the sites. On an error the ones known so far stay.
func (s *Sites) Refresh(ctx context.Context) error {
	sites, err := s.list(ctx)
	if err != nil {
		return err
	}
	known := make(map[uint32]store.Site, len(sites))
	for _, site := range sites {
		known[site.ID] = site
	}
	s.known.Store(&known)
	return nil
}

// Watch refreshes the sites at every interval until ctx ends.
func (s *Sites) Watch(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := s.Refresh(ctx); err != nil && ctx.Err() == nil {
			s.logger.Warn("sites could not be read, the last known ones stay", "err", err)
		}
	}
}

// find returns a site. One that is not known may have been added a moment ago: the
// store is asked then, but not for every stranger's number.
func (s *Sites) find(ctx context.Context, id uint32) (store.Site, bool) {
	site, ok := s.byID(id)
	if ok || id == 0 {
		return site, ok
	}
	s.asking.Lock()
	defer s.asking.Unlock()
	if time.Since(s.asked) >= askEvery {
		ctx, cancel := context.WithTimeout(ctx, askTime)
		defer cancel()
		if err := s.Refresh(ctx); err != nil {
			s.logger.Debug("an unknown site could not be asked for", "err", err)
		}
		s.asked = time.Now()
	}
	return s.byID(id)
}

func (s *Sites) byID(id uint32) (store.Site, bool) {
	site, ok := (*s.known.Load())[id]
	return site, ok
}
