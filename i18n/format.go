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
	Thousands   string     `json:"thousands"` // between groups of three digits
	Decimal     string     `json:"decimal"`
	Percent     string     `json:"percent"` // after the number, with the space before it
	Points      string     `json:"points"`  // the same, of the difference of two percentages
	And         string     `json:"and"`     // before the last of several, with its spaces
	DayMark     string     `json:"dayMark"` // after the number of a day: "1." in Norwegian
	Hour        string     `json:"hour"`    // units behind the numbers of a duration
	Minute      string     `json:"minute"`
	Second      string     `json:"second"`
	Clock       string     `json:"clock"` // how package time writes 15:04
	Ended       string     `json:"ended"` // name and year of what there was until then
	Months      [12]string `json:"months"`
	ShortMonths [12]string `json:"shortMonths"`
	Weekdays    [7]string  `json:"weekdays"` // from Sunday
	// ShortWeekdays are those in short, as they stand under a curve.
	ShortWeekdays [7]string `json:"shortWeekdays"`
}

// Country returns the name of an ISO 3166-1 alpha-2 code, or the code.
func (l *Language) Country(code string) string { return nameOr(l.countries, code) }

// LanguageName returns the name of a primary subtag of BCP 47, or the subtag.
func (l *Language) LanguageName(subtag string) string { return nameOr(l.languages, subtag) }

// FindCountry returns the code of a country by its name in the language, in any
// case, and false if none has it.
func (l *Language) FindCountry(name string) (code string, ok bool) { return codeOf(l.countries, name) }

// FindLanguage returns the subtag of a language by its name in this one, in any
// case, and false if none has it.
func (l *Language) FindLanguage(name string) (subtag string, ok bool) {
	return codeOf(l.languages, name)
}

// nordic are the countries among whose regions FindRegion looks.
var nordic = []string{"NO", "SE", "DK", "FI"}

// FindRegion returns the ISO 3166-2 code of a region of a Nordic country by its name in any
// language, in any case, and false if none has it.
func (l *Language) FindRegion(name string) (code string, ok bool) {
	for _, country := range nordic {
		if code := region.Code(country, name); code != "" {
			return code, true
		}
	}
	return "", false
}

func codeOf(names map[string]string, name string) (string, bool) {
	for code, n := range names {
		if strings.EqualFold(n, name) {
			return code, true
		}
	}
	return "", false
}

func nameOr(names map[string]string, code string) string {
	if name, ok := names[code]; ok {
		return name
	}
	return code
}

// Region returns the name of an ISO 3166-2 code, such as NO-50, or the code. The name of
// a region that there is no more has the year of its end.
func (l *Language) Region(code string) string {
	name, ended := region.Name(code, l.regions)
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

// Percent writes a share, 0 to 1, with one decimal. One that would read as none is below a
// tenth.
func (l *Language) Percent(share float64) string {
	if share > 0 && share < 0.0005 {
		return "< " + l.Percent(0.001)
	}
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

// Mean writes a mean with one decimal. One that would read as 0 is under a tenth.
func (l *Language) Mean(x float64) string {
	if x > 0 && x < 0.05 {
		return l.Say("number.under", l.Decimal(0.1))
	}
	return l.Decimal(x)
}

// MeanDuration writes a mean of durations as Duration does. One that would read as 0 is under
// a second.
func (l *Language) MeanDuration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if seconds > 0 && d < time.Second/2 {
		return l.Say("number.under", l.Duration(time.Second))
	}
	return l.Duration(d)
}

// Plain writes a number for programs that calculate in the language: with its decimal
// mark and no groups.
func (l *Language) Plain(x float64) string {
	return strings.Replace(strconv.FormatFloat(x, 'f', -1, 64), ".", l.format.Decimal, 1)
}

// WholePercent writes a share in whole percent, and in tenths of one below it.
func (l *Language) WholePercent(share float64) string {
	if percent := roundHalfAway(share * 100); percent >= 1 || share == 0 {
		return l.Number(int64(percent)) + l.format.Percent
	}
	if share < 0.001 {
		return "< " + l.Percent(0.001)
	}
	return l.Percent(share)
}

// Points writes the difference of two shares in percentage points.
func (l *Language) Points(difference float64) string {
	return l.Decimal(difference*100) + l.format.Points
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

// WeekdayName writes the weekday of a day: "Monday".
func (l *Language) WeekdayName(d calendar.Day) string { return l.format.Weekdays[d.Time().Weekday()] }

// ShortWeekday writes the weekday of a day in short: "Mon".
func (l *Language) ShortWeekday(d calendar.Day) string {
	return l.format.ShortWeekdays[d.Time().Weekday()]
}

// DayNumber writes a day as its number in the month: "2", "2." in Norwegian.
func (l *Language) DayNumber(d calendar.Day) string { return l.dayNumber(d) }

// ShortMonthName writes the month of a day in short, without its year: "Nov".
func (l *Language) ShortMonthName(d calendar.Day) string {
	return l.format.ShortMonths[d.Time().Month()-1]
}

// ShortDay writes a day without its year: "2 Nov".
func (l *Language) ShortDay(d calendar.Day) string { return l.dayMonth(d, l.format.ShortMonths) }

// LongDay writes a day without its year: "2 November".
func (l *Language) LongDay(d calendar.Day) string { return l.dayMonth(d, l.format.Months) }

// dayMonth keeps a day and its month on one line.
func (l *Language) dayMonth(d calendar.Day, months [12]string) string {
	return l.dayNumber(d) + "\u00a0" + months[d.Time().Month()-1]
}

func (l *Language) dayNumber(d calendar.Day) string {
	return strconv.Itoa(d.Time().Day()) + l.format.DayMark
}

// Month writes the month of a day: "November 2026".
func (l *Language) Month(d calendar.Day) string {
	return l.format.Months[d.Time().Month()-1] + " " + strconv.Itoa(d.Time().Year())
}

// Clock writes the time of day of t: "14:00".
func (l *Language) Clock(t time.Time) string { return t.Format(l.format.Clock) }

// dash stands between days of two months. It never begins a line.
const dash = "\u00a0– "

// ShortRange is Range with short names of months: "25 Oct – 21 Nov 2026". Without year it has
// none, unless the days are of two.
func (l *Language) ShortRange(r calendar.Range, year bool) string {
	a, b := r.From.Time(), r.To.Time()
	short := func(d calendar.Day, year bool) string {
		if text := l.ShortDay(d); !year {
			return text
		}
		return l.ShortDay(d) + " " + strconv.Itoa(d.Time().Year())
	}
	switch {
	case r.From == r.To:
		return short(r.To, year)
	case a.Year() != b.Year():
		return short(r.From, true) + dash + short(r.To, true)
	case a.Month() != b.Month():
		return short(r.From, false) + dash + short(r.To, year)
	default:
		return l.dayNumber(r.From) + "–" + short(r.To, year)
	}
}

// Range writes a run of days as briefly as can be: "16–22 November 2026".
func (l *Language) Range(r calendar.Range) string {
	a, b := r.From.Time(), r.To.Time()
	switch {
	case r.From == r.To:
		return l.Day(r.To)
	case a.Year() != b.Year():
		return l.Day(r.From) + dash + l.Day(r.To)
	case a.Month() != b.Month():
		return l.dayMonth(r.From, l.format.Months) + dash + l.Day(r.To)
	default:
		return l.dayNumber(r.From) + "–" + l.Day(r.To)
	}
}
