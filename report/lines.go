package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fotspor/fotspor/hit"
)

// LineSet is a set of lines of a rollup that is kept for ever: those of one dimension, or
// of a rollup with its own columns. Its values are what visitors send, so the collector
// holds their number to a cap.
type LineSet struct {
	Table     string // the rollup
	Dimension string // what its column dimension or part holds; "" where it has none
	Action    string // only hits of this action are in it; "": those of any and of none
	// Together is the bit of hit.Row.Other that says that values have no line together; 0: a
	// line is of one value, with its details.
	Together int
	// Value are the fields that name a line, and Detail those that tell apart the lines
	// with the same value, in the order of the table's columns.
	Value, Detail []hit.Field
}

// LineSets returns the sets of lines that hits make new ones of. The page that a visit
// began with and the page before a hit have been pages before: their lines are not among
// them.
func LineSets() []LineSet {
	var sets []LineSet
	for _, d := range Dimensions {
		if d.Kept != daily || d.Of != "" {
			continue
		}
		s := LineSet{Table: daily, Dimension: d.lines(), Action: d.action, Value: texts(d.Value), Detail: texts(d.Detail)}
		if s.Value[0].Name != "entry_path" {
			sets = append(sets, s)
		}
	}
	fields := func(columns ...string) []hit.Field { return texts(strings.Join(columns, " ")) }
	for _, part := range campaignParts {
		sets = append(sets, LineSet{Table: campaigns, Dimension: part, Value: fields(part)})
	}
	return append(sets,
		LineSet{Table: campaigns, Dimension: allParts, Together: hit.CampaignBit, Value: fields(campaignParts...)},
		LineSet{Table: moves, Together: hit.MoveBit, Value: fields("previous_path", "path")})
}

// IsMoves reports whether the set is of pairs of pages.
func (s LineSet) IsMoves() bool { return s.Together == hit.MoveBit }

// texts returns the fields that SQL over hits names and that hold what visitors send.
func texts(sql string) []hit.Field {
	var fields []hit.Field
	for _, name := range fieldsOf(sql) {
		if f, _ := hit.FindField(name); strings.Contains(f.Type, "String") {
			fields = append(fields, f)
		}
	}
	return fields
}

// KnownLines is a statement with the parameters site, since (a day) and limit. It returns
// the lines of all LineSets of a table that have been counted since: the dimension, an array
// of values and details, and the first of these days on which the line was counted. Those
// that count most come first, at most limit of each set.
type KnownLines struct{ Table, SQL string }

// AllKnownLines returns the statements for all LineSets.
func AllKnownLines() []KnownLines {
	var all []KnownLines
	for _, name := range []string{daily, campaigns, moves} {
		r := findRollup(name)
		dimension, keys, where, by := "''", []string{}, "", ""
		for _, k := range r.keys {
			keys = append(keys, k[0])
		}
		if keys[0] == "dimension" || keys[0] == "part" {
			var read []string
			for _, s := range LineSets() {
				if s.Table == name {
					read = append(read, s.Dimension)
				}
			}
			dimension, keys, where, by = "toString("+keys[0]+")", keys[1:], " AND "+keys[0]+" IN ('"+strings.Join(read, "', '")+"')", " BY dimension"
		}
		var weight []string
		for _, m := range []string{"pageviews", "events"} {
			if slices.Contains(r.measures, measureIndex(m)) {
				weight = append(weight, "sum("+name+"."+m+")")
			}
		}
		texts := make([]string, len(keys))
		for i, k := range keys {
			texts[i] = "toString(" + k + ")"
		}
		line := "[" + strings.Join(texts, ", ") + "]"
		if name == campaigns { // a line of one part has no other
			line = "if(dimension = '" + allParts + "', " + line + ", [concat(" + strings.Join(texts, ", ") + ")])"
		}
		all = append(all, KnownLines{name, fmt.Sprintf("SELECT %s AS dimension, %s AS line, min(day) AS first\nFROM %s\nWHERE site = {site:UInt32} AND day >= {since:Date}%s\nGROUP BY dimension, %s\nORDER BY %s DESC, line\nLIMIT {limit:UInt32}%s",
			dimension, line, name, where, strings.Join(keys, ", "), strings.Join(weight, " + "), by)})
	}
	return all
}

// lineOf returns the SQL of the value by which the rollups count a column of hits: its
// own, or that of the others. A path without a line is one of the others of its section.
func lineOf(f hit.Field) string {
	others := "'" + hit.Others + "'"
	if bit := f.SectionBit(); bit != 0 {
		others = fmt.Sprintf("concat(if(bitTest(hits.other, %d), '', extract(hits.%s, '^(/[^/?]+)')), '/%s')", bit, f.Name, hit.Others)
	}
	return "if(bitTest(hits.other, " + strconv.Itoa(f.Number) + "), " + others + ", hits." + f.Name + ")"
}

// lineAmong is lineOf for a part of a campaign on the line of all parts.
func lineAmong(f hit.Field) string {
	return fmt.Sprintf("if(bitTest(hits.other, %d) AND hits.%s != '', '%s', %s)", hit.CampaignBit, f.Name, hit.Others, lineOf(f))
}

// inLines returns SQL over hits for the value or detail of a base, as the rollup that keeps
// it counts it: alone, or together with others. With leaving, a hit counts on the page before
// it, too.
func (d Dimension) inLines(sql string, leaving, together bool) string {
	if leaving && sql == "path" {
		before, _ := hit.FindField("previous_path")
		return "if(leaving, " + strings.ReplaceAll(leftPage, before.Name, lineOf(before)) + ", " + d.inLines(sql, false, together) + ")"
	}
	for _, f := range texts(sql) {
		line := lineOf(f)
		switch {
		case together && d.Kept == moves:
			line = lineOfMove(line)
		case together && d.Kept == campaigns && f.Name != campaignParts[0]:
			line = lineAmong(f)
		}
		sql = replaceColumn(sql, f.Name, line)
	}
	return sql
}

// lineOfMove returns the SQL of a page before another, as table moves counts it.
func lineOfMove(line string) string {
	return fmt.Sprintf("if(bitTest(hits.other, %d), '/%s', %s)", hit.MoveBit, hit.Others, line)
}

// missingName is the name that package collector gives the event of a page that isn't
// there, by status and path.
const missingName = `^[45][0-9][0-9] / /([^/]|$)`

// MissingPath returns the path in the name of the event of a page that isn't there, and
// any other name as it is.
func MissingPath(name string) string {
	if path, ok := hit.MissingPath(name); ok {
		return path
	}
	return name
}

// Action returns the kind of what was done, as the rollups count it: "" for a view or a
// sign of life, and missing for a page that isn't there.
func Action(kind hit.Kind, name string) string {
	switch {
	case kind == hit.Pageview || kind == hit.Ping:
		return ""
	case kind == hit.Event:
		if _, ok := hit.MissingPath(name); ok {
			return "missing"
		}
	}
	return string(kind)
}
