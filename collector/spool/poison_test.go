package spool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/collector/spool/spooltest"
	"github.com/fotspor/fotspor/hit"
)

// draining runs Drain until the function that it returns is called.
func draining(t *testing.T, s *spool.Spool, insert spool.Inserter) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var drain sync.WaitGroup
	drain.Go(func() {
		if err := s.Drain(ctx, insert); err != nil {
			t.Errorf("Drain = %v", err)
		}
	})
	return func() {
		cancel()
		drain.Wait()
	}
}

// spoiled is an insert that answers err to a row of that name.
func spoiled(to *store, name string, err error) spool.Inserter {
	return spooltest.Whole(func(ctx context.Context, b hit.Batch, token string) error {
		for _, r := range b.Rows {
			if r.Name == name {
				return err
			}
		}
		return to.insert(ctx, b, token)
	})
}

// quarantined returns the tokens of what is quarantined in dir.
func quarantined(t *testing.T, dir string) (tokens []string) {
	t.Helper()
	infos, err := spool.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range infos {
		if i.State == spool.Quarantined {
			tokens = append(tokens, i.ID)
		}
	}
	return tokens
}

func wantAside(t *testing.T, reg prometheus.Gatherer, n int) {
	t.Helper()
	if err := testutil.GatherAndCompare(reg, strings.NewReader(fmt.Sprintf(`
# HELP fotspor_spool_quarantined_segments Segments that the store refuses however often they are sent, and that wait for fotspor spool retry or drop.
# TYPE fotspor_spool_quarantined_segments gauge
fotspor_spool_quarantined_segments %d
`, n)), "fotspor_spool_quarantined_segments"); err != nil {
		t.Error(err)
	}
}

// TestRefused: a segment that the store refuses with ErrRefused is quarantined at once.
// It stays so, over a restart too, until it is retried or dropped while the process runs.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		var log bytes.Buffer
		reg := prometheus.NewPedanticRegistry()
		opts := spool.Options{SegmentRows: 1, Registerer: reg, Logger: slog.New(slog.NewTextHandler(&log, nil))}
		s := mustOpen(t, dir, opts)
		var to store
		stop := draining(t, s, spoiled(&to, "bad", fmt.Errorf("insert: %w", spool.ErrRefused)))
		mustAppend(t, s, "a", "bad", "b", "bad", "c")
		time.Sleep(time.Second)
		synctest.Wait()
		wantNames(t, to.names, "a", "b", "c")
		wantAside(t, reg, 2)
		if text := log.String(); strings.Count(text, "level=ERROR") != 2 || strings.Contains(text, "bad") {
			t.Errorf("log:\n%s", text)
		}
		tokens := quarantined(t, dir)
		if len(tokens) != 2 {
			t.Fatalf("%d segments are quarantined, want 2", len(tokens))
		}
		stop()
		s.Close()

		opts.Registerer = prometheus.NewPedanticRegistry()
		s = mustOpen(t, dir, opts)
		wantAside(t, opts.Registerer.(*prometheus.Registry), 2)
		stop = draining(t, s, spooltest.Whole(to.insert))
		time.Sleep(time.Second)
		if err := spool.Retry(dir, tokens[1]); err != nil {
			t.Error(err)
		}
		if err := spool.Drop(dir, tokens[0]); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		wantNames(t, to.names, "a", "b", "c", "bad")
		wantAside(t, opts.Registerer.(*prometheus.Registry), 0)
		if used := spool.Used(s); used != 0 || len(files(t, dir)) != 0 {
			t.Errorf("%d bytes are in use, files %q", used, files(t, dir))
		}
		stop()
		s.Close()
	})
}

