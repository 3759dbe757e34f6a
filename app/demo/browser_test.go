package demo_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/app/demo"
	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/collector/script"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/internal/chromium"
	"github.com/fotspor/fotspor/internal/patience"
)

// A walk through the pages in a browser: each page view reaches the server, at
// another origin, and the pages' own security policy stands in nobody's way.
func TestWalk(t *testing.T) {
	if err := script.Check(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("SKIPPED: ", err)
	}

	hits := make(chan string, 100)
	local := func(address string) string { // path of an address of the website
		_, rest, _ := strings.Cut(address, "/demo")
		return "/demo" + rest
	}
	stats := http.NewServeMux()
	stats.Handle("GET /fotspor.js", script.Handler(false))
	stats.HandleFunc("GET /pixel.gif", func(w http.ResponseWriter, r *http.Request) {
		hits <- "pixel " + local(r.Referer())
		w.Header().Set("Content-Type", "image/gif")
		w.Write(dialect.Pixel)
	})
	stats.HandleFunc("POST /matomo.php", func(w http.ResponseWriter, r *http.Request) {
		switch q := r.URL.Query(); {
		case q.Has("e_a"):
			hits <- "event " + q.Get("e_a")
		case !q.Has("ping"):
			hits <- "view " + local(q.Get("url"))
		}
		w.WriteHeader(http.StatusNoContent)
	})
	statsServer := httptest.NewServer(stats)
	t.Cleanup(statsServer.Close)
	website := httptest.NewServer(demo.Handler(baseurl.MustParse(statsServer.URL), 1))
	t.Cleanup(website.Close)
	tab := chromium.Open(t)

	expect := func(want string) {
		t.Helper()
		select {
		case got := <-hits:
			if got != want {
				t.Fatalf("hit %q, want %q", got, want)
			}
		case <-time.After(patience.Of(time.Minute)):
			t.Fatalf("no hit, want %q", want)
		}
	}
	click := func(selector string) {
		t.Helper()
		tab.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector(` + "`" + selector + "`" + `).click()`))
	}
	// ready fails where the policy blocked something, or the page is wider than a phone.
	ready := func() {
		t.Helper()
		if blocked := chromium.Run(tab, chromedp.Evaluate[[]string](`window.blocked`)); len(blocked) > 0 {
			t.Errorf("blocked by the policy: %q", blocked)
		}
		if excess := chromium.Run(tab, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`)); excess > 0 {
			t.Errorf("page is %d pixels too wide", excess)
		}
	}
	shown := func() []string {
		t.Helper()
		views := chromium.Run(tab, chromedp.Evaluate[[]string](
			`[...document.querySelectorAll("[data-view]:not([hidden])")].map((v) => v.dataset.view)`))
		return slices.Sorted(slices.Values(views))
	}

	chromium.Call(tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `window.blocked = []; addEventListener("securitypolicyviolation", (e) => blocked.push(e.blockedURI), true)`,
	})
	tab.Do(chromedp.EmulateViewport(390, 844))

	for _, path := range paths {
		tab.Do(chromedp.Navigate(website.URL + path))
		if path == "/demo/plain" {
			expect("pixel " + path)
		} else {
			expect("view " + path)
		}
		ready()
	}

	tab.Do(chromedp.Navigate(website.URL + "/demo/app"))
	expect("view /demo/app")
	for _, view := range []string{"/demo/app/way", "/demo/app/there"} {
		click(`[data-view]:not([hidden]) a[data-go]`)
		expect("view " + view)
		if diff := cmp.Diff([]string{view}, shown()); diff != "" {
			t.Errorf("views shown (-want +got):\n%s", diff)
		}
	}
	tab.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector("[data-fotspor-event]").addEventListener("click", (e) => e.preventDefault())`))
	click(`[data-fotspor-event]`)
	expect("event Demo / Arrived")
	click(`.steps a`)
	expect("view /demo/app")
	tab.Do(chromedp.Evaluate[chromedp.Void](`history.back()`))
	expect("view /demo/app/there")
	if diff := cmp.Diff([]string{"/demo/app/there"}, shown()); diff != "" {
		t.Errorf("views shown after going back (-want +got):\n%s", diff)
	}
	ready()
}
