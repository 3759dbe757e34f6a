// Package retention is the worker that deletes raw rows when they are past the policy's
// retention, and reports what it deleted.
package retention

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/internal/periodic"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/retention/receipt"
)

// Rows holds the raw rows. *store.Store implements it.
type Rows interface {
	// Before counts the rows from before a time.
	Before(ctx context.Context, cutoff time.Time) (privacy.Held, error)
	// DeleteBefore deletes these rows, and returns when they have left the disk.
	DeleteBefore(ctx context.Context, cutoff time.Time) error
}

// Few are the lines of totals of few. *store.Few implements it.
type Few interface {
	// Lines counts those in months that end before the day of a time.
	Lines(ctx context.Context, cutoff time.Time) (int64, error)
	// Fold counts these lines together with others, and returns when they have left the disk.
	// totals is the day before which totals are deleted, 0 for none.
	Fold(ctx context.Context, cutoff time.Time, totals calendar.Day) error
}

// The worker makes a pass after each midnight in UTC, when another day is past the
// retention. A pass that failed or was held is tried again sooner. The first pass comes some
// minutes after the start, so that a clock that is wrong when a machine starts can be set.
const (
	firstPass     = 10 * time.Minute
	afterMidnight = 10 * time.Minute
	retryAfter    = 15 * time.Minute
	heldFor       = time.Hour
)

// ErrHeld is wrapped by the error of a pass that finds rows to delete while the clock is not
// trusted.
var ErrHeld = errors.New("held: the clock is not trusted")

// Options are the parts of a worker. Logger, Now, Audit, Requests and Titles may be zero.
type Options struct {
	Rows      Rows
	Clock     *Clock
	Audit     Rows                // the lines of the audit log
	AuditKeep privacy.Period      // retention of the lines; required with Audit
	Requests  Rows                // the register of requests, by the day of their end; retention is privacy.RequestKeep
	Titles    Rows                // titles of pages; retention is that of rows, from the day on which they were last seen
	Totals    Rows                // sums that outlive the rows; retention is that of totals in the policy
	Few       func(below int) Few // lines of totals of few, for the number that the policy says; nil: none are folded
	// Shorter returns the sites whose rows live shorter than a policy says; nil: there are none.
	// OfSites returns what they have in Rows, Titles and Few.
	Shorter func(context.Context, privacy.Policy) ([]privacy.Shorter, error)
	OfSites func(sites []uint32) OfSites
	// Aging returns the rows that still have a part which ageing removes, by its name: their
	// DeleteBefore removes it. nil: nothing is removed.
	Aging func(part string) Rows
	// Expired returns which rows of days before a time a server has deleted by itself since the
	// last pass; nil: that is not looked for.
	Expired func(context.Context, time.Time) (privacy.Held, error)
	// Outside deletes what is kept outside of the store longer than is needed at a time. A pass
	// calls it unless the clock is not trusted. nil: nothing is.
	Outside func(context.Context, time.Time) error
	// LastPass returns when the last pass of any process ended without an error, zero if none did, and
	// NotePass notes one. nil: they are not kept.
	LastPass func(context.Context) (time.Time, error)
	NotePass func(context.Context, time.Time) error
	// Policy returns the policy in force. Each pass reads it.
	Policy     func(context.Context) (privacy.Policy, error)
	Receipts   *receipt.Writer // of what is done to Rows, Totals and Few; nil: none are written
	Registerer prometheus.Registerer
	Logger     *slog.Logger
	Now        func() time.Time
}

// OfSites is what some sites have. Titles and Few may be nil.
type OfSites struct {
	Rows, Titles Rows
	Few          func(below int) Few
}

// Worker deletes rows past their retention.
type Worker struct {
	Options
	lastSuccess known
	deleted     prometheus.Counter
	failures    prometheus.Counter
	held        prometheus.Gauge
	oldest      known
	overdue     known
	next        known
}

// known is a gauge that there is none of until its value is known.
type known struct{ *prometheus.GaugeVec }

