package scrub

import (
	"unicode"
	"unicode/utf8"
)

// Classes of bytes. digit is 1, to be counted by adding.
const (
	digit byte = 1 << iota
	upper
	lower
	hex
	slash  // / and \
	code   // may begin or be a part of an encoding: % & \ = and all bytes outside ASCII
	alnum  = digit | upper | lower
	letter = upper | lower
)

var class = classes()

func classes() (table [256]byte) {
	for c := range table {
		switch {
		case '0' <= c && c <= '9':
			table[c] = digit | hex
		case 'A' <= c && c <= 'Z':
			table[c] = upper
		case 'a' <= c && c <= 'z':
			table[c] = lower
		case c == '%' || c == '&' || c == '\\' || c == '=' || c < ' ' || c >= 0x7f:
			table[c] = code
		}
		if c == '/' || c == '\\' {
			table[c] |= slash
		}
		if 'A' <= c && c <= 'F' || 'a' <= c && c <= 'f' {
			table[c] |= hex
		}
	}
	return table
}

// next returns the character at s[i] and the number of its bytes.
func next(s string, i int) (c rune, n int) {
	if s[i] < utf8.RuneSelf {
		return rune(s[i]), 1
	}
	return utf8.DecodeRuneInString(s[i:])
}

// previous returns the character that ends before s[i] and where it begins.
func previous(s string, i int) (c rune, start int) {
	c, n := utf8.DecodeLastRuneInString(s[:i])
	return c, i - n
}

// nibble returns the value of a hexadecimal digit.
func nibble(b byte) byte {
	if class[b]&digit != 0 {
		return b - '0'
	}
	return b&0x0f + 9
}

// isWord reports whether c is part of a word or a number. Superscripts, which stand
// for notes, are not.
func isWord(c rune) bool {
	if c < utf8.RuneSelf {
		return class[byte(c)]&alnum != 0
	}
	return c != utf8.RuneError && (unicode.IsLetter(c) || unicode.IsMark(c) || unicode.IsDigit(c))
}

// wordAt reports whether a word or a number goes on at s[i].
func wordAt(s string, i int) bool {
	if i == len(s) {
		return false
	}
	c, _ := next(s, i)
	return isWord(c)
}

// wordBefore reports whether a word or a number ends before s[i], i > 0.
func wordBefore(s string, i int) bool {
	c, _ := previous(s, i)
	return isWord(c)
}

// digitAt reports whether s[i] is a digit.
func digitAt(s string, i int) bool { return i < len(s) && class[s[i]]&digit != 0 }

// isHex reports whether s is of hexadecimal digits only.
func isHex(s string) bool {
	for i := range len(s) {
		if class[s[i]]&hex == 0 {
			return false
		}
	}
	return true
}

// run returns the end of the bytes of a class from s[i] on.
func run(s string, i int, of byte) int {
	for i < len(s) && class[s[i]]&of != 0 {
		i++
	}
	return i
}

// digits returns the end of the digits from s[i] on.
func digits(s string, i int) int { return run(s, i, digit) }

// separator reads the one character that may stand between two groups of digits,
// the first of which ends before s[i]. It returns a space, hyphen, full stop or
// underscore, with the start of the next group, or 0. A plus is a space in a form
// that was sent.
func separator(s string, i int) (c rune, group int) {
	if i == len(s) {
		return 0, 0
	}
	c, n := next(s, i)
	switch c {
	case ' ', '+', '\u00a0', '\u2009', '\u202f':
		c = ' '
	case '-', '\u2010', '\u2011', '\u2012', '\u2013':
		c = '-'
	case '.', '_':
	default:
		return 0, 0
	}
	if !digitAt(s, i+n) {
		return 0, 0
	}
	return c, i + n
}

// gap returns the start of the digits that at most most characters, none of them
// a letter, a digit or the bracket of a mark, part from what ends before s[i]. It
// returns 0 where there are none.
func gap(s string, i, most int) (group int) {
	for n := 0; i < len(s) && n <= most; n++ {
		if class[s[i]]&digit != 0 {
			return i
		}
		c, size := next(s, i)
		if isWord(c) || c == '[' || c == ']' || c == '@' {
			return 0
		}
		i += size
	}
	return 0
}
