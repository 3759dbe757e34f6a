package dashboard_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"

	"github.com/fotspor/fotspor/store/storetest"
)

// TestSmallNumbers: pages, CSV, JSON and API hide the same figures of few, under a filter
// too. A page asks at most six statements.
func TestSmallNumbers(t *testing.T) {
	b := newBench(t)
	b.now = moment.Add(24 * time.Hour)
	b.logIn()
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	site.Guard = 5
	if err := storetest.PutSite(context.Background(), b.store, site); err != nil {
		t.Fatal(err)
	}
	var rows []hit.Row
	for region, n := range map[string]int{"NO-03": 40, "NO-50": 30, "NO-11": 7, "NO-56": 3} {
		for i := range n {
			rows = append(rows, hit.Row{
				Site: site.ID, Time: moment.UTC(), Day: calendar.DayOf(moment.In(site.Location)), Kind: hit.Pageview, Path: fmt.Sprint("/", i%2), EntryPath: "/",
				Country: "NO", Region: region, Device: "mobile", Browser: "Firefox", Pageviews: 1, Visits: 1, Visitors: 1, PageVisitors: 1,
			})
		}
	}
	long := hit.Row{Site: site.ID, Time: moment.UTC().AddDate(-3, 0, 0), Day: calendar.DayOf(moment) - 1095, Kind: hit.Pageview, Path: "/", Pageviews: 1, Visits: 1, Visitors: 1}
	put(t, b.store, "few", append(rows, long)) // so that years are compared
	page := b.get("/sites/1/places?period=range&from=2026-11-01&to=2026-11-23&table=region&lang=en")
	page.want(http.StatusOK)
	var got []string
	for _, cells := range page.Find("#region tbody tr td:first-of-type").EachIter() {
		got = append(got, clean(cells.Text()))
	}
	if diff := cmp.Diff([]string{"40", "30", "hidden", "< 5"}, got); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
	var answer struct {
		Region struct{ Lines []map[string]any }
		Lines  []map[string]any
	}
	b.decode("/sites/1/places.json?period=range&from=2026-11-01&to=2026-11-23&table=region", &answer)
	b.decode("/api/v1/sites/1/top?period=range&from=2026-11-01&to=2026-11-23&dimension=region&measures=visitors", &answer)
	for _, lines := range [][]map[string]any{answer.Region.Lines, answer.Lines} {
		got = nil
		for _, l := range lines {
			got = append(got, fmt.Sprint(l["detail"], " ", l["visitors"], " ", l["hidden"]))
		}
		if diff := cmp.Diff([]string{"NO-03 40 <nil>", "NO-50 30 <nil>", "NO-11 <nil> beside", "NO-56 <nil> below"}, got); diff != "" {
			t.Errorf("JSON (-want +got):\n%s", diff)
		}
	}
	for days, want := range map[string]string{"range&from=2026-11-01&to=2026-11-23": "below", "day": "beside"} { // as the tables of these days say
		var totals struct{ Totals map[string]any }
		b.decode("/api/v1/sites/1/totals?period="+days+"&measures=visitors&f=region:NO-56", &totals)
		if totals.Totals["visitors"] != nil || totals.Totals["hidden"] != want {
			t.Errorf("totals of %s under a filter by few: %v, want hidden: %s", days, totals.Totals, want)
		}
	}
	for i, path := range pagePaths(b) {
		for j, filter := range []string{"", "f=region:NO-50", "f=!device:mobile", "f=page:/1", "f=!page:/1&f=country:NO", "f=country:NO&f=language:nb&f=version:1", "f=source:Google", "f=campaign:a&f=!search:b", "f=campaign:a", "f=language:nb&f=region:NO-50"} {
			period := []string{"day", "today", "28d", "range&from=2025-11-24&to=2026-11-23", "range&from=2025-11-24&to=2026-11-23&compare=year"}[(i+j)%5]
			b.figures.forgets = true
			b.figures.statements.Store(0)
			b.get("/sites/1" + and(path, "period="+period+"&"+filter)).want(http.StatusOK)
			if n := b.figures.statements.Load(); n > 6 {
				t.Errorf("%s of %s under %s asks %d statements", path, period, filter, n)
			}
		}
	}
}

