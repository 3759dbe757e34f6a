// Package schema makes the tables of a store what the program needs. It has numbered
// migrations, each of which is applied to a store once.
package schema

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed migrations/*.sql
var files embed.FS

// Kind is how a migration is carried out.
type Kind string

// The kinds. They follow from the first words of the statements, so a file does not name its
// kind.
const (
	// DDL makes or alters tables. Its statements do nothing the second time.
	DDL Kind = "ddl"
	// View makes views that fill tables from hits. They replace views of the same names.
	View Kind = "view"
	// Backfill makes views, and fills their tables from the rows that are stored already.
	Backfill Kind = "backfill"
)

// Migration is one change of the schema.
type Migration struct {
	Number   int
	Name     string // name of its file, such as 0001_hits
	Checksum string // SHA-256 in hex of its statements without comments

	tables []string // statements that make or alter tables
	views  []view
	fills  []fill
}

// fill counts the rows that are there: INSERT INTO table (columns) SELECT … FROM hits.
type fill struct {
	statement, table string
	columns          []string
	query            string // the SELECT
	// only is the condition behind the last bracket of the query, which says which of the
	// table's lines are those of the fill; "": all of its columns' lines.
	only string
}

// view is a view that a migration makes or, without a statement, drops.
type view struct{ name, create string }

// Kind returns how the migration is carried out.
func (m Migration) Kind() Kind {
	switch {
	case len(m.fills) > 0:
		return Backfill
	case len(m.views) > 0:
		return View
	}
	return DDL
}

// Statements returns the statements for a dry run: those on tables, then views, then inserts.
func (m Migration) Statements() []string {
	all := append([]string{}, m.tables...)
	for _, v := range m.views {
		all = append(all, v.statement())
	}
	for _, f := range m.fills {
		all = append(all, f.statement)
	}
	return all
}

func (v view) statement() string {
	if v.create == "" {
		return "DROP VIEW " + v.name
	}
	return v.create
}

// All returns the migrations of this program in order.
var All = sync.OnceValue(func() []Migration {
	all, err := Read(files, "migrations")
	if err != nil {
		panic(err) // can't happen: they are embedded and tested
	}
	return all
})

// Read reads the migrations in a folder. Their numbers must begin at 1 and have no gaps.
func Read(fsys fs.FS, dir string) ([]Migration, error) {
	entries, err := fs.ReadDir(fsys, dir) // in order of their names
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	var all []Migration
	for _, entry := range entries {
		text, err := fs.ReadFile(fsys, dir+"/"+entry.Name())
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		m, err := parse(entry.Name(), string(text))
		if err == nil && m.Number != len(all)+1 {
			err = fmt.Errorf("its number is not %d", len(all)+1)
		}
		if err != nil {
			return nil, fmt.Errorf("migration %q: %w", entry.Name(), err)
		}
		all = append(all, m)
	}
	return all, nil
}

var (
	fileName   = regexp.MustCompile(`^((\d{4})_[a-z0-9_]+)\.sql$`)
	comment    = regexp.MustCompile(`(?m)^\s*--.*\n?`)
	makesView  = regexp.MustCompile(`^CREATE MATERIALIZED VIEW (\w+) TO (\w+)\s`)
	fillsTable = regexp.MustCompile(`(?s)^INSERT INTO (\w+) \(([\w, ]+)\)\s+((?:SELECT|WITH)\s.*)$`)
	onlyThose  = regexp.MustCompile(`(?s).*\n\)\s*WHERE\s+(.*)$`)
	dropsView  = regexp.MustCompile(`^DROP VIEW (\w+)$`)
	harmless   = regexp.MustCompile(`(?s)^(CREATE TABLE IF NOT EXISTS |DROP TABLE IF EXISTS |ALTER TABLE \w+\s)`)
	alteration = regexp.MustCompile(`\b(ADD|DROP|RENAME) (COLUMN|INDEX|CONSTRAINT) (IF )?`)
	fromHits   = regexp.MustCompile(`\bFROM hits\b`)
)

// parse reads a migration. It refuses statements that do harm when they are run again: a
// start may be killed between a statement and the record that it was run.
func parse(file, text string) (Migration, error) {
	name := fileName.FindStringSubmatch(file)
	if name == nil {
		return Migration{}, fmt.Errorf("want a name such as 0001_hits.sql")
	}
	m := Migration{Name: name[1]}
	m.Number, _ = strconv.Atoi(name[2])
	sum := sha256.New()
	for _, statement := range strings.SplitAfter(comment.ReplaceAllString(text, ""), ";\n") {
		statement = strings.TrimSuffix(strings.TrimSpace(statement), ";")
		if statement == "" {
			continue
		}
		fmt.Fprintf(sum, "%s;\n", strings.Join(strings.Fields(statement), " "))
		if made := makesView.FindStringSubmatch(statement); made != nil {
			m.views = append(m.views, view{made[1], statement})
		} else if dropped := dropsView.FindStringSubmatch(statement); dropped != nil {
			m.views = append(m.views, view{name: dropped[1]})
		} else if strings.HasPrefix(statement, "INSERT INTO ") {
			if len(fromHits.FindAllString(statement, -1)) != 1 {
				return m, fmt.Errorf("statement %.60q: want one FROM hits", statement)
			}
			parts := fillsTable.FindStringSubmatch(statement)
			if parts == nil {
				return m, fmt.Errorf("statement %.60q: want INSERT INTO table (columns) SELECT", statement)
			}
			f := fill{statement: statement, table: parts[1], columns: strings.Split(parts[2], ", "), query: parts[3]}
			if only := onlyThose.FindStringSubmatch(f.query); only != nil {
				f.only = only[1]
			}
			m.fills = append(m.fills, f)
		} else {
			if err := repeatable(statement); err != nil {
				return m, err
			}
			m.tables = append(m.tables, statement)
		}
	}
	m.Checksum = hex.EncodeToString(sum.Sum(nil))
	return m, nil
}

// repeatable returns an error for a statement that fails or does harm if it is run twice.
func repeatable(statement string) error {
	if !harmless.MatchString(statement) {
		return fmt.Errorf("statement %.60q: want CREATE TABLE IF NOT EXISTS, DROP TABLE IF EXISTS, ALTER TABLE, CREATE MATERIALIZED VIEW … TO, DROP VIEW or INSERT INTO", statement)
	}
	for _, part := range alteration.FindAllStringSubmatch(statement, -1) {
		if part[3] == "" {
			return fmt.Errorf("statement %.60q: want %s %s IF …, which does nothing the second time", statement, part[1], part[2])
		}
	}
	return nil
}

var makesTable = regexp.MustCompile(`^CREATE TABLE IF NOT EXISTS (\w+)`)

// Tables returns the names of the tables that migrations make, sorted.
func Tables(all []Migration) []string {
	var names []string
	for _, m := range all {
		for _, statement := range m.tables {
			if found := makesTable.FindStringSubmatch(statement); found != nil {
				names = append(names, found[1])
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