func (k known) set(v float64) { k.WithLabelValues().Set(v) }

// New returns a worker; Run starts it.
func New(o Options) *Worker {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	f := promauto.With(o.Registerer)
	gauge := func(name, help string) known {
		return known{f.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, nil)}
	}
	return &Worker{
		Options: o,
		lastSuccess: gauge("fotspor_retention_last_success_timestamp_seconds",
			"When a deletion pass last ended without an error, in Unix time, also one of another process or before the last start, as the store knows. There is no such series before the first."),
		deleted: f.NewCounter(prometheus.CounterOpts{
			Name: "fotspor_retention_deleted_rows_total",
			Help: "Raw rows deleted because they were past their retention.",
		}),
		failures: f.NewCounter(prometheus.CounterOpts{
			Name: "fotspor_retention_failures_total",
			Help: "Deletion passes that failed. Each is tried again.",
		}),
		held: f.NewGauge(prometheus.GaugeOpts{
			Name: "fotspor_retention_held",
			Help: "1 while a deletion pass waits because the clock is not trusted, else 0.",
		}),
		oldest: gauge("fotspor_retention_oldest_row_timestamp_seconds",
			"Time of the oldest row at the start and after the last deletion pass, in Unix time; 0 if there is none. No such series until it is known."),
		overdue: gauge("fotspor_retention_overdue_rows",
			"Rows past their retention, or with a part past its time, at the start and after the last pass, also one that was held or failed. It should be 0. No such series until it is known."),
		next: gauge("fotspor_retention_next_pass_timestamp_seconds",
			"When the next deletion pass is due, in Unix time. There is no such series while the worker waits for its store."),
	}
}

// Run measures what there is, and makes a pass ten minutes after the start and one after each
// midnight until ctx ends. A pass that fails is counted and tried again after 15 minutes. One that is held is
// tried again after an hour. Neither ends the worker.
func (w *Worker) Run(ctx context.Context) {
	w.next.set(float64(w.Now().Add(firstPass).Unix()))
	if err := w.measure(ctx); err != nil && ctx.Err() == nil {
		w.Logger.Warn("what is past its time can't be counted before the first pass", "err", err)
	}
	periodic.Task{
		First: firstPass,
		Do: func(ctx context.Context) error {
			report, err := w.Pass(ctx, w.Now())
			if err == nil {
				w.Logger.Info("retention pass", "cutoff", report.Cutoff.Format(time.DateOnly), "deleted", report.Deleted)
			}
			return err
		},
		Next: func(err error) time.Duration {
			now, wait := w.Now(), retryAfter
			switch {
			case err == nil:
				wait = untilNext(now)
			case errors.Is(err, ErrHeld):
				wait = heldFor
			}
			w.next.set(float64(now.Add(wait).Unix()))
			return wait
		},
		Trouble: &periodic.Trouble{
			Logger: w.Logger, Level: slog.LevelError, Failed: "retention pass failed and is tried again", Over: "retention passes succeed again",
		},
	}.Run(ctx)
}

// untilNext returns the time from now to shortly after the next midnight in UTC.
func untilNext(now time.Time) time.Duration {
	now = now.UTC()
	return now.Truncate(24 * time.Hour).Add(24*time.Hour + afterMidnight).Sub(now)
}

// Report is what a pass found and did.
type Report struct {
	At time.Time
	Part
	Own    []Part // of sites whose rows live shorter
	DryRun bool
	Clock  Verdict // whether the time At is trusted

	AuditFound   privacy.Held // lines of the audit log past their retention
	AuditDeleted int64

	RequestsFound   privacy.Held // lines of the register of requests past their retention
	RequestsDeleted int64

	TotalsCutoff  time.Time    // zero: totals are kept for ever
	TotalsFound   privacy.Held // lines of totals past their time
	TotalsDeleted int64

	Aged []Aged // for each stage of the policy

	FoldBelow int
}

