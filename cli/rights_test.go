package cli_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/retention/journal"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// filesWith returns the files below a directory that hold a text.
func filesWith(t *testing.T, dir, text string) (found []string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(text)) || strings.Contains(path, text) {
			found = append(found, strings.TrimPrefix(path, dir))
		}
		return err
	}))
	return found
}

// TestEraseFromTheDisk: what is erased by text, path, pattern, network or time stands in no file
// of the data directory any more, and neither receipt, journal nor audit log tells it. The
// figures stay, and the journal knows each value that was taken out.
func TestEraseFromTheDisk(t *testing.T) {
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
	run("site", "add", "--host", "example.com")
	run("policy", "set", "retention=3y", "--yes")
	today := calendar.DayOf(time.Now().UTC())
	yesterday := today - 1
	// Signs of a wide alphabet, so that no part compresses them.
	const text, path, pattern, quiet = "Kåri~Zv7{Q$w|x^9", "/ansatt/Ola}Gq2!Rk~Vb8", "sak-Wj5Hx?Tz1", "Per@Bu6%Yc4;Nd0"
	run("goal", "add", "1", "Til "+text, "--event", "x")
	run("site", "edit", "2", "--name", text, "--exclude", "/"+text+"*")
	row := func(page, name string) hit.Row {
		return hit.Row{
			Site: 1, Day: yesterday, Time: yesterday.Time().Add(10 * time.Hour), Kind: hit.Pageview, Path: page, EntryPath: page, PreviousPath: page, Host: "example.org",
			Name: name, Source: name, Campaign: name, Network: "84.212.0.0/16", Pageviews: 1, Visits: 1,
		}
	}
	search := row("/sok", text)
	search.Kind, search.Network = hit.Search, "10.1.0.0/16"
	early := row("/"+quiet, "")
	early.Time, early.Network = yesterday.Time().Add(2*time.Hour), "10.1.0.0/16"
	other := row("/annet", "annet")
	other.Network, other.Site = "10.1.0.0/16", 2
	batch := hit.Batch{
		Rows:   []hit.Row{row("/"+text, "x"), search, row(path, "x"), row("/p/"+pattern, pattern), early, other},
		Titles: []hit.PageTitle{{Site: 1, Path: "/t", Title: text, Day: yesterday, Visitors: 9}, {Site: 1, Path: path, Title: "T", Day: yesterday, Visitors: 9}},
		Ledger: []hit.LedgerEntry{{Site: 1, Day: yesterday, Reason: hit.ForeignHost, Name: text, Count: 1}},
	}
	st, err := store.Open(t.Context(), store.Config{Dir: data, Library: storetest.Library(t)})
	must(t, err)
	must(t, st.Insert(t.Context(), batch, "a"), st.Close())
	for _, marker := range []string{text, path, pattern, quiet} {
		if files := filesWith(t, data, marker); len(files) < 4 {
			t.Fatalf("%q stands in %v already", marker, files)
		}
	}
	const sums = "SELECT 'daily', dimension, sum(visits), sum(pageviews), sum(events) FROM daily GROUP BY dimension UNION ALL SELECT 'monthly', dimension, sum(visits), sum(pageviews), sum(events) FROM monthly GROUP BY dimension UNION ALL SELECT 'moves', '', 0, sum(pageviews), 0 FROM moves ORDER BY ALL"
	before := run("query", sums)

	found := run("find", strings.ToUpper(text))
	for _, want := range []string{"hits\t\tname\t1\t1\t" + yesterday.String(), "daily\tsearch\tname\t1", "titles\t\ttitle\t1", "ledger\t\thost\t1", "\t/" + text + "\n"} {
		if !strings.Contains(found, want) {
			t.Errorf("find does not say %q:\n%s", want, found)
		}
	}
	if out := run("find", text, "--site", "2"); strings.Contains(out, "hits") {
		t.Errorf("of another site: %s", out)
	}
	if out := run("find", "--pattern", "^/p/sak", "--json"); !strings.Contains(out, `"table":"moves"`) || !strings.Contains(out, `"value":"/p/sak-Wj5Hx?Tz1"`) {
		t.Errorf("find by pattern as JSON: %s", out)
	}
	if !strings.Contains(found, "settings\tgoals\tgoal\t1") || !strings.Contains(found, "sites\tname\tsetting\t2") {
		t.Errorf("find does not say what staff wrote:\n%s", found)
	}
	if out := run("erase", "--text", text, "--dry-run"); !strings.Contains(out, "texts in 2 rows and ") || !strings.Contains(out, "1 goal and 2 settings of sites, with the history") || run("find", text) != found {
		t.Errorf("a dry run says %q", out)
	}
	if out, errs, status := command(t, "", "erase", "--text", text, "--data", data); status != 1 || !strings.Contains(errs, "--yes") || run("find", text) != found {
		t.Errorf("without an answer: status %d, %s%s", status, out, errs)
	}

	letter := strings.ReplaceAll(run("erase", "--text", text, "--yes", "--received", "2026-10-31", "--lang", "en"), "\u00a0", " ")
	for _, want := range []string{"Received   31 October 2026", "Answer by  30 November 2026", "Erased     2 rows, ", "Left       0 rows, 0 lines", "Receipt    number 1\n"} {
		if !strings.Contains(letter, want) {
			t.Errorf("the letter does not say %q:\n%s", want, letter)
		}
	}
	run("erase", "--path", path, "--yes")
	run("erase", "--pattern", `sak-\w+\?Tz1`, "--yes", "--from", yesterday.String())
	for _, marker := range []string{text, path, pattern} {
		if files := filesWith(t, data, marker); len(files) > 0 {
			t.Errorf("%q still stands in %v", marker, files)
		}
	}
	if after := run("query", sums); after != before {
		t.Errorf("sums were\n%s\nand are\n%s", before, after)
	}
	// Rows of a time and of a network are deleted; totals stay, and know no network.
	run("erase", "--from", yesterday.String(), "--to", yesterday.String()+"T03:00:00Z", "--site", "1", "--yes")
	run("erase", "--network", "84.212.0.0/16", "--yes")
	if got := run("query", "SELECT site, path, network FROM hits ORDER BY ALL"); got != "1\t/sok\t10.1.0.0/16\n2\t/annet\t10.1.0.0/16\n" {
		t.Errorf("left are\n%s", got)
	}
	if files := filesWith(t, filepath.Join(data, "clickhouse"), "84.212"); len(files) > 0 {
		t.Errorf("the network still stands in %v", files)
	}
	if after := run("query", sums); after != before {
		t.Errorf("after rows were deleted sums were\n%s\nand are\n%s", before, after)
	}

	var kinds []string
	for line := range strings.Lines(run("receipts", "list")) {
		cells := strings.Split(line, "\t")
		kinds = append(kinds, cells[1]+" "+cells[2]+" "+cells[6])
	}
	if got, want := strings.Join(kinds, ", "), "erasure text 0, erasure path 0, erasure pattern 0, erasure time 0, erasure network 0"; got != want {
		t.Errorf("receipts are %s, want %s", got, want)
	}
	run("receipts", "verify")
	notes, err := journal.Read(data, time.Time{})
	must(t, err)
	took := func(column, value string) (n int) {
		for _, e := range notes.Erasures {
			if part, took := e.Took(1, column, value); took {
				if n++; part != (value == path && column != "name") {
					t.Errorf("the journal says %t of the first segment of %s %q", part, column, value)
				}
				if column == "name" && value == pattern && (!e.From.Equal(yesterday.Time()) || e.To.After((today + 2).Time())) {
					t.Errorf("the times of the journal are %s to %s", e.From, e.To)
				}
			}
		}
		return n
	}
	for column, value := range map[string]string{"path": path, "entry_path": path, "name": text, "campaign": text, "title": text, "host": text, "source": pattern, "network": "84.212.0.0/16"} {
		if took(column, value) != 1 {
			t.Errorf("the journal does not know %s %q", column, value)
		}
	}
	var sites []uint32
	for _, e := range notes.Erasures {
		sites = append(sites, e.Sites()...)
	}
	if took("path", "/annet") != 0 || len(sites) != 1 || sites[0] != 1 {
		t.Errorf("the journal knows of what was not erased: all rows of %v", sites)
	}
	if took("name", pattern) != 1 {
		t.Error("the journal does not know what a pattern chose")
	}
}

