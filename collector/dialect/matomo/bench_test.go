package matomo_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/hit"
)

// What Chrome's navigator.userAgentData.getHighEntropyValues says of it.
const chromeHints = `{"brands":[{"brand":"Chromium","version":"140"},{"brand":"Google Chrome","version":"140"},{"brand":"Not=A?Brand","version":"24"}],` +
	`"fullVersionList":[{"brand":"Chromium","version":"140.0.7339.80"},{"brand":"Google Chrome","version":"140.0.7339.80"},{"brand":"Not=A?Brand","version":"24.0.0.0"}],` +
	`"mobile":false,"model":"","platform":"Linux","platformVersion":"6.8.0","formFactors":["Desktop"]}`

// load is a request as a busy collector sees it, with the number of allocations
// that reading it may take.
type load struct {
	name, method, query, body string
	header                    http.Header
	hits                      int
	most                      float64
}

func loads() []load {
	browser := http.Header{
		"User-Agent":      {"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
		"Accept":          {"*/*"},
		"Accept-Language": {"nb-NO,nb;q=0.9"},
		"Origin":          {"https://example.org"},
		"Referer":         {"https://example.org/om-oss"},
		"Sec-Fetch-Dest":  {"empty"},
		"Sec-Fetch-Mode":  {"no-cors"},
		"Sec-Fetch-Site":  {"cross-site"},
	}
	chrome := browser.Clone()
	chrome["User-Agent"] = []string{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"}
	chrome["Sec-Ch-Ua"] = []string{`"Chromium";v="140", "Google Chrome";v="140", "Not=A?Brand";v="24"`}
	chrome["Sec-Ch-Ua-Mobile"] = []string{"?0"}
	chrome["Sec-Ch-Ua-Platform"] = []string{`"Linux"`}
	withHints := strings.Replace(pageview, "uadata=%7B%7D", "uadata="+url.QueryEscape(chromeHints), 1)
	return []load{
		{name: "image", method: "GET", query: pageview, header: browser, hits: 1, most: 4},
		{name: "beacon", method: "POST", query: pageview, header: browser, hits: 1, most: 4},
		{name: "beacon with hints", method: "POST", query: withHints, header: chrome, hits: 1, most: 3},
		{name: "form", method: "POST", body: pageview, header: browser, hits: 1, most: 11},
		{name: "bulk", method: "POST", body: `{"requests":["?` + strings.Repeat(pageview+`","?`, 19) + pageview + `"]}`, header: browser, hits: 20, most: 340},
	}
}

// request returns a function that makes the request anew, at no cost.
func (l load) request() func() *http.Request {
	body := strings.NewReader(l.body)
	made := request(l.method, "/matomo.php?"+l.query, l.body)
	made.Header = l.header
	made.Body = io.NopCloser(body)
	var r http.Request
	return func() *http.Request {
		body.Reset(l.body)
		r = *made
		return &r
	}
}

func TestAllocations(t *testing.T) {
	d := newDialect()
	for _, l := range loads() {
		next, buffer := l.request(), make([]hit.Hit, 0, l.hits)
		if got := testing.AllocsPerRun(100, func() { d.Parse(next(), buffer) }); got > l.most {
			t.Errorf("%s: %v allocations, want at most %v", l.name, got, l.most)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	d := newDialect()
	for _, l := range loads() {
		b.Run(l.name, func(b *testing.B) {
			next, buffer := l.request(), make([]hit.Hit, 0, l.hits)
			b.ReportAllocs()
			for b.Loop() {
				if hits, _, err := d.Parse(next(), buffer); err != nil || len(hits) != l.hits {
					b.Fatal(len(hits), err)
				}
			}
		})
	}
}
