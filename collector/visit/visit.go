// Package visit knows which hits belong together: it holds the state of a day's
// visitors and their visits in memory, and gives each row the measures that make
// every figure of a report a sum. The secret that recognises a visitor for a day
// lives here and nowhere else: that of today dies at the site's midnight, that of a
// past day when no more hits come to it.
package visit

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"math/bits"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/fotspor/fotspor/collector/limit"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/periodic"
)

const (
	// DefaultMemory is the default of Options.Memory.
	DefaultMemory = 256 << 20

	// MinMemory is the least memory that a Tracker works well in.
	MinMemory = 8 << 20

	// networkShare is the part of the memory, one in so many, that the visitors of one
	// network may take.
	networkShare = 16

	// Silence is the time without a hit after which a visit is over.
	Silence = 30 * time.Minute

	// MaxPages is the number of pages and sections of a visitor's day that are told apart, at
	// eight bytes each. A visitor who sees more counts on no further page.
	MaxPages = 200

	// crossing is the age up to which a hit is of now and was only slow to come, and
	// the most that the clock is set back without being wrong before.
	crossing = time.Minute
)

// Options of a Tracker. The zero value takes every default.
type Options struct {
	// Memory is the budget of all visitors together, on all sites and days, in bytes
	// of live heap. 0 or less: DefaultMemory; less than MinMemory: MinMemory.
	Memory int64
	// NewVisitors is how many new visitors a second a network may bring for ever, and
	// a hundred times as many at once. 0 or less: any number.
	NewVisitors float64

	Now        func() time.Time // the clock of the collector
	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics
}

// Tracker is the state of all visitors of today, on any number of sites, and of
// the visitors of past days that hits come to. HandOver and TakeOver carry it over a
// restart. Its methods are safe for concurrent use.
//
// Memory is bounded: beyond Options.Memory the visitor leaves whose last hit came
// longest ago, and beyond MaxPastDays the past day. One who left and comes back the
// same day counts as a new visitor and visit; the log and a metric tell of it.
//
// A network is 256 IPv4 addresses, or an IPv6 /48, as in package limit. It can't send
// the visitors of others away: beyond a sixteenth of the memory its own leave first,
// the oldest first. Beyond Options.NewVisitors its new visitors share one: their hits
// count as page views and events of a single visitor, until there are fewer of them.
// Those of hits that came with a token do not.
//
// The state is hidden behind a function, as an address is in hit.Addr: printers and
// encoders that walk a Tracker by reflection find a code pointer.
type Tracker struct {
	state func() *state
}

// state is what is in a Tracker.
type state struct {
	now    func() time.Time
	logger *slog.Logger

	mu    sync.RWMutex
	sites map[uint32]*siteDay // today

	past pastDays

	secret    [2]uint64 // that networks are hashed with
	newcomers *limit.Limiter
	shared    atomic.Int64 // hits of visitors who shared one

	memory memory // of all visitors

	toldEvicted, toldShared int64 // of which the log has told
}

// New returns a Tracker that knows no visitor.
func New(opts Options) *Tracker {
	if opts.Memory <= 0 {
		opts.Memory = DefaultMemory
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	t := &state{
		now:    opts.Now,
		logger: opts.Logger,
		sites:  make(map[uint32]*siteDay),
		newcomers: limit.New(limit.Options{
			Rate: opts.NewVisitors, Burst: int(max(1, min(100*opts.NewVisitors, 1<<30))),
			Networks: 1 << 14, Now: opts.Now,
		}),
	}
	t.memory.budget = max(opts.Memory, MinMemory)
	t.memory.share = t.memory.budget / networkShare
	t.memory.texts = newTexts()
	var b [16]byte
	rand.Read(b[:]) // never fails
	t.secret = [2]uint64{binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])}
	t.measure(promauto.With(opts.Registerer))
	return &Tracker{state: func() *state { return t }}
}

