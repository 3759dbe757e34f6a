package app_test

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
)

// agent is a browser as the test knows it, independently of package browser.
type agent struct{ header, browser, version, os, device string }

var agents = []agent{
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/153.0.0.0 Safari/537.36", "Chrome", "153", "Windows", "desktop"},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/152.0.0.0 Safari/537.36", "Chrome", "152", "Windows", "desktop"},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/153.0.0.0 Safari/537.36 Edg/153.0.0.0", "Edge", "153", "Windows", "desktop"},
	{"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox", "145", "Linux", "desktop"},
	{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15", "Safari", "26", "macOS", "desktop"},
	{"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1", "Safari", "26", "iOS", "mobile"},
	{"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36", "Samsung Internet", "29", "Android", "mobile"},
}

// origin is a referrer as the test knows it.
type origin struct{ ref, channel, source string }

var origins = []origin{
	{"", "direct", ""},
	{"https://www.google.no/", "search", "Google"},
	{"https://duckduckgo.com/", "search", "DuckDuckGo"},
	{"https://www.facebook.com/groups/1", "social", "Facebook"},
	{"https://nyheter.example.net/sak/1", "website", "nyheter.example.net"},
}

var paths = []string{"/", "/om-oss", "/nyheter/2026/blåbær", "/kontakt", "/tjenester/søk", "/personvern"}

// visitor is a visitor, with all that the test remembers of them.
type visitor struct {
	addr  netip.Addr
	agent agent

	day          calendar.Day
	last         time.Time
	seen         map[string]bool
	interactions int
	origin       origin
	entry        string
}

// traffic is the test's own account: the expected sums of every figure, by day, dimension and
// value.
type traffic map[calendar.Day]map[[3]string]*sums

type sums struct{ Visitors, Visits, Pageviews, Bounces, Seconds int64 }

func (tr traffic) add(day calendar.Day, s sums, keys ...[3]string) {
	if tr[day] == nil {
		tr[day] = map[[3]string]*sums{}
	}
	for _, k := range keys {
		at := tr[day][k]
		if at == nil {
			at = new(sums)
			tr[day][k] = at
		}
		at.plus(s)
	}
}

func (s *sums) plus(o sums) {
	s.Visitors += o.Visitors
	s.Visits += o.Visits
	s.Pageviews += o.Pageviews
	s.Bounces += o.Bounces
	s.Seconds += o.Seconds
}

// over adds up days, by dimension and value.
func (tr traffic) over(from, to calendar.Day) map[[3]string]sums {
	all := map[[3]string]sums{}
	for day := from; day <= to; day++ {
		for k, s := range tr[day] {
			a := all[k]
			a.plus(*s)
			all[k] = a
		}
	}
	return all
}

// networks are of Norwegian and other providers, to draw visitors from.
var networks = []string{
	"84.208.0.0/13", "88.88.0.0/13", "193.212.0.0/14", "129.240.0.0/15", "158.36.0.0/14",
	"81.224.0.0/12", "80.160.0.0/13", "2001:700::/32", "2001:4641::/32", "2a02:2120::/27",
}

