package report_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/report"
)

// arrivals are hits of two days, as a Source that has those which were stored by now.
type arrivals struct {
	all []arrival
	now time.Time
}

type arrival struct {
	person
	at, stored time.Time
	first      bool // of the visitor on the day
}

func (a arrivals) Ask(_ context.Context, queries []report.Query) ([]report.Result, error) {
	var results []report.Result
	for _, q := range queries {
		within := func(days *calendar.Range, until, at time.Time) bool {
			return days != nil && days.Contains(calendar.DayOf(at)) && (until.IsZero() || !at.After(until))
		}
		lines := map[report.Line]*report.Line{}
		for _, h := range a.all {
			now, before := within(&q.Range, q.Until, h.at), within(q.Compare, q.CompareUntil, h.at)
			for _, f := range q.Filters {
				value, _ := h.of(f.Dimension)
				if (value == f.Value) == f.Not {
					now, before = false, false
				}
			}
			if h.stored.After(a.now) || !now && !before {
				continue
			}
			var key report.Line
			if key.Value, key.Detail = h.of(q.Dimension); q.Step == report.Second {
				key.At = h.at
			}
			var sums report.Sums
			for _, m := range report.Measures {
				if m.Key == "pageviews" || m.Key == "visitors" && h.first {
					sums = sums.With(m.Key, 1)
				}
			}
			if lines[key] == nil {
				line := key
				lines[key] = &line
			}
			if now {
				lines[key].Now = lines[key].Now.Add(sums)
			} else {
				lines[key].Before = lines[key].Before.Add(sums)
			}
		}
		var r report.Result
		for _, l := range lines {
			r.Lines = append(r.Lines, *l)
		}
		slices.SortFunc(r.Lines, func(a, b report.Line) int {
			return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Value, b.Value), strings.Compare(a.Detail, b.Detail))
		})
		results = append(results, r)
	}
	return results, nil
}

// TestTodayInSteps reads breakdowns of today at many moments, and checks that what differs
// between two of them, of the day and of the one that it is compared with, is the hits of
// no visitors or of at least as many as the threshold.
func TestTodayInSteps(t *testing.T) {
	day, _ := calendar.ParseDay("2026-11-24")
	before := calendar.One(day - 7)
	rapid.Check(t, func(t *rapid.T) {
		var source arrivals
		for _, first := range []calendar.Day{day, before.From} {
			at := first.Time().Add(9 * time.Hour)
			for range rapid.IntRange(0, 60).Draw(t, "hits") {
				at = at.Add(time.Duration(rapid.OneOf(rapid.IntRange(0, 2), rapid.IntRange(0, 4), rapid.IntRange(0, 60)).Draw(t, "wait")) * time.Second)
				p := person{country: "NO", device: rapid.SampledFrom([]string{"mobile", "desktop"}).Draw(t, "device"), page: rapid.SampledFrom([]string{"/", "/a", "/b"}).Draw(t, "page")}
				source.all = append(source.all, arrival{p, at, at.Add(time.Duration(rapid.IntRange(0, 9).Draw(t, "stored")) * time.Second), rapid.Bool().Draw(t, "first")})
			}
		}
		// published is what can be read at a moment, and how many visitors it is of.
		published := func(now time.Time) (lines map[string]report.Sums, visitors [2]int64) {
			source.now = now
			ask := func(dimension, measure string, filters ...report.Filter) report.Query {
				return report.Query{
					Sites: []uint32{1}, Range: calendar.One(day), Compare: &before, Until: now, CompareUntil: now.AddDate(0, 0, -7),
					Dimension: dimension, Measures: []string{measure}, Filters: filters,
				}
			}
			queries := []report.Query{
				ask("device", "visitors"), ask("page", "pageviews"), ask("country", "visitors"),
				ask("", "pageviews", report.Filter{Dimension: "page", Value: "/a"}), ask("", "pageviews", report.Filter{Dimension: "page", Value: "/a", Not: true}),
			}
			results, err := report.Guard{Source: source, Threshold: func(uint32) int { return threshold }}.Ask(t.Context(), queries)
			if err != nil {
				t.Fatal(err)
			}
			lines = map[string]report.Sums{}
			for i, r := range results {
				if r.AsOf != results[0].AsOf {
					t.Fatalf("breakdowns are as of %v and %v", r.AsOf, results[0].AsOf)
				}
				for _, l := range r.Lines {
					lines[fmt.Sprint(i, l.Value, " now")], lines[fmt.Sprint(i, l.Value, " before")] = l.Now, l.Before
				}
			}
			today, compared := results[0].Total()
			return lines, [2]int64{today.Count("visitors"), compared.Count("visitors")}
		}
		last, of := published(day.Time().Add(8 * time.Hour))
		if of != [2]int64{} {
			t.Fatalf("%v visitors before there was one", of)
		}
		now := day.Time().Add(9 * time.Hour)
		for range rapid.IntRange(1, 60).Draw(t, "looks") {
			now = now.Add(time.Duration(rapid.OneOf(rapid.IntRange(0, 3), rapid.IntRange(0, 3), rapid.IntRange(0, 60)).Draw(t, "look")) * time.Second)
			lines, visitors := published(now)
			for i := range visitors {
				if n := visitors[i] - of[i]; n != 0 && n < threshold {
					t.Fatalf("at %v: %d visitors more in period %d", now, n, i)
				}
			}
			if visitors == of && !maps.Equal(lines, last) {
				t.Fatalf("at %v: %v, and before that %v of the same visitors", now, lines, last)
			}
			last, of = lines, visitors
		}
		_, visitors := published(day.Time().Add(23 * time.Hour))
		came := int64(0)
		for _, h := range source.all {
			if h.first && calendar.DayOf(h.at) == day {
				came++
			}
		}
		if came-visitors[0] >= threshold {
			t.Fatalf("at the end of the day %d of %d visitors", visitors[0], came)
		}
	})
}
