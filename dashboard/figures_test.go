package dashboard_test

import (
	compare "cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/site"
)

// chosen is a period, with the days that it must mean on the day of the tests.
type chosen struct {
	query                          string
	from, to, beforeFrom, beforeTo string
	step                           string
}

// The day of the tests is 22 November 2026 in all time zones of TestFigures.
var chosenPeriods = []chosen{
	{"period=today", "2026-11-22", "2026-11-22", "2026-11-21", "2026-11-21", "15:04"},
	{"", "2026-11-16", "2026-11-22", "2026-11-09", "2026-11-15", "2006-01-02"},
	{"period=7d", "2026-11-16", "2026-11-22", "2026-11-09", "2026-11-15", "2006-01-02"},
	{"period=30d", "2026-10-24", "2026-11-22", "2026-09-24", "2026-10-23", "2006-01-02"},
	{"period=month", "2026-11-01", "2026-11-22", "2026-10-01", "2026-10-22", "2006-01-02"},
	{"period=month&from=2026-09-17", "2026-09-01", "2026-09-30", "2026-08-01", "2026-08-31", "2006-01-02"},
	{"period=12m", "2025-12-01", "2026-11-22", "2024-12-01", "2025-11-22", "2006-01"},
	{"period=custom&from=2026-10-20&to=2026-11-02", "2026-10-20", "2026-11-02", "2026-10-06", "2026-10-19", "2006-01-02"},
	{"period=custom&from=2026-02-10&to=2026-08-20", "2026-02-10", "2026-08-20", "2025-08-02", "2026-02-09", "2006-01"},
	{"period=custom&from=2026-03-29&to=2026-03-29", "2026-03-29", "2026-03-29", "2026-03-28", "2026-03-28", "15:04"},
}

// told is a site, what happened there, and how to count it.
type told struct {
	*testing.T
	site  site.Site
	story []act
	lang  *i18n.Language
}

// TestFigures checks every figure of every page against a count of people,
// visits and pages in what happened.
func TestFigures(t *testing.T) {
	b := newBench(t)
	b.logIn()
	var all []told
	for i, zone := range []string{"Europe/Oslo", "America/Halifax", "Asia/Kolkata"} {
		site := b.addSite(fmt.Sprint("Site ", i), fmt.Sprintf("s%d.example", i), zone)
		first, _ := calendar.ParseDay("2024-11-20")
		story := tell(7, site, first, calendar.DayOf(moment), []float64{6, 12, 6}[i], moment) // it is early in Halifax
		put(t, b.store, zone, rowsOf(site, story))
		all = append(all, told{t, site, story, nil})
	}
	for i, site := range all {
		for j, p := range chosenPeriods {
			site.lang = i18n.All()[(i+j)%len(i18n.All())]
			t.Run(site.site.Location.String()+"/"+p.query, func(t *testing.T) {
				site.T = t
				site.checkPeriod(b, p)
			})
		}
	}
	t.Run("list of sites", func(t *testing.T) {
		page := b.get("/", "Accept-Language", "en")
		for i, site := range all {
			site.T, site.lang = t, i18n.Find("en")
			site.checkLine(page.Find(".sites tbody tr").Eq(i))
		}
	})
}

