package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
)

// Of what was not recorded, or what nobody said, 0 would say that nobody came, and a filter
// that leaves a value out would leave out nothing. A Source asks Probes beside its queries,
// and then Doubts, and Judge says of each result what is not known.

// Probes returns queries that tell on which days only what a minimal record keeps was
// recorded, all day or until or from some hour on. There are none for queries that ask for no more than that. They are over the days
// of those queries, so that they are part of the same statements.
func Probes(queries []Query) []Query {
	var probes []Query
	seen := map[string]bool{}
	for _, q := range queries {
		if key := q.days(); !q.unjudged && q.beyondMinimal() && !seen[key] && q.validate() == nil {
			seen[key] = true
			probe := q.probe("device", "pageviews", "events", "conversions")
			probe.known = true
			probes = append(probes, probe)
		}
	}
	return probes
}

// Recorded says how hits of a day were recorded.
type Recorded struct {
	Day     calendar.Day
	Minimal bool // a page view by a minimal record
	More    bool // some hit by more than that
}

// Widened returns a probe of all days that were over at a moment, MaxPoints at most. It is false
// for a probe that is not of one site and such days, day by day.
func (q Query) Widened(now time.Time) (Query, bool) {
	last := calendar.DayOf(now.In(q.zone())) - 1
	days := calendar.Range{From: max(0, last-MaxPoints+1), To: last}
	ok := len(q.Sites) == 1 && q.Step == Day
	for _, r := range q.ranges() {
		ok = ok && r.From >= days.From && r.To <= days.To
	}
	q.Range, q.Compare = days, nil
	return q, ok
}

// RecordedOf returns what the result of a probe over Range alone says of each day.
func RecordedOf(r Result) []Recorded {
	var all []Recorded
	for _, l := range r.Lines {
		day := calendar.DayOf(l.At)
		if n := len(all); n == 0 || all[n-1].Day != day {
			all = append(all, Recorded{Day: day})
		}
		of := &all[len(all)-1]
		of.Minimal = of.Minimal || l.Value == "" && l.Now.Count("pageviews") > 0
		of.More = of.More || l.Value != "" || l.Now.Count("events")+l.Now.Count("conversions") > 0
	}
	return slices.Clip(all)
}

// Recorded returns a result of a probe that tells Judge what its own would.
func (q Query) Recorded(all []Recorded) (r Result) {
	var one Sums
	one.n[measureIndex("pageviews")] = 1
	add := func(day calendar.Day, value string) {
		l := Line{At: day.Time(), Value: value}
		if q.Range.Contains(day) {
			l.Now = one
		}
		if q.Compare != nil && q.Compare.Contains(day) {
			l.Before = one
		}
		if l.Now != (Sums{}) || l.Before != (Sums{}) {
			r.Lines = append(r.Lines, l)
		}
	}
	for _, of := range all {
		if of.Minimal {
			add(of.Day, "")
		}
		if of.More {
			add(of.Day, "+")
		}
	}
	return r
}

// Doubts returns queries that tell whether anybody said what some queries are by, where their
// results leave that open.
func Doubts(queries []Query, results []Result) []Query {
	var doubts []Query
	seen := map[string]bool{}
	for i, q := range queries {
		if results[i].named(now) && results[i].named(before) { // somebody said it: other lines of it leave nothing open
			seen[q.days()+q.Dimension] = true
		}
	}
	for i, q := range queries {
		for _, key := range q.doubted(results[i]) {
			if id := q.days() + key; !seen[id] {
				seen[id] = true
				doubt := q.probe("", "pageviews")
				known := doubt
				known.Filters = []Filter{{Dimension: key, Not: true}}
				doubts = append(doubts, doubt, known)
			}
		}
	}
	return doubts
}

