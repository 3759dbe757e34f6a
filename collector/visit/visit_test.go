package visit_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/collector/visit"
	"github.com/fotspor/fotspor/hit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// live is a clock later than all hits, so that each counts as one of now.
func live() time.Time { return time.Time{} }

// person returns a hit of one of 16 million people, 256 to a network.
func person(n int, at time.Time, kind hit.Kind) *hit.Hit {
	return &hit.Hit{
		Site: 1, Time: at, Kind: kind,
		Addr:      hit.NewAddr(netip.AddrFrom4([4]byte{203, byte(n >> 16), byte(n >> 8), byte(n)})),
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
	}
}

// wantGauges checks the metrics of a tracker.
func wantGauges(t *testing.T, reg *prometheus.Registry, evicted, inMemory int) {
	t.Helper()
	if err := testutil.GatherAndCompare(reg, strings.NewReader(fmt.Sprintf(`
# HELP fotspor_visitors_evicted_total Visitors evicted from memory because it, or their network's share of it, was full. One who comes back counts as new.
# TYPE fotspor_visitors_evicted_total counter
fotspor_visitors_evicted_total %d
# HELP fotspor_visitors_in_memory Visitors held in memory: those of today, and those of past days for which hits still come.
# TYPE fotspor_visitors_in_memory gauge
fotspor_visitors_in_memory %d
`, evicted, inMemory)), "fotspor_visitors_evicted_total", "fotspor_visitors_in_memory"); err != nil {
		t.Error(err)
	}
}

// tell describes what the tracker has set in a row.
func tell(row *hit.Row, ok bool) string {
	if !ok {
		return "dropped"
	}
	var words []string
	for _, m := range []struct {
		name string
		n    int32
	}{
		{"pageview", row.Pageviews},
		{"visit", row.Visits},
		{"visitor", row.Visitors},
		{"page", row.PageVisitors},
		{"bounce", row.Bounces},
	} {
		switch m.n {
		case 0:
		case 1:
			words = append(words, m.name)
		default:
			words = append(words, fmt.Sprintf("%s%+d", m.name, m.n))
		}
	}
	words = append(words, fmt.Sprintf("%ds", row.Seconds), "entry", row.EntryPath)
	if row.PreviousPath != "" {
		words = append(words, "after", row.PreviousPath)
	}
	if row.Source != "" {
		words = append(words, "from", row.Source)
	}
	return strings.Join(words, " ")
}

