package report_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/report"
)

func at(t testing.TB, zone, clock string) time.Time {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	now, err := time.ParseInLocation("2006-01-02 15:04", clock, loc)
	if err != nil {
		t.Fatal(err)
	}
	return now
}

func parsePeriod(t testing.TB, query string, now time.Time) report.Period {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	p, err := report.ParsePeriod(values, now)
	if err != nil {
		t.Fatalf("parse period %q: %v", query, err)
	}
	return p
}

func TestPeriods(t *testing.T) {
	now := at(t, "Europe/Oslo", "2026-11-26 12:45") // a Thursday
	for _, test := range []struct{ why, query, days, before string }{
		{"the default is the last whole week", "", "2026-11-16/2026-11-22", "2026-11-09/2026-11-15"},
		{"seven days end with the last whole day", "period=7d", "2026-11-19/2026-11-25", "2026-11-12/2026-11-18"},
		{"28 days end with the last whole day", "period=28d", "2026-10-29/2026-11-25", "2026-10-01/2026-10-28"},
		{"seven days of the year before begin on the same weekday", "period=7d&compare=year", "2026-11-19/2026-11-25", "2025-11-20/2025-11-26"},
		{"seven days by date of the year before", "period=7d&compare=year&align=date", "2026-11-19/2026-11-25", "2025-11-19/2025-11-25"},
		{"a day is yesterday, beside the same weekday", "period=day", "2026-11-25/2026-11-25", "2026-11-18/2026-11-18"},
		{"a day by date is beside the day before", "period=day&align=date", "2026-11-25/2026-11-25", "2026-11-24/2026-11-24"},
		{"a day that is named", "period=day&at=2026-11-24", "2026-11-24/2026-11-24", "2026-11-17/2026-11-17"},
		{"today is beside the same weekday of the week before", "period=today", "2026-11-26/2026-11-26", "2026-11-19/2026-11-19"},
		{"today by date is beside yesterday", "period=today&align=date", "2026-11-26/2026-11-26", "2026-11-25/2026-11-25"},
		{"today beside the same weekday of the year before", "period=today&compare=year", "2026-11-26/2026-11-26", "2025-11-27/2025-11-27"},
		{"a week by its number", "period=week&at=2026-W01", "2025-12-29/2026-01-04", "2025-12-22/2025-12-28"},
		{"week 53", "period=week&at=2020-W53", "2020-12-28/2021-01-03", "2020-12-21/2020-12-27"},
		{"a week is beside that of its number in the year before", "period=week&at=2021-W08&compare=year", "2021-02-22/2021-02-28", "2020-02-17/2020-02-23"},
		{"week 53 has none of its number and is beside the 52nd before it", "period=week&at=2020-W53&compare=year", "2020-12-28/2021-01-03", "2019-12-30/2020-01-05"},
		{"a week that is not over has the days that are", "period=week&at=2026-W48", "2026-11-23/2026-11-25", "2026-11-16/2026-11-18"},
		{"by date too", "period=week&at=2026-W48&align=date", "2026-11-23/2026-11-25", "2026-11-16/2026-11-18"},
		{"the last whole month", "period=month", "2026-10-01/2026-10-31", "2026-09-01/2026-09-30"},
		{"the month of the year before", "period=month&compare=year", "2026-10-01/2026-10-31", "2025-10-01/2025-10-31"},
		{"a month that is not over", "period=month&at=2026-11", "2026-11-01/2026-11-25", "2026-10-01/2026-10-25"},
		{"March has more days than February", "period=month&at=2026-03", "2026-03-01/2026-03-31", "2026-02-01/2026-02-28"},
		{"the last whole quarter", "period=quarter", "2026-07-01/2026-09-30", "2026-04-01/2026-06-30"},
		{"a quarter that is not over is beside the same part", "period=quarter&at=2026-Q4", "2026-10-01/2026-11-25", "2026-07-01/2026-08-25"},
		{"the last whole tertial", "period=tertial", "2026-05-01/2026-08-31", "2026-01-01/2026-04-30"},
		{"the tertial before it is of the year before", "period=tertial&at=2026-T1", "2026-01-01/2026-04-30", "2025-09-01/2025-12-31"},
		{"the last whole year", "period=year", "2025-01-01/2025-12-31", "2024-01-01/2024-12-31"},
		{"this year so far", "period=year&at=2026", "2026-01-01/2026-11-25", "2025-01-01/2025-11-25"},
		{"a range is moved by whole weeks", "period=range&from=2026-11-01&to=2026-11-10", "2026-11-01/2026-11-10", "2026-10-18/2026-10-27"},
		{"a range by date is beside the days just before", "period=range&from=2026-11-01&to=2026-11-10&align=date", "2026-11-01/2026-11-10", "2026-10-22/2026-10-31"},
		{"a range ends with the last whole day", "period=range&from=2026-11-01&to=2026-12-31", "2026-11-01/2026-11-25", "2026-10-04/2026-10-28"},
		{"a leap day by date", "period=range&from=2024-02-29&to=2024-03-01&compare=year&align=date", "2024-02-29/2024-03-01", "2023-02-28/2023-03-01"},
		{"beside nothing", "period=week&compare=none", "2026-11-16/2026-11-22", ""},
	} {
		p := parsePeriod(t, test.query, now)
		before := ""
		if days, ok := p.Before(); ok {
			before = days.String()
		}
		if p.Range.String() != test.days || before != test.before {
			t.Errorf("%s: %q is %s beside %s, want %s beside %s", test.why, test.query, p.Range, before, test.days, test.before)
		}
	}
}

