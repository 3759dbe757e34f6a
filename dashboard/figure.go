package dashboard

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
)

// figure is one number beside the one before.
type figure struct {
	Key    string
	Value  string
	Change change
	Base   string // "from 6,491"; "" without a comparison
	PerDay string // mean of a day; "" where it says nothing
	URL    string // of the page whose curve shows it
	Chosen bool
	Large  bool // the first of the page

	now, before          *float64 // nil: it says nothing, as a ratio of nothing
	hidden, hiddenBefore report.Hiding
}

// number returns a measure or ratio of sums for programs, nil for a ratio of nothing and for a
// measure that is not 0 and rounds to 0.
func number(key string, s report.Sums) *float64 {
	if !defined(key, s) || s.Few(key) {
		return nil
	}
	n := s.Of(key)
	return &n
}

// part returns what part of all some are, nil of nothing.
func part(some, all int64) *float64 {
	if all == 0 {
		return nil
	}
	n := float64(max(some, 0)) / float64(all)
	return &n
}

// change says how a figure moved.
type change struct {
	Text      string // "": nothing can be said
	Direction direction
}

type direction string

const (
	up   direction = "up"
	down direction = "down"
	same direction = "same"
)

// leastBase is the least number of things that a percentage is of: of fewer it says more
// about chance than about the website.
const leastBase = 30

// nothing stands where there is no number.
const nothing = "–"

// amount writes a measure or ratio of sums.
func amount(l *i18n.Language, key string, s report.Sums) string {
	if !defined(key, s) {
		return nothing
	}
	if s.Few(key) {
		return l.Say("guard.below", l.Number(s.RoundedTo()))
	}
	switch report.UnitOf(key) {
	case report.Share:
		return l.Percent(s.Of(key))
	case report.Seconds:
		return l.MeanDuration(s.Of(key))
	case report.Mean:
		return l.Mean(s.Of(key))
	}
	return l.Number(s.Count(key))
}

// said writes a measure of sums in a text that counts it, also if it is not 0 and rounds to 0.
func said(l *i18n.Language, text, measure string, s report.Sums) string {
	if s.Few(measure) {
		return l.Fewer(text, s.RoundedTo())
	}
	return l.Counted(text, s.Count(measure))
}

// shown writes a measure or ratio of sums, or why it is hidden.
func (q *question) shown(l *i18n.Language, key string, s report.Sums, hidden report.Hiding) string {
	if hidden != report.Shown {
		return coverOf(l, hidden, q.below())
	}
	return amount(l, key, s)
}

// coverOf writes what stands in the place of a figure that is hidden.
func coverOf(l *i18n.Language, hidden report.Hiding, guard int) string {
	switch hidden {
	case report.Shown:
		return ""
	case report.Refused, report.Ahead:
		return nothing
	case report.Below:
		return l.Say("guard.below", l.Number(int64(guard)))
	default:
		return l.Say("guard.beside")
	}
}

// guardNote says why figures are hidden.
func (q *question) guardNote(l *i18n.Language) string {
	if q.of.Guard == 0 { // what is hidden rounds to 0, and the page says so
		return ""
	}
	return l.Say("guard.what", l.Number(int64(q.of.Guard)))
}

// tally shows counts that are no figures of report, such as those of the ledger, rounded to a
// multiple of itself if that is more than 1.
type tally int64

// tally returns what shows counts beside the figures.
func (d *Dashboard) tally() tally { return tally(d.figures.To()) }

// of rounds a count.
func (t tally) of(n int64) int64 { return report.Round(n, int64(t)) }

// few reports whether a count is not 0 and rounds to 0.
func (t tally) few(n int64) bool { return n != 0 && t.of(n) == 0 }

// said writes a count in a text that counts it.
func (t tally) said(l *i18n.Language, text string, n int64) string {
	if t.few(n) {
		return l.Fewer(text, int64(t))
	}
	return l.Counted(text, t.of(n))
}

