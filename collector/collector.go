// Package collector is the tracking endpoint: it reads the hits of a request in
// its dialect, sends each through the pipeline, and answers once the anonymous
// rows are in the spool.
package collector

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fotspor/fotspor/browser"
	"github.com/fotspor/fotspor/collector/body"
	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/collector/limit"
	"github.com/fotspor/fotspor/collector/lines"
	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/collector/titles"
	"github.com/fotspor/fotspor/collector/visit"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/internal/httpmetrics"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/privacy/scrub"
	"github.com/fotspor/fotspor/referrer"
	"github.com/fotspor/fotspor/site"
)

// MaxBody is the largest body of a request, in bytes. A larger one is answered
// with 413.
const MaxBody = 2 << 20

// Heavy bodies, as function heavy defines them, take far more memory to process than their
// size. Only a few of them are processed at a time.
const (
	lightBody = 16 << 10        // bytes above which a body is heavy
	slots     = 4               // heavy bodies at a time
	slotTime  = 5 * time.Second // how long a body waits for a slot
)

// Options are the parts of a collector. Only PublicURL, Lines, Titles, Limit, Bodies,
// TrustedProxies, Logger and Now may be zero.
type Options struct {
	Policy   privacy.Policy // until SetPolicy
	Sites    *Sites
	Browsers *browser.Parser
	Sources  *referrer.Sources // until SetLists, and Spam
	Spam     *referrer.Spam
	Geo      *geo.DB
	// Receipts writes the receipts of deletions as a tar archive, without their figures; nil: there
	// are none. ReceiptKeys returns the public keys that signed them; nil: none.
	Receipts    func(ctx context.Context, w io.Writer) error
	ReceiptKeys func() []string
	Visits      *visit.Tracker
	Lines       *lines.Lines   // nil: new ones that know no value
	Titles      *titles.Titles // nil: new ones that have counted nobody
	Limit       *limit.Limiter // nil: no network is limited
	Bodies      *body.Budget   // nil: a new one of the default size
	Spool       *spool.Spool

	// PublicURL returns how browsers reach the program, zero if nobody has said so. It is
	// safe for concurrent use, and may be nil.
	PublicURL func() baseurl.URL

	// TrustedProxies are the networks of proxies whose headers on the client's address
	// are believed. Empty: none.
	TrustedProxies []netip.Prefix

	Registerer prometheus.Registerer
	Requests   *httpmetrics.Requests // nil: requests are not measured
	Logger     *slog.Logger
	Now        func() time.Time
}

// Collector answers the trackers of all sites. It is safe for concurrent use.
type Collector struct {
	Options
	inForce    atomic.Pointer[inForce]
	lists      atomic.Pointer[lists]
	metrics    metrics
	memory     *scrub.Memory
	scratches  sync.Pool     // of *scratch
	slots      chan struct{} // one element for each heavy body being processed
	receipting chan struct{} // one element while receipts are written
	warned     atomic.Int64  // when a reached limit was last logged, in Unix seconds
	recent     recentDrops
	foreign    foreignHosts
}

// scratch is the memory for the hits of one request. It is reused, and cleared in between.
type scratch struct {
	hits       []hit.Hit // as the dialect read them
	hitContext hitContext
	batch      hit.Batch     // what goes to the spool
	left       []excludedHit // the hits that left the pipeline early
}

// excludedHit is a hit that left the pipeline early.
type excludedHit struct {
	why  string // the reason in words
	item int    // as hit.Hit.Item
}

