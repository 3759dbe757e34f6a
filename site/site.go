// Package site defines what an owner of websites declares: sites and their rules, users,
// and credentials. It has no storage: package store keeps its values. All values are safe
// for concurrent use as long as nobody changes them.
package site

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/privacy"
)

// ErrNotFound is wrapped by the error of a look-up that finds no site, credential, user or
// log-in.
var ErrNotFound = errors.New("not found")

// ErrPersonal is wrapped by the error of a text of a site or goal that has personal data in a form
// that is known, such as an e-mail address. What the owner declares in the statement is no such
// text: it names people and how to reach them.
var ErrPersonal = errors.New("it seems to have personal data")

// Site is a website whose traffic is counted.
type Site struct {
	ID   uint32
	Name string
	// Hosts are names such as example.org, which includes www.example.org, or
	// *.example.org for every host below it. The first one is the main host and must be a
	// name. Each has the form that hostname.Parse returns.
	Hosts    []string
	Location *time.Location

	Parameters []string       // names of query parameters that are part of a page's path
	Excluded   []string       // patterns of paths that are not counted; see Excludes
	Networks   []netip.Prefix // networks from which hits are not counted, such as the owner's office
	PathRules  []string       // parts of paths that are marked; see privacy.PathRules
	Record     privacy.Record // "": that of the program's policy
	Retention  privacy.Period // of rows; zero, or longer than that of the policy: that of the policy
	Objections string         // privacy.Heed or privacy.Ignore; "": as the policy says

	StripSlash       bool     // a slash at the end of a path is dropped
	IgnoredReferrers []string // hosts that are no source, with all hosts below them; nil: DefaultReferrers only

	// Names of query parameters that hold the term, the category and the number of results
	// of a search, in upper or lower case. Without SearchParameters no search is read from
	// an address.
	SearchParameters, SearchCategories, SearchCounts []string

	Tags []string // of the list of sites: folders, of which a site may be in several

	Goals []Goal // at most MaxGoals

	School calendar.SchoolWeeks // of the municipality that the site is about

	// Guard is how many visitors must share a figure that few may share, so that it is
	// shown: 0 shows all, at most MaxGuard. See report.Guard.
	Guard int

	// Erasures is how often something was erased that visits in the memory of collectors may
	// hold. Collectors forget the visitors of the site when it changes.
	Erasures uint64

	Declared privacy.Declared // what the owner says in the statement
	// OptOut is the URL of a page of the site on which visitors choose whether they are
	// counted, for a statement on another domain, which can't keep their choice. It may be "".
	OptOut string
}

// Own returns what the site has for itself in place of values of the policy.
func (s Site) Own() privacy.Own {
	return privacy.Own{Record: s.Record, Retention: s.Retention, Objections: s.Objections}
}

// DefaultGuard is the Guard of a site of which nothing else is said.
const (
	DefaultGuard = 5
	MaxGuard     = 100
)

// What IgnoredReferrers may hold besides hosts.
const (
	DefaultReferrers = "default" // the log-in and payment services that the program knows
	NoReferrers      = "none"    // as the only entry: every referrer is a source
)

// Bounds of the texts of a site.
const (
	MaxSettings = 32 << 10 // bytes of all settings together
	maxName     = 200      // characters
	maxTags     = 10
	maxTag      = 50   // characters
	maxOptOut   = 1000 // bytes
)

// Validate returns an error that names invalid fields, the first of those that are checked
// together: InvalidErrors, but for goals.
func (s Site) Validate() error {
	if err := s.validateHead(); err != nil {
		return err // what follows needs a host and a zone
	}
	if err := errors.Join(s.validateLists(), s.validateReferrers(), s.validateRules(), s.validateStatement(), s.validateGoals()); err != nil {
		return err
	}
	size := 0
	for _, setting := range Settings {
		size += len(setting.Get(s))
	}
	if size > MaxSettings {
		return fmt.Errorf("settings of %d bytes: want at most %d", size, MaxSettings)
	}
	return nil
}

// invalid is the error for a value of a setting.
func invalid(setting, value, format string, args ...any) error {
	return InvalidError{setting, value, fmt.Errorf(format, args...)}
}

func (s Site) validateHead() error {
	switch {
	case s.Name == "":
		return invalid("name", "", "site without a name")
	case utf8.RuneCountInString(s.Name) > maxName || strings.ContainsFunc(s.Name, unicode.IsControl):
		return invalid("name", s.Name, "name of a site: want at most %d characters in one line", maxName)
	case Scrubbed(s.Name) != s.Name && !slices.Contains(s.Hosts, s.Name): // an address may be a host
		return invalid("name", s.Name, "name of a site: %w", ErrPersonal)
	case len(s.Hosts) == 0:
		return invalid("host", "", "site without a host")
	case s.Location == nil:
		return invalid("timezone", "", "site without a time zone")
	}
	for i, host := range s.Hosts {
		name := host
		if i > 0 { // the first must be a name, since links lead to it
			name = strings.TrimPrefix(host, "*.")
		}
		if canonical, err := hostname.Parse(name); err != nil || canonical != name {
			return invalid("host", host, "host %q: want a name such as example.org, or *.example.org behind the first", host)
		}
	}
	return nil
}

