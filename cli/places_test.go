package cli_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/store/embedded"
	"github.com/fotspor/fotspor/store/storetest"
)

// asking are commands that need an existing store.
var asking = [][]string{
	{"access", "--ip", "192.0.2.1"},
	{"erase", "--ip", "192.0.2.1"},
	{"retention", "run"},
	{"retention", "run", "--dry-run"},
	{"site", "list"},
	{"site", "edit", "1", "--name", "x"},
	{"site", "add", "--host", "example.org"},
	{"token", "add", "--site", "all"},
	{"token", "list"},
	{"token", "remove", "x"},
	{"user", "add", "kari"},
	{"user", "list"},
	{"user", "password", "kari"},
	{"user", "role", "kari", "viewer"},
	{"user", "sites", "kari", "all"},
	{"user", "remove", "kari"},
	{"audit"},
	{"query", "SELECT 1"},
}

// TestCommandsMakeNoStore: a command in a folder without a store, or with a slip in the
// address, fails with the place that it looked at, and makes nothing there.
func TestCommandsMakeNoStore(t *testing.T) {
	engine, err := embedded.Open(t.Context(), embedded.Options{Dir: t.TempDir(), Library: storetest.Library(t)})
	must(t, err)
	server := httptest.NewServer(engine)
	defer func() {
		server.Close()
		must(t, engine.Close())
	}()
	at := server.URL
	empty, missing := t.TempDir(), filepath.Join(t.TempDir(), "data")
	for _, args := range asking {
		for place, where := range map[string][]string{
			empty:           {"--data", empty},
			missing:         {"--data", missing},
			at + "/fotsopr": {"--store", at + "/fotsopr", "--data", missing},
		} {
			out, errs, status := command(t, testPassword, append(args, where...)...)
			if status != 1 || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "there is no store in \""+place+`"`) {
				t.Errorf("%v: status %d, %q, %q, want 1 and that there is no store in %s", args, status, out, errs, place)
			}
		}
	}
	const segment = "20260101T000000.000000Z-AAAA"
	for _, args := range [][]string{{"spool", "list"}, {"spool", "retry", segment}, {"spool", "drop", segment}} {
		if _, errs, status := command(t, "", append(args, "--data", empty)...); status != 1 || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "there is no spool in \""+empty+`"`) {
			t.Errorf("%v: status %d, %q, want 1 and that there is no spool in the directory", args, status, errs)
		}
	}
	if made, err := os.ReadDir(empty); err != nil || len(made) > 0 {
		t.Errorf("made %v, %v", made, err)
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("made a directory")
	}
	resp, err := http.Get(at + "/?query=SELECT+count()+FROM+system.databases+WHERE+name+LIKE+'fots%25'")
	must(t, err)
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); err != nil || string(got) != "0\n" {
		t.Errorf("made %q databases, %v", got, err)
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestSpoolBeforeTheCollector: where a store is, the spool is empty until a collector has
// run, and the list names the place.
func TestSpoolBeforeTheCollector(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if _, errs, status := command(t, "", "spool", "list"); status != 1 || !strings.Contains(errs, `there is no spool in "`+dir+`/data"`) {
		t.Errorf("spool list: %q, status %d, want the place in full", errs, status)
	}
	if _, errs, status := command(t, "", "migrate"); status != 0 {
		t.Fatalf("migrate: %q, status %d", errs, status)
	}
	if out, errs, status := command(t, "", "spool", "list"); out != "" || errs != "spool: "+dir+"/data/spool\n" || status != 0 {
		t.Errorf("spool list: %q, %q, status %d", out, errs, status)
	}
	for _, name := range []string{"retry", "drop"} {
		if _, errs, status := command(t, "", "spool", name, "20260101T000000.000000Z-AAAA"); status != 1 || !strings.Contains(errs, "no such quarantined or damaged segment") {
			t.Errorf("spool %s: %q, status %d", name, errs, status)
		}
	}
}

// TestCreate: only --create makes a store, and every report names its store.
func TestCreate(t *testing.T) {
	for name, args := range map[string][]string{
		"site add": {"site", "add", "--host", "example.org", "--create"},
		"user add": {"user", "add", "kari", "--create"},
		"migrate":  {"migrate"},
	} {
		data := filepath.Join(t.TempDir(), "data")
		at := func(args ...string) []string { return append(args, "--data", data) }
		if out, errs, status := command(t, testPassword, at(args...)...); status != 0 {
			t.Fatalf("%s: %q, %q, status %d", name, out, errs, status)
		}
		if info, err := os.Stat(data); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: made the directory with mode %v, %v", name, info.Mode(), err)
		}
		if name != "migrate" {
			continue
		}
		out, _, _ := command(t, "", at("migrate")...)
		if !strings.Contains(out, "store: "+data+"\n") {
			t.Errorf("migrate once more: %q", out)
		}
		out, _, _ = command(t, "", at("site", "add", "--host", "example.org")...)
		if !strings.Contains(out, "Site 1, example.org, in "+data+".") {
			t.Errorf("site add: %q", out)
		}
		if out, errs, status := command(t, "", at("access", "--ip", "192.0.2.1")...); status != 1 || !strings.Contains(errs, "there is no policy yet") {
			t.Errorf("access without a policy: %q, %q, status %d", out, errs, status)
		}
		if _, errs, status := command(t, "", at("policy", "set", "retention=3y", "--yes")...); status != 0 {
			t.Errorf("policy set: %q, status %d", errs, status)
		}
		if out, errs, _ := command(t, "", at("access", "--ip", "192.0.2.1")...); errs != "store: "+data+"\n" || strings.Contains(out, data) {
			t.Errorf("access: %q, %q", out, errs)
		}
		if out, errs, _ := command(t, "", at("erase", "--ip", "192.0.2.1")...); errs != "store: "+data+"\n" || strings.Contains(out, data) {
			t.Errorf("erase: %q, %q", out, errs)
		}
		if out, _, _ = command(t, "", at("retention", "run", "--dry-run")...); !strings.HasPrefix(out, "store: "+data+"\n") {
			t.Errorf("retention run: %q", out)
		}
		for _, args := range [][]string{{"site", "list"}, {"token", "list"}, {"user", "list"}, {"audit"}} {
			if _, errs, _ := command(t, "", at(args...)...); errs != "store: "+data+"\n" {
				t.Errorf("%v: %q", args, errs)
			}
		}
		if out, errs, _ := command(t, "", at("query", "SELECT 1")...); out != "1\n" || errs != "" {
			t.Errorf("query: %q, %q", out, errs)
		}
	}
}

// TestMigrateDryRun: it lists what a store needs, and makes nothing.
func TestMigrateDryRun(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	out, errs, status := command(t, "", "migrate", "--dry-run", "--data", data)
	for _, want := range []string{"store: " + data + "\n", "0001_hits: ddl, to be applied\n", "    CREATE TABLE IF NOT EXISTS hits\n", "0002_rollups: view, to be applied\n"} {
		if !strings.Contains(out, want) || status != 0 {
			t.Errorf("dry run: %q, %q, status %d, want %q", out, errs, status, want)
		}
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("a dry run made the data directory")
	}
	for _, args := range [][]string{{"migrate"}, {"migrate", "--dry-run"}} {
		out, errs, status := command(t, "", append(args, "--data", data)...)
		if want := "store: " + data + "\nits tables are those of this version\n"; out != want || status != 0 {
			t.Errorf("%v: %q, %q, status %d, want %q", args, out, errs, status, want)
		}
	}
}
