package dashboard

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
)

// sitesPage lists the sites.
type sitesPage struct {
	doc
	Period   periodBar
	Adding   *filterForm // none
	Find     string
	Hidden   []hidden
	Folders  []folder
	Heads    map[string]column // by the key of the column
	Lines    []siteLine
	Name     string // of the period, the head of its column
	Now      string // "til kl. 12.45"
	Compared bool
	Sum      *siteLine // of all, not of those shown; nil for a single site
	Next     string    // URL of the rows behind these; "": there are none
	First    string    // URL of the first rows, if these are not
	Erased   string    // see paper
	Rounded  string    // see paper
	NotGiven bool      // there may be sites, but none for this user
	None     bool      // there are none at all
	Imprint  imprint
	CSV      string
	JSON     string
	Save     string // URL of the form that saves the list as it is
	Views    string // URL of the saved views of the list
}

// unbroken keeps a short name on one line.
func unbroken(name string) string {
	if utf8.RuneCountInString(name) > 12 {
		return name
	}
	return strings.ReplaceAll(name, " ", "\u00a0")
}

// folder are the sites with a tag.
type folder struct {
	Name   string
	Sites  string
	URL    string // of the list of them; of the list without it if it is chosen
	Chosen bool
}

// Bounds and parameters of the list of sites.
const (
	byTag       = "tag" // only sites with this tag
	mostFolders = 30    // that are shown, those with the most sites
)

// siteLine is one site in the list.
type siteLine struct {
	Name, Host, URL string
	Today, Visitors string
	Change          change
	Base            string // what the change is of
	Begun           string // since when it is counted, if not all through the period
	Spark           string // points of a line over the last 28 whole days; "" for no traffic
}

// showSites lists the sites of a user with their visitors.
func (d *Dashboard) showSites(c *call) error {
	if to, ok := redirected(c.r.URL); ok {
		return c.redirect(to)
	}
	sites, err := d.sites(c)
	if err != nil {
		return err
	}
	find := strings.TrimSpace(c.r.URL.Query().Get(byFind))
	all := len(sites)
	seen := sites
	tag := c.r.URL.Query().Get(byTag)
	sites = slices.DeleteFunc(slices.Clone(sites), func(s site.Site) bool {
		return !matchesSite(s, find) || tag != "" && !slices.Contains(s.Tags, tag)
	})
	ids := make([]uint32, len(sites))
	for i, s := range sites {
		ids[i] = s.ID
	}
	days, err := d.store.CountedSince(c.r.Context(), ids...)
	if err != nil {
		return err
	}
	filter := noFilters(c.r.URL.Query())
	q, err := c.filteredQuestion("")
	if err != nil {
		return err
	}
	unknown := q.unknown(siteOrders, doc{})
	if unknown == nil {
		unknown = filter
	}
	q.filters, q.badFilter = nil, ""
	if unknown != nil && (c.json || c.format != "") {
		return *unknown
	}
	if len(sites) > 0 { // most often the zone of all
		q.inZoneOf(sites[0])
	}
	found, err := d.siteFigures(c, q, sites, days)
	if err != nil {
		return err
	}
	page := sitesPage{
		Period: q.newPeriodBar(c.lang), Find: find, Compared: q.period.Against != report.NothingBefore,
		Name: unbroken(nameOfPeriod(c.lang, q.period)), Now: c.lang.Clock(q.now),
		NotGiven: all == 0 && c.user.Role != site.Admin && c.user.Restricted, None: all == 0,
		CSV: q.as("csv"), JSON: q.as("json"), Save: q.save(""), Views: q.to(viewsPath).String(),
	}
	page.Folders = q.folders(c.lang, seen, tag)
	page.Heads = q.sortSites(found)
	shown, err := strconv.Atoi(cmp.Or(q.own.Get(byAfter), "0"))
	if err != nil || shown < 0 {
		wrong := report.InvalidError{Field: byAfter, Value: q.own.Get(byAfter), Want: "a number of rows"}
		if c.json || c.format != "" {
			return wrong
		}
		c.wrong, shown = &wrong, 0
	}
	if page.First = q.with(byAfter, "").String(); shown == 0 {
		page.First = ""
	}
	rows := found[min(shown, len(found)):]
	if len(rows) > longTable {
		rows, page.Next = rows[:longTable], q.address.after(strconv.Itoa(shown+longTable))
	}
	for _, s := range rows {
		page.Lines = append(page.Lines, s.line(c.lang, q))
	}
	if len(found) > 1 {
		page.Sum = sumOf(c.lang, q, found)
	}
	page.Hidden = q.hidden(byFind)
	page.Title, page.Erased = c.lang.Say("sites.title"), q.erasedNote(c.lang)
	page.Rounded = q.roundedNote(c.lang)
	page.Lead = q.sitesLead(c.lang, found)
	switch c.format {
	case "json":
		return c.answerJSON(q.sitesJSON(found))
	case "csv":
		return c.answerSitesCSV(q, found)
	}
	status := http.StatusOK
	if unknown != nil {
		page.Notices = append(page.Notices, unknownNotice(c.lang, unknown))
	}
	if q.wrong != nil || unknown != nil {
		status = http.StatusBadRequest
	}
	return d.render(c, status, "sites", page)
}

