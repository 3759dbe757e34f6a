package report_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestWhatIsNotRecorded: a filter by what a policy does not record is refused, whether it keeps
// or leaves out, and on each day of the question. What is recorded and did not happen is 0.
func TestWhatIsNotRecorded(t *testing.T) {
	day := mustDay("2026-02-11") // standard; the day after it is minimal
	source := ofPolicies(t, day, "sm")
	first, second, both := calendar.One(day), calendar.One(day+1), calendar.Range{From: day, To: day + 1}
	const unknown = -1
	for _, c := range []struct {
		dimension, filter   string
		first, second, both int64 // page views or events
	}{
		{"", "channel:campaign", 1, unknown, unknown},
		{"", "!channel:search", 1, unknown, unknown},
		{"", "channel:*", 1, unknown, unknown},
		{"", "channel:", 0, 1, 1}, // asks what is not known
		{"", "!device:mobile", 0, unknown, unknown},
		{"", "os:iOS", 1, unknown, unknown},
		{"", "source:x", 0, unknown, unknown},
		{"", "language:nb", unknown, unknown, unknown}, // nobody told it
		{"", "campaign:vår", 1, unknown, unknown},
		{"", "campaign:x", 0, unknown, unknown},
		{"", "!campaign:vår", 0, unknown, unknown},
		{"", "campaign_term:x", 0, unknown, unknown},
		{"", "event:Skjema", 1, unknown, unknown},
		{"", "search:x", 0, unknown, unknown},
		{"", "!search:x", 1, unknown, unknown},
		{"", "goal:x", 0, unknown, unknown},
		{"", "!goal:x", 1, unknown, unknown},
		{"", "download:x", 0, unknown, unknown},
		{"", "outlink:x", 0, unknown, unknown},
		{"", "search_result:none", 1, unknown, unknown},
		{"", "missing:x", 0, unknown, unknown},
		{"", "missing_link:x", 0, unknown, unknown},
		{"", "region:NO-50", unknown, unknown, unknown}, // no GeoIP database
		{"", "!country:NO", unknown, unknown, unknown},
		{"", "browser:Chrome", 0, 0, 0},
		{"", "!browser:Chrome", 1, 1, 2},
		{"", "previous:/b", 0, 0, 0},
		{"", "!section:/a", 0, 0, 0},
		{"event", "", 1, unknown, 1},
		{"download", "", 1, unknown, 1},
		{"outlink", "", 0, unknown, unknown},
		{"campaign", "", 1, unknown, 1},
	} {
		for i, days := range []calendar.Range{first, second, both} {
			want := []int64{c.first, c.second, c.both}[i]
			q := report.Query{Sites: []uint32{1}, Range: days, Dimension: c.dimension, Filters: filters(t, strings.Fields(c.filter)...), Measures: []string{"pageviews"}}
			for _, m := range []string{"events", "conversions"} {
				if _, never := q.Refusal(q.Measures[0]); never {
					q.Measures[0] = m
				}
			}
			results, err := source.Ask(t.Context(), []report.Query{q})
			switch {
			case err != nil:
				t.Errorf("%s %s over %v: %v, want %d", c.dimension, c.filter, days, err, want)
			case (want == unknown) != (results[0].Unknown != ""):
				t.Errorf("%s %s over %v: unknown %q, want %d", c.dimension, c.filter, days, results[0].Unknown, want)
			case want == unknown:
			default:
				if now, _ := results[0].Total(); now.Count(q.Measures[0]) != want {
					t.Errorf("%s %s over %v: %d %s, want %d", c.dimension, c.filter, days, now.Count(q.Measures[0]), q.Measures[0], want)
				}
			}
		}
	}
}

