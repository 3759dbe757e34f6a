package report

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
)

// Planner turns queries into statements.
type Planner struct {
	// RowsSince is the first day of which all hits are still kept as rows.
	RowsSince calendar.Day
	// TotalsSince is the first day whose sums are kept in rollups. Those of the rest of its month
	// are read by day.
	TotalsSince calendar.Day
	// FoldedSince is the first day whose lines of few are not folded. Of the days before it
	// hit.Others has what few had, and a filter by a value is about the line of that value.
	FoldedSince calendar.Day
	// AgedSince is the first day whose rows have a part that ageing removes, by the name of the
	// part in privacy.Ageing; none if it is not removed.
	AgedSince map[string]calendar.Day
	// OfSites are later days of sites whose rows live shorter.
	OfSites map[uint32]Since
	// Gaps are what rollups have not counted.
	Gaps []Gap
	// OnlyRows asks the rows alone. It is for queries that Results leaves open.
	OnlyRows bool
}

// Since is RowsSince and FoldedSince of a site, or 0 where they are those of all.
type Since struct{ Rows, Folded calendar.Day }

// since returns RowsSince and FoldedSince of all of some sites.
func (p Planner) since(sites []uint32) Since {
	all := Since{p.RowsSince, p.FoldedSince}
	for _, id := range sites {
		all.Rows, all.Folded = max(all.Rows, p.OfSites[id].Rows), max(all.Folded, p.OfSites[id].Folded)
	}
	return all
}

// Gap is that a rollup has not counted some measures, or some lines, of days before a day: a
// later version of the program added them, and the rows of those days were gone, or are still
// to be counted.
type Gap struct {
	Table      string
	Measures   []string
	Dimensions []string // what the column dimension holds on those lines; nil: all lines
	Before     calendar.Day
	OfSites    map[uint32]calendar.Day // later days of sites whose rows were gone sooner
}

// before returns the day before which the lines of some sites are not all counted.
func (g Gap) before(sites []uint32) calendar.Day {
	before := g.Before
	for _, id := range sites {
		before = max(before, g.OfSites[id])
	}
	return before
}

// gap returns the gap that a query over its table would fall into, and false if there is none.
func (p Planner) gap(a *asked) (found Gap, ok bool) {
	for _, g := range p.Gaps {
		g.Before = g.before(a.Sites)
		counts := func(m int) bool {
			return slices.Contains(g.Measures, Measures[m].Key) || Measures[m].once == perLeaving && slices.Contains(g.Dimensions, left.lines())
		}
		lines := g.Dimensions == nil || slices.ContainsFunc(a.reads(), func(line string) bool { return slices.Contains(g.Dimensions, line) })
		early := slices.ContainsFunc(a.ranges(), func(r calendar.Range) bool { return r.From < g.Before })
		if g.Table == a.table && lines && early && slices.ContainsFunc(a.sums, counts) && g.Before > found.Before {
			found, ok = g, true
		}
	}
	return found, ok
}

// Plan is the statements that answer some queries.
type Plan struct {
	Statements []Statement
	queries    []Query
}

// folded reports whether a query is answered from lines of which some are folded.
func (a *asked) folded(since calendar.Day) bool {
	return a.table != hits && a.table != hourly && !findRollup(a.table).Mortal &&
		slices.ContainsFunc(a.ranges(), func(days calendar.Range) bool { return days.From < since })
}

// OfFolded returns the queries that are answered from lines of which those of few are folded:
// those by what has lines, and those with filters. Each has the first day of which they are not.
func (p Plan) OfFolded() map[int]calendar.Day {
	all := map[int]calendar.Day{}
	for _, s := range p.Statements {
		for _, a := range s.asked {
			if a.folded(a.since.Folded) && a.base.Key != total.Key {
				all[a.index] = a.since.Folded
			}
		}
	}
	return all
}

// OfRows returns the indexes of the queries that are answered from rows, or from a rollup that
// is erased with them.
func (p Plan) OfRows() []int {
	var all []int
	for _, s := range p.Statements {
		for _, a := range s.asked {
			if a.table == hits || findRollup(a.table).Mortal {
				all = append(all, a.index)
			}
		}
	}
	return all
}

// Statement is a SELECT with its parameters. A Reader reads what it returns.
type Statement struct {
	SQL    string
	Params map[string]string
	asked  []*asked
	sums   []int // the measures that it returns
	before bool  // it returns those of Compare, too
}

// Reader reads the rows of a statement as lines of its queries.
type Reader struct {
	row struct {
		query         uint8
		at            int64 // Unix seconds
		value, detail string
		rank          float64
		open          uint8 // hits are counted here together of which only some may be asked for
		now, before   []int64
	}
	columns []any
	answers []reading // of the queries of the statement
}

// reading is what was read for a query. Rows of a step come one after another.
type reading struct {
	*asked
	result  Result
	open    bool
	columns []int // of sums, by the index of the measure in asked.sums
	at      int64 // the step
	lines   int   // in that step
	last    cursor
}

// Read returns a reader for the rows of the statement.
func (s Statement) Read() *Reader {
	r := &Reader{answers: make([]reading, len(s.asked))}
	row := &r.row
	row.now = make([]int64, len(s.sums))
	if s.before {
		row.before = make([]int64, len(s.sums))
	}
	r.columns = []any{&row.query, &row.at, &row.value, &row.detail, &row.rank, &row.open}
	for _, sums := range [][]int64{row.now, row.before} { // the driver reads arrays by reflection
		for i := range sums {
			r.columns = append(r.columns, &sums[i])
		}
	}
	for i, a := range s.asked {
		r.answers[i].asked = a
		for _, m := range a.sums {
			r.answers[i].columns = append(r.answers[i].columns, slices.Index(s.sums, m))
		}
	}
	return r
}