// TestHiddenIsSaid: where a table leaves all of its lines out, the map, CSV, JSON and API say that
// they are hidden, and why, and nothing says that nobody came.
func TestHiddenIsSaid(t *testing.T) {
	b := newBench(t)
	b.now = moment.Add(24 * time.Hour)
	b.logIn()
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	site.Guard = 5
	if err := storetest.PutSite(context.Background(), b.store, site); err != nil {
		t.Fatal(err)
	}
	var rows []hit.Row
	for region, n := range map[string]int{"NO-03": 30, "NO-50": 1, "NO-46": 1} {
		for range n {
			rows = append(rows, hit.Row{
				Site: site.ID, Time: moment.UTC(), Day: calendar.DayOf(moment.In(site.Location)), Kind: hit.Pageview, Path: "/", EntryPath: "/",
				Country: "NO", Region: region, Device: "mobile", Browser: "Firefox", Pageviews: 1, Visits: 1, Visitors: 1, PageVisitors: 1,
			})
		}
	}
	put(t, b.store, "few", rows)
	for lang, want := range map[string]struct{ none, why string }{
		"nb": {"skjult eller ingen", "Tall som færre enn 5"}, "nn": {"skjult eller ingen", "Tal som færre enn 5"}, "en": {"hidden or none", "Figures that fewer than 5"},
	} {
		page := b.get("/sites/1/places?period=day&lang=" + lang)
		page.want(http.StatusOK)
		tiles := page.Find("#norway svg[role=img] text.n")
		if tiles.Length() != 15 {
			t.Fatalf("%d tiles, want 15", tiles.Length())
		}
		for _, tile := range tiles.EachIter() {
			if got := clean(tile.Text()); got != "–" { // what it means is in the legend
				t.Errorf("%s: a county says %q, want –", lang, got)
			}
		}
		if legend := clean(page.Find("#norway .shades").Text()); legend != want.none {
			t.Errorf("%s: the legend says %q, want %q", lang, legend, want.none)
		}
		csv := b.get("/sites/1/places.csv?period=day&table=region&lang=" + lang).body
		if !strings.Contains(csv, "withheld: small_numbers") || !strings.Contains(csv, want.why) {
			t.Errorf("%s: CSV does not say why lines are left out:\n%s", lang, csv)
		}
	}
	var answer struct {
		Region struct {
			Lines    []any
			Withheld map[string]any
		}
		Withheld map[string]any
	}
	b.decode("/sites/1/places.json?period=day", &answer)
	b.decode("/api/v1/sites/1/top?period=day&dimension=region&measures=visitors", &answer)
	want := map[string]any{"reason": "small_numbers", "below": 5.}
	if len(answer.Region.Lines) > 0 || !cmp.Equal(answer.Region.Withheld, want) || !cmp.Equal(answer.Withheld, want) {
		t.Errorf("JSON has %v, API %v, want %v", answer.Region, answer.Withheld, want)
	}
	says := clean(b.get("/sites/1?period=day&f=region:NO-03&lang=nb").Find("#chart").Text())
	if says == "" || strings.Contains(says, "hele veien") || strings.Contains(says, "Ingenting er telt") {
		t.Errorf("the chart of hidden hours says %q", says)
	}
}

