package script_test

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/fotspor/fotspor/collector/script"
)

const packages = "../../node_modules/"

// newFrameworkWorld makes a website whose pages have the snippet in their body, and in
// their head a library of npm with what a page says to it.
func newFrameworkWorld(t *testing.T, library, head string) *world {
	t.Helper()
	if _, err := os.Stat(packages + library); err != nil {
		missing(t, err.Error())
	}
	w := newWorld(t)
	w.head = strings.ReplaceAll(head, "LIBRARY", "/lib/"+library)
	w.beforeScripts(`window.faults = []; addEventListener("error", (e) => faults.push(e.message)); addEventListener("unhandledrejection", (e) => faults.push(String(e.reason)))`)
	return w
}

// expectWay follows a website from /one to /two and /three and back, by clicks, and
// expects four views, each with the page before, and no more.
func (w *world) expectWay() {
	w.t.Helper()
	w.expectOnly(sent{"view", "/one", ""})
	for _, step := range [][2]string{{"/one", "/two"}, {"/two", "/three"}} {
		w.js(fmt.Sprintf(`document.querySelector('nav a[href="%s"]').click()`, step[1]))
		w.expectOnly(sent{"view", step[1], step[0]})
		w.settle(step[1])
	}
	w.js(`history.back()`)
	w.expectOnly(sent{"view", "/two", "/three"})
	w.settle("/two")
	w.expectOnly()
	w.expectNoFaults()
}

// sendOn adds to the website a form that leads to /two and a link that leads to /three, by
// way of pages that send on. It returns their HTML.
func (w *world) sendOn() string {
	w.pages.Handle("POST /save", http.RedirectHandler("/two", http.StatusSeeOther))
	w.pages.Handle("GET /moved", http.RedirectHandler("/three", http.StatusFound))
	return `<form method="post" action="/save"><button>save</button></form><a id="moved" href="/moved">moved</a>`
}

// expectSentOn expects the way from /one to /two, which has begun, and follows the link of
// sendOn and the way back.
func (w *world) expectSentOn() {
	w.t.Helper()
	w.expectOnly(sent{"view", "/two", "/one"})
	w.settle("/two")
	w.js(`document.querySelector("#moved").click()`)
	w.expectOnly(sent{"view", "/three", "/two"})
	w.settle("/three")
	w.js(`history.back()`)
	w.expectOnly(sent{"view", "/two", "/three"})
	w.settle("/two")
	w.expectOnly()
	w.expectNoFaults()
}

func (w *world) expectNoFaults() {
	w.t.Helper()
	if faults := ask[[]string](w, "window.faults"); len(faults) > 0 {
		w.t.Errorf("errors in the page: %q", faults)
	}
}

// settle waits until the page shows what belongs to an address.
func (w *world) settle(path string) {
	w.t.Helper()
	ask[bool](w, fmt.Sprintf(`new Promise((done) => {
		const look = () => document.querySelector("h1").textContent === %q && location.pathname === %[1]q ? setTimeout(() => done(true), 50) : setTimeout(look, 5);
		look();
	})`, path))
}

