package dashboard

import (
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
)

// counting is the page that says what is not in the figures, and why.
func counting(q *question) (func() doc, error) {
	l := q.lang
	entries, objections, err := q.dashboard.excluded(q.ctx, q, longTable)
	if err != nil {
		return nil, err
	}
	var drops []dropLine
	if q.dashboard.drops != nil {
		drops = dropLines(l, q.dashboard.drops(q.site), q.of.Location)
	}
	return func() doc {
		d := doc{Title: l.Say("title.of", l.Say("nav.counting"), nameOfPeriod(l, q.period))}
		d.Blocks = append(d.Blocks,
			block{Key: "excluded", Title: l.Say("table.excluded"), Note: spans(l, "table.excluded.what"), Wide: true, Shows: &excluded{entries, objections, l}},
			block{Key: "objections", Title: l.Say("reason.objection"), Wide: true, Shows: words{spans(l, q.dashboard.objections, l.Number(objections))}})
		if len(drops) > 0 {
			d.Blocks = append(d.Blocks, block{Key: "drops", Title: l.Say("drops"), Note: spans(l, "drops.what"), Wide: true, Shows: dropTable(drops)})
		}
		d.Blocks = append(d.Blocks, block{Key: "definitions", Title: l.Say("definitions"), Wide: true, Shows: definitions(explained)})
		return d
	}, nil
}

// definitions are measures and what they mean.
type definitions []string

func (definitions) part() string { return "definitions" }

// excluded are the hits that were not counted.
type excluded struct {
	entries    []hit.LedgerEntry
	objections int64
	lang       *i18n.Language
}

func (*excluded) part() string { return "excluded" }

// Rows shows each kind of them.
func (e *excluded) Rows() []row {
	var rows []row
	most := int64(1)
	for _, entry := range e.entries {
		most = max(most, entry.Count)
		why := whyOf(e.lang, entry.Reason, entry.Rule)
		r := row{Label: label{Head: entry.Name, Note: why}, Cells: []string{e.lang.Number(entry.Count)}, Width: float64(entry.Count) / float64(most) * 100}
		if entry.Name == "" {
			r.Label = label{Head: why}
		}
		rows = append(rows, r)
	}
	return rows
}

func (e *excluded) json() any {
	return map[string]any{"lines": newAPIExclusions(e.entries), "objections": e.objections}
}

func (e *excluded) csv(s *sheet) {
	s.heading([]string{"drops.why", "table.excluded.label"}, nil)
	s.rows[0] = append(s.rows[0], s.lang.Say("column.requests"))
	for _, entry := range e.entries {
		s.cells(safeCell(whyOf(s.lang, entry.Reason, entry.Rule)), safeCell(entry.Name), s.lang.Plain(float64(entry.Count)))
	}
}

// dropTable are the hits that were left out last.
type dropTable []dropLine

func (dropTable) part() string { return "dropped" }

// explained are the measures whose meaning is said in full.
var explained = []string{"visitors", "visits", "pageviews", "bounce_rate", "visit_seconds", "page_visitors", "section_visitors", "events"}
