package schema

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/report"
)

// Windows are the settings by which a table that is filled by inserts of segments, or by
// a view on such a table, knows an insert that is sent again. They must outlast every
// retry of a segment, on one server and on replicas.
const Windows = `non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000`

// gone are the settings of a table whose rows must leave the disk when they are deleted.
const gone = `old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 10,
    min_age_to_force_merge_seconds = 0`

// Hits returns the migration that makes table hits, from hit.Fields.
func Hits() string {
	var b strings.Builder
	b.WriteString(`-- Generated from hit.Fields by go run ./generate.
-- The raw rows. One hit is one row; nothing in it says who came.
-- The sorting key has nothing that ages or may be erased: such columns are changed by
-- mutations, which can not change a key. Replaced parts leave the disk within seconds
-- instead of eight minutes, because deleted rows must be gone, not hidden.
CREATE TABLE IF NOT EXISTS hits
(
`)
	name, kind := 0, 0
	for _, f := range hit.Fields {
		name, kind = max(name, len(f.Name)), max(kind, len(f.Type))
	}
	for i, f := range hit.Fields {
		end := ","
		if i == len(hit.Fields)-1 {
			end = ""
		}
		fmt.Fprintf(&b, "    %-*s %-*s COMMENT '%s' CODEC(%s)%s\n", name, f.Name, kind, f.Type, quoted.Replace(f.Comment), f.Codec, end)
	}
	b.WriteString(`)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (site, day, channel, country, browser, os, device)
SETTINGS ` + Windows + `,
    min_bytes_for_wide_part = 16777216,
    ` + gone + `;
`)
	return b.String()
}

// Rollups returns the migration that makes the rollups and their views, from package
// report.
func Rollups() string {
	var b strings.Builder
	b.WriteString(`-- Generated from report.Rollups by go run ./generate.
-- General information about traffic: sums without any address, kept when the raw rows
-- are gone, but for the cube, which lives as long as they. Each is filled by the same
-- insert as the raw rows, under the same deduplication token.
`)
	for _, r := range report.Rollups {
		fmt.Fprintf(&b, "\n%s;\n\n%s;\n", r.Table(lasting), r.View())
	}
	return b.String()
}

// lasting are the settings of a rollup: texts that are folded or erased must leave the disk.
const lasting = Windows + ",\n    " + gone

// Next returns the file and the text of the migration that makes the schema of all what
// hit.Fields and report.Rollups declare; "" if it is so already. The migration also counts
// the rows that are stored already. It is an error if a rollup lacks a key: a table can't be given
// one, since its lines are sums over all values of that.
func Next(all []Migration) (file, text string, err error) {
	var tables, views, fills []string
	for _, f := range hit.Fields {
		if !hasColumn(all, "hits", f.Name) {
			tables = append(tables, fmt.Sprintf("ALTER TABLE hits ADD COLUMN IF NOT EXISTS %s %s COMMENT '%s' CODEC(%s)", f.Name, f.Type, quoted.Replace(f.Comment), f.Codec))
		}
	}
	for _, r := range report.Rollups {
		before := newestView(all, r.Name+"_view")
		if before == "" {
			tables, views = append(tables, r.Table(lasting)), append(views, r.View())
			fills = append(fills, fmt.Sprintf("INSERT INTO %s (%s)\n%s", r.Name, strings.Join(append(r.Keys(), r.Measures()...), ", "), r.Select()))
			continue
		}
		if flat(before) != flat(r.View()) {
			views = append(views, r.View())
		}
		for _, key := range r.Keys() {
			if !hasColumn(all, r.Name, key) {
				return "", "", fmt.Errorf("rollup %[1]s has a new key %[2]s, which its table can't be given: declare a rollup with another name in place of %[1]s, or run go run ./generate -anew as long as nobody has a store", r.Name, key)
			}
		}
		var added []string
		for _, m := range r.Measures() {
			if !hasColumn(all, r.Name, m) {
				tables, added = append(tables, "ALTER TABLE "+r.Name+" ADD COLUMN IF NOT EXISTS "+m+" "+report.MeasureColumn), append(added, m)
			}
		}
		if r.Name == "monthly" { // which the lines by day fill
			continue
		}
		lines := r.LinesBeside(before)
		fill := func(columns []string, where string) {
			names := strings.Join(append(r.Keys(), columns...), ", ")
			fills = append(fills, fmt.Sprintf("INSERT INTO %s (%s)\nSELECT %s FROM (\n%s\n)%s", r.Name, names, names, r.Select(), where))
		}
		if len(lines) > 0 {
			fill(r.Measures(), "\nWHERE dimension IN ('"+strings.Join(lines, "', '")+"')")
		}
		if len(added) > 0 && len(lines) > 0 {
			fill(added, "\nWHERE dimension NOT IN ('"+strings.Join(lines, "', '")+"')")
		} else if len(added) > 0 {
			fill(added, "")
		}
	}
	statements := append(append(tables, views...), fills...)
	if len(statements) == 0 {
		return "", "", nil
	}
	return fmt.Sprintf("%04d_declared.sql", len(all)+1), "-- Generated by go run ./generate from what hit.Fields and report.Rollups declare.\n" + strings.Join(statements, ";\n\n") + ";\n", nil
}

// newestView returns the last statement that makes a view, "" if there is none.
func newestView(all []Migration, name string) string {
	found := ""
	for _, m := range all {
		for _, v := range m.views {
			if v.name == name {
				found = v.create
			}
		}
	}
	return found
}

// hasColumn reports whether migrations make a column of a table.
func hasColumn(all []Migration, table, column string) bool {
	defines := regexp.MustCompile(`\b` + column + `\s+[A-Z]`)
	for _, m := range all {
		for _, statement := range m.tables {
			if (strings.HasPrefix(statement, "CREATE TABLE IF NOT EXISTS "+table+"\n") || strings.HasPrefix(statement, "ALTER TABLE "+table+" ")) && defines.MatchString(statement) {
				return true
			}
		}
	}
	return false
}

// flat returns SQL with single spaces.
func flat(sql string) string { return strings.Join(strings.Fields(sql), " ") }
