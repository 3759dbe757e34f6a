package referrer_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/referrer"
)

// hosts returns the lines of a list of hosts that are no comments.
func hosts(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var hosts []string
	for line := range strings.Lines(string(text)) {
		if host := strings.TrimSpace(line); host != "" && host[0] != '#' {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// checkSpam checks that spam has each of hosts, however it is written in a URL.
func checkSpam(t *testing.T, spam *referrer.Spam, hosts []string) {
	t.Helper()
	for _, host := range hosts {
		for _, ref := range []string{"http://" + host, "https://www." + host + "/?x", "https://a.b." + strings.ToUpper(host) + ":8080/"} {
			if !spam.Has(referrer.Host(ref)) {
				t.Errorf("%s is not spam", ref)
			}
		}
	}
}

// toolbars are hosts that one public list calls a search engine's, and the other
// spam: programs that come unasked.
var toolbars = []string{"search.fbdownloader.com", "search.iminent.com"}

// checkSources checks that spam has none of the sources that we know.
func checkSources(t *testing.T, spam *referrer.Spam) {
	t.Helper()
	var refs []string
	for _, source := range largest {
		refs = append(refs, source.refs...)
	}
	if _, err := os.Stat(lists); err == nil {
		for _, p := range patterns(t) {
			refs = append(refs, referring(p.host)...)
		}
	}
	for _, ref := range refs {
		if host := referrer.Host(ref); spam.Has(host) && !slices.Contains(toolbars, host) {
			t.Errorf("%s is spam", ref)
		}
	}
}

func TestPublicSpamList(t *testing.T) {
	requireLists(t)
	file := filepath.Join(lists, "referrer-spam.txt")
	spam, err := referrer.OpenSpam(file)
	if err != nil {
		t.Fatal(err)
	}
	all := hosts(t, file)
	if len(all) != 2347 {
		t.Errorf("%d hosts, want 2347", len(all))
	}
	checkSpam(t, spam, all)
	checkSources(t, spam)
}

func TestShippedSpam(t *testing.T) {
	checkSpam(t, referrer.ShippedSpam(), hosts(t, "spam.txt"))
	checkSources(t, referrer.ShippedSpam())
}

func TestOpenSpam(t *testing.T) {
	dir := folder(t, map[string]string{
		"good": "\ufeff# hosts\r\n\r\nspam.example\r\n  WWW.Upper.Example.  # seen in 2024\nblåbær.example\nxn--sk-lka.example\nunder_score.example",
		"none": "# nothing is spam\n",
	})
	spam, err := referrer.OpenSpam(filepath.Join(dir, "good"))
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"spam.example":              true,
		"www.spam.example":          true,
		"a.b.spam.example":          true,
		"notspam.example":           false,
		"spam.example.org":          false,
		"example":                   false,
		"":                          false,
		"upper.example":             true,
		"blåbær.example":            true,
		"xn--blbr-roah.example":     true,
		"www.xn--blbr-roah.example": true,
		"søk.example":               true,
		"xn--sk-lka.example":        true,
		"under_score.example":       true,
		"semalt.com":                false,
	} {
		if got := spam.Has(host); got != want {
			t.Errorf("Has(%q) = %v, want %v", host, got, want)
		}
	}
	if spam, err = referrer.OpenSpam(filepath.Join(dir, "none")); err != nil || spam.Has("semalt.com") {
		t.Errorf("a file of comments: error %v, has semalt.com %v", err, err == nil)
	}
}

func TestOpenSpamErrors(t *testing.T) {
	for _, line := range []string{
		"spam.example/path", "https://spam.example", "spam.example:80", "*.spam.example", "spam example", "spam..example",
		".example", "com", "192.0.2.1", "2001:db8::1", "{}.spam.example", "a@spam.example", "\xff.example", strings.Repeat("a.", 127) + "example",
	} {
		dir := folder(t, map[string]string{"spam.txt": "# hosts\ngood.example\n" + line + "\n"})
		_, err := referrer.OpenSpam(filepath.Join(dir, "spam.txt"))
		if err == nil || !strings.Contains(err.Error(), "line 3") || !strings.Contains(err.Error(), "spam.txt") {
			t.Errorf("%q: error %v, want one that names file and line", line, err)
		}
	}
	dir := folder(t, map[string]string{"large": strings.Repeat("#\n", 1<<20)})
	for _, name := range []string{"large", "missing"} {
		if _, err := referrer.OpenSpam(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v, want one that names the file", name, err)
		}
	}
}

func FuzzParseSpam(f *testing.F) {
	f.Add("# hosts\r\nspam.example\r\nBLÅBÆR.example.\n")
	f.Add("\ufeffwww.xn--sk-lka.example # x")
	f.Fuzz(func(t *testing.T, text string) {
		spam, err := referrer.ParseSpam(text)
		if err != nil {
			return
		}
		if spam.Has("") || spam.Has("example") || spam.Has("com") {
			t.Fatalf("%q has a host without a dot", text)
		}
		for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
			host, _, _ := strings.Cut(line, "#")
			if host = referrer.Host("https://" + strings.TrimSpace(host)); host != "" && !spam.Has(host) {
				t.Fatalf("%q has no %q", text, host)
			}
		}
	})
}

func BenchmarkSpam(b *testing.B) {
	spam := referrer.ShippedSpam()
	b.ReportAllocs()
	for b.Loop() {
		spam.Has("www.a.b.example.com")
	}
}
