package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// stage is a part of the stop. The stages run in this order, which loses nothing: no
// hit is taken any more, nothing works in the background any more, what is held goes
// to where it outlives the process, the files are closed. The steps of one stage
// depend on nothing of each other, and run at the same time.
type stage int

const (
	intake  stage = iota // public requests end
	workers              // background work ends, the drain of the spool among it
	flush                // hits and visitors in memory are stored
	closing              // spool and store close
	ops                  // metrics and health, which tell of all of this, end
	stages
)

// stopTime bounds the whole stop. It is less than what service managers give
// (TimeoutStopSec, stop_grace_period).
const stopTime = 30 * time.Second

// stopTimes bound the steps of each stage. Their sum is at most stopTime.
var stopTimes = [stages]time.Duration{
	intake:  6 * time.Second,
	workers: 5 * time.Second,
	flush:   10 * time.Second,
	closing: 6 * time.Second,
	ops:     2 * time.Second,
}

// errOutOfTime is matched by the error of a step that did not end in time.
var errOutOfTime = errors.New("ran out of time")

// step is one clean-up of the stop.
type step struct {
	name string
	do   func(context.Context) error
}

// lifecycle stops what was started. The zero value has nothing to stop.
type lifecycle struct {
	steps [stages][]step
	times [stages]time.Duration // of the steps of each stage; 0: stopTimes
}

// onStop has do called at a stage of the stop. The context of do ends when its time
// is over; a step that goes on after that is left behind.
func (l *lifecycle) onStop(at stage, name string, do func(context.Context) error) {
	l.steps[at] = append(l.steps[at], step{name, do})
}

// stop runs every step, even after errors, and returns within the sum of the times of
// the stages. The log names each step, with how long it took.
func (l *lifecycle) stop(logger *slog.Logger) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	var errs []error
	for at := range l.steps {
		limit := l.times[at]
		if limit == 0 {
			limit = stopTimes[at]
		}
		errs = append(errs, runSteps(ctx, logger, l.steps[at], limit)...)
		l.steps[at] = nil
	}
	return errors.Join(errs...)
}

// runSteps runs steps at the same time, for at most limit.
func runSteps(ctx context.Context, logger *slog.Logger, steps []step, limit time.Duration) []error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	errs := make([]error, len(steps))
	var all sync.WaitGroup
	for i, s := range steps {
		all.Go(func() {
			start := time.Now()
			err := within(ctx, s.do)
			took := time.Since(start).Round(time.Millisecond)
			switch {
			case errors.Is(err, errOutOfTime):
				logger.Warn("a step of the stop ran out of time", "step", s.name, "after", took)
			case err != nil:
				logger.Warn("a step of the stop failed", "step", s.name, "took", took, "err", err)
			default:
				logger.Info("stopped", "step", s.name, "took", took)
			}
			if err != nil {
				errs[i] = fmt.Errorf("stop %s: %w", s.name, err)
			}
		})
	}
	all.Wait()
	return errs
}

// within returns what do returns, or errOutOfTime if that comes later than the end of
// ctx by more than a moment. do goes on then.
func within(ctx context.Context, do func(context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	// A step that heeds its context returns now, and says what is left undone.
	moment := time.NewTimer(100 * time.Millisecond)
	defer moment.Stop()
	select {
	case err := <-done:
		return err
	case <-moment.C:
		return errOutOfTime
	}
}
