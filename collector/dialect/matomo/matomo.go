// Package matomo reads Matomo's tracking API, so that every Matomo tracker can
// send here: /matomo.php and /piwik.php, by query, form, bulk JSON and gzip.
//
// What it doesn't keep (visitor ids, user ids, titles, screen sizes, custom
// variables and dimensions, orders) it accepts and forgets while reading.
// See https://developer.matomo.org/api-reference/tracking-api.
package matomo

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
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
	Now func() time.Time // the clock that the time of a hit (cdt) is held against; nil: time.Now
}

var _ dialect.Dialect = Dialect{}

func (d Dialect) now() time.Time {
	if d.Now == nil {
		return time.Now()
	}
	return d.Now()
}

// Name implements dialect.Dialect.
func (Dialect) Name() string { return "matomo" }

// Patterns implements dialect.Dialect.
func (Dialect) Patterns() []string {
	return []string{
		"GET /matomo.php", "POST /matomo.php", "OPTIONS /matomo.php",
		"GET /piwik.php", "POST /piwik.php", "OPTIONS /piwik.php",
	}
}

// note is what Parse learns from a body that Reply needs to know.
type note struct {
	bulk    bool // answer as to a bulk request
	silent  bool // send_image=0: no image, no text
	ignored int  // items of a bulk request that rightly left no hit
}

type noteKey struct{}

func leave(r *http.Request, n note) {
	*r = *r.WithContext(context.WithValue(r.Context(), noteKey{}, n))
}

// Parse returns the hits of a request: at most one, except of a bulk request.
// What a request asks to ignore, or what isn't kept, leaves none.
func (d Dialect) Parse(r *http.Request) ([]hit.Hit, error) {
	var p params
	switch r.Method {
	case http.MethodGet:
		p.read(r.URL.RawQuery)
	case http.MethodPost:
		body, err := readBody(r)
		if err != nil {
			return nil, err
		}
		if isBulk(body) {
			return d.parseBulk(r, body)
		}
		p.read(string(body))
		p.read(r.URL.RawQuery) // the query wins
		leave(r, note{silent: p.sendImage == "0"})
	default: // a preflight, or a HEAD, which shows nobody a page
		return nil, nil
	}
	h := dialect.FromHeaders(r)
	keep, err := d.apply(&h, &p, r.Header.Get("Referer"))
	if err != nil || !keep {
		return nil, err
	}
	return []hit.Hit{h}, nil
}

func (d Dialect) parseBulk(r *http.Request, body []byte) ([]hit.Hit, error) {
	n := note{bulk: true}
	defer func() { leave(r, n) }()
	batch, err := decodeBatch(body)
	if err != nil {
		return nil, err
	}
	n.silent = batch.silent() || asksSilence(r.URL.RawQuery)
	hits := make([]hit.Hit, 0, len(batch.Requests))
	sender := dialect.FromHeaders(r)
	for _, item := range batch.Requests {
		var p params
		switch p.readItem(item) {
		case itemSkipped:
			continue
		case itemInvalid:
			hits = append(hits, hit.Hit{})
			continue
		}
		h := sender
		switch keep, err := d.apply(&h, &p, r.Header.Get("Referer")); {
		case err != nil:
			hits = append(hits, hit.Hit{})
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
	var src io.Reader = r.Body
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		unpacked, err := gzip.NewReader(src)
		if err != nil {
			return nil, bodyError(err)
		}
		src = unpacked
	}
	body, err := io.ReadAll(io.LimitReader(src, maxBody+1))
	if err != nil {
		return nil, bodyError(err)
	}
	if len(body) > maxBody {
		return nil, &http.MaxBytesError{Limit: maxBody}
	}
	return body, nil
}

func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return tooLarge
	}
	return errBody
}

// isBulk recognises a bulk request as Matomo does: by content, since browsers
// send it under the content type of a form.
func isBulk(body []byte) bool {
	return bytes.Contains(body, []byte(`"requests"`)) || bytes.Contains(body, []byte(`'requests'`))
}
