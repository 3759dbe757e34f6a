package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
)

// Guard is a Source that hides small numbers: a value that fewer visitors share than the
// threshold, and as many more as keep it from being worked out from the rest of the answer,
// from the total, or from the same answer with its only filter turned round. What it hides
// is 0 in the answer. It is safe for concurrent use.
type Guard struct {
	Source Source
	// Threshold returns the least number of visitors of a site whose figures are shown, 0
	// to show all.
	Threshold func(site uint32) int
	// Over is the last day that is over. Days, weeks and months up to it decide together
	// what each of them shows. Zero: all days are over.
	Over calendar.Day
}

// Hiding says why a figure is not shown.
type Hiding uint8

// The reasons.
const (
	Shown        Hiding = iota
	Below               // it is of fewer than the threshold
	Beside              // another that is Below could be worked out from it
	folded              // the line is counted in that of the value that it lies in
	foldedBelow         // that line is Below
	foldedBeside        // that line is Beside
	omitted             // the line is not in the answer
	Refused             // the query was refused: see RefusedResult
	Ahead               // the step has not begun, or its hits are not told yet: see Result.AsOf
)

// Guarded reports whether small numbers of a query are hidden: few may share a value of one of
// its dimensions, or it combines several that are independent of each other.
func (q Query) Guarded() bool {
	kinds := map[string]bool{}
	for _, d := range q.cuts() {
		if d.crowd == few {
			return true
		}
		switch base := d.base().Key; base {
		case total.Key:
		case "previous": // ways between pages tell of pages
			kinds["page"] = true
		default:
			kinds[base] = true
		}
	}
	return len(kinds) > 1
}

// weight returns the measure that comes nearest to how many visitors some queries are
// about, and is exact in all.
func weight(queries ...Query) string {
	for _, m := range []string{"visitors", "page_visitors", "section_visitors", "visits"} {
		if !slices.ContainsFunc(queries, func(q Query) bool { _, refused := q.Refusal(m); return refused }) {
			return m
		}
	}
	for _, d := range queries[0].cuts() {
		if d.base().action != "" {
			return d.base().Rank
		}
	}
	return "pageviews"
}

// guarding is what the guard asks beside a query.
type guarding struct {
	k      int64
	by     string // the measure that counts
	strict string // the one that counts visitors, where by counts something else
	own    string // the one that counts without the filter
	whole  int    // index of the query without its only filter, -1 without
	kept   int    // of the query with that filter not turned round
	tables []int  // of the tables of filters by what few share, -1 for others
	lines  int    // of all lines of the query

	nesting map[string]*nesting // of the tables without filters by what few share
	months  map[string]months   // what follows from that
}

// all returns a query for all lines with more measures.
func (q Query) all(measures ...string) Query {
	q.Limit, q.After, q.Find, q.Gone = MaxLimit, "", "", true
	q.Measures = slices.Clone(q.Measures)
	for _, m := range measures {
		if !slices.Contains(q.Measures, m) {
			q.Measures = append(q.Measures, m)
		}
	}
	return q
}

// unmeasured returns the query without its measures.
func (q Query) unmeasured() Query {
	q.Measures = nil
	return q
}

// only returns the lines of a result that have a figure of the measures of a query, without
// those of others.
func (q Query) only(r Result) []Line {
	var asks [len(Measures)]bool
	for _, m := range q.Measures {
		for _, i := range sumsOf(m) {
			asks[i] = true
		}
	}
	lines := make([]Line, 0, len(r.Lines))
	for i := range r.Lines {
		l := r.Lines[i]
		for m, asked := range asks {
			if !asked {
				l.Now.n[m], l.Before.n[m] = 0, 0
			}
		}
		if l.Now != (Sums{}) || l.Before != (Sums{}) {
			lines = append(lines, l)
		}
	}
	return lines
}

