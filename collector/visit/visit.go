// Package visit knows which hits belong together: it holds the state of a day's
// visitors and their visits in memory, and gives each row the measures that make
// every figure of a report a sum. The secret that recognises a visitor for a day
// lives here and nowhere else: that of today dies at the site's midnight, that of a
// past day when no more hits come to it.
package visit

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
	"unique"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/fotspor/fotspor/hit"
)

const (
	// DefaultMaxVisitors takes some 200 MB: some 5,000 visitors fit in a MB (2^20
	// bytes), with three pages each. One who has seen MaxPages takes ten times as
	// much. Go's collector may let the process grow to twice that.
	DefaultMaxVisitors = 1_000_000

	// Silence is the time without a hit after which a visit is over.
	Silence = 30 * time.Minute

	// MaxPages is the number of pages of a visitor's day that are told apart, at
	// eight bytes each. A visitor who sees more counts on no further page.
	MaxPages = 200

	// crossing is the age up to which a hit is of now, and was only slow to come.
	crossing = time.Minute
)

// Options of a Tracker. The zero value takes every default.
type Options struct {
	MaxVisitors int              // in memory at a time, on all sites and days together
	Now         func() time.Time // the clock of the collector
	Logger      *slog.Logger
	Registerer  prometheus.Registerer // nil: no metrics
}

// Tracker is the state of all visitors of today, on any number of sites, and of
// the visitors of past days that hits come to. HandOver and TakeOver carry it over a
// restart. Its methods are safe for concurrent use.
//
// Memory is bounded: beyond Options.MaxVisitors the visitor leaves whose last hit
// came longest ago, and beyond MaxPastDays the past day. One who left and comes
// back the same day counts as a new visitor and visit; the log and a metric tell
// of it.
//
// The state is hidden behind a function, as an address is in hit.Addr: whatever
// walks a Tracker by reflection, to print or to encode it, finds a code pointer.
type Tracker struct {
	state func() *state
}

// state is what is in a Tracker.
type state struct {
	now     func() time.Time
	logger  *slog.Logger
	evicted prometheus.Counter
	left    atomic.Int64 // visitors evicted since the last Sweep

	mu    sync.RWMutex
	sites map[uint32]*site // today

	past pastDays

	shards []*shard // visitors, spread by their key; taken after a site's lock
}

// A tracker that is large enough to be worth it is cut in shards, each with a lock
// and a list of its own: keys are random, so each holds its fair share of the
// visitors, and the oldest of a shard is about the oldest of all.
const (
	shardCount = 16
	minShard   = 1024
)

// New returns a Tracker that knows no visitor.
func New(opts Options) *Tracker {
	if opts.MaxVisitors <= 0 {
		opts.MaxVisitors = DefaultMaxVisitors
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	n := 1
	if opts.MaxVisitors >= shardCount*minShard {
		n = shardCount
	}
	t := &state{
		now:    opts.Now,
		logger: opts.Logger,
		sites:  make(map[uint32]*site),
		shards: make([]*shard, n),
	}
	for i := range t.shards {
		t.shards[i] = newShard(opts.MaxVisitors / n)
	}
	metrics := promauto.With(opts.Registerer)
	t.evicted = metrics.NewCounter(prometheus.CounterOpts{
		Name: "fotspor_visitors_evicted_total",
		Help: "Visitors who left memory early because there were too many. Each counts again on coming back.",
	})
	metrics.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fotspor_visitors_in_memory",
		Help: "Visitors held in memory: those of today, and those of past days that hits come to.",
	}, t.visitors)
	return &Tracker{state: func() *state { return t }}
}

// Observe takes the next hit of a visitor and fills the fields of row that follow
// from it: Time and Day, the measures, EntryPath, PreviousPath, and the
// attribution (Channel, Source, Campaign…), which becomes that of the first hit of
// the visit. The row arrives with its Path and its own attribution. loc is the
// time zone of the site; nil is UTC.
//
// It returns false, and leaves row alone, for a ping without a visit to extend:
// such a hit is to be dropped. A site that moves to another time zone starts
// afresh.
//
// h.Time is when the hit happened, by the collector's clock or as the request
// claims; it is never later than now. A hit always counts on one day, so that the
// figures of days add up:
//
//   - On the site's day of today a hit counts at its time. One that claims an
//     earlier moment than the visitor's last hit joins the visit, and no time passes.
//   - A hit of now, which is one less than a minute old, may still belong to a day
//     that is over (two requests that cross at midnight, a clock set back). It
//     counts on the site's day of today, at its first moment.
//   - Any other hit of an earlier day counts on that day, which gets a state and a
//     secret of its own: the hits of a log, in their order, leave the day the
//     figures that they would have left it live. It recognises nobody who came
//     while the day was today, and nobody who came before it was last forgotten,
//     which Sweep does when no hit has come to it for thirty minutes.
//
// A claimed time never moves the site's day of today; the clock does.
func (t *Tracker) Observe(h *hit.Hit, row *hit.Row, loc *time.Location) bool {
	return t.state().observe(h, row, loc)
}

