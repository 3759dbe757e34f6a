package dashboard_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/dashboard"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/race"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// noFigures are pages of a site that show none.
var noFigures = []string{"/settings", "/notes", "/views"}

// pagePaths are the paths of all pages of figures of a site, behind that of the site; of a card, with a
// value.
func pagePaths(b *bench) (paths []string) {
	cards := map[string]string{"/page": "?path=/om-oss", "/campaign": "?name=årsrapport", "/compare": "?path=/om-oss&path=/kontakt&path=/ledige-stillinger"}
	for _, route := range b.dashboard.AllRoutes() {
		path, ok := strings.CutPrefix(route.Pattern, "GET /sites/{id}")
		if ok && !slices.Contains(noFigures, path) && !strings.HasSuffix(path, ".csv") && !strings.HasSuffix(path, ".json") {
			paths = append(paths, path+cards[path])
		}
	}
	return paths
}

// and adds parameters to a path.
func and(path, query string) string {
	if strings.Contains(path, "?") {
		return path + "&" + query
	}
	return path + "?" + query
}

// as returns a path in another format.
func as(path, format string) string {
	path, query, _ := strings.Cut(path, "?")
	return path + "." + format + "?" + query
}

// TestStatements: a page asks for its figures in at most six statements.
func TestStatements(t *testing.T) {
	race.Skip(t)
	b := newBench(t)
	b.logIn()
	site := b.addSite("One", "one.example", "Europe/Oslo")
	put(t, b.store, "story", rowsOf(site, tell(3, site, calendar.DayOf(moment)-400, calendar.DayOf(moment), 3, moment)))
	for _, page := range pagePaths(b) {
		for _, query := range []string{"", "period=today", "period=28d&compare=year", "period=year&at=2026", "f=country:NO", "f=source:Google", "f=page:/om-oss&f=!os:iOS&period=28d"} {
			for _, path := range []string{and("/sites/1"+page, query), and(as("/sites/1"+page, "json"), query)} {
				b.figures.forgets = true
				b.figures.statements.Store(0)
				b.get(path).want(200)
				n := b.figures.statements.Load()
				refused := n == 0 && strings.Contains(query, "f=") // nothing can be exact
				if n < 1 && !refused || n > 6 {
					t.Errorf("%s asks for its figures in %d statements, want 1 to 6", path, n)
				}
			}
		}
	}
}

// manySites is a store that has more sites than it holds.
type manySites struct {
	*store.Store
	sites []site.Site
}

func (s manySites) Sites(context.Context) ([]site.Site, error) { return s.sites, nil }

