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

// dayFlag is a day, as its start in UTC.
type dayFlag struct{ time.Time }

func (d *dayFlag) String() string {
	if d.IsZero() {
		return ""
	}
	return d.Format(time.DateOnly)
}

func (d *dayFlag) Set(s string) (err error) {
	if d.Time, err = time.Parse(time.DateOnly, s); err != nil {
		return errors.New("want a day such as 2023-11-26")
	}
	return nil
}

func runRetention(ctx context.Context, c *call) error {
	var at timeFlag
	var confirmed dayFlag
	dryRun := c.Bool("dry-run", false, "only say what would be deleted")
	c.Var(&at, "at", "`time` that the pass is made for, which may be in the future with --dry-run only (default: now)")
	c.Var(&confirmed, "confirm", "the `day` before which a dry run would delete: makes the pass although the clock is not trusted")
	c.bindRetention(&c.opts)
	c.bindAudit(&c.opts)
	if _, err := c.parseForStore(); err != nil {
		return err
	}
	if err := c.opts.AuditRetention.Validate(); err != nil {
		return usagef("audit retention %w", err)
	}
	now := c.opts.Now()
	of := at.Time
	switch {
	case of.IsZero():
		of = now
	case of.After(now) && !*dryRun:
		return usagef("at %s is in the future: only --dry-run looks there", of.Format(time.RFC3339))
	}
	if err := takeData(c.opts.Data, false); err != nil { // the clock is noted there, whatever the store
		return err
	}
	return c.withStore(ctx, func(st *store.Store) error {
		if _, err := os.Stat(c.opts.Data); errors.Is(err, fs.ErrNotExist) {
			c.opts.Data = "" // a note must not make the directory: that in the store will do
		}
		clock := c.opts.NewClock(st, c.opts.Logger, nil)
		worker := retention.New(retention.Options{
			Rows: st, Clock: clock, Keep: c.opts.Policy.Retention, Now: c.opts.Now,
			Audit: st.AuditLog(), AuditKeep: c.opts.AuditRetention,
		})
		var report retention.Report
		var err error
		switch {
		case *dryRun:
			report, err = worker.DryRun(ctx, of)
		case !confirmed.IsZero():
			report, err = worker.Confirmed(ctx, of, confirmed.Time)
		default:
			report, err = worker.Pass(ctx, of)
		}
		held := errors.Is(err, retention.ErrHeld)
		if err != nil && !held {
			return err
		}
		if !*dryRun && !held && at.IsZero() {
			if confirmed.IsZero() {
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
