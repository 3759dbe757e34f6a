package report_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/report"
)

// TestDeclarations holds that what is declared fits together: each name is there once,
// and what one entry says of another exists.
func TestDeclarations(t *testing.T) {
	seen := map[string]bool{}
	once := func(kind, key string) {
		if seen[kind+key] || key == "" {
			t.Errorf("%s %q is there twice, or has no name", kind, key)
		}
		seen[kind+key] = true
	}
	for _, m := range report.Measures {
		once("figure", m.Key)
		if column, ok := strings.CutPrefix(m.Term, "hits."); ok && !slices.ContainsFunc(hit.Fields, func(f hit.Field) bool { return f.Name == column }) {
			t.Errorf("measure %s is of column %q, which hits lack", m.Key, column)
		}
	}
	for _, r := range report.Ratios {
		once("figure", r.Key)
		if !seen["figure"+r.Over] || !seen["figure"+r.Under] {
			t.Errorf("ratio %s is of %s and %s, which are no measures", r.Key, r.Over, r.Under)
		}
	}
	for _, d := range report.Dimensions {
		once("dimension", d.Key)
		if kind := reflect.ValueOf(d).FieldByName("action").String(); kind != "" {
			once("lines of action", kind) // which all lie in one dimension
		}
		if !seen["figure"+d.Rank] {
			t.Errorf("dimension %s is ranked by %q", d.Key, d.Rank)
		}
		if (d.Of == "") == (d.Value == "") {
			t.Errorf("dimension %s has value %q and is of %q: want one of them", d.Key, d.Value, d.Of)
		}
		if reflect.ValueOf(d).FieldByName("crowd").IsZero() {
			t.Errorf("dimension %s does not say whether few or many share a value", d.Key)
		}
		if d.About == "" {
			t.Errorf("dimension %s does not say what its values are", d.Key)
		}
		if _, refused := (report.Query{Dimension: d.Key}).Refusal(d.Rank); refused {
			t.Errorf("dimension %s is ranked by %s, which is refused", d.Key, d.Rank)
		}
	}
	var sums report.Sums
	for i, m := range report.Measures {
		sums = sums.With(m.Key, int64(i+1))
	}
	for i, m := range report.Measures {
		if sums.Of(m.Key) != float64(i+1) || sums.Count(m.Key) != int64(i+1) || report.UnitOf(m.Key) == "" {
			t.Errorf("measure %s = %v, unit %q", m.Key, sums.Of(m.Key), report.UnitOf(m.Key))
		}
	}
	if got, want := sums.Of("bounce_rate"), sums.Of("bounces")/sums.Of("visits"); got != want {
		t.Errorf("bounce rate = %v, want %v", got, want)
	}
	if got := (report.Sums{}).Of("bounce_rate"); got != 0 {
		t.Errorf("bounce rate of no visit = %v", got)
	}
}

