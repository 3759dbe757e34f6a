package collector_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/fotspor/fotspor/browser"
	"github.com/fotspor/fotspor/collector"
	"github.com/fotspor/fotspor/collector/body"
	"github.com/fotspor/fotspor/collector/script"
	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/collector/spool/spooltest"
	"github.com/fotspor/fotspor/collector/visit"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/httpmetrics"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/privacy/scrub"
	"github.com/fotspor/fotspor/referrer"
	"github.com/fotspor/fotspor/site"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// evening is on 1 July in UTC, and on 2 July in the site's time zone.
var evening = time.Date(2026, 7, 1, 22, 30, 0, 0, time.UTC)

const (
	firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0"
	safari  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
	chrome  = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
	google  = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
)

// rig is a collector with real parts, on a fake clock.
type rig struct {
	tb          testing.TB
	now         time.Time
	options     collector.Options
	sites       []site.Site
	credentials []site.Credential
	away        error             // of the store
	ledger      []hit.LedgerEntry // set by stored
	titles      []hit.PageTitle   // added to by stored
	registry    *prometheus.Registry
	mux         *http.ServeMux
	*collector.Collector
}

// newRig returns a collector for two sites. change may replace its parts.
func newRig(tb testing.TB, change func(*collector.Options)) *rig {
	tb.Helper()
	oslo, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		tb.Fatal(err)
	}
	r := &rig{
		tb: tb, now: evening, registry: prometheus.NewPedanticRegistry(), mux: http.NewServeMux(),
		sites: []site.Site{
			{
				ID: 1, Name: "Eksempel", Hosts: []string{"example.org", "butikk.example.org"}, Location: oslo,
				Parameters: []string{"sak", "side"}, Excluded: []string{"/intern/*"},
			},
			{ID: 2, Name: "Other", Hosts: []string{"www.other.example"}, Location: time.UTC, Record: privacy.Standard},
		},
		credentials: []site.Credential{{ID: "a", Hash: site.HashSecret("hemmelig"), Sites: []uint32{1}}},
	}
	logger := slog.New(slog.DiscardHandler)
	sites := collector.NewSites(r, "", logger)
	if err := sites.Refresh(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	r.options = collector.Options{
		Policy:     privacy.Default(),
		Sites:      sites,
		Browsers:   browser.New(),
		Sources:    referrer.Shipped(),
		Spam:       referrer.ShippedSpam(),
		Geo:        openGeo(tb),
		Visits:     visit.New(visit.Options{Now: r.clock}),
		Registerer: r.registry,
		Logger:     logger,
		Now:        r.clock,
	}
	if change != nil {
		change(&r.options)
	}
	if r.options.Spool == nil {
		r.options.Spool = openSpool(tb, tb.TempDir(), 0)
	}
	r.Collector = collector.New(r.options)
	r.Routes(r.mux)
	return r
}

func (r *rig) clock() time.Time { return r.now }

// The rig is the directory of its collector.
func (r *rig) Sites(context.Context) ([]site.Site, error)             { return r.sites, r.away }
func (r *rig) Credentials(context.Context) ([]site.Credential, error) { return r.credentials, nil }

