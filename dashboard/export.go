package dashboard

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/report"
)

// json returns what a page shows, for programs to read.
func (q *question) json(d doc) map[string]any {
	answer := q.head()
	answer["about"] = q.about()
	if d.Refused != "" {
		answer["refused"] = d.Refused
	}
	totals, before := map[string]any{}, map[string]any{}
	for _, f := range d.Figures {
		totals[f.Key], before[f.Key] = f.now, f.before
		if f.hidden != report.Shown {
			totals[f.Key], answer["totals_hidden"] = nil, hidings[f.hidden]
		}
		if f.hidden == report.Refused {
			delete(answer, "totals_hidden")
		}
		if f.hiddenBefore != report.Shown {
			before[f.Key] = nil
		}
	}
	if len(totals) > 0 {
		if answer["totals"] = totals; q.compared() {
			answer["totals_before"] = before
		}
	}
	for _, b := range d.Blocks {
		if shown, ok := b.Shows.(exported); ok {
			answer[b.Key] = shown.json()
		}
	}
	return answer
}

// subjects are the parameters that say what a page is about, by its path.
var subjects = map[string]string{"/page": "path", comparing: "path", "/sections": "prefix", "/ways": "from", "/campaign": "name", "/goals": "name"}

// about says what page an answer is of, and what that is about.
func (q *question) about() map[string]any {
	about := map[string]any{"page": cmp.Or(strings.TrimPrefix(q.path, "/"), "overview")}
	key := subjects[q.path]
	switch own := q.own[key]; {
	case q.path == "/ways":
		about[key] = q.waysFrom()
	case q.path == comparing:
		about[key] = append([]string{}, own...)
	case len(own) > 0 && own[0] != "":
		about[key] = own[0]
	}
	for _, key := range []string{byFind, byTag} {
		if text := q.own.Get(key); text != "" {
			about[key] = text
		}
	}
	return about
}

// head is what every answer about a site begins with.
func (q *question) head() map[string]any {
	filters := make([]string, 0, len(q.filters))
	for _, f := range q.filters {
		filters = append(filters, f.String())
	}
	head := map[string]any{"site": q.site, "filters": filters}
	if q.rounded > 1 {
		head["rounded_to"] = q.rounded
	}
	if q.erased > 0 {
		head["erased_days"] = q.erased
	}
	if q.folded > 0 {
		head["folded_before"] = q.folded.String()
	}
	if q.minimal > 0 {
		head["minimal_days"] = q.minimal
	}
	if q.unlike {
		head["uncompared"] = true
	}
	if q.apart {
		return head
	}
	head["period"], head["days"] = q.period.Kind, newAPIDays(q.period.Range)
	if before, ok := q.period.Comparable(q.since); ok {
		head["before"] = newAPIDays(before)
	}
	if q.period.Unfinished() {
		head["unfinished"] = true
	}
	if q.begunWithin() || q.uncounted() {
		head["counted_since"] = q.since.String()
	}
	if !q.asOf.IsZero() {
		if head["as_of"] = any(nil); calendar.DayOf(q.asOf) == q.period.Range.To {
			head["as_of"] = q.asOf
		}
	}
	return head
}

func (t *table) json() any {
	return refusable(t.Refused, t.withheld.json(map[string]any{"dimension": t.Dimension, "lines": t.apiLines()}))
}

// refusable adds to what programs read why there is nothing, if it was refused. refused is
// the key of the text.
func refusable(refused string, answer map[string]any) map[string]any {
	if refused != "" {
		answer["refused"] = strings.TrimPrefix(refused, "refusal.")
	}
	return answer
}

// withheld says that a table leaves lines out, since they are of few visitors or would tell of
// such. The zero value: it does not.
type withheld struct {
	why   string // for people
	below int    // see site.Site.Guard
}

func (q *question) withheld(l *i18n.Language) withheld {
	return withheld{q.guardNote(l), q.below()}
}

// json adds to what programs read that lines are left out, and why.
func (w withheld) json(answer map[string]any) map[string]any {
	if w.why != "" {
		answer["withheld"] = map[string]any{"reason": smallNumbers, "below": w.below}
	}
	return answer
}

// csv adds a row that says so, for programs and for people.
func (w withheld) csv(s *sheet) {
	if w.why == "" {
		return
	}
	for len(s.rows[0]) < 2 { // a table without measures
		s.rows[0] = append(s.rows[0], "")
	}
	s.note("withheld: "+smallNumbers, w.why)
}

