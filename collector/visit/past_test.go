package visit_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/collector/visit"
	"github.com/fotspor/fotspor/hit"
)

// TestClaims: each line is the time of the clock, the time that a hit claims, who,
// kind and path; after the bar are day, time and measures of the row.
func TestClaims(t *testing.T) {
	tests := map[string]string{
		"a past day has visits of its own": `
			9 12:00:00 5 10:00:00 A pageview /a | 5 10:00:00 pageview visit visitor page bounce 0s entry /a
			9 12:00:01 5 10:00:30 A ping     /a | 5 10:00:30 30s entry /a after /a
			9 12:00:02 5 10:20:00 A pageview /b | 5 10:20:00 pageview page bounce-1 1170s entry /a after /a
			9 12:00:03 5 10:50:01 A pageview /a | 5 10:50:01 pageview visit bounce 0s entry /a
			9 12:00:04 5 23:59:59 B pageview /a | 5 23:59:59 pageview visit visitor page bounce 0s entry /a`,
		"time passes as the log says": `
			9 12:00:00 5 10:00:00 A pageview /a | 5 10:00:00 pageview visit visitor page bounce 0s entry /a
			9 13:00:00 5 10:00:10 A pageview /b | 5 10:00:10 pageview page bounce-1 10s entry /a after /a`,
		"a log that steps back": `
			9 12:00:00 5 10:00:10 A pageview /a | 5 10:00:10 pageview visit visitor page bounce 0s entry /a
			9 12:00:01 5 08:00:00 A pageview /b | 5 08:00:00 pageview page bounce-1 0s entry /a after /a
			9 12:00:02 5 10:00:15 A pageview /c | 5 10:00:15 pageview page 5s entry /a after /b`,
		"a ping opens no visit on a past day either": `
			9 12:00:00 5 10:00:00 A ping     /a | dropped`,
		"days in turn": `
			9 12:00:00 5 23:59:50 A pageview /a | 5 23:59:50 pageview visit visitor page bounce 0s entry /a
			9 12:00:01 6 00:00:00 A pageview /a | 6 00:00:00 pageview visit visitor page bounce 0s entry /a
			9 12:00:02 5 23:59:55 A pageview /b | 5 23:59:55 pageview page bounce-1 5s entry /a after /a
			9 12:00:03 7 00:00:00 A pageview /a | 7 00:00:00 pageview visit visitor page bounce 0s entry /a
			9 12:00:04 6 00:00:07 A pageview /a | 6 00:00:07 pageview bounce-1 7s entry /a after /a`,
		"today does not know of past days": `
			9 12:00:00 9 12:00:00 A pageview /a | 9 12:00:00 pageview visit visitor page bounce 0s entry /a
			9 12:00:01 8 12:00:01 A pageview /a | 8 12:00:01 pageview visit visitor page bounce 0s entry /a
			9 12:00:02 9 12:00:02 A pageview /b | 9 12:00:02 pageview page bounce-1 2s entry /a after /a
			9 12:00:03 8 12:00:03 A pageview /a | 8 12:00:03 pageview bounce-1 2s entry /a after /a`,
		"an earlier moment of today joins the visit": `
			9 12:00:00 9 12:00:00 A pageview /a | 9 12:00:00 pageview visit visitor page bounce 0s entry /a
			9 12:00:05 9 00:00:00 A pageview /b | 9 00:00:00 pageview page bounce-1 0s entry /a after /a
			9 12:00:09 9 12:00:09 A pageview /c | 9 12:00:09 pageview page 9s entry /a after /b`,
		"a morning of today, told in the evening": `
			9 20:00:00 9 08:00:00 A pageview /a | 9 08:00:00 pageview visit visitor page bounce 0s entry /a
			9 20:00:01 9 08:10:00 A pageview /b | 9 08:10:00 pageview page bounce-1 600s entry /a after /a
			9 20:00:02 9 20:00:02 A pageview /b | 9 20:00:02 pageview visit bounce 0s entry /b`,
		"a claim does not begin today": `
			9 12:00:00 8 12:00:00 A pageview /a | 8 12:00:00 pageview visit visitor page bounce 0s entry /a
			9 12:00:01 9 12:00:01 A pageview /a | 9 12:00:01 pageview visit visitor page bounce 0s entry /a
			9 12:00:02 8 12:00:05 A pageview /b | 8 12:00:05 pageview page bounce-1 5s entry /a after /a
			9 12:00:03 9 12:00:03 A pageview /b | 9 12:00:03 pageview page bounce-1 2s entry /a after /a`,
		"a claim of a later day than today, where the clock has moved on": `
			6 12:00:00 6 12:00:00 A pageview /a | 6 12:00:00 pageview visit visitor page bounce 0s entry /a
			9 12:00:00 8 12:00:00 A pageview /a | 8 12:00:00 pageview visit visitor page bounce 0s entry /a
			9 12:00:01 9 12:00:01 A pageview /a | 9 12:00:01 pageview visit visitor page bounce 0s entry /a
			9 12:00:02 8 12:00:02 A pageview /a | 8 12:00:02 pageview bounce-1 2s entry /a after /a`,
		"a hit of now that was slow over midnight": `
			9 00:00:00 9 00:00:00 A pageview /a | 9 00:00:00 pageview visit visitor page bounce 0s entry /a
			9 00:00:01 8 23:59:59 A pageview /b | 9 00:00:00 pageview page bounce-1 0s entry /a after /a
			9 00:00:01 8 23:59:01.001 B pageview /b | 9 00:00:00 pageview visit visitor page bounce 0s entry /b`,
		"a minute makes it a claim": `
			9 00:00:00 9 00:00:00 A pageview /a | 9 00:00:00 pageview visit visitor page bounce 0s entry /a
			9 00:00:30 8 23:59:30 A pageview /b | 8 23:59:30 pageview visit visitor page bounce 0s entry /b
			9 00:00:31 8 23:59:31 A pageview /a | 8 23:59:31 pageview page bounce-1 1s entry /b after /b`,
		"the old day is there until the new one begins": `
			8 23:59:00 8 23:59:00 A pageview /a | 8 23:59:00 pageview visit visitor page bounce 0s entry /a
			9 00:00:10 8 23:59:30 A pageview /b | 8 23:59:30 pageview page bounce-1 30s entry /a after /a
			9 00:00:11 9 00:00:11 A pageview /a | 9 00:00:11 pageview visit visitor page bounce 0s entry /a`,
		"a clock set back before midnight": `
			9 00:00:20 9 00:00:20 A pageview /a | 9 00:00:20 pageview visit visitor page bounce 0s entry /a
			8 23:59:59 8 23:59:59 A pageview /b | 9 00:00:00 pageview page bounce-1 0s entry /a after /a
			8 23:30:00 8 23:30:00 A pageview /b | 8 23:30:00 pageview visit visitor page bounce 0s entry /b
			8 23:30:01 8 10:00:00 A pageview /b | 8 10:00:00 pageview bounce-1 0s entry /b after /b
			8 23:30:02 8 23:30:02 A event    /b | 8 23:30:02 2s entry /b after /b`,
		"what is shown leaves a bounce": `
			9 12:00:00 9 12:00:00 A pageview /a | 9 12:00:00 pageview visit visitor page bounce 0s entry /a
			9 12:00:10 9 12:00:10 A passive  /a | 9 12:00:10 10s entry /a after /a
			9 12:00:20 9 12:00:20 A ping     /a | 9 12:00:20 10s entry /a after /a
			9 12:00:30 9 12:00:30 A event    /a | 9 12:00:30 bounce-1 10s entry /a after /a
			9 12:00:40 9 12:00:40 A passive  /a | 9 12:00:40 10s entry /a after /a`,
		"a visit that begins with what is shown is no bounce": `
			9 12:00:00 9 12:00:00 A passive  /a | 9 12:00:00 visit visitor 0s entry /a
			9 12:00:10 9 12:00:10 A pageview /a | 9 12:00:10 pageview page 10s entry /a
			9 12:40:11 9 12:40:11 A passive  /a | 9 12:40:11 visit 0s entry /a`,
	}
	for name, timeline := range tests {
		t.Run(name, func(t *testing.T) {
			oslo := zone(t, "Europe/Oslo")
			moment := func(day, clock string) time.Time {
				at, err := time.ParseInLocation("2006-01-2 15:04:05", "2026-07-"+day+" "+clock, oslo)
				if err != nil {
					t.Fatal(err)
				}
				return at
			}
			var now time.Time
			tr := visit.New(visit.Options{Now: func() time.Time { return now }})
			for line := range strings.Lines(strings.TrimSpace(timeline)) {
				said, want, _ := strings.Cut(strings.TrimSpace(line), " | ")
				f := strings.Fields(said)
				now = moment(f[0], f[1])
				h := person(int(f[4][0]), moment(f[2], f[3]), hit.Kind(f[5]))
				if h.Kind == "passive" {
					h.Kind, h.Passive = hit.Event, true
				}
				row := hit.Row{Path: f[6]}
				ok := tr.Observe(h, &row, oslo)
				got := tell(&row, ok)
				if ok {
					if in := row.Time.In(oslo); row.Day != calendar.DayOf(in) {
						t.Errorf("%s: day %v at %v", said, row.Day, in)
					}
					got = row.Time.In(oslo).Format("2 15:04:05 ") + got
				}
				if got != want {
					t.Errorf("%s\n got %s\nwant %s", said, got, want)
				}
			}
		})
	}
}

