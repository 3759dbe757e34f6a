package report_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestFiltersByCappedValues asks rollups whose rows are gone. A filter is answered if no line
// of others can hide what it is about, and refused if one may.
func TestFiltersByCappedValues(t *testing.T) {
	bits := func(columns ...string) (bits uint64) {
		for _, name := range columns {
			name, section := strings.CutSuffix(name, "/")
			f, _ := hit.FindField(name)
			bits |= 1 << f.Number
			if section {
				bits |= 1 << f.SectionBit()
			}
		}
		return bits
	}
	day := mustDay("2026-02-11")
	view := func(path, browser, version, previous string, day calendar.Day, other uint64) hit.Row {
		return hit.Row{Site: 1, Time: day.Time().Add(time.Hour), Day: day, Kind: hit.Pageview, Path: path, Browser: browser, BrowserVersion: version,
			PreviousPath: previous, OS: "iOS", Pageviews: 1, PageVisitors: 1, Other: other}
	}
	st := storetest.Open(t)
	if err := st.Insert(t.Context(), hit.Batch{Rows: []hit.Row{
		view("/news/a", "Firefox", "140", "/", day, 0),
		view("/news/b", "Firefox", "141", "", day, bits("path", "browser_version")),
		view("/about", "Chrome", "141", "/news/a", day, 1<<hit.MoveBit),
		view("/new/c", "Odd", "1", "", day+1, bits("path/", "browser", "browser_version")),
	}}, "rows"); err != nil {
		t.Fatal(err)
	}
	one, two := calendar.One(day), calendar.Range{From: day, To: day + 1}
	source := store.Reports{Store: st, Planner: func() report.Planner { return report.Planner{RowsSince: day + 10} }}
	for _, c := range []struct {
		days    calendar.Range
		filters string
		want    int64 // page views, -1: refused
	}{
		{one, "page:/news/a", -1},
		{one, "page:/news/x", -1},
		{one, "page:/about", 1}, // in another section
		{one, "page:/news*", 2}, // all of the section
		{one, "page:/news/*", -1},
		{one, "!page:/about", 2},
		{one, "!page:/news/b", -1},
		{one, "section:/news", 2},
		{two, "section:/news", -1}, // any section may be among those of the second day
		{two, "page:/about", -1},
		{two, "page:*", 4},
		{one, "page:/news/[other]", 1},
		{two, "page:/[other]", 1},
		{two, "!page:/[other]", 3},
		{two, "page:/about page:/[other]", 2}, // what may be of the one is of the other
		{one, "browser:Firefox", 2},
		{two, "browser:Firefox", -1},
		{two, "browser:", 0}, // what is not known is never among the others
		{one, "version:140", -1},
		{one, "version:[other]", 1},
		{two, "version:[other]", 2},
		{two, "browser:[other]", 1},
		{two, "os:iOS", 4},
		{one, "previous:/", 1}, // has its own line, though the move from another page has none
		{one, "previous:/[other]", 0},
		{one, "previous:/ page:/about", -1}, // a move without a line may be from it
		{one, "previous:/ page:/news/b", 0},
		{one, "previous:/[other] page:/about", 1},
	} {
		q := report.Query{Sites: []uint32{1}, Range: c.days, Measures: []string{"pageviews"}, Filters: filters(t, strings.Fields(c.filters)...)}
		results, err := source.Ask(t.Context(), []report.Query{q})
		var refused report.RefusedError
		switch {
		case c.want < 0:
			if !errors.As(err, &refused) || refused.Code != report.Capped || refused.Since != day+10 {
				t.Errorf("%s over %d days: %v, %v; want it refused", c.filters, c.days.Days(), results, err)
			}
		case err != nil:
			t.Errorf("%s over %d days: %v", c.filters, c.days.Days(), err)
		default:
			if now, _ := results[0].Total(); now.Count("pageviews") != c.want {
				t.Errorf("%s over %d days: %d page views, want %d", c.filters, c.days.Days(), now.Count("pageviews"), c.want)
			}
		}
	}
	q := report.Query{Filters: filters(t, "page:/news/[other]")}
	if got, _ := q.Refusal("page_visitors"); got.Code != report.OnePage {
		t.Errorf("visitors of one page among several: refused with %q", got.Code)
	}
}

// TestSpellings: a filter finds what hits have in its one form, whichever a reader writes.
func TestSpellings(t *testing.T) {
	day := mustDay("2026-02-11")
	st := storetest.Open(t)
	row := func(kind hit.Kind, name string, change func(*hit.Row)) hit.Row {
		r := hit.Row{Site: 1, Time: day.Time(), Day: day, Kind: kind, Path: "/årsrapport", Name: name, Browser: "Firefox", OS: "macOS", Device: "desktop",
			Country: "NO", Region: "NO-50", Language: "nb", Channel: "website", Source: "xn--bcher-kva.de", Visits: 1}
		if change != nil {
			change(&r)
		}
		return r
	}
	if err := st.Insert(t.Context(), hit.Batch{Rows: []hit.Row{
		row(hit.Outlink, "xn--blbr-roah.se/Bær", nil),
		row(hit.Download, "www.xn--blbr-roah.no/a.pdf", func(r *hit.Row) { r.Source, r.Channel = "Google", "search" }),
		row(hit.Event, "Skjema / Send", func(r *hit.Row) { r.Source, r.Channel = "google", "campaign" }),
	}}, "rows"); err != nil {
		t.Fatal(err)
	}
	source := store.Reports{Store: st, Planner: func() report.Planner { return report.Planner{} }}
	ask := func(q report.Query) int {
		q.Sites, q.Range, q.Measures = []uint32{1}, calendar.One(day), []string{"events"}
		results, err := source.Ask(t.Context(), []report.Query{q})
		if err != nil {
			t.Errorf("%+v: %v", q, err)
			return -1
		}
		now, _ := results[0].Total()
		return int(now.Count("events"))
	}
	for filter, want := range map[string]int{
		"outlink:Blåbær.se/Bær": 1, "outlink:https://bla\u030abær.se/*": 1, "outlink:xn--blbr-roah.se/Bær": 1, "outlink:blåbær.se/bær": 0,
		"download:www.blåbær.no/*": 1, "!download:www.blåbær.no/*": 2,
		"source:bücher.de": 1, "source:www.Bücher.de": 1, "source:xn--bcher-kva.de": 1, "!source:bücher.de": 2,
		"source:Google": 1, "source:google": 1, "source:GOOGLE": 0,
		"page:/a\u030arsrapport": 3, "page:/a\u030ars*": 3, "page:/Årsrapport": 0, "section:/a\u030arsrapport": 3,
		"browser:firefox": 3, "browser:FIRE*": 3, "os:MacOS": 3, "device:Desktop": 3, "country:no": 3, "region:no-50": 3, "language:NB": 3, "channel:Search": 1,
		"event:skjema / send": 0,
	} {
		if got := ask(report.Query{Filters: filters(t, filter)}); got != want {
			t.Errorf("%s: %d events, want %d", filter, got, want)
		}
	}
	for find, want := range map[string]int{"blåbær": 1, "BLÅBÆR.se": 1, "bla\u030abær.se/bæ": 1, "xn--": 1, "bær": 1, "vg.no": 0} {
		if got := ask(report.Query{Dimension: "outlink", Find: find}); got != want {
			t.Errorf("lines with %q: %d events, want %d", find, got, want)
		}
	}
}