// ofPolicies returns the figures of a site with a view, an event, a search, a download and a
// goal on each day, recorded under the policies of a text: s is standard, m minimal, b first the
// one and then the other, v the same with nothing but a view under the first, and on the others
// nobody came.
func ofPolicies(t *testing.T, first calendar.Day, policies string) report.Source {
	t.Helper()
	st := storetest.Open(t)
	var rows []hit.Row
	for i, policy := range policies {
		day := first + calendar.Day(i)
		view := hit.Row{
			Site: 1, Time: day.Time().Add(time.Hour), Day: day, Kind: hit.Pageview, Path: "/a", EntryPath: "/a", Browser: "Firefox", OS: "iOS", Device: "mobile",
			Channel: "campaign", Source: "brev", Campaign: "vår", Pageviews: 1, Visits: 1, Visitors: 1, PageVisitors: 1,
		}
		of := func(kind hit.Kind, name string) hit.Row {
			row := view
			row.Kind, row.Name, row.Pageviews, row.Visits, row.Visitors, row.PageVisitors = kind, name, 0, 0, 0, 0
			return row
		}
		goal := of(hit.Goal, "Kontakt")
		goal.Conversions = 1
		for _, row := range []hit.Row{view, of(hit.Event, "Skjema"), of(hit.Search, "fylke"), of(hit.Download, "example.org/f.pdf"), goal} {
			if policy == 's' || policy == 'b' || policy == 'v' && row.Kind == hit.Pageview {
				rows = append(rows, row)
			}
			if policy == 'm' || policy == 'b' || policy == 'v' {
				(privacy.Policy{Record: privacy.Minimal}).Trim(&row)
				rows = append(rows, row)
			}
		}
	}
	if err := st.Insert(t.Context(), hit.Batch{Rows: rows}, "rows"); err != nil {
		t.Fatal(err)
	}
	return store.Reports{Store: st, Planner: func() report.Planner { return report.Planner{} }}
}

