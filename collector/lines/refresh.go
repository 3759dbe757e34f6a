package lines

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/periodic"
	"github.com/fotspor/fotspor/report"
)

// How often Run does what.
const (
	tellEvery    = time.Minute
	refreshEvery = 24 * time.Hour
	retryEvery   = 10 * time.Minute
)

// Source is where the lines of the rollups are kept.
type Source interface {
	// Lines calls f for each line of a site that was counted since a day: of each set of
	// lines (report.LineSets) those that count most first, at most limit. values are those
	// of the line, first the value and then the details; they are good until f returns.
	// first is the first day since on which it was counted.
	Lines(ctx context.Context, site uint32, since calendar.Day, limit int, f func(table, dimension string, values []string, first calendar.Day)) error
}

// Run reads the lines of all sites from source, at once and then once a day, and keeps
// the copy in a file up to date, until ctx ends. It tells the log each minute of values
// that got no line.
func (l *Lines) Run(ctx context.Context, source Source, sites func() []uint32, file string) {
	periodic.Task{Every: tellEvery, Do: func(ctx context.Context) error {
		l.tell()
		now := l.Now()
		since := func(t time.Time) time.Duration { return now.Sub(t).Abs() }
		if since(l.refreshed) < refreshEvery || since(l.asked) < retryEvery {
			return nil
		}
		l.asked = now
		if err := l.Refresh(ctx, source, sites()); err != nil {
			if ctx.Err() == nil {
				l.Logger.Warn("the lines of the rollups could not be read, those known last stay", "err", err)
			}
			return nil
		}
		l.refreshed = now
		if err := l.Save(file); err != nil {
			l.Logger.Warn("a start without the store will not know the lines of now", "err", err)
		}
		return nil
	}}.Run(ctx)
}

// tell tells the log of values that got no line since it was last called.
func (l *Lines) tell() {
	var all int64
	for why := range l.refused {
		all += l.refused[why].Load()
	}
	if n := all - l.told; n > 0 {
		l.told = all
		l.Logger.Warn("too many new values; the reports count them together as others", "values", n)
	}
}

