package demo_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/fotspor/fotspor/app/demo"
	"github.com/fotspor/fotspor/internal/baseurl"
)

// paths are all pages.
var paths = []string{
	"/demo", "/demo/plain", "/demo/app", "/demo/app/way", "/demo/app/there",
	"/demo/articles/salt", "/demo/articles/address", "/demo/articles/sums",
}

const base = "https://stats.example.org"

func get(t *testing.T, h http.Handler, target string, header http.Header) *http.Response {
	t.Helper()
	r := httptest.NewRequest("GET", target, nil)
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func document(t *testing.T, h http.Handler, target string, header http.Header) *goquery.Document {
	t.Helper()
	resp := get(t, h, target, header)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d", target, resp.StatusCode)
	}
	doc, err := goquery.NewDocumentFromReader(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	return doc
}

// Every page, in every language, is whole, tracks itself once, and leads nowhere
// but to what exists.
func TestPages(t *testing.T) {
	h := demo.Handler(baseurl.MustParse(base), 3)
	titles := map[string]string{}
	for _, lang := range []string{"en", "nb", "nn"} {
		for _, path := range paths {
			target := path + "?lang=" + lang
			doc := document(t, h, target, nil)
			if got := doc.Find("html").AttrOr("lang", ""); got != lang {
				t.Errorf("%s: lang is %q", target, got)
			}
			if doc.Find("h1").Length() != 1 || doc.Find("main p").Length() < 2 {
				t.Errorf("%s: no heading or no text", target)
			}
			title := doc.Find("title").Text()
			if other, ok := titles[title]; ok && !strings.HasPrefix(path, "/demo/app") {
				t.Errorf("%s and %s share the title %q", target, other, title)
			}
			titles[title] = target

			scripts := doc.Find(`script[src="` + base + `/fotspor.js"][data-site="3"]`).Length()
			pixels := doc.Find(`body > img[src="` + base + `/pixel.gif?site=3"]`).Length()
			if path == "/demo/plain" {
				if scripts != 0 || pixels != 1 || doc.Find("script").Length() != 0 {
					t.Errorf("%s: %d trackers and %d pixels, want the pixel alone", target, scripts, pixels)
				}
			} else if scripts != 1 || pixels != 0 {
				t.Errorf("%s: %d trackers and %d pixels outside noscript, want one tracker", target, scripts, pixels)
			}
			followLinks(t, h, doc, target, lang)
		}
	}
}

func followLinks(t *testing.T, h http.Handler, doc *goquery.Document, target, lang string) {
	t.Helper()
	page, err := url.Parse(base + target)
	if err != nil {
		t.Fatal(err)
	}
	doc.Find("[href], [src]").Each(func(_ int, s *goquery.Selection) {
		link := s.AttrOr("href", s.AttrOr("src", ""))
		u, err := page.Parse(link)
		if err != nil {
			t.Errorf("%s: link %q: %v", target, link, err)
			return
		}
		switch u.Path {
		case "/sites/3", "/privacy/3/what", "/fotspor.js", "/pixel.gif":
			return // served by others
		}
		if resp := get(t, h, u.RequestURI(), nil); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: link %q: status %d", target, link, resp.StatusCode)
		}
		if s.Is("a:not(.lang):not(.skip)") && u.Query().Get("lang") != lang {
			t.Errorf("%s: link %q forgets the language", target, link)
		}
	})
}

