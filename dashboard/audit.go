package dashboard

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/internal/periodic"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
)

const (
	refusalsEvery = time.Minute
	// maxRefusals bounds the lines of refusals that a minute adds to the audit log,
	// and the memory for them. What is beyond is counted for nobody in particular.
	maxRefusals = 100
	maxPending  = 4 * maxRefusals // lines that wait for the store; further ones are lost
	lastRefusal = 5 * time.Second // for the counts of the last minute, at the end
)

// refusals count what was refused, by minute, kind and user: a flood is a few lines
// of the audit log. Run writes them, never the request that was refused: otherwise the
// time of an answer would tell a user's name, whose refusal is a new line, from any
// other. It is safe for concurrent use.
type refusals struct {
	log     Log
	trouble *periodic.Trouble
	first   chan struct{} // holds one while a first refusal waits to be written

	mu      sync.Mutex
	minute  time.Time
	counts  map[refusal]int // of the minute, that are neither written nor pending
	pending []audit.Entry
}

func newRefusals(log Log, logger *slog.Logger) *refusals {
	return &refusals{log: log, first: make(chan struct{}, 1), trouble: &periodic.Trouble{
		Logger: logger, Failed: "the audit log lacks a line for now",
	}}
}

type refusal struct {
	action audit.Action
	who    string
}

// add counts a refusal. The first of its kind in a minute is written as soon as Run
// comes to it, the others once the minute is over.
func (r *refusals) add(now time.Time, action audit.Action, who string) {
	of := refusal{action, who}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn(now)
	if _, known := r.counts[of]; !known && len(r.counts) >= maxRefusals {
		of.who = site.Unknown
	}
	n, known := r.counts[of]
	if known || len(r.pending) >= maxPending {
		r.counts[of] = n + 1
		return
	}
	r.counts[of] = 0
	r.pending = append(r.pending, of.entry(r.minute, 1))
	select {
	case r.first <- struct{}{}:
	default:
	}
}

func (of refusal) entry(minute time.Time, n int) audit.Entry {
	return audit.Entry{Time: minute, Actor: audit.Actor{Via: audit.Page, Name: of.who}, Action: of.action, Count: n}
}

// turn begins a new minute if the last one is over. The caller holds the lock.
func (r *refusals) turn(now time.Time) {
	minute := now.Truncate(refusalsEvery)
	if minute.Equal(r.minute) {
		return
	}
	r.take()
	r.minute, r.counts = minute, map[refusal]int{}
}

// take moves what was counted to the lines that wait. The caller holds the lock.
func (r *refusals) take() {
	for of, n := range r.counts {
		if n > 0 && len(r.pending) < maxPending {
			r.pending = append(r.pending, of.entry(r.minute, n))
			r.counts[of] = 0
		}
	}
}

// flush writes what was counted of minutes that are over, and the lines that wait. At
// the end it writes all.
func (r *refusals) flush(ctx context.Context, now time.Time, end bool) error {
	r.mu.Lock()
	r.turn(now)
	if end {
		r.take()
	}
	r.mu.Unlock()
	return r.write(ctx)
}

// write writes the lines that wait. Those that can't be written wait for the next time.
func (r *refusals) write(ctx context.Context) error {
	for {
		r.mu.Lock()
		if len(r.pending) == 0 {
			r.mu.Unlock()
			return nil
		}
		if err := ctx.Err(); err != nil { // or many slow lines would hold up a stop
			r.mu.Unlock()
			return err
		}
		e := r.pending[0]
		r.pending = r.pending[1:]
		r.mu.Unlock()
		// A line that is written when the program stops must not be written again.
		noting, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastRefusal)
		err := r.log.Note(noting, e)
		cancel()
		if err != nil {
			r.mu.Lock()
			r.pending = append(r.pending, e)
			r.mu.Unlock()
			return err
		}
	}
}

// Run writes the refusals that were counted, the first ones at once and the others
// once their minute is over, and counts sessions for the metrics, until ctx ends. Then it
// writes the last ones. It must run once.
func (d *Dashboard) Run(ctx context.Context) {
	var sessions sync.WaitGroup
	sessions.Go(func() {
		periodic.Task{Every: refusalsEvery, Do: d.countSessions, Trouble: &periodic.Trouble{
			Logger: d.log, Failed: "sessions could not be counted",
		}}.Run(ctx)
	})
	defer sessions.Wait()
	periodic.Task{
		Every: refusalsEvery, Wake: d.refusals.first, Trouble: d.refusals.trouble,
		Do: func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, requestTimeout)
			defer cancel()
			return d.refusals.flush(ctx, d.now(), false)
		},
	}.Run(ctx)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastRefusal)
	defer cancel()
	d.refusals.trouble.Note(d.refusals.flush(last, d.now(), true))
}

func (d *Dashboard) countSessions(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	all, err := d.store.Sessions(ctx, "", d.now(), sessionIdle)
	if err == nil {
		d.openSessions.Set(float64(len(all)))
	}
	return err
}

// auditLines are on a page of the audit log.
const auditLines = 100

// auditPage shows the audit log.
type auditPage struct {
	Lines []auditLine
	Older string // URL; "": there are none
	Newer bool   // lines, on the first page
}

type auditLine struct {
	Time        time.Time
	Via, Who    string
	What, About string
	Count       int64
}

func (d *Dashboard) showAudit(c *call) error {
	var before time.Time
	if text := c.r.URL.Query().Get("before"); text != "" {
		var err error
		if before, err = time.Parse(time.RFC3339, text); err != nil {
			c.wrong = &report.InvalidError{Field: "before", Value: text, Want: "a time: " + err.Error()}
			before = time.Time{}
		}
	}
	entries, err := d.store.Audit(c.r.Context(), time.Time{}, before, auditLines)
	if err != nil {
		return err
	}
	page := auditPage{Newer: !before.IsZero()}
	for _, e := range entries {
		page.Lines = append(page.Lines, auditLine{
			Time: e.Time, Via: c.lang.Known("via.", string(e.Via)), Who: e.Name, What: c.lang.Known("action.", string(e.Action)), About: e.About, Count: int64(e.Count),
		})
	}
	if len(entries) >= auditLines {
		last := entries[len(entries)-1].Time
		page.Older = "/admin/audit?" + url.Values{"before": {last.Format(time.RFC3339)}}.Encode()
	}
	return d.render(c, http.StatusOK, "audit", page)
}
