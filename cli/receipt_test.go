package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/retention/receipt"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// documented runs the commands of docs/receipts.md that begin with a text, with other paths.
func documented(t *testing.T, begin string, paths ...string) (string, error) {
	t.Helper()
	doc, err := os.ReadFile("../docs/receipts.md")
	must(t, err)
	script := regexp.MustCompile("(?s)```sh\n(" + regexp.QuoteMeta(begin) + ".*?)```").FindSubmatch(doc)
	if script == nil {
		t.Fatalf("docs/receipts.md has no commands that begin with %q", begin)
	}
	out, err := exec.CommandContext(t.Context(), "sh", "-c", strings.NewReplacer(paths...).Replace(string(script[1]))).CombinedOutput()
	return string(out), err
}

// TestReceiptsRestored: the chain of a restored store goes on from an older receipt, says so, and
// names those that were lost, so that an older export is told from a forged one, by the program and
// by the commands of docs/receipts.md.
func TestReceiptsRestored(t *testing.T) {
	today := calendar.DayOf(time.Now().UTC())
	data := filled(t, today)
	run := runner(t, "--data", data)
	backups, older, newer := filepath.Join(t.TempDir(), "backups"), filepath.Join(t.TempDir(), "older"), filepath.Join(t.TempDir(), "newer")
	run("retention", "run")
	run("backup", backups)
	run("retention", "run")
	run("erase", "--text", "kari", "--yes")
	run("receipts", "export", older)
	must(t, os.RemoveAll(filepath.Join(data, "clickhouse")))
	run("restore", backups)
	if out := run("receipts", "verify", older); !strings.HasPrefix(out, "4 receipts are whole") || !strings.Contains(out, "receipt 2: the store was restored at ") ||
		!strings.Contains(out, "ends with receipt 1; receipts 2 to 3 of the store before are not in this chain\n") || !strings.Contains(out, "all 3 receipts of "+older+" are in this chain, or were lost") {
		t.Errorf("verify says %q", out)
	}
	var kinds []string
	for line := range strings.Lines(run("receipts", "list")) {
		cells := strings.Split(line, "\t")
		kinds = append(kinds, strings.Join(cells[:7], " "))
	}
	cutoff := today.AddMonths(-36)
	if want := []string{fmt.Sprintf("1 retention   %s 0 0", cutoff), "2 restore    3 3", fmt.Sprintf("3 retention   %s 0 0", cutoff), "4 erasure journal   "}; len(kinds) != 4 || strings.Join(kinds[:3], "\n") != strings.Join(want[:3], "\n") || !strings.HasPrefix(kinds[3], want[3]) {
		t.Errorf("receipts are %q, want %q", kinds, want)
	}
	run("receipts", "export", newer)
	if out, err := documented(t, "cd DIR\n", "cd DIR", "cd "+newer); err != nil || out != "000001: whole\n000002: whole\n000003: whole\n000004: whole\n" {
		t.Errorf("openssl says %q, %v", out, err)
	}
	compare := func() (string, error) { return documented(t, "for text in OLD/", "OLD/", older+"/", "DIR/", newer+"/") }
	const lost = "000001.json: the same\n000002.json: lost by the restore of 000002.json\n000003.json: lost by the restore of 000002.json\n"
	if out, err := compare(); err != nil || out != lost {
		t.Errorf("the comparison says %q, %v", out, err)
	}
	// One that no restore names.
	path := filepath.Join(older, "000003.json")
	text, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, []byte(strings.Replace(string(text), `"by":"text"`, `"by":"path"`, 1)), 0o600))
	if out, err := compare(); err == nil || !strings.Contains(out, "000003.json: is not in the chain") {
		t.Errorf("of a forged one the comparison says %q, %v", out, err)
	}
	if _, errs, status := command(t, "", "receipts", "verify", older, "--data", data); status != 1 || !strings.Contains(errs, "receipt 3 of ") {
		t.Errorf("of a forged one: status %d, %q", status, errs)
	}
}

