package lines_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestValuesKeepTheirLines: where too many values come together, those that are known by
// themselves keep their lines: the parts of campaigns, the pages before others, and what lines
// with details are of. A filter by one has the figures of its line, also when rows are gone.
func TestValuesKeepTheirLines(t *testing.T) {
	const pages, values, n = 60, 20, 400
	st := storetest.Open(t)
	l := newLinesOf(t, pages, values)
	var rows []hit.Row
	send := func(i int, row hit.Row) {
		row.Site, row.Day, row.Time, row.Kind, row.Visits, row.Pageviews = 1, today, today.Time(), hit.Pageview, 1, 1
		l.Arrive(from(i), &row, today, false)
		l.Act(from(i), &row)
		rows = append(rows, row)
	}
	for i := range 14 { // pages that all have lines
		send(i, hit.Row{Path: fmt.Sprint("/side-", i), Browser: "Firefox", BrowserVersion: "1"})
	}
	for i := range n { // each with its own term, and of ten sources with ten media
		send(i, hit.Row{
			Path: fmt.Sprint("/side-", i%14), PreviousPath: fmt.Sprint("/side-", i/14%14), Campaign: "host", CampaignSource: fmt.Sprint("s", i%10), CampaignMedium: fmt.Sprint("m", i/10%10), CampaignTerm: fmt.Sprint("t", i),
			Browser: "Firefox", BrowserVersion: fmt.Sprint(i),
		})
	}
	send(n, hit.Row{Path: "/side-0", Browser: "Lynx", BrowserVersion: "2"}) // when the versions of the day are used up
	if err := st.Insert(t.Context(), hit.Batch{Rows: rows}, "rows"); err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]int64{}
	count := func(dimension, value string) {
		if want[dimension] == nil {
			want[dimension] = map[string]int64{}
		}
		if value != "" {
			want[dimension][value]++
		}
	}
	together := 0
	for _, r := range rows {
		count("campaign", r.Campaign)
		count("campaign_source", r.CampaignSource)
		count("campaign_medium", r.CampaignMedium)
		count("campaign_term", lineOf(r, "campaign_term"))
		count("previous", r.PreviousPath)
		count("browser", r.Browser)
		if r.Other&(1<<hit.CampaignBit|1<<hit.MoveBit) != 0 {
			together++
		}
	}
	if len(want["campaign_term"]) != values+1 || together < n/2 {
		t.Fatalf("%d terms, %d rows with values that have no line together: too few to tell anything", len(want["campaign_term"]), together)
	}
	source := store.Reports{Store: st, Planner: func() report.Planner { return report.Planner{RowsSince: today + 10} }} // the rows are gone
	for dimension, lines := range want {
		q := report.Query{Sites: []uint32{1}, Range: calendar.One(today), Dimension: dimension, Measures: []string{"pageviews"}, Limit: report.MaxLimit}
		results, err := source.Ask(t.Context(), []report.Query{q})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int64{}
		for _, line := range results[0].Lines {
			got[line.Value] = line.Now.Count("pageviews")
		}
		if diff := cmp.Diff(lines, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", dimension, diff)
		}
		for value, n := range lines {
			if dimension == "campaign_term" {
				continue // any may be among the others
			}
			q := q
			q.Dimension, q.Filters = "", []report.Filter{{Dimension: dimension, Value: value}}
			results, err := source.Ask(t.Context(), []report.Query{q})
			if err != nil {
				t.Errorf("%s:%s: %v", dimension, value, err)
				continue
			}
			if now, _ := results[0].Total(); now.Count("pageviews") != n {
				t.Errorf("%s:%s has %d page views, its line %d", dimension, value, now.Count("pageviews"), n)
			}
		}
	}
}
