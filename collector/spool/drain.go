package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"time"

	"github.com/fotspor/fotspor/hit"
)

// The wait before the nth retry of an insert is random between 0 and
// minBackoff·2ⁿ, at most maxBackoff: exponential with full jitter, so that the
// collectors of a cluster do not come back all at once.
const (
	minBackoff = 100 * time.Millisecond
	maxBackoff = 30 * time.Second
)

// An Inserter stores the rows of one segment. It must honour its context, and
// must take a second call with the same token for a repetition of the first: a
// crash between its success and the removal of the segment leads to one. The rows
// are its own until it returns.
type Inserter = func(ctx context.Context, rows []hit.Row, token string) error

// errDraining: Drain and Flush exclude each other.
var errDraining = errors.New("spool is being drained already")

// Drain hands every segment to insert, oldest first, and removes it once insert
// has returned nil. A segment is sealed when it is large or old enough; one that
// insert refuses is tried again, with growing waits, for as long as it takes.
// Drain returns nil when ctx ends; what is not stored by then stays on disk.
func (s *Spool) Drain(ctx context.Context, insert Inserter) error {
	if !s.draining.TryLock() {
		return errDraining
	}
	defer s.draining.Unlock()
	for failures := 0; ctx.Err() == nil; {
		seg, due := s.next()
		if seg == nil {
			s.sleep(ctx, due, s.wake)
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
		wait := backoff(failures)
		failures++
		s.opts.Logger.Warn("segment is not stored yet",
			"segment", seg.token, "failures", failures, "retry_in", wait, "err", err)
		s.sleep(ctx, wait, nil)
	}
	return nil
}

// Flush seals the open segment and hands every segment to insert once, oldest
// first. It stops at the first error and returns it; what is not stored by then
// stays on disk.
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
		if err := s.store(ctx, seg, insert); err != nil {
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

// next returns the oldest segment if it is sealed, or old enough to be sealed now;
// else nil, and the time after which to look again.
func (s *Spool) next() (seg *segment, due time.Duration) {
	s.mu.Lock()
	if len(s.queue) == 0 {
		s.mu.Unlock()
		return nil, time.Hour // a new segment wakes Drain
	}
	seg = s.queue[0]
	sealed := seg.sealed
	s.mu.Unlock()
	if sealed {
		return seg, 0
	}
	// The clock may have been set back, so that the age is below zero.
	if age := max(0, s.opts.Now().Sub(seg.born)); age < s.opts.SealAfter {
		return nil, s.opts.SealAfter - age
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.open == seg {
		s.seal()
	}
	return seg, 0
}

// oldest returns the oldest sealed segment, nil if there is none.
func (s *Spool) oldest() *segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 || !s.queue[0].sealed {
		return nil
	}
	return s.queue[0]
}

// store hands a sealed segment, the oldest, to insert and then removes it.
func (s *Spool) store(ctx context.Context, seg *segment, insert Inserter) error {
	data, err := seg.read()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read segment: %w", err)
	}
	rows, good, damage := decodeSegment(data)
	if errors.Is(damage, errVersion) {
		return fmt.Errorf("read segment: %w", damage)
	}
	if len(rows) > 0 {
		if err := insert(ctx, rows, seg.token); err != nil {
			return err
		}
	}
	s.reportDamage(seg, good, damage, false)
	if err := os.Remove(seg.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		// It is stored: to try it again would be no use. The next Open finds it,
		// and the token makes its insert a no-op.
		s.opts.Logger.Error("remove stored segment", "segment", seg.token, "err", err)
	}
	s.mu.Lock()
	s.queue = s.queue[1:]
	s.used -= seg.size
	s.mu.Unlock()
	return nil
}

// read returns the content of a sealed segment.
func (seg *segment) read() ([]byte, error) {
	f, err := os.Open(seg.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, seg.size)
	n, err := io.ReadFull(f, data)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // shorter than it was: damaged
	}
	return data[:n], err
}
