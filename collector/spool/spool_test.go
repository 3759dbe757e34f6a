package spool_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
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
	"go.uber.org/goleak"

	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/collector/spool/spooltest"
	"github.com/fotspor/fotspor/hit"
)

// childDir tells the test binary to be the process that TestKill kills.
const childDir = "FOTSPOR_TEST_SPOOL_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := appendForever(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m)
}

var day = time.Date(2026, 7, 5, 10, 0, 0, 0, time.UTC)

func batch(rows ...hit.Row) hit.Batch { return hit.Batch{Rows: rows} }

// row returns a row that can be told from others by its name.
func row(name string) hit.Row {
	return hit.Row{Site: 1, Time: day, Kind: hit.Pageview, Name: name, Path: "/", Pageviews: 1}
}

func mustOpen(t testing.TB, dir string, opts spool.Options) *spool.Spool {
	t.Helper()
	s, err := spool.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mustAppend(t testing.TB, s *spool.Spool, names ...string) {
	t.Helper()
	for _, n := range names {
		if err := s.Append(batch(row(n))); err != nil {
			t.Fatalf("Append(%q) = %v", n, err)
		}
	}
}

// store is a fake store: it honours its context, and stores the rows of a token once.
type store struct {
	fail func(call int) (before, after bool) // whether a call fails before or after it has stored

	lax bool // accepts other rows under a token that it has stored

	mu    sync.Mutex
	calls int
	names []string
	seen  map[string]string
	sizes []int
}

// stored returns how many names are stored. It may be called while more come.
func (s *store) stored() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.names)
}

var errStore = errors.New("store is down")

func (s *store) insert(ctx context.Context, b hit.Batch, token string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	before, after := false, false
	if s.fail != nil {
		before, after = s.fail(s.calls)
	}
	if before {
		return errStore
	}
	var names []string
	for _, r := range b.Rows {
		names = append(names, r.Name)
	}
	for _, e := range b.Ledger {
		names = append(names, e.Name)
	}
	block := strings.Join(names, " ")
	if was, ok := s.seen[token]; !ok {
		if s.seen == nil {
			s.seen = make(map[string]string)
		}
		s.seen[token] = block
		s.names = append(s.names, names...)
		s.sizes = append(s.sizes, len(names))
	} else if was != block && !s.lax {
		return fmt.Errorf("token %q comes back with other rows", token)
	}
	if after {
		return errStore
	}
	return nil
}

// drained returns the names of all rows in dir, in order.
func drained(t *testing.T, dir string) []string {
	t.Helper()
	s := mustOpen(t, dir, spool.Options{})
	var to store
	if err := s.Flush(t.Context(), spooltest.Whole(to.insert)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("segments left behind: %q", left)
	}
	return to.names
}

// files returns the names of the segments in dir.
func files(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func wantNames(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestFlush(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, spool.Options{})
	mustAppend(t, s, "a", "b")
	if err := s.Append(batch(row("c"), row("d"))); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(batch()); err != nil {
		t.Errorf("Append of nothing = %v", err)
	}
	to := store{fail: func(call int) (bool, bool) { return call == 1, false }}
	if err := s.Flush(t.Context(), spooltest.Whole(to.insert)); !errors.Is(err, errStore) {
		t.Errorf("Flush = %v, want the error of the store", err)
	}
	mustAppend(t, s, "e")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Flush(ended, spooltest.Whole(to.insert)); !errors.Is(err, context.Canceled) {
		t.Errorf("Flush with an ended context = %v", err)
	}
	wantNames(t, to.names)
	if err := s.Flush(t.Context(), spooltest.Whole(to.insert)); err != nil {
		t.Fatal(err)
	}
	wantNames(t, to.names, "a", "b", "c", "d", "e")
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("segments left behind: %q", left)
	}
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"a", "b", "c"} {
		s := mustOpen(t, dir, spool.Options{Now: func() time.Time { return day.Add(time.Duration(i) * time.Minute) }})
		mustAppend(t, s, name)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "note.seg"), []byte("not ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, dir, spool.Options{})
	var to store
	if err := s.Flush(t.Context(), spooltest.Whole(to.insert)); err != nil {
		t.Fatal(err)
	}
	wantNames(t, to.names, "a", "b", "c")
	if left := files(t, dir); len(left) != 1 {
		t.Errorf("files = %q, want the foreign one alone", left)
	}
}

