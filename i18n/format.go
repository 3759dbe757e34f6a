package i18n

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/geo/region"
)

// format is how a language writes numbers, dates and names.
type format struct {
	Thousands   string // between groups of three digits
	Decimal     string
	Percent     string // after the number, with the space before it
	And         string // before the last of several, with its spaces
	DayMark     string // after the number of a day: "1." in Norwegian
	Hour        string // units behind the numbers of a duration
	Minute      string
	Second      string
	Until       string // a time of day up to which something is counted
	Ended       string // name and year of what there was until then
	Months      [12]string
	ShortMonths [12]string
	Weekdays    [7]string // from Sunday
}

// Country returns the name of an ISO 3166-1 alpha-2 code, or the code.
func (l *Language) Country(code string) string { return nameOr(l.countries, code) }

// LanguageName returns the name of a primary subtag of BCP 47, or the subtag.
func (l *Language) LanguageName(subtag string) string { return nameOr(l.languages, subtag) }

func nameOr(names map[string]string, code string) string {
	if name, ok := names[code]; ok {
		return name
	}
	return code
}

// Region returns the name of an ISO 3166-2 code, such as NO-50, or the code. The name of
// a region that there is no more has the year of its end.
func (l *Language) Region(code string) string {
	name, ended := region.Name(code, l.Tag)
	if ended != "" {
		return fmt.Sprintf(l.format.Ended, name, ended)
	}
	return name
}

// List writes several things as one: "a, b and c".
func (l *Language) List(parts []string) string {
	last := len(parts) - 1
	if last < 1 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:last], ", ") + l.format.And + parts[last]
}

// Number writes a whole number with its groups of three.
func (l *Language) Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = Minus, digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + l.format.Thousands + digits[i:]
	}
	return sign + digits
}

// Minus is the sign before negative numbers: the one of typesetters, as wide as a plus.
const Minus = "−"

// Percent writes a share, 0 to 1, with one decimal.
func (l *Language) Percent(share float64) string {
	return l.Decimal(share*100) + l.format.Percent
}

// Decimal writes a number with one decimal.
func (l *Language) Decimal(x float64) string {
	tenths := int64(roundHalfAway(x * 10))
	sign := ""
	if tenths < 0 {
		sign, tenths = Minus, -tenths
	}
	return sign + l.Number(tenths/10) + l.format.Decimal + strconv.FormatInt(tenths%10, 10)
}

// Plain writes a number for programs that calculate in the language: with its decimal
// mark and no groups.
func (l *Language) Plain(x float64) string {
	return strings.Replace(strconv.FormatFloat(x, 'f', -1, 64), ".", l.format.Decimal, 1)
}

// Change writes by how much now differs from before, in whole percent and with
// its sign. Nothing can be said where before is 0: ok is false.
func (l *Language) Change(now, before float64) (text string, ok bool) {
	if before == 0 {
		return "", false
	}
	percent := int64(roundHalfAway((now - before) / before * 100))
	return signed(percent > 0, l.Number(percent)) + l.format.Percent, true
}

// Points writes the difference of two shares in percentage points, with its
// sign and without a unit.
func (l *Language) Points(now, before float64) string {
	text := l.Decimal((now - before) * 100)
	return signed(now > before && strings.ContainsAny(text, "123456789"), text)
}

func signed(plus bool, text string) string {
	if plus {
		return "+" + text
	}
	return text
}

func roundHalfAway(x float64) float64 {
	if x < 0 {
		return -float64(int64(-x + 0.5))
	}
	return float64(int64(x + 0.5))
}

// Duration writes a duration in its two largest units, from seconds to hours.
func (l *Language) Duration(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	amount := func(n int64, unit string) string { return l.Number(n) + "\u00a0" + unit }
	switch {
	case s < 60:
		return amount(s, l.format.Second)
	case s < 3600:
		return amount(s/60, l.format.Minute) + " " + amount(s%60, l.format.Second)
	default:
		return amount(s/3600, l.format.Hour) + " " + amount(s%3600/60, l.format.Minute)
	}
}

// Day writes a day in full: "2 November 2026".
func (l *Language) Day(d calendar.Day) string {
	return l.dayMonth(d, l.format.Months) + " " + strconv.Itoa(d.Time().Year())
}

// Weekday writes a day in full with its weekday: "Monday 2 November 2026".
func (l *Language) Weekday(d calendar.Day) string {
	return l.format.Weekdays[d.Time().Weekday()] + " " + l.Day(d)
}

// ShortDay writes a day without its year: "2 Nov".
func (l *Language) ShortDay(d calendar.Day) string { return l.dayMonth(d, l.format.ShortMonths) }

func (l *Language) dayMonth(d calendar.Day, months [12]string) string {
	return l.dayNumber(d) + " " + months[d.Time().Month()-1]
}

func (l *Language) dayNumber(d calendar.Day) string {
	return strconv.Itoa(d.Time().Day()) + l.format.DayMark
}

// Month writes the month of a day: "November 2026".
func (l *Language) Month(d calendar.Day) string {
	return l.format.Months[d.Time().Month()-1] + " " + strconv.Itoa(d.Time().Year())
}

// ShortMonth writes the month of a day in short: "Nov 26".
func (l *Language) ShortMonth(d calendar.Day) string {
	return l.format.ShortMonths[d.Time().Month()-1] + " " + d.Time().Format("06")
}

// Clock writes the time of day of t: "14:00".
func (l *Language) Clock(t time.Time) string { return t.Format("15:04") }

// Until writes that something is counted up to a time of day.
func (l *Language) Until(clock string) string { return fmt.Sprintf(l.format.Until, clock) }

// Range writes a run of days as briefly as can be: "16–22 November 2026".
func (l *Language) Range(r calendar.Range) string {
	a, b := r.From.Time(), r.To.Time()
	switch {
	case r.From == r.To:
		return l.Day(r.To)
	case a.Year() != b.Year():
		return l.Day(r.From) + " – " + l.Day(r.To)
	case a.Month() != b.Month():
		return l.dayMonth(r.From, l.format.Months) + " – " + l.Day(r.To)
	default:
		return l.dayNumber(r.From) + "–" + l.Day(r.To)
	}
}
