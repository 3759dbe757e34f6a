package collector_test

import (
	"fmt"
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
	"github.com/fotspor/fotspor/geo"
)

// traffic is a mix of requests as a busy website sends them: 2,000 paths, most of
// the views on few of them, 300 User-Agents and 20,000 addresses behind a proxy.
func traffic(d dialect.Dialect) []*http.Request {
	rnd := rand.New(rand.NewPCG(1, 2))
	skewed := func(n int) int { return int(float64(n) * rnd.Float64() * rnd.Float64() * rnd.Float64()) }
	refs := []string{
		"", "", "https://www.google.com/", "https://www.facebook.com/", "https://example.org/", "https://nyheter.example/sak/1?x=y",
	}
	agents := []string{firefox, safari, chrome}
	requests := make([]*http.Request, 1<<14)
	for i := range requests {
		path := fmt.Sprintf("https://example.org/tjenester/%d/om-oss", skewed(2000))
		switch rnd.IntN(8) {
		case 0:
			path += "/%C3%A5pningstider"
		case 1:
			path += "?utm_source=nyhetsbrev&utm_medium=email&utm_campaign=h%C3%B8st"
		}
		target := "/pixel.gif?site=1&url=" + url.QueryEscape(path) + "&ref=" + url.QueryEscape(refs[rnd.IntN(len(refs))])
		if d.Name() == "matomo" {
			target = "/matomo.php?idsite=1&rec=1&r=123456&h=10&m=11&s=12&send_image=0&_id=0123456789abcdef&cookie=1&res=1920x1080" +
				"&action_name=Om+oss&url=" + url.QueryEscape(path) + "&urlref=" + url.QueryEscape(refs[rnd.IntN(len(refs))])
		}
		n := uint32(skewed(20000)) * 104729
		addr := netip.AddrFrom4([4]byte{byte(20 + n>>24%180), byte(n >> 16), byte(n >> 8), byte(n)})
		if rnd.IntN(3) == 0 {
			addr = netip.AddrFrom16([16]byte{0x2a, 0x02, byte(n >> 24), byte(n >> 16), 15: byte(n)})
		}
		requests[i] = request{target: target, from: "10.0.0.1:50000", header: map[string]string{
			"User-Agent":      fmt.Sprintf("%s Build/%d", agents[rnd.IntN(len(agents))], skewed(100)),
			"X-Forwarded-For": addr.String(),
		}}.make()
	}
	return requests
}

func benchRig(b *testing.B) *rig {
	return newRig(b, func(o *collector.Options) {
		behindProxy(o)
		files := geo.Find() // the real region data, where it is installed
		if files == nil {
			b.Log("no region data: every place is unknown")
		}
		o.Geo = openGeo(b, files...)
		o.Spool = openSpool(b, memoryDir(b), 1<<40)
	})
}

// memoryDir returns a directory in memory, where the system has such a place.
func memoryDir(b *testing.B) string {
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

var dialects = []dialect.Dialect{collector.Pixel, collector.Matomo}

// BenchmarkPipeline goes from request to row, one after the other.
func BenchmarkPipeline(b *testing.B) {
	for _, d := range dialects {
		b.Run(d.Name(), func(b *testing.B) {
			r := benchRig(b)
			requests := traffic(d)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if rows, err := r.Rows(d, requests[i%len(requests)]); err != nil || len(rows) != 1 {
					b.Fatalf("%d rows, error %v", len(rows), err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "hits/s")
		})
	}
}

// BenchmarkCollect goes from request to answer by way of the spool, many at once.
func BenchmarkCollect(b *testing.B) {
	for _, d := range dialects {
		b.Run(d.Name(), func(b *testing.B) {
			r := benchRig(b)
			requests := traffic(d)
			var next atomic.Int64
			b.SetParallelism(16)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					w := httptest.NewRecorder()
					// A request belongs to one server at a time.
					q := *requests[int(next.Add(1))%len(requests)]
					if r.mux.ServeHTTP(w, &q); w.Header().Get("X-Fotspor") != "recorded" {
						b.Errorf("status %d, %s", w.Code, w.Header().Get("X-Fotspor"))
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "hits/s")
		})
	}
}