// steps are hits while the clock is set back and forth. Each line is the time of the
// clock, who, kind and path; after the bar are day and measures of the row.
var steps = map[string]string{
	"two hours back over midnight, and forward": `
		2026-07-09 00:30:00 A pageview /a | 2026-07-09 00:30:00 pageview visit visitor page bounce 0s entry /a
		2026-07-09 00:30:10 B pageview /a | 2026-07-09 00:30:10 pageview visit visitor page bounce 0s entry /a
		2026-07-08 22:30:10 A pageview /b | 2026-07-08 22:30:10 pageview visit visitor page bounce 0s entry /b
		2026-07-08 22:30:20 A event    /b | 2026-07-08 22:30:20 bounce-1 10s entry /b after /b
		2026-07-08 22:30:21 B ping     /a | dropped
		2026-07-08 23:59:59 C pageview /a | 2026-07-08 23:59:59 pageview visit visitor page bounce 0s entry /a
		2026-07-09 00:00:01 C pageview /b | 2026-07-09 00:00:01 pageview visit visitor page bounce 0s entry /b
		2026-07-09 02:30:00 A pageview /a | 2026-07-09 02:30:00 pageview visit visitor page bounce 0s entry /a
		2026-07-09 02:30:09 A pageview /b | 2026-07-09 02:30:09 pageview page bounce-1 9s entry /a after /a`,
	"a minute back over midnight": `
		2026-07-09 00:00:10 A pageview /a | 2026-07-09 00:00:10 pageview visit visitor page bounce 0s entry /a
		2026-07-08 23:59:00 A pageview /b | 2026-07-09 00:00:00 pageview page bounce-1 0s entry /a after /a
		2026-07-08 23:58:59 A pageview /b | 2026-07-08 23:58:59 pageview visit visitor page bounce 0s entry /b`,
	"two hours back within a day, and forward": `
		2026-07-09 14:00:00 A pageview /a | 2026-07-09 14:00:00 pageview visit visitor page bounce 0s entry /a
		2026-07-09 14:00:00 B pageview /a | 2026-07-09 14:00:00 pageview visit visitor page bounce 0s entry /a
		2026-07-09 12:00:00 A pageview /b | 2026-07-09 12:00:00 pageview page bounce-1 0s entry /a after /a
		2026-07-09 12:00:30 A event    /b | 2026-07-09 12:00:30 30s entry /a after /b
		2026-07-09 12:31:00 A pageview /b | 2026-07-09 12:31:00 pageview visit bounce 0s entry /b
		2026-07-09 14:31:00 A pageview /a | 2026-07-09 14:31:00 pageview visit bounce 0s entry /a
		2026-07-09 14:31:10 B pageview /a | 2026-07-09 14:31:10 pageview visit bounce 0s entry /a`,
	"three days back, and forward": `
		2026-07-09 12:00:00 A pageview /a | 2026-07-09 12:00:00 pageview visit visitor page bounce 0s entry /a
		2026-07-06 12:00:05 A pageview /b | 2026-07-06 12:00:05 pageview visit visitor page bounce 0s entry /b
		2026-07-06 12:00:09 A pageview /a | 2026-07-06 12:00:09 pageview page bounce-1 4s entry /b after /b
		2026-07-07 00:00:00 A pageview /a | 2026-07-07 00:00:00 pageview visit visitor page bounce 0s entry /a
		2026-07-10 00:00:05 A pageview /a | 2026-07-10 00:00:05 pageview visit visitor page bounce 0s entry /a
		2026-07-10 00:00:07 A event    /a | 2026-07-10 00:00:07 bounce-1 2s entry /a after /a`,
	"five months back, from summer to winter, and forward": `
		2026-07-09 12:00:00 A pageview /a | 2026-07-09 12:00:00 pageview visit visitor page bounce 0s entry /a
		2026-02-09 00:00:00 A pageview /b | 2026-02-09 00:00:00 pageview visit visitor page bounce 0s entry /b
		2026-02-09 23:59:59 B pageview /b | 2026-02-09 23:59:59 pageview visit visitor page bounce 0s entry /b
		2026-02-10 00:00:00 B pageview /b | 2026-02-10 00:00:00 pageview visit visitor page bounce 0s entry /b
		2026-07-09 12:00:10 A pageview /a | 2026-07-09 12:00:10 pageview visit visitor page bounce 0s entry /a
		2026-07-09 12:00:20 A pageview /b | 2026-07-09 12:00:20 pageview page bounce-1 10s entry /a after /a`,
	"over the end of summer time, and back over midnight": `
		2026-10-26 00:30:00 A pageview /a | 2026-10-26 00:30:00 pageview visit visitor page bounce 0s entry /a
		2026-10-25 01:30:00 A pageview /a | 2026-10-25 01:30:00 pageview visit visitor page bounce 0s entry /a
		2026-10-24 23:30:00 A pageview /a | 2026-10-24 23:30:00 pageview visit visitor page bounce 0s entry /a
		2026-10-25 00:00:00 A pageview /a | 2026-10-25 00:00:00 pageview visit visitor page bounce 0s entry /a`,
}

