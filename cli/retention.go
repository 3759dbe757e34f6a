package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/fotspor/fotspor/retention"
	"github.com/fotspor/fotspor/store"
)

func runRetention(ctx context.Context, c *call) error {
	now := c.opts.Now()
	of := c.at
	if of.IsZero() {
		of = now
	}
	if err := takeData(c.opts.Data, false); err != nil { // the note of the clock is there, with any store
		return err
	}
	return c.withStore(ctx, func(st *store.Store) error {
		worker, clock := c.retentionWorker(st)
		worker.Outside = c.opts.Outside(st)
		if !c.at.IsZero() {
			worker.NotePass = nil // it leaves what is past its time now
		}
		var report retention.Report
		var err error
		switch {
		case c.dryRun:
			report, err = worker.DryRun(ctx, of)
		case !c.confirmed.IsZero():
			report, err = worker.Confirmed(ctx, of, c.confirmed)
		default:
			report, err = worker.Pass(ctx, of)
		}
		held := errors.Is(err, retention.ErrHeld)
		if err != nil && !held {
			return err
		}
		if !c.dryRun && !held && c.at.IsZero() {
			if c.confirmed.IsZero() {
				clock.Check(ctx)
			} else {
				clock.Confirm(ctx)
			}
		}
		nameStore(c.Stdout, st)
		if _, err := report.WriteTo(c.Stdout); err != nil {
			return err
		}
		if held {
			return fmt.Errorf("%w; if the day is right, run it again with --confirm %s", err, report.Cutoff.Format(time.DateOnly))
		}
		return nil
	})
}

// retentionWorker returns a worker for one pass, and its clock.
func (c *call) retentionWorker(st *store.Store) (*retention.Worker, *retention.Clock) {
	o := c.opts
	if _, err := os.Stat(o.Data); errors.Is(err, fs.ErrNotExist) {
		o.Data = "" // the note must not create the directory; the one in the store suffices
	}
	clock := o.NewClock(st, o.Logger, nil)
	return c.opts.NewWorker(st, clock, nil, nil), clock // its receipts do create it
}
