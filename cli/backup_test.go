package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// runner returns a function that runs a command with flags behind it, which must succeed.
func runner(t *testing.T, flags ...string) func(args ...string) string {
	return func(args ...string) string {
		t.Helper()
		out, errs, status := command(t, "", append(args, flags...)...)
		if status != 0 {
			t.Fatalf("%v: status %d, %s%s", args, status, out, errs)
		}
		return out
	}
}

// filled makes a store with a site, a policy and hits on some days, and returns its directory.
func filled(t *testing.T, days ...calendar.Day) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	run := runner(t, "--data", data)
	run("site", "add", "--host", "example.org", "--create")
	run("policy", "set", "retention=3y", "--yes")
	inStore(t, data, func(st *store.Store) {
		for i, day := range days {
			rows := []hit.Row{
				{Path: "/", Network: "84.212.0.0/16", Visitors: 1, Visits: 1},
				{Path: fmt.Sprint("/page/", i), Network: "10.1.0.0/16"},
				{Path: "/ansatt/kari", Network: "10.2.0.0/16", PreviousPath: "/"},
			}
			for j := range rows {
				rows[j].Site, rows[j].Day, rows[j].Time = 1, day, day.Time().Add(time.Duration(j)*time.Minute)
				rows[j].Kind, rows[j].Pageviews, rows[j].PageVisitors, rows[j].Browser, rows[j].Value = hit.Pageview, 1, 1, "Firefox", 0.1
			}
			must(t, st.Insert(t.Context(), hit.Batch{Rows: rows, Ledger: []hit.LedgerEntry{{Site: 1, Day: day, Reason: "bot", Count: 2}}}, fmt.Sprint("s", i)))
		}
	})
	return data
}

func inStore(t *testing.T, data string, f func(st *store.Store)) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: data, Library: storetest.Library(t)})
	must(t, err)
	defer func() { must(t, st.Close()) }()
	f(st)
}

