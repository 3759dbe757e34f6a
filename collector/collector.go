// Package collector is the tracking endpoint: it reads the hits of a request in
// its dialect, sends each through the pipeline, and answers once the anonymous
// rows are in the spool.
package collector

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fotspor/fotspor/browser"
	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/collector/dialect/matomo"
	"github.com/fotspor/fotspor/collector/dialect/pixel"
	"github.com/fotspor/fotspor/collector/script"
	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/collector/visit"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/referrer"
)

// MaxBody is the largest body of a request, in bytes. A larger one is answered
// with 413.
const MaxBody = 2 << 20

// Options are the parts of a collector. Only TrustedProxies, Logger and Now may
// be left out.
type Options struct {
	Policy   privacy.Policy
	Sites    *Sites
	Browsers *browser.Parser
	Sources  *referrer.Sources
	Spam     *referrer.Spam
	Geo      *geo.DB
	Visits   *visit.Tracker
	Spool    *spool.Spool

	// TrustedProxies are the networks whose word on the client's address is
	// taken. Empty: nobody's.
	TrustedProxies []netip.Prefix

	Registerer prometheus.Registerer
	Duration   *prometheus.HistogramVec // of requests, by handler and code
	Logger     *slog.Logger
	Now        func() time.Time
}

// Collector answers the trackers of all sites. It is safe for concurrent use.
type Collector struct {
	Options
	metrics metrics
	rooms   sync.Pool // of *room
}

// room is where the hits of one request are worked on. Rooms are used again, and hold
// nothing in between.
type room struct {
	passage passage
	rows    []hit.Row // to be kept, those of the bot ledger among them
	reasons []reason  // of the hits that left the pipeline early
}

// clear forgets what the request said. The rows of a large one are let go.
func (m *room) clear() {
	m.passage = passage{}
	clear(m.rows)
	m.rows, m.reasons = m.rows[:0], m.reasons[:0]
	if cap(m.rows) > 64 {
		m.rows = nil
	}
}

// New returns a collector made of parts.
func New(o Options) *Collector {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Collector{Options: o, metrics: newMetrics(o.Registerer)}
	c.rooms.New = func() any { return new(room) }
	return c
}

// Routes adds every route of the collector to mux.
func (c *Collector) Routes(mux *http.ServeMux) {
	matomoDialect := matomo.Dialect{Now: c.Now, Allowed: c.Sites.allowed}
	for _, d := range []dialect.Dialect{pixel.Dialect{}, matomoDialect} {
		for _, pattern := range d.Patterns() {
			mux.Handle(pattern, c.timed(d.Name(), c.collect(d)))
		}
	}
	mux.Handle("GET /fotspor.js", c.timed("script", script.Handler()))
	matomoScript := c.timed("script", script.Matomo())
	mux.Handle("GET /matomo.js", matomoScript)
	mux.Handle("GET /piwik.js", matomoScript)
	matomoHits := c.timed(matomoDialect.Name(), c.collect(matomoDialect))
	for _, pattern := range matomo.ScriptPatterns() {
		mux.Handle(pattern, withQuery(matomoHits, matomoScript))
	}
	mux.Handle("GET /privacy/{site}", c.timed("privacy", http.HandlerFunc(c.statement)))
	mux.Handle("GET /privacy/{site}/what", c.timed("privacy", http.HandlerFunc(c.what)))
}

// withQuery hands a request with a query to one handler, and one without to another.
func withQuery(with, without http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			with.ServeHTTP(w, r)
		} else {
			without.ServeHTTP(w, r)
		}
	})
}

// collect records the hits of a request: parse, pipeline, spool, answer.
func (c *Collector) collect(d dialect.Dialect) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
		hits, err := d.Parse(r)
		if err != nil {
			c.refuse(w, r, d, err)
			return
		}
		c.metrics.received.WithLabelValues(d.Name()).Add(float64(len(hits)))
		if len(hits) > 0 && c.Spool.Full() {
			// Before the pipeline, so that the visit is not told of hits that
			// the client will have to send again.
			c.unavailable(w, r, d, len(hits))
			return
		}
		m := c.rooms.Get().(*room)
		defer func() {
			m.clear()
			c.rooms.Put(m)
		}()
		outcome := c.pass(r, hits, m)
		recorded := len(hits) - len(m.reasons)
		if err := c.Spool.Append(m.rows...); err != nil {
			if !errors.Is(err, spool.ErrFull) {
				c.Logger.Error("hits could not be spooled", "hits", len(m.rows), "err", err)
			}
			c.unavailable(w, r, d, recorded)
			return
		}
		c.metrics.accepted.Add(float64(recorded))
		w.Header().Set("X-Fotspor", told(recorded, m.reasons))
		d.Reply(w, r, outcome)
	})
}

// pass sends hits through the pipeline, and leaves in m what became of them.
func (c *Collector) pass(r *http.Request, hits []hit.Hit, m *room) dialect.Outcome {
	var outcome dialect.Outcome
	m.rows = slices.Grow(m.rows, len(hits))
	now, p := c.Now(), &m.passage
	for i := range hits {
		n := len(m.rows)
		m.rows = append(m.rows, hit.Row{})
		*p = passage{hit: &hits[i], request: r, now: now, row: &m.rows[n]}
		why := c.run(p, pipeline)
		switch {
		case why == kept:
			outcome.Tracked++
			continue
		case why.invalid():
			outcome.Invalid = append(outcome.Invalid, why.String())
		default:
			outcome.Tracked++ // left out on purpose, which a tracker must not notice
		}
		if p.rule != "" {
			p.ledgerRow()
		} else {
			m.rows[n] = hit.Row{}
			m.rows = m.rows[:n]
		}
		c.drop(why)
		m.reasons = append(m.reasons, why)
	}
	return outcome
}

// refuse answers a request that could not be read.
func (c *Collector) refuse(w http.ResponseWriter, r *http.Request, d dialect.Dialect, err error) {
	why := badRequest
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		why = bodyTooLarge
	}
	c.drop(why)
	w.Header().Set("X-Fotspor", told(0, []reason{why}))
	d.Reply(w, r, dialect.Outcome{Err: err})
}

// unavailable answers that hits can't be kept right now.
func (c *Collector) unavailable(w http.ResponseWriter, r *http.Request, d dialect.Dialect, hits int) {
	for range hits {
		c.drop(spoolFull)
	}
	w.Header().Set("X-Fotspor", told(0, []reason{spoolFull}))
	w.Header().Set("Retry-After", "30")
	d.Reply(w, r, dialect.Outcome{Err: dialect.ErrUnavailable})
}

// told is what a site owner reads in the X-Fotspor header of an answer.
func told(recorded int, left []reason) string {
	var parts []string
	if recorded > 0 {
		parts = append(parts, "recorded")
	}
	if len(left) > 0 {
		var words []string
		for _, why := range left {
			if !slices.Contains(words, why.String()) {
				words = append(words, why.String())
			}
		}
		parts = append(parts, "dropped: "+strings.Join(words, ", "))
	}
	if len(parts) == 0 {
		return "nothing to record"
	}
	return strings.Join(parts, "; ")
}
