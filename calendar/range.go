package calendar

import (
	"iter"
	"time"
)

// Range is the days from From to To, both included. It is empty if From is after To.
type Range struct {
	From, To Day
}

// One returns the range of a single day.
func One(d Day) Range { return Range{d, d} }

// Month returns the calendar month that d lies in.
func Month(d Day) Range {
	first := d.FirstOfMonth()
	return Range{first, first.AddMonths(1) - 1}
}

// Week returns the week that d lies in, from Monday to Sunday.
func Week(d Day) Range {
	monday := d - Day((int(d.Time().Weekday())+6)%7)
	return Range{monday, monday + 6}
}

// WeekOf returns the Monday of a week of ISO 8601. Where the year has no such week, it is
// the Monday of one of another year.
func WeekOf(year, week int) Day {
	return Week(DayOf(time.Date(year, time.January, 4, 0, 0, 0, 0, time.UTC))).From + Day(7*(week-1))
}

// Days returns the number of days, and 0 for an empty range.
func (r Range) Days() int { return max(0, int(r.To)-int(r.From)+1) }

// Empty reports whether the range has no day.
func (r Range) Empty() bool { return r.From > r.To }

// Contains reports whether d is one of the days.
func (r Range) Contains(d Day) bool { return r.From <= d && d <= r.To }

// Before returns the range of the same number of days that ends the day before r.
func (r Range) Before() Range { return Range{r.From - Day(r.Days()), r.From - 1} }

// After returns the range of the same number of days that begins the day after r.
func (r Range) After() Range { return Range{r.To + 1, r.To + Day(r.Days())} }

// AddMonths returns the range with both ends moved as Day.AddMonths moves a day.
func (r Range) AddMonths(n int) Range { return Range{r.From.AddMonths(n), r.To.AddMonths(n)} }

// Months yields the first day of each month that has a day in the range, in order.
func (r Range) Months() iter.Seq[Day] {
	return func(yield func(Day) bool) {
		for first := r.From.FirstOfMonth(); first <= r.To && !r.Empty(); first = first.AddMonths(1) {
			if !yield(first) {
				return
			}
		}
	}
}

// WholeMonths reports whether the range is one or more whole months.
func (r Range) WholeMonths() bool {
	_, months, _ := r.Split()
	return !r.Empty() && months == r
}

// Split cuts the range into its whole months and the days before and after them. Each
// part may be empty. Without a whole month, all days are in head.
func (r Range) Split() (head, months, tail Range) {
	first, end := (r.From - 1).FirstOfMonth().AddMonths(1), (r.To + 1).FirstOfMonth()
	if first >= end {
		return r, Range{r.To + 1, r.To}, Range{r.To + 1, r.To}
	}
	return Range{r.From, first - 1}, Range{first, end - 1}, Range{end, r.To}
}

// String returns the range as 2006-01-02/2006-01-31, in the manner of ISO 8601.
func (r Range) String() string { return r.From.String() + "/" + r.To.String() }
