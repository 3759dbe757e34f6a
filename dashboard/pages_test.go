package dashboard_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/fotspor/fotspor/browser"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/dashboard"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/internal/httpmetrics"
	"github.com/fotspor/fotspor/site"

	"github.com/fotspor/fotspor/store/storetest"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMissingPages(t *testing.T) {
	b := newBench(t)
	b.logIn()
	b.addSite("One", "one.example", "UTC")
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/nothing":                  {404, "There is no such page."},
		"/sites/99":                 {404, "There is no such page."},
		"/sites/one":                {404, "There is no such page."},
		"/sites/4294967297":         {404, "There is no such page."},
		"/sites/1/":                 {404, "There is no such page."},
		"/sites/1/nothing":          {404, "There is no such page."},
		"/sites/1/pages/":           {404, "There is no such page."},
		"/sites/99/pages":           {404, "There is no such page."},
		"/sites/1/page":             {404, "There is no such page."},
		"/sites/1.xml":              {404, "There is no such page."},
		"/assets/dashboard.js":      {404, "There is no such page."},
		"/sites/1.csv?f=colour:red": {400, "A filter can't be read."},
	} {
		page := b.get(path)
		if got := page.text(".card p"); page.status != want.status || !strings.HasPrefix(got, want.text) {
			t.Errorf("%s = %d %q, want %d %q", path, page.status, got, want.status, want.text)
		}
	}
}

// Nothing is said about sites, not even whether they exist, before a log-in.
func TestStrangersSeeNothing(t *testing.T) {
	b := newBench(t)
	b.addSite("Secret site", "secret.example", "UTC")
	for _, path := range []string{"/", "/sites/1", "/sites/99", "/sites/1/pages", "/sites/1?period=fortnight"} {
		if got := b.get(path).url.Path; got != "/login" {
			t.Errorf("%s leads a stranger to %s", path, got)
		}
	}
	for _, path := range []string{"/api/v1/sites", "/api/v1/sites/1/totals", "/api/v1/sites/99/series", "/api/v1/sites/1/top", "/api/v2/nothing"} {
		a := b.get(path)
		if a.status != 401 || a.body != `{"code":"no_session","error":"Log in to see the figures."}` || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s = %d %s", path, a.status, a.body)
		}
	}
}

func TestHeaders(t *testing.T) {
	b := newBench(t)
	b.logIn()
	b.addSite("One", "one.example", "UTC")
	for _, path := range []string{"/", "/sites/1", "/nothing", "/api/v1/sites"} {
		a := b.get(path)
		for name, want := range map[string]string{
			"Content-Security-Policy":    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
			"X-Content-Type-Options":     "nosniff",
			"Referrer-Policy":            "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin",
			"Cache-Control":              "no-store",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s = %q, want %q", path, name, got, want)
			}
		}
	}
}

