package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/fotspor/fotspor/hit"
)

// The tables that hold figures. Every one but hits is a rollup, which a view fills from
// the same insert.
const (
	hits      = "hits"
	daily     = "daily"
	monthly   = "monthly"
	hourly    = "hourly"
	cube      = "cube"
	campaigns = "campaigns"
	moves     = "moves"
)

// Rollup is a table of sums over hits, and the view that fills it.
type Rollup struct {
	Name    string
	Comment string
	// keys are its columns besides site and day, with the SQL over hits that fills
	// each; a key of the same name and SQL is the column itself.
	keys [][2]string
	// where is the condition under which a hit is in it, "" for every hit, and of what
	// one must ask by some dimension that this table keeps.
	where string
	// kind is that of all its hits, "" if they are of several.
	kind     string
	measures []int
	// Mortal says that its lines are so fine that they live as long as the rows: they
	// are deleted and erased with them.
	Mortal bool
}

// Rollups are all rollups, in the order in which their views are made.
var Rollups = []Rollup{
	{Name: daily, Comment: "sums of each day by one dimension after the other",
		keys: [][2]string{{"dimension", ""}, {"value", ""}, {"detail", ""}}, measures: stored()},
	{Name: monthly, Comment: "sums of each month by one dimension after the other",
		keys: [][2]string{{"dimension", ""}, {"value", ""}, {"detail", ""}}, measures: stored()},
	{Name: hourly, Comment: "sums of each hour of UTC",
		keys: [][2]string{{"time", "toStartOfHour(hits.time)"}}, measures: stored()},
	{Name: cube, Comment: "sums of each day by what is the same on all hits of a visit", Mortal: true,
		keys:     columns("channel", "country", "browser", "os", "device", "source", "campaign"),
		measures: stored("page_visitors", "section_visitors")},
	{Name: campaigns, Comment: "sums of each day by each part that a campaign names, and by all of them",
		keys:     append([][2]string{{"part", ""}}, columns(campaignParts...)...),
		where:    "hits." + strings.Join(campaignParts, " != '' OR hits.") + " != ''",
		measures: stored("visitors", "page_visitors", "section_visitors")},
	{Name: moves, Comment: "page views of each day by the page and the one before it",
		keys: columns("previous_path", "path"), where: "kind = 'pageview' AND previous_path != ''", kind: "pageview", measures: []int{measureIndex("pageviews")}},
}

// campaignParts are the columns of a campaign. Table campaigns has lines of each part alone, and
// under allParts those of all five: many values of one part make many of these,
// but no line of another part.
var campaignParts = []string{"campaign", "campaign_source", "campaign_medium", "campaign_term", "campaign_content"}

const allParts = "all"

func columns(names ...string) [][2]string {
	keys := make([][2]string, len(names))
	for i, name := range names {
		keys[i] = [2]string{name, name}
	}
	return keys
}

// stored returns the measures that hits hold, but for some.
func stored(but ...string) []int {
	var all []int
	for i, m := range Measures {
		if m.Term != "" && !slices.Contains(but, m.Key) {
			all = append(all, i)
		}
	}
	return all
}

// findRollup returns the rollup of a name.
func findRollup(name string) Rollup {
	return Rollups[slices.IndexFunc(Rollups, func(r Rollup) bool { return r.Name == name })]
}

// day is its column of days.
func (r Rollup) day() string {
	if r.Name == monthly {
		return "month"
	}
	return "day"
}

// Keys returns its columns that are no measures.
func (r Rollup) Keys() []string {
	columns := []string{"site", r.day()}
	for _, k := range r.keys {
		columns = append(columns, k[0])
	}
	return columns
}

// Measures returns its columns that are measures.
func (r Rollup) Measures() []string {
	var columns []string
	for _, i := range r.measures {
		columns = append(columns, Measures[i].Key)
	}
	return columns
}

// MeasureColumn is the type and codec of a measure in a rollup.
const MeasureColumn = "Int64 CODEC(T64, ZSTD(1))"

