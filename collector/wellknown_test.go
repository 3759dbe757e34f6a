package collector_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/collector"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
)

// TestGPCSupport: the resource agrees with the policy, in the form of the draft.
func TestGPCSupport(t *testing.T) {
	for _, ignore := range []bool{false, true} {
		r := newRig(t, func(o *collector.Options) { o.Policy.IgnoreObjection = ignore })
		w := r.send(request{target: "/.well-known/gpc.json"})
		var got map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Header().Get("Content-Type") != "application/json" {
			t.Fatalf("%q is %s: %v", w.Body, w.Header().Get("Content-Type"), err)
		}
		if diff := cmp.Diff(map[string]any{"gpc": !ignore, "lastUpdate": "2026-07-01"}, got); diff != "" {
			t.Errorf("where objections are ignored is %v (-want +got):\n%s", ignore, diff)
		}
	}
}

// TestContainer: on pages of a site a script of the tag manager is our script; on other pages
// it says what to do.
func TestContainer(t *testing.T) {
	r := newRig(t, nil)
	for _, tt := range []struct{ file, page, want string }{
		{"container_Ab12Cd34.js", "https://www.example.org/", `["setSiteId",1]`},
		{"container_Ab12Cd34.js", "https://butikk.example.org", `["setSiteId",1]`},
		{"container_Ab12Cd34_dev_0123456789abcdef.js", "https://other.example/a?b", `["setSiteId",2]`},
		{"container_Ab12Cd34_preview.js", "https://other.example/", `["setSiteId",2]`},
		{"container_Ab12Cd34.js", "https://stranger.example/", "no site with this page's host. Make the site (fotspor site add)"},
		{"container_Ab12Cd34.js", "", "no Referer"}, // which of two sites?
		{"container_Ab12Cd34.js", "/", "site add"},
		{"container_Ab12Cd34.js", "%", "site add"},
	} {
		q := request{target: "/js/" + tt.file}.make()
		q.Header.Set("Referer", tt.page)
		w := httptest.NewRecorder()
		r.mux.ServeHTTP(w, q)
		if w.Code == http.StatusInternalServerError {
			t.Skip("SKIPPED: ", w.Body)
		}
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/javascript") || !strings.Contains(w.Body.String(), tt.want) ||
			w.Header().Get("Cross-Origin-Resource-Policy") != "cross-origin" {
			t.Errorf("%s on %q: %d, %v lacks %q: %.200s", tt.file, tt.page, w.Code, w.Header(), tt.want, w.Body)
		}
		if cache := w.Header().Get("Cache-Control"); cache != "no-store" && (cache != "private, no-cache" || w.Header().Get("Vary") != "Referer") {
			t.Errorf("%s on %q may be taken for that of another site: %v", tt.file, tt.page, w.Header())
		}
	}
	for _, file := range []string{"container_.js", "container_a.css", "other.js", "xcontainer_a.js", "container_a.js/x", "container_a/b.js"} {
		if w := r.send(request{target: "/js/" + file}); w.Code != http.StatusNotFound {
			t.Errorf("/js/%s: status %d", file, w.Code)
		}
	}
	r.sites = r.sites[:1]
	if err := r.options.Sites.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w := r.send(request{target: "/js/container_Ab12Cd34.js"}); !strings.Contains(w.Body.String(), `["setSiteId",1]`) {
		t.Errorf("on a page that is not told, with one site: %.200s", w.Body)
	}
	q := request{target: "/js/container_Ab12Cd34.js"}.make()
	q.Header.Set("Referer", "https://stranger.example/")
	w := httptest.NewRecorder()
	if r.mux.ServeHTTP(w, q); !strings.Contains(w.Body.String(), "site add") {
		t.Errorf("on a stranger's page, with one site: %.200s", w.Body)
	}
}

// TestOptOutOutranksPolicy: a policy may ignore the headers of browsers, but not the choice
// that a person has made.
func TestOptOutOutranksPolicy(t *testing.T) {
	for _, ignore := range []bool{false, true} {
		r := newRig(t, func(o *collector.Options) { o.Policy.IgnoreObjection = ignore })
		for header, want := range map[string]bool{"Cookie: mtm_consent_removed=1": false, "Cookie: matomo_ignore=x": false, "Sec-GPC: 1": ignore, "DNT: 1x": ignore} {
			q := request{target: "/pixel.gif?site=1&url=/"}.make()
			name, value, _ := strings.Cut(header, ": ")
			q.Header.Set(name, value)
			w := httptest.NewRecorder()
			r.mux.ServeHTTP(w, q)
			if got := w.Header().Get("X-Fotspor") == "recorded"; got != want {
				t.Errorf("%s where objections are ignored is %v: %q", header, ignore, w.Header().Get("X-Fotspor"))
			}
		}
	}
}

// TestObjectionsOfSite: a site heeds objections, or does not, under any policy of others:
// for hits, in the statement, at the box of the opt-out, and /.well-known/gpc.json.
func TestObjectionsOfSite(t *testing.T) {
	for _, ignore := range []bool{false, true} {
		own := privacy.Ignore
		if ignore {
			own = privacy.Heed
		}
		r := newRigOf(t, func(s *site.Site) { s.Objections = own }, func(o *collector.Options) { o.Policy.IgnoreObjection = ignore })
		get := func(target string) *httptest.ResponseRecorder {
			q := request{target: target}.make()
			q.Header.Set("Sec-GPC", "1")
			w := httptest.NewRecorder()
			r.mux.ServeHTTP(w, q)
			return w
		}
		for id, recorded := range map[string]bool{"1": !ignore, "2": ignore} {
			page := "https://www.example.org/"
			if id == "2" {
				page = "https://other.example/"
			}
			if got := get("/pixel.gif?site="+id+"&url="+page).Header().Get("X-Fotspor") == "recorded"; got != recorded {
				t.Errorf("policy ignores: %v, site %s: recorded %v", ignore, id, got)
			}
			var said struct {
				Objections struct {
					Heeded bool `json:"browserSignalsHeeded"`
				}
			}
			if err := json.Unmarshal(get("/privacy/"+id+".json").Body.Bytes(), &said); err != nil || said.Objections.Heeded == recorded {
				t.Errorf("policy ignores: %v, site %s: the statement says heeded %v, %v", ignore, id, said.Objections.Heeded, err)
			}
			box := get("/index.php?module=CoreAdminHome&action=optOut&language=en&idsite=" + id).Body.String()
			if asks := strings.Contains(box, "<form"); asks != recorded { // there is nothing to choose where the browser's objection counts
				t.Errorf("policy ignores: %v, site %s: the box asks: %v", ignore, id, asks)
			}
		}
		if got := get("/.well-known/gpc.json").Body.String(); !strings.Contains(got, `"gpc":false`) {
			t.Errorf("where one site ignores objections: %s", got)
		}
	}
}
