package collector

import (
	"net/http"
	"net/url"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/collector/optout"
)

// index returns the handler of /index.php, where Matomo has the boxes in which visitors
// choose whether they are counted. A page tells its site by idsite, or else by its host.
func (c *Collector) index() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := make(url.Values)
		for name, value := range dialect.Parameters(r.URL.RawQuery) {
			query.Set(name, dialect.Unescape(value))
		}
		r = r.Clone(r.Context())
		r.URL.RawQuery = query.Encode() // for the box, which asks for more
		box := optout.Box{
			Heeds:   !c.Policy.IgnoreObjection,
			Objects: dialect.Objects(r.Header),
			Out:     dialect.OptedOut(r.Header),
		}
		id, _ := dialect.Site(query.Get("idsite"))
		site, ok := c.Sites.byID(id)
		if !ok {
			site, ok = c.Sites.byPage(r.Header.Get("Referer"))
		}
		if ok {
			box.Site = site.ID
		}
		switch action := query.Get("action"); {
		case query.Get("module") == "CoreAdminHome" && action == "optOut":
			box.ServeFrame(w, r)
		case query.Get("module") == "CoreAdminHome" && action == "optOutJS" && r.Method != http.MethodPost:
			box.ServeScript(w, r)
		default:
			http.NotFound(w, r)
		}
	})
}

// OptOutAtRoot has next answer, but for what Matomo's pages answer at / too: that is sent
// on to /index.php.
func OptOutAtRoot(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && r.Method == http.MethodGet {
			for name, value := range dialect.Parameters(r.URL.RawQuery) {
				if name == "module" && value == "CoreAdminHome" {
					http.Redirect(w, r, "/index.php?"+r.URL.RawQuery, http.StatusTemporaryRedirect)
					return
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}
