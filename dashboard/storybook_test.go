package dashboard

import (
	"context"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template/parse"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/race"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
)

// state is a page that shows no figures, as somebody may come to see it.
type state struct {
	name, page string
	data       any
	stranger   bool // nobody is logged in
}

// states are all states of the pages that show no figures.
func states() []state {
	all := []state{
		{"log in", "login", loginForm{Next: "/"}, true},
		{"log in first", "login", loginForm{Next: "/", New: true}, true},
		{"log in failed", "login", loginForm{Name: "kari", Failed: true}, true},
		{"log in throttled", "login", loginForm{Name: "kari", Wait: time.Minute}, true},
		{"setup", "setup", setupForm{Token: "t", New: newPassword{MinLength: 12}}, true},
		{"setup refused", "setup", setupForm{Token: "t", Problem: "users.badName", New: newPassword{12, "password.short"}}, true},
		{"no sites", "sites", sitesPage{None: true}, false},
		{"sites not given", "sites", sitesPage{None: true, NotGiven: true}, false},
	}
	// What a page may have, and none has yet.
	all = append(all, state{"page with all marks", "page", paper{
		Rounded: "Counts are rounded.", Erased: "Rows were erased.", Folded: "Few have no line.", Minimal: "Not all was recorded.",
		doc: doc{Title: "Marks", Notices: []notice{{Claim: "Claim."}}, Blocks: []block{
			{Key: "a", Title: "Titles", Shows: &table{Key: "page", Dimension: "page", Rows: []row{{Label: label{Title: "Title", Head: "/"}}}}},
			{Key: "c", Title: "Week", Shows: &week{Guarded: "Hidden."}},
			{Key: "d", Title: "Curve", Shows: &chart{Refused: "refusal.rows_gone"}},
		}},
	}, false})
	form := noteForm{Action: "/sites/1/notes", Cancel: "/sites/1/notes", From: "2026-11-22", Most: 280}
	personal := form
	personal.DaysProblem, personal.TextProblem, personal.Seen = "notes.wrong.days", "notes.wrong.personal", "[phone]"
	for _, problem := range []string{"notes.many", "notes.gone", "notes.wrong.empty", "notes.wrong.long", "notes.wrong.unprintable"} {
		refused := form
		refused.TextProblem = problem
		all = append(all, state{problem, "notes", notesPage{Form: &refused}, false})
	}
	all = append(all, state{"note refused", "notes", notesPage{Form: &personal}, false}, state{"notes for readers", "notes", notesPage{Notes: []noteLine{{ID: 1, When: "<b>"}}}, false})
	view := viewForm{Action: "/sites/1/views", Cancel: "/sites/1/views", Name: "<b>", Shares: true, Shared: true, ID: "1", Remove: "/sites/1/views/remove"}
	for _, problem := range []string{"views.wrong.empty", "views.wrong.long", "views.wrong.unprintable", "views.wrong.search", "views.wrong.large", "views.wrong.address", "views.many", "views.same", "views.wrong.personal"} {
		refused := view
		if refused.Problem = problem; problem == "views.wrong.personal" {
			refused.ID, refused.What, refused.Days, refused.Last, refused.Seen = "", "What", "Days", "views.last.week", "[phone]"
		}
		all = append(all, state{problem, "views", viewsPage{Form: &refused}, false})
	}
	all = append(all, accountStates()...)
	all = append(all, settingsStates()...)
	all = append(all, policyStates()...)
	all = append(all, receiptStates()...)
	all = append(all, rightsStates()...)
	for _, p := range problems {
		all = append(all, state{"problem " + p.code, "problem", p.code, true})
	}
	return all
}

// settingsStates are the states of the page of settings that no link leads to.
func settingsStates() []state {
	base := func(change func(*settingsPage)) settingsPage {
		p := settingsPage{
			Site: siteHead{Name: "One"}, URL: "/sites/1/settings", Goals: "/sites/1/goals", Counting: "/sites/1/counting",
			Groups: []fieldGroup{{Key: "settings.site", Texts: true, Fields: []field{
				newField(site.FindSetting("guard"), "5"), newField(site.FindSetting("policy"), "minimal"), newField(site.FindSetting("host"), "a.no,b.no"),
				newField(site.FindSetting("basis"), "nb: a\nen: b"),
			}}},
			Lines: snippet{"<script></script>", "mailto:?body=x"}, Works: works{Looked: "12"},
		}
		change(&p)
		return p
	}
	wrong := func(p *settingsPage) {
		for i, f := range p.Groups[0].Fields {
			p.Groups[0].Fields[i].Problem = "Wrong <b>."
			p.Wrong = append(p.Wrong, wrongField{f.Key, "Wrong."})
		}
	}
	return []state{
		{"settings refused", "settings", base(wrong), false},
		{"settings too large", "settings", base(func(p *settingsPage) { p.TooLarge = true }), false},
		{"settings outdated", "settings", base(func(p *settingsPage) { p.Outdated = true }), false},
		{"settings with a network", "settings", base(func(p *settingsPage) { p.Network = "192.0.2.0/24" }), false},
		{"settings without a network", "settings", base(func(p *settingsPage) { p.NoOwn = true }), false},
		{"settings with an effect", "settings", base(func(p *settingsPage) {
			p.Seen, p.Preview = "90d", &preview{"days", []string{"Much."}, []previewLine{{"1", "/a <b>", "/[*]"}, {"2", "/b", ""}}}
		}), false},
		{"settings without an effect", "settings", base(func(p *settingsPage) { p.Preview = &preview{Days: "days", Says: []string{"Nothing."}} }), false},
	}
}

