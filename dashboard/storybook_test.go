package dashboard

import (
	"fmt"
	"html/template"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"text/template/parse"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
)

// state is a page as somebody may come to see it.
type state struct {
	name, page string
	data       any
	stranger   bool // nobody is logged in
}

// states are all states of all pages.
func states(l *i18n.Language) []state {
	all := []state{
		{"log in", "login", loginForm{Next: "/"}, true},
		{"log in first", "login", loginForm{Next: "/", New: true}, true},
		{"log in failed", "login", loginForm{Name: "kari", Failed: true}, true},
		{"log in throttled", "login", loginForm{Name: "kari", Wait: time.Minute}, true},
		{"setup", "setup", setupForm{Token: "t", New: newPassword{MinLength: 12}}, true},
		{"setup refused", "setup", setupForm{Token: "t", Problem: "users.badName", New: newPassword{12, "password.short"}}, true},
		{"no sites", "sites", sitesPage{}, false},
		{"sites not given", "sites", sitesPage{NotGiven: true}, false},
		{"sites", "sites", sitesPage{Sites: []siteLine{
			newSiteLine(l, aSite, someDays(func(i int) int64 { return int64(i) })),
			newSiteLine(l, aSite, someDays(func(i int) int64 { return int64(14 - i) })),
			newSiteLine(l, aSite, someDays(func(int) int64 { return 5 })),
			newSiteLine(l, aSite, someDays(func(int) int64 { return 0 })),
		}}, false},
	}
	for _, query := range []string{today, sevenDays, thirtyDays, month, twelveMonths, custom} {
		all = append(all, state{"site " + query, "site", someFigures(query).page(l, tables, shortTable), false})
	}
	empty := someFigures(custom)
	empty.sums, empty.before, empty.lines, empty.empty, empty.everHadTraffic = report.Sums{}, report.Sums{}, nil, true, true
	all = append(all, state{"site without visits in the period", "site", empty.page(l, tables, shortTable), false})
	empty.everHadTraffic = false
	never := empty.page(l, tables, shortTable)
	all = append(all, state{"site without a visit or a snippet", "site", never, false})
	never.Snippet, never.Statement = "<script></script>", "/privacy/1"
	never.Drops = dropLines(l, []hit.Drop{
		{LedgerEntry: hit.LedgerEntry{Day: 20779, Reason: hit.ForeignHost, Name: "kopi.example <b>", Count: 1000}, Last: calendar.Day(20779).Time()},
		{LedgerEntry: hit.LedgerEntry{Day: 20779, Reason: hit.Objection, Count: 1}},
	}, aSite.Location)
	all = append(all, state{"site without a visit", "site", never, false})
	filtered := someFigures(sevenDays)
	filtered.filters = []report.Filter{{Dimension: "region", Value: "NO-50"}, {Dimension: "page", Value: "/a", Prefix: true}, {Dimension: "os", Not: true}}
	all = append(all, state{"site with filters", "site", filtered.page(l, tables, shortTable), false},
		state{"table with filters", "table", filtered.page(l, tables[:1], longTable), false})
	bare := someFigures(sevenDays)
	bare.lines = nil
	all = append(all, state{"site without lines", "site", bare.page(l, tables, shortTable), false})
	minimal := someFigures(sevenDays)
	minimal.lines = map[string]report.Result{"os": {Lines: []report.Line{{Now: minimal.sums}}}, "device": {Lines: []report.Line{{Now: minimal.sums}}}}
	all = append(all, state{"site of which less is known", "site", minimal.page(l, tables, shortTable), false},
		state{"table of which nothing is known", "table", minimal.page(l, []tableSpec{{dimension: "os"}}, longTable), false})
	for _, spec := range tables {
		all = append(all, state{"table " + spec.dimension, "table", someFigures(thirtyDays).page(l, []tableSpec{spec}, longTable), false})
		all = append(all, state{"empty table " + spec.dimension, "table", bare.page(l, []tableSpec{spec}, longTable), false})
	}
	all = append(all, accountStates()...)
	for _, p := range problems {
		all = append(all, state{"problem " + p.code, "problem", p.code, true})
	}
	return all
}

