package dashboard_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
	sites "github.com/fotspor/fotspor/site"
)

// TestRefused: where the API refuses, no page, CSV or JSON has a number, and all say why.
func TestRefused(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	today := calendar.DayOf(moment.In(site.Location))
	var rows []hit.Row
	for day := today - 60; day < today; day++ {
		view := hit.Row{
			Site: site.ID, Time: day.Time(), Day: day, Kind: hit.Pageview, Path: "/om-oss", EntryPath: "/om-oss", Browser: "Chrome", Country: "NO",
			Pageviews: 1, Visits: 1, Visitors: 1, PageVisitors: 1, SectionVisitors: 1,
		}
		for range 40 {
			rows = append(rows, view)
		}
	}
	put(t, b.store, "minimal", rows)
	dates := strings.NewReplacer("28 days", "", "25 October – 21 November 2026", "")
	number := regexp.MustCompile(`\d`)
	for filters, want := range map[string]struct {
		code  string
		since calendar.Day // of rows
		aged  calendar.Day // first day whose rows have a region
	}{
		"f=browser:Chrome&f=entry:/om-oss": {"rows_gone", today - 20, 0},
		"f=region:NO-50&f=entry:/om-oss":   {"aged", 0, today - 20},
		"f=!channel:search":                {"unknown", 0, 0},
		"f=goal:Kontakt":                   {"unknown", 0, 0},
	} {
		b.figures.Planner = func() report.Planner {
			return report.Planner{RowsSince: want.since, AgedSince: map[string]calendar.Day{"region": want.aged}}
		}
		for _, path := range pagePaths(b) {
			if path == "/counting" || strings.HasPrefix(path, "/compare") {
				continue
			}
			query := "period=28d&lang=en&" + filters
			page := b.get("/sites/1" + and(path, query))
			page.want(http.StatusOK)
			reason := clean(page.Find("#main").Text())
			if want.code == "unknown" && !strings.Contains(reason, "Not recorded, or told by nobody") || want.code == "rows_gone" && !strings.Contains(reason, "they are deleted") || want.code == "aged" && !strings.Contains(reason, "removed from them when they grew old") {
				if !strings.Contains(reason, "links the pages and actions") && !strings.Contains(reason, "never counted in this figure") && !strings.Contains(reason, "Visits stand in their place") {
					t.Errorf("%s under %s gives no reason: %s", path, filters, reason)
				}
			}
			for _, cell := range page.Find("#main .figures b, #main .figures .small, #main td, #main .says, #main .lead, #main svg text, #main .block p").EachIter() {
				if text := clean(cell.Text()); number.MatchString(dates.Replace(text)) {
					t.Errorf("%s under %s shows %q", path, filters, text)
				}
			}
			if title := clean(page.Find("h1").Text()); strings.Contains(title, "no ") {
				t.Errorf("%s under %s is called %q", path, filters, title)
			}
			var answer map[string]any
			b.decode("/sites/1"+and(as(path, "json"), query), &answer)
			told := false
			for _, found := range numbers("", answer, &told) {
				t.Errorf("%s.json under %s has %s", path, filters, found)
			}
			if !told {
				t.Errorf("%s.json under %s does not say refused: %v", path, filters, answer)
			}
			text := b.get("/sites/1" + and(as(path, "csv"), query)).body
			sheet, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff"))).ReadAll()
			if err != nil || len(sheet) != 2 || !strings.HasPrefix(sheet[1][0], "refused: ") {
				t.Errorf("%s.csv under %s: %q, %v", path, filters, text, err)
			}
		}
	}
	for _, dimension := range []string{"os", "device", "language", "channel", "source"} {
		if a := b.get("/api/v1/sites/1/top?period=28d&dimension=" + dimension); a.status != 400 || !strings.Contains(a.body, `"code":"unknown"`) {
			t.Errorf("the API by %s, of which nobody said anything: %d %s", dimension, a.status, a.body)
		}
	}
	chip := b.get("/sites/1?lang=en&f=browser:*").Document
	if got := clean(chip.Find(".chip strong").Text()); got != "*" {
		t.Errorf("a filter by all browsers is shown as %q", got)
	}
}