func (t *state) measure(metrics promauto.Factory) {
	locked := func(f func(*memory) float64) func() float64 {
		return func() float64 {
			t.memory.mu.Lock()
			defer t.memory.mu.Unlock()
			return f(&t.memory)
		}
	}
	metrics.NewCounterFunc(prometheus.CounterOpts{
		Name: "fotspor_visitors_evicted_total",
		Help: "Visitors who left memory early because it was full, or their network's share of it. Each counts again on coming back.",
	}, locked(func(m *memory) float64 { return float64(m.evicted) }))
	metrics.NewCounterFunc(prometheus.CounterOpts{
		Name: "fotspor_visitors_shared_hits_total",
		Help: "Hits of new visitors from a network that brought too many, counted as those of one visitor.",
	}, func() float64 { return float64(t.shared.Load()) })
	metrics.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fotspor_visitors_in_memory",
		Help: "Visitors held in memory: those of today, and those of past days that hits come to.",
	}, locked(func(m *memory) float64 { return float64(m.visitors.n) }))
	metrics.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fotspor_visit_bytes",
		Help: "Bytes of memory that visitors take.",
	}, locked(func(m *memory) float64 { return float64(m.bytes()) }))
	metrics.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fotspor_visit_budget_bytes",
		Help: "Bytes of memory that visitors may take.",
	}, locked(func(m *memory) float64 { return float64(m.budget) }))
}

// Observe takes the next hit of a visitor and fills the fields of row that follow
// from it: Time and Day, the measures, EntryPath, PreviousPath, and the
// attribution (Channel, Source, Campaign…), which becomes that of the first hit of
// the visit. The row arrives with its Path and its own attribution, and with what Other
// says of both. loc is the
// time zone of the site; nil is UTC.
//
// A visit is over after Silence, and before a hit that says so (NewVisit) or that comes
// from outside of the site (Arrives) by another source than the visit did: its row is the
// first of the next visit. Visitors who share one go on with their visit.
//
// Observe takes out of h.Goals those that the visit has reached before.
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
//     that is over (two requests that cross at midnight, a clock set back by less
//     than a minute). It counts on the site's day of today, at its first moment.
//   - Any other hit of an earlier day counts on that day. The day gets a state and a
//     secret apart from today's: the hits of a log, in their order, leave the day the
//     figures that they would have left it live. It recognises nobody who came
//     while the day was today, and nobody who came before it was last forgotten,
//     which Sweep does when no hit has come to it for thirty minutes.
//
// A claimed time never moves the site's day of today. The clock does, forward and
// back: one that was set back by a minute or more was wrong before, and the site goes
// on, afresh, on the day that it says now. Set back within the day it leaves visits as
// they are, and time passes from there.
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
	net := t.network(h.Addr)
	var sight sight
	if h.Kind == hit.Pageview {
		sight = s.sightOf(row.Path)
	}

	m := &t.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reserve()
	id, shared := m.find(&k), false
	if id == 0 && h.Kind != hit.Ping && !h.Trusted && !t.newcomers.Allow(h.Addr, 1) {
		shared = true
		t.shared.Add(1)
		s.identifyShared(net, &k)
		id = m.find(&k)
	}
	over := id == 0 || t.silent(m.visitors.at(id), at)
	if h.Kind == hit.Ping && over {
		return false
	}
	over = over || !shared && m.leaves(id, h, row)
	row.Time = at.UTC().Truncate(time.Second)
	row.Day = s.day
	row.Pageviews, row.Visits, row.Visitors, row.PageVisitors, row.SectionVisitors, row.Bounces, row.Seconds, row.Conversions = 0, 0, 0, 0, 0, 0, 0, 0
	if id == 0 {
		id = m.add(&k, s.number, net)
		row.Visitors = 1
	} else {
		m.touch(id)
	}
	v := m.visitors.at(id)
	if over {
		m.beginVisit(v, row, at)
		v.from = digest(h.From)
		row.Visits = 1
	}
	m.step(v, row, h, at)
	if h.Kind == hit.Pageview {
		m.view(id, row, sight)
	}
	m.settle(v.network)
	return true
}

// silent says whether the last visit of a visitor is over. If their last hit came
// later than now the clock was wrong, and time passes from now on.
func (t *state) silent(v *visitor, at time.Time) bool {
	since := at.UnixNano() - v.last
	if since < -int64(crossing) { // a claim, or the clock
		if now := t.now().UnixNano(); max(now, at.UnixNano())-v.last < -int64(crossing) {
			v.last, v.accountedUntil, since = at.UnixNano(), 0, 0
		}
	}
	return since > int64(Silence)
}

