package dashboard

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/PuerkitoBio/goquery"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/chromium"
	"github.com/fotspor/fotspor/internal/race"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
)

// chartCase is a chart that there may be.
type chartCase struct {
	name, query string
	since       calendar.Day                          // first day that was counted
	value       func(at time.Time, before bool) int64 // of each point
	hidden      func(at time.Time) bool               // a Guard hides the point
	notes       func(days calendar.Range) []site.Note // nil: none
	points      int                                   // how many there must be
	whole, part int                                   // polylines
}

// wave is a number that weekdays and hours sway.
func wave(top float64) func(time.Time, bool) int64 {
	return func(at time.Time, before bool) int64 {
		v := top * (0.72 + 0.28*math.Sin(float64(at.Unix())/86400/5))
		if weekday := at.Weekday(); weekday == time.Saturday || weekday == time.Sunday {
			v *= 0.45
		}
		if before {
			v *= 0.93
		}
		return int64(v)
	}
}

func flat(n int64) func(time.Time, bool) int64 { return func(time.Time, bool) int64 { return n } }

func notesAt(offsets ...calendar.Day) func(calendar.Range) []site.Note {
	return func(days calendar.Range) []site.Note {
		var all []site.Note
		for i, at := range offsets {
			all = append(all, site.Note{ID: uint64(i + 1), Days: calendar.One(days.From + at), Text: "Pressemelding om budsjettet for 2027 ble sendt ut", Who: "kari"})
		}
		return all
	}
}

