package privacy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"strings"
	"text/template"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
)

// Ledger holds the raw rows. A row belongs to a network if its own network is the same or
// lies within it: an earlier policy may have cut addresses less. Both times are set and
// within the range of a 32-bit Unix time; from is included, to is not.
type Ledger interface {
	// Network counts the rows of a network.
	Network(ctx context.Context, network string, from, to time.Time) (Held, error)
	// EraseNetwork deletes the rows of a network and returns their number. It returns
	// when they have left the disk, not only been hidden.
	EraseNetwork(ctx context.Context, network string, from, to time.Time) (int64, error)
}

// Held is what a ledger reports of a network. It holds no more on purpose: pages and exact
// times may be those of another person.
type Held struct {
	Rows        int64
	First, Last time.Time // times of the first and the last row; zero if there are none
}

// Asked is a person's request. It holds nothing of them but the network of their address.
type Asked struct {
	Store    string // place of the store, as text for people; may be ""
	Spool    Waiting
	Policy   Policy
	Network  string // in CIDR form
	From, To time.Time
}

// Waiting is what the spools of collectors held before the request: rows of any network,
// which the ledger does not have.
type Waiting struct {
	Segments, Rows         int64 // that wait for the store
	KeptSegments, KeptRows int64 // that wait for a person: quarantined or damaged
	Elsewhere              bool  // collectors on other machines may have spools, too
}

// AccessReport is the answer to a person who asks what is held on them (GDPR
// article 15).
type AccessReport struct {
	Asked
	Held Held
}

// EraseReport is the answer to a person who asks for erasure (GDPR article 17).
type EraseReport struct {
	Asked
	Erased int64 // rows deleted
	Left   int64 // rows found afterwards, because they came in meanwhile
}

// Access looks up what is held of a network from one time up to another, which is not
// included. A zero time is no limit. network is the person's address, cut by the policy.
func Access(ctx context.Context, ledger Ledger, policy Policy, network string, from, to time.Time) (AccessReport, error) {
	from, to, err := checkRequest(policy, network, from, to)
	if err != nil {
		return AccessReport{}, err
	}
	held, err := ledger.Network(ctx, network, from, to)
	if err != nil {
		return AccessReport{}, fmt.Errorf("look up network %s: %w", network, err)
	}
	return AccessReport{Asked{Policy: policy, Network: network, From: from, To: to}, held}, nil
}

// Erase deletes the raw rows of a network that Access finds, and then counts those left.
// Totals stay: they hold no network.
func Erase(ctx context.Context, ledger Ledger, policy Policy, network string, from, to time.Time) (EraseReport, error) {
	from, to, err := checkRequest(policy, network, from, to)
	if err != nil {
		return EraseReport{}, err
	}
	erased, err := ledger.EraseNetwork(ctx, network, from, to)
	if err != nil {
		return EraseReport{}, fmt.Errorf("erase network %s: %w", network, err)
	}
	held, err := ledger.Network(ctx, network, from, to)
	if err != nil {
		return EraseReport{}, fmt.Errorf("look up network %s after erasure: %w", network, err)
	}
	return EraseReport{Asked{Policy: policy, Network: network, From: from, To: to}, erased, held.Rows}, nil
}

// The limits of times that a ledger gets.
var (
	earliest = time.Unix(0, 0).UTC()
	latest   = time.Unix(math.MaxUint32, 0).UTC()
)

