package dashboard

import (
	"cmp"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/report"
)

// page is a page of the figures of a site.
type page struct {
	path string // behind that of the site
	text string // key of its name; in the rail, that of the pages that belong to it
	own  string // key of its name among those, where that is another
	rail bool   // it stands in the rail; else it belongs to the one before it that does
	card bool   // it is of one value, and so no link leads to it from the pages beside it
	// apart says that its figures are of its own days, for any period.
	apart bool
	// build asks for the figures of the page, and returns what shows the answers.
	build func(q *question) (func() doc, error)
}

// pages are the pages of a site, in the order of the rail.
var pages = []page{
	{path: "", text: "nav.overview", rail: true, build: overview},

	{path: "/pages", text: "nav.pages", own: "nav.pages.first", rail: true, build: tablePage(list{key: "page", dimension: "page", measures: []string{"page_visitors", "pageviews", "exit_rate", "view_seconds"}})},
	{path: "/sections", text: "nav.sections", build: sections},
	{path: "/page", card: true, build: pageCard},
	{path: comparing, card: true, apart: true, build: comparePages},

	{path: "/ways", text: "nav.ways", own: "nav.ways.first", rail: true, build: ways},
	{path: "/entries", text: "nav.entries", build: tablePage(list{key: "entry", dimension: "entry", measures: []string{"visits", "bounce_rate", "pages_per_visit"}})},
	{path: "/exits", text: "nav.exits", build: tablePage(list{key: "exit", dimension: "page", measures: []string{"exits", "exit_rate", "pageviews"}})},

	{path: "/sources", text: "nav.sources", own: "nav.sources.first", rail: true, build: sources},
	{path: "/campaigns", text: "nav.campaigns", build: campaigns},
	{path: "/campaign", card: true, build: campaignCard},

	{path: "/searches", text: "nav.missing", own: "nav.missing.first", rail: true, build: searches},
	{path: "/missing", text: "nav.gone", build: missingPages},

	{path: "/downloads", text: "nav.actions", own: "nav.actions.first", rail: true, build: actions("download")},
	{path: "/outlinks", text: "nav.outlinks", build: actions("outlink")},
	{path: "/events", text: "nav.events", build: actions("event")},
	{path: "/goals", text: "nav.goals", build: goals},

	{path: "/places", text: "nav.audience", own: "nav.audience.first", rail: true, build: places},
	{path: "/devices", text: "nav.devices", build: devices},
	{path: "/languages", text: "nav.languages", build: tablePage(list{key: "language", dimension: "language", measures: []string{"visits", "pageviews"}})},
	{path: "/hours", text: "nav.hours", build: hours},

	{path: "/counting", text: "nav.counting", rail: true, build: counting},
}

// tablePage is a page of one table.
func tablePage(of list) func(*question) (func() doc, error) {
	return func(q *question) (func() doc, error) {
		show := q.table(q.lang, of.alone())
		return func() doc {
			d := doc{Title: q.title("table." + of.key)}
			d.Blocks = append(d.Blocks, q.alone(show()))
			return d
		}, nil
	}
}

// actions is a page of all that was done of a kind, with the total and its curve.
func actions(dimension string) func(*question) (func() doc, error) {
	return func(q *question) (func() doc, error) {
		l := q.lang
		show := q.table(l, list{key: dimension, dimension: dimension, measures: []string{"events"}}.alone())
		q.within = append(q.within, report.Filter{Dimension: dimension, Prefix: true})
		measures := []string{"events"}
		sums, draw := q.chart(l, measures)
		return func() doc {
			d := doc{Title: q.title("table." + dimension)}
			t := show()
			if sums.refused == nil && t.Refused == "" {
				d.Figures = q.figures(l, sums, measures)
				d.Blocks = append(d.Blocks, q.curve(l, draw()))
			}
			d.Blocks = append(d.Blocks, q.alone(t))
			return d
		}, nil
	}
}

// title is the heading of a page that has no sentence to begin with.
func (q *question) title(key string) string {
	title := q.lang.Say("title.of", q.lang.Say(key), nameOfPeriod(q.lang, q.period))
	return strings.Replace(title, "?, ", "? ", 1)
}

// alone is the block of a table that is the page.
func (q *question) alone(t *table) block {
	return block{Key: t.Key, Title: q.lang.Say("table." + t.Key), Wide: true, Shows: t}
}

// findPage returns the page of a path.
func findPage(path string) (page, bool) {
	for _, p := range pages {
		if p.path == path {
			return p, true
		}
	}
	return page{}, false
}