// TestReceipts: a pass and an erasure have receipts that say what they did and not of whom,
// and the commands of docs/receipts.md verify them, and find what was changed.
func TestReceipts(t *testing.T) {
	data := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		out, errs, status := command(t, "", append(args, "--data", data)...)
		if status != 0 {
			t.Fatalf("%v: status %d, %s%s", args, status, out, errs)
		}
		return out
	}
	run("site", "add", "--host", "example.org", "--create")
	run("policy", "set", "retention=3y", "--yes")
	today := calendar.DayOf(time.Now().UTC())
	cutoff := today.AddMonths(-36)
	var rows []hit.Row
	for i, day := range []calendar.Day{cutoff - 40, cutoff - 1, cutoff - 1, today, today} {
		rows = append(rows, hit.Row{Site: 1, Day: day, Time: day.Time().Add(time.Minute), Kind: hit.Pageview, Path: "/", Network: []string{"84.212.0.0/16", "10.1.0.0/16"}[i%2], Pageviews: 1})
	}
	st, err := store.Open(t.Context(), store.Config{Dir: data, Library: storetest.Library(t)})
	must(t, err)
	must(t, st.Insert(t.Context(), hit.Batch{Rows: rows}, "a"), st.Close())

	run("retention", "run", "--confirm", cutoff.String())
	run("erase", "--ip", "84.212.1.2")
	run("retention", "run")
	var said []string
	for line := range strings.Lines(run("receipts", "list")) {
		cells := strings.Split(line, "\t")
		said = append(said, strings.Join(cells[:7], " "))
	}
	folded := 1 // days of months that are over, which have one page
	if cutoff == cutoff.FirstOfMonth() {
		folded++
	}
	want := []string{
		fmt.Sprintf("1 retention   %s 3 0", cutoff),
		fmt.Sprintf("2 folding   %s %d 0", cutoff.FirstOfMonth(), folded),
		"3 erasure network   1 0",
		fmt.Sprintf("4 retention   %s 0 0", cutoff),
	}
	if strings.Join(said, "\n") != strings.Join(want, "\n") {
		t.Errorf("receipts are\n%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(want, "\n"))
	}
	if out := run("receipts", "verify"); !strings.HasPrefix(out, "4 receipts are whole") {
		t.Errorf("verify says %q", out)
	}
	dir := filepath.Join(t.TempDir(), "out")
	run("receipts", "export", dir)
	if _, errs, status := command(t, "", "receipts", "export", dir, "--data", data); status != 1 || !strings.Contains(errs, "not empty") {
		t.Errorf("a second export: status %d, %q", status, errs)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 13 {
		t.Fatalf("the export has %q, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if must(t, err); strings.Contains(string(text), "84.212") || strings.Contains(string(text), "example.org") {
			t.Errorf("%s tells of whom: %s", file, text)
		}
	}

	check := func() (string, error) { return documented(t, "cd DIR\n", "cd DIR", "cd "+dir) }
	if out, err := check(); err != nil || out != "000001: whole\n000002: whole\n000003: whole\n000004: whole\n" {
		t.Errorf("openssl says %q, %v", out, err)
	}
	// What everybody gets of the statement of a site has no figures, and is verified by the same commands.
	st, err = store.Open(t.Context(), store.Config{Dir: data, Library: storetest.Library(t)})
	must(t, err)
	archive := filepath.Join(t.TempDir(), "receipts.tar")
	file, err := os.Create(archive)
	must(t, err)
	must(t, receipt.WriteTar(file, func(f func(receipt.Receipt) error) error { return st.Receipts(t.Context(), f) }), file.Close(), st.Close())
	exported := dir
	dir = t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "tar", "-xf", archive, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("tar: %s, %v", out, err)
	}
	if names, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(names) != 9 || strings.Contains(fmt.Sprint(names), "figures") {
		t.Errorf("the archive has %v, %v", names, err)
	}
	if out, err := check(); err != nil || out != "000001: whole\n000002: whole\n000003: whole\n000004: whole\n" {
		t.Errorf("of the archive openssl says %q, %v", out, err)
	}
	dir = exported
	for _, c := range []struct{ file, from, to, want string }{
		{"000001.json", `"number":1`, `"number":9`, "000001: wrong signature"},
		{"000003.figures.json", `"rows_before":1`, `"rows_before":2`, "000003: other figures"},
	} {
		path := filepath.Join(dir, c.file)
		text, err := os.ReadFile(path)
		must(t, err)
		must(t, os.WriteFile(path, []byte(strings.Replace(string(text), c.from, c.to, 1)), 0o600))
		if out, err := check(); err == nil || !strings.Contains(out, c.want) {
			t.Errorf("%s changed: openssl says %q, %v", c.file, out, err)
		}
		must(t, os.WriteFile(path, text, 0o600))
	}
	must(t, os.Remove(filepath.Join(dir, "000002.json")))
	if out, err := check(); err == nil || !strings.Contains(out, "000003: does not follow") {
		t.Errorf("one taken out: openssl says %q, %v", out, err)
	}
}
