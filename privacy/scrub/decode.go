package scrub

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Decode takes one layer of encoding off s, as Text does before it looks: percent-
// encoding, HTML entities, \u0040 and the like, quoted-printable, or other forms of the
// same signs. It returns s itself where there is none.
func Decode(s string) string {
	inner, _ := decode(s)
	return inner
}

// decode takes one layer of encoding off s. harmless says that the layer can't have
// been anything else than one, as percent-encoding in what comes from a URL: of the
// others, a number that follows a sign by chance is looked at before it is decoded.
// It returns s itself where there is none.
func decode(s string) (inner string, harmless bool) {
	if strings.IndexByte(s, '%') >= 0 {
		if inner := percent(s); inner != s {
			return inner, true
		}
	}
	if strings.IndexByte(s, '&') >= 0 {
		if inner := html.UnescapeString(s); inner != s {
			return inner, false
		}
	}
	if strings.IndexByte(s, '\\') >= 0 {
		if inner := backslashes(s); inner != s {
			return inner, false
		}
	}
	if strings.IndexByte(s, '=') >= 0 {
		if inner := quotedPrintable(s); inner != s {
			return inner, false
		}
	}
	return fold(s), false
}

// hexByte returns the byte that two hexadecimal digits at s[i] write.
func hexByte(s string, i int) (b byte, ok bool) {
	if i+2 > len(s) || !isHex(s[i:i+2]) {
		return 0, false
	}
	return nibble(s[i])<<4 | nibble(s[i+1]), true
}

// hexRune returns the number that n hexadecimal digits at s[i] write.
func hexRune(s string, i, n int) (c rune, ok bool) {
	if i+n > len(s) || !isHex(s[i:i+n]) {
		return 0, false
	}
	for _, b := range []byte(s[i : i+n]) {
		c = c<<4 | rune(nibble(b))
	}
	return c, true
}

// percent decodes one layer of percent-encoding (RFC 3986), and the %uXXXX of the escape
// function of JavaScript.
func percent(s string) string {
	var b []byte
	last := 0
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			continue
		}
		j := i + 1
		if j+1 < len(s) && s[j]|0x20 == 'u' {
			if c, ok := hexRune(s, j+1, 4); ok {
				end := j + 5
				if utf16.IsSurrogate(c) && strings.HasPrefix(s[end:], "%") && end+1 < len(s) && s[end+1]|0x20 == 'u' {
					if low, ok := hexRune(s, end+2, 4); ok && utf16.DecodeRune(c, low) != utf8.RuneError {
						c, end = utf16.DecodeRune(c, low), end+6
					}
				}
				b = utf8.AppendRune(append(b, s[last:i]...), c)
				last, i = end, end-1
			}
			continue
		}
		if c, ok := hexByte(s, j); ok {
			b = append(append(b, s[last:i]...), c)
			last, i = j+2, j+1
		}
	}
	if b == nil {
		return s
	}
	return readable(append(b, s[last:]...))
}

// readable returns b as UTF-8. Bytes that are none are read as Latin-1, which is what
// they mostly are.
func readable(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var to strings.Builder
	for len(b) > 0 {
		c, n := utf8.DecodeRune(b)
		if c == utf8.RuneError && n == 1 {
			c = rune(b[0])
		}
		to.WriteRune(c)
		b = b[n:]
	}
	return to.String()
}

// backslashes decodes what programming languages and JSON write in strings: \u0040,
// \u{40}, \U00000040, \x40, \100, \/ and \\.
func backslashes(s string) string {
	var b strings.Builder
	last := 0
	for i := 0; i+1 < len(s); i++ {
		if s[i] != '\\' {
			continue
		}
		c, end, ok := rune(0), i+2, false
		switch s[i+1] {
		case 'u', 'x':
			if end < len(s) && s[end] == '{' {
				if n := strings.IndexByte(s[end:min(len(s), end+10)], '}'); n > 1 {
					c, ok = hexRune(s, end+1, n-1)
					end += n + 1
				}
				break
			}
			n := 4
			if s[i+1] == 'x' {
				n = 2
			}
			c, ok = hexRune(s, end, n)
			end += n
			if ok && utf16.IsSurrogate(c) && strings.HasPrefix(s[end:], `\u`) {
				if low, lowOK := hexRune(s, end+2, 4); lowOK && utf16.DecodeRune(c, low) != utf8.RuneError {
					c, end = utf16.DecodeRune(c, low), end+6
				}
			}
		case 'U':
			c, ok = hexRune(s, end, 8)
			end += 8
		case '/', '\\', '"', '\'':
			c, ok = rune(s[i+1]), true
		case 'n', 'r', 't':
			c, ok = ' ', true
		case '0', '1', '2', '3':
			if end+2 <= len(s) && strings.Trim(s[i+1:end+2], "01234567") == "" {
				c, ok = rune(s[i+1]-'0')<<6|rune(s[i+2]-'0')<<3|rune(s[i+3]-'0'), true
				end += 2
			}
		}
		if !ok {
			continue
		}
		b.WriteString(s[last:i])
		b.WriteRune(c)
		last, i = end, end-1
	}
	if last == 0 {
		return s
	}
	b.WriteString(s[last:])
	return b.String()
}

