package spool

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// fileSystem is what a spool needs of the disk. Tests replace it to let each call fail.
type fileSystem interface {
	MkdirAll(dir string) error
	Lock(path string) (io.Closer, error)     // held until closed, or until the process dies
	ReadDir(dir string) ([]fileEntry, error) // sorted by name
	ReadFile(path string) ([]byte, error)
	Create(path string) (file, error) // fails if path exists
	Rename(from, to string) error
	Remove(path string) error
	SyncDir(dir string) error // syncs the names of the files in dir
}

// file is a segment that is being filled.
type file interface {
	WriteAt(p []byte, off int64) (int, error)
	Sync() error
	Truncate(size int64) error
	Close() error
}

// fileEntry is a file in a directory.
type fileEntry struct {
	Name string
	Size int64
}

// disk is the file system of the machine.
type disk struct{}

func (disk) MkdirAll(dir string) error            { return os.MkdirAll(dir, 0o700) }
func (disk) ReadFile(path string) ([]byte, error) { return os.ReadFile(path) }
func (disk) Rename(from, to string) error         { return os.Rename(from, to) }
func (disk) Remove(path string) error             { return os.Remove(path) }

func (disk) Create(path string) (file, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
}

func (disk) Lock(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%q is in use by another process", filepath.Dir(path))
	} else if err != nil {
		err = fmt.Errorf("lock %q: %w", path, err)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (disk) ReadDir(dir string) ([]fileEntry, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	files := make([]fileEntry, 0, len(entries))
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone, or renamed, since
		}
		if err != nil {
			return nil, err
		}
		files = append(files, fileEntry{e.Name(), info.Size()})
	}
	return files, nil
}

func (disk) SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// The name of a segment's file is the segment id, the number of rows if it is known, and
// one of these suffixes.
const (
	openSuffix        = ".open"        // being filled, or left open by a process that died
	sealedSuffix      = ".seg"         // waits for the store
	quarantinedSuffix = ".quarantined" // waits for a person
	damagedSuffix     = ".damaged"     // its readable rows are stored; kept for a person to look at
	nameTime          = "20060102T150405.000000Z"
)

// newID returns a segment id. Ids sort by time, and 130 random bits keep them different
// from those of other collectors.
func newID(now time.Time) string { return now.UTC().Format(nameTime) + "-" + rand.Text() }

// name is the parsed name of a segment's file.
type name struct {
	id     string
	rows   int // unknown for a segment that was left open
	suffix string
	born   time.Time
}

func (n name) String() string {
	if n.rows == unknown {
		return n.id + n.suffix
	}
	return n.id + "." + strconv.Itoa(n.rows) + n.suffix
}

// with returns the name in another state.
func (n name) with(suffix string) name {
	n.suffix = suffix
	return n
}

// parseName parses the name of a segment's file; ok is false for any other file.
func parseName(file string) (n name, ok bool) {
	n.rows, n.suffix = unknown, filepath.Ext(file)
	if _, ok := states[n.suffix]; !ok {
		return name{}, false
	}
	n.id = strings.TrimSuffix(file, n.suffix)
	at, random, _ := strings.Cut(n.id, "-")
	random, rows, counted := strings.Cut(random, ".")
	if counted {
		n.id = at + "-" + random
		var err error
		if n.rows, err = strconv.Atoi(rows); err != nil || n.rows < 0 || strconv.Itoa(n.rows) != rows {
			return name{}, false
		}
	}
	born, err := time.Parse(nameTime, at)
	n.born = born
	return n, err == nil && random != "" && !strings.ContainsAny(random, "/.")
}

// orFull makes an error of a full disk match ErrFull.
func orFull(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return diskFull{err}
	}
	return err
}

// diskFull is the error of a full disk. It matches ErrFull, although the limit of the
// spool may not be reached.
type diskFull struct{ err error }

func (e diskFull) Error() string { return "the disk is full: " + e.err.Error() }

func (e diskFull) Unwrap() []error { return []error{ErrFull, e.err} }
