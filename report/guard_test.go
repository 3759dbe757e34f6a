package report_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/report"
)

// threshold is that of the guard under test.
const threshold = 5

// theDay is the day of the crowd.
var theDay, _ = calendar.ParseDay("2026-11-24")

// most is more than any number of the test.
const most = 1 << 10

// crowd is visitors who each come once, as a Source.
type crowd []person

type person struct{ country, region, device, page, campaign string }

func (p person) of(dimension string) (value, detail string) {
	switch dimension {
	case "region":
		return p.country, p.region
	case "country":
		return p.country, ""
	case "device":
		return p.device, ""
	case "page":
		return p.page, ""
	case "campaign":
		return p.campaign, ""
	}
	return "", ""
}

func (c crowd) Ask(_ context.Context, queries []report.Query) ([]report.Result, error) {
	var results []report.Result
	for _, q := range queries {
		type key struct{ value, detail string }
		sums := map[key]report.Sums{}
		for _, p := range c {
			kept := true
			for _, f := range q.Filters {
				value, detail := p.of(f.Dimension)
				if f.Dimension == "region" {
					value = detail
				}
				kept = kept && (value == f.Value) != f.Not
			}
			value, detail := p.of(q.Dimension)
			if kept && (q.Dimension != "campaign" || value != "") {
				var one report.Sums
				for _, m := range report.Measures[:4] { // visitors, visits, page views and page visitors
					one = one.With(m.Key, 1)
				}
				sums[key{value, detail}] = sums[key{value, detail}].Add(one)
			}
		}
		var r report.Result
		for k, s := range sums {
			l := report.Line{Value: k.value, Detail: k.detail, Now: s}
			switch q.Step {
			case report.Day:
				l.At = theDay.Time()
			case report.Month:
				l.At = theDay.FirstOfMonth().Time()
			}
			r.Lines = append(r.Lines, l)
		}
		slices.SortFunc(r.Lines, func(a, b report.Line) int { return strings.Compare(a.Value+a.Detail, b.Value+b.Detail) })
		results = append(results, r)
	}
	return results, nil
}

func someCrowd(t *rapid.T) crowd {
	var all crowd
	for _, page := range []string{"/", "/a", "/b"} {
		for _, place := range [][2]string{{"NO", "NO-03"}, {"NO", "NO-50"}, {"NO", "NO-56"}, {"SE", "SE-AB"}, {"DK", ""}} {
			for _, device := range []string{"desktop", "mobile"} {
				n := rapid.OneOf(rapid.IntRange(0, 3), rapid.IntRange(0, 12)).Draw(t, page+place[1]+device)
				for i := range n {
					p := person{place[0], place[1], device, page, ""}
					if i%2 == 0 {
						p.campaign = "mars"
					} else if i%7 == 1 {
						p.campaign = "april"
					}
					all = append(all, p)
				}
			}
		}
	}
	return all
}

// unknown is a number of which only bounds are known.
type unknown struct{ lo, hi int64 }

// sum is what an attacker knows: that some unknowns add up to a number.
type sum struct {
	of    []string
	total int64
}

// attacker draws from what was published all that follows from it.
type attacker struct {
	known map[string]*unknown
	sums  []sum
}

func (a *attacker) bound(name string, lo, hi int64) {
	if u := a.known[name]; u != nil {
		u.lo, u.hi = max(u.lo, lo), min(u.hi, hi)
	} else {
		a.known[name] = &unknown{lo, hi}
	}
}

// read takes down a published figure.
func (a *attacker) read(name string, n int64, hidden report.Hiding) {
	switch hidden {
	case report.Shown:
		a.bound(name, n, n)
	case report.Below:
		a.bound(name, 0, threshold-1)
	default:
		a.bound(name, 0, most)
	}
}

func (a *attacker) derive() {
	for changed, turn := true, 0; changed && turn < 300; turn++ {
		changed = false
		for _, s := range a.sums {
			var lo, hi int64
			for _, name := range s.of {
				lo, hi = lo+a.known[name].lo, hi+a.known[name].hi
			}
			for _, name := range s.of {
				u := a.known[name]
				least, highest := max(u.lo, s.total-(hi-u.hi)), min(u.hi, s.total-(lo-u.lo))
				if least != u.lo || highest != u.hi {
					lo, hi = lo+least-u.lo, hi+highest-u.hi
					u.lo, u.hi, changed = least, highest, true
				}
			}
		}
	}
}

func ask(t *rapid.T, source report.Source, q report.Query) report.Result {
	q.Sites = []uint32{1}
	if q.Range == (calendar.Range{}) {
		q.Range = calendar.One(theDay)
	}
	results, err := source.Ask(t.Context(), []report.Query{q})
	if err != nil {
		t.Fatal(err)
	}
	return results[0]
}

