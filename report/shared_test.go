package report_test

import (
	"context"
	"errors"
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
