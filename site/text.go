package site

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/hostname"
)

// The kinds of texts that people write into the settings of a site. An erasure takes out those of
// each kind in its own way: see Site.Without.
const (
	GoalText    = "goal"    // the name of a goal, or its pattern
	RuleText    = "rule"    // an excluded path, a path rule, or a segment of one
	SettingText = "setting" // any other
)

// Text is what somebody wrote into a setting of a site.
type Text struct {
	Kind    string // one of the above
	Setting string // key, or "goals"
	Of      string // the name of the goal, or the whole value of which Text is a part
	Text    string
}

// Without returns the site without the texts of which gone returns true. It calls gone with each
// text at least once. A goal is removed, and so is a tag and a referrer that is no source; the name
// becomes that of the main host. A rule goes on protecting what it did, and more: of an excluded
// path a segment becomes its first letter and a *, of a path rule a *.
//
// Hosts, names of parameters and what the statement says now are not among the texts: a site is not
// counted, and its statement not lawful, without them.
func (s Site) Without(gone func(Text) bool) Site {
	if !slices.Contains(s.Hosts, s.Name) && wordsGone(Text{SettingText, "name", s.Name, s.Name}, gone) {
		s.Name = hostname.Display(s.Hosts[0])
	}
	s.Tags = slices.DeleteFunc(slices.Clone(s.Tags), func(tag string) bool { return gone(Text{SettingText, "tags", tag, tag}) })
	s.IgnoredReferrers = slices.DeleteFunc(slices.Clone(s.IgnoredReferrers), func(host string) bool {
		return gone(Text{SettingText, "ignore-referrers", host, host})
	})
	s.Excluded = widened(s.Excluded, "exclude", gone, func(segment string) string {
		if decoded, err := url.PathUnescape(segment); err == nil {
			segment = decoded
		}
		_, size := utf8.DecodeRuneInString(segment)
		return segment[:size] + "*"
	})
	s.PathRules = widened(s.PathRules, "path-rules", gone, func(string) string { return "*" })
	s.Goals = slices.DeleteFunc(slices.Clone(s.Goals), func(g Goal) bool { return g.gone(gone) })
	return s
}

func (g Goal) gone(gone func(Text) bool) bool {
	name := wordsGone(Text{GoalText, "goals", goalName(g), g.Name}, gone)
	return gone(Text{GoalText, "goals", goalName(g), g.Pattern}) || name
}

// goalName is the name of a goal in a list with commas between the names.
func goalName(g Goal) string { return strings.ReplaceAll(g.Name, ",", " ") }

// GoalNames returns the names of the goals of the site, with commas between them.
func (s Site) GoalNames() string {
	var names []string
	for _, g := range s.Goals {
		names = append(names, goalName(g))
	}
	return strings.Join(names, ",")
}

// Paths returns the paths among the words of a text.
func Paths(text string) []string {
	var all []string
	for _, word := range strings.Fields(text) {
		if strings.HasPrefix(word, "/") {
			all = append(all, strings.TrimRight(word, ".,:;!?"))
		}
	}
	return all
}

// wordsGone reports whether a text is gone, or a path in it.
func wordsGone(t Text, gone func(Text) bool) bool {
	is := gone(t)
	for _, t.Text = range Paths(t.Text) {
		is = gone(t) || is
	}
	return is
}

// ruleGone reports whether a rule is gone as a whole, and which of its segments are.
func ruleGone(rule, setting string, gone func(Text) bool) (whole bool, segments []bool) {
	whole = gone(Text{RuleText, setting, rule, rule})
	for segment := range strings.SplitSeq(rule, "/") {
		segments = append(segments, strings.Trim(segment, "*") != "" && gone(Text{RuleText, setting, rule, segment}))
	}
	return whole, segments
}

// widened returns rules with wide of a segment in the place of each that is gone, each rule once.
func widened(rules []string, setting string, gone func(Text) bool, wide func(segment string) string) []string {
	var all []string
	for _, rule := range rules {
		whole, gones := ruleGone(rule, setting, gone)
		segments := strings.Split(rule, "/")
		for i, segment := range segments {
			// What stands in several segments is in none of them.
			if gones[i] || whole && !slices.Contains(gones, true) && strings.Trim(segment, "*") != "" {
				segments[i] = wide(segment)
			}
		}
		all = appendOnce(all, strings.Join(segments, "/"))
	}
	return all
}

// Without returns the change with hit.Erased in the place of each value of which gone returns true.
func (c Change) Without(gone func(Text) bool) Change {
	c.Before, c.After = withoutValues(c.Setting, c.Before, gone), withoutValues(c.Setting, c.After, gone)
	return c
}

// withoutValues is Change.Without for a text of a setting, which is a list if it has such texts.
func withoutValues(setting, text string, gone func(Text) bool) string {
	if text == "" {
		return ""
	}
	values := strings.Split(text, ",")
	for i, value := range values {
		is := false
		switch setting {
		case "goals":
			is = wordsGone(Text{GoalText, setting, value, value}, gone)
		case "exclude", "path-rules":
			whole, segments := ruleGone(value, setting, gone)
			is = whole || slices.Contains(segments, true)
		case "ignore-referrers":
			is = gone(Text{SettingText, setting, value, value})
		}
		if is {
			values[i] = hit.Erased
		}
	}
	return strings.Join(values, ",")
}
