// Package visit finds out which hits belong together. It holds the visitors of a day and
// their visits in memory, and fills in the measures of each row, so that every figure of
// a report is a sum. The secret by which a visitor is recognised for a day is kept only
// here. The secret of today is destroyed at the site's midnight, that of a past day after
// thirty minutes without a hit.
package visit

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/bits"
	"slices"
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

	// MinMemory is the least Options.Memory.
	MinMemory = 8 << 20

	// networkShare: the visitors of one network may take 1/networkShare of the memory.
	networkShare = 16

	// Silence is the time without a hit after which a visit is over.
	Silence = 30 * time.Minute

	// MaxPages is the number of pages and sections that are remembered for a visitor and
	// day, at up to eight bytes each. Beyond it, the visitor counts as a page visitor of
	// no further page.
	MaxPages = 200

	// crossing is the age up to which a hit counts as one of now that came late. If the
	// clock is set back by less than this, it was right before.
	crossing = time.Minute
)

// Options of a Tracker. Zero fields take their defaults.
type Options struct {
	// Memory is the budget of all visitors together, on all sites and days, in bytes
	// of live heap. 0 or less: DefaultMemory; less than MinMemory: MinMemory.
	Memory int64
	// NewVisitors is how many new visitors a second a network may bring in the long
	// run. A hundred times as many may come at once. 0 or less: any number.
	NewVisitors float64

	Now        func() time.Time // the clock of the collector
	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics
}

// Tracker holds the visitors of today, on any number of sites, and the visitors of past
// days for which hits still come. HandOver and TakeOver carry it over a restart. Its
// methods are safe for concurrent use.
//
// Memory is bounded. Beyond Options.Memory, the visitor whose last hit came longest ago is
// evicted; beyond MaxPastDays, the past day that was used longest ago. An evicted visitor
// who comes back on the same day counts as a new visitor and visit; the log and a metric
// report the number evicted.
//
// A network is 256 IPv4 addresses, or an IPv6 /48, as in package limit. It can't evict
// the visitors of others: beyond a sixteenth of the memory, its own visitors are evicted
// first, oldest first. Beyond Options.NewVisitors, its new visitors share one: their hits
// count as page views and events of a single visitor, until fewer new ones come. Visitors
// whose hits came with a token never share.
//
// The state is hidden behind a function, as an address is in hit.Addr: printers and
// encoders that walk a Tracker by reflection find a code pointer.
type Tracker struct {
	state func() *state
}

// state is the contents of a Tracker.
type state struct {
	now    func() time.Time
	logger *slog.Logger

	mu    sync.RWMutex
	sites map[uint32]*siteDay // today
	// erasures are those of which the visitors in memory hold nothing, by site.
	erasures map[uint32]uint64

	past pastDays

	secret    [2]uint64 // for the hashes of networks
	newcomers *limit.Limiter
	shared    atomic.Int64 // number of hits of visitors who shared one

	memory memory // all visitors

	loggedEvicted, loggedShared int64 // the parts of memory.evicted and shared that are logged
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

		erasures: make(map[uint32]uint64),
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
		Help: "Visitors evicted from memory because it, or their network's share of it, was full. One who comes back counts as new.",
	}, locked(func(m *memory) float64 { return float64(m.evicted) }))
	metrics.NewCounterFunc(prometheus.CounterOpts{
		Name: "fotspor_visitors_shared_hits_total",
		Help: "Hits of new visitors from a network that brought too many, counted as those of one visitor.",
	}, func() float64 { return float64(t.shared.Load()) })
	metrics.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fotspor_visitors_in_memory",
		Help: "Visitors held in memory: those of today, and those of past days for which hits still come.",
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

