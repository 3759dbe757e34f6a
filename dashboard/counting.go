package dashboard

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
)

// Bounds of what the page of counting shows.
const (
	shownChanges = 50 // times at which settings changed
	shownGaps    = 5  // days without a hit that are named
)

// counting is the page that says whether figures are whole, what is not in them, and why.
func counting(q *question) (func() doc, error) {
	l, d := q.lang, q.dashboard
	before, compared := q.period.Comparable(q.since)
	if compared = compared && q.period.Kind != report.Today; !compared { // the ledger knows no time of day
		before = calendar.Range{From: 1, To: 0}
	}
	sums, entries, err := d.store.ExcludedSums(q.ctx, q.site, q.period.Range, before, longTable+1)
	if err != nil {
		return nil, err
	}
	entries, objections := apartObjections(entries, longTable)
	pulse, err := d.store.Pulse(q.ctx, q.site, q.now)
	if err != nil {
		return nil, err
	}
	others, err := d.store.Others(q.ctx, q.site, q.period.Range)
	if err != nil {
		return nil, err
	}
	changed, err := d.store.SiteChanges(q.ctx, q.site, shownChanges)
	if err != nil {
		return nil, err
	}
	asked := q.query("pageviews", "events")
	asked.Filters, asked.Step = nil, report.Day
	asked.Until, asked.CompareUntil = time.Time{}, time.Time{} // like what was excluded
	if !compared {
		asked.Compare = nil
	}
	counted := q.ask(asked)
	said := "site.objections"
	if d.counts() {
		said = "site.objections.told"
	}
	return func() doc {
		q.rounded = max(q.rounded, int64(d.tally()))
		now, was := counted.Total()
		r := newReasons(l, d.tally(), sums, hitsOf(now), hitsOf(was))
		r.gaps, r.pulse, r.question = q.gaps(counted), pulse, q
		page := doc{Table: "excluded"} // which CSV has had from the first
		page.Title, page.Lead = q.wholeness(r)
		page.Facts = q.facts(r, compared && len(counted.Minimal) == 0) // of those days events are not known
		if len(q.filters) > 0 {
			page.Notices = []notice{{Claim: l.Say("counting.unfiltered"), Reason: spans(l, "counting.unfiltered.why")}}
		}
		page.Blocks = append(page.Blocks,
			block{Key: "reasons", Title: l.Say("reasons"), Note: spans(l, "reasons.what"), Wide: true, Shows: r},
			block{Key: "objections", Title: l.Say("reason.objection"), Wide: true, Shows: words{spans(l, said, d.tally().text(l, objections))}},
			block{Key: "excluded", Title: l.Say("table.excluded"), Note: spans(l, "table.excluded.what"), Wide: true, Shows: &excluded{entries, objections, l, d.tally()}})
		if d.drops != nil {
			if drops := dropLines(l, d.tally(), d.drops(q.site), q.of.Location); len(drops) > 0 {
				page.Blocks = append(page.Blocks, block{Key: "drops", Title: l.Say("drops"), Note: spans(l, "drops.what"), Wide: true, Shows: dropTable(drops)})
			}
		}
		if len(others) > 0 {
			page.Blocks = append(page.Blocks, block{Key: "others", Title: l.Say("others"), Note: spans(l, "others.what"), Wide: true, Shows: &othersTable{others, l, d.tally()}})
		}
		page.Blocks = append(page.Blocks,
			block{Key: "definitions", Title: l.Say("definitions"), Shows: definitions(explained)},
			block{Key: "small", Title: l.Say("small"), Shows: q.smallNumbers()},
			block{Key: "changes", Title: l.Say("changes"), Note: spans(l, "changes.what"), Wide: true, Shows: q.changes(changed)})
		return page
	}, nil
}

// hitsOf are the hits that sums count: page views and what else was done.
func hitsOf(s report.Sums) int64 { return s.Count("pageviews") + s.Count("events") }