// Ask implements Source.
func (g Guard) Ask(ctx context.Context, queries []Query) ([]Result, error) {
	queries, steps, err := g.today(ctx, queries)
	if err != nil {
		return nil, err
	}
	var asked []Query
	var owner []int // of which query each is
	ask := func(i int, q Query) int {
		asked, owner = append(asked, q), append(owner, i)
		return len(asked) - 1
	}
	at := make([]int, len(queries)) // where each is asked
	jobs := map[int]guarding{}
	for i, q := range queries {
		k := g.threshold(q)
		if k == 0 || !q.Guarded() || q.validate() != nil {
			at[i] = ask(i, q)
			continue
		}
		beside := func(extra Query) int {
			if n := slices.IndexFunc(asked, func(q Query) bool { return reflect.DeepEqual(q, extra) }); n >= 0 {
				return n
			}
			return ask(i, extra)
		}
		job := q.guarding(k, beside)
		job.nesting = q.nestings(k, g.Over, beside)
		// What differs in measures and order is of the same lines, and asked for once.
		all := q.all(job.by, job.strict)
		all.Sort = Sort{both: true}
		job.lines = -1
		for _, other := range jobs {
			if same := asked[other.lines]; job.lines < 0 && reflect.DeepEqual(all.unmeasured(), same.unmeasured()) {
				job.lines = other.lines
				asked[job.lines] = same.all(all.Measures...)
			}
		}
		if job.lines < 0 {
			job.lines = ask(i, all)
		}
		jobs[i], at[i] = job, job.lines
	}
	results, err := g.Source.Ask(ctx, asked)
	var refused RefusedError
	switch {
	case errors.As(err, &refused) && refused.Query < len(owner):
		refused.Query = owner[refused.Query]
		return nil, refused
	case err != nil:
		return nil, err
	}
	answers := make([]Result, len(queries))
	known := map[string]months{}
	covered := map[string]Result{} // before they are put in order
	for i, q := range queries {
		answers[i] = results[at[i]]
		job, ok := jobs[i]
		if !ok {
			continue
		}
		job.months = map[string]months{}
		for key, n := range job.nesting {
			id := fmt.Sprint(key, n.daily, n.whole, n.part)
			if known[id] == nil {
				known[id] = n.read(key, results)
			}
			job.months[key] = known[id]
		}
		id := fmt.Sprint(job.lines, q.Measures, job.by, job.strict, job.own, job.whole, job.kept, job.tables)
		if _, done := covered[id]; !done {
			covered[id] = q.guarded(job, asked, results)
		}
		answer := covered[id]
		q.page(&answer, answer.Lines)
		of := answers[i]
		answer.Erased, answer.Unknown, answer.FoldedBefore = of.Erased, of.Unknown, of.FoldedBefore
		answer.Minimal, answer.ofRecorded = of.Minimal, of.ofRecorded
		if of.Uncompared {
			answer = answer.uncompared()
		}
		answers[i] = answer
	}
	for i, at := range steps {
		answers[i].AsOf = at
	}
	return answers, nil
}

func (g Guard) threshold(q Query) (k int64) {
	for _, id := range q.Sites {
		k = max(k, int64(g.Threshold(id)))
	}
	return k
}

// guarding finds what to ask beside a query.
func (q Query) guarding(k int64, beside func(Query) int) guarding {
	job := guarding{k: k, whole: -1, kept: -1}
	whole := q
	whole.Filters = nil
	job.by = weight(q)
	job.strict = job.by
	if len(q.Filters) == 1 && (q.Dimension == "" || find(q.Dimension).base().Key != find(q.Filters[0].Dimension).base().Key) {
		kept := q
		kept.Filters = []Filter{q.Filters[0]}
		kept.Filters[0].Not = false
		job.by, job.strict = weight(q, kept, whole), weight(kept)
		job.own = weight(whole)
		whole.Measures, whole.Sort = []string{job.by}, Sort{}
		if q.Step != "" { // who came in an hour before has other figures in this one
			for _, m := range q.Measures {
				if _, refused := whole.Refusal(m); !refused && m != job.by {
					whole.Measures = append(whole.Measures, m)
				}
			}
		}
		job.whole = beside(whole.all(job.own))
		if q.Filters[0].Not && job.strict != job.by {
			kept.Measures, kept.Sort = []string{job.strict}, Sort{}
			job.kept = beside(kept.all())
		} else if job.kept = -1; q.Filters[0].Not {
			job.strict = job.by
		}
	}
	for _, f := range q.Filters {
		table := -1
		if find(f.Dimension).crowd == few {
			of := Query{Sites: q.Sites, Zone: q.Zone, Range: q.Range, Compare: q.Compare, Until: q.Until, CompareUntil: q.CompareUntil, Dimension: f.Dimension}
			of.Measures = []string{weight(of)}
			table = beside(of.all())
		}
		job.tables = append(job.tables, table)
	}
	return job
}