// TestToday: what today is broken down by moves when five visitors have come, in all formats
// alike and under filters too, and says up to when. Totals move with each hit.
func TestToday(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	site.Guard = 5
	if err := storetest.PutSite(context.Background(), b.store, site); err != nil {
		t.Fatal(err)
	}
	came := 0
	come := func(at time.Time, visitors int32) { // to /1, each with one view
		came++
		put(t, b.store, fmt.Sprint("hit", came), []hit.Row{{
			Site: site.ID, Time: at.UTC(), Day: calendar.DayOf(at.In(site.Location)), Kind: hit.Pageview, Path: "/1", EntryPath: "/1",
			Channel: "search", Source: "Google", Country: "NO", Region: "NO-03", Device: "mobile", Browser: "Firefox", Language: "nb",
			Pageviews: 1, Visits: visitors, Visitors: visitors, PageVisitors: visitors, SectionVisitors: visitors,
		}})
	}
	look := func(views, all int, says string, asOf any) {
		t.Helper()
		page := b.get("/sites/1?period=today&lang=nn")
		page.want(http.StatusOK)
		if got := clean(page.Find("#as-of").Text()); !strings.HasPrefix(got, says) {
			t.Errorf("at %s the page says %q, want %q", b.now, got, says)
		}
		number := func(n int) string {
			if n == 0 {
				return ""
			}
			return fmt.Sprint(n)
		}
		if got := clean(page.Find("#page tbody tr td:nth-of-type(2)").Text()); got != number(views) {
			t.Errorf("at %s the page has %q views of /1, want %d", b.now, got, views)
		}
		var answer struct {
			AsOf   any `json:"as_of"`
			Totals map[string]int
			Page   struct{ Lines []map[string]any }
			Lines  []map[string]any
		}
		for _, path := range []string{"/sites/1.json?period=today", "/sites/1/page.json?path=/1&period=today", "/api/v1/sites/1/totals?period=today&measures=pageviews&f=page:/1", "/api/v1/sites/1/top?period=today&dimension=page&measures=pageviews"} {
			answer.AsOf, answer.Totals, answer.Page.Lines, answer.Lines = 0, nil, nil, nil
			b.decode(path, &answer)
			if answer.AsOf != asOf {
				t.Errorf("at %s %s is as of %v, want %v", b.now, path, answer.AsOf, asOf)
			}
			if lines := append(answer.Page.Lines, answer.Lines...); len(lines) > 0 != (views > 0) && answer.Totals == nil || len(lines) > 0 && lines[0]["pageviews"] != float64(views) {
				t.Errorf("at %s %s has %v, want %d views", b.now, path, lines, views)
			}
			want := views
			if strings.HasPrefix(path, "/sites/1.json") {
				want = all
			}
			if got := answer.Totals["pageviews"]; answer.Totals != nil && got != want {
				t.Errorf("at %s %s has %d views in all, want %d", b.now, path, got, want)
			}
		}
		csv := b.get("/sites/1/pages.csv?period=today&lang=en").body
		if _, line, found := strings.Cut(csv, "\n/1,"); found != (views > 0) || found && !strings.Contains(line, number(views)) {
			t.Errorf("at %s CSV has %q, want %d views", b.now, csv, views)
		}
	}
	for i := range 4 {
		come(moment.Add(time.Duration(i)*time.Minute), 1)
	}
	b.now = moment.Add(10 * time.Minute)
	look(0, 4, "Fordelingane for i dag blir viste når minst 5", nil)
	come(moment.Add(11*time.Minute), 0) // one of the four again
	come(moment.Add(12*time.Minute), 1)
	b.now = moment.Add(13 * time.Minute)
	look(6, 6, "Fordelingane for i dag gjeld til kl. 17.49", "2026-11-22T17:49:20+01:00")
	for i := range 4 {
		come(moment.Add(time.Duration(14+i)*time.Minute), 1)
	}
	b.now = moment.Add(20 * time.Minute)
	look(6, 10, "Fordelingane for i dag gjeld til kl. 17.49", "2026-11-22T17:49:20+01:00")
	come(moment.Add(21*time.Minute), 1)
	b.now = moment.Add(22 * time.Minute)
	look(11, 11, "Fordelingane for i dag gjeld til kl. 17.58", "2026-11-22T17:58:20+01:00")
}