// smallNumbers is the code of why a guard leaves lines out.
const smallNumbers = "small_numbers"

func (t *table) csv(s *sheet) {
	d, _ := report.FindDimension(t.Dimension)
	labels := []string{"table." + t.Dimension + ".label"}
	if d.Detail != "" {
		labels = []string{"table." + outer(t.Dimension) + ".label", labels[0]}
	}
	titled := slices.Contains(ofPages, t.Dimension)
	if titled {
		labels = append(labels, "table.title.label")
	}
	s.heading(labels, t.measures)
	s.refusal(t.Refused)
	for _, line := range t.lines {
		value, detail := namesOf(s.lang, t.Dimension, line)
		if titled {
			detail = t.titles[line.Value]
		}
		s.row([]string{value, detail}[:len(labels)], t.measures, line.Now, coverOf(s.lang, line.Hidden, t.guard), t.lacking...)
	}
	t.withheld.csv(s)
}

func (c *chart) json() any {
	events := []map[string]any{}
	for _, e := range c.events {
		events = append(events, map[string]any{"kind": e.Kind, "name": e.Name, "from": e.Days.From.String(), "to": e.Days.To.String()})
	}
	return refusable(c.Refused, map[string]any{"step": c.Step, "points": apiPoints(c.asked, c.of, c.measures, c.points), "events": events, "notes": notesJSON(c.notes)})
}

func (c *chart) csv(s *sheet) {
	s.heading([]string{"chart.time"}, c.measures)
	days := c.Step != report.Hour // whose names and notes have columns
	if days {
		s.rows[0] = append(s.rows[0], s.lang.Say("chart.days"), s.lang.Say("nav.notes"))
	}
	s.refusal(c.Refused)
	for i, p := range c.points {
		at := p.At
		if c.Step == report.Hour {
			at = at.In(c.asked.Zone)
		}
		s.row([]string{pointCell(c.Step, at)}, c.measures, p.Sums, coverOf(s.lang, p.Hidden, c.guard), lacking(c.of, c.measures, p.Days)...)
		if days {
			row := &s.rows[len(s.rows)-1]
			*row = append(*row, safeCell(strings.Join(c.Points[i].Marks, ", ")), safeCell(strings.Join(c.notesOn(p.Days), " | ")))
		}
	}
}

// answerCSV answers with the table that the address names, or the first of the page, for
// people who go on with it in a spreadsheet.
func (c *call) answerCSV(q *question, d doc) error {
	s := &sheet{lang: c.lang}
	name := fmt.Sprintf("%s %s %s.csv", q.of.Hosts[0], q.period.Range.From, q.period.Range.To)
	if q.apart {
		name = q.of.Hosts[0] + ".csv"
	}
	key := ""
	var first exported
	wanted := cmp.Or(q.own.Get(byTable), d.Table)
	for _, b := range d.Blocks {
		if shown, ok := b.Shows.(exported); ok && (first == nil || b.Key == wanted) {
			first, key = shown, b.Key
		}
	}
	if first != nil {
		first.csv(s)
		if q.rounded > 1 {
			s.note("rounded_to: "+strconv.FormatInt(q.rounded, 10), q.roundedNote(c.lang))
		}
		if q.erased > 0 {
			s.note("erased_days: "+strconv.Itoa(q.erased), q.erasedNote(c.lang))
		}
		if q.folded > 0 {
			s.note("folded_before: "+q.folded.String(), q.foldedNote(c.lang))
		}
		if q.minimal > 0 {
			s.note("minimal_days: "+strconv.Itoa(q.minimal), q.minimalNote(c.lang))
		}
		name = key + " " + name
	}
	if !q.asOf.IsZero() && calendar.DayOf(q.asOf) == q.period.Range.To {
		name = strings.TrimSuffix(name, ".csv") + q.asOf.Format(" 15.04") + ".csv"
	}
	return c.answerSheet(s, name)
}

func (c *call) answerSheet(s *sheet, name string) error {
	body, err := s.bytes()
	if err != nil {
		return internal.because(err)
	}
	c.w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	c.answer(http.StatusOK, "text/csv; charset=utf-8", body)
	return nil
}

