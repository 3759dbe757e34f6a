package script_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// newApart makes a website that shares no cookies with the statistics server. Its pages
// have Matomo's snippet with the calls that before holds when they are loaded.
func newApart(t *testing.T, before *atomic.Value) *world {
	t.Helper()
	w := newWorldWith(t, func(stats string) string { return matomoSnippet(before.Load().(string), "")(stats) })
	w.website.URL = strings.Replace(w.website.URL, "127.0.0.1", "localhost", 1)
	w.beforeScripts(leave)
	return w
}

// calls are what a page's snippet does next. The page's server reads them while a test
// may change them.
func calls(text string) *atomic.Value {
	var v atomic.Value
	v.Store(text)
	return &v
}

// openWith opens /a in a browser that holds some cookies of the website and no others.
func (w *world) openWith(cookies ...string) {
	w.t.Helper()
	w.holdCookies(strings.Join(cookies, "\n"))
	w.open("/a")
	w.expectMatomo()
}

// openApart opens /a of a website with some calls in Matomo's snippet.
func openApart(t *testing.T, before string) *world {
	t.Helper()
	w := newApart(t, calls(before))
	w.open("/a")
	w.expectMatomo()
	return w
}

// cookies returns what the browser holds of the website, but for times.
func (w *world) cookies() string {
	w.t.Helper()
	return regexp.MustCompile(`=\d{13}`).ReplaceAllString(ask[string](w, "document.cookie"), "=TIME")
}

func TestConsentInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	needScript(t)
	view := sent{"view", "/a", ""}

	before := calls("")
	old := newApart(t, before)
	// What Matomo's script left on the website holds, as it does for Matomo's script.
	for _, tt := range []struct {
		name, cookie, before string
		want                 []sent
	}{
		{"an objection", "mtm_consent_removed=1772366399000", "", nil},
		{"an objection of a site that requires consent", "mtm_consent_removed=1772366399000", `_paq.push(['requireConsent']);`, nil},
		{"an objection beside an older consent", "mtm_consent=1772366398000; path=/", `document.cookie = "mtm_consent_removed=1772366399000"; _paq.push(['requireConsent']);`, nil},
		{"an objection on a page whose form hides cookies", "mtm_consent_removed=1", `document.body.insertAdjacentHTML("beforeend", "<form name=cookie></form>");`, nil},
		{"a consent that follows an objection", "mtm_consent_removed=1772366399000", `_paq.push(['requireConsent'], ['setConsentGiven']);`, []sent{view}},
		{"an objection at our own box, and a consent tool that gives consent at every page", "mtm_consent_removed=1", `_paq.push(['requireConsent'], ['setConsentGiven']);`, nil},
		{"an objection at Matomo's box", "matomo_ignore=ignore%3D%2A", `_paq.push(['setConsentGiven']);`, nil},
		{"a consent", "mtm_consent=1772366399000", `_paq.push(['requireConsent']);`, []sent{view}},
		{"no consent", "other=1", `_paq.push(['requireConsent']);`, nil},
		{"a consent to cookies, which is none to be counted", "mtm_cookie_consent=1772366399000", `_paq.push(['requireConsent']);`, nil},
		{"a consent to cookies, which are not needed to count", "mtm_cookie_consent=1772366399000", `_paq.push(['requireCookieConsent']);`, []sent{view}},
		{"cookies of a visitor", "_pk_id.7.1fff=0123456789abcdef.1772366399.", "", []sent{view}},
	} {
		t.Log(tt.name)
		before.Store(tt.before)
		old.openWith(tt.cookie)
		old.expectOnly(tt.want...)
		old.open("/own.js")
		if tt.want != nil {
			old.expect(sent{"ping=1", "/a", ""})
		}
	}

	t.Run("choices", func(t *testing.T) {
		w := newApart(t, calls(""))
		for _, tt := range choices {
			t.Log(tt.cookies)
			w.openWith(strings.Split(tt.cookies, "\n")...)
			if out := ask[bool](w, `Matomo.getAsyncTracker().isUserOptedOut()`); out != tt.out {
				t.Errorf("opted out: %t, want %t", out, tt.out)
			}
			if tt.out {
				w.expectOnly()
				continue
			}
			w.expect(view)
			w.js(`document.cookie = "mtm_consent_removed=1;path=/"`)
			w.expectOnly()
		}

		// Of two that are kept, the one that holds longer outlives a consent.
		for cookies, stays := range map[string]bool{
			"mtm_consent_removed=2;path=/\nmtm_consent_removed=2;path=/;domain=localhost": false,
			"mtm_consent_removed=2;path=/a\nmtm_consent_removed=1;path=/":                 true,
			"mtm_consent_removed=2;path=/a\nmtm_consent_removed=1772366399000;path=/":     true,
			"mtm_consent_removed=1;path=/a\nmtm_consent_removed=2;path=/":                 true,
			"mtm_consent_removed=%7B%7D;path=/":                                           true,
		} {
			t.Log(cookies)
			w.openWith(strings.Split(cookies, "\n")...)
			before := w.cookies()
			w.js(`dispatchEvent(new CustomEvent("toggle-consent", {detail: {statistics: true}})); _paq.push(["trackPageView"])`)
			if after := w.cookies(); stays && after != before || !stays && after != "" {
				t.Errorf("cookies %q, before the consent %q", after, before)
			}
			w.js(`document.cookie = "mtm_consent_removed=1;path=/"`)
			if stays {
				w.expectOnly()
			} else {
				w.expectOnly(view)
			}
		}
	})

	t.Run("asked", func(t *testing.T) {
		before := calls(`_paq.push(['requireConsent']);`)
		w := newApart(t, before)
		w.openWith("mtm_consent=1772366399000", "mtm_cookie_consent=1772366398000")
		got := ask[string](w, `(({hasConsent, hasRememberedConsent, getRememberedConsent, getRememberedCookieConsent, isUserOptedOut, isConsentRequired}) =>
			[hasConsent(), hasRememberedConsent(), getRememberedConsent(), getRememberedCookieConsent(), isUserOptedOut(), isConsentRequired()].join())(Matomo.getAsyncTracker())`)
		if want := "true,true,1772366399000,1772366398000,false,true"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		before.Store("")
		w.openWith("mtm_consent_removed=1772366399000", "mtm_consent=1772366399000")
		got = ask[string](w, `(({hasConsent, getRememberedConsent, isUserOptedOut, isConsentRequired}) =>
			[hasConsent(), getRememberedConsent(), isUserOptedOut(), isConsentRequired()].join())(Matomo.getAsyncTracker())`)
		if want := "false,,true,false"; got != want {
			t.Errorf("with an objection: %s, want %s", got, want)
		}
	})

	t.Run("left", func(t *testing.T) {
		before := calls(`_paq.push(['disableCookies']);`)
		w := newApart(t, before)
		w.openWith("_pk_id.7.1fff=0123456789abcdef.1772366399.", "_pk_ses.7.1fff=1", "other=_pk_x", "mtm_cookie_consent=1772366399000")
		if got := w.cookies(); got != "other=_pk_x; mtm_cookie_consent=TIME" {
			t.Errorf("cookies %q", got)
		}
		w.js(`_paq.push(["forgetCookieConsentGiven"])`)
		if got := w.cookies(); got != "other=_pk_x" {
			t.Errorf("cookies %q", got)
		}
		w.js(`_paq.push(["rememberCookieConsentGiven", 1])`) // there are none to consent to
		if got := w.cookies(); got != "other=_pk_x" {
			t.Errorf("cookies %q", got)
		}
	})

	t.Run("given", func(t *testing.T) {
		w := openApart(t, `_paq.push(['trackEvent', 'Early', 'Bird']); _paq.push(['requireConsent']);`)
		if ask[bool](w, `Matomo.getAsyncTracker().hasConsent() || !Matomo.getAsyncTracker().isConsentRequired()`) {
			t.Error("there is consent, or none is required")
		}
		w.js(`leave()`)
		w.expectOnly()
		w.js(`_paq.push(["setConsentGiven"])`)
		w.expectOnly(view, sent{"ca=1&e_a=Bird&e_c=Early", "/a", ""})
		if got := w.cookies(); got != "" {
			t.Errorf("cookies %q, want none", got)
		}
		w.open("/b") // nothing is remembered
		w.expect(sent{"ping=1", "/a", ""})
		w.expectMatomo()
		w.expectOnly()
	})

	t.Run("remembered", func(t *testing.T) {
		w := openApart(t, `_paq.push(['requireConsent']);`)
		w.js(`_paq.push(["rememberConsentGiven", 24])`)
		w.expectOnly(view)
		if got := w.cookies(); got != "mtm_consent=TIME" || !ask[bool](w, `+Matomo.getAsyncTracker().getRememberedConsent() % 864e5 === 0`) {
			t.Errorf("cookies %q, want that of a consent, with a day and no time", got)
		}
		w.open("/b")
		w.expect(sent{"ping=1", "/a", ""}, sent{"view", "/b", ""})
		w.expectMatomo()
		w.js(`_paq.push(["forgetConsentGiven"]); _paq.push(["trackEvent", "Late", "Owl"]); leave()`)
		w.expectOnly()
		if got := w.cookies(); got != "mtm_consent_removed=2" {
			t.Errorf("cookies %q, want a withdrawal alone", got)
		}
		w.open("/a")
		w.expectMatomo()
		w.expectOnly()
		w.js(`_paq.push(["setConsentGiven"])`)
		w.expectOnly(view)
		if got := w.cookies(); got != "" {
			t.Errorf("cookies %q, want none", got)
		}
	})

	t.Run("queued", func(t *testing.T) {
		w := openApart(t, `_paq.push(['requireConsent']); _paq.push(['setConsentGiven']);`)
		w.expectOnly(view)
	})

	t.Run("out", func(t *testing.T) {
		w := openApart(t, `_paq.push(['requireConsent']);`)
		w.js(`_paq.push(["optUserOut"]); _paq.push(["setConsentGiven"]); _paq.push(["trackPageView"]); leave()`)
		w.expectOnly()
		if !ask[bool](w, `Piwik.getAsyncTracker().isUserOptedOut()`) {
			t.Error("not opted out")
		}
		if got := w.cookies(); got != "mtm_consent_removed=1" {
			t.Errorf("cookies %q, want the objection alone", got)
		}
		w.open("/a") // where it holds
		w.expectMatomo()
		w.js(`_paq.push(["setConsentGiven"], ["trackPageView"])`)
		w.expectOnly()
		w.js(`_paq.push(["forgetUserOptOut"]); _paq.push(["trackPageView"])`)
		w.expectOnly(view) // not what came before
		if got := w.cookies(); got != "" {
			t.Errorf("cookies %q, want none", got)
		}
	})

	t.Run("dialogue", func(t *testing.T) {
		before := calls("")
		w := newApart(t, before)
		say := func(statistics string) {
			t.Helper()
			w.js(`document.body.dispatchEvent(new CustomEvent("toggle-consent", {bubbles: true, detail: ` + statistics + `})); _paq.push(["trackPageView"])`)
		}
		before.Store(`_paq.push(['requireConsent']);`)
		w.openWith()
		w.js(`dispatchEvent(new CustomEvent("toggle-consent", {detail: {statistics: false}})); _paq.push(["trackEvent", "Under", "objection"]);
			dispatchEvent(new CustomEvent("toggle-consent", {detail: {marketing: true}})); _paq.push(["trackEvent", "Under", "objection"]);
			dispatchEvent(new CustomEvent("toggle-consent", {detail: {statistics: true}})); _paq.push(["setConsentGiven"])`)
		w.expectOnly()
		before.Store("")
		w.openWith()
		w.expectOnly(view)
		for _, nothing := range []string{"null", "{}", "{marketing: false}", "{statistics: true}"} {
			say(nothing)
			w.expectOnly(view)
		}
		say("{statistics: false}")
		w.expectOnly()
		if got := w.cookies(); got != "mtm_consent_removed=2" {
			t.Errorf("cookies %q", got)
		}
		say("{statistics: true}")
		w.expectOnly(view) // not what was done under the objection
		if got := w.cookies(); got != "" {
			t.Errorf("cookies %q", got)
		}
		for _, choice := range []string{"1", "1772366399000"} { // which are no dialogue's
			w.js(`document.cookie = "mtm_consent_removed=` + choice + `;path=/"`)
			say("{statistics: false}")
			say("{statistics: true}")
			w.expectOnly()
			if got := ask[string](w, "document.cookie"); got != "mtm_consent_removed="+choice {
				t.Errorf("cookies %q", got)
			}
		}
	})

	t.Run("sandbox", func(t *testing.T) {
		w := newWorldWith(t, matomoSnippet("", ""))
		w.beforeScripts(leave + `; Object.defineProperty(Document.prototype, "cookie", {get() { throw new Error("sandbox") }, set() { throw new Error("sandbox") }})`)
		w.open("/a")
		w.expect(view)
		w.expectMatomo()
		w.js(`_paq.push(["optUserOut"], ["trackPageView"]); leave()`)
		w.expectOnly()
	})

	t.Run("part", func(t *testing.T) {
		before := calls(`_paq.push(['setCookieDomain', '*.localhost'], ['setCookiePath', '/a']);`)
		w := newApart(t, before)
		w.openWith("mtm_consent_removed=1772366399000;path=/a")
		w.expectOnly()
		w.js(`_paq.push(["forgetUserOptOut"], ["trackPageView"])`)
		w.expectOnly(view)
		w.js(`_paq.push(["optUserOut"])`)
		if got := w.cookies(); got != "mtm_consent_removed=1" {
			t.Errorf("cookies %q, want the objection", got)
		}
		w.open("/b")
		w.expect(sent{"view", "/b", ""})
	})
}