func openSpool(tb testing.TB, dir string, maxBytes int64) *spool.Spool {
	tb.Helper()
	s, err := spool.Open(dir, spool.Options{MaxBytes: maxBytes})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

func openGeo(tb testing.TB, files ...string) *geo.DB {
	tb.Helper()
	db, err := geo.Open(files, geo.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return db
}

// testdata returns the path of one of MaxMind's test databases, which are not
// part of the project.
func testdata(tb testing.TB, name string) string {
	tb.Helper()
	path := filepath.Join("..", "..", "shared", "data", "geoip", name)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("SKIPPED, third-party test data not here: %v", err)
	}
	return path
}

// request is what a test sends: a GET without a method, or a POST if it has a body.
// Headers come on top of those of an ordinary browser; "" takes one of these away.
type request struct {
	method, target, body string
	from                 string // address and port of the connection
	header               map[string]string
}

func (q request) make() *http.Request {
	method := q.method
	if method == "" {
		method = http.MethodGet
		if q.body != "" {
			method = http.MethodPost
		}
	}
	r := httptest.NewRequest(method, q.target, strings.NewReader(q.body))
	r.RemoteAddr = "203.0.113.77:50000"
	if q.from != "" {
		r.RemoteAddr = q.from
	}
	header := map[string]string{"User-Agent": firefox, "Accept-Language": "nb-NO,nb;q=0.9,en;q=0.5"}
	maps.Copy(header, q.header)
	for name, value := range header {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	return r
}

func (r *rig) send(q request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r.mux.ServeHTTP(w, q.make())
	return w
}

// view sends a page view to site 1 and checks that it is acknowledged.
func (r *rig) view(url string) {
	r.tb.Helper()
	if w := r.send(request{target: "/pixel.gif?site=1&url=" + url}); w.Code != http.StatusOK {
		r.tb.Fatalf("view of %s: status %d, %s", url, w.Code, w.Header().Get("X-Fotspor"))
	}
}

// stored removes and returns the rows in the spool, and adds its ledger entries to ledger and
// its titles to titles.
func (r *rig) stored() []hit.Row {
	r.tb.Helper()
	var rows []hit.Row
	err := r.options.Spool.Flush(context.WithoutCancel(r.tb.Context()), spooltest.Whole(func(_ context.Context, batch hit.Batch, _ string) error {
		rows = append(rows, batch.Rows...)
		r.ledger = append(r.ledger, batch.Ledger...)
		r.titles = append(r.titles, batch.Titles...)
		return nil
	}))
	if err != nil {
		r.tb.Fatal(err)
	}
	return rows
}

// counts returns the counters that are not 0, by the value of their label, or by name if they
// have none.
func (r *rig) counts() map[string]int {
	r.tb.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		r.tb.Fatal(err)
	}
	counts := map[string]int{}
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "fotspor_hits_") {
			continue
		}
		for _, m := range family.Metric {
			name := strings.TrimSuffix(strings.TrimPrefix(family.GetName(), "fotspor_hits_"), "_total")
			for _, label := range m.Label {
				name = label.GetValue()
			}
			if n := int(m.GetCounter().GetValue()); n > 0 {
				counts[name] = n
			}
		}
	}
	return counts
}

