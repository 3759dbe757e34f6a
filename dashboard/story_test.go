package dashboard_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
)

// act is one thing that somebody did. A story, a list of acts, is told twice: as
// rows that the store sums up, and by counting people, visits and pages.
type act struct {
	person *person
	visit  *visit
	time   time.Time
	day    calendar.Day
	kind   hit.Kind
	path   string
	name   string
	found  float64 // of a search
}

// missing reports whether the act came upon a page that does not exist.
func (a act) missing() bool { return a.kind == hit.Event && strings.HasPrefix(a.name, "404") }

type person struct {
	browser, version, os, device, country, region, language string
}

type visit struct {
	channel, source, campaign, campaignSource, campaignMedium, entry string
	first                                                            time.Time
}

// choice picks values with weights that fall, as they do in life.
func choice[T any](r *rand.Rand, values ...T) T {
	i := int(float64(len(values)) * r.Float64() * r.Float64())
	return values[i]
}

var storyPages = []string{
	"/", "/om-oss", "/tjenester", "/aktuelt", "/aktuelt/2026/ny-rapport-om-sosialt-entreprenorskap", "/kontakt",
	"/tjenester/arbeid-og-inkludering", "/aktuelt/2026/arskonferansen", "/medlemmer", "/publikasjoner",
	"/publikasjoner/arsrapport-2025", "/personvern", "/ledige-stillinger", "/for-kommuner/slik-bestiller-dere",
}

// launched returns a page, or another one in its place before the day that it was launched.
func launched(path string, day calendar.Day) string {
	since := map[string]calendar.Day{"/aktuelt/2026/arskonferansen": calendar.DayOf(moment) - 45, "/ledige-stillinger": calendar.DayOf(moment) - 10}
	if day < since[path] {
		return "/kontakt"
	}
	return path
}

func newPerson(r *rand.Rand) *person {
	p := &person{
		browser: choice(r, "Chrome", "Safari", "Edge", "Firefox", "Samsung Internet", "Opera", ""),
		country: choice(r, "NO", "NO", "NO", "NO", "NO", "SE", "DK", "DE", "GB", "US", "PL", ""),
		os:      choice(r, "Windows", "iOS", "Android", "macOS", "Linux", ""),
	}
	p.version = fmt.Sprint(145 - r.IntN(6))
	switch p.country {
	case "NO":
		p.region = choice(r, "NO-03", "NO-46", "NO-50", "NO-11", "NO-30", "NO-18", "")
		p.language = choice(r, "nb", "nb", "nb", "nn", "en")
	case "SE":
		p.region = choice(r, "SE-AB", "SE-M")
		p.language = "sv"
	default:
		p.language = choice(r, "en", "de", "pl", "")
	}
	switch p.os {
	case "iOS", "Android":
		p.device = choice(r, "mobile", "mobile", "mobile", "tablet")
	case "":
		p.device = "other" // as the collector says of what it does not know: without a device, a record is minimal
	default:
		p.device = "desktop"
	}
	return p
}

func newVisit(r *rand.Rand) *visit {
	v := &visit{channel: choice(r, "search", "direct", "website", "social", "campaign", "ai", "email")}
	switch v.channel {
	case "search":
		v.source = choice(r, "Google", "Bing", "DuckDuckGo", "Ecosia")
	case "website":
		v.source = choice(r, "regjeringen.no", "nav.no", "oslo.kommune.no", "ks.no", "bufdir.no")
	case "social":
		v.source = choice(r, "Facebook", "LinkedIn", "Instagram")
	case "ai":
		v.source = choice(r, "ChatGPT", "Copilot")
	case "campaign":
		v.campaign = choice(r, "høstkonferansen", "nyhetsbrev-november", "årsrapport")
		v.campaignSource = choice(r, "nyhetsbrev", "linkedin")
		v.campaignMedium = choice(r, "email", "social")
		v.source = v.campaignSource
	}
	return v
}

