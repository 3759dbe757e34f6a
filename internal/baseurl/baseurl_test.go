package baseurl_test

import (
	"crypto/tls"
	"net/http"
	"testing"

	"github.com/fotspor/fotspor/internal/baseurl"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "",
		"https://stats.example.org":  "https://stats.example.org",
		"https://stats.example.org/": "https://stats.example.org",
		"HTTPS://Stats.Example.ORG":  "https://stats.example.org",
		"http://127.0.0.1:8080":      "http://127.0.0.1:8080",
		"http://[::1]:8080/":         "http://[::1]:8080",
	} {
		u, err := baseurl.Parse(text)
		if err != nil || u.String() != want || u.IsZero() != (want == "") {
			t.Errorf("Parse(%q) = %q, %v, want %q", text, u, err, want)
		}
		if again, err := baseurl.Parse(u.String()); again != u || err != nil {
			t.Errorf("Parse(%q) = %q, %v, want the same again", u, again, err)
		}
	}
	for _, text := range []string{
		"stats.example.org", "ftp://example.org", "https://", "https://:443", "https://example.org/path", "https://example.org/?a=b",
		"https://example.org?", "https://example.org/#a", "https://user@example.org", "://", "https:example.org", "http://a b", "https://a.example;script-src", "https://a,b.example",
	} {
		if u, err := baseurl.Parse(text); err == nil || !u.IsZero() {
			t.Errorf("Parse(%q) = %q, want an error", text, u)
		}
	}
}

func TestOf(t *testing.T) {
	for _, c := range []struct {
		r     http.Request
		want  string
		https bool
		host  string
	}{
		{http.Request{Host: "a.example:8080"}, "http://a.example:8080", false, "a.example"},
		{http.Request{Host: "a.example", TLS: &tls.ConnectionState{}}, "https://a.example", true, "a.example"},
		{http.Request{Host: "[::1]:80", Header: http.Header{"X-Forwarded-Proto": {"https"}}}, "https://[::1]:80", true, "::1"},
	} {
		u := baseurl.Of(&c.r)
		if u.String() != c.want || u.IsHTTPS() != c.https || u.Hostname() != c.host {
			t.Errorf("Of = %q, https %v, host %q, want %q", u, u.IsHTTPS(), u.Hostname(), c.want)
		}
	}
	own := baseurl.MustParse("https://stats.example.org")
	listening := baseurl.Listening("127.0.0.1:8080", false)
	if own.Or(listening) != own || (baseurl.URL{}).Or(listening) != listening || listening.String() != "http://127.0.0.1:8080" {
		t.Error("Or does not prefer the first that is there")
	}
	if got := baseurl.Listening("127.0.0.1:8080", true).String(); got != "https://127.0.0.1:8080" {
		t.Errorf("a listener with TLS is at %q", got)
	}
}