// sitesJSON is the list of sites for programs to read.
func (q *question) sitesJSON(all []siteFigures) map[string]any {
	answer := q.head()
	delete(answer, "site")
	answer["about"] = q.about()
	answer["about"].(map[string]any)["page"] = "sites"
	lines := make([]apiValues, 0, len(all))
	for _, f := range all {
		v := newAPIValues([]string{"visitors"}, f.now, f.hidden()).of("site", f.site.ID).of("name", f.site.Name).of("today", number("visitors", f.today))
		if len(f.site.Tags) > 0 {
			v["tags"] = f.site.Tags
		}
		if f.uncounted || f.partly {
			v["counted_since"] = f.since.String()
		}
		if f.compared {
			v["before"] = newAPIValues([]string{"visitors"}, f.before, report.Shown)
		}
		lines = append(lines, v)
	}
	answer["sites"] = lines
	return answer
}

func (c *call) answerSitesCSV(q *question, all []siteFigures) error {
	s := &sheet{lang: c.lang}
	s.heading([]string{"sites.site", "sites.host"}, []string{"visitors"})
	before := nameOfBefore(c.lang, q.period) // "": nothing is compared
	if before != "" {
		s.rows[0] = append(s.rows[0], c.lang.Say("sites.visitors", before))
	}
	s.rows[0] = append(s.rows[0], c.lang.Say("sites.today", c.lang.Clock(q.now)))
	for i, f := range all {
		cover := coverOf(s.lang, f.hidden(), 0)
		s.row([]string{f.site.Name, hostname.Display(f.site.Hosts[0])}, []string{"visitors"}, f.now, cover)
		row := &s.rows[i+1]
		if cell := cover; before != "" {
			if f.compared && cover == "" {
				cell = plain(c.lang, "visitors", f.before)
			}
			*row = append(*row, cell)
		}
		*row = append(*row, plain(c.lang, "visitors", f.today))
	}
	if q.rounded > 1 {
		s.note("rounded_to: "+strconv.FormatInt(q.rounded, 10), q.roundedNote(c.lang))
	}
	if q.erased > 0 {
		s.note("erased_days: "+strconv.Itoa(q.erased), q.erasedNote(c.lang))
	}
	return c.answerSheet(s, fmt.Sprintf("%s %s.csv", q.period.Range.From, q.period.Range.To))
}

// sheet is a table on its way to a spreadsheet.
type sheet struct {
	lang *i18n.Language
	rows [][]string
	err  error // the first
}

// heading adds the first row: texts, and the names of measures.
func (s *sheet) heading(texts []string, measures []string) {
	var cells []string
	for _, key := range measures {
		texts = append(texts, "measure."+key)
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

// refusal adds a row that says, for programs and for people, why there are no others, if a
// table was refused. refused is the key of the text.
func (s *sheet) refusal(refused string) {
	if refused != "" {
		for len(s.rows[0]) < 2 { // a table without measures
			s.rows[0] = append(s.rows[0], "")
		}
		s.note("refused: "+strings.TrimPrefix(refused, "refusal."), s.lang.Say(refused))
	}
}

// note adds a row of texts, as long as the heading.
func (s *sheet) note(texts ...string) {
	for len(s.rows) > 0 && len(texts) < len(s.rows[0]) {
		texts = append(texts, "")
	}
	s.cells(texts...)
}

// row adds texts from outside and figures, or what covers them if that is not "". A ratio
// of nothing is an empty cell, and so are measures that are lacking.
func (s *sheet) row(texts, measures []string, sums report.Sums, cover string, lacking ...string) {
	var cells []string
	for _, text := range texts {
		cells = append(cells, safeCell(text))
	}
	for _, key := range measures {
		cell := cover
		if cover == "" && defined(key, sums) && !slices.Contains(lacking, key) {
			cell = plain(s.lang, key, sums)
		}
		cells = append(cells, cell)
	}
	s.cells(cells...)
}

// plain writes a measure or ratio of sums for a spreadsheet.
func plain(l *i18n.Language, key string, s report.Sums) string {
	if s.Few(key) {
		return amount(l, key, s)
	}
	return l.Plain(s.Of(key))
}

func (s *sheet) cells(cells ...string) { s.rows = append(s.rows, cells) }

// safeCell keeps a spreadsheet from reading a text as a formula: some leave out spaces and signs
// that are not seen before it, and take wide and small forms for the sign itself.
func safeCell(text string) string {
	unseen := func(r rune) bool { return unicode.In(r, unicode.Z, unicode.C, unicode.M) || r == '\ufffd' }
	begins := norm.NFKC.String(strings.TrimLeftFunc(text, unseen))
	if begins != "" && strings.ContainsRune("=+-@", rune(begins[0])) || text != "" && strings.ContainsRune("\t\r\n", rune(text[0])) {
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