func TestSteps(t *testing.T) {
	want := []string{"site", "objection", "url", "rules", "scrub", "browser", "page", "network", "referrer", "geo", "others", "lines", "goals", "visit", "policy", "conversions", "lines of actions", "title"}
	if diff := cmp.Diff(want, collector.Steps()); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// TestMetrics compares the text that Prometheus reads: every label value is there with value
// zero before the first hit.
func TestMetrics(t *testing.T) {
	r := newRig(t, nil)
	want := func(counts map[string]int) {
		t.Helper()
		text := "# HELP fotspor_hits_accepted_total Hits whose rows are in the spool on disk and that are acknowledged.\n" +
			"# TYPE fotspor_hits_accepted_total counter\n" +
			fmt.Sprintf("fotspor_hits_accepted_total %d\n", counts["accepted"]) +
			"# HELP fotspor_hits_dropped_total Hits excluded, by reason.\n" +
			"# TYPE fotspor_hits_dropped_total counter\n"
		for _, reason := range []string{
			"bad_item", "bad_request", "body_memory", "body_slow", "body_too_large", "bot", "excluded_network", "excluded_path", "foreign_host", "no_page", "no_target", "no_visit", "objection", "own_link",
			"prefetch", "rate_limited", "referrer_spam", "spool_full", "too_old", "unknown_site",
		} {
			text += fmt.Sprintf("fotspor_hits_dropped_total{reason=%q} %d\n", reason, counts[reason])
		}
		text += "# HELP fotspor_hits_received_total Hits read from requests, by wire format.\n" +
			"# TYPE fotspor_hits_received_total counter\n" +
			fmt.Sprintf("fotspor_hits_received_total{dialect=\"matomo\"} %d\n", counts["matomo"]) +
			fmt.Sprintf("fotspor_hits_received_total{dialect=\"pixel\"} %d\n", counts["pixel"])
		if err := testutil.GatherAndCompare(r.registry, strings.NewReader(text), "fotspor_hits_accepted_total", "fotspor_hits_dropped_total", "fotspor_hits_received_total"); err != nil {
			t.Error(err)
		}
	}
	want(nil)
	for _, q := range []request{
		{target: "/pixel.gif?site=1&url=/"},
		{target: "/pixel.gif?site=1"},
		{target: "/pixel.gif?site=7&url=/"},
		{target: "/pixel.gif?site=seven"},
		{target: "/pixel.gif?site=1&url=/", header: map[string]string{"User-Agent": google}},
		{target: "/pixel.gif?site=1&url=/", header: map[string]string{"Sec-Gpc": "1"}},
		{target: "/matomo.php?idsite=1&rec=1&ping=1&url=/", header: map[string]string{"User-Agent": safari}},
		{target: "/matomo.php", body: `{"requests":["?idsite=1&rec=1&url=/a","?idsite=1&rec=1&url=/b","?idsite=9&rec=1&url=/c"]}`},
	} {
		r.send(q)
	}
	want(map[string]int{
		"pixel": 5, "matomo": 4, "accepted": 3,
		"bad_request": 1, "bot": 1, "no_page": 1, "no_visit": 1, "objection": 1, "unknown_site": 2,
	})
}

// TestWhatWasFound: bots are counted by rule, objections by how somebody objects, and marks by
// kind, each from zero.
func TestWhatWasFound(t *testing.T) {
	r := newRig(t, nil)
	counted := func() map[string]float64 {
		t.Helper()
		families, err := r.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		all, zeros := map[string]float64{}, map[string]int{}
		for _, family := range families {
			name := strings.TrimSuffix(strings.TrimPrefix(family.GetName(), "fotspor_"), "_total")
			if !slices.Contains([]string{"bots", "objections", "scrubs"}, name) {
				continue
			}
			for _, m := range family.Metric {
				zeros[name]++
				if n := m.GetCounter().GetValue(); n > 0 {
					all[name+" "+m.Label[0].GetValue()] = n
				}
			}
		}
		if diff := cmp.Diff(map[string]int{"bots": len(browser.Rules()), "objections": 2, "scrubs": len(scrub.Kinds())}, zeros); diff != "" {
			t.Errorf("series of metrics (-want +got):\n%s", diff)
		}
		return all
	}
	if got := counted(); len(got) > 0 {
		t.Errorf("before the first hit %v are counted", got)
	}
	for _, q := range []request{
		{target: "/pixel.gif?site=1&url=/", header: map[string]string{"User-Agent": google}},
		{target: "/pixel.gif?site=1&url=/", header: map[string]string{"User-Agent": "curl/8.5.0"}},
		{target: "/pixel.gif?site=1&url=/", header: map[string]string{"User-Agent": "curl/8.5.0"}},
		{target: "/pixel.gif?site=1&url=/", header: map[string]string{"Sec-Gpc": "1"}},
		{target: "/pixel.gif?site=1&url=/", header: map[string]string{"Cookie": "fotspor_optout=1"}},
		{target: "/pixel.gif?site=1&url=/kari@example.com/ola@example.com/198.51.100.7"},
		{target: "/pixel.gif?site=1&url=/[email]"}, // no mark of ours
	} {
		r.send(q)
	}
	got := counted()
	delete(got, "objections choice") // whichever way the pixel learns of it, see package optout
	want := map[string]float64{"bots crawler": 1, "bots library": 2, "objections browser": 1, "scrubs email": 2, "scrubs ip": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}

// TestStepsAreTimed: of many hits some are timed, each step once a hit.
func TestStepsAreTimed(t *testing.T) {
	r := newRig(t, nil)
	for range 40 {
		r.send(request{target: "/matomo.php", body: `{"requests":[` + strings.Repeat(`"?idsite=1&rec=1&url=/a",`, 49) + `"?idsite=1&rec=1&url=/b"]}`})
	}
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var timed float64
	took := map[string]bool{}
	for _, family := range families {
		for _, m := range family.Metric {
			switch family.GetName() {
			case "fotspor_pipeline_timed_hits_total":
				timed = m.GetCounter().GetValue()
			case "fotspor_pipeline_step_seconds_total":
				took[m.Label[0].GetValue()] = m.GetCounter().GetValue() > 0
			}
		}
	}
	if timed < 5 || timed > 200 { // of 2,000; 31 on average
		t.Errorf("%v of 2,000 hits were timed", timed)
	}
	for _, step := range collector.Steps() {
		if !took[strings.ReplaceAll(step, " ", "_")] {
			t.Errorf("step %s took no time", step)
		}
	}
}

// TestDuration: requests are timed by handler and status, of which there are few.
func TestDuration(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	r := newRig(t, func(o *collector.Options) { o.Requests = httpmetrics.New(registry) })
	for _, target := range []string{
		"/pixel.gif?site=1&url=/", "/pixel.gif", "/matomo.php?idsite=1&rec=1&url=/&send_image=0", "/fotspor.js", "/matomo.js", "/piwik.js", "/privacy/1", "/privacy/8",
	} {
		r.send(request{target: target})
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, family := range families {
		if family.GetName() != "fotspor_http_request_duration_seconds" {
			continue
		}
		for _, m := range family.Metric {
			if m.GetHistogram().GetSampleCount() == 0 { // made before the first request
				continue
			}
			got = append(got, fmt.Sprintf("%s %s %d", m.Label[1].GetValue(), m.Label[0].GetValue(), m.GetHistogram().GetSampleCount()))
		}
	}
	slices.Sort(got)
	if i := slices.Index(got, "script 500 3"); i >= 0 { // built without the scripts
		got[i] = "script 200 3"
	}
	want := []string{"matomo 204 1", "pixel 200 1", "pixel 400 1", "privacy 200 1", "privacy 404 1", "script 200 3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("handler, code, requests (-want +got):\n%s", diff)
	}
}

// TestNoMemoryForBody: a request without memory for its body is answered in the form of its
// dialect, with Retry-After, and counted. Hits without a body are not affected.
func TestNoMemoryForBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bodies := body.New(body.Options{Bytes: body.LeastBytes})
		r := newRig(t, func(o *collector.Options) { o.Bodies = bodies })
		other := request{target: "/", body: strings.Repeat("a", collector.MaxBody*9/10)}.make()
		held, err := bodies.Read(httptest.NewRecorder(), other, hit.NewAddr(netip.MustParseAddr("198.51.100.1")), collector.MaxBody)
		if err != nil {
			t.Fatal(err)
		}
		large := request{target: "/matomo.php", body: `{"requests":["?idsite=1&rec=1&url=/` + strings.Repeat("a", collector.MaxBody/2) + `"]}`}
		w := r.send(large)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || w.Header().Get("X-Fotspor") != "dropped: body memory" ||
			w.Header().Get("Access-Control-Allow-Origin") == "" || w.Header().Get("Connection") != "close" {
			t.Errorf("status %d, header %v", w.Code, w.Header())
		}
		for _, q := range []request{{target: "/pixel.gif?site=1&url=/"}, {target: "/matomo.php", body: "idsite=1&rec=1&url=/"}} {
			if w := r.send(q); w.Code != http.StatusOK {
				t.Errorf("%s: status %d", q.target, w.Code)
			}
		}
		held.Close()
		if w := r.send(large); w.Code != http.StatusOK {
			t.Errorf("when there is memory: status %d, %s", w.Code, w.Body)
		}
		if got := r.counts()["body_memory"]; got != 1 {
			t.Errorf("%d are counted, want 1", got)
		}
	})
}

