package script_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/collector/dialect/matomo"
	"github.com/fotspor/fotspor/collector/script"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/chromium"
	"github.com/fotspor/fotspor/internal/patience"
)

func TestMain(m *testing.M) { chromium.Main(m) }

const site = 7

// The scripts, by whether the server counts objections: to compress them takes long.
var ours, optOuts, matomos = both(script.Handler), both(script.OptOut), both(script.Matomo)

func both(serve func(countObjections bool) http.Handler) map[bool]http.Handler {
	return map[bool]http.Handler{false: serve(false), true: serve(true)}
}

// sent is one hit as the server gets it. What has the parameters beside those of
// a plain page view of the site.
type sent struct{ What, URL, Referrer string }

// world is a website, the statistics server that it uses, at another origin,
// and a browser tab.
type world struct {
	t               *testing.T
	tab             *chromium.Tab
	website         *httptest.Server
	pages           *http.ServeMux // of the website
	head            string         // what each of its pages has in its head
	statusInBody    bool           // where its pages say their status
	stats           string         // where the statistics server is
	countObjections bool           // the server's policy
	hits            chan sent
	titles          sync.Map    // the last title of a view with its parameter, by what is left of the address
	loaded          chan string // paths of pages whose scripts, ours among them, have run
}

// newWorld makes a website whose pages have the snippet of fotspor.js.
func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldWith(t, func(stats string) string { return script.Snippet(stats, site) })
}

// newWorldWith makes a website whose pages have the HTML that body returns for
// the address of the statistics server.
func newWorldWith(t *testing.T, body func(stats string) string) *world {
	t.Helper()
	w := &world{t: t, hits: make(chan sent, 100), loaded: make(chan string, 100)}

	stats := http.NewServeMux()
	stats.HandleFunc("GET /fotspor.js", func(rw http.ResponseWriter, r *http.Request) {
		ours[w.countObjections].ServeHTTP(rw, r)
	})
	stats.HandleFunc("GET /optout.js", func(rw http.ResponseWriter, r *http.Request) {
		optOuts[w.countObjections].ServeHTTP(rw, r)
	})
	stats.HandleFunc("GET /matomo.js", func(rw http.ResponseWriter, r *http.Request) {
		matomos[w.countObjections].ServeHTTP(rw, r)
	})
	stats.HandleFunc("GET /pixel.gif", func(_ http.ResponseWriter, r *http.Request) {
		w.hits <- sent{"pixel " + r.FormValue("site"), r.Referer(), ""}
	})
	stats.HandleFunc("GET /matomo.php", func(_ http.ResponseWriter, r *http.Request) { w.objected(r) })
	stats.HandleFunc("POST /matomo.php", func(rw http.ResponseWriter, r *http.Request) {
		w.receive(r)
		rw.WriteHeader(http.StatusNoContent)
	})
	statsServer := httptest.NewServer(stats)
	t.Cleanup(statsServer.Close)
	w.stats = statsServer.URL

	pages := http.NewServeMux()
	w.pages = pages
	pages.Handle("GET /lib/", http.StripPrefix("/lib/", http.FileServer(http.Dir(packages))))
	pages.HandleFunc("GET /", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		rw.Header().Set("Turbolinks-Location", r.URL.RequestURI()) // as Rails says where a request was sent on to
		head, status := `<link rel="icon" href="data:,">`+w.head, r.FormValue("status")
		if strings.HasPrefix(r.URL.Path, "/gone/") {
			status = "404"
			rw.WriteHeader(http.StatusNotFound)
		}
		if status != "" {
			status = `<meta name="fotspor-status" content="` + status + `">`
		}
		if !w.statusInBody {
			head, status = head+status, ""
		}
		fmt.Fprintf(rw, `<!doctype html><title>%[1]s</title>%[2]s<a href="/b">b</a><h1>%[1]s</h1>
			<nav><a href="/one">1</a><a href="/two">2</a><a href="/three">3</a><a href="/gone/a">a</a><a href="/gone/b">b</a></nav>%[3]s%[4]s<script defer src="/own.js"></script>`,
			r.URL.Path, head, status, body(w.stats))
	})
	// A link here is followed, and leaves the page where it is.
	pages.HandleFunc("GET /nothing/", func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNoContent) })
	// Deferred scripts run in order: when this one reports, ours has run.
	pages.HandleFunc("GET /own.js", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/javascript")
		io.WriteString(rw, `addEventListener("pageshow", (e) => { window.restored = e.persisted });
			fetch("/loaded?" + location.pathname)`)
	})
	pages.HandleFunc("GET /loaded", func(_ http.ResponseWriter, r *http.Request) { w.loaded <- r.URL.RawQuery })
	w.website = httptest.NewServer(pages)
	t.Cleanup(w.website.Close)

	w.tab = chromium.Open(t)
	w.beforeScripts(`window.unhurried = setTimeout; window.setTimeout = (what, after, ...more) => unhurried(what, after === 1000 ? 50 : after, ...more)`)
	return w
}