// draw returns an address of a network with no zero byte, as a real host has.
func draw(rng *rand.Rand, network string) netip.Addr {
	prefix := netip.MustParsePrefix(network)
	b := prefix.Addr().AsSlice()
	for i := range b {
		keep := max(0, min(8, prefix.Bits()-8*i))
		mask := byte(0xff) >> keep
		b[i] = b[i]&^mask | byte(1+rng.IntN(254))&mask
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// TestMainJob is the main job, end to end: 2,000 hits of 50 visitors over five
// days through pixel and Matomo's wire, and every figure, metric and file held to
// an account that the test keeps itself.
func TestMainJob(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	zone, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		t.Fatal(err)
	}
	// The clock goes back at three o'clock of the third day.
	begin := time.Date(2026, 10, 23, 6, 0, 0, 0, zone)
	places, err := geo.Open(geo.Find(), geo.Options{})
	if err != nil {
		t.Fatal(err)
	}

	// An address of 4 bytes is found in a file by chance once in a while, but not
	// the same one again in another run.
	var coincidences []netip.Addr
	for run := range 3 {
		found := mainJob(t, begin, zone, places)
		if run == 0 {
			coincidences = found
		}
		coincidences = slices.DeleteFunc(coincidences, func(a netip.Addr) bool { return !slices.Contains(found, a) })
		if len(coincidences) == 0 {
			return
		}
		t.Logf("4 bytes that may be %d addresses are on disk; once more, to tell chance from leak", len(coincidences))
	}
	t.Errorf("%d addresses are on disk, run after run", len(coincidences))
}

func mainJob(t *testing.T, begin time.Time, zone *time.Location, places *geo.DB) (suspects []netip.Addr) {
	rng := rand.New(rand.NewPCG(1, 2))
	p := start(t, begin, func(o *app.Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	addSite := []string{"site", "add", "--data", p.opts.Data, "--host", "example.org", "--timezone", "Europe/Oslo", "--quiet", "--guard", "0"}
	if out, errs, status := command(t, "", addSite...); out != "1\n" || status != 0 {
		t.Fatalf("site add printed %q, %q, status %d", out, errs, status)
	}
	p.awaitSite(1)

	account, chance, seen := traffic{}, map[netip.Addr]bool{}, titled{}
	var rows, dropped int64
	visitors := make([]*visitor, 50)
	for i := range visitors {
		visitors[i] = &visitor{addr: draw(rng, networks[i%len(networks)]), agent: agents[i%len(agents)]}
	}
	at := begin
	for i := range 2000 {
		// Five days of hits, denser by day; now and then a pause that ends visits.
		at = at.Add(time.Duration(rng.ExpFloat64() * float64(5*24*time.Hour) / 2000)).Truncate(time.Second)
		p.setClock(at)
		if i == 1000 {
			p.scan("under way", visitors, chance)
		}
		v := visitors[rng.IntN(len(visitors))]
		if rng.IntN(3) > 0 {
			v = visitors[i/40%len(visitors)] // somebody who reads several pages
		}
		h := sent{
			addr: v.addr, agent: v.agent.header,
			page: paths[int(math.Abs(rng.NormFloat64()*1.5))%len(paths)],
			ref:  origins[rng.IntN(len(origins))],
			form: rng.IntN(4),
		}
		h.title = "Siden " + h.page
		if rng.IntN(4) == 0 {
			h.title = fmt.Sprintf("Innlogget som nr. %d", rng.IntN(len(visitors)))
		}
		switch rng.IntN(25) {
		case 0:
			h.header = "Sec-Gpc"
		case 1:
			h.header = "Dnt"
		case 2:
			h.agent = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
		}
		told := p.send(h)
		if h.header != "" || h.agent != v.agent.header {
			dropped++
			if !strings.HasPrefix(told, "dropped: ") {
				t.Fatalf("hit %d that objects or is a bot: %q", i, told)
			}
			continue
		}
		if told != "recorded" {
			t.Fatalf("hit %d: %q", i, told)
		}
		rows++
		account.note(v, h, at, zone, places)
		seen.note(v, h, at, zone)
	}
	if dropped < 100 || rows < 1500 {
		t.Fatalf("%d rows, %d dropped: the test tests nothing", rows, dropped)
	}
	p.awaitStored(rows)
	p.checkMetrics(rows, dropped)
	p.checkStored(account, rows)
	p.setUp()
	p.checkDashboard(account, at.In(zone), []string{"page", "entry", "source", "region", "version", "os", "device"}, p.checkPage)
	p.checkTitles(seen)
	return p.checkNoAddress(visitors, chance)
}

// sent is one hit as it goes over the wire.
type sent struct {
	addr   netip.Addr
	agent  string
	page   string
	ref    origin
	form   int
	title  string
	header string // set to 1: an objection
	// action are parameters of Matomo's that make the hit something else than a page view.
	action url.Values
}

// send sends a hit in one of the forms that trackers use, and returns what the
// collector said of it.
func (p *program) send(h sent) string {
	p.t.Helper()
	page := "https://example.org" + (&url.URL{Path: h.page}).EscapedPath() + "?kunde=4711"
	if h.ref.channel == "campaign" {
		page += "&" + url.Values{"utm_campaign": {h.ref.source}}.Encode()
	}
	matomo := url.Values{"idsite": {"1"}, "rec": {"1"}, "url": {page}, "urlref": {h.ref.ref}, "action_name": {h.title}, "rand": {"1"}, "_id": {"8b2c52af5f20dea4"}}
	maps.Copy(matomo, h.action)
	var r *http.Request
	var err error
	switch h.form {
	case 0:
		r, err = http.NewRequest("GET", p.public+"/pixel.gif?"+url.Values{"site": {"1"}, "url": {page}, "ref": {h.ref.ref}, "title": {h.title}}.Encode(), nil)
	case 1:
		r, err = http.NewRequest("GET", p.public+"/matomo.php?"+matomo.Encode(), nil)
	case 2:
		matomo.Set("send_image", "0")
		r, err = http.NewRequest("POST", p.public+"/piwik.php?"+matomo.Encode(), nil)
	case 3:
		r, err = http.NewRequest("POST", p.public+"/matomo.php", strings.NewReader(matomo.Encode()))
		if err == nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	}
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("User-Agent", h.agent)
	r.Header.Set("Accept-Language", "nb-NO,nb;q=0.9,en;q=0.8")
	r.Header.Set("X-Forwarded-For", "10.9.8.7, "+h.addr.String())
	if h.header != "" {
		r.Header.Set(h.header, "1")
	}
	resp, err := p.client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	wantStatus, wantBytes := http.StatusOK, 43
	if h.form == 2 {
		wantStatus, wantBytes = http.StatusNoContent, 0
	}
	if resp.StatusCode != wantStatus || len(body) != wantBytes {
		p.t.Fatalf("%s %s = %s with %d bytes, want %d with %d", r.Method, r.URL.Path, resp.Status, len(body), wantStatus, wantBytes)
	}
	return resp.Header.Get("X-Fotspor")
}

// note enters a hit into the account, by the rules as they are promised.
func (tr traffic) note(v *visitor, h sent, at time.Time, zone *time.Location, places *geo.DB) {
	day := calendar.DayOf(at.In(zone))
	var s, page sums
	if h.action == nil {
		s.Pageviews, page.Pageviews = 1, 1
	}
	if v.day != day {
		*v = visitor{addr: v.addr, agent: v.agent, day: day, seen: map[string]bool{}}
		s.Visitors = 1
	}
	elsewhere := h.ref.channel != "direct" && h.ref != v.origin // another source from outside
	if v.interactions == 0 || elsewhere || at.Sub(v.last) > 30*time.Minute {
		s.Visits = 1
		v.interactions, v.origin, v.entry = 0, h.ref, h.page
	} else {
		s.Seconds = int64(at.Sub(v.last) / time.Second)
	}
	v.interactions++
	switch v.interactions {
	case 1:
		s.Bounces = 1
	case 2:
		s.Bounces = -1
	}
	if !v.seen[h.page] && h.action == nil {
		v.seen[h.page] = true
		page.Visitors = 1
	}
	v.last = at
	place := places.Lookup(hit.NewAddr(v.addr))
	tr.add(day, s,
		[3]string{"total"}, [3]string{"clock", at.In(zone).Format(time.TimeOnly)}, [3]string{"entry", v.entry},
		[3]string{"source", v.origin.channel, v.origin.source},
		[3]string{"region", place.Country, place.Region},
		[3]string{"version", v.agent.browser, v.agent.version},
		[3]string{"os", v.agent.os}, [3]string{"device", v.agent.device}, [3]string{"language", "nb"},
	)
	// Of a page only its views and who saw it are told.
	tr.add(day, page, [3]string{"page", h.page})
}

// titled is who has seen a title, by day and page.
type titled map[titledPage]map[netip.Addr]bool

type titledPage struct {
	day         calendar.Day
	path, title string
}

func (s titled) note(v *visitor, h sent, at time.Time, zone *time.Location) {
	page := titledPage{calendar.DayOf(at.In(zone)), h.page, h.title}
	if s[page] == nil {
		s[page] = map[netip.Addr]bool{}
	}
	s[page][v.addr] = true
}

// checkTitles: a title is kept if five visitors of a day have seen it at its page, and the
// dashboard shows it there.
func (p *program) checkTitles(seen titled) {
	p.t.Helper()
	out, errs, status := command(p.t, "", "query", "--data", p.opts.Data, "SELECT path, title, toInt32(day), visitors FROM titles")
	if status != 0 {
		p.t.Fatal(errs)
	}
	kept := map[string]string{}
	for line := range strings.Lines(out) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		day, _ := strconv.Atoi(fields[2])
		visitors, _ := strconv.Atoi(fields[3])
		if n := len(seen[titledPage{calendar.Day(day), fields[0], fields[1]}]); visitors < 5 || n < visitors {
			p.t.Errorf("%q is kept, which %d visitors saw", fields, n)
		}
		kept[fields[0]] = fields[1]
	}
	var pages struct {
		Lines []struct{ Value, Title string }
	}
	p.api("top?dimension=page&period=7d", &pages)
	common := 0
	for _, line := range pages.Lines {
		if (line.Title == "") != (kept[line.Value] == "") {
			p.t.Errorf("%s is shown as %q, and kept as %q", line.Value, line.Title, kept[line.Value])
		}
		if line.Title == "Siden "+line.Value {
			common++
		}
	}
	for page, by := range seen {
		if len(by) >= 20 && kept[page.path] == "" {
			p.t.Errorf("%q of %s, which %d visitors saw, is not kept", page.title, page.path, len(by))
		}
	}
	if common < 3 {
		p.t.Errorf("%d pages have the title that most saw: %+v", common, pages)
	}
}

// awaitSite waits until the collector knows a site.
func (p *program) awaitSite(id int) {
	p.t.Helper()
	await(p.t, "site known to the collector", func() error {
		resp, err := p.client.Get(fmt.Sprintf("%s/privacy/%d", p.public, id))
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("privacy page of site %d is %s", id, resp.Status)
		}
		return nil
	})
}

// awaitStored waits until so many rows are in the store.
func (p *program) awaitStored(rows int64) {
	p.t.Helper()
	await(p.t, "rows in the store", func() error {
		if got := p.metric("fotspor_hits_stored_total"); got != float64(rows) {
			return fmt.Errorf("%v of %d rows are stored", got, rows)
		}
		return nil
	})
}

// metric returns the value of a series of /metrics.
func (p *program) metric(series string) float64 {
	p.t.Helper()
	value, ok := metricOf(p.get(p.metrics+"/metrics"), series)
	if !ok {
		p.t.Fatalf("no metric %s", series)
	}
	return value
}

func metricOf(text, series string) (float64, bool) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			value, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			return value, err == nil
		}
	}
	return 0, false
}

