package collector_test

import (
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/collector"
)

// TestLanguage: a language is kept as a registered subtag, the short one if there are two.
func TestLanguage(t *testing.T) {
	r := newRig(t, nil)
	for header, want := range map[string]string{
		"nb": "nb", "nb-NO,nb;q=0.9": "nb", "NN": "nn", "no": "no", "zh-Hant-TW": "zh", "en_US": "en", "fr;q=0.5": "fr", "de,en": "de",
		"nob": "nb", "nno-NO": "nn", "nor": "no", "ENG": "en", "deu": "de", "ger": "de", "zho": "zh", "chi": "zh", "sme": "se",
		"sma": "sma", "smj-SE": "smj", "fil": "fil", "sgn-NO": "sgn", "iw": "he", "in-ID": "id", "ji": "yi", "jw": "jv", "mo": "ro",
		"": "", "*": "", "x-klingon": "", "i-klingon": "", "english": "", "n1": "", "åå": "", "<b>": "", "n": "", " nb": "", "n-": "",
		"en;q=0.3, nb;q=0.9": "nb", "en;q=0,nn-NO;q=0.1": "nn", "en;q=0.5,de;q=0.5": "en", "*;q=0.1,se": "se", "xx;q=0.2,zz;q=0.1": "",
		// nobody's language
		"xx": "", "zz": "", "qq": "", "xyz": "", "und": "", "mul": "", "zxx": "", "mis": "", "qaa": "", "qtz-NO": "", "qqq": "",
	} {
		r.send(request{target: "/pixel.gif?site=1&url=/", header: map[string]string{"Accept-Language": header}})
		if rows := r.stored(); len(rows) != 1 || rows[0].Language != want {
			t.Errorf("Accept-Language %q: %q, want %q", header, rows[0].Language, want)
		}
		if header == "" { // the same as no header
			continue
		}
		r.send(request{target: "/matomo.php?idsite=1&rec=1&url=/&lang=" + url.QueryEscape(header)})
		if rows := r.stored(); len(rows) != 1 || rows[0].Language != want {
			t.Errorf("lang=%q: %q, want %q", header, rows[0].Language, want)
		}
	}
}

// TestLanguagesInSeveralHeaders: a list that comes in several headers is one list (RFC 9110, section
// 5.3), on the pages of the collector as in rows.
func TestLanguagesInSeveralHeaders(t *testing.T) {
	r := newRig(t, nil)
	for _, path := range []string{"/privacy/1", "/privacy/1/what"} {
		q := request{target: path, header: map[string]string{"Accept-Language": "de"}}.make()
		q.Header.Add("Accept-Language", "nn")
		w := httptest.NewRecorder()
		if r.mux.ServeHTTP(w, q); !strings.Contains(w.Body.String(), `<html lang="nn"`) {
			t.Errorf("%s is not in the language of the second header: %.120s", path, w.Body)
		}
	}
	q := request{target: "/pixel.gif?site=1&url=/", header: map[string]string{"Accept-Language": "de;q=0.3"}}.make()
	q.Header.Add("Accept-Language", "nn")
	r.mux.ServeHTTP(httptest.NewRecorder(), q)
	if rows := r.stored(); len(rows) != 1 || rows[0].Language != "nn" {
		t.Errorf("the row has language %q, want that of the second header", rows[0].Language)
	}
	for query, status := range map[string]int{"": 200, "?lang=nb": 200, "?lang=nb%": 400, "?lang=nb;x": 400} {
		if w := r.send(request{target: "/privacy/1" + query}); w.Code != status {
			t.Errorf("/privacy/1%s is answered %d, want %d", query, w.Code, status)
		}
	}
}

// TestLanguagesAreFew: all words of two or three letters together make no more languages than
// are registered, and those of two letters only those of ISO 639-1.
func TestLanguagesAreFew(t *testing.T) {
	known := map[string]bool{}
	short := 0
	for a := 'a'; a <= 'z'; a++ {
		for b := 'a'; b <= 'z'; b++ {
			if got := collector.PrimaryLanguage(string([]rune{a, b})); got != "" {
				short++
				known[got] = true
			}
			for c := 'a'; c <= 'z'; c++ {
				known[collector.PrimaryLanguage(string([]rune{a, b, c}))] = true
			}
		}
	}
	if short < 183 || short > 195 || len(known) > 8900 {
		t.Errorf("%d of two letters and %d in all", short, len(known))
	}
}

func FuzzLanguage(f *testing.F) {
	valid := regexp.MustCompile(`^([a-z]{2,3})?$`)
	f.Add("nb-NO,nb;q=0.9")
	f.Add("\xffn")
	f.Fuzz(func(t *testing.T, header string) {
		got := collector.PrimaryLanguage(header)
		if !valid.MatchString(got) || collector.PrimaryLanguage(got) != got {
			t.Errorf("%q is %q", header, got)
		}
	})
}