// TestErased: where figures lack rows that were erased, page, CSV, JSON and API say so.
func TestErased(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the disk")
	}
	b := newBench(t)
	b.logIn()
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	yesterday := calendar.DayOf(moment.In(site.Location)) - 1
	row := hit.Row{
		Site: site.ID, Time: yesterday.Time().Add(12 * time.Hour), Day: yesterday, Kind: hit.Pageview, Path: "/om-oss", EntryPath: "/om-oss", Browser: "Chrome", Device: "mobile",
		Network: "10.0.0.0/16", Pageviews: 1, Visits: 1, Visitors: 1, PageVisitors: 1, SectionVisitors: 1,
	}
	gone := row
	gone.Network = "84.212.0.0/16"
	put(t, b.store, "rows", []hit.Row{row, row, row, row, row, row, row, gone})
	if n, err := erase(b.store, privacy.Selection{Network: gone.Network, From: yesterday.Time(), To: (yesterday + 1).Time()}); n.Rows != 1 || err != nil {
		t.Fatal(n, err)
	}
	for filters, want := range map[string]bool{"": false, "f=browser:Chrome&f=entry:/om-oss": true} {
		query := "period=28d&lang=en&" + filters
		page := b.get("/sites/1?" + query)
		if got := clean(page.Find("#erased").Text()); strings.HasPrefix(got, "Rows of one day were erased") != want {
			t.Errorf("page under %q says %q", filters, got)
		}
		if got := b.get("/sites/1.csv?" + query).body; strings.Contains(got, "erased_days: 1") != want {
			t.Errorf("CSV under %q: %s", filters, got)
		}
		for _, path := range []string{"/sites/1.json?", "/sites/1/compare.json?path=/om-oss&", "/api/v1/sites/1/totals?measures=pageviews&"} {
			var answer map[string]any
			if b.decode(path+query, &answer); (answer["erased_days"] == 1.) != want {
				t.Errorf("%s under %q: %v", path, filters, answer["erased_days"])
			}
		}
	}
}

// TestVisitsByHour: the chart of a day has the measures that can be told by hour and refuses the
// others with the reason, while the figures above it have all; API, JSON and CSV alike.
func TestVisitsByHour(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("One", "one.example", "Europe/Oslo")
	put(t, b.store, "story", rowsOf(site, tell(3, site, calendar.DayOf(moment)-40, calendar.DayOf(moment), 20, moment)))
	for _, period := range []string{"day", "today"} {
		var answer struct {
			Chart struct {
				Refused string
				Points  []map[string]any
			}
			Totals map[string]any
		}
		query := "lang=en&period=" + period
		b.decode("/sites/1.json?"+query, &answer)
		if p := answer.Chart.Points; len(p) != 24 || p[0]["visits"] == nil || p[0]["bounce_rate"] != nil || p[0]["visit_seconds"] != nil || answer.Chart.Refused != "" {
			t.Errorf("%s: the chart is %+v", period, answer.Chart)
		}
		if rate, ok := answer.Totals["bounce_rate"].(float64); !ok || rate < 0 || rate > 1 {
			t.Errorf("%s: the totals are %v", period, answer.Totals)
		}
		b.decode("/sites/1.json?measure=bounce_rate&"+query, &answer)
		if answer.Chart.Refused != "unlinked" {
			t.Errorf("%s: the chart of bounce_rate is %+v", period, answer.Chart)
		}
		page := b.get("/sites/1?measure=bounce_rate&" + query)
		if text := clean(page.Find("#main").Text()); !strings.Contains(text, "Nothing links the pages and actions of a visit") || page.Find("#main .plot polyline").Length() > 0 {
			t.Errorf("%s: the page does not say why it has no curve: %s", period, text)
		}
		if sheet := b.sheet("/sites/1.csv?table=chart&measure=bounce_rate&period="+period, i18n.Find("en")); len(sheet) != 2 || sheet[1][0] != "refused: unlinked" {
			t.Errorf("%s: CSV of bounce_rate is %q", period, sheet)
		}
		var series struct{ Points []map[string]any }
		if b.decode("/api/v1/sites/1/series?"+query, &series); len(series.Points) != 24 || series.Points[0]["pageviews"] == nil {
			t.Errorf("%s: the series is %v", period, series)
		}
		for _, m := range []string{"bounces", "seconds", "bounce_rate", "visit_seconds", "pages_per_visit", "conversion_rate"} {
			if _, ok := series.Points[0][m]; ok {
				t.Errorf("%s: the series by hour has %s", period, m)
			}
			for _, path := range []string{"/series?measures=", "/top?dimension=hour&measures="} {
				if a := b.get("/api/v1/sites/1" + path + m + "&period=" + period); a.status != 400 || !strings.Contains(a.body, `"code":"unlinked"`) {
					t.Errorf("%s%s is answered %d %.200s", path, m, a.status, a.body)
				}
			}
			b.get("/api/v1/sites/1/series?period=week&measures=" + m).want(200)
			b.get("/api/v1/sites/1/top?dimension=weekday&measures=" + m).want(200)
		}
	}
}

