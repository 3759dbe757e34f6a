// Package dialect defines what all wire formats of the collector share: how a request
// becomes hits, and how it is answered. Each format is a package below it.
package dialect

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/site"
)

// The longest strings of a hit, in bytes; the rest is cut off. URLs and other texts about
// a page are longer than the fields of a row, so that all that may be stored of them is
// scrubbed before it is cut to the length of the field.
const (
	MaxURL  = 8 << 10 // of URLs, and of names of events and searches
	MaxText = 1024    // of headers
)

// Format is one wire format of trackers. The routes of the collector, its metrics, the
// busy paths of package plainhttp and the proxies' files in deploy are derived from it.
type Format struct {
	Name   string // label of its hits in metrics
	Routes []Route
	New    func(Host) Dialect
}

// Route is one kind of address that the collector answers.
type Route struct {
	Name     string   // label in metrics of requests
	Patterns []string // in net/http's syntax
	Busy     bool     // trackers request it all the time, so package plainhttp serves it
	// Glob is the path that proxies send to the collector, with * for any text, if it is
	// narrower than the wildcards of Patterns. Usually "".
	Glob string
	// Handler returns what answers the requests. hits records the hits that the Dialect
	// reads. nil: hits answers all requests.
	Handler func(host Host, hits http.Handler) http.Handler
}

// Host is what a dialect may ask of its collector. Its functions are safe for concurrent
// use.
type Host struct {
	Now func() time.Time

	CountObjections bool // as privacy.Policy has it
	// Heeds reports whether the browser's objections count for a site, or for all if there is none
	// with that number.
	Heeds func(site uint32) bool

	PublicURL func() baseurl.URL // how browsers reach the server; nil or zero: as the request says

	// Allowed reports whether the holder of a secret may set the address, place and time
	// of a site's hits. The secret may be "".
	Allowed func(secret string, site uint32) bool
	// SitesOf returns the sites that a secret allows, nil if there is no credential with
	// it. Each call counts against the limit of the sender of r; beyond that it returns
	// ErrTooMany.
	SitesOf func(r *http.Request, secret string) ([]site.Site, error)
	// SiteOf returns id if there is a site with that number, or else the number of the
	// site that has the host of a page. The page may be "".
	SiteOf func(id uint32, page string) (uint32, bool)
}

// Dialect reads one wire format. It is safe for concurrent use.
type Dialect interface {
	// Parse appends the hits of a request to hits, and returns them with the reply to the
	// request, which is never nil. The body of the request is bounded and in memory; a
	// body that could not be read fails with the first byte. Hits must not share memory
	// with the body. The collector sets their address and time if these are zero. A hit
	// with a text in Invalid stands for one item of a batch that can't be recorded. An
	// error means that nothing of the request can be recorded, and no hit is appended. The
	// error holds no address and no token, since the client reads it.
	Parse(r *http.Request, hits []hit.Hit) ([]hit.Hit, Reply, error)
}

// Reply answers the request r of a Parse.
type Reply func(w http.ResponseWriter, r *http.Request, o Outcome)

// ErrUnavailable is the Outcome.Err of a request whose hits can't be kept right
// now. The client may send them again.
var ErrUnavailable = errors.New("no space for hits right now")

// ErrTooMany is the Outcome.Err of a request from a network that sends too much.
// The client may send it again later.
var ErrTooMany = errors.New("too many hits from this network")

// ErrSlow is the Outcome.Err of a request whose body did not come in time.
var ErrSlow = errors.New("the body came too slowly")

// Outcome is the result of a request.
type Outcome struct {
	Err     error    // from Parse, or ErrUnavailable, ErrTooMany or ErrSlow; the rest is zero then
	Tracked int      // number of hits recorded, or excluded on purpose, which trackers can't tell apart
	Invalid []string // the reason for each hit that could not be recorded
	Items   []int    // the number in the batch for each of these, from 1, or 0
}

