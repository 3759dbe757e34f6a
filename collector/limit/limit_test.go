package limit_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fotspor/fotspor/collector/limit"
	"github.com/fotspor/fotspor/hit"
)

func addr(s string) hit.Addr { return hit.NewAddr(netip.MustParseAddr(s)) }

// TestClockSetBack: if the clock is set back by any time, a bucket keeps its tokens and
// fills at the same rate.
func TestClockSetBack(t *testing.T) {
	for _, back := range []time.Duration{time.Second, 2 * time.Second, 2 * time.Hour, 3 * 24 * time.Hour, 150 * 24 * time.Hour} {
		var c clock
		l := limit.New(limit.Options{Rate: 10, Burst: 20, Now: c.now})
		wants := func(when string, after time.Duration, want int) {
			t.Helper()
			c.forward(after)
			n := 0
			for l.Allow(addr("192.0.2.1"), 1) {
				n++
			}
			if want = max(want, 0); n < want-10 || n > want {
				t.Errorf("%v back, %s: %d hits are allowed, want %d", back, when, n, want)
			}
		}
		wants("at first", 0, 20)
		wants("in between", time.Hour, 20)
		wants("set back", -back, 0)
		wants("a second later", time.Second, 10)
		wants("an hour later", time.Hour, 20)
		wants("set forward", back, 20)
		wants("set back once more", -back, 0)
		wants("half a second later", 500*time.Millisecond, 5)
	}
}

// numbered returns an address in the i-th of many networks.
func numbered(i int) hit.Addr {
	a := [16]byte{0x20, 0x01}
	binary.BigEndian.PutUint32(a[2:], uint32(i))
	return hit.NewAddr(netip.AddrFrom16(a))
}

// clock is a clock that stands still until it is moved.
type clock struct{ ns atomic.Int64 }

func (c *clock) now() time.Time           { return time.Unix(1_800_000_000, c.ns.Load()) }
func (c *clock) forward(by time.Duration) { c.ns.Add(int64(by)) }

