package dashboard_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdpnet "github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/internal/chromium"
)

// gate lies between the browser and the dashboard: it counts what passes, and holds back
// the request that a test names.
type gate struct {
	next http.Handler

	mu      sync.Mutex
	passed  []string // addresses, in order
	holds   string   // part of the address that is held back; "": none
	held    chan struct{}
	release chan struct{}
	broken  bool // nothing but whole pages is answered
}

// newGate puts a gate before the dashboard of b.
func newGate(b *bench) *gate {
	g := &gate{next: routes(b.dashboard)}
	b.server = httptest.NewServer(g)
	b.Cleanup(b.server.Close)
	return g
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.passed = append(g.passed, r.URL.RequestURI())
	held, release, broken := g.held, g.release, g.broken && r.Header.Get("Sec-Fetch-Mode") != "navigate"
	if g.holds == "" || !strings.Contains(r.URL.RequestURI(), g.holds) {
		held = nil
	} else {
		g.holds = ""
	}
	g.mu.Unlock()
	if broken {
		panic(http.ErrAbortHandler)
	}
	if held != nil {
		close(held)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}
	g.next.ServeHTTP(w, r)
}

// hold holds back the next request whose address has a part. held is closed when it has
// come, and whoever closes release lets it pass.
func (g *gate) hold(part string) (held <-chan struct{}, release chan<- struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.holds, g.held, g.release = part, make(chan struct{}), make(chan struct{})
	return g.held, g.release
}

// all are the addresses that were asked for.
func (g *gate) all() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.passed)
}

func (g *gate) setBroken(broken bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.broken = broken
}

// until waits for an expression of the page that is shown to be true.
func until(tab *chromium.Tab, expression string) {
	chromium.Run(tab, chromedp.Evaluate[bool](
		`new Promise((done) => { const look = () => (`+expression+`) ? done(true) : requestAnimationFrame(look); look(); })`, chromedp.EvalAwaitPromise))
}

// ask evaluates an expression of the page that is shown.
func ask[T any](tab *chromium.Tab, expression string) T {
	return chromium.Run(tab, chromedp.Evaluate[T](expression))
}

// barOf is the selector of the bar with a name of a period.
func barOf(period string) string {
	return fmt.Sprintf(`//div[@class="span"]//strong[text()=%q]`, period)
}

