package dashboard_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/internal/chromium"
	"github.com/fotspor/fotspor/site"
)

// saved returns the saved views on the page under a heading, with where they lead.
func (a *answer) saved(heading string) []string {
	var all []string
	list := a.Find("section[aria-labelledby=" + heading + "-title] li")
	for i := range list.Length() {
		p := list.Eq(i).Find("p")
		what := clean(p.Eq(1).Contents().First().Text())
		what, _, _ = strings.Cut(strings.TrimSuffix(what, " ·"), " · kari, ") // who, and when by the store's clock
		all = append(all, clean(p.Eq(0).Text())+": "+what+" "+p.Eq(0).Find("a").AttrOr("href", ""))
	}
	return all
}

// save follows the link of a page that saves it, and fills in the form.
func (b *bench) save(page, name string, fields ...string) *answer {
	b.Helper()
	form := b.get(b.get(page).Find(".formats a[href*='/views?']").AttrOr("href", ""))
	values := url.Values{"title": {name}}
	for _, key := range fields {
		if form.Find("input[name="+key+"]").Length() != 1 {
			b.Fatalf("%s: the form has no field %s", page, key)
		}
		values.Set(key, "1")
	}
	return b.post(form.Find("form.write").AttrOr("action", ""), values)
}

// TestViewsAreSaved: a page is saved as it is, says what it is, and leads to the same again. The
// last period of a kind stays the last one if that is wanted, all other days stay.
func TestViewsAreSaved(t *testing.T) {
	b := newBench(t)
	s := b.addSite("One", "one.example", "Europe/Oslo")
	put(t, b.store, "story", rowsOf(s, tell(1, s, calendar.DayOf(moment)-60, calendar.DayOf(moment), 8, moment)))
	b.as("kari", site.Viewer)
	for _, c := range []struct {
		page   string
		latest bool
		what   string
		want   string // where the view leads
	}{
		{"/sites/1", true, "Overview · the last whole week", "/sites/1?period=week"},
		{"/sites/1?period=week&at=2026-W46", false, "Overview · week 46 (9–15 November 2026)", "/sites/1?at=2026-W46&period=week"},
		{"/sites/1/sources?period=28d&f=region:NO-50&f=!country:NO&compare=year", true, "Channels and sources · the last 28 days · with the year before · Region: Trøndelag · Country, not: Norway",
			"/sites/1/sources?compare=year&f=region%3ANO-50&f=%21country%3ANO&period=28d"},
		{"/sites/1/pages?period=28d&columns=pageviews,exits&sort=-exits&q=aktuelt&after=e30", false, "All pages · search for “aktuelt” · 25 October – 21 November 2026",
			"/sites/1/pages?at=2026-11-21&columns=pageviews%2Cexits&period=28d&q=aktuelt&sort=-exits"},
		{"/sites/1/page?path=/om-oss&period=range&from=2026-11-02&to=2026-11-04", false, "Page · /om-oss · 2–4 November 2026", "/sites/1/page?from=2026-11-02&path=%2Fom-oss&period=range&to=2026-11-04"},
		{"/sites/1/ways?from=/om-oss&period=range&from=2026-11-02&to=2026-11-04", false, "From page to page · /om-oss · 2–4 November 2026", "/sites/1/ways?from=2026-11-02&from=%2Fom-oss&period=range&to=2026-11-04"},
		{"/sites/1/compare?path=/om-oss&path=/kontakt&period=month&at=2026-10", true, "Comparison · /om-oss · /kontakt · the last whole month", "/sites/1/compare?path=%2Fom-oss&path=%2Fkontakt&period=month"},
		{"/sites/1/hours?period=today", false, "When in the week · today", "/sites/1/hours?period=today"},
	} {
		var fields []string
		if c.latest {
			fields = []string{"latest"}
		}
		page := b.save(c.page, "Name", fields...)
		page.want(http.StatusOK)
		if diff := cmp.Diff([]string{"Name: " + c.what + " " + c.want}, page.saved("own")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.page, diff)
		}
		if got := page.text(".notice"); got != "The view is saved." {
			t.Errorf("%s: the page says %q", c.page, got)
		}
		before, after := b.get(c.page), b.get(c.want)
		if after.status != http.StatusOK || after.text("h1") != before.text("h1") || after.text("thead") != before.text("thead") || after.text(".chips") != before.text(".chips") {
			t.Errorf("%s leads to %s, %q", c.page, c.want, after.text("h1"))
		}
		views, err := b.store.Views(t.Context(), 1, "kari")
		if err != nil || len(views) != 1 {
			t.Fatalf("views %+v, %v", views, err)
		}
		b.post("/sites/1/views/remove", url.Values{"view": {fmt.Sprint(views[0].ID)}}).want(http.StatusOK)
	}

	// A week later the last week is another one.
	b.save("/sites/1", "Weekly", "latest")
	b.save("/sites/1", "Fixed")
	b.now = b.now.AddDate(0, 0, 7)
	b.in("kari", userPass)
	page := b.get("/sites/1/views")
	want := []string{"Fixed: Overview · week 46 (9–15 November 2026) /sites/1?at=2026-W46&period=week", "Weekly: Overview · the last whole week /sites/1?period=week"}
	if diff := cmp.Diff(want, page.saved("own")); diff != "" {
		t.Errorf("a week later (-want +got):\n%s", diff)
	}
	if got := b.get("/sites/1?period=week").text(".period strong"); got != "Week 47" {
		t.Errorf("the last week is %q", got)
	}
}