func TestClosed(t *testing.T) {
	s := mustOpen(t, t.TempDir(), spool.Options{})
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	}
	if err := s.Append(batch(row("a"))); !errors.Is(err, spool.ErrClosed) {
		t.Errorf("Append after Close = %v, want ErrClosed", err)
	}
}

func TestOneProcess(t *testing.T) {
	dir := t.TempDir()
	first := mustOpen(t, dir, spool.Options{})
	if _, err := spool.Open(dir, spool.Options{}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("second Open = %v, want it to say that the directory is in use", err)
	}
	first.Close()
	mustOpen(t, dir, spool.Options{})
}

func TestBadOptions(t *testing.T) {
	for name, opts := range map[string]spool.Options{
		"negative": {MaxBytes: -1},
		"rows":     {SegmentRows: spool.DefaultSegmentRows + 1},
	} {
		if _, err := spool.Open(t.TempDir(), opts); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestTornTail cuts a segment at every offset, as a kill of the process may.
func TestTornTail(t *testing.T) {
	source := t.TempDir()
	s := mustOpen(t, source, spool.Options{})
	var ends []int // of every record
	for _, names := range [][]string{{"a"}, {"b", "c"}, {"d"}} {
		var rows []hit.Row
		for _, n := range names {
			rows = append(rows, row(n))
		}
		if err := s.Append(batch(rows...)); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(files(t, source)[0])
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, int(info.Size()))
	}
	name := files(t, source)[0]
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(name, ".open") {
		t.Fatalf("segment is called %q", name)
	}
	const header = 8
	for cut := range len(data) + 1 {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), data[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		want, good := []string(nil), 0
		if cut >= header {
			good = header
		}
		const end = 4 // bytes at the end that are not needed to read a record
		for i, names := range [][]string{{"a"}, {"b", "c"}, {"d"}} {
			if cut >= ends[i]-end {
				want, good = append(want, names...), min(cut, ends[i])
				if cut > ends[i]-end && cut < ends[i] {
					good = ends[i] - end
				}
			}
		}
		reg := prometheus.NewPedanticRegistry()
		s := mustOpen(t, dir, spool.Options{Registerer: reg})
		mustAppend(t, s, "new")
		var to store
		if err := s.Flush(t.Context(), spooltest.Whole(to.insert)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(append(want, "new"), to.names); diff != "" {
			t.Errorf("cut at %d: rows (-want +got):\n%s", cut, diff)
		}
		if err := testutil.GatherAndCompare(reg, strings.NewReader(fmt.Sprintf(`
# HELP fotspor_spool_torn_bytes_total Bytes of unfinished writes at the end of segments that a killed process left open. None of them was acknowledged.
# TYPE fotspor_spool_torn_bytes_total counter
fotspor_spool_torn_bytes_total %d
# HELP fotspor_spool_lost_rows_total Acknowledged rows lost to damage of segments. A segment that a killed process left open may have lost more.
# TYPE fotspor_spool_lost_rows_total counter
fotspor_spool_lost_rows_total 0
`, cut-good)), "fotspor_spool_torn_bytes_total", "fotspor_spool_lost_rows_total"); err != nil {
			t.Errorf("cut at %d: %v", cut, err)
		}
		if left := files(t, dir); len(left) > 0 {
			t.Errorf("cut at %d: segments left behind: %q", cut, left)
		}
	}
}

// TestEmptyFiles: a sealed file that lost its content is reported and kept. An open file
// that never had content is removed.
func TestEmptyFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"X.open", "Y.7.seg"} {
		if err := os.WriteFile(filepath.Join(dir, "20260705T100000.000000Z-"+name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	s := mustOpen(t, dir, spool.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	var to store
	if err := s.Flush(t.Context(), spooltest.Whole(to.insert)); err != nil {
		t.Fatal(err)
	}
	if left := files(t, dir); to.calls != 0 || len(left) != 1 || !strings.HasSuffix(left[0], "-Y.7.damaged") || strings.Count(log.String(), "segment is damaged") != 1 {
		t.Errorf("%d inserts, files %q, log:\n%s", to.calls, left, log.String())
	}
}

// TestUnreadable: a segment that another version wrote is quarantined, and others are
// stored.
func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "20260705T100000.000000Z-X.2.seg"), []byte("fotspor\x63of another form"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, dir, spool.Options{})
	mustAppend(t, s, "b")
	var to store
	if err := s.Flush(t.Context(), spooltest.Whole(to.insert)); err != nil {
		t.Fatal(err)
	}
	wantNames(t, to.names, "b")
	infos, err := spool.List(dir)
	if err != nil || len(infos) != 1 || infos[0].State != spool.Quarantined || infos[0].Rows != 0 || infos[0].Err == nil {
		t.Errorf("List = %+v, %v; want one segment, quarantined, and why", infos, err)
	}
}

// appendForever appends rows from many goroutines and prints the name of each
// once it is acknowledged.
func appendForever(dir string) error {
	s, err := spool.Open(dir, spool.Options{SegmentRows: 500})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for g := range 16 {
		go func() {
			for i := 0; ; i++ {
				names := []string{fmt.Sprintf("%d.%d", g, i)}
				if i%10 == 9 { // several rows in one call
					names = append(names, names[0]+"+", names[0]+"++")
				}
				var rows []hit.Row
				for _, n := range names {
					rows = append(rows, row(n))
				}
				if err := s.Append(batch(rows...)); err != nil {
					failed <- err
				}
				fmt.Println(strings.Join(names, "\n"))
			}
		}()
	}
	return <-failed
}

func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	dir := t.TempDir()
	acknowledged := make(map[string]bool)
	for life := range 3 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+filepath.Join(dir, fmt.Sprint(life)))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			acknowledged[fmt.Sprint(life, "/", lines.Text())] = true
			if n == 2000*(life+1) {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("child ended by itself")
		}
	}
	if len(acknowledged) < 3*2000 {
		t.Fatalf("only %d rows were acknowledged", len(acknowledged))
	}
	found := make(map[string]int)
	for life := range 3 {
		for _, name := range drained(t, filepath.Join(dir, fmt.Sprint(life))) {
			found[fmt.Sprint(life, "/", name)]++
		}
	}
	for name := range acknowledged {
		if found[name] == 0 {
			t.Errorf("row %s was acknowledged and is lost", name)
		}
	}
	for name, n := range found {
		if n > 1 {
			t.Errorf("row %s is there %d times", name, n)
		}
		if call, inner := strings.CutSuffix(name, "+"); inner && found[strings.TrimSuffix(call, "+")] == 0 {
			t.Errorf("row %s is there without the rest of its call", name)
		}
	}
}

