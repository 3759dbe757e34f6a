// Package chromium gives tests a tab of a real browser, without a window.
package chromium

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"go.uber.org/goleak"

	"github.com/fotspor/fotspor/internal/patience"
)

// stepTime bounds every step in a browser on an idle machine.
const stepTime = time.Minute

// program is the browser's name in the search path.
const program = "chromium"

// Tab is a tab of a browser. It ends with its test.
type Tab struct {
	tb  testing.TB
	ctx context.Context

	mu         sync.Mutex
	complaints []string
	ignored    []string
}

// shared starts the browser that the tests of a package share, and returns it. It
// is nil unless Main runs them.
var shared func() (context.Context, error)

// Main is the TestMain of a package that opens many tabs: it runs the tests, ends
// the browser that their tabs share, and fails if goroutines are left. If the
// process dies before, the browser ends with it.
func Main(m *testing.M) {
	end := func() error { return nil }
	shared = sync.OnceValues(func() (context.Context, error) {
		dir, err := os.MkdirTemp("", "fotspor-chromium-")
		if err != nil {
			return nil, err
		}
		browser, stop, err := start(dir)
		end = func() error {
			stop()
			return os.RemoveAll(dir)
		}
		return browser, err
	})
	code := m.Run()
	if err := end(); err != nil {
		fmt.Fprintln(os.Stderr, "end Chromium:", err)
		code = 1
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// start starts a browser that keeps its files in dir, and returns the context of
// its first tab. The function that it returns ends the browser.
func start(dir string, options ...chromedp.ExecAllocatorOption) (context.Context, func(), error) {
	allocator, freeAllocator := chromedp.NewExecAllocator(context.Background(), append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program), chromedp.UserDataDir(filepath.Join(dir, "profile")),
		chromedp.Env("TMPDIR=" + dir), // where it leaves things behind
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		// What a browser would otherwise ask of its maker's hosts.
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true),
	}, options...)...)
	ctx, stop := chromedp.NewContext(allocator)
	// Do starts it, without a deadline on its life.
	return ctx, func() { stop(); freeAllocator() }, chromedp.Do(ctx)
}

// Open returns a tab of a browser with a new profile: cookies, storage and caches
// are empty. Tabs without options share the browser of Main, where each has a
// browser context. Any other tab starts a browser, which ends with the test. What
// a tab complains of, such as a breach of a content security policy, fails the
// test. Where Chromium is missing the test is skipped, but it fails when CI=true.
func Open(tb testing.TB, options ...chromedp.ExecAllocatorOption) *Tab {
	tb.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatal("no Chromium")
		}
		tb.Skip("SKIPPED: no Chromium")
	}
	var ctx context.Context
	var end func()
	var err error
	if shared != nil && len(options) == 0 {
		if ctx, err = shared(); err == nil {
			ctx, end = chromedp.NewContext(ctx, chromedp.WithNewBrowserContext())
			err = chromedp.Do(ctx)
		}
	} else {
		ctx, end, err = start(tb.TempDir(), options...)
	}
	if end != nil {
		tb.Cleanup(end)
	}
	if err != nil {
		tb.Fatalf("start Chromium: %v", err)
	}
	return listening(tb, ctx)
}

// Another returns one more tab beside t, which shares cookies, storage and caches with it.
func (t *Tab) Another() *Tab {
	t.tb.Helper()
	ctx, end := chromedp.NewContext(t.ctx)
	t.tb.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.tb.Fatalf("open a tab: %v", err)
	}
	return listening(t.tb, ctx)
}

// listening returns the tab of a context, and fails the test in the end for what it
// complained of.
func listening(tb testing.TB, ctx context.Context) *Tab {
	tb.Helper()
	tab := &Tab{tb: tb, ctx: ctx}
	if err := chromedp.Listen(ctx, tab.listen); err != nil {
		tb.Fatal(err)
	}
	Call(tab, log.Enable, cdp.Empty{})
	tb.Cleanup(func() {
		tab.mu.Lock()
		defer tab.mu.Unlock()
		for _, complaint := range tab.complaints {
			if !slices.ContainsFunc(tab.ignored, func(text string) bool { return strings.Contains(complaint, text) }) {
				tb.Errorf("the browser complains: %s", complaint)
			}
		}
	})
	return tab
}

func (t *Tab) listen(event any) {
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

// Ignore lets the browser complain of what contains a text.
func (t *Tab) Ignore(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ignored = append(t.ignored, text)
}

// Do runs steps in the tab, one after the other; one that fails ends the test.
func (t *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	t.tb.Helper()
	Run(t, chromedp.Steps(steps...))
}

// Run runs an action in a tab and returns its value.
func Run[T any](t *Tab, action chromedp.Action[T]) T {
	t.tb.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, patience.Of(stepTime))
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		t.tb.Fatalf("browser: %v", err)
	}
	return value
}

// Call gives the browser a command of its protocol.
func Call[P, R any](t *Tab, command cdp.Command[P, R], params P) R {
	t.tb.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, patience.Of(stepTime))
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		t.tb.Fatalf("browser: %v", err)
	}
	return result
}
