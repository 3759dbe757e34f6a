package collector_test

import (
	"net/http"
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
