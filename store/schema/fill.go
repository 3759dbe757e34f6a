package schema

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/report"
)

// fillTime bounds the work on one day of a backfill, cloneTime the work on a clone.
const (
	fillTime  = 10 * time.Minute
	cloneTime = 5 * time.Minute
)

// cloneOf returns the name of the table with the rows that a backfill counts: those of hits at
// the time when its views were made. It takes space only for rows that have left hits since.
func cloneOf(m Migration) string { return fmt.Sprintf("filling_%04d", m.Number) }

// clone clones hits, if it has rows. It replaces an earlier clone, since nothing is filled
// before the migration is Attached.
func (m *Migrator) clone(ctx context.Context, migration Migration) error {
	ctx, end := context.WithTimeout(ctx, cloneTime)
	defer end()
	name := cloneOf(migration)
	if err := m.exec(ctx, "DROP TABLE IF EXISTS "+name+" SYNC"); err != nil {
		return err
	}
	var rows uint64
	if err := m.Conn.QueryRow(ctx, "SELECT count() FROM hits").Scan(&rows); err != nil || rows == 0 {
		return err
	}
	return m.exec(ctx,
		"CREATE TABLE "+name+" AS hits SETTINGS table_readonly = 0, non_replicated_deduplication_window = 0",
		"ALTER TABLE "+name+" ATTACH PARTITION ALL FROM hits")
}

// Filling returns the number of days that Fill has left, of migrations that wait for their
// views, too.
func (m *Migrator) Filling() int { return int(m.left.Load()) }

// countLeft counts the days that Fill has left.
func (m *Migrator) countLeft(ctx context.Context, had map[int]record) error {
	left := 0
	for _, step := range m.pending(had) {
		if step.Kind() != Backfill {
			continue
		}
		days, err := m.unfilled(ctx, step.Migration)
		if step.State < Attached {
			if days, err = m.texts(ctx, "SELECT DISTINCT toString(day) FROM hits"); code(err) == unknownTable {
				err = nil
			}
		}
		if err != nil {
			return fmt.Errorf("count the days of backfill %s: %w", step.Name, err)
		}
		left += len(days)
	}
	m.left.Store(int64(left))
	return nil
}

// everyDay is the day before which a rollup has counted nothing if it has no view yet.
const everyDay = calendar.Day(math.MaxUint16)

// Gap is what a backfill has not counted. Before is 0 if it has counted all rows that there were when
// its views were made, at the time Attached.
type Gap struct {
	report.Gap
	Attached time.Time
}

// Gaps returns what each backfill has not counted, and whether that will stay so.
func (m *Migrator) Gaps(ctx context.Context) (gaps []Gap, last bool, err error) {
	if !slices.ContainsFunc(m.list(), func(m Migration) bool { return m.Kind() == Backfill }) {
		return nil, true, nil
	}
	had, err := m.records(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("read the version of the store in %q: %w", m.Place, err)
	}
	last = true
	for _, migration := range m.list() {
		if migration.Kind() != Backfill {
			continue
		}
		record := had[migration.Number]
		before := record.counted
		switch {
		case record.state < Attached:
			before, last = everyDay, false
		case record.state < Filled:
			last = false
			if before, err = m.countedFrom(ctx, migration); err != nil {
				return nil, false, err
			}
		}
		for _, f := range migration.fills {
			g := Gap{report.Gap{Table: f.table, Measures: f.columns, Before: before}, record.attached}
			if list, some := strings.CutPrefix(f.only, "dimension IN ("); some {
				g.Dimensions = strings.Split(strings.NewReplacer("'", "", ")", "").Replace(list), ", ")
			}
			gaps = append(gaps, g)
		}
	}
	return gaps, last, nil
}

