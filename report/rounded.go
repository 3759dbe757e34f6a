package report

import (
	"context"
	"slices"
)

// Rounded is a Source whose numbers are rounded to the nearest multiple of To, after adding up:
// so are sums of its lines and ratios of them, and lines come in the order of the rounded
// numbers. What is not 0 and rounds to 0 is few (Sums.Few), and Below if all that a line was
// asked for is. It is safe for concurrent use if Source is.
//
// Of a query without a step it knows the first MaxLimit lines, so that neither order nor cursor
// tells of an exact number.
type Rounded struct {
	Source Source // a Guard stands inside, since it needs exact numbers
	To     int64  // more than 1
}

// Ask implements Source.
func (r Rounded) Ask(ctx context.Context, queries []Query) ([]Result, error) {
	asked := slices.Clone(queries)
	for i, q := range queries {
		if q.paged() {
			asked[i].Limit, asked[i].After = MaxLimit, ""
		}
	}
	results, err := r.Source.Ask(ctx, asked)
	if err != nil {
		return nil, err
	}
	results = cloned(results)
	for i, q := range queries {
		of := &results[i]
		of.RoundedTo = r.To
		for n := range of.Lines {
			l := &of.Lines[n]
			l.Now, l.Hidden = r.round(q, l.Now, l.Hidden)
			l.Before, l.HiddenBefore = r.round(q, l.Before, l.HiddenBefore)
		}
		of.rest.Now.to, of.rest.Before.to = r.To, r.To
		now, before := of.Total()
		_, of.rest.Hidden = r.round(q, now, of.rest.Hidden)
		_, of.rest.HiddenBefore = r.round(q, before, of.rest.HiddenBefore)
		if q.paged() {
			of.Next, q.Find = "", "" // what is found is found already, in more spellings
			q.page(of, of.Lines)
		}
	}
	return results, nil
}

// paged reports whether a valid query has an answer of pages of lines.
func (q Query) paged() bool { return q.Dimension != "" && q.Step == "" && q.validate() == nil }

// round rounds sums, and hides them if all that was asked for is few.
func (r Rounded) round(q Query, s Sums, hidden Hiding) (Sums, Hiding) {
	if s.n == (Sums{}).n {
		return s, hidden
	}
	s.to = r.To
	if hidden != Shown {
		return s, hidden
	}
	few := false
	for _, m := range q.Measures {
		for _, i := range sumsOf(m) {
			if Round(s.n[i], r.To) != 0 {
				return s, Shown
			}
			few = few || s.n[i] != 0
		}
	}
	if few {
		return s, Below
	}
	return s, Shown
}
