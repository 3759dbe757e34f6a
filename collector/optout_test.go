package collector_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/fotspor/fotspor/collector"
	"github.com/fotspor/fotspor/collector/dialect/matomo"
	"github.com/fotspor/fotspor/collector/script"
	"github.com/fotspor/fotspor/internal/chromium"
	"github.com/fotspor/fotspor/internal/patience"
	"github.com/fotspor/fotspor/site"
)

// box is a website with a box for its visitors' choice, at another origin than that of
// the server, and a browser that looks at it.
type box struct {
	*rig
	stats, website string
	html           string // of the page, in which STATS is the server
	tab            *chromium.Tab
}

const (
	matomoTag  = `<script>var _paq = [["setTrackerUrl", "STATS/matomo.php"], ["setSiteId", 3]];</script><script src="STATS/matomo.js"></script>`
	fotsporTag = `<script defer src="STATS/fotspor.js" data-site="3"></script>`
	frameTag   = `<iframe width="600" height="200" src="STATS/index.php?module=CoreAdminHome&amp;action=optOut&amp;language=nn"></iframe>`
)

func newBox(t *testing.T, change func(*collector.Options)) *box {
	t.Helper()
	if testing.Short() {
		t.Skip("long")
	}
	if err := script.Check(); err != nil {
		t.Skip("SKIPPED: ", err)
	}
	b := &box{rig: newRig(t, change)}
	b.sites = append(b.sites, site.Site{ID: 3, Name: "Boks", Hosts: []string{"localhost"}, Location: time.UTC})
	if err := b.options.Sites.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	stats := httptest.NewServer(b.mux)
	t.Cleanup(stats.Close)
	website := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="nb"><title>x</title><link rel="icon" href="data:,"><body>%s`, strings.ReplaceAll(b.html, "STATS", b.stats))
	}))
	t.Cleanup(website.Close)
	b.stats, b.website = stats.URL, strings.Replace(website.URL, "127.0.0.1", "localhost", 1)
	// In one process, the test sees into the frame.
	b.tab = chromium.Open(t, chromedp.Flag("disable-features", "IsolateOrigins,site-per-process"), chromedp.Flag("disable-site-isolation-trials", true))
	return b
}

func (b *box) open(html string) {
	b.tb.Helper()
	b.html = html
	b.tab.Do(chromedp.Navigate(b.website + "/"))
}

// in evaluates an expression in the page, or in one of its frames, from 1.
func (b *box) in(frame int, expression string) string {
	b.tb.Helper()
	tree := chromium.Call(b.tab, page.GetFrameTree, cdp.Empty{}).FrameTree
	if frame > 0 {
		if len(tree.ChildFrames) < frame {
			return ""
		}
		tree = tree.ChildFrames[frame-1]
	}
	world := chromium.Call(b.tab, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: tree.Frame.ID})
	by := true
	result := chromium.Call(b.tab, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, ContextID: world.ExecutionContextID, ReturnByValue: &by})
	if result.ExceptionDetails != nil {
		return "exception"
	}
	var text string
	json.Unmarshal(result.Result.Value, &text)
	return text
}

// says waits until the box says something.
func (b *box) says(frame int, want string) {
	b.tb.Helper()
	deadline := time.Now().Add(patience.Of(time.Minute))
	for {
		got := b.in(frame, `(document.querySelector("[role=status]") || {textContent: ""}).textContent`)
		if strings.Contains(got, want) && want != "" || got == want {
			return
		}
		if time.Now().After(deadline) {
			b.tb.Fatalf("the box says %q, want %q", got, want)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func (b *box) press(frame int) {
	b.tb.Helper()
	if got := b.in(frame, `(document.querySelector("button").click(), "pressed")`); got != "pressed" {
		b.tb.Fatalf("the button can't be pressed: %q", got)
	}
}

func (b *box) expectCookies(want string) {
	b.tb.Helper()
	if got := b.in(scriptPage, "document.cookie"); got != want {
		b.tb.Errorf("the website's cookies are %q, want %q", got, want)
	}
}

// views sends page views from the page, and returns how many are counted.
func (b *box) views() int {
	b.tb.Helper()
	before := b.counts()
	chromium.Run(b.tab, chromedp.Evaluate[string](`new Promise((done) => {
		if (window._paq) _paq.push(["trackPageView"]);
		const image = new Image();
		image.onload = image.onerror = () => done("");
		image.src = "`+b.stats+`/pixel.gif?site=3&r=" + Math.random() + "&url=" + encodeURIComponent(location.href);
	})`, chromedp.EvalAwaitPromise))
	// The hit of a script may be slower than the image.
	for deadline := time.Now().Add(patience.Of(time.Second / 2)); b.counts()["matomo"] == before["matomo"] && time.Now().Before(deadline); {
		<-time.After(5 * time.Millisecond)
	}
	after := b.counts()
	return after["matomo"] + after["pixel"] - after["objection"] - before["matomo"] - before["pixel"] + before["objection"]
}

// The texts of the boxes, in the language of the page or of the frame.
const (
	countedNB, outNB      = "telles, uten at vi", "telles ikke"
	countedNN, outNN      = "blir talde, utan", "blir ikkje talde"
	unsureNN              = "med mindre nettstaden sjølv har lagra eit val"
	lostNN                = "tok ikkje vare på valet"
	objects               = "Det respekterer vi"
	keptHere              = "mtm_consent_removed=1"
	scriptPage, framePage = 0, 1
)

// TestFrameInBrowser: the choice in the frame is passed to the page around it, and its tracker
// honours it. Without a tracker the server's own cookie keeps it, and the server honours it.
// If neither works, the box says so.
func TestFrameInBrowser(t *testing.T) {
	b := newBox(t, nil)
	t.Log("with a tracker")
	b.open(frameTag + matomoTag)
	b.says(framePage, countedNN+" at vi veit kven du er.") // which the tracker has told
	if got := b.views(); got != 2 {
		t.Errorf("%d views are counted before a choice, want 2", got)
	}
	b.press(framePage)
	b.says(framePage, outNN)
	b.expectCookies(keptHere)
	if got := b.views(); got != 1 { // that of the image, which no script keeps back
		t.Errorf("%d views are counted after the choice, want 1", got)
	}
	b.open(frameTag + matomoTag)
	b.says(framePage, outNN)
	b.press(framePage)
	b.says(framePage, countedNN)
	b.expectCookies("")
	if got := b.views(); got != 2 {
		t.Errorf("%d views are counted after all, want 2", got)
	}

	t.Log("without a tracker")
	b.open(frameTag)
	b.says(framePage, countedNN)
	b.press(framePage)
	b.says(framePage, outNN)
	b.expectCookies("")
	if got := b.views(); got != 0 {
		t.Errorf("%d views are counted after the choice, want none", got)
	}
	b.open(frameTag + matomoTag) // which asks nobody else
	b.says(framePage, outNN)
	if got := b.views(); got != 0 {
		t.Errorf("%d views are counted with the server's cookie, want none", got)
	}
	b.press(framePage)
	b.says(framePage, countedNN)
	if got := b.views(); got != 2 {
		t.Errorf("%d views are counted after all, want 2", got)
	}

	t.Log("with fotspor.js")
	b.open(frameTag + fotsporTag)
	b.says(framePage, countedNN+" at vi veit kven du er.")
	b.press(framePage)
	b.says(framePage, outNN)
	b.expectCookies(keptHere)
	before := b.counts()["matomo"]
	b.open(frameTag + fotsporTag)
	b.says(framePage, outNN)
	if got := b.counts()["matomo"]; got != before {
		t.Errorf("%d hits of a visitor who said no", got-before)
	}
	// As Matomo may have kept it, for a domain above the host.
	chromium.Run(b.tab, chromedp.Evaluate[string](`document.cookie = "mtm_consent_removed=1772366399000;path=/;domain=localhost"`))
	b.press(framePage)
	b.says(framePage, countedNN)
	b.expectCookies("")

	t.Log("with fotspor.js that is pinned, which runs nothing else")
	chromium.Run(b.tab, chromedp.Evaluate[string](`document.cookie = "mtm_consent_removed=1;path=/;max-age=9"`))
	pin, err := script.Integrity(false)
	if err != nil {
		t.Fatal(err)
	}
	b.open(frameTag + strings.Replace(fotsporTag, "defer", `defer crossorigin integrity="`+pin+`"`, 1))
	b.says(framePage, unsureNN)
	chromium.Run(b.tab, chromedp.Evaluate[string](`document.cookie = "mtm_consent_removed=;path=/;max-age=0"`))

	t.Log("where nothing can be kept")
	b.open(strings.Replace(frameTag, "<iframe ", `<iframe sandbox="allow-scripts" `, 1))
	b.says(framePage, countedNN)
	b.press(framePage)
	b.says(framePage, lostNN)

	t.Log("in the language of the page, with its site")
	for _, tag := range []string{matomoTag, fotsporTag} {
		b.open(strings.NewReplacer("&amp;language=nn", "", "<iframe", `<iframe onload="window.loads = 1 + (window.loads || 0)"`).Replace(frameTag) + tag)
		chromium.Run(b.tab, chromedp.Evaluate[string](`new Promise((done) => { const look = () => window.loads > 1 ? done("") : setTimeout(look, 10); look() })`, chromedp.EvalAwaitPromise))
		b.says(framePage, countedNB)
		if got := b.in(framePage, `document.querySelector("a").href`); got != b.stats+"/privacy/3?lang=nb" {
			t.Errorf("the statement is at %q", got)
		}
	}

	t.Log("beside a box of the page's own, with an older cookie of Matomo's")
	const script = `<div id="optout"></div><script type="module" src="STATS/index.php?module=CoreAdminHome&amp;action=optOutJS&amp;divId=optout&amp;idsite=3"></script>`
	for _, tag := range []string{matomoTag, fotsporTag} {
		chromium.Run(b.tab, chromedp.Evaluate[string](`document.cookie = "piwik_ignore=ignore%3D%2A;path=/"`))
		b.open(frameTag + script + tag)
		b.says(framePage, outNN)
		b.says(scriptPage, outNB)
		if got := b.in(scriptPage, `document.querySelector("#optout a").href`); got != b.stats+"/privacy/3" {
			t.Errorf("the statement is at %q", got)
		}
		b.press(scriptPage)
		b.says(framePage, countedNN)
		b.says(scriptPage, countedNB)
		b.press(framePage)
		b.says(framePage, outNN)
		b.says(scriptPage, outNB)
		b.press(scriptPage)
		b.says(framePage, countedNN)
		b.says(scriptPage, countedNB)
		b.expectCookies("")
	}

	t.Log("strangers")
	for _, tag := range []string{matomoTag, fotsporTag} {
		// The module that fotspor.js loads is there before the messages come.
		b.open(tag + `<script type="module">
			await import("STATS/optout.js");
			addEventListener("message", (e) => { window.heard = 1 + (window.heard || 0) });
			postMessage({fotspor: "optout", out: true}, "*");
			document.body.insertAdjacentHTML("beforeend", "<iframe srcdoc=\"<script>parent.postMessage({fotspor: 'optout', out: true}, '*')<\/script>\"></iframe>");
		</script>`)
		for deadline := time.Now().Add(patience.Of(time.Minute)); chromium.Run(b.tab, chromedp.Evaluate[string](`"" + window.heard`)) != "2"; { // both have come
			if time.Now().After(deadline) {
				t.Fatal("the messages do not come")
			}
		}
		b.expectCookies("")
	}
}

// TestFrameOfAnotherName: the frame comes from another name of the server than the script
// sends to, as in a move. It never says that visits are not counted while they are.
func TestFrameOfAnotherName(t *testing.T) {
	b := newBox(t, nil)
	frame := strings.ReplaceAll(frameTag, "STATS", strings.Replace(b.stats, "127.0.0.1", "stats.localhost", 1))
	const sure, out, outHere = countedNN + " at vi veit kven du er.", "Besøka dine på denne nettstaden blir ikkje talde.", "Sender han dei til ei anna adresse, blir dei talde der."
	hits := func(open string) int {
		before := b.counts()
		b.open(open)
		b.says(framePage, b.in(framePage, `document.querySelector("[role=status]").textContent`))
		b.views() // the image's alone is counted where a script keeps back its own
		return b.counts()["matomo"] - before["matomo"]
	}
	for name, tag := range map[string]string{"matomo.js": matomoTag, "fotspor.js": fotsporTag} {
		t.Log(name, "which keeps the choice for a frame that its page shows")
		b.open(frame + tag)
		b.says(framePage, sure)
		b.press(framePage)
		b.says(framePage, out)
		b.expectCookies(keptHere)
		if got := hits(frame + tag); got != 0 {
			t.Errorf("%d hits of a visitor who said no", got)
		}
		b.says(framePage, out)
		b.press(framePage)
		b.says(framePage, sure)
		b.expectCookies("")

		t.Log(name, "to whose address an older choice in the frame does not go")
		b.open(frame)
		b.says(framePage, unsureNN)
		b.press(framePage)
		b.says(framePage, outHere)
		b.open(frame)
		b.says(framePage, outHere)
		b.open(frame + tag)
		b.says(framePage, sure)
		b.press(framePage)
		b.says(framePage, out)
		b.expectCookies(keptHere)
		b.press(framePage)
		b.says(framePage, sure)
		b.expectCookies("")
		b.open(frame)
		b.says(framePage, unsureNN)
	}

	t.Log("which is pinned, and answers nobody")
	pin, err := script.Integrity(false)
	if err != nil {
		t.Fatal(err)
	}
	pinned := frame + strings.Replace(fotsporTag, "defer", `defer crossorigin integrity="`+pin+`"`, 1)
	b.open(pinned)
	b.says(framePage, unsureNN)
	b.press(framePage)
	b.says(framePage, outHere)
	if got := hits(pinned); got == 0 {
		t.Error("a pinned script knows of the choice of a frame of another name")
	}
	b.says(framePage, outHere)
	b.press(framePage)
	b.says(framePage, unsureNN)

	t.Log("which keeps no choice, since the page has no cookies")
	b.open(frame + strings.Replace(matomoTag, "<script>", `<script>Object.defineProperty(Document.prototype, "cookie", {get: () => "", set() {}});`, 1))
	b.says(framePage, sure)
	b.press(framePage)
	b.says(framePage, lostNN)

	t.Log("in no page")
	b.tab.Do(chromedp.Navigate(b.stats + "/index.php?module=CoreAdminHome&action=optOut&language=nn"))
	b.says(scriptPage, "Opne personvernsida på nettstaden for å velje.")
	if got := b.in(scriptPage, `"" + !!document.querySelector("button:not([hidden])")`); got != "false" {
		t.Error("a box in no page has a button")
	}
}

// TestFramesAndTabs: all frames of a website say the same, in one page and in several tabs,
// whichever of frame and tracker comes first.
func TestFramesAndTabs(t *testing.T) {
	b := newBox(t, nil)
	other := *b // the same website in another tab
	other.tab = b.tab.Another()
	const two = framePage + 1
	const late = `<script>const add = (html) => new Promise((done) => {
		const part = document.createRange().createContextualFragment(html);
		part.querySelector("[src]").addEventListener("load", () => done(""));
		document.body.append(part);
	})</script>`
	sure, unsure := countedNN+" at vi veit kven du er.", unsureNN
	add := func(b *box, html string) {
		t.Helper()
		chromium.Run(b.tab, chromedp.Evaluate[string]("add(`"+strings.ReplaceAll(html, "STATS", b.stats)+"`)", chromedp.EvalAwaitPromise))
	}
	for name, tag := range map[string]string{"matomo.js": matomoTag, "fotspor.js": fotsporTag} {
		t.Log(name, "before two frames")
		b.open(tag + late)
		add(b, frameTag)
		b.says(framePage, sure)
		b.press(framePage)
		b.says(framePage, outNN)
		add(b, frameTag)
		b.says(two, outNN)
		b.expectCookies(keptHere)
		b.press(two)
		b.says(two, sure)
		b.says(framePage, sure)
		b.expectCookies("")

		t.Log(name, "after two frames, in one of which a choice was made that the server keeps")
		b.open(frameTag + frameTag + late)
		b.says(framePage, unsure)
		b.says(two, unsure)
		b.press(framePage)
		b.says(framePage, outNN)
		b.says(two, outNN)
		add(b, tag)
		// A choice to be counted is one for the website and the server.
		b.press(two)
		b.says(two, sure)
		b.says(framePage, sure)
		b.press(two)
		b.says(two, outNN)
		b.says(framePage, outNN)
		b.expectCookies(keptHere)

		t.Log(name, "in two tabs")
		b.open(frameTag + tag)
		b.says(framePage, outNN)
		other.open(frameTag + tag)
		other.says(framePage, outNN)
		other.press(framePage)
		b.says(framePage, sure)
		b.press(framePage)
		other.says(framePage, outNN)
		before := b.counts()["matomo"]
		if got := other.views(); got != 1 { // that of the image
			t.Errorf("%d views in the other tab after the choice, want 1", got)
		}
		if got := b.counts()["matomo"] - before; got != 0 {
			t.Errorf("%d hits of the tracker in the other tab after the choice", got)
		}
		other.press(framePage)
		b.says(framePage, sure)

		t.Log(name, "in one of two tabs")
		b.open(frameTag)
		b.says(framePage, unsure)
		b.press(framePage) // which the server keeps
		b.says(framePage, outNN)
		other.says(framePage, outNN)
		other.press(framePage)
		other.says(framePage, sure)
		b.says(framePage, unsure)
		other.press(framePage) // which the website keeps
		other.says(framePage, outNN)
		b.says(framePage, unsure)
		other.press(framePage)
		other.says(framePage, sure)
		b.expectCookies("")
	}

	t.Log("an answer to an earlier question, after the choice")
	b.open(frameTag + `<script>
		let kept = false;
		addEventListener("message", ({data, source}) => {
			const answer = () => source.postMessage({fotspor: "optout", out: kept}, "*");
			answer();
			if (data.out !== undefined) { kept = data.out; answer(); }
		});
	</script>`)
	b.says(framePage, sure)
	b.press(framePage)
	b.says(framePage, outNN)
	chromium.Run(b.tab, chromedp.Evaluate[string](`new Promise((done) => setTimeout(() => done(""), 1500))`, chromedp.EvalAwaitPromise))
	b.says(framePage, outNN)
	if got := b.in(framePage, "document.cookie"); got != "" {
		t.Errorf("the server keeps %q too", got)
	}
}

// TestBoxesBelowAPath: a proxy of the website may have the server below a path, which the
// server is not told.
func TestBoxesBelowAPath(t *testing.T) {
	b := newBox(t, nil)
	proxy := httptest.NewServer(http.StripPrefix("/stats", matomo.AtRoot(http.NewServeMux(), b.mux)))
	t.Cleanup(proxy.Close)
	b.stats = proxy.URL + "/stats"
	for _, tag := range []string{matomoTag, strings.Replace(fotsporTag, "data-site", `data-server="STATS" data-site`, 1)} {
		for frame, html := range map[int]string{
			framePage:  frameTag,
			scriptPage: `<div id="box"></div><script src="STATS/index.php?module=CoreAdminHome&amp;action=optOutJS&amp;divId=box&amp;language=nn&amp;idsite=3"></script>`,
		} {
			before := b.counts()["matomo"]
			b.open(html + tag)
			b.says(frame, countedNN+" at vi veit kven du er.")
			chromium.Run(b.tab, chromedp.Evaluate[string](`new Promise((done) => { if (window._paq) _paq.push(["trackPageView"]); setTimeout(() => done(""), 200) })`, chromedp.EvalAwaitPromise))
			if got := b.counts()["matomo"]; got == before {
				t.Errorf("no hit by %s", tag)
			}
			if got, _, _ := strings.Cut(b.in(frame, `document.querySelector("a").href`), "?"); got != b.stats+"/privacy/3" {
				t.Errorf("the statement is at %q", got)
			}
			b.press(frame)
			b.says(frame, outNN)
			b.expectCookies(keptHere)
			b.press(frame)
			b.says(frame, countedNN)
			b.expectCookies("")
		}
	}
	t.Log("without a tracker, at the other address of the frame")
	b.open(strings.Replace(frameTag, "/index.php?", "/?", 1))
	b.says(framePage, countedNN)
	b.press(framePage)
	b.says(framePage, outNN)
}

// TestFrameWithoutScripts: without scripts a form keeps the choice, and says whether it
// succeeded.
func TestFrameWithoutScripts(t *testing.T) {
	b := newBox(t, nil)
	chromium.Call(b.tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	// The test looks into pages only. The server does not know a page by itself of an older browser.
	older := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Sec-Fetch-Dest")
		b.mux.ServeHTTP(w, r)
	}))
	t.Cleanup(older.Close)
	b.stats = older.URL
	b.tab.Do(chromedp.Navigate(b.stats + "/index.php?module=CoreAdminHome&action=optOut&language=nn&idsite=3"))
	b.says(scriptPage, countedNN)
	b.press(scriptPage)
	b.says(scriptPage, outNN)
	if got := b.in(scriptPage, `document.querySelector("a").href`); got != b.stats+"/privacy/3?lang=nn" {
		t.Errorf("the statement is at %q", got)
	}
	b.press(scriptPage)
	b.says(scriptPage, countedNN)
}

// TestContainerInBrowser: an unchanged page that loads a container of Matomo's tag manager is
// counted once, also if it sets a site with _paq itself.
func TestContainerInBrowser(t *testing.T) {
	b := newBox(t, nil)
	const tag = `<script src="STATS/js/container_Ab12Cd34.js"></script>`
	for html, want := range map[string]int{
		tag: 1,
		`<script>var _paq = [["setSiteId", 3], ["trackPageView"]];</script>` + tag:     1,
		`<script>var _paq = [["requireConsent"], ["setConsentGiven"]];</script>` + tag: 1,
		`<script>var _paq = [["requireConsent"]];</script>` + tag:                      0,
	} {
		b.tab.Do(chromedp.Navigate("about:blank"))
		// The page that is left says so.
		for last := -1; last != b.counts()["matomo"]; last = b.counts()["matomo"] {
			<-time.After(100 * time.Millisecond)
		}
		before := b.counts()["matomo"]
		b.open(html)
		chromium.Run(b.tab, chromedp.Evaluate[string](`new Promise((done) => { Matomo.getAsyncTracker(); setTimeout(() => done(""), 200) })`, chromedp.EvalAwaitPromise))
		if got := b.counts()["matomo"] - before; got != want {
			t.Errorf("%s: %d hits, want %d", html, got, want)
		}
	}
}

// TestScriptInBrowser: the choice is kept in the page's own origin and honoured there.
func TestScriptInBrowser(t *testing.T) {
	b := newBox(t, nil)
	tag := func(parameters string) string {
		return `<script src="STATS/index.php?module=CoreAdminHome&amp;action=optOutJS` + parameters + `"></script>`
	}
	const place = `<div id="optout"></div>`
	b.open(matomoTag + place + tag("&amp;divId=optout&amp;backgroundColor=FF0000&amp;fontSize=20px"))
	b.says(scriptPage, countedNB) // in the language of the page
	if got := b.in(scriptPage, `(({style, lastChild: {firstChild: {href}}}) => [style.backgroundColor, style.fontSize, href].join(" "))(document.querySelector("#optout"))`); got != "rgb(255, 0, 0) 20px "+b.stats+"/privacy/3" {
		t.Errorf("box is %q", got)
	}
	b.press(scriptPage)
	b.says(scriptPage, outNB)
	b.expectCookies(keptHere)
	if got := b.views(); got != 1 { // that of the image
		t.Errorf("%d views are counted after the choice, want 1", got)
	}
	b.open(matomoTag + tag("&amp;divId=optout&amp;language=nn&amp;showIntro=0") + place) // before its place
	b.says(scriptPage, outNN)
	if got := b.in(scriptPage, `"" + document.querySelectorAll("#optout p").length`); got != "2" {
		t.Errorf("%s paragraphs without an introduction, want 2", got)
	}
	b.press(scriptPage)
	b.says(scriptPage, countedNN)
	b.expectCookies("")
	if got := b.views(); got != 2 {
		t.Errorf("%d views are counted after all, want 2", got)
	}

	t.Log("for a part of the website that the page is not in")
	for _, domain := range []string{"", "&amp;cookieDomain=*.localhost"} {
		b.open(place + tag("&amp;divId=optout&amp;language=en&amp;cookiePath=/x"+domain))
		b.press(scriptPage)
		b.says(scriptPage, "did not keep the choice")
		b.tab.Do(chromedp.Navigate(b.website + "/x/"))
		b.expectCookies("")
	}

	t.Log("hostile, and without its place")
	b.open(tag("&amp;divId=" + `%3C/script%3E%3Cimg%20src=x%20onerror=%22window.hacked=1%22%3E%27%22` + "&amp;language=en"))
	b.says(scriptPage, "are counted")
	if got := chromium.Run(b.tab, chromedp.Evaluate[string](`typeof window.hacked + document.images.length`)); got != "undefined0" {
		t.Error("a parameter runs: ", got)
	}

	t.Log("run again, as by a library that swaps pages")
	b.open(tag("&amp;language=en&amp;showIntro=0"))
	b.says(scriptPage, "are counted")
	chromium.Run(b.tab, chromedp.Evaluate[string](`new Promise((done) => {
		const again = document.createElement("script");
		again.src = document.querySelector("script[src]").src;
		again.onload = () => done("");
		document.body.append(again);
	})`, chromedp.EvalAwaitPromise))
	if got := b.in(scriptPage, `"" + document.querySelectorAll("[role=status]").length`); got != "1" {
		t.Errorf("%s boxes, want 1", got)
	}

	t.Log("where no cookie can be kept")
	chromium.Call(b.tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `Object.defineProperty(Document.prototype, "cookie", {get: () => "", set() {}})`})
	b.open(place + tag("&amp;divId=optout&amp;language=en"))
	b.press(scriptPage)
	b.says(scriptPage, "did not keep the choice")
	if got := b.in(scriptPage, `document.querySelector("#optout button").textContent`); got != "Do not count my visits" {
		t.Errorf("after a choice that was not kept, the button says %q", got)
	}

	t.Log("with an objection of the browser's own")
	chromium.Call(b.tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `Object.defineProperty(Navigator.prototype, "globalPrivacyControl", {get: () => true})`})
	b.open(place + tag("&amp;divId=optout"))
	b.says(scriptPage, objects)
	b.open(frameTag)
	b.says(framePage, objects)
}

// TestOptOutRoutes: the boxes answer requests from any origin, and no other route does.
func TestOptOutRoutes(t *testing.T) {
	r := newRig(t, nil)
	for target, want := range map[string]int{
		"/index.php?module=CoreAdminHome&action=optOut":                     http.StatusOK,
		"/index.php?action=optOutJS&module=CoreAdminHome":                   http.StatusOK,
		"/index.php?module=CoreAdminHome&amp;action=optOut&amp;language=nb": http.StatusOK,
		"/index.php?module=CoreAdminHome&amp;action=optOutJS&amp;divId=x":   http.StatusOK,
		"/index.php?module=CoreAdminHome&action=home":                       http.StatusNotFound,
		"/index.php": http.StatusNotFound,
	} {
		w := r.send(request{target: target})
		if w.Code == http.StatusInternalServerError {
			t.Skip("SKIPPED: ", w.Body)
		}
		if w.Code != want || (w.Header().Get("Cross-Origin-Resource-Policy") == "cross-origin") != (want == http.StatusOK) {
			t.Errorf("%s: %d, %v", target, w.Code, w.Header())
		}
	}
	root := matomo.AtRoot(http.NewServeMux(), http.NotFoundHandler())
	for target, want := range map[string]string{
		"/?module=CoreAdminHome&action=optOut":       "index.php?module=CoreAdminHome&action=optOut",
		"/?module=CoreAdminHome&amp;action=optOutJS": "index.php?module=CoreAdminHome&amp;action=optOutJS",
		"/?module=Login": "", "/": "", "/x?module=CoreAdminHome": "",
	} {
		w := httptest.NewRecorder()
		if root.ServeHTTP(w, request{target: target}.make()); w.Header().Get("Location") != want || (w.Code == http.StatusTemporaryRedirect) != (want != "") {
			t.Errorf("%s: %d to %q, want %q", target, w.Code, w.Header().Get("Location"), want)
		}
	}
	// A call of the API, whose address holds a token, is answered where it is.
	root = matomo.AtRoot(r.mux, http.NotFoundHandler())
	for _, target := range []string{"/?module=API&method=SitesManager.getAllSites&token_auth=hemmelig", "/?method=SitesManager.getAllSites&token_auth=hemmelig&module=API"} {
		w := httptest.NewRecorder()
		if root.ServeHTTP(w, request{target: target}.make()); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"main_url"`) || w.Header().Get("Location") != "" {
			t.Errorf("%s: %d to %q, %s", target, w.Code, w.Header().Get("Location"), w.Body)
		}
	}
	if w := r.send(request{method: "POST", target: "/index.php?module=CoreAdminHome&action=optOutJS"}); w.Code != http.StatusNotFound {
		t.Errorf("POST of the script: %d", w.Code)
	}
	for _, path := range []string{"/privacy/1", "/privacy/1/what"} {
		if csp := r.send(request{target: path}).Header().Get("Content-Security-Policy"); strings.Contains(csp, "frame-ancestors *") || !strings.Contains(csp, "frame-ancestors 'self'") {
			t.Errorf("%s may be framed by %q", path, csp)
		}
	}
	// Which site it is, a page tells by its host or by the number of a site that there is.
	for _, tt := range []struct{ query, page, want string }{
		{"", "https://example.org/", "privacy/1?lang"},
		{"&idsite=2", "https://example.org/", "privacy/2?lang"},
		{"&idsite=99", "https://other.example/", "privacy/2?lang"},
		{"&idsite=x", "", ""},
		{"", "https://stranger.example/", ""},
	} {
		q := request{target: "/index.php?module=CoreAdminHome&action=optOut" + tt.query}.make()
		q.Header.Set("Referer", tt.page)
		w := httptest.NewRecorder()
		r.mux.ServeHTTP(w, q)
		if got := w.Body.String(); strings.Contains(got, "privacy/") != (tt.want != "") || !strings.Contains(got, tt.want) {
			t.Errorf("%q on %q does not lead to %q", tt.query, tt.page, tt.want)
		}
	}
}

// TestStatementInBrowser: a choice on the statement, at a host of the site's own domain, counts
// for the site's pages, without a script on the statement; taken back, it counts no more.
func TestStatementInBrowser(t *testing.T) {
	b := newBox(t, nil)
	b.stats = strings.Replace(b.stats, "127.0.0.1", "localhost", 1)
	choose := func(want string) {
		t.Helper()
		b.tab.Do(chromedp.Navigate(b.stats + "/privacy/3?lang=nn"))
		b.press(scriptPage)
		b.says(scriptPage, want)
	}
	for name, tag := range map[string]string{"an image alone": "", "matomo.js": matomoTag, "fotspor.js": fotsporTag} {
		b.open(tag)
		if b.views() == 0 {
			t.Fatalf("%s: nothing is counted before a choice", name)
		}
		choose("blir ikkje talde")
		b.open(tag)
		if got := b.views(); got != 0 {
			t.Errorf("%s: %d views are counted after the choice, want none", name, got)
		}
		choose(unsureNN)
		b.open(tag)
		if b.views() == 0 {
			t.Errorf("%s: nothing is counted after all", name)
		}
	}
}