// TestScriptAliases: Matomo's other paths of its script serve our script, and accept hits in
// a query or a POST.
func TestScriptAliases(t *testing.T) {
	for _, path := range []string{"/matomo.js", "/piwik.js", "/js/matomo.js", "/js/piwik.js", "/js/piwik.min.js"} {
		r := newRig(t, nil)
		for _, query := range []string{"", "?v=1", "?idsite=1&rec=1&url=/a"} { // to get round caches
			if w := r.send(request{target: path + query}); !strings.HasPrefix(w.Header().Get("Content-Type"), "text/javascript") && script.Check() == nil {
				t.Errorf("GET %s%s is %s", path, query, w.Header().Get("Content-Type"))
			}
		}
		if n := len(r.stored()); n != 0 {
			t.Errorf("%s took %d hits", path, n)
		}
	}
	for _, path := range []string{"/js/", "/js/index.php", "/js/tracker.php"} {
		r := newRig(t, nil)
		if w := r.send(request{target: path}); !strings.HasPrefix(w.Header().Get("Content-Type"), "text/javascript") && script.Check() == nil {
			t.Errorf("GET %s is %s", path, w.Header().Get("Content-Type"))
		}
		r.send(request{target: path + "?idsite=1&rec=1&url=/a"})
		r.send(request{target: path, body: "idsite=1&rec=1&url=/a"})
		r.send(request{method: "POST", target: path + "?idsite=1&rec=1&url=/a"})
		if n := len(r.stored()); n != 3 {
			t.Errorf("%s took %d hits of 3", path, n)
		}
	}
	r := newRig(t, nil)
	r.send(request{target: "/", body: "idsite=1&rec=1&url=/a"})
	if n := len(r.stored()); n != 1 {
		t.Errorf("POST / took %d hits of 1", n)
	}
}

