package dashboard_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
)

// TestStatements: a page asks for its figures in at most six statements, one of which is
// that of what was not counted and one that of titles, however many tables and sites it
// shows.
func TestStatements(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("One", "one.example", "Europe/Oslo")
	for i, zone := range []string{"Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata", "UTC"} {
		b.addSite("More", fmt.Sprintf("more%d.example", i), zone)
	}
	put(t, b.store, "story", rowsOf(site, tell(3, site, calendar.DayOf(moment)-400, calendar.DayOf(moment), 5, moment)))
	for _, path := range []string{
		"/", "/sites/1", "/sites/1?period=today", "/sites/1?period=12m", "/sites/1?period=month&from=2026-09-01", "/sites/1.json",
		"/sites/2", "/sites/1?period=custom&from=2020-01-01&to=2020-01-02", "/sites/4?period=today",
		"/sites/1?f=country:NO", "/sites/1?f=source:Google&period=12m", "/sites/1?f=page:/om-oss&f=!os:iOS", "/sites/1?show=country",
	} {
		b.figures.statements.Store(0)
		b.get(path).want(200)
		if n := b.figures.statements.Load(); n < 1 || n > 4 {
			t.Errorf("%s asks for its figures in %d statements, want 1 to 4", path, n)
		}
	}
}

