package report

import (
	"slices"

	"github.com/fotspor/fotspor/hit"
)

// Place is a column in which texts stand that senders may have chosen: of table hits, or of a
// rollup.
type Place struct {
	Table, Column string
	// Dimension is what column dimension holds in the lines that are meant; "" where the table
	// has no such column.
	Dimension string
	Field     hit.Field // whose texts they are
}

// Day returns the column of the table that says of which day or month a line is.
func (p Place) Day() string {
	if p.Table == monthly {
		return "month"
	}
	return "day"
}

// Places returns all places, those of table hits first. A new field, dimension or rollup is
// among them by its declaration.
func Places() []Place {
	var all []Place
	for _, f := range hit.Fields {
		if f.Free() {
			all = append(all, Place{Table: hits, Column: f.Name, Field: f})
		}
	}
	for _, r := range Rollups {
		if r.keys[0][0] != "dimension" {
			for _, k := range r.keys {
				if f, ok := hit.FindField(k[0]); ok && f.Free() {
					all = append(all, Place{Table: r.Name, Column: f.Name, Field: f})
				}
			}
			continue
		}
		for _, d := range append(Dimensions[:len(Dimensions):len(Dimensions)], left) {
			if d.Kept != daily || d.Of != "" {
				continue
			}
			for _, of := range [][2]string{{"value", d.Value}, {"detail", d.Detail}} {
				for _, f := range texts(plain(of[1])) {
					if f.Free() {
						all = append(all, Place{Table: r.Name, Column: of[0], Dimension: d.lines(), Field: f})
					}
				}
			}
		}
	}
	return all
}

// plain returns SQL for the value of a dimension without the condition under which there is
// one.
func plain(sql string) string {
	if sql == leftPage {
		return "previous_path"
	}
	return sql
}

// PlacesOf returns the places in a table.
func PlacesOf(table string) []Place {
	return slices.DeleteFunc(Places(), func(p Place) bool { return p.Table != table })
}
