package store

import "context"

// Migrate runs the migrations once more.
func (s *Store) Migrate(ctx context.Context) error { return s.migrate(ctx) }

// Exec runs a statement.
func (s *Store) Exec(ctx context.Context, sql string) error { return s.conn.Exec(ctx, sql) }