// Part is what a pass found and did of all sites, or of some whose rows live shorter.
type Part struct {
	Sites   []uint32 // nil: all
	Keep    privacy.Period
	Cutoff  time.Time    // rows from before it are past their retention
	Found   privacy.Held // these rows
	Deleted int64

	TitlesFound   privacy.Held // titles of pages that are not kept any more
	TitlesDeleted int64

	FewFound int64 // lines of totals of few
	Folded   int64

	of OfSites
}

// found returns how much there is to delete.
func (p Part) found() int64 { return p.Found.Rows + p.TitlesFound.Rows + p.FewFound }

// own returns the retention of some sites as their receipt has it, "" of all.
func (p Part) own() string {
	if p.Sites == nil {
		return ""
	}
	return p.Keep.String()
}

// Aged is what a pass removed from rows that stay.
type Aged struct {
	privacy.Stage
	Cutoff  time.Time
	Found   int64 // rows from before Cutoff that had it
	Removed int64
}

// found returns how much there is to delete.
func (r *Report) found() int64 {
	var aged int64
	for _, a := range r.Aged {
		aged += a.Found
	}
	for _, p := range r.parts() {
		aged += p.found()
	}
	return aged + r.AuditFound.Rows + r.RequestsFound.Rows + r.TotalsFound.Rows
}

// overdue returns how many of the rows that it found are past their time, or have a part that is.
func (r *Report) overdue() (n int64) {
	for _, p := range r.parts() {
		n += p.Found.Rows
	}
	for _, a := range r.Aged {
		n += a.Found
	}
	return n
}

// parts returns the part of all sites, and then those of some.
func (r *Report) parts() []*Part {
	all := []*Part{&r.Part}
	for i := range r.Own {
		all = append(all, &r.Own[i])
	}
	return all
}

// Pass deletes the rows that are past their retention at a given time. If the clock is not
// trusted and there are such rows, it deletes nothing and returns the report of what it
// found, with an error that wraps ErrHeld.
func (w *Worker) Pass(ctx context.Context, at time.Time) (Report, error) {
	report, err := w.judged(ctx, at)
	if err == nil && !report.Clock.Trusted {
		if err = w.find(ctx, &report); err == nil && report.found() > 0 {
			w.held.Set(1)
			w.look(ctx, at, report.overdue(), nil)
			var rows int64
			for _, p := range report.parts() {
				rows += p.Found.Rows
			}
			return report, fmt.Errorf("%d rows past their time: %w: %s", rows, ErrHeld, report.Clock.Why)
		}
	}
	return w.delete(ctx, report, err)
}

// Confirmed is Pass with a clock that a person confirms. cutoff is the start in UTC of the
// day before which rows would be deleted, which the person knows from a dry run. If it
// differs from that of the pass, Confirmed returns an error.
func (w *Worker) Confirmed(ctx context.Context, at, cutoff time.Time) (Report, error) {
	report, err := w.judged(ctx, at)
	if err == nil && !report.Cutoff.Equal(cutoff) {
		return report, fmt.Errorf("rows from before %s would be deleted, not those from before %s",
			report.Cutoff.Format(time.DateOnly), cutoff.Format(time.DateOnly))
	}
	return w.delete(ctx, report, err)
}

