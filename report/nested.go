package report

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
)

// nestings finds what to ask beside a query of whole days, to have no table of days, weeks and
// months tell what another hides: for its own dimension and for those of its filters, if they
// are personal.
func (q Query) nestings(k int64, over calendar.Day, beside func(Query) int) map[string]*nesting {
	all := map[string]*nesting{}
	if !q.Until.IsZero() || !q.CompareUntil.IsZero() {
		return all
	}
	add := func(dimension string) {
		if find(dimension).crowd == few && all[dimension] == nil {
			all[dimension] = q.nesting(dimension, k, over, beside)
		}
	}
	if q.Step == "" {
		add(q.Dimension)
	}
	for _, f := range q.Filters {
		add(f.Dimension)
	}
	return all
}

// hiddenStep reports whether a step of a query with filters by what few share is not shown since the
// table of that filter would not show the value in its days.
func (q Query) hiddenStep(job guarding, days calendar.Range, at time.Time) bool {
	if q.Step != Day && q.Step != Week && q.Step != Month {
		return false
	}
	step := calendar.One(calendar.DayOf(at))
	switch q.Step {
	case Week:
		step.To += 6
	case Month:
		step.To = step.From.AddMonths(1) - 1
	}
	step = calendar.Range{From: max(step.From, days.From), To: min(step.To, days.To)}
	return slices.ContainsFunc(q.Filters, func(f Filter) bool { return job.months[f.Dimension].hides(f, step) })
}

// emptySteps returns the steps without a line that are hidden all the same: that nobody had
// the value of a filter is hidden, too.
func (q Query) emptySteps(job guarding, days calendar.Range, lines []Line) (empty []Line) {
	for _, point := range q.steps(days) {
		if q.hiddenStep(job, days, point.At) && !slices.ContainsFunc(lines, func(l Line) bool { return l.At.Equal(point.At) }) {
			empty = append(empty, Line{At: point.At})
		}
	}
	return empty
}

// hides reports whether the number of a value that a filter matches is not known in some days.
func (m months) hides(f Filter, days calendar.Range) bool {
	for first := range days.Months() {
		t := m[first]
		if t == nil {
			continue
		}
		part := calendar.Range{From: max(days.From, t.days.From), To: min(days.To, t.days.To)}
		for key, s := range t.values {
			if !f.matches(key.value, key.detail) {
				continue
			}
			if s.n != nil && s.level != never && !t.known(s, part) || s.level == never && part != t.days { // 0, too
				return true
			}
		}
	}
	return false
}

// matches reports whether a filter is about a line of its dimension.
func (f Filter) matches(value, detail string) bool {
	if find(f.Dimension).Detail != "" {
		value = detail
	}
	return value == f.Value || f.Prefix && strings.HasPrefix(value, f.Value)
}

// level says by which parts of a month the numbers of a value are known: each part that a
// level names had no visitors with the value, or as many as the threshold.
type level uint8

// The levels.
const (
	byDay   level = iota
	byPart        // whole weeks, the days before the first and those after the last of them
	byWeek        // whole weeks, and all other days together
	byMonth       // all days together
	never
)

// blocks are the parts of a month that each level names, by day.
type blocks [never + 1][]calendar.Day

func blocksOf(month calendar.Range) (b blocks) {
	for day := month.From; day <= month.To; day++ {
		week := calendar.Week(day)
		part := max(week.From, month.From)
		whole := part
		if week.From < month.From || week.To > month.To {
			whole = month.From - 1
		}
		for l, block := range []calendar.Day{day, part, whole, month.From, month.From} {
			b[l] = append(b[l], block)
		}
	}
	return b
}

// series are the numbers of a value in a month.
type series struct {
	key   lineKey
	n     []int64 // of each day; nil where only the whole month is asked for
	sum   int64
	level level
}

// months are the numbers of a dimension in each month that a range has days of. Values that
// lie in another one whose numbers others show are hidden within that.
type months map[calendar.Day]*monthTable // by first day

type monthTable struct {
	days   calendar.Range
	blocks blocks
	values map[lineKey]*series
	room   []int64 // for the numbers of more values
}