// TestListIsSaved: the list of sites is saved with its search, folder and sorting, by each user
// alone, and is no view of a site.
func TestListIsSaved(t *testing.T) {
	b := newBench(t)
	for id, name := range []string{"Museum", "Bad", "Teater"} {
		s := b.addSite(name, strings.ToLower(name)+".example", "Europe/Oslo")
		if _, err := b.store.ChangeSite(t.Context(), uint32(id+1), func(s *site.Site) error {
			if name != "Bad" {
				s.Tags = []string{"Kultur"}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		put(t, b.store, name, rowsOf(s, tell(uint64(s.ID), s, calendar.DayOf(moment)-60, calendar.DayOf(moment), 8, moment)))
	}
	b.as("kari", site.Editor)
	const list = "/?period=28d&tag=Kultur&q=e&sort=-name&f=region:NO-50&after=1"
	if form := b.get(b.get(list).Find(".formats a[href*='/views?']").AttrOr("href", "")); form.Find("[name=shared]").Length() != 0 || form.Find(".rail").Length() != 0 {
		t.Error("the list can be shared, or its saved views are framed as of a site")
	}
	page := b.save(list, "Kultur", "latest")
	page.want(http.StatusOK)
	const to = "/?period=28d&q=e&sort=-name&tag=Kultur"
	want := []string{"Kultur: Sites · Kultur · search for “e” · the last 28 days " + to}
	if diff := cmp.Diff(want, page.saved("own")); diff != "" {
		t.Errorf("saved (-want +got):\n%s", diff)
	}
	if got := b.get(to).text(".sites tbody"); !strings.Contains(got, "Teater") || strings.Contains(got, "Bad") || strings.Index(got, "Teater") > strings.Index(got, "Museum") {
		t.Errorf("the view leads to %q", got)
	}
	if got := b.get("/").Find(".formats a[href^='/views']"); got.Length() != 2 {
		t.Errorf("the list leads to its views by %d links, want 2", got.Length())
	}
	if got := b.get("/sites/1/views").saved("own"); len(got) != 0 {
		t.Errorf("a site has the views of the list: %q", got)
	}
	for path, status := range map[string]int{"/views?of=/pages": http.StatusBadRequest, "/views?of=/&tag=ola.nordmann@example.org": http.StatusUnprocessableEntity} {
		b.post(path, url.Values{"title": {"x"}, "shared": {"1"}}).want(status)
	}
	b.post("/views?of=/", url.Values{"title": {"Alle"}, "shared": {"1"}}).want(http.StatusOK)
	b.as("per", site.Admin)
	if got := b.get("/views"); len(got.saved("own"))+len(got.saved("shared")) != 0 {
		t.Errorf("another sees %q and %q", got.saved("own"), got.saved("shared"))
	}
	b.in("kari", userPass)
	views, err := b.store.Views(t.Context(), 0, "kari")
	if err != nil || len(views) != 2 {
		t.Fatalf("views %+v, %v", views, err)
	}
	for _, v := range views {
		if v.Shared {
			t.Errorf("%s is shared", v.Name)
		}
		b.post("/views/remove", url.Values{"view": {fmt.Sprint(v.ID)}}).want(http.StatusOK)
	}
	if got := b.get("/views").saved("own"); len(got) != 0 {
		t.Errorf("after they were removed there are %q", got)
	}
}

// TestViewsAreChanged: a name is changed and a view removed without a script; what is wrong is said
// beside the field and what was typed is kept; the audit log has each change and no name.
func TestViewsAreChanged(t *testing.T) {
	b := newBench(t)
	s := b.addSite("One", "one.example", "Europe/Oslo")
	put(t, b.store, "story", rowsOf(s, tell(1, s, calendar.DayOf(moment)-20, calendar.DayOf(moment), 3, moment)))
	b.as("kari", site.Editor)
	b.save("/sites/1/pages?period=28d", "Sider", "latest").want(http.StatusOK)
	for name, problem := range map[string]string{
		" \n ": "Write a name.", strings.Repeat("å", 61): "too long", "a\x00b": "can’t be shown", "Ola 91 23 45 67": "Ola [phone]", "Sider": "another",
	} {
		page := b.save("/sites/1/pages?period=28d&sort=-exits", name, "latest")
		if page.status != http.StatusUnprocessableEntity || !strings.Contains(page.text("#wrong-title"), problem) || page.Find("#view-title").AttrOr("aria-describedby", "") != "wrong-title" {
			t.Errorf("%q: status %d, %q, want %q", name, page.status, page.text("#wrong-title"), problem)
		}
		if got := page.Find("#view-title").AttrOr("value", ""); got != strings.ReplaceAll(name, "\x00", "\ufffd") {
			t.Errorf("%q was typed, and is %q now", name, got)
		}
	}
	for _, personal := range []string{
		"pages?q=ola.nordmann@example.org", "pages?period=28d&f=page:/bruker/ola@example.org", "pages?f=entry:/x/02013299997", "sources?f=campaign:ola@example.org",
		"sources?f=search:ola@example.org", "page?path=/bruker/ola@example.org", "campaign?name=ola@example.org",
	} {
		if page := b.save("/sites/1/"+personal, "Søk"); page.status != http.StatusUnprocessableEntity || !strings.Contains(page.text("#wrong-title"), "personal data") {
			t.Errorf("%s: %d, %q", personal, page.status, page.text("#wrong-title"))
		}
	}
	many := "/sites/1/pages?"
	for i := range 20 {
		many += fmt.Sprintf("f=page:/%d%s&", i, strings.Repeat("a", 300))
	}
	if page := b.save(many, "Mange"); page.status != http.StatusUnprocessableEntity || !strings.Contains(page.text("#wrong-title"), "too long filters") {
		t.Errorf("a long address: %d, %q", page.status, page.text("#wrong-title"))
	}

	page := b.get("/sites/1/views")
	edit := page.Find(".written a[href*='view=']").AttrOr("href", "")
	form := b.get(edit)
	id := form.Find("input[name=view]").AttrOr("value", "")
	action, remove := form.Find("form.write").AttrOr("action", ""), form.Find("button[formaction]").AttrOr("formaction", "")
	if got := form.Find("#view-title").AttrOr("value", ""); got != "Sider" || form.Find("#view-latest").Length() != 0 {
		t.Errorf("the form has the name %q", got)
	}
	page = b.post(action, url.Values{"view": {id}, "title": {"  Alle   sider "}, "shared": {"1"}})
	if diff := cmp.Diff([]string{"Alle sider: All pages · the last 28 days /sites/1/pages?period=28d"}, page.saved("shared")); diff != "" || len(page.saved("own")) != 0 {
		t.Errorf("renamed and shared (-want +got):\n%s", diff)
	}
	page = b.post(remove, url.Values{"view": {id}})
	if got := page.text(".notice"); len(page.saved("shared")) != 0 || got != "The view is deleted." {
		t.Errorf("after the removal: %q", got)
	}
	b.post(remove, url.Values{"view": {id}}).want(http.StatusOK)
	b.post(remove, url.Values{"view": {"x"}}).want(http.StatusBadRequest)
	b.get(edit).want(http.StatusNotFound)
	b.as("boss", site.Admin)
	log := strings.Join(b.audit(), "\n")
	for action, times := range map[string]int{"added": 1, "changed": 1, "removed": 1} {
		if got := strings.Count(log, "view "+action); got != times {
			t.Errorf("the audit log has %d views %s, want %d:\n%s", got, action, times, log)
		}
	}
	if strings.Contains(log, "Sider") || strings.Contains(log, "sider") {
		t.Error("the audit log has what was typed")
	}
}

// TestNothingElseIsSaved: with any address of the form, a view leads to a page of
// figures of its own site with that page's parameters; so does any view that a store holds.
func TestNothingElseIsSaved(t *testing.T) {
	b := newBench(t)
	b.addSite("One", "one.example", "Europe/Oslo")
	b.as("kari", site.Viewer)
	title := url.Values{"title": {"x"}, "latest": {"1"}}
	for query, status := range map[string]int{
		"": 400, "?of=//evil.example": 400, "?of=https://evil.example": 400, "?of=/settings": 400, "?of=/../../admin/users": 400, "?of=/views": 400, "?of=/pages?x=1": 400,
		"?of=/pages&period=never": 400, "?of=/pages&f=nothing:x": 400,
	} {
		if page := b.post("/sites/1/views"+query, title); page.status != status {
			t.Errorf("%s: status %d, want %d", query, page.status, status)
		}
	}
	const address = "/sites/1/views?of=/pages&next=//evil.example&token_auth=secret&lang=x&fd=page&fv=a&of=/x&done=added&sort="
	b.post(address+"visits%0d%0aLocation:x", title).want(http.StatusUnprocessableEntity)
	b.post(address+"visits", title).want(http.StatusOK)
	if diff := cmp.Diff([]string{"x: All pages · the last whole week /sites/1/pages?period=week&sort=visits"}, b.get("/sites/1/views").saved("own")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i, v := range []site.View{{Page: "//evil.example"}, {Page: "/pages", Query: "f=nothing%3A1"}, {Page: "/settings"}, {Page: "/pages", Query: "period=week&next=x&lang=nn"}} {
		v.Site, v.Owner, v.Name = 1, "kari", fmt.Sprintf("y%d", i)
		if err := b.store.PutView(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.store.PutView(t.Context(), site.View{Site: 1, Owner: "kari", Name: "z", Page: "/pages", Query: "%zz"}); err == nil {
		t.Error("the store takes a view whose address can't be read")
	}
	want := []string{"x: All pages · the last whole week /sites/1/pages?period=week&sort=visits"}
	for i := range 3 {
		want = append(want, fmt.Sprintf("y%d: There is no such page any more. ", i))
	}
	want = append(want, "y3: All pages · the last whole week /sites/1/pages?period=week")
	if diff := cmp.Diff(want, b.get("/sites/1/views").saved("own")); diff != "" {
		t.Errorf("what a store holds (-want +got):\n%s", diff)
	}
}

// TestWhoseViews: a viewer saves views for themselves alone; those of others are not there, also
// not by their numbers; shared ones are changed by editors; and whoever loses a site loses them.
func TestWhoseViews(t *testing.T) {
	b := newBench(t)
	b.addSite("One", "one.example", "Europe/Oslo")
	b.addSite("Two", "two.example", "Europe/Oslo")
	save := func(title string, shared bool) {
		t.Helper()
		form := url.Values{"title": {title}}
		if shared {
			form.Set("shared", "1")
		}
		b.post("/sites/1/views?of=/", form).want(http.StatusOK)
	}
	names := func(path string) string {
		t.Helper()
		page := b.get(path)
		var all []string
		for _, list := range []string{"own", "shared"} {
			for _, line := range page.saved(list) {
				name, _, _ := strings.Cut(line, ":")
				all = append(all, list+" "+name)
			}
		}
		return strings.Join(all, ", ")
	}
	clients := map[string]*http.Client{}
	for name, role := range map[string]site.Role{"ola": site.Viewer, "per": site.Viewer, "kari": site.Editor, "boss": site.Admin} {
		b.as(name, role)
		clients[name] = b.client
		save("of "+name, false)
		save("by "+name, true)
	}
	for name, want := range map[string]string{
		"ola": "own by ola, own of ola, shared by boss, shared by kari", "kari": "own of kari, shared by boss, shared by kari", "boss": "own of boss, shared by boss, shared by kari",
	} {
		b.client = clients[name]
		if got := names("/sites/1/views"); got != want {
			t.Errorf("%s sees %s, want %s", name, got, want)
		}
		if got := names("/sites/2/views"); got != "" {
			t.Errorf("%s sees %s of another site", name, got)
		}
	}
	id := func(user, name string) string {
		t.Helper()
		views, err := b.store.Views(t.Context(), 1, user)
		i := slices.IndexFunc(views, func(v site.View) bool { return v.Name == name })
		if err != nil || i < 0 {
			t.Fatalf("view %s of %s: %+v, %v", name, user, views, err)
		}
		return fmt.Sprint(views[i].ID)
	}
	for _, c := range []struct {
		user, id string
		status   int
	}{
		{"ola", id("per", "of per"), 404}, {"ola", id("kari", "by kari"), 404}, {"boss", id("ola", "of ola"), 404}, {"kari", id("boss", "by boss"), 200}, {"ola", id("ola", "of ola"), 200},
	} {
		b.client = clients[c.user]
		for how, page := range map[string]*answer{
			"the form": b.get("/sites/1/views?view=" + c.id), "a change": b.post("/sites/1/views", url.Values{"view": {c.id}, "title": {"hers " + c.user}, "shared": {"1"}}),
		} {
			if page.status != c.status {
				t.Errorf("%s by %s: status %d, want %d", how, c.user, page.status, c.status)
			}
		}
		status := b.post("/sites/2/views", url.Values{"view": {c.id}, "title": {"x"}}).status
		if status != 404 {
			t.Errorf("changed by %s as one of another site: %d", c.user, status)
		}
		want := map[int]int{404: 404, 200: 200}[c.status]
		if c.user == "boss" { // it is none that boss sees, so there is nothing to remove
			want = 200
		}
		if c.user == "ola" && c.id == id("per", "of per") {
			want = 200
		}
		if got := b.post("/sites/1/views/remove", url.Values{"view": {c.id}}).status; got != want {
			t.Errorf("removed by %s: %d, want %d", c.user, got, want)
		}
	}
	b.client = clients["ola"]
	if got := names("/sites/1/views"); got != "own by ola, shared by kari" { // that of boss was removed by kari
		t.Errorf("ola sees %s", got)
	}
	b.client = clients["per"]
	if got := names("/sites/1/views"); got != "own by per, own of per, shared by kari" {
		t.Errorf("per sees %s: others have removed them", got)
	}
	b.post("/sites/1/views?of=/", url.Values{"title": {"forged"}}, "Sec-Fetch-Site", "cross-site").want(http.StatusForbidden)

	if err := b.store.SetRights(t.Context(), "per", site.Viewer, true, []uint32{2}); err != nil {
		t.Fatal(err)
	}
	b.client = b.newClient()
	b.in("per", userPass)
	b.get("/sites/1/views").want(http.StatusNotFound)
	b.post("/sites/1/views?of=/", url.Values{"title": {"x"}}).want(http.StatusNotFound)
	if got := names("/sites/2/views"); got != "" {
		t.Errorf("per sees %s of a lost site", got)
	}
}

// TestViewsInBrowser: a person saves a filtered page, finds it from another page, opens it, and
// removes it, all by clicks.
func TestViewsInBrowser(t *testing.T) {
	b := newBench(t)
	s := b.addSite("Samvirke Norge", "www.samvirke.example", "Europe/Oslo")
	b.addSite("Fjordvik", "www.fjordvik.example", "Europe/Oslo")
	put(t, b.store, "story", rowsOf(s, tell(1, s, calendar.DayOf(moment)-40, calendar.DayOf(moment), 60, moment)))
	tab := openTabAs(b, site.Editor)
	r := reader{t, tab}
	tab.Ignore("422") // a name is refused
	// to clicks a link or button that leads to a page of another kind, which is loaded.
	to := func(text, wait string) {
		t.Helper()
		tab.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`%s("a, button", %q).setAttribute("data-to", "")`, sees, text)), chromedp.Click("[data-to]"), chromedp.WaitVisible(wait))
	}
	name := func(text, wait string) {
		t.Helper()
		tab.Do(chromedp.SetValue("#view-title", text), chromedp.Click("form.write .strong"), chromedp.WaitVisible(wait))
	}
	tab.Do(chromedp.Navigate(b.server.URL + "/sites/1"))
	r.click("28 dager", "Kilder", "Google")
	to("Lagre visningen", "#view-title")
	r.reads("Kanaler og kilder · siste 28 dager · Kilde: Google")
	shoot := func(name string) {
		t.Helper()
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{320, 390, 768, 1440} {
				chromium.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
				tab.Do(chromedp.EmulateViewport(width, 900))
				if over := ask[int](tab, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
					t.Errorf("%s is %d px too wide for a screen of %d px", name, over, width)
				}
				if dir := os.Getenv("FOTSPOR_SHOTS"); dir != "" && (width == 390 || width == 1440) {
					if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("views-%s-%d-%s.png", name, width, scheme)), chromium.Run(tab, chromedp.FullScreenshot(100)), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	name("Ola 91 23 45 67", "#wrong-title")
	r.reads("Ola [phone]")
	shoot("refused")
	name("Google i Trøndelag", ".notice")
	r.reads("Visningen er lagret.")
	to("Sider", ".period")
	to("Lagre visningen", "#view-title")
	name(strings.Repeat("Møtepressemeldingbudsjett", 4), ".notice")
	shoot("list")
	to("Oversikt", ".period")
	to("Lagrede visninger", "#own-title")
	to("Google i Trøndelag", ".chip")
	if chip := ask[string](tab, `document.querySelector(".chip").innerText`); !strings.Contains(chip, "Google") {
		t.Errorf("the saved view has the chip %q", chip)
	}
	shoot("opened")
	if got := ask[string](tab, `location.pathname + location.search`); got != "/sites/1/sources?f=source%3AGoogle&period=28d" {
		t.Errorf("the saved view leads to %s", got)
	}
	to("Lagrede visninger", "#own-title")
	tab.Do(chromedp.Click(`//li[contains(., "Google i Trøndelag")]//a[contains(., "Endre")]`), chromedp.WaitVisible(".chosen"))
	shoot("change")
	to("Slett", ".notice")
	r.reads("Visningen er slettet.")
	if got := ask[string](tab, `document.querySelector("section[aria-labelledby=own-title]").innerText`); strings.Contains(got, "Google i") {
		t.Errorf("after the removal: %s", got)
	}
}
