package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/fotspor/fotspor/backup"
	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/store"
)

// move copies the store of the embedded engine to a server. What waits in the spool is stored
// before, since only the old store knows which segments it has.
func move(ctx context.Context, c *call) error {
	return c.withStore(ctx, func(st *store.Store) error {
		nameStore(c.Stdout, st)
		if err := c.drainSpool(ctx, st); err != nil {
			return err
		}
		before, err := st.Figures(ctx, nil)
		if err != nil {
			return err
		}
		if err := c.toServer(ctx, st, c.moveTo); err != nil {
			return err
		}
		for _, t := range before {
			fmt.Fprintf(c.Stdout, "%s: %d rows\n", t.Name, t.Rows())
		}
		_, err = fmt.Fprintf(c.Stdout, "moved to %s: every table holds what it held\nset store to that address, and start the program. Then remove the folder clickhouse of the data directory: nothing deletes its rows any more\n",
			store.Config{DSN: c.moveTo}.Place())
		return err
	})
}

// drainSpool stores what waits in the spool of the data directory. It returns an error if a
// collector runs on it.
func (c *call) drainSpool(ctx context.Context, st *store.Store) (err error) {
	if _, err := os.Stat(c.spoolDir()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	sp, err := spool.Open(c.spoolDir(), spool.Options{Logger: c.component("spool"), Now: c.opts.Now})
	if err != nil {
		return fmt.Errorf("%w: stop the program first, or its next hits would go to the old store", err)
	}
	defer func() { err = errors.Join(err, sp.Close()) }()
	return sp.Flush(ctx, func() spool.Insertion { return insertion{st.Begin()} })
}

// insertion is an insertion of a segment of the spool.
type insertion struct{ *store.Insertion }

func (in insertion) Insert(ctx context.Context, b hit.Batch, token string) error {
	err := in.Insertion.Insert(ctx, b, token)
	if errors.Is(err, store.ErrRefused) {
		err = fmt.Errorf("%w: %w", spool.ErrRefused, err)
	}
	return err
}

// checkUpgrade restores a backup into its own folder, brings it to the schema of this
// program, and says whether every table still holds what it held.
func checkUpgrade(ctx context.Context, c *call) (err error) {
	dir := c.backups
	if dir == "" {
		if err := takeData(c.opts.Data, false); err != nil {
			return err
		}
		var remove func() error
		if dir, remove, err = backup.Scratch(c.opts.Data); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, remove()) }()
		err = c.withUnprepared(ctx, func(st *store.Store) error {
			_, err := c.backUp(ctx, st, dir)
			return err
		})
		if err != nil {
			return err
		}
	}
	e, identities, err := c.chosenBackup(dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Stdout, "backup: of %s, made by version %s, with schema %d; this program has %d\n", e.Time.Format("2006-01-02T15:04:05Z07:00"), e.Program, e.Schema, store.SchemaVersion())
	if err := takeData(c.opts.Data, true); err != nil {
		return err
	}
	err = c.withScratch(ctx, c.opts.Data, 0, func(folder string, st *store.Store) error {
		m, err := c.restoreInto(ctx, st, folder, e, identities)
		if err == nil {
			err = st.Fill(ctx)
		}
		if err == nil {
			fmt.Fprintf(c.Stdout, "compared %d rows of %d tables\n", m.Rows(), len(m.Tables))
		}
		return err
	})
	if differ, ok := errors.AsType[differences](err); ok {
		for _, d := range differ {
			fmt.Fprintf(c.Stdout, "  %s\n", d)
		}
		fmt.Fprintln(c.Stdout, "no: do not upgrade")
		return errors.New("not every table holds what it held")
	}
	if err != nil {
		return fmt.Errorf("no: %w", err)
	}
	_, err = fmt.Fprintln(c.Stdout, "yes: the schema follows, and every table holds what it held")
	return err
}
