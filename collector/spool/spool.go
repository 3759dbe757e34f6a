// Package spool is the durable queue on disk between the answer to a visitor and
// the store: a row that Append acknowledged survives the death of the process,
// and reaches the store once.
package spool

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fotspor/fotspor/hit"
)

// Defaults of Options.
const (
	DefaultMaxBytes     = 1 << 30
	DefaultSegmentBytes = 16 << 20
	DefaultSegmentRows  = 100_000
	DefaultSealAfter    = time.Second
)

var (
	// ErrFull means that the limit of the spool or the disk is reached and
	// nothing was kept. It passes by itself once segments have been stored.
	ErrFull = errors.New("spool is full")

	// ErrClosed means that the spool is closed.
	ErrClosed = errors.New("spool is closed")
)

// Options of a spool. The zero value takes every default.
type Options struct {
	MaxBytes     int64         // of all segments together, beyond which Append says ErrFull
	SegmentBytes int64         // seals a segment; one larger Append still fits in one segment
	SegmentRows  int           // seals a segment, and bounds the rows of one Append
	SealAfter    time.Duration // from the first row of a segment
	Logger       *slog.Logger
	Registerer   prometheus.Registerer // nil: no metrics
	Now          func() time.Time
}

func (o Options) withDefaults() (Options, error) {
	if o.MaxBytes < 0 || o.SegmentBytes < 0 || o.SegmentRows < 0 || o.SealAfter < 0 {
		return o, errors.New("a limit is negative")
	}
	if o.SegmentRows > DefaultSegmentRows {
		return o, fmt.Errorf("SegmentRows %d is above %d", o.SegmentRows, DefaultSegmentRows)
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = DefaultSegmentBytes
	}
	if o.SegmentRows == 0 {
		o.SegmentRows = DefaultSegmentRows
	}
	if o.SealAfter == 0 {
		o.SealAfter = DefaultSealAfter
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, nil
}

// Spool is a queue of rows in one directory. Its methods are safe for concurrent
// use, save that only one Drain or Flush runs at a time.
//
// The order of a shutdown that loses nothing: stop whoever appends, end the
// context of Drain and wait for it, Flush with a fresh and bounded context, Close.
// What Flush could not store waits on disk for the next Open.
type Spool struct {
	opts    Options
	dir     string
	lock    *os.File
	create  func(path string) (file, error)
	metrics *metrics

	wake     chan struct{} // there is something new for Drain to look at
	draining sync.Mutex    // held by Drain or Flush

	// writing is held by the one goroutine that changes files, and is taken
	// before mu where both are needed.
	writing sync.Mutex
	open    *segment // the segment being filled, the last of queue; nil if none

	mu     sync.Mutex
	queue  []*segment // oldest first
	used   int64      // bytes of the files in queue, and of the batches on their way to them
	batch  *batch     // the batch that an Append may join; nil if none
	spare  []byte     // a buffer that a past batch left
	closed bool
}

// file is the part of *os.File that a segment being filled needs.
type file interface {
	WriteAt(p []byte, off int64) (int, error)
	Truncate(size int64) error
	Close() error
}

// segment is one file. Its size and rows are guarded by Spool.writing until it is
// sealed, which Spool.mu guards, and never change after that.
type segment struct {
	token  string // the name of the file, without suffix
	path   string
	born   time.Time // when its first row came
	size   int64
	rows   int
	file   file // nil once sealed
	sealed bool
}

const (
	openSuffix   = ".open"
	sealedSuffix = ".seg"
	nameTime     = "20060102T150405.000000Z"
)

// newToken returns a name that sorts by time and, by its 130 random bits, is
// shared with no segment of any other collector.
func newToken(now time.Time) string { return now.UTC().Format(nameTime) + "-" + rand.Text() }

// tokenTime returns the time in a name made by newToken.
func tokenTime(token string) (time.Time, bool) {
	at, _, _ := strings.Cut(token, "-")
	t, err := time.Parse(nameTime, at)
	return t, err == nil
}

// Open opens the spool in dir, which it creates where needed. What a process that
// died left there is taken over: a record cut short at the end of a file was never
// acknowledged and is cut off; a damaged one is counted and logged, and what stands
// before it is kept. Only one process at a time can have a directory open.
func Open(dir string, opts Options) (*Spool, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	s := &Spool{
		opts:    opts,
		dir:     dir,
		lock:    lock,
		create:  createFile,
		metrics: newMetrics(),
		wake:    make(chan struct{}, 1),
	}
	if err := s.takeOver(); err != nil {
		lock.Close()
		return nil, fmt.Errorf("open spool: %w", err)
	}
	if opts.Registerer != nil {
		if err := s.register(opts.Registerer); err != nil {
			lock.Close()
			return nil, fmt.Errorf("open spool: %w", err)
		}
	}
	return s, nil
}

// lockDir takes the lock of dir, which the kernel lets go with the process.
func lockDir(dir string) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%q is in use by another process", dir)
	} else if err != nil {
		err = fmt.Errorf("lock %q: %w", path, err)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func createFile(path string) (file, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
}

// takeOver fills the queue with the segments that are in the directory.
func (s *Spool) takeOver() error {
	entries, err := os.ReadDir(s.dir) // sorted by name, and so by time
	if err != nil {
		return err
	}
	for _, e := range entries {
		suffix := filepath.Ext(e.Name())
		token := strings.TrimSuffix(e.Name(), suffix)
		born, ok := tokenTime(token)
		if !ok || suffix != openSuffix && suffix != sealedSuffix {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		seg := &segment{token: token, path: filepath.Join(s.dir, e.Name()), born: born, size: info.Size(), sealed: true}
		if suffix == openSuffix {
			if kept, err := s.repair(seg); err != nil {
				return err
			} else if !kept {
				continue
			}
		}
		s.queue = append(s.queue, seg)
		s.used += seg.size
	}
	return nil
}

// repair cuts a segment that was left open after its last good record, and seals
// it. One without any good record is not kept.
func (s *Spool) repair(seg *segment) (kept bool, err error) {
	data, err := os.ReadFile(seg.path)
	if err != nil {
		return false, err
	}
	rows, good, damage := decodeSegment(data)
	if errors.Is(damage, errVersion) {
		return false, fmt.Errorf("read %q: %w", seg.path, damage)
	}
	s.reportDamage(seg, good, damage, true)
	if len(rows) == 0 {
		return false, os.Remove(seg.path)
	}
	seg.size = int64(good)
	if good < len(data) {
		if err := os.Truncate(seg.path, seg.size); err != nil {
			return false, err
		}
	}
	s.markSealed(seg)
	return true, nil
}

// reportDamage counts and logs what is behind the first good bytes of a segment,
// if err says that something is wrong there.
func (s *Spool) reportDamage(seg *segment, good int, err error, leftOpen bool) {
	lost := seg.size - int64(good)
	switch {
	case err == nil:
	case leftOpen && errors.Is(err, errShort):
		s.metrics.tornBytes.Add(float64(lost))
		s.opts.Logger.Warn("segment ends in an unfinished write, which was never acknowledged; it is cut off",
			"segment", seg.token, "bytes", lost)
	default:
		s.metrics.corruptRecords.Inc()
		s.opts.Logger.Error("segment is damaged; rows are lost from the damage to its end",
			"segment", seg.token, "offset", good, "bytes", lost, "err", err)
	}
}

// Append puts rows at the end of the queue and returns once they are in the file
// system, so that they survive the death of this process (not yet a power cut).
// Appends that come while another is being written share the next write. Of one
// call either all rows are kept or none, even across a crash.
//
// It returns ErrFull where the limit or the disk is full, ErrClosed after Close,
// and an error for more rows than a segment may hold.
func (s *Spool) Append(rows ...hit.Row) error {
	if len(rows) == 0 {
		return nil
	}
	if len(rows) > s.opts.SegmentRows {
		return fmt.Errorf("append %d rows: at most %d at a time", len(rows), s.opts.SegmentRows)
	}
	b, leads, err := s.join(rows)
	if err != nil {
		return err
	}
	if leads {
		s.commit(b)
	} else {
		<-b.done
	}
	return b.err
}

// headroom is what Full keeps free: more than any one row takes.
const headroom = 16 << 10

// Full reports whether the limit is so near that Append of a row may say ErrFull.
// Whoever would have to take back work done before an Append asks first.
func (s *Spool) Full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used+headroom > s.opts.MaxBytes
}

// batch is what one write puts into the open segment: the records of one or more
// calls of Append. The call that began it leads: it waits for its turn to write,
// and until then others join.
type batch struct {
	buf  []byte
	rows int
	err  error         // set before done is closed
	done chan struct{} // closed when the batch is written, or has failed
}

// join adds a record to the batch at hand, or leads a new one.
func (s *Spool) join(rows []hit.Row) (b *batch, leads bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false, ErrClosed
	}
	b = s.batch
	if b == nil || b.rows+len(rows) > s.opts.SegmentRows || int64(len(b.buf)) >= s.opts.SegmentBytes {
		leads = true
		b = &batch{buf: s.spare, done: make(chan struct{})}
		s.spare = nil
	}
	before := len(b.buf)
	b.buf = appendRecord(b.buf, rows)
	size := int64(len(b.buf) - before)
	if s.used+size > s.opts.MaxBytes || size > maxRecord {
		b.buf = b.buf[:before]
		if leads {
			s.spare = b.buf
		}
		return nil, false, ErrFull
	}
	s.used += size
	s.batch = b
	b.rows += len(rows)
	return b, leads, nil
}