// TestThousandSites: the list of sites asks for its figures in two statements where all sites
// have the same day, and in six at most wherever they are, however many there are; their sum,
// today and folders are right.
func TestThousandSites(t *testing.T) {
	zones := []string{"Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata", "UTC", "Europe/Oslo", "America/Halifax"}
	for _, tt := range []struct {
		zones []string
		most  int64
	}{{zones[3:5], 2}, {zones, 6}} {
		var sites []site.Site
		var rows []hit.Row
		visitors := map[string]int64{} // of the last whole week, and of today, by tag
		for i := range 1000 {
			loc, err := time.LoadLocation(tt.zones[i%len(tt.zones)])
			if err != nil {
				t.Fatal(err)
			}
			tag := fmt.Sprint("Folder ", i%3)
			s := site.Site{ID: uint32(i + 1), Name: fmt.Sprint("Site ", i), Hosts: []string{fmt.Sprintf("s%d.example", i)}, Location: loc, Tags: []string{tag}}
			sites = append(sites, s)
			today := calendar.DayOf(moment.In(loc))
			monday := today - calendar.Day((int(today.Time().Weekday())+6)%7)
			for day := today - 21; day <= today; day++ {
				n := int32(i%5 + (int(day)+i)%3)
				rows = append(rows, hit.Row{Site: s.ID, Day: day, Time: day.In(loc).UTC(), Kind: hit.Pageview, Path: "/", Visitors: n, Visits: n, Pageviews: n})
				if monday-7 <= day && day < monday {
					visitors["week"], visitors[tag] = visitors["week"]+int64(n), visitors[tag]+int64(n)
				}
				if day == today {
					visitors["today"] += int64(n)
				}
			}
		}
		b := newBench(t, func(o *dashboard.Options) { o.Store = manySites{o.Store.(*store.Store), sites} })
		put(t, b.store, "rows", rows)
		b.logIn()
		for _, query := range []string{"", "period=today", "period=day", "period=28d&compare=year", "period=year&compare=none", "sort=-visitors", "q=folder"} {
			for _, path := range []string{"/?" + query, "/sites.json?" + query, "/sites.csv?" + query} {
				b.figures.forgets = true
				b.figures.statements.Store(0)
				page := b.get(path)
				page.want(200)
				if n := b.figures.statements.Load(); n < 1 || n > tt.most {
					t.Errorf("%s asks for its figures in %d statements, want 1 to %d", path, n, tt.most)
				}
				if n := page.Find(".sites tbody tr").Length(); n != 100 && strings.HasPrefix(path, "/?") {
					t.Errorf("%s shows %d sites", path, n)
				}
			}
		}
		number := func(n int64) string { return clean(nb().Number(n)) }
		page := b.get("/", "Accept-Language", "nb")
		sum := page.Find(".sites tfoot td.n")
		if got := clean(sum.Eq(0).Text()); got != number(visitors["today"]) {
			t.Errorf("the sum of today is %s, want %s", got, number(visitors["today"]))
		}
		if got := clean(sum.Eq(1).Text()); got != number(visitors["week"]) {
			t.Errorf("the sum of the week is %s, want %s", got, number(visitors["week"]))
		}
		chips := page.Find(".folders a")
		if got := clean(chips.Text()); got != "Folder 0 334Folder 1 333Folder 2 333" {
			t.Errorf("folders are %q", got)
		}
		of := b.get(chips.Eq(1).AttrOr("href", ""), "Accept-Language", "nb")
		if n, got := clean(of.Find(".sites tfoot th").Text()), clean(of.Find(".sites tfoot td.n").Eq(1).Text()); n != "Sum av 333 nettsteder" || got != number(visitors["Folder 1"]) && tt.most == 2 { // elsewhere the link names the week of the first site
			t.Errorf("folder 1 has %q with %s visitors, want 333 with %s", n, got, number(visitors["Folder 1"]))
		}
		if back := b.get(of.Find(".folders [aria-current]").AttrOr("href", ""), "Accept-Language", "nb"); clean(back.Find(".sites tfoot th").Text()) != "Sum av 1 000 nettsteder" {
			t.Error("the chosen folder does not lead back to all")
		}
		// The order is that of the column, of equals that of the names, over all pages of rows.
		for i, o := range []struct {
			query  string
			column int
			order  int
		}{{"", 1, -1}, {"sort=today", 0, 1}, {"sort=-today&q=site", 0, -1}, {"sort=name", -1, 1}} {
			type line struct {
				of   float64
				name string
			}
			var got []line
			for path := "/?" + o.query; path != ""; {
				page := b.get(path, "Accept-Language", "en")
				page.Find(".sites tbody tr").Each(func(_ int, row *goquery.Selection) {
					l := line{name: strings.ToLower(clean(row.Find("strong").Text()))}
					if o.column >= 0 {
						text := strings.NewReplacer("%", "", ",", "", "–", "0", "down ", "-", "up ", "", "same ", "").Replace(clean(row.Find("td.n").Eq(o.column).Text()))
						l.of, _ = strconv.ParseFloat(strings.TrimSpace(text), 64)
					}
					got = append(got, l)
				})
				if path = page.Find(".pages a[rel=next]").AttrOr("href", ""); i > 0 {
					path = "" // all rows of one order are enough
				}
			}
			if want := []int{1000, 100}[min(i, 1)]; len(got) != want {
				t.Errorf("%q: %d sites, want %d", o.query, len(got), want)
			}
			if !slices.IsSortedFunc(got, func(a, b line) int {
				if a.of != b.of {
					return o.order * int(math.Copysign(1, a.of-b.of))
				}
				return strings.Compare(a.name, b.name)
			}) {
				t.Errorf("%q is the order %v", o.query, got[:12])
			}
		}
		type counted struct{ Visitors int }
		var listed struct {
			Sites []struct {
				counted
				Before *counted
			}
		}
		b.decode("/sites.json?sort=-change", &listed)
		var changes []int
		for _, s := range listed.Sites {
			if s.Before == nil {
				s.Before = &s.counted
			}
			changes = append(changes, s.Before.Visitors-s.Visitors)
		}
		if len(changes) != 1000 || !slices.IsSorted(changes) || changes[0] == changes[999] {
			t.Errorf("%d sites sorted by change have fewer by %v", len(changes), changes[:min(12, len(changes))])
		}
	}
}

