package periodic_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fotspor/fotspor/internal/periodic"
)

// run runs a task for a time and returns how long after the start each run began.
func run(t *testing.T, task periodic.Task, d time.Duration) (at []time.Duration) {
	t.Helper()
	start := time.Now()
	do := task.Do
	task.Do = func(ctx context.Context) error {
		at = append(at, time.Since(start))
		if do == nil {
			return nil
		}
		return do(ctx)
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	task.Run(ctx)
	return at
}

func TestEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := run(t, periodic.Task{First: time.Second, Every: time.Minute}, 61*time.Second+99*time.Minute)
		if len(at) < 100 || len(at) > 112 || at[0] != time.Second {
			t.Fatalf("%d runs in 100 minutes, the first after %v", len(at), at[0])
		}
		waits := map[time.Duration]bool{}
		for i := range at[1:] {
			wait := at[i+1] - at[i]
			if wait > time.Minute || wait < 54*time.Second {
				t.Errorf("run %d came after %v, want 54 s to 1 min", i+1, wait)
			}
			waits[wait] = true
		}
		if len(waits) < 10 {
			t.Errorf("only %d different waits: processes would run in step", len(waits))
		}
	})
}

func TestNextAndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := 3
		at := run(t, periodic.Task{
			Do: func(context.Context) error {
				if left--; left > 0 {
					return errors.New("not yet")
				}
				return nil
			},
			Next: func(err error) time.Duration { return time.Duration(left) * time.Second },
			Once: true,
		}, time.Hour)
		if got := fmt.Sprint(at); got != "[0s 2s 3s]" {
			t.Errorf("runs at %s, want [0s 2s 3s] and none after the first that succeeds", got)
		}
	})
}

func TestWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{})
		go func() {
			time.Sleep(7 * time.Second)
			wake <- struct{}{}
		}()
		at := run(t, periodic.Task{Every: time.Hour, Wake: wake}, time.Minute)
		if got := fmt.Sprint(at); got != "[0s 7s]" {
			t.Errorf("runs at %s, want [0s 7s]", got)
		}
	})
}

// TestEnd: a run that the end of the context interrupts is no trouble.
func TestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		at := run(t, periodic.Task{
			Do:      func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			Every:   time.Minute,
			Trouble: &periodic.Trouble{Logger: slog.New(slog.NewTextHandler(&log, nil)), Failed: "failed"},
		}, time.Minute)
		if len(at) != 1 || log.Len() > 0 {
			t.Errorf("%d runs, log %q", len(at), log.String())
		}
	})
}

func TestTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		trouble := periodic.Trouble{Logger: slog.New(slog.NewTextHandler(&log, nil)), Failed: "no sites", Over: "sites again"}
		said := func() (lines []string) {
			for line := range strings.Lines(log.String()) {
				_, line, _ = strings.Cut(strings.TrimSpace(line), "level=")
				lines = append(lines, line)
			}
			log.Reset()
			return lines
		}
		refused, away := errors.New("refused"), errors.New("away")
		for i, c := range []struct {
			after time.Duration
			err   error
			want  string
		}{
			{0, nil, "[]"},
			{0, refused, `[WARN msg="no sites" err=refused]`},
			{5 * time.Second, refused, "[]"},
			{5 * time.Second, away, "[]"},
			{time.Minute, away, `[WARN msg="no sites" err=away]`},
			{59 * time.Minute, away, "[]"},
			{time.Minute, away, `[WARN msg="no sites" err=away]`},
			{50 * time.Second, nil, `[INFO msg="sites again" after=1h2m0s]`},
			{time.Second, nil, "[]"},
			{time.Second, away, `[WARN msg="no sites" err=away]`},
		} {
			time.Sleep(c.after)
			trouble.Note(c.err)
			if got := fmt.Sprint(said()); got != c.want {
				t.Errorf("step %d: %s, want %s", i, got, c.want)
			}
		}
		(&periodic.Trouble{}).Note(nil) // logs nothing
	})
}