// tell makes up what happened on a site from one day to another, in order of
// time, and stops at now.
func tell(seed uint64, site site.Site, from, to calendar.Day, perDay float64, now time.Time) []act {
	r := rand.New(rand.NewPCG(seed, uint64(site.ID)))
	people := make([]*person, 40+int(perDay)*12)
	for i := range people {
		people[i] = newPerson(r)
	}
	var story []act
	for day := from; day <= to; day++ {
		n := perDay * (0.6 + 0.8*r.Float64()) * (0.7 + 0.5*float64(day-from)/float64(to-from+1))
		if weekday := day.Time().Weekday(); weekday == time.Saturday || weekday == time.Sunday {
			n *= 0.45
		}
		var today []act
		for range int(n) {
			who := people[r.IntN(len(people))]
			for range choice(r, 1, 1, 1, 2, 3) {
				today = append(today, tellVisit(r, site, day, who)...)
			}
		}
		slices.SortStableFunc(today, func(a, b act) int { return a.time.Compare(b.time) })
		story = append(story, apart(today)...)
	}
	return slices.DeleteFunc(story, func(a act) bool { return a.time.After(now) })
}

func tellVisit(r *rand.Rand, site site.Site, day calendar.Day, who *person) []act {
	hour := 6 + (r.Float64()+r.Float64())*8.9
	at := day.In(site.Location).Add(time.Duration(hour * float64(time.Hour))).Truncate(time.Second)
	if calendar.DayOf(at) != day {
		return nil // the clock was put forward
	}
	v := newVisit(r)
	v.first, v.entry = at, launched(choice(r, storyPages...), day)
	var acts []act
	reached := false
	for i := range choice(r, 1, 2, 3, 1, 4, 7) {
		a := act{person: who, visit: v, time: at, day: day, kind: hit.Pageview, path: launched(choice(r, storyPages...), day)}
		if i == 0 {
			a.path = v.entry
		} else if r.IntN(6) == 0 {
			a.path = acts[len(acts)-1].path
			a.kind = choice(r, hit.Download, hit.Outlink, hit.Search, hit.Event, hit.Ping)
			a.name = map[hit.Kind]string{
				hit.Download: "/filer/arsrapport-2025.pdf", hit.Outlink: "https://www.nav.no/",
				hit.Search: choice(r, "tilskudd", "frivillig", "kurs"), hit.Event: choice(r, "Video: spill av", "404 / /gammel-side"),
			}[a.kind]
			if a.kind == hit.Search {
				a.found = float64(r.IntN(4) - 1) // -1: not known
			}
		}
		acts = append(acts, a)
		if a.kind == hit.Download && !reached {
			a.kind, a.name, reached = hit.Goal, "Årsrapport", true
			acts = append(acts, a)
		}
		at = at.Add(time.Duration(4+r.IntN(200)) * time.Second)
		if calendar.DayOf(at.In(site.Location)) != day {
			break
		}
	}
	return acts
}

// apart leaves out acts of a visit that another one of the same person on the
// same day overlaps: nobody is in two visits at once.
func apart(day []act) []act {
	busy := map[*person]*visit{}
	var kept []act
	last := map[*visit]time.Time{}
	for _, a := range day {
		if v := busy[a.person]; v != nil && v != a.visit && (a.time.Sub(last[v]) < 31*time.Minute || last[a.visit].IsZero() && a.visit.first != a.time) {
			continue
		}
		busy[a.person], last[a.visit] = a.visit, a.time
		kept = append(kept, a)
	}
	return kept
}

