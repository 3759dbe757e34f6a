package dashboard

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
)

// comparing is the path of the page that compares pages.
const comparing = "/compare"

const (
	// maxCompared is how many pages are compared at most: each two are a statement, two under
	// a filter.
	maxCompared = 4
	// firstDays are the days that they are compared over, and firstWeek those of the first sum.
	firstDays, firstWeek = 28, 7
	// newFor is for how long a page is new: such pages are proposed.
	newFor = 92
)

// pathsOf reads the paths of pages to compare as people write them, each once.
func pathsOf(l *i18n.Language, typed []string) []string {
	var paths []string
	for _, text := range typed {
		path := norm.NFC.String(codeOf(l, "page", strings.TrimSpace(text)))
		if path != "" && len(path) <= report.MaxFilterValue && !slices.Contains(paths, path) && len(paths) < maxCompared {
			paths = append(paths, path)
		}
	}
	return paths
}

// compare returns the address of the comparison of some pages.
func (a address) compare(paths ...string) address {
	a = a.to(comparing)
	a.own["path"] = paths
	return a
}

// fromFirst is a page from the day of its first view on.
type fromFirst struct {
	Letter string
	Label  label
	First  string // the day; "": nobody has seen it on a day that is over
	Sums   []comparedSum
	Away   string // URL of the comparison without it

	path   string
	first  calendar.Day
	days   int // of which there are figures
	found  map[calendar.Day]report.Line
	hidden report.Hiding // all of them
}

// comparedSum is the sum of some first days, with how many of them there are if not all.
type comparedSum struct{ Value, Days string }

// seen reports whether anybody has seen the page on a day that is over.
func (p fromFirst) seen() bool { return p.days > 0 }

// on returns the figures of a day of the page, of which 0 is the first.
func (p fromFirst) on(n int) (report.Sums, report.Hiding) {
	line := p.found[p.first+calendar.Day(n)]
	return line.Now, max(line.Hidden, p.hidden)
}

// sum adds up the first n days, or those that there are.
func (p fromFirst) sum(n int) (sum report.Sums, hidden report.Hiding) {
	for i := range min(n, p.days) {
		sums, h := p.on(i)
		sum = sum.Add(sums)
		if h != report.Shown && sums == (report.Sums{}) { // of one day it says little, and of all others nothing
			hidden = report.Beside
		}
	}
	return sum, hidden
}

// viewsOf returns a question for the views of some pages over days, without a filter of
// the reader's.
func (q *question) viewsOf(paths []string, days calendar.Range, step report.Step) report.Query {
	asked := report.Query{
		Sites: []uint32{q.site}, Zone: q.now.Location(), Range: days, Step: step,
		Dimension: "page", Measures: []string{"pageviews"}, Limit: maxCompared,
	}
	for _, path := range paths {
		asked.Filters = append(asked.Filters, report.Filter{Dimension: "page", Value: path})
	}
	return asked
}

