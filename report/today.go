package report

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/fotspor/fotspor/calendar"
)

// settled is how long after a moment its hits are in the store: a segment of the spool is
// sealed after five seconds and inserted at once.
const settled = 10 * time.Second

// breakdown reports whether a query tells more of hits than that they came.
func (q Query) breakdown() bool {
	return len(q.Filters) > 0 || q.Dimension != "" && q.Dimension != "site"
}

// today returns the queries with breakdowns of a day that is not over cut at its last step,
// and the steps by the index of the query. A step is the first second at which as many
// visitors as the threshold have come since the step before. Steps follow from the visitors
// of the day alone, so that all processes and all breakdowns have the same ones, and what is
// read at two moments differs by the hits of no visitors or of that many. The day that is
// compared has its own steps, up to the same time of the clock.
func (g Guard) today(ctx context.Context, queries []Query) ([]Query, map[int]time.Time, error) {
	var asked []Query
	var owner []int
	of := map[int]int{} // what was asked for a query
	for i, q := range queries {
		if q.Until.IsZero() || !q.breakdown() || g.threshold(q) == 0 || q.validate() != nil {
			continue
		}
		came := Query{Sites: q.Sites, Zone: q.Zone, Range: calendar.One(q.Range.To), Until: q.Until, Step: Second, Measures: []string{"visitors"}}
		if q.Compare != nil && !q.CompareUntil.IsZero() {
			day := calendar.One(q.Compare.To)
			came.Compare, came.CompareUntil = &day, q.CompareUntil
		}
		n := slices.IndexFunc(asked, func(q Query) bool { return reflect.DeepEqual(q, came) })
		if n < 0 {
			n = len(asked)
			asked, owner = append(asked, came), append(owner, i)
		}
		of[i] = n
	}
	if len(asked) == 0 {
		return queries, nil, nil
	}
	results, err := g.Source.Ask(ctx, asked)
	var refused RefusedError
	if errors.As(err, &refused) && refused.Query < len(owner) {
		refused.Query = owner[refused.Query]
		return nil, nil, refused
	}
	if err != nil {
		return nil, nil, err
	}
	queries = slices.Clone(queries)
	steps := map[int]time.Time{}
	for i, n := range of {
		q, k := &queries[i], g.threshold(queries[i])
		step := lastStep(results[n], q.Until.Add(-settled), k, func(l Line) Sums { return l.Now })
		if step.IsZero() {
			step = q.Range.To.In(q.zone()).Add(-time.Second)
		}
		late := q.Until.Sub(step)
		q.Until, q.stepped, steps[i] = step, true, step
		if came := asked[n]; came.Compare != nil {
			if q.CompareUntil = lastStep(results[n], q.CompareUntil.Add(-late), k, func(l Line) Sums { return l.Before }); q.CompareUntil.IsZero() {
				q.CompareUntil = q.Compare.To.In(q.zone()).Add(-time.Second)
			}
		}
	}
	return queries, steps, nil
}

// lastStep returns the last step up to a moment, zero if there is none. The lines have the
// visitors who came in each second.
func lastStep(r Result, until time.Time, k int64, of func(Line) Sums) (step time.Time) {
	came := int64(0)
	for _, l := range r.Lines {
		if n := of(l).Count("visitors"); n != 0 && !l.At.After(until) {
			if came += n; came >= k {
				step, came = l.At, 0
			}
		}
	}
	return step
}

// WholeToday returns the same question of all of a day that is not over, for which totals answer
// that outlive rows, and false for one that only rows answer. It is the question up to now: no
// hit is of later.
func (q Query) WholeToday() (Query, bool) {
	if q.Until.IsZero() || q.stepped || q.breakdown() || q.Step == Minute || q.Step == Second {
		return q, false
	}
	q.Until, q.Compare, q.CompareUntil = time.Time{}, nil, time.Time{}
	return q, true
}

// Whole returns the result with its sums of Range from that of WholeToday. What is of Compare
// stays.
func (r Result) Whole(whole Result) Result {
	lines := slices.Clone(whole.Lines)
	for _, l := range r.Lines {
		n := slices.IndexFunc(lines, func(w Line) bool { return w.key() == l.key() })
		if n < 0 {
			n = len(lines)
			lines = append(lines, Line{At: l.At, Value: l.Value, Detail: l.Detail})
		}
		lines[n].Before = l.Before
	}
	slices.SortStableFunc(lines, func(a, b Line) int { return a.At.Compare(b.At) })
	r.Lines = lines
	return r
}
