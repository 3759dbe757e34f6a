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
	// Gaps are what rollups have not counted.
	Gaps []Gap
	// OnlyRows asks the rows alone. It is for queries that Results leaves open.
	OnlyRows bool
}

// Gap is that a rollup has not counted some measures, or some lines, of days before a day: a
// later version of the program added them, and the rows of those days were gone, or are still
// to be counted.
type Gap struct {
	Table      string
	Measures   []string
	Dimensions []string // what the column dimension holds on those lines; nil: all lines
	Before     calendar.Day
}

// gap returns the gap that a query over its table would fall into, and false if there is none.
func (p Planner) gap(a *asked) (found Gap, ok bool) {
	for _, g := range p.Gaps {
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

// OfFolded returns the indexes of the queries that are answered from lines of which those of few
// are folded: those by what has lines, and those with filters.
func (p Plan) OfFolded(since calendar.Day) []int {
	var all []int
	for _, s := range p.Statements {
		for _, a := range s.asked {
			if a.folded(since) && a.base.Key != total.Key {
				all = append(all, a.index)
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

// Statement is a SELECT with its parameters. It returns the columns of Row.
type Statement struct {
	SQL    string
	Params map[string]string
	asked  []*asked
	sums   []int // the measures of Row.Now and Row.Before
}

// Row is a row that a statement returns.
type Row struct {
	Query         uint8
	At            int64 // Unix seconds
	Value, Detail string
	Rank          float64
	Now, Before   []int64
	// Open says that hits are counted here together of which only some may be asked for.
	// It comes before all other rows of a query and step.
	Open uint8
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
	a := &asked{Query: q, index: index, base: total, oneBase: true}
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
	since := p.RowsSince
	if gap, ok := p.gap(a); ok { // rows tell, as long as they are kept
		a.table, since = hits, min(since, gap.Before)
	}
	if a.table == hits {
		if since := p.aged(a); slices.ContainsFunc(a.ranges(), func(days calendar.Range) bool { return days.From >= p.RowsSince && days.From < since }) {
			return nil, RefusedError{Code: Aged, Dimension: a.agedDimension(p.AgedSince), Since: since}
		}
	}
	if a.table == hits || findRollup(a.table).Mortal {
		for _, days := range a.ranges() {
			if days.From < p.RowsSince {
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
var agedColumns = map[string]string{"version": "browser_version", "region": "region"}

// aged returns the first day whose rows have all that a query asks for, of what ageing removes.
func (p Planner) aged(a *asked) (since calendar.Day) {
	minutes := a.Step == Minute || a.Step == Second || !a.Until.IsZero() || !a.CompareUntil.IsZero() ||
		!a.wholeHours() && (a.Step == Hour || slices.ContainsFunc(a.cuts(), func(d Dimension) bool { return d.Key == "hour" }))
	if minutes {
		since = p.AgedSince["hour"]
	}
	for part, column := range agedColumns {
		if slices.ContainsFunc(a.cuts(), func(d Dimension) bool { return d.reads(column) }) {
			since = max(since, p.AgedSince[part])
		}
	}
	return since
}

// agedDimension returns the dimension of a query that ageing removes, "" if it is the minute.
func (a *asked) agedDimension(since map[string]calendar.Day) string {
	for part, column := range agedColumns {
		for _, d := range a.cuts() {
			if since[part] > 0 && d.reads(column) {
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
// dimensions of the same lines, in whole days.
func (a *asked) lines() bool {
	return a.oneBase && a.base.Kept == daily && a.wholeDays() &&
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

// columns reports whether a rollup with columns of its own answers.
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
		return a.Until.IsZero() && a.CompareUntil.IsZero() && a.Step != Minute && a.Step != Second && a.wholeHours()
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
	if a.table != daily { // its statements read the lines of any days
		key += fmt.Sprint(a.periods(), a.zone(), a.Until.Unix(), a.CompareUntil.Unix(), a.leaving)
	}
	return key
}

// newStatement puts queries of one group together.
func (p Planner) newStatement(list []*asked) Statement {
	b := &builder{list: list, q: "q", params: map[string]string{}, totalsSince: p.TotalsSince, foldedSince: p.FoldedSince}
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
		if n >= 0 {
			queries[n] = strings.TrimSuffix(queries[n], "]") + fmt.Sprintf(", %d]", i)
			continue
		}
		once, queries = append(once, a), append(queries, fmt.Sprintf("[%d]", i))
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
	return Statement{SQL: b.outer(from), Params: b.params, asked: list, sums: b.sums}
}

// adds says which hits or lines a query of a statement adds up, and by what.
func (a *asked) adds() string {
	return fmt.Sprintf("%v %q %q %q %v", a.periods(), a.Step, a.Dimension, a.Filters, a.leaving)
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
		if s.Change {
			sql = "(" + sql + " - " + of("before") + ")"
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
	now, before := make([]string, len(b.sums)), make([]string, len(b.sums))
	for n, i := range b.sums {
		now[n], before[n] = fmt.Sprintf("now_%d", i), fmt.Sprintf("before_%d", i)
	}
	none := ""
	if !b.compare {
		before, none = nil, "::Array(Int64)"
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
	return "SELECT " + b.q + ", toInt64(at), key, refined, " + b.byQuery(rank) + " AS rank,\n" +
		"    [" + strings.Join(now, ", ") + "] AS now, [" + strings.Join(before, ", ") + "]" + none + " AS before, toUInt8(open)\n" +
		from + "\n" +
		"WHERE open OR " + shown + "\n" +
		"ORDER BY " + b.q + ", at, open DESC, rank DESC, " + order + "\n" +
		"LIMIT " + strconv.Itoa(limit) + " BY " + b.q + ", at"
}

// some is the condition that one of the sums that a query asks for is not 0.
func (b *builder) some() string {
	var masks []string
	alike := true
	for _, a := range b.list {
		mask := make([]string, len(b.sums))
		for n, i := range b.sums {
			mask[n] = "0"
			if slices.Contains(a.sums, i) {
				mask[n] = "1"
			}
			alike = alike && mask[n] == "1"
		}
		masks = append(masks, "["+strings.Join(mask, ", ")+"]")
	}
	lambda, lists, is := "n", "now", "n != 0"
	if b.compare {
		lambda, lists, is = "n, b", "now, before", "(n != 0 OR b != 0)"
	}
	if !alike {
		lambda, lists, is = lambda+", asked", lists+", ["+strings.Join(masks, ", ")+"]["+b.q+" + 1]", "asked AND "+is
	}
	return "arrayExists((" + lambda + ") -> " + is + ", " + lists + ")"
}

// aggregates are the sums of inner, over columns m_i, a and b, and open.
func (b *builder) aggregates(open string) string {
	all := []string{open + " AS open"}
	for _, i := range b.sums {
		if !b.compare {
			all = append(all, fmt.Sprintf("sum(m_%d) AS now_%d", i, i))
		} else {
			all = append(all, fmt.Sprintf("sumIf(m_%d, a) AS now_%d, sumIf(m_%d, b) AS before_%d", i, i, i, i))
		}
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

// lines sums up the lines of the rollups by day and month.
func (b *builder) lines() string {
	leaving := slices.ContainsFunc(b.list, func(a *asked) bool { return a.leaving })
	bySite := slices.ContainsFunc(b.list, func(a *asked) bool { return a.dimension.Key == "site" })
	var selects, choices []string
	shared := false // a line is of several queries
	branches := b.branches()
	for n, br := range branches {
		day := br.rollup.day()
		columns := []string{"dimension, " + day + " AS t, value AS v, detail AS d"}
		if len(branches) > 1 {
			columns = append(columns, fmt.Sprintf("%d AS branch", n))
		}
		if bySite {
			columns = append(columns, "site")
		}
		for _, i := range b.sums {
			columns = append(columns, lineTerm(Measures[i], leaving)+fmt.Sprintf(" AS m_%d", i))
		}
		read := b.within(day, br.days[0])
		if b.compare {
			before := "0"
			if len(br.days) > 1 {
				before = b.within(day, br.days[1])
			}
			columns, read = append(columns, read+" AS a, "+before+" AS b"), "(a OR b)"
		}
		users := map[string][]string{}
		for _, i := range br.list {
			for _, line := range b.list[i].reads() {
				users[line] = append(users[line], strconv.Itoa(i))
			}
		}
		lines := slices.Sorted(maps.Keys(users))
		for _, line := range lines {
			shared = shared || len(users[line]) > 1
			on := "dimension = '" + line + "'"
			if len(branches) > 1 {
				on = fmt.Sprintf("branch = %d AND %s", n, on)
			}
			choices = append(choices, fmt.Sprintf("%s, [%s]", on, strings.Join(users[line], ", ")))
		}
		selects = append(selects, fmt.Sprintf("    SELECT %s\n    FROM %s\n    WHERE %s AND dimension IN ('%s') AND %s",
			strings.Join(columns, ", "), br.rollup.Name, b.sites(), strings.Join(lines, "', '"), read))
	}
	q, join := "0 AS q", ""
	switch {
	case shared:
		q, join = "q", "\nARRAY JOIN multiIf("+strings.Join(choices, ", ")+", []) AS q"
	case len(b.list) > 1:
		q = strings.NewReplacer("[", "", "]", "").Replace("multiIf("+strings.Join(choices, ", ")+", 0)") + " AS q"
	}
	filters := func(a *asked) (sure, possible string) {
		return b.filters(a, "t", func(f Filter) (string, string) { return find(f.Dimension).property("v", "d"), "" })
	}
	conditions := b.where(func(a *asked) string {
		_, sql := filters(a)
		if a.leaving {
			sql = strings.TrimSuffix("(dimension = 'page' OR v != '') AND "+sql, " AND ")
		}
		return sql
	})
	if conditions != "" {
		conditions = "\nWHERE " + conditions
	}
	return "SELECT " + q + ", " + b.byQuery(func(a *asked) string { return a.start("t") }) + " AS at, " +
		b.byQuery(func(a *asked) string { v, _ := a.keys("v", "d"); return v }) + " AS key, " +
		b.byQuery(func(a *asked) string { _, d := a.keys("v", "d"); return d }) + " AS refined, " +
		b.aggregates(most(b.byQuery(func(a *asked) string { return open(filters(a)) }))) + "\nFROM (\n" + strings.Join(selects, "\n    UNION ALL\n") + "\n)" + join + conditions + "\nGROUP BY q, at, key, refined"
}

// keys returns the SQL of value and detail of the lines of a query, ” where it asks for
// none.
func (a *asked) keys(value, detail string) (string, string) {
	if a.dimension.Key == "" {
		return "''", "''"
	}
	value, detail = a.dimension.keys(value, detail)
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

// columns sums up hits, or the lines of a rollup with columns of its own. They are read
// once for queries of several filters: what a query does not ask for is one line of its,
// which is left out.
func (b *builder) columns() string {
	first := b.list[0]
	table, leaving := first.table, first.leaving
	over := func(sql string) string {
		switch {
		case leaving: // each hit counts on its page and on the one before it
			sql = replaceColumn(sql, "path", "if(leaving, "+leftPage+", path)")
		case table != hits:
			sql, _ = findRollup(table).over(sql)
		}
		return sql
	}
	of := func(f Filter) (property, where string) {
		d := find(f.Dimension)
		base := d.base()
		switch {
		case table == hits && f.ofOthers():
			property = d.property(base.inLines(base.Value, leaving), base.inLines(base.Detail, leaving))
		default:
			property = over(d.property(base.Value, base.Detail))
		}
		if base.Where != "" {
			where = over(base.Where)
		}
		return property, where
	}
	var columns []string
	possible, mixed := make([]string, len(b.list)), make([]string, len(b.list))
	alike := true // one filter for all
	for i, a := range b.list {
		var sure string
		sure, possible[i] = b.filters(a, "day", of)
		mixed[i] = open(sure, possible[i])
		alike = alike && possible[i] == possible[0]
	}
	for i, sql := range mixed {
		if sql == "false" {
			continue
		}
		name := "mixed"
		if !alike {
			name += "_" + strconv.Itoa(i)
		}
		if mixed[i] = most(name); i == 0 || !alike {
			columns = append(columns, sql+" AS "+name)
		}
	}
	for _, i := range b.sums {
		term := Measures[i].term(table)
		switch {
		case Measures[i].Key == "exits":
			term = "if(leaving, -hits.pageviews, hits.pageviews)"
		case Measures[i].Key == "page_seconds":
			term = "if(leaving, hits.seconds, 0)"
		case leaving:
			term = "if(leaving, 0, " + term + ")"
		}
		columns = append(columns, fmt.Sprintf("toInt64(%s) AS m_%d", term, i))
	}
	until := []time.Time{first.Until, first.CompareUntil}
	periods := first.periods()
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
	switch {
	case alike && possible[0] != "":
		where = append(where, possible[0])
	case !alike && !slices.Contains(possible, ""):
		where = append(where, "(("+strings.Join(possible, ") OR (")+"))")
	}
	from := table
	if leaving {
		from += " ARRAY JOIN [false, true] AS leaving"
		where = append(where, "NOT (leaving AND "+leftPage+" = '')")
	}

	// The keys of query i are columns of its own: a set of keys tells its query.
	var sets, telling []string
	at, value, detail := make([]string, len(b.list)), make([]string, len(b.list)), make([]string, len(b.list))
	zoned := false
	key := func(i int, name, sql string, keys *[]string) string {
		zoned = zoned || strings.Contains(sql, "{zone:String}")
		if sql == "0" || sql == "''" {
			return sql
		}
		alias := fmt.Sprintf("%s_%d", name, i)
		columns = append(columns, sql+" AS "+alias)
		*keys = append(*keys, alias)
		return alias
	}
	having := []string{}
	for i, a := range b.list {
		var keys, is []string
		base := a.dimension.base()
		if !alike && possible[i] != "" {
			is = append(is, "("+possible[i]+")")
		}
		if base.Where != "" && a.dimension.Key != "" {
			is = append(is, "("+over(base.Where)+")")
		}
		asks := func(sql, nothing string) string { return sql }
		switch {
		case len(is) == 0:
		case len(b.list) == 1:
			where = append(where, is...)
		default:
			condition := key(i, "is", strings.Join(is, " AND "), &keys)
			having = append(having, fmt.Sprintf("(q != %d OR %s)", i, condition))
			asks = func(sql, nothing string) string {
				if sql == nothing {
					return sql
				}
				return "if(" + condition + ", " + sql + ", " + nothing + ")"
			}
		}
		at[i] = key(i, "at", asks(a.moment(table), "0"), &keys)
		v, d := a.keys(base.Value, base.Detail)
		value[i], detail[i] = key(i, "v", asks(over(v), "''"), &keys), key(i, "d", asks(over(d), "''"), &keys)
		if len(keys) == 0 && len(b.list) > 1 {
			key(i, "is", "materialize(true)", &keys)
		}
		if len(keys) > 0 {
			telling = append(telling, fmt.Sprintf("grouping(%s) = 0, %d", keys[0], i))
		}
		sets = append(sets, "("+strings.Join(keys, ", ")+")")
	}
	if zoned {
		b.params["zone"] = first.zone().String()
	}
	q, groups := "0", ""
	if len(b.list) > 1 {
		q = "multiIf(" + strings.Join(telling, ", ") + ", 0)"
		groups = "\nGROUP BY GROUPING SETS (" + strings.Join(sets, ", ") + ")"
		if len(having) > 0 {
			groups += "\nHAVING " + strings.Join(having, " AND ")
		}
	} else if sets[0] != "()" {
		groups = "\nGROUP BY " + strings.Trim(sets[0], "()")
	}
	index := func(list []string) func(*asked) string {
		return func(a *asked) string { return list[slices.Index(b.list, a)] }
	}
	return "SELECT " + q + " AS q, " + b.byQuery(index(at)) + " AS at, " + b.byQuery(index(value)) + " AS key, " + b.byQuery(index(detail)) + " AS refined, " +
		b.aggregates(b.byQuery(index(mixed))) + "\nFROM (\n    SELECT " + strings.Join(columns, ", ") + "\n    FROM " + from + "\n    WHERE " + strings.Join(where, " AND ") + "\n)" + groups
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

// Results puts together what the statements returned: rows has those of each, in the
// order of Statements. open has the indexes of the queries that the rollups can't tell,
// since they count a value that is filtered by together with others. A Planner of OnlyRows
// plans those anew, or refuses them.
func (p Plan) Results(rows [][]Row) (results []Result, open []int, err error) {
	results = make([]Result, len(p.queries))
	for n, statement := range p.Statements {
		type step struct {
			query uint8
			at    int64
		}
		lines, last := map[step]int{}, map[uint8]cursor{}
		for _, row := range rows[n] {
			if int(row.Query) >= len(statement.asked) || len(row.Now) != len(statement.sums) || len(row.Before) != 0 && len(row.Before) != len(statement.sums) {
				return nil, nil, fmt.Errorf("row of query %d with %d and %d sums: not what was asked for", row.Query, len(row.Now), len(row.Before))
			}
			a := statement.asked[row.Query]
			if row.Open != 0 && !slices.Contains(open, a.index) {
				open = append(open, a.index)
			}
			result := &results[a.index]
			key := step{row.Query, row.At}
			if lines[key] == a.limit() {
				if a.Step == "" && result.Next == "" {
					result.Next = last[row.Query].String()
				}
				continue
			}
			lines[key]++
			line := Line{Value: row.Value, Detail: row.Detail}
			if a.Step != "" {
				line.At = time.Unix(row.At, 0).UTC()
			}
			for j, i := range statement.sums {
				if slices.Contains(a.sums, i) {
					line.Now[i] = row.Now[j]
					if len(row.Before) > 0 {
						line.Before[i] = row.Before[j]
					}
				}
			}
			last[row.Query] = cursor{row.Rank, row.Value, row.Detail}
			result.Lines = append(result.Lines, line)
		}
	}
	return results, open, nil
}