// TestFormats: what figures are written as. That they are those of the page, TestFigures
// checks.
func TestFormats(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("One", "one.example", "Europe/Oslo")
	rows := rowsOf(site, tell(3, site, calendar.DayOf(moment)-20, calendar.DayOf(moment), 12, moment))
	rows[len(rows)-1].Path = "=1+1" // what no collector lets through
	put(t, b.store, "story", rows)
	putLedger(t, b.store, "excluded", someExcluded(site))
	nb := b.get("/sites/1/pages.csv?period=today", "Accept-Language", "nb")
	if !strings.HasPrefix(nb.body, "\ufeffSide;") || !strings.Contains(nb.body, "\r\n'=1+1;") {
		t.Errorf("CSV is %q", nb.body)
	}
	if got := nb.header.Get("Content-Disposition"); got != `attachment; filename="page one.example 2026-11-22 2026-11-22.csv"` {
		t.Errorf("the file is %q", got)
	}
	for tag, want := range map[string]string{"nb": ";0,", "nn": ";0,", "en": ",0."} {
		if a := b.get("/sites/1/entries.csv?period=7d", "Accept-Language", tag); !strings.Contains(a.body, want) {
			t.Errorf("%s: a share is not written with %q: %q", tag, want, a.body)
		}
	}
	if got := b.sheet("/sites/1/counting.csv?period=today", i18n.Find("en")); got[1][1] != "Googlebot" || got[1][2] != "3" {
		t.Errorf("what was not counted is %q", got)
	}
	for _, page := range pagePaths(b) {
		a := b.get(as("/sites/1"+page, "csv"))
		if a.status != 200 || a.header.Get("Content-Type") != "text/csv; charset=utf-8" || strings.Count(a.body, "\r\n") < 1 {
			t.Errorf("%s as CSV: %d, %s: %.60q", page, a.status, a.header.Get("Content-Type"), a.body)
		}
		var all map[string]any
		if b.decode(as("/sites/1"+page, "json"), &all); all["site"] != 1. || (all["period"] != "week" || all["days"] == nil) != strings.HasPrefix(page, "/compare") { // of days of its own
			t.Errorf("%s as JSON: %v", page, all)
		}
	}
	// An address that says something wrong is answered so that programs see it.
	for path, code := range map[string]string{
		"/sites/1.json?period=fortnight": "bad_period", "/sites/1.json?period=range&from=2026-11-02&to=2026-11-01": "bad_period",
		"/sites/1/pages.json?compare=never": "bad_period", "/sites.json?period=week&at=2026": "bad_period",
		"/sites/1.json?f=colour:red": "bad_filter", "/sites/1.json?f=" + strings.Repeat("x", 5000): "bad_filter",
		"/api/v1/sites/1/top?dimension=page&after=x": "bad_after", "/api/v1/sites/1/top?dimension=total": "bad_dimension",
		"/api/v1/sites/1/totals?f=page:/a&measures=visits": "unlinked", "/api/v1/sites/1/totals?measures=exits": "of_pages",
	} {
		if a := b.get(path); a.status != 400 || !strings.Contains(a.body, `"code":"`+code+`"`) {
			t.Errorf("%.60s is answered %d %s, want %s", path, a.status, a.body, code)
		}
	}
	b.client = b.newClient()
	for _, path := range []string{"/sites.json", "/sites/1.json", "/sites/1/pages.json"} {
		if a := b.get(path); a.status != 401 || !strings.Contains(a.body, "no_session") {
			t.Errorf("a stranger at %s gets %d %s", path, a.status, a.body)
		}
	}
	for _, path := range []string{"/sites.csv", "/sites/1.csv", "/sites/1/pages.csv"} {
		if a := b.get(path); a.url.Path != "/login" {
			t.Errorf("a stranger at %s is led to %s", path, a.url)
		}
	}
}

