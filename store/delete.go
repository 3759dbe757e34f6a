package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
)

// wipeTimeout bounds the wait for deleted rows to leave the disk.
const wipeTimeout = 2 * time.Minute

// Before counts the raw rows of days before that of cutoff, with their first and last times. The
// day of a row is in the time zone of its site.
func (s *Store) Before(ctx context.Context, cutoff time.Time) (privacy.Held, error) {
	return s.RowsOf(nil).Before(ctx, cutoff)
}

// DeleteBefore deletes the raw rows that Before counts, and the rollups that live as long as
// rows. It returns when they have left the disk, not only been hidden. Other rollups stay.
func (s *Store) DeleteBefore(ctx context.Context, cutoff time.Time) error {
	return s.RowsOf(nil).DeleteBefore(ctx, cutoff)
}

// Rows are the raw rows of some sites.
type Rows struct {
	store *Store
	sites []uint32
}

// RowsOf returns the rows of some sites, nil for all.
func (s *Store) RowsOf(sites []uint32) *Rows { return &Rows{s, sites} }

// ofSites is the condition of lines of some sites before another one; "" for nil, which is all.
func ofSites(sites []uint32) string {
	if sites == nil {
		return ""
	}
	ids := make([]string, len(sites))
	for i, id := range sites {
		ids[i] = strconv.FormatUint(uint64(id), 10)
	}
	return "site IN (" + strings.Join(ids, ", ") + ") AND "
}

// Before counts the rows of the sites as Store.Before does.
func (r *Rows) Before(ctx context.Context, cutoff time.Time) (privacy.Held, error) {
	held, err := r.store.held(ctx, ofSites(r.sites)+"day < {day:Date}", clickhouse.Parameters{"day": calendar.DayOf(cutoff.UTC()).String()})
	if err != nil {
		return privacy.Held{}, fmt.Errorf("count rows before %s: %w", cutoff.Format(time.DateOnly), err)
	}
	return held, nil
}

