package region

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// form is what a key is made of.
type form byte

const (
	whole form = '=' // all words of a name, or a code
	bare  form = '~' // no generic words
	below form = '-' // all words, of a subdivision that is not of the first level
)

// generic are words that one database writes and another leaves out.
var generic = func() map[string]bool {
	words := make(map[string]bool)
	for word := range strings.FieldsSeq(`
		and of the
		area autonomous canton city commune council county department district division emirate federal
		governorate krai kray local metropolitan municipality oblast okrug oblisi oblysy parish prefecture
		province raion rayon region republic respublika special state territory town urban voivodeship wilayah
		departamento departement kommune kommunia kraj novads provincia rajons regiao republika voblasc
		fylka fylke fylkeskommune fylkka fylkki lan landskap maakunta regionen`) {
		words[word] = true
	}
	return words
}()

// keyHead is how much of a key is no name.
const keyHead = len("NO=")

// appendKey appends the key of a name: its country, its form, and its words in lower
// case, without accents and without anything between them.
func appendKey(key []byte, country, name string, f form) []byte {
	key = append(append(key, country...), byte(f))
	word := len(key) // where the current word begins
	for i, r := range name {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			key = append(key, byte(r))
		case 'A' <= r && r <= 'Z':
			key = append(key, byte(r)+'a'-'A')
		case r == '\'', r == '`', r == '’', r == '‘', r >= 0x80 && unicode.In(r, unicode.Mn, unicode.Lm): // within a word
		case r >= 0x80 && unicode.IsLetter(r):
			key = appendLetter(key, r, name[i:])
		default:
			key = endWord(key, word, f)
			word = len(key)
		}
	}
	return endWord(key, word, f)
}

// endWord takes a word away that the form leaves out.
func endWord(key []byte, word int, f form) []byte {
	if f == bare && generic[string(key[word:])] {
		return key[:word]
	}
	return key
}

// appendLetter appends a letter, which rest begins with, as ASCII has it. One that is of
// another alphabet becomes a mark that is in no name.
func appendLetter(key []byte, r rune, rest string) []byte {
	if plain, ok := undecomposed[r]; ok {
		return append(key, plain...)
	}
	before := len(key)
	for _, b := range norm.NFKD.PropertiesString(rest).Decomposition() {
		switch {
		case 'a' <= b && b <= 'z':
			key = append(key, b)
		case 'A' <= b && b <= 'Z':
			key = append(key, b+'a'-'A')
		}
	}
	if len(key) == before {
		key = append(key, '?')
	}
	return key
}

// undecomposed are Latin letters that Unicode does not take apart.
var undecomposed = map[rune]string{
	'Æ': "ae", 'æ': "ae", 'Ð': "d", 'ð': "d", 'Đ': "d", 'đ': "d", 'Ə': "a", 'ə': "a", 'Ħ': "h", 'ħ': "h", 'ı': "i",
	'Ł': "l", 'ł': "l", 'Ŋ': "n", 'ŋ': "n", 'Ø': "o", 'ø': "o", 'Œ': "oe", 'œ': "oe", 'ß': "ss", 'Þ': "th", 'þ': "th", 'Ŧ': "t", 'ŧ': "t",
}
