package dashboard

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/report"
)

// list is a table of the lines of a dimension.
type list struct {
	key       string // of its texts, and its name in addresses
	dimension string
	measures  []string        // its columns, the first of which draws the bars
	only      []report.Filter // besides those of the question
	most      bool            // the lines that changed most come first
	whole     bool            // it is all of its page, with what searches and sorts it
	short     int             // rows where it stands beside others; 0: shortTable
}

// alone returns the list as all of a page.
func (l list) alone() list {
	l.whole = true
	return l
}

// How many rows a table has beside others, and alone.
const (
	shortTable = 8
	longTable  = 100
)

// table is a table as a page shows it.
type table struct {
	Key       string // of its texts
	Dimension string
	Head      column // of the values
	Columns   []column
	Choices   []choice // columns that there may be; nil: none to choose
	Fields    []hidden // of the form that chooses them
	Rows      []row
	Total     []string // cells of the sum; nil: none
	Others    bool     // a row is of values that have no line of their own
	Alone     bool     // all of it, with what searches and sorts it
	Find      string
	BadFind   bool     // it can't be looked for
	Hidden    []hidden // of the form that searches
	Next      string   // URL of the rows behind these; "": there are none
	First     string   // URL of the first rows, if these are not
	Refused   string   // key of the text why there is no row; "": it was answered
	Guarded   string   // why figures are hidden; "": none is

	withheld      withheld
	measures      []string
	lines         []report.Line
	compared      bool
	lacking       []string // measures that are not known in the period, and lackingBefore in the days before
	lackingBefore []string
	titles        map[string]string // of pages, by path; nil: the rows are of none
	guard         int               // see site.Site
	lang          *i18n.Language
}

func (*table) part() string { return "table" }

// Compared reports whether a column tells how the first one changed.
func (t *table) Compared() bool { return t.compared }

// Narrow is the class of a cell by the index of its measure: on narrow screens a table shows
// two, and on the narrowest one beside others where all of the table is one link away.
func (t *table) Narrow(i int) string {
	switch {
	case i >= 2:
		return " hide"
	case i == 1 && !t.Alone:
		return " lean"
	}
	return ""
}

// column is a measure, or the change of one.
type column struct {
	Key    string // of a measure, or "change"
	Text   string // key of what it is called, where that is not of Key
	Sorted string // ascending or descending, "" if it is not what the rows are sorted by
	URL    string // of the table sorted by it; "": it can't be
}

// row is a value of the dimension.
type row struct {
	Label  label
	Cells  []string
	Change change
	Base   string  // what the change is of
	Width  float64 // of its bar, in percent of the largest
	Share  string  // of all
}

// label names a value.
type label struct {
	Head, Tail string // what is read; the tail of a long path is never cut
	Whole      string
	Note       string // beside it: the channel of a source
	Title      string // above it: the title of a page
	URL        string // of its card, or of the page filtered by it
	Others     bool   // values that have no line of their own
}

