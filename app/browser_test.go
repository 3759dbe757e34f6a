package app_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/collector/script"
	"github.com/fotspor/fotspor/internal/chromium"
)

// TestPeople walks the way of the people it is all for, in a real browser: a
// visitor reads a website at another origin, with the script, without JavaScript
// and in a single-page application; then an officer sets the program up and reads
// the same numbers on the dashboard.
func TestPeople(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	p := start(t, time.Now(), func(o *app.Options) { o.Now = time.Now; o.Demo = true })
	website := newWebsite(t, p.public)
	// The flag speaks for beacons of pages that are left, which the override misses.
	tab := chromium.Open(t, chromedp.UserAgent(agents[0].header))
	beAPerson(tab)

	tab.Do(chromedp.Navigate(website.URL+"/artikkel"), chromedp.Click("a.next"), chromedp.WaitVisible("#neste"))
	p.awaitPage(tab)
	chromium.Call(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	tab.Do(chromedp.Navigate(website.URL + "/uten-skript"))
	p.awaitAccepted(3)
	chromium.Call(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: false})
	tab.Do(
		chromedp.Navigate(website.URL+"/app"),
		chromedp.Click("#to-one"), chromedp.Click("#to-two"), chromedp.Click("#to-one"), // the last one again
		chromedp.Navigate(p.public+"/demo"),
	)
	p.awaitPage(tab)
	const views = 8
	paths := map[string]string{"/artikkel": "1", "/neste": "1", "/uten-skript": "1", "/app": "1", "/app/en": "2", "/app/to": "1", "/demo": "1"}

	tab.Do(
		chromedp.Navigate(p.setup),
		chromedp.SendKeys("#name", "kari"), chromedp.SendKeys("#password", testPassword), chromedp.SendKeys("#again", testPassword),
		chromedp.Submit("#again"), chromedp.WaitVisible(".user"),
	)
	want := map[string]string{"visitors": "1", "visits": "1", "pageviews": fmt.Sprint(views), "bounce_rate": "0.0%"}
	maps.Copy(want, paths)
	begin := time.Now()
	// The queries of a page see what has come by then, each for itself: while hits
	// come in, one may be ahead of another.
	await(t, "the visit on the dashboard", func() error {
		tab.Do(chromedp.Navigate(p.public + "/sites/1?period=today&lang=en"))
		got := chromium.Run(tab, chromedp.Evaluate[map[string]string](`Object.fromEntries([
			...[...document.querySelectorAll("[id^=figure-]")].map(f => [f.id.slice("figure-".length), f.querySelector("b").innerText]),
			...[...document.querySelectorAll("#page tbody tr")].map(r => [r.cells[0].innerText.trim(), r.cells[2].innerText.trim()])])`))
		delete(got, "visit_seconds") // the machine's
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("(-want +got):\n%s", diff)
		}
		return nil
	})
	t.Logf("the visit was on the dashboard %s after the log-in", time.Since(begin).Round(time.Millisecond))
	tab.Do(chromedp.WaitVisible("#chart .plot svg"))
	if got := p.metric(`fotspor_hits_dropped_total{reason="bot"}`); got != 0 {
		t.Errorf("%v hits of the browser were taken for a bot's", got)
	}
}

// awaitPage waits until the current page is there and its scripts have run: a person
// stays at least so long.
func (p *program) awaitPage(tab *chromium.Tab) {
	p.t.Helper()
	await(p.t, "a page in the browser", func() error {
		if state := chromium.Run(tab, chromedp.Evaluate[string](`document.readyState`)); state != "complete" {
			return fmt.Errorf("the page is %s", state)
		}
		return nil
	})
}

// beAPerson makes the browser, which has no window and says so, say what one with
// a window says.
func beAPerson(tab *chromium.Tab) {
	chromium.Call(tab, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
		UserAgent:      agents[0].header,
		AcceptLanguage: "nb-NO,nb",
		UserAgentMetadata: &emulation.UserAgentMetadata{
			Brands: []*emulation.UserAgentBrandVersion{
				{Brand: "Chromium", Version: "153"}, {Brand: "Google Chrome", Version: "153"}, {Brand: "Not.A/Brand", Version: "8"},
			},
			Platform: "Windows",
		},
	})
}

// awaitAccepted waits until so many hits are acknowledged.
func (p *program) awaitAccepted(hits int) {
	p.t.Helper()
	await(p.t, "hits of the browser", func() error {
		if got := p.metric("fotspor_hits_accepted_total"); got < float64(hits) {
			return fmt.Errorf("%v of %d hits have come", got, hits)
		}
		return nil
	})
}

// newWebsite serves a website with the snippet on each page, at its own origin.
func newWebsite(t *testing.T, stats string) *httptest.Server {
	mux := http.NewServeMux()
	page := func(path, body string) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, `<!doctype html><html lang="nb"><title>%s</title><link rel="icon" href="data:,">%s%s</html>`,
				path, body, script.Snippet(stats, 1))
		})
	}
	page("/artikkel", `<a class="next" href="/neste">neste</a>`)
	page("/neste", `<h1 id="neste">Neste</h1>`)
	page("/uten-skript", `<h1>Uten skript</h1>`)
	page("/app", `<button id="to-one">en</button><button id="to-two">to</button><script>
		for (const [id, path] of [["to-one", "/app/en"], ["to-two", "/app/to"]])
			document.getElementById(id).onclick = () => history.pushState({}, "", path);
	</script>`)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}