func (s Site) validateLists() error {
	for key, names := range map[string][]string{
		"parameters": s.Parameters, "search-parameters": s.SearchParameters,
		"search-category-parameters": s.SearchCategories, "search-count-parameters": s.SearchCounts,
	} {
		for _, name := range names {
			if !plain(name) {
				return invalid(key, name, "query parameter %q: want a name of letters, digits, '_', '-' and '.', or of a list, such as tx_news[id] or f[]", name)
			}
		}
	}
	for _, pattern := range s.Excluded {
		if !strings.HasPrefix(pattern, "/") && !strings.HasPrefix(pattern, "*") {
			return invalid("exclude", pattern, "excluded path %q: want a path or pattern such as /admin/*", pattern)
		}
		if Scrubbed(pattern) != pattern {
			return invalid("exclude", pattern, "excluded path: %w", ErrPersonal)
		}
	}
	for _, network := range s.Networks {
		if !isNetwork(network) {
			return invalid("exclude-networks", network.String(), "excluded network %q: want 256 addresses or more, such as 192.0.2.0/24 or 2001:db8::/48, since no full address is kept", network)
		}
	}
	for _, tag := range s.Tags {
		if utf8.RuneCountInString(tag) > maxTag || strings.ContainsFunc(tag, unicode.IsControl) || len(words(tag)) != 1 || words(tag)[0] != tag {
			return invalid("tags", tag, "tag %q: want at most %d characters, without a comma", tag, maxTag)
		}
		if Scrubbed(tag) != tag {
			return invalid("tags", tag, "tag: %w", ErrPersonal)
		}
	}
	if len(s.Tags) > maxTags {
		return invalid("tags", s.Tags[maxTags], "%d tags: want at most %d", len(s.Tags), maxTags)
	}
	return nil
}

func (s Site) validateReferrers() error {
	for _, host := range s.IgnoredReferrers {
		if host == DefaultReferrers || host == NoReferrers && len(s.IgnoredReferrers) == 1 {
			continue
		}
		if canonical, err := hostname.Parse(host); err != nil || canonical != host || !strings.Contains(host, ".") {
			return invalid("ignore-referrers", host, "ignored referrer %q: want a host such as login.example.org, %s, or %s alone", host, DefaultReferrers, NoReferrers)
		}
	}
	return nil
}

func (s Site) validateRules() error {
	if _, err := privacy.ParsePathRules(s.PathRules); err != nil {
		wrong := slices.IndexFunc(s.PathRules, func(rule string) bool {
			_, err := privacy.ParsePathRules([]string{rule})
			return err != nil
		})
		return InvalidError{"path-rules", strings.Join(s.PathRules[max(wrong, 0):wrong+1], ""), err}
	}
	for _, rule := range s.PathRules {
		if Scrubbed(rule) != rule {
			return invalid("path-rules", rule, "path rule: %w", ErrPersonal)
		}
	}
	if s.Guard < 0 || s.Guard > MaxGuard {
		return invalid("guard", strconv.Itoa(s.Guard), "guard %d: want 0 to %d", s.Guard, MaxGuard)
	}
	if s.Retention != (privacy.Period{}) && s.Retention.Validate() != nil {
		return InvalidError{"retention", s.Retention.String(), fmt.Errorf("retention %w", s.Retention.Validate())}
	}
	switch s.Objections {
	case "", privacy.Heed, privacy.Ignore:
	default:
		return invalid("objections", s.Objections, "objections %q: want %s, %s or nothing", s.Objections, privacy.Heed, privacy.Ignore)
	}
	switch s.Record {
	case "", privacy.Minimal, privacy.Standard:
		return nil
	default:
		return invalid("policy", string(s.Record), "record %q: want %s, %s or nothing", s.Record, privacy.Standard, privacy.Minimal)
	}
}

// ValidateUnder returns an InvalidError if the site may not have what it has under a policy.
func (s Site) ValidateUnder(policy privacy.Policy) error {
	if err := policy.Allows(s.Own()); err != nil {
		return InvalidError{"retention", s.Retention.String(), err}
	}
	return nil
}

func (s Site) validateStatement() error {
	for _, d := range privacy.Declarations {
		if text := *d.Text(&s.Declared); d.Check(text) != nil {
			return InvalidError{d.Key, text, fmt.Errorf("%s: %w", d.Key, d.Check(text))}
		}
	}
	if s.OptOut == "" {
		return nil
	}
	u, err := url.Parse(s.OptOut)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || !s.Owns(u.Hostname()) || len(s.OptOut) > maxOptOut {
		return invalid("opt-out", s.OptOut, "page of the opt-out %q: want the URL of a page of the site, of at most %d bytes, such as https://%s/personvern", s.OptOut, maxOptOut, s.Hosts[0])
	}
	return nil
}

