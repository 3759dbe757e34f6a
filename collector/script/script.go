// Package script serves the tracker scripts that a website includes: fotspor.js, whose
// HTML it writes, with optout.js that it imports, and matomo.js for pages with Matomo's
// snippet.
package script

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"net/http"
	"strings"
	"time"

	"github.com/fotspor/fotspor/internal/httpcompress"
)

//go:generate node table.mjs

// dist is filled by the build of fotspor.ts, optout.ts and matomo.ts. It is committed empty,
// so that the Go code compiles before the scripts are built.
//
//go:embed all:dist
var dist embed.FS

// The bundles in dist.
const (
	ours   = "fotspor.js"
	optOut = "optout.js"
	matomo = "matomo.js"
)

// publicly is the Cache-Control of a script that is the same for all pages: how long, in
// seconds, a browser may use it without asking again.
const publicly = "public, max-age=3600"

var errMissing = errors.New("the tracker scripts are not in this build: run `make build`")

// telling names the bundle in the place of another, or with countObjections the one that
// tells of a visitor who objects.
func telling(name string, countObjections bool) string {
	if countObjections {
		return strings.TrimSuffix(name, ".js") + ".objections.js"
	}
	return name
}

func bundle(name string) ([]byte, error) {
	js, err := dist.ReadFile("dist/" + name)
	if err != nil {
		return nil, errMissing
	}
	return js, nil
}

// Check returns an error if the program was built without the scripts.
func Check() error {
	for _, name := range []string{ours, optOut, matomo} {
		for _, countObjections := range []bool{false, true} {
			if _, err := bundle(telling(name, countObjections)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Handler serves fotspor.js to GET and HEAD, on any path: with countObjections
// the script that tells of a visitor who objects. It answers 500 where Check returns an
// error. It is safe for concurrent use.
func Handler(countObjections bool) http.Handler {
	return serve(telling(ours, countObjections))
}

// OptOut is like Handler, and serves the module that fotspor.js imports where somebody does
// not want to be counted: it answers the server's opt-out page in a frame, and with
// countObjections tells of a visitor who objects.
func OptOut(countObjections bool) http.Handler {
	return serve(telling(optOut, countObjections))
}

// Matomo is like Handler, and serves the script that stands in for matomo.js.
func Matomo(countObjections bool) http.Handler {
	return serve(telling(matomo, countObjections))
}

// Container serves what takes the place of a script of Matomo's tag manager on pages of
// a site: the script that stands in for matomo.js, which counts the views of the page and
// its links unless the page itself names a site to _paq. It answers 500 where Check
// returns an error. It is safe for concurrent use.
func Container(w http.ResponseWriter, r *http.Request, site uint32, countObjections bool) {
	js, err := bundle(telling(matomo, countObjections))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	js = append(fmt.Appendf(nil, containerCalls, site), js...)
	header := w.Header()
	forAnyPage(header, "private, no-cache")
	header.Set("Vary", "Referer") // no shared cache knows that the page decides which site it is for
	sum := sha256.Sum256(js)
	header.Set("ETag", `W/"`+hex.EncodeToString(sum[:8])+`"`) // of all codings
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(httpcompress.Bytes(header, r, js)))
}

const containerCalls = `(window._paq=window._paq||[]).some(c=>c&&c[0]=="setSiteId")||_paq.push(["setSiteId",%d],["trackPageView"],["enableLinkTracking"]);
`

// NoContainer serves what takes the place of a script of Matomo's tag manager on pages of
// no known site, or where the request does not tell the page: it says on the console what
// to do.
func NoContainer(w http.ResponseWriter, r *http.Request) {
	forAnyPage(w.Header(), "no-store")
	why := `knows no site with this page's host. Make the site (fotspor site add)`
	if r.Header.Get("Referer") == "" {
		why = `was not told which page this is: the request had no Referer, which the page's Referrer-Policy can leave out. Allow it to name the origin, or make the site if there is none (fotspor site add)`
	}
	fmt.Fprintf(w, noContainer, why)
}

const noContainer = `console.warn("Fotspor: this page loads a container of Matomo Tag Manager. Fotspor runs none, and %s, and put the lines that it prints in place of the container's.");
`

// forAnyPage sets the headers of a script that any page may load, with or without
// crossorigin and integrity.
func forAnyPage(header http.Header, cacheControl string) {
	header.Set("Content-Type", "text/javascript; charset=utf-8")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", cacheControl)
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

// serve serves a bundle.
func serve(name string) http.Handler {
	js, err := bundle(name)
	if err != nil {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		})
	}
	static := httpcompress.NewStatic(js)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		forAnyPage(w.Header(), publicly)
		static.ServeHTTP(w, r)
	})
}

// Integrity returns the integrity metadata of fotspor.js as Handler serves it, such as
// "sha384-…", for the integrity attribute of a script element
// (https://www.w3.org/TR/SRI/): of the script before any content encoding. It returns an
// error where Check does, and is safe for concurrent use.
//
// It is for owners who pin the script on purpose: a browser that finds another
// script there, such as that of a later version, refuses it and counts nothing.
// Snippet has no integrity for that reason.
func Integrity(countObjections bool) (string, error) {
	js, err := bundle(telling(ours, countObjections))
	if err != nil {
		return "", err
	}
	sum := sha512.Sum384(js)
	return "sha384-" + base64.StdEncoding.EncodeToString(sum[:]), nil
}

// Snippet returns the HTML that counts a site, for the body of each of its pages. base
// is the public URL of the server, such as https://stats.example.org; it may be empty for
// pages of the server's own. parameters are those that tell pages of the site apart.
//
// The script names its server, which a copy of it elsewhere would not know. The image has
// its own condition, because htmx and others put the elements of a noscript element
// into pages that run scripts, where browsers load an image even if it is lazy.
func Snippet(base string, site uint32, parameters ...string) string {
	base = html.EscapeString(strings.TrimRight(base, "/"))
	var attributes string
	if base != "" {
		attributes += fmt.Sprintf(` data-server="%s"`, base)
	}
	if len(parameters) > 0 {
		attributes += fmt.Sprintf(` data-parameters="%s"`, html.EscapeString(strings.Join(parameters, ",")))
	}
	return fmt.Sprintf(`<!-- Fotspor counts page views, without cookies. -->
<script defer src="%[1]s/fotspor.js" data-site="%[2]d"%[3]s></script>
<noscript><picture><source media="(scripting: none)" srcset="%[1]s/pixel.gif?site=%[2]d"><img alt="" width="1" height="1" referrerpolicy="no-referrer-when-downgrade"></picture></noscript>
`, base, site, attributes)
}
