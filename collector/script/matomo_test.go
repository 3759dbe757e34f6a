package script_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/collector/script"
)

// maxMatomoPacked is how small the stand-in for 21.9 kB stays, in bytes. A fifth of it
// are names: of methods that do nothing, and of what counts as a file.
const maxMatomoPacked = 5520

func TestMatomoSize(t *testing.T) {
	needScript(t)
	for _, countObjections := range []bool{false, true} {
		r := httptest.NewRequest("GET", "/matomo.js", nil)
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		script.Matomo(countObjections).ServeHTTP(w, r)
		if n := w.Body.Len(); w.Code != 200 || n == 0 || n > maxMatomoPacked {
			t.Errorf("counting objections %t: status %d, script is %d bytes packed, want at most %d", countObjections, w.Code, n, maxMatomoPacked)
		} else {
			t.Logf("script is %d bytes packed", n)
		}
	}
}

// matomoSnippet is what Matomo has website owners paste, for a server at stats;
// before are calls that the owner adds, and html comes after it.
func matomoSnippet(before, html string) func(stats string) string {
	return func(stats string) string {
		return fmt.Sprintf(`<!-- Matomo -->
<script>
  var _paq = window._paq = window._paq || [];
  %s
  _paq.push(['trackPageView']);
  _paq.push(['enableLinkTracking']);
  (function() {
    var u="%s/";
    _paq.push(['setTrackerUrl', u+'matomo.php']);
    _paq.push(['setSiteId', '7']);
    var d=document, g=d.createElement('script'), s=d.getElementsByTagName('script')[0];
    g.async=true; g.src=u+'matomo.js'; s.parentNode.insertBefore(g,s);
  })();
</script>
<!-- End Matomo Code -->
%s`, before, strings.TrimPrefix(stats, "http:"), html)
	}
}

// leave is for pages of tests that leave without going anywhere.
const leave = `window.leave = () => {
	for (const hidden of [true, false]) {
		Object.defineProperty(document, "hidden", {get: () => hidden, configurable: true});
		document.dispatchEvent(new Event("visibilitychange", {bubbles: true}));
	}
	delete document.hidden;
}`

// openMatomo opens /a of a website with Matomo's snippet, once its script has run.
func openMatomo(t *testing.T, before, html string) *world {
	t.Helper()
	w := newWorldWith(t, matomoSnippet(before, html))
	w.beforeScripts(leave)
	w.open("/a")
	w.expectMatomo()
	return w
}

// expectMatomo waits until the script that a page loads has run.
func (w *world) expectMatomo() {
	w.t.Helper()
	ask[bool](w, `new Promise((done) => {
		const look = () => window.Matomo && Matomo.initialized ? done(true) : setTimeout(look, 5);
		look();
	})`)
}

func TestMatomoInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	needScript(t)
	t.Run("pages", func(t *testing.T) {
		w := newWorldWith(t, matomoSnippet("", ""))
		w.open("/a?x=1&y=%C3%A5")
		w.expect(sent{"view", "/a?x=1&y=%C3%A5", ""})
		w.js(`document.querySelector("a").click()`) // within the site: no outlink
		w.expect(sent{"ping=1", "/a?x=1&y=%C3%A5", ""}, sent{"view", "/b", "/a?x=1&y=%C3%A5"})
	})

	t.Run("single-page application", func(t *testing.T) {
		w := openMatomo(t, "", "")
		w.expect(sent{"view", "/a", ""})
		w.js(`history.pushState({}, "", "/two");
			_paq.push(["setReferrerUrl", location.origin + "/a"]);
			_paq.push(["setCustomUrl", "/two?q=1"]);
			_paq.push(["setDocumentTitle", "Two"]);
			_paq.push(["trackPageView"])`)
		w.expect(sent{"view", "/two?q=1", "/a"})
		w.js(`_paq.push(["trackEvent", "Menu", "Open"])`)
		w.expect(sent{"ca=1&e_a=Open&e_c=Menu", "/two?q=1", "/a"})
		w.js(`history.pushState({}, "", "/not-counted")`)
		w.open("/b")
		w.expect(sent{"ping=1", "/two?q=1", "/a"}, sent{"view", "/b", ""})
	})

	// What a page says with nothing in it stands for nothing.
	t.Run("nothing", func(t *testing.T) {
		w := openMatomo(t, "", "")
		w.expect(sent{"view", "/a", ""})
		for _, nothing := range []string{"", ", undefined", ", null", `, ""`} {
			w.js(`for (const name of ["setReferrerUrl", "setTrackerUrl", "setCustomUrl"]) _paq.push([name` + nothing + `]);
				_paq.push(["trackPageView"], ["trackEvent", "a", "b"])`)
			w.expectOnly(sent{"view", "/a", ""}, sent{"ca=1&e_a=b&e_c=a", "/a", ""})
		}
	})

	t.Run("what visitors do", func(t *testing.T) {
		w := openMatomo(t, "", "")
		w.expect(sent{"view", "/a", ""})
		for call, want := range map[string]string{
			`"trackEvent", "Video", "Play", "Intro", 12.5`:                "ca=1&e_a=Play&e_c=Video&e_n=Intro&e_v=12.5",
			`"trackEvent", "Video", "Stop", undefined, 0`:                 "ca=1&e_a=Stop&e_c=Video&e_v=0",
			`"trackSiteSearch", "røde sko", "Shop", 7`:                    "ca=1&search=røde sko&search_cat=Shop&search_count=7",
			`"trackSiteSearch", "sko", false, false`:                      "ca=1&search=sko",
			`"trackGoal", 2, 19.99`:                                       "ca=1&idgoal=2&revenue=19.99",
			`"trackGoal", "3"`:                                            "ca=1&idgoal=3",
			`"trackLink", "https://x.example/", "link"`:                   "ca=1&link=https://x.example/&own=1",
			`"trackLink", "/a.pdf", "download"`:                           "ca=1&download=/a.pdf",
			`"trackContentInteraction", "click", "Promo", "img", "/shop"`: "c_i=click&c_n=Promo&ca=1",
			`"ping"`: "ping=1",
		} {
			w.js(`_paq.push([` + call + `])`)
			w.expect(sent{want, "/a", ""})
		}
		// What lacks its subject is nothing, least of all a page view.
		w.js(`_paq.push(["trackEvent", "", "x"], ["trackEvent", "x"], ["trackSiteSearch", ""], ["trackGoal"], ["trackLink"], ["trackContentInteraction", "click"])`)
		w.expectOnly()
		// Pages wait for the answer before they go on.
		ask[bool](w, `new Promise((done) => _paq.push(["trackLink", "https://y.example/", "link", null, () => done(true)]))`)
		w.expect(sent{"ca=1&link=https://y.example/&own=1", "/a", ""})
	})

	t.Run("clicks on links", func(t *testing.T) {
		w := openMatomo(t, `
			_paq.push(['setDomains', ['*.own.example', 'shared.example/ours']]);
			_paq.push(['setIgnoreClasses', 'quiet'], ['setDownloadClasses', ['paper']], ['setLinkClasses', 'away']);
			_paq.push(['addDownloadExtensions', 'skv|sdv']);`, "")
		w.expect(sent{"view", "/a", ""})
		w.js(`_paq.push(["enableLinkTracking"])`) // as wrappers do at every page
		outside := strings.Replace(w.website.URL, "127.0.0.1", "localhost", 1) + "/nothing/"
		// A link that came late, with something inside it.
		w.js(fmt.Sprintf(`document.body.insertAdjacentHTML("beforeend", '<p><a id="out" href="%s"><b>out</b></a><p><a id="file" href="/nothing/report.PDF?v=2#p3">file</a>');
			document.querySelector("#out").onclick = (e) => e.stopPropagation()`, outside))
		w.tab.Do(chromedp.Click("#out b"))
		w.expect(sent{"ca=1&link=" + outside, "/a", ""})
		box := ask[[]float64](w, `(({x, y}) => [x + 5, y + 5])(document.querySelector("#out").getBoundingClientRect())`)
		w.tab.Do(chromedp.MouseClickXY(box[0], box[1], chromedp.ButtonMiddle))
		w.expect(sent{"ca=1&link=" + outside, "/a", ""})
		w.tab.Do(chromedp.MouseClickXY(box[0], box[1], chromedp.ButtonRight))
		w.tab.Do(chromedp.Click("#file"))
		w.expect(sent{"ca=1&download=" + w.website.URL + "/nothing/report.PDF?v=2#p3", "/a", ""})

		for attributes, want := range map[string]string{
			`href="https://x.example/"`:                                  "ca=1&link=https://x.example/",
			`href="https://x.example/a.zip"`:                             "ca=1&download=https://x.example/a.zip",
			`href="https://x.example/get?file=a.skv&v=1"`:                "ca=1&download=https://x.example/get?file=a.skv&v=1",
			`href="https://x.example/" class="b piwik_download"`:         "ca=1&download=https://x.example/",
			`href="https://x.example/1" class="paper"`:                   "ca=1&download=https://x.example/1",
			`href="https://x.example/2" download`:                        "ca=1&download=https://x.example/2",
			`href="https://own.example/x" class="away"`:                  "ca=1&link=https://own.example/x&own=1",
			`href="blob:https://x.example/1" download="års rapport.pdf"`: "ca=1&download=/års rapport.pdf",
			`href="data:text/csv,a" download`:                            "ca=1&download=/download",
			`href="data:text/csv,a"`:                                     "",
			`href="https://own.example/y" class="matomo_link quiet"`:     "",
			`href="https://x.example/" class="piwik_ignore"`:             "",
			`href="https://own.example/"`:                                "",
			`href="https://www.own.example/"`:                            "",
			`href="https://notown.example/"`:                             "ca=1&link=https://notown.example/",
			`href="https://shared.example/ours/x"`:                       "",
			`href="https://shared.example/ours"`:                         "",
			`href="https://shared.example/others"`:                       "ca=1&link=https://shared.example/others",
			`href="/b"`:                                                  "",
			`href="#there"`:                                              "",
			`href="mailto:x@x.example"`:                                  "",
			`href="tel:+4712345678"`:                                     "",
			`href="javascript:void(0)"`:                                  "",
			`href="http://"`:                                             "",
			`name="no-address"`:                                          "",
			`href="https://zip.x.example"`:                               "ca=1&link=https://zip.x.example/",
		} {
			w.js(fmt.Sprintf(`document.body.insertAdjacentHTML("beforeend", '<a %s>x</a>');
				document.body.lastChild.onclick = (e) => e.preventDefault();
				document.body.lastChild.click()`, attributes))
			if want == "" {
				w.expectOnly()
			} else {
				w.expect(sent{want, "/a", ""})
			}
		}
		for attributes, want := range map[string]string{
			`href="https://x.example/kart"`:      "ca=1&link=https://x.example/kart",
			`xlink:href="https://x.example/x"`:   "ca=1&link=https://x.example/x",
			`href="/kart.pdf"`:                   "ca=1&download=" + w.website.URL + "/kart.pdf",
			`href="data:,x" download="kart.svg"`: "ca=1&download=/kart.svg",
			`href="/b"`:                          "",
			`class="away"`:                       "",
		} {
			w.js(fmt.Sprintf(`document.body.insertAdjacentHTML("beforeend", '<svg><a %s><circle r="9"/></a></svg>');
				document.body.lastChild.onclick = (e) => e.preventDefault();
				document.body.lastChild.querySelector("circle").dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true, composed: true}))`, attributes))
			if want == "" {
				w.expectOnly()
			} else {
				w.expect(sent{want, "/a", ""})
			}
		}
	})

	for name, property := range map[string]string{
		"Do Not Track":           `"doNotTrack", {get: () => "1"}`,
		"extended":               `"doNotTrack", {get: () => "1xyz"}`,
		"Global Privacy Control": `"globalPrivacyControl", {get: () => true}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorldWith(t, matomoSnippet(`_paq.push(['setDoNotTrack', false]);`, ""))
			w.beforeScripts(leave + `; Object.defineProperty(Navigator.prototype, ` + property + `)`)
			w.open("/a")
			w.expectMatomo()
			ask[bool](w, `new Promise((done) => _paq.push(["trackEvent", "a", "b", "c", 1, null, () => done(true)]))`)
			w.js(`leave()`)
			w.expectOnly()
		})
	}

	t.Run("back/forward cache", func(t *testing.T) {
		w := openMatomo(t, "", "")
		w.js(`_paq.push(["setReferrerUrl", "https://x.example/"], ["trackPageView"], ["enableLinkTracking"])`)
		w.expect(sent{"view", "/a", ""}, sent{"view", "/a", "https://x.example/"})
		w.js(`dispatchEvent(new PageTransitionEvent("pageshow", {persisted: true}))`)
		w.js(`dispatchEvent(new PageTransitionEvent("pageshow"))`)
		w.expectOnly(sent{"view", "/a", ""}) // no longer from there
	})

	t.Run("prerendered page", func(t *testing.T) {
		w := newWorldWith(t, matomoSnippet("", ""))
		w.beforeScripts(leave + `; Object.defineProperty(Document.prototype, "prerendering", {get: () => !window.activated})`)
		w.open("/a")
		w.expectMatomo()
		w.js(`leave()`)
		w.expectOnly()
		w.js(`window.activated = true; document.dispatchEvent(new Event("prerenderingchange"))`)
		w.expectOnly(sent{"view", "/a", ""})
	})

	// As vue-matomo does: the snippet tracks nothing, the router does, by the tracker's methods.
	t.Run("tracker of a wrapper", func(t *testing.T) {
		w := newWorldWith(t, func(stats string) string {
			return fmt.Sprintf(`<script>
				window._paq = [["setTrackerUrl", "%[1]s/matomo.php"], ["setSiteId", 7]];
				const element = document.createElement("script");
				element.async = element.defer = true;
				element.src = "%[1]s/matomo.js";
				element.onload = () => {
					const tracker = window.Piwik.getAsyncTracker();
					tracker.setCustomUrl(location.origin + "/first");
					tracker.trackPageView("First");
					tracker.enableLinkTracking();
				};
				document.head.append(element);
			</script>`, stats)
		})
		w.open("/a")
		w.expect(sent{"view", "/first", ""})
		w.js(`const tracker = window.Matomo.getAsyncTracker();
			tracker.setReferrerUrl(location.origin + "/first");
			tracker.setCustomUrl(location.origin + "/second");
			tracker.trackPageView("Second")`)
		w.expectOnly(sent{"view", "/second", "/first"})
	})

	t.Run("several sites", func(t *testing.T) {
		w := openMatomo(t, `_paq.push(['addTracker', undefined, 8]); _paq.push(['setCustomUrl', '/both']);`, "")
		w.expect(sent{"view", "/both", ""}, sent{"idsite=8", "/both", ""})
		w.js(`_paq.push(["setSiteId", 9]); _paq.push(["trackEvent", "a", "b"])`) // of the first tracker
		w.expectOnly(sent{"ca=1&e_a=b&e_c=a&idsite=9", "/both", ""}, sent{"ca=1&e_a=b&e_c=a&idsite=8", "/both", ""})
		w.js(`Matomo.getAsyncTracker(undefined, 8).ping(); Matomo.getTracker(Matomo.getAsyncTracker().getTrackerUrl(), 7).trackPageView()`)
		w.expectOnly(sent{"idsite=8&ping=1", "/both", ""}, sent{"view", "/a", ""})
		if n := ask[int](w, `Matomo.getAsyncTrackers().length`); n != 2 {
			t.Errorf("%d trackers for the queue, want 2", n)
		}
	})

	t.Run("content", func(t *testing.T) {
		blocks := `<div id="blocks">
			<div data-track-content data-content-name="Named"><img src="/nothing/x.png" title="t" data-content-piece="other"></div>
			<a class="matomoTrackContent" href="#x"><p data-content-name="Inner"></p></a>
			<div class="piwikTrackContent"><b data-content-piece="Piece"></b></div>
			<div data-track-content><img class="matomoContentPiece" src="/nothing/path.png?v=1"></div>
			<img data-track-content src="https://x.example/other.png" loading="lazy" style="margin-top: 5000px">
			<div data-track-content title="Titled"></div>
			<div data-track-content><a href="#y" data-content-target title="To"></a></div>
			<div data-track-content><img src="/nothing/not-the-piece.png"></div>
			<div data-track-content data-content-name="Named">again</div>
		</div>`
		shown := func(names ...string) (all []sent) {
			for _, name := range names {
				all = append(all, sent{"bulk c_n=" + name + "&ca=1", "/a", ""})
			}
			return all
		}
		w := openMatomo(t, "", blocks)
		w.js(`_paq.push(["trackAllContentImpressions"])`)
		w.expectOnly(append(shown("Named", "Inner", "Piece", "/nothing/path.png?v=1", "https://x.example/other.png", "Titled", "To", "Unknown"),
			sent{"view", "/a", ""})...)
		w.js(`_paq.push(["trackAllContentImpressions"])`) // each once for a page view
		w.expectOnly()
		w.js(`document.body.insertAdjacentHTML("beforeend", '<div id="late"><p data-track-content data-content-name="Late"></p></div>');
			_paq.push(["trackContentImpressionsWithinNode", document.querySelector("#late")])`)
		w.expectOnly(shown("Late")...)
		w.js(`_paq.push(["trackPageView"], ["trackContentImpressionsWithinNode", document.querySelector("#late p")])`)
		w.expectOnly(append(shown("Late"), sent{"view", "/a", ""})...)
		w.js(`_paq.push(["trackContentImpression", "By hand", "piece", "https://x.example/"], ["trackContentImpression", ""])`)
		w.expectOnly(sent{"c_n=By hand&ca=1", "/a", ""})
	})

	t.Run("content that is seen", func(t *testing.T) {
		w := openMatomo(t, `_paq.push(['trackVisibleContentImpressions', true, 0]);`, `
			<p data-track-content data-content-name="Here">x</p>
			<p data-track-content data-content-name="Hidden" hidden>x</p>
			<p data-track-content data-content-name="Below" style="margin-top: 5000px">x</p>`)
		w.expectOnly(sent{"view", "/a", ""}, sent{"bulk c_n=Here&ca=1", "/a", ""})
		w.js(`document.querySelector("[data-content-name=Below]").scrollIntoView()`)
		w.expectOnly(sent{"bulk c_n=Below&ca=1", "/a", ""})
		w.js(`scrollTo(0, 0); document.body.insertAdjacentHTML("afterbegin", '<p data-track-content data-content-name="Late">x</p>')`)
		w.expect(sent{"bulk c_n=Late&ca=1", "/a", ""})
		// In a single-page application, what is still there is seen anew.
		w.js(`_paq.push(["setCustomUrl", "/b"], ["trackPageView"])`)
		w.expect(sent{"view", "/b", ""}, sent{"bulk c_n=Late&ca=1", "/b", ""}, sent{"bulk c_n=Here&ca=1", "/b", ""})
	})

	t.Run("clicks on content", func(t *testing.T) {
		w := openMatomo(t, `_paq.push(['trackAllContentImpressions']);`, `
			<a id="a" href="#a" data-track-content data-content-name="A"><b>x</b></a>
			<div data-track-content data-content-name="B"><a id="b" href="#b" data-content-target>x</a><a id="not-b" href="#c">x</a></div>
			<div data-track-content data-content-name="C"><a id="not-c" href="#d" class="piwikContentTarget matomoContentIgnoreInteraction">x</a></div>
			<p id="none">x</p>`)
		w.expectOnly(sent{"view", "/a", ""}, sent{"bulk c_n=A&ca=1", "/a", ""}, sent{"bulk c_n=B&ca=1", "/a", ""}, sent{"bulk c_n=C&ca=1", "/a", ""})
		for selector, want := range map[string]string{"#a b": "A", "#b": "B", "#not-b": "", "#not-c": "", "#none": ""} {
			w.js(`history.replaceState({}, "", "/a"); document.querySelector("` + selector + `").click()`)
			if want == "" {
				w.expectOnly()
			} else {
				w.expectOnly(sent{"c_i=click&c_n=" + want + "&ca=1", "/a", ""})
			}
		}
		w.js(`history.replaceState({}, "", "/a"); _paq.push(["trackContentInteractionNode", document.querySelector("#b"), "submitted"], ["trackContentInteractionNode"])`)
		w.expectOnly(sent{"c_i=submitted&c_n=B&ca=1", "/a", ""})
	})

	t.Run("errors of scripts", func(t *testing.T) {
		w := openMatomo(t, `_paq.push(['enableJSErrorTracking']);`, "")
		w.expect(sent{"view", "/a", ""})
		w.js(`window.fail = (message) => dispatchEvent(new ErrorEvent("error", {message, filename: location.origin + "/own.js?user=kari#x", lineno: 3, colno: 7}));
			fail("a is not defined"); fail("a is not defined"); document.querySelector("a").dispatchEvent(new Event("error"))`)
		want := sent{"ca=1&e_a=" + w.website.URL + "/own.js:3:7&e_c=JavaScript Errors&e_n=a is not defined", "/a", ""}
		w.expectOnly(want)
		w.js(`_paq.push(["trackPageView"]); fail("a is not defined")`)
		w.expectOnly(sent{"view", "/a", ""}, want)
	})

	t.Run("campaign parameters", func(t *testing.T) {
		for before, want := range map[string]string{
			`_paq.push(['setCampaignNameKey', ['c', 'kampanje']], ['setCampaignKeywordKey', 'ord']);`: "/a?kampanje=v%C3%A5r&ord=x&utm_source=y&sid=1&q=2&mtm_campaign=v%C3%A5r&mtm_kwd=x#mtm_campaign=z",
			`_paq.push(['disableCampaignParameters']);`:                                               "/a?kampanje=v%C3%A5r&ord=x&sid=1&q=2",
			`_paq.push(['disableCampaignParameters'], ['setCampaignNameKey', 'kampanje']);`:           "/a?ord=x&sid=1&q=2",
			`_paq.push(['setExcludedQueryParams', ['sid', 'ord']]);`:                                  "/a?kampanje=v%C3%A5r&utm_source=y&q=2#mtm_campaign=z",
			``: "/a?kampanje=v%c3%A5r&ord=x&utm_source=y&sid=1&q=2#mtm_campaign=z",
		} {
			w := newWorldWith(t, matomoSnippet(before, ""))
			w.open("/a?kampanje=v%c3%A5r&ord=x&utm_source=y&sid=1&q=2#mtm_campaign=z")
			w.expect(sent{"view", want, ""})
		}
	})

	t.Run("page that is not there", func(t *testing.T) {
		lost := sent{"e_a=/a&e_c=404", "/a", ""}
		w := openMatomo(t, `_paq.push(['setDocumentTitle', '404/URL = %2Fa/From = ']);`, "") // as Matomo recommends
		w.expectOnly(lost)
		w.js(`_paq.push(["setDocumentTitle", "Home"], ["trackPageView"]); _paq.push(["trackPageView", "404/URL = x"])`)
		w.expectOnly(sent{"view", "/a", ""}, lost)
		w = newWorldWith(t, matomoSnippet("", ""))
		w.open("/b?status=410")
		w.expect(sent{"e_a=/b&e_c=410", "/b?status=410", ""})
	})

	// All that wrappers call is there. They are read, not run: see app for that.
	t.Run("methods", func(t *testing.T) {
		wrapper, err := os.ReadFile("../../node_modules/ngx-matomo-client/fesm2022/ngx-matomo-client-core.mjs")
		if err != nil {
			missing(t, err.Error())
		}
		calls := regexp.MustCompile(`delegate\s*\.(?:push\(\[\s*|get\()'(\w+)'|matomo\.(\w+)\(`).FindAllSubmatch(wrapper, -1)
		if len(calls) < 100 {
			t.Fatalf("found %d calls", len(calls))
		}
		w := openMatomo(t, "", "")
		for _, call := range calls {
			name := string(call[1]) + string(call[2])
			if got := ask[string](w, `typeof Matomo.getAsyncTracker().`+name); got != "function" {
				t.Errorf("%s: %s", name, got)
			}
		}
	})

	t.Run("start of the page's own", func(t *testing.T) {
		w := newWorldWith(t, func(stats string) string {
			return fmt.Sprintf(`<script>
				window.matomoAsyncInit = () => Matomo.getTracker("%[1]s/matomo.php", 7).trackPageView();
				window.piwikAsyncInit = () => Piwik.addTracker("%[1]s/matomo.php", 7);
			</script><script src="%[1]s/matomo.js"></script><script src="%[1]s/matomo.js"></script>
			<script>_paq.push(["trackEvent", "a", "b"])</script>`, stats)
		})
		w.open("/a")
		w.expectOnly(sent{"view", "/a", ""}, sent{"ca=1&e_a=b&e_c=a", "/a", ""})
	})

	t.Run("functions", func(t *testing.T) {
		w := openMatomo(t, `_paq.push([function (more) { window.early = this.getSiteId() + more; }, "!"]);`, "")
		w.js(`_paq.push(function () { window.late = [this.getTrackerUrl(), this.getVisitorId(), this.getUserId(), this.hasCookies()].join("|"); })`)
		got := ask[string](w, `[early, late].join(" ")`)
		if want := "7! " + strings.TrimPrefix(w.stats, "http:") + "/matomo.php|||"; got != want {
			t.Errorf("functions saw %q, want %q", got, want)
		}
	})

	t.Run("mistakes", func(t *testing.T) {
		w := newWorldWith(t, matomoSnippet(`
			_paq.push(['MediaAnalytics::enable']); _paq.push(['trackWeather', 'rain']); _paq.push(null);
			_paq.push(['addTracker', undefined, 8]); _paq.push([function () { throw new Error('of the page'); }]);`, ""))
		w.beforeScripts(`window.said = [];
			console.warn = (text) => said.push("warning: " + text);
			console.error = (error) => said.push(error.name)`)
		w.open("/a")
		w.expect(sent{"view", "/a", ""}, sent{"idsite=8", "/a", ""})
		w.js(`_paq.push(["trackWeather", "snow"])`)
		w.js(`Matomo.on("TrackerSetup", () => {}); Piwik.off("TrackerSetup"); Matomo.trigger("x"); Matomo.addPlugin("x", {}); Matomo.retryMissedPluginCalls();
			Matomo.on("TrackerAdded", () => {}); Matomo.getAsyncTracker().trackRequest("x"); Matomo.getAsyncTracker().ofAPlugin()`)
		if !ask[bool](w, `Promise.resolve(Matomo.getAsyncTracker()).then((tracker) => tracker.getSiteId() === 7 || tracker.getSiteId() === "7")`) {
			t.Error("a tracker that is waited for is none")
		}
		if got, want := ask[string](w, `((tracker) => [String(tracker), tracker + "", JSON.stringify(tracker), typeof tracker.toJSON, typeof tracker[Symbol.iterator], typeof tracker.ofAPlugin].join())(Matomo.getAsyncTracker())`),
			"[object Object],[object Object],{},undefined,undefined,function"; got != want {
			t.Errorf("a tracker that is written out is %q, want %q", got, want)
		}
		want := []string{
			`warning: Fotspor: MediaAnalytics::enable() does nothing here`,
			`warning: Fotspor: trackWeather() does nothing here`,
			"TypeError", "Error",
			`warning: Fotspor: Matomo.on() does nothing here`,
			`warning: Fotspor: Matomo.off() does nothing here`,
			`warning: Fotspor: Matomo.trigger() does nothing here`,
			`warning: Fotspor: Matomo.addPlugin() does nothing here`,
			`warning: Fotspor: Matomo.retryMissedPluginCalls() does nothing here`,
			`warning: Fotspor: trackRequest() does nothing here`,
			`warning: Fotspor: ofAPlugin() does nothing here`,
		}
		if diff := cmp.Diff(want, ask[[]string](w, `said`)); diff != "" {
			t.Errorf("on the console (-want +got):\n%s", diff)
		}
	})

	t.Run("nothing is kept or told", func(t *testing.T) {
		w := openMatomo(t, `
			_paq.push(['setUserId', 'kari'], ['setVisitorId', '0123456789abcdef'], ['setCustomVariable', 1, 'a', 'b', 'visit']);
			_paq.push(['setCustomDimension', 1, 'x'], ['setRequestMethod', 'POST'], ['setCookieDomain', '*.x.example']);
			_paq.push(['setCookieConsentGiven'], ['rememberCookieConsentGiven'], ['enableHeartBeatTimer', 1], ['setSecureCookie', true]);
			_paq.push(['addEcommerceItem', 'sku'], ['trackEcommerceOrder', 'o1', 10], ['enableJSErrorTracking'], ['trackAllContentImpressions']);
			_paq.push(['enableCrossDomainLinking'], ['setDocumentTitle', 'Kari'], ['trackContentImpressionsWithinNode', document.body]);`, "")
		w.js(`_paq.push(["rememberConsentGiven"]); _paq.push(["optUserOut"]); _paq.push(["forgetUserOptOut"])`)
		w.expectOnly(sent{"view", "/a", ""}) // with no other parameter but a title, which read checks
		w.expectTitle("/a", "action_name=Kari")
		w.expectNothingKept()
	})
}
