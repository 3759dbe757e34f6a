package privacy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/fotspor/fotspor/i18n"
)

// Declared is what only the owner of a site knows of what its statement must say (GDPR article
// 13). Each is a plain text, and "" while the owner has not said it. A line that begins with
// the tag of a language and a colon, such as "nn:", begins the text in that language; what
// stands before the first one is for all others.
type Declared struct {
	Controller string // who decides why and how visits are counted
	Contact    string // where people write to: an e-mail address, a URL, or words
	Officer    string // data protection officer, or that there is none
	Purpose    string
	Basis      string // legal basis, with its article
	Recipients string // who else sees it: processors and others
	Countries  string // countries outside of the EEA that it comes to, and on what ground
}

// Declaration is one of the texts of Declared.
type Declaration struct {
	Key string // of the setting of a site
	Max int    // bytes
	// Lines allows line breaks, and so a text for each language.
	Lines bool
	// Suggestions are the keys of texts that an owner may begin with.
	Suggestions []string
	Text        func(*Declared) *string
}

// Bounds of the texts, in bytes.
const (
	maxName = 500
	maxText = 3000 // in all languages together
)

// Declarations are all texts that an owner writes, in the order in which people read them.
var Declarations = []Declaration{
	{"controller", maxName, false, nil, func(d *Declared) *string { return &d.Controller }},
	{"contact", maxName, false, nil, func(d *Declared) *string { return &d.Contact }},
	{"officer", maxName, true, []string{"suggest.officer.none"}, func(d *Declared) *string { return &d.Officer }},
	{"purpose", maxText, true, []string{"suggest.purpose.pages"}, func(d *Declared) *string { return &d.Purpose }},
	{"basis", maxText, true, []string{"suggest.basis.public", "suggest.basis.private", "suggest.basis.consent"}, func(d *Declared) *string { return &d.Basis }},
	{"recipients", maxText, true, []string{"suggest.recipients.none", "suggest.recipients.processor"}, func(d *Declared) *string { return &d.Recipients }},
	{"countries", maxText, true, []string{"suggest.countries.none"}, func(d *Declared) *string { return &d.Countries }},
}

// blank stands in a suggestion where the owner has to write something. A text with it is not
// written yet.
const blank = "[…]"

// Of returns what the owner has written, or "".
func (d Declaration) Of(said Declared) string {
	if text := *d.Text(&said); !strings.Contains(text, blank) {
		return text
	}
	return ""
}

// ReadText returns a text of an owner in the form in which it is stored.
func ReadText(text string) string {
	return strings.TrimSpace(norm.NFC.String(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)))
}

// Check returns an error if the text is too long or not plain.
func (d Declaration) Check(text string) error {
	switch {
	case len(text) > d.Max:
		return fmt.Errorf("text of %d bytes: want at most %d", len(text), d.Max)
	case !utf8.ValidString(text), strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) && !(d.Lines && r == '\n') }):
		return fmt.Errorf("text with control characters: want plain text")
	}
	return nil
}

// Missing returns the keys of the texts that the owner has not written yet.
func (d Declared) Missing() []string {
	var keys []string
	for _, one := range Declarations {
		if one.Of(d) == "" {
			keys = append(keys, one.Key)
		}
	}
	return keys
}

// tagged matches the beginning of a line that says the language of what follows.
var tagged = regexp.MustCompile(`^([a-z]{2,3}):[ \t]*`)

// anyLanguage is the tag of a text without one.
const anyLanguage = ""

// inLanguages returns the texts of a declared text by the tag of their language.
func inLanguages(text string) map[string]string {
	texts, tag := map[string]string{}, anyLanguage
	for line := range strings.SplitSeq(text, "\n") {
		if m := tagged.FindStringSubmatch(line); m != nil && i18n.Find(m[1]) != nil {
			tag, line = m[1], line[len(m[0]):]
		}
		texts[tag] += line + "\n"
	}
	for tag, text := range texts {
		if texts[tag] = strings.TrimSpace(text); texts[tag] == "" {
			delete(texts, tag)
		}
	}
	return texts
}

// In returns the text of a declared text that serves readers of a language best, and the tag
// of its language, which is "" if the owner does not say it. Bokmål and nynorsk stand in for
// each other before other languages do.
func In(lang *i18n.Language, text string) (said, tag string) {
	texts := inLanguages(text)
	order := []string{lang.Tag, anyLanguage}
	switch lang.Tag {
	case "nb":
		order = append(order, "nn")
	case "nn":
		order = append(order, "nb")
	}
	for _, l := range i18n.All() {
		order = append(order, l.Tag)
	}
	i := slices.IndexFunc(order, func(tag string) bool { return texts[tag] != "" })
	if i < 0 {
		return "", anyLanguage
	}
	return texts[order[i]], order[i]
}
