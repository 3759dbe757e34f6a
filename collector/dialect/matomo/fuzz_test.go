package matomo_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/hit"
)

// check fails unless everything in the hits and the reply is bounded and well formed.
func check(t *testing.T, r *http.Request) {
	t.Helper()
	d := newDialectWithToken()
	asked := false
	allowed := d.Allowed
	d.Allowed = func(token string, site uint32) bool {
		asked = true
		return allowed(token, site)
	}
	hits, reply, err := d.Parse(r, nil)
	if err != nil && (len(hits) > 0 || strings.Contains(err.Error(), "secret")) {
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
		if !h.Time.IsZero() && (h.Time.After(now) || h.Time.Before(now.AddDate(-20, 0, 0))) {
			t.Errorf("time %v is beyond belief", h.Time)
		}
		if !asked && (h.Addr.IsValid() || h.Country != "" || !h.Time.IsZero() && h.Time.Before(now.Add(-24*time.Hour))) {
			t.Errorf("address %t, country %q, time %v, and nobody asked for a token", h.Addr.IsValid(), h.Country, h.Time)
		}
	}
	w := httptest.NewRecorder()
	reply(w, r, dialect.Outcome{Err: err, Tracked: len(hits)})
	if w.Body.Len() > 300 {
		t.Errorf("reply of %d bytes", w.Body.Len())
	}
}

func FuzzQuery(f *testing.F) {
	f.Add(pageview)
	f.Add("idsite=3&rec=1&e_c=a&e_a=%FF&e_v=1e999&cdt=2026-03-01T11:00:00Z&cdo=-9e99")
	f.Add("idsite=3&rec=1&e_a=0&e_c=" + strings.Repeat("\xeb", 1100))
	f.Add("idsite=3&rec=1&idgoal=-1&cip=%31&%63id=&&&==&%")
	f.Add("idsite=3&rec=1&token_auth=secret&cip=2001:db8::1%25eth0&country=no&region=03&cdt=1700000000.5&search=a+/&search_count=0")
	f.Add("idsite=3&rec=1&cs=iso-8859-15&url=/%25A4%A4%253F%2B?q=%25&e_c=%A4&e_a=%00")
	f.Add("idsite=3&rec=1&cs=iso-2022-jp&url=/%1B$B%25&c_n=%1B$B%21%22")
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
	f.Add(`{"requests":{"1":"?idsite=3&rec=1","x":{"idsite":3,"rec":1,"cip":"192.0.2.1","token_auth":7}},"token_auth":"secret"}`)
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
