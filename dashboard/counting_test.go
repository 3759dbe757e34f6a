package dashboard_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/site"
)

// countingRows are the rows of the table of reasons: text, hits and share.
func (a *answer) countingRows() map[string][2]string {
	rows := map[string][2]string{}
	a.Find("#reasons tbody tr").Each(func(_ int, row *goquery.Selection) {
		cells := row.Find("td")
		rows[clean(row.Find("strong").First().Text())] = [2]string{clean(cells.Eq(0).Text()), clean(cells.Eq(1).Text())}
	})
	return rows
}

// TestCounting: what was counted and excluded over a period adds up, as a slow count of the
// story and of the ledger has it, in every language and format.
func TestCounting(t *testing.T) {
	b := newBench(t)
	b.logIn()
	today := calendar.DayOf(moment)
	for _, zone := range []string{"Europe/Oslo", "Asia/Kathmandu"} {
		one := b.addSite("One", "one.example", zone)
		story := tell(uint64(one.ID), one, today-70, today, 20, moment)
		put(t, b.store, zone, rowsOf(one, story))
		var ledger []hit.LedgerEntry
		for day := today - 70; day <= today; day++ {
			n := int64(day - today + 100)
			ledger = append(ledger,
				hit.LedgerEntry{Site: one.ID, Day: day, Reason: hit.IsBot, Rule: "crawler", Name: "Googlebot", Count: n},
				hit.LedgerEntry{Site: one.ID, Day: day, Reason: hit.IsBot, Rule: "ai", Name: "GPTBot", Count: 1},
				hit.LedgerEntry{Site: one.ID, Day: day, Reason: hit.Objection, Count: 7},
				hit.LedgerEntry{Site: one.ID, Day: day, Reason: hit.ExcludedNetwork, Count: 2})
			for i := range 5 { // more hosts than a table has lines
				ledger = append(ledger, hit.LedgerEntry{Site: one.ID, Day: day, Reason: hit.ForeignHost, Name: fmt.Sprintf("h%d-%d.example", day, i), Count: 1})
			}
		}
		putLedger(t, b.store, zone+" ledger", ledger)
		for i, tt := range []struct {
			query    string
			from, to calendar.Day
			before   calendar.Day // the first day of those before; 0: not compared
		}{
			{"", today - 13, today - 7, today - 20},
			{"period=28d", today - 28, today - 1, today - 56},
			{"period=today", today, today, 0},
			{"period=day", today - 1, today - 1, today - 8},
			{"period=28d&f=source:Google", today - 28, today - 1, today - 56},
			{"period=28d&compare=none", today - 28, today - 1, 0},
		} {
			l := i18n.All()[i%3]
			of := func(from, to calendar.Day) (counted, excluded int64, reasons map[string]int64) {
				sum := total(between(story, from, to))
				reasons = map[string]int64{}
				for _, e := range ledger {
					if from <= e.Day && e.Day <= to {
						reasons[e.Reason] += e.Count
						excluded += e.Count
					}
				}
				return int64(sum.pageviews + sum.events), excluded, reasons
			}
			counted, excluded, reasons := of(tt.from, tt.to)
			page := b.get(fmt.Sprintf("/sites/%d/counting?%s", one.ID, tt.query), "Accept-Language", l.Tag)
			page.want(200)
			share := func(n int64) string { return clean(l.Percent(float64(n) / float64(counted+excluded))) }
			want := map[string][2]string{
				l.Say("reasons.counted"):  {clean(l.Number(counted)), share(counted)},
				l.Say("reasons.excluded"): {clean(l.Number(excluded)), share(excluded)},
			}
			for reason, n := range reasons {
				want[l.Say("why."+reason)] = [2]string{clean(l.Number(n)), share(n)}
			}
			if diff := cmp.Diff(want, page.countingRows()); diff != "" {
				t.Errorf("%s, %q: reasons (-want +got):\n%s", zone, tt.query, diff)
			}
			fact := page.text("#fact\\.excluded")
			if !strings.Contains(fact, share(excluded)) {
				t.Errorf("%s, %q: the share is %q, want %s", zone, tt.query, fact, share(excluded))
			}
			if tt.before != 0 {
				c, e, _ := of(tt.before, tt.before+tt.to-tt.from)
				was, now := float64(e)/float64(c+e), float64(excluded)/float64(counted+excluded)
				if from := clean(l.Say("figure.from", l.Percent(was))); !strings.Contains(fact, from) || !strings.Contains(fact, clean(l.Points(math.Abs(now-was)))) {
					t.Errorf("%s, %q: the share moved as %q, want %s", zone, tt.query, fact, from)
				}
			} else if strings.Contains(fact, clean(l.Say("figure.from", ""))) {
				t.Errorf("%s, %q: the share is compared: %q", zone, tt.query, fact)
			}
			if notices := page.Find(".notice").Length(); (notices > 0) != strings.Contains(tt.query, "f=") {
				t.Errorf("%s, %q: %d notices that filters do not hold", zone, tt.query, notices)
			}

			var got struct {
				Reasons struct {
					Excluded, Counted int64
					Whole             bool
					Lines             []struct {
						Reason string
						Hits   int64
						Rules  map[string]int64
					}
				}
			}
			if err := json.Unmarshal([]byte(b.get(fmt.Sprintf("/sites/%d/counting.json?%s", one.ID, tt.query)).body), &got); err != nil {
				t.Fatal(err)
			}
			sums := map[string]int64{}
			for _, line := range got.Reasons.Lines {
				sums[line.Reason] = line.Hits
				if rules := line.Rules; line.Reason == hit.IsBot && (rules["ai"] != int64(tt.to-tt.from)+1 || rules["ai"]+rules["crawler"] != line.Hits) {
					t.Errorf("%s, %q: bots by rule in JSON are %v", zone, tt.query, rules)
				}
			}
			if diff := cmp.Diff(reasons, sums); diff != "" || got.Reasons.Excluded != excluded || got.Reasons.Counted != counted || got.Reasons.Whole != (tt.query != "period=today") {
				t.Errorf("%s, %q: JSON has %+v (-want +got):\n%s", zone, tt.query, got.Reasons, diff)
			}
			rows := b.sheet(fmt.Sprintf("/sites/%d/counting.csv?table=reasons&%s", one.ID, tt.query), l)
			if n := len(rows); n != len(reasons)+3 || rows[n-1][1] != fmt.Sprint(counted) || rows[n-2][1] != fmt.Sprint(excluded) {
				t.Errorf("%s, %q: CSV has %v", zone, tt.query, rows)
			}
		}
	}
}

