package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fotspor/fotspor/retention/receipt"
	"github.com/fotspor/fotspor/store"
)

func listReceipts(ctx context.Context, c *call) error {
	return c.withStore(ctx, func(st *store.Store) error {
		nameStore(c.Stderr, st)
		l := c.list("number", "kind", "by", "from", "to", "rows_before", "rows_after", "began", "ended", "store_time", "program", "key", "sites", "retention")
		err := st.Receipts(ctx, func(r receipt.Receipt) error {
			t, err := r.Read()
			if err != nil {
				return err
			}
			rows, err := r.Rows()
			if err != nil {
				return err
			}
			after := "unknown"
			if rows.After != nil {
				after = fmt.Sprint(*rows.After)
			}
			return l.add(t.Number, t.Kind, t.By, t.From, t.To, rows.Before, after, t.Began, t.Ended, t.StoreTime, t.Program, t.Key, strings.Trim(strings.ReplaceAll(fmt.Sprint(t.Sites), " ", ","), "[]"), t.Retention)
		})
		return errors.Join(err, l.flush())
	})
}

// verifyReceipts verifies the chain, and that each receipt of an older export is in it, or that a
// receipt of a restore says that it was lost.
func verifyReceipts(ctx context.Context, c *call) error {
	var older []receipt.Noted
	if len(c.words) > 0 {
		var err error
		if older, err = receipt.Exported(c.words[0]); err != nil {
			return err
		}
	}
	return c.withStore(ctx, func(st *store.Store) error {
		var chain receipt.Chain
		if err := st.Receipts(ctx, chain.Add); err != nil {
			return err
		}
		nameStore(c.Stderr, st)
		text := fmt.Sprintf("%d receipts are whole, signed and in order\n", chain.Count)
		if chain.Count > 0 {
			text += fmt.Sprintf("the last one is of %s; keys: %s\n", chain.Last.Ended.Format(time.RFC3339), strings.Join(chain.Keys, ", "))
		}
		for _, t := range chain.Restores {
			text += fmt.Sprintf("receipt %d: the store was restored at %s from a backup of %s, which ends with receipt %d; ", t.Number, t.Ended.Format(time.RFC3339), t.Restored.Backup.Format(time.RFC3339), t.Number-1)
			if lost := t.Restored.Lost; len(lost) > 0 {
				last := slices.MaxFunc(lost, func(a, b receipt.Head) int { return cmp.Compare(a.Number, b.Number) })
				text += fmt.Sprintf("receipts %d to %d of the store before are not in this chain\n", t.Number, last.Number)
			} else {
				text += "none is known to have followed that one\n"
			}
		}
		if _, err := fmt.Fprint(c.Stdout, text); err != nil || older == nil {
			return err
		}
		missing, err := receipt.Lost(older, func(f func(receipt.Receipt) error) error { return st.Receipts(ctx, f) })
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			return fmt.Errorf("receipt %d of %q and %d others are not in this chain, and no receipt of a restore names them", missing[0].Number, c.words[0], len(missing)-1)
		}
		_, err = fmt.Fprintf(c.Stdout, "all %d receipts of %s are in this chain, or were lost by a restore that names them\n", len(older), c.words[0])
		return err
	})
}

// exportReceipts writes the files of each receipt into a directory, which must not exist or be
// empty: what was signed, the signature, the figures and the public keys.
func exportReceipts(ctx context.Context, c *call) error {
	dir := c.words[0]
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("%q is not empty", dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	return c.withStore(ctx, func(st *store.Store) error {
		n := 0
		err := st.Receipts(ctx, func(r receipt.Receipt) error {
			files, err := r.Files(true)
			if err != nil {
				return err
			}
			n++
			for _, f := range files {
				if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		nameStore(c.Stderr, st)
		_, err = fmt.Fprintf(c.Stdout, "%d receipts are in %s\n", n, dir)
		return err
	})
}
