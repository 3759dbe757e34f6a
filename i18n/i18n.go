// Package i18n holds what the program says to people, one folder for each language in
// texts: sentences by key, whole pages and letters, and how the language writes numbers,
// dates and the names of countries, regions and languages. All of it is read-only and
// safe for concurrent use.
package i18n

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

//go:generate node generate.mjs
//go:embed texts
var files embed.FS

// defaultTag is the language of those who ask for none that we have.
const defaultTag = "en"

// Language is one language.
type Language struct {
	Tag  string // BCP 47, as in the lang attribute
	Name string // in the language itself

	tag       language.Tag
	also      []language.Tag // languages whose readers are served best by this one
	format    format
	texts     map[string]text
	public    map[string]bool // keys of texts of pages for visitors
	regions   string          // tag of the language in which regions have their names
	countries map[string]string
	languages map[string]string
	folder    fs.FS
}

// text is what a key stands for: one wording, or one for each plural form of CLDR.
type text map[plural.Form]string

// forms are the names that CLDR has for plural forms, and none.
var forms = map[string]plural.Form{
	"none": none, "zero": plural.Zero, "one": plural.One, "two": plural.Two, "few": plural.Few, "many": plural.Many, "other": plural.Other,
}

// UnmarshalJSON reads a string, or an object with a string for each plural form.
func (t *text) UnmarshalJSON(data []byte) error {
	var whole string
	if json.Unmarshal(data, &whole) == nil {
		*t = text{plural.Other: whole}
		return nil
	}
	var byForm map[string]string
	if err := json.Unmarshal(data, &byForm); err != nil {
		return err
	}
	*t = text{}
	for name, wording := range byForm {
		form, ok := forms[name]
		if !ok {
			return fmt.Errorf("plural form %q: want one of CLDR's", name)
		}
		(*t)[form] = wording
	}
	if _, ok := (*t)[plural.Other]; !ok {
		return fmt.Errorf("plural forms %v: want other among them", slices.Sorted(maps.Keys(byForm)))
	}
	return nil
}

// Catalogue is some languages, with what finds one by the wishes of a reader.
type Catalogue struct {
	languages []*Language // the default first, then by tag
	matcher   language.Matcher
	matched   []*Language // by the index that matcher returns
}

// loaded reads the languages when they are first needed. A folder that can't be read is
// an error of the build, which TestLoad finds.
var loaded = sync.OnceValue(func() *Catalogue {
	c, err := load(files)
	if err != nil {
		panic("i18n: " + err.Error())
	}
	return c
})

// load reads the languages in the folders of texts.
func load(files fs.FS) (*Catalogue, error) {
	folders, err := fs.ReadDir(files, "texts")
	if err != nil {
		return nil, fmt.Errorf("read texts: %w", err)
	}
	var languages []*Language
	for _, folder := range folders {
		l, err := readLanguage(files, folder.Name())
		if err != nil {
			return nil, fmt.Errorf("read language %s: %w", folder.Name(), err)
		}
		if l.Tag == defaultTag {
			languages = slices.Insert(languages, 0, l)
		} else {
			languages = append(languages, l)
		}
	}
	return newCatalogue(languages), nil
}

// newCatalogue returns the catalogue of some languages, the default first. A language itself
// serves its readers better than a neighbour does.
func newCatalogue(languages []*Language) *Catalogue {
	c := Catalogue{languages: languages}
	var tags []language.Tag
	add := func(tag language.Tag, l *Language) {
		if !slices.Contains(tags, tag) {
			tags, c.matched = append(tags, tag), append(c.matched, l)
		}
	}
	for _, l := range languages {
		add(l.tag, l)
	}
	for _, l := range languages {
		for _, tag := range l.also {
			add(tag, l)
		}
	}
	c.matcher = language.NewMatcher(tags)
	return &c
}

// Shipped returns the catalogue of the languages of the program.
func Shipped() *Catalogue { return loaded() }

// All returns the languages, the default first. The slice is not to be changed.
func (c *Catalogue) All() []*Language { return c.languages }

// Find returns the language of a tag, in any case, or nil.
func (c *Catalogue) Find(tag string) *Language {
	for _, l := range c.languages {
		if strings.EqualFold(l.Tag, tag) {
			return l
		}
	}
	return nil
}