// Observe takes the next hit of a visitor and fills in the fields of row that depend on
// the visit: Time and Day, the measures, EntryPath, PreviousPath, and the attribution
// (Channel, Source, Campaign…) of the first hit of the visit. The caller sets the row's
// Path, the attribution of the hit itself, and the bits of Other for both. loc is the
// time zone of the site; nil is UTC.
//
// A visit ends after Silence. It also ends before a hit that says so (NewVisit), and
// before one that comes from outside of the site (Arrives) by another source than that of
// the visit: such a hit is the first of the next visit. Visitors who share one go on with
// their visit.
//
// Observe removes from h.Goals the goals that the visit has reached before, and sets
// h.SiteDay and h.Visitor.
//
// Observe returns false, and does not change row, for a ping without a visit to extend:
// the caller drops such a hit. If the time zone of a site changes, all its visitors of
// the day are forgotten.
//
// h.Time is when the hit happened, by the collector's clock or as the request
// claims; it is never later than now. A hit always counts on one day, so that the
// figures of days add up:
//
//   - On the site's current day a hit counts at its time. If the visitor's last hit was
//     later, the hit joins the visit and adds no seconds.
//   - A hit less than a minute old may still belong to a day that is over (two requests
//     that cross at midnight, a clock set back by less than a minute). It counts on the
//     site's current day, at its first moment.
//   - Any other hit of an earlier day counts on that day. The day gets a state and a
//     secret apart from those of the current day. So the hits of a log, in their order,
//     give the day the same figures as if they had come live. Visitors who came while the
//     day was current are not recognised, and neither are those who came before Sweep
//     last forgot the day. Sweep does that after thirty minutes without a hit for it.
//
// A claimed time never changes the site's current day. The clock does, forward and
// back. If it is set back to more than a minute before the current day, it was wrong
// before: the day of the new time becomes the current one, without visitors. If it is set
// back within the day, visits go on, and their seconds count from the new time.
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

	// The key is passed by pointer, because stack traces print arguments.
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
	h.SiteDay, h.Visitor = s.id, k[len(k)-1]%64
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

// silent reports whether the last visit of a visitor is over. If their last hit is later
// than now by more than crossing, the clock was wrong: the time of that hit becomes at.
func (t *state) silent(v *visitor, at time.Time) bool {
	since := at.UnixNano() - v.last
	if since < -int64(crossing) { // the hit claims an earlier time, or the clock was set back
		if now := t.now().UnixNano(); max(now, at.UnixNano())-v.last < -int64(crossing) {
			v.last, v.accountedUntil, since = at.UnixNano(), 0, 0
		}
	}
	return since > int64(Silence)
}

// network returns the keyed hash of the network of an address. All hits without an
// address share one network.
func (t *state) network(addr hit.Addr) uint64 {
	b := geo.Network(addr, geo.MaxBits4, geo.MaxBits6).Addr().As16()
	hi, lo := bits.Mul64(binary.LittleEndian.Uint64(b[:])^t.secret[0], binary.LittleEndian.Uint64(b[8:])^t.secret[1])
	return hi ^ lo
}

