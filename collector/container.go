package collector

import (
	"net/http"

	"github.com/fotspor/fotspor/collector/dialect/matomo"
	"github.com/fotspor/fotspor/collector/script"
)

// container returns the handler of the scripts of Matomo's tag manager. Their names tell
// no site: the page that loads one does.
func (c *Collector) container() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !matomo.IsContainer(r.PathValue("container")) {
			http.NotFound(w, r)
			return
		}
		if site, ok := c.Sites.byPage(r.Header.Get("Referer")); ok {
			script.Container(w, r, site.ID, c.Policy.CountObjections)
		} else {
			script.NoContainer(w, r)
		}
	})
}
