package visit_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fotspor/fotspor/collector/visit"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/race"
)

// gauge returns the value of a metric without labels.
func gauge(t testing.TB, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// heap returns the bytes of live heap.
func heap() float64 {
	runtime.GC()
	runtime.GC() // frees what the first one found unreachable
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// noon is the time of all hits.
var noon = time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)

// sender returns the address and the row of the i-th hit.
type sender func(i int) (netip.Addr, hit.Row)

// networks are addresses of many networks, or of one.
func networks(i int) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], 0x2a02<<48|uint64(i)<<16)
	return netip.AddrFrom16(b)
}

func oneNetwork(int) netip.Addr { return netip.MustParseAddr("203.0.113.7") }

// long returns a text of n bytes that is different for each i.
func long(i, n int) string { return fmt.Sprintf("%08d", i) + strings.Repeat("x", n-8) }

// TestMemoryBudget: under attack the live heap is at most a fifth above the budget, and
// the metric is within a fifth of the heap in use.
func TestMemoryBudget(t *testing.T) {
	race.Skip(t)
	const budget = visit.MinMemory
	fromMany := func(row func(i int) hit.Row) sender {
		return func(i int) (netip.Addr, hit.Row) { return networks(i), row(i) }
	}
	short := func(int) hit.Row { return hit.Row{Path: "/"} }
	distinct := func(i int) hit.Row { return hit.Row{Path: fmt.Sprint("/", i), Source: fmt.Sprint(i, ".example")} }
	giant := func(i int) hit.Row {
		return hit.Row{
			Path: long(i, 5000), Source: long(i, 400), Campaign: long(i, 400), CampaignSource: long(i, 400),
			CampaignMedium: long(i, 400), CampaignTerm: long(i, 400), CampaignContent: long(i, 400),
		}
	}
	tests := map[string]struct {
		visitors int
		send     sender
	}{
		"short texts":          {80_000, fromMany(short)},
		"distinct texts":       {80_000, fromMany(distinct)},
		"long texts":           {5_000, fromMany(giant)},
		"one address":          {80_000, func(i int) (netip.Addr, hit.Row) { return oneNetwork(i), distinct(i) }},
		"few visitors":         {1000, fromMany(distinct)},
		"long after short":     {80_000, fromMany(func(i int) hit.Row { return []func(int) hit.Row{short, giant}[i/70_000](i) })},
		"short after long":     {80_000, fromMany(func(i int) hit.Row { return []func(int) hit.Row{giant, short}[i/10_000&1](i) })},
		"texts of every size":  {20_000, fromMany(func(i int) hit.Row { return hit.Row{Path: long(i, 8+i%1016)} })},
		"sizes that take turn": {80_000, fromMany(func(i int) hit.Row { return hit.Row{Path: long(i, 8+i/5_000*60)} })},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := heap()
			reg := prometheus.NewPedanticRegistry()
			tr := visit.New(visit.Options{Now: live, Memory: budget, Registerer: reg})
			r := rand.New(rand.NewPCG(1, 1))
			for i := range tt.visitors {
				addr, row := tt.send(i)
				h := &hit.Hit{Site: uint32(1 + i%3), Time: noon, Kind: hit.Pageview, Addr: hit.NewAddr(addr), UserAgent: fmt.Sprint(i)}
				tr.Observe(h, &row, time.UTC)
				if r.IntN(200) == 0 { // a visitor who sees many pages
					for p := range visit.MaxPages + 50 {
						tr.Observe(h, &hit.Row{Path: fmt.Sprint("/", p)}, time.UTC)
					}
				}
			}
			taken, said := heap()-before, gauge(t, reg, "fotspor_visit_bytes")
			t.Logf("%.0f visitors: %.1f MiB taken, %.1f MiB said, budget %d MiB",
				gauge(t, reg, "fotspor_visitors_in_memory"), taken/(1<<20), said/(1<<20), budget>>20)
			if taken > budget*1.2 || said > budget {
				t.Errorf("%.0f bytes are taken and %.0f said, with a budget of %d", taken, said, budget)
			}
			if d := taken - said; max(d, -d) > said/5+512<<10 { // and metrics, the limiter and the like
				t.Errorf("%.0f bytes are taken, and the metric says %.0f", taken, said)
			}
			tr.Sweep(noon.AddDate(0, 0, 1))
			if left := gauge(t, reg, "fotspor_visit_bytes"); left != 0 {
				t.Errorf("%.0f bytes are said to be taken on the day after", left)
			}
			if left := heap() - before; left > 1<<20 {
				t.Errorf("%.0f bytes are taken on the day after", left)
			}
			runtime.KeepAlive(tr)
		})
	}
}

