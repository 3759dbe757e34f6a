package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/report"
)

// Sizes of a fold.
const (
	// foldLines is about how many lines one statement folds: they are one block, which is
	// stored whole or not at all.
	foldLines = 50_000
	// foldTime bounds such a statement. It is less than the time after which another process
	// takes the lock of one that is dead.
	foldTime = 10
	// foldMerges is how often a partition is merged until what was folded is off its parts.
	foldMerges = 20
)

// foldSettings let a statement insert one block.
var foldSettings = fmt.Sprintf("\nSETTINGS max_insert_threads = 1, min_insert_block_size_rows = %d, min_insert_block_size_bytes = 0, max_execution_time = %d, insert_deduplicate = 0, deduplicate_insert = 'disable', deduplicate_insert_select = 'disable'",
	100*foldLines, foldTime)

// Few are the lines of totals that fewer than a number had in a month.
type Few struct {
	store *Store
	below int
	sites []uint32 // nil: all
}

// Few returns the lines that are below a number, for the retention worker.
func (s *Store) Few(below int) *Few { return s.FewOf(nil, below) }

// FewOf is Few of some sites, nil for all.
func (s *Store) FewOf(sites []uint32, below int) *Few { return &Few{s, below, sites} }

// fewDays are days of a site on which a table has lines to fold.
type fewDays struct {
	folding report.Folding
	month   calendar.Range
	site    uint32
	days    calendar.Range
	lines   int64
}

// Lines counts the lines of few, as they are stored, in months that end before the day of a
// time, and the titles of pages without a line.
func (f *Few) Lines(ctx context.Context, cutoff time.Time) (int64, error) {
	if f.below == 0 {
		return 0, nil
	}
	months, err := f.months(ctx, cutoff)
	if err != nil {
		return 0, err
	}
	parts, err := f.parts(ctx)
	if err != nil {
		return 0, err
	}
	var n int64
	for len(months) > 0 { // a year at a time, which bounds the memory
		year := months[:1]
		for len(year) < len(months) && yearOf(months[len(year)]) == yearOf(year[0]) {
			year = months[:len(year)+1]
		}
		months = months[len(year):]
		few, err := f.count(ctx, year, parts[yearOf(year[0])])
		if err != nil {
			return 0, err
		}
		n += few
	}
	if f.sites != nil { // titles are found with those of all sites
		return n, nil
	}
	var titles uint64
	if err := f.store.conn.QueryRow(ctx, "SELECT count() FROM titles WHERE "+titlesAlone).Scan(&titles); err != nil {
		return 0, fmt.Errorf("count titles without lines: %w", err)
	}
	return n + int64(titles), nil
}

// titlesAlone is the condition of titles of pages without a line.
const titlesAlone = "(site, path) NOT IN (SELECT site, toString(value) FROM daily WHERE dimension = 'page')"

// months returns the months of the totals that end before the day of a time.
func (f *Few) months(ctx context.Context, cutoff time.Time) ([]calendar.Range, error) {
	end := calendar.DayOf(cutoff.UTC()).FirstOfMonth()
	rows, err := f.store.conn.Query(ctx, "SELECT DISTINCT toUInt16(toStartOfMonth(day)) AS first FROM (SELECT site, day FROM daily WHERE dimension = 'total' UNION ALL SELECT site, day FROM ledger) WHERE "+ofSites(f.sites)+"day < toDate('"+end.String()+"') ORDER BY first")
	if err != nil {
		return nil, fmt.Errorf("list months of totals: %w", err)
	}
	defer rows.Close()
	var months []calendar.Range
	for rows.Next() {
		var first uint16
		if err := rows.Scan(&first); err != nil {
			return nil, fmt.Errorf("list months of totals: %w", err)
		}
		from := calendar.Day(first)
		months = append(months, calendar.Range{From: from, To: from.AddMonths(1) - 1})
	}
	return months, rows.Err()
}

// yearOf returns the year in which a month lies, which is the partition of its lines.
func yearOf(month calendar.Range) string { return month.From.String()[:4] }

