package site

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/privacy"
)

// Setting is what the owner of a site sets, as a text, alike on the command line and on the
// page of the site.
type Setting struct {
	Key     string   // name of the flag and of the field
	List    bool     // several values, with commas or line breaks between them
	Lines   bool     // one text of several lines
	Figures bool     // what is counted, or how, changes with it
	Choices []string // the words that it may be; nil: any text
	// Set is Read without its checks of what all settings have in common.
	Set func(*Site, string) error
	// Get returns the text that Read reads; values of a list with commas between them.
	Get func(Site) string
}

// Words that stand for values of a setting.
const (
	KeepSlash, StripSlash = "keep", "strip"
	// ByPolicy follows the policy for all sites.
	ByPolicy = "default"
	// matomoSearches stands for the query parameters in which Matomo looks for a search.
	matomoSearches = "matomo"
)

// Settings are all of them but the goals, in the order in which people read them.
var Settings = slices.Concat(ownSettings, declarations(), []Setting{
	{Key: "opt-out",
		Set: func(s *Site, text string) error { s.OptOut = strings.TrimSpace(text); return nil },
		Get: func(s Site) string { return s.OptOut }},
})

// declarations are the settings for what the owner says in the statement of the site.
func declarations() []Setting {
	var all []Setting
	for _, d := range privacy.Declarations {
		all = append(all, Setting{
			Key: d.Key, Lines: d.Lines,
			Set: func(s *Site, text string) error { *d.Text(&s.Declared) = privacy.ReadText(text); return nil },
			Get: func(s Site) string { return *d.Text(&s.Declared) },
		})
	}
	return all
}

// ownSettings are those that say what is counted, and how it is shown.
var ownSettings = []Setting{
	{Key: "name",
		Set: func(s *Site, text string) error { s.Name = strings.TrimSpace(norm.NFC.String(text)); return nil },
		Get: func(s Site) string { return s.Name }},
	{Key: "host", List: true, Figures: true,
		Set: func(s *Site, text string) (err error) { s.Hosts, err = readHosts(text); return err },
		Get: func(s Site) string { return displayed(s.Hosts) }},
	{Key: "timezone", Figures: true,
		Set: func(s *Site, text string) error {
			zone, err := time.LoadLocation(text)
			if err != nil || text == "" || text == "Local" {
				return errors.New("want a time zone such as Europe/Oslo")
			}
			s.Location = zone
			return nil
		},
		Get: func(s Site) string { return s.Location.String() }},
	{Key: "tags", List: true,
		Set: func(s *Site, text string) error {
			s.Tags = nil
			for _, word := range words(text) {
				s.Tags = appendOnce(s.Tags, norm.NFC.String(word))
			}
			return nil
		},
		Get: func(s Site) string { return strings.Join(s.Tags, ",") }},
	{Key: "school-weeks",
		Set: func(s *Site, text string) (err error) { s.School, err = readSchoolWeeks(text); return err },
		Get: func(s Site) string {
			if s.School == (calendar.SchoolWeeks{}) {
				return ""
			}
			return strconv.Itoa(s.School.Winter) + "," + strconv.Itoa(s.School.Autumn)
		}},
	{Key: "exclude", List: true, Figures: true,
		Set: func(s *Site, text string) error { s.Excluded = words(text); return nil },
		Get: func(s Site) string { return strings.Join(s.Excluded, ",") }},
	{Key: "exclude-networks", List: true, Figures: true,
		Set: func(s *Site, text string) (err error) { s.Networks, err = readNetworks(text); return err },
		Get: func(s Site) string {
			var all []string
			for _, network := range s.Networks {
				all = append(all, network.String())
			}
			return strings.Join(all, ",")
		}},
	{Key: "parameters", List: true, Figures: true,
		Set: func(s *Site, text string) error { s.Parameters = readParameters(text); return nil },
		Get: func(s Site) string { return strings.Join(s.Parameters, ",") }},
	{Key: "path-rules", List: true, Figures: true,
		Set: func(s *Site, text string) error { s.PathRules = words(text); return nil },
		Get: func(s Site) string { return strings.Join(s.PathRules, ",") }},
	{Key: "trailing-slash", Figures: true, Choices: []string{KeepSlash, StripSlash},
		Set: func(s *Site, text string) error { s.StripSlash = text == StripSlash; return nil },
		Get: func(s Site) string {
			if s.StripSlash {
				return StripSlash
			}
			return KeepSlash
		}},
	{Key: "ignore-referrers", List: true, Figures: true,
		Set: func(s *Site, text string) (err error) { s.IgnoredReferrers, err = readReferrers(text); return err },
		Get: func(s Site) string {
			if len(s.IgnoredReferrers) == 0 {
				return DefaultReferrers
			}
			return displayed(s.IgnoredReferrers)
		}},
	{Key: "search-parameters", List: true, Figures: true,
		Set: func(s *Site, text string) error { s.SearchParameters = readSearches(text); return nil },
		Get: func(s Site) string { return strings.Join(s.SearchParameters, ",") }},
	{Key: "search-category-parameters", List: true, Figures: true,
		Set: func(s *Site, text string) error { s.SearchCategories = readSearchParameters(text); return nil },
		Get: func(s Site) string { return strings.Join(s.SearchCategories, ",") }},
	{Key: "search-count-parameters", List: true, Figures: true,
		Set: func(s *Site, text string) error { s.SearchCounts = readSearchParameters(text); return nil },
		Get: func(s Site) string { return strings.Join(s.SearchCounts, ",") }},
	{Key: "policy", Figures: true, Choices: []string{ByPolicy, string(privacy.Standard), string(privacy.Minimal)},
		Set: func(s *Site, text string) error {
			if s.Record = privacy.Record(text); text == ByPolicy {
				s.Record = ""
			}
			return nil
		},
		Get: func(s Site) string {
			if s.Record == "" {
				return ByPolicy
			}
			return string(s.Record)
		}},
	{Key: "retention",
		Set: func(s *Site, text string) error {
			if text = strings.TrimSpace(text); text == ByPolicy {
				s.Retention = privacy.Period{}
				return nil
			}
			period, err := privacy.ParsePeriod(text)
			if err == nil {
				s.Retention = period
			}
			return err
		},
		Get: func(s Site) string {
			if s.Retention == (privacy.Period{}) {
				return ByPolicy
			}
			return s.Retention.String()
		}},
	{Key: "objections", Figures: true, Choices: []string{ByPolicy, privacy.Heed, privacy.Ignore},
		Set: func(s *Site, text string) error {
			if s.Objections = text; text == ByPolicy {
				s.Objections = ""
			}
			return nil
		},
		Get: func(s Site) string { return cmp.Or(s.Objections, ByPolicy) }},
	{Key: "guard", Figures: true,
		Set: func(s *Site, text string) error {
			n, err := strconv.Atoi(strings.TrimSpace(text))
			if err != nil || n < 0 || n > MaxGuard {
				return fmt.Errorf("want a number from 0 to %d", MaxGuard)
			}
			s.Guard = n
			return nil
		},
		Get: func(s Site) string { return strconv.Itoa(s.Guard) }},
}