// commit writes a batch that this goroutine leads.
func (s *Spool) commit(b *batch) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	if s.batch == b {
		s.batch = nil // nobody joins from here on
	}
	closed := s.closed
	s.mu.Unlock()

	if closed {
		b.err = ErrClosed
	} else {
		b.err = s.write(b)
	}
	s.mu.Lock()
	if b.err != nil {
		s.used -= int64(len(b.buf))
	}
	if cap(b.buf) <= 1<<20 { // one huge call shall not hold its memory for ever
		s.spare = b.buf[:0]
	}
	s.mu.Unlock()
	close(b.done)
}

// write puts a batch into the open segment whole, or leaves no trace of it.
// s.writing is held.
func (s *Spool) write(b *batch) error {
	if o := s.open; o != nil && (o.rows+b.rows > s.opts.SegmentRows || o.size+int64(len(b.buf)) > s.opts.SegmentBytes) {
		s.seal()
	}
	if s.open == nil {
		if err := s.begin(); err != nil {
			return fmt.Errorf("begin segment: %w", orFull(err))
		}
	}
	seg := s.open
	if _, err := seg.file.WriteAt(b.buf, seg.size); err != nil {
		if cutErr := seg.file.Truncate(seg.size); cutErr != nil {
			// What was written cannot be taken back: leave the segment, of which
			// this process reads no more than seg.size.
			s.opts.Logger.Error("segment keeps an unfinished write", "segment", seg.token, "err", cutErr)
			s.seal()
		}
		return fmt.Errorf("write segment: %w", orFull(err))
	}
	seg.size += int64(len(b.buf))
	seg.rows += b.rows
	if seg.rows >= s.opts.SegmentRows || seg.size >= s.opts.SegmentBytes {
		s.seal()
	}
	return nil
}

