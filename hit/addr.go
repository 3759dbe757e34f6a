package hit

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
)

// errSecret is what every encoder gets that tries to write an address or a hit.
var errSecret = errors.New("hit: a full address or a hit is never encoded")

// Addr is the full internet address of a visitor. It exists in memory only:
// it prints as "[address]", refuses every encoder of the standard library, and
// hides its value behind a function, so that a printer or dumper which walks
// structures by reflection finds a code pointer and nothing else.
//
// The zero Addr is "no address known". Addr is safe for concurrent use.
type Addr struct {
	reveal func() netip.Addr
}

// NewAddr keeps a, with an IPv4-mapped IPv6 address unmapped and a zone dropped.
func NewAddr(a netip.Addr) Addr {
	if !a.IsValid() {
		return Addr{}
	}
	plain := a.Unmap().WithZone("") // assigned once, so the function holds a copy: one allocation
	return Addr{reveal: func() netip.Addr { return plain }}
}

// Reveal returns the full address, or the zero netip.Addr if none is known. Three
// places may call it: the region look-up and cut (geo), the visitor hash
// (collector/visit), and the search for the address in texts of its hit
// (privacy/scrub). A test of the architecture holds the list.
func (a Addr) Reveal() netip.Addr {
	if a.reveal == nil {
		return netip.Addr{}
	}
	return a.reveal()
}

// IsValid reports whether an address is known.
func (a Addr) IsValid() bool { return a.reveal != nil }

// Format implements fmt.Formatter for every verb and flag.
func (Addr) Format(f fmt.State, _ rune) { io.WriteString(f, "[address]") }

// String implements fmt.Stringer.
func (Addr) String() string { return "[address]" }

// LogValue implements slog.LogValuer.
func (Addr) LogValue() slog.Value { return slog.StringValue("[address]") }

// MarshalText refuses: encoding/json, encoding/xml and encoding/csv helpers use it.
func (Addr) MarshalText() ([]byte, error) { return nil, errSecret }

// MarshalJSON refuses.
func (Addr) MarshalJSON() ([]byte, error) { return nil, errSecret }

// MarshalBinary refuses: encoding/gob uses it.
func (Addr) MarshalBinary() ([]byte, error) { return nil, errSecret }