// lineKey tells a line of an answer from the others.
type lineKey struct {
	at            time.Time
	value, detail string
}

func (l Line) key() lineKey { return lineKey{l.At, l.Value, l.Detail} }

func (a lineKey) compare(b lineKey) int {
	if c := a.at.Compare(b.at); c != 0 {
		return c
	}
	if c := strings.Compare(a.value, b.value); c != 0 {
		return c
	}
	return strings.Compare(a.detail, b.detail)
}

// cell is a number that is shown or hidden.
type cell struct {
	key lineKey
	n   int64 // how many it is of
	all int64 // without the filter; 0 without one
	// without says that it is hidden without the filter, too.
	without bool
	few     bool // n is of fewer visitors than the threshold although it counts more
	hidden  Hiding
	lo, hi  int64 // what can be known of n if it is hidden
}

// begin hides a cell whose number is small by itself.
func (c *cell) begin(k int64) {
	rest := c.all - c.n
	switch {
	case c.all == 0 && c.n < k:
		c.hidden, c.lo, c.hi = Below, min(c.n, 1), k-1
	case c.all == 0:
	case c.without || c.all < 2*k: // the two parts would tell of each other
		c.hidden, c.lo, c.hi = omitted, 0, c.all
	case c.few:
		c.hidden, c.lo, c.hi = Beside, min(c.n, 1), c.all
	case c.n > 0 && c.n < k:
		c.hidden, c.lo, c.hi = Below, 1, k-1
	case rest > 0 && rest < k:
		c.hidden, c.lo, c.hi = Beside, c.all-k+1, c.all-1
	}
}

// protect hides cells that are small, and then others until none of the small ones follows
// from the sum of all. It returns false if that can't be.
func protect(cells []*cell, k int64) bool {
	var open []*cell // that may be hidden beside
	for _, c := range cells {
		if c.begin(k); c.hidden == Shown && c.n > 0 && (c.all == 0 || c.n < c.all) {
			open = append(open, c)
		}
	}
	slices.SortFunc(open, func(a, b *cell) int {
		if a.all != b.all {
			return int(a.all - b.all)
		}
		if a.all == 0 && a.n != b.n {
			return int(a.n - b.n)
		}
		return a.key.compare(b.key)
	})
	for !hiddenWell(cells, open, k) {
		if len(open) == 0 {
			return false
		}
		c := open[0]
		open = open[1:]
		c.hidden, c.lo, c.hi = Beside, k, c.all-k
	}
	return true
}

// hiddenWell reports whether the hidden cells among some leave each small one open, given
// the sum of all. Without a filter, a cell that is hidden beside is known to be at most the
// least of those that are shown.
func hiddenWell(cells, open []*cell, k int64) bool {
	var sum, rest, up, down int64
	few := false
	highest := int64(math.MaxInt32)
	if len(open) > 0 {
		highest = open[0].n
	}
	for _, c := range cells {
		if c.hidden == Shown {
			continue
		}
		if c.hidden == Beside && c.all == 0 {
			c.hi = highest
		}
		few = true
		sum += c.n
		rest += c.all - c.n
		up += c.hi - c.n
		down += c.n - c.lo
	}
	if !few {
		return true
	}
	for _, c := range cells {
		if c.hidden == Shown || c.hidden == Beside && c.all == 0 {
			continue
		}
		lower := c.n > c.lo && up-(c.hi-c.n) > 0
		higher := c.n < c.hi && down-(c.n-c.lo) > 0
		if !lower && !higher {
			return false
		}
	}
	return sum >= k && (cells[0].all == 0 || rest >= k)
}

