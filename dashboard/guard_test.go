package dashboard_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
)

// TestSmallNumbers: pages, CSV, JSON and API hide the same figures of few, under a filter
// too. A page asks at most six statements.
func TestSmallNumbers(t *testing.T) {
	b := newBench(t)
	b.now = moment.Add(24 * time.Hour)
	b.logIn()
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	site.Guard = 5
	if err := b.store.PutSite(context.Background(), site); err != nil {
		t.Fatal(err)
	}
	var rows []hit.Row
	for region, n := range map[string]int{"NO-03": 40, "NO-50": 30, "NO-11": 7, "NO-56": 3} {
		for i := range n {
			rows = append(rows, hit.Row{
				Site: site.ID, Time: moment.UTC(), Day: calendar.DayOf(moment.In(site.Location)), Kind: hit.Pageview, Path: fmt.Sprint("/", i%2), EntryPath: "/",
				Country: "NO", Region: region, Device: "mobile", Browser: "Firefox", Pageviews: 1, Visits: 1, Visitors: 1, PageVisitors: 1,
			})
		}
	}
	put(t, b.store, "few", rows)
	page := b.get("/sites/1/places?period=day&table=region&lang=en")
	page.want(http.StatusOK)
	var got []string
	for _, cells := range page.Find("#region tbody tr td:first-of-type").EachIter() {
		got = append(got, clean(cells.Text()))
	}
	if diff := cmp.Diff([]string{"40", "30", "hidden", "< 5"}, got); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
	var answer struct {
		Region struct{ Lines []map[string]any }
		Lines  []map[string]any
	}
	b.decode("/sites/1/places.json?period=day&table=region", &answer)
	b.decode("/api/v1/sites/1/top?period=day&dimension=region&measures=visitors", &answer)
	for _, lines := range [][]map[string]any{answer.Region.Lines, answer.Lines} {
		got = nil
		for _, l := range lines {
			got = append(got, fmt.Sprint(l["detail"], " ", l["visitors"], " ", l["hidden"]))
		}
		if diff := cmp.Diff([]string{"NO-03 40 <nil>", "NO-50 30 <nil>", "NO-11 <nil> beside", "NO-56 <nil> below"}, got); diff != "" {
			t.Errorf("JSON (-want +got):\n%s", diff)
		}
	}
	var totals struct{ Totals map[string]any }
	b.decode("/api/v1/sites/1/totals?period=day&measures=visitors&f=region:NO-56", &totals)
	if totals.Totals["visitors"] != nil || totals.Totals["hidden"] != "below" {
		t.Errorf("totals under a filter by few: %v", totals.Totals)
	}
	for _, path := range pagePaths(b) {
		for _, filter := range []string{"", "f=region:NO-50", "f=!device:mobile", "f=page:/1", "f=!page:/1&f=country:NO", "f=country:NO&f=language:nb&f=version:1", "f=source:Google", "f=campaign:a&f=!search:b"} {
			for _, period := range []string{"day", "today", "28d"} {
				b.figures.statements.Store(0)
				b.get("/sites/1" + and(path, "period="+period+"&"+filter)).want(http.StatusOK)
				if n := b.figures.statements.Load(); n > 6 {
					t.Errorf("%s of %s under %s asks %d statements", path, period, filter, n)
				}
			}
		}
	}
}
