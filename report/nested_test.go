package report_test

import (
	"context"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/internal/race"
	"github.com/fotspor/fotspor/report"
)

// daysOf are visitors by region and day, as a Source. A region begins with its country.
type daysOf map[string]map[calendar.Day]int64

func countryOf(region string) string {
	country, _, _ := strings.Cut(region, "-")
	return country
}

func (s daysOf) Ask(_ context.Context, queries []report.Query) ([]report.Result, error) {
	var results []report.Result
	for _, q := range queries {
		lines := map[report.Line][2]int64{}
		for region, days := range s {
			kept := true
			for _, f := range q.Filters {
				if f.Dimension == "country" {
					kept = kept && (f.Value == countryOf(region)) != f.Not
				} else {
					kept = kept && (f.Value == region) != f.Not
				}
			}
			for day, n := range days {
				before := q.Compare != nil && q.Compare.Contains(day)
				if !kept || n == 0 || !before && !q.Range.Contains(day) {
					continue
				}
				var line report.Line
				if q.Dimension == "region" {
					line.Value, line.Detail = countryOf(region), region
				}
				switch q.Step {
				case report.Day:
					line.At = day.Time()
				case report.Week:
					line.At = calendar.Week(day).From.Time()
				case report.Month:
					line.At = day.FirstOfMonth().Time()
				}
				sums := lines[line]
				if before {
					sums[1] += n
				} else {
					sums[0] += n
				}
				lines[line] = sums
			}
		}
		var r report.Result
		for line, n := range lines {
			line.Now, line.Before = line.Now.With("visitors", n[0]), line.Before.With("visitors", n[1])
			r.Lines = append(r.Lines, line)
		}
		slices.SortFunc(r.Lines, func(a, b report.Line) int {
			if c := a.At.Compare(b.At); c != 0 {
				return c
			}
			return strings.Compare(a.Detail, b.Detail)
		})
		results = append(results, r)
	}
	return results, nil
}

// String writes the numbers of each region, day by day.
func (s daysOf) String() string {
	var all strings.Builder
	for _, region := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&all, "%s:", region)
		for _, day := range slices.Sorted(maps.Keys(s[region])) {
			if day == day.FirstOfMonth() {
				all.WriteString(" |")
			}
			fmt.Fprintf(&all, " %d", s[region][day])
		}
		all.WriteString("\n")
	}
	return all.String()
}

// equation says that the sum of some of the unknown numbers of regions on days lies between
// two numbers.
type equation struct {
	of     []int
	lo, hi int64
}

// prime is that of the arithmetic by which equations are solved.
const prime = 1<<31 - 1

// solver holds independent equations, each with a first unknown that no other has.
type solver struct {
	unknowns int
	rows     map[int][]uint64 // by first unknown
}

func (s *solver) row(of []int) []uint64 {
	row := make([]uint64, s.unknowns)
	for _, i := range of {
		row[i] = 1
	}
	return row
}

// reduce takes from a row all that follows from the equations, and returns the first unknown
// that is left, or -1.
func (s *solver) reduce(row []uint64) int {
	for i := range row {
		if row[i] == 0 {
			continue
		}
		by := s.rows[i]
		if by == nil {
			return i
		}
		factor := prime - row[i]
		for j := i; j < len(row); j++ {
			row[j] = (row[j] + factor*by[j]) % prime
		}
	}
	return -1
}

func (s *solver) add(of []int) {
	row := s.row(of)
	first := s.reduce(row)
	if first < 0 {
		return
	}
	inverse := power(row[first], prime-2)
	for j := range row {
		row[j] = row[j] * inverse % prime
	}
	s.rows[first] = row
}

func power(x uint64, n int) uint64 {
	result := uint64(1)
	for i := bits.Len(uint(n)) - 1; i >= 0; i-- {
		if result = result * result % prime; n>>i&1 == 1 {
			result = result * x % prime
		}
	}
	return result
}