// TestTimelines: each line is the time, who, kind and path of a hit and, after an
// optional @, its source; after the bar is what the tracker sets in the row.
func TestTimelines(t *testing.T) {
	tests := map[string]string{
		"one page is a bounce": `
			5 10:00:00 A pageview /a | pageview visit visitor page bounce 0s entry /a`,
		"two pages are none": `
			5 10:00:00 A pageview /a | pageview visit visitor page bounce 0s entry /a
			5 10:05:00 A pageview /b | pageview page bounce-1 300s entry /a after /a
			5 10:06:00 A pageview /c | pageview page 60s entry /a after /b`,
		"the same page twice": `
			5 10:00:00 A pageview /a | pageview visit visitor page bounce 0s entry /a
			5 10:00:09 A pageview /a | pageview bounce-1 9s entry /a after /a`,
		"an event ends a bounce": `
			5 10:00:00 A pageview /a | pageview visit visitor page bounce 0s entry /a
			5 10:00:30 A event    /a | bounce-1 30s entry /a after /a
			5 10:00:40 A outlink  /a | 10s entry /a after /a`,
		"a visit that begins with an event is no bounce": `
			5 10:00:00 A event    /x | visit visitor 0s entry /x
			5 10:01:00 A pageview /a | pageview page 60s entry /x
			5 10:02:00 A pageview /b | pageview page 60s entry /x after /a`,
		"download alone": `
			5 10:00:00 A download /f | visit visitor 0s entry /f`,
		"a ping is no interaction": `
			5 10:00:00 A pageview /a | pageview visit visitor page bounce 0s entry /a
			5 10:00:15 A ping     /a | 15s entry /a after /a
			5 10:00:45 A ping     /a | 30s entry /a after /a
			5 10:01:00 A pageview /b | pageview page bounce-1 15s entry /a after /a`,
		"a ping opens no visit": `
			5 10:00:00 A ping     /a | dropped
			5 10:00:10 A pageview /a | pageview visit visitor page bounce 0s entry /a
			5 10:30:11 A ping     /a | dropped
			5 10:30:12 A pageview /a | pageview visit bounce 0s entry /a`,
		"a ping keeps a visit alive": `
			5 10:00:00 A pageview /a | pageview visit visitor page bounce 0s entry /a
			5 10:30:00 A ping     /a | 1800s entry /a after /a
			5 11:00:00 A pageview /b | pageview page bounce-1 1800s entry /a after /a`,
		"thirty minutes of silence are the same visit": `
			5 10:00:00 A pageview /a | pageview visit visitor page bounce 0s entry /a
			5 10:30:00 A pageview /b | pageview page bounce-1 1800s entry /a after /a`,
		"a moment more is another visit of the same visitor": `
			5 10:00:00     A pageview /a | pageview visit visitor page bounce 0s entry /a
			5 10:30:00.001 A pageview /b | pageview visit page bounce 0s entry /b
			5 10:31:00     A pageview /a | pageview bounce-1 59s entry /b after /b`,
		"two visitors": `
			5 10:00:00 A pageview /a | pageview visit visitor page bounce 0s entry /a
			5 10:01:00 B pageview /b | pageview visit visitor page bounce 0s entry /b
			5 10:02:00 A pageview /b | pageview page bounce-1 120s entry /a after /a
			5 10:03:00 B event    /b | bounce-1 120s entry /b after /b`,
		"the first hit says where the visit came from": `
			5 10:00:00 A pageview /a @Google   | pageview visit visitor page bounce 0s entry /a from Google
			5 10:01:00 A pageview /b           | pageview page bounce-1 60s entry /a after /a from Google
			5 10:02:00 A pageview /c @Bing     | pageview page 60s entry /a after /b from Google
			5 10:03:00 A ping     /c           | 60s entry /a after /c from Google
			5 10:40:00 A pageview /d           | pageview visit page bounce 0s entry /d
			5 10:41:00 A pageview /e @Google   | pageview page bounce-1 60s entry /d after /d`,
		"midnight begins visitor and visit anew": `
			5 23:59:30 A pageview /a | pageview visit visitor page bounce 0s entry /a
			6 00:00:00 A pageview /a | pageview visit visitor page bounce 0s entry /a
			6 00:00:10 A pageview /b | pageview page bounce-1 10s entry /a after /a`,
		"a ping does not cross midnight": `
			5 23:59:30 A pageview /a | pageview visit visitor page bounce 0s entry /a
			6 00:00:00 A ping     /a | dropped`,
		"parts of a second are carried": `
			5 10:00:00.000 A pageview /a | pageview visit visitor page bounce 0s entry /a
			5 10:00:00.700 A pageview /b | pageview page bounce-1 0s entry /a after /a
			5 10:00:01.400 A pageview /c | pageview page 1s entry /a after /b
			5 10:00:02.100 A pageview /d | pageview page 1s entry /a after /c
			5 10:00:02.800 A pageview /e | pageview page 0s entry /a after /d`,
		"a clock that steps back": `
			5 10:00:10 A pageview /a | pageview visit visitor page bounce 0s entry /a
			5 10:00:00 A pageview /b | pageview page bounce-1 0s entry /a after /a
			5 10:00:15 A pageview /c | pageview page 5s entry /a after /b`,
		"hits that cross at midnight": `
			6 00:00:00     A pageview /a | pageview visit visitor page bounce 0s entry /a
			5 23:59:59.900 B pageview /a | pageview visit visitor page bounce 0s entry /a
			6 00:00:05     B pageview /b | pageview page bounce-1 5s entry /a after /a
			5 23:59:59.900 A pageview /b | pageview page bounce-1 0s entry /a after /a`,
	}
	for name, timeline := range tests {
		t.Run(name, func(t *testing.T) {
			oslo := zone(t, "Europe/Oslo")
			tr := visit.New(visit.Options{Now: live})
			for _, line := range strings.Split(strings.TrimSpace(timeline), "\n") {
				said, want, _ := strings.Cut(strings.TrimSpace(line), " | ")
				f := strings.Fields(said)
				at, err := time.ParseInLocation("2006-01-2 15:04:05", "2026-07-"+f[0]+" "+f[1], oslo)
				if err != nil {
					t.Fatal(err)
				}
				row := hit.Row{Path: f[4]}
				if len(f) > 5 {
					row.Source = f[5][1:]
				}
				ok := tr.Observe(person(int(f[2][0]), at, hit.Kind(f[3])), &row, oslo)
				if got := tell(&row, ok); got != want {
					t.Errorf("%s\n got %s\nwant %s", said, got, want)
				}
			}
		})
	}
}

