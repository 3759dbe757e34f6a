package calendar_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
)

func date(year int, month time.Month, d int) calendar.Day {
	return calendar.DayOf(time.Date(year, month, d, 0, 0, 0, 0, time.UTC))
}

// TestEaster has years that were, years to come, the earliest and the latest days there can
// be, and years in which the reckoning makes an exception.
func TestEaster(t *testing.T) {
	for _, want := range []string{
		"2000-04-23", "2008-03-23", "2011-04-24", "2016-03-27", "2019-04-21",
		"2020-04-12", "2021-04-04", "2022-04-17", "2023-04-09", "2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28",
		"2028-04-16", "2029-04-01", "2030-04-21", "2031-04-13", "2032-03-28", "2033-04-17", "2034-04-09", "2035-03-25",
		"1818-03-22", "2285-03-22", "1943-04-25", "2038-04-25", // earliest, latest
		"1954-04-18", "1981-04-19", "2049-04-18", "2076-04-19", "2106-04-18", "2133-04-19", // exceptions
		"1970-03-29", "2100-03-28", "2200-04-06",
	} {
		year := day(t, want).Time().Year()
		if got := calendar.Easter(year); got != day(t, want) {
			t.Errorf("Easter %d = %s, want %s", year, got, want)
		}
	}
}

// TestEasterByButcher compares with the rule of Butcher's Ecclesiastical Calendar (1876),
// which has neither moon nor weekday.
func TestEasterByButcher(t *testing.T) {
	for year := 1583; year < 4100; year++ {
		a, b, c := year%19, year/100, year%100
		d, e, f := b/4, b%4, (b+8)/25
		g := (b - f + 1) / 3
		h := (19*a + b - d - g + 15) % 30
		i, k := c/4, c%4
		l := (32 + 2*e + 2*i - h - k) % 7
		m := (a + 11*h + 22*l) / 451
		n := h + l - 7*m + 114
		if want := date(year, time.Month(n/31), n%31+1); calendar.Easter(year) != want {
			t.Errorf("Easter %d = %s, want %s", year, calendar.Easter(year), want)
		}
	}
}

// TestNorway has the events of a range as people know them from their calendars.
func TestNorway(t *testing.T) {
	vestland := calendar.SchoolWeeks{Winter: 9, Autumn: 41}
	for _, c := range []struct {
		from, to string
		weeks    calendar.SchoolWeeks
		want     string
	}{
		// Holidays on a Sunday are holidays: 17 May 2026.
		{"2026-05-01", "2026-05-31", vestland, "labour_day 05-01, ascension_day 05-14, constitution_day 05-17, whit_sunday 05-24, whit_monday 05-25"},
		// Two on one day: Whit Monday and 17 May 2027, Ascension Day and 1 May 2008, Ascension Day and 17 May 2012.
		{"2027-05-10", "2027-05-20", vestland, "whit_sunday 05-16, constitution_day 05-17, whit_monday 05-17"},
		{"2008-05-01", "2008-05-01", vestland, "labour_day 05-01, ascension_day 05-01"},
		{"2012-05-17", "2012-05-17", vestland, "constitution_day 05-17, ascension_day 05-17"},
		// A break of which only a day is in the range is whole.
		{"2026-04-06", "2026-04-12", vestland, "easter_break 03-30–04-06, easter_monday 04-06"},
		{"2026-03-30", "2026-04-05", vestland, "easter_break 03-30–04-06, maundy_thursday 04-02, good_friday 04-03, easter_sunday 04-05"},
		{"2026-12-21", "2027-01-03", vestland, "christmas_break 12-24–01-01, christmas_day 12-25, boxing_day 12-26, new_years_day 01-01"},
		{"2026-12-31", "2026-12-31", vestland, "christmas_break 12-24–01-01"},
		{"2026-01-01", "2026-01-01", vestland, "christmas_break 12-24–01-01, new_years_day 01-01"},
		// The weeks of a municipality, and none where nobody has said which they are.
		{"2026-02-01", "2026-03-15", vestland, "winter_break 02-23–02-27"},
		{"2026-02-01", "2026-03-15", calendar.SchoolWeeks{Winter: 8}, "winter_break 02-16–02-20"},
		{"2026-02-01", "2026-03-15", calendar.SchoolWeeks{}, ""},
		{"2026-09-20", "2026-10-20", vestland, "autumn_break 10-05–10-09"},
		{"2026-10-10", "2026-10-11", vestland, ""}, // the weekend behind it
		{"2026-06-01", "2026-08-31", vestland, "summer_break 06-22–08-09"},
		{"2027-06-01", "2027-08-31", vestland, "summer_break 06-28–08-15"},
		{"2026-05-02", "2026-04-30", vestland, ""},
	} {
		var got []string
		for _, e := range calendar.Norway(calendar.Range{From: day(t, c.from), To: day(t, c.to)}, c.weeks) {
			text := e.Name + " " + e.Days.From.String()[5:]
			if e.Days.Days() > 1 {
				text += "–" + e.Days.To.String()[5:]
			}
			got = append(got, text)
		}
		if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s to %s (-want +got):\n%s", c.from, c.to, diff)
		}
	}
}

