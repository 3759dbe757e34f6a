package dashboard_test

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/site"
)

// chosen is a period, with the days that it must mean on the day of the tests.
type chosen struct {
	query        string
	days, before string // from and to; before is "" where nothing can be compared
	beside       string // the day of those before that is drawn at the first of days; "": the first
	toCome       int    // days of the period that are not over
	step         step
}

// step is the width of a point of the curve.
type step string

const (
	hourly  step = "hour"
	daily   step = "day"
	weekly  step = "week"
	monthly step = "month"
)

// The day of the tests is Sunday 22 November 2026 in all time zones of TestFigures. Counting
// began on 20 November 2024.
var chosenPeriods = []chosen{
	{"", "2026-11-09 2026-11-15", "2026-11-02 2026-11-08", "", 0, daily},
	{"period=today", "2026-11-22 2026-11-22", "2026-11-15 2026-11-15", "", 0, hourly},
	{"period=today&align=date&compare=year", "2026-11-22 2026-11-22", "2025-11-22 2025-11-22", "", 0, hourly},
	{"period=day", "2026-11-21 2026-11-21", "2026-11-14 2026-11-14", "", 0, hourly},
	{"period=day&at=2026-10-25", "2026-10-25 2026-10-25", "2026-10-18 2026-10-18", "", 0, hourly}, // Oslo puts the clock back
	{"period=day&at=2026-11-01", "2026-11-01 2026-11-01", "2026-10-25 2026-10-25", "", 0, hourly}, // and Halifax
	{"period=day&at=2026-03-08&align=date", "2026-03-08 2026-03-08", "2026-03-07 2026-03-07", "", 0, hourly},
	{"period=7d", "2026-11-15 2026-11-21", "2026-11-08 2026-11-14", "", 0, daily},
	{"period=7d&at=2026-09-30&compare=none", "2026-09-24 2026-09-30", "", "", 0, daily},
	{"period=28d", "2026-10-25 2026-11-21", "2026-09-27 2026-10-24", "", 0, daily},
	{"period=28d&compare=year", "2026-10-25 2026-11-21", "2025-10-26 2025-11-22", "", 0, daily},
	{"period=28d&compare=year&align=date", "2026-10-25 2026-11-21", "2025-10-25 2025-11-21", "", 0, daily},
	{"period=week&at=2026-W47", "2026-11-16 2026-11-21", "2026-11-09 2026-11-14", "", 1, daily},
	{"period=week&at=2026-W46&compare=year", "2026-11-09 2026-11-15", "2025-11-10 2025-11-16", "", 0, daily},
	{"period=month", "2026-10-01 2026-10-31", "2026-09-01 2026-09-30", "2026-09-03", 0, daily},
	{"period=month&align=date", "2026-10-01 2026-10-31", "2026-09-01 2026-09-30", "", 0, daily},
	{"period=month&at=2026-11", "2026-11-01 2026-11-21", "2026-10-01 2026-10-21", "2026-10-04", 9, daily},
	{"period=month&at=2026-09&compare=year", "2026-09-01 2026-09-30", "2025-09-01 2025-09-30", "2025-09-02", 0, daily},
	{"period=quarter", "2026-07-01 2026-09-30", "2026-04-01 2026-06-30", "", 0, daily},
	{"period=tertial", "2026-05-01 2026-08-31", "2026-01-01 2026-04-30", "", 0, weekly},
	{"period=tertial&at=2026-T3", "2026-09-01 2026-11-21", "2026-05-01 2026-07-21", "", 40, weekly},
	{"period=year", "2025-01-01 2025-12-31", "", "", 0, monthly},
	{"period=year&at=2026", "2026-01-01 2026-11-21", "2025-01-01 2025-11-21", "", 40, monthly},
	{"period=range&from=2026-10-20&to=2026-11-02", "2026-10-20 2026-11-02", "2026-10-06 2026-10-19", "", 0, daily},
	{"period=range&from=2026-02-10&to=2026-08-20", "2026-02-10 2026-08-20", "2025-07-29 2026-02-05", "", 0, weekly},
	{"period=range&from=2026-02-10&to=2026-08-20&align=date", "2026-02-10 2026-08-20", "2025-08-02 2026-02-09", "", 0, weekly},
	{"period=range&from=2026-03-29&to=2026-03-29", "2026-03-29 2026-03-29", "2026-03-22 2026-03-22", "", 0, hourly},
	{"period=range&from=2024-12-01&to=2026-11-30", "2024-12-01 2026-11-21", "", "", 0, weekly},
}

// looked is a page with what it shows, as far as the slow counter must know it.
type looked struct {
	path    string
	own     string // its own parameters
	keep    func(act) bool
	figures []string
	tables  map[string]func(act) bool // what a table keeps besides
}

var looks = []looked{
	{path: "", figures: []string{"visitors", "visits", "pageviews", "bounce_rate", "visit_seconds"}},
	{path: "/pages"},
	{path: "/sections"},
	{path: "/sections", own: "prefix=/aktuelt", keep: func(a act) bool { return sectionOf(a.path) == "/aktuelt" },
		figures: []string{"section_visitors", "pageviews", "exits", "view_seconds"}},
	{path: "/sections", own: "prefix=/tjenester/arbeid", keep: func(a act) bool { return strings.HasPrefix(a.path, "/tjenester/arbeid") },
		figures: []string{"pageviews", "exits", "view_seconds"}},
	{path: "/page", own: "path=/om-oss", keep: func(a act) bool { return a.path == "/om-oss" },
		figures: []string{"page_visitors", "pageviews", "entered", "exit_rate", "view_seconds"}},
	{path: "/compare", own: "path=/om-oss&path=/ledige-stillinger&path=/kontakt&path=/never"},
	{path: "/compare", own: "path=/ledige-stillinger&path=/aktuelt/2026/arskonferansen&measure=pageviews"},
	{path: "/ways"},
	{path: "/ways", own: "from=/kontakt"},
	{path: "/entries"},
	{path: "/exits"},
	{path: "/sources", figures: []string{"visits", "pageviews", "bounce_rate"}},
	{path: "/sources", own: "table=source"},
	{path: "/campaigns"},
	{path: "/campaign", own: "name=årsrapport", keep: func(a act) bool { return a.visit.campaign == "årsrapport" },
		figures: []string{"visits", "pageviews", "pages_per_visit", "bounce_rate", "visit_seconds"}},
	{path: "/searches", figures: []string{"searches_without", "searches", "missing_views", "own_links"}, tables: map[string]func(act) bool{"search_none": nil}},
	{path: "/searches", own: "table=search"},
	{path: "/missing"},
	{path: "/downloads", keep: func(a act) bool { return a.kind == hit.Download }, figures: []string{"events"}},
	{path: "/outlinks", keep: func(a act) bool { return a.kind == hit.Outlink }, figures: []string{"events"}},
	{path: "/events", keep: func(a act) bool { return a.kind == hit.Event && !a.missing() }, figures: []string{"events"}},
	{path: "/goals"},
	{path: "/goals", own: "name=Årsrapport", keep: func(a act) bool { return a.kind == hit.Goal && a.name == "Årsrapport" }, figures: []string{"conversions", "goal_share"}},
	{path: "/places"},
	{path: "/places", own: "table=region"},
	{path: "/devices"},
	{path: "/devices", own: "table=version"},
	{path: "/languages"},
	{path: "/hours"},
}

// told is a site, what happened there, and how to count it.
type told struct {
	*testing.T
	site  site.Site
	story []act
	lang  *i18n.Language
}

// TestFigures checks every figure of every page, in every format, against a count of people,
// visits and pages in what happened.
func TestFigures(t *testing.T) {
	t.Parallel() // one of the longest
	b := newBench(t)
	b.logIn()
	for _, route := range b.dashboard.AllRoutes() {
		path, ok := strings.CutPrefix(route.Pattern, "GET /sites/{id}")
		ok = ok && path != "/counting" && !slices.Contains(noFigures, path) && !strings.HasSuffix(path, ".csv") && !strings.HasSuffix(path, ".json")
		if ok && !slices.ContainsFunc(looks, func(l looked) bool { return l.path == path }) {
			t.Errorf("page %s is counted by nobody: want it in looks", path)
		}
	}
	all := tellAll(b)
	for i, site := range all {
		for j, p := range chosenPeriods {
			site.lang = i18n.All()[(i+j)%len(i18n.All())]
			t.Run(site.site.Location.String()+"/"+p.query, func(t *testing.T) {
				site.T = t
				for k, look := range looks {
					if k == 0 || (i+j*len(all)+k)%20 == 0 { // each page in each zone
						site.check(b, look, p, nil)
					}
				}
			})
		}
	}
	for j, p := range []chosen{chosenPeriods[0], chosenPeriods[1], chosenPeriods[13], chosenPeriods[21]} {
		t.Run("list of sites/"+p.query, func(t *testing.T) { checkList(t, b, all, p, i18n.All()[j%3]) })
	}
}