// Columns returns where the columns of the next row belong.
func (r *Reader) Columns() []any { return r.columns }

// Next takes the row that was read into Columns. Its error says that no such row was asked for.
func (r *Reader) Next() error {
	row := &r.row
	if int(row.query) >= len(r.answers) {
		return fmt.Errorf("row of query %d: there are %d", row.query, len(r.answers))
	}
	a := &r.answers[row.query]
	a.open = a.open || row.open != 0
	if a.at != row.at {
		a.at, a.lines = row.at, 0
	}
	if a.lines == a.limit() {
		if a.Step == "" && a.result.Next == "" {
			a.result.Next = a.last.String()
		}
		return nil
	}
	a.lines++
	lines := a.result.Lines
	if len(lines) == cap(lines) {
		lines = slices.Grow(lines, max(16, len(lines))) // append would copy long lists more often
	}
	lines = lines[:len(lines)+1]
	line := &lines[len(lines)-1]
	line.Value, line.Detail = row.value, row.detail
	if a.Step != "" {
		line.At = time.Unix(row.at, 0).UTC()
	}
	for n, i := range a.columns {
		if line.Now.n[a.sums[n]] = row.now[i]; row.before != nil {
			line.Before.n[a.sums[n]] = row.before[i]
		}
	}
	a.last = cursor{row.rank, row.value, row.detail}
	a.result.Lines = lines
	return nil
}

// MaxQueries bounds what is asked at once.
const MaxQueries = 100

// asked is a query with what follows from it.
type asked struct {
	Query
	index     int // in the list of queries
	dimension Dimension
	base      Dimension // whose lines tell of all cuts; total if there is none
	oneBase   bool      // false if there are several
	sums      []int
	leaving   bool // asks for a measure of pages by the hits that came after them
	table     string
	since     Since // of its sites
}

// Plan returns the statements for the queries of a page. Queries of one table over the same
// days are put together, those of the rollups by day and month over any days. Its error is an
// InvalidError or a RefusedError of the first query that can't be answered.
func (p Planner) Plan(queries []Query) (Plan, error) {
	plan := Plan{queries: queries}
	if len(queries) > MaxQueries {
		return Plan{}, InvalidError{Field: "queries", Value: strconv.Itoa(len(queries)), Want: fmt.Sprintf("at most %d", MaxQueries)}
	}
	groups := map[string][]*asked{}
	var order []string
	for i, q := range queries {
		a, err := p.resolve(i, q)
		var refused RefusedError
		if errors.As(err, &refused) {
			refused.Query = i
			return Plan{}, refused
		}
		if err != nil {
			return Plan{}, err
		}
		key := a.group()
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], a)
	}
	for _, key := range order {
		plan.Statements = append(plan.Statements, p.newStatement(groups[key]))
	}
	return plan, nil
}

// resolve checks a query and finds the smallest table that answers it exactly.
func (p Planner) resolve(index int, q Query) (*asked, error) {
	if err := q.validate(); err != nil {
		return nil, err
	}
	for _, m := range q.Measures {
		if err, refused := q.Refusal(m); refused {
			return nil, err
		}
	}
	a := &asked{Query: q, index: index, base: total, oneBase: true, since: p.since(q.Sites)}
	a.dimension, _ = FindDimension(q.Dimension)
	for _, m := range q.Measures {
		for _, i := range sumsOf(m) {
			if !slices.Contains(a.sums, i) {
				a.sums = append(a.sums, i)
			}
			a.leaving = a.leaving || Measures[i].once == perLeaving
		}
	}
	slices.Sort(a.sums)
	for _, d := range a.cuts() {
		if d.Key != "site" {
			a.oneBase = a.oneBase && (a.base.Key == total.Key || a.base.Key == d.base().Key)
			a.base = d.base()
		}
	}
	a.table = hits
	switch {
	case p.OnlyRows:
	case a.lines():
		a.table = daily
	default:
		for _, name := range []string{campaigns, moves, hourly, cube} {
			if a.columns(findRollup(name)) {
				a.table = name
				break
			}
		}
	}
	since := a.since.Rows
	if gap, ok := p.gap(a); ok { // rows tell, as long as they are kept
		a.table, since = hits, min(since, gap.Before)
	}
	if a.table == hits {
		if since := p.aged(a); slices.ContainsFunc(a.ranges(), func(days calendar.Range) bool { return days.From >= a.since.Rows && days.From < since }) {
			return nil, RefusedError{Code: Aged, Dimension: a.agedDimension(p.AgedSince), Since: since}
		}
	}
	if a.table == hits || findRollup(a.table).Mortal {
		for _, days := range a.ranges() {
			if days.From < a.since.Rows {
				refused := RefusedError{Code: RowsGone, Since: since}
				if p.OnlyRows {
					refused.Code = Capped
				}
				return nil, refused
			}
		}
	}
	return a, nil
}

// agedColumns are the columns of hits that the parts of rows are in.
var agedColumns = [...]struct{ part, column string }{{"version", "browser_version"}, {"region", "region"}}

// aged returns the first day whose rows have all that a query asks for, of what ageing removes.
func (p Planner) aged(a *asked) (since calendar.Day) {
	minutes := a.Step == Minute || a.Step == Second || !a.Until.IsZero() || !a.CompareUntil.IsZero() ||
		!a.wholeHours() && (a.Step == Hour || slices.ContainsFunc(a.cuts(), func(d Dimension) bool { return d.Key == "hour" }))
	if minutes {
		since = p.AgedSince["hour"]
	}
	for _, aged := range agedColumns {
		if slices.ContainsFunc(a.cuts(), func(d Dimension) bool { return d.reads(aged.column) }) {
			since = max(since, p.AgedSince[aged.part])
		}
	}
	return since
}