// chartCases are asked on Sunday 22 November 2026 at 13:30 in Oslo.
var chartCases = []chartCase{
	{name: "a week", query: "period=week&at=2026-W46", value: wave(1400), notes: notesAt(1), points: 7, whole: 1},
	{name: "a week at Easter", query: "period=week&at=2026-W14", value: wave(1400), points: 7, whole: 1},
	{name: "a week that is not over", query: "period=week&at=2026-W47", value: wave(1400), points: 7, whole: 1},
	{name: "a week without days before", query: "period=week&at=2026-W46&compare=none", value: wave(99999), points: 7, whole: 1},
	{name: "huge", query: "period=week&at=2026-W46", value: wave(123456789), points: 7, whole: 1},
	{name: "thousand millions", query: "period=month&at=2026-10", value: wave(2.4e9), points: 31, whole: 1},
	{name: "ones", query: "period=week&at=2026-W46", value: flat(1), points: 7, whole: 1},
	{name: "nothing", query: "period=week&at=2026-W46", value: flat(0), points: 7, whole: 1},
	{name: "nothing but the days before", query: "period=week&at=2026-W46", value: func(_ time.Time, before bool) int64 {
		if before {
			return 40
		}
		return 0
	}, points: 7, whole: 1},
	{name: "not counted", query: "period=28d&at=2026-11-20", since: moodDay - 9, value: wave(300), points: 28, whole: 1},
	{name: "one point", query: "period=range&from=2026-11-10&to=2026-11-10", value: wave(300), points: 24, whole: 1},
	{name: "two points", query: "period=range&from=2026-11-10&to=2026-11-11", value: wave(300), points: 2, whole: 1},
	{name: "eight points", query: "period=range&from=2026-11-10&to=2026-11-17", value: wave(54321), points: 8, whole: 1},
	{name: "nine points", query: "period=range&from=2026-11-10&to=2026-11-18", value: wave(54321), points: 9, whole: 1},
	{name: "two weeks", query: "period=range&from=2026-10-26&to=2026-11-08", value: wave(12000), points: 14, whole: 1},
	{name: "28 days", query: "period=28d&at=2026-11-20", value: wave(1400), notes: notesAt(2, 3, 4, 12, 27), points: 28, whole: 1},
	{name: "a month", query: "period=month&at=2026-05", value: wave(1400), notes: notesAt(10), points: 31, whole: 1},
	{name: "a month that is not over", query: "period=month&at=2026-11", value: wave(1400), points: 30, whole: 1},
	{name: "a quarter", query: "period=quarter&at=2026-Q2", value: wave(1400), notes: notesAt(0, 1, 2, 44, 90), points: 91, whole: 1},
	{name: "summer", query: "period=quarter&at=2026-Q3", value: wave(1400), points: 92, whole: 1},
	{name: "weeks", query: "period=tertial&at=2026-T2", value: wave(9800), notes: notesAt(30, 31), points: 19, whole: 1, part: 2},
	{name: "weeks from a Monday", query: "period=range&from=2026-01-05&to=2026-10-04", value: wave(9800), points: 39, whole: 1},
	{name: "two years of weeks", query: "period=range&from=2025-01-01&to=2026-11-21", since: 19000, value: wave(9800), points: 99, whole: 1, part: 2},
	{name: "a year", query: "period=year&at=2025", value: wave(43210), notes: notesAt(100), points: 12, whole: 1},
	{name: "a year that is not over", query: "period=year&at=2026", value: wave(43210), points: 12, whole: 1, part: 1},
	{name: "five years", query: "period=range&from=2021-06-01&to=2026-05-31", since: 18000, value: wave(43210), points: 60, whole: 1},
	{name: "today", query: "period=today", value: wave(80), notes: notesAt(0), points: 24, whole: 1, part: 1},
	{name: "a day", query: "period=day&at=2026-11-20", value: wave(80), points: 24, whole: 1},
	{name: "17 May", query: "period=day&at=2026-05-17", value: wave(80), points: 24, whole: 1},
	{name: "25 hours", query: "period=day&at=2026-10-25", value: wave(80), points: 25, whole: 1},
	{name: "23 hours", query: "period=day&at=2026-03-29", value: wave(80), points: 23, whole: 1},
	{name: "a share", query: "period=week&at=2026-W46&measure=bounce_rate", value: wave(1400), points: 7, whole: 1},
	{name: "a time", query: "period=28d&at=2026-11-20&measure=visit_seconds", value: wave(1400), points: 28, whole: 1},
	{name: "hidden days", query: "period=28d&at=2026-11-20", value: wave(40), hidden: func(at time.Time) bool { return at.Day()%6 == 0 || at.Day() == 1 || at.Day() == 13 || at.Day() == 11 }, points: 28, whole: 5},
	{name: "hidden days of few", query: "period=week&at=2026-W46", value: wave(40), hidden: func(at time.Time) bool { return at.Day()%3 == 0 }, points: 7, whole: 2},
}

// drawn are a store and a source of figures for a chart.
type drawn struct {
	invented
	chartCase
}

func (d *drawn) Notes(_ context.Context, _ uint32, days calendar.Range) ([]site.Note, error) {
	if d.notes == nil {
		return nil, nil
	}
	return d.notes(days), nil
}

func (d *drawn) Site(context.Context, uint32) (site.Site, error) {
	s := aSite
	s.Name, s.School = "Vassdal kommune", calendar.SchoolWeeks{Winter: 8, Autumn: 40}
	s.Guard = 5
	return s, nil
}

func (d *drawn) CountedSince(context.Context, ...uint32) (map[uint32]calendar.Day, error) {
	return map[uint32]calendar.Day{1: max(d.since, 1)}, nil
}

// Ask implements report.Source.
func (d *drawn) Ask(_ context.Context, queries []report.Query) ([]report.Result, error) {
	results := make([]report.Result, len(queries))
	for i, q := range queries {
		if q.Step == "" {
			continue
		}
		for _, before := range []bool{false, true} {
			for _, p := range q.Points(report.Result{}, before) {
				line := report.Line{At: p.At}
				for _, m := range report.Measures {
					v := d.value(p.At.In(q.Zone), before)
					switch m.Key {
					case "bounces":
						v = v * 47 / 100
					case "seconds":
						v *= 97
					}
					if before {
						line.Before = line.Before.With(m.Key, v)
					} else {
						line.Now = line.Now.With(m.Key, v)
					}
				}
				if d.hidden != nil && d.hidden(p.At) {
					line.Hidden, line.Now = report.Below, report.Sums{}
				}
				results[i].Lines = append(results[i].Lines, line)
			}
		}
	}
	return results, nil
}