// nesting is what the guard asks to hide the numbers of a query by days, weeks and months.
type nesting struct {
	k     int64
	by    string
	part  map[calendar.Day]bool // months of which a range has a part, by first day: they are known by day
	daily int                   // of the query by day; -1: none
	whole int                   // of the query by month; -1: none
	over  calendar.Day          // the last day that is over; 0: all are
}

// month returns the days of a month that are over.
func (n *nesting) month(first calendar.Day) calendar.Range {
	month := calendar.Range{From: first, To: first.AddMonths(1) - 1}
	if n.over > 0 {
		month.To = min(month.To, n.over)
	}
	return month
}

// nesting finds what to ask beside a query, of a dimension without a filter.
func (q Query) nesting(dimension string, k int64, over calendar.Day, beside func(Query) int) *nesting {
	n := &nesting{k: k, by: weight(Query{Dimension: dimension}), part: map[calendar.Day]bool{}, over: over}
	counted := func(ranges []calendar.Range, step Step) int {
		if len(ranges) == 0 {
			return -1
		}
		c := Query{Sites: q.Sites, Zone: q.Zone, Range: ranges[0], more: ranges[1:], Dimension: dimension, Step: step, Measures: []string{n.by}, unjudged: true}
		return beside(c.all())
	}
	var whole []calendar.Range
	byDay := map[calendar.Day]bool{} // months, by first day
	for _, r := range q.ranges() {
		head, months, tail := r.Split()
		if q.Step != "" && q.Step != Month { // days and weeks of all months are shown
			head, months, tail = r, calendar.Range{To: -1}, calendar.Range{To: -1}
		}
		for _, edge := range []calendar.Range{head, tail} {
			for first := range edge.Months() {
				n.part[first], byDay[first] = true, true
			}
		}
		switch {
		case months.Empty():
		case find(dimension).base().Kept == daily:
			whole = append(whole, months)
		default: // there are no lines by month, and one statement is enough
			for first := range months.Months() {
				byDay[first] = true
			}
		}
	}
	var runs []calendar.Range
	for _, first := range slices.Sorted(maps.Keys(byDay)) {
		month := n.month(first)
		if last := len(runs) - 1; last >= 0 && runs[last].To+1 == first {
			runs[last].To = month.To
		} else {
			runs = append(runs, month)
		}
	}
	n.whole, n.daily = counted(whole, Month), counted(runs, Day)
	return n
}

// read decides how the numbers of each month are known.
func (n *nesting) read(dimension string, results []Result) months {
	all := months{}
	add := func(first calendar.Day, l *Line, day int) {
		m := all[first]
		if m == nil {
			m = &monthTable{days: n.month(first), blocks: blocksOf(n.month(first)), values: map[lineKey]*series{}}
			all[first] = m
		}
		key := lineKey{value: l.Value, detail: l.Detail}
		s := m.values[key]
		if s == nil {
			s = &series{key: key}
			m.values[key] = s
		}
		count := max(l.Now.Count(n.by), 0)
		if s.sum += count; day >= 0 {
			if s.n == nil {
				if len(m.room) == 0 {
					m.room = make([]int64, 64*m.days.Days())
				}
				s.n, m.room = m.room[:m.days.Days():m.days.Days()], m.room[m.days.Days():]
			}
			s.n[day] += count
		}
	}
	lines := func(query int) []Line {
		if query < 0 {
			return nil
		}
		return results[query].Lines
	}
	of := lines(n.daily)
	for i := range of {
		l := &of[i]
		day := calendar.DayOf(l.At)
		if first := day.FirstOfMonth(); n.part[first] {
			add(first, l, int(day-first))
		} else {
			add(first, l, -1)
		}
	}
	of = lines(n.whole)
	for i := range of {
		l := &of[i]
		if first := calendar.DayOf(l.At); !n.part[first] { // by day it is there already
			add(first, l, -1)
		}
	}
	for _, m := range all {
		m.decide(dimension, n.k)
	}
	return all
}

