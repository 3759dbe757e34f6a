package dashboard

import (
	"cmp"
	"slices"
	"strings"

	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
)

// Results of a search, as dimension search_result tells them.
const (
	someResults = "some"
	noResults   = "none"
)

// searched is a term that people looked for, with how often that had no result.
type searched struct {
	term                 string
	times, before        int64
	without, withoutThen int64
	hidden               report.Hiding // all of it
	covered              bool          // the numbers before are not told
	mixed                bool          // how often it had no result is not told

	sum, sumThen report.Sums
}

// gonePage is a page that does not exist, with the pages that link there.
type gonePage struct {
	path          string
	times, before int64
	own, ownThen  int64 // by links of the site itself
	links         []goneLink
	mixed         bool // some of the links are not told
	hidden        report.Hiding
	covered       bool // the number before is not told

	sum, sumThen report.Sums
}

type goneLink struct {
	from  string // a path of the site, or the host of another; "" if it is not known
	times int64
}

// own reports whether the link stands on the site itself.
func (l goneLink) own() bool { return strings.HasPrefix(l.from, "/") }

// unsummed returns why a line is not in a sum: what is rounded to nothing is.
func unsummed(s report.Sums, hidden report.Hiding) report.Hiding {
	if s != (report.Sums{}) {
		return report.Shown
	}
	return hidden
}

// fewOf returns why a measure of a sum is not shown.
func fewOf(measure string, s report.Sums, hidden report.Hiding) report.Hiding {
	if hidden == report.Shown && s.Few(measure) {
		return report.Below
	}
	return hidden
}

// askSearches asks for all terms, most often searched for first.
func (q *question) askSearches() (*answer, func() []searched) {
	asked := q.by("search_result", report.MaxLimit, "events")
	asked.Gone = true // what nobody searches for any more is part of the sum before
	got := q.ask(asked)
	return got, func() []searched {
		at := map[string]int{}
		var all []searched
		for _, line := range got.Lines {
			i, ok := at[line.Value]
			if !ok {
				i = len(all)
				at[line.Value] = i
				all = append(all, searched{term: line.Value})
			}
			now, before := line.Now.Count("events"), line.Before.Count("events")
			all[i].hidden = max(all[i].hidden, unsummed(line.Now, line.Hidden))
			all[i].covered = all[i].covered || unsummed(line.Before, line.HiddenBefore) != report.Shown
			all[i].sum, all[i].sumThen = all[i].sum.Add(line.Now), all[i].sumThen.Add(line.Before)
			all[i].mixed = all[i].mixed || line.Folded || line.Hidden != report.Shown
			if line.Detail == noResults {
				all[i].without += now
				all[i].withoutThen += before
			}
		}
		for i := range all {
			s := &all[i]
			s.times, s.before = s.sum.Count("events"), s.sumThen.Count("events")
			s.hidden, s.covered = fewOf("events", s.sum, s.hidden), s.covered || s.sumThen.Few("events")
		}
		slices.SortStableFunc(all, func(a, b searched) int { return cmp.Compare(b.times, a.times) })
		return all
	}
}

// askGone asks for all pages that do not exist, those opened most often first. Links of
// the site itself come before those of others: the owner can mend them.
func (q *question) askGone() (*answer, func() []gonePage) {
	asked := q.by("missing_link", report.MaxLimit, "events")
	asked.Gone = true // what nobody opens any more is part of the sum before
	got := q.ask(asked)
	return got, func() []gonePage {
		at := map[string]int{}
		var all []gonePage
		for _, line := range got.Lines {
			i, ok := at[line.Value]
			if !ok {
				i = len(all)
				at[line.Value] = i
				all = append(all, gonePage{path: report.MissingPath(line.Value)})
			}
			now, before := line.Now.Count("events"), line.Before.Count("events")
			all[i].hidden = max(all[i].hidden, unsummed(line.Now, line.Hidden))
			all[i].covered = all[i].covered || unsummed(line.Before, line.HiddenBefore) != report.Shown
			all[i].sum, all[i].sumThen = all[i].sum.Add(line.Now), all[i].sumThen.Add(line.Before)
			all[i].mixed = all[i].mixed || line.Folded || line.Hidden != report.Shown
			if (goneLink{from: line.Detail}).own() {
				all[i].own += now
				all[i].ownThen += before
			}
			if now > 0 && !line.Folded {
				all[i].links = append(all[i].links, goneLink{line.Detail, now})
			}
		}
		for i := range all {
			g := &all[i]
			g.times, g.before = g.sum.Count("events"), g.sumThen.Count("events")
			g.hidden, g.covered = fewOf("events", g.sum, g.hidden), g.covered || g.sumThen.Few("events")
			slices.SortStableFunc(all[i].links, func(a, b goneLink) int {
				if a.own() != b.own() {
					if a.own() {
						return -1
					}
					return 1
				}
				return cmp.Compare(b.times, a.times)
			})
		}
		slices.SortStableFunc(all, func(a, b gonePage) int { return cmp.Compare(b.times, a.times) })
		return all
	}
}

