package store_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/retention/receipt"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestAgeing: each part leaves rows of days before the cut-off and the disk, and nothing else
// changes: no other column, no sum, no younger row. A second time finds nothing, and a segment
// that is sent again stores nothing.
func TestAgeing(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the disk")
	}
	st := storetest.Open(t)
	plain(t, st)
	day := foldMonth + 14
	var rows []hit.Row
	for i := range calendar.Day(8) {
		row := fewRow(day-4+i, "/a")
		old := "OLDMARK"
		if i >= 4 {
			old = "YOUNGMARK"
		}
		row.Time = row.Time.Add(time.Duration(i)*time.Minute + 7*time.Second)
		row.Network, row.BrowserVersion, row.Region = old+"1", old+"2", old+"3"
		rows = append(rows, row)
	}
	mustInsert(t, st, rows, "a")
	all := func(but string) string {
		return query(t, st, "SELECT * EXCEPT ("+but+") FROM hits ORDER BY day")
	}
	sums := query(t, st, "SELECT sum(pageviews), sum(visits), sum(visitors), sum(page_visitors), sum(section_visitors), sum(bounces) FROM hits") + foldSums(t, st)
	for _, c := range []struct{ part, column, left string }{
		{"network", "network", ""}, {"hour", "time", ""}, {"version", "browser_version", ""}, {"region", "region", ""},
	} {
		others := all(c.column)
		part := st.Aging(c.part)
		if held, err := part.Before(t.Context(), day.Time()); err != nil || held.Rows != 4 {
			t.Fatalf("%s: %+v, %v; want 4 rows", c.part, held, err)
		}
		if err := part.DeleteBefore(t.Context(), day.Time()); err != nil {
			t.Fatal(err)
		}
		if held, err := part.Before(t.Context(), day.Time()); err != nil || held.Rows != 0 {
			t.Errorf("%s: %+v, %v are left", c.part, held, err)
		}
		if got := all(c.column); got != others {
			t.Errorf("%s: other columns are\n%s\nand were\n%s", c.part, got, others)
		}
	}
	var want []string
	for i, row := range rows {
		if i < 4 {
			row.Network, row.BrowserVersion, row.Region, row.Time = "", "", "", row.Time.Truncate(time.Hour)
		}
		want = append(want, strings.Join([]string{row.Time.UTC().Format(time.DateTime), row.Network, row.BrowserVersion, row.Region}, "\t"))
	}
	if got := query(t, st, "SELECT time, network, browser_version, region FROM hits ORDER BY day"); got != strings.Join(want, "\n") {
		t.Errorf("rows are\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	mustInsert(t, st, rows, "a")
	if got := query(t, st, "SELECT sum(pageviews), sum(visits), sum(visitors), sum(page_visitors), sum(section_visitors), sum(bounces) FROM hits") + foldSums(t, st); got != sums {
		t.Errorf("the sums are\n%s\nand were\n%s", got, sums)
	}
	if found := onDisk(t, st, "OLDMARK1"); len(found) > 0 {
		t.Errorf("a removed network is in %v", found)
	}
	if len(onDisk(t, st, "YOUNGMARK1")) == 0 {
		t.Error("a network that is not old is gone")
	}
}

// TestAgedIsRefused: what only rows could tell, and was removed from them, is refused with the
// reason, and all else is answered as before.
func TestAgedIsRefused(t *testing.T) {
	st := storetest.Open(t)
	day := foldMonth + 14
	var rows []hit.Row
	for i := range calendar.Day(8) {
		rows = append(rows, fewRow(day-4+i, "/a"))
	}
	mustInsert(t, st, rows, "a")
	for _, part := range []string{"hour", "version", "region"} {
		if err := st.Aging(part).DeleteBefore(t.Context(), day.Time()); err != nil {
			t.Fatal(err)
		}
	}
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	figures := store.Reports{Store: st, Planner: func() report.Planner {
		return report.Planner{AgedSince: map[string]calendar.Day{"network": day + 2, "hour": day, "version": day, "region": day}}
	}}
	week, young := calendar.Range{From: day - 4, To: day + 3}, calendar.Range{From: day, To: day + 3}
	entry := report.Filter{Dimension: "entry", Value: "/a"}
	for name, c := range map[string]struct {
		query report.Query
		by    string
		want  int64 // page views; 0: refused
	}{
		"regions":                   {report.Query{Range: week, Dimension: "region"}, "", 8},
		"regions under a filter":    {report.Query{Range: week, Dimension: "region", Filters: []report.Filter{entry}}, "region", 0},
		"since":                     {report.Query{Range: young, Dimension: "region", Filters: []report.Filter{entry}}, "", 4},
		"countries under a filter":  {report.Query{Range: week, Dimension: "country", Filters: []report.Filter{entry}}, "", 8},
		"pages of a version":        {report.Query{Range: week, Dimension: "page", Filters: []report.Filter{{Dimension: "version", Value: "150"}}}, "version", 0},
		"pages of a browser":        {report.Query{Range: week, Dimension: "page", Filters: []report.Filter{{Dimension: "browser", Value: "Firefox"}}}, "", 8},
		"compared":                  {report.Query{Range: young, Compare: &calendar.Range{From: day - 4, To: day - 1}, Dimension: "page", Filters: []report.Filter{{Dimension: "region", Value: "NO-50"}}}, "region", 0},
		"minutes":                   {report.Query{Range: calendar.One(day - 1), Step: report.Minute}, "", 0},
		"minutes since":             {report.Query{Range: calendar.One(day), Step: report.Minute}, "", 1},
		"hours under a filter":      {report.Query{Range: calendar.One(day - 1), Step: report.Hour, Filters: []report.Filter{entry}}, "", 1},
		"hours between whole hours": {report.Query{Range: calendar.One(day - 1), Step: report.Hour, Filters: []report.Filter{entry}, Zone: kolkata}, "", 0},
		"up to a minute":            {report.Query{Range: calendar.One(day - 1), Until: (day - 1).Time().Add(70 * time.Minute)}, "", 0},
	} {
		c.query.Sites, c.query.Measures = []uint32{1}, []string{"pageviews"}
		results, err := figures.Ask(t.Context(), []report.Query{c.query})
		var refused report.RefusedError
		switch {
		case errors.As(err, &refused):
			if c.want != 0 || refused.Code != report.Aged || refused.Dimension != c.by || refused.Since != day {
				t.Errorf("%s: %v, by %q since %s", name, err, refused.Dimension, refused.Since)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		default:
			if now, _ := results[0].Total(); now.Count("pageviews") != c.want {
				t.Errorf("%s: %d page views, want %d", name, now.Count("pageviews"), c.want)
			}
		}
	}
	policy := privacy.Default()
	policy.Ageing = privacy.Ageing{Network: privacy.Period{Days: 90}, Hour: privacy.Period{Years: 1}}
	if got, err := st.PreviewPolicy(t.Context(), policy, (day + 91).Time()); err != nil || fmt.Sprint(got.Aged) != "[]" {
		t.Errorf("rows without network would lose %v, %v", got.Aged, err)
	}
}

// TestAgedBefore: from when on rows have a part is read from the receipts, also those of an
// earlier policy.
func TestAgedBefore(t *testing.T) {
	st := storetest.Open(t)
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", 32)))
	w := &receipt.Writer{
		Book: st, Key: func() (ed25519.PrivateKey, error) { return key, nil }, Program: "v1", Now: time.Now,
		Policy: func(context.Context) (json.RawMessage, error) { return json.RawMessage(`{}`), nil },
	}
	for _, c := range []struct {
		deletion receipt.Deletion
		want     string // day, "": none
	}{
		{receipt.Deletion{Kind: receipt.Retention, To: "2026-09-01"}, ""},
		{receipt.Deletion{Kind: receipt.Ageing, By: "hour", To: "2026-09-01"}, ""},
		{receipt.Deletion{Kind: receipt.Ageing, By: "network", To: "2026-03-01"}, "2026-03-01"},
		{receipt.Deletion{Kind: receipt.Ageing, By: "network", To: "2026-03-02"}, "2026-03-02"},
		{receipt.Deletion{Kind: receipt.Ageing, By: "network", To: "2026-02-01"}, "2026-03-02"},                        // of hits that came late
		{receipt.Deletion{Kind: receipt.Ageing, By: "network", To: "2026-05-01", Sites: []uint32{2, 3}}, "2026-03-02"}, // of other sites
		{receipt.Deletion{Kind: receipt.Ageing, By: "network", To: "2026-06-01", Sites: []uint32{1}}, "2026-06-01"},
	} {
		rows := int64(1)
		_, _, err := w.Delete(t.Context(), c.deletion, func(context.Context) (int64, error) { return rows, nil }, func(context.Context) error { rows = 0; return nil })
		if err != nil {
			t.Fatal(err)
		}
		got, err := st.AgedBefore(t.Context(), "network", 1)
		if err != nil || c.want == "" && got != 0 || c.want != "" && got.String() != c.want {
			t.Errorf("after %+v: %s, %v, want %q", c.deletion, got, err, c.want)
		}
	}
	for site, want := range map[uint32]string{0: "2026-06-01", 3: "2026-05-01", 4: "2026-03-02"} {
		if got, err := st.AgedBefore(t.Context(), "network", site); err != nil || got.String() != want {
			t.Errorf("site %d: %s, %v, want %s", site, got, err, want)
		}
	}
}
