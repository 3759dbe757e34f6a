package dashboard

import (
	"cmp"
	"slices"
	"strings"

	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/report"
)

// sections are the parts of a site, by the first segment of the path, or the pages below
// any prefix.
func sections(q *question) (func() doc, error) {
	l := q.lang
	prefix := q.own.Get("prefix")
	if prefix == "" {
		return tablePage(list{key: "section", dimension: "section", measures: []string{"section_visitors", "pageviews"}})(q)
	}
	below := report.Filter{Dimension: "page", Value: strings.TrimSuffix(prefix, "/"), Prefix: true}
	if first := strings.TrimPrefix(prefix, "/"); !strings.Contains(strings.TrimSuffix(first, "/"), "/") {
		below = report.Filter{Dimension: "section", Value: "/" + strings.TrimSuffix(first, "/")}
	}
	q.within = append(q.within, below)
	measures := q.exact("", "section_visitors", "pageviews", "exits", "view_seconds")
	sums, draw := q.chart(l, measures)
	show := q.table(l, list{key: "page", dimension: "page", measures: []string{"page_visitors", "pageviews", "exit_rate", "view_seconds"}}.alone())
	return func() doc {
		d := doc{Title: q.headlineSentence(l, sums, measures[0]), Over: []span{{l.Say("nav.sections"), q.to("/sections").String()}, {Text: prefix}}}
		d.refuse(q, sums)
		d.Figures = q.figures(l, sums, measures)
		d.Blocks = append(d.Blocks, q.curve(l, draw()), q.alone(show()))
		return d
	}, nil
}

// curve is the block of a chart.
func (q *question) curve(l *i18n.Language, c *chart) block {
	return block{Key: "chart", Title: l.Say("chart.title."+string(c.Step), l.Say("measure."+c.Measure)), More: q.noteLink(l), Wide: true, Shows: c}
}

// pageCard is all that is known of one page.
func pageCard(q *question) (func() doc, error) {
	l := q.lang
	path := q.own.Get("path")
	if path == "" {
		return nil, notFound
	}
	this := report.Filter{Dimension: "page", Value: path}
	ask := func(dimension, measure string, of report.Filter) *answer {
		if len(q.exact(dimension, measure)) == 0 {
			return nil
		}
		asked := q.by(dimension, report.MaxLimit, measure)
		asked.Filters, asked.Gone = both(asked.Filters, of), true // of all of them the sum before is told
		return q.ask(asked)
	}
	previous := ask("previous", "pageviews", this)
	next := ask("page", "pageviews", report.Filter{Dimension: "previous", Value: path})
	from := ask("source", "visits", report.Filter{Dimension: "entry", Value: path})
	elsewhere := q.query("view_seconds")
	elsewhere.Filters = both(elsewhere.Filters, report.Filter{Dimension: "page", Value: "/", Prefix: true})
	rest := q.ask(elsewhere)
	q.within = append(q.within, this)
	shown := q.exact("", "page_visitors", "pageviews", "exit_rate", "view_seconds")
	measures := append(shown[:len(shown):len(shown)], q.exact("", "exits")...)
	sums, draw := q.chart(l, measures)
	return func() doc {
		d := doc{
			Title: path, Over: q.pathAbove(path), AsFilter: q.to("").filtered(report.Filter{Dimension: "page", Value: path}).String(),
			Lead: append(spans(l, "page.open", span{path, "https://" + q.of.Hosts[0] + path}, hostname.Display(q.of.Hosts[0])), span{Text: " "},
				span{Text: q.headlineSentence(l, sums, measures[0]) + "."}),
		}
		now, before := sums.Total()
		views := now.Count("pageviews")
		if sums.refused != nil {
			d.refuse(q, sums)
			d.Figures, d.Blocks = q.figures(l, sums, shown), []block{q.curve(l, draw())}
			return d
		}
		if !slices.Contains(measures, "pageviews") { // the filters are of what is no view
			d.Figures, d.Blocks = q.figures(l, sums, shown), []block{q.curve(l, draw())}
			return d
		}
		if hidden, _ := sums.Hidden(); hidden != report.Shown {
			d.Remark = []span{{Text: q.guardNote(l)}}
			return d
		}
		if views == 0 && !now.Few("pageviews") {
			d.Lead = d.Lead[:len(d.Lead)-1]
			d.Remark = []span{{Text: l.Say("page.none")}}
			return d
		}
		began := now.Sub(sumOfLines(previous))
		entered := way{Label: label{Head: l.Say("ways.entered"), Whole: l.Say("ways.entered")}, count: began.Count("pageviews"), Apart: true, what: "entered"}
		left := way{Label: label{Head: l.Say("ways.left"), Whole: l.Say("ways.left")}, count: now.Count("exits"), hidden: fewOf("exits", now, report.Shown), Apart: true, what: "left"}
		d.Figures = q.figures(l, sums, shown)
		for i, f := range d.Figures {
			switch f.Key {
			case "exit_rate":
				d.Figures[i].Base, d.Figures[i].Change, d.Figures[i].PerDay = "", change{}, said(l, "count.times", "exits", now)
			case "view_seconds":
				d.Figures[i].Base, d.Figures[i].Change, d.Figures[i].PerDay = "", change{}, ""
				if all, _ := rest.Total(); rest.refused == nil {
					d.Figures[i].PerDay = l.Say("page.timeElsewhere", amount(l, "view_seconds", all))
				}
			}
		}
		if previous != nil && previous.refused == nil {
			var hiddenBefore report.Hiding
			entered.hidden, hiddenBefore = previous.why("pageviews")
			entered.hidden = fewOf("pageviews", began, entered.hidden)
			if entered.hidden == report.Shown && views > 0 {
				_, wasHidden := sums.why("pageviews")
				_, came := previous.Total()
				in := figure{Key: "entered", now: part(entered.count, views), PerDay: said(l, "count.times", "pageviews", began), hiddenBefore: max(hiddenBefore, wasHidden)}
				in.Value, in.before = l.Percent(*in.now), part(before.Count("pageviews")-came.Count("pageviews"), before.Count("pageviews"))
				d.Figures = slices.Insert(d.Figures, min(2, len(d.Figures)), in)
			}
		}
		d.Blocks = append(d.Blocks, q.curve(l, draw()))
		if previous != nil {
			d.Blocks = append(d.Blocks, block{Key: "previous", Title: l.Say("ways.before"), Note: []span{{Text: said(l, "ways.before.what", "pageviews", now)}}, Shows: q.ways(previous, "page", views, entered)})
		}
		if next != nil {
			d.Blocks = append(d.Blocks, block{Key: "next", Title: l.Say("ways.after"), Note: spans(l, "ways.after.what"), Shows: q.ways(next, "page", views, left)})
		}
		if from != nil {
			hosts := *from
			hosts.Lines = slices.DeleteFunc(slices.Clone(from.Lines), func(line report.Line) bool { return line.Value != "website" || line.Detail == "" })
			d.Blocks = append(d.Blocks,
				block{Key: "source", Title: l.Say("page.sources"), Shows: q.ways(from, "source", sumOfLines(from).Count("visits"))},
				block{Key: "links", Title: l.Say("page.links"), Note: spans(l, "page.links.what"), Shows: q.ways(&hosts, "source", 0)})
		}
		d.Blocks = append(d.Blocks, block{
			Key: "compare", Title: l.Say("compared.with.card"), Note: spans(l, "compared.with.what", span{l.Say("compared.new"), q.compare(path).String()}),
			Shows: &pathForm{Name: "path", Label: "compared.with", Button: "compare", Action: q.to(comparing).place(), Hidden: q.compare(path).hidden()},
		})
		return d
	}, nil
}