// TestWholeness: the page says first whether a period is whole, or what it lacks.
func TestWholeness(t *testing.T) {
	b := newBench(t)
	b.logIn()
	today := calendar.DayOf(moment) // a Sunday
	one := b.addSite("One", "one.example", "Europe/Oslo")
	story := tell(3, one, today-30, today, 60, moment)
	gone := []calendar.Day{today - 3, today - 4}
	story = slices.DeleteFunc(story, func(a act) bool { return slices.Contains(gone, a.day) })
	put(t, b.store, "story", rowsOf(one, story))
	l := nb()
	day := func(d calendar.Day) string { return clean(l.Day(d)) }
	for query, want := range map[string][2]string{
		"":                         {"Tallene for uke 46 er hele", "Alle 7 dager er over og har treff."},
		"period=day":               {"er hele", "Dagen er over og har treff."},
		"period=today":             {"er ikke hele", "Perioden er ikke over."},
		"period=week&at=2026-W47":  {"er ikke hele", "Perioden er ikke over."},
		"period=28d":               {"kan ha hull", "Uten et eneste treff: " + day(today-4) + " og " + day(today-3) + "."},
		"period=month&at=2026-10":  {"er ikke hele", "Tellingen begynte " + day(today-30) + "."},
		"period=month&at=2026-09":  {"er ikke hele", "Tellingen begynte " + day(today-30) + "."},
		"period=day&at=2026-10-23": {"er ikke hele", "Tellingen begynte " + day(today-30) + "."}, // the day it began is a part of one
	} {
		page := b.get("/sites/1/counting?"+query, "Accept-Language", "nb")
		page.want(200)
		if title, lead := page.text("h1"), page.text(".lead"); !strings.Contains(title, want[0]) || !strings.HasPrefix(lead, want[1]) {
			t.Errorf("%q: %q, %q; want %q", query, title, lead, want)
		}
	}
	page := b.get("/sites/1/counting", "Accept-Language", "nb")
	if got := page.text("#fact\\.since"); got != "Har talt siden"+day(today-30)+"29 hele dager" {
		t.Errorf("counting began as %q", got)
	}
	last := story[len(story)-1].time
	for _, a := range story {
		if a.kind != hit.Ping && a.kind != hit.Goal && !a.time.After(moment) && a.time.After(last) {
			last = a.time
		}
	}
	recent := 0
	for _, a := range story {
		if ago := moment.Truncate(time.Minute).Sub(a.time.Truncate(time.Minute)); a.kind != hit.Ping && a.kind != hit.Goal && ago < 30*time.Minute {
			recent++
		}
	}
	if got := page.text("#fact\\.recent b"); got != fmt.Sprint(recent) || recent == 0 {
		t.Errorf("hits of the last 30 minutes: %s, want %d", got, recent)
	}
	if got, want := page.text("#fact\\.last"), "kl. "+last.In(one.Location).Format("15.04.05"); !strings.HasSuffix(got, want) {
		t.Errorf("the last hit is %q, want %s", got, want)
	}
}

