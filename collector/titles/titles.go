// Package titles decides which titles of pages are kept: those that enough visitors of a
// day have seen. Until then a title is in no place but the request that brings it: memory
// has a keyed hash of it, and how many visitors it had.
package titles

import (
	"crypto/rand"
	"encoding/binary"
	"math/bits"
	"reflect"
	"sync"

	"github.com/dchest/siphash"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/fotspor/fotspor/calendar"
)

const (
	// DefaultMemory is the default of Options.Memory: 262,144 slots.
	DefaultMemory = 4 << 20

	// MaxVisitors is the most that can be asked for. A slot tells 64 visitors apart by a
	// number that two may share, so 20 of them take 24 people on average, and 5 take 5.2.
	MaxVisitors = 20
)

// Options of Titles. The zero value takes every default.
type Options struct {
	// Memory is taken at once, and never more, in bytes. 0 or less: DefaultMemory.
	Memory     int64
	Registerer prometheus.Registerer // nil: no metrics
}

// Titles counts the visitors of titles. It is safe for concurrent use.
//
// Memory is a table of slots that is never cleared: where a title finds no free slot it
// takes that of another day, or else that of the title which fewest visitors saw. So
// whoever sends a million titles can keep those of others from being counted, as long as
// that goes on, and can't make one of few visitors kept. A restart begins anew.
type Titles struct {
	key     [2]uint64
	mu      sync.Mutex
	buckets []bucket

	kept, forgotten prometheus.Counter
}

// slot is what is known of a title at a page, or with another hash of a page.
type slot struct {
	// tag is the hash without its lowest 16 bits, and the day in their place. 0: free.
	tag uint64
	// seen has a bit for each number of a visitor who saw the title. Of a page it is the
	// hash of the title that was kept, whose bits rank it among titles that many saw.
	seen uint64
}

// bucket is where a hash may have its slot. It fills two lines of a processor's cache.
type bucket [8]slot

const dayBits = 1<<16 - 1

// New returns Titles that count none yet.
func New(o Options) *Titles {
	if o.Memory <= 0 {
		o.Memory = DefaultMemory
	}
	size := int64(reflect.TypeFor[bucket]().Size())
	metrics := promauto.With(o.Registerer)
	t := &Titles{
		buckets: make([]bucket, max(1, o.Memory/size)),
		kept: metrics.NewCounter(prometheus.CounterOpts{
			Name: "fotspor_titles_kept_total",
			Help: "Titles of pages that enough visitors of a day have seen, each once a page and day.",
		}),
		forgotten: metrics.NewCounter(prometheus.CounterOpts{
			Name: "fotspor_titles_forgotten_total",
			Help: "Titles of the day whose visitors were forgotten because the memory for titles was full.",
		}),
	}
	metrics.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fotspor_titles_bytes",
		Help: "Bytes of memory in which the visitors of titles are counted: always the same.",
	}, func() float64 { return float64(int64(len(t.buckets)) * size) })
	var b [16]byte
	rand.Read(b[:]) // never fails
	t.key = [2]uint64{binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])}
	return t
}

// View is what a visitor sees.
type View struct {
	Day         calendar.Day // today at the site
	SiteDay     uint64       // as in hit.Hit
	Visitor     uint8        // as in hit.Hit
	Path, Title string
}

// See takes a view, and reports whether its title is now to be kept, with the number of
// visitors who have seen it, at the least. That is so as soon as enough visitors of the
// day have seen it at the page, and again on another day. Another title of the page is
// then kept once twice as many visitors have seen that. enough is from 1 to MaxVisitors.
func (t *Titles) See(v View, enough int) (visitors int, keep bool) {
	page, title := t.hash(v, false), t.hash(v, true)
	t.mu.Lock()
	defer t.mu.Unlock()
	line := t.take(title, v.Day)
	line.seen |= 1 << (v.Visitor % 64)
	visitors = bits.OnesCount64(line.seen)
	if visitors < enough {
		return visitors, false
	}
	if before := t.find(page, v.Day); before != nil {
		if before.seen == title {
			return visitors, false
		}
		if rival := t.find(before.seen, v.Day); rival != nil && visitors < 2*bits.OnesCount64(rival.seen) {
			return visitors, false
		}
	}
	t.take(page, v.Day).seen = title
	t.kept.Inc()
	return visitors, true
}

// hash returns the hash of a title at its page, or of the page.
func (t *Titles) hash(v View, titled bool) uint64 {
	var space [1536]byte
	b := binary.LittleEndian.AppendUint64(space[:0], v.SiteDay)
	b = append(b, v.Path...)
	if titled {
		b = append(b, 0xff) // which is in no text
		b = append(b, v.Title...)
	}
	return siphash.Hash(t.key[0], t.key[1], b) &^ dayBits
}

func tagOf(hash uint64, day calendar.Day) uint64 { return hash | uint64(day)&dayBits }

func (t *Titles) bucket(hash uint64) *bucket {
	at, _ := bits.Mul64(hash, uint64(len(t.buckets)))
	return &t.buckets[at]
}

// find returns the slot of a hash, or nil.
func (t *Titles) find(hash uint64, day calendar.Day) *slot {
	b, tag := t.bucket(hash), tagOf(hash, day)
	for i := range b {
		if b[i].tag == tag {
			return &b[i]
		}
	}
	return nil
}

// take returns the slot of a hash, which it empties of another if it must.
func (t *Titles) take(hash uint64, day calendar.Day) *slot {
	if s := t.find(hash, day); s != nil {
		return s
	}
	b, least := t.bucket(hash), 0
	for i := range b {
		if b[i].rank(day) < b[least].rank(day) {
			least = i
		}
	}
	s := &b[least]
	if s.rank(day) > 0 {
		t.forgotten.Inc()
	}
	*s = slot{tag: tagOf(hash, day)}
	return s
}

// rank orders slots by what is lost with them: nothing is where they are free or of a day
// that is over everywhere, and most where many visitors have seen a title.
func (s *slot) rank(today calendar.Day) int {
	day := calendar.Day(s.tag & dayBits)
	if s.tag == 0 || day < today-1 || day > today+1 {
		return 0
	}
	return bits.OnesCount64(s.seen)
}