// TestUnreadable: no parameter that can't be decoded is left out, wherever it stands: programs get
// the code of the parameter, and people a page that says so.
func TestUnreadable(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("One", "one.example", "Europe/Oslo")
	put(t, b.store, "story", rowsOf(site, tell(3, site, calendar.DayOf(moment)-40, calendar.DayOf(moment), 3, moment)))
	addresses := []string{"/", "/sites.json", "/sites.csv", "/account", "/admin/users", "/admin/audit",
		"/api/v1/sites", "/api/v1/sites/1/totals", "/api/v1/sites/1/series", "/api/v1/sites/1/top?dimension=page", "/api/v1/sites/1/excluded"}
	for _, page := range pagePaths(b) {
		addresses = append(addresses, "/sites/1"+page, as("/sites/1"+page, "json"), as("/sites/1"+page, "csv"))
	}
	for _, address := range addresses {
		for parameter, code := range map[string]string{
			"f=page:/om;x": "bad_filter", "f=page:/om%": "bad_filter", "f=search:50%%20rabatt": "bad_filter", "lang=en&f=!page:/%zz&q=a": "bad_filter",
			"limit=3;x": "bad_limit", "measures=a;b": "bad_measure", "period=day&at=2026-11-11%": "bad_period", "after=%": "bad_after", "q=50%": "bad_request", ";": "bad_request",
		} {
			path := and(address, parameter)
			a := b.get(path)
			program := strings.HasPrefix(path, "/api/") || strings.Contains(path, ".json")
			switch {
			case a.status != http.StatusBadRequest:
				t.Errorf("%s is answered %d", path, a.status)
			case program && !strings.Contains(a.body, `"code":"`+code+`"`):
				t.Errorf("%s is answered %s, want %s", path, a.body, code)
			case !program && !strings.Contains(clean(a.Document.Text()), i18n.Find("en").Say("problem."+code)):
				t.Errorf("%s does not say what is wrong: %.300s", path, a.body)
			}
		}
	}
	b.get("/api/v1/sites/1/totals?f=search:50%25%20rabatt").want(http.StatusOK)
}

// decode reads a JSON answer.
func (b *bench) decode(path string, into any) {
	b.Helper()
	a := b.get(path)
	a.want(200)
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		b.Fatalf("%s: %v", path, err)
	}
}

// sheet reads a CSV answer in a language.
func (b *bench) sheet(path string, l *i18n.Language) [][]string {
	b.Helper()
	a := b.get(path, "Accept-Language", l.Tag)
	a.want(200)
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(a.body, "\ufeff")))
	if l.Tag != "en" {
		r.Comma = ';'
	}
	rows, err := r.ReadAll()
	if err != nil {
		b.Fatalf("%s: %v", path, err)
	}
	return rows
}

