package receipt

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"time"
)

// Pending is a deletion that has begun.
type Pending struct {
	Number uint64 `json:"number"` // that its receipt will have
	Deletion
	Began  time.Time `json:"began"`
	Before int64     `json:"rows_before"`
}

// Book keeps the receipts of a store. *store.Store implements it.
type Book interface {
	// LockDeletions runs f while no other process deletes rows. The context of f ends if that
	// is not sure any more.
	LockDeletions(ctx context.Context, f func(context.Context) error) error
	// LastReceipt returns the last receipt, nil if there is none.
	LastReceipt(ctx context.Context) (*Receipt, error)
	AddReceipt(ctx context.Context, number uint64, r Receipt) error
	// PendingDeletion returns what SetPendingDeletion set last, nil if nothing or nil.
	PendingDeletion(ctx context.Context) (*Pending, error)
	SetPendingDeletion(ctx context.Context, p *Pending) error
	// StoreTime returns the time by the clock of the store.
	StoreTime(ctx context.Context) (time.Time, error)
}

// Writer writes the receipts of deletions. All fields but Note are needed.
type Writer struct {
	Book    Book
	Key     func() (ed25519.PrivateKey, error)             // called for each receipt
	Policy  func(context.Context) (json.RawMessage, error) // the policy in force
	Program string
	Now     func() time.Time
	// Note notes outside of the book which receipt is about to be added to it; nil: nothing does.
	// If the book is lost, Restored can tell which receipts were.
	Note func(Noted) error
}

// Delete runs a deletion and adds its receipt to the book, while no other process deletes
// rows. count counts the rows in its range, and delete deletes those that it is about. If a
// process ended in the middle of its deletion, or that failed, the next deletion first adds
// a receipt that says so. Delete returns how many rows there were before and after.
func (w *Writer) Delete(ctx context.Context, d Deletion, count func(context.Context) (int64, error), delete func(context.Context) error) (before, after int64, err error) {
	return w.delete(ctx, d, true, count, delete)
}

// DeleteSome is Delete, but adds no receipt where there is nothing to delete.
func (w *Writer) DeleteSome(ctx context.Context, d Deletion, count func(context.Context) (int64, error), delete func(context.Context) error) (before, after int64, err error) {
	return w.delete(ctx, d, false, count, delete)
}

func (w *Writer) delete(ctx context.Context, d Deletion, always bool, count func(context.Context) (int64, error), delete func(context.Context) error) (before, after int64, err error) {
	err = w.Book.LockDeletions(ctx, func(ctx context.Context) error {
		last, err := w.settle(ctx)
		if err != nil {
			return err
		}
		number := uint64(1)
		if last != nil {
			t, err := last.Read()
			if err != nil {
				return err
			}
			number = t.Number + 1
		}
		if before, err = count(ctx); err != nil || before == 0 && !always {
			return err
		}
		p := Pending{number, d, w.Now().UTC(), before}
		if before > 0 {
			if err := w.Book.SetPendingDeletion(ctx, &p); err != nil {
				return fmt.Errorf("note a deletion: %w", err)
			}
			if err := delete(ctx); err != nil {
				return err
			}
			if after, err = count(ctx); err != nil {
				return err
			}
		}
		if err := w.add(ctx, last, p, &after); err != nil || before == 0 {
			return err
		}
		return w.Book.SetPendingDeletion(ctx, nil)
	})
	return before, after, err
}

// Found adds the receipt of a deletion by somebody else that find finds, with how many rows that
// took; none if there are none. Deletions that did not come to their end have theirs by then.
func (w *Writer) Found(ctx context.Context, find func(context.Context) (Deletion, int64, error)) error {
	return w.Book.LockDeletions(ctx, func(ctx context.Context) error {
		last, err := w.settle(ctx)
		if err != nil {
			return err
		}
		d, rows, err := find(ctx)
		if err != nil || rows == 0 {
			return err
		}
		none := int64(0)
		return w.add(ctx, last, Pending{Deletion: d, Began: w.Now().UTC(), Before: rows}, &none)
	})
}

// Restored adds the receipt that the book was restored from a backup. rows is how many raw rows the
// backup had, and lost the receipts that are known to have followed those of the book.
func (w *Writer) Restored(ctx context.Context, backup time.Time, rows int64, lost []Head) error {
	return w.Book.LockDeletions(ctx, func(ctx context.Context) error {
		last, err := w.Book.LastReceipt(ctx)
		if err != nil {
			return err
		}
		began := w.Now().UTC()
		err = w.write(ctx, last, Text{Deletion: Deletion{Kind: Restore}, Restored: &Restored{backup.UTC(), lost}, Began: began}, rows, &rows)
		if err != nil {
			return err
		}
		// A deletion that had not come to its end then has its receipt after this one.
		p, err := w.Book.PendingDeletion(ctx)
		if err != nil || p == nil {
			return err
		}
		p.Number++
		return w.Book.SetPendingDeletion(ctx, p)
	})
}

// settle adds the receipt of a deletion that did not come to its end, and returns the last
// receipt.
func (w *Writer) settle(ctx context.Context) (*Receipt, error) {
	last, err := w.Book.LastReceipt(ctx)
	if err != nil {
		return nil, err
	}
	p, err := w.Book.PendingDeletion(ctx)
	if err != nil || p == nil {
		return last, err
	}
	var had uint64
	if last != nil {
		t, err := last.Read()
		if err != nil {
			return nil, err
		}
		had = t.Number
	}
	if p.Number > had { // else it has its receipt, and only its note was left
		if err := w.add(ctx, last, *p, nil); err != nil {
			return nil, err
		}
		if last, err = w.Book.LastReceipt(ctx); err != nil {
			return nil, err
		}
	}
	return last, w.Book.SetPendingDeletion(ctx, nil)
}

// add adds the receipt of a deletion. after is nil if the deletion did not come to its end.
func (w *Writer) add(ctx context.Context, last *Receipt, p Pending, after *int64) error {
	return w.write(ctx, last, Text{Deletion: p.Deletion, Unfinished: after == nil, Began: p.Began}, p.Before, after)
}

// write signs the receipt of a text, which follows the receipt last, and adds it to the book.
func (w *Writer) write(ctx context.Context, last *Receipt, t Text, before int64, after *int64) error {
	at, err := w.Book.StoreTime(ctx)
	if err != nil {
		return err
	}
	if t.Policy, err = w.Policy(ctx); err != nil {
		return err
	}
	key, err := w.Key()
	if err != nil {
		return err
	}
	t.Began, t.Ended, t.StoreTime, t.Program = t.Began.Truncate(time.Second), w.Now().UTC().Truncate(time.Second), at.UTC().Truncate(time.Second), w.Program
	r, err := sign(key, last, t, before, after)
	if err != nil {
		return err
	}
	note, err := r.Note()
	if err != nil {
		return err
	}
	if w.Note != nil {
		if err := w.Note(note); err != nil {
			return err
		}
	}
	return w.Book.AddReceipt(ctx, note.Number, r)
}
