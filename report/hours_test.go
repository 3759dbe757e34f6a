package report_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// aVisit is one with views of /a at some times.
type aVisit []time.Time

// rows are those of the visit, as package visit counts it.
func (v aVisit) rows() (rows []hit.Row) {
	for i, at := range v {
		r := hit.Row{Site: 1, Time: at.UTC(), Day: calendar.DayOf(at), Kind: hit.Pageview, Path: "/a", EntryPath: "/a", Browser: "Firefox", Pageviews: 1}
		switch i {
		case 0:
			r.Visits, r.Visitors, r.PageVisitors, r.SectionVisitors, r.Bounces = 1, 1, 1, 1, 1
		case 1:
			r.Bounces = -1
		}
		if i > 0 {
			r.PreviousPath, r.Seconds = "/a", int32(at.Sub(v[i-1]).Seconds())
		}
		rows = append(rows, r)
	}
	return rows
}

// of is what a measure of the visit is, by the moment at which it is counted: that of the hit,
// or of what belongs to the whole visit, that of the hit that it is a property of.
func (v aVisit) of(measure string) map[time.Time]int64 {
	counts := map[time.Time]int64{}
	for i, at := range v {
		last := i == len(v)-1
		switch measure {
		case "pageviews":
			counts[at]++
		case "visits", "visitors", "page_visitors", "section_visitors":
			counts[v[0]] = 1
		case "bounces":
			if len(v) == 1 {
				counts[at]++
			}
		case "seconds":
			if i > 0 {
				counts[v[0]] += int64(at.Sub(v[i-1]).Seconds())
			}
		case "exits":
			if last {
				counts[at]++
			}
		case "page_seconds":
			if !last {
				counts[at] += int64(v[i+1].Sub(at).Seconds())
			}
		}
	}
	return counts
}