// serve answers with the overview of a case.
func (c chartCase) serve(t *testing.T) http.Handler {
	t.Helper()
	story := &drawn{invented{mood: much}, c}
	d, err := New(Options{Store: story, Figures: story, Now: moodNow, Statement: func(uint32) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	d.Routes(mux)
	return mux
}

// TestCharts draws each case in each language, and holds it to what makes a chart readable:
// a scale from nothing in at most six round lines, every point within it, no two texts over
// each other on a desk or a phone, and a table with all points.
func TestCharts(t *testing.T) {
	race.Skip(t)
	for _, c := range chartCases {
		for _, l := range i18n.All() {
			t.Run(c.name+"/"+l.Tag, func(t *testing.T) {
				r := httptest.NewRequest(http.MethodGet, "/sites/1?"+c.query, nil)
				r.Header.Set("Accept-Language", l.Tag)
				r.AddCookie(&http.Cookie{Name: sessionCookie, Value: strings.Repeat("A", 52)})
				w := httptest.NewRecorder()
				c.serve(t).ServeHTTP(w, r)
				doc := checkHTML(t, l, w.Body.String())
				chart := doc.Find("#chart")
				if chart.Length() != 1 {
					t.Fatalf("status %d, no chart", w.Code)
				}
				c.check(t, chart)
			})
		}
	}
}

func (c chartCase) check(t *testing.T, chart *goquery.Selection) {
	t.Helper()
	if rows, columns := chart.Find(".numbers tbody tr").Length(), chart.Find(".col").Length(); rows != c.points || columns != c.points {
		t.Errorf("%d rows and %d columns, want %d points", rows, columns, c.points)
	}
	if n := chart.Find("polyline.line:not(.today)").Length(); n != c.whole {
		t.Errorf("%d lines, want %d", n, c.whole)
	}
	if n := chart.Find("polyline.today").Length(); n != c.part {
		t.Errorf("%d lines of parts, want %d", n, c.part)
	}
	if says := strings.TrimSpace(chart.Find("#chart-says").Text()); says == "" {
		t.Error("nothing is said of the chart")
	}
	number := func(s *goquery.Selection, name string) float64 {
		x, err := strconv.ParseFloat(strings.TrimSuffix(s.AttrOr(name, ""), "%"), 64)
		if err != nil {
			t.Fatalf("%s=%q", name, s.AttrOr(name, ""))
		}
		return x
	}
	// The scale.
	grid := chart.Find("line.base, line.grid")
	if n := grid.Length(); n < 2 || n > 6 {
		t.Errorf("%d lines of the scale", n)
	}
	if y := number(grid.Eq(0), "y1"); y != 232 {
		t.Errorf("the scale begins at %v", y)
	}
	seen := map[string]bool{}
	chart.Find("svg[role=img] > text[text-anchor=end]").Each(func(_ int, s *goquery.Selection) {
		if text := s.Text(); seen[text] || utf8.RuneCountInString(text) > 10 {
			t.Errorf("%q on the scale, twice or too long", text)
		}
		room := 44. + 16 - 8 // what a small screen has, with its margin
		if chart.Find(".plot").HasClass("long") {
			room = 72 - 8
		}
		if size := float64(utf8.RuneCountInString(s.Text())) * 6.2; size > room {
			t.Errorf("%q on the scale is %v pixels wide, and has room for %v", s.Text(), size, room)
		}
		seen[s.Text()] = true
	})
	chart.Find(".col[data-y]").Each(func(_ int, s *goquery.Selection) {
		if y := number(s, "data-y"); y < 24 || y > 232 {
			t.Errorf("a point at %v", y)
		}
	})
	// Texts in one line are beside each other.
	beside := func(what, selector string, width float64, skip string, start bool) {
		last, end := "", math.Inf(-1)
		chart.Find(selector).Not(skip).Each(func(_ int, s *goquery.Selection) {
			clone := s.Clone()
			clone.Find("tspan").Remove()
			text := strings.TrimSpace(clone.Text())
			size := float64(utf8.RuneCountInString(text)) * 6.2
			x := number(s, "x")/100*width - size/2
			if start {
				x += size / 2
			}
			if x < end {
				t.Errorf("%s %q and %q are over each other on a chart of %v pixels", what, last, text, width)
			}
			last, end = text, x+size
		})
	}
	const wide, narrow = 504, 272 // of a screen of 700 and of 360
	beside("labels", "text[y='252']", wide, "", false)
	beside("labels", "text[y='252']", narrow, ".lo", false)
	beside("values", "text.val", wide, "", false)
	beside("values", "text.val", narrow, ".lo", false)
	beside("names", "text[y='225']", wide, "", true)
	beside("pins", "text.flag", narrow, "", false)
	first, last := chart.Find("text[y='252']").First(), chart.Find("text[y='252']").Last()
	if first.Length() == 0 || number(first, "x") > 30 || number(last, "x") < 70 {
		t.Errorf("labels from %s to %s", first.AttrOr("x", ""), last.AttrOr("x", ""))
	}
}

// TestScale: the lines are round, as few as tell, and the last is above the top.
func TestScale(t *testing.T) {
	for _, c := range []struct {
		measure string
		top     float64
		want    string
	}{
		{"visitors", 0, "0 1"}, {"visitors", 1, "0 1"}, {"visitors", 3, "0 1 2 3"}, {"visitors", 5, "0 1 2 3 4 5"}, {"visitors", 5.1, "0 2 4 6"},
		{"visitors", 11, "0 5 10 15"}, {"visitors", 99, "0 20 40 60 80 100"}, {"visitors", 100, "0 20 40 60 80 100"}, {"visitors", 101, "0 25 50 75 100 125"},
		{"visitors", 1392, "0 500 1,000 1,500"}, {"visitors", 250000, "0 50,000 100,000 150,000 200,000 250,000"},
		{"visitors", 2.1e6, "0 0.5m 1m 1.5m 2m 2.5m"}, {"visitors", 3e9, "0 1bn 2bn 3bn"}, {"visitors", 9e15, "0 2,000,000bn 4,000,000bn 6,000,000bn 8,000,000bn 10,000,000bn"},
		{"bounce_rate", 0.5, "0% 10% 20% 30% 40% 50%"}, {"bounce_rate", 0.03, "0% 1% 2% 3%"}, {"bounce_rate", 1.16, "0% 20% 40% 60% 80% 100%"},
		{"visit_seconds", 4, "0 1 s 2 s 3 s 4 s"}, {"visit_seconds", 112, "0 0.5 min 1 min 1.5 min 2 min"}, {"visit_seconds", 1200, "0 5 min 10 min 15 min 20 min"},
		{"visit_seconds", 9000, "0 0.5 h 1 h 1.5 h 2 h 2.5 h"}, {"visit_seconds", 75, "0 20 s 40 s 60 s 80 s"}, {"visit_seconds", 90000, "0 5 h 10 h 15 h 20 h 25 h"}, {"pages_per_visit", 2.3, "0.0 0.5 1.0 1.5 2.0 2.5"},
	} {
		lines, y := scale(i18n.Find("en"), c.measure, c.top)
		var texts []string
		for i, line := range lines {
			texts = append(texts, strings.ReplaceAll(line.Text, "\u00a0", " "))
			if i > 0 && line.Y >= lines[i-1].Y {
				t.Errorf("%s to %v: line %d at %v is not above the one before", c.measure, c.top, i, line.Y)
			}
		}
		if got := strings.Join(texts, " "); got != c.want {
			t.Errorf("%s to %v: %s, want %s", c.measure, c.top, got, c.want)
		}
		if y(0) != plotTop+plotHeight || math.Abs(lines[len(lines)-1].Y-plotTop) > 1e-6 || y(min(c.top, 1e300)) < plotTop-40 {
			t.Errorf("%s to %v: 0 is at %v, the top at %v", c.measure, c.top, y(0), y(c.top))
		}
	}
}

// TestLines: each point that is joined to the next is in one line with it, and no other.
func TestLines(t *testing.T) {
	for joined, want := range map[string]string{
		"": "", "0": "", "10": "0-1", "110": "0-1-2", "1010": "0-1 2-3", "0110": "1-2-3", "11011": "0-1-2 3-4", "0000": "",
	} {
		n := len(joined)
		var got []string
		for _, line := range lines(n, func(i int) bool { return joined[i] == '1' }, func(i int) float64 { return float64(i) + plotTop }) {
			var at []string
			for _, p := range strings.Fields(line) {
				_, y, _ := strings.Cut(p, ",")
				at = append(at, y)
			}
			got = append(got, strings.Join(at, "-"))
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s: %s, want %s", joined, text, want)
		}
	}
}

// TestSays: what is said of a chart is what it shows.
func TestSays(t *testing.T) {
	for name, want := range map[string]string{
		"nothing": "Ingenting er telt her.",
		"ones":    "1 hele veien.",
		"a week":  "Mer enn uke 45 på 7 dager, mindre på ingen dager.",
		"today":   "Bare en del: 22. nov. 13.00, ",
	} {
		for _, c := range chartCases {
			if c.name != name {
				continue
			}
			r := httptest.NewRequest(http.MethodGet, "/sites/1?"+c.query, nil)
			r.Header.Set("Accept-Language", "nb")
			r.AddCookie(&http.Cookie{Name: sessionCookie, Value: strings.Repeat("A", 52)})
			w := httptest.NewRecorder()
			c.serve(t).ServeHTTP(w, r)
			doc, err := goquery.NewDocumentFromReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.ReplaceAll(doc.Find("#chart-says").Text(), "\u00a0", " "); !strings.Contains(got, want) {
				t.Errorf("%s: %q, want %q in it", name, got, want)
			}
		}
	}
}

// TestChartShots saves pictures of all cases in the folder FOTSPOR_SHOTS.
func TestChartShots(t *testing.T) {
	dir := os.Getenv("FOTSPOR_SHOTS")
	if dir == "" {
		t.Skip("set FOTSPOR_SHOTS to a folder to save screenshots there")
	}
	only := os.Getenv("FOTSPOR_CHART") // part of a name
	tab := chromium.Open(t, chromedp.Flag("accept-lang", "nb"))
	tab.Ignore("500") // the log-in page of a store without users
	for _, c := range chartCases {
		if !strings.Contains(c.name, only) {
			continue
		}
		server := httptest.NewServer(c.serve(t))
		tab.Do(chromedp.Navigate(server.URL + "/login"))
		chromium.Run(tab, chromedp.Evaluate[string]("document.cookie = '"+sessionCookie+"="+strings.Repeat("A", 52)+"; path=/'"))
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{1440, 390, 320} {
				if scheme == "dark" && width == 320 {
					continue
				}
				chromium.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
				tab.Do(chromedp.EmulateViewport(width, 900), chromedp.Navigate(server.URL+"/sites/1?"+c.query))
				picture := chromium.Run(tab, chromedp.Screenshot("#chart"))
				file := filepath.Join(dir, fmt.Sprintf("chart-%s-%d-%s.png", strings.ReplaceAll(c.name, " ", "_"), width, scheme))
				if err := os.WriteFile(file, picture, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		server.Close()
	}
}

// TestHoursBeside: an hour stands beside the one of the same time of the clock, also where one
// of the two days lacks an hour or has one twice, and so do the sentences under the chart.
func TestHoursBeside(t *testing.T) {
	day := func(s string) calendar.Day {
		d, err := calendar.ParseDay(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, tt := range []struct {
		zone, day, before string
		want              string // the hours before, "-" for none
	}{
		{"Europe/Oslo", "2026-03-28", "2026-03-21", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23"},
		{"Europe/Oslo", "2026-03-29", "2026-03-22", "0 1 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23"},
		{"Europe/Oslo", "2026-04-05", "2026-03-29", "0 1 - 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23"},
		{"Europe/Oslo", "2026-10-25", "2026-10-18", "0 1 2 - 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23"},
		{"Europe/Oslo", "2026-11-01", "2026-10-25", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23"},
		{"Europe/Oslo", "2026-10-25", "2025-10-26", "0 1 2 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23"},
		{"America/St_Johns", "2026-03-08", "2026-03-01", "0 1 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23"},
		{"America/St_Johns", "2026-11-01", "2026-10-25", "0 1 - 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23"},
		{"Australia/Lord_Howe", "2026-10-04", "2026-09-27", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23"},
		{"Australia/Lord_Howe", "2026-04-05", "2026-03-29", "0 1 - 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23"},
		{"Pacific/Chatham", "2026-09-27", "2026-09-20", "0 1 2 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23"},
		{"Asia/Kolkata", "2026-03-29", "2026-03-22", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23"},
	} {
		zone, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		before := calendar.One(day(tt.before))
		asked := report.Query{Zone: zone, Range: calendar.One(day(tt.day)), Compare: &before, Step: report.Hour, Measures: []string{"pageviews"}}
		var r report.Result
		line := func(p report.Point) (l report.Line, hour int64) {
			return report.Line{At: p.At}, int64(p.At.In(zone).Hour()) + 1
		}
		for _, p := range asked.Points(r, false) { // as many views as the clock shows, one more
			l, n := line(p)
			l.Now = l.Now.With("pageviews", n)
			r.Lines = append(r.Lines, l)
		}
		for _, p := range asked.Points(r, true) {
			l, n := line(p)
			l.Before = l.Before.With("pageviews", n)
			r.Lines = append(r.Lines, l)
		}
		l := i18n.All()[0]
		now := time.Date(2026, 11, 22, 12, 0, 0, 0, zone)
		period, err := report.ParsePeriod(map[string][]string{"period": {"day"}, "at": {tt.day}, "compare": {map[bool]string{true: "year", false: "before"}[tt.before[:4] == "2025"]}}, now)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := period.Before(); got != before {
			t.Fatalf("%s is compared with %s, want %s", tt.day, got, before)
		}
		q := &question{address: address{period: period}, of: site.Site{Hosts: []string{"a.example"}, Location: zone}, now: now, lang: l}
		c := q.draw(l, &answer{Result: r, query: asked}, []string{"pageviews"})
		var got []string
		for i, p := range c.Points {
			hour := asked.Points(r, false)[i].At.In(zone).Hour()
			want := strconv.Itoa(hour + 1)
			if p.Value != want || p.Was != "" && p.Was != want {
				t.Errorf("%s %s: %s has %q beside %q, want %q", tt.zone, tt.day, p.Title, p.Value, p.Was, want)
			}
			if p.Was == "" {
				got = append(got, "-")
			} else {
				got = append(got, strconv.Itoa(hour))
			}
		}
		if got := strings.Join(got, " "); got != tt.want {
			t.Errorf("%s %s beside %s: hours before\n%s, want\n%s", tt.zone, tt.day, tt.before, got, tt.want)
		}
		if before := nameOfBefore(l, period); strings.Contains(c.Says, before) {
			t.Errorf("%s %s says %q of %s, and each hour is as before", tt.zone, tt.day, c.Says, before)
		}
	}
}
