package store

import (
	"context"
	"embed"
	"fmt"
	"strings"

	"github.com/fotspor/fotspor/privacy"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrate runs every migration in order of its number, at every start. Each
// statement must do nothing the second time ("IF NOT EXISTS"), so a start that
// died half-way, or two processes that start together, do no harm; there is no
// version to keep.
func (s *Store) migrate(ctx context.Context) error {
	entries, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		return fmt.Errorf("list migrations: %w", err)
	}
	for _, entry := range entries {
		text, err := migrationFiles.ReadFile("migrations/" + entry.Name())
		if err != nil {
			return fmt.Errorf("read migration %s: %w", entry.Name(), err)
		}
		for i, statement := range statements(string(text)) {
			if err := s.conn.Exec(ctx, statement); err != nil {
				return fmt.Errorf("migration %s, statement %d: %w", entry.Name(), i+1, err)
			}
		}
	}
	return nil
}

// viewsAreNew counts the views that have the queries of today.
const viewsAreNew = `
	SELECT count() FROM system.tables
	WHERE database = currentDatabase()
		AND (name = 'daily_view' AND as_select LIKE '%GROUPING SETS%' OR name = 'monthly_view' AND as_select LIKE '%.daily %')`

// renewViews gives the views of an older version their queries of today, which give
// the same sums for less work. With another query a view takes a token for a new one,
// so an insert that was in doubt would be counted twice in what the view fills. Hence
// it comes before the insert of the second token: whoever sends that is done with the
// first, which may have been in doubt since the program died. No row is missed: the
// query of a view is changed in one step. What fails is tried again with the next insert.
func (s *Store) renewViews(ctx context.Context, token string) {
	s.renewing.Lock()
	defer s.renewing.Unlock()
	if s.firstToken == "" {
		s.firstToken = token
	}
	if s.renewed || s.firstToken == token {
		return
	}
	var n uint64
	err := s.conn.QueryRow(ctx, viewsAreNew).Scan(&n)
	if err == nil && n < 2 {
		err = s.modifyViews(ctx)
	}
	if err != nil {
		s.log.Warn("the views of the rollups keep their older queries for now", "err", err)
		return
	}
	s.renewed = true
}

func (s *Store) modifyViews(ctx context.Context) error {
	text, err := migrationFiles.ReadFile("migrations/0002_rollups.sql")
	if err != nil {
		return err
	}
	for _, view := range []string{"daily_view", "monthly_view"} {
		_, query, _ := strings.Cut(string(text), "EXISTS "+view)
		_, query, _ = strings.Cut(query, " AS\n")
		query, _, _ = strings.Cut(query, ";\n")
		if err := s.conn.Exec(ctx, "ALTER TABLE "+view+" MODIFY QUERY\n"+query); err != nil {
			return err
		}
	}
	return nil
}

// statements splits a migration at the semicolons that end a line.
func statements(text string) []string {
	var all []string
	for _, part := range strings.SplitAfter(text, ";\n") {
		if part = strings.TrimSuffix(strings.TrimSpace(part), ";"); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// expiryMargin is how far the expiry of a server's table lies behind the policy: it is
// the net below the worker, and a clock that is wrong for a while must not cut it.
const expiryMargin = 30 // days

// Expire makes a ClickHouse server drop raw rows by itself when it merges, should no
// worker run for thirty days. The embedded engine gets no expiry: it lives with the
// worker, and would drop rows by a wrong clock that the worker does not trust.
//
// It counts as privacy.Period.Cutoff does: a row lives to the end of the day that lies
// the period after its own.
func (s *Store) Expire(ctx context.Context, p privacy.Period) error {
	var embedded uint64
	if err := s.conn.QueryRow(ctx, "SELECT count() FROM system.functions WHERE name = 'chdb'").Scan(&embedded); err != nil {
		return fmt.Errorf("ask whether the engine is embedded: %w", err)
	}
	if embedded > 0 {
		return nil
	}
	return s.expire(ctx, p)
}

func (s *Store) expire(ctx context.Context, p privacy.Period) error {
	// Years as months: 29 February and a year and a month is not 13 months later.
	ttl := fmt.Sprintf("toStartOfDay(time) + INTERVAL %d MONTH + INTERVAL %d DAY", 12*p.Years+p.Months, p.Days+1+expiryMargin)
	var current string
	if err := s.conn.QueryRow(ctx, "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = 'hits'").Scan(&current); err != nil {
		return fmt.Errorf("read expiry of rows: %w", err)
	}
	normal := strings.NewReplacer(" ", "", "INTERVAL", "", "toInterval", "", "(", "", ")", "").Replace
	if strings.Contains(normal(current), normal("TTL "+ttl)) {
		return nil
	}
	// Existing parts are left to the worker and to ordinary merges.
	if err := s.conn.Exec(ctx, "ALTER TABLE hits MODIFY TTL "+ttl+" SETTINGS materialize_ttl_after_modify = 0"); err != nil {
		return fmt.Errorf("set expiry of rows to %s: %w", p, err)
	}
	return nil
}