// finding is the page that tells what people did not find: searches without a result, and
// pages that do not exist.
func finding(q *question) (func() doc, error) {
	l := q.lang
	found, terms := q.askSearches()
	gone, pages := q.askGone()
	return func() doc {
		d := doc{Title: q.title("nav.missing")}
		all, missing := terms(), pages()
		var without, own figureSum
		for _, s := range all {
			without.add(s.without, s.withoutThen, s.mixed, s.covered)
		}
		for _, g := range missing {
			own.add(g.own, g.ownThen, g.mixed, g.covered)
		}
		without.add(0, 0, found.Withheld, found.Withheld)
		own.add(0, 0, gone.Withheld, gone.Withheld)
		searches, views := sumOfEvents(found), sumOfEvents(gone)
		all = slices.DeleteFunc(all, func(s searched) bool { return s.hidden == report.Shown && s.times == 0 })
		missing = stillOpened(missing)
		if len(missing) > 0 && missing[0].hidden == report.Shown {
			worst := missing[0]
			d.Lead = spans(l, "finding.worst", worst.path, quantity(l, "opened", worst.times))
			if len(worst.links) > 0 && worst.links[0].own() {
				link := worst.links[0]
				d.Lead = append(append(d.Lead, span{Text: " "}), spans(l, "finding.linked", l.Number(link.times), q.pageSpan(link.from))...)
			}
		}
		first := q.counted(l, "searches_without", without, found)
		if searches.now > 0 && first.hidden == report.Shown {
			first.PerDay = l.Say("finding.shareOfSearches", l.WholePercent(float64(without.now)/float64(searches.now)))
		}
		first.Large = true
		last := q.counted(l, "own_links", own, gone)
		if last.Base, last.Change = "", (change{}); gone.refused == nil && views.hidden == report.Shown {
			last.PerDay = l.Say("finding.ofThese", l.Number(views.now))
		}
		d.Figures = []figure{first, q.counted(l, "searches", searches, found), q.counted(l, "missing_views", views, gone), last}
		d.refuse(q, found)
		if d.Refused == "" {
			d.refuse(q, gone)
		}
		limit := shortTable
		d.Blocks = append(d.Blocks,
			block{Key: "missing", Title: l.Say("table.missing"), Note: spans(l, "finding.ownFirst"), More: q.whole(l, "/missing", "missing"), Shows: q.goneTable(missing, limit, gone)})
		var unfound []searched
		for _, s := range all {
			if s.without > 0 {
				unfound = append(unfound, s)
			}
		}
		slices.SortStableFunc(unfound, func(a, b searched) int { return cmp.Compare(b.without, a.without) })
		d.Blocks = append(d.Blocks,
			block{Key: "search_none", Title: l.Say("table.search_none"), Shows: q.searchTable(l, unfound, limit, found)},
			block{Key: "search", Title: l.Say("table.search"), More: q.whole(l, "", "search"), Shows: q.searchTable(l, all, 2*limit, found)})
		return d
	}, nil
}

// searches is the page of what people looked for.
func searches(q *question) (func() doc, error) {
	if key := q.own.Get(byTable); key == "search" {
		return tablePage(list{key: "search", dimension: "search", measures: []string{"events"}})(q)
	}
	return finding(q)
}