// TestBytesPerVisitor: an honest visitor takes at most 200 bytes.
func TestBytesPerVisitor(t *testing.T) {
	race.Skip(t)
	const visitors = 50_000
	for _, pages := range []int{1, 3, 8} {
		r := rand.New(rand.NewPCG(1, 2))
		zipf := rand.NewZipf(r, 1.2, 4, 1999)
		before := heap()
		tr := visit.New(visit.Options{Now: live})
		for i := range visitors {
			h := person(i/256*256+i%3, noon, hit.Pageview) // three browsers in a network
			h.UserAgent = fmt.Sprint(i)
			for range pages {
				row := hit.Row{Path: fmt.Sprintf("/tjenester/%d/om-tilbudet", zipf.Uint64()), Channel: "search", Source: fmt.Sprint("source ", r.IntN(500))}
				tr.Observe(h, &row, time.UTC)
			}
		}
		got := (heap() - before) / visitors
		t.Logf("%d pages each: %.0f bytes", pages, got)
		if got > 200 {
			t.Errorf("%d pages each: %.0f bytes a visitor, want at most 200", pages, got)
		}
		runtime.KeepAlive(tr)
	}
}

// TestOldestLeave: if memory is full, the visitors seen longest ago are evicted, of all
// days and sites.
func TestOldestLeave(t *testing.T) {
	race.Skip(t)
	var log bytes.Buffer
	reg := prometheus.NewPedanticRegistry()
	tr := visit.New(visit.Options{
		Now: func() time.Time { return noon }, Memory: visit.MinMemory, Registerer: reg,
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	observe := func(who int) (isNew bool) {
		h := person(who, noon, hit.Pageview)
		h.Site = uint32(1 + who%3)
		if who%5 == 0 {
			h.Time = noon.AddDate(0, 0, -7)
		}
		row := hit.Row{Path: "/"}
		tr.Observe(h, &row, time.UTC)
		if row.Visits != row.Visitors {
			t.Errorf("visitor %d: visits %d, visitors %d", who, row.Visits, row.Visitors)
		}
		return row.Visitors == 1
	}
	const total = 150_000
	for who := range total {
		if !observe(who) {
			t.Fatalf("visitor %d is known", who)
		}
		if who%1000 == 0 && who > 0 && observe(1) { // a visitor who comes again and again
			t.Fatalf("visitor 1 has left when visitor %d came", who)
		}
	}
	n := int(gauge(t, reg, "fotspor_visitors_in_memory"))
	if n < 20_000 || n > total*2/3 {
		t.Fatalf("%d visitors are in memory", n)
	}
	wantGauges(t, reg, total-n, n)
	tr.Sweep(noon)
	if text := log.String(); !strings.Contains(text, fmt.Sprint("evicted=", total-n)) || strings.Count(text, "\n") != 1 {
		t.Errorf("log = %q, want one line that tells of %d", text, total-n)
	}
	tr.Sweep(noon)
	if strings.Count(log.String(), "\n") != 1 {
		t.Error("the log tells of them twice")
	}
	for who := total - n + 2; who < total; who++ {
		if observe(who) {
			t.Fatalf("visitor %d of %d has left, with %d in memory", who, total, n)
		}
	}
	for who := total - n - 10; who < total-n; who++ {
		if !observe(who) {
			t.Errorf("visitor %d of %d has not left, with %d in memory", who, total, n)
		}
	}
}

// TestOneNetwork: a network with any number of visitors evicts no visitor of another, only
// its own oldest.
func TestOneNetwork(t *testing.T) {
	race.Skip(t)
	for name, addr := range map[string]func(i int) netip.Addr{
		"one address":   oneNetwork,
		"256 addresses": func(i int) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}) },
		"an IPv6 prefix": func(i int) netip.Addr {
			b := [16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 1}
			binary.BigEndian.PutUint64(b[8:], uint64(i))
			return netip.AddrFrom16(b)
		},
	} {
		t.Run(name, func(t *testing.T) {
			reg := prometheus.NewPedanticRegistry()
			tr := visit.New(visit.Options{Now: live, Memory: visit.MinMemory, Registerer: reg})
			observe := func(addr netip.Addr, agent string, path string) (isNew bool) {
				row := hit.Row{Path: path}
				tr.Observe(&hit.Hit{Site: 1, Time: noon, Kind: hit.Pageview, Addr: hit.NewAddr(addr), UserAgent: agent}, &row, time.UTC)
				return row.Visitors == 1
			}
			const honest = 20_000
			for i := range honest {
				observe(networks(i), "honest", "/")
			}
			const fake = 100_000
			for i := range fake {
				observe(addr(i), fmt.Sprint("fake ", i), fmt.Sprint("/", i))
			}
			for i := range honest {
				if observe(networks(i), "honest", "/") {
					t.Fatalf("visitor %d of another network has left", i)
				}
			}
			n := int(gauge(t, reg, "fotspor_visitors_in_memory"))
			if n <= honest+500 || n > honest+fake/10 {
				t.Errorf("%d visitors in memory, want %d and some of those made up", n, honest)
			}
			if observe(addr(fake-1), fmt.Sprint("fake ", fake-1), "/") {
				t.Error("the newest of the network has left")
			}
			if !observe(addr(0), "fake 0", "/") {
				t.Error("the oldest of the network has not left")
			}
		})
	}
}