// comparePages compares pages by how each did from its first day on.
func comparePages(q *question) (func() doc, error) {
	l := q.lang
	paths := q.own["path"]
	pages := make([]*fromFirst, len(paths))
	for i, path := range paths {
		others := slices.Delete(slices.Clone(paths), i, i+1)
		pages[i] = &fromFirst{Letter: string(rune('A' + i)), path: path, Away: q.compare(others...).String()}
	}
	yesterday := calendar.DayOf(q.now) - 1
	counted := calendar.Range{From: max(q.since, yesterday-report.MaxPoints+1), To: yesterday}
	var refused string
	if len(paths) > 0 && !counted.Empty() {
		months := q.ask(q.viewsOf(paths, counted, report.Month))
		if _, err := q.settle(q.ctx, q.dashboard.figures); err != nil {
			return nil, err
		}
		refused = refusalOf(months)
		for _, p := range pages {
			for _, line := range months.Lines {
				if line.Value == p.path && line.Now.Count("pageviews") > 0 { // the first month comes first
					p.first = max(calendar.DayOf(line.At), counted.From)
					p.days = firstDays
					break
				}
			}
		}
	}
	measures := q.ofViews()
	if len(measures) == 0 {
		refused = q.whyNot(list{dimension: "page", measures: []string{"pageviews"}})
		return func() doc {
			return doc{Title: l.Say("compared.title"), Notices: []notice{{Claim: l.Say(refused)}}, Refused: strings.TrimPrefix(refused, "refusal.")}
		}, nil
	}
	take := q.firstDays(pages, measures, yesterday)
	propose := q.proposals(paths, yesterday)
	return func() doc {
		d := doc{Title: l.Say("compared.title"), Over: []span{{l.Say("nav.pages"), q.to("/pages").String()}}}
		if len(paths) < maxCompared {
			d.Form = &pathForm{Name: "path", Label: "compared.with", Button: "compare", Hidden: q.hidden()}
		}
		if refused = max(refused, take()); refused != "" {
			d.Notices, d.Refused = []notice{{Claim: l.Say(refused)}}, strings.TrimPrefix(refused, "refusal.")
			return d
		}
		for _, p := range pages {
			p.Label = q.label(l, "page", report.Line{Value: p.path})
		}
		if len(pages) > 0 {
			c := q.fromFirst(l, pages, measures)
			d.Lead, d.Remark = q.comparedLead(l, c), q.comparedRemark(l, pages)
			d.Blocks = append(d.Blocks, block{Key: "compared", Title: l.Say("compared.sums", l.Say("measure."+c.Measure)), Note: q.otherMeasure(l, c), Wide: true, Shows: &comparedSums{c}})
			if slices.ContainsFunc(pages, func(p *fromFirst) bool { return p.seen() }) {
				d.Blocks = append(d.Blocks, block{Key: "curve", Title: l.Say("compared.curve", l.Say("measure."+c.Measure)), Wide: true, Shows: c})
			}
		}
		if rows := propose(); len(rows) > 0 {
			d.Blocks = append(d.Blocks, block{Key: "proposals", Title: l.Say("compared.new"), Note: spans(l, "compared.new.what", l.Day(yesterday-newFor+1)), Shows: &waysList{Rows: rows, Name: "table.page.label", measure: "pageviews", dimension: "page", titles: q.titles, lang: l}})
		}
		return d
	}, nil
}

// firstDays asks for the first days of pages, whose first month is known, and returns what
// reads the answers, or the key of the text why there is none. Each two pages are put
// together: the days of the second are asked beside those of the first.
func (q *question) firstDays(pages []*fromFirst, measures []string, yesterday calendar.Day) func() string {
	seen := slices.DeleteFunc(slices.Clone(pages), func(p *fromFirst) bool { return !p.seen() })
	type two struct {
		pages        []*fromFirst
		views, shown *answer
	}
	var all []two
	for pair := range slices.Chunk(seen, 2) {
		t := two{pages: pair}
		var paths []string
		for _, p := range pair {
			paths = append(paths, p.path)
		}
		month := func(p *fromFirst) calendar.Range {
			return calendar.Range{From: p.first, To: min(calendar.Month(p.first).To+firstDays-1, yesterday)}
		}
		asked := q.viewsOf(paths, month(pair[0]), report.Day)
		if len(pair) > 1 {
			before := month(pair[1])
			asked.Compare = &before
		}
		asked.Sort.By = "pageviews"
		t.views = q.ask(asked)
		asked.Measures = measures
		asked.Filters = both(q.filters, asked.Filters...)
		t.shown = q.ask(asked)
		all = append(all, t)
	}
	return func() string {
		for _, t := range all {
			if refused := max(refusalOf(t.views), refusalOf(t.shown)); refused != "" {
				return refused
			}
			if t.shown.Uncompared { // the days of one page are set beside those of the other
				return "refusal." + string(report.Unknown)
			}
			for i, p := range t.pages {
				now, before := t.shown.Hidden()
				if p.hidden = now; i > 0 {
					p.hidden = before
				}
				for _, line := range t.views.Lines {
					views := line.Now
					if i > 0 {
						views = line.Before
					}
					if line.Value == p.path && views.Count("pageviews") > 0 {
						p.first = calendar.DayOf(line.At)
						break
					}
				}
				p.days = min(firstDays, int(yesterday-p.first)+1)
				p.found = map[calendar.Day]report.Line{}
				for _, line := range t.shown.Lines {
					if i > 0 {
						line.Now, line.Hidden = line.Before, line.HiddenBefore
					}
					if line.Value == p.path {
						p.found[calendar.DayOf(line.At)] = line
					}
				}
			}
		}
		return ""
	}
}

