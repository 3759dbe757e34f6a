package receipt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/fotspor/fotspor/internal/trusted"
)

// headsFile is the name of the file in the data directory that names the last receipts. It is
// outside of the store, so that it knows those that a restored store lacks.
const headsFile = "receipts.heads"

// maxHeads is how many receipts the file names.
const maxHeads = 1000

// Noted is a receipt as a data directory knows it.
type Noted struct {
	Head
	Deletion
}

// NoteHeads notes receipts in a data directory, which it makes if needed. It is called while no
// other process adds receipts.
func NoteHeads(dir string, some ...Noted) error {
	if err := noteHeads(dir, some); err != nil {
		return fmt.Errorf("note the last receipt: %w", err)
	}
	return nil
}

func noteHeads(dir string, some []Noted) error {
	dir, err := trusted.MakeDir(dir)
	if err != nil {
		return err
	}
	all, err := Heads(dir)
	if err != nil {
		return err
	}
	all = append(all, some...)
	var text bytes.Buffer
	for _, n := range all[max(0, len(all)-maxHeads):] {
		line, err := json.Marshal(n)
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "%s\n", line)
	}
	f, err := os.CreateTemp(dir, headsFile+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text.Bytes())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, headsFile))
}

// Heads returns the receipts that are noted in a data directory, the last one last.
func Heads(dir string) ([]Noted, error) {
	text, err := os.ReadFile(filepath.Join(dir, headsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the last receipts: %w", err)
	}
	var all []Noted
	for line := range bytes.Lines(text) {
		var n Noted
		if err := json.Unmarshal(line, &n); err != nil {
			return nil, fmt.Errorf("read the last receipts: %q in %q: %w", line, headsFile, err)
		}
		all = append(all, n)
	}
	return all, nil
}

// Lost returns those of some receipts that are not in a chain, and of which none of its receipts
// says already that they were lost. each calls its function with the receipts of the chain.
func Lost(known []Noted, each func(func(Receipt) error) error) ([]Noted, error) {
	all := map[Head]bool{}
	err := each(func(r Receipt) error {
		t, err := r.Read()
		if err != nil {
			return err
		}
		all[Head{t.Number, hash(r.Text)}] = true
		if t.Restored != nil {
			for _, h := range t.Restored.Lost {
				all[h] = true
			}
		}
		return nil
	})
	return slices.DeleteFunc(slices.Clone(known), func(n Noted) bool { return all[n.Head] }), err
}
