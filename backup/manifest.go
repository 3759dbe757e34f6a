package backup

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// format is the version of the layout of a backup.
const format = 1

// Manifest says what a backup is of. It is in the file manifest.json of the backup, and in the
// contents. Of an encrypted backup only the one in the contents has the tables, which tell of
// traffic.
type Manifest struct {
	Format    int       `json:"format"`
	Time      time.Time `json:"time"`    // nothing later is in it
	Program   string    `json:"program"` // version of the program that made it
	Schema    int       `json:"schema"`  // number of the store's last migration
	Policy    uint64    `json:"policy"`  // version of the policy in force; 0: there was none
	Encrypted bool      `json:"encrypted"`
	Tables    []Table   `json:"tables,omitempty"`
	Contents  File      `json:"contents,omitzero"` // not in the manifest in the contents
}

// File is a file of a backup.
type File struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Table is what a table of the store holds. Two tables that hold the same have the same
// groups, however their parts are merged.
type Table struct {
	Name    string   `json:"table"`
	Columns []string `json:"columns"` // which the digests are of
	Groups  []Group  `json:"groups"`
}

// Group are the lines of a table with one value of its column dimension, or all lines of a
// table without that column.
type Group struct {
	Dimension string           `json:"dimension,omitempty"`
	Rows      uint64           `json:"rows"` // after all that can be merged
	Sums      map[string]int64 `json:"sums,omitempty"`
	Digest    string           `json:"digest"` // of all values of all lines
}

// Rows returns the number of lines of a table.
func (t Table) Rows() uint64 {
	var n uint64
	for _, g := range t.Groups {
		n += g.Rows
	}
	return n
}

// Rows returns the number of lines of all tables.
func (m Manifest) Rows() uint64 {
	var n uint64
	for _, t := range m.Tables {
		n += t.Rows()
	}
	return n
}

// Compare returns in words how the tables after something differ from those before it, in
// order. Further tables and groups are no difference: a later version of the program may have
// them.
func Compare(before, after []Table) []string {
	var all []string
	for _, b := range before {
		i := slices.IndexFunc(after, func(t Table) bool { return t.Name == b.Name })
		if i < 0 {
			all = append(all, fmt.Sprintf("%s: the table is gone, which had %d rows", b.Name, b.Rows()))
			continue
		}
		for _, g := range b.Groups {
			all = append(all, differences(b.Name, g, after[i].Groups)...)
		}
		for _, g := range after[i].Groups {
			if g.Dimension == "" && !slices.ContainsFunc(b.Groups, func(b Group) bool { return b.Dimension == "" }) {
				all = append(all, fmt.Sprintf("%s: no rows before, %d after", b.Name, g.Rows))
			}
		}
	}
	return all
}

func differences(table string, before Group, after []Group) []string {
	name := table
	if before.Dimension != "" {
		name += " (" + before.Dimension + ")"
	}
	i := slices.IndexFunc(after, func(g Group) bool { return g.Dimension == before.Dimension })
	if i < 0 {
		return []string{fmt.Sprintf("%s: %d rows before, none after", name, before.Rows)}
	}
	var all []string
	if before.Rows != after[i].Rows {
		all = append(all, fmt.Sprintf("%s: %d rows before, %d after", name, before.Rows, after[i].Rows))
	}
	for _, column := range slices.Sorted(maps.Keys(before.Sums)) {
		if was, is := before.Sums[column], after[i].Sums[column]; was != is {
			all = append(all, fmt.Sprintf("%s: sum of %s %d before, %d after", name, column, was, is))
		}
	}
	if len(all) == 0 && before.Digest != after[i].Digest {
		all = append(all, fmt.Sprintf("%s: as many rows and the same sums, but other values", name))
	}
	return all
}
