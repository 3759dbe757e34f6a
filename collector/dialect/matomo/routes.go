package matomo

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/collector/optout"
	"github.com/fotspor/fotspor/collector/script"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/baseurl"
)

// Format is Matomo's wire format: its tracking API, its script, and those of its pages that
// websites and importers request.
var Format = dialect.Format{
	Name: "matomo",
	Routes: []dialect.Route{
		{Name: "matomo", Busy: true, Patterns: append(
			under([]string{"GET", "POST", "OPTIONS"}, "/matomo.php", "/piwik.php"),
			under([]string{"POST", "OPTIONS"}, append(folder, "/{$}")...)...)},
		{Name: "matomo", Busy: true, Patterns: under([]string{"GET"}, folder...), Handler: scriptOrHits},
		{Name: "script", Busy: true, Patterns: under([]string{"GET"},
			"/matomo.js", "/matomo.min.js", "/piwik.js", "/piwik.min.js",
			"/js/matomo.js", "/js/matomo.min.js", "/js/piwik.js", "/js/piwik.min.js"), Handler: serveScript},
		{Name: "script", Patterns: []string{"GET /js/{container}"}, Glob: "/js/container_*.js", Handler: serveContainer},
		{Name: "matomo", Patterns: under([]string{"GET", "POST"}, index), Handler: servePages},
	},
	New: func(host dialect.Host) dialect.Dialect {
		return Dialect{Now: host.Now, CountObjections: host.CountObjections, Allowed: host.Allowed, SitesOf: host.SitesOf}
	},
}

// index is the path of Matomo's pages and reporting API.
const index = "/index.php"

// folder are the paths below /js/ that serve the script and accept hits.
var folder = []string{"/js/{$}", "/js/index.php", "/js/tracker.php"}

// under returns the patterns for each of methods with each of paths.
func under(methods []string, paths ...string) []string {
	var patterns []string
	for _, path := range paths {
		for _, method := range methods {
			patterns = append(patterns, method+" "+path)
		}
	}
	return patterns
}

func serveScript(host dialect.Host, _ http.Handler) http.Handler {
	return script.Matomo(host.CountObjections)
}

// scriptOrHits answers as Matomo does where script and endpoint have the same path: a request
// with a query is that of a tracker.
func scriptOrHits(host dialect.Host, hits http.Handler) http.Handler {
	script := script.Matomo(host.CountObjections)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			hits.ServeHTTP(w, r)
		} else {
			script.ServeHTTP(w, r)
		}
	})
}

// serveContainer serves the scripts of Matomo's tag manager. Their names do not say for which
// site they are, so the site is that of the page that loads one.
func serveContainer(host dialect.Host, _ http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isContainer(r.PathValue("container")) {
			http.NotFound(w, r)
			return
		}
		if site, ok := host.SiteOf(0, r.Header.Get("Referer")); ok {
			script.Container(w, r, site, host.CountObjections)
		} else {
			script.NoContainer(w, r)
		}
	})
}

// isContainer reports whether a file in the folder js is a script of the tag manager,
// such as container_Ab12Cd34.js or container_Ab12Cd34_dev_0123.js.
func isContainer(file string) bool {
	id, ok := strings.CutPrefix(file, "container_")
	id, isScript := strings.CutSuffix(id, ".js")
	return ok && isScript && id != ""
}

// servePages serves /index.php, where Matomo has its reporting API and the opt-out boxes. The
// site of a page is that of idsite, or else that of its host.
func servePages(host dialect.Host, hits http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isAPI(r) {
			hits.ServeHTTP(w, r)
			return
		}
		query := make(url.Values)
		for name, value := range dialect.Parameters(r.URL.RawQuery) {
			query.Set(name, dialect.Unescape(value))
		}
		box := optout.Box{
			Query:   query,
			Asked:   baseurl.Of(r).String(),
			Objects: dialect.Objects(r.Header),
			Out:     dialect.OptedOut(r.Header),
		}
		if host.PublicURL != nil {
			box.Server = host.PublicURL().String()
		}
		id, _ := dialect.Site(query.Get("idsite"))
		box.Site, _ = host.SiteOf(id, r.Header.Get("Referer"))
		box.Heeds = host.Heeds(box.Site)
		switch action := query.Get("action"); {
		case query.Get("module") == "CoreAdminHome" && action == "optOut":
			box.ServeFrame(w, r)
		case query.Get("module") == "CoreAdminHome" && action == "optOutJS" && r.Method != http.MethodPost:
			box.ServeScript(w, r)
		default:
			optout.Refuse(w, i18n.Match(strings.Join(r.Header.Values("Accept-Language"), ",")), http.StatusNotFound, "not_found")
		}
	})
}

// AtRoot returns a handler for GET requests for Matomo's pages at /: calls of its API are
// answered by what answers /index.php in routes, if anything does, and its other pages are
// redirected there. All other requests are passed to next.
func AtRoot(routes *http.ServeMux, next http.Handler) http.Handler {
	api, pattern := routes.Handler(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: index}})
	if pattern == "" {
		api = next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			for name, value := range dialect.Parameters(r.URL.RawQuery) {
				switch {
				case name == "module" && value == "API": // whose address holds a token, which no redirect repeats
					api.ServeHTTP(w, r)
					return
				case name == "module" && value == "CoreAdminHome":
					// Relative, since a proxy may have cut the path.
					w.Header().Set("Location", index[1:]+"?"+r.URL.RawQuery)
					w.WriteHeader(http.StatusTemporaryRedirect)
					return
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}