// orFull makes an error of a full disk match ErrFull.
func orFull(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// begin makes a new open segment. s.writing is held and there is none.
func (s *Spool) begin() error {
	now := s.opts.Now()
	token := newToken(now)
	seg := &segment{token: token, path: filepath.Join(s.dir, token+openSuffix), born: now, size: int64(headerSize)}
	f, err := s.create(seg.path)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(appendHeader(nil), 0); err != nil {
		f.Close()
		os.Remove(seg.path)
		return err
	}
	seg.file = f
	s.open = seg
	s.mu.Lock()
	s.queue = append(s.queue, seg)
	s.used += seg.size
	s.mu.Unlock()
	s.wakeDrain()
	return nil
}

// seal ends the open segment, if there is one. s.writing is held.
func (s *Spool) seal() {
	seg := s.open
	if seg == nil {
		return
	}
	s.open = nil
	if err := seg.file.Close(); err != nil {
		s.opts.Logger.Warn("close segment", "segment", seg.token, "err", err)
	}
	seg.file = nil
	s.markSealed(seg)
	s.mu.Lock()
	seg.sealed = true
	s.mu.Unlock()
	s.wakeDrain()
}

// markSealed gives a segment that will not grow its final name. Where that fails
// the segment is used under the name that it has; the token is the same.
func (s *Spool) markSealed(seg *segment) {
	path := filepath.Join(s.dir, seg.token+sealedSuffix)
	if err := os.Rename(seg.path, path); err != nil {
		s.opts.Logger.Warn("rename sealed segment", "segment", seg.token, "err", err)
		return
	}
	seg.path = path
}

func (s *Spool) wakeDrain() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close seals what is open and lets the directory go. An Append that is under way
// ends first; later ones get ErrClosed. Drain and Flush must have returned.
func (s *Spool) Close() error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.seal()
	if err := s.lock.Close(); err != nil {
		return fmt.Errorf("close spool: %w", err)
	}
	return nil
}
