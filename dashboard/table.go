package dashboard

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/report"
)

// tableSpec is a table of the lines of a dimension. Its texts, its id and the links to the
// whole table have the key of the dimension.
type tableSpec struct {
	dimension string
	opens     string   // the dimension whose lines stand below those that they lie in; "": none
	measures  []string // the columns; the share is that of the first
	optional  bool     // left out where it is empty
}

// tables are the tables of a site's page, in order.
var tables = []tableSpec{
	{dimension: "page", measures: []string{"pageviews", "page_visitors"}},
	{dimension: "source", measures: []string{"visits", "pageviews"}},
	{dimension: "entry", measures: []string{"visits", "bounce_rate"}},
	{dimension: "country", opens: "region", measures: []string{"visitors"}},
	{dimension: "browser", opens: "version", measures: []string{"visitors"}},
	{dimension: "os", measures: []string{"visitors"}},
	{dimension: "device", measures: []string{"visitors"}},
	{dimension: "language", measures: []string{"visits"}},
	{dimension: "campaign", measures: []string{"visits", "pageviews"}, optional: true},
	{dimension: "event", measures: []string{"events"}, optional: true},
	{dimension: "download", measures: []string{"events"}, optional: true},
	{dimension: "outlink", measures: []string{"events"}, optional: true},
	{dimension: "search", measures: []string{"events"}, optional: true},
	{dimension: "missing", measures: []string{"events"}, optional: true},
}

func findTable(key string) (tableSpec, bool) {
	i := slices.IndexFunc(tables, func(t tableSpec) bool { return t.dimension == key })
	if i < 0 {
		return tableSpec{}, false
	}
	return tables[i], true
}

// names say what a value of a dimension is called, where that is not the value.
var names = map[string]func(l *i18n.Language, value string) string{
	"source":   func(_ *i18n.Language, value string) string { return hostname.Display(value) },
	"outlink":  func(_ *i18n.Language, value string) string { return displayTarget(value) },
	"download": func(_ *i18n.Language, value string) string { return displayTarget(value) },
	"channel":  func(l *i18n.Language, value string) string { return l.Known("channel.", value) },
	"country":  func(l *i18n.Language, value string) string { return l.Country(value) },
	"region":   func(l *i18n.Language, value string) string { return l.Region(value) },
	"browser":  func(l *i18n.Language, value string) string { return l.Known("program.", value) },
	"os":       func(l *i18n.Language, value string) string { return l.Known("program.", value) },
	"device":   func(l *i18n.Language, value string) string { return l.Known("device.", value) },
	"language": func(l *i18n.Language, value string) string { return l.LanguageName(value) },
}

// nameOf returns what a value of a dimension is called.
func nameOf(l *i18n.Language, dimension, value string) string {
	if name := names[dimension]; name != nil && value != hit.Others {
		return name(l, value)
	}
	return value
}

// isOthers reports whether a value stands for those that have no line of their own.
func isOthers(value string) bool {
	return value == hit.Others || strings.HasSuffix(value, "/"+hit.Others)
}

// outer returns the dimension in whose values those of another lie, as regions lie in
// countries, and the dimension itself if there is none.
func outer(dimension string) string {
	for _, d := range report.Dimensions {
		if d.Of == dimension && d.From == "" {
			return d.Key
		}
	}
	return dimension
}

// namesOf returns what the value of a line is called, and its detail.
func namesOf(l *i18n.Language, dimension string, line report.Line) (value, detail string) {
	return nameOf(l, outer(dimension), line.Value), nameOf(l, dimension, line.Detail)
}

// amount writes a measure or ratio of sums.
func amount(l *i18n.Language, key string, s report.Sums) string {
	if !defined(key, s) {
		return nothing
	}
	switch report.UnitOf(key) {
	case report.Share:
		return l.Percent(s.Of(key))
	case report.Seconds:
		return l.Duration(time.Duration(s.Of(key) * float64(time.Second)))
	case report.Mean:
		return l.Decimal(s.Of(key))
	}
	return l.Number(s.Count(key))
}

