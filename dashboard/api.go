package dashboard

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
)

// The shapes below are the JSON API, documented in docs/dashboard.md.

// apiError is every answer but 200. Error is for people, in their language.
type apiError struct {
	Code  string `json:"code"`
	Error string `json:"error"`
}

type apiSite struct {
	ID       uint32   `json:"id"`
	Name     string   `json:"name"`
	Hosts    []string `json:"hosts"`
	TimeZone string   `json:"time_zone"`
}

type apiDays struct {
	From string `json:"from"` // 2006-01-02
	To   string `json:"to"`
}

func newAPIDays(s calendar.Range) apiDays { return apiDays{s.From.String(), s.To.String()} }

// apiValues are measures and ratios by their keys, beside what they are of.
type apiValues map[string]any

// newAPIValues has null for values that are hidden, and why, for those that are not known, for ratios
// of nothing, and for values that are not 0 and round to 0, which it names.
func newAPIValues(keys []string, s report.Sums, hidden report.Hiding, lacking ...string) apiValues {
	v := apiValues{}
	var few []string // not 0, and rounded to 0
	for _, key := range keys {
		switch v[key] = nil; {
		case hidden != report.Shown || slices.Contains(lacking, key) || !defined(key, s):
		case s.Few(key):
			few = append(few, key)
		default:
			v[key] = s.Of(key)
		}
	}
	if few != nil {
		v["few"] = few
	}
	if hidden != report.Shown {
		v["hidden"] = hidings[hidden]
	}
	return v
}

// hidings are the names of the reasons why a figure is hidden.
var hidings = map[report.Hiding]string{report.Below: "below", report.Beside: "beside", report.Refused: "refused", report.Ahead: "ahead"}

// of adds what the values are of.
func (v apiValues) of(key string, value any) apiValues {
	v[key] = value
	return v
}

type apiExclusion struct {
	Reason string `json:"reason"`
	Rule   string `json:"rule"`
	Name   string `json:"name"`
	Hits   *int64 `json:"hits"` // null: it rounds to 0
}

func newAPIExclusions(t tally, entries []hit.LedgerEntry) []apiExclusion {
	list := make([]apiExclusion, 0, len(entries))
	for _, e := range entries {
		list = append(list, apiExclusion{e.Reason, e.Rule, e.Name, t.number(e.Count)})
	}
	return list
}

func (c *call) answerJSON(value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return internal.because(err)
	}
	c.answer(http.StatusOK, "application/json", body)
	return nil
}

func (d *Dashboard) apiSites(c *call) error {
	sites, err := d.sites(c)
	if err != nil {
		return err
	}
	list := make([]apiSite, 0, len(sites))
	for _, s := range sites {
		list = append(list, apiSite{s.ID, s.Name, s.Hosts, s.Location.String()})
	}
	return c.answerJSON(map[string]any{"sites": list})
}

// measures returns the measures and ratios that a call asks for, or else all that can be
// exact in a query.
func (c *call) measures(asked report.Query) []string {
	if text := c.r.URL.Query().Get("measures"); text != "" {
		return strings.Split(text, ",")
	}
	return exactOf(asked, allMeasures)
}

// allMeasures are the keys of all measures and ratios.
var allMeasures = func() []string {
	var all []string
	for _, m := range report.Measures {
		all = append(all, m.Key)
	}
	for _, r := range report.Ratios {
		all = append(all, r.Key)
	}
	return all
}()

// apiQuestion reads the address of a call for figures.
func (d *Dashboard) apiQuestion(c *call) (*question, error) {
	q, err := c.question("")
	if err != nil {
		return nil, err
	}
	q.since, err = d.countedSince(c, c.site.ID)
	return q, err
}

// only asks a single query.
func (q *question) only(c *call, d *Dashboard, asked report.Query) (*answer, error) {
	q.dashboard = d
	got := q.ask(asked)
	if err := q.run(c.r.Context(), d.figures); err != nil {
		return nil, err
	}
	if got.refused != nil {
		return nil, *got.refused
	}
	return got, nil
}

func (d *Dashboard) apiTotals(c *call) error {
	q, err := d.apiQuestion(c)
	if err != nil {
		return err
	}
	asked := q.query()
	asked.Measures = c.measures(asked)
	got, err := q.only(c, d, asked)
	if err != nil {
		return err
	}
	answer, measures := q.head(), asked.Measures
	now, before := got.Total()
	hidden, hiddenBefore := got.Hidden()
	answer["totals"] = newAPIValues(measures, now, hidden, lacking(got.Result, measures, got.query.Range)...)
	if got.query.Compare != nil {
		answer["totals_before"] = newAPIValues(measures, before, hiddenBefore, lacking(got.Result, measures, *got.query.Compare)...)
	}
	return c.answerJSON(answer)
}

