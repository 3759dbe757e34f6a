package report_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestPaging walks through lines two at a time, in each order, over lines of a rollup and
// over rows, and expects what one question for all of them returns.
func TestPaging(t *testing.T) {
	st := storetest.Open(t)
	if err := st.Insert(t.Context(), hit.Batch{Rows: someRows(rand.New(rand.NewPCG(3, 5)), 600)}, "a"); err != nil {
		t.Fatal(err)
	}
	source := store.Reports{Store: st, Planner: func() report.Planner { return report.Planner{} }}
	days := calendar.Range{From: mustDay("2026-02-10"), To: mustDay("2026-03-20")}
	before, fewer := days.Before(), calendar.Range{From: days.From - 9, To: days.From - 1}
	perDay := func(l report.Line) float64 {
		return l.Now.Of("pageviews") - l.Before.Of("pageviews")*float64(days.Days())/float64(fewer.Days())
	}
	for _, c := range []struct {
		name    string
		query   report.Query
		filters []string
		by      func(report.Line) float64 // falls from line to line
	}{
		{"default", report.Query{Dimension: "page", Measures: []string{"exits", "pageviews"}}, nil, func(l report.Line) float64 { return l.Now.Of("pageviews") }},
		{"smallest first", report.Query{Dimension: "section", Measures: []string{"pageviews"}, Sort: report.Sort{Ascending: true}}, nil, func(l report.Line) float64 { return -l.Now.Of("pageviews") }},
		{"ratio", report.Query{Dimension: "source", Measures: []string{"visits", "visit_seconds"}, Sort: report.Sort{By: "visit_seconds"}}, nil, func(l report.Line) float64 { return l.Now.Of("visit_seconds") }},
		{"change", report.Query{Dimension: "page", Measures: []string{"pageviews"}, Sort: report.Sort{Change: true}}, []string{"os:iOS"}, func(l report.Line) float64 { return l.Now.Of("pageviews") - l.Before.Of("pageviews") }},
		{"change of a day", report.Query{Dimension: "page", Measures: []string{"pageviews"}, Compare: &fewer, Gone: true, Sort: report.Sort{Change: true}}, nil, perDay},
		{"fall of a day", report.Query{Dimension: "page", Measures: []string{"pageviews"}, Compare: &fewer, Gone: true, Sort: report.Sort{Change: true, Ascending: true}}, nil, func(l report.Line) float64 { return -perDay(l) }},
		{"change of a ratio", report.Query{Dimension: "page", Measures: []string{"exit_rate"}, Compare: &fewer, Sort: report.Sort{Change: true}}, nil, func(l report.Line) float64 { return l.Now.Of("exit_rate") - l.Before.Of("exit_rate") }},
		{"values", report.Query{Dimension: "region", Measures: []string{"visitors"}, Sort: report.Sort{By: report.ByValue}}, []string{"device:mobile"}, func(report.Line) float64 { return 0 }},
		{"values backwards", report.Query{Dimension: "region", Measures: []string{"visitors"}, Sort: report.Sort{By: report.ByValue, Descending: true}}, []string{"device:mobile"}, func(report.Line) float64 { return 0 }},
	} {
		q := c.query
		q.Sites, q.Range, q.Filters = []uint32{1}, days, filters(t, c.filters...)
		if q.Compare == nil {
			q.Compare = &before
		}
		ask := func(q report.Query) report.Result {
			t.Helper()
			results, err := source.Ask(t.Context(), []report.Query{q})
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			return results[0]
		}
		all := ask(q)
		if len(all.Lines) < 3 || all.Next != "" {
			t.Errorf("%s: %d lines, next %q", c.name, len(all.Lines), all.Next)
		}
		with := q
		with.Gone = true
		read := func(lines []report.Line) []report.Line {
			return slices.DeleteFunc(slices.Clone(lines), func(l report.Line) bool { return l.Now == report.Sums{} })
		}
		if lines := ask(with).Lines; !q.Gone && !cmp.Equal(read(lines), all.Lines) {
			t.Errorf("%s: %d lines, of %d with those that only the days before have", c.name, len(all.Lines), len(lines))
		}
		for i, l := range all.Lines[1:] {
			last := all.Lines[i]
			if q.Sort.Descending {
				last, l = l, last
			}
			if a, b := c.by(last), c.by(l); a < b || a == b && (last.Value > l.Value || last.Value == l.Value && last.Detail >= l.Detail) {
				t.Errorf("%s: %q (%v) comes before %q (%v)", c.name, last.Value, a, l.Value, b)
			}
		}
		var walked []report.Line
		for q.Limit = 2; ; {
			page := ask(q)
			walked = append(walked, page.Lines...)
			if q.After = page.Next; q.After == "" || len(walked) > len(all.Lines) {
				break
			}
			if len(page.Lines) != 2 {
				t.Errorf("%s: a page of %d lines has a next one", c.name, len(page.Lines))
			}
		}
		if diff := cmp.Diff(all.Lines, walked); diff != "" {
			t.Errorf("%s (-at once +by pages):\n%s", c.name, diff)
		}
	}
}