// attack reads every table of a dimension under a filter, that filter turned round, and
// without it, with the sums of each, and tries to work out how many people of few there are.
func attack(t *rapid.T, all crowd, dimension, measure string, filter *report.Filter) {
	guard := report.Guard{Source: all, Threshold: func(uint32) int { return threshold }}
	a := attacker{known: map[string]*unknown{}}
	queries := map[string][]report.Filter{"all": nil}
	if filter != nil {
		turned := *filter
		turned.Not = true
		queries["kept"], queries["left"] = []report.Filter{*filter}, []report.Filter{turned}
	}
	few := func(n int64) bool { return n > 0 && n < threshold }
	until := time.Time{} // of a day that is over, or not
	if rapid.Bool().Draw(t, "today") {
		until = theDay.Time().Add(12 * time.Hour)
	}
	totals := map[string]int64{} // that are shown
	truth := map[string]int64{}
	cells := map[string]bool{}
	named := map[string]bool{} // in the table without a filter
	for _, part := range []string{"all", "kept", "left"} {
		filters, ok := queries[part]
		if !ok {
			continue
		}
		q := report.Query{Dimension: dimension, Measures: []string{measure}, Filters: filters, Limit: report.MaxLimit, Until: until}
		exact, r := ask(t, all, q), ask(t, guard, q)
		published := map[string]report.Line{}
		for _, l := range r.Lines {
			published[l.Value+" "+l.Detail] = l
		}
		var s sum
		now, _ := exact.Total()
		s.total = now.Count(measure)
		groups := map[string]sum{}
		for name := range cells {
			i := slices.IndexFunc(exact.Lines, func(l report.Line) bool { return l.Value+" "+l.Detail == name })
			if i >= 0 {
				continue
			}
			a.bound(part+" "+name, 0, 0)
			if r.Withheld {
				a.known[part+" "+name].hi = most
			}
			value, _, _ := strings.Cut(name, " ")
			g := groups[value]
			g.of = append(g.of, part+" "+name)
			groups[value] = g
			s.of = append(s.of, part+" "+name)
		}
		for _, l := range exact.Lines {
			name := l.Value + " " + l.Detail
			cell := part + " " + name
			truth[cell] = l.Now.Count(measure)
			cells[name] = true
			if p, ok := published[name]; ok && (l.Detail != "" || p.Now.Count(measure) == l.Now.Count(measure) || p.Hidden != report.Shown) {
				a.read(cell, p.Now.Count(measure), p.Hidden)
			} else if r.Withheld {
				a.bound(cell, 0, most)
			} else {
				t.Fatalf("%s is not there", cell)
			}
			g := groups[l.Value]
			g.of, g.total = append(g.of, cell), g.total+truth[cell]
			s.of = append(s.of, cell)
			_, here := published[name]
			if named[name] = named[name] || here; !named[name] { // it may be any other value
				other := cell + " or another"
				a.bound(other, 0, most)
				g.of, s.of = append(g.of, other), append(s.of, other)
			}
			groups[l.Value] = g
		}
		total := ask(t, guard, report.Query{Measures: []string{measure}, Filters: filters, Until: until})
		if h, _ := total.Hidden(); h == report.Shown && len(s.of) > 0 {
			a.sums = append(a.sums, s)
			totals[part] = s.total
			shown := int64(0)
			for _, l := range r.Lines {
				shown += l.Now.Count(measure)
			}
			if rest := s.total - shown; q.Guarded() && shown > 0 && few(rest) {
				t.Fatalf("%s by %s under %v: %d of %d are left out", part, dimension, filter, rest, s.total)
			}
			if sum, _ := r.Total(); sum.Count(measure) != s.total {
				t.Fatalf("total of the table is %d, want %d", sum.Count(measure), s.total)
			}
		}
		if dimension == "region" { // the table of countries is published too
			for _, l := range ask(t, guard, report.Query{Dimension: "country", Measures: []string{measure}, Filters: filters, Limit: report.MaxLimit, Until: until}).Lines {
				if l.Hidden == report.Shown {
					a.sums = append(a.sums, groups[l.Value])
				}
			}
		}
	}
	if filter != nil && (report.Query{Filters: []report.Filter{*filter}}).Guarded() {
		for _, part := range []string{"kept", "left"} {
			if n, shown := totals[part]; shown && n > 0 && (few(n) || few(totals["all"]-n)) {
				t.Fatalf("%s under %v: %d of %d", part, filter, n, totals["all"])
			}
		}
	}
	if filter != nil {
		for name := range cells {
			if u := a.known["all "+name]; u.lo == u.hi {
				a.sums = append(a.sums, sum{[]string{"kept " + name, "left " + name}, u.lo})
			}
		}
	}
	a.derive()
	for cell, n := range truth {
		if dimension == "region" && strings.HasSuffix(cell, " ") {
			continue // a country, which is guarded only with a filter
		}
		q := report.Query{Dimension: dimension}
		if part, _, _ := strings.Cut(cell, " "); part != "all" {
			q.Filters = []report.Filter{*filter}
		}
		if u := a.known[cell]; q.Guarded() && n > 0 && n < threshold && u.lo == u.hi {
			t.Fatalf("%s by %s under %v: %d follows", cell, dimension, filter, n)
		} else if u.lo > n || u.hi < n {
			t.Fatalf("%s by %s: %d to %d, is %d", cell, dimension, u.lo, u.hi, n)
		}
	}
}

