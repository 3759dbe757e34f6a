package password

import (
	_ "embed"
	"errors"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/fotspor/fotspor/internal/hostname"
)

// ErrCommon is returned by Check for a password that many people have, or that
// contains a word that an attacker would try here.
var ErrCommon = errors.New("password: it is common or contains the name of the user, the site or the program; want one that nobody would try")

// common are passwords that many people have, in lower case, one a line: the 20,000
// most frequent of at least MinLength characters and the 10,000 most frequent words,
// both from the list of a million in SecLists (common.LICENSE), and Norwegian words.
//
//go:embed common.txt
var common string

// minWord is the length from which a word of the context is looked for within a
// password. Shorter ones are in too many.
const minWord = 4

// Check returns ErrLength or ErrCommon for a password that is refused, and nil for any
// other. Any character may be in it, and none must. The words of the context are the
// name of the user, hosts of sites and the like; the program's own name is always one.
func Check(password string, context ...string) error {
	password = normal(password)
	if len([]rune(visible(password))) < MinLength || len(password) > maxLength {
		return ErrLength
	}
	folded := fold(password)
	for _, word := range append(context, "fotspor") {
		if word = fold(word); len([]rune(word)) >= minWord && strings.Contains(folded, word) {
			return ErrCommon
		}
	}
	for _, tried := range []string{folded, word(folded), withoutLeet.Replace(word(folded))} {
		if isCommon(tried) || repeats(tried) {
			return ErrCommon
		}
	}
	return nil
}

// visible returns a text without the characters that nobody sees: of format, such as the
// zero-width ones, and those that only change how others look.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cf, unicode.Variation_Selector) || r == '\u034f' || r == '\u115f' || r == '\u1160' || r == '\u3164' {
			return -1
		}
		return r
	}, s)
}

// fold returns a text as it is compared: without differences of case, of width and other
// compatible forms, and of what nobody sees.
func fold(s string) string {
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(visible(s))))
}

// Words returns the words of the context that hosts stand for: their names as people
// read them, and what these begin with.
func Words(hosts []string) []string {
	var words []string
	for _, host := range hosts {
		host = hostname.Unicode(hostname.Canonical(strings.TrimPrefix(host, "*.")))
		host = strings.TrimPrefix(host, "www.")
		first, _, _ := strings.Cut(host, ".")
		words = append(words, host, first)
	}
	return words
}

// withoutLeet writes letters that look like other signs as letters.
var withoutLeet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

// word is what is left of a password without the digits and signs around it.
func word(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return !unicode.IsLetter(r) })
}

func isCommon(s string) bool { return s != "" && strings.Contains("\n"+common, "\n"+s+"\n") }

// repeats reports whether a text is fewer than MinLength characters again and again.
func repeats(s string) bool {
	runes := []rune(s)
	for period := 1; period < MinLength && 2*period <= len(runes); period++ {
		again := true
		for i := period; i < len(runes) && again; i++ {
			again = runes[i] == runes[i-period]
		}
		if again {
			return true
		}
	}
	return false
}