// TestReferrersInBrowser: what a page says of referrers, campaigns and fragments.
func TestReferrersInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	needScript(t)
	for _, tt := range []struct{ calls, referrer, url, want string }{
		{`["setExcludedReferrers", "pay.example"]`, "https://pay.example/x", "", ""},
		{`["setExcludedReferrers", "pay.example"]`, "https://www.pay.example/x", "", ""},
		{`["setExcludedReferrers", ["a.example", "https://www.pay.example/"]]`, "http://pay.example/", "", ""},
		{`["setExcludedReferrers", [".pay.example"]]`, "https://se.pay.example/?id=1", "", ""},
		{`["setExcludedReferrers", ["*.pay.example/checkout"]]`, "https://pay.example/checkout/2", "", ""},
		{`["setExcludedReferrers", ["*.pay.example/checkout"]]`, "https://pay.example/checkouts", "", "https://pay.example/checkouts"},
		{`["setExcludedReferrers", ["pay.example"]]`, "https://notpay.example/", "", "https://notpay.example/"},
		{`["setExcludedReferrers", []]`, "https://pay.example/", "", "https://pay.example/"},
		{`["setExcludedReferrers", ["pay.example"]]`, "", "", ""},
		{`["setReferrerUrlMaxLength", 21]`, "https://pay.example/abcdef", "", "https://pay.example/a"},
		{`["setIgnoreCampaignsForReferrers", "pay.example"]`, "https://pay.example/", "/a?utm_source=x&q=1#mtm_campaign=y", "https://pay.example/"},
		{`["discardHashTag", true]`, "", "/a?mtm_campaign=x#top", ""},
	} {
		w := openApart(t, "")
		w.expect(sent{"view", "/a", ""})
		url := tt.url
		switch {
		case strings.Contains(tt.calls, "IgnoreCampaigns"):
			url = "/a?q=1"
		case strings.Contains(tt.calls, "discard"):
			url = "/a?mtm_campaign=x"
		case url == "":
			url = "/a"
		}
		w.js(fmt.Sprintf(`_paq.push(%s, ["setReferrerUrl", %q], ["setCustomUrl", %q || "/a"], ["trackPageView"])`, tt.calls, tt.referrer, tt.url))
		t.Log(tt.calls, tt.referrer)
		w.expect(sent{"view", url, tt.want})
	}
	w := openApart(t, "")
	w.expect(sent{"view", "/a", ""})
	w.js(`_paq.push(["setIgnoreCampaignsForReferrers", ["pay.example"]], ["setReferrerUrl", "https://other.example/"], ["setCustomUrl", "/a?utm_source=x"], ["trackPageView"])`)
	w.expect(sent{"view", "/a?utm_source=x", "https://other.example/"})
	w.js(`document.body.insertAdjacentHTML("beforeend", '<a id="out" href="https://x.example/">x</a>');
		document.querySelector("#out").onclick = (e) => e.preventDefault();
		const click = (n) => { for (let i = 0; i < n; i++) document.querySelector("#out").click() };
		_paq.push(["setCustomUrl", "/a"], ["setReferrerUrl", ""], ["disableLinkTracking"]); click(2);
		_paq.push(["addListener", document.querySelector("#out")]); click(1);
		_paq.push(["enableLinkTracking"]); click(1)`)
	w.expectOnly(sent{"ca=1&link=https://x.example/", "/a", ""}, sent{"ca=1&link=https://x.example/", "/a", ""})
	if got := ask[string](w, `(() => { const tracker = Matomo.getAsyncTracker(); let order = [];
		tracker.trackCallbackOnReady(() => order.push("ready")); tracker.trackCallbackOnLoad(() => order.push("load"));
		tracker.killFrame(); tracker.redirectFile("https://x.example/");
		return order + " " + location.pathname })()`); got != "ready,load /a" {
		t.Errorf("%q", got)
	}
}