// readSchoolWeeks reads the weeks in which schools are closed in winter and in autumn, such as
// "8,40". Nothing, or 0 for one of them, is a week that is not known.
func readSchoolWeeks(text string) (weeks calendar.SchoolWeeks, err error) {
	all := words(text)
	if len(all) == 0 {
		return weeks, nil
	}
	if len(all) == 2 {
		weeks.Winter, err = strconv.Atoi(all[0])
		if err == nil {
			weeks.Autumn, err = strconv.Atoi(all[1])
		}
	}
	if err != nil || len(all) != 2 || !weeks.Valid() {
		return calendar.SchoolWeeks{}, fmt.Errorf("want two weeks, %d to %d and %d to %d, such as 8,40; 0 for one that is not known",
			calendar.FirstWinterWeek, calendar.LastWinterWeek, calendar.FirstAutumnWeek, calendar.LastAutumnWeek)
	}
	return weeks, nil
}

// FindSetting returns the setting with a key, which there must be.
func FindSetting(key string) Setting {
	i := slices.IndexFunc(Settings, func(s Setting) bool { return s.Key == key })
	if i < 0 {
		panic("site: no setting " + key)
	}
	return Settings[i]
}

// Read reads a text into the site. It returns an InvalidError for a text that can't be read,
// and leaves to Site.Validate what concerns the whole site.
func (s Setting) Read(into *Site, text string) error {
	if len(s.Choices) > 0 && !slices.Contains(s.Choices, text) {
		return InvalidError{s.Key, text, fmt.Errorf("want %s", strings.Join(s.Choices, " or "))}
	}
	err := s.Set(into, text)
	if err == nil || errors.As(err, new(InvalidError)) {
		return err
	}
	return InvalidError{s.Key, text, err}
}

// Values returns the values that a text of the setting has.
func (s Setting) Values(text string) []string {
	switch {
	case s.List:
		return words(text)
	case s.Lines:
		return []string{privacy.ReadText(text)}
	}
	return []string{text}
}