// plain reports whether the name of a query parameter, in Unicode's form C, means the same in
// all its spellings in URLs. The name of a list is followed by keys in brackets.
func plain(name string) bool {
	name, keys, list := strings.Cut(name, "[")
	if list {
		keys, closed := strings.CutSuffix(keys, "]")
		for key := range strings.SplitSeq(keys, "][") {
			if !closed || key != "" && !plain(key) {
				return false
			}
		}
	}
	return name != "" && norm.NFC.IsNormalString(name) && !strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-.", r)
	})
}

// Events returns the events in the calendar of the site's country of which a day is in days.
// The country follows from the time zone; only that of Norway has events yet.
func (s Site) Events(days calendar.Range) []calendar.Event {
	switch s.Location.String() {
	case "Europe/Oslo", "Arctic/Longyearbyen", "Atlantic/Jan_Mayen":
		return calendar.Norway(days, s.School)
	}
	return nil
}

// Owns reports whether host, in any spelling, is one of the site's. Of the hosts below that
// of a page proxy, such as *.translate.goog, only those that serve copies of the site's own
// pages are the site's.
func (s Site) Owns(host string) bool {
	host = hostname.Canonical(host)
	for _, own := range s.Hosts {
		if below, ok := strings.CutPrefix(own, "*."); ok {
			if s.ownsBelow(host, hostname.Canonical(below)) {
				return true
			}
		} else if strings.TrimPrefix(hostname.Canonical(own), "www.") == strings.TrimPrefix(host, "www.") {
			return true
		}
	}
	return false
}

// ownsBelow reports whether a host is below parent and is the site's.
func (s Site) ownsBelow(host, parent string) bool {
	label, ok := strings.CutSuffix(host, parent)
	if !ok || len(label) < len("a.") || label[len(label)-1] != '.' {
		return false
	}
	original, copied := hostname.Copied(host)
	return !copied || original != "" && s.Owns(original)
}

// Excludes reports whether one of the site's patterns matches a whole path. A * in a pattern
// matches any text, with slashes or empty. A pattern may be decoded or encoded as in a URL.
// Path and pattern are compared in Unicode's form C.
func (s Site) Excludes(path string) bool {
	if len(s.Excluded) == 0 {
		return false
	}
	path = norm.NFC.String(path)
	for _, pattern := range s.Excluded {
		if matches(readable(pattern), path) {
			return true
		}
	}
	return false
}

// Trial returns a function that returns what the path of a stored page becomes under the rules
// of the site, and false if it is excluded. Parameters of the page stand behind a question
// mark.
func (s Site) Trial() (func(stored string) (path string, counted bool), error) {
	rules, err := privacy.ParsePathRules(s.PathRules)
	return func(stored string) (string, bool) {
		page, parameters, more := strings.Cut(stored, "?")
		if s.Excludes(page) {
			return "", false
		}
		path := rules.Path(page)
		if s.StripSlash {
			path = cmp.Or(strings.TrimRight(path, "/"), "/")
		}
		if more {
			path += "?" + parameters
		}
		return path, true
	}, err
}

// Ignores reports whether the site names a referrer, in any spelling, or a host above it among
// those that are no source.
func (s Site) Ignores(host string) bool {
	host = hostname.Canonical(host)
	return slices.ContainsFunc(s.IgnoredReferrers, func(ignored string) bool {
		return ignored == host || strings.HasSuffix(host, "."+ignored)
	})
}

// readable returns a pattern decoded, in Unicode's form C.
func readable(pattern string) string {
	if strings.Contains(pattern, "%") {
		if decoded, err := url.PathUnescape(pattern); err == nil && utf8.ValidString(decoded) {
			pattern = decoded
		}
	}
	return norm.NFC.String(pattern)
}

// matches reports whether a pattern matches a whole path. It takes the first occurrence of
// each piece between two asterisks, which leaves the most text for the pieces after it.
func matches(pattern, path string) bool {
	start, pattern, open := strings.Cut(pattern, "*")
	path, ok := strings.CutPrefix(path, start)
	if !ok || !open {
		return ok && path == ""
	}
	for {
		piece, rest, more := strings.Cut(pattern, "*")
		if !more {
			return strings.HasSuffix(path, piece)
		}
		_, behind, found := strings.Cut(path, piece)
		if !found {
			return false
		}
		pattern, path = rest, behind
	}
}

// Changed returns the names of the fields that differ between two states of a site, sorted
// and in lower case.
func Changed(before, after Site) []string {
	var names []string
	a, b := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range a.NumField() {
		one, two := a.Field(i).Interface(), b.Field(i).Interface()
		if fmt.Sprint(one) != fmt.Sprint(two) {
			names = append(names, strings.ToLower(a.Type().Field(i).Name))
		}
	}
	return names
}