// accountStates are the states of the pages about users.
func accountStates() []state {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	sessions := []sessionLine{{"id", "kari <b>", now, now, true}, {"other", "ola", now, now, false}}
	sites := []siteChoice{{1, "Arne & Åse <AS>", true}, {2, "Two", false}}
	users := usersPage{
		Users: []userLine{
			{"kari <b>", "/admin/users?name=kari", true, true, nil, 2}, {"ola", "/admin/users?name=ola", false, false, []string{"One", "Two"}, 0},
			{"per", "/admin/users?name=per", false, false, nil, 0},
		},
		Form: userForm{All: true, Sites: sites, New: newPassword{MinLength: 12}},
	}
	refused := users
	refused.Form = userForm{Name: "ola", Admin: true, Problem: "users.exists", Sites: sites, New: newPassword{12, "password.common"}}
	all := []state{
		{"account", "account", accountPage{Name: "kari", Admin: true, All: true, Sessions: sessions}, false},
		{"account of a viewer", "account", accountPage{Name: "kari", Sites: []string{"One"}, Sessions: sessions, Done: "password"}, false},
		{"account of a viewer of nothing", "account", accountPage{Name: "kari", Done: "sessions"}, false},
		{"account with a wrong password", "account", accountPage{Name: "kari", Problem: "password.wrong"}, false},
		{"account with wrong passwords", "account", accountPage{Name: "kari", Problem: "password.wait", Wait: time.Minute}, false},
		{"account with a wrong password below", "account", accountPage{Name: "kari", EndWrong: "password.wrong"}, false},
		{"account with wrong passwords below", "account", accountPage{Name: "kari", EndWrong: "password.wait", Wait: time.Minute}, false},
		{"account with a bad password", "account", accountPage{Name: "kari", New: newPassword{12, "password.differ"}}, false},
		{"account with the same password", "account", accountPage{Name: "kari", New: newPassword{12, "password.same"}}, false},
		{"user with sites of an admin", "user", userForm{Name: "kari", SitesProblem: "users.adminSites", Sites: sites}, false},
		{"user with a site that is gone", "user", userForm{Name: "kari", SitesProblem: "users.noSite", Sites: sites}, false},
		{"users", "users", users, false},
		{"users refused", "users", refused, false},
		{"user", "user", userForm{Name: "kari", Admin: true, Sites: sites, New: newPassword{MinLength: 12}}, false},
		{"user refused", "user", userForm{Name: "kari", Problem: "users.lastAdmin", Confirm: true, Sites: sites}, false},
		{"user with other sites refused", "user", userForm{Name: "kari", SitesProblem: "users.allOrSome", Sites: sites}, false},
		{"sessions", "sessions", sessionsPage{Sessions: sessions}, false},
		{"session gone", "sessions", sessionsPage{Gone: true}, false},
		{"no audit log", "audit", auditPage{}, false},
		{"audit log", "audit", auditPage{Lines: []auditLine{{now, "page", "kari <b>", "logged in", "", 1}}, Older: "/admin/audit?before=x", Newer: true}, false},
	}
	for _, done := range []string{"added", "rights", "password", "sessions", "removed"} {
		page := users
		page.Done = "users.done." + done
		all = append(all, state{"users " + done, "users", page, false}, state{"user " + done, "user", userForm{Name: "kari", Done: page.Done}, false})
	}
	for _, problem := range []string{"users.badName", "users.exists", "password.short", "password.common", "password.differ"} {
		all = append(all, state{"user: " + problem, "user", userForm{Name: "kari", New: newPassword{12, problem}}, false})
	}
	return all
}

var aSite = site.Site{ID: 1, Name: "Arne & Åse <AS>", Hosts: []string{"www.example.org"}, Location: time.UTC}

func someDays(visitors func(int) int64) (days [14]int64) {
	for i := range days {
		days[i] = visitors(i)
	}
	return days
}

// sumsOf returns sums of some measures.
func sumsOf(measures map[string]int64) (s report.Sums) {
	for i, m := range report.Measures {
		s[i] = measures[m.Key]
	}
	return s
}

