package embedded_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/fotspor/fotspor/internal/trusted"
	"github.com/fotspor/fotspor/store/embedded"
)

// find prints where the library would be loaded from, by a user who is named after the
// path, if one is.
func find(explicit string) error {
	if len(os.Args) > 2 {
		uid, err := strconv.Atoi(os.Args[2])
		if err := errors.Join(err, syscall.Setuid(uid)); err != nil {
			return err
		}
	}
	path, err := embedded.FindLibrary(explicit)
	if errors.Is(err, embedded.ErrNoLibrary) {
		return fmt.Errorf("ErrNoLibrary: %w", err)
	}
	if errors.Is(err, trusted.ErrRefused) {
		return fmt.Errorf("ErrRefused: %w", err)
	}
	fmt.Println(path)
	return err
}

// TestWhereTheLibraryIsLookedFor runs a program in its own folder, from a working
// directory in which somebody has planted libraries.
func TestWhereTheLibraryIsLookedFor(t *testing.T) {
	self, err := os.Executable()
	must(t, err)
	text, err := os.ReadFile(self)
	must(t, err)
	plant := func(t *testing.T, dir string) string {
		t.Helper()
		must(t, os.MkdirAll(dir, 0o755))
		path := filepath.Join(dir, "libchdb.so")
		must(t, os.WriteFile(path, []byte("not a library"), 0o644))
		return path
	}
	type place struct{ root, bin, wd string }
	for name, c := range map[string]struct {
		prepare func(t *testing.T, p place) (explicit string)
		want    string // relative to root, or the begin of an error
	}{
		"nowhere":     {func(t *testing.T, p place) string { return "" }, "ErrNoLibrary"},
		"beside":      {func(t *testing.T, p place) string { plant(t, p.bin); return "" }, "bin/libchdb.so"},
		"in checkout": {func(t *testing.T, p place) string { checkout(t, p.root); plant(t, npm(p.root)); return "" }, npm("") + "/libchdb.so"},
		"beside first": {func(t *testing.T, p place) string {
			checkout(t, p.root)
			plant(t, npm(p.root))
			plant(t, p.bin)
			return ""
		}, "bin/libchdb.so"},
		"named": {func(t *testing.T, p place) string { return plant(t, filepath.Join(p.root, "named")) }, "named/libchdb.so"},
		"named, by a relative path": {func(t *testing.T, p place) string { plant(t, p.wd); return "libchdb.so" },
			"home/wd/libchdb.so"},
		"named, not there": {func(t *testing.T, p place) string { plant(t, p.bin); return "/nowhere/libchdb.so" }, `ErrNoLibrary: libchdb, the ClickHouse engine, was not found: no file at "/nowhere`},
		"another program's modules": {func(t *testing.T, p place) string {
			must(t, os.WriteFile(filepath.Join(p.root, "go.mod"), []byte("module example.org/other\n"), 0o644))
			plant(t, npm(p.root))
			return ""
		}, "ErrNoLibrary"},
		"modules without a checkout": {func(t *testing.T, p place) string { plant(t, npm(p.root)); return "" }, "ErrNoLibrary"},
		"modules above the checkout": {func(t *testing.T, p place) string { checkout(t, p.bin); plant(t, npm(p.root)); return "" }, "ErrNoLibrary"},
		"beside, for all to write":   {func(t *testing.T, p place) string { plant(t, p.bin); must(t, os.Chmod(p.bin, 0o777)); return "" }, "ErrRefused"},
		"beside, a file for all": {func(t *testing.T, p place) string {
			must(t, os.Chmod(plant(t, p.bin), 0o666))
			return ""
		}, "ErrRefused"},
		"checkout for all to write": {func(t *testing.T, p place) string {
			checkout(t, p.root)
			plant(t, npm(p.root))
			must(t, os.Chmod(p.root, 0o777))
			return ""
		}, "ErrRefused"},
		"named, for all to write": {func(t *testing.T, p place) string {
			file := plant(t, filepath.Join(p.root, "named"))
			must(t, os.Chmod(filepath.Dir(file), 0o777))
			return file
		}, "ErrRefused"},
		"a checkout of somebody else's in which root has built": {func(t *testing.T, p place) string {
			if os.Geteuid() != 0 {
				t.Skip("NOT TESTED: only root can give files to others")
			}
			checkout(t, p.root)
			plant(t, npm(p.root))
			must(t, filepath.WalkDir(p.root, func(path string, _ os.DirEntry, err error) error {
				return errors.Join(err, os.Chown(path, 54321, 54321), os.Chmod(path, 0o775))
			}))
			return ""
		}, npm("") + "/libchdb.so"},
		"named, of somebody else": {func(t *testing.T, p place) string {
			if os.Geteuid() != 0 {
				t.Skip("NOT TESTED: only root can give files to others")
			}
			file := plant(t, filepath.Join(p.root, "named"))
			must(t, os.Chown(file, 54321, 54321))
			return file
		}, "ErrRefused"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			p := place{root, filepath.Join(root, "bin"), filepath.Join(root, "home", "wd")}
			must(t, os.Mkdir(p.bin, 0o755), os.MkdirAll(p.wd, 0o755))
			explicit := c.prepare(t, p)
			program := filepath.Join(p.bin, "program")
			must(t, os.WriteFile(program, text, 0o755))
			// What 6acc0f2 would have loaded.
			if explicit == "" {
				for _, dir := range []string{npm(p.wd), npm(filepath.Dir(p.wd)), p.wd} {
					plant(t, dir)
				}
			}
			cmd := exec.CommandContext(t.Context(), program, explicit)
			cmd.Dir = p.wd
			cmd.Env = append(os.Environ(), childVariable+"=find")
			out, err := cmd.CombinedOutput()
			want := c.want
			if !strings.HasPrefix(want, "Err") {
				want = filepath.Join(root, want) + "\n"
			}
			if !strings.HasPrefix(string(out), want) || (err != nil) != strings.HasPrefix(want, "Err") {
				t.Errorf("%v: %s, want %s", err, out, want)
			}
			if want == "ErrNoLibrary" {
				for _, want := range []string{"npm install @chdb/lib-", "--engine"} {
					if !strings.Contains(string(out), want) {
						t.Errorf("error %q does not say %q", out, want)
					}
				}
			}
			if strings.HasPrefix(want, "ErrRefused") && !strings.Contains(string(out), root) {
				t.Errorf("error %q does not name the path", out)
			}
		})
	}
}

