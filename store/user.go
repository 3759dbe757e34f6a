package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Role says what a user may do.
type Role string

// The roles: an admin manages sites and users, a viewer reads.
const (
	Admin  Role = "admin"
	Viewer Role = "viewer"
)

// User is somebody who may log in.
type User struct {
	Name     string
	Role     Role
	Password string // argon2id hash in PHC string format, never the password
}

// PutUser stores a user, replacing one of the same name.
func (s *Store) PutUser(ctx context.Context, u User) error {
	if u.Name == "" || u.Password == "" || (u.Role != Admin && u.Role != Viewer) {
		return fmt.Errorf("user %q with role %q: want a name, a password and role admin or viewer", u.Name, u.Role)
	}
	err := s.conn.Exec(ctx, "INSERT INTO users (name, role, password, updated) VALUES (?, ?, ?, now64(6))",
		u.Name, string(u.Role), u.Password)
	if err != nil {
		return fmt.Errorf("put user %q: %w", u.Name, err)
	}
	return nil
}

// User returns one user; an unknown name is ErrNotFound.
func (s *Store) User(ctx context.Context, name string) (User, error) {
	u := User{Name: name}
	ctx = bind(ctx, clickhouse.Parameters{"name": name})
	err := s.conn.QueryRow(ctx, "SELECT role, password FROM users FINAL WHERE name = {name:String}").
		Scan((*string)(&u.Role), &u.Password)
	if errors.Is(err, sql.ErrNoRows) {
		return User{}, fmt.Errorf("user %q: %w", name, ErrNotFound)
	}
	if err != nil {
		return User{}, fmt.Errorf("read user %q: %w", name, err)
	}
	return u, nil
}

// Users returns the number of users.
func (s *Store) Users(ctx context.Context) (int, error) {
	var n uint64
	if err := s.conn.QueryRow(ctx, "SELECT count() FROM users FINAL").Scan(&n); err != nil {
		return 0, fmt.Errorf("count users: %w", err)
	}
	return int(n), nil
}

// PutSession stores a log-in of a user under the hash of its cookie, until it
// expires. An expiry in the past ends it.
func (s *Store) PutSession(ctx context.Context, id, user string, expires time.Time) error {
	err := s.conn.Exec(ctx, "INSERT INTO sessions (id, user, expires, updated) VALUES (?, ?, ?, now64(6))",
		id, user, expires.UTC())
	if err != nil {
		return fmt.Errorf("put session of %q: %w", user, err)
	}
	return nil
}

// SessionUser returns who is logged in under the hash of a cookie at a time;
// an unknown, ended or expired session is ErrNotFound.
func (s *Store) SessionUser(ctx context.Context, id string, now time.Time) (User, error) {
	var u User
	var expires time.Time
	query := `
		SELECT users.name, users.role, users.password, sessions.expires
		FROM (SELECT user, expires FROM sessions FINAL WHERE id = {id:String}) AS sessions
		JOIN (SELECT name, role, password FROM users FINAL) AS users ON users.name = sessions.user`
	err := s.conn.QueryRow(bind(ctx, clickhouse.Parameters{"id": id}), query).
		Scan(&u.Name, (*string)(&u.Role), &u.Password, &expires)
	if errors.Is(err, sql.ErrNoRows) || (err == nil && !expires.After(now)) {
		return User{}, fmt.Errorf("session: %w", ErrNotFound)
	}
	if err != nil {
		return User{}, fmt.Errorf("read session: %w", err)
	}
	return u, nil
}