// clear overwrites all that came with the request. It frees the memory of a large one.
func (m *scratch) clear() {
	m.hitContext = hitContext{}
	clear(m.hits)
	clear(m.batch.Rows)
	clear(m.batch.Ledger)
	clear(m.batch.Titles)
	clear(m.left)
	m.hits, m.left = m.hits[:0], m.left[:0]
	m.batch = hit.Batch{Rows: m.batch.Rows[:0], Ledger: m.batch.Ledger[:0], Titles: m.batch.Titles[:0]}
	if max(cap(m.hits), cap(m.batch.Rows), cap(m.batch.Ledger), cap(m.batch.Titles)) > 64 {
		m.hits, m.batch = nil, hit.Batch{}
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
	if o.Lines == nil {
		o.Lines = lines.New(lines.Options{Now: o.Now})
	}
	if o.Titles == nil {
		o.Titles = titles.New(titles.Options{})
	}
	if o.Limit == nil {
		o.Limit = limit.New(limit.Options{})
	}
	if o.Bodies == nil {
		o.Bodies = body.New(body.Options{})
	}
	c := &Collector{Options: o, metrics: newMetrics(o.Registerer), memory: scrub.NewMemory(), slots: make(chan struct{}, slots), receipting: make(chan struct{}, 1)}
	c.SetPolicy(o.Policy)
	c.SetLists(o.Sources, o.Spam)
	c.scratches.New = func() any { return new(scratch) }
	if o.Sites != nil && o.Visits != nil {
		o.Sites.tell(c.forget)
	}
	return c
}

// forget forgets what memory holds of visits to sites of which something was erased. The titles
// of a day are counted by an id of the day that goes with its visitors.
func (c *Collector) forget(sites []site.Site) {
	for _, s := range sites {
		if c.Visits.Forget(s.ID, s.Erasures) {
			c.recent.forget(s.ID)
			c.Logger.Info("visits were forgotten, since something was erased", "site", s.ID)
		}
	}
}

// SetPolicy changes the policy for hits and pages from now on. A hit passes the pipeline under
// one policy.
func (c *Collector) SetPolicy(p privacy.Policy) { c.inForce.Store(&inForce{p, c.Now().UTC()}) }

// SetLists changes the lists of sources and of referrer spam for hits from now on. A hit is
// looked up in lists that came together.
func (c *Collector) SetLists(sources *referrer.Sources, spam *referrer.Spam) {
	c.lists.Store(&lists{sources, spam})
}

// lists are what referrers are looked up in.
type lists struct {
	sources *referrer.Sources
	spam    *referrer.Spam
}

// inForce is a policy, and since when this process has it.
type inForce struct {
	privacy.Policy
	since time.Time
}

// collect returns the handler that records the hits of requests in a dialect: parse,
// pipeline, spool, answer. name is that of the dialect in metrics.
func (c *Collector) collect(name string, d dialect.Dialect) http.Handler {
	received := c.metrics.received.WithLabelValues(name)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client := ClientAddr(r, c.TrustedProxies)
		var bodyErr error
		if r.ContentLength != 0 && r.Method == http.MethodPost { // few requests have a body
			release, err := c.take(w, r, client)
			if bodyErr = err; err != nil {
				r.Body, r.ContentLength = unread{}, -1
			} else {
				defer release()
			}
		}
		m := c.scratches.Get().(*scratch)
		defer func() {
			m.clear()
			c.scratches.Put(m)
		}()
		hits, reply, err := d.Parse(r, m.hits)
		if whole, ok := r.Body.(body.Whole); ok {
			whole.Close() // hits hold copies only
		}
		if err = cmp.Or(bodyErr, err); err != nil {
			c.refuse(w, r, reply, err)
			return
		}
		m.hits = hits
		received.Add(float64(len(hits)))
		if !c.admit(client, hits) {
			c.turnAway(w, r, reply, rateLimited, len(hits))
			return
		}
		// Reserve before the pipeline: the visit must not observe hits that the client
		// has to send again.
		var reservation spool.Reservation
		if len(hits) > 0 {
			if reservation, err = c.Spool.Reserve(c.mostRows(hits)); err != nil {
				c.turnAway(w, r, reply, spoolFull, len(hits))
				return
			}
			defer reservation.Release()
		}
		outcome := c.pass(r, m)
		recorded := len(hits) - len(m.left)
		if m.batch.Len() > 0 {
			err = reservation.Append(m.batch)
		}
		if err != nil {
			if !errors.Is(err, spool.ErrFull) && c.Spool.Err() == nil { // else the spool logs it
				c.Logger.Error("hits could not be spooled", "hits", m.batch.Len(), "err", err)
			}
			c.turnAway(w, r, reply, spoolFull, recorded)
			return
		}
		c.metrics.accepted.Add(float64(recorded))
		w.Header()["X-Fotspor"] = told(recorded, m.left)
		reply(w, r, outcome)
	})
}

