package scrub

import (
	"strings"
	"unicode"
)

// mails marks mail addresses: all words around an at sign. The name of the host
// needs no full stop, and may be missing at the end of a text or of a word, because
// search boxes that answer at each key send addresses half typed.
func mails(s string) string {
	e := edit{s: s}
	for i := 0; i < len(s); {
		c, n := next(s, i)
		if c != '@' {
			i += n
			continue
		}
		end := atSigns(s, i)
		from, to := mail(s, e.last, i, end)
		if to > 0 {
			e.mark(from, to, email)
			end = to
		}
		i = end
	}
	return e.text()
}

// ats are the words that people write for an at sign, lest machines find the address; dots
// those for a full stop.
var (
	ats  = [...]string{"(at)", "[at]", "{at}", "(@)", "[@]", "{@}", "krøllalfa", "(krøllalfa)", "[krøllalfa]", "@"}
	dots = [...]string{".", "[dot]", "(dot)", "{dot}", "[.]", "(.)", "[punktum]", "(punktum)", "dot", "punktum", "[prikk]", "(prikk)"}
)

// spokenMails marks mail addresses that are written for people: kari [at] example [dot]
// no, or with spaces beside the at sign. The name of the host is whole in them.
func spokenMails(s string) string {
	e := edit{s: s}
	for i := 0; i < len(s); i++ {
		if strings.IndexByte("@([{kK", s[i]) < 0 {
			continue
		}
		end := 0
		for _, at := range ats {
			if len(s)-i >= len(at) && strings.EqualFold(s[i:i+len(at)], at) {
				end = i + len(at)
				break
			}
		}
		if end == 0 {
			continue
		}
		before := i
		for before > e.last && i-before < 3 && s[before-1] == ' ' {
			before--
		}
		from := local(s, e.last, before)
		to := spokenHost(s, end)
		if to == 0 || s[i] == '@' && (before == i && s[end] != ' ' || isPicture(s[spaces(s, end):to])) || from == before || !hasLetter(s[from:before]) {
			continue
		}
		e.mark(from, to, email)
		i = to - 1
	}
	return e.text()
}

// spokenHost returns the end of the name of a host at s[i], with words or a full stop
// between its labels, the last of which is of letters; 0 if there is none.
func spokenHost(s string, i int) (end int) {
	i = spaces(s, i)
	for n := 0; ; n++ {
		start := i
		for i < len(s) {
			c, size := next(s, i)
			if !isWord(c) && c != '-' {
				break
			}
			i += size
		}
		if i == start {
			return end
		}
		if n > 0 && i-start >= 2 && !strings.ContainsAny(s[start:i], "0123456789") {
			end = i
		}
		at := spaces(s, i)
		following := 0
		for _, dot := range dots {
			if len(s)-at >= len(dot) && strings.EqualFold(s[at:at+len(dot)], dot) && (dot != "." || at == i) && (dot[0] < 'a' || dot[0] > 'z' || at > i) {
				following = at + len(dot)
				break
			}
		}
		if following == 0 {
			return end
		}
		if i = following; s[following-1] != '.' {
			i = spaces(s, i)
		}
	}
}

// spaces returns the end of at most two spaces at s[i].
func spaces(s string, i int) int {
	for n := 0; n < 2 && i < len(s) && s[i] == ' '; n++ {
		i++
	}
	return i
}

// atSigns returns the end of the at signs at s[i]: two of them are a slip.
func atSigns(s string, i int) int {
	for i < len(s) {
		c, n := next(s, i)
		if c != '@' {
			break
		}
		i += n
	}
	return i
}

// mail returns the bounds of the address whose at signs are s[at:end], to = 0 if
// there is none. It looks no further back than last.
func mail(s string, last, at, end int) (from, to int) {
	from = local(s, last, at)
	if from == at {
		return 0, 0
	}
	to, ok := host(s, end)
	if !ok || isPicture(s[end:to]) {
		return 0, 0
	}
	if to == end && !hasLetter(s[from:at]) {
		return 0, 0
	}
	for to < len(s) { // a forwarded address has two at signs, or more
		end := atSigns(s, to)
		more, ok := host(s, end)
		if end == to || !ok || more == end {
			break
		}
		to = more
	}
	return prefix(s, last, from), to
}

