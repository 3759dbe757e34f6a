package privacy

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Language is the language of a page, as a BCP 47 tag.
type Language string

// The languages that pages are written in.
const (
	Bokmal  Language = "nb"
	English Language = "en"
)

func (l Language) validate() error {
	if l != Bokmal && l != English {
		return fmt.Errorf("language %q: want %s or %s", string(l), Bokmal, English)
	}
	return nil
}

// text is one wording in both languages.
type text struct{ en, nb string }

func (t text) in(lang Language) string {
	if lang == Bokmal {
		return t.nb
	}
	return t.en
}

var (
	units = [...][2]text{ // one, several
		{{"year", "år"}, {"years", "år"}},
		{{"month", "måned"}, {"months", "måneder"}},
		{{"day", "dag"}, {"days", "dager"}},
	}
	and       = text{" and ", " og "}
	thousands = text{",", "\u00a0"}
	months    = [...]string{
		"januar", "februar", "mars", "april", "mai", "juni", "juli",
		"august", "september", "oktober", "november", "desember",
	}
)

// words returns the period as people say it: "1 year and 6 months".
func (p Period) words(lang Language) string {
	var parts []string
	for i, n := range []int{p.Years, p.Months, p.Days} {
		switch n {
		case 0:
		case 1:
			parts = append(parts, "1 "+units[i][0].in(lang))
		default:
			parts = append(parts, grouped(n, lang)+" "+units[i][1].in(lang))
		}
	}
	last := len(parts) - 1
	if last < 1 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:last], ", ") + and.in(lang) + parts[last]
}

// date returns the day of t in UTC, in words.
func date(t time.Time, lang Language) string {
	y, m, d := t.UTC().Date()
	if lang == Bokmal {
		return fmt.Sprintf("%d. %s %d", d, months[m-1], y)
	}
	return fmt.Sprintf("%d %s %d", d, m, y)
}

// grouped returns n, which is not negative, with its digits in threes.
func grouped[N int | int64](n N, lang Language) string {
	digits := strconv.FormatInt(int64(n), 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(thousands.in(lang))
		}
		b.WriteRune(d)
	}
	return b.String()
}
