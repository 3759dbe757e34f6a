package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ClickHouse/clickhouse-go/v2"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Role says what a user may do.
type Role string

// The roles: an admin manages sites and users, a viewer reads.
const (
	Admin  Role = "admin"
	Viewer Role = "viewer"
)

// Errors of changes of users.
var (
	// ErrExists is wrapped when a new user has the name of another.
	ErrExists = errors.New("exists")
	// ErrHasAdmin is returned when the first admin is to be made and there is one.
	ErrHasAdmin = errors.New("there is an admin")
	// ErrLastAdmin is wrapped when a change would leave nobody who manages users.
	ErrLastAdmin = errors.New("the last admin can't be removed or made a viewer: make somebody else one first")
)

// MaxName is the most bytes of the name of a user.
const MaxName = 100

// User is somebody who may log in.
type User struct {
	Name     string // as ValidateName takes it
	Role     Role
	Password string // argon2id hash in PHC string format, never the password

	// Restricted is true for a viewer who sees Sites and no others. An admin
	// sees all sites.
	Restricted bool
	Sites      []uint32

	// Generation is new with each change of the user. A session ends when its
	// generation is no longer the user's. Writers leave it empty.
	Generation string
}

// Sees reports whether the user may see a site.
func (u User) Sees(site uint32) bool {
	return u.Role == Admin || !u.Restricted || slices.Contains(u.Sites, site)
}

// CleanName returns a name as it is compared: without spaces around it, in NFC.
func CleanName(name string) string { return norm.NFC.String(strings.TrimSpace(name)) }

// ValidateName returns an error unless name can be the name of a user: as CleanName
// returns it, at most MaxName bytes of text in one line with letters of one script, and
// not "unknown", the name of everybody else in the audit log.
func ValidateName(name string) error {
	switch {
	case name == "":
		return errors.New("user without a name")
	case len(name) > MaxName:
		return fmt.Errorf("name of a user: want at most %d bytes", MaxName)
	case !utf8.ValidString(name) || name != CleanName(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("name %q: want printable characters without spaces around them", name)
	case strings.EqualFold(name, Unknown):
		return fmt.Errorf("name %q: it stands for everybody who is no user", name)
	case mixesScripts(name):
		return fmt.Errorf("name %q: want letters of one script, since those of others look like them", name)
	}
	return nil
}

// sameName reports whether two names are those of one user: they differ at most in
// case and in compatible forms of the same characters.
func sameName(a, b string) bool {
	fold := func(s string) string { return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s))) }
	return fold(a) == fold(b)
}

// together are the scripts that one language writes with.
var together = map[string]string{"Hiragana": "Han", "Katakana": "Han", "Hangul": "Han", "Bopomofo": "Han"}

// mixesScripts reports whether a name has letters of two scripts: with them one name
// can look like another (UTS 39, single script).
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

// validate returns an error that names the first unusable field.
func (u User) validate() error {
	if err := ValidateName(u.Name); err != nil {
		return err
	}
	if u.Password == "" {
		return fmt.Errorf("user %q without a password", u.Name)
	}
	return validRole(u.Role)
}

func validRole(role Role) error {
	if role != Admin && role != Viewer {
		return fmt.Errorf("role %q: want admin or viewer", role)
	}
	return nil
}

// AddUser stores a new user. A name that is taken, in any case of its letters, is
// ErrExists.
func (s *Store) AddUser(ctx context.Context, u User) error {
	if err := u.validate(); err != nil {
		return err
	}
	s.accounts.Lock()
	defer s.accounts.Unlock()
	return s.addUser(ctx, u)
}

// AddFirstAdmin stores a new user as the first admin. If there is an admin it is
// ErrHasAdmin, also if another process makes one meanwhile: whoever looks last takes
// its own back, and if both do, there is none and both may try again. Two that make
// one of the same name within a few milliseconds may both succeed; the later password
// counts.
func (s *Store) AddFirstAdmin(ctx context.Context, u User) error {
	u.Role = Admin
	if err := u.validate(); err != nil {
		return err
	}
	s.accounts.Lock()
	defer s.accounts.Unlock()
	if ok, err := s.hasAdmin(ctx, ""); err != nil || ok {
		return cmp.Or(err, ErrHasAdmin)
	}
	if err := s.addUser(ctx, u); err != nil {
		return err
	}
	other, err := s.hasAdmin(ctx, u.Name)
	if err != nil || !other {
		return err
	}
	defer s.dropReplaced(ctx, "users")
	err = s.note(ctx, UserAdded, u.Name+": taken back")
	if err := errors.Join(err, s.writeUser(ctx, User{Name: u.Name}, true)); err != nil {
		return fmt.Errorf("take back admin %q: %w", u.Name, err)
	}
	return ErrHasAdmin
}