// runSteps runs steps. It calls between after setting the clock and before each hit.
func runSteps(t *testing.T, between func(t *testing.T, tr *visit.Tracker, opts visit.Options) *visit.Tracker) {
	for name, timeline := range steps {
		t.Run(name, func(t *testing.T) {
			oslo := zone(t, "Europe/Oslo")
			var now time.Time
			opts := visit.Options{Now: func() time.Time { return now }}
			tr := visit.New(opts)
			for line := range strings.Lines(strings.TrimSpace(timeline)) {
				said, want, _ := strings.Cut(strings.TrimSpace(line), " | ")
				f := strings.Fields(said)
				at, err := time.ParseInLocation(time.DateTime, f[0]+" "+f[1], oslo)
				if err != nil {
					t.Fatal(err)
				}
				now = at
				tr = between(t, tr, opts)
				row := hit.Row{Path: f[4]}
				ok := tr.Observe(person(int(f[2][0]), at, hit.Kind(f[3])), &row, oslo)
				got := tell(&row, ok)
				if ok {
					got = row.Time.In(oslo).Format("2006-01-02 15:04:05 ") + got
					if row.Day != calendar.DayOf(row.Time.In(oslo)) {
						t.Errorf("%s: day %v at %v", said, row.Day, row.Time.In(oslo))
					}
				}
				if got != want {
					t.Errorf("%s\n got %s\nwant %s", said, got, want)
				}
			}
		})
	}
}

