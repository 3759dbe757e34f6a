package site

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/privacy"
)

const (
	// MaxGoals is the most goals of a site: a visit has one bit for each.
	MaxGoals = 32

	maxGoalText = 100 // characters of a name or pattern
)

// Goal is what the owner of a site wants visits to reach.
type Goal struct {
	Number  int      // unique among the goals of the site, from 1 to MaxGoals
	Name    string   // unique among the goals of the site
	Kind    hit.Kind // kind of the hits that reach it: one of GoalKinds
	Pattern string   // what the path, name or target of such a hit must match; see Reached
	Since   time.Time
}

// GoalKinds are the kinds of hit that can reach a goal.
var GoalKinds = []hit.Kind{hit.Pageview, hit.Event, hit.Download, hit.Outlink}

// NewGoal returns a goal, which may be invalid, from what somebody typed: texts in Unicode's
// form C, and the target of a link without its scheme. It has the number 1; see AddGoal.
func NewGoal(name string, kind hit.Kind, pattern string, since time.Time) Goal {
	clean := func(s string) string { return norm.NFC.String(strings.TrimSpace(s)) }
	g := Goal{Number: 1, Name: clean(name), Kind: kind, Pattern: clean(pattern), Since: since.UTC().Truncate(time.Second)}
	if _, target, ok := strings.Cut(g.Pattern, "://"); ok && (kind == hit.Download || kind == hit.Outlink) {
		g.Pattern = target
	}
	return g
}

// Validate returns an error that names the first invalid field.
func (g Goal) Validate() error {
	switch {
	case g.Number < 1 || g.Number > MaxGoals:
		return fmt.Errorf("number %d of goal %q: want 1 to %d", g.Number, g.Name, MaxGoals)
	case !isGoalText(g.Name):
		return fmt.Errorf("goal %q: want a name of 1 to %d characters", g.Name, maxGoalText)
	case !isGoalText(g.Pattern):
		return fmt.Errorf("pattern %q of goal %q: want 1 to %d characters", g.Pattern, g.Name, maxGoalText)
	case !slices.Contains(GoalKinds, g.Kind):
		return fmt.Errorf("goal %q: no hit of kind %q reaches a goal", g.Name, g.Kind)
	case g.Kind == hit.Pageview && !strings.HasPrefix(g.Pattern, "/") && !strings.HasPrefix(g.Pattern, "*"):
		return fmt.Errorf("page %q of goal %q: want a path or pattern such as /takk*", g.Pattern, g.Name)
	case Scrubbed(g.Name) != g.Name:
		return fmt.Errorf("name of a goal: %w", ErrPersonal)
	case Scrubbed(g.Pattern) != g.Pattern:
		return fmt.Errorf("pattern of goal %q: %w", g.Name, ErrPersonal)
	}
	return nil
}

func isGoalText(s string) bool {
	return s != "" && strings.TrimSpace(s) == s && utf8.RuneCountInString(s) <= maxGoalText &&
		norm.NFC.IsNormalString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// Reached reports whether a hit reaches the goal. The pattern must match the whole path of
// a page view, name of an event, or target of a download or outlink, which is host and
// path. If a pattern for a target begins with a slash, it must match the path of the target;
// if it is a host alone, all of that host reaches the goal. Hosts match in every spelling.
// A * matches any text, with slashes or empty.
func (g Goal) Reached(row *hit.Row) bool {
	if row.Kind != g.Kind {
		return false
	}
	switch g.Kind {
	case hit.Pageview:
		return matches(readable(g.Pattern), norm.NFC.String(row.Path))
	case hit.Event:
		return matches(g.Pattern, norm.NFC.String(row.Name))
	}
	host, path, _ := strings.Cut(norm.NFC.String(row.Name), "/")
	path = "/" + path
	pattern := readable(g.Pattern)
	if pattern[0] == '/' {
		return matches(pattern, path)
	}
	target := hostname.OfTarget(pattern)
	if !strings.ContainsAny(target, "/*") {
		return target == host
	}
	return matches(target, host+path) || matches(pattern, host+path) || matches(pattern, hostname.Unicode(host)+path)
}

// CountsGoals reports whether the site's own policy keeps goals.
func (s Site) CountsGoals() bool { return s.Record != privacy.Minimal }

// AddGoal adds a goal with the first free number.
func (s *Site) AddGoal(g Goal) error {
	taken := func(n int) bool {
		return slices.ContainsFunc(s.Goals, func(other Goal) bool { return other.Number == n })
	}
	for g.Number = 1; taken(g.Number); {
		g.Number++
	}
	if g.Number > MaxGoals {
		return fmt.Errorf("a site has at most %d goals", MaxGoals)
	}
	after := *s
	after.Goals = append(slices.Clone(s.Goals), g)
	if err := after.validateGoals(); err != nil {
		return err
	}
	s.Goals = after.Goals
	return nil
}

// RemoveGoal removes the goal with a name. If there is none, its error wraps ErrNotFound.
func (s *Site) RemoveGoal(name string) error {
	i := slices.IndexFunc(s.Goals, func(g Goal) bool { return g.Name == name })
	if i < 0 {
		return fmt.Errorf("goal %q: %w", name, ErrNotFound)
	}
	s.Goals = slices.Delete(slices.Clone(s.Goals), i, i+1)
	return nil
}

func (s Site) validateGoals() error {
	for i, g := range s.Goals {
		if err := g.Validate(); err != nil {
			return err
		}
		for _, other := range s.Goals[:i] {
			if other.Name == g.Name {
				return fmt.Errorf("two goals are named %q", g.Name)
			}
			if other.Number == g.Number {
				return errors.New("two goals have one number")
			}
		}
	}
	return nil
}
