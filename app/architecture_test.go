package app_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/hit"
)

const module = "github.com/fotspor/fotspor"

// arrows says what each package of ours may import of ours, besides itself: the
// arrows of the design. A folder speaks for those below it that are not named.
var arrows = map[string][]string{
	"backup":               {},
	"calendar":             {},
	"audit":                {},
	"hit":                  {"calendar"},
	"browser":              {"hit"},
	"internal/baseurl":     {},
	"internal/hostname":    {},
	"internal/httpmetrics": {},
	"internal/periodic":    {},
	"internal/trusted":     {},
	"internal/wire":        {"calendar", "hit"},
	"referrer":             {"internal/hostname", "internal/trusted"},
	"geo":                  {"hit", "internal/trusted", "geo/region", "internal/periodic"},
	"geo/region":           {},
	"i18n":                 {"calendar", "geo/region"},
	"privacy":              {"calendar", "hit", "i18n", "internal/hostname", "privacy/scrub"},
	"privacy/scrub":        {"hit"},
	"site":                 {"calendar", "hit", "internal/hostname", "privacy", "privacy/scrub"},
	"store/embedded":       {"internal/trusted"},
	"store":                {"audit", "backup", "calendar", "hit", "internal/hostname", "internal/trusted", "internal/periodic", "privacy", "report", "retention/journal", "retention/receipt", "site", "store/embedded", "store/schema"},
	"store/schema":         {"calendar", "hit", "report"},
	"generate":             {"store/schema"},
	"store/storetest":      {"site", "store", "store/embedded", "internal/trusted"},
	"report":               {"browser", "calendar", "geo/region", "hit", "internal/hostname"}, // what filters may be by
	"retention":            {"calendar", "privacy", "internal/periodic", "retention/receipt"},
	"retention/receipt":    {"calendar", "internal/trusted"},
	"retention/journal":    {"internal/trusted"},
	"collector/dialect":    {"hit", "i18n", "internal/baseurl", "referrer", "site", "collector/dialect", "collector/optout", "collector/script"}, // the names of campaign parameters stand once
	"collector/script":     {"internal/httpcompress"},
	"collector/optout":     {"i18n", "internal/baseurl", "internal/httpcompress"},
	"collector/spool":      {"hit", "internal/httpmetrics", "internal/wire"},
	"collector/visit":      {"calendar", "hit", "geo", "collector/limit", "internal/periodic", "internal/wire"},
	"collector/limit":      {"hit", "geo"},
	"collector/lines":      {"calendar", "hit", "geo", "report", "internal/periodic"},
	"collector/body":       {"hit", "geo"},
	"collector":            {"calendar", "hit", "browser", "referrer", "geo", "i18n", "privacy", "privacy/scrub", "site", "internal/baseurl", "internal/hostname", "internal/httpcompress", "internal/httpmetrics", "collector", "internal/periodic"},
	"dashboard/password":   {"internal/hostname"},
	"dashboard":            {"audit", "calendar", "hit", "geo", "i18n", "privacy", "report", "retention/receipt", "site", "internal/hostname", "internal/httpcompress", "internal/httpmetrics", "dashboard", "internal/periodic", "internal/baseurl"},
	"app/demo":             {"collector/script", "collector/dialect", "i18n", "internal/baseurl", "internal/httpcompress"},
	"app/plainhttp":        {},
	"collector/spool/spooltest": {
		"hit", "collector/spool",
	},
	"app": {
		"audit", "backup", "hit", "browser", "calendar", "referrer", "geo", "i18n", "privacy", "report", "site", "store", "store/embedded", "internal/baseurl", "internal/hostname", "internal/httpmetrics", "internal/periodic", "internal/trusted",
		"collector", "dashboard", "retention", "retention/journal", "retention/receipt", "app",
	},
	"cli": {
		"app", "audit", "backup", "calendar", "hit", "geo", "i18n", "privacy", "report", "site", "store", "store/embedded", "internal/baseurl", "internal/hostname", "internal/trusted",
		"referrer", "collector/body", "collector/lines", "collector/script", "collector/spool", "collector/visit", "dashboard/password", "retention", "retention/journal", "retention/receipt",
	},
	"cmd/fotspor":           {"cli"},
	"deploy":                {},
	"bench":                 {"calendar", "collector/dialect", "collector/visit", "hit", "internal/trusted", "report", "store", "store/embedded"},
	"internal/chromium":     {"internal/patience"},
	"internal/httpcompress": {},
	"internal/patience":     {},
	"internal/race":         {},
}

