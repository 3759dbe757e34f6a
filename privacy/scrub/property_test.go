package scrub_test

import (
	"encoding/base64"
	"encoding/hex"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fotspor/fotspor/privacy/scrub"
)

var functions = map[string]func(string) string{"Text": scrub.Text, "Path": scrub.Path}

var (
	mailAddress = regexp.MustCompile(`(?:^|[^%\pL\pN._+-])[\pL\pN][\pL\pN._+-]*@(?:[\pL\pN][\pL\pN._-]*)?\pL`)
	picture     = regexp.MustCompile(`(?i)@[1-9.]+x(\.(png|jpe?g|gif|webp|avif|svg))?$`)
	marks       = regexp.MustCompile(`\[(ip|email|phone|national-id|token|encoded)\]`)
)

// hold checks what is true of every text.
func hold(t *testing.T, in string) {
	t.Helper()
	for name, f := range functions {
		out := f(in)
		if again := f(out); again != out {
			t.Errorf("%s(%q) = %q, and then %q", name, in, out, again)
		}
		if utf8.ValidString(in) && !utf8.ValidString(out) {
			t.Errorf("%s(%q) = %q: not UTF-8", name, in, out)
		}
		for _, left := range mailAddress.FindAllString(out, -1) {
			if !picture.MatchString(left) {
				t.Errorf("%s(%q) = %q: %q is left", name, in, out, left)
			}
		}
		if scrub.Plain(in) && !strings.ContainsAny(in, "?#:") && !strings.Contains(in, "//") && !keeps(in, out) {
			t.Errorf("%s(%q) = %q: more than marks is new", name, in, out)
		}
	}
}

// keeps reports whether out is pieces of in, in their order, with marks between.
func keeps(in, out string) bool {
	for _, piece := range marks.Split(out, -1) {
		at := strings.Index(in, piece)
		if at < 0 {
			return false
		}
		in = in[at+len(piece):]
	}
	return true
}

func FuzzScrub(f *testing.F) {
	for _, s := range []string{
		"", "kari@example.org", "mailto%3Akari%2540example.org", "\"a b\"@x.no", "@a@b.c@d.e", "logo@2x.png@x", "a@ b",
		"+47 22 33 44 55 66 77", "(+47) 912 34 567", "0047 22 33 44 55", " 46701234567", "91234567,41234567-3",
		"22 33 44 55 66 91 23 45", "47 912 34 567 978 82 450 1234 7", "001 2345678901 22 33 44 55",
		"978 82 450 22 33 44 55", "20261122-91234567-1", "kr 45000000,-", "45000000 kroner",
		"179120 99997", "17 91 20 99997 91234567", "4111 1111 1111 1111 17912099997",
		"550e8400-e29b-41d4-a716-446655440000", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.a-b_c", "aB3-4eC39HqLyjWDarjtT1zdp7dc_Z9=",
		"%25252525404040", "%2%40%", "ø%F8\xff\xfe%C3%28", "/a/91234567/22-33-44-55/",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { hold(t, s) })
}

// TestMixtures puts what is looked for beside each other in every way, which chance
// would take long to find.
func TestMixtures(t *testing.T) {
	pieces := []string{
		"91234567", "22334455", "20261122", "22 33 44 55", "22-33", "33 44", "912 34 567", "912.34", "567", "47", "+47", "00", "0047", "+", "001",
		"17912099997", "179120", "99997", "978 82 450", "978", "1234", "4111 1111", "1111 1111", "2", "5", "kr",
		"kari", "example.org", "@", "%40", "%2540", "%", "25", "mailto:", "\"", "2x.png", "ø", "%F8", "eyJhbGciOiJIUzI1NiJ9",
		"4eC39HqLyjWDarjtT1zdp7dc", "aB3", "0123456789abcdef", "550e8400-e29b-41d4-a716-446655440000", "[phone]", "[email]",
		" ", " ", " ", "-", "-", ".", ",", ",", "/", "_", "(", ")", "=", "–", "\u00a0",
	}
	rng := rand.New(rand.NewPCG(5, 6))
	n := 30_000
	if testing.Short() {
		n = 10_000
	}
	for range n {
		var b strings.Builder
		for range 1 + rng.IntN(14) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		if hold(t, b.String()); t.Failed() {
			return
		}
	}
}

