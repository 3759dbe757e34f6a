package privacy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/privacy"
)

func TestParsePeriod(t *testing.T) {
	for in, want := range map[string]privacy.Period{
		"3y":      {Years: 3},
		"25m":     {Months: 25},
		"90d":     {Days: 90},
		"1y6m":    {Years: 1, Months: 6},
		"1y2m3d":  {Years: 1, Months: 2, Days: 3},
		"2y10d":   {Years: 2, Days: 10},
		"0y3m":    {Months: 3},
		"007d":    {Days: 7},
		"65535y":  {Years: 65535},
		"0y0m01d": {Days: 1},
	} {
		got, err := privacy.ParsePeriod(in)
		if err != nil || got != want {
			t.Errorf("ParsePeriod(%q) = %+v, %v, want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "y", "3", "3 y", " 3y", "3y ", "-3y", "+3y", "3Y", "3w", "3.5y", "0y", "0d", "0y0m0d",
		"3y3y", "6m1y", "90d3y", "1y2", "y3", "1_0d", "65536d", "99999999999999999999d", "3år", "٣y",
	} {
		got, err := privacy.ParsePeriod(in)
		if err == nil {
			t.Errorf("ParsePeriod(%q) = %+v, want an error", in, got)
		} else if in != "" && !strings.Contains(err.Error(), "period ") {
			t.Errorf("ParsePeriod(%q): error %q does not say what is wrong", in, err)
		}
	}
}

func ExamplePeriod_Cutoff() {
	period, err := privacy.ParsePeriod("3y")
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, time.November, 22, 19, 43, 0, 0, time.UTC)
	fmt.Println("deleted: rows from before", period.Cutoff(now).Format(time.DateOnly))
	// Output: deleted: rows from before 2023-11-22
}

func TestPeriodString(t *testing.T) {
	for want, p := range map[string]privacy.Period{
		"0d":     {},
		"3y":     {Years: 3},
		"1y6m":   {Years: 1, Months: 6},
		"1y2m3d": {Years: 1, Months: 2, Days: 3},
		"2y10d":  {Years: 2, Days: 10},
	} {
		if got := p.String(); got != want {
			t.Errorf("%+v.String() = %q, want %q", p, got, want)
		}
	}
}

func FuzzParsePeriod(f *testing.F) {
	for _, seed := range []string{"3y", "25m", "90d", "1y6m", "0d", "-1y", "1d1y", "3", "y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := privacy.ParsePeriod(s)
		if err != nil {
			if p != (privacy.Period{}) {
				t.Errorf("ParsePeriod(%q) = %+v beside an error", s, p)
			}
			return
		}
		again, err := privacy.ParsePeriod(p.String())
		if err != nil || again != p {
			t.Errorf("ParsePeriod(%q) = %+v, written as %q and read as %+v, %v", s, p, p, again, err)
		}
		now := time.Date(2028, time.February, 29, 12, 0, 0, 0, time.UTC)
		if cutoff := p.Cutoff(now); cutoff.After(now) {
			t.Errorf("period %s: cutoff %s is in the future", p, cutoff)
		}
	})
}