func TestLanguage(t *testing.T) {
	h := demo.Handler(baseurl.MustParse(base), 3)
	tests := []struct{ query, accept, want string }{
		{"", "", "en"},
		{"", "nb-NO,nb;q=0.9,no;q=0.8,en;q=0.5", "nb"},
		{"", "nn", "nn"},
		{"", "en;q=0.3, nb;q=0.9", "nb"},
		{"?lang=nn", "nb", "nn"},
		{"", "no", "nb"},
		{"", "de, en-GB;q=0.8, nb;q=0.5", "en"},
		{"", "sv, nb;q=0.5", "nb"},
		{"", "fr", "en"},
		{"", ";,;=-", "en"},
		{"?lang=nb", "en", "nb"},
		{"?lang=en", "nb", "en"},
		{"?lang=<b>", "nb", "nb"},
	}
	for _, tt := range tests {
		doc := document(t, h, "/demo"+tt.query, http.Header{"Accept-Language": {tt.accept}})
		if got := doc.Find("html").AttrOr("lang", ""); got != tt.want {
			t.Errorf("%s with Accept-Language %q: %q, want %q", tt.query, tt.accept, got, tt.want)
		}
	}
}

func TestObjectionIsSeen(t *testing.T) {
	h := demo.Handler(baseurl.MustParse(base), 3)
	for _, lang := range []string{"en", "nb", "nn"} {
		target := "/demo?lang=" + lang
		counted := document(t, h, target, nil)
		objects := document(t, h, target, http.Header{"Sec-Gpc": {"1"}})
		if counted.Find("dl").Length() != 1 || objects.Find("dl").Length() != 0 {
			t.Errorf("%s: what was noted is shown to the wrong visitor", target)
		}
		if a, b := counted.Find(".listed h2").Text(), objects.Find(".listed h2").Text(); a == b {
			t.Errorf("%s: both visitors read %q", target, a)
		}
	}
}

func TestPolicy(t *testing.T) {
	for base, want := range map[string]string{
		"":                          "'self'",
		"https://stats.example.org": "'self' https://stats.example.org",
		"https://example.org:8443/": "'self' https://example.org:8443",
	} {
		policy := get(t, demo.Handler(baseurl.MustParse(base), 1), "/demo", nil).Header.Get("Content-Security-Policy")
		for _, directive := range []string{"script-src", "connect-src", "img-src"} {
			if !strings.Contains(policy, "; "+directive+" "+want+";") {
				t.Errorf("base %q: policy %q, want %s %s", base, policy, directive, want)
			}
		}
		if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") {
			t.Errorf("base %q: policy %q is not strict", base, policy)
		}
	}
}

// What is shown to be pasted elsewhere is never a relative address.
func TestShownSnippet(t *testing.T) {
	tests := []struct {
		base, host, proto, want string
	}{
		{"", "example.org", "", "http://example.org/"},
		{"", "example.org", "https", "https://example.org/"},
		{base, "inner:8080", "", base + "/"},
	}
	for _, tt := range tests {
		for path, file := range map[string]string{"/demo": "fotspor.js", "/demo/plain": "pixel.gif?site=3"} {
			r := httptest.NewRequest("GET", path, nil)
			r.Host = tt.host
			r.Header.Set("X-Forwarded-Proto", tt.proto)
			w := httptest.NewRecorder()
			demo.Handler(baseurl.MustParse(tt.base), 3).ServeHTTP(w, r)
			doc, err := goquery.NewDocumentFromReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			shown, err := goquery.NewDocumentFromReader(strings.NewReader(doc.Find("pre").Text()))
			if err != nil {
				t.Fatal(err)
			}
			if got := shown.Find("script, img").First().AttrOr("src", ""); got != tt.want+file {
				t.Errorf("base %q, host %q: %s shows %q, want %q", tt.base, tt.host, path, got, tt.want+file)
			}
		}
	}
}

func TestNotFound(t *testing.T) {
	h := demo.Handler(baseurl.MustParse(base), 3)
	for _, path := range []string{"/demo/nothing", "/demo/articles/", "/demo/nb/home.html", "/demo/layout.html", "/"} {
		if resp := get(t, h, path, nil); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, resp.StatusCode)
		}
	}
	resp := get(t, h, "/demo/", nil)
	if resp.StatusCode != http.StatusMovedPermanently || resp.Header.Get("Location") != "/demo" {
		t.Errorf("/demo/: %d to %q, want 301 to /demo", resp.StatusCode, resp.Header.Get("Location"))
	}
}
