package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/backup"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/retention/receipt"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/embedded"
)

// Folders in the contents of a backup.
const (
	storeFolder = "store"
	keysFolder  = "keys"
)

// keyFiles are the files of the data directory that are backed up.
func (c *call) keyFiles() []string {
	return []string{filepath.Join(c.opts.Data, receipt.KeyFile), embedded.PasswordPath(c.opts.Data)}
}

// recipients are the public keys for which backups are encrypted.
type recipients []age.Recipient

// String returns nothing: a default has none.
func (recipients) String() string { return "" }

func readRecipients(s string) (recipients, error) {
	if filepath.IsAbs(s) {
		text, err := os.ReadFile(s)
		if err != nil {
			return nil, err
		}
		s = string(text)
	}
	all, err := age.ParseRecipients(strings.NewReader(strings.ReplaceAll(s, ",", "\n")))
	if err != nil {
		return nil, errors.New("want public keys of age, such as age1…, separated by commas, or a file of them")
	}
	return all, nil
}

// identities reads the file of --identity, if it is given.
func (c *call) identities() ([]age.Identity, error) {
	if c.identity == "" {
		return nil, nil
	}
	f, err := os.Open(c.identity)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	defer f.Close()
	all, err := age.ParseIdentities(f)
	if err != nil {
		return nil, fmt.Errorf("identity %q: %w", c.identity, err)
	}
	return all, nil
}

func makeBackup(ctx context.Context, c *call) error {
	dir, err := filepath.Abs(c.words[0])
	if err != nil {
		return err
	}
	return c.withUnprepared(ctx, func(st *store.Store) error {
		// A store of an older version can be backed up as well, and has no notes.
		older := st.Prepare(ctx)
		if older != nil && !errors.Is(older, store.ErrOlder) {
			return older
		}
		policy, err := st.Policy(ctx)
		switch {
		case errors.Is(err, privacy.ErrNoPolicy):
			policy = privacy.Default()
		case err != nil:
			return err
		case policy.Backups == (privacy.Period{}):
			return errors.New("the policy says that there are no backups: fotspor policy set backups=30d allows them, and the public statement then says how long they live")
		}
		e, err := c.backUp(ctx, st, dir)
		if err != nil {
			return err
		}
		nameStore(c.Stderr, st)
		_, err = fmt.Fprintf(c.Stdout, "%s\n", e.Dir)
		fmt.Fprintf(c.Stderr, "it is whole, and may live for %s by the policy: fotspor backup prune %s\n", policy.Backups, c.words[0])
		if older != nil {
			return err
		}
		return errors.Join(err, noteBackups(ctx, st, dir, audit.BackedUp, e.Name()))
	})
}

// noteBackups notes in the store which backups a directory has.
func noteBackups(ctx context.Context, st *store.Store, dir string, what audit.Action, about string) error {
	all, err := backup.List(dir)
	if err != nil && !errors.Is(err, backup.ErrNone) {
		return err
	}
	var now store.Backups
	if len(all) > 0 {
		now = store.Backups{Oldest: all[0].Time, Newest: all[len(all)-1].Time}
	}
	return st.NoteBackups(ctx, dir, now, what, about)
}

// backUp writes a backup of a store into a directory, and verifies it. A server's tables are
// copied into an embedded engine first.
func (c *call) backUp(ctx context.Context, st *store.Store, dir string) (backup.Entry, error) {
	var e backup.Entry
	write := func(folder string, m backup.Manifest) (err error) {
		sources := []backup.Source{{Name: storeFolder, Path: folder}}
		for _, file := range c.keyFiles() {
			sources = append(sources, backup.Source{Name: keysFolder + "/" + filepath.Base(file), Path: file})
		}
		if e, err = backup.Write(ctx, dir, m, c.recipients, sources); err == nil {
			err = backup.Verify(ctx, e, nil)
		}
		return err
	}
	if c.opts.Store == "" {
		return e, st.Backup(ctx, c.opts.Now, write)
	}
	had, err := st.Schema(ctx)
	if err != nil {
		return e, err
	}
	err = c.withScratch(ctx, dir, had, func(_ string, local *store.Store) error {
		if err := local.Prepare(ctx); err != nil {
			return err
		}
		var at time.Time
		err := st.Still(ctx, func(ctx context.Context) error {
			at = c.opts.Now()
			return st.CopyTo(ctx, local)
		})
		if err != nil {
			return err
		}
		return local.Backup(ctx, func() time.Time { return at }, write)
	})
	return e, err
}

