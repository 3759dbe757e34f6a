package trusted_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fotspor/fotspor/internal/trusted"
)

// stranger is the number of a user and of a group that nobody has.
const stranger = 54321

// needRoot skips a test that gives files to other users.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: only root can give files to others")
	}
}

// tree makes top/above/dir/file, of which everything is as it should be.
func tree(t *testing.T) (above, dir, file string) {
	t.Helper()
	above = filepath.Join(t.TempDir(), "above")
	dir = filepath.Join(above, "dir")
	file = filepath.Join(dir, "file")
	must(t, os.MkdirAll(dir, 0o755), os.WriteFile(file, []byte("x"), 0o644))
	return above, dir, file
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestFile(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, above, dir, file string)
		want   string // part of the error; "" for none
	}{
		"as it should be":             {func(t *testing.T, above, dir, file string) {}, ""},
		"file that all may write":     {func(t *testing.T, above, dir, file string) { must(t, os.Chmod(file, 0o666)) }, `dir/file": refused: everybody`},
		"folder that all may write":   {func(t *testing.T, above, dir, file string) { must(t, os.Chmod(dir, 0o777)) }, `above/dir": refused: everybody`},
		"parent that all may write":   {func(t *testing.T, above, dir, file string) { must(t, os.Chmod(above, 0o777)) }, `/above": refused: everybody`},
		"parent with a sticky bit":    {func(t *testing.T, above, dir, file string) { must(t, os.Chmod(above, 0o777|fs.ModeSticky)) }, ""},
		"folder of our group":         {func(t *testing.T, above, dir, file string) { must(t, os.Chmod(dir, 0o775)) }, ""},
		"file of another group":       {func(t *testing.T, above, dir, file string) { give(t, file, 0, stranger, 0o664) }, "its group 54321"},
		"folder of another group":     {func(t *testing.T, above, dir, file string) { give(t, dir, 0, stranger, 0o775) }, "its group 54321"},
		"another group may only read": {func(t *testing.T, above, dir, file string) { give(t, file, 0, stranger, 0o640) }, ""},
		"file of another user":        {func(t *testing.T, above, dir, file string) { give(t, file, stranger, 0, 0o644) }, "belongs to user 54321"},
		"folder of another user":      {func(t *testing.T, above, dir, file string) { give(t, dir, stranger, 0, 0o755) }, "belongs to user 54321"},
		"parent of another user":      {func(t *testing.T, above, dir, file string) { give(t, above, stranger, 0, 0o755) }, "belongs to user 54321"},
		"theirs in a sticky parent": {func(t *testing.T, above, dir, file string) {
			give(t, dir, stranger, 0, 0o755)
			must(t, os.Chmod(above, 0o777|fs.ModeSticky))
		}, "belongs to user 54321"},
		"no file":                      {func(t *testing.T, above, dir, file string) { must(t, os.Remove(file)) }, "no such file"},
		"a folder for a file":          {func(t *testing.T, above, dir, file string) { must(t, os.Remove(file), os.Mkdir(file, 0o755)) }, "is not a file"},
		"a pipe for a file":            {func(t *testing.T, above, dir, file string) { must(t, os.Remove(file), syscall.Mkfifo(file, 0o644)) }, "is not a file"},
		"a link to what is not there":  {func(t *testing.T, above, dir, file string) { relink(t, file, "none") }, "no such file"},
		"a link to itself":             {func(t *testing.T, above, dir, file string) { relink(t, file, file) }, "symbolic links"},
		"a link to a file for all":     {func(t *testing.T, above, dir, file string) { relink(t, file, sibling(t, above, 0o777, 0o666)) }, `target": refused: everybody`},
		"a link into a folder for all": {func(t *testing.T, above, dir, file string) { relink(t, file, sibling(t, above, 0o777, 0o644)) }, `other": refused: everybody`},
		"a link of another user": {func(t *testing.T, above, dir, file string) {
			relink(t, file, sibling(t, above, 0o755, 0o644))
			needRoot(t)
			must(t, os.Lchown(file, stranger, 0))
		}, "belongs to user 54321"},
		"a good link": {func(t *testing.T, above, dir, file string) { relink(t, file, sibling(t, above, 0o755, 0o644)) }, ""},
		"a good relative link": {func(t *testing.T, above, dir, file string) {
			sibling(t, above, 0o755, 0o644)
			relink(t, file, "../other/./target")
		}, ""},
		"a link in a folder for all": {func(t *testing.T, above, dir, file string) {
			relink(t, file, sibling(t, above, 0o755, 0o644))
			must(t, os.Chmod(dir, 0o777))
		}, `above/dir": refused: everybody`},
	} {
		t.Run(name, func(t *testing.T) {
			above, dir, file := tree(t)
			c.change(t, above, dir, file)
			got, err := trusted.File(file)
			if c.want == "" {
				resolved, e := filepath.EvalSymlinks(file)
				if err != nil || e != nil || got != resolved {
					t.Errorf("File = %q, %v, want %q", got, err, resolved)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("File = %q, %v, want an error with %s", got, err, c.want)
			}
			if refused := strings.Contains(c.want, "refused") || strings.Contains(c.want, "5432"); errors.Is(err, trusted.ErrRefused) != refused {
				t.Errorf("refused: %v, want %v: %v", !refused, refused, err)
			}
		})
	}
}