// delete deletes the rows and lines that a report plans to delete. It counts each of them once
// before, where that is under the lock of its receipt, and once after. So it finds of some sites
// what the deletion of all has left.
func (w *Worker) delete(ctx context.Context, report Report, err error) (Report, error) {
	var left int64 // that are past their time after their deletion
	if err == nil {
		defer func() {
			var uncounted error
			if err != nil {
				left, uncounted = w.countOverdue(ctx, report)
			}
			w.look(ctx, report.At, left, uncounted)
		}()
	}
	if err == nil && w.Receipts != nil && w.Expired != nil {
		err = w.Receipts.Found(ctx, func(ctx context.Context) (receipt.Deletion, int64, error) {
			gone, err := w.Expired(ctx, report.Cutoff)
			return receipt.Deletion{Kind: receipt.Expiry, From: calendar.DayOf(gone.First).String(), To: (calendar.DayOf(gone.Last) + 1).String()}, gone.Rows, err
		})
	}
	for _, p := range report.parts() {
		if err == nil {
			d := receipt.Until(calendar.DayOf(p.Cutoff.UTC()))
			d.Sites, d.Retention = p.Sites, p.own()
			var after int64
			p.Found, after, err = w.deleteBefore(ctx, d, p.Sites == nil, p.of.Rows, p.Cutoff)
			p.Deleted, left = p.Found.Rows-after, left+after
		}
	}
	for i := range report.Aged {
		if a := &report.Aged[i]; err == nil {
			d := receipt.Deletion{Kind: receipt.Ageing, By: a.Name, To: calendar.DayOf(a.Cutoff.UTC()).String()}
			var found privacy.Held
			var after int64
			found, after, err = w.deleteBefore(ctx, d, false, w.Aging(a.Name), a.Cutoff)
			a.Found, a.Removed, left = found.Rows, found.Rows-after, left+after
		}
	}
	if err == nil && w.Audit != nil {
		report.AuditFound, report.AuditDeleted, err = tidy(ctx, w.Audit, w.AuditKeep.Cutoff(report.At))
	}
	if err == nil && w.Requests != nil {
		report.RequestsFound, report.RequestsDeleted, err = tidy(ctx, w.Requests, privacy.RequestKeep.Cutoff(report.At))
	}
	for _, p := range report.parts() {
		if err == nil && p.of.Titles != nil {
			p.TitlesFound, p.TitlesDeleted, err = tidy(ctx, p.of.Titles, p.Cutoff)
		}
	}
	if err == nil && !report.TotalsCutoff.IsZero() {
		d := receipt.Deletion{Kind: receipt.Totals, To: report.totalsDay().String()}
		var after int64
		report.TotalsFound, after, err = w.deleteBefore(ctx, d, false, w.Totals, report.TotalsCutoff)
		report.TotalsDeleted = report.TotalsFound.Rows - after
	}
	for _, p := range report.parts() { // after the rows: lines of few stay as long as they
		if err == nil && p.of.Few != nil && report.FoldBelow > 0 {
			d := receipt.Deletion{Kind: receipt.Folding, Sites: p.Sites, Retention: p.own(), Below: report.FoldBelow, To: calendar.DayOf(p.Cutoff.UTC()).FirstOfMonth().String()}
			var after int64
			p.FewFound, after, err = w.fold(ctx, d, p.of.Few(report.FoldBelow), p.Cutoff, report.totalsDay())
			p.Folded = p.FewFound - after
		}
	}
	if err == nil && w.Outside != nil && report.Clock.Trusted {
		err = w.Outside(ctx, report.At)
	}
	w.held.Set(0)
	ended := w.Now()
	if err == nil && w.NotePass != nil {
		err = w.NotePass(ctx, ended)
	}
	if err != nil {
		w.failures.Inc()
		return report, err
	}
	for _, p := range report.parts() {
		w.deleted.Add(float64(p.Deleted))
	}
	w.lastSuccess.set(float64(ended.Unix()))
	return report, nil
}

// Again is a deletion that was made again.
type Again struct {
	receipt.Deletion
	Deleted int64
}

// Again deletes what some earlier deletions have deleted, and titles of pages with the rows, and
// returns those that still found something. It needs no clock: the days were found by a trusted one.
func (w *Worker) Again(ctx context.Context, some []receipt.Deletion) ([]Again, error) {
	var all []Again
	for _, kind := range []receipt.Kind{receipt.Retention, receipt.Expiry, receipt.Ageing, receipt.Totals, receipt.Folding} { // the order of a pass
		for _, d := range some {
			if d.Kind != kind || d.To == "" {
				continue
			}
			deleted, err := w.again(ctx, d)
			if err != nil {
				return all, fmt.Errorf("delete again what was deleted before %s: %w", d.To, err)
			}
			if deleted > 0 {
				all = append(all, Again{d, deleted})
			}
		}
	}
	return all, nil
}

