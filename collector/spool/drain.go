package spool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fotspor/fotspor/hit"
)

// The wait before the nth retry of an insert is random between 0 and
// minBackoff·2ⁿ, at most maxBackoff: exponential with full jitter, so that the
// collectors of a cluster do not retry all at once.
const (
	minBackoff = 100 * time.Millisecond
	maxBackoff = 30 * time.Second
)

const (
	// patience is how often Drain tries a segment before it tries others in between.
	patience = 3

	// maxStrikes is the number of strikes that quarantine a segment. A failure is a
	// strike if the store took another segment since the failure before it, which
	// shows that the cause is not the store.
	maxStrikes = 10

	// lookEvery is how often Drain reads the directory.
	lookEvery = 30 * time.Second
)

// An Insertion takes the rows of one segment and stores them.
type Insertion interface {
	// Add takes the next rows. They are good until it returns.
	Add(rows []hit.Row)

	// Insert stores the rows that were added, with the ledger entries and titles of b. It
	// must honour its context. It must store nothing for an id that it has stored: a crash
	// after its success and before the removal of the segment leads to such a call. An error
	// that matches ErrRefused quarantines the segment; after any other error Drain tries again.
	Insert(ctx context.Context, b hit.Batch, id string) error
}

// An Inserter begins an Insertion, for each attempt to store a segment. What is begun may be
// left without an Insert.
type Inserter = func() Insertion

var (
	// errDraining means that another Drain or Flush is running.
	errDraining = errors.New("spool is being drained already")

	// errUnreadable means that this version of the program can read nothing in a segment.
	errUnreadable = errors.New("segment is not readable")
)

// Drain hands every segment to insert, oldest first, and removes it once insert
// has returned nil. A segment is sealed when it is large or old enough. If insert fails,
// Drain tries the segment again without an end, with growing waits; after a few tries,
// it tries others in between. Drain quarantines a segment that insert refuses with
// ErrRefused, that can't be read, or that keeps failing while the store takes others.
//
// Drain returns nil when ctx ends; segments that are not stored by then stay on disk.
func (s *Spool) Drain(ctx context.Context, insert Inserter) error {
	if !s.draining.TryLock() {
		return errDraining
	}
	defer s.draining.Unlock()
	for failures := 0; ctx.Err() == nil; {
		s.look()
		seg, due := s.next()
		if seg == nil {
			s.sleep(ctx, min(due, lookEvery), s.wake)
			continue
		}
		err := s.store(ctx, seg, insert)
		if err == nil {
			failures = 0
			continue
		}
		if ctx.Err() != nil {
			break
		}
		if s.hopeless(seg, err) {
			s.quarantine(seg, err)
			continue
		}
		wait := backoff(failures)
		failures++
		s.opts.Logger.Warn("segment is not stored yet",
			"segment", seg.id, "failures", seg.failures, "retry_in", wait, "err", err)
		s.sleep(ctx, wait, nil)
	}
	return nil
}

// Flush seals the open segment and hands every segment to insert once, oldest
// first. It quarantines a segment that insert refuses with ErrRefused or that can't be
// read. It stops at any other error and returns it; segments that are not stored by then
// stay on disk.
func (s *Spool) Flush(ctx context.Context, insert Inserter) error {
	if !s.draining.TryLock() {
		return errDraining
	}
	defer s.draining.Unlock()
	s.writing.Lock()
	s.seal()
	s.writing.Unlock()
	for {
		seg := s.oldest()
		if seg == nil {
			return nil
		}
		err := s.store(ctx, seg, insert)
		if isFinal(err) && s.quarantine(seg, err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("flush spool: %w", err)
		}
	}
}

// sleep waits for d to pass, for a wake-up or for the end of ctx.
func (s *Spool) sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
}

func backoff(failures int) time.Duration {
	ceiling := maxBackoff
	if failures < 16 {
		ceiling = min(minBackoff<<failures, maxBackoff)
	}
	return rand.N(ceiling)
}

