package browser

import (
	"iter"
	"strings"
)

// word is a text to find anywhere in a User-Agent in lower case. In a list, a "<" in front
// means that it must be the beginning of a word, and a ">" after it that it must be the end,
// apart from an s. A digit is part of a word.
type word struct {
	text         string
	begins, ends bool
	rank         int // its index in the lists
}

// parseWord parses a word of a list.
func parseWord(text string, rank int) word {
	w := word{rank: rank}
	text, w.begins = strings.CutPrefix(text, "<")
	w.text, w.ends = strings.CutSuffix(text, ">")
	return w
}

// finder holds words by their first two bytes, so that a User-Agent is read once for any
// number of words.
type finder [1 << 10][]word

// add adds a word of at least two bytes.
func (f *finder) add(w word) {
	at := pair(w.text, 0)
	f[at] = append(f[at], w)
}

// pair returns a hash of two bytes of s. Some pairs share a hash.
func pair(s string, at int) int { return int(s[at]&31)<<5 | int(s[at+1]&31) }

// all yields the words of f in ua with their offsets.
func (f *finder) all(ua string) iter.Seq2[int, *word] {
	return func(yield func(int, *word) bool) {
		for i := range len(ua) - 1 {
			bucket := f[pair(ua, i)]
			for n := range bucket {
				w := &bucket[n]
				if strings.HasPrefix(ua[i:], w.text) &&
					(!w.begins || i == 0 || !isAlphanumeric(ua[i-1])) &&
					(!w.ends || endsWord(ua[i+len(w.text):])) && !yield(i, w) {
					return
				}
			}
		}
	}
}

// endsWord reports whether a word ends before rest, or before an s at its beginning.
func endsWord(rest string) bool {
	rest = strings.TrimPrefix(rest, "s")
	return rest == "" || !isAlphanumeric(rest[0])
}
