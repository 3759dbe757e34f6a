package collector

import (
	"strings"

	"golang.org/x/text/language"

	"github.com/fotspor/fotspor/i18n"
)

// primaryLanguage returns the primary subtag of the language that an Accept-Language header
// (RFC 9110) wants most, or of a language tag (BCP 47), in lower case. If a
// language has a subtag of two letters, it returns that one: nb for nob. It returns "" for
// subtags that are not registered, are for private use, or name no language.
func primaryLanguage(accept string) string {
	if first, _, several := strings.Cut(accept, ","); several && strings.Contains(first, ";") { // no browser sends that
		accept = i18n.MostWanted(accept)
	}
	end := 0
	var letters [3]byte
	for ; end < len(accept) && strings.IndexByte("-,;_ ", accept[end]) < 0; end++ {
		c := accept[end] | 0x20
		if end == len(letters) || c < 'a' || c > 'z' {
			return ""
		}
		letters[end] = c
	}
	if end < 2 {
		return ""
	}
	if end == 2 { // nearly all
		return shortLanguages[letters[0]-'a'][letters[1]-'a']
	}
	return knownLanguage(string(letters[:]))
}

// shortLanguages holds the results of knownLanguage for every pair of letters.
var shortLanguages = func() (known [26][26]string) {
	for i := range known {
		for j := range known[i] {
			known[i][j] = knownLanguage(string([]byte{'a' + byte(i), 'a' + byte(j)}))
		}
	}
	return known
}()

// knownLanguage is primaryLanguage for a subtag in lower case.
func knownLanguage(subtag string) string {
	switch subtag {
	case "und", "mul", "zxx", "mis": // unknown, several, none, without a code
		return ""
	}
	if short, ok := bibliographic[subtag]; ok {
		return short
	}
	tag, err := language.DeprecatedBase.Parse(subtag) // Java still sends iw for he
	if err != nil {
		return ""
	}
	base, _ := tag.Base()
	if base.IsPrivateUse() {
		return ""
	}
	return base.String()
}

// bibliographic maps the codes of ISO 639-2/B that differ from those of BCP 47. The
// language library would take them for other languages.
var bibliographic = map[string]string{
	"alb": "sq", "arm": "hy", "baq": "eu", "bur": "my", "chi": "zh", "cze": "cs", "dut": "nl", "fre": "fr", "geo": "ka", "ger": "de",
	"gre": "el", "ice": "is", "mac": "mk", "mao": "mi", "may": "ms", "per": "fa", "rum": "ro", "slo": "sk", "tib": "bo", "wel": "cy",
}