// TestStepsBack: a hit counts on the day of the clock, however the clock was set before,
// with or without a sweep before it.
func TestStepsBack(t *testing.T) {
	t.Run("no sweep", func(t *testing.T) {
		runSteps(t, func(_ *testing.T, tr *visit.Tracker, _ visit.Options) *visit.Tracker { return tr })
	})
	t.Run("sweep", func(t *testing.T) {
		runSteps(t, func(_ *testing.T, tr *visit.Tracker, opts visit.Options) *visit.Tracker {
			tr.Sweep(opts.Now())
			return tr
		})
	})
}

// TestStepsBackForget: when the clock is set back, later days are forgotten.
func TestStepsBackForget(t *testing.T) {
	now := time.Date(2026, 7, 9, 12, 0, 0, 0, time.UTC)
	reg := prometheus.NewPedanticRegistry()
	tr := visit.New(visit.Options{Now: func() time.Time { return now }, Registerer: reg})
	row := hit.Row{Path: "/"}
	tr.Observe(person(1, now, hit.Pageview), &row, time.UTC)
	tr.Observe(person(1, now.AddDate(0, 0, -1), hit.Pageview), &row, time.UTC)
	wantGauges(t, reg, 0, 2)
	now = now.AddDate(0, -5, 0)
	tr.Sweep(now)
	wantGauges(t, reg, 0, 0)
}