// policyStates are the states of the page of the policy.
func policyStates() []state {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	base := func(change func(*policyPage)) policyPage {
		p := policyPage{Version: 2}
		for _, k := range privacy.Keys {
			p.Fields = append(p.Fields, policyField(k.Name, k.Text(privacy.Default())))
		}
		p.Presets, p.Points = []string{"short"}, []policyPoint{{"cnil.rows", "cnil.met"}}
		p.History = []policyLine{
			{now, "page", "kari <b>", []policyChange{{"retention", "3y", "25m"}}},
			{now.AddDate(-1, 0, 0), "the program", "", changesOf(nil, privacy.Default())},
		}
		change(&p)
		return p
	}
	return []state{
		{"policy", "policy", base(func(p *policyPage) {}), false},
		{"no policy", "policy", base(func(p *policyPage) { p.Version, p.History = 0, nil }), false},
		{"policy refused", "policy", base(func(p *policyPage) {
			for i, f := range p.Fields {
				p.Fields[i].Problem = "Wrong <b>."
				p.Wrong = append(p.Wrong, wrongField{f.Key, "Wrong."})
			}
		}), false},
		{"policy outdated", "policy", base(func(p *policyPage) { p.Outdated = true }), false},
		{"policy stored", "policy", base(func(p *policyPage) { p.Done = true }), false},
		{"policy as stored", "policy", base(func(p *policyPage) { p.Same = true }), false},
		{"policy with an effect", "policy", base(func(p *policyPage) {
			p.Seen = "x"
			p.Preview = &policyPreview{[]policyChange{{"retention", "3y", "90d"}}, []string{"Much."}, []policyProcess{{"collector on <b>", "retention=3y", now}}}
		}), false},
	}
}

// receiptStates are the states of the page of receipts.
func receiptStates() []state {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	lines := []receiptLine{
		{Number: 4, Ended: now, What: "Erased on request: text <b>", From: "2026-01-01", To: "2026-02-01", Before: 2000, Unfinished: true},
		{Number: 3, Ended: now, What: "Rows past their time", To: "2023-11-22", Before: 1200, After: 3},
		{Number: 2, Ended: now, What: "Totals past their time", From: "2026-01-01", Before: 1},
		{Number: 1, Ended: now, What: "Deleted by the server"},
	}
	return []state{
		{"no receipts", "receipts", receiptsPage{}, false},
		{"receipts", "receipts", receiptsPage{Count: 4, Whole: "Whole.", Keys: []string{"key <b>", "next"}, Lines: lines}, false},
		{"receipts of a broken chain", "receipts", receiptsPage{Count: 4, Broken: "receipt 3 <b>", Keys: []string{"key"}, Lines: lines}, false},
		{"receipts in the middle", "receipts", receiptsPage{Count: 400, Whole: "Whole.", Keys: []string{"key"}, Lines: lines, Older: receiptsURL + "?before=1", Newer: true}, false},
	}
}