// TestRow: Observe changes no other fields of a row than those it is documented to fill.
func TestRow(t *testing.T) {
	tr := visit.New(visit.Options{Now: live})
	at := time.Date(2026, 7, 5, 23, 30, 0, 999, time.UTC)
	first := hit.Row{
		Path: "/a", Host: "h", Channel: "campaign", Source: "s", Campaign: "c", CampaignSource: "cs",
		CampaignMedium: "cm", CampaignTerm: "ct", CampaignContent: "cc",
		EntryPath: "?", PreviousPath: "?", Seconds: 9, Bounces: 9, Visits: 9,
	}
	want := first
	want.Time, want.Day = time.Date(2026, 7, 5, 23, 30, 0, 0, time.UTC), calendar.DayOf(time.Date(2026, 7, 6, 0, 0, 0, 0, time.UTC))
	want.EntryPath, want.PreviousPath, want.Seconds = "/a", "", 0
	want.Pageviews, want.Visits, want.Visitors, want.PageVisitors, want.SectionVisitors, want.Bounces = 1, 1, 1, 1, 1, 1
	oslo := zone(t, "Europe/Oslo")
	if !tr.Observe(person(1, at, hit.Pageview), &first, oslo) {
		t.Fatal("dropped")
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("first row (-want +got):\n%s", diff)
	}
	second := hit.Row{Path: "/b", Channel: "direct"}
	tr.Observe(person(1, at.Add(time.Second), hit.Event), &second, oslo)
	want = hit.Row{
		Time: want.Time.Add(time.Second), Day: want.Day, Path: "/b", Channel: "campaign", Source: "s",
		Campaign: "c", CampaignSource: "cs", CampaignMedium: "cm", CampaignTerm: "ct", CampaignContent: "cc",
		EntryPath: "/a", PreviousPath: "/a", Bounces: -1, Seconds: 1,
	}
	if diff := cmp.Diff(want, second); diff != "" {
		t.Errorf("second row (-want +got):\n%s", diff)
	}
	dropped := hit.Row{Path: "/c", Seconds: 7}
	if tr.Observe(person(2, at, hit.Ping), &dropped, oslo) || dropped != (hit.Row{Path: "/c", Seconds: 7}) {
		t.Errorf("ping without a visit: row = %+v", dropped)
	}
}

