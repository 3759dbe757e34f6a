package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
)

// Folding is how the lines of few in one table are folded: counted together as hit.Others,
// as the lines without their own line are. Lines of few are those whose own measure is
// less than a threshold over the days of a month. What is folded once is not folded again.
type Folding struct {
	Table string
	keys  []string // its columns besides site and day that name a line
	sums  []string
	// own is the measure of a line, and whole that of all lines with the same value of the
	// columns in within.
	own    string
	within []string
	// to is the SQL of the keys under which a line is counted, over own and whole.
	to string
	// where is the condition of lines that may be folded, "" for all.
	where string
}

// What stands for the threshold and for the days in the SQL of a Folding.
const (
	foldBelow = "{below}"
	foldDays  = "{days}"
)

// Foldings are the tables whose lines of few are folded. Table monthly follows table daily.
func Foldings() []Folding {
	d, c, m := findRollup(daily), findRollup(campaigns), findRollup(moves)
	own, to := foldDaily()
	all := []Folding{
		{Table: daily, keys: []string{"dimension", "value", "detail"}, sums: d.Measures(), own: own, within: []string{"dimension", "value"}, to: to,
			where: "dimension != '" + total.lines() + "'"},
		{Table: moves, keys: m.Keys()[2:], sums: m.Measures(), own: "sum(pageviews)",
			to: "(if(own >= " + foldBelow + ", " + foldPath("previous_path") + ", '/" + hit.Others + "'), " + foldPath("path") + ")"},
		{Table: "ledger", keys: []string{"reason", "rule", "name"}, sums: []string{"hits"}, own: "sum(hits)",
			to: "(reason, rule, " + foldText("name", "own") + ")"},
	}
	campaign := Folding{Table: campaigns, keys: c.Keys()[2:], sums: c.Measures(), own: "sum(visits)", within: c.Keys()[2:4]}
	few := []string{foldText(campaignParts[0], "whole")}
	for _, k := range campaignParts[1:] {
		few = append(few, "if("+k+" = '' OR own >= "+foldBelow+", "+k+", '"+hit.Others+"')")
	}
	campaign.to = "(" + strings.Join(few, ", ") + ")"
	return append(all, campaign)
}

// foldText returns the SQL of a text that a line has, or hit.Others if a sum says that few had it.
// No text stays none.
func foldText(text, sum string) string {
	return fmt.Sprintf("if(%s = '' OR %s >= %s, %s, '%s')", text, sum, foldBelow, text, hit.Others)
}

// foldPath returns the SQL of the line of a path: its own if so many visited the page, or else
// that of others in its section. othersOf is the latter for any path.
func foldPath(path string) string {
	return fmt.Sprintf("if(%s = '' OR (site, month, %s) IN (SELECT site, toStartOfMonth(day) AS month, toString(value) FROM daily WHERE dimension = 'page' AND %s AND NOT endsWith(value, '/%s') GROUP BY site, month, value HAVING sum(page_visitors) >= %s), %s, %s)",
		path, path, foldDays, hit.Others, foldBelow, path, othersOf(path))
}

func othersOf(path string) string {
	section := "extract(" + path + ", '^(/[^/?]+)')"
	return fmt.Sprintf("concat(if((site, month, %s) IN (SELECT site, toStartOfMonth(day) AS month, extract(value, '^(/[^/?]+)') AS s FROM daily WHERE dimension = 'page' AND %s AND s NOT IN ('', '/%s') GROUP BY site, month, s HAVING sum(section_visitors) >= %s), %s, ''), '/%s')",
		section, foldDays, hit.Others, foldBelow, section, hit.Others)
}

