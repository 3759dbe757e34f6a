package app_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/collector/script"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/chromium"
	"github.com/fotspor/fotspor/internal/patience"
)

// clients holds a script of ours for each client of Matomo that is tested. The
// clients themselves are as npm installs them.
const clients = "testdata/clients"

// stored is a row of table hits.
type stored struct {
	Time, Day, Kind, Path, Host, Name string
	Value                             float64
	Network, Country, Region          string
	Browser, OS, Device, Language     string
	BrowserVersion                    string `json:"browser_version"`
	Channel, Source, Campaign         string
	CampaignSource                    string `json:"campaign_source"`
	CampaignMedium                    string `json:"campaign_medium"`
	CampaignTerm                      string `json:"campaign_term"`
	CampaignContent                   string `json:"campaign_content"`
	EntryPath                         string `json:"entry_path"`
	PreviousPath                      string `json:"previous_path"`
	Pageviews, Visits, Visitors       int
	PageVisitors                      int `json:"page_visitors"`
	Bounces, Seconds                  int
}

// step is one thing that a website does with a client.
type step struct {
	do   string   // call of the client, as its script names it, or one of the browser's
	says string   // what the client is told, where it listens
	want []stored // what is new in the store, of which the test says what the client said
	of   about    // whom and when the client says it is about
}

// about is whom and when a hit says it is about, where not the sender and now.
type about struct {
	addr  string
	place geo.Place
	ago   time.Duration
}

// Steps that leave nothing, and steps that leave one row.
func nothing(do string) step              { return step{do: do} }
func viewed(do, path string) step         { return did(do, hit.Pageview, path, "", 0) }
func left(path string) step               { return did(leavePage, hit.Ping, path, "", 0) }
func happened(do, path, name string) step { return did(do, hit.Event, path, name, 0) }
func did(do string, kind hit.Kind, path, name string, value float64) step {
	return step{do: do, want: []stored{{Kind: string(kind), Path: path, Name: name, Value: value}}}
}

// Steps that are the browser's own.
const (
	leavePage = "leave"
	openPage  = "open "  // and its path
	clickOn   = "click " // and the element
)

// TestMatomoClientOnServer drives Matomo's client for Node: each call is found in
// the store, field by field.
func TestMatomoClientOnServer(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	needNode(t)
	s := newStage(t, "example.org")
	s.like = stored{
		Host: "example.org", Browser: "Firefox", BrowserVersion: "145", OS: "Linux", Device: "desktop", Language: "nb",
		Channel: "campaign", Source: "avis", Campaign: "Høst",
		CampaignSource: "avis", CampaignMedium: "banner", CampaignTerm: "sveise", CampaignContent: "topp",
	}
	token, lund := s.newToken(), "130.235.11.22"
	s.secrets = append(s.secrets, token, lund)
	view := []stored{{Kind: string(hit.Pageview), Path: "/kurs"}}
	for _, step := range []step{
		viewed("view", "/kurs"),
		viewed("silent", "/kontakt"),
		did("event", hit.Event, "/kurs", "Video / Spill av / Intro", 12.5),
		happened("mail", "/kurs", "Skjema / Sendt / [email]"),
		did("search", hit.Search, "/kurs", "røde sko / Butikk", 7),
		did("link", hit.Outlink, "/kurs", "annet.example/side", 0),
		did("download", hit.Download, "/kurs", "example.org/filer/rapport.pdf", 0),
		did("goal", hit.Event, "/kurs", "goal / 2", 19.5),
		happened("contentShown", "/kurs", "content / shown / Kampanje"),
		happened("contentUsed", "/kurs", "content / klikk / Kampanje"),
		viewed("product", "/kurs"),
		nothing("cart"),
		nothing("order"),
		did("ping", hit.Ping, "/kurs", "", 0),
		{do: "bulk", says: `{"status":"success","tracked":4,"invalid":0}`, want: []stored{
			{Kind: string(hit.Pageview), Path: "/kurs/søm"},
			{Kind: string(hit.Event), Path: "/kurs", Name: "Meny / Åpne"},
			{Kind: string(hit.Pageview), Path: "/kontakt"},
		}},
		{do: "earlier", want: view, of: about{ago: 2 * time.Hour}},
		{do: "yesterday", want: view, of: about{ago: 20 * time.Hour}},
		{do: "longAgo", says: "error 400"},
		{do: "elsewhere", says: "error 400"},
		{do: "longAgoWithToken", want: view, of: about{ago: 72 * time.Hour}},
		{do: "elsewhereWithToken", want: view, of: about{addr: lund}},
		{do: "bulkWithToken", says: `{"status":"success","tracked":1,"invalid":0,"invalid_indices":[]}`, want: view,
			of: about{addr: lund, ago: 71 * time.Hour, place: geo.Place{Country: "DK"}}},
		nothing("unknown"),
	} {
		s.take(step, func(call string) string { return s.node(call, token) })
	}
	s.check()
	await(t, "the hit without a browser, in the ledger", func() error {
		if got, want := s.run("query", "SELECT rule, sum(hits) FROM ledger GROUP BY rule"), "malformed\t1\n"; got != want {
			return fmt.Errorf("it holds %q, want %q", got, want)
		}
		return nil
	})
}

