// Package trusted finds the files that the program came with, and refuses files and
// folders that somebody else may change. What it returns may be loaded or opened by
// its path: nobody else can put another file in its place meanwhile.
package trusted

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// ErrRefused is wrapped by the error for a path that somebody else may change.
var ErrRefused = errors.New("refused")

// Path returns path as an absolute path without symbolic links. It returns an error
// that wraps ErrRefused if the file, a folder above it, or a symbolic link on the way to
// it,
//
//   - belongs to a user who is neither root, nor that of this process, nor one who could
//     replace the executable: its owner, and those of the folders above it;
//   - may be written by everybody, or by a group that is neither root's, nor that of this
//     process, nor one that could replace the executable. A folder above may be, if it has
//     the sticky bit: there only its owner can replace a file.
//
// A path that does not exist gives an error that wraps fs.ErrNotExist.
func Path(path string) (string, error) { return resolve(path, false) }

// resolve is Path, or with above the same for a folder above a path that is to be.
func resolve(path string, above bool) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil { // the working directory can't be looked at
		return "", Denied(err)
	}
	// From the root down: what has been checked can't be changed while the rest is.
	const root = string(filepath.Separator)
	known, at, rest := trustees(), root, parts(path)
	if err := known.check(root, above || len(rest) > 0); err != nil {
		return "", err
	}
	for links := 0; len(rest) > 0; {
		next := filepath.Join(at, rest[0])
		rest = rest[1:]
		if err := known.check(next, above || len(rest) > 0); err != nil {
			return "", err
		}
		target, err := os.Readlink(next)
		if err != nil { // it is no link
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("%q: more than %d symbolic links", path, maxLinks)
		}
		if filepath.IsAbs(target) {
			at = root
		}
		rest = append(parts(target), rest...)
	}
	return at, nil
}

// maxLinks is how many symbolic links may lead to a file, as in Linux.
const maxLinks = 40

// parts returns the names that a path is made of.
func parts(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == filepath.Separator })
}

// File is Path for a regular file.
func File(path string) (string, error) {
	resolved, err := Path(path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(resolved)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%q is not a file", resolved)
	}
	if err != nil {
		return "", err
	}
	return resolved, nil
}

// MakeDir is Path for a directory. It makes the directory, and those above it, for
// this user alone if they do not exist.
func MakeDir(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", Denied(err)
	}
	above := path
	for {
		_, err := os.Stat(above)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || above == filepath.Dir(above) {
			return "", Denied(err)
		}
		above = filepath.Dir(above)
	}
	// A folder in it is ours, also where everybody may make one, as in /tmp.
	if _, err := resolve(above, above != path); err != nil {
		return "", err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", Denied(err)
	}
	return Path(path) // in a folder for all, such as /tmp, somebody may have been faster
}

// owners are the users and groups that may change what the program uses.
type owners struct{ users, groups []uint32 }

// trustees are root, this process, and those who could replace the executable.
func trustees() owners {
	o := owners{[]uint32{0, uint32(os.Geteuid())}, []uint32{0, uint32(os.Getegid())}}
	exe := executable()
	for path := exe; path != ""; path = filepath.Dir(path) {
		if info, err := os.Lstat(path); err == nil {
			stat := info.Sys().(*syscall.Stat_t)
			o.users = append(o.users, stat.Uid)
			if path == exe || info.Mode()&0o020 != 0 {
				o.groups = append(o.groups, stat.Gid)
			}
		}
		if path == filepath.Dir(path) {
			break
		}
	}
	return o
}

func (o owners) check(path string, above bool) error {
	info, err := os.Lstat(path)
	if err != nil {
		return Denied(err)
	}
	stat, mode := info.Sys().(*syscall.Stat_t), info.Mode()
	switch {
	case !slices.Contains(o.users, stat.Uid):
		return fmt.Errorf("%q: %w: it belongs to %s, who is neither root, the user of this process nor an owner of the program", path, ErrRefused, UserName(stat.Uid))
	case mode&fs.ModeSymlink != 0: // its mode says nothing
	case above && mode&fs.ModeSticky != 0:
	case mode&0o002 != 0:
		return fmt.Errorf("%q: %w: everybody may write to it (mode %04o)%s", path, ErrRefused, octal(mode), advice(info, "o-w"))
	case mode&0o020 != 0 && !slices.Contains(o.groups, stat.Gid):
		return fmt.Errorf("%q: %w: its group %d may write to it (mode %04o)%s", path, ErrRefused, stat.Gid, octal(mode), advice(info, "g-w"))
	}
	return nil
}

// Denied returns an error of the system's, and who was refused if it is a refusal: root
// may act as somebody who can't reach what root can.
func Denied(err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("%w for %s, as which this process acts", err, UserName(uint32(os.Geteuid())))
}

// octal returns a mode as chmod writes it, with the sticky bit.
func octal(mode fs.FileMode) uint32 {
	bits := uint32(mode.Perm())
	if mode&fs.ModeSticky != 0 {
		bits |= 0o1000
	}
	return bits
}

// advice says what to do about the mode of a path. Only its owner may change it.
// With a sticky bit it is intended: the system needs the mode of /tmp.
func advice(info fs.FileInfo, change string) string {
	if info.Mode()&fs.ModeSticky == 0 && info.Sys().(*syscall.Stat_t).Uid == uint32(os.Geteuid()) {
		return "; take that away with chmod " + change
	}
	return "; choose another place"
}

// UserName returns the name of a user, or the number where there is none.
func UserName(uid uint32) string {
	number := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(number); err == nil {
		return u.Username
	}
	return "user " + number
}

// module begins the go.mod of a checkout of this program.
const module = "module github.com/fotspor/fotspor"

// Places returns the folder of the executable and the checkout of its source that it
// stands in, where the program may look for what it needs. Either may be "".
func Places() (beside, checkout string) {
	exe := executable()
	if exe == "" {
		return "", ""
	}
	beside = filepath.Dir(exe)
	return beside, Checkout(beside)
}

// standIn is the path that executable returns in a test; "" for the real one.
var standIn string

// StandIn has the program stand in the folder bin of the checkout that dir is in. It is
// for tests, whose binary is in a temporary folder, and to be called before anything else
// of this package.
func StandIn(dir string) {
	if root, err := filepath.EvalSymlinks(Checkout(dir)); err == nil {
		standIn = filepath.Join(root, "bin", "fotspor")
	}
}

// executable returns the path of this program without symbolic links, or "".
func executable() string {
	if standIn != "" {
		return standIn
	}
	return started
}

// started is looked for at once, since the user that the process becomes may not see it.
var started = findExecutable()

func findExecutable() string {
	exe, err := os.Executable()
	if err != nil {
		return ""
	}
	if exe, err = filepath.EvalSymlinks(exe); err != nil {
		return ""
	}
	return exe
}

// Checkout returns the checkout of this program's source that dir stands in, or "".
// The nearest go.mod decides.
func Checkout(dir string) string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			if first, _, _ := strings.Cut(string(text), "\n"); strings.TrimSpace(first) == module {
				return dir
			}
			return ""
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
		dir = filepath.Dir(dir)
	}
}
