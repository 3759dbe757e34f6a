package hostname_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/internal/hostname"
)

func TestCanonical(t *testing.T) {
	for _, c := range []struct{ name, host, want string }{
		{"as it is", "www.example.org", "www.example.org"},
		{"nothing", "", ""},
		{"capitals", "WWW.Example.ORG", "www.example.org"},
		{"final dot", "www.example.org.", "www.example.org"},
		{"port", "example.org:8080", "example.org"},
		{"port and final dot", "example.org.:443", "example.org"},
		{"port without a number", "example.org:", "example.org"},
		{"space around it", " example.org ", "example.org"},
		{"Unicode", "blåbær.no", "xn--blbr-roah.no"},
		{"Unicode capitals", "BLÅBÆR.NO", "xn--blbr-roah.no"},
		{"encoded capitals", "XN--BLBR-ROAH.NO", "xn--blbr-roah.no"},
		{"encoded", "xn--blbr-roah.no", "xn--blbr-roah.no"},
		{"form D", "bla\u030abær.no", "xn--blbr-roah.no"},
		{"percent-encoded", "bl%C3%A5b%C3%A6r.no", "xn--blbr-roah.no"},
		{"percent-encoded form D", "bla%CC%8Ab%C3%A6r.no", "xn--blbr-roah.no"},
		{"label in the middle", "www.blåbær.kommune.no", "www.xn--blbr-roah.kommune.no"},
		{"ideographic full stop", "www。example．org｡", "www.example.org"},
		{"full-width letters", "ｅｘａｍｐｌｅ.org", "example.org"},
		{"soft hyphen", "exam\u00adple.org", "example.org"},
		{"sharp s stays", "straße.de", "xn--strae-oqa.de"},
		{"final sigma stays", "βόλος.com", "xn--nxasmm1c.com"},
		{"underscore", "my_host.example.org", "my_host.example.org"},
		{"hyphens at three and four", "r3---sn-apo3qvuoxuxbt-j5pe.example", "r3---sn-apo3qvuoxuxbt-j5pe.example"},
		{"no punycode", "xn--zzzzzzz99.example", "xn--zzzzzzz99.example"},
		{"can't be converted", "Ala\u0600din.example", "ala\u0600din.example"},
		{"IPv4", "127.0.0.1:80", "127.0.0.1"},
		{"IPv6", "::1", "::1"},
		{"IPv6 in brackets", "[2001:DB8::1]:8080", "2001:db8::1"},
		{"too long to be one", strings.Repeat("Å", 2000), strings.Repeat("å", 2000)},
	} {
		if got := hostname.Canonical(c.host); got != c.want {
			t.Errorf("%s: Canonical(%q) = %q, want %q", c.name, c.host, got, c.want)
		}
	}
}

