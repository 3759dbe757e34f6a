package store_test

import (
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestErasedIsTold: answers from rows, and from what is erased with them, say on how many
// days rows were erased; those of rollups that stay do not. The days are all that is kept,
// as long as rows are.
func TestErasedIsTold(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the disk")
	}
	st := storetest.Open(t)
	day := calendar.DayOf(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC))
	row := func(site uint32, day calendar.Day, network string) hit.Row {
		return hit.Row{Site: site, Time: day.Time().Add(time.Hour), Day: day, Kind: hit.Pageview, Path: "/a", EntryPath: "/a", Browser: "Firefox", Device: "mobile", Network: network, Pageviews: 1}
	}
	const gone, stays = "84.212.0.0/16", "10.0.0.0/16"
	mustInsert(t, st, []hit.Row{row(1, day, stays), row(1, day+1, stays), row(1, day+1, gone), row(1, day+2, gone), row(2, day, gone), row(2, day+3, stays)}, "a")
	if n, err := chooseAndErase(t.Context(), st, privacy.Selection{Network: gone, From: day.Time(), To: (day + 5).Time()}, noNote); n.Rows != 3 || err != nil {
		t.Fatalf("erased %+v, %v", n, err)
	}
	days := func(from, to int) calendar.Range {
		return calendar.Range{From: day + calendar.Day(from), To: day + calendar.Day(to)}
	}
	rows, cube, lines := []report.Filter{{Dimension: "browser", Value: "Firefox"}, {Dimension: "entry", Value: "/a"}}, []report.Filter{{Dimension: "browser", Value: "Firefox"}, {Dimension: "device", Value: "mobile"}}, []report.Filter{{Dimension: "browser", Value: "Firefox"}}
	before := days(1, 1)
	for _, c := range []struct {
		site         uint32
		days         calendar.Range
		compare      *calendar.Range
		filters      []report.Filter
		want, erased int64
	}{
		{1, days(0, 3), nil, nil, 4, 0},
		{1, days(0, 3), nil, lines, 4, 0},
		{1, days(0, 3), nil, rows, 2, 2},
		{1, days(0, 3), nil, cube, 2, 2},
		{1, days(0, 0), nil, rows, 1, 0},
		{1, days(1, 1), nil, rows, 1, 1},
		{1, days(2, 2), &before, rows, 0, 2},
		{2, days(0, 3), nil, cube, 1, 1},
		{2, days(1, 3), nil, cube, 1, 0},
	} {
		q := report.Query{Sites: []uint32{c.site}, Range: c.days, Compare: c.compare, Filters: c.filters, Measures: []string{"pageviews"}}
		results, err := answer(t.Context(), st, q)
		if err != nil {
			t.Fatal(err)
		}
		if now, _ := results[0].Total(); now.Count("pageviews") != c.want || int64(results[0].Erased) != c.erased {
			t.Errorf("site %d over %v with %v: %d views, %d days erased; want %d and %d", c.site, c.days, c.filters, now.Count("pageviews"), results[0].Erased, c.want, c.erased)
		}
	}
	if got := query(t, st, "SELECT * FROM erased ORDER BY ALL"); got != "1\t2026-11-21\n1\t2026-11-22\n2\t2026-11-20" {
		t.Errorf("of the erasure is kept:\n%s", got)
	}
	if err := st.DeleteBefore(t.Context(), (day + 2).Time()); err != nil {
		t.Fatal(err)
	}
	if got := query(t, st, "SELECT * FROM erased"); got != "1\t2026-11-22" {
		t.Errorf("when rows are deleted, of the erasure is kept:\n%s", got)
	}
}