// parts returns what stands for the parts of each year of the tables with lines of few.
func (f *Few) parts(ctx context.Context) (map[string]uint64, error) {
	rows, err := f.store.conn.Query(ctx, "SELECT partition, groupBitXor(cityHash64(table, name)) FROM system.parts WHERE database = currentDatabase() AND active AND table IN ('daily', 'moves', 'campaigns', 'ledger') GROUP BY partition")
	if err != nil {
		return nil, fmt.Errorf("look at the parts of totals: %w", err)
	}
	defer rows.Close()
	all := map[string]uint64{}
	for rows.Next() {
		var year string
		var parts uint64
		if err := rows.Scan(&year, &parts); err != nil {
			return nil, fmt.Errorf("look at the parts of totals: %w", err)
		}
		all[year] = parts
	}
	return all, rows.Err()
}

// known reports whether a month had no lines of few when its year had the same parts.
func (f *Few) known(month calendar.Range, parts uint64) bool {
	seen, ok := f.store.folded.Load(folded{f.below, ofSites(f.sites), month.From})
	return ok && seen == parts
}

// count counts the lines of few in months of a year that has some parts, by one statement.
func (f *Few) count(ctx context.Context, months []calendar.Range, parts uint64) (n int64, err error) {
	months = slices.DeleteFunc(slices.Clone(months), func(m calendar.Range) bool { return f.known(m, parts) })
	if len(months) == 0 {
		return 0, nil
	}
	rows, err := f.store.conn.Query(ctx, report.CountFolded(f.below, months, ofSites(f.sites)))
	if err != nil {
		return 0, fmt.Errorf("count lines of few: %w", err)
	}
	defer rows.Close()
	has := map[calendar.Day]bool{}
	for rows.Next() {
		var first uint16
		var few uint64
		if err := rows.Scan(&first, &few); err != nil {
			return 0, fmt.Errorf("count lines of few: %w", err)
		}
		has[calendar.Day(first)] = true
		n += int64(few)
	}
	if err := rows.Err(); err != nil {
		return 0, fmt.Errorf("count lines of few: %w", err)
	}
	for _, month := range months {
		if !has[month.From] {
			f.store.folded.Store(folded{f.below, ofSites(f.sites), month.From}, parts)
		}
	}
	return n, nil
}

// find returns where a month has lines of few, in groups of days that are folded at once. It
// does not look again while the parts of the month's year are those in which it found none.
func (f *Few) find(ctx context.Context, month calendar.Range) ([]fewDays, error) {
	all, err := f.parts(ctx)
	if err != nil {
		return nil, err
	}
	parts := all[yearOf(month)]
	if f.known(month, parts) {
		return nil, nil
	}
	few, err := f.look(ctx, month)
	if err == nil && len(few) == 0 {
		f.store.folded.Store(folded{f.below, ofSites(f.sites), month.From}, parts)
	}
	return few, err
}

// folded is a month without lines of some sites that are below a number.
type folded struct {
	below int
	sites string
	month calendar.Day
}

func (f *Few) look(ctx context.Context, month calendar.Range) ([]fewDays, error) {
	var all []fewDays
	for _, folding := range report.Foldings() {
		rows, err := f.store.conn.Query(ctx, folding.Count(f.below, []calendar.Range{month}, ofSites(f.sites)))
		if err != nil {
			return nil, fmt.Errorf("count lines of few in %s: %w", folding.Table, err)
		}
		begun := len(all)
		for rows.Next() {
			var site uint32
			var day uint16
			var n uint64
			if err := rows.Scan(&site, &day, &n); err != nil {
				rows.Close()
				return nil, fmt.Errorf("count lines of few in %s: %w", folding.Table, err)
			}
			if last := len(all) - 1; last >= begun && all[last].site == site && all[last].lines+int64(n) <= foldLines {
				all[last].days.To, all[last].lines = calendar.Day(day), all[last].lines+int64(n)
				continue
			}
			all = append(all, fewDays{folding, month, site, calendar.One(calendar.Day(day)), int64(n)})
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, fmt.Errorf("count lines of few in %s: %w", folding.Table, err)
		}
	}
	return all, nil
}

