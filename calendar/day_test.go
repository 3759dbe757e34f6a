package calendar_test

import (
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
)

// TestDayBegins checks every day of 2000 to 2037 in zones with odd clocks.
func TestDayBegins(t *testing.T) {
	for _, name := range []string{
		"UTC", "Europe/Oslo", "America/Santiago", "America/Havana", "Africa/Cairo", "Asia/Beirut", "Asia/Amman",
		"America/St_Johns", "America/Sao_Paulo", "Atlantic/Azores", "Australia/Lord_Howe", "Pacific/Apia",
		"Asia/Tehran", "Asia/Gaza", "America/Asuncion", "America/Scoresbysund", "Antarctica/Troll",
	} {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		first := calendar.DayOf(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
		for day := first; day < first+38*365; day++ {
			start := day.In(loc)
			if calendar.DayOf(start.In(loc)) < day || calendar.DayOf(start.Add(-time.Nanosecond).In(loc)) >= day {
				t.Errorf("%s: day %v begins at %v", name, day, start.In(loc))
			}
			if next := (day + 1).In(loc); next.Before(start) || next.Sub(start) > 26*time.Hour {
				t.Errorf("%s: day %v lasts from %v to %v", name, day, start, next)
			}
		}
	}
}

func TestDay(t *testing.T) {
	oslo, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{time.Date(2026, 11, 22, 22, 59, 59, 0, time.UTC).In(oslo), "2026-11-22"},
		{time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC).In(oslo), "2026-11-23"},
		{time.Date(2026, 6, 30, 22, 0, 0, 0, time.UTC).In(oslo), "2026-07-01"},
		{time.Date(1969, 12, 31, 12, 0, 0, 0, time.UTC), "1969-12-31"},
		{time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), "2024-02-29"},
	} {
		day := calendar.DayOf(c.at)
		if day.String() != c.want {
			t.Errorf("DayOf(%s) = %s, want %s", c.at, day, c.want)
		}
		if parsed, err := calendar.ParseDay(c.want); parsed != day || err != nil {
			t.Errorf("ParseDay(%q) = %s, %v, want %s", c.want, parsed, err, day)
		}
	}
	if _, err := calendar.ParseDay("2026-02-30"); err == nil {
		t.Error("30 February was taken for a day")
	}
}