// next returns the oldest segment that is sealed, or old enough to be sealed now, and
// that waits for no retry. If there is none, it returns nil and the time after which to
// look again. A segment that keeps failing comes after those that failed less often, so
// that it delays no other for longer than one wait.
func (s *Spool) next() (seg *segment, due time.Duration) {
	now := s.opts.Now()
	due = time.Hour // a new segment wakes Drain
	var open *segment
	s.mu.Lock()
	for _, other := range s.queue {
		if !other.sealed {
			open = other
			continue
		}
		wait := other.retryAt.Sub(now)
		if wait <= 0 || wait > maxBackoff { // a longer wait than the longest: the clock was set back
			if seg == nil || other.surplus() < seg.surplus() {
				seg = other
			}
			continue
		}
		due = min(due, wait)
	}
	s.mu.Unlock()
	var ripe bool
	if open != nil {
		// An age below zero means that the clock was set back.
		age := now.Sub(open.born)
		ripe = age < 0 || age >= s.opts.SealAfter
		due = min(due, s.opts.SealAfter-age)
	}
	if !ripe || seg != nil && seg.surplus() == 0 {
		return seg, due
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.open == open {
		s.seal()
	}
	return open, 0
}

// surplus returns how many attempts failed since Drain began to try others in between.
func (seg *segment) surplus() int { return max(0, seg.failures-patience+1) }

// oldest returns the oldest sealed segment, nil if there is none.
func (s *Spool) oldest() *segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seg := range s.queue {
		if seg.sealed {
			return seg
		}
	}
	return nil
}

// store hands a sealed segment to insert and then removes it.
func (s *Spool) store(ctx context.Context, seg *segment, insert Inserter) error {
	data, err := s.fs.ReadFile(seg.path)
	if errors.Is(err, fs.ErrNotExist) {
		s.miss(seg)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read segment: %w", err)
	}
	data = data[:min(int64(len(data)), seg.size)]
	insertion := insert()
	c := decodeSegment(data, seg.id, seg.rows, insertion.Add)
	if errors.Is(c.err, errVersion) {
		return fmt.Errorf("%w: %w", errUnreadable, c.err)
	}
	if c.read > 0 {
		c.batch.Again, seg.tried = seg.tried, true
		if err := s.insert(ctx, c.batch, seg.id, insertion); err != nil {
			return err
		}
		s.accepted++
		if s.opts.Now().Sub(seg.born) > onTime {
			s.metrics.lateRows.Add(float64(c.read))
		}
	}
	s.report(seg, c)
	s.dequeue(seg)
	s.remove(seg)
	return nil
}

// miss forgets a segment whose file is not there. It leaves the path alone: if the file
// comes back (a rename that reported an error was done after all, and a person retries the
// segment), look finds it.
func (s *Spool) miss(seg *segment) {
	s.metrics.lostRows.Add(float64(max(seg.rows, 0)))
	s.opts.Logger.Error("file of a segment is gone; its rows are not stored", "segment", seg.id, "lost", max(seg.rows, 0))
	s.dequeue(seg)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(-seg.size)
}

// insert calls Insert once, for at most Options.InsertTimeout.
func (s *Spool) insert(ctx context.Context, b hit.Batch, id string, insertion Insertion) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.InsertTimeout)
	defer cancel()
	return insertion.Insert(ctx, b, id)
}

// report counts and logs what is wrong with a segment whose rows are stored.
func (s *Spool) report(seg *segment, c content) {
	switch {
	case errors.Is(c.err, errDamaged):
		seg.damaged = true
		s.metrics.lostRows.Add(float64(c.lost))
		s.opts.Logger.Error("segment is damaged; its readable rows are stored, and the file is kept",
			"segment", seg.id, "stored", c.read, "lost", c.lost, "at_least", seg.rows == unknown, "offset", c.at)
	case errors.Is(c.err, errShort):
		s.metrics.tornBytes.Add(float64(c.torn))
		s.opts.Logger.Warn("segment ends in an unfinished write; it was never acknowledged and is not stored",
			"segment", seg.id, "bytes", c.torn)
	}
}

// isFinal reports whether err means that every later attempt will fail too.
func isFinal(err error) bool { return errors.Is(err, ErrRefused) || errors.Is(err, errUnreadable) }

// hopeless reports whether to quarantine a segment after an attempt that failed with
// err. If not, it sets the time of the next attempt.
func (s *Spool) hopeless(seg *segment, err error) bool {
	if isFinal(err) {
		return true
	}
	if seg.failures > 0 && s.accepted > seg.accepted {
		seg.strikes++
	}
	seg.accepted = s.accepted
	if seg.failures >= patience-1 {
		seg.retryAt = s.opts.Now().Add(backoff(seg.failures))
	}
	seg.failures++
	return seg.strikes >= maxStrikes
}

// quarantine takes a segment out of the queue and renames its file. It reports whether
// that succeeded; if not, the segment is tried again later.
func (s *Spool) quarantine(seg *segment, why error) bool {
	if err := s.fs.Rename(seg.path, s.pathOf(seg, quarantinedSuffix)); err != nil {
		seg.retryAt = s.opts.Now().Add(maxBackoff)
		s.opts.Logger.Error("segment can't be stored and can't be quarantined",
			"segment", seg.id, "err", why, "rename", err)
		return false
	}
	s.opts.Logger.Error("segment is quarantined; its rows are not stored until a person retries it",
		"segment", seg.id, "bytes", seg.size, "failures", seg.failures, "err", why)
	s.dequeue(seg)
	s.mu.Lock()
	s.quarantined.add(seg.size)
	s.mu.Unlock()
	return true
}

