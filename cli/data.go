package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/fotspor/fotspor/internal/trusted"
)

// takeData gets the data directory ready for this process, before anything in it is
// touched. Root becomes the owner of the directory, for the whole process: files of
// root's would stop the owner's next start. Any other user must be the owner. A
// directory that others may change, or in which there is anything of others, is
// refused. If there is no directory it is made with create, and else left to be missed
// by whoever needs it.
func takeData(dir string, create bool) error {
	dir, err := filepath.Abs(dir) // the owner may not see the working directory
	if err != nil {
		return fmt.Errorf("data directory: %w", trusted.Denied(err))
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && create:
		if _, err := trusted.MakeDir(dir); err != nil {
			return fmt.Errorf("data directory: %w", err)
		}
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("data directory: %w", trusted.Denied(err))
	case !info.IsDir():
		return fmt.Errorf("data directory %q: it is not a directory", dir)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if err := become(owner); err != nil {
		return fmt.Errorf("data directory %q belongs to %s, and this process is of %s (%w): run it as the owner, as with sudo -u '#%d' fotspor",
			dir, trusted.UserName(owner.Uid), trusted.UserName(uint32(os.Geteuid())), err, owner.Uid)
	}
	// What the program has made in it is for its owner alone.
	for _, name := range []string{".", "clickhouse", "spool", "backups"} {
		path, err := trusted.Path(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("data directory: %w", err)
		}
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("data directory: %w", err)
		}
		if uid := info.Sys().(*syscall.Stat_t).Uid; uid != owner.Uid {
			return fmt.Errorf("data directory: %q belongs to %s, and the directory to %s: give both to the same user, as with chown -R",
				path, trusted.UserName(uid), trusted.UserName(owner.Uid))
		}
	}
	for _, name := range []string{".", filepath.Join("clickhouse", "metadata")} {
		if err := checkEntries(filepath.Join(dir, name), owner.Uid); err != nil {
			return fmt.Errorf("data directory: %w", err)
		}
	}
	return nil
}

// checkEntries returns an error if something in a directory is of a user who is neither
// its owner nor root, of whom lost+found may be. Deeper down only who may write there can
// have put something.
func checkEntries(dir string, owner uint32) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) { // another process works in it
			continue
		}
		if err != nil {
			return err
		}
		if uid := info.Sys().(*syscall.Stat_t).Uid; uid != owner && uid != 0 {
			return fmt.Errorf("%q belongs to %s, and the directory to %s: remove it, or give it to the same user with chown",
				filepath.Join(dir, entry.Name()), trusted.UserName(uid), trusted.UserName(owner))
		}
	}
	return nil
}

var errNotOwner = errors.New("only root may act as somebody else")

// become makes this process, if it is root's, one of the user and group of a file, and
// of no other group.
func become(owner *syscall.Stat_t) error {
	switch uint32(os.Geteuid()) {
	case owner.Uid:
		return nil
	case 0:
	default:
		return errNotOwner
	}
	uid, gid := int(owner.Uid), ownGroup(owner)
	// In this order: the last one gives away the right to the others.
	if err := syscall.Setgroups([]int{gid}); err != nil {
		return err
	}
	if err := syscall.Setgid(gid); err != nil {
		return err
	}
	return syscall.Setuid(uid)
}

// ownGroup returns the primary group of the owner of a file, or else the group of the
// file, or one of the owner's own number: never root's, which gives rights that the owner
// would not have.
func ownGroup(owner *syscall.Stat_t) int {
	if u, err := user.LookupId(strconv.FormatUint(uint64(owner.Uid), 10)); err == nil {
		if primary, err := strconv.Atoi(u.Gid); err == nil && primary != 0 {
			return primary
		}
	}
	if owner.Gid != 0 {
		return int(owner.Gid)
	}
	return int(owner.Uid)
}
