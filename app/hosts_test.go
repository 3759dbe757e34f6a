package app_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/internal/chromium"
)

// TestHostInABrowser reads a website whose name has letters beyond ASCII in a real browser:
// by script, over a link, and by image.
func TestHostInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	p := start(t, time.Now(), func(o *app.Options) { o.Now = time.Now })
	run := func(args ...string) string {
		t.Helper()
		out, errs, status := command(t, "", append(args, "--data", p.opts.Data)...)
		if status != 0 {
			t.Fatalf("%v: %q, status %d", args, errs, status)
		}
		return out
	}
	run("site", "add", "--host", "blåbær.localhost")
	p.awaitSite(1)
	website := newWebsite(t, p.public)
	at, err := url.Parse(website.URL)
	must(t, err)
	here := "http://blåbær.localhost:" + at.Port()

	tab := chromium.Open(t, chromedp.UserAgent(agents[0].header))
	beAPerson(tab)
	tab.Do(chromedp.Navigate(here+"/artikkel"), chromedp.Click("a.next"), chromedp.WaitVisible("#neste"))
	p.awaitPage(tab)
	p.awaitAccepted(2)
	chromium.Call(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	tab.Do(chromedp.Navigate("http://www.xn--blbr-roah.localhost:" + at.Port() + "/uten-skript"))
	p.awaitAccepted(3)
	want := "/artikkel\txn--blbr-roah.localhost\tdirect\n/neste\txn--blbr-roah.localhost\tdirect\n/uten-skript\twww.xn--blbr-roah.localhost\tdirect\n"
	await(t, "rows", func() error {
		if got := run("query", "SELECT path, host, channel FROM hits WHERE kind = 'pageview' ORDER BY path"); got != want {
			return fmt.Errorf("%q, want %q", got, want)
		}
		return nil
	})
}