// TestPoison: a segment that fails while the store takes others is quarantined. The
// others are stored in their order, with little delay.
func TestPoison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		reg := prometheus.NewPedanticRegistry()
		s := mustOpen(t, dir, spool.Options{Registerer: reg, SealAfter: time.Second})
		var to store
		stop := draining(t, s, spoiled(&to, "bad", errStore))
		mustAppend(t, s, "bad")
		var want []string
		for i := range 600 {
			name := fmt.Sprint(i)
			time.Sleep(2 * time.Second)
			mustAppend(t, s, name)
			want = append(want, name)
			time.Sleep(5 * time.Second)
			synctest.Wait()
			if n := to.stored(); n < i-6 { // the longest wait, and the age at which a segment is sealed
				t.Fatalf("%d segments are stored of %d", n, i+1)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		wantNames(t, to.names, want...)
		wantAside(t, reg, 1)
		stop()
		s.Close()
	})
}

// TestStoreUnavailable: nothing is quarantined if the store takes nothing, or if it fails
// at random.
func TestStoreUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := mustOpen(t, dir, spool.Options{})
		back := time.Now().Add(24 * time.Hour)
		to := store{fail: func(call int) (bool, bool) { return time.Now().Before(back), call%3 == 0 }}
		stop := draining(t, s, spooltest.Whole(to.insert))
		var want []string
		for i := range 100 {
			name := fmt.Sprintf("%02d", i)
			mustAppend(t, s, name)
			want = append(want, name)
			time.Sleep(30 * time.Minute)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		stop()
		slices.Sort(to.names)
		wantNames(t, to.names, want...)
		if left := files(t, dir); len(left) > 0 {
			t.Errorf("segments left behind: %q", left)
		}
		s.Close()
	})
}

// unreadable is a disk with bad blocks under one segment.
type unreadable struct {
	spool.FileSystem
	token string
}

func (u *unreadable) ReadFile(path string) ([]byte, error) {
	if u.token != "" && strings.Contains(path, u.token) {
		return nil, &os.PathError{Op: "read", Path: path, Err: syscall.EIO}
	}
	return u.FileSystem.ReadFile(path)
}

func TestUnreadableDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		disk := &unreadable{FileSystem: spool.Disk}
		s, err := spool.OpenOn(disk, dir, spool.Options{})
		if err != nil {
			t.Fatal(err)
		}
		mustAppend(t, s, "a")
		infos, err := spool.List(dir)
		if err != nil || len(infos) != 1 {
			t.Fatalf("List = %v, %v", infos, err)
		}
		disk.token = infos[0].ID
		var to store
		stop := draining(t, s, spooltest.Whole(to.insert))
		for i := range 100 {
			time.Sleep(time.Minute)
			mustAppend(t, s, fmt.Sprint(i))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := quarantined(t, dir); !slices.Equal(got, []string{disk.token}) || len(to.names) != 100 {
			t.Errorf("quarantined %q, want %q; %d rows are stored, want 100", got, disk.token, len(to.names))
		}
		stop()
		s.Close()
	})
}

// back hides a file from the first read of it: it comes back right after.
type back struct {
	spool.FileSystem
	hidden bool
}

func (b *back) ReadFile(path string) ([]byte, error) {
	if !b.hidden {
		b.hidden = true
		return nil, fs.ErrNotExist
	}
	return b.FileSystem.ReadFile(path)
}

// TestFileComesBack: a segment whose file comes back between two calls (a person retries
// it) is counted as missing, and then stored whole.
func TestFileComesBack(t *testing.T) {
	files := &back{FileSystem: newMemory()}
	s, err := spool.OpenOn(files, memoryDir, spool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Append(batch(row("a"), row("b"))); err != nil {
		t.Fatal(err)
	}
	to := new(store)
	for range 2 { // the second time, as the next process
		if err := s.Flush(t.Context(), spooltest.Whole(to.insert)); err != nil {
			t.Fatal(err)
		}
		if spool.Used(s) != 0 {
			t.Errorf("%d bytes are in use", spool.Used(s))
		}
		s.Close()
		if s, err = spool.OpenOn(files, memoryDir, spool.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(to.names, []string{"a", "b"}) {
		t.Errorf("stored %q", to.names)
	}
}

// TestInsertTimeout: an insert that hangs is ended, and tried again.
func TestInsertTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, t.TempDir(), spool.Options{})
		var to store
		var took []time.Duration
		stop := draining(t, s, spooltest.Whole(func(ctx context.Context, b hit.Batch, token string) error {
			if len(took) == 3 {
				return to.insert(ctx, b, token)
			}
			start := time.Now()
			<-ctx.Done()
			took = append(took, time.Since(start))
			return ctx.Err()
		}))
		mustAppend(t, s, "a")
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		wantNames(t, to.names, "a")
		if diff := cmp.Diff([]time.Duration{time.Minute, time.Minute, time.Minute}, took); diff != "" {
			t.Errorf("time of each attempt (-want +got):\n%s", diff)
		}
		stop()
		s.Close()
	})
}

