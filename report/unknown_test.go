package report_test

import (
	"errors"
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
	st := storetest.Open(t)
	var rows []hit.Row
	for d := day; d <= day+1; d++ {
		view := hit.Row{Site: 1, Time: d.Time().Add(time.Hour), Day: d, Kind: hit.Pageview, Path: "/a", EntryPath: "/a", Browser: "Firefox", OS: "iOS", Device: "mobile",
			Channel: "campaign", Source: "brev", Campaign: "vår", Pageviews: 1, Visits: 1, Visitors: 1, PageVisitors: 1}
		event := view
		event.Kind, event.Name, event.Pageviews, event.Visits, event.Visitors, event.PageVisitors = hit.Event, "Skjema", 0, 0, 0, 0
		for _, r := range []hit.Row{view, event} {
			if d > day {
				(privacy.Policy{Record: privacy.Minimal}).Trim(&r)
			}
			rows = append(rows, r)
		}
	}
	if err := st.Insert(t.Context(), hit.Batch{Rows: rows}, "rows"); err != nil {
		t.Fatal(err)
	}
	source := store.Reports{Store: st, Planner: func() report.Planner { return report.Planner{} }}
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
		{"", "search_result:none", 0, unknown, unknown},
		{"", "missing:x", 0, unknown, unknown},
		{"", "missing_link:x", 0, unknown, unknown},
		{"", "region:NO-50", unknown, unknown, unknown}, // no GeoIP database
		{"", "!country:NO", unknown, unknown, unknown},
		{"", "browser:Chrome", 0, 0, 0},
		{"", "!browser:Chrome", 1, 1, 2},
		{"", "previous:/b", 0, 0, 0},
		{"", "!section:/a", 0, 0, 0},
		{"event", "", 1, unknown, 1},
		{"download", "", 0, unknown, unknown},
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
			var refused report.RefusedError
			switch {
			case want == unknown:
				if !errors.As(err, &refused) || refused.Code != report.Unknown || !refused.Concerns(q, results[0]) {
					t.Errorf("%s %s over %v: %v, %v; want it refused as unknown", c.dimension, c.filter, days, results, err)
				}
			case err != nil:
				t.Errorf("%s %s over %v: %v, want %d", c.dimension, c.filter, days, err, want)
			default:
				if now, _ := results[0].Total(); now.Count(q.Measures[0]) != want {
					t.Errorf("%s %s over %v: %d %s, want %d", c.dimension, c.filter, days, now.Count(q.Measures[0]), q.Measures[0], want)
				}
			}
		}
	}
}
