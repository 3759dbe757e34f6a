package store_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/store/storetest"
)

// BenchmarkInsert stores segments of 200,000 rows, as the spool seals them under load, and tells how much CPU of this process a row
// takes, that of the engine and its merges included: of rows with few texts, and of rows like those
// that bench makes, as they are under load.
func BenchmarkInsert(b *testing.B) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		rows []hit.Row
	}{
		{"few", someRows(rand.New(rand.NewPCG(1, 2)), spool.DefaultSegmentRows, now, 1, oslo)},
		{"bench", benchRows(rand.New(rand.NewPCG(1, 2)), spool.DefaultSegmentRows, now)},
	} {
		b.Run(c.name, func(b *testing.B) {
			st := storetest.Open(b)
			b.ReportAllocs()
			start, segments := cpuTime(b), 0
			for b.Loop() {
				segments++
				if err := st.Insert(b.Context(), hit.Batch{Rows: c.rows}, "segment-"+strconv.Itoa(segments)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime(b)-start).Microseconds())/float64(segments*len(c.rows)), "cpu-µs/row")
		})
	}
}

// benchRows returns rows like those that the traffic of package bench leaves in a few seconds: 200
// pages, 2,000 visitors from nearly as many networks, 18 browsers, and visits that begin with a new
// source or campaign.
func benchRows(rng *rand.Rand, n int, at time.Time) []hit.Row {
	type browser struct{ name, version, os, device string }
	browsers := []browser{
		{"Chrome", "141", "Windows", "desktop"}, {"Chrome", "140", "Windows", "desktop"}, {"Chrome", "141", "macOS", "desktop"}, {"Chrome", "141", "Linux", "desktop"},
		{"Chrome", "141", "Android", "mobile"}, {"Chrome", "139", "Android", "mobile"}, {"Samsung Internet", "28", "Android", "mobile"}, {"Safari", "18", "iOS", "mobile"},
		{"Chrome", "141", "iOS", "mobile"}, {"Safari", "18", "iPadOS", "tablet"}, {"Safari", "18", "macOS", "desktop"}, {"Firefox", "143", "Windows", "desktop"},
		{"Firefox", "140", "Linux", "desktop"}, {"Edge", "141", "Windows", "desktop"}, {"Opera", "122", "Windows", "desktop"}, {"Facebook", "530", "iOS", "mobile"},
		{"Internet Explorer", "11", "Windows", "desktop"}, {"Firefox", "143", "Android", "mobile"},
	}
	sources := [][2]string{
		{"direct", ""}, {"direct", ""}, {"direct", ""}, {"direct", ""}, {"direct", ""}, {"search", "Google"}, {"search", "Google"},
		{"search", "DuckDuckGo"}, {"search", "Bing"}, {"social", "Facebook"}, {"social", "LinkedIn"}, {"website", "nyheter.example.net"},
	}
	visitors := make([]hit.Row, 2000) // the last row of each
	for i := range visitors {
		v := &visitors[i]
		agent, country := browsers[rng.IntN(len(browsers))], string([]byte{'A' + byte(rng.IntN(8)), 'A' + byte(rng.IntN(8))})
		*v = hit.Row{
			Site: 1, Day: calendar.DayOf(at.In(oslo)), Kind: hit.Pageview, Host: "example.org", Network: fmt.Sprintf("%d.%d.0.0/16", 20+rng.IntN(180), rng.IntN(256)),
			Country: country, Region: fmt.Sprintf("%s-%02d", country, rng.IntN(10)), Browser: agent.name, BrowserVersion: agent.version, OS: agent.os, Device: agent.device,
			Language: []string{"nb", "nb", "nn", "en", "sv"}[rng.IntN(5)], Pageviews: 1,
		}
		if rng.IntN(3) == 0 {
			v.Network = fmt.Sprintf("2a02:%x::/32", rng.IntN(1<<16))
		}
	}
	pages, who := rand.NewZipf(rng, 1.2, 4, 199), rand.NewZipf(rng, 1.1, 50, uint64(len(visitors)-1))
	seen := map[[2]string]bool{}
	rows := make([]hit.Row, n)
	for i := range rows {
		number := who.Uint64()
		r := visitors[number]
		r.Time = at.Add(time.Duration(i) * 10 * time.Second / time.Duration(n)).Truncate(time.Second)
		before, came, page := r.Path, sources[rng.IntN(len(sources))], fmt.Sprintf("/tjenester/%d/om-tilbudet", pages.Uint64())
		switch rng.IntN(10) {
		case 0:
			r.Campaign, r.CampaignSource, r.CampaignMedium, came = "høst", "nyhetsbrev", "email", [2]string{"email", "nyhetsbrev"}
		case 1:
			page += "/åpningstider"
		}
		r.Path, r.PreviousPath, r.Visits, r.Visitors, r.Bounces, r.Seconds = page, before, 0, 0, 0, int32(rng.IntN(2))
		switch {
		case before == "" || came[0] != "direct" && came != [2]string{r.Channel, r.Source}:
			r.Channel, r.Source, r.EntryPath, r.PreviousPath, r.Visits, r.Bounces, r.Seconds = came[0], came[1], page, "", 1, 1, 0
			if came[0] != "email" {
				r.Campaign, r.CampaignSource, r.CampaignMedium = "", "", ""
			}
			if before == "" {
				r.Visitors = 1
			}
		case visitors[number].Visits == 1:
			r.Bounces = -1
		}
		r.PageVisitors = 0
		if key := [2]string{strconv.FormatUint(number, 10), page}; !seen[key] {
			seen[key], r.PageVisitors = true, 1
		}
		rows[i], visitors[number] = r, r
	}
	return rows
}

// BenchmarkColumns prints how much memory the rows of a large segment take until they are sent: of
// rows with few texts, and of 40 MiB of texts of which none is like another.
func BenchmarkColumns(b *testing.B) {
	st := storetest.Open(b)
	rows := someRows(rand.New(rand.NewPCG(1, 2)), 200_000, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), 1, oslo)
	strange := slices.Clone(rows)
	for i := range strange {
		r := &strange[i]
		r.Path = fmt.Sprintf("/%0*d", 40<<20/len(strange)/3, i) // a path stands in a row three times
		r.EntryPath, r.PreviousPath = r.Path, r.Path
	}
	live := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / 1e6
	}
	for name, rows := range map[string][]hit.Row{"rows": rows, "texts": strange} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				before := live()
				in := st.Begin()
				in.Add(rows)
				b.ReportMetric(live()-before, "MB")
				runtime.KeepAlive(in)
			}
			runtime.KeepAlive(rows)
		})
	}
}

// cpuTime returns what this process has used of the processors.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
