package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/fotspor/fotspor/backup"
)

// Empty reports whether a store holds no site, user, credential or figure.
func (s *Store) Empty(ctx context.Context) (bool, error) {
	var n uint64
	err := s.direct.QueryRow(ctx, "SELECT (SELECT count() FROM sites) + (SELECT count() FROM users) + (SELECT count() FROM credentials) + (SELECT count() FROM hits) + (SELECT count() FROM daily) + (SELECT count() FROM ledger)").Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look whether there is something in the store: %w", err)
	}
	return n == 0, nil
}

// movingPrefix begins the name of a table that a copy fills.
const movingPrefix = "moving_"

// notCopied are the tables that a copy leaves out.
var notCopied = []string{"filled", "logins", "migrations", "processes"}

// unfinished is the table that a store has from the beginning of a copy to its end.
const unfinished = "moving"

// isUnfinished reports whether a process has begun to fill this store and not ended.
func (s *Store) isUnfinished(ctx context.Context) (bool, error) {
	var n uint64
	err := s.direct.QueryRow(ctx, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = '"+unfinished+"'").Scan(&n)
	if code(err) == unknownDatabase {
		err = nil
	}
	if err != nil {
		return false, fmt.Errorf("look whether the store in %q is whole: %w", s.Place(), err)
	}
	return n > 0, nil
}

// checkFinished reports whether a process has begun to fill this store and not ended, and returns an
// error if Prepare may not go on because of it. found is the result of schema.Check.
func (s *Store) checkFinished(ctx context.Context, found error) (half bool, err error) {
	half, err = s.isUnfinished(ctx)
	switch {
	case err != nil:
		return false, err
	case half && !s.cfg.Unfinished:
		return true, fmt.Errorf("%w: in %q, fotspor move, restore or backup runs, or was cut short: run the same again, which begins anew", ErrUnfinished, s.Place())
	case !half && s.cfg.Unfinished && errors.Is(found, ErrOlder):
		return false, fmt.Errorf("%q is not empty: %w", s.Place(), found)
	}
	return half, nil
}

// beginCopy marks this store, of which there is nothing yet, as unfinished. Whoever makes a store
// checks that again when it has made it, so that of two only one goes on.
func (s *Store) beginCopy(ctx context.Context) error {
	if err := s.mark(ctx); err != nil {
		return err
	}
	if err := s.schema.Check(ctx); !errors.Is(err, ErrNoStore) {
		return errors.Join(fmt.Errorf("another process makes a store in %q", s.Place()), s.unmark(ctx))
	}
	return nil
}

func (s *Store) mark(ctx context.Context) error {
	return s.direct.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+unfinished+" (nothing UInt8) ENGINE = Null")
}

func (s *Store) unmark(ctx context.Context) error {
	return s.direct.Exec(ctx, "DROP TABLE "+unfinished+" SYNC")
}

// CopyTo copies all lines to another store that is prepared and empty, or that an earlier CopyTo has
// not filled to its end, and compares what both hold. Until it has ended, Prepare refuses the other
// store. It fills tables beside the real ones, so that no view counts what it inserts. Call it
// while this store is still.
func (s *Store) CopyTo(ctx context.Context, to *Store) error {
	return to.LockDeletions(ctx, func(ctx context.Context) error { return s.copyTo(ctx, to) })
}

