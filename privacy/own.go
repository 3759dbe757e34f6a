package privacy

import (
	"errors"
	"fmt"
	"time"

	"github.com/fotspor/fotspor/calendar"
)

// Own is what a site has for itself in place of values of the policy. The zero value is nothing.
type Own struct {
	Record     Record // "": that of the policy
	Retention  Period // of its rows, if it is shorter than that of the policy; zero: that of the policy
	Objections string // Heed or Ignore; "": as the policy says
}

// Of returns the policy for a site. What rows would lose only after they are deleted is no part
// of it.
func (p Policy) Of(own Own) Policy {
	if own.Record != "" {
		p.Record = own.Record
	}
	if own.Objections != "" {
		p.IgnoreObjection = own.Objections == Ignore
	}
	if own.Retention != (Period{}) && p.Retention.longerThan(own.Retention) {
		p.Retention = own.Retention
		for _, s := range stages {
			if after := s.of(&p.Ageing); !own.Retention.longerThan(*after) {
				*after = Period{}
			}
		}
	}
	return p
}

// ErrLonger is wrapped by the error of rows of a site that would live longer than those of others.
var ErrLonger = errors.New("is longer than that of the policy")

// Allows returns an error, which wraps ErrLonger, if a site may not have its own values.
func (p Policy) Allows(own Own) error {
	if own.Retention.longerThan(p.Retention) {
		return fmt.Errorf("retention %s of the site %w, %s", own.Retention, ErrLonger, p.Retention)
	}
	return nil
}

// Shorter is sites whose rows live shorter than those of others.
type Shorter struct {
	Keep  Period
	Sites []uint32 // in order
}

// Terms are how long the rows of a site lived by its own setting, the oldest first.
type Terms []Term

// Term is a retention, and from when on it was in force. A zero retention is that of the policy.
type Term struct {
	Retention Period
	Since     time.Time
}

// cutoff returns the last cut-off of the terms, in all times in which each was in force, 0 if
// none had its own retention.
func (t Terms) cutoff(now time.Time) (last calendar.Day) {
	for i, term := range t {
		until := now
		if i+1 < len(t) && t[i+1].Since.Before(now) {
			until = t[i+1].Since
		}
		if term.Retention != (Period{}) {
			last = max(last, calendar.DayOf(term.Retention.Cutoff(until)))
		}
	}
	return last
}

// RowsSince returns the first day of which all rows of the site are kept, as far as its own
// terms say, as History.RowsSince does; 0 if they say nothing.
func (t Terms) RowsSince(now time.Time) calendar.Day {
	if last := t.cutoff(now); last > 0 {
		return last + 2
	}
	return 0
}

// FoldedSince returns the first day of the months whose lines of few are not folded yet, as far
// as the terms of the site say, if lines are folded.
func (t Terms) FoldedSince(now time.Time) calendar.Day {
	if last := t.cutoff(now); last > 0 {
		return last.FirstOfMonth()
	}
	return 0
}

// Folds reports whether any version has lines of few folded.
func (h History) Folds() bool {
	for _, v := range h {
		if v.Policy.FoldBelow > 0 {
			return true
		}
	}
	return false
}
