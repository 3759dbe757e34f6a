package dashboard_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
)

// TestTitles: a page is shown by its title above its path, where one is kept, on the page of
// its site and in CSV and JSON.
func TestTitles(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("One", "one.example", "Europe/Oslo")
	put(t, b.store, "story", rowsOf(site, tell(3, site, calendar.DayOf(moment)-8, calendar.DayOf(moment), 12, moment)))
	titles := []hit.PageTitle{
		{Site: site.ID, Path: "/om-oss", Title: "Om <oss> & dere", Day: calendar.DayOf(moment), Visitors: 5},
		{Site: site.ID, Path: "/", Title: "=1+1", Day: calendar.DayOf(moment), Visitors: 5},
		{Site: site.ID + 1, Path: "/kontakt", Title: "Et annet sted", Day: calendar.DayOf(moment), Visitors: 5},
	}
	if err := b.store.Insert(context.Background(), hit.Batch{Titles: titles}, "titles"); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"/om-oss": "Om <oss> & dere", "/": "=1+1"}

	for _, query := range []string{"?period=7d", "/pages?period=7d", "?period=7d&f=country:NO"} {
		page := b.get("/sites/1" + query)
		labels := texts(page.Find("#page tbody th"))
		for path, title := range want {
			if !slices.ContainsFunc(labels, func(l string) bool { return strings.Join(strings.Fields(l), " ") == title+" "+path || l == title+path }) {
				t.Errorf("%s: %q is not above %s: %q", query, title, path, labels)
			}
		}
	}
	type line struct{ Value, Title string }
	check := func(what string, lines []line) {
		t.Helper()
		found := 0
		for _, l := range lines {
			if l.Title != want[l.Value] {
				t.Errorf("%s: %s has title %q, want %q", what, l.Value, l.Title, want[l.Value])
			}
			if l.Title != "" {
				found++
			}
		}
		if found != len(want) || len(lines) == found {
			t.Errorf("%s: %d of %d lines have titles, want %d of more", what, found, len(lines), len(want))
		}
	}
	var all struct{ Page struct{ Lines []line } }
	b.decode("/sites/1/pages.json?period=7d", &all)
	check("JSON", all.Page.Lines)
	var top struct{ Lines []line }
	b.decode("/api/v1/sites/1/top?dimension=page&period=7d", &top)
	check("API", top.Lines)
	top.Lines = nil
	b.decode("/api/v1/sites/1/top?dimension=country&period=7d", &top)
	for _, l := range top.Lines {
		if l.Title != "" {
			t.Errorf("country %s has title %q", l.Value, l.Title)
		}
	}
	sheet := b.sheet("/sites/1/pages.csv?period=7d", i18n.Find("nb"))
	if !slices.Equal(sheet[0][:2], []string{"Side", "Tittel"}) {
		t.Errorf("CSV begins with %q", sheet[0])
	}
	var lines []line
	for _, row := range sheet[1:] {
		if row[1] == "'=1+1" { // no formula
			row[1] = "=1+1"
		}
		lines = append(lines, line{row[0], row[1]})
	}
	check("CSV", lines)
}

// texts are the texts of elements, each with its spaces folded.
func texts(all *goquery.Selection) []string {
	return all.Map(func(_ int, s *goquery.Selection) string { return clean(s.Text()) })
}
