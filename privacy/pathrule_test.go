package privacy_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/privacy/scrub"
)

func rules(t testing.TB, texts ...string) privacy.PathRules {
	t.Helper()
	rules, err := privacy.ParsePathRules(texts)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// marker marks the URLs of example.org.
func marker(t testing.TB, texts ...string) privacy.PathMarker {
	t.Helper()
	return privacy.PathMarker{PathRules: rules(t, texts...), Own: ours, Decode: scrub.Decode}
}

func ours(host string) bool { return host == "example.org" || strings.HasSuffix(host, ".example.org") }

func TestPathRules(t *testing.T) {
	for _, c := range []struct{ rules, path, want string }{
		// The shape stays.
		{"/u/*", "/u/kari", "/u/[*]"},
		{"/u/*", "/u/kari/", "/u/[*]/"},
		{"/u/*", "/u/kari/bilder/2024", "/u/[*]/bilder/2024"},
		{"/u/*/", "/u/kari", "/u/[*]"},
		{"/u/*", "/u/[*]", "/u/[*]"},
		{"/u/*", "/u/kari?id=7", "/u/[*]?id=7"},
		{"/bruker/*/profil", "/bruker/kari/profil", "/bruker/[*]/profil"},
		{"/bruker/*/profil", "/bruker/kari/profil/bilde", "/bruker/[*]/profil/bilde"},
		{"/*/sak/*", "/nb/sak/2024-12", "/[*]/sak/[*]"},
		// What no rule is about stays.
		{"/u/*", "/u", "/u"},
		{"/u/*", "/u/", "/u/"},
		{"/u/*", "/um/kari", "/um/kari"},
		{"/u/*", "/en/u/kari", "/en/u/kari"},
		{"/bruker/*/profil", "/bruker/kari", "/bruker/kari"},
		{"/bruker/*/profil", "/bruker/kari/sak", "/bruker/kari/sak"},
		{"/bruker/*/profil", "/bruker/profil", "/bruker/profil"},
		{"", "/u/kari", "/u/kari"},
		// The rest.
		{"/u/**", "/u/kari/bilder/2024/", "/u/[*]"},
		{"/u/**", "/u/kari", "/u/[*]"},
		{"/u/**", "/u/", "/u/"},
		{"/u/*/**", "/u/kari", "/u/kari"},
		{"/u/*/**", "/u/kari/sak/9", "/u/[*]/[*]"},
		{"/**", "/kari", "/[*]"},
		// Parts of segments.
		{"/@*", "/@kari", "/@[*]"},
		{"/@*", "/@", "/@"},
		{"/~*/**", "/~kari/cv.html", "/~[*]/[*]"},
		{"/sak-*.html", "/sak-12.html", "/sak-[*].html"},
		{"/sak-*.html", "/sak-.html", "/sak-.html"},
		{"/sak-*", "/SAK-12", "/SAK-[*]"},
		// Spelling.
		{"/u/*", "/U/Kari", "/U/[*]"},
		{"/Søk/*", "/SØK/kari", "/SØK/[*]"},
		{"/s%C3%B8k/*", "/søk/kari", "/søk/[*]"},
		{"/å/*", "/a\u030a/kari", "/a\u030a/[*]"}, // forms C and D of Unicode
		{"/a\u030a/*", "/å/kari", "/å/[*]"},
		{"/u/*", "//u///kari", "//u///[*]"},
		// Several rules: what each marks of the path as it came.
		{"/u/*,/u/*/sak/*", "/u/kari/sak/9", "/u/[*]/sak/[*]"},
		{"/u/*/sak/*,/u/*", "/u/kari/sak/9", "/u/[*]/sak/[*]"},
		{"/*/profil,/bruker/*", "/bruker/profil", "/[*]/[*]"},
		{"/bruker/*,/*/profil", "/bruker/profil", "/[*]/[*]"},
		{"/k*,/*i", "/kari", "/[*]"},
		{"/ka*,/k*i", "/kari", "/k[*]"},
		{"/u/*,/u/*/**", "/u/kari/sak/9", "/u/[*]/[*]"},
	} {
		var texts []string
		if c.rules != "" {
			texts = strings.Split(c.rules, ",")
		}
		if got := rules(t, texts...).Path(c.path); got != c.want {
			t.Errorf("%s makes %q of %q, want %q", c.rules, got, c.path, c.want)
		}
	}
}

func TestPathRulesInURLs(t *testing.T) {
	r := marker(t, "/u/*", "/~*")
	for raw, want := range map[string]string{
		"https://example.org/u/kari":                 "https://example.org/u/[*]",
		"HTTPS://kari:x@WWW.Example.org:8443/u/kari": "HTTPS://kari:x@WWW.Example.org:8443/u/[*]",
		" /u/kari ":     "/u/[*]",
		"/u/kari?x=1#y": "/u/[*]?x=1#y",
		"https://example.org/u/kari%20nordmann/b%C3%A6r":               "https://example.org/u/[*]/b%C3%A6r",
		"/u/https://other.example/x":                                   "/u/[*]//other.example/x",
		"https://example.org/u/http://kari/x":                          "https://example.org/u/[*]//kari/x",
		"https://example.org/u/kari%2Fnordmann":                        "https://example.org/u/[*]", // an encoded slash divides nothing
		"https://example.org/%75/kari":                                 "https://example.org/%75/[*]",
		"https://example.org/%7Ekari":                                  "https://example.org/~[*]",
		"https://example.org/u/kari;jsessionid=1":                      "https://example.org/u/[*]",
		"https://example.org/u;v=2/kari":                               "https://example.org/u;v=2/[*]",
		"https://example.org/x/../u/./kari":                            "https://example.org/u/[*]",
		"https://example.org/u/%2E%2e/u/kari/..":                       "https://example.org/u/",
		"https://example.org/../..":                                    "https://example.org/",
		"https://example.org/u/100%":                                   "https://example.org/u/[*]",
		"https://example.org/u/%ff%fe":                                 "https://example.org/u/[*]",
		"https://example.org/a?r=/u/kari&b=%2Fu%2Fkari&c":              "https://example.org/a?r=%2Fu%2F%5B%2A%5D&b=%2Fu%2F%5B%2A%5D&c",
		"https://example.org/a?r=https%3A%2F%2Fexample.org%2Fu%2Fkari": "https://example.org/a?r=https%3A%2F%2Fexample.org%2Fu%2F%5B%2A%5D",
		"https://example.org/#mtm_campaign=/u/kari":                    "https://example.org/#mtm_campaign=%2Fu%2F%5B%2A%5D",
		"https://example.org":                                          "https://example.org",
		"https://example.org/a?b=%zz/":                                 "https://example.org/a?b=%zz/",
		"https://other.example/u/kari":                                 "https://other.example/u/kari",
		"mailto:kari@example.org":                                      "mailto:kari@example.org",
		"":                                                             "",
	} {
		if got := r.URL(raw); got != want {
			t.Errorf("%q became %q, want %q", raw, got, want)
		}
	}
}

func TestPathRulesInTexts(t *testing.T) {
	r := marker(t, "/u/*", "/sak/**")
	for text, want := range map[string]string{
		"Skjema / sendt / https://example.org/u/kari":  "Skjema / sendt / https://example.org/u/[*]",
		"feil på https://example.org/u/kari?x=1 i dag": "feil på https://example.org/u/[*]?x=1 i dag",
		"/u/kari":                                            "/u/[*]",
		"klikk: /u/kari/bilder":                              "klikk: /u/[*]/bilder",
		`<a href="/u/kari">`:                                 `<a href="/u/[*]">`,
		"href=/sak/12/kari":                                  "href=/sak/[*]",
		"example.org/u/kari":                                 "example.org/u/[*]",
		"//www.example.org:8080/u/kari":                      "//www.example.org:8080/u/[*]",
		"https%3A%2F%2Fexample.org%2Fu%2Fkari":               "https://example.org/u/[*]",
		"https%253A%252F%252Fexample.org%252Fu%252Fkari":     "https://example.org/u/[*]",
		`{"side":"https:\/\/example.org\/u\/kari"}`:          `{"side":"https://example.org/u/[*]"}`,
		"https:&#47;&#47;example.org&#47;u&#47;kari":         "https://example.org/u/[*]",
		`\u002fu\u002fkari`:                                  "/u/[*]",
		"／u／kari":                                            "/u/[*]",
		"(https://example.org/u/kari), (/u/ola)":             "(https://example.org/u/[*] (/u/[*]",
		"https://other.example/u/kari":                       "https://other.example/u/kari",
		"other.example/u/kari":                               "other.example/u/kari",
		"høyre/u/venstre":                                    "høyre/u/venstre",
		"a / u / b":                                          "a / u / b",
		"100 % av alt":                                       "100 % av alt",
		"https://example.org/u/kari https://example.org/u/o": "https://example.org/u/[*] https://example.org/u/[*]",
	} {
		if got := r.Text(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestNoPathRules(t *testing.T) {
	for _, text := range []string{
		"", "/", "u/*", "*", "**", "/u", "/u/kari", "/u//*", "/u/**/x", "/u/***", "/u/**x", "/*x*", "/u/../*", "/./*",
		"/u/*?x", "/u/*#x", "/u/[*]", "/u\n/*", "/u/%zz*", "/u/\xff*", "https://example.org/u/*",
		"/" + strings.Repeat("a", 300) + "/*", strings.Repeat("/a", 20) + "/*",
	} {
		if _, err := privacy.ParsePathRules([]string{"/u/*", text}); err == nil {
			t.Errorf("%q is a rule", text)
		} else if !strings.Contains(err.Error(), "path rule ") {
			t.Errorf("%q: %v does not name the rule", text, err)
		}
	}
	if _, err := privacy.ParsePathRules(slices.Repeat([]string{"/u/*"}, 51)); err == nil {
		t.Error("51 rules are not too many")
	}
}

// TestPathRulesLeaveNoName plants a name where a rule marks, in every spelling of the
// path around it.
func TestPathRulesLeaveNoName(t *testing.T) {
	r := marker(t, "/bruker/*/profil", "/@*")
	rapid.Check(t, func(t *rapid.T) {
		name := "Navn" + rapid.StringMatching(`[A-Za-zæøå ,.'()*+!~-]{0,12}`).Draw(t, "name") + "Navnesen"
		spell := rapid.SampledFrom([]func(string) string{
			func(s string) string { return s },
			url.PathEscape, url.QueryEscape,
			func(s string) string { return "x%2F" + url.PathEscape(s) },
			func(s string) string { return url.PathEscape(s) + ";v=1" },
			func(s string) string {
				var all strings.Builder
				for _, c := range []byte(s) {
					all.WriteString("%" + string("0123456789abcdef"[c>>4]) + string("0123456789ABCDEF"[c&15]))
				}
				return all.String()
			},
		}).Draw(t, "spell")
		shape := rapid.SampledFrom([]string{
			"/bruker/NAVN/profil", "//Bruker//NAVN//PROFIL//", "/bruker;a=b/NAVN/./profil/x", "/%62ruker/NAVN/profi%6c",
			"/a/../bruker/NAVN/profil?x=NAVN", "/@NAVN", "/%40NAVN/innlegg", "/bruker/NAVN/profil#NAVN",
		}).Draw(t, "shape")
		path := strings.ReplaceAll(shape, "NAVN", spell(name))
		marked := r.URL(rapid.SampledFrom([]string{"", "https://example.org", "http://www.example.org:80"}).Draw(t, "host") + path)
		marked, _, _ = strings.Cut(marked, "#")
		marked, _, _ = strings.Cut(marked, "?") // which later steps drop
		page, err := url.Parse(marked)
		if err != nil || strings.Contains(page.Path, "Navn") || !strings.Contains(page.Path, privacy.PathMark) {
			t.Fatalf("%q became %q (%v)", path, marked, err)
		}
	})
}

func FuzzPathRules(f *testing.F) {
	f.Add("/u/*", "https://example.org/u/kari?x=/u/ola#y")
	f.Add("/~*/**", "/..;/%2e%2e/~\xff/./..")
	f.Add("/a*b", "=/=/a%2fb/AÅB/")
	f.Fuzz(func(t *testing.T, rule, text string) {
		parsed, err := privacy.ParsePathRules([]string{rule})
		if err != nil {
			return
		}
		r := privacy.PathMarker{PathRules: parsed, Own: ours, Decode: scrub.Decode}
		for _, once := range []string{r.Path(text), r.URL(text), r.Text(text)} {
			if len(once) > 40*len(text)+len(privacy.PathMark) { // one sign may stand for eighteen, and each be escaped
				t.Fatalf("%q became the longer %q", text, once)
			}
		}
		if once := r.Path(text); r.Path(once) != once {
			t.Fatalf("%q became %q and then %q", text, once, r.Path(once))
		}
	})
}

func BenchmarkPathRules(b *testing.B) {
	r := marker(b, "/u/*", "/bruker/*/profil", "/sak/**", "/@*")
	for _, raw := range []string{"https://example.org/tjenester/42/om-oss", "https://example.org/u/kari"} {
		b.Run(raw, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.URL(raw)
			}
		})
	}
	worst := strings.Repeat("=/", 1000)
	b.Run("worst", func(b *testing.B) {
		for b.Loop() {
			r.Text(worst)
		}
	})
}