// TestLinks follows every sort of link, and every asset, of every page.
func TestLinks(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("One", "one.example", "Europe/Oslo")
	b.addSite("Two", "two.example", "UTC")
	put(t, b.store, "story", rowsOf(site, tell(3, site, calendar.DayOf(moment)-60, calendar.DayOf(moment), 15, moment)))
	seen := map[string]bool{}
	// sort is what is alike of links that differ by a value alone.
	sort := func(u *url.URL) string {
		keys := slices.Sorted(maps.Keys(u.Query()))
		dimension, _, _ := strings.Cut(u.Query().Get("f"), ":")
		return fmt.Sprint(u.Path, keys, dimension, u.Query().Get("table"))
	}
	paths := []string{"/", "/?period=today", "/sites/2", "/nothing", "/sites/1?period=month&at=2026-10", "/sites/1?period=28d&f=country:NO", "/sites/1/pages?sort=-pageviews&q=a"}
	for _, path := range pagePaths(b) {
		paths = append(paths, and("/sites/1"+path, "period=28d"))
	}
	for _, path := range paths {
		page := b.get(path)
		page.Find("[href], [src]").Each(func(_ int, s *goquery.Selection) {
			link := s.AttrOr("href", s.AttrOr("src", ""))
			u, err := page.url.Parse(link)
			if err != nil {
				t.Errorf("%s: link %q: %v", path, link, err)
				return
			}
			switch {
			case strings.HasPrefix(link, "#"):
				if page.Find(link).Length() != 1 {
					t.Errorf("%s: nothing at %s", path, link)
				}
			case u.Host != page.url.Host:
				if s.AttrOr("rel", "") != "noreferrer" || goquery.NodeName(s) != "a" {
					t.Errorf("%s: link to %s tells it where from", path, link)
				}
			case u.Path == "/privacy/1" || seen[sort(u)]: // the collector's
			default:
				seen[sort(u)] = true
				if a := b.get(u.RequestURI()); a.status != 200 {
					t.Errorf("%s: link to %s is answered %d", path, link, a.status)
				}
			}
		})
	}
	if len(seen) < 30 {
		t.Errorf("only %d links", len(seen))
	}
}

// TestPagesAreCompressed, unless a page of another site began the request.
func TestPagesAreCompressed(t *testing.T) {
	b := newBench(t)
	b.logIn()
	for _, path := range []string{"/admin/users", "/account", "/nothing"} {
		for site, want := range map[string]string{"": "gzip", "none": "gzip", "same-origin": "gzip", "same-site": "", "cross-site": ""} {
			a := b.get(path, "Accept-Encoding", "gzip", "Sec-Fetch-Site", site)
			if got := a.header.Get("Content-Encoding"); got != want {
				t.Errorf("%s, begun by %q: %q, want %q", path, site, got, want)
			}
			if want == "" {
				continue
			}
			r, err := gzip.NewReader(strings.NewReader(a.body))
			if err != nil {
				t.Fatal(err)
			}
			if page, err := io.ReadAll(r); err != nil || !strings.HasSuffix(string(page), "</html>\n") || a.header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s: %v, Vary %q, %.40q", path, err, a.header.Get("Vary"), page)
			}
		}
	}
}

func TestAssets(t *testing.T) {
	b := newBench(t)
	src := b.get("/login").Find("script[src]").AttrOr("src", "")
	plain := b.get(src, "Accept-Encoding", "identity")
	packed := b.get(src, "Accept-Encoding", "br, gzip")
	if plain.header.Get("Content-Type") != "text/javascript; charset=utf-8" || !strings.Contains(plain.header.Get("Cache-Control"), "immutable") {
		t.Errorf("headers of %s: %v", src, plain.header)
	}
	r, err := gzip.NewReader(strings.NewReader(packed.body))
	if err != nil || packed.header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("not gzip: %v, %v", err, packed.header)
	}
	unpacked, err := io.ReadAll(r)
	if err != nil || string(unpacked) != plain.body {
		t.Errorf("packed and plain differ: %v", err)
	}
	if len(packed.body) > 40_000 {
		t.Errorf("the script weighs %d bytes", len(packed.body))
	}
}

func TestLanguage(t *testing.T) {
	b := newBench(t)
	if got := b.get("/login", "Accept-Language", "nn-NO,en;q=0.5").text("h1"); got != "Logg inn" {
		t.Errorf("in Norwegian: %q", got)
	}
	page := b.get("/login?next=%2Fsites%2F1", "Accept-Language", "nb")
	link := page.Find(".tools a").AttrOr("href", "")
	b.stay()
	chosen := b.get(link)
	if got := chosen.header.Get("Location"); got != "/login?next=%2Fsites%2F1" {
		t.Errorf("choosing a language leads to %q", got)
	}
	if got := chosen.header.Get("Set-Cookie"); got != "lang=en; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax" {
		t.Errorf("cookie = %q", got)
	}
	if got := b.get("/login", "Accept-Language", "nb").text("h1"); got != "Log in" {
		t.Errorf("after choosing English: %q", got)
	}
	if got := b.get("//evil.example/?lang=nb").header.Get("Location"); strings.HasPrefix(got, "//") {
		t.Errorf("choosing a language leads to %q", got)
	}
}