func TestCutoff(t *testing.T) {
	for _, c := range []struct{ now, period, want string }{
		{"2026-11-22", "3y", "2023-11-22"},
		{"2026-11-22", "25m", "2024-10-22"},
		{"2026-11-22", "90d", "2026-08-24"},
		{"2026-11-22", "1d", "2026-11-21"},
		{"2026-01-31", "1y6m", "2024-07-31"},

		// Rows of 29 February are held to the end of 28 February.
		{"2029-02-28", "1y", "2028-02-28"},
		{"2029-03-01", "1y", "2028-03-01"},
		// On 29 February, rows of 28 February are a day past their time.
		{"2028-02-29", "1y", "2027-03-01"},
		{"2028-02-29", "3y", "2025-03-01"},
		{"2028-02-29", "4y", "2024-02-29"},
		{"2028-03-01", "3y", "2025-03-01"},

		// Rows of 29 to 31 January are held to the end of February.
		{"2027-02-28", "1m", "2027-01-28"},
		{"2027-03-01", "1m", "2027-02-01"},
		// Rows of early March are not past their time before April.
		{"2027-03-28", "1m", "2027-02-28"},
		{"2027-03-29", "1m", "2027-03-01"},
		{"2027-03-31", "1m", "2027-03-01"},
		{"2027-04-01", "1m", "2027-03-01"},
		{"2027-12-31", "1m", "2027-12-01"},
		{"2027-12-31", "25m", "2025-12-01"},
		{"2027-01-01", "1m", "2026-12-01"},

		// Days count after months: 31 January, a month and a day, is 1 March.
		{"2027-03-01", "1m1d", "2027-01-28"},
		{"2027-03-02", "1m1d", "2027-02-01"},
	} {
		p := mustParse(t, c.period)
		now, err := calendar.ParseDay(c.now)
		if err != nil {
			t.Fatal(err)
		}
		for _, clock := range []time.Duration{0, 12 * time.Hour, 24*time.Hour - 1} {
			got := p.Cutoff(now.Time().Add(clock))
			if want := c.want + "T00:00:00Z"; got.Format(time.RFC3339Nano) != want {
				t.Errorf("%s on %s and %s: cutoff %s, want %s", c.period, c.now, clock, got.Format(time.RFC3339Nano), want)
			}
		}
	}
}

func TestCutoffIsInUTC(t *testing.T) {
	oslo := time.FixedZone("", 2*60*60)
	now := time.Date(2026, time.July, 1, 1, 30, 0, 0, oslo) // still 30 June in UTC
	want := time.Date(2026, time.June, 29, 0, 0, 0, 0, time.UTC)
	if got := (privacy.Period{Days: 1}).Cutoff(now); !got.Equal(want) || got.Location() != time.UTC {
		t.Errorf("cutoff %s, want %s", got, want)
	}
}

// TestCutoffAgainstModel holds Cutoff to the wording of the rule: the last day
// of each row is found by walking the calendar, and on every day of eight years
// the cutoff is the first day whose rows have not seen their last.
func TestCutoffAgainstModel(t *testing.T) {
	first := time.Date(2023, time.January, 1, 0, 0, 0, 0, time.UTC)
	last := time.Date(2031, time.January, 1, 0, 0, 0, 0, time.UTC)
	for _, period := range []string{"1d", "30d", "90d", "1m", "2m", "6m", "11m", "25m", "1y", "3y", "4y", "1y1m", "1m1d", "1y6m15d"} {
		p := mustParse(t, period)
		held := first.AddDate(-6, 0, 0)
		var before time.Time
		for today := first; today.Before(last); today = today.AddDate(0, 0, 1) {
			for lastDay(held, p).Before(today) {
				held = held.AddDate(0, 0, 1)
			}
			got := p.Cutoff(today.Add(13 * time.Hour))
			if !got.Equal(held) {
				t.Errorf("%s on %s: cutoff %s, want %s", period, today.Format(time.DateOnly), got.Format(time.DateOnly), held.Format(time.DateOnly))
			}
			if got.Before(before) {
				t.Errorf("%s on %s: cutoff %s goes back", period, today.Format(time.DateOnly), got.Format(time.DateOnly))
			}
			before = got
		}
	}
}

// lastDay is the day at whose end the period of a row of day is over: the same
// date in the last month or, if that month lacks it, its last day.
func lastDay(day time.Time, p privacy.Period) time.Time {
	date := day.Day()
	month := time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, time.UTC)
	for range p.Years*12 + p.Months {
		month = month.AddDate(0, 1, 0)
	}
	end := month
	for end.Day() < date && end.AddDate(0, 0, 1).Month() == month.Month() {
		end = end.AddDate(0, 0, 1)
	}
	for range p.Days {
		end = end.AddDate(0, 0, 1)
	}
	return end
}

func mustParse(t *testing.T, s string) privacy.Period {
	t.Helper()
	p, err := privacy.ParsePeriod(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
