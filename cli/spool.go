package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/embedded"
)

// The commands on the spool work on its files, while a collector runs or not.

func (c *call) spoolDir() string { return filepath.Join(c.opts.Data, "spool") }

// takeSpool prepares this process to use the data directory. It returns an error if there is
// no spool in it: another directory is probably meant.
func (c *call) takeSpool() error {
	if err := takeData(c.opts.Data, false); err != nil {
		return err
	}
	_, err := os.Stat(c.spoolDir())
	if errors.Is(err, fs.ErrNotExist) && !embedded.Exists(c.opts.Data) {
		return fmt.Errorf("there is no spool in %q (if that is where it should be: fotspor serve or fotspor collector makes one)", store.Config{Dir: c.opts.Data}.Place())
	}
	return nil
}

func listSpool(_ context.Context, c *call) error {
	if err := c.takeSpool(); err != nil {
		return err
	}
	segments, err := spool.List(c.spoolDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // no collector has run yet
		return err
	}
	fmt.Fprintf(c.Stderr, "spool: %s\n", filepath.Join(store.Config{Dir: c.opts.Data}.Place(), "spool"))
	l := c.list("segment", "state", "rows", "bytes", "born", "note")
	for _, s := range segments {
		note := ""
		if s.Err != nil {
			note = s.Err.Error()
		}
		if s.Lost > 0 {
			note = fmt.Sprintf("%s: %d rows or more are lost", note, s.Lost)
		}
		if err := l.add(s.ID, s.State, s.Rows, s.Bytes, s.Born, note); err != nil {
			return err
		}
	}
	return l.flush()
}

func retrySpool(_ context.Context, c *call) error {
	if err := c.takeSpool(); err != nil {
		return err
	}
	return spool.Retry(c.spoolDir(), c.words[0])
}

func dropSpool(_ context.Context, c *call) error {
	if err := c.takeSpool(); err != nil {
		return err
	}
	return spool.Drop(c.spoolDir(), c.words[0])
}
