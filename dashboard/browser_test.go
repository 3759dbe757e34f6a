package dashboard_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/internal/chromium"
	"github.com/fotspor/fotspor/site"
)

// openTab opens a browser of a Norwegian and fills in the log-in form as a person does.
func openTab(b *bench) *chromium.Tab {
	b.Helper()
	b.addUser(userName, site.Viewer, userPass)
	tab := chromium.Open(b.T, chromedp.Flag("accept-lang", "nb"))
	tab.Do(
		chromedp.Navigate(b.server.URL+"/login"),
		chromedp.SendKeys("#name", userName),
		chromedp.SendKeys("#password", userPass),
		chromedp.Submit("#password"),
		chromedp.WaitVisible(".user"))
	return tab
}

func TestBrowser(t *testing.T) {
	b := newBench(t)
	site := b.addSite("Samvirke Norge", "www.samvirke.example", "Europe/Oslo")
	today := calendar.DayOf(moment)
	story := tell(1, site, today-20, today, 20, moment)
	put(t, b.store, "story", rowsOf(site, story))
	tab := openTab(b)
	tab.Do(chromedp.Click(".sites a"), chromedp.WaitVisible("#chart canvas"))

	want := nb().Number(int64(total(between(story, today-6, today)).visitors))
	if got := chromium.Run(tab, chromedp.Text("#figure-visitors .value")); got != want {
		t.Errorf("visitors = %q, want %q", got, want)
	}
	chart := chromium.Run(tab, chromedp.Evaluate[struct{ Painted, Width int }](`(() => {
		const c = document.querySelector("#chart canvas");
		const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
		let Painted = 0;
		for (let i = 3; i < d.length; i += 4) if (d[i]) Painted++;
		return { Painted, Width: c.clientWidth };
	})()`))
	if chart.Painted < 1000 || chart.Width < 500 {
		t.Errorf("chart has %d painted pixels and is %d wide", chart.Painted, chart.Width)
	}

	versionsHidden := chromedp.Evaluate[bool](`document.querySelector("[data-group^=browser]").hidden`)
	before := chromium.Run(tab, versionsHidden)
	tab.Do(chromedp.Click("#browser .opens"))
	if after := chromium.Run(tab, versionsHidden); !before || after {
		t.Errorf("versions hidden = %t, after a click %t; want true, then false", before, after)
	}
	tab.Do(chromedp.Click("#figure-visits summary"), chromedp.WaitVisible("#figure-visits .panel"), chromedp.KeyEvent("\u001b"))
	if chromium.Run(tab, chromedp.Evaluate[bool](`document.querySelector("#figure-visits details").open`)) {
		t.Error("an explanation stays open after Escape")
	}
	wide := chromium.Run(tab, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`))
	tab.Do(chromedp.EmulateViewport(390, 844))
	narrow := chromium.Run(tab, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`))
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
			story := tell(uint64(i), site, calendar.DayOf(moment)-800, calendar.DayOf(moment), []float64{90, 60, 4}[i], moment)
			put(t, b.store, s.name, rowsOf(site, story))
			putLedger(t, b.store, s.name+" excluded", someExcluded(site))
		}
	}
	tab := openTab(b)
	shoot := func(name, path string, clicks ...string) {
		for _, scheme := range []string{"light", "dark"} {
			for width, scale := range map[int64]float64{1440: 1, 390: 2} {
				chromium.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
				})
				tab.Do(chromedp.EmulateViewport(width, 900, chromedp.EmulateScale(scale)), chromedp.Navigate(b.server.URL+path))
				for _, selector := range clicks {
					tab.Do(chromedp.Click(selector))
				}
				picture := chromium.Run(tab, chromedp.FullScreenshot(100))
				file := filepath.Join(dir, fmt.Sprintf("dash-%s-%d-%s.png", name, width, scheme))
				if err := os.WriteFile(file, picture, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	shoot("sites", "/")
	shoot("site-30d", "/sites/1?period=30d")
	shoot("site-today", "/sites/1?period=today", "#browser .opens", "#figure-visits summary")
	shoot("site-12m", "/sites/2?period=12m&lang=en")
	tab.Do(chromedp.Navigate(b.server.URL + "/?lang=nb"))
	shoot("excluded", "/sites/1?period=today&show=excluded")
	shoot("table", "/sites/1?period=month&show=countries")
	shoot("custom", "/sites/3?period=custom&from=2026-10-05&to=2026-11-05", ".custom summary")
	shoot("new", "/sites/4")
	tab.Do(chromedp.Navigate(b.server.URL+"/"), chromedp.Click(".tools button"), chromedp.WaitVisible("#password"))
	shoot("login", "/login")
}