// readLanguage reads the folder of a language.
func readLanguage(files fs.FS, tag string) (*Language, error) {
	l := &Language{Tag: tag, texts: map[string]text{}, public: map[string]bool{}, regions: tag}
	var err error
	if l.tag, err = language.Parse(tag); err != nil {
		return nil, err
	}
	if l.folder, err = fs.Sub(files, path.Join("texts", tag)); err != nil {
		return nil, err
	}
	var head struct {
		Name   string
		Also   []language.Tag
		Format format
	}
	if err := l.read("language.json", &head); err != nil {
		return nil, err
	}
	l.Name, l.also, l.format = head.Name, head.Also, head.Format
	var names struct{ Countries, Languages map[string]string }
	if err := l.read("names.json", &names); err != nil {
		return nil, err
	}
	l.countries, l.languages = names.Countries, names.Languages

	all, err := fs.Glob(l.folder, "*.json")
	if err != nil {
		return nil, err
	}
	for _, name := range all {
		if name == "language.json" || name == "names.json" {
			continue
		}
		var texts map[string]text
		if err := l.read(name, &texts); err != nil {
			return nil, err
		}
		for key, text := range texts {
			if _, ok := l.texts[key]; ok {
				return nil, fmt.Errorf("text %q is in two files", key)
			}
			l.texts[key] = text
			l.public[key] = slices.Contains(forVisitors, name)
		}
	}
	return l, nil
}

// forVisitors are the files whose texts stand on pages for visitors of websites, beside whole pages.
var forVisitors = []string{"demo.json", "optout.json", "privacy.json"}