// showPage answers with a page of a site, in the format that the path ends with.
func (d *Dashboard) showPage(path string) handler {
	p, _ := findPage(path)
	return func(c *call) error {
		if to, ok := redirected(c.r.URL); ok {
			return c.redirect(to)
		}
		q, err := c.filteredQuestion(path)
		if err != nil {
			return err
		}
		if f, chosen, err := q.formFilter(); q.badFilter == "" && chosen && err == nil {
			return c.redirect(q.filtered(f).String())
		} else if chosen {
			q.badFilter = wrongFilter(f.Dimension)
		}
		if q.since, err = d.countedSince(c, c.site.ID); err != nil {
			return err
		}
		if q.since > q.period.Range.To && q.since <= calendar.DayOf(q.now) && !q.typed.Has("period") {
			q.period = q.period.Of(report.Today) // there is nothing in the period that is shown first
		}
		if c.format == "" && q.since > calendar.DayOf(q.now) && p.rail {
			return d.showWaiting(c, q)
		}
		q.ctx, q.dashboard, q.apart = c.r.Context(), d, p.apart
		show, err := p.build(q)
		if err != nil {
			return err
		}
		if err := q.run(c.r.Context(), d.figures); err != nil {
			return err
		}
		found := show()
		unknown := q.unknown(pageOrders, found)
		if unknown != nil && (c.json || c.format != "") {
			return *unknown
		}
		if unknown != nil {
			found.Notices = slices.Insert(found.Notices, 0, unknownNotice(c.lang, unknown))
		}
		if q.marked {
			found.Differs = q.calendarRemark(c.lang)
		}
		switch c.format {
		case "json":
			return c.answerJSON(q.json(found))
		case "csv":
			return c.answerCSV(q, found)
		}
		status := http.StatusOK
		if q.wrong != nil || q.badFilter != "" || q.badFind || unknown != nil {
			status = http.StatusBadRequest
		}
		return d.render(c, status, "page", d.paper(c, q, p, found))
	}
}

// pageOrders are the columns by which pages sort their tables.
var pageOrders = append([]string{report.ByValue, changeColumn}, allMeasures...)

// unknownNotice says that an address names what there is not.
func unknownNotice(l *i18n.Language, wrong *report.InvalidError) notice {
	return notice{Claim: l.Say("address.unknown", shortened(wrong.Value)), Reason: spans(l, "address.usual")}
}

// unknown returns what of the address names no column, no order or no measure, nil if all do.
func (a address) unknown(orders []string) *report.InvalidError {
	for _, p := range []struct {
		key    string
		values []string
		known  []string
	}{
		{byMeasure, []string{a.own.Get(byMeasure)}, allMeasures},
		{bySort, []string{strings.TrimPrefix(a.own.Get(bySort), "-")}, orders},
		{byColumns, strings.Split(a.own.Get(byColumns), ","), allMeasures},
	} {
		for _, value := range p.values {
			if value != "" && !slices.Contains(p.known, value) {
				return &report.InvalidError{Field: p.key, Value: value, Want: "one of " + strings.Join(p.known, ", ")}
			}
		}
	}
	return nil
}

// unknown returns what of the address names no table of the page, no column, no order or no
// measure, nil if all do.
func (q *question) unknown(orders []string, d doc) *report.InvalidError {
	if wrong := q.address.unknown(orders); wrong != nil {
		return wrong
	}
	key := q.own.Get(byTable)
	_, dimension := report.FindDimension(key)
	if key == "" || len(d.Blocks) == 0 && dimension || slices.ContainsFunc(d.Blocks, func(b block) bool { return b.Key == key }) {
		return nil
	}
	return &report.InvalidError{Field: byTable, Value: key, Want: "a table of the page"}
}

// noFilters returns the first filter in the parameters of the list of sites, which has none: nil if
// there is no filter.
func noFilters(values url.Values) *report.InvalidError {
	if len(values["f"]) == 0 {
		return nil
	}
	return &report.InvalidError{Field: "filters", Value: values.Get("f"), Want: "none on the list of sites"}
}

