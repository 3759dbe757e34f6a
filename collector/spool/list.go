package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/fotspor/fotspor/hit"
)

// State says what a segment waits for.
type State string

// The states of a segment.
const (
	Filling  State = "open"      // for more rows, or for the next Open if its process died
	Sealed   State = "sealed"    // for the store
	SetAside State = "set aside" // for Retry or Drop
)

var states = map[string]State{openSuffix: Filling, sealedSuffix: Sealed, asideSuffix: SetAside}

// Info is what can be said of a segment. Nothing in it is of a row.
type Info struct {
	Token string
	State State
	Rows  int   // that can be read
	Bytes int64 // of the file
	Born  time.Time
	Err   error // why it can't be read, or not to its end; nil if it can
}

// List returns the segments of the spool in dir, oldest first. It may be called
// while another process has the spool open: a segment that is stored meanwhile is
// left out or not, and one that is filled may end in a write under way.
func List(dir string) ([]Info, error) { return list(disk{}, dir) }

func list(files fileSystem, dir string) ([]Info, error) {
	entries, err := files.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list spool: %w", err)
	}
	var infos []Info
	for _, e := range entries {
		token, suffix, born, ok := parseName(e.Name)
		if !ok {
			continue
		}
		info := Info{Token: token, State: states[suffix], Bytes: e.Size, Born: born}
		data, err := files.ReadFile(filepath.Join(dir, e.Name))
		if err == nil {
			var rows []hit.Row
			rows, _, err = decodeSegment(data)
			info.Rows = len(rows)
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		info.Err = err
		infos = append(infos, info)
	}
	return infos, nil
}

// Retry lets the store be asked again for a segment that is set aside. It may be
// called while another process has the spool in dir open, whose Drain finds the
// segment within a minute. Its token is the same: if the store has it after all,
// and still knows, it is not stored twice.
func Retry(dir, token string) error { return retry(disk{}, dir, token) }

func retry(files fileSystem, dir, token string) error {
	aside, err := asidePath(dir, token)
	if err == nil {
		err = files.Rename(aside, filepath.Join(dir, token+sealedSuffix))
	}
	if err != nil {
		return fmt.Errorf("retry segment: %w", err)
	}
	return nil
}

// Drop removes a segment that is set aside, whose rows are lost. It may be called
// while another process has the spool in dir open.
func Drop(dir, token string) error { return drop(disk{}, dir, token) }

func drop(files fileSystem, dir, token string) error {
	aside, err := asidePath(dir, token)
	if err == nil {
		err = files.Remove(aside)
	}
	if err != nil {
		return fmt.Errorf("drop segment: %w", err)
	}
	return nil
}

// asidePath returns the path of a segment if it is set aside.
func asidePath(dir, token string) (string, error) {
	name := token + asideSuffix
	if _, _, _, ok := parseName(name); !ok {
		return "", fmt.Errorf("%q is not the token of a segment", token)
	}
	return filepath.Join(dir, name), nil
}