// gaps are the days of the period that are over, since counting began, on which nothing was
// counted.
func (q *question) gaps(counted *answer) []calendar.Day {
	has := map[calendar.Day]bool{}
	for _, line := range counted.Lines {
		if hitsOf(line.Now) > 0 {
			has[calendar.DayOf(line.At)] = true
		}
	}
	var gaps []calendar.Day
	for day := max(q.period.Range.From, q.since); day <= min(q.period.Range.To, calendar.DayOf(q.now)-1); day++ {
		if !has[day] {
			gaps = append(gaps, day)
		}
	}
	return gaps
}

// lacks says why the figures of the period are not whole; "" if they are.
func (q *question) lacks(r *reasons) string {
	switch days := q.period.Range; {
	case q.since > days.To:
		return "none"
	case q.period.Kind == report.Today || q.period.Unfinished():
		return "unfinished"
	case q.since >= days.From:
		return "begun"
	case len(r.gaps) > 0:
		return "gaps"
	}
	return ""
}

// wholeness says whether the period is whole, or what is missing, and how much was excluded.
func (q *question) wholeness(r *reasons) (title string, lead []span) {
	l, name := q.lang, nameOfPeriod(q.lang, q.period)
	lacks := q.lacks(r)
	title = l.Say("whole.not", name)
	switch lacks {
	case "":
		title = l.Say("whole", name)
		lead = spans(l, "whole.days", l.Counted("whole.count", int64(q.period.Range.Days())))
	case "none":
		lead = spans(l, "whole.none")
		if q.since <= calendar.DayOf(q.now) {
			lead = spans(l, "whole.begun", l.Day(q.since))
		}
	case "unfinished":
		lead = spans(l, "whole.unfinished")
	case "begun":
		lead = spans(l, "whole.begun", l.Day(q.since))
	case "gaps":
		title = l.Say("whole.gaps", name)
		var days []string
		for _, day := range r.gaps[:min(len(r.gaps), shownGaps)] {
			days = append(days, l.Day(day))
		}
		if more := len(r.gaps) - len(days); more > 0 {
			days = append(days, l.Counted("whole.more", int64(more)))
		}
		lead = spans(l, "whole.gaps.days", l.List(days))
	}
	all := l.Number(r.excluded + r.counted)
	switch {
	case lacks == "none":
	case r.excluded == 0:
		lead = append(append(lead, span{Text: " "}), spans(l, "whole.excluded.none", all)...)
	default:
		lead = append(append(lead, span{Text: " "}), spans(l, "whole.excluded", l.Number(r.excluded), all)...)
	}
	return title, lead
}

// fact is a figure of the page of counting.
type fact struct {
	Key, Value string
	Change     change
	Base       string
	Large      bool
	Minutes    []bar
}

// bar is a minute, in percent of the drawing.
type bar struct{ X, Height, Y float64 }

// facts are the share that was excluded, when counting began, and the last hits.
func (q *question) facts(r *reasons, compared bool) []fact {
	l := q.lang
	share := fact{Key: "fact.excluded", Value: r.share(r.excluded), Large: true}
	if was := r.excludedBefore + r.countedBefore; compared && was >= leastBase && r.excluded+r.counted >= leastBase {
		a, b := float64(r.excluded)/float64(r.excluded+r.counted), float64(r.excludedBefore)/float64(was)
		share.Change, share.Base = moved(a-b, l.Points(max(a-b, b-a))), l.Say("figure.from", l.Percent(b))
	}
	today := calendar.DayOf(q.now)
	since := fact{Key: "fact.since", Value: nothing}
	if q.since <= today {
		since.Value = l.Day(q.since)
		since.Base = l.Counted("fact.days", int64(max(today-q.since-1, 0)))
	}
	last := fact{Key: "fact.last", Value: nothing}
	if !r.pulse.Last.IsZero() {
		at := r.pulse.Last.In(q.now.Location())
		last.Value, last.Base = l.Say("fact.ago", l.Duration(q.now.Sub(at).Truncate(time.Second))), momentOf(l, at, q.now, q.now.Location())
		if age := q.now.Sub(at); age >= 24*time.Hour {
			last.Value, last.Base = l.Day(calendar.DayOf(at)), clockOf(l, at)
		}
	}
	recent := fact{Key: "fact.recent", Value: r.tally.text(l, r.pulse.Sum())}
	most := int64(0)
	for _, n := range r.pulse.Minutes {
		most = max(most, r.tally.of(n))
	}
	for i, n := range r.pulse.Minutes {
		if n = r.tally.of(n); n > 0 {
			height := 32 * float64(n) / float64(most)
			recent.Minutes = append(recent.Minutes, bar{X: 4*float64(i) + 0.5, Height: height, Y: 32 - height})
		}
	}
	return []fact{share, since, last, recent}
}