// DeleteBefore deletes the rows of the sites as Store.DeleteBefore does.
func (r *Rows) DeleteBefore(ctx context.Context, cutoff time.Time) error {
	day := calendar.DayOf(cutoff.UTC())
	err := r.store.deleteRows(ctx, calendar.Range{To: day - 1}, func(ctx context.Context, tables []string) error {
		for _, r := range expiring() { // before the rows: Before still finds rows after a failure, so the worker tries again
			tables = append([]string{r.Name}, tables...)
		}
		for _, table := range append([]string{"erased"}, tables...) {
			if err := r.deleteDays(ctx, table, day); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("delete rows before %s: %w", day, err)
	}
	return nil
}

// expiring returns the rollups that live as long as the rows.
func expiring() []report.Rollup {
	return slices.DeleteFunc(slices.Clone(report.Rollups), func(r report.Rollup) bool { return !r.Mortal })
}

// deleteDays deletes the rows of days before day from a table.
func (r *Rows) deleteDays(ctx context.Context, table string, day calendar.Day) error {
	s := r.store
	before := "day < toDate('" + day.String() + "')"
	if r.sites != nil { // a month has rows of other sites
		return s.mutate(ctx, table, ofSites(r.sites)+before)
	}
	// Dropping the partition of a whole month costs nothing. Only the month of the cutoff
	// has to be rewritten.
	months, err := s.monthsBefore(ctx, table, day)
	if err != nil {
		return err
	}
	for _, month := range months {
		if err := s.conn.Exec(ctx, "ALTER TABLE "+table+" DROP PARTITION "+month); err != nil {
			return fmt.Errorf("drop month %s: %w", month, err)
		}
	}
	return s.mutate(ctx, table, before)
}

// monthsBefore returns the partitions of a table that end before a day.
func (s *Store) monthsBefore(ctx context.Context, table string, day calendar.Day) ([]string, error) {
	query := `
		SELECT partition FROM system.parts
		WHERE database = currentDatabase() AND table = {table:String} AND active AND toUInt32(partition) < toYYYYMM({day:Date})
		GROUP BY partition
		ORDER BY partition`
	rows, err := s.conn.Query(bind(ctx, clickhouse.Parameters{"table": table, "day": day.String()}), query)
	if err != nil {
		return nil, fmt.Errorf("list months: %w", err)
	}
	defer rows.Close()
	var months []string
	for rows.Next() {
		var month string
		if err := rows.Scan(&month); err != nil {
			return nil, fmt.Errorf("list months: %w", err)
		}
		months = append(months, month)
	}
	return months, rows.Err()
}

// erasedDays returns on how many days within some ranges rows of some sites were erased.
func (s *Store) erasedDays(ctx context.Context, q report.Query) (int, error) {
	if len(q.Sites) != 1 {
		return s.countErased(ctx, q)
	}
	site := q.Sites[0]
	days, err := recall(s, &s.recalled.erased, site, &scope{tables: []string{"erased"}}, func() ([]calendar.Day, error) { return s.erasedOf(ctx, site) })
	n := 0
	for _, day := range days {
		if q.Range.Contains(day) || q.Compare != nil && q.Compare.Contains(day) {
			n++
		}
	}
	return n, err
}

// erasedOf returns all days of which rows of a site were erased.
func (s *Store) erasedOf(ctx context.Context, site uint32) ([]calendar.Day, error) {
	rows, err := s.conn.Query(bind(ctx, clickhouse.Parameters{"site": strconv.FormatUint(uint64(site), 10)}), "SELECT DISTINCT day FROM erased WHERE site = {site:UInt32}")
	if err != nil {
		return nil, fmt.Errorf("look for erased days: %w", err)
	}
	defer rows.Close()
	var all []calendar.Day
	for rows.Next() {
		var day time.Time
		if err := rows.Scan(&day); err != nil {
			return nil, fmt.Errorf("look for erased days: %w", err)
		}
		all = append(all, calendar.DayOf(day))
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look for erased days: %w", err)
	}
	return all, nil
}

func (s *Store) countErased(ctx context.Context, q report.Query) (int, error) {
	ids := make([]string, len(q.Sites))
	for i, id := range q.Sites {
		ids[i] = strconv.FormatUint(uint64(id), 10)
	}
	compare := q.Range
	if q.Compare != nil {
		compare = *q.Compare
	}
	var days uint64
	query := `
		SELECT uniqExact(day) FROM erased
		WHERE site IN {sites:Array(UInt32)} AND (day BETWEEN {a:Date} AND {b:Date} OR day BETWEEN {c:Date} AND {d:Date})`
	params := clickhouse.Parameters{
		"sites": "[" + strings.Join(ids, ",") + "]", "a": q.Range.From.String(), "b": q.Range.To.String(), "c": compare.From.String(), "d": compare.To.String(),
	}
	if err := s.conn.QueryRow(bind(ctx, params), query).Scan(&days); err != nil {
		return 0, fmt.Errorf("look for erased days: %w", err)
	}
	return int(days), nil
}

// takeOut subtracts the rows of a condition from a rollup: it adds lines that correct the
// sums, and has ClickHouse merge the lines, so that those whose sums are zero disappear. A
// second attempt after a failure corrects only what the first did not.
func (s *Store) takeOut(ctx context.Context, r report.Rollup, where string) error {
	rows, err := s.conn.Query(ctx, "SELECT DISTINCT toString(toYYYYMM(day)) FROM hits WHERE "+where)
	if err != nil {
		return fmt.Errorf("list the months of %s to correct: %w", r.Name, err)
	}
	defer rows.Close()
	var months []string
	for rows.Next() {
		var month string
		if err := rows.Scan(&month); err != nil {
			return fmt.Errorf("list the months of %s to correct: %w", r.Name, err)
		}
		months = append(months, month)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list the months of %s to correct: %w", r.Name, err)
	}
	if err := s.conn.Exec(ctx, r.Correction(where)); err != nil {
		return fmt.Errorf("correct %s: %w", r.Name, err)
	}
	for _, month := range months {
		if err := s.conn.Exec(ctx, "OPTIMIZE TABLE "+r.Name+" PARTITION "+month+" FINAL"); err != nil {
			return fmt.Errorf("merge month %s of %s: %w", month, r.Name, err)
		}
	}
	return nil
}

func (s *Store) held(ctx context.Context, where string, params clickhouse.Parameters) (privacy.Held, error) {
	var h privacy.Held
	var n uint64
	query := "SELECT count(), min(time), max(time) FROM hits WHERE " + where
	if err := s.conn.QueryRow(bind(ctx, params), query).Scan(&n, &h.First, &h.Last); err != nil {
		return privacy.Held{}, err
	}
	if n == 0 {
		return privacy.Held{}, nil
	}
	h.Rows = int64(n)
	return h, nil
}

// deleteRows runs f with the tables that hold raw rows, and waits until the replaced parts
// with rows of days have left the disk. The schema does not change meanwhile.
func (s *Store) deleteRows(ctx context.Context, days calendar.Range, f func(ctx context.Context, tables []string) error) error {
	if s.Version() == "" {
		return ErrNotPrepared
	}
	ctx, end := withDeadline(ctx, deleteTime)
	defer end()
	return s.schema.Rows(ctx, func(ctx context.Context, tables []string) error {
		if err := f(ctx, tables); err != nil {
			return err
		}
		for _, r := range expiring() {
			tables = append(tables, r.Name)
		}
		for _, table := range tables {
			if err := s.awaitWiped(ctx, table, days); err != nil {
				return err
			}
		}
		return nil
	})
}

// mutate deletes the rows of a condition by rewriting the parts of the table that hold
// them.
func (s *Store) mutate(ctx context.Context, table, where string) error {
	return s.conn.Exec(ctx, "ALTER TABLE "+table+" DELETE WHERE "+where+" SETTINGS mutations_sync = 2")
}

// noMonth is a partition that no table has, since days begin in 1970.
const noMonth = "190001"

// awaitWiped waits until the replaced parts of a table with rows of days have left the disk.
func (s *Store) awaitWiped(ctx context.Context, table string, days calendar.Range) error {
	ctx, cancel := context.WithTimeout(ctx, wipeTimeout)
	defer cancel()
	query := `
		SELECT count() FROM system.parts
		WHERE database = currentDatabase() AND table = {table:String} AND NOT active
			AND min_date <= {last:Date} AND max_date >= {first:Date}`
	params := clickhouse.Parameters{"table": table, "first": max(days.From, 0).String(), "last": days.To.String()}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		var old uint64
		if err := s.conn.QueryRow(bind(ctx, params), query).Scan(&old); err != nil {
			return fmt.Errorf("look for replaced parts: %w", err)
		}
		if old == 0 {
			return nil
		}
		// An engine without work looks for replaced parts ever more seldom, in the end every
		// few minutes. To drop a partition, even one without parts, removes those that are due.
		if err := s.conn.Exec(ctx, "ALTER TABLE "+table+" DROP PARTITION ID '"+noMonth+"'"); err != nil {
			return fmt.Errorf("remove replaced parts: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d replaced parts are still on disk: %w", old, ctx.Err())
		case <-tick.C:
		}
	}
}

// sqlTime writes a time as ClickHouse reads it in UTC.
func sqlTime(t time.Time) string { return t.UTC().Format(time.DateTime) }