// withScratch runs f with a new store on an embedded engine in its own folder below dir,
// and removes the folder. The store is not prepared, and will have the migrations up to a number, or
// all if that is 0.
func (c *call) withScratch(ctx context.Context, dir string, schema int, f func(folder string, st *store.Store) error) (err error) {
	folder, remove, err := backup.Scratch(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	cfg := c.opts.StoreConfig()
	cfg.DSN, cfg.Dir, cfg.Create, cfg.Lazy, cfg.Schema = "", folder, true, true, schema
	st, err := store.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	return f(folder, st)
}

func listBackups(_ context.Context, c *call) error {
	all, err := backup.List(c.words[0])
	if err != nil {
		return err
	}
	l := c.list("backup", "time", "program", "schema", "policy", "encrypted", "bytes", "rows", "note")
	for _, e := range all {
		rows, note := "", ""
		if e.Tables != nil {
			rows = fmt.Sprint(e.Rows())
		}
		if e.Err != nil {
			note = e.Err.Error()
		}
		if err := l.add(e.Name(), e.Time, e.Program, e.Schema, e.Manifest.Policy, e.Encrypted, e.Contents.Bytes, rows, note); err != nil {
			return err
		}
	}
	return l.flush()
}

func verifyBackups(ctx context.Context, c *call) error {
	identities, err := c.identities()
	if err != nil {
		return err
	}
	all, err := backup.List(c.words[0])
	if err != nil {
		return err
	}
	bad := 0
	for _, e := range all {
		err := backup.Verify(ctx, e, identities)
		switch {
		case err != nil:
			bad++
			fmt.Fprintf(c.Stdout, "%s: %v\n", e.Name(), err)
		case e.Encrypted && identities == nil:
			fmt.Fprintf(c.Stdout, "%s: has its checksum; --identity reads it too\n", e.Name())
		default:
			fmt.Fprintf(c.Stdout, "%s: whole\n", e.Name())
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d backups are not whole", bad, len(all))
	}
	return nil
}

// pruneBackups deletes the backups that are older than the policy or --older-than allows.
func pruneBackups(ctx context.Context, c *call) error {
	dir, err := filepath.Abs(c.words[0])
	if err != nil {
		return err
	}
	return c.withStore(ctx, func(st *store.Store) error {
		policy, err := st.Policy(ctx)
		if err != nil {
			return err
		}
		now := c.opts.Now()
		none := policy.Backups == privacy.Period{}
		before := now
		if none {
			fmt.Fprintln(c.Stdout, "policy: there are no backups")
		} else {
			fmt.Fprintf(c.Stdout, "policy: backups live for %s\n", policy.Backups)
			before = policy.Backups.Cutoff(now)
		}
		if c.olderThan != (privacy.Period{}) {
			if own := c.olderThan.Cutoff(now); own.After(before) {
				before = own
			}
		}
		all, err := backup.List(dir)
		if err != nil && !errors.Is(err, backup.ErrNone) {
			return err
		}
		// By a clock that is far ahead all are too old, the newest one too.
		if n := len(all); !none && n > 0 && all[n-1].Time.Before(before) {
			if verdict := c.opts.NewClock(st, c.component("clock"), nil).Judge(ctx, now); !verdict.Trusted {
				return fmt.Errorf("all backups are from before %s, and the clock is not trusted: %s; if it is right, run fotspor retention run --confirm first, or make a backup", before.UTC().Format(time.RFC3339), verdict.Why)
			}
		}
		gone, err := backup.Prune(dir, before)
		for _, e := range gone {
			fmt.Fprintf(c.Stdout, "deleted %s\n", e.Name())
		}
		fmt.Fprintf(c.Stdout, "deleted %d backups from before %s, %d are left\n", len(gone), before.UTC().Format(time.RFC3339), len(all)-len(gone))
		return errors.Join(err, noteBackups(ctx, st, dir, audit.BackupsDeleted, fmt.Sprint(len(gone))))
	})
}

// olderThan is a period without a default.
type olderThan struct{ value[privacy.Period] }

func (v olderThan) String() string {
	if v.to == nil || *v.to == (privacy.Period{}) {
		return ""
	}
	return v.value.String()
}
