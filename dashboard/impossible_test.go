package dashboard_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
)

// TestImpossibleFilter: a filter by a value that no hit can have is refused beside what was
// typed, and by the API, JSON and CSV; the name of something that nobody came by gives 0.
func TestImpossibleFilter(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	day := calendar.DayOf(moment.In(site.Location)) - 1
	put(t, b.store, "rows", []hit.Row{{Site: site.ID, Time: day.Time(), Day: day, Kind: hit.Pageview, Path: "/", EntryPath: "/", Country: "NO", Channel: "direct", Device: "mobile", Browser: "Firefox", OS: "iOS", Language: "nb", Pageviews: 1, Visits: 1, Visitors: 1}})
	for filter, want := range map[string]struct {
		key          string // of the reason, "" for 0
		what, how, v string // in the form; what is "" for a dimension that it hasn't
	}{
		"country:Norge":  {"filter.wrong.country", "country", "is", "Norge"},
		"!country:XX":    {"filter.wrong.country", "country", "not", "XX"},
		"region:NO-99":   {"filter.wrong.region", "region", "is", "NO-99"},
		"device:foo":     {"filter.wrong.device", "device", "is", "foo"},
		"channel:xyz*":   {"filter.wrong.channel", "channel", "begins", "xyz"},
		"language:norsk": {"filter.wrong.language", "language", "is", "norsk"},
		"browser:Mosaik": {"filter.wrong.browser", "browser", "is", "Mosaik"},
		"os:Fenster":     {"filter.wrong.os", "os", "is", "Fenster"},
		"hour:77":        {"filter.unread", "", "is", "hour:77"},
		"weekday:8":      {"filter.unread", "", "is", "weekday:8"},
		"country:SE":     {},
		"page:/nobody":   {},
	} {
		query := "period=28d&f=" + url.QueryEscape(filter)
		for _, lang := range []string{"nb", "nn", "en"} {
			l := i18n.Find(lang)
			page := b.get("/sites/1?"+query+"&f=page:/", "Accept-Language", lang)
			api := b.get("/api/v1/sites/1/totals?measures=pageviews&"+query, "Accept-Language", lang)
			file := b.get("/sites/1.json?"+query, "Accept-Language", lang)
			if want.key == "" {
				if page.status != http.StatusOK || api.status != http.StatusOK || !strings.Contains(api.body, `"pageviews":0`) {
					t.Errorf("%s: page %d, API %d %s, want 0", filter, page.status, api.status, api.body)
				}
				continue
			}
			if page.status != http.StatusBadRequest {
				t.Errorf("%s: status %d, want 400", filter, page.status)
			}
			reason := l.Say(want.key)
			form := page.Find("form:has(#fv)")
			typed := form.Find("#fv").AttrOr("value", "")
			how := form.Find("#fo option[selected]").AttrOr("value", "is")
			what := form.Find("#fd option[selected]").AttrOr("value", "")
			if got := clean(form.Find("#wrong-filter").Text()); got != reason || typed != want.v || how != want.how || what != want.what {
				t.Errorf("%s, %s: beside %s %s %q the form says %q, want %q", filter, lang, what, how, typed, got, reason)
			}
			if form.Find(`input[name="f"][value="page:/"]`).Length() != 1 {
				t.Errorf("%s: the other filter is lost", filter)
			}
			if want.what == "" { // programs are told how filters are written
				reason = l.Say("problem.bad_filter")
			}
			for _, got := range []*answer{api, file} {
				var told struct{ Code, Error string }
				err := json.Unmarshal([]byte(got.body), &told)
				if err != nil || got.status != http.StatusBadRequest || told.Code != "bad_filter" || !strings.HasSuffix(told.Error, reason) {
					t.Errorf("%s, %s: %s answers %d %q, %v", filter, lang, got.url, got.status, got.body, err)
				}
			}
		}
		if csv := b.get("/sites/1.csv?" + query); (csv.status == http.StatusBadRequest) != (want.key != "") {
			t.Errorf("%s as CSV: status %d", filter, csv.status)
		}
	}
}

// TestMissingOfAnyStatus: a filter by the path of a missing page finds it under each status.
func TestMissingOfAnyStatus(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	day := calendar.DayOf(moment.In(site.Location)) - 1
	var rows []hit.Row
	for name, n := range map[string]int{"404 / /gammel": 7, "410 / /gammel": 6, "404 / /gammel/side": 9, "404 / /ny": 11} {
		for i := range n {
			rows = append(rows, hit.Row{Site: site.ID, Time: day.Time().Add(time.Duration(i) * time.Minute), Day: day, Kind: hit.Event, Path: "/gammel", Name: name, Country: "NO", Browser: "Firefox"})
		}
	}
	put(t, b.store, "rows", rows)
	for filter, want := range map[string]float64{
		"missing:/gammel": 13, "missing:404 / /gammel": 7, "missing:/gammel*": 22, "missing:404*": 27, "!missing:/gammel": 20, "missing:/": 0,
		"missing:/ny": 11, "missing:/borte": 0, "missing:/*": 33,
	} {
		for _, also := range []string{"", "&f=browser:Firefox"} { // from totals, and from rows
			var got struct{ Totals struct{ Events *float64 } }
			b.decode("/api/v1/sites/1/totals?measures=events&period=28d&f="+url.QueryEscape(filter)+also, &got)
			if got.Totals.Events == nil || *got.Totals.Events != want {
				t.Errorf("events by %s%s: %v, want %v", filter, also, got.Totals.Events, want)
			}
		}
	}
}