// TestErasedToday: figures of today without a filter are those of totals, in the list of sites and
// on each page alike, and an erasure does not change them. What only rows tell, tables and the same
// time of an earlier day, says on how many days rows are missing.
func TestErasedToday(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the disk")
	}
	b := newBench(t)
	b.logIn()
	site := b.addSite("Blåbær", "xn--blbr-roah.example", "Europe/Oslo")
	today := calendar.DayOf(moment.In(site.Location))
	row := func(day calendar.Day, network string) hit.Row {
		return hit.Row{Site: site.ID, Time: day.In(site.Location).Add(time.Hour).UTC(), Day: day, Kind: hit.Pageview, Path: "/", EntryPath: "/", Browser: "Firefox", Device: "mobile", Network: network, Pageviews: 1, Visits: 1, Visitors: 1}
	}
	const gone, stays = "84.212.0.0/16", "10.0.0.0/16"
	put(t, b.store, "rows", []hit.Row{row(today, gone), row(today, gone), row(today, stays), row(today-7, gone), row(today-7, stays)})
	if n, err := erase(b.store, privacy.Selection{Network: gone, From: (today - 9).Time(), To: (today + 2).Time()}); n.Rows != 3 || err != nil {
		t.Fatal(n, err)
	}
	type sums struct{ Visitors int64 }
	for _, c := range []struct {
		path             string
		visitors, before int64
		erased           int // days
	}{
		{"/sites.json?period=today", 3, 1, 1},
		{"/sites.json?period=today&compare=none", 3, 0, 0},
		{"/api/v1/sites/1/totals?period=today&measures=visitors", 3, 1, 1},
		{"/api/v1/sites/1/totals?period=today&measures=visitors&compare=none", 3, 0, 0},
		{"/api/v1/sites/1/totals?period=today&measures=visitors&f=browser:Firefox", 1, 1, 2},
		{"/api/v1/sites/1/series?period=today&measures=visitors&compare=none", 3, 0, 0},
		{"/api/v1/sites/1/top?dimension=site&period=today&measures=visitors", 3, 1, 1},
		{"/api/v1/sites/1/top?dimension=page&period=today&measures=page_visitors", 0, 0, 2},
		{"/sites/1.json?period=today&compare=none", 3, 0, 1}, // tables are on it
	} {
		var answer struct {
			Erased       int `json:"erased_days"`
			Totals       *sums
			TotalsBefore sums `json:"totals_before"`
			Points       []sums
			Sites        []struct {
				sums
				Today  int64
				Before sums
			}
			Lines []struct {
				sums
				Before sums
			}
		}
		b.decode(c.path, &answer)
		now, before := int64(0), int64(0)
		if answer.Totals != nil {
			now, before = answer.Totals.Visitors, answer.TotalsBefore.Visitors
		}
		for _, p := range answer.Points {
			now += p.Visitors
		}
		for _, l := range answer.Lines {
			now, before = now+l.Visitors, before+l.Before.Visitors
		}
		for _, s := range answer.Sites {
			if now, before = s.Visitors, s.Before.Visitors; s.Today != now {
				t.Errorf("%s: %d today, and %d", c.path, s.Today, now)
			}
		}
		if now != c.visitors || before != c.before || answer.Erased != c.erased {
			t.Errorf("%s: %d visitors, %d before, %d days erased; want %d, %d and %d", c.path, now, before, answer.Erased, c.visitors, c.before, c.erased)
		}
	}
	var counting struct {
		Erased  int `json:"erased_days"`
		Reasons struct{ Counted int64 }
	}
	if b.decode("/sites/1/counting.json?period=today", &counting); counting.Reasons.Counted != 3 || counting.Erased != 0 {
		t.Errorf("the page of what is counted has %+v, want 3, of totals", counting)
	}
	page := b.get("/?period=today&lang=en")
	if cells := page.Find(".sites tbody td.n"); !strings.HasPrefix(clean(cells.Eq(0).Text()), "3") {
		t.Errorf("the list has %q visitors today", cells.Text())
	}
	if got := clean(page.Find("#erased").Text()); !strings.HasPrefix(got, "Rows of one day were erased") {
		t.Errorf("the list says %q", got)
	}
	if got := b.sheet("/sites.csv?period=today", i18n.Find("en")); len(got) != 3 || got[1][2] != "3" || got[1][3] != "1" || got[2][0] != "erased_days: 1" {
		t.Errorf("CSV is %q", got)
	}
	// The steps of today are of those that are left: with two that are erased, there would be enough.
	if _, err := b.store.ChangeSite(t.Context(), site.ID, func(s *sites.Site) error { s.Guard = 5; return nil }); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{0, 5} {
		rows := []hit.Row{row(today, stays), row(today, stays), row(today, stays)}
		put(t, b.store, fmt.Sprint("more", i), rows[:3-2*i])
		var top struct {
			AsOf  *time.Time `json:"as_of"`
			Lines []sums
		}
		b.decode("/api/v1/sites/1/top?dimension=browser&period=today&measures=visitors&compare=none", &top)
		told := int64(0)
		for _, l := range top.Lines {
			told += l.Visitors
		}
		if told != want || (top.AsOf == nil) != (want == 0) {
			t.Errorf("of %d visitors %d are told, as of %v", 4+i, told, top.AsOf)
		}
	}
}