// addUser is AddUser for a caller that holds the lock and has validated the user.
func (s *Store) addUser(ctx context.Context, u User) error {
	users, err := s.Users(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(users, func(other User) bool { return sameName(other.Name, u.Name) }) {
		return fmt.Errorf("user %q: %w", u.Name, ErrExists)
	}
	u.Restricted, u.Sites = tidySites(u.Role, u.Restricted, u.Sites)
	if err := s.note(ctx, UserAdded, u.Name+": "+u.rights()); err != nil {
		return err
	}
	if err := s.writeUser(ctx, u, false); err != nil {
		return fmt.Errorf("add user: %w", err)
	}
	return nil
}

// tidySites returns the sites of a user in order, each once. An admin has no list of
// sites, and so has a viewer who sees all.
func tidySites(role Role, restricted bool, sites []uint32) (bool, []uint32) {
	if role == Admin || !restricted {
		return false, nil
	}
	return true, slices.Compact(slices.Sorted(slices.Values(sites)))
}

// rights says in words what the user may see and do.
func (u User) rights() string {
	if u.Role == Admin {
		return string(u.Role)
	}
	return string(u.Role) + ", " + siteList(u.Restricted, u.Sites)
}

// siteList writes a list of sites as the command line reads it.
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

// writeUser stores all of a user in a new generation. The row goes before the one
// that counts now, even if the clock has gone back since.
func (s *Store) writeUser(ctx context.Context, u User, removed bool) error {
	// Not as parameters, which stand in the URL of a request: the hash is a secret.
	return s.conn.Exec(ctx, `
		INSERT INTO users (name, role, password, restricted, sites, generation, removed, updated)
		SELECT ?, ?, ?, ?, ?, ?, ?, greatest(now64(6), max(updated) + toIntervalMicrosecond(1))
		FROM users WHERE name = ?`,
		u.Name, string(u.Role), u.Password, u.Restricted, append([]uint32{}, u.Sites...), rand.Text(), removed, u.Name)
}

// change reads a user, changes it, notes the change and stores the user in a new
// generation, which ends its sessions. Changes of one process wait for each other.
// Two processes that change one user within the same few milliseconds may lose one
// of the changes; that the last admin stays holds for them too.
func (s *Store) change(ctx context.Context, name string, action Action, about func(User) string, f func(*User) (removed bool)) error {
	s.accounts.Lock()
	defer s.accounts.Unlock()
	before, err := s.User(ctx, name)
	if err != nil {
		return err
	}
	u := before
	removed := f(&u)
	demoted := before.Role == Admin && (removed || u.Role != Admin)
	if demoted {
		ok, err := s.hasAdmin(ctx, name)
		if err == nil && !ok {
			err = errors.Join(fmt.Errorf("user %q: %w", name, ErrLastAdmin), s.note(ctx, LastAdminKept, name))
		}
		if err != nil {
			return err
		}
	}
	if err := s.note(ctx, action, about(u)); err != nil {
		return err
	}
	if err := s.writeUser(ctx, u, removed); err != nil {
		return fmt.Errorf("change user: %w", err)
	}
	if u.Password != before.Password {
		defer s.dropReplaced(ctx, "users")
	}
	if !demoted {
		return nil
	}
	// Another process may have done the same to the other admin meanwhile. Whoever
	// looks last sees it, and takes its own change back; if both do, both stay.
	if ok, err := s.hasAdmin(ctx, ""); err != nil || ok {
		return err
	}
	err = s.note(ctx, action, before.Name+": taken back")
	if err := errors.Join(err, s.writeUser(ctx, before, false)); err != nil {
		return fmt.Errorf("keep the last admin: %w", err)
	}
	return fmt.Errorf("user %q: %w", name, ErrLastAdmin)
}

// dropTime bounds dropReplaced, beside which a request waits.
const dropTime = 5 * time.Second

// dropReplaced merges the parts of a small table, so that rows which no longer count,
// and the secrets in them, leave the disk within seconds. A failure is logged: the
// next change tries again.
func (s *Store) dropReplaced(ctx context.Context, table string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropTime)
	defer cancel()
	if err := s.conn.Exec(ctx, "OPTIMIZE TABLE "+table+" FINAL"); err != nil {
		s.log.Warn("rows that were replaced, and the hashes in them, stay on the disk for now", "table", table, "err", err)
	}
}

