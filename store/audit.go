package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/privacy"
)

// Note adds a line to the audit log. Methods that change users, sites and credentials
// call it themselves, before the change, so that no change is without its line.
func (s *Store) Note(ctx context.Context, e audit.Entry) error {
	err := s.conn.Exec(ctx, "INSERT INTO audit (time, via, who, action, about, count) VALUES (?, ?, ?, ?, ?, ?)",
		e.Time.UTC(), string(e.Via), e.Name, string(e.Action), e.About, uint32(max(e.Count, 1)))
	if err != nil {
		return fmt.Errorf("note %q in the audit log: %w", e.Action, err)
	}
	if s.statements != nil {
		s.statements.noted.WithLabelValues(string(e.Via)).Inc()
	}
	return nil
}

// note adds a line for the actor of ctx.
func (s *Store) note(ctx context.Context, action audit.Action, about string) error {
	return s.Note(ctx, audit.Entry{Time: time.Now(), Actor: audit.ActorOf(ctx), Action: action, About: about})
}

// Audit returns the newest lines of the audit log from since on, newest first. If before is
// not zero, it returns only lines from before it. It returns at most limit lines, and in
// addition those of the same second as the last one.
func (s *Store) Audit(ctx context.Context, since, before time.Time, limit int) ([]audit.Entry, error) {
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
	var entries []audit.Entry
	for rows.Next() {
		var e audit.Entry
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

// AuditLog returns the audit log for the retention worker.
func (s *Store) AuditLog() *AuditLog { return &AuditLog{s} }

// AuditLog finds and deletes old lines of the audit log.
type AuditLog struct{ store *Store }

// Before counts the lines from before a time, with their first and last times.
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