// someFigures are figures with a line of every sort in every table.
func someFigures(name string) *figures {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	query := map[string][]string{"period": {name}}
	if name == custom {
		query["from"], query["to"] = []string{"2026-10-01"}, []string{"2026-10-03"}
	}
	p, err := parsePeriod(query, now)
	if err != nil {
		panic(err)
	}
	q := question{site: aSite, period: p, now: now}
	f := &figures{
		question: q, keys: figureKeys, chartKeys: q.chartMeasures(), step: p.step(),
		sums:   sumsOf(map[string]int64{"visitors": 100, "visits": 120, "pageviews": 300, "bounces": 40, "seconds": 9000, "events": 9}),
		before: sumsOf(map[string]int64{"visitors": 100, "visits": 130, "pageviews": 200, "bounces": 50, "seconds": 1000}),
		lines:  map[string]report.Result{}, details: map[string]report.Result{},
	}
	start := p.span.From.Time()
	for i := range 24 {
		f.points = append(f.points, report.Point{At: start.Add(time.Duration(i) * time.Hour), Sums: sumsOf(map[string]int64{"visitors": int64(i)})})
	}
	f.pointsBefore = f.points[:20]
	for _, spec := range tables {
		d, _ := report.FindDimension(spec.dimension)
		shown, below := report.Result{Lines: []report.Line{{Now: f.sums}, {Value: hit.Others, Now: f.sums}}, Next: "more"}, report.Result{}
		for i := range 20 {
			line := report.Line{Value: fmt.Sprint("value ", i), Now: sumsOf(map[string]int64{"visitors": 1, "visits": 1, "pageviews": 1})}
			below.Lines = append(below.Lines, report.Line{Value: line.Value, Detail: "one", Now: line.Now})
			if d.Detail != "" {
				line.Detail = "detail"
			}
			shown.Lines = append(shown.Lines, line)
		}
		f.lines[spec.dimension] = shown
		if spec.opens != "" {
			f.details[spec.opens] = below
		}
	}
	f.excluded = []hit.LedgerEntry{
		{Reason: "bot", Rule: "crawler", Name: "Googlebot", Count: 30}, {Reason: "prefetch", Count: 2}, {Reason: "bot", Rule: "new", Name: "<b>", Count: 1},
	}
	return f
}

// TestStorybook renders every state of every page in every language, and fails
// if a branch of a template is never taken.
func TestStorybook(t *testing.T) {
	assets, err := loadAssets()
	if err != nil {
		t.Fatal(err)
	}
	taken := map[string]bool{} // by place in a template
	for _, l := range i18n.All() {
		pages, err := readPages(l, assets)
		if err != nil {
			t.Fatal(err)
		}
		for name, page := range pages {
			watch(t, page, name, taken)
		}
		r := renderer{pages: map[string]map[string]*template.Template{l.Tag: pages}}
		for _, s := range states(l) {
			t.Run(l.Tag+"/"+s.name, func(t *testing.T) {
				v := view{Lang: l, Page: s.data, Other: []languageLink{{"xx", "Other", "/?lang=xx"}}}
				if !s.stranger {
					v.User, v.Admin, v.Attribution = "kari", true, &attribution{"Regions", "https://example.org"}
				}
				if s.name == "sites" {
					v.Attribution.URL = ""
				}
				body, err := r.page(l, s.page, v)
				if err != nil {
					t.Fatal(err)
				}
				checkHTML(t, l, string(body))
			})
		}
	}
	for _, place := range slices.Sorted(maps.Keys(taken)) {
		if !taken[place] {
			t.Errorf("never rendered: %s", place)
		}
	}
}

// watch puts a note into every branch of a page's templates.
func watch(t *testing.T, page *template.Template, name string, taken map[string]bool) {
	t.Helper()
	page.Funcs(template.FuncMap{
		"taken": func(place string) template.HTMLAttr { taken[place] = true; return "" },
	})
	for _, part := range page.Templates() {
		if part.Tree != nil && !strings.HasSuffix(part.Name(), ".html") { // a file holds definitions
			note(t, part.Tree, part.Tree.Root, taken)
		}
	}
}

// note adds {{taken "place"}} to a list of nodes and to the lists within it.
func note(t *testing.T, tree *parse.Tree, list *parse.ListNode, taken map[string]bool) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.IfNode:
			note(t, tree, n.List, taken)
			note(t, tree, n.ElseList, taken)
		case *parse.WithNode:
			note(t, tree, n.List, taken)
			note(t, tree, n.ElseList, taken)
		case *parse.RangeNode:
			note(t, tree, n.List, taken)
			note(t, tree, n.ElseList, taken)
		}
	}
	place := fmt.Sprintf("%s: %.60q", tree.Name, list.String())
	taken[place] = false
	added, err := parse.Parse("note", fmt.Sprintf("{{taken %q}}", place), "", "", map[string]any{"taken": fmt.Sprint})
	if err != nil {
		t.Fatal(err)
	}
	list.Nodes = append(slices.Clone(added["note"].Root.Nodes), list.Nodes...)
}

