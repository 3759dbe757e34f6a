package report

import (
	"slices"
	"strings"

	"golang.org/x/text/language"

	"github.com/fotspor/fotspor/browser"
	"github.com/fotspor/fotspor/geo/region"
	"github.com/fotspor/fotspor/hit"
)

// closed are the dimensions whose values are all known beforehand. Has reports whether a hit
// can have the value, or one that begins with it; want says what such values are.
var closed = map[string]struct {
	has  func(value string, prefix bool) bool
	want string
}{
	"channel": {oneOf("direct", "search", "social", "ai", "website", "campaign", "email"), "a channel: direct, search, social, ai, website, campaign or email"},
	"device":  {oneOf("desktop", "mobile", "tablet", "other"), "a device: desktop, mobile, tablet or other"},
	"browser": {oneOf(lower(browser.Names())...), "the name of a browser, such as Firefox"},
	"os":      {oneOf(lower(browser.Systems())...), "the name of an operating system, such as iOS"},
	"country": {func(value string, prefix bool) bool {
		return region.IsCountry(value) || prefix && region.HasCountry(value)
	}, "a country of ISO 3166-1, such as NO"},
	"region":        {region.IsCode, "a region of ISO 3166-2, such as NO-50"},
	"language":      {isLanguage, "a language of BCP 47, such as nb"},
	"search_result": {oneOf("some", "none"), "some or none"},
}

// oneOf returns a function that finds a value in a list.
func oneOf(all ...string) func(value string, prefix bool) bool {
	return func(value string, prefix bool) bool {
		return slices.ContainsFunc(all, func(s string) bool { return s == value || prefix && strings.HasPrefix(s, value) })
	}
}

func lower(names []string) []string {
	for i, name := range names {
		names[i] = strings.ToLower(name)
	}
	return names
}

// isLanguage reports whether a value is the subtag of a language, or may begin one.
func isLanguage(value string, prefix bool) bool {
	if prefix {
		return len(value) < 3 && strings.Trim(value, "abcdefghijklmnopqrstuvwxyz") == ""
	}
	base, err := language.ParseBase(value)
	return err == nil && base.String() == value
}

func isPath(value string) bool { return strings.HasPrefix(value, "/") }

// possible reports whether a hit can have the value of the filter, or a line of a rollup, which
// may be of several values together or of what is not known.
func (f Filter) possible() bool {
	list, ok := closed[f.Dimension]
	if !ok || f.Value == "" || f.Value == hit.Others || f.Prefix && strings.HasPrefix(hit.Others, f.Value) {
		return true
	}
	return slices.ContainsFunc(f.spellings(), func(value string) bool { return list.has(value, f.Prefix) })
}
