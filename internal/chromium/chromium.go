// Package chromium gives tests a tab of a real browser, without a window.
package chromium

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/fotspor/fotspor/internal/patience"
)

// stepTime bounds every step in a browser on an idle machine.
const stepTime = time.Minute

// Tab is a tab of a browser. It ends with its test.
type Tab struct {
	tb  testing.TB
	ctx context.Context

	mu         sync.Mutex
	complaints []string
	ignored    []string
}

// Open starts a browser with a new profile and returns its tab. What the
// browser complains of, such as a breach of a content security policy, fails the
// test. Where Chromium is missing the test is skipped, but it fails when CI=true.
func Open(tb testing.TB, options ...chromedp.ExecAllocatorOption) *Tab {
	tb.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatal("no Chromium")
		}
		tb.Skip("SKIPPED: no Chromium")
	}
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(tb.TempDir()),
		chromedp.Env("TMPDIR=" + tb.TempDir()), // where it leaves things behind
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		// What a browser would otherwise ask of its maker's hosts.
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true),
	}, options...)...)
	tb.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	tb.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // starts it, without a deadline on its life
		tb.Fatalf("start Chromium: %v", err)
	}
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