// rowsOf tells a story as rows.
func rowsOf(site site.Site, story []act) []hit.Row {
	type dayPerson struct {
		day    calendar.Day
		person *person
	}
	type dayPage struct {
		dayPerson
		path string
	}
	came, read := map[dayPerson]bool{}, map[dayPage]bool{} // pages and sections
	last, seen := map[*visit]time.Time{}, map[*visit]string{}
	interactions := map[*visit]int{}
	rows := make([]hit.Row, 0, len(story))
	for _, a := range story {
		p, v := a.person, a.visit
		row := hit.Row{
			Site: site.ID, Time: a.time.UTC(), Day: a.day, Kind: a.kind, Path: a.path, Host: site.Hosts[0], Name: a.name,
			Network: "192.0.0.0/16", Country: p.country, Region: p.region, Browser: p.browser, BrowserVersion: p.version,
			OS: p.os, Device: p.device, Language: p.language, Channel: v.channel, Source: v.source,
			Campaign: v.campaign, CampaignSource: v.campaignSource, CampaignMedium: v.campaignMedium, EntryPath: v.entry, PreviousPath: seen[v],
			Value: a.found,
		}
		if a.kind == hit.Goal {
			row.Conversions = 1
			rows = append(rows, row)
			continue
		}
		who := dayPerson{a.day, p}
		if !came[who] {
			came[who], row.Visitors = true, 1
		}
		if before, ok := last[v]; ok {
			row.Seconds = int32(a.time.Sub(before) / time.Second)
		} else {
			row.Visits, row.Bounces = 1, 1
		}
		last[v] = a.time
		if a.kind != hit.Ping {
			interactions[v]++
			if interactions[v] == 2 {
				row.Bounces = -1
			}
		}
		if a.kind == hit.Pageview {
			row.Pageviews = 1
			seen[v] = a.path
			if page := (dayPage{who, a.path}); !read[page] {
				read[page], row.PageVisitors = true, 1
			}
			if section := (dayPage{who, "section " + sectionOf(a.path)}); !read[section] {
				read[section], row.SectionVisitors = true, 1
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// put stores rows.
func put(tb testing.TB, st *store.Store, name string, rows []hit.Row) {
	tb.Helper()
	for i, part := range slices.Collect(slices.Chunk(rows, 50_000)) {
		if err := st.Insert(context.Background(), hit.Batch{Rows: part}, fmt.Sprintf("%s-%d", name, i)); err != nil {
			tb.Fatal(err)
		}
	}
}

func putLedger(tb testing.TB, st *store.Store, name string, entries []hit.LedgerEntry) {
	tb.Helper()
	if err := st.Insert(context.Background(), hit.Batch{Ledger: entries}, name); err != nil {
		tb.Fatal(err)
	}
}

// sectionOf is the first segment of a path.
func sectionOf(path string) string { return "/" + strings.Split(path, "/")[1] }

// tally counts a story by looking at people and visits, not at measures of rows.
type tally struct {
	visitors, visits, pageviews, bounces, events, conversions, exits int
	// readers are visitors of a page or a section, each once a day, where what is counted
	// is of one page or section.
	readers       int
	seconds, stay time.Duration
}

// count counts the acts that key puts under each key. A person counts, once a day, where
// the first act of that day is; a visit where its first act is; an exit, and the time on a
// page, where the view of that page is.
func count(story []act, key func(act) string) map[string]tally {
	type dayPerson struct {
		day    calendar.Day
		person *person
	}
	firstOfDay := map[dayPerson]act{}
	byVisit := map[*visit][]act{}
	readers := map[string]map[dayPerson]bool{}
	found := map[string]tally{}
	change := func(a act, f func(*tally)) {
		k := key(a)
		t := found[k]
		f(&t)
		found[k] = t
	}
	for _, a := range story {
		who := dayPerson{a.day, a.person}
		if first, ok := firstOfDay[who]; !ok || a.time.Before(first.time) {
			firstOfDay[who] = a
		}
		if a.kind != hit.Goal {
			byVisit[a.visit] = append(byVisit[a.visit], a)
		}
		switch a.kind {
		case hit.Ping:
		case hit.Goal:
			change(a, func(t *tally) { t.conversions++ })
		case hit.Pageview:
			change(a, func(t *tally) { t.pageviews++ })
			if readers[key(a)] == nil {
				readers[key(a)] = map[dayPerson]bool{}
			}
			readers[key(a)][who] = true
		default:
			change(a, func(t *tally) { t.events++ })
		}
	}
	for _, a := range firstOfDay {
		change(a, func(t *tally) { t.visitors++ })
	}
	for _, acts := range byVisit {
		real := slices.DeleteFunc(slices.Clone(acts), func(a act) bool { return a.kind == hit.Ping })
		change(acts[0], func(t *tally) {
			t.visits++
			t.seconds += acts[len(acts)-1].time.Sub(acts[0].time)
			if len(real) == 1 && real[0].kind == hit.Pageview {
				t.bounces++
			}
		})
		page := -1 // the last that was opened
		for i, a := range acts {
			if page >= 0 && !a.missing() {
				gap := a.time.Sub(acts[i-1].time)
				change(acts[page], func(t *tally) { t.stay += gap })
			}
			if a.kind == hit.Pageview {
				page = i
			}
		}
		if page >= 0 {
			change(acts[page], func(t *tally) { t.exits++ })
		}
	}
	for k, people := range readers {
		t := found[k]
		t.readers = len(people)
		found[k] = t
	}
	return found
}

// total counts a story as a whole.
func total(story []act) tally { return count(story, func(act) string { return "" })[""] }

// between returns the acts of the days from one to another, both included.
func between(story []act, from, to calendar.Day) []act {
	return slices.DeleteFunc(slices.Clone(story), func(a act) bool { return a.day < from || a.day > to })
}
