package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/privacy"
)

// Via is the way by which somebody acts.
type Via string

// The ways: a page of the dashboard, a command line, or the program by itself.
const (
	Page    Via = "page"
	Command Via = "command"
	Program Via = "program"
)

// Actor is who makes a change: a user on a page, or the account of the operating
// system that runs a command. The zero Actor is the program.
type Actor struct {
	Via  Via
	Name string
}

type actorKey struct{}

// As returns a context whose changes of the store are noted in the audit log as the
// actor's. Without it they are the program's.
func As(ctx context.Context, a Actor) context.Context { return context.WithValue(ctx, actorKey{}, a) }

func actorOf(ctx context.Context) Actor {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok {
		return a
	}
	return Actor{Via: Program}
}

// Action is what somebody did.
type Action string

// The actions of the audit log.
const (
	LoggedIn          Action = "log-in"
	LoginRefused      Action = "log-in refused"
	LoginThrottled    Action = "log-in throttled"
	LoggedOut         Action = "log-out"
	PasswordRefused   Action = "password refused" // of somebody who is logged in
	AccessRefused     Action = "access refused"
	ForgeryRefused    Action = "forgery refused"
	SessionEnded      Action = "session ended"
	SessionsEnded     Action = "sessions ended"
	UserAdded         Action = "user added"
	UserRemoved       Action = "user removed"
	RoleChanged       Action = "role changed"
	SitesChanged      Action = "sites changed"
	PasswordChanged   Action = "password changed"
	LastAdminKept     Action = "last admin kept"
	SiteAdded         Action = "site added"
	SiteChanged       Action = "site changed"
	CredentialAdded   Action = "credential added"
	CredentialRemoved Action = "credential removed"
	SettingChanged    Action = "setting changed"
)

// Entry is a line of the audit log. It holds no address and nothing that was typed
// and is not stored: About names what was changed.
type Entry struct {
	Time time.Time // to the second
	Actor
	Action Action
	About  string
	Count  int // how many times within a minute; 0 is taken as 1
}

// Note adds a line to the audit log. Methods that change users, sites and credentials do
// so themselves, before the change: there is no change without its line.
func (s *Store) Note(ctx context.Context, e Entry) error {
	err := s.conn.Exec(ctx, "INSERT INTO audit (time, via, who, action, about, count) VALUES (?, ?, ?, ?, ?, ?)",
		e.Time.UTC(), string(e.Via), e.Name, string(e.Action), e.About, uint32(max(e.Count, 1)))
	if err != nil {
		return fmt.Errorf("note %q in the audit log: %w", e.Action, err)
	}
	return nil
}

// note adds a line for the actor of ctx.
func (s *Store) note(ctx context.Context, action Action, about string) error {
	return s.Note(ctx, Entry{Time: time.Now(), Actor: actorOf(ctx), Action: action, About: about})
}

// Audit returns limit lines of the audit log from since on, and before a time where
// that is not zero, newest first, and those of the same second as the last of them.
func (s *Store) Audit(ctx context.Context, since, before time.Time, limit int) ([]Entry, error) {
	query := `
		SELECT time, via, who, action, about, sum(count) FROM audit
		WHERE time >= {since:DateTime('UTC')} AND (time < {before:DateTime('UTC')} OR {before:DateTime('UTC')} = 0)
		GROUP BY time, via, who, action, about
		ORDER BY time DESC
		LIMIT {limit:UInt32} WITH TIES`
	if since.Unix() < 0 {
		since = time.Unix(0, 0)
	}
	if before.IsZero() {
		before = time.Unix(0, 0)
	}
	params := clickhouse.Parameters{"since": sqlTime(since), "before": sqlTime(before), "limit": fmt.Sprint(limit)}
	rows, err := s.conn.Query(bind(ctx, params), query)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	defer rows.Close()
	var entries []Entry
	for rows.Next() {
		var e Entry
		var count uint64
		if err := rows.Scan(&e.Time, (*string)(&e.Via), &e.Name, (*string)(&e.Action), &e.About, &count); err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		e.Count = int(count)
		entries = append(entries, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return entries, nil
}

// AuditLog returns the audit log as the retention worker sees it.
func (s *Store) AuditLog() *AuditLog { return &AuditLog{s} }

// AuditLog finds and deletes old lines of the audit log.
type AuditLog struct{ store *Store }

// Before returns what is held of lines from before a time.
func (a *AuditLog) Before(ctx context.Context, cutoff time.Time) (privacy.Held, error) {
	var h privacy.Held
	var n uint64
	ctx = bind(ctx, clickhouse.Parameters{"cutoff": sqlTime(cutoff)})
	err := a.store.conn.QueryRow(ctx, "SELECT count(), min(time), max(time) FROM audit WHERE time < {cutoff:DateTime('UTC')}").
		Scan(&n, &h.First, &h.Last)
	if err != nil {
		return privacy.Held{}, fmt.Errorf("count lines of the audit log: %w", err)
	}
	if n == 0 {
		return privacy.Held{}, nil
	}
	h.Rows = int64(n)
	return h, nil
}

// DeleteBefore deletes all lines from before a time.
func (a *AuditLog) DeleteBefore(ctx context.Context, cutoff time.Time) error {
	// A mutation takes no parameters.
	err := a.store.conn.Exec(ctx, "ALTER TABLE audit DELETE WHERE time < toDateTime('"+sqlTime(cutoff)+"', 'UTC') SETTINGS mutations_sync = 2")
	if err != nil {
		return fmt.Errorf("delete lines of the audit log: %w", err)
	}
	return nil
}
