// Package receipt makes and verifies receipts of deletions. Receipts form a chain: each is
// signed (Ed25519, RFC 8032) and has the hash of the one before it, so that none can be
// changed, taken out or put in later without that being seen. Figures that tell of traffic
// are not in the signed text but in their own file, of which the text has the salted
// hash: who may not know the figures can still verify the chain.
package receipt

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/fotspor/fotspor/calendar"
)

// Kind says why rows were deleted.
type Kind string

// The kinds of deletions.
const (
	Retention Kind = "retention" // their time was over
	Erasure   Kind = "erasure"   // a person asked for it
	Totals    Kind = "totals"    // lines of totals whose time was over
	Expiry    Kind = "expiry"    // rows that a server's TTL took, which a pass found
	Ageing    Kind = "ageing"    // a part of rows that was removed from them
	Folding   Kind = "folding"   // lines of totals of few, which are counted together with others
	Restore   Kind = "restore"   // nothing was deleted: the store was restored from a backup
)

// Deletion is what a receipt openly says of a deletion. It never has a network, a path or a
// text.
type Deletion struct {
	Kind Kind `json:"kind"`
	// By is by what the rows of an erasure were chosen, such as network, or what rows lost by
	// ageing.
	By string `json:"by,omitempty"`
	// Sites are the numbers of the sites whose rows live shorter than those of others, and of which
	// alone this is. None: of all.
	Sites []uint32 `json:"sites,omitempty"`
	// Retention is how long the rows of Sites live, by which this was deleted, such as 90d. "" is
	// that of the policy.
	Retention string `json:"retention,omitempty"`
	// Below is the number that lines of Folding were fewer than; 0 for other kinds.
	Below int `json:"below,omitempty"`
	// From and To are days in the zones of the sites: those of the rows from From on, and
	// before To. "" is no limit.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// Until returns the deletion of all rows of days before one.
func Until(day calendar.Day) Deletion { return Deletion{Kind: Retention, To: day.String()} }

// Text is the signed text of a receipt, in JSON.
type Text struct {
	Number uint64 `json:"number"` // from 1
	Deletion
	Restored *Restored `json:"restored,omitempty"` // of kind Restore
	// Unfinished says that the process ended before the deletion did, or that it failed. A
	// later deletion finishes it, and has its own receipt.
	Unfinished bool            `json:"unfinished,omitempty"`
	Began      time.Time       `json:"began"` // by the clock of the process
	Ended      time.Time       `json:"ended"`
	StoreTime  time.Time       `json:"store_time"` // at the end, by the clock of the store
	Policy     json.RawMessage `json:"policy"`
	Program    string          `json:"program"`  // version
	Figures    string          `json:"figures"`  // SHA-256 of the file of figures, in hex
	Previous   string          `json:"previous"` // SHA-256 of the text of the receipt before, in hex; "" for the first
	Key        string          `json:"key"`      // ID of the public key
}

// Restored says where the chain goes on that a backup has ended. The receipt with it follows the
// last one of the backup.
type Restored struct {
	Backup time.Time `json:"backup"` // when it was made
	// Lost are the receipts that followed in the store that was lost, as far as the data directory
	// knows them: who has one of them sees that the chain was not forged.
	Lost []Head `json:"lost,omitempty"`
}

// Head names a receipt.
type Head struct {
	Number uint64 `json:"number"`
	SHA256 string `json:"sha256"` // of its text, in hex
}

// Figures are the numbers of rows within the range of a deletion. Salt makes the hash of
// small numbers no way to find them out.
type Figures struct {
	Salt   string `json:"salt"` // 32 random bytes, in hex
	Before int64  `json:"rows_before"`
	After  *int64 `json:"rows_after"` // nil: not known
}

// Receipt is a receipt as it is kept: bytes that are never written anew.
type Receipt struct {
	Text      []byte
	Signature []byte
	Public    ed25519.PublicKey
	Figures   []byte // empty for those who may not know them
}

// Read reads the signed text, without a look at the signature.
func (r Receipt) Read() (Text, error) {
	var t Text
	if err := json.Unmarshal(r.Text, &t); err != nil {
		return t, fmt.Errorf("read receipt: %w", err)
	}
	return t, nil
}

// Note returns what a data directory keeps of the receipt.
func (r Receipt) Note() (Noted, error) {
	t, err := r.Read()
	return Noted{Head{t.Number, hash(r.Text)}, t.Deletion}, err
}

// Rows reads the figures.
func (r Receipt) Rows() (Figures, error) {
	var f Figures
	if err := json.Unmarshal(r.Figures, &f); err != nil {
		return f, fmt.Errorf("read figures of a receipt: %w", err)
	}
	return f, nil
}

// hash is the SHA-256 of data, in hex.
func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// KeyID names a public key: the first 16 hex digits of its SHA-256.
func KeyID(key ed25519.PublicKey) string { return hash(key)[:16] }

// sign makes the receipt of a text, which follows the receipt last; nil: it is the first. It
// sets Number, Figures, Previous and Key.
func sign(key ed25519.PrivateKey, last *Receipt, t Text, before int64, after *int64) (Receipt, error) {
	t.Number, t.Previous = 1, ""
	if last != nil {
		previous, err := last.Read()
		if err != nil {
			return Receipt{}, err
		}
		t.Number, t.Previous = previous.Number+1, hash(last.Text)
	}
	salt := make([]byte, 32)
	rand.Read(salt) // never fails
	figures, err := json.Marshal(Figures{hex.EncodeToString(salt), before, after})
	if err != nil {
		return Receipt{}, fmt.Errorf("sign receipt: %w", err)
	}
	public := key.Public().(ed25519.PublicKey)
	t.Figures, t.Key = hash(figures), KeyID(public)
	text, err := json.Marshal(t)
	if err != nil {
		return Receipt{}, fmt.Errorf("sign receipt: %w", err)
	}
	return Receipt{Text: text, Signature: ed25519.Sign(key, text), Public: public, Figures: figures}, nil
}

// ErrBroken is wrapped by the errors of Chain.Add for a receipt that can't be what it says.
var ErrBroken = errors.New("the chain of receipts is broken")

// Chain verifies receipts from the first on. The zero value has seen none.
type Chain struct {
	Count uint64
	Last  Text
	Keys  []string // IDs of the keys that signed, in the order of their first receipt
	// Restores are the receipts of kind Restore: at each the chain goes on from an older one than
	// its last.
	Restores []Text

	hash string // of the last text
}

// Add verifies the next receipt: its number, its signature, that it follows the last one, and
// its figures if it has them.
func (c *Chain) Add(r Receipt) error {
	t, err := r.Read()
	switch {
	case err != nil:
		return fmt.Errorf("receipt %d: %w: %w", c.Count+1, ErrBroken, err)
	case t.Number != c.Count+1:
		return fmt.Errorf("receipt %d: %w: its number is %d", c.Count+1, ErrBroken, t.Number)
	case t.Previous != c.hash:
		return fmt.Errorf("receipt %d: %w: it does not follow the one before it", t.Number, ErrBroken)
	case len(r.Public) != ed25519.PublicKeySize || KeyID(r.Public) != t.Key:
		return fmt.Errorf("receipt %d: %w: its key is not %s", t.Number, ErrBroken, t.Key)
	case !ed25519.Verify(r.Public, r.Text, r.Signature):
		return fmt.Errorf("receipt %d: %w: its signature is wrong", t.Number, ErrBroken)
	case len(r.Figures) > 0 && hash(r.Figures) != t.Figures:
		return fmt.Errorf("receipt %d: %w: its figures are others than those signed", t.Number, ErrBroken)
	}
	c.Count, c.Last, c.hash = t.Number, t, hash(r.Text)
	if t.Restored != nil {
		c.Restores = append(c.Restores, t)
	}
	if len(c.Keys) == 0 || c.Keys[len(c.Keys)-1] != t.Key {
		for _, key := range c.Keys {
			if key == t.Key {
				return nil
			}
		}
		c.Keys = append(c.Keys, t.Key)
	}
	return nil
}
