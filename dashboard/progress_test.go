package dashboard_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/fotspor/fotspor/calendar"
)

// TestProgress: a page that has not come after 300 ms shows that it is awaited, until it is
// there; one that comes at once shows nothing of the kind.
func TestProgress(t *testing.T) {
	b := newBench(t)
	g := newGate(b)
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	today := calendar.DayOf(moment)
	put(t, b.store, "story", rowsOf(site, tell(1, site, today-20, today, 5, moment)))
	tab := openTab(b)
	tab.Do(chromedp.EmulateViewport(1200, 900), chromedp.Navigate(b.server.URL+"/sites/1"), chromedp.WaitVisible(barOf("Uke 46")))
	// When main became busy is written down with the time since the click.
	ask[bool](tab, `(() => {
		window.busy = [];
		addEventListener("click", () => (window.clicked = performance.now()), true);
		new MutationObserver((all) => {
			for (const m of all) if (m.target.localName === "main" && m.target.ariaBusy) window.busy.push(performance.now() - window.clicked);
		}).observe(document.body, { subtree: true, attributeFilter: ["aria-busy"] });
		return true;
	})()`)
	held, release := g.hold("at=2026-W45")
	tab.Do(chromedp.Click(".step[rel=prev]"))
	<-held
	tab.Do(chromedp.WaitVisible("main[aria-busy=true]"))
	if width := ask[string](tab, `getComputedStyle(document.querySelector("main"), "::before").height`); width != "3px" {
		t.Errorf("what shows that a page is awaited is %s high, want 3px", width)
	}
	if got := ask[string](tab, `document.querySelector(".span strong").textContent`); got != "Uke 46" {
		t.Errorf("while the page is awaited, %q is shown, want the one before", got)
	}
	close(release)
	tab.Do(chromedp.WaitVisible(barOf("Uke 45")))
	if ask[bool](tab, `!!document.querySelector("main[aria-busy]")`) {
		t.Error("the page is there and awaited still")
	}
	times := ask[[]float64](tab, `window.busy`)
	if len(times) != 1 || times[0] < 290 {
		t.Errorf("it was shown after %v ms, want once, after 300", times)
	}
}

// TestOtherPagesAreFetchedOnce: pages that differ in more than figures, as that of the saved
// views, are left to the browser at once, to and fro.
func TestOtherPagesAreFetchedOnce(t *testing.T) {
	b := newBench(t)
	g := newGate(b)
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	today := calendar.DayOf(moment)
	put(t, b.store, "story", rowsOf(site, tell(1, site, today-20, today, 5, moment)))
	tab := openTab(b)
	tab.Do(chromedp.EmulateViewport(1200, 900), chromedp.Navigate(b.server.URL+"/sites/1"), chromedp.WaitVisible(barOf("Uke 46")))
	asked := func(part string) int {
		return len(slices.DeleteFunc(g.all(), func(address string) bool { return !strings.Contains(address, part) }))
	}
	for _, page := range []string{"/views", "/notes"} {
		overview := asked("/sites/1?")
		tab.Do(chromedp.Click(`.rail a[href*="`+page+`"]`), chromedp.WaitVisible(`.rail a[aria-current][href*="`+page+`"]`))
		tab.Do(chromedp.Click(`.rail li:first-child a`), chromedp.WaitVisible("#figure-visitors"))
		if n, m := asked("/sites/1"+page), asked("/sites/1?")-overview; n != 1 || m != 1 {
			t.Errorf("%s is asked for %d times, and the overview %d times after it, want once each", page, n, m)
		}
	}
}

// TestDatesStandOnALine: the days of a period and those before stand on one line under its name,
// also between both arrows, in each language.
func TestDatesStandOnALine(t *testing.T) {
	b := newBench(t)
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	today := calendar.DayOf(moment)
	put(t, b.store, "story", rowsOf(site, tell(1, site, today-200, today, 1, moment)))
	tab := openTab(b)
	for _, lang := range []string{"nb", "nn", "en"} {
		tab.Do(chromedp.Navigate(b.server.URL + "/?lang=" + lang))
		for _, query := range []string{"period=month&at=2026-11", "period=28d", "period=28d&at=2026-10-24", "period=7d&at=2026-11-03", "period=range&from=2026-09-24&to=2026-10-21"} {
			tab.Do(chromedp.Navigate(b.server.URL + "/sites/1?" + query))
			for _, width := range []int64{1440, 1280} {
				if lang == "en" && width < 1440 { // whose kinds take more room
					continue
				}
				tab.Do(chromedp.EmulateViewport(width, 900))
				if got := ask[struct {
					Height float64
					Text   string
				}](tab, `(({offsetHeight, textContent}) => ({Height: offsetHeight, Text: textContent}))(document.querySelector(".span p span"))`); got.Height > 20 || !strings.ContainsAny(got.Text, "–") || strings.Count(got.Text, "20") != 1 && !strings.HasPrefix(query, "period=month") {
					t.Errorf("%s, %s, %d px: %q is %v px high, want one line of 20, with the year once", lang, query, width, got.Text, got.Height)
				}
			}
		}
	}
}