// tellAll makes sites in three zones, one of which is half an hour off.
func tellAll(b *bench) (all []told) {
	for i, zone := range []string{"Europe/Oslo", "America/Halifax", "Asia/Kolkata"} {
		site := b.addSite(fmt.Sprint("Site ", i), fmt.Sprintf("s%d.example", i), zone)
		first, _ := calendar.ParseDay("2024-11-20")
		story := tell(7, site, first, calendar.DayOf(moment), []float64{6, 9, 6}[i], moment) // it is early in Halifax
		put(b.T, b.store, zone, rowsOf(site, story))
		all = append(all, told{b.T, site, story, nil})
	}
	return all
}

// filtered is a filter, and what it keeps.
type filtered struct {
	query string
	keep  func(act) bool
	shows []string // figures of the overview under it
}

// TestFiltersCount checks the figures under filters against the count: those that can't be
// exact are not shown.
func TestFiltersCount(t *testing.T) {
	t.Parallel() // one of the longest
	b := newBench(t)
	b.logIn()
	site := b.addSite("One", "one.example", "Europe/Oslo")
	story := tell(3, site, calendar.DayOf(moment)-60, calendar.DayOf(moment), 20, moment)
	put(t, b.store, "story", rowsOf(site, story))
	s := told{t, site, story, nil}
	whole := []string{"visitors", "visits", "pageviews", "bounce_rate", "visit_seconds"}
	visit := []string{"visits", "pageviews", "bounce_rate", "visit_seconds"}
	for i, f := range []filtered{
		{"f=region:NO-50&f=!os:iOS", func(a act) bool { return a.person.region == "NO-50" && a.person.os != "iOS" }, whole},
		{"f=country:NO&f=country:SE", func(a act) bool { return a.person.country == "NO" || a.person.country == "SE" }, whole},
		{"f=browser:&f=device:desktop", func(a act) bool { return a.person.browser == "" && a.person.device == "desktop" }, whole},
		{"f=source:Google", func(a act) bool { return a.visit.source == "Google" }, visit},
		{"f=!channel:direct&f=country:NO", func(a act) bool { return a.visit.channel != "direct" && a.person.country == "NO" }, visit},
		{"f=campaign:" + url.QueryEscape("årsrapport"), func(a act) bool { return a.visit.campaign == "årsrapport" }, visit},
		{"f=entry:/om-oss", func(a act) bool { return a.visit.entry == "/om-oss" }, visit},
		{"f=language:nn", func(a act) bool { return a.person.language == "nn" }, visit},
		{"f=page:/om-oss", func(a act) bool { return a.path == "/om-oss" }, []string{"page_visitors", "pageviews", "exits"}},
		{"f=page:/aktuelt/*", func(a act) bool { return strings.HasPrefix(a.path, "/aktuelt/") }, []string{"pageviews", "exits"}},
		{"f=section:/aktuelt&f=country:NO", func(a act) bool { return sectionOf(a.path) == "/aktuelt" && a.person.country == "NO" }, []string{"section_visitors", "pageviews", "exits"}},
		{"f=!page:/", func(a act) bool { return a.path != "/" }, []string{"pageviews", "exits"}},
		{"f=search:tilskudd", func(a act) bool { return a.kind == hit.Search && a.name == "tilskudd" }, nil},
	} {
		t.Run(f.query, func(t *testing.T) {
			s.T, s.lang = t, i18n.All()[i%len(i18n.All())]
			for j, p := range []chosen{chosenPeriods[0], chosenPeriods[1], chosenPeriods[8]} {
				for k, look := range looks {
					if k == 0 || (i+j+k)%9 == 0 {
						s.check(b, look, p, &f)
					}
				}
			}
		})
	}
}