// local returns the start of the local part that ends before s[at], at if there
// is none.
func local(s string, last, at int) int {
	from := at
	if at > last && s[at-1] == '"' {
		return quoted(s, last, at)
	}
	for from > last {
		c, start := previous(s, from)
		if start < last || !isLocal(c) {
			break
		}
		from = start
	}
	for from < at {
		c, n := next(s, from)
		if isWord(c) {
			break
		}
		from += n
	}
	return min(from, at)
}

// isLocal reports whether c can be part of a local part: what RFC 5322 allows, but
// for what stands between the parts of a URL.
func isLocal(c rune) bool {
	return isWord(c) || c < unicode.MaxASCII && strings.IndexByte("!$%'*+-.^_`~", byte(c)) >= 0
}

// quoted is local for one in quotation marks, of at most 64 bytes (RFC 5321). It
// holds no slash, and no mark: what is no address has to stay none when numbers
// become marks.
func quoted(s string, last, at int) int {
	first := max(last, at-66)
	open := strings.LastIndexByte(s[first:at-1], '"')
	if open < 0 || !strings.ContainsFunc(s[first+open:at], isWord) || strings.ContainsAny(s[first+open:at], "@[]/") {
		return at
	}
	return first + open
}

// host returns the end of the name of a host at s[i], or of an address in its place,
// and whether what is there can follow an at sign.
func host(s string, i int) (to int, ok bool) {
	if end := literal(s, i); end > 0 {
		return end, true
	}
	to = i
	letters := false
	for j := i; j < len(s); {
		c, n := next(s, j)
		if isWord(c) {
			letters = letters || !unicode.IsNumber(c)
			to = j + n
		} else if j == i || c != '.' && c != '-' && c != '_' {
			break
		}
		j += n
	}
	if to > i {
		return to, letters // without a letter it is a version, as in react@18.2.0
	}
	if i == len(s) {
		return i, true
	}
	c, _ := next(s, i)
	return i, c == '/' || unicode.IsSpace(c)
}

// literal returns the end of the internet address that stands for a host at s[i],
// with or without brackets (RFC 5321), 0 if there is none.
func literal(s string, i int) (end int) {
	start := i
	if start < len(s) && s[start] == '[' {
		if start++; strings.HasPrefix(s[start:], "IPv6:") {
			start += len("IPv6:")
		}
	}
	octets, end, _ := quad(s, start, ".")
	if end == 0 {
		end = ipv6(s, start)
	} else if start == i && octets[0] < 100 && large(octets) < 2 {
		return 0 // a version, as in react@18.2.0.1
	}
	if end > 0 && start > i {
		if end == len(s) || s[end] != ']' {
			return 0
		}
		end++
	}
	return end
}

// isPicture reports whether what follows an at sign says how dense a picture is,
// as in logo@2x.png.
func isPicture(host string) bool {
	scale, kind, ok := strings.Cut(host, "x.")
	if !ok { // bilde@2x
		scale, ok = strings.CutSuffix(host, "x")
		return ok && scale != "" && strings.Trim(scale, "123456789.") == ""
	}
	switch strings.ToLower(kind) {
	case "png", "jpg", "jpeg", "gif", "webp", "avif", "svg":
		return scale != "" && strings.Trim(scale, "123456789.") == ""
	}
	return false
}

// prefix takes what belongs to an address into it: its scheme, and the at sign
// that the handles of a network of servers begin with.
func prefix(s string, last, from int) int {
	if from == last {
		return from
	}
	c, start := previous(s, from)
	if c == '@' && start >= last {
		return start
	}
	const scheme = "mailto"
	start -= len(scheme)
	if c != ':' || start < last || !strings.EqualFold(s[start:start+len(scheme)], scheme) || start > last && wordBefore(s, start) {
		return from
	}
	return start
}

// hasLetter reports whether there is more than digits in a local part.
func hasLetter(s string) bool { return strings.ContainsFunc(s, unicode.IsLetter) }