// filters reads filters that are known to be right.
func filters(t *testing.T, list ...string) []report.Filter {
	t.Helper()
	all, err := report.ParseFilters(list)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRefusal(t *testing.T) {
	for _, c := range []struct {
		measure, dimension, filters string
		want                        report.Code
	}{
		{"visitors", "", "", ""},
		{"visitors", "country", "", ""},
		{"visitors", "version", "device:mobile !os:iOS", ""},
		{"visitors", "hour", "region:NO-50", ""},
		{"visitors", "site", "", ""},
		{"visitors", "source", "", report.OnceADay},
		{"visitors", "country", "campaign:vår", report.OnceADay},
		{"visitors", "language", "", report.OnceADay},
		{"visitors", "page", "", report.OnceADay},
		{"visitors", "entry", "", report.OnceADay},
		{"visits", "source", "entry:/ country:NO", ""},
		{"visits", "page", "", report.Unlinked},
		{"visits", "", "page:/a", report.Unlinked},
		{"visits", "source", "search:vann", report.Unlinked},
		{"bounce_rate", "entry", "", ""},
		{"bounce_rate", "section", "", report.Unlinked},
		{"seconds", "", "goal:takk", report.Unlinked},
		{"pageviews", "page", "source:google", ""},
		{"events", "download", "page:/a", ""},
		{"events", "previous", "", report.Never},
		{"events", "", "previous:/om", report.Never},
		{"events", "page", "!previous:/om", ""},
		{"events", "goal", "", report.Never},
		{"events", "missing", "", ""},
		{"conversions", "previous", "", ""},
		{"pageviews", "previous", "", ""},
		{"pageviews", "download", "", report.Never},
		{"pageviews", "page", "search:vann", report.Never},
		{"pageviews", "page", "search:vann !page:/a", report.Never},
		{"pageviews", "page", "!search:vann", ""},
		{"view_seconds", "page", "event:a", report.Unlinked},
		{"pages_per_visit", "missing_link", "", report.Never},
		{"pageviews", "outlink", "missing:404_/x", ""},       // nothing is both: 0 is exact
		{"events", "download", "previous:/om", report.Never}, // they have a page before, and are not told by it
		{"events", "search", "previous:/om", report.Never},
		{"conversions", "goal", "previous:/om", ""},
		{"conversions", "search_result", "", report.Never},
		{"pageviews", "missing", "", report.Never},
		{"conversion_rate", "campaign", "", ""},
		{"conversions", "goal", "previous:/a", ""},
		{"conversion_rate", "goal", "", report.Unlinked},
		{"page_visitors", "page", "country:NO", ""},
		{"page_visitors", "page", "page:/helse/*", ""},
		{"page_visitors", "page", "section:/helse", ""},
		{"page_visitors", "", "page:/a", ""},
		{"page_visitors", "device", "page:/a", ""},
		{"page_visitors", "source", "page:/a", report.OnceADay},
		{"page_visitors", "page", "source:google", report.OnceADay},
		{"page_visitors", "", "", report.OnePage},
		{"page_visitors", "", "page:/a page:/b", report.OnePage},
		{"page_visitors", "", "page:/a*", report.OnePage},
		{"page_visitors", "", "!page:/a", report.OnePage},
		{"page_visitors", "section", "", report.OnePage},
		{"section_visitors", "section", "", ""},
		{"section_visitors", "", "section:/helse country:NO", ""},
		{"section_visitors", "page", "section:/helse", report.OnceADay},
		{"section_visitors", "page", "", report.OneSection},
		{"section_visitors", "section", "entry:/", report.OnceADay},
		{"exits", "page", "source:google", ""},
		{"exit_rate", "section", "", ""},
		{"exits", "", "", report.OfPages},
		{"view_seconds", "", "page:/a", ""},
		{"exits", "page", "search:vann", report.Unlinked},
	} {
		q := report.Query{Dimension: c.dimension, Filters: filters(t, strings.Fields(c.filters)...)}
		got, refused := q.Refusal(c.measure)
		if got.Code != c.want || refused != (c.want != "") {
			t.Errorf("%s by %q with %q: refused %v with %q, want %q", c.measure, c.dimension, c.filters, refused, got.Code, c.want)
		}
		if refused && !strings.HasPrefix(got.Error(), c.measure) {
			t.Errorf("%s is refused with %q", c.measure, got)
		}
	}
}

func TestPlanTakesTheSmallestTable(t *testing.T) {
	month, odd := calendar.Month(mustDay("2026-02-11")), calendar.Range{From: mustDay("2026-01-20"), To: mustDay("2026-03-05")}
	week := calendar.Range{From: mustDay("2026-02-02"), To: mustDay("2026-02-08")}
	for _, c := range []struct {
		name, filters string
		query         report.Query
		want          string // tables
	}{
		{"whole month", "", report.Query{Range: month, Dimension: "page", Measures: []string{"pageviews"}}, "monthly"},
		{"edges", "", report.Query{Range: odd, Dimension: "page", Measures: []string{"pageviews"}}, "monthly daily"},
		{"no whole month", "", report.Query{Range: week, Dimension: "page", Measures: []string{"pageviews"}}, "daily"},
		{"compared with a month", "", report.Query{Range: week, Compare: &month, Measures: []string{"visits"}}, "monthly daily"},
		{"days of a month", "", report.Query{Range: month, Step: report.Day, Measures: []string{"visitors"}}, "daily"},
		{"months", "", report.Query{Range: odd, Step: report.Month, Measures: []string{"visitors"}}, "monthly daily"},
		{"curve of a page", "page:/a", report.Query{Range: week, Step: report.Day, Measures: []string{"page_visitors"}}, "daily"},
		{"pages of a section", "section:/a", report.Query{Range: week, Dimension: "page", Measures: []string{"pageviews", "exits"}}, "daily"},
		{"regions of a country", "country:NO", report.Query{Range: week, Dimension: "region", Measures: []string{"visitors"}}, "daily"},
		{"searches without a result", "search_result:none", report.Query{Range: week, Dimension: "search", Measures: []string{"events"}}, "daily"},
		{"not a search", "!search:a", report.Query{Range: week, Measures: []string{"events"}}, "hits"},
		{"hours", "", report.Query{Range: week, Step: report.Hour, Measures: []string{"visitors"}}, "hourly"},
		{"hours of the week", "", report.Query{Range: week, Dimension: "hour", Measures: []string{"visits"}}, "hourly"},
		{"hours of the week in India", "", report.Query{Range: week, Zone: mustZone("Asia/Kolkata"), Dimension: "hour", Measures: []string{"visits"}}, "hits"},
		{"days of the week in India", "", report.Query{Range: week, Zone: mustZone("Asia/Kolkata"), Dimension: "weekday", Measures: []string{"visits"}}, "hourly"},
		{"days of the week in Nepal, by day", "", report.Query{Range: odd, Zone: mustZone("Asia/Kathmandu"), Dimension: "weekday", Step: report.Day, Measures: []string{"visitors"}}, "hourly"},
		{"days of the week in Nepal, by hour", "", report.Query{Range: week, Zone: mustZone("Asia/Kathmandu"), Dimension: "weekday", Step: report.Hour, Measures: []string{"visits"}}, "hits"},
		{"minutes", "", report.Query{Range: calendar.One(week.From), Step: report.Minute, Measures: []string{"visits"}}, "hits"},
		{"until a moment", "", report.Query{Range: week, Until: week.To.Time().Add(time.Hour), Measures: []string{"visits"}}, "hits"},
		{"two properties of the visit", "country:NO", report.Query{Range: odd, Dimension: "source", Measures: []string{"visits"}}, "cube"},
		{"a region is not in the cube", "region:NO-50", report.Query{Range: odd, Dimension: "source", Measures: []string{"visits"}}, "hits"},
		{"pages by a property of the visit", "source:google", report.Query{Range: week, Dimension: "page", Measures: []string{"pageviews"}}, "hits"},
		{"parts of a campaign", "campaign:vår", report.Query{Range: week, Dimension: "campaign_medium", Measures: []string{"visits"}}, "campaigns"},
		{"not of a campaign", "!campaign:vår", report.Query{Range: week, Measures: []string{"visits"}}, "cube"},
		{"next pages", "previous:/a", report.Query{Range: week, Dimension: "page", Measures: []string{"pageviews"}}, "moves"},
		{"pages before", "page:/a", report.Query{Range: week, Dimension: "previous", Measures: []string{"pageviews"}}, "moves"},
		{"sites", "", report.Query{Range: week, Dimension: "site", Measures: []string{"visitors"}}, "daily"},
	} {
		c.query.Sites = []uint32{1}
		c.query.Filters = filters(t, strings.Fields(c.filters)...)
		plan, err := report.Planner{}.Plan([]report.Query{c.query})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := strings.Join(tablesOf(plan), " "); got != c.want || len(plan.Statements) != 1 {
			t.Errorf("%s: %d statements over %s, want one over %s", c.name, len(plan.Statements), got, c.want)
		}
		_, err = report.Planner{RowsSince: mustDay("2026-02-03")}.Plan([]report.Query{c.query})
		var refused report.RefusedError
		if rows := c.want == "hits" || c.want == "cube"; rows != errors.As(err, &refused) || rows && (refused.Code != report.RowsGone || refused.Since != mustDay("2026-02-03")) {
			t.Errorf("%s, rows gone: %v", c.name, err)
		}
	}
}

// tablesOf returns the tables that a plan reads.
func tablesOf(plan report.Plan) []string {
	var tables []string
	for _, s := range plan.Statements {
		for _, table := range []string{"monthly", "daily", "hourly", "campaigns", "moves", "cube", "hits"} {
			if words := strings.Fields(s.SQL); slices.ContainsFunc(words, func(w string) bool { return w == table }) {
				tables = append(tables, table)
			}
		}
	}
	return tables
}

// TestAPageIsFewStatements asks for what a site's page shows at once.
func TestAPageIsFewStatements(t *testing.T) {
	days := calendar.Range{From: mustDay("2026-02-02"), To: mustDay("2026-03-01")}
	before := days.Before()
	page := func(list ...string) []report.Query {
		queries := []report.Query{{Step: report.Day, Measures: []string{"visitors", "visits", "pageviews", "bounce_rate", "visit_seconds"}}}
		for _, dimension := range []string{"page", "source", "entry", "country", "region", "browser", "version", "os", "device", "language", "missing", "search"} {
			queries = append(queries, report.Query{Dimension: dimension, Measures: []string{"events"}, Limit: 10})
		}
		queries = append(queries, report.Query{Dimension: "page", Measures: []string{"pageviews"}, Sort: report.Sort{Change: true}, Limit: 5})
		for i := range queries {
			queries[i].Sites, queries[i].Range, queries[i].Compare, queries[i].Filters = []uint32{1}, days, &before, filters(t, list...)
		}
		return queries
	}
	for _, c := range []struct {
		filters []string
		want    int
	}{{nil, 1}, {[]string{"region:NO-50"}, 2}} { // of a region: its own lines, and rows for all else
		plan, err := report.Planner{}.Plan(page(c.filters...))
		if err != nil {
			t.Fatal(err)
		}
		if len(plan.Statements) > c.want {
			t.Errorf("a page with filters %v takes %d statements, want at most %d", c.filters, len(plan.Statements), c.want)
		}
	}
}

// TestNothingAskedIsPartOfAStatement puts what breaks quoting into every text of a query.
func TestNothingAskedIsPartOfAStatement(t *testing.T) {
	const bad = "zqx'\"`\\); DROP"
	days := calendar.Month(mustDay("2026-02-11"))
	for _, dimension := range []string{"page", "source", "campaign", "previous"} {
		q := report.Query{Sites: []uint32{1}, Range: days, Dimension: dimension, Measures: []string{"pageviews"}, Find: bad,
			Filters: []report.Filter{{Dimension: "page", Value: bad}, {Dimension: dimension, Value: bad, Prefix: true, Not: true}}}
		plan, err := report.Planner{}.Plan([]report.Query{q})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range plan.Statements {
			if strings.Contains(s.SQL, "zqx") {
				t.Errorf("%s", s.SQL)
			}
		}
	}
}

func TestInvalid(t *testing.T) {
	good := report.Query{Sites: []uint32{1}, Range: calendar.Month(mustDay("2026-02-11")), Dimension: "page", Measures: []string{"pageviews"}}
	for field, change := range map[string]func(q *report.Query){
		"sites":     func(q *report.Query) { q.Sites = nil },
		"range":     func(q *report.Query) { q.Range.To = q.Range.From - 1 },
		"step":      func(q *report.Query) { q.Step = "second" },
		"measures":  func(q *report.Query) { q.Measures = nil },
		"measure":   func(q *report.Query) { q.Measures = []string{"pages"} },
		"dimension": func(q *report.Query) { q.Dimension = "total" },
		"filter":    func(q *report.Query) { q.Filters = []report.Filter{{Dimension: "hour", Value: "10"}} },
		"find":      func(q *report.Query) { q.Find = "\xff" },
		"sort":      func(q *report.Query) { q.Sort.By = "visitors" },
		"limit":     func(q *report.Query) { q.Limit = report.MaxLimit + 1 },
		"after":     func(q *report.Query) { q.After = "?" },
	} {
		q := good
		change(&q)
		_, err := report.Planner{}.Plan([]report.Query{good, q})
		var invalid report.InvalidError
		if !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("bad %s: %v", field, err)
		}
	}
	q := good
	q.Step, q.Range.From = report.Minute, q.Range.To-5
	if _, err := (report.Planner{}).Plan([]report.Query{q}); err == nil {
		t.Error("six days of minutes are planned")
	}
}

