package script_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/collector/dialect/matomo"
	"github.com/fotspor/fotspor/collector/script"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/chromium"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

const site = 7

// sent is one hit as the server gets it. What has the parameters beside those of
// a plain page view of the site.
type sent struct{ What, URL, Referrer string }

// world is a website, the statistics server that it uses, at another origin,
// and a browser tab.
type world struct {
	t       *testing.T
	tab     *chromium.Tab
	website *httptest.Server
	stats   string // where the statistics server is
	hits    chan sent
	loaded  chan string // paths of pages whose scripts, ours among them, have run
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
	stats.Handle("GET /fotspor.js", script.Handler())
	stats.Handle("GET /matomo.js", script.Matomo())
	stats.HandleFunc("GET /pixel.gif", func(_ http.ResponseWriter, r *http.Request) {
		w.hits <- sent{"pixel " + r.FormValue("site"), r.Referer(), ""}
	})
	stats.HandleFunc("POST /matomo.php", func(rw http.ResponseWriter, r *http.Request) {
		w.hits <- w.read(r)
		rw.WriteHeader(http.StatusNoContent)
	})
	statsServer := httptest.NewServer(stats)
	t.Cleanup(statsServer.Close)
	w.stats = statsServer.URL

	pages := http.NewServeMux()
	pages.HandleFunc("GET /", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(rw, `<!doctype html><title>%s</title><link rel="icon" href="data:,"><a href="/b">b</a>%s<script defer src="/own.js"></script>`,
			r.URL.Path, body(w.stats))
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
	return w
}

// read checks what is the same in every hit, and that the collector takes it for
// what it is, and returns the rest.
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
	plain := url.Values{"idsite": {"7"}, "rec": {"1"}, "send_image": {"0"}, "url": q["url"], "urlref": q["urlref"]}
	for name, want := range plain {
		if got := q[name]; slices.Equal(got, want) && len(got) == 1 {
			q.Del(name)
		}
	}
	if len(q) > 0 {
		s.What, _ = url.QueryUnescape(q.Encode())
	}
	hits, err := matomo.Dialect{}.Parse(r)
	if err != nil || len(hits) != 1 {
		w.t.Errorf("%s: the collector reads %d hits, error %v; want one", s.What, len(hits), err)
	} else if isView := !q.Has("ca") && !q.Has("ping"); isView != (hits[0].Kind == hit.Pageview) {
		w.t.Errorf("%s: the collector takes it for kind %v", s.What, hits[0].Kind)
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

func TestInBrowser(t *testing.T) {
	needScript(t)
	t.Run("pages", func(t *testing.T) {
		w := newWorld(t)
		w.open("/a?x=1&y=%C3%A5#part")
		w.expect(sent{"view", "/a?x=1&y=%C3%A5", ""})
		w.js(`document.querySelector("a").click()`)
		w.expect(sent{"ping=1", "/a?x=1&y=%C3%A5", ""}, sent{"view", "/b", "/a?x=1&y=%C3%A5"})
	})

	t.Run("single-page application", func(t *testing.T) {
		w := newWorld(t)
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
			w.js(`history.pushState({}, "", "/two")`)
			w.open("/b")
			w.expectLoaded("/b")
			w.expectNoHit()
		})
	}

	t.Run("without JavaScript", func(t *testing.T) {
		w := newWorld(t)
		chromium.Call(w.tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		w.open("/a?x=1")
		w.expect(sent{"pixel 7", w.website.URL + "/a?x=1", ""})
	})

	t.Run("nothing is kept in the browser", func(t *testing.T) {
		w := newWorld(t)
		w.open("/a")
		w.js(`history.pushState({}, "", "/two")`)
		w.expect(sent{"view", "/a", ""}, sent{"view", "/two", "/a"})
		kept := ask[string](w, `(async () => [document.cookie, localStorage.length, sessionStorage.length,
			(await indexedDB.databases()).length, window.name].join("|"))()`)
		if kept != "|0|0|0|" {
			t.Errorf("kept (cookies, localStorage, sessionStorage, databases, window.name): %s", kept)
		}
		if n := len(chromium.Call(w.tab, network.GetCookies, network.GetCookiesParams{}).Cookies); n > 0 {
			t.Errorf("%d cookies", n)
		}
	})
}
