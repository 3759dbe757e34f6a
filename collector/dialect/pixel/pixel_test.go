package pixel_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/collector/dialect/pixel"
	"github.com/fotspor/fotspor/hit"
)

// view is what a test compares of a hit: a hit itself does not print.
type view struct {
	Site          uint32
	Kind          hit.Kind
	URL, Referrer string
	Title         string
	UserAgent     string
	Objection     bool
}

func views(hits []hit.Hit) []view {
	var vs []view
	for _, h := range hits {
		vs = append(vs, view{h.Site, h.Kind, h.URL, h.Referrer, h.Title, h.UserAgent, h.Objection || h.OptedOut})
	}
	return vs
}

func TestParse(t *testing.T) {
	tests := []struct {
		name, target string
		header       http.Header
		want         view
	}{
		{
			name:   "the page is the Referer",
			target: "/pixel.gif?site=3",
			header: http.Header{"Referer": {"https://example.org/om"}, "User-Agent": {"Mozilla/5.0"}},
			want:   view{Site: 3, Kind: hit.Pageview, URL: "https://example.org/om", UserAgent: "Mozilla/5.0"},
		},
		{
			name:   "url wins over the Referer",
			target: "/pixel.gif?site=3&url=https%3A%2F%2Fexample.org%2Fmail%3Fa%3D1&ref=https%3A%2F%2Fother.example%2F&title=Hei",
			header: http.Header{"Referer": {"https://webmail.example/"}},
			want:   view{Site: 3, Kind: hit.Pageview, URL: "https://example.org/mail?a=1", Referrer: "https://other.example/", Title: "Hei"},
		},
		{
			name:   "no page at all",
			target: "/pixel.gif?site=3",
			want:   view{Site: 3, Kind: hit.Pageview},
		},
		{
			name:   "objection",
			target: "/pixel.gif?site=3&url=/",
			header: http.Header{"Sec-Gpc": {"1"}},
			want:   view{Site: 3, Kind: hit.Pageview, URL: "/", Objection: true},
		},
		{
			name:   "a broken escape stands for itself",
			target: "/pixel.gif?site=3&url=/100%",
			want:   view{Site: 3, Kind: hit.Pageview, URL: "/100%"},
		},
		{
			name:   "the last of a name wins, and a semicolon parts nothing",
			target: "/pixel.gif?site=2&url=/a&url=/a;b&%73ite=3",
			want:   view{Site: 3, Kind: hit.Pageview, URL: "/a;b"},
		},
		{
			name:   "opted out of Matomo",
			target: "/pixel.gif?site=3&url=/",
			header: http.Header{"Cookie": {"matomo_ignore=ignore%3D%2A"}},
			want:   view{Site: 3, Kind: hit.Pageview, URL: "/", Objection: true},
		},
		{
			name:   "bounded and valid",
			target: "/pixel.gif?site=3&url=%FF" + strings.Repeat("u", 9000),
			want:   view{Site: 3, Kind: hit.Pageview, URL: "ÿ" + strings.Repeat("u", dialect.MaxURL-2)},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", tt.target, nil)
			r.Header = tt.header
			hits, _, err := pixel.Dialect{}.Parse(r, nil)
			if err != nil {
				t.Fatalf("Parse: %v", err)
			}
			if diff := cmp.Diff([]view{tt.want}, views(hits)); diff != "" {
				t.Errorf("hits (-want +got):\n%s", diff)
			}
		})
	}
}

// serve answers as the collector does, for which only site 1 exists.
func serve(w http.ResponseWriter, r *http.Request) {
	hits, reply, err := pixel.Dialect{}.Parse(r, nil)
	o := dialect.Outcome{Err: err}
	for _, h := range hits {
		if h.Site == 1 {
			o.Tracked++
		} else {
			o.Invalid = append(o.Invalid, "unknown site")
		}
	}
	reply(w, r, o)
}

