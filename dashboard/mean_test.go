package dashboard_test

import (
	"strings"
	"testing"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
)

// TestSmallMeans: of one visitor in a month the page says that it is under 0.1 a day, and CSV
// and JSON have the numbers as they are.
func TestSmallMeans(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	day := calendar.DayOf(moment.In(site.Location)) - 28 // the first day of the period: a mean is of counted days
	visit := hit.Row{Site: site.ID, Time: day.Time(), Day: day, Kind: hit.Pageview, Path: "/", EntryPath: "/", Pageviews: 1, Visits: 1, Visitors: 1}
	long := visit // by a way that has many visits and hardly a page view
	long.Kind, long.Pageviews, long.Visitors = hit.Download, 0, 0
	rows := []hit.Row{visit}
	for range 40 {
		rows = append(rows, long)
	}
	put(t, b.store, "rows", rows)
	for lang, want := range map[string][2]string{
		"nb": {"under 0,1 per dag", "under 0,1"}, "nn": {"under 0,1 per dag", "under 0,1"}, "en": {"under 0.1 a day", "under 0.1"},
	} {
		page := b.get("/sites/1?period=28d", "Accept-Language", lang)
		if got := page.text(".figures"); !strings.Contains(got, want[0]) {
			t.Errorf("%s: the figures are %q, want %q", lang, got, want[0])
		}
		entries := b.get("/sites/1/entries?period=28d&columns=pages_per_visit", "Accept-Language", lang)
		if got := entries.text("tbody"); !strings.Contains(got, want[1]) {
			t.Errorf("%s: the table has %q, want %q", lang, got, want[1])
		}
	}
	if got := b.get("/sites/1/entries.csv?period=28d&columns=pages_per_visit", "Accept-Language", "nb").body; !strings.Contains(got, ";0,024390243902439") {
		t.Errorf("CSV: %s", got)
	}
	if got := b.get("/sites/1/entries.json?period=28d&columns=pages_per_visit").body; !strings.Contains(got, `"pages_per_visit":0.024390243902439`) {
		t.Errorf("JSON: %s", got)
	}
}