// proposals asks for pages of the section of the first one that are new, those with most
// views first. Each leads to the comparison with it.
func (q *question) proposals(paths []string, yesterday calendar.Day) func() []way {
	since := max(yesterday-newFor+1, q.since+firstWeek) // in the first days all pages are new
	if len(paths) == 0 || len(paths) == maxCompared || since > yesterday {
		return func() []way { return nil }
	}
	asked := q.viewsOf(nil, calendar.Range{From: since, To: yesterday}, "")
	before := calendar.Range{From: max(q.since, since-report.MaxPoints), To: since - 1}
	asked.Compare = &before
	asked.Limit, asked.Sort = report.DefaultLimit, report.Sort{By: "pageviews", Change: true}
	if first, _, deeper := strings.Cut(paths[0][1:], "/"); deeper {
		asked.Filters = []report.Filter{{Dimension: "section", Value: "/" + first}}
	}
	got := q.ask(asked)
	return func() []way {
		var rows []way
		most := int64(1)
		for _, line := range got.Lines {
			views := line.Now.Count("pageviews")
			if line.Before.Count("pageviews") > 0 || views == 0 || slices.Contains(paths, line.Value) || isOthers(line.Value) || len(rows) == shortTable {
				continue
			}
			most = max(most, views)
			r := way{Label: q.label(q.lang, "page", line), line: line, Count: q.lang.Number(views), count: views, Width: float64(views) / float64(most) * 100}
			r.Label.URL = q.compare(append(slices.Clone(paths), line.Value)...).String()
			rows = append(rows, r)
		}
		return rows
	}
}

// compared is the curves of pages from their first days.
type compared struct {
	Measure string
	Label   string
	Scale   []gridLine
	Pages   []*fromFirst
	Curves  []comparedCurve
	Days    []comparedDay
	Spans   []string // the heads of the sums

	spans    []int // how many days they are of
	measures []string
	lang     *i18n.Language
	guard    int
}

func (*compared) part() string { return "compared" }

// comparedCurve is the curve of one page; the first is drawn as that of a period.
type comparedCurve struct {
	Letter, Line string
	Class        string
	EndX, EndY   float64
}

// curveClasses are the strokes of the curves, one for each page.
var curveClasses = [maxCompared]string{"line", "was", "was dotted", "was dashed"}

// comparedDay is a day of all pages, counted from the first of each.
type comparedDay struct {
	Name, Top      string
	Title          string
	X, Left, Width float64
	Cells          []string
}

