package i18n_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"html/template"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"text/template/parse"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/fotspor/fotspor/i18n"
)

// TestLoad: the folders of this build can be read, and each language has its own format
// and names.
func TestLoad(t *testing.T) {
	all, err := i18n.Load(i18n.Files)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 3 || all[0].Tag != "en" {
		t.Fatalf("%d languages, the first %s", len(all), all[0].Tag)
	}
	for _, l := range all {
		format := reflect.ValueOf(l.Format())
		for i := range format.NumField() {
			name, field := format.Type().Field(i).Name, format.Field(i)
			if field.Kind() == reflect.Array {
				for j := range field.Len() {
					if field.Index(j).String() == "" {
						t.Errorf("%s: %s lacks number %d", l.Tag, name, j)
					}
				}
			} else if field.String() == "" && name != "DayMark" {
				t.Errorf("%s: format has no %s", l.Tag, name)
			}
		}
		countries, languages := l.Names()
		if len(countries) < 249 || len(languages) < 500 || countries["NO"] == "NO" || languages["nb"] == "nb" {
			t.Errorf("%s: names of %d countries and %d languages", l.Tag, len(countries), len(languages))
		}
	}
}

// TestSameTexts: every language has the same texts, for the same arguments, in plain words.
// A plural form may say its number in words.
func TestSameTexts(t *testing.T) {
	all := i18n.All()
	for _, l := range all {
		if diff := cmp.Diff(all[0].Keys(), l.Keys()); diff != "" {
			t.Errorf("keys of %s and %s differ (-%[1]s +%[2]s):\n%s", all[0].Tag, l.Tag, diff)
			continue
		}
		for _, key := range l.Keys() {
			want := i18n.Verbs(all[0].Other(key))
			for _, wording := range l.Wordings(key) {
				if got := i18n.Verbs(wording); !slices.Equal(got, want) && (len(l.Wordings(key)) == 1 || len(got) > 0) {
					t.Errorf("%s: %s has the places %q, want %q", l.Tag, key, got, want)
				}
				if wording != strings.TrimSpace(wording) || wording == "" || strings.Contains(wording, "  ") {
					t.Errorf("%s: %s is %q", l.Tag, key, wording)
				}
			}
		}
	}
}

// TestNynorskIsNynorsk and bokmål is bokmål: a text that was copied and not translated
// has words that the other does not have. Nor does nynorsk have two forms of one word. Names of
// hosts are in no language.
func TestNynorskIsNynorsk(t *testing.T) {
	for tag, alien := range map[string]string{
		"nn": `ikke|hva|hvilken|hvilket|hvem|hvor|hvordan|fra|noe|noen|ingen steder|mer|bare|kun|jeg|hun|de siste|være|gjør|går ut|besøkene|besøkende|nettsted|nettstedet|nettsteder|nettleser|nettleseren|informasjonskapsler|lagrer|lagres|slettes|telles|teller|siden din|sider som åpnes|måned|måneder|dager|uke|uker|nå|ennå|kommer|finnes|bruker(?:en|e)|lenken|adressen|språket du velger|vart|besøkjande|lenkj(?:e|a|er|ene)|gjeve|da`,
		"nb": `ikkje|kva|kven|kvar|korleis|kor|frå|noko|nokon|meir|berre|vere|gjer|besøka|besøkande|nettstad|nettstaden|nettstader|nettlesar|nettlesaren|informasjonskapslar|lagrar|slettar|tel|månad|månader|dagar|veke|no|enno|finst|brukar|brukarar|lenka|adressa`,
	} {
		word := regexp.MustCompile(`(?i)(?:^|[^\pL])(` + alien + `)(?:$|[^\pL])`)
		l := i18n.Find(tag)
		for _, key := range l.Keys() {
			for _, wording := range l.Wordings(key) {
				if m := word.FindStringSubmatch(wording); m != nil {
					t.Errorf("%s: %s has the word %q: %s", tag, key, m[1], wording)
				}
			}
		}
		for name, text := range pages(t, tag) {
			text = regexp.MustCompile(`(?s)<pre.*?</pre>|{{.*?}}|<[^>]*>|\pL+(?:\.\pL+)+`).ReplaceAllString(text, " ")
			if m := word.FindStringSubmatch(text); m != nil {
				t.Errorf("%s: %s has the word %q", tag, name, m[1])
			}
		}
	}
}

