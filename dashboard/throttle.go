package dashboard

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// kind is what attempts are counted by.
type kind int

const (
	byPair    kind = iota // a name from a network: strict
	byName                // a name from everywhere: loose, or anybody could lock a user out
	byNetwork             // a network over all names: slows spraying
	byDevice              // a device that has logged in before: strict, since it can be stolen
	byAccount             // the current password of somebody who is logged in: strict
)

// slowing says how attempts of a kind are slowed: some are free, then one must wait,
// twice as long each time.
type slowing struct {
	free        int
	first, most time.Duration
	// strict is true where a success shows that the failures were the user's own.
	strict bool
}

var slowings = [...]slowing{
	byPair:    {free: 5, first: 15 * time.Second, most: 15 * time.Minute, strict: true},
	byName:    {free: 100, first: nameGap, most: nameGap},
	byNetwork: {free: 10, first: 15 * time.Second, most: 15 * time.Minute},
	byDevice:  {free: 5, first: 15 * time.Second, most: 15 * time.Minute, strict: true},
	byAccount: {free: 5, first: 15 * time.Second, most: 15 * time.Minute, strict: true},
}

// nameGap is the time between two attempts under a name that has too many failures. It
// counts once for networks that have failed under the name and once for all others, so
// whoever guesses can keep a user waiting only with new networks. Together they have
// 2 × 8,640 guesses a day.
const nameGap = 10 * time.Second

const (
	forgetAttempts = time.Hour // after the last one
	maxThrottled   = 10_000    // remembered of each kind, about 2 MB; the oldest go first
)

// throttle makes guessing passwords slow. It is in memory only and bounded. It is safe
// for concurrent use.
type throttle struct {
	mu   sync.Mutex
	seen [len(slowings)]*simplelru.LRU[digest, attempts]
}

// digest stands for a key of any length, in as many bytes each.
type digest [16]byte

type attempts struct {
	failed int
	last   int64 // Unix time in nanoseconds
	until  int64 // no attempt before
	fresh  int64 // of a name: the same for networks that have not failed under it
}

// before returns when the next attempt may be made.
func (a *attempts) before(fresh bool) *int64 {
	if fresh {
		return &a.fresh
	}
	return &a.until
}

// counted is one thing that an attempt is counted by.
type counted struct {
	kind kind
	key  digest
}

func countedBy(k kind, key string) counted {
	sum := sha256.Sum256([]byte(key))
	return counted{k, digest(sum[:len(digest{})])}
}

func newThrottle() *throttle {
	t := &throttle{}
	for i := range t.seen {
		seen, err := simplelru.NewLRU[digest, attempts](maxThrottled, nil)
		if err != nil {
			panic(err) // the size is a positive constant
		}
		t.seen[i] = seen
	}
	return t
}

// attempt counts an attempt in all its ways, as failed until forgive says otherwise,
// so that attempts made at once all count. If one of the ways must wait it counts
// nothing and returns for how long.
func (t *throttle) attempt(now time.Time, ways ...counted) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fresh := t.fresh(now, ways)
	for _, way := range ways {
		if a, ok := t.seen[way.kind].Get(way.key); ok {
			until := *a.before(fresh && way.kind == byName)
			wait = max(wait, time.Duration(until-now.UnixNano()))
		}
	}
	if wait > 0 {
		// A clock that goes back must not lock anybody out for longer than a wait.
		return min(wait, slowings[byPair].most)
	}
	for _, way := range ways {
		slow := slowings[way.kind]
		a, _ := t.seen[way.kind].Get(way.key)
		if now.UnixNano()-a.last > int64(forgetAttempts) {
			a = attempts{}
		}
		a.failed++
		a.last = now.UnixNano()
		if over := a.failed - slow.free; over >= 0 {
			*a.before(fresh && way.kind == byName) = now.Add(min(slow.first<<min(over, 10), slow.most)).UnixNano()
		}
		t.seen[way.kind].Add(way.key, a)
	}
	return 0
}

// fresh reports whether an attempt comes from a network that has not failed under its
// name. The caller holds the lock.
func (t *throttle) fresh(now time.Time, ways []counted) bool {
	for _, way := range ways {
		if way.kind == byPair {
			a, ok := t.seen[byPair].Peek(way.key)
			return !ok || now.UnixNano()-a.last > int64(forgetAttempts)
		}
	}
	return false
}

// forgive takes back the attempt that succeeded. Where others may be guessing it is
// only this one.
func (t *throttle) forgive(ways ...counted) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, way := range ways {
		a, ok := t.seen[way.kind].Get(way.key)
		switch {
		case !ok:
		case slowings[way.kind].strict:
			t.seen[way.kind].Remove(way.key)
		default:
			a.failed--
			a.until, a.fresh = 0, 0
			t.seen[way.kind].Add(way.key, a)
		}
	}
}