// definitions are measures and what they mean.
type definitions []string

func (definitions) part() string { return "definitions" }

// explained are the measures whose meaning is said in full.
var explained = []string{"visitors", "visits", "pageviews", "bounce_rate", "visit_seconds", "page_visitors", "section_visitors", "events"}

// smallNumbers says which figures are hidden.
func (q *question) smallNumbers() words {
	l := q.lang
	if q.of.Guard == 0 {
		return words{spans(l, "small.off")}
	}
	n := l.Number(int64(q.of.Guard))
	return words{spans(l, "small.below", n, l.Say("guard.below", n)), spans(l, "small.why")}
}

// reasons are why hits were excluded, with their share of all hits.
type reasons struct {
	Rows                          []reason
	excluded, counted             int64
	excludedBefore, countedBefore int64

	lang     *i18n.Language
	tally    tally
	gaps     []calendar.Day
	pulse    hit.Pulse
	question *question
}

// reason is why hits were excluded.
type reason struct {
	Text, What  string
	Hits, Share string
	Sum         bool

	reason string
	hits   int64
	rules  []hit.ExcludedSum
}

func newReasons(l *i18n.Language, t tally, sums []hit.ExcludedSum, counted, countedBefore int64) *reasons {
	r := &reasons{counted: counted, countedBefore: countedBefore, lang: l, tally: t}
	for _, s := range sums {
		r.excluded, r.excludedBefore = r.excluded+s.Now, r.excludedBefore+s.Before
		if s.Now == 0 {
			continue
		}
		i := slices.IndexFunc(r.Rows, func(row reason) bool { return row.reason == s.Reason })
		if i < 0 {
			i = len(r.Rows)
			r.Rows = append(r.Rows, reason{Text: l.Known("why.", s.Reason), What: l.Known("what.", s.Reason), reason: s.Reason})
		}
		r.Rows[i].hits += s.Now
		if s.Rule != "" {
			r.Rows[i].rules = append(r.Rows[i].rules, s)
		}
	}
	slices.SortStableFunc(r.Rows, func(a, b reason) int { return cmp.Compare(t.of(b.hits), t.of(a.hits)) })
	few := r.excluded // as exact as the rows
	r.excluded, r.excludedBefore = t.of(r.excluded), t.of(r.excludedBefore)
	for i, row := range r.Rows {
		row.Hits, row.Share = t.text(l, row.hits), r.share(t.of(row.hits))
		var rules []string
		for _, s := range row.rules {
			rules = append(rules, l.Known("rule.", s.Rule)+" "+t.text(l, s.Now))
		}
		if len(rules) > 0 {
			row.What += " " + strings.Join(rules, " · ")
		}
		r.Rows[i] = row
	}
	r.Rows = append(r.Rows,
		reason{Text: l.Say("reasons.excluded"), Hits: t.text(l, few), Share: r.share(r.excluded), Sum: true, hits: few},
		reason{Text: l.Say("reasons.counted"), Hits: l.Number(r.counted), Share: r.share(r.counted), Sum: true, hits: r.counted})
	return r
}

// share writes what share of all hits some are.
func (r *reasons) share(hits int64) string {
	if r.excluded+r.counted == 0 {
		return nothing
	}
	share := float64(hits) / float64(r.excluded+r.counted)
	if hits > 0 && share < 0.0005 {
		return r.lang.Say("guard.below", r.lang.Percent(0.001))
	}
	return r.lang.Percent(share)
}