// TestDrain drains while rows come in and the store fails at every other call, before or
// after it has stored: in the end each row is stored once.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, t.TempDir(), spool.Options{SegmentRows: 50})
		to := store{fail: func(call int) (bool, bool) { return call%4 == 0, call%4 == 2 }}
		ctx, stop := context.WithCancel(t.Context())
		drain := make(chan error, 1)
		go func() { drain <- s.Drain(ctx, spooltest.Whole(to.insert)) }()

		const writers, each = 8, 200
		var wg sync.WaitGroup
		for g := range writers {
			wg.Go(func() {
				for i := range each {
					mustAppend(t, s, fmt.Sprintf("%d.%d", g, i))
				}
			})
		}
		wg.Wait()
		time.Sleep(time.Hour) // of the bubble's own clock
		synctest.Wait()
		stop()
		if err := <-drain; err != nil {
			t.Errorf("Drain = %v", err)
		}
		count := make(map[string]int)
		for _, n := range to.names {
			count[n]++
		}
		if len(to.names) != writers*each || len(count) != writers*each {
			t.Errorf("%d rows, %d different, want %d", len(to.names), len(count), writers*each)
		}
		for _, n := range to.sizes {
			if n > 50 {
				t.Errorf("segment of %d rows, want at most 50", n)
			}
		}
		s.Close()
	})
}