// barPeriods are the periods of the bar within some days that end there.
func barPeriods(all calendar.Range) []calendar.Range {
	var periods []calendar.Range
	seen := map[calendar.Range]bool{}
	add := func(r calendar.Range) {
		if r.From >= all.From && r.To <= all.To && !seen[r] {
			seen[r] = true
			periods = append(periods, r)
		}
	}
	for day := all.From; day <= all.To; day++ {
		add(calendar.One(day))
		add(calendar.Range{From: day - 6, To: day})
		add(calendar.Range{From: day - 27, To: day})
		week := calendar.Week(day)
		add(calendar.Range{From: week.From, To: min(week.To, all.To)})
		month := calendar.Range{From: day.FirstOfMonth(), To: min(day.FirstOfMonth().AddMonths(1)-1, all.To)}
		add(month)
		add(calendar.Range{From: day.FirstOfMonth().AddMonths(-1), To: month.To}) // as of a quarter
	}
	return periods
}

// TestPeriodsInsidePeriods reads the counties of all periods of the bar within two months, with
// the totals of each day and country, as tables and by filters of one county, and tries to work
// out numbers of few visitors: exactly by linear algebra, and by bounds. What a table leaves out
// and what a filter does are never of few, and what is hidden looks alike.
func TestPeriodsInsidePeriods(t *testing.T) {
	race.Skip(t)
	first, _ := calendar.ParseDay("2026-10-01")
	last, _ := calendar.ParseDay("2026-11-24")
	all := calendar.Range{From: first, To: last}
	regions := []string{"NO-03", "NO-11", "NO-50", "NO-56", "NO-18", "SE-AB"}
	rapid.Check(t, func(t *rapid.T) {
		source := daysOf{}
		for _, region := range regions {
			source[region] = map[calendar.Day]int64{}
			most := rapid.SampledFrom([]int{0, 1, 2, 6, 9, 40}).Draw(t, region)
			least := rapid.SampledFrom([]int{0, most / 2, most}).Draw(t, region+" least")
			every := rapid.SampledFrom([]int{1, 1, 2, 3, 9}).Draw(t, region+" every")
			for day := all.From; day <= all.To; day++ {
				source[region][day] = 0
				if int(day)%every == 0 {
					source[region][day] = int64(rapid.IntRange(least, most).Draw(t, "n"))
				}
			}
		}
		guard := report.Guard{Source: source, Threshold: func(uint32) int { return threshold }, Over: last}
		unknown := func(region int, day calendar.Day) int { return region*all.Days() + int(day-all.From) }
		var equations []equation
		for day := all.From; day <= all.To; day++ {
			for _, country := range []string{"NO", "SE"} {
				total := equation{}
				for i, region := range regions {
					if countryOf(region) == country {
						total.of = append(total.of, unknown(i, day))
						total.lo += source[region][day]
					}
				}
				total.hi = total.lo
				equations = append(equations, total)
			}
		}
		few := func(n int64) bool { return n > 0 && n < threshold }
		type target struct {
			of    []int
			n     int64
			where string
		}
		var targets []target
		for _, p := range barPeriods(all) {
			queries := []report.Query{{Dimension: "region", Limit: report.MaxLimit}}
			filtered := 1 + 3*len(regions) // tables
			for _, region := range regions {
				f := report.Filter{Dimension: "region", Value: region}
				not := f
				not.Not = true
				queries = append(queries, report.Query{Filters: []report.Filter{f}}, report.Query{Filters: []report.Filter{not}}, report.Query{Filters: []report.Filter{f}, Step: report.Day})
			}
			left := report.Filter{Dimension: "region", Value: regions[int(p.From)%len(regions)], Not: true}
			for _, f := range []report.Filter{left, {Dimension: "country", Value: "NO"}, {Dimension: "country", Value: "NO", Not: true}} {
				queries = append(queries, report.Query{Dimension: "region", Limit: report.MaxLimit, Filters: []report.Filter{f}})
			}
			for i := range queries {
				queries[i].Sites, queries[i].Range, queries[i].Measures = []uint32{1}, p, []string{"visitors"}
			}
			results, err := guard.Ask(t.Context(), queries)
			if err != nil {
				t.Fatal(err)
			}
			read := map[string]report.Line{}
			for _, l := range results[0].Lines {
				read[l.Detail] = l
			}
			whole, countries := int64(0), map[string]int64{}
			for _, region := range regions {
				for day := p.From; day <= p.To; day++ {
					whole += source[region][day]
					countries[countryOf(region)] += source[region][day]
				}
			}
			exact, err := source.Ask(t.Context(), queries)
			if err != nil {
				t.Fatal(err)
			}
			for n, r := range append(results[:1:1], results[filtered:]...) {
				if n > 0 {
					n += filtered - 1
				}
				shown := int64(0)
				for _, l := range r.Lines {
					shown += l.Now.Count("visitors")
					if n > 0 && l.Hidden == report.Shown && read[l.Detail].Hidden == report.Shown && read[l.Detail].Now != l.Now && read[l.Detail].Now != (report.Sums{}) {
						t.Fatalf("%s under %v in %s: %d, want %d", l.Detail, queries[n].Filters, p, l.Now.Count("visitors"), read[l.Detail].Now.Count("visitors"))
					}
					if i := slices.Index(regions, l.Detail); l.Hidden == report.Shown {
						e := equation{lo: l.Now.Count("visitors"), hi: l.Now.Count("visitors")}
						for day := p.From; day <= p.To; day++ {
							e.of = append(e.of, unknown(i, day))
						}
						equations = append(equations, e)
					}
				}
				total, _ := exact[n].Total()
				if h, _ := r.Hidden(); h == report.Shown && shown > 0 && few(total.Count("visitors")-shown) {
					t.Fatalf("%v in %s: %d of %d are left out of\n%s", queries[n].Filters, p, total.Count("visitors")-shown, total.Count("visitors"), source)
				}
			}
			for i, region := range regions {
				var of []int
				n, there := int64(0), countries[countryOf(region)]
				for day := p.From; day <= p.To; day++ {
					of = append(of, unknown(i, day))
					n += source[region][day]
				}
				e := equation{of, 0, most * most}
				line, listed := read[region]
				switch {
				case listed && line.Hidden == report.Shown:
					e.lo, e.hi = line.Now.Count("visitors"), line.Now.Count("visitors")
				case listed && line.Hidden == report.Below:
					e.lo, e.hi = 1, threshold-1
				case listed:
					e.lo = threshold
				case !results[0].Withheld:
					e.hi = 0
				}
				kept, left := results[1+3*i], results[2+3*i]
				switch h, _ := kept.Hidden(); h {
				case report.Shown:
					now, _ := kept.Total()
					e.lo, e.hi = max(e.lo, now.Count("visitors")), min(e.hi, now.Count("visitors"))
					if few(now.Count("visitors")) || few(whole-now.Count("visitors")) && now.Count("visitors") > 0 {
						t.Fatalf("%s in %s: %d of %d in\n%s", region, p, now.Count("visitors"), whole, source)
					}
				case report.Below: // as the table says
					if !listed || line.Hidden != report.Below {
						t.Fatalf("%s in %s: the filter says that there are few, and the table does not, of\n%s", region, p, source)
					}
				}
				if h, _ := left.Hidden(); h == report.Shown {
					now, _ := left.Total()
					e.lo, e.hi = max(e.lo, whole-now.Count("visitors")), min(e.hi, whole-now.Count("visitors"))
				}
				nobody, somebody := map[calendar.Day]report.Hiding{}, map[calendar.Day]report.Hiding{} // on days, by week
				for _, point := range queries[3+3*i].Points(results[3+3*i], false) {
					day := point.Days.From
					week := max(calendar.Week(day).From, day.FirstOfMonth()) // one in which nobody came may show that
					switch n := source[region][day]; {
					case n == 0:
						nobody[week] = point.Hidden
					case few(n):
						somebody[week] = point.Hidden
					}
					if h, both := nobody[week]; both && somebody[week] != report.Shown && h != somebody[week] {
						t.Fatalf("%s in %s: on %s days of nobody and of few look different in\n%s", region, p, day, source)
					}
					if point.Hidden == report.Shown {
						equations = append(equations, equation{[]int{unknown(i, point.Days.From)}, point.Sums.Count("visitors"), point.Sums.Count("visitors")})
					}
				}
				if e.lo > n || e.hi < n {
					t.Fatalf("%s in %s: %d to %d, is %d", region, p, e.lo, e.hi, n)
				}
				equations = append(equations, e)
				if few(n) && n < there { // if all of a country are of one, the country tells
					targets = append(targets, target{of, n, fmt.Sprint(region, " in ", p)})
				}
			}
		}
		s := solver{unknowns: len(regions) * all.Days(), rows: map[int][]uint64{}}
		for _, e := range equations {
			if e.lo == e.hi {
				s.add(e.of)
			}
		}
		bounds := make([]between, s.unknowns)
		for i := range bounds {
			bounds[i] = between{0, most * most}
		}
		derive(bounds, equations)
		for _, target := range targets {
			if s.reduce(s.row(target.of)) < 0 {
				t.Fatalf("%s: %d follows from\n%s", target.where, target.n, source)
			}
			var lo, hi int64
			for _, i := range target.of {
				lo, hi = lo+bounds[i].lo, hi+bounds[i].hi
			}
			if lo == hi {
				t.Fatalf("%s: %d follows by bounds from\n%s", target.where, target.n, source)
			}
		}
	})
}