// numbers returns the numbers in an answer that are none of its frame, and whether something
// in it is refused.
func numbers(key string, value any, told *bool) (all []string) {
	switch v := value.(type) {
	case map[string]any:
		for k, inner := range v {
			if k == "refused" && inner != "" {
				*told = true
			}
			all = append(all, numbers(key+"."+k, inner, told)...)
		}
	case []any:
		for _, inner := range v {
			all = append(all, numbers(key, inner, told)...)
		}
	case float64:
		if key != ".site" {
			all = append(all, fmt.Sprint(key, " ", v))
		}
	case json.Number:
		all = append(all, key)
	}
	return all
}

// TestMinimalDays: what was not recorded on the days before is shown without a comparison, and
// what was not in the period is not shown as 0, on pages, in JSON, CSV and the API.
func TestMinimalDays(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the disk")
	}
	b := newBench(t)
	b.logIn()
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	first := calendar.DayOf(time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)) // a week standard, a week minimal, a week standard
	var rows []hit.Row
	for day := first - 1; day < first+19; day++ { // before it, a day on which the record was minimal for a while
		view := hit.Row{
			Site: site.ID, Time: day.Time().Add(12 * time.Hour), Day: day, Kind: hit.Pageview, Path: "/om", EntryPath: "/om", Browser: "Chrome", Device: "mobile", OS: "iOS",
			Country: "NO", Channel: "search", Source: "Google", Campaign: "brev", Pageviews: 1, Visits: 1, Visitors: 1, PageVisitors: 1, SectionVisitors: 1,
		}
		for _, kind := range []hit.Kind{hit.Pageview, hit.Search, hit.Event, hit.Download, hit.Goal} {
			row := view
			if row.Kind = kind; kind != hit.Pageview {
				row.Name, row.Pageviews, row.Visits, row.Visitors, row.PageVisitors, row.SectionVisitors = "Kontakt", 0, 0, 0, 0, 0
			}
			if kind == hit.Goal {
				row.Conversions = 1
			}
			kept := []hit.Row{row}
			if day < first || (day-first)/7 == 1 {
				(privacy.Policy{Record: privacy.Minimal}).Trim(&row)
			}
			if kept = append(kept, row); day >= first {
				kept = kept[1:]
			}
			for range 10 {
				rows = append(rows, kept...)
			}
		}
	}
	put(t, b.store, "rows", rows)
	const minimal, after = "lang=en&period=range&from=2026-11-09&to=2026-11-13", "lang=en&period=range&from=2026-11-16&to=2026-11-20"
	change := regexp.MustCompile(`(?:up|down|unchanged) \d|from \d`)
	for _, path := range []string{"/searches", "/goals", "/downloads", "/events", "/campaigns", "/sources", "/goals?name=Kontakt"} {
		for query, shown := range map[string]bool{minimal: false, after: true} {
			page := b.get("/sites/1" + and(path, query))
			page.want(http.StatusOK)
			figures := "#main .figures, #main table"
			if path == "/sources" { // whose figures are those of all visits
				figures = "#main table"
			}
			text := clean(page.Find(figures).Text())
			if change.MatchString(text) {
				t.Errorf("%s?%s tells of a change: %s", path, query, text)
			}
			if !shown && strings.ContainsAny(text, "0123456789") {
				t.Errorf("%s?%s shows a number: %s", path, query, text)
			}
			if shown && !strings.Contains(text, "50") {
				t.Errorf("%s?%s does not show 50: %s", path, query, text)
			}
			if note := page.Find("#minimal").Text(); strings.Contains(note, "On 5 of these days") != shown {
				t.Errorf("%s?%s says %q", path, query, note)
			}
			var answer map[string]any
			b.decode("/sites/1"+and(as(path, "json"), query), &answer)
			told := false
			if found := numbers("", answer, &told); told == shown || !shown && path != "/sources" && len(found) > 0 {
				t.Errorf("%s.json?%s: refused %v, with %v", path, query, told, found)
			}
			for key, block := range answer {
				table, _ := block.(map[string]any)
				lines, _ := table["lines"].([]any)
				for _, line := range lines {
					if before := line.(map[string]any)["before"]; before != nil {
						t.Errorf("%s.json?%s has %v of the days before in %s", path, query, before, key)
					}
				}
			}
		}
	}
	for query, want := range map[string]string{
		minimal: "visits 50 events <nil> conversions <nil>, before visits 50 events 150 conversions 50, 5 days",
		after:   "visits 50 events 150 conversions 50, before visits 50 events <nil> conversions <nil>, 5 days",
		"period=range&from=2026-11-07&to=2026-11-10": "visits 40 events <nil> conversions <nil>, before visits <nil> events <nil> conversions <nil>, 2 days",
		"period=range&from=2026-11-01&to=2026-11-01": "visits 20 events <nil> conversions <nil>, before visits <nil> events <nil> conversions <nil>, 1 days",
		"period=range&from=2026-11-01&to=2026-11-03": "visits 40 events <nil> conversions <nil>, before visits <nil> events <nil> conversions <nil>, 1 days",
		"period=range&from=2026-11-05&to=2026-11-07": "visits 30 events 90 conversions 30, before visits <nil> events <nil> conversions <nil>, <nil> days",
	} {
		var answer map[string]any
		b.decode("/api/v1/sites/1/totals?measures=visits,events,conversions&"+query, &answer)
		now, _ := answer["totals"].(map[string]any)
		was, _ := answer["totals_before"].(map[string]any)
		got := fmt.Sprintf("visits %v events %v conversions %v, before visits %v events %v conversions %v, %v days",
			now["visits"], now["events"], now["conversions"], was["visits"], was["events"], was["conversions"], answer["minimal_days"])
		if got != want {
			t.Errorf("totals of %s: %s, want %s", query, got, want)
		}
	}
	for days, want := range map[string][]any{"from=2026-11-07&to=2026-11-10": {30., 30., nil, nil}, "from=2026-11-01&to=2026-11-02": {nil, 30.}} {
		var series struct{ Points []map[string]any }
		b.decode("/api/v1/sites/1/series?measures=visits,events&period=range&"+days, &series)
		for i, events := range want {
			if p := series.Points[i]; p["events"] != events || p["visits"] != 10. && p["from"] != "2026-11-01" {
				t.Errorf("point %d of %s: %v, want 10 visits and events %v", i, days, p, events)
			}
		}
	}
	// Of a day that is minimal for a while, each format says so, and a table has what came before.
	for _, path := range []string{"/events", "/searches", "/goals", "/campaigns", "/sources"} {
		for _, period := range []string{"period=day&at=2026-11-01", "period=range&from=2026-11-01&to=2026-11-03"} {
			page := b.get("/sites/1" + and(path, "lang=en&"+period))
			if note := page.text("#minimal"); !strings.HasPrefix(note, "On one of these days") || !strings.Contains(note, "all day or part of it") {
				t.Errorf("%s?%s says %q", path, period, note)
			}
			if text := page.text("#main table tbody"); !strings.Contains(text, "10") && !strings.Contains(text, "30") {
				t.Errorf("%s?%s does not show what was recorded: %q", path, period, text)
			}
			var answer map[string]any
			if b.decode("/sites/1"+and(as(path, "json"), period), &answer); answer["minimal_days"] != 1. {
				t.Errorf("%s.json?%s has %v minimal days", path, period, answer["minimal_days"])
			}
			if sheet := b.get("/sites/1" + and(as(path, "csv"), period)).body; !strings.Contains(sheet, "minimal_days: 1") {
				t.Errorf("%s.csv?%s does not say so: %s", path, period, sheet)
			}
		}
	}
}