// enter returns the day of a site on which a hit at time at counts, with its lock held
// for reading. If the site's current day is over, it begins the next one.
func (t *state) enter(id uint32, at time.Time, loc *time.Location) *siteDay {
	s := t.siteDay(id)
	s.mu.RLock()
	if s.holds(at, loc) { // the usual case, which needs no clock
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

// enterToday locks a site for reading, and begins the day of now first if needed.
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

// Sweep forgets the visitors and the secret of every site whose current day is not that
// of now. A hit of the new day does the same at once, so Sweep is for sites that nobody
// visits after midnight. If the current day of a site begins more than a minute from now,
// the clock was wrong, and Sweep forgets it too. It forgets a past day after thirty
// minutes without a hit for it.
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
	t.logLosses()
}

// Forget forgets the visitors of a site on all days, with the secrets of the days, when
// erasures is another number than that it was called with last, by the process that handed
// over too, and reports whether it did. Visitors who come again count as new.
func (t *Tracker) Forget(site uint32, erasures uint64) bool {
	return t.state().forgetSite(site, erasures)
}

func (t *state) forgetSite(id uint32, erasures uint64) bool {
	t.mu.Lock()
	before, known := t.erasures[id]
	t.erasures[id] = erasures
	today := t.sites[id]
	t.mu.Unlock()
	if !known || before == erasures {
		return false
	}
	if today != nil {
		today.mu.Lock()
		if today.loc != nil {
			today.begin(today.day, today.loc, &t.memory)
		}
		today.mu.Unlock()
	}
	t.past.mu.Lock()
	defer t.past.mu.Unlock()
	t.past.days = slices.DeleteFunc(t.past.days, func(d pastDay) bool {
		if d.id != id {
			return false
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.forget(&t.memory)
		return true
	})
	return true
}

// logLosses logs how many visitors were evicted and how many hits were shared since its
// last call.
func (t *state) logLosses() {
	t.memory.mu.Lock()
	defer t.memory.mu.Unlock()
	if n := t.memory.evicted - t.loggedEvicted; n > 0 {
		t.loggedEvicted += n
		t.logger.Warn("too many visitors or past days for memory; evicted visitors count as new when they come back", "evicted", n)
	}
	if n := t.shared.Load() - t.loggedShared; n > 0 {
		t.loggedShared += n
		t.logger.Warn("too many new visitors from one network; their hits count as those of one visitor", "hits", n)
	}
}

// Run sweeps at the start of every minute until ctx ends. Every midnight of any time zone
// is at the start of a minute.
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

// visitors returns the number of visitors in memory.
func (t *state) visitors() int {
	t.memory.mu.Lock()
	defer t.memory.mu.Unlock()
	return int(t.memory.visitors.n)
}

// Format implements fmt.Formatter: no verb or flag prints more than the name.
func (*Tracker) Format(f fmt.State, _ rune) { io.WriteString(f, "visit.Tracker") }

// LogValue implements slog.LogValuer.
func (*Tracker) LogValue() slog.Value { return slog.StringValue("visit.Tracker") }

// leaves reports whether a hit ends the current visit by beginning another. It does not
// if it comes from the same newsletter or search engine again, or by another link of the
// same campaign. The website that led to the visit does not begin another either: a
// single-page application sends it with every view, also if a campaign named the source.
func (m *memory) leaves(id uint32, h *hit.Hit, row *hit.Row) bool {
	if h.NewVisit || !h.Arrives {
		return h.NewVisit && h.Kind != hit.Ping
	}
	v := m.visitors.at(id)
	visit := sourceOf(m.texts.get(v.origin))
	campaign := row.Campaign != "" || row.CampaignSource != "" || row.CampaignMedium != "" || row.CampaignTerm != "" || row.CampaignContent != ""
	if !campaign {
		from := digest(h.From)
		return !(visit.channel == row.Channel && visit.source == row.Source) && (from == 0 || from != v.from)
	}
	return !strings.EqualFold(visit.channel, row.Channel) || !strings.EqualFold(visit.source, row.Source) ||
		!strings.EqualFold(visit.campaign, row.Campaign) || !strings.EqualFold(visit.term, row.CampaignTerm)
}

// digest returns a hash of one byte of the name of a website, and 0 for "". Two names
// have the same digest by chance in one of 255 cases.
func digest(name string) uint8 {
	if name == "" {
		return 0
	}
	hash := uint32(2166136261) // FNV-1a, which needs no bytes on the heap
	for i := range len(name) {
		hash = (hash ^ uint32(name[i])) * 16777619
	}
	return uint8(1 + hash%255)
}

// beginVisit begins a visit whose first row is row. The time of the visitor's last hit
// never goes back.
func (m *memory) beginVisit(v *visitor, row *hit.Row, at time.Time) {
	var b [256]byte
	v.last, v.accountedUntil = max(v.last, at.UnixNano()), 0
	m.setText(v, &v.entry, m.texts.intern(append(b[:0], cut(row.Path)...)))
	m.setText(v, &v.origin, m.texts.intern(appendOrigin(b[:0], row)))
	m.setText(v, &v.previous, 0)
	v.viewed, v.bounce, v.goals = false, false, 0
	v.other = row.Other&^hit.PageBits.Mask() | hit.PageBits.As(hit.EntryBits, row.Other)
}

// step adds a hit to the visit, the first one included.
func (m *memory) step(v *visitor, row *hit.Row, h *hit.Hit, at time.Time) {
	// A hit that claims an earlier time adds no seconds. Parts of a second are carried to
	// the next row, so that the rows of a visit add up to its duration.
	unaccounted := max(0, at.UnixNano()-v.last) + int64(v.accountedUntil)
	v.last = max(v.last, at.UnixNano())
	row.Seconds = int32(unaccounted / int64(time.Second))
	v.accountedUntil = uint32(unaccounted % int64(time.Second))

	switch {
	case h.Passive || h.Kind == hit.Ping:
		// The visitor did nothing, so a bounce remains a bounce.
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
	// A value of the first row that is counted under [other] is so on all rows of the
	// visit, which must be summed up in the same lines.
	row.Other = row.Other&^originBits | v.other
}

// originBits are the bits of hit.Row.Other for the fields of an origin.
var originBits = func() uint64 {
	bits := uint64(1) << hit.CampaignBit
	for _, f := range originFields {
		bits |= 1 << f.Number
	}
	return bits
}()

// view adds a page view to the visit.
func (m *memory) view(id uint32, row *hit.Row, at sight) {
	row.Pageviews = 1
	v := m.visitors.at(id)
	if path := cut(row.Path); path != row.PreviousPath {
		var b [256]byte
		m.setText(v, &v.previous, m.texts.intern(append(b[:0], path...)))
	}
	v.viewed = true
	v.other = v.other&^hit.PreviousBits.Mask() | hit.PageBits.As(hit.PreviousBits, row.Other)
	// The hash of a page at the root of its section stands for the section too. This
	// halves the memory for websites whose paths have one segment.
	entered := m.saw(v, at.root) || m.saw(v, at.section)
	if m.see(id, at.page) {
		row.PageVisitors = 1
	}
	if !entered && (at.page == at.root && row.PageVisitors == 1 || at.page != at.root && m.see(id, at.section)) {
		row.SectionVisitors = 1
	}
}