// TestIdentity: a visitor is identified by site, address and User-Agent only.
func TestIdentity(t *testing.T) {
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	base := func() *hit.Hit {
		h := person(1, at, hit.Pageview)
		h.UserAgent = "ua"
		return h
	}
	tests := map[string]struct {
		change func(*hit.Hit)
		same   bool
	}{
		"nothing":        {func(*hit.Hit) {}, true},
		"language":       {func(h *hit.Hit) { h.Language = "nb" }, true},
		"page":           {func(h *hit.Hit) { h.URL = "https://example.org/b" }, true},
		"mapped address": {func(h *hit.Hit) { h.Addr = hit.NewAddr(netip.MustParseAddr("::ffff:203.0.0.1")) }, true},
		"site":           {func(h *hit.Hit) { h.Site = 2 }, false},
		"address":        {func(h *hit.Hit) { h.Addr = hit.NewAddr(netip.MustParseAddr("203.0.0.2")) }, false},
		"IPv6 address":   {func(h *hit.Hit) { h.Addr = hit.NewAddr(netip.MustParseAddr("2001:db8::1")) }, false},
		"no address":     {func(h *hit.Hit) { h.Addr = hit.Addr{} }, false},
		"User-Agent":     {func(h *hit.Hit) { h.UserAgent = "ua2" }, false},
		"giant agent":    {func(h *hit.Hit) { h.UserAgent = strings.Repeat("x", 10_000) }, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tr := visit.New(visit.Options{Now: live})
			h := base()
			tt.change(h)
			var first, second hit.Row
			tr.Observe(base(), &first, time.UTC)
			tr.Observe(h, &second, time.UTC)
			if got := second.Visitors == 0; got != tt.same {
				t.Errorf("same visitor = %t, want %t", got, tt.same)
			}
		})
	}
}

// TestMidnight: the day changes at the site's midnight to the nanosecond.
func TestMidnight(t *testing.T) {
	tests := []struct{ zone, day, midnight string }{
		{"Europe/Oslo", "2026-07-06", "2026-07-05T22:00:00Z"},
		{"Europe/Oslo", "2026-03-29", "2026-03-28T23:00:00Z"}, // 23 hours long
		{"Europe/Oslo", "2026-03-30", "2026-03-29T22:00:00Z"},
		{"Europe/Oslo", "2026-10-25", "2026-10-24T22:00:00Z"}, // 25 hours long
		{"Europe/Oslo", "2026-10-26", "2026-10-25T23:00:00Z"},
		{"America/Santiago", "2026-09-06", "2026-09-06T04:00:00Z"}, // begins at 01:00
		{"America/Santiago", "2026-04-05", "2026-04-05T04:00:00Z"}, // 23:00 comes twice before
		{"Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z"},     // begins at 01:00
		{"Africa/Cairo", "2026-10-30", "2026-10-29T22:00:00Z"},
		{"America/Havana", "2026-11-01", "2026-11-01T04:00:00Z"}, // 00:00 comes twice
		{"Asia/Kathmandu", "2026-07-06", "2026-07-05T18:15:00Z"},
		{"Pacific/Kiritimati", "2026-07-06", "2026-07-05T10:00:00Z"},
		{"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"}, // the day before does not exist
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.zone, "/", "-")+" "+tt.day, func(t *testing.T) {
			loc := zone(t, tt.zone)
			midnight, err := time.Parse(time.RFC3339, tt.midnight)
			if err != nil {
				t.Fatal(err)
			}
			day, err := calendar.ParseDay(tt.day)
			if err != nil {
				t.Fatal(err)
			}
			tr := visit.New(visit.Options{Now: live})
			for _, step := range []struct {
				at       time.Time
				visitors int32
				today    bool
			}{
				{midnight.Add(-2 * time.Nanosecond), 1, false},
				{midnight.Add(-1 * time.Nanosecond), 0, false},
				{midnight, 1, true},
				{midnight.Add(3 * time.Hour), 0, true},
				{midnight.Add(22*time.Hour + 59*time.Minute), 0, true}, // the shortest day
			} {
				var row hit.Row
				tr.Observe(person(1, step.at, hit.Pageview), &row, loc)
				if row.Visitors != step.visitors || (row.Day == day) != step.today {
					t.Errorf("%v: day %v, visitors %d; want today %t, visitors %d",
						step.at, row.Day, row.Visitors, step.today, step.visitors)
				}
			}
			// A late hit of yesterday counts at the first moment of today.
			var late hit.Row
			tr.Observe(person(2, midnight.Add(-time.Second), hit.Pageview), &late, loc)
			if late.Day != day || !late.Time.Equal(midnight) || late.Visitors != 1 {
				t.Errorf("late hit: day %v, time %v", late.Day, late.Time)
			}
		})
	}
}

