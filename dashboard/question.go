package dashboard

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
)

// question is what an address asks of the figures of a site, or of several.
type question struct {
	address
	of        site.Site            // zero: several sites
	now       time.Time            // in the time zone of the site
	since     calendar.Day         // the first day that was counted; one to come if none was
	wrong     *report.InvalidError // what of the address can't be read
	typed     url.Values           // what was typed
	badFind   bool                 // what was typed to look for can't be
	badFilter string               // key of why what was typed of a filter is none; "": it is one

	admin     bool // who asks is one
	apart     bool // the figures are not of the period
	lang      *i18n.Language
	dashboard *Dashboard
	ctx       context.Context // of the call
	within    []report.Filter // what the page itself filters by, which is no filter of the reader's
	all       bool            // every row of a table is wanted: for CSV and JSON
	answers   []*answer
	titles    map[string]string // of the pages in the answers, by path
	asOf      time.Time         // up to when breakdowns of today go, before today if there are none yet; zero: they have no steps
	rounded   int64             // to what multiple answers are rounded; 0: they are not
	folded    calendar.Day      // before it, values of few have no line in answers
	erased    int               // on how many days rows were erased that answers lack
	minimal   int               // on how many days what answers tell of was not recorded
	unlike    bool              // an answer is not compared since what it is by was not recorded alike
	writes    bool              // the reader may write notes
	marked    bool              // a chart is on the page, with notes
	notes     []site.Note       // of the period, in order of their days
}

// answer is the answer to a query, once the question was asked.
type answer struct {
	report.Result
	query   report.Query
	refused *report.RefusedError // why there is none; its Result shows nothing then
}

// question reads the address of a call to a page.
func (c *call) question(path string) (*question, error) {
	values := c.r.URL.Query()
	q := &question{of: c.site, admin: c.user.Role == site.Admin, writes: c.user.Role.Writes(), now: c.now, typed: values, lang: c.lang, all: c.format != ""}
	if c.site.Location != nil {
		q.now = c.now.In(c.site.Location)
	}
	var err error
	if q.address, err = readAddress(c.site.ID, path, values, q.now, c.lang); err != nil {
		var invalid report.InvalidError
		if !errors.As(err, &invalid) || invalid.Field == "filter" || c.json || c.format != "" {
			return nil, err
		}
		q.wrong = &invalid
	}
	if q.site != 0 && c.format == "" && !c.json {
		if after := q.own.Get(byAfter); !report.IsCursor(after) {
			c.wrong = &report.InvalidError{Field: byAfter, Value: after}
			q.own.Del(byAfter)
		}
		if q.badFind = !report.IsFindable(q.own.Get(byFind)); q.badFind {
			q.own.Del(byFind)
		}
	}
	q.typed["from"] = slices.DeleteFunc(values["from"], isPath)
	return q, nil
}

// query asks for measures over the period, beside the days before.
func (q *question) query(measures ...string) report.Query {
	asked := q.period.Query(q.site, q.since, measures...)
	asked.Filters = both(q.filters, q.within...)
	return asked
}

// both returns the filters that keep what those of the reader and those of the page itself
// keep. Filters of one dimension that keep are alternatives, so where both have some of a
// dimension, what is left are the parts that they share.
func both(reader []report.Filter, own ...report.Filter) []report.Filter {
	of := func(f report.Filter) func(report.Filter) bool {
		return func(g report.Filter) bool { return !g.Not && !f.Not && g.Dimension == f.Dimension }
	}
	all := slices.DeleteFunc(slices.Clone(reader), func(f report.Filter) bool { return slices.ContainsFunc(own, of(f)) })
	for i, f := range own {
		if !slices.ContainsFunc(reader, of(f)) {
			all = append(all, f)
			continue
		}
		for _, g := range reader {
			switch {
			case !of(f)(g):
			case f == g, g.Prefix && strings.HasPrefix(f.Value, g.Value):
				all = append(all, f)
			case f.Prefix && strings.HasPrefix(g.Value, f.Value):
				all = append(all, g)
			}
		}
		if !slices.ContainsFunc(own[i+1:], of(f)) && !slices.ContainsFunc(all, of(f)) { // they share nothing
			all = append(all, f, report.Filter{Dimension: f.Dimension, Value: f.Value, Prefix: f.Prefix, Not: true})
		}
	}
	return all
}

