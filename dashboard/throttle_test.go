package dashboard

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestThrottleForgets(t *testing.T) {
	for k, slow := range slowings {
		th := newThrottle()
		now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		a, b := countedBy(kind(k), "a"), countedBy(kind(k), "b")
		for range slow.free {
			if wait := th.attempt(now, a); wait != 0 {
				t.Fatalf("kind %d: a free attempt waits %s", k, wait)
			}
		}
		wait := th.attempt(now, a)
		if wait != slow.first {
			t.Errorf("kind %d: the first wait is %s, want %s", k, wait, slow.first)
		}
		longest := wait
		for range 20 {
			now = now.Add(wait)
			th.attempt(now, a)
			wait = th.attempt(now, a)
			longest = max(longest, wait)
		}
		if longest != slow.most {
			t.Errorf("kind %d: longest wait = %s, want %s", k, longest, slow.most)
		}
		if th.attempt(now, b) != 0 {
			t.Errorf("kind %d: another waits too", k)
		}
		now = now.Add(forgetAttempts + slow.most)
		for i := range slow.free {
			if wait := th.attempt(now, a); wait != 0 {
				t.Errorf("kind %d: after a quiet hour attempt %d waits %s", k, i, wait)
			}
		}
		if wait := th.attempt(now.Add(-24*time.Hour), a); wait > 15*time.Minute {
			t.Errorf("kind %d: a clock that went back makes one wait %s", k, wait)
		}
	}
}

// TestThrottleForgives: a success wipes out what was strict, and takes back one attempt
// where somebody else may be guessing.
func TestThrottleForgives(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for k, slow := range slowings {
		th := newThrottle()
		way := countedBy(kind(k), "a")
		for range slow.free - 1 {
			th.attempt(now, way)
		}
		th.attempt(now, way)
		th.forgive(way)
		free := 0
		for th.attempt(now, way) == 0 {
			free++
		}
		want := 1 // what the success took back
		if slow.strict {
			want = slow.free
		}
		if free != want {
			t.Errorf("kind %d: %d attempts after a success, want %d", k, free, want)
		}
	}
}

// TestThrottleMemory: names of any length and number take a bounded number of bytes.
func TestThrottleMemory(t *testing.T) {
	const most = 12 << 20
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	held := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := held()
	th := newThrottle()
	for i := range 3 * maxThrottled {
		for k := range slowings {
			th.attempt(now, countedBy(kind(k), fmt.Sprint(i, strings.Repeat("x", 200))))
		}
	}
	after := held()
	for k := range th.seen {
		if n := th.seen[k].Len(); n != maxThrottled {
			t.Errorf("kind %d: %d keys remembered, want %d", k, n, maxThrottled)
		}
	}
	if after > before+most {
		t.Errorf("%d bytes for five kinds of attempts, want at most %d", after-before, most)
	}
	t.Logf("%d bytes for %d keys", after-before, len(slowings)*maxThrottled)
	runtime.KeepAlive(th)
}
