// Package lines bounds how many lines the rollups get. Rollups are kept for ever, and
// the values that name their lines are what visitors send, so whoever sends random names
// could make them grow without end. Of each site, day and dimension only so many values
// that were not seen lately get their own line. Of all others a row says in Other that
// they have none, and the rollups count them together as hit.Others.
package lines

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dchest/siphash"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/report"
)

const (
	// DefaultMemory is the default of Options.Memory, and MinMemory the least that holds
	// the new values of a day of one site.
	DefaultMemory = 64 << 20
	MinMemory     = 4 << 20

	// DefaultPages is how many new pages of a site get a line a day, and as many new moves
	// from one page to another. DefaultValues is the same for each other dimension.
	DefaultPages  = 20_000
	DefaultValues = 2_000

	// NetworkShare is the part of these, one in so many, that one network may bring. A
	// network is 256 IPv4 addresses, or an IPv6 /48, as in package limit.
	NetworkShare = 8

	// Days is for how many days a value that had a line is not new, and MostKnown how many
	// such values are held of a site and dimension, those that count most first.
	Days      = 28
	MostKnown = 200_000

	// countBytes is what one counter takes of the heap, at the most.
	countBytes = 80
)

// Options of Lines. The zero value takes every default.
type Options struct {
	// Memory is the budget of all sites together, in bytes of live heap. 0 or less:
	// DefaultMemory; less than MinMemory: MinMemory. Known values take at most three
	// quarters of it.
	Memory int64
	Pages  int // new pages of a site a day; 0: DefaultPages
	Values int // new values of each other dimension; 0: DefaultValues

	Now        func() time.Time
	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics
}

// Lines knows which values have lines, by keyed hashes of 64 bits and without the values.
// It is safe for concurrent use. One value in 10^14 is taken for another that is known.
//
// Several collectors may each have their own: then each of them gives lines to as many
// new values.
type Lines struct {
	Options
	key                      [2]uint64    // of hashes of values
	seed                     maphash.Seed // of hashes of networks
	kinds                    []*kind
	arriving, minimal, moves []*kind             // of kinds, those that Arrive decides of, those if as little as possible is recorded, and those of moves
	acting                   map[string][]*kind  // those of an action
	byName                   map[[2]string]*kind // by table and dimension
	held                     atomic.Int64        // bytes
	refused                  [reasons]atomic.Int64
	told                     int64

	mu    sync.RWMutex
	sites map[uint32]*site

	refreshed time.Time // when the store was last read; of Run alone
	asked     time.Time // when that was last tried
}

// kind is a set of lines, with what decides of a row.
type kind struct {
	report.LineSet
	index  int
	fields []func(*hit.Row) *string // those of Value and Detail
	cap    int32

	// The bits of a row whose value has no line: bits where its group has one, and groups
	// too where not. A group is the lines of one value that differ in detail, or the pages
	// of one section. Where lines have no group, groups is 0.
	bits, groups uint64
	minimal      bool // the fields are kept when as little as possible is recorded
}

// site is what is known of one site.
type site struct {
	mu     sync.Mutex
	tables []table // two of each kind: of lines, and of groups
	counts map[count]int32
}

// table holds the values that were known when the store was last read, and those that
// are new since.
type table struct{ known, fresh set }

// count is of what new values are counted.
type count struct {
	network uint64 // 0: of all
	day     calendar.Day
	kind    int32 // index; of groups -1 less that
}

// reason says why a value gets no line.
type reason int

const (
	overCap reason = iota
	overShare
	overMemory
	reasons
)

var reasonNames = [reasons]string{"cap", "network", "memory"}

// New returns Lines that know no value.
func New(o Options) *Lines {
	if o.Memory <= 0 {
		o.Memory = DefaultMemory
	}
	o.Memory = max(o.Memory, MinMemory)
	o.Pages, o.Values = cmp.Or(o.Pages, DefaultPages), cmp.Or(o.Values, DefaultValues)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	l := &Lines{Options: o, seed: maphash.MakeSeed(), acting: map[string][]*kind{}, byName: map[[2]string]*kind{}, sites: map[uint32]*site{}}
	var b [16]byte
	rand.Read(b[:]) // never fails
	l.setKey(b[:])
	for i, s := range report.LineSets() {
		k := newKind(i, s, o)
		l.kinds = append(l.kinds, k)
		switch {
		case k.IsMoves():
			l.moves = append(l.moves, k)
		case k.Action != "":
			l.acting[k.Action] = append(l.acting[k.Action], k)
		default:
			l.arriving = append(l.arriving, k)
			if k.minimal {
				l.minimal = append(l.minimal, k)
			}
		}
		l.byName[[2]string{s.Table, s.Dimension}] = k
	}
	l.measure(promauto.With(o.Registerer))
	return l
}

