package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"filippo.io/age"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/backup"
	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/retention"
	"github.com/fotspor/fotspor/retention/journal"
	"github.com/fotspor/fotspor/retention/receipt"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/embedded"
)

// restore makes a store from a backup. All is done in its own folder, and what is past its
// time or was erased since is deleted there, so that nobody ever sees a store with it.
func restore(ctx context.Context, c *call) error {
	e, identities, err := c.chosenBackup(c.words[0])
	if err != nil {
		return err
	}
	if err := takeData(c.opts.Data, true); err != nil {
		return err
	}
	if err := c.checkNoStore(ctx); err != nil {
		return err
	}
	fmt.Fprintf(c.Stdout, "backup: %s of %s\n", e.Dir, e.Time.Format(time.RFC3339))
	quarantined, err := spool.Quarantine(c.spoolDir(), e.Time)
	if err != nil {
		return err
	}
	err = c.withScratch(ctx, c.opts.Data, 0, func(folder string, st *store.Store) error {
		if _, err := c.restoreInto(ctx, st, folder, e, identities); err != nil {
			return err
		}
		if err := c.restoreKeys(filepath.Join(folder, "backups", keysFolder)); err != nil {
			return err
		}
		// Receipts count as made when others can see the store.
		var heads []receipt.Noted
		c.opts.NoteHead = func(n receipt.Noted) error {
			heads = append(heads, n)
			return nil
		}
		if err := c.forget(ctx, st, e.Time); err != nil {
			return err
		}
		if err := c.sayOld(ctx, st, e.Time); err != nil {
			return err
		}
		if err := st.NoteBackups(ctx, filepath.Dir(e.Dir), store.Backups{Oldest: e.Time, Newest: e.Time}, audit.Restored, e.Name()); err != nil {
			return err
		}
		if err := receipt.NoteHeads(c.opts.Data, heads...); err != nil {
			return err
		}
		if c.opts.Store != "" {
			return c.toServer(ctx, st, c.opts.Store)
		}
		if err := st.Close(); err != nil {
			return err
		}
		syscall.Sync()
		return os.Rename(embedded.TablesDir(folder), embedded.TablesDir(c.opts.Data))
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Stdout, "store: %s\n", c.opts.StoreConfig().Place())
	if quarantined > 0 {
		fmt.Fprintf(c.Stdout, "spool: %d segments began before the backup was made, and may be in it. They are quarantined: see fotspor spool list\n", quarantined)
	}
	_, err = fmt.Fprintln(c.Stdout, "restored: every table holds what it held, but for what is said above")
	return err
}

// chosenBackup returns the newest backup in a directory, or the one that the directory is, and
// the identities that open it.
func (c *call) chosenBackup(dir string) (backup.Entry, []age.Identity, error) {
	identities, err := c.identities()
	if err != nil {
		return backup.Entry{}, nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return backup.Entry{}, nil, err
	}
	all, err := backup.List(dir)
	if err != nil {
		return backup.Entry{}, nil, err
	}
	e := all[len(all)-1]
	switch {
	case e.Err != nil:
		return e, nil, e.Err
	case e.Schema > store.SchemaVersion():
		return e, nil, fmt.Errorf("backup %q: %w: it has had migration %d, and this program knows %d: restore it by version %s or a newer one", e.Dir, store.ErrNewer, e.Schema, store.SchemaVersion(), e.Program)
	case e.Encrypted && identities == nil:
		return e, nil, fmt.Errorf("backup %q is encrypted: name the file with the secret key by --identity", e.Dir)
	}
	return e, identities, nil
}

// checkNoStore returns an error if there is a store with anything in it, or one that another
// process uses. It removes an empty store of the embedded engine.
func (c *call) checkNoStore(ctx context.Context) error {
	cfg := c.opts.StoreConfig()
	st, err := store.Open(ctx, cfg)
	if errors.Is(err, store.ErrNoStore) || errors.Is(err, store.ErrUnfinished) {
		return nil // an unfinished copy is begun anew
	}
	taken := fmt.Errorf("there is a store in %q: restore makes a new one; move that one away, or name another place", cfg.Place())
	if errors.Is(err, store.ErrOlder) || errors.Is(err, store.ErrNewer) || errors.Is(err, store.ErrForeign) {
		return taken
	}
	if err != nil {
		return err
	}
	empty, err := st.Empty(ctx)
	if err == nil && !empty {
		err = taken
	}
	if err == nil && cfg.DSN == "" && st.Engine() == nil {
		err = fmt.Errorf("a process uses the data directory %q: stop it first", cfg.Place())
	}
	if err = errors.Join(err, st.Close()); err != nil || cfg.DSN != "" {
		return err
	}
	return os.RemoveAll(embedded.TablesDir(cfg.Dir))
}

// restoreInto makes a store in a scratch folder from a backup, brings it up to date, and
// compares what it holds with what it held.
func (c *call) restoreInto(ctx context.Context, st *store.Store, folder string, e backup.Entry, identities []age.Identity) (backup.Manifest, error) {
	m, err := backup.Extract(ctx, e, identities, filepath.Join(folder, "backups"))
	if err != nil {
		return m, err
	}
	if err := st.Restore(ctx, storeFolder); err != nil {
		return m, err
	}
	if err := os.RemoveAll(filepath.Join(folder, "backups", storeFolder)); err != nil {
		return m, err
	}
	after, err := st.Figures(ctx, m.Tables)
	if err != nil {
		return m, err
	}
	if differ := backup.Compare(m.Tables, after); len(differ) > 0 {
		return m, differences(differ)
	}
	return m, nil
}

// differences is the error that tables do not hold what they held.
type differences []string

func (d differences) Error() string { return "not all is as it was: " + strings.Join(d, "; ") }

// restoreKeys copies the keys that the data directory lacks.
func (c *call) restoreKeys(from string) error {
	for _, to := range c.keyFiles() {
		data, err := os.ReadFile(filepath.Join(from, filepath.Base(to)))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("restore keys: %w", err)
		}
		f, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*") // mode 0600
		if err == nil {
			_, err = f.Write(data)
			if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
				err = os.Link(f.Name(), to)
			}
			defer os.Remove(f.Name())
		}
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("restore keys: %w", err)
		}
		fmt.Fprintf(c.Stdout, "key: %s\n", filepath.Base(to))
	}
	return nil
}

