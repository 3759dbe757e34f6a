package dashboard

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
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
	Figures  []figure
	Chart    chart
	Tables   []table
	Excluded *table // nil where nothing was excluded
	// Objections is how many page views were excluded because visitors object.
	Objections string
	Drops      []dropLine // the latest first
	Empty      bool       // no traffic in the period
	New        bool       // no traffic ever
	Snippet    string     // to paste into the pages of the site
	Statement  string     // URL
	Back       string     // URL of the page of the site, if this is a single table
}

// dropLine is what memory holds of hits that were excluded alike.
type dropLine struct{ Name, Why, Hits, Last string }

// dropLines shows hits that were excluded, with the time of the last in the time zone of
// the site. Of objections only the day is known.
func dropLines(l *i18n.Language, drops []hit.Drop, loc *time.Location) []dropLine {
	var lines []dropLine
	for _, d := range drops {
		line := dropLine{Name: d.Name, Why: whyOf(l, d.Reason, d.Rule), Hits: l.Number(d.Count), Last: l.ShortDay(d.Day)}
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
	ctx := c.r.Context()
	sites, err := d.sites(c)
	if err != nil {
		return err
	}
	lines := make([]siteLine, len(sites))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelQueries)
	for i, site := range sites {
		group.Go(func() error {
			today := calendar.DayOf(c.now.In(site.Location))
			points, err := d.store.Series(ctx, site, calendar.Range{From: today - 13, To: today}, store.Daily)
			lines[i] = newSiteLine(c.lang, site, points)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return d.render(c, http.StatusOK, "sites", sitesPage{lines, c.user.Role != site.Admin && c.user.Restricted})
}

// newSiteLine shows a site by its last fourteen days.
func newSiteLine(l *i18n.Language, site site.Site, days []store.Point) siteLine {
	line := siteLine{Name: site.Name, Host: hostname.Display(site.Hosts[0]), URL: siteURL(site.ID, nil)}
	if len(days) < 14 {
		return line
	}
	before, week := add(days[:7]), add(days[7:])
	line.Today = l.Number(days[13].Visitors)
	line.Week = l.Number(week.Visitors)
	line.Change = relative(l, float64(week.Visitors), float64(before.Visitors))
	if week.Visitors+before.Visitors > 0 {
		var values []int64
		for _, day := range days {
			values = append(values, day.Visitors)
		}
		line.Spark = spark(values)
	}
	return line
}

// asked returns the site of a call, the time of the call in the site's own time
// zone, and the period that the query asks for.
func (c *call) asked() (site.Site, time.Time, period, error) {
	now := c.now.In(c.site.Location)
	p, err := parsePeriod(c.r.URL.Query(), now)
	return c.site, now, p, err
}

// showSite shows a site, or one of its tables in full.
func (d *Dashboard) showSite(c *call) error {
	site, now, p, err := c.asked()
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
	// One line more than is shown tells whether there is more.
	f, err := d.ask(c.r.Context(), site, p, now, show, specs, limit+1)
	if err != nil {
		return err
	}
	page := f.page(c.lang, specs, limit)
	page.Statement = d.statement(site.ID)
	page.Drops = dropLines(c.lang, d.drops(site.ID), site.Location)
	if page.New {
		page.Snippet = d.snippet(d.base.Or(baseurl.Of(c.r)).String(), site.ID, site.Parameters...)
	}
	if show != "" {
		if page.Excluded != nil {
			page.Tables = []table{*page.Excluded}
		}
		page.Back = siteURL(site.ID, p.query())
		return d.render(c, http.StatusOK, "table", page)
	}
	return d.render(c, http.StatusOK, "site", page)
}

func siteURL(id uint32, query url.Values) string {
	u := "/sites/" + strconv.FormatUint(uint64(id), 10)
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	return u
}

// page shows the figures in a language.
func (f *figures) page(l *i18n.Language, specs []tableSpec, limit int) sitePage {
	page := sitePage{
		Site:    f.site,
		Zone:    f.site.Location.String(),
		Period:  f.periodView(l),
		Figures: f.figures(l),
		Chart:   f.chart(l),
		Empty:   f.empty,

		Objections: l.Number(f.objections),
		New:        f.empty && !f.everHadTraffic,
	}
	for _, spec := range specs {
		more := f.period.query()
		more.Set("show", spec.key)
		t := f.table(l, spec, limit, siteURL(f.site.ID, more))
		if len(t.Rows) > 0 || !spec.optional {
			page.Tables = append(page.Tables, t)
		}
	}
	if len(f.excluded) > 0 {
		more := f.period.query()
		more.Set("show", excluded)
		t := f.excludedTable(l, limit, siteURL(f.site.ID, more))
		page.Excluded = &t
	}
	return page
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
		Earlier: siteURL(f.site.ID, p.earlier()),
	}
	if p.isToday() {
		v.Before += " " + l.Until(endOfHour(f.now))
	}
	if later := p.later(); later != nil {
		v.Later = siteURL(f.site.ID, later)
	}
	for _, name := range []string{today, sevenDays, thirtyDays, month, twelveMonths} {
		v.Links = append(v.Links, link{
			Text:    "period." + name,
			URL:     siteURL(f.site.ID, url.Values{"period": {name}}),
			Current: name == p.name,
		})
	}
	return v
}

// endOfHour returns the end of the hour that t lies in, written as a time of day.
func endOfHour(t time.Time) string {
	end := t.Truncate(time.Hour).Add(time.Hour).Format("15:04")
	if end == "00:00" {
		return "24:00"
	}
	return end
}

// figures are the numbers at the top of a site's page.
func (f *figures) figures(l *i18n.Language) []figure {
	now, before := f.sums, f.before
	count := func(key string, measure func(store.Sums) int64) figure {
		a, b := measure(now), measure(before)
		return figure{key, l.Number(a), l.Number(b), relative(l, float64(a), float64(b))}
	}
	return []figure{
		count("visitors", visitors),
		count("visits", visits),
		count("pageviews", pageviews),
		ofVisits(figure{"bounceRate", l.Percent(now.BounceRate()), l.Percent(before.BounceRate()),
			points(l, now.BounceRate(), before.BounceRate())}, now, before),
		ofVisits(figure{"visitDuration", l.Duration(now.VisitDuration()), l.Duration(before.VisitDuration()),
			relative(l, now.VisitDuration().Seconds(), before.VisitDuration().Seconds())}, now, before),
	}
}

// nothing stands where there is no number.
const nothing = "–"

// ofVisits leaves out what is not defined where there are no visits.
func ofVisits(f figure, now, before store.Sums) figure {
	if now.Visits == 0 {
		f.Value, f.Change = nothing, change{}
	}
	if before.Visits == 0 {
		f.Before, f.Change = nothing, change{}
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