func (q *question) fromFirst(l *i18n.Language, pages []*fromFirst, measures []string) *compared {
	c := &compared{Measure: q.measure(measures), Pages: pages, measures: measures, lang: l, guard: q.below()}
	days, common := 0, firstDays
	var top float64
	for _, p := range pages {
		days = max(days, p.days)
		if p.seen() {
			common = min(common, p.days)
		}
		for i := range p.days {
			sums, _ := p.on(i)
			top = max(top, sums.Of(c.Measure))
		}
	}
	c.spans = []int{firstWeek, firstDays}
	if days > 0 && common != firstWeek && common != firstDays { // as many as all have
		c.spans = slices.Insert(c.spans, 0, common)
	}
	for _, n := range c.spans {
		c.Spans = append(c.Spans, quantity(l, "days", int64(n)))
	}
	var y func(float64) float64
	c.Scale, y = scale(l, c.Measure, top*1.02)
	for i := range days {
		day := comparedDay{Name: l.Say("compared.day", strconv.Itoa(i+1)), X: (float64(i) + 0.5) / float64(days) * 100, Left: float64(i) / float64(days) * 100, Width: 100 / float64(days)}
		if i == 0 || (i+1)%7 == 0 || days <= 8 {
			day.Top = strconv.Itoa(i + 1)
		}
		var said []string
		for _, p := range pages {
			cell := nothing
			if i < p.days {
				sums, hidden := p.on(i)
				cell = q.shown(l, c.Measure, sums, hidden)
			}
			day.Cells = append(day.Cells, cell)
			said = append(said, p.Letter+" "+cell)
		}
		day.Title = day.Name + ": " + strings.Join(said, ", ")
		c.Days = append(c.Days, day)
	}
	for n, p := range pages {
		curve := comparedCurve{Letter: p.Letter, Class: curveClasses[n]}
		var points []string
		for i := range p.days {
			if sums, hidden := p.on(i); hidden == report.Shown {
				curve.EndX, curve.EndY = c.Days[i].X, y(sums.Of(c.Measure))
				points = append(points, xy(i, days, curve.EndY-plotTop))
			}
		}
		curve.Line = strings.Join(points, " ")
		c.Curves = append(c.Curves, curve)
		p.First = ""
		if p.seen() {
			p.First = l.Day(p.first)
		}
		p.Sums = nil
		for _, span := range c.spans {
			cell := comparedSum{Value: nothing}
			if p.seen() {
				sums, hidden := p.sum(span)
				cell.Value = q.shown(l, c.Measure, sums, hidden)
			}
			if p.seen() && p.days < span {
				cell.Days = quantity(l, "days", int64(p.days))
			}
			p.Sums = append(p.Sums, cell)
		}
	}
	pushApart(c.Curves)
	c.Label = l.Say("compared.curve", l.Say("measure."+c.Measure))
	return c
}

// pushApart moves the letters at the ends of curves that touch each other.
func pushApart(curves []comparedCurve) {
	order := make([]*comparedCurve, 0, len(curves))
	for i := range curves {
		if curves[i].Line != "" {
			order = append(order, &curves[i])
		}
	}
	slices.SortStableFunc(order, func(a, b *comparedCurve) int { return int(a.EndY - b.EndY) })
	for i := 1; i < len(order); i++ {
		order[i].EndY = max(order[i].EndY, order[i-1].EndY+16)
	}
}

// otherMeasure leads to the comparison by what is not shown.
func (q *question) otherMeasure(l *i18n.Language, c *compared) []span {
	for _, m := range c.measures {
		if m != c.Measure {
			return spans(l, "compared.other", span{lower(l.Say("measure." + m)), q.with(byMeasure, m).String()})
		}
	}
	return nil
}

// comparedLead says how the first of two pages did beside the second, over the days that
// both have.
func (q *question) comparedLead(l *i18n.Language, c *compared) []span {
	if len(c.Pages) != 2 || !c.Pages[0].seen() || !c.Pages[1].seen() {
		return nil
	}
	days := min(c.Pages[0].days, c.Pages[1].days)
	a, hidden := c.Pages[0].sum(days)
	b, hiddenB := c.Pages[1].sum(days)
	if hidden != report.Shown || hiddenB != report.Shown {
		return nil
	}
	first, second := a.Count(c.Measure), b.Count(c.Measure)
	over := l.Counted("compared.over", int64(days))
	name := func(p *fromFirst) span { return span{p.path, p.Label.URL} }
	counts := []any{over, name(c.Pages[0]), said(l, "count."+c.Measure, c.Measure, a), name(c.Pages[1]), said(l, "count."+c.Measure, c.Measure, b)}
	lead := spans(l, "compared.lead", counts...)
	if by := relative(l, float64(first), float64(second)); second >= leastBase && by.Direction != same {
		lead = append(append(lead, span{Text: " "}), span{Text: l.Say("compared.lead."+string(by.Direction), by.Text)})
	}
	return lead
}

