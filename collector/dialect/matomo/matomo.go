// Package matomo reads Matomo's tracking API, so that every Matomo tracker can
// send here: /matomo.php and its other names, by query, form, bulk JSON and gzip.
//
// What it doesn't keep (visitor ids, user ids, titles, screen sizes, custom
// variables and dimensions, orders) it accepts and forgets while reading.
// See https://developer.matomo.org/api-reference/tracking-api.
package matomo

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/hit"
)

// Bounds of what one request may make us hold.
const (
	maxBody  = 4 << 20 // bytes, once unpacked
	maxItems = 2000    // of a bulk request; ten times what the log importer sends
)

// errBody stands for every failure to read a body: the network's own errors
// name the address of the visitor.
var errBody = errors.New("body: incomplete, or not the gzip that its header says")

// Dialect is Matomo's wire format. The zero value is ready for use.
type Dialect struct {
	// Now is the clock that the time of a hit (cdt, cdo) is held against; nil
	// means time.Now.
	Now func() time.Time

	// Allowed reports whether the holder of a token may say where a visitor of a
	// site is (cip, country, region, city, lat, long), and tell of a hit of more
	// than 24 hours ago. It is asked only where a hit does one of these, which is
	// invalid otherwise. The token may be "". It must be safe for concurrent use;
	// nil means that no token is valid.
	Allowed func(token string, site uint32) bool

	// Sites returns the sites that a token is good for, to whoever sent r, or an error
	// that says why it tells none: ErrToken, or dialect.ErrTooMany. It must be safe for
	// concurrent use; nil means that no token is valid.
	Sites func(r *http.Request, token string) ([]Site, error)
}

var _ dialect.Dialect = Dialect{}

func (d Dialect) now() time.Time {
	if d.Now == nil {
		return time.Now()
	}
	return d.Now()
}

func (d Dialect) allowed(token string, site uint32) bool {
	return d.Allowed != nil && d.Allowed(token, site)
}

// Name implements dialect.Dialect.
func (Dialect) Name() string { return "matomo" }

// Patterns implements dialect.Dialect.
func (Dialect) Patterns() []string {
	patterns := []string{"POST /{$}", "OPTIONS /{$}"}
	for _, path := range []string{"/matomo.php", "/piwik.php"} {
		patterns = append(patterns, "GET "+path, "POST "+path, "OPTIONS "+path)
	}
	for _, path := range folder {
		patterns = append(patterns, "POST "+path, "OPTIONS "+path)
	}
	return patterns
}

// index is where Matomo has its pages and its reporting API.
const index = "/index.php"

// IndexPatterns are the routes, in net/http's syntax, of requests that are for the Dialect
// where IsAPI reports so, and otherwise for a page of Matomo's.
func IndexPatterns() []string { return []string{"GET " + index, "POST " + index} }

// folder are the addresses of the folder js that are both script and endpoint.
var folder = []string{"/js/{$}", "/js/index.php", "/js/tracker.php"}

// MixedPatterns are the routes, in net/http's syntax, under which Matomo serves its
// script to a request without a query string. With one it is a tracking request,
// for the Dialect.
func MixedPatterns() []string {
	var patterns []string
	for _, path := range folder {
		patterns = append(patterns, "GET "+path)
	}
	return patterns
}

// ScriptPatterns are the routes, in net/http's syntax, under which Matomo serves its
// script, whatever the query.
func ScriptPatterns() []string {
	var patterns []string
	for _, folder := range []string{"/", "/js/"} {
		for _, file := range []string{"matomo.js", "matomo.min.js", "piwik.js", "piwik.min.js"} {
			patterns = append(patterns, "GET "+folder+file)
		}
	}
	return patterns
}

// ContainerPattern is the route, in net/http's syntax, of the scripts of Matomo's tag
// manager, and of nothing else for which IsContainer reports true.
const ContainerPattern = "GET /js/{container}"

// IsContainer reports whether a file in the folder js is a script of the tag manager,
// such as container_Ab12Cd34.js or container_Ab12Cd34_dev_0123.js.
func IsContainer(file string) bool {
	id, ok := strings.CutPrefix(file, "container_")
	id, isScript := strings.CutSuffix(id, ".js")
	return ok && isScript && id != ""
}