// countedFrom returns the first day from which on a backfill has counted all days, 0 if it has
// counted all there are. Days of which the rows were gone when it began are never counted;
// the lines of table daily tell that there were some.
func (m *Migrator) countedFrom(ctx context.Context, migration Migration) (calendar.Day, error) {
	var day uint16
	ask := func(query string) error {
		err := m.Conn.QueryRow(ctx, query).Scan(&day)
		if code(err) == unknownTable {
			return nil
		}
		return err
	}
	err := ask(fmt.Sprintf("SELECT toUInt16(max(day)) FROM %s WHERE day NOT IN (SELECT day FROM filled WHERE number = %d)", cloneOf(migration), migration.Number))
	if err == nil && day == 0 {
		first := fmt.Sprintf(`SELECT if(count() > 0, min(day), (SELECT toDate(min(at)) FROM migrations WHERE number = %d AND state = 'attached')) FROM filled WHERE number = %d`, migration.Number, migration.Number)
		err = ask("SELECT toUInt16(max(day)) FROM daily WHERE day < (" + first + ")")
	}
	if err != nil {
		return 0, fmt.Errorf("look what backfill %s has counted: %w", migration.Name, err)
	}
	if day == 0 {
		return 0, nil
	}
	return calendar.Day(day) + 1, nil
}

// ErrDue means that a backfill would count rows that are past their time.
var ErrDue = errors.New("a backfill waits until rows past their time are deleted")

// Fill carries out the backfills that are attached, newest days first, and returns when none
// is left. It pauses as long as it works, so that it takes at most half of the store's time.
// After an error or a kill, the next call goes on with the days that are left.
//
// What it counts outlives the rows. due returns the SQL condition of rows that are past their time:
// while there are any, Fill counts nothing and returns an error that wraps ErrDue. nil: none are.
func (m *Migrator) Fill(ctx context.Context, due func(context.Context) (string, error)) error {
	had, err := m.records(ctx)
	if err != nil {
		return fmt.Errorf("read the version of the store in %q: %w", m.Place, err)
	}
	var all [][]string
	var steps []Step
	for _, step := range m.pending(had) {
		if step.Kind() == Backfill && step.State == Attached {
			days, err := m.unfilled(ctx, step.Migration)
			if err != nil {
				return err
			}
			all, steps = append(all, days), append(steps, step)
		}
	}
	if err := m.countLeft(ctx, had); err != nil {
		return err
	}
	for i, step := range steps {
		for _, day := range all[i] {
			began := time.Now()
			err := m.locked(ctx, func(ctx context.Context) error {
				if err := m.checkDue(ctx, step.Migration, due); err != nil {
					return err
				}
				return m.fill(ctx, step.Migration, day)
			})
			if err == nil {
				m.left.Add(-1)
				err = sleep(ctx, time.Since(began))
			}
			if err != nil {
				return fmt.Errorf("backfill %s of %s: %w", step.Name, day, err)
			}
		}
		if err := m.locked(ctx, func(ctx context.Context) error { return m.end(ctx, step.Migration) }); err != nil {
			return fmt.Errorf("end backfill %s: %w", step.Name, err)
		}
	}
	return nil
}

// checkDue returns an error if a clone has rows that are past their time.
func (m *Migrator) checkDue(ctx context.Context, migration Migration, due func(context.Context) (string, error)) error {
	if due == nil {
		return nil
	}
	where, err := due(ctx)
	if err != nil {
		return err
	}
	var n uint64
	if err := m.Conn.QueryRow(ctx, "SELECT count() FROM "+cloneOf(migration)+" WHERE "+where).Scan(&n); err != nil {
		return fmt.Errorf("look for rows past their time: %w", err)
	}
	if n > 0 {
		return fmt.Errorf("%w: there are %d", ErrDue, n)
	}
	return nil
}

// end drops the clone of a backfill whose days are all counted, if it is still there.
func (m *Migrator) end(ctx context.Context, migration Migration) error {
	had, err := m.records(ctx)
	if err != nil || had[migration.Number].state == Filled {
		return err
	}
	if err := m.exec(ctx, "DROP TABLE IF EXISTS "+cloneOf(migration)+" SYNC"); err != nil {
		return err
	}
	counted, err := m.countedFrom(ctx, migration)
	if err != nil {
		return err
	}
	m.Log.Info("backfill done", "name", migration.Name)
	return m.reachWith(ctx, migration, Filled, counted)
}