// quotedPrintable decodes the =40 of mail (RFC 2045), where it stands for a sign of
// ASCII or for UTF-8, and joins the lines that it parts. One alone is believed only if it
// is an at sign, an equals sign, a full stop or a digit: 24 may well begin the value of a
// parameter.
func quotedPrintable(s string) string {
	if joined := softBreaks.Replace(s); joined != s {
		return joined
	}
	var b []byte
	last, escapes, only := 0, 0, byte(0)
	for i := 0; i < len(s); i++ {
		if s[i] != '=' {
			continue
		}
		var bytes [utf8.UTFMax]byte
		n := 0
		for n < len(bytes) && i+3*n < len(s) && s[i+3*n] == '=' {
			c, ok := hexByte(s, i+3*n+1)
			if !ok {
				break
			}
			bytes[n] = c
			n++
			if c < utf8.RuneSelf {
				break
			}
		}
		c, size := utf8.DecodeRune(bytes[:n])
		if n == 0 || c < ' ' || c == 0x7f || c == utf8.RuneError {
			continue
		}
		b = append(append(b, s[last:i]...), bytes[:size]...)
		last = i + 3*size
		i = last - 1
		escapes++
		only = bytes[0]
	}
	if escapes == 0 || escapes == 1 && only != '@' && only != '=' && only != '.' && class[only]&digit == 0 {
		return s
	}
	return string(append(b, s[last:]...))
}

// softBreaks are those that part a line of quoted-printable in two.
var softBreaks = strings.NewReplacer("=\r\n", "", "=\n", "")

// fold makes one spelling of those that look alike: Unicode's compatibility forms,
// digits of other scripts, hyphens, spaces and full stops. Characters that nobody sees
// go, and so do marks over anything but letters.
func fold(s string) string {
	if isFolded(s) {
		return s
	}
	var b strings.Builder
	seen := rune(0)
	for _, c := range norm.NFKC.String(s) {
		switch {
		case c < utf8.RuneSelf:
		case 0xe0020 <= c && c < 0xe007f: // a tag, which nobody sees
			c -= 0xe0000
		case digitOf(c) >= 0:
			c = '0' + digitOf(c)
		case unicode.IsLetter(c):
		case unicode.IsDigit(c):
			zero := c
			for unicode.IsDigit(zero-1) && c-zero < 60 {
				zero--
			}
			c = '0' + (c-zero)%10
		case unicode.Is(unicode.Pd, c) || c == '\u2212':
			c = '-'
		case unicode.Is(unicode.Zs, c):
			c = ' '
		case c == '\u3002' || c == '\u2024' || c == '\uff0e' || c == '\u00b7' || c == '\u2027':
			c = '.'
		case c == '\u2044' || c == '\u2215':
			c = '/'
		case c == '\u2236' || c == '\ua789':
			c = ':'
		}
		if isUnseen(c) || c >= 0x300 && unicode.In(c, unicode.Mn, unicode.Me) && !unicode.IsLetter(seen) && !unicode.IsMark(seen) {
			continue
		}
		seen = c
		b.WriteRune(c)
	}
	return b.String()
}

// digitOf returns the digit of a character that compatibility forms leave in its circle,
// or -1.
func digitOf(c rune) rune {
	switch {
	case 0x2776 <= c && c <= 0x2793: // three times one to ten
		if n := (c-0x2776)%10 + 1; n < 10 {
			return n
		}
	case 0x24f5 <= c && c <= 0x24fd:
		return c - 0x24f4
	case c == 0x24ff, c == 0x1f10b, c == 0x1f10c:
		return 0
	}
	return -1
}

// isFolded reports whether fold would not change s, for the texts that are of
// ASCII and of the letters of Latin-1.
func isFolded(s string) bool {
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case ' ' <= b && b < 0x7f:
		case b == 0xc3 && i+1 < len(s) && s[i+1] >= 0x80 && s[i+1] < 0xc0: // À to ÿ
			i++
		default:
			return false
		}
	}
	return true
}

// isUnseen reports whether c is a control character or one that nobody sees: those of
// Unicode's Default_Ignorable_Code_Point.
func isUnseen(c rune) bool {
	switch {
	case c < 0xad:
		return c < ' ' || 0x7f <= c && c < 0xa0
	case c < 0x2000:
		return c == 0xad || c == 0x34f || c == 0x61c || c == 0x115f || c == 0x1160 || c == 0x17b4 || c == 0x17b5 || 0x180b <= c && c <= 0x180f
	case c < 0x3000:
		return 0x200b <= c && c <= 0x200f || 0x2028 <= c && c <= 0x202e || 0x2060 <= c && c <= 0x206f
	}
	return c == 0x3164 || 0xfe00 <= c && c <= 0xfe0f || c == 0xfeff || c == 0xffa0 || 0xfff0 <= c && c <= 0xfffb ||
		0x1bca0 <= c && c <= 0x1bca3 || 0x1d173 <= c && c <= 0x1d17a || 0xe0000 <= c && c < 0xe1000
}
