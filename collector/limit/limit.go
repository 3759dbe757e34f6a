// Package limit holds each network to a number of hits a second, so that one
// sender can neither fill the spool nor drown the figures of a site.
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

// What counts as one sender: the smallest network that a provider hands to one
// household or office, and an attacker finds no cheap way around. A mobile carrier
// has thousands of customers behind one such network, which is why the rate must
// suit a crowd: the limit is against floods, not against busy people.
const (
	bits4 = geo.MaxBits4
	bits6 = geo.MaxBits6
)

// Defaults of Options. The rate is that of some thousands of people who read at
// once, and a thousandth of what a flood can send.
const (
	DefaultRate     = 100.0
	DefaultNetworks = 1 << 17 // in 2.2 MB
)

// Options of a Limiter.
type Options struct {
	// Rate is the number of hits a second that a network may send for ever. 0 or
	// less: nothing is limited.
	Rate float64
	// Burst is how many hits a network may send at once after a silence. 0 or less:
	// as many as Rate allows in a minute.
	Burst int
	// Networks is how many are held at a time, rounded up to a multiple of 8. 0 or
	// less: DefaultNetworks.
	Networks int
	// Now is the clock. One that is set back counts as one that stood still. nil:
	// time.Now.
	Now func() time.Time
}

// Limiter holds a bucket of tokens for each network: a hit takes one, and Rate of
// them come back each second, up to Burst. All of it is in memory, 17 bytes a
// network, taken at once by New. It is safe for concurrent use.
//
// The state is hidden behind a function, as an address is in hit.Addr, and it holds
// networks only as hashes under a secret of the process.
type Limiter struct {
	state func() *state
}

// state is what is in a Limiter.
type state struct {
	clock  clock
	price  float64 // of a hit, in nanoseconds
	window int64   // in which an empty bucket fills, in nanoseconds
	seed   maphash.Seed
	sets   []set
}

// ways is how many networks share a set.
const ways = 8

// set is where the networks whose hash leads to it are held. What it does not hold
// is a full bucket. If it is full itself, the network leaves whose bucket is the
// fullest: that one is given the least by being forgotten, and a flood from many
// networks does not make a place for the one that sends most.
type set struct {
	mu      sync.Mutex
	buckets [ways]bucket
}

// bucket is the state of one network.
type bucket struct {
	network uint64 // hash
	full    int64  // when the bucket is full again, in nanoseconds since the start
}

// longest is the longest time that is reckoned with, in nanoseconds: 73 years. The
// sum of two is still an int64.
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
// none, and takes them from its bucket if so. What is refused costs nothing. More
// hits than Burst are allowed when the bucket is full, and then have to be earned
// before the next one: the rate holds for requests of any size, and none is refused
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

// clock tells the time that has passed, which never goes back.
type clock struct {
	now    func() time.Time
	start  time.Time
	latest atomic.Int64 // reading, in nanoseconds since the start
	back   atomic.Int64 // nanoseconds by which the clock was set back in all
}

// elapsed returns the nanoseconds since the start. Goroutines may read the clock in
// another order than they come here, so it has been set back only if it lags by more
// than a second.
func (c *clock) elapsed() int64 {
	read := int64(c.now().Sub(c.start))
	latest := c.latest.Load()
	switch {
	case read > latest:
		c.latest.CompareAndSwap(latest, read) // if that fails, somebody else's does as well
	case latest-read > int64(time.Second) && c.latest.CompareAndSwap(latest, read):
		c.back.Add(latest - read)
	}
	return read + c.back.Load()
}

// cost is the time in which n hits are earned, in nanoseconds.
func (s *state) cost(n int) int64 { return int64(min(float64(n)*s.price, longest)) }

// find returns the bucket of a network or, if it has none, the one that it may take:
// the fullest.
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
