// Package retention is the worker that deletes raw rows once they are past the
// time that the policy promises, and says so.
package retention

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/fotspor/fotspor/privacy"
)

// Rows is where the raw rows are: *store.Store is one.
type Rows interface {
	// Before returns what is held of raw rows from before a time.
	Before(ctx context.Context, cutoff time.Time) (privacy.Held, error)
	// DeleteBefore deletes them, and returns once they are off the disk.
	DeleteBefore(ctx context.Context, cutoff time.Time) (int64, error)
}

// The worker runs after each midnight, in UTC, when a new day is past its time;
// a pass that failed is tried again sooner.
const (
	afterMidnight = 10 * time.Minute
	retryAfter    = 15 * time.Minute
)

// Options are the parts of a worker. Logger and Now may be left out.
type Options struct {
	Rows       Rows
	Keep       privacy.Period
	Registerer prometheus.Registerer
	Logger     *slog.Logger
	Now        func() time.Time
}

// Worker deletes rows past their time.
type Worker struct {
	Options
	lastSuccess prometheus.Gauge
	deleted     prometheus.Counter
	failures    prometheus.Counter
}

// New returns a worker; Run starts it.
func New(o Options) *Worker {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	f := promauto.With(o.Registerer)
	return &Worker{
		Options: o,
		lastSuccess: f.NewGauge(prometheus.GaugeOpts{
			Name: "fotspor_retention_last_success_timestamp_seconds",
			Help: "When rows past their time were last looked for and deleted without an error.",
		}),
		deleted: f.NewCounter(prometheus.CounterOpts{
			Name: "fotspor_retention_deleted_rows_total",
			Help: "Raw rows deleted because they were past their time.",
		}),
		failures: f.NewCounter(prometheus.CounterOpts{
			Name: "fotspor_retention_failures_total",
			Help: "Passes of the retention worker that failed.",
		}),
	}
}

// Run makes a pass at once and one after each midnight until ctx ends. A failed
// pass is logged, counted and tried again; it never ends the worker.
func (w *Worker) Run(ctx context.Context) {
	for {
		wait := untilNext(w.Now())
		if report, err := w.Pass(ctx, w.Now()); err != nil {
			if ctx.Err() != nil {
				return
			}
			w.Logger.Error("retention pass failed", "err", err, "retry_in", retryAfter)
			wait = retryAfter
		} else {
			w.Logger.Info("retention pass", "cutoff", report.Cutoff.Format(time.DateOnly), "deleted", report.Deleted)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// untilNext returns the time from now to shortly after the next midnight in UTC.
func untilNext(now time.Time) time.Duration {
	now = now.UTC()
	return now.Truncate(24 * time.Hour).Add(24*time.Hour + afterMidnight).Sub(now)
}

// Report says what a pass found and did.
type Report struct {
	At      time.Time
	Keep    privacy.Period
	Cutoff  time.Time    // rows from before it are past their time
	Found   privacy.Held // those rows
	Deleted int64
	DryRun  bool
}

// Pass deletes, once, the rows that are past their time at a given moment.
func (w *Worker) Pass(ctx context.Context, at time.Time) (Report, error) {
	report, err := w.find(ctx, at)
	if err == nil && report.Found.Rows > 0 {
		report.Deleted, err = w.Rows.DeleteBefore(ctx, report.Cutoff)
	}
	if err != nil {
		w.failures.Inc()
		return report, err
	}
	w.deleted.Add(float64(report.Deleted))
	w.lastSuccess.Set(float64(w.Now().Unix()))
	return report, nil
}

// DryRun says what Pass would delete at a given moment.
func (w *Worker) DryRun(ctx context.Context, at time.Time) (Report, error) {
	report, err := w.find(ctx, at)
	report.DryRun = true
	return report, err
}

// find looks for the rows that are past their time.
func (w *Worker) find(ctx context.Context, at time.Time) (Report, error) {
	cutoff := w.Keep.Cutoff(at)
	found, err := w.Rows.Before(ctx, cutoff)
	return Report{At: at, Keep: w.Keep, Cutoff: cutoff, Found: found}, err
}

// WriteTo writes the report for people.
func (r Report) WriteTo(out io.Writer) (int64, error) {
	text := fmt.Sprintf("retention %s at %s: rows from before %s are past their time\n",
		r.Keep, r.At.UTC().Format(time.RFC3339), r.Cutoff.Format(time.DateOnly))
	switch {
	case r.Found.Rows == 0:
		text += "no such rows\n"
	default:
		text += fmt.Sprintf("found %d rows, from %s to %s\n", r.Found.Rows,
			r.Found.First.UTC().Format(time.RFC3339), r.Found.Last.UTC().Format(time.RFC3339))
	}
	if r.DryRun {
		text += "dry run: nothing deleted\n"
	} else {
		text += fmt.Sprintf("deleted %d rows\n", r.Deleted)
	}
	n, err := io.WriteString(out, text)
	return int64(n), err
}

var _ io.WriterTo = Report{}