// TestReplay: logs of many past days that are replayed at once have the figures of all
// their hits, and do not change those of today.
func TestReplay(t *testing.T) {
	kinds := []hit.Kind{hit.Pageview, hit.Pageview, hit.Pageview, hit.Event, hit.Outlink, hit.Ping, hit.Ping}
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 1))
		loc := zone(t, []string{"Europe/Oslo", "America/Santiago", "Africa/Cairo", "America/Havana"}[seed%4])
		at := time.Date(2026, []time.Month{3, 9, 4, 10}[seed%4], []int{28, 5, 23, 31}[seed%4], 3, 0, 0, 0, time.UTC)
		now := at.AddDate(0, 0, 20)
		var events []event
		logs := make(map[string][]event) // by day
		var days []string
		record := func(e event) {
			day := e.at.In(loc).Format(time.DateOnly)
			if logs[day] == nil {
				days = append(days, day)
			}
			logs[day] = append(logs[day], e)
			events = append(events, e)
		}
		someone := func(at time.Time) event {
			return event{
				at: at, site: 1 + r.Uint32N(3), who: r.IntN(20), kind: kinds[r.IntN(len(kinds))],
				path: fmt.Sprintf("/%d", r.IntN(12)),
			}
		}
		for range 5000 {
			at = at.Add(time.Duration(r.ExpFloat64() * float64(100*time.Second)))
			record(someone(at))
		}
		for i := range 500 {
			record(someone(now.Add(time.Duration(i) * 10 * time.Second)))
		}

		tr := visit.New(visit.Options{Now: func() time.Time { return now }})
		got := make(map[siteDay]sums)
		for len(days) > 0 {
			i := r.IntN(len(days))
			day := days[i]
			e := logs[day][0]
			if logs[day] = logs[day][1:]; len(logs[day]) == 0 {
				days = append(days[:i], days[i+1:]...)
			}
			if now.Before(e.at) {
				now = e.at
			}
			h := person(e.who, e.at, e.kind)
			h.Site = e.site
			row := hit.Row{Path: e.path}
			key := siteDay{e.site, day}
			s := got[key]
			if !tr.Observe(h, &row, loc) {
				s.Dropped++
			} else if row.Day.String() != day {
				t.Fatalf("seed %d: day of %v is %v, want %s", seed, e.at, row.Day, day)
			}
			s.Pageviews += int(row.Pageviews)
			s.Visits += int(row.Visits)
			s.Visitors += int(row.Visitors)
			s.PageVisitors += int(row.PageVisitors)
			s.SectionVisitors += int(row.SectionVisitors)
			s.Bounces += int(row.Bounces)
			s.Seconds += int(row.Seconds)
			got[key] = s
		}
		if diff := cmp.Diff(model(events, loc), got); diff != "" {
			t.Errorf("seed %d: sums (-model +got):\n%s", seed, diff)
		}
	}
}