// pathAbove leads from the card of a page to the pages of each part that it lies in.
func (q *question) pathAbove(path string) []span {
	above := []span{{q.lang.Say("nav.pages"), q.to("/pages").String()}}
	for i := 1; i < len(path); i++ {
		if path[i] == '/' {
			above = append(above, span{path[:i], q.to("/sections", "prefix", path[:i]).String()})
		}
	}
	return above
}

// sumOfLines returns the sums of all lines of an answer, 0 where they are hidden.
func sumOfLines(a *answer) (sum report.Sums) {
	if a != nil {
		sum, _ = a.Total()
	}
	return sum
}

// waysList are pages before or after another, or where its views came from.
type waysList struct {
	Rows    []way
	Name    string // key of what the rows are
	Refused string
	Guarded string // why figures are hidden; "": none is

	measure   string
	dimension string
	titles    map[string]string // of pages, by path
	lang      *i18n.Language
	withheld  withheld
}

func (*waysList) part() string { return "ways" }

// Shares reports whether the rows say what part of all they are.
func (w *waysList) Shares() bool { return len(w.Rows) > 0 && w.Rows[0].Share != "" }

type way struct {
	Label  label
	Count  string
	Share  string
	Width  float64
	Apart  bool        // no page: an entry, an exit, or all other pages
	what   string      // of what is apart
	line   report.Line // of what is not
	count  int64
	hidden report.Hiding
}

