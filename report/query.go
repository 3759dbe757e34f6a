package report

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/internal/hostname"
)

// Source answers questions. It is safe for concurrent use.
type Source interface {
	// Ask answers the queries of a page, in their order. It asks for as much at once as
	// it can. Its error is an InvalidError or a RefusedError if a query is one that
	// can't be answered; any other comes from the store. What is not known of the days of a
	// query is no error: its Result says so.
	Ask(ctx context.Context, queries []Query) ([]Result, error)
}

// Query is one question: measures of sites over days, by a dimension, a step of time,
// both or none.
type Query struct {
	Sites []uint32       // one or more
	Zone  *time.Location // that of the sites; nil: UTC

	Range   calendar.Range
	Compare *calendar.Range  // asked beside Range; nil: none
	more    []calendar.Range // that count like Range, for the guard: no result says which it was
	known   bool             // lines only say whether Dimension has a value
	// unjudged says that nobody needs to know what was not recorded in the days.
	unjudged bool
	// Until ends Range at a moment, for a day that is not over, and CompareUntil
	// Compare; zero: all of the last day. Hits of the moment itself, to the second, count.
	Until, CompareUntil time.Time
	stepped             bool // Until is the step of a Guard: hits after it may have come already

	Step      Step   // "": all of the range at once
	Dimension string // "": all values at once
	Measures  []string
	Filters   []Filter
	Find      string // only lines whose value or detail has this text, in any case, or a host in any spelling
	Gone      bool   // also lines that only Compare has; each step has them without being asked

	Sort  Sort
	Limit int    // lines, with a step of each step; 0: DefaultLimit
	After string // Result.Next of the lines before these; "": from the first
}

// Bounds of a query.
const (
	DefaultLimit = 100
	MaxLimit     = 10_000
	MaxSites     = 10_000
	MaxPoints    = 5_000 // steps of a range
)

// Sort says in which order lines come. The zero Sort is by the measure of the
// dimension, or the first that is asked for, the largest first. Lines that are equal
// come in the order of their values.
type Sort struct {
	By        string // a measure or ratio of the query, or ByValue
	Ascending bool   // of a measure: the smallest first
	Change    bool   // by what Range has more than Compare, of a measure in as many days

	Descending bool // by ByValue: the last value first

	both bool // by what Range and Compare have together
}

// ByValue sorts by value and detail.
const ByValue = "value"

// Step is the width of a point of time.
type Step string

// The steps. Weeks begin on Monday.
const (
	Second Step = "second" // of one day, and only those with a figure
	Minute Step = "minute"
	Hour   Step = "hour"
	Day    Step = "day"
	Week   Step = "week"
	Month  Step = "month"
)

// Result is the answer to a Query. Steps and values without a figure have no line.
type Result struct {
	Lines []Line
	Next  string // what Query.After takes for the lines behind these; "": there are none
	// Withheld says that a Guard left lines out, since one could be worked out from others.
	Withheld bool
	// AsOf is the step up to which a Guard counted a day that is not over: before that day
	// if there was no step yet, zero for all that was asked for.
	AsOf time.Time
	// FoldedBefore is the day before which lines of few are folded, 0 if that does not concern
	// the result: values that fewer had in a month than the policy says have no line there.
	FoldedBefore calendar.Day
	// RoundedTo is to what multiple the sums are rounded, 0 if they are not.
	RoundedTo int64
	// Erased is on how many days of Range and Compare rows were erased at somebody's request
	// that the sums lack. Sums of rollups that outlive the rows lack none.
	Erased int
	// Unknown is a dimension of the query of which nothing is known in Range, since it was not
	// recorded or nobody said it: the result means nothing then. "": there is none.
	Unknown string
	// Uncompared says that Compare can't be set beside Range, since what the query is by was
	// not recorded alike, or is Unknown in Compare. What is of Compare is 0 then.
	Uncompared bool
	// Minimal are the days of Range and of Compare on which only what a minimal record keeps
	// was recorded, all day or part of it, if the query asks for more. See Lacks.
	Minimal    []calendar.Day
	ofRecorded bool // the lines are of what only some hits have, and a minimal record never
	rest       Line // what a Guard took out of the lines, or why it hides their sums
}

