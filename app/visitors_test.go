package app_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/collector/visit"
)

// TestVisitorsMadeUp: an address that names another User-Agent with each hit makes up
// visitors up to a limit, all its page views are stored, and none is lost or put on
// another day when the clock of the program is set back by days.
func TestVisitorsMadeUp(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	noon := time.Date(2026, 7, 9, 12, 0, 0, 0, time.UTC)
	p := start(t, noon, func(o *app.Options) { o.VisitMemory, o.RateLimit = visit.MinMemory, 20 })
	run := func(args ...string) string {
		t.Helper()
		out, errs, status := command(t, "", append(args, "--data", p.opts.Data)...)
		if status != 0 {
			t.Fatalf("%v: %q, status %d", args, errs, status)
		}
		return out
	}
	run("site", "add", "--host", "example.org")
	p.awaitSite(1)
	send := func(n int) {
		t.Helper()
		for i := range n {
			agent := fmt.Sprintf("%s %d", agents[0].header, i)
			r, err := http.NewRequest("GET", p.public+"/matomo.php?idsite=1&rec=1&url=/&ua="+url.QueryEscape(agent), nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("User-Agent", agents[0].header)
			resp, err := p.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if told := resp.Header.Get("X-Fotspor"); told != "recorded" {
				t.Fatalf("hit %d: %s, %q", i, resp.Status, told)
			}
		}
	}

	send(300) // of which two a second are new, and two hundred at once
	for metric, want := range map[string]float64{
		"fotspor_visit_budget_bytes":         visit.MinMemory,
		"fotspor_visitors_in_memory":         201,
		"fotspor_visitors_shared_hits_total": 100,
		"fotspor_visitors_evicted_total":     0,
	} {
		if got := p.metric(metric); got != want {
			t.Errorf("%s = %v, want %v", metric, got, want)
		}
	}
	p.setClock(noon.AddDate(0, 0, -3))
	send(1)
	p.setClock(noon.AddDate(0, 0, -3).Add(time.Second))
	send(2)
	p.setClock(noon.Add(time.Minute))
	send(1)
	p.awaitStored(304)
	const sums = "SELECT day, sum(pageviews), sum(visits), sum(visitors) FROM hits GROUP BY day ORDER BY day"
	if got, want := run("query", sums), "2026-07-06\t3\t3\t3\n2026-07-09\t301\t202\t202\n"; got != want {
		t.Errorf("days, page views, visits, visitors:\n%swant\n%s", got, want)
	}
}
