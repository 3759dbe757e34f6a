package app_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fotspor/fotspor/retention/receipt"
	"github.com/fotspor/fotspor/store/embedded"
	"github.com/fotspor/fotspor/store/storetest"
)

// stranger is the number of a user and of a group that nobody has.
const stranger = 54321

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// startEngine starts `fotspor engine`, and returns its address with the password and, as
// messages tell of it, without.
func startEngine(t *testing.T) (at, place string) {
	t.Helper()
	data := t.TempDir()
	engine := serve(t, "engine", "--listen", "127.0.0.1:0", "--data", data)
	host := strings.TrimPrefix(engine.public, "http://")
	return strings.TrimSuffix(engineDSN(t, host, data, ""), "/"), "http://" + embedded.User + "@" + host
}

// TestDashboardAndRetentionWait: without a store both start, say what they wait for, make
// nothing, and go on when another process has made it.
func TestDashboardAndRetentionWait(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	t.Parallel() // it waits
	at, place := startEngine(t)
	missing, elsewhere := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "data")
	keyed := filepath.Join(t.TempDir(), "data")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for name, c := range map[string]struct {
		place string
		at    []string // of the parts that wait
		comes func()
	}{
		"server": {
			place + "/footprints",
			[]string{"--store", at + "/footprints", "--data", elsewhere},
			func() {
				for _, args := range [][]string{{"migrate"}, {"policy", "set", "retention=3y", "--yes"}, {"retention", "run"}, {"access", "--ip", "192.0.2.1"}} {
					if _, errs, status := command(t, "", append(args, "--store", at+"/footprints", "--data", keyed)...); status != 0 {
						t.Fatalf("%s: %q, status %d", args, errs, status)
					}
				}
				if made, err := os.ReadDir(keyed); err != nil || len(made) != 2 || made[0].Name() != "receipts.heads" || made[1].Name() != receipt.KeyFile {
					t.Errorf("commands on a server made %v, %v, want the key of the pass's receipt and the note of it alone", made, err)
				}
			},
		},
		"embedded engine": {
			missing, []string{"--data", missing},
			func() {
				serve(t, "serve", "--data", missing, "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0")
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dashboard := serve(t, append([]string{"dashboard", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"}, c.at...)...)
			parts := []*service{dashboard, serve(t, append([]string{"retention", "--metrics-listen", "127.0.0.1:0"}, c.at...)...)}
			ready := func(s *service) (int, string) {
				resp, err := client.Get(s.metrics + "/readyz")
				must(t, err)
				defer resp.Body.Close()
				text, err := io.ReadAll(resp.Body)
				must(t, err)
				return resp.StatusCode, string(text)
			}
			for _, s := range parts {
				get(t, client, s.metrics+"/healthz")
				if status, text := ready(s); status != http.StatusServiceUnavailable || !strings.Contains(text, `waiting for the store: there is no store in "`+c.place+`"`) {
					t.Errorf("%s: /readyz = %d %q, want 503 and %s", s.cmd.Args[1], status, text, c.place)
				}
			}
			get(t, client, dashboard.public+"/login") // which needs no store
			if _, err := os.Stat(c.at[len(c.at)-1]); err == nil {
				t.Error("made a directory")
			}
			c.comes()
			for _, s := range parts {
				await(t, s.cmd.Args[1]+" that goes on", func() error {
					if status, text := ready(s); status != http.StatusOK {
						return fmt.Errorf("/readyz = %d %q", status, text)
					}
					return nil
				})
				s.stop()
			}
		})
	}
	if got := get(t, client, at+"/?query=SELECT+count()+FROM+system.databases+WHERE+name='fotspor'"); got != "0\n" {
		t.Errorf("made %q databases by the default name", got)
	}
}

// TestDataOfOthers: a data directory that others may change, or that is somebody
// else's in part, is refused with a sentence.
func TestDataOfOthers(t *testing.T) {
	root := os.Geteuid() == 0
	for name, c := range map[string]struct {
		needRoot bool
		change   func(above, data string) error
		want     string
	}{
		"for all":            {false, func(_, data string) error { return os.Chmod(data, 0o777) }, `/data": refused: everybody may write to it`},
		"for all, sticky":    {false, func(_, data string) error { return os.Chmod(data, 0o777|fs.ModeSticky) }, `/data": refused: everybody may write to it`},
		"for a group":        {true, func(_, data string) error { return errors.Join(os.Chown(data, 0, stranger), os.Chmod(data, 0o770)) }, `/data": refused: its group 54321 may write to it`},
		"below one for all":  {false, func(above, _ string) error { return os.Chmod(above, 0o777) }, `/above": refused: everybody may write to it`},
		"below a stranger's": {true, func(above, _ string) error { return os.Chown(above, stranger, 0) }, `/above": refused: it belongs to user 54321`},
		"store for all": {false, func(_, data string) error {
			return errors.Join(os.Mkdir(data+"/clickhouse", 0o700), os.Chmod(data+"/clickhouse", 0o777))
		}, `/data/clickhouse": refused: everybody`},
		"spool for all": {false, func(_, data string) error {
			return errors.Join(os.Mkdir(data+"/spool", 0o700), os.Chmod(data+"/spool", 0o777))
		}, `/data/spool": refused: everybody`},
		"store of a stranger": {true, func(_, data string) error {
			return errors.Join(os.Mkdir(data+"/clickhouse", 0o700), os.Chown(data+"/clickhouse", stranger, 0))
		}, `/data/clickhouse": refused: it belongs to user 54321`},
		"file of a stranger": {true, func(_, data string) error {
			return errors.Join(os.WriteFile(data+"/stray", nil, 0o600), os.Chown(data+"/stray", stranger, 0))
		}, `/data/stray" belongs to user 54321`},
		"password of a stranger": {true, func(_, data string) error {
			return errors.Join(os.WriteFile(data+"/engine.password", []byte("a password that is known\n"), 0o600), os.Chown(data+"/engine.password", stranger, 0))
		}, `/data/engine.password" belongs to user 54321`},
		"metadata of a stranger": {true, func(_, data string) error {
			return errors.Join(os.MkdirAll(data+"/clickhouse/metadata", 0o700), os.WriteFile(data+"/clickhouse/metadata/x.sql", nil, 0o600), os.Chown(data+"/clickhouse/metadata/x.sql", stranger, 0))
		}, `/data/clickhouse/metadata/x.sql" belongs to user 54321`},
		"not there, for all": {false, func(above, data string) error { return errors.Join(os.Remove(data), os.Chmod(above, 0o777)) }, `/above": refused: everybody may write to it`},
		"a link into a folder": {false, func(above, data string) error {
			return errors.Join(os.Remove(data), os.Mkdir(above+"/other", 0o700), os.Chmod(above+"/other", 0o777), os.Symlink("other", data))
		}, `/above/other": refused: everybody`},
	} {
		t.Run(name, func(t *testing.T) {
			if c.needRoot && !root {
				t.Skip("NOT TESTED: only root can give files to others")
			}
			above := filepath.Join(t.TempDir(), "above")
			data := filepath.Join(above, "data")
			must(t, os.MkdirAll(data, 0o700), c.change(above, data))
			commands := [][]string{
				{"serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"},
				{"engine", "--listen", "127.0.0.1:0"},
				{"site", "add", "--host", "example.org", "--create"},
			}
			if _, err := os.Stat(data); err == nil {
				commands = append(commands, []string{"site", "list"}, []string{"spool", "list"}, []string{"retention", "run", "--store", "http://127.0.0.1:1/x"})
			}
			for _, args := range commands {
				_, errs, status := command(t, "", append(args, "--data", data)...)
				if status != 1 || !strings.Contains(errs, c.want) {
					t.Errorf("%s: status %d, %q, want 1 and %s", args[0], status, errs, c.want)
				}
			}
		})
	}
}

// TestRootActsAsTheOwner: what root does in the data directory of another user is that
// user's, so that the service of that user starts again.
func TestRootActsAsTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: this needs root")
	}
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	self, err := os.ReadFile(os.Args[0])
	must(t, err, os.Chmod(filepath.Dir(dir), 0o755), os.Mkdir(data, 0o700), os.Chown(data, stranger, stranger))
	program := filepath.Join(dir, "fotspor")
	must(t, os.WriteFile(program, self, 0o755))

	owned := func(after string) {
		t.Helper()
		must(t, filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := entry.Info()
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil {
				if stat := info.Sys().(*syscall.Stat_t); stat.Uid != stranger || stat.Gid != stranger {
					t.Errorf("after %s %s belongs to %d:%d", after, path, stat.Uid, stat.Gid)
				}
			}
			return err
		}))
	}
	asOwner := func(args ...string) *exec.Cmd {
		cmd := exec.Command(program, append(args, "--data", data)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), asProgram+"=1", "FOTSPOR_ENGINE="+storetest.Library(t))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stranger, Gid: stranger}}
		return cmd
	}

	if out, errs, status := command(t, "", "site", "add", "--host", "example.org", "--create", "--quiet", "--data", data); out != "1\n" || status != 0 {
		t.Fatalf("site add by root: %q, %q, status %d", out, errs, status)
	}
	owned("site add")
	if out, err := asOwner("site", "list").Output(); err != nil || !strings.HasPrefix(string(out), "1\texample.org") {
		t.Errorf("site list by the owner: %q, %v", out, err)
	}

	s := serve(t, "serve", "--data", data, "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0")
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil || !strings.Contains(string(status), "Uid:\t54321\t54321\t54321\t54321\n") || !strings.Contains(string(status), "Gid:\t54321\t54321\t54321\t54321\n") {
		t.Errorf("serve by root runs as:\n%s%v", status, err)
	}
	if out, errs, status := command(t, "", "site", "list", "--data", data); status != 0 || !strings.HasPrefix(out, "1\texample.org") {
		t.Errorf("site list by root beside it: %q, %q, status %d", out, errs, status)
	}
	s.stop()
	owned("serve")
	if _, errs, status := command(t, "", "spool", "list", "--data", data); status != 0 {
		t.Errorf("spool list by root: %q, status %d", errs, status)
	}
	if out, err := asOwner("query", "SELECT count() FROM sites").CombinedOutput(); err != nil || string(out) != "1\n" {
		t.Errorf("query by the owner: %q, %v", out, err)
	}

	// Anybody else is told whose it is.
	must(t, os.Chmod(data, 0o755), os.Chown(data, stranger+1, stranger+1))
	if out, err := asOwner("site", "list").CombinedOutput(); err == nil || !strings.Contains(string(out), "belongs to user 54322") || !strings.Contains(string(out), "sudo -u") {
		t.Errorf("site list by another user: %q, %v", out, err)
	}
}

