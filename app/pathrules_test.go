package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestPathRules tries rules on the last day's paths, saves them once that is confirmed,
// and sees the collector follow. What is stored already stays.
func TestPathRules(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	p := start(t, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), nil)
	run := func(want int, args ...string) string {
		t.Helper()
		out, errs, status := command(t, "", append(args, "--data", p.opts.Data)...)
		if status != want || strings.Count(errs, "\n") > 1 {
			t.Fatalf("%v: %q, status %d, want %d and one line", args, errs, status, want)
		}
		return out + errs
	}
	list := func(rules string) {
		t.Helper()
		if got := run(0, "site", "list"); !strings.Contains(got, "\tdefault\t"+rules+"\tkeep\t") {
			t.Errorf("site list printed %q, want the rules %q", got, rules)
		}
	}
	stored := func(want string) {
		t.Helper()
		await(t, "paths "+want, func() error {
			got := strings.Fields(run(0, "query", "SELECT value, sum(pageviews) FROM daily WHERE dimension = 'page' GROUP BY ALL ORDER BY ALL"))
			if strings.Join(got, " ") != want {
				return fmt.Errorf("%q, want %q", got, want)
			}
			return nil
		})
	}
	run(0, "site", "add", "--host", "example.org")
	p.awaitSite(1)
	if got := run(0, "site", "edit", "1", "--path-rules", "/intern/*"); !strings.Contains(got, "no traffic") {
		t.Errorf("rules of a site without traffic: %q", got)
	}
	list("/intern/*")

	hit := func(path string) {
		t.Helper()
		req, err := http.NewRequest(http.MethodGet, p.public+"/pixel.gif?site=1&url="+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("User-Agent", agents[0].header)
		resp, err := p.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	for _, path := range []string{"/u/kari", "/u/kari", "/u/ola/sak", "/om", "/"} {
		hit(path)
	}
	stored("/ 1 /om 1 /u/kari 2 /u/ola/sak 1")

	const rules = "/u/*,/bruker/*/profil"
	tried := run(1, "site", "edit", "1", "--path-rules", rules)
	for _, want := range []string{
		"2  /u/kari     /u/[*]\n", "1  /u/ola/sak  /u/[*]/sak\n",
		"On 2026-11-22, 2 of 4 paths with 3 of 5 page views would have been marked.\n",
		"No path of that day is marked by /bruker/*/profil.\n", "stored already stay", "nothing saved",
	} {
		if !strings.Contains(tried, want) {
			t.Errorf("the trial lacks %q: %s", want, tried)
		}
	}
	list("/intern/*")
	t.Run("on a terminal", func(t *testing.T) {
		saved := "/intern/*"
		for _, c := range []struct {
			typed, rule string
			yes         bool
		}{
			{"n\n", "/a/*", false}, {"\n", "/a/*", false}, {"\x04", "/a/*", false}, {"Ja\n", "/b/*", true}, {"y\n", "/c/*", true}, {"yes\n", "/intern/*", true},
		} {
			cmd := process(t, "site", "edit", "1", "--path-rules", c.rule, "--data", p.opts.Data)
			cmd.Stdin = terminal(t, c.typed)
			if out, err := cmd.CombinedOutput(); (err == nil) != c.yes || !strings.Contains(string(out), "Save these rules? [y/N] ") {
				t.Errorf("after %q: %v, %s", c.typed, err, out)
			}
			if c.yes {
				saved = c.rule
			}
			list(saved)
		}
	})
	run(2, "site", "edit", "1", "--path-rules", "/u/kari", "--yes")
	run(2, "site", "add", "--host", "example.com", "--path-rules", "u/*")
	list("/intern/*")
	run(0, "site", "edit", "1", "--path-rules", rules, "--yes")
	list(rules)
	run(0, "site", "edit", "1", "--name", "Eksempel") // the rules are the same: nothing to ask

	await(t, "the collector to follow", func() error {
		hit("/u/siri")
		if got := run(0, "query", "SELECT count() FROM hits WHERE path = '/u/[*]'"); got == "0\n" {
			return fmt.Errorf("no path is marked")
		}
		return nil
	})
	if got := run(0, "query", "SELECT count() FROM hits WHERE path = '/u/kari'"); got != "2\n" {
		t.Errorf("rows from before the rule: %q, want 2", got)
	}
}
