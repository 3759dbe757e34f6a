package report

import (
	"regexp"
	"slices"
	"strings"
)

// Unit says what a figure counts.
type Unit string

// The units.
const (
	Count   Unit = "count"   // a whole number
	Seconds Unit = "seconds" // a duration, of a sum a whole number
	Share   Unit = "share"   // a part of one, 0 to 1
	Mean    Unit = "mean"    // a number per visit
)

// once says what a measure counts at most once in. It decides by which dimensions a
// measure can be cut and still be exact: a hit that comes later in the day, the visit
// or on the same page holds a 0 for it.
type once uint8

const (
	perHit     once = iota // every hit counts for itself
	perVisit               // the hits of a visit belong together
	perDay                 // a visitor's first hit of the day holds it
	perPage                // a visitor's first view of the page that day
	perSection             // a visitor's first view of the section that day
	perLeaving             // a page has it from the hits that came after it
)

// Measure is a figure that is the sum of a term over hits. It is additive: over days,
// and over the values of a dimension by which Refusal allows it.
type Measure struct {
	Key  string
	Term string // its SQL over the columns of table hits, "" if once is perLeaving
	Unit Unit
	once once
	// later says that a hit of a visit also changes what its earlier hits counted: the second
	// takes a bounce back, for example. That is the same day, but perhaps another hour.
	later bool
}

// Measures are all measures. A rollup has a column for each that has a term, under its
// key. A new one is an entry here and a migration of the rollups.
var Measures = [...]Measure{
	{"visitors", "hits.visitors", Count, perDay, false},
	{"visits", "hits.visits", Count, perVisit, false},
	{"pageviews", "hits.pageviews", Count, perHit, false},
	{"page_visitors", "hits.page_visitors", Count, perPage, false},
	{"section_visitors", "hits.section_visitors", Count, perSection, false},
	{"bounces", "hits.bounces", Count, perVisit, true},
	{"seconds", "hits.seconds", Seconds, perVisit, true},
	{"events", "kind IN ('event', 'outlink', 'download', 'search')", Count, perHit, false},
	{"conversions", "hits.conversions", Count, perHit, false},
	{"exits", "", Count, perLeaving, true},
	{"page_seconds", "", Seconds, perLeaving, true},
}

// kindsOf are the kinds of hits that can hold a measure whose term does not say it.
var kindsOf = map[string][]string{
	"pageviews": {"pageview"}, "page_visitors": {"pageview"}, "section_visitors": {"pageview"}, "conversions": {"goal"},
}

// kinds returns the kinds of hits that can hold the measure, nil for all.
func (m Measure) kinds() []string {
	if some := kindsOf[m.Key]; some != nil {
		return some
	}
	return kindsIn(m.Term)
}

// ofKinds finds the kinds of hits that SQL is about, if it begins with them.
var ofKinds = regexp.MustCompile(`^kind (?:=|IN) \(?('[a-z]+'(?:, '[a-z]+')*)`)

// kindsIn returns the kinds of hits that SQL is about, nil for all.
func kindsIn(sql string) []string {
	if found := ofKinds.FindStringSubmatch(sql); found != nil {
		return strings.Split(strings.ReplaceAll(found[1], "'", ""), ", ")
	}
	return nil
}

// Ratio is a figure that is the quotient of two measures.
type Ratio struct {
	Key         string
	Over, Under string // keys of measures
	Unit        Unit
}

// Ratios are all ratios.
var Ratios = [...]Ratio{
	{"bounce_rate", "bounces", "visits", Share},
	{"visit_seconds", "seconds", "visits", Seconds},
	{"pages_per_visit", "pageviews", "visits", Mean},
	{"conversion_rate", "conversions", "visits", Mean}, // of all goals together: more than one is possible
	{"exit_rate", "exits", "pageviews", Share},
	{"view_seconds", "page_seconds", "pageviews", Seconds},
}

// Sums are the values of Measures. A measure that was not asked for is 0. Those of a Rounded
// source are added up exactly, and what they tell is rounded.
type Sums struct {
	n  [len(Measures)]int64 // in the order of Measures
	to int64                // to what multiple they are rounded; 0 and 1: they are not
}

// With returns the sums with another value of a measure. The key must be that of one.
func (s Sums) With(measure string, n int64) Sums {
	s.n[measureIndex(measure)] = n
	return s
}

// Of returns the measure or ratio under a key: 0 for a ratio of nothing, and for a key
// that names none. A ratio of rounded sums is that of the rounded numbers.
func (s Sums) Of(key string) float64 {
	if measureIndex(key) >= 0 {
		return float64(s.Count(key))
	}
	if r, ok := findRatio(key); ok && s.Count(r.Under) != 0 {
		return float64(s.Count(r.Over)) / float64(s.Count(r.Under))
	}
	return 0
}

// Count returns the measure under a key, 0 if there is none.
func (s Sums) Count(key string) int64 {
	if i := measureIndex(key); i >= 0 {
		return Round(s.n[i], s.to)
	}
	return 0
}

// Few reports whether a measure is not 0 and rounds to 0.
func (s Sums) Few(key string) bool {
	i := measureIndex(key)
	return i >= 0 && s.n[i] != 0 && Round(s.n[i], s.to) == 0
}

// Equal reports whether both tell the same, rounded to the same. Package cmp of tests compares by it.
func (s Sums) Equal(o Sums) bool { return s == o }

// RoundedTo returns to what multiple the sums are rounded, 0 or 1 if they are not.
func (s Sums) RoundedTo() int64 { return s.to }

// Round returns the multiple of to that is nearest to n, the larger of two. It returns n where
// to is 0 or 1.
func Round(n, to int64) int64 {
	switch {
	case to <= 1:
		return n
	case n < 0:
		return -Round(-n, to)
	}
	return (n + to/2) / to * to
}

// Add returns the sums of both.
func (s Sums) Add(o Sums) Sums {
	for i, n := range o.n {
		s.n[i] += n
	}
	s.to = max(s.to, o.to)
	return s
}

// Sub returns the sums less others of a part of the same, each at least 0: something may have come
// between two answers.
func (s Sums) Sub(o Sums) Sums {
	for i, n := range o.n {
		s.n[i] = max(s.n[i]-n, 0)
	}
	s.to = max(s.to, o.to)
	return s
}

// UnitOf returns the unit of a measure or ratio, "" for a key that names none.
func UnitOf(key string) Unit {
	if i := measureIndex(key); i >= 0 {
		return Measures[i].Unit
	}
	r, _ := findRatio(key)
	return r.Unit
}

// measureIndex returns the index of a measure, -1 for a key that names none.
func measureIndex(key string) int {
	return slices.IndexFunc(Measures[:], func(m Measure) bool { return m.Key == key })
}

func findRatio(key string) (Ratio, bool) {
	i := slices.IndexFunc(Ratios[:], func(r Ratio) bool { return r.Key == key })
	if i < 0 {
		return Ratio{}, false
	}
	return Ratios[i], true
}

// sumsOf returns the indexes of the measures that a measure or ratio needs, nil for a
// key that names neither.
func sumsOf(key string) []int {
	if i := measureIndex(key); i >= 0 {
		return []int{i}
	}
	if r, ok := findRatio(key); ok {
		return []int{measureIndex(r.Over), measureIndex(r.Under)}
	}
	return nil
}

// term returns what to sum up for a measure on a table: rollups hold it under its key.
func (m Measure) term(table string) string {
	if table == hits {
		return m.Term
	}
	return table + "." + m.Key
}