// tableRow is a row of the table of methods in docs/moving-from-matomo.md.
var tableRow = regexp.MustCompile("(?m)^\\| (`\\w+`(?:, `\\w+`)*) \\| (.*) \\|$")

// TestMethods: each method of Matomo's reference is in the table of the documentation,
// which is what the code says, and is named on the console if the table says so.
func TestMethods(t *testing.T) {
	docs, err := os.ReadFile("../../docs/moving-from-matomo.md")
	if err != nil {
		t.Fatal(err)
	}
	reference, err := os.ReadFile("testdata/methods.txt")
	if err != nil {
		t.Fatal(err)
	}
	about := map[string]string{}
	_, table, _ := strings.Cut(string(docs), "<!-- table of methods")
	table, _, _ = strings.Cut(table, "<!-- end of table -->")
	for _, row := range tableRow.FindAllStringSubmatch(table, -1) {
		for name := range strings.SplitSeq(strings.ReplaceAll(row[1], "`", ""), ", ") {
			if about[name] != "" {
				t.Errorf("%s is in two rows", name)
			}
			about[name] = row[2]
		}
	}
	for name := range strings.FieldsSeq(string(reference)) {
		if about[name] == "" {
			t.Errorf("%s of Matomo's reference is in no row", name)
		}
	}
	t.Run("table", func(t *testing.T) {
		table, err := exec.Command("node", "table.mjs", "--print").Output()
		if err != nil {
			missing(t, "node table.mjs: "+err.Error())
		}
		if !strings.Contains(string(docs), "-->\n"+string(table)+"<!-- end of table -->") {
			t.Error("docs/moving-from-matomo.md: the table is not what go generate makes of the code")
		}
	})
	t.Run("in browser", func(t *testing.T) {
		if testing.Short() {
			t.Skip("long")
		}
		needScript(t)
		w := newWorldWith(t, matomoSnippet("", ""))
		w.beforeScripts(`window.said = []; console.warn = (text) => said.push(text)`)
		w.open("/a")
		w.expectMatomo()
		var want []string
		for name, text := range about {
			if strings.HasPrefix(text, "of `Matomo` itself") { // which TestMatomoInBrowser calls
				continue
			}
			if got := ask[string](w, `typeof Matomo.getAsyncTracker().`+name); got != "function" {
				t.Errorf("%s: %s", name, got)
			}
			if strings.HasPrefix(text, "named once on the console") {
				want = append(want, fmt.Sprintf(`Fotspor: %s() does nothing here`, name))
			}
			if !strings.HasPrefix(text, "work") { // these do things
				w.js(fmt.Sprintf(`for (let i = 0; i < 2; i++) { _paq.push([%[1]q, 1, "x"]); Matomo.getAsyncTracker().%[1]s(1, "x") }`, name))
			}
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, ask[[]string](w, "said.sort()")); diff != "" {
			t.Errorf("on the console (-want +got):\n%s", diff)
		}
	})
}
