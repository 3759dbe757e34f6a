package script_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/collector/script"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

const site = 7

// sent is one hit as the server gets it.
type sent struct{ What, URL, Referrer string }

// world is a website, the statistics server that it uses, at another origin,
// and a browser tab.
type world struct {
	t       *testing.T
	tab     context.Context
	website *httptest.Server
	hits    chan sent
	loaded  chan string // paths of pages whose scripts, ours among them, have run
}

func newWorld(t *testing.T, browser context.Context) *world {
	t.Helper()
	w := &world{t: t, hits: make(chan sent, 100), loaded: make(chan string, 100)}

	stats := http.NewServeMux()
	stats.Handle("GET /fotspor.js", script.Handler())
	stats.HandleFunc("GET /pixel.gif", func(_ http.ResponseWriter, r *http.Request) {
		w.hits <- sent{"pixel " + r.FormValue("site"), r.Referer(), ""}
	})
	stats.HandleFunc("POST /matomo.php", func(rw http.ResponseWriter, r *http.Request) {
		w.hits <- w.read(r)
		rw.WriteHeader(http.StatusNoContent)
	})
	statsServer := httptest.NewServer(stats)
	t.Cleanup(statsServer.Close)

	pages := http.NewServeMux()
	pages.HandleFunc("GET /", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(rw, `<!doctype html><title>%s</title><a href="/b">b</a>%s<script defer src="/own.js"></script>`,
			r.URL.Path, script.Snippet(statsServer.URL, site))
	})
	// Deferred scripts run in order: when this one reports, ours has run.
	pages.HandleFunc("GET /own.js", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/javascript")
		io.WriteString(rw, `addEventListener("pageshow", (e) => { window.restored = e.persisted });
			fetch("/loaded?" + location.pathname)`)
	})
	pages.HandleFunc("GET /loaded", func(_ http.ResponseWriter, r *http.Request) { w.loaded <- r.URL.RawQuery })
	pages.HandleFunc("GET /favicon.ico", http.NotFound)
	w.website = httptest.NewServer(pages)
	t.Cleanup(w.website.Close)

	var cancel context.CancelFunc
	w.tab, cancel = chromedp.NewContext(browser)
	t.Cleanup(cancel)
	if err := chromedp.Do(w.tab); err != nil { // opens the tab, without a deadline on its life
		t.Fatalf("open a tab: %v", err)
	}
	return w
}

// read checks what is the same in every hit and returns the rest.
func (w *world) read(r *http.Request) sent {
	q := r.URL.Query()
	body, _ := io.ReadAll(r.Body)
	if len(body) > 0 {
		w.t.Errorf("hit with a body %q, want all of it in the query", body)
	}
	if c := r.Header.Get("Cookie"); c != "" {
		w.t.Errorf("hit with a cookie %q", c)
	}
	s := sent{"view", w.path(q.Get("url")), w.path(q.Get("urlref"))}
	if q.Has("ping") {
		s.What = "ping " + q.Get("ping")
	}
	for _, name := range []string{"url", "urlref", "ping"} {
		q.Del(name)
	}
	if diff := cmp.Diff(url.Values{"idsite": {"7"}, "rec": {"1"}, "send_image": {"0"}}, q); diff != "" {
		w.t.Errorf("other parameters (-want +got):\n%s", diff)
	}
	return s
}

// path shortens an address of the website.
func (w *world) path(address string) string {
	return strings.TrimPrefix(address, w.website.URL)
}

func (w *world) do(step chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.tab, patience)
	defer cancel()
	if err := chromedp.Do(ctx, step); err != nil {
		w.t.Fatalf("browser: %v", err)
	}
}

func (w *world) open(path string) {
	w.t.Helper()
	w.do(chromedp.Navigate(w.website.URL + path))
}

// js runs a statement in the page.
func (w *world) js(statement string) {
	w.t.Helper()
	w.do(chromedp.Evaluate[chromedp.Void](statement))
}

// call gives the browser a command of its protocol.
func call[P, R any](w *world, command cdp.Command[P, R], params P) R {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.tab, patience)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		w.t.Fatalf("browser: %v", err)
	}
	return result
}

// beforeScripts runs a statement in every page from now on, before its own.
func (w *world) beforeScripts(statement string) {
	w.t.Helper()
	call(w, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: statement})
}

// ask evaluates an expression in the page, and waits if it is a promise.
func ask[T any](w *world, expression string) T {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.tab, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		w.t.Fatalf("browser: %v", err)
	}
	return value
}

// expect waits for as many hits as want has and compares them, in any order:
// they come by several connections.
func (w *world) expect(want ...sent) {
	w.t.Helper()
	deadline := time.After(patience)
	var got []sent
	for len(got) < len(want) {
		select {
		case h := <-w.hits:
			got = append(got, h)
		case <-deadline:
			w.t.Fatalf("hits: %+v, want %+v", got, want)
		}
	}
	order := func(a, b sent) int { return slices.Compare([]string{a.URL, a.What}, []string{b.URL, b.What}) }
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("hits (-want +got):\n%s", diff)
	}
}