// hide returns why each line of an answer is hidden in one period. Lines of a detail are
// hidden within the value that they lie in, which others may show. whole and kept are the
// answers without the filter and with it not turned round, nil without.
func (q Query) hide(job guarding, days calendar.Range, r Result, whole, kept *Result, of func(*Line) *Sums) map[lineKey]Hiding {
	cells := make(map[lineKey]*cell, len(r.Lines))
	add := func(r *Result, to func(c *cell, n int64), measure string) {
		if r == nil {
			return
		}
		index := measureIndex(measure)
		made := make([]cell, 0, len(r.Lines))
		for i := range r.Lines {
			sums := of(&r.Lines[i])
			if *sums == (Sums{}) {
				continue
			}
			key := r.Lines[i].key()
			c := cells[key]
			if c == nil {
				made = append(made, cell{key: key})
				c = &made[len(made)-1]
				cells[key] = c
			}
			to(c, sums.n[index])
		}
	}
	add(&r, func(c *cell, n int64) { c.n = n }, job.by)
	add(whole, func(c *cell, n int64) { c.all = max(n, c.n) }, job.by)
	few := kept
	if few == nil && whole != nil {
		few = &r
	}
	if job.strict != job.by {
		add(few, func(c *cell, n int64) { c.few = n < job.k }, job.strict)
	}
	for key := range cells { // of steps that the table of a filter hides nothing else is to be kept
		if q.series() && q.hiddenStep(job, days, key.at) {
			delete(cells, key)
		}
	}
	if q.series() && whole != nil { // figures of nobody who came then are of somebody who had come
		sums := map[lineKey]Sums{}
		for i := range r.Lines {
			sums[r.Lines[i].key()] = *of(&r.Lines[i])
		}
		for i := range whole.Lines {
			l := &whole.Lines[i]
			if c, own := cells[l.key()], sums[l.key()]; c != nil {
				rest := of(l).less(own)
				c.few = c.few || c.n == 0 && own != (Sums{}) || c.n == c.all && slices.ContainsFunc(q.Measures, func(m string) bool { return rest.Count(m) > 0 })
			}
		}
		few := false // in some step: those of nobody look the same then
		for _, c := range cells {
			few = few || c.few || c.n > 0 && c.n < job.k || c.n < c.all && c.all-c.n < job.k
		}
		for _, c := range cells {
			c.few = c.few || few && (c.n == 0 || c.n == c.all)
		}
	}
	list := make([]*cell, 0, len(cells))
	for _, c := range cells {
		if whole != nil && c.all == 0 { // only other measures are of it
			c.all = max(c.n, 1)
		}
		list = append(list, c)
	}
	if alone := (Query{Dimension: q.Dimension, Step: q.Step}); whole != nil && alone.Guarded() {
		for key, h := range alone.hideAlone(job, job.own, days, *whole, of) {
			if c := cells[key]; c != nil {
				c.without = h != Shown
			}
		}
	}
	hidden := protectLines(q, list, job.k)
	if q.series() && whole == nil { // steps of nobody look like those of few
		why := slices.Max(append(slices.Collect(maps.Values(hidden)), Shown))
		for _, p := range q.steps(days) {
			if _, somebody := hidden[lineKey{at: p.At}]; !somebody && (q.Until.IsZero() || !p.At.After(q.Until)) {
				hidden[lineKey{at: p.At}] = why
			}
		}
	}
	return hidden
}

// hideAlone returns why each line of a table without a filter is hidden in one period.
func (q Query) hideAlone(job guarding, by string, days calendar.Range, r Result, of func(*Line) *Sums) map[lineKey]Hiding {
	if m := job.months[q.Dimension]; m != nil && q.Step == "" {
		hidden, _ := m.hide(q.Dimension, days, r, by, job.k, of)
		return hidden
	}
	return q.hide(guarding{k: job.k, by: by, strict: by}, days, r, nil, nil, of)
}