// rightsStates are the states of the page about access and erasure.
func rightsStates() []state {
	base := func(change func(*rightsPage)) rightsPage {
		p := rightsPage{
			Form: rightsForm{
				By: "text", What: "Kari <b>", Kinds: rightsKinds, Sites: []siteChoice{{1, "Arne & Åse <AS>", true}, {2, "Two", false}}, Cases: []string{"2026/1", "2026/2"}, Case: "2026/2",
				Languages: []languageLink{{Tag: "nb", Name: "bokmål"}, {Tag: "en", Name: "English"}}, Lang: "en",
			},
			Register: register{Kinds: privacy.RequestKinds, Kind: privacy.AskedErasure, Day: "2026-11-22"},
		}
		change(&p)
		return p
	}
	lines := []requestLine{
		{Case: "2026/12345-1", Kind: privacy.AskedRectification, Received: "22 September 2026", AnswerBy: "22 October 2026", Overdue: true, By: "Ingvild-Kommunikasjonsrådgiver", Day: "2026-11-22"},
		{Case: "2026/2", Kind: privacy.AskedErasure, Received: "22 November 2026", AnswerBy: "22 February 2027", Extended: true, By: "kari <b>", Day: "2026-11-22"},
		{Case: "2026/3", Kind: privacy.AskedAccess, Received: "21 November 2026", AnswerBy: "21 December 2026", Day: "2026-11-22"},
		{Case: "2026/1", Kind: privacy.AskedAccess, Received: "22 November 2026", AnswerBy: "22 December 2026", Answered: "23 November 2026"},
	}
	wrong := func(p *rightsPage) {
		p.Register.Lines = slices.Clone(lines)
		p.Register.Lines[0].Problem = "requests.wrong.answered"
	}
	letter := &rightsLetter{Text: "# Letter <b>\n\nText", Lang: "nb", Rows: 4}
	found := func(change func(*rightsFound)) func(*rightsPage) {
		return func(p *rightsPage) {
			p.Letter = letter
			p.Found = &rightsFound{Says: []string{"Much.", "Days."}, Selected: []hidden{{"by", "text"}, {"what", "Kari <b>"}}}
			change(p.Found)
		}
	}
	all := []state{
		{"register", "rights", base(func(p *rightsPage) { p.Register.Lines, p.Register.Late, p.Register.Hidden = lines, "Late.", "Hidden." }), false},
		{"texts found", "rights", base(found(func(f *rightsFound) {
			f.OfTexts, f.More = true, "More."
			f.Texts = []foundText{{"daily · page · value", "1", "12", "1 – 3 November 2026", "/ansatte/kari-nordmann/" + strings.Repeat("x", 170) + " <b>"}, {Where: "spool", Lines: "1"}}
		})), false},
		{"erasure with a wrong password", "rights", base(found(func(f *rightsFound) { f.Problem = "password.wrong" })), false},
		{"rights", "rights", base(func(p *rightsPage) {}), false},
		{"rights that this process has not", "rights", base(func(p *rightsPage) { p.Off = true }), false},
		{"nothing found", "rights", base(found(func(f *rightsFound) { f.Nothing = true })), false},
		{"rows found", "rights", base(found(func(f *rightsFound) {})), false},
		{"erasure with wrong passwords", "rights", base(found(func(f *rightsFound) { f.Problem, f.Wait = "password.wait", time.Minute })), false},
		{"erased", "rights", base(func(p *rightsPage) {
			p.Letter = &rightsLetter{Text: "# Letter", Lang: "en", Rows: 1, Erased: "Erased <b>."}
		}), false},
		{"erased in part", "rights", base(func(p *rightsPage) {
			p.Letter = &rightsLetter{Text: "# Letter", Lang: "en", Erased: "Erased.", Again: true}
		}), false},
		{"request refused", "rights", base(wrong), false},
		{"request that there is not", "rights", base(func(p *rightsPage) { p.Register.Wrong = "requests.wrong.gone" }), false},
	}
	all = append(all, state{"rights: wrong site", "rights", base(func(p *rightsPage) { p.Form.NoSite, p.Form.Problem = true, "rights.wrong.site" }), false})
	for _, by := range rightsKinds {
		all = append(all, state{"rights: wrong " + by, "rights", base(func(p *rightsPage) { p.Form.By, p.Form.Problem = by, "rights.wrong."+by }), false})
	}
	for _, problem := range wrongRequests {
		all = append(all, state{problem, "rights", base(func(p *rightsPage) { p.Register.Problem, p.Register.Case = problem, "<b>" }), false})
	}
	for _, done := range []string{"add", "extend", "answer", "remove"} {
		all = append(all, state{"request: " + done, "rights", base(func(p *rightsPage) { p.Register.Done = "requests.done." + done }), false})
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
			{"kari <b>", "/admin/users?name=kari", site.Admin, true, nil, 2}, {"ola", "/admin/users?name=ola", site.Editor, false, []string{"One", "Two"}, 0},
			{"per", "/admin/users?name=per", site.Viewer, false, nil, 0},
		},
		Form: userForm{All: true, Sites: sites, New: newPassword{MinLength: 12}},
	}
	refused := users
	refused.Form = userForm{Name: "ola", Role: site.Editor, Problem: "users.exists", Sites: sites, New: newPassword{12, "password.common"}}
	all := []state{
		{"account", "account", accountPage{Name: "kari", Role: site.Admin, All: true, Sessions: sessions}, false},
		{"account of a viewer", "account", accountPage{Name: "kari", Role: site.Viewer, Sites: []string{"One"}, Sessions: sessions, Done: "password"}, false},
		{"account of a viewer of nothing", "account", accountPage{Name: "kari", Role: site.Viewer, Done: "sessions"}, false},
		{"account with a wrong password", "account", accountPage{Name: "kari", Role: site.Viewer, Problem: "password.wrong"}, false},
		{"account with wrong passwords", "account", accountPage{Name: "kari", Role: site.Viewer, Problem: "password.wait", Wait: time.Minute}, false},
		{"account with a wrong password below", "account", accountPage{Name: "kari", Role: site.Viewer, EndWrong: "password.wrong"}, false},
		{"account with wrong passwords below", "account", accountPage{Name: "kari", Role: site.Viewer, EndWrong: "password.wait", Wait: time.Minute}, false},
		{"account with a bad password", "account", accountPage{Name: "kari", Role: site.Viewer, New: newPassword{12, "password.differ"}}, false},
		{"account with the same password", "account", accountPage{Name: "kari", Role: site.Viewer, New: newPassword{12, "password.same"}}, false},
		{"user with sites of an admin", "user", userForm{Name: "kari", SitesProblem: "users.adminSites", Sites: sites}, false},
		{"user with a site that is gone", "user", userForm{Name: "kari", SitesProblem: "users.noSite", Sites: sites}, false},
		{"users", "users", users, false},
		{"users refused", "users", refused, false},
		{"user", "user", userForm{Name: "kari", Role: site.Admin, Sites: sites, New: newPassword{MinLength: 12}}, false},
		{"user refused", "user", userForm{Name: "kari", Problem: "users.lastAdmin", Confirm: true, Sites: sites}, false},
		{"user with other sites refused", "user", userForm{Name: "kari", SitesProblem: "users.allOrSome", Sites: sites}, false},
		{"sessions", "sessions", sessionsPage{Sessions: sessions}, false},
		{"session gone", "sessions", sessionsPage{Gone: true}, false},
		{"no audit log", "audit", auditPage{}, false},
		{"audit log", "audit", auditPage{Lines: []auditLine{{now, "page", "kari <b>", "logged in", "", 1}, {now, "the command line of an administrator", "Ingvild-Kommunikasjonsrådgiver", "changed a setting", "site 12: kommunikasjonsavdelingen.eksempelkommune.example", 2000}, {now, "the program itself", "", "added a site", "site 13: one.example", 1}}, Older: "/admin/audit?before=x", Newer: true}, false},
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

// mood is what there is to show on the pages of figures.
type mood string

const (
	much    mood = "much"
	little  mood = "little"           // fewer than a percentage is of
	few     mood = "few"              // fewer than are shown
	gone    mood = "gone"             // the rows that could tell are deleted
	none    mood = "none"             // no visit in the period
	begun   mood = "begun"            // counting began three weeks ago
	waits   mood = "waits"            // never a visit
	silent  mood = "waits in silence" // nor a hit that was excluded
	moodDay      = 20779              // 22 November 2026
)

// scenes are pages of figures: the addresses that a crawl begins at, by what there is to
// show. A state that no link leads to has an entry here. What links of a page of much lead
// to is found by itself, so a page and its blocks are in all their states once they stand
// in pages and are linked to.
func scenes() map[mood][]string {
	all := map[mood][]string{
		much: {
			"/", "/?period=today", "/?q=arne", "/?tag=Kultur", "/?tag=Borte", "/?sort=name", "/?sort=-visitors", "/?q=nobody", "/?period=range&from=2026-11-02&to=2026-11-01",
			"/sites/1", "/sites/1?f=region:NO-50&f=page:/a*&f=!os:&f=source:google",
			"/sites/1?fd=page&fo=is&fv=", "/sites/1?period=range&from=2026-11-02&to=2026-11-01", "/sites/1?period=range&from=yesterday&to=2026-11-01",
			"/sites/1?period=week&at=2026-W99", "/sites/1?period=fortnight", "/sites/1?compare=never", "/sites/1?align=moon",
			"/sites/1?period=range&from=2026-11-01&to=2026-11-13", "/sites/1?period=range&from=2026-08-20&to=2026-11-13", "/sites/1?period=range&from=2024-01-01&to=2026-11-13",
			"/sites/1/notes", "/sites/1/notes?done=added", "/sites/1/notes?done=changed", "/sites/1/notes?done=removed", "/sites/1/notes?note=1",
			"/sites/1/views", "/sites/1/views?done=added", "/sites/1/views?done=changed", "/sites/1/views?done=removed", "/sites/1/views?view=1", "/sites/1/views?view=3",
			"/sites/1/views?of=/sources&period=28d&f=region:NO-50", "/sites/1/views?of=/&period=range&from=2026-11-02&to=2026-11-04", "/sites/1/views?of=/nothing", "/sites/1/views?of=/&period=never",
			"/views", "/views?of=/&q=a&tag=Kultur&sort=name&period=28d", "/views?of=/pages", "/views?view=5",
			"/sites/1?period=week&at=2026-W14", "/sites/1?period=month&at=2026-05", "/sites/1?period=day&at=2026-10-25", "/sites/1?period=day&at=2026-04-03",
			"/sites/1?period=month&at=2026-11", "/sites/1?period=month&at=2026-11&compare=none",
		},
	}
	of := map[string]string{} // what makes a card one of a value
	for _, c := range cards {
		of[c.path] = c.parameter + "=/a&"
	}
	of[comparing] = "path=/&path=/aktuelt/2026/ny-rapport-om-sosialt-entreprenorskap&path=/never&"
	all[much] = append(all[much], "/sites/1/compare", "/sites/1/compare?path=/",
		"/sites/1/goals?kind=page&pattern=/a*&goal=Takk", "/sites/1/goals?kind=page&pattern=takk&goal=Takk%0A", "/sites/1/goals?kind=section&pattern=/a&goal=P%C3%A5melding", "/sites/1/goals?kind=page&pattern=/sak/15076500565&goal=kari%40example.org")
	for _, m := range []mood{few, gone, none, waits} {
		all[m] = append(all[m], "/sites/1/goals?name=P%C3%A5melding", "/sites/1/goals?kind=page&pattern=/a*")
	}
	for _, p := range pages {
		path := "/sites/1" + p.path + "?"
		if p.card {
			path += of[p.path]
		}
		all[much] = append(all[much], path)
		for _, m := range []mood{little, few, gone, none, begun, waits, silent} {
			all[m] = append(all[m], path, path+"period=today", path+"period=year")
		}
	}
	for _, m := range []mood{much, few, none, waits, silent} {
		all[m] = append(all[m], "/sites/1/settings", "/sites/1/settings?done=1", "/sites/1/settings?host=b.no")
	}
	all[begun] = append(all[begun], "/", "/?period=year", "/sites/1?period=28d", "/sites/1?period=28d&compare=none")
	all[much] = append(all[much], "/sites/1?f=foo:bar", "/sites/1/pages?f=page", "/sites/1/pages?q="+strings.Repeat("x", 3000), "/sites/1/pages?sort=zzz", "/sites/1/pages?table=zzz")
	all[waits] = append(all[waits], "/", "/?sort=zzz", "/sites/1?f=device:foo&sort=zzz")
	all[none] = append(all[none], "/")
	all[little] = append(all[little], "/sites/1/notes", "/sites/1/views")
	return all
}

// shape is what of an address decides about which branches of its page are taken, roughly.
func shape(u *url.URL) string {
	values, kinds := u.Query(), []string{u.Path}
	if len(values["f"]) > 1 || values.Get("lang") != "" {
		return ""
	}
	keys := slices.Sorted(maps.Keys(values))
	own := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return slices.Contains(shared, key) })
	f, _ := report.ParseFilters(values["f"])
	switch {
	case len(own) > 0:
		sorted, _, _ := strings.Cut(values.Get(bySort)+"x", "x")
		kinds = append(kinds, values.Get(byTable), values.Get(byMeasure), sorted[:min(1, len(sorted))])
		kinds = append(kinds, own...)
	case len(f) > 0 && slices.Contains([]string{"page", "source", "country"}, f[0].Dimension):
		kinds = append(kinds, f[0].Dimension, fmt.Sprint(f[0].Not))
	case len(f) > 0:
		return f[0].Dimension
	case values.Has("compare") || values.Has("align"):
		kinds = append(kinds, values.Get("compare"), values.Get("align"))
	default:
		kinds = append(kinds, values.Get("period"))
	}
	return strings.Join(kinds, " ")
}