// TestFrameworks drives the libraries that change the address without loading a page.
// Each runs the scripts in the body of a page again, or none, in its own way.
func TestFrameworks(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	needScript(t)
	for name, lib := range map[string]struct{ library, head string }{
		"Turbo 8":       {"@hotwired/turbo/dist/turbo.es2017-umd.js", `<script src="LIBRARY"></script>`},
		"Turbolinks 5":  {"turbolinks/dist/turbolinks.js", `<script src="LIBRARY"></script><script>Turbolinks.start()</script>`},
		"htmx 2, boost": {"htmx.org/dist/htmx.min.js", `<script src="LIBRARY"></script><script>document.documentElement.setAttribute("hx-boost", "true")</script>`},
		"TanStack's history": {"@tanstack/history/dist/esm/index.js", `<script type="module">
			import { createBrowserHistory } from "LIBRARY";
			const router = createBrowserHistory();
			const show = () => { document.querySelector("h1").textContent = router.location.pathname };
			router.subscribe(show);
			addEventListener("click", (e) => {
				const link = e.target.closest("nav a");
				if (!link) return;
				e.preventDefault();
				router.push(link.pathname, {from: "link"});
				router.replace(link.pathname, {scroll: 0}); // as routers note where somebody has scrolled to
			});
		</script>`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFrameworkWorld(t, lib.library, lib.head)
			w.open("/one")
			w.expectWay()
		})
	}

	// As Next.js does it: the state is written over twice for each page.
	t.Run("router over the history", func(t *testing.T) {
		w := newWorld(t)
		w.beforeScripts(`window.faults = []`)
		w.head = `<script>addEventListener("DOMContentLoaded", () => {
			const original = { push: history.pushState.bind(history), replace: history.replaceState.bind(history) };
			history.pushState = (data, unused, url) => original.push({ ...data, __NA: true }, unused, url);
			history.replaceState = (data, unused, url) => original.replace({ ...data, __NA: true }, unused, url);
			const show = () => { document.querySelector("h1").textContent = location.pathname };
			addEventListener("popstate", show);
			addEventListener("click", (e) => {
				const link = e.target.closest("nav a");
				if (!link) return;
				e.preventDefault();
				history.pushState({}, "", link.href);
				history.replaceState({ tree: 1 }, "", link.href);
				show();
			});
		})</script>`
		w.open("/one")
		w.expectWay()
	})

	t.Run("intercept", func(t *testing.T) {
		w := newWorld(t)
		w.beforeScripts(`window.faults = []`)
		w.head = `<script>navigation.addEventListener("navigate", (e) => {
			if (!e.canIntercept || e.hashChange) return;
			e.intercept({ async handler() {
				await new Promise((done) => setTimeout(done, 20));
				document.querySelector("h1").textContent = new URL(e.destination.url).pathname;
			} });
		})</script>`
		w.open("/one")
		w.expectWay()
	})

	// Half of the browsers of 2025 have no Navigation API.
	t.Run("no Navigation API", func(t *testing.T) {
		w := newWorld(t)
		w.beforeScripts(`delete window.navigation; delete Window.prototype.navigation`)
		w.open("/one")
		w.expect(sent{"view", "/one", ""})
		w.js(`history.pushState({}, "", "/two")`)
		w.expect(sent{"view", "/two", "/one"})
		w.js(`history.back()`)
		w.expectOnly(sent{"view", "/one", "/two"})
	})

	// What a page has by that name is not the browser's.
	for name, html := range map[string]string{
		"let":      `<script>let navigation = {};</script>`,
		"const":    `<script>const navigation = document.querySelector("nav");</script>`,
		"var":      `<script>var navigation = [];</script>`,
		"nothing":  `<script>navigation = null;</script>`,
		"function": `<script>function navigation() {}</script>`,
		"element":  `<script>delete window.navigation</script><nav id="navigation"></nav>`,
	} {
		t.Run("named "+name, func(t *testing.T) {
			w := newWorldWith(t, func(stats string) string { return html + script.Snippet(stats, site) })
			w.open("/one")
			w.expect(sent{"view", "/one", ""})
			w.js(`history.pushState({}, "", "/two")`)
			w.expect(sent{"view", "/two", "/one"})
			w.js(`fotspor("x")`)
			w.expectOnly(sent{"e_a=x&e_v=", "/two", "/one"})
		})
	}

	// An application changes the address while the page before it stands, and some libraries
	// before they ask for the next one.
	for name, lib := range map[string]struct {
		library, head string
		inBody        bool
	}{
		"Turbo 8":      {"@hotwired/turbo/dist/turbo.es2017-umd.js", `<script src="LIBRARY"></script>`, false},
		"Turbolinks 5": {"turbolinks/dist/turbolinks.js", `<script src="LIBRARY"></script><script>Turbolinks.start()</script>`, false},
		"htmx 2": {"htmx.org/dist/htmx.min.js", `<script src="LIBRARY"></script><script>
			addEventListener("htmx:beforeSwap", (e) => { e.detail.shouldSwap = true });
			addEventListener("DOMContentLoaded", () => { document.body.setAttribute("hx-boost", "true"); htmx.process(document.body) })</script>`, true},
		"router": {"htmx.org/dist/htmx.min.js", `<script>addEventListener("DOMContentLoaded", () => {
			const meta = document.head.appendChild(document.createElement("meta"));
			meta.name = "fotspor-status";
			const show = () => setTimeout(() => {
				document.querySelector("h1").textContent = location.pathname;
				meta.content = /gone/.test(location.pathname) ? 404 : 200;
			}, 30);
			addEventListener("popstate", show);
			addEventListener("click", (e) => { e.preventDefault(); history.pushState({}, "", e.target.closest("a").href); show() });
		})</script>`, false},
	} {
		t.Run("missing pages by "+name, func(t *testing.T) {
			t.Parallel() // it waits
			w := newFrameworkWorld(t, lib.library, lib.head)
			w.statusInBody = lib.inBody
			w.tab.Ignore("status of 404")
			w.beforeScripts(`window.setTimeout = unhurried`)
			w.open("/one")
			w.expectOnly(sent{"view", "/one", ""})
			from := "/one"
			for _, to := range []string{"/gone/a", "/two", "/gone/b", "/three", "back", "back"} {
				if to == "back" {
					w.js(`history.back()`)
					to = map[string]string{"/three": "/gone/b", "/gone/b": "/two"}[from]
				} else {
					w.js(fmt.Sprintf(`document.querySelector('nav a[href="%s"]').click()`, to))
				}
				what := "view"
				if strings.HasPrefix(to, "/gone/") {
					what = "e_c=404"
				}
				w.expectOnly(sent{what, to, from})
				w.settle(to)
				from = to
			}
			w.expectNoFaults()
		})
	}

	// A page that only sends on is never seen: neither what a form is sent to nor a link
	// that has moved. Turbo and Turbolinks show the address of such a link until they know.
	for name, lib := range map[string]struct{ library, head string }{
		"Turbo 8":       {"@hotwired/turbo/dist/turbo.es2017-umd.js", `<script src="LIBRARY"></script>`},
		"Turbolinks 5":  {"turbolinks/dist/turbolinks.js", `<script src="LIBRARY"></script><script>Turbolinks.start()</script>`},
		"htmx 2, boost": {"htmx.org/dist/htmx.min.js", `<script src="LIBRARY"></script><script>document.documentElement.setAttribute("hx-boost", "true")</script>`},
	} {
		t.Run("sent on by "+name, func(t *testing.T) {
			w := newFrameworkWorld(t, lib.library, lib.head)
			w.head += w.sendOn()
			w.beforeScripts(`window.setTimeout = unhurried`)
			w.open("/one")
			w.expectOnly(sent{"view", "/one", ""})
			if strings.HasPrefix(name, "Turbolinks") { // which leaves forms to the browser
				w.js(`document.querySelector('nav a[href="/two"]').click()`)
			} else {
				w.js(`document.querySelector("form").requestSubmit()`)
			}
			w.expectSentOn()
		})
	}

	t.Run("left before it is due", func(t *testing.T) {
		w := newWorld(t)
		w.beforeScripts(`window.setTimeout = (what, after, ...more) => unhurried(what, after === 1000 ? 1e6 : after, ...more)`)
		w.open("/one")
		w.expect(sent{"view", "/one", ""})
		w.js(`history.pushState({}, "", "/two"); history.pushState({}, "", "/three"); fotspor("x")`)
		w.expect(sent{"view", "/two", "/one"}, sent{"view", "/three", "/two"}, sent{"e_a=x&e_v=", "/three", "/two"})
		w.js(`history.pushState({}, "", "/four")`)
		w.open("/b")
		w.expect(sent{"view", "/four", "/three"}, sent{"ping=1", "/four", "/three"}, sent{"view", "/b", ""})
	})

	t.Run("redirect", func(t *testing.T) {
		w := newWorld(t)
		w.open("/one")
		w.expect(sent{"view", "/one", ""})
		w.js(`history.pushState({}, "", "/two")`)
		w.expect(sent{"view", "/two", "/one"})
		w.js(`history.pushState({}, "", "/login"); history.replaceState({}, "", "/login?next=1"); history.replaceState({}, "", "/three"); fotspor("x")`)
		w.expectOnly(sent{"view", "/three", "/two"}, sent{"e_a=x&e_v=", "/three", "/two"})
		w.js(`history.replaceState({}, "", "/four")`) // the third page was seen
		w.expectOnly(sent{"view", "/four", "/three"})
	})

	t.Run("swapped early", func(t *testing.T) {
		w := newWorld(t)
		w.open("/one")
		w.expectOnly(sent{"view", "/one", ""})
		w.js(`history.pushState({}, "", "/two");
			document.head.insertAdjacentHTML("beforeend", '<meta name="fotspor-status" content="404">');
			history.pushState({}, "", "/gone")`)
		w.expectOnly(sent{"view", "/two", "/one"}, sent{"e_c=404", "/gone", "/two"})
	})

	t.Run("status", func(t *testing.T) {
		w := newWorld(t)
		w.open("/missing?status=404")
		w.expectOnly(sent{"e_c=404", "/missing?status=404", ""})
		w.js(`history.pushState({}, "", "/two")`)
		w.expectOnly(sent{"view", "/two", "/missing?status=404"})
	})

	t.Run("parameters", func(t *testing.T) {
		w := newWorldWith(t, func(stats string) string { return script.Snippet(stats, site, "id", "tx_news[id]") })
		w.open("/a?id=1&q=x")
		w.expectOnly(sent{"view", "/a?id=1&q=x", ""})
		w.js(`history.replaceState({}, "", "/a?q=xy&id=1"); history.replaceState({}, "", "/a?q=xyz&id=1&page=2")`)
		w.expectOnly()
		w.js(`history.pushState({}, "", "/a?id=2")`)
		w.expectOnly(sent{"view", "/a?id=2", "/a?id=1&q=x"})
		w.js(`history.pushState({}, "", "/a?id=2&tx_news%5Bid%5D=7")`)
		w.expectOnly(sent{"view", "/a?id=2&tx_news%5Bid%5D=7", "/a?id=2"})
	})

	t.Run("parameters apart", func(t *testing.T) {
		w := newWorldWith(t, func(stats string) string {
			return strings.Replace(script.Snippet(stats, site, "id", "page"), `"id,page"`, `" id, page"`, 1)
		})
		way := []string{"/news/?id=2", "/news/2", "/news/2?page=1", "/news/2?page=2", "/news/2?id=2", "/news/2?id=1,2", "/news/2?id=1&page=2", "/news/21"}
		w.open(way[0])
		w.expectOnly(sent{"view", way[0], ""})
		for i, address := range way[1:] {
			w.js(fmt.Sprintf(`history.pushState({}, "", %q)`, address))
			w.expectOnly(sent{"view", address, way[i]})
		}
	})
}

