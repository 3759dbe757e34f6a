package visit

import (
	"slices"
	"sync"
	"time"
)

// MaxPastDays is the number of past days, on all sites together, that are held at a time.
const MaxPastDays = 64

// pastDays are the past days for which hits still come, last used first. A day that is
// removed from the list is forgotten before mu is unlocked. mu is locked before the lock
// of a site.
type pastDays struct {
	mu   sync.Mutex
	days []pastDay
}

// pastDay is a past day of a site. Its bounds do not change until it is forgotten.
type pastDay struct {
	*siteDay
	id   uint32    // id of the site
	used time.Time // when the last hit came, not when it claims to be from
}

// idle reports whether no hit has come for the day since Silence. If the last one came
// more than a minute after now, the clock was wrong, and the day counts as idle.
func (d pastDay) idle(now time.Time) bool {
	since := now.Sub(d.used)
	return since >= Silence || since < -crossing
}

// enterPast returns the past day of at, with its lock held for reading. If MaxPastDays
// are held, a new day replaces the one used longest ago.
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

// evict forgets a day, and counts its visitors as evicted.
func (t *state) evict(s *siteDay) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.forget(&t.memory)
	t.memory.mu.Lock()
	t.memory.evicted += int64(n)
	t.memory.mu.Unlock()
}

// sweepPast forgets the past days for which no hit has come since Silence.
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
