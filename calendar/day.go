// Package calendar holds days, ranges of days and their arithmetic, and the days that have
// a name in Norway. Days belong to a
// site's own time zone, which only DayOf and In know of. All values are immutable and
// safe for concurrent use. The package imports nothing else of ours.
package calendar

import "time"

// Day is a calendar day, counted from 1970-01-01.
type Day int32

// DayOf returns the calendar day of t in t's own location.
func DayOf(t time.Time) Day {
	y, m, d := t.Date()
	return Day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// ParseDay reads a day written as 2006-01-02.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, err
	}
	return DayOf(t), nil
}

// Time returns midnight UTC of the day.
func (d Day) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// In returns the first moment of the day in loc. Where summer time begins at
// midnight there is no midnight; where it ends at one o'clock there are two.
func (d Day) In(loc *time.Location) time.Time {
	year, month, day := d.Time().Date()
	t := time.Date(year, month, day, 0, 0, 0, 0, loc)
	zoneStart, zoneEnd := t.ZoneBounds()
	if DayOf(t) < d {
		return zoneEnd
	}
	if !zoneStart.IsZero() {
		_, offset := t.Zone()
		_, before := zoneStart.Add(-1).Zone()
		other := t.Add(time.Duration(offset-before) * time.Second)
		if other.Before(t) && DayOf(other) == d {
			return other
		}
	}
	return t
}

// String returns the day as 2006-01-02.
func (d Day) String() string { return d.Time().Format(time.DateOnly) }

// FirstOfMonth returns the first day of the month that d lies in.
func (d Day) FirstOfMonth() Day { return d - Day(d.Time().Day()-1) }

// AddMonths returns the same day n months later, or earlier for a negative n. In a
// month that is too short for it, that is the month's last day.
func (d Day) AddMonths(n int) Day {
	y, m, day := d.Time().Date()
	first := DayOf(time.Date(y, m+time.Month(n), 1, 0, 0, 0, 0, time.UTC))
	last := DayOf(time.Date(y, m+time.Month(n)+1, 0, 0, 0, 0, 0, time.UTC))
	return min(first+Day(day-1), last)
}
