package spool_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fotspor/fotspor/collector/spool"
)

// TestFullDisk: while the disk is full, Err reports it and the log has one line a minute
// with the operation and the file. Both end once there is space, without hits too.
func TestFullDisk(t *testing.T) {
	for name, op := range map[string]string{"no new file": "create", "no bytes": "write", "no sync": "sync"} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			var full atomic.Bool
			now := day
			disk := newMemory()
			disk.fault = func(_ int, called string) fault {
				if full.Load() && called == op {
					return fault{err: syscall.ENOSPC}
				}
				return fault{}
			}
			s, err := spool.OpenOn(disk, "spool", spool.Options{
				SegmentRows: 1, Durability: spool.Power, Now: func() time.Time { return now }, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			mustAppend(t, s, "a")
			if s.Err() != nil {
				t.Errorf("Err = %v on a disk that works", s.Err())
			}
			full.Store(true)
			warned := func() int { return strings.Count(log.String(), "level=WARN") }
			for minute := range 3 {
				for range 100 {
					if err := s.Append(batch(row("secret"))); !errors.Is(err, spool.ErrFull) {
						t.Fatalf("Append = %v, want %v", err, spool.ErrFull)
					}
					s.Check()
				}
				if n := warned(); n != minute+1 {
					t.Fatalf("%d warnings after %d minutes:\n%s", n, minute, log.String())
				}
				now = now.Add(time.Minute)
			}
			if err := s.Err(); !errors.Is(err, spool.ErrFull) || !strings.Contains(log.String(), op) || strings.Contains(log.String(), "secret") {
				t.Errorf("Err = %v, want %v; log:\n%s", err, spool.ErrFull, log.String())
			}
			full.Store(false)
			s.Check()
			if s.Err() != nil || !strings.Contains(log.String(), "hits can be written to disk again") {
				t.Errorf("Err = %v once there is room; log:\n%s", s.Err(), log.String())
			}
			mustAppend(t, s, "b")

			// Without hits, Check still probes the disk now and then.
			full.Store(true)
			for range 30 {
				s.Check()
			}
			if !errors.Is(s.Err(), spool.ErrFull) {
				t.Errorf("Err = %v on a disk that is full and that nobody writes to", s.Err())
			}
		})
	}
}