// protectLines hides lines within the value that they lie in, or within all.
func protectLines(q Query, cells []*cell, k int64) map[lineKey]Hiding {
	hidden := map[lineKey]Hiding{}
	put := func(cells []*cell) {
		for _, c := range cells {
			hidden[c.key] = c.hidden
		}
	}
	all := func(cells []*cell, as Hiding) {
		for _, c := range cells {
			hidden[c.key] = as
		}
	}
	d, _ := FindDimension(q.Dimension)
	if d.Detail == "" {
		if protect(cells, k) {
			put(cells)
		} else {
			all(cells, omitted)
		}
		return hidden
	}
	groups := map[lineKey][]*cell{}
	var outer []*cell
	sums := map[lineKey]*cell{}
	for _, c := range cells {
		key := lineKey{at: c.key.at, value: c.key.value}
		if sums[key] == nil {
			sums[key] = &cell{key: key}
			outer = append(outer, sums[key])
		}
		sums[key].n += c.n
		sums[key].all += c.all
		groups[key] = append(groups[key], c)
	}
	alone := Query{Dimension: outerOf(d), Filters: q.Filters}
	if alone.Guarded() && !protect(outer, k) {
		all(cells, omitted)
		return hidden
	}
	for _, o := range outer {
		lines := groups[o.key]
		switch {
		case o.hidden == Below:
			all(lines, foldedBelow)
		case o.hidden == Beside:
			all(lines, foldedBeside)
		case o.hidden != Shown:
			all(lines, omitted)
		case !protect(lines, k) || !slices.ContainsFunc(lines, func(c *cell) bool { return c.hidden == Shown }):
			all(lines, folded)
		default:
			put(lines)
		}
	}
	return hidden
}

// outerOf returns the dimension of the values that lines with a detail lie in.
func outerOf(d Dimension) string {
	for _, o := range Dimensions {
		if o.Of == d.Key && o.From == "" {
			return o.Key
		}
	}
	return ""
}

// period is one of the two that an answer is about.
type period struct {
	days calendar.Range
	of   func(*Line) (*Sums, *Hiding)
}