// TestTags puts the script into a page in the ways that optimisers, tag
// managers and caches do.
func TestTags(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	needScript(t)
	code := get(t, http.Header{}).Body.String()
	const copied = "/wp-content/cache/min/1/fotspor-3f2a.js"
	for name, tt := range map[string]struct {
		tags  string // STATS stands for the server
		views string // sites that are counted, in order
	}{
		"twice":                      {`TAG TAG`, "7"},
		"two sites":                  {`TAG <script defer src="STATS/fotspor.js" data-site="8" data-server="STATS"></script>`, "7 8"},
		"copied":                     {`<script src="` + copied + `" data-site="7" data-server="STATS"></script>`, "7"},
		"copied, deferred":           {`<script defer src="` + copied + `" data-site="7" data-server="STATS"></script>`, "7"},
		"copied, async":              {`<script async src="` + copied + `" data-site="7" data-server="STATS"></script>`, "7"},
		"copied without its server":  {`<script src="` + copied + `" data-site="7"></script>`, ""},
		"inlined":                    {`<script data-site="7" data-server="STATS">CODE</script>`, "7"},
		"inlined without its server": {`<script data-site="7">CODE</script>`, ""},
		"inlined without attributes": {`<script>CODE</script>`, ""},
		"delayed": {`<script type="rocketlazyloadscript" data-rocket-src="STATS/fotspor.js" data-site="7" data-server="STATS"></script><script>
			setTimeout(() => { for (const old of document.querySelectorAll("[type=rocketlazyloadscript]")) {
				const fresh = document.createElement("script");
				for (const {name, value} of old.attributes) if (name !== "type") fresh.setAttribute(name.replace("data-rocket-", ""), value);
				old.replaceWith(fresh);
			} }, 30)</script>`, "7"},
		"not yet consented to":     {`<script type="text/plain" data-category="statistics" src="STATS/fotspor.js" data-site="7" data-server="STATS"></script>`, ""},
		"tag manager":              {`<script>setTimeout(() => { const s = document.createElement("script"); s.src = "STATS/fotspor.js?site=7"; document.head.append(s) }, 10)</script>`, "7"},
		"attributes dropped":       {`<script src="STATS/fotspor.js?site=7"></script>`, "7"},
		"other parameters as well": {`<script src="STATS/fotspor.js?ver=6.4&amp;site=7&amp;x=1"></script>`, "7"},
		"module":                   {`<script type="module" src="STATS/fotspor.js" data-site="7" data-server="STATS"></script>`, "7"},
		"module by its address":    {`<script type="module" src="STATS/fotspor.js?site=7"></script>`, "7"},
		"two modules":              {`<script type="module" src="STATS/fotspor.js?site=7"></script><script type="module" src="STATS/fotspor.js?site=8"></script>`, "7 8"},
		"beside a foreign module":  {`<script type="module" src="/own.js?site=9" data-site="ABCDEF"></script><script type="module" src="STATS/fotspor.js?site=7"></script>`, "7"},
		"evaluated":                {`<script>fetch("STATS/fotspor.js").then((r) => r.text()).then((code) => { const s = document.createElement("script"); s.dataset.site = "7"; s.dataset.server = "STATS"; s.textContent = code; document.head.append(s) })</script>`, "7"},
		"a server with a slash":    {`<script src="STATS/fotspor.js" data-site="7" data-server="STATS/"></script>`, "7"},
		"no site":                  {`<script src="STATS/fotspor.js"></script>`, ""},
		"a server that is no URL":  {`<script src="STATS/fotspor.js" data-site="7" data-server="ftp://stats.example.org"></script>`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorldWith(t, func(stats string) string {
				tags := strings.ReplaceAll(tt.tags, "TAG", strings.Split(script.Snippet(stats, site), "\n")[1])
				return strings.NewReplacer("STATS", stats, "CODE", code).Replace(tags)
			})
			w.pages.HandleFunc("GET "+copied, func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", "text/javascript")
				io.WriteString(rw, code)
			})
			w.pages.HandleFunc("POST /", func(_ http.ResponseWriter, r *http.Request) { t.Errorf("a hit went to %s", r.URL) })
			w.beforeScripts(`window.faults = []; addEventListener("error", (e) => faults.push(e.message))`)
			w.open("/one")
			var views, events []sent
			for id := range strings.FieldsSeq(tt.views) {
				mark := strings.TrimPrefix("&idsite="+id, "&idsite=7")
				if mark != "" {
					mark = mark[1:]
				}
				views = append(views, sent{cmp.Or(mark, "view"), "/one", ""})
				events = append(events, sent{strings.Trim("e_a=Menu&e_v=&"+mark, "&"), "/one", ""})
			}
			w.expect(views...)
			ask[bool](w, `new Promise((done) => setTimeout(() => done(true), 150))`)
			w.expectOnly()
			w.js(`window.fotspor?.("Menu")`)
			w.expectOnly(events...)
			w.js(`history.pushState({}, "", "/two"); history.replaceState({}, "", "/three")`) // which was never there to be seen
			for i := range views {
				views[i].URL, views[i].Referrer = "/three", "/one"
			}
			w.expectOnly(views...)
			w.expectNoFaults()
		})
	}
}

