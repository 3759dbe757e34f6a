package httpcompress_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/internal/httpcompress"
)

// negotiations say which coding a client gets: of a page, and of a static file, which is
// smaller by gzip in these tests.
var negotiations = map[string]struct{ page, file string }{
	"":                                {"", ""},
	"gzip":                            {"gzip", "gzip"},
	"zstd":                            {"zstd", "zstd"},
	"gzip, deflate, br, zstd":         {"zstd", "gzip"},
	"br, GZIP;q=0.5":                  {"gzip", "gzip"},
	"gzip; q=0.001":                   {"gzip", "gzip"},
	"gzip;q=0":                        {"", ""},
	"gzip ; q=0.000, br":              {"", ""},
	"gzip;q=0, zstd":                  {"zstd", "zstd"},
	"zstd;q=0.5, gzip;q=0.6":          {"gzip", "gzip"},
	"br":                              {"", ""},
	"identity":                        {"", ""},
	"identity, gzip":                  {"gzip", "gzip"},
	"identity, gzip;q=0.5":            {"", ""},
	"identity;q=0.2, gzip;q=0.5":      {"gzip", "gzip"},
	"identity;q=0, gzip;q=0":          {"", ""},
	"x-gzip":                          {"", ""},
	"deflate, gzip;q=1.0,*":           {"zstd", "gzip"},
	"*":                               {"zstd", "gzip"},
	"*;q=0":                           {"", ""},
	"*;q=0, gzip":                     {"gzip", "gzip"},
	"gzip;q=2":                        {"", ""},
	"gzip;q=-1, zstd;q=NaN":           {"", ""},
	"gzip;q=, zstd;level=1":           {"", ""},
	";;;,=,gzip":                      {"gzip", "gzip"},
	strings.Repeat("br,", 9) + "gzip": {"gzip", "gzip"},
}

func page() []byte { return []byte(strings.Repeat("Vi teller fotspor, ikke mennesker. ", 100)) }

func request(accept string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	if accept != "" {
		r.Header.Set("Accept-Encoding", accept)
	}
	return r
}

// unpack undoes a coding.
func unpack(t testing.TB, coding string, body []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(body)
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r, zstd.WithDecoderMaxWindow(8<<20)) // as browsers do
	}
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func TestBytes(t *testing.T) {
	for accept, want := range negotiations {
		header := http.Header{}
		got := httpcompress.Bytes(header, request(accept), page())
		coding := header.Get("Content-Encoding")
		if coding != want.page || header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: %q, Vary %q, want %q", accept, coding, header.Get("Vary"), want.page)
		}
		if !bytes.Equal(unpack(t, coding, got), page()) {
			t.Errorf("Accept-Encoding %q: another page comes out", accept)
		}
		if coding != "" && len(got) > len(page())/10 {
			t.Errorf("%s: %d bytes of %d", coding, len(got), len(page()))
		}
	}
	header := http.Header{}
	if got := httpcompress.Bytes(header, request("gzip"), page()[:1023]); len(got) != 1023 || len(header) != 0 {
		t.Errorf("a small page: %d bytes, %v", len(got), header)
	}
}

func TestStatic(t *testing.T) {
	source, err := os.ReadFile("httpcompress.go")
	if err != nil {
		t.Fatal(err)
	}
	file := httpcompress.NewStatic(source)
	serve := func(header http.Header) *httptest.ResponseRecorder {
		r := request("")
		r.Header = header
		w := httptest.NewRecorder()
		file.ServeHTTP(w, r)
		return w
	}
	whole := serve(http.Header{})
	tags := map[string]string{}
	for accept, want := range negotiations {
		got := serve(http.Header{"Accept-Encoding": {accept}})
		coding, tag := got.Header().Get("Content-Encoding"), got.Header().Get("ETag")
		if coding != want.file || got.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: %q, Vary %q, want %q", accept, coding, got.Header().Get("Vary"), want.file)
		}
		if !bytes.Equal(unpack(t, coding, got.Body.Bytes()), whole.Body.Bytes()) {
			t.Errorf("Accept-Encoding %q: another file comes out", accept)
		}
		if before, ok := tags[coding]; ok && before != tag {
			t.Errorf("%q has the tags %s and %s", coding, before, tag)
		}
		tags[coding] = tag
		again := serve(http.Header{"Accept-Encoding": {accept}, "If-None-Match": {tag}})
		if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("Accept-Encoding %q: asked again: %d", accept, again.Code)
		}
	}
	if len(tags) != 3 || tags[""] == tags["gzip"] || tags["gzip"] == tags["zstd"] || tags[""] == tags["zstd"] {
		t.Errorf("tags %v, want three", tags)
	}
	if got := serve(http.Header{"If-None-Match": {tags["gzip"]}}); got.Code != http.StatusOK {
		t.Errorf("the plain file under the tag of another form: %d", got.Code)
	}
}

func TestFromElsewhere(t *testing.T) {
	for site, want := range map[string]bool{"": false, "none": false, "same-origin": false, "same-site": true, "cross-site": true} {
		r := request("gzip")
		r.Header.Set("Sec-Fetch-Site", site)
		if got := httpcompress.FromElsewhere(r); got != want {
			t.Errorf("%q: %v", site, got)
		}
	}
}

// TestEveryBody: each answer comes out as it was, and in no coding that the
// client refuses.
func TestEveryBody(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		body := bytes.Repeat(rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(rt, "body"), rapid.IntRange(1, 3000).Draw(rt, "times"))
		accept := rapid.StringMatching(`((gzip|zstd|br|\*)(;q=(0|1|0\.[0-9]{1,3}))?,? ?){0,4}`).Draw(rt, "accept")
		header := http.Header{}
		got := httpcompress.Bytes(header, request(accept), body)
		if !bytes.Equal(unpack(t, header.Get("Content-Encoding"), got), body) {
			rt.Errorf("another body comes out")
		}
	})
}

// TestEncodersAreFew: a crowd that asks at once takes no more encoders than there are processors.
func TestEncodersAreFew(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	body := bytes.Repeat(page(), 30)
	before := heap()
	var crowd sync.WaitGroup
	for i := range 200 {
		crowd.Go(func() {
			accept := []string{"gzip", "zstd"}[i%2]
			if got := httpcompress.Bytes(http.Header{}, request(accept), body); len(got) > len(body)/10 {
				t.Errorf("%s: %d bytes", accept, len(got))
			}
		})
	}
	crowd.Wait()
	if grown, most := int64(heap()-before), int64(runtime.GOMAXPROCS(0))*(4<<20); grown > most {
		t.Errorf("%d bytes are held, want at most %d", grown, most)
	}
}

func FuzzBytes(f *testing.F) {
	for accept := range negotiations {
		f.Add(accept)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		header := http.Header{}
		got := httpcompress.Bytes(header, request(accept), page())
		if !bytes.Equal(unpack(t, header.Get("Content-Encoding"), got), page()) {
			t.Errorf("another page comes out of %s", header.Get("Content-Encoding"))
		}
	})
}

func BenchmarkBytes(b *testing.B) {
	body := bytes.Repeat(page(), 20)
	for _, coding := range []string{"gzip", "zstd"} {
		b.Run(coding, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				httpcompress.Bytes(http.Header{}, request(coding), body)
			}
		})
	}
}
