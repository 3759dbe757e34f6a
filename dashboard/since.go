package dashboard

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/fotspor/fotspor/calendar"
)

// sinceCache holds on which day the counting of each site began. It is safe for concurrent
// use.
type sinceCache struct {
	mu    sync.Mutex
	days  map[uint32]calendar.Day
	asked time.Time
}

// get returns the first day of each of some sites that was counted. Sites of which nothing
// was counted are missing, and asked for again each time.
func (s *sinceCache) get(ctx context.Context, now time.Time, store Store, sites []uint32) (map[uint32]calendar.Day, error) {
	s.mu.Lock()
	if now.Sub(s.asked) < sinceFresh && now.Sub(s.asked) >= 0 {
		known := true
		for _, id := range sites {
			_, ok := s.days[id]
			known = known && ok
		}
		if known {
			days := maps.Clone(s.days)
			s.mu.Unlock()
			return days, nil
		}
	}
	s.mu.Unlock()
	days, err := store.CountedSince(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.days, s.asked = days, now
	return maps.Clone(days), nil
}
