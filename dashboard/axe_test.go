package dashboard

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/chromium"
)

// screens are the widths that pages are read at. zoomed is a desk at 200 %.
var screens = []struct {
	name   string
	width  int64
	scale  float64
	touch  bool
	height int64
}{
	{"desk", 1440, 1, false, 900},
	{"zoomed", 720, 2, false, 450},
	{"tablet", 768, 1, true, 1024},
	{"phone", 390, 1, true, 844},
	{"small desk", 1100, 1, false, 800},
	{"small phone", 320, 1, true, 568},
}

// schemes are the colours that pages are read in.
var schemes = []struct{ name, scheme, forced string }{
	{"light", "light", "none"},
	{"dark", "dark", "none"},
	{"forced colours", "light", "active"},
}

// What axe-core looks at: colours are the same on all screens, and names in all colours.
const (
	wcag    = `{ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }`
	layout  = `{ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], rules: { "color-contrast": { enabled: false } } }`
	colours = `{ runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] } }`
)

// accessibility asks a part of a page what is wrong with it: what axe-core finds by rules of
// WCAG 2.2 AA; what is too wide for the screen; what is wider than its box, and so runs into
// what is beside it; and what is too small to be met by a finger (44 px, but for links within
// text) or a pointer (24 px). Links on a map may be small, since the table beside it has the same.
const accessibility = `(async (part, rules) => {
	const { violations } = await axe.run(part, { ...rules, resultTypes: ["violations"] });
	const wrong = violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.target.join(" ") + ": " + n.failureSummary.replace(/\s+/g, " ")));
	const over = document.documentElement.scrollWidth - innerWidth;
	if (over > 0) wrong.push("too wide by " + over + " px");
	const least = matchMedia("(pointer: coarse)").matches ? 44 : 24;
	const inText = (e) => [...e.parentNode.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
	for (const e of part.querySelectorAll("a[href], button, summary, select, input:not([type=hidden])")) {
		if (!e.checkVisibility({ visibilityProperty: true }) || e.matches(".skip, .sr, .map a") || inText(e)) continue;
		if (e.clientWidth && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === "visible" && !e.closest("[aria-sort]")) wrong.push("text of " + e.scrollWidth + " px in " + e.clientWidth + " px: " + e.outerHTML.slice(0, 160));
		const { width, height } = (e.matches("[type=radio], [type=checkbox]") ? e.labels[0] : e).getBoundingClientRect();
		if (height < least - 0.5 || width < 24 - 0.5 && !e.closest("td")) wrong.push("target of " + width + "x" + height + " px: " + e.outerHTML.slice(0, 160));
	}
	for (const t of part.querySelectorAll(".tiles text")) {
		const over = t.getBBox().width - t.ownerSVGElement.getBoundingClientRect().width;
		if (over > 0) wrong.push(t.textContent + " is " + over + " px wider than its tile");
	}
	return [...new Set(wrong)];
})`

// openedMenu asks the menu that is open whether it leaves the screen, and whether anything that
// can be met is half under it: what stands out from under a panel looks as if it led somewhere.
const openedMenu = `(() => {
	const menu = document.querySelector("details.menu[open]"), wrong = [];
	if (!menu) return wrong;
	if (!menu.closest(".period, .tools")) menu.scrollIntoView({ block: "center", behavior: "instant" });
	const panel = menu.querySelector(".panel").getBoundingClientRect();
	const inPanel = ([x, y]) => x > panel.left && x < panel.right && y > panel.top && y < panel.bottom;
	if (panel.left < 0 || panel.right > innerWidth || menu.closest(".period, .tools") && panel.bottom > innerHeight) wrong.push("the panel leaves the screen: " + JSON.stringify(panel));
	if (!menu.contains(document.elementFromPoint((panel.left + panel.right) / 2, panel.top + 8))) wrong.push("something lies over the panel");
	for (const e of document.querySelectorAll("a[href], button, summary, select, input")) {
		if (menu.contains(e) || !e.checkVisibility({ visibilityProperty: true })) continue;
		for (const { left, top, width, height } of e.getClientRects()) {
			const points = [0.1, 0.5, 0.9].flatMap((x) => [0.1, 0.5, 0.9].map((y) => [left + x * width, top + y * height]));
			const beside = points.filter((p) => !inPanel(p));
			if (beside.length < points.length && beside.some((p) => e.contains(document.elementFromPoint(...p)))) wrong.push("half under the panel: " + e.outerHTML.slice(0, 160));
		}
	}
	return wrong;
})()`