// invented are a store and a source of figures that are made up.
type invented struct {
	Store
	mood mood
}

var aSite = site.Site{ID: 1, Tags: []string{"Kultur", "Skole <b>"}, Name: "Arne & Åse <AS>", Hosts: []string{"www.example.org"}, Location: zone("Europe/Oslo"), Goals: []site.Goal{{Number: 1, Name: "Påmelding", Kind: hit.Pageview, Pattern: "/takk"}}}

func zone(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return loc
}

func (s *invented) Session(context.Context, string, time.Time, time.Duration) (site.Session, site.User, error) {
	return site.Session{Seen: moodNow()}, site.User{Name: "kari <b>", Role: site.Admin}, nil
}

func (s *invented) Site(context.Context, uint32) (site.Site, error) {
	guarded := aSite
	if s.mood == few {
		guarded.Guard, guarded.Record = 5, "minimal"
	}
	return guarded, nil
}

func (s *invented) Sites(context.Context) ([]site.Site, error) {
	other := site.Site{ID: 2, Name: "Two", Hosts: []string{"xn--blbr-roah.no"}, Location: time.FixedZone("", 13*3600)}
	if s.mood == none {
		return []site.Site{aSite}, nil
	}
	return []site.Site{aSite, other}, nil
}

// PageTitles gives the first of some pages a title.
func (s *invented) PageTitles(_ context.Context, _ uint32, paths []string) (map[string]string, error) {
	return map[string]string{paths[0]: "Title <b>"}, nil
}

