// Package privacy defines the program's policy: what is recorded, how an address is cut,
// how long rows live. The collector, the store's expiry, the retention worker and the
// public statement all read the same value, so that the statement can't differ from what
// the program does.
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

// Bounds and default of Policy.TitleVisitors. 0 is allowed, too.
const (
	MinTitleVisitors     = 3
	DefaultTitleVisitors = 5
	MaxTitleVisitors     = 20
)

// Bounds and default of Policy.FoldBelow. 0 is allowed, too.
const (
	MinFoldBelow     = 2
	DefaultFoldBelow = 5
	MaxFoldBelow     = 100
)

// MaxRounding bounds Policy.Rounding.
const MaxRounding = 100

// Bounds of the cut of an address, in leading bits kept.
const (
	DefaultBits4, MaxBits4 = 16, 24
	DefaultBits6, MaxBits6 = 32, 48
)

// Policy is what the program promises. Values may be copied.
type Policy struct {
	Record    Record
	Retention Period // how long raw rows live
	// Totals is how long the sums over rows live that hold no address. Zero: for ever.
	Totals Period
	// Backups is how long a backup lives, and so how much longer what is deleted may be in
	// one. Zero: no backups are made.
	Backups Period
	Bits4   int // leading bits kept of an IPv4 address
	Bits6   int // leading bits kept of an IPv6 address
	// IgnoreObjection records hits with Sec-GPC: 1 or DNT: 1. By these headers a person
	// objects (GDPR article 21), so the default is false.
	IgnoreObjection bool
	// CountObjections lets the script of a visitor who objects send one empty message for
	// each page, which adds one to the day's number of objections. Without it the script
	// of such a visitor sends nothing. To send the message, the script has to read the
	// choice from the visitor's device (EDPB Guidelines 2/2023), so the default is false.
	CountObjections bool
	// TitleVisitors is how many visitors must have seen the same title at a page on one day
	// before that title is kept. 0: no titles are kept. Rows never have a title.
	TitleVisitors int
	// FoldBelow is below which number the lines of a month's totals are counted together with
	// others, once the month is over and its rows are deleted. Then what outlives the rows is
	// what several did. 0: they stay.
	FoldBelow int
	// Rounding is to what multiple all counts that anybody is shown are rounded. 0: they are
	// exact. Rows and totals stay exact.
	Rounding int
	Ageing   Ageing // what rows lose before they are deleted
}

// Default is the policy of a program started without flags.
func Default() Policy {
	return Policy{
		Record:    Standard,
		Retention: Period{Years: 3},
		Backups:   Period{Days: 30},
		Bits4:     DefaultBits4,
		Bits6:     DefaultBits6,

		TitleVisitors: DefaultTitleVisitors,
		FoldBelow:     DefaultFoldBelow,
	}
}

// Validate returns an error that names the first field out of its range.
func (p Policy) Validate() error {
	switch {
	case p.Record != Minimal && p.Record != Standard:
		return fmt.Errorf("record %q: want %s or %s", p.Record, Standard, Minimal)
	case p.Retention.Validate() != nil:
		return fmt.Errorf("retention %w", p.Retention.Validate())
	case p.Totals != Period{} && (p.Totals.Validate() != nil || p.Retention.longerThan(p.Totals)):
		return fmt.Errorf("totals %s: want %s, or a period that is not shorter than retention %s", p.Totals, Forever, p.Retention)
	case p.Backups != Period{} && p.Backups.Validate() != nil:
		return fmt.Errorf("backups %w", p.Backups.Validate())
	case p.Bits4 < 0 || p.Bits4 > MaxBits4:
		return fmt.Errorf("kept bits of an IPv4 address %d: want 0 to %d", p.Bits4, MaxBits4)
	case p.Bits6 < 0 || p.Bits6 > MaxBits6:
		return fmt.Errorf("kept bits of an IPv6 address %d: want 0 to %d", p.Bits6, MaxBits6)
	case p.TitleVisitors != 0 && (p.TitleVisitors < MinTitleVisitors || p.TitleVisitors > MaxTitleVisitors):
		return fmt.Errorf("visitors of a title %d: want %d to %d, or 0", p.TitleVisitors, MinTitleVisitors, MaxTitleVisitors)
	case p.Ageing.validate(p.Retention) != nil:
		return p.Ageing.validate(p.Retention)
	case p.FoldBelow != 0 && (p.FoldBelow < MinFoldBelow || p.FoldBelow > MaxFoldBelow):
		return fmt.Errorf("fold below %d: want %d to %d, or 0", p.FoldBelow, MinFoldBelow, MaxFoldBelow)
	case p.Rounding < 0 || p.Rounding == 1 || p.Rounding > MaxRounding:
		return fmt.Errorf("rounding %d: want 2 to %d, or 0", p.Rounding, MaxRounding)
	}
	return nil
}

// KeepsTitles reports whether titles of pages are kept. Under Minimal they are not.
func (p Policy) KeepsTitles() bool { return p.TitleVisitors > 0 && p.Record != Minimal }

// Trim clears the fields of row that the policy does not keep. Measures are kept. Under
// Minimal every hit that is not a page view becomes a ping: its measures say that the visit
// went on, and what the visitor did is not kept.
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
