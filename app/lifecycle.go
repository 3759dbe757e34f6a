package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// stage is a part of the stop. The stages run in this order, so that nothing is lost. The
// steps of one stage do not depend on each other and run at the same time.
type stage int

const (
	intake  stage = iota // stop accepting public requests
	workers              // end background work, including the drain of the spool
	flush                // store hits, and hand visitors over
	closing              // close spool and store
	ops                  // stop serving metrics and health, last so that they report all of this
	stages
)

// stopTime bounds the whole stop. It is less than the time that service managers allow
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

// step is one action of the stop.
type step struct {
	name string
	do   func(context.Context) error
}

// lifecycle stops what was started. The zero value has nothing to stop.
type lifecycle struct {
	steps [stages][]step
	times [stages]time.Duration // bounds of the steps of each stage; 0: stopTimes
}

// onStop adds a step to a stage of the stop. The context of do ends when its time is over.
// The stop does not wait for a step that goes on after that.
func (l *lifecycle) onStop(at stage, name string, do func(context.Context) error) {
	l.steps[at] = append(l.steps[at], step{name, do})
}

// stop runs every step, even after errors, and returns within the sum of the times of the
// stages. It logs each step and how long it took.
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

// within returns the result of do, or errOutOfTime if do has not returned shortly after the
// end of ctx. do goes on then.
func within(ctx context.Context, do func(context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	// A step that honours its context returns now, with an error on what it has not done.
	moment := time.NewTimer(100 * time.Millisecond)
	defer moment.Stop()
	select {
	case err := <-done:
		return err
	case <-moment.C:
		return errOutOfTime
	}
}