// foldDaily returns own and to of table daily.
func foldDaily() (own, to string) {
	measures := map[string][]string{} // dimensions, by their measure
	var choices []string
	for _, d := range append(slices.Clone(Dimensions), left) {
		if d.Kept != daily || d.Of != "" {
			continue
		}
		rank := d.Rank
		if d.Key == "page" {
			rank = "page_visitors"
		}
		if rank != "" {
			measures[rank] = append(measures[rank], d.lines())
		}
		line := "(" + foldText("value", "own") + ", detail)"
		switch {
		case d.Key == "page" || d.Key == left.Key: // page views less those that left are exits
			line = "(" + foldPath("value") + ", detail)"
		case d.Key == "entry":
			line = "(if(value = '' OR own >= " + foldBelow + ", " + foldPath("value") + ", " + othersOf("value") + "), detail)"
		case d.Detail == searchResult:
			line = "(" + foldText("value", "whole") + ", detail)"
		case d.Detail == "previous_path":
			line = "(" + foldText("value", "whole") + ", if(detail = '' OR own >= " + foldBelow + " OR whole < " + foldBelow + ", " + foldPath("detail") + ", " + othersOf("detail") + "))"
		case d.Detail != "":
			line = "(" + foldText("value", "whole") + ", if(detail = '' OR own >= " + foldBelow + ", detail, '" + hit.Others + "'))"
		}
		choices = append(choices, "dimension = '"+d.lines()+"', "+line)
	}
	var sums []string
	for _, m := range stored() {
		if of := measures[Measures[m].Key]; of != nil {
			sums = append(sums, "dimension IN ('"+strings.Join(of, "', '")+"'), sum(daily."+Measures[m].Key+")")
		}
	}
	return "multiIf(" + strings.Join(sums, ", ") + ", 0)", "multiIf(" + strings.Join(choices, ", ") + ", (value, detail))"
}

// fill puts the threshold and the days in.
func fill(sql string, below int, days string) string {
	return strings.NewReplacer(foldBelow, fmt.Sprint(below), foldDays, days).Replace(sql)
}

// changed returns the keys that folding changes: the dimension or part of a line stays.
func (f Folding) changed() []string {
	if f.keys[0] == "dimension" || f.keys[0] == "part" {
		return f.keys[1:]
	}
	return f.keys
}

// folded is the SQL of the lines to fold in some months, with the month and the columns under which they
// are counted as t_1, t_2 and so on.
func (f Folding) folded(below int, days string) string {
	keys := strings.Join(f.keys, ", ")
	texts, targets, moved := make([]string, len(f.keys)), []string{}, []string{}
	for i, k := range f.keys {
		texts[i] = "toString(" + k + ")"
	}
	for i, k := range f.changed() {
		targets, moved = append(targets, fmt.Sprintf("to.%d AS t_%d", i+1, i+1)), append(moved, fmt.Sprintf("t_%d != %s", i+1, k))
	}
	whole := "own"
	if f.within != nil {
		whole = "sum(own) OVER (PARTITION BY site, month, " + strings.Join(f.within, ", ") + ")"
	}
	condition := days
	if f.where != "" {
		condition += " AND " + f.where
	}
	inner := "SELECT site, toStartOfMonth(day) AS month, " + strings.Join(zip(texts, f.keys), ", ") + ", toInt64(" + f.own + ") AS own FROM " + f.Table + " WHERE " + condition + " GROUP BY site, month, " + keys
	return fill("SELECT site, month, "+keys+", "+strings.Join(targets, ", ")+" FROM (\nSELECT *, "+f.to+" AS to FROM (\nSELECT *, "+whole+" AS whole FROM (\n"+inner+"\n)\n)\n)\nWHERE "+strings.Join(moved, " OR "), below, days)
}

// zip names SQL.
func zip(sql, names []string) []string {
	all := make([]string, len(sql))
	for i := range sql {
		all[i] = sql[i] + " AS " + names[i]
	}
	return all
}

func foldScope(days calendar.Range) string {
	return "day BETWEEN toDate('" + days.From.String() + "') AND toDate('" + days.To.String() + "')"
}