func (s *Store) copyTo(ctx context.Context, to *Store) error {
	again, err := to.isUnfinished(ctx)
	if err != nil {
		return err
	}
	if !again {
		empty, err := to.Empty(ctx)
		if err != nil {
			return err
		}
		if !empty {
			return fmt.Errorf("%q is not empty", to.Place())
		}
		if err := to.mark(ctx); err != nil {
			return err
		}
	}
	var filling uint64
	err = s.direct.QueryRow(ctx, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND match(name, '^filling_[0-9]+$')").Scan(&filling)
	if err != nil {
		return fmt.Errorf("look for a backfill: %w", err)
	}
	if filling > 0 {
		return errors.New("a backfill is under way: wait until fotspor_backfill_remaining is 0")
	}
	all, err := s.tables(ctx)
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	all = slices.DeleteFunc(all, func(t table) bool { return slices.Contains(notCopied, t.name) })
	drop := func(t table) error { return to.direct.Exec(ctx, "DROP TABLE IF EXISTS "+movingPrefix+t.name+" SYNC") }
	for _, t := range all {
		err := drop(t)
		if err == nil {
			err = to.direct.Exec(ctx, "CREATE TABLE "+movingPrefix+t.name+" AS "+t.name)
		}
		if err == nil {
			err = s.copyTable(ctx, t, to)
		}
		if err != nil {
			return fmt.Errorf("copy table %s: %w", t.name, err)
		}
	}
	for _, t := range all {
		var err error
		// What each start writes itself, such as the policy, and what an earlier copy has left.
		if again || t.has("day", "month") == "" {
			err = to.direct.Exec(ctx, "TRUNCATE TABLE "+t.name)
		}
		if err == nil {
			err = to.direct.Exec(ctx, "ALTER TABLE "+t.name+" ATTACH PARTITION ALL FROM "+movingPrefix+t.name)
		}
		if err == nil {
			err = drop(t)
		}
		if err != nil {
			return fmt.Errorf("copy table %s: %w", t.name, err)
		}
	}
	before, err := s.Figures(ctx, nil)
	if err != nil {
		return err
	}
	after, err := to.Figures(ctx, before)
	if err != nil {
		return err
	}
	if differ := backup.Compare(before, after); len(differ) > 0 {
		return fmt.Errorf("the copy differs: %s", strings.Join(differ, "; "))
	}
	return to.unmark(ctx)
}

// copiedAtOnce is about how many lines of a table are copied at a time.
const copiedAtOnce = 100_000

// copyTable copies the lines of a table, days together that have few.
func (s *Store) copyTable(ctx context.Context, t table, to *Store) error {
	names := t.names()
	for i, name := range names {
		names[i] = quoteName(name)
	}
	list := strings.Join(names, ", ")
	day := t.has("day", "month")
	if day == "" {
		return s.copyLines(ctx, "SELECT "+list+" FROM "+t.name, to, "INSERT INTO "+movingPrefix+t.name+" ("+list+")")
	}
	rows, err := s.direct.Query(ctx, "SELECT toString("+day+") AS the_day, count() FROM "+t.name+" GROUP BY the_day ORDER BY the_day")
	if err != nil {
		return err
	}
	defer rows.Close()
	var ranges [][2]string
	var lines uint64
	for rows.Next() {
		var on string
		var n uint64
		if err := rows.Scan(&on, &n); err != nil {
			return err
		}
		if len(ranges) == 0 || lines+n > copiedAtOnce {
			ranges, lines = append(ranges, [2]string{on}), 0
		}
		ranges[len(ranges)-1][1] = on
		lines += n
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, r := range ranges {
		err := s.copyLines(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE %s BETWEEN toDate('%s') AND toDate('%s')", list, t.name, day, r[0], r[1]),
			to, "INSERT INTO "+movingPrefix+t.name+" ("+list+")")
		if err != nil {
			return err
		}
	}
	return nil
}

// copyLines inserts the lines that a query selects, at most copiedAtOnce at a time.
func (s *Store) copyLines(ctx context.Context, query string, to *Store, insert string) error {
	rows, err := s.direct.Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	plainly := clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"insert_deduplicate": 0, "deduplicate_insert": "disable", "async_insert": 0, "max_partitions_per_insert_block": 0,
	}))
	var batch driver.Batch
	send := func() error {
		if batch == nil {
			return nil
		}
		err := batch.Send()
		batch = nil
		return err
	}
	line, pointers := newLine(rows.ColumnTypes())
	for n := 0; rows.Next(); n++ {
		if n%copiedAtOnce == 0 {
			if err := send(); err != nil {
				return err
			}
			if batch, err = to.direct.PrepareBatch(plainly, insert); err != nil {
				return err
			}
			defer batch.Close()
		}
		if err := rows.Scan(pointers...); err != nil {
			return err
		}
		if err := batch.Append(line.values()...); err != nil {
			return err
		}
	}
	return errors.Join(rows.Err(), send())
}

// line is room for one line of any table.
type line struct{ columns []reflect.Value }

// newLine returns room for a line with columns of some types.
func newLine(types []driver.ColumnType) (l line, pointers []any) {
	for _, t := range types {
		v := reflect.New(t.ScanType())
		l.columns, pointers = append(l.columns, v.Elem()), append(pointers, v.Interface())
	}
	return l, pointers
}

func (l line) values() []any {
	all := make([]any, len(l.columns))
	for i, v := range l.columns {
		all[i] = v.Interface()
	}
	return all
}