// TestPastMidnight: a past day has the bounds that it had while it was today.
func TestPastMidnight(t *testing.T) {
	tests := []struct{ zone, day, start, end string }{
		{"Europe/Oslo", "2026-07-06", "2026-07-05T22:00:00Z", "2026-07-06T22:00:00Z"},
		{"Europe/Oslo", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},        // 23 hours long
		{"Europe/Oslo", "2025-10-26", "2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z"},        // 25 hours long
		{"America/Santiago", "2025-09-07", "2025-09-07T04:00:00Z", "2025-09-08T03:00:00Z"},   // begins at 01:00
		{"America/Santiago", "2026-04-04", "2026-04-04T03:00:00Z", "2026-04-05T04:00:00Z"},   // 23:00 comes twice
		{"America/Havana", "2025-11-02", "2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z"},     // 00:00 comes twice
		{"America/St_Johns", "2010-11-06", "2010-11-06T02:30:00Z", "2010-11-07T02:30:00Z"},   // 23:01 comes again
		{"America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"},   // after 00:01 of this
		{"Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"},       // the next does not exist
		{"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"},       // the one before does not
		{"Pacific/Kiritimati", "2026-07-06", "2026-07-05T10:00:00Z", "2026-07-06T10:00:00Z"}, // UTC+14
	}
	now := time.Date(2026, 7, 20, 12, 0, 0, 0, time.UTC)
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.zone, "/", "-")+" "+tt.day, func(t *testing.T) {
			loc := zone(t, tt.zone)
			parse := func(s string) time.Time {
				at, err := time.Parse(time.RFC3339, s)
				if err != nil {
					t.Fatal(err)
				}
				return at
			}
			start, end := parse(tt.start), parse(tt.end)
			tr := visit.New(visit.Options{Now: func() time.Time { return now }})
			for _, step := range []struct {
				at       time.Time
				visitors int32
				today    bool
			}{
				{start.Add(-1), 1, false},
				{start, 1, true},
				{end.Add(-time.Hour), 0, true},
				{end.Add(-30 * time.Minute), 0, true},
				{end.Add(-1), 0, true},
				{end, 1, false},
				{start.Add(time.Hour), 0, true},
			} {
				var row hit.Row
				tr.Observe(person(1, step.at, hit.Pageview), &row, loc)
				if row.Visitors != step.visitors || (row.Day.String() == tt.day) != step.today {
					t.Errorf("%v: day %v, visitors %d; want that day %t, visitors %d",
						step.at, row.Day, row.Visitors, step.today, step.visitors)
				}
				if !row.Time.Equal(step.at.Truncate(time.Second)) {
					t.Errorf("%v: time %v", step.at, row.Time)
				}
			}

			// The first hit of a day counts the same as later ones.
			for _, clock := range []func() time.Time{live, func() time.Time { return now }} {
				for at := start; at.Before(end); at = at.Add(10 * time.Minute) {
					var row hit.Row
					visit.New(visit.Options{Now: clock}).Observe(person(1, at, hit.Pageview), &row, loc)
					if row.Day.String() != tt.day {
						t.Errorf("first hit at %v: day %v", at, row.Day)
					}
				}
			}
		})
	}
}

// TestPastZone: the same date in two time zones is two past days.
func TestPastZone(t *testing.T) {
	now := time.Date(2026, 7, 20, 12, 0, 0, 0, time.UTC)
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	tr := visit.New(visit.Options{Now: func() time.Time { return now }})
	for i, want := range []struct {
		zone     string
		visitors int32
	}{
		{"Europe/Oslo", 1}, {"Europe/Oslo", 0}, {"America/Santiago", 1}, {"America/Santiago", 0}, {"Europe/Oslo", 0},
	} {
		var row hit.Row
		tr.Observe(person(1, at, hit.Pageview), &row, zone(t, want.zone))
		if row.Visitors != want.visitors {
			t.Errorf("hit %d: visitors %d, want %d", i, row.Visitors, want.visitors)
		}
	}
}

// replayer gives hits of one person to a tracker whose clock stands still.
type replayer struct {
	*visit.Tracker
	now time.Time
	reg *prometheus.Registry
	log bytes.Buffer
}

func newReplayer() *replayer {
	r := &replayer{now: time.Date(2026, 7, 20, 12, 0, 0, 0, time.UTC), reg: prometheus.NewPedanticRegistry()}
	r.Tracker = visit.New(visit.Options{
		Now:        func() time.Time { return r.now },
		Registerer: r.reg, Logger: slog.New(slog.NewTextHandler(&r.log, nil)),
	})
	return r
}

// isNew observes a hit of some days ago, and reports whether its visitor is new.
func (r *replayer) isNew(site uint32, who, daysAgo int) bool {
	h := person(who, r.now.AddDate(0, 0, -daysAgo), hit.Pageview)
	h.Site = site
	row := hit.Row{Path: "/"}
	return r.Observe(h, &row, time.UTC) && row.Visitors == 1
}