// dequeue takes a segment out of the queue.
func (s *Spool) dequeue(seg *segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.queue, seg); i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
	}
}

// pathOf returns the path that a segment has in the state of a suffix.
func (s *Spool) pathOf(seg *segment, suffix string) string {
	return filepath.Join(s.dir, name{id: seg.id, rows: seg.rows, suffix: suffix}.String())
}

// remove removes the file of a stored segment and releases its space. It renames the file
// of a damaged segment instead. If that fails, tidy tries again: a later process would
// find the file and store its rows twice once the store has forgotten the segment id.
func (s *Spool) remove(seg *segment) {
	var err error
	if seg.damaged {
		err = s.fs.Rename(seg.path, s.pathOf(seg, damagedSuffix))
	} else {
		err = s.fs.Remove(seg.path)
	}
	gone := errors.Is(err, fs.ErrNotExist)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil && !gone:
		s.opts.Logger.Error("stored segment can't be removed yet", "segment", seg.id, "err", err)
		s.stored = append(s.stored, seg)
	case seg.damaged && !gone:
		s.damaged.add(seg.size)
	default:
		s.count(-seg.size)
	}
}

// count adds n bytes to the size of the files, and to what counts against the limit.
// s.mu is held.
func (s *Spool) count(n int64) {
	s.bytes += n
	s.used.Add(n)
}

// tidy tries again to remove the files of stored segments that remove could not remove.
func (s *Spool) tidy() {
	s.mu.Lock()
	stored := s.stored
	s.stored = nil
	s.mu.Unlock()
	for _, seg := range stored {
		s.remove(seg)
	}
}

// look reads the directory every lookEvery: a person may have dropped or retried
// quarantined segments.
func (s *Spool) look() {
	now := s.opts.Now()
	if since := now.Sub(s.looked); since >= 0 && since < lookEvery {
		return
	}
	s.looked = now
	s.tidy()
	entries, err := s.fs.ReadDir(s.dir)
	if err != nil {
		s.opts.Logger.Error("read directory of spool", "err", err)
		return
	}
	s.writing.Lock() // after this, each new file of this process is in the queue or was abandoned
	defer s.writing.Unlock()
	s.mu.Lock()
	known := make(map[string]bool)
	for _, seg := range slices.Concat(s.queue, s.stored) {
		known[seg.id] = true
	}
	s.count(-s.quarantined.bytes - s.damaged.bytes)
	s.quarantined, s.damaged = extent{}, extent{}
	s.mu.Unlock()
	for _, e := range entries {
		n, _ := parseName(e.Name)
		kept := n.suffix == quarantinedSuffix || n.suffix == damagedSuffix
		switch {
		case known[n.id]:
		case kept && s.expired(now, n.born):
			s.expire(e)
		case n.suffix == openSuffix: // abandon could not remove it
			s.fs.Remove(filepath.Join(s.dir, e.Name))
		default:
			s.adopt(e)
		}
	}
}

// expired reports whether a segment born then is older than the retention, by a clock
// that is trusted.
func (s *Spool) expired(now, born time.Time) bool {
	return s.opts.Retention != nil && now.Sub(born) > s.opts.Retention() &&
		(s.opts.ClockTrusted == nil || s.opts.ClockTrusted())
}

// expire removes a quarantined or damaged segment that is older than the retention.
func (s *Spool) expire(e fileEntry) {
	if err := s.fs.Remove(filepath.Join(s.dir, e.Name)); err != nil {
		s.opts.Logger.Error("segment past its retention can't be removed", "file", e.Name, "err", err)
		s.adopt(e)
		return
	}
	s.opts.Logger.Warn("segment past its retention is removed", "file", e.Name)
}

// adopt counts a file in the directory if it is a segment, and puts it into the
// queue if it waits for the store.
func (s *Spool) adopt(e fileEntry) {
	n, ok := parseName(e.Name)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(e.Size)
	switch n.suffix {
	case quarantinedSuffix:
		s.quarantined.add(e.Size)
		return
	case damagedSuffix:
		s.damaged.add(e.Size)
		return
	}
	seg := &segment{id: n.id, rows: n.rows, path: filepath.Join(s.dir, e.Name), born: n.born, size: e.Size, sealed: true, tried: true}
	i, _ := slices.BinarySearchFunc(s.queue, n.id, func(q *segment, id string) int {
		return strings.Compare(q.id, id)
	})
	s.queue = slices.Insert(s.queue, i, seg)
}
