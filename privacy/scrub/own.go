package scrub

import (
	"net/netip"
	"strings"
)

// own marks the address of the sender, in any spelling: with any signs or words
// between its numbers, forwards and backwards, decimal, octal and hexadecimal, as one
// number, and inside of an IPv6 address. Since it looks for one address only, next to
// nothing else is taken for it.
func (s Scrubber) own(text string) string {
	if !s.Sender.IsValid() {
		return text
	}
	a := s.Sender.Reveal()
	if a.Is4() {
		octets := a.As4()
		text = numbers(text, octets)
		return hexes(text, octets[:], 8)
	}
	wide := a.As16()
	text = hexes(text, wide[:], 32)
	return groups(text, a)
}

// mayBeOwn reports whether a text may hold some address in a spelling that own marks. It
// goes by what those need at the least: numbers beside each other that can hold 32 bits,
// eight digits in one go, decimal or hexadecimal, or a pair of signs that stands for zeros.
func mayBeOwn(s string) bool {
	numbers, ended := 0, -maxGap-1 // that follow one another, and where the last one ended
	nibbles, signs := 0, 0         // hexadecimal digits, and what stands behind the last one
	for i := 0; i < len(s); i++ {
		c := class[s[i]]
		if c&digit != 0 && (i == 0 || class[s[i-1]]&digit == 0) {
			if i-ended > maxGap {
				numbers = 0
			}
			ended = digits(s, i)
			numbers++
			if n := ended - i; numbers >= 4 || numbers == 3 && n >= 3 || numbers == 2 && n >= 5 {
				return true
			}
		}
		switch {
		case c&hex != 0:
			if nibbles++; nibbles == 8 {
				return true
			}
			signs = 0
		case c&alnum == 0:
			if signs++; signs > 2 {
				nibbles = 0
			}
			if i >= 2 && s[i-1] == s[i] && class[s[i-2]]&hex != 0 {
				return true
			}
		case s[i]|0x20 != 'x' || i == 0 || s[i-1] != '0':
			nibbles = 0
		}
	}
	return false
}

// maxGap is how far apart two numbers of an address may stand, in bytes.
const maxGap = 8

// numbers marks the sender's IPv4 address where its numbers follow one another, or
// where they are one.
func numbers(s string, octets [4]byte) string {
	e := edit{s: s}
	forms := spellings(octets)
	for i := 0; i < len(s); {
		if class[s[i]]&digit == 0 {
			i++
			continue
		}
		if end := follow(s, i, octets, forms); end > 0 {
			e.mark(i, end, ip)
			i = end
			continue
		}
		i = digits(s, i)
	}
	return e.text()
}

// form is a spelling of an address of as many numbers as parts.
type form struct {
	parts [4]uint32
	n     int
}

// spellings returns how an address is written in decimal numbers: the forms that the
// C library reads, and each backwards.
func spellings(o [4]byte) [8]form {
	back := [4]byte{o[3], o[2], o[1], o[0]}
	var all [8]form
	for i, o := range [2][4]byte{o, back} {
		a, b, c, d := uint32(o[0]), uint32(o[1]), uint32(o[2]), uint32(o[3])
		all[4*i] = form{[4]uint32{a, b, c, d}, 4}
		all[4*i+1] = form{[4]uint32{a, b, c<<8 | d}, 3}
		all[4*i+2] = form{[4]uint32{a, b<<16 | c<<8 | d}, 2}
		all[4*i+3] = form{[4]uint32{a<<24 | b<<16 | c<<8 | d}, 1}
	}
	return all
}

// follow returns the end of one of the spellings at s[i], 0 if none is there.
func follow(s string, i int, octets [4]byte, forms [8]form) int {
	first := digits(s, i)
	if glued(s[i:first], octets) {
		return first
	}
	decimal, octal := values(s[i:first])
	for _, f := range forms {
		if decimal != f.parts[0] && octal != f.parts[0] {
			continue
		}
		if f.n == 1 && f.parts[0] < 1<<24 || f.n == 2 && f.parts[1] < 1<<16 || f.n == 3 && f.parts[2] < 1<<8 {
			continue // too short to be known by
		}
		end, n := first, 1
		for n < f.n {
			start := end
			for start < len(s) && start-end < maxGap && class[s[start]]&digit == 0 {
				start++
			}
			end = digits(s, start)
			if decimal, octal := values(s[start:end]); end == start || decimal != f.parts[n] && octal != f.parts[n] {
				break
			}
			n++
		}
		if n == f.n {
			return end
		}
	}
	return 0
}