// due is how long, in milliseconds, a view waits until the page shows what is there. Pages
// wait less in tests, unless they say setTimeout = unhurried.
const due = 1000

// receive checks that the collector takes a request for the hits that it is, and
// hands them on. Those of a bulk request are marked as such.
func (w *world) receive(r *http.Request) {
	if c := r.Header.Get("Cookie"); c != "" {
		w.t.Errorf("hit with a cookie %q", c)
	}
	queries, mark := []string{"?" + r.URL.RawQuery}, ""
	body, _ := io.ReadAll(r.Body)
	if len(body) > 0 {
		var bulk struct {
			Requests  []string `json:"requests"`
			SendImage int      `json:"send_image"`
		}
		if err := json.Unmarshal(body, &bulk); err != nil || bulk.SendImage != 0 || r.URL.RawQuery != "" {
			w.t.Errorf("hit with a body %q", body)
		}
		queries, mark = bulk.Requests, "bulk "
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	hits, _, err := matomo.Dialect{}.Parse(r, nil)
	if err != nil || len(hits) != len(queries) {
		w.t.Errorf("%v: the collector reads %d hits, error %v", queries, len(hits), err)
		return
	}
	for i, query := range queries {
		s := w.read(strings.TrimPrefix(query, "?"), hits[i].Kind)
		s.What = mark + s.What
		w.hits <- s
	}
}

// objected hands on the message of a visitor who objects, which says nothing else.
func (w *world) objected(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	for _, name := range []string{"Referer", "Cookie", "Origin"} {
		if told := r.Header.Get(name); told != "" {
			w.t.Errorf("an objection tells %s %q", name, told)
		}
	}
	if len(body) > 0 {
		w.t.Errorf("an objection has a body %q", body)
	}
	hits, _, err := matomo.Dialect{CountObjections: true}.Parse(r, nil)
	if err != nil || len(hits) != 1 || !hits[0].OptedOut || hits[0].Kind != hit.Pageview || hits[0].URL != "" {
		w.t.Errorf("the collector takes an objection for %v, error %v", hits, err)
	}
	w.hits <- sent{"objection " + r.URL.RawQuery, "", ""}
}

// read checks what is the same in every hit, and the kind that the collector takes
// it for, and returns the rest.
func (w *world) read(query string, kind hit.Kind) sent {
	q, err := url.ParseQuery(query)
	if err != nil {
		w.t.Errorf("%q: %v", query, err)
	}
	s := sent{"view", w.path(q.Get("url")), w.path(q.Get("urlref"))}
	if !q.Has("send_image") { // which matomo.js says
		q.Set("send_image", "0")
	}
	plain := url.Values{"idsite": {"7"}, "rec": {"1"}, "send_image": {"0"}, "url": q["url"], "urlref": q["urlref"]}
	for name, want := range plain {
		if got := q[name]; slices.Equal(got, want) && len(got) == 1 {
			q.Del(name)
		}
	}
	isView := !slices.ContainsFunc([]string{"ca", "ping", "link", "download", "e_a", "e_c"}, q.Has)
	if isView != (kind == hit.Pageview) {
		w.t.Errorf("%s: the collector takes it for kind %v", query, kind)
	}
	for _, name := range []string{"title", "action_name"} { // only a view has one
		if title := q.Get(name); q.Has(name) && (isView || title == "") {
			if isView {
				w.titles.Store(s.URL, name+"="+title)
			}
			q.Del(name)
		}
	}
	if len(q) > 0 {
		s.What, _ = url.QueryUnescape(q.Encode())
	}
	return s
}

// path shortens an address of the website.
func (w *world) path(address string) string {
	return strings.TrimPrefix(address, w.website.URL)
}

func (w *world) open(path string) {
	w.t.Helper()
	w.tab.Do(chromedp.Navigate(w.website.URL + path))
}

// js runs a statement in the page.
func (w *world) js(statement string) {
	w.t.Helper()
	w.tab.Do(chromedp.Evaluate[chromedp.Void](statement))
}

// beforeScripts runs a statement in every page from now on, before its own.
func (w *world) beforeScripts(statement string) {
	w.t.Helper()
	chromium.Call(w.tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: statement})
}