// TestMatomoClientsInBrowser drives clients for the browser, each with the script
// that the program serves in place of matomo.js.
func TestMatomoClientsInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	needNode(t)
	skipAfter(t, script.Check())
	bundles := bundle(t, "datapunt.js", "jonkoops.js", "vue-matomo.js", "ngx-matomo-client.js")

	wrapper := []step{ // after a page is opened
		nothing("start"),
		viewed("view", "/kurs"),
		viewed("route", "/kurs/sveising"),
		viewed("viewOf", "/kurs/søm"),
		did("event", hit.Event, "/kurs/sveising", "Video / Spill av / Intro", 12.5),
		nothing("eventOfElement"),
		happened(clickOn+"#menu", "/kurs/sveising", "Meny / Åpne"),
		did("search", hit.Search, "/kurs/sveising", "røde sko / Butikk", 7),
		did("searchInVain", hit.Search, "/kurs/sveising", "ingenting", 0),
		did("link", hit.Outlink, "/kurs/sveising", "annet.example/side", 0),
		did("download", hit.Download, "/kurs/sveising", "[ip]/filer/rapport.pdf", 0),
		did(clickOn+"#out", hit.Outlink, "/kurs/sveising", "localhost/nothing/ut", 0),
		did(clickOn+"#file", hit.Download, "/kurs/sveising", "[ip]/nothing/rapport.pdf", 0),
		did("goal", hit.Event, "/kurs/sveising", "goal / 2", 19.5),
		happened("contentShown", "/kurs/sveising", "content / shown / Kampanje"),
		happened("contentUsed", "/kurs/sveising", "content / klikk / Kampanje"),
		nothing("shop"),
		left("/kurs/søm"), // the page that was viewed last
		nothing(openPage + "/samtykke"),
		nothing("startWithoutConsent"),
		nothing("view"),
		viewed("giveConsent", "/samtykke"),
		happened("missing", "/finnes-ikke", "404 / /finnes-ikke"),
		nothing("takeConsentBack"),
		nothing("event"),
		nothing("optOut"),
		nothing("giveConsent"),
		nothing("event"),
		nothing(leavePage),
	}
	for _, c := range []struct {
		name  string
		ref   string // where the visit comes from
		like  stored
		steps []step
	}{
		{"datapunt", "", stored{
			Channel: "email", Source: "nyhetsbrev", Campaign: "Høst", CampaignSource: "nyhetsbrev", CampaignMedium: "email",
		}, slices.Insert(slices.Clone(wrapper), 0,
			nothing(openPage+"/kurs?kunde=hemmelig&utm_source=nyhetsbrev&utm_medium=email&utm_campaign=H%C3%B8st"),
		)},
		{"jonkoops", "https://www.google.no/", stored{Channel: "campaign", Source: "Google", Campaign: "Vår"},
			slices.Insert(slices.Clone(wrapper), 0, nothing(openPage+"/kurs?kunde=hemmelig&kampanje=V%C3%A5r")),
		},
		{"vue-matomo", "https://www.google.no/", stored{Channel: "search", Source: "Google"}, []step{
			nothing(openPage + "/kurs?kunde=hemmelig"),
			viewed("start", "/kurs"),
			viewed("route", "/kurs/sveising"),
			nothing("quietRoute"),
			did("event", hit.Event, "/kurs/sveising", "Video / Spill av / Intro", 12.5),
			did("link", hit.Outlink, "/kurs/sveising", "annet.example/side", 0),
			did("download", hit.Download, "/kurs/sveising", "[ip]/filer/rapport.pdf", 0),
			did(clickOn+"#out", hit.Outlink, "/kurs/sveising", "localhost/nothing/ut", 0),
			did(clickOn+"#file", hit.Download, "/kurs/sveising", "[ip]/nothing/rapport.pdf", 0),
			did("goal", hit.Event, "/kurs/sveising", "goal / 2", 19.5),
			happened("contentShown", "/kurs/sveising", "content / shown / Kampanje"),
			happened("contentUsed", "/kurs/sveising", "content / klikk / Kampanje"),
			nothing("shop"),
			did("search", hit.Search, "/kurs/sveising", "røde sko / Kurs", 3),
			left("/kurs/sveising"),
			nothing(openPage + "/samtykke"),
			nothing("startWithoutConsent"),
			viewed("giveConsent", "/samtykke"),
			nothing("optOut"),
			nothing("event"),
			nothing(leavePage),
		}},
		{"ngx-matomo-client", "https://nyheter.example.net/sak/1?kunde=hemmelig", stored{Channel: "website", Source: "nyheter.example.net"}, []step{
			nothing(openPage + "/kurs?kunde=hemmelig&utm_campaign=hemmelig"),
			viewed("start", "/kurs"),
			happened("contentShown", "/kurs", "content / shown / Kampanje"),
			nothing("introduce"),
			{do: "answers", says: `["","",false]`},
			viewed("route", "/kurs/sveising"),
			did("event", hit.Event, "/kurs/sveising", "Video / Spill av / Intro", 12.5),
			happened(clickOn+"#menu", "/kurs/sveising", "Meny / Åpne / Hoved"),
			did("search", hit.Search, "/kurs/sveising", "røde sko / Butikk", 7),
			did("searchInVain", hit.Search, "/kurs/sveising", "ingenting", 0),
			did("link", hit.Outlink, "/kurs/sveising", "annet.example/side", 0),
			did("download", hit.Download, "/kurs/sveising", "[ip]/filer/rapport.pdf", 0),
			did(clickOn+"#out", hit.Outlink, "/kurs/sveising", "localhost/nothing/ut", 0),
			did(clickOn+"#file", hit.Download, "/kurs/sveising", "[ip]/nothing/rapport.pdf", 0),
			did("goal", hit.Event, "/kurs/sveising", "goal / 2", 19.5),
			happened("contentUsed", "/kurs/sveising", "content / klikk / Kampanje"),
			nothing("shop"),
			happened("failure", "/kurs/sveising", "JavaScript Errors / https://example.org/app.js:1:2 / Noe gikk galt"),
			{do: "blocksShown", want: []stored{
				{Kind: string(hit.Event), Path: "/kurs/sveising", Name: "content / shown / Kurskatalog"},
				{Kind: string(hit.Event), Path: "/kurs/sveising", Name: "content / shown / Nyhetsbrev"},
			}},
			happened(clickOn+"#block", "/kurs/sveising", "content / click / Kurskatalog"),
			left("/kurs/sveising"),
			nothing(openPage + "/samtykke"),
			nothing("startWithoutConsent"),
			viewed("giveConsent", "/samtykke"),
			nothing("takeConsentBack"),
			nothing("event"),
			nothing("optOut"),
			nothing("giveConsent"),
			nothing("event"),
			nothing(leavePage),
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, "127.0.0.1")
			s.like = c.like
			s.like.Host, s.like.Language = "127.0.0.1", "nb"
			s.like.Browser, s.like.BrowserVersion = agents[0].browser, agents[0].version
			s.like.OS, s.like.Device = agents[0].os, agents[0].device
			b := s.newTab(filepath.Join(bundles, c.name+".js"), c.ref)
			for _, step := range c.steps {
				s.take(step, b.do)
			}
			s.check()
		})
	}
}