// comparedRemark says which pages there is less to say of, and why.
func (q *question) comparedRemark(l *i18n.Language, pages []*fromFirst) (all []span) {
	say := func(text string) {
		if len(all) > 0 {
			text = " " + text
		}
		all = append(all, span{Text: text})
	}
	for _, p := range pages {
		switch {
		case !p.seen():
			say(l.Say("compared.unseen", p.Letter))
		case p.first < q.since+firstWeek: // which of them are older, nobody knows
			say(l.Say("compared.older", p.Letter, l.Day(q.since)))
		}
		if p.seen() && p.days < firstDays {
			say(l.Say("compared.short", p.Letter, quantity(l, "days", int64(p.days))))
		}
	}
	return all
}

// comparedSums are the sums of the first days of pages.
type comparedSums struct{ *compared }

func (*comparedSums) part() string { return "compared-sums" }

// values are the measures of a page, for programs.
func (c *compared) values(sums report.Sums, hidden report.Hiding) apiValues {
	return newAPIValues(c.measures, sums, hidden)
}

func (c *comparedSums) json() any {
	lines := []apiValues{}
	for _, p := range c.Pages {
		line := apiValues{}.of("value", p.path).of("days", p.days)
		if p.seen() {
			line = line.of("first", p.first.String())
			for _, n := range c.spans {
				line = line.of(fmt.Sprintf("first_%d", n), c.values(p.sum(n)))
			}
		}
		lines = append(lines, line)
	}
	return map[string]any{"pages": lines}
}

func (c *comparedSums) csv(s *sheet) {
	s.heading([]string{"table.page.label", "compared.firstDay", "compared.counted"}, nil)
	for _, n := range c.spans {
		s.rows[0] = append(s.rows[0], s.lang.Counted("compared.first", int64(n)))
	}
	for _, p := range c.Pages {
		cells := []string{safeCell(p.path), "", strconv.Itoa(p.days)}
		for _, n := range c.spans {
			cell := ""
			if p.seen() {
				sums, hidden := p.sum(n)
				cells[1], cell = p.first.String(), c.cell(s, sums, hidden)
			}
			cells = append(cells, cell)
		}
		s.cells(cells...)
	}
}

func (c *compared) cell(s *sheet, sums report.Sums, hidden report.Hiding) string {
	if hidden != report.Shown {
		return coverOf(s.lang, hidden, c.guard)
	}
	return s.lang.Plain(sums.Of(c.Measure))
}

func (c *compared) json() any {
	var pages []any
	for _, p := range c.Pages {
		points := []apiValues{}
		for i := range p.days {
			points = append(points, c.values(p.on(i)).of("day", i+1).of("date", (p.first+calendar.Day(i)).String()))
		}
		pages = append(pages, map[string]any{"value": p.path, "points": points})
	}
	return map[string]any{"pages": pages}
}

func (c *compared) csv(s *sheet) {
	s.heading([]string{"chart.step.day"}, nil)
	for _, p := range c.Pages {
		s.rows[0] = append(s.rows[0], safeCell(p.path))
	}
	for i := range c.Days {
		cells := []string{strconv.Itoa(i + 1)}
		for _, p := range c.Pages {
			cell := ""
			if i < p.days {
				sums, hidden := p.on(i)
				cell = c.cell(s, sums, hidden)
			}
			cells = append(cells, cell)
		}
		s.cells(cells...)
	}
}