func (p *program) checkMetrics(rows, dropped int64) {
	p.t.Helper()
	for series, want := range map[string]int64{
		"fotspor_hits_accepted_total":                  rows,
		"fotspor_hits_stored_total":                    rows,
		`fotspor_hits_dropped_total{reason="no_page"}`: 0,
		"fotspor_spool_segments":                       0,
		"fotspor_spool_oldest_seconds":                 0,
		"fotspor_store_insert_failures_total":          0,
		"fotspor_engine_up":                            1,
		"fotspor_retention_deleted_rows_total":         0,
		"fotspor_retention_failures_total":             0,
		`fotspor_build_info{commit="",version=""}`:     1,
	} {
		if got := p.metric(series); got != float64(want) {
			p.t.Errorf("%s = %v, want %d", series, got, want)
		}
	}
	received := p.metric(`fotspor_hits_received_total{dialect="pixel"}`) + p.metric(`fotspor_hits_received_total{dialect="matomo"}`)
	if received != 2000 {
		p.t.Errorf("received %v hits, want 2000", received)
	}
	left := p.metric(`fotspor_hits_dropped_total{reason="objection"}`) + p.metric(`fotspor_hits_dropped_total{reason="bot"}`)
	if left != float64(dropped) {
		p.t.Errorf("dropped %v hits, want %d", left, dropped)
	}
	text := p.get(p.metrics + "/metrics")
	for _, want := range []string{
		`fotspor_http_request_duration_seconds_count{code="200",handler="pixel"}`,
		"fotspor_store_insert_duration_seconds_count", "fotspor_retention_next_pass_timestamp_seconds",
		"fotspor_visitors_in_memory", "fotspor_spool_bytes",
	} {
		if !strings.Contains(text, want) {
			p.t.Errorf("/metrics has no %s", want)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		p.get(p.metrics + path)
	}
}

// checkStored holds the raw rows to the account.
func (p *program) checkStored(account traffic, rows int64) {
	p.t.Helper()
	out, errs, status := command(p.t, "", "query", "--data", p.opts.Data, "--format", "TabSeparated",
		"SELECT count(), sum(pageviews), countIf(network = '' OR network LIKE '%.%.%.%/16' AND network NOT LIKE '%.0.0/16' OR network LIKE '%:%' AND network NOT LIKE '%::/32'), countIf(path LIKE '%4711%'), uniqExact(language) FROM hits")
	want := fmt.Sprintf("%d\t%d\t0\t0\t1\n", rows, rows)
	if out != want || status != 0 {
		p.t.Errorf("raw rows = %q, %s, want %q", out, errs, want)
	}
}

// checkDashboard reads every figure of the dashboard by some dimensions, as JSON and as
// the page shows it, which page reads, and holds it to the account.
func (p *program) checkDashboard(account traffic, now time.Time, dimensions []string, page func(query string, total sums, want map[[3]string]sums)) {
	p.t.Helper()
	today := calendar.DayOf(now)
	began := slices.Min(slices.Collect(maps.Keys(account)))
	for _, span := range []struct {
		query              string
		from, to           calendar.Day
		before, lastBefore calendar.Day
	}{
		{"period=today", today, today, today - 7, today - 7},
		{"period=today&align=date", today, today, today - 1, today - 1},
		{"period=7d", today - 7, today - 1, today - 14, today - 8},
		{"period=range&from=2026-10-24&to=2026-10-25", 20750, 20751, 20743, 20744},
		{"period=range&from=2026-10-24&to=2026-10-25&align=date", 20750, 20751, 20748, 20749},
	} {
		want := account.over(span.from, span.to)
		before := account.over(span.before, span.lastBefore)[[3]string{"total"}]
		total := want[[3]string{"total"}]
		if span.from == today { // held against the other day up to the same time of the clock
			before = sums{}
			for k, s := range account[span.before] {
				if k[0] == "clock" && k[1] <= now.Format(time.TimeOnly) {
					before.plus(*s)
				}
			}
		}

		type figures struct{ Visitors, Visits, Pageviews, Bounces, Seconds int64 }
		var totals struct {
			Days   struct{ From, To string }
			Totals figures
			Before *figures `json:"totals_before"`
		}
		p.api("totals?"+span.query, &totals)
		if totals.Days.From != span.from.String() || totals.Days.To != span.to.String() {
			p.t.Errorf("%s is %s to %s, want %s to %s", span.query, totals.Days.From, totals.Days.To, span.from, span.to)
		}
		if got := sums(totals.Totals); got != total {
			p.t.Errorf("%s: totals = %+v, want %+v", span.query, got, total)
		}
		if compared := span.before >= began; compared != (totals.Before != nil) || compared && sums(*totals.Before) != before {
			p.t.Errorf("%s: totals before = %+v, want %+v: %t", span.query, totals.Before, before, compared)
		}

		for _, dimension := range dimensions {
			p.checkTop(span.query, dimension, want)
		}
		page(span.query, total, want)
	}
}

func (p *program) checkTop(query, dimension string, want map[[3]string]sums) {
	p.t.Helper()
	var top struct {
		Lines []struct {
			Value, Detail                                         string
			Visitors, Visits, Pageviews, Bounces, Seconds, Events int64
			PageVisitors                                          int64 `json:"page_visitors"`
		}
	}
	p.api("top?limit=1000&dimension="+dimension+"&"+query, &top)
	got, expected := map[[3]string]sums{}, map[[3]string]sums{}
	for _, l := range top.Lines {
		s := sums{l.Visitors, l.Visits, l.Pageviews, l.Bounces, l.Seconds}
		if dimension == "page" {
			s = sums{Visitors: l.PageVisitors, Pageviews: l.Pageviews}
		}
		if s != (sums{}) || l.Events != 0 { // else of the days before alone
			got[[3]string{dimension, l.Value, l.Detail}] = s
		}
	}
	for k, s := range want {
		if k[0] == dimension {
			if dimension == "entry" || dimension == "source" {
				s.Visitors = 0 // a visitor counts once a day, so no line of these has visitors
			}
			expected[k] = s
		}
	}
	if diff := gocmp.Diff(expected, got); diff != "" {
		p.t.Errorf("%s by %s (-want +got):\n%s", query, dimension, diff)
	}
}

func (p *program) api(path string, into any) {
	p.t.Helper()
	if err := json.Unmarshal([]byte(p.get(p.public+"/api/v1/sites/1/"+path)), into); err != nil {
		p.t.Fatalf("%s: %v", path, err)
	}
}

// checkPage reads the page as people do.
func (p *program) checkPage(query string, total sums, want map[[3]string]sums) {
	p.t.Helper()
	read := func(path string) *goquery.Document {
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(p.get(p.public + path + "?lang=en&" + query)))
		if err != nil {
			p.t.Fatal(err)
		}
		return doc
	}
	doc := read("/sites/1")
	for id, n := range map[string]int64{"visitors": total.Visitors, "visits": total.Visits, "pageviews": total.Pageviews} {
		if got := doc.Find("#figure-" + id + " b").Text(); got != grouped(n) {
			p.t.Errorf("%s: the page shows %s %q, want %q", query, id, got, grouped(n))
		}
	}
	if total.Visits > 0 {
		rate := fmt.Sprintf("%.1f%%", 100*float64(total.Bounces)/float64(total.Visits))
		if got := doc.Find("#figure-bounce_rate b").Text(); strings.ReplaceAll(got, "\u00a0", "") != rate {
			p.t.Errorf("%s: the page shows a bounce rate of %q, want %q", query, got, rate)
		}
	}
	// The page that was read most stands first, with its views.
	var pages []string
	for k := range want {
		if k[0] == "page" {
			pages = append(pages, k[1])
		}
	}
	slices.SortFunc(pages, func(a, b string) int {
		x, y := want[[3]string{"page", a}], want[[3]string{"page", b}]
		return cmp.Or(cmp.Compare(y.Pageviews, x.Pageviews), cmp.Compare(y.Visitors, x.Visitors), cmp.Compare(a, b))
	})
	text := read("/sites/1/pages").Text() + read("/sites/1/sources").Text() + read("/sites/1/devices").Text()
	for _, path := range pages {
		if !strings.Contains(text, path) {
			p.t.Errorf("%s: the pages do not name %s", query, path)
		}
	}
	for _, name := range []string{"Google", "DuckDuckGo", "Facebook", "nyheter.example.net", "Samsung Internet", "Windows", "Android"} {
		if !strings.Contains(text, name) {
			p.t.Errorf("%s: the pages do not name %s", query, name)
		}
	}
}

