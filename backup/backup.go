// Package backup writes, lists, verifies, reads and prunes backups. A backup is a folder with a
// manifest and one file, the contents: a tar archive with the tables of the store and the keys
// of the program, encrypted by age (age-encryption.org) if there are recipients. The package
// knows no store.
package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"filippo.io/age"
)

// Names of files and folders. The name of a backup has its time.
const (
	manifestFile = "manifest.json"
	contentsFile = "contents.tar"
	prefix       = "fotspor-"
	nameTime     = "20060102T150405.000Z"
	partial      = ".partial" // ends the name of a backup that is not finished, or is being deleted
)

// maxManifest bounds a manifest in bytes.
const maxManifest = 16 << 20

// ErrNone means that there is no backup in a directory.
var ErrNone = errors.New("there is no backup")

// Entry is a backup.
type Entry struct {
	Dir string
	Manifest
	// Err says why the manifest can't be read. The manifest then has the time of the name of
	// the folder, and nothing else.
	Err error
}

// Name returns the name of the folder of a backup.
func (e Entry) Name() string { return filepath.Base(e.Dir) }

// Source is a file or a folder to back up, with the name that it has in the contents. One that
// does not exist is left out.
type Source struct{ Name, Path string }

// Write writes a backup into a directory, which it makes for the user alone if needed. With
// recipients the contents are encrypted for them. A backup is there completely or not at all;
// what a process left that died meanwhile is removed by the next Write or Prune.
func Write(ctx context.Context, dir string, m Manifest, recipients []age.Recipient, sources []Source) (Entry, error) {
	e, err := write(ctx, dir, m, recipients, sources)
	if err != nil {
		return Entry{}, fmt.Errorf("write backup into %q: %w", dir, err)
	}
	return e, nil
}

func write(ctx context.Context, dir string, m Manifest, recipients []age.Recipient, sources []Source) (_ Entry, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Entry{}, err
	}
	if err := RemovePartial(dir); err != nil {
		return Entry{}, err
	}
	m.Format, m.Time, m.Encrypted, m.Contents = format, m.Time.UTC(), len(recipients) > 0, File{}
	final := filepath.Join(dir, prefix+m.Time.Format(nameTime))
	if _, err := os.Lstat(final); err == nil {
		return Entry{}, fmt.Errorf("%q is there already", final)
	}
	unfinished := final + partial
	if err := os.Mkdir(unfinished, 0o700); err != nil {
		return Entry{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(unfinished))
		}
	}()
	lock, err := os.Open(unfinished)
	if err != nil {
		return Entry{}, err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return Entry{}, err
	}
	name := contentsFile
	if m.Encrypted {
		name += ".age"
	}
	contents, err := writeContents(ctx, filepath.Join(unfinished, name), m, recipients, sources)
	if err != nil {
		return Entry{}, err
	}
	outside := m
	outside.Contents = contents
	if m.Encrypted {
		outside.Tables = nil
	}
	text, err := json.MarshalIndent(outside, "", "\t")
	if err == nil {
		err = writeFile(filepath.Join(unfinished, manifestFile), append(text, '\n'))
	}
	if err == nil {
		err = lock.Sync()
	}
	if err == nil {
		err = os.Rename(unfinished, final)
	}
	if err == nil {
		err = syncDir(dir)
	}
	return Entry{Dir: final, Manifest: outside}, err
}

// writeContents writes the contents of a backup.
func writeContents(ctx context.Context, path string, m Manifest, recipients []age.Recipient, sources []Source) (File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	counted := &counter{w: f, hash: sha256.New()}
	var to io.Writer = counted
	var encrypted io.WriteCloser
	if len(recipients) > 0 {
		if encrypted, err = age.Encrypt(counted, recipients...); err != nil {
			return File{}, err
		}
		to = encrypted
	}
	archive := tar.NewWriter(to)
	text, err := json.Marshal(m)
	if err == nil {
		err = archive.WriteHeader(header(manifestFile, int64(len(text))))
	}
	if err == nil {
		_, err = archive.Write(text)
	}
	for _, s := range sources {
		if err == nil {
			err = add(ctx, archive, s)
		}
	}
	if err == nil {
		err = archive.Close()
	}
	if err == nil && encrypted != nil {
		err = encrypted.Close()
	}
	if err == nil {
		err = f.Sync()
	}
	return File{filepath.Base(path), counted.n, hex.EncodeToString(counted.hash.Sum(nil))}, err
}

func header(name string, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600}
}

