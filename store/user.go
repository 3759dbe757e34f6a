package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/site"
)

// AddUser stores a new user. It returns site.ErrExists if the name is taken, in upper or
// lower case.
func (s *Store) AddUser(ctx context.Context, u site.User) error {
	if err := u.Validate(); err != nil {
		return err
	}
	return s.edit(ctx, func(ctx context.Context) error { return s.addUser(ctx, u) })
}

// AddFirstAdmin stores a new user as the first admin. It returns site.ErrHasAdmin if there
// is an admin.
func (s *Store) AddFirstAdmin(ctx context.Context, u site.User) error {
	u.Role = site.Admin
	if err := u.Validate(); err != nil {
		return err
	}
	return s.edit(ctx, func(ctx context.Context) error {
		if ok, err := s.hasAdmin(ctx, ""); err != nil || ok {
			return cmp.Or(err, site.ErrHasAdmin)
		}
		return s.addUser(ctx, u)
	})
}

// addUser is AddUser under edit for a user that is valid.
func (s *Store) addUser(ctx context.Context, u site.User) error {
	users, err := s.Users(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(users, func(other site.User) bool { return site.SameName(other.Name, u.Name) }) {
		return fmt.Errorf("user %q: %w", u.Name, site.ErrExists)
	}
	u.SetRights(u.Role, u.Restricted, u.Sites)
	if err := s.note(ctx, audit.UserAdded, u.Name+": "+u.Rights()); err != nil {
		return err
	}
	if err := s.writeUser(ctx, u, false); err != nil {
		return fmt.Errorf("add user: %w", err)
	}
	return nil
}

// writeUser stores a user in a new generation. The version of the row is higher than that of
// the current one, even if the clock was set back.
func (s *Store) writeUser(ctx context.Context, u site.User, removed bool) error {
	// Not as parameters, which are part of the URL of a request: the hash is a secret.
	return s.conn.Exec(ctx, `
		INSERT INTO users (name, role, password, restricted, sites, generation, removed, updated)
		SELECT ?, ?, ?, ?, ?, ?, ?, greatest(now64(6), max(updated) + toIntervalMicrosecond(1))
		FROM users WHERE name = ?`,
		u.Name, string(u.Role), u.Password, u.Restricted, append([]uint32{}, u.Sites...), rand.Text(), removed, u.Name)
}

// change reads a user, changes it, adds a line to the audit log and stores the user in a
// new generation, which ends its sessions. The last admin is kept.
func (s *Store) change(ctx context.Context, name string, action func(before, after site.User) audit.Action, about func(site.User) string, f func(*site.User) (removed bool)) error {
	return s.edit(ctx, func(ctx context.Context) error {
		before, err := s.User(ctx, name)
		if err != nil {
			return err
		}
		u := before
		removed := f(&u)
		if before.Role == site.Admin && (removed || u.Role != site.Admin) {
			ok, err := s.hasAdmin(ctx, name)
			if err == nil && !ok {
				err = errors.Join(fmt.Errorf("user %q: %w", name, site.ErrLastAdmin), s.note(ctx, audit.LastAdminKept, name))
			}
			if err != nil {
				return err
			}
		}
		if err := s.note(ctx, action(before, u), about(u)); err != nil {
			return err
		}
		if removed { // first: a user of the same name may come
			if err := s.removeViews(ctx, name); err != nil {
				return err
			}
		}
		if err := s.writeUser(ctx, u, removed); err != nil {
			return fmt.Errorf("change user: %w", err)
		}
		if u.Password != before.Password {
			s.dropReplaced(ctx, "users")
		}
		return nil
	})
}

// always is the action of a change that has one only.
func always(a audit.Action) func(before, after site.User) audit.Action {
	return func(site.User, site.User) audit.Action { return a }
}

// dropTime bounds dropReplaced, for which a request waits.
const dropTime = 5 * time.Second

// dropReplaced merges the parts of a small table, so that replaced rows, with the secrets
// in them, leave the disk within seconds. It logs a failure; the next change tries again.
func (s *Store) dropReplaced(ctx context.Context, table string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropTime)
	defer cancel()
	if err := s.conn.Exec(ctx, "OPTIMIZE TABLE "+table+" FINAL"); err != nil {
		s.log.Warn("replaced rows, with what they held, are not removed from the disk yet", "table", table, "err", err)
	}
}