func (s *invented) CountedSince(context.Context, ...uint32) (map[uint32]calendar.Day, error) {
	switch s.mood {
	case waits, silent:
		return nil, nil
	case begun:
		return map[uint32]calendar.Day{1: moodDay - 20}, nil
	}
	return map[uint32]calendar.Day{1: 0, 2: moodDay - 3}, nil
}

func (s *invented) Excluded(context.Context, uint32, calendar.Range, int) ([]hit.LedgerEntry, error) {
	if s.mood != much {
		return nil, nil
	}
	return []hit.LedgerEntry{
		{Reason: hit.Objection, Count: 3}, {Reason: "bot", Rule: "crawler", Name: "Googlebot", Count: 30},
		{Reason: "prefetch", Count: 2}, {Reason: "bot", Rule: "new", Name: "<b>", Count: 1},
	}, nil
}

// Notes are some about days of the period before now, one of them about several.
func (s *invented) Notes(_ context.Context, _ uint32, days calendar.Range) ([]site.Note, error) {
	if s.mood == little {
		return nil, nil
	}
	days = calendar.Range{From: max(days.From, 20000), To: min(days.To, moodDay+3)}
	return []site.Note{
		{ID: 1, Days: calendar.One(days.From + 1), Text: "<b>", Who: "kari"}, {ID: 2, Days: calendar.One(days.From + 1), Text: "Two", Who: "kari"},
		{ID: 3, Days: calendar.Range{From: days.To - 2, To: days.To + 3}, Text: "Three", Who: "kari"},
	}, nil
}