func TestMaxPastDays(t *testing.T) {
	r := newReplayer()
	r.isNew(1, 1, 0)
	r.isNew(1, 2, 1)
	for day := 1; day <= visit.MaxPastDays-1; day++ {
		if !r.isNew(1, 1, day) {
			t.Errorf("day %d is known before it came", day)
		}
	}
	if !r.isNew(2, 1, 1) || r.isNew(1, 1, 1) { // the same day of another site; full
		t.Error("sites share a past day")
	}
	wantGauges(t, r.reg, 0, visit.MaxPastDays+2)
	if !r.isNew(3, 1, 1) { // in place of the second day
		t.Error("a new day is known")
	}
	wantGauges(t, r.reg, 1, visit.MaxPastDays+2)
	for _, known := range []struct {
		site    uint32
		daysAgo int
	}{{1, 0}, {1, 1}, {1, 3}, {1, visit.MaxPastDays - 1}, {2, 1}, {3, 1}} {
		if r.isNew(known.site, 1, known.daysAgo) {
			t.Errorf("%v has left", known)
		}
	}
	if !r.isNew(1, 1, 2) { // in place of the fourth day
		t.Error("the day used longest ago did not leave")
	}
	if !r.isNew(1, 1, 4) {
		t.Error("the day used longest ago did not leave")
	}
	wantGauges(t, r.reg, 3, visit.MaxPastDays+2)
	r.Sweep(r.now)
	if text := r.log.String(); !strings.Contains(text, "evicted=3") {
		t.Errorf("log = %q, want it to tell of three", text)
	}
}

// TestPastSweep: a past day is forgotten when no hit came to it for half an hour.
func TestPastSweep(t *testing.T) {
	r := newReplayer()
	r.isNew(1, 1, 0)
	r.isNew(1, 1, 1)
	r.now = r.now.Add(time.Minute)
	r.isNew(1, 1, 2)
	r.isNew(2, 1, 1)
	for _, step := range []struct {
		after time.Duration
		left  int
	}{{0, 4}, {visit.Silence - time.Minute - 1, 4}, {1, 3}, {time.Minute - 1, 3}} {
		r.now = r.now.Add(step.after)
		r.Sweep(r.now)
		wantGauges(t, r.reg, 0, step.left)
	}
	if r.isNew(1, 1, 2) { // just in time
		t.Error("a visitor has left before time")
	}
	r.now = r.now.Add(1)
	r.Sweep(r.now)
	wantGauges(t, r.reg, 0, 2)
	if r.isNew(1, 1, 0) {
		t.Error("today was forgotten")
	}
	if !r.isNew(1, 1, 1) || !r.isNew(2, 1, 1) {
		t.Error("a visitor of a forgotten day is recognised")
	}
}

// TestRunPast: past days are forgotten on a site without hits too.
func TestRunPast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewPedanticRegistry()
		tr := visit.New(visit.Options{Registerer: reg})
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { tr.Run(ctx) })
		time.Sleep(time.Hour)
		row := hit.Row{Path: "/"}
		tr.Observe(person(1, time.Now().AddDate(0, 0, -3), hit.Pageview), &row, time.UTC)
		time.Sleep(visit.Silence - time.Millisecond)
		synctest.Wait()
		wantGauges(t, reg, 0, 1)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		wantGauges(t, reg, 0, 0)
		stop()
		wg.Wait()
	})
}

// TestConcurrentPast runs replays of more days than fit, current hits, and sweeps that
// forget past days.
func TestConcurrentPast(t *testing.T) {
	var clock atomic.Int64
	clock.Store(time.Date(2026, 7, 20, 23, 0, 0, 0, time.UTC).UnixNano())
	now := func() time.Time { return time.Unix(0, clock.Load()).UTC() }
	tr := visit.New(visit.Options{Memory: visit.MinMemory, Now: now})
	var pageviews atomic.Int64
	var wg sync.WaitGroup
	const workers, hits = 8, 3000
	for w := range workers {
		wg.Go(func() {
			for i := range hits {
				clock.Add(int64(time.Second))
				at := now()
				want := at
				if i%3 > 0 {
					at = at.AddDate(0, 0, -2-(i*7+w)%50)
				}
				h := person(w*10+i%10, at, hit.Pageview)
				h.Site = uint32(1 + i%2)
				row := hit.Row{Path: fmt.Sprintf("/%d", i%5)}
				tr.Observe(h, &row, time.UTC)
				pageviews.Add(int64(row.Pageviews))
				if i%3 > 0 && row.Day != calendar.DayOf(at) {
					t.Errorf("day of %v is %v", at, row.Day)
				}
				if i%100 == 0 {
					tr.Sweep(want)
				}
				if i%500 == 0 {
					tr.Sweep(want.Add(visit.Silence))
				}
			}
		})
	}
	wg.Wait()
	if got := pageviews.Load(); got != workers*hits {
		t.Errorf("pageviews = %d, want %d", got, workers*hits)
	}
}
