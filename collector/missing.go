package collector

import (
	"strings"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/referrer"
)

// missing reports whether a hit is the event of a missing page, whose name has the form
// "404 / /path". It returns the status and the path of that page.
func missing(kind hit.Kind, name string) (status, path string, ok bool) {
	if kind != hit.Event {
		return "", "", false
	}
	status, path, ok = strings.Cut(name, " / ")
	ok = ok && len(status) == 3 && (status[0] == '4' || status[0] == '5') && strings.Trim(status, "0123456789") == "" &&
		strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//")
	return status, path, ok
}

// linkingPage returns what is kept of the page with the link to a missing page: its path
// if it is one of the site's, its host if it is on another website. For a page on an
// excluded path it returns "".
func (p *hitContext) linkingPage(ref string) string {
	page, ok := parsePage(ref)
	if !ok {
		return ""
	}
	if page.Host != "" && !p.site.Owns(cleanHost(page)) {
		return p.scrubHost(referrer.Host(ref))
	}
	page.RawQuery = p.cleanQuery(page.RawQuery, p.site.Parameters)
	if page.Path, page.RawPath = p.markPath(page, cleanPath(p.scrubber(), page)), ""; p.site.Excludes(page.Path) {
		return ""
	}
	return p.pathWithParameters(page)
}