func newKind(index int, s report.LineSet, o Options) *kind {
	k := &kind{LineSet: s, index: index, cap: int32(o.Values), minimal: true}
	bit := func(f hit.Field) uint64 { return 1 << f.Number }
	for _, f := range s.Value {
		k.fields = append(k.fields, f.At.(func(*hit.Row) *string))
		k.minimal = k.minimal && f.Minimal
		section := uint64(0)
		if f.SectionBit() != 0 {
			k.cap, section = int32(o.Pages), 1<<f.SectionBit()
		}
		switch {
		case s.Together != 0:
			k.bits = 1 << s.Together
		case section != 0:
			k.bits |= bit(f)
			k.groups |= section
		case len(s.Detail) > 0:
			k.groups |= bit(f)
		default:
			k.bits |= bit(f)
		}
	}
	for _, f := range s.Detail {
		k.fields = append(k.fields, f.At.(func(*hit.Row) *string))
		k.minimal = k.minimal && f.Minimal
		k.bits |= bit(f)
		if f.SectionBit() != 0 { // a page that is a detail has no section
			k.bits |= 1 << f.SectionBit()
		}
	}
	return k
}

func (l *Lines) measure(metrics promauto.Factory) {
	for why, name := range reasonNames {
		metrics.NewCounterFunc(prometheus.CounterOpts{
			Name:        "fotspor_lines_refused_total",
			Help:        "Values of hits that got no line of their own in the rollups: too many new ones that day, too many from one network, or no memory left.",
			ConstLabels: prometheus.Labels{"reason": name},
		}, func() float64 { return float64(l.refused[why].Load()) })
	}
	metrics.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fotspor_lines_bytes",
		Help: "Bytes of memory that the values with lines take.",
	}, func() float64 { return float64(l.held.Load()) })
	metrics.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fotspor_lines_budget_bytes",
		Help: "Bytes of memory that the values with lines may take.",
	}, func() float64 { return float64(l.Memory) })
}

// Arrive decides of what a hit brings itself: its page, and where, with what and from where
// its visitor came. It sets the bits of row.Other, which is 0 before. The first row of a
// visit says where that came from, so the visit keeps these bits. day is that of the hit
// at its site; minimal says that as little as possible is recorded, so that a value that
// will be forgotten takes no place.
func (l *Lines) Arrive(h *hit.Hit, row *hit.Row, day calendar.Day, minimal bool) {
	kinds := l.arriving
	if minimal {
		kinds = l.minimal
	}
	l.decide(h, row, day, kinds)
}

// Act decides of what was done, and of the move from one page to the next, of a row that
// is ready to be stored.
func (l *Lines) Act(h *hit.Hit, row *hit.Row) {
	action := report.Action(row.Kind, row.Name)
	if action == "missing" {
		row.Other &^= hit.PreviousBits.Mask() // it is a detail here, which may be of another site
	}
	l.decide(h, row, row.Day, l.acting[action])
	if row.Kind == hit.Pageview && row.PreviousPath != "" {
		l.decide(h, row, row.Day, l.moves)
	}
}

func (l *Lines) decide(h *hit.Hit, row *hit.Row, day calendar.Day, kinds []*kind) {
	if len(kinds) == 0 {
		return
	}
	s := l.site(row.Site)
	s.mu.Lock()
	defer s.mu.Unlock()
	var values [8]string
	for _, k := range kinds {
		if k.read(row, &values) {
			continue
		}
		line := l.hash(values[:len(k.fields)]...)
		if s.has(2*k.index, line) {
			continue
		}
		group := l.group(k, values[:])
		if l.give(s, k, h, day, line, group) {
			continue
		}
		bits := k.bits
		if k.groups != 0 && !l.giveGroup(s, k, h, day, group) {
			bits |= k.groups
		}
		row.Other |= bits &^ emptyBits(row, k)
	}
}

// read reads the values of a kind in a row, and reports whether all are empty.
func (k *kind) read(row *hit.Row, values *[8]string) (empty bool) {
	empty = true
	for i, at := range k.fields {
		values[i] = *at(row)
		empty = empty && values[i] == ""
	}
	return empty
}

