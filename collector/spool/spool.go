// Package spool is the durable queue on disk between the answer to a visitor and
// the store: a row that Append acknowledged survives the death of the process, or
// a power cut where asked to, and reaches the store once.
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
	DefaultSegmentBytes  = 16 << 20
	DefaultSegmentRows   = 100_000
	DefaultSealAfter     = 3 * time.Second // an empty insert costs as much as 50,000 rows
	DefaultInsertTimeout = time.Minute
)

// LeastBytes is the least Options.MaxBytes that takes hits well: some 500 may be under
// way at a time.
const LeastBytes = 4 << 20

var (
	// ErrFull means that the limit of the spool or the disk is reached and
	// nothing was kept. It passes by itself once segments have been stored.
	ErrFull = errors.New("spool is full")

	// ErrClosed means that the spool is closed.
	ErrClosed = errors.New("spool is closed")

	// ErrRefused is for an Inserter to return, wrapped or not: the store will
	// never take these rows, however often it is asked. Their segment is
	// quarantined at once.
	ErrRefused = errors.New("store refuses the rows for good")
)

// Durability says what a row survives once it is acknowledged.
type Durability int

const (
	// Process: the death of the process, kill -9 included. The row is with the
	// operating system, so that a power cut can take the last seconds of rows.
	Process Durability = iota

	// Power: a power cut too. The row is on disk (fsync), and so is the name of
	// its file. Each Append takes as long as the disk takes for that; calls that
	// come meanwhile share the next turn, so that none waits for more than two.
	Power
)

// Options of a spool. The zero value takes every default.
type Options struct {
	Durability    Durability
	MaxBytes      int64         // of all segments together, those that are kept included, beyond which Append says ErrFull
	SegmentBytes  int64         // seals a segment; one larger Append still fits in one segment
	SegmentRows   int           // seals a segment, and bounds the rows of one Append
	SealAfter     time.Duration // from the first row of a segment
	InsertTimeout time.Duration // of one attempt to store a segment
	Retention     time.Duration // removes what is quarantined or damaged once it is older; 0: never
	ClockTrusted  func() bool   // whether the clock may be believed with that; nil: always
	Logger        *slog.Logger
	Registerer    prometheus.Registerer // nil: no metrics
	Now           func() time.Time
}

func (o Options) withDefaults() (Options, error) {
	if o.MaxBytes < 0 || o.SegmentBytes < 0 || o.SegmentRows < 0 || o.SealAfter < 0 || o.InsertTimeout < 0 || o.Retention < 0 {
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
// use, save that only one Drain or Flush runs at a time.
//
// The order of a shutdown that loses nothing: stop whoever appends, end the
// context of Drain and wait for it, Flush with a fresh and bounded context, Close.
// What Flush could not store waits on disk for the next Open.
type Spool struct {
	opts    Options
	dir     string
	fs      fileSystem
	lock    io.Closer
	metrics *metrics
	wake    chan struct{} // there is something new for Drain to look at

	// used is what counts against MaxBytes: the files, and the space that is reserved
	// for rows on their way to them.
	used atomic.Int64

	failing atomic.Pointer[error] // why the last write failed; nil if it did not
	told    atomic.Int64          // when the log was told of that, in Unix seconds; 0: it was not
	writes  atomic.Int64          // that succeeded

	// Of Check alone:
	checked int64 // writes at the last call
	quiet   int   // calls since there were any

	// draining is held by Drain or Flush.
	draining sync.Mutex
	accepted int       // segments that the store has taken since Open
	looked   time.Time // when the directory was last read

	// writing is held by the one goroutine that fills files, and is taken before
	// mu where both are needed.
	writing sync.Mutex
	open    *segment // the segment being filled; nil if none

	mu          sync.Mutex
	queue       []*segment // oldest first, the open one last
	quarantined extent     // waits for a person
	damaged     extent     // stored but for what was lost, and kept for people to look at
	stored      []*segment // in the store, but the file could not be removed yet
	bytes       int64      // of all files
	batch       *batch     // the batch that an Append may join; nil if none
	spare       []byte     // a buffer that a past batch left
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

// segment is one file. Its size and rows are guarded by Spool.writing until it is
// sealed, which Spool.mu guards, and never change after that.
type segment struct {
	id     string // the name of the file, without suffix
	path   string
	born   time.Time // when its first row came
	size   int64     // what is in the file behind that is not part of it
	rows   int       // unknown of one that another process left open
	mark   mark
	file   file // nil once sealed
	sealed bool

	// Of Drain alone:
	failures int       // attempts to store it
	strikes  int       // failures while the store took others
	accepted int       // Spool.accepted at the last failure
	retryAt  time.Time // not before
	damaged  bool      // acknowledged rows are missing in it
}

// Open opens the spool in dir, which it creates where needed. What a process that
// died left there is taken over, and looked into when it is stored: a record cut
// short at the end of a file was never acknowledged and is left out. Of a damaged file
// every record that is whole is stored, and the file is kept. Only one process at a
// time can have a directory open. A directory that Open creates is on disk with
// Power if the one above it is.
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

// Full reports whether the limit is so near that a Reserve of one row may say
// ErrFull.
func (s *Spool) Full() bool { return s.used.Load()+2*MaxRow > s.opts.MaxBytes }

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
	s.tidy()
	if err := s.lock.Close(); err != nil {
		return fmt.Errorf("close spool: %w", err)
	}
	return nil
}