// TestChangesOfSettings: the page tells which settings changed, when and by whom, and of
// networks the number alone, in all formats.
func TestChangesOfSettings(t *testing.T) {
	b := newBench(t)
	one := b.addSite("One", "one.example", "Europe/Oslo")
	put(t, b.store, "story", rowsOf(one, tell(3, one, calendar.DayOf(moment)-3, calendar.DayOf(moment), 5, moment)))
	b.logInAdmin()
	for _, form := range []url.Values{
		{"exclude": {"/intern/*\n*.pdf"}, "exclude-networks": {"192.0.2.0/24\n198.51.100.0/24"}},
		{"exclude": {"*.pdf\n/=cmd"}, "exclude-networks": {""}, "policy": {"minimal"}, "name": {"Två"}},
	} {
		b.post("/sites/1/settings", form).want(200)
	}
	page := b.get("/sites/1/counting", "Accept-Language", "nb")
	var got []string
	page.Find("#changes tbody tr").Each(func(_ int, row *goquery.Selection) {
		got = append(got, clean(row.Find("th").Text()+" | "+row.Find("td").Eq(1).Text()))
	})
	want := []string{
		"Utelatte sider: lagt til /=cmd, fjernet /intern/* | kari",
		"Utelatte nettverk: eget kontor: fjernet 2 nettverk | kari",
		"Hva som lagres: fra «Som personvernreglene sier» til «Bare sider, tid, nettleser og region» | kari",
		"Utelatte sider: lagt til /intern/*, *.pdf | kari",
		"Utelatte nettverk: eget kontor: lagt til 2 nettverk | kari",
		"Nettstedet ble lagt til |", "Tellingen begynte |",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	rows := b.sheet("/sites/1/counting.csv?table=changes", nb())
	if len(rows) != len(want)+1 || rows[1][1] != "Utelatte sider: lagt til /=cmd, fjernet /intern/*" {
		t.Errorf("CSV has %q", rows)
	}
	for _, path := range []string{"/sites/1/counting", "/sites/1/counting.json", "/sites/1/counting.csv?table=changes"} {
		if body := b.get(path).body; strings.Contains(body, "192.0.2") || strings.Contains(body, "198.51") {
			t.Errorf("%s names a network", path)
		}
	}
	for _, s := range site.Settings {
		for _, l := range i18n.All() {
			if key := "effect." + s.Key; s.Figures && l.Say(key) == key {
				t.Errorf("%s: the effect of %s is not told", l.Tag, s.Key)
			}
		}
	}
}

// TestImportedLog: once a log of earlier days is counted, the pages compare with them at once.
func TestImportedLog(t *testing.T) {
	b := newBench(t)
	b.logIn()
	today := calendar.DayOf(moment)
	one := b.addSite("One", "one.example", "Europe/Oslo")
	story := tell(3, one, today-40, today, 20, moment)
	began := today - 10
	put(t, b.store, "tag", rowsOf(one, between(story, began, today)))
	looks := func(want bool) {
		t.Helper()
		for _, path := range []string{"/sites/1.json", "/sites/1/pages.json", "/api/v1/sites/1/totals"} {
			var data struct{ Before any }
			b.decode(path, &data)
			if (data.Before != nil) != want {
				t.Errorf("%s is compared: %t, want %t", path, data.Before != nil, want)
			}
		}
		var list struct{ Sites []struct{ Before any } }
		b.decode("/sites.json", &list)
		if (list.Sites[0].Before != nil) != want {
			t.Errorf("the list of sites compares: %t, want %t", !want, want)
		}
	}
	looks(false)
	put(t, b.store, "log", rowsOf(one, between(story, today-40, began-1)))
	looks(true)
}

// TestMeanOfCountedDays: the mean of a day is of the days that were counted, and a period before
// counting began has no figures, no 0 and no mean.
func TestMeanOfCountedDays(t *testing.T) {
	b := newBench(t)
	b.logIn()
	today := calendar.DayOf(moment)
	began := today - 30 // 23 October, a Friday
	one := b.addSite("One", "one.example", "Europe/Oslo")
	story := tell(3, one, began, today, 60, moment)
	put(t, b.store, "story", rowsOf(one, story))
	s := told{t, one, story, nb()}
	inCounty := func(a act) bool { return a.person.region == "NO-50" }
	day := func(text string) calendar.Day { return day(t, text) }
	for _, tt := range []struct {
		query    string
		from, to calendar.Day // of those that are counted
		keep     func(act) bool
	}{
		{"period=month&at=2026-10", began, day("2026-10-31"), nil},
		{"period=week&at=2026-W43", began, day("2026-10-25"), nil},
		{"period=week&at=2026-W43&compare=none&f=region:NO-50", began, day("2026-10-25"), inCounty},
		{"period=quarter&at=2026-Q4", began, today - 1, nil},
		{"period=year&at=2026&compare=year", began, today - 1, nil},
		{"period=range&from=2026-10-01&to=2026-10-26", began, day("2026-10-26"), nil},
		{"period=week&at=2026-W44&compare=none", day("2026-10-26"), day("2026-11-01"), nil}, // all of it
	} {
		now := keeping(between(story, tt.from, tt.to), tt.keep)
		days := float64(tt.to - tt.from + 1)
		mean, _ := s.lang.Text("figure.perDay", s.perDay("visitors", now, days))
		page := b.get("/sites/1?"+tt.query, "Accept-Language", "nb")
		page.want(200)
		if got := page.text("#figure-visitors .small"); got != clean(mean) || now.visitors == 0 {
			t.Errorf("%s: %q, want %q: %d visitors in %v days", tt.query, got, clean(mean), now.visitors, days)
		}
		if got, want := page.text("#begun"), "Tellingen begynte 23. oktober 2026."; strings.HasPrefix(got, want) != (tt.from == began) {
			t.Errorf("%s says %q", tt.query, got)
		}
		var data map[string]any
		b.decode("/sites/1.json?"+tt.query, &data)
		if since := data["counted_since"]; (since == "2026-10-23") != (tt.from == began) {
			t.Errorf("%s: counted since %v", tt.query, since)
		}
		if row := b.get("/?"+strings.TrimSuffix(tt.query, "&f=region:NO-50"), "Accept-Language", "nb").text(".sites tbody th"); strings.Contains(row, "tellingen begynte 23. oktober 2026") != (tt.from == began) {
			t.Errorf("%s: the list of sites has %q", tt.query, row)
		}
	}
	for _, query := range []string{"period=month&at=2026-09", "period=year&at=2025", "period=day&at=2026-10-22", "period=week&at=2026-W42&compare=none", "period=month&at=2026-09&f=region:NO-50"} {
		for _, path := range []string{"", "/pages", "/sources", "/searches", "/missing", "/downloads", "/places", "/devices", "/hours", "/ways", "/page?path=/om-oss", "/goals", "/counting"} {
			address, rest, _ := strings.Cut(path, "?")
			page := b.get("/sites/1"+address+"?"+query+"&"+rest, "Accept-Language", "nb")
			page.want(200)
			text := page.text(".span")
			if !strings.Contains(text, "tellingen begynte 23. oktober 2026") {
				t.Errorf("%s?%s: the period bar says %q", path, query, text)
			}
			if all := page.text("main"); strings.Contains(all, "0 per dag") || strings.Contains(all, "ingen besøkende") {
				t.Errorf("%s?%s has a figure of days that were not counted:\n%s", path, query, all)
			}
			page.Find(".figures b").Each(func(_ int, n *goquery.Selection) {
				if address != "/counting" && clean(n.Text()) != "–" {
					t.Errorf("%s?%s: a figure is %q", path, query, n.Text())
				}
			})
			var data map[string]any
			b.decode("/sites/1"+address+".json?"+query+"&"+rest, &data)
			totals, _ := data["totals"].(map[string]any)
			for key, n := range totals {
				if n != nil {
					t.Errorf("%s?%s: %s is %v in JSON", path, query, key, n)
				}
			}
			for key, block := range data {
				if table, ok := block.(map[string]any); ok && table["lines"] != nil && table["refused"] != "not_counted" && address != "/counting" && address != "/goals" {
					t.Errorf("%s?%s: %s in JSON is %v", path, query, key, block)
				}
			}
		}
		if got := b.get("/sites/1?"+query, "Accept-Language", "nb").text("h1"); !strings.HasSuffix(got, "tellingen begynte 23. oktober 2026") {
			t.Errorf("%s is told as %q", query, got)
		}
		b.get("/api/v1/sites/1/totals?" + query).want(400)
		query := strings.TrimSuffix(query, "&f=region:NO-50") // which the list of sites does not take
		list := b.get("/?"+query, "Accept-Language", "nb")
		if got := list.text(".sites tbody td:nth-of-type(3)"); got != "–" {
			t.Errorf("%s: the list of sites has %q visitors", query, got)
		}
		var data struct {
			Sites []struct {
				Visitors *float64
				Since    string `json:"counted_since"`
			}
		}
		b.decode("/sites.json?"+query, &data)
		if got := data.Sites[0]; got.Visitors != nil || got.Since != "2026-10-23" {
			t.Errorf("%s: the list of sites in JSON has %+v", query, got)
		}
	}
}
