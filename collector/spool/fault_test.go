package spool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/collector/spool/spooltest"
	"github.com/fotspor/fotspor/hit"
)

// fault is what goes wrong in a call of the file system.
type fault struct {
	err  error // what the call returns; nil: no fault
	half bool  // the call has its effect although it fails; a write has half of its effect
	dies bool  // the process dies after the call
}

var errDead = errors.New("the process is dead")

// memory is a file system in memory. It fails where fault says so, and knows which of its
// data would survive a power cut.
type memory struct {
	mu    sync.Mutex
	now   map[string]*inode // as the process sees it
	disk  map[string]*inode // names that are on disk
	trace []string          // every call
	fault func(call int, op string) fault
	dead  bool
}

type inode struct {
	data   []byte
	synced []byte // the data on disk
	unsure bool   // a sync has failed: the next one reports success and syncs nothing
}

func newMemory() *memory { return &memory{now: make(map[string]*inode), disk: make(map[string]*inode)} }

// call is one call: effect is what it does, half what it does if it fails halfway.
func (m *memory) call(op string, effect, half func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errDead
	}
	var f fault
	if m.fault != nil {
		f = m.fault(len(m.trace), op)
	}
	m.trace = append(m.trace, op)
	m.dead = f.dies
	switch {
	case f.err == nil:
		return effect()
	case f.half && half != nil:
		half()
	case f.half:
		effect()
	}
	return &fs.PathError{Op: op, Path: "x", Err: f.err}
}

func (m *memory) MkdirAll(string) error { return m.call("mkdir", nop, nil) }

func nop() error { return nil }

func (m *memory) Lock(string) (io.Closer, error) {
	return io.NopCloser(nil), m.call("lock", nop, nil)
}

func (m *memory) ReadDir(string) (entries []spool.FileEntry, err error) {
	err = m.call("readdir", func() error {
		for _, path := range slices.Sorted(maps.Keys(m.now)) {
			entries = append(entries, spool.FileEntry{Name: filepath.Base(path), Size: int64(len(m.now[path].data))})
		}
		return nil
	}, nop)
	return entries, err
}

func (m *memory) ReadFile(path string) (data []byte, err error) {
	err = m.call("read", func() error {
		n, ok := m.now[path]
		if !ok {
			return fs.ErrNotExist
		}
		data = bytes.Clone(n.data)
		return nil
	}, nop)
	return data, err
}

func (m *memory) Create(path string) (spool.File, error) {
	n := new(inode)
	err := m.call("create", func() error {
		m.now[path] = n
		return nil
	}, nil)
	if err != nil {
		return nil, err
	}
	return memoryFile{m, n}, nil
}

func (m *memory) Rename(from, to string) error {
	return m.call("rename", func() error {
		n, ok := m.now[from]
		if !ok {
			return fs.ErrNotExist
		}
		m.now[to] = n
		delete(m.now, from)
		return nil
	}, nil)
}

func (m *memory) Remove(path string) error {
	return m.call("remove", func() error {
		if _, ok := m.now[path]; !ok {
			return fs.ErrNotExist
		}
		delete(m.now, path)
		return nil
	}, nil)
}

func (m *memory) SyncDir(string) error {
	return m.call("syncdir", func() error {
		m.disk = maps.Clone(m.now)
		return nil
	}, nil)
}

type memoryFile struct {
	m *memory
	n *inode
}

func (f memoryFile) WriteAt(p []byte, off int64) (int, error) {
	put := func(p []byte) error {
		end := int(off) + len(p)
		f.n.data = append(f.n.data, make([]byte, max(0, end-len(f.n.data)))...)
		copy(f.n.data[off:], p)
		return nil
	}
	err := f.m.call("write", func() error { return put(p) }, func() error { return put(p[:len(p)/2]) })
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

func (f memoryFile) Sync() error {
	err := f.m.call("sync", func() error {
		if !f.n.unsure {
			f.n.synced = bytes.Clone(f.n.data)
		}
		return nil
	}, nil)
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	f.n.unsure = f.n.unsure || err != nil
	return err
}

func (f memoryFile) Truncate(size int64) error {
	return f.m.call("truncate", func() error {
		f.n.data = f.n.data[:size:size]
		return nil
	}, nil)
}

func (f memoryFile) Close() error { return f.m.call("close", nop, nil) }

// What the next process may find in the file system after the process has died.
var aftermaths = map[string]func(m *memory) *memory{
	"killed":                               func(m *memory) *memory { return m.after(m.now, false) },
	"power cut, nothing written of itself": func(m *memory) *memory { return m.after(m.disk, true) },
	"power cut, names written":             func(m *memory) *memory { return m.after(m.now, true) },
	"power cut, data written":              func(m *memory) *memory { return m.after(m.disk, false) },
}

// after is the file system with these names, and with the data that were synced or
// all of them.
func (m *memory) after(names map[string]*inode, synced bool) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := newMemory()
	for path, n := range names {
		data := n.data
		if synced {
			data = n.synced
		}
		next.now[path] = &inode{data: bytes.Clone(data)}
	}
	return next
}

