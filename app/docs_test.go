package app_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/collector/script"
	"github.com/fotspor/fotspor/hit"
)

func readDoc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestMetricsAsDocumented: docs/metrics.md lists the metrics of the program, with
// their types, and no others; and every reason to leave a hit out.
func TestMetricsAsDocumented(t *testing.T) {
	doc := readDoc(t, "docs/metrics.md")
	documented := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(fotspor_[a-z_]+)` \\| ([a-z]+) \\|").FindAllStringSubmatch(doc, -1) {
		documented[m[1]] = m[2]
	}
	p := start(t, time.Now(), func(o *app.Options) { o.Now = time.Now; o.Demo = true })
	p.get(p.public + "/demo/plain") // some metrics come with the first request
	p.get(p.public + "/privacy/1")
	text := p.get(p.metrics + "/metrics")
	served := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (fotspor_[a-z_]+) ([a-z]+)$`).FindAllStringSubmatch(text, -1) {
		served[m[1]] = m[2]
	}
	for name, kind := range served {
		if documented[name] != kind {
			t.Errorf("%s, a %s, is documented as %q", name, kind, documented[name])
		}
	}
	for name := range documented {
		if served[name] == "" {
			t.Errorf("%s is documented and not served", name)
		}
	}
	for _, m := range regexp.MustCompile(`fotspor_hits_dropped_total\{reason="([a-z_]+)"\}`).FindAllStringSubmatch(text, -1) {
		if !strings.Contains(doc, "| `"+m[1]+"` |") {
			t.Errorf("the reason %s is not documented", m[1])
		}
	}
}

// TestStepsAsDocumented: docs/install.md lists the hosts that are no source by default.
func TestStepsAsDocumented(t *testing.T) {
	doc := readDoc(t, "docs/install.md")
	for line := range strings.Lines(readDoc(t, "referrer/steps.txt")) {
		host, _, _ := strings.Cut(line, "#")
		if host = strings.TrimSpace(host); host != "" && !strings.Contains(doc, "`"+host+"`") {
			t.Errorf("docs/install.md does not list %s", host)
		}
	}
}

// TestEveryColumnIsTold: docs/privacy.md says of every column of a row to which fact it
// belongs, on one line for each, and what its values can be.
func TestEveryColumnIsTold(t *testing.T) {
	doc := readDoc(t, "docs/privacy.md")
	_, facts, ok := strings.Cut(doc, "| fact | columns |")
	_, bounds, ok2 := strings.Cut(doc, "| columns | are bounded by |")
	if !ok || !ok2 {
		t.Fatal("docs/privacy.md lacks a table of columns")
	}
	facts, _, _ = strings.Cut(facts, "\n\n")
	bounds, _, _ = strings.Cut(bounds, "\n\n")
	for _, fact := range hit.Facts {
		var columns []string
		for _, f := range hit.Fields {
			if f.Fact == fact {
				columns = append(columns, "`"+f.Name+"`")
			}
			if !strings.Contains(bounds, "`"+f.Name+"`") {
				t.Errorf("docs/privacy.md does not say what %s can be", f.Name)
			}
		}
		if cell := "| " + strings.Join(columns, ", ") + " |"; !strings.Contains(facts, cell) {
			t.Errorf("docs/privacy.md has no line of the fact %q with the cell %s", fact, cell)
		}
	}
}

// TestThreats: each line of docs/threats.md has all its cells, and names only tests
// that exist.
func TestThreats(t *testing.T) {
	tests := testsOf(t)
	for _, line := range strings.Split(readDoc(t, "docs/threats.md"), "\n") {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") || strings.HasPrefix(line, "| attacker ") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if len(cells) != 5 {
			t.Errorf("a threat has %d cells, want 5: %s", len(cells), line)
			continue
		}
		named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(cells[3], -1)
		if len(named) == 0 {
			t.Errorf("a threat names no test: %s", line)
		}
		for _, m := range named {
			if !tests[m[1]] {
				t.Errorf("the test %s of a threat does not exist: %s", m[1], line)
			}
		}
	}
}

