package dashboard

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/store"
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

type apiSums struct {
	Visitors     int64   `json:"visitors"`
	Visits       int64   `json:"visits"`
	Pageviews    int64   `json:"pageviews"`
	PageVisitors int64   `json:"page_visitors"`
	Bounces      int64   `json:"bounces"`
	BounceRate   float64 `json:"bounce_rate"`
	Seconds      int64   `json:"seconds"`
	VisitSeconds float64 `json:"visit_seconds"`
	Events       int64   `json:"events"`
}

type apiPoint struct {
	Time time.Time `json:"time"`
	apiSums
}

type apiLine struct {
	Value  string `json:"value"`
	Detail string `json:"detail,omitempty"`
	Name   string `json:"name,omitempty"` // of the last of the two, where that is a code
	apiSums
}

type apiExclusion struct {
	Reason string `json:"reason"`
	Rule   string `json:"rule"`
	Name   string `json:"name"`
	Hits   int64  `json:"hits"`
}

func newAPISums(s store.Sums) apiSums {
	return apiSums{
		Visitors: s.Visitors, Visits: s.Visits, Pageviews: s.Pageviews, PageVisitors: s.PageVisitors,
		Bounces: s.Bounces, BounceRate: s.BounceRate(),
		Seconds: s.Seconds, VisitSeconds: s.VisitDuration().Seconds(), Events: s.Events,
	}
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

func (d *Dashboard) apiTotals(c *call) error {
	site, now, p, err := c.asked()
	if err != nil {
		return err
	}
	sums, before, err := d.totals(c.r.Context(), site, p, now)
	if err != nil {
		return err
	}
	type totals struct {
		apiDays
		apiSums
	}
	return c.answerJSON(map[string]any{
		"site":   site.ID,
		"period": p.name,
		"totals": totals{newAPIDays(p.span), newAPISums(sums)},
		"before": totals{newAPIDays(p.before), newAPISums(before)},
	})
}

func (d *Dashboard) apiSeries(c *call) error {
	site, _, p, err := c.asked()
	if err != nil {
		return err
	}
	points, err := d.store.Series(c.r.Context(), site, p.span, p.step())
	if err != nil {
		return err
	}
	list := make([]apiPoint, 0, len(points))
	for _, point := range points {
		list = append(list, apiPoint{point.Time, newAPISums(point.Sums)})
	}
	return c.answerJSON(map[string]any{
		"site": site.ID, "period": p.name, "days": newAPIDays(p.span), "step": p.step(), "points": list,
	})
}

// apiDimensions are the dimensions that the API gives, with the tables that show them.
var apiDimensions = func() map[store.Dimension]tableSpec {
	all := map[store.Dimension]tableSpec{}
	for _, t := range tables {
		all[t.dimension] = t
	}
	return all
}()

// newAPILine returns a line with its name in a language.
func newAPILine(l *i18n.Language, spec tableSpec, line store.Line) apiLine {
	code, name := line.Value, spec.label(l, line.Value)
	if line.Detail != "" && spec.detail != nil {
		code, name = line.Detail, spec.detail(l, line.Detail)
	}
	if name == code {
		name = ""
	}
	return apiLine{line.Value, line.Detail, name, newAPISums(line.Sums)}
}

// limit returns the most lines that a call asks for.
func (c *call) limit() (int, error) {
	text := c.r.URL.Query().Get("limit")
	if text == "" {
		return 100, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > longTable {
		return 0, badRequest
	}
	return n, nil
}

func (d *Dashboard) apiTop(c *call) error {
	site, _, p, err := c.asked()
	if err != nil {
		return err
	}
	query := c.r.URL.Query()
	ask := store.Ask{Dimension: store.Dimension(query.Get("dimension")), Detail: query.Get("detail") == "1"}
	spec, ok := apiDimensions[ask.Dimension]
	if !ok {
		return badRequest
	}
	if ask.Limit, err = c.limit(); err != nil {
		return err
	}
	lines, err := d.store.Top(c.r.Context(), site.ID, p.span, ask)
	if err != nil {
		return err
	}
	list := make([]apiLine, 0, len(lines))
	for _, line := range lines {
		list = append(list, newAPILine(c.lang, spec, line))
	}
	return c.answerJSON(map[string]any{
		"site": site.ID, "period": p.name, "days": newAPIDays(p.span), "dimension": ask.Dimension, "lines": list,
	})
}

func (d *Dashboard) apiExcluded(c *call) error {
	site, _, p, err := c.asked()
	if err != nil {
		return err
	}
	limit, err := c.limit()
	if err != nil {
		return err
	}
	excluded, err := d.store.Excluded(c.r.Context(), site.ID, p.span, limit)
	if err != nil {
		return err
	}
	list := make([]apiExclusion, 0, len(excluded))
	for _, e := range excluded {
		list = append(list, apiExclusion(e))
	}
	objections, err := d.store.Objections(c.r.Context(), site.ID, p.span)
	if err != nil {
		return err
	}
	return c.answerJSON(map[string]any{
		"site": site.ID, "period": p.name, "days": newAPIDays(p.span), "lines": list, "objections": objections,
	})
}