// Viewers and admins see the same figures.
func TestRoles(t *testing.T) {
	b := newBench(t)
	one := b.addSite("One", "one.example", "UTC")
	today := calendar.DayOf(moment)
	put(t, b.store, "story", rowsOf(one, tell(1, one, today-20, today, 20, moment)))
	var bodies []string
	for _, role := range []site.Role{site.Viewer, site.Admin} {
		b.client = b.newClient()
		b.addUser(string(role), role, userPass)
		b.post("/login", credentials(string(role), userPass)).want(200)
		page := b.get("/sites/1")
		bodies = append(bodies, page.text("h1")+page.text("[id^=figure-]")+page.text("main table"))
	}
	if diff := cmp.Diff(bodies[0], bodies[1]); diff != "" || len(bodies[0]) < 500 {
		t.Errorf("of %d bytes, figures of a viewer and an admin differ:\n%s", len(bodies[0]), diff)
	}
}

func TestNewSite(t *testing.T) {
	b := newBench(t, func(o *dashboard.Options) { o.BaseURL = baseurl.MustParse("http://stats.example.org/") })
	b.logIn()
	site := b.addSite("One", "one.example", "UTC")
	site.Parameters = []string{"id", "page"}
	if err := storetest.PutSite(t.Context(), b.store, site); err != nil {
		t.Fatal(err)
	}
	page := b.get("/sites/1")
	if got, want := page.text("#snippet"), `<script defer src="http://stats.example.org/fotspor.js" data-site="1" data-parameters="id,page"></script>`; got != want {
		t.Errorf("snippet = %q, want %q", got, want)
	}
	put(t, b.store, "one", rowsOf(site, tell(1, site, calendar.DayOf(moment)-40, calendar.DayOf(moment)-20, 20, moment)))
	page = b.get("/sites/1?period=7d")
	if page.Find("#snippet").Length() != 0 || !strings.HasSuffix(page.text("h1"), ": no visitors") || page.text("#page > p") != "Nothing in this period." {
		t.Errorf("a site without visits this week says %q", page.text("main"))
	}
	if got := page.text("#figure-bounce_rate b"); got != "–" {
		t.Errorf("bounce rate without visits = %q", got)
	}
}

// A store that fails is the store's fault, and logged; the reader is told so.
func TestStoreFails(t *testing.T) {
	var lines bytes.Buffer
	registry := prometheus.NewRegistry()
	b := newBench(t, func(o *dashboard.Options) {
		o.Logger = slog.New(slog.NewJSONHandler(&lines, nil))
		o.Requests = httpmetrics.New(registry)
	})
	b.logIn()
	b.get("/sites/1").want(404)
	lines.Reset()
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/sites/1", "/login"} {
		a := b.get(path)
		a.want(http.StatusServiceUnavailable)
		if got := a.text(".card p"); !strings.HasPrefix(got, "The figures can't be read right now.") {
			t.Errorf("%s says %q", path, got)
		}
	}
	var entry struct{ Level, Component, Handler, Error string }
	line, _, _ := strings.Cut(lines.String(), "\n")
	if err := json.Unmarshal([]byte(line), &entry); err != nil {
		t.Fatal(err)
	}
	if entry.Level != "ERROR" || entry.Component != "dashboard" || entry.Handler != "/" || entry.Error == "" {
		t.Errorf("logged %s", line)
	}
	if strings.Contains(lines.String(), "127.0.0.1") {
		t.Errorf("an address is in the log: %s", lines.String())
	}
	if got, err := testutil.GatherAndCount(registry, "fotspor_http_request_duration_seconds"); got != 6 || err != nil { // two of the log-in, and those above
		t.Errorf("%d pairs of handler and code are measured, want 6, %v", got, err)
	}
}

