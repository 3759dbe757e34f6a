package demo_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
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
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip("SKIPPED: " + what)
}

func openTab(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		missing(t, "no chromium to show the pages in")
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
	tab, cancelTab := chromedp.NewContext(allocator)
	t.Cleanup(cancelTab)
	if err := chromedp.Do(tab); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return tab
}

// A walk through the pages in a browser: each page view reaches the server, at
// another origin, and the pages' own security policy stands in nobody's way.
func TestWalk(t *testing.T) {
	if err := script.Check(); err != nil {
		missing(t, err.Error())
	}
	tab, cancel := context.WithTimeout(openTab(t), patience)
	defer cancel()

	hits := make(chan string, 100)
	local := func(address string) string { // path of an address of the website
		_, rest, _ := strings.Cut(address, "/demo")
		return "/demo" + rest
	}
	stats := http.NewServeMux()
	stats.Handle("GET /fotspor.js", script.Handler())
	stats.HandleFunc("GET /pixel.gif", func(w http.ResponseWriter, r *http.Request) {
		hits <- "pixel " + local(r.Referer())
		w.Header().Set("Content-Type", "image/gif")
		w.Write(dialect.Pixel)
	})
	stats.HandleFunc("POST /matomo.php", func(w http.ResponseWriter, r *http.Request) {
		if !r.URL.Query().Has("ping") {
			hits <- "view " + local(r.FormValue("url"))
		}
		w.WriteHeader(http.StatusNoContent)
	})
	statsServer := httptest.NewServer(stats)
	defer statsServer.Close()
	website := httptest.NewServer(demo.Handler(statsServer.URL, 1))
	defer website.Close()

	expect := func(want string) {
		t.Helper()
		select {
		case got := <-hits:
			if got != want {
				t.Fatalf("hit %q, want %q", got, want)
			}
		case <-tab.Done():
			t.Fatalf("no hit, want %q", want)
		}
	}
	do := func(step chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(tab, step); err != nil {
			t.Fatal(err)
		}
	}
	click := func(selector string) {
		t.Helper()
		do(chromedp.Evaluate[chromedp.Void](`document.querySelector(` + "`" + selector + "`" + `).click()`))
	}
	// ready fails where the policy blocked something, or the page is wider than a phone.
	ready := func() {
		t.Helper()
		blocked, err := chromedp.Run(tab, chromedp.Evaluate[[]string](`window.blocked`))
		if err != nil || len(blocked) > 0 {
			t.Errorf("blocked by the policy: %q, %v", blocked, err)
		}
		excess, err := chromedp.Run(tab, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`))
		if err != nil || excess > 0 {
			t.Errorf("page is %d pixels too wide, %v", excess, err)
		}
	}
	shown := func() []string {
		t.Helper()
		views, err := chromedp.Run(tab, chromedp.Evaluate[[]string](
			`[...document.querySelectorAll("[data-view]:not([hidden])")].map((v) => v.dataset.view)`))
		if err != nil {
			t.Fatal(err)
		}
		return slices.Sorted(slices.Values(views))
	}

	if _, err := chromedp.Call(tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `window.blocked = []; addEventListener("securitypolicyviolation", (e) => blocked.push(e.blockedURI), true)`,
	}); err != nil {
		t.Fatal(err)
	}
	do(chromedp.EmulateViewport(390, 844))

	for _, path := range paths {
		do(chromedp.Navigate(website.URL + path))
		if path == "/demo/plain" {
			expect("pixel " + path)
		} else {
			expect("view " + path)
		}
		ready()
	}

	do(chromedp.Navigate(website.URL + "/demo/app"))
	expect("view /demo/app")
	for _, view := range []string{"/demo/app/way", "/demo/app/there"} {
		click(`[data-view]:not([hidden]) a[data-go]`)
		expect("view " + view)
		if diff := cmp.Diff([]string{view}, shown()); diff != "" {
			t.Errorf("views shown (-want +got):\n%s", diff)
		}
	}
	click(`.steps a`)
	expect("view /demo/app")
	do(chromedp.Evaluate[chromedp.Void](`history.back()`))
	expect("view /demo/app/there")
	if diff := cmp.Diff([]string{"/demo/app/there"}, shown()); diff != "" {
		t.Errorf("views shown after going back (-want +got):\n%s", diff)
	}
	ready()
}
