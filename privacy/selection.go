package privacy

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy/scrub"
)

// Selection says what of a store a person's request is about. Of Network, Text, Path, Pattern
// and Marks one is set, or none and a time. It holds what people typed and is never stored.
type Selection struct {
	Site     uint32    // 0: all
	From, To time.Time // To is not included; zero: no limit. Texts are chosen by whole days

	Network string // cut by the policy, in CIDR form: all rows of it
	Text    string // texts that it stands in, in any case and encoding, with any sign between its words
	Path    string // the page of this path; all pages that begin so if it ends in *
	Pattern string // texts that this regular expression (RE2) matches
	Marks   bool   // texts that would be marked if they came today

	Rules map[uint32]PathRules // the path rules of sites, for Marks
}

// Bounds of what is typed.
const (
	leastText  = 3 // characters
	maxPattern = 1000
)

// Kind is by what the selection chooses: network, text, path, pattern, marks or time.
func (s Selection) Kind() string {
	switch {
	case s.Network != "":
		return "network"
	case s.Text != "":
		return "text"
	case s.Path != "":
		return "path"
	case s.Pattern != "":
		return "pattern"
	case s.Marks:
		return "marks"
	}
	return "time"
}

// OfTexts reports whether the selection chooses texts. Else it chooses rows.
func (s Selection) OfTexts() bool { return s.Kind() != "network" && s.Kind() != "time" }

// Checked returns the selection with both times set, and an error if it can't be answered. Its
// errors do not hold the network, which may be a full address by mistake.
func (s Selection) Checked(policy Policy) (Selection, error) {
	set := 0
	for _, is := range []bool{s.Network != "", s.Text != "", s.Path != "", s.Pattern != "", s.Marks} {
		if is {
			set++
		}
	}
	switch {
	case set > 1:
		return s, errors.New("want one of network, text, path, pattern and marks, not several")
	case set == 0 && s.From.IsZero() && s.To.IsZero():
		return s, errors.New("want a network, text, path or pattern, or a time")
	}
	if s.From.Before(earliest) {
		s.From = earliest
	}
	if s.To.IsZero() || s.To.After(latest) {
		s.To = latest
	}
	s.From, s.To = s.From.UTC(), s.To.UTC()
	if !s.From.Before(s.To) {
		return s, fmt.Errorf("time from %s to %s: want the earlier one first", s.From.Format(time.DateTime), s.To.Format(time.DateTime))
	}
	if s.Network != "" {
		return s, checkNetwork(policy, s.Network)
	}
	_, err := s.Matcher()
	return s, err
}

func checkNetwork(policy Policy, network string) error {
	prefix, err := netip.ParsePrefix(network)
	if err != nil || prefix != prefix.Masked() {
		return errors.New("network: want the CIDR form of what an address is cut to")
	}
	bits := policy.Bits6
	if prefix.Addr().Is4() {
		bits = policy.Bits4
	}
	switch {
	case prefix.Bits() > bits:
		return fmt.Errorf("network of %d bits: the policy keeps %d", prefix.Bits(), bits)
	case prefix.Bits() == 0:
		return errors.New("the policy keeps nothing of such an address, so no row can be found by it")
	}
	return nil
}

// Days are the days that the times touch, also in the time zones of sites.
func (s Selection) Days() calendar.Range {
	days := calendar.Range{From: calendar.DayOf(s.From), To: calendar.DayOf(s.To.Add(-time.Second))}
	if s.OfTexts() {
		return days
	}
	return calendar.Range{From: max(0, days.From-1), To: days.To + 1}
}

// Matcher reports whether a selection chooses a stored text. The field is that of the column,
// TitleField for a title.
type Matcher func(site uint32, field hit.Field, value string) bool

// TitleField stands for the title of a page, of which rows have none.
var TitleField = hit.Field{Name: "title", Type: "String", Fact: hit.PageFact}

// Matcher returns the matcher of a selection of texts, and one that matches nothing of another.
func (s Selection) Matcher() (Matcher, error) {
	switch s.Kind() {
	case "text":
		words := loose(s.Text)
		if utf8.RuneCountInString(words) < leastText {
			return nil, fmt.Errorf("text %q: want %d characters or more", s.Text, leastText)
		}
		return func(_ uint32, _ hit.Field, value string) bool {
			return inLayers(value, func(v string) bool { return strings.Contains(loose(v), words) })
		}, nil
	case "path":
		path, open := strings.CutSuffix(norm.NFC.String(s.Path), "*")
		if !strings.HasPrefix(path, "/") {
			return nil, fmt.Errorf("path %q: want it from the first slash on", s.Path)
		}
		return func(_ uint32, f hit.Field, value string) bool {
			if !f.IsPath() {
				path, ok := hit.MissingPath(value)
				if !ok || f.Name != "name" {
					return false
				}
				value = path
			}
			return inLayers(value, func(v string) bool { return v == path || open && strings.HasPrefix(v, path) })
		}, nil
	case "pattern":
		if len(s.Pattern) > maxPattern {
			return nil, fmt.Errorf("pattern of %d bytes: want at most %d", len(s.Pattern), maxPattern)
		}
		pattern, err := regexp.Compile(s.Pattern)
		if err != nil {
			return nil, fmt.Errorf("pattern: %w", err)
		}
		if pattern.MatchString("") {
			return nil, fmt.Errorf("pattern %q: it matches every text", s.Pattern)
		}
		return func(_ uint32, _ hit.Field, value string) bool { return inLayers(value, pattern.MatchString) }, nil
	case "marks":
		return func(site uint32, f hit.Field, value string) bool { return marked(s.Rules[site], f, value) }, nil
	}
	return func(uint32, hit.Field, string) bool { return false }, nil
}

