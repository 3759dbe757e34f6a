package script_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/fotspor/fotspor/collector/script"
)

// maxPacked is the promise of a script that nobody notices, in bytes.
const maxPacked = 1250

// missing skips a test that needs something which isn't there, or fails it
// where all of it must be.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip("SKIPPED: " + what)
}

func needScript(t *testing.T) {
	t.Helper()
	if err := script.Check(); err != nil {
		missing(t, err.Error())
	}
}

func get(t *testing.T, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("GET", "/fotspor.js", nil)
	r.Header = header
	w := httptest.NewRecorder()
	script.Handler(false).ServeHTTP(w, r)
	return w
}

func TestHandler(t *testing.T) {
	needScript(t)
	plain := get(t, http.Header{})
	packed := get(t, http.Header{"Accept-Encoding": {"gzip, deflate, br"}})

	if n := packed.Body.Len(); n > maxPacked {
		t.Errorf("script is %d bytes packed, want at most %d", n, maxPacked)
	} else {
		t.Logf("script is %d bytes, %d packed", plain.Body.Len(), n)
	}
	r := httptest.NewRequest("GET", "/fotspor.js", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	counting := httptest.NewRecorder()
	script.Handler(true).ServeHTTP(counting, r)
	if n := counting.Body.Len(); n > maxPacked {
		t.Errorf("script that counts objections is %d bytes packed, want at most %d", n, maxPacked)
	}
	if e := packed.Header().Get("Content-Encoding"); e != "gzip" {
		t.Errorf("Content-Encoding is %q, want gzip", e)
	}
	if e := plain.Header().Get("Content-Encoding"); e != "" {
		t.Errorf("Content-Encoding is %q though nobody asked for it", e)
	}
	unpacker, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(unpacker)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(unpacked, plain.Body.Bytes()) {
		t.Error("packed and plain script differ")
	}
	if a, b := packed.Header().Get("ETag"), plain.Header().Get("ETag"); a == b || a == "" || b == "" {
		t.Errorf("ETag of packed and plain: %s and %s, want two", a, b)
	}
	for name, want := range map[string]string{
		"Content-Type":                 "text/javascript; charset=utf-8",
		"Cache-Control":                "public, max-age=3600",
		"Vary":                         "Accept-Encoding",
		"Access-Control-Allow-Origin":  "*",
		"Cross-Origin-Resource-Policy": "cross-origin",
	} {
		if got := packed.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestIntegrity(t *testing.T) {
	needScript(t)
	for _, countObjections := range []bool{false, true} {
		got, err := script.Integrity(countObjections)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		script.Handler(countObjections).ServeHTTP(w, httptest.NewRequest("GET", "/fotspor.js", nil))
		sum := sha512.Sum384(w.Body.Bytes())
		if want := "sha384-" + base64.StdEncoding.EncodeToString(sum[:]); got != want {
			t.Errorf("Integrity(%t) = %q, want %q", countObjections, got, want)
		}
	}
	if strings.Contains(script.Snippet("https://stats.example.org", 1), "integrity") {
		t.Error("the snippet is pinned to this version")
	}
}

// The scripts can't keep what they can't name. The one cookie that they name is that of
// somebody who doesn't want to be counted.
func TestNoStorage(t *testing.T) {
	needScript(t)
	for name, handler := range map[string]http.Handler{"fotspor.js": script.Handler(false), "optout.js": script.OptOut(false), "matomo.js": script.Matomo(false)} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", "/"+name, nil))
		if w.Code != http.StatusOK {
			t.Fatalf("%s: status %d", name, w.Code)
		}
		body := w.Body.String()
		for _, word := range []string{"cookieStore", "localStorage", "sessionStorage", "indexedDB", "caches", "serviceWorker", "window.name"} {
			if strings.Contains(body, word) {
				t.Errorf("%s mentions %s", name, word)
			}
		}
		if set, choices := strings.Count(body, "document.cookie="), strings.Count(body, "max-age="); set > choices {
			t.Errorf("%s sets %d cookies, of which %d are the choice not to be counted", name, set, choices)
		}
	}
}

func TestHandlerNotModified(t *testing.T) {
	needScript(t)
	tag := get(t, http.Header{}).Header().Get("ETag")
	w := get(t, http.Header{"If-None-Match": {tag}})
	if w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("%d with %d bytes, want 304 without", w.Code, w.Body.Len())
	}
}

func TestSnippet(t *testing.T) {
	tests := []struct {
		base                       string
		site                       uint32
		parameters                 []string
		script                     string
		data, server, names, image string
	}{
		{"https://stats.example.org", 1, nil, "https://stats.example.org/fotspor.js", "1", "https://stats.example.org", "none", "https://stats.example.org/pixel.gif?site=1"},
		{"https://example.org/stats/", 42, []string{"id"}, "https://example.org/stats/fotspor.js", "42", "https://example.org/stats", "id", "https://example.org/stats/pixel.gif?site=42"},
		{"", 3, []string{"tx_news[id]", `"><b>`}, "/fotspor.js", "3", "none", `tx_news[id],"><b>`, "/pixel.gif?site=3"},
		{`https://x.example/"><b>--><b>`, 3, nil, `https://x.example/"><b>--><b>/fotspor.js`, "3", `https://x.example/"><b>--><b>`, "none", `https://x.example/"><b>--><b>/pixel.gif?site=3`},
	}
	for _, tt := range tests {
		snippet := script.Snippet(tt.base, tt.site, tt.parameters...)
		// A parser without scripting reads the noscript element as HTML.
		doc, err := goquery.NewDocumentFromReader(strings.NewReader("<body>" + strings.NewReplacer("<noscript>", "<div>", "</noscript>", "</div>").Replace(snippet)))
		if err != nil {
			t.Fatal(err)
		}
		s, img := doc.Find("body > script[defer]"), doc.Find("body > div > picture > source + img")
		if s.Length() != 1 || img.Length() != 1 || doc.Find("b").Length() > 0 {
			t.Fatalf("Snippet(%q) is not one script and one image:\n%s", tt.base, snippet)
		}
		if got := s.AttrOr("src", ""); got != tt.script {
			t.Errorf("Snippet(%q): script %q, want %q", tt.base, got, tt.script)
		}
		if got := s.AttrOr("data-site", ""); got != tt.data {
			t.Errorf("Snippet(%q): data-site %q, want %q", tt.base, got, tt.data)
		}
		if got := s.AttrOr("data-server", "none"); got != tt.server {
			t.Errorf("Snippet(%q): data-server %q, want %q", tt.base, got, tt.server)
		}
		if got := s.AttrOr("data-parameters", "none"); got != tt.names {
			t.Errorf("Snippet(%q): data-parameters %q, want %q", tt.base, got, tt.names)
		}
		source := img.Prev()
		if got := source.AttrOr("srcset", ""); got != tt.image {
			t.Errorf("Snippet(%q): image %q, want %q", tt.base, got, tt.image)
		}
		if _, ok := img.Attr("src"); ok || source.AttrOr("media", "") != "(scripting: none)" {
			t.Errorf("Snippet(%q): image is loaded where scripts run, too:\n%s", tt.base, snippet)
		}
		if img.AttrOr("alt", "none") != "" || img.AttrOr("referrerpolicy", "") != "no-referrer-when-downgrade" {
			t.Errorf("Snippet(%q): image lacks its empty alt or its referrerpolicy:\n%s", tt.base, snippet)
		}
	}
}