// The day on which a period ends is the site's.
func TestPeriodFollowsTheZone(t *testing.T) {
	moment := time.Date(2026, 11, 22, 23, 30, 0, 0, time.UTC) // Monday in Oslo
	for zone, want := range map[string]string{
		"UTC": "2026-11-09/2026-11-15", "Europe/Oslo": "2026-11-16/2026-11-22", "America/New_York": "2026-11-09/2026-11-15",
	} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		if p := parsePeriod(t, "", moment.In(loc)); p.Range.String() != want {
			t.Errorf("the last week in %s is %s, want %s", zone, p.Range, want)
		}
	}
}

func TestBadPeriods(t *testing.T) {
	now := at(t, "Europe/Oslo", "2026-11-26 12:45")
	for query, field := range map[string]string{
		"period=fortnight":                              "period",
		"period=week&at=2026-W54":                       "at",
		"period=week&at=2025-W53":                       "at", // 2025 has 52
		"period=week&at=2026-W5":                        "at",
		"period=week&at=2026-W49":                       "at", // to come
		"period=month&at=2026-13":                       "at",
		"period=month&at=2026-12":                       "at",
		"period=quarter&at=2026-Q5":                     "at",
		"period=tertial&at=2026-T4":                     "at",
		"period=year&at=26":                             "at",
		"period=year&at=2027":                           "at",
		"period=day&at=2026-02-30":                      "at",
		"period=day&at=2026-11-26":                      "at", // today is a period of its own
		"period=today&at=2026-11-25":                    "at",
		"period=7d&at=2026-11-26":                       "at",
		"period=week&at=0001-W01":                       "at",
		"period=range&from=2026-11-10&to=2026-11-01":    "to", // swapped
		"period=range&from=2026-11-26&to=2026-11-30":    "from",
		"period=range&from=&to=2026-11-01":              "from",
		"period=range&from=2026-11-01&to=tomorrow":      "to",
		"period=range&from=1990-01-01&to=2026-11-01":    "from",
		"period=week&compare=yesterday":                 "compare",
		"period=week&align=month":                       "align",
		"period=week&at=2026-W47%00":                    "at",
		"period=week&at=" + strings.Repeat("9", 10_000): "at",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		p, err := report.ParsePeriod(values, now)
		var invalid report.InvalidError
		if !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("parse period %.60q: %v, want an error of %q", query, err, field)
		}
		if p.Range.Empty() || p.Range.To > calendar.DayOf(now) {
			t.Errorf("%.60q leaves %s, want a period to show beside the error", query, p.Range)
		}
	}
}