// values returns what digits write, decimal, and octal after a zero. What is no number
// of 32 bits is noNumber.
func values(digits string) (decimal, octal uint32) {
	short := strings.TrimLeft(digits, "0")
	if len(short) > 12 {
		return noNumber, noNumber
	}
	d, o := uint64(0), uint64(0)
	for _, b := range []byte(short) {
		d = d*10 + uint64(b-'0')
		o = o<<3 | uint64(b-'0')
		if b > '7' {
			o |= 1 << 48
		}
	}
	decimal, octal = uint32(min(d, noNumber)), noNumber
	if len(short) < len(digits) {
		octal = uint32(min(o, noNumber))
	}
	return decimal, octal
}

// noNumber is the broadcast address, which nobody sends from.
const noNumber = 1<<32 - 1

// glued reports whether digits are the numbers of an address with nothing between
// them: three for each number, or as many as it has if they are nine or more.
func glued(digits string, o [4]byte) bool {
	if len(digits) < 9 || len(digits) > 12 {
		return false
	}
	for _, o := range [2][4]byte{o, {o[3], o[2], o[1], o[0]}} {
		var padded, bare [12]byte
		n, m := 0, 0
		for _, x := range o {
			three := [3]byte{'0' + x/100, '0' + x/10%10, '0' + x%10}
			n += copy(padded[n:], three[:])
			skip := 0
			for skip < 2 && three[skip] == '0' {
				skip++
			}
			m += copy(bare[m:], three[skip:])
		}
		if digits == string(padded[:]) || digits == string(bare[:m]) {
			return true
		}
	}
	return false
}

// hexes marks the n hexadecimal digits of an address, forwards and backwards, byte by
// byte and digit by digit, with at most two signs, and the 0x of programs, between
// them.
func hexes(s string, address []byte, n int) string {
	var want [3][32]byte
	for i, b := range address {
		high, low := b>>4, b&15
		want[0][2*i], want[0][2*i+1] = high, low
		want[1][n-2*i-2], want[1][n-2*i-1] = high, low
		want[2][n-2*i-2], want[2][n-2*i-1] = low, high
	}
	e := edit{s: s}
	for i := 0; i < len(s); i++ {
		if class[s[i]]&hex == 0 {
			continue
		}
		for w := range want {
			if nibble(s[i]) != want[w][0] {
				continue
			}
			if end := spell(s, i, want[w][:n]); end > 0 {
				from := i
				if from-2 >= e.last && s[from-2] == '0' && s[from-1]|0x20 == 'x' {
					from -= 2
				}
				e.mark(from, end, ip)
				i = end - 1
				break
			}
		}
	}
	return e.text()
}

// spell returns the end of the hexadecimal digits want at s[i], 0 if they are not
// there.
func spell(s string, i int, want []byte) int {
	for n, w := range want {
		if n > 0 {
			start := i
			for i < len(s) && i-start < 2 && class[s[i]]&alnum == 0 && s[i] != '[' && s[i] != ']' {
				i++
			}
			if n%2 == 0 && i+2 < len(s) && s[i] == '0' && s[i+1]|0x20 == 'x' {
				i += 2
			}
		}
		if i == len(s) || class[s[i]]&hex == 0 || nibble(s[i]) != w {
			return 0
		}
		i++
	}
	return i
}

// groups marks the sender's IPv6 address where another sign stands for its colons, as
// in the names of hosts, or where zeros are left out.
func groups(s string, a netip.Addr) string {
	e := edit{s: s}
	for i := 0; i < len(s); {
		if class[s[i]]&hex == 0 || i > 0 && class[s[i-1]]&alnum != 0 {
			i++
			continue
		}
		if end := spelled(s, i, a); end > 0 {
			e.mark(i, end, ip)
			i = end
			continue
		}
		i = max(run(s, i, alnum), i+1)
	}
	return e.text()
}

// spelled returns the end of a spelling of a at s[i], 0 if there is none.
func spelled(s string, i int, a netip.Addr) int {
	first := run(s, i, hex)
	if first == len(s) || first-i > 4 || class[s[first]]&alnum != 0 {
		return 0
	}
	begin := a.As16()
	if c, ok := hexRune(s, i, first-i); !ok || c != rune(begin[0])<<8|rune(begin[1]) {
		return 0
	}
	part := s[first]
	var text [48]byte
	n, best := 0, 0
	for end := i; end < len(s) && n < len(text); end++ {
		switch {
		case class[s[end]]&hex != 0:
			text[n] = s[end]
		case s[end] == part:
			text[n] = ':'
		default:
			return best
		}
		n++
		if end+1 == len(s) || class[s[end+1]]&alnum == 0 {
			if got, err := netip.ParseAddr(string(text[:n])); err == nil && got == a {
				best = end + 1
			}
		}
	}
	return best
}