// visitAccount is what the test remembers of a visit, to know what the next row says.
type visitAccount struct {
	like            stored // what every row of it has
	last            time.Time
	viewed          []string
	previous        string
	begun, bouncing bool
}

// next fills in a row of which is known what the client said, by the rules as they
// are promised.
func (v *visitAccount) next(row stored, at time.Time) stored {
	said := row
	row = v.like
	row.Kind, row.Path, row.Name, row.Value = said.Kind, said.Path, said.Name, said.Value
	row.Time, row.Day = at.UTC().Format(time.DateTime), at.Format(time.DateOnly)
	isView := row.Kind == string(hit.Pageview)
	isDeed := row.Kind != string(hit.Ping) && !strings.HasPrefix(row.Name, "content / shown /")
	switch {
	case !v.begun:
		row.Visits, row.Visitors = 1, 1
		v.begun, v.bouncing, v.last, v.like.EntryPath = true, isView, at, row.Path
		if isView {
			row.Bounces = 1
		}
	case v.bouncing && isDeed:
		v.bouncing, row.Bounces = false, -1
	}
	if at.After(v.last) {
		row.Seconds, v.last = int(at.Sub(v.last)/time.Second), at
	}
	row.EntryPath, row.PreviousPath = v.like.EntryPath, v.previous
	if isView {
		row.Pageviews, v.previous = 1, row.Path
		if !slices.Contains(v.viewed, row.Path) {
			row.PageVisitors, v.viewed = 1, append(v.viewed, row.Path)
		}
	}
	return row
}

