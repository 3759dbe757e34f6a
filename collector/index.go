package collector

import (
	"net/http"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/collector/optout"
)

// index returns the handler of /index.php, where Matomo has the boxes in which visitors
// choose whether they are counted. A page tells its site by idsite, or else by its host.
func (c *Collector) index() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
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
