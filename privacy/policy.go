// Package privacy holds the one policy that the program runs under: what is
// recorded, how an address is cut, how long rows live. The collector, the store's
// expiry, the retention worker and the public statement all read the same value,
// so what is promised and what is done can't differ.
package privacy

import (
	"fmt"

	"github.com/fotspor/fotspor/hit"
)

// Record says how much of a hit is kept.
type Record string

const (
	// Minimal keeps the page, the time, the browser with its version, the
	// region-level address with its country and region, and the measures with
	// the two pages they need: the first of the visit and the one before.
	Minimal Record = "minimal"
	// Standard keeps those and the operating system, the device class, the
	// language, the source, the campaign and events.
	Standard Record = "standard"
)

// Bounds of the cut of an address, in leading bits kept.
const (
	DefaultBits4, MaxBits4 = 16, 24
	DefaultBits6, MaxBits6 = 32, 48
)

// Policy is what the program promises. It is a value: copy it freely.
type Policy struct {
	Record    Record
	Retention Period // how long raw rows live
	Bits4     int    // leading bits kept of an IPv4 address
	Bits6     int    // leading bits kept of an IPv6 address
	// IgnoreObjection records hits that carry Sec-GPC: 1 or DNT: 1. A person
	// says with them that they object (GDPR article 21), so the default is not to.
	IgnoreObjection bool
	// CountObjections has the script of a visitor who objects send one empty message for
	// each page, by which the day's number of objections grows by one. Without it such a
	// visitor's script is silent. The message reads that choice from the visitor's device
	// all the same (EDPB Guidelines 2/2023), so the default is not to.
	CountObjections bool
}

// Default is the policy of a program started without flags.
func Default() Policy {
	return Policy{
		Record:    Standard,
		Retention: Period{Years: 3},
		Bits4:     DefaultBits4,
		Bits6:     DefaultBits6,
	}
}

// Validate returns an error that names the first field out of its range.
func (p Policy) Validate() error {
	switch {
	case p.Record != Minimal && p.Record != Standard:
		return fmt.Errorf("record %q: want %s or %s", p.Record, Standard, Minimal)
	case p.Retention.Validate() != nil:
		return fmt.Errorf("retention %w", p.Retention.Validate())
	case p.Bits4 < 0 || p.Bits4 > MaxBits4:
		return fmt.Errorf("kept bits of an IPv4 address %d: want 0 to %d", p.Bits4, MaxBits4)
	case p.Bits6 < 0 || p.Bits6 > MaxBits6:
		return fmt.Errorf("kept bits of an IPv6 address %d: want 0 to %d", p.Bits6, MaxBits6)
	}
	return nil
}

// Trim clears whatever of row the policy does not keep. Measures stay. Under
// Minimal whatever is not a page view becomes a ping: that the visit went on is
// a measure, what was done is not kept.
func (p Policy) Trim(row *hit.Row) {
	if p.Record != Minimal {
		return
	}
	if row.Kind != hit.Pageview {
		row.Kind = hit.Ping
	}
	for i := range hit.Fields {
		if !p.keeps(hit.Fields[i]) {
			hit.Fields[i].Clear(row)
			row.Other &^= 1 << hit.Fields[i].Number
		}
	}
}
