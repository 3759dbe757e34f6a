// Package dashboard shows the figures of each site: pages and a JSON API behind
// a log-in, rendered on the server.
package dashboard

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fotspor/fotspor/dashboard/language"
	"github.com/fotspor/fotspor/dashboard/password"
	"github.com/fotspor/fotspor/store"
)

// requestTimeout bounds a request, and with it its queries.
const requestTimeout = 8 * time.Second

// Options are what a Dashboard is made of. Store is required; every other zero
// value has a meaning.
type Options struct {
	Store      *store.Store
	Logger     *slog.Logger             // zero: nothing is logged
	Registerer prometheus.Registerer    // zero: nothing is counted
	Duration   *prometheus.HistogramVec // seconds of requests by handler and code; zero: not measured
	Now        func() time.Time         // zero: time.Now

	// BaseURL is the public address of the program, such as
	// https://stats.example.org. Empty: as the request says.
	BaseURL string
	// Network names the network that a request comes from, to throttle log-ins.
	// Zero: that of the connection, cut to /24 or /48.
	Network func(*http.Request) string
	// Attribution is what the licence of the region data asks to be shown.
	// Zero, or an empty text: nothing.
	Attribution func() (text, url string)
	// Snippet is what to paste into the pages of a site to track them, given
	// the public address of the program. Zero: nothing is shown.
	Snippet func(base string, site uint32) string
	// Statement is the address of the privacy statement of a site. Zero: no link.
	Statement func(site uint32) string
}

// Dashboard answers requests for pages and figures. It is safe for concurrent
// use and starts no goroutine that outlives a request.
type Dashboard struct {
	store       *store.Store
	log         *slog.Logger
	duration    *prometheus.HistogramVec
	logins      *prometheus.CounterVec
	now         func() time.Time
	base        *url.URL // nil: as the request says
	network     func(*http.Request) string
	attribution func() (text, url string)
	snippet     func(base string, site uint32) string
	statement   func(site uint32) string

	languages   language.Languages
	pages       renderer
	assets      *assets
	passwords   *password.Hasher
	throttle    *throttle
	setup       setup
	crossOrigin *http.CrossOriginProtection
}

// New returns a Dashboard. It fails on options that can't be, and if the script
// or the style sheet was not built.
func New(opts Options) (*Dashboard, error) {
	d := &Dashboard{
		store:       opts.Store,
		log:         opts.Logger,
		duration:    opts.Duration,
		now:         opts.Now,
		network:     opts.Network,
		attribution: opts.Attribution,
		snippet:     opts.Snippet,
		statement:   opts.Statement,
		passwords:   password.NewHasher(),
		throttle:    newThrottle(),
		crossOrigin: http.NewCrossOriginProtection(),
	}
	if d.store == nil {
		return nil, fmt.Errorf("new dashboard: no store")
	}
	d.fillDefaults()
	if err := d.setBase(opts.BaseURL); err != nil {
		return nil, fmt.Errorf("new dashboard: %w", err)
	}
	if err := d.count(opts.Registerer); err != nil {
		return nil, fmt.Errorf("new dashboard: %w", err)
	}
	var err error
	if d.languages, err = language.Load(); err != nil {
		return nil, fmt.Errorf("new dashboard: %w", err)
	}
	if d.assets, err = loadAssets(); err != nil {
		return nil, fmt.Errorf("new dashboard: %w", err)
	}
	if d.pages, err = newRenderer(d.languages, d.assets); err != nil {
		return nil, fmt.Errorf("new dashboard: %w", err)
	}
	return d, nil
}

func (d *Dashboard) fillDefaults() {
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.log = d.log.With("component", "dashboard")
	if d.now == nil {
		d.now = time.Now
	}
	if d.network == nil {
		d.network = connectionNetwork
	}
	if d.attribution == nil {
		d.attribution = func() (string, string) { return "", "" }
	}
	if d.snippet == nil {
		d.snippet = func(string, uint32) string { return "" }
	}
	if d.statement == nil {
		d.statement = func(uint32) string { return "" }
	}
}

func (d *Dashboard) setBase(base string) error {
	if base == "" {
		return nil
	}
	u, err := url.Parse(strings.TrimSuffix(base, "/"))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Path != "" || u.RawQuery != "" {
		return fmt.Errorf("public address %q: want such as https://stats.example.org", base)
	}
	d.base = u
	// A proxy may pass another Host than the one the browser sees.
	return d.crossOrigin.AddTrustedOrigin(u.String())
}

// The outcomes of log-ins.
const (
	loggedIn  = "ok"
	refused   = "refused"
	throttled = "throttled"
)

func (d *Dashboard) count(registerer prometheus.Registerer) error {
	d.logins = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "fotspor",
		Name:      "logins_total",
		Help:      "Attempts to log in to the dashboard, by result.",
	}, []string{"result"})
	for _, result := range []string{loggedIn, refused, throttled} {
		d.logins.WithLabelValues(result)
	}
	if registerer == nil {
		return nil
	}
	return registerer.Register(d.logins)
}

// Routes puts the pages, the API and the assets on mux. Paths that nothing else
// on mux answers get the dashboard's page for them.
func (d *Dashboard) Routes(mux *http.ServeMux) {
	open := func(pattern string, f handler) { mux.Handle(pattern, d.handle(pattern, f)) }
	page := func(pattern string, f handler) { open(pattern, d.member(f, toLogin)) }
	api := func(pattern string, f handler) {
		mux.Handle(pattern, d.handle(pattern, asJSON(d.member(f, unauthorized))))
	}

	open("GET /login", d.showLogin)
	open("POST /login", d.logIn)
	open("POST /logout", d.logOut)
	open("GET /setup", d.showSetup)
	open("POST /setup", d.setUp)
	open("GET /assets/{file}", d.serveAsset)

	page("GET /{$}", d.showSites)
	page("GET /sites/{id}", d.showSite)

	api("GET /api/v1/sites", d.apiSites)
	api("GET /api/v1/sites/{id}/totals", d.apiTotals)
	api("GET /api/v1/sites/{id}/series", d.apiSeries)
	api("GET /api/v1/sites/{id}/top", d.apiTop)
	api("GET /api/v1/sites/{id}/left-out", d.apiLeftOut)
	api("/api/", noSuchPage)

	open("/", noSuchPage)
}

func noSuchPage(*call) error { return notFound }
