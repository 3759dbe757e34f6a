// Package limit limits the hits a second of each network, so that one sender can neither
// fill the spool nor drown the figures of a site.
package limit

import (
	"fmt"
	"hash/maphash"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
)

// The prefix lengths of a network that counts as one sender. It is the smallest network
// that a provider gives to one household or office, and getting many of them is not cheap
// for an attacker. A mobile carrier has thousands of customers behind one such network,
// so the rate must suit a crowd: the limit is against floods, not against busy people.
const (
	bits4 = geo.MaxBits4
	bits6 = geo.MaxBits6
)

// Defaults of Options. The rate is that of some thousands of people who read at the same
// time, and a thousandth of what a flood can send.
const (
	DefaultRate     = 100.0
	DefaultNetworks = 1 << 17 // takes 2.2 MB
)

// Options of a Limiter.
type Options struct {
	// Rate is the number of hits a second that a network may send in the long run. 0 or
	// less: nothing is limited.
	Rate float64
	// Burst is how many hits a network may send at once after a silence. 0 or less:
	// as many as Rate allows in a minute.
	Burst int
	// Networks is how many networks are held at a time, rounded up to a multiple of 8.
	// 0 or less: DefaultNetworks.
	Networks int
	// Now is the clock; nil: time.Now. If it is set back, no time passes by that.
	Now func() time.Time
}

// Limiter holds a bucket of tokens for each network: a hit takes one, and Rate tokens are
// added each second, up to Burst. It takes 17 bytes of memory for each network, which New
// allocates at once. It is safe for concurrent use.
//
// The state is hidden behind a function, as an address is in hit.Addr, and it holds
// networks only as hashes under a secret of the process.
type Limiter struct {
	state func() *state
}

// state is the contents of a Limiter.
type state struct {
	clock  clock
	price  float64 // nanoseconds in which one token is added
	window int64   // nanoseconds in which an empty bucket fills
	seed   maphash.Seed
	sets   []set
}

// ways is how many networks a set holds.
const ways = 8

// set holds the buckets of the networks whose hashes select it. A network that it does
// not hold has a full bucket. If the set is full, a new network replaces the one with the
// fullest bucket: that one gains the least by being forgotten, and a flood from many
// networks never evicts the network that sends the most.
type set struct {
	mu      sync.Mutex
	buckets [ways]bucket
}

// bucket is the state of one network.
type bucket struct {
	network uint64 // hash
	full    int64  // time at which the bucket is full again, in nanoseconds since the start
}

// longest is the longest cost in nanoseconds: 73 years. The sum of two of them fits into
// an int64.
const longest = 1 << 61

// New returns a Limiter that has seen no network.
func New(o Options) *Limiter {
	if !(o.Rate > 0) {
		return &Limiter{}
	}
	if o.Burst <= 0 {
		o.Burst = int(max(1, min(60*o.Rate, 1<<30)))
	}
	if o.Networks <= 0 {
		o.Networks = DefaultNetworks
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &state{
		clock: clock{now: o.Now, start: o.Now()}, price: float64(time.Second) / o.Rate,
		seed: maphash.MakeSeed(), sets: make([]set, (o.Networks+ways-1)/ways),
	}
	s.window = s.cost(o.Burst)
	return &Limiter{state: func() *state { return s }}
}

// Allow reports whether the network of addr may send n hits now, all of them or
// none, and takes as many tokens from its bucket if so. A refused call takes none. A full
// bucket allows more hits than Burst; the next hit is then refused until the bucket has
// made up for them. So the rate holds for requests of any size, and no request is refused
// for ever. Senders without an address share a bucket.
func (l *Limiter) Allow(addr hit.Addr, n int) bool {
	if l.state == nil || n <= 0 {
		return true
	}
	s := l.state()
	now := s.clock.elapsed()
	cost := s.cost(n)
	network := maphash.Comparable(s.seed, geo.Network(addr, bits4, bits6))
	at := &s.sets[network%uint64(len(s.sets))]
	at.mu.Lock()
	defer at.mu.Unlock()
	b := at.find(network)
	full := max(now, b.full)
	if b.network != network {
		full = now
	}
	if full-now > s.window-min(cost, s.window) {
		return false
	}
	*b = bucket{network: network, full: full + cost}
	return true
}

// clock measures the time since the start. It never goes back, apart from lags of up to a
// second.
type clock struct {
	now    func() time.Time
	start  time.Time
	latest atomic.Int64 // latest reading, in nanoseconds since the start
	back   atomic.Int64 // sum of all setbacks of the clock, in nanoseconds
}

// elapsed returns the nanoseconds since the start. Concurrent calls may compare their
// readings in another order than they read the clock, so only a lag of more than a second
// counts as a setback.
func (c *clock) elapsed() int64 {
	read := int64(c.now().Sub(c.start))
	latest := c.latest.Load()
	switch {
	case read > latest:
		c.latest.CompareAndSwap(latest, read) // if it fails, another goroutine's reading serves as well
	case latest-read > int64(time.Second) && c.latest.CompareAndSwap(latest, read):
		c.back.Add(latest - read)
	}
	return read + c.back.Load()
}

// cost returns the nanoseconds in which n tokens are added.
func (s *state) cost(n int) int64 { return int64(min(float64(n)*s.price, longest)) }

// find returns the bucket of a network or, if it has none, the fullest bucket, which it
// may replace.
func (s *set) find(network uint64) *bucket {
	fullest := &s.buckets[0]
	for i := range s.buckets {
		b := &s.buckets[i]
		if b.network == network {
			return b
		}
		if b.full < fullest.full {
			fullest = b
		}
	}
	return fullest
}

// Format implements fmt.Formatter: no verb or flag prints more than the name.
func (*Limiter) Format(f fmt.State, _ rune) { io.WriteString(f, "limit.Limiter") }

// LogValue implements slog.LogValuer.
func (*Limiter) LogValue() slog.Value { return slog.StringValue("limit.Limiter") }
