package app

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestFollow: files are read again when one of them changes, and only then; what can't be used is
// logged once.
func TestFollow(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	write(a, "1")
	synctest.Test(t, func(t *testing.T) {
		var log syncText
		p := &program{}
		p.Logger, p.paces.files = slog.New(slog.NewTextHandler(&log, nil)), time.Minute
		var reads atomic.Int32
		var fails atomic.Pointer[error]
		p.follow(reread{"lists", func() error {
			reads.Add(1)
			if err := fails.Load(); err != nil {
				return *err
			}
			return nil
		}}, a, "", b)
		p.follow(reread{"nothing", func() error { t.Error("there is no file"); return nil }}, "")
		defer p.stop(slog.New(slog.DiscardHandler))
		for _, step := range []struct {
			name   string
			do     func()
			reads  int32
			errors int // lines of the log
		}{
			{"no change", func() {}, 0, 0},
			{"another text", func() { write(a, "2") }, 1, 0},
			{"no change after it", func() {}, 1, 0},
			{"a file that is new", func() { write(b, "1") }, 2, 0},
			{"one that can't be used", func() { write(b, "2"); err := errors.New("not a list"); fails.Store(&err) }, 3, 1},
			{"the same", func() {}, 3, 1},
			{"a file that is gone", func() { fails.Store(nil); os.Remove(b) }, 4, 1},
		} {
			step.do()
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			if got := strings.Count(log.String(), "can't be used"); reads.Load() != step.reads || got != step.errors {
				t.Errorf("%s: files were read %d times, want %d; the log tells of %d troubles, want %d", step.name, reads.Load(), step.reads, got, step.errors)
			}
		}
	})
}
