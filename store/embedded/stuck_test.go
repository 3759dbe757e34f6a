package embedded

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
)

// TestCloseOfStuckEngine: a statement that the library does not end keeps Close for a
// few seconds, and the directory is given back once it ends after all.
func TestCloseOfStuckEngine(t *testing.T) {
	lock, err := lockDir(filepath.Join(t.TempDir(), "clickhouse"))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ended := false
		lib := &library{close: func(*unsafe.Pointer) { ended = true }}
		e := &Engine{lib: lib, lock: lock, control: &session{lib: lib}, closing: make(chan struct{})}
		e.work.Add(1) // the statement
		for range 2 {
			start := time.Now()
			if err := e.Close(); !errors.Is(err, ErrStuck) || time.Since(start) > closeTime {
				t.Errorf("Close = %v after %v, want %v within %v", err, time.Since(start), ErrStuck, closeTime)
			}
		}
		e.work.Done()
		for range 2 {
			if err := e.Close(); err != nil || !ended {
				t.Errorf("Close = %v, ended %v, once the statement is over", err, ended)
			}
		}
		if _, err := lock.Stat(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("the lock is still held: %v", err)
		}
	})
}