// TestPeriodsShow checks what is shown of a county with three visitors a day: weeks and months,
// also of a day on which it had five. The next smallest is hidden on days, too, since it would
// tell the first one.
func TestPeriodsShow(t *testing.T) {
	first, _ := calendar.ParseDay("2026-10-01")
	last, _ := calendar.ParseDay("2026-11-24")
	source := daysOf{"NO-03": {}, "NO-50": {}, "NO-56": {}}
	for day := first; day <= last; day++ {
		source["NO-03"][day], source["NO-50"][day], source["NO-56"][day] = 40, 30, 3
	}
	source["NO-56"][last] = 5
	for _, c := range []struct {
		from, to string
		want     string
	}{
		{"2026-11-12", "2026-11-12", "NO-03 40"},
		{"2026-11-24", "2026-11-24", "NO-03 40"},
		{"2026-11-09", "2026-11-15", "NO-03 280, NO-50 210, NO-56 21"},
		{"2026-11-02", "2026-11-22", "NO-03 840, NO-50 630, NO-56 63"},
		{"2026-10-26", "2026-11-01", "NO-03 280"}, // one day of it lies in November
		{"2026-10-28", "2026-11-24", "NO-03 1120"},
		{"2026-10-01", "2026-10-31", "NO-03 1240, NO-50 930, NO-56 93"},
		{"2026-11-01", "2026-11-24", "NO-03 960, NO-50 720, NO-56 74"},
		{"2026-10-01", "2026-11-24", "NO-03 2200, NO-50 1650, NO-56 167"},
	} {
		from, _ := calendar.ParseDay(c.from)
		to, _ := calendar.ParseDay(c.to)
		guard := report.Guard{Source: source, Threshold: func(uint32) int { return threshold }, Over: last}
		results, err := guard.Ask(t.Context(), []report.Query{{Sites: []uint32{1}, Range: calendar.Range{From: from, To: to}, Dimension: "region", Measures: []string{"visitors"}}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range results[0].Lines {
			got = append(got, fmt.Sprint(l.Detail, " ", l.Now.Count("visitors")))
		}
		if got := strings.Join(got, ", "); got != c.want {
			t.Errorf("%s to %s: %s, want %s", c.from, c.to, got, c.want)
		}
		if left := strings.Count(c.want, "NO") < 3; results[0].Withheld != left && left {
			t.Errorf("%s to %s: the table does not say that lines are left out", c.from, c.to)
		}
	}
}

// between are the bounds of a number.
type between struct{ lo, hi int64 }

// derive narrows the bounds of unknowns by equations until nothing more follows.
func derive(bounds []between, equations []equation) {
	for changed, turn := true, 0; changed && turn < 50; turn++ {
		changed = false
		for _, e := range equations {
			var lo, hi int64
			for _, i := range e.of {
				lo, hi = lo+bounds[i].lo, hi+bounds[i].hi
			}
			for _, i := range e.of {
				u := &bounds[i]
				least, highest := max(u.lo, e.lo-(hi-u.hi)), min(u.hi, e.hi-(lo-u.lo))
				if least != u.lo || highest != u.hi {
					lo, hi = lo+least-u.lo, hi+highest-u.hi
					u.lo, u.hi, changed = least, highest, true
				}
			}
		}
	}
}

// TestRareValuesShareTheRest: of 30 to 32 visitors of a day all but one or two are of one county,
// and two rare ones share the rest. A day and a week show none of the three, by the table, by a
// filter or by its opposite, and all days look alike; a month shows all three.
func TestRareValuesShareTheRest(t *testing.T) {
	first, last := mustDay("2026-10-01"), mustDay("2026-11-24")
	source := daysOf{"NO-03": {}, "NO-50": {}, "NO-46": {}}
	for day := first; day <= last; day++ {
		source["NO-03"][day] = 30
		if int(last-day)%2 == 0 {
			source["NO-50"][day] = 1
		}
		if int(last-day)%3 == 0 {
			source["NO-46"][day] = 1
		}
	}
	guard := report.Guard{Source: source, Threshold: func(uint32) int { return threshold }, Over: last}
	for _, c := range []struct {
		days  calendar.Range
		shown bool
	}{
		{calendar.One(last), false},
		{calendar.One(last - 1), false}, // on which only the large one came
		{calendar.Week(last - 7), false},
		{calendar.Month(first), true},
		{calendar.Range{From: first, To: last}, true},
	} {
		queries := []report.Query{{Dimension: "region"}}
		for region := range source {
			f := report.Filter{Dimension: "region", Value: region}
			not := f
			not.Not = true
			queries = append(queries, report.Query{Filters: []report.Filter{f}}, report.Query{Filters: []report.Filter{not}}, report.Query{Filters: []report.Filter{f}, Step: report.Day}, report.Query{Filters: []report.Filter{not}, Step: report.Day})
		}
		for i := range queries {
			queries[i].Sites, queries[i].Range, queries[i].Measures = []uint32{1}, c.days, []string{"visitors"}
		}
		results, err := guard.Ask(t.Context(), queries)
		if err != nil {
			t.Fatal(err)
		}
		if want := len(source); c.shown != (len(results[0].Lines) == want) || !c.shown && !results[0].Withheld {
			t.Errorf("%s: lines %v, withheld %t; want all: %t", c.days, results[0].Lines, results[0].Withheld, c.shown)
		}
		for i, q := range queries[1:] {
			r := results[1+i]
			why, _ := r.Hidden()
			if want := report.Beside; !c.shown && why != want || c.shown && why != report.Shown {
				t.Errorf("%s, %v: hidden %d, want shown %t", c.days, q.Filters, why, c.shown)
			}
			for _, p := range q.Points(r, false) {
				if p.Hidden != report.Beside {
					t.Errorf("%s, %v: day %s hidden %d, want %d", c.days, q.Filters, p.Days, p.Hidden, report.Beside)
				}
			}
		}
	}
}

// TestSeriesOfFew: the days of a month that a few had look the same as its other days, by the
// filter of one county, and so do those of a longer period.
func TestSeriesOfFew(t *testing.T) {
	first, last := mustDay("2026-06-01"), mustDay("2026-08-31")
	source := daysOf{"NO-03": {}, "US-CA": {}, "US-NY": {}}
	for day := first; day <= last; day++ {
		source["NO-03"][day], source["US-NY"][day] = 40, 12
	}
	for _, day := range []string{"2026-06-13", "2026-06-16", "2026-06-18", "2026-06-26"} {
		source["US-CA"][mustDay(day)] = 1
	}
	guard := report.Guard{Source: source, Threshold: func(uint32) int { return threshold }, Over: last}
	for _, c := range []struct {
		days calendar.Range
		step report.Step
		want report.Hiding
	}{
		{calendar.Month(first), report.Day, report.Below},
		{calendar.Month(first), report.Week, report.Below},
		{calendar.Range{From: first + 3, To: first + 30}, report.Day, report.Beside},
		{calendar.Range{From: first + 12, To: first + 12}, report.Day, report.Beside},
		{calendar.Range{From: first + 13, To: first + 13}, report.Day, report.Beside},
	} {
		q := report.Query{Sites: []uint32{1}, Range: c.days, Step: c.step, Measures: []string{"visitors"}, Filters: []report.Filter{{Dimension: "region", Value: "US-CA"}}}
		results, err := guard.Ask(t.Context(), []report.Query{q})
		if err != nil {
			t.Fatal(err)
		}
		if len(results[0].Lines) > 0 && c.want == report.Below {
			t.Errorf("%s: lines %v, want none", c.days, results[0].Lines)
		}
		for _, p := range q.Points(results[0], false) {
			if p.Hidden != c.want || p.Sums != (report.Sums{}) {
				t.Errorf("%s by %s: %s hidden %d, want %d", c.days, c.step, p.Days, p.Hidden, c.want)
			}
		}
	}
}