func TestAllow(t *testing.T) {
	type step struct {
		after time.Duration
		from  string
		n     int
		want  bool
	}
	const none = ""
	for name, c := range map[string]struct {
		options limit.Options
		steps   []step
	}{
		"a burst, then the rate": {limit.Options{Rate: 2, Burst: 3}, []step{
			{0, "192.0.2.1", 1, true}, {0, "192.0.2.1", 1, true}, {0, "192.0.2.1", 1, true}, {0, "192.0.2.1", 1, false},
			{499 * time.Millisecond, "192.0.2.1", 1, false},
			{1 * time.Millisecond, "192.0.2.1", 1, true}, {0, "192.0.2.1", 1, false},
			{time.Hour, "192.0.2.1", 3, true}, {0, "192.0.2.1", 1, false},
		}},
		"all or none, and none costs nothing": {limit.Options{Rate: 1, Burst: 5}, []step{
			{0, "192.0.2.1", 3, true}, {0, "192.0.2.1", 3, false}, {0, "192.0.2.1", 2, true},
		}},
		"more than a burst has to be earned afterwards": {limit.Options{Rate: 1, Burst: 5}, []step{
			{0, "192.0.2.1", 20, true}, {19 * time.Second, "192.0.2.1", 5, false}, {time.Second, "192.0.2.1", 5, true},
			{4 * time.Second, "192.0.2.1", 20, false}, {time.Second, "192.0.2.1", 20, true},
			{15 * time.Second, "192.0.2.1", 1, false}, {time.Second, "192.0.2.1", 1, true},
		}},
		"an IPv4 network": {limit.Options{Rate: 1, Burst: 1}, []step{
			{0, "192.0.2.1", 1, true}, {0, "192.0.2.255", 1, false}, {0, "::ffff:192.0.2.7", 1, false},
			{0, "192.0.3.1", 1, true},
		}},
		"an IPv6 network": {limit.Options{Rate: 1, Burst: 1}, []step{
			{0, "2001:db8:1:2::3", 1, true}, {0, "2001:db8:1:ffff::", 1, false}, {0, "2001:db8:2:2::3", 1, true},
		}},
		"an IPv4 network in 6to4": {limit.Options{Rate: 1, Burst: 1}, []step{
			{0, "2002:c000:201::1", 1, true}, {0, "2002:c000:2ff::1", 1, false}, {0, "2002:c000:301::1", 1, true},
		}},
		"no address": {limit.Options{Rate: 1, Burst: 1}, []step{
			{0, none, 1, true}, {0, none, 1, false}, {0, "0.0.0.0", 1, true}, {0, "::", 1, true}, {0, none, 1, false},
		}},
		"nothing to send": {limit.Options{Rate: 1, Burst: 1}, []step{
			{0, "192.0.2.1", 1, true}, {0, "192.0.2.1", 0, true}, {0, "192.0.2.1", -1, true}, {0, "192.0.2.1", 1, false},
		}},
		"a burst is a minute by default": {limit.Options{Rate: 0.1}, []step{
			{0, "192.0.2.1", 6, true}, {0, "192.0.2.1", 1, false}, {10 * time.Second, "192.0.2.1", 1, true},
		}},
		"a burst is at least one hit": {limit.Options{Rate: 0.001}, []step{
			{0, "192.0.2.1", 1, true}, {999 * time.Second, "192.0.2.1", 1, false}, {time.Second, "192.0.2.1", 1, true},
		}},
		"no limit": {limit.Options{Burst: 1}, []step{
			{0, "192.0.2.1", math.MaxInt, true}, {0, "192.0.2.1", math.MaxInt, true},
		}},
		"no limit by nonsense": {limit.Options{Rate: math.NaN()}, []step{{0, none, math.MaxInt, true}, {0, none, 1, true}}},
		"hardly a limit": {limit.Options{Rate: math.MaxFloat64, Burst: math.MaxInt}, []step{
			{0, "192.0.2.1", math.MaxInt, true}, {0, "192.0.2.1", math.MaxInt, true},
		}},
		"hardly a hit": {limit.Options{Rate: math.SmallestNonzeroFloat64, Burst: math.MaxInt}, []step{
			{0, "192.0.2.1", math.MaxInt, true}, {100 * 365 * 24 * time.Hour, "192.0.2.1", 1, true},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var c0 clock
			c.options.Now = c0.now
			l := limit.New(c.options)
			for i, s := range c.steps {
				c0.forward(s.after)
				from := hit.Addr{}
				if s.from != none {
					from = addr(s.from)
				}
				if got := l.Allow(from, s.n); got != s.want {
					t.Fatalf("step %d: Allow(%q, %d) = %v, want %v", i, s.from, s.n, got, s.want)
				}
			}
		})
	}
	if !new(limit.Limiter).Allow(addr("192.0.2.1"), 1) {
		t.Error("the zero Limiter limits")
	}
}

// model is a simple Limiter: a bucket of tokens for each network, none of which is
// forgotten. Its numbers are chosen so that no sum is rounded.
type model struct {
	rate, burst float64
	tokens      map[int]float64
	at          map[int]time.Time
}

func (m *model) allow(network, n int, now time.Time) bool {
	tokens, ok := m.tokens[network]
	if !ok {
		tokens = m.burst
	} else {
		tokens = min(m.burst, tokens+m.rate*now.Sub(m.at[network]).Seconds())
	}
	if tokens < min(float64(n), m.burst) {
		return false
	}
	m.tokens[network], m.at[network] = tokens-float64(n), now
	return true
}

// TestAgainstModel: while all networks fit, a Limiter decides as the model does.
func TestAgainstModel(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var c clock
		rate, burst := float64(int(1)<<rng.IntN(8)), 1+rng.IntN(100)
		l := limit.New(limit.Options{Rate: rate, Burst: burst, Networks: 4096, Now: c.now})
		m := &model{rate, float64(burst), map[int]float64{}, map[int]time.Time{}}
		networks := 1 + rng.IntN(40)
		allowed := 0
		for i := range 5000 {
			if rng.IntN(3) == 0 {
				c.forward(time.Duration(rng.IntN(1000/networks+2)) * time.Second / 128)
			}
			network, n := rng.IntN(networks), 1+rng.IntN(1+burst/4)
			if rng.IntN(50) == 0 {
				n = burst + rng.IntN(2*burst)
			}
			got, want := l.Allow(numbered(network), n), m.allow(network, n, c.now())
			if got != want {
				t.Fatalf("seed %d, step %d: rate %v, burst %d: Allow(%d hits) = %v, the model says %v", seed, i, rate, burst, n, got, want)
			}
			if got {
				allowed++
			}
		}
		if allowed < 20 {
			t.Errorf("seed %d: only %d of 5000 were allowed: the test tests little", seed, allowed)
		}
	}
}