// Fold counts the lines that Lines counts together with others, and returns when their texts
// are off the disk. totals is the day before which totals are deleted, 0 for none: of its month
// only table daily knows the rest. Each statement stores all or nothing, and what it does is
// found out from the lines as they are, so after a kill at any moment another call goes on.
func (f *Few) Fold(ctx context.Context, cutoff time.Time, totals calendar.Day) error {
	if f.store.Version() == "" {
		return ErrNotPrepared
	}
	ctx, end := withDeadline(ctx, deleteTime)
	defer end()
	err := f.store.schema.Rows(ctx, func(ctx context.Context, _ []string) error {
		months, err := f.months(ctx, cutoff)
		if err != nil {
			return err
		}
		for _, month := range months {
			if err := f.fold(ctx, month, totals); err != nil {
				return fmt.Errorf("month %s: %w", month.From, err)
			}
		}
		return f.foldTitles(ctx)
	})
	if err != nil {
		return fmt.Errorf("fold lines of few: %w", err)
	}
	return nil
}

// fold folds the lines of a month. The lines are merged after all of them are corrected: then
// those that are zero disappear.
func (f *Few) fold(ctx context.Context, month calendar.Range, totals calendar.Day) error {
	tables := map[string]bool{}
	for try := 0; ; try++ {
		few, err := f.find(ctx, month)
		if err != nil {
			return err
		}
		if len(few) == 0 {
			break
		}
		if try == foldMerges {
			return fmt.Errorf("lines of %s are still there after %d merges", few[0].folding.Table, try)
		}
		merge := map[string]bool{}
		for _, one := range few {
			merge[one.folding.Table] = true
			if err := f.store.conn.Exec(ctx, one.folding.Correct(f.below, one.month, one.site, one.days)+foldSettings); err != nil {
				return fmt.Errorf("correct %s: %w", one.folding.Table, err)
			}
		}
		for table := range merge {
			tables[table] = true
			if err := f.store.merge(ctx, table, month); err != nil {
				return err
			}
		}
	}
	healed, err := f.healMonth(ctx, month, totals)
	if err != nil {
		return err
	}
	if healed || tables["daily"] {
		tables["monthly"] = true
		if err := f.store.merge(ctx, "monthly", month); err != nil {
			return err
		}
	}
	for table := range tables {
		if err := f.store.awaitWiped(ctx, table, month); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
	}
	return nil
}

// healMonth makes the sums of a month those of its days, if a process ended between both. It
// reports whether it did.
func (f *Few) healMonth(ctx context.Context, month calendar.Range, totals calendar.Day) (bool, error) {
	if month.From < totals {
		var n uint64
		where := "month < toDate('" + totals.String() + "')"
		if err := f.store.conn.QueryRow(ctx, "SELECT count() FROM monthly WHERE "+where).Scan(&n); err != nil || n == 0 {
			return false, err
		}
		return true, f.store.mutate(ctx, "monthly", where)
	}
	count, heal := report.HealMonthly(month)
	differ := func(ctx context.Context) (bool, error) {
		var n uint64
		err := f.store.conn.QueryRow(ctx, count).Scan(&n)
		return n > 0, err
	}
	is, err := differ(ctx)
	if err != nil || !is {
		return false, err
	}
	// Hits that come meanwhile would be counted twice.
	err = f.store.schema.Hold(ctx, func(ctx context.Context) error {
		if is, err = differ(ctx); err != nil || !is {
			return err
		}
		return f.store.conn.Exec(ctx, heal+foldSettings)
	})
	return is, err
}

// merge makes one part of the year of a rollup in which a month lies.
func (s *Store) merge(ctx context.Context, table string, month calendar.Range) error {
	if err := s.conn.Exec(ctx, "OPTIMIZE TABLE "+table+" PARTITION "+yearOf(month)+" FINAL"); err != nil {
		return fmt.Errorf("merge %s: %w", table, err)
	}
	return nil
}

// foldTitles deletes the titles of pages without a line.
func (f *Few) foldTitles(ctx context.Context) error {
	var n uint64
	if err := f.store.conn.QueryRow(ctx, "SELECT count() FROM titles WHERE "+titlesAlone).Scan(&n); err != nil || n == 0 {
		return err
	}
	if err := f.store.mutate(ctx, "titles", titlesAlone); err != nil {
		return fmt.Errorf("delete titles without lines: %w", err)
	}
	return f.store.awaitWiped(ctx, "titles", calendar.Range{})
}