func day(t *testing.T, s string) calendar.Day {
	t.Helper()
	d, err := calendar.ParseDay(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// days reads "2026-11-16 2026-11-22".
func days(t *testing.T, s string) calendar.Range {
	t.Helper()
	from, to, _ := strings.Cut(s, " ")
	return calendar.Range{From: day(t, from), To: day(t, to)}
}

// over is a period as it is counted.
type over struct {
	chosen
	now, before        calendar.Range
	story, storyBefore []act
	compared, perDay   bool
	day, dayBefore     float64 // what numbers are divided by to be compared
}

func (s told) over(p chosen) over {
	o := over{chosen: p, now: days(s.T, p.days), compared: p.before != "", day: 1, dayBefore: 1}
	o.story = between(s.story, o.now.From, o.now.To)
	if !o.compared {
		return o
	}
	o.before = days(s.T, p.before)
	o.storyBefore = between(s.story, o.before.From, o.before.To)
	if strings.HasPrefix(p.query, "period=today") { // up to the same time of the clock
		now := moment.In(s.site.Location)
		y, m, d := o.before.To.Time().Date()
		until := time.Date(y, m, d, now.Hour(), now.Minute(), now.Second(), 0, s.site.Location)
		o.storyBefore = slices.DeleteFunc(o.storyBefore, func(a act) bool { return a.time.After(until) })
	}
	if o.now.Days() != o.before.Days() {
		o.perDay, o.day, o.dayBefore = true, float64(o.now.Days()), float64(o.before.Days())
	}
	return o
}

// elsewhere is the value of acts that are not counted.
const elsewhere = "\x00"

// keeping returns a story's count of what is kept.
func keeping(story []act, keep ...func(act) bool) tally {
	return count(story, func(a act) string {
		for _, k := range keep {
			if k != nil && !k(a) {
				return elsewhere
			}
		}
		return ""
	})[""]
}

// of returns a measure or ratio, and false for a ratio of nothing.
func (t tally) of(key string) (float64, bool) {
	per := func(n float64, of int) (float64, bool) {
		if of == 0 {
			return 0, false
		}
		return n / float64(of), true
	}
	counts := map[string]int{
		"visitors": t.visitors, "visits": t.visits, "pageviews": t.pageviews, "bounces": t.bounces, "events": t.events, "conversions": t.conversions,
		"exits": t.exits, "page_visitors": t.readers, "section_visitors": t.readers, "seconds": int(t.seconds / time.Second), "page_seconds": int(t.stay / time.Second),
	}
	switch key {
	case "bounce_rate":
		return per(float64(t.bounces), t.visits)
	case "visit_seconds":
		return per(t.seconds.Seconds(), t.visits)
	case "pages_per_visit":
		return per(float64(t.pageviews), t.visits)
	case "conversion_rate":
		return per(float64(t.conversions), t.visits)
	case "exit_rate":
		return per(float64(t.exits), t.pageviews)
	case "view_seconds":
		return per(t.stay.Seconds(), t.pageviews)
	}
	n, ok := counts[key]
	if !ok {
		panic("the slow counter has no " + key)
	}
	return float64(n), true
}

// base returns what a ratio is of, or the measure itself.
func (t tally) base(key string) float64 {
	under := map[string]string{"bounce_rate": "visits", "visit_seconds": "visits", "pages_per_visit": "visits", "conversion_rate": "visits", "exit_rate": "pageviews", "view_seconds": "pageviews"}[key]
	if under == "" {
		under = key
	}
	n, _ := t.of(under)
	return n
}

// written is a figure as a page shows it.
func (s told) written(key string, t tally) string {
	n, ok := t.of(key)
	switch {
	case !ok:
		return "–"
	case strings.HasSuffix(key, "_rate"):
		return s.lang.Percent(n)
	case strings.HasSuffix(key, "seconds"):
		return s.lang.Duration(time.Duration(n * float64(time.Second)))
	case key == "pages_per_visit":
		return s.lang.Decimal(n)
	}
	return s.lang.Number(int64(n))
}

// changed is how a page says that a figure changed.
func (s told) changed(o over, key string, now, before tally) string {
	a, ok := now.of(key)
	b, okBefore := before.of(key)
	ratio := now.base(key) != a || strings.HasSuffix(key, "_rate") || strings.HasSuffix(key, "_seconds") || key == "pages_per_visit"
	if !ok || !okBefore || before.base(key) < 30 || ratio && now.base(key) < 30 {
		return "–"
	}
	var by float64
	var text string
	switch {
	case strings.HasSuffix(key, "_rate"):
		by, text = math.Round((a-b)*1000), s.lang.Points(math.Abs(a-b))
	case strings.HasSuffix(key, "_seconds"):
		by = math.Round(a) - math.Round(b)
		text = s.lang.Duration(time.Duration(math.Abs(by)) * time.Second)
	default:
		if !ratio {
			a, b = a/o.day, b/o.dayBefore
		}
		by = math.Round((a - b) / b * 100)
		text = s.lang.WholePercent(math.Abs(by) / 100)
	}
	direction := map[bool]string{true: "up", false: "down"}[by > 0]
	if by == 0 {
		direction = "same"
	}
	word, _ := s.lang.Text("change." + direction)
	return clean(word + " " + text)
}

// perDay is the mean of a day as a page writes it.
func (s told) perDay(key string, t tally, days float64) string {
	n, _ := t.of(key)
	// In whole numbers, halves up: below ten, but not of nothing, with a decimal.
	all, d := int64(n), int64(days)
	if tenths := (20*all + d) / (2 * d); all > 0 && tenths == 0 {
		return s.lang.Say("number.under", s.lang.Decimal(0.1))
	} else if all > 0 && tenths < 100 {
		return s.lang.Decimal(float64(tenths) / 10)
	}
	return s.lang.Number((2*all + d) / (2 * d))
}

// changedFrom is how a table says that a figure changed, with what the change is of.
func (s told) changedFrom(o over, key string, now, before tally) string {
	changed, base := s.changed(o, key, now, before), s.written(key, before)
	if changed == "–" {
		return changed
	}
	if o.perDay && before.base(key) == float64(before.count(key)) {
		base = s.perDay(key, before, o.dayBefore)
	}
	from, _ := s.lang.Text("figure.from", base)
	return changed + " " + clean(from)
}

// count is a measure, -1 for a ratio.
func (t tally) count(key string) int {
	if n, ok := t.of(key); ok && t.base(key) == n && !strings.HasSuffix(key, "_rate") && !strings.HasSuffix(key, "_seconds") && key != "pages_per_visit" {
		return int(n)
	}
	return -1
}

// check compares a page over a period with the count, in all formats.
func (s told) check(b *bench, look looked, p chosen, f *filtered) {
	s.Helper()
	o := s.over(p)
	query := p.query
	keep := []func(act) bool{look.keep}
	if f != nil {
		query += "&" + f.query
		keep = append(keep, f.keep)
	}
	if look.own != "" {
		query += "&" + look.own
	}
	path := fmt.Sprintf("/sites/%d%s", s.site.ID, look.path)
	page := b.get(path+"?"+query, "Accept-Language", s.lang.Tag)
	page.want(200)
	var data map[string]any
	b.decode(path+".json?"+query, &data)
	if look.path == "/compare" {
		s.checkCompared(b, page, path, query, look, data, f, keep)
		return
	}
	s.checkDays(path+"?"+query, o, data)
	now, before := keeping(o.story, keep...), keeping(o.storyBefore, keep...)
	var shown []string
	totals, _ := data["totals"].(map[string]any)
	totalsBefore, _ := data["totals_before"].(map[string]any)
	page.Find(".figures li").Each(func(_ int, li *goquery.Selection) {
		key := strings.TrimPrefix(li.AttrOr("id", ""), "figure-")
		shown = append(shown, key)
		if special := specials[key]; special != nil {
			kept, keptBefore := o.story, o.storyBefore
			if f != nil {
				kept, keptBefore = only(kept, f.keep), only(keptBefore, f.keep)
			}
			if f != nil && key == "entered" {
				return
			}
			n := special(s, look, kept)
			want := s.lang.Number(int64(n))
			switch {
			case key == "goal_share" && total(kept).visits == 0: // of nothing
				want = "–"
			case key == "entered" || key == "goal_share":
				want = s.lang.Percent(n)
			}
			if totalsBefore != nil && (key != "entered" || len(keptBefore) > 0) {
				was, _ := totalsBefore[key].(float64)
				if n := special(s, look, keptBefore); totalsBefore[key] != nil && math.Abs(was-n) > 1e-9 || totalsBefore[key] == nil && n > 0 {
					s.Errorf("%s?%s: %s before in JSON is %v, want %v", path, query, key, totalsBefore[key], n)
				}
			}
			if got, _ := totals[key].(float64); clean(li.Find("b").Text()) != clean(want) || math.Abs(got-n) > 1e-9 {
				s.Errorf("%s?%s: %s = %q, in JSON %v, want %v", path, query, key, clean(li.Find("b").Text()), got, n)
			}
			return
		}
		if got, want := clean(li.Find("b").Text()), clean(s.written(key, now)); got != want {
			s.Errorf("%s?%s: %s = %q, want %q", path, query, key, got, want)
		}
		s.equal(path+"?"+query+" in JSON", key, totals[key], now)
		if (totalsBefore != nil) != o.compared {
			s.Errorf("%s?%s: JSON has totals before: %t, want %t", path, query, totalsBefore != nil, o.compared)
		}
		change, base := clean(li.Find(".change").Text()), clean(li.Find(".muted").First().Text())
		wantChange, wantBase := "", ""
		if o.compared {
			s.equal(path+"?"+query+" before in JSON", key, totalsBefore[key], before)
			wantChange = s.changed(o, key, now, before)
			wantBase, _ = s.lang.Text("figure.from", s.written(key, before))
			if o.perDay && !strings.HasSuffix(key, "_rate") && !strings.HasSuffix(key, "_seconds") && key != "pages_per_visit" {
				wantBase, _ = s.lang.Text("figure.from.perDay", s.perDay(key, now, o.day), s.perDay(key, before, o.dayBefore))
			}
			measured := look.path != "/page" || key != "exit_rate" && key != "view_seconds" // which are beside other figures
			if measured && (change != wantChange || base != clean(wantBase)) {
				s.Errorf("%s?%s: %s changed %q %q, want %q %q", path, query, key, change, base, wantChange, clean(wantBase))
			}
		} else if change != "" {
			s.Errorf("%s?%s: %s changed %q, and there is nothing to compare with", path, query, key, change)
		}
	})
	if f == nil && (look.path != "/page" || now.pageviews > 0) {
		if diff := gocmp.Diff(look.figures, shown); diff != "" {
			s.Errorf("%s?%s: figures (-want +got):\n%s", path, query, diff)
		}
	} else if look.path == "" && f != nil {
		for _, want := range f.shows {
			if !slices.Contains(shown, want) {
				s.Errorf("%s?%s shows %q, want %s", path, query, shown, want)
			}
		}
		if slices.Contains(shown, "visitors") != slices.Contains(f.shows, "visitors") || slices.Contains(shown, "visits") != slices.Contains(f.shows, "visits") {
			s.Errorf("%s?%s shows %q, want what is exact of visitors and visits in %q", path, query, shown, f.shows)
		}
	}
	if page.Find("#chart").Length() > 0 {
		s.checkChart(page, path+"?"+query, data, o, keep, shown)
		if look.path == "" && f == nil && len(query)%3 == int(s.site.ID)-1 {
			s.checkMeasure(b, path, query, o)
		}
	}
	for key, block := range data {
		if look.path == "/missing" || look.path == "/searches" && look.own == "" {
			s.checkFinding(page, path+"?"+query, data, o, keep)
			break
		}
		if table, ok := block.(map[string]any); ok && table["dimension"] != nil {
			s.checkTable(b, page, path, query, key, table, o, append(slices.Clone(keep), look.tables[key]))
		}
	}
	s.checkOthers(page, data, path+"?"+query, look, o, keep)
}

// specials are the figures that are no measures.
var specials = map[string]func(told, looked, []act) float64{
	"searches": func(_ told, _ looked, story []act) float64 {
		return float64(len(only(story, func(a act) bool { return a.kind == hit.Search })))
	},
	"searches_without": func(_ told, _ looked, story []act) float64 {
		return float64(len(only(story, func(a act) bool { return a.kind == hit.Search && a.found == 0 })))
	},
	"missing_views": func(_ told, _ looked, story []act) float64 { return float64(len(only(story, act.missing))) },
	"own_links":     func(_ told, _ looked, story []act) float64 { return float64(len(only(story, act.missing))) }, // all are
	"goal_share": func(_ told, look looked, story []act) float64 { // of all visits
		all := total(story)
		if all.visits == 0 {
			return 0
		}
		return float64(len(only(story, look.keep))) / float64(all.visits)
	},
	"entered": func(_ told, look looked, story []act) float64 { // views that began a visit
		begun, views := map[*visit]bool{}, 0
		entered := 0
		for _, a := range story {
			if a.kind == hit.Pageview {
				if look.keep(a) {
					views++
					if !begun[a.visit] {
						entered++
					}
				}
				begun[a.visit] = true
			}
		}
		return float64(entered) / float64(views)
	},
}

func only(story []act, keep func(act) bool) []act {
	return slices.DeleteFunc(slices.Clone(story), func(a act) bool { return !keep(a) })
}

// checkDays compares the days that JSON says with those that are counted.
func (s told) checkDays(path string, o over, data map[string]any) {
	s.Helper()
	want := map[string]any{"from": o.now.From.String(), "to": o.now.To.String()}
	if diff := gocmp.Diff(any(want), data["days"]); diff != "" {
		s.Errorf("%s: days (-want +got):\n%s", path, diff)
	}
	var wantBefore any
	if o.compared {
		wantBefore = map[string]any{"from": o.before.From.String(), "to": o.before.To.String()}
	}
	if diff := gocmp.Diff(wantBefore, data["before"]); diff != "" {
		s.Errorf("%s: days before (-want +got):\n%s", path, diff)
	}
	unfinished := o.toCome > 0 || strings.HasPrefix(o.query, "period=today")
	if (data["unfinished"] == true) != unfinished {
		s.Errorf("%s: unfinished = %v, want %t", path, data["unfinished"], unfinished)
	}
}

// equal compares a number of JSON with the count.
func (s told) equal(where, key string, got any, t tally) {
	s.Helper()
	want, ok := t.of(key)
	if !ok { // a ratio of nothing
		if got != nil {
			s.Errorf("%s: %s = %v, want null", where, key, got)
		}
		return
	}
	if n, ok := got.(float64); !ok || math.Abs(n-want) > 1e-9 {
		s.Errorf("%s: %s = %v, want %v", where, key, got, want)
	}
}

// keyOf says in which point of a curve an act is. An hour is one of the clock of the site,
// also where that is half an hour off.
func (s told) keyOf(st step, at time.Time) string {
	day := calendar.DayOf(at)
	switch st {
	case hourly:
		return at.Add(-time.Duration(at.Minute()) * time.Minute).Format("2006-01-02T15Z07:00")
	case weekly:
		return (day - calendar.Day((int(day.Time().Weekday())+6)%7)).String()
	case monthly:
		return day.String()[:7]
	}
	return day.String()
}

// points are the keys of all points of days.
func (s told) points(st step, r calendar.Range) (keys []string) {
	for at := r.From.In(s.site.Location); at.Before((r.To + 1).In(s.site.Location)); {
		if key := s.keyOf(st, at); len(keys) == 0 || keys[len(keys)-1] != key {
			keys = append(keys, key)
		}
		if st == hourly {
			at = at.Add(time.Hour)
		} else {
			at = (calendar.DayOf(at) + 1).In(s.site.Location)
		}
	}
	return keys
}

// checkChart compares the curve, and the table beside it, with a count of each point.
func (s told) checkChart(page *answer, path string, data map[string]any, o over, keep []func(act) bool, measures []string) {
	s.Helper()
	by := func(story []act) map[string]tally {
		return count(story, func(a act) string {
			for _, k := range keep {
				if k != nil && !k(a) {
					return elsewhere
				}
			}
			return s.keyOf(o.step, a.time.In(s.site.Location))
		})
	}
	now, before := by(o.story), by(o.storyBefore)
	chart, _ := data["chart"].(map[string]any)
	points, _ := chart["points"].([]any)
	if chart["step"] != string(o.step) {
		s.Errorf("%s: step %v, want %s", path, chart["step"], o.step)
	}
	keys := s.points(o.step, o.now)
	if len(points) != len(keys) {
		s.Fatalf("%s: JSON has %d points, want %d", path, len(points), len(keys))
	}
	for i, key := range keys {
		point, _ := points[i].(map[string]any)
		ahead := o.step == hourly && key > s.keyOf(o.step, moment.In(s.site.Location))
		if ahead != (point["hidden"] == "ahead") {
			s.Errorf("%s at %s: %v", path, key, point)
		}
		for _, m := range measures {
			if ahead && point[m] != nil {
				s.Errorf("%s at %s, which has not come: %s = %v", path, key, m, point[m])
			} else if !ahead && (perHit(m) || o.step != hourly && specials[m] == nil) {
				s.equal(path+" at "+key, m, point[m], now[key])
			}
		}
		if o.step == hourly {
			at, err := time.Parse(time.RFC3339, fmt.Sprint(point["time"]))
			if err != nil || s.keyOf(hourly, at.In(s.site.Location)) != key {
				s.Errorf("%s: point %v is not that of %s", path, point["time"], key)
			}
		} else if from := fmt.Sprint(point["from"]); from < o.now.From.String() || s.keyOf(o.step, day(s.T, from).Time()) != key {
			s.Errorf("%s: point from %s is not that of %s", path, from, key)
		}
	}
	// The table beside it has all of the period, and the days before at their places.
	measure := strings.TrimPrefix(page.Find(".figure[aria-current]").Parent().AttrOr("id", ""), "figure-")
	if measure == "" {
		s.Fatalf("%s: no figure is chosen", path)
	}
	rows := page.Find("#chart .numbers tbody tr")
	whole := s.points(o.step, calendar.Range{From: o.now.From, To: o.now.To + calendar.Day(o.toCome)})
	if rows.Length() != len(whole) {
		s.Fatalf("%s: the table beside the chart has %d rows, want %d", path, rows.Length(), len(whole))
	}
	was := s.points(o.step, o.before)
	skip := 0
	if o.beside != "" {
		skip = int(day(s.T, o.beside) - o.before.From)
	}
	if !o.compared {
		was = nil
	}
	// beside returns the point before that one stands beside: of an hour, that of the same hour
	// of the clock.
	beside := func(i int) int {
		if o.step != hourly {
			return i + skip
		}
		nth := func(keys []string, i int) (n int) {
			for _, key := range keys[:i] {
				if key[11:13] == keys[i][11:13] {
					n++
				}
			}
			return n
		}
		return slices.IndexFunc(was, func(key string) bool {
			return key[11:13] == whole[i][11:13] && nth(was, slices.Index(was, key)) == nth(whole, i)
		})
	}
	for i, key := range whole {
		want := []string{"–"}
		if started := key <= s.keyOf(o.step, moment.In(s.site.Location)) && i < len(keys); started {
			want[0] = clean(s.written(measure, now[key]))
		}
		if o.compared {
			want = append(want, "–")
			ended := strings.HasPrefix(o.query, "period=today") && i > moment.In(s.site.Location).Hour()
			if j := beside(i); j >= 0 && j < len(was) && !ended {
				want[1] = clean(s.written(measure, before[was[j]]))
			}
		}
		if got := rows.Eq(i).Find("td").Map(func(_ int, td *goquery.Selection) string { return clean(td.Text()) }); !slices.Equal(got, want) {
			s.Errorf("%s: the table beside the chart has %q at %s, want %q", path, got, key, want)
		}
	}
	// The drawing shows the same numbers.
	columns := page.Find("#chart rect.col title")
	columns.Each(func(i int, title *goquery.Selection) {
		want := clean(rows.Eq(i).Find("th").Text()) + ": " + clean(rows.Eq(i).Find("td").First().Text())
		if got := clean(title.Text()); !strings.HasPrefix(got, want) {
			s.Errorf("%s: the chart says %q, and the table %q", path, got, want)
		}
	})
	if columns.Length() != rows.Length() {
		s.Errorf("%s: the chart has %d columns, and the table %d rows", path, columns.Length(), rows.Length())
	}
}

// perHit reports whether a figure is of hits by themselves. What a visit adds up to is
// counted by the hour of each hit, so by hours the slow counter can't tell it.
func perHit(measure string) bool {
	return slices.Contains([]string{"visitors", "visits", "pageviews", "page_visitors", "section_visitors", "events"}, measure)
}

// checkMeasure looks at the curve of another figure.
func (s told) checkMeasure(b *bench, path, query string, o over) {
	s.Helper()
	measure := []string{"visits", "pageviews", "bounce_rate", "visit_seconds"}[len(query)%4]
	if o.step == hourly && !perHit(measure) {
		measure = "pageviews"
	}
	page := b.get(path+"?"+query+"&measure="+measure, "Accept-Language", s.lang.Tag)
	page.want(200)
	by := count(o.story, func(a act) string { return s.keyOf(o.step, a.time.In(s.site.Location)) })
	for i, key := range s.points(o.step, o.now) {
		got, want := clean(page.Find("#chart .numbers tbody tr").Eq(i).Find("td").First().Text()), clean(s.written(measure, by[key]))
		if got != want && got != "–" {
			s.Errorf("%s?%s: %s at %s is %q, want %q", path, query, measure, key, got, want)
		}
	}
}

// property is the value of an act in a dimension, with a detail, and false if it has none.
type property func(told, act) (value, detail string, ok bool)

func one(of func(act) string) property {
	return func(_ told, a act) (string, string, bool) { return of(a), "", true }
}

func some(of func(act) string) property {
	return func(_ told, a act) (string, string, bool) { return of(a), "", of(a) != "" }
}

func named(kind hit.Kind) property {
	return func(_ told, a act) (string, string, bool) { return a.name, "", a.kind == kind && !a.missing() }
}

// properties are the dimensions of the tables of all pages.
var properties = map[string]property{
	"page":    one(func(a act) string { return a.path }),
	"section": one(func(a act) string { return sectionOf(a.path) }),
	"entry":   one(func(a act) string { return a.visit.entry }),
	"channel": one(func(a act) string { return a.visit.channel }),
	"source":  func(_ told, a act) (string, string, bool) { return a.visit.channel, a.visit.source, true },
	"country": one(func(a act) string { return a.person.country }),
	"region":  func(_ told, a act) (string, string, bool) { return a.person.country, a.person.region, true },
	"browser": one(func(a act) string { return a.person.browser }),
	"version": func(_ told, a act) (string, string, bool) { return a.person.browser, a.person.version, true },
	"os":      one(func(a act) string { return a.person.os }), "device": one(func(a act) string { return a.person.device }),
	"language": one(func(a act) string { return a.person.language }),
	"campaign": some(func(a act) string { return a.visit.campaign }), "campaign_source": some(func(a act) string { return a.visit.campaignSource }),
	"campaign_medium": some(func(a act) string { return a.visit.campaignMedium }),
	"campaign_term":   some(func(act) string { return "" }), "campaign_content": some(func(act) string { return "" }),
	"download": named(hit.Download), "outlink": named(hit.Outlink), "event": named(hit.Event), "search": named(hit.Search), "goal": named(hit.Goal),
	"missing": func(_ told, a act) (string, string, bool) { return a.name, "", a.missing() },
	"missing_link": func(_ told, a act) (string, string, bool) {
		return a.name, a.path, a.missing() // which is done on the page before
	},
}

// label is what a page calls a value.
func (s told) label(dimension, value, detail string) string {
	name := func(dimension, value string) string {
		switch dimension {
		case "missing", "missing_link":
			return strings.TrimPrefix(value, "404 / ")
		case "channel", "source":
			return s.lang.Known("channel.", value)
		case "country", "region":
			return s.lang.Country(value)
		case "device":
			return s.lang.Known("device.", value)
		case "language":
			return s.lang.LanguageName(value)
		}
		return value
	}
	switch {
	case detail != "" && dimension == "version":
		return clean(value + " " + detail)
	case detail != "" && dimension == "region":
		return clean(regionNames[s.lang.Tag][detail] + " " + name(dimension, value))
	case detail != "":
		return clean(detail + " " + name(dimension, value))
	case value == "":
		unknown, _ := s.lang.Text("unknown")
		return unknown
	}
	return clean(name(dimension, value))
}

// regionNames are the names of the regions of the story, whose rows hold their codes.
var regionNames = map[string]map[string]string{
	"en": {"NO-03": "Oslo", "NO-46": "Vestland", "NO-50": "Trøndelag", "NO-11": "Rogaland", "NO-18": "Nordland",
		"NO-30": "Viken (until 2024)", "SE-AB": "Stockholm", "SE-M": "Skåne"},
	"nb": norwegianRegions, "nn": norwegianRegions,
}

var norwegianRegions = map[string]string{"NO-03": "Oslo", "NO-46": "Vestland", "NO-50": "Trøndelag", "NO-11": "Rogaland", "NO-18": "Nordland",
	"NO-30": "Viken (til 2024)", "SE-AB": "Stockholm", "SE-M": "Skåne"}

// checkTable compares every line of a table with a count: all of them in JSON and CSV, and
// as many as it shows on the page.
func (s told) checkTable(b *bench, page *answer, path, query, key string, table map[string]any, o over, keep []func(act) bool) {
	s.Helper()
	where := path + "?" + query + " #" + key
	dimension := table["dimension"].(string)
	property, ok := properties[dimension]
	if !ok {
		s.Errorf("%s: the slow counter does not know dimension %s", where, dimension)
		return
	}
	const and = "\x01"
	by := func(story []act) map[string]tally {
		return count(story, func(a act) string {
			for _, k := range keep {
				if k != nil && !k(a) {
					return elsewhere
				}
			}
			value, detail, ok := property(s, a)
			if !ok {
				return elsewhere
			}
			return value + and + detail
		})
	}
	now, before := by(o.story), by(o.storyBefore)
	lines, _ := table["lines"].([]any)
	var measures []string
	seen := map[string]bool{}
	var labels []string
	for _, l := range lines {
		line := l.(map[string]any)
		value, _ := line["value"].(string)
		detail, _ := line["detail"].(string)
		k := value + and + detail
		if seen[k] {
			s.Errorf("%s: %q twice", where, k)
		}
		seen[k] = true
		labels = append(labels, s.label(dimension, value, detail))
		was, compared := line["before"].(map[string]any)
		if compared != o.compared {
			s.Errorf("%s: %q has days before: %t, want %t", where, k, compared, o.compared)
		}
		measures = measures[:0]
		for m, n := range line {
			if slices.Contains(csvMeasures, m) && line["hidden"] == nil {
				measures = append(measures, m)
				s.equal(where+" "+k, m, n, now[k])
				if compared {
					s.equal(where+" before "+k, m, was[m], before[k])
				}
			}
		}
	}
	for k := range seen { // nobody did what only the days before had
		if t := now[k]; !slices.ContainsFunc(measures, func(m string) bool { n, _ := t.of(m); return n != 0 }) {
			s.Errorf("%s has %q, of which there is nothing in the period", where, k)
		}
	}
	for k, t := range now {
		ok := slices.ContainsFunc(measures, func(m string) bool { n, _ := t.of(m); return n > 0 })
		if len(lines) == 0 && table["refused"] == nil {
			ok = t.pageviews > 0 || dimension == "goal" && t.conversions > 0
		}
		if k != elsewhere && ok && !seen[k] {
			s.Errorf("%s lacks %q, which has %+v", where, k, t)
		}
	}
	// On the page.
	block := page.Find("#" + key)
	if block.Length() != 1 && (block.Length() > 0 || len(lines) > 0) { // an empty one may not be shown
		s.Errorf("%s: %d blocks on the page", where, block.Length())
		return
	}
	if table["refused"] != nil || len(lines) == 0 {
		if block.Find("tbody tr").Length() > 0 {
			s.Errorf("%s: rows on the page, and none in JSON", where)
		}
		return
	}
	var columns []string
	block.Find("thead th").Each(func(i int, th *goquery.Selection) {
		head := strings.TrimRight(clean(th.Text()), " ▾▴")
		change := "column.change"
		if o.perDay {
			change += ".perDay"
		}
		if text, _ := s.lang.Text(change); text == head && i > 0 {
			columns = append(columns, "change")
			return
		}
		for _, m := range csvMeasures {
			if text, _ := s.lang.Text("column." + m); text == head && i > 0 && slices.Contains(measures, m) {
				columns = append(columns, m)
				return
			}
		}
		if i > 0 {
			s.Errorf("%s: column %q is of no measure of %q", where, head, measures)
		}
	})
	rows := block.Find("tbody tr")
	if rows.Length() == 0 || rows.Length() > len(lines) || rows.Length() < min(len(lines), 8) && block.Find(".more").Length() == 0 {
		s.Errorf("%s: %d rows on the page, %d lines in JSON", where, rows.Length(), len(lines))
	}
	rows.Each(func(i int, tr *goquery.Selection) {
		line := lines[min(i, len(lines)-1)].(map[string]any)
		value, _ := line["value"].(string)
		detail, _ := line["detail"].(string)
		k := value + and + detail
		var want []string
		for _, c := range columns {
			if c == "change" {
				want = append(want, s.changedFrom(o, columns[0], now[k], before[k]))
			} else {
				want = append(want, clean(s.written(c, now[k])))
			}
		}
		got := tr.Find("td").Map(func(_ int, td *goquery.Selection) string { return clean(td.Text()) })
		if label := clean(tr.Find("th").Text()); label != labels[i] || !slices.Equal(got, want) {
			s.Errorf("%s: row %d is %q %q, want %q %q", where, i, label, got, labels[i], want)
		}
	})
	// In CSV, where the address names the table.
	if (len(where)+len(lines))%3 > 0 {
		return
	}
	if !strings.Contains(query, "table=") {
		query += "&table=" + key
	}
	sheet := b.sheet(path+".csv?"+query, s.lang)
	if len(sheet) != len(lines)+1 {
		s.Errorf("%s: CSV has %d rows, JSON %d lines", where, len(sheet), len(lines))
		return
	}
	for i, l := range lines {
		line := l.(map[string]any)
		value, _ := line["value"].(string)
		detail, _ := line["detail"].(string)
		for j, text := range sheet[0] {
			for _, m := range csvMeasures {
				name, _ := s.lang.Text("measure." + m)
				if name != text || j == 0 || !slices.Contains(measures, m) && slices.Contains(measures, twin[m]) {
					continue
				}
				want := ""
				if n, ok := now[value+and+detail].of(m); ok {
					want = s.lang.Plain(n)
				}
				if got := sheet[i+1][j]; got != want {
					s.Errorf("%s: %s of %q is %q in CSV, want %q", where, m, labels[i], got, want)
				}
			}
		}
	}
}

// csvMeasures are the measures of tables, and twin has those of the same name.
var (
	csvMeasures = []string{"visitors", "visits", "pageviews", "page_visitors", "section_visitors", "events", "conversions", "exits",
		"bounce_rate", "visit_seconds", "pages_per_visit", "exit_rate", "view_seconds"}
	twin = map[string]string{"visitors": "page_visitors"}
)

// checkOthers compares the blocks that are no tables of a dimension.
func (s told) checkOthers(page *answer, data map[string]any, path string, look looked, o over, keep []func(act) bool) {
	s.Helper()
	if days, ok := data["hours"].(map[string]any); ok {
		measure, _ := days["measure"].(string)
		by := count(o.story, func(a act) string {
			for _, k := range keep {
				if k != nil && !k(a) {
					return elsewhere
				}
			}
			at := a.time.In(s.site.Location)
			return fmt.Sprintf("%d %02d", (int(at.Weekday())+6)%7, at.Hour())
		})
		list, _ := days["days"].([]any)
		for d, one := range list {
			hours, _ := one.(map[string]any)["hours"].([]any)
			for h, n := range hours {
				met, today := false, strings.HasPrefix(o.query, "period=today")
				for day := o.now.From; day <= o.now.To; day++ {
					met = met || (int(day.Time().Weekday())+6)%7 == d
				}
				hour := page.Find("#hours tbody tr").Eq(d).Find("td").Eq(h).Text()
				ahead := !met || today && h > moment.In(s.site.Location).Hour()
				if ahead && (n != nil || clean(hour) != "–") {
					s.Errorf("%s day %d hour %d, which has not come: %v, %q", path, d, h, n, hour)
				}
				if ahead || today && n == nil && by[fmt.Sprintf("%d %02d", d, h)].visits == 0 { // after the last step
					continue
				}
				s.equal(fmt.Sprintf("%s day %d hour %d", path, d, h), measure, n, by[fmt.Sprintf("%d %02d", d, h)])
				cell := page.Find("#hours tbody tr").Eq(d).Find("td").Eq(h).Text()
				if want := s.written(measure, by[fmt.Sprintf("%d %02d", d, h)]); clean(cell) != clean(want) {
					s.Errorf("%s day %d hour %d: %q on the page, want %q", path, d, h, cell, want)
				}
			}
		}
		if len(list) != 7 {
			s.Errorf("%s: %d days of the week", path, len(list))
		}
	}
	if slices.Contains([]string{"/page", "/ways"}, look.path) && len(keep) == 1 { // no filter
		s.checkWays(data, path, look, o)
	}
	if look.path == "/goals" && look.own != "" {
		s.checkGoal(data, path, look, o, keep[1:])
	}
	for block, name := range map[string]func(act) string{
		"world":  func(a act) string { return s.lang.Country(a.person.country) },
		"norway": func(a act) string { return regionNames[s.lang.Tag][a.person.region] },
	} {
		s.checkMap(page.Find("#"+block), path, name, o, keep)
	}
	if page.Find("#movers").Length() > 0 {
		s.checkMovers(page, path, o, keep)
	} else if look.path == "" && o.compared && len(keep) == 1 && len(o.story)+len(o.storyBefore) > 200 {
		s.Errorf("%s has nothing that changed most", path)
	}
	for key := range data { // each block is counted by somebody
		if _, table := properties[key]; !table && !slices.Contains(knownBlocks, key) {
			s.Errorf("%s: nobody counts block %q of JSON", path, key)
		}
	}
}

// knownBlocks are those of JSON that are no tables of a dimension.
var knownBlocks = []string{
	"about", "site", "filters", "period", "days", "counted_since", "before", "unfinished", "as_of", "minimal_days", "folded_before", "erased_days", "uncompared",
	"totals", "totals_before", "chart", "hours", "previous", "next", "links", "search_none", "exit", "refused",
}

// checkGoal compares what is said of the visits that reached a goal: by the last page before
// it, and by what they were, beside all visits that were the same.
func (s told) checkGoal(data map[string]any, path string, look looked, o over, filters []func(act) bool) {
	s.Helper()
	for key, of := range map[string]func(act) (string, string){
		"source":   func(a act) (string, string) { return a.visit.channel, a.visit.source },
		"campaign": func(a act) (string, string) { return a.visit.campaign, "" },
		"entry":    func(a act) (string, string) { return a.visit.entry, "" },
		"previous": func(a act) (string, string) { return a.path, "" },
	} {
		by := func(keep ...func(act) bool) map[string]tally {
			return count(o.story, func(a act) string {
				for _, k := range keep {
					if k != nil && !k(a) {
						return elsewhere
					}
				}
				value, detail := of(a)
				return value + "\x01" + detail
			})
		}
		reached, visits := by(append(slices.Clone(filters), look.keep)...), by(filters...)
		block, _ := data[key].(map[string]any)
		list, _ := block["lines"].([]any)
		seen := 0
		for _, one := range list {
			line := one.(map[string]any)
			detail, _ := line["detail"].(string)
			k := fmt.Sprint(line["value"], "\x01", detail)
			if seen++; line["conversions"] != float64(reached[k].conversions) || line["visits"] != nil && line["visits"] != float64(visits[k].visits) {
				s.Errorf("%s: %s %v, want %d of %d", path, key, line, reached[k].conversions, visits[k].visits)
			}
			if _, ok := line["visits"]; ok != (key != "previous") && len(filters) == 0 {
				s.Errorf("%s: %s tells of visits: %t", path, key, ok)
			}
		}
		want := 0
		for k, t := range reached {
			if k != elsewhere && t.conversions > 0 && (key != "campaign" || k != "\x01") {
				want++
			}
		}
		if data[key] != nil && seen != want || data[key] == nil && want > 0 {
			s.Errorf("%s: %s has %d lines, want %d", path, key, seen, want)
		}
	}
}

// checkMap compares the areas of a map with the count by their names.
func (s told) checkMap(block *goquery.Selection, path string, name func(act) string, o over, keep []func(act) bool) {
	s.Helper()
	if block.Length() == 0 {
		return
	}
	by := count(o.story, func(a act) string {
		for _, k := range keep {
			if k != nil && !k(a) {
				return elsewhere
			}
		}
		return name(a)
	})
	measure := ""
	for _, m := range []string{"visitors", "pageviews", "events", "conversions"} {
		if text, _ := s.lang.Text("measure." + m); strings.Contains(block.Find("h2").Text(), text) {
			measure = m
		}
	}
	seen := 0
	block.Find("a title").Each(func(_ int, title *goquery.Selection) {
		of, value, _ := strings.Cut(clean(title.Text()), ": ")
		if want := clean(s.written(measure, by[of])); value != want || want == "0" {
			s.Errorf("%s: %q on the map, want %s", path, title.Text(), want)
		}
		seen++
	})
	areas := block.Find("svg[role=img] path, svg[role=img] rect")
	if drawn := areas.Length() - areas.Filter(".none").Length(); drawn != seen || areas.Length() < 15 {
		s.Errorf("%s: %d areas of %d have a shade, and %d a number", path, drawn, areas.Length(), seen)
	}
	beside := clean(block.Find("p.small").Text())
	for of, t := range by {
		n, _ := t.of(measure)
		if onMap := block.Find("a title").FilterFunction(func(_ int, title *goquery.Selection) bool { return strings.HasPrefix(title.Text(), of+": ") }).Length(); of != "" && of != elsewhere && n > 0 && onMap == 0 && !strings.Contains(beside, of) && !strings.Contains("Stockholm Skåne", of) {
			s.Errorf("%s: %s is neither on the map nor beside it", path, of)
		}
	}
}

// checkWays compares the pages before and after another with the visits that went there.
func (s told) checkWays(data map[string]any, path string, look looked, o over) {
	s.Helper()
	of := "/"
	if look.own != "" {
		_, of, _ = strings.Cut(look.own, "=")
	}
	want := map[string]map[string]int{"previous": {}, "next": {}} // "" is an entry, or an exit
	seen := map[*visit]string{}
	for _, a := range o.story {
		if a.kind != hit.Pageview {
			continue
		}
		if a.path == of {
			want["previous"][seen[a.visit]]++
			want["next"][""]++
		}
		if before, ok := seen[a.visit]; ok && before == of {
			want["next"][a.path]++
			want["next"][""]--
		}
		seen[a.visit] = a.path
	}
	came := count(o.story, func(a act) string {
		if a.visit.entry != of {
			return elsewhere
		}
		return a.visit.channel + "\x01" + a.visit.source
	})
	for _, key := range []string{"source", "links"} {
		block, _ := data[key].(map[string]any)
		list, _ := block["lines"].([]any)
		for _, one := range list {
			line := one.(map[string]any)
			n := came[fmt.Sprint(line["value"], "\x01", line["detail"])]
			if line["what"] != "others" && (line["visits"] != float64(n.visits) || n.visits == 0 || key == "links" && line["value"] != "website") {
				s.Errorf("%s: %s has %v, want %d visits", path, key, line, n.visits)
			}
		}
		if len(list) == 0 && len(came) > 1 && look.path == "/page" && key == "source" && data["totals"] != nil {
			s.Errorf("%s: nobody is said to have come from anywhere", path)
		}
	}
	for key, want := range want {
		found, _ := data[key].(map[string]any)
		list, _ := found["lines"].([]any)
		for _, one := range list {
			line := one.(map[string]any)
			value, _ := line["value"].(string)
			if _, apart := line["what"]; line["what"] != "others" && apart == (value != "") || line["what"] != "others" && line["pageviews"] != float64(want[value]) {
				s.Errorf("%s: %s has %v, want %d", path, key, line, want[value])
			}
		}
		if len(list) < min(len(want), 8) && (look.path != "/page" || want[""] > 0) {
			s.Errorf("%s: %s has %d lines, want %d", path, key, len(list), len(want))
		}
	}
}

// checkCompared compares the first days of pages with the days that the story has of each.
func (s told) checkCompared(b *bench, page *answer, path, query string, look looked, data map[string]any, filter *filtered, keep []func(act) bool) {
	s.Helper()
	where := path + "?" + query
	if filter != nil && regexp.MustCompile(`f=(search|event|download|outlink|goal|missing)`).MatchString(filter.query) { // no view is one
		if data["refused"] != "never" || page.Find("#compared").Length() > 0 {
			s.Errorf("%s compares views: %v", where, data["refused"])
		}
		return
	}
	values, _ := url.ParseQuery(look.own)
	measure := cmp.Or(values.Get("measure"), "page_visitors")
	if filter != nil && !slices.ContainsFunc(filter.shows, func(m string) bool { return strings.HasSuffix(m, "visitors") }) && !strings.Contains(filter.query, "f=page:") && !strings.Contains(filter.query, "!page:") {
		measure = "pageviews" // a visitor may have come in several ways
	}
	yesterday := calendar.DayOf(moment.In(s.site.Location)) - 1
	type first struct {
		day  calendar.Day
		days []tally // at most 28
	}
	var pages []first
	longest, common := 0, 28
	for _, of := range values["path"] {
		f := first{day: yesterday + 1}
		for _, a := range s.story {
			if a.path == of && a.kind == hit.Pageview {
				f.day = min(f.day, a.day)
			}
		}
		on := func(a act) bool { return a.path == of }
		for d := f.day; d <= min(yesterday, f.day+27); d++ {
			f.days = append(f.days, keeping(between(s.story, d, d), append(slices.Clone(keep), on)...))
		}
		if longest = max(longest, len(f.days)); len(f.days) > 0 {
			common = min(common, len(f.days))
		}
		pages = append(pages, f)
	}
	sum := func(days []tally, n int) (all tally) {
		for _, t := range days[:min(n, len(days))] {
			all.readers, all.pageviews = all.readers+t.readers, all.pageviews+t.pageviews
		}
		return all
	}
	spans := []int{7, 28}
	if longest > 0 && common != 7 && common != 28 {
		spans = []int{common, 7, 28}
	}
	sums, _ := data["compared"].(map[string]any)["pages"].([]any)
	curves, _ := data["curve"].(map[string]any)["pages"].([]any)
	rows, points := page.Find("#compared tbody tr"), page.Find("#curve .numbers tbody tr")
	sheet := b.sheet(path+".csv?"+query+"&table=curve", s.lang)
	if len(sums) != len(pages) || len(curves) != len(pages) || rows.Length() != len(pages) || points.Length() != longest || len(sheet) != longest+1 {
		s.Fatalf("%s: %d sums, %d curves, %d rows, %d points, CSV of %d rows; want %d pages and %d days", where, len(sums), len(curves), rows.Length(), points.Length(), len(sheet), len(pages), longest)
	}
	for i, f := range pages {
		line := sums[i].(map[string]any)
		if line["days"] != float64(len(f.days)) || len(f.days) > 0 && line["first"] != f.day.String() {
			s.Errorf("%s: page %d is %v, want %d days from %s", where, i, line, len(f.days), f.day)
		}
		cells := rows.Eq(i).Find("td")
		for j, n := range spans {
			want := "–"
			if len(f.days) > 0 {
				want = clean(s.written(measure, sum(f.days, n)))
				s.equal(where, measure, line[fmt.Sprintf("first_%d", n)].(map[string]any)[measure], sum(f.days, n))
			}
			if got := strings.Split(clean(cells.Eq(j).Text()), " "); !strings.HasPrefix(strings.Join(got, " "), want) {
				s.Errorf("%s: page %d has %q in its first %d days, want %s", where, i, got, n, want)
			}
		}
		list, _ := curves[i].(map[string]any)["points"].([]any)
		if len(list) != len(f.days) {
			s.Fatalf("%s: page %d has %d points, want %d", where, i, len(list), len(f.days))
		}
		for d := range longest {
			want, plain := "–", ""
			if d < len(f.days) {
				point := list[d].(map[string]any)
				s.equal(where, "pageviews", point["pageviews"], f.days[d])
				s.equal(where, measure, point[measure], f.days[d])
				if point["date"] != (f.day+calendar.Day(d)).String() || point["day"] != float64(d+1) {
					s.Errorf("%s: page %d, point %d: %v", where, i, d, point)
				}
				n, _ := f.days[d].of(measure)
				want, plain = clean(s.written(measure, f.days[d])), s.lang.Plain(n)
			}
			if got := clean(points.Eq(d).Find("td").Eq(i).Text()); got != want {
				s.Errorf("%s: page %d has %q on day %d, want %s", where, i, got, d+1, want)
			}
			if got := sheet[d+1][i+1]; got != plain {
				s.Errorf("%s: page %d has %q on day %d in CSV, want %s", where, i, got, d+1, plain)
			}
		}
	}
}

// checkFinding compares what people looked for and did not find.
func (s told) checkFinding(page *answer, path string, data map[string]any, o over, keep []func(act) bool) {
	s.Helper()
	type times struct{ all, without, before, withoutBefore int }
	terms, gone, links := map[string]times{}, map[string]times{}, map[string]int{}
	add := func(story []act, by func(*times, act)) {
		for _, a := range story {
			if slices.ContainsFunc(keep, func(k func(act) bool) bool { return k != nil && !k(a) }) {
				continue
			}
			m, key := terms, a.name
			if a.missing() {
				m, key = gone, strings.TrimPrefix(a.name, "404 / ")
			} else if a.kind != hit.Search {
				continue
			}
			n := m[key]
			by(&n, a)
			m[key] = n
		}
	}
	add(o.story, func(n *times, a act) {
		n.all++
		if a.found == 0 {
			n.without++
		}
		if a.missing() {
			links[a.path]++
		}
	})
	add(o.storyBefore, func(n *times, a act) {
		n.before++
		if a.found == 0 {
			n.withoutBefore++
		}
	})
	for key, want := range map[string]map[string]times{"search": terms, "search_none": terms, "missing": gone} {
		table, ok := data[key].(map[string]any)
		if !ok {
			continue
		}
		rows := page.Find("#" + key + " tbody tr")
		list, _ := table["lines"].([]any)
		for i, one := range list {
			line := one.(map[string]any)
			value, _ := line["value"].(string)
			n := want[value]
			before, told := line["before"].(map[string]any)
			if _, compared := data["before"]; told != compared || told && before["events"] != float64(n.before) {
				s.Errorf("%s: %s %q has %v before, want %d, or none where nothing is compared", path, key, value, line["before"], n.before)
			}
			if line["events"] != float64(n.all) || key != "missing" && line["without_results"] != float64(n.without) {
				s.Errorf("%s: %s %q has %v, want %+v", path, key, value, line, n)
			}
			if all, _ := line["links"].([]any); key == "missing" {
				for _, link := range all {
					link := link.(map[string]any)
					if from, _ := link["from"].(string); link["events"] != float64(links[from]) {
						s.Errorf("%s: %s links to it %v times, want %d", path, from, link["events"], links[from])
					}
				}
			}
			if got := clean(rows.Eq(i).Find("td").First().Text()); i < rows.Length() && got != clean(s.lang.Number(int64(n.all))) {
				s.Errorf("%s: %s %q has %q on the page, want %d", path, key, value, got, n.all)
			}
		}
		found := 0
		for _, n := range want {
			if n.without > 0 || key != "search_none" && n.all > 0 {
				found++
			}
		}
		if len(list) != found || rows.Length() < min(found, 8) {
			s.Errorf("%s: %s has %d lines and %d rows, want %d", path, key, len(list), rows.Length(), found)
		}
	}
}

// byPage tells an address whose only filter is by pages.
var byPage = regexp.MustCompile(`^[^?]*\?([^f&][^&]*)?&?f=!?page:[^&]*$`)

// checkMovers compares the pages that changed most.
func (s told) checkMovers(page *answer, path string, o over, keep []func(act) bool) {
	s.Helper()
	by := func(story []act) map[string]tally {
		return count(story, func(a act) string {
			for _, k := range keep {
				if k != nil && !k(a) {
					return elsewhere
				}
			}
			return a.path
		})
	}
	now, before := by(o.story), by(o.storyBefore)
	measure := "page_visitors"
	change := func(path string) float64 {
		a, _ := now[path].of(measure)
		b, _ := before[path].of(measure)
		return a/o.day - b/o.dayBefore
	}
	if page.Find("#figure-visitors").Length() == 0 && page.Find("#figure-page_visitors").Length() == 0 && page.Find("#figure-section_visitors").Length() == 0 {
		measure = "pageviews" // by what is not the same all day
		if byPage.MatchString(path) {
			measure = "page_visitors" // each row is of one page
		}
	}
	var most, least float64
	for p := range maps.Keys(now) {
		if p != elsewhere {
			most, least = max(most, change(p)), min(least, change(p))
		}
	}
	for p := range maps.Keys(before) {
		if p != elsewhere {
			most, least = max(most, change(p)), min(least, change(p))
		}
	}
	rows := page.Find("#movers tbody tr")
	rows.Each(func(i int, tr *goquery.Selection) {
		p := clean(tr.Find("th").Text())
		got := tr.Find("td").Map(func(_ int, td *goquery.Selection) string { return clean(td.Text()) })
		word, _ := s.lang.Text("change." + map[bool]string{true: "up", false: "down"}[change(p) > 0])
		want := []string{clean(s.written(measure, before[p])), clean(s.written(measure, now[p])), clean(word + " " + s.lang.Number(int64(math.Abs(change(p)))))}
		if o.perDay {
			want = []string{clean(s.perDay(measure, before[p], o.dayBefore)), clean(s.perDay(measure, now[p], o.day)), clean(word + " " + s.lang.Mean(math.Abs(change(p))))}
		}
		if !slices.Equal(got, want) {
			s.Errorf("%s: mover %s is %q, want %q", path, p, got, want)
		}
		if first := i == 0 && change(p) > 0; first && math.Abs(change(p)-most) > 1e-9 {
			s.Errorf("%s: %s grew by %v, and not most: %v", path, p, change(p), most)
		}
		if last := i == rows.Length()-1 && change(p) < 0; last && math.Abs(change(p)-least) > 1e-9 {
			s.Errorf("%s: %s fell by %v, and not most: %v", path, p, change(p), least)
		}
	})
}

// checkList checks the list of sites, those with the most visitors first, with its sum, in
// all formats.
func checkList(t *testing.T, b *bench, all []told, p chosen, l *i18n.Language) {
	page := b.get("/?"+p.query, "Accept-Language", l.Tag)
	page.want(200)
	var data struct {
		Sites []struct {
			Name            string
			Today, Visitors float64
			Before          map[string]float64
		}
	}
	b.decode("/sites.json?"+p.query, &data)
	sheet := b.sheet("/sites.csv?"+p.query, l)
	if len(data.Sites) != len(all) || len(sheet) != len(all)+1 {
		t.Fatalf("%d sites in JSON and %d rows of CSV, want %d", len(data.Sites), len(sheet), len(all))
	}
	var sum, sumBefore tally
	var o over
	sumToday := 0
	row := func(tr *goquery.Selection) []string {
		return tr.Find("td.n").Map(func(_ int, td *goquery.Selection) string { return clean(td.Text()) })
	}
	want := func(s told, today int, now, before tally) []string {
		cells := []string{clean(l.Number(int64(today))), clean(l.Number(int64(now.visitors)))}
		if o.compared {
			cells = append(cells, s.changedFrom(o, "visitors", now, before))
		} else {
			cells = append(cells, "–")
		}
		return cells
	}
	visitors := map[uint32]int{}
	for _, s := range all {
		s.T = t
		visitors[s.site.ID] = total(s.over(p).story).visitors
	}
	all = slices.SortedStableFunc(slices.Values(all), func(a, b told) int { // most first, then by name
		return cmp.Or(visitors[b.site.ID]-visitors[a.site.ID], cmp.Compare(a.site.Name, b.site.Name))
	})
	for i, s := range all {
		s.T, s.lang = t, l
		o = s.over(p)
		now, before := total(o.story), total(o.storyBefore)
		today := total(between(s.story, day(t, "2026-11-22"), day(t, "2026-11-22"))).visitors
		sum.visitors, sumBefore.visitors, sumToday = sum.visitors+now.visitors, sumBefore.visitors+before.visitors, sumToday+today
		if diff := gocmp.Diff(want(s, today, now, before), row(page.Find(".sites tbody tr").Eq(i))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.site.Name, diff)
		}
		got := data.Sites[i]
		if got.Name != s.site.Name || int(got.Visitors) != now.visitors || int(got.Today) != today || o.compared != (got.Before != nil) || int(got.Before["visitors"]) != before.visitors {
			t.Errorf("%s in JSON: %+v, want %d, today %d, before %d", s.site.Name, got, now.visitors, today, before.visitors)
		}
		if cells := sheet[i+1]; cells[0] != s.site.Name || cells[1] != s.site.Hosts[0] || cells[2] != l.Plain(float64(now.visitors)) {
			t.Errorf("%s in CSV: %q", s.site.Name, cells)
		} else if cells[len(cells)-1] != l.Plain(float64(today)) {
			t.Errorf("%s in CSV: %q, want %d today", s.site.Name, cells, today)
		} else if o.compared && cells[3] != l.Plain(float64(before.visitors)) || !o.compared && len(cells) == 5 && cells[3] != "" {
			t.Errorf("%s in CSV: %q, want %d before", s.site.Name, cells, before.visitors)
		}
	}
	s := all[0]
	s.T, s.lang = t, l
	if diff := gocmp.Diff(want(s, sumToday, sum, sumBefore), row(page.Find(".sites tfoot tr"))); diff != "" {
		t.Errorf("sum (-want +got):\n%s", diff)
	}
}