// agedDimension returns the dimension of a query that ageing removes, "" if it is the minute.
func (a *asked) agedDimension(since map[string]calendar.Day) string {
	for _, aged := range agedColumns {
		for _, d := range a.cuts() {
			if since[aged.part] > 0 && d.reads(aged.column) {
				return d.Key
			}
		}
	}
	return ""
}

// reads reports whether the dimension is over a column of hits.
func (d Dimension) reads(column string) bool {
	base := d.base()
	value, detail := d.keys(base.Value, base.Detail)
	return slices.Contains(fieldsOf(value+" "+detail+" "+base.Where), column)
}

// periods returns the days that are asked for: those of Range and, if there is one, Compare.
func (q Query) periods() [][]calendar.Range {
	all := [][]calendar.Range{append([]calendar.Range{q.Range}, q.more...)}
	if q.Compare != nil {
		all = append(all, []calendar.Range{*q.Compare})
	}
	return all
}

// ranges returns the same as one list.
func (q Query) ranges() []calendar.Range { return slices.Concat(q.periods()...) }

// lines reports whether the rollups by day and month answer: everything is asked by
// dimensions of the same lines, in whole days. The page before alone is a line of left, which
// counts all that came after it.
func (a *asked) lines() bool {
	return a.oneBase && (a.base.Kept == daily || a.base.lines() == left.Key) && a.wholeDays() &&
		(a.base.Where == "" || a.keepsBy(func(d Dimension) bool { return d.Key == a.base.Key }))
}

// keepsBy reports whether only hits are asked for that have a property by one of some
// bases.
func (a *asked) keepsBy(of func(base Dimension) bool) bool {
	return a.dimension.Key != "" && of(a.dimension.base()) ||
		slices.ContainsFunc(a.Filters, func(f Filter) bool { return !f.Not && of(find(f.Dimension).base()) })
}

// wholeDays reports whether nothing less than a day is asked for.
func (a *asked) wholeDays() bool {
	return a.Until.IsZero() && a.CompareUntil.IsZero() && a.Step != Hour && a.Step != Minute && a.Step != Second
}

// columns reports whether a rollup with its own columns answers.
func (a *asked) columns(r Rollup) bool {
	for _, i := range a.sums {
		if !slices.Contains(r.measures, i) {
			return false
		}
	}
	for _, d := range a.cuts() {
		base := d.base()
		value, detail := d.keys(base.Value, base.Detail)
		if _, ok := r.over(value + " " + detail + " " + base.Where); d.Key != "site" && !ok {
			return false
		}
	}
	if r.where != "" && !a.keepsBy(func(d Dimension) bool { return d.Kept == r.Name }) {
		return false
	}
	if r.Name == hourly {
		byHour := a.Step == Hour || slices.ContainsFunc(a.cuts(), func(d Dimension) bool { return d.Key == "hour" }) // not weekday: lines have their day
		return a.Until.IsZero() && a.CompareUntil.IsZero() && a.Step != Minute && a.Step != Second && (!byHour || a.wholeHours())
	}
	return a.wholeDays()
}

// wholeHours reports whether the clock of the zone differs from UTC by whole hours on all
// of the days.
func (q Query) wholeHours() bool {
	for _, days := range q.ranges() {
		for day := days.From; day <= days.To+1; day++ {
			if _, offset := day.In(q.zone()).Zone(); offset%3600 != 0 {
				return false
			}
		}
	}
	return true
}

// group names the statement that the query is put into.
func (a *asked) group() string {
	key := fmt.Sprint(a.table, a.Sites)
	switch {
	case a.table != daily:
		key += fmt.Sprint(a.periods(), a.zone(), a.Until.Unix(), a.CompareUntil.Unix(), a.leaving)
	case a.base.lines() == left.Key: // of which others take something else
		key += left.Key
	}
	return key
}

// newStatement puts queries of one group together.
func (p Planner) newStatement(list []*asked) Statement {
	b := &builder{list: list, q: "q", params: map[string]string{}, totalsSince: p.TotalsSince, foldedSince: list[0].since.Folded}
	for _, a := range list {
		for _, i := range a.sums {
			if !slices.Contains(b.sums, i) {
				b.sums = append(b.sums, i)
			}
		}
	}
	slices.Sort(b.sums)
	b.compare = slices.ContainsFunc(list, func(a *asked) bool { return a.Compare != nil })
	// What only differs in measures, order and the lines that are shown is added up once.
	var once []*asked
	var queries []string // of each, as an array
	for i, a := range list {
		n := slices.IndexFunc(once, func(o *asked) bool { return o.adds() == a.adds() })
		if n < 0 {
			all := *a
			all.sums = slices.Clone(a.sums)
			once, queries = append(once, &all), append(queries, fmt.Sprintf("[%d]", i))
			continue
		}
		queries[n] = strings.TrimSuffix(queries[n], "]") + fmt.Sprintf(", %d]", i)
		once[n].sums = append(once[n].sums, a.sums...)
	}
	b.list = once
	inner := ""
	if list[0].table == daily {
		inner = b.lines()
	} else {
		inner = b.columns()
	}
	from := "FROM (\n" + inner + "\n)"
	if b.list = list; len(once) < len(list) {
		b.q = "query"
		from += "\nARRAY JOIN [" + strings.Join(queries, ", ") + "][q + 1] AS query"
	}
	return Statement{SQL: b.outer(from), Params: b.params, asked: list, sums: b.sums, before: b.compare}
}

// adds says which hits or lines a query of a statement adds up, and by what.
func (a *asked) adds() string {
	return fmt.Sprintf("%v %q %q %v %q %v", a.periods(), a.Step, a.Dimension, a.known, a.Filters, a.leaving)
}

