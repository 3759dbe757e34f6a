package browser

import (
	"iter"
	"strings"
)

// word is a word of a list to look for anywhere in a User-Agent in lower case. A "<"
// before it in the list means that a word begins there, a ">" behind it that a word
// ends there, but for an s. A digit is part of a word.
type word struct {
	text         string
	begins, ends bool
	rank         int // its place in the lists
}

// parseWord returns the word that a list writes as text.
func parseWord(text string, rank int) word {
	w := word{rank: rank}
	text, w.begins = strings.CutPrefix(text, "<")
	w.text, w.ends = strings.CutSuffix(text, ">")
	return w
}

// finder has words by the pair of bytes that they begin with, so that a User-Agent is
// read once for any number of words.
type finder [1 << 10][]word

// add puts a word of at least two bytes in.
func (f *finder) add(w word) {
	at := pair(w.text, 0)
	f[at] = append(f[at], w)
}

// pair is a hash of two bytes of s, the same for some that are not.
func pair(s string, at int) int { return int(s[at]&31)<<5 | int(s[at+1]&31) }

// all returns the words of f in ua and where they stand.
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

// endsWord reports whether rest, what follows a word, leaves it be but for an s.
func endsWord(rest string) bool {
	rest = strings.TrimPrefix(rest, "s")
	return rest == "" || !isAlphanumeric(rest[0])
}
