package dashboard

import (
	"strconv"
	"strings"

	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/store"
)

// tableSpec says how a table shows the lines of a dimension.
type tableSpec struct {
	key       string // of its texts, and in links to the whole table
	dimension store.Dimension
	flat      bool // one row per value and detail
	nested    bool // one row per value, that opens to its details
	optional  bool // left out where it is empty
	share     func(store.Sums) int64
	columns   []column
	label     func(l *i18n.Language, value string) string
	detail    func(l *i18n.Language, value string) string
}

// column is a column of numbers.
type column struct {
	key   string // of its heading
	value func(*i18n.Language, store.Sums) string
}

var (
	visitors  = func(s store.Sums) int64 { return s.Visitors }
	visits    = func(s store.Sums) int64 { return s.Visits }
	pageviews = func(s store.Sums) int64 { return s.Pageviews }
	readers   = func(s store.Sums) int64 { return s.PageVisitors }
	events    = func(s store.Sums) int64 { return s.Events }

	number = func(measure func(store.Sums) int64) func(*i18n.Language, store.Sums) string {
		return func(l *i18n.Language, s store.Sums) string { return l.Number(measure(s)) }
	}
	bounceRate = func(l *i18n.Language, s store.Sums) string { return l.Percent(s.BounceRate()) }

	visitorColumn = column{"visitors", number(visitors)}
	visitColumn   = column{"visits", number(visits)}

	source   = func(_ *i18n.Language, value string) string { return hostname.Display(value) }
	target   = func(_ *i18n.Language, value string) string { return displayTarget(value) }
	plain    = func(_ *i18n.Language, value string) string { return value }
	country  = func(l *i18n.Language, value string) string { return l.Country(value) }
	region   = func(l *i18n.Language, value string) string { return l.Region(value) }
	program  = func(l *i18n.Language, value string) string { return l.Known("program.", value) }
	tongue   = func(l *i18n.Language, value string) string { return l.LanguageName(value) }
	channel  = func(l *i18n.Language, value string) string { return l.Known("channel.", value) }
	device   = func(l *i18n.Language, value string) string { return l.Known("device.", value) }
	eventual = func(l *i18n.Language, value string) string { return l.Known("kind.", value) }
)

// tables are the tables of a site's page, in order.
var tables = []tableSpec{
	{key: "pages", dimension: store.Pages, share: pageviews, label: plain,
		columns: []column{{"pageviews", number(pageviews)}, {"visitors", number(readers)}}},
	{key: "sources", dimension: store.Channels, flat: true, share: visitors, label: channel, detail: source,
		columns: []column{visitorColumn, visitColumn}},
	{key: "entries", dimension: store.Entries, share: visits, label: plain,
		columns: []column{visitColumn, {"bounceRate", bounceRate}}},
	{key: "countries", dimension: store.Countries, nested: true, share: visitors, label: country, detail: region,
		columns: []column{visitorColumn}},
	{key: "browsers", dimension: store.Browsers, nested: true, share: visitors, label: program, detail: plain,
		columns: []column{visitorColumn}},
	{key: "systems", dimension: store.Systems, share: visitors, label: program,
		columns: []column{visitorColumn}},
	{key: "devices", dimension: store.Devices, share: visitors, label: device,
		columns: []column{visitorColumn}},
	{key: "languages", dimension: store.Languages, share: visitors, label: tongue,
		columns: []column{visitorColumn}},
	{key: "campaigns", dimension: store.Campaigns, optional: true, share: visitors, label: plain,
		columns: []column{visitorColumn, visitColumn}},
	{key: "events", dimension: store.Events, flat: true, optional: true, share: events, label: eventual, detail: target,
		columns: []column{{"events", number(events)}}},
}

func findTable(key string) (tableSpec, bool) {
	for _, t := range tables {
		if t.key == key {
			return t, true
		}
	}
	return tableSpec{}, false
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
	t := table{Key: spec.key, Whole: limit == longTable}
	for _, c := range spec.columns {
		t.Columns = append(t.Columns, c.key)
	}
	lines := f.lines[spec.dimension]
	if len(lines) > limit {
		lines = lines[:limit]
		t.More = more
	}
	for i, line := range lines {
		row := f.row(l, spec, line.Sums)
		row.Label = spec.label(l, line.Value)
		if line.Detail != "" {
			row.Label, row.Note = spec.detail(l, line.Detail), row.Label
		}
		for _, detail := range f.details[spec.dimension] {
			if detail.Value == line.Value {
				sub := f.row(l, spec, detail.Sums)
				sub.Label = spec.detail(l, detail.Detail)
				row.Rows = append(row.Rows, sub)
			}
		}
		// A single detail that is not known says nothing more.
		if len(row.Rows) == 1 && row.Rows[0].Label == "" {
			row.Rows = nil
		}
		if len(row.Rows) > 0 && !t.Whole {
			row.Group = spec.key + "-" + strconv.Itoa(i)
			row.Opens = "table." + spec.key + ".open"
			t.More = more // where there is no script, that is the way to them
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (f *figures) row(l *i18n.Language, spec tableSpec, sums store.Sums) tableRow {
	var row tableRow
	for _, c := range spec.columns {
		row.Cells = append(row.Cells, c.value(l, sums))
	}
	if total := spec.share(f.sums); total > 0 {
		share := float64(spec.share(sums)) / float64(total)
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
		total += line.Hits
	}
	for _, line := range lines {
		row := tableRow{Label: line.Name, Note: whyOf(l, line.Reason, line.Rule), Cells: []string{l.Number(line.Hits)}}
		if row.Label == "" {
			row.Label, row.Note = row.Note, ""
		}
		share := float64(line.Hits) / float64(total)
		row.Share, row.Width = l.Percent(share), share*100
		t.Rows = append(t.Rows, row)
	}
	return t
}
