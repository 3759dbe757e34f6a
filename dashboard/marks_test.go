package dashboard

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
)

// asked is the question of an address about a site in Oslo, on a day.
func asked(t *testing.T, query, now string) *question {
	t.Helper()
	oslo := zone("Europe/Oslo")
	at, err := time.ParseInLocation("2006-01-02 15:04", now, oslo)
	if err != nil {
		t.Fatal(err)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	period, err := report.ParsePeriod(values, at)
	if err != nil {
		t.Fatal(err)
	}
	of := site.Site{ID: 1, Name: "Vassdal", Hosts: []string{"vassdal.example"}, Location: oslo, School: calendar.SchoolWeeks{Winter: 8, Autumn: 40}}
	return &question{address: address{site: 1, period: period, own: url.Values{}}, of: of, now: at, lang: i18n.Find("nb")}
}

// TestCalendarRemark: a difference by the calendar is said, and none where there is none.
func TestCalendarRemark(t *testing.T) {
	for _, c := range []struct{ query, now, want string }{
		{"period=week&at=2026-W14", "2026-05-20 12:00", "Uke 14 har påske (30. mars – 6. april), det har ikke uke 13."},
		{"period=week&at=2026-W15", "2026-05-20 12:00", "Påske: uke 15 har 1 dag, uke 14 har 7 dager."},
		{"period=week&at=2026-W16", "2026-05-20 12:00", "Uke 15 har påske (30. mars – 6. april), det har ikke uke 16."},
		{"period=week&at=2026-W17", "2026-05-20 12:00", ""},
		{"period=week&at=2026-W14&compare=year", "2026-05-20 12:00", "Uke 14 har påske (30. mars – 6. april), det har ikke uke 14 i 2025."},
		{"period=month&at=2026-05", "2026-06-10 12:00", "Mai 2026 har arbeidernes dag (fredag 1. mai), Kristi himmelfartsdag (torsdag 14. mai), grunnlovsdagen (søndag 17. mai), første pinsedag (søndag 24. mai) og andre pinsedag (mandag 25. mai), det har ikke april 2026. April 2026 har påske (30. mars – 6. april), det har ikke mai 2026."},
		{"period=month&at=2027-05&compare=year", "2027-06-10 12:00", "Arbeidernes dag var en lørdag i mai 2027 og en fredag i mai 2026. Grunnlovsdagen var en mandag i mai 2027 og en søndag i mai 2026."},
		{"period=month&at=2026-02", "2026-06-10 12:00", "Februar 2026 har vinterferie (16.–20. februar), det har ikke januar 2026. Januar 2026 har jul og nyttår (24. desember 2025 – 1. januar 2026), det har ikke februar 2026."},
		{"period=day&at=2026-04-03", "2026-05-20 12:00", "Fredag 3. april 2026: langfredag."},
		{"period=week&at=2025-W37&compare=before", "2026-05-20 12:00", "Uke 37 har stortingsvalg (mandag 8. september) og sametingsvalg (mandag 8. september), det har ikke uke 36."},
		{"period=week&at=2026-W14&compare=none", "2026-05-20 12:00", ""},
		{"period=range&from=2026-03-25&to=2026-06-30", "2026-08-20 12:00", "25. mars – 30. juni 2026 har påske (30. mars – 6. april), arbeidernes dag (fredag 1. mai), Kristi himmelfartsdag (torsdag 14. mai), grunnlovsdagen (søndag 17. mai), første pinsedag (søndag 24. mai), andre pinsedag (mandag 25. mai) og én til, det har ikke 17. desember 2025 – 24. mars 2026. 17. desember 2025 – 24. mars 2026 har jul og nyttår (24. desember 2025 – 1. januar 2026) og vinterferie (16.–20. februar), det har ikke 25. mars – 30. juni 2026."},
		{"period=day&at=2026-05-24", "2026-06-20 12:00", "Søndag 24. mai 2026: første pinsedag. Søndag 17. mai: grunnlovsdagen."},
		{"period=today", "2026-12-24 12:00", "I dag: jul og nyttår."},
		{"period=today", "2027-05-17 12:00", "I dag: grunnlovsdagen og andre pinsedag."},
		{"period=year&at=2025", "2026-05-20 12:00", "2025 har stortingsvalg (mandag 8. september) og sametingsvalg (mandag 8. september), det har ikke 2024."},
		{"period=quarter&at=2026-Q4", "2027-05-20 12:00", "Høstferie: 4. kvartal 2026 har 2 dager, 3. kvartal 2026 har 3 dager. 4. kvartal 2026 har jul og nyttår (24. desember 2026 – 1. januar 2027), det har ikke 3. kvartal 2026. 3. kvartal 2026 har skolenes sommerferie (22. juni – 9. august), det har ikke 4. kvartal 2026."},
	} {
		if got := asked(t, c.query, c.now).calendarRemark(i18n.Find("nb")); strings.ReplaceAll(got, "\u00a0", " ") != c.want {
			t.Errorf("%s (-want +got):\n%s", c.query, cmp.Diff(c.want, got))
		}
	}
}

// TestPlaceOf: days have their place in a chart of days, weeks and months, also in those that
// begin before the period.
func TestPlaceOf(t *testing.T) {
	days := func(from, to string) calendar.Range {
		a, err := calendar.ParseDay(from)
		if err != nil {
			t.Fatal(err)
		}
		b, err := calendar.ParseDay(to)
		if err != nil {
			t.Fatal(err)
		}
		return calendar.Range{From: a, To: b}
	}
	for _, c := range []struct {
		name        string
		step        report.Step
		of          calendar.Range
		days        calendar.Range
		left, right float64
	}{
		{"a day of ten", report.Day, days("2026-10-20", "2026-10-29"), days("2026-10-25", "2026-10-25"), 50, 60},
		{"all", report.Day, days("2026-10-20", "2026-10-29"), days("2026-10-01", "2026-11-30"), 0, 100},
		{"cut", report.Day, days("2026-10-20", "2026-10-29"), days("2026-10-28", "2026-11-30"), 80, 100},
		{"a week of four", report.Week, days("2026-10-05", "2026-11-01"), days("2026-10-12", "2026-10-18"), 25, 50},
		{"a part of a week", report.Week, days("2026-10-08", "2026-11-01"), days("2026-10-12", "2026-10-12"), 25, 25 + 25./7},
		{"the end of the first week", report.Week, days("2026-10-08", "2026-11-01"), days("2026-10-11", "2026-10-11"), 25 - 25./7, 25},
		{"a month of two", report.Month, days("2026-09-01", "2026-10-31"), days("2026-09-16", "2026-09-30"), 25, 50},
		{"hours", report.Hour, days("2026-10-25", "2026-10-25"), days("2026-10-20", "2026-10-30"), 0, 100},
	} {
		query := report.Query{Range: c.of, Step: c.step, Zone: zone("Europe/Oslo")}
		left, right := placeOf(query.Points(report.Result{}, false), c.step)(c.days)
		if d := left - c.left; d > 1e-9 || d < -1e-9 {
			t.Errorf("%s begins at %.3f %%, want %.3f", c.name, left, c.left)
		}
		if d := right - c.right; d > 1e-9 || d < -1e-9 {
			t.Errorf("%s ends at %.3f %%, want %.3f", c.name, right, c.right)
		}
	}
}

// TestPins: heads of notes that would touch are one, in any order.
func TestPins(t *testing.T) {
	for _, c := range []struct {
		at   []float64
		want string
	}{
		{nil, ""},
		{[]float64{50}, "1@50"},
		{[]float64{10, 30, 90}, "1@10 2@30 3@90"},
		{[]float64{10, 12, 30}, "1–2@10 3@30"},
		{[]float64{10, 12, 25, 30}, "1–3@10 4@30"},
		{[]float64{50, 50, 50}, "1–3@50"},
	} {
		var notes []chartNote
		for i, x := range c.at {
			notes = append(notes, chartNote{Number: i + 1, X: x})
		}
		var got []string
		for _, p := range pins(notes) {
			got = append(got, p.Text+"@"+trim(p.X))
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%v: %s, want %s", c.at, text, c.want)
		}
	}
}