// TestNewVisitors: beyond Options.NewVisitors, the new visitors of a network share one,
// whose figures add up. Visitors who came before are recognised, and other networks are
// not affected.
func TestNewVisitors(t *testing.T) {
	now := noon
	reg := prometheus.NewPedanticRegistry()
	tr := visit.New(visit.Options{Now: func() time.Time { return now }, NewVisitors: 10, Registerer: reg})
	observe := func(addr netip.Addr, agent int, kind hit.Kind, path string) hit.Row {
		row := hit.Row{Path: path}
		tr.Observe(&hit.Hit{Site: 1, Time: now, Kind: kind, Addr: hit.NewAddr(addr), UserAgent: fmt.Sprint(agent)}, &row, time.UTC)
		return row
	}
	office := netip.MustParseAddr("203.0.113.7")
	var sum sums
	send := func(from, to int) {
		for i := from; i < to; i++ {
			row := observe(office, i, hit.Pageview, "/")
			sum.Pageviews += int(row.Pageviews)
			sum.Visits += int(row.Visits)
			sum.Visitors += int(row.Visitors)
			sum.PageVisitors += int(row.PageVisitors)
			sum.Bounces += int(row.Bounces)
		}
	}
	send(0, 1000)
	if want := (sums{Pageviews: 1000, Visits: 1000, Visitors: 1000, PageVisitors: 1000, Bounces: 1000}); sum != want {
		t.Errorf("a thousand at once: %+v, want %+v", sum, want)
	}
	send(1000, 5000)
	if want := (sums{Pageviews: 5000, Visits: 1001, Visitors: 1001, PageVisitors: 1001, Bounces: 1000}); sum != want {
		t.Errorf("four thousand more: %+v, want %+v", sum, want)
	}
	if got := gauge(t, reg, "fotspor_visitors_shared_hits_total"); got != 4000 {
		t.Errorf("%v hits are shared, want 4000", got)
	}
	if row := observe(office, 7, hit.Event, "/"); row.Visitors != 0 || row.Bounces != -1 {
		t.Errorf("one who is known: %+v", row)
	}
	if row := observe(netip.MustParseAddr("203.0.114.7"), 1, hit.Pageview, "/"); row.Visitors != 1 {
		t.Error("a visitor of another network is not counted")
	}
	row := hit.Row{Path: "/"}
	tr.Observe(&hit.Hit{Site: 1, Time: now, Kind: hit.Pageview, Addr: hit.NewAddr(office), UserAgent: "with a token", Trusted: true}, &row, time.UTC)
	if row.Visitors != 1 {
		t.Error("a visitor told of with a token is not counted")
	}
	now = now.Add(10 * time.Second) // allows another hundred
	sum = sums{}
	send(5000, 5200)
	if sum.Visitors != 100 || sum.Pageviews != 200 {
		t.Errorf("after ten seconds: %+v, want 100 visitors", sum)
	}

	// An office of 5,000 who all come within an hour.
	sum = sums{}
	for i := range 5000 {
		now = now.Add(720 * time.Millisecond)
		send(10_000+i, 10_001+i)
	}
	if sum.Visitors != 5000 {
		t.Errorf("of an office of 5,000 are counted %d", sum.Visitors)
	}
}

// TestConcurrentEviction: the budget holds for many goroutines.
func TestConcurrentEviction(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	tr := visit.New(visit.Options{Now: live, Memory: visit.MinMemory, Registerer: reg})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 6000 {
				h := person(w*7+i%3000, noon.Add(time.Duration(i)*time.Second), hit.Pageview)
				h.Site = uint32(1 + i%3)
				row := hit.Row{Path: long(w*10_000+i, 900)}
				tr.Observe(h, &row, time.UTC)
			}
		})
	}
	wg.Wait()
	if gauge(t, reg, "fotspor_visit_bytes") > visit.MinMemory || gauge(t, reg, "fotspor_visitors_evicted_total") == 0 {
		t.Error("the budget does not hold")
	}
}
