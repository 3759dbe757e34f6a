package dashboard

import (
	"math"
	"slices"

	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
)

// headline are the measures at the top of the overview.
var headline = []string{"visitors", "visits", "pageviews", "bounce_rate", "visit_seconds"}

// stand are what stands in the place of the headline under filters that it can't be exact
// under.
var stand = []string{"page_visitors", "section_visitors", "visits", "pageviews", "bounce_rate", "visit_seconds", "exits", "events", "conversions"}

// headlineOf returns the measures of the headline that can be exact, or what stands in
// their place: five at most.
func (q *question) headlineOf() []string {
	all := q.exact("", headline...)
	for _, m := range q.exact("", stand...) {
		if len(all) < len(headline) && !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	first := q.people("")
	for i, m := range all {
		if m == first { // comes first
			copy(all[1:i+1], all[:i])
			all[0] = m
		}
	}
	return all
}

// overview is the first page of a site: what everybody asks each Monday.
func overview(q *question) (func() doc, error) {
	l := q.lang
	measures := q.headlineOf()
	sums, draw := q.chart(l, measures)
	pages := q.table(l, list{key: "page", dimension: "page", measures: []string{"page_visitors", "pageviews"}})
	sources := q.table(l, list{key: "source", dimension: "source", measures: []string{"visits", "pageviews"}})
	movers := q.movers(l)
	missing := q.table(l, list{key: "missing", dimension: "missing", measures: []string{"events"}, short: 5})
	return func() doc {
		d := doc{Title: q.headlineSentence(l, sums, measures[0])}
		d.Notices = q.missing(l, headline...)
		if q.admin {
			d.Notices = append(d.Notices, unfinished(l, q.of)...)
		}
		d.refuse(q, sums)
		d.Figures = q.figures(l, sums, measures)
		if measures[0] == "visitors" && q.period.Range.Days() > 1 {
			d.Remark = spans(l, "figure.sumOfDays", span{l.Say("figure.howCounted"), q.to("/counting").String()})
		}
		c := draw()
		top, from, moved := pages(), sources(), movers()
		d.Lead = q.lead(l, top, from, moved, sums)
		d.Blocks = append(d.Blocks,
			q.curve(l, c),
			q.block(l, top, "/pages"),
			q.block(l, from, "/sources"))
		if moved != nil {
			d.Blocks = append(d.Blocks, block{Key: "movers", Title: l.Say("movers"), Note: spans(l, moved.what(), briefBefore(l, q.period)), Shows: moved})
		}
		if gone := missing(); len(gone.Rows) > 0 || q.wants("missing") {
			d.Blocks = append(d.Blocks, q.block(l, gone, "/missing"))
		}
		return d
	}, nil
}

// block shows a table under its heading, with a link to all of it where there is more.
func (q *question) block(l *i18n.Language, t *table, path string) block {
	b := block{Key: t.Key, Title: l.Say("table." + t.Key), Shows: t}
	if t.Refused == "" && !t.Alone {
		b.More = q.whole(l, path, t.Key)
	}
	return b
}

// headlineSentence says how much there was, beside the period before.
func (q *question) headlineSentence(l *i18n.Language, sums *answer, measure string) string {
	now, before := sums.Total()
	if sums.refused != nil && sums.refused.Code == report.NotCounted {
		return l.Say("lead.alone", capitalised(nameOfPeriod(l, q.period)), l.Say("period.uncounted", l.Day(q.since)))
	}
	if sums.refused != nil {
		return l.Say("lead.alone", capitalised(nameOfPeriod(l, q.period)), l.Say("refusal.title"))
	}
	if hidden, _ := sums.Hidden(); fewOf(measure, now, hidden) != report.Shown {
		hidden = fewOf(measure, now, hidden)
		return l.Say("lead.alone", capitalised(nameOfPeriod(l, q.period)), lower(l.Say("measure."+measure))+" "+coverOf(l, hidden, q.below()))
	}
	if !sums.compared() || before.Count(measure) < leastBase {
		return l.Say("lead.alone", capitalised(nameOfPeriod(l, q.period)), quantity(l, measure, now.Count(measure)))
	}
	return q.sentence(l, measure, now, before)
}

// sentence compares a measure with the period before in words.
func (q *question) sentence(l *i18n.Language, measure string, now, before report.Sums) string {
	name, count := capitalised(nameOfPeriod(l, q.period)), quantity(l, measure, now.Count(measure))
	a, b := float64(now.Count(measure))/q.comparison().days, float64(before.Count(measure))/q.comparison().before
	than := briefBefore(l, q.period)
	perDay := ""
	if q.period.PerDay() {
		perDay = ".perDay"
	}
	say := func(how string, args ...any) string {
		return l.Say("lead."+how+perDay, append([]any{name, count}, args...)...)
	}
	ratio := a / b
	switch percent := math.Abs(ratio-1) * 100; {
	case percent < 0.5:
		return say("same", than)
	case ratio > 2:
		return say("times", l.Decimal(ratio), than)
	case ratio > 1:
		return say("more", l.WholePercent(math.Round(percent)/100), than)
	default:
		return say("fewer", l.WholePercent(math.Round(percent)/100), than)
	}
}

// lead says what was read most, what grew most, and where most came from.
func (q *question) lead(l *i18n.Language, pages, sources *table, movers *movers, sums *answer) []span {
	var all []span
	say := func(more []span) {
		if len(all) > 0 {
			all = append(all, span{Text: " "})
		}
		all = append(all, more...)
	}
	name := func(r row) span { return span{r.Label.Whole, r.Label.URL} }
	var read []row
	for _, r := range pages.Rows {
		if r.Label.Whole != "/" && !r.Label.Others && r.Width > 0 && len(read) < 2 {
			read = append(read, r)
		}
	}
	switch len(read) {
	case 1:
		say(spans(l, "lead.read.one", name(read[0])))
	case 2:
		say(spans(l, "lead.read.two", name(read[0]), name(read[1])))
	}
	if movers != nil && len(movers.Rows) > 0 && movers.Rows[0].Change.Direction == up {
		m := movers.Rows[0]
		name := span{m.Label.Whole, m.Label.URL}
		if movers.PerDay {
			say(spans(l, "lead.grown.perDay", name, m.From, m.To, lower(l.Say("column."+movers.measure))))
		} else {
			say(spans(l, "lead.grown", name, m.From, quantity(l, movers.measure, m.to)))
		}
	}
	now, _ := sums.Total()
	bySource := func(f report.Filter) bool { return f.Dimension == "source" || f.Dimension == "channel" } // all came from there
	if !slices.ContainsFunc(q.filters, bySource) && len(sources.Rows) > 0 && len(sources.lines) > 0 && sources.lines[0].Hidden == report.Shown && now.Count("visits") >= leastBase {
		first := sources.lines[0]
		if part := share(l, "visits", first.Now, now); part != "" && first.Detail != "" {
			say(spans(l, "lead.from", part, span{sources.Rows[0].Label.Whole, sources.Rows[0].Label.URL}))
		}
	}
	return all
}

// movers are the pages that changed most.
type movers struct {
	Rows    []mover
	PerDay  bool // they are means of a day, since the periods differ in length
	measure string
}

func (*movers) part() string { return "movers" }

// what is the key of the text that says what they are.
func (m *movers) what() string {
	if m.PerDay {
		return "movers.what.perDay"
	}
	return "movers.what"
}

type mover struct {
	Label    label
	From, To string
	Change   change
	to       int64
}

// howMany movers are shown that rose most, and that fell most.
const howMany = 3

// movers asks for the pages that changed most, up and down. It returns nothing where there
// is nothing to compare with.
func (q *question) movers(l *i18n.Language) func() *movers {
	exact := q.ofViews()
	if !q.compared() || len(exact) == 0 {
		return func() *movers { return nil }
	}
	measure := exact[0]
	ask := func(ascending bool) *answer {
		asked := q.by("page", howMany, measure)
		asked.Sort, asked.Gone = report.Sort{By: measure, Change: true, Ascending: ascending}, true
		return q.ask(asked)
	}
	rose, fell := ask(false), ask(true)
	return func() *movers {
		m := &movers{measure: measure, PerDay: q.period.PerDay()}
		c := q.comparison()
		add := func(line report.Line, sign float64) {
			now, before := line.Now.Count(measure), line.Before.Count(measure)
			by := float64(now)/c.days - float64(before)/c.before
			if by*sign <= 0 || isOthers(line.Value) || line.Hidden != report.Shown || line.HiddenBefore != report.Shown {
				return
			}
			r := mover{Label: q.label(l, "page", line), to: now}
			r.To, r.From = q.means(l, now, before)
			text := l.Number(int64(math.Abs(by)))
			if m.PerDay {
				text = l.Mean(math.Abs(by))
			}
			r.Change = moved(by, text)
			m.Rows = append(m.Rows, r)
		}
		for _, line := range rose.Lines {
			add(line, 1)
		}
		for i := len(fell.Lines) - 1; i >= 0; i-- {
			add(fell.Lines[i], -1)
		}
		if len(m.Rows) == 0 {
			return nil
		}
		return m
	}
}