// decide sets the levels of the values of a month.
func (m *monthTable) decide(dimension string, k int64) {
	d := find(dimension)
	groups := map[string][]*series{}
	for _, key := range slices.SortedFunc(maps.Keys(m.values), lineKey.compare) {
		group := ""
		if d.Detail != "" {
			group = key.value
		}
		groups[group] = append(groups[group], m.values[key])
	}
	defer func() { // over all groups, whose sum is known too
		if len(groups) > 1 {
			var all []*series
			for _, value := range slices.Sorted(maps.Keys(groups)) {
				all = append(all, groups[value]...)
			}
			m.leaveEnough(all, k)
		}
	}()
	outer := Query{Dimension: outerOf(d)}
	if d.Detail == "" || !outer.Guarded() {
		for _, group := range groups {
			m.decideAll(group, k)
		}
		return
	}
	var sums []*series // of the values that details lie in
	for _, value := range slices.Sorted(maps.Keys(groups)) {
		s := &series{key: lineKey{value: value}}
		for _, one := range groups[value] {
			if s.sum += one.sum; s.n == nil {
				s.n = slices.Clone(one.n)
				continue
			}
			for i := range one.n {
				s.n[i] += one.n[i]
			}
		}
		sums = append(sums, s)
	}
	m.decideAll(sums, k)
	for _, s := range sums {
		m.decideAll(groups[s.key.value], k)
		for _, one := range groups[s.key.value] {
			one.level = max(one.level, s.level)
		}
	}
}

// decideAll sets the levels of values whose sums are known. A value of few visitors in the month
// is never shown, nor are those that would tell of it. Any other has the finest level of which
// no part had few, and a coarser one where a part of few would follow from the others.
func (m *monthTable) decideAll(all []*series, k int64) {
	cells := make([]*cell, len(all))
	for i, s := range all {
		cells[i] = &cell{key: s.key, n: s.sum}
	}
	open := protect(cells, k)
	for i, s := range all {
		switch {
		case !open || cells[i].hidden != Shown:
			s.level = never
		case s.n != nil:
			s.level = m.finest(s, k)
		}
	}
	m.leaveEnough(all, k)
	if len(all) == 0 || !slices.ContainsFunc(all, func(s *series) bool { return s.n != nil }) {
		return
	}
	parts := partsOf(m.days)
	for {
		i := slices.IndexFunc(all, func(s *series) bool {
			return s.level > byDay && s.level < never && m.told(s, all, parts, k)
		})
		if i < 0 {
			return
		}
		told := all[i]
		var next *series // the smallest whose numbers are known better
		for _, s := range all {
			if s.level < told.level && s.sum > 0 && (next == nil || s.sum < next.sum) {
				next = s
			}
		}
		switch {
		case next != nil:
			next.level = told.level
		case told.level < byMonth:
			told.level++
		default: // there is no other value: all that came had this one
			return
		}
	}
}

// leaveEnough makes values known more coarsely, the smallest first, until those that are not
// known in a part of the month had no visitors there together, or as many as the threshold: how
// many they had follows from the total. Where no other value had any, the total is of few
// itself, and those of the next larger part are looked at.
func (m *monthTable) leaveEnough(all []*series, k int64) {
	byDays := slices.ContainsFunc(all, func(s *series) bool { return s.n != nil })
	for l := byDay; l < never; l++ {
		if !byDays && l < byMonth {
			continue
		}
		few := func(part []int) bool {
			rest := int64(0)
			for _, s := range all {
				if s.level > l {
					rest += s.in(part)
				}
			}
			return rest > 0 && rest < k
		}
		// coarser makes the smallest of the other values that some had in a part less known.
		coarser := func(part []int) bool {
			var next *series
			for _, s := range all {
				if s.level <= l && s.sum > 0 && (next == nil || s.sum < next.sum) && s.in(part) > 0 {
					next = s
				}
			}
			if next != nil {
				next.level = l + 1
			}
			return next != nil
		}
		larger := m.blocks.parts(min(l+1, byMonth))
		for _, part := range m.blocks.parts(l) {
			for few(part) {
				if coarser(part) {
					continue
				}
				around := larger[slices.IndexFunc(larger, func(days []int) bool { return slices.Contains(days, part[0]) })]
				if few(around) {
					coarser(around)
				}
				break
			}
		}
	}
}