// checkRequest returns the two times, within their limits. Its errors do not hold the
// network, which may be a full address by mistake.
func checkRequest(policy Policy, network string, from, to time.Time) (time.Time, time.Time, error) {
	prefix, err := netip.ParsePrefix(network)
	if err != nil || prefix != prefix.Masked() {
		return from, to, errors.New("network: want the CIDR form of what an address is cut to")
	}
	bits := policy.Bits6
	if prefix.Addr().Is4() {
		bits = policy.Bits4
	}
	switch {
	case prefix.Bits() > bits:
		return from, to, fmt.Errorf("network of %d bits: the policy keeps %d", prefix.Bits(), bits)
	case prefix.Bits() == 0:
		return from, to, errors.New("the policy keeps nothing of such an address, so no row can be found by it")
	}
	if from.Before(earliest) {
		from = earliest
	}
	if to.IsZero() || to.After(latest) {
		to = latest
	}
	if !from.Before(to) {
		return from, to, fmt.Errorf("time from %s to %s: want the earlier one first", from.UTC().Format(time.DateTime), to.UTC().Format(time.DateTime))
	}
	return from.UTC(), to.UTC(), nil
}

// Write writes the report as text that can be sent to the person.
func (r AccessReport) Write(w io.Writer, lang *i18n.Language) error {
	return letter{Asked: r.Asked, Held: r.Held, lang: lang}.write(w, "access.txt")
}

// Write writes the report as text that can be sent to the person.
func (r EraseReport) Write(w io.Writer, lang *i18n.Language) error {
	return letter{Asked: r.Asked, Erased: r.Erased, Left: r.Left, lang: lang}.write(w, "erase.txt")
}

// letter is the data of the templates of both letters.
type letter struct {
	Asked
	Held         Held
	Erased, Left int64
	lang         *i18n.Language
}

// write writes the letter whose template has a name in the folder of the language.
func (l letter) write(w io.Writer, name string) error {
	text, err := l.lang.File(name)
	if err != nil {
		return err
	}
	t, err := template.New(name).Funcs(template.FuncMap{
		"number": l.lang.Number,
		"count":  l.lang.Count,
		"day":    func(t time.Time) string { return l.lang.Day(calendar.DayOf(t.UTC())) },
	}).Parse(text)
	if err != nil {
		return fmt.Errorf("read letter: %w", err)
	}
	var b strings.Builder
	if err := t.Execute(&b, l); err != nil {
		return fmt.Errorf("make letter: %w", err)
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// Addresses returns the number of addresses in the network.
func (l letter) Addresses() (string, error) {
	prefix, err := netip.ParsePrefix(l.Network)
	if err != nil {
		return "", err
	}
	bits := prefix.Addr().BitLen() - prefix.Bits()
	if bits > 32 {
		return fmt.Sprintf("2^%d", bits), nil
	}
	return l.lang.Number(int64(1) << bits), nil
}

// Begin returns the first time of the request, or "" for no limit.
func (l letter) Begin() string { return limit(l.From) }

// End returns the time up to which the request goes, or "" for no limit.
func (l letter) End() string { return limit(l.To) }

// Record returns the lines on what a row holds.
func (l letter) Record() ([]string, error) { return l.Policy.record(l.lang) }

// Unseen returns a paragraph for each kind of rows that the report did not look at.
func (l letter) Unseen() ([]string, error) {
	var all []string
	for _, part := range []struct {
		key            string
		rows, segments int64
	}{{"spool.waits", l.Spool.Rows, l.Spool.Segments}, {"spool.kept", l.Spool.KeptRows, l.Spool.KeptSegments}} {
		if part.segments == 0 {
			continue
		}
		rows, err := l.lang.Count("rows", part.rows)
		segments, segmentsErr := l.lang.Count("segments", part.segments)
		text, textErr := l.lang.Text(part.key, rows, segments)
		if err := errors.Join(err, segmentsErr, textErr); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	if l.Spool.Elsewhere {
		text, err := l.lang.Text("spool.elsewhere")
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, nil
}

// Retention returns how long rows live, in words.
func (l letter) Retention() (string, error) { return l.Policy.Retention.words(l.lang) }

// limit returns a time as text, or "" for no limit.
func limit(t time.Time) string {
	if t.Equal(earliest) || t.Equal(latest) {
		return ""
	}
	return t.Format("2006-01-02 15:04 UTC")
}
