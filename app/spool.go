package app

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/fotspor/fotspor/collector/spool"
)

// The commands on the spool work on its files, beside a collector that runs.

func (c *call) spoolDir() string { return filepath.Join(c.opts.Data, "spool") }

func (c *call) parseForSpool(names ...string) ([]string, error) {
	words, err := c.parseForStore(names...)
	if err != nil {
		return nil, err
	}
	return words, takeData(c.opts.Data, false)
}

func listSpool(_ context.Context, c *call) error {
	if _, err := c.parseForSpool(); err != nil {
		return err
	}
	segments, err := spool.List(c.spoolDir())
	if err != nil {
		return err
	}
	for _, s := range segments {
		note := ""
		if s.Err != nil {
			note = s.Err.Error()
		}
		if s.Lost > 0 {
			note = fmt.Sprintf("%s: %d rows or more are lost", note, s.Lost)
		}
		fmt.Fprintf(c.Stdout, "%s\t%s\t%d\t%d\t%s\t%s\n", s.Token, s.State, s.Rows, s.Bytes, s.Born.UTC().Format(time.RFC3339), note)
	}
	return nil
}

func retrySpool(_ context.Context, c *call) error {
	words, err := c.parseForSpool("SEGMENT")
	if err != nil {
		return err
	}
	return spool.Retry(c.spoolDir(), words[0])
}

func dropSpool(_ context.Context, c *call) error {
	words, err := c.parseForSpool("SEGMENT")
	if err != nil {
		return err
	}
	return spool.Drop(c.spoolDir(), words[0])
}