// TestNoThrow: on a page that lacks things, the script throws nothing into it.
func TestNoThrow(t *testing.T) {
	needScript(t)
	for name, tt := range map[string]struct{ before, page string }{
		"no beacons":             {`delete Navigator.prototype.sendBeacon`, ""},
		"beacons that throw":     {`Navigator.prototype.sendBeacon = () => { throw new Error("no") }`, ""},
		"no body":                {`Object.defineProperty(Document.prototype, "body", {get: () => null})`, ""},
		"no cookies":             {`Object.defineProperty(Document.prototype, "cookie", {get: () => { throw new DOMException("", "SecurityError") }, set: () => { throw new DOMException("", "SecurityError") }})`, ""},
		"no tag of the script":   {`Object.defineProperty(Document.prototype, "currentScript", {get: () => null})`, ""},
		"an element in its name": {"", `<form id="fotspor"><input><input></form>`},
		"elements in its name":   {"", `<p id="fotspor"></p><p id="fotspor"></p>`},
		"sandbox":                {"", `<iframe sandbox="allow-scripts" src="/framed"></iframe>`},
		"sandbox, srcdoc":        {"", `<iframe sandbox="allow-scripts" srcdoc="&lt;script src='STATS/fotspor.js' data-site='7'&gt;&lt;/script&gt;"></iframe>`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorldWith(t, func(stats string) string {
				return strings.ReplaceAll(tt.page, "STATS", stats) + script.Snippet(stats, site)
			})
			w.website.URL = strings.Replace(w.website.URL, "127.0.0.1", "localhost", 1) // which shares no cookie
			w.beforeScripts(`window.faults = [];
				addEventListener("error", (e) => { faults.push(e.message); if (parent !== window) parent.postMessage({fault: e.message}, "*") });
				addEventListener("message", (e) => { if (e.data?.fault) faults.push(e.data.fault) });` + tt.before)
			w.open("/one")
			w.expectLoaded("/one")
			w.js(`window.fotspor?.("x"); window.fotspor?.("x", null); window.fotspor?.(5); window.fotspor?.(); window.fotspor?.(Symbol());
				for (const detail of [undefined, null, 1, {statistics: false}, {statistics: true}]) dispatchEvent(new CustomEvent("toggle-consent", {detail}));
				for (const data of [null, 1, {}, {fotspor: "optout", out: true}]) dispatchEvent(new MessageEvent("message", {data}));
				history.pushState({}, "", "/two?%");
				addEventListener("click", (e) => e.preventDefault()); document.querySelector("a").dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true}))`)
			ask[bool](w, `new Promise((done) => setTimeout(() => done(true), 300))`) // for what is in a frame
			w.expectNoFaults()
		})
	}
}

