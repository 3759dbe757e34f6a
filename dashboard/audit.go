package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/fotspor/fotspor/store"
)

const (
	refusalsEvery = time.Minute
	// maxRefusals bounds the lines of refusals that a minute adds to the audit log,
	// and the memory for them. What is beyond is counted for nobody in particular.
	maxRefusals = 100
	maxPending  = 2 * maxRefusals // lines that wait for the store
	lastRefusal = 5 * time.Second // for the counts of the last minute, at the end
)

// refusals count what was refused, by minute, kind and user: a flood is a few lines
// of the audit log. It is safe for concurrent use.
type refusals struct {
	store *store.Store
	warn  func(error)

	mu      sync.Mutex
	minute  time.Time
	counts  map[refusal]int // of the minute, that are not written yet
	pending []store.Entry   // of minutes before
}

type refusal struct {
	action store.Action
	who    string
}

// add counts a refusal. The first of its kind in a minute is written at once. An error
// of the store is logged and the refusal is written later: it delays no answer.
func (r *refusals) add(c *call, action store.Action, who string) {
	of := refusal{action, who}
	r.mu.Lock()
	r.turn(c.now)
	if _, known := r.counts[of]; !known && len(r.counts) >= maxRefusals {
		of.who = store.Unknown
	}
	n, known := r.counts[of]
	if known {
		n++
	}
	r.counts[of] = n
	e := of.entry(r.minute, 1)
	r.mu.Unlock()
	if known {
		return
	}
	if err := r.store.Note(c.r.Context(), e); err != nil {
		r.warn(err)
		r.keep(e)
	}
}

func (of refusal) entry(minute time.Time, n int) store.Entry {
	return store.Entry{Time: minute, Actor: store.Actor{Via: store.Page, Name: of.who}, Action: of.action, Count: n}
}

// keep has lines written later, of which few are kept.
func (r *refusals) keep(entries ...store.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = append(r.pending, entries[:min(len(entries), max(0, maxPending-len(r.pending)))]...)
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

// flush writes what was counted. What can't be written waits for the next time.
func (r *refusals) flush(ctx context.Context, now time.Time) error {
	r.mu.Lock()
	r.turn(now)
	r.take()
	entries := r.pending
	r.pending = nil
	r.mu.Unlock()
	for i, e := range entries {
		if err := r.store.Note(ctx, e); err != nil {
			r.keep(entries[i:]...)
			return err
		}
	}
	return nil
}

// Run writes, every minute, the refusals that were counted, and counts sessions for
// the metrics, until ctx ends. Then it writes the last ones.
func (d *Dashboard) Run(ctx context.Context) {
	tick := time.NewTicker(refusalsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastRefusal)
			defer cancel()
			if err := d.refusals.flush(ctx, d.now()); err != nil {
				d.refusals.warn(err)
			}
			return
		case <-tick.C:
		}
		if err := d.look(ctx); err != nil && ctx.Err() == nil {
			d.refusals.warn(err)
		}
	}
}

func (d *Dashboard) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if err := d.refusals.flush(ctx, d.now()); err != nil {
		return err
	}
	sessions, err := d.store.Sessions(ctx, "", d.now(), sessionIdle)
	if err == nil {
		d.openSessions.Set(float64(len(sessions)))
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
	Count       int
}

func (d *Dashboard) showAudit(c *call) error {
	var before time.Time
	if text := c.r.URL.Query().Get("before"); text != "" {
		var err error
		if before, err = time.Parse(time.RFC3339, text); err != nil {
			return badRequest.because(err)
		}
	}
	entries, err := d.store.Audit(c.r.Context(), time.Time{}, before, auditLines)
	if err != nil {
		return err
	}
	page := auditPage{Newer: !before.IsZero()}
	for _, e := range entries {
		page.Lines = append(page.Lines, auditLine{
			Time: e.Time, Via: c.lang.Known("via.", string(e.Via)), Who: e.Name, What: c.lang.Known("action.", string(e.Action)), About: e.About, Count: e.Count,
		})
	}
	if len(entries) >= auditLines {
		last := entries[len(entries)-1].Time
		page.Older = "/admin/audit?" + url.Values{"before": {last.Format(time.RFC3339)}}.Encode()
	}
	return d.render(c, http.StatusOK, "audit", page)
}
