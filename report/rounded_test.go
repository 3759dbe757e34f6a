package report_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/report"
)

// TestRound: the nearest multiple, the larger of two.
func TestRound(t *testing.T) {
	for _, c := range []struct{ n, to, want int64 }{
		{0, 10, 0}, {4, 10, 0}, {5, 10, 10}, {14, 10, 10}, {15, 10, 20}, {25, 10, 30}, {-4, 10, 0}, {-5, 10, -10}, {-14, 10, -10},
		{7, 0, 7}, {7, 1, 7}, {1, 2, 2}, {1, 3, 0}, {2, 3, 3}, {49, 100, 0}, {50, 100, 100}, {1_234_567, 10, 1_234_570},
	} {
		if got := report.Round(c.n, c.to); got != c.want {
			t.Errorf("%d rounded to %d is %d, want %d", c.n, c.to, got, c.want)
		}
	}
}

// pageCounts are page views and visitors of pages, as a Source whose order and cursor tell of them.
type pageCounts map[string][2]int64

func (p pageCounts) Ask(_ context.Context, queries []report.Query) ([]report.Result, error) {
	var results []report.Result
	for _, q := range queries {
		var r report.Result
		for value, n := range p {
			one := report.Sums{}.With("pageviews", n[0]).With("page_visitors", n[1])
			if q.Dimension == "" {
				value = ""
			}
			r.Lines = append(r.Lines, report.Line{Value: value, Now: one})
		}
		slices.SortFunc(r.Lines, func(a, b report.Line) int {
			return cmp.Or(cmp.Compare(b.Now.Count(q.Measures[0]), a.Now.Count(q.Measures[0])), cmp.Compare(a.Value, b.Value))
		})
		if q.Limit > 0 && len(r.Lines) > q.Limit {
			r.Lines = r.Lines[:q.Limit]
			r.Next = fmt.Sprint(r.Lines[q.Limit-1].Now.Count(q.Measures[0]))
		}
		results = append(results, r)
	}
	return results, nil
}

// told is all that a result tells outside of the package.
func told(r report.Result) (all []string) {
	say := func(value string, s report.Sums, hidden report.Hiding) {
		line := fmt.Sprint(value, " ", hidden)
		for _, key := range []string{"pageviews", "page_visitors", "exit_rate", "view_seconds"} {
			line += fmt.Sprint(" ", s.Count(key), s.Of(key), s.Few(key))
		}
		all = append(all, line)
	}
	for _, l := range r.Lines {
		say(l.Value, l.Now, l.Hidden)
	}
	return append(all, r.Next)
}

// TestRounded: two answers are told apart by rounded numbers alone, in all questions, and
// these are those of the exact ones after adding up.
func TestRounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		to := rapid.SampledFrom([]int64{2, 10, 100}).Draw(t, "to")
		number := func(name string) (a, b int64) {
			a = rapid.Int64Range(0, 5*to).Draw(t, name)
			for b = a; ; {
				next := b + rapid.Int64Range(-to, to).Draw(t, "other "+name)
				if next >= 0 && report.Round(next, to) == report.Round(a, to) && (next == 0) == (a == 0) {
					return a, next
				}
				if rapid.Bool().Draw(t, "give up") {
					return a, a
				}
			}
		}
		one, other := pageCounts{}, pageCounts{}
		for i := range rapid.IntRange(1, 8).Draw(t, "pages") {
			views, viewsB := number("views")
			visitors, visitorsB := number("visitors")
			one[fmt.Sprint("/", i)], other[fmt.Sprint("/", i)] = [2]int64{views, visitors}, [2]int64{viewsB, visitorsB}
		}
		q := report.Query{Sites: []uint32{1}, Range: calendar.One(theDay), Dimension: "page", Measures: []string{"pageviews", "page_visitors"}, Limit: rapid.IntRange(1, 4).Draw(t, "limit")}
		q.Measures = q.Measures[:rapid.IntRange(1, 2).Draw(t, "measures")]
		q.Sort = report.Sort{By: q.Measures[0], Ascending: rapid.Bool().Draw(t, "ascending")}
		seen := map[string]bool{}
		for {
			a, b := ask(t, report.Rounded{Source: one, To: to}, q), ask(t, report.Rounded{Source: other, To: to}, q)
			if !slices.Equal(told(a), told(b)) {
				t.Fatalf("what rounds alike to %d is told apart:\n%v\n%v", to, told(a), told(b))
			}
			if a.RoundedTo != to {
				t.Fatalf("the result says that it is rounded to %d", a.RoundedTo)
			}
			for _, l := range a.Lines {
				seen[l.Value] = true
				exact := one[l.Value]
				for i, key := range q.Measures {
					if got := l.Now.Count(key); got != report.Round(exact[i], to) || l.Now.Few(key) != (exact[i] != 0 && got == 0) {
						t.Fatalf("%s of %d is %d, few %t", key, exact[i], got, l.Now.Few(key))
					}
				}
			}
			if q.After = a.Next; q.After == "" {
				break
			}
		}
		var sums [2]int64
		for value, n := range one {
			sums[0], sums[1] = sums[0]+n[0], sums[1]+n[1]
			if !seen[value] && (n[0] != 0 || len(q.Measures) > 1 && n[1] != 0) {
				t.Fatalf("%s with %v is on no page", value, n)
			}
		}
		q.Limit, q.After = report.MaxLimit, ""
		total, _ := ask(t, report.Rounded{Source: one, To: to}, q).Total()
		for i, key := range q.Measures {
			if got := total.Count(key); got != report.Round(sums[i], to) {
				t.Fatalf("the total of %d %s is %d", sums[i], key, got)
			}
		}
	})
}
