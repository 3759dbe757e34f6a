package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/fotspor/fotspor/hit"
)

// Erased is what TakeOut found.
type Erased struct {
	Taken   int  // rows, ledger entries and titles that were taken out
	Waiting int  // of segments that a running collector has: they are stored within seconds
	Running bool // a collector has the spool
}

// TakeOut lets f take rows, or what is in them, out of the segments of the spool in dir, and
// return in how many it did. Where it did, a segment is written anew under its id, or removed if
// nothing is left. A damaged one is removed: its readable rows are stored. What a running
// collector waits to store is counted and stays; call TakeOut again, or look in the store. With
// look nothing is changed.
func TakeOut(dir string, look bool, f func(*hit.Batch) (int, error)) (Erased, error) {
	return takeOut(disk{}, dir, look, f)
}

func takeOut(files fileSystem, dir string, look bool, f func(*hit.Batch) (int, error)) (all Erased, err error) {
	entries, err := files.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil // no collector has run here
	}
	if err != nil {
		return all, fmt.Errorf("look into the spool: %w", err)
	}
	lock, lockErr := files.Lock(filepath.Join(dir, "lock")) // a collector has it
	all.Running = lockErr != nil
	if lockErr == nil {
		defer func() { err = errors.Join(err, lock.Close()) }()
	}
	for _, e := range entries {
		n, ok := parseName(e.Name)
		if !ok {
			continue
		}
		path := filepath.Join(dir, e.Name)
		data, err := files.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it is stored
		}
		if err != nil {
			return all, fmt.Errorf("read segment: %w", err)
		}
		var rows []hit.Row
		c := decodeSegment(data, n.id, n.rows, func(some []hit.Row) { rows = append(rows, some...) })
		c.batch.Rows = rows
		if errors.Is(c.err, errVersion) {
			continue
		}
		taken, err := f(&c.batch)
		if err != nil {
			return all, err
		}
		waits := n.suffix == openSuffix || n.suffix == sealedSuffix
		switch {
		case taken == 0:
			continue
		case waits && lockErr != nil:
			all.Waiting += taken
			continue
		}
		all.Taken += taken
		if look {
			continue
		}
		if n.suffix == damagedSuffix || c.batch.Len() == 0 {
			err = files.Remove(path)
		} else {
			err = rewrite(files, dir, n, c.batch)
		}
		if err != nil {
			return all, fmt.Errorf("segment %s: %w", n.id, err)
		}
	}
	if all.Taken > 0 && !look {
		if err := files.SyncDir(dir); err != nil {
			return all, fmt.Errorf("look into the spool: %w", err)
		}
	}
	return all, nil
}

// rewrite puts a segment with a batch in the place of the one with a name. It keeps the id: a
// store that has its rows after all stores them no second time.
func rewrite(files fileSystem, dir string, n name, batch hit.Batch) error {
	data := appendRecord(appendHeader(nil), batch)
	number(data[headerSize:], markOf(n.id), 0)
	next := n
	if next.rows = batch.Len(); n.suffix == openSuffix {
		next.suffix = sealedSuffix
	}
	temporary := filepath.Join(dir, n.id+".erasing")
	if err := files.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := files.Create(temporary)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(data, 0)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, files.Remove(temporary))
	}
	if err := files.Rename(temporary, filepath.Join(dir, next.String())); err != nil {
		return err
	}
	if next == n {
		return nil
	}
	return files.Remove(filepath.Join(dir, n.String()))
}