func TestChangeOfZone(t *testing.T) {
	at := time.Date(2026, 7, 5, 23, 0, 0, 0, time.UTC)
	tr := visit.New(visit.Options{Now: live})
	for i, want := range []struct {
		zone     string
		visitors int32
		day      string
	}{
		{"Europe/Oslo", 1, "2026-07-06"},
		{"Europe/Oslo", 0, "2026-07-06"},
		{"America/Santiago", 1, "2026-07-05"},
		{"America/Santiago", 0, "2026-07-05"},
	} {
		var row hit.Row
		tr.Observe(person(1, at, hit.Pageview), &row, zone(t, want.zone)) // a new *Location each time
		if row.Visitors != want.visitors || row.Day.String() != want.day {
			t.Errorf("hit %d: day %v, visitors %d; want %s, %d", i, row.Day, row.Visitors, want.day, want.visitors)
		}
	}
	var row hit.Row
	tr.Observe(person(9, at, hit.Pageview), &row, nil)
	if row.Day.String() != "2026-07-05" {
		t.Errorf("no zone: day %v, want that of UTC", row.Day)
	}
}

func TestSweep(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	tr := visit.New(visit.Options{Now: live, Registerer: reg})
	oslo := zone(t, "Europe/Oslo")
	noon := time.Date(2026, 7, 5, 12, 0, 0, 0, oslo)
	midnight := time.Date(2026, 7, 6, 0, 0, 0, 0, oslo)
	observe := func(site uint32, who int, at time.Time, loc *time.Location) hit.Row {
		h := person(who, at, hit.Pageview)
		h.Site = site
		row := hit.Row{Path: "/"}
		tr.Observe(h, &row, loc)
		return row
	}
	for who := range 10 {
		observe(1, who, noon, oslo)
		observe(2, who, noon, time.UTC)
	}
	wantGauges(t, reg, 0, 20)
	tr.Sweep(midnight.Add(-time.Nanosecond))
	wantGauges(t, reg, 0, 20)
	tr.Sweep(midnight)
	wantGauges(t, reg, 0, 10) // in UTC the day goes on
	if late := observe(1, 1, midnight.Add(-time.Millisecond), oslo); late.Day != calendar.DayOf(midnight) {
		t.Errorf("hit that comes after the sweep: day %v, want the new one", late.Day)
	}
	wantGauges(t, reg, 0, 11)

	// The clock was a year ahead for a while.
	observe(1, 1, midnight.AddDate(1, 0, 0), oslo)
	tr.Sweep(midnight.Add(time.Minute))
	if row := observe(1, 1, midnight.Add(time.Minute), oslo); row.Day != calendar.DayOf(midnight) || row.Visitors != 1 {
		t.Errorf("after the clock is right again: day %v, visitors %d", row.Day, row.Visitors)
	}
}

// TestRun: at midnight the visitors of an idle site are gone.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the clock begins at midnight UTC
		reg := prometheus.NewPedanticRegistry()
		tr := visit.New(visit.Options{Registerer: reg})
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { tr.Run(ctx) })
		time.Sleep(12*time.Hour + 7*time.Second)
		var row hit.Row
		tr.Observe(person(1, time.Now(), hit.Pageview), &row, time.UTC)
		time.Sleep(time.Until(time.Now().Truncate(24*time.Hour).Add(24*time.Hour)) - time.Millisecond)
		synctest.Wait()
		wantGauges(t, reg, 0, 1)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		wantGauges(t, reg, 0, 0)
		stop()
		wg.Wait()
	})
}