// builder writes a statement. Nothing that a query holds is part of its text: all is
// bound.
type builder struct {
	list    []*asked
	q       string // the column that says of which query a line is
	sums    []int
	compare bool // one of the queries has days to compare with
	params  map[string]string

	totalsSince, foldedSince calendar.Day
}

// bind gives a value as a parameter.
func (b *builder) bind(kind, value string) string {
	for name, bound := range b.params {
		if bound == value && strings.HasPrefix(name, strings.ToLower(kind[:1])) {
			return "{" + name + ":" + kind + "}"
		}
	}
	name := strings.ToLower(kind[:1]) + strconv.Itoa(len(b.params))
	b.params[name] = value
	return "{" + name + ":" + kind + "}"
}

func (b *builder) text(s string) string { return b.bind("String", s) }

func (b *builder) sites() string {
	ids := make([]string, len(b.list[0].Sites))
	for i, id := range b.list[0].Sites {
		ids[i] = strconv.FormatUint(uint64(id), 10)
	}
	return "site IN " + b.bind("Array(UInt32)", "["+strings.Join(ids, ",")+"]")
}

// within is the condition that a day is in one of some ranges.
func (b *builder) within(column string, ranges []calendar.Range) string {
	var any []string
	for _, days := range ranges {
		if !days.Empty() {
			any = append(any, column+" BETWEEN "+b.bind("Date", days.From.String())+" AND "+b.bind("Date", days.To.String()))
		}
	}
	if len(any) == 0 {
		return "0"
	}
	return "(" + strings.Join(any, " OR ") + ")"
}

// byQuery chooses an expression by the query that a line answers. It is short, as all SQL
// here: before it reads anything, the engine takes a tenth of a millisecond for each function.
func (b *builder) byQuery(of func(*asked) string) string {
	queries := map[string][]string{}
	var order []string
	most := ""
	for i, a := range b.list {
		sql := of(a)
		if queries[sql] == nil {
			order = append(order, sql)
		}
		if queries[sql] = append(queries[sql], strconv.Itoa(i)); len(queries[sql]) > len(queries[most]) {
			most = sql
		}
	}
	var choices []string
	for _, sql := range order {
		switch of := queries[sql]; {
		case sql == most:
		case len(of) == 1:
			choices = append(choices, b.q+" = "+of[0]+", "+sql)
		default:
			choices = append(choices, b.q+" IN ("+strings.Join(of, ", ")+"), "+sql)
		}
	}
	if len(choices) == 0 {
		return most
	}
	return "multiIf(" + strings.Join(choices, ", ") + ", " + most + ")"
}

// where joins the conditions of the queries, each on its own lines.
func (b *builder) where(of func(*asked) string) string {
	var all []string
	for i, a := range b.list {
		switch sql := of(a); {
		case sql == "":
		case len(b.list) == 1:
			all = append(all, "("+sql+")")
		default:
			all = append(all, fmt.Sprintf("(%s != %d OR (%s))", b.q, i, sql))
		}
	}
	return strings.Join(all, " AND ")
}

// filters returns the condition under which all filters surely hold, and that under which
// they may: a line of a rollup that counts several values together may have hits that a
// filter is about. The two are the same over hits. of returns the SQL of what a filter
// looks at, and the condition under which a hit has that property, "" for always. day is the
// SQL of the day of a line.
func (b *builder) filters(a *asked, day string, of func(Filter) (property, where string)) (sure, possible string) {
	var all, some []string
	keepSure, keepPossible := map[string][]string{}, map[string][]string{} // alternatives
	for _, f := range a.Filters {
		property, where := of(f)
		is := f.condition(property, b.text)
		may := is
		if hidden := f.hiddenIn(); a.table != hits && len(hidden) > 0 {
			for i, line := range hidden {
				hidden[i] = b.text(line)
			}
			in := property + " IN (" + strings.Join(hidden, ", ") + ")"
			if a.folded(b.foldedSince) {
				in = "(" + in + " AND " + day + " >= " + b.bind("Date", b.foldedSince.String()) + ")"
			}
			is, may = is+" AND NOT "+in, "("+is+" OR "+in+")"
		}
		if where != "" {
			is, may = "("+where+") AND "+is, "("+where+") AND "+may
		}
		if f.Not {
			all, some = append(all, "NOT ("+may+")"), append(some, "NOT ("+is+")")
		} else {
			keepSure[f.Dimension] = append(keepSure[f.Dimension], "("+is+")")
			keepPossible[f.Dimension] = append(keepPossible[f.Dimension], "("+may+")")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keepSure)) {
		all = append(all, "("+strings.Join(keepSure[key], " OR ")+")")
		some = append(some, "("+strings.Join(keepPossible[key], " OR ")+")")
	}
	return strings.Join(all, " AND "), strings.Join(some, " AND ")
}

// and joins conditions, of which the second may be "".
func and(a, b string) string { return strings.TrimSuffix(a+" AND "+b, " AND ") }

// most returns the SQL of whether a condition holds for some line.
func most(sql string) string {
	if sql == "false" {
		return sql
	}
	return "max(" + sql + ")"
}

// open returns the SQL of whether a line may have hits of which only some are asked for.
func open(sure, possible string) string {
	if sure == possible {
		return "false"
	}
	return "NOT (" + sure + ")"
}