// ways shows the lines of an answer, and one row more, in order of their numbers.
func (q *question) ways(got *answer, dimension string, all int64, more ...way) *waysList {
	l := q.lang
	measure := got.query.Measures[0]
	shown := &waysList{Name: "table." + dimension + ".label", lang: l, measure: measure, dimension: got.query.Dimension, titles: q.titles, Refused: refusalOf(got)}
	if got.refused != nil {
		return shown
	}
	if got.Withheld {
		shown.Guarded, shown.withheld = q.guardNote(l), q.withheld(l)
	}
	rows := slices.DeleteFunc(slices.Clone(more), func(w way) bool { return w.hidden == report.Refused })
	rest := l.Say("ways.others." + dimension)
	others := way{Label: label{Head: rest, Whole: rest}, Apart: true, what: "others"}
	lines, sum := got.linesNow(), report.Sums{}
	for i, line := range lines {
		if i < shortTable || len(lines) == shortTable+1 {
			rows = append(rows, way{Label: q.label(l, dimension, line), line: line, count: line.Now.Count(measure), hidden: line.Hidden})
		} else {
			sum = sum.Add(line.Now)
		}
	}
	for i := range rows {
		rows[i].count = max(rows[i].count, 0)
	}
	sortWays(rows)
	others.count, others.hidden = sum.Count(measure), fewOf(measure, sum, report.Shown)
	if others.count > 0 || others.hidden != report.Shown {
		rows = append(rows, others)
	}
	most := int64(1)
	for _, r := range rows {
		most = max(most, r.count)
	}
	for i := range rows {
		rows[i].Count, rows[i].Width = l.Number(rows[i].count), float64(rows[i].count)/float64(most)*100
		if rows[i].hidden != report.Shown {
			rows[i].Count, shown.Guarded = coverOf(l, rows[i].hidden, q.below()), q.guardNote(l)
		} else if all > 0 {
			rows[i].Share = l.WholePercent(float64(rows[i].count) / float64(all))
		}
	}
	shown.Rows = rows
	return shown
}

func (w *waysList) json() any {
	list := []apiValues{}
	for _, r := range w.Rows {
		line := apiValues{w.measure: r.count}
		if r.hidden != report.Shown {
			line[w.measure], line["hidden"] = nil, hidings[r.hidden]
		}
		if r.Apart {
			line["what"] = r.what
		} else {
			line.named(w.lang, w.dimension, r.line, w.titles)
		}
		list = append(list, line)
	}
	return refusable(w.Refused, w.withheld.json(map[string]any{"lines": list}))
}

func (w *waysList) csv(s *sheet) {
	s.heading([]string{w.Name}, []string{w.measure})
	s.refusal(w.Refused)
	for _, r := range w.Rows {
		count := s.lang.Plain(float64(r.count))
		if r.hidden != report.Shown {
			count = r.Count
		}
		s.cells(safeCell(r.Label.Whole), count)
	}
	w.withheld.csv(s)
}

// waysFrom is the page that the ways are of.
func (q *question) waysFrom() string { return cmp.Or(q.own.Get("from"), "/") }

// ways tells from which page people went to which.
func ways(q *question) (func() doc, error) {
	l := q.lang
	from := q.waysFrom()
	ask := func(dimension string, filter report.Filter) *answer {
		asked := q.by(dimension, report.MaxLimit, "pageviews")
		asked.Filters = both(asked.Filters, filter)
		return q.ask(asked)
	}
	this := report.Filter{Dimension: "page", Value: from}
	next, before := ask("page", report.Filter{Dimension: "previous", Value: from}), ask("previous", this)
	of := q.query("pageviews", "exits")
	of.Filters = both(of.Filters, this)
	sums := q.ask(of)
	return func() doc {
		now, _ := sums.Total()
		views := now.Count("pageviews")
		began := now.Sub(sumOfLines(before))
		entered := way{Label: label{Head: l.Say("ways.entered"), Whole: l.Say("ways.entered")}, count: began.Count("pageviews"), Apart: true, what: "entered"}
		left := way{Label: label{Head: l.Say("ways.left"), Whole: l.Say("ways.left")}, count: now.Count("exits"), hidden: fewOf("exits", now, report.Shown), Apart: true, what: "left"}
		entered.hidden, _ = before.Hidden()
		entered.hidden = fewOf("pageviews", began, entered.hidden)
		if hidden, _ := sums.Hidden(); hidden != report.Shown {
			entered.hidden, left.hidden = hidden, hidden
		}
		d := doc{Title: l.Say("ways.title", from, nameOfPeriod(l, q.period)), Form: &pathForm{Name: "from", Value: from, Label: "ways.from", Button: "period.show", Hidden: q.hidden("from/", byAfter)}}
		d.refuse(q, sums)
		all := []span{{Text: said(l, "ways.before.what", "pageviews", now)}}
		if sums.refused != nil {
			all = nil
		}
		d.Blocks = append(d.Blocks,
			block{Key: "previous", Title: l.Say("ways.before"), Note: all, Shows: q.ways(before, "page", views, entered)},
			block{Key: "next", Title: l.Say("ways.after"), Note: spans(l, "ways.after.what"), Shows: q.ways(next, "page", views, left)})
		return d
	}, nil
}

// pathForm asks for the path of a page.
type pathForm struct {
	Name, Value   string
	Label, Button string // keys
	Action        string // URL; "": of this page
	Hidden        []hidden
}

func (*pathForm) part() string { return "asks" }