// emptyBits returns the bits of the fields of a kind that are empty in a row.
func emptyBits(row *hit.Row, k *kind) (bits uint64) {
	if k.Together != 0 {
		return 0
	}
	for i, at := range k.fields {
		if *at(row) == "" {
			f := k.field(i)
			bits |= 1 << f.Number
			if f.SectionBit() != 0 {
				bits |= 1 << f.SectionBit()
			}
		}
	}
	return bits
}

func (k *kind) field(i int) hit.Field {
	if i < len(k.Value) {
		return k.Value[i]
	}
	return k.Detail[i-len(k.Value)]
}

// group returns the hash of the group of a line of some values; 0 if lines of this kind
// have none.
func (l *Lines) group(k *kind, values []string) uint64 {
	switch {
	case k.groups == 0:
		return 0
	case len(k.Detail) > 0:
		return l.hash(values[:len(k.Value)]...)
	default:
		return l.hash(hit.Section(values[0]))
	}
}

func (l *Lines) hash(values ...string) uint64 {
	b := make([]byte, 0, 128) // on the stack, but for long values
	for i, v := range values {
		if i > 0 {
			b = append(b, 0xff) // which is in no text
		}
		b = append(b, v...)
	}
	return siphash.Hash(l.key[0], l.key[1], b)
}

func (l *Lines) setKey(b []byte) {
	l.key = [2]uint64{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
}

func (l *Lines) site(id uint32) *site {
	l.mu.RLock()
	s := l.sites[id]
	l.mu.RUnlock()
	if s != nil {
		return s
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s = l.sites[id]; s == nil {
		s = &site{tables: make([]table, 2*len(l.kinds)), counts: map[count]int32{}}
		l.sites[id] = s
	}
	return s
}

func (s *site) has(table int, h uint64) bool {
	t := &s.tables[table]
	return t.known.has(h) || t.fresh.has(h)
}

// give gives a new value a line, and its group one if that is new and there is a place,
// or reports that there is none for the value.
func (l *Lines) give(s *site, k *kind, h *hit.Hit, day calendar.Day, line, group uint64) bool {
	why := l.place(s, 2*k.index, line, count{day: day, kind: int32(k.index)}, h, k.cap)
	if why < reasons {
		l.refused[why].Add(1)
		return false
	}
	if k.groups != 0 {
		l.giveGroup(s, k, h, day, group)
	}
	return true
}

// giveGroup reports whether a group has a line, and gives it one if it is new and there is a
// place. A group is capped by itself, whether there is a place for the value in it or not.
func (l *Lines) giveGroup(s *site, k *kind, h *hit.Hit, day calendar.Day, group uint64) bool {
	return s.has(2*k.index+1, group) || l.place(s, 2*k.index+1, group, count{day: day, kind: -1 - int32(k.index)}, h, int32(l.Values)) == reasons
}

// place finds a place for a hash in a table, or returns why there is none; reasons: there is.
func (l *Lines) place(s *site, table int, hash uint64, all count, h *hit.Hit, most int32) reason {
	if s.counts[all] >= most {
		return overCap
	}
	own := all
	if !h.Trusted {
		own.network = max(1, maphash.Comparable(l.seed, geo.Network(h.Addr, geo.MaxBits4, geo.MaxBits6)))
		if s.counts[own] >= max(1, most/NetworkShare) {
			return overShare
		}
	}
	if !l.put(s, table, hash, all, own) {
		return overMemory
	}
	return reasons
}

// put adds a hash to a table and counts it twice, or once if both counters are the same.
// It reports whether there is memory for it.
func (l *Lines) put(s *site, table int, h uint64, all, own count) bool {
	t := &s.tables[table].fresh
	need, counters := t.growth(), len(s.counts)
	if l.held.Load()+need+2*countBytes > l.Memory {
		return false
	}
	t.add(h)
	s.counts[all]++
	if own != all {
		s.counts[own]++
	}
	l.held.Add(need + int64(len(s.counts)-counters)*countBytes)
	return true
}

// forget drops what was counted on days that are over. The map is made anew, since one
// never shrinks.
func (s *site) forget(before calendar.Day) {
	counts := map[count]int32{}
	for c, n := range s.counts {
		if c.day >= before {
			counts[c] = n
		}
	}
	s.counts = counts
}

// bytes is what the site takes of the heap.
func (s *site) bytes() int64 {
	n := int64(len(s.counts)) * countBytes
	for i := range s.tables {
		n += s.tables[i].known.bytes() + s.tables[i].fresh.bytes()
	}
	return n
}