// TestSpoolBroken: errors of the spool are in the log, and in the answer to the sender.
func TestSpoolBroken(t *testing.T) {
	var log bytes.Buffer
	r := newRig(t, func(o *collector.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	if err := r.options.Spool.Close(); err != nil {
		t.Fatal(err)
	}
	w := r.send(request{target: "/pixel.gif?site=1&url=/hemmelig"})
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("status %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	if !strings.Contains(log.String(), "could not be spooled") || strings.Contains(log.String(), "hemmelig") {
		t.Errorf("log:\n%s", log.String())
	}
	if diff := cmp.Diff(map[string]int{"pixel": 1, "spool_full": 1}, r.counts()); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

// TestBusy: every busy path has a route of the collector, and no other path is busy.
func TestBusy(t *testing.T) {
	r := newRig(t, nil)
	for path, busy := range map[string]bool{
		"/pixel.gif": true, "/matomo.php": true, "/piwik.php": true, "/fotspor.js": true, "/matomo.js": true, "/piwik.js": true,
		"/js/": true, "/js/index.php": true, "/js/tracker.php": true, "/js/matomo.js": true, "/js/piwik.js": true, "/js/piwik.min.js": true,
		"/privacy/1": false, "/pixel.gif/": false, "/": false, "": false, "/js": false, "/js/other": false, "/js/container_Ab12.js": false,
	} {
		if got := collector.Busy(path); got != busy {
			t.Errorf("Busy(%q) = %v, want %v", path, got, busy)
		}
		if _, pattern := r.mux.Handler(httptest.NewRequest("GET", "http://a"+path, nil)); busy && !strings.HasSuffix(strings.TrimSuffix(pattern, "{$}"), " "+path) {
			t.Errorf("%s is busy, and its route is %q", path, pattern)
		}
	}
}

// TestNothingOfARequestIsHeld: data that outlive a request, such as the last page of a
// visitor, are copies. A server may read a request into one large string, which parts of it
// would keep in memory.
func TestNothingOfARequestIsHeld(t *testing.T) {
	const requests, size = 1500, 64 << 10
	held := func() uint64 {
		runtime.GC()
		runtime.GC() // empties the pools
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	r := newRig(t, nil)
	before := held()
	for i := range requests {
		page := fmt.Sprintf("https://example.org/%d/?utm_campaign=c%d", i, i)
		ref := fmt.Sprintf("https://www%d.example.net/", i)
		agent := fmt.Sprintf("%s Build/%d", firefox, i)
		text := strings.Join([]string{"site=1&url=" + page + "&ref=" + ref, agent, "nb", strings.Repeat(" ", size)}, "\n")
		parts := strings.Split(text, "\n")
		q := request{target: "/pixel.gif"}.make()
		q.URL.RawQuery = parts[0]
		q.Header["User-Agent"], q.Header["Accept-Language"] = parts[1:2], parts[2:3]
		w := httptest.NewRecorder()
		if r.mux.ServeHTTP(w, q); w.Header().Get("X-Fotspor") != "recorded" {
			t.Fatalf("status %d, %s", w.Code, w.Header().Get("X-Fotspor"))
		}
	}
	if after := held(); after > before+requests*size/4 {
		t.Errorf("%d kB are held after %d requests of %d kB", (after-before)>>10, requests, size>>10)
	} else {
		t.Logf("%d bytes a request", (int64(after)-int64(before))/requests)
	}
	runtime.KeepAlive(r)
}