// in returns how many had the value on some days of the month.
func (s *series) in(days []int) (sum int64) {
	if s.n == nil {
		return s.sum
	}
	for _, i := range days {
		sum += s.n[i]
	}
	return sum
}

// parts returns the days of each part of a level.
func (b blocks) parts(l level) (parts [][]int) {
	at := map[calendar.Day]int{}
	for i, block := range b[l] {
		if _, found := at[block]; !found {
			at[block] = len(parts)
			parts = append(parts, nil)
		}
		parts[at[block]] = append(parts[at[block]], i)
	}
	return parts
}

// finest returns the finest level of which no part of a month had few visitors.
func (m *monthTable) finest(s *series, k int64) level {
	for l := byDay; l < byMonth; l++ {
		var sums [33]int64 // of the blocks, each by a day of the month or the one before it
		for i, n := range s.n {
			sums[m.blocks[l][i]-m.days.From+1] += n
		}
		if !slices.ContainsFunc(sums[:], func(n int64) bool { return n > 0 && n < k }) {
			return l
		}
	}
	return byMonth
}

// partsOf returns the days, weeks and other runs of seven days of a month.
func partsOf(month calendar.Range) []calendar.Range {
	var parts []calendar.Range
	for day := month.From; day <= month.To; day++ {
		parts = append(parts, calendar.One(day), calendar.Range{From: day, To: min(day+6, month.To)})
		if week := calendar.Week(day); day == month.From || day == week.From {
			parts = append(parts, calendar.Range{From: day, To: min(week.To, month.To)})
		}
	}
	return parts
}

// known reports whether the number of a value in a part of a month is known.
func (m *monthTable) known(s *series, part calendar.Range) bool {
	if s.level == never {
		return false
	}
	b := m.blocks[s.level]
	from, to := part.From-m.days.From, part.To-m.days.From
	for out := range b {
		if day := calendar.Day(out); (day < from || day > to) && slices.Contains(b[from:to+1], b[out]) {
			return false
		}
	}
	return true
}

// told reports whether a number of few visitors follows for a part of the month: no visitor
// could have had another value there, and that value's visitor this one on another day, with
// all that is known staying the same.
func (m *monthTable) told(s *series, all []*series, parts []calendar.Range, k int64) bool {
	for _, part := range parts {
		sum := int64(0)
		for day := part.From; day <= part.To; day++ {
			sum += s.n[day-m.days.From]
		}
		if sum > 0 && sum < k && !m.known(s, part) && !slices.ContainsFunc(all, func(o *series) bool { return m.trades(s, o, part, k) }) {
			return true
		}
	}
	return false
}

// trades reports whether a visitor in a part of a month with one value, and a visitor outside
// of it with another, could as well have had each other's.
func (m *monthTable) trades(s, o *series, part calendar.Range, k int64) bool {
	if o == s || o.level == byDay || o.n == nil {
		return false
	}
	of, other := m.blocks[s.level], m.blocks[o.level]
	for i := part.From - m.days.From; i <= part.To-m.days.From; i++ {
		for j := range calendar.Day(len(of)) {
			if part.Contains(m.days.From+j) || of[i] != of[j] || other[i] != other[j] {
				continue
			}
			if s.n[i] > 0 && o.more(i, k) && o.fewer(j, k) || s.n[j] > 0 && o.fewer(i, k) && o.more(j, k) {
				return true
			}
		}
	}
	return false
}

// fewer and more report whether a visitor fewer or more on a day would change nothing that is
// shown. Values that are never shown have lines, which say whether they are of few.
func (s *series) fewer(i calendar.Day, k int64) bool {
	return s.n[i] > 0 && (s.level != never || s.n[i] > 1 && s.n[i] != k)
}

func (s *series) more(i calendar.Day, k int64) bool {
	return s.level != never || s.n[i] > 0 && s.n[i] != k-1
}