func TestGeneratedTokens(t *testing.T) {
	rng := rand.NewChaCha8([32]byte{7})
	random := func(n int) []byte { b := make([]byte, n); rng.Read(b); return b }
	uuid := func() string {
		h := hex.EncodeToString(random(16))
		return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
	}
	drawn := func(of string, n int) string {
		b := random(n)
		for i := range b {
			b[i] = of[int(b[i])%len(of)]
		}
		return string(b)
	}
	const capitals, small, numbers = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789"
	base62 := func(n int) string { return drawn(numbers+capitals+small, n) }
	groups := func(n, size int, of string) string {
		all := make([]string, n)
		for i := range all {
			all[i] = drawn(of, size)
		}
		return strings.Join(all, "-")
	}
	for _, kind := range []struct {
		name  string
		make  func() string
		floor float64 // share that is found, in percent
	}{
		{"UUID", uuid, 100},
		{"MD5", func() string { return hex.EncodeToString(random(16)) }, 100},
		{"SHA-1", func() string { return hex.EncodeToString(random(20)) }, 100},
		{"64 bits in hexadecimal", func() string { return hex.EncodeToString(random(8)) }, 99.8},
		{"UUID with underscores", func() string { return strings.ReplaceAll(uuid(), "-", "_") }, 100},
		{"base62 of 16", func() string { return base62(16) }, 99},
		{"base62 of 24", func() string { return base62(24) }, 99.8},
		{"base62 of 32", func() string { return base62(32) }, 99.5},
		{"base36 of 18", func() string { return drawn(numbers+small, 18) }, 98.5},
		{"base32 of 16", func() string { return drawn(capitals+"234567", 16) }, 99},
		{"base32 of 26", func() string { return drawn(capitals+"234567", 26) }, 99.8},
		{"ULID", func() string { return "01" + drawn("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 24) }, 99},
		{"nanoid", func() string { return drawn(numbers+capitals+small+"-_", 21) }, 98.5},
		{"base64url of 22", func() string { return drawn(numbers+capitals+small+"-_", 22) }, 98.5},
		{"capitals of 16", func() string { return drawn(capitals, 16) }, 99}, {"AKIA", func() string { return "AKIA" + drawn(capitals+"234567", 16) }, 100},
		{"small letters of 16", func() string { return drawn(small, 16) }, 97}, {"small letters of 24", func() string { return drawn(small, 24) }, 99},
		{"four groups of four", func() string { return groups(4, 4, numbers+capitals) }, 96},
		{"four groups of four small letters and digits", func() string { return groups(4, 4, numbers+small) }, 96},
		{"four groups of base62", func() string { return groups(4, 4, numbers+capitals+small) }, 95},
		{"five groups of five", func() string { return groups(5, 5, "BCDFGHJKMPQRTVWXY2346789") }, 99},
		{"base64 of 48 bytes", func() string { return base64.RawURLEncoding.EncodeToString(random(48)) }, 90},
		{"JWT", func() string {
			part := base64.RawURLEncoding.EncodeToString
			return part([]byte(`{"alg":"RS256"}`)) + "." + part([]byte(`{"sub":"17912099997"}`)) + "." + part(random(256))
		}, 100},
	} {
		const n = 5000
		found := 0
		for range n {
			if strings.Contains(scrub.Path("/a/"+kind.make()+"/b"), "[token]") {
				found++
			}
		}
		share := 100 * float64(found) / n
		t.Logf("%-22s %.1f %% found", kind.name, share)
		if share < kind.floor {
			t.Errorf("%s: %.2f %% found, want at least %g", kind.name, share, kind.floor)
		}
	}
}

// TestLongTexts would take hours if any step were worse than linear.
func TestLongTexts(t *testing.T) {
	start := time.Now()
	for _, unit := range []string{
		"@", "a@", "a@-", "\"@", "a@b", "%40", "%25", "%2525", "a%", ".", "a.", "1", "1 ", "11 ", "22 33 ", "47 ", "+", "+4", "+1 ", "00 ",
		"978 ", "91234567,", "179120 9999 ", "a", "a1", "aA1", "aB3-", "0123456789abcdef-", "eyJ", "eyJhbGciOiJIUzI1NiJ9.", "ø", "\xff", "(", "a@b@", "kr ",
	} {
		for _, f := range functions {
			f(strings.Repeat(unit, 1<<18/len(unit)))
			f(strings.Repeat(unit, 1<<18/len(unit)) + "ø@91234567 kari@example.org 0123456789abcdef")
		}
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %v", took)
	}
}