// TestQuarantineCounts: quarantined segments count against the limit until they are
// dropped.
func TestQuarantineCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := mustOpen(t, dir, spool.Options{MaxBytes: 100, SegmentRows: 1})
		stop := draining(t, s, spooltest.Whole(func(context.Context, hit.Batch, string) error { return spool.ErrRefused }))
		mustAppend(t, s, "bad")
		time.Sleep(time.Second)
		synctest.Wait()
		if err := s.Append(batch(row("a"))); !errors.Is(err, spool.ErrFull) {
			t.Errorf("Append = %v, want ErrFull", err)
		}
		for _, token := range quarantined(t, dir) {
			if err := spool.Drop(dir, token); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		mustAppend(t, s, "b")
		stop()
		s.Close()
	})
}

// TestQuarantineRetention: rows that are quarantined are not kept for longer than others.
func TestQuarantineRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		const retention = 24 * time.Hour
		s := mustOpen(t, dir, spool.Options{SegmentRows: 1, Retention: func() time.Duration { return retention }})
		stop := draining(t, s, spooltest.Whole(func(context.Context, hit.Batch, string) error { return spool.ErrRefused }))
		mustAppend(t, s, "bad")
		time.Sleep(retention)
		synctest.Wait()
		if n := len(quarantined(t, dir)); n != 1 {
			t.Errorf("%d segments are quarantined within their time, want 1", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if left := files(t, dir); len(left) > 0 || spool.Used(s) != 0 {
			t.Errorf("after their time: files %q, %d bytes", left, spool.Used(s))
		}
		stop()
		s.Close()
	})
}

