package app_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/collector/script"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/store"
)

func readDoc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var update = flag.Bool("update", false, "write docs/metrics.md")

// openLabels are the labels whose values are not all there from the start, and what bounds them.
var openLabels = map[string]string{
	"code":    "an HTTP status, 499 or `other`",
	"commit":  "of the build",
	"handler": "a route of the program",
	"kind":    "`select`, `insert` or `change`",
	"table":   "a table of the store or `other`",
	"version": "of the build",
}

// TestMetricsAsDocumented: docs/metrics.md has a line for each metric of the program, with its
// text of help, and each reason to leave a hit out. Names are as Prometheus has them, exemplars
// are off, and strangers make no new series by what they send.
func TestMetricsAsDocumented(t *testing.T) {
	p := start(t, time.Now(), func(o *app.Options) {
		o.Now = time.Now
		o.Demo = true
		notePass(t, o)
	})
	p.get(p.public + "/demo/plain") // some metrics come with the first request
	p.get(p.public + "/privacy/1")
	p.get(p.public + "/fotspor.js")
	p.setUp()                                  // posts a form
	await(t, "sizes of tables", func() error { // which are known after a look at them
		if text := p.get(p.metrics + "/metrics"); !strings.Contains(text, "fotspor_store_rows{") {
			return errors.New("there are none")
		}
		return nil
	})
	text := p.get(p.metrics + "/metrics")
	doc := readDoc(t, "docs/metrics.md")
	const head = "| metric | type | labels | meaning |\n|---|---|---|---|\n"
	before, rest, ok := strings.Cut(doc, head)
	got, after, ok2 := strings.Cut(rest, "\n\n")
	if !ok || !ok2 {
		t.Fatal("docs/metrics.md has no table of metrics")
	}
	want := strings.TrimSuffix(metricsTable(text), "\n")
	switch {
	case got == want:
	case *update:
		if err := os.WriteFile("../docs/metrics.md", []byte(before+head+want+"\n\n"+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("docs/metrics.md (-want +got; go generate ./app writes it):\n%s", gocmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
	}
	for _, m := range regexp.MustCompile(`fotspor_hits_dropped_total\{reason="([a-z_]+)"\}`).FindAllStringSubmatch(text, -1) {
		if !strings.Contains(doc, "| `"+m[1]+"` |") {
			t.Errorf("the reason %s is not documented", m[1])
		}
	}
	if strings.Contains(text, " # {") {
		t.Error("/metrics has exemplars")
	}
	if promtool, err := exec.LookPath("promtool"); err == nil {
		check := exec.Command(promtool, "check", "metrics")
		check.Stdin = strings.NewReader(text)
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("promtool check metrics: %v\n%s", err, out)
		}
	} else {
		t.Log("promtool is not installed: names of metrics were not checked")
	}

	// What strangers may choose: methods, paths, sites, names, agents, addresses and tokens.
	stranger := func(n int) {
		for _, path := range []string{"/pixel.gif?site=%d", "/no/%d", "/sites/%d", "/api/v1/%d", "/matomo.php?rec=1&idsite=%d&e_c=%[1]d&e_a=x&url=https://h%[1]d.example/", "/privacy/%d", "/js/container_%d.js"} {
			for _, method := range []string{"GET", "POST", "PUT", "M" + strconv.Itoa(n)} {
				r, err := http.NewRequest(method, p.public+fmt.Sprintf(path, n), strings.NewReader(strconv.Itoa(n)))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("User-Agent", fmt.Sprintf("bot%d/%[1]d (+http://%[1]d.example)", n))
				r.Header.Set("X-Forwarded-For", "192.0.2."+strconv.Itoa(n-900))
				resp, err := p.client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
			}
		}
	}
	series := func() (names []string) {
		for line := range strings.Lines(p.get(p.metrics + "/metrics")) {
			if at := strings.LastIndexByte(line, ' '); line[0] != '#' && !strings.HasPrefix(line, "fotspor_store_") {
				names = append(names, line[:at])
			}
		}
		return names
	}
	stranger(901)
	once := series()
	stranger(902)
	if diff := gocmp.Diff(once, series()); diff != "" {
		t.Errorf("other strangers make other series (-once +twice):\n%s", diff)
	}
}

// notePass notes a deletion pass in the store of a program that is to start: there is no metric of the
// last one before.
func notePass(t *testing.T, o *app.Options) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: o.Data, Library: o.Engine, Create: true})
	if err == nil {
		err = errors.Join(st.NotePass(t.Context(), time.Now()), st.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// metricsTable returns the lines of docs/metrics.md on metrics in the text format of Prometheus.
func metricsTable(text string) string {
	type metric struct {
		kind, help string
		labels     []string
		values     map[string][]string
		buckets    []string
	}
	all := map[string]*metric{}
	for _, m := range regexp.MustCompile(`(?m)^# (HELP|TYPE) (fotspor_[a-z_]+) (.*)$`).FindAllStringSubmatch(text, -1) {
		of := all[m[2]]
		if of == nil {
			of = &metric{values: map[string][]string{}}
			all[m[2]] = of
		}
		if m[1] == "HELP" {
			of.help = m[3]
		} else {
			of.kind = m[3]
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^(fotspor_[a-z_]+)\{(.*)\} `).FindAllStringSubmatch(text, -1) {
		of := all[m[1]]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if of == nil {
				of = all[strings.TrimSuffix(m[1], suffix)]
			}
		}
		for _, l := range regexp.MustCompile(`([a-z_]+)="([^"]*)"`).FindAllStringSubmatch(m[2], -1) {
			switch name, value := l[1], l[2]; {
			case name == "le" && !slices.Contains(of.buckets, value):
				of.buckets = append(of.buckets, value)
			case name == "le":
			case of.values[name] == nil:
				of.labels = append(of.labels, name)
				fallthrough
			default:
				if !slices.Contains(of.values[name], value) {
					of.values[name] = append(of.values[name], value)
				}
			}
		}
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		of := all[name]
		var labels []string
		slices.Sort(of.labels)
		for _, label := range of.labels {
			values := openLabels[label]
			if values == "" || len(of.values[label]) < 10 && label == "kind" && !strings.HasPrefix(name, "fotspor_store") {
				slices.Sort(of.values[label])
				values = "`" + strings.Join(of.values[label], "`, `") + "`"
			}
			labels = append(labels, "`"+label+"`: "+values)
		}
		if len(of.buckets) > 0 {
			of.help += " Buckets to " + strings.Join(of.buckets, ", ") + "."
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, of.kind, strings.Join(labels, "; "), regexp.MustCompile(`--[a-z-]+`).ReplaceAllString(of.help, "`$0`"))
	}
	return b.String()
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
