package dashboard

import (
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
)

// periodBar is the choice of a period.
type periodBar struct {
	Name    string // "Uke 47"
	Days    string // "16.–22. november 2026"
	Against string // "mot uke 46", or why there is nothing to compare with
	Earlier string
	Later   string // "": none
	Kinds   []navLink
	Compare []navLink
	Range   rangeForm
}

// rangeForm chooses days from one to another.
type rangeForm struct {
	Chosen         bool
	From, To, Last string // as 2006-01-02
	Hidden         []hidden
	Wrong          string // "from", "to" or another parameter that can't be read
	Problem        string // key of its text
	Typed          string // what was typed, where no field has it
}

// newPeriodBar shows the period of a question.
func (q *question) newPeriodBar(l *i18n.Language) periodBar {
	if q.apart {
		return periodBar{Name: l.Say("compared.days"), Days: l.Say("compared.days.what")}
	}
	p := q.period
	bar := periodBar{
		Name:    nameInBar(l, p),
		Days:    l.Range(p.Range),
		Against: q.against(l),
		Earlier: q.in(p.Earlier()).String(),
		Range: rangeForm{
			Chosen: p.Kind == report.DaysFromTo, From: p.Range.From.String(), To: p.Range.To.String(),
			Last: (calendar.DayOf(q.now) - 1).String(),
		},
	}
	if p.Unfinished() || p.Range.From.Time().Month() != p.Range.To.Time().Month() { // what it is against has to stand on the same line
		bar.Days = l.ShortRange(p.Range, true)
	}
	switch p.Kind {
	case report.SevenDays, report.FourWeeks, report.DaysFromTo: // has dates there, too
		bar.Days = l.ShortRange(p.Range, true)
		if before, ok := p.Before(); ok && bar.Against != "" && !q.tooNew() {
			bar.Against = l.Say("period.against", l.ShortRange(before, before.To.Time().Year() != p.Range.To.Time().Year()))
		}
	}
	if later, ok := p.Later(); ok {
		bar.Later = q.in(later).String()
	}
	for _, k := range report.Kinds {
		if k != report.DaysFromTo {
			bar.Kinds = append(bar.Kinds, navLink{Text: "period." + string(k), URL: q.in(p.Of(k)).String(), Current: k == p.Kind})
		}
	}
	for _, a := range []report.Against{report.PeriodBefore, report.YearBefore, report.NothingBefore} {
		bar.Compare = append(bar.Compare, navLink{Text: "compare." + string(a), URL: q.in(p.With(a, p.Align)).String(), Current: a == p.Against})
	}
	for i, a := range []report.Align{report.ByWeekday, report.ByDate} {
		bar.Compare = append(bar.Compare, navLink{Text: "align." + string(a), URL: q.in(p.With(p.Against, a)).String(), Current: a == p.Align, Apart: i == 0})
	}
	if q.wrong != nil {
		bar.Range.Wrong, bar.Range.Typed = q.wrong.Field, q.wrong.Value
		bar.Range.Problem = "period.wrong." + q.wrong.Field
		if q.wrong.Field == "at" && !q.wrong.Early {
			bar.Range.Problem = "period.wrong.form"
		}
		if q.wrong.Field == "from" || q.wrong.Field == "to" {
			bar.Range.From, bar.Range.To = q.typed.Get("from"), q.typed.Get("to")
			if _, err := calendar.ParseDay(q.wrong.Value); err == nil {
				bar.Range.Typed = "" // the field has it
			}
		}
	}
	bar.Range.Hidden = q.hidden("period", "at", "from", "to", byAfter)
	return bar
}

// against says what the period is compared with.
func (q *question) against(l *i18n.Language) string {
	switch {
	case q.uncounted():
		return l.Say("period.uncounted", l.Day(q.since))
	case q.period.Against == report.NothingBefore || !q.begun():
		return ""
	case q.tooNew():
		return l.Say("period.began", l.Day(q.since))
	}
	return l.Say("period.against", nameOfBefore(l, q.period))
}

// nameInBar is what a period is called above its days.
func nameInBar(l *i18n.Language, p report.Period) string {
	switch p.Kind {
	case report.SevenDays, report.FourWeeks:
		return l.Say("period." + string(p.Kind))
	case report.DaysFromTo:
		return l.Counted("days", int64(p.Range.Days()))
	}
	return capitalised(nameOfPeriod(l, p))
}