// missingPages are the pages that do not exist, with the pages that link to them.
func missingPages(q *question) (func() doc, error) {
	l := q.lang
	gone, pages := q.askGone()
	return func() doc {
		d := doc{Title: q.title("table.missing")}
		d.Blocks = append(d.Blocks, block{Key: "missing", Title: l.Say("table.missing"), Note: spans(l, "finding.ownFirst"), Wide: true, Shows: q.goneTable(stillOpened(pages()), report.MaxLimit, gone)})
		return d
	}, nil
}

// stillOpened leaves out the pages that only the days before had.
func stillOpened(all []gonePage) []gonePage {
	return slices.DeleteFunc(all, func(g gonePage) bool { return g.hidden == report.Shown && g.times == 0 })
}

// figureSum is a number and the one before, and why they are not told. One that is hidden Beside
// is of at least so many.
type figureSum struct {
	now, before          int64
	hidden, hiddenBefore report.Hiding
}

// add adds what is told of a line, of which some, now or before, is not.
func (f *figureSum) add(now, before int64, some, someBefore bool) {
	f.now, f.before = f.now+now, f.before+before
	if some {
		f.hidden = report.Beside
	}
	if someBefore {
		f.hiddenBefore = report.Beside
	}
}

// sumOfEvents is the sum of all that an answer tells of.
func sumOfEvents(a *answer) (sum figureSum) {
	now, before := a.Total()
	sum.now, sum.before = now.Count("events"), before.Count("events")
	sum.hidden, sum.hiddenBefore = a.Hidden()
	return sum
}

// counted is a figure that is no measure by itself, of an answer.
func (q *question) counted(l *i18n.Language, key string, sum figureSum, of *answer) figure {
	if of.refused != nil {
		return figure{Key: key, Value: nothing, hidden: report.Refused, hiddenBefore: report.Refused}
	}
	all, allBefore := of.Hidden()
	sum.hidden, sum.hiddenBefore = max(sum.hidden, all), max(sum.hiddenBefore, allBefore)
	now, before := float64(sum.now), float64(sum.before)
	f := figure{Key: key, Value: l.Number(sum.now), now: &now, before: &before, hidden: sum.hidden, hiddenBefore: sum.hiddenBefore}
	switch {
	case all != report.Shown:
		f.Value = coverOf(l, all, q.below())
	case f.hidden != report.Shown:
		f.Value = l.Say("finding.atLeast", f.Value)
	}
	switch {
	case !of.compared():
		f.hiddenBefore = report.Refused
	case f.hidden == report.Shown && f.hiddenBefore == report.Shown:
		f.Base = l.Say("figure.from", l.Number(sum.before))
		if sum.before >= leastBase {
			c := q.comparison()
			f.Change = relative(l, float64(sum.now)/c.days, float64(sum.before)/c.before)
		}
	}
	return f
}

// pageSpan names a page, and leads to its card.
func (q *question) pageSpan(path string) span {
	return span{path, q.to("/page", "path", path).String()}
}

// goneTable is a table of pages that do not exist.
type goneTable struct {
	Rows    []goneRow
	Refused string

	pages    []gonePage
	compared bool
}

func (*goneTable) part() string { return "gone" }

type goneRow struct {
	Label label
	Count string
	Width float64
	Links []goneFrom
}

type goneFrom struct {
	From  span // "" if it is not known
	Count string
}

// linksShown is how many links to a page that does not exist are shown.
const linksShown = 3