// network returns the keyed hash of the network of an address. The zero one is that
// of no address.
func (t *state) network(addr hit.Addr) uint64 {
	b := geo.Network(addr, geo.MaxBits4, geo.MaxBits6).Addr().As16()
	hi, lo := bits.Mul64(binary.LittleEndian.Uint64(b[:])^t.secret[0], binary.LittleEndian.Uint64(b[8:])^t.secret[1])
	return hi ^ lo
}

// enter returns the day of a site that a hit of at counts on, with its lock held
// for reading. It begins the day of now if that of the site is over.
func (t *state) enter(id uint32, at time.Time, loc *time.Location) *siteDay {
	s := t.siteDay(id)
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
func (t *state) enterToday(s *siteDay, now time.Time, loc *time.Location) {
	for {
		s.mu.RLock()
		if s.open(now, loc) {
			return
		}
		s.mu.RUnlock()
		s.mu.Lock()
		if !s.open(now, loc) {
			s.begin(dayOf(now, loc), loc, &t.memory)
		}
		s.mu.Unlock()
	}
}

func (t *state) siteDay(id uint32) *siteDay {
	t.mu.RLock()
	s := t.sites[id]
	t.mu.RUnlock()
	if s != nil {
		return s
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if s = t.sites[id]; s == nil {
		s = new(siteDay)
		t.sites[id] = s
	}
	return s
}

// Sweep forgets the visitors of every site where now is another day than theirs,
// secret and all. It is what makes midnight hold on a site that nobody visits; a
// hit of the new day does the same at once. A site whose day begins more than a
// minute from now had a hit while the clock was wrong, and starts afresh. Of a past
// day it forgets the same once no hit has come to it for thirty minutes.
func (t *Tracker) Sweep(now time.Time) { t.state().sweep(now) }

func (t *state) sweep(now time.Time) {
	t.mu.RLock()
	sites := make([]*siteDay, 0, len(t.sites))
	for _, s := range t.sites {
		sites = append(sites, s)
	}
	t.mu.RUnlock()
	for _, s := range sites {
		s.mu.Lock()
		if s.loc != nil && !s.open(now, s.loc) {
			s.begin(dayOf(now, s.loc), s.loc, &t.memory)
		}
		s.mu.Unlock()
	}
	t.sweepPast(now)
	t.tell()
}

// tell logs what had to be forgotten since it was last called.
func (t *state) tell() {
	t.memory.mu.Lock()
	defer t.memory.mu.Unlock()
	if n := t.memory.evicted - t.toldEvicted; n > 0 {
		t.toldEvicted += n
		t.logger.Warn("too many visitors or past days for memory; those who left count again when they come back", "left", n)
	}
	if n := t.shared.Load() - t.toldShared; n > 0 {
		t.toldShared += n
		t.logger.Warn("too many new visitors from one network; their hits count as those of one visitor", "hits", n)
	}
}

// Run sweeps at the start of every minute, and so at every midnight on earth,
// until ctx ends.
func (t *Tracker) Run(ctx context.Context) {
	untilMinute := func(error) time.Duration {
		now := t.state().now()
		return now.Truncate(time.Minute).Add(time.Minute).Sub(now)
	}
	periodic.Task{First: untilMinute(nil), Next: untilMinute, Do: func(context.Context) error {
		t.Sweep(t.state().now())
		return nil
	}}.Run(ctx)
}

// visitors returns how many there are.
func (t *state) visitors() int {
	t.memory.mu.Lock()
	defer t.memory.mu.Unlock()
	return int(t.memory.visitors.n)
}

// Format implements fmt.Formatter: no verb or flag prints more than the name.
func (*Tracker) Format(f fmt.State, _ rune) { io.WriteString(f, "visit.Tracker") }

// LogValue implements slog.LogValuer.
func (*Tracker) LogValue() slog.Value { return slog.StringValue("visit.Tracker") }

// leaves reports whether a hit ends the visit under way by beginning another. The same
// newsletter or search engine, opened once more, does not, nor does another link of the
// same campaign. An application of one page tells the website that led to it with every
// view, also where a campaign named the source of the visit.
func (m *memory) leaves(id uint32, h *hit.Hit, row *hit.Row) bool {
	if h.NewVisit || !h.Arrives {
		return h.NewVisit && h.Kind != hit.Ping
	}
	v := m.visitors.at(id)
	var visit hit.Row
	unpackOrigin(m.texts.get(v.origin), &visit)
	campaign := row.Campaign != "" || row.CampaignSource != "" || row.CampaignMedium != "" || row.CampaignTerm != "" || row.CampaignContent != ""
	if !campaign {
		from := digest(h.From)
		return !(visit.Channel == row.Channel && visit.Source == row.Source) && (from == 0 || from != v.from)
	}
	return !strings.EqualFold(visit.Channel, row.Channel) || !strings.EqualFold(visit.Source, row.Source) ||
		!strings.EqualFold(visit.Campaign, row.Campaign) || !strings.EqualFold(visit.CampaignTerm, row.CampaignTerm)
}

// digest returns a byte to know the name of a website again by, or 0 for "". One name in
// 255 is taken for another.
func digest(name string) uint8 {
	if name == "" {
		return 0
	}
	return uint8(1 + crc32.Checksum([]byte(name), castagnoli)%255)
}

// beginVisit makes row the first of a visit. An earlier moment than that of the last hit
// makes no time pass.
func (m *memory) beginVisit(v *visitor, row *hit.Row, at time.Time) {
	var b [256]byte
	v.last, v.accountedUntil = max(v.last, at.UnixNano()), 0
	m.setText(v, &v.entry, m.texts.intern(append(b[:0], cut(row.Path)...)))
	m.setText(v, &v.origin, m.texts.intern(appendOrigin(b[:0], row)))
	m.setText(v, &v.previous, 0)
	v.viewed, v.bounce, v.goals = false, false, 0
	v.other = row.Other&^hit.PageBits.Mask() | hit.PageBits.As(hit.EntryBits, row.Other)
}

// step takes one hit of the visit, the first included.
func (m *memory) step(v *visitor, row *hit.Row, h *hit.Hit, at time.Time) {
	// An earlier moment makes no time pass. Parts of a second are carried to the next
	// row, so that the rows of a visit add up to its duration.
	unaccounted := max(0, at.UnixNano()-v.last) + int64(v.accountedUntil)
	v.last = max(v.last, at.UnixNano())
	row.Seconds = int32(unaccounted / int64(time.Second))
	v.accountedUntil = uint32(unaccounted % int64(time.Second))

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

	h.Goals &^= v.goals
	v.goals |= h.Goals

	unpackOrigin(m.texts.get(v.origin), row)
	row.EntryPath = m.texts.get(v.entry)
	row.PreviousPath = m.texts.get(v.previous)
	// What has no line on the first row has none on any: the rows of a visit are summed up
	// in the same lines.
	row.Other = row.Other&^originBits | v.other
}

// originBits are the bits of hit.Row.Other for an origin.
var originBits = func() (bits uint64) {
	for _, f := range originFields {
		bits |= 1 << f.Number
	}
	return bits
}()

// view takes a page view.
func (m *memory) view(id uint32, row *hit.Row, at sight) {
	row.Pageviews = 1
	v := m.visitors.at(id)
	if path := cut(row.Path); path != row.PreviousPath {
		var b [256]byte
		m.setText(v, &v.previous, m.texts.intern(append(b[:0], path...)))
	}
	v.viewed = true
	v.other = v.other&^hit.PreviousBits.Mask() | hit.PageBits.As(hit.PreviousBits, row.Other)
	// A page at the root of its section stands for the section too: that takes half the
	// memory of a website whose pages have one segment.
	entered := m.saw(v, at.root) || m.saw(v, at.section)
	if m.see(id, at.page) {
		row.PageVisitors = 1
	}
	if !entered && (at.page == at.root && row.PageVisitors == 1 || at.page != at.root && m.see(id, at.section)) {
		row.SectionVisitors = 1
	}
}