// read decodes a JSON file of the language.
func (l *Language) read(name string, into any) error {
	data, err := fs.ReadFile(l.folder, name)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// All returns the languages of the program, the default first. The slice is not to be changed.
func All() []*Language { return loaded().languages }

// Find returns the language of the program of a tag, in any case, or nil.
func Find(tag string) *Language { return loaded().Find(tag) }

// Match returns the language of the program for a reader with wishes, as the method does.
func Match(wishes ...string) *Language { return loaded().Match(wishes...) }

// Match returns the language for a reader with wishes, the strongest first. A wish is the
// value of an Accept-Language header (RFC 9110, section 12.5.4) or a tag; one that names
// no language that we have, or one close to it, says nothing. Without any the language is
// the default.
func (c *Catalogue) Match(wishes ...string) *Language {
	for _, wish := range wishes {
		if len(wish) > maxWish {
			continue
		}
		if _, i, sure := c.matcher.Match(accepted(wish)...); sure > language.No {
			return c.matched[i]
		}
	}
	return c.languages[0]
}

// maxWish is how long a wish may be, in bytes. Browsers stay below 200.
const maxWish = 1024

// MostWanted returns the tag that an Accept-Language header wants most, "" if it names none.
func MostWanted(header string) string {
	if tags := accepted(header); len(tags) > 0 {
		return tags[0].String()
	}
	return ""
}

// accepted returns the tags of an Accept-Language header, the most wanted first. Ranges
// that can't be read and those of the weight 0 are left out.
func accepted(header string) []language.Tag {
	type weighed struct {
		tags   []language.Tag
		weight float32
	}
	var ranges []weighed
	for one := range strings.SplitSeq(header, ",") {
		tags, weights, err := language.ParseAcceptLanguage(one)
		if err == nil && len(tags) > 0 {
			ranges = append(ranges, weighed{tags, weights[0]})
		}
	}
	slices.SortStableFunc(ranges, func(a, b weighed) int {
		switch {
		case a.weight > b.weight:
			return -1
		case a.weight < b.weight:
			return 1
		}
		return 0
	})
	var tags []language.Tag
	for _, r := range ranges {
		tags = append(tags, r.tags...)
	}
	return tags
}

// Neighbours returns the languages whose readers are served best by one that we have: its
// tag by theirs.
func Neighbours() map[string]string {
	of := map[string]string{}
	for _, l := range All() {
		for _, tag := range l.also {
			of[tag.String()] = l.Tag
		}
	}
	return of
}

// Keys returns the keys of all texts, sorted.
func (l *Language) Keys() []string { return slices.Sorted(maps.Keys(l.texts)) }

// Text returns a text with args in the places of its verbs, as fmt.Sprintf does.
// An unknown key is an error: it stops a page instead of leaving a hole in it.
func (l *Language) Text(key string, args ...any) (string, error) {
	text, ok := l.texts[key]
	if !ok {
		return "", fmt.Errorf("text %q is missing in language %q", key, l.Tag)
	}
	if len(args) == 0 {
		return text[plural.Other], nil
	}
	return fmt.Sprintf(text[plural.Other], args...), nil
}

// Say returns a text as Text does, and its key where there is none.
func (l *Language) Say(key string, args ...any) string {
	text, err := l.Text(key, args...)
	if err != nil {
		return key
	}
	return text
}

// none is the form of a text for nothing at all, which CLDR does not have.
const none = plural.Form(100)

// Count returns a text in the plural form of n, which is not negative, with n in the
// place of its verb: "1 day", "1,200 days". A wording may do without the verb, as "no
// days" does for none.
func (l *Language) Count(key string, n int64) (string, error) {
	text, ok := l.texts[key]
	if !ok {
		return "", fmt.Errorf("text %q is missing in language %q", key, l.Tag)
	}
	wording, ok := text[none]
	if !ok || n != 0 {
		wording, ok = text[plural.Cardinal.MatchPlural(l.tag, int(n), 0, 0, 0, 0)]
	}
	if !ok {
		wording = text[plural.Other]
	}
	if !strings.Contains(wording, "%") {
		return wording, nil
	}
	return fmt.Sprintf(wording, l.Number(n)), nil
}

// Counted returns a text as Count does, and its key where there is none.
func (l *Language) Counted(key string, n int64) string {
	text, err := l.Count(key, n)
	if err != nil {
		return key
	}
	return text
}

// Fewer returns a text as Counted does, of a number that is not 0 and less than n, which is more than
// one: "fewer than 10 days".
func (l *Language) Fewer(key string, n int64) string {
	wording := l.texts[key][plural.Other]
	if wording == "" {
		return key
	}
	return fmt.Sprintf(wording, l.Say("guard.fewer", l.Number(n)))
}

// Piece is a part of a text: words, or the place of an argument.
type Piece struct {
	Text string
	Arg  int // index of the argument, -1 for words
}

// Pieces returns a text cut at the places of its arguments, which are written %s, or %[2]s
// for the second.
func (l *Language) Pieces(key string) ([]Piece, error) {
	text, ok := l.texts[key]
	if !ok {
		return nil, fmt.Errorf("text %q is missing in language %q", key, l.Tag)
	}
	var all []Piece
	rest, next := text[plural.Other], 0
	last := 0
	for _, at := range placeholder.FindAllStringSubmatchIndex(rest, -1) {
		if at[0] > last {
			all = append(all, Piece{rest[last:at[0]], -1})
		}
		if at[2] >= 0 {
			next = int(rest[at[2]] - '1')
		}
		all = append(all, Piece{"", next})
		last = at[1]
		next++
	}
	if last < len(rest) {
		all = append(all, Piece{rest[last:], -1})
	}
	return all, nil
}

// verb is the place of an argument of a text, of any kind.
var verb = regexp.MustCompile(`%(?:\[(\d+)\])?([a-z])`)

// placeholder is the place of an argument of a text.
var placeholder = regexp.MustCompile(`%(?:\[([1-9])\])?s`)

// Known returns the text of prefix and value, such as the name of a channel, or
// value itself where there is none: values come from outside.
func (l *Language) Known(prefix, value string) string {
	if text, ok := l.texts[prefix+value]; ok {
		return text[plural.Other]
	}
	return value
}

// Group returns the texts whose keys begin with prefix, by the rest of their keys.
func (l *Language) Group(prefix string) map[string]string {
	group := map[string]string{}
	for key, text := range l.texts {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			group[rest] = text[plural.Other]
		}
	}
	return group
}

// File returns a page or a letter of the language, which is a template, by its name in
// the language's folder.
func (l *Language) File(name string) (string, error) {
	data, err := fs.ReadFile(l.folder, name)
	if err != nil {
		return "", fmt.Errorf("read page of language %q: %w", l.Tag, err)
	}
	return string(data), nil
}