// TestMoveableDays has Maundy Thursday, Ascension Day and Whit Monday of 2020 to 2035.
func TestMoveableDays(t *testing.T) {
	for _, want := range []string{
		"2020: 04-09 05-21 06-01", "2021: 04-01 05-13 05-24", "2022: 04-14 05-26 06-06", "2023: 04-06 05-18 05-29",
		"2024: 03-28 05-09 05-20", "2025: 04-17 05-29 06-09", "2026: 04-02 05-14 05-25", "2027: 03-25 05-06 05-17",
		"2028: 04-13 05-25 06-05", "2029: 03-29 05-10 05-21", "2030: 04-18 05-30 06-10", "2031: 04-10 05-22 06-02",
		"2032: 03-25 05-06 05-17", "2033: 04-14 05-26 06-06", "2034: 04-06 05-18 05-29", "2035: 03-22 05-03 05-14",
	} {
		var year int
		fmt.Sscanf(want, "%d", &year)
		got := fmt.Sprintf("%d:", year)
		for _, e := range calendar.Norway(calendar.Range{From: date(year, 1, 1), To: date(year, 12, 31)}, calendar.SchoolWeeks{}) {
			switch e.Name {
			case "maundy_thursday", "ascension_day", "whit_monday":
				got += " " + e.Days.From.String()[5:]
			}
		}
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestElections has the days on which elections were held, and those that are announced.
func TestElections(t *testing.T) {
	want := map[int]string{
		2005: "09-12 storting sami", 2007: "09-10 municipal", 2009: "09-14 storting sami", 2011: "09-12 municipal",
		2013: "09-09 storting sami", 2015: "09-14 municipal", 2017: "09-11 storting sami", 2019: "09-09 municipal",
		2021: "09-13 storting sami", 2023: "09-11 municipal", 2025: "09-08 storting sami", 2027: "09-13 municipal",
	}
	for year := 1999; year <= 2028; year++ {
		got := ""
		for _, e := range calendar.Norway(calendar.Range{From: date(year, 1, 1), To: date(year, 12, 31)}, calendar.SchoolWeeks{}) {
			if e.Kind == calendar.Election {
				if got == "" {
					got = e.Days.From.String()[5:]
				}
				got += " " + strings.TrimSuffix(e.Name, "_election")
			}
		}
		if got != want[year] {
			t.Errorf("%d: %q, want %q", year, got, want[year])
		}
	}
}

// TestEventsOfOneDay: which events a day has does not depend on the range it is asked in.
func TestEventsOfOneDay(t *testing.T) {
	weeks := calendar.SchoolWeeks{Winter: 8, Autumn: 40}
	all := calendar.Norway(calendar.Range{From: date(2019, 12, 20), To: date(2036, 1, 10)}, weeks)
	holidays := map[int]int{}
	for d := date(2019, 12, 20); d <= date(2036, 1, 10); d++ {
		var want []calendar.Event
		for _, e := range all {
			if e.Days.Contains(d) {
				want = append(want, e)
			}
		}
		got := calendar.Norway(calendar.One(d), weeks)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s (-in a long range +alone):\n%s", d, diff)
		}
		for _, e := range got {
			if e.Kind == calendar.Holiday {
				holidays[d.Time().Year()]++
			}
		}
	}
	for year := 2020; year <= 2035; year++ {
		if holidays[year] != 12 {
			t.Errorf("%d has %d public holidays, want 12", year, holidays[year])
		}
	}
}

func TestSchoolWeeks(t *testing.T) {
	for weeks, want := range map[calendar.SchoolWeeks]bool{
		{}: true, {Winter: 8, Autumn: 40}: true, {Autumn: 41}: true, {Winter: 11, Autumn: 42}: true, {Winter: 7, Autumn: 39}: true,
		{Winter: 6}: false, {Winter: 12}: false, {Winter: -1}: false, {Autumn: 8}: false, {Autumn: 43}: false, {Winter: 40}: false,
	} {
		if weeks.Valid() != want {
			t.Errorf("%+v is valid: %t, want %t", weeks, !want, want)
		}
	}
}