// Line is one value of a dimension, in one step.
type Line struct {
	At            time.Time // first moment of the step: of a day or more, midnight UTC of its first day; zero without a step
	Value, Detail string
	Now, Before   Sums // of Range and of Compare
	// Hidden and HiddenBefore say why Now and Before are not shown: a Guard hides them, or they
	// are Below since all that was asked for is not 0 and rounds to 0. They tell 0 then.
	Hidden, HiddenBefore Hiding
	// Folded says that a Guard counts all details of the value here.
	Folded bool
}

// RefusedResult is the result of a query that was refused. None of its sums and points is
// shown, so that no 0 is taken for an answer.
func RefusedResult() Result { return Result{rest: Line{Hidden: Refused, HiddenBefore: Refused}} }

// Hidden reports why a Guard does not show the sums of all lines.
func (r Result) Hidden() (now, before Hiding) { return r.rest.Hidden, r.rest.HiddenBefore }

// Total returns the sums of all lines: of a query without a dimension, its answer. Those
// of hidden lines are in it.
func (r Result) Total() (now, before Sums) {
	now, before = r.rest.Now, r.rest.Before
	for _, l := range r.Lines {
		now, before = now.Add(l.Now), before.Add(l.Before)
	}
	return now, before
}

// Point is a step of a range with its sums.
type Point struct {
	At   time.Time      // as in Line
	Days calendar.Range // those of the range that the step has
	Sums
	Hidden Hiding // why a Guard does not show the sums
}

// Points returns the points of a query without a dimension, in order of time: those of
// Range or, with before, those of Compare. Steps without a figure are there too.
func (q Query) Points(r Result, before bool) []Point {
	days := q.Range
	if before {
		if q.Compare == nil {
			return nil
		}
		days = *q.Compare
	}
	all := r.rest.Hidden // nothing is told of any step then
	if before {
		all = r.rest.HiddenBefore
	}
	found := map[int64]Line{}
	for _, l := range r.Lines {
		if before {
			l.Now, l.Hidden = l.Before, l.HiddenBefore
		}
		found[l.At.Unix()] = l
	}
	points := q.steps(days)
	until := q.Until
	if !r.AsOf.IsZero() {
		until = r.AsOf
	}
	for i, p := range points {
		line := found[p.At.Unix()]
		if points[i].Sums, points[i].Hidden = line.Now, line.Hidden; all != Shown {
			points[i].Sums, points[i].Hidden = Sums{}, all
		}
		if !before && !q.Until.IsZero() && !p.At.Before(until) {
			points[i].Sums, points[i].Hidden = Sums{}, Ahead
		}
	}
	return points
}

// steps returns the steps of days, without figures.
func (q Query) steps(days calendar.Range) []Point {
	var points []Point
	switch q.Step {
	case Minute, Hour:
		width := time.Hour
		if q.Step == Minute {
			width = time.Minute
		}
		for day := days.From; day <= days.To; day++ {
			at, end := day.In(q.zone()), (day + 1).In(q.zone())
			for ; at.Before(end); at = at.Add(width) {
				points = append(points, Point{At: at.UTC(), Days: calendar.One(day)})
			}
		}
	case Day, Week, Month:
		for day := days.From; day <= days.To; day++ {
			first := day
			switch q.Step {
			case Week:
				first = calendar.Week(day).From
			case Month:
				first = day.FirstOfMonth()
			}
			if n := len(points); n > 0 && points[n-1].At.Equal(first.Time()) {
				points[n-1].Days.To = day
			} else {
				points = append(points, Point{At: first.Time(), Days: calendar.One(day)})
			}
		}
	}
	return points
}

func (q Query) zone() *time.Location {
	if q.Zone == nil {
		return time.UTC
	}
	return q.Zone
}

// InvalidError says that a query is not one: a name is unknown or a number out of its
// bounds.
type InvalidError struct {
	Field string // of Query, in lower case
	Value string
	Want  string
	Early bool // it names days, which have not come yet
}

func (e InvalidError) Error() string { return fmt.Sprintf("%s %q: want %s", e.Field, e.Value, e.Want) }

// Code is why a query is refused. It is stable: texts and clients know it.
type Code string