// TestQuarantineWrongClock: by a clock that is not trusted nothing quarantined is removed.
func TestQuarantineWrongClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		trusted := new(atomic.Bool)
		s := mustOpen(t, dir, spool.Options{
			SegmentRows: 1, Retention: func() time.Duration { return 24 * time.Hour }, ClockTrusted: trusted.Load,
			Now: func() time.Time { return time.Now().AddDate(4, 0, 0) },
		})
		stop := draining(t, s, spooltest.Whole(func(context.Context, hit.Batch, string) error { return spool.ErrRefused }))
		mustAppend(t, s, "bad")
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		if n := len(quarantined(t, dir)); n != 1 {
			t.Errorf("%d segments are quarantined, want 1", n)
		}
		trusted.Store(true)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(quarantined(t, dir)); n != 0 {
			t.Errorf("%d segments are quarantined by a trusted clock, want none", n)
		}
		stop()
		s.Close()
	})
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	now := day
	s := mustOpen(t, dir, spool.Options{SegmentRows: 3, Now: func() time.Time { return now }})
	if err := s.Append(batch(row("a"), row("b"), row("c"))); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	mustAppend(t, s, "d")
	if err := os.WriteFile(filepath.Join(dir, "note.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	infos, err := spool.List(dir)
	if err != nil || len(infos) != 2 {
		t.Fatalf("List = %+v, %v; want two segments", infos, err)
	}
	for i, want := range []spool.Info{
		{ID: infos[0].ID, State: spool.Sealed, Rows: 3, Bytes: 8 + 24 + 3*29, Born: day},
		{ID: infos[1].ID, State: spool.Filling, Rows: 1, Bytes: 8 + 24 + 29, Born: day.Add(time.Minute)},
	} {
		if diff := cmp.Diff(want, infos[i]); diff != "" {
			t.Errorf("segment %d (-want +got):\n%s", i, diff)
		}
	}
	for _, token := range []string{infos[0].ID, infos[1].ID, "", "lock", "../" + infos[0].ID, infos[0].ID + "/x"} {
		if err := spool.Drop(dir, token); err == nil {
			t.Errorf("Drop(%q), which is not quarantined, has no error", token)
		}
		if err := spool.Retry(dir, token); err == nil {
			t.Errorf("Retry(%q), which is not quarantined, has no error", token)
		}
	}
	if _, err := spool.List(filepath.Join(dir, "none")); err == nil {
		t.Error("List of a directory that is not there has no error")
	}
}

func TestReserve(t *testing.T) {
	const room = 10 * (spool.MaxRow + 8)
	s := mustOpen(t, t.TempDir(), spool.Options{MaxBytes: room, SegmentRows: 100})
	first, err := s.Reserve(5)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Release()
	if _, err := s.Reserve(6); !errors.Is(err, spool.ErrFull) {
		t.Errorf("Reserve beyond the limit = %v, want ErrFull", err)
	}
	if _, err := s.Reserve(101); err == nil || errors.Is(err, spool.ErrFull) {
		t.Errorf("Reserve of more rows than a segment holds = %v", err)
	}
	big := row("big")
	big.Path = strings.Repeat("x", spool.MaxRow)
	for err == nil { // the reserved space is there, although other goroutines append
		err = s.Append(batch(big))
	}
	if !errors.Is(err, spool.ErrFull) {
		t.Fatal(err)
	}
	large := row("large")
	large.Path = strings.Repeat("x", spool.MaxRow-100)
	if err := first.Append(batch(large, large, large, large, large)); err != nil {
		t.Errorf("Append in room that is reserved = %v", err)
	}
	used := spool.Used(s)
	first.Release()
	if spool.Used(s) != used {
		t.Error("Release after Append gives room back")
	}
	var to store
	if err := s.Flush(t.Context(), spooltest.Whole(to.insert)); err != nil {
		t.Fatal(err)
	}
	if spool.Used(s) != 0 {
		t.Errorf("%d bytes are in use in an empty spool", spool.Used(s))
	}

	for name, use := range map[string]func(r *spool.Reservation) error{
		"released": func(r *spool.Reservation) error { r.Release(); return nil },
		"no rows":  func(r *spool.Reservation) error { return r.Append(batch()) },
		"more rows than a segment holds": func(r *spool.Reservation) error {
			if r.Append(batch(make([]hit.Row, 101)...)) == nil {
				return errors.New("no error")
			}
			return nil
		},
		"larger than reserved, without room": func(r *spool.Reservation) error {
			big := row("big")
			big.Path = strings.Repeat("x", room)
			if err := r.Append(batch(big)); !errors.Is(err, spool.ErrFull) {
				return fmt.Errorf("%v, want ErrFull", err)
			}
			return nil
		},
		"larger than reserved, with room": func(r *spool.Reservation) error {
			big := row("big")
			big.Path = strings.Repeat("x", 2*spool.MaxRow)
			return r.Append(batch(big))
		},
	} {
		r, err := s.Reserve(1)
		if err != nil {
			t.Fatal(err)
		}
		if err := use(&r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		r.Release()
		if err := s.Flush(t.Context(), spooltest.Whole(to.insert)); err != nil {
			t.Fatal(err)
		}
		if spool.Used(s) != 0 {
			t.Errorf("%s: %d bytes are in use in an empty spool", name, spool.Used(s))
		}
	}
	r, err := s.Reserve(1)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := r.Append(batch(row("a"))); !errors.Is(err, spool.ErrClosed) || spool.Used(s) != 0 {
		t.Errorf("Append after Close = %v with %d bytes in use, want ErrClosed", err, spool.Used(s))
	}
}