// give changes owner, group and mode.
func give(t *testing.T, path string, uid, gid int, mode fs.FileMode) {
	t.Helper()
	needRoot(t)
	must(t, os.Chown(path, uid, gid), os.Chmod(path, mode))
}

// relink makes a symbolic link of file.
func relink(t *testing.T, file, target string) {
	t.Helper()
	must(t, os.Remove(file), os.Symlink(target, file))
}

// sibling makes above/other/target.
func sibling(t *testing.T, above string, dirMode, mode fs.FileMode) string {
	t.Helper()
	dir := filepath.Join(above, "other")
	file := filepath.Join(dir, "target")
	must(t, os.Mkdir(dir, 0o755), os.WriteFile(file, nil, 0o644), os.Chmod(file, mode))
	if mode&0o002 == 0 {
		must(t, os.Chmod(dir, dirMode))
	}
	return file
}

func TestMakeDir(t *testing.T) {
	above, dir, file := tree(t)
	made, err := trusted.MakeDir(filepath.Join(dir, "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{made, filepath.Dir(made)} {
		if info, err := os.Stat(path); err != nil || info.Mode() != fs.ModeDir|0o700 {
			t.Errorf("made %q with mode %v, %v", path, info.Mode(), err)
		}
	}
	if again, err := trusted.MakeDir(made); err != nil || again != made {
		t.Errorf("MakeDir of what is there = %q, %v", again, err)
	}
	if _, err := trusted.MakeDir(filepath.Join(file, "a")); err == nil {
		t.Error("made a directory below a file")
	}
	must(t, os.Chmod(above, 0o777))
	if _, err := trusted.MakeDir(filepath.Join(dir, "c")); !errors.Is(err, trusted.ErrRefused) {
		t.Errorf("MakeDir below a folder for all: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "c")); err == nil {
		t.Error("made a directory before it was refused")
	}
}

// TestMakeDirInSticky: in a folder such as /tmp, where everybody may make one but nobody
// replace another's, a directory is made. The folder itself is none, and nobody is told
// to change its mode.
func TestMakeDirInSticky(t *testing.T) {
	above, _, _ := tree(t)
	must(t, os.Chmod(above, 0o777|fs.ModeSticky))
	for _, path := range []string{"one", "two/three"} {
		made, err := trusted.MakeDir(filepath.Join(above, path))
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(made); err != nil || info.Mode() != fs.ModeDir|0o700 {
			t.Errorf("%s has mode %v, %v", path, info.Mode(), err)
		}
	}
	_, err := trusted.MakeDir(above)
	if !errors.Is(err, trusted.ErrRefused) || !strings.Contains(err.Error(), "mode 1777") || strings.Contains(err.Error(), "chmod") {
		t.Errorf("MakeDir of the folder itself: %v", err)
	}
	give(t, above, stranger, 0, 0o777)
	if _, err := trusted.MakeDir(filepath.Join(above, "four")); err == nil || strings.Contains(err.Error(), "chmod") {
		t.Errorf("MakeDir in a stranger's folder: %v", err)
	}
}

func TestCheckout(t *testing.T) {
	root := t.TempDir()
	ours, theirs := filepath.Join(root, "ours"), filepath.Join(root, "ours", "bin", "theirs")
	must(t, os.MkdirAll(filepath.Join(theirs, "bin"), 0o755),
		os.WriteFile(filepath.Join(ours, "go.mod"), []byte("module github.com/fotspor/fotspor\n\ngo 1.26\n"), 0o644),
		os.WriteFile(filepath.Join(theirs, "go.mod"), []byte("module example.org/other\n"), 0o644))
	for dir, want := range map[string]string{
		ours:                         ours,
		filepath.Join(ours, "bin"):   ours,
		root:                         "",
		theirs:                       "",
		filepath.Join(theirs, "bin"): "",
	} {
		if got := trusted.Checkout(dir); got != want {
			t.Errorf("Checkout(%q) = %q, want %q", dir, got, want)
		}
	}
}

// TestOwnerOfExecutable: what belongs to the owner of the program may be used by root,
// as in a CI that runs in a developer's checkout.
func TestOwnerOfExecutable(t *testing.T) {
	if file := os.Getenv("TRUSTED_TEST_FILE"); file != "" {
		if _, err := trusted.File(file); err != nil {
			t.Fatal(err)
		}
		return
	}
	needRoot(t)
	_, dir, file := tree(t)
	self, err := os.ReadFile(os.Args[0])
	must(t, err)
	exe := filepath.Join(dir, "copy.test")
	must(t, os.WriteFile(exe, self, 0o755))
	give(t, file, stranger, stranger, 0o664)
	run := func() (string, error) {
		cmd := exec.Command(exe, "-test.run", "^TestOwnerOfExecutable$")
		cmd.Env = append(os.Environ(), "TRUSTED_TEST_FILE="+file)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run(); err == nil {
		t.Errorf("a stranger's file beside our program was taken: %s", out)
	}
	must(t, os.Chown(exe, stranger, stranger))
	if out, err := run(); err != nil {
		t.Errorf("the file of the program's owner: %v: %s", err, out)
	}
}