// pages returns the pages and letters of a language by their names in its folder.
func pages(t *testing.T, tag string) map[string]string {
	t.Helper()
	all := map[string]string{}
	folder, err := fs.Sub(i18n.Files, path.Join("texts", tag))
	if err == nil {
		err = fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || path.Ext(name) == ".json" {
				return err
			}
			data, err := fs.ReadFile(folder, name)
			all[name] = string(data)
			return err
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSamePages: a page is there in every language, and asks the program for the same
// things: what its template does, the words aside, is what the others do.
func TestSamePages(t *testing.T) {
	first := i18n.All()[0]
	want := pages(t, first.Tag)
	for _, l := range i18n.All() {
		got := pages(t, l.Tag)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
			t.Errorf("pages of %s and %s differ (-%[1]s +%[2]s):\n%s", first.Tag, l.Tag, diff)
			continue
		}
		for name, text := range got {
			if diff := cmp.Diff(actions(t, name, want[name]), actions(t, name, text)); diff != "" {
				t.Errorf("%s in %s and %s differs (-%[2]s +%[3]s):\n%s", name, first.Tag, l.Tag, diff)
			}
			if diff := cmp.Diff(elements(want[name]), elements(text)); diff != "" {
				t.Errorf("elements of %s in %s and %s differ (-%[2]s +%[3]s):\n%s", name, first.Tag, l.Tag, diff)
			}
		}
	}
}

// actions returns what a template does, sorted, without the words in it: the order of
// words is a language's own.
func actions(t *testing.T, name, text string) []string {
	t.Helper()
	anything := func(...any) string { return "" }
	parsed, err := template.New(name).Funcs(template.FuncMap{"t": anything, "number": anything, "count": anything, "day": anything, "md": anything, "written": anything, "decide": anything}).Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, part := range parsed.Templates() {
		if part.Tree != nil {
			walk(part.Tree.Root, func(action string) {
				all = append(all, part.Name()+": "+regexp.MustCompile(`or (\.\w+) ".*"`).ReplaceAllString(action, "or $1 …"))
			})
		}
	}
	slices.Sort(all)
	return all
}

// walk tells of every action in a list of nodes and in the lists within it.
func walk(list *parse.ListNode, tell func(string)) {
	if list == nil {
		return
	}
	branch := func(what string, n parse.BranchNode) {
		tell(what + " " + n.Pipe.String())
		walk(n.List, tell)
		walk(n.ElseList, tell)
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.TextNode:
		case *parse.IfNode:
			branch("if", n.BranchNode)
		case *parse.RangeNode:
			branch("range", n.BranchNode)
		case *parse.WithNode:
			branch("with", n.BranchNode)
		default:
			tell(n.String())
		}
	}
}

// elements counts the elements of a page.
func elements(text string) map[string]int {
	count := map[string]int{}
	for z := html.NewTokenizer(strings.NewReader(text)); z.Next() != html.ErrorToken; {
		if token := z.Token(); token.Type == html.StartTagToken {
			count[token.Data]++
		}
	}
	return count
}

