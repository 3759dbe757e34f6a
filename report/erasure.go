package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
)

// Erasure says which texts are taken out of which days. It knows them by keyed hashes alone: the
// store keeps the statements of mutations in files.
type Erasure struct {
	Key  [2]uint64 // of SipHash-2-4
	Days calendar.Range
	// Whole and Part are the hashes of "SITE TEXT" by the name of the field. Of a path in Part its
	// first segment stays.
	Whole, Part map[string][]uint64
}

// in returns the condition under which a column holds a text of some hashes, "" if there are
// none.
func (e Erasure) in(hashes []uint64, column string) string {
	if len(hashes) == 0 {
		return ""
	}
	all := make([]string, len(hashes))
	for i, h := range hashes {
		all[i] = strconv.FormatUint(h, 10)
	}
	return fmt.Sprintf("sipHash64Keyed((toUInt64(%d), toUInt64(%d)), concat(toString(site), ' ', toString(%s))) IN (%s)", e.Key[0], e.Key[1], column, strings.Join(all, ", "))
}

// Chosen returns the condition under which a line holds a text that is taken out in one of
// some places of its table, or a row of it is; "" if none of them can.
func (e Erasure) Chosen(places []Place) string {
	var any []string
	for _, p := range places {
		hashes := slices.Concat(e.Whole[p.Field.Name], e.Part[p.Field.Name])
		if is := e.in(hashes, p.Column); is != "" {
			any = append(any, p.only(is))
		}
	}
	if len(any) == 0 {
		return ""
	}
	return fmt.Sprintf("%s AND (%s)", e.within(places[0]), strings.Join(any, " OR "))
}

// within is the condition for the days.
func (e Erasure) within(p Place) string {
	from, to := max(e.Days.From, 0), e.Days.To
	if p.Day() == "month" {
		from = from.FirstOfMonth()
	}
	return fmt.Sprintf("%s BETWEEN toDate('%s') AND toDate('%s')", p.Day(), from, to)
}

// only restricts a condition to the lines of the place.
func (p Place) only(condition string) string {
	if p.Dimension == "" {
		return condition
	}
	return "(dimension = '" + p.Dimension + "' AND " + condition + ")"
}

// erased returns the SQL of what stands in a column afterwards: hit.Field.Erase.
func (e Erasure) erased(column string, places []Place) string {
	var cases []string
	for _, p := range places {
		if p.Column != column {
			continue
		}
		text := "toString(" + column + ")"
		for _, of := range []struct {
			hashes []uint64
			before string
		}{{e.Whole[p.Field.Name], "''"}, {e.Part[p.Field.Name], "extract(" + text + ", '^/[^/?]*')"}} {
			is := e.in(of.hashes, column)
			if is == "" {
				continue
			}
			by := "'" + hit.Erased + "'"
			switch {
			case p.Field.IsPath():
				by = fmt.Sprintf("concat(%s, '/%s', if(%s = concat(extract(%[3]s, '^/[^/?]*'), '/%s'), '/%[4]s', ''))", of.before, hit.Erased, text, hit.Others)
			case p.Field.Name == "name":
				by = fmt.Sprintf("if(match(%s, '%s'), concat(substring(%[1]s, 1, 6), '/%[3]s'), '%[3]s')", text, missingName, hit.Erased)
			}
			cases = append(cases, p.only(is), by)
		}
	}
	if len(cases) == 0 {
		return ""
	}
	return "multiIf(" + strings.Join(append(cases, "toString("+column+")"), ", ") + ")"
}

// Update returns the mutation that takes the texts out of a table of hits, "" if there are none
// of a field of hits.
func (e Erasure) Update(table string) string {
	places := PlacesOf(hits)
	var updates []string
	for _, p := range places {
		if by := e.erased(p.Column, places); by != "" {
			updates = append(updates, p.Column+" = "+by)
		}
	}
	if len(updates) == 0 {
		return ""
	}
	return "ALTER TABLE " + table + " UPDATE " + strings.Join(updates, ", ") + " WHERE " + e.Chosen(places)
}

// Lines is a table of sums: its key, its measures and where in its key texts stand.
type Lines struct {
	Table, Day     string // Day is its column of days or months
	Keys, Measures []string
	Places         []Place
}

// Lines returns the rollup as a table of sums.
func (r Rollup) Lines() Lines {
	return Lines{Table: r.Name, Day: r.day(), Keys: r.Keys(), Measures: r.Measures(), Places: PlacesOf(r.Name)}
}

// Erase returns the statement that takes texts out of the lines of a table, by adding lines: what
// is taken from a line is added to the one with Erase in the place of the text, so that sums stay.
// Carried out again it adds nothing. It is "" if there are no such texts.
func (l Lines) Erase(e Erasure) string {
	chosen := e.Chosen(l.Places)
	if chosen == "" {
		return ""
	}
	after := make([]string, len(l.Keys))
	for i, key := range l.Keys {
		if after[i] = key; e.erased(key, l.Places) != "" {
			after[i] = e.erased(key, l.Places) + " AS new_" + key
		}
	}
	var taken, given []string
	for _, m := range l.Measures {
		taken, given = append(taken, "-"+l.Table+"."+m+" AS "+m), append(given, m)
	}
	first := "SELECT " + strings.Join(append(slices.Clone(l.Keys), taken...), ", ") + " FROM " + l.Table + " WHERE " + chosen
	second := "SELECT " + strings.Join(append(after, given...), ", ") + " FROM " + l.Table + " WHERE " + chosen
	var sums, some []string
	for _, m := range l.Measures {
		sums = append(sums, "sum("+m+") AS sum_"+m)
		some = append(some, "sum_"+m+" != 0")
	}
	keys := strings.Join(l.Keys, ", ")
	return "INSERT INTO " + l.Table + " (" + strings.Join(append(slices.Clone(l.Keys), l.Measures...), ", ") + ")\n" +
		"SELECT " + keys + ", " + strings.Join(sums, ", ") + "\nFROM (\n" + first + "\nUNION ALL\n" + second + "\n)\n" +
		"GROUP BY " + keys + "\nHAVING " + strings.Join(some, " OR ")
}
