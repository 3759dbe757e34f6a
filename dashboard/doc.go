package dashboard

import (
	"slices"
	"strings"

	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
)

// doc is a page of figures, in the order in which it is read. The same doc is shown as a
// page and written as CSV and JSON.
type doc struct {
	Title    string // the page's heading, and the first of its title
	Over     []span // above the heading: where the page belongs
	AsFilter string // URL of the overview of what the page is about; "": none
	Lead     []span
	Form     *pathForm // under the heading; nil: none
	Notices  []notice
	Facts    []fact
	Refused  string // code why the figures are not shown; "": they are
	Figures  []figure
	Remark   []span // under the figures
	Differs  string // under that: which days with names lie in only one of two periods
	Blocks   []block
	Table    string // key of the block that CSV has if nothing is said; "": the first
}

// span is a piece of a sentence, a link if it has a URL.
type span struct{ Text, URL string }

// Away reports whether the link leads to another program.
func (s span) Away() bool { return strings.HasPrefix(s.URL, "https://") }

// notice says something of all figures of a page: first the claim, then why, then the way
// out.
type notice struct {
	Claim  string
	Reason []span
}

// block is a part of a page under its own heading.
type block struct {
	Key   string // id of the part, unique on the page
	Title string
	Note  []span // under the heading
	More  *span  // link beside the heading
	Wide  bool   // takes all of the width
	Same  bool   // its heading only repeats that of the page
	Shows content
}

// content is what a block shows.
type content interface {
	// part is the name of the template that shows it.
	part() string
}

// exported is content that other formats have, too.
type exported interface {
	content
	csv(s *sheet)
	json() any
}

// words is content of text alone.
type words [][]span

func (words) part() string { return "words" }

// blocksOf are two blocks side by side, or a wide one.
type blocksOf []block

// Rows puts the blocks two by two, and the wide ones alone.
func (d doc) Rows() []blocksOf {
	var rows []blocksOf
	for _, b := range d.Blocks {
		b.Same = b.Wide && strings.HasPrefix(d.Title, b.Title+", ")
		last := len(rows) - 1
		if b.Wide || last < 0 || len(rows[last]) == 2 || rows[last][0].Wide {
			rows = append(rows, blocksOf{b})
		} else {
			rows[last] = append(rows[last], b)
		}
	}
	return rows
}

// spans returns a text with args in the places of its verbs: each a string, or a span.
func spans(l *i18n.Language, key string, args ...any) []span {
	pieces, err := l.Pieces(key)
	if err != nil {
		return []span{{Text: key}}
	}
	var all []span
	for _, p := range pieces {
		switch {
		case p.Arg < 0:
			all = append(all, span{Text: p.Text})
		case p.Arg < len(args):
			switch arg := args[p.Arg].(type) {
			case span:
				all = append(all, arg)
			case string:
				all = append(all, span{Text: arg})
			}
		}
	}
	return all
}

// paper is a page of figures as the template gets it.
type paper struct {
	doc
	Site    siteHead
	Nav     []navLink
	Sub     []navLink // the pages that belong together with this one
	Period  periodBar
	Filters []chip
	Adding  *filterForm // what can be filtered by; nil: nothing
	CSV     string
	JSON    string
	Save    string // URL of the form that saves the page as a view
	AsOf    string // up to when breakdowns of today go
	Rounded string // that figures are rounded
	Erased  string // that rows were erased which the figures lack
	Folded  string // that values of few have no line
	Minimal string // that what figures tell of was not recorded on all days
	Begun   string // that counting began within the period
	Imprint imprint
}

// siteHead names the site of a page; empty for several.
type siteHead struct {
	Name, Zone, Statement string
}

// navLink is a page in the rail.
type navLink struct {
	Text    string // key
	URL     string
	Current bool
	Apart   bool // a group begins here
}

// imprint stands at the foot of each printed page.
type imprint struct{ What, Where string }

// chip is a filter, with the address of the page without it.
type chip struct {
	Dimension string // key of its text
	Text      string // "": unknown, or with Prefix all
	Not       bool
	Prefix    bool
	URL       string
}

// chips shows the filters of a question.
func (q *question) chips(l *i18n.Language) []chip {
	var all []chip
	for _, f := range q.filters {
		all = append(all, chip{
			Dimension: "dimension." + f.Dimension, Text: nameOf(l, f.Dimension, f.Value), Not: f.Not, Prefix: f.Prefix,
			URL: q.without(f).String(),
		})
	}
	return all
}

// filterForm adds a filter by hand.
type filterForm struct {
	Hidden     []hidden
	Dimensions []string // keys
	Dimension  string   // chosen
	How, Value string   // typed
	Wrong      string   // key of what is wrong; "": nothing
}

type hidden struct{ Name, Value string }

// filterable are the dimensions that people filter by, in the order they are offered.
var filterable = []string{
	"page", "section", "entry", "channel", "source", "campaign", "country", "region", "browser", "os", "device", "language",
	"event", "download", "outlink", "search", "goal",
}

// shortened returns the beginning of a text that somebody may have sent.
func shortened(text string) string {
	const most = 80 // characters
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

func (q *question) filterForm() *filterForm {
	form := &filterForm{Dimensions: filterable, Wrong: q.badFilter, Hidden: q.hidden()}
	if q.badFilter != "" {
		form.Dimension, form.How, form.Value = q.typed.Get(formDimension), q.typed.Get(formHow), q.typed.Get(formValue)
	}
	return form
}

// hidden are the fields that a form has to keep the address, without some parameters. That
// of the period is "from", and that of a page "from/".
func (a address) hidden(without ...string) []hidden {
	var fields []hidden
	for key, all := range a.values() {
		for _, value := range all {
			name := key
			if key == "from" && isPath(value) {
				name = "from/"
			}
			if !slices.Contains(without, name) {
				fields = append(fields, hidden{key, value})
			}
		}
	}
	slices.SortFunc(fields, func(a, b hidden) int { return strings.Compare(a.Name+"\x00"+a.Value, b.Name+"\x00"+b.Value) })
	return fields
}

// refuse says that the figures of a page are not shown if an answer was refused, and why.
func (d *doc) refuse(q *question, a *answer) {
	if a.refused == nil {
		return
	}
	d.Refused = string(a.refused.Code)
	reason := []span{{Text: q.lang.Known("refusal.", d.Refused)}}
	if len(q.filters) == 1 && a.refused.Code != report.NotCounted {
		reason = append(reason, span{Text: " "}, span{q.lang.Say("refusal.without"), q.without(q.filters[0]).String()})
	}
	d.Notices = append(d.Notices, notice{Claim: q.lang.Say("refusal.figures"), Reason: reason})
}

// missing says which measures a page leaves out because of its filters, and why.
func (q *question) missing(l *i18n.Language, measures ...string) []notice {
	if len(q.filters) == 0 {
		return nil
	}
	var names []string
	var why report.RefusedError
	for _, m := range measures {
		if refused, ok := (report.Query{Filters: q.filters}).Refusal(m); ok {
			names = append(names, lower(l.Known("measure.", m)))
			why = refused
		}
	}
	if len(names) == 0 {
		return nil
	}
	reason := []span{{Text: l.Known("refusal.", string(why.Code))}}
	for _, f := range q.filters {
		if f.Dimension == why.Dimension {
			reason = append(reason, span{Text: " "}, span{l.Say("refusal.without"), q.without(f).String()})
			break
		}
	}
	claim, err := l.Text("refusal.claim", capitalised(l.List(names)))
	if err != nil {
		claim = l.List(names)
	}
	return []notice{{Claim: claim, Reason: reason}}
}