func (w *Worker) again(ctx context.Context, d receipt.Deletion) (int64, error) {
	day, err := calendar.ParseDay(d.To)
	if err != nil {
		return 0, err
	}
	cutoff := day.Time()
	of := OfSites{w.Rows, w.Titles, w.Few}
	if d.Sites != nil {
		of = w.OfSites(d.Sites)
	}
	rows := of.Rows
	switch d.Kind {
	case receipt.Retention, receipt.Expiry:
		if of.Titles != nil {
			if err := of.Titles.DeleteBefore(ctx, cutoff); err != nil {
				return 0, err
			}
		}
	case receipt.Ageing:
		rows = w.Aging(d.By)
	case receipt.Totals:
		rows = w.Totals
	case receipt.Folding:
		found, left, err := w.fold(ctx, d, of.Few(d.Below), cutoff, 0)
		return found - left, err
	}
	found, left, err := w.deleteBefore(ctx, d, false, rows, cutoff)
	return found.Rows - left, err
}

// measure measures what there is without a pass. While there is no policy nothing is past its time,
// and nothing is measured.
func (w *Worker) measure(ctx context.Context) error {
	if w.LastPass != nil {
		last, err := w.LastPass(ctx)
		if err != nil {
			return err
		}
		if !last.IsZero() {
			w.lastSuccess.set(float64(last.Unix()))
		}
	}
	report, err := w.plan(ctx, w.Now())
	if errors.Is(err, privacy.ErrNoPolicy) {
		return nil
	}
	if err == nil {
		overdue, err := w.countOverdue(ctx, report)
		w.look(ctx, report.At, overdue, err)
	}
	return err
}

// look measures what there is at a time, of which overdue rows are past their time. What can't be
// counted keeps its figure.
func (w *Worker) look(ctx context.Context, at time.Time, overdue int64, uncounted error) {
	all, err := w.Rows.Before(ctx, at.AddDate(0, 0, 3)) // later than today in any time zone
	if err == nil {
		w.oldest.set(0)
		if all.Rows > 0 {
			w.oldest.set(float64(all.First.Unix()))
		}
	}
	if uncounted == nil {
		w.overdue.set(float64(overdue))
	}
	if err = errors.Join(err, uncounted); err != nil {
		w.Logger.Warn("what is past its time can't be counted", "err", err)
	}
}

// countOverdue counts the rows that are past their time, or have a part that is.
func (w *Worker) countOverdue(ctx context.Context, report Report) (n int64, err error) {
	for _, p := range report.parts() {
		held, failed := between(ctx, p.of.Rows, p, report.Cutoff)
		n, err = n+held.Rows, errors.Join(err, failed)
	}
	for _, a := range report.Aged {
		held, failed := w.Aging(a.Name).Before(ctx, a.Cutoff)
		n, err = n+held.Rows, errors.Join(err, failed)
	}
	return n, err
}

// totalsDay returns the day before which totals are deleted, 0 if they are not.
func (r Report) totalsDay() calendar.Day {
	if r.TotalsCutoff.IsZero() {
		return 0
	}
	return calendar.DayOf(r.TotalsCutoff.UTC())
}

// deleteBefore deletes the rows from before a time with a receipt, and returns what there was, and
// how many rows there are after. Only with always there is a receipt where there was nothing.
func (w *Worker) deleteBefore(ctx context.Context, d receipt.Deletion, always bool, rows Rows, cutoff time.Time) (found privacy.Held, after int64, err error) {
	counted := false
	count := func(ctx context.Context) (int64, error) {
		held, err := rows.Before(ctx, cutoff)
		if !counted {
			found, counted = held, true
		}
		return held.Rows, err
	}
	_, after, err = w.receipted(ctx, d, always, count, func(ctx context.Context) error { return rows.DeleteBefore(ctx, cutoff) })
	return found, after, err
}

