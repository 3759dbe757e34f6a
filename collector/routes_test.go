package collector_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/fotspor/fotspor/collector"
	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/hit"
)

// carrier is a made-up wire format: each byte of a body is the view of a page.
type carrier struct{}

func (carrier) Parse(r *http.Request, hits []hit.Hit) ([]hit.Hit, dialect.Reply, error) {
	reply := func(w http.ResponseWriter, _ *http.Request, o dialect.Outcome) { w.WriteHeader(o.Status() + 1) }
	var page [1]byte
	if n, err := r.Body.Read(page[:]); n == 0 {
		return hits, reply, err
	}
	h := dialect.FromHeaders(r)
	h.Site, h.Kind, h.URL = 1, hit.Pageview, "https://example.org/"+string(page[:])
	return append(hits, h), reply, nil
}

// TestNewFormat: with one line in the list of wire formats, routes, metrics, busy paths and
// the proxies' files have a new format.
func TestNewFormat(t *testing.T) {
	collector.WithFormat(t, dialect.Format{
		Name: "carrier",
		Routes: []dialect.Route{
			{Name: "pigeon", Patterns: []string{"POST /roof"}, Busy: true},
			{Name: "coop", Patterns: []string{"GET /coop/{pigeon}"}, Glob: "/coop/p_*", Handler: func(host dialect.Host, _ http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if site, ok := host.SiteOf(0, "https://example.org/"); ok && host.Now().Equal(evening) {
						w.Header().Set("X-Site", string(rune('0'+site))+r.PathValue("pigeon"))
					}
				})
			}},
		},
		New: func(dialect.Host) dialect.Dialect { return carrier{} },
	})
	r := newRig(t, nil)
	if w := r.send(request{method: "POST", target: "/roof", body: "a"}); w.Code != 201 || w.Header().Get("X-Fotspor") != "recorded" {
		t.Errorf("a hit: %d, %s", w.Code, w.Header().Get("X-Fotspor"))
	}
	if w := r.send(request{method: "POST", target: "/roof", body: string(make([]byte, collector.MaxBody+1))}); w.Code != 414 {
		t.Errorf("a body that is too large: %d, want what the format makes of 413", w.Code)
	}
	if rows := r.stored(); len(rows) != 1 || rows[0].Path != "/a" {
		t.Errorf("stored %v", rows)
	}
	if got := r.counts(); got["carrier"] != 1 {
		t.Errorf("counted %v", got)
	}
	if got := r.send(request{target: "/coop/p_1"}).Header().Get("X-Site"); got != "1p_1" {
		t.Errorf("its own handler says %q", got)
	}
	if !collector.Busy("/roof") || collector.Busy("/coop/p_1") {
		t.Error("the short way does not take the busy route alone")
	}
	if paths, _ := collector.Proxied(); !slices.Contains(paths, "/roof") || !slices.Contains(paths, "/coop/p_*") {
		t.Errorf("proxies send %v", paths)
	}
}

// TestCleanPaths: the collector's own paths answer however they are written, without a
// redirect. Nobody else's path is reached by that.
func TestCleanPaths(t *testing.T) {
	r := newRig(t, nil)
	var last string // path that a page of somebody else was asked by
	r.mux.HandleFunc("/", func(w http.ResponseWriter, q *http.Request) {
		last = q.URL.EscapedPath()
		w.WriteHeader(http.StatusTeapot)
	})
	handler := collector.CleanPaths(r.mux)
	send := func(q request) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, q.make())
		return w
	}
	const hit = "?idsite=1&rec=1&url=https://example.org/a"
	for _, target := range []string{
		"//matomo.php", "//piwik.php", "///matomo.php", "/./matomo.php", "/x/../matomo.php", "//js/tracker.php", "/js//tracker.php", "/js/./tracker.php", "//js//",
		"/js/.//index.php", "/%6Datomo.php", "//%6Datomo.php", "/%2e/matomo.php", "/%2E%2E/piwik.php", "//",
	} {
		for _, method := range []string{"POST", "GET"} {
			if method == "GET" && target == "//" {
				continue // which is the dashboard's
			}
			if w := send(request{method: method, target: "http://stats.example.org" + target + hit}); w.Header().Get("X-Fotspor") != "recorded" {
				t.Errorf("%s %s: %d, X-Fotspor %q, to %q", method, target, w.Code, w.Header().Get("X-Fotspor"), w.Header().Get("Location"))
			}
		}
	}
	if got := len(r.stored()); got != 29 {
		t.Errorf("%d rows, want 29", got)
	}
	for target, contentType := range map[string]string{
		"//fotspor.js": "text/javascript; charset=utf-8", "//matomo.js": "text/javascript; charset=utf-8", "/js//piwik.min.js": "text/javascript; charset=utf-8",
		"//js/container_Ab12.js": "text/javascript; charset=utf-8", "//pixel.gif?site=1&url=/a": "image/gif", "//.well-known/gpc.json": "application/json",
		"//index.php?module=API&method=SitesManager.getAllSites&token_auth=hemmelig": "application/json; charset=utf-8", "/.//index.php?module=CoreAdminHome&action=optOut": "text/html; charset=utf-8",
	} {
		if w := send(request{target: "http://stats.example.org" + target}); w.Code == http.StatusInternalServerError {
			t.Skip("SKIPPED: ", w.Body)
		} else if w.Code != http.StatusOK || w.Header().Get("Content-Type") != contentType {
			t.Errorf("%s: %d, %s", target, w.Code, w.Header().Get("Content-Type"))
		}
	}
	// What is not the collector's stays as net/http has it: a redirect to the clean path, or
	// the answer of that.
	for _, target := range []string{
		"//admin/users", "/./admin/users", "/matomo.php/../admin/users", "//api/v1/sites", "//metrics", "//privacy/1", "/./privacy/1/what", "/sites/1/../2", "//login",
		"/matomo.php%2F..%2Fadmin", "/x%2f..%2fmatomo.php", "/%2fmatomo.php", "/js%2Ftracker.php", "//js/other.js", "//js", "/matomo.php/", "/matomo.php//", "/matomo.php/x",
		"/..;/matomo.php", "//matomo.php%00", "//MATOMO.PHP", "/\\matomo.php", "//js/container_a%2Fb.js",
	} {
		for _, method := range []string{"GET", "POST"} {
			want, got := httptest.NewRecorder(), httptest.NewRecorder()
			q := request{method: method, target: "http://stats.example.org" + target + hit}
			last = ""
			r.mux.ServeHTTP(want, q.make())
			wanted := last
			last = ""
			handler.ServeHTTP(got, q.make())
			if got.Code != want.Code || got.Header().Get("Location") != want.Header().Get("Location") || last != wanted || got.Header().Get("X-Fotspor") != "" {
				t.Errorf("%s %s: %d to %q (%s), want %d to %q", method, target, got.Code, got.Header().Get("Location"), got.Header().Get("X-Fotspor"), want.Code, want.Header().Get("Location"))
			}
		}
	}
}
