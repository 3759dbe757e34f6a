package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/privacy"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrate runs every migration in order of its number, at every start, and records
// those that were not. Each statement must do nothing the second time ("IF NOT
// EXISTS"), so a start that died half-way, or two processes that start together, do no
// harm.
func (s *Store) migrate(ctx context.Context) error {
	for _, name := range migrations() {
		text, err := migrationFiles.ReadFile("migrations/" + name)
		if err != nil {
			return fmt.Errorf("read migration %s: %w", name, err)
		}
		for i, statement := range statements(string(text)) {
			if err := s.direct.Exec(ctx, statement); err != nil {
				return fmt.Errorf("migration %s, statement %d: %w", name, i+1, err)
			}
		}
	}
	applied, err := s.applied(ctx)
	if err != nil {
		return fmt.Errorf("read the version of the store: %w", err)
	}
	for _, name := range migrations() {
		if slices.Contains(applied, name) {
			continue
		}
		params := clickhouse.Parameters{"name": name}
		if err := s.direct.Exec(bind(ctx, params), "INSERT INTO migrations SELECT {name:String}, now64(6)"); err != nil {
			return fmt.Errorf("record migration %s: %w", name, err)
		}
	}
	return nil
}

// migrations returns the names of the migrations of this version, in order.
func migrations() []string {
	entries, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		panic(err) // they are in the program
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// applied returns the names of the migrations that the store has had.
func (s *Store) applied(ctx context.Context) ([]string, error) {
	rows, err := s.conn.Query(ctx, "SELECT DISTINCT name FROM migrations")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// Codes of ClickHouse's exceptions.
const (
	unknownTable    = 60
	unknownDatabase = 81
	accessDenied    = 497
)

// code returns the code of ClickHouse's exception in an error, 0 if there is none.
func code(err error) int32 {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return exception.Code
	}
	return 0
}

// lacks reports whether unknownDatabase is about this database, and not one that
// ClickHouse itself needs.
func lacks(err error, database string) bool {
	var exception *clickhouse.Exception
	if !errors.As(err, &exception) {
		return false
	}
	return strings.Contains(exception.Message, "Database "+database+" ") || strings.Contains(exception.Message, "Database "+quoteName(database)+" ")
}

// checkSchema returns nil if the store has the schema of this version. It only reads.
func (s *Store) checkSchema(ctx context.Context) error {
	applied, err := s.applied(ctx)
	switch code(err) {
	case unknownDatabase:
		if !lacks(err, s.opts.Auth.Database) {
			return fmt.Errorf("read the version of the store in %q: %w", s.Place(), err)
		}
		return fmt.Errorf("%w in %q: no database %q", ErrNoStore, s.Place(), s.opts.Auth.Database)
	case unknownTable:
		var n uint64
		err := s.conn.QueryRow(ctx, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'hits'").Scan(&n)
		switch {
		case err != nil:
			return fmt.Errorf("look for the tables in %q: %w", s.Place(), err)
		case n == 0:
			return fmt.Errorf("%w in %q: no tables in database %q", ErrNoStore, s.Place(), s.opts.Auth.Database)
		}
	default:
		if err != nil {
			return fmt.Errorf("read the version of the store in %q: %w", s.Place(), err)
		}
	}
	ours := migrations()
	for _, name := range applied {
		if !slices.Contains(ours, name) {
			return fmt.Errorf("%w: %q has had migration %s: run the version that made it, or a newer one", ErrNewer, s.Place(), name)
		}
	}
	for _, name := range ours {
		if !slices.Contains(applied, name) {
			return fmt.Errorf("%w than this program: %q has not had migration %s: run fotspor migrate, or restart fotspor serve or collector", ErrOlder, s.Place(), name)
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
