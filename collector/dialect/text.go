package dialect

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Clean returns s as Text, of at most limit bytes, cut between characters.
func Clean(s string, limit int) string {
	s = cut(s, limit)
	if utf8.ValidString(s) { // fast: eight bytes at a time
		return s
	}
	return cut(Text(s), limit)
}

// SearchName returns the name of a search, such as "red shoes / Shop": the term as typed,
// with single spaces, and the category if there is one.
func SearchName(term, category string) string {
	name := strings.Join(strings.Fields(term), " ")
	if category = strings.TrimSpace(category); category != "" {
		name += " / " + category
	}
	return Clean(name, MaxURL)
}

// cut returns at most limit bytes of s, without a part of a character at its end.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// Text returns s as valid UTF-8. Bytes that are not UTF-8 are read as characters of
// Windows-1252, as browsers do for pages in Latin-1. An incomplete UTF-8 character at the
// end, where the sender has cut s, is dropped.
func Text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	if whole := withoutPart(s); utf8.ValidString(whole) && !isASCII(whole) {
		return whole
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size == 1 {
			r = charmap.Windows1252.DecodeByte(s[0])
		}
		b.WriteRune(r)
		s = s[size:]
	}
	return b.String()
}

// withoutPart returns s without an incomplete character at its end.
func withoutPart(s string) string {
	for i := len(s) - 1; i >= max(0, len(s)-utf8.UTFMax+1); i-- {
		if utf8.RuneStart(s[i]) {
			if !utf8.FullRuneInString(s[i:]) {
				return s[:i]
			}
			break
		}
	}
	return s
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// PageURL returns the URL of a page as Clean does, and decodes entities for & in its
// query: links in mails and feeds are often escaped once more than they are unescaped.
func PageURL(raw string) string {
	raw = Clean(raw, MaxURL)
	start := strings.IndexByte(raw, '?') + 1
	if start == 0 || strings.IndexByte(raw[start:], ';') < 0 && !strings.Contains(raw[start:], "%3") {
		return raw
	}
	var b strings.Builder
	for rest := raw[start:]; ; {
		rest = afterEntity(rest)
		at := strings.IndexByte(rest, '&')
		if at < 0 {
			return raw[:start] + b.String() + rest
		}
		b.WriteString(rest[:at+1])
		rest = rest[at+1:]
	}
}

// afterEntity removes the rest of an HTML entity for & from the front of s, which follows
// an &: amp; #38; #x26; in either case, once or several times, the semicolon escaped or
// not.
func afterEntity(s string) string {
	for {
		var rest string
		switch {
		case len(s) > 3 && strings.EqualFold(s[:3], "amp"):
			rest = s[3:]
		case len(s) > 3 && s[0] == '#':
			number, digits := s[1:], "38"
			if number[0]|0x20 == 'x' {
				number, digits = number[1:], "26"
			}
			var ok bool
			if rest, ok = strings.CutPrefix(strings.TrimLeft(number, "0"), digits); !ok {
				return s
			}
		default:
			return s
		}
		switch {
		case strings.HasPrefix(rest, ";"):
			s = rest[1:]
		case len(rest) >= 3 && strings.EqualFold(rest[:3], "%3b"):
			s = rest[3:]
		default:
			return s
		}
	}
}
