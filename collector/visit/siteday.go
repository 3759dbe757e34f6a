package visit

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
)

// key recognises a visitor of one site for one day.
type key = [16]byte

// siteDay is one day of one site. Its lock is held for reading by every hit on its
// way through, and for writing where a day gives way to the next.
type siteDay struct {
	mu    sync.RWMutex
	day   calendar.Day
	start time.Time      // first moment of day
	end   time.Time      // first moment of the day after
	loc   *time.Location // nil before the first day
	salt  [32]byte       // the secret that visitors are recognised by
	pages [16]byte       // the same for the pages that they have seen

	number   uint32 // of the day in memory
	visitors ends   // of the day; guarded by the lock of memory
}

// open says whether the day is that of now, and of the same time zone. It is none that
// has ended, and none that begins more than a minute from now, since the clock was
// wrong when it began.
func (s *siteDay) open(now time.Time, loc *time.Location) bool {
	return s.loc != nil && now.Before(s.end) && !now.Before(s.start.Add(-crossing)) &&
		(loc == s.loc || loc.String() == s.loc.String())
}

// holds says whether a moment is of the day, and the day of the same time zone.
func (s *siteDay) holds(at time.Time, loc *time.Location) bool {
	return s.open(at, loc) && !at.Before(s.start)
}

// dayOf returns the day of a moment. A clock that goes back over midnight at the
// end of summer time has the last hour of the old day once more: the new day goes
// on.
func dayOf(at time.Time, loc *time.Location) calendar.Day {
	day := calendar.DayOf(at.In(loc))
	if !at.Before((day + 1).In(loc)) {
		day++
	}
	return day
}

// begin forgets the day so far, and begins another. s.mu is held for writing.
func (s *siteDay) begin(day calendar.Day, loc *time.Location, m *memory) {
	s.forget(m)
	rand.Read(s.salt[:]) // never fails
	rand.Read(s.pages[:])
	s.set(day, loc, m)
}

// set begins a day on a siteDay that has none.
func (s *siteDay) set(day calendar.Day, loc *time.Location, m *memory) {
	s.day, s.loc = day, loc
	s.start, s.end = day.In(loc), (day + 1).In(loc)
	m.enterDay(s)
}

// forget overwrites the secret of the day and its visitors, and returns how many
// they were. s.mu is held for writing.
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

// identify sets k to the keyed hash of a visitor's address and User-Agent. The
// site is no part of it, since no two sites share a salt. SHA-256
// behind a secret prefix is the fastest hash of the standard library that keeps its key
// secret, since processors compute it in hardware. The prefix is a sound key because only
// half of the sum is kept, and none of it is shown.
func (s *siteDay) identify(h *hit.Hit, k *key) {
	addr := h.Addr.Reveal().As16()
	b := make([]byte, 0, 512) // on the stack, but for a giant User-Agent
	b = append(b, s.salt[:]...)
	b = append(b, addr[:]...)
	b = append(b, h.UserAgent...)
	sum := sha256.Sum256(b)
	copy(k[:], sum[:])
}

// identifyShared sets k to the key of the visitor whom the new visitors of a network
// share. No other key is made of so few bytes.
func (s *siteDay) identifyShared(net uint64, k *key) {
	b := make([]byte, 0, 64)
	b = append(b, s.salt[:]...)
	b = binary.LittleEndian.AppendUint64(b, net)
	sum := sha256.Sum256(b)
	copy(k[:], sum[:])
}

// sight is what is told apart of a view: hashes of its page, of the page at the root of
// its section, and of the section.
type sight struct{ page, root, section uint32 }

// sightOf tells pages and sections apart, by the same hash as identify: those of package
// hash/maphash cannot be handed over to another process. Of 32 bits, one of four billion
// views is taken for that of a page which the visitor has seen.
func (s *siteDay) sightOf(path string) sight {
	section := hit.Section(path)
	page := s.hashPath(path)
	root := page
	if section != path {
		root = s.hashPath(section)
	}
	return sight{
		page:    binary.LittleEndian.Uint32(page[:]),
		root:    binary.LittleEndian.Uint32(root[:]),
		section: binary.LittleEndian.Uint32(root[4:]),
	}
}

func (s *siteDay) hashPath(path string) [sha256.Size]byte {
	b := make([]byte, 0, 512) // on the stack, but for a giant path
	b = append(b, s.pages[:]...)
	b = append(b, path...)
	return sha256.Sum256(b)
}
