package scrub

import (
	"net/netip"
	"strings"
)

// addresses marks internet addresses, whoever's they are: IPv4 as four numbers
// between full stops, and in the name of a host between hyphens, too; IPv6 as text
// (RFC 4291), and as the nibbles of ip6.arpa.
//
// What says no more than the network that is stored anyway is left alone:
// 138.0.0.0, which is mostly a version, and 2001:db8::.
func addresses(s string, as kind) string {
	e := edit{s: s}
	for i := 0; i < len(s); {
		b := s[i]
		if class[b]&hex == 0 && b != ':' {
			i++
			continue
		}
		if end := ipv6(s, i); end > 0 {
			e.mark(bracketBefore(s, e.last, i, &end), end, ip)
			i = end
			continue
		}
		if end := dashed(s, i); end > 0 && (as == hostName || !isYear(s[i:i+4]) || s[i:i+4] <= "2003") {
			e.mark(i, end, ip)
			i = end
			continue
		}
		if end := nibbles(s, i); end > 0 {
			e.mark(i, end, ip)
			i = end
			continue
		}
		if class[b]&digit == 0 {
			i = run(s, i, alnum)
			i = max(i, 1)
			if i < len(s) && s[i] == ':' {
				i++
			}
			continue
		}
		end, found := ipv4(s, i, as)
		if found {
			e.mark(i, end, ip)
		}
		i = end
	}
	return e.text()
}

// bracketBefore takes the brackets of [2001:db8::1] into the address s[from:*end].
func bracketBefore(s string, last, from int, end *int) int {
	if from > last && s[from-1] == '[' && *end < len(s) && s[*end] == ']' {
		*end++
		return from - 1
	}
	return from
}

// quad reads four numbers of an IPv4 address at s[i], parted by one of parts, the
// same each time. Zeros may stand before a number.
func quad(s string, i int, parts string) (octets [4]byte, end int, part byte) {
	end = i
	for n := range octets {
		if n > 0 {
			if end == len(s) || strings.IndexByte(parts, s[end]) < 0 || n > 1 && s[end] != part {
				return octets, 0, 0
			}
			part = s[end]
			end++
		}
		start := end
		value := 0
		for end < len(s) && end-start < 3 && class[s[end]]&digit != 0 {
			value = value*10 + int(s[end]-'0')
			end++
		}
		if end == start || value > 255 || digitAt(s, end) {
			return octets, 0, 0
		}
		octets[n] = byte(value)
	}
	return octets, end, part
}

// ipv4 returns the end of the address of the digits at s[i], or the end of what is
// none.
func ipv4(s string, i int, as kind) (end int, found bool) {
	skip := digits(s, i)
	octets, end, part := quad(s, i, ".-_")
	if end == 0 {
		return skip, false
	}
	// More numbers before or behind make a date, a version or an object identifier.
	if i > 1 && s[i-1] == part && class[s[i-2]]&digit != 0 || end < len(s) && s[end] == part && digitAt(s, end+1) {
		for end < len(s) && s[end] == part && digitAt(s, end+1) {
			end = digits(s, end+1)
		}
		return end, false
	}
	if octets[2] == 0 && octets[3] == 0 { // a network that is stored anyway
		return end, false
	}
	if part != '.' {
		return end, as == hostName || large(octets) >= 2
	}
	if octets[0] == 0 || isVersion(s, i) && octets[0] < 100 && large(octets) < 2 {
		return end, false
	}
	return end, true
}

// large returns how many of four numbers have three digits.
func large(octets [4]byte) (n int) {
	for _, o := range octets {
		if o >= 100 {
			n++
		}
	}
	return n
}

// versionWords stand before numbers with full stops that are none of an address.
var versionWords = []string{
	"v", "ver", "version", "versjon", "utgave", "utgåve", "release", "build", "rev", "revision", "revisjon",
	"kap", "kapittel", "kapitel", "chapter", "punkt", "pkt", "avsnitt", "section", "seksjon", "del", "§", "§§", "nr",
	"vedlegg", "tabell", "figur", "oid",
}

