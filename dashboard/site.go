package dashboard

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
)

// sitesPage lists the sites.
type sitesPage struct {
	Sites    []siteLine
	NotGiven bool // there may be sites, but none for this user
}

// siteLine is one site in the list, with its last fourteen days.
type siteLine struct {
	Name, Host, URL string
	Today, Week     string
	Change          change
	Spark           string // points of a line; "" for no traffic
}

// sitePage shows one site over a period.
type sitePage struct {
	Site     site.Site
	Zone     string
	Period   periodView
	Filters  []chip
	Figures  []figure
	Chart    chart
	Tables   []table
	Unknown  string // the tables of which nothing is known, "" for none
	Excluded *table // nil where nothing was excluded
	// Objections is how many page views were excluded because visitors object.
	Objections string
	Drops      []dropLine // the latest first
	Empty      bool       // no traffic in the period
	New        bool       // no traffic ever
	Snippet    string     // to paste into the pages of the site
	Statement  string     // URL
	CSV, JSON  string     // URLs of the same figures
	Back       string     // URL of the page of the site, if this is a single table
}

// chip is a filter, with the address of the page without it.
type chip struct {
	Text string // "": unknown
	Not  bool
	URL  string
}

// dropLine is what memory holds of hits that were excluded alike.
type dropLine struct{ Name, Why, Hits, Last string }

// dropLines shows hits that were excluded, with the time of the last in the time zone of
// the site. Of objections only the day is known.
func dropLines(l *i18n.Language, drops []hit.Drop, loc *time.Location) []dropLine {
	var lines []dropLine
	for _, d := range drops {
		line := dropLine{Name: hostname.Display(d.Name), Why: whyOf(l, d.Reason, d.Rule), Hits: l.Number(d.Count), Last: l.ShortDay(d.Day)}
		if !d.Last.IsZero() {
			line.Last += " " + l.Clock(d.Last.In(loc))
		}
		lines = append(lines, line)
	}
	return lines
}

// periodView is the choice of a period.
type periodView struct {
	Days, Before   string // in words
	Links          []link
	Earlier, Later string // URLs; "": none
	Custom         bool
	From, To, Last string // as 2006-01-02
	Filters        []report.Filter
}

// link is a link in a row of them.
type link struct {
	Text    string // key
	URL     string
	Current bool
}

// figure is one number beside the one before.
type figure struct {
	Key    string
	Value  string
	Before string
	Change change
}

// change says how a figure moved.
type change struct {
	Text      string // "": nothing can be said
	Points    bool   // Text is in percentage points
	Direction string // up, down or same
}

func (d *Dashboard) showSites(c *call) error {
	sites, err := d.sites(c)
	if err != nil {
		return err
	}
	visitors, err := d.lastDays(c, sites)
	if err != nil {
		return err
	}
	lines := make([]siteLine, len(sites))
	for i, site := range sites {
		lines[i] = newSiteLine(c.lang, site, visitors[site.ID])
	}
	return d.render(c, http.StatusOK, "sites", sitesPage{lines, c.user.Role != site.Admin && c.user.Restricted})
}

// lastDays returns the visitors of sites on each of their last fourteen days. Sites on the
// same day of the calendar are asked for together, so there are at most three statements.
func (d *Dashboard) lastDays(c *call, sites []site.Site) (map[uint32][14]int64, error) {
	var queries []report.Query
	for _, site := range sites {
		today := calendar.DayOf(c.now.In(site.Location))
		i := slices.IndexFunc(queries, func(q report.Query) bool { return q.Range.To == today })
		if i < 0 {
			i = len(queries)
			queries = append(queries, report.Query{
				Range: calendar.Range{From: today - 13, To: today}, Step: report.Day,
				Dimension: "site", Measures: []string{"visitors"}, Limit: report.MaxLimit,
			})
		}
		queries[i].Sites = append(queries[i].Sites, site.ID)
	}
	answers, err := d.figures.Ask(c.r.Context(), queries)
	if err != nil {
		return nil, err
	}
	visitors := map[uint32][14]int64{}
	for i, answer := range answers {
		for _, line := range answer.Lines {
			id, err := strconv.ParseUint(line.Value, 10, 32)
			if err != nil {
				return nil, internal.because(err)
			}
			days := visitors[uint32(id)]
			days[calendar.DayOf(line.At)-queries[i].Range.From] = line.Now.Count("visitors")
			visitors[uint32(id)] = days
		}
	}
	return visitors, nil
}

// newSiteLine shows a site by its visitors on the last fourteen days.
func newSiteLine(l *i18n.Language, site site.Site, days [14]int64) siteLine {
	line := siteLine{Name: site.Name, Host: hostname.Display(site.Hosts[0]), URL: siteURL(site.ID, nil)}
	var before, week int64
	for i, n := range days {
		if i < 7 {
			before += n
		} else {
			week += n
		}
	}
	line.Today, line.Week = l.Number(days[13]), l.Number(week)
	line.Change = relative(l, float64(week), float64(before))
	if week+before > 0 {
		line.Spark = spark(days[:])
	}
	return line
}

