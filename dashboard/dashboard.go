// Package dashboard shows the figures of each site: pages and a JSON API behind
// a log-in, rendered on the server.
package dashboard

//go:generate go test -run TestNamesOfTheAPI -update .

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fotspor/fotspor/dashboard/password"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/internal/httpmetrics"
	"github.com/fotspor/fotspor/report"
)

// requestTimeout bounds a request, and with it its queries.
const requestTimeout = 8 * time.Second

// Options are what a Dashboard is made of. Store and Figures are required; every other
// zero value has a meaning.
type Options struct {
	Store      Store
	Figures    report.Source
	Logger     *slog.Logger          // zero: nothing is logged
	Registerer prometheus.Registerer // zero: nothing is counted
	Requests   *httpmetrics.Requests // zero: requests are not measured
	Now        func() time.Time      // zero: time.Now

	// BaseURL is the public address of the program. Zero: as the request says.
	BaseURL baseurl.URL
	// Network names the network that a request comes from, to throttle log-ins.
	// Zero: that of the connection, cut to /24 or /48.
	Network func(*http.Request) string
	// Attribution is what the licence of the GeoIP database asks to be shown.
	// Zero, or an empty text: nothing.
	Attribution func() (text, url string)
	// Snippet is what to paste into the pages of a site to track them, given
	// the public address of the program. Zero: nothing is shown.
	Snippet func(base string, site uint32, parameters ...string) string
	// Drops returns the hits of a site that the collector of this process excluded last, the
	// latest first. Zero: they are read from the ledger, which knows their day.
	Drops func(site uint32) []hit.Drop
	// CountsObjections reports whether the policy has the script of visitors who object tell
	// of it. Zero: it does not.
	CountsObjections func() bool
	// Rounding returns to what multiple the policy has all counts rounded now: see
	// report.Rounded. Zero: they are exact.
	Rounding func() int64
	// Statement is the address of the privacy statement of a site. Zero: no link.
	Statement func(site uint32) string
	// Rights finds and erases what people ask about. Zero: that page says how to do it elsewhere.
	Rights Rights
	// Languages are those to choose from. Zero: those of the program.
	Languages *i18n.Catalogue
}

// Dashboard answers requests for pages and figures. It is safe for concurrent
// use and starts no goroutine that outlives a request. Run keeps its counts.
type Dashboard struct {
	store        Store
	figures      *report.Shared
	log          *slog.Logger
	requests     *httpmetrics.Requests
	logins       *prometheus.CounterVec
	openSessions prometheus.Gauge
	now          func() time.Time
	base         baseurl.URL // zero: as the request says
	network      func(*http.Request) string
	attribution  func() (text, url string)
	drops        func(site uint32) []hit.Drop
	snippet      func(base string, site uint32, parameters ...string) string
	statement    func(site uint32) string
	counts       func() bool // reports whether the script tells of objections
	languages    *i18n.Catalogue
	subjects     Rights // nil: nothing is looked up here

	pages       renderer
	world       []land
	assets      *assets
	passwords   *password.Hasher
	throttle    *throttle
	refusals    *refusals
	setup       setup
	crossOrigin *http.CrossOriginProtection
	lookingUp   sync.Mutex     // held while somebody uses rights
	methods     *http.ServeMux // the routes of one method each
}

// New returns a Dashboard. It fails on options that can't be, and if the script
// or the style sheet was not built.
func New(opts Options) (*Dashboard, error) {
	d := &Dashboard{
		store:       opts.Store,
		figures:     &report.Shared{Source: opts.Figures, Rounding: opts.Rounding},
		log:         opts.Logger,
		requests:    opts.Requests,
		now:         opts.Now,
		base:        opts.BaseURL,
		network:     opts.Network,
		attribution: opts.Attribution,
		drops:       opts.Drops,
		snippet:     opts.Snippet,
		statement:   opts.Statement,
		counts:      opts.CountsObjections,
		subjects:    opts.Rights,
		languages:   cmp.Or(opts.Languages, i18n.Shipped()),
		passwords:   password.NewHasher(),
		throttle:    newThrottle(),
		crossOrigin: http.NewCrossOriginProtection(),
		methods:     http.NewServeMux(),
	}
	if d.store == nil || opts.Figures == nil {
		return nil, errors.New("new dashboard: no store, or no source of figures")
	}
	d.fillDefaults()
	d.refusals = newRefusals(d.store, d.log)
	for _, r := range d.routes() {
		if strings.Contains(r.pattern, " ") {
			d.methods.Handle(r.pattern, http.NotFoundHandler())
		}
	}
	if !d.base.IsZero() { // a proxy may pass another Host than the one the browser sees
		if err := d.crossOrigin.AddTrustedOrigin(d.base.String()); err != nil {
			return nil, fmt.Errorf("new dashboard: %w", err)
		}
	}
	if err := d.count(opts.Registerer); err != nil {
		return nil, fmt.Errorf("new dashboard: %w", err)
	}
	var err error
	if d.assets, err = loadAssets(); err != nil {
		return nil, fmt.Errorf("new dashboard: %w", err)
	}
	if d.world, err = readWorld(); err != nil {
		return nil, fmt.Errorf("new dashboard: %w", err)
	}
	if d.languages == i18n.Shipped() {
		d.pages, err = shippedPages()
	} else {
		d.pages, err = newRenderer(d.assets, d.languages)
	}
	if err != nil {
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
	if d.counts == nil {
		d.counts = func() bool { return false }
	}
	if d.snippet == nil {
		d.snippet = func(string, uint32, ...string) string { return "" }
	}
	if d.statement == nil {
		d.statement = func(uint32) string { return "" }
	}
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
	d.openSessions = prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "fotspor",
		Name:      "sessions",
		Help:      "Log-ins to the dashboard that have neither ended nor expired, in all processes, counted once a minute.",
	})
	if registerer == nil {
		return nil
	}
	return errors.Join(registerer.Register(d.logins), registerer.Register(d.openSessions))
}