// text writes a count for people.
func (t tally) text(l *i18n.Language, n int64) string {
	if t.few(n) {
		return l.Say("guard.below", l.Number(int64(t)))
	}
	return l.Number(t.of(n))
}

// cell writes a count for a spreadsheet.
func (t tally) cell(l *i18n.Language, n int64) string {
	if t.few(n) {
		return t.text(l, n)
	}
	return l.Plain(float64(t.of(n)))
}

// number returns a count for programs, nil if it is not 0 and rounds to 0.
func (t tally) number(n int64) *int64 {
	if t.few(n) {
		return nil
	}
	n = t.of(n)
	return &n
}

// below returns below which number figures may be hidden as small: that of the site, or to what
// multiple they are rounded.
func (q *question) below() int { return max(q.of.Guard, int(q.rounded)) }

// roundedNote says that figures are rounded, "" if they are not.
func (q *question) roundedNote(l *i18n.Language) string {
	if q.rounded <= 1 {
		return ""
	}
	return l.Say("rounded", l.Number(q.rounded))
}

// asOfNote says up to when breakdowns of today go, "" if all go as far as the period.
func (q *question) asOfNote(l *i18n.Language) string {
	k := l.Number(int64(q.of.Guard))
	switch {
	case q.asOf.IsZero():
		return ""
	case calendar.DayOf(q.asOf) < q.period.Range.To:
		return l.Say("guard.today.none", k)
	}
	return l.Say("guard.today", l.Clock(q.asOf), k)
}

// erasedNote says that rows were erased which the figures lack, "" if none were.
func (q *question) erasedNote(l *i18n.Language) string {
	if q.erased == 0 {
		return ""
	}
	return l.Counted("erased", int64(q.erased))
}

// foldedNote says that values of few have no line, "" if that does not concern the figures.
func (q *question) foldedNote(l *i18n.Language) string {
	if q.folded == 0 {
		return ""
	}
	return l.Say("folded", l.Day(q.folded))
}

// minimalNote says that what figures tell of was not recorded on all days, "" if it was.
func (q *question) minimalNote(l *i18n.Language) string {
	var all []string
	if q.minimal > 0 {
		all = append(all, l.Counted("minimal", int64(q.minimal)))
	}
	if q.unlike {
		all = append(all, l.Say("minimal.unlike"))
	}
	return strings.Join(all, " ")
}

// defined reports whether a measure or ratio says something of sums: a ratio of nothing
// does not.
func defined(key string, s report.Sums) bool {
	under := underOf(key)
	return under == "" || s.Count(under) != 0
}

// underOf returns the measure that a ratio divides by, "" for a measure.
func underOf(key string) string {
	i := slices.IndexFunc(report.Ratios[:], func(r report.Ratio) bool { return r.Key == key })
	if i < 0 {
		return ""
	}
	return report.Ratios[i].Under
}

// comparison is how much of a period there is, beside the days before.
type comparison struct {
	days, before float64 // numbers of days, both 1 unless only the means of days compare
}

func (q *question) comparison() comparison {
	if before, ok := q.period.Before(); ok && q.period.PerDay() {
		return comparison{float64(q.period.Range.Days()), float64(before.Days())}
	}
	return comparison{1, 1}
}

// change returns how a measure or ratio moved.
func (c comparison) change(l *i18n.Language, key string, now, before report.Sums) change {
	base := before.Count(key)
	if under := underOf(key); under != "" {
		base = min(before.Count(under), now.Count(under))
	}
	if base < leastBase || !defined(key, now) || !defined(key, before) {
		return change{}
	}
	if underOf(key) == "" {
		return relative(l, float64(now.Count(key))/c.days, float64(before.Count(key))/c.before)
	}
	a, b := now.Of(key), before.Of(key)
	switch report.UnitOf(key) {
	case report.Share:
		tenths := math.Round((a - b) * 1000)
		return moved(tenths, l.Points(math.Abs(a-b)))
	case report.Seconds:
		seconds := math.Round(a) - math.Round(b)
		return moved(seconds, l.Duration(time.Duration(math.Abs(seconds))*time.Second))
	default:
		return relative(l, a, b)
	}
}