// TestAstro needs Astro's router, which deploy/test-tools gets.
func TestAstro(t *testing.T) {
	if _, err := os.Stat(packages + "astro"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no Astro: deploy/test-tools gets it")
		}
		t.Skip("SKIPPED: no Astro: deploy/test-tools gets it")
	}
	needScript(t)
	bundle := filepath.Join(t.TempDir(), "astro.js")
	if out, err := exec.Command("node", "testdata/astro.mjs", bundle).CombinedOutput(); err != nil {
		t.Fatalf("bundle Astro's router: %v\n%s", err, out)
	}
	head := `<meta name="astro-view-transitions-enabled" content="true"><script type="module" src="/astro.js"></script>`
	open := func(t *testing.T, body func(snippet string) string) *world {
		w := newWorldWith(t, func(stats string) string { return body(script.Snippet(stats, site)) })
		w.pages.HandleFunc("GET /astro.js", func(rw http.ResponseWriter, r *http.Request) { http.ServeFile(rw, r, bundle) })
		w.head = head + w.sendOn()
		w.beforeScripts(`window.faults = []; addEventListener("error", (e) => faults.push(e.message)); addEventListener("unhandledrejection", (e) => faults.push(String(e.reason)))`)
		w.open("/one")
		return w
	}
	for name, body := range map[string]func(snippet string) string{
		"as printed":               func(snippet string) string { return snippet },
		"run again with each page": func(snippet string) string { return strings.Replace(snippet, "<script", "<script data-astro-rerun", 1) },
		"kept from page to page": func(snippet string) string {
			return `<div data-astro-transition-persist="stats">` + snippet + `</div>`
		},
		"kept itself": func(snippet string) string {
			return strings.Replace(snippet, "<script", `<script data-astro-transition-persist="stats"`, 1)
		},
		"on the first page alone, as others load it in another way": func(snippet string) string {
			return `<script>if (!window.fotspor) document.head.append(Object.assign(document.createElement("script"), {src: "` + regexp.MustCompile(`src="([^"]*)`).FindStringSubmatch(snippet)[1] + `?site=7"}))</script>`
		},
	} {
		t.Run(name, func(t *testing.T) {
			open(t, body).expectWay()
		})
	}
	asPrinted := func(snippet string) string { return snippet }
	t.Run("the second before the first is there", func(t *testing.T) {
		w := open(t, asPrinted)
		w.expectOnly(sent{"view", "/one", ""})
		w.js(`document.querySelector('nav a[href="/two"]').click(); document.querySelector('nav a[href="/three"]').click()`)
		w.expectOnly(sent{"view", "/three", "/one"})
		w.settle("/three")
		w.js(`history.back()`)
		w.expectOnly(sent{"view", "/one", "/three"})
		w.settle("/one")
		w.expectOnly()
		w.expectNoFaults()
	})
	t.Run("the second before the first is sent", func(t *testing.T) {
		w := open(t, asPrinted)
		w.beforeScripts(`window.setTimeout = unhurried`)
		w.open("/one")
		w.expect(sent{"view", "/one", ""}, sent{"ping=1", "/one", ""}, sent{"view", "/one", ""})
		for _, to := range []string{"/two", "/three"} {
			w.js(fmt.Sprintf(`document.querySelector('nav a[href="%s"]').click()`, to))
			w.settle(to)
		}
		w.js(`history.back()`)
		w.expectOnly(sent{"view", "/two", "/one"}, sent{"view", "/three", "/two"}, sent{"view", "/two", "/three"})
		w.expectNoFaults()
	})
	t.Run("sent on", func(t *testing.T) {
		w := open(t, asPrinted)
		w.expectOnly(sent{"view", "/one", ""})
		w.js(`document.querySelector("form").requestSubmit()`)
		w.expectSentOn()
	})
}