// Count returns the query of how many lines as they are stored are to be folded on each day
// of some months, by site, day and number. sites is the SQL of a condition in front of others, or "".
func (f Folding) Count(below int, months []calendar.Range, sites string) string {
	keys := strings.Join(f.keys, ", ")
	var some []string
	for _, month := range months {
		some = append(some, foldScope(month))
	}
	scope := sites + "(" + strings.Join(some, " OR ") + ")"
	return "SELECT site, toUInt16(day) AS d, count() AS n FROM " + f.Table + "\nWHERE " + scope +
		" AND (site, toStartOfMonth(day), " + keys + ") IN (SELECT site, month, " + keys + " FROM (\n" + f.folded(below, scope) + "\n))\nGROUP BY site, d ORDER BY site, d"
}

// CountFolded returns the query of how many lines of all tables are to be folded in each of some
// months, by the first day of the month and number, for the months that have any.
func CountFolded(below int, months []calendar.Range, sites string) string {
	var tables []string
	for _, f := range Foldings() {
		tables = append(tables, "SELECT * FROM (\n"+f.Count(below, months, sites)+"\n)")
	}
	return "SELECT toUInt16(toStartOfMonth(toDate(d))) AS first, sum(n) FROM (\n" + strings.Join(tables, "\nUNION ALL\n") + "\n)\nGROUP BY first"
}

// Correct returns the statement that folds the lines of one site on some days of a month: it
// adds lines that take from these and give to the others. Carried out again it adds nothing.
func (f Folding) Correct(below int, month calendar.Range, site uint32, days calendar.Range) string {
	scope := fmt.Sprintf("site = %d AND ", site)
	keys := strings.Join(f.keys, ", ")
	var sums, times, some, targets, changed []string
	for _, m := range f.sums {
		sums = append(sums, "sum("+f.Table+"."+m+") AS sum_"+m)
		times = append(times, "toInt64(sign * sum_"+m+")")
		some = append(some, "sum_"+m+" != 0")
	}
	changed = slices.Clone(f.keys[:len(f.keys)-len(f.changed())])
	for i, k := range f.changed() {
		target := fmt.Sprintf("t_%d", i+1)
		targets = append(targets, target)
		changed = append(changed, "if(sign < 0, "+k+", "+target+")")
	}
	return "INSERT INTO " + f.Table + " (site, day, " + keys + ", " + strings.Join(f.sums, ", ") + ")\n" +
		"SELECT site, day, " + strings.Join(changed, ", ") + ", " + strings.Join(times, ", ") + "\nFROM (\n" +
		"SELECT site, day, " + keys + ", " + strings.Join(targets, ", ") + ", " + strings.Join(sums, ", ") + "\nFROM " + f.Table +
		"\nINNER JOIN (\n" + f.folded(below, scope+foldScope(month)) + "\n) AS few USING (site, " + keys + ")\n" +
		"WHERE " + scope + foldScope(days) + "\nGROUP BY site, day, " + keys + ", " + strings.Join(targets, ", ") + "\nHAVING " + strings.Join(some, " OR ") +
		"\n)\nARRAY JOIN [-1, 1] AS sign"
}

// HealMonthly returns the statement that makes table monthly what table daily says of a month,
// and the query of how many lines that takes.
func HealMonthly(month calendar.Range) (count, heal string) {
	r := findRollup(monthly)
	keys := strings.Join(r.Keys(), ", ")
	var all, lines, sums, some []string
	for _, m := range r.Measures() {
		all, lines = append(all, m), append(lines, "-"+m)
		sums, some = append(sums, "sum("+m+") AS sum_"+m), append(some, "sum_"+m+" != 0")
	}
	first := "toDate('" + month.From.String() + "')"
	differ := "SELECT " + keys + ", " + strings.Join(sums, ", ") + "\nFROM (\n" +
		"SELECT site, " + first + " AS month, dimension, value, detail, " + strings.Join(all, ", ") + " FROM daily WHERE " + foldScope(month) +
		"\nUNION ALL\nSELECT site, monthly.month, dimension, value, detail, " + strings.Join(lines, ", ") + " FROM monthly WHERE monthly.month = " + first +
		"\n)\nGROUP BY " + keys + "\nHAVING " + strings.Join(some, " OR ")
	return "SELECT count() FROM (\n" + differ + "\n)", "INSERT INTO monthly (" + keys + ", " + strings.Join(all, ", ") + ")\n" + differ
}