// TestPagesFollowWithoutReload walks from page to page of a site: what differs is replaced,
// the focus and the place are kept, and back and forward lead where they should.
func TestPagesFollowWithoutReload(t *testing.T) {
	b := newBench(t)
	site := b.addSite("Samvirke Norge", "www.samvirke.example", "Europe/Oslo")
	today := calendar.DayOf(moment)
	story := tell(1, site, today-40, today, 40, moment)
	put(t, b.store, "story", rowsOf(site, story))
	g := newGate(b)
	tab := openTab(b)
	tab.Do(chromedp.EmulateViewport(1200, 500), chromedp.Navigate(b.server.URL+"/sites/1"), chromedp.WaitVisible(barOf("Uke 46")))
	ask[bool](tab, `window.kept = true`)
	visitors := func(from, to calendar.Day) string {
		return nb().Number(int64(total(between(story, from, to)).visitors))
	}
	check := func(step string, wants map[string]any) {
		t.Helper()
		for expression, want := range wants {
			if got := ask[any](tab, expression); got != want {
				t.Errorf("%s: %s is %v, want %v", step, expression, got, want)
			}
		}
	}
	const figure = `document.querySelector("#figure-visitors b").textContent`

	// The arrow: figures, title and rail are of the other week, and the arrow has the focus.
	tab.Do(chromedp.Focus(".step[rel=prev]"), chromedp.KeyEvent("\r"), chromedp.WaitVisible(barOf("Uke 45")))
	check("a week back", map[string]any{
		`window.kept`: true, figure: visitors(today-20, today-14),
		`document.activeElement.matches(".step[rel=prev]")`:                                  true,
		`document.title.includes("Uke 45")`:                                                  true,
		`document.querySelector("p[role=status]").textContent === document.title`:            true,
		`new URL(location).searchParams.get("at")`:                                           "2026-W45",
		`document.querySelector(".rail [href*=pages]").href.includes("at=2026-W45")`:         true,
		`document.querySelector(".tools [hreflang=en]").href.includes("at=2026-W45")`:        true,
		`document.querySelector(".imprint").textContent.includes("Uke 45")`:                  true,
		`document.querySelectorAll("main").length + document.querySelectorAll("nav").length`: 4.,
		`document.querySelector("main").ariaBusy`:                                            nil,
	})

	// Another page begins at its head; back is the place that was left.
	ask[any](tab, `scrollTo(0, 300)`)
	until(tab, `history.state?.y === 300`)
	tab.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector(".rail [href*=devices], .rail [href*=places]").click()`), chromedp.WaitVisible(`.tabs`))
	tab.Do(chromedp.Click(`.tabs [href*=devices]`), chromedp.WaitVisible(`#device tbody a`))
	check("another page", map[string]any{
		`window.kept`: true, `scrollY`: 0., `document.activeElement.id`: "main",
		`document.querySelector(".rail [aria-current]").textContent`: "Publikum",
	})
	ask[any](tab, `history.go(-2)`)
	tab.Do(chromedp.WaitVisible("#figure-visitors"))
	until(tab, `scrollY === 300`)
	check("back", map[string]any{`window.kept`: true, figure: visitors(today-20, today-14), `location.pathname`: "/sites/1"})
	ask[any](tab, `history.forward()`)
	tab.Do(chromedp.WaitVisible(`.tabs`))
	ask[any](tab, `history.forward()`)
	tab.Do(chromedp.WaitVisible(`#device tbody a`))

	// A value filters. Its chip takes the focus away with it, to the page.
	tab.Do(chromedp.Click("#device tbody a"), chromedp.WaitVisible(".chip"), chromedp.Focus(".chip"), chromedp.KeyEvent("\r"), chromedp.WaitNotPresent(".chip"))
	check("without the filter", map[string]any{`window.kept`: true, `document.activeElement.id`: "main"})

	// Search and sort of a table, by form and by link; the table of the curve stays open.
	tab.Do(chromedp.Navigate(b.server.URL+"/sites/1/pages"), chromedp.WaitVisible("#q"))
	ask[bool](tab, `window.kept = true`)
	tab.Do(chromedp.SendKeys("#q", "aktuelt\r"), chromedp.WaitNotPresent(`//tbody//th[.//span[text()="/kontakt"]]`))
	check("search", map[string]any{`window.kept`: true, `document.activeElement.value`: "aktuelt", `document.querySelectorAll("#page tbody tr").length`: 3.})
	tab.Do(chromedp.Click(`#page thead [href*="sort=pageviews"]`), chromedp.WaitVisible(`#page thead [href*="sort=-pageviews"]`))
	check("sort", map[string]any{`window.kept`: true, `document.activeElement.closest("th").ariaSort`: "descending"})

	// A page that is slow says so; one that was asked for later takes its place.
	tab.Do(chromedp.Navigate(b.server.URL+"/sites/1"), chromedp.WaitVisible(barOf("Uke 46")), chromedp.Click("#chart .numbers summary"))
	ask[bool](tab, `window.kept = true`)
	held, release := g.hold("measure=visits")
	tab.Do(chromedp.Click("#figure-visits a"))
	<-held
	until(tab, `document.querySelector("main").ariaBusy === "true"`)
	tab.Do(chromedp.Click("#figure-pageviews a"), chromedp.WaitVisible("#figure-pageviews [aria-current]"))
	close(release)
	tab.Do(chromedp.Click(".step[rel=prev]"), chromedp.WaitVisible(barOf("Uke 45")))
	check("two at once", map[string]any{
		`window.kept`: true, `new URL(location).searchParams.get("measure")`: "pageviews",
		`document.querySelector("#chart .numbers").open`: true, `document.querySelector("main").ariaBusy`: nil,
	})
	ask[any](tab, `history.back()`)
	tab.Do(chromedp.WaitVisible(barOf("Uke 46")))
	check("back", map[string]any{`new URL(location).searchParams.get("measure")`: "pageviews"})

	// What can't be fetched is loaded, and so is the log-in of somebody who has none.
	tab.Ignore("ERR_EMPTY_RESPONSE")
	g.setBroken(true)
	tab.Do(chromedp.Click(".step[rel=prev]"), chromedp.WaitVisible(barOf("Uke 45")))
	check("a page that can't be fetched", map[string]any{`window.kept`: nil})
	g.setBroken(false)
	chromium.Call(tab, cdpnet.DeleteCookies, cdpnet.DeleteCookiesParams{Name: "fotspor_session", URL: b.server.URL})
	tab.Do(chromedp.Click(".step[rel=prev]"), chromedp.WaitVisible("#password"), chromedp.SendKeys("#name", userName), chromedp.SendKeys("#password", userPass), chromedp.Submit("#password"), chromedp.WaitVisible(barOf("Uke 44")))
	check("after the log-in", map[string]any{figure: visitors(today-27, today-21)})
}