// InvalidError is why a site can't have the value of a setting.
type InvalidError struct {
	Setting string // key
	Value   string // the part of the text that is wrong
	Err     error
}

// Error implements error.
func (e InvalidError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e InvalidError) Unwrap() error { return e.Err }

// Change is a change of a setting of a site.
type Change struct {
	Setting       string // key, or "goals"
	Before, After string // texts of the setting
	Since         time.Time
	Who           string // "" for the program
	First         bool   // the site was added then
}

// words returns the words of a text with commas or line breaks between them.
func words(text string) []string {
	var all []string
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		if word = strings.TrimSpace(word); word != "" {
			all = append(all, word)
		}
	}
	return all
}

// appendOnce appends to list each of some values that it lacks.
func appendOnce[T comparable](list []T, values ...T) []T {
	for _, value := range values {
		if !slices.Contains(list, value) {
			list = append(list, value)
		}
	}
	return list
}

// displayed returns hosts in the form for people, with commas between them.
func displayed(hosts []string) string {
	var names []string
	for _, host := range hosts {
		names = append(names, hostname.Display(host))
	}
	return strings.Join(names, ",")
}

// readHosts reads the hosts of a site, each once and in its canonical form.
func readHosts(text string) ([]string, error) {
	var hosts []string
	for _, word := range words(text) {
		name, wildcard := strings.CutPrefix(word, "*.")
		name, err := hostname.Parse(name)
		if err != nil {
			return nil, InvalidError{"host", word, fmt.Errorf("host %q: %w", word, err)}
		}
		if wildcard {
			name = "*." + name
		}
		hosts = appendOnce(hosts, name)
	}
	return hosts, nil
}

// readReferrers reads the referrers of a site that are no source. A host includes those below
// it, with or without a wildcard in front.
func readReferrers(text string) ([]string, error) {
	var hosts []string
	for _, word := range words(text) {
		if word != DefaultReferrers && word != NoReferrers {
			name, err := hostname.Parse(strings.TrimPrefix(strings.TrimPrefix(word, "*"), "."))
			if err != nil {
				return nil, InvalidError{"ignore-referrers", word, fmt.Errorf("host %q: %w", word, err)}
			}
			word = name
		}
		hosts = appendOnce(hosts, word)
	}
	if slices.Equal(hosts, []string{DefaultReferrers}) {
		return nil, nil
	}
	return hosts, nil
}

// readNetworks reads networks that are not counted, each once. Networks of less than 256
// addresses are not taken: no full address is stored, of staff neither.
func readNetworks(text string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, word := range words(text) {
		network, err := netip.ParsePrefix(word)
		if err != nil {
			return nil, InvalidError{"exclude-networks", word, fmt.Errorf("network %q: want a network such as 192.0.2.0/24 or 2001:db8::/48", word)}
		}
		networks = appendOnce(networks, network.Masked())
	}
	return networks, nil
}

// Bounds of the prefix of a network, in bits: it holds no less than is ever kept of an address
// (geo.MaxBits4 and geo.MaxBits6), and not half of the internet by mistake.
const (
	minNetwork4, maxNetwork4 = 8, 24
	minNetwork6, maxNetwork6 = 16, 48
)

// isNetwork reports whether a network may be one that is not counted.
func isNetwork(network netip.Prefix) bool {
	least, most := minNetwork6, maxNetwork6
	if network.Addr().Is4() {
		least, most = minNetwork4, maxNetwork4
	}
	return network.IsValid() && network == network.Masked() && !network.Addr().Is4In6() && least <= network.Bits() && network.Bits() <= most
}

// readParameters reads names of query parameters, each once, in Unicode's form C. They may be
// encoded, as copied from an address.
func readParameters(text string) []string {
	var names []string
	for _, name := range words(text) {
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		names = appendOnce(names, norm.NFC.String(name))
	}
	return names
}

// readSearchParameters reads names of parameters whose case does not matter, each once.
func readSearchParameters(text string) []string {
	names := readParameters(text)
	for i := 0; i < len(names); i++ {
		names = append(names[:i+1], slices.DeleteFunc(names[i+1:], func(other string) bool { return strings.EqualFold(other, names[i]) })...)
	}
	return names
}

// readSearches reads names of parameters that hold a search term.
func readSearches(text string) []string {
	all := words(text)
	if i := slices.Index(all, matomoSearches); i >= 0 {
		all = slices.Replace(all, i, i+1, "q", "query", "s", "search", "searchword", "k", "keyword")
	}
	return readSearchParameters(strings.Join(all, ","))
}
