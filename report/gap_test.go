package report_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/report"
)

// TestGapsAreNotAnswered: what a rollup has not counted comes from the rows, or is refused.
func TestGapsAreNotAnswered(t *testing.T) {
	gaps := []report.Gap{
		{Table: "daily", Measures: []string{"site", "day", "events"}, Before: mustDay("2026-02-10")},
		{Table: "daily", Measures: []string{"visits", "pageviews"}, Dimensions: []string{"language"}, Before: mustDay("2026-02-20")},
		{Table: "campaigns", Measures: []string{"visits"}, Before: mustDay("2026-02-10")},
	}
	for _, c := range []struct {
		measure, dimension, filters, from, rows, want string // the table, or the first day that can be told
	}{
		{"pageviews", "", "", "2026-02-01", "2026-02-25", "daily"},
		{"events", "", "", "2026-02-10", "2026-02-25", "daily"},
		{"events", "", "", "2026-02-09", "2026-02-25", "2026-02-10"},
		{"events", "", "", "2026-02-09", "2026-02-09", "hits"},
		{"events", "download", "", "2026-02-01", "2026-02-05", "2026-02-05"},
		{"events", "", "", "2026-02-09", "2026-01-01", "hits"},
		{"visits", "language", "", "2026-02-19", "2026-02-25", "2026-02-20"},
		{"visits", "language", "", "2026-02-20", "2026-02-25", "daily"},
		{"visits", "entry", "", "2026-02-01", "2026-02-25", "daily"},
		{"pageviews", "", "language:nb", "2026-02-19", "2026-01-01", "hits"},
		{"visits", "campaign", "", "2026-02-09", "2026-01-01", "hits"},
		{"visits", "campaign", "", "2026-02-10", "2026-02-25", "campaigns"},
	} {
		q := report.Query{Sites: []uint32{1}, Range: calendar.Range{From: mustDay(c.from), To: mustDay("2026-02-27")}, Dimension: c.dimension, Measures: []string{c.measure}, Filters: filters(t, strings.Fields(c.filters)...)}
		plan, err := report.Planner{RowsSince: mustDay(c.rows), Gaps: gaps}.Plan([]report.Query{q})
		got := ""
		var refused report.RefusedError
		switch {
		case errors.As(err, &refused) && refused.Code == report.RowsGone:
			got = refused.Since.String()
		case err != nil:
			t.Fatal(err)
		default:
			for _, table := range []string{"hits", "daily", "campaigns"} {
				if strings.Contains(plan.Statements[0].SQL, "FROM "+table) {
					got = table
				}
			}
		}
		if got != c.want {
			t.Errorf("%s by %q with %q from %s, rows since %s: %s, want %s", c.measure, c.dimension, c.filters, c.from, c.rows, got, c.want)
		}
	}
	before := calendar.Range{From: mustDay("2026-01-01"), To: mustDay("2026-01-28")}
	q := report.Query{Sites: []uint32{1}, Range: calendar.One(mustDay("2026-02-28")), Compare: &before, Measures: []string{"events"}}
	if _, err := (report.Planner{RowsSince: mustDay("2026-02-01"), Gaps: gaps}).Plan([]report.Query{q}); err == nil {
		t.Error("days to compare with that were not counted are answered")
	}
}

// TestGapOfSite: a site whose rows were gone sooner when a rollup was added has a later gap than others.
func TestGapOfSite(t *testing.T) {
	planner := report.Planner{RowsSince: mustDay("2026-02-25"), Gaps: []report.Gap{{Table: "daily", Measures: []string{"events"}, OfSites: map[uint32]calendar.Day{2: mustDay("2026-02-10")}}}}
	for _, c := range []struct {
		sites    []uint32
		from     string
		answered bool
	}{
		{[]uint32{1}, "2026-01-01", true},
		{[]uint32{2}, "2026-02-10", true},
		{[]uint32{2}, "2026-02-09", false},
		{[]uint32{1, 2}, "2026-02-09", false},
	} {
		q := report.Query{Sites: c.sites, Range: calendar.Range{From: mustDay(c.from), To: mustDay("2026-02-27")}, Measures: []string{"events"}}
		if _, err := planner.Plan([]report.Query{q}); (err == nil) != c.answered {
			t.Errorf("sites %v from %s: %v, want answered %v", c.sites, c.from, err, c.answered)
		}
	}
}

// TestPlannerOfSites: what needs rows of a site whose rows live shorter is refused before its own
// day, alone and among others, and answered of others.
func TestPlannerOfSites(t *testing.T) {
	own := mustDay("2026-02-10")
	planner := report.Planner{RowsSince: mustDay("2026-01-01"), OfSites: map[uint32]report.Since{2: {Rows: own, Folded: mustDay("2026-02-01")}, 3: {}}}
	for _, c := range []struct {
		sites []uint32
		from  string
		want  calendar.Day // that can be told; 0: answered
	}{
		{[]uint32{1}, "2026-02-09", 0},
		{[]uint32{3}, "2026-02-09", 0},
		{[]uint32{2}, "2026-02-10", 0},
		{[]uint32{2}, "2026-02-09", own},
		{[]uint32{1, 2}, "2026-02-09", own},
		{[]uint32{2, 3}, "2025-12-31", own},
		{[]uint32{1}, "2025-12-31", mustDay("2026-01-01")},
	} {
		q := report.Query{Sites: c.sites, Range: calendar.Range{From: mustDay(c.from), To: mustDay("2026-02-27")}, Measures: []string{"pageviews"}, Filters: filters(t, "page:/", "region:NO-50")}
		_, err := planner.Plan([]report.Query{q})
		var refused report.RefusedError
		if errors.As(err, &refused); refused.Since != c.want || (err == nil) != (c.want == 0) {
			t.Errorf("sites %v from %s: %v, since %s; want %s", c.sites, c.from, err, refused.Since, c.want)
		}
	}
	lines := func(site uint32, from string) map[int]calendar.Day {
		q := report.Query{Sites: []uint32{site}, Range: calendar.Range{From: mustDay(from), To: mustDay("2026-02-27")}, Dimension: "page", Measures: []string{"pageviews"}}
		plan, err := planner.Plan([]report.Query{q})
		if err != nil {
			t.Fatal(err)
		}
		return plan.OfFolded()
	}
	if a, b, c := lines(1, "2026-01-01"), lines(2, "2026-01-01"), lines(2, "2026-02-01"); len(a) != 0 || b[0] != mustDay("2026-02-01") || len(c) != 0 {
		t.Errorf("folded are %v of a site, %v of one whose rows live shorter, %v of its days since", a, b, c)
	}
}