func TestPeriodToday(t *testing.T) {
	for _, test := range []struct{ why, query, now, until, before string }{
		{"up to the same minute", "period=today", "2026-11-26 12:45", "2026-11-26T12:45:00+01:00", "2026-11-19T12:45:00+01:00"},
		{"by the clock when summer time has begun", "period=today", "2026-03-29 12:45", "2026-03-29T12:45:00+02:00", "2026-03-22T12:45:00+01:00"},
		{"by the clock of the year before", "period=today&compare=year", "2026-10-26 08:01", "2026-10-26T08:01:00+01:00", "2025-10-27T08:01:00+01:00"},
		{"yesterday is whole", "period=day", "2026-11-26 12:45", "", ""},
	} {
		until, before := parsePeriod(t, test.query, at(t, "Europe/Oslo", test.now)).Until()
		text := func(t time.Time) string {
			if t.IsZero() {
				return ""
			}
			return t.Format(time.RFC3339)
		}
		if text(until) != test.until || text(before) != test.before {
			t.Errorf("%s: until %s beside %s, want %s beside %s", test.why, text(until), text(before), test.until, test.before)
		}
	}
}

func TestPeriodSteps(t *testing.T) {
	now := at(t, "Europe/Oslo", "2026-11-26 12:45")
	for query, want := range map[string]report.Step{
		"period=today": report.Hour, "period=day": report.Hour, "period=week": report.Day, "period=28d": report.Day, "period=month": report.Day,
		"period=quarter":                             report.Day,
		"period=quarter&at=2026-Q4":                  report.Day,
		"period=tertial":                             report.Week,
		"period=tertial&at=2026-T3":                  report.Week, // though but 86 days are over
		"period=year":                                report.Month,
		"period=range&from=2026-08-26&to=2026-11-25": report.Day, // 92 days
		"period=range&from=2026-08-25&to=2026-11-25": report.Week,
		"period=range&from=2024-11-25&to=2026-11-25": report.Week,
		"period=range&from=2023-01-01&to=2026-11-25": report.Month,
	} {
		if got := parsePeriod(t, query, now).Step(); got != want {
			t.Errorf("the points of %q are %ss, want %ss", query, got, want)
		}
	}
}

func TestPeriodShift(t *testing.T) {
	now := at(t, "Europe/Oslo", "2026-11-26 12:45")
	for query, want := range map[string]int{
		"period=week":               0,
		"period=month":              -2, // Thursday 1 October is beside Thursday 3 September
		"period=month&align=date":   0,
		"period=month&compare=year": -1, // Thursday beside Thursday 2 October 2025
		"period=quarter":            0,  // 1 July and 1 April are Wednesdays
		"period=28d":                0,
		"period=28d&align=date":     0,
		"period=year":               0, // by months
		"period=month&compare=none": 0,
	} {
		if got := parsePeriod(t, query, now).Shift(); got != want {
			t.Errorf("shift of %q = %d, want %d", query, got, want)
		}
	}
}