// unread is the body of a request that could not be read.
type unread struct{}

var errUnread = errors.New("the body could not be read")

func (unread) Read([]byte) (int, error) { return 0, errUnread }
func (unread) Close() error             { return nil }

// take reads the body of r into memory. If it is heavy, take waits for a slot. The caller
// calls release when the body is processed.
func (c *Collector) take(w http.ResponseWriter, r *http.Request, client hit.Addr) (release func(), err error) {
	whole, err := c.Bodies.Read(w, r, client, MaxBody)
	if err != nil {
		return nil, err
	}
	r.Body = whole
	if !heavy(r, whole) {
		return func() { whole.Close() }, nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), slotTime)
	defer cancel()
	select {
	case c.slots <- struct{}{}:
		return func() { whole.Close(); <-c.slots }, nil
	case <-ctx.Done():
		whole.Close()
		if r.Context().Err() != nil {
			return nil, body.ErrGone
		}
		return nil, body.ErrMemory
	}
}

// heavy reports whether a body may take far more memory to process than its size: it is
// compressed, or long, or JSON, of which a short one can hold two thousand hits.
func heavy(r *http.Request, whole body.Whole) bool {
	if whole.Len() > lightBody || r.Header.Get("Content-Encoding") != "" {
		return true
	}
	first, err := whole.ReadByte()
	if err != nil {
		return false
	}
	whole.UnreadByte()
	return strings.IndexByte("{ \t\r\n", first) >= 0
}

// mostRows returns the most rows that hits can have: one each, and one for each goal of
// the site that a hit of that kind can reach.
func (c *Collector) mostRows(hits []hit.Hit) int {
	n := len(hits)
	for i := range hits {
		if site, ok := c.Sites.byID(hits[i].Site); ok {
			for _, g := range site.Goals {
				if g.Kind == hits[i].Kind {
					n++
				}
			}
		}
	}
	return n
}

// pass runs the hits in m through the pipeline, and puts rows, ledger entries and excluded
// hits into m.
func (c *Collector) pass(r *http.Request, m *scratch) dialect.Outcome {
	var outcome dialect.Outcome
	rows := slices.Grow(m.batch.Rows, len(m.hits))
	now, p := c.Now(), &m.hitContext
	for i := range m.hits {
		if invalid := m.hits[i].Invalid; invalid != "" {
			outcome.Invalid = append(outcome.Invalid, invalid)
			outcome.Items = append(outcome.Items, m.hits[i].Item)
			c.drop(badItem)
			m.left = append(m.left, excludedHit{invalid, m.hits[i].Item})
			continue
		}
		rows = append(rows, hit.Row{})
		row := &rows[len(rows)-1]
		*p = hitContext{hit: &m.hits[i], request: r, now: now, memory: c.memory, row: row}
		why := c.runTimed(p, pipeline)
		switch {
		case why == kept:
			outcome.Tracked++
			if p.title != "" {
				m.batch.Titles = append(m.batch.Titles, hit.PageTitle{Site: row.Site, Path: row.Path, Title: p.title, Day: row.Day, Visitors: p.titleVisitors})
			}
			rows = append(rows, p.conversions...)
			continue
		case why.invalid():
			outcome.Invalid = append(outcome.Invalid, why.String())
			outcome.Items = append(outcome.Items, m.hits[i].Item)
		default:
			outcome.Tracked++ // excluded on purpose: a tracker must see no difference
		}
		*row = hit.Row{}
		rows = rows[:len(rows)-1]
		if p.site != nil {
			e := p.entry(why)
			if why != objected || p.ledger { // of those who object, views alone, as in the ledger
				c.recent.add(e, now)
			}
			if p.ledger {
				m.addEntry(e)
			}
		}
		c.excluded(p, why)
		m.left = append(m.left, excludedHit{why.String(), m.hits[i].Item})
	}
	m.batch.Rows = rows
	return outcome
}