// guarded returns all lines of the answer to a query without what is hidden.
func (q Query) guarded(job guarding, asked []Query, results []Result) Result {
	r := Result{Lines: q.all(job.by, job.strict).only(results[job.lines])}
	answer := Result{}
	at := func(i int) *Result {
		if i < 0 {
			return nil
		}
		return &results[i]
	}
	periods := []period{{q.Range, func(l *Line) (*Sums, *Hiding) { return &l.Now, &l.Hidden }}}
	if q.Compare != nil {
		periods = append(periods, period{*q.Compare, func(l *Line) (*Sums, *Hiding) { return &l.Before, &l.HiddenBefore }})
	}
	for _, p := range periods {
		r.Lines = append(r.Lines, q.emptySteps(job, p.days, r.Lines)...)
	}
	for _, p := range periods {
		of := func(l *Line) *Sums { sums, _ := p.of(l); return sums }
		var sum Line
		all, why := p.of(&sum)
		for i := range r.Lines {
			*all = all.Add(*of(&r.Lines[i]))
		}
		for i, f := range q.Filters {
			h := hiddenFilter(job, f, p.days, asked, results, job.tables[i], of)
			if job.months[f.Dimension].hides(f, p.days) {
				h = Beside // however many there were
			}
			*why = max(*why, h)
		}
		if *why == Shown && *all != (Sums{}) && len(q.Filters) > 0 && (q.Dimension == "" || len(q.Filters) > 1) && all.Count(job.by) < job.k {
			*why = Below
		}
		if q.Dimension == "" && job.whole >= 0 { // what the filter leaves out follows from the total
			rest := -all.Count(job.by)
			for i := range results[job.whole].Lines {
				rest += of(&results[job.whole].Lines[i]).Count(job.by)
			}
			if *why == Shown && *all != (Sums{}) && rest > 0 && rest < job.k {
				*why = Beside
			}
		}
		hidden := map[lineKey]Hiding{}
		switch m := job.months[q.Dimension]; {
		case *why != Shown:
		case m != nil && !slices.ContainsFunc(q.Filters, func(f Filter) bool { return find(f.Dimension).base().Key != find(q.Dimension).base().Key }):
			var withheld bool
			hidden, withheld = m.hide(q.Dimension, p.days, r, job.by, job.k, of)
			answer.Withheld = answer.Withheld || withheld
		case q.Dimension != "" || q.Step != "":
			hidden = q.hide(job, p.days, r, at(job.whole), at(job.kept), of)
			for key, h := range hidden { // also of lines of which the answer has none
				answer.Withheld = answer.Withheld || h >= folded
				if h != Shown && q.series() && !slices.ContainsFunc(r.Lines, func(l Line) bool { return l.At.Equal(key.at) }) {
					r.Lines = append(r.Lines, Line{At: key.at})
				}
			}
		}
		for i := range r.Lines {
			sums, h := p.of(&r.Lines[i])
			switch {
			case *why != Shown && q.series(): // nor does it say when there was somebody
				*sums = Sums{}
			case *sums == (Sums{}):
				if q.hiddenStep(job, p.days, r.Lines[i].At) || q.series() && hidden[r.Lines[i].key()] != Shown {
					*h = Beside
				}
			case *why != Shown && q.Dimension != "":
				*h = omitted
			default:
				*h = max(hidden[r.Lines[i].key()], *why)
				if *h == Shown && q.hiddenStep(job, p.days, r.Lines[i].At) {
					*h = Beside
				}
			}
		}
		rest, h := p.of(&answer.rest)
		*rest, *h = *all, *why
		if *why != Shown {
			*rest = Sums{}
		}
	}
	var lines []Line
	groups := map[lineKey]int{}
	for i := range r.Lines {
		l := r.Lines[i]
		now := l.Hidden
		if l.Now == (Sums{}) {
			if now = l.HiddenBefore; l.Before == (Sums{}) {
				now = max(l.Hidden, l.HiddenBefore) // of a step
			}
		}
		if q.series() && l.Now == (Sums{}) && l.Before == (Sums{}) && now == Shown {
			continue
		}
		group := lineKey{at: l.At, value: l.Value}
		answer.Withheld = answer.Withheld || now >= folded
		switch n, found := groups[group]; {
		case now == omitted && !q.series() && (q.Step == "" || answer.rest.Hidden != Shown):
			continue
		case now == folded && found:
			lines[n].Now = lines[n].Now.Add(l.Now)
			continue
		case now >= folded && now < omitted && found:
			continue
		case now >= folded && now < omitted:
			groups[group] = len(lines)
			l.Detail, l.Folded = "", true
			if l.Hidden >= folded {
				l.Hidden -= folded // to Shown, Below or Beside
			}
			if l.Before != (Sums{}) {
				l.HiddenBefore = Beside
			}
		}
		if l.Hidden, l.HiddenBefore = min(l.Hidden, Beside), min(l.HiddenBefore, Beside); q.series() {
			l.Hidden, l.HiddenBefore = besides(l.Hidden), besides(l.HiddenBefore)
		}
		if l.Hidden != Shown {
			l.Now = Sums{}
		}
		if l.HiddenBefore != Shown {
			l.Before = Sums{}
		}
		lines = append(lines, l)
	}
	for _, l := range lines {
		answer.rest.Now, answer.rest.Before = answer.rest.Now.less(l.Now), answer.rest.Before.less(l.Before)
	}
	for _, p := range periods { // nothing of a sum that is hidden
		if rest, h := p.of(&answer.rest); *h != Shown {
			*rest = Sums{}
		}
	}
	answer.Lines = lines
	return answer
}

// series reports whether a query asks for steps of time alone.
func (q Query) series() bool { return q.Step != "" && q.Dimension == "" }

