package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fotspor/fotspor/backup"
)

// restless are the tables that change by themselves, or say of what happens to a store and not
// what it holds. Figures leaves them out.
var restless = []string{"audit", "clock", "filled", "logins", "migrations", "processes"}

// Figures returns what all tables hold but those that are restless. With like it returns that of
// the tables and columns named there, as far as they exist.
func (s *Store) Figures(ctx context.Context, like []backup.Table) ([]backup.Table, error) {
	ctx, end := withDeadline(ctx, deleteTime)
	defer end()
	all, err := s.tables(ctx)
	if err != nil {
		return nil, fmt.Errorf("add up tables: %w", err)
	}
	var figures []backup.Table
	for _, t := range all {
		if slices.Contains(restless, t.name) {
			continue
		}
		if like != nil {
			i := slices.IndexFunc(like, func(l backup.Table) bool { return l.Name == t.name })
			if i < 0 {
				continue
			}
			t.columns = slices.DeleteFunc(t.columns, func(c columnOfTable) bool { return !slices.Contains(like[i].Columns, c.name) })
		}
		groups, err := s.figuresOf(ctx, t)
		if err != nil {
			return nil, fmt.Errorf("add up table %s: %w", t.name, err)
		}
		figures = append(figures, backup.Table{Name: t.name, Columns: t.names(), Groups: groups})
	}
	return figures, nil
}

// table is a table with the columns that are inserted.
type table struct {
	name    string
	merges  bool // its lines are added up or replaced when parts merge
	columns []columnOfTable
}

type columnOfTable struct{ name, kind string }

func (t table) names() []string {
	var all []string
	for _, c := range t.columns {
		all = append(all, c.name)
	}
	return all
}

// has returns the first of some columns that the table has, "" if none.
func (t table) has(some ...string) string {
	for _, c := range t.columns {
		if slices.Contains(some, c.name) {
			return c.name
		}
	}
	return ""
}

// tables returns the tables of the store that hold lines, but no clones of backfills and no
// unfinished copies.
func (s *Store) tables(ctx context.Context) ([]table, error) {
	rows, err := s.direct.Query(ctx, `
		SELECT c.table, t.engine != 'MergeTree', c.name, c.type FROM system.columns AS c
		JOIN system.tables AS t ON t.database = c.database AND t.name = c.table
		WHERE c.database = currentDatabase() AND t.engine LIKE '%MergeTree' AND c.default_kind IN ('', 'DEFAULT') AND NOT match(c.table, '^(filling|moving)_')
		ORDER BY c.table, c.position`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []table
	for rows.Next() {
		var name string
		var merges uint8
		var c columnOfTable
		if err := rows.Scan(&name, &merges, &c.name, &c.kind); err != nil {
			return nil, err
		}
		if n := len(all); n == 0 || all[n-1].name != name {
			all = append(all, table{name: name, merges: merges == 1})
		}
		last := &all[len(all)-1]
		last.columns = append(last.columns, c)
	}
	return all, rows.Err()
}

// figuresOf adds a table up. FINAL shows lines as merges will leave them.
func (s *Store) figuresOf(ctx context.Context, t table) ([]backup.Group, error) {
	var quoted, summed, sums []string
	for _, c := range t.columns {
		quoted = append(quoted, quoteName(c.name))
		if strings.HasPrefix(c.kind, "Int") {
			summed, sums = append(summed, c.name), append(sums, "toInt64(sum("+quoteName(c.name)+"))")
		}
	}
	group, final := "''", ""
	if t.has("dimension") != "" {
		group = "toString(dimension)"
	}
	if t.merges {
		final = " FINAL"
	}
	rows, err := s.direct.Query(ctx, fmt.Sprintf("SELECT %s AS the_group, count(), hex(sum(cityHash64(%s))), [%s]::Array(Int64) FROM %s%s GROUP BY the_group ORDER BY the_group",
		group, strings.Join(quoted, ", "), strings.Join(sums, ", "), quoteName(t.name), final))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []backup.Group
	for rows.Next() {
		g := backup.Group{}
		var values []int64
		if err := rows.Scan(&g.Dimension, &g.Rows, &g.Digest, &values); err != nil {
			return nil, err
		}
		for i, v := range values {
			if g.Sums == nil {
				g.Sums = map[string]int64{}
			}
			g.Sums[summed[i]] = v
		}
		all = append(all, g)
	}
	return all, rows.Err()
}