// TestChartIsRead reads the points of a chart by pointer and keys, and chooses days in it.
func TestChartIsRead(t *testing.T) {
	b := newBench(t)
	site := b.addSite("Samvirke Norge", "www.samvirke.example", "Europe/Oslo")
	today := calendar.DayOf(moment)
	story := tell(1, site, today-40, today, 40, moment)
	put(t, b.store, "story", rowsOf(site, story))
	tab := openTab(b)
	tab.Do(chromedp.EmulateViewport(1200, 900), chromedp.Navigate(b.server.URL+"/sites/1?f=country:NO"), chromedp.WaitVisible(barOf("Uke 46")))
	ask[bool](tab, `window.kept = true`)
	norwegian := func(from, to calendar.Day) string {
		var some []act
		for _, a := range between(story, from, to) {
			if a.person.country == "NO" {
				some = append(some, a)
			}
		}
		return nb().Number(int64(total(some).visitors))
	}
	monday := today - 13
	reads := func(step, selector string, days ...calendar.Day) {
		t.Helper()
		got := ask[string](tab, fmt.Sprintf(`document.querySelector(%q).textContent`, selector))
		for _, day := range days {
			if want := nb().Weekday(day) + ": " + norwegian(day, day); !strings.Contains(got, want) {
				t.Errorf("%s: the chart says %q, want %q in it", step, got, want)
			}
		}
	}
	box := ask[struct{ X, Y, Width float64 }](tab, `(({x, y, width}) => ({X: x, Y: y, Width: width}))(document.querySelector("#chart .plot > svg").getBoundingClientRect())`)
	at := func(day float64) (x, y float64) { return box.X + box.Width*(day+0.5)/7, box.Y + 100 }
	x, y := at(2)
	tab.Do(chromedp.MouseEvent(chromedp.MouseMoved, x, y))
	reads("pointer", ".tip", monday+2, monday-5)
	if tip := ask[struct{ Left, Right, Gone float64 }](tab, `(({left, right}) => ({Left: left, Right: innerWidth - right}))(document.querySelector(".tip").getBoundingClientRect())`); tip.Left < 0 || tip.Right < 0 {
		t.Errorf("the tip stands %v px from the left and %v px from the right, want none outside", tip.Left, tip.Right)
	}
	cursor := ask[float64](tab, `document.querySelector(".cursor").getBoundingClientRect().x`)
	if cursor < x-1 || cursor > x+1 {
		t.Errorf("the cursor stands at %v, want %v", cursor, x)
	}

	// Keys: from the first point, heard in the live region.
	tab.Do(chromedp.Focus("#chart .plot"), chromedp.KeyEvent(kb.Home))
	reads("Home", "#chart [aria-live]", monday)
	tab.Do(chromedp.KeyEvent(kb.ArrowRight))
	reads("right", "#chart [aria-live]", monday+1)
	tab.Do(chromedp.KeyEvent(kb.End), chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowLeft))
	reads("left of the last", "#chart [aria-live]", monday+5)
	tab.Do(chromedp.KeyEvent("\u001b"))
	if ask[bool](tab, `document.querySelector(".tip").checkVisibility()`) {
		t.Error("Escape leaves the tip")
	}

	// Days that are chosen by keys, then within them by dragging. The filter holds.
	tab.Do(chromedp.KeyEvent(kb.Home), chromedp.KeyEvent(kb.ArrowRight))
	for range 3 {
		tab.Do(chromedp.KeyEvent(kb.ArrowRight, chromedp.KeyModifiers(chromedp.ModifierShift)))
	}
	tab.Do(chromedp.KeyEvent("\r"), chromedp.WaitVisible(barOf("4 dager")))
	days := func(step string, from, to calendar.Day) {
		t.Helper()
		query := ask[string](tab, `location.search`)
		for _, want := range []string{"period=range", "from=" + from.String(), "to=" + to.String(), "f=country%3ANO"} {
			if !strings.Contains(query, want) {
				t.Errorf("%s leads to %s, want %s in it", step, query, want)
			}
		}
		if got := ask[string](tab, `document.querySelector("#figure-visitors b").textContent`); got != norwegian(from, to) {
			t.Errorf("%s: %s visitors, want %s", step, got, norwegian(from, to))
		}
	}
	days("keys", monday+1, monday+4)
	x, y = box.X+box.Width*2.5/4, box.Y+100
	to := box.X + box.Width*1.5/4
	tab.Do(chromedp.MouseEvent(chromedp.MousePressed, x, y, chromedp.ButtonLeft), chromedp.MouseEvent(chromedp.MouseMoved, to+3, y, chromedp.ButtonLeft),
		chromedp.MouseEvent(chromedp.MouseReleased, to, y, chromedp.ButtonLeft), chromedp.WaitVisible(barOf("2 dager")))
	days("dragging", monday+2, monday+3)
	if !ask[bool](tab, `window.kept`) {
		t.Error("the page was loaded anew")
	}
}