// reasons say why few may import a package or what lies below it.
var reasons = map[string]string{
	"backup":    "It knows files and no store: the store writes its tables into a folder.",
	"store":     "Figures are asked of report.Source, sites and users of an interface of who asks: only who wires the parts knows ClickHouse.",
	"collector": "Hits are taken where no dashboard is, and go on when it fails.",
	"dashboard": "Staff's pages may be on another machine, or off.",
	"retention": "It is a part of the program, and no other part deletes.",
	"app":       "It wires the parts: who imports it knows all of them.",
	"cli":       "It changes the whole process, as only the command line may.",
	"privacy":   "A hit, a day and a question are the same under every policy.",
	"internal":  "It is small and shared, and says by its arrows by whom.",
	"audit":     "Who changes something is noted where it is changed.",
	"browser":   "A User-Agent is read where a hit comes in, and is gone after that.",
	"calendar":  "Only what counts days needs it.",
	"geo":       "An address is looked up where it comes in, and cut at once.",
	"hit":       "Only what takes, keeps or shows hits may know what is kept of a visitor.",
	"i18n":      "Texts are chosen where people read them; all else knows codes.",
	"referrer":  "A referring page is read where a hit comes in, and is gone after that.",
	"report":    "What is asked knows what is kept, and not the other way round.",
	"site":      "What an owner declares is checked before it comes to what is below.",
}

// banned are imports that only some packages may have, with the reason.
var banned = map[string]struct {
	reason string
	but    []string
}{
	"unsafe":                                 {"memory is the compiler's business", []string{"store/embedded"}},
	"github.com/ebitengine/purego":           {"one package talks to the engine's library", []string{"store/embedded"}},
	"github.com/ClickHouse/clickhouse-go/v2": {"packages of the store talk to ClickHouse", []string{"store", "store/embedded", "store/schema"}},
	"net/http/pprof":                         {"it registers itself where visitors can reach it", nil},
	"math/rand":                              {"math/rand/v2 needs no seed; secrets come from crypto/rand", nil},
	"log":                                    {"logs are structured: log/slog", []string{"app"}},
	"github.com/mssola/useragent":            {"one package reads User-Agents", []string{"browser"}},
}

// TestArrows holds the imports of the project to the design.
func TestArrows(t *testing.T) {
	used := map[string]bool{}
	gone := map[[2]string]bool{} // arrows that no import follows: from a rule to a package
	for dir, files := range packages(t) {
		allowed, rule := arrowsOf(dir)
		if rule == "" {
			t.Errorf("package %s has no place in the design: name it in arrows", dir)
			continue
		}
		if !used[rule] {
			for _, to := range allowed {
				gone[[2]string{rule, to}] = true
			}
		}
		used[rule] = true
		for name, file := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue // tests look from outside
			}
			for _, spec := range file.Imports {
				imported, _ := strconv.Unquote(spec.Path.Value)
				if ban, ok := banned[imported]; ok && !slices.Contains(ban.but, rule) {
					t.Errorf("%s imports %s: %s", name, imported, ban.reason)
				}
				ours, ok := strings.CutPrefix(imported, module+"/")
				if !ok {
					continue
				}
				followed := false
				for _, a := range allowed {
					if ours == a || strings.HasPrefix(ours, a+"/") && under(dir, a, ours) {
						followed = true
						delete(gone, [2]string{rule, a})
					}
				}
				top, _, _ := strings.Cut(ours, "/")
				if reasons[top] == "" {
					t.Errorf("%s imports %s: reasons does not say why others may not", name, ours)
				}
				if !followed {
					t.Errorf("%s imports %s: the arrows of the design do not go there. %s", name, ours, reasons[top])
				}
			}
		}
	}
	for rule := range arrows {
		if !used[rule] {
			t.Errorf("arrows names %s, which is no package", rule)
		}
	}
	for arrow := range gone {
		t.Errorf("%s does not import %s: take the arrow away", arrow[0], arrow[1])
	}
}

// under reports whether a folder that is allowed opens those below it: only to a
// package of its own, and to app, which wires everything.
func under(dir, allowed, imported string) bool {
	return dir == allowed || strings.HasPrefix(dir, allowed+"/") || dir == "app"
}

// arrowsOf returns what a package may import, and the rule that says so.
func arrowsOf(dir string) (allowed []string, rule string) {
	for at := dir; at != "."; at = path.Dir(at) {
		if allowed, ok := arrows[at]; ok {
			return allowed, at
		}
	}
	return nil, ""
}