// leavesOut reports whether a table of some days leaves out a value that is never shown in one
// of its months. A line of few says that there were k-1 at most, and lines in parts of these
// days that there was one at least in each: with k-1 such parts the number would follow, and
// a table without the line would say that there was none. So only whole months have lines,
// and longer periods as long as too few months lie in them, or where one of these shows the
// value.
func (m months) leavesOut(key lineKey, days calendar.Range, k int64) bool {
	hidden, part, shown, lines := false, false, false, int64(0)
	for first := range days.Months() {
		t := m[first]
		if t == nil || t.values[key] == nil {
			continue
		}
		lines++
		whole := t.days.From >= days.From && t.days.To <= days.To
		switch s := t.values[key]; {
		case s.level == never:
			hidden, part = true, part || !whole
		case whole && s.sum >= k:
			shown = true
		}
	}
	return hidden && (part || !shown && lines >= k-1)
}

// hide returns why each line of a table of a dimension is hidden in one period, and whether there
// may be values without a line.
func (m months) hide(dimension string, days calendar.Range, r Result, by string, k int64, of func(*Line) *Sums) (hidden map[lineKey]Hiding, withheld bool) {
	hidden = map[lineKey]Hiding{}
	coarse := map[string]bool{} // values within which some are known in longer periods only
	nested := find(dimension).Detail != ""
	outer := func(key lineKey) string {
		if nested {
			return key.value
		}
		return ""
	}
	few := map[string][]*cell{}
	for i := range r.Lines {
		l := &r.Lines[i]
		n := of(l).Count(by)
		if *of(l) == (Sums{}) {
			continue
		}
		key := lineKey{value: l.Value, detail: l.Detail}
		why, found := Shown, false
		for first := range days.Months() {
			t := m[first]
			if t == nil || t.values[key] == nil {
				continue
			}
			found = true
			s, part := t.values[key], calendar.Range{From: max(days.From, t.days.From), To: min(days.To, t.days.To)}
			switch {
			case s.level == never && why == Shown:
				why = Beside
			case s.level != never && s.n != nil && !t.known(s, part):
				why = omitted
			}
		}
		if !found || why == Beside && m.leavesOut(key, days, k) { // not found: it came between two statements
			why, withheld = omitted, true
		}
		if why == Beside {
			c := &cell{key: l.key(), n: n}
			if n < k {
				why, c.hi = Below, k-1
				c.lo = min(n, 1)
			} else {
				c.lo, c.hi = k, n+k
			}
			c.hidden = why
			few[outer(key)] = append(few[outer(key)], c)
		}
		hidden[l.key()] = why
	}
	for first := range days.Months() {
		if t := m[first]; t != nil {
			for key, s := range t.values {
				if s.n != nil && s.level > byDay && s.level < never {
					coarse[outer(key)], withheld = true, true
				}
				withheld = withheld || s.level == never && s.sum > 0 && m.leavesOut(key, days, k)
			}
		}
	}
	for group, cells := range few { // lines of few, which may not follow from the others
		if !coarse[group] && !hiddenWell(cells, nil, k) {
			withheld = true
			for _, c := range cells {
				hidden[c.key] = omitted
			}
		}
	}
	// Days of few in all may be the only ones with what is hidden in a longer period.
	leaveEnough := func(lines []*Line) {
		rest := int64(0)
		var least *Line
		for _, l := range lines {
			switch n := of(l).Count(by); {
			case n > 0 && hidden[l.key()] != Shown:
				rest += n
			case n > 0 && (least == nil || n < of(least).Count(by)):
				least = l
			}
		}
		if rest > 0 && rest < k && least != nil {
			hidden[least.key()], withheld = omitted, true
		}
	}
	groups := map[string][]*Line{}
	all := make([]*Line, len(r.Lines))
	for i := range r.Lines {
		l := &r.Lines[i]
		all[i], groups[outer(l.key())] = l, append(groups[outer(l.key())], l)
	}
	for _, lines := range groups {
		leaveEnough(lines)
	}
	leaveEnough(all)
	return hidden, withheld
}