// HasAdmin reports whether there is an admin.
func (s *Store) HasAdmin(ctx context.Context) (bool, error) { return s.hasAdmin(ctx, "") }

// hasAdmin reports whether there is an admin with another name than but.
func (s *Store) hasAdmin(ctx context.Context, but string) (bool, error) {
	users, err := s.Users(ctx)
	return slices.ContainsFunc(users, func(u site.User) bool { return u.Role == site.Admin && u.Name != but }), err
}

// SetPassword sets a user's password hash and ends the user's sessions. Like the methods
// below, it returns site.ErrNotFound for an unknown name.
func (s *Store) SetPassword(ctx context.Context, name, hash string) error {
	if hash == "" {
		return fmt.Errorf("user %q without a password", name)
	}
	return s.change(ctx, name, always(audit.PasswordChanged), func(site.User) string { return name }, func(u *site.User) bool {
		u.Password = hash
		return false
	})
}

// SetRights sets a user's role and sites and ends the user's sessions. It returns
// site.ErrLastAdmin if the last admin would become a viewer.
func (s *Store) SetRights(ctx context.Context, name string, role site.Role, restricted bool, sites []uint32) error {
	if err := role.Validate(); err != nil {
		return err
	}
	action := func(before, after site.User) audit.Action {
		if before.Role == after.Role {
			return audit.SitesChanged
		}
		return audit.RoleChanged
	}
	return s.change(ctx, name, action, func(u site.User) string { return name + ": " + u.Rights() }, func(u *site.User) bool {
		u.SetRights(role, restricted, sites)
		return false
	})
}

// RemoveUser removes a user with the views that the user saved and did not share, and ends the
// user's sessions. For the last admin it returns site.ErrLastAdmin.
func (s *Store) RemoveUser(ctx context.Context, name string) error {
	return s.change(ctx, name, always(audit.UserRemoved), func(site.User) string { return name }, func(u *site.User) bool {
		*u = site.User{Name: u.Name}
		return true
	})
}

// EndSessions ends all sessions of a user.
func (s *Store) EndSessions(ctx context.Context, name string) error {
	return s.change(ctx, name, always(audit.SessionsEnded), func(site.User) string { return name }, func(*site.User) bool { return false })
}

const userColumns = "name, role, password, restricted, sites, generation"

// scanUser reads userColumns.
func scanUser(u *site.User, scan func(...any) error) error {
	var restricted uint8
	err := scan(&u.Name, (*string)(&u.Role), &u.Password, &restricted, &u.Sites, &u.Generation)
	u.Restricted = restricted != 0
	return err
}

// User returns one user, or site.ErrNotFound for an unknown name.
func (s *Store) User(ctx context.Context, name string) (site.User, error) {
	var u site.User
	ctx = bind(ctx, clickhouse.Parameters{"name": name})
	err := scanUser(&u, s.conn.QueryRow(ctx, "SELECT "+userColumns+" FROM users FINAL WHERE name = {name:String} AND NOT removed").Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return site.User{}, fmt.Errorf("user %q: %w", name, site.ErrNotFound)
	}
	if err != nil {
		return site.User{}, fmt.Errorf("read user: %w", err)
	}
	return u, nil
}

// Users returns all users in order of name.
func (s *Store) Users(ctx context.Context) ([]site.User, error) {
	rows, err := s.conn.Query(ctx, "SELECT "+userColumns+" FROM users FINAL WHERE NOT removed ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	defer rows.Close()
	var users []site.User
	for rows.Next() {
		var u site.User
		if err := scanUser(&u, rows.Scan); err != nil {
			return nil, fmt.Errorf("list users: %w", err)
		}
		users = append(users, u)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return users, nil
}