// life is what the callers and the store of a spool know.
type life struct {
	t       *testing.T
	store   store
	cured   atomic.Bool         // the store takes every row
	calls   map[string][]string // the rows of each call, by the name of its first row
	ackd    map[string]bool     // calls that were acknowledged
	retried bool
}

const memoryDir = "/spool"

func newLife(t *testing.T) *life {
	return &life{t: t, calls: make(map[string][]string), ackd: make(map[string]bool)}
}

// insert returns ErrRefused for a row called poison, and fails on a row called sour.
func (l *life) insert(ctx context.Context, b hit.Batch, token string) error {
	for _, r := range b.Rows {
		switch {
		case l.cured.Load():
		case r.Name == "poison":
			return fmt.Errorf("bad row: %w", spool.ErrRefused)
		case r.Name == "sour":
			return errStore
		}
	}
	return l.store.insert(ctx, b, token)
}

func (l *life) append(s *spool.Spool, names ...string) error {
	l.calls[names[0]] = names
	var rows []hit.Row
	for _, n := range names {
		rows = append(rows, row(n))
	}
	room, err := s.Reserve(len(rows))
	if err != nil {
		return err
	}
	defer room.Release()
	if err = room.Append(batch(rows...)); err == nil {
		l.ackd[names[0]] = true
	}
	return err
}

// retry retries all quarantined segments.
func (l *life) retry(m *memory) {
	infos, err := spool.ListOn(m, memoryDir)
	if err != nil {
		return
	}
	for _, i := range infos {
		if i.State == spool.Quarantined {
			spool.RetryOn(m, memoryDir, i.ID)
			l.retried = true
		}
	}
}

// live does everything that a spool does: it opens, fills and seals segments, stores
// them, quarantines one and retries it, and closes. Before that live calls healed, when
// no fault is left and the spool still runs.
func (l *life) live(m *memory, d spool.Durability, healed func(s *spool.Spool)) {
	s, err := spool.OpenOn(m, memoryDir, spool.Options{Durability: d, SegmentRows: 4})
	if err != nil {
		return
	}
	ctx, stop := context.WithCancel(l.t.Context())
	var drain sync.WaitGroup
	drain.Go(func() {
		if err := s.Drain(ctx, spooltest.Whole(l.insert)); err != nil {
			l.t.Errorf("Drain = %v", err)
		}
	})
	l.append(s, "a")
	l.append(s, "b", "b2")
	l.append(s, "c", "c2", "c3") // does not fit: the first segment is sealed
	time.Sleep(time.Minute)
	l.append(s, "poison")
	time.Sleep(5 * time.Second)
	l.append(s, "d", "d2")
	l.append(s, "e")
	time.Sleep(time.Minute)
	l.cured.Store(true)
	l.retry(m)
	time.Sleep(time.Minute)
	l.append(s, "f")
	if healed != nil {
		healed(s)
	}
	stop()
	drain.Wait()
	s.Flush(l.t.Context(), spooltest.Whole(l.insert))
	l.append(s, "g")
	s.Close()
}

// check compares what was stored with what was acknowledged. Rows of a call that
// was not acknowledged may be there, all of them, if unacked is set.
func (l *life) check(unacked bool) {
	l.t.Helper()
	count := make(map[string]int)
	for _, n := range l.store.names {
		count[n]++
	}
	for call, names := range l.calls {
		for _, n := range names {
			switch {
			case l.ackd[call] && count[n] != 1:
				l.t.Errorf("row %q was acknowledged and is stored %d times", n, count[n])
			case !l.ackd[call] && count[n] > 0 && !unacked:
				l.t.Errorf("row %q was not acknowledged and is stored", n)
			case !l.ackd[call] && (count[n] > 1 || count[n] != count[call]):
				l.t.Errorf("row %q was not acknowledged and is stored %d times, the first of its call %d", n, count[n], count[call])
			}
		}
	}
}