// checkHTML checks what holds for every page: nothing inline, so the content
// security policy breaks nothing, and what aids such as screen readers need.
func checkHTML(t *testing.T, l *i18n.Language, body string) {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	doc.Find("*").Each(func(_ int, s *goquery.Selection) {
		for _, attr := range s.Nodes[0].Attr {
			if attr.Key == "style" || strings.HasPrefix(attr.Key, "on") || strings.HasPrefix(attr.Val, "javascript:") {
				t.Errorf("<%s %s=%q> is against the policy", goquery.NodeName(s), attr.Key, attr.Val)
			}
			if strings.Contains(attr.Val, "ZgotmplZ") {
				t.Errorf("<%s %s=%q> was escaped away", goquery.NodeName(s), attr.Key, attr.Val)
			}
		}
	})
	if n := doc.Find("style, script:not([src]):not([type='application/json']), iframe, object").Length(); n > 0 {
		t.Errorf("%d inline scripts, style sheets or frames", n)
	}
	doc.Find("[src], link[href]").Each(func(_ int, s *goquery.Selection) {
		if address := s.AttrOr("src", s.AttrOr("href", "")); !strings.HasPrefix(address, "/assets/") {
			t.Errorf("the page loads %q", address)
		}
	})
	if got := doc.Find("html").AttrOr("lang", ""); got != l.Tag {
		t.Errorf("lang = %q, want %q", got, l.Tag)
	}
	if doc.Find("h1").Length() != 1 || doc.Find("main").Length() != 1 || strings.HasPrefix(doc.Find("title").Text(), " ") {
		t.Errorf("headings %q, title %q: want one heading, one main part and a title", doc.Find("h1").Text(), doc.Find("title").Text())
	}
	ids := map[string]bool{}
	doc.Find("[id]").Each(func(_ int, s *goquery.Selection) {
		id := s.AttrOr("id", "")
		if ids[id] {
			t.Errorf("id %q twice", id)
		}
		ids[id] = true
	})
	doc.Find("[aria-labelledby], [aria-describedby]").Each(func(_ int, s *goquery.Selection) {
		if id := s.AttrOr("aria-labelledby", s.AttrOr("aria-describedby", "")); !ids[id] {
			t.Errorf("no element %q to name another", id)
		}
	})
	doc.Find("input:not([type=hidden])").Each(func(_ int, s *goquery.Selection) {
		if doc.Find("label[for='"+s.AttrOr("id", "")+"']").Length() != 1 {
			t.Errorf("input %q has no label", s.AttrOr("name", ""))
		}
	})
	doc.Find("a, button, summary").Each(func(_ int, s *goquery.Selection) {
		if strings.TrimSpace(s.Text()) == "" && s.AttrOr("aria-label", "") == "" {
			html, _ := goquery.OuterHtml(s)
			t.Errorf("no name for %s", html)
		}
	})
	if n := doc.Find("svg:not([aria-hidden=true]), th:not([scope])").Length(); n > 0 {
		t.Errorf("%d drawings that are read out, or headings of tables without a scope", n)
	}
}

// TestErrorCodes: docs/dashboard.md has the status and the code of each error of the API.
func TestErrorCodes(t *testing.T) {
	docs, err := os.ReadFile("../docs/dashboard.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if line := fmt.Sprintf("\n| %d | `%s` |", p.status, p.code); !strings.Contains(string(docs), line) && p != deadLink { // a page alone says that
			t.Errorf("docs/dashboard.md lacks %q", line)
		}
	}
}

func TestDropsShowHostsAsPeopleReadThem(t *testing.T) {
	named := func(name string) hit.Drop { return hit.Drop{LedgerEntry: hit.LedgerEntry{Name: name}} }
	lines := dropLines(i18n.Find("en"), []hit.Drop{named("www.xn--blbr-roah.no"), named("[token].xn--blbr-roah.no"), named("Googlebot")}, time.UTC)
	for i, want := range []string{"www.blåbær.no", "[token].blåbær.no", "Googlebot"} {
		if lines[i].Name != want {
			t.Errorf("%q, want %q", lines[i].Name, want)
		}
	}
}
