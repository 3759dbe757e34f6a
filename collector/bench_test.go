package collector_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/fotspor/fotspor/collector"
	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/collector/dialect/matomo"
	"github.com/fotspor/fotspor/collector/dialect/pixel"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
	places "github.com/fotspor/fotspor/internal/trusted" // trusted is a proxy here
)

// traffic is a mix of requests like that of a busy website: 2,000 paths with most views on a
// few of them, and 20,000 visitors behind a proxy, from 300 networks and with 300
// User-Agents, some of whom come often. In a server a request has just been read, so the
// requests are few enough to stay in the processor's cache. Each has another visitor than
// the one before.
type traffic struct {
	requests []*http.Request
	visitors []visitor
}

type visitor struct{ address, agent []string }

// at returns the nth request. It belongs to one goroutine at a time.
func (t traffic) at(n int) *http.Request {
	r := t.requests[n%len(t.requests)]
	v := t.visitors[n%len(t.visitors)]
	r.Header["X-Forwarded-For"], r.Header["User-Agent"] = v.address, v.agent
	return r
}

func newTraffic(format string) traffic {
	rnd := rand.New(rand.NewPCG(1, 2))
	skewed := func(n int) int { return int(float64(n) * rnd.Float64() * rnd.Float64() * rnd.Float64()) }
	refs := []string{
		"", "", "https://www.google.com/", "https://www.facebook.com/", "https://example.org/", "https://nyheter.example/sak/1?x=y",
	}
	agents := []string{firefox, safari, chrome}
	t := traffic{requests: make([]*http.Request, 1<<10), visitors: make([]visitor, 1<<16+1)}
	for i := range t.requests {
		path := fmt.Sprintf("https://example.org/tjenester/%d/om-oss", skewed(2000))
		switch rnd.IntN(8) {
		case 0:
			path += "/%C3%A5pningstider"
		case 1:
			path += "?utm_source=nyhetsbrev&utm_medium=email&utm_campaign=h%C3%B8st"
		}
		target := "/pixel.gif?site=1&url=" + url.QueryEscape(path) + "&ref=" + url.QueryEscape(refs[rnd.IntN(len(refs))])
		if format == matomo.Format.Name {
			target = "/matomo.php?idsite=1&rec=1&r=123456&h=10&m=11&s=12&send_image=0&_id=0123456789abcdef&cookie=1&res=1920x1080" +
				"&action_name=Om+oss&url=" + url.QueryEscape(path) + "&urlref=" + url.QueryEscape(refs[rnd.IntN(len(refs))])
		}
		t.requests[i] = request{target: target, from: "10.0.0.1:50000"}.make()
	}
	all := make([]visitor, 20000)
	for i := range all {
		n, network := uint32(i)*104729, skewed(300)
		addr := netip.AddrFrom4([4]byte{byte(20 + network%180), byte(network * 7), byte(n >> 8), byte(n)})
		if rnd.IntN(3) == 0 {
			addr = netip.AddrFrom16([16]byte{0x2a, 0x02, byte(network), byte(n >> 16), 14: byte(n >> 8), 15: byte(n)})
		}
		agent := fmt.Sprintf("%s Build/%d", agents[rnd.IntN(len(agents))], skewed(100))
		all[i] = visitor{[]string{addr.String()}, []string{agent}}
	}
	for i := range t.visitors {
		t.visitors[i] = all[skewed(len(all))]
	}
	return t
}

func benchRig(b *testing.B) *rig {
	return newRig(b, func(o *collector.Options) {
		behindProxy(o)
		places.StandIn(".")
		files := geo.Find() // the real GeoIP database, if it is installed
		if files == nil {
			b.Log("no GeoIP database: every place is unknown")
		}
		o.Geo = openGeo(b, files...)
		o.Spool = openSpool(b, memoryDir(b), 1<<40)
	})
}

// memoryDir returns a directory in memory, if the system has one.
func memoryDir(b testing.TB) string {
	if runtime.GOOS != "linux" {
		return b.TempDir()
	}
	dir, err := os.MkdirTemp("/dev/shm", "fotspor")
	if err != nil {
		return b.TempDir()
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

var formats = []dialect.Format{pixel.Format, matomo.Format}

// BenchmarkPipeline goes from request to row, one after the other.
func BenchmarkPipeline(b *testing.B) {
	for _, format := range formats {
		b.Run(format.Name, func(b *testing.B) {
			r := benchRig(b)
			traffic := newTraffic(format.Name)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if batch, err := r.Batch(format.New(dialect.Host{}), traffic.at(i)); err != nil || len(batch.Rows) != 1 || batch.Rows[0].Kind != hit.Pageview {
					b.Fatalf("%d rows, error %v", len(batch.Rows), err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "hits/s")
		})
	}
}

// BenchmarkCollect goes from request to answer by way of the spool, many at once.
func BenchmarkCollect(b *testing.B) {
	for _, format := range formats {
		b.Run(format.Name, func(b *testing.B) {
			r := benchRig(b)
			traffic := newTraffic(format.Name)
			var next atomic.Int64
			b.SetParallelism(16)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					w := httptest.NewRecorder()
					// A request belongs to one server at a time.
					n := int(next.Add(1))
					q := *traffic.requests[n%len(traffic.requests)]
					v := traffic.visitors[n%len(traffic.visitors)]
					q.Header = maps.Clone(q.Header)
					q.Header["X-Forwarded-For"], q.Header["User-Agent"] = v.address, v.agent
					if r.mux.ServeHTTP(w, &q); w.Header().Get("X-Fotspor") != "recorded" {
						b.Errorf("status %d, %s", w.Code, w.Header().Get("X-Fotspor"))
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "hits/s")
		})
	}
}