// forget deletes from a store that was restored what is past its time.
func (c *call) forget(ctx context.Context, st *store.Store, of time.Time) error {
	if err := c.adoptPolicy(ctx, st); err != nil {
		return err
	}
	if err := c.adoptSites(ctx, st, of); err != nil {
		return err
	}
	lost, err := c.receiptOfRestore(ctx, st, of)
	if err != nil {
		return err
	}
	worker, clock := c.retentionWorker(st)
	now := c.opts.Now()
	pass := worker.Pass
	if !c.confirmed.IsZero() {
		pass = func(ctx context.Context, at time.Time) (retention.Report, error) {
			return worker.Confirmed(ctx, at, c.confirmed)
		}
	}
	report, err := pass(ctx, now)
	switch {
	case errors.Is(err, privacy.ErrNoPolicy):
		fmt.Fprintln(c.Stdout, "the backup has no policy: nothing is past its time")
	case errors.Is(err, retention.ErrHeld):
		return fmt.Errorf("%w; if the day is right, restore again with --confirm %s", err, report.Cutoff.Format(time.DateOnly))
	case err != nil:
		return err
	default:
		if _, err := report.WriteTo(c.Stdout); err != nil {
			return err
		}
		if !c.confirmed.IsZero() {
			clock.Confirm(ctx)
		}
		if err := c.deleteAgain(ctx, worker, lost); err != nil {
			return err
		}
	}
	if err := c.eraseAgain(ctx, st, of); err != nil {
		return err
	}
	return st.Fill(ctx) // by an older program there may be rollups to fill, from what is left
}

// receiptOfRestore adds the receipt that the chain goes on from the last one of the backup, and
// returns the receipts that are known to have followed that one.
func (c *call) receiptOfRestore(ctx context.Context, st *store.Store, of time.Time) ([]receipt.Noted, error) {
	known, err := receipt.Heads(c.opts.Data)
	if err != nil {
		return nil, err
	}
	if len(known) == 0 {
		fmt.Fprintf(c.Stdout, "receipts: the data directory knows none. If rows lived for a shorter time than now at any time since %s, what was deleted by that is back: set that time again, run fotspor retention run, and set the time of now before you start the program\n", of.UTC().Format(time.RFC3339))
	}
	lost, err := receipt.Lost(known, func(f func(receipt.Receipt) error) error { return st.Receipts(ctx, f) })
	if err != nil {
		return nil, err
	}
	var heads []receipt.Head
	for _, n := range lost {
		heads = append(heads, n.Head)
	}
	rows, err := st.Before(ctx, c.opts.Now().AddDate(1, 0, 0))
	if err == nil {
		err = c.opts.NewReceipts(st).Restored(ctx, of, rows.Rows, heads)
	}
	if errors.Is(err, privacy.ErrNoPolicy) {
		err = nil // a store without a policy has neither rows nor receipts
	}
	return lost, err
}

// deleteAgain deletes what receipts say was deleted since the backup, and is not past its time
// any more: the policy or a site has a longer time now.
func (c *call) deleteAgain(ctx context.Context, worker *retention.Worker, lost []receipt.Noted) error {
	var some []receipt.Deletion
	for _, n := range lost {
		some = append(some, n.Deletion)
	}
	again, err := worker.Again(ctx, some)
	for _, one := range again {
		of := "all sites"
		if one.Sites != nil {
			of = "sites " + strings.Trim(fmt.Sprint(one.Sites), "[]")
		}
		fmt.Fprintf(c.Stdout, "deleted again, as a receipt since the backup says: %s%s of %s before %s: %d\n", one.Kind, strings.TrimSuffix(" "+one.By, " "), of, one.To, one.Deleted)
	}
	return err
}