// doubted returns the dimensions that every hit may have of which a query shows no value in
// some period.
func (q Query) doubted(r Result) (keys []string) {
	for _, f := range q.Filters {
		if d := find(f.Dimension); f.asksValue() && d.base().Where == "" && (f.Not || !r.valued(now) || q.Compare != nil && !r.valued(before)) {
			keys = append(keys, d.Key)
		}
	}
	if d := find(q.Dimension); q.Dimension != "" && d.Key != "site" && d.base().scope != ofTime && d.base().Where == "" && q.Compare != nil && r.named(now) != r.named(before) {
		keys = append(keys, d.Key)
	}
	return keys
}

func now(l Line) Sums    { return l.Now }
func before(l Line) Sums { return l.Before }

// valued reports whether a line has a figure in one period, and named whether one with a
// value has.
func (r Result) valued(of func(Line) Sums) bool {
	return slices.ContainsFunc(r.Lines, func(l Line) bool { return of(l) != Sums{} })
}

func (r Result) named(of func(Line) Sums) bool {
	return slices.ContainsFunc(r.Lines, func(l Line) bool { return of(l) != Sums{} && (l.Value != "" || l.Detail != "") })
}

// days names the sites and days of a query.
func (q Query) days() string {
	key := fmt.Sprint(q.Sites, q.Range)
	if q.Compare != nil {
		key += fmt.Sprint(*q.Compare)
	}
	return key
}

// probe returns a query over the same days, day by day if that can be.
func (q Query) probe(dimension string, measures ...string) Query {
	p := Query{Sites: q.Sites, Zone: q.Zone, Range: q.Range, Compare: q.Compare, Dimension: dimension, Measures: measures}
	if !slices.ContainsFunc(q.ranges(), func(r calendar.Range) bool { return r.Days() > MaxPoints }) {
		p.Step = Day
	}
	return p
}

// beyondMinimal reports whether a query asks for more than what a minimal record keeps.
func (q Query) beyondMinimal() bool {
	return q.Dimension != "" && !find(q.Dimension).minimal() || slices.ContainsFunc(q.Measures, beyondMinimal) ||
		slices.ContainsFunc(q.Filters, func(f Filter) bool { return f.asksValue() && !find(f.Dimension).minimal() })
}

// beyondMinimal reports whether a minimal record has nothing of a measure or ratio, since it
// keeps no more of what is no page view than that it came.
func beyondMinimal(measure string) bool {
	return slices.ContainsFunc(sumsOf(measure), func(i int) bool {
		kinds := Measures[i].kinds()
		return kinds != nil && !slices.Contains(kinds, string(hit.Pageview))
	})
}

// asksValue reports whether a filter asks for what is known, and not for what is not.
func (f Filter) asksValue() bool { return f.Value != "" || f.Prefix }

// Judge returns the results of queries with what is not known taken out of them, given the
// results of Probes and Doubts.
func Judge(queries []Query, results []Result, probes []Query, probed []Result, doubts []Query, doubted []Result) []Result {
	results = slices.Clone(results)
	for i, q := range queries {
		days := q.days()
		j := judgement{q, results[i], nil, map[string]Result{}, Result{}}
		if n := slices.IndexFunc(probes, func(p Query) bool { return p.days() == days }); n >= 0 {
			j.devices = &probed[n]
		}
		for n := 0; n+1 < len(doubts); n += 2 {
			if doubts[n].days() == days {
				j.all, j.known[doubts[n+1].Filters[0].Dimension] = doubted[n], doubted[n+1]
			}
		}
		results[i] = j.result()
	}
	return results
}

// judgement is what is known of one result.
type judgement struct {
	Query
	Result
	devices *Result           // by whether the device is known, and day; nil: no more is asked for than a minimal record keeps
	known   map[string]Result // hits of which a dimension is known, by the dimension
	all     Result            // all hits, where known has some
}