func (*reasons) part() string { return "reasons" }

func (r *reasons) json() any {
	lines := []map[string]any{}
	for _, row := range r.Rows {
		if row.Sum {
			continue
		}
		line := map[string]any{"reason": row.reason, "hits": r.tally.number(row.hits)}
		rules := map[string]*int64{}
		for _, s := range row.rules {
			rules[s.Rule] = r.tally.number(s.Now)
		}
		if len(rules) > 0 {
			line["rules"] = rules
		}
		lines = append(lines, line)
	}
	q := r.question
	var minutes []*int64
	for _, n := range r.pulse.Minutes {
		minutes = append(minutes, r.tally.number(n))
	}
	answer := map[string]any{
		"lines": lines, "excluded": r.excluded, "counted": r.counted, "whole": q.lacks(r) == "", "days_without_hits": len(r.gaps),
		"last_30_minutes": minutes,
	}
	if why := q.lacks(r); why != "" {
		answer["lacks"] = why
	}
	if q.since <= calendar.DayOf(q.now) {
		answer["counted_since"] = q.since.String()
	}
	if !r.pulse.Last.IsZero() {
		answer["last_hit"] = r.pulse.Last.UTC().Format(time.RFC3339)
	}
	return answer
}

func (r *reasons) csv(s *sheet) {
	s.heading([]string{"drops.why", "reasons.hits", "reasons.share"}, nil)
	for _, row := range r.Rows {
		s.cells(safeCell(row.Text), r.tally.cell(s.lang, row.hits), row.Share)
	}
}

// othersTable is how much has no line of its own.
type othersTable struct {
	counts map[string]int64
	lang   *i18n.Language
	tally  tally
}

func (*othersTable) part() string { return "others" }

// otherMeasures are what is counted of others, by their dimension, in the order of the table.
var otherMeasures = []struct{ dimension, measure string }{
	{"page", "pageviews"}, {"entry", "visits"}, {"source", "visits"}, {"download", "events"}, {"outlink", "events"}, {"event", "events"}, {"search", "events"},
}

// Rows shows each dimension with others.
func (o *othersTable) Rows() []row {
	var rows []row
	for _, m := range otherMeasures {
		if n := o.counts[m.dimension]; n > 0 {
			rows = append(rows, row{Label: label{Head: o.lang.Say("dimension." + m.dimension)}, Cells: []string{o.said(m.measure, n)}})
		}
	}
	return rows
}

// said writes how many of a measure there are.
func (o *othersTable) said(measure string, n int64) string {
	return o.tally.said(o.lang, "count."+measure, n)
}

func (o *othersTable) json() any {
	counts := map[string]*int64{}
	for dimension, n := range o.counts {
		counts[dimension] = o.tally.number(n)
	}
	return counts
}

func (o *othersTable) csv(s *sheet) {
	s.heading([]string{"others.dimension", "column.requests"}, nil)
	for _, m := range otherMeasures {
		if n := o.counts[m.dimension]; n > 0 {
			s.cells(s.lang.Say("dimension."+m.dimension), o.tally.cell(s.lang, n))
		}
	}
}

// changeTable are the days on which settings changed that figures follow.
type changeTable struct {
	Rows []changeLine
	lang *i18n.Language
}

// changeLine is a change of a setting, as people read it.
type changeLine struct {
	Day, What, Who, Effect string

	at      time.Time
	setting string
}

func (*changeTable) part() string { return "changes" }

// changes tells the changes of the settings of the site, the newest first, with the day on
// which counting began among them.
func (q *question) changes(all []site.Change) *changeTable {
	l, t := q.lang, &changeTable{lang: q.lang}
	for i, c := range all {
		at := c.Since.In(q.now.Location())
		line := changeLine{Day: l.Day(calendar.DayOf(at)), Who: c.Who, at: at, setting: c.Setting, What: whatChanged(l, c), Effect: l.Known("effect.", c.Setting)}
		if c.First {
			if i > 0 && all[i-1].First {
				continue
			}
			line.setting, line.What, line.Effect = "added", l.Say("changes.added"), nothing
		}
		t.Rows = append(t.Rows, line)
	}
	if q.since <= calendar.DayOf(q.now) {
		begun := q.since.In(q.now.Location())
		i := slices.IndexFunc(t.Rows, func(c changeLine) bool { return c.at.Before(begun) })
		if i < 0 {
			i = len(t.Rows)
		}
		t.Rows = slices.Insert(t.Rows, i, changeLine{Day: l.Day(q.since), What: l.Say("changes.begun"), Effect: nothing, at: begun, setting: "begun"})
	}
	return t
}

