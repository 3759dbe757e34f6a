package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/report"
)

// parallelStatements is the number of statements of one page that run at a time.
const parallelStatements = 2

// Reports answers queries of package report from a store. It is safe for concurrent use.
type Reports struct {
	Store *Store
	// Planner returns the planner for one page.
	Planner func() report.Planner
}

var _ report.Keeper = Reports{}

// Unchanged implements report.Keeper. It is nil unless the engine is in this process.
func (r Reports) Unchanged(days []calendar.Range) func() bool {
	stored := r.Store.unchanged(&scope{tables: ofFigures(), days: days})
	if stored == nil {
		return nil
	}
	planner := r.Planner()
	return func() bool { return stored() && reflect.DeepEqual(planner, r.Planner()) }
}

// Ask implements report.Source.
func (r Reports) Ask(ctx context.Context, queries []report.Query) ([]report.Result, error) {
	planner := r.Planner()
	var err error
	if planner.Gaps, err = r.Store.Gaps(ctx); err != nil {
		return nil, err
	}
	probes := report.Probes(queries)
	if len(queries)+len(probes) > report.MaxQueries {
		probes = probes[:report.MaxQueries-len(queries)]
	}
	probed := make([]report.Result, len(probes))
	asked := slices.Clone(queries)
	var askedOf []int // of which probe each behind queries is
	for i, probe := range probes {
		known := false
		if probed[i], known, err = r.recorded(ctx, planner, probe); err != nil {
			return nil, err
		}
		if !known {
			asked, askedOf = append(asked, probe), append(askedOf, i)
		}
	}
	results, open, err := r.answer(ctx, planner, asked)
	if err != nil {
		return nil, err
	}
	for n, i := range askedOf {
		probed[i] = results[len(queries)+n]
	}
	results = results[:len(queries)]
	if len(open) > 0 {
		rest := make([]report.Query, len(open))
		for i, n := range open {
			rest[i] = queries[n]
		}
		planner.OnlyRows = true
		answers, _, err := r.answer(ctx, planner, rest)
		var refused report.RefusedError
		if errors.As(err, &refused) {
			refused.Query = open[refused.Query]
			return nil, refused
		}
		if err != nil {
			return nil, err
		}
		for i, n := range open {
			results[n] = answers[i]
		}
	}
	planner.OnlyRows = false
	if err := r.askTotals(ctx, planner, queries, results); err != nil {
		return nil, err
	}
	var doubted []report.Result
	doubts := report.Doubts(queries, results)
	if len(doubts) > 0 {
		if doubted, _, err = r.answer(ctx, planner, doubts); err != nil {
			return nil, err
		}
	}
	return report.Judge(queries, results, probes, probed, doubts, doubted), nil
}

// recorded returns the result of a probe from what is kept of all days that are over: most pages
// need it, and hits of today do not end it. It is false where it has to be asked for.
func (r Reports) recorded(ctx context.Context, planner report.Planner, probe report.Query) (report.Result, bool, error) {
	whole, ok := probe.Widened(time.Now())
	if !ok || !r.Store.sees.Load() || len(planner.Gaps) > 0 {
		return report.Result{}, false, nil
	}
	of := &scope{tables: ofFigures(), days: []calendar.Range{whole.Range}}
	all, err := recall(r.Store, &r.Store.recalled.recorded, recordedKey{probe.Sites[0], whole.Range.To}, of, func() ([]report.Recorded, error) {
		results, _, err := r.answer(ctx, planner, []report.Query{whole})
		if err != nil {
			return nil, err
		}
		return report.RecordedOf(results[0]), nil
	})
	return probe.Recorded(all), true, err
}

// recordedKey names what is kept of how hits of a site were recorded, up to a day.
type recordedKey struct {
	site uint32
	to   calendar.Day
}

// askTotals takes the sums of today, where rows were erased, from totals that lack none. The day
// that it is compared with ends at a moment that only rows tell.
func (r Reports) askTotals(ctx context.Context, planner report.Planner, queries []report.Query, results []report.Result) error {
	var asked []report.Query
	var of []int
	for i, q := range queries {
		if whole, ok := q.WholeToday(); ok && results[i].Erased > 0 {
			asked, of = append(asked, whole), append(of, i)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	wholes, _, err := r.answer(ctx, planner, asked)
	if err != nil {
		return err
	}
	for n, i := range of {
		if wholes[n].Erased > 0 { // no totals tell
			continue
		}
		results[i] = results[i].Whole(wholes[n])
		results[i].Erased = 0
		if before := queries[i].Compare; before != nil {
			q := asked[n]
			q.Range = *before
			if results[i].Erased, err = r.Store.erasedDays(ctx, q); err != nil {
				return err
			}
		}
	}
	return nil
}

// answer runs the plan that a planner makes for queries.
func (r Reports) answer(ctx context.Context, planner report.Planner, queries []report.Query) (results []report.Result, open []int, err error) {
	plan, err := planner.Plan(queries)
	if err != nil {
		return nil, nil, err
	}
	readers := make([]*report.Reader, len(plan.Statements))
	asking := ctx
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelStatements)
	for i, statement := range plan.Statements {
		group.Go(func() (err error) {
			readers[i], err = r.Store.ask(ctx, statement)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, fmt.Errorf("ask %d queries: %w", len(queries), err)
	}
	results, open = plan.Results(readers)
	for i, since := range plan.OfFolded() {
		results[i].FoldedBefore = since
	}
	erased := map[string]int{} // by sites and days
	for _, i := range plan.OfRows() {
		q := queries[i]
		key := fmt.Sprint(q.Sites, q.Range)
		if q.Compare != nil {
			key += fmt.Sprint(*q.Compare)
		}
		if _, known := erased[key]; !known {
			if erased[key], err = r.Store.erasedDays(asking, q); err != nil {
				return nil, nil, err
			}
		}
		results[i].Erased = erased[key]
	}
	return results, open, nil
}

// ask runs one statement of a plan.
func (s *Store) ask(ctx context.Context, statement report.Statement) (*report.Reader, error) {
	rows, err := s.conn.Query(bind(ctx, maps.Clone(statement.Params)), statement.SQL)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	read := statement.Read()
	for rows.Next() {
		if err := rows.Scan(read.Columns()...); err != nil {
			return nil, err
		}
		if err := read.Next(); err != nil {
			return nil, err
		}
	}
	return read, rows.Err()
}
