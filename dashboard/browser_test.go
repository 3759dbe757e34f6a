package dashboard_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	cdpnetwork "github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/dashboard"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/chromium"
	"github.com/fotspor/fotspor/site"
)

// openTab opens a browser of a Norwegian and fills in the log-in form as a person does.
func openTab(b *bench) *chromium.Tab { return openTabAs(b, site.Viewer) }

// openTabAs does the same as somebody with a role.
func openTabAs(b *bench, role site.Role) *chromium.Tab {
	b.Helper()
	b.addUser(userName, role, userPass)
	tab := chromium.Open(b.T, chromedp.Flag("accept-lang", "nb"))
	tab.Do(
		chromedp.Navigate(b.server.URL+"/login"),
		chromedp.SendKeys("#name", userName),
		chromedp.SendKeys("#password", userPass),
		chromedp.Submit("#password"),
		chromedp.WaitVisible(".user"))
	return tab
}

// TestBrowser walks through the pages as a person does: from the list of sites to a site,
// another curve, a filter and back, with the keyboard where that matters.
func TestBrowser(t *testing.T) {
	b := newBench(t)
	site := b.addSite("Samvirke Norge", "www.samvirke.example", "Europe/Oslo")
	today := calendar.DayOf(moment)
	story := tell(1, site, today-20, today, 20, moment)
	put(t, b.store, "story", rowsOf(site, story))
	tab := openTab(b)
	tab.Do(chromedp.Click(`.sites a[href^="/sites/"]`), chromedp.WaitVisible("#chart .plot svg"))

	week := between(story, today-13, today-7) // the last whole one
	if got, want := chromium.Run(tab, chromedp.Text("#figure-visitors b")), nb().Number(int64(total(week).visitors)); got != want {
		t.Errorf("visitors = %q, want %q", got, want)
	}
	chart := chromium.Run(tab, chromedp.Evaluate[struct{ Width, Height, Line, Texts float64 }](`(() => {
		const svg = document.querySelector("#chart .plot svg").getBoundingClientRect();
		const line = document.querySelector("#chart polyline.line").getBoundingClientRect();
		return { Width: svg.width, Height: svg.height, Line: Math.min(line.width, 9 * line.height), Texts: document.querySelectorAll("#chart text").length };
	})()`))
	if chart.Width < 500 || chart.Height < 200 || chart.Line < 200 || chart.Texts < 10 {
		t.Errorf("the chart is drawn as %+v", chart)
	}
	tab.Do(chromedp.Click("#figure-visits a"), chromedp.WaitVisible("#figure-visits [aria-current]"))
	first := "#chart .numbers td"
	tab.Do(chromedp.Click("#chart .numbers summary"), chromedp.WaitVisible(first))
	if got, want := chromium.Run(tab, chromedp.Text(first)), nb().Number(int64(total(between(week, today-13, today-13)).visits)); got != want {
		t.Errorf("visits of the first day = %q, want %q", got, want)
	}

	// A panel opens and shuts by the keyboard, and gives the focus back.
	menu := ".kinds details.menu"
	tab.Do(chromedp.Focus(menu+" summary"), chromedp.KeyEvent("\r"), chromedp.WaitVisible(menu+" .panel"), chromedp.Focus("#from"), chromedp.KeyEvent("\u001b"))
	after := chromium.Run(tab, chromedp.Evaluate[struct{ Open, Focus bool }](`({
		Open: document.querySelector(".kinds details.menu").open, Focus: document.activeElement === document.querySelector(".kinds details.menu summary") })`))
	if after.Open || !after.Focus {
		t.Errorf("after Escape the panel is open: %t, and its head has the focus: %t; want false, true", after.Open, after.Focus)
	}

	// A value filters, the address says so, and back undoes it.
	tab.Do(chromedp.Navigate(b.server.URL+"/sites/1/devices"), chromedp.WaitVisible("#device tbody a"))
	device := chromium.Run(tab, chromedp.Text("#device tbody a"))
	tab.Do(chromedp.Click("#device tbody a"), chromedp.WaitVisible(".chip"))
	if got := chromium.Run(tab, chromedp.Text(".chip strong")); got != device {
		t.Errorf("the page is filtered by %q, want %q", got, device)
	}
	tab.Do(chromedp.Click(".chip"), chromedp.WaitNotPresent(".chip"))

	tab.Ignore("404") // one of the pages is none

	// No page is wider than the screen, on a desk, a tablet, a phone, or a small one.
	for _, page := range append([]string{"", "/nothing"}, pagePaths(b)...) {
		path := "/sites/1" + page
		if page == "" {
			path = "/"
		}
		tab.Do(chromedp.Navigate(b.server.URL + path))
		for _, width := range []int64{1440, 768, 390, 320} {
			tab.Do(chromedp.EmulateViewport(width, 844))
			over := chromium.Run(tab, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`))
			if over > 0 {
				t.Errorf("%s is %d px too wide for a screen of %d px", path, over, width)
			}
		}
	}
}

// TestBrowserWaits: a new site's page looks by itself: it tells why a hit was excluded, and
// shows figures once one has come. Its settings tell the same, and keep what is typed meanwhile.
func TestBrowserWaits(t *testing.T) {
	var drops atomic.Pointer[[]hit.Drop]
	drops.Store(&[]hit.Drop{})
	b := newBench(t, func(o *dashboard.Options) { o.Drops = func(uint32) []hit.Drop { return *drops.Load() } })
	one := b.addSite("Samvirke Norge", "www.samvirke.example", "Europe/Oslo")
	tab := openTabAs(b, site.Admin)
	tab.Do(chromedp.Navigate(b.server.URL+"/sites/1"), chromedp.WaitVisible("#live"))
	drops.Store(&[]hit.Drop{{LedgerEntry: hit.LedgerEntry{Reason: hit.ExcludedPath, Day: calendar.DayOf(moment), Count: 1}, Last: moment}})
	tab.Do(chromedp.WaitVisible("#live .notice"))
	if got := chromium.Run(tab, chromedp.Text("#live .notice strong")); got != "Ett treff kom, men ble utelatt:" {
		t.Errorf("of an excluded hit the page says %q", got)
	}
	put(t, b.store, "first", rowsOf(one, tell(1, one, calendar.DayOf(moment), calendar.DayOf(moment), 3, moment)))
	tab.Do(chromedp.WaitVisible("#figure-visitors"))

	drops.Store(&[]hit.Drop{})
	tab.Do(chromedp.Navigate(b.server.URL+"/sites/1/settings"), chromedp.WaitVisible("#live"), chromedp.SetValue("#name", "Typed"))
	drops.Store(&[]hit.Drop{{LedgerEntry: hit.LedgerEntry{Reason: hit.ExcludedPath, Day: calendar.DayOf(moment), Count: 1}, Last: moment}})
	tab.Do(chromedp.WaitVisible("#live .notice"))
	if got := chromium.Run(tab, chromedp.Value("#name")); got != "Typed" {
		t.Errorf("the name that was typed is %q now", got)
	}
	// Return in a field saves, and does not press another button.
	tab.Do(chromedp.SendKeys("#name", "\r"), chromedp.WaitVisible(".notice[role=status]"))
	if s, _ := b.store.Site(t.Context(), 1); s.Name != "Typed" || len(s.Networks) > 0 {
		t.Errorf("Return stored %+v", s)
	}
	for _, width := range []int64{1440, 768, 390, 320} {
		tab.Do(chromedp.EmulateViewport(width, 844))
		if over := chromium.Run(tab, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`)); over > 0 {
			t.Errorf("the settings are %d px too wide for a screen of %d px", over, width)
		}
	}
}

