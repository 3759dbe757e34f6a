package referrer_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fotspor/fotspor/referrer"
)

// lists holds the public lists, which are not part of the project.
var lists = filepath.Join("..", "..", "shared", "data", "lists")

// requireLists skips a test where they are absent.
func requireLists(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(lists); err != nil {
		t.Skipf("SKIPPED, third-party test data not here: %v", err)
	}
}

// pattern is a host of a public list, in which {} stands for any country.
type pattern struct{ channel, name, host string }

// list reads a public list line by line, by no rules but those of how it looks:
// names at the margin, hosts as items of theirs or of "urls".
func list(t *testing.T, file, channel string) []pattern {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(lists, file))
	if err != nil {
		t.Fatal(err)
	}
	var patterns []pattern
	name, hosts := "", true
	for line := range strings.Lines(string(text)) {
		item := strings.TrimSpace(line)
		switch {
		case line[0] != ' ':
			name, hosts = strings.Trim(strings.TrimSuffix(item, ":"), `"'`), true
		case strings.HasSuffix(item, ":"):
			hosts = strings.HasSuffix(item, "urls:")
		case hosts && strings.HasPrefix(item, "- "):
			patterns = append(patterns, pattern{channel, name, strings.Trim(item[2:], `"'`)})
		}
	}
	return patterns
}

// patterns returns those of all three lists.
func patterns(t *testing.T) []pattern {
	t.Helper()
	requireLists(t)
	all := slices.Concat(
		list(t, "SearchEngines.yml", referrer.Search),
		list(t, "Socials.yml", referrer.Social),
		list(t, "AIAssistants.yml", referrer.AI),
	)
	if len(all) != 907 {
		t.Fatalf("%d patterns, want 907", len(all))
	}
	return all
}

// referring returns URLs of a pattern, as a browser or an app would send them.
func referring(host string) []string {
	if app, ok := strings.CutPrefix(host, "android-app//"); ok {
		return []string{"android-app://" + app}
	}
	host, path, hasPath := strings.Cut(host, "/")
	if hasPath {
		path = "/" + path
	}
	tops, countries := []string{""}, []string{""}
	stem, isStem := strings.CutSuffix(host, ".{}")
	if isStem {
		tops = []string{".no", ".com", ".co.uk", ".com.au", ".co.jp"}
	}
	if strings.Contains(stem, "{}") {
		countries = []string{"no", "de", "uk"}
	}
	var urls []string
	for _, top := range tops {
		for _, country := range countries {
			urls = append(urls, "https://"+strings.Replace(stem, "{}", country, 1)+top+path)
		}
	}
	return append(urls, urls[0]+"?q=x", strings.Replace(urls[0], "https://", "http://www.", 1))
}

// wrong returns what sources says wrong of the pattern, or "". Some hosts are in
// two lists: there an assistant is one, and so is a network.
func wrong(sources *referrer.Sources, p pattern, all []pattern) string {
	want := referrer.Source{Channel: p.channel, Source: p.name}
	bare := func(host string) string { return strings.TrimPrefix(host, "www.") }
	for _, other := range all { // the last one counts
		if bare(other.host) == bare(p.host) {
			want = referrer.Source{Channel: other.channel, Source: other.name}
		}
	}
	for _, ref := range referring(p.host) {
		if got := sources.Classify(nil, ref, nil); got != want {
			return ref + " is " + got.Channel + " " + got.Source + ", want " + want.Channel + " " + want.Source
		}
	}
	return ""
}

func TestPublicLists(t *testing.T) {
	all := patterns(t)
	opened, err := referrer.OpenSources(lists)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if message := wrong(opened, p, all); message != "" {
			t.Error(message)
		}
	}
}

// The table that is part of the program leaves out some hosts on purpose: toolbars
// that are gone, and portals that show a search engine's results among other things.
func TestShippedOnPublicLists(t *testing.T) {
	all := patterns(t)
	right, total := make(map[string]int), make(map[string]int)
	for _, p := range all {
		total[p.channel]++
		if message := wrong(referrer.Shipped(), p, all); message != "" {
			t.Log(message)
			continue
		}
		right[p.channel]++
	}
	for channel, floor := range map[string]float64{referrer.Search: 98, referrer.Social: 99, referrer.AI: 100} {
		share := 100 * float64(right[channel]) / float64(total[channel])
		t.Logf("%-8s %d of %d patterns right, %.1f %% (floor %g)", channel, right[channel], total[channel], share, floor)
		if share < floor {
			t.Errorf("%s: %.1f %%, want at least %g", channel, share, floor)
		}
	}
}