// fold is deleteBefore for lines of few.
func (w *Worker) fold(ctx context.Context, d receipt.Deletion, few Few, cutoff time.Time, totals calendar.Day) (found, after int64, err error) {
	count := func(ctx context.Context) (int64, error) { return few.Lines(ctx, cutoff) }
	return w.receipted(ctx, d, false, count, func(ctx context.Context) error { return few.Fold(ctx, cutoff, totals) })
}

// receipted counts, deletes and counts again, with a receipt.
func (w *Worker) receipted(ctx context.Context, d receipt.Deletion, always bool, count func(context.Context) (int64, error), delete func(context.Context) error) (before, after int64, err error) {
	switch {
	case w.Receipts == nil:
		if before, err = count(ctx); err == nil && before > 0 {
			if err = delete(ctx); err == nil {
				after, err = count(ctx)
			}
		}
		return before, after, err
	case always:
		return w.Receipts.Delete(ctx, d, count, delete)
	}
	return w.Receipts.DeleteSome(ctx, d, count, delete)
}

// tidy deletes the lines from before a time without a receipt, and returns what there was and how
// many it deleted.
func tidy(ctx context.Context, lines Rows, cutoff time.Time) (found privacy.Held, deleted int64, err error) {
	if found, err = lines.Before(ctx, cutoff); err != nil || found.Rows == 0 {
		return found, 0, err
	}
	if err = lines.DeleteBefore(ctx, cutoff); err == nil {
		deleted = found.Rows
	}
	return found, deleted, err
}

// DryRun reports what Pass would delete at a given time.
func (w *Worker) DryRun(ctx context.Context, at time.Time) (Report, error) {
	report, err := w.judged(ctx, at)
	if err == nil {
		err = w.find(ctx, &report)
	}
	report.DryRun = true
	return report, err
}

// judged is plan with what the clock is worth.
func (w *Worker) judged(ctx context.Context, at time.Time) (Report, error) {
	report, err := w.plan(ctx, at)
	if err == nil {
		report.Clock = w.Clock.Judge(ctx, at)
	}
	return report, err
}

// plan returns a report that says what is past its retention, and counts nothing.
func (w *Worker) plan(ctx context.Context, at time.Time) (Report, error) {
	policy, err := w.Policy(ctx)
	if err != nil {
		return Report{At: at}, err
	}
	all := Part{Keep: policy.Retention, Cutoff: policy.Retention.Cutoff(at), of: OfSites{w.Rows, w.Titles, w.Few}}
	report := Report{At: at, Part: all, FoldBelow: policy.FoldBelow}
	if w.Shorter != nil {
		shorter, err := w.Shorter(ctx, policy)
		if err != nil {
			return report, err
		}
		for _, s := range shorter {
			if cutoff := s.Keep.Cutoff(at); cutoff.After(report.Cutoff) {
				report.Own = append(report.Own, Part{Sites: s.Sites, Keep: s.Keep, Cutoff: cutoff, of: w.OfSites(s.Sites)})
			}
		}
	}
	if w.Aging != nil {
		for _, stage := range policy.Ageing.Stages() {
			report.Aged = append(report.Aged, Aged{Stage: stage, Cutoff: stage.After.Cutoff(at)})
		}
	}
	if w.Totals != nil && policy.Totals != (privacy.Period{}) {
		report.TotalsCutoff = policy.Totals.Cutoff(at)
	}
	return report, nil
}

// find counts the rows and lines that a report plans to delete.
func (w *Worker) find(ctx context.Context, report *Report) (err error) {
	for _, p := range report.parts() {
		if err == nil {
			err = p.find(ctx, report.Cutoff, report.FoldBelow)
		}
	}
	if err == nil && w.Audit != nil {
		report.AuditFound, err = w.Audit.Before(ctx, w.AuditKeep.Cutoff(report.At))
	}
	if err == nil && w.Requests != nil {
		report.RequestsFound, err = w.Requests.Before(ctx, privacy.RequestKeep.Cutoff(report.At))
	}
	for i := range report.Aged {
		if a := &report.Aged[i]; err == nil {
			var held privacy.Held
			held, err = w.Aging(a.Name).Before(ctx, a.Cutoff)
			a.Found = held.Rows
		}
	}
	if err == nil && !report.TotalsCutoff.IsZero() {
		report.TotalsFound, err = w.Totals.Before(ctx, report.TotalsCutoff)
	}
	return err
}