// TestOnePackageComment: each package has one package comment.
func TestOnePackageComment(t *testing.T) {
	for dir, files := range packages(t) {
		var comments []string
		for name, file := range files {
			if !strings.HasSuffix(name, "_test.go") && file.Doc != nil {
				comments = append(comments, name)
			}
		}
		if len(comments) != 1 {
			t.Errorf("package %s has %d package comments %v, want 1", dir, len(comments), comments)
		}
	}
}

// TestWhoSeesAddresses: Reveal is called only where the design allows it.
func TestWhoSeesAddresses(t *testing.T) {
	allowed := map[string]string{
		"geo":             "looks up and cuts",
		"collector/visit": "hashes, in memory",
		"privacy/scrub":   "looks for it in the texts of its hit, to mark it",
	}
	seen := map[string]bool{}
	calls(t, func(file *ast.File, dir, name, recv, method string) {
		if method != "Reveal" {
			return
		}
		seen[dir] = true
		if allowed[dir] == "" {
			t.Errorf("%s reveals an address; only these may: %v", name, allowed)
		}
	})
	for dir := range allowed {
		if !seen[dir] {
			t.Errorf("package %s no longer reveals an address: take it off the list", dir)
		}
	}
}

// TestColumnsStandOnce: hit.Fields lists the columns of a row, package report what is asked
// of them, and nothing else lists them. A column is told by its underscore from other words.
func TestColumnsStandOnce(t *testing.T) {
	column := regexp.MustCompile(`\b[a-z]+(_[a-z]+)+\b`)
	columns := map[string]bool{}
	for _, f := range hit.Fields {
		if strings.Contains(f.Name, "_") {
			columns[f.Name] = true
		}
	}
	for dir, files := range packages(t) {
		for name, file := range files {
			if strings.HasSuffix(name, "_test.go") || dir == "hit" || dir == "report" {
				continue
			}
			listed := map[string]bool{}
			ast.Inspect(file, func(n ast.Node) bool {
				if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
					for _, word := range column.FindAllString(text.Value, -1) {
						listed[word] = columns[word]
					}
				}
				return true
			})
			n := 0
			for _, is := range listed {
				if is {
					n++
				}
			}
			if n > 2 {
				t.Errorf("%s names %d columns of rows: let it follow from hit.Fields", name, n)
			}
		}
	}
}

// TestHabits: no sleeping where an event could be awaited, nobody but main, or what stands
// in for it in tests, ends the process, no state that all of the program shares.
func TestHabits(t *testing.T) {
	calls(t, func(file *ast.File, dir, name, recv, method string) {
		test := strings.HasSuffix(name, "_test.go")
		switch recv + "." + method {
		case "time.Sleep":
			if imports(file, "testing/synctest") {
				return // sleeping moves the clock of a bubble
			}
			t.Errorf("%s sleeps: await an event or inject the time", name)
		case "os.Exit", "log.Fatal", "log.Fatalf":
			if file.Name.Name != "main" && dir != "store/storetest" && dir != "internal/chromium" && !test {
				t.Errorf("%s ends the process, which only main may", name)
			}
		case "http.Handle", "http.HandleFunc", "prometheus.MustRegister", "prometheus.Register", "slog.SetDefault":
			t.Errorf("%s changes what the whole process shares: %s.%s", name, recv, method)
		}
	})
}

func imports(file *ast.File, path string) bool {
	return slices.ContainsFunc(file.Imports, func(s *ast.ImportSpec) bool { return s.Path.Value == strconv.Quote(path) })
}

// calls tells f of every call in the project that is written as recv.method().
func calls(t *testing.T, f func(file *ast.File, dir, name, recv, method string)) {
	for dir, files := range packages(t) {
		for name, file := range files {
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
					recv := ""
					if id, ok := sel.X.(*ast.Ident); ok {
						recv = id.Name
					}
					if !(strings.HasSuffix(name, "_test.go") && sel.Sel.Name == "Reveal") {
						f(file, dir, name, recv, sel.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

// packages returns the syntax of all Go files, by folder and by path.
func packages(t *testing.T) map[string]map[string]*ast.File {
	t.Helper()
	root := ".."
	all := map[string]map[string]*ast.File{}
	set := token.NewFileSet()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if base := d.Name(); d.IsDir() && name != root && (strings.HasPrefix(base, ".") || base == "node_modules" || base == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		source, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		file, err := parser.ParseFile(set, rel, source, parser.ParseComments)
		if err != nil {
			return err
		}
		dir := path.Dir(rel)
		if all[dir] == nil {
			all[dir] = map[string]*ast.File{}
		}
		all[dir][rel] = file
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
