package password_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/dashboard/password"
)

func TestCheck(t *testing.T) {
	context := []string{"kari", "al", "fjordvik.example"}
	for pass, want := range map[string]error{
		// common as they are, in any case
		"123456789012": password.ErrCommon, "1234567890123": password.ErrCommon, "qwertyuiop123": password.ErrCommon,
		"QwertyUiop123": password.ErrCommon, "unbelievable": password.ErrCommon, "leavemealone": password.ErrCommon,
		"1qaz2wsx3edc": password.ErrCommon, "administrator": password.ErrCommon,
		// one common word with digits and signs around it
		"Password1234": password.ErrCommon, "Passord123456": password.ErrCommon, "Sommer2026!!": password.ErrCommon, "!!Velkommen2026": password.ErrCommon,
		"P@ssw0rd123456": password.ErrCommon, "hemmelig....": password.ErrCommon, "dragon-20262027": password.ErrCommon, "Høsten 2026!": password.ErrCommon,
		"sommerfugl2026": password.ErrCommon, "Ekornet12345": password.ErrCommon, "jordbær2026!": password.ErrCommon,
		// the same in other forms: full width, zero width, soft hyphens, ligatures, NFD
		"Ｐａｓｓｗｏｒｄ１２３４": password.ErrCommon, "Pass\u200bword1234": password.ErrCommon, "pass\u00adword\u20601234": password.ErrCommon,
		"ﬀjell og viddeliv": nil, "Fotsp\u200dor er fint": password.ErrCommon, "ha\u030asten var fin": nil, "Jordbær\u200b20262": password.ErrCommon,
		"ba\u030aten-202627": password.ErrCommon, "𝐏𝐚𝐬𝐬𝐰𝐨𝐫𝐝𝟏𝟐𝟑𝟒": password.ErrCommon,
		// the same again and again
		"aaaaaaaaaaaaaaa": password.ErrCommon, "abcabcabcabcabc": password.ErrCommon, "xk7qxk7qxk7qxk": password.ErrCommon, "            ": password.ErrCommon,
		"fjelltur fjelltur ": password.ErrCommon, "qzxvjkw qzxvjkw 1": nil,
		// words of the context
		"Fotspor er fint": password.ErrCommon, "kariliker epler": password.ErrCommon, "vi i FJORDVIK.example bor her": password.ErrCommon,
		"al og alle andre": nil,
		// length
		"kort": password.ErrLength, "": password.ErrLength, "elleve tegn": password.ErrLength, "kort\u200b\u200b\u200b\u200b\u200b\u200b\u200b\u200b": password.ErrLength, "a\u030aa\u030aa\u030aa\u030aa\u030aa\u030a": password.ErrLength,
		// any characters, no composition
		"en lang setning om fjell": nil, "blåbær og rømme": nil, "🦊🐻🐨🐯🦁🐮🐷🐸🐵🐔🐧🐦": nil, "tolv tegn æø": nil,
		"onlylowercaseletterswithoutmeaning": nil, "81649273650183": nil, " spaces stay spaces ": nil,
		"et passord som er langt nok til å være greit, med mer enn sekstifire tegn i alt": nil,
	} {
		if got := password.Check(pass, context...); !errors.Is(got, want) || (got == nil) != (want == nil) {
			t.Errorf("Check(%q) = %v, want %v", pass, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	got := password.Words([]string{"www.fjordvik.example", "*.havn.example", "stats.example.org:8080", "localhost"})
	want := []string{"fjordvik.example", "fjordvik", "havn.example", "havn", "stats.example.org", "stats", "localhost", "localhost"}
	if !slices.Equal(got, want) {
		t.Errorf("words %q, want %q", got, want)
	}
}

// TestCommonList: at least the 3,000 most common passwords that are long enough are
// refused (OWASP ASVS 5, 6.2.4), however their letters are written.
func TestCommonList(t *testing.T) {
	text, err := os.ReadFile("common.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if !slices.IsSorted(lines) || len(slices.Compact(slices.Clone(lines))) != len(lines) {
		t.Error("the list is not sorted, or holds a line twice")
	}
	long := 0
	for i, line := range lines {
		if line == "" || line != strings.ToLower(line) || line != strings.TrimRight(line, "\r") {
			t.Fatalf("line %d: %q", i+1, line)
		}
		if len([]rune(line)) < password.MinLength {
			continue
		}
		if long++; long%50 != 0 { // every one takes seconds
			continue
		}
		for _, pass := range []string{line, strings.ToUpper(line)} {
			if password.Check(pass) == nil {
				t.Errorf("%q is taken", pass)
			}
		}
	}
	if long < 3000 {
		t.Errorf("%d passwords that are long enough, want 3000", long)
	}
}

// FuzzCheck: no password is too odd to be judged, and what is taken is long enough.
func FuzzCheck(f *testing.F) {
	f.Add("en lang setning om fjell", "kari")
	f.Add("Passord123456\n\xff", "")
	f.Fuzz(func(t *testing.T, pass, name string) {
		if password.Check(pass, name) == nil && len([]rune(pass)) < password.MinLength {
			t.Errorf("%q is taken", pass)
		}
	})
}
