package dashboard_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/dashboard"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store/storetest"
)

// logInAdmin makes an admin and logs it in.
func (b *bench) logInAdmin() {
	b.Helper()
	b.addUser(userName, site.Admin, userPass)
	b.post("/login", credentials(userName, userPass)).want(http.StatusOK)
}

// form returns the fields of the form of settings as the page has them.
func (a *answer) form() url.Values {
	form := url.Values{}
	a.Find(".settings [name]").Each(func(_ int, s *goquery.Selection) {
		name := s.AttrOr("name", "")
		switch {
		case goquery.NodeName(s) == "textarea":
			form.Set(name, strings.TrimPrefix(s.Text(), "\n"))
		case goquery.NodeName(s) == "button":
		case s.AttrOr("type", "") == "radio":
			if _, ok := s.Attr("checked"); ok {
				form.Set(name, s.AttrOr("value", ""))
			}
		default:
			form.Set(name, s.AttrOr("value", ""))
		}
	})
	return form
}

// TestSettingsPage: an admin changes every setting of a site on its page, as site edit does;
// it is stored, kept with who did it, and audited; and the form stored as it is changes nothing.
func TestSettingsPage(t *testing.T) {
	b := newBench(t)
	b.addSite("One", "one.example", "Europe/Oslo")
	b.logInAdmin()
	page := b.get("/sites/1/settings")
	page.want(http.StatusOK)
	form := page.form()
	for _, s := range site.Settings {
		if !form.Has(s.Key) {
			t.Errorf("the page has no field of %s", s.Key)
		}
	}
	before, err := b.store.Site(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	b.post("/sites/1/settings", form).want(http.StatusOK)
	if after, _ := b.store.Site(t.Context(), 1); len(site.Changed(before, after)) > 0 {
		t.Errorf("the form as it was changed %v", site.Changed(before, after))
	}
	want := map[string]string{
		"name": "Én", "host": "blåbær.no,*.blåbær.no", "timezone": "Asia/Kathmandu", "tags": "Skole,Kultur", "exclude": "/intern/*,*.pdf",
		"exclude-networks": "192.0.2.0/24,2001:db8::/48", "parameters": "id,side", "path-rules": "/u/*", "trailing-slash": "strip",
		"ignore-referrers": "default,sso.example.no", "search-parameters": "q,query,s,search,searchword,k,keyword",
		"search-category-parameters": "cat", "search-count-parameters": "n", "policy": "minimal", "retention": "90d", "objections": "ignore", "guard": "7",
		"controller": "Eksempel AS 999 999 999", "contact": "personvern@blåbær.no", "officer": "nb: Ingen\nen: None", "purpose": "Formål", "basis": "nb: Fordi\nnn: Av di",
		"recipients": "Drift AS", "countries": "Ingen", "opt-out": "https://blåbær.no/personvern",
	}
	form = b.get("/sites/1/settings").form()
	for key, text := range want {
		form.Set(key, strings.ReplaceAll(text, ",", "\r\n"))
	}
	form.Set("search-parameters", " matomo ")
	policy := privacy.Default()
	policy.Retention = privacy.Period{Years: 1}
	if err := b.store.ChangePolicy(t.Context(), 0, policy); err != nil {
		t.Fatal(err)
	}
	form.Set("retention", "2y")
	page = b.post("/sites/1/settings", form)
	page.want(http.StatusUnprocessableEntity)
	if got := page.text("#retention-wrong"); !strings.Contains(got, "“2y” is longer") {
		t.Errorf("beside a retention longer than the policy's stands %q", got)
	}
	form.Set("retention", "90d")
	page = b.post("/sites/1/settings", form) // first shown is what would be deleted
	page.want(http.StatusOK)
	if s, err := b.store.Site(t.Context(), 1); err != nil || s.Guard == 7 || !strings.Contains(page.text(".block.wide"), "No rows will be deleted.") {
		t.Errorf("a shorter retention is stored unseen: %+v, %v, beside %q", s, err, page.text(".block.wide"))
	}
	page = b.post("/sites/1/settings", page.form())
	page.want(http.StatusOK)
	if page.url.Path != "/sites/1/settings" || !strings.Contains(page.text(".notice"), "Saved.") {
		t.Errorf("after saving %s says %q", page.url, page.text(".notice"))
	}
	after, err := b.store.Site(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range site.Settings {
		if got := s.Get(after); got != want[s.Key] {
			t.Errorf("%s is stored as %q, want %q", s.Key, got, want[s.Key])
		}
		if got := strings.Join(s.Values(page.form().Get(s.Key)), ","); got != want[s.Key] {
			t.Errorf("%s is shown as %q, want %q", s.Key, got, want[s.Key])
		}
	}
	changes, err := b.store.SiteChanges(t.Context(), 1, 1)
	if err != nil || len(changes) != 14 || changes[0].Who != userName {
		t.Errorf("kept are %d changes %+v, %v; want all but name and tags, by %s", len(changes), changes, err, userName)
	}
	log, err := b.store.Audit(t.Context(), time.Time{}, time.Time{}, 100)
	if err != nil || !slices.ContainsFunc(log, func(e audit.Entry) bool {
		return e.Action == audit.SiteChanged && e.Name == userName && strings.Contains(e.About, "networks") && !strings.Contains(e.About, "192.0")
	}) {
		t.Errorf("the audit log is %+v, %v", log, err)
	}

	// A setting that a form lacks stays.
	b.post("/sites/1/settings", url.Values{"name": {"To"}}).want(http.StatusOK)
	if s, _ := b.store.Site(t.Context(), 1); s.Name != "To" || s.Guard != 7 || len(s.Hosts) != 2 {
		t.Errorf("a form of the name alone made %+v", s)
	}
}

// TestSettingsRefused: a mistake is said beside its field, in the reader's language, what was
// typed is kept, and nothing is stored.
func TestSettingsRefused(t *testing.T) {
	b := newBench(t)
	b.addSite("One", "one.example", "Europe/Oslo")
	b.logInAdmin()
	for _, tt := range []struct{ key, text, language, want string }{
		{"host", "one.example\nhttps://two.example/x", "nb", "«https://two.example/x» er ikke en vert."},
		{"host", "one.example\nhttps://two.example/x", "nn", "«https://two.example/x» er ikkje ein vert."},
		{"host", "*.one.example", "en", "“*.one.example” is not a host."},
		{"host", " ", "en", "Something must stand here."},
		{"name", "", "nb", "Her må det stå noe."},
		{"timezone", "Mars/Olympus", "en", "“Mars/Olympus” is not a time zone."},
		{"tags", strings.Repeat("x", 51), "en", "at most ten folders"},
		{"tags", "Skole\n15076500565", "en", "seems to have personal data. Without them it would be: “[national-id]”"},
		{"exclude", "/u/kari@example.org", "nb", "Dette ser ut til å ha personopplysninger."},
		{"path-rules", "/u/15076500565/*", "nn", "Dette ser ut til å ha personopplysningar."},
		{"exclude", "/a\nintern", "nb", "«intern» må begynne med / eller *"},
		{"exclude-networks", "192.0.2.7", "nb", "«192.0.2.7» er ikke et nettverk på 256 adresser"},
		{"exclude-networks", "192.0.2.7/32", "en", "“192.0.2.7/32” is not a network of 256 addresses"},
		{"parameters", "a&b", "en", "“a&b” is not the name"},
		{"path-rules", "/u", "nb", "Regelen «/u» går ikke."},
		{"ignore-referrers", "none\na.no", "en", "“none” is not a host."},
		{"search-count-parameters", "a/b", "nn", "«a/b» er ikkje namnet"},
		{"guard", "101", "nb", "«101» er ikke et tall"},
		{"policy", "all", "en", "“all” can't stand here."},
		{"retention", "11y", "nb", "«11y» er ikke en tid på høyst ti år."},
		{"objections", "dnt", "nn", "«dnt» kan ikkje veljast."},
		{"basis", strings.Repeat("å ", 1001), "nb", "Den kan være på 3 000 byte."},
		{"controller", strings.Repeat("å", 251), "nn", "Han kan vere på 500 byte."},
		{"opt-out", "https://two.example/x", "nb", "«https://two.example/x» er ikke adressen til en side på nettstedet."},
	} {
		form := b.get("/sites/1/settings").form()
		form.Set(tt.key, tt.text)
		form.Set("name", form.Get("name")+" typed")
		if tt.key == "name" {
			form.Set("name", tt.text)
		}
		page := b.post("/sites/1/settings", form, "Accept-Language", tt.language)
		page.want(http.StatusUnprocessableEntity)
		if got := page.text("#" + tt.key + "-wrong"); !strings.Contains(got, tt.want) {
			t.Errorf("%s %q: beside the field stands %q, want %q", tt.key, tt.text, got, tt.want)
		}
		if field := page.Find("#" + tt.key); !strings.Contains(field.AttrOr("aria-describedby", ""), tt.key+"-wrong") {
			t.Errorf("%s: the field does not name its mistake", tt.key)
		}
		kept := page.form()
		if got := strings.Fields(kept.Get(tt.key)); tt.key != "policy" && tt.key != "objections" && !slices.Equal(got, strings.Fields(tt.text)) {
			t.Errorf("%s: kept is %q, want %q", tt.key, got, tt.text)
		}
		if tt.key != "name" && kept.Get("name") != "One typed" {
			t.Errorf("%s: of another field %q is kept", tt.key, kept.Get("name"))
		}
		if n := page.Find(".notice.wrong a[href='#" + tt.key + "']").Length(); n != 1 {
			t.Errorf("%s: %d links lead to the mistake", tt.key, n)
		}
	}
	if s, err := b.store.Site(t.Context(), 1); err != nil || s.Name != "One" {
		t.Errorf("stored is %+v, %v", s, err)
	}
	large := url.Values{"exclude": {strings.Repeat("/en-side-som-ingen-skal-telle-n\n", 1500)}}
	if page := b.post("/sites/1/settings", large); page.status != http.StatusUnprocessableEntity || !strings.Contains(page.text(".notice"), "32 kB") {
		t.Errorf("settings of 48 kB: %d, %q", page.status, page.text(".notice"))
	}
	if page := b.post("/sites/1/settings", url.Values{"exclude": {strings.Repeat("/", 80_000)}}, "Accept-Language", "nb"); page.status != http.StatusRequestEntityTooLarge || !strings.Contains(page.text(".card p"), nb().Say("problem.too_large")) {
		t.Errorf("a form of 80 kB: %d, %q", page.status, page.text(".card p"))
	}
}

// TestSettingsMeanwhile: what somebody else stored is not overwritten unseen.
func TestSettingsMeanwhile(t *testing.T) {
	b := newBench(t)
	one := b.addSite("One", "one.example", "Europe/Oslo")
	b.logInAdmin()
	form := b.get("/sites/1/settings").form()
	one.Excluded = []string{"/intern/*"}
	if err := storetest.PutSite(t.Context(), b.store, one); err != nil {
		t.Fatal(err)
	}
	form.Set("name", "Mine")
	page := b.post("/sites/1/settings", form)
	page.want(http.StatusConflict)
	if got := page.form(); got.Get("name") != "Mine" || !strings.Contains(page.text(".notice"), "Somebody saved other settings") {
		t.Errorf("the page keeps %q and says %q", got.Get("name"), page.text(".notice"))
	}
	if s, _ := b.store.Site(t.Context(), 1); s.Name != "One" || len(s.Excluded) != 1 {
		t.Errorf("stored is %+v", s)
	}
	b.post("/sites/1/settings", page.form()).want(http.StatusOK)
	if s, _ := b.store.Site(t.Context(), 1); s.Name != "Mine" {
		t.Errorf("after a second look stored is %+v", s)
	}
}

// TestSettingsForAdmins: viewers neither see nor change settings, nor see a link to them, and
// another website can't change them.
func TestSettingsForAdmins(t *testing.T) {
	b := newBench(t)
	one := b.addSite("One", "one.example", "Europe/Oslo")
	put(t, b.store, "story", rowsOf(one, tell(1, one, calendar.DayOf(moment)-10, calendar.DayOf(moment), 5, moment)))
	b.logIn()
	if n := b.get("/sites/1").Find("a[href^='/sites/1/settings']").Length(); n != 0 {
		t.Errorf("%d links lead a viewer to the settings", n)
	}
	b.get("/sites/1/settings").want(http.StatusNotFound)
	b.post("/sites/1/settings", url.Values{"name": {"x"}}).want(http.StatusNotFound)
	b.client = b.newClient()
	b.addUser("boss", site.Admin, userPass)
	b.post("/login", credentials("boss", userPass)).want(http.StatusOK)
	if n := b.get("/sites/1").Find(".rail a[href='/sites/1/settings']").Length(); n != 1 {
		t.Errorf("%d links lead an admin to the settings", n)
	}
	b.post("/sites/1/settings", url.Values{"name": {"x"}}, "Sec-Fetch-Site", "cross-site").want(http.StatusForbidden)
	b.get("/sites/99/settings").want(http.StatusNotFound)
	if s, _ := b.store.Site(t.Context(), 1); s.Name != "One" {
		t.Errorf("the site is called %q", s.Name)
	}
}

// TestOwnNetwork: the reader's network is put into its field, cut as the program keeps it, and
// nothing is stored before the reader does.
func TestOwnNetwork(t *testing.T) {
	b := newBench(t, func(o *dashboard.Options) {
		o.Network = func(*http.Request) string { return "198.51.100.0/24" }
	})
	b.addSite("One", "one.example", "Europe/Oslo")
	b.logInAdmin()
	form := b.get("/sites/1/settings").form()
	form.Set("exclude-networks", "192.0.2.0/24")
	form.Set("name", "Typed")
	form.Set("do", "network")
	page := b.post("/sites/1/settings", form)
	page.want(http.StatusOK)
	kept := page.form()
	if got := strings.Fields(kept.Get("exclude-networks")); !slices.Equal(got, []string{"192.0.2.0/24", "198.51.100.0/24"}) || kept.Get("name") != "Typed" {
		t.Errorf("the page has %q, %q", got, kept.Get("name"))
	}
	if s, _ := b.store.Site(t.Context(), 1); len(s.Networks) > 0 {
		t.Errorf("stored already: %v", s.Networks)
	}
	b.post("/sites/1/settings", kept).want(http.StatusOK)
	if s, _ := b.store.Site(t.Context(), 1); len(s.Networks) != 2 {
		t.Errorf("stored are %v", s.Networks)
	}
}

// TestPreviewOfSettings: the effect is told in numbers of what happened, and nothing is stored.
func TestPreviewOfSettings(t *testing.T) {
	b := newBench(t)
	one := b.addSite("One", "one.example", "Europe/Oslo")
	today := calendar.DayOf(moment)
	story := tell(1, one, today-60, today, 20, moment)
	put(t, b.store, "story", rowsOf(one, story))
	b.logInAdmin()
	last := between(story, today-28, today-1)
	views := func(keep func(path string) bool) int64 {
		n := 0
		for _, a := range last {
			if a.kind == hit.Pageview && keep(a.path) {
				n++
			}
		}
		return int64(n)
	}
	form := b.get("/sites/1/settings").form()
	form.Set("exclude", "/aktuelt*")
	form.Set("path-rules", "/tjenester/*")
	form.Set("ignore-referrers", "default,nav.no")
	form.Set("do", "preview")
	page := b.post("/sites/1/settings", form, "Accept-Language", "nb")
	page.want(http.StatusOK)
	l, all := nb(), views(func(string) bool { return true })
	out := views(func(path string) bool { return strings.HasPrefix(path, "/aktuelt") })
	moved := views(func(path string) bool { return path == "/tjenester/arbeid-og-inkludering" })
	visits := map[*visit]bool{}
	for _, a := range last {
		if a.visit.source == "nav.no" && a.kind != hit.Goal {
			visits[a.visit] = true
		}
	}
	text := page.text("section:has(#preview-title)")
	for _, want := range []string{
		"Utelatt: " + l.Number(out) + " av " + l.Number(all) + " sidevisninger, på 3 sider.",
		"Under en annen adresse: " + l.Number(moved) + " av " + l.Number(all) + " sidevisninger, på én side.",
		"/tjenester/arbeid-og-inkludering/tjenester/[*]" + l.Number(moved),
		l.Counted("preview.direct", int64(len(visits))),
	} {
		if !strings.Contains(strings.ReplaceAll(text, "\u00a0", " "), strings.ReplaceAll(want, "\u00a0", " ")) {
			t.Errorf("the effect lacks %q:\n%s", want, text)
		}
	}
	if s, _ := b.store.Site(t.Context(), 1); len(s.Excluded) > 0 {
		t.Error("stored before anybody said so")
	}
}

// TestWaiting: the page of a new site tells why hits were excluded and what to do, and gives
// way to figures once one has come.
func TestWaiting(t *testing.T) {
	at := moment.Add(-time.Minute)
	drops := []hit.Drop{
		{LedgerEntry: hit.LedgerEntry{Reason: hit.ForeignHost, Name: "test.one.example", Day: calendar.DayOf(at), Count: 2}, Last: at},
		{LedgerEntry: hit.LedgerEntry{Reason: hit.Objection, Day: calendar.DayOf(at), Count: 1}},
	}
	b := newBench(t, func(o *dashboard.Options) { o.Drops = func(uint32) []hit.Drop { return drops } })
	one := b.addSite("One", "one.example", "Europe/Oslo")
	b.logInAdmin()
	page := b.get("/sites/1", "Accept-Language", "nb")
	page.want(http.StatusOK)
	if got := page.text("#live"); !strings.HasPrefix(got, "Ingen treff ennå. 2 treff kom, men ble utelatt: test.one.example står ikke på lista over verter. Legg til verten Ett treff kom, men ble utelatt: Nettleseren sa nei") {
		t.Errorf("the page says %q", got)
	}
	if !strings.Contains(page.text("#snippet"), "data-site") || !strings.Contains(page.body, `<noscript><meta http-equiv="refresh"`) {
		t.Error("the page has no code, or does not look by itself without a script")
	}
	link := page.Find("#live a").AttrOr("href", "")
	form := b.get(link).form()
	if got := strings.Fields(form.Get("host")); !slices.Equal(got, []string{"one.example", "test.one.example"}) {
		t.Errorf("%s fills in %q", link, got)
	}
	b.post("/sites/1/settings", form).want(http.StatusOK)
	if s, _ := b.store.Site(t.Context(), 1); !s.Owns("test.one.example") {
		t.Errorf("the site has the hosts %v", s.Hosts)
	}
	row := hit.Row{Site: one.ID, Time: moment, Day: calendar.DayOf(moment), Kind: hit.Pageview, Path: "/", Pageviews: 1, Visits: 1, Visitors: 1}
	put(t, b.store, "first", []hit.Row{row})
	if page := b.get("/sites/1", "Accept-Language", "nb"); page.Find("[data-live]").Length() != 0 || page.Find("#figure-visitors").Length() != 1 {
		t.Error("after the first hit the page still waits")
	}
	if got := b.get("/sites/1/settings", "Accept-Language", "nb").text("#live > p"); got != "Siste treff kom kl. 17.37.20. Ett treff de siste 30 minuttene." {
		t.Errorf("of the first hit the settings say %q", got)
	}
}

// TestDropsOfTheLedger: a dashboard in its own process tells the reasons that the ledger
// has.
func TestDropsOfTheLedger(t *testing.T) {
	b := newBench(t)
	one := b.addSite("One", "one.example", "Europe/Oslo")
	putLedger(t, b.store, "excluded", []hit.LedgerEntry{{Site: one.ID, Day: calendar.DayOf(moment), Reason: hit.ExcludedNetwork, Count: 4}})
	b.logIn()
	page := b.get("/sites/1", "Accept-Language", "nb")
	if got := page.text("#live"); got != "Ingen treff ennå. 4 treff kom, men ble utelatt: Nettverket er blant dem som utelates." {
		t.Errorf("a viewer reads %q", got)
	}
}

// TestSuggestions: a suggestion is put into its field in all languages, is not stored before the
// owner says so, and leaves what else was typed. One with a blank leaves the statement unfinished.
func TestSuggestions(t *testing.T) {
	b := newBench(t)
	b.addSite("One", "one.example", "Europe/Oslo")
	b.logInAdmin()
	page := b.get("/sites/1/settings")
	for _, d := range privacy.Declarations {
		if n := page.Find("div.field:has(#" + d.Key + ") button").Length(); n != len(d.Suggestions) {
			t.Errorf("%s has %d buttons, want %d", d.Key, n, len(d.Suggestions))
		}
		for _, do := range d.Suggestions {
			form := page.form()
			form.Set("name", "Typed")
			form.Set("do", do)
			answer := b.post("/sites/1/settings", form)
			answer.want(http.StatusOK)
			shown := answer.form()
			for _, l := range i18n.All() {
				if !strings.Contains(shown.Get(d.Key), l.Tag+": "+l.Say(do)) {
					t.Errorf("%s: the field has %q, without that in %s", do, shown.Get(d.Key), l.Tag)
				}
			}
			if shown.Get("name") != "Typed" {
				t.Errorf("%s: of another field %q is kept", do, shown.Get("name"))
			}
		}
	}
	form := page.form()
	form.Set("do", "suggest.nothing")
	b.post("/sites/1/settings", form)
	if s, _ := b.store.Site(t.Context(), 1); s.Name != "One" || s.Declared != (privacy.Declared{}) {
		t.Errorf("stored already: %+v", s.Declared)
	}
}

// TestUnfinishedStatement: administrators read on the overview what the statement lacks, until
// it lacks nothing; others do not.
func TestUnfinishedStatement(t *testing.T) {
	b := newBench(t)
	one := b.addSite("One", "one.example", "Europe/Oslo")
	put(t, b.store, "story", rowsOf(one, tell(1, one, calendar.DayOf(moment)-10, calendar.DayOf(moment), 5, moment)))
	b.logIn()
	notices := func() string { return b.get("/sites/1", "Accept-Language", "nb").text(".notice") }
	if got := notices(); got != "" {
		t.Errorf("a viewer reads %q", got)
	}
	b.client = b.newClient()
	b.addUser("boss", site.Admin, userPass)
	b.post("/login", credentials("boss", userPass)).want(http.StatusOK)
	if got, want := notices(), "Personvernerklæringen er ikke ferdig. Den offentlige siden sier at dette ikke er fylt ut: Behandlingsansvarlig, Kontakt, Personvernombud, Formål, Behandlingsgrunnlag, Mottakere og databehandler og Land utenfor EØS. Fyll ut"; got != want {
		t.Errorf("of no declarations an administrator reads %q, want %q", got, want)
	}
	form := b.get("/sites/1/settings").form()
	for _, d := range privacy.Declarations {
		form.Set(d.Key, "Fylt ut")
	}
	form.Set("basis", "Etter […].")
	b.post("/sites/1/settings", form).want(http.StatusOK)
	if got := notices(); !strings.Contains(got, "ikke er fylt ut: Behandlingsgrunnlag. Fyll ut") {
		t.Errorf("with a blank an administrator reads %q", got)
	}
	form = b.get("/sites/1/settings").form()
	form.Set("basis", "Etter loven.")
	b.post("/sites/1/settings", form).want(http.StatusOK)
	if got := notices(); got != "" {
		t.Errorf("of a finished statement an administrator reads %q", got)
	}
}
