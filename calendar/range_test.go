package calendar_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/calendar"
)

func day(t *testing.T, s string) calendar.Day {
	t.Helper()
	d, err := calendar.ParseDay(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAddMonths(t *testing.T) {
	for _, c := range []struct {
		from string
		n    int
		want string
	}{
		{"2026-01-31", 1, "2026-02-28"},
		{"2024-01-31", 1, "2024-02-29"},
		{"2024-02-29", -12, "2023-02-28"},
		{"2026-12-15", 1, "2027-01-15"},
		{"2026-01-01", -1, "2025-12-01"},
		{"2026-03-31", -1, "2026-02-28"},
		{"2026-05-17", 0, "2026-05-17"},
		{"1970-01-31", -2, "1969-11-30"},
	} {
		if got := day(t, c.from).AddMonths(c.n); got != day(t, c.want) {
			t.Errorf("%s and %d months = %s, want %s", c.from, c.n, got, c.want)
		}
	}
}

func TestRange(t *testing.T) {
	for _, c := range []struct {
		from, to, before, after, head, months, tail string
		days                                        int
		whole                                       bool
	}{
		{"2026-02-01", "2026-02-28", "2026-01-04/2026-01-31", "2026-03-01/2026-03-28", "", "2026-02-01/2026-02-28", "", 28, true},
		{"2024-01-01", "2024-12-31", "2022-12-31/2023-12-31", "2025-01-01/2026-01-01", "", "2024-01-01/2024-12-31", "", 366, true},
		{"2026-01-31", "2026-03-01", "2026-01-01/2026-01-30", "2026-03-02/2026-03-31", "2026-01-31/2026-01-31", "2026-02-01/2026-02-28", "2026-03-01/2026-03-01", 30, false},
		{"2026-01-01", "2026-01-30", "2025-12-02/2025-12-31", "2026-01-31/2026-03-01", "2026-01-01/2026-01-30", "", "", 30, false},
		{"2026-01-02", "2026-02-27", "2025-11-06/2026-01-01", "2026-02-28/2026-04-25", "2026-01-02/2026-02-27", "", "", 57, false},
		{"2026-11-22", "2026-11-22", "2026-11-21/2026-11-21", "2026-11-23/2026-11-23", "2026-11-22/2026-11-22", "", "", 1, false},
	} {
		r := calendar.Range{From: day(t, c.from), To: day(t, c.to)}
		if r.Days() != c.days || r.WholeMonths() != c.whole || r.Before().String() != c.before || r.After().String() != c.after {
			t.Errorf("%s has %d days, whole months %v, before it %s, after it %s", r, r.Days(), r.WholeMonths(), r.Before(), r.After())
		}
		head, months, tail := r.Split()
		for i, part := range []calendar.Range{head, months, tail} {
			want := []string{c.head, c.months, c.tail}[i]
			if part.Empty() != (want == "") || want != "" && part.String() != want {
				t.Errorf("part %d of %s = %s, want %q", i, r, part, want)
			}
		}
	}
	if empty := (calendar.Range{From: 5, To: 3}); empty.Days() != 0 || !empty.Empty() || empty.WholeMonths() || empty.Contains(4) {
		t.Errorf("a range that ends before it begins has days: %d", empty.Days())
	}
}

// TestRangeProperties holds the arithmetic to the days themselves, counted one by one.
func TestRangeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := calendar.Day(rapid.Int32Range(-1000, 40000).Draw(t, "from"))
		r := calendar.Range{From: from, To: from + calendar.Day(rapid.Int32Range(-2, 1200).Draw(t, "days"))}
		head, months, tail := r.Split()
		if head.Days()+months.Days()+tail.Days() != r.Days() {
			t.Fatalf("%s splits into %s, %s, %s", r, head, months, tail)
		}
		if !months.Empty() && !months.WholeMonths() {
			t.Fatalf("%s has whole months %s", r, months)
		}
		var firsts []calendar.Day
		for d := r.From; d <= r.To; d++ {
			in := 0
			for _, part := range []calendar.Range{head, months, tail} {
				if part.Contains(d) {
					in++
				}
			}
			if in != 1 || months.Contains(d) && (calendar.Month(d).From < r.From || calendar.Month(d).To > r.To) {
				t.Fatalf("%s of %s is in %d parts", d, r, in)
			}
			if !months.Contains(d) && r.Contains(calendar.Month(d).From) && r.Contains(calendar.Month(d).To) {
				t.Fatalf("%s of %s lies in a whole month, but not in %s", d, r, months)
			}
			if first := d.FirstOfMonth(); len(firsts) == 0 || firsts[len(firsts)-1] != first {
				firsts = append(firsts, first)
			}
		}
		if got := slices.Collect(r.Months()); !slices.Equal(got, firsts) {
			t.Fatalf("months of %s = %v, want %v", r, got, firsts)
		}
		if d := from.FirstOfMonth(); d.Time().Day() != 1 || d.Time().Month() != from.Time().Month() || calendar.Month(from).Days() != time.Date(d.Time().Year(), d.Time().Month()+1, 0, 0, 0, 0, 0, time.UTC).Day() {
			t.Fatalf("month of %s = %s", from, calendar.Month(from))
		}
	})
}