// TestUnknownNames: an address that asks for a table, column, order or measure that there is not
// is refused by name in JSON and CSV, and a page shows the usual beside what is wrong.
func TestUnknownNames(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("One", "one.example", "Europe/Oslo")
	put(t, b.store, "story", rowsOf(site, tell(3, site, calendar.DayOf(moment)-20, calendar.DayOf(moment), 5, moment)))
	for _, tt := range []struct {
		path, query, code string // "": it is none
	}{
		{"/pages", "table=zzz", "bad_dimension"}, {"/pages", "table=download", "bad_dimension"}, {"/pages", "table=page", ""},
		{"/pages", "sort=zzz", "bad_measure"}, {"/pages", "sort=-zzz", "bad_measure"}, {"/pages", "sort=-pageviews", ""}, {"/pages", "sort=change", ""}, {"/pages", "sort=-value", ""},
		{"/pages", "columns=zzz", "bad_measure"}, {"/pages", "columns=pageviews,zzz", "bad_measure"}, {"/pages", "columns=pageviews", ""}, {"/pages", "columns=visitors", ""},
		{"/pages", "measure=zzz", "bad_measure"}, {"", "measure=zzz", "bad_measure"}, {"", "measure=visits", ""}, {"", "measure=exits", ""},
		{"", "table=zzz", "bad_dimension"}, {"", "table=chart", ""}, {"", "table=source", ""}, {"", "table=missing", ""}, {"/sources", "table=campaign", ""}, {"/campaigns", "table=campaign_term", ""},
		{"/hours", "measure=pageviews", ""}, {"/hours", "measure=zzz", "bad_measure"}, {"/exits", "table=exit", ""}, {"/searches", "table=search", ""},
		{"/places", "table=region", ""}, {"/places", "table=city", "bad_dimension"}, {"/devices", "table=version", ""},
	} {
		status := 200
		if tt.code != "" {
			status = 400
		}
		page := b.get("/sites/1"+tt.path+"?"+tt.query, "Accept-Language", "en")
		page.want(status)
		if says := strings.Contains(page.text(".notice"), "does not exist: "); says != (tt.code != "") || page.Find(".block").Length() == 0 {
			t.Errorf("%s?%s says %q", tt.path, tt.query, page.text(".notice"))
		}
		if csv := b.get("/sites/1" + tt.path + ".csv?" + tt.query); csv.status != status {
			t.Errorf("%s.csv?%s: status %d, want %d", tt.path, tt.query, csv.status, status)
		}
		if tt.code != "" {
			b.wantCode("/sites/1"+tt.path+".json?"+tt.query, tt.code)
		}
	}
}