// grouped writes n as the English pages do.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// checkNoAddress looks once more while the program runs, and after it has stopped.
// It returns the addresses of 4 bytes that are found, which may be by chance.
func (p *program) checkNoAddress(visitors []*visitor, chance map[netip.Addr]bool) []netip.Addr {
	p.t.Helper()
	metrics, page := p.get(p.metrics+"/metrics"), p.get(p.public+"/sites/1")
	p.scan("running", visitors, chance)
	p.stop()
	p.scan("stopped", visitors, chance)
	for what, text := range map[string]string{"metrics": metrics, "page": page, "log": p.log.String(), "output": p.out.String()} {
		if text == "" {
			p.t.Errorf("no %s to look through", what)
		}
		p.look(what, []byte(text), visitors, chance)
	}
	return slices.Collect(maps.Keys(chance))
}

// scan looks through every file of the data directory.
func (p *program) scan(when string, visitors []*visitor, chance map[netip.Addr]bool) {
	p.t.Helper()
	files, size := 0, 0
	err := filepath.WalkDir(p.opts.Data, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return ignoreGone(err)
		}
		content, err := os.ReadFile(name)
		p.look(when+": "+name, content, visitors, chance)
		files, size = files+1, size+len(content)
		return ignoreGone(err)
	})
	if err != nil {
		p.t.Fatal(err)
	}
	if files < 20 {
		p.t.Fatalf("only %d files in the data directory: the test looks in the wrong place", files)
	}
	p.t.Logf("%s: looked for %d addresses in %d files of %d bytes", when, len(visitors), files, size)
}

