package app_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPolicyOfProcesses: all processes run under the policy of the store, follow a change of
// it while they run, and don't start with settings that say otherwise. While the store is
// unavailable a collector goes by its copy.
func TestPolicyOfProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	t.Parallel() // it waits
	engineData := t.TempDir()
	engine := serve(t, "engine", "--listen", "127.0.0.1:0", "--data", engineData)
	engineAddr := strings.TrimPrefix(engine.public, "http://")
	dsn := engineDSN(t, engineAddr, engineData, "footprints")
	aside := t.TempDir()
	run := func(args ...string) (string, string, int) {
		t.Helper()
		return command(t, "", append(args, "--store", dsn, "--data", aside)...)
	}
	must := func(args ...string) string {
		t.Helper()
		out, errs, status := run(args...)
		if status != 0 {
			t.Fatalf("%v: %q, %q, status %d", args, out, errs, status)
		}
		return out
	}
	listening := []string{"--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--trusted-proxies", "127.0.0.1"}
	collector := func(data string, more ...string) []string {
		return append(append([]string{"collector", "--store", dsn, "--data", data}, listening...), more...)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	says := func(s *service, want string) {
		t.Helper()
		await(t, "a statement with "+want, func() error {
			if page := get(t, client, s.public+"/privacy/1?lang=en"); !strings.Contains(page, want) {
				return fmt.Errorf("%s lacks %q", s.public, want)
			}
			return nil
		})
	}
	refused := func(args []string, want ...string) {
		t.Helper()
		out, errs, status := command(t, "", args...)
		lines := strings.Split(strings.TrimSpace(errs), "\n")
		last := lines[len(lines)-1]
		for _, w := range want {
			if status != 2 || !strings.Contains(last, w) {
				t.Errorf("%v: %q, %q, status %d, want %q and 2", args, out, errs, status, w)
			}
		}
	}

	must("site", "add", "--host", "example.org", "--quiet", "--create")
	if _, errs, status := run("policy", "show"); status != 1 || !strings.Contains(errs, "no policy yet") {
		t.Errorf("policy show of a store without: %q, status %d", errs, status)
	}
	told, untold := t.TempDir(), t.TempDir()
	a := serve(t, collector(told, "--retention", "25m")...)
	if out := must("policy", "show"); !strings.HasPrefix(out, "version\t1\n") || !strings.Contains(out, "\nretention\t25m\n") {
		t.Errorf("after the first start policy show prints %q", out)
	}
	refused(collector(untold, "--retention", "3y", "--record", "standard"), "retention is 25m, and --retention says 3y", "policy set retention=3y")
	refused([]string{"retention", "--store", dsn, "--data", t.TempDir(), "--metrics-listen", "127.0.0.1:0", "--titles", "7"}, "titles is 5", "says 7")
	file := filepath.Join(t.TempDir(), "fotspor.toml")
	if err := os.WriteFile(file, []byte("retention = '90d'\ntitles = 5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(collector(untold, "--config", file), "retention is 25m, and "+file+": retention says 90d;")
	b := serve(t, collector(untold)...)
	worker := serve(t, "retention", "--store", dsn, "--data", t.TempDir(), "--metrics-listen", "127.0.0.1:0")
	says(a, "25 months")
	says(b, "25 months")

	hit := func(s *service) {
		t.Helper()
		p := &program{t: t, public: s.public, client: client}
		if told := p.send(sent{addr: netip.MustParseAddr("84.210.7.9"), agent: agents[0].header, page: "/side", ref: origins[0]}); told != "recorded" {
			t.Fatal(told)
		}
	}
	network := func(want string) {
		t.Helper()
		await(t, "rows of "+want, func() error {
			if out := must("query", "SELECT DISTINCT network FROM hits ORDER BY network"); out != want {
				return fmt.Errorf("networks %q, want %q", out, want)
			}
			return nil
		})
	}
	hit(b)
	network("84.210.0.0/16\n")

	forgetsErased(t, client, must, a, b)

	out, errs, status := run("policy", "set", "retention=1y", "bits4=8")
	if status != 1 || !strings.Contains(errs, "--yes") || !strings.Contains(out, "retention: 25m, now 1y") || !strings.Contains(out, "delete no row") ||
		!strings.Contains(out, "would not start again: collector on ") || !strings.Contains(out, told) || strings.Contains(out, untold) {
		t.Errorf("policy set without --yes: %q, %q, status %d", out, errs, status)
	}
	if _, errs, status := run("policy", "set", "retention=1x"); status != 2 || !strings.Contains(errs, `"1x"`) {
		t.Errorf("policy set retention=1x: %q, status %d", errs, status)
	}
	must("policy", "set", "retention=1y", "bits4=8", "--yes")
	says(a, "1 year")
	says(b, "1 year")
	hit(b)
	network("84.0.0.0/8\n84.210.0.0/16\n")
	if out := must("retention", "run", "--dry-run"); !strings.Contains(out, "retention 1y at") {
		t.Errorf("retention run: %q", out)
	}
	if out := must("policy", "list"); strings.Count(out, "\n") != 2 || !strings.Contains(out, "\tstandard\t1y\tforever\t30d\t8\t32\t") {
		t.Errorf("policy list prints %q", out)
	}
	if out, errs, status := run("policy", "set", "preset=short", "totals=4y"); status != 1 || !strings.Contains(out, "retention: 1y, now 2d\ntotals: forever, now 4y\nbackups: 30d, now 2d\nbits4: 8, now 16\nthe next") || !strings.Contains(errs, "--yes") {
		t.Errorf("policy set preset=short: %q, %q, status %d", out, errs, status)
	}
	for _, c := range [][2]string{{"preset=x", "or short"}, {"totals=1m", "retention 1y"}, {"retention", "NAME=VALUE"}, {"age=3", "NAME=VALUE"}} {
		if _, errs, status := run("policy", "set", c[0]); status != 2 || !strings.Contains(errs, c[1]) {
			t.Errorf("policy set %s: %q, status %d, want %q and 2", c[0], errs, status, c[1])
		}
	}
	if out := must("policy", "check", "cnil"); !strings.Contains(out, "rows\tmet\t") || !strings.Contains(out, "totals\tunmet\t") || !strings.Contains(out, "publisher\tdecide\t") {
		t.Errorf("policy check cnil prints %q", out)
	}
	if _, errs, status := run("policy", "check", "other"); status != 2 || !strings.Contains(errs, "want cnil") {
		t.Errorf("policy check other: %q, status %d", errs, status)
	}

	// A site with its own values.
	out, errs, status = run("policy", "set", "--site", "example.org", "retention=30d", "objections=ignore")
	if status != 1 || !strings.Contains(out, "objections: default, now ignore\nretention: default, now 30d\nthe next deletion pass would delete no row") || !strings.Contains(errs, "--yes") {
		t.Errorf("policy set --site: %q, %q, status %d", out, errs, status)
	}
	for _, c := range [][2]string{{"retention=2y", "retention 2y of the site is longer than that of the policy, 1y"}, {"bits4=8", "guard, objections, record, retention"}, {"retention=x", `"x"`}} {
		if _, errs, status := run("policy", "set", "--site", "1", c[0], "--yes"); status != 2 || !strings.Contains(errs, c[1]) || strings.Count(errs, "\n") != 1 {
			t.Errorf("policy set --site 1 %s: %q, status %d, want %q and 2", c[0], errs, status, c[1])
		}
	}
	must("policy", "set", "--site", "example.org", "retention=30d", "objections=ignore", "guard=9", "--yes")
	if out := must("policy", "show", "--site", "1"); !strings.Contains(out, "30d") || !strings.Contains(out, "ignore") || !strings.Contains(out, "9") {
		t.Errorf("policy show --site prints %q", out)
	}
	says(a, "30 days")
	must("policy", "set", "--site", "1", "retention=default", "objections=default", "--yes")
	says(b, "1 year")

	a.stop()
	refused(collector(told, "--retention", "25m"), "retention is 1y", "says 25m")
	b.stop()

	// The store is unavailable.
	must("policy", "set", "retention=6m", "--yes")
	engine.stop()
	refused(collector(untold, "--bits4", "16"), "bits4 is 8", "says 16")
	b = serve(t, collector(untold)...)
	says(b, "1 year")
	if info, err := os.Stat(filepath.Join(untold, "policy.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy of the policy: %v, %v", info, err)
	}
	engine = serve(t, "engine", "--listen", engineAddr, "--data", engineData)
	says(b, "6 months")
	worker.stop()
	b.stop()
	engine.stop()
	if err := os.Remove(filepath.Join(untold, "policy.json")); err != nil {
		t.Fatal(err)
	}
	if _, errs, status := command(t, "", collector(untold)...); status != 1 || !strings.Contains(errs, "copies of the sites and the policy") {
		t.Errorf("a collector that knows no policy: %q, status %d", errs, status)
	}
}

// forgetsErased erases the page on which a visit to each of several collectors goes on. Their next
// rows name it neither as the first page nor as the one before.
func forgetsErased(t *testing.T, client *http.Client, run func(args ...string) string, collectors ...*service) {
	t.Helper()
	view := func(page string) {
		t.Helper()
		for i, s := range collectors {
			p := &program{t: t, public: s.public, client: client}
			if told := p.send(sent{addr: netip.MustParseAddr("84.210.7.9"), agent: agents[1+i].header, page: page, ref: origins[0]}); told != "recorded" {
				t.Fatal(told)
			}
		}
	}
	rows := func(want string) {
		t.Helper()
		await(t, "the rows of visits", func() error {
			got := run("query", "SELECT path, entry_path, previous_path, count() FROM hits WHERE path != '/side' GROUP BY ALL ORDER BY ALL")
			if got != want {
				return fmt.Errorf("%q, want %q", got, want)
			}
			return nil
		})
	}
	view("/saker/ola-nordmann")
	rows("/saker/ola-nordmann\t/saker/ola-nordmann\t\t2\n")
	run("erase", "--text", "ola-nordmann", "--yes")
	view("/etter")
	rows("/etter\t/etter\t\t2\n/saker/[erased]\t/saker/[erased]\t\t2\n")
	if left := run("find", "ola-nordmann"); left != "" {
		t.Errorf("left are %q", left)
	}
}
