package dashboard

import (
	"encoding/json"
	"net/http"
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

func newAPIValues(keys []string, s report.Sums) apiValues {
	v := apiValues{}
	for _, key := range keys {
		v[key] = s.Of(key)
	}
	return v
}

// of adds what the values are of.
func (v apiValues) of(key string, value any) apiValues {
	v[key] = value
	return v
}

type apiExclusion struct {
	Reason string `json:"reason"`
	Rule   string `json:"rule"`
	Name   string `json:"name"`
	Hits   int64  `json:"hits"`
}

func newAPIExclusions(entries []hit.LedgerEntry) []apiExclusion {
	list := make([]apiExclusion, 0, len(entries))
	for _, e := range entries {
		list = append(list, apiExclusion{e.Reason, e.Rule, e.Name, e.Count})
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
// exact by a dimension.
func (c *call) measures(q question, dimension string) []string {
	if text := c.r.URL.Query().Get("measures"); text != "" {
		return strings.Split(text, ",")
	}
	return q.exact(dimension, allMeasures)
}

// head is what every answer about a site begins with.
func (q question) head() map[string]any {
	return map[string]any{"site": q.site.ID, "period": q.period.name, "days": newAPIDays(q.period.span)}
}

func (d *Dashboard) apiTotals(c *call) error {
	q, err := c.question()
	if err != nil {
		return err
	}
	measures := c.measures(q, "")
	asked := []report.Query{q.compared("", measures)}
	answers, err := d.figures.Ask(c.r.Context(), asked)
	if err != nil {
		return err
	}
	answer := q.head()
	q.putTotals(answer, measures, asked[0], answers[0])
	return c.answerJSON(answer)
}

// putTotals adds the sums of the period, and of the one before, to an answer.
func (q question) putTotals(answer map[string]any, measures []string, asked report.Query, got report.Result) {
	sums, before := q.totals(asked, got)
	of := func(days calendar.Range, s report.Sums) apiValues {
		return newAPIValues(measures, s).of("from", days.From.String()).of("to", days.To.String())
	}
	answer["totals"], answer["before"] = of(q.period.span, sums), of(q.period.before, before)
}

func (d *Dashboard) apiSeries(c *call) error {
	q, err := c.question()
	if err != nil {
		return err
	}
	measures := c.measures(q, "")
	asked := []report.Query{q.query("", measures, 0)}
	asked[0].Step = q.period.step()
	answers, err := d.ask(c.r.Context(), asked)
	if err != nil {
		return err
	}
	f := figures{question: q, step: asked[0].Step, points: asked[0].Points(answers[0], false)}
	answer := q.head()
	answer["step"], answer["points"] = f.step, f.apiPoints(measures)
	return c.answerJSON(answer)
}

func (f *figures) apiPoints(measures []string) []apiValues {
	list := make([]apiValues, 0, len(f.points))
	for _, p := range f.points {
		list = append(list, newAPIValues(measures, p.Sums).of("time", f.start(p)))
	}
	return list
}

// apiLines are the lines of a dimension, with their names in a language and the titles of
// pages.
func apiLines(l *i18n.Language, dimension string, measures []string, lines []report.Line, titles map[string]string) []apiValues {
	list := make([]apiValues, 0, len(lines))
	d, _ := report.FindDimension(dimension)
	for _, line := range lines {
		v := newAPIValues(measures, line.Now).of("value", line.Value)
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
		if title := titleOf(titles, dimension, line); title != "" {
			v["title"] = title
		}
		list = append(list, v)
	}
	return list
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
	q, err := c.question()
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
	measures := c.measures(q, dimension)
	asked := q.query(dimension, measures, limit)
	asked.After = c.r.URL.Query().Get("after")
	answers, err := d.figures.Ask(c.r.Context(), []report.Query{asked})
	if err != nil {
		return err
	}
	titles, err := d.titles(c.r.Context(), q, map[string]report.Result{dimension: answers[0]})
	if err != nil {
		return err
	}
	answer := q.head()
	answer["dimension"], answer["lines"] = dimension, apiLines(c.lang, dimension, measures, answers[0].Lines, titles)
	if answers[0].Next != "" {
		answer["next"] = answers[0].Next
	}
	return c.answerJSON(answer)
}

func (d *Dashboard) apiExcluded(c *call) error {
	q, err := c.question()
	if err != nil {
		return err
	}
	limit, err := c.limit()
	if err != nil {
		return err
	}
	entries, objections, err := d.excluded(c.r.Context(), q, limit)
	if err != nil {
		return err
	}
	answer := q.head()
	answer["lines"], answer["objections"] = newAPIExclusions(entries), objections
	return c.answerJSON(answer)
}
