package visit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// File systems by their magic numbers, as in <linux/magic.h>.
const (
	tmpfs = 0x01021994
	ramfs = 0x858458f6
)

// handoverDir is a directory for a hand-over. Names in it are looked up from the open
// directory, so that it stays the one that was checked.
type handoverDir struct {
	dir  *os.File
	made bool // by openHandoverDir
}

// openHandoverDir opens dir, and creates it if only its parent exists.
func openHandoverDir(dir string) (*handoverDir, error) {
	err := os.Mkdir(dir, 0o700)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w: %w", ErrNotInMemory, err)
	}
	p := &handoverDir{made: err == nil}
	// Clean, because a slash at the end would make the kernel follow a symbolic link.
	p.dir, err = os.OpenFile(filepath.Clean(dir), os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotInMemory, err)
	}
	return p, nil
}

// close closes the directory, and removes it if openHandoverDir created it and it is
// still empty.
func (p *handoverDir) close() {
	if p.made {
		os.Remove(p.dir.Name()) // fails if a hand-over is in it
	}
	p.dir.Close()
}

func (p *handoverDir) fd() int { return int(p.dir.Fd()) }

// check returns an error unless secrets may be written to the directory.
func (p *handoverDir) check() error {
	var st syscall.Stat_t
	if err := syscall.Fstat(p.fd(), &st); err != nil {
		return fmt.Errorf("%w: %w", ErrNotInMemory, err)
	}
	switch {
	case st.Uid != uint32(os.Geteuid()):
		return fmt.Errorf("%w: it belongs to another user", ErrNotInMemory)
	case st.Mode&0o022 != 0:
		return fmt.Errorf("%w: others may write to it (mode %#o)", ErrNotInMemory, st.Mode&0o7777)
	}
	return inMemory(p.dir, os.DirFS("/"))
}

// clear removes the files of an earlier hand-over.
func (p *handoverDir) clear() error {
	for _, name := range []string{handedOver, unfinished} {
		if err := syscall.Unlinkat(p.fd(), name); err != nil && err != syscall.ENOENT {
			return &os.PathError{Op: "remove", Path: name, Err: err}
		}
	}
	return nil
}

// create creates the unfinished file.
func (p *handoverDir) create() (*os.File, error) {
	const flags = syscall.O_WRONLY | syscall.O_CREAT | syscall.O_EXCL | syscall.O_NOFOLLOW | syscall.O_CLOEXEC
	return p.open(unfinished, flags)
}

// finish gives the unfinished file its final name.
func (p *handoverDir) finish() error {
	return os.NewSyscallError("rename", syscall.Renameat(p.fd(), unfinished, p.fd(), handedOver))
}

// take opens the file of a hand-over and removes it. It returns nil if there is
// none. It also removes a file that it rejects.
func (p *handoverDir) take() (*os.File, error) {
	// A pipe of that name must not block.
	const flags = syscall.O_RDONLY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK | syscall.O_CLOEXEC
	f, err := p.open(handedOver, flags)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, p.clear()
	}
	// If the file is gone by now, another process has taken it.
	if removeErr := syscall.Unlinkat(p.fd(), handedOver); removeErr != nil {
		err = errors.Join(err, &os.PathError{Op: "remove", Path: handedOver, Err: removeErr})
	}
	if err = errors.Join(err, p.clear()); err == nil {
		err = ours(f)
	}
	if err != nil && f != nil {
		f.Close()
		f = nil
	}
	return f, err
}

func (p *handoverDir) open(name string, flags int) (*os.File, error) {
	fd, err := syscall.Openat(p.fd(), name, flags, 0o600)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

// ours returns an error unless a file that was just removed was written by HandOver and
// has no other name.
func ours(f *os.File) error {
	var st syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &st); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	switch {
	case st.Mode&syscall.S_IFMT != syscall.S_IFREG:
		return errors.New("it is no regular file")
	case st.Uid != uint32(os.Geteuid()):
		return errors.New("its file belongs to another user")
	case st.Mode&0o077 != 0:
		return fmt.Errorf("its file is open to others (mode %#o)", st.Mode&0o7777)
	case st.Nlink != 0:
		return errors.New("its file has another name and is not removed by that")
	}
	return inMemory(f, os.DirFS("/"))
}

// inMemory returns an error unless data written to a file, or to files in a directory,
// stay in memory. root is the file system of the machine.
func inMemory(f *os.File, root fs.FS) error {
	var st syscall.Statfs_t
	if err := syscall.Fstatfs(int(f.Fd()), &st); err != nil {
		return fmt.Errorf("%w: %w", ErrNotInMemory, err)
	}
	switch uint32(st.Type) {
	case ramfs:
		return nil
	case tmpfs:
		if swapless(root, int(f.Fd())) {
			return nil
		}
		return checkSwaps(root)
	}
	return fmt.Errorf("%w: its file system (%#x) is neither tmpfs nor ramfs", ErrNotInMemory, uint32(st.Type))
}

// swapless reports whether an open file is on a tmpfs mounted with noswap.
func swapless(root fs.FS, fd int) bool {
	info, _ := fs.ReadFile(root, "proc/self/fdinfo/"+strconv.Itoa(fd))
	_, mount, _ := strings.Cut(string(info), "mnt_id:")
	mount, _, _ = strings.Cut(mount, "\n")
	mounts, _ := fs.ReadFile(root, "proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		id, _, _ := strings.Cut(line, " ")
		_, kind, _ := strings.Cut(line, " - ") // type, source, options
		f := strings.Fields(kind)
		if id == strings.TrimSpace(mount) && len(f) == 3 && f[0] == "tmpfs" {
			return strings.Contains(","+f[2]+",", ",noswap,")
		}
	}
	return false
}

// checkSwaps returns an error unless all swap in use is in memory.
func checkSwaps(root fs.FS) error {
	swaps, err := fs.ReadFile(root, "proc/swaps")
	if err != nil {
		return fmt.Errorf("%w: it is unknown whether there is swap: %w", ErrNotInMemory, err)
	}
	header, list, _ := bytes.Cut(swaps, []byte("\n"))
	if !bytes.HasPrefix(header, []byte("Filename")) {
		return fmt.Errorf("%w: it is unknown whether there is swap", ErrNotInMemory)
	}
	for line := range strings.Lines(string(list)) {
		if f := strings.Fields(line); len(f) > 0 && !isZRAM(root, f[0]) {
			return fmt.Errorf("%w: its pages may go to swap (%s)", ErrNotInMemory, f[0])
		}
	}
	return nil
}

// isZRAM reports whether a device is a zram that writes nothing back to a disk.
func isZRAM(root fs.FS, device string) bool {
	name, ok := strings.CutPrefix(device, "/dev/zram")
	if _, err := strconv.ParseUint(name, 10, 32); !ok || err != nil {
		return false
	}
	of := path.Join("sys/block", "zram"+name)
	if _, err := fs.Stat(root, of); err != nil {
		return false
	}
	backing, err := fs.ReadFile(root, path.Join(of, "backing_dev"))
	if errors.Is(err, fs.ErrNotExist) {
		return true // this kernel can't write back
	}
	return err == nil && strings.TrimSpace(string(backing)) == "none"
}
