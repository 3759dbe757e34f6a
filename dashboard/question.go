package dashboard

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
)

// question is what an address asks of the figures of a site.
type question struct {
	site    site.Site
	now     time.Time // in the time zone of the site
	period  period
	filters []report.Filter
}

// question reads the address of a call.
func (c *call) question() (question, error) {
	values := c.r.URL.Query()
	q := question{site: c.site, now: c.now.In(c.site.Location)}
	var err error
	if q.period, err = parsePeriod(values, q.now); err != nil {
		return q, err
	}
	q.filters, err = report.ParseFilters(values["f"])
	return q, err
}

// address returns the address of the page of the site with some parameters and the
// filters of the question.
func (q question) address(parameters url.Values) string {
	for _, f := range q.filters {
		parameters.Add("f", f.String())
	}
	return siteURL(q.site.ID, parameters)
}

func siteURL(id uint32, query url.Values) string {
	u := "/sites/" + strconv.FormatUint(uint64(id), 10)
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	return u
}

// exact returns those of some measures that can be exact by a dimension.
func (q question) exact(dimension string, measures []string) []string {
	asked := report.Query{Dimension: dimension, Filters: q.filters}
	return slices.DeleteFunc(slices.Clone(measures), func(m string) bool {
		_, refused := asked.Refusal(m)
		return refused
	})
}

// query asks for measures over the period by a dimension.
func (q question) query(dimension string, measures []string, limit int) report.Query {
	return report.Query{
		Sites: []uint32{q.site.ID}, Zone: q.site.Location, Range: q.period.span,
		Dimension: dimension, Measures: measures, Filters: q.filters, Limit: limit,
	}
}

// compared asks for measures over the period and the one before, by a step. A day that
// is not over is asked for by hours, however wide the step.
func (q question) compared(step report.Step, measures []string) report.Query {
	asked := q.query("", measures, 0)
	asked.Compare, asked.Step = &q.period.before, step
	if q.period.isToday() {
		asked.Step = report.Hour
	}
	return asked
}

// totals adds up the answer to what compared asked. A day that is not over is compared
// with as many hours of the day before as have begun.
func (q question) totals(asked report.Query, answer report.Result) (sums, before report.Sums) {
	sums, before = answer.Total()
	if !q.period.isToday() {
		return sums, before
	}
	before = report.Sums{}
	old := asked.Points(answer, true)
	for i, p := range asked.Points(answer, false) {
		if i < len(old) && !p.At.After(q.now) {
			before = before.Add(old[i].Sums)
		}
	}
	return sums, before
}

// ask asks for figures. The first query is that of the points: where their hours are not
// known any more, since the rows of their days are gone, it becomes one of days.
func (d *Dashboard) ask(ctx context.Context, queries []report.Query) ([]report.Result, error) {
	answers, err := d.figures.Ask(ctx, queries)
	var refused report.RefusedError
	if errors.As(err, &refused) && refused.Code == report.RowsGone && queries[0].Step == report.Hour {
		queries[0].Step = report.Day
		return d.figures.Ask(ctx, queries)
	}
	return answers, err
}

// shortTable is how many lines a table shows beside others, longTable alone.
const (
	shortTable = 10
	longTable  = 1000
)

// figureKeys are the measures at the top of the page of a site.
var figureKeys = []string{"visitors", "visits", "pageviews", "bounce_rate", "visit_seconds"}

// figures are the answers to a question.
type figures struct {
	question
	keys                  []string // those of figureKeys that can be exact
	chartKeys             [2]string
	asked                 report.Query // for the sums and points
	answer                report.Result
	step                  report.Step
	sums, before          report.Sums
	points, pointsBefore  []report.Point
	lines, details        map[string]report.Result // by dimension
	titles                map[string]string        // of pages, by path
	excluded              []hit.LedgerEntry        // most hits first, longTable and one more at most
	objections            int64                    // page views
	empty, everHadTraffic bool
}

// chartMeasures returns what a chart of the question draws: visitors, or what stands in
// their place where they can't be exact, and page views.
func (q question) chartMeasures() [2]string {
	return [2]string{q.exact("", []string{"visitors", "visits", "page_visitors", "section_visitors", "events"})[0], "pageviews"}
}