// npm is the folder of the library below a checkout.
func npm(checkout string) string { return filepath.Dir(embedded.LibraryIn(checkout)) }

// checkout makes a checkout of this program's source of dir.
func checkout(t *testing.T, dir string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module github.com/fotspor/fotspor\n"), 0o644))
}

// TestLibrariesOfTheSystem: what libchdb needs is loaded from the system's folders, and
// not from the folder of those who built it.
func TestLibrariesOfTheSystem(t *testing.T) {
	needLibrary(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], t.TempDir())
	cmd.Env = append(os.Environ(), childVariable+"=fill", "LD_DEBUG=libs")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "find library=libm.so") {
		t.Fatalf("%v: the loader does not tell what it does: %s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "RUNPATH from file") || strings.Contains(line, "RPATH from file") {
			t.Errorf("the loader looks elsewhere: %s", line)
		}
	}
}

// TestLibraryOfRootAlone: the library beside the program is refused to the user that
// root's process has become, not missing.
func TestLibraryOfRootAlone(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: this needs root")
	}
	dir := t.TempDir()
	text, err := os.ReadFile(os.Args[0])
	must(t, err, os.Chmod(dir, 0o700))
	program, library := filepath.Join(dir, "program"), filepath.Join(dir, "libchdb.so")
	must(t, os.WriteFile(program, text, 0o755), os.WriteFile(library, nil, 0o644))
	cmd := exec.CommandContext(t.Context(), program, "", "54321")
	cmd.Env = append(os.Environ(), childVariable+"=find")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.HasPrefix(string(out), "\nload the engine: ") || !strings.Contains(string(out), "permission denied for user 54321") || !strings.Contains(string(out), dir) {
		t.Errorf("%v: %q, want that it is refused to user 54321", err, out)
	}
}
