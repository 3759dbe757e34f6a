package visit

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"github.com/dchest/siphash"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
)

// key identifies a visitor of one site for one day.
type key = [16]byte

// siteDay is one day of one site. Each hit holds its lock for reading while it is
// observed; the change to another day holds it for writing.
type siteDay struct {
	mu    sync.RWMutex
	day   calendar.Day
	start time.Time      // first moment of day
	end   time.Time      // first moment of the day after
	loc   *time.Location // nil before the first day
	salt  [32]byte       // the secret of the keys of visitors
	pages [16]byte       // the secret of the hashes of pages
	id    uint64         // hit.Hit.SiteDay; never handed over

	number   uint32 // index of the day in memory.days
	visitors ends   // the list of visitors of the day; guarded by the lock of memory
}

// open reports whether the day is that of now, in the same time zone. It returns false
// for a day that has ended, and for one that begins more than a minute from now: the
// clock was wrong when that day was entered.
func (s *siteDay) open(now time.Time, loc *time.Location) bool {
	return s.loc != nil && now.Before(s.end) && !now.Before(s.start.Add(-crossing)) &&
		(loc == s.loc || loc.String() == s.loc.String())
}

// holds reports whether at is a moment of the day, in the same time zone.
func (s *siteDay) holds(at time.Time, loc *time.Location) bool {
	return s.open(at, loc) && !at.Before(s.start)
}

// dayOf returns the day of a moment. Where the end of summer time sets clocks back over
// midnight, the last hour of the old day comes a second time: it counts on the new day.
func dayOf(at time.Time, loc *time.Location) calendar.Day {
	day := calendar.DayOf(at.In(loc))
	if !at.Before((day + 1).In(loc)) {
		day++
	}
	return day
}

// begin forgets the current day and begins another with new secrets. s.mu is held for
// writing.
func (s *siteDay) begin(day calendar.Day, loc *time.Location, m *memory) {
	s.forget(m)
	rand.Read(s.salt[:]) // never fails
	rand.Read(s.pages[:])
	s.set(day, loc, m)
}

// set begins a day on a siteDay that has none. The secrets are set already.
func (s *siteDay) set(day calendar.Day, loc *time.Location, m *memory) {
	var id [8]byte
	rand.Read(id[:])
	s.day, s.loc, s.id = day, loc, binary.LittleEndian.Uint64(id[:])
	s.start, s.end = day.In(loc), (day + 1).In(loc)
	m.enterDay(s)
}

// forget overwrites the secrets and visitors of the day, and returns the number of
// visitors. s.mu is held for writing.
func (s *siteDay) forget(m *memory) int {
	n := 0
	if s.loc != nil {
		n = m.forget(s)
	}
	clear(s.salt[:])
	clear(s.pages[:])
	s.loc = nil
	return n
}

// identify sets k to the keyed hash of a visitor's address and User-Agent. The site is
// not hashed, since no two sites share a salt. SHA-256 with a secret prefix is the fastest
// hash of the standard library that keeps its key secret, because processors compute it
// in hardware. A prefix is safe as a key here, because only half of the sum is kept and
// none of it is shown.
func (s *siteDay) identify(h *hit.Hit, k *key) {
	addr := h.Addr.Reveal().As16()
	b := make([]byte, 0, 512) // on the stack, but for a giant User-Agent
	b = append(b, s.salt[:]...)
	b = append(b, addr[:]...)
	b = append(b, h.UserAgent...)
	sum := sha256.Sum256(b)
	copy(k[:], sum[:])
}

// identifyShared sets k to the key of the visitor that the new visitors of a network
// share. It can't equal the key of another visitor, since it hashes fewer bytes than any
// of those.
func (s *siteDay) identifyShared(net uint64, k *key) {
	b := make([]byte, 0, 64)
	b = append(b, s.salt[:]...)
	b = binary.LittleEndian.AppendUint64(b, net)
	sum := sha256.Sum256(b)
	copy(k[:], sum[:])
}

// sight holds the hashes of a page, of the page at the root of its section, and of the
// section.
type sight struct{ page, root, section uint32 }

// sightOf returns the hashes for a path. SipHash is as fast as the hash of package
// hash/maphash for paths, whose seed can't be handed over to another process. With 32 bits,
// a page is taken for a certain other page in one of four billion cases.
func (s *siteDay) sightOf(path string) sight {
	section := hit.Section(path)
	page := s.hashPath(path)
	root := page
	if section != path {
		root = s.hashPath(section)
	}
	return sight{page: uint32(page), root: uint32(root), section: uint32(root >> 32)}
}

func (s *siteDay) hashPath(path string) uint64 {
	b := make([]byte, 0, 256) // on the stack, but for a giant path
	b = append(b, path...)
	return siphash.Hash(binary.LittleEndian.Uint64(s.pages[:]), binary.LittleEndian.Uint64(s.pages[8:]), b)
}