// add adds the files of a source to an archive.
func add(ctx context.Context, to *tar.Writer, s Source) error {
	if _, err := os.Lstat(s.Path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return filepath.WalkDir(s.Path, func(file string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || d.IsDir() {
			return err
		}
		if !d.Type().IsRegular() {
			return fmt.Errorf("%q is no file", file)
		}
		below, err := filepath.Rel(s.Path, file)
		if err != nil {
			return err
		}
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if err := to.WriteHeader(header(path.Join(s.Name, filepath.ToSlash(below)), info.Size())); err != nil {
			return err
		}
		_, err = io.Copy(to, &interruptible{ctx, f})
		return err
	})
}

// counter counts and hashes what is written.
type counter struct {
	w    io.Writer
	hash hash.Hash
	n    int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.hash.Write(p[:n])
	c.n += int64(n)
	return n, err
}

// interruptible is a reader that fails when its context ends.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (r *interruptible) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

func writeFile(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// RemovePartial removes what processes left in a directory that died while they wrote or
// deleted a backup, or that Scratch had made for them.
func RemovePartial(dir string) error {
	all, err := filepath.Glob(filepath.Join(escape.Replace(dir), prefix+"*"+partial))
	if err != nil {
		return err
	}
	for _, one := range all {
		f, err := os.Open(one)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			err = os.RemoveAll(one)
		case errors.Is(err, syscall.EWOULDBLOCK): // its process lives
			err = nil
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// escape escapes a path for a pattern.
var escape = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

// List returns the backups in a directory, the oldest first. The directory may be a backup
// itself. Its error wraps ErrNone if there is none.
func List(dir string) ([]Entry, error) {
	if _, err := os.Stat(filepath.Join(dir, manifestFile)); err == nil {
		return []Entry{read(dir)}, nil
	}
	found, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	var all []Entry
	for _, d := range found {
		if _, err := timeOf(d.Name()); err == nil && d.IsDir() {
			all = append(all, read(filepath.Join(dir, d.Name())))
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w in %q", ErrNone, dir)
	}
	slices.SortStableFunc(all, func(a, b Entry) int { return a.Time.Compare(b.Time) })
	return all, nil
}

// timeOf returns the time in the name of a backup.
func timeOf(name string) (time.Time, error) {
	text, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return time.Time{}, errors.New("not a backup")
	}
	return time.Parse(nameTime, text)
}

// read reads the manifest of a backup.
func read(dir string) Entry {
	e := Entry{Dir: dir}
	if err := e.readManifest(); err != nil {
		at, _ := timeOf(e.Name())
		e.Manifest, e.Err = Manifest{Time: at}, fmt.Errorf("backup %q: %w", dir, err)
	}
	return e
}

func (e *Entry) readManifest() error {
	f, err := os.Open(filepath.Join(e.Dir, manifestFile))
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &e.Manifest); err != nil {
		return fmt.Errorf("its manifest: %w", err)
	}
	if e.Format != format {
		return fmt.Errorf("its manifest is of format %d, and this program knows %d", e.Format, format)
	}
	if name := e.Contents.Name; !filepath.IsLocal(name) || name != filepath.Base(name) {
		return fmt.Errorf("its manifest names the contents %q", name)
	}
	return nil
}

// Verify reads all of a backup and returns an error unless it is what was written. Without
// identities an encrypted one is only compared with the checksum in its manifest.
func Verify(ctx context.Context, e Entry, identities []age.Identity) error {
	if e.Err == nil && e.Encrypted && len(identities) == 0 {
		f, err := e.open()
		if err != nil {
			return err
		}
		defer f.Close()
		return f.check(ctx)
	}
	_, err := Extract(ctx, e, identities, "")
	return err
}

// Extract writes the contents of a backup into a directory, which exists, and returns their
// manifest. With directory "" it writes nothing. Its error says if the backup is not what was
// written; files are there all the same then.
func Extract(ctx context.Context, e Entry, identities []age.Identity, into string) (Manifest, error) {
	f, err := e.open()
	if err != nil {
		return Manifest{}, err
	}
	defer f.Close()
	m, err := f.extract(ctx, identities, into)
	if err == nil || !errors.Is(err, errIdentity) {
		if damaged := f.check(ctx); damaged != nil { // says more than what came of it
			err = damaged
		}
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("backup %q: %w", e.Dir, err)
	}
	return m, nil
}

// contents are the opened contents of a backup.
type contents struct {
	*os.File
	of  Entry
	sum *counter
}

var (
	errIdentity = errors.New("it is encrypted, and none of the identities opens it")
	errDamaged  = errors.New("it is not what was written")
)

func (e Entry) open() (*contents, error) {
	if e.Err != nil {
		return nil, e.Err
	}
	f, err := os.Open(filepath.Join(e.Dir, e.Contents.Name))
	if err != nil {
		return nil, fmt.Errorf("backup %q: %w", e.Dir, err)
	}
	return &contents{f, e, &counter{w: io.Discard, hash: sha256.New()}}, nil
}

// check reads what is left of the contents, and returns an error if bytes or checksum differ
// from those of the manifest.
func (c *contents) check(ctx context.Context) error {
	if _, err := io.Copy(c.sum, &interruptible{ctx, c.File}); err != nil {
		return err
	}
	switch sum := hex.EncodeToString(c.sum.hash.Sum(nil)); {
	case c.sum.n != c.of.Contents.Bytes:
		return fmt.Errorf("%w: %s has %d bytes, and should have %d", errDamaged, c.of.Contents.Name, c.sum.n, c.of.Contents.Bytes)
	case sum != c.of.Contents.SHA256:
		return fmt.Errorf("%w: %s has another checksum", errDamaged, c.of.Contents.Name)
	}
	return nil
}

func (c *contents) extract(ctx context.Context, identities []age.Identity, into string) (Manifest, error) {
	var from io.Reader = io.TeeReader(&interruptible{ctx, c.File}, c.sum)
	if c.of.Encrypted {
		if len(identities) == 0 {
			return Manifest{}, fmt.Errorf("%w: name the file with yours by --identity", errIdentity)
		}
		decrypted, err := age.Decrypt(from, identities...)
		if _, none := errors.AsType[*age.NoIdentityMatchError](err); none {
			return Manifest{}, errIdentity
		}
		if err != nil {
			return Manifest{}, err
		}
		from = decrypted
	}
	var m Manifest
	archive := tar.NewReader(from)
	for n := 0; ; n++ {
		h, err := archive.Next()
		if err == io.EOF {
			if n == 0 {
				return Manifest{}, errors.New("it is empty")
			}
			// What follows the archive has to be authentic, too.
			_, err := io.Copy(io.Discard, from)
			return m, err
		}
		if err != nil {
			return Manifest{}, err
		}
		if n == 0 {
			err = m.within(c.of.Manifest, h, archive)
		} else {
			err = extractFile(h, archive, into)
		}
		if err != nil {
			return Manifest{}, err
		}
	}
}

// within reads the manifest in the contents of a backup with a manifest outside.
func (m *Manifest) within(outside Manifest, h *tar.Header, r io.Reader) error {
	if h.Name != manifestFile {
		return fmt.Errorf("its contents begin with %q", h.Name)
	}
	text, err := io.ReadAll(io.LimitReader(r, maxManifest))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, m); err != nil {
		return fmt.Errorf("the manifest in its contents: %w", err)
	}
	if m.Format != outside.Format || !m.Time.Equal(outside.Time) || m.Schema != outside.Schema || m.Policy != outside.Policy || m.Program != outside.Program {
		return errors.New("the manifest in its contents differs from the one outside")
	}
	return nil
}

func extractFile(h *tar.Header, r io.Reader, into string) error {
	if h.Typeflag != tar.TypeReg || !filepath.IsLocal(h.Name) {
		return fmt.Errorf("%q in its contents is no file below it", h.Name)
	}
	if into == "" {
		_, err := io.Copy(io.Discard, r)
		return err
	}
	file := filepath.Join(into, filepath.FromSlash(h.Name))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

// Prune deletes the backups in a directory from before a time, and what dead processes left
// there. It returns those that it deleted, also with an error.
func Prune(dir string, before time.Time) ([]Entry, error) {
	if err := RemovePartial(dir); err != nil {
		return nil, fmt.Errorf("prune backups: %w", err)
	}
	all, err := List(dir)
	if err != nil && !errors.Is(err, ErrNone) {
		return nil, err
	}
	var gone []Entry
	for _, e := range all {
		if !e.Time.Before(before) {
			continue
		}
		// Renamed first, so that half a backup is none.
		err := os.Rename(e.Dir, e.Dir+partial)
		if err == nil {
			err = os.RemoveAll(e.Dir + partial)
		}
		if err != nil {
			return gone, fmt.Errorf("prune backups: %w", err)
		}
		gone = append(gone, e)
	}
	return gone, nil
}

// Scratch makes a folder for one use in a directory, which it makes for the user alone if
// needed. remove removes it. If the process dies before, the next Write, Prune or Scratch in
// the directory does.
func Scratch(dir string) (path string, remove func() error, err error) {
	var lock *os.File
	if err = os.MkdirAll(dir, 0o700); err == nil {
		err = RemovePartial(dir)
	}
	if err == nil {
		path, err = os.MkdirTemp(dir, prefix+"*"+partial)
	}
	if err == nil {
		if lock, err = os.Open(path); err == nil {
			err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		}
	}
	if err != nil {
		return "", nil, fmt.Errorf("make a folder in %q: %w", dir, err)
	}
	return path, func() error { return errors.Join(os.RemoveAll(path), lock.Close()) }, nil
}
