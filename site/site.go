// Package site holds what an owner of websites declares: the sites and their rules, and
// who may see or send what. It knows no storage: package store keeps its values. All
// values are safe for concurrent use as long as nobody changes them.
package site

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/privacy"
)

// ErrNotFound is wrapped by a look-up that finds no site, credential, user or log-in.
var ErrNotFound = errors.New("not found")

// Site is a website whose traffic is counted.
type Site struct {
	ID   uint32
	Name string
	// Hosts are names such as example.org, which stands for www.example.org too,
	// or *.example.org for every host below it. The first is the main one, a name.
	// Each is as hostname.Parse returns it.
	Hosts    []string
	Location *time.Location

	Parameters []string       // names of query parameters that are part of a page's path
	Excluded   []string       // patterns of paths that are not counted; see Excludes
	PathRules  []string       // what of a path is marked; see privacy.PathRules
	Record     privacy.Record // "": what the program's policy says

	StripSlash       bool     // a slash at the end of a path is dropped
	IgnoredReferrers []string // hosts, with those below them, that are no source; nil: DefaultReferrers alone

	// Names of query parameters, in whatever case, that hold what a visitor searched
	// for, the category and the number of results. Without SearchParameters no search is
	// read off an address.
	SearchParameters, SearchCategories, SearchCounts []string

	Goals []Goal // at most MaxGoals
}

// What IgnoredReferrers may have besides hosts.
const (
	DefaultReferrers = "default" // the log-in and payment services that the program knows
	NoReferrers      = "none"    // alone: every referrer is a source
)

// Validate returns an error that names the first unusable field.
func (s Site) Validate() error {
	switch {
	case s.Name == "":
		return errors.New("site without a name")
	case len(s.Hosts) == 0:
		return errors.New("site without a host")
	case s.Location == nil:
		return errors.New("site without a time zone")
	}
	for i, host := range s.Hosts {
		name := host
		if i > 0 { // links lead to the main one
			name = strings.TrimPrefix(host, "*.")
		}
		if canonical, err := hostname.Parse(name); err != nil || canonical != name {
			return fmt.Errorf("host %q: want a name such as example.org, or *.example.org behind the first", host)
		}
	}
	for _, name := range slices.Concat(s.Parameters, s.SearchParameters, s.SearchCategories, s.SearchCounts) {
		if !plain(name) {
			return fmt.Errorf("query parameter %q: want a name of letters, digits, '_', '-' and '.', or of a list, such as tx_news[id] or f[]", name)
		}
	}
	for _, pattern := range s.Excluded {
		if !strings.HasPrefix(pattern, "/") && !strings.HasPrefix(pattern, "*") {
			return fmt.Errorf("excluded path %q: want a path or pattern such as /admin/*", pattern)
		}
	}
	for _, host := range s.IgnoredReferrers {
		if host == DefaultReferrers || host == NoReferrers && len(s.IgnoredReferrers) == 1 {
			continue
		}
		if canonical, err := hostname.Parse(host); err != nil || canonical != host || !strings.Contains(host, ".") {
			return fmt.Errorf("ignored referrer %q: want a host such as login.example.org, %s, or %s alone", host, DefaultReferrers, NoReferrers)
		}
	}
	if _, err := privacy.ParsePathRules(s.PathRules); err != nil {
		return err
	}
	if err := s.validateGoals(); err != nil {
		return err
	}
	switch s.Record {
	case "", privacy.Minimal, privacy.Standard:
		return nil
	default:
		return fmt.Errorf("record %q: want %s, %s or nothing", s.Record, privacy.Standard, privacy.Minimal)
	}
}

// plain reports whether a query parameter's name, which is in Unicode's form C, means the
// same however it is written in a URL. Names of lists have their keys in brackets behind them.
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

// Owns reports whether host is one of the site's, in whatever spelling. Below the host
// of a page proxy, such as *.translate.goog, those hosts are that serve copies of the
// site's own pages.
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

// ownsBelow reports whether a host is below another and the site's.
func (s Site) ownsBelow(host, parent string) bool {
	label, ok := strings.CutSuffix(host, parent)
	if !ok || len(label) < len("a.") || label[len(label)-1] != '.' {
		return false
	}
	original, copied := hostname.Copied(host)
	return !copied || original != "" && s.Owns(original)
}

// Excludes reports whether one of the site's patterns matches the whole of a path.
// A * in a pattern stands for any text, slashes and nothing at all included. A pattern
// may be written decoded or as in a URL; both are compared in Unicode's form C.
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

// readable returns a pattern decoded, in Unicode's form C.
func readable(pattern string) string {
	if strings.Contains(pattern, "%") {
		if decoded, err := url.PathUnescape(pattern); err == nil && utf8.ValidString(decoded) {
			pattern = decoded
		}
	}
	return norm.NFC.String(pattern)
}

// matches takes every piece between two asterisks where it comes first: what is left
// for the pieces behind it is then the most there can be.
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

// Changed returns the names of the fields that differ between two states of a site, in
// lower case and in order.
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
