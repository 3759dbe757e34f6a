// Package matomo reads Matomo's tracking API, so that every Matomo tracker can
// send here: /matomo.php and its other names, by query, form, bulk JSON and gzip.
//
// What it doesn't keep (visitor ids, user ids, screen sizes, custom variables and
// dimensions, orders) it accepts and forgets while reading.
// See https://developer.matomo.org/api-reference/tracking-api.
package matomo

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/site"
)

// Bounds of the memory that one request takes.
const (
	maxBody  = 4 << 20 // bytes, once unpacked
	maxItems = 2000    // items of a bulk request; ten times as many as the log importer sends
)

// errBody replaces every error of reading a body, since errors of the network hold the
// address of the visitor.
var errBody = errors.New("body: incomplete, or not the gzip that its header says")

// Dialect is Matomo's wire format. The zero value is ready for use.
type Dialect struct {
	// Now is the clock with which the time of a hit (cdt, cdo) is compared; nil: time.Now.
	Now func() time.Time

	// CountObjections makes our own script's message that a visitor objects (objection=1) a
	// page view with an objection. Without it the message leaves no hit.
	CountObjections bool

	// Allowed reports whether the holder of a token may send where a visitor of a site is
	// (cip, country, region, city, lat, long), and hits of more than 24 hours ago. It is
	// called only for a hit that does one of these; the hit is invalid if it returns false.
	// The token may be "". It must be safe for concurrent use; nil: no token is valid.
	Allowed func(token string, site uint32) bool

	// SitesOf is dialect.Host.SitesOf; nil: no token is valid.
	SitesOf func(r *http.Request, token string) ([]site.Site, error)
}

func (d Dialect) now() time.Time {
	if d.Now == nil {
		return time.Now()
	}
	return d.Now()
}

func (d Dialect) allowed(token string, site uint32) bool {
	return d.Allowed != nil && d.Allowed(token, site)
}

// Parse appends the hits of a request: at most one, unless it is a bulk request. A request
// that asks to be ignored, or of a kind that isn't kept, has no hit. Errors hold no token and
// no address.
func (d Dialect) Parse(r *http.Request, hits []hit.Hit) ([]hit.Hit, dialect.Reply, error) {
	var p params
	reply := asQuerySays
	switch {
	case r.Method == http.MethodGet && r.URL.RawQuery != "":
		p.readQuery(r.URL.RawQuery)
	case r.Method == http.MethodPost:
		body, err := readBody(r)
		if err != nil {
			return hits, reply, err
		}
		if boundary := boundaryOf(r); boundary != "" {
			if err := p.readParts(body, boundary); err != nil {
				return hits, reply, err
			}
		} else if isBulk(body) {
			return d.parseBulk(r, body, hits)
		} else {
			p.readQuery(string(body))
		}
		p.readQuery(r.URL.RawQuery) // the query wins
		if reply = withImage; p.sendImage == "0" {
			reply = withoutImage
		}
	default: // a check whether the endpoint exists, a preflight, or a HEAD, which shows no page
		return hits, reply, nil
	}
	if p.module == "API" && (r.URL.Path == "/" || r.URL.Path == index) {
		call, err := p.api()
		return hits, answering(func(w http.ResponseWriter, r *http.Request, o dialect.Outcome) { d.replyAPI(w, r, call, o) }), err
	}
	h := dialect.FromHeaders(r)
	keep, err := d.apply(&h, &p, r.Header.Get("Referer"))
	if err != nil || !keep {
		return hits, reply, err
	}
	return append(hits, h), reply, nil
}

// bulk is what the answer to a bulk request depends on.
type bulk struct {
	trusted bool // has a valid token: the answer names the bad items
	silent  bool // send_image=0: the answer has no text
	ignored int  // number of valid items without a hit
}

func (d Dialect) parseBulk(r *http.Request, body []byte, hits []hit.Hit) ([]hit.Hit, dialect.Reply, error) {
	n := new(bulk)
	reply := answering(func(w http.ResponseWriter, _ *http.Request, o dialect.Outcome) { replyBulk(w, o, n) })
	batch, err := decodeBatch(body)
	if err != nil {
		return hits, reply, err
	}
	n.silent = batch.silent()
	hits = slices.Grow(hits, len(batch.Requests))
	sender, referer, token := dialect.FromHeaders(r), r.Header.Get("Referer"), jsonText(batch.Token)
	var asked params // the token and site of the last call of d.allowed
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
	return hits, reply, nil
}

// readBody returns the body, decompressed. Its error is errBody or *http.MaxBytesError.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength == 0 { // page views of browsers
		return nil, nil
	}
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, bodyError(err)
		}
		return readAll(unpacked, firstUnpacked)
	}
	// The body is in memory and has the length that it says. One byte more lets Read
	// return the end.
	return readAll(r.Body, min(max(int(r.ContentLength), 0)+1, maxBody+1))
}

// firstUnpacked is the first capacity in bytes for a decompressed body.
const firstUnpacked = 16 << 10

// readAll reads at most maxBody bytes, into a buffer that begins with capacity size and grows
// fourfold, so that a large body is copied only once or twice.
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
