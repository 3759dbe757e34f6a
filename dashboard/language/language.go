// Package language holds what the dashboard says in each language: its texts, its
// way to write numbers, dates and durations, and the names of countries and tongues.
package language

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/geo/region"
)

// The texts are one file per language. The names of countries and languages come
// from Unicode CLDR, by way of build.mjs.
//
//go:embed texts/*.json all:dist
var files embed.FS

// Language is one language of the dashboard. It is read-only once loaded and safe
// for concurrent use.
type Language struct {
	Tag  string // BCP 47, as in the lang attribute
	Name string // in the language itself

	format    format
	texts     map[string]string
	countries map[string]string
	tongues   map[string]string
}

// format is how a language writes numbers and dates.
type format struct {
	Thousands   string // between groups of three digits
	Decimal     string
	Percent     string // after the number, with the space before it
	DayMark     string // after the number of a day: "1." in Norwegian
	Hour        string // unit behind a number of hours
	Until       string // before a time of day
	Months      [12]string
	ShortMonths [12]string
	Weekdays    [7]string // from Sunday
}

// Languages are the languages of the dashboard; the first is the default.
type Languages []*Language

// Load reads all languages. It fails where build.mjs has not run.
func Load() (Languages, error) {
	var names map[string]struct{ Countries, Languages map[string]string }
	if err := read("dist/names.json", &names); err != nil {
		return nil, err
	}
	var all Languages
	for _, tag := range []string{"en", "nb"} {
		var file struct {
			Name   string
			Format format
			Texts  map[string]string
		}
		if err := read("texts/"+tag+".json", &file); err != nil {
			return nil, err
		}
		all = append(all, &Language{
			Tag: tag, Name: file.Name, format: file.Format, texts: file.Texts,
			countries: names[tag].Countries, tongues: names[tag].Languages,
		})
	}
	return all, nil
}

// read decodes an embedded file.
func read(name string, into any) error {
	data, err := files.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return fmt.Errorf("dashboard: read language file %s: %w", name, err)
	}
	return nil
}

// Find returns the language of a tag, or nil.
func (all Languages) Find(tag string) *Language {
	for _, l := range all {
		if l.Tag == tag {
			return l
		}
	}
	return nil
}

// Match returns the language that an Accept-Language header (RFC 9110, section
// 12.5.4) likes best, or the default. Every kind of Norwegian is bokmål here.
func (all Languages) Match(header string) *Language {
	best, weight := all[0], 0.0
	for part := range strings.SplitSeq(header, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if value, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			q, _ = strconv.ParseFloat(value, 64)
		}
		primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if primary == "no" || primary == "nn" {
			primary = "nb"
		}
		if l := all.Find(primary); l != nil && q > weight {
			best, weight = l, q
		}
	}
	return best
}

// Keys returns the keys of all texts, sorted.
func (l *Language) Keys() []string { return slices.Sorted(maps.Keys(l.texts)) }

// Text returns a text with args in the places of its verbs, as fmt.Sprintf does.
// An unknown key is an error: it stops a page instead of leaving a hole in it.
func (l *Language) Text(key string, args ...any) (string, error) {
	text, ok := l.texts[key]
	if !ok {
		return "", fmt.Errorf("text %q is missing in language %q", key, l.Tag)
	}
	if len(args) == 0 {
		return text, nil
	}
	return fmt.Sprintf(text, args...), nil
}

// Known returns the text of prefix and value, such as the name of a channel, or
// value itself where there is none: values come from outside.
func (l *Language) Known(prefix, value string) string {
	if text, ok := l.texts[prefix+value]; ok {
		return text
	}
	return value
}

// Country returns the name of an ISO 3166-1 alpha-2 code, or the code.
func (l *Language) Country(code string) string { return nameOr(l.countries, code) }

// Region returns the name of an ISO 3166-2 code, such as NO-50, or the code.
func (l *Language) Region(code string) string { return region.Name(code, l.Tag) }

// Tongue returns the name of an ISO 639-1 code, or the code.
func (l *Language) Tongue(code string) string { return nameOr(l.tongues, code) }

func nameOr(names map[string]string, code string) string {
	if name, ok := names[code]; ok {
		return name
	}
	return code
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
	return l.decimal(share*100) + l.format.Percent
}

// decimal writes a number with one decimal.
func (l *Language) decimal(x float64) string {
	tenths := int64(roundHalfAway(x * 10))
	sign := ""
	if tenths < 0 {
		sign, tenths = Minus, -tenths
	}
	return sign + l.Number(tenths/10) + l.format.Decimal + strconv.FormatInt(tenths%10, 10)
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
	text := l.decimal((now - before) * 100)
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
	space := "\u00a0"
	switch {
	case s < 60:
		return l.Number(s) + space + "s"
	case s < 3600:
		return l.Number(s/60) + space + "min " + l.Number(s%60) + space + "s"
	default:
		return l.Number(s/3600) + space + l.format.Hour + " " + l.Number(s%3600/60) + space + "min"
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
func (l *Language) Until(clock string) string { return l.format.Until + " " + clock }

// Days writes a run of days, both ends included, as briefly as can be:
// "16–22 November 2026".
func (l *Language) Days(from, to calendar.Day) string {
	a, b := from.Time(), to.Time()
	switch {
	case from == to:
		return l.Day(to)
	case a.Year() != b.Year():
		return l.Day(from) + " – " + l.Day(to)
	case a.Month() != b.Month():
		return l.dayMonth(from, l.format.Months) + " – " + l.Day(to)
	default:
		return l.dayNumber(from) + "–" + l.Day(to)
	}
}
