package store_test

import (
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestTotalsPastTheirTime: sums of days past their time are in no table, and all questions
// about the days since have the same answers as before, those about whole months too.
func TestTotalsPastTheirTime(t *testing.T) {
	st := storetest.Open(t)
	first := calendar.DayOf(time.Date(2024, 8, 1, 0, 0, 0, 0, time.UTC))
	cutoff := time.Date(2024, 10, 14, 5, 0, 0, 0, time.UTC)
	since, last := calendar.DayOf(cutoff), first+150
	var batch hit.Batch
	for day := first; day <= last; day++ {
		batch.Rows = append(batch.Rows, hit.Row{
			Site: 1, Time: day.Time().Add(time.Hour), Day: day, Kind: hit.Pageview, Path: "/a", EntryPath: "/a", PreviousPath: "/b", Browser: "Firefox", Campaign: "c", Pageviews: 1, Visits: 1, Visitors: 1,
		})
		batch.Ledger = append(batch.Ledger, hit.LedgerEntry{Site: 1, Day: day, Reason: hit.IsBot, Count: 1})
	}
	mustInsert(t, st, batch, "a")
	totals := st.Totals()
	found, err := totals.Before(t.Context(), cutoff)
	if err != nil || found.Rows == 0 || calendar.DayOf(found.First) != first || calendar.DayOf(found.Last) != since-1 {
		t.Fatalf("found %+v, %v", found, err)
	}
	if err := totals.DeleteBefore(t.Context(), cutoff); err != nil {
		t.Fatal(err)
	}
	if found, err := totals.Before(t.Context(), cutoff); err != nil || found.Rows != 0 {
		t.Errorf("after the deletion found %+v, %v", found, err)
	}
	for table, want := range map[string]string{"daily": "2024-10-14", "monthly": "2024-11-01", "hourly": "2024-10-14", "campaigns": "2024-10-14", "moves": "2024-10-14", "ledger": "2024-10-14", "hits": "2024-08-01"} {
		column := "day"
		if table == "monthly" {
			column = "month"
		}
		if got := query(t, st, "SELECT min("+column+") FROM "+table); got != want {
			t.Errorf("%s begins on %s, want %s", table, got, want)
		}
	}
	figures := store.Reports{Store: st, Planner: func() report.Planner { return report.Planner{RowsSince: last + 1, TotalsSince: since} }}
	october, august := calendar.DayOf(time.Date(2024, 10, 1, 0, 0, 0, 0, time.UTC)), first
	for _, c := range []struct {
		days calendar.Range
		want int64
	}{
		{calendar.Range{From: october, To: october + 30}, 18},
		{calendar.Range{From: august, To: october + 30}, 18},
		{calendar.Range{From: august, To: october + 60}, 48},
		{calendar.Range{From: august, To: last}, int64(last - since + 1)},
		{calendar.Range{From: since, To: last}, int64(last - since + 1)},
		{calendar.Range{From: august, To: since - 1}, 0},
		{calendar.Range{From: august, To: since}, 1},
		{calendar.Range{From: october + 31, To: october + 60}, 30},
	} {
		for _, step := range []report.Step{"", report.Month} {
			results, err := figures.Ask(t.Context(), []report.Query{{Sites: []uint32{1}, Range: c.days, Dimension: "page", Measures: []string{"pageviews"}, Step: step}})
			if err != nil {
				t.Fatal(err)
			}
			if now, _ := results[0].Total(); now.Count("pageviews") != c.want {
				t.Errorf("%v by %q: %d page views, want %d", c.days, step, now.Count("pageviews"), c.want)
			}
		}
	}
}