// TestFormats: the address of a page with .json or .csv has the figures of the page.
func TestFormats(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("One", "one.example", "Europe/Oslo")
	rows := rowsOf(site, tell(3, site, calendar.DayOf(moment)-20, calendar.DayOf(moment), 12, moment))
	rows[len(rows)-1].Path = "=1+1" // what no collector lets through
	put(t, b.store, "story", rows)
	putLedger(t, b.store, "excluded", someExcluded(site))
	for _, query := range []string{"period=today", "period=7d", "period=7d&f=country:NO", "period=30d&f=page:/om-oss"} {
		for _, l := range i18n.All() {
			page := b.get("/sites/1?"+query, "Accept-Language", l.Tag)
			var all struct {
				Totals map[string]any
				Points []map[string]any
				Tables map[string][]map[string]any
			}
			b.decode("/sites/1.json?"+query, &all)
			for _, key := range []string{"visitors", "visits", "pageviews"} {
				want, shown := all.Totals[key].(float64)
				got := page.text("#figure-" + key + " .value")
				if shown != (got != "") || shown && got != clean(l.Number(int64(want))) {
					t.Errorf("%s: the page shows %s %q, JSON %v", query, key, got, all.Totals[key])
				}
			}
			sheet := b.sheet("/sites/1.csv?"+query, l)
			if len(sheet) != len(all.Points)+1 {
				t.Errorf("%s: CSV has %d rows, JSON %d points", query, len(sheet), len(all.Points))
			}
			for i, p := range all.Points {
				if want, ok := p["pageviews"]; ok && !slices.Contains(sheet[i+1], fmt.Sprint(want)) {
					t.Errorf("%s: row %q of CSV has not the %v page views of JSON", query, sheet[i+1], want)
				}
			}
			for table, lines := range all.Tables {
				show := map[string]string{"region": "country", "version": "browser"}[table]
				if show == "" {
					show = table
				}
				var whole struct{ Lines []map[string]any }
				b.decode("/sites/1.json?show="+show+"&"+query, &whole)
				n := min(len(lines), 10) // of a table that opens the page has more
				if diff := cmp.Diff(lines[:n], whole.Lines[:n]); diff != "" {
					t.Errorf("%s, %s: the page and its table differ:\n%s", query, table, diff)
				}
				sheet := b.sheet("/sites/1.csv?show="+show+"&"+query, l)
				if len(sheet) != len(whole.Lines)+1 {
					t.Fatalf("%s, %s: CSV has %d rows, JSON %d lines", query, table, len(sheet), len(whole.Lines))
				}
				for i, line := range whole.Lines {
					for _, measure := range []string{"visitors", "visits", "pageviews", "events"} {
						if want, ok := line[measure]; ok && !slices.Contains(sheet[i+1], fmt.Sprint(want)) {
							t.Errorf("%s, %s: row %q of CSV has not the %v %s of JSON", query, table, sheet[i+1], want, measure)
						}
					}
				}
			}
		}
	}
	nb := b.get("/sites/1.csv?period=today&show=page", "Accept-Language", "nb")
	if !strings.HasPrefix(nb.body, "\ufeffSide;Tittel;Visninger;Besøkende\r\n") || !strings.Contains(nb.body, "\r\n'=1+1;;1;") {
		t.Errorf("CSV is %q", nb.body)
	}
	if got := nb.header.Get("Content-Disposition"); got != `attachment; filename="page one.example 2026-11-22 2026-11-22.csv"` {
		t.Errorf("the file is %q", got)
	}
	if entries := b.sheet("/sites/1.csv?period=7d&show=entry", i18n.Find("nb")); !regexp.MustCompile(`^0,\d+$`).MatchString(entries[1][3]) {
		t.Errorf("a share is %q", entries[1][3])
	}
	if got := b.sheet("/sites/1.csv?period=today&show=excluded", i18n.Find("en")); got[1][1] != "Googlebot" || got[1][2] != "3" {
		t.Errorf("what was not counted is %q", got)
	}
	b.client = b.newClient()
	if a := b.get("/sites/1.json"); a.status != 401 || !strings.Contains(a.body, "no_session") {
		t.Errorf("a stranger gets %d %s", a.status, a.body)
	}
	if a := b.get("/sites/1.csv"); a.url.Path != "/login" {
		t.Errorf("a stranger is led to %s", a.url)
	}
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

// TestFilters: a filter of the address is in all figures of the page, is shown, and can be
// taken away. Figures that can't be exact are not shown.
func TestFilters(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("One", "one.example", "Europe/Oslo")
	story := tell(3, site, calendar.DayOf(moment)-6, calendar.DayOf(moment), 12, moment)
	put(t, b.store, "story", rowsOf(site, story))
	only := func(keep func(act) bool) tally {
		return total(slices.DeleteFunc(slices.Clone(story), func(a act) bool { return !keep(a) }))
	}
	page := b.get("/sites/1?period=7d&f=region:NO-50&f=!os:iOS", "Accept-Language", "en")
	want := only(func(a act) bool { return a.person.region == "NO-50" && a.person.os != "iOS" })
	for key, n := range map[string]int{"visitors": want.visitors, "visits": want.visits, "pageviews": want.pageviews} {
		if got := page.text("#figure-" + key + " .value"); got != strconv.Itoa(n) || n == 0 {
			t.Errorf("%s = %s, want %d", key, got, n)
		}
	}
	if got := texts(page.Find(".filters li")); len(got) != 2 || !strings.HasPrefix(got[0], "Trøndelag") || !strings.HasPrefix(got[1], "not iOS") {
		t.Errorf("filters shown are %q", got)
	}
	if got := page.Find(".filters li a").First().AttrOr("href", ""); got != "/sites/1?f=%21os%3AiOS&period=7d" {
		t.Errorf("the first filter is taken away by %s", got)
	}
	if got := page.Find(".periods a").First().AttrOr("href", ""); got != "/sites/1?f=region%3ANO-50&f=%21os%3AiOS&period=today" {
		t.Errorf("another period is at %s", got)
	}
	page = b.get("/sites/1?period=7d&f=source:Google", "Accept-Language", "en")
	want = only(func(a act) bool { return a.visit.source == "Google" })
	if got := page.text("#figure-visits .value"); got != strconv.Itoa(want.visits) || page.Find("#figure-visitors").Length() != 0 {
		t.Errorf("visits by a source = %s, want %d and no visitors", got, want.visits)
	}
	// The rows of a page say nothing of whole visits.
	page = b.get("/sites/1?period=7d&f=page:/om-oss", "Accept-Language", "en")
	want = only(func(a act) bool { return a.path == "/om-oss" && a.kind == hit.Pageview })
	if got := page.text("#figure-pageviews .value"); got != strconv.Itoa(want.pageviews) || page.Find("#figure-visits").Length() != 0 {
		t.Errorf("views of a page = %s, want %d and no visits", got, want.pageviews)
	}
	for path, code := range map[string]string{
		"/sites/1.json?f=colour:red": "bad_filter", "/sites/1.json?f=" + strings.Repeat("x", 5000): "bad_filter",
		"/api/v1/sites/1/top?dimension=page&after=x": "bad_after", "/api/v1/sites/1/top?dimension=total": "bad_dimension",
		"/api/v1/sites/1/totals?f=page:/a&measures=visits": "unlinked", "/api/v1/sites/1/totals?measures=exits": "of_pages",
	} {
		if a := b.get(path); a.status != 400 || !strings.Contains(a.body, `"code":"`+code+`"`) {
			t.Errorf("%.60s is answered %d %s, want %s", path, a.status, a.body, code)
		}
	}
	if a := b.get("/sites/1?f=colour:red"); a.status != 400 || !strings.HasPrefix(a.text(".card p"), "A filter can't be read.") {
		t.Errorf("a page with a filter that is none says %d %q", a.status, a.text(".card p"))
	}
}
