package chromium_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/fotspor/fotspor/internal/chromium"
	"github.com/fotspor/fotspor/internal/patience"
)

// dies in the environment makes the test binary die with a browser open.
const dies = "TEST_DIES_WITH_BROWSER"

func TestMain(m *testing.M) { chromium.Main(m) }

// TestApart holds that a tab has nothing of what another one of the same browser
// keeps: cookies, storage, databases, caches.
func TestApart(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	fetched := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cached.js" {
			w.Header().Set("Cache-Control", "max-age=3600")
			fetched <- r.URL.Path
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, `<!doctype html><title>x</title><link rel="icon" href="data:,"><script src="/cached.js"></script>`)
	}))
	t.Cleanup(server.Close)

	const kept = `(async () => [document.cookie, localStorage.length, (await indexedDB.databases()).length, (await caches.keys()).length].join("|"))()`
	ask := func(tab *chromium.Tab) string {
		t.Helper()
		return chromium.Run(tab, chromedp.Evaluate[string](kept, chromedp.EvalAwaitPromise))
	}
	open := func() *chromium.Tab {
		t.Helper()
		tab := chromium.Open(t)
		tab.Do(chromedp.Navigate(server.URL))
		if got := ask(tab); got != "|0|0|0" {
			t.Errorf("a new tab has %q (cookies, localStorage, databases, caches), want nothing", got)
		}
		return tab
	}
	first := open()
	chromium.Run(first, chromedp.Evaluate[string](`(async () => {
		document.cookie = "a=1;max-age=9999";
		localStorage.b = 1;
		await caches.open("c");
		await new Promise((done) => { indexedDB.open("d").onsuccess = done });
		return "";
	})()`, chromedp.EvalAwaitPromise))
	first.Do(chromedp.Navigate(server.URL + "/again"))
	if got := ask(first); got != "a=1|1|1|1" {
		t.Errorf("the first tab keeps %q, want one of each", got)
	}
	if n := len(fetched); n != 1 {
		t.Errorf("the first tab fetched a script %d times for two pages, want 1", n)
	}
	open()
	if n := len(fetched); n != 2 {
		t.Errorf("two tabs fetched a script %d times, want 2", n)
	}
}

// TestEnds holds that no process is left of a browser when the test process has
// panicked.
func TestEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	if os.Getenv(dies) != "" {
		chromium.Open(t)
		go panic("test")
		select {}
	}
	chromium.Open(t) // skips where there is no browser
	if len(processesOf("fotspor-chromium-")) == 0 {
		t.Fatal("no process of an open browser is seen")
	}
	dir := t.TempDir()
	again := exec.Command(os.Args[0], "-test.run=^TestEnds$")
	again.Env = append(os.Environ(), dies+"=1", "TMPDIR="+dir)
	if out, err := again.CombinedOutput(); err == nil || !bytes.Contains(out, []byte("panic: test")) {
		t.Fatalf("error %v, want a panic:\n%s", err, out)
	}
	if profiles, _ := filepath.Glob(filepath.Join(dir, "*", "profile")); len(profiles) != 1 {
		t.Fatalf("profiles %q, want one", profiles)
	}
	for deadline := time.Now().Add(patience.Of(10 * time.Second)); ; <-time.After(20 * time.Millisecond) {
		left := processesOf(dir)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left running: %q", left)
		}
	}
}

// processesOf returns the command lines of the processes that name a file.
func processesOf(name string) []string {
	var found []string
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range paths {
		if line, _ := os.ReadFile(path); bytes.Contains(line, []byte(name)) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}
