package dashboard_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
)

// TestFiguresAfterErasure: after an erasure by network, by time and by page, totals are what a
// slow count of the whole story says, and what is told from rows is what one of the acts that are
// left says; the page that was erased has its figures under another name.
func TestFiguresAfterErasure(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("One", "one.example", "Europe/Oslo")
	days := calendar.Range{From: calendar.DayOf(moment) - 12, To: calendar.DayOf(moment) - 3}
	story := tell(7, site, days.From, days.To, 20, moment)
	rows := rowsOf(site, story)
	networks, of := []string{"192.0.0.0/16", "198.51.0.0/16", "203.0.0.0/16"}, map[*person]string{}
	for i, a := range story {
		if of[a.person] == "" {
			of[a.person] = networks[len(of)%len(networks)]
		}
		rows[i].Network = of[a.person]
	}
	put(t, b.store, "story", rows)

	// What is gone of the story, and what is left in rows: a visit that lost its begin in an
	// erasure by time has none, so rows are added up there.
	const page, renamed = "/aktuelt/2026/arskonferansen", "/aktuelt/[erased]"
	name := func(path string) string { return path }
	left := rows
	sum := func(rows []hit.Row, is func(hit.Row) bool) map[string]float64 {
		sums := map[string]float64{}
		for _, r := range rows {
			if is(r) {
				sums["pageviews"] += float64(r.Pageviews)
				sums["visits"] += float64(r.Visits)
				sums["bounces"] += float64(r.Bounces)
				sums["visitors"] += float64(r.Visitors)
				sums["page_visitors"] += float64(r.PageVisitors)
			}
		}
		return sums
	}
	check := func(after string) {
		t.Helper()
		base := "period=range&from=" + days.From.String() + "&to=" + days.To.String()
		totals := func(measures string, filters ...string) map[string]float64 {
			t.Helper()
			var got struct{ Totals map[string]float64 }
			query := "/api/v1/sites/1/totals?" + base + "&measures=" + measures
			for _, f := range filters {
				query += "&f=" + url.QueryEscape(f)
			}
			b.decode(query, &got)
			return got.Totals
		}
		compare := func(what string, got, want map[string]float64, measures ...string) {
			t.Helper()
			for _, m := range measures {
				if got[m] != want[m] {
					t.Errorf("%s: %s: %s = %v, want %v", after, what, m, got[m], want[m])
				}
			}
		}
		whole := total(story)
		want := map[string]float64{"pageviews": float64(whole.pageviews), "visits": float64(whole.visits), "visitors": float64(whole.visitors), "bounces": float64(whole.bounces)}
		compare("all", totals("pageviews,visits,visitors,bounces"), want, "pageviews", "visits", "visitors", "bounces")

		var top struct{ Lines []map[string]any }
		b.decode("/api/v1/sites/1/top?"+base+"&dimension=page&measures=pageviews,page_visitors&limit=100", &top)
		pages := count(story, func(a act) string { return name(a.path) })
		seen := 0
		for _, row := range top.Lines {
			value := row["value"].(string)
			if w := pages[value]; float64(w.pageviews) != row["pageviews"] || float64(w.readers) != row["page_visitors"] {
				t.Errorf("%s: page %s has %v, want %d views and %d readers", after, value, row, w.pageviews, w.readers)
			}
			seen++
		}
		if seen < 10 {
			t.Errorf("%s: %d pages: %v", after, seen, top)
		}

		norway := func(r hit.Row) bool { return r.Country == "NO" && name(r.Path) == "/kontakt" }
		got := totals("pageviews,page_visitors", "country:NO", "page:/kontakt")
		compare("one page, one country", got, sum(left, norway), "pageviews", "page_visitors")
		if got["pageviews"] < 3 {
			t.Errorf("%s: the page has %v views", after, got)
		}
	}
	erase := func(s privacy.Selection) privacy.EraseReport {
		t.Helper()
		r, err := privacy.Erase(t.Context(), newRights(b.store), privacy.Default(), s)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	keep := func(is func(hit.Row) bool) (gone int64) {
		var kept []hit.Row
		for _, r := range left {
			if is(r) {
				kept = append(kept, r)
			}
		}
		gone = int64(len(left) - len(kept))
		left = kept
		return gone
	}
	check("before")

	from, to := (days.From + 2).Time(), (days.From + 6).Time()
	report := erase(privacy.Selection{Network: networks[1], From: from, To: to})
	gone := keep(func(r hit.Row) bool { return r.Network != networks[1] || r.Time.Before(from) || !r.Time.Before(to) })
	if gone == 0 || report.Erased.Rows != gone || report.Erased.Left.Rows != 0 {
		t.Errorf("by network %d rows were erased, want %d", report.Erased.Rows, gone)
	}
	check("by network")

	from, to = days.To.Time().Add(9*time.Hour), days.To.Time().Add(13*time.Hour)
	report = erase(privacy.Selection{Site: 1, From: from, To: to})
	gone = keep(func(r hit.Row) bool { return r.Time.Before(from) || !r.Time.Before(to) })
	if gone == 0 || report.Erased.Rows != gone || report.Erased.Left.Rows != 0 {
		t.Errorf("by time %d rows were erased, want %d", report.Erased.Rows, gone)
	}
	check("by time")

	if report = erase(privacy.Selection{Path: page}); report.Erased.Rows == 0 || report.Erased.Lines == 0 || report.Erased.Left.All() != 0 {
		t.Errorf("by page: %+v", report)
	}
	name = func(path string) string {
		if path == page {
			return renamed
		}
		return path
	}
	check("by page")
}