// The codes.
const (
	// OnceADay: the measure counts a visitor once a day, and the dimension may have
	// several values in a visitor's day.
	OnceADay Code = "once_a_day"
	// Unlinked: the measure is one of whole visits, and nothing links the hits of a
	// visit: which visits went through a page, or did something, is not known. Nor is it
	// known in which hour a visit began that a later hit tells of.
	Unlinked Code = "unlinked"
	// OnePage and OneSection: the measure counts a visitor once a page or section, and
	// the query asks for none or for several at once.
	OnePage    Code = "one_page"
	OneSection Code = "one_section"
	// OfPages: the measure is one of pages, and the query does not ask by page.
	OfPages Code = "of_pages"
	// Never: the query is of hits of kinds that never hold the measure, so it would be 0.
	Never Code = "never"
	// RowsGone: only the rows could tell, and those of the days are not kept any more. A
	// rollup that is younger than the days can't.
	RowsGone Code = "rows_gone"
	// Capped is RowsGone for a filter by a value that the rollups may count together with
	// others: on some day it had no line.
	Capped Code = "capped"
	// Aged: only the rows could tell, and what is asked for was removed from those of the days,
	// which have grown old.
	Aged Code = "aged"
	// NotCounted: the site was not counted yet on any of the days. A Planner does not know.
	NotCounted Code = "not_counted"
	// Unknown: nothing is known of a dimension of the query in its days, since it was not
	// recorded or nobody said it. A Source says it by Result.Unknown.
	Unknown Code = "unknown"
)

// Codes are all codes.
var Codes = []Code{OnceADay, Unlinked, OnePage, OneSection, OfPages, Never, RowsGone, Capped, Aged, NotCounted, Unknown}

// RefusedError says that a query can't be answered exactly.
type RefusedError struct {
	Query     int // index of the query among those that were asked at once
	Code      Code
	Measure   string       // which is refused, "" if the query is
	Dimension string       // because of which, "" if none alone
	Since     calendar.Day // of RowsGone, Capped, Aged and NotCounted: the first day that can be told
}

func (e RefusedError) Error() string {
	switch e.Code {
	case OnceADay:
		return fmt.Sprintf("%s by %s: refused, since a visitor counts once a day", e.Measure, e.Dimension)
	case Unlinked:
		return fmt.Sprintf("%s by %s: refused, since the hits of a visit are not linked", e.Measure, e.Dimension)
	case OnePage:
		return e.Measure + ": refused, since it counts on one page and the query is of several"
	case OneSection:
		return e.Measure + ": refused, since it counts in one section and the query is of several"
	case OfPages:
		return e.Measure + ": refused, since it is a measure of pages and the query is not by page"
	case Never:
		return fmt.Sprintf("%s by %s: refused, since what is asked for never has it", e.Measure, e.Dimension)
	case Capped:
		return fmt.Sprintf("refused: too many new values came on some day for each to be counted by itself, so only rows could tell, and they are kept since %s", e.Since)
	case Aged:
		return fmt.Sprintf("refused: %s was removed from rows of days before %s, which have grown old", cmp.Or(e.Dimension, "the minute"), e.Since)
	case NotCounted:
		return fmt.Sprintf("refused: the site is counted since %s", e.Since)
	case Unknown:
		return fmt.Sprintf("by %s: refused, since nothing is known of it in these days", e.Dimension)
	default:
		return fmt.Sprintf("refused: only rows could tell, and they are kept since %s", e.Since)
	}
}

// Refusal returns why a measure or ratio can't be exact in a query, and false if it can
// be. It does not look at how long rows are kept.
func (q Query) Refusal(measure string) (RefusedError, bool) {
	sums := sumsOf(measure)
	if len(sums) > 1 && q.byHour() { // the visits, or views, that it is of began in other hours, too
		return RefusedError{Code: Unlinked, Measure: measure, Dimension: "hour"}, true
	}
	for _, i := range sums {
		if code, dimension := q.refusal(Measures[i]); code != "" {
			return RefusedError{Code: code, Measure: measure, Dimension: dimension}, true
		}
	}
	return RefusedError{}, false
}