func TestOfTarget(t *testing.T) {
	for target, want := range map[string]string{
		"":                            "",
		"vipps.no/Gi":                 "vipps.no/Gi",
		"HTTPS://Blåbær.se:443/Bær/?": "xn--blbr-roah.se/Bær/?",
		"blåbær.se":                   "xn--blbr-roah.se",
		"blåbær.se/a\u030a*":          "xn--blbr-roah.se/å*",
		"/Rapport/blåbær.pdf":         "/Rapport/blåbær.pdf",
		"*.Blåbær.se/*":               "*.xn--blbr-roah.se/*",
		"*":                           "*",
	} {
		if got := hostname.OfTarget(target); got != want {
			t.Errorf("OfTarget(%q) = %q, want %q", target, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ host, want string }{
		{"Example.org.", "example.org"},
		{"BLÅBÆR.no.", "xn--blbr-roah.no"},
		{"xn--blbr-roah.no", "xn--blbr-roah.no"},
		{"127.0.0.1", "127.0.0.1"},
	} {
		if got, err := hostname.Parse(c.host); err != nil || got != c.want {
			t.Errorf("Parse(%q) = %q, %v, want %q", c.host, got, err, c.want)
		}
	}
	for _, host := range []string{
		"", " ", ".", "..", ".example.org", "example..org", "https://example.org/", "example.org/path", "example.org?x", "a b.no", "*.example.org",
		"user@example.org", "::1", "[::1]", "example.org:http", "localhost:3000", "exa\x00mple.org", "Ala\u0600din.example", "xn--zzzzzzz99.example",
		strings.Repeat("a.", 127) + "no", strings.Repeat("å", 2000) + ".no",
	} {
		if got, err := hostname.Parse(host); err == nil {
			t.Errorf("Parse(%q) = %q, want an error", host, got)
		}
	}
}

func TestDisplay(t *testing.T) {
	for _, c := range []struct{ name, host, want string }{
		{"ASCII", "www.example.org", "www.example.org"},
		{"Norwegian", "www.xn--blbr-roah.no", "www.blåbær.no"},
		{"Sámi", hostname.Canonical("kárášjohka.no"), "kárášjohka.no"},
		{"Russian", hostname.Canonical("президент.рф"), "президент.рф"},
		{"Greek", hostname.Canonical("βόλος.gr"), "βόλος.gr"},
		{"Japanese", hostname.Canonical("東京タワー.jp"), "東京タワー.jp"},
		{"Korean", hostname.Canonical("대한민국.kr"), "대한민국.kr"},
		{"Arabic", hostname.Canonical("موقع.com"), "موقع.com"},
		{"no punycode", "xn--zzzzzzz99.example", "xn--zzzzzzz99.example"},
		{"Cyrillic that looks Latin", "xn--80ak6aa92e.com", "xn--80ak6aa92e.com"},
		{"the same below a Cyrillic domain", hostname.Canonical("оао.рф"), "оао.рф"},
		{"Cyrillic a among Latin", "xn--pypal-4ve.com", "xn--pypal-4ve.com"},
		{"Greek omicron among Latin", hostname.Canonical("gοogle.com"), hostname.Canonical("gοogle.com")},
		{"phonetic letter", hostname.Canonical("ɡoogle.com"), hostname.Canonical("ɡoogle.com")},
		{"foreign digits", hostname.Canonical("٠١٢.example"), hostname.Canonical("٠١٢.example")},
		{"sign that looks like a slash", "xn--example-xy7d.com", "xn--example-xy7d.com"},
	} {
		if got := hostname.Display(c.host); got != c.want {
			t.Errorf("%s: Display(%q) = %q, want %q", c.name, c.host, got, c.want)
		}
	}
	if got := hostname.Unicode("xn--pypal-4ve.xn--blbr-roah.no"); got != "p\u0430ypal.blåbær.no" {
		t.Errorf("Unicode = %q", got)
	}
}

func TestCopied(t *testing.T) {
	for _, c := range []struct {
		host, want string
		ok         bool
	}{
		{"example.org", "", false},
		{"translate.goog", "", false},
		{"www-example-org.translate.goog", "www.example.org", true},
		{"my--site-example-org.translate.goog", "my-site.example.org", true},
		{"www-example-org.cdn.ampproject.org", "www.example.org", true},
		{"0-en--us-example-org-0.cdn.ampproject.org", "en-us.example.org", true},
		{hostname.Canonical("blåbær-no.cdn.ampproject.org"), "xn--blbr-roah.no", true},
		{"www-example-org.bing-amp.com", "www.example.org", true},
		{"a.b.translate.goog", "", true},
	} {
		if got, ok := hostname.Copied(c.host); got != c.want || ok != c.ok {
			t.Errorf("Copied(%q) = %q, %t, want %q, %t", c.host, got, ok, c.want, c.ok)
		}
	}
	if !hostname.IsAMPCache("a-no.cdn.ampproject.org") || hostname.IsAMPCache("a-no.translate.goog") {
		t.Error("IsAMPCache")
	}
}

// Canonical(Canonical(host)) is Canonical(host), and what is shown leads back to it.
func TestOneForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		host := rapid.OneOf(
			rapid.String(),
			rapid.StringMatching(`([a-zæøåÆØÅáščßа-яά-ω0-9-]{1,12}\.){1,4}(no|NO|орг)[.]?(:[0-9]{1,4})?`),
		).Draw(t, "host")
		checkForm(t, host)
	})
}

type failer interface{ Fatalf(string, ...any) }

func checkForm(t failer, host string) {
	one, err := hostname.Parse(host)
	if err != nil {
		return
	}
	if got := hostname.Canonical(host); got != one {
		t.Fatalf("Canonical(%q) = %q, Parse %q", host, got, one)
	}
	if again := hostname.Canonical(one); again != one {
		t.Fatalf("Canonical(%q) = %q, and of that %q", host, one, again)
	}
	for i := range len(one) {
		if one[i] >= utf8.RuneSelf {
			t.Fatalf("Canonical(%q) = %q, want ASCII", host, one)
		}
	}
	for _, shown := range []string{hostname.Display(one), hostname.Unicode(one)} {
		if back := hostname.Canonical(shown); back != one {
			t.Fatalf("%q is shown as %q, which is %q", one, shown, back)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add("blåbær.no")
	f.Add("XN--BLBR-ROAH.no.:80")
	f.Add("xn--zzzzzzz99.xn--a")
	f.Add("a%00b.%e2%80%8d.no")
	f.Add("0.xn--")
	f.Fuzz(func(t *testing.T, host string) {
		hostname.Display(hostname.Canonical(host))
		hostname.Copied(hostname.Canonical(host) + ".translate.goog")
		checkForm(t, host)
	})
}

func TestPlainHostsCostNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { hostname.Canonical("www.xn--blbr-roah.example.org") }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkCanonical(b *testing.B) {
	for _, host := range []string{"www.example.org", "WWW.example.org", "www.blåbær.no"} {
		b.Run(host, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				hostname.Canonical(host)
			}
		})
	}
}

// BenchmarkLongest is the most that a stranger can have a host cost.
func BenchmarkLongest(b *testing.B) {
	var host strings.Builder
	for r := '一'; host.Len() < 250; r += 37 {
		host.WriteRune(r)
	}
	for b.Loop() {
		hostname.Display(hostname.Canonical(host.String()))
	}
}