// Views are one's own and shared ones, of which one leads nowhere.
func (s *invented) Views(_ context.Context, id uint32, _ string) ([]site.View, error) {
	if s.mood == little {
		return nil, nil
	}
	if id == 0 {
		return []site.View{{ID: 5, Name: "Culture", Owner: "kari <b>", Query: "q=a&tag=Kultur&sort=name"}, {ID: 6, Name: "Gone", Owner: "kari <b>", Page: "/pages"}}, nil
	}
	return []site.View{
		{ID: 1, Site: 1, Name: "One <b>", Owner: "kari <b>", Page: "/devices", Query: "period=28d&f=%21os%3A&f=page%3A%2Fa%2A&compare=none"},
		{ID: 2, Site: 1, Name: "Two", Owner: "kari <b>", Page: "/gone"}, {ID: 4, Site: 1, Name: "Card", Owner: "kari <b>", Page: "/compare", Query: "path=%2Fa&path=%2Fb"},
		{ID: 3, Site: 1, Name: "Three", Owner: "ola", Shared: true, Query: "period=week&at=2026-W14"},
	}, nil
}

func (s *invented) ExcludedSums(ctx context.Context, id uint32, now, _ calendar.Range, limit int) ([]hit.ExcludedSum, []hit.LedgerEntry, error) {
	entries, err := s.Excluded(ctx, id, now, limit)
	if s.mood != much {
		return nil, entries, err
	}
	return []hit.ExcludedSum{
		{Reason: hit.IsBot, Rule: "crawler", Now: 300, Before: 100}, {Reason: hit.Objection, Now: 30}, {Reason: hit.IsBot, Rule: "ai", Now: 3},
		{Reason: hit.ExcludedNetwork, Now: 2}, {Reason: hit.ForeignHost, Before: 2},
	}, entries, err
}

func (s *invented) Others(context.Context, uint32, calendar.Range) (map[string]int64, error) {
	if s.mood != much {
		return nil, nil
	}
	return map[string]int64{"page": 1000, "source": 1}, nil
}

func (s *invented) Pulse(context.Context, uint32, time.Time) (hit.Pulse, error) {
	p := hit.Pulse{}
	switch s.mood {
	case much:
		p = hit.Pulse{Last: moodNow(), Minutes: [30]int64{3, 0, 1}}
	case few, none:
		p.Last = moodNow().AddDate(0, 0, -3)
	}
	return p, nil
}

func (s *invented) SiteChanges(context.Context, uint32, int) ([]site.Change, error) {
	at := func(days int) time.Time { return moodNow().AddDate(0, 0, -days) }
	switch {
	case s.mood == waits || s.mood == silent:
		return nil, nil
	case s.mood != much:
		return []site.Change{{Setting: "host", After: "a.no", Since: at(9), First: true}}, nil
	}
	return []site.Change{
		{Setting: "exclude", Before: "/a,/b", After: "/b,/c <b>", Since: at(1), Who: "kari <b>"},
		{Setting: "exclude-networks", After: "192.0.2.0/24,198.51.100.0/24", Since: at(2)},
		{Setting: "exclude-networks", Before: "192.0.2.0/24", Since: at(3)},
		{Setting: "guard", Before: "5", After: "10", Since: at(4)}, {Setting: "policy", Before: "default", After: "minimal", Since: at(5)},
		{Setting: "goals", After: "Kurs", Since: at(6)}, {Setting: "host", After: "a.no", Since: at(9), First: true}, {Setting: "exclude", Since: at(9), First: true},
	}, nil
}

