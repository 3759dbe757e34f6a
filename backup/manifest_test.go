package backup_test

import (
	"slices"
	"testing"

	"github.com/fotspor/fotspor/backup"
)

// TestCompare: every difference is told, and what is new in a later version is none.
func TestCompare(t *testing.T) {
	group := func(dimension string, rows uint64, views int64, digest string) backup.Group {
		return backup.Group{Dimension: dimension, Rows: rows, Sums: map[string]int64{"pageviews": views}, Digest: digest}
	}
	table := func(name string, groups ...backup.Group) []backup.Table {
		return []backup.Table{{Name: name, Groups: groups}}
	}
	for _, c := range []struct {
		name          string
		before, after []backup.Table
		want          []string
	}{
		{"the same", table("hits", group("", 2, 3, "a")), table("hits", group("", 2, 3, "a")), nil},
		{"a new table", nil, table("hits", group("", 2, 3, "a")), nil},
		{"a new dimension", table("daily", group("page", 2, 3, "a")), table("daily", group("page", 2, 3, "a"), group("os", 1, 3, "b")), nil},
		{"no table", table("hits", group("", 2, 3, "a")), nil, []string{"hits: the table is gone, which had 2 rows"}},
		{"no dimension", table("daily", group("page", 2, 3, "a")), table("daily"), []string{"daily (page): 2 rows before, none after"}},
		{"a row", table("hits", group("", 2, 3, "a")), table("hits", group("", 1, 3, "b")), []string{"hits: 2 rows before, 1 after"}},
		{"a sum", table("hits", group("", 2, 3, "a")), table("hits", group("", 2, -4, "b")), []string{"hits: sum of pageviews 3 before, -4 after"}},
		{"a text", table("hits", group("", 2, 3, "a")), table("hits", group("", 2, 3, "b")), []string{"hits: as many rows and the same sums, but other values"}},
		{"rows from nowhere", table("hits"), table("hits", group("", 2, 3, "a")), []string{"hits: no rows before, 2 after"}},
	} {
		if got := backup.Compare(c.before, c.after); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