// TestBackup: backups are listed, verified and pruned, encrypted ones tell nothing of what is in
// them, and what is changed in one is found.
func TestBackup(t *testing.T) {
	today := calendar.DayOf(time.Now().UTC())
	data := filled(t, today-1, today)
	dir := filepath.Join(t.TempDir(), "backups")
	run := runner(t, "--data", data)
	plain := strings.TrimSpace(run("backup", dir))
	secret, err := age.GenerateX25519Identity()
	must(t, err)
	identity := filepath.Join(t.TempDir(), "identity")
	must(t, os.WriteFile(identity, []byte(secret.String()+"\n"), 0o600))
	encrypted := strings.TrimSpace(run("backup", dir, "--recipient", secret.Recipient().String()))

	list := strings.Split(strings.TrimSpace(run("backup", "list", dir)), "\n")
	if len(list) != 2 || !strings.HasPrefix(list[0], filepath.Base(plain)+"\t") || !strings.Contains(list[0], "\tfalse\t") || !strings.Contains(list[1], "\ttrue\t") {
		t.Errorf("the list is %q", list)
	}
	if out := run("backup", "verify", dir); out != filepath.Base(plain)+": whole\n"+filepath.Base(encrypted)+": has its checksum; --identity reads it too\n" {
		t.Errorf("verify says %q", out)
	}
	if out := run("backup", "verify", encrypted, "--identity", identity); out != filepath.Base(encrypted)+": whole\n" {
		t.Errorf("verify with the identity says %q", out)
	}
	for dir, found := range map[string]bool{plain: true, encrypted: false} {
		var all strings.Builder
		must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if info, _ := d.Info(); info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has mode %v", path, info.Mode())
			}
			if err == nil && !d.IsDir() {
				text, err := os.ReadFile(path)
				all.Write(text)
				return err
			}
			return err
		}))
		if strings.Contains(all.String(), "fotspor/sites.sql") != found || strings.Contains(all.String(), `"pageviews"`) != found {
			t.Errorf("%s: what is in it is to be read: want %t", dir, found)
		}
	}
	if left, err := filepath.Glob(filepath.Join(data, "backups", "*")); err != nil || len(left) > 0 {
		t.Errorf("the engine's folder has %q, %v", left, err)
	}

	for _, dir := range []string{plain, encrypted} {
		file, err := filepath.Glob(filepath.Join(dir, "contents*"))
		must(t, err)
		text, err := os.ReadFile(file[0])
		must(t, err)
		for _, at := range []int{len(text) / 3, len(text) - 1} {
			changed := append([]byte{}, text...)
			changed[at] ^= 1
			must(t, os.WriteFile(file[0], changed, 0o600))
			if out, errs, status := command(t, "", "backup", "verify", dir, "--identity", identity); status != 1 || !strings.Contains(out, "has another checksum") {
				t.Errorf("byte %d of %s changed: status %d, %s%s", at, file[0], status, out, errs)
			}
		}
		must(t, os.WriteFile(file[0], text[:len(text)/2], 0o600))
		if out, _, status := command(t, "", "backup", "verify", dir, "--identity", identity); status != 1 || !strings.Contains(out, "bytes, and should have") {
			t.Errorf("half of %s: status %d, %s", file[0], status, out)
		}
		must(t, os.WriteFile(file[0], text, 0o600))
	}

	// A backup of 40 days ago is older than the policy allows, and one of a week ago is not.
	for _, days := range []int{40, 7} {
		e := filepath.Join(dir, "fotspor-"+time.Now().UTC().AddDate(0, 0, -days).Format("20060102T150405.000Z"))
		must(t, os.Mkdir(e, 0o700))
	}
	must(t, os.Mkdir(filepath.Join(dir, "fotspor-20260101T000000.000Z.partial"), 0o700), os.Mkdir(filepath.Join(dir, "other"), 0o700))
	names := func() int {
		all, err := filepath.Glob(filepath.Join(dir, "*"))
		must(t, err)
		return len(all)
	}
	if out := run("backup", "prune", dir, "--older-than", "60d"); !strings.Contains(out, "deleted 1 backups from before "+(today-30).String()) || !strings.Contains(out, "3 are left") || names() != 4 {
		t.Errorf("prune says %q, and leaves %d", out, names())
	}
	if out := run("backup", "prune", dir, "--older-than", "3d"); !strings.Contains(out, "deleted 1 backups") || names() != 3 {
		t.Errorf("prune says %q, and leaves %d", out, names())
	}
	if _, errs, status := commandAt(t, time.Now().AddDate(3, 0, 0), "backup", "prune", dir, "--data", data); status != 1 || !strings.Contains(errs, "clock is not trusted") || names() != 3 {
		t.Errorf("prune by a clock that is three years ahead: status %d, %q, leaves %d", status, errs, names())
	}
	run("policy", "set", "backups=none", "--yes")
	if _, errs, status := command(t, "", "backup", dir, "--data", data); status != 1 || !strings.Contains(errs, "policy set backups=30d") || strings.Count(errs, "\n") != 1 {
		t.Errorf("backup without backups in the policy: status %d, %q", status, errs)
	}
	if out := run("backup", "prune", dir); !strings.Contains(out, "deleted 2 backups") || names() != 1 {
		t.Errorf("prune says %q, and leaves %d", out, names())
	}
	if _, errs, status := command(t, "", "backup", "list", dir); status != 1 || !strings.Contains(errs, "there is no backup") {
		t.Errorf("list: status %d, %q", status, errs)
	}
	made, deleted := 0, 0 // alike within a minute are one line, with their number last
	for line := range strings.Lines(run("audit")) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		n, _ := strconv.Atoi(fields[len(fields)-1])
		switch {
		case slices.Contains(fields, "backup made"):
			made += n
		case slices.Contains(fields, "backups deleted"):
			deleted += n
		}
	}
	if made != 2 || deleted != 3 {
		t.Errorf("the audit log has %d backups made and %d deletions, want 2 and 3", made, deleted)
	}
}
