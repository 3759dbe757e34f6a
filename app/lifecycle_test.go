package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestStopTimes: the stages of a stop end within 30 seconds, also if their steps do not end.
func TestStopTimes(t *testing.T) {
	var sum time.Duration
	for at, limit := range stopTimes {
		if limit <= 0 {
			t.Errorf("stage %d has no bound", at)
		}
		sum += limit
	}
	if sum > stopTime || stopTime != 30*time.Second {
		t.Errorf("the stages take %v, want at most %v, which is 30 s", sum, stopTime)
	}
	synctest.Test(t, func(t *testing.T) {
		released := make(chan struct{})
		defer close(released)
		var l lifecycle
		for at := range stages {
			for range 3 {
				l.onStop(at, "stuck", func(context.Context) error { <-released; return nil })
			}
		}
		start := time.Now()
		if err := l.stop(slog.New(slog.DiscardHandler)); !errors.Is(err, errOutOfTime) {
			t.Errorf("stop = %v, want %v", err, errOutOfTime)
		}
		if took := time.Since(start); took > stopTime {
			t.Errorf("the stop took %v, want at most %v", took, stopTime)
		}
	})
}

// TestStopOrder: the stages run in the order that loses nothing, and the steps of a stage at
// the same time. Every step runs, also after an error of another, and is logged.
func TestStopOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var mu sync.Mutex
		var done []string
		var l lifecycle
		add := func(at stage, name string, takes time.Duration, err error) {
			l.onStop(at, name, func(ctx context.Context) error {
				time.Sleep(takes) // of the bubble's own clock
				mu.Lock()
				defer mu.Unlock()
				done = append(done, name)
				return err
			})
		}
		failed := errors.New("disk on fire")
		// In the order in which a program starts them.
		add(ops, "metrics", 0, nil)
		add(closing, "store", 30*time.Millisecond, nil)
		add(workers, "drain", 20*time.Millisecond, nil)
		add(closing, "spool", 10*time.Millisecond, failed)
		add(flush, "hits", 0, nil)
		add(workers, "retention", time.Minute, nil) // which runs out of time
		add(intake, "requests", 0, nil)
		start := time.Now()
		err := l.stop(slog.New(slog.NewTextHandler(&log, nil)))
		took := time.Since(start)
		mu.Lock()
		got := slices.Clone(done)
		mu.Unlock()
		if want := []string{"requests", "drain", "hits", "spool", "store", "metrics"}; !slices.Equal(got, want) {
			t.Errorf("the steps ended in the order %v, want %v", got, want)
		}
		if !errors.Is(err, failed) || !errors.Is(err, errOutOfTime) || !strings.Contains(err.Error(), "stop retention: ran out of time") {
			t.Errorf("stop = %v, want %v and the step that ran out of time", err, failed)
		}
		if limit := stopTimes[workers] + time.Second; took > limit {
			t.Errorf("the stop took %v, want at most %v: steps of a stage wait for none", took, limit)
		}
		for _, want := range []string{
			"step=requests took=0s", "step=drain took=20ms", "step=store took=30ms",
			`"a step of the stop ran out of time" step=retention`, `"a step of the stop failed" step=spool took=10ms err="disk on fire"`,
		} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not hold %q:\n%s", want, log.String())
			}
		}
		time.Sleep(time.Minute) // until the step that was left behind ends
	})
}