// inLayers reports whether f is true of a text in any layer of its encoding.
func inLayers(text string, f func(string) bool) bool {
	for range layersRead {
		if f(text) {
			return true
		}
		inner := scrub.Decode(text)
		if inner == text {
			break
		}
		text = inner
	}
	return false
}

const layersRead = 8

// loose returns a text without case, and with a space for each run of what stands between words
// in addresses.
func loose(text string) string {
	parts := strings.FieldsFunc(strings.ToLower(norm.NFC.String(text)), func(r rune) bool { return strings.ContainsRune(" -_+.", r) })
	return strings.Join(parts, " ")
}

// marked reports whether a stored text would get a mark today.
func marked(rules PathRules, f hit.Field, value string) bool {
	value = strings.ReplaceAll(value, hit.Erased, PathMark)
	switch {
	case f.IsPath():
		path, query, _ := strings.Cut(value, "?")
		return scrub.Path(path) != path || scrub.Text(query) != query || rules.Path(path) != path
	case f.Name == "host" || f.Name == "source":
		return scrub.Host(value) != value
	}
	return scrub.Text(value) != value
}

// Whole reports whether nothing stays of a text that the selection takes out. Of a path its
// first segment stays if it is not chosen itself, so that figures by section stay what they are.
func (m Matcher) Whole(site uint32, f hit.Field, value string) bool {
	section := hit.Section(value)
	return !f.IsPath() || section == value || len(section) < 2 || m(site, f, section) || m(site, f, section+"/")
}

// FoundText is a text that a selection chose, in one place.
type FoundText struct {
	Table, Dimension, Column string
	Site                     uint32
	Value                    string
	Lines                    int64 // or rows, in which it stands
	First, Last              calendar.Day
}

// Chosen is a whole stored text, or network, that a selection chooses.
type Chosen struct {
	Site   uint32
	Column string // of table hits, whichever table it stands in, or title
	Value  string
	Whole  bool // see Matcher.Whole
}

// Compare orders by site, column and value.
func (c Chosen) Compare(other Chosen) int {
	return cmp.Or(cmp.Compare(c.Site, other.Site), cmp.Compare(c.Column, other.Column), cmp.Compare(c.Value, other.Value))
}

// TakeOut takes what the selection, that has been checked, chooses out of a batch that is not
// stored yet, as an erasure takes it out of the store. It returns in how many rows, entries and
// titles that was.
func (s Selection) TakeOut(b *hit.Batch) (int, error) {
	match, err := s.Matcher()
	if err != nil {
		return 0, err
	}
	if !s.OfTexts() {
		before := len(b.Rows)
		within, err := s.rowsWithin()
		b.Rows = slices.DeleteFunc(b.Rows, within)
		return before - len(b.Rows), err
	}
	n, days := 0, s.Days()
	is := func(site uint32, day calendar.Day) bool { return (s.Site == 0 || s.Site == site) && days.Contains(day) }
	for i := range b.Rows {
		row, changed := &b.Rows[i], false
		if !is(row.Site, row.Day) {
			continue
		}
		for _, f := range hit.Fields {
			if !f.Free() {
				continue
			}
			if text := f.At.(func(*hit.Row) *string)(row); *text != "" && match(row.Site, f, *text) {
				*text, changed = f.Erase(*text, match.Whole(row.Site, f, *text)), true
			}
		}
		if changed {
			n++
		}
	}
	host, _ := hit.FindField("host")
	for i := range b.Ledger {
		if e := &b.Ledger[i]; e.Name != "" && is(e.Site, e.Day) && match(e.Site, host, e.Name) {
			e.Name = host.Erase(e.Name, true)
			n++
		}
	}
	path, _ := hit.FindField("path")
	before := len(b.Titles)
	b.Titles = slices.DeleteFunc(b.Titles, func(t hit.PageTitle) bool {
		return is(t.Site, t.Day) && (match(t.Site, path, t.Path) || match(t.Site, TitleField, t.Title))
	})
	return n + before - len(b.Titles), nil
}

// rowsWithin reports whether a selection of rows chooses one.
func (s Selection) rowsWithin() (func(hit.Row) bool, error) {
	network := netip.Prefix{}
	if s.Network != "" {
		var err error
		if network, err = netip.ParsePrefix(s.Network); err != nil {
			return nil, errors.New("network: want the CIDR form of what an address is cut to")
		}
	}
	return func(r hit.Row) bool {
		if s.Site != 0 && r.Site != s.Site || r.Time.Before(s.From) || !r.Time.Before(s.To) {
			return false
		}
		return s.Network == "" || Within(r.Network, network)
	}, nil
}

// Within reports whether the network of a row is another one or lies within it.
func Within(network string, of netip.Prefix) bool {
	one, err := netip.ParsePrefix(network)
	return err == nil && one.Bits() >= of.Bits() && of.Contains(one.Addr())
}
