// Package spool is the durable queue on disk between the answer to a visitor and
// the store. A row that Append acknowledged survives the death of the process, with
// Options.Durability Power a power cut too, and is stored once.
package spool

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Defaults of Options.
const (
	DefaultMaxBytes      = 1 << 30
	DefaultSegmentBytes  = 40 << 20 // of 200,000 rows like those of bench
	DefaultSegmentRows   = 200_000
	DefaultSealAfter     = 10 * time.Second // an empty insert costs as much as 30,000 rows
	DefaultInsertTimeout = time.Minute
)

// LeastBytes is the least Options.MaxBytes for a collector: some 500 requests may hold a
// Reservation at a time.
const LeastBytes = 4 << 20

var (
	// ErrFull means that the limit of the spool is reached or the disk is full, and
	// nothing was kept. Calls succeed again once segments have been stored.
	ErrFull = errors.New("spool is full")

	// ErrClosed means that the spool is closed.
	ErrClosed = errors.New("spool is closed")

	// ErrRefused is returned by an Inserter, wrapped or not, if the store will never
	// take these rows. Their segment is quarantined at once.
	ErrRefused = errors.New("store refuses the rows permanently")
)

// Durability is what an acknowledged row survives.
type Durability int

const (
	// Process: a row survives the death of the process, kill -9 included. It is in
	// the cache of the operating system: a power cut may lose the last seconds of rows.
	Process Durability = iota

	// Power: a row survives a power cut too. It is on disk (fsync), and so is the name
	// of its file. Each Append waits for the disk; calls that come during a sync share
	// the next one, so that none waits for more than two.
	Power
)

// Options of a spool. Zero fields take their defaults.
type Options struct {
	Durability    Durability
	MaxBytes      int64         // limit for all segments together, quarantined and damaged ones included; beyond it Append returns ErrFull
	SegmentBytes  int64         // size at which a segment is sealed; a larger Append still fits in one segment
	SegmentRows   int           // number of rows at which a segment is sealed, and the most rows of one Append
	SealAfter     time.Duration // age at which a segment is sealed, counted from its first row
	InsertTimeout time.Duration // bound of one attempt to store a segment
	// Retention returns the age at which quarantined and damaged segments are removed. nil: never.
	Retention    func() time.Duration
	ClockTrusted func() bool // reports whether the clock may be trusted for Retention; nil: always
	Logger       *slog.Logger
	Registerer   prometheus.Registerer // nil: no metrics
	Now          func() time.Time
}