// TestAccessible holds every page to WCAG 2.2 AA in light, dark and forced colours, on five
// screens, and with each of its menus and rows open.
func TestAccessible(t *testing.T) {
	t.Parallel() // one of the longest
	if testing.Short() {
		t.Skip("long")
	}
	axe, err := os.ReadFile("../node_modules/axe-core/axe.min.js")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("SKIPPED: no axe-core: run npm ci")
	}
	story := &invented{mood: much}
	d, err := New(Options{
		Store: story, Figures: story, Now: moodNow, Drops: story.drops,
		Snippet:     func(string, uint32, ...string) string { return "<script></script>" },
		Statement:   func(uint32) string { return "/privacy/1" },
		Attribution: func() (string, string) { return "IP geolocation by DB-IP", "https://db-ip.com" },
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	d.Routes(mux)
	var addresses []string
	some := map[string]int{}
	for i, s := range states() { // of which some can't be had by an address
		if some[s.page]++; some[s.page] > 3 && s.page != "account" || s.page == "page" {
			continue
		}
		path := "/state/" + strconv.Itoa(i)
		addresses = append(addresses, path)
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			v := view{Lang: i18n.Find("nb"), Page: s.data, User: "kari", Admin: true}
			if s.stranger {
				v.User, v.Admin = "", false
			}
			body, err := d.pages.page(v.Lang, s.page, v)
			if err != nil {
				t.Error(err)
			}
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			if _, err := w.Write(body); err != nil {
				t.Error(err)
			}
		})
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	tab := chromium.Open(t)
	chromium.Call(tab, network.SetCookie, network.SetCookieParams{Name: sessionCookie, Value: strings.Repeat("A", 52), URL: server.URL})
	chromium.Call(tab, network.SetCookie, network.SetCookieParams{Name: languageCookie, Value: "nb", URL: server.URL})
	chromium.Call(tab, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: string(axe)})
	tab.Ignore("400") // some of the addresses are wrong

	check := func(t *testing.T, where, part, rules string) {
		t.Helper()
		for _, w := range chromium.Run(tab, chromedp.Evaluate[[]string](fmt.Sprintf(`%s(%s, %s)`, accessibility, part, rules), chromedp.EvalAwaitPromise)) {
			t.Errorf("%s: %s", where, w)
		}
	}
	show := func(i, j int) {
		screen, scheme := screens[i], schemes[j]
		options := []chromedp.EmulateViewportOption{chromedp.EmulateScale(screen.scale)}
		if screen.touch {
			options = append(options, chromedp.EmulateTouch, chromedp.EmulateMobile)
		}
		tab.Do(chromedp.EmulateViewport(screen.width, screen.height, options...))
		chromium.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme.scheme}, {Name: "forced-colors", Value: scheme.forced},
		}})
	}
	dir := os.Getenv("FOTSPOR_SHOTS") // for pictures of the states, see TestScreenshots
	titles, opened := map[string]string{}, map[string]bool{}
	visit := func(t *testing.T, address string) {
		show(0, 0)
		tab.Do(chromedp.Navigate(server.URL + address))
		title := chromium.Run(tab, chromedp.Title())
		path, _, _ := strings.Cut(address, "?")
		if other, taken := titles[title]; taken && other != path && !strings.HasPrefix(path, "/state/") {
			t.Errorf("has the title of %s: %q", other, title)
		}
		titles[title] = path
		for i := range screens { // all in light, the widest and the narrowest in the others
			outer := i == 0 || i == len(screens)-1
			for j := range schemes {
				rules := colours
				switch {
				case j == 0 && outer:
					rules = wcag
				case j == 0:
					rules = layout
				case !outer:
					continue
				}
				show(i, j)
				check(t, screens[i].name+", "+schemes[j].name, "document", rules)
				if dir != "" && (screens[i].width == 1440 || screens[i].width == 390) {
					file := fmt.Sprintf("state-%s-%d-%s.png", url.PathEscape(string(story.mood)+address), screens[i].width, strings.ReplaceAll(schemes[j].name, " ", "-"))
					if err := os.WriteFile(filepath.Join(dir, file), chromium.Run(tab, chromedp.FullScreenshot(100)), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		menus := chromium.Run(tab, chromedp.Evaluate[[]string](`[...document.querySelectorAll("summary")].map((s) => s.textContent.trim())`))
		for m, name := range menus {
			if opened[name] && !strings.Contains(address, "f") { // the same on every page
				continue
			}
			opened[name] = true
			for j, i := range []int{0, len(screens) - 1, 0} {
				show(i, j)
				chromium.Run(tab, chromedp.Evaluate[bool](fmt.Sprintf(`document.querySelectorAll("details").forEach((d, i) => { d.open = i === %d; }), true`, m)))
				part := `document.querySelector("details[open]")`
				if i == 0 && chromium.Run(tab, chromedp.Evaluate[bool](`!!document.querySelector(".menu[open]")`)) { // with what stands beside it
					part = "document"
				}
				check(t, fmt.Sprintf("%s, %s, %q open", screens[i].name, schemes[j].name, name), part, wcag)
			}
			for i := range screens {
				show(i, 0)
				for _, w := range chromium.Run(tab, chromedp.Evaluate[[]string](openedMenu)) {
					t.Errorf("%s, %q open: %s", screens[i].name, name, w)
				}
			}
		}
		if strings.HasPrefix(address, "/state/") { // which is in one language
			return
		}
		language := func(tag string) {
			chromium.Call(tab, network.SetCookie, network.SetCookieParams{Name: languageCookie, Value: tag, URL: server.URL})
		}
		language("en") // whose words for periods are the longest
		tab.Do(chromedp.Navigate(server.URL + address))
		for i, screen := range screens {
			if screen.name == "small desk" || i == 0 {
				show(i, 0)
				check(t, screen.name+", English", "document", layout)
			}
		}
		language("nb")
	}
	walk := map[mood][]string{
		much: {
			"/", "/?q=nobody", "/sites/1?period=today", "/sites/1?period=month&at=2026-11", "/sites/1?f=region:NO-50&f=page:/a*&f=!os:",
			"/sites/1?fd=page&fo=is&fv=", "/sites/1?period=range&from=2026-11-02&to=2026-11-01",
			"/sites/1/compare?path=/&path=/aktuelt/2026/ny-rapport-om-sosialt-entreprenorskap&path=/never", "/sites/1/goals?kind=page&pattern=/a*", "/sites/1/goals?kind=page&pattern=a&goal=x%0A",
			"/sites/1/notes", "/sites/1/notes?note=1", "/sites/1/views?view=3", "/sites/1/views?of=/sources&period=28d", "/views?of=/&tag=Kultur", "/sites/1?period=month&at=2026-05",
		},
		few: {"/sites/1", "/sites/1/places"}, gone: {"/sites/1/hours"}, none: {"/sites/1", "/sites/1/searches"}, waits: {"/", "/sites/1"},
	}
	for _, p := range pages {
		address := "/sites/1" + p.path
		for _, c := range cards {
			if c.path == p.path {
				address = "/sites/1" + p.path + "?" + c.parameter + "=/a"
			}
		}
		walk[much] = append(walk[much], address)
	}
	for _, m := range slices.Sorted(maps.Keys(walk)) {
		for _, address := range walk[m] {
			story.mood = m
			t.Run(string(m)+address, func(t *testing.T) { visit(t, address) })
		}
	}
	for _, address := range addresses {
		t.Run(address, func(t *testing.T) { visit(t, address) })
	}
}