// expectLoaded waits until the scripts of a page have run.
func (w *world) expectLoaded(path string) {
	w.t.Helper()
	deadline := time.After(patience)
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

func (w *world) expectNoHit() {
	w.t.Helper()
	select {
	case h := <-w.hits:
		w.t.Errorf("hit %+v, want none", h)
	default:
	}
}

func startBrowser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		missing(t, "no chromium to run the script in")
	}
	allocator, cancel := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true),
	)
	t.Cleanup(cancel)
	browser, cancelBrowser := chromedp.NewContext(allocator)
	t.Cleanup(cancelBrowser)
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return browser
}

func TestInBrowser(t *testing.T) {
	needScript(t)
	browser := startBrowser(t)

	t.Run("pages", func(t *testing.T) {
		w := newWorld(t, browser)
		w.open("/a?x=1&y=%C3%A5#part")
		w.expect(sent{"view", "/a?x=1&y=%C3%A5", ""})
		w.js(`document.querySelector("a").click()`)
		w.expect(sent{"ping 1", "/a?x=1&y=%C3%A5", ""}, sent{"view", "/b", "/a?x=1&y=%C3%A5"})
	})

	t.Run("single-page application", func(t *testing.T) {
		w := newWorld(t, browser)
		w.open("/one")
		w.expect(sent{"view", "/one", ""})
		w.js(`history.pushState({}, "", "/two?q=1")`)
		w.expect(sent{"view", "/two?q=1", "/one"})
		// None of these is another page; the next hit is that of /three.
		w.js(`history.replaceState({n: 1}, "")`)
		w.js(`history.replaceState({}, "", "/two?q=1#there")`)
		w.js(`history.pushState({}, "", "#here")`)
		w.js(`location.hash = "elsewhere"`)
		w.js(`history.replaceState({}, "", "/three")`)
		w.expect(sent{"view", "/three", "/two?q=1"})
		w.js(`history.go(-3)`)
		w.expect(sent{"view", "/one", "/three"})
		w.open("/b")
		w.expect(sent{"ping 1", "/one", "/three"}, sent{"view", "/b", ""})
	})

	t.Run("back/forward cache", func(t *testing.T) {
		w := newWorld(t, browser)
		w.open("/a")
		w.expect(sent{"view", "/a", ""})
		w.js(`document.querySelector("a").click()`)
		w.expect(sent{"ping 1", "/a", ""}, sent{"view", "/b", "/a"})
		// Left while it loads, a page keeps neither its place in the history
		// nor one in the cache.
		ask[bool](w, `new Promise((done) => document.readyState === "complete" ? done(true)
			: addEventListener("load", () => setTimeout(done, 0, true)))`)
		w.js(`location.href = "/c"`)
		w.expect(sent{"ping 1", "/b", "/a"}, sent{"view", "/c", "/b"})
		w.js(`history.back()`)
		w.expect(sent{"ping 1", "/c", "/b"}, sent{"view", "/b", ""}) // no longer from /a
		if !ask[bool](w, `window.restored`) {
			t.Error("the page was loaded again: the cache is not what was tested")
		}
	})

	// Chromium prerenders nothing in a tab that is under remote control, so the
	// page plays both states itself.
	t.Run("prerendered page", func(t *testing.T) {
		w := newWorld(t, browser)
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
			w := newWorld(t, browser)
			w.beforeScripts(`Object.defineProperty(Navigator.prototype, ` + property + `)`)
			w.open("/a")
			w.expectLoaded("/a")
			w.js(`history.pushState({}, "", "/two")`)
			w.open("/b")
			w.expectLoaded("/b")
			w.expectNoHit()
		})
	}

	t.Run("without JavaScript", func(t *testing.T) {
		w := newWorld(t, browser)
		call(w, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		w.open("/a?x=1")
		w.expect(sent{"pixel 7", w.website.URL + "/a?x=1", ""})
	})

	t.Run("nothing is kept in the browser", func(t *testing.T) {
		w := newWorld(t, browser)
		w.open("/a")
		w.js(`history.pushState({}, "", "/two")`)
		w.expect(sent{"view", "/a", ""}, sent{"view", "/two", "/a"})
		kept := ask[string](w, `(async () => [document.cookie, localStorage.length, sessionStorage.length,
			(await indexedDB.databases()).length, window.name].join("|"))()`)
		if kept != "|0|0|0|" {
			t.Errorf("kept (cookies, localStorage, sessionStorage, databases, window.name): %s", kept)
		}
		if n := len(call(w, network.GetCookies, network.GetCookiesParams{}).Cookies); n > 0 {
			t.Errorf("%d cookies", n)
		}
	})
}
