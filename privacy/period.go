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

// longest is the longest retention of raw rows. A longer one is taken for a typing error.
var longest = Period{Years: 10}

// ParsePeriod reads years, months and days, in that order, each at most once:
// "3y", "25m", "1y6m", "90d". A period of length zero is an error.
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

// Cutoff returns the first day, as its start in UTC, whose rows may still be held at now.
// Rows from before that day are past their retention.
//
// A period ends with the day of the same date: with one month, a row of 5 May is held to
// the end of 5 June. If the last month lacks that date, the period ends with that month: a
// row of 31 January is held to the end of 28 or 29 February, and with one year a row of
// 29 February to the end of 28 February. This is the rule of Regulation (EEC, Euratom)
// No 1182/71, article 3(2)(c). Days are added after months.
func (p Period) Cutoff(now time.Time) time.Time {
	y, m, d := now.UTC().AddDate(0, 0, -p.Days).Date()
	first := time.Date(y, m-time.Month(p.Months+12*p.Years), 1, 0, 0, 0, 0, time.UTC)
	next := first.AddDate(0, 1, 0)
	if day := first.AddDate(0, 0, d-1); day.Before(next) {
		return day
	}
	return next // no day of that month ends as late as today
}

// Validate returns an error unless the period is from one day to the longest retention.
func (p Period) Validate() error {
	if p == (Period{}) || min(p.Years, p.Months, p.Days) < 0 || p.longerThan(longest) {
		return fmt.Errorf("%s: want 1d to %s", p, longest)
	}
	return nil
}

// Words returns the period in words: "1 year and 6 months".
func (p Period) Words(lang *i18n.Language) (string, error) {
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