// byHour reports whether a query cuts days into hours or less. A visit may go on over such a
// cut, but not over midnight.
func (q Query) byHour() bool {
	return q.Dimension == "hour" || q.Step == Hour || q.Step == Minute || q.Step == Second
}

func (q Query) refusal(m Measure) (Code, string) {
	if q.byHour() && m.later {
		return Unlinked, "hour"
	}
	cuts := q.cuts()
	by := func(scopes ...scope) string { // the first cut of another scope
		for _, d := range cuts {
			if !slices.Contains(scopes, d.base().scope) {
				return d.Key
			}
		}
		return ""
	}
	// alone reports whether each line is of one value of a dimension.
	alone := func(key string) bool {
		keeps := slices.DeleteFunc(slices.Clone(q.Filters), func(f Filter) bool { return f.Not || f.Dimension != key })
		return q.Dimension == key || len(keeps) == 1 && !keeps[0].Prefix && !keeps[0].ofOthers()
	}
	// besides returns the first cut that is neither by one of keys nor the same all day.
	besides := func(keys ...string) string {
		for _, d := range cuts {
			if !slices.Contains(keys, d.Key) && d.base().scope != ofDay && d.base().scope != ofTime {
				return d.Key
			}
		}
		return ""
	}
	switch m.once {
	case perVisit:
		if d := by(ofDay, ofVisit, ofTime); d != "" {
			return Unlinked, d
		}
	case perDay:
		if d := by(ofDay, ofTime); d != "" {
			return OnceADay, d
		}
	case perPage:
		if !alone("page") {
			return OnePage, ""
		}
		if d := besides("page", "section"); d != "" {
			return OnceADay, d
		}
	case perSection:
		if !alone("section") {
			return OneSection, ""
		}
		if d := besides("section"); d != "" {
			return OnceADay, d
		}
	case perLeaving:
		page := false
		for _, d := range cuts {
			switch {
			case d.base().Key == "page":
				page = true
			case d.base().scope == ofHit || d.base().scope == ofTime:
				return Unlinked, d.Key
			}
		}
		if !page {
			return OfPages, ""
		}
	}
	kinds, why := q.kinds()
	switch {
	case len(kinds) > 0 && m.kinds() != nil && !slices.ContainsFunc(kinds, func(k string) bool { return slices.Contains(m.kinds(), k) }):
		return Never, why
	case len(kinds) == 0 && why != "" && slices.ContainsFunc(q.Filters, func(f Filter) bool { return f.Dimension == "previous" }):
		return Never, "previous" // other hits have a page before, too, but not by this dimension
	}
	return "", ""
}

// kinds returns the kinds of the hits that a query is of and a dimension that says so, "" for
// all kinds. There is none if no hit can be of all that is asked for.
func (q Query) kinds() (kinds []string, by string) {
	keeps := []string{q.Dimension}
	for _, f := range q.Filters {
		if !f.Not {
			keeps = append(keeps, f.Dimension)
		}
	}
	for _, key := range keeps {
		d, _ := FindDimension(key)
		switch some := d.kinds(); {
		case some == nil:
		case by == "":
			kinds, by = some, key
		default:
			kinds = slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return !slices.Contains(some, k) })
		}
	}
	return kinds, by
}

// cuts returns the dimensions by which a query cuts the hits: its own and those of its
// filters.
func (q Query) cuts() []Dimension {
	var cuts []Dimension
	if d, ok := FindDimension(q.Dimension); ok {
		cuts = append(cuts, d)
	}
	for _, f := range q.Filters {
		if d, ok := FindDimension(f.Dimension); ok {
			cuts = append(cuts, d)
		}
	}
	return cuts
}

