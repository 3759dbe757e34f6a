package privacy

import (
	"io"
	"strings"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
)

// What is what one request would leave in the store. It has no field for the address of the
// visitor, so the page can show no more of it than a row holds.
type What struct {
	Statement
	// Row is the row of the pipeline, cut and trimmed. The page shows it unchanged, so that
	// a mistake of the pipeline would be seen on the page too.
	Row hit.Row
	// Dropped is the collector's reason why the request would leave nothing. "" = it would
	// leave Row.
	Dropped string
}

// RenderWhat writes the row that a request would leave, every column with its
// value and meaning, or why it would leave none. It is HTML in UTF-8, to be sent
// with ContentSecurityPolicy and without being cached. It links to itself with
// ?lang= and a language, and to the statement at ../SITE.
func RenderWhat(w io.Writer, lang *i18n.Language, what What) error {
	p, err := newPage(lang, what.Statement)
	if err != nil {
		return err
	}
	return render(w, whatPages(), lang, whatPage{page: p, row: what.Row, Dropped: what.Dropped})
}

type whatPage struct {
	page
	row     hit.Row
	Dropped string
}

// cell is one column of the row.
type cell struct{ Column, Meaning, Value string }

// Columns returns the columns that the policy keeps, and any other column that is not empty.
func (p whatPage) Columns() ([]cell, error) {
	var cells []cell
	for _, f := range hit.Fields {
		if !p.shows(f) {
			continue
		}
		meaning, err := p.Lang.Text("field." + f.Name)
		if err != nil {
			return nil, err
		}
		cells = append(cells, cell{f.Name, meaning, written(&p.row, f, p.Lang)})
	}
	return cells, nil
}

// Unused returns the names of the columns that the policy leaves empty.
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

// Reason returns in words why the request would leave nothing. There are texts for the
// reasons that a request for a page can have; for others it returns the name.
func (p whatPage) Reason() string {
	return strings.ReplaceAll(p.Lang.Known("dropped.", p.Dropped), "_", " ")
}
