package privacy

import (
	"io"
	"strings"

	"github.com/fotspor/fotspor/hit"
)

// What is what one request would leave behind. It has no room for the address
// of who asks: the page can show no more of it than a row holds.
type What struct {
	Statement
	// Row is the row as the pipeline made it, cut and trimmed. It is shown as it
	// is, so that the page tells the truth even where the pipeline should err.
	Row hit.Row
	// Dropped says why the request would leave nothing, by the reason the
	// collector counts it under. "" = it would leave Row.
	Dropped string
}

// RenderWhat writes the row that a request would leave, every column with its
// value and meaning, or why it would leave none. It is HTML in UTF-8, to be sent
// with ContentSecurityPolicy and without being cached. It links to itself with
// ?lang= and a language, and to the statement at ../SITE.
func RenderWhat(w io.Writer, lang Language, what What) error {
	p, err := newPage(lang, what.Statement)
	if err != nil {
		return err
	}
	return render(w, whatPages, lang, whatPage{page: p, row: what.Row, Dropped: what.Dropped})
}

type whatPage struct {
	page
	row     hit.Row
	Dropped string
}

// cell is one column of the row.
type cell struct{ Column, Meaning, Value string }

// Columns returns the columns that the policy keeps, and any other one that
// holds something all the same.
func (p whatPage) Columns() []cell {
	var cells []cell
	for _, f := range hit.Fields {
		if p.shows(f) {
			cells = append(cells, cell{f.Name, meanings[f.Name].in(p.Lang), valueOf(f, &p.row, p.Lang)})
		}
	}
	return cells
}

// Unused names the columns that the policy leaves empty.
func (p whatPage) Unused() string {
	var names []string
	for _, f := range hit.Fields {
		if !p.shows(f) {
			names = append(names, f.Name)
		}
	}
	return strings.Join(names, ", ")
}

func (p whatPage) shows(f hit.Field) bool { return p.Policy.keeps(f) || !f.IsZero(&p.row) }

// Reason says in words why nothing would be left.
func (p whatPage) Reason() string {
	if t, ok := dropped[p.Dropped]; ok {
		return t.in(p.Lang)
	}
	return strings.ReplaceAll(p.Dropped, "_", " ")
}

// dropped are the reasons that the request of a page can meet, by the collector's
// names for them. Another one is shown by its name.
var dropped = map[string]text{
	"objection": {
		"Your browser sends Global Privacy Control or Do Not Track. We take that as an objection.",
		"Nettleseren din sender Global Privacy Control eller Do Not Track. Det regner vi som en protest.",
	},
	"bot": {
		"The request looks as if a program sent it, not a person who reads. Only people are counted.",
		"Forespørselen ser ut til å komme fra et program, ikke fra et menneske som leser. Bare mennesker telles.",
	},
	"prefetch": {
		"The browser fetched the page ahead of time, in case you should want it. That is no visit yet.",
		"Nettleseren hentet siden på forhånd, i tilfelle du skulle ville ha den. Det er ikke et besøk ennå.",
	},
	"no_page": {
		"The request names no page.",
		"Forespørselen nevner ingen side.",
	},
	"excluded_path": {
		"This website does not count that page.",
		"Nettstedet teller ikke den siden.",
	},
	"unknown_site": {
		"The website is not one that is counted here.",
		"Nettstedet er ikke et som telles her.",
	},
}