func (j judgement) result() Result {
	if !j.beyondMinimal() {
		j.devices = nil
	}
	own := find(j.Dimension)
	j.ofRecorded = j.Dimension != "" && own.base().Where != "" && !own.minimal()
	bare, every := j.minimalDays(j.Range, now)
	r := j.Result
	r.Unknown, r.Minimal = j.unknown(now, len(bare) > 0, every), bare
	if j.Compare == nil {
		return r
	}
	bareBefore, everyBefore := j.minimalDays(*j.Compare, before)
	r.Minimal = append(r.Minimal, bareBefore...)
	unlike := j.Dimension != "" && (!own.minimal() && len(r.Minimal) > 0 || j.nobodySaid(own.Key, now) || j.nobodySaid(own.Key, before))
	if unlike || j.unknown(before, len(bareBefore) > 0, everyBefore) != "" {
		return r.uncompared()
	}
	return r
}

// minimalDays returns the days of one period on which page views were recorded by a minimal
// record, on all or a part of the day, and whether nothing else was recorded in the period. A
// policy that records more always records the device.
func (j judgement) minimalDays(days calendar.Range, of func(Line) Sums) (bare []calendar.Day, every bool) {
	if j.devices == nil {
		return nil, false
	}
	every = true
	for _, l := range j.devices.Lines {
		if s := of(l); s != (Sums{}) {
			day := calendar.DayOf(l.At)
			if l.At.IsZero() {
				day = days.From
			}
			if l.Value == "" && s.Count("pageviews") > 0 {
				bare = append(bare, day)
			}
			every = every && l.Value == "" && s.Count("events")+s.Count("conversions") == 0
		}
	}
	slices.Sort(bare)
	bare = slices.Compact(bare)
	return bare, every && len(bare) > 0
}

// nobodySaid reports whether there are hits in one period and none of which a dimension is
// known. It is false where that was not asked.
func (j judgement) nobodySaid(key string, of func(Line) Sums) bool {
	known, ok := j.known[key]
	return ok && j.all.valued(of) && !known.valued(of)
}

// unknown returns a dimension because of which one period can't be told, "" if it can be. some
// and every say of how many days a record was minimal.
func (j judgement) unknown(of func(Line) Sums, some, every bool) string {
	for _, f := range j.Filters {
		if d := find(f.Dimension); f.asksValue() && (some && !d.minimal() || j.nobodySaid(d.Key, of)) {
			return d.Key
		}
	}
	// Lines of what only some hits have are of the days on which it was recorded.
	if j.ofRecorded && (every || some && !j.valued(of) && j.Find == "" && j.After == "") {
		return j.Dimension
	}
	return ""
}

// uncompared returns a result without what it is compared with.
func (r Result) uncompared() Result {
	r.Uncompared = true
	r.Lines = slices.DeleteFunc(slices.Clone(r.Lines), func(l Line) bool { return l.Now == (Sums{}) && l.Hidden == Shown })
	for i := range r.Lines {
		r.Lines[i].Before, r.Lines[i].HiddenBefore = Sums{}, Refused
	}
	r.rest.Before, r.rest.HiddenBefore = Sums{}, Refused
	return r
}

// Lacks reports whether a measure or ratio is not known on some of the days. It is false by
// what only some hits have: those lines are of the days on which it was recorded.
func (r Result) Lacks(measure string, days calendar.Range) bool {
	return !r.ofRecorded && beyondMinimal(measure) && slices.ContainsFunc(r.Minimal, func(day calendar.Day) bool { return days.From <= day && day <= days.To })
}

// minimal reports whether each policy records what the dimension is over.
func (d Dimension) minimal() bool {
	base := d.base()
	for _, name := range fieldsOf(base.Value + " " + base.Detail + " " + base.Where) {
		if f, _ := hit.FindField(name); !f.Minimal {
			return false
		}
	}
	return true
}

// IsUnknown reports whether nothing is known of a dimension: all lines of its result are of
// hits without a value, and there is one.
func (r Result) IsUnknown() bool {
	return len(r.Lines) > 0 && !slices.ContainsFunc(r.Lines, func(l Line) bool { return l.Value != "" || l.Detail != "" })
}