// emptied checks that nothing is left of what a spool with an empty queue had.
func emptied(t *testing.T, m *memory, s *spool.Spool) {
	t.Helper()
	if len(m.now) > 0 || spool.Used(s) != 0 {
		t.Errorf("%d bytes are in use, files left: %q", spool.Used(s), slices.Sorted(maps.Keys(m.now)))
	}
}

// reopen is the next process: it stores what it finds.
func (l *life) reopen(m *memory) {
	l.t.Helper()
	l.cured.Store(true)
	l.retry(m)
	s, err := spool.OpenOn(m, memoryDir, spool.Options{})
	if err != nil {
		l.t.Fatalf("Open after a crash = %v", err)
	}
	if err := s.Flush(l.t.Context(), spooltest.Whole(l.insert)); err != nil {
		l.t.Errorf("Flush after a crash = %v", err)
	}
	emptied(l.t, m, s)
	s.Close()
}

// steps returns the calls of a life without a fault.
func steps(t *testing.T, d spool.Durability) (trace []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m, l := newMemory(), newLife(t)
		l.live(m, d, nil)
		if len(l.ackd) != len(l.calls) || !l.retried {
			t.Fatalf("acknowledged %v, retried %t without a fault", l.ackd, l.retried)
		}
		l.reopen(m)
		l.check(false)
		trace = m.trace
	})
	for _, op := range []string{"mkdir", "lock", "readdir", "read", "create", "write", "rename", "remove", "close"} {
		if !slices.Contains(trace, op) {
			t.Errorf("%q is not among the calls %q", op, trace)
		}
	}
	return trace
}

var durabilities = map[string]spool.Durability{"process": spool.Process, "power": spool.Power}

// TestFaults lets each call of a life fail in each way, alone and with those that
// follow. The spool goes on by itself once the fault is gone.
func TestFaults(t *testing.T) {
	faults := map[string]fault{
		"EIO":                     {err: syscall.EIO},
		"ENOSPC":                  {err: syscall.ENOSPC, half: true},
		"EDQUOT":                  {err: syscall.EDQUOT},
		"done and EIO":            {err: syscall.EIO, half: true},
		"out of file descriptors": {err: syscall.EMFILE},
	}
	for durability, d := range durabilities {
		trace := steps(t, d)
		for name, f := range faults {
			for _, calls := range []int{1, 2, 3, 1000} {
				t.Run(fmt.Sprintf("%s/%s/%d", durability, name, calls), func(t *testing.T) {
					for at := range trace {
						synctest.Test(t, func(t *testing.T) { outage(t, d, f, at, calls) })
						if t.Failed() {
							t.Fatalf("with a fault at call %d of %q", at, trace)
						}
					}
				})
			}
		}
	}
}

// outage is a life in which some calls fail.
func outage(t *testing.T, d spool.Durability, f fault, at, calls int) {
	m, l := newMemory(), newLife(t)
	m.fault = func(call int, _ string) fault {
		if call >= at && call < at+calls {
			return f
		}
		return fault{}
	}
	healed := false
	l.live(m, d, func(s *spool.Spool) {
		m.mu.Lock()
		m.fault = nil
		m.mu.Unlock()
		healed = true
		time.Sleep(time.Minute)
		if err := l.append(s, "z"); err != nil {
			t.Errorf("Append when the fault is gone = %v", err)
		}
		time.Sleep(time.Minute)
		l.retry(m)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		emptied(t, m, s)
		l.check(false)
	})
	if !healed { // it did not open
		m.fault = nil
		l.live(m, d, nil)
	}
	m.fault = nil
	l.reopen(m)
	l.check(true)
}

// TestCrash lets the process die at each call of a life, before or after it had its
// effect.
func TestCrash(t *testing.T) {
	for durability, d := range durabilities {
		trace := steps(t, d)
		for _, half := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/half=%t", durability, half), func(t *testing.T) {
				for at := range trace {
					lifeAndDeath(t, d, func(call int, _ string) fault {
						if call == at {
							return fault{err: errDead, half: half, dies: true}
						}
						return fault{}
					})
					if t.Failed() {
						t.Fatalf("with a crash at call %d of %q", at, trace)
					}
				}
			})
		}
	}
}