// paper puts a doc into the frame of its site.
func (d *Dashboard) paper(c *call, q *question, of page, found doc) paper {
	l := c.lang
	p := paper{
		doc: found, Period: q.newPeriodBar(l), Filters: q.chips(l), CSV: q.as("csv"), JSON: q.as("json"),
		Site: d.head(q),
		Nav:  q.rail(of.path),
		Sub:  q.beside(of),
		AsOf: q.asOfNote(l), Rounded: q.roundedNote(l), Erased: q.erasedNote(l), Folded: q.foldedNote(l), Minimal: q.minimalNote(l), Begun: q.begunNote(l),
	}
	p.Adding = q.filterForm()
	p.Save = q.save(of.path)
	address := strings.TrimPrefix(strings.TrimPrefix(d.base.Or(baseurl.Of(c.r)).String(), "https://"), "http://") + legible(q.String())
	days := p.Period.Days
	if !q.apart { // paper has room for whole names
		days = l.Range(q.period.Range)
	}
	p.Imprint = imprint{
		What:  l.Say("imprint.what", q.of.Name, p.Period.Name, days, p.Site.Zone),
		Where: l.Say("imprint.where", address, l.Day(calendar.DayOf(q.now))),
	}
	return p
}

// legible returns an address as short as browsers take it.
func legible(address string) string {
	return strings.NewReplacer("%2F", "/", "%3A", ":", "%2C", ",", "%2A", "*", "%21", "!").Replace(address)
}

// head names the site of a question.
func (d *Dashboard) head(q *question) siteHead {
	return siteHead{Name: q.of.Name, Zone: q.of.Location.String(), Statement: d.statement(q.site)}
}

// rail is the list of the pages of a site.
func (q *question) rail(path string) []navLink {
	var links []navLink
	for _, p := range pages {
		if p.rail {
			links = append(links, navLink{Text: p.text, URL: q.to(p.path).String()})
		}
		if p.path == path && len(links) > 0 {
			links[len(links)-1].Current = true
		}
	}
	links = append(links,
		navLink{Text: "nav.notes", URL: q.to(notesPath).String(), Current: path == notesPath, Apart: true},
		navLink{Text: "nav.views", URL: q.save(path), Current: path == viewsPath})
	if q.admin {
		links = append(links, navLink{Text: "nav.settings", URL: settingsURL(q.site), Current: path == "/settings"})
	}
	return links
}

// beside are the pages that belong together with one, none if it stands alone.
func (q *question) beside(of page) []navLink {
	var group []navLink
	found := false
	for _, p := range pages {
		if p.rail {
			if found {
				break
			}
			group = nil
		}
		found = found || p.path == of.path
		if !p.card {
			group = append(group, navLink{Text: cmp.Or(p.own, p.text), URL: q.to(p.path).String(), Current: p.path == of.path})
		}
	}
	if len(group) < 2 {
		return nil
	}
	return group
}

// countedSince returns the first day of a site that was counted, and one to come if none
// was.
func (d *Dashboard) countedSince(c *call, site uint32) (calendar.Day, error) {
	days, err := d.store.CountedSince(c.r.Context(), site) // an import or a deletion may have changed it
	if day, ok := days[site]; ok {
		return day, err
	}
	return math.MaxInt32, err
}

// waiting is the page of a site of which nothing was ever counted. It looks by itself whether
// something comes.
type waiting struct {
	Site    siteHead
	Nav     []navLink
	Notices []notice // what of the address is wrong
	Lines   snippet
	Works   works
	Origin  string // of the script, which a site's own policy must allow
	Admin   string // URL of the settings; "" for viewers
}

func (d *Dashboard) showWaiting(c *call, q *question) error {
	w, err := d.works(c)
	if err != nil {
		return err
	}
	page := waiting{Site: d.head(q), Nav: q.rail(""), Lines: d.newSnippet(c), Works: w, Origin: d.base.Or(baseurl.Of(c.r)).String()}
	if q.admin {
		page.Admin = settingsURL(q.site)
	}
	if q.wrong != nil {
		page.Notices = append(page.Notices, notice{Claim: c.lang.Say("period.wrong." + q.wrong.Field), Reason: []span{{Text: shortened(q.wrong.Value)}}})
	}
	if q.badFilter != "" {
		page.Notices = append(page.Notices, notice{Claim: c.lang.Say(q.badFilter), Reason: []span{{Text: q.typed.Get(formValue)}}})
	}
	if wrong := q.unknown(pageOrders, doc{}); wrong != nil {
		page.Notices = append(page.Notices, notice{Claim: c.lang.Say("address.unknown", shortened(wrong.Value))})
	}
	status := http.StatusOK
	if page.Notices != nil {
		status = http.StatusBadRequest
	}
	return d.render(c, status, "waiting", page)
}
