package cli_test

import (
	"regexp"
	"strings"
	"testing"
)

// TestGoals: goals are added, listed and removed by name, and the store keeps who said so.
func TestGoals(t *testing.T) {
	data := t.TempDir()
	run := func(want int, args ...string) (string, string) {
		t.Helper()
		out, errs, status := commandIn(t, []string{"SUDO_USER=kari"}, "", append(args, "--data", data)...)
		if status != want {
			t.Fatalf("%v: %q, status %d, want %d", args, errs, status, want)
		}
		return out, errs
	}
	list := func(want ...string) {
		t.Helper()
		got, _ := run(0, "goal", "list")
		got = regexp.MustCompile(`\t20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\n`).ReplaceAllString(got, "\n")
		if strings.TrimSuffix(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("goal list says\n%s\nwant\n%s", got, strings.Join(want, "\n"))
		}
	}
	run(0, "site", "add", "--host", "a.example", "--create")
	run(0, "site", "add", "--host", "b.example", "--policy", "minimal")
	list()
	run(0, "goal", "add", "1", "Påmelding", "--page", "/kurs/*/takk")
	run(0, "goal", "add", "1", " Vipps ", "--outlink", "https://vipps.no/*")
	run(0, "goal", "add", "1", "Rapport", "--download", "*.pdf")
	run(0, "goal", "remove", "1", "Vipps")
	run(0, "goal", "add", "1", "Skjema", "--event", "Skjema / Send*")
	run(0, "site", "edit", "1", "--name", "A") // which leaves the goals
	list("1\tPåmelding\tpageview\t/kurs/*/takk", "1\tRapport\tdownload\t*.pdf", "1\tSkjema\tevent\tSkjema / Send*")

	if _, errs := run(1, "goal", "add", "1", "Pa\u030amelding", "--page", "/x"); !strings.Contains(errs, `"Påmelding"`) {
		t.Errorf("a second goal of the same name: %q", errs)
	}
	if _, errs := run(1, "goal", "remove", "1", "Vipps"); !strings.Contains(errs, `"Vipps"`) {
		t.Errorf("a goal that is none: %q", errs)
	}
	run(1, "goal", "add", "9", "Takk", "--page", "/takk")
	if _, errs := run(0, "goal", "add", "2", "Takk", "--page", "/takk"); !strings.Contains(errs, "warning: no goal of site 2 counts") {
		t.Errorf("a goal of a site with a minimal policy: %q", errs)
	}
	if got, _ := run(0, "query", "SELECT site, count(), uniq(who), any(who) FROM settings WHERE key = 'goals' GROUP BY site ORDER BY site"); got != "1\t5\t1\troot for kari\n2\t1\t1\troot for kari\n" {
		t.Errorf("settings: %q", got)
	}
}