// TestSections: a visitor counts once a day in each section, whichever of its pages is
// first, and the page at its root counts as another page.
func TestSections(t *testing.T) {
	tr := visit.New(visit.Options{Now: live})
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		who, path     string
		page, section int32
	}{
		{"A", "/", 1, 1}, {"A", "/", 0, 0}, {"A", "/?p=1", 1, 0},
		{"A", "/helse/a", 1, 1}, {"A", "/helse/b", 1, 0}, {"A", "/helse", 1, 0}, {"A", "/helse/", 1, 0}, {"A", "/helse?p=2", 1, 0},
		{"A", "/skole", 1, 1}, {"A", "/skole/a", 1, 0}, {"A", "/skole", 0, 0},
		{"B", "/skole/a", 1, 1},
	} {
		row := hit.Row{Path: c.path}
		tr.Observe(person(int(c.who[0]), at, hit.Pageview), &row, time.UTC)
		if row.PageVisitors != c.page || row.SectionVisitors != c.section {
			t.Errorf("%s at %s: page %d, section %d, want %d and %d", c.who, c.path, row.PageVisitors, row.SectionVisitors, c.page, c.section)
		}
	}
	event := hit.Row{Path: "/ny/a"}
	tr.Observe(person('A', at, hit.Event), &event, time.UTC)
	if view := (hit.Row{Path: "/ny/b"}); event.SectionVisitors != 0 || !tr.Observe(person('A', at, hit.Pageview), &view, time.UTC) || view.SectionVisitors != 1 {
		t.Error("an event is the first view of a section")
	}
}

func TestMaxPages(t *testing.T) {
	tr := visit.New(visit.Options{Now: live})
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	var sum, sections, pageviews int32
	for range 2 {
		for i := range visit.MaxPages + 10 {
			row := hit.Row{Path: fmt.Sprintf("/%d", i)}
			tr.Observe(person(1, at, hit.Pageview), &row, time.UTC)
			sum += row.PageVisitors
			sections += row.SectionVisitors
			pageviews += row.Pageviews
		}
	}
	// Each page is at the root of its section, and stands for it.
	if sum != visit.MaxPages || sections != visit.MaxPages || pageviews != 2*(visit.MaxPages+10) {
		t.Errorf("page visitors %d, section visitors %d, pageviews %d", sum, sections, pageviews)
	}
}

// sums are the measures of the rows of one site and day.
type sums struct {
	Pageviews, Visits, Visitors, PageVisitors, SectionVisitors, Bounces, Seconds, Dropped int
}

type siteDay struct {
	site uint32
	day  string
}

// model computes the expected sums from all hits at once, in order of time.
func model(hits []event, loc *time.Location) map[siteDay]sums {
	people := make(map[string][]event)
	for _, e := range hits {
		k := fmt.Sprint(e.site, e.at.In(loc).Format(" 2006-01-02 "), e.who)
		people[k] = append(people[k], e)
	}
	all := make(map[siteDay]sums)
	for _, es := range people {
		key := siteDay{es[0].site, es[0].at.In(loc).Format(time.DateOnly)}
		s := all[key]
		var visits [][]event
		pages, sections := make(map[string]bool), make(map[string]bool)
		for _, e := range es {
			n := len(visits)
			alive := n > 0 && e.at.Sub(visits[n-1][len(visits[n-1])-1].at) <= 30*time.Minute
			switch {
			case alive:
				visits[n-1] = append(visits[n-1], e)
			case e.kind == hit.Ping:
				s.Dropped++
				continue
			default:
				visits = append(visits, []event{e})
			}
			if e.kind == hit.Pageview {
				s.Pageviews++
				pages[e.path], sections[hit.Section(e.path)] = true, true
			}
		}
		s.Visits += len(visits)
		s.PageVisitors += len(pages)
		s.SectionVisitors += len(sections)
		if len(visits) > 0 {
			s.Visitors++
		}
		for _, v := range visits {
			interactions := 0
			for _, e := range v {
				if e.kind != hit.Ping {
					interactions++
				}
			}
			if interactions == 1 && v[0].kind == hit.Pageview {
				s.Bounces++
			}
			s.Seconds += int(v[len(v)-1].at.Sub(v[0].at) / time.Second)
		}
		all[key] = s
	}
	return all
}

type event struct {
	at     time.Time
	site   uint32
	who    int
	kind   hit.Kind
	path   string
	source string
}

// paths are of sections with and without a page at their root.
var paths = []string{"/", "/a", "/a/1", "/a/2", "/a?p=1", "/b/1", "/b/2/3", "/c", "/d", "/e/", "/e/f?g", "/helse/skjema"}

