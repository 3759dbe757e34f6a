package store

import "context"

// Migrate runs the migrations once more.
func (s *Store) Migrate(ctx context.Context) error { return s.migrate(ctx) }

// Exec runs a statement.
func (s *Store) Exec(ctx context.Context, sql string) error { return s.conn.Exec(ctx, sql) }

// Refusals are the codes of exceptions by which rows are refused, with their names.
var Refusals = refusals

// Statements splits SQL into statements.
var Statements = statements
