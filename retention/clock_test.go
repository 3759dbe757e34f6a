package retention_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/fotspor/fotspor/retention"
)

// trusted returns a clock that the kernel calls synchronised.
func trusted(t *testing.T) *retention.Clock {
	return retention.NewClock(retention.ClockOptions{
		File: filepath.Join(t.TempDir(), "clock.json"), Synchronised: func() bool { return true },
	})
}

// shelf is a note in a store, which fails on demand.
type shelf struct {
	seen time.Time
	err  error
}

func (s *shelf) ClockNote(ctx context.Context) (time.Time, error) {
	return s.seen, errors.Join(s.err, ctx.Err())
}

func (s *shelf) NoteClock(ctx context.Context, seen time.Time) error {
	if err := errors.Join(s.err, ctx.Err()); err != nil {
		return err
	}
	s.seen = seen
	return nil
}

// TestVerdict: which clocks are trusted, and for what reason.
func TestVerdict(t *testing.T) {
	const day = 24 * time.Hour
	noted := at("2026-11-26T12:00:00Z")
	leapt := noted.AddDate(4, 0, 0)
	yes, no := func() bool { return true }, func() bool { return false }
	says := func(at time.Time) func(context.Context) (time.Time, error) {
		return func(context.Context) (time.Time, error) { return at, nil }
	}
	for _, c := range []struct {
		name         string
		file, store  time.Time
		now          time.Time
		synchronised func() bool
		reference    func(context.Context) (time.Time, error)
		trusted      bool
		why          string
	}{
		{"an hour later", noted, noted, noted.Add(time.Hour), no, nil, true, "at most seven days"},
		{"seven days off", noted, noted, noted.Add(7 * day), no, nil, true, "at most seven days"},
		{"more", noted, noted, noted.Add(7*day + 1), no, nil, false, "more than seven days past 2026-11-26T12:00:00Z"},
		{"the file lost", time.Time{}, noted, noted.Add(day), no, nil, true, "at most seven days"},
		{"the store new", noted, time.Time{}, noted.Add(day), no, nil, true, "at most seven days"},
		{"the later note counts", noted.AddDate(-1, 0, 0), noted, noted.Add(day), nil, nil, true, "at most seven days"},
		{"set back by hours", noted, noted, noted.Add(-5 * time.Hour), no, nil, true, "at most seven days"},
		{"set back by years", noted, noted, noted.AddDate(-20, 0, 0), no, nil, true, "at most seven days"},
		{"four years ahead", noted, noted, leapt, no, nil, false, "the kernel does not call the clock synchronised"},
		{"ahead, nobody to ask", noted, noted, leapt, nil, nil, false, "the program has run for 0s of seven days"},
		{"weeks off, synchronised", noted, noted, noted.Add(50 * day), yes, nil, true, "kernel"},
		{"weeks off, the server agrees", noted, noted, noted.Add(50 * day), no, says(noted.Add(50*day + time.Minute)), true, "the clock of the store agrees"},
		{"the server knows better", noted, noted, leapt, no, says(noted.Add(time.Hour)), false, "by the clock of the store it is 2026-11-26T13:00:00Z"},
		{"the server is two minutes behind", noted, noted, noted.Add(50 * day), no, says(noted.Add(50*day - 2*time.Minute)), false, "by the clock of the store"},
		{"the server is silent", noted, noted, leapt, no, func(context.Context) (time.Time, error) { return time.Time{}, errors.New("no answer") }, false, "no answer"},
		{"never noted", time.Time{}, time.Time{}, noted, no, nil, false, "no time was noted before"},
		{"never noted, synchronised", time.Time{}, time.Time{}, noted, yes, nil, true, "kernel"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "data", "clock.json")
			if !c.file.IsZero() {
				retention.NewClock(retention.ClockOptions{File: file, Now: func() time.Time { return c.file }}).Confirm(t.Context())
			}
			s := &shelf{seen: c.store}
			clock := retention.NewClock(retention.ClockOptions{
				File: file, Notes: s, Synchronised: c.synchronised, Reference: c.reference, Now: func() time.Time { return c.now },
			})
			before, _ := os.ReadFile(file)
			if got := clock.Judge(t.Context(), c.now); got.Trusted != c.trusted || !strings.Contains(got.Why, c.why) {
				t.Errorf("Judge = %+v, want %v because %q", got, c.trusted, c.why)
			}
			if after, _ := os.ReadFile(file); string(after) != string(before) || !s.seen.Equal(c.store) {
				t.Error("Judge noted a time")
			}
			if got := clock.Check(t.Context()); got.Trusted != c.trusted || clock.Trusted() != c.trusted {
				t.Errorf("Check = %+v, then Trusted() = %v; want %v", got, clock.Trusted(), c.trusted)
			}
			want := c.store
			if c.trusted {
				want = c.now
			}
			if !s.seen.Equal(want) {
				t.Errorf("noted %s, want %s", s.seen, want)
			}
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the note: %v, %v; want mode 0600", info, err)
			}
		})
	}
}

// TestFutureTime: no clock confirms a time in the future, even if it is right now.
func TestFutureTime(t *testing.T) {
	if got := trusted(t).Judge(t.Context(), time.Now().AddDate(14, 0, 0)); got.Trusted {
		t.Errorf("a time 14 years ahead is trusted: %s", got.Why)
	}
}