// outer ranks and cuts lines that are summed up: q, at, key, refined and, for each measure i,
// now_i and before_i.
func (b *builder) outer(from string) string {
	rank := func(a *asked) string {
		s := a.sorted()
		if s.By == ByValue {
			return "0."
		}
		of := func(period string) string {
			sums := sumsOf(s.By)
			if len(sums) == 1 {
				return fmt.Sprintf("toFloat64(%s_%d)", period, sums[0])
			}
			over, under := fmt.Sprintf("%s_%d", period, sums[0]), fmt.Sprintf("%s_%d", period, sums[1])
			return fmt.Sprintf("if(%s = 0, 0., %s / %s)", under, over, under)
		}
		sql := of("now")
		switch {
		case s.Change:
			sql = "(" + sql + " - " + of("before") + b.times(a.perDay(s.By)) + ")"
		case s.both && a.Compare != nil:
			sql = "(" + sql + " + " + of("before") + ")"
		}
		if s.Ascending {
			sql = "-" + sql
		}
		return sql
	}
	found := func(a *asked) string {
		var all []string
		if a.Find != "" {
			var any []string
			for _, text := range a.findable() {
				find := b.text(text)
				any = append(any, "positionCaseInsensitiveUTF8(key, "+find+") > 0 OR positionCaseInsensitiveUTF8(refined, "+find+") > 0")
			}
			all = append(all, "("+strings.Join(any, " OR ")+")")
		}
		if a.After != "" {
			c, _ := parseCursor(a.After) // checked by validate
			at := "reinterpretAsFloat64(" + b.bind("UInt64", strconv.FormatUint(math.Float64bits(c.Rank), 10)) + ")"
			behind := ">"
			if a.Sort.Descending {
				behind = "<"
			}
			all = append(all, fmt.Sprintf("(rank < %s OR rank = %s AND (key, refined) %s (%s, %s))", at, at, behind, b.text(c.Value), b.text(c.Detail)))
		}
		return strings.Join(all, " AND ")
	}
	shown := b.some()
	if sql := b.where(found); sql != "" {
		shown += " AND " + sql
	}
	limit := 0
	for _, a := range b.list {
		limit = max(limit, a.limit()+1)
	}
	sums := b.columnsOf("now")
	if b.compare {
		sums += ", " + b.columnsOf("before")
	}
	order := "key, refined"
	if slices.ContainsFunc(b.list, func(a *asked) bool { return a.Sort.Descending }) { // others have one line a key
		forth := b.byQuery(func(a *asked) string {
			if a.Sort.Descending {
				return "0"
			}
			return "1"
		})
		order = "if(" + forth + " = 1, key, ''), if(" + forth + " = 1, refined, ''), key DESC, refined DESC"
	}
	return "SELECT " + b.q + ", toInt64(at), key, refined, " + b.byQuery(rank) + " AS rank, toUInt8(open), " + sums + "\n" +
		from + "\n" +
		"WHERE open OR " + shown + "\n" +
		"ORDER BY " + b.q + ", at, open DESC, rank DESC, " + order + "\n" +
		"LIMIT " + strconv.Itoa(limit) + " BY " + b.q + ", at"
}

// columnsOf lists the sums of Range or Compare.
func (b *builder) columnsOf(period string) string {
	names := make([]string, len(b.sums))
	for n, i := range b.sums {
		names[n] = period + "_" + strconv.Itoa(i)
	}
	return strings.Join(names, ", ")
}

// times multiplies by a number, unless that is 1.
func (b *builder) times(x float64) string {
	if x == 1 {
		return ""
	}
	return " * reinterpretAsFloat64(" + b.bind("UInt64", strconv.FormatUint(math.Float64bits(x), 10)) + ")"
}

// some is the condition that one of the sums that a query asks for is not 0: of Range, or of
// Compare where lines that only Compare has are asked for, too.
func (b *builder) some() string {
	exists := func(period string, asks func(*asked) bool) string {
		list := "[" + b.columnsOf(period) + "]"
		var masks []string
		alike := true
		for _, a := range b.list {
			mask := make([]string, len(b.sums))
			for n, i := range b.sums {
				mask[n] = "0"
				if asks(a) && slices.Contains(a.sums, i) {
					mask[n] = "1"
				}
				alike = alike && mask[n] == "1"
			}
			masks = append(masks, "["+strings.Join(mask, ", ")+"]")
		}
		if alike {
			return "arrayExists(n -> n != 0, " + list + ")"
		}
		return "arrayExists((n, asked) -> asked AND n != 0, " + list + ", [" + strings.Join(masks, ", ") + "][" + b.q + " + 1])"
	}
	now := exists("now", func(*asked) bool { return true })
	if !b.compare || !slices.ContainsFunc(b.list, func(a *asked) bool { return a.gone() }) {
		return now
	}
	return "(" + now + " OR " + exists("before", func(a *asked) bool { return a.gone() }) + ")"
}

// gone reports whether lines that only Compare has are told.
func (q Query) gone() bool { return q.Gone || q.Step != "" || q.Dimension == "" }

// perDay is by what a measure of Compare is multiplied to be of as many days as Range has. A
// ratio is the same of any days.
func (q Query) perDay(key string) float64 {
	if q.Compare == nil || measureIndex(key) < 0 {
		return 1
	}
	return float64(q.Range.Days()) / float64(q.Compare.Days())
}

// aggregates are the sums of inner, over columns m_i, a and b, and open: those of a query, or of
// all. The others are 0.
func (b *builder) aggregates(open string, of *asked) string {
	all := []string{open + " AS open"}
	for _, i := range b.sums {
		now, before := fmt.Sprintf("sum(m_%d)", i), ""
		if b.compare {
			now, before = fmt.Sprintf("sumIf(m_%d, a)", i), fmt.Sprintf(", sumIf(m_%d, b) AS before_%d", i, i)
		}
		if of != nil && !slices.Contains(of.sums, i) {
			if now = "0"; b.compare {
				before = fmt.Sprintf(", 0 AS before_%d", i)
			}
		}
		all = append(all, fmt.Sprintf("%s AS now_%d", now, i)+before)
	}
	return strings.Join(all, ", ")
}

