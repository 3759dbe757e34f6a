package receipt_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/retention/receipt"
)

var errKilled = errors.New("killed")

// book is a store with rows, and ends the process at a call.
type book struct {
	receipts []receipt.Receipt
	pending  *receipt.Pending
	rows     int64
	calls    int
	killedAt int // the call at which the process ends; 0: none
	done     bool
}

// step is a call: of one at which the process ends, the effect may be there.
func (b *book) step(effect func()) error {
	if b.calls++; b.killedAt > 0 && b.calls >= b.killedAt {
		if b.calls == b.killedAt && b.done {
			effect()
		}
		return errKilled
	}
	effect()
	return nil
}

func (b *book) LockDeletions(ctx context.Context, f func(context.Context) error) error { return f(ctx) }

func (b *book) LastReceipt(context.Context) (last *receipt.Receipt, err error) {
	err = b.step(func() {
		if n := len(b.receipts); n > 0 {
			last = &b.receipts[n-1]
		}
	})
	return last, err
}

func (b *book) AddReceipt(_ context.Context, number uint64, r receipt.Receipt) error {
	return b.step(func() { b.receipts = append(b.receipts, r) })
}

func (b *book) PendingDeletion(context.Context) (p *receipt.Pending, err error) {
	err = b.step(func() { p = b.pending })
	return p, err
}

func (b *book) SetPendingDeletion(_ context.Context, p *receipt.Pending) error {
	return b.step(func() { b.pending = p })
}

func (b *book) StoreTime(context.Context) (time.Time, error) { return now(), b.step(func() {}) }

func (b *book) count(context.Context) (n int64, err error) {
	err = b.step(func() { n = b.rows })
	return n, err
}

func (b *book) delete(context.Context) error { return b.step(func() { b.rows = 0 }) }

func now() time.Time { return time.Date(2026, 11, 27, 0, 10, 0, 5, time.UTC) }

func newKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), 32)))
}

func writer(b *book, seed byte) *receipt.Writer {
	return &receipt.Writer{Book: b, Key: func() (ed25519.PrivateKey, error) { return newKey(seed), nil }, Policy: policy, Program: "v1", Now: now}
}

func policy(context.Context) (json.RawMessage, error) {
	return json.RawMessage(`{"retention":"3y"}`), nil
}

func (b *book) verify() (receipt.Chain, error) {
	var c receipt.Chain
	for _, r := range b.receipts {
		if err := c.Add(r); err != nil {
			return c, err
		}
	}
	return c, nil
}