// A client that goes away is nobody's fault.
func TestClientLeaves(t *testing.T) {
	var lines bytes.Buffer
	b := newBench(t, func(o *dashboard.Options) { o.Logger = slog.New(slog.NewTextHandler(&lines, nil)) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, "POST", "/login", strings.NewReader(credentials("x", "y").Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	routes(b.dashboard).ServeHTTP(w, r)
	if lines.Len() > 0 || w.Body.Len() > 0 {
		t.Errorf("logged %q and answered %q", lines.String(), w.Body.String())
	}
}

// The collector's routes stand on the same mux.
func TestRoutesBesideOthers(t *testing.T) {
	b := newBench(t)
	mux := http.NewServeMux()
	for _, pattern := range []string{
		"/pixel.gif", "GET /pixel.gif/x", "/matomo.php", "POST /piwik.php", "GET /fotspor.js", "GET /matomo.js",
		"GET /privacy/{site}", "GET /privacy/{site}/what", "GET /demo", "/demo/",
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	}
	b.dashboard.Routes(mux)
	for path, want := range map[string]int{"/pixel.gif": 418, "/matomo.php": 418, "/privacy/1": 418, "/demo": 418, "/login": 200, "/x": 404} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != want {
			t.Errorf("%s = %d, want %d", path, w.Code, want)
		}
	}
}

func TestOptions(t *testing.T) {
	if _, err := dashboard.New(dashboard.Options{}); err == nil {
		t.Error("a dashboard without a store")
	}
}

// someExcluded are 3 hits of a search engine and one each of others.
func someExcluded(site site.Site) []hit.LedgerEntry {
	day := calendar.DayOf(moment.In(site.Location))
	return []hit.LedgerEntry{
		{Site: site.ID, Day: day, Reason: "bot", Rule: "crawler", Name: "Googlebot", Count: 2},
		{Site: site.ID, Day: day, Reason: "prefetch", Count: 1},
		{Site: site.ID, Day: day, Reason: "bot", Rule: "crawler", Name: "Googlebot", Count: 1},
		{Site: site.ID, Day: day, Reason: "bot", Rule: "crawler", Name: "<Zorblax>", Count: 1},
		{Site: site.ID, Day: day, Reason: "foreign_host", Name: "kopi.example", Count: 1},
	}
}

// TestEveryRuleHasAName: each rule that excludes a hit is said in words.
func TestEveryRuleHasAName(t *testing.T) {
	for _, l := range i18n.All() {
		for _, rule := range browser.Rules() {
			if l.Known("rule.", rule) == rule {
				t.Errorf("%s: rule %q has no name", l.Tag, rule)
			}
		}
		for _, reason := range append(hit.LedgerReasons, "too_old", "no_page", "own_link", "no_target") {
			if l.Known("reason.", reason) == reason {
				t.Errorf("%s: reason %q has no name", l.Tag, reason)
			}
		}
	}
}

// TestObjectionsTold: a dashboard under a policy that counts objections does not say that visitors
// who object are in no figure.
func TestObjectionsTold(t *testing.T) {
	b := newBench(t, func(o *dashboard.Options) { o.CountsObjections = func() bool { return true } })
	b.logIn()
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	put(t, b.store, "yesterday", rowsOf(site, tell(5, site, calendar.DayOf(moment)-1, calendar.DayOf(moment)-1, 6, moment)))
	for language, want := range map[string]string{"nb": "er med, for personvernreglene", "nn": "er med, for personvernreglane", "en": "are among them, because the privacy rules"} {
		got := clean(b.get("/sites/1/counting?period=today", "Accept-Language", language).Find("#objections").Text())
		if !strings.Contains(got, want) {
			t.Errorf("%s: of objections the page says %q", language, got)
		}
	}
}

// TestExcluded: staff see what was not counted, also where nothing else was.
func TestExcluded(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	put(t, b.store, "yesterday", rowsOf(site, tell(5, site, calendar.DayOf(moment)-1, calendar.DayOf(moment)-1, 6, moment)))
	if n := b.get("/sites/1/counting?period=today").Find("#excluded table").Length(); n != 0 {
		t.Error("there is a table of nothing")
	}
	// An objection is no program, and has its own line, also where there is none.
	line := func() string {
		return strings.ReplaceAll(clean(b.get("/sites/1/counting?period=today", "Accept-Language", "nb").Find("#objections").Text()), "\u00a0", " ")
	}
	if got := line(); !strings.Contains(got, "protesterer: 0.") || !strings.Contains(got, "sender ingenting") {
		t.Errorf("of objections the page says %q", got)
	}
	objections := hit.LedgerEntry{Site: site.ID, Day: calendar.DayOf(moment.In(site.Location)), Reason: hit.Objection, Count: 2}
	putLedger(t, b.store, "objections", []hit.LedgerEntry{objections})
	if got := line(); !strings.Contains(got, "protesterer: 2.") {
		t.Errorf("of two objections the page says %q", got)
	}
	putLedger(t, b.store, "excluded", someExcluded(site))
	page := b.get("/sites/1/counting?period=today", "Accept-Language", "nb")
	page.want(http.StatusOK)
	var got []string
	page.Find("#excluded tbody tr").Each(func(_ int, row *goquery.Selection) { got = append(got, clean(row.Text())) })
	want := []string{"Googlebot Søkerobot3", "<Zorblax> Søkerobot1", "kopi.example Side på et annet nettsted1", "Hentet på forhånd1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("not counted (-want +got):\n%s", diff)
	}
}

// TestOthers: a table with values that have no line of their own says what they are, in
// the language of the page.
func TestOthers(t *testing.T) {
	b := newBench(t)
	b.now = moment.Add(24 * time.Hour) // of today, single hits are counted
	b.logIn()
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	row := hit.Row{
		Site: site.ID, Time: moment.UTC(), Day: calendar.DayOf(moment.In(site.Location)), Kind: hit.Pageview, Path: "/helse/x1", EntryPath: "/",
		Channel: "website", Source: "kopi.example", Device: "mobile", Country: "NO", Pageviews: 1, Visits: 1, Visitors: 1,
	}
	for _, column := range []string{"path", "device", "country"} {
		f, _ := hit.FindField(column)
		row.Other |= 1 << f.Number
	}
	put(t, b.store, "others", []hit.Row{row})
	for tag, words := range map[string]string{"nb": "egen linje", "nn": "eiga linje", "en": "line of their own"} {
		for table, label := range map[string]string{"pages#page": "/helse/[other]", "devices#device": "[other]", "places#country": "[other]", "sources#source": "kopi.example"} {
			path, id, _ := strings.Cut(table, "#")
			got := clean(b.get("/sites/1/"+path+"?period=day", "Accept-Language", tag).Find("#" + id).Text())
			if explained := strings.Contains(got, words); !strings.Contains(got, label) || explained != (id != "source") {
				t.Errorf("%s: the table of %s says %q", tag, table, got)
			}
		}
	}
}

// TestAPI compares the JSON of a small story with golden files.
func TestAPI(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	put(t, b.store, "story", rowsOf(site, tell(5, site, calendar.DayOf(moment)-20, calendar.DayOf(moment), 6, moment)))
	putLedger(t, b.store, "excluded", someExcluded(site))
	for name, path := range map[string]string{
		"excluded":      "/api/v1/sites/1/excluded?period=today",
		"sites":         "/api/v1/sites",
		"totals":        "/api/v1/sites/1/totals?period=7d",
		"totals_today":  "/api/v1/sites/1/totals?period=today",
		"series":        "/api/v1/sites/1/series?period=range&from=2026-11-19&to=2026-11-21",
		"series_hours":  "/api/v1/sites/1/series?period=day&at=2026-11-20",
		"series_part":   "/api/v1/sites/1/series?period=week&at=2026-W47&measures=visitors&compare=none",
		"top":           "/api/v1/sites/1/top?dimension=page&limit=2",
		"top_detail":    "/api/v1/sites/1/top?dimension=version&limit=3&period=7d",
		"top_region":    "/api/v1/sites/1/top?dimension=region&limit=4&period=7d",
		"top_nothing":   "/api/v1/sites/1/top?dimension=event&period=range&from=2020-01-01&to=2020-01-02",
		"bad_dimension": "/api/v1/sites/1/top?dimension=network",
		"bad_limit":     "/api/v1/sites/1/top?dimension=page&limit=50000",
		"bad_period":    "/api/v1/sites/1/totals?period=fortnight",
		"bad_filter":    "/api/v1/sites/1/top?dimension=page&f=colour:red",
		"bad_measure":   "/api/v1/sites/1/totals?measures=visitors,fun",
		"bad_excluded":  "/api/v1/sites/1/excluded?f=country:NO",
		"once_a_day":    "/api/v1/sites/1/top?dimension=source&measures=visitors",
		"filtered":      "/api/v1/sites/1/totals?period=7d&f=source:Google",
		"list":          "/sites.json?period=7d",
		"page":          "/sites/1.json?period=range&from=2026-11-20&to=2026-11-21",
		"page_table":    "/sites/1/devices.json?period=7d&table=browser",
		"page_card":     "/sites/1/page.json?path=/om-oss&period=7d",
		"page_refused":  "/sites/1/devices.json?f=page:/om-oss&table=os",
		"page_excluded": "/sites/1/counting.json?period=today",
		"missing_path":  "/api/v2/sites",
		"missing_site":  "/api/v1/sites/2/totals",
	} {
		t.Run(name, func(t *testing.T) {
			a := b.get(path)
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, []byte(a.body), "", "\t"); err != nil {
				t.Fatal(err)
			}
			made := regexp.MustCompile(`"day": "[-0-9]+",\n(\s+"setting": "added")`) // by the clock of the store
			got := "GET " + path + "\n" + http.StatusText(a.status) + "\n" + made.ReplaceAllString(pretty.String(), "\"day\": \"*\",\n$1") + "\n"
			file := filepath.Join("testdata", "api_"+name+".golden")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	var totals struct {
		Totals struct{ Visitors, Visits, Pageviews int }
	}
	if err := json.Unmarshal([]byte(b.get("/api/v1/sites/1/totals?period=7d").body), &totals); err != nil {
		t.Fatal(err)
	}
	yesterday := calendar.DayOf(moment) - 1
	want := total(between(tell(5, site, yesterday-19, yesterday+1, 6, moment), yesterday-6, yesterday))
	if got := totals.Totals; got.Visitors != want.visitors || got.Visits != want.visits || got.Pageviews != want.pageviews {
		t.Errorf("totals = %+v, want %+v", got, want)
	}
}

// TestFirstDays: who has just begun to count sees today, and not a week of nothing.
func TestFirstDays(t *testing.T) {
	b := newBench(t)
	b.logIn()
	site := b.addSite("One", "one.example", "Europe/Oslo")
	today := calendar.DayOf(moment)
	story := tell(3, site, today, today, 6, moment)
	put(t, b.store, "story", rowsOf(site, story))
	want := nb().Number(int64(total(story).visitors))
	for path, shown := range map[string]string{
		"/sites/1": want, "/sites/1?period=today": want, "/sites/1?period=week": "–", // that was not counted
	} {
		if got := clean(b.get(path, "Accept-Language", "nb").Find("#figure-visitors b").Text()); got != shown {
			t.Errorf("%s shows %q visitors, want %q", path, got, shown)
		}
	}
}