// Status returns the HTTP status of the outcome of a request with one hit: 413
// if its body was too large, 408 if the body came too slowly, 429 if its network sends too
// much, 503 if it can't be kept right now, 400 if the hit can't be recorded, else 200.
func (o Outcome) Status() int {
	switch {
	case o.Err == nil && len(o.Invalid) == 0:
		return http.StatusOK
	case errors.Is(o.Err, ErrUnavailable):
		return http.StatusServiceUnavailable
	case errors.Is(o.Err, ErrTooMany):
		return http.StatusTooManyRequests
	case errors.Is(o.Err, ErrSlow):
		return http.StatusRequestTimeout
	}
	if _, ok := errors.AsType[*http.MaxBytesError](o.Err); ok {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// Reason returns why the request was refused, in one line, or "".
func (o Outcome) Reason() string {
	switch {
	case o.Err != nil:
		return o.Err.Error()
	case len(o.Invalid) > 0:
		return o.Invalid[0]
	}
	return ""
}

// FromHeaders returns a hit with what the headers of a request say of its sender, which is
// the same in all formats: browser, hints, language, objection, prefetch.
func FromHeaders(r *http.Request) hit.Hit {
	h := r.Header
	return hit.Hit{
		UserAgent: Clean(first(h, "User-Agent"), MaxText),
		Hints: hit.Hints{
			Brands:   Clean(first(h, "Sec-Ch-Ua"), MaxText),
			Mobile:   Clean(first(h, "Sec-Ch-Ua-Mobile"), MaxText),
			Platform: Clean(first(h, "Sec-Ch-Ua-Platform"), MaxText),
		},
		Language:  Clean(strings.Join(h["Accept-Language"], ","), MaxText),
		Objection: Objects(h),
		OptedOut:  OptedOut(h),
		Prefetch: strings.Contains(first(h, "Sec-Purpose"), "prefetch") || first(h, "Purpose") == "prefetch" ||
			first(h, "X-Moz") == "prefetch" || first(h, "X-Purpose") == "preview" || first(h, "X-Purpose") == "instant",
	}
}

// first is h.Get for a name in net/http's canonical spelling. It saves canonicalising a
// dozen names for every request.
func first(h http.Header, name string) string {
	if values := h[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// Objects reports whether a header says that a person objects. In Sec-GPC this is 1
// (https://w3c.github.io/gpc/), in DNT 1 with any extension after it
// (https://www.w3.org/TR/tracking-dnt/, section 5.2). Some proxies add lines or list
// members: one that objects is enough.
func Objects(h http.Header) bool {
	for _, line := range h["Sec-Gpc"] {
		for value := range strings.SplitSeq(line, ",") {
			if strings.Trim(value, " \t") == "1" {
				return true
			}
		}
	}
	return refuses(h["Dnt"]) || refuses(h["X-Do-Not-Track"])
}

func refuses(dnt []string) bool {
	for _, line := range dnt {
		for value := range strings.SplitSeq(line, ",") {
			if strings.HasPrefix(strings.TrimLeft(value, " \t"), "1") {
				return true
			}
		}
	}
	return false
}

// OptedOut reports whether a browser sends one of the cookies by which Matomo, and this
// server's own opt-out, remember that a person does not want to be counted. An empty cookie
// does not count. Nothing of a cookie is kept.
func OptedOut(h http.Header) bool {
	for _, line := range h["Cookie"] {
		for cookie := range strings.SplitSeq(line, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(cookie), "=")
			switch name {
			case "matomo_ignore", "piwik_ignore", "mtm_consent_removed":
				if value != "" {
					return true
				}
			}
		}
	}
	return false
}

// Site reads a site id: a decimal number from 1.
func Site(s string) (uint32, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	return uint32(n), err == nil && n > 0
}

// Pixel is the smallest transparent GIF that every browser shows, 43 bytes. It is
// identical to that of Matomo's tracker.
var Pixel = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b")

// SetHeaders sets the headers that every answer of a dialect has.
func SetHeaders(header http.Header) {
	header["Cross-Origin-Resource-Policy"], header["X-Content-Type-Options"] = crossOrigin, noSniff
}

// NoStore is the Cache-Control of an answer to a GET. All answers share it, so it must not
// be changed.
var NoStore = []string{"no-store"}

var (
	crossOrigin = []string{"cross-origin"}
	noSniff     = []string{"nosniff"}
	pixelType   = []string{"image/gif"}
	pixelLength = []string{strconv.Itoa(len(Pixel))}
)

// WritePixel answers with Pixel and status 200.
func WritePixel(w http.ResponseWriter) {
	header := w.Header()
	header["Content-Type"], header["Content-Length"] = pixelType, pixelLength
	w.Write(Pixel)
}