// addEntry adds an entry to the ledger. If it equals the last one but for its count, the
// counts are added.
func (m *scratch) addEntry(e hit.LedgerEntry) {
	if n := len(m.batch.Ledger); n > 0 {
		last := &m.batch.Ledger[n-1]
		same := *last
		if same.Count = e.Count; same == e {
			last.Count += e.Count
			return
		}
	}
	m.batch.Ledger = append(m.batch.Ledger, e)
}

// refuse answers a request that could not be read.
func (c *Collector) refuse(w http.ResponseWriter, r *http.Request, reply dialect.Reply, err error) {
	why := badRequest
	switch body.Status(err) {
	case http.StatusRequestEntityTooLarge:
		why = bodyTooLarge
	case http.StatusRequestTimeout:
		why, err = bodySlow, dialect.ErrSlow
	case http.StatusServiceUnavailable:
		why, err = bodyMemory, dialect.ErrUnavailable
		w.Header().Set("Retry-After", body.RetryAfter)
	}
	c.drop(why)
	w.Header()["X-Fotspor"] = told(0, []excludedHit{{why: why.String()}})
	reply(w, r, dialect.Outcome{Err: err})
}

// admit sets the addresses of hits, and reports whether their network may send so many
// now. A hit that has an address already came with a token for its site and is not
// limited. The others get the address of the client, and count against its rate.
func (c *Collector) admit(client hit.Addr, hits []hit.Hit) bool {
	limited := 0
	for i := range hits {
		if hits[i].Trusted = hits[i].Addr.IsValid(); !hits[i].Trusted {
			hits[i].Addr = client
			limited++
		}
	}
	return c.Limit.Allow(client, limited)
}

// turnAway answers that hits can't be accepted right now.
func (c *Collector) turnAway(w http.ResponseWriter, r *http.Request, reply dialect.Reply, why reason, hits int) {
	for range hits {
		c.drop(why)
	}
	err, after := dialect.ErrUnavailable, "30"
	if why == rateLimited {
		err, after = dialect.ErrTooMany, "10"
		c.logLimit()
	}
	w.Header()["X-Fotspor"] = told(0, []excludedHit{{why: why.String()}})
	w.Header().Set("Retry-After", after)
	reply(w, r, dialect.Outcome{Err: err})
}

// logLimit logs that a network has reached its limit, at most once a minute and at once
// after the clock was set back.
func (c *Collector) logLimit() {
	now, last := c.Now().Unix(), c.warned.Load()
	if (now-last >= 60 || now < last) && c.warned.CompareAndSwap(last, now) {
		c.Logger.Warn("a network sends more hits than it may; if that is your proxy, name it in --trusted-proxies")
	}
}

// allRecorded is the value of told for most answers, allocated once.
var allRecorded = []string{"recorded"}

// told returns the values of the X-Fotspor header of an answer, which site owners read.
// The caller must not change them. Each reason is followed by the items of a batch that
// it excluded, from 0 as in Matomo's invalid_indices, up to about maxTold bytes of them.
func told(recorded int, left []excludedHit) []string {
	if recorded > 0 && len(left) == 0 {
		return allRecorded
	}
	var parts []string
	if recorded > 0 {
		parts = append(parts, "recorded")
	}
	if len(left) > 0 {
		var words, items []string
		for _, l := range left {
			at := slices.Index(words, l.why)
			if at < 0 {
				at = len(words)
				words, items = append(words, l.why), append(items, "")
			}
			switch {
			case l.item == 0 || strings.HasSuffix(items[at], "..."):
			case items[at] == "":
				items[at] = " (item " + strconv.Itoa(l.item-1)
			case len(items[at]) > maxTold:
				items[at] += " ..."
			default:
				items[at] += " " + strconv.Itoa(l.item-1)
			}
		}
		for i := range words {
			if items[i] != "" {
				words[i] += items[i] + ")"
			}
		}
		parts = append(parts, "dropped: "+strings.Join(words, ", "))
	}
	if len(parts) == 0 {
		parts = append(parts, "nothing to record")
	}
	return []string{strings.Join(parts, "; ")}
}

// maxTold bounds the list of items of one reason in the X-Fotspor header, in bytes. The
// number of reasons needs no bound: it is that of the kinds of mistakes.
const maxTold = 64