// TestAgain: a segment says that it may have been sent before, if an attempt had no good
// end, or another process has left it.
func TestAgain(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, spool.Options{})
	send := func(s *spool.Spool, fails bool) (again []bool) {
		t.Helper()
		err := s.Flush(t.Context(), spooltest.Whole(func(_ context.Context, b hit.Batch, _ string) error {
			again = append(again, b.Again)
			if fails {
				return io.ErrUnexpectedEOF
			}
			return nil
		}))
		if fails != (err != nil) {
			t.Fatalf("Flush = %v", err)
		}
		return again
	}
	mustAppend(t, s, "a")
	if got := slices.Concat(send(s, true), send(s, true), send(s, false)); !slices.Equal(got, []bool{false, true, true}) {
		t.Errorf("three attempts say %v", got)
	}
	mustAppend(t, s, "b")
	s.Close()
	s = mustOpen(t, dir, spool.Options{})
	defer s.Close()
	if got := send(s, false); !slices.Equal(got, []bool{true}) {
		t.Errorf("what another process left says %v", got)
	}
	mustAppend(t, s, "c")
	if got := send(s, false); !slices.Equal(got, []bool{false}) {
		t.Errorf("a new segment says %v", got)
	}
}

func TestDrainStopsWithoutLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, t.TempDir(), spool.Options{})
		ctx, stop := context.WithCancel(t.Context())
		mustAppend(t, s, "a")
		hangs := func(ctx context.Context, _ hit.Batch, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		}
		drain := make(chan error, 1)
		go func() { drain <- s.Drain(ctx, spooltest.Whole(hangs)) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		mustAppend(t, s, "b")
		if err := s.Drain(ctx, spooltest.Whole(hangs)); err == nil {
			t.Error("a second Drain runs beside the first")
		}
		if err := s.Flush(ctx, spooltest.Whole(hangs)); err == nil {
			t.Error("Flush runs beside Drain")
		}
		stop()
		if err := <-drain; err != nil {
			t.Errorf("Drain = %v", err)
		}
		var to store
		if err := s.Flush(t.Context(), spooltest.Whole(to.insert)); err != nil {
			t.Fatal(err)
		}
		wantNames(t, to.names, "a", "b")
		s.Close()
	})
}

func TestSealAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, t.TempDir(), spool.Options{SealAfter: 5 * time.Second})
		var to store
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var done sync.WaitGroup
		done.Go(func() { s.Drain(ctx, spooltest.Whole(to.insert)) })
		calls := func() int {
			synctest.Wait()
			to.mu.Lock()
			defer to.mu.Unlock()
			return to.calls
		}
		time.Sleep(time.Minute) // an idle spool seals nothing
		mustAppend(t, s, "a")
		time.Sleep(3 * time.Second)
		mustAppend(t, s, "b")
		time.Sleep(2*time.Second - time.Millisecond)
		if n := calls(); n != 0 {
			t.Errorf("%d inserts just before the age is reached", n)
		}
		time.Sleep(time.Millisecond)
		if n := calls(); n != 1 {
			t.Errorf("%d inserts when the age is reached, want 1", n)
		}
		stop()
		done.Wait()
		wantNames(t, to.names, "a", "b")
		s.Close()
	})
}

