package scrub

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// urls takes user, query and fragment from each URL in a text. Of a data: URL only its
// name stays. If bare, what stands behind a question mark as a query does goes too,
// without the beginning of a URL: a script may send only the path of a page. In a path
// nothing but its end ends a URL.
func urls(s string, as kind, bare bool) string {
	e := edit{s: s}
	for i := 0; i < len(s); {
		switch {
		case (s[i] == '/' || s[i] == '\\') && isURL(s, e.last, i):
			end := urlEnd(s, e.last, i, as)
			i = user(&e, run(s, i, slash), end)
			for at := i; at < end; at++ {
				if width := queryMark(s, at); width == 1 || width > 1 && isQuery(s, at) {
					e.mark(at, end, "")
					break
				}
			}
			i = end
		case bare && isQuery(s, i):
			end := urlEnd(s, e.last, i, as)
			e.mark(i, end, "")
			i = end
		case s[i] == 'd' && strings.HasPrefix(s[i:], "data:") && (i == 0 || !wordBefore(s, i)):
			start, end := i+len("data:"), urlEnd(s, e.last, i, as)
			if start < end && strings.IndexByte(s[start:end], ',') >= 0 {
				e.mark(start, end, "")
			}
			i = max(start, end)
		default:
			i++
		}
	}
	return e.text()
}

// isURL reports whether the slashes at s[i] begin the authority of a URL: a scheme
// stands before them, or nothing that belongs to them. Browsers read a backslash as a
// slash, and JSON writes one before it.
func isURL(s string, last, i int) bool {
	host := run(s, i, slash)
	if host-i < 2 || host == len(s) || !wordAt(s, host) && s[host] != '[' && s[host] != '%' {
		return false
	}
	if i == 0 || i == last {
		return s[i] == '/'
	}
	c, _ := previous(s, i)
	return c == ':' || s[i] == '/' && !isWord(c) && c != ')' && c != '.' && c != '\\'
}

// user marks the user and the password before the host at s[i] for removal, and
// returns where the host begins. The URL ends before s[end].
func user(e *edit, i, end int) int {
	if i >= end {
		return end
	}
	if at := strings.IndexAny(e.s[i:end], `/\?#`); at >= 0 {
		end = i + at
	}
	at := strings.LastIndexByte(e.s[i:end], '@')
	if at < 0 {
		return i
	}
	e.mark(i, i+at+1, "")
	return i + at + 1
}

// urlEnd returns the end of the URL that s[i] is part of: white space ends it, or the
// quotation mark that closes one before it. The punctuation of a sentence at its end is
// none of it. What stands before s[last] belongs to another one.
func urlEnd(s string, last, i int, as kind) int {
	if as == pagePath {
		return len(s)
	}
	closing := ""
	for at := i; at > last && closing == ""; {
		c, start := previous(s, at)
		if unicode.IsSpace(c) {
			break
		}
		closing, at = quotes[c], start
	}
	end := i
	for end < len(s) {
		c, n := next(s, end)
		if unicode.IsSpace(c) || strings.ContainsRune(closing, c) {
			break
		}
		end += n
	}
	return i + len(strings.TrimRight(s[i:end], ".,;:!)"))
}

// quotes are what closes a quotation. An apostrophe does not: it is a sign of names.
var quotes = map[rune]string{'"': `"`, '<': ">", '`': "`", '«': "»", '“': "”", '„': "“”", '”': "”"}

// queryMark returns the length of the question mark or number sign at s[i], which may be
// encoded however often, 0 if there is none.
func queryMark(s string, i int) int {
	switch s[i] {
	case '?', '#':
		return 1
	case '%':
		end := i + 1
		for strings.HasPrefix(s[end:], "25") {
			end += 2
		}
		if end+2 <= len(s) && (s[end] == '3' && s[end+1]|0x20 == 'f' || s[end:end+2] == "23") {
			return end + 2 - i
		}
	}
	return 0
}

// isQuery reports whether a query or a fragment of parameters begins at s[i]: the name
// of a parameter and an equals sign follow, and something stands before.
func isQuery(s string, i int) bool {
	width := queryMark(s, i)
	if width == 0 || i == 0 && s[i] != '?' {
		return false
	}
	const longest = 100
	j := i + width
	for j < min(len(s), i+longest) && (class[s[j]]&alnum != 0 || s[j] >= utf8.RuneSelf || strings.IndexByte("%&+._-[]{}~/!:;,$@*|", s[j]) >= 0) {
		j++
	}
	return j > i+width && (j < len(s) && s[j] == '=' || strings.Contains(s[i+width+1:j], "%3D"))
}