// drops are hits that memory holds.
func (s *invented) drops(uint32) []hit.Drop {
	if s.mood == silent {
		return nil
	}
	return []hit.Drop{
		{LedgerEntry: hit.LedgerEntry{Day: moodDay, Reason: hit.ForeignHost, Name: "kopi.example <b>", Count: 1000}, Last: calendar.Day(moodDay).Time()},
		{LedgerEntry: hit.LedgerEntry{Day: moodDay, Reason: hit.Objection, Count: 1}},
		{LedgerEntry: hit.LedgerEntry{Day: moodDay, Reason: hit.ExcludedNetwork, Count: 2}, Last: calendar.Day(moodDay).Time()},
	}
}

func moodNow() time.Time { return time.Date(2026, 11, 22, 12, 30, 0, 0, time.UTC) }

// values are some of each dimension: those that a page has words for, and for all
// dimensions unknown, others, and what is long.
var values = map[string][]string{
	"channel": {"search", "direct"}, "source": {"search", "direct"}, "country": {"NO", "SE"}, "region": {"NO", "NO"}, "device": {"mobile"},
	"site": {"1", "2"}, "weekday": {"1", "7"}, "hour": {"1", "7"}, "page": {"/", "/aktuelt/2026/ny-rapport-om-sosialt-entreprenorskap"},
	"missing": {"404 / /borte"}, "missing_link": {"404 / /borte"}, "language": {"nb"},
}

var details = map[string][]string{"source": {"google", "xn--blbr-roah.no"}, "region": {"NO-50", "NO-03"}, "hour": {"09", "23"}, "missing_link": {"/bolig"}}

// Ask implements report.Source.
func (s *invented) Ask(_ context.Context, queries []report.Query) ([]report.Result, error) {
	if _, err := (report.Planner{}).Plan(queries); err != nil {
		return nil, err
	}
	results := make([]report.Result, len(queries))
	for i, q := range queries {
		if s.mood == gone && (q.Step == report.Hour || slices.Contains([]string{"page", "hour", "search_result", "missing_link"}, q.Dimension) && q.Sort == (report.Sort{}) || q.Dimension == "entry" && len(q.Filters) > 0) {
			return nil, report.RefusedError{Query: i, Code: report.RowsGone, Since: moodDay - 10}
		}
		if s.mood != none && s.mood != waits && s.mood != silent && (s.mood != little || q.Dimension != "source") {
			results[i] = s.answer(q)
		}
	}
	return results, nil
}

func (s *invented) answer(q report.Query) report.Result {
	lines := []report.Line{{}}
	if d, ok := report.FindDimension(q.Dimension); ok {
		lines = nil
		for i, value := range append(slices.Clone(values[d.Key]), "", hit.Others, "value", "more", "and more", "=1+1", "ninth", "tenth") {
			line := report.Line{Value: value}
			if d.Detail != "" {
				line.Detail = append(slices.Clone(details[d.Key]), "", "12", "detail")[i%3]
			}
			if d.Key != "site" && d.Key != "weekday" && d.Key != "hour" || i < 2 {
				lines = append(lines, line)
			}
		}
	}
	if q.Sort.Change && q.Sort.Ascending {
		slices.Reverse(lines)
	}
	var r report.Result
	if q.Limit == longTable && q.After == "" {
		r.Next = "e30"
	}
	points := []report.Point{{}}
	if q.Step != "" {
		points = append(q.Points(r, false), q.Points(r, true)...)
	}
	for n, point := range points {
		for i, line := range lines {
			if line.At = point.At; i == q.Limit && q.Limit > 0 {
				break
			}
			now, before := int64(1000+n-10*i), int64(900+20*i)
			switch s.mood {
			case little:
				now, before = 1, 2
			case few:
				now, before = int64(4+3*i)%9, int64(i)
			}
			for _, m := range report.Measures {
				line.Now, line.Before = line.Now.With(m.Key, now), line.Before.With(m.Key, before)
			}
			r.Lines = append(r.Lines, line)
		}
	}
	return r
}

