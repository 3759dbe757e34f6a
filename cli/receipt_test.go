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

	doc, err := os.ReadFile("../docs/receipts.md")
	must(t, err)
	script := regexp.MustCompile("(?s)```sh\n(cd DIR\n.*?)```").FindSubmatch(doc)
	if script == nil {
		t.Fatal("docs/receipts.md has no commands")
	}
	check := func() (string, error) {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(string(script[1]), "cd DIR", "cd "+dir, 1))
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
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
