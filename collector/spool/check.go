package spool

import (
	"errors"
	"io/fs"
	"path/filepath"
	"time"
)

// logInterval is the least time between two log lines on writes that fail.
const logInterval = time.Minute

// Err returns the error of the last write to disk, nil if it succeeded. Until a write
// succeeds, Append is likely to fail too.
func (s *Spool) Err() error {
	if err := s.failing.Load(); err != nil {
		return *err
	}
	return nil
}

// failed records that a write failed, and logs it at most once a minute. The error names
// the operation and the file, and never contents of a row.
func (s *Spool) failed(err error) {
	s.metrics.writeFailures.Inc()
	s.failing.Store(&err)
	now := s.opts.Now().Unix()
	if last := s.failureLogged.Load(); now-last >= int64(logInterval/time.Second) && s.failureLogged.CompareAndSwap(last, now) {
		s.opts.Logger.Warn("hits can't be written to disk, and are refused", "err", err)
	}
}

// worked records that a write succeeded.
func (s *Spool) worked() {
	s.writes.Add(1)
	if s.failing.Load() != nil && s.failing.Swap(nil) != nil {
		s.failureLogged.Store(0)
		s.opts.Logger.Info("hits can be written to disk again")
	}
}

const (
	probeName  = "probe"
	probeBytes = 64 << 10 // as large as the rows of a few requests
	quietTimes = 12       // calls of Check without a write before it probes
)

// Check writes a probe file in two cases. If the last write failed, the probe lets Err
// report that the disk works again although no hits come. If there was no write during
// the last dozen calls, the probe lets Err report a full disk before a hit is refused.
// Check is not safe for concurrent use. It is meant to be called every few seconds.
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
	if err := s.fs.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // left by a process that died
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