// The arrows lead back, an address keeps its meaning, and what is compared is over.
func TestPeriodProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom([]string{"Europe/Oslo", "UTC", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu"}).Draw(t, "zone")
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(rapid.Int64Range(1e9, 4e9).Draw(t, "now"), 0).In(loc)
		kind := rapid.SampledFrom(report.Kinds).Draw(t, "kind")
		values := url.Values{"period": {string(kind)}}
		if kind == report.DaysFromTo {
			last := calendar.DayOf(now) - calendar.Day(rapid.IntRange(1, 1000).Draw(t, "ago"))
			values.Set("to", last.String())
			values.Set("from", (last - calendar.Day(rapid.IntRange(0, 800).Draw(t, "days"))).String())
		}
		values.Set("compare", rapid.SampledFrom([]string{"before", "year", "none"}).Draw(t, "compare"))
		values.Set("align", rapid.SampledFrom([]string{"weekday", "date"}).Draw(t, "align"))
		p, err := report.ParsePeriod(values, now)
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 5).Draw(t, "back") {
			p = p.Earlier()
		}
		if again, err := report.ParsePeriod(p.Values(), now); err != nil || again != p {
			t.Fatalf("%v is read as %+v, %v, want %+v", p.Values(), again, err, p)
		}
		earlier := p.Earlier()
		if later, ok := earlier.Later(); !ok || later.Range != p.Range || later.Kind != p.Kind {
			t.Fatalf("after the period before %+v comes %+v", p, later)
		}
		if p.Kind != report.Today && earlier.Range.To != p.Range.From-1 && kind != report.FourWeeks && kind != report.SevenDays {
			t.Fatalf("before %s comes %s", p.Range, earlier.Range)
		}
		if p.Kind != report.Today && p.Range.To >= calendar.DayOf(now) {
			t.Fatalf("%s has a day that is not over on %s", p.Range, now)
		}
		before, ok := p.Before()
		if !ok {
			return
		}
		if before.Contains(p.Range.From) || before.To >= p.Range.From {
			t.Fatalf("%s is beside %s", p.Range, before)
		}
		if p.Align == report.ByWeekday && (before.From-p.Range.From)%7 != 0 && p.Range.Days() <= 28 && p.Kind != report.OneMonth &&
			p.Kind != report.Quarter && p.Kind != report.Tertial && p.Kind != report.Year {
			t.Fatalf("%s is beside %s, which begins on another weekday", p.Range, before)
		}
		if shift := p.Shift(); p.Step() == report.Day && p.Align == report.ByWeekday && (before.From-p.Range.From-calendar.Day(shift))%7 != 0 {
			t.Fatalf("%s beside %s is shifted by %d", p.Range, before, shift)
		}
	})
}

// TestLatest: the period that its kind alone names is the latest one of it.
func TestLatest(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for query, want := range map[string]bool{
		"": true, "period=today": true, "period=28d": true, "period=28d&at=2026-11-25": true, "period=28d&at=2026-11-24": false,
		"period=week&at=2026-W47": true, "period=week&at=2026-W46": false, "period=week&at=2026-W48": false, "period=day&at=2026-11-25": true,
		"period=year": true, "period=year&at=2026": false, "period=quarter&at=2026-Q3": true,
		"period=range&from=2026-11-25&to=2026-11-25": false,
	} {
		values, _ := url.ParseQuery(query)
		p, err := report.ParsePeriod(values, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Latest(); got != want {
			t.Errorf("%s is the latest: %t, want %t", query, got, want)
		}
	}
}

// TestCounted: of a period in which counting began, the days since; of one before, none.
func TestCounted(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	since := mustDay("2026-03-20")
	for query, want := range map[string]string{
		"period=month&at=2026-03":                         "2026-03-20 2026-03-31",
		"period=week&at=2026-W12":                         "2026-03-20 2026-03-22",
		"period=year&at=2026":                             "2026-03-20 2026-11-21",
		"period=month&at=2026-04":                         "2026-04-01 2026-04-30",
		"period=day&at=2026-03-20":                        "2026-03-20 2026-03-20",
		"period=range&from=2026-03-19&to=2026-03-21":      "2026-03-20 2026-03-21",
		"period=today":                                    "2026-11-22 2026-11-22",
		"period=day&at=2026-03-19":                        "",
		"period=month&at=2026-01":                         "",
		"period=year&at=2025":                             "",
		"period=range&from=2025-03-19&to=2026-03-19":      "",
		"period=quarter&at=2026-Q1&compare=year":          "2026-03-20 2026-03-31",
		"period=tertial&at=2026-T1&compare=none":          "2026-03-20 2026-04-30",
		"period=28d&at=2026-03-25&align=date":             "2026-03-20 2026-03-25",
		"period=7d&at=2026-03-20&align=date&compare=year": "2026-03-20 2026-03-20",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		p, err := report.ParsePeriod(values, now)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if days := p.Counted(since); !days.Empty() {
			got = days.From.String() + " " + days.To.String()
		}
		if got != want {
			t.Errorf("%s: counted on %q, want %q", query, got, want)
		}
	}
}
