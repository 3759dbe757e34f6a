package site

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Role is what a user may do.
type Role string

// The roles: an admin manages sites and users, an editor sees figures and writes notes about
// them, a viewer sees figures.
const (
	Admin  Role = "admin"
	Editor Role = "editor"
	Viewer Role = "viewer"
)

// Validate returns an error unless r is one of the roles.
func (r Role) Validate() error {
	if r != Admin && r != Editor && r != Viewer {
		return fmt.Errorf("role %q: want admin, editor or viewer", r)
	}
	return nil
}

// Writes reports whether the role may write notes about the sites that it sees.
func (r Role) Writes() bool { return r == Admin || r == Editor }

// Errors of changes of users.
var (
	// ErrExists is wrapped if a new user has the name of another.
	ErrExists = errors.New("exists")
	// ErrHasAdmin is returned if the first admin is to be added and there is one.
	ErrHasAdmin = errors.New("there is an admin")
	// ErrLastAdmin is wrapped if a change would leave no admin.
	ErrLastAdmin = errors.New("the last admin can't be removed or made a viewer: make another user an admin first")
)

// Unknown stands in the audit log for people who are no users. No user has that name.
const Unknown = "unknown"

// MaxName is the most bytes of the name of a user.
const MaxName = 100

// User is somebody who may log in.
type User struct {
	Name     string // valid by ValidateName
	Role     Role
	Password string // argon2id hash in PHC string format, never the password

	// Restricted is true for an editor or viewer who sees Sites and no others. An admin
	// sees all sites.
	Restricted bool
	Sites      []uint32

	// Generation changes with each change of the user. A session ends when its generation
	// differs from the user's. The store sets it; callers that write leave it empty.
	Generation string
}

// Sees reports whether the user may see a site.
func (u User) Sees(site uint32) bool {
	return u.Role == Admin || !u.Restricted || slices.Contains(u.Sites, site)
}

// CleanName returns a name in the form in which names are stored: without spaces around it,
// in NFC.
func CleanName(name string) string { return norm.NFC.String(strings.TrimSpace(name)) }

// ValidateName returns an error unless name can be the name of a user: it must have the form
// of CleanName, at most MaxName bytes in one line, letters of one script only, and not be
// Unknown.
func ValidateName(name string) error {
	switch {
	case name == "":
		return errors.New("user without a name")
	case len(name) > MaxName:
		return fmt.Errorf("name of a user: want at most %d bytes", MaxName)
	case !utf8.ValidString(name) || name != CleanName(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("name %q: want printable characters without spaces around them", name)
	case strings.EqualFold(name, Unknown):
		return fmt.Errorf("name %q: it stands for people who are no users", name)
	case mixesScripts(name):
		return fmt.Errorf("name %q: want letters of one script, since letters of others can look the same", name)
	}
	return nil
}

// SameName reports whether two names count as one: whether they differ at most in case and
// in compatible forms of the same characters.
func SameName(a, b string) bool {
	fold := func(s string) string { return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s))) }
	return fold(a) == fold(b)
}

// together maps scripts that are mixed in one language to one of them.
var together = map[string]string{"Hiragana": "Han", "Katakana": "Han", "Hangul": "Han", "Bopomofo": "Han"}

// mixesScripts reports whether a name has letters of two scripts, with which it could look
// like another name (UTS 39, single script).
func mixesScripts(name string) bool {
	first := ""
	for _, r := range name {
		for script, table := range unicode.Scripts {
			if !unicode.IsLetter(r) || script == "Common" || script == "Inherited" || !unicode.Is(table, r) {
				continue
			}
			script = cmp.Or(together[script], script)
			if first = cmp.Or(first, script); first != script {
				return true
			}
		}
	}
	return false
}

// Validate returns an error that names the first invalid field.
func (u User) Validate() error {
	if err := ValidateName(u.Name); err != nil {
		return err
	}
	if u.Password == "" {
		return fmt.Errorf("user %q without a password", u.Name)
	}
	return u.Role.Validate()
}

// SetRights sets the user's role and, for a restricted editor or viewer, the sites, sorted
// and each once. Who sees all sites has no list.
func (u *User) SetRights(role Role, restricted bool, sites []uint32) {
	u.Role, u.Restricted, u.Sites = role, role != Admin && restricted, nil
	if u.Restricted {
		u.Sites = slices.Compact(slices.Sorted(slices.Values(sites)))
	}
}

// Rights returns in words what the user may see and do.
func (u User) Rights() string {
	if u.Role == Admin {
		return string(u.Role)
	}
	return string(u.Role) + ", " + siteList(u.Restricted, u.Sites)
}

// siteList returns a list of sites in the form of the command line.
func siteList(restricted bool, sites []uint32) string {
	switch {
	case !restricted:
		return "sites all"
	case len(sites) == 0:
		return "sites none"
	}
	words := make([]string, len(sites))
	for i, id := range sites {
		words[i] = strconv.FormatUint(uint64(id), 10)
	}
	return "sites " + strings.Join(words, ",")
}
