// Package geo turns the address of a visitor into what may be kept of it: a country, a
// region, and the network that it is cut to.
package geo

import (
	"net/netip"

	"github.com/fotspor/fotspor/hit"
)

// The longest prefixes that Cut keeps, in bits. With any policy, an IPv4 network has at
// least 256 addresses, and an IPv6 network at least as many as an internet provider gives to
// one customer.
const (
	MaxBits4 = 24
	MaxBits6 = 48
)

// Place is where an address is. Nothing finer than a region is read from a GeoIP database.
// The zero Place means unknown.
type Place struct {
	Country string // ISO 3166-1 alpha-2, upper case; "" = unknown
	Region  string // ISO 3166-2 code of the first subdivision, such as NO-50; "" = unknown
}

var sixToFour = netip.MustParsePrefix("2002::/16")

// Cut returns Network in CIDR form, such as 192.0.0.0/16 or 2001:db8::/32, or ""
// without an address.
func Cut(addr hit.Addr, bits4, bits6 int) string {
	network := Network(addr, bits4, bits6)
	if !network.IsValid() {
		return ""
	}
	var text [48]byte
	return string(network.AppendTo(text[:0]))
}

// Network returns the network of addr: the first bits4 bits of an IPv4 address, or bits6 of
// an IPv6 address. Numbers below 0 count as 0, and those above MaxBits4 and MaxBits6 as
// these. A 6to4 address (RFC 3056) holds an IPv4 address in bits 16 to 47; no more of that
// is kept than of any other IPv4 address. Without an address Network returns the zero
// Prefix.
func Network(addr hit.Addr, bits4, bits6 int) netip.Prefix {
	a := addr.Reveal()
	if !a.IsValid() {
		return netip.Prefix{}
	}
	bits4 = min(max(bits4, 0), MaxBits4)
	bits := min(max(bits6, 0), MaxBits6)
	switch {
	case a.Is4():
		bits = bits4
	case sixToFour.Contains(a):
		bits = min(bits, sixToFour.Bits()+bits4)
	}
	network, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // can't happen: bits fit both families
	}
	return network
}