// TestPoliciesOfBothPeriods: what was not recorded in one of the periods is told as unknown of
// that one, never as 0 or a change, with small numbers hidden or not.
func TestPoliciesOfBothPeriods(t *testing.T) {
	first := mustDay("2026-02-02")
	plain := ofPolicies(t, first, "ss mm sm bs v ")
	days := map[string]calendar.Range{}
	for i, name := range []string{"standard", "minimal", "mixed", "partly", "views"} {
		days[name] = calendar.Range{From: first + calendar.Day(3*i), To: first + calendar.Day(3*i) + 1}
	}
	days["nobody"] = calendar.Range{From: first - 2, To: first - 1}
	for _, c := range []struct {
		dimension, filter, measure, now, before string
		want, wantBefore                        string // a number, or why there is none
	}{
		{"event", "", "events", "standard", "standard", "2", "2"},
		{"event", "", "events", "standard", "minimal", "2", "uncompared"},
		{"event", "", "events", "standard", "mixed", "2", "uncompared"},
		{"event", "", "events", "standard", "nobody", "2", "0"},
		{"event", "", "events", "minimal", "standard", "unknown", ""},
		{"event", "", "events", "minimal", "minimal", "unknown", ""},
		{"event", "", "events", "mixed", "standard", "1", "uncompared"},
		{"event", "", "events", "nobody", "standard", "0", "2"},
		{"event", "", "events", "nobody", "minimal", "0", "uncompared"},
		{"search_result", "", "events", "standard", "minimal", "2", "uncompared"},
		{"search_result", "", "events", "minimal", "standard", "unknown", ""},
		{"download", "", "events", "standard", "minimal", "2", "uncompared"},
		{"download", "", "events", "minimal", "standard", "unknown", ""},
		{"goal", "", "conversions", "standard", "minimal", "2", "uncompared"},
		{"goal", "", "conversions", "minimal", "standard", "unknown", ""},
		{"campaign", "", "visits", "standard", "minimal", "2", "uncompared"},
		{"campaign", "", "visits", "minimal", "standard", "unknown", ""},
		{"source", "", "visits", "standard", "standard", "2", "2"},
		{"source", "", "visits", "standard", "minimal", "2", "uncompared"},
		{"source", "", "visits", "minimal", "standard", "2 unsaid", "uncompared"},
		{"os", "", "visits", "minimal", "standard", "2 unsaid", "uncompared"},
		{"os", "", "visits", "standard", "mixed", "2", "uncompared"},
		{"browser", "", "visits", "minimal", "standard", "2", "2"},
		{"page", "", "pageviews", "standard", "minimal", "2", "2"},
		{"page", "", "pageviews", "standard", "nobody", "2", "0"},
		{"hour", "", "pageviews", "standard", "nobody", "2", "0"}, // the time is known of each hit
		{"weekday", "", "visitors", "nobody", "standard", "0", "2"},
		{"", "os:iOS", "visits", "standard", "minimal", "2", "uncompared"},
		{"", "os:iOS", "visits", "minimal", "standard", "unknown", ""},
		{"", "!channel:search", "visits", "standard", "mixed", "2", "uncompared"},
		{"page", "goal:Kontakt", "conversions", "standard", "minimal", "2", "uncompared"},
		{"", "region:NO-50", "visits", "standard", "minimal", "unknown", ""},
		{"", "", "visits", "minimal", "standard", "2", "2"},
		{"", "", "events", "standard", "standard", "6", "6"},
		{"", "", "events", "standard", "minimal", "6", "lacks"},
		{"", "", "events", "minimal", "standard", "lacks", "6"},
		{"", "", "events", "mixed", "standard", "lacks", "6"},
		{"", "", "conversion_rate", "mixed", "minimal", "lacks", "lacks"},
		{"page", "", "events", "standard", "mixed", "6", "lacks"},
		{"", "", "events", "standard", "nobody", "6", "0"},
		{"", "", "events", "partly", "standard", "lacks", "6"}, // 3 before the record became minimal
		{"", "", "events", "standard", "partly", "6", "lacks"},
		{"", "", "conversion_rate", "partly", "standard", "lacks", "1"},
		{"", "", "events", "views", "standard", "lacks", "6"}, // none before it
		{"", "", "visits", "partly", "standard", "3", "2"},
		{"", "os:iOS", "visits", "partly", "standard", "unknown", ""},
		{"", "!channel:search", "visits", "standard", "partly", "2", "uncompared"},
		{"page", "", "events", "standard", "partly", "6", "lacks"},
		{"page", "goal:Kontakt", "conversions", "partly", "standard", "unknown", ""},
		{"event", "", "events", "partly", "standard", "2", "uncompared"},
		{"event", "", "events", "standard", "partly", "2", "uncompared"},
		{"event", "", "events", "views", "standard", "unknown", ""},
		{"goal", "", "conversions", "views", "standard", "unknown", ""},
		{"campaign", "", "visits", "partly", "standard", "2", "uncompared"},
		{"os", "", "visits", "partly", "standard", "3", "uncompared"},
		{"browser", "", "visits", "partly", "standard", "3", "2"},
	} {
		for _, source := range []report.Source{plain, report.Guard{Source: plain, Threshold: func(uint32) int { return 1 }, Over: first + 100}} {
			before := days[c.before]
			q := report.Query{Sites: []uint32{1}, Range: days[c.now], Compare: &before, Gone: true, Dimension: c.dimension, Filters: filters(t, strings.Fields(c.filter)...), Measures: []string{c.measure}}
			results, err := source.Ask(t.Context(), []report.Query{q})
			if err != nil {
				t.Fatal(err)
			}
			r := results[0]
			now, was := r.Total()
			got, gotBefore := fmt.Sprint(now.Of(c.measure)), fmt.Sprint(was.Of(c.measure))
			switch {
			case r.Unknown != "":
				got, gotBefore = "unknown", ""
			case r.IsUnknown() && c.dimension != "":
				got += " unsaid"
			case r.Lacks(c.measure, q.Range):
				got = "lacks"
			}
			switch {
			case r.Unknown != "":
			case r.Uncompared && was == report.Sums{}:
				gotBefore = "uncompared"
			case r.Lacks(c.measure, before):
				gotBefore = "lacks"
			}
			if got != c.want || gotBefore != c.wantBefore {
				t.Errorf("%T: %s %s by %q %s, %s beside %s: %s and %s, want %s and %s", source, c.measure, c.filter, c.dimension, q.Range, c.now, c.before, got, gotBefore, c.want, c.wantBefore)
			}
		}
	}
}
