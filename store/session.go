package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/site"
)

// lastVersion is the version of the row that ends a session. It replaces all others.
const lastVersion = ^uint64(0)

// PutSession stores a new session, or one that was seen again.
func (s *Store) PutSession(ctx context.Context, session site.Session) error {
	return s.writeSession(ctx, session, false, uint64(max(session.Seen.Unix(), 0)))
}

// EndSession ends a session. PutSession does not open it again.
func (s *Store) EndSession(ctx context.Context, session site.Session) error {
	return s.writeSession(ctx, session, true, lastVersion)
}

func (s *Store) writeSession(ctx context.Context, session site.Session, ended bool, version uint64) error {
	err := s.conn.Exec(ctx, `
		INSERT INTO logins (id, user, generation, created, seen, expires, ended, version)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		session.ID, session.User, session.Generation, session.Created.UTC(), session.Seen.UTC(), session.Expires.UTC(), ended, version)
	if err != nil {
		return fmt.Errorf("put session: %w", err)
	}
	return nil
}

// live is the condition that a session has neither expired nor been idle, and does not begin
// after now, since a wrong clock would have made it. isLive is the same of a session.
const live = `expires > {now:DateTime('UTC')} AND seen > {idle:DateTime('UTC')} AND created <= {now:DateTime('UTC')} + INTERVAL 1 MINUTE`

func isLive(session site.Session, now time.Time, idle time.Duration) bool {
	second := now.Truncate(time.Second)
	return session.Expires.After(second) && session.Seen.After(now.Add(-idle).Truncate(time.Second)) && !session.Created.After(second.Add(time.Minute))
}

// Session returns the session with id, the hash of a cookie, and its user without the
// password hash. It returns site.ErrNotFound for a session that is unknown, has ended or
// expired, was not seen since idle before now, or belongs to a user who has changed since;
// and for one that begins after now.
func (s *Store) Session(ctx context.Context, id string, now time.Time, idle time.Duration) (site.Session, site.User, error) {
	session, err := recall(s, &s.recalled.sessions, id, &scope{tables: []string{"logins"}}, func() (site.Session, error) {
		session := site.Session{ID: id}
		query := "SELECT user, generation, created, seen, expires FROM logins FINAL WHERE NOT ended AND id = {id:String}"
		err := s.conn.QueryRow(bind(ctx, clickhouse.Parameters{"id": id}), query).Scan(&session.User, &session.Generation, &session.Created, &session.Seen, &session.Expires)
		return session, err
	})
	if err == nil && !isLive(session, now, idle) {
		err = sql.ErrNoRows
	}
	if errors.Is(err, sql.ErrNoRows) {
		return site.Session{}, site.User{}, fmt.Errorf("session: %w", site.ErrNotFound)
	}
	if err != nil {
		return site.Session{}, site.User{}, fmt.Errorf("read session: %w", err)
	}
	// The user is read after the session, so that a change of the user has effect at once.
	// Two statements cost half of what one with a join does.
	u, err := recall(s, &s.recalled.users, session.User, &scope{tables: []string{"users"}}, func() (site.User, error) { return s.User(ctx, session.User) })
	if err == nil && u.Generation != session.Generation {
		err = site.ErrNotFound
	}
	if err != nil {
		return site.Session{}, site.User{}, fmt.Errorf("user of session: %w", err)
	}
	u.Password = ""
	return session, u, nil
}

// Sessions returns the sessions of a user that Session would find, or those of all users if
// user is "". The one seen last comes first.
func (s *Store) Sessions(ctx context.Context, user string, now time.Time, idle time.Duration) ([]site.Session, error) {
	query := `
		SELECT s.id, s.user, s.generation, s.created, s.seen, s.expires
		FROM (SELECT * FROM logins FINAL WHERE NOT ended AND ({user:String} = '' OR user = {user:String}) AND ` + live + `) AS s
		JOIN (SELECT name, generation FROM users FINAL WHERE NOT removed) AS u ON u.name = s.user AND u.generation = s.generation
		ORDER BY s.seen DESC, s.id`
	params := clickhouse.Parameters{"user": user, "now": sqlTime(now), "idle": sqlTime(now.Add(-idle))}
	rows, err := s.conn.Query(bind(ctx, params), query)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	defer rows.Close()
	var sessions []site.Session
	for rows.Next() {
		var v site.Session
		if err := rows.Scan(&v.ID, &v.User, &v.Generation, &v.Created, &v.Seen, &v.Expires); err != nil {
			return nil, fmt.Errorf("list sessions: %w", err)
		}
		sessions = append(sessions, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return sessions, nil
}