// validate returns an InvalidError for the first field that is none.
func (q Query) validate() error {
	invalid := func(field string, value any, want string) error {
		return InvalidError{Field: field, Value: fmt.Sprint(value), Want: want}
	}
	days := q.ranges()
	const last = calendar.Day(math.MaxUint16) // of ClickHouse's type Date
	for _, r := range days {
		if r.Empty() || r.From < 0 || r.To > last {
			return invalid("range", r, fmt.Sprintf("days from %s to %s", calendar.Day(0), last))
		}
	}
	switch {
	case len(q.Sites) == 0 || len(q.Sites) > MaxSites:
		return invalid("sites", len(q.Sites), fmt.Sprintf("1 to %d", MaxSites))
	case len(q.Measures) == 0:
		return invalid("measures", "", "one or more")
	case q.Limit < 0 || q.Limit > MaxLimit:
		return invalid("limit", q.Limit, fmt.Sprintf("1 to %d", MaxLimit))
	case len(q.Filters) > MaxFilters:
		return invalid("filters", len(q.Filters), fmt.Sprintf("at most %d", MaxFilters))
	case !utf8Bounded(q.Find):
		return invalid("find", q.Find, fmt.Sprintf("at most %d bytes of UTF-8", MaxFilterValue))
	}
	for _, m := range q.Measures {
		if sumsOf(m) == nil {
			return invalid("measure", m, "one of "+strings.Join(measureKeys(), ", "))
		}
	}
	if _, ok := FindDimension(q.Dimension); q.Dimension != "" && !ok {
		return invalid("dimension", q.Dimension, "one of "+strings.Join(dimensionKeys(), ", "))
	}
	for _, f := range q.Filters {
		if _, err := ParseFilter(f.String()); err != nil {
			return err
		}
	}
	if q.Sort.By != "" && q.Sort.By != ByValue && !slices.Contains(q.Measures, q.Sort.By) {
		return invalid("sort", q.Sort.By, "a measure of the query")
	}
	if q.Sort.Change && q.Compare == nil {
		return invalid("sort", "change", "a range to compare with")
	}
	if _, err := parseCursor(q.After); err != nil || q.After != "" && q.Step != "" {
		return invalid("after", q.After, "what came with the lines before")
	}
	for _, r := range days {
		points := map[Step]int{"": 1, Second: 1, Minute: 1560, Hour: 26, Day: 1, Week: 1, Month: 1}[q.Step]
		if points == 0 {
			return invalid("step", q.Step, "second, minute, hour, day, week or month")
		}
		if q.Step == Second && r.Days() > 1 || q.Step != "" && r.Days()*points > MaxPoints {
			return invalid("step", q.Step, fmt.Sprintf("at most %d steps", MaxPoints))
		}
	}
	return nil
}

// IsFindable reports whether a text can be looked for, as Query.Find.
func IsFindable(text string) bool { return utf8Bounded(text) }

// IsCursor reports whether a text can be a Query.After.
func IsCursor(text string) bool {
	_, err := parseCursor(text)
	return err == nil
}

func utf8Bounded(s string) bool { return len(s) <= MaxFilterValue && strings.ToValidUTF8(s, "") == s }

func measureKeys() []string {
	var keys []string
	for _, m := range Measures {
		keys = append(keys, m.Key)
	}
	for _, r := range Ratios {
		keys = append(keys, r.Key)
	}
	return keys
}

func dimensionKeys() []string {
	var keys []string
	for _, d := range Dimensions {
		keys = append(keys, d.Key)
	}
	return keys
}

// findable returns the forms in which a line may have the text that is looked for: as it is,
// in Unicode's form C, and as the labels of a host in ASCII.
func (q Query) findable() []string {
	all := []string{norm.NFC.String(q.Find)}
	if ascii := hostname.OfTarget(all[0]); ascii != strings.ToLower(all[0]) {
		all = append(all, ascii)
	}
	return all
}

func (q Query) limit() int {
	if q.Limit == 0 {
		return DefaultLimit
	}
	return q.Limit
}

// sorted returns the sort of the query with its default filled in.
func (q Query) sorted() Sort {
	s := q.Sort
	if s.By == "" {
		s.By = q.Measures[0]
		if d, ok := FindDimension(q.Dimension); ok && slices.Contains(q.Measures, d.Rank) {
			s.By = d.Rank
		}
	}
	return s
}

// cursor is where a page of lines ended.
type cursor struct {
	Rank          float64
	Value, Detail string
}

func (c cursor) String() string {
	text, err := json.Marshal(c)
	if err != nil {
		return "" // a rank that is no number, which no statement returns
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func parseCursor(s string) (c cursor, err error) {
	if s == "" {
		return c, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	return c, err
}