func (d *Dashboard) apiSeries(c *call) error {
	q, err := d.apiQuestion(c)
	if err != nil {
		return err
	}
	asked := q.query()
	asked.Compare, asked.Step = nil, q.period.Step()
	asked.Measures = c.measures(asked)
	got, err := q.only(c, d, asked)
	if err != nil {
		return err
	}
	answer := q.head()
	answer["step"], answer["points"] = got.query.Step, apiPoints(got.query, got.Result, asked.Measures, got.query.Points(got.Result, false))
	return c.answerJSON(answer)
}

// apiPoints are the points of a query. Hours are told by the time that they begin at, and
// longer steps by their days.
func apiPoints(asked report.Query, of report.Result, measures []string, points []report.Point) []apiValues {
	list := make([]apiValues, 0, len(points))
	for _, p := range points {
		v := newAPIValues(measures, p.Sums, p.Hidden, lacking(of, measures, p.Days)...)
		if asked.Step == report.Hour {
			v["time"] = p.At.In(asked.Zone)
		} else {
			v["from"], v["to"] = p.Days.From.String(), p.Days.To.String()
		}
		list = append(list, v)
	}
	return list
}

// apiLines are the lines of a table, with their names in a language and the titles of pages.
func (t *table) apiLines() []apiValues {
	list := make([]apiValues, 0, len(t.lines))
	for _, line := range t.lines {
		v := newAPIValues(t.measures, line.Now, line.Hidden, t.lacking...)
		if t.compared {
			v["before"] = newAPIValues(t.measures, line.Before, line.HiddenBefore, t.lackingBefore...)
		}
		v.named(t.lang, t.Dimension, line, t.titles)
		list = append(list, v)
	}
	return list
}

// named adds what a line is of: its value, with a detail where there is one, its name in a
// language if that is another, and the title of a page.
func (v apiValues) named(l *i18n.Language, dimension string, line report.Line, titles map[string]string) {
	d, _ := report.FindDimension(dimension)
	v["value"] = line.Value
	code := line.Value
	name, detail := namesOf(l, dimension, line)
	if d.Detail != "" {
		v["detail"] = line.Detail
	}
	if line.Detail != "" {
		code, name = line.Detail, detail
	}
	if name != code {
		v["name"] = name
	}
	if title := titles[line.Value]; title != "" && slices.Contains(ofPages, dimension) {
		v["title"] = title
	}
}

// limit returns the most lines that a call asks for.
func (c *call) limit() (int, error) {
	text := c.r.URL.Query().Get("limit")
	if text == "" {
		return report.DefaultLimit, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > report.MaxLimit {
		return 0, badLimit
	}
	return n, nil
}

func (d *Dashboard) apiTop(c *call) error {
	q, err := d.apiQuestion(c)
	if err != nil {
		return err
	}
	limit, err := c.limit()
	if err != nil {
		return err
	}
	dimension := c.r.URL.Query().Get("dimension")
	if _, ok := report.FindDimension(dimension); !ok {
		return badDimension
	}
	asked := q.by(dimension, limit)
	asked.Measures, asked.After = c.measures(asked), c.r.URL.Query().Get("after")
	measures := asked.Measures
	got, err := q.only(c, d, asked)
	if err != nil {
		return err
	}
	if got.IsUnknown() {
		return report.RefusedError{Code: report.Unknown, Dimension: dimension}
	}
	answer := q.head()
	t := table{lang: c.lang, Dimension: dimension, measures: measures, lines: got.Lines, titles: q.titles, compared: got.compared(), lacking: lacking(got.Result, measures, got.query.Range)}
	if t.compared {
		t.lackingBefore = lacking(got.Result, measures, *got.query.Compare)
	}
	if got.Withheld {
		q.withheld(c.lang).json(answer)
	}
	answer["dimension"], answer["lines"] = dimension, t.apiLines()
	if got.Next != "" {
		answer["next"] = got.Next
	}
	return c.answerJSON(answer)
}

func (d *Dashboard) apiExcluded(c *call) error {
	q, err := d.apiQuestion(c)
	if err != nil {
		return err
	}
	switch { // what was excluded is known by its reason alone
	case len(q.filters) > 0:
		return badFilter
	case c.r.URL.Query().Has("measures"):
		return badMeasure
	}
	limit, err := c.limit()
	if err != nil {
		return err
	}
	entries, err := d.store.Excluded(c.r.Context(), q.site, q.period.Range, limit+1)
	if err != nil {
		return err
	}
	entries, objections := apartObjections(entries, limit)
	q.rounded = int64(d.tally())
	answer := q.head()
	answer["lines"], answer["objections"] = newAPIExclusions(d.tally(), entries), d.tally().number(objections)
	return c.answerJSON(answer)
}

// apartObjections returns at most limit of one entry more, without that of objections, and how
// many hits that has.
func apartObjections(entries []hit.LedgerEntry, limit int) ([]hit.LedgerEntry, int64) {
	if len(entries) > 0 && entries[0].Reason == hit.Objection { // it comes first
		return entries[1:], entries[0].Count
	}
	return entries[:min(limit, len(entries))], 0
}