// by asks for the lines of a dimension.
func (q *question) by(dimension string, limit int, measures ...string) report.Query {
	asked := q.query(measures...)
	asked.Dimension, asked.Limit = dimension, limit
	return asked
}

// ask adds a query to those of the page and returns where its answer will be.
func (q *question) ask(asked report.Query) *answer {
	a := &answer{query: asked, Result: report.RefusedResult()}
	q.answers = append(q.answers, a)
	return a
}

// run asks all at once, and for the titles of the pages that are answered.
func (q *question) run(ctx context.Context, source *report.Shared) error {
	answered, err := q.settle(ctx, source)
	if err != nil {
		return err
	}
	if err := q.findTitles(ctx, answered); err != nil {
		return err
	}
	return q.findNotes(ctx)
}

// settle asks all at once, and hides small numbers. It returns what was answered. A query
// that can't be answered is left out: of hours that are not kept any more, the days are
// asked for.
func (q *question) settle(ctx context.Context, shared *report.Shared) ([]*answer, error) {
	open := slices.Clone(q.answers)
	q.answers = nil
	if q.uncounted() { // no 0 of a day that was not counted is a figure
		for _, a := range open {
			a.refused = &report.RefusedError{Code: report.NotCounted, Since: q.since}
		}
		return nil, nil
	}
	source := shared.Guarded(q.of.Guard, calendar.DayOf(q.now)-1)
	for len(open) > 0 {
		queries := make([]report.Query, len(open))
		for i, a := range open {
			queries[i] = a.query
		}
		results, err := source.Ask(ctx, queries)
		var refused report.RefusedError
		if errors.As(err, &refused) && refused.Query < len(open) {
			a := open[refused.Query]
			if (refused.Code == report.RowsGone || refused.Code == report.Aged) && a.query.Step == report.Hour {
				a.query.Step = report.Day
				continue
			}
			a.refused = &refused
			open = slices.Delete(open, refused.Query, refused.Query+1)
			continue
		}
		if err != nil {
			return nil, err
		}
		for i, a := range open {
			q.answer(a, results[i])
		}
		break
	}
	return open, nil
}

// answer puts a result into its answer.
func (q *question) answer(a *answer, r report.Result) {
	if r.Unknown != "" {
		a.refused = &report.RefusedError{Code: report.Unknown, Dimension: r.Unknown}
		return
	}
	q.rounded = max(q.rounded, r.RoundedTo)
	q.erased, q.folded = max(q.erased, r.Erased), max(q.folded, r.FoldedBefore)
	if a.Result = r; !a.AsOf.IsZero() {
		q.asOf = a.AsOf.In(a.query.Zone)
	}
	if a.Uncompared {
		a.query.Compare, a.query.CompareUntil = nil, time.Time{}
	}
	if a.query.Dimension == "" || !a.IsUnknown() { // of that a table says so itself
		q.minimal, q.unlike = max(q.minimal, len(a.Minimal)), q.unlike || a.Uncompared
	}
}

// compared reports whether an answer tells of the days before, too.
func (a *answer) compared() bool { return a.refused == nil && a.query.Compare != nil }

// lacking returns those of some measures that are not known in some days.
func lacking(r report.Result, measures []string, days calendar.Range) []string {
	return slices.DeleteFunc(slices.Clone(measures), func(m string) bool { return !r.Lacks(m, days) })
}