// folder returns a new folder with files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOpenSources(t *testing.T) {
	sources, err := referrer.OpenSources(folder(t, map[string]string{
		"SearchEngines.yml": `
118 700:
  - urls: [www.118700.se, 'Søk.example.no']
    params: []
Finn:
  -
    urls:
      - find.example
      - 'find.{}'
      - '{}.find.example'
      - 'images.{}.find.example'
      - 'find.{}/old/'
    params: ['/\/s\/(.*)/']
    backlink: '?q={k}'
    charsets: [utf-8]
    hiddenkeyword: ['/']
    novelty: {a: 1}
  - urls:
      - android-app//no.example.find/https/find.example
Google Two: [{urls: ["google.{}"]}]
`,
		"Socials.yml": "\"Our\\tnet\":\n  - net.example\n  - net.example/people\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ ref, channel, source string }{
		{"https://118700.se/", "search", "118 700"},
		{"https://xn--sk-lka.example.no/", "search", "118 700"},
		{"https://find.example/", "search", "Finn"},
		{"https://m.find.example/", "search", "Finn"},
		{"https://shop.find.example/", "website", "shop.find.example"},
		{"https://no.find.example/", "search", "Finn"},
		{"https://a.no.find.example/", "website", "a.no.find.example"},
		{"https://images.no.find.example/", "search", "Finn"},
		{"https://find.no/", "search", "Finn"},
		{"https://find.co.uk/", "search", "Finn"},
		{"https://find.it.ao/old/x", "search", "Finn"},
		{"android-app://no.example.find/https/find.example", "search", "Finn"},
		{"https://net.example/", "social", "Our net"},
		{"https://a.b.net.example/", "social", "Our net"},
		// before the shipped ones, which answer for the rest
		{"https://www.google.no/", "search", "Google Two"},
		{"https://images.google.no/", "search", "Google Images"},
		{"https://docs.google.com/", "website", "docs.google.com"},
		{"https://mail.google.com/", "email", "Gmail"},
		{"https://chatgpt.com/", "ai", "ChatGPT"},
	} {
		want := referrer.Source{Channel: c.channel, Source: c.source}
		if got := sources.Classify(nil, c.ref, nil); got != want {
			t.Errorf("Classify(%q) = %+v, want %+v", c.ref, got, want)
		}
	}
	if got := referrer.Shipped().Classify(nil, "https://www.google.no/", nil); got.Source != "Google" {
		t.Errorf("OpenSources changes what Shipped says: %+v", got)
	}
}

func TestOpenSourcesErrors(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want string }{
		"no file":             {"README.md", "A: [a.example]", "no SearchEngines.yml"},
		"not YAML":            {"Socials.yml", "A:\n  - a.example\n b: {", "yaml: line"},
		"empty":               {"Socials.yml", "# nothing\n", "Socials.yml"},
		"a list":              {"Socials.yml", "# names\n- a.example\n", "line 2"},
		"no name":             {"Socials.yml", "'':\n  - a.example\n", "line 1"},
		"name is a list":      {"Socials.yml", "[a]:\n  - a.example\n", "line 1"},
		"no hosts":            {"Socials.yml", "A:\n  - a.example\nB:\nC: []", "line 3"},
		"hosts are a text":    {"Socials.yml", "A: a.example", "line 1"},
		"host is a list":      {"Socials.yml", "A:\n  - a.example\n  - [b.example]", "line 3"},
		"host is empty":       {"Socials.yml", "A:\n  - a.example\n  -", "line 3"},
		"host is a URL":       {"Socials.yml", "A:\n  - https://a.example/", "line 2"},
		"host has no dot":     {"Socials.yml", "A:\n  - com", "line 2"},
		"host is an address":  {"Socials.yml", "A:\n  - 192.0.2.1", "line 2"},
		"host has a dot more": {"Socials.yml", "A:\n  - .a.example", "line 2"},
		"part of a label":     {"Socials.yml", "A:\n  - a{}.example", "line 2"},
		"several countries":   {"Socials.yml", "A:\n  - '{}.a.{}.example'", "line 2"},
		"an alias":            {"Socials.yml", "A: &a\n  - a.example\nB: *a", "line 3"},
		"no urls":             {"SearchEngines.yml", "A:\n  - params: [q]", "line 2"},
		"urls are a text":     {"SearchEngines.yml", "A:\n  - urls: a.example", "line 2"},
		"urls of urls":        {"SearchEngines.yml", "A:\n  - urls:\n      - urls: [a.example]", "line 3"},
		"too large":           {"AIAssistants.yml", strings.Repeat("# x\n", 1<<18) + "A: [a.example]", "1048576"},
	} {
		dir := folder(t, map[string]string{c.file: c.text})
		sources, err := referrer.OpenSources(dir)
		if err == nil || sources != nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if message := err.Error(); !strings.Contains(message, c.want) || !strings.Contains(message, dir) ||
			name != "no file" && !strings.Contains(message, c.file) {
			t.Errorf("%s: error %q does not name file and %q", name, message, c.want)
		}
	}
	// One that is good does not make up for one that is broken.
	dir := folder(t, map[string]string{"Socials.yml": "A: [a.example]", "AIAssistants.yml": "A: b"})
	if _, err := referrer.OpenSources(dir); err == nil {
		t.Error("a broken file beside a good one: no error")
	}
	if err := os.Mkdir(filepath.Join(dir, "SearchEngines.yml"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := referrer.OpenSources(dir); err == nil || !strings.Contains(err.Error(), "SearchEngines.yml") {
		t.Errorf("a folder for a file: error %v", err)
	}
}

func FuzzParseList(f *testing.F) {
	f.Add([]byte("Finn:\n  - urls:\n      - 'find.{}/a'\n      - '{}.find.example'\n    params: [q]\n"))
	f.Add([]byte("Our net:\n  - net.example\n  - a.{}.net.{}\n"))
	f.Add([]byte("A: &a [a.example, søk.example]\nB: *a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, channel := range []string{referrer.Search, referrer.Social} {
			sources, err := referrer.ParseList(data, channel)
			if err != nil {
				continue
			}
			for line := range strings.Lines(string(data)) {
				ref := "https://" + strings.ReplaceAll(strings.Trim(line, " -'\"\r\n"), "{}", "no")
				got := sources.Classify(nil, ref, nil)
				switch got.Channel {
				case channel, referrer.Direct, referrer.Website, referrer.Email:
				default:
					t.Fatalf("%q: channel %q", ref, got.Channel)
				}
				if utf8.RuneCountInString(got.Source) > 100 || !utf8.ValidString(got.Source) {
					t.Fatalf("%q: source %q", ref, got.Source)
				}
			}
		}
	})
}