// sources tells of every file of the program that may hold or use texts, without tests.
func sources(t *testing.T, tell func(name, text string)) {
	t.Helper()
	err := filepath.WalkDir("..", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() {
			if name != ".." && (strings.HasPrefix(base, ".") || slices.Contains([]string{"node_modules", "testdata", "dist", "docs", "bench", "deploy"}, base)) {
				return fs.SkipDir
			}
			return nil
		}
		if ext := filepath.Ext(base); !slices.Contains([]string{".go", ".html", ".txt", ".ts"}, ext) || strings.HasSuffix(base, "_test.go") {
			return nil
		}
		data, err := os.ReadFile(name)
		tell(strings.TrimPrefix(filepath.ToSlash(name), "../"), string(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestKeys: every text is used by somebody, and every key that a template names is there.
// A key may be put together from a prefix, such as "action.", and a word that stands in
// the program.
func TestKeys(t *testing.T) {
	quoted := map[string]bool{}
	literal := regexp.MustCompile("[\"`][\\w. -]+[\"`]|[a-z]+: string")
	named := regexp.MustCompile(`\b(?:t|count|\.Lang\.Text) "([^"]+)"`)
	keys := i18n.All()[0].Keys()
	sources(t, func(name, text string) {
		for _, s := range literal.FindAllString(text, -1) {
			quoted[strings.TrimSuffix(strings.Trim(s, "\"`"), ": string")] = true // a script's interface names the texts that it gets
		}
		if strings.HasSuffix(name, ".html") || strings.HasSuffix(name, ".txt") && strings.HasPrefix(name, "i18n/") {
			for _, m := range named.FindAllStringSubmatch(text, -1) {
				if !slices.Contains(keys, m[1]) {
					t.Errorf("%s names the text %q, which no language has", name, m[1])
				}
			}
		}
	})
	for _, key := range keys {
		if !quoted[key] && !assembled(key, quoted) {
			t.Errorf("text %q is used by nobody", key)
		}
	}
}

// assembled reports whether a key can be put together from a prefix, a word and maybe a
// suffix.
func assembled(key string, quoted map[string]bool) bool {
	for i, c := range key {
		if c != '.' || !quoted[key[:i+1]] {
			continue
		}
		word, suffix, more := strings.Cut(key[i+1:], ".")
		if quoted[word] && (!more || quoted["."+suffix]) {
			return true
		}
	}
	return false
}

// TestWordsStandHere: no template outside of this package has its own words, and no
// Go source that makes pages has Norwegian ones.
func TestWordsStandHere(t *testing.T) {
	shown := []string{"aria-label", "title", "alt", "placeholder", "content"}
	wordless := func(text string) bool {
		text = strings.NewReplacer("Fotspor", "", "{{", " ", "}}", " ").Replace(regexp.MustCompile(`{{.*?}}`).ReplaceAllString(text, ""))
		return !strings.ContainsFunc(text, unicode.IsLetter)
	}
	sources(t, func(name, text string) {
		switch {
		case strings.HasPrefix(name, "i18n/"), strings.HasPrefix(name, "browser/"), strings.HasPrefix(name, "geo/"):
		case strings.HasPrefix(name, "privacy/scrub/"), strings.HasPrefix(name, "collector/dialect/"), strings.HasPrefix(name, "cli/"):
		case strings.HasSuffix(name, ".html"):
			code := 0 // depth within what is no text
			for z := html.NewTokenizer(strings.NewReader(regexp.MustCompile(`(?s){{.*?}}`).ReplaceAllString(text, ""))); z.Next() != html.ErrorToken; {
				token := z.Token()
				quiet := slices.Contains([]string{"code", "script", "style"}, token.Data)
				switch {
				case token.Type == html.StartTagToken && quiet:
					code++
				case token.Type == html.EndTagToken && quiet:
					code--
				case token.Type == html.TextToken && code == 0 && !wordless(token.Data):
					t.Errorf("%s has the words %q", name, strings.TrimSpace(token.Data))
				}
				for _, a := range token.Attr {
					if slices.Contains(shown, a.Key) && token.Data != "meta" && !wordless(a.Val) {
						t.Errorf("%s: attribute %s has the words %q", name, a.Key, a.Val)
					}
				}
			}
		case strings.HasSuffix(name, ".go"):
			file, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING && strings.ContainsAny(literal.Value, "æøåÆØÅ") {
					t.Errorf("%s has the words %s", name, literal.Value)
				}
				return true
			})
		}
	})
}

// TestNewLanguage: a language is a folder and nothing else. CONTRIBUTING.md says how many
// files are in it.
func TestNewLanguage(t *testing.T) {
	files := fstest.MapFS{}
	made := 0
	err := fs.WalkDir(i18n.Files, "texts", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(i18n.Files, name)
		files[name] = &fstest.MapFile{Data: data}
		if rest, ok := strings.CutPrefix(name, "texts/nn/"); ok {
			files["texts/sv/"+rest] = &fstest.MapFile{Data: data}
			made++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	all, err := i18n.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	if l := all[len(all)-1]; len(all) != len(i18n.All())+1 || l.Tag != "sv" || len(l.Keys()) != len(all[0].Keys()) {
		t.Errorf("%d languages, the last %s", len(all), l.Tag)
	}
	contributing, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(`A language is (\d+) files in one folder`).FindStringSubmatch(string(contributing))
	if said == nil || said[1] != strconv.Itoa(made) {
		t.Errorf("CONTRIBUTING.md says %q, want that a language is %d files in one folder", said, made)
	}
}

// TestBadFolders: what can't be a language is refused with the reason.
func TestBadFolders(t *testing.T) {
	head := `{"name": "x"}`
	for name, folder := range map[string]map[string]string{
		"no-tag-at-all-in-it: ": {"language.json": head},
		"de: language.json":     {},
		"de: names.json":        {"language.json": head, "names.json": "["},
		"de: a.json: plural form \"lots\"": {"language.json": head, "names.json": "{}",
			"a.json": `{"days": {"lots": "x", "other": "y"}}`},
		"de: a.json: plural forms [one]": {"language.json": head, "names.json": "{}", "a.json": `{"days": {"one": "x"}}`},
		"de: text \"days\" is in two":    {"language.json": head, "names.json": "{}", "a.json": `{"days": "x"}`, "b.json": `{"days": "x"}`},
	} {
		tag, _, _ := strings.Cut(name, ":")
		files := fstest.MapFS{"texts/" + tag + "/statement.html": {}}
		for file, text := range folder {
			files["texts/"+tag+"/"+file] = &fstest.MapFile{Data: []byte(text)}
		}
		if _, err := i18n.Load(files); err == nil || !strings.HasPrefix(err.Error(), "read language "+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := i18n.Load(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without texts: %v", err)
	}
}
