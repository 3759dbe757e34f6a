package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestGoals adds a goal while the program runs, and finds its conversions by what the
// visits are known by, in rows and rollups.
func TestGoals(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	p := start(t, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), nil)
	run := func(args ...string) string {
		t.Helper()
		out, errs, status := command(t, "", append(args, "--data", p.opts.Data)...)
		if status != 0 {
			t.Fatalf("%v: %q, status %d", args, errs, status)
		}
		return out
	}
	run("site", "add", "--host", "example.org")
	run("goal", "add", "1", "Påmelding", "--page", "/kurs/*/takk")
	run("site", "edit", "1", "--exclude", "/intern") // which the collector learns together with the goal, or later
	p.awaitSite(1)
	send := func(agent, query string) (told string) {
		t.Helper()
		req, err := http.NewRequest(http.MethodGet, p.public+"/matomo.php?idsite=1&rec=1&url=https://example.org"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("User-Agent", agent)
		resp, err := p.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.Header.Get("X-Fotspor")
	}
	await(t, "the settings of the site", func() error {
		if told := send(agents[4].header, "/intern&ping=1"); told != "dropped: excluded path" {
			return errors.New(told)
		}
		return nil
	})
	view := func(agent, query string) {
		t.Helper()
		if told := send(agent, query); told != "recorded" {
			t.Errorf("%s: %s", query, told)
		}
	}
	for i, from := range []string{"https://nrk.no/", "https://nrk.no/", "https://www.google.com/"} {
		view(agents[i].header, "/&urlref="+from)
		view(agents[i].header, "/kurs/sveising/takk")
		view(agents[i].header, "/kurs/maling/takk") // in the same visit
	}
	view(agents[3].header, "/kurs")
	const query = `SELECT
		(SELECT groupArray((value, conversions, pageviews, visits)) FROM (SELECT value, sum(conversions) AS conversions, sum(pageviews) AS pageviews, sum(visits) AS visits FROM daily WHERE dimension = 'goal' GROUP BY value)),
		(SELECT groupArray((detail, conversions, visits)) FROM (SELECT detail, sum(conversions) AS conversions, sum(visits) AS visits FROM daily WHERE dimension = 'source' GROUP BY detail ORDER BY detail)),
		(SELECT groupArray((value, conversions)) FROM (SELECT value, sum(conversions) AS conversions FROM daily WHERE dimension = 'entry' GROUP BY value ORDER BY value)),
		(SELECT (sum(conversions), sum(pageviews), sum(visits), sum(bounces), sum(events)) FROM daily WHERE dimension = 'total'),
		(SELECT sum(conversions) FROM cube WHERE source = 'nrk.no'),
		(SELECT groupArray((path, previous_path, entry_path, conversions, pageviews)) FROM hits WHERE kind = 'goal' AND source = 'Google')`
	want := strings.Join([]string{
		"[('Påmelding',3,0,0)]",
		"[('',0,1),('Google',1,1),('nrk.no',2,2)]",
		"[('/',3),('/kurs',0)]",
		"(3,10,4,1,0)",
		"2",
		"[('/kurs/sveising/takk','/','/',1,0)]",
	}, "\t") + "\n"
	await(t, "conversions", func() error {
		if got := run("query", query); got != want {
			return fmt.Errorf("%q, want %q", got, want)
		}
		return nil
	})
}