// TestRootLeavesItsGroup: root acts without its group where the directory has that one.
func TestRootLeavesItsGroup(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: this needs root")
	}
	data := filepath.Join(t.TempDir(), "data")
	must(t, os.Chmod(filepath.Dir(filepath.Dir(data)), 0o755), os.Mkdir(data, 0o770), os.Chown(data, stranger, 0))
	s := serve(t, "engine", "--data", data, "--listen", "127.0.0.1:0")
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil || !strings.Contains(string(status), "Gid:\t54321\t54321\t54321\t54321\n") || !strings.Contains(string(status), "Groups:\t54321 \n") {
		t.Errorf("it runs as:\n%s%v", status, err)
	}
	s.stop()
	files := 0
	must(t, filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == data {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Sys().(*syscall.Stat_t).Gid != stranger {
			t.Errorf("%s belongs to group %d", path, info.Sys().(*syscall.Stat_t).Gid)
		}
		files++
		return err
	}))
	if files < 3 {
		t.Errorf("it made %d files", files)
	}
}

// TestRefusedToTheOwner: what root sees and the owner of the data directory does not is
// told as refused, and to whom.
func TestRefusedToTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: this needs root")
	}
	self, err := os.ReadFile(os.Args[0])
	must(t, err)
	top := t.TempDir()
	must(t, os.Chmod(filepath.Dir(top), 0o755))
	data, closed, open := filepath.Join(top, "data"), filepath.Join(top, "closed"), filepath.Join(top, "open")
	must(t, os.Mkdir(data, 0o700), os.Chown(data, stranger, stranger), os.Mkdir(closed, 0o700), os.Mkdir(open, 0o755))
	for _, dir := range []string{closed, open} {
		must(t, os.WriteFile(filepath.Join(dir, "fotspor"), self, 0o755),
			os.WriteFile(filepath.Join(dir, "libchdb.so"), nil, 0o600),
			os.MkdirAll(filepath.Join(dir, "data"), 0o700), os.Chown(filepath.Join(dir, "data"), stranger, stranger))
	}
	for name, c := range map[string]struct {
		program, dir string
		args         []string
		want         string
	}{
		"library named":              {open, "/", []string{"--data", data, "--engine", closed + "/libchdb.so"}, closed + "/libchdb.so: permission denied"},
		"library of root's alone":    {open, "/", []string{"--data", data, "--engine", open + "/libchdb.so"}, open + "/libchdb.so: permission denied"},
		"data in the working folder": {open, closed, nil, "closed/data: permission denied"},
	} {
		cmd := exec.Command(filepath.Join(c.program, "fotspor"), append([]string{"migrate"}, c.args...)...)
		cmd.Dir = c.dir
		cmd.Env = append(os.Environ(), asProgram+"=1", "FOTSPOR_ENGINE=")
		out, _ := cmd.CombinedOutput()
		if status := cmd.ProcessState.ExitCode(); status != 1 || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), c.want) || !strings.Contains(string(out), "user 54321") {
			t.Errorf("%s: status %d, %q, want 1 and %s for user 54321", name, status, out, c.want)
		}
	}
}
