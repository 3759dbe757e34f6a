package dialect_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fotspor/fotspor/collector/dialect"
)

func TestPixelIsMatomosGIF(t *testing.T) {
	want, err := base64.StdEncoding.DecodeString("R0lGODlhAQABAIAAAAAAAAAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(dialect.Pixel, want) || len(dialect.Pixel) != 43 {
		t.Errorf("Pixel = %x, want %x", dialect.Pixel, want)
	}
}

func TestFromHeaders(t *testing.T) {
	tests := []struct {
		header, value       string
		objection, prefetch bool
	}{
		{"Sec-GPC", "1", true, false},
		{"Sec-GPC", "0", false, false},
		{"DNT", "1", true, false},
		{"DNT", "0", false, false},
		{"X-Do-Not-Track", "1", true, false},
		{"Sec-GPC", "1\n0", true, false}, // two lines
		{"Sec-GPC", "0\n1", true, false},
		{"Sec-GPC", "0, 1", true, false}, // which a proxy may make one
		{"Sec-GPC", "true", false, false},
		{"Sec-GPC", "11", false, false},
		{"Sec-GPC", "", false, false},
		{"DNT", "1xyz", true, false}, // extensions
		{"DNT", "1!", true, false},
		{"DNT", "0\n1A", true, false},
		{"DNT", "0,1", true, false},
		{"DNT", "01", false, false},
		{"DNT", "0x1", false, false},
		{"X-Do-Not-Track", "0\n1", true, false},
		{"Sec-Purpose", "prefetch;prerender", false, true},
		{"Purpose", "prefetch", false, true},
		{"X-Moz", "prefetch", false, true},
		{"X-Purpose", "preview", false, true},
		{"X-Purpose", "instant", false, true},
		{"X-Purpose", "reading", false, false},

		// Matomo's cookies of those who don't want to be counted.
		{"Cookie", "matomo_ignore=ignore%3D%2A", true, false},
		{"Cookie", "piwik_ignore=ignore%3DczoxOiIqIjs%3D", true, false},
		{"Cookie", "mtm_consent_removed=1772366399000", true, false},
		{"Cookie", "a=1; _pk_id.1.fff=x;mtm_consent_removed=1; b=2", true, false},
		{"Cookie", "a=1; _pk_id.1.fff=x; mtm_consent=1", false, false},
		{"Cookie", "a=matomo_ignore; not_piwik_ignore=1; matomo_ignored=1", false, false},
		{"Cookie", ";=;;", false, false},
		{"Cookie", "mtm_consent_removed=", false, false},
		{"Cookie", "mtm_consent_removed", false, false},
		{"Cookie", "mtm_consent_removed=; matomo_ignore= ; piwik_ignore=", false, false},
		{"Cookie", "mtm_consent_removed=%", true, false}, // with any value
		{"Cookie", `mtm_consent_removed="\xff=;`, true, false},
		{"Cookie", "mtm_consent_removed=-", true, false},
		{"Cookie", "mtm_consent_removed=; mtm_consent_removed=1", true, false}, // of parts of a website
		{"Cookie", "mtm_consent_removed=1; mtm_consent_removed=", true, false},
		{"Cookie", "mtm_consent_removed=\nmtm_consent_removed=1", true, false}, // HTTP/2 sends lines
	}
	for _, tt := range tests {
		r := httptest.NewRequest("GET", "/", nil)
		for line := range strings.SplitSeq(tt.value, "\n") {
			r.Header.Add(tt.header, line)
		}
		h := dialect.FromHeaders(r)
		if h.Objection != (tt.objection && tt.header != "Cookie") || h.OptedOut != (tt.objection && tt.header == "Cookie") || h.Prefetch != tt.prefetch {
			t.Errorf("%s: %s: objection %t, prefetch %t, want %t, %t",
				tt.header, tt.value, h.Objection || h.OptedOut, h.Prefetch, tt.objection, tt.prefetch)
		}
	}

	r := httptest.NewRequest("GET", "/", nil)
	for _, name := range []string{"User-Agent", "Sec-CH-UA", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform", "Accept-Language"} {
		r.Header.Set(name, name+strings.Repeat("x", 5000))
	}
	h := dialect.FromHeaders(r)
	for name, got := range map[string]string{
		"User-Agent": h.UserAgent, "Sec-CH-UA": h.Hints.Brands, "Sec-CH-UA-Mobile": h.Hints.Mobile,
		"Sec-CH-UA-Platform": h.Hints.Platform, "Accept-Language": h.Language,
	} {
		if !strings.HasPrefix(got, name+"x") || len(got) != dialect.MaxText {
			t.Errorf("%s: got %.20q… of %d bytes, want the header cut to %d", name, got, len(got), dialect.MaxText)
		}
	}
}

func TestSite(t *testing.T) {
	for in, want := range map[string]uint32{
		"1": 1, " 7 ": 7, "4294967295": 4294967295,
		"": 0, "0": 0, "-1": 0, "+1": 0, "1.0": 0, "1a": 0, "0x1": 0, "4294967296": 0, "99999999999999999999": 0,
	} {
		got, ok := dialect.Site(in)
		if ok != (want > 0) || (ok && got != want) {
			t.Errorf("Site(%q) = %d, %t, want %d", in, got, ok, want)
		}
	}
}

func TestClean(t *testing.T) {
	tests := []struct {
		in    string
		limit int
		want  string
	}{
		{"abc", 3, "abc"},
		{"abcd", 3, "abc"},
		{"blåbær", 3, "bl"},
		{"blåbær", 4, "blå"},
		{"a\xffb", 9, "aÿb"},
		{"\x80\x80\x80", 5, "€"}, // which takes three bytes
		{"h\xf8st", 4, "høs"},
		{"", 0, ""},
	}
	for _, tt := range tests {
		if got := dialect.Clean(tt.in, tt.limit); got != tt.want {
			t.Errorf("Clean(%q, %d) = %q, want %q", tt.in, tt.limit, got, tt.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("blåbær", 3)
	f.Add("\xff\x80", 1)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = max(0, limit%100)
		if got := dialect.Clean(s, limit); len(got) > limit || !utf8.ValidString(got) {
			t.Errorf("Clean(%q, %d) = %q", s, limit, got)
		}
	})
}

func TestOutcome(t *testing.T) {
	tests := []struct {
		outcome dialect.Outcome
		status  int
		reason  string
	}{
		{dialect.Outcome{}, http.StatusOK, ""},
		{dialect.Outcome{Tracked: 1}, http.StatusOK, ""},
		{dialect.Outcome{Invalid: []string{"unknown site"}}, http.StatusBadRequest, "unknown site"},
		{dialect.Outcome{Err: errors.New("no site")}, http.StatusBadRequest, "no site"},
		{dialect.Outcome{Err: dialect.ErrUnavailable}, http.StatusServiceUnavailable, "no space for hits right now"},
		{dialect.Outcome{Err: fmt.Errorf("read body: %w", &http.MaxBytesError{Limit: 9})}, http.StatusRequestEntityTooLarge, "read body: http: request body too large"},
	}
	for _, tt := range tests {
		if s, r := tt.outcome.Status(), tt.outcome.Reason(); s != tt.status || r != tt.reason {
			t.Errorf("%+v: status %d, reason %q, want %d, %q", tt.outcome, s, r, tt.status, tt.reason)
		}
	}
}
