package site

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fotspor/fotspor/privacy/scrub"
)

// Bounds of saved views.
const (
	MaxOwnViews    = 100  // of a user, over all sites
	MaxSharedViews = 100  // of a site
	MaxViewName    = 120  // bytes
	MaxViewQuery   = 4096 // bytes
)

// Errors of changes of saved views.
var (
	// ErrManyViews is wrapped if there is no room for one more.
	ErrManyViews = errors.New("no room for more saved views")
	// ErrSameView is wrapped if another view in the same list has the name.
	ErrSameView = errors.New("a saved view has this name")
)

// View is a page of a site with its period, filters and columns, or the list of sites, which a
// user saved under a name. Others see it if it is shared: all who see the site.
type View struct {
	ID     uint64 // random, below 1<<53; 0: a new view
	Site   uint32 // 0: the list of sites
	Name   string
	Owner  string // name of the user who saved it
	Shared bool
	Page   string // path behind that of the site, such as "/sources"; "": the overview, or the list
	Query  string // the parameters of the page, encoded
	Since  time.Time
}

// SeenBy reports whether a user who sees the site sees the view.
func (v View) SeenBy(u User) bool { return v.Shared || v.Owner == u.Name }

// ChangedBy reports whether a user may rename and remove the view: its owner, and of a shared
// view whoever writes about the site.
func (v View) ChangedBy(u User) bool {
	if v.Shared {
		return u.Role.Writes()
	}
	return v.Owner == u.Name
}

// ViewProblem says what is wrong with a saved view.
type ViewProblem string

// The problems of saved views.
const (
	ViewEmpty       ViewProblem = "empty" // it has no name
	ViewTooLong     ViewProblem = "long"  // the name has too many bytes
	ViewUnprintable ViewProblem = "unprintable"
	ViewPersonal    ViewProblem = "personal" // the name has personal data in a form that is known
	ViewTooLarge    ViewProblem = "large"    // so many filters that the address is too long
	ViewPersonalIn  ViewProblem = "search"   // a filter, page, search or other text of the address has personal data
)

// Problem returns the first thing that is wrong with the view, "" if nothing is.
func (v View) Problem() ViewProblem {
	switch {
	case v.Name == "":
		return ViewEmpty
	case len(v.Name) > MaxViewName:
		return ViewTooLong
	case !utf8.ValidString(v.Name) || v.Name != CleanNote(v.Name) || strings.ContainsFunc(v.Name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return ViewUnprintable
	case v.Scrubbed() != v.Name:
		return ViewPersonal
	case len(v.Query) > MaxViewQuery || len(v.Page) > MaxViewQuery:
		return ViewTooLarge
	case personalIn(v.Page, v.Query):
		return ViewPersonalIn
	}
	return ""
}

// personalIn reports whether a text in the address of a page has personal data in a form that is
// known. What is stored of hits has none: it went through the same.
func personalIn(page, query string) bool {
	if _, err := url.ParseQuery(query); err != nil {
		return true
	}
	return slices.ContainsFunc((View{Page: page, Query: query}).Texts()[1:], func(text string) bool { return Scrubbed(text) != text })
}

// Texts returns the name, the page and each value of its parameters, those of filters without their
// dimension.
func (v View) Texts() []string {
	all := []string{v.Name, v.Page}
	values, err := url.ParseQuery(v.Query)
	if err != nil {
		all = append(all, v.Query)
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		for _, text := range values[key] {
			if key == "f" { // dimension:value
				_, text, _ = strings.Cut(text, ":")
				if !strings.HasSuffix(text, `\*`) {
					text = strings.TrimSuffix(text, "*")
				}
				text = strings.NewReplacer(`\\`, `\`, `\*`, `*`).Replace(text)
			}
			all = append(all, text)
		}
	}
	return all
}

// Scrubbed returns a path, with its parameters, or another text with a mark in the place of each
// piece of personal data.
func Scrubbed(text string) string {
	if !strings.HasPrefix(text, "/") {
		return scrub.Text(text)
	}
	path, parameters, has := strings.Cut(text, "?")
	if path = scrub.Path(path); has {
		path += "?" + scrub.Text(parameters)
	}
	return path
}

// Scrubbed returns the name with a mark in the place of each piece of personal data.
func (v View) Scrubbed() string { return scrub.Text(v.Name) }

// Validate returns an error that names the problem.
func (v View) Validate() error {
	if wrong := v.Problem(); wrong != "" {
		return fmt.Errorf("saved view: %s", wrong)
	}
	if v.Owner == "" {
		return errors.New("saved view of nobody")
	}
	return nil
}