// isVersion reports whether the number at s[i] is told to be a version or a section:
// a word that says so, or the at sign behind the name of a package, stands before it.
func isVersion(s string, i int) bool {
	if i > 0 && s[i-1] == '@' {
		return true
	}
	before := strings.TrimRight(s[max(0, i-16):i], " ./:-_=")
	start := len(before)
	for start > 0 {
		c, at := previous(before, start)
		if !isWord(c) && c != '§' {
			break
		}
		start = at
	}
	for _, w := range versionWords {
		if strings.EqualFold(before[start:], w) {
			return true
		}
	}
	return false
}

// ipv6 returns the end of the IPv6 address at s[i], 0 if there is none. A zone
// belongs to it.
func ipv6(s string, i int) (end int) {
	if i > 0 && (class[s[i-1]]&alnum != 0 || s[i-1] == ':' && isGroup(s, i-1)) {
		return 0
	}
	colons, last := 0, i
	for last < len(s) && last-i < 48 && (class[s[last]]&hex != 0 || s[last] == ':' || s[last] == '.') {
		if s[last] == ':' {
			colons++
		}
		last++
	}
	if colons < 2 {
		return 0
	}
	if last < len(s) && class[s[last]]&alnum != 0 { // part of a word
		last = strings.LastIndexAny(s[:last], ":.")
	}
	// Punctuation may follow, and so may a port.
	for end = last; end > i; end = strings.LastIndexAny(s[:end], ":.") {
		a, err := netip.ParseAddr(s[i:end])
		if err != nil {
			continue
		}
		if !isHostAddr(a) || !isLikely(s[i:end]) {
			return 0
		}
		if end < len(s) && s[end] == '%' && end+1 < len(s) && class[s[end+1]]&alnum != 0 {
			end = run(s, end+1, alnum)
		}
		return end
	}
	return 0
}

// dashed returns the end of the IPv6 address at s[i] with hyphens for its colons, as
// in the name of a host, 0 if there is none. It is a public one.
func dashed(s string, i int) (end int) {
	if s[i] != '2' && s[i] != '3' || i > 0 && class[s[i-1]]&alnum != 0 || run(s, i, hex) != i+4 {
		return 0
	}
	for end = i; end < len(s) && end-i < 40 && (class[s[end]]&hex != 0 || s[end] == '-'); {
		end++
	}
	if end < len(s) && class[s[end]]&alnum != 0 || strings.Count(s[i:end], "-") < 3 {
		return 0
	}
	a, err := netip.ParseAddr(strings.ReplaceAll(s[i:end], "-", ":"))
	if err != nil || !isHostAddr(a) {
		return 0
	}
	return end
}

// isGroup reports whether a group of an IPv6 address, or the colon of two, ends before
// s[i], and not a word as in ip:2001:db8::1.
func isGroup(s string, i int) bool {
	start := i
	for start > 0 && i-start < 5 && class[s[start-1]]&alnum != 0 {
		start--
	}
	return i > 0 && s[i-1] == ':' || start < i && i-start <= 4 && isHex(s[start:i])
}

// isHostAddr reports whether an IPv6 address says more than its first 32 bits.
func isHostAddr(a netip.Addr) bool {
	b := a.As16()
	for _, x := range b[4:] {
		if x != 0 {
			return true
		}
	}
	return false
}

// isLikely reports whether a text that reads as an IPv6 address can't well be
// anything else, as dead::beef and 1::2 are in programs.
func isLikely(text string) bool {
	first, _, _ := strings.Cut(text, ":")
	return strings.ContainsAny(text, "0123456789") && (len(first) >= 3 || strings.Count(text, ":") >= 4 || strings.Contains(text, "."))
}

// nibbles returns the end of 16 or more single hexadecimal digits at s[i], with a
// full stop or a hyphen between each two, 0 if there are none: how an IPv6 address is
// written in ip6.arpa.
func nibbles(s string, i int) (end int) {
	if i+2 >= len(s) || s[i+1] != '.' && s[i+1] != '-' || i > 0 && class[s[i-1]]&alnum != 0 {
		return 0
	}
	n := 0
	for end = i; end < len(s) && class[s[end]]&hex != 0 && (end+1 == len(s) || class[s[end+1]]&alnum == 0); {
		n++
		end++
		if end == len(s) || s[end] != s[i+1] {
			break
		}
		end++
	}
	if n < 16 {
		return 0
	}
	return i + 2*n - 1
}