// TestVisitsByTime asks for every measure and ratio of visits that go on over hours, and close to
// midnight, by each piece of time. Each answer is what a plain reading of the visits says, or it
// is refused; nothing is refused by days, by weekdays, or up to a moment.
func TestVisitsByTime(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 1))
	zone := mustZone("Europe/Oslo")
	first := mustDay("2026-03-23") // a Monday; the clock is put forward on the 29th
	days := calendar.Range{From: first, To: first + 13}
	var visits []aVisit
	var rows []hit.Row
	for range 300 {
		day := days.From + calendar.Day(rng.IntN(days.Days()))
		at := day.In(zone).Add(time.Duration(rng.IntN(23*3600)) * time.Second)
		if rng.IntN(4) == 0 {
			at = (day + 1).In(zone).Add(-time.Duration(1+rng.IntN(3600)) * time.Second)
		}
		var v aVisit
		for range 1 + rng.IntN(4) {
			if calendar.DayOf(at) == day { // a visit ends at midnight
				v = append(v, at)
			}
			at = at.Add(time.Duration(1+rng.IntN(1799)) * time.Second)
		}
		visits, rows = append(visits, v), append(rows, v.rows()...)
	}
	st := storetest.Open(t)
	if err := st.Insert(t.Context(), hit.Batch{Rows: rows}, "rows"); err != nil {
		t.Fatal(err)
	}
	source := store.Reports{Store: st, Planner: func() report.Planner { return report.Planner{} }}
	var measures []string
	for _, m := range report.Measures {
		measures = append(measures, m.Key)
	}
	for _, r := range report.Ratios {
		measures = append(measures, r.Key)
	}
	over := map[string][2]string{"bounce_rate": {"bounces", "visits"}, "visit_seconds": {"seconds", "visits"}, "pages_per_visit": {"pageviews", "visits"}, "conversion_rate": {"conversions", "visits"},
		"exit_rate": {"exits", "pageviews"}, "view_seconds": {"page_seconds", "pageviews"}}
	day := func(at time.Time) string { return calendar.DayOf(at).String() }
	hour := func(at time.Time) string { return at.UTC().Truncate(time.Hour).Format(time.RFC3339) }
	weekday := func(at time.Time) string { return strconv.Itoa((int(at.Weekday())+6)%7 + 1) }
	noon := days.To.In(zone).Add(12 * time.Hour)
	for _, c := range []struct {
		name   string
		query  report.Query
		of     func(time.Time) string
		byHour bool
	}{
		{"all", report.Query{}, func(time.Time) string { return "" }, false},
		{"series by day", report.Query{Step: report.Day}, day, false},
		{"series by hour", report.Query{Step: report.Hour}, hour, true},
		{"series by minute", report.Query{Step: report.Minute, Range: calendar.One(first)}, func(at time.Time) string { return at.UTC().Truncate(time.Minute).Format(time.RFC3339) }, true},
		{"series by second", report.Query{Step: report.Second, Range: calendar.One(first)}, func(at time.Time) string { return at.UTC().Format(time.RFC3339) }, true},
		{"by weekday", report.Query{Dimension: "weekday"}, weekday, false},
		{"by hour of the week", report.Query{Dimension: "hour"}, func(at time.Time) string { return weekday(at) + at.Format(" 15") }, true},
		{"weekdays of hours", report.Query{Dimension: "weekday", Step: report.Hour}, func(at time.Time) string { return hour(at) + weekday(at) }, true},
		{"a day until noon", report.Query{Range: calendar.One(days.To), Until: noon}, func(time.Time) string { return "" }, false},
	} {
		for _, page := range []bool{false, true} {
			for _, m := range measures {
				q := c.query
				q.Sites, q.Zone, q.Measures, q.Limit = []uint32{1}, zone, []string{m}, report.MaxLimit
				if q.Range == (calendar.Range{}) {
					q.Range = days
				}
				if page {
					q.Filters = filters(t, "page:/a")
				}
				name := fmt.Sprintf("%s %s, of a page: %t", m, c.name, page)
				got, err := source.Ask(t.Context(), []report.Query{q})
				var refused report.RefusedError
				if errors.As(err, &refused) {
					elsewhere := (report.Query{Filters: q.Filters})
					if q.Dimension == "weekday" {
						elsewhere.Dimension = "weekday"
					}
					_, anyway := elsewhere.Refusal(m)
					if !c.byHour && !anyway {
						t.Errorf("%s is refused: %v", name, err)
					}
					if c.byHour && refused.Code != report.Unlinked && !anyway {
						t.Errorf("%s is refused with %s, want %s", name, refused.Code, report.Unlinked)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				parts := [2]string{m}
				if r, ok := over[m]; ok {
					parts = r
				}
				want := [2]map[string]int64{{}, {}}
				for _, v := range visits {
					if !q.Until.IsZero() { // what has happened by then
						n := 0
						for n < len(v) && !v[n].After(q.Until) {
							n++
						}
						v = v[:n]
					}
					if len(v) == 0 || !q.Range.Contains(calendar.DayOf(v[0])) {
						continue
					}
					for i, part := range parts {
						for at, n := range v.of(part) {
							want[i][c.of(at)] += n
						}
					}
				}
				found := map[string]float64{}
				for _, line := range got[0].Lines {
					key := line.Value
					switch {
					case q.Step == report.Day:
						key = calendar.DayOf(line.At).String()
					case q.Step != "":
						key = line.At.Format(time.RFC3339) + line.Value
					case line.Detail != "":
						key += " " + line.Detail
					}
					found[key] = line.Now.Of(m)
				}
				for key := range want[0] {
					n := float64(want[0][key])
					if under := want[1][key]; parts[1] != "" && under != 0 {
						n /= float64(under)
					}
					if found[key] != n {
						t.Errorf("%s at %q: %v, want %v", name, key, found[key], n)
					}
					delete(found, key)
				}
				for key, n := range found {
					if n != 0 {
						t.Errorf("%s at %q: %v, want none", name, key, n)
					}
				}
			}
		}
	}
	// What is left by hour is not nothing.
	for _, m := range []string{"visits", "visitors", "pageviews", "events", "conversions"} {
		if refused, no := (report.Query{Step: report.Hour}).Refusal(m); no {
			t.Errorf("%s by hour is refused: %v", m, refused)
		}
	}
}