func TestReply(t *testing.T) {
	const hint = "site: want the number of a site, as in /pixel.gif?site=1\n"
	mux := http.NewServeMux()
	for _, pattern := range pixel.Format.Routes[0].Patterns {
		mux.HandleFunc(pattern, serve)
	}
	tests := []struct {
		method, target string
		status         int
		text           string // instead of the image
	}{
		{"GET", "/pixel.gif?site=1", 200, ""},
		{"HEAD", "/pixel.gif?site=1", 200, ""},
		{"GET", "/pixel.gif", 400, hint},
		{"GET", "/pixel.gif?site=", 400, hint},
		{"GET", "/pixel.gif?site=0", 400, hint},
		{"GET", "/pixel.gif?site=<script>", 400, hint},
		{"GET", "/pixel.gif?site=2", 400, "unknown site\n"},
		{"POST", "/pixel.gif?site=1", 405, "Method Not Allowed\n"},
	}
	for _, tt := range tests {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(tt.method, tt.target, nil))
		if w.Code != tt.status {
			t.Errorf("%s %s: status %d, want %d", tt.method, tt.target, w.Code, tt.status)
		}
		if tt.text != "" {
			if got := w.Body.String(); got != tt.text {
				t.Errorf("%s %s: body %q, want %q", tt.method, tt.target, got, tt.text)
			}
			continue
		}
		if !bytes.Equal(w.Body.Bytes(), dialect.Pixel) {
			t.Errorf("%s %s: body is not the image", tt.method, tt.target)
		}
		for name, want := range map[string]string{
			"Content-Type": "image/gif", "Content-Length": "43", "Cache-Control": "no-store",
			"Cross-Origin-Resource-Policy": "cross-origin",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s %s: %s is %q, want %q", tt.method, tt.target, name, got, want)
			}
		}
	}
}

func TestHeadIsNoPageView(t *testing.T) {
	hits, _, err := pixel.Dialect{}.Parse(httptest.NewRequest("HEAD", "/pixel.gif?site=1", nil), nil)
	if err != nil || len(hits) != 0 {
		t.Errorf("Parse(HEAD) = %d hits, %v, want none", len(hits), err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("site=1&url=https%3A%2F%2Fexample.org%2F&ref=x", "https://example.org/")
	f.Add("site=1;url=%FF", "\xff")
	f.Fuzz(func(t *testing.T, query, referer string) {
		r := &http.Request{Method: "GET", URL: &url.URL{RawQuery: query}, Header: http.Header{"Referer": {referer}}}
		hits, _, err := pixel.Dialect{}.Parse(r, nil)
		if (err == nil) != (len(hits) == 1) {
			t.Fatalf("%d hits and error %v", len(hits), err)
		}
		for _, h := range hits {
			for _, s := range []string{h.URL, h.Referrer} {
				if len(s) > dialect.MaxURL || !utf8.ValidString(s) {
					t.Errorf("%q: too long or not UTF-8", s)
				}
			}
		}
	})
}

// typical is a page view as a mail or a page without a script sends it.
func typical() *http.Request {
	r := httptest.NewRequest("GET", "/pixel.gif?site=3&url=https%3A%2F%2Fexample.org%2Fom-oss%3Fa%3Db&ref=https%3A%2F%2Fother.example%2F&title=Om+oss", nil)
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	r.Header.Set("Accept-Language", "nb-NO,nb;q=0.9")
	return r
}

func TestAllocations(t *testing.T) {
	r, buffer := typical(), make([]hit.Hit, 0, 1)
	if got := testing.AllocsPerRun(100, func() { pixel.Dialect{}.Parse(r, buffer) }); got > 3 {
		t.Errorf("%v allocations, want three strings", got)
	}
}

func BenchmarkParse(b *testing.B) {
	r, buffer := typical(), make([]hit.Hit, 0, 1)
	b.ReportAllocs()
	for b.Loop() {
		if hits, _, err := (pixel.Dialect{}).Parse(r, buffer); err != nil || len(hits) != 1 {
			b.Fatal(len(hits), err)
		}
	}
}