// TestTables: a table that stands alone is searched, sorted, cut into pages and cut down to
// some columns by its address, and CSV and JSON of the same address have what it shows.
func TestTables(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("One", "one.example", "UTC")
	yesterday := calendar.DayOf(moment) - 1
	var rows []hit.Row
	for i := range 250 {
		for n := range 1 + i%7 {
			row := hit.Row{Site: 1, Time: yesterday.Time().Add(time.Hour), Day: yesterday, Kind: hit.Pageview, Path: fmt.Sprintf("/side/%03d", i), Host: site.Hosts[0], Pageviews: 1}
			if n == 0 {
				row.Visits, row.Visitors, row.PageVisitors, row.SectionVisitors, row.EntryPath = 1, 1, 1, 1, row.Path
			}
			rows = append(rows, row)
		}
	}
	put(t, b.store, "pages", rows)
	shown := func(page *answer) (labels []string, views []int) {
		page.Find("#page tbody tr").Each(func(_ int, tr *goquery.Selection) {
			labels = append(labels, clean(tr.Find("th").Text()))
			n, _ := strconv.Atoi(clean(tr.Find("td").Eq(1).Text()))
			views = append(views, n)
		})
		return labels, views
	}
	base := "/sites/1/pages?period=day"
	var all []string
	page, pages := b.get(base, "Accept-Language", "en"), 0
	for ; pages < 5; pages++ {
		labels, _ := shown(page)
		all = append(all, labels...)
		next := page.Find("#page a[rel=next]")
		if (page.Find("#page .pages a:not([rel])").Length() > 0) != (pages > 0) {
			t.Errorf("page %d of the rows leads back: %t", pages, pages == 0)
		}
		if next.Length() == 0 {
			break
		}
		page = b.get(next.AttrOr("href", ""), "Accept-Language", "en")
	}
	if n := len(slices.Compact(slices.Sorted(slices.Values(all)))); pages != 2 || len(all) != 250 || n != 250 {
		t.Errorf("%d rows, %d of them different, on %d more pages: want 250 on 2", len(all), n, pages)
	}
	for sort, ok := range map[string]func([]string, []int) bool{
		"": func(_ []string, v []int) bool {
			return slices.IsSortedFunc(v, func(a, b int) int { return b - a }) && v[0] == 7
		},
		"pageviews":  func(_ []string, v []int) bool { return slices.IsSortedFunc(v, func(a, b int) int { return b - a }) },
		"-pageviews": func(_ []string, v []int) bool { return slices.IsSorted(v) && v[0] == 1 },
		"value":      func(l []string, _ []int) bool { return slices.IsSorted(l) && l[0] == "/side/000" },
		"-value":     func(l []string, _ []int) bool { return l[0] == "/side/249" && l[99] == "/side/150" },
	} {
		page := b.get(base+"&sort="+sort, "Accept-Language", "en")
		if labels, views := shown(page); len(labels) != 100 || !ok(labels, views) {
			t.Errorf("sorted by %q: %q %v", sort, labels, views)
		}
		key, order := "pageviews", "descending"
		if strings.HasPrefix(sort, "-") {
			order = "ascending"
		}
		if strings.HasSuffix(sort, key) {
			if got := page.Find("#page th[aria-sort='" + order + "']").Text(); !strings.HasPrefix(got, "Views") {
				t.Errorf("sorted by %q: the heading that says so is %q", sort, got)
			}
		}
		if rows := b.sheet(as(base+"&sort="+sort, "csv"), i18n.Find("en")); len(rows) != 251 {
			t.Errorf("sorted by %q: CSV has %d rows", sort, len(rows))
		}
	}
	// By what there is not, the page is sorted as usual (TestUnknownNames: and says so).
	if labels, views := shown(b.get(base + "&sort=nothing-such")); len(labels) != 100 || views[0] != 7 {
		t.Errorf("sorted by nothing such: %q %v", labels, views)
	}
	// The head of each column leads to the table sorted by it, and then the other way round.
	link := b.get(base).Find("#page thead a").Last().AttrOr("href", "")
	again := b.get(link).Find("#page thead th[aria-sort] a").AttrOr("href", "")
	if a, z := param(link, "sort"), param(again, "sort"); z != "-"+a || a == "" {
		t.Errorf("a column sorts by %q, and then by %q", a, z)
	}
	// What is looked for is in any part of the value, in any case.
	page = b.get(base+"&q=SIDE/12", "Accept-Language", "en")
	if labels, _ := shown(page); len(labels) != 10 || page.Find("#page input[name=q]").AttrOr("value", "") != "SIDE/12" {
		t.Errorf("found %q", labels)
	}
	if hidden := page.Find("#page form[role=search] input[type=hidden]"); hidden.Length() != 2 { // period and at
		t.Errorf("the search keeps %d parameters", hidden.Length())
	}
	if rows := b.sheet(as(base+"&q=SIDE/12", "csv"), i18n.Find("en")); len(rows) != 11 {
		t.Errorf("CSV of what was found has %d rows", len(rows))
	}
	if got := b.get(base + "&q=nothing").Find("#page tbody tr").Length(); got != 0 {
		t.Errorf("%d rows with what nothing has", got)
	}
	for columns, want := range map[string][]string{
		"pageviews": {"Page", "Views"}, "exit_rate,page_visitors": {"Page", "Visitors", "Left"}, "none": {"Page", "Visitors", "Views", "Left", "Time"},
	} {
		got := b.get(base+"&columns="+columns, "Accept-Language", "en").Find("#page thead th").Map(func(_ int, th *goquery.Selection) string { return strings.TrimRight(clean(th.Text()), " ▾▴") })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("columns %s (-want +got):\n%s", columns, diff)
		}
	}
	// A form chooses among all that can be exact, and keeps what else the address says.
	page = b.get(base+"&q=side/1&columns=pageviews", "Accept-Language", "en")
	form := page.Find("#page .columns form")
	if got := form.Find("input:checked").AttrOr("value", ""); got != "pageviews" || form.Find("input:checked").Length() != 1 || form.Find("input[type=checkbox]").Length() < 6 {
		t.Errorf("%d columns to choose from, of which %q is chosen, want pageviews alone", form.Find("input[type=checkbox]").Length(), got)
	}
	if got := form.Find("input[type=hidden][name=q]").AttrOr("value", ""); got != "side/1" {
		t.Errorf("the choice of columns keeps the search %q", got)
	}
	page = b.get(base+"&columns=exits&columns=pageviews&sort=-exits", "Accept-Language", "en")
	if got := page.text("#page thead"); !strings.Contains(got, "Views") || !strings.Contains(got, "Exits ▴") || strings.Contains(got, "Time") {
		t.Errorf("chosen columns: %q", got)
	}
	if rows := b.sheet(as(base+"&columns=exits&columns=pageviews", "csv"), i18n.Find("en")); len(rows[0]) != 4 { // and the title
		t.Errorf("CSV of two columns has the head %q", rows[0])
	}
	if a := b.get(base + "&after=x"); a.status != 400 {
		t.Errorf("rows behind what never came are answered %d", a.status)
	}
}

