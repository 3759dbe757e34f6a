package schema

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// holdTime bounds the wait for running inserts.
const holdTime = 30 * time.Second

// attach makes the views of the migrations in order. It ends a hold that a dead process has
// left. An insert whose result is unknown may be in the clone of a backfill, and is counted a
// second time when it is repeated: Recount corrects that.
func (m *Migrator) attach(ctx context.Context, fresh bool) error {
	had, err := m.records(ctx)
	if err != nil {
		return fmt.Errorf("read the version of the store in %q: %w", m.Place, err)
	}
	var steps []Step
	for _, step := range m.pending(had) {
		if step.Kind() != DDL && step.State < Attached {
			steps = append(steps, step)
		}
	}
	held, err := m.Held(ctx)
	if err != nil || len(steps) == 0 && !held {
		return err
	}
	if !fresh {
		if err := m.hold(ctx, "hits"); err != nil {
			return errors.Join(err, m.release(ctx))
		}
	}
	for _, step := range steps {
		if err := m.exchange(ctx, step.Migration); err != nil { // some views may be missing: hold inserts until all exist
			return fmt.Errorf("migration %s: %w", step.Name, err)
		}
	}
	if fresh {
		return nil
	}
	return m.release(ctx)
}

// Held reports whether inserts into hits are held. A dead process may have left the hold.
func (m *Migrator) Held(ctx context.Context) (bool, error) {
	tables, err := m.HeldTables(ctx)
	return slices.Contains(tables, "hits"), err
}

// HeldTables returns the tables into which inserts are held, hits last.
func (m *Migrator) HeldTables(ctx context.Context) ([]string, error) {
	tables, err := m.texts(ctx, "SELECT name FROM system.tables WHERE database = currentDatabase() AND position(engine_full, 'table_readonly = 1') > 0 ORDER BY name = 'hits', name")
	if err != nil {
		return nil, fmt.Errorf("look whether inserts are held: %w", err)
	}
	return tables, nil
}

// Reattach lets an engine begin to work on tables that were held when it started, and are not
// any more: it merges nothing in them until then, and a mutation waits for ever (measured on
// 26.7). Nobody else may use the tables.
func (m *Migrator) Reattach(ctx context.Context, tables []string) error {
	for _, table := range tables {
		for _, statement := range []string{"DETACH TABLE " + table + " SYNC", "ATTACH TABLE " + table} {
			if err := m.Conn.Exec(ctx, statement); err != nil {
				return fmt.Errorf("attach table %s again: %w", table, err)
			}
		}
	}
	return nil
}

// Hold runs f while no process inserts into hits. Call it from the function that Rows
// runs: the lock must be held.
func (m *Migrator) Hold(ctx context.Context, f func(context.Context) error) error {
	return m.holding(ctx, f, "hits")
}

// HoldAll is Hold for all that comes with hits, too: the ledger and titles of pages.
func (m *Migrator) HoldAll(ctx context.Context, f func(context.Context) error) error {
	return m.holding(ctx, f, "hits", "ledger", "titles")
}

func (m *Migrator) holding(ctx context.Context, f func(context.Context) error, tables ...string) error {
	if err := m.hold(ctx, tables...); err != nil {
		return errors.Join(err, m.release(ctx))
	}
	return errors.Join(f(ctx), m.release(ctx))
}

// hold makes ClickHouse refuse inserts into tables by any process, with an error after which
// they try again, and waits for running ones. The first table is hits, by which Held knows of
// a hold.
func (m *Migrator) hold(ctx context.Context, tables ...string) error {
	for _, table := range tables {
		if err := m.exec(ctx, "ALTER TABLE "+table+" MODIFY SETTING table_readonly = 1"); err != nil {
			return fmt.Errorf("hold inserts: %w", err)
		}
	}
	for end := time.Now().Add(holdTime); ; {
		var n uint64
		err := m.Conn.QueryRow(ctx, "SELECT count() FROM system.processes WHERE query_kind = 'Insert' AND current_database = currentDatabase() AND extract(query, '^INSERT INTO (\\w+) ') IN ('"+strings.Join(tables, "', '")+"')").Scan(&n)
		switch {
		case err != nil:
			return fmt.Errorf("look for inserts under way: %w", err)
		case n == 0:
			return nil
		case time.Now().After(end):
			return fmt.Errorf("%d inserts are under way after %v", n, holdTime)
		}
		if err := sleep(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// release lets inserts through again.
func (m *Migrator) release(ctx context.Context) error {
	ctx, end := quietly(ctx)
	defer end()
	tables, err := m.HeldTables(ctx)
	for _, table := range tables {
		if err == nil {
			err = m.Conn.Exec(ctx, "ALTER TABLE "+table+" RESET SETTING table_readonly")
		}
	}
	if err != nil {
		return fmt.Errorf("let inserts through: %w", err)
	}
	return nil
}

// exchange replaces views by those of a migration while inserts are held, and clones hits for
// a backfill. It uses CREATE: ClickHouse then recognises a repeated insert by the name of the
// view. After MODIFY QUERY it uses something else until its next start, and would count the
// insert twice.
func (m *Migrator) exchange(ctx context.Context, migration Migration) error {
	for _, v := range migration.views {
		if err := m.exec(ctx, "DROP VIEW IF EXISTS "+v.name+" SYNC"); err != nil {
			return err
		}
	}
	if migration.Kind() == Backfill {
		if err := m.clone(ctx, migration); err != nil {
			return err
		}
	}
	for _, v := range migration.views {
		if v.create != "" {
			if err := m.exec(ctx, v.create); err != nil {
				return err
			}
		}
	}
	return m.reach(ctx, migration, Attached)
}