// Refresh reads the lines of some sites from source, in place of those known before,
// and forgets all other sites. What got a line since the last time stays: its row may
// still be on the way to the store. What was new in the store today counts against the caps
// of today, so that a restart gives nobody a second cap, and Recall does the same for what
// was on its way. After an error the sites that were not read keep what they knew.
func (l *Lines) Refresh(ctx context.Context, source Source, sites []uint32) error {
	l.mu.Lock()
	for id, s := range l.sites {
		if !slices.Contains(sites, id) {
			s.mu.Lock()
			l.held.Add(-s.bytes())
			s.mu.Unlock()
			delete(l.sites, id)
		}
	}
	l.mu.Unlock()
	var errs []error
	for _, id := range sites {
		if err := l.refresh(ctx, source, id); err != nil {
			errs = append(errs, fmt.Errorf("lines of site %d: %w", id, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

func (l *Lines) refresh(ctx context.Context, source Source, id uint32) error {
	s := l.site(id)
	s.mu.Lock()
	old := s.bytes()
	s.mu.Unlock()
	known := make([]set, len(s.tables))
	free := l.Memory/4*3 - l.held.Load() + old
	learn := func(table int, h uint64) {
		set := &known[table]
		if need := set.growth(); need <= free && !set.has(h) {
			set.add(h)
			free -= need
		}
	}
	yesterday := calendar.DayOf(l.Now().UTC()) - 1                  // which is not over everywhere
	found, others := l.newLately(yesterday), l.newLately(yesterday) // others: that this process has not counted
	err := source.Lines(ctx, id, yesterday+1-Days, MostKnown, func(table, dimension string, values []string, first calendar.Day) {
		k := l.byName[[2]string{table, dimension}]
		if k == nil || len(values) < len(k.fields) {
			return
		}
		line, group := l.hash(values[:len(k.fields)]...), l.group(k, values)
		learn(2*k.index, line)
		if k.groups != 0 {
			learn(2*k.index+1, group)
		}
		found.add(k, group, first)
		s.mu.Lock()
		defer s.mu.Unlock()
		if k.groups != 0 && s.has(2*k.index+1, group) {
			others.older[k.index].add(group)
		}
		if !s.has(2*k.index, line) {
			others.add(k, group, first)
		}
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.bytes()
	for i := range s.tables {
		t := &s.tables[i]
		for _, h := range t.fresh.slots {
			if h != 0 && !known[i].has(h) {
				known[i].add(h)
			}
		}
		*t = table{known: known[i]}
	}
	s.forget(yesterday)
	uncounted := others.all()
	for c, n := range found.all() {
		s.counts[c] = max(s.counts[c]+uncounted[c], n)
	}
	l.held.Add(s.bytes() - before)
	return nil
}

// newLately counts the lines and groups of a site that the store first has on a day since.
type newLately struct {
	since  calendar.Day
	counts map[count]int32
	groups map[groupOf]calendar.Day // the first day of those with a line that is new
	older  []set                    // of each kind, the groups with a line that is not
}

// groupOf is a group of lines of a kind, by its hash.
type groupOf struct {
	kind int
	hash uint64
}

func (l *Lines) newLately(since calendar.Day) *newLately {
	return &newLately{since: since, counts: map[count]int32{}, groups: map[groupOf]calendar.Day{}, older: make([]set, len(l.kinds))}
}

func (n *newLately) add(k *kind, group uint64, first calendar.Day) {
	if first < n.since {
		if k.groups != 0 {
			n.older[k.index].add(group)
		}
		return
	}
	n.counts[count{day: first, kind: int32(k.index)}]++
	if g := (groupOf{k.index, group}); k.groups != 0 {
		if day, ok := n.groups[g]; !ok || first < day {
			n.groups[g] = first
		}
	}
}

// all returns the counts, those of groups too. It is called once.
func (n *newLately) all() map[count]int32 {
	for g, first := range n.groups {
		if !n.older[g.kind].has(g.hash) {
			n.counts[count{day: first, kind: -1 - int32(g.kind)}]++
		}
	}
	return n.counts
}

// Recall counts the lines of a row that another process has decided of and that is not in
// the store yet. Call it before hits arrive.
func (l *Lines) Recall(row *hit.Row) {
	s := l.site(row.Site)
	s.mu.Lock()
	defer s.mu.Unlock()
	action := report.Action(row.Kind, row.Name)
	var values [8]string
	for _, k := range l.kinds {
		if k.IsMoves() && (row.Kind != hit.Pageview || row.PreviousPath == "") || k.Action != "" && k.Action != action {
			continue
		}
		empty := k.read(row, &values)
		if bits := k.bits &^ emptyBits(row, k); empty || row.Other&bits != 0 {
			continue
		}
		all := count{day: row.Day, kind: int32(k.index)}
		l.recall(s, 2*k.index, l.hash(values[:len(k.fields)]...), all)
		if k.groups != 0 && row.Other&k.groups == 0 {
			all.kind = -1 - all.kind
			l.recall(s, 2*k.index+1, l.group(k, values[:]), all)
		}
	}
}

// recall makes a hash one whose row is on the way to the store, and counts it if it was not
// known: what the copy knows it has counted.
func (l *Lines) recall(s *site, table int, h uint64, all count) {
	t := &s.tables[table]
	switch {
	case t.fresh.has(h):
	case !t.known.has(h):
		l.put(s, table, h, all, all)
	case l.held.Load()+t.fresh.growth() <= l.Memory:
		l.held.Add(t.fresh.growth())
		t.fresh.add(h)
	}
}

// ids returns the sites that are known, in order.
func (l *Lines) ids() []uint32 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.Sorted(maps.Keys(l.sites))
}