func (t *state) observe(h *hit.Hit, row *hit.Row, loc *time.Location) bool {
	if loc == nil {
		loc = time.UTC
	}
	at := h.Time.Round(0) // days go by the wall clock
	s := t.enter(h.Site, at, loc)
	defer s.mu.RUnlock()
	if at.Before(s.start) {
		at = s.start
	}

	// The key is handed on by pointer: a stack trace prints arguments.
	var k key
	s.identify(h, &k)
	i := int(k[0]) % len(t.shards)
	sh := t.shards[i]
	sh.mu.Lock()
	defer sh.mu.Unlock()

	v := s.visitors[i][k]
	over := v == nil || at.UnixNano()-v.last > int64(Silence)
	if h.Kind == hit.Ping && over {
		return false
	}
	row.Time = at.UTC().Truncate(time.Second)
	row.Day = s.day
	row.Pageviews, row.Visits, row.Visitors, row.PageVisitors, row.Bounces, row.Seconds = 0, 0, 0, 0, 0, 0
	if v == nil {
		v = t.admit(s, i, &k)
		row.Visitors = 1
	} else {
		sh.touch(v)
	}
	if over {
		v.beginVisit(row, at)
		row.Visits = 1
	}
	v.step(row, h, at)
	if h.Kind == hit.Pageview {
		v.view(row, s.pageHash(row.Path))
	}
	return true
}

// admit makes a visitor of site s in shard i, which is locked, and sends the
// oldest away if there is no room.
func (t *state) admit(s *site, i int, k *key) *visitor {
	sh := t.shards[i]
	if sh.n >= sh.limit {
		old := sh.oldest()
		delete(old.site.visitors[i], old.key)
		sh.remove(old)
		t.evicted.Inc()
		t.left.Add(1)
	}
	v := &visitor{key: *k, site: s}
	if s.visitors[i] == nil {
		s.visitors[i] = make(map[key]*visitor)
	}
	s.visitors[i][*k] = v
	sh.add(v)
	return v
}

// enter returns the day of a site that a hit of at counts on, with its lock held
// for reading. It begins the day of now if that of the site is over.
func (t *state) enter(id uint32, at time.Time, loc *time.Location) *site {
	s := t.site(id)
	s.mu.RLock()
	if s.holds(at, loc) { // no need to look at the clock
		return s
	}
	s.mu.RUnlock()
	now := t.now()
	if now.Before(at) {
		now = at
	}
	t.enterToday(s, now, loc)
	if at.Before(s.start) && now.Sub(at) >= crossing {
		s.mu.RUnlock()
		return t.enterPast(id, at, now, loc)
	}
	return s
}

// enterToday locks a site for reading, with its day begun that now belongs to.
func (t *state) enterToday(s *site, now time.Time, loc *time.Location) {
	for {
		s.mu.RLock()
		if s.open(now, loc) {
			return
		}
		s.mu.RUnlock()
		s.mu.Lock()
		if !s.open(now, loc) {
			s.begin(dayOf(now, loc), loc, t.shards)
		}
		s.mu.Unlock()
	}
}

func (t *state) site(id uint32) *site {
	t.mu.RLock()
	s := t.sites[id]
	t.mu.RUnlock()
	if s != nil {
		return s
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if s = t.sites[id]; s == nil {
		s = newSite(t.shards)
		t.sites[id] = s
	}
	return s
}

// Sweep forgets the visitors of every site where now is another day than theirs,
// secret and all. It is what makes midnight hold on a site that nobody visits; a
// hit of the new day does the same at once. A site whose day begins more than an
// hour from now had a hit while the clock was wrong, and starts afresh. Of a past
// day it forgets the same once no hit has come to it for thirty minutes.
func (t *Tracker) Sweep(now time.Time) { t.state().sweep(now) }

func (t *state) sweep(now time.Time) {
	t.mu.RLock()
	sites := make([]*site, 0, len(t.sites))
	for _, s := range t.sites {
		sites = append(sites, s)
	}
	t.mu.RUnlock()
	for _, s := range sites {
		s.mu.Lock()
		if s.loc != nil && s.over(now) {
			s.begin(dayOf(now, s.loc), s.loc, t.shards)
		}
		s.mu.Unlock()
	}
	t.sweepPast(now)
	if n := t.left.Swap(0); n > 0 {
		t.logger.Warn("too many visitors or past days for memory; those who left count again when they come back", "left", n)
	}
}

// Run sweeps at the start of every minute, and so at every midnight on earth,
// until ctx ends.
func (t *Tracker) Run(ctx context.Context) {
	for {
		now := t.state().now()
		timer := time.NewTimer(now.Truncate(time.Minute).Add(time.Minute).Sub(now))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			t.Sweep(t.state().now())
		}
	}
}