// wire counts the bytes of a listener's connections, in both directions.
type wire struct {
	net.Listener
	bytes atomic.Int64
}

func (w *wire) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	return wired{c, w}, err
}

type wired struct {
	net.Conn
	wire *wire
}

func (c wired) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.wire.bytes.Add(int64(n))
	return n, err
}

func (c wired) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.wire.bytes.Add(int64(n))
	return n, err
}

// TestFirstLoad holds what a first visit costs, bytes and requests, that nothing shifts
// that was drawn, and that the chart needs no script.
func TestFirstLoad(t *testing.T) {
	b := newBench(t)
	site := b.addSite("Samvirke Norge", "www.samvirke.example", "Europe/Oslo")
	today := calendar.DayOf(moment)
	put(t, b.store, "story", rowsOf(site, tell(1, site, today-800, today, 20, moment)))
	g := &gate{next: routes(b.dashboard)}
	b.server = httptest.NewUnstartedServer(g)
	counter := &wire{Listener: b.server.Listener}
	b.server.Listener = counter
	b.server.Start()
	t.Cleanup(b.server.Close)
	tab := openTab(b)
	widths := []int64{1440, 1000, 390}
	for i, path := range []string{"/sites/1", "/sites/1?period=28d", "/sites/1?period=year&at=2026", "/sites/1/pages?period=28d", "/sites/1/places", "/sites/1/compare?path=/om-oss&path=/kontakt", "/"} {
		tab.Do(chromedp.EmulateViewport(widths[i%len(widths)], 600))
		tab.Do(chromedp.Navigate("about:blank"))
		chromium.Call(tab, cdpnet.ClearBrowserCache, cdp.Empty{})
		bytes, requests := counter.bytes.Load(), len(g.all())
		tab.Do(chromedp.Navigate(b.server.URL+path), chromedp.WaitVisible("main"))
		// The observer tells of all shifts since the page began. It is shown to see one.
		ask[bool](tab, `window.shifts = 0, window.moved = [], new PerformanceObserver((list) => { for (const e of list.getEntries()) shifts += e.value, moved.push(...e.sources.map((s) => s.node?.outerHTML?.slice(0, 100) + " " + JSON.stringify([s.previousRect, s.currentRect]))); }).observe({ type: "layout-shift", buffered: true }), true`)
		until(tab, `window.drawn = (window.drawn ?? 0) + 1, drawn > 5`)
		if got := ask[float64](tab, `shifts`); got != 0 {
			t.Errorf("%s shifts by %v, want 0: %q", path, got, ask[[]string](tab, `moved`))
		}
		if got := ask[float64](tab, `scrollY`); got != 0 {
			t.Errorf("%s begins %v px down", path, got)
		}
		bytes, requests = counter.bytes.Load()-bytes, len(g.all())-requests
		t.Logf("%s: %d bytes in %d requests", path, bytes, requests)
		if bytes > 45_000 || bytes < 5_000 || requests > 5 {
			t.Errorf("%s takes %d bytes in %d requests, want at most 45 kB in 5: %q", path, bytes, requests, g.all())
		}
		ask[bool](tab, `document.querySelector("main").prepend(Object.assign(document.createElement("h1"), { textContent: "Shifts" })), true`)
		until(tab, `shifts > 0`)
	}

	chromium.Call(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	tab.Do(chromedp.Navigate(b.server.URL + "/sites/1?period=28d"))
	if width := ask[float64](tab, `document.querySelector("#chart polyline.line").getBoundingClientRect().width`); width < 500 {
		t.Errorf("without a script the curve is %v px wide", width)
	}
	if ask[bool](tab, `document.querySelector(".plot").hasAttribute("tabindex")`) {
		t.Error("the script runs")
	}
}

// TestSizes bounds the script and the style sheet as they go over the wire.
func TestSizes(t *testing.T) {
	for file, most := range map[string]int{"web/dist/dashboard.js": 5_000, "web/dist/dashboard.css": 8_000} {
		plain, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var packed bytes.Buffer
		w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(plain); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if packed.Len() > most || packed.Len() < 500 {
			t.Errorf("%s has %d bytes compressed, want at most %d", file, packed.Len(), most)
		}
	}
}

// TestKeyboardWalk goes by keys alone from the log-in to a filter, a card and its export.
// What has the focus shows it.
func TestKeyboardWalk(t *testing.T) {
	b := newBench(t)
	site := b.addSite("Samvirke Norge", "www.samvirke.example", "Europe/Oslo")
	today := calendar.DayOf(moment)
	story := between(tell(1, site, today-40, today, 40, moment), today-40, today)
	put(t, b.store, "story", rowsOf(site, story))
	g := newGate(b)
	b.addUser(userName, "viewer", userPass)
	tab := chromium.Open(t)
	chromium.Call(tab, cdpnet.SetCookie, cdpnet.SetCookieParams{Name: "lang", Value: "nb", URL: b.server.URL})
	// to presses Tab until something with a text has the focus.
	to := func(text string) {
		t.Helper()
		for range 200 {
			tab.Do(chromedp.KeyEvent("\t"))
			at := ask[struct {
				Text    string
				Outline float64
			}](tab, `(({ activeElement: e }) => ({ Text: (e.ariaLabel ?? e.labels?.[0]?.textContent ?? e.textContent).trim(), Outline: e === document.body ? 9 : parseFloat(getComputedStyle(e).outlineWidth) * (getComputedStyle(e).outlineStyle !== "none") }))(document)`)
			if at.Outline < 2 {
				t.Errorf("the focus on %q does not show", at.Text)
			}
			if strings.HasPrefix(at.Text, text) {
				return
			}
		}
		t.Fatalf("no way by Tab to %q", text)
	}
	enter := chromedp.KeyEvent("\r")
	tab.Do(chromedp.Navigate(b.server.URL+"/login"), chromedp.KeyEvent(userName+"\t"+userPass+"\r"), chromedp.WaitVisible(".sites"))
	to("Samvirke Norge")
	tab.Do(enter, chromedp.WaitVisible(barOf("Uke 46")))
	to("Filter")
	tab.Do(enter, chromedp.WaitVisible("#fd"))
	to("Filtrer på")
	tab.Do(chromedp.KeyEvent("Land"))
	to("Verdi")
	tab.Do(chromedp.KeyEvent("Norge\r"), chromedp.WaitVisible(".chip"))
	to("/kontakt")
	tab.Do(enter, chromedp.WaitVisible(`//h1[text()="/kontakt"]`))
	held, release := g.hold("/sites/1/page.csv")
	close(release)
	to("Last ned som CSV")
	tab.Do(enter)
	<-held
	passed := g.all()
	if got := passed[len(passed)-1]; !strings.Contains(got, "f=country%3ANO") || !strings.Contains(got, "path=%2Fkontakt") {
		t.Errorf("the export is %s, want that of the page under the filter", got)
	}
}
