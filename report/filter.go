package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/hostname"
)

// Filter keeps the hits that have a value of a dimension, or leaves those out. Filters
// by the same dimension that keep hits are alternatives; all others must hold at once.
type Filter struct {
	Dimension string
	Value     string // "" is what is not known
	Prefix    bool   // of what begins with Value
	Not       bool   // leave out in place of keep
}

// Bounds of filters.
const (
	MaxFilters     = 20
	MaxFilterValue = 2048 // bytes
)

// ParseFilter reads a filter as String writes it: "region:NO-50", "page:/helse/*",
// "!source:Google". A * at the end stands for any text; \* is a star and \\ a
// backslash. The error is an InvalidError. If no hit can have the value, as device:foo, the
// filter is returned with it.
func ParseFilter(s string) (Filter, error) {
	invalid := InvalidError{Field: "filter", Value: s}
	var f Filter
	rest, not := strings.CutPrefix(s, "!")
	key, text, ok := strings.Cut(rest, ":")
	f.Dimension, f.Not = key, not
	if d, found := FindDimension(key); !ok || !found || d.base().scope == ofTime || d.Key == "site" {
		invalid.Want = "a dimension that is none of time, a colon and a value, such as region:NO-50"
		return Filter{}, invalid
	}
	if len(text) > MaxFilterValue || !utf8.ValidString(text) {
		invalid.Want = fmt.Sprintf("at most %d bytes of UTF-8", MaxFilterValue)
		return Filter{}, invalid
	}
	var value strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == '\\' || text[i+1] == '*'):
			i++
			value.WriteByte(text[i])
		case text[i] == '*' && i == len(text)-1:
			f.Prefix = true
		case text[i] == '*':
			invalid.Want = `a * at the end only, or \* for a star`
			return Filter{}, invalid
		default:
			value.WriteByte(text[i])
		}
	}
	f.Value = value.String()
	if !f.possible() {
		invalid.Want = closed[f.Dimension].want
		return f, invalid
	}
	return f, nil
}

// ParseFilters reads a list of filters, at most MaxFilters. One that comes twice is
// there once.
func ParseFilters(list []string) ([]Filter, error) {
	var filters []Filter
	for _, s := range list {
		f, err := ParseFilter(s)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(filters, f) {
			filters = append(filters, f)
		}
	}
	if len(filters) > MaxFilters {
		return nil, InvalidError{Field: "filter", Value: fmt.Sprint(len(filters)), Want: fmt.Sprintf("at most %d filters", MaxFilters)}
	}
	return filters, nil
}

// ofOthers reports whether the filter is by what rollups count together, "[other]" or
// "/news/[other]", and not by what hits have.
func (f Filter) ofOthers() bool {
	return f.Value == hit.Others || strings.HasSuffix(f.Value, "/"+hit.Others)
}

// hiddenIn returns the values of lines that may count hits for which the filter holds
// together with hits for which it does not.
func (f Filter) hiddenIn() []string {
	d := find(f.Dimension)
	base := d.base()
	fields := texts(d.property(base.Value, base.Detail))
	if f.Value == "" || f.ofOthers() || len(fields) == 0 { // what is not known has a line
		return nil
	}
	if fields[0].SectionBit() == 0 {
		return []string{hit.Others}
	}
	hidden := []string{"/" + hit.Others}
	for _, value := range f.spellings() {
		if s := hit.Section(value); len(s) > 1 && (len(s) < len(value) || !f.Prefix) {
			hidden = append(hidden, s+"/"+hit.Others)
		}
	}
	return hidden
}

// spellings returns the value of the filter, and behind it the form in which hits have it
// if that is another one. Hits have the hosts of websites in ASCII, other texts in
// Unicode's form C, codes in one case, and names of browsers and systems in any.
func (f Filter) spellings() []string {
	all := []string{f.Value}
	add := func(form string) {
		if !slices.Contains(all, form) {
			all = append(all, form)
		}
	}
	add(norm.NFC.String(f.Value))
	switch f.Dimension {
	case "source":
		if host, err := hostname.Parse(f.Value); err == nil && strings.Contains(host, ".") {
			add(strings.TrimPrefix(host, "www."))
		}
	case "previous", "missing_link":
		if host, err := hostname.Parse(f.Value); err == nil {
			add(host)
		}
	case "outlink", "download":
		add(hostname.OfTarget(f.Value))
	case "country", "region":
		add(strings.ToUpper(f.Value))
	case "channel", "device", "language":
		add(strings.ToLower(f.Value))
	case "browser", "os":
		return []string{strings.ToLower(f.Value)}
	}
	return all
}

// condition returns the SQL of whether a property, SQL itself, has the value. text binds a
// text of the statement. A path of a missing page is one of any status.
func (f Filter) condition(property string, text func(string) string) string {
	switch {
	case f.Dimension == "browser" || f.Dimension == "os":
		property = "lower(" + property + ")"
	case f.Dimension == "missing" && isPath(f.Value):
		property = fmt.Sprintf("substring(%s, %d)", property, len("404 / ")+1)
	}
	var any []string
	for _, value := range f.spellings() {
		if f.Prefix {
			any = append(any, "startsWith("+property+", "+text(value)+")")
		} else {
			any = append(any, property+" = "+text(value))
		}
	}
	if len(any) == 1 {
		return any[0]
	}
	return "(" + strings.Join(any, " OR ") + ")"
}

// String writes the filter as ParseFilter reads it.
func (f Filter) String() string {
	s := f.Dimension + ":" + strings.NewReplacer(`\`, `\\`, `*`, `\*`).Replace(f.Value)
	if f.Prefix {
		s += "*"
	}
	if f.Not {
		s = "!" + s
	}
	return s
}
