package visit

import (
	"slices"
	"sync"
	"time"
)

// MaxPastDays is the number of past days, on all sites together, that hits may
// come to at a time.
const MaxPastDays = 64

// pastDays are the past days that hits come to, the one used last in front. A day
// is forgotten before the lock is given up under which it was taken out. The lock
// comes before that of a site.
type pastDays struct {
	mu   sync.Mutex
	days []pastDay
}

// pastDay is a past day of a site. Its bounds stay until it is forgotten.
type pastDay struct {
	*siteDay
	id   uint32    // of the site
	used time.Time // when the last hit came, not when it claims to be from
}

// idle says whether no hit has come to the day for as long as Silence. One that came
// more than a minute from now came while the clock was wrong.
func (d pastDay) idle(now time.Time) bool {
	since := now.Sub(d.used)
	return since >= Silence || since < -crossing
}

// enterPast returns the past day that at belongs to, with its lock held for
// reading. A new one takes the place of the one used longest ago.
func (t *state) enterPast(id uint32, at, now time.Time, loc *time.Location) *siteDay {
	p := &t.past
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.days, func(d pastDay) bool { return d.id == id && d.holds(at, loc) })
	if i < 0 {
		if len(p.days) == MaxPastDays {
			t.evict(p.days[MaxPastDays-1].siteDay)
			p.days = p.days[:MaxPastDays-1]
		}
		s := new(siteDay)
		s.begin(dayOf(at, loc), loc, &t.memory)
		i = len(p.days)
		p.days = append(p.days, pastDay{siteDay: s, id: id})
	}
	day := p.days[i]
	day.used = now
	copy(p.days[1:], p.days[:i])
	p.days[0] = day
	day.mu.RLock()
	return day.siteDay
}

// evict forgets a day whose visitors may come back.
func (t *state) evict(s *siteDay) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.forget(&t.memory)
	t.memory.mu.Lock()
	t.memory.evicted += int64(n)
	t.memory.mu.Unlock()
}

// sweepPast forgets the past days that no hit has come to for as long as Silence.
func (t *state) sweepPast(now time.Time) {
	p := &t.past
	p.mu.Lock()
	defer p.mu.Unlock()
	p.days = slices.DeleteFunc(p.days, func(d pastDay) bool {
		if !d.idle(now) {
			return false
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.forget(&t.memory)
		return true
	})
}