// moved is a difference, in words without its sign.
func moved(by float64, text string) change {
	switch {
	case by > 0:
		return change{text, up}
	case by < 0:
		return change{text, down}
	default:
		return change{text, same}
	}
}

// relative is the change of a number in whole percent.
func relative(l *i18n.Language, now, before float64) change {
	percent := math.Round((now - before) / before * 100)
	return moved(percent, l.WholePercent(math.Abs(percent)/100))
}

// figures shows measures of the answer to a query without a dimension, the first large.
func (q *question) figures(l *i18n.Language, a *answer, measures []string) []figure {
	now, before := a.Total()
	chosen := q.measure(measures)
	var all []figure
	for i, key := range measures {
		hidden, hiddenBefore := a.why(key)
		f := figure{Key: key, Value: q.shown(l, key, now, hidden), hidden: hidden, hiddenBefore: hiddenBefore, Large: i == 0, Chosen: key == chosen, URL: q.with(byMeasure, key).String(), now: number(key, now), before: number(key, before)}
		if i == 0 {
			f.URL = q.with(byMeasure, "").String()
		}
		compared := a.compared() && hiddenBefore != report.Refused
		if compared {
			if hidden == report.Shown {
				f.Change = q.comparison().change(l, key, now, before)
			}
			f.Base = l.Say("figure.from", q.shown(l, key, before, hiddenBefore))
		}
		days := float64(q.period.Counted(q.since).Days())
		if underOf(key) == "" && q.period.Range.Days() > 1 && days > 0 && hidden == report.Shown && !now.Few(key) {
			f.PerDay = l.Say("figure.perDay", mean(l, now.Count(key), days))
			if c := q.comparison(); compared && q.period.PerDay() && hiddenBefore == report.Shown {
				f.Base = l.Say("figure.from.perDay", mean(l, now.Count(key), c.days), mean(l, before.Count(key), c.before))
				f.PerDay = ""
			} else if i > 0 {
				f.PerDay = ""
			}
		}
		all = append(all, f)
	}
	return all
}

// mean writes the mean of a day.
func mean(l *i18n.Language, n int64, days float64) string {
	if few := float64(n) / days; few > 0 && few < 9.95 {
		return l.Mean(few) // "0 a day" of ten in a month would be none
	}
	return l.Number(int64(math.Round(float64(n) / days)))
}

// means writes a measure of the period and of the days before: of a day, where only the means
// of their days compare.
func (q *question) means(l *i18n.Language, now, before int64) (string, string) {
	c := q.comparison()
	if !q.period.PerDay() {
		return l.Number(now), l.Number(before)
	}
	return mean(l, now, c.days), mean(l, before, c.before)
}

// base writes what the change of a line is of, "" where nothing is said of that.
func (q *question) base(l *i18n.Language, key string, change change, before report.Sums, hidden report.Hiding) string {
	if change.Text == "" || hidden != report.Shown {
		return ""
	}
	text := amount(l, key, before)
	if underOf(key) == "" {
		_, text = q.means(l, 0, before.Count(key))
	}
	return l.Say("figure.from", text)
}

// begunNote says that counting began within the period, "" if it did not.
func (q *question) begunNote(l *i18n.Language) string {
	if !q.begunWithin() {
		return ""
	}
	return l.Say("figure.begun", l.Day(q.since), quantity(l, "days", int64(q.period.Counted(q.since).Days())))
}

// measure returns which of some measures the curve shows.
func (q *question) measure(measures []string) string {
	if m := q.own.Get(byMeasure); slices.Contains(measures, m) {
		return m
	}
	return measures[0]
}

// quantity writes a number with what it is of: "2 visitors".
func quantity(l *i18n.Language, measure string, n int64) string {
	return l.Counted("count."+measure, n)
}