// visitors returns how many there are.
func (t *state) visitors() float64 {
	n := 0
	for _, sh := range t.shards {
		sh.mu.Lock()
		n += sh.n
		sh.mu.Unlock()
	}
	return float64(n)
}

// Format implements fmt.Formatter: no verb or flag prints more than the name.
func (*Tracker) Format(f fmt.State, _ rune) { io.WriteString(f, "visit.Tracker") }

// LogValue implements slog.LogValuer.
func (*Tracker) LogValue() slog.Value { return slog.StringValue("visit.Tracker") }

// visitor is what is known of a visitor of a day, and of their last visit. It is
// guarded by the lock of its shard.
type visitor struct {
	key          key
	site         *site
	newer, older *visitor // in the list of the shard

	pages []uint64 // hashes of the pages seen that day

	last     int64 // when the last hit came, Unix nanoseconds
	told     int64 // the moment up to which rows have told seconds of the visit
	origin   unique.Handle[origin]
	entry    unique.Handle[string]
	previous unique.Handle[string] // path of the last page view; only if viewed
	viewed   bool                  // the visit has had a page view
	bounce   bool                  // the visit counts as a bounce as yet
}

// origin is where a visit came from. Visitors who came the same way share one.
type origin struct {
	channel, source                          string
	campaign, campaignSource, campaignMedium string
	campaignTerm, campaignContent            string
}

// beginVisit makes row the first of a visit.
func (v *visitor) beginVisit(row *hit.Row, at time.Time) {
	v.last, v.told = at.UnixNano(), at.UnixNano()
	v.entry = unique.Make(row.Path)
	v.origin = unique.Make(origin{
		row.Channel, row.Source,
		row.Campaign, row.CampaignSource, row.CampaignMedium,
		row.CampaignTerm, row.CampaignContent,
	})
	v.viewed, v.bounce = false, false
}

// step takes one hit of the visit, the first included.
func (v *visitor) step(row *hit.Row, h *hit.Hit, at time.Time) {
	// A clock that steps back makes no time pass. Parts of a second are carried
	// to the next row, so that the rows of a visit add up to its duration.
	v.last = max(v.last, at.UnixNano())
	row.Seconds = int32((v.last - v.told) / int64(time.Second))
	v.told += int64(row.Seconds) * int64(time.Second)

	switch {
	case h.Passive || h.Kind == hit.Ping:
		// Nothing was done: a bounce stays one.
	case row.Visits == 1 && h.Kind == hit.Pageview:
		row.Bounces = 1
		v.bounce = true
	case v.bounce:
		row.Bounces = -1
		v.bounce = false
	}

	o := v.origin.Value()
	row.Channel, row.Source = o.channel, o.source
	row.Campaign, row.CampaignSource, row.CampaignMedium = o.campaign, o.campaignSource, o.campaignMedium
	row.CampaignTerm, row.CampaignContent = o.campaignTerm, o.campaignContent
	row.EntryPath = v.entry.Value()
	row.PreviousPath = ""
	if v.viewed {
		row.PreviousPath = v.previous.Value()
	}
}

// view takes a page view; page is the hash of its path.
func (v *visitor) view(row *hit.Row, page uint64) {
	row.Pageviews = 1
	v.previous, v.viewed = unique.Make(row.Path), true
	if v.seePage(page) {
		row.PageVisitors = 1
	}
}

// seePage says whether the visitor sees a page for the first time that day.
func (v *visitor) seePage(page uint64) bool {
	if len(v.pages) >= MaxPages {
		return false
	}
	for _, p := range v.pages {
		if p == page {
			return false
		}
	}
	v.pages = append(v.pages, page)
	return true
}
