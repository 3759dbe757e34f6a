package dashboard

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Limits of log-in attempts.
const (
	freeAttempts   = 5                // before the first delay
	firstDelay     = 15 * time.Second // doubled by each further attempt
	maxDelay       = 15 * time.Minute
	forgetAttempts = time.Hour // after the last one
	maxThrottled   = 10_000    // names and networks remembered; the oldest go first
)

// throttle makes guessing passwords slow: after a few failed attempts under one
// key, a user name or a network, the next must wait, longer each time. It is in
// memory only and bounded. It is safe for concurrent use.
type throttle struct {
	mu   sync.Mutex
	seen *simplelru.LRU[string, attempts]
}

type attempts struct {
	failed int
	last   time.Time
	until  time.Time // no attempt before
}

func newThrottle() *throttle {
	seen, err := simplelru.NewLRU[string, attempts](maxThrottled, nil)
	if err != nil {
		panic(err) // the size is a positive constant
	}
	return &throttle{seen: seen}
}

// attempt counts an attempt under all keys, as failed until forgive says
// otherwise, so that attempts made at once all count. If one of the keys must
// wait it counts nothing and returns for how long.
func (t *throttle) attempt(now time.Time, keys ...string) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range keys {
		if a, ok := t.seen.Get(key); ok {
			wait = max(wait, a.until.Sub(now))
		}
	}
	if wait > 0 {
		return wait
	}
	for _, key := range keys {
		a, _ := t.seen.Get(key)
		if now.Sub(a.last) > forgetAttempts {
			a = attempts{}
		}
		a.failed++
		a.last = now
		if over := a.failed - freeAttempts; over >= 0 {
			a.until = now.Add(min(firstDelay<<min(over, 10), maxDelay))
		}
		t.seen.Add(key, a)
	}
	return 0
}

// forgive takes back the attempt that succeeded: all of the user's, but only
// this one of the network, where somebody else may be guessing.
func (t *throttle) forgive(user, network string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen.Remove(user)
	if a, ok := t.seen.Get(network); ok {
		a.failed--
		if a.failed < freeAttempts {
			a.until = time.Time{}
		}
		t.seen.Add(network, a)
	}
}
