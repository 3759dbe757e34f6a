package dashboard

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/site"
)

// route is a path that the dashboard answers. Who may see it follows from the path,
// so a new one can't forget to say: see guard.
type route struct {
	pattern string // as http.ServeMux takes it
	answer  handler
	open    bool   // for everybody; else one must be logged in
	own     bool   // what is posted is of the user alone, so viewers may
	format  string // csv or json; "": a page
}

// guard lets through to a route whoever may see it, and is the only place that
// decides this:
//
//   - a route that is not open wants a log-in;
//   - one below /admin/, or of the settings of a site, is for admins;
//   - one that is posted to and is of a site is for who may write: editors and admins, unless
//     what is posted is the user's own;
//   - one with a site, {id} behind /sites/, is for users who see that site, and gets it
//     as call.site.
//
// To everybody else a page that they may not see does not exist.
func (d *Dashboard) guard(r route) handler {
	api := strings.Contains(r.pattern, "/api/")
	ofSite := strings.Contains(r.pattern, "/sites/{id}")
	admins := strings.Contains(r.pattern, "/admin/") || strings.Contains(r.pattern, "/settings")
	posted := strings.HasPrefix(r.pattern, "POST ")
	if strings.Contains(r.pattern, "/sites/{") && !ofSite || r.open && (ofSite || admins) {
		panic("dashboard: route " + r.pattern + ": want a site as {id}, behind a log-in")
	}
	return func(c *call) error {
		id, format, _ := strings.Cut(c.r.PathValue("id"), ".")
		c.format = r.format
		if ofSite && !api && (format == "json" || format == "csv") {
			c.format = format
			c.r.SetPathValue("id", id)
		}
		if r.open {
			return r.answer(c)
		}
		user, err := d.sessionUser(c)
		switch {
		case errors.Is(err, site.ErrNotFound) && c.json:
			return noSession
		case errors.Is(err, site.ErrNotFound):
			return c.toLogin()
		case err != nil:
			return err
		}
		c.user = user
		c.r = c.r.WithContext(audit.As(c.r.Context(), audit.Actor{Via: audit.Page, Name: user.Name}))
		if admins && user.Role != site.Admin {
			d.refusals.add(c.now, audit.AccessRefused, user.Name)
			return notFound
		}
		if ofSite {
			if err := d.findSite(c); err != nil {
				return err
			}
			if posted && !r.own && !user.Role.Writes() {
				d.refusals.add(c.now, audit.AccessRefused, user.Name)
				return notFound
			}
		}
		return r.answer(c)
	}
}

// findSite sets the site of a call. One that the user does not see is as one that does
// not exist.
func (d *Dashboard) findSite(c *call) error {
	id, err := strconv.ParseUint(c.r.PathValue("id"), 10, 32)
	if err != nil {
		return notFound.because(err)
	}
	site, err := d.store.Site(c.r.Context(), uint32(id))
	if err != nil {
		return err
	}
	if !c.user.Sees(site.ID) {
		d.refusals.add(c.now, audit.AccessRefused, c.user.Name)
		return notFound
	}
	c.site = site
	return nil
}

// sites returns the sites that the user of a call sees.
func (d *Dashboard) sites(c *call) ([]site.Site, error) {
	sites, err := d.store.Sites(c.r.Context())
	return slices.DeleteFunc(sites, func(s site.Site) bool { return !c.user.Sees(s.ID) }), err
}

// lasting are the parameters of pages of figures and of lists. Others do not survive a
// log-in: they may hold a token, as that of a call of Matomo's API does, which belongs in no
// address that a browser keeps.
var lasting = []string{
	"period", "at", "from", "to", "compare", "align", "f", byMeasure, byTable, bySort, byFind, byTag, byAfter, byColumns,
	"path", "prefix", "name", "host", "before", byPage,
}

// toLogin asks for a log-in, and comes back afterwards if the page was read.
func (c *call) toLogin() error {
	to := "/login"
	page := *c.r.URL
	if page.RawQuery != "" {
		values := page.Query()
		maps.DeleteFunc(values, func(name string, _ []string) bool { return !slices.Contains(lasting, name) })
		page.RawQuery = values.Encode()
	}
	page.ForceQuery = false
	if next := localPath(page.RequestURI()); next != "/" && c.r.Method != http.MethodPost {
		to += "?" + url.Values{"next": {next}}.Encode()
	}
	return c.redirect(to)
}
