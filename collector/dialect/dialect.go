// Package dialect says what every wire format of the collector shares: how a
// request becomes hits, and how it is answered. One package below it per format.
package dialect

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fotspor/fotspor/hit"
)

// Longest strings that a hit keeps, in bytes; the rest is cut off.
const (
	MaxURL  = 2048
	MaxText = 1024
)

// Dialect is one wire format of trackers. Its methods are safe for concurrent
// use; Reply is given the same request as Parse, which may leave notes for it
// in the request's context.
type Dialect interface {
	// Name is the format's name in metrics.
	Name() string
	// Patterns are the routes it answers, in net/http's syntax.
	Patterns() []string
	// Parse reads the hits of a request, whose body is already bounded. The
	// collector settles their address, and their time where it is zero. A hit
	// with site 0 stands for one item of a batch that can't be recorded. An
	// error means that nothing of the request can be recorded.
	Parse(r *http.Request) ([]hit.Hit, error)
	// Reply answers the request.
	Reply(w http.ResponseWriter, r *http.Request, o Outcome)
}

// ErrUnavailable is the Outcome.Err of a request whose hits can't be kept right
// now; whoever sent them may send them again.
var ErrUnavailable = errors.New("no room for hits right now")

// Outcome is what became of a request.
type Outcome struct {
	Err     error    // from Parse, or ErrUnavailable; the rest is empty then
	Tracked int      // hits recorded, or left out on purpose, which looks the same
	Invalid []string // for each hit that could not be recorded, why
}

// Status returns the HTTP status of the outcome of a request with one hit: 413
// if its body was larger than the bound, 503 if it can't be kept right now, 400
// if the hit can't be recorded, otherwise 200.
func (o Outcome) Status() int {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(o.Err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(o.Err, ErrUnavailable):
		return http.StatusServiceUnavailable
	case o.Err != nil, len(o.Invalid) > 0:
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// Reason returns one line that says why the request was refused, or "".
func (o Outcome) Reason() string {
	switch {
	case o.Err != nil:
		return o.Err.Error()
	case len(o.Invalid) > 0:
		return o.Invalid[0]
	}
	return ""
}

// FromHeaders returns a hit that holds what the headers of a request say of its
// sender, whatever the format: browser, hints, language, objection, prefetch.
func FromHeaders(r *http.Request) hit.Hit {
	// Every name is spelled as net/http stores it, which spares a conversion.
	h := r.Header
	return hit.Hit{
		UserAgent: Clean(h.Get("User-Agent"), MaxText),
		Hints: hit.Hints{
			Brands:   Clean(h.Get("Sec-Ch-Ua"), MaxText),
			Mobile:   Clean(h.Get("Sec-Ch-Ua-Mobile"), MaxText),
			Platform: Clean(h.Get("Sec-Ch-Ua-Platform"), MaxText),
		},
		Language: Clean(h.Get("Accept-Language"), MaxText),
		// https://w3c.github.io/gpc/ and https://www.w3.org/TR/tracking-dnt/
		Objection: h.Get("Sec-Gpc") == "1" || h.Get("Dnt") == "1" || h.Get("X-Do-Not-Track") == "1",
		Prefetch: strings.Contains(h.Get("Sec-Purpose"), "prefetch") || h.Get("Purpose") == "prefetch" ||
			h.Get("X-Moz") == "prefetch" || h.Get("X-Purpose") == "preview" || h.Get("X-Purpose") == "instant",
	}
}

// Site reads a site id: a decimal number from 1.
func Site(s string) (uint32, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	return uint32(n), err == nil && n > 0
}

// Clean returns s as valid UTF-8 of at most limit bytes, cut between characters.
func Clean(s string, limit int) string {
	if len(s) > limit {
		for limit > 0 && !utf8.RuneStart(s[limit]) {
			limit--
		}
		s = s[:limit]
	}
	return strings.ToValidUTF8(s, "")
}

// Pixel is the smallest transparent GIF that every browser shows, 43 bytes,
// byte for byte the one that Matomo's tracker answers with.
var Pixel = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b")