func TestAgainstModel(t *testing.T) {
	kinds := []hit.Kind{hit.Pageview, hit.Pageview, hit.Pageview, hit.Event, hit.Outlink, hit.Ping, hit.Ping}
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 0))
		loc := zone(t, []string{"Europe/Oslo", "America/Santiago", "Africa/Cairo", "UTC"}[seed%4])
		at := time.Date(2026, []time.Month{3, 9, 4, 10}[seed%4], []int{28, 5, 23, 24}[seed%4], 3, 0, 0, 0, time.UTC)
		var events []event
		for range 5000 {
			at = at.Add(time.Duration(r.ExpFloat64() * float64(45*time.Second)))
			events = append(events, event{
				at: at, site: 1 + r.Uint32N(3), who: r.IntN(20), kind: kinds[r.IntN(len(kinds))],
				path: paths[r.IntN(len(paths))], source: fmt.Sprint(r.IntN(5)),
			})
		}
		tr := visit.New(visit.Options{Now: live})
		got := make(map[siteDay]sums)
		bySource := make(map[string]int32) // bounces, which may never be below zero
		for _, e := range events {
			h := person(e.who, e.at, e.kind)
			h.Site = e.site
			row := hit.Row{Path: e.path, Source: e.source}
			key := siteDay{e.site, e.at.In(loc).Format(time.DateOnly)}
			s := got[key]
			if !tr.Observe(h, &row, loc) {
				s.Dropped++
				got[key] = s
				continue
			}
			if row.Day.String() != key.day {
				t.Fatalf("seed %d: day of %v is %v, want %s", seed, e.at, row.Day, key.day)
			}
			s.Pageviews += int(row.Pageviews)
			s.Visits += int(row.Visits)
			s.Visitors += int(row.Visitors)
			s.PageVisitors += int(row.PageVisitors)
			s.SectionVisitors += int(row.SectionVisitors)
			s.Bounces += int(row.Bounces)
			s.Seconds += int(row.Seconds)
			got[key] = s
			bySource[row.Source] += row.Bounces
			if bySource[row.Source] < 0 {
				t.Fatalf("seed %d: bounces of source %s below zero", seed, row.Source)
			}
		}
		if diff := cmp.Diff(model(events, loc), got); diff != "" {
			t.Errorf("seed %d: sums (-model +got):\n%s", seed, diff)
		}
	}
}

// TestConcurrent: many goroutines over midnight and the limit, with sweeps
// between. Each visitor has one goroutine, so that the sums are known.
func TestConcurrent(t *testing.T) {
	const workers, visitors, hits = 8, 500, 4
	var latest atomic.Int64 // the time of the clock
	clock := func() time.Time { return time.Unix(0, latest.Load()).UTC() }
	tr := visit.New(visit.Options{Now: clock, Registerer: prometheus.NewPedanticRegistry()})
	midnight := time.Date(2026, 7, 6, 0, 0, 0, 0, time.UTC)
	var sum [3]atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for v := range visitors {
				for i := range hits {
					h := person(w*visitors+v, midnight.Add(time.Duration(v-visitors/2)*time.Second), hit.Pageview)
					h.Site = uint32(1 + v%3)
					for now := latest.Load(); now < h.Time.UnixNano() && !latest.CompareAndSwap(now, h.Time.UnixNano()); now = latest.Load() {
					}
					row := hit.Row{Path: fmt.Sprintf("/%d", i)}
					tr.Observe(h, &row, time.UTC)
					sum[0].Add(int64(row.Pageviews))
					sum[1].Add(int64(row.PageVisitors))
					sum[2].Add(int64(row.Visitors))
				}
				if v%50 == 0 {
					tr.Sweep(clock())
				}
			}
		})
	}
	wg.Wait()
	if got := sum[0].Load(); got != workers*visitors*hits {
		t.Errorf("pageviews = %d, want %d", got, workers*visitors*hits)
	}
	// If another goroutine crosses midnight between the four hits of a visitor, the
	// visitor counts on both days.
	for i, n := range []int64{workers * visitors * hits, workers * visitors} {
		if got := sum[1+i].Load(); got < n || got > n+n/10 {
			t.Errorf("sum %d = %d, want %d and a few", i, got, n)
		}
	}
}

