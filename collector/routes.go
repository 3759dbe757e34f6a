package collector

import (
	"iter"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/collector/dialect/matomo"
	"github.com/fotspor/fotspor/collector/dialect/pixel"
	"github.com/fotspor/fotspor/collector/script"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
)

// formats are the wire formats of trackers. A new one is a package and a line here.
var formats = []dialect.Format{pixel.Format, matomo.Format}

// route is a route and its handler.
type route struct {
	dialect.Route
	handler func(*Collector, privacy.Policy) http.Handler
}

// ownRoutes are the routes that belong to no format.
var ownRoutes = []route{
	{dialect.Route{Name: "script", Patterns: []string{"GET /fotspor.js"}, Busy: true}, func(_ *Collector, p privacy.Policy) http.Handler { return script.Handler(p.CountObjections) }},
	{dialect.Route{Name: "script", Patterns: []string{"GET /optout.js"}}, func(_ *Collector, p privacy.Policy) http.Handler { return script.OptOut(p.CountObjections) }},
	{dialect.Route{Name: "privacy", Patterns: []string{"GET /privacy/{site}"}}, func(c *Collector, _ privacy.Policy) http.Handler { return readable(c.statement) }},
	{dialect.Route{Name: "privacy", Patterns: []string{"POST /privacy/{site}"}}, func(c *Collector, _ privacy.Policy) http.Handler { return readable(c.choose) }},
	{dialect.Route{Name: "privacy", Patterns: []string{"GET /privacy/" + privacy.SchemaName}}, func(c *Collector, _ privacy.Policy) http.Handler { return http.HandlerFunc(c.schema) }},
	{dialect.Route{Name: "privacy", Patterns: []string{"GET /privacy/{site}/what"}}, func(c *Collector, _ privacy.Policy) http.Handler { return readable(c.what) }},
	{dialect.Route{Name: "privacy", Patterns: []string{"GET /privacy/{site}/receipts"}}, func(c *Collector, _ privacy.Policy) http.Handler { return http.HandlerFunc(c.receipts) }},
	{dialect.Route{Name: "privacy", Patterns: []string{"/privacy/{site}"}}, func(*Collector, privacy.Policy) http.Handler { return badMethod("GET, HEAD, POST") }},
	{dialect.Route{Name: "privacy", Patterns: []string{"/privacy/{site}/what", "/privacy/{site}/receipts"}}, func(*Collector, privacy.Policy) http.Handler { return badMethod("GET, HEAD") }},
	{dialect.Route{Name: "privacy", Patterns: []string{"GET /.well-known/gpc.json"}}, (*Collector).gpc},
}

// routes returns all routes of a collector.
func routes() []route {
	all := slices.Clone(ownRoutes)
	for _, format := range formats {
		for _, r := range format.Routes {
			all = append(all, route{r, func(c *Collector, p privacy.Policy) http.Handler {
				host := c.host(p)
				hits := c.collect(format.Name, format.New(host))
				if r.Handler == nil {
					return hits
				}
				return r.Handler(host, hits)
			}})
		}
	}
	return all
}

// host returns what dialects may use of c under a policy.
func (c *Collector) host(policy privacy.Policy) dialect.Host {
	return dialect.Host{
		Now:             c.Now,
		CountObjections: policy.CountObjections,
		Heeds: func(id uint32) bool {
			if found, ok := c.Sites.byID(id); ok {
				return !c.policyOf(found).IgnoreObjection
			}
			return !c.inForce.Load().IgnoreObjection
		},
		PublicURL: c.PublicURL,
		Allowed:   c.Sites.allowed,
		SitesOf:   c.sitesOf,
		SiteOf: func(id uint32, page string) (uint32, bool) {
			found, ok := c.Sites.byID(id)
			if !ok {
				found, ok = c.Sites.byPage(page)
			}
			if !ok {
				return 0, false
			}
			return found.ID, true
		},
	}
}

// sitesOf is dialect.Host.SitesOf. Each call counts as one hit of the sender's network.
func (c *Collector) sitesOf(r *http.Request, secret string) ([]site.Site, error) {
	if !c.Limit.Allow(ClientAddr(r, c.TrustedProxies), 1) {
		return nil, dialect.ErrTooMany
	}
	known := c.Sites.ofCredential(secret)
	if known == nil {
		return nil, nil
	}
	sites := make([]site.Site, len(known))
	for i, s := range known {
		sites[i] = s.Site
	}
	return sites, nil
}

// Routes adds every route of the collector to mux.
func (c *Collector) Routes(mux *http.ServeMux) {
	for _, r := range routes() {
		handler := c.Requests.Handler(r.Name, c.followPolicy(r.handler))
		for _, pattern := range r.Patterns {
			mux.Handle(pattern, handler)
		}
	}
}