// stage is the program with a web server in front of it, and the account that the
// test keeps of what a client does there.
type stage struct {
	*program
	front   *front
	like    stored // rows of the visitor who is sitting at the client
	places  *geo.DB
	now     time.Time
	visits  map[string]*visitAccount // by address and day
	want    []stored
	refused int      // requests, rightly
	secrets []string // what is nowhere to be found
}

// From here the hits come, as the web server in front says.
const clientAddr = "129.240.118.42"

func newStage(t *testing.T, hosts string) *stage {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		t.Fatal(err)
	}
	places, err := geo.Open(geo.Find(), geo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{
		places: places, now: time.Date(2026, 11, 20, 14, 0, 0, 0, zone), visits: map[string]*visitAccount{},
		secrets: []string{"hemmelig", "8b2c52af5f20dea4", "1920x1080", clientAddr},
	}
	s.program = start(t, s.now, func(o *app.Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	s.run("site", "add", "--host", hosts, "--timezone", zone.String(), "--quiet")
	s.awaitSite(1)
	s.front = newFront(t, s.public)
	return s
}

// run runs a command of the program on its data, and returns what it prints.
func (s *stage) run(args ...string) string {
	s.t.Helper()
	out, errs, status := command(s.t, "", append(args, "--data", s.opts.Data)...)
	if status != 0 {
		s.t.Fatalf("%v: %s", args, errs)
	}
	return out
}

// newToken makes a token for the site, which the collector knows.
func (s *stage) newToken() string {
	s.t.Helper()
	token := strings.TrimSpace(s.run("token", "add", "--site", "1", "--name", "nettsted", "--quiet"))
	// The end of a visit that never was: it leaves nothing.
	ask := "/matomo.php?idsite=1&rec=1&ping=1&cip=192.0.2.1&token_auth=" + token + "&ua=" + url.QueryEscape(agents[0].header)
	await(s.t, "token known to the collector", func() error {
		resp, err := s.client.Get(s.public + ask)
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("a hit with the token is %s", resp.Status)
		}
		return nil
	})
	return token
}

// take takes one step by way of do, and lets some time pass after it.
func (s *stage) take(step step, do func(what string) (says string)) {
	s.t.Helper()
	if says := do(step.do); says != step.says {
		s.t.Errorf("%s: the client is told %q, want %q", step.do, says, step.says)
	}
	if strings.HasPrefix(step.says, "error ") {
		s.refused++
	}
	at := s.now.Add(-step.of.ago)
	key := step.of.addr + at.Format(time.DateOnly)
	v := s.visits[key]
	if v == nil {
		v = &visitAccount{like: s.like}
		if len(s.visits) > 0 { // what is said of others says not where they came from
			v.like = stored{
				Host: s.like.Host, Language: s.like.Language, Channel: "direct",
				Browser: s.like.Browser, BrowserVersion: s.like.BrowserVersion, OS: s.like.OS, Device: s.like.Device,
			}
		}
		v.like.place(s.places, cmp.Or(step.of.addr, clientAddr), step.of.place)
		s.visits[key] = v
	}
	for _, row := range step.want {
		s.want = append(s.want, v.next(row, at))
	}
	await(s.t, "the hits of "+step.do, func() error {
		if got := s.metric("fotspor_hits_accepted_total"); got < float64(len(s.want)) {
			return fmt.Errorf("%v of %d hits have come", got, len(s.want))
		}
		return nil
	})
	s.now = s.now.Add(10 * time.Second)
	s.setClock(s.now)
}

// place fills in where an address is, unless the client says where.
func (row *stored) place(places *geo.DB, addr string, said geo.Place) {
	a := hit.NewAddr(netip.MustParseAddr(addr))
	row.Network = geo.Cut(a, 16, 32)
	if said == (geo.Place{}) {
		said = places.Lookup(a)
	}
	row.Country, row.Region = said.Country, said.Region
}

// check holds what is in the store to the account.
func (s *stage) check() {
	s.t.Helper()
	var got []stored
	await(s.t, "rows in the store", func() error {
		got = nil
		lines := json.NewDecoder(strings.NewReader(s.run("query", "--format", "JSONEachRow", "SELECT * EXCEPT (site, section_visitors, conversions, other) FROM hits")))
		lines.DisallowUnknownFields()
		for lines.More() {
			var row stored
			if err := lines.Decode(&row); err != nil {
				s.t.Fatal(err)
			}
			got = append(got, row)
		}
		if len(got) < len(s.want) {
			return fmt.Errorf("%d of %d are there", len(got), len(s.want))
		}
		return nil
	})
	order := func(a, b stored) int {
		return slices.Compare([]string{a.Time, a.Path, a.Kind, a.Name}, []string{b.Time, b.Path, b.Kind, b.Name})
	}
	slices.SortFunc(got, order)
	slices.SortFunc(s.want, order)
	if diff := gocmp.Diff(s.want, got); diff != "" {
		s.t.Errorf("rows (-want +got):\n%s", diff)
	}
	for _, row := range got {
		if row.Country == "" || row.Network == "" {
			s.t.Errorf("a row has no place: %+v", row)
		}
	}
	s.checkForgotten()
	s.front.check(s.refused)
}

// checkForgotten looks for what the clients said and nobody may keep.
func (s *stage) checkForgotten() {
	s.t.Helper()
	texts := tables(func(sql string) string { return s.run("query", sql) })
	texts["log"], texts["metrics"] = s.log.String(), s.get(s.metrics+"/metrics")
	if texts["hits"] == "" {
		s.t.Error("no hits to look through")
	}
	for name, text := range texts {
		for _, secret := range s.secrets {
			if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
				s.t.Errorf("%s holds %q", name, secret)
			}
		}
	}
}