// HasAdmin reports whether there is an admin.
func (s *Store) HasAdmin(ctx context.Context) (bool, error) { return s.hasAdmin(ctx, "") }

// hasAdmin reports whether there is an admin of another name.
func (s *Store) hasAdmin(ctx context.Context, but string) (bool, error) {
	users, err := s.Users(ctx)
	return slices.ContainsFunc(users, func(u User) bool { return u.Role == Admin && u.Name != but }), err
}

// SetPassword gives a user another password hash, which ends the user's sessions; an
// unknown name is ErrNotFound, as with the methods below.
func (s *Store) SetPassword(ctx context.Context, name, hash string) error {
	if hash == "" {
		return fmt.Errorf("user %q without a password", name)
	}
	return s.change(ctx, name, PasswordChanged, func(User) string { return name }, func(u *User) bool {
		u.Password = hash
		return false
	})
}

// SetRights gives a user another role and other sites, which ends the user's
// sessions. Making a viewer of the last admin is ErrLastAdmin.
func (s *Store) SetRights(ctx context.Context, name string, role Role, restricted bool, sites []uint32) error {
	if err := validRole(role); err != nil {
		return err
	}
	was, err := s.User(ctx, name)
	if err != nil {
		return err
	}
	action := RoleChanged
	if was.Role == role {
		action = SitesChanged
	}
	return s.change(ctx, name, action, func(u User) string { return name + ": " + u.rights() }, func(u *User) bool {
		u.Role = role
		u.Restricted, u.Sites = tidySites(role, restricted, sites)
		return false
	})
}

// RemoveUser removes a user and ends the user's sessions. Removing the last admin is
// ErrLastAdmin.
func (s *Store) RemoveUser(ctx context.Context, name string) error {
	return s.change(ctx, name, UserRemoved, func(User) string { return name }, func(u *User) bool {
		*u = User{Name: u.Name}
		return true
	})
}

// EndSessions ends all sessions of a user.
func (s *Store) EndSessions(ctx context.Context, name string) error {
	return s.change(ctx, name, SessionsEnded, func(User) string { return name }, func(*User) bool { return false })
}

const userColumns = "name, role, password, restricted, sites, generation"

// scan reads userColumns.
func (u *User) scan(scan func(...any) error) error {
	var restricted uint8
	err := scan(&u.Name, (*string)(&u.Role), &u.Password, &restricted, &u.Sites, &u.Generation)
	u.Restricted = restricted != 0
	return err
}

// User returns one user; an unknown name is ErrNotFound.
func (s *Store) User(ctx context.Context, name string) (User, error) {
	var u User
	ctx = bind(ctx, clickhouse.Parameters{"name": name})
	err := u.scan(s.conn.QueryRow(ctx, "SELECT "+userColumns+" FROM users FINAL WHERE name = {name:String} AND NOT removed").Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return User{}, fmt.Errorf("user %q: %w", name, ErrNotFound)
	}
	if err != nil {
		return User{}, fmt.Errorf("read user: %w", err)
	}
	return u, nil
}

// Users returns all users in order of name.
func (s *Store) Users(ctx context.Context) ([]User, error) {
	rows, err := s.conn.Query(ctx, "SELECT "+userColumns+" FROM users FINAL WHERE NOT removed ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	defer rows.Close()
	var users []User
	for rows.Next() {
		var u User
		if err := u.scan(rows.Scan); err != nil {
			return nil, fmt.Errorf("list users: %w", err)
		}
		users = append(users, u)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return users, nil
}