// param returns a parameter of an address.
func param(address, key string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Query().Get(key)
}

// TestFilters: a filter of the address is shown, kept by all links, and can be taken away
// and added. That the figures are those that it keeps, TestFiltersCount checks.
func TestFilters(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("One", "one.example", "Europe/Oslo")
	put(t, b.store, "story", rowsOf(site, tell(3, site, calendar.DayOf(moment)-20, calendar.DayOf(moment), 12, moment)))
	page := b.get("/sites/1?period=7d&f=region:NO-50&f=!os:iOS&f=page:/a*", "Accept-Language", "en")
	want := []string{"Region: Trøndelag , remove", "System, not: iOS , remove", "Page: /a* , remove"}
	if got := page.Find(".chip").Map(func(_ int, s *goquery.Selection) string { return strings.ReplaceAll(clean(s.Text()), " ,", ",") }); !slices.EqualFunc(got, want, func(a, b string) bool {
		return a == strings.ReplaceAll(b, " ,", ",")
	}) {
		t.Errorf("filters shown are %q, want %q", got, want)
	}
	if got := page.Find(".chip").First().AttrOr("href", ""); got != "/sites/1?at=2026-11-21&f=%21os%3AiOS&f=page%3A%2Fa%2A&period=7d" {
		t.Errorf("the first filter is taken away by %s", got)
	}
	page.Find(".kinds > a, .rail a, .figure, .step, #chart a, .more a").Each(func(_ int, a *goquery.Selection) {
		u, err := url.Parse(a.AttrOr("href", ""))
		if err != nil || len(u.Query()["f"]) != 3 {
			t.Errorf("%q leads to %v, which loses a filter", clean(a.Text()), u)
		}
	})
	if got := page.Find(".notice").Text(); !strings.Contains(got, "cannot be shown") {
		t.Errorf("of what is missing the page says %q", got)
	}
	// A value leads to the page filtered by it.
	link := b.get("/sites/1/devices?period=7d", "Accept-Language", "en").Find("#os tbody a").First()
	filtered := b.get(link.AttrOr("href", ""), "Accept-Language", "en")
	if got := filtered.text(".chip strong"); got != clean(link.Text()) {
		t.Errorf("a system leads to a page filtered by %q, want %q", got, clean(link.Text()))
	}
	// One is added by hand, by the name that the reader knows.
	for typed, want := range map[string]string{
		"fd=country&fo=is&fv=Norge": "country:NO", "fd=region&fo=not&fv=Trøndelag": "!region:NO-50", "fd=page&fo=begins&fv=/om": "page:/om*",
		"fd=page&fo=is&fv=https://one.example/om-oss": "page:/om-oss", "fd=language&fo=is&fv=" + url.QueryEscape(nb().LanguageName("nn")): "language:nn", "fd=os&fo=is&fv=iOS": "os:iOS",
	} {
		got := b.get("/sites/1/pages?period=7d&f=device:mobile&"+typed, "Accept-Language", "nb")
		if fs := got.url.Query()["f"]; got.status != 200 || !slices.Equal(fs, []string{"device:mobile", want}) || got.url.Query().Has("fv") || got.url.Path != "/sites/1/pages" {
			t.Errorf("%s leads to %s, want the filter %s besides", typed, got.url, want)
		}
	}
	wrong := b.get("/sites/1?fd=page&fo=not&fv=", "Accept-Language", "en")
	field := wrong.Find("#fv")
	if wrong.status != 400 || field.AttrOr("aria-invalid", "") != "true" || wrong.Find("#"+field.AttrOr("aria-describedby", "none")).Length() != 1 ||
		wrong.Find("#fo option[selected]").AttrOr("value", "") != "not" {
		t.Errorf("a filter without a value: %d %q", wrong.status, wrong.text(".menu[open]"))
	}
	if a := b.get("/sites/1?f=colour:red", "Accept-Language", "en"); a.status != 400 || a.text("#wrong-filter") != clean(i18n.Find("en").Say("filter.unread")) || a.Find("#fv").AttrOr("value", "") != "colour:red" {
		t.Errorf("a page with a filter that is none says %d %q", a.status, a.text("#wrong-filter"))
	}
}