// front is the web server in front of the program: it says whom it speaks for, and
// keeps a list of what was asked.
type front struct {
	*httptest.Server
	t *testing.T

	mu    sync.Mutex
	asked []request
}

type request struct {
	method, uri string
	status      int
}

func newFront(t *testing.T, program string) *front {
	to, err := url.Parse(program)
	if err != nil {
		t.Fatal(err)
	}
	f := &front{t: t}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	f.Server = httptest.NewServer(&httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Set("X-Forwarded-For", clientAddr)
			// The last hit of a page that is left has it from the browser itself.
			if r.In.Header.Get("Sec-Ch-Ua-Platform") != "" {
				r.Out.Header.Set("Sec-Ch-Ua-Platform", `"Windows"`)
			}
		},
		ModifyResponse: func(r *http.Response) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.asked = append(f.asked, request{r.Request.Method, r.Request.URL.RequestURI(), r.StatusCode})
			return nil
		},
	})
	t.Cleanup(f.Close)
	return f
}

// check looks for requests that came twice, which a client does that takes an
// answer for a failure, and for more refusals than are right.
func (f *front) check(refused int) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := map[string]bool{}
	for _, r := range f.asked {
		if r.status >= 400 {
			refused--
		}
		if uri := r.method + " " + r.uri; strings.Contains(uri, "idsite=") {
			if seen[uri] {
				f.t.Errorf("sent twice: %s", uri)
			}
			seen[uri] = true
		}
	}
	if refused != 0 {
		f.t.Errorf("%d more requests were refused than expected", -refused)
	}
	if f.t.Failed() {
		for _, r := range f.asked {
			f.t.Log(r.status, r.method, r.uri)
		}
	}
}

// needNode skips the test where Node or the packages are missing.
func needNode(t *testing.T) {
	t.Helper()
	_, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat("../node_modules/matomo-tracker")
	}
	skipAfter(t, err)
}