// LinesBeside returns the names of the lines of a rollup by day or month that a view of
// before does not make. There are none for other rollups.
func (r Rollup) LinesBeside(before string) []string {
	var missing []string
	for _, d := range append(slices.Clone(Dimensions), left) {
		if r.Name == daily && d.Kept == daily && d.Of == "" && d.action == "" && !strings.Contains(before, "('"+d.lines()+"',") {
			missing = append(missing, d.lines())
		}
	}
	return missing
}

// identifiers are words of SQL that may be columns.
var identifiers = regexp.MustCompile(`\b[a-z_]+\b`)

// fieldsOf returns the columns of hits that SQL names.
func fieldsOf(sql string) []string {
	var names []string
	for _, word := range identifiers.FindAllString(literals.ReplaceAllString(sql, "''"), -1) {
		if slices.ContainsFunc(hit.Fields, func(f hit.Field) bool { return f.Name == word }) {
			names = append(names, word)
		}
	}
	return names
}

// replaceColumn returns SQL with something in place of a column. Texts in it stay.
func replaceColumn(sql, name, by string) string {
	return regexp.MustCompile(`'[^']*'|\b`+name+`\b`).ReplaceAllStringFunc(sql, func(word string) string {
		if word == name {
			return by
		}
		return word
	})
}

// literals are the texts in SQL.
var literals = regexp.MustCompile(`'[^']*'`)

// over returns SQL over hits as SQL over the table, and false if the table lacks a column
// that it names.
func (r Rollup) over(sql string) (string, bool) {
	if r.kind != "" {
		sql = replaceColumn(sql, "kind", "'"+r.kind+"'")
	}
	return sql, r.has(sql)
}

func (r Rollup) has(sql string) bool {
	for _, name := range fieldsOf(sql) {
		if name != "site" && name != "day" && !slices.ContainsFunc(r.keys, func(k [2]string) bool { return k[0] == name }) {
			return false
		}
	}
	return true
}

