package report_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/report"
)

// slow is a Source that takes a second, or fails when its caller goes away.
type slow struct{ asked atomic.Int64 }

func (s *slow) Ask(ctx context.Context, queries []report.Query) ([]report.Result, error) {
	s.asked.Add(1)
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return []report.Result{{Lines: []report.Line{{Value: queries[0].Dimension}}}}, nil
}

// TestShared: equal queries that are asked at once are asked for once, whoever of them goes
// away; others and later ones are asked for themselves, and nobody gets the lines of another.
func TestShared(t *testing.T) {
	page := func(days calendar.Range, dimension string) []report.Query {
		return []report.Query{{Sites: []uint32{1}, Compare: &days, Dimension: dimension}}
	}
	ten := calendar.Range{From: 1, To: 10}
	for _, c := range []struct {
		name  string
		asked [][]report.Query
		leave int // how many of the first go away after half a second
		want  int64
	}{
		{"equal", [][]report.Query{page(ten, "page"), page(ten, "page"), page(ten, "page")}, 0, 1},
		{"other days", [][]report.Query{page(ten, "page"), page(calendar.Range{From: 1, To: 11}, "page")}, 0, 2},
		{"other dimension", [][]report.Query{page(ten, "page"), page(ten, "entry"), page(ten, "page")}, 0, 2},
		{"the first leaves", [][]report.Query{page(ten, "page"), page(ten, "page"), page(ten, "page")}, 1, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := &slow{}
				shared := &report.Shared{Source: source}
				lines := make([][]report.Line, len(c.asked))
				var all sync.WaitGroup
				for i, queries := range c.asked {
					all.Go(func() {
						ctx, cancel := context.WithCancel(t.Context())
						defer cancel()
						if i < c.leave {
							time.AfterFunc(500*time.Millisecond, cancel)
						}
						results, err := shared.Ask(ctx, queries)
						switch {
						case i < c.leave && !errors.Is(err, context.Canceled):
							t.Errorf("who left got %v", err)
						case i < c.leave:
						case err != nil:
							t.Error(err)
						default:
							lines[i] = results[0].Lines
						}
					})
					synctest.Wait() // the first is the one who carries it out
				}
				all.Wait()
				if n := source.asked.Load(); n != c.want {
					t.Errorf("asked %d times, want %d", n, c.want)
				}
				for i, queries := range c.asked {
					if i < c.leave {
						continue
					}
					if len(lines[i]) != 1 || lines[i][0].Value != queries[0].Dimension {
						t.Fatalf("answer %d is %v", i, lines[i])
					}
					lines[i][0].Value = "changed"
				}
				if _, err := shared.Ask(t.Context(), c.asked[0]); err != nil {
					t.Fatal(err)
				}
				if n := source.asked.Load(); n != c.want+1 {
					t.Errorf("asked %d times with a later one, want %d", n, c.want+1)
				}
			})
		})
	}
}

// keeper is a Source whose answers hold as long as valid says so.
type keeper struct {
	asked int
	days  []calendar.Range
	lines int // of an answer
	valid *bool
}

func (k *keeper) Ask(_ context.Context, queries []report.Query) ([]report.Result, error) {
	k.asked++
	results := make([]report.Result, len(queries))
	for i := range results {
		results[i].Lines = make([]report.Line, k.lines)
		for n := range results[i].Lines {
			results[i].Lines[n].Value = fmt.Sprint(k.asked, n)
		}
	}
	return results, nil
}

func (k *keeper) Unchanged(days []calendar.Range) func() bool {
	k.days = append(k.days, days...)
	if k.valid == nil {
		return nil
	}
	valid := k.valid
	return func() bool { return *valid }
}

// TestKept: an answer is kept as long as it holds, for a few minutes, and in a few megabytes. It
// is kept by itself for each threshold, and rests on all days that a guard asks for.
func TestKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		valid := true
		source := &keeper{lines: 3, valid: &valid}
		shared := &report.Shared{Source: source}
		query := report.Query{Sites: []uint32{1}, Range: calendar.Range{From: 20_005, To: 20_009}, Dimension: "page", Measures: []string{"pageviews"}}
		asks := func(name string, want int, from report.Source, q report.Query) {
			t.Helper()
			before := source.asked
			results, err := from.Ask(t.Context(), []report.Query{q})
			if err != nil {
				t.Fatal(err)
			}
			if asked := source.asked - before; asked != want {
				t.Errorf("%s: asked %d times, want %d", name, asked, want)
			}
			for i := range results[0].Lines { // the answer is one's own
				results[0].Lines[i].Value = "spoilt"
			}
			again, err := from.Ask(t.Context(), []report.Query{q})
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range again[0].Lines {
				if l.Value == "spoilt" {
					t.Errorf("%s: somebody else's change is in the answer", name)
				}
			}
		}
		asks("first", 1, shared, query)
		asks("again", 0, shared, query)
		asks("guarded", 1, shared.Guarded(5, 20_009), query)
		asks("guarded again", 0, shared.Guarded(5, 20_009), query)
		asks("another threshold", 1, shared.Guarded(6, 20_009), query)
		asks("on another day", 1, shared.Guarded(6, 20_010), query)
		valid = false
		source.valid = new(bool)
		*source.valid = true
		asks("after a change", 1, shared, query)
		asks("after a change, guarded", 1, shared.Guarded(5, 20_009), query)
		time.Sleep(6 * time.Minute)
		asks("minutes later", 1, shared, query)
		until := query
		until.Until = time.Now()
		asks("up to a moment", 1, shared, until)
		asks("up to that moment again", 1, shared, until)

		large := query
		large.Limit = 10_000
		source.lines = 10_000 // some 3 MB
		for i := range 20 {
			large.Range.From = calendar.Day(20_000 - i)
			asks("large", 1, shared, large)
		}
		asks("the last large one", 0, shared, large)
		large.Range.From = 20_000
		asks("the first large one, which had no room any more", 1, shared, large)
		source.lines = 100_000
		large.Range.From = 19_000
		asks("too large", 1, shared, large)
		asks("too large again", 1, shared, large)

		source.valid = nil
		query.Range.From--
		asks("where changes are not seen", 1, shared, query)
		asks("where changes are not seen, again", 1, shared, query)

		source.days = nil
		query.Dimension = "region" // which a guard asks for by whole months
		asks("by region", 1, shared.Guarded(5, query.Range.To), query)
		first := query.Range.From.FirstOfMonth()
		if !slices.ContainsFunc(source.days, func(r calendar.Range) bool { return r.From <= first && r.To >= query.Range.To }) {
			t.Errorf("the answer rests on %v, want all days from %v", source.days, first)
		}
	})
}
