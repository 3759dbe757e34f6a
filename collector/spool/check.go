package spool

import (
	"errors"
	"io/fs"
	"path/filepath"
	"time"
)

// tellEvery is how often the log tells of writes that fail.
const tellEvery = time.Minute

// Err returns why the last write to disk failed; nil if it did not. Until one succeeds,
// Append is likely to fail too.
func (s *Spool) Err() error {
	if err := s.failing.Load(); err != nil {
		return *err
	}
	return nil
}

// failed notes that a write failed, and tells the log of it once a minute. The error
// names the operation and the file, and nothing of a row.
func (s *Spool) failed(err error) {
	s.metrics.writeFailures.Inc()
	s.failing.Store(&err)
	now := s.opts.Now().Unix()
	if told := s.told.Load(); now-told >= int64(tellEvery/time.Second) && s.told.CompareAndSwap(told, now) {
		s.opts.Logger.Warn("hits can't be written to disk, and are refused", "err", err)
	}
}

// worked notes that a write succeeded.
func (s *Spool) worked() {
	s.writes.Add(1)
	if s.failing.Load() != nil && s.failing.Swap(nil) != nil {
		s.told.Store(0)
		s.opts.Logger.Info("hits can be written to disk again")
	}
}

// A probe is as large as a few requests.
const (
	probeName  = "probe"
	probeBytes = 64 << 10
	quietTimes = 12
)

// Check tries whether the disk takes a write if the last one failed, so that Err tells
// when it does again although nobody sends hits; and else, if there were none since the
// last dozen of calls, so that Err tells of a full disk before hits meet it. It is for
// one goroutine, every few seconds.
func (s *Spool) Check() {
	writes := s.writes.Load()
	if writes != s.checked {
		s.checked, s.quiet = writes, 0
	} else {
		s.quiet++
	}
	if s.Err() == nil && s.quiet < quietTimes {
		return
	}
	s.quiet = 0
	if err := s.probe(); err != nil {
		s.failed(orFull(err))
	} else {
		s.worked()
		s.checked = s.writes.Load()
	}
}

// probe writes a file and removes it.
func (s *Spool) probe() error {
	path := filepath.Join(s.dir, probeName)
	if err := s.fs.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a process that died
		return err
	}
	f, err := s.fs.Create(path)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(make([]byte, probeBytes), 0)
	if err == nil && s.opts.Durability == Power {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), s.fs.Remove(path))
}