// TestScreenshots saves pictures of the pages in the folder FOTSPOR_SHOTS: in bokmål at each
// width and in each scheme, in the other languages on a desk and a phone.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("FOTSPOR_SHOTS")
	if dir == "" {
		t.Skip("set FOTSPOR_SHOTS to a folder to save screenshots there")
	}
	b, tab := openPictured(t, site.Admin)
	looks := []struct {
		name, lang, scheme, forced string
		widths                     []int64
	}{
		{"light", "nb", "light", "none", []int64{1440, 1280, 390, 320}},
		{"dark", "nb", "dark", "none", []int64{1440, 390}},
		{"forced", "nb", "light", "active", []int64{1440}},
		{"nn", "nn", "light", "none", []int64{1440, 390}},
		{"en", "en", "light", "none", []int64{1440, 390}},
	}
	shoot := func(name, path string, clicks ...string) {
		for _, look := range looks {
			chromium.Call(tab, cdpnetwork.SetCookie, cdpnetwork.SetCookieParams{Name: "lang", Value: look.lang, URL: b.server.URL})
			chromium.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: look.scheme}, {Name: "forced-colors", Value: look.forced},
			}})
			for _, width := range look.widths {
				scale := 1.0
				if width < 400 {
					scale = 2
				}
				tab.Do(chromedp.EmulateViewport(width, 900, chromedp.EmulateScale(scale)), chromedp.Navigate(b.server.URL+path))
				for _, selector := range clicks {
					tab.Do(chromedp.Click(selector))
				}
				picture := chromium.Run(tab, chromedp.FullScreenshot(100))
				file := filepath.Join(dir, fmt.Sprintf("dash-%s-%d-%s.png", name, width, look.name))
				if err := os.WriteFile(file, picture, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	tab.Ignore("400") // one of the periods is none
	shoot("sites", "/")
	shoot("overview", "/sites/1")
	shoot("today", "/sites/1?period=today")
	shoot("year", "/sites/2?period=year&at=2026")
	shoot("month", "/sites/1?period=month&at=2026-11&measure=pageviews")
	shoot("filtered", "/sites/1?period=28d&f=country:NO&f=source:Google")
	shoot("wrong", "/sites/3?period=range&from=2026-11-05&to=2026-10-05")
	shoot("menu", "/sites/1", ".kinds details.menu summary")
	shoot("menu-user", "/sites/1", ".tools summary")
	shoot("filtering", "/sites/1", ".kinds > details:last-of-type summary")
	shoot("new", "/sites/4")
	shoot("settings", "/sites/1/settings")
	shoot("notes", "/sites/1/notes")
	shoot("views", "/sites/1/views?of=/sources&period=28d&f=region:NO-50")
	shoot("policy", "/admin/policy")
	shoot("receipts", "/admin/receipts")
	b.addUser("Ingvild Kommunikasjonsrådgiver", site.Viewer, userPass)
	shoot("users", "/admin/users")
	shoot("user", "/admin/users?name=Ingvild+Kommunikasjonsr%C3%A5dgiver")
	shoot("sessions", "/admin/sessions")
	shoot("audit", "/admin/audit")
	shoot("account", "/account")
	tab.Ignore("404")
	shoot("problem", "/sites/99")
	for _, page := range pagePaths(b)[1:] {
		name, _, _ := strings.Cut(strings.TrimPrefix(page, "/"), "?")
		shoot(name, "/sites/1"+and(page, "period=28d"))
	}
	tab.Do(chromedp.Navigate(b.server.URL+"/"), chromedp.Click(".tools summary"), chromedp.Click(".tools button"), chromedp.WaitVisible("#password"))
	shoot("login", "/login")
}

// TestPictures saves the pictures of docs/dashboard.md and of the README in the folder
// FOTSPOR_PICTURES: make pictures.
func TestPictures(t *testing.T) {
	dir := os.Getenv("FOTSPOR_PICTURES")
	if dir == "" {
		t.Skip("set FOTSPOR_PICTURES to a folder to save pictures there")
	}
	b, tab := openPictured(t, site.Editor)
	for _, p := range []struct {
		name, path, scheme string
		width, height      int64
		scale              float64
	}{
		{"overview", "/sites/1", "light", 1280, 1200, 1},
		{"sites", "/", "light", 1280, 720, 1},
		{"page", "/sites/1/page?path=/om-oss&period=28d", "light", 1280, 1080, 1},
		{"places", "/sites/1/places?period=28d", "light", 1280, 1240, 1},
		{"counting", "/sites/1/counting?period=today", "light", 1280, 900, 1},
		{"phone", "/sites/1", "dark", 390, 844, 1.5},
	} {
		chromium.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: p.scheme}},
		})
		tab.Do(chromedp.EmulateViewport(p.width, p.height, chromedp.EmulateScale(p.scale)), chromedp.Navigate(b.server.URL+p.path), chromedp.WaitVisible("main"))
		quality := int64(72)
		picture := chromium.Call(tab, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{Format: cdppage.CaptureScreenshotFormatWebp, Quality: &quality})
		if n := len(picture.Data); n > 60_000 || n < 5_000 {
			t.Errorf("the picture of %s has %d bytes, want at most 60 kB", p.name, n)
		}
		if err := os.WriteFile(filepath.Join(dir, p.name+".webp"), picture.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// openPictured opens a browser of somebody with a role on four sites, for pictures.
func openPictured(t *testing.T, role site.Role) (*bench, *chromium.Tab) {
	t.Helper()
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
	return b, openTabAs(b, role)
}
