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
	sign  // an at sign, or a percent sign that may begin one
	alnum = digit | upper | lower
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
		case c == '@' || c == '%':
			table[c] = sign
		}
		if 'A' <= c && c <= 'F' || 'a' <= c && c <= 'f' {
			table[c] |= hex
		}
	}
	return table
}

// letter stands for a byte outside ASCII that is written as an escape: a letter,
// or a part of one.
const letter = 'ø'

// next returns the character at s[i] and the number of bytes it is written with.
// An escape is what it stands for, escaped up to three times over.
func next(s string, i int) (c rune, n int) {
	switch b := s[i]; {
	case b == '%':
		return escape(s, i)
	case b < utf8.RuneSelf:
		return rune(b), 1
	}
	return utf8.DecodeRuneInString(s[i:])
}

// maxEscape is the longest escape of one character: %252540.
const maxEscape = 7

func escape(s string, i int) (c rune, n int) {
	n = 1
	for n < maxEscape-2 && i+n+4 <= len(s) && s[i+n:i+n+2] == "25" && isHex(s[i+n+2:i+n+4]) {
		n += 2
	}
	if i+n+2 > len(s) || !isHex(s[i+n:i+n+2]) {
		return '%', 1
	}
	b := nibble(s[i+n])<<4 | nibble(s[i+n+1])
	if b >= utf8.RuneSelf {
		return letter, n + 2
	}
	return rune(b), n + 2
}

func nibble(b byte) byte {
	if class[b]&digit != 0 {
		return b - '0'
	}
	return b&0x0f + 9
}

// previous returns the character that ends before s[i] and where it begins.
func previous(s string, i int) (c rune, start int) {
	for n := 3; n <= min(maxEscape, i); n += 2 {
		if s[i-n] == '%' {
			if c, size := escape(s, i-n); size == n {
				return c, i - n
			}
		}
	}
	c, n := utf8.DecodeLastRuneInString(s[:i])
	return c, i - n
}

// isWord reports whether c is part of a word or a number.
func isWord(c rune) bool {
	if c < utf8.RuneSelf {
		return class[byte(c)]&alnum != 0
	}
	return c != utf8.RuneError && (unicode.IsLetter(c) || unicode.IsMark(c) || unicode.IsNumber(c))
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
// the first of which ends before s[i]. It is told as a space, hyphen or full stop,
// with the start of the next group, or as 0. A plus is a space in a form that was
// sent.
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
	case '.':
	default:
		return 0, 0
	}
	if i+n == len(s) || class[s[i+n]]&digit == 0 {
		return 0, 0
	}
	return c, i + n
}