// TestPointsAhead: of hours that have not begun, or are not told of yet, there is no figure.
func TestPointsAhead(t *testing.T) {
	oslo, day := mustZone("Europe/Oslo"), mustDay("2026-10-25") // winter time begins: 25 hours
	at := func(clock string) time.Time {
		t.Helper()
		at, err := time.Parse(time.RFC3339, "2026-10-"+clock)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, tt := range []struct {
		until, asOf time.Time
		told        int
	}{
		{time.Time{}, time.Time{}, 25},
		{at("24T22:00:00Z"), time.Time{}, 0},
		{at("24T22:00:01Z"), time.Time{}, 1},
		{at("25T01:30:00Z"), time.Time{}, 4}, // the second 02:30
		{at("25T12:00:00Z"), time.Time{}, 14},
		{at("25T12:00:00Z"), at("25T06:10:00Z"), 9},
		{at("25T12:00:00Z"), at("24T21:00:00Z"), 0}, // none has come yet
	} {
		q := report.Query{Zone: oslo, Range: calendar.One(day), Step: report.Hour, Until: tt.until}
		points := q.Points(report.Result{AsOf: tt.asOf}, false)
		told := 0
		for i, p := range points {
			if p.Hidden == report.Shown {
				told++
			}
			if want := i >= tt.told; (p.Hidden == report.Ahead) != want {
				t.Errorf("until %s, as of %s: point %d is hidden %v, want %t", tt.until, tt.asOf, i, p.Hidden, want)
			}
		}
		if len(points) != 25 || told != tt.told {
			t.Errorf("until %s, as of %s: %d of %d are told, want %d", tt.until, tt.asOf, told, len(points), tt.told)
		}
	}
}

func TestPoints(t *testing.T) {
	oslo := mustZone("Europe/Oslo")
	days := calendar.Range{From: mustDay("2026-03-27"), To: mustDay("2026-04-02")} // summer time begins on the 29th
	for step, want := range map[report.Step]string{
		report.Hour:  "167 steps, from 2026-03-26T23:00:00Z (1 days) to 2026-04-02T21:00:00Z (1 days)",
		report.Day:   "7 steps, from 2026-03-27T00:00:00Z (1 days) to 2026-04-02T00:00:00Z (1 days)",
		report.Week:  "2 steps, from 2026-03-23T00:00:00Z (3 days) to 2026-03-30T00:00:00Z (4 days)",
		report.Month: "2 steps, from 2026-03-01T00:00:00Z (5 days) to 2026-04-01T00:00:00Z (2 days)",
	} {
		q := report.Query{Zone: oslo, Range: days, Step: step}
		points := q.Points(report.Result{}, false)
		first, last := points[0], points[len(points)-1]
		got := fmt.Sprintf("%d steps, from %s (%d days) to %s (%d days)", len(points),
			first.At.Format(time.RFC3339), first.Days.Days(), last.At.Format(time.RFC3339), last.Days.Days())
		if got != want {
			t.Errorf("%s: %s, want %s", step, got, want)
		}
		line := report.Line{At: last.At, Now: report.Sums{}.With("visitors", 3), Before: report.Sums{}.With("visitors", 4)}
		points = q.Points(report.Result{Lines: []report.Line{line}}, false)
		if points[len(points)-1].Sums != line.Now || points[0].Sums != (report.Sums{}) {
			t.Errorf("%s: the last point is %v, the first %v", step, points[len(points)-1].Sums, points[0].Sums)
		}
		if q.Points(report.Result{}, true) != nil {
			t.Errorf("%s: points of no range", step)
		}
	}
}
