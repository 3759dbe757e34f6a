package spool_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/collector/spool/spooltest"
	"github.com/fotspor/fotspor/hit"
)

// TestTakeOut: what is taken out is gone from every file of the spool, in any state of its
// segment, and the rest is stored under the same id. What a collector is about to store stays.
func TestTakeOut(t *testing.T) {
	take := func(b *hit.Batch) (n int, _ error) {
		rows := b.Rows[:0]
		for _, r := range b.Rows {
			switch {
			case r.Path == "/gone":
				n++
				continue
			case strings.Contains(r.Path, "kari"):
				r.Path = "/[erased]"
				n++
			}
			rows = append(rows, r)
		}
		b.Rows = rows
		return n, nil
	}
	for _, suffix := range []string{".seg", ".open", ".quarantined", ".damaged"} {
		for _, c := range []struct {
			paths []string
			taken int
			left  string
		}{
			{[]string{"/a", "/kari", "/b"}, 1, "[/a /[erased] /b]"},
			{[]string{"/a", "/gone", "/kari"}, 2, "[/a /[erased]]"},
			{[]string{"/gone"}, 1, "[]"},
			{[]string{"/a"}, 0, "[/a]"},
		} {
			dir := t.TempDir()
			s, err := spool.Open(dir, spool.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var rows []hit.Row
			for _, path := range c.paths {
				rows = append(rows, hit.Row{Site: 1, Kind: hit.Pageview, Path: path})
			}
			if err := s.Append(hit.Batch{Rows: rows}); err != nil {
				t.Fatal(err)
			}
			if got, err := spool.TakeOut(dir, false, take); got.Taken != 0 || got.Waiting != c.taken || err != nil {
				t.Errorf("beside a collector: %+v, %v", got, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			name := onlySegment(t, dir)
			id := strings.TrimSuffix(filepath.Base(name), fmt.Sprintf(".%d.seg", len(rows)))
			to := filepath.Join(dir, fmt.Sprintf("%s.%d%s", id, len(rows), suffix))
			if suffix == ".open" {
				to = filepath.Join(dir, id+suffix)
			}
			if err := os.Rename(name, to); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(to)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := spool.TakeOut(dir, true, take); got.Taken != c.taken || err != nil {
				t.Errorf("%s, a look: %+v, %v", suffix, got, err)
			}
			if after, err := os.ReadFile(to); !bytes.Equal(before, after) {
				t.Errorf("%s: a look changed the file: %v", suffix, err)
			}
			if got, err := spool.TakeOut(dir, false, take); got.Taken != c.taken || got.Waiting != 0 || err != nil {
				t.Errorf("%s: %+v, %v, want %d", suffix, got, err, c.taken)
			}
			files, err := filepath.Glob(filepath.Join(dir, "*-*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				data, _ := os.ReadFile(file)
				if bytes.Contains(data, []byte("kari")) || bytes.Contains(data, []byte("/gone")) {
					t.Errorf("%s: the text is still in %s", suffix, file)
				}
			}
			switch {
			case c.taken > 0 && (suffix == ".damaged" || c.left == "[]"):
				if len(files) != 0 {
					t.Errorf("%s: %v are left", suffix, files)
				}
				continue
			case suffix == ".damaged":
				continue
			case suffix == ".quarantined":
				if err := spool.Retry(dir, id); err != nil {
					t.Fatal(err)
				}
			}
			if s, err = spool.Open(dir, spool.Options{}); err != nil {
				t.Fatal(err)
			}
			var stored []string
			err = s.Flush(t.Context(), spooltest.Whole(func(_ context.Context, b hit.Batch, as string) error {
				for _, r := range b.Rows {
					stored = append(stored, r.Path)
				}
				if as != id {
					t.Errorf("%s: stored as %s, want %s", suffix, as, id)
				}
				return nil
			}))
			if err != nil || fmt.Sprint(stored) != c.left {
				t.Errorf("%s: stored %v, %v, want %s", suffix, stored, err, c.left)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, err := spool.TakeOut(filepath.Join(t.TempDir(), "none"), false, take); got != (spool.Erased{}) || err != nil {
		t.Errorf("without a spool: %+v, %v", got, err)
	}
}

// onlySegment returns the one segment of a spool.
func onlySegment(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil || len(files) != 1 {
		t.Fatalf("segments %v, %v", files, err)
	}
	return files[0]
}
