package hostname

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

const prefix = "xn--" // of an encoded label, RFC 5890

// Unicode returns a Canonical name with every label decoded that can be. It is for
// programs that look for something in a name; Display is for people.
func Unicode(host string) string {
	return decode(host, func(string) bool { return true })
}

// Display returns a Canonical name for people to read: each label decoded, except one
// that could be taken for another name. Such a label mixes scripts, has digits of other
// scripts or letters that no language uses, or consists of letters that look like Latin
// ones below a top-level domain in Latin letters.
func Display(host string) string {
	latin := !strings.HasPrefix(host[strings.LastIndexByte(host, '.')+1:], prefix)
	return decode(host, func(label string) bool { return isReadable(label) && !(latin && looksLatin(label)) })
}

// decode decodes the labels of host for which shown returns true.
func decode(host string, shown func(label string) bool) string {
	if !strings.Contains(host, prefix) || len(host) > maxName {
		return host
	}
	labels := strings.Split(host, ".")
	for i, label := range labels {
		if !strings.HasPrefix(label, prefix) {
			continue
		}
		decoded, err := profile.ToUnicode(label)
		if err != nil || !shown(decoded) {
			continue
		}
		if back, err := idna.Punycode.ToASCII(decoded); err == nil && back == label {
			labels[i] = decoded
		}
	}
	return strings.Join(labels, ".")
}

// isReadable reports whether a decoded label is shown: see Display.
func isReadable(label string) bool {
	scripts := make(map[string]bool)
	for _, r := range label {
		switch {
		case r < utf8.RuneSelf && !unicode.IsLetter(r):
			continue
		case !unicode.IsLetter(r) && !unicode.IsMark(r):
			return false
		}
		if unicode.In(r, unicode.Common, unicode.Inherited) {
			continue
		}
		script := scriptOf(r)
		if script == "" {
			return false
		}
		scripts[script] = true
	}
	return isOneWriting(scripts)
}

// isOneWriting reports whether scripts are used together by one language: one script,
// or those of Japanese, Korean or Chinese (UTS #39, "Highly Restrictive" but for Latin).
func isOneWriting(scripts map[string]bool) bool {
	if len(scripts) == 1 {
		return true
	}
	for _, writing := range [...]string{"Han Hiragana Katakana", "Han Hangul", "Han Bopomofo"} {
		n := 0
		for script := range strings.FieldsSeq(writing) {
			if scripts[script] {
				n++
			}
		}
		if n == len(scripts) {
			return n > 0
		}
	}
	return false
}

// looksLatin reports whether all letters of a label look like Latin ones and are others.
func looksLatin(label string) bool {
	const lookalikes = "асԁеһіјӏорԛѕԝхуъьҽпгѵѡ" + "αικνρυωηοτ" + "օսցզհոռքյ" // Cyrillic, Greek, Armenian
	return strings.Trim(label, lookalikes+"-0123456789") == ""
}

// scriptOf returns the script of a letter or mark. It is "" for one that is not shown: a
// Latin letter of phonetics and the like, and a letter of a script that no language uses
// today (UTS #31, table 5).
func scriptOf(r rune) string {
	if unicode.Is(unicode.Latin, r) {
		if r <= 0x24f || 0x1e00 <= r && r <= 0x1eff {
			return "Latin"
		}
		return ""
	}
	for _, script := range recommended {
		if unicode.Is(unicode.Scripts[script], r) {
			return script
		}
	}
	return ""
}

// recommended are the scripts of UTS #31, table 5, but for Latin.
var recommended = strings.Fields("Cyrillic Greek Arabic Hebrew Han Hiragana Katakana Hangul Bopomofo Thai Devanagari " +
	"Armenian Bengali Ethiopic Georgian Gujarati Gurmukhi Kannada Khmer Lao Malayalam Myanmar Oriya Sinhala Tamil Telugu Thaana Tibetan")
