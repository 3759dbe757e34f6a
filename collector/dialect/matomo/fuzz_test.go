package matomo_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/hit"
)

// check fails unless everything in the hits and the reply is bounded and well formed.
func check(t *testing.T, r *http.Request) {
	t.Helper()
	d := newDialect()
	hits, err := d.Parse(r)
	if err != nil && len(hits) > 0 {
		t.Errorf("%d hits and error %v", len(hits), err)
	}
	for _, h := range hits {
		for name, s := range map[string]string{
			"URL": h.URL, "Referrer": h.Referrer, "Name": h.Name, "UserAgent": h.UserAgent, "Language": h.Language,
			"Brands": h.Hints.Brands, "Mobile": h.Hints.Mobile, "Platform": h.Hints.Platform,
		} {
			if len(s) > dialect.MaxURL || !utf8.ValidString(s) {
				t.Errorf("%s %q: too long or not UTF-8", name, s)
			}
		}
		if h.Site > 0 && h.Kind == "" || h.Site == 0 && h.Kind != "" {
			t.Errorf("site %d with kind %q", h.Site, h.Kind)
		}
		if h.Kind == hit.Event && h.Name == "" {
			t.Error("event without a name")
		}
		if !h.Time.IsZero() && (h.Time.After(now) || h.Time.Before(now.Add(-24*time.Hour))) {
			t.Errorf("time %v is not within 24 hours", h.Time)
		}
	}
	w := httptest.NewRecorder()
	d.Reply(w, r, dialect.Outcome{Err: err, Tracked: len(hits)})
	if w.Body.Len() > 300 {
		t.Errorf("reply of %d bytes", w.Body.Len())
	}
}

func FuzzQuery(f *testing.F) {
	f.Add(pageview)
	f.Add("idsite=3&rec=1&e_c=a&e_a=%FF&e_v=1e999&cdt=2026-03-01T11:00:00Z&cdo=-9e99")
	f.Add("idsite=3&rec=1&idgoal=-1&cip=%31&%63id=&&&==&%")
	f.Fuzz(func(t *testing.T, query string) {
		check(t, request("GET", "/matomo.php?"+query, ""))
	})
}

func FuzzForm(f *testing.F) {
	f.Add("send_image=0", pageview)
	f.Add("", "idsite=3&rec=1&search=%E6")
	f.Fuzz(func(t *testing.T, query, body string) {
		check(t, request("POST", "/matomo.php?"+query, body))
	})
}

func FuzzBulk(f *testing.F) {
	f.Add(`{"requests":["?idsite=3&rec=1",{"idsite":3,"rec":true,"uadata":{"platform":"x"}},7,null,[]],"send_image":"0"}`)
	f.Add(`{"requests":[],"requests":["?"]}`)
	f.Add(`{"requests": [ "\ud800?rec=1&idsite=1" ]} `)
	f.Fuzz(func(t *testing.T, body string) {
		check(t, request("POST", "/piwik.php", body))
	})
}

func FuzzGzip(f *testing.F) {
	f.Add([]byte(packed(`{"requests":["?idsite=3&rec=1"]}`)))
	f.Add([]byte(packed("idsite=3&rec=1"))[:20])
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, body []byte) {
		r := request("POST", "/matomo.php", string(body))
		r.Header.Set("Content-Encoding", "gzip")
		check(t, r)
	})
}

func FuzzHints(f *testing.F) {
	f.Add(`{"brands":[{"brand":"Chromium","version":"140"}],"mobile":false,"platform":"Linux"}`)
	f.Add(`{"fullVersionList":[{"brand":"\\\"\n","version":".1"}],"mobile":"yes","platform":""}`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, uadata string) {
		r := request("POST", "/matomo.php?idsite=3&rec=1", "")
		q := r.URL.Query()
		q.Set("uadata", uadata)
		r.URL.RawQuery = q.Encode()
		check(t, r)
	})
}

func BenchmarkParseQuery(b *testing.B) {
	d := newDialect()
	r := request("GET", "/matomo.php?"+pageview, "")
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	r.Header.Set("Accept-Language", "nb-NO,nb;q=0.9")
	b.ReportAllocs()
	for b.Loop() {
		if hits, err := d.Parse(r); err != nil || len(hits) != 1 {
			b.Fatal(len(hits), err)
		}
	}
}