// followPolicy returns a handler that answers as the one that build makes for the policy in
// force. Of the policy, only whether objections are counted may make a difference.
func (c *Collector) followPolicy(build func(*Collector, privacy.Policy) http.Handler) http.Handler {
	var handlers [2]func() http.Handler
	for i := range handlers {
		handlers[i] = sync.OnceValue(func() http.Handler {
			return build(c, privacy.Policy{CountObjections: i == 1})
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := 0
		if c.inForce.Load().CountObjections {
			i = 1
		}
		handlers[i]().ServeHTTP(w, r)
	})
}

// CleanPaths answers requests for the collector's own paths however they are written:
// //matomo.php, /./js/tracker.php, /%6Datomo.php. http.ServeMux would redirect them, and few
// clients repeat a POST elsewhere. All other requests are next's as they are, those of pages
// with a log-in and of statements among them, and so is an encoded slash, which parts
// nothing.
func CleanPaths(next http.Handler) http.Handler {
	paths, rootMethods := map[string]bool{}, map[string]bool{}
	var globs []string
	for _, r := range routes() {
		if r.Glob != "" {
			globs = append(globs, r.Glob)
		}
		for _, pattern := range r.Patterns {
			method, own, _ := strings.Cut(strings.TrimSuffix(pattern, "{$}"), " ")
			switch {
			case own == "/":
				rootMethods[method] = true
			case !strings.Contains(own, "{"):
				paths[own] = true
			}
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isClean(r.URL) {
			next.ServeHTTP(w, r)
			return
		}
		own, ok := unescapedPath(r.URL.EscapedPath())
		isOwn := paths[own] || own == "/" && rootMethods[r.Method] ||
			slices.ContainsFunc(globs, func(glob string) bool { found, _ := path.Match(glob, own); return found })
		if ok && isOwn {
			u := *r.URL
			u.Path, u.RawPath = own, ""
			clone := *r
			clone.URL = &u
			r = &clone
		}
		next.ServeHTTP(w, r)
	})
}

// isClean reports whether a path is written as the routes are.
func isClean(u *url.URL) bool {
	return u.RawPath == "" && !strings.Contains(u.Path, "//") && !strings.Contains(u.Path, "/.")
}

// unescapedPath returns an escaped path unescaped and without empty parts, . and .. in it. It
// returns false if a part holds a slash.
func unescapedPath(escaped string) (string, bool) {
	parts := strings.Split(escaped, "/")
	for i, part := range parts {
		part, err := url.PathUnescape(part)
		if err != nil || strings.Contains(part, "/") {
			return "", false
		}
		parts[i] = part
	}
	clean := path.Clean("/" + strings.Join(parts, "/"))
	if last := parts[len(parts)-1]; clean != "/" && (last == "" || last == "." || last == "..") {
		clean += "/"
	}
	return clean, true
}

// Proxied returns the requests that a proxy sends to a collector instead of a dashboard:
// their paths, in which * stands for any text, and the methods of those for / itself. A path
// that another one with a * at its end covers is left out.
func Proxied() (paths, rootMethods []string) {
	for _, r := range routes() {
		for _, pattern := range r.Patterns {
			method, path, one := strings.Cut(pattern, " ")
			if !one { // all methods
				method, path = "", pattern
			}
			if path == "/{$}" {
				rootMethods = append(rootMethods, method)
				continue
			}
			path = strings.TrimSuffix(path, "{$}")
			if before, _, ok := strings.Cut(path, "{"); ok {
				path = before + "*"
			}
			if r.Glob != "" {
				path = r.Glob
			}
			if !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
	}
	all := slices.Clone(paths)
	paths = slices.DeleteFunc(paths, func(path string) bool {
		return slices.ContainsFunc(all, func(other string) bool {
			before, ok := strings.CutSuffix(other, "*")
			return ok && path != other && strings.HasPrefix(path, before)
		})
	})
	return paths, rootMethods
}

// busy are the paths of busy routes.
var busy = busyPaths()

// busyPaths excludes / itself, because a GET of it is the dashboard's, and paths with
// wildcards.
func busyPaths() map[string]bool {
	paths := map[string]bool{}
	for _, r := range routes() {
		for _, pattern := range r.Patterns {
			_, path, _ := strings.Cut(strings.TrimSuffix(pattern, "{$}"), " ")
			if r.Busy && path != "/" && !strings.Contains(path, "{") {
				paths[path] = true
			}
		}
	}
	return paths
}

// Busy reports whether path is one that trackers request all the time.
func Busy(path string) bool { return busy[path] }

// BusyPaths yields the paths for which Busy returns true, in no order.
func BusyPaths() iter.Seq[string] { return maps.Keys(busy) }