// TestCrowd: with ten times as many networks as fit, a network that keeps to its rate is
// never refused, and one that sends more gets no more than its rate.
func TestCrowd(t *testing.T) {
	const rate, burst, networks = 4, 20, 64
	rng := rand.New(rand.NewPCG(3, 4))
	var c clock
	l := limit.New(limit.Options{Rate: rate, Burst: burst, Networks: networks, Now: c.now})
	honest, greedy := addr("192.0.2.1"), addr("198.51.100.1")
	m := &model{rate, burst, map[int]float64{}, map[int]time.Time{}}
	got := 0
	for step := range 20_000 {
		c.forward(time.Second / 64)
		if n := 1 + rng.IntN(3); m.allow(0, n, c.now()) && !l.Allow(honest, n) {
			t.Fatalf("step %d: who kept to the rate was refused", step)
		}
		for l.Allow(greedy, 1) {
			got++
		}
		for range 5 {
			l.Allow(numbered(rng.IntN(10*networks)), 1)
		}
	}
	seconds := c.now().Unix() - 1_800_000_000
	if most := burst + int(seconds)*rate + rate; got > most || got < most-2*rate {
		t.Errorf("who sent all the time got %d hits through in %d s, want %d", got, seconds, most)
	}
}

// TestConcurrent: if many goroutines take from a bucket at once, they get Burst hits and
// no more.
func TestConcurrent(t *testing.T) {
	const senders, networks, burst = 8, 3, 1000
	var c clock
	l := limit.New(limit.Options{Rate: 1, Burst: burst, Now: c.now})
	var given [networks]atomic.Int64
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for i := range networks * burst {
				if l.Allow(numbered(i%networks), 1) {
					given[i%networks].Add(1)
				}
			}
		})
	}
	all.Wait()
	for i := range given {
		if n := given[i].Load(); n != burst {
			t.Errorf("network %d was given %d hits, want %d", i, n, burst)
		}
	}
}

// TestMemory: a Limiter takes no more memory than documented for any number of networks.
func TestMemory(t *testing.T) {
	const networks = 100_000
	var before, made, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	l := limit.New(limit.Options{Rate: 1, Networks: networks})
	runtime.ReadMemStats(&made)
	for i := range 5 * networks {
		l.Allow(numbered(i), 1)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(l)
	for name, m := range map[string]runtime.MemStats{"empty": made, "full": after} {
		if each := float64(int64(m.HeapAlloc)-int64(before.HeapAlloc)) / networks; each > 18 {
			t.Errorf("%s: %.1f bytes a network, want 17", name, each)
		}
	}
	a := addr("192.0.2.1")
	if n := testing.AllocsPerRun(1000, func() { l.Allow(a, 1) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func ExampleLimiter_Allow() {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	limiter := limit.New(limit.Options{Rate: 10, Burst: 2, Now: func() time.Time { return now }})
	sender := hit.NewAddr(netip.MustParseAddr("192.0.2.1"))
	neighbour := hit.NewAddr(netip.MustParseAddr("192.0.2.200"))
	fmt.Println(limiter.Allow(sender, 2), limiter.Allow(neighbour, 1))
	now = now.Add(time.Second / 10)
	fmt.Println(limiter.Allow(neighbour, 1))
	// Output:
	// true false
	// true
}

func BenchmarkAllow(b *testing.B) {
	for name, networks := range map[string]int{"one network": 1, "many networks": 1 << 20} {
		addrs := make([]hit.Addr, min(networks, 1<<16))
		for i := range addrs {
			addrs[i] = numbered(i * networks / len(addrs))
		}
		b.Run(name, func(b *testing.B) {
			l := limit.New(limit.Options{Rate: limit.DefaultRate})
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := rand.IntN(len(addrs)); pb.Next(); i++ {
					l.Allow(addrs[i%len(addrs)], 1)
				}
			})
		})
	}
}