// TestClockSetBack: however far the clock is set back, hits reach the store without delay
// and failed segments are retried.
func TestClockSetBack(t *testing.T) {
	for _, back := range []time.Duration{time.Minute, 2 * time.Hour, 3 * 24 * time.Hour, 150 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			var offset atomic.Int64
			s := mustOpen(t, t.TempDir(), spool.Options{
				SealAfter: 5 * time.Second,
				Now:       func() time.Time { return time.Now().Round(0).Add(-time.Duration(offset.Load())) },
			})
			var to store
			var fails atomic.Bool
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			var done sync.WaitGroup
			done.Go(func() {
				s.Drain(ctx, spooltest.Whole(func(ctx context.Context, b hit.Batch, token string) error {
					if fails.Load() {
						return errors.New("away")
					}
					return to.insert(ctx, b, token)
				}))
			})
			wants := func(names ...string) {
				t.Helper()
				synctest.Wait()
				to.mu.Lock()
				defer to.mu.Unlock()
				wantNames(t, to.names, names...)
			}
			mustAppend(t, s, "a")
			time.Sleep(time.Second)
			offset.Store(int64(back))
			time.Sleep(5 * time.Second)
			wants("a")

			fails.Store(true)
			mustAppend(t, s, "b")
			time.Sleep(time.Minute)
			offset.Add(int64(back))
			fails.Store(false)
			time.Sleep(time.Minute)
			wants("a", "b")
			stop()
			done.Wait()
			s.Close()
		})
	}
}

func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, t.TempDir(), spool.Options{})
		mustAppend(t, s, "a")
		ctx, stop := context.WithCancel(t.Context())
		var at []time.Time
		var tokens []string
		down := func(_ context.Context, _ hit.Batch, token string) error {
			at = append(at, time.Now())
			tokens = append(tokens, token)
			if len(at) == 100 {
				stop()
			}
			return errStore
		}
		if err := s.Drain(ctx, spooltest.Whole(down)); err != nil {
			t.Errorf("Drain = %v", err)
		}
		longest := time.Duration(0)
		for i := 1; i < len(at); i++ {
			wait := at[i].Sub(at[i-1])
			longest = max(longest, wait)
			if limit := min(100*time.Millisecond<<min(i-1, 20), 30*time.Second); wait > limit {
				t.Errorf("wait %d was %v, want at most %v", i, wait, limit)
			}
			if tokens[i] != tokens[0] {
				t.Errorf("try %d has token %q, the first had %q", i, tokens[i], tokens[0])
			}
		}
		if longest < 20*time.Second { // 90 waits that are uniform up to 30 s
			t.Errorf("longest wait is %v", longest)
		}
		s.Close()
	})
}