// TestWrongAddresses: the list of sites and the page of a site without hits say what of their
// address is wrong, as pages of figures do.
func TestWrongAddresses(t *testing.T) {
	b := newBench(t)
	b.logIn()
	b.addSite("One", "one.example", "Europe/Oslo")
	en := i18n.Find("en")
	unknown := func(name string) string { return en.Say("address.unknown", name) }
	for _, tt := range []struct {
		path, says string // says: "" if nothing is wrong
		code       string // of JSON, where that is tried
	}{
		{"/?sort=name", "", ""}, {"/?sort=-change", "", ""}, {"/?sort=-today&tag=x&q=y", "", ""},
		{"/?sort=zzz", unknown("zzz"), "bad_measure"}, {"/?sort=-zzz", unknown("zzz"), "bad_measure"}, {"/?sort=--name", unknown("-name"), "bad_measure"},
		{"/?sort=pageviews", unknown("pageviews"), "bad_measure"}, {"/?sort=visitors&measure=zzz", unknown("zzz"), "bad_measure"}, {"/?table=zzz", unknown("zzz"), "bad_dimension"},
		{"/?period=28d&f=region:NO-50", unknown("region:NO-50"), "bad_filter"}, {"/?f=foo:bar", unknown("foo:bar"), "bad_filter"},
		{"/?f=device:foo&f=country:NO", unknown("device:foo"), "bad_filter"}, {"/?f=", unknown(""), "bad_filter"},
		{"/?columns=visitors,zzz", unknown("zzz"), "bad_measure"}, {"/?after=x", en.Say("problem.bad_after") + " x", "bad_after"}, {"/?after=-1", en.Say("problem.bad_after") + " -1", "bad_after"},
		{"/sites/1", "", ""}, {"/sites/1?f=country:NO&sort=-visits", "", ""}, {"/sites/1/pages?period=28d", "", ""},
		{"/sites/1?f=foo:bar", en.Say("filter.unread") + " foo:bar", ""}, {"/sites/1/pages?f=device:foo", en.Say("filter.wrong.device") + " foo", ""},
		{"/sites/1?fd=page&fo=is&fv=", en.Say("filter.wrong"), ""}, {"/sites/1?period=fortnight", en.Say("period.wrong.period") + " fortnight", ""},
		{"/sites/1/ways?measure=zzz", unknown("zzz"), ""}, {"/sites/1/pages?sort=zzz", unknown("zzz"), ""},
	} {
		page := b.get(tt.path, "Accept-Language", "en")
		isWrong := tt.says != ""
		if says := strings.TrimSuffix(page.text("#main .notice"), " "+en.Say("address.usual")); (page.status == 400) != isWrong || page.status == 200 == isWrong || says != clean(tt.says) {
			t.Errorf("%s is answered %d and says %q, want %q", tt.path, page.status, says, tt.says)
		}
		if strings.HasPrefix(tt.path, "/?") {
			csv, json := b.get("/sites.csv"+tt.path[1:]), b.get("/sites.json"+tt.path[1:])
			if isWrong != (csv.status == 400) || isWrong != (json.status == 400) {
				t.Errorf("%s as CSV and JSON is answered %d and %d", tt.path, csv.status, json.status)
			}
			if isWrong {
				b.wantCode("/sites.json"+tt.path[1:], tt.code)
			}
		}
	}
}

