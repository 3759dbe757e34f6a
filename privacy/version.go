package privacy

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
)

// ErrNoPolicy is wrapped by the error of a store that has no policy yet.
var ErrNoPolicy = errors.New("there is no policy yet: a collector sets it at its first start, or fotspor policy set")

// ErrPolicyChanged is wrapped by the error of a change to a policy that somebody else has
// changed since it was read.
var ErrPolicyChanged = errors.New("somebody else has changed the policy meanwhile")

// ErrUnknownPolicy is wrapped by the error of reading a policy of which this program does not
// know everything. Who can't keep all of a policy must not collect under it.
var ErrUnknownPolicy = errors.New("this program does not know all of the policy")

// Key is a value of a policy that people set.
type Key struct {
	Name string // of its setting
	// Text returns the value as Read reads it.
	Text func(Policy) string
	// Read changes the value. After an error the policy is as before.
	Read func(*Policy, string) error
}

// Forever is what setting totals says of sums that are not deleted.
const Forever = "forever"

// NoBackups is what setting backups says where none are made.
const NoBackups = "none"

// What setting objections says of visitors whose browser objects by Sec-GPC or DNT.
const (
	Heed   = "heed"
	Ignore = "ignore"
)

// Keys are the values of a policy, each once, in the order in which they are listed.
var Keys = []Key{
	{"record", func(p Policy) string { return string(p.Record) }, func(p *Policy, text string) error {
		if r := Record(text); r == Standard || r == Minimal {
			p.Record = r
			return nil
		}
		return fmt.Errorf("want %s or %s", Standard, Minimal)
	}},
	{"retention", func(p Policy) string { return p.Retention.String() }, func(p *Policy, text string) error {
		period, err := ParsePeriod(text)
		if err == nil {
			err = period.Validate()
		}
		if err == nil {
			p.Retention = period
		}
		return err
	}},
	optionalPeriod("totals", Forever, "25m", func(p *Policy) *Period { return &p.Totals }),
	optionalPeriod("backups", NoBackups, "30d", func(p *Policy) *Period { return &p.Backups }),
	number("bits4", 0, MaxBits4, "", func(p *Policy) *int { return &p.Bits4 }),
	number("bits6", 0, MaxBits6, "", func(p *Policy) *int { return &p.Bits6 }),
	{"objections", func(p Policy) string {
		if p.IgnoreObjection {
			return Ignore
		}
		return Heed
	}, func(p *Policy, text string) error {
		if text != Heed && text != Ignore {
			return fmt.Errorf("want %s or %s", Heed, Ignore)
		}
		p.IgnoreObjection = text == Ignore
		return nil
	}},
	{"count-objections", func(p Policy) string { return strconv.FormatBool(p.CountObjections) }, func(p *Policy, text string) error {
		is, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("want true or false")
		}
		p.CountObjections = is
		return nil
	}},
	number("titles", MinTitleVisitors, MaxTitleVisitors, ", or 0 for no titles", func(p *Policy) *int { return &p.TitleVisitors }),
	{"ageing", func(p Policy) string { return p.Ageing.String() }, func(p *Policy, text string) error {
		ageing, err := ParseAgeing(text)
		if err == nil {
			p.Ageing = ageing
		}
		return err
	}},
	number("fold", MinFoldBelow, MaxFoldBelow, ", or 0 for never", func(p *Policy) *int { return &p.FoldBelow }),
	{"rounding", func(p Policy) string { return strconv.Itoa(max(p.Rounding, 1)) }, func(p *Policy, text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > MaxRounding {
			return fmt.Errorf("want 1 for exact counts, or up to %d", MaxRounding)
		}
		if p.Rounding = n; n == 1 {
			p.Rounding = 0
		}
		return nil
	}},
}

// optionalPeriod returns the key of a period, which is zero where the setting says none.
func optionalPeriod(name, none, example string, field func(*Policy) *Period) Key {
	return Key{name, func(p Policy) string {
		if *field(&p) == (Period{}) {
			return none
		}
		return field(&p).String()
	}, func(p *Policy, text string) error {
		if text == none {
			*field(p) = Period{}
			return nil
		}
		period, err := ParsePeriod(text)
		if err == nil {
			err = period.Validate()
		}
		if err != nil {
			return fmt.Errorf("want %s or a period such as %s", none, example)
		}
		*field(p) = period
		return nil
	}}
}

// number returns the key of a number from least to most, or 0.
func number(name string, least, most int, more string, field func(*Policy) *int) Key {
	return Key{name, func(p Policy) string { return strconv.Itoa(*field(&p)) }, func(p *Policy, text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n != 0 && (n < least || n > most) {
			return fmt.Errorf("want %d to %d%s", least, most, more)
		}
		*field(p) = n
		return nil
	}}
}

// FindKey returns the key with a name.
func FindKey(name string) (Key, bool) {
	i := slices.IndexFunc(Keys, func(k Key) bool { return k.Name == name })
	if i < 0 {
		return Key{}, false
	}
	return Keys[i], true
}

// Preset is a policy with a name.
type Preset struct {
	Name   string
	Policy Policy
}

// Presets are the policies with names: that of our founding text, which is the default, one by
// what the CNIL asks of audience measurement without consent, and one whose rows live for two
// days, so that totals are all that stays.
var Presets = []Preset{
	{"statement", Default()},
	{"cnil", with(func(p *Policy) { p.Retention, p.Totals, p.Rounding = cnilKeep, cnilKeep, cnilRounding })},
	{"short", with(func(p *Policy) { p.Retention, p.Backups = Period{Days: 2}, Period{Days: 2} })},
}

