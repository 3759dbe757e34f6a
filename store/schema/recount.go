package schema

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// replayDays is for how long after a backfill has begun an insert from before may be sent
// again. The tables forget its token sooner: see Windows.
const replayDays = 31

// Recount makes what backfills add agree with hits on some days. Call it after an insert
// that may have been tried before: if it had reached hits, a backfill that began in between
// has counted it from the clone, and the new view has counted it again. All rows of the days
// must be in hits. A second call changes nothing, and none does if no backfill began within
// replayDays. It returns ErrNewer where this program does not know what was added: a newer
// one must send the insert again.
func (m *Migrator) Recount(ctx context.Context, days []string) error {
	had, err := m.look(ctx)
	if err != nil {
		return fmt.Errorf("recount: %w", err)
	}
	var added []Migration
	for _, migration := range m.list() {
		if migration.Kind() == Backfill && had[migration.Number].recent {
			added = append(added, migration)
		}
	}
	if len(added) == 0 || len(days) == 0 {
		return nil
	}
	return m.locked(ctx, func(ctx context.Context) error {
		for _, migration := range added { // what is in a clone must be counted before
			unfilled, err := m.unfilled(ctx, migration)
			for _, day := range days {
				if err == nil && slices.Contains(unfilled, day) {
					err = m.fill(ctx, migration, day)
				}
			}
			if err != nil {
				return fmt.Errorf("settle backfill %s: %w", migration.Name, err)
			}
		}
		return m.Hold(ctx, func(ctx context.Context) error {
			for _, migration := range added {
				for _, f := range migration.fills {
					if err := m.recount(ctx, f, days); err != nil {
						return fmt.Errorf("recount %s of %s: %w", f.table, migration.Name, err)
					}
				}
			}
			return nil
		})
	})
}

// recount adds what a table lacks of the rows of some days, or takes away what it has too
// much. The table by month, which the lines by day fill, is made to agree with these: the
// program may have been killed between the two.
func (m *Migrator) recount(ctx context.Context, f fill, days []string) error {
	ctx, end := context.WithTimeout(ctx, fillTime)
	defer end()
	list := "'" + strings.Join(days, "', '") + "'"
	within := "day IN (" + list + ")"
	if f.only != "" {
		within += " AND (" + f.only + ")"
	}
	counted := fromHits.ReplaceAllLiteralString(f.query, "FROM (SELECT * FROM hits WHERE day IN ("+list+")) AS hits")
	if err := m.correct(ctx, f.table, f.columns, within, counted); err != nil {
		return err
	}
	for _, v := range m.newestViews() {
		over := regexp.MustCompile(`\bFROM ` + f.table + `\b`)
		_, query, _ := strings.Cut(v.create, " AS\n")
		if query == "" {
			_, query, _ = strings.Cut(v.create, " AS ")
		}
		if !over.MatchString(query) {
			continue
		}
		months := "IN (SELECT toStartOfMonth(toDate(arrayJoin([" + list + "]))))"
		table := makesView.FindStringSubmatch(v.create)[2]
		columns, err := m.texts(ctx, "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = '"+table+"' ORDER BY position")
		if err != nil {
			return err
		}
		query = over.ReplaceAllLiteralString(query, "FROM (SELECT * FROM "+f.table+" WHERE toStartOfMonth(day) "+months+") AS "+f.table)
		if err := m.correct(ctx, table, columns, "month "+months, "SELECT "+strings.Join(columns, ", ")+" FROM (\n"+query+"\n)"); err != nil {
			return err
		}
	}
	return nil
}

// correct adds lines to a table so that those under a condition add up to what a query of
// the same columns returns. It is one insert, so it happens as a whole or not at all.
func (m *Migrator) correct(ctx context.Context, table string, columns []string, within, query string) error {
	sorted, err := m.texts(ctx, "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = '"+table+"' AND is_in_sorting_key")
	if err != nil {
		return err
	}
	var keys, measures, minus, sums, some []string
	for _, c := range columns {
		if slices.Contains(sorted, c) {
			keys, minus = append(keys, c), append(minus, c)
			continue
		}
		measures, minus = append(measures, c), append(minus, fmt.Sprintf("-%s.%s AS %s", table, c, c))
		sums, some = append(sums, fmt.Sprintf("sum(%s) AS sum_%s", c, c)), append(some, fmt.Sprintf("sum_%s != 0", c))
	}
	plainly := clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		// The same lines may have to be added twice.
		"insert_deduplicate": 0, "deduplicate_insert": "disable", "deduplicate_insert_select": "disable",
		"max_threads": 1, "max_insert_threads": 1, // one block, as in fill
		"min_insert_block_size_rows": 1 << 30, "min_insert_block_size_bytes": 0,
		"max_execution_time": int(fillTime / time.Second),
	}))
	return m.exec(plainly, fmt.Sprintf("INSERT INTO %s (%s)\nSELECT %s\nFROM (\nSELECT %s FROM %s WHERE %s\nUNION ALL\nSELECT * FROM (\n%s\n)\n)\nGROUP BY %s\nHAVING %s",
		table, strings.Join(append(slices.Clone(keys), measures...), ", "), strings.Join(append(slices.Clone(keys), sums...), ", "),
		strings.Join(minus, ", "), table, within, query, strings.Join(keys, ", "), strings.Join(some, " OR ")))
}

// newestViews returns the views that the migrations leave.
func (m *Migrator) newestViews() map[string]view {
	views := map[string]view{}
	for _, migration := range m.list() {
		for _, v := range migration.views {
			if views[v.name] = v; v.create == "" {
				delete(views, v.name)
			}
		}
	}
	return views
}
