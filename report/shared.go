package report

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/fotspor/fotspor/calendar"
)

// Keeper is a Source that can tell whether an answer still holds.
type Keeper interface {
	Source
	// Unchanged returns a function that reports whether queries over some days have the same
	// answers as now: nothing was stored of these days, erased or changed since. It is nil if
	// that is not known.
	Unchanged(days []calendar.Range) func() bool
}

// Shared is a Source that asks another one only once for equal queries that come while these
// are being answered. Answers of a Keeper that do not end at a moment are kept as long as they
// hold, for a few minutes at most. It is safe for concurrent use and starts no goroutine: the
// first who asks carries it out, and the others wait for that answer or the end of their own
// context.
type Shared struct {
	Source Source
	// Rounding returns to what multiple all answers are rounded now: see Rounded. nil: they are not.
	Rounding func() int64

	mu    sync.Mutex
	asked []*flight
	kept  []*flight // the one that was asked for last comes last
	bytes int       // of kept
}

// What is kept: so many bytes of answers, each for so long. What changes an answer ends it
// at once; the time is for a change that was given up and goes on all the same.
const (
	maxKept  = 16 << 20
	keptTime = 5 * time.Minute
)

// flight is queries that are being answered, or were. What stands behind done is set before done
// is closed.
type flight struct {
	least   int   // of the Guard; -1: none
	to      int64 // of Rounded
	over    calendar.Day
	queries []Query
	done    chan struct{}
	results []Result
	err     error
	gaveUp  bool // who carried it out went away
	waiting bool // somebody else asked, too

	holds []func() bool // of an answer that is kept
	until time.Time
	bytes int
}

// Ask implements Source.
func (s *Shared) Ask(ctx context.Context, queries []Query) ([]Result, error) {
	return s.ask(ctx, &flight{least: -1, queries: queries})
}

// To returns to what multiple answers are rounded now, 0 or 1 if they are not.
func (s *Shared) To() int64 {
	if s.Rounding == nil {
		return 0
	}
	return s.Rounding()
}

// Guarded returns the same source behind a Guard, whose answers are shared and kept as well:
// least is the threshold of all sites, over as in Guard.
func (s *Shared) Guarded(least int, over calendar.Day) Source { return guarded{s, least, over} }

type guarded struct {
	shared *Shared
	least  int
	over   calendar.Day
}

func (g guarded) Ask(ctx context.Context, queries []Query) ([]Result, error) {
	return g.shared.ask(ctx, &flight{least: max(g.least, 0), over: g.over, queries: queries})
}

func (s *Shared) ask(ctx context.Context, asked *flight) ([]Result, error) {
	asked.to = s.To()
	for {
		f, own := s.join(asked)
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

// equal reports whether two flights have the same answer.
func (f *flight) equal(o *flight) bool {
	return f.least == o.least && f.to == o.to && f.over == o.over && reflect.DeepEqual(f.queries, o.queries)
}

// join returns the flight of equal queries, or a new one of one's own.
func (s *Shared) join(asked *flight) (f *flight, own bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.asked, asked.equal); i >= 0 {
		s.asked[i].waiting = true
		return s.asked[i], false
	}
	if i := slices.IndexFunc(s.kept, asked.equal); i >= 0 {
		f := s.kept[i]
		s.kept = slices.Delete(s.kept, i, i+1)
		if f.valid() {
			s.kept = append(s.kept, f)
			return f, false
		}
		s.bytes -= f.bytes
	}
	f = &flight{least: asked.least, to: asked.to, over: asked.over, queries: slices.Clone(asked.queries), done: make(chan struct{}), gaveUp: true}
	s.asked = append(s.asked, f)
	return f, true
}

// valid reports whether a kept answer holds.
func (f *flight) valid() bool {
	return time.Now().Before(f.until) && !slices.ContainsFunc(f.holds, func(holds func() bool) bool { return !holds() })
}

// fly carries a flight out.
func (s *Shared) fly(ctx context.Context, f *flight) ([]Result, error) {
	var results []Result
	var err error
	keeps := !slices.ContainsFunc(f.queries, func(q Query) bool { return !q.Until.IsZero() || !q.CompareUntil.IsZero() })
	defer func() {
		s.mu.Lock()
		s.asked = slices.DeleteFunc(s.asked, func(other *flight) bool { return other == f })
		keeps = keeps && f.err == nil && f.results != nil
		if f.waiting || keeps { // nobody joins any more
			f.results = cloned(results)
		}
		if keeps {
			s.keep(f)
		}
		s.mu.Unlock()
		close(f.done)
	}()
	source := s.Source
	f.until = time.Now().Add(keptTime)
	if keeper, ok := s.Source.(Keeper); ok && keeps {
		source = &recorder{keeper, f, &keeps}
	} else {
		keeps = false
	}
	if f.least >= 0 {
		source = Guard{Source: source, Threshold: func(uint32) int { return f.least }, Over: f.over}
	}
	if f.to > 1 {
		source = Rounded{source, f.to}
	}
	results, err = source.Ask(ctx, f.queries)
	f.results, f.err = results, err
	f.gaveUp = ctx.Err() != nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	return results, err
}

// recorder asks a Keeper for a flight, and takes down what its answer rests on.
type recorder struct {
	Keeper
	of    *flight
	keeps *bool
}

func (r *recorder) Ask(ctx context.Context, queries []Query) ([]Result, error) {
	var days []calendar.Range
	for _, q := range queries {
		for _, r := range q.ranges() {
			if !slices.Contains(days, r) {
				days = append(days, r)
			}
		}
	}
	if holds := r.Unchanged(days); holds != nil {
		r.of.holds = append(r.of.holds, holds)
	} else {
		*r.keeps = false
	}
	return r.Keeper.Ask(ctx, queries)
}

// keep keeps an answer, and gives up those that hold no more and the oldest until there is room.
// The caller holds mu.
func (s *Shared) keep(f *flight) {
	f.bytes = len(f.queries) * size[Query]()
	for _, q := range f.queries {
		for _, filter := range q.Filters {
			f.bytes += size[Filter]() + len(filter.Value)
		}
		f.bytes += len(q.Find) + len(q.After) + 4*len(q.Sites)
	}
	for _, r := range f.results {
		f.bytes += size[Result]() + len(r.Next) + 4*len(r.Minimal)
		for i := range r.Lines {
			f.bytes += size[Line]() + len(r.Lines[i].Value) + len(r.Lines[i].Detail)
		}
	}
	if f.bytes > maxKept/4 {
		return
	}
	s.bytes += f.bytes
	s.kept = append(s.kept, f)
	for i := 0; i < len(s.kept); {
		if old := s.kept[i]; s.bytes > maxKept || !old.valid() {
			s.bytes -= old.bytes
			s.kept = slices.Delete(s.kept, i, i+1)
			continue
		}
		i++
	}
}

// size returns how many bytes a value takes, without what it points to.
func size[T any]() int { return int(reflect.TypeFor[T]().Size()) }

// cloned returns results whose lines nobody else has.
func cloned(results []Result) []Result {
	results = slices.Clone(results)
	for i := range results {
		results[i].Lines = slices.Clone(results[i].Lines)
	}
	return results
}