// with returns the default policy with a change.
func with(change func(*Policy)) Policy {
	p := Default()
	change(&p)
	return p
}

// MarshalJSON writes all values of the policy by name, as texts that people can read.
func (p Policy) MarshalJSON() ([]byte, error) {
	texts := map[string]string{}
	for _, k := range Keys {
		texts[k.Name] = k.Text(p)
	}
	return json.Marshal(texts)
}

// UnmarshalJSON reads what MarshalJSON writes, also of an older program: a value that this
// did not know is the default. If a value is one that this program does not know, the error
// wraps ErrUnknownPolicy.
func (p *Policy) UnmarshalJSON(data []byte) error {
	var texts map[string]string
	if err := json.Unmarshal(data, &texts); err != nil {
		return fmt.Errorf("read policy: %w", err)
	}
	read := Default()
	for name, text := range texts {
		key, ok := FindKey(name)
		if !ok {
			return fmt.Errorf("%w: %s is %q", ErrUnknownPolicy, name, text)
		}
		if err := key.Read(&read, text); err != nil {
			return fmt.Errorf("%w: %s is %q: %w", ErrUnknownPolicy, name, text, err)
		}
	}
	*p = read
	return nil
}

// Version is a policy as it was set, and in force until the next one.
type Version struct {
	Number uint64 // counted from 1
	Policy Policy
	Since  time.Time
	Via    string // how it was set, as audit.Via says it
	Who    string // name of the user or account; "": the program, from settings of its first start
}

// History is the versions of a policy, the oldest first. The last one is in force.
type History []Version

// Current returns the version in force. There must be one.
func (h History) Current() Version { return h[len(h)-1] }

// RowsSince returns the first day of which all hits are kept as rows: one that is completely
// after the cut-off of the retention in every time zone, of that in force and of each before
// it, whose rows were deleted as long as it was in force.
func (h History) RowsSince(now time.Time) calendar.Day {
	return h.since(now, func(p Policy) Period { return p.Retention }, 2)
}

// TotalsSince returns the first day whose sums are kept, 0 if none were ever deleted.
func (h History) TotalsSince(now time.Time) calendar.Day {
	return h.since(now, func(p Policy) Period { return p.Totals }, 0)
}

// FoldedSince returns the first day of the months whose lines of few are not folded yet, 0 if
// those of no month are.
func (h History) FoldedSince(now time.Time) calendar.Day {
	since := h.since(now, func(p Policy) Period {
		if p.FoldBelow == 0 {
			return Period{}
		}
		return p.Retention
	}, 0)
	if since == 0 {
		return 0
	}
	return since.FirstOfMonth()
}

// since returns the last cut-off of a period, in all times in which it was in force, and so
// many days after it. A zero period has none.
func (h History) since(now time.Time, of func(Policy) Period, after calendar.Day) calendar.Day {
	var since calendar.Day
	for i, v := range h {
		until := now
		if i+1 < len(h) && h[i+1].Since.Before(now) {
			until = h[i+1].Since
		}
		if period := of(v.Policy); period != (Period{}) {
			since = max(since, calendar.DayOf(period.Cutoff(until))+after)
		}
	}
	return since
}

// Process is a process that runs on the store, or has.
type Process struct {
	Name string
	Told map[string]string // the values of the policy that its settings name
	Seen time.Time         // by the clock of the store
}

// Preview is what a change of the policy would do.
type Preview struct {
	Rows, Titles  Held      // what the next deletion pass would delete
	Totals        Held      // sums by day and dimension that it would delete
	Few           int64     // lines of few that it would fold
	Aged          []Aged    // what rows would lose
	Contradicting []Process // of the last month, which would not start again
}

// Aged is how many rows would lose a part.
type Aged struct {
	Stage
	Rows int64
}

// String returns all values by name.
func (p Policy) String() string {
	var texts []string
	for _, k := range Keys {
		texts = append(texts, k.Name+"="+k.Text(p))
	}
	return strings.Join(texts, " ")
}

// Contradiction is the error of a start with settings that say other than the policy in
// force.
type Contradiction struct {
	Names []string          // of the keys
	Told  map[string]string // where each of them was read
	Said  Policy            // by the settings
	Now   Policy            // in force
}

// Contradicts returns a Contradiction if some of the keys in told, which says where each was
// read, have other values in said than in p.
func (p Policy) Contradicts(said Policy, told map[string]string) error {
	c := &Contradiction{Told: told, Said: said, Now: p}
	for _, k := range Keys {
		if _, ok := told[k.Name]; ok && k.Text(said) != k.Text(p) {
			c.Names = append(c.Names, k.Name)
		}
	}
	if len(c.Names) == 0 {
		return nil
	}
	return c
}

// Error names each value of both sides, and the ways out, in one line.
func (c *Contradiction) Error() string {
	var differ, set []string
	for _, name := range c.Names {
		key, _ := FindKey(name)
		differ = append(differ, fmt.Sprintf("%s is %s, and %s says %s", name, key.Text(c.Now), c.Told[name], key.Text(c.Said)))
		set = append(set, name+"="+key.Text(c.Said))
	}
	return fmt.Sprintf("the policy in the store is another: %s; take that setting away, or change the policy with fotspor policy set %s",
		strings.Join(differ, "; "), strings.Join(set, " "))
}
