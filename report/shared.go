package report

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
)

// Shared is a Source that asks another one only once for equal queries that come while these
// are being answered. It is safe for concurrent use and starts no goroutine: the first who
// asks carries it out, and the others wait for that answer or the end of their own context.
type Shared struct {
	Source Source

	mu    sync.Mutex
	asked []*flight
}

// flight is queries that are being answered. What stands behind done is set before done is
// closed.
type flight struct {
	queries []Query
	done    chan struct{}
	results []Result
	err     error
	gaveUp  bool // who carried it out went away
	waiting bool // somebody else asked, too
}

// Ask implements Source.
func (s *Shared) Ask(ctx context.Context, queries []Query) ([]Result, error) {
	for {
		f, own := s.join(queries)
		if own {
			return s.fly(ctx, f)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-f.done:
		}
		if !f.gaveUp {
			return cloned(f.results), f.err
		}
	}
}

// join returns the flight of equal queries, or a new one of one's own.
func (s *Shared) join(queries []Query) (f *flight, own bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.asked, func(f *flight) bool { return reflect.DeepEqual(f.queries, queries) })
	if i >= 0 {
		s.asked[i].waiting = true
		return s.asked[i], false
	}
	f = &flight{queries: slices.Clone(queries), done: make(chan struct{}), gaveUp: true}
	s.asked = append(s.asked, f)
	return f, true
}

// fly carries a flight out.
func (s *Shared) fly(ctx context.Context, f *flight) ([]Result, error) {
	var results []Result
	var err error
	defer func() {
		s.mu.Lock()
		s.asked = slices.DeleteFunc(s.asked, func(other *flight) bool { return other == f })
		s.mu.Unlock()
		if f.waiting { // nobody joins any more
			f.results = cloned(results)
		}
		close(f.done)
	}()
	results, err = s.Source.Ask(ctx, f.queries)
	f.err = err
	f.gaveUp = ctx.Err() != nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	return results, err
}

// cloned returns results whose lines nobody else has.
func cloned(results []Result) []Result {
	results = slices.Clone(results)
	for i := range results {
		results[i].Lines = slices.Clone(results[i].Lines)
	}
	return results
}
