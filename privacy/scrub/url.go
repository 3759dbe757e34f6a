package scrub

import (
	"strings"
	"unicode"
)

// urls takes user, query and fragment from each URL in a text. Of a data: URL only its
// name stays. If bare, what stands behind a question mark as a query does goes too,
// without the beginning of a URL: a script may send only the path of a page.
func urls(s string, bare bool) string {
	e := edit{s: s}
	for i := 0; i < len(s); {
		switch {
		case s[i] == '/' && strings.HasPrefix(s[i:], "//") && isURL(s, e.last, i):
			i = user(&e, i+2)
			end, rest := parts(s, i)
			if rest < end {
				e.mark(rest, end, "")
			}
			i = end
		case bare && (s[i] == '?' || s[i] == '#') && isQuery(s, i):
			end := word(s, i)
			e.mark(i, end, "")
			i = end
		case s[i] == 'd' && strings.HasPrefix(s[i:], "data:") && strings.IndexByte(s[i:word(s, i)], ',') >= 0 && (i == 0 || !wordBefore(s, i)):
			end := word(s, i)
			if i+len("data:") < end {
				e.mark(i+len("data:"), end, "")
			}
			i = end
		default:
			i++
		}
	}
	return e.text()
}

// isURL reports whether the two slashes at s[i] begin the authority of a URL: a
// scheme stands before them, or nothing that belongs to them.
func isURL(s string, last, i int) bool {
	if i+2 >= len(s) || !wordAt(s, i+2) && s[i+2] != '[' {
		return false
	}
	if i == 0 || i == last {
		return true
	}
	c, _ := previous(s, i)
	return c == ':' || !isWord(c) && c != ')' && c != '.'
}

// user marks the user and the password before the host at s[i] for removal, and
// returns where the host begins.
func user(e *edit, i int) int {
	end := word(e.s, i)
	if slash := strings.IndexAny(e.s[i:end], `/\?#`); slash >= 0 {
		end = i + slash
	}
	at := strings.LastIndexByte(e.s[i:end], '@')
	if at < 0 {
		return i
	}
	e.mark(i, i+at+1, "")
	return i + at + 1
}

// parts returns the end of the URL whose host is at s[i], and where its query or
// fragment begins.
func parts(s string, i int) (end, rest int) {
	end = word(s, i)
	if at := strings.IndexAny(s[i:end], "?#"); at >= 0 {
		return end, i + at
	}
	return end, end
}

// word returns the end of the characters from s[i] on that can be part of a URL, but
// for the punctuation of a sentence.
func word(s string, i int) int {
	start := i
	for i < len(s) {
		c, n := next(s, i)
		if unicode.IsSpace(c) || strings.ContainsRune("\"'<>|`«»”“", c) {
			break
		}
		i += n
	}
	return start + len(strings.TrimRight(s[start:i], ".,;:!)"))
}

// isQuery reports whether a query or a fragment of parameters begins at s[i]: the name
// of a parameter and an equals sign follow, and something stands before.
func isQuery(s string, i int) bool {
	if i == 0 && s[i] != '?' {
		return false
	}
	j := i + 1
	for j < len(s) && (class[s[j]]&alnum != 0 || strings.IndexByte("._-[]~/!:$", s[j]) >= 0) {
		j++
	}
	return j > i+1 && j < len(s) && s[j] == '='
}