// TestOldPeriods: addresses of kinds of periods that were, lead to those that are.
func TestOldPeriods(t *testing.T) {
	b := newBench(t)
	b.logIn()
	b.addSite("One", "one.example", "Europe/Oslo")
	b.stay()
	for old, want := range map[string]string{
		"/sites/1?period=30d":                                  "/sites/1?period=28d",
		"/sites/1?f=country%3ANO&period=12m":                   "/sites/1?f=country%3ANO&period=year",
		"/sites/1?period=custom&from=2026-10-01&to=2026-10-03": "/sites/1?from=2026-10-01&period=range&to=2026-10-03",
		"/sites/1?period=month&from=2026-10-01":                "/sites/1?at=2026-10&period=month",
		"/sites/1.json?period=30d":                             "/sites/1.json?period=28d",
		"/sites/1.csv?period=month&from=2026-10-01":            "/sites/1.csv?at=2026-10&period=month",
		"/?period=30d":                                         "/?period=28d",
		"/sites.csv?period=12m":                                "/sites.csv?period=year",
		"/sites/1/pages?period=custom&from=a&to=b":             "/sites/1/pages?from=a&period=range&to=b",
		"/sites/1?period=month":                                "", // which it still is
		"/sites/1?period=range&from=2026-10-01&to=2026-10-02":  "",
		"/sites/1?period=7d":                                   "",
	} {
		a := b.get(old)
		if got := a.header.Get("Location"); got != want || a.status != map[bool]int{true: http.StatusSeeOther, false: http.StatusOK}[want != ""] {
			t.Errorf("%s is answered %d and leads to %q, want %q", old, a.status, got, want)
		}
	}
	if a := b.get("/api/v1/sites/1/totals?period=30d"); a.status != 400 {
		t.Errorf("the API answers an old period %d", a.status)
	}
}

