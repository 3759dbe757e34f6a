package dashboard_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
)

// TestJSONSaysWhatItIsOf: every answer in JSON names its site, days and filters, and what the
// page is about.
func TestJSONSaysWhatItIsOf(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	day := calendar.DayOf(moment.In(site.Location)) - 1
	put(t, b.store, "rows", []hit.Row{{Site: site.ID, Time: day.Time().Add(time.Hour), Day: day, Kind: hit.Pageview, Path: "/", EntryPath: "/", Country: "NO", Device: "desktop", Pageviews: 1, Visits: 1, Visitors: 1}})
	const query = "period=7d&f=country:NO&f=!device:mobile"
	const frame, apart = "1 7d 2026-11-15 2026-11-21 [country:NO !device:mobile]", "1 <nil> <nil> <nil> [country:NO !device:mobile]"
	for path, about := range map[string]string{
		"":                            "map[page:overview]",
		"/pages":                      "map[page:pages]",
		"/pages?q=helse":              "map[page:pages q:helse]",
		"/sections":                   "map[page:sections]",
		"/sections?prefix=/helse/":    "map[page:sections prefix:/helse/]",
		"/page?path=/helse":           "map[page:page path:/helse]",
		"/compare?path=/a&path=/b":    "map[page:compare path:[/a /b]]",
		"/ways":                       "map[from:/ page:ways]",
		"/ways?from=/helse":           "map[from:/helse page:ways]",
		"/entries":                    "map[page:entries]",
		"/exits":                      "map[page:exits]",
		"/sources":                    "map[page:sources]",
		"/campaigns":                  "map[page:campaigns]",
		"/campaign?name=nyhetsbrev 3": "map[name:nyhetsbrev 3 page:campaign]",
		"/searches":                   "map[page:searches]",
		"/missing":                    "map[page:missing]",
		"/downloads":                  "map[page:downloads]",
		"/outlinks":                   "map[page:outlinks]",
		"/events":                     "map[page:events]",
		"/goals":                      "map[page:goals]",
		"/goals?name=Kontakt":         "map[name:Kontakt page:goals]",
		"/places":                     "map[page:places]",
		"/devices":                    "map[page:devices]",
		"/languages":                  "map[page:languages]",
		"/hours":                      "map[page:hours]",
		"/counting":                   "map[page:counting]",
	} {
		var got map[string]any
		b.decode("/sites/1"+and(as(strings.ReplaceAll(path, " ", "+"), "json"), query), &got)
		days, _ := got["days"].(map[string]any)
		want := frame
		if len(path) > 8 && path[:8] == "/compare" { // each page has days of its own
			want = apart
		}
		if head := fmt.Sprint(got["site"], " ", got["period"], " ", days["from"], " ", days["to"], " ", got["filters"]); head != want || fmt.Sprint(got["about"]) != about {
			t.Errorf("%s.json is of %s, %v, want %s, %s", path, head, got["about"], want, about)
		}
	}
	for path, want := range map[string]string{
		"/sites.json?period=7d&q=sam":   "7d 2026-11-15 map[page:sites q:sam]",
		"/sites.json?period=7d&tag=a":   "7d 2026-11-15 map[page:sites tag:a]",
		"/sites/1/notes.json?period=7d": "<nil> <nil> map[page:notes]",
	} {
		var got map[string]any
		b.decode(path, &got)
		days, _ := got["days"].(map[string]any)
		if head := fmt.Sprint(got["period"], " ", days["from"], " ", got["about"]); head != want {
			t.Errorf("%s is of %s, want %s", path, head, want)
		}
	}
	for _, path := range []string{"totals", "series", "top?dimension=page"} {
		var got map[string]any
		b.decode("/api/v1/sites/1/"+and(path, query), &got)
		days, _ := got["days"].(map[string]any)
		if head := fmt.Sprint(got["site"], " ", got["period"], " ", days["from"], " ", days["to"], " ", got["filters"]); head != frame {
			t.Errorf("%s is of %s, want %s", path, head, frame)
		}
	}
}