// TestSmallNumbersAreNotDerived tries to work out the numbers that the guard hides.
func TestSmallNumbersAreNotDerived(t *testing.T) {
	device := report.Filter{Dimension: "device", Value: "mobile"}
	region := report.Filter{Dimension: "region", Value: "NO-50"}
	campaign := report.Filter{Dimension: "campaign", Value: "mars"}
	for _, c := range []struct {
		dimension, measure string
		filter             *report.Filter
	}{
		{"region", "visitors", nil},
		{"campaign", "visits", nil},
		{"page", "page_visitors", &device},
		{"region", "visitors", &device},
		{"device", "visitors", &region},
		{"page", "page_visitors", &region},
		{"device", "visits", &campaign},
	} {
		t.Run(fmt.Sprint(c.dimension, c.filter), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { attack(t, someCrowd(t), c.dimension, c.measure, c.filter) })
		})
	}
}

// TestWithheldTellsNothing: a page that few have seen is left out under a filter and under its
// opposite alike, and both answers say that something is, although the filter keeps nothing
// of the page: else the two other pages, with less than five each of eight, have four each.
func TestWithheldTellsNothing(t *testing.T) {
	var all crowd
	for _, c := range []struct {
		page, region string
		n            int
	}{{"/", "NO-03", 6}, {"/a", "NO-50", 4}, {"/a", "NO-03", 20}, {"/b", "NO-50", 4}, {"/b", "NO-03", 33}} {
		for range c.n {
			all = append(all, person{"NO", c.region, "mobile", c.page, ""})
		}
	}
	guard := report.Guard{Source: all, Threshold: func(uint32) int { return threshold }}
	rapid.Check(t, func(t *rapid.T) {
		filter := report.Filter{Dimension: "region", Value: "NO-50", Not: rapid.Bool().Draw(t, "not")}
		r := ask(t, guard, report.Query{Dimension: "page", Measures: []string{"page_visitors"}, Filters: []report.Filter{filter}})
		if len(r.Lines) != 2 || !r.Withheld {
			t.Errorf("lines %v, withheld %t; want those of /a and /b, and that something is withheld", r.Lines, r.Withheld)
		}
	})
}

// TestGuardShows checks that little is hidden, and that a search, a cursor and the order of
// lines tell nothing of what is.
func TestGuardShows(t *testing.T) {
	var all crowd
	for i, n := range []int{40, 30, 20, 7, 3, 1} {
		for range n {
			all = append(all, person{country: "NO", region: fmt.Sprintf("NO-%d", i), device: "mobile", page: "/"})
		}
	}
	guard := report.Guard{Source: all, Threshold: func(uint32) int { return threshold }}
	rapid.Check(t, func(t *rapid.T) {
		whole := ask(t, guard, report.Query{Range: calendar.Month(theDay), Dimension: "region", Measures: []string{"visitors"}})
		var got []string
		for _, l := range whole.Lines {
			got = append(got, fmt.Sprint(l.Detail, " ", l.Now.Count("visitors"), " ", l.Hidden))
		}
		want := []string{"NO-0 40 0", "NO-1 30 0", "NO-2 20 0", "NO-3 0 2", "NO-4 0 1", "NO-5 0 1"}
		if !slices.Equal(got, want) {
			t.Fatalf("lines %q, want %q", got, want)
		}
		var paged []report.Line
		q := report.Query{Range: calendar.Month(theDay), Dimension: "region", Measures: []string{"visitors"}, Limit: 2}
		for {
			r := ask(t, guard, q)
			paged = append(paged, r.Lines...)
			if q.After = r.Next; q.After == "" {
				break
			}
		}
		if !slices.Equal(paged, whole.Lines) {
			t.Fatalf("pages have %v, want %v", paged, whole.Lines)
		}
		found := ask(t, guard, report.Query{Range: calendar.Month(theDay), Dimension: "region", Measures: []string{"visitors"}, Find: "no-4"})
		if len(found.Lines) != 1 || found.Lines[0].Hidden != report.Below || found.Lines[0].Now != (report.Sums{}) {
			t.Fatalf("found %v, want one hidden line", found.Lines)
		}
	})
}