// TestWrongPeriods: a period that can't be read is said beside the field, which keeps what
// was typed, and the page shows the nearest period.
func TestWrongPeriods(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("One", "one.example", "Europe/Oslo")
	put(t, b.store, "story", rowsOf(site, tell(3, site, calendar.DayOf(moment)-20, calendar.DayOf(moment), 3, moment)))
	for _, c := range []struct{ query, field, from, to string }{
		{"period=range&from=2026-11-10&to=2026-11-01", "to", "2026-11-10", "2026-11-01"},
		{"period=range&from=yesterday&to=2026-11-01", "from", "yesterday", "2026-11-01"},
		{"period=range&from=2026-11-01&to=", "to", "2026-11-01", ""},
		{"period=range&from=2027-01-01&to=2027-02-01", "from", "2027-01-01", "2027-02-01"},
		{"period=range&from=2006-01-01&to=2026-11-01", "from", "2006-01-01", "2026-11-01"},
	} {
		for _, path := range []string{"/sites/1?", "/sites/1/pages?", "/?"} {
			page := b.get(path+c.query, "Accept-Language", "en")
			field := page.Find("#" + c.field)
			message := page.Find("#" + field.AttrOr("aria-describedby", "none"))
			if page.status != 400 || field.AttrOr("aria-invalid", "") != "true" || message.AttrOr("role", "") != "alert" || clean(message.Text()) == "" {
				t.Errorf("%s%s is answered %d, field %s says %q", path, c.query, page.status, c.field, clean(message.Text()))
			}
			if from, to := page.Find("#from").AttrOr("value", ""), page.Find("#to").AttrOr("value", ""); from != c.from || to != c.to {
				t.Errorf("%s%s keeps %q and %q", path, c.query, from, to)
			}
			if page.Find("details[open] #from").Length() != 1 || page.Find("[aria-invalid]").Length() != 1 || page.Find("table").Length() == 0 {
				t.Errorf("%s%s: the form is shut, another field is wrong, or nothing is shown", path, c.query)
			}
		}
	}
	for query, typed := range map[string]string{"period=fortnight": "fortnight", "period=week&at=2026-W54": "2026-W54", "period=month&at=2027-01": "2027-01", "compare=never": "never", "align=moon": "moon"} {
		page := b.get("/sites/1?"+query, "Accept-Language", "en")
		if page.status != 400 || page.text("#wrong-period code") != typed || page.Find("#chart").Length() != 1 {
			t.Errorf("%s is answered %d and says %q", query, page.status, page.text("#wrong-period"))
		}
	}
}

// TestStatementsOfCounting: the page that says whether figures can be trusted asks at most
// six statements, besides those of any page. Most of them ask for no figures.
func TestStatementsOfCounting(t *testing.T) {
	engine, database := storetest.Engine(t), storetest.Database()
	var mu sync.Mutex
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := r.URL.Query().Get("query")
		if text == "" {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			text, r.Body = string(body), io.NopCloser(bytes.NewReader(body))
		}
		mu.Lock()
		asked = append(asked, text)
		mu.Unlock()
		engine.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	st, err := store.Open(t.Context(), store.Config{DSN: server.URL + "/" + database, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	b := newBench(t, func(o *dashboard.Options) {
		o.Store, o.Figures = st, store.Reports{Store: st, Planner: func() report.Planner { return report.Planner{} }}
	})
	b.store = st
	b.logIn()
	site := b.addSite("One", "one.example", "Europe/Oslo")
	put(t, st, "story", rowsOf(site, tell(3, site, calendar.DayOf(moment)-40, calendar.DayOf(moment), 3, moment)))
	statements := func(path string) (all []string) {
		b.get(path).want(200) // so that what is kept in memory is there
		mu.Lock()
		asked = nil
		mu.Unlock()
		b.get(path).want(200)
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(asked)
	}
	ofAny := statements("/sites/1/notes")
	for _, query := range []string{"", "?period=today", "?period=year&at=2026", "?f=country:NO"} {
		for _, path := range []string{"/sites/1/counting", "/sites/1/counting.csv", "/sites/1/counting.json"} {
			all := statements(path + query)
			t.Logf("%s: %d, any page %d", path+query, len(all), len(ofAny))
			own := slices.DeleteFunc(all, func(text string) bool { return slices.Contains(ofAny, text) })
			if len(own) < 3 || len(own) > 6 {
				t.Errorf("%s asks %d statements of its own, want at most 6:\n%s", path+query, len(own), strings.Join(own, "\n---\n"))
			}
		}
	}
}