// Routes puts the pages, the API and the assets on mux. Paths that nothing else
// on mux answers get the dashboard's page for them.
func (d *Dashboard) Routes(mux *http.ServeMux) {
	for _, r := range d.routes() {
		mux.Handle(r.pattern, d.handle(r.pattern, d.guard(r)))
	}
}

// routes are all that the dashboard answers. What guard does with each follows from
// its path.
func (d *Dashboard) routes() []route {
	return append(append(d.pageRoutes(), d.goalRoutes()...),
		[]route{
			{pattern: "GET /login", answer: d.showLogin, open: true},
			{pattern: "POST /login", answer: d.logIn, open: true},
			{pattern: "POST /logout", answer: d.logOut, open: true},
			{pattern: "GET /setup", answer: d.showSetup, open: true},
			{pattern: "POST /setup", answer: d.setUp, open: true},
			{pattern: "GET /assets/{file}", answer: d.serveAsset, open: true},

			{pattern: "GET /api/v1/sites", answer: d.apiSites},
			{pattern: "GET /api/v1/sites/{id}/totals", answer: d.apiTotals},
			{pattern: "GET /api/v1/sites/{id}/series", answer: d.apiSeries},
			{pattern: "GET /api/v1/sites/{id}/top", answer: d.apiTop},
			{pattern: "GET /api/v1/sites/{id}/excluded", answer: d.apiExcluded},
			{pattern: "/api", answer: d.noSuchPage},
			{pattern: "/api/", answer: d.noSuchPage},

			{pattern: "GET /account", answer: d.showAccount},
			{pattern: "POST /account/password", answer: d.changePassword},
			{pattern: "POST /account/sessions", answer: d.endOwnSessions},

			{pattern: "GET /admin/users", answer: d.showUsers},
			{pattern: "POST /admin/users/add", answer: d.addUser},
			{pattern: "POST /admin/users/rights", answer: d.changeUser("rights", d.changeRights)},
			{pattern: "POST /admin/users/password", answer: d.changeUser("password", d.setPassword)},
			{pattern: "POST /admin/users/sessions", answer: d.changeUser("sessions", d.endSessions)},
			{pattern: "POST /admin/users/remove", answer: d.changeUser("removed", d.removeUser)},
			{pattern: "GET /admin/sessions", answer: d.showSessions},
			{pattern: "POST /admin/sessions", answer: d.endSessionOf},
			{pattern: "GET /admin/audit", answer: d.showAudit},
			{pattern: "GET " + receiptsURL, answer: d.showReceipts},
			{pattern: "GET " + policyURL, answer: d.showPolicy},
			{pattern: "POST " + policyURL, answer: d.changePolicy},
			{pattern: "GET " + rightsURL, answer: d.showRights},
			{pattern: "POST " + rightsURL, answer: d.answerRights},
			{pattern: "POST " + letterURL, answer: d.writeLetter},

			{pattern: "/", answer: d.noSuchPage, open: true},
		}...)
}

// pageRoutes are the pages of figures, each in every format.
func (d *Dashboard) pageRoutes() []route {
	routes := []route{
		{pattern: "GET /{$}", answer: d.showSites},
		{pattern: "GET " + viewsPath, answer: d.showViews},
		{pattern: "POST " + viewsPath, answer: d.putView},
		{pattern: "POST " + viewsPath + "/remove", answer: d.removeView},
	}
	for _, format := range formats {
		routes = append(routes, route{pattern: "GET /sites." + format, answer: d.showSites, format: format})
	}
	routes = append(routes,
		route{pattern: "GET /sites/{id}/settings", answer: d.showSettings},
		route{pattern: "POST /sites/{id}/settings", answer: d.changeSettings},
		route{pattern: "GET /sites/{id}" + notesPath, answer: d.showNotes},
		route{pattern: "POST /sites/{id}" + notesPath, answer: d.putNote},
		route{pattern: "POST /sites/{id}" + notesPath + "/remove", answer: d.removeNote},
		route{pattern: "GET /sites/{id}" + viewsPath, answer: d.showViews},
		route{pattern: "POST /sites/{id}" + viewsPath, answer: d.putView, own: true},
		route{pattern: "POST /sites/{id}" + viewsPath + "/remove", answer: d.removeView, own: true})
	for _, format := range formats {
		routes = append(routes, route{pattern: "GET /sites/{id}" + notesPath + "." + format, answer: d.showNotes, format: format})
	}
	for _, p := range pages {
		routes = append(routes, route{pattern: "GET /sites/{id}" + p.path, answer: d.showPage(p.path)})
		if p.path == "" {
			continue // guard takes its format from the id
		}
		for _, format := range formats {
			routes = append(routes, route{pattern: "GET /sites/{id}" + p.path + "." + format, answer: d.showPage(p.path), format: format})
		}
	}
	return routes
}

// formats are what figures are written in besides pages.
var formats = []string{"csv", "json"}

// noSuchPage answers what no other route does: a path of none, or the wrong method.
func (d *Dashboard) noSuchPage(c *call) error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		asked := *c.r
		asked.Method = method
		if _, pattern := d.methods.Handler(&asked); pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if allowed == nil {
		return notFound
	}
	c.w.Header().Set("Allow", strings.Join(allowed, ", "))
	return badMethod
}