// TestDelete: each deletion has a receipt that says what it was, also one that finds nothing.
func TestDelete(t *testing.T) {
	b := &book{rows: 7}
	for i, seed := range []byte("aab") {
		before, after, err := writer(b, seed).Delete(t.Context(), receipt.Until(calendar.Day(20000+i)), b.count, b.delete)
		if want := []int64{7, 0, 0}[i]; before != want || after != 0 || err != nil {
			t.Errorf("deletion %d: %d rows before, %d after, %v", i, before, after, err)
		}
	}
	c, err := b.verify()
	if err != nil || c.Count != 3 || len(c.Keys) != 2 || b.pending != nil {
		t.Fatalf("%+v, %v, pending %v", c, err, b.pending)
	}
	text, err := b.receipts[0].Read()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"number":1,"kind":"retention","to":"2024-10-04","began":"2026-11-27T00:10:00Z","ended":"2026-11-27T00:10:00Z","store_time":"2026-11-27T00:10:00Z","policy":{"retention":"3y"},"program":"v1","figures":"` + text.Figures + `","previous":"","key":"` + text.Key + `"}`
	if got := string(b.receipts[0].Text); got != want {
		t.Errorf("the first receipt is\n%s\nwant\n%s", got, want)
	}
	rows, err := b.receipts[0].Rows()
	if err != nil || rows.Before != 7 || rows.After == nil || *rows.After != 0 || len(rows.Salt) != 64 {
		t.Errorf("its figures are %s, %v", b.receipts[0].Figures, err)
	}
	second, _ := b.receipts[1].Rows()
	if second.Salt == rows.Salt {
		t.Error("two receipts have one salt")
	}
}

// TestKilled: wherever a process ends, the next deletion finishes, the chain verifies, and
// every deletion that took rows has a receipt, exactly one that says how it ended.
func TestKilled(t *testing.T) {
	for _, done := range []bool{false, true} {
		for at := 1; ; at++ {
			b := &book{rows: 7, killedAt: at, done: done}
			_, _, err := writer(b, 'a').Delete(t.Context(), receipt.Until(20000), b.count, b.delete)
			if err == nil {
				break
			}
			b.killedAt = 0
			if _, _, err := writer(b, 'a').Delete(t.Context(), receipt.Until(20001), b.count, b.delete); err != nil {
				t.Fatal(err)
			}
			c, err := b.verify()
			if err != nil || b.rows != 0 || b.pending != nil {
				t.Errorf("killed at call %d: %v, %d rows left, pending %v", at, err, b.rows, b.pending)
			}
			var said []string
			for _, r := range b.receipts {
				text, _ := r.Read()
				rows, _ := r.Rows()
				said = append(said, fmt.Sprintf("%s %t %d", text.To, text.Unfinished, rows.Before))
			}
			first, second := "2024-10-04 true 7", "2024-10-05 false 7"
			var ok bool
			switch strings.Join(said, "; ") {
			case second: // it had not begun
				ok = true
			case first + "; " + second, first + "; 2024-10-05 false 0", "2024-10-04 false 7; 2024-10-05 false 0":
				ok = true
			}
			if !ok || c.Count != uint64(len(said)) {
				t.Errorf("killed at call %d (done %t): receipts %q", at, done, said)
			}
		}
	}
}

// TestTampered: all that is changed, taken out, put in or exchanged in a chain is found, but
// for receipts taken off its end.
func TestTampered(t *testing.T) {
	b := &book{}
	for i := range 5 {
		b.rows = int64(i)
		if _, _, err := writer(b, 'a').Delete(t.Context(), receipt.Until(calendar.Day(20000+i)), b.count, b.delete); err != nil {
			t.Fatal(err)
		}
	}
	forger := &book{rows: 3}
	if _, _, err := writer(forger, 'x').Delete(t.Context(), receipt.Until(20000), forger.count, forger.delete); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		all := slices.Clone(b.receipts)
		i := rapid.IntRange(0, 4).Draw(t, "i")
		flip := func(data []byte) []byte {
			data = slices.Clone(data)
			data[rapid.IntRange(0, len(data)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			return data
		}
		switch rapid.IntRange(0, 6).Draw(t, "what") {
		case 0:
			all[i].Text = flip(all[i].Text)
		case 1:
			all[i].Signature = flip(all[i].Signature)
		case 2:
			all[i].Public = flip(all[i].Public)
		case 3:
			all[i].Figures = flip(all[i].Figures)
		case 4:
			if i == 4 {
				i = 3
			}
			all = slices.Delete(all, i, i+1)
		case 5:
			all = slices.Insert(all, i, all[rapid.IntRange(0, 4).Draw(t, "from")])
		case 6:
			all[i] = forger.receipts[0] // the first is whole, but the second does not follow it
		}
		_, err := (&book{receipts: all}).verify()
		if !errors.Is(err, receipt.ErrBroken) {
			t.Fatalf("it is not found: %v", err)
		}
	})
	public := slices.Clone(b.receipts)
	for i := range public {
		public[i].Figures = nil
	}
	if c, err := (&book{receipts: public}).verify(); err != nil || c.Count != 5 {
		t.Errorf("without figures: %d receipts, %v", c.Count, err)
	}
}

// TestKey: the key is made once, for its owner alone, and a bad file is refused.
func TestKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	first, err := receipt.OpenKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := receipt.OpenKey(dir)
	if err != nil || !first.Equal(second) {
		t.Errorf("another key, %v", err)
	}
	file := filepath.Join(dir, receipt.KeyFile)
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("the directory holds %v", left)
	}
	for _, text := range []string{"", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := receipt.OpenKey(dir); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("a file %q: %v", text, err)
		}
	}
}

// TestRestored: after a restore the chain says from which receipt it goes on and which were lost, a
// second restore names those of the first too, and a deletion that had not come to its end has its
// receipt after that of the restore.
func TestRestored(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var b *book
	w := &receipt.Writer{Key: func() (ed25519.PrivateKey, error) { return newKey('a'), nil }, Policy: policy, Program: "v1", Now: now,
		Note: func(n receipt.Noted) error { return receipt.NoteHeads(dir, n) }}
	use := func(of *book) { b, w.Book = of, of }
	pass := func() {
		t.Helper()
		if _, _, err := w.Delete(t.Context(), receipt.Until(20000), b.count, b.delete); err != nil {
			t.Fatal(err)
		}
	}
	each := func(f func(receipt.Receipt) error) error {
		for _, r := range b.receipts {
			if err := f(r); err != nil {
				return err
			}
		}
		return nil
	}
	restore := func() []receipt.Noted {
		t.Helper()
		known, err := receipt.Heads(dir)
		if err != nil {
			t.Fatal(err)
		}
		lost, err := receipt.Lost(known, each)
		var heads []receipt.Head
		for _, n := range lost {
			heads = append(heads, n.Head)
		}
		if err == nil {
			err = w.Restored(t.Context(), now().Add(-time.Hour), 9, heads)
		}
		if err != nil {
			t.Fatal(err)
		}
		return lost
	}
	use(&book{})
	pass()
	backup := book{receipts: slices.Clone(b.receipts), pending: &receipt.Pending{Number: 2, Deletion: receipt.Until(20000), Began: now()}}
	pass()
	pass()
	var before []receipt.Noted
	for _, r := range b.receipts {
		h, err := r.Note()
		if err != nil {
			t.Fatal(err)
		}
		before = append(before, h)
	}
	first := backup
	use(&first)
	if lost := restore(); !reflect.DeepEqual(lost, before[1:]) {
		t.Errorf("lost are %v, want %v", lost, before[1:])
	}
	pass()
	c, err := b.verify()
	if err != nil || c.Count != 4 || len(c.Restores) != 1 || c.Restores[0].Number != 2 || !c.Restores[0].Restored.Backup.Equal(now().Add(-time.Hour)) {
		t.Fatalf("%+v, %v", c, err)
	}
	if unfinished, err := b.receipts[2].Read(); err != nil || !unfinished.Unfinished {
		t.Errorf("the third receipt is %+v, %v", unfinished, err)
	}
	if missing, err := receipt.Lost(before, each); err != nil || len(missing) > 0 {
		t.Errorf("of the older export the chain knows all but %v, %v", missing, err)
	}
	second := backup
	use(&second)
	if lost := restore(); len(lost) != 5 || !reflect.DeepEqual(lost[:2], before[1:]) {
		t.Errorf("by a second restore lost are %v", lost)
	}

	// Notes are bounded, and what is none is an error.
	if err := receipt.NoteHeads(dir, slices.Repeat(before, 400)...); err != nil {
		t.Fatal(err)
	}
	if known, err := receipt.Heads(dir); err != nil || len(known) != 1000 || !reflect.DeepEqual(known[999], before[2]) {
		t.Errorf("%d heads are known, %v", len(known), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "receipts.heads"), []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := receipt.Heads(dir); err == nil {
		t.Error("a line that is no head is read")
	}
}