// TestRightsAsDocumented: each command in docs/rights.md does what it is there for: none is
// refused, and those that erase leave nothing to erase.
func TestRightsAsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/rights.md")
	must(t, err)
	commands := regexp.MustCompile(`(?m)^ {4}fotspor (.*)$`).FindAllStringSubmatch(string(doc), -1)
	if len(commands) < 10 {
		t.Fatalf("docs/rights.md has %d commands", len(commands))
	}
	data := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		args = append(args, "--data", data)
		out, errs, status := "", "", 0
		if args[1] == "extend" { // which is too late after the first month
			out, errs, status = commandAt(t, time.Date(2026, 4, 5, 12, 0, 0, 0, time.UTC), args...)
		} else {
			out, errs, status = command(t, "", args...)
		}
		if status != 0 {
			t.Errorf("%q: status %d, %s%s", args, status, out, errs)
		}
		return out
	}
	run("site", "add", "--host", "example.org", "--create")
	run("policy", "set", "retention=3y", "--yes")
	run("policy", "set", "--site", "example.org", "retention=90d", "--yes")
	day := calendar.DayOf(time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC))
	insert := func(token string) {
		t.Helper()
		st, err := store.Open(t.Context(), store.Config{Dir: data, Library: storetest.Library(t)})
		must(t, err)
		rows := []hit.Row{{
			Site: 1, Day: day, Time: day.Time().Add(10*time.Hour + 30*time.Minute), Kind: hit.Pageview, Path: "/ansatte/kari-nordmann", EntryPath: "/sak/123456", Name: "kari nordmann", Network: "203.0.0.0/16", Pageviews: 1,
		}}
		must(t, st.Insert(t.Context(), hit.Batch{Rows: rows}, token), st.Close())
	}
	for i, c := range commands {
		args := words(c[1])
		if args[0] == "access" || args[0] == "erase" || args[0] == "find" {
			insert(fmt.Sprint(i))
		}
		out := run(args...)
		switch args[0] {
		case "requests":
			want := map[string]string{
				"add": "2026/123 is to be answered by 2026-04-05\n", "list": "2026/123\taccess\t2026-03-05\t2026-04-05\tfalse\t\ttrue\t",
				"extend": "2026/123 is to be answered by 2026-06-05\n", "answer": "2026/123 is answered on 2026-04-20\n", "remove": "2026/123 is removed\n",
			}[args[1]]
			if want == "" || !strings.HasPrefix(out, want) {
				t.Errorf("%s says %q, want %q", c[1], out, want)
			}
		case "find":
			if !strings.Contains(out, "hits\t") && !slices.Contains(args, "--marks") {
				t.Errorf("%s finds %q", c[1], out)
			}
		case "access":
			if !regexp.MustCompile(`(?m)(^(Rows|Rader) +|<strong>Rows:</strong> )[1-9]`).MatchString(out) || !regexp.MustCompile(`90 (days|dager|dagar)`).MatchString(out) {
				t.Errorf("%s says\n%s", c[1], out)
			}
		case "erase":
			if slices.Contains(args, "--dry-run") {
				continue
			}
			if !regexp.MustCompile(`(?m)^(Erased|Slettet|Sletta) +[1-9]`).MatchString(out) || !regexp.MustCompile(`(?m)^(Left|Igjen) +0 `).MatchString(out) {
				t.Errorf("%s says\n%s", c[1], out)
			}
		}
	}
}

// words splits a line as a shell does.
func words(line string) (all []string) {
	for _, m := range regexp.MustCompile(`'([^']*)'|(\S+)`).FindAllStringSubmatch(line, -1) {
		all = append(all, m[1]+m[2])
	}
	return all
}