// TestNamedTests: a test that a page names exists.
func TestNamedTests(t *testing.T) {
	tests := testsOf(t)
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	decisions, err := filepath.Glob("../docs/decisions/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, decisions...) {
		page = strings.TrimPrefix(page, "../")
		for _, m := range regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(readDoc(t, page), -1) {
			if !tests[m[1]] {
				t.Errorf("%s names test %s, which does not exist", page, m[1])
			}
		}
	}
}

// TestDecisionsAreNumbered: no two decisions have a number in common, and each begins with its
// own.
func TestDecisionsAreNumbered(t *testing.T) {
	pages, err := filepath.Glob("../docs/decisions/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	last := ""
	for _, page := range pages { // in the order of their names
		number, _, _ := strings.Cut(filepath.Base(page), "-")
		if number == last {
			t.Errorf("%s has the number of another decision", page)
		}
		last = number
		if text := readDoc(t, strings.TrimPrefix(page, "../")); !strings.HasPrefix(text, "# "+strings.TrimLeft(number, "0")+". ") {
			t.Errorf("%s begins with %.20q, want its number", page, text)
		}
	}
}

// TestSnippetAsDocumented: what people copy from the docs is what the program prints.
func TestSnippetAsDocumented(t *testing.T) {
	_, want, _ := strings.Cut(script.Snippet("https://stats.example.org", 1), "\n") // the first line is a comment
	for _, name := range []string{"README.md", "docs/script.md"} {
		if !strings.Contains(readDoc(t, name), "```html\n"+want) {
			t.Errorf("%s has other lines to paste than\n%s", name, want)
		}
	}
}

// testsOf returns the names of all tests and fuzz targets of the project.
func testsOf(t *testing.T) map[string]bool {
	t.Helper()
	tests := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == "node_modules":
			return fs.SkipDir
		case strings.HasSuffix(path, "_test.go"):
			source, err := os.ReadFile(path)
			for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllStringSubmatch(string(source), -1) {
				tests[m[1]] = true
			}
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}

// TestHowToAdd: CONTRIBUTING.md names, for each kind of thing that people add, files and
// tests that are there, and counts the files.
func TestHowToAdd(t *testing.T) {
	tests, code := testsOf(t), regexp.MustCompile("`([^`]+)`")
	_, table, _ := strings.Cut(readDoc(t, "CONTRIBUTING.md"), "## How to add\n\n")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.Split(table, "\n")[2:]
	if len(rows) != 9 {
		t.Errorf("CONTRIBUTING.md tells how to add %d kinds of things, want 9", len(rows))
	}
	for _, row := range rows {
		cells := strings.Split(strings.Trim(row, "|"), "|")
		if len(cells) != 5 {
			t.Fatalf("a line has %d cells, want 5: %s", len(cells), row)
		}
		byHand, written := code.FindAllStringSubmatch(cells[1], -1), code.FindAllStringSubmatch(cells[3], -1)
		if got := strconv.Itoa(len(byHand)); got != strings.TrimSpace(cells[2]) {
			t.Errorf("%s: it names %s files and counts%s", cells[0], got, cells[2])
		}
		written = slices.DeleteFunc(written, func(m []string) bool { return strings.HasPrefix(m[1], "go ") }) // commands
		for _, m := range append(byHand, written...) {
			if found, err := filepath.Glob("../" + m[1]); err != nil || len(found) == 0 {
				t.Errorf("%s: there is no %s, %v", cells[0], m[1], err)
			}
		}
		for _, m := range code.FindAllStringSubmatch(cells[4], -1) {
			if !tests[m[1]] {
				t.Errorf("%s: there is no test %s", cells[0], m[1])
			}
		}
	}
}