// displayTarget returns the name of an event for people to read: the host that the
// target of a link begins with is decoded.
func displayTarget(name string) string {
	host, path, ok := strings.Cut(name, "/")
	if !ok || strings.Contains(host, " ") {
		return name
	}
	return hostname.Display(host) + "/" + path
}

// excluded is the key of the table of hits that were not counted.
const excluded = "excluded"

// table is a table as a page shows it.
type table struct {
	Key     string
	Columns []string
	Rows    []tableRow
	Others  bool   // a row is of values that have no line of their own
	Whole   bool   // the table is alone on its page
	More    string // URL of the whole table, if there is more
}

// tableRow is a row, and the rows it opens to.
type tableRow struct {
	Label string // "": unknown
	Note  string
	Cells []string
	Share string  // of the total, in words
	Width float64 // of its bar, in percent
	Rows  []tableRow
	Group string // names Rows where they are shut at first
	Opens string // key of the text of what opens them
}

// table shows the lines of a dimension.
func (f *figures) table(l *i18n.Language, spec tableSpec, limit int, more string) table {
	t := table{Key: spec.dimension, Columns: f.exact(spec.dimension, spec.measures), Whole: limit == longTable}
	answer := f.lines[spec.dimension]
	if answer.Next != "" {
		t.More = more
	}
	for i, line := range answer.Lines {
		row := f.row(l, t.Columns, line.Now)
		t.Others = t.Others || isOthers(line.Value) || isOthers(line.Detail)
		row.Label, row.Note = namesOf(l, spec.dimension, line)
		if row.Note != "" {
			row.Label, row.Note = row.Note, row.Label
		}
		if title := titleOf(f.titles, spec.dimension, line); title != "" {
			row.Label, row.Note = title, row.Label
		}
		for _, below := range f.details[spec.opens].Lines {
			if below.Value == line.Value {
				sub := f.row(l, t.Columns, below.Now)
				t.Others = t.Others || isOthers(below.Detail)
				_, sub.Label = namesOf(l, spec.opens, below)
				row.Rows = append(row.Rows, sub)
			}
		}
		// A single detail that is not known says nothing more.
		if len(row.Rows) == 1 && row.Rows[0].Label == "" {
			row.Rows = nil
		}
		if len(row.Rows) > 0 && !t.Whole {
			row.Group = spec.dimension + "-" + strconv.Itoa(i)
			row.Opens = "table." + spec.dimension + ".open"
			t.More = more // where there is no script, that is the way to them
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (f *figures) row(l *i18n.Language, columns []string, sums report.Sums) tableRow {
	var row tableRow
	for _, key := range columns {
		row.Cells = append(row.Cells, amount(l, key, sums))
	}
	if len(columns) == 0 {
		return row
	}
	if total := f.sums.Of(columns[0]); total > 0 {
		share := sums.Of(columns[0]) / total
		row.Share = l.Percent(share)
		row.Width = min(max(share*100, 0), 100)
	}
	return row
}

// whyOf says in words why a hit was not counted.
func whyOf(l *i18n.Language, reason, rule string) string {
	if rule != "" {
		return l.Known("rule.", rule)
	}
	return l.Known("reason.", reason)
}

// excludedTable shows the hits that were not counted, and why.
func (f *figures) excludedTable(l *i18n.Language, limit int, more string) table {
	t := table{Key: excluded, Columns: []string{"requests"}, Whole: limit == longTable}
	lines := f.excluded
	if len(lines) > limit {
		lines = lines[:limit]
		t.More = more
	}
	var total int64
	for _, line := range f.excluded {
		total += line.Count
	}
	for _, line := range lines {
		t.Others = t.Others || isOthers(line.Name)
		row := tableRow{Label: line.Name, Note: whyOf(l, line.Reason, line.Rule), Cells: []string{l.Number(line.Count)}}
		if row.Label == "" {
			row.Label, row.Note = row.Note, ""
		}
		share := float64(line.Count) / float64(total)
		row.Share, row.Width = l.Percent(share), share*100
		t.Rows = append(t.Rows, row)
	}
	return t
}
