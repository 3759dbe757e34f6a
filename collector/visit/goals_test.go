package visit_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/collector/visit"
	"github.com/fotspor/fotspor/hit"
)

// TestGoals: a visit reaches each goal once, with the first hit that reaches it, and goals
// change nothing else in a row.
func TestGoals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Date(2026, 7, 5, 20, 0, 0, 0, time.UTC)
		with, without := visit.New(visit.Options{Now: live}), visit.New(visit.Options{Now: live})
		reached := map[int]uint32{} // goals of the current visit, by visitor
		for range rapid.IntRange(1, 60).Draw(t, "hits") {
			at = at.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 60, 1700, 1900}).Draw(t, "gap")) * time.Second)
			who := rapid.IntRange(1, 3).Draw(t, "who")
			kind := rapid.SampledFrom([]hit.Kind{hit.Pageview, hit.Event, hit.Ping}).Draw(t, "kind")
			goals := rapid.SampledFrom([]uint32{0, 1, 2, 3, 1 << 31}).Draw(t, "goals")
			path := rapid.SampledFrom([]string{"/", "/a", "/b"}).Draw(t, "path")
			if kind == hit.Ping {
				goals = 0
			}
			newVisit := rapid.IntRange(0, 9).Draw(t, "new") == 0
			h, plain := person(who, at, kind), person(who, at, kind)
			h.NewVisit, plain.NewVisit = newVisit, newVisit
			h.Goals = goals
			row, same := hit.Row{Path: path}, hit.Row{Path: path}
			ok := with.Observe(h, &row, time.UTC)
			if plainOK := without.Observe(plain, &same, time.UTC); ok != plainOK || row != same || plain.Goals != 0 {
				t.Fatalf("a goal changes a row:\n%s", cmp.Diff(same, row))
			}
			if !ok {
				continue
			}
			if row.Visits == 1 {
				reached[who] = 0
			}
			if want := goals &^ reached[who]; h.Goals != want {
				t.Fatalf("visitor %d reaches %b, want %b", who, h.Goals, want)
			}
			reached[who] |= goals
		}
	})
}