// table asks for a list. The function that it returns shows the answer.
func (q *question) table(l *i18n.Language, of list) func() *table {
	alone := of.whole || q.own.Get(byTable) == of.key
	limit := longTable
	switch {
	case q.all:
		limit = report.MaxLimit
	case !alone && of.short > 0:
		limit = of.short
	case !alone:
		limit = shortTable
	}
	measures := q.exact(of.dimension, of.measures...)
	var choices []choice
	if alone && len(measures) > 0 {
		measures, choices = q.columns(of.dimension, measures)
	}
	if len(measures) == 0 {
		return func() *table {
			return &table{Key: of.key, Dimension: of.dimension, Alone: alone, Refused: q.whyNot(of), lang: l}
		}
	}
	asked := q.by(of.dimension, limit, measures...)
	asked.Filters = both(asked.Filters, of.only...)
	if of.most && asked.Compare != nil {
		asked.Sort = report.Sort{By: measures[0], Change: true}
	}
	if alone {
		asked.Find, asked.After = q.own.Get(byFind), q.own.Get(byAfter)
		asked.Sort = q.sort(measures, asked.Compare != nil)
	}
	got := q.ask(asked)
	largest := got
	if alone && (asked.After != "" || asked.Find != "" || asked.Sort != (report.Sort{})) {
		first := asked
		first.After, first.Find, first.Sort, first.Limit, first.Measures = "", "", report.Sort{By: measures[0]}, 1, measures[:1]
		largest = q.ask(first)
	}
	return func() *table {
		t := &table{Key: of.key, Dimension: of.dimension, Alone: alone, measures: measures, lines: got.Lines, compared: got.compared(), guard: q.below(), lang: l}
		if got.Withheld {
			t.Guarded, t.withheld = q.guardNote(l), q.withheld(l)
		}
		if got.refused != nil {
			t.Refused = "refusal." + string(got.refused.Code)
			return t
		}
		if slices.Contains(ofPages, of.dimension) {
			t.titles = q.titles
		}
		if got.IsUnknown() {
			t.Refused, t.lines = "refusal."+string(report.Unknown), nil
			return t
		}
		t.lacking = lacking(got.Result, measures, got.query.Range)
		if t.compared {
			t.lackingBefore = lacking(got.Result, measures, *got.query.Compare)
		}
		changes := t.compared && !slices.Contains(t.lacking, measures[0]) && !slices.Contains(t.lackingBefore, measures[0])
		for _, m := range measures {
			t.Columns = append(t.Columns, q.column(m, alone, asked.Sort, measures[0]))
		}
		if changes {
			c := q.column(changeColumn, alone, asked.Sort, measures[0])
			c.Text = q.changeText()
			t.Columns = append(t.Columns, c)
		}
		t.Head = q.column(report.ByValue, alone, asked.Sort, measures[0])
		most := 0.
		for _, line := range largest.Lines {
			most = max(most, line.Now.Of(measures[0]))
		}
		for _, line := range got.Lines {
			most = max(most, line.Now.Of(measures[0]))
		}
		for _, line := range got.Lines {
			r := row{Label: q.label(l, of.dimension, line)}
			for _, m := range measures {
				hidden, _ := got.covers(m, line.Hidden, line.HiddenBefore)
				r.Cells = append(r.Cells, q.shown(l, m, line.Now, hidden))
			}
			if line.Hidden != report.Shown {
				t.Guarded = q.guardNote(l)
			}
			if changes && line.Hidden == report.Shown {
				r.Change = q.comparison().change(l, measures[0], line.Now, line.Before)
				r.Base = q.base(l, measures[0], r.Change, line.Before, line.HiddenBefore)
			}
			if most > 0 && !slices.Contains(t.lacking, measures[0]) && report.UnitOf(measures[0]) == report.Count {
				r.Width = min(max(line.Now.Of(measures[0])/most*100, 0), 100)
			}
			t.Others = t.Others || r.Label.Others
			t.Rows = append(t.Rows, r)
		}
		if alone {
			t.Find, t.BadFind = q.typed.Get(byFind), q.badFind
			if got.Next != "" {
				t.Next = q.address.after(got.Next)
			}
			if asked.After != "" {
				t.First = q.with(byAfter, "").String()
			}
			t.Hidden = q.hidden(byFind, byAfter)
			t.Choices, t.Fields = choices, q.hidden(byColumns, byAfter)
		}
		return t
	}
}

// after returns the address of the rows behind some.
func (a address) after(cursor string) string {
	a = a.with(byFind, a.own.Get(byFind))
	a.own.Set(byAfter, cursor)
	return a.String()
}

// wants reports whether a table is shown that is empty, too: all of them in other formats, and the
// one that the address names.
func (q *question) wants(key string) bool { return q.all || q.own.Get(byTable) == key }

// changeColumn is the column of what changed.
const changeColumn = "change"

// changeText is the key of its head, where that is not its own.
func (q *question) changeText() string {
	if q.period.PerDay() {
		return "column.change.perDay"
	}
	return ""
}

// choice is a column that a table may have.
type choice struct {
	Key    string // of a measure
	Chosen bool
}

