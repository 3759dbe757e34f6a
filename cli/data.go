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

// takeData prepares this process to use the data directory, before anything else does. If
// the process is root's, it becomes one of the directory's owner: files that belong to root
// would stop the owner's next start. Any other user must be the owner. takeData refuses a
// directory that other users may change, or that holds files of others. With create it
// creates a missing directory; without, it does nothing, and the code that needs the
// directory reports that it is missing.
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
		return fmt.Errorf("data directory %q belongs to %s, and this process runs as %s (%w): run it as the owner, as with sudo -u '#%d' fotspor",
			dir, trusted.UserName(owner.Uid), trusted.UserName(uint32(os.Geteuid())), err, owner.Uid)
	}
	// Only the owner may read what the program has created in it.
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

// checkEntries returns an error if an entry of a directory belongs to a user who is neither
// its owner nor root; lost+found may be root's. It does not look into subdirectories, since
// only users who may write to them can have put something there.
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
		if errors.Is(err, fs.ErrNotExist) { // another process has removed it
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

// become changes a process of root's to the user and group of a file, and to no other group.
func become(owner *syscall.Stat_t) error {
	switch uint32(os.Geteuid()) {
	case owner.Uid:
		return nil
	case 0:
	default:
		return errNotOwner
	}
	uid, gid := int(owner.Uid), ownGroup(owner)
	// The user is last: after that the process has no right to change the groups.
	if err := syscall.Setgroups([]int{gid}); err != nil {
		return err
	}
	if err := syscall.Setgid(gid); err != nil {
		return err
	}
	return syscall.Setuid(uid)
}

// ownGroup returns the primary group of the owner of a file, or else the group of the file,
// or the group with the owner's number. It never returns root's group, which gives rights
// that the owner does not have.
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