// TestUnreadFilters: a filter of the address that can't be read is said beside the form of
// filters, and the page keeps all else.
func TestUnreadFilters(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("One", "one.example", "Europe/Oslo")
	put(t, b.store, "story", rowsOf(site, tell(3, site, calendar.DayOf(moment)-20, calendar.DayOf(moment), 5, moment)))
	many := ""
	for i := range 21 {
		many += fmt.Sprintf("&f=page:/%d", i)
	}
	for query, shown := range map[string]int{
		"f=foo:bar": 0, "f=page": 0, "f=": 0, "f=:": 0, "f=" + strings.Repeat("a", 3000): 0, "f=page:" + strings.Repeat("a", 3000): 0,
		"f=foo:bar&f=country:NO": 1, "f=country:NO&f=!": 1, "f=hour:1": 0, many[1:]: 20,
	} {
		page := b.get("/sites/1?period=week&at=2026-W46&measure=visits&"+query, "Accept-Language", "en")
		page.want(400)
		if page.Find("#wrong-filter").Length() != 1 || page.text("#wrong-filter") == "" || page.Find("#chart").Length() != 1 {
			t.Errorf("%.80s: the page says %q", query, page.text("#wrong-filter"))
		}
		if n := page.Find("main .chips .chip").Length(); n != shown {
			t.Errorf("%.80s: %d filters are kept, want %d", query, n, shown)
		}
		if next := page.Find(".span a[rel=prev]").AttrOr("href", ""); !strings.Contains(next, "measure=visits") || strings.Contains(next, "foo") {
			t.Errorf("%.80s: leads on to %s", query, next)
		}
		b.wantCode("/sites/1.json?"+query, "bad_filter")
	}
}

// wantCode expects an address to be refused with a code for programs.
func (b *bench) wantCode(path, code string) {
	b.Helper()
	page := b.get(path)
	var got struct{ Code string }
	if err := json.Unmarshal([]byte(page.body), &got); err != nil || page.status != 400 || got.Code != code {
		b.Errorf("%.120s: status %d, code %q, want %q", path, page.status, got.Code, code)
	}
}