// start is the first moment of the step that a day lies in.
func (a *asked) start(day string) string {
	switch a.Step {
	case Day:
		return "toInt64(" + day + ") * 86400"
	case Week:
		return "toInt64(toMonday(" + day + ")) * 86400"
	case Month:
		return "toInt64(toStartOfMonth(" + day + ")) * 86400"
	}
	return "0"
}

// A branch reads the lines of one of the rollups by day and month for some queries.
type branch struct {
	rollup Rollup
	days   [][]calendar.Range // of Range, of Compare
	list   []int              // indexes of the queries
}

// branches cuts the ranges for queries that whole months can answer: those come from
// the rollup by month, and the days before and after them from that by day.
func (b *builder) branches() []branch {
	var all []branch
	add := func(query int, rollup string, days [][]calendar.Range) {
		if !slices.ContainsFunc(slices.Concat(days...), func(r calendar.Range) bool { return !r.Empty() }) {
			return
		}
		n := slices.IndexFunc(all, func(br branch) bool { return br.rollup.Name == rollup && reflect.DeepEqual(br.days, days) })
		if n < 0 {
			n, all = len(all), append(all, branch{rollup: findRollup(rollup), days: days})
		}
		all[n].list = append(all[n].list, query)
	}
	for i, a := range b.list {
		periods := a.periods()
		months, edges := make([][]calendar.Range, len(periods)), make([][]calendar.Range, len(periods))
		some := false
		for n, ranges := range periods {
			for _, days := range ranges {
				kept := days
				if days.To >= b.totalsSince {
					kept.From = max(days.From, b.totalsSince)
				}
				head, middle, tail := kept.Split()
				some = some || !middle.Empty()
				months[n], edges[n] = append(months[n], middle), append(edges[n], head, tail)
			}
		}
		if !some || a.Step == Day || a.Step == Week {
			add(i, daily, periods)
		} else {
			add(i, monthly, months)
			add(i, daily, edges)
		}
	}
	return all
}

// reads returns the lines that a query sums up.
func (a *asked) reads() []string {
	if a.leaving {
		return []string{a.base.lines(), left.lines()}
	}
	return []string{a.base.lines()}
}

// lines sums up the lines of the rollups by day and month. Each branch says of its lines of
// which queries they are.
func (b *builder) lines() string {
	leaving := slices.ContainsFunc(b.list, func(a *asked) bool { return a.leaving })
	bySite := slices.ContainsFunc(b.list, func(a *asked) bool { return a.dimension.Key == "site" })
	branches := b.branches()
	users := make([]map[string][]string, len(branches)) // the queries of each of its lines
	shared := false                                     // a line is of several queries
	for n, br := range branches {
		users[n] = map[string][]string{}
		for _, i := range br.list {
			for _, line := range b.list[i].reads() {
				users[n][line] = append(users[n][line], strconv.Itoa(i))
				shared = shared || len(users[n][line]) > 1
			}
		}
	}
	var selects []string
	for n, br := range branches {
		day := br.rollup.day()
		lines := slices.Sorted(maps.Keys(users[n]))
		var choices []string
		for _, line := range lines {
			of := strings.Join(users[n][line], ", ")
			if shared {
				of = "[" + of + "]"
			}
			choices = append(choices, "dimension = '"+line+"', "+of)
		}
		last := len(choices) - 1
		_, choices[last], _ = strings.Cut(choices[last], ", ")
		q := strings.Join(choices, ", ")
		if last > 0 {
			q = "multiIf(" + q + ")"
		}
		columns := []string{q + " AS q, " + day + " AS t, value AS v, detail AS d"}
		if leaving {
			columns = append(columns, "dimension")
		}
		if bySite {
			columns = append(columns, "site")
		}
		for _, i := range b.sums {
			term := "0" // a column that no query of these lines asks for is not read
			if slices.ContainsFunc(br.list, func(query int) bool { return slices.Contains(b.list[query].sums, i) }) {
				term = lineTerm(Measures[i], leaving)
			}
			columns = append(columns, term+fmt.Sprintf(" AS m_%d", i))
		}
		read := b.within(day, br.days[0])
		if b.compare {
			before := "0"
			if len(br.days) > 1 {
				before = b.within(day, br.days[1])
			}
			columns, read = append(columns, read+" AS a, "+before+" AS b"), "(a OR b)"
		}
		selects = append(selects, fmt.Sprintf("    SELECT %s\n    FROM %s\n    WHERE %s AND dimension IN ('%s') AND %s",
			strings.Join(columns, ", "), br.rollup.Name, b.sites(), strings.Join(lines, "', '"), read))
	}
	from := "FROM (\n" + strings.Join(selects, "\n    UNION ALL\n") + "\n)"
	if shared {
		from += "\nARRAY JOIN q"
	}
	filters := func(a *asked) (sure, possible string) {
		return b.filters(a, "t", func(f Filter) (string, string) { return find(f.Dimension).property("v", "d"), "" })
	}
	conditions := b.where(func(a *asked) string {
		_, sql := filters(a)
		switch {
		case a.leaving:
			sql = and("(dimension = 'page' OR v != '')", sql)
		case a.base.lines() == left.Key:
			sql = and("v != ''", sql)
		}
		return sql
	})
	if conditions != "" {
		conditions = "\nWHERE " + conditions
	}
	query, keys := "q", []string{"q"}
	if len(b.list) == 1 { // a group is found fastest by one column
		query, keys = "0 AS q", nil
	}
	selected := []string{query}
	for _, key := range [][2]string{
		{"at", b.byQuery(func(a *asked) string { return a.start("t") })},
		{"key", b.byQuery(func(a *asked) string { v, _ := a.keys("v", "d"); return v })},
		{"refined", b.byQuery(func(a *asked) string { _, d := a.keys("v", "d"); return d })},
	} {
		if selected = append(selected, key[1]+" AS "+key[0]); key[1] != "0" && key[1] != "''" {
			keys = append(keys, key[0])
		}
	}
	groups := ""
	if len(keys) > 0 {
		groups = "\nGROUP BY " + strings.Join(keys, ", ")
	}
	return "SELECT " + strings.Join(selected, ", ") + ", " + b.aggregates(most(b.byQuery(func(a *asked) string { return open(filters(a)) })), nil) +
		"\n" + from + conditions + groups
}

