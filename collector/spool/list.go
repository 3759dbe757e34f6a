package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/fotspor/fotspor/hit"
)

// State says what a segment waits for.
type State string

// The states of a segment.
const (
	Filling     State = "open"        // for more rows, or for the next Open if its process died
	Sealed      State = "sealed"      // for the store
	Quarantined State = "quarantined" // for Retry or Drop
	Damaged     State = "damaged"     // for Drop: its readable rows are stored
)

var states = map[string]State{openSuffix: Filling, sealedSuffix: Sealed, quarantinedSuffix: Quarantined, damagedSuffix: Damaged}

// Info describes a segment. It holds nothing from its rows.
type Info struct {
	ID    string
	State State
	Rows  int   // readable rows
	Lost  int   // acknowledged rows that are missing; for a segment that was left open, at least so many
	Bytes int64 // size of the file
	Born  time.Time
	Err   error // why not all of it can be read; nil if it can
}

// List returns the segments of the spool in dir, oldest first. It may be called
// while another process has the spool open: a segment that is stored meanwhile may be
// missing, and a segment that is being filled may end in an unfinished write.
func List(dir string) ([]Info, error) { return list(disk{}, dir) }

func list(files fileSystem, dir string) ([]Info, error) {
	entries, err := files.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list spool: %w", err)
	}
	var infos []Info
	for _, e := range entries {
		n, ok := parseName(e.Name)
		if !ok {
			continue
		}
		info := Info{ID: n.id, State: states[n.suffix], Bytes: e.Size, Born: n.born}
		data, err := files.ReadFile(filepath.Join(dir, e.Name))
		if err == nil {
			c := decodeSegment(data, n.id, n.rows, func([]hit.Row) {})
			info.Rows, info.Lost, err = c.read, c.lost, c.err
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		info.Err = err
		infos = append(infos, info)
	}
	return infos, nil
}

// Waiting calls f with parts of each segment in the queue that began at since or later and is
// on disk. Call it before the first Append; Drain may run, and store a segment meanwhile. The
// batch is good until f returns.
func (s *Spool) Waiting(since time.Time, f func(hit.Batch)) error {
	s.mu.Lock()
	queue := slices.Clone(s.queue)
	s.mu.Unlock()
	for _, seg := range queue {
		if seg.born.Before(since) {
			continue
		}
		data, err := s.fs.ReadFile(seg.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it is stored
		}
		if err != nil {
			return fmt.Errorf("read segment: %w", err)
		}
		c := decodeSegment(data, seg.id, seg.rows, func(rows []hit.Row) { f(hit.Batch{Rows: rows}) })
		f(c.batch)
	}
	return nil
}

// Retry puts a quarantined segment back into the queue. It may be called while another
// process has the spool in dir open: Drain finds the segment within a minute. The segment
// keeps its id, so that its rows are not stored twice if the store has them after all and
// still remembers the id.
func Retry(dir, id string) error { return retry(disk{}, dir, id) }

func retry(files fileSystem, dir, id string) error {
	n, err := keptFile(files, dir, id, quarantinedSuffix)
	if err == nil {
		err = files.Rename(filepath.Join(dir, n.String()), filepath.Join(dir, n.with(sealedSuffix).String()))
	}
	if err != nil {
		return fmt.Errorf("retry segment: %w", err)
	}
	return nil
}

// Drop removes the file of a quarantined or damaged segment. The rows of a quarantined
// one are lost. Drop may be called while another process has the spool in dir open.
func Drop(dir, id string) error { return drop(disk{}, dir, id) }

func drop(files fileSystem, dir, id string) error {
	n, err := keptFile(files, dir, id, quarantinedSuffix, damagedSuffix)
	if err == nil {
		err = files.Remove(filepath.Join(dir, n.String()))
	}
	if err != nil {
		return fmt.Errorf("drop segment: %w", err)
	}
	return nil
}

// Quarantine quarantines the segments in the spool in dir that began at a time or before: of
// these it is not known whether they are in a store that was restored from a backup of that
// time. Later ones are not, and wait for the store as before. It returns how many it
// quarantined. No other process may have the spool open.
func Quarantine(dir string, until time.Time) (int, error) { return quarantine(disk{}, dir, until) }

func quarantine(files fileSystem, dir string, until time.Time) (n int, err error) {
	entries, err := files.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	var lock io.Closer
	if err == nil {
		lock, err = files.Lock(filepath.Join(dir, "lock"))
	}
	if err != nil {
		return 0, fmt.Errorf("quarantine segments: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	for _, e := range entries {
		s, ok := parseName(e.Name)
		if !ok || s.suffix != openSuffix && s.suffix != sealedSuffix || s.born.After(until) {
			continue
		}
		if err := files.Rename(filepath.Join(dir, e.Name), filepath.Join(dir, s.with(quarantinedSuffix).String())); err != nil {
			return n, fmt.Errorf("quarantine segments: %w", err)
		}
		n++
	}
	return n, nil
}

// keptFile returns the file of the segment with an id, if it has one of the suffixes.
func keptFile(files fileSystem, dir, id string, suffixes ...string) (name, error) {
	entries, err := files.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return name{}, err
	}
	for _, e := range entries {
		if n, ok := parseName(e.Name); ok && n.id == id && slices.Contains(suffixes, n.suffix) {
			return n, nil
		}
	}
	return name{}, fmt.Errorf("%q: no such quarantined or damaged segment", id)
}