// find answers a question with the figures that the page needs which shows one table, or
// all of it if show is empty: at most limit lines for each table.
func (d *Dashboard) find(ctx context.Context, q question, show string, tables []tableSpec, limit int) (*figures, error) {
	f := &figures{
		question: q, keys: q.exact("", figureKeys), chartKeys: q.chartMeasures(),
		lines: map[string]report.Result{}, details: map[string]report.Result{},
	}
	// The first query asks for the share of tables, too.
	needed := slices.Concat(f.keys, f.chartKeys[:], []string{"events"})
	queries := []report.Query{q.query("", needed, 0)}
	if show == "" {
		queries[0] = q.compared(q.period.step(), needed)
	}
	var into []func(report.Result)
	add := func(all map[string]report.Result, dimension string, measures []string, limit int) {
		if measures = q.exact(dimension, measures); len(measures) > 0 {
			queries = append(queries, q.query(dimension, measures, limit))
			into = append(into, func(r report.Result) { all[dimension] = r })
		}
	}
	for _, t := range tables {
		add(f.lines, t.dimension, t.measures, limit)
		if t.opens != "" {
			add(f.details, t.opens, t.measures, longTable)
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		answers, err := d.ask(ctx, queries)
		if err != nil {
			return err
		}
		f.asked, f.answer, f.step = queries[0], answers[0], queries[0].Step
		f.points, f.pointsBefore = queries[0].Points(answers[0], false), queries[0].Points(answers[0], true)
		f.sums, f.before = q.totals(queries[0], answers[0])
		for i, set := range into {
			set(answers[i+1])
		}
		if f.empty = f.sums == (report.Sums{}); f.empty {
			f.everHadTraffic, err = d.everHadTraffic(ctx, q)
			return err
		}
		f.titles, err = d.titles(ctx, q, f.lines)
		return err
	})
	if show == "" || show == excluded {
		group.Go(func() (err error) {
			f.excluded, f.objections, err = d.excluded(ctx, q, longTable+1)
			return err
		})
	}
	return f, group.Wait()
}

// ofPages are the dimensions whose values are paths of pages.
var ofPages = []string{"page", "entry"}

// titles returns the titles of the pages that lines are of, by path.
func (d *Dashboard) titles(ctx context.Context, q question, lines map[string]report.Result) (map[string]string, error) {
	var paths []string
	for _, dimension := range ofPages {
		for _, line := range lines[dimension].Lines {
			paths = append(paths, line.Value)
		}
	}
	slices.Sort(paths)
	return d.store.PageTitles(ctx, q.site.ID, slices.Compact(paths))
}

// titleOf returns the title of the page that a line of a dimension is of, or "".
func titleOf(titles map[string]string, dimension string, line report.Line) string {
	if !slices.Contains(ofPages, dimension) {
		return ""
	}
	return titles[line.Value]
}

// excluded returns at most limit lines of what was not counted, most hits first, and the
// page views that were not counted because visitors object.
func (d *Dashboard) excluded(ctx context.Context, q question, limit int) (entries []hit.LedgerEntry, objections int64, err error) {
	entries, err = d.store.Excluded(ctx, q.site.ID, q.period.span, limit+1)
	if len(entries) > 0 && entries[0].Reason == hit.Objection { // it comes first
		return entries[1:], entries[0].Count, err
	}
	return entries[:min(limit, len(entries))], 0, err
}

// everHadTraffic reports whether anything was ever counted of a site.
func (d *Dashboard) everHadTraffic(ctx context.Context, q question) (bool, error) {
	answers, err := d.figures.Ask(ctx, []report.Query{{
		Sites: []uint32{q.site.ID}, Range: calendar.Range{From: 0, To: q.period.today}, Measures: []string{"visits", "pageviews", "events"},
	}})
	return err == nil && len(answers[0].Lines) > 0, err
}

// allMeasures are the keys of all measures and ratios.
var allMeasures = func() []string {
	var all []string
	for _, m := range report.Measures {
		all = append(all, m.Key)
	}
	for _, r := range report.Ratios {
		all = append(all, r.Key)
	}
	return all
}()

// defined reports whether a measure or ratio says something of sums: a ratio of nothing
// does not.
func defined(key string, s report.Sums) bool {
	i := slices.IndexFunc(report.Ratios[:], func(r report.Ratio) bool { return r.Key == key })
	return i < 0 || s.Count(report.Ratios[i].Under) != 0
}
