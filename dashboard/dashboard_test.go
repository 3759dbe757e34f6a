package dashboard_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/crypto/argon2"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/dashboard"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// moment is the time in these tests: a Sunday, 17:37 in Oslo.
var moment = time.Date(2026, 11, 22, 16, 37, 20, 0, time.UTC)

const (
	userName = "kari"
	userPass = "en lang setning om fjell"
)

// bench is a dashboard that runs, on a store with a viewer and no site.
type bench struct {
	*testing.T
	store     *store.Store
	figures   *tracked
	dashboard *dashboard.Dashboard
	server    *httptest.Server
	client    *http.Client
	now       time.Time
}

// tracked is a source of figures that counts its statements.
type tracked struct {
	store.Reports
	statements atomic.Int64
	forgets    bool // no answer is kept
}

func (c *tracked) Unchanged(days []calendar.Range) func() bool {
	if c.forgets {
		return nil
	}
	return c.Reports.Unchanged(days)
}

func (c *tracked) Ask(ctx context.Context, queries []report.Query) ([]report.Result, error) {
	plan, err := c.Planner().Plan(slices.Concat(queries, report.Probes(queries)))
	if err != nil {
		return nil, err
	}
	c.statements.Add(int64(len(plan.Statements)))
	return c.Reports.Ask(ctx, queries)
}

func newBench(t *testing.T, change ...func(*dashboard.Options)) *bench {
	t.Helper()
	b := &bench{T: t, store: storetest.Open(t), now: moment}
	b.figures = &tracked{Reports: store.Reports{Store: b.store, Planner: func() report.Planner { return report.Planner{} }}}
	opts := dashboard.Options{
		Store:       b.store,
		Figures:     b.figures,
		Now:         func() time.Time { return b.now },
		Attribution: func() (string, string) { return "IP geolocation by DB-IP", "https://db-ip.com" },
		Snippet: func(base string, site uint32, parameters ...string) string {
			return `<script defer src="` + base + `/fotspor.js" data-site="1" data-parameters="` + strings.Join(parameters, ",") + `"></script>`
		},
		Statement: func(site uint32) string { return "/privacy/1" },
	}
	for _, f := range change {
		f(&opts)
	}
	var err error
	if b.dashboard, err = dashboard.New(opts); err != nil {
		t.Fatal(err)
	}
	b.server = httptest.NewServer(routes(b.dashboard))
	t.Cleanup(b.server.Close)
	b.client = b.newClient()
	return b
}

// newClient returns a browser of sorts, which keeps cookies and goes where it is sent.
func (b *bench) newClient() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	transport := &http.Transport{}
	b.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport}
}

// cheap returns a hash of a password that takes next to nothing to verify: tests guess
// passwords a thousand times.
func cheap(pass string) string {
	salt, b64 := []byte("0123456789abcdef"), base64.RawStdEncoding
	key := argon2.IDKey([]byte(pass), salt, 1, 8, 1, 32)
	return fmt.Sprintf("$argon2id$v=%d$m=8,t=1,p=1$%s$%s", argon2.Version, b64.EncodeToString(salt), b64.EncodeToString(key))
}

// addUser makes a user.
func (b *bench) addUser(name string, role site.Role, pass string) {
	b.Helper()
	if err := b.store.AddUser(b.Context(), site.User{Name: name, Role: role, Password: cheap(pass)}); err != nil {
		b.Fatal(err)
	}
}

// logIn makes the usual user and logs it in.
func (b *bench) logIn() {
	b.Helper()
	b.addUser(userName, site.Viewer, userPass)
	page := b.post("/login", url.Values{"name": {userName}, "password": {userPass}})
	page.want(http.StatusOK)
	if got := page.Find(".user").Text(); got != userName {
		b.Fatalf("logged in as %q, want %q", got, userName)
	}
}

func (b *bench) addSite(name, host, zone string) site.Site {
	b.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		b.Fatal(err)
	}
	site, err := b.store.AddSite(context.Background(), site.Site{Name: name, Hosts: []string{host}, Location: loc})
	if err != nil {
		b.Fatal(err)
	}
	return site
}

// answer is what the dashboard answered.
type answer struct {
	*goquery.Document
	t      *testing.T
	url    *url.URL
	status int
	header http.Header
	body   string
}

// request sends a request as the client, with headers in pairs.
func (b *bench) request(method, path string, body io.Reader, headers ...string) *answer {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, b.server.URL+path, body)
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(string(data)))
	if err != nil {
		b.Fatal(err)
	}
	return &answer{doc, b.T, resp.Request.URL, resp.StatusCode, resp.Header, string(data)}
}

func (b *bench) get(path string, headers ...string) *answer {
	b.Helper()
	return b.request(http.MethodGet, path, nil, headers...)
}

func (b *bench) post(path string, form url.Values, headers ...string) *answer {
	b.Helper()
	headers = append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)
	return b.request(http.MethodPost, path, strings.NewReader(form.Encode()), headers...)
}

// want fails the test unless the answer has the status.
func (a *answer) want(status int) {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s answered %d, want %d:\n%s", a.url, a.status, status, a.text("main"))
	}
}

// text returns the text that a selector finds, with its white space made single.
func (a *answer) text(selector string) string { return clean(a.Find(selector).Text()) }

// routes returns a dashboard on its own mux.
func routes(d *dashboard.Dashboard) http.Handler {
	mux := http.NewServeMux()
	d.Routes(mux)
	return mux
}

func clean(s string) string { return strings.Join(strings.Fields(s), " ") }

// stay makes the client not follow redirects.
func (b *bench) stay() {
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
}

// nb is the language that a browser of these tests is answered in.
func nb() *i18n.Language { return i18n.Find("nb") }
