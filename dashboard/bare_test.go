package dashboard_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/site"
)

// TestNoBarePage: whatever a reader gets wrong in an address, the page says so itself, in the
// reader's language, and keeps the rest.
func TestNoBarePage(t *testing.T) {
	b := newBench(t)
	one := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	b.logInAdmin()
	day := calendar.DayOf(moment.In(one.Location)) - 1
	put(t, b.store, "rows", []hit.Row{{Site: one.ID, Time: day.Time().Add(time.Hour), Day: day, Kind: hit.Pageview, Path: "/om-oss", EntryPath: "/om-oss", Pageviews: 1, Visits: 1, Visitors: 1, PageVisitors: 1, SectionVisitors: 1}})
	if err := b.store.PutView(t.Context(), site.View{Site: 1, Name: "En", Owner: userName, Page: "/pages"}); err != nil {
		t.Fatal(err)
	}
	l, long := i18n.Find("nn"), strings.Repeat("x", 3000)
	for _, path := range []string{"/", "/views", "/sites/1", "/sites/1/pages", "/sites/1/notes", "/sites/1/settings", "/sites/1/views", "/admin/audit", "/admin/receipts", "/account"} {
		for _, bad := range []string{
			"after=zz", "after=-1", "before=zz", "sort=zz", "measure=zz", "columns=zz", "table=zz", "q=" + long, "tag=zz", "done=zz",
			"f=zz", "f=country:Norge", "fd=zz&fv=zz", "at=zz", "at=2026-W47&period=month", "period=zz", "period=range&from=zz", "period=range&from=2026-11-01&to=2026-10-01", "compare=zz", "align=zz",
			"prefix=zz", "name=zz", "from=/zz", "at=%zz", "q=%zz", "f=%zz", "lang=zz", "host=zz",
		} {
			page := b.get(and(path, bad), "Accept-Language", "nn")
			said := clean(page.Find("main .notice, main [role=alert]").Text())
			if page.status != http.StatusOK && page.status != http.StatusBadRequest || clean(page.Find("main h1").Text()) == l.Say("problem.title") || page.status == http.StatusBadRequest && said == "" {
				t.Errorf("%.100s: %d, %q", and(path, bad), page.status, said)
			}
		}
	}
	for query, want := range map[string]struct{ at, key, kept string }{
		"/?at=2026-W47&period=month":            {"#wrong-period", "period.wrong.form", "2026-W47"},
		"/sites/1?at=2026-W47&period=month":     {"#wrong-period", "period.wrong.form", "2026-W47"},
		"/sites/1?at=2026-12&period=month":      {"#wrong-period", "period.wrong.at", "2026-12"},
		"/sites/1?at=1955-12&period=month":      {"#wrong-period", "period.wrong.form", "1955-12"},
		"/sites/1/pages?q=" + long:              {"#wrong-find", "table.find.wrong", long},
		"/sites/1/pages?f=page:/a&after=zz":     {".notice", "problem.bad_after", "/a"},
		"/sites/1/pages?f=page:/a&period=%25z%": {".notice", "problem.bad_period", "/a"},
	} {
		page := b.get(query, "Accept-Language", "nn")
		if page.status != http.StatusBadRequest || !strings.Contains(page.text(want.at), l.Say(want.key)) || !strings.Contains(page.body, want.kept) {
			t.Errorf("%.60s: %d, %q", query, page.status, page.text(want.at))
		}
	}
	if page := b.get("/sites/1/page?path=/aldri", "Accept-Language", "nn"); page.status != http.StatusOK || !strings.Contains(page.text(".says"), l.Say("page.none")) {
		t.Errorf("the card of a page that nobody saw: %d, %q", page.status, page.text("#main"))
	}
	save := "/sites/1/views?of=%2Fpages&period=28d&sort=zz"
	page := b.post(save, url.Values{"title": {"Mi vising"}}, "Accept-Language", "nn")
	if page.status != http.StatusUnprocessableEntity || !strings.Contains(page.text("#wrong-title"), l.Say("views.wrong.address")) || page.Find("#view-title").AttrOr("value", "") != "Mi vising" {
		t.Errorf("a view with a bad order: %d, %q", page.status, page.text("#wrong-title"))
	}
	b.post(strings.Replace(save, "zz", "-pageviews", 1), url.Values{"title": {"Mi vising"}}).want(http.StatusOK)
}