// TestTwoSitesAndTheQueue: what a page calls before the script is there counts for each
// of its sites.
func TestTwoSitesAndTheQueue(t *testing.T) {
	needScript(t)
	w := newWorldWith(t, func(stats string) string {
		return `<script>window.fotspor = window.fotspor || function () { (fotspor.q = fotspor.q || []).push(arguments) }; fotspor(); fotspor(Symbol()); fotspor(""); fotspor("Early")</script>` +
			script.Snippet(stats, site) + script.Snippet(stats, 8)
	})
	w.open("/a")
	w.expectOnly(sent{"view", "/a", ""}, sent{"idsite=8", "/a", ""},
		sent{"e_a=Early&e_v=", "/a", ""}, sent{"e_a=Early&e_v=&idsite=8", "/a", ""})
	w.js(`fotspor(); fotspor("Late")`)
	w.expectOnly(sent{"e_a=Late&e_v=", "/a", ""}, sent{"e_a=Late&e_v=&idsite=8", "/a", ""})
}

// TestOptOutButton tries the button of docs/script.md as it stands there.
func TestOptOutButton(t *testing.T) {
	needScript(t)
	doc, err := os.ReadFile("../../docs/script.md")
	if err != nil {
		t.Fatal(err)
	}
	button := regexp.MustCompile("(?s)```html\n(<button type=\"button\" id=\"opt-out\".*?)```").FindSubmatch(doc)
	if button == nil {
		t.Fatal("docs/script.md has no button")
	}
	w := newWorldWith(t, func(stats string) string { return string(button[1]) + script.Snippet(stats, site) })
	w.website.URL = strings.Replace(w.website.URL, "127.0.0.1", "www.kommune.localhost", 1) // which shares no cookie
	pressed := func(want string) {
		t.Helper()
		if got := ask[string](w, `document.querySelector("#opt-out").getAttribute("aria-pressed")`); got != want {
			t.Errorf("aria-pressed is %s, want %s", got, want)
		}
	}
	w.open("/a")
	w.expect(sent{"view", "/a", ""})
	pressed("false")
	w.tab.Do(chromedp.Click("#opt-out"))
	pressed("true")
	w.js(`fotspor("x"); history.pushState({}, "", "/two")`)
	w.tab.Do(chromedp.Click("#opt-out"))
	pressed("false")
	w.js(`fotspor("x")`) // on a page that is not counted
	w.expectOnly()
	w.js(`history.pushState({}, "", "/three"); fotspor("x")`)
	w.expectOnly(sent{"view", "/three", ""}, sent{"e_a=x&e_v=", "/three", ""}) // nor is the page told on which they objected
	w.tab.Do(chromedp.Click("#opt-out"))
	pressed("true")
	w.open("/b")
	w.expectLoaded("/b")
	pressed("true")
	w.expectOnly()
	w.tab.Do(chromedp.Click("#opt-out"))
	pressed("false")
	w.js(`history.pushState({}, "", "/three")`)
	w.expectOnly(sent{"view", "/three", ""})
	// A choice that Matomo kept for all hosts of the website.
	w.js(`document.cookie = "mtm_consent_removed=1772366399000;path=/;domain=kommune.localhost"`)
	if kept := ask[string](w, "document.cookie"); kept != "mtm_consent_removed=1772366399000" {
		t.Fatalf("cookie %q", kept)
	}
	w.tab.Do(chromedp.Click("#opt-out"))
	pressed("false")
	if kept := ask[string](w, "document.cookie"); kept != "" {
		t.Errorf("cookie %q", kept)
	}
}
