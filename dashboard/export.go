package dashboard

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
)

// finest returns the lines that an export of a table has, and their dimension: of a table
// that opens, the lines below.
func (f *figures) finest(spec tableSpec) (string, report.Result) {
	if spec.opens != "" {
		return spec.opens, f.details[spec.opens]
	}
	return spec.dimension, f.lines[spec.dimension]
}

// json returns what the page shows for programs to read: one table, or all of it if show
// is empty.
func (f *figures) json(l *i18n.Language, show string, specs []tableSpec) map[string]any {
	answer := f.head()
	if show == excluded {
		answer["lines"], answer["objections"] = newAPIExclusions(f.excluded), f.objections
		return answer
	}
	lines := map[string]any{}
	for _, spec := range specs {
		dimension, found := f.finest(spec)
		lines[dimension] = apiLines(l, dimension, f.exact(dimension, spec.measures), found.Lines, f.titles)
		if show != "" {
			answer["dimension"], answer["lines"] = dimension, lines[dimension]
			return answer
		}
	}
	f.putTotals(answer, f.keys, f.asked, f.answer)
	answer["step"], answer["points"] = f.step, f.apiPoints(f.keys)
	answer["tables"], answer["excluded"], answer["objections"] = lines, newAPIExclusions(f.excluded), f.objections
	return answer
}

// answerCSV answers with one table, or the figures over time if show is empty, for people
// who go on with them in a spreadsheet.
func (c *call) answerCSV(f *figures, show string) error {
	sheet := sheet{lang: c.lang}
	spec, _ := findTable(show)
	switch show {
	case "":
		sheet.heading([]string{"chart.time"}, "figure.", f.keys)
		for _, p := range f.points {
			sheet.row([]string{pointCell(f.step, f.start(p))}, f.keys, p.Sums)
		}
	case excluded:
		sheet.heading([]string{"drops.why", "table.excluded.label"}, "column.", []string{"requests"})
		for _, e := range f.excluded {
			sheet.cells(safeCell(whyOf(c.lang, e.Reason, e.Rule)), safeCell(e.Name), c.lang.Plain(float64(e.Count)))
		}
	default:
		dimension, found := f.finest(spec)
		measures := f.exact(dimension, spec.measures)
		d, _ := report.FindDimension(dimension)
		labels := []string{"table." + dimension + ".label"}
		if d.Detail != "" {
			labels = []string{"table." + outer(dimension) + ".label", labels[0]}
		}
		titled := slices.Contains(ofPages, dimension)
		if titled {
			labels = append(labels, "table.title.label")
		}
		sheet.heading(labels, "column.", measures)
		for _, line := range found.Lines {
			value, detail := namesOf(c.lang, dimension, line)
			if titled {
				detail = titleOf(f.titles, dimension, line)
			}
			sheet.row([]string{value, detail}[:len(labels)], measures, line.Now)
		}
	}
	body, err := sheet.bytes()
	if err != nil {
		return internal.because(err)
	}
	name := fmt.Sprintf("%s %s %s.csv", f.site.Hosts[0], f.period.span.From, f.period.span.To)
	if show != "" {
		name = show + " " + name
	}
	c.w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	c.answer(http.StatusOK, "text/csv; charset=utf-8", body)
	return nil
}

// sheet is a table on its way to a spreadsheet.
type sheet struct {
	lang *i18n.Language
	rows [][]string
	err  error // the first
}

// heading adds the first row: texts, and the texts of measures behind a prefix.
func (s *sheet) heading(texts []string, prefix string, measures []string) {
	var cells []string
	for _, key := range measures {
		texts = append(texts, prefix+key)
	}
	for _, key := range texts {
		text, err := s.lang.Text(key)
		if err != nil && s.err == nil {
			s.err = err
		}
		cells = append(cells, text)
	}
	s.cells(cells...)
}

// row adds texts from outside and figures. A ratio of nothing is an empty cell.
func (s *sheet) row(texts, measures []string, sums report.Sums) {
	var cells []string
	for _, text := range texts {
		cells = append(cells, safeCell(text))
	}
	for _, key := range measures {
		cell := ""
		if defined(key, sums) {
			cell = s.lang.Plain(sums.Of(key))
		}
		cells = append(cells, cell)
	}
	s.cells(cells...)
}

func (s *sheet) cells(cells ...string) { s.rows = append(s.rows, cells) }

// safeCell keeps a spreadsheet from reading a text as a formula.
func safeCell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// bytes writes the sheet as a spreadsheet of the language reads it: where the comma is in
// numbers, a semicolon is between cells.
func (s *sheet) bytes() ([]byte, error) {
	var body bytes.Buffer
	body.WriteString("\ufeff") // else Excel takes it for another code page
	w := csv.NewWriter(&body)
	w.UseCRLF = true
	if strings.Contains(s.lang.Plain(0.5), ",") {
		w.Comma = ';'
	}
	if err := w.WriteAll(s.rows); err != nil {
		return nil, err
	}
	return body.Bytes(), s.err
}
