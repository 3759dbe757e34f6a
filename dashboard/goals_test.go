package dashboard_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/site"
)

// TestGoalsAreNamedOnThePage: an administrator tries a goal on what was counted, saves it and
// removes it. What was typed stays beside what is wrong with it, and nobody else sees a form.
func TestGoalsAreNamedOnThePage(t *testing.T) {
	b := newBench(t)
	one := b.addSite("One", "one.example", "Europe/Oslo")
	story := tell(3, one, calendar.DayOf(moment)-30, calendar.DayOf(moment), 20, moment)
	put(t, b.store, "story", rowsOf(one, story))
	b.logIn()
	if page := b.get("/sites/1/goals"); page.Find("form.write").Length() > 0 {
		t.Error("a viewer may name goals")
	}
	for _, path := range []string{"/sites/1/settings/goals", "/sites/1/settings/goals/remove"} {
		if a := b.post(path, url.Values{"kind": {"page"}, "pattern": {"/x"}, "goal": {"X"}}); a.status != http.StatusNotFound {
			t.Errorf("%s answers a viewer %d", path, a.status)
		}
	}
	if err := b.store.SetRights(t.Context(), userName, site.Admin, false, nil); err != nil {
		t.Fatal(err)
	}
	b.post("/login", url.Values{"name": {userName}, "password": {userPass}}).want(http.StatusOK)

	week := between(story, calendar.DayOf(moment)-13, calendar.DayOf(moment)-7)
	views := func(keep func(string) bool) int {
		return len(only(week, func(a act) bool { return a.kind == hit.Pageview && keep(a.path) }))
	}
	for _, c := range []struct {
		kind, pattern, want string
		times               int
	}{
		{"page", "/om-oss", "matches one", views(func(p string) bool { return p == "/om-oss" })},
		{"page", "/aktuelt/*", "matches 2 different ones", views(func(p string) bool { return strings.HasPrefix(p, "/aktuelt/") })},
		{"section", "/aktuelt", "matches 2 different ones", views(func(p string) bool { return strings.HasPrefix(p, "/aktuelt/") })},
		{"page", "/nowhere", "matches nothing", 0},
		{"event", "Video*", "matches one", len(only(week, func(a act) bool { return a.kind == hit.Event && !a.missing() }))},
		{"outlink", "https://www.nav.no/*", "", -1},
	} {
		page := b.get("/sites/1/goals?lang=en&"+url.Values{"kind": {c.kind}, "pattern": {c.pattern}}.Encode(), "Accept-Language", "en")
		page.want(http.StatusOK)
		said := page.text("#new-goal [role=status]")
		times := "never"
		if c.times == 1 {
			times = "once"
		} else if c.times > 1 {
			times = nb().Number(int64(c.times)) + " times"
		}
		if c.times >= 0 && (!strings.Contains(said, c.want) || !strings.Contains(said, times)) {
			t.Errorf("%s %s: %q, want %q, %s", c.kind, c.pattern, said, c.want, times)
		}
	}
	stored := func() []site.Goal {
		s, err := b.store.Site(t.Context(), one.ID)
		if err != nil {
			t.Fatal(err)
		}
		return s.Goals
	}
	for _, c := range []struct{ kind, pattern, goal, problem string }{
		{"page", "takk", "Takk", "wrong-pattern"},
		{"page", "/takk", strings.Repeat("x", 101), "wrong-name"},
		{"search", "x", "Takk", "wrong-pattern"},
		{"page", "/sak/15076500565", "Takk", "wrong-pattern"},
		{"page", "/takk", "Svar til kari@example.org", "wrong-name"},
		{"page", "/takk", "", ""},
	} {
		page := b.post("/sites/1/settings/goals", url.Values{"kind": {c.kind}, "pattern": {c.pattern}, "goal": {c.goal}, "period": {"28d"}})
		if c.problem != "" && page.Find("#"+c.problem).Length() != 1 || page.Find("#goal-pattern").AttrOr("value", "") != c.pattern || len(stored()) != 0 {
			t.Errorf("%+v: %q, goals %v", c, page.text("#new-goal"), stored())
		}
	}
	page := b.post("/sites/1/settings/goals", url.Values{"kind": {"section"}, "pattern": {" /kurs/ "}, "goal": {" Pa\u030amelding "}})
	page.want(http.StatusOK)
	goals := stored()
	if len(goals) != 1 || goals[0].Name != "Påmelding" || goals[0].Pattern != "/kurs/*" || goals[0].Kind != hit.Pageview || !strings.Contains(page.text("#named"), "Påmelding") {
		t.Fatalf("goals are %+v, the page says %q", goals, page.text("#named"))
	}
	if page := b.post("/sites/1/settings/goals", url.Values{"kind": {"page"}, "pattern": {"/x"}, "goal": {"Påmelding"}}); page.Find("#wrong-name").Length() != 1 || len(stored()) != 1 {
		t.Errorf("a second goal of the same name: %q", page.text("#new-goal"))
	}
	for range 2 { // the second time it is gone already
		b.post("/sites/1/settings/goals/remove", url.Values{"goal": {"Påmelding"}}).want(http.StatusOK)
	}
	if len(stored()) != 0 {
		t.Errorf("goals are %+v, want none", stored())
	}
}