// besides returns the reason for a step of a series: that one is Below would say that somebody
// came then, and the other hidden steps may have had nobody.
func besides(h Hiding) Hiding {
	if h == Below {
		return Beside
	}
	return h
}

// hiddenFilter returns why nothing is shown by a filter: it keeps, or leaves out, values
// that are hidden in the table of its dimension, but not all of those.
func hiddenFilter(job guarding, f Filter, days calendar.Range, asked []Query, results []Result, table int, of func(*Line) *Sums) Hiding {
	if table < 0 {
		return Shown
	}
	of2 := asked[table]
	hidden := of2.hideAlone(job, of2.Measures[0], days, results[table], of)
	few := func(n int64) bool { return n > 0 && n < job.k }
	var inside, outside []Hiding // of the lines that are hidden
	var lines int
	var sum, rest int64
	for i := range results[table].Lines {
		l := &results[table].Lines[i]
		h, n := hidden[l.key()], of(l).Count(of2.Measures[0])
		if f.matches(l.Value, l.Detail) {
			if sum += n; n > 0 {
				lines++
			}
			if h != Shown {
				inside = append(inside, h)
			}
			continue
		}
		if rest += n; h != Shown {
			outside = append(outside, h)
		}
	}
	switch {
	case len(inside) == 0 && !few(sum) && !few(rest), len(outside) == 0 && sum >= job.k && !few(rest):
		return Shown
	case lines == 1 && inside != nil && inside[0] == Below && !f.Not: // as the table says of it
		return Below
	}
	return Beside
}

func (s Sums) less(o Sums) Sums {
	for i, n := range o.n {
		s.n[i] -= n
	}
	return s
}

// has reports whether one of the sums that a query asks for is not 0.
func (q Query) has(s Sums) bool {
	return slices.ContainsFunc(q.Measures, func(m string) bool {
		return slices.ContainsFunc(sumsOf(m), func(i int) bool { return s.n[i] != 0 })
	})
}

// page puts those lines into an answer that a query asks for, in its order. Lines that are
// hidden come in that of their values, where the smallest do.
func (q Query) page(r *Result, lines []Line) {
	s := q.sorted()
	covered := func(l *Line) bool { return l.Hidden != Shown || s.Change && l.HiddenBefore != Shown }
	rank := func(l *Line) float64 {
		by := l.Now.Of(s.By)
		if s.Change {
			by -= l.Before.Of(s.By) * q.perDay(s.By)
		}
		switch {
		case s.Ascending && covered(l):
			return math.Inf(1)
		case s.Ascending:
			return -by
		case covered(l):
			return math.Inf(-1)
		}
		return by
	}
	if q.Step == "" {
		ranks, order := make([]float64, len(lines)), make([]int, len(lines))
		for i := range lines {
			if order[i] = i; s.By != ByValue {
				ranks[i] = rank(&lines[i])
			}
		}
		slices.SortStableFunc(order, func(a, b int) int {
			byKey := lines[a].key().compare(lines[b].key())
			if s.Descending {
				return -byKey
			}
			return cmp.Or(cmp.Compare(ranks[b], ranks[a]), byKey)
		})
		sorted := make([]Line, len(lines))
		for i, n := range order {
			sorted[i] = lines[n]
		}
		lines = sorted
	}
	if !q.gone() {
		lines = slices.DeleteFunc(lines, func(l Line) bool { return l.Hidden == Shown && !q.has(l.Now) })
	}
	if q.Find != "" {
		has := func(s string) bool { return strings.Contains(strings.ToLower(s), strings.ToLower(q.Find)) }
		lines = slices.DeleteFunc(lines, func(l Line) bool { return !has(l.Value) && !has(l.Detail) })
	}
	if q.Step != "" {
		r.Lines = lines
		return
	}
	c, _ := parseCursor(q.After) // checked by validate
	from := min(int(max(c.Rank, 0)), len(lines))
	to := min(from+q.limit(), len(lines))
	if r.Lines = lines[from:to]; to < len(lines) {
		r.Next = cursor{Rank: float64(to)}.String()
	}
}