// whatChanged says how a setting changed. Of networks it tells the number alone: they are
// where staff are.
func whatChanged(l *i18n.Language, c site.Change) string {
	name := l.Known("setting.", c.Setting)
	list := c.Setting == "goals" || site.FindSetting(c.Setting).List
	if !list {
		word := func(text string) string { return l.Known(choiceTexts[c.Setting], text) }
		return l.Say("changes.from", name, word(c.Before), word(c.After))
	}
	split := func(text string) []string {
		return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
	}
	before, after := split(c.Before), split(c.After)
	added := slices.DeleteFunc(slices.Clone(after), func(v string) bool { return slices.Contains(before, v) })
	removed := slices.DeleteFunc(slices.Clone(before), func(v string) bool { return slices.Contains(after, v) })
	tell := func(values []string) string {
		if c.Setting == "exclude-networks" {
			return l.Counted("changes.networks", int64(len(values)))
		}
		return strings.Join(values, ", ")
	}
	switch {
	case len(added) > 0 && len(removed) > 0:
		return l.Say("changes.both", name, tell(added), tell(removed))
	case len(added) > 0:
		return l.Say("changes.more", name, tell(added))
	case len(removed) > 0:
		return l.Say("changes.less", name, tell(removed))
	}
	return l.Say("changes.order", name)
}

func (t *changeTable) json() any {
	lines := []map[string]any{}
	for _, c := range t.Rows {
		lines = append(lines, map[string]any{"day": calendar.DayOf(c.at).String(), "setting": c.setting, "what": c.What, "who": c.Who})
	}
	return map[string]any{"lines": lines}
}

func (t *changeTable) csv(s *sheet) {
	s.heading([]string{"changes.day", "audit.what", "audit.who", "changes.effect"}, nil)
	for _, c := range t.Rows {
		s.cells(calendar.DayOf(c.at).String(), safeCell(c.What), safeCell(c.Who), c.Effect)
	}
}

// excluded are the hits that were not counted.
type excluded struct {
	entries    []hit.LedgerEntry
	objections int64
	lang       *i18n.Language
	tally      tally
}

func (*excluded) part() string { return "excluded" }

// Rows shows each kind of them.
func (e *excluded) Rows() []row {
	var rows []row
	most := int64(1)
	for _, entry := range e.entries {
		most = max(most, e.tally.of(entry.Count))
		why := whyOf(e.lang, entry.Reason, entry.Rule)
		r := row{Label: label{Head: entry.Name, Note: why}, Cells: []string{e.tally.text(e.lang, entry.Count)}, Width: float64(e.tally.of(entry.Count)) / float64(most) * 100}
		if entry.Name == "" {
			r.Label = label{Head: why}
		}
		rows = append(rows, r)
	}
	return rows
}

func (e *excluded) json() any {
	return map[string]any{"lines": newAPIExclusions(e.tally, e.entries), "objections": e.tally.number(e.objections)}
}

func (e *excluded) csv(s *sheet) {
	s.heading([]string{"drops.why", "table.excluded.label"}, nil)
	s.rows[0] = append(s.rows[0], s.lang.Say("column.requests"))
	for _, entry := range e.entries {
		s.cells(safeCell(whyOf(s.lang, entry.Reason, entry.Rule)), safeCell(entry.Name), e.tally.cell(s.lang, entry.Count))
	}
}

// dropTable are the hits that were excluded last.
type dropTable []dropLine

func (dropTable) part() string { return "dropped" }