func (q *question) goneTable(pages []gonePage, limit int, got *answer) *goneTable {
	t := &goneTable{pages: pages, compared: got.compared(), Refused: refusalOf(got)}
	l := q.lang
	for _, g := range pages[:min(limit, len(pages))] {
		r := goneRow{Count: l.Number(g.times), Width: float64(g.times) / float64(max(pages[0].times, 1)) * 100}
		if g.hidden != report.Shown {
			r.Count = coverOf(l, g.hidden, q.below())
		}
		r.Label = label{Whole: g.path, Others: isOthers(g.path)}
		r.Label.Head, r.Label.Tail = cutPath(g.path)
		for _, link := range g.links[:min(linksShown, len(g.links))] {
			from := goneFrom{Count: l.Number(link.times)}
			switch {
			case link.own():
				from.From = q.pageSpan(link.from)
			case link.from != "":
				from.From = span{Text: nameOf(l, "source", link.from)}
			}
			r.Links = append(r.Links, from)
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

// refusalOf is the key of the text why there is no answer, "" if there is one.
func refusalOf(a *answer) string {
	if a.refused == nil {
		return ""
	}
	return "refusal." + string(a.refused.Code)
}

func (t *goneTable) json() any {
	lines := []map[string]any{}
	for _, g := range t.pages {
		links := []map[string]any{}
		for _, link := range g.links {
			links = append(links, map[string]any{"from": link.from, "events": link.times})
		}
		one := map[string]any{"value": g.path, "events": g.times, "links": links}
		if t.compared {
			one["before"] = map[string]any{"events": g.before}
		}
		if g.hidden != report.Shown {
			one["events"], one["hidden"] = nil, hidings[g.hidden]
		}
		if t.compared && g.covered {
			one["before"] = nil
		}
		lines = append(lines, one)
	}
	return refusable(t.Refused, map[string]any{"dimension": "missing", "lines": lines})
}

func (t *goneTable) csv(s *sheet) {
	s.heading([]string{"table.missing.label", "dimension.missing_link"}, []string{"events"})
	s.refusal(t.Refused)
	for _, g := range t.pages {
		for _, link := range g.links {
			s.cells(safeCell(g.path), safeCell(link.from), s.lang.Plain(float64(link.times)))
		}
	}
}

// searchTable is a table of terms.
type searchTable struct {
	Rows    []searchRow
	Refused string
	Guarded string // why figures are hidden; "": none is

	terms    []searched
	compared bool
	guard    int // see site.Site
	withheld withheld
}

func (*searchTable) part() string { return "searched" }

type searchRow struct {
	Label          label
	Count, Without string
	Width          float64
}

func (q *question) searchTable(l *i18n.Language, terms []searched, limit int, got *answer) *searchTable {
	t := &searchTable{terms: terms, compared: got.compared(), Refused: refusalOf(got), guard: q.below()}
	if got.Withheld {
		t.Guarded, t.withheld = q.guardNote(l), q.withheld(l)
	}
	most := int64(1)
	for _, s := range terms {
		most = max(most, s.times)
	}
	for _, s := range terms[:min(limit, len(terms))] {
		r := searchRow{Count: l.Number(s.times), Without: l.Number(s.without), Width: float64(s.times) / float64(most) * 100}
		if s.mixed {
			r.Without, t.Guarded = nothing, q.guardNote(l)
		}
		if s.hidden != report.Shown {
			r.Count = coverOf(l, s.hidden, q.below())
		}
		name := cmp.Or(s.term, l.Say("unknown"))
		r.Label = label{Head: name, Whole: name, Others: isOthers(s.term)}
		if !r.Label.Others {
			r.Label.URL = q.filtered(report.Filter{Dimension: "search", Value: s.term}).to("").String()
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

func (t *searchTable) json() any {
	lines := []map[string]any{}
	for _, s := range t.terms {
		one := map[string]any{"value": s.term, "events": s.times, "without_results": s.without}
		if t.compared {
			one["before"] = map[string]any{"events": s.before, "without_results": s.withoutThen}
		}
		if s.mixed {
			one["without_results"] = nil
		}
		if s.hidden != report.Shown {
			one["events"], one["hidden"] = nil, hidings[s.hidden]
		}
		if t.compared && s.covered {
			one["before"] = nil
		}
		lines = append(lines, one)
	}
	return refusable(t.Refused, t.withheld.json(map[string]any{"dimension": "search", "lines": lines}))
}

func (t *searchTable) csv(s *sheet) {
	s.heading([]string{"table.search.label", "column.events", "column.without"}, nil)
	s.refusal(t.Refused)
	for _, term := range t.terms {
		times, without := s.lang.Plain(float64(term.times)), s.lang.Plain(float64(term.without))
		if term.mixed {
			without = ""
		}
		if term.hidden != report.Shown {
			times = coverOf(s.lang, term.hidden, t.guard)
		}
		s.cells(safeCell(term.term), times, without)
	}
	t.withheld.csv(s)
}
