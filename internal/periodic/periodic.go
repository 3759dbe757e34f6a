// Package periodic runs what a program does again and again, and logs one line for one
// trouble of it.
package periodic

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Task is something that is done again and again. Do is required, and so is Every or Next.
type Task struct {
	// Do is one run. What it replaces it replaces only without an error, so that the last
	// good state stays.
	Do func(context.Context) error

	First time.Duration // before the first run; 0: at once
	// Every is the longest time between two runs. Each wait is up to a tenth shorter, at
	// random, so that several processes do not ask the same server at the same moment.
	Every time.Duration
	Next  func(error) time.Duration // the time after a run that returned an error or nil; nil: Every
	Wake  <-chan struct{}           // a value begins the next run at once; nil: nothing does
	Once  bool                      // the first run without an error is the last one

	Trouble *Trouble // notes what Do returns; nil: nobody does
}

// Run runs the task until ctx ends, in the goroutine of the caller. It does not note the
// error of a run during which ctx ends.
func (t Task) Run(ctx context.Context) {
	for wait := t.First; t.sleep(ctx, wait); {
		err := t.Do(ctx)
		if ctx.Err() != nil {
			return
		}
		if t.Trouble != nil {
			t.Trouble.Note(err)
		}
		if t.Once && err == nil {
			return
		}
		if t.Next != nil {
			wait = t.Next(err)
		} else {
			wait = t.Every - rand.N(t.Every/10+1)
		}
	}
}

// sleep waits, and reports whether it is time for a run.
func (t Task) sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-t.Wake:
	case <-timer.C:
	}
	return ctx.Err() == nil
}

// How often a trouble that goes on is told again: at once if its cause is another one, but
// not oftener than every minute, and else every hour.
const (
	tellOther = time.Minute
	tellSame  = time.Hour
)

// Trouble logs the errors of something that is tried again and again: one line when they
// begin, one when the cause changes, one an hour while they last, and one when they end.
// It is not safe for concurrent use.
type Trouble struct {
	Logger *slog.Logger
	Failed string     // the message of an error, logged with the error
	Over   string     // the message when it is over, logged with how long it took; "": none
	Level  slog.Level // of Failed; 0: a warning

	since, told time.Time
	text        string // of the error told last
}

// Note takes the error of one attempt, or nil. args are attributes of the line.
func (t *Trouble) Note(err error, args ...any) {
	now := time.Now()
	if err == nil {
		if !t.since.IsZero() && t.Over != "" {
			t.Logger.Info(t.Over, append(args, "after", now.Sub(t.since).Round(time.Second))...)
		}
		t.since, t.told, t.text = time.Time{}, time.Time{}, ""
		return
	}
	if t.since.IsZero() {
		t.since = now
	}
	quiet := tellSame
	if err.Error() != t.text {
		quiet = tellOther
	}
	if !t.told.IsZero() && now.Sub(t.told) < quiet {
		return
	}
	t.told, t.text = now, err.Error()
	level := t.Level
	if level == 0 {
		level = slog.LevelWarn
	}
	t.Logger.Log(context.Background(), level, t.Failed, append(args, "err", err)...)
}