// TestStorybook renders every state of every page in every language, and fails if a branch
// of a template is never taken.
func TestStorybook(t *testing.T) {
	race.Skip(t)
	story := &invented{mood: much}
	d, err := New(Options{
		Store: story, Figures: story, Now: moodNow, Drops: story.drops,
		Rounding: func() int64 {
			if story.mood == little {
				return 10
			}
			return 0
		},
		Snippet: func(string, uint32, ...string) string {
			if story.mood == silent {
				return ""
			}
			return "<script></script>"
		},
		Statement: func(site uint32) string {
			if story.mood == silent {
				return ""
			}
			return "/privacy/1"
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.pages.pages = maps.Clone(d.pages.pages) // which the dashboards of this process share
	taken := map[string]bool{}                // by place in a template
	for _, l := range i18n.All() {
		templates, err := readPages(l, d.assets)
		if err != nil {
			t.Fatal(err)
		}
		for name, page := range templates {
			watch(t, page, name, taken)
		}
		d.pages.pages[l.Tag] = templates
		for _, s := range states() {
			t.Run(l.Tag+"/"+s.name, func(t *testing.T) {
				v := view{Lang: l, Page: s.data, Other: []languageLink{{"xx", "Other", "/?lang=xx"}}}
				if !s.stranger {
					v.User, v.Admin, v.Attribution = "kari", true, &attribution{"Regions", "https://example.org"}
				}
				if s.name == "no sites" {
					v.Attribution.URL = ""
				}
				body, err := d.pages.page(l, s.page, v)
				if err != nil {
					t.Fatal(err)
				}
				checkHTML(t, l, string(body))
			})
		}
		seen := map[string]bool{}
		for m, addresses := range scenes() {
			story.mood = m
			for len(addresses) > 0 {
				path := addresses[0]
				addresses = addresses[1:]
				t.Run(l.Tag+"/"+string(m)+path, func(t *testing.T) {
					doc := checkScene(t, d, l, path)
					if m != much || doc == nil {
						return
					}
					doc.Find("a[href]").Each(func(_ int, a *goquery.Selection) {
						u, err := url.Parse(a.AttrOr("href", ""))
						if err != nil || u.Path != "/" && !strings.HasPrefix(u.Path, "/sites/1") || strings.HasSuffix(u.Path, ".csv") || strings.HasSuffix(u.Path, ".json") {
							return
						}
						if key := shape(u); key != "" && !seen[key] {
							seen[key] = true
							addresses = append(addresses, u.RequestURI())
						}
					})
				})
			}
		}
	}
	for _, place := range slices.Sorted(maps.Keys(taken)) {
		if !taken[place] {
			t.Errorf("never rendered: %s", place)
		}
	}
}

// checkScene checks the page at an address.
func checkScene(t *testing.T, d *Dashboard, l *i18n.Language, path string) *goquery.Document {
	t.Helper()
	mux := http.NewServeMux()
	d.Routes(mux)
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept-Language", l.Tag)
	r.AddCookie(&http.Cookie{Name: sessionCookie, Value: strings.Repeat("A", 52)})
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	if w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
		t.Errorf("status %d: %s", w.Code, w.Header().Get("Location"))
		return nil
	}
	return checkHTML(t, l, w.Body.String())
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
// security policy breaks nothing, what aids such as screen readers need, and that each text
// was found and filled in. It returns the page.
func checkHTML(t *testing.T, l *i18n.Language, body string) *goquery.Document {
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
	doc.Find("[src], link[href]:not([rel=expect])").Each(func(_ int, s *goquery.Selection) {
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
		for _, id := range strings.Fields(s.AttrOr("aria-labelledby", "") + " " + s.AttrOr("aria-describedby", "")) {
			if !ids[id] {
				t.Errorf("no element %q to name another", id)
			}
		}
	})
	doc.Find("input:not([type=hidden]), select, textarea").Each(func(_ int, s *goquery.Selection) {
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
	doc.Find("table, nav").Each(func(_ int, s *goquery.Selection) {
		if s.AttrOr("aria-label", s.AttrOr("aria-labelledby", "")) == "" {
			t.Errorf("a %s has no name", goquery.NodeName(s))
		}
	})
	doc.Find("svg").Each(func(_ int, s *goquery.Selection) {
		named := s.AttrOr("role", "") == "img" && s.AttrOr("aria-label", "") != ""
		if !named && s.Closest("[aria-hidden=true]").Length() == 0 && s.ParentsFiltered("svg[role=img]").Length() == 0 {
			t.Error("a drawing is read out, and has no name")
		}
	})
	if n := doc.Find("th:not([scope])").Length(); n > 0 {
		t.Errorf("%d headings of tables without a scope", n)
	}
	doc.Find("script, code").Remove()
	if found := notFilled.FindAllString(doc.Text(), -1); len(found) > 0 {
		t.Errorf("the page shows %q", found)
	}
	return doc
}

// notFilled matches keys of texts, and texts without what they are of.
var notFilled = regexp.MustCompile(`%[!s\[]|\b(align|chart|column|compare|count|dimension|figure|filter|lead|measure|movers|nav|period|reason|refusal|sites|table|title)\.[a-z][A-Za-z0-9_.]*`)

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
	lines := dropLines(i18n.Find("en"), 0, []hit.Drop{named("www.xn--blbr-roah.no"), named("[token].xn--blbr-roah.no"), named("Googlebot")}, time.UTC)
	for i, want := range []string{"www.blåbær.no", "[token].blåbær.no", "Googlebot"} {
		if lines[i].Name != want {
			t.Errorf("%q, want %q", lines[i].Name, want)
		}
	}
}