// inZoneOf has the days of the period begin as on a site.
func (q *question) inZoneOf(s site.Site) {
	q.now = q.now.In(s.Location)
	q.period, _ = report.ParsePeriod(q.typed, q.now) // its error was that of question
}

// folders are those of some sites, by name. The one that is chosen is among them.
func (q *question) folders(l *i18n.Language, sites []site.Site, chosen string) []folder {
	counts := map[string]int{}
	for _, s := range sites {
		for _, tag := range s.Tags {
			counts[tag]++
		}
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	names = names[:min(len(names), mostFolders)]
	if chosen != "" && !slices.Contains(names, chosen) {
		names = append(names, chosen)
	}
	slices.Sort(names)
	var all []folder
	for _, name := range names {
		f := folder{Name: name, Sites: l.Number(int64(counts[name])), URL: q.with(byTag, name).String(), Chosen: name == chosen}
		if f.Chosen {
			f.URL = q.with(byTag, "").String()
		}
		all = append(all, f)
	}
	return all
}

// siteOrders are the columns by which the list of sites is sorted.
var siteOrders = []string{"name", "visitors", "today", changeColumn}

// sortSites sorts sites as the address says, by default those with the most visitors first,
// and returns the heads of the columns. Sites that are alike are in the order of their names.
func (q *question) sortSites(all []siteFigures) map[string]column {
	by, descending := strings.CutPrefix(cmp.Or(q.own.Get(bySort), "-visitors"), "-")
	order := map[string]func(a, b siteFigures) int{
		"name": func(a, b siteFigures) int {
			return cmp.Compare(strings.ToLower(a.site.Name), strings.ToLower(b.site.Name))
		},
		"visitors": func(a, b siteFigures) int { return cmp.Compare(a.now.Count("visitors"), b.now.Count("visitors")) },
		"today":    func(a, b siteFigures) int { return cmp.Compare(a.today.Count("visitors"), b.today.Count("visitors")) },
		"change":   func(a, b siteFigures) int { return cmp.Compare(a.change(q.comparison()), b.change(q.comparison())) },
	}
	if order[by] == nil {
		by, descending = "visitors", true
	}
	slices.SortStableFunc(all, func(a, b siteFigures) int {
		compared := order[by](a, b)
		if descending {
			compared = -compared
		}
		return cmp.Or(compared, order["name"](a, b))
	})
	heads := map[string]column{}
	for key := range order {
		head, next := column{Key: key}, "-"+key // numbers begin with the largest
		if key == changeColumn {
			head.Text = q.changeText()
		}
		if key == "name" {
			next = key
		}
		if key == by {
			head.Sorted, next = "ascending", "-"+key
			if descending {
				head.Sorted, next = "descending", key
			}
		}
		head.URL = q.with(bySort, next).String()
		heads[key] = head
	}
	return heads
}

// matchesSite reports whether a site has a text in its name, a host or a tag.
func matchesSite(s site.Site, find string) bool {
	has := func(text string) bool { return strings.Contains(strings.ToLower(text), strings.ToLower(find)) }
	return has(s.Name) || slices.ContainsFunc(s.Tags, has) || slices.ContainsFunc(s.Hosts, func(h string) bool { return has(h) || has(hostname.Display(h)) })
}

// siteFigures are what the list of sites tells of one.
type siteFigures struct {
	site        site.Site
	now, before report.Sums
	compared    bool
	since       calendar.Day // the first day that was counted; 0 where none was
	uncounted   bool         // counting began after the period
	partly      bool         // or within it
	today       report.Sums
	days        [28]int64 // the last whole days
}

// change is by how many visitors a site has more than before, of a day where only means
// compare, and 0 where nothing is compared.
func (f siteFigures) change(c comparison) float64 {
	if !f.compared {
		return 0
	}
	return float64(f.now.Count("visitors"))/c.days - float64(f.before.Count("visitors"))/c.before
}

// hidden says why its visitors are not told.
func (f siteFigures) hidden() report.Hiding {
	if f.uncounted {
		return report.Refused
	}
	return report.Shown
}

// siteFigures asks for the visitors of sites over the period and the one before, today, and
// on each of the last 28 whole days. Sites in whose zones the same days are meant are asked
// for together, so there are at most three times two statements, however many sites.
func (d *Dashboard) siteFigures(c *call, q *question, sites []site.Site, since map[uint32]calendar.Day) ([]siteFigures, error) {
	type group struct {
		period     report.Period
		sites      []uint32
		sums, days *answer
		first      calendar.Day
	}
	var groups []*group
	all := make([]siteFigures, len(sites))
	at := map[uint32]int{}
	for i, s := range sites {
		all[i].site = s
		at[s.ID] = i
		p, err := report.ParsePeriod(c.r.URL.Query(), c.now.In(s.Location))
		if err != nil {
			p = q.period
		}
		if first, counted := since[s.ID]; counted {
			_, all[i].compared = p.Comparable(first)
			all[i].since, all[i].uncounted = first, p.Counted(first).Empty()
			all[i].partly = !all[i].uncounted && first > p.Range.From
		}
		today := calendar.DayOf(c.now.In(s.Location))
		j := slices.IndexFunc(groups, func(g *group) bool {
			return g.period.Range == p.Range && g.first == today-28 && g.period.Kind == p.Kind
		})
		if j < 0 {
			j = len(groups)
			groups = append(groups, &group{period: p, first: today - 28})
		}
		groups[j].sites = append(groups[j].sites, s.ID)
	}
	ask := func(g *group, asked report.Query) *answer {
		asked.Sites, asked.Dimension, asked.Measures, asked.Limit = g.sites, "site", []string{"visitors"}, report.MaxLimit
		return q.ask(asked)
	}
	for _, g := range groups {
		asked := g.period.Query(0, 0)
		asked.Gone = true // a site that nobody visited has its line
		if !slices.ContainsFunc(g.sites, func(id uint32) bool { return all[at[id]].compared }) {
			asked.Compare, asked.CompareUntil = nil, time.Time{}
		}
		g.sums = ask(g, asked)
		g.days = ask(g, report.Query{Zone: asked.Zone, Range: calendar.Range{From: g.first, To: g.first + 28}, Step: report.Day})
	}
	if err := q.run(c.r.Context(), d.figures); err != nil {
		return nil, err
	}
	for _, g := range groups {
		for _, a := range []*answer{g.sums, g.days} {
			if a.refused != nil {
				return nil, *a.refused
			}
			for _, line := range a.Lines {
				id, err := strconv.ParseUint(line.Value, 10, 32)
				if err != nil {
					return nil, internal.because(err)
				}
				f := &all[at[uint32(id)]]
				day := 0
				if a == g.days {
					day = int(calendar.DayOf(line.At) - g.first)
				}
				switch {
				case a == g.sums:
					f.now, f.before = line.Now, line.Before
				case day == len(f.days):
					f.today = line.Now
				default:
					f.days[day] = line.Now.Count("visitors")
				}
			}
		}
	}
	return all, nil
}

// line shows a site in the list.
func (f siteFigures) line(l *i18n.Language, q *question) siteLine {
	line := siteLine{
		Name: f.site.Name, Host: hostname.Display(f.site.Hosts[0]), URL: q.address.of(f.site.ID).to("").String(),
		Today: amount(l, "visitors", f.today), Visitors: q.shown(l, "visitors", f.now, f.hidden()),
	}
	if f.uncounted || f.partly {
		line.Begun = l.Say("period.uncounted", l.Day(f.since))
	}
	if f.compared {
		line.Change = q.comparison().change(l, "visitors", f.now, f.before)
		line.Base = q.base(l, "visitors", line.Change, f.before, report.Shown)
	}
	if slices.ContainsFunc(f.days[:], func(n int64) bool { return n > 0 }) {
		line.Spark = spark(f.days[:])
	}
	return line
}

// sitesLead says how many visitors all sites had, and on which the number rose and fell
// most.
func (q *question) sitesLead(l *i18n.Language, all []siteFigures) []span {
	if len(all) < 2 {
		return nil
	}
	var now, comparable, before report.Sums
	rose, fell := -1, -1
	by := func(i int) float64 { return all[i].change(q.comparison()) }
	if !slices.ContainsFunc(all, func(f siteFigures) bool { return !f.uncounted }) {
		return []span{{Text: l.Say("sites.uncounted", capitalised(nameOfPeriod(l, q.period)))}}
	}
	for i, f := range all {
		now = now.Add(f.now)
		if !f.compared {
			continue
		}
		comparable, before = comparable.Add(f.now), before.Add(f.before)
		if by(i) > 0 && (rose < 0 || by(i) > by(rose)) {
			rose = i
		}
		if by(i) < 0 && (fell < 0 || by(i) < by(fell)) {
			fell = i
		}
	}
	name := capitalised(nameOfPeriod(l, q.period))
	some := said(l, "count.visitors", "visitors", now)
	lead := []span{{Text: l.Say("lead.alone", name, some)}, {Text: "."}}
	if comparable == now && before.Count("visitors") >= leastBase {
		lead[0].Text = q.sentence(l, "visitors", now, before)
	}
	tell := func(key, perDay string, i int) {
		if i < 0 {
			return
		}
		f := all[i]
		if q.period.PerDay() {
			key = perDay
		}
		now, before := q.means(l, f.now.Count("visitors"), f.before.Count("visitors"))
		lead = append(append(lead, span{Text: " "}), spans(l, key, span{f.site.Name, q.address.of(f.site.ID).to("").String()}, before, now)...)
	}
	tell("sites.fell", "sites.fell.perDay", fell)
	tell("sites.rose", "sites.rose.perDay", rose)
	return lead
}

// sumOf adds the sites up. Of those that can't be compared, nothing is compared.
func sumOf(l *i18n.Language, q *question, all []siteFigures) *siteLine {
	var now, comparable, before report.Sums
	var today report.Sums
	for _, f := range all {
		now, today = now.Add(f.now), today.Add(f.today)
		if f.compared {
			comparable, before = comparable.Add(f.now), before.Add(f.before)
		}
	}
	sum := &siteLine{
		Name: l.Counted("sites.sum", int64(len(all))), Today: amount(l, "visitors", today), Visitors: amount(l, "visitors", now),
		Change: q.comparison().change(l, "visitors", comparable, before),
	}
	if !slices.ContainsFunc(all, func(f siteFigures) bool { return !f.uncounted }) {
		sum.Visitors = nothing
	}
	sum.Base = q.base(l, "visitors", sum.Change, before, report.Shown)
	return sum
}

// dropLine is what memory holds of hits that were excluded alike.
type dropLine struct{ Name, Why, Hits, Last string }

// dropLines shows hits that were excluded, with the time of the last in the time zone of
// the site. Of objections only the day is known.
func dropLines(l *i18n.Language, t tally, drops []hit.Drop, loc *time.Location) []dropLine {
	var lines []dropLine
	for _, d := range drops {
		line := dropLine{Name: hostname.Display(d.Name), Why: whyOf(l, d.Reason, d.Rule), Hits: t.text(l, d.Count), Last: l.ShortDay(d.Day)}
		if !d.Last.IsZero() {
			line.Last += " " + l.Clock(d.Last.In(loc))
		}
		lines = append(lines, line)
	}
	return lines
}

// whyOf says in words why a hit was not counted.
func whyOf(l *i18n.Language, reason, rule string) string {
	if rule != "" {
		return l.Known("rule.", rule)
	}
	return l.Known("reason.", reason)
}