// eraseAgain takes out of a store that was restored what was erased since its backup, as far as
// the journal in the data directory knows it.
func (c *call) eraseAgain(ctx context.Context, st *store.Store, of time.Time) error {
	unknown := func(to string) {
		fmt.Fprintf(c.Stdout, "erasures from %s to %s are not known: repeat those of your register before you start the program\n", of.UTC().Format(time.RFC3339), to)
	}
	log, err := journal.Read(c.opts.Data, of.Add(-journal.Slack))
	if errors.Is(err, journal.ErrNone) {
		unknown("now")
		return nil
	}
	if err != nil {
		return err
	}
	if log.Since.After(of) {
		unknown(log.Since.UTC().Format(time.RFC3339))
	}
	if len(log.Erasures) == 0 {
		fmt.Fprintln(c.Stdout, "the journal of erasures has none since the backup")
		return nil
	}
	// What is left is counted as it is erased: a later erasure may leave what an earlier one took.
	count := func(ctx context.Context) (int64, error) { return st.HeldAgain(ctx, log) }
	before, _, err := c.opts.NewReceipts(st).Delete(ctx, receipt.Deletion{Kind: receipt.Erasure, By: "journal"},
		func(ctx context.Context) (int64, error) { return count(ctx) },
		func(ctx context.Context) error {
			left, err := st.EraseAgain(ctx, log)
			count = func(context.Context) (int64, error) { return left, nil }
			return err
		})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Stdout, "erasures since the backup are repeated by the journal: %d rows and lines\n", before)
	return err
}

// adoptPolicy sets the versions of the policy that a collector has copied since the backup: what
// was promised meanwhile holds.
func (c *call) adoptPolicy(ctx context.Context, st *store.Store) error {
	copied, err := app.CopiedPolicy(c.opts.Data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	n, err := st.AdoptPolicies(ctx, copied)
	if n > 0 {
		fmt.Fprintf(c.Stdout, "policy: %d later versions are taken from the copy in the data directory\n", n)
	}
	return err
}

// adoptSites gives sites what they had set for themselves since the backup, as far as the copy that
// a collector keeps in the data directory knows it, and says what it can't know.
func (c *call) adoptSites(ctx context.Context, st *store.Store, of time.Time) error {
	copied, at, err := app.CopiedSites(c.opts.Data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil || at.Before(of) { // then the backup knows more
		_, err = fmt.Fprintf(c.Stdout, "sites: the data directory has no copy of them since %s. If one was added since, or has set retention, record, objections or guard for itself, repeat that before you start the program: fotspor site add --id, fotspor policy set --site\n", of.UTC().Format(time.RFC3339))
		return err
	}
	changed, added, err := st.AdoptSites(ctx, copied)
	if err != nil {
		return err
	}
	for _, one := range added {
		if _, err := fmt.Fprintf(c.Stdout, "site %d: %s is added, as the copy of %s in the data directory has it; its rows are not in the backup\n", one.ID, hostname.Display(one.Hosts[0]), at.UTC().Format(time.RFC3339)); err != nil {
			return err
		}
	}
	for _, one := range changed {
		text := fmt.Sprintf("site %d:", one.ID)
		for _, name := range slices.Sorted(maps.Keys(ownValues)) {
			text += fmt.Sprintf(" %s=%s", name, site.FindSetting(ownValues[name]).Get(one))
		}
		if _, err := fmt.Fprintf(c.Stdout, "%s, as the copy of %s in the data directory says\n", text, at.UTC().Format(time.RFC3339)); err != nil {
			return err
		}
	}
	return nil
}

// sayOld says what stays as it was at the time of a backup, though somebody may have removed it since.
func (c *call) sayOld(ctx context.Context, st *store.Store, of time.Time) error {
	users, err := st.Users(ctx)
	if err != nil {
		return err
	}
	tokens, err := st.Credentials(ctx)
	if err != nil {
		return err
	}
	requests, err := st.Requests(ctx)
	if err != nil {
		return err
	}
	at := of.UTC().Format(time.RFC3339)
	if len(users) > 0 {
		var names []string
		for _, u := range users {
			names = append(names, u.Name)
		}
		fmt.Fprintf(c.Stdout, "users: %s, with passwords, roles and sites as they were at %s. Remove again who was removed since, and repeat other changes: fotspor user list\n", strings.Join(names, ", "), at)
	}
	if len(tokens) > 0 {
		fmt.Fprintf(c.Stdout, "tokens: %d as they were at %s. Remove again those that were removed since: fotspor token list\n", len(tokens), at)
	}
	if len(requests) > 0 {
		fmt.Fprintf(c.Stdout, "register of requests: %d cases as they were at %s. Note answers again, add later cases, and remove those that were removed since: fotspor requests list\n", len(requests), at)
	}
	return nil
}

// toServer copies a store to an empty one on a server.
func (c *call) toServer(ctx context.Context, from *store.Store, dsn string) error {
	cfg := c.opts.StoreConfig()
	cfg.DSN, cfg.Create, cfg.Unfinished = dsn, true, true
	to, err := store.Open(ctx, cfg)
	if err != nil {
		return err
	}
	err = from.Still(ctx, func(ctx context.Context) error { return from.CopyTo(ctx, to) })
	return errors.Join(err, to.Close())
}