// nameOnCurve is what the days of a period, or those before, are called at the end of
// their line, where there is little room.
func nameOnCurve(l *i18n.Language, p report.Period, days calendar.Range, before bool) string {
	switch {
	case p.Kind == report.Today && !before:
		return l.Say("period.today")
	case p.Kind == report.Today || p.Kind == report.OneDay:
		return l.ShortDay(days.From)
	case p.Kind == report.SevenDays || p.Kind == report.FourWeeks || p.Kind == report.DaysFromTo:
		if before {
			return l.Say("chart.before")
		}
		return l.Say("chart.now")
	}
	return capitalised(nameOfWeek(l, p, days))
}

// nameOfWeek is nameOfUnit, with its year for a week of another year than that of the
// period, which may have the same number.
func nameOfWeek(l *i18n.Language, p report.Period, days calendar.Range) string {
	name := nameOfUnit(l, p.Kind, days)
	year, _ := days.From.Time().ISOWeek()
	if own, _ := p.Whole.From.Time().ISOWeek(); p.Kind == report.OneWeek && year != own {
		return l.Say("period.name.weekOfYear", name, strconv.Itoa(year))
	}
	return name
}

// nameOfPeriod is what a period is called in a sentence: "uke 47".
func nameOfPeriod(l *i18n.Language, p report.Period) string {
	if p.Kind == report.Today {
		until, _ := p.Until()
		return l.Say("period.name.today", l.Clock(until))
	}
	name := nameOfUnit(l, p.Kind, p.Whole)
	if p.Unfinished() {
		return l.Say("period.soFar", name)
	}
	return name
}

// nameOfBefore is what the days before are called in a sentence: "uke 46".
func nameOfBefore(l *i18n.Language, p report.Period) string {
	before, ok := p.Before()
	if !ok {
		return ""
	}
	if p.Kind == report.Today {
		_, until := p.Until()
		return l.Say("period.until", weekdayOf(l, before.To, p), l.Clock(until))
	}
	name := nameOfWeek(l, p, before)
	if p.Kind == report.OneDay {
		name = weekdayOf(l, before.To, p)
	}
	if p.Unfinished() {
		return l.Say("period.part", name)
	}
	return name
}

// briefBefore is what the days before are called where the bar has their dates: those of a
// range have no name that is short.
func briefBefore(l *i18n.Language, p report.Period) string {
	switch p.Kind {
	case report.SevenDays, report.FourWeeks, report.DaysFromTo:
		if p.Against != report.NothingBefore {
			return l.Say("period.brief." + string(p.Against))
		}
	}
	return nameOfBefore(l, p)
}

// weekdayOf writes a day, with its year only if that is not the year of the period.
func weekdayOf(l *i18n.Language, day calendar.Day, p report.Period) string {
	if day.Time().Year() == p.Range.To.Time().Year() {
		return l.WeekdayName(day) + " " + l.LongDay(day)
	}
	return l.Weekday(day)
}

// nameOfUnit is what days are called as a period of a kind.
func nameOfUnit(l *i18n.Language, k report.Kind, days calendar.Range) string {
	t := days.From.Time()
	year := strconv.Itoa(t.Year())
	switch k {
	case report.OneDay:
		return l.Weekday(days.From)
	case report.OneWeek:
		_, week := t.ISOWeek()
		return l.Say("period.name.week", strconv.Itoa(week))
	case report.OneMonth:
		return l.Month(days.From)
	case report.Quarter:
		return l.Say("period.name.quarter", strconv.Itoa((int(t.Month())+2)/3), year)
	case report.Tertial:
		return l.Say("period.name.tertial", strconv.Itoa((int(t.Month())+3)/4), year)
	case report.Year:
		return year
	default:
		return l.Range(days)
	}
}

// capitalised returns a text as it begins a sentence.
func capitalised(text string) string { return firstTo(unicode.ToUpper, text) }

// lower returns the name of something as it stands within a sentence.
func lower(text string) string { return firstTo(unicode.ToLower, text) }

func firstTo(change func(rune) rune, text string) string {
	r, n := utf8.DecodeRuneInString(text)
	if n == 0 {
		return ""
	}
	return string(change(r)) + text[n:]
}