// keys returns the SQL of value and detail of the lines of a query, ” where it asks for
// none.
func (a *asked) keys(value, detail string) (string, string) {
	if a.dimension.Key == "" {
		return "''", "''"
	}
	value, detail = a.dimension.keys(value, detail)
	if a.known {
		value = "if(" + value + " = '', '', '+')"
	}
	if detail == "" {
		detail = "''"
	}
	return value, detail
}

// lineTerm is a measure on a line of the rollups by day and month. Where measures of
// leaving are asked for, the lines of the page that was left are among the others.
func lineTerm(m Measure, leaving bool) string {
	switch {
	case m.Key == "exits":
		return "if(dimension = '" + left.Key + "', -pageviews, pageviews)"
	case m.Key == "page_seconds":
		return "if(dimension = '" + left.Key + "', seconds, 0)"
	case leaving:
		return "if(dimension = '" + left.Key + "', 0, " + m.Key + ")"
	}
	return m.Key
}

// columns sums up hits, or the lines of a rollup with its own columns, for one query after
// the other. To read hits once for several queries, by grouping sets, takes the engine twice
// as long. The lines of the cube are few once they are summed up, so it is read once.
func (b *builder) columns() string {
	var selects []string
	alike := map[string][]int{} // indexes of queries of the cube
	for i, a := range b.list {
		if a.table != cube || a.Step != "" || a.dimension.Key == "site" {
			selects = append(selects, b.sumsOf(i, a))
			continue
		}
		key := fmt.Sprintf("%q", a.Filters)
		alike[key] = append(alike[key], i)
	}
	for _, key := range slices.Sorted(maps.Keys(alike)) {
		if list := alike[key]; len(list) > 1 {
			selects = append(selects, b.together(list))
		} else {
			selects = append(selects, b.sumsOf(list[0], b.list[list[0]]))
		}
	}
	return strings.Join(selects, "\nUNION ALL\n")
}

// together sums up the lines of the cube for several queries with the same filters: first by
// all columns that one of them is by, and the lines of that by those of each.
func (b *builder) together(list []int) string {
	first, r := b.list[list[0]], findRollup(cube)
	own := func(a *asked) bool { return slices.ContainsFunc(list, func(i int) bool { return b.list[i] == a }) }
	keys := func(a *asked) (value, detail, where string) {
		base := a.dimension.base()
		value, detail = a.keys(base.Value, base.Detail)
		if a.dimension.Key == "" {
			return value, detail, ""
		}
		return value, detail, base.Where
	}
	choose := func(of func(value, detail string) string) string {
		return b.byQuery(func(a *asked) string {
			if !own(a) {
				a = first
			}
			value, detail, _ := keys(a)
			return of(value, detail)
		})
	}
	where := b.where(func(a *asked) string {
		if _, _, where := keys(a); own(a) {
			return where
		}
		return ""
	})
	var columns, queries []string
	var asks []int
	for _, i := range list {
		value, detail, where := keys(b.list[i])
		for _, name := range fieldsOf(value + " " + detail + " " + where) {
			if !slices.Contains(columns, name) {
				columns = append(columns, name)
			}
		}
		queries, asks = append(queries, strconv.Itoa(i)), append(asks, b.list[i].sums...)
	}
	sure, possible := b.filters(first, "day", func(f Filter) (property, where string) {
		base := find(f.Dimension).base()
		return find(f.Dimension).property(base.Value, base.Detail), base.Where
	})
	read, summed, sums, opened := slices.Clone(columns), slices.Clone(columns), []string(nil), "false"
	if mixed := open(sure, possible); mixed != "false" {
		read, summed, opened = append(read, mixed+" AS mixed"), append(summed, "max(mixed) AS part"), "max(part)"
	}
	for _, i := range b.sums {
		now, before := "0", "0"
		if slices.Contains(asks, i) {
			read = append(read, fmt.Sprintf("toInt64(%s) AS m_%d", Measures[i].term(r.Name), i))
			now, before = fmt.Sprintf("sum(n_%d)", i), fmt.Sprintf("sum(w_%d)", i)
			if b.compare {
				summed = append(summed, fmt.Sprintf("sumIf(m_%d, a) AS n_%d, sumIf(m_%d, b) AS w_%d", i, i, i, i))
			} else {
				summed = append(summed, fmt.Sprintf("sum(m_%d) AS n_%d", i, i))
			}
		}
		if sums = append(sums, fmt.Sprintf("%s AS now_%d", now, i)); b.compare {
			sums = append(sums, fmt.Sprintf("%s AS before_%d", before, i))
		}
	}
	days := b.within("day", first.periods()[0])
	if b.compare {
		read = append(read, days+" AS a, "+b.within("day", first.periods()[1])+" AS b")
		days = "(a OR b)"
	}
	if where != "" {
		where = "\nWHERE " + where
	}
	groups := ""
	if len(columns) > 0 {
		groups = "\n    GROUP BY " + strings.Join(columns, ", ")
	}
	return "SELECT q, 0 AS at, " + choose(func(value, _ string) string { return value }) + " AS key, " + choose(func(_, detail string) string { return detail }) + " AS refined, " +
		opened + " AS open, " + strings.Join(sums, ", ") +
		"\nFROM (\n    SELECT " + strings.Join(summed, ", ") +
		"\n    FROM (\n        SELECT " + strings.Join(read, ", ") + "\n        FROM " + r.Name +
		"\n        WHERE " + and(b.sites()+" AND "+days, possible) + "\n    )" + groups +
		"\n)\nARRAY JOIN [" + strings.Join(queries, ", ") + "] AS q" + where + "\nGROUP BY q, key, refined"
}