// skipAfter skips the test after an error that says what the machine lacks, but
// fails when CI=true.
func skipAfter(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skip("SKIPPED: ", err)
}

// node makes a call of the client for Node, and returns what it is told.
func (s *stage) node(call, token string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience.Of(time.Minute))
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", filepath.Join(clients, "matomo-tracker.mjs"),
		s.front.URL+"/matomo.php", "1", call, fmt.Sprint(s.now.Unix()), token)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", call, err, out)
	}
	return strings.TrimSpace(string(out))
}

// bundle makes of scripts, and of the packages that they import, what a browser
// loads, as websites do. It returns the folder.
func bundle(t *testing.T, scripts ...string) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "npx", append([]string{
		"--no-install", "esbuild", "--bundle", "--minify", "--format=iife", "--log-level=warning", "--outdir=" + dir,
	}, scripts...)...)
	cmd.Dir = clients
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("esbuild: %v\n%s", err, out)
	}
	return dir
}

// clientTab is a tab with a website whose pages load the bundle of a client.
type clientTab struct {
	*stage
	tab     *chromium.Tab
	website *httptest.Server
	ref     string
}

func (s *stage) newTab(bundle, ref string) *clientTab {
	s.t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /client.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, bundle) })
	// A link here is followed, and leaves the page where it is.
	mux.HandleFunc("GET /nothing/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="nb"><title>hemmelig</title><link rel="icon" href="data:,">
			<main></main><a id="out" href="http://%s/nothing/ut?kunde=hemmelig">ut</a>
			<a id="file" href="/nothing/rapport.pdf?kunde=hemmelig">rapport</a><script src="/client.js"></script></html>`,
			strings.Replace(r.Host, "127.0.0.1", "localhost", 1))
	})
	website := httptest.NewServer(mux)
	s.t.Cleanup(website.Close)
	b := &clientTab{stage: s, website: website, ref: ref}
	b.tab = chromium.Open(s.t, chromedp.UserAgent(agents[0].header), chromedp.Flag("accept-lang", "nb-NO,nb"))
	beAPerson(b.tab)
	return b
}

// choices are what a browser may keep: that somebody does not want to be counted, or does,
// and on which day they said so.
var choices = regexp.MustCompile(`^(mtm_consent_removed=1)?(; )?(mtm_consent=\d{8}00000)?\{\}$`)

// do makes a call of the client, or what a person does, and returns what it is told.
func (b *clientTab) do(what string) string {
	b.t.Helper()
	path, isOpen := strings.CutPrefix(what, openPage)
	element, isClick := strings.CutPrefix(what, clickOn)
	switch {
	case isOpen:
		b.open(path)
		return ""
	case isClick:
		b.tab.Do(chromedp.Click(element))
		return ""
	case what == leavePage:
		if kept := b.ask(`document.cookie + JSON.stringify({...localStorage, ...sessionStorage})`); !choices.MatchString(kept) {
			b.t.Errorf("the browser keeps %s, want nothing, or what somebody chose", kept)
		}
		b.tab.Do(chromedp.Navigate("about:blank"))
		return ""
	}
	says := b.ask(fmt.Sprintf(`client.%s({base: %q, site: 1})`, what, b.front.URL))
	if strings.HasPrefix(what, "start") {
		b.ask(`new Promise((done) => {
			const look = () => window.Matomo?.initialized ? done() : setTimeout(look, 5);
			look();
		})`)
	}
	return says
}

// ask evaluates an expression in the page, and returns the text that it gives.
func (b *clientTab) ask(expression string) string {
	b.t.Helper()
	return chromium.Run(b.tab, chromedp.Evaluate[string](
		`Promise.resolve(`+expression+`).then((answer) => typeof answer === "string" ? answer : "")`, chromedp.EvalAwaitPromise))
}

// open opens a page of the website; the first one by the link that the visit comes
// from.
func (b *clientTab) open(path string) {
	b.t.Helper()
	params := page.NavigateParams{URL: b.website.URL + path, Referrer: b.ref, ReferrerPolicy: page.ReferrerPolicyUnsafeURL}
	b.ref = ""
	chromium.Call(b.tab, page.Navigate, params)
	await(b.t, "page "+path, func() error {
		if at := b.ask(`document.readyState + " " + location.href`); at != "complete "+params.URL {
			return fmt.Errorf("the browser is at %q", at)
		}
		return nil
	})
}