// find counts what is past the cut-off of a part, and of some sites not past that of all, which
// is counted with all.
func (p *Part) find(ctx context.Context, all time.Time, below int) (err error) {
	if p.Found, err = between(ctx, p.of.Rows, p, all); err != nil {
		return err
	}
	if p.of.Titles != nil {
		if p.TitlesFound, err = between(ctx, p.of.Titles, p, all); err != nil {
			return err
		}
	}
	if p.of.Few != nil && below > 0 {
		p.FewFound, err = p.of.Few(below).Lines(ctx, p.Cutoff)
	}
	return err
}

// between returns what is held from before the cut-off of a part, and of some sites not from
// before that of all.
func between(ctx context.Context, rows Rows, p *Part, all time.Time) (privacy.Held, error) {
	found, err := rows.Before(ctx, p.Cutoff)
	if err != nil || p.Sites == nil || found.Rows == 0 {
		return found, err
	}
	older, err := rows.Before(ctx, all)
	if found.Rows -= older.Rows; found.Rows <= 0 {
		return privacy.Held{}, err
	}
	if older.Rows > 0 {
		found.First = older.Last // no later than the first of them
	}
	return found, err
}

// WriteTo writes the report as text for people.
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
	if !r.Clock.Trusted && r.found() > 0 {
		text += fmt.Sprintf("the clock is not trusted: %s\n", r.Clock.Why)
	}
	if r.DryRun {
		text += "dry run: nothing deleted\n"
	} else {
		text += fmt.Sprintf("deleted %d rows\n", r.Deleted)
	}
	for _, p := range r.Own {
		if p.found() > 0 {
			text += fmt.Sprintf("sites %s with retention %s: found %d rows from before %s, %d titles and %d lines of totals of few; deleted %d rows and %d titles, folded %d lines\n",
				strings.Trim(fmt.Sprint(p.Sites), "[]"), p.Keep, p.Found.Rows, p.Cutoff.Format(time.DateOnly), p.TitlesFound.Rows, p.FewFound, p.Deleted, p.TitlesDeleted, p.Folded)
		}
	}
	for _, a := range r.Aged {
		if a.Found > 0 {
			text += fmt.Sprintf("ageing: found %d rows from before %s with %s, removed it from %d\n", a.Found, a.Cutoff.Format(time.DateOnly), a.Name, a.Removed)
		}
	}
	if r.AuditFound.Rows > 0 {
		text += fmt.Sprintf("audit log: found %d lines past their time, deleted %d\n", r.AuditFound.Rows, r.AuditDeleted)
	}
	if r.RequestsFound.Rows > 0 {
		text += fmt.Sprintf("register of requests: found %d past their time, deleted %d\n", r.RequestsFound.Rows, r.RequestsDeleted)
	}
	if r.TitlesFound.Rows > 0 {
		text += fmt.Sprintf("titles of pages: found %d that are not kept any more, deleted %d\n", r.TitlesFound.Rows, r.TitlesDeleted)
	}
	if r.TotalsFound.Rows > 0 {
		text += fmt.Sprintf("totals: found %d lines from before %s, deleted %d\n", r.TotalsFound.Rows, r.TotalsCutoff.Format(time.DateOnly), r.TotalsDeleted)
	}
	if r.FewFound > 0 {
		text += fmt.Sprintf("totals of fewer than %d: found %d lines in months that are over, folded %d\n", r.FoldBelow, r.FewFound, r.Folded)
	}
	n, err := io.WriteString(out, text)
	return int64(n), err
}

var _ io.WriterTo = Report{}
