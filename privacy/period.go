package privacy

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/i18n"
)

// Period is a length of calendar time, such as three years.
type Period struct {
	Years, Months, Days int
}

// longest is the longest retention of raw rows: more is a slip of the pen, not
// a promise.
var longest = Period{Years: 10}

// ParsePeriod reads years, months and days, in that order, each at most once:
// "3y", "25m", "1y6m", "90d". A period of nothing is an error.
func ParsePeriod(s string) (Period, error) {
	var p Period
	rest := s
	for _, part := range []struct {
		unit string
		to   *int
	}{{"y", &p.Years}, {"m", &p.Months}, {"d", &p.Days}} {
		digits, after, found := strings.Cut(rest, part.unit)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 16)
		if err != nil {
			return Period{}, badPeriod(s)
		}
		*part.to, rest = int(n), after
	}
	if rest != "" || p == (Period{}) {
		return Period{}, badPeriod(s)
	}
	return p, nil
}

func badPeriod(s string) error {
	return fmt.Errorf("period %q: want years, months or days, such as 3y, 25m or 90d", s)
}

// String returns the period as ParsePeriod reads it.
func (p Period) String() string {
	var b strings.Builder
	for _, part := range []struct {
		n    int
		unit string
	}{{p.Years, "y"}, {p.Months, "m"}, {p.Days, "d"}} {
		if part.n != 0 {
			fmt.Fprintf(&b, "%d%s", part.n, part.unit)
		}
	}
	if b.Len() == 0 {
		return "0d"
	}
	return b.String()
}

// Cutoff returns the first day, as its start in UTC, whose rows may still be
// held at now; rows from before it are past their time.
//
// A period ends with the day of the same date: a row of 5 May is held for one
// month to the end of 5 June. Where the last month lacks that date, it ends with
// that month, never later: a row of 31 January to the end of 28 or 29 February,
// a row of 29 February for a year to the end of 28 February. That is the rule of
// Regulation (EEC, Euratom) No 1182/71, article 3(2)(c). Days count after months.
func (p Period) Cutoff(now time.Time) time.Time {
	y, m, d := now.UTC().AddDate(0, 0, -p.Days).Date()
	first := time.Date(y, m-time.Month(p.Months+12*p.Years), 1, 0, 0, 0, 0, time.UTC)
	next := first.AddDate(0, 1, 0)
	if day := first.AddDate(0, 0, d-1); day.Before(next) {
		return day
	}
	return next // no day of that month ends as late as today
}

// Validate returns an error unless the period is one that something may be kept for.
func (p Period) Validate() error {
	if p == (Period{}) || min(p.Years, p.Months, p.Days) < 0 || p.longerThan(longest) {
		return fmt.Errorf("%s: want 1d to %s", p, longest)
	}
	return nil
}

// words returns the period as people say it: "1 year and 6 months".
func (p Period) words(lang *i18n.Language) (string, error) {
	var parts []string
	for _, part := range []struct {
		unit string
		n    int
	}{{"years", p.Years}, {"months", p.Months}, {"days", p.Days}} {
		if part.n == 0 {
			continue
		}
		words, err := lang.Count(part.unit, int64(part.n))
		if err != nil {
			return "", err
		}
		parts = append(parts, words)
	}
	return lang.List(parts), nil
}

// longerThan reports whether p holds a row longer than q.
func (p Period) longerThan(q Period) bool {
	now := time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	return p.Cutoff(now).Before(q.Cutoff(now))
}