func TestIDs(t *testing.T) {
	dirs := []string{t.TempDir(), t.TempDir()}
	seen := make(map[string]bool)
	for _, dir := range dirs {
		s := mustOpen(t, dir, spool.Options{SegmentRows: 1, Now: func() time.Time { return day }})
		for i := range 100 {
			mustAppend(t, s, fmt.Sprint(i))
		}
		err := s.Flush(t.Context(), spooltest.Whole(func(_ context.Context, _ hit.Batch, token string) error {
			if seen[token] {
				t.Errorf("token %q comes twice", token)
			}
			seen[token] = true
			if !strings.HasPrefix(token, "20260705T100000.000000Z-") || strings.Contains(token, ".seg") {
				t.Errorf("token is %q", token)
			}
			return nil
		}))
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 200 {
		t.Errorf("%d tokens, want 200", len(seen))
	}
}

func TestSegmentBytes(t *testing.T) {
	s := mustOpen(t, t.TempDir(), spool.Options{SegmentBytes: 200})
	for i := range 20 {
		mustAppend(t, s, fmt.Sprintf("%02d", i))
	}
	big := row("big")
	big.Path = "/" + strings.Repeat("x", 1000)
	if err := s.Append(batch(big)); err != nil {
		t.Fatal(err)
	}
	var to store
	if err := s.Flush(t.Context(), spooltest.Whole(to.insert)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{3, 3, 3, 3, 3, 3, 2, 1}, to.sizes); diff != "" {
		t.Errorf("rows of each segment (-want +got):\n%s", diff)
	}
}

func TestLimit(t *testing.T) {
	s := mustOpen(t, t.TempDir(), spool.Options{MaxBytes: 1000, SegmentRows: 8})
	var want []string
	var err error
	for i := 0; err == nil; i++ {
		name := fmt.Sprintf("%02d", i)
		if err = s.Append(batch(row(name))); err == nil {
			want = append(want, name)
		}
	}
	if !errors.Is(err, spool.ErrFull) {
		t.Fatalf("Append = %v, want ErrFull", err)
	}
	if err := s.Append(batch(make([]hit.Row, 9)...)); err == nil || errors.Is(err, spool.ErrFull) {
		t.Errorf("Append of more rows than a segment holds = %v", err)
	}
	var to store
	if err := s.Flush(t.Context(), spooltest.Whole(to.insert)); err != nil {
		t.Fatal(err)
	}
	wantNames(t, to.names, want...)
	if len(want) < 10 {
		t.Errorf("only %d rows fit", len(want))
	}
	for range 2 { // all of the reserved space is released
		for _, name := range want {
			mustAppend(t, s, name)
		}
		if err := s.Append(batch(row("zz"))); !errors.Is(err, spool.ErrFull) {
			t.Errorf("Append beyond the limit = %v, want ErrFull", err)
		}
		if err := s.Flush(t.Context(), spooltest.Whole(to.insert)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMetrics(t *testing.T) {
	now := day
	reg := prometheus.NewPedanticRegistry()
	s := mustOpen(t, t.TempDir(), spool.Options{Registerer: reg, SegmentRows: 2, Now: func() time.Time { return now }})
	want := func(bytes, segments, oldest, late int) {
		t.Helper()
		if err := testutil.GatherAndCompare(reg, strings.NewReader(fmt.Sprintf(`
# HELP fotspor_hits_stored_late_total Rows that the store has acknowledged more than 60 seconds after the first of their segment had come.
# TYPE fotspor_hits_stored_late_total counter
fotspor_hits_stored_late_total %d
# HELP fotspor_spool_limit_bytes Most bytes that the spool may take (--spool-size).
# TYPE fotspor_spool_limit_bytes gauge
fotspor_spool_limit_bytes 1.073741824e+09
# HELP fotspor_spool_bytes Size of all segments of the spool on disk, those quarantined or damaged included.
# TYPE fotspor_spool_bytes gauge
fotspor_spool_bytes %d
# HELP fotspor_spool_damaged_segments Segments that lost acknowledged rows. Their other rows are stored; the files wait for fotspor spool drop.
# TYPE fotspor_spool_damaged_segments gauge
fotspor_spool_damaged_segments 0
# HELP fotspor_spool_lost_rows_total Acknowledged rows lost to damage of segments. A segment that a killed process left open may have lost more.
# TYPE fotspor_spool_lost_rows_total counter
fotspor_spool_lost_rows_total 0
# HELP fotspor_spool_oldest_seconds Age of the oldest row that is on its way to the store; 0 if there is none.
# TYPE fotspor_spool_oldest_seconds gauge
fotspor_spool_oldest_seconds %d
# HELP fotspor_spool_segments Segments on their way to the store, the one being filled included.
# TYPE fotspor_spool_segments gauge
fotspor_spool_segments %d
# HELP fotspor_spool_quarantined_segments Segments that the store refuses however often they are sent, and that wait for fotspor spool retry or drop.
# TYPE fotspor_spool_quarantined_segments gauge
fotspor_spool_quarantined_segments 0
# HELP fotspor_spool_torn_bytes_total Bytes of unfinished writes at the end of segments that a killed process left open. None of them was acknowledged.
# TYPE fotspor_spool_torn_bytes_total counter
fotspor_spool_torn_bytes_total 0
# HELP fotspor_spool_write_failures_total Writes to disk that failed, syncs and new files included. None of their rows was acknowledged.
# TYPE fotspor_spool_write_failures_total counter
fotspor_spool_write_failures_total 0
`, late, bytes, oldest, segments)), "fotspor_hits_stored_late_total", "fotspor_spool_limit_bytes", "fotspor_spool_bytes", "fotspor_spool_damaged_segments", "fotspor_spool_lost_rows_total", "fotspor_spool_oldest_seconds", "fotspor_spool_segments", "fotspor_spool_quarantined_segments", "fotspor_spool_torn_bytes_total", "fotspor_spool_write_failures_total"); err != nil {
			t.Error(err)
		}
	}
	const header, record = 8, 24 + 29
	want(0, 0, 0, 0)
	mustAppend(t, s, "a")
	now = now.Add(time.Minute)
	want(header+record, 1, 60, 0)
	mustAppend(t, s, "b", "c")
	now = now.Add(time.Minute)
	want(2*header+3*record, 2, 120, 0)
	var to store
	if err := s.Flush(t.Context(), spooltest.Whole(to.insert)); err != nil {
		t.Fatal(err)
	}
	want(0, 0, 0, 2) // a and b, which are in one segment; c waited for a minute and no more
	if got, err := testutil.GatherAndCount(reg, "fotspor_spool_write_duration_seconds"); got != 1 || err != nil {
		t.Errorf("%d histograms of writes, %v", got, err)
	}
	if _, err := spool.Open(t.TempDir(), spool.Options{Registerer: reg}); err == nil {
		t.Error("two spools share one registry")
	}
}

// TestNothingButRows: the log names segments, never the contents of their rows.
func TestNothingButRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := mustOpen(t, t.TempDir(), spool.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		mustAppend(t, s, "personal")
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if err := s.Drain(ctx, spooltest.Whole((&store{fail: func(int) (bool, bool) { return true, false }}).insert)); err != nil {
			t.Fatal(err)
		}
		if text := log.String(); !strings.Contains(text, "not stored yet") || strings.Contains(text, "personal") {
			t.Errorf("log:\n%s", text)
		}
		s.Close()
	})
}

// BenchmarkAppend appends single rows from many goroutines that do nothing else.
// CPU is user and system time of the process.
func BenchmarkAppend(b *testing.B) {
	r := hit.Row{
		Site: 1, Time: day, Day: 20639, Kind: hit.Pageview, Path: "/om-oss/personvern", Host: "www.example.org",
		Network: "192.0.0.0/16", Country: "NO", Region: "NO-46", Browser: "Firefox", BrowserVersion: "141",
		OS: "Windows", Device: "desktop", Language: "nb", Channel: "search", Source: "Google",
		EntryPath: "/", PreviousPath: "/om-oss", Pageviews: 1, PageVisitors: 1, Seconds: 37,
	}
	for _, durability := range []spool.Durability{spool.Process, spool.Power} {
		for _, callers := range []int{1, 32, 256} {
			b.Run(fmt.Sprintf("durability=%d/callers=%d", durability, callers), func(b *testing.B) {
				s := mustOpen(b, b.TempDir(), spool.Options{MaxBytes: 1 << 40, Durability: durability})
				b.ReportAllocs()
				before := cpuTime(b)
				b.ResetTimer()
				var left atomic.Int64
				left.Store(int64(b.N))
				var wg sync.WaitGroup
				for range callers {
					wg.Go(func() {
						for left.Add(-1) >= 0 {
							if err := s.Append(batch(r)); err != nil {
								b.Error(err)
							}
						}
					})
				}
				wg.Wait()
				b.StopTimer()
				b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

func cpuTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestWaiting: the rows on disk from a time on, each once, until they are stored.
func TestWaiting(t *testing.T) {
	dir := t.TempDir()
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for day, names := range [][]string{{"old"}, {"a", "b"}, {"c"}} {
		s := mustOpen(t, dir, spool.Options{Now: func() time.Time { return at.AddDate(0, 0, day) }})
		mustAppend(t, s, names...)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := mustOpen(t, dir, spool.Options{})
	defer s.Close()
	waiting := func() (names []string) {
		if err := s.Waiting(at.AddDate(0, 0, 1), func(b hit.Batch) {
			for _, r := range b.Rows {
				names = append(names, r.Name)
			}
		}); err != nil {
			t.Fatal(err)
		}
		return names
	}
	wantNames(t, waiting(), "a", "b", "c")
	var to store
	if err := s.Flush(t.Context(), spooltest.Whole(to.insert)); err != nil {
		t.Fatal(err)
	}
	wantNames(t, waiting())
	wantNames(t, to.names, "old", "a", "b", "c")
}