// leftOfHit is leftPage with fewer functions, since each takes time on each hit.
var leftOfHit = "if(" + find("missing").base().Where + ", '', previous_path)"

// sumsOf sums up hits, or the lines of a rollup with its own columns, for a query.
func (b *builder) sumsOf(query int, a *asked) string {
	over := func(sql string) string {
		switch {
		case a.leaving: // each hit counts on its page and on the one before it
			sql = replaceColumn(sql, "path", "if(leaving, "+leftOfHit+", path)")
		case a.table != hits:
			sql, _ = findRollup(a.table).over(sql)
		}
		return sql
	}
	sure, possible := b.filters(a, "day", func(f Filter) (property, where string) {
		d := find(f.Dimension)
		base := d.base()
		switch {
		case a.table == hits && f.ofOthers():
			property = d.property(base.inLines(base.Value, a.leaving, !a.oneBase), base.inLines(base.Detail, a.leaving, !a.oneBase))
		default:
			property = over(d.property(base.Value, base.Detail))
		}
		if base.Where != "" {
			where = over(base.Where)
		}
		return property, where
	})
	if a.table == campaigns {
		part := allParts
		if a.oneBase {
			part = a.base.Key
		}
		part = "part = '" + part + "'"
		sure, possible = and(part, sure), and(part, possible)
	}
	var columns []string
	mixed := open(sure, possible)
	if mixed != "false" {
		columns = append(columns, mixed+" AS mixed")
		mixed = most("mixed")
	}
	for _, i := range a.sums {
		term := Measures[i].term(a.table)
		switch {
		case Measures[i].Key == "exits":
			term = "if(leaving, -hits.pageviews, hits.pageviews)"
		case Measures[i].Key == "page_seconds":
			term = "if(leaving, hits.seconds, 0)"
		case a.leaving:
			term = "if(leaving, 0, " + term + ")"
		}
		columns = append(columns, fmt.Sprintf("toInt64(%s) AS m_%d", term, i))
	}
	until := []time.Time{a.Until, a.CompareUntil}
	periods := a.periods()
	read := make([]string, len(periods))
	for n, days := range periods {
		read[n] = b.within("day", days)
		if !until[n].IsZero() {
			read[n] = "(" + read[n] + " AND time <= fromUnixTimestamp(" + b.bind("Int64", strconv.FormatInt(until[n].Unix(), 10)) + "))"
		}
	}
	if b.compare {
		columns = append(columns, read[0]+" AS a, "+read[1]+" AS b")
		read[0] = "(a OR b)"
	}
	where := []string{b.sites(), read[0]}
	base := a.dimension.base()
	if possible != "" {
		where = append(where, possible)
	}
	if base.Where != "" && a.dimension.Key != "" {
		where = append(where, over(base.Where))
	}
	from := a.table
	if a.leaving {
		from += " ARRAY JOIN [false, true] AS leaving"
		where = append(where, "NOT (leaving AND "+leftOfHit+" = '')")
	}
	var keys []string
	key := func(name, sql string) string {
		if sql == "0" || sql == "''" {
			return sql + " AS " + name
		}
		if strings.Contains(sql, "{zone:String}") {
			b.params["zone"] = a.zone().String()
		}
		columns, keys = append(columns, sql+" AS "+name), append(keys, name)
		return name
	}
	v, d := a.keys(base.Value, base.Detail)
	selected := []string{strconv.Itoa(query) + " AS q", key("at", a.moment(a.table)), key("key", over(v)), key("refined", over(d)), b.aggregates(mixed, a)}
	groups := ""
	if len(keys) > 0 {
		groups = "\nGROUP BY " + strings.Join(keys, ", ")
	}
	return "SELECT " + strings.Join(selected, ", ") + "\nFROM (\n    SELECT " + strings.Join(columns, ", ") + "\n    FROM " + from + "\n    WHERE " + strings.Join(where, " AND ") + "\n)" + groups
}

// moment is the start of the step of a hit or of a line of a rollup.
func (a *asked) moment(table string) string {
	switch {
	case a.Step == Second:
		return "toInt64(toUnixTimestamp(time))"
	case a.Step == Minute:
		return "toInt64(toUnixTimestamp(toStartOfMinute(time)))"
	case a.Step == Hour && table == hourly:
		return "toInt64(toUnixTimestamp(time))"
	case a.Step == Hour:
		return "toInt64(toUnixTimestamp(toStartOfHour(time, {zone:String})))"
	}
	return a.start("day")
}

// Results puts together what the statements returned: readers has those of each, in the
// order of Statements. open has the indexes of the queries that the rollups can't tell,
// since they count a value that is filtered by together with others. A Planner of OnlyRows
// plans those anew, or refuses them.
func (p Plan) Results(readers []*Reader) (results []Result, open []int) {
	results = make([]Result, len(p.queries))
	for _, r := range readers {
		for _, a := range r.answers {
			if results[a.index] = a.result; a.open {
				open = append(open, a.index)
			}
		}
	}
	return results, open
}
