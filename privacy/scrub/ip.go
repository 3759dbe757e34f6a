package scrub

import (
	"net/netip"
	"slices"
	"strings"
	"unicode"
)

// addresses marks internet addresses, whoever's they are: IPv4 as four numbers
// between full stops, and in the name of a host between hyphens or in hexadecimal
// digits, too; IPv6 as text
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
		if end := hexName(s, i); end > 0 {
			e.mark(i, end, ip)
			i = end
			continue
		}
		if class[b]&digit == 0 {
			i = max(run(s, i, letter), i+1)
			if i < len(s) && s[i] == ':' {
				i++
			}
			continue
		}
		if from, end := inName(s, i, as); end > 0 {
			if from < end {
				e.mark(from, end, ip)
			}
			i = end
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
	if octets[0] == 0 || large(octets) < 2 && isVersion(s, i) || isHeading(s, i, end, octets) {
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
	"vedlegg", "tabell", "figur", "oid", "krav", "vilkår", "vilkar", "ledd", "artikkel", "art", "regel", "rule", "clause", "standard", "iso",
	"firefox", "chrome", "chromium", "safari", "edge", "opera", "webkit", "gecko", "webview", "electron", "ios", "ipados", "macos", "osx", "android",
	"windows", "linux", "kernel", "ubuntu", "debian", "java", "jdk", "jre", "openjdk", "php", "python", "nodejs", "ruby", "rails", "perl", "go",
	"golang", "rust", "swift", "kotlin", "scala", "dotnet", "sdk", "nginx", "apache", "tomcat", "iis", "httpd", "caddy", "haproxy", "varnish",
	"openssl", "openssh", "curl", "mysql", "mariadb", "postgres", "postgresql", "oracle", "sqlite", "redis", "elasticsearch", "kafka", "mongodb",
	"clickhouse", "docker", "kubernetes", "k8s", "helm", "git", "wordpress", "drupal", "joomla", "umbraco", "matomo", "episerver", "optimizely", "sharepoint",
	"office", "excel", "word", "outlook", "teams", "zoom", "acrobat", "reader", "vlc", "gradle", "maven", "npm", "react", "vue", "angular", "jquery", "bootstrap",
	"app", "firmware", "driver", "bios", "patch", "sap", "citrix", "autocad", "revit", "arcgis", "qgis", "spss", "matlab", "flash", "minecraft",
}

// isHeading reports whether four small numbers are those of a section, at the beginning
// of a text with its title behind.
func isHeading(s string, i, end int, octets [4]byte) bool {
	const most = 20
	for _, o := range octets {
		if o == 0 || o > most {
			return false
		}
	}
	if i > 0 || end+1 >= len(s) || s[end] != ' ' {
		return false
	}
	c, _ := next(s, end+1)
	return unicode.IsUpper(c)
}

// fileEndings are what a name ends with that is none of a host.
var fileEndings = strings.Fields("pdf html htm xhtml php asp aspx jsp do doc docx xls xlsx ppt pptx odt ods rtf csv txt xml json yaml yml zip gz tar jpg jpeg png gif " +
	"svg webp avif ico tif tiff bmp eps mp3 mp4 mov webm avi wav js mjs css map woff woff2 ttf log bak sos gml kml dwg dxf ics eml msg")

// isHostTail reports whether s[i:] is the rest of the name of a host: of its first label,
// and a full stop with at least one label more, the last of letters.
func isHostTail(s string, i int) bool {
	const longest = 253 // of a name, RFC 1035
	s = s[i:min(len(s), i+longest)]
	i = 0
	for i < len(s) && (class[s[i]]&alnum != 0 || isJoint(s[i])) {
		i++
	}
	last := ""
	for i < len(s) && s[i] == '.' {
		start := i + 1
		end := start
		for end < len(s) && (class[s[end]]&alnum != 0 || isJoint(s[end])) {
			end++
		}
		if end == start {
			break
		}
		last, i = s[start:end], end
	}
	return len(last) >= 2 && run(last, 0, letter) == len(last) && !slices.Contains(fileEndings, strings.ToLower(last))
}

// maxNameNumbers is how many numbers of the name of a host may stand in a row, an
// address among them.
const maxNameNumbers = 6

// inName returns the bounds of the IPv4 address in the name of a host whose numbers
// begin at s[i], with hyphens, underscores or the letter x between them: more numbers
// before or behind, as of a node, go with it. end = 0 says that there is no such row of
// numbers, from = end that it is something else.
func inName(s string, i int, as kind) (from, end int) {
	end = digits(s, i)
	if end == len(s) || !isJoint(s[end]) && s[end]|0x20 != 'x' || i > 1 && s[i-1] == s[end] && class[s[i-2]]&digit != 0 {
		return 0, 0
	}
	sign, from, n, zeros, start := s[end], i, 0, 0, i
	for {
		switch size := end - start; {
		case size <= 3 && octet(s[start:end]) <= 255:
			n++
			if octet(s[start:end]) == 0 {
				zeros++
			}
		case n == 0 && start > 0 && class[s[start-1]]&letter != 0: // node2024-
			from = end + 1
		default:
			return 0, 0
		}
		if end == len(s) || s[end] != sign || !digitAt(s, end+1) {
			break
		}
		start = end + 1
		end = digits(s, start)
	}
	switch {
	case n < 4 || n > maxNameNumbers || zeros > 1 || end < len(s) && class[s[end]]&alnum != 0:
		return 0, 0
	case !isHostTail(s, end) && !(as == hostName && n > 4):
		return 0, 0
	}
	return from, end
}

// octet returns the number that at most three digits write.
func octet(digits string) (n int) {
	for _, b := range []byte(digits) {
		n = n*10 + int(b-'0')
	}
	return n
}

// hexName returns the end of the IPv4 address in hexadecimal digits that a label of the
// name of a host is, perhaps behind letters that are no such digits, 0 if there is none.
func hexName(s string, i int) int {
	end := run(s, i, hex)
	if end != i+8 || end == len(s) || s[end] != '.' || !isHostTail(s, end) {
		return 0
	}
	start := i
	for start > 0 && i-start < 3 && class[s[start-1]]&letter != 0 && class[s[start-1]]&hex == 0 {
		start--
	}
	if start > 0 && (wordBefore(s, start) || s[start-1] == '.') {
		return 0
	}
	numbers := 0
	for _, b := range []byte(s[i:end]) {
		numbers += int(class[b] & digit)
	}
	if numbers < 2 || numbers == 8 {
		return 0
	}
	return end
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