// TestFaultThenCrash lets one call fail, and the process die at each later one.
func TestFaultThenCrash(t *testing.T) {
	for durability, d := range durabilities {
		trace := steps(t, d)
		t.Run(durability, func(t *testing.T) {
			for at := range trace {
				for crash := at + 1; crash < len(trace); crash++ {
					lifeAndDeath(t, d, func(call int, _ string) fault {
						switch call {
						case at:
							return fault{err: syscall.EIO}
						case crash:
							return fault{err: errDead, dies: true}
						}
						return fault{}
					})
					if t.Failed() {
						t.Fatalf("with a fault at call %d and a crash at call %d of %q", at, crash, trace)
					}
				}
			}
		})
	}
}

// TestFaultsAndCrash: calls fail here and there, and then the process dies.
func TestFaultsAndCrash(t *testing.T) {
	for durability, d := range durabilities {
		t.Run(durability, func(t *testing.T) {
			for seed := range uint64(300) {
				random := rand.New(rand.NewPCG(seed, 1))
				lifeAndDeath(t, d, func(int, string) fault {
					switch n := random.IntN(100); {
					case n < 20:
						return fault{err: syscall.EIO, half: n%2 == 0}
					case n == 99:
						return fault{err: errDead, half: random.IntN(2) == 0, dies: true}
					}
					return fault{}
				})
				if t.Failed() {
					t.Fatalf("with seed %d", seed)
				}
			}
		})
	}
}

// lifeAndDeath is a life with faults, and another process after it in each way that
// its durability promises to survive.
func lifeAndDeath(t *testing.T, d spool.Durability, faults func(call int, op string) fault) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m, l := newMemory(), newLife(t)
		l.store.lax = true // a retried segment may hold rows that could not be cut off
		m.fault = faults
		l.live(m, d, nil)
		for name, aftermath := range aftermaths {
			if d == spool.Process && name != "killed" {
				continue
			}
			next := l.clone()
			next.reopen(aftermath(m))
			next.check(true)
			if t.Failed() {
				t.Errorf("%s after calls %q", name, m.trace)
			}
		}
	})
}

// clone is another world in which everything has been the same so far.
func (l *life) clone() *life {
	return &life{
		t: l.t, calls: l.calls, ackd: l.ackd,
		store: store{lax: l.store.lax, names: slices.Clone(l.store.names), seen: maps.Clone(l.store.seen)},
	}
}

// TestFaultsUnderLoad: batches of several callers fail whole, and what was
// acknowledged to each is exact.
func TestFaultsUnderLoad(t *testing.T) {
	for durability, d := range durabilities {
		t.Run(durability, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, to := newMemory(), new(store)
				s, err := spool.OpenOn(m, memoryDir, spool.Options{Durability: d, SegmentRows: 50})
				if err != nil {
					t.Fatal(err)
				}
				random := rand.New(rand.NewPCG(1, 1))
				m.fault = func(int, string) fault { // called with the lock of m
					if n := random.IntN(10); n == 0 {
						return fault{err: syscall.EIO, half: random.IntN(2) == 0}
					}
					return fault{}
				}
				stop := draining(t, s, spooltest.Whole(to.insert))
				var mu sync.Mutex
				var want []string
				var callers sync.WaitGroup
				for g := range 16 {
					callers.Go(func() {
						for i := range 200 {
							name := fmt.Sprintf("%d.%d", g, i)
							if s.Append(batch(row(name), row(name+"+"))) == nil {
								mu.Lock()
								want = append(want, name, name+"+")
								mu.Unlock()
							}
						}
					})
				}
				callers.Wait()
				m.mu.Lock()
				m.fault = nil
				m.mu.Unlock()
				time.Sleep(time.Hour)
				synctest.Wait()
				slices.Sort(want)
				slices.Sort(to.names)
				wantNames(t, to.names, want...)
				if len(want) < 16*200 {
					t.Errorf("only %d rows were acknowledged", len(want))
				}
				emptied(t, m, s)
				stop()
				s.Close()
			})
		})
	}
}