func day(t *testing.T, s string) calendar.Day {
	t.Helper()
	d, err := calendar.ParseDay(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (s told) checkPeriod(b *bench, p chosen) {
	story := between(s.story, day(s.T, p.from), day(s.T, p.to))
	before := between(s.story, day(s.T, p.beforeFrom), day(s.T, p.beforeTo))
	if p.query == "period=today" {
		// As much of yesterday as has begun of today, in hours of the clock.
		now := moment.In(s.site.Location)
		until := time.Date(now.Year(), now.Month(), now.Day()-1, now.Hour()+1, 0, 0, 0, s.site.Location)
		before = slices.DeleteFunc(before, func(a act) bool { return !a.time.Before(until) })
	}
	path := fmt.Sprintf("/sites/%d?%s", s.site.ID, p.query)
	page := b.get(path, "Accept-Language", s.lang.Tag)
	page.want(200)
	s.checkHead(page, total(story), total(before))
	s.checkChart(page, p, story)
	for _, table := range tableKeys {
		s.checkTable(page, table, story, 10)
		whole := b.get(path+"&show="+table.key, "Accept-Language", s.lang.Tag)
		whole.want(200)
		s.checkTable(whole, table, story, 1000)
	}
}

func (s told) checkHead(page *answer, now, before tally) {
	l := s.lang
	rate := func(t tally) float64 { return float64(t.bounces) / float64(max(t.visits, 1)) }
	mean := func(t tally) time.Duration { return t.seconds / time.Duration(max(t.visits, 1)) }
	for key, want := range map[string][2]string{
		"visitors":      {l.Number(int64(now.visitors)), l.Number(int64(before.visitors))},
		"visits":        {l.Number(int64(now.visits)), l.Number(int64(before.visits))},
		"pageviews":     {l.Number(int64(now.pageviews)), l.Number(int64(before.pageviews))},
		"bounce_rate":   {l.Percent(rate(now)), l.Percent(rate(before))},
		"visit_seconds": {l.Duration(mean(now)), l.Duration(mean(before))},
	} {
		if now.visits == 0 || before.visits == 0 {
			s.Fatalf("the story has no visits to compare: %+v, %+v", now, before)
		}
		text, _ := l.Text("figure.before", want[1])
		want[1] = text
		got := [2]string{
			page.Find("#figure-" + key + " .value").Text(),
			page.Find("#figure-" + key + " .before > span").Last().Text(),
		}
		if got != want {
			s.Errorf("%s = %q, want %q", key, got, want)
		}
	}
	want, _ := l.Change(float64(now.visitors), float64(before.visitors))
	if got := page.text("#figure-visitors .change"); !strings.HasSuffix(got, clean(want)) {
		s.Errorf("change of visitors = %q, want %q", got, want)
	}
}

// checkChart compares the series with a count per step. An hour is one of the clock of the
// site, also where that is half an hour off.
func (s told) checkChart(page *answer, p chosen, story []act) {
	type values struct{ A, B int }
	var points []struct{ Now, Before *values }
	if err := json.Unmarshal([]byte(page.Find("#chart-data").Text()), &points); err != nil {
		s.Fatal(err)
	}
	key := func(a act) string { return a.day.Time().Format(p.step) }
	if p.step == "15:04" {
		key = func(a act) string {
			at := a.time.In(s.site.Location)
			return at.Add(-time.Duration(at.Minute()) * time.Minute).Format("2006-01-02T15Z07:00")
		}
	}
	var want, got []values
	counted := count(story, key)
	for _, k := range slices.Sorted(maps.Keys(counted)) {
		if c := counted[k]; c.visitors > 0 || c.pageviews > 0 {
			want = append(want, values{c.visitors, c.pageviews})
		}
	}
	for _, point := range points {
		if point.Now != nil && *point.Now != (values{}) {
			got = append(got, *point.Now)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("chart (-want +got):\n%s", diff)
	}
	cell := page.Find(".numbers tbody tr")
	if cell.Length() != len(points) {
		s.Errorf("the table beside the chart has %d rows, want %d", cell.Length(), len(points))
	}
}

// counted says how a table is to be counted.
type counted struct {
	key    string
	only   func(act) bool // acts that take part; nil: all
	value  func(told, act) string
	detail func(told, act) string // of rows below; nil: none
	cells  func(*i18n.Language, tally) []string
	share  func(tally) int
}

func visitorsOf(l *i18n.Language, t tally) []string { return []string{l.Number(int64(t.visitors))} }

func visitsAndViews(l *i18n.Language, t tally) []string {
	return []string{l.Number(int64(t.visits)), l.Number(int64(t.pageviews))}
}

func visitorShare(t tally) int { return t.visitors }

func visitShare(t tally) int { return t.visits }

var tableKeys = append(done, []counted{
	{key: "page", only: func(a act) bool { return a.kind == hit.Pageview },
		value: func(_ told, a act) string { return a.path },
		cells: func(l *i18n.Language, t tally) []string {
			return []string{l.Number(int64(t.pageviews)), l.Number(int64(t.readers))}
		},
		share: func(t tally) int { return t.pageviews }},
	{key: "entry", value: func(_ told, a act) string { return a.visit.entry },
		cells: func(l *i18n.Language, t tally) []string {
			return []string{l.Number(int64(t.visits)), l.Percent(float64(t.bounces) / float64(t.visits))}
		},
		share: func(t tally) int { return t.visits }},
	{key: "source", value: func(s told, a act) string {
		name := s.lang.Known("channel.", a.visit.channel)
		if a.visit.source == "" {
			return name
		}
		return a.visit.source + " " + name
	}, cells: visitsAndViews, share: visitShare},
	{key: "country", value: func(s told, a act) string { return s.lang.Country(a.person.country) },
		detail: func(s told, a act) string { return regionNames[s.lang.Tag][a.person.region] }, cells: visitorsOf, share: visitorShare},
	{key: "browser", value: func(_ told, a act) string { return a.person.browser },
		detail: func(_ told, a act) string { return a.person.version }, cells: visitorsOf, share: visitorShare},
	{key: "os", value: func(_ told, a act) string { return a.person.os }, cells: visitorsOf, share: visitorShare},
	{key: "device", value: func(s told, a act) string { return s.lang.Known("device.", a.person.device) }, cells: visitorsOf, share: visitorShare},
	{key: "language", value: func(s told, a act) string { return s.lang.LanguageName(a.person.language) },
		cells: func(l *i18n.Language, t tally) []string { return []string{l.Number(int64(t.visits))} }, share: visitShare},
	{key: "campaign", only: func(a act) bool { return a.visit.campaign != "" },
		value: func(_ told, a act) string { return a.visit.campaign }, cells: visitsAndViews, share: visitShare},
}...)

// done are the tables of what was done besides reading.
var done = func() (all []counted) {
	for _, kind := range []hit.Kind{hit.Event, hit.Download, hit.Outlink, hit.Search} {
		all = append(all, counted{key: string(kind), only: func(a act) bool { return a.kind == kind },
			value: func(_ told, a act) string { return a.name },
			cells: func(l *i18n.Language, t tally) []string { return []string{l.Number(int64(t.events))} },
			share: func(t tally) int { return t.events }})
	}
	return all
}()

// regionNames are the names of the regions of the story, whose rows hold their codes.
var regionNames = map[string]map[string]string{
	"en": {"NO-03": "Oslo", "NO-46": "Vestland", "NO-50": "Trøndelag", "NO-11": "Rogaland", "NO-18": "Nordland",
		"NO-30": "Viken (until 2024)", "SE-AB": "Stockholm", "SE-M": "Skåne"},
	"nb": norwegianRegions, "nn": norwegianRegions,
}

var norwegianRegions = map[string]string{"NO-03": "Oslo", "NO-46": "Vestland", "NO-50": "Trøndelag", "NO-11": "Rogaland", "NO-18": "Nordland",
	"NO-30": "Viken (til 2024)", "SE-AB": "Stockholm", "SE-M": "Skåne"}

// checkTable compares every row of a table, and the rows below it, with a count.
func (s told) checkTable(page *answer, c counted, story []act, limit int) {
	s.Helper()
	want := s.expect(c, story, c.value)
	var shown, sizes []string
	page.Find("#" + c.key + " tbody").Each(func(_ int, body *goquery.Selection) {
		below := map[string][]string{}
		body.Find("tr").Each(func(i int, tr *goquery.Selection) {
			label, cells := clean(tr.Find(".label").Text()), texts(tr.Find("td"))
			if i > 0 {
				below[label] = cells
				return
			}
			shown, sizes = append(shown, label), append(sizes, cells[0])
			if diff := cmp.Diff(want[label], cells); diff != "" {
				s.Errorf("%s, %q (-want +got):\n%s", c.key, label, diff)
			}
		})
		if c.detail == nil {
			return
		}
		wantBelow := s.expect(c, story, func(s told, a act) string {
			if s.known(c.value(s, a)) != shown[len(shown)-1] {
				return elsewhere
			}
			return c.detail(s, a)
		})
		if len(wantBelow) == 1 && wantBelow[s.known("")] != nil {
			wantBelow = map[string][]string{} // an unknown detail alone is not shown
		}
		if diff := cmp.Diff(wantBelow, below); diff != "" {
			s.Errorf("%s below %q (-want +got):\n%s", c.key, shown[len(shown)-1], diff)
		}
	})
	if n := min(limit, len(want)); len(shown) != n || len(slices.Compact(slices.Sorted(slices.Values(shown)))) != n {
		s.Errorf("%s has rows %q, want %d of %q", c.key, shown, n, slices.Sorted(maps.Keys(want)))
	}
	// Numbers in one notation compare by length, then by digits.
	largestFirst := func(a, b string) int { return compare.Or(len(b)-len(a), strings.Compare(b, a)) }
	if !slices.IsSortedFunc(sizes, largestFirst) {
		s.Errorf("%s is not in order: %q", c.key, sizes)
	}
}

// elsewhere is the value of acts that a table leaves out.
const elsewhere = "\x00"

// expect counts the rows of a table: label to cells.
func (s told) expect(c counted, story []act, value func(told, act) string) map[string][]string {
	found := map[string][]string{}
	all := float64(c.share(total(story)))
	for label, t := range count(story, func(a act) string {
		if c.only != nil && !c.only(a) {
			return elsewhere
		}
		return s.known(value(s, a))
	}) {
		if label != elsewhere && (t.visits > 0 || t.pageviews > 0 || t.events > 0) {
			found[label] = append(c.cells(s.lang, t), s.lang.Percent(float64(c.share(t))/all))
		}
	}
	return found
}

// known is how a page shows a value: the empty one as unknown.
func (s told) known(value string) string {
	if value == "" {
		value, _ = s.lang.Text("unknown")
	}
	if value == elsewhere {
		return value
	}
	return clean(value)
}

func texts(all *goquery.Selection) []string {
	return all.Map(func(_ int, one *goquery.Selection) string { return strings.TrimSpace(one.Text()) })
}

// checkLine checks a site in the list of sites.
func (s told) checkLine(row *goquery.Selection) {
	today := day(s.T, "2026-11-22")
	week, before := total(between(s.story, today-6, today)), total(between(s.story, today-13, today-7))
	change, _ := s.lang.Change(float64(week.visitors), float64(before.visitors))
	want := []string{
		s.lang.Number(int64(total(between(s.story, today, today)).visitors)),
		s.lang.Number(int64(week.visitors)),
		change,
	}
	got := texts(row.Find("td.n"))
	got[2] = row.Find(".change").Contents().Last().Text()
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("%s (-want +got):\n%s", s.site.Name, diff)
	}
}