// locked runs f under the lock.
func (m *Migrator) locked(ctx context.Context, f func(context.Context) error) error {
	ctx, unlock, err := m.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return f(ctx)
}

// unfilled returns the days in a clone that are not counted, newest first; none if
// there is no clone.
func (m *Migrator) unfilled(ctx context.Context, migration Migration) ([]string, error) {
	days, err := m.texts(ctx, fmt.Sprintf(
		"SELECT toString(day) FROM %s WHERE day NOT IN (SELECT day FROM filled WHERE number = %d) GROUP BY day ORDER BY day DESC",
		cloneOf(migration), migration.Number))
	if code(err) == unknownTable {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the days of backfill %s: %w", migration.Name, err)
	}
	return days, nil
}

// texts returns the texts that a query selects.
func (m *Migrator) texts(ctx context.Context, query string) ([]string, error) {
	rows, err := m.Conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}

// fill counts the rows of a day, unless they are counted. Each statement is an insert under a
// token, so that a second attempt does only what the first did not.
func (m *Migrator) fill(ctx context.Context, migration Migration, day string) error {
	ctx, end := context.WithTimeout(ctx, fillTime)
	defer end()
	var done uint64
	if err := m.Conn.QueryRow(ctx, fmt.Sprintf("SELECT count() FROM filled WHERE number = %d AND day = '%s'", migration.Number, day)).Scan(&done); err != nil || done > 0 {
		return err
	}
	rows := fmt.Sprintf("FROM (SELECT * FROM %s WHERE day = '%s') AS hits", cloneOf(migration), day)
	for i, f := range migration.fills {
		once := clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
			"insert_deduplication_token":                         fmt.Sprintf("fill-%d-%s-%d", migration.Number, day, i),
			"deduplicate_insert_select":                          "force_enable",
			"deduplicate_blocks_in_dependent_materialized_views": 1,
			// One block, which each table stores completely or not at all.
			"max_threads": 1, "max_insert_threads": 1,
			"min_insert_block_size_rows": 1 << 30, "min_insert_block_size_bytes": 0,
			"max_execution_time": int(fillTime.Seconds()),
		}))
		if err := m.exec(once, fromHits.ReplaceAllLiteralString(f.statement, rows)); err != nil {
			return err
		}
	}
	return m.exec(ctx, fmt.Sprintf("INSERT INTO filled SELECT %d, toDate('%s')", migration.Number, day))
}

// Rows runs f under the lock with the names of the tables that hold raw rows: the clones of
// backfills, then hits. f deletes rows in all of them, in this order: if it fails, the rows
// in hits are still found, and the caller tries again. Before f, Rows completes the days that
// a backfill has counted in part, because after f a second attempt would find other rows.
func (m *Migrator) Rows(ctx context.Context, f func(ctx context.Context, tables []string) error) error {
	return m.locked(ctx, func(ctx context.Context) error {
		// Nothing can be deleted under a hold that a dead process has left.
		held, err := m.HeldTables(ctx)
		if err == nil && len(held) > 0 {
			err = m.attach(ctx, false)
		}
		if err != nil {
			return err
		}
		tables, err := m.texts(ctx, `SELECT name FROM system.tables WHERE database = currentDatabase() AND match(name, '^filling_[0-9]+$') ORDER BY name`)
		if err != nil {
			return fmt.Errorf("list the clones of backfills: %w", err)
		}
		for _, migration := range m.list() {
			if len(migration.fills) == 0 || !strings.Contains(strings.Join(tables, " "), cloneOf(migration)) {
				continue
			}
			days, err := m.unfilled(ctx, migration)
			if err == nil && len(days) > 0 {
				err = m.fill(ctx, migration, days[0])
			}
			if err != nil {
				return fmt.Errorf("settle backfill %s: %w", migration.Name, err)
			}
		}
		return f(ctx, append(tables, "hits"))
	})
}
