// Package pixel reads the one-image format: GET /pixel.gif?site=ID, for pages
// and mails that run no script.
package pixel

import (
	"errors"
	"io"
	"net/http"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/hit"
)

var errSite = errors.New("site: want the number of a site, as in /pixel.gif?site=1")

// Format is the pixel format.
var Format = dialect.Format{
	Name:   "pixel",
	Routes: []dialect.Route{{Name: "pixel", Patterns: []string{"GET /pixel.gif"}, Busy: true}},
	New:    func(dialect.Host) dialect.Dialect { return Dialect{} },
}

// Dialect is the pixel's wire format. Query parameters: site, the site's id; url, the page,
// by default the Referer header; title, the title of the page; ref, where the visitor came
// from; bots, 1 for an image that programs fetch for people, as mail services do. Of several
// with one name the last counts. Others are accepted and not kept.
type Dialect struct{}

// Parse appends the page view of the request. A HEAD request has none, since it shows no
// page to anybody.
func (Dialect) Parse(r *http.Request, hits []hit.Hit) ([]hit.Hit, dialect.Reply, error) {
	var id, page, title, referrer, bots string
	for name, value := range dialect.Parameters(r.URL.RawQuery) {
		switch name {
		case "site":
			id = dialect.Unescape(value)
		case "url":
			page = dialect.Unescape(value)
		case "title":
			title = dialect.Unescape(value)
		case "ref":
			referrer = dialect.Unescape(value)
		case "bots":
			bots = dialect.Unescape(value)
		}
	}
	site, ok := dialect.Site(id)
	if !ok {
		return hits, reply, errSite
	}
	if r.Method == http.MethodHead {
		return hits, reply, nil
	}
	if page == "" {
		page = r.Header.Get("Referer")
	}
	h := dialect.FromHeaders(r)
	h.Site = site
	h.Kind, h.Bots = hit.Pageview, bots == "1"
	h.URL, h.Title = dialect.PageURL(page), dialect.Clean(title, dialect.MaxURL)
	h.Referrer = dialect.Clean(referrer, dialect.MaxURL)
	return append(hits, h), reply, nil
}

// reply answers with the image, or with 400 and a line of text.
func reply(w http.ResponseWriter, _ *http.Request, o dialect.Outcome) {
	header := w.Header()
	dialect.SetHeaders(header)
	header["Cache-Control"] = dialect.NoStore
	if status := o.Status(); status != http.StatusOK {
		header.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		io.WriteString(w, o.Reason()+"\n")
		return
	}
	dialect.WritePixel(w)
}