// look reports every address that stands somewhere. Those of 4 bytes may do so by
// chance, and are only noted.
func (p *program) look(where string, content []byte, visitors []*visitor, chance map[netip.Addr]bool) {
	p.t.Helper()
	for _, v := range visitors {
		for form, certain := range addressForms(v.addr) {
			if !bytes.Contains(content, []byte(form)) {
				continue
			}
			if certain {
				p.t.Errorf("%s: an address stands there as %q", where, form)
			} else {
				chance[v.addr] = true
			}
		}
	}
}

func ignoreGone(err error) error {
	if os.IsNotExist(err) {
		return nil // merged away while we looked
	}
	return err
}

// addressForms are the ways to write an address, and whether one that is found
// can't be there by chance.
func addressForms(a netip.Addr) map[string]bool {
	b := a.AsSlice()
	wide := a.As16()
	reversed := slices.Clone(b)
	slices.Reverse(reversed)
	forms := map[string]bool{
		a.String(): true, a.StringExpanded(): true, hex.EncodeToString(b): true, strings.ToUpper(hex.EncodeToString(b)): true,
		string(wide[:]): true, string(b): a.Is6(), string(reversed): a.Is6(),
	}
	if a.Is4() {
		forms["::ffff:"+a.String()] = true
		n := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
		forms[strconv.FormatUint(uint64(n), 10)] = true
	}
	return forms
}

// TestHitsTakeTheShortWay: what trackers ask for is answered by package plainhttp, which
// tells the date first, and other pages by net/http, which tells it last.
func TestHitsTakeTheShortWay(t *testing.T) {
	p := start(t, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), nil)
	for path, short := range map[string]bool{"/pixel.gif?site=1": true, "/matomo.php?idsite=1&rec=1": true, "/fotspor.js": true, "/privacy/1": false, "/": false} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.public, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: stats.example.org\r\nUser-Agent: %s\r\n\r\n", path, agents[0].header)
		in := bufio.NewReader(conn)
		in.ReadString('\n') // the status
		first, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(first, "Date: ") != short {
			t.Errorf("GET %s: the answer begins with %q, want the short way: %v", path, first, short)
		}
	}
}
