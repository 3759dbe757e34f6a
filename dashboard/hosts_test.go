package dashboard_test

import (
	"context"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/hostname"
)

// TestHostsAreShownAsPeopleReadThem: rows have the hosts that browsers send, pages their
// letters, but for a host that could be taken for another.
func TestHostsAreShownAsPeopleReadThem(t *testing.T) {
	b := newBench(t)
	site := b.addSite("Bær", "xn--blbr-roah.no", "Europe/Oslo")
	day := calendar.DayOf(b.now.In(site.Location))
	row := hit.Row{
		Site: site.ID, Time: b.now.UTC(), Day: day, Kind: hit.Pageview, Path: "/", Host: "xn--blbr-roah.no", EntryPath: "/", Network: "203.0.0.0/16",
		Browser: "Firefox", Channel: "website", Source: hostname.Canonical("trollbær.example"), Pageviews: 1, Visits: 1, Visitors: 1, PageVisitors: 1, Bounces: 1,
	}
	liar, link := row, row
	liar.Source = "xn--80ak6aa92e.com"
	link.Kind, link.Name, link.Pageviews, link.Visits, link.Visitors, link.PageVisitors, link.Bounces = hit.Outlink, "www.xn--blbr-roah.example/om", 0, 0, 0, 0, 0
	if err := b.store.Insert(context.Background(), hit.Batch{Rows: []hit.Row{row, liar, link}}, "hosts"); err != nil {
		t.Fatal(err)
	}
	b.logIn()
	if list := b.get("/").Text(); !strings.Contains(list, "blåbær.no") || strings.Contains(list, "xn--") {
		t.Errorf("the list of sites shows %q", list)
	}
	page := b.get("/sites/1?period=today").Text() + b.get("/sites/1/outlinks?period=today").Text()
	for _, want := range []string{"trollbær.example", "xn--80ak6aa92e.com", "www.blåbær.example/om"} {
		if !strings.Contains(page, want) {
			t.Errorf("the pages of the site do not show %s", want)
		}
	}
	if strings.Contains(page, "xn--trollbr") || strings.Contains(page, "xn--blbr") {
		t.Error("a page shows a host as browsers send it")
	}
}