func (o Options) withDefaults() (Options, error) {
	if o.MaxBytes < 0 || o.SegmentBytes < 0 || o.SegmentRows < 0 || o.SealAfter < 0 || o.InsertTimeout < 0 {
		return o, errors.New("a limit is negative")
	}
	if o.SegmentRows > DefaultSegmentRows {
		return o, fmt.Errorf("SegmentRows %d is above %d", o.SegmentRows, DefaultSegmentRows)
	}
	if o.Durability != Process && o.Durability != Power {
		return o, fmt.Errorf("Durability %d is neither Process nor Power", o.Durability)
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
	if o.InsertTimeout == 0 {
		o.InsertTimeout = DefaultInsertTimeout
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
// use, but only one Drain or Flush runs at a time, and Check is for one goroutine.
//
// To shut down without loss: stop appending, end the context of Drain and wait for it,
// Flush with a fresh and bounded context, Close. Segments that Flush could not store wait
// on disk for the next Open.
type Spool struct {
	opts    Options
	dir     string
	fs      fileSystem
	lock    io.Closer
	metrics *metrics
	wake    chan struct{} // wakes Drain

	// used is what counts against MaxBytes: the files, and the space that is reserved
	// for rows on their way to them.
	used atomic.Int64

	failing       atomic.Pointer[error] // error of the last write; nil if it succeeded
	failureLogged atomic.Int64          // when failing was last logged, in Unix seconds; 0: it was not
	writes        atomic.Int64          // number of writes that succeeded

	// Used by Check only:
	checked int64 // writes at the last call
	quiet   int   // calls since writes last changed

	// draining is held by Drain or Flush.
	draining sync.Mutex
	accepted int       // number of segments that the store has taken since Open
	looked   time.Time // when the directory was last read

	// writing is held by the one goroutine that fills files, and is taken before
	// mu where both are needed.
	writing sync.Mutex
	open    *segment // the segment being filled; nil if none

	mu          sync.Mutex
	queue       []*segment // oldest first, the open one last
	quarantined extent     // segments that wait for a person
	damaged     extent     // segments that lost rows: the others are stored, the files are kept for people to look at
	stored      []*segment // segments in the store whose files could not be removed yet
	bytes       int64      // size of all files
	batch       *batch     // the batch that an Append may join; nil if none
	spare       []byte     // the buffer of a past batch, for reuse
	closed      bool
}

// extent is a number of segments and the size of their files.
type extent struct {
	segments int
	bytes    int64
}

func (e *extent) add(bytes int64) {
	e.segments++
	e.bytes += bytes
}

// segment is one file. Spool.writing guards size and rows until the segment is sealed;
// after that they never change. Spool.mu guards sealed.
type segment struct {
	id     string // the name of the file, without suffix
	path   string
	born   time.Time // when its first row came
	size   int64     // of the segment in bytes; what the file holds beyond it is not read
	rows   int       // unknown for a segment that another process left open
	mark   mark
	file   file // nil once sealed
	sealed bool

	// Used by Drain only:
	tried    bool      // this process has sent it to the store, or one before may have
	failures int       // failed attempts to store it
	strikes  int       // failures while the store took others
	accepted int       // Spool.accepted at the last failure
	retryAt  time.Time // earliest time of the next attempt
	damaged  bool      // acknowledged rows are missing in it
}

// Open opens the spool in dir, and creates dir if needed. Segments that a past process
// left are taken over. When they are stored, a record that is cut short at the end of a
// file is skipped: it was never acknowledged. Every complete record of a damaged file is
// stored, and the file is kept. Only one process at a time can have a directory open.
// With Power, a directory that Open creates is on disk if its parent is.
func Open(dir string, opts Options) (*Spool, error) { return openOn(disk{}, dir, opts) }

func openOn(files fileSystem, dir string, opts Options) (*Spool, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	s := &Spool{opts: opts, dir: dir, fs: files, metrics: newMetrics(), wake: make(chan struct{}, 1)}
	if err := s.enter(); err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	return s, nil
}

// enter makes and locks the directory, and takes over what is in it.
func (s *Spool) enter() (err error) {
	if err := s.fs.MkdirAll(s.dir); err != nil {
		return err
	}
	if s.opts.Durability == Power {
		if err := s.fs.SyncDir(filepath.Dir(s.dir)); err != nil {
			return err
		}
	}
	if s.lock, err = s.fs.Lock(filepath.Join(s.dir, "lock")); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			s.lock.Close()
		}
	}()
	entries, err := s.fs.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		s.adopt(e)
	}
	if s.opts.Registerer != nil {
		return s.register(s.opts.Registerer)
	}
	return nil
}

// Full reports whether the limit is so near that a Reserve of one row may return
// ErrFull.
func (s *Spool) Full() bool { return s.used.Load()+2*MaxRow > s.opts.MaxBytes }

func (s *Spool) wakeDrain() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close seals the open segment and unlocks the directory. It waits for an Append that has
// begun to write; other calls get ErrClosed. Drain and Flush must have returned.
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
	s.tidy()
	if err := s.lock.Close(); err != nil {
		return fmt.Errorf("close spool: %w", err)
	}
	return nil
}

// Quarantined reports whether there are segments that are not stored, or damaged ones.
func (s *Spool) Quarantined() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.quarantined.segments+s.damaged.segments > 0
}