// ask evaluates an expression in the page, and waits if it is a promise.
func ask[T any](w *world, expression string) T {
	w.t.Helper()
	return chromium.Run(w.tab, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// expect waits for as many hits as want has and compares them, in any order:
// they come by several connections.
func (w *world) expect(want ...sent) {
	w.t.Helper()
	deadline := time.After(patience.Of(time.Minute))
	var got []sent
	for len(got) < len(want) {
		select {
		case h := <-w.hits:
			got = append(got, h)
		case <-deadline:
			w.t.Fatalf("hits: %+v, want %+v", got, want)
		}
	}
	order := func(a, b sent) int {
		return slices.Compare([]string{a.URL, a.What, a.Referrer}, []string{b.URL, b.What, b.Referrer})
	}
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("hits (-want +got):\n%s", diff)
	}
}

// expectLoaded waits until the scripts of a page have run.
func (w *world) expectLoaded(path string) {
	w.t.Helper()
	deadline := time.After(patience.Of(time.Minute))
	for {
		select {
		case got := <-w.loaded:
			if got == path {
				return
			}
		case <-deadline:
			w.t.Fatalf("the scripts of %s did not run", path)
		}
	}
}

// expectOnly is expect, and sees that nothing else came before a hit that the
// test itself sends last.
func (w *world) expectOnly(want ...sent) {
	w.t.Helper()
	w.expect(want...)
	ask[bool](w, fmt.Sprintf(`new Promise((done) => setTimeout(done, %d, true))`, due))
	w.js(fmt.Sprintf(`navigator.sendBeacon(%q)`, w.stats+"/matomo.php?idsite=7&rec=1&send_image=0&url=&urlref=&ca=1&e_c=last&e_a=1"))
	w.expect(sent{"ca=1&e_a=1&e_c=last", "", ""})
}

// expectTitle checks the title of the last view of a page, with the name of its parameter.
func (w *world) expectTitle(path, want string) {
	w.t.Helper()
	if got, _ := w.titles.Load(path); got != want {
		w.t.Errorf("the view of %s has %v, want %s", path, got, want)
	}
}

// expectNothingKept looks wherever a page can keep something.
func (w *world) expectNothingKept() {
	w.t.Helper()
	kept := ask[string](w, `(async () => [document.cookie, localStorage.length, sessionStorage.length,
		(await indexedDB.databases()).length, (await caches.keys()).length, window.name].join("|"))()`)
	if kept != "|0|0|0|0|" {
		w.t.Errorf("kept (cookies, localStorage, sessionStorage, databases, caches, window.name): %s", kept)
	}
	if n := len(chromium.Call(w.tab, network.GetCookies, network.GetCookiesParams{}).Cookies); n > 0 {
		w.t.Errorf("%d cookies", n)
	}
}

// choices are cookies of a website, those of the longer path first, and whether one of them
// says not to count the visitor.
var choices = []struct {
	cookies string // of document.cookie, one a line
	out     bool
}{
	{"other=1;path=/\npiwik_ignore=ignore%3D%2A;path=/", true},
	{"matomo_ignore=ignore%3D%2A;path=/", true},
	{"mtm_consent_removed=1772366399000;path=/", true},
	{"mtm_consent_removed=;path=/\nother=1;path=/", false},
	{"mtm_consent_removed", false},
	{"xmtm_consent_removed=1;path=/\nnot-mtm_consent_removed=1;path=/\nmtm_consent_removed2=1", false},
	{"other=mtm_consent_removed=1", false},
	// All that it says, but nothing.
	{"mtm_consent_removed=%", true},
	{`mtm_consent_removed="x`, true},
	{"mtm_consent_removed=-1", true},
	{"mtm_consent_removed= ", false},
	// Of the whole website and of a part of it.
	{"mtm_consent_removed=;path=/a\nmtm_consent_removed=1;path=/", true},
	{"mtm_consent_removed=1;path=/a\nmtm_consent_removed=;path=/", true},
	{"mtm_consent_removed=2;path=/a\nmtm_consent_removed=1;path=/", true},
	{"mtm_consent_removed=;path=/a\nmtm_consent_removed=;path=/", false},
}

// holdCookies leaves for a page that counts nothing, and has the browser hold some cookies
// of the website, one a line, and no others.
func (w *world) holdCookies(lines string) {
	w.t.Helper()
	w.open("/own.js")
	chromium.Call(w.tab, network.ClearBrowserCookies, cdp.Empty{})
	for cookie := range strings.SplitSeq(lines, "\n") {
		w.js(fmt.Sprintf("document.cookie = %q", cookie))
	}
}

func (w *world) expectNoHit() {
	w.t.Helper()
	select {
	case h := <-w.hits:
		w.t.Errorf("hit %+v, want none", h)
	default:
	}
}

func TestInBrowser(t *testing.T) {
	needScript(t)
	t.Run("pages", func(t *testing.T) {
		w := newWorld(t)
		w.open("/a?x=1&y=%C3%A5#part")
		w.expect(sent{"view", "/a?x=1&y=%C3%A5", ""})
		w.js(`document.querySelector("a").click()`)
		w.expect(sent{"ping=1", "/a?x=1&y=%C3%A5", ""}, sent{"view", "/b", "/a?x=1&y=%C3%A5"})
		w.expectTitle("/b", "title=/b")
	})

	t.Run("single-page application", func(t *testing.T) {
		w := newWorld(t)
		w.open("/one")
		w.expect(sent{"view", "/one", ""})
		w.js(`history.pushState({}, "", "/two?q=1"); document.title = "To & så"`)
		w.expect(sent{"view", "/two?q=1", "/one"})
		w.expectTitle("/two?q=1", "title=To & så")
		// None of these is another page; the next hit is that of /three.
		w.js(`history.replaceState({n: 1}, "")`)
		w.js(`history.replaceState({}, "", "/two?q=1#there")`)
		w.js(`history.pushState({}, "", "#here")`)
		w.js(`location.hash = "elsewhere"`)
		w.js(`for (const typed of ["s", "sk", "sko"]) history.replaceState({}, "", "/two?q=" + typed)`)
		w.js(`history.replaceState({}, "", "/three")`)
		w.expect(sent{"view", "/three", "/two?q=1"})
		w.js(`history.go(-3)`)
		w.expect(sent{"view", "/one", "/three"})
		w.open("/b")
		w.expect(sent{"ping=1", "/one", "/three"}, sent{"view", "/b", ""})
	})

	t.Run("back/forward cache", func(t *testing.T) {
		w := newWorld(t)
		w.open("/a")
		w.expect(sent{"view", "/a", ""})
		w.js(`document.querySelector("a").click()`)
		w.expect(sent{"ping=1", "/a", ""}, sent{"view", "/b", "/a"})
		// Left while it loads, a page keeps neither its place in the history
		// nor one in the cache.
		ask[bool](w, `new Promise((done) => document.readyState === "complete" ? done(true)
			: addEventListener("load", () => setTimeout(done, 0, true)))`)
		w.js(`location.href = "/c"`)
		w.expect(sent{"ping=1", "/b", "/a"}, sent{"view", "/c", "/b"})
		w.js(`history.back()`)
		w.expect(sent{"ping=1", "/c", "/b"}, sent{"view", "/b", ""}) // no longer from /a
		if !ask[bool](w, `window.restored`) {
			t.Error("the page was loaded again: the cache is not what was tested")
		}
		w.js(`location.href = "/d"`)
		w.expect(sent{"ping=1", "/b", ""}, sent{"view", "/d", "/b"})
	})

	// Chromium prerenders nothing in a tab that is under remote control, so the
	// page plays both states itself.
	t.Run("prerendered page", func(t *testing.T) {
		w := newWorld(t)
		w.beforeScripts(`Object.defineProperty(Document.prototype, "prerendering", {get: () => !window.activated})`)
		w.open("/a")
		w.expectLoaded("/a")
		w.js(`dispatchEvent(new PageTransitionEvent("pagehide"))`)
		w.js(`history.replaceState({}, "", "/b")`)
		w.expectNoHit()
		w.js(`window.activated = true; document.dispatchEvent(new Event("prerenderingchange"))`)
		w.expect(sent{"view", "/b", ""})
	})

	for name, property := range map[string]string{
		"Do Not Track":           `"doNotTrack", {get: () => "1"}`,
		"Global Privacy Control": `"globalPrivacyControl", {get: () => true}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.beforeScripts(`Object.defineProperty(Navigator.prototype, ` + property + `)`)
			w.open("/a")
			w.expectLoaded("/a")
			w.js(`history.pushState({}, "", "/two"); fotspor("x");
				const a = document.querySelector("a"); a.href = "https://x.example/a.pdf"; a.onclick = (e) => e.preventDefault(); a.click()`)
			w.open("/b")
			w.expectLoaded("/b")
			w.expectNoHit()
		})
	}

	// Each page of somebody who objects tells so once, where the server counts that; for
	// Matomo's snippet that is each that is told of.
	for name, objection := range map[string]string{
		"GPC":                   `Object.defineProperty(Navigator.prototype, "globalPrivacyControl", {get: () => true})`,
		"DNT":                   `Object.defineProperty(Navigator.prototype, "doNotTrack", {get: () => "1"})`,
		"DNT with an extension": `Object.defineProperty(Navigator.prototype, "doNotTrack", {get: () => "1xyz"})`,
		"Matomo's box":          `document.cookie = "matomo_ignore=ignore%3D%2A;path=/"`,
		"opt-out":               `document.cookie = "mtm_consent_removed=1;path=/"`,
		"Matomo":                `document.cookie = "mtm_consent_removed=1772366399000;path=/"`,
	} {
		t.Run("counted "+name, func(t *testing.T) {
			told := sent{"objection idsite=7&rec=1&objection=1", "", ""}
			for next, body := range map[string]func(string) string{
				`history.pushState({}, "", "/two"); history.replaceState({}, "", "/two?q=1"); fotspor("x");
					for (const statistics of [true, false, true]) dispatchEvent(new CustomEvent("toggle-consent", {detail: {statistics}}))`: func(stats string) string { return script.Snippet(stats, site) },
				`history.pushState({}, "", "/two"); _paq.push(["trackPageView"], ["trackEvent", "a", "b"])`: matomoSnippet("", ""),
			} {
				w := newWorldWith(t, body)
				w.countObjections = true
				w.website.URL = strings.Replace(w.website.URL, "127.0.0.1", "localhost", 1) // which shares no cookie
				w.beforeScripts(objection)
				w.open("/a?x=1")
				w.expectLoaded("/a")
				w.expect(told)
				w.js(next)
				w.expectOnly(told)
				w.open("/b")
				w.expectLoaded("/b")
				w.expectOnly(told)
			}
		})
	}

	t.Run("choices in cookies", func(t *testing.T) {
		w := newWorld(t)
		w.website.URL = strings.Replace(w.website.URL, "127.0.0.1", "localhost", 1) // which shares no cookie
		for _, tt := range choices {
			w.holdCookies(tt.cookies)
			w.open("/a")
			w.expectLoaded("/a")
			t.Log(tt.cookies)
			if tt.out {
				w.js(`fotspor("x"); history.pushState({}, "", "/two")`)
				w.expectOnly()
				continue
			}
			w.expectOnly(sent{"view", "/a", ""})
			w.js(`document.cookie = "mtm_consent_removed=1;path=/"; history.pushState({}, "", "/two")`)
			w.expectOnly()
		}
	})

	t.Run("opting in where the objection was made", func(t *testing.T) {
		w := newWorld(t)
		w.website.URL = strings.Replace(w.website.URL, "127.0.0.1", "localhost", 1)
		w.open("/a")
		w.expect(sent{"view", "/a", ""})
		w.js(`document.cookie = "mtm_consent_removed=1;path=/"; history.pushState({}, "", "/two")`)
		w.expectOnly()
		w.js(`document.cookie = "mtm_consent_removed=;path=/;max-age=0"; fotspor("x")`)
		w.expectOnly()
		w.js(`history.pushState({}, "", "/three"); fotspor("x")`)
		w.expectOnly(sent{"view", "/three", ""}, sent{"e_a=x&e_v=", "/three", ""})
	})

	t.Run("opting out and in", func(t *testing.T) {
		w := newWorld(t)
		w.website.URL = strings.Replace(w.website.URL, "127.0.0.1", "localhost", 1)
		consent := func(statistics string) {
			t.Helper()
			w.js(`document.body.dispatchEvent(new CustomEvent("toggle-consent", {bubbles: true, detail: {marketing: true, statistics: ` + statistics + `}}))`)
		}
		kept := func(want string) { // once the module is there
			t.Helper()
			ask[bool](w, fmt.Sprintf(`new Promise((done) => { const look = () => document.cookie === %q ? done(true) : setTimeout(look, 5); look() })`, want))
		}
		w.open("/a")
		w.expect(sent{"view", "/a", ""})
		consent("undefined")
		consent("true")
		w.expectOnly()
		consent("false")
		w.js(`fotspor("x")`)
		kept("mtm_consent_removed=2")
		w.js(`history.pushState({}, "", "/two"); fotspor("x")`)
		w.open("/b")
		w.expectLoaded("/b")
		w.expectOnly()
		consent("true")
		kept("")
		w.expectOnly()
		w.js(`history.pushState({}, "", "/after")`) // from the next page on
		w.expectOnly(sent{"view", "/after", ""})
		// A choice by another way outlives what the dialogue says at each page.
		w.js(`document.cookie = "mtm_consent_removed=1;path=/"`)
		consent("false")
		consent("true")
		w.js(`history.pushState({}, "", "/three")`)
		w.expectOnly()
		w.js(`document.cookie = "mtm_consent_removed=;path=/;max-age=0"; history.pushState({}, "", "/four")`)
		w.expectOnly(sent{"view", "/four", ""})
		consent("false")
		kept("mtm_consent_removed=2")
		cookies := chromium.Call(w.tab, network.GetCookies, network.GetCookiesParams{}).Cookies
		if len(cookies) != 1 || cookies[0].Name != "mtm_consent_removed" || cookies[0].Value != "2" || cookies[0].Path != "/" {
			t.Fatalf("cookies %+v", cookies)
		}
		if days := time.Until(time.Unix(int64(cookies[0].Expires), 0)).Hours() / 24; days < 394 || days > 396 {
			t.Errorf("the choice is kept for %.1f days, want 13 months", days)
		}
	})

	t.Run("without JavaScript", func(t *testing.T) {
		w := newWorld(t)
		chromium.Call(w.tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		w.open("/a?x=1")
		w.expect(sent{"pixel 7", w.website.URL + "/a?x=1", ""})
	})

	t.Run("nothing is kept in the browser", func(t *testing.T) {
		w := newWorld(t)
		w.beforeScripts(`window.before = Object.getOwnPropertyNames(window)`)
		w.open("/a")
		w.js(`history.pushState({}, "", "/two"); fotspor("x")`)
		w.expect(sent{"view", "/a", ""}, sent{"view", "/two", "/a"}, sent{"e_a=x&e_v=", "/two", "/a"})
		w.expectNothingKept()
		globals := ask[[]string](w, `Object.getOwnPropertyNames(window).filter((name) => !before.includes(name) && name !== "before")`)
		if diff := cmp.Diff([]string{"fotspor"}, slices.DeleteFunc(globals, func(name string) bool { return name == "restored" })); diff != "" {
			t.Errorf("globals (-want +got):\n%s", diff)
		}
	})

	// As on a phone: whoever looks at something else may come back, or never.
	t.Run("hidden and shown again", func(t *testing.T) {
		w := newWorld(t)
		w.open("/a")
		w.expect(sent{"view", "/a", ""})
		w.js(`Object.defineProperty(document, "hidden", {get: () => window.away, configurable: true});
			window.turn = (away) => { window.away = away; document.dispatchEvent(new Event("visibilitychange", {bubbles: true})) };
			turn(true)`)
		w.expectOnly(sent{"ping=1", "/a", ""})
		w.js(`dispatchEvent(new PageTransitionEvent("pagehide"))`) // is told already
		w.js(`turn(false)`)                                        // is no view
		w.expectOnly()
		w.js(`turn(true)`)
		w.expectOnly(sent{"ping=1", "/a", ""})
		w.js(`turn(false); delete document.hidden`) // for the browser to say it itself
		w.open("/b")
		w.expect(sent{"ping=1", "/a", ""}, sent{"view", "/b", ""})
	})

	t.Run("links", func(t *testing.T) {
		w := newWorld(t)
		w.open("/a")
		w.expect(sent{"view", "/a", ""})
		outside := strings.Replace(w.website.URL, "127.0.0.1", "localhost", 1) + "/nothing/"
		// A link that came late, with something inside it, and whose click goes no further.
		w.js(fmt.Sprintf(`document.body.insertAdjacentHTML("beforeend", '<p><a id="out" href="%s?from=kari#top"><b>out</b></a>');
			document.querySelector("#out").onclick = (e) => e.stopPropagation()`, outside))
		out := sent{"link=" + outside, "/a", ""}
		w.tab.Do(chromedp.Click("#out b"))
		w.expect(out)
		w.tab.Do(chromedp.Focus("#out"), chromedp.KeyEvent("\r"))
		w.expect(out)
		box := ask[[]float64](w, `(({x, y}) => [x + 5, y + 5])(document.querySelector("#out").getBoundingClientRect())`)
		w.tab.Do(chromedp.MouseClickXY(box[0], box[1], chromedp.ButtonRight))
		w.tab.Do(chromedp.MouseClickXY(box[0], box[1], chromedp.ButtonMiddle))
		w.expectOnly(out)

		follow := func(attributes string) {
			t.Helper()
			w.js(fmt.Sprintf(`document.body.insertAdjacentHTML("beforeend", '<a %s>x</a>');
				document.body.lastChild.addEventListener("click", (e) => e.preventDefault());
				document.body.lastChild.click()`, attributes))
		}
		for attributes, want := range map[string]string{
			`href="https://x.example/"`:                 "link=https://x.example/",
			`href="https://x.example/s?q=kari#x"`:       "link=https://x.example/s",
			`href="https://x.example/" target="_blank"`: "link=https://x.example/",
			`href="https://kari:secret@x.example/y"`:    "link=https://x.example/y",
			`href="https://zip.x.example"`:              "link=https://zip.x.example/",
			`href="/report.PDF?v=2#p3"`:                 "download=" + w.website.URL + "/report.PDF",
			`href="/a.docx"`:                            "download=" + w.website.URL + "/a.docx",
			`href="https://x.example/a.zip"`:            "download=https://x.example/a.zip",
			`href="/made?as=csv" download`:              "download=" + w.website.URL + "/made",
			`href="/page.html"`:                         "",
			`href="/pdf"`:                               "",
			`href="/b"`:                                 "",
			`href="#there"`:                             "",
			`href="http://127.0.0.1:1/"`:                "", // the same host
			`href="mailto:x@x.example"`:                 "",
			`href="tel:+4712345678"`:                    "",
			`href="javascript:void(0)"`:                 "",
			// What the page makes itself: counted by the name of the file.
			`href="blob:https://x.example/1" download="års rapport.pdf"`: "download=/års rapport.pdf",
			`href="data:text/csv,a" download="a.csv"`:                    "download=/a.csv",
			`href="data:text/csv,a" download`:                            "download=/download",
			`href="data:text/csv,a"`:                                     "",
			`href="http://"`:                                             "",
			`name="no-address"`:                                          "",
		} {
			follow(attributes)
			if want == "" {
				w.expectOnly()
			} else {
				w.expectOnly(sent{want, "/a", ""})
			}
		}
		// Links in drawings have no address as text, but an object.
		for attributes, want := range map[string]string{
			`href="https://x.example/kart?q=1"`:   "link=https://x.example/kart",
			`xlink:href="https://x.example/kart"`: "link=https://x.example/kart",
			`href="/kart.pdf"`:                    "download=" + w.website.URL + "/kart.pdf",
			`href="blob:x" download="kart.svg"`:   "download=/kart.svg",
			`href="/b"`:                           "",
			``:                                    "",
		} {
			w.js(fmt.Sprintf(`document.body.insertAdjacentHTML("beforeend", '<svg><a %s><circle r="9"/></a></svg>');
				document.body.lastChild.addEventListener("click", (e) => e.preventDefault());
				document.body.lastChild.querySelector("circle").dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true, composed: true}))`, attributes))
			if want == "" {
				w.expectOnly()
			} else {
				w.expectOnly(sent{want, "/a", ""})
			}
		}
		// Every ending that is documented makes a download.
		doc, err := os.ReadFile("../../docs/script.md")
		if err != nil {
			t.Fatal(err)
		}
		row := regexp.MustCompile(`(?m)^\| \*\*Downloads\*\*.* ends in (.*)\. Such`).FindSubmatch(doc)
		if row == nil {
			t.Fatal("docs/script.md does not say what a download is")
		}
		for ending := range strings.FieldsSeq(strings.ReplaceAll(string(row[1]), "`", "")) {
			follow(`href="/a.` + ending + `"`)
			w.expect(sent{"download=" + w.website.URL + "/a." + ending, "/a", ""})
		}
	})

	t.Run("link that leaves the page", func(t *testing.T) {
		w := newWorld(t)
		w.open("/a")
		w.expect(sent{"view", "/a", ""})
		outside := strings.Replace(w.website.URL, "127.0.0.1", "localhost", 1) + "/b"
		w.js(fmt.Sprintf(`const a = document.querySelector("a"); a.href = %q; a.dataset.fotsporEvent = "Partner"; a.click()`, outside))
		w.expect(sent{"link=" + outside, "/a", ""}, sent{"e_a=Partner&e_v=", "/a", ""}, sent{"ping=1", "/a", ""},
			sent{"view", outside, "/"}) // of which browsers tell another host no more
	})

	t.Run("events", func(t *testing.T) {
		// The line for calls from before the script is there.
		early := `<script>
			window.fotspor = window.fotspor || function () { (fotspor.q = fotspor.q || []).push(arguments) };
			fotspor("Early / Bird", {value: 2});
		</script>`
		w := newWorldWith(t, func(stats string) string {
			return early + script.Snippet(stats, site) + `<p><button id="one" data-fotspor-event="Newsletter"><b>Yes</b></button>
				<button id="two" data-fotspor-event="Video / Play / Intro" data-fotspor-value="12.5">Kari Nordmann</button><p id="host"></p>`
		})
		w.open("/a")
		w.expect(sent{"view", "/a", ""}, sent{"e_a=Early / Bird&e_v=2", "/a", ""})
		newsletter := sent{"e_a=Newsletter&e_v=", "/a", ""}
		w.tab.Do(chromedp.Click("#one b"))
		w.expectOnly(newsletter)
		w.tab.Do(chromedp.Focus("#one"), chromedp.KeyEvent("\r"))
		w.expectOnly(newsletter)
		box := ask[[]float64](w, `(({x, y}) => [x + 5, y + 5])(document.querySelector("#one").getBoundingClientRect())`)
		w.tab.Do(chromedp.MouseClickXY(box[0], box[1], chromedp.ButtonMiddle)) // which does nothing to a button
		w.expectOnly()
		w.tab.Do(chromedp.Click("#two"))
		w.expectOnly(sent{"e_a=Video / Play / Intro&e_v=12.5", "/a", ""})
		w.js(`document.querySelector("#host").attachShadow({mode: "open"}).innerHTML = '<button data-fotspor-event="Shade">x</button>';
			document.querySelector("#host").shadowRoot.querySelector("button").click()`)
		w.expectOnly(sent{"e_a=Shade&e_v=", "/a", ""})
		w.js(`fotspor("Menu"); fotspor("Menu / Open", {value: 3}); fotspor("A/B")`)
		w.expectOnly(sent{"e_a=Menu&e_v=", "/a", ""}, sent{"e_a=Menu / Open&e_v=3", "/a", ""},
			sent{"e_a=A/B&e_v=", "/a", ""})
	})

	t.Run("page that is not there", func(t *testing.T) {
		w := newWorld(t)
		w.open("/missing?status=404")
		w.expectOnly(sent{"e_c=404", "/missing?status=404", ""})
		w.open("/b?status=200")
		w.expect(sent{"ping=1", "/missing?status=404", ""}, sent{"view", "/b?status=200", ""})
	})

	// The lines of docs/script.md keep what a dialogue says, before the script and behind it.
	for name, order := range map[string]string{"alone": "SCRIPT", "behind the lines": "LINES SCRIPT", "before the lines": "SCRIPT LINES"} {
		for _, countObjections := range []bool{false, true} {
			t.Run(fmt.Sprintf("pinned %s, counting objections %t", name, countObjections), func(t *testing.T) {
				pin, err := script.Integrity(countObjections)
				if err != nil {
					t.Fatal(err)
				}
				doc, err := os.ReadFile("../../docs/script.md")
				if err != nil {
					t.Fatal(err)
				}
				lines := regexp.MustCompile("(?s)```html\n(<script>\n  addEventListener\\(\"toggle-consent.*?)```").FindSubmatch(doc)
				if lines == nil {
					t.Fatal("docs/script.md has no lines for a pinned script")
				}
				w := newWorldWith(t, func(stats string) string {
					tag := fmt.Sprintf(`<script crossorigin integrity="%s" src="%s/fotspor.js" data-site="%d"></script>`, pin, stats, site)
					return strings.NewReplacer("SCRIPT", tag, "LINES", string(lines[1])).Replace(order)
				})
				w.countObjections = countObjections
				w.website.URL = strings.Replace(w.website.URL, "127.0.0.1", "localhost", 1)
				say := func(detail, cookies string) {
					t.Helper()
					w.js(`dispatchEvent(new CustomEvent("toggle-consent", {detail: ` + detail + `}))`)
					if got := ask[string](w, "document.cookie"); got != cookies {
						t.Errorf("cookies %q after %s, want %q", got, detail, cookies)
					}
				}
				w.open("/a")
				w.expectOnly(sent{"view", "/a", ""})
				if order == "SCRIPT" {
					say("{statistics: false}", "")
					w.js(`fotspor("x")`)
					w.open("/b")
					w.expectOnly(sent{"view", "/b", ""})
					return
				}
				say("null", "")
				say("{statistics: true}", "")
				say("{statistics: false}", "mtm_consent_removed=2")
				w.js(`fotspor("x"); history.pushState({}, "", "/two")`)
				w.open("/b")
				w.expectLoaded("/b")
				w.expectOnly()
				say("{statistics: true}", "")
				w.js(`history.pushState({}, "", "/three")`)
				w.expectOnly(sent{"view", "/three", ""})
				for _, choice := range []string{"1", "1772366399000"} {
					w.js(`document.cookie = "mtm_consent_removed=` + choice + `;path=/"`)
					say("{statistics: false}", "mtm_consent_removed="+choice)
					say("{statistics: true}", "mtm_consent_removed="+choice)
				}
				w.js(`history.pushState({}, "", "/four")`)
				w.expectOnly()
			})
		}
	}

	t.Run("file", func(t *testing.T) {
		w := newWorld(t)
		file := filepath.Join(t.TempDir(), "page.html")
		if err := os.WriteFile(file, []byte(`<!doctype html><title>file</title>`+script.Snippet(w.stats, site)), 0o600); err != nil {
			t.Fatal(err)
		}
		w.tab.Do(chromedp.Navigate("file://" + file))
		w.js(`fotspor("x")`)
		w.expectOnly()
	})
}