// note is what Parse learns from a body that Reply needs to know.
type note struct {
	bulk    bool  // answer as to a bulk request
	api     *call // answer as the reporting API
	trusted bool  // with a valid token: the numbers of bad items are told
	silent  bool  // send_image=0: no image, no text
	ignored int   // items of a bulk request that rightly left no hit
}

type noteKey struct{}

func leave(r *http.Request, n note) {
	*r = *r.WithContext(context.WithValue(r.Context(), noteKey{}, n))
}

// Parse appends the hits of a request: at most one, except of a bulk request.
// What a request asks to ignore, or what isn't kept, leaves none. No error tells
// a token or an address.
func (d Dialect) Parse(r *http.Request, hits []hit.Hit) ([]hit.Hit, error) {
	var p params
	switch {
	case r.Method == http.MethodGet && r.URL.RawQuery != "":
		p.readQuery(r.URL.RawQuery)
	case r.Method == http.MethodPost:
		body, err := readBody(r)
		if err != nil {
			return hits, err
		}
		if boundary := boundaryOf(r); boundary != "" {
			if err := p.readParts(body, boundary); err != nil {
				return hits, err
			}
		} else if isBulk(body) {
			return d.parseBulk(r, body, hits)
		} else {
			p.readQuery(string(body))
		}
		p.readQuery(r.URL.RawQuery) // the query wins
		if len(body) > 0 {
			leave(r, note{silent: p.sendImage == "0"})
		}
	default: // somebody looks whether we are there, a preflight, or a HEAD, which shows nobody a page
		return hits, nil
	}
	if p.module == "API" && (r.URL.Path == "/" || r.URL.Path == index) {
		call, err := p.api()
		leave(r, note{api: call})
		return hits, err
	}
	h := dialect.FromHeaders(r)
	keep, err := d.apply(&h, &p, r.Header.Get("Referer"))
	if err != nil || !keep {
		return hits, err
	}
	return append(hits, h), nil
}

func (d Dialect) parseBulk(r *http.Request, body []byte, hits []hit.Hit) ([]hit.Hit, error) {
	n := note{bulk: true}
	defer func() { leave(r, n) }()
	batch, err := decodeBatch(body)
	if err != nil {
		return hits, err
	}
	n.silent = batch.silent()
	hits = slices.Grow(hits, len(batch.Requests))
	sender, referer, token := dialect.FromHeaders(r), r.Header.Get("Referer"), jsonText(batch.Token)
	var asked params // token and site that were last asked for
	for i, item := range batch.Requests {
		var p params
		err := p.readItem(item)
		h, keep := sender, false
		if err == nil {
			if p.token == "" {
				p.token = token
			}
			keep, err = d.apply(&h, &p, referer)
			if !n.trusted && p.token != "" && h.Site > 0 && (p.token != asked.token || p.idsite != asked.idsite) {
				asked = p
				n.trusted = d.allowed(p.token, h.Site)
			}
		}
		h.Item = i + 1
		switch {
		case err != nil:
			hits = append(hits, hit.Hit{Item: h.Item, Invalid: err.Error()})
		case keep:
			hits = append(hits, h)
		default:
			n.ignored++
		}
	}
	return hits, nil
}

// readBody returns the unpacked body. Its error is errBody or *http.MaxBytesError.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength == 0 { // as a browser sends a page view
		return nil, nil
	}
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, bodyError(err)
		}
		return readAll(unpacked, firstUnpacked)
	}
	// It is in memory and as long as it says, with one byte more for the end to be seen.
	return readAll(r.Body, min(max(int(r.ContentLength), 0)+1, maxBody+1))
}

// firstUnpacked is how much memory an unpacked body begins with, in bytes.
const firstUnpacked = 16 << 10

// readAll reads at most maxBody bytes, into memory that begins with some bytes and grows
// fourfold: a large body is copied once or twice, and never takes twice its size.
func readAll(from io.Reader, size int) ([]byte, error) {
	data := make([]byte, 0, size)
	for {
		n, err := from.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case err == io.EOF:
			return data, nil
		case err != nil:
			return nil, bodyError(err)
		case len(data) > maxBody:
			return nil, &http.MaxBytesError{Limit: maxBody}
		case len(data) == cap(data):
			data = append(make([]byte, 0, min(4*cap(data), maxBody+1)), data...)
		}
	}
}

func bodyError(err error) error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge
	}
	return errBody
}