func benchHits(n int) []*hit.Hit {
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	hits := make([]*hit.Hit, n)
	for i := range hits {
		hits[i] = person(i, at, hit.Pageview)
	}
	return hits
}

// benchDay returns the hits of a realistic day of a site, in order: 20,000 visitors, most
// of them with few hits in one visit, from some hundred sources.
func benchDay(loc *time.Location) (hits []hit.Hit, rows []hit.Row) {
	r := rand.New(rand.NewPCG(1, 2))
	pages := rand.NewZipf(r, 1.2, 4, 199)
	kinds := []hit.Kind{hit.Pageview, hit.Pageview, hit.Pageview, hit.Ping, hit.Ping, hit.Event}
	type one struct {
		hit.Hit
		hit.Row
	}
	var day []one
	for who := range 20_000 {
		at := time.Date(2026, 7, 5, 0, 0, 0, 0, loc).Add(time.Duration(r.Int64N(int64(22 * time.Hour))))
		kind := hit.Pageview
		for range 1 + int(r.ExpFloat64()*4) {
			row := hit.Row{Path: fmt.Sprintf("/artikkel/%d", pages.Uint64()), Channel: "search"}
			row.Source = fmt.Sprint("source ", r.IntN(100))
			if r.IntN(10) == 0 {
				row.Channel, row.Campaign, row.CampaignMedium = "campaign", fmt.Sprint("brev ", r.IntN(12)), "email"
			}
			day = append(day, one{*person(who, at, kind), row})
			kind = kinds[r.IntN(len(kinds))]
			at = at.Add(time.Duration(r.ExpFloat64() * float64(2*time.Minute)))
			if r.IntN(20) == 0 {
				at = at.Add(visit.Silence)
			}
		}
	}
	slices.SortFunc(day, func(a, b one) int { return a.Hit.Time.Compare(b.Hit.Time) })
	for _, o := range day {
		hits, rows = append(hits, o.Hit), append(rows, o.Row)
	}
	return hits, rows
}

func BenchmarkObserve(b *testing.B) {
	// Each lap is another day, with its midnight.
	lap := func(b *testing.B, clock func() time.Time) {
		oslo := zone(b, "Europe/Oslo")
		day, rows := benchDay(oslo)
		tr := visit.New(visit.Options{Now: clock})
		b.ReportAllocs()
		for b.Loop() {
			for i := range day {
				row := rows[i]
				tr.Observe(&day[i], &row, oslo)
				day[i].Time = day[i].Time.Add(24 * time.Hour)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(day)), "ns/hit")
		b.ReportMetric(float64(len(day)), "hits/op")
	}
	b.Run("day", func(b *testing.B) { lap(b, live) })
	b.Run("past day", func(b *testing.B) {
		lap(b, func() time.Time { return time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC) })
	})
	paths := []string{"/", "/om-oss", "/om-oss/personvern", "/kontakt"}
	hits := benchHits(50_000)
	b.Run("known", func(b *testing.B) {
		tr := visit.New(visit.Options{Now: live})
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			row := hit.Row{Path: paths[i%4], Channel: "direct"}
			tr.Observe(hits[i%len(hits)], &row, time.UTC)
			i++
		}
	})
	b.Run("parallel", func(b *testing.B) {
		tr := visit.New(visit.Options{Now: live})
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			i := rand.IntN(len(hits))
			for pb.Next() {
				row := hit.Row{Path: paths[i%4], Channel: "direct"}
				tr.Observe(hits[i%len(hits)], &row, time.UTC)
				i++
			}
		})
	})
	b.Run("new", func(b *testing.B) {
		tr := visit.New(visit.Options{Now: live, Memory: visit.MinMemory})
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			row := hit.Row{Path: paths[i%4], Channel: "direct"}
			tr.Observe(hits[i%len(hits)], &row, time.UTC) // a visitor who was just evicted
			i++
		}
	})
}