// covers returns why a measure of an answer is not shown, of the period and of the days before.
func (a *answer) covers(measure string, now, before report.Hiding) (report.Hiding, report.Hiding) {
	if a.Lacks(measure, a.query.Range) {
		now = report.Refused
	}
	if a.query.Compare == nil || a.Lacks(measure, *a.query.Compare) {
		before = report.Refused
	}
	return now, before
}

// why returns why a measure of all lines is not shown, of the period and of the days before.
func (a *answer) why(measure string) (now, before report.Hiding) {
	now, before = a.Hidden()
	return a.covers(measure, now, before)
}

// ofPages are the dimensions whose values are paths of pages.
var ofPages = []string{"page", "entry", "previous"}

// findNotes asks for the notes about the period, where a chart shows them.
func (q *question) findNotes(ctx context.Context) error {
	if q.dashboard == nil || !q.marked {
		return nil
	}
	var err error
	q.notes, err = q.dashboard.store.Notes(ctx, q.site, q.period.Whole)
	return err
}

// findTitles asks for the titles of the pages that answers are of.
func (q *question) findTitles(ctx context.Context, answers []*answer) error {
	var paths []string
	for _, a := range answers {
		if slices.Contains(ofPages, a.query.Dimension) {
			for _, line := range a.Lines {
				paths = append(paths, line.Value)
			}
		}
	}
	if q.dashboard == nil || len(paths) == 0 {
		return nil
	}
	slices.Sort(paths)
	var err error
	q.titles, err = q.dashboard.store.PageTitles(ctx, q.site, slices.Compact(paths))
	return err
}

// titleOf returns the title of the page that a line of a dimension is of, or "".
func (q *question) titleOf(dimension string, line report.Line) string {
	if !slices.Contains(ofPages, dimension) {
		return ""
	}
	return q.titles[line.Value]
}

// exact returns those of some measures that can be exact by a dimension. Under a filter by
// what is no page view, events or conversions stand in the place of page views.
func (q *question) exact(dimension string, measures ...string) []string {
	return exactOf(report.Query{Dimension: dimension, Filters: both(q.filters, q.within...)}, measures)
}

// exactOf is the same of any query.
func exactOf(asked report.Query, measures []string) []string {
	var exact []string
	for _, m := range measures {
		why, refused := asked.Refusal(m)
		for _, other := range []string{"events", "conversions"} {
			if _, no := asked.Refusal(other); m == "pageviews" && why.Code == report.Never && !no && !slices.Contains(measures, other) {
				exact = append(exact, other)
			}
		}
		if !refused {
			exact = append(exact, m)
		}
	}
	return exact
}

// ofViews returns those of the measures of page views that can be exact by page: none under a
// filter by what is no view.
func (q *question) ofViews() []string {
	return slices.DeleteFunc(q.exact("page", "page_visitors", "pageviews"), func(m string) bool { return m != "page_visitors" && m != "pageviews" })
}

// people returns the measure that comes nearest to how many people did something: visitors
// where they can be exact, and else what stands in their place.
func (q *question) people(dimension string) string {
	return q.exact(dimension, "visitors", "page_visitors", "section_visitors", "visits", "pageviews", "events", "conversions")[0]
}

// compared reports whether there are days to compare with.
func (q *question) compared() bool {
	_, ok := q.period.Comparable(q.since)
	return ok
}

// uncounted reports whether counting began after the period.
func (q *question) uncounted() bool {
	return q.site != 0 && !q.apart && q.begun() && q.since > q.period.Range.To
}

// begunWithin reports whether counting began on a day of the period that is not the first.
func (q *question) begunWithin() bool {
	return !q.apart && q.since > q.period.Range.From && q.since <= q.period.Range.To
}

// begun reports whether anything was ever counted.
func (q *question) begun() bool { return q.since <= calendar.DayOf(q.now) }

// tooNew reports whether a comparison is missing because counting had not begun.
func (q *question) tooNew() bool {
	_, ok := q.period.Before()
	return ok && !q.compared()
}
