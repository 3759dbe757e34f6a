package dashboard_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/store"
)

// patience is how long a test waits for a browser.
const patience = 60 * time.Second

// chromium starts a browser that ends with the test. Everything it complains of,
// such as a breach of the content security policy, is an error of the test.
func chromium(t *testing.T) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no Chromium")
		}
		t.Skip("SKIPPED: no Chromium")
	}
	allocator, cancel := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("accept-lang", "nb"))
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // starts it, without a deadline on its life
		t.Fatalf("start Chromium: %v", err)
	}
	tab := &tab{T: t, ctx: ctx}
	if err := chromedp.Listen(ctx, tab.listen); err != nil {
		t.Fatal(err)
	}
	call(tab, log.Enable, cdp.Empty{})
	t.Cleanup(func() {
		tab.mu.Lock()
		defer tab.mu.Unlock()
		for _, complaint := range tab.complaints {
			t.Errorf("the browser complains: %s", complaint)
		}
	})
	return tab
}

// tab is a tab of a browser.
type tab struct {
	*testing.T
	ctx        context.Context
	mu         sync.Mutex
	complaints []string
}

func (t *tab) listen(event any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			t.complaints = append(t.complaints, e.Entry.Text)
		}
	case *runtime.EventExceptionThrown:
		t.complaints = append(t.complaints, e.ExceptionDetails.Text)
	}
}

// do runs steps in the tab.
func (t *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	run(t, chromedp.Steps(steps...))
}

// run runs an action in a tab and returns its value.
func run[T any](t *tab, action chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatalf("browser: %v", err)
	}
	return value
}

// call gives the browser a command of its protocol.
func call[P, R any](t *tab, command cdp.Command[P, R], params P) R {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		t.Fatalf("browser: %v", err)
	}
	return result
}

// logIn fills in the form as a person does.
func (t *tab) logIn(b *bench) {
	t.Helper()
	b.addUser(userName, store.Viewer, userPass)
	t.do(
		chromedp.Navigate(b.server.URL+"/login"),
		chromedp.SendKeys("#name", userName),
		chromedp.SendKeys("#password", userPass),
		chromedp.Submit("#password"),
		chromedp.WaitVisible(".user"))
}

func TestBrowser(t *testing.T) {
	b := newBench(t)
	site := b.addSite("Samvirke Norge", "www.samvirke.example", "Europe/Oslo")
	today := hit.DayOf(moment)
	story := tell(1, site, today-20, today, 20, moment)
	put(t, b.store, "story", rowsOf(site, story))
	tab := chromium(t)
	tab.logIn(b)
	tab.do(chromedp.Click(".sites a"), chromedp.WaitVisible("#chart canvas"))

	want := nb(t).Number(int64(total(between(story, today-6, today)).visitors))
	if got := run(tab, chromedp.Text("#figure-visitors .value")); got != want {
		t.Errorf("visitors = %q, want %q", got, want)
	}
	chart := run(tab, chromedp.Evaluate[struct{ Painted, Width int }](`(() => {
		const c = document.querySelector("#chart canvas");
		const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
		let Painted = 0;
		for (let i = 3; i < d.length; i += 4) if (d[i]) Painted++;
		return { Painted, Width: c.clientWidth };
	})()`))
	if chart.Painted < 1000 || chart.Width < 500 {
		t.Errorf("chart has %d painted pixels and is %d wide", chart.Painted, chart.Width)
	}

	versionsHidden := chromedp.Evaluate[bool](`document.querySelector("[data-group^=browsers]").hidden`)
	before := run(tab, versionsHidden)
	tab.do(chromedp.Click("#browsers .opens"))
	if after := run(tab, versionsHidden); !before || after {
		t.Errorf("versions hidden = %t, after a click %t; want true, then false", before, after)
	}
	tab.do(chromedp.Click("#figure-visits summary"), chromedp.WaitVisible("#figure-visits .panel"), chromedp.KeyEvent("\u001b"))
	if run(tab, chromedp.Evaluate[bool](`document.querySelector("#figure-visits details").open`)) {
		t.Error("an explanation stays open after Escape")
	}
	wide := run(tab, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`))
	tab.do(chromedp.EmulateViewport(390, 844))
	narrow := run(tab, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`))
	if wide > 0 || narrow > 0 {
		t.Errorf("the page is %d px too wide for a desk and %d px for a phone", wide, narrow)
	}
}

// TestScreenshots saves pictures of the pages in the folder FOTSPOR_SHOTS.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("FOTSPOR_SHOTS")
	if dir == "" {
		t.Skip("set FOTSPOR_SHOTS to a folder to save screenshots there")
	}
	b := newBench(t)
	for i, s := range []struct{ name, host string }{
		{"Samvirke Norge", "www.samvirke.example"}, {"Fjordvik kommune", "www.fjordvik.example"},
		{"Havnebyen frivilligsentral", "frivillig.example"}, {"Konferansen 2027", "konferansen.example"},
	} {
		site := b.addSite(s.name, s.host, "Europe/Oslo")
		if i < 3 {
			story := tell(uint64(i), site, hit.DayOf(moment)-800, hit.DayOf(moment), []float64{90, 60, 4}[i], moment)
			put(t, b.store, s.name, rowsOf(site, story))
		}
	}
	tab := chromium(t)
	tab.logIn(b)
	shoot := func(name, path string, clicks ...string) {
		for _, scheme := range []string{"light", "dark"} {
			for width, scale := range map[int64]float64{1440: 1, 390: 2} {
				call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
				})
				tab.do(chromedp.EmulateViewport(width, 900, chromedp.EmulateScale(scale)), chromedp.Navigate(b.server.URL+path))
				for _, selector := range clicks {
					tab.do(chromedp.Click(selector))
				}
				picture := run(tab, chromedp.FullScreenshot(100))
				file := filepath.Join(dir, fmt.Sprintf("dash-%s-%d-%s.png", name, width, scheme))
				if err := os.WriteFile(file, picture, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	shoot("sites", "/")
	shoot("site-30d", "/sites/1?period=30d")
	shoot("site-today", "/sites/1?period=today", "#browsers .opens", "#figure-visits summary")
	shoot("site-12m", "/sites/2?period=12m&lang=en")
	tab.do(chromedp.Navigate(b.server.URL + "/?lang=nb"))
	shoot("table", "/sites/1?period=month&show=countries")
	shoot("custom", "/sites/3?period=custom&from=2026-10-05&to=2026-11-05", ".custom summary")
	shoot("new", "/sites/4")
	tab.do(chromedp.Navigate(b.server.URL+"/"), chromedp.Click(".tools button"), chromedp.WaitVisible("#password"))
	shoot("login", "/login")
}