// Table returns the statement that makes the table with some settings.
func (r Rollup) Table(settings string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE IF NOT EXISTS %s\n(\n", r.Name)
	b.WriteString("    site UInt32 CODEC(ZSTD(1)),\n")
	fmt.Fprintf(&b, "    %s Date CODEC(Delta(2), ZSTD(1)),\n", r.day())
	for _, k := range r.keys {
		kind := "LowCardinality(String) CODEC(ZSTD(1))"
		if k[0] == "time" {
			kind = "DateTime('UTC') CODEC(Delta(4), ZSTD(1))"
		}
		fmt.Fprintf(&b, "    %s %s,\n", k[0], kind)
	}
	for i, m := range r.measures {
		comma := ","
		if i == len(r.measures)-1 {
			comma = ""
		}
		fmt.Fprintf(&b, "    %s %s%s\n", Measures[m].Key, MeasureColumn, comma)
	}
	order := r.Keys()
	if order[2] == "dimension" || order[2] == "part" { // lines of one dimension are read together
		order[1], order[2] = order[2], order[1]
	}
	partition := "toYear(" + r.day() + ")"
	if r.Mortal { // as that of hits, so that months are dropped alike
		partition = "toYYYYMM(day)"
	}
	fmt.Fprintf(&b, ")\nENGINE = SummingMergeTree\nPARTITION BY %s\nORDER BY (%s)\nSETTINGS %s\nCOMMENT '%s'",
		partition, strings.Join(order, ", "), settings, r.Comment)
	return b.String()
}

// View returns the statement that makes the view. It is in the order of the table's
// columns.
func (r Rollup) View() string {
	return "CREATE MATERIALIZED VIEW " + r.Name + "_view TO " + r.Name + " AS\n" + r.Select()
}

// Select returns the query of the view.
func (r Rollup) Select() string {
	switch r.Name {
	case daily:
		return selectDaily(r)
	case monthly:
		return selectMonthly(r)
	case campaigns:
		return selectCampaigns(r)
	}
	keys := []string{"site", "day"}
	selected := []string{"site", "day"}
	for _, k := range r.keys {
		keys = append(keys, k[0])
		sql := k[1]
		if f, _ := hit.FindField(k[0]); k[0] == k[1] {
			sql = lineOf(f)
			if r.Name == moves && f.Name == "previous_path" {
				sql = lineOfMove(sql)
			}
		}
		selected = append(selected, sql+" AS "+k[0])
	}
	where := ""
	if r.where != "" {
		where = "\nWHERE " + r.where
	}
	return "SELECT\n    " + strings.Join(selected, ", ") + ",\n" + r.sums(hits) + "\nFROM hits" + where + "\nGROUP BY " + strings.Join(keys, ", ")
}

// Correction returns the statement that takes the hits of a condition out of the lines of
// a rollup with its own columns, by adding lines. It compares the lines with the hits
// of the same sites and days, so those must all be kept, and none may be inserted
// meanwhile. Carried out again it adds nothing.
func (r Rollup) Correction(condition string) string {
	columns := r.Keys()
	keys := strings.Join(columns, ", ")
	var sums, lines, some []string
	for _, i := range r.measures {
		key := Measures[i].Key
		columns = append(columns, key)
		sums = append(sums, "sum("+key+") AS sum_"+key)
		lines = append(lines, "-"+r.Name+"."+key)
		some = append(some, "sum_"+key+" != 0")
	}
	where := "(" + condition + ")"
	fresh := r
	fresh.where = "NOT " + where + " AND (site, day) IN (SELECT site, day FROM hits WHERE " + where + ")"
	if r.where != "" {
		fresh.where += " AND (" + r.where + ")"
	}
	return "INSERT INTO " + r.Name + " (" + strings.Join(columns, ", ") + ")\n" +
		"SELECT " + keys + ", " + strings.Join(sums, ", ") + "\nFROM (\n" + fresh.Select() + "\nUNION ALL\n" +
		"SELECT " + keys + ", " + strings.Join(lines, ", ") + "\nFROM " + r.Name +
		"\nWHERE (site, day) IN (SELECT site, day FROM hits WHERE " + where + ")\n)\n" +
		"GROUP BY " + keys + "\nHAVING " + strings.Join(some, " OR ")
}

// sums is the list of its measures, summed up over a table.
func (r Rollup) sums(table string) string {
	var lines []string
	for _, i := range r.measures {
		m := Measures[i]
		lines = append(lines, fmt.Sprintf("    toInt64(sum(%s)) AS %s", m.term(table), m.Key))
	}
	return strings.Join(lines, ",\n")
}

// A set is a set of keys by which the daily view adds hits up: those of one dimension,
// or of all actions.
type set struct {
	keys []string // SQL over hits, the first of which tells the set
	line string   // SQL of dimension, value and detail
	only string   // condition on its groups, "" for all
}

// sets returns the sets of the daily view, the sum of all hits last, and the SQL that
// they call action_detail: what is kept of an action besides its name.
func sets() (all []set, actionDetail string) {
	var details []string
	for _, d := range append(slices.Clone(Dimensions), left) {
		switch {
		case d.Kept != daily || d.Of != "":
		case d.action != "":
			if d.Detail != "" {
				details = append(details, action+" = '"+d.action+"'", d.Detail)
			}
		case d.Detail != "":
			all = append(all, set{keys: []string{d.Value, d.Detail}, line: "('" + d.lines() + "', toString(" + d.Value + "), toString(" + d.Detail + "))"})
		default:
			all = append(all, set{keys: []string{d.Value}, line: "('" + d.lines() + "', toString(" + d.Value + "), '')"})
		}
	}
	return append(all,
		set{keys: []string{"action", "name", "action_detail"}, line: "(action, toString(name), action_detail)", only: "action != ''"},
		set{line: "('" + total.lines() + "', '', '')"}), "multiIf(" + strings.Join(details, ", ") + ", '')"
}

// selectDaily adds the hits up by every set at once: each set is a dimension, or all
// actions.
func selectDaily(r Rollup) string {
	all, actionDetail := sets()
	var choices, groups, only []string
	for _, s := range all {
		groups = append(groups, "    ("+strings.Join(append([]string{"site", "day"}, s.keys...), ", ")+")")
		if len(s.keys) == 0 {
			choices = append(choices, "    "+s.line)
			continue
		}
		choices = append(choices, fmt.Sprintf("    grouping(%s) = 0, %s", s.keys[0], s.line))
		if s.only != "" {
			only = append(only, fmt.Sprintf("(grouping(%s) = 1 OR %s)", s.keys[0], s.only))
		}
	}
	var lines []string // the columns as lines count them
	counted := map[string]bool{}
	inLines := func(sql string) string {
		for _, f := range texts(sql) {
			if f.Name == "kind" {
				continue
			}
			if !counted[f.Name] {
				counted[f.Name] = true
				lines = append(lines, "    "+lineOf(f)+" AS "+f.Name+"_line,\n")
			}
			sql = replaceColumn(sql, f.Name, f.Name+"_line")
		}
		return sql
	}
	named := func(sql string) string {
		return inLines(strings.ReplaceAll(strings.ReplaceAll(sql, leftPage, "left_page"), action, "action"))
	}
	left, detail := inLines(strings.ReplaceAll(leftPage, action, "action")), named(actionDetail)
	for i := range choices {
		choices[i] = named(choices[i])
	}
	for i := range groups {
		groups[i] = named(groups[i])
	}
	return "WITH\n" + strings.Join(lines, "") +
		"    " + action + " AS action,\n    " + left + " AS left_page,\n" +
		"    " + detail + " AS action_detail,\n" +
		"    multiIf(\n    " + strings.Join(choices, ",\n    ") + "\n    ) AS line\n" +
		"SELECT\n    site, day,\n    line.1 AS dimension, line.2 AS value, line.3 AS detail,\n" + r.sums(hits) + "\nFROM hits\n" +
		"GROUP BY GROUPING SETS (\n" + strings.Join(groups, ",\n") + "\n)\n" +
		"HAVING " + strings.Join(only, " AND ")
}

// selectCampaigns adds the hits up by each part of a campaign and by all of them.
func selectCampaigns(r Rollup) string {
	var with, all, groups, dimensions, parts, some []string
	for i, name := range campaignParts {
		f, _ := hit.FindField(name)
		own, among := name+"_line", name+"_among"
		if i == 0 {
			among = own // the others are its details
		} else {
			with = append(with, fmt.Sprintf("    %s AS %s", lineAmong(f), among))
		}
		with = append(with, fmt.Sprintf("    %s AS %s", lineOf(f), own))
		all, groups = append(all, among), append(groups, "    (site, day, "+own+")")
		dimensions = append(dimensions, fmt.Sprintf("grouping(%s) = 0, '%s'", own, name))
		value := own
		if i > 0 {
			value = fmt.Sprintf("if(grouping(%s) = 0, %s, %s)", among, among, own)
		}
		parts, some = append(parts, "toString("+value+") AS "+name), append(some, name+" != ''")
	}
	together := fmt.Sprintf("grouping(%s) = 0, '%s'", all[1], allParts)
	return "WITH\n" + strings.Join(with, ",\n") + "\nSELECT\n    site, day,\n    multiIf(" + together + ", " + strings.Join(dimensions, ", ") + ", '') AS part,\n    " +
		strings.Join(parts, ",\n    ") + ",\n" + r.sums(hits) + "\nFROM hits\nWHERE " + r.where + "\nGROUP BY GROUPING SETS (\n    (site, day, " + strings.Join(all, ", ") + "),\n" + strings.Join(groups, ",\n") + "\n)\nHAVING " + strings.Join(some, " OR ")
}

// selectMonthly adds up the lines that the daily view makes, which are few, in place of
// the hits once more. An insert that is sent again comes here even if the daily table
// has its lines.
func selectMonthly(r Rollup) string {
	return "SELECT\n    site, toStartOfMonth(day) AS month, dimension, value, detail,\n" + r.sums(daily) + "\nFROM daily\n" +
		"GROUP BY site, month, dimension, value, detail"
}