// TestNotesFail: if one note can't be read or written, the other one suffices. Without either
// no time is trusted.
func TestNotesFail(t *testing.T) {
	noted := at("2026-11-26T12:00:00Z")
	file := filepath.Join(t.TempDir(), "clock.json")
	for _, c := range []struct {
		text    string
		store   shelf
		trusted bool
	}{
		{"{broken", shelf{seen: noted}, true},
		{`{"seen":"2026-11-26T12:00:00Z","doubt":-5}`, shelf{}, false},
		{`{"seen":"2026-11-26T12:00:00Z","doubt":0}`, shelf{err: errors.New("away")}, true},
		{"", shelf{err: errors.New("away")}, false},
	} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		clock := retention.NewClock(retention.ClockOptions{File: file, Notes: &c.store, Now: func() time.Time { return noted.Add(time.Hour) }})
		if got := clock.Check(t.Context()); got.Trusted != c.trusted {
			t.Errorf("file %q, store %+v: %+v, want %v", c.text, c.store, got, c.trusted)
		}
	}
}

// TestWrongClockAtStart: if the clock is four years ahead after a start, the worker deletes
// nothing for seven days of running, restarts included. After that it does, since a machine
// without any other source of time may have been off for years.
func TestWrongClockAtStart(t *testing.T) {
	for _, restarts := range []int{0, 1, 40} {
		synctest.Test(t, func(t *testing.T) {
			// The clock of a bubble begins in 2000. The rows are of today and past their
			// time four years on.
			began := time.Now()
			l := &ledger{rows: []time.Time{began.AddDate(0, -1, 0), began}}
			file := filepath.Join(t.TempDir(), "clock.json")
			s := new(shelf)
			retention.NewClock(retention.ClockOptions{File: file, Notes: s}).Confirm(t.Context())
			ahead := func() time.Time { return time.Now().AddDate(4, 0, 0) }
			var registry *prometheus.Registry
			run := func(d time.Duration) {
				registry = prometheus.NewRegistry()
				clock := retention.NewClock(retention.ClockOptions{File: file, Notes: s, Now: ahead, Synchronised: func() bool { return false }, Registerer: registry})
				w := retention.New(retention.Options{Rows: l, Clock: clock, Policy: threeYears, Now: ahead, Registerer: registry})
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan struct{}, 2)
				go func() { clock.Run(ctx); ended <- struct{}{} }()
				go func() { w.Run(ctx); ended <- struct{}{} }()
				time.Sleep(d)
				synctest.Wait()
				cancel()
				<-ended
				<-ended
			}
			const week = 7 * 24 * time.Hour
			for range restarts + 1 {
				run((week - time.Hour) / time.Duration(restarts+1))
			}
			if rows, _ := l.state(); rows != 2 {
				t.Fatalf("%d restarts: %d rows left within seven days of running, want 2", restarts, rows)
			}
			want := "# HELP fotspor_retention_held 1 while a deletion pass waits because the clock is not trusted, else 0.\n# TYPE fotspor_retention_held gauge\nfotspor_retention_held 1\n" +
				"# HELP fotspor_clock_trusted 1 if the clock of this machine was trusted when last checked. While it is not, nothing is deleted.\n# TYPE fotspor_clock_trusted gauge\nfotspor_clock_trusted 0\n"
			if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "fotspor_retention_held", "fotspor_clock_trusted"); err != nil {
				t.Error(err)
			}
			run(3 * time.Hour)
			if rows, _ := l.state(); rows != 0 {
				t.Errorf("%d restarts: %d rows left after seven days of running, want none", restarts, rows)
			}
		})
	}
}

// TestClockRightedWhileHeld: a clock that is corrected is trusted at the next try, and only
// rows past their retention by its time are deleted.
func TestClockRightedWhileHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		l := &ledger{rows: []time.Time{began.AddDate(-3, 0, -1), began.AddDate(0, -1, 0)}}
		leap := 4
		now := func() time.Time { return time.Now().AddDate(leap, 0, 0) }
		clock := retention.NewClock(retention.ClockOptions{File: filepath.Join(t.TempDir(), "clock.json"), Now: now})
		leap = 0
		clock.Confirm(t.Context())
		leap = 4
		w := retention.New(retention.Options{Rows: l, Clock: clock, Policy: threeYears, Now: now})
		if _, err := w.Pass(t.Context(), now()); !errors.Is(err, retention.ErrHeld) {
			t.Fatalf("four years ahead: %v, want ErrHeld", err)
		}
		leap = 0
		if report, err := w.Pass(t.Context(), now()); err != nil || report.Deleted != 1 {
			t.Errorf("set right: deleted %d, %v, want 1", report.Deleted, err)
		}
	})
}

// TestConfirmed: a confirmation counts only with the day that a dry run shows.
func TestConfirmed(t *testing.T) {
	now := at("2030-11-26T12:00:00Z")
	l := &ledger{rows: []time.Time{at("2026-11-01T00:00:00Z"), at("2028-01-01T00:00:00Z")}}
	clock := retention.NewClock(retention.ClockOptions{File: filepath.Join(t.TempDir(), "clock.json"), Now: func() time.Time { return now }})
	w := retention.New(retention.Options{Rows: l, Clock: clock, Policy: threeYears, Now: func() time.Time { return now }})
	report, err := w.DryRun(t.Context(), now)
	if err != nil || report.Clock.Trusted {
		t.Fatalf("dry run: %+v, %v, want a clock that is not trusted", report, err)
	}
	if _, err := w.Confirmed(t.Context(), now, report.Cutoff.AddDate(0, 0, -1)); err == nil || len(l.rows) != 2 {
		t.Errorf("another day was confirmed: %v, %d rows left", err, len(l.rows))
	}
	if report, err := w.Confirmed(t.Context(), now, report.Cutoff); err != nil || report.Deleted != 1 {
		t.Errorf("Confirmed deleted %d, %v, want 1", report.Deleted, err)
	}
}