// columns returns the measures that the address chooses, those of the table by default, and
// all that it can choose: what can be exact by the dimension.
func (q *question) columns(dimension string, usual []string) ([]string, []choice) {
	all := slices.Clone(usual)
	for _, m := range q.exact(dimension, allMeasures...) {
		if !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	chosen := strings.Split(q.own.Get(byColumns), ",")
	kept := slices.DeleteFunc(slices.Clone(all), func(m string) bool { return !slices.Contains(chosen, m) })
	if len(kept) == 0 {
		kept = usual
	}
	var choices []choice
	for _, m := range all {
		choices = append(choices, choice{m, slices.Contains(kept, m)})
	}
	return kept, choices
}

// sort reads what the address sorts by. What can't be sorted by is the default.
func (q *question) sort(measures []string, compared bool) report.Sort {
	key, ascending := strings.CutPrefix(q.own.Get(bySort), "-")
	switch {
	case key == changeColumn && compared:
		return report.Sort{By: measures[0], Change: true, Ascending: ascending}
	case key == report.ByValue:
		return report.Sort{By: report.ByValue, Descending: ascending} // the minus is the other way round
	case slices.Contains(measures, key):
		return report.Sort{By: key, Ascending: ascending}
	}
	return report.Sort{}
}

// column returns the head of a column, which leads to the table sorted by it, and the
// other way round if it is already.
func (q *question) column(key string, alone bool, by report.Sort, first string) column {
	c := column{Key: key}
	if !alone {
		return c
	}
	sorted := key == changeColumn && by.Change || key == by.By && !by.Change || by == (report.Sort{}) && key == first
	switch {
	case sorted && key == report.ByValue && by.Descending:
		c.Sorted = "descending"
	case sorted && key == report.ByValue: // texts begin with the first
		c.Sorted, key = "ascending", "-"+key
	case sorted && by.Ascending:
		c.Sorted = "ascending"
	case sorted:
		c.Sorted, key = "descending", "-"+key
	}
	c.URL = q.with(bySort, key).String()
	return c
}

// whyNot is the key of the text why a list has no measure that is exact.
func (q *question) whyNot(of list) string {
	for _, m := range of.measures {
		if refused, ok := (report.Query{Dimension: of.dimension, Filters: both(q.filters, q.within...)}).Refusal(m); ok {
			return "refusal." + string(refused.Code)
		}
	}
	return ""
}

// whole is the address of all of a table: its own page, or this one with it alone.
func (q *question) whole(l *i18n.Language, path, key string) *span {
	a := q.with(byTable, key)
	if path != "" {
		a = q.to(path, byTable, key)
	}
	return &span{l.Say("table.more"), a.String()}
}

// cards are the dimensions whose values have their own page: its path, and the
// parameter that names the value.
var cards = map[string]struct{ path, parameter string }{
	"page":     {"/page", "path"},
	"entry":    {"/page", "path"},
	"previous": {"/page", "path"},
	"section":  {"/sections", "prefix"},
	"campaign": {"/campaign", "name"},
	"goal":     {"/goals", "name"},
}

// label names the value of a line.
func (q *question) label(l *i18n.Language, dimension string, line report.Line) label {
	value, detail := namesOf(l, dimension, line)
	named := label{Whole: value, Title: q.titleOf(dimension, line), Others: isOthers(line.Value) || isOthers(line.Detail)}
	d, _ := report.FindDimension(dimension)
	key, filter := line.Value, report.Filter{Dimension: dimension, Value: line.Value}
	if d.Detail != "" && line.Detail != "" {
		named.Whole, named.Note = detail, value
		key, filter.Value = line.Detail, line.Detail
	} else if d.Detail != "" {
		filter.Dimension = outer(dimension)
	}
	switch card, ok := cards[dimension]; {
	case named.Others || dimension == "hour" || dimension == "weekday":
	case ok && key != "":
		named.URL = q.to(card.path, card.parameter, key).String()
	case dimension == "version" && line.Detail != "":
		named.URL = q.filtered(report.Filter{Dimension: "browser", Value: line.Value}).filtered(filter).String()
		named.Whole, named.Note = value+" "+detail, ""
	default:
		named.URL = q.filtered(filter).String()
	}
	if host, path, ok := strings.Cut(line.Value, "/"); ok && (dimension == "download" || dimension == "outlink") && q.of.Owns(host) {
		named.Whole = "/" + path
	}
	if named.Whole == "" {
		named.Whole = l.Say("unknown")
	}
	named.Head, named.Tail = cutPath(named.Whole)
	return named
}

// How long a label may be before its middle is left out, how much of its end is always
// read, and how far before that a word may begin.
const (
	cutFrom = 24
	cutTail = 14
	cutWord = 8
)

// cutPath cuts a long path before its end, where a word begins if that is near, so that
// what gives way is the middle.
func cutPath(s string) (head, tail string) {
	if utf8.RuneCountInString(s) <= cutFrom || !strings.HasPrefix(s, "/") {
		return s, ""
	}
	runes := []rune(s)
	at := len(runes) - cutTail
	for i := at; i > at-cutWord; i-- {
		if runes[i] == '/' || runes[i] == '-' {
			at = i
			break
		}
	}
	return string(runes[:at]), string(runes[at:])
}

// names say what a value of a dimension is called, where that is not the value.
var names = map[string]func(l *i18n.Language, value string) string{
	"source":   func(_ *i18n.Language, value string) string { return hostname.Display(value) },
	"missing":  func(_ *i18n.Language, value string) string { return report.MissingPath(value) },
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

// displayTarget returns the name of an event for people to read: the host that the
// target of a link begins with is decoded.
func displayTarget(name string) string {
	host, path, ok := strings.Cut(name, "/")
	if !ok || strings.Contains(host, " ") {
		return name
	}
	return hostname.Display(host) + "/" + path
}

// share is what part of all a line is, in whole percent.
func share(l *i18n.Language, key string, of, all report.Sums) string {
	if all.Of(key) <= 0 {
		return ""
	}
	return l.WholePercent(math.Min(of.Of(key)/all.Of(key), 1))
}