// showSite shows a site, or one of its tables in full.
func (d *Dashboard) showSite(c *call) error {
	q, err := c.question()
	if err != nil {
		return err
	}
	specs, limit := tables, shortTable
	show := c.r.URL.Query().Get("show")
	switch spec, ok := findTable(show); {
	case show == "":
	case show == excluded:
		specs, limit = nil, longTable
	case ok:
		specs, limit = []tableSpec{spec}, longTable
	default:
		return notFound
	}
	f, err := d.find(c.r.Context(), q, show, specs, limit)
	if err != nil {
		return err
	}
	switch c.format {
	case "json":
		return c.answerJSON(f.json(c.lang, show, specs))
	case "csv":
		return c.answerCSV(f, show)
	}
	page := f.page(c.lang, specs, limit)
	page.CSV, page.JSON = c.as("csv"), c.as("json")
	page.Statement = d.statement(q.site.ID)
	page.Drops = dropLines(c.lang, d.drops(q.site.ID), q.site.Location)
	if page.New {
		page.Snippet = d.snippet(d.base.Or(baseurl.Of(c.r)).String(), q.site.ID, q.site.Parameters...)
	}
	if show != "" {
		if page.Excluded != nil {
			page.Tables = []table{*page.Excluded}
		}
		page.Back = q.address(q.period.query())
		return d.render(c, http.StatusOK, "table", page)
	}
	return d.render(c, http.StatusOK, "site", page)
}

// as returns the address of a call in another format.
func (c *call) as(format string) string {
	u := url.URL{Path: c.r.URL.Path + "." + format, RawQuery: c.r.URL.RawQuery}
	return u.String()
}

// page shows the figures in a language.
func (f *figures) page(l *i18n.Language, specs []tableSpec, limit int) sitePage {
	page := sitePage{
		Site:   f.site,
		Zone:   f.site.Location.String(),
		Period: f.periodView(l),
		Chart:  f.chart(l),
		Empty:  f.empty,

		Objections: l.Number(f.objections),
		New:        f.empty && !f.everHadTraffic,
	}
	for _, key := range f.keys {
		page.Figures = append(page.Figures, newFigure(l, key, f.sums, f.before))
	}
	for i, filter := range f.filters {
		page.Filters = append(page.Filters, f.chip(l, i, filter))
	}
	more := func(key string) string {
		query := f.period.query()
		query.Set("show", key)
		return f.address(query)
	}
	var unknown []string
	for _, spec := range specs {
		if f.lines[spec.dimension].IsUnknown() {
			unknown = append(unknown, l.Known("table.", spec.dimension))
			continue
		}
		t := f.table(l, spec, limit, more(spec.dimension))
		if len(t.Columns) > 0 && (len(t.Rows) > 0 || !spec.optional) {
			page.Tables = append(page.Tables, t)
		}
	}
	page.Unknown = l.List(unknown)
	if len(f.excluded) > 0 {
		t := f.excludedTable(l, limit, more(excluded))
		page.Excluded = &t
	}
	return page
}

// chip shows a filter of the question.
func (f *figures) chip(l *i18n.Language, index int, filter report.Filter) chip {
	others := f.question
	others.filters = slices.Delete(slices.Clone(f.filters), index, index+1)
	c := chip{Not: filter.Not, Text: nameOf(l, filter.Dimension, filter.Value), URL: others.address(f.period.query())}
	if filter.Prefix {
		c.Text = filter.Value + "*"
	}
	return c
}

func (f *figures) periodView(l *i18n.Language) periodView {
	p := f.period
	v := periodView{
		Days:    l.Range(p.span),
		Before:  l.Range(p.before),
		Custom:  p.name == custom,
		From:    p.span.From.String(),
		To:      p.span.To.String(),
		Last:    p.today.String(),
		Filters: f.filters,
		Earlier: f.address(p.earlier()),
	}
	if p.isToday() {
		v.Before += " " + l.Until(endOfHour(f.now))
	}
	if later := p.later(); later != nil {
		v.Later = f.address(later)
	}
	for _, name := range []string{today, sevenDays, thirtyDays, month, twelveMonths} {
		v.Links = append(v.Links, link{
			Text:    "period." + name,
			URL:     f.address(url.Values{"period": {name}}),
			Current: name == p.name,
		})
	}
	return v
}

// endOfHour returns the end of the hour of the clock that t lies in, written as a time of
// day.
func endOfHour(t time.Time) string { return fmt.Sprintf("%02d:00", t.Hour()+1) }

// nothing stands where there is no number.
const nothing = "–"

// newFigure shows a measure or ratio beside the one before.
func newFigure(l *i18n.Language, key string, now, before report.Sums) figure {
	f := figure{Key: key, Value: amount(l, key, now), Before: amount(l, key, before)}
	switch {
	case !defined(key, now) || !defined(key, before):
	case report.UnitOf(key) == report.Share:
		f.Change = points(l, now.Of(key), before.Of(key))
	default:
		f.Change = relative(l, now.Of(key), before.Of(key))
	}
	return f
}

// relative is the change of a figure in percent.
func relative(l *i18n.Language, now, before float64) change {
	text, ok := l.Change(now, before)
	if !ok {
		return change{}
	}
	return change{Text: text, Direction: direction(text)}
}

// points is the change of a share in percentage points.
func points(l *i18n.Language, now, before float64) change {
	text := l.Points(now, before)
	return change{Text: text, Points: true, Direction: direction(text)}
}

// direction is that of the number as it is written: what rounds to nothing
// points nowhere.
func direction(text string) string {
	switch {
	case strings.HasPrefix(text, "+"):
		return "up"
	case strings.HasPrefix(text, i18n.Minus):
		return "down"
	default:
		return "same"
	}
}
