package i18n

import (
	"io/fs"

	"golang.org/x/text/feature/plural"
)

// Files are the folders of all languages.
var Files fs.FS = files

// Verbs returns the arguments of a text.
var Verbs = verbs

// Load reads the languages of other files.
func Load(files fs.FS) ([]*Language, error) {
	c, err := load(files)
	if err != nil {
		return nil, err
	}
	return c.languages, nil
}

// Wordings returns the text of a key in each of its plural forms.
func (l *Language) Wordings(key string) []string {
	var all []string
	for _, wording := range l.texts[key] {
		all = append(all, wording)
	}
	return all
}

// Format returns how the language writes numbers and dates.
func (l *Language) Format() any { return l.format }

// Names returns the names of countries and languages.
func (l *Language) Names() (countries, languages map[string]string) { return l.countries, l.languages }

// Other returns the text of a key for any number.
func (l *Language) Other(key string) string { return l.texts[key][plural.Other] }
