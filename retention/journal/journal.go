// Package journal notes, outside of the store, which stored values were erased from it, so
// that a backup from before can be restored without them. It holds neither values nor what
// they were chosen by, but keyed hashes of whole stored values.
package journal

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/fotspor/fotspor/internal/trusted"
)

// Names of the files in the data directory. Both have mode 0600.
const (
	File    = "erasures.journal"
	KeyFile = "erasures.key"
)

// Erased is what an erasure took out of the store: the value of a column, or all rows.
type Erased struct {
	Site uint32
	// Column is that of table hits, whichever table the value stood in, or title. Of a network,
	// all rows with it were deleted. "": all rows were.
	Column string
	Value  string
	// Part: of a path the first segment stayed.
	Part bool
	// From and To bound the times of the rows, or the days in the zone of the site, of which it
	// was. To is not included, and at most the end of the day on which it was made.
	From, To time.Time
}

// line is a line of the file behind the first. Those of one erasure have one time.
type line struct {
	At     time.Time `json:"at"`
	Site   uint32    `json:"site"`
	Column string    `json:"column"`
	Part   bool      `json:"part,omitempty"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Hash   string    `json:"hash"` // HMAC-SHA256 of site, column and value, in hex
}

// head is the first line of the file.
type head struct {
	Version int       `json:"journal"`
	Since   time.Time `json:"since"` // erasures from before are not in it
}

const version = 1

// Slack is by how much the note of an erasure may be older than a backup that lacks it: it is made
// before the erasure has waited for the backup.
const Slack = 2 * time.Hour

// ErrNone means that there is no journal in the directory.
var ErrNone = errors.New("there is no journal of erasures")

// Journal is a journal to write to. Its methods may be called by several goroutines and
// processes at once.
type Journal struct {
	path string
	key  []byte
}

// Open opens the journal in a data directory. If there is none, it makes one that begins
// now, with a key, and the directory.
func Open(dir string, now time.Time) (*Journal, error) {
	dir, err := trusted.MakeDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open journal of erasures: %w", err)
	}
	j := &Journal{path: filepath.Join(dir, File)}
	if j.key, err = makeKey(filepath.Join(dir, KeyFile)); err != nil {
		return nil, fmt.Errorf("open journal of erasures: %w", err)
	}
	err = j.locked(func(f *os.File) error {
		info, err := f.Stat()
		if err != nil || info.Size() > 0 {
			return err
		}
		return write(f, head{version, now.UTC()})
	})
	if err != nil {
		return nil, fmt.Errorf("open journal of erasures: %w", err)
	}
	return j, nil
}

// makeKey reads the key, or makes one. Of two processes at once both get the key of one.
func makeKey(path string) ([]byte, error) {
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key = make([]byte, sha256.Size)
	rand.Read(key) // never fails
	f, err := os.CreateTemp(filepath.Dir(path), KeyFile+".*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintf(f, "%x\n", key)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		return readKey(path)
	} else if err != nil {
		return nil, err
	}
	return key, nil
}

func readKey(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(string(bytes.TrimSpace(data)))
	if err != nil || len(key) != sha256.Size {
		return nil, fmt.Errorf("%q holds no key of %d hexadecimal digits", path, 2*sha256.Size)
	}
	return key, nil
}

// locked runs f with the file, which no other process changes meanwhile.
func (j *Journal) locked(f func(*os.File) error) error {
	for {
		file, err := os.OpenFile(j.path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
			return errors.Join(err, file.Close())
		}
		// Prune may have put another file in its place meanwhile.
		mine, err := file.Stat()
		if err == nil {
			var there fs.FileInfo
			if there, err = os.Stat(j.path); err == nil && !os.SameFile(mine, there) {
				file.Close()
				continue
			}
		}
		if err == nil {
			err = f(file)
		}
		return errors.Join(err, file.Close())
	}
}

// write writes lines at the end of the file, and to the disk.
func write(f *os.File, lines ...any) error {
	var b bytes.Buffer
	for _, one := range lines {
		text, err := json.Marshal(one)
		if err != nil {
			return err
		}
		b.Write(append(text, '\n'))
	}
	if _, err := f.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	if _, err := f.Write(b.Bytes()); err != nil {
		return err
	}
	return f.Sync()
}

// Add notes what an erasure is about to take out. Once it has returned, the notes are on the disk. If
// the erasure fails afterwards, a restored backup lacks what was asked to be erased.
func (j *Journal) Add(at time.Time, all []Erased) error {
	if len(all) == 0 {
		return nil
	}
	lines := make([]any, len(all))
	for i, e := range all {
		lines[i] = line{at.UTC(), e.Site, e.Column, e.Part, e.From.UTC(), e.To.UTC(), hash(j.key, e.Site, e.Column, e.Value)}
	}
	err := j.locked(func(f *os.File) error {
		// What a process that died left unfinished had not been erased.
		if err := cutTail(f); err != nil {
			return err
		}
		return write(f, lines...)
	})
	if err != nil {
		return fmt.Errorf("note %d erased values: %w", len(all), err)
	}
	return nil
}

// cutTail cuts the file behind its last whole line.
func cutTail(f *os.File) error {
	data, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	whole := bytes.LastIndexByte(data, '\n') + 1
	if whole == len(data) {
		return nil
	}
	return f.Truncate(int64(whole))
}

// Prune forgets the erasures of the journal in a data directory from before a time, if there is
// one: no backup is older.
func Prune(dir string, before time.Time) error {
	j := &Journal{path: filepath.Join(dir, File)}
	if _, err := os.Stat(j.path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	err := j.locked(func(f *os.File) error {
		first, all, err := read(f)
		if err != nil || !first.Since.Before(before) {
			return err
		}
		lines := []any{head{version, before.UTC()}}
		for _, one := range all {
			if !one.At.Before(before) {
				lines = append(lines, one)
			}
		}
		next, err := os.CreateTemp(filepath.Dir(j.path), File+".*")
		if err != nil {
			return err
		}
		defer os.Remove(next.Name())
		if err := errors.Join(write(next, lines...), next.Close()); err != nil {
			return err
		}
		return os.Rename(next.Name(), j.path)
	})
	if err != nil {
		return fmt.Errorf("prune journal of erasures: %w", err)
	}
	return nil
}

// Log is what a journal says of the erasures since a time.
type Log struct {
	// Since is when the journal begins: it does not know what was erased before.
	Since time.Time
	// Erasures are in the order in which they were made. A later one may have taken out what an
	// earlier one had left in the place of something.
	Erasures []Erasure
}

// Erasure is what one erasure took out. It is safe for concurrent use.
type Erasure struct {
	From, To time.Time // as of Erased

	key  []byte
	took map[string]bool // by hash: only in part
	rows []uint32
	of   string // the column of the first line
}

// Read reads the journal in a data directory, without what was erased before a time: that
// of the backup. Its error wraps ErrNone if there is no journal.
func Read(dir string, after time.Time) (*Log, error) {
	f, err := os.Open(filepath.Join(dir, File))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w in %q", ErrNone, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("read journal of erasures: %w", err)
	}
	defer f.Close()
	key, err := readKey(filepath.Join(dir, KeyFile))
	if err != nil {
		return nil, fmt.Errorf("read journal of erasures: %w", err)
	}
	first, all, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("read journal of erasures: %w", err)
	}
	l := &Log{Since: first.Since}
	var last line
	for _, one := range all {
		if one.At.Before(after) {
			continue
		}
		if !one.At.Equal(last.At) || !one.From.Equal(last.From) || !one.To.Equal(last.To) {
			l.Erasures = append(l.Erasures, Erasure{From: one.From, To: one.To, key: key, took: map[string]bool{}, of: one.Column})
		}
		last = one
		e := &l.Erasures[len(l.Erasures)-1]
		if one.Column == "" {
			e.rows = append(e.rows, one.Site)
		} else {
			e.took[one.Hash] = one.Part
		}
	}
	return l, nil
}

// read reads all whole lines of a file.
func read(f *os.File) (head, []line, error) {
	r := bufio.NewReader(f)
	var first head
	var all []line
	for n := 1; ; n++ {
		text, err := r.ReadBytes('\n')
		if err == io.EOF { // and what is there of a line is unfinished
			if n == 1 {
				return head{}, nil, errors.New("it is empty")
			}
			return first, all, nil
		}
		if err != nil {
			return head{}, nil, err
		}
		if n == 1 {
			if err := json.Unmarshal(text, &first); err != nil || first.Version != version {
				return head{}, nil, fmt.Errorf("line 1: want a journal of version %d", version)
			}
			continue
		}
		var one line
		if err := json.Unmarshal(text, &one); err != nil {
			return head{}, nil, fmt.Errorf("line %d: %w", n, err)
		}
		all = append(all, one)
	}
}

// Took reports whether the erasure took out a value of a column of a site, and if so whether of a
// path the first segment stayed.
func (e Erasure) Took(site uint32, column, value string) (part, took bool) {
	if len(e.took) == 0 {
		return false, false
	}
	part, took = e.took[hash(e.key, site, column, value)]
	return part, took
}

// OfNetworks reports whether rows were deleted by their network.
func (e Erasure) OfNetworks() bool { return e.of == "network" }

// Sites returns the sites of which all rows between the times were deleted.
func (e Erasure) Sites() []uint32 { return slices.Clone(e.rows) }

// hash returns the keyed hash of a value, which is another one in each site and column.
func hash(key []byte, site uint32, column, value string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(binary.BigEndian.AppendUint32(nil, site))
	mac.Write(append([]byte(column), 0))
	mac.Write([]byte(value))
	return hex.EncodeToString(mac.Sum(nil))
}
