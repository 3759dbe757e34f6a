package i18n

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// Bounds of what an operator lays beside the languages of the program.
const (
	maxLaid     = 20      // files
	maxLaidFile = 1 << 20 // bytes of one
)

// headKey is the key of a laid file that is no text: how the language writes numbers and dates.
const headKey = "language"

// head is what a laid file says of its language.
type head struct {
	Name   string `json:"name"`
	Format format `json:"format"`
}

// Lay returns the catalogue of the program with languages laid beside it: a file TAG.json for
// each, which has texts of the dashboard by key, and under "language" the language's name and
// format. A file of a language of the program replaces some of its texts. What a file of another
// language lacks is as in the language that its readers would get without it: bokmål for the
// neighbours of bokmål, or else English. Plural forms, marks of numbers and names of countries
// are CLDR's, as far as x/text has them.
//
// The error names the file and the key of the first mistake: an unknown key, places for arguments
// that differ, a plural form that is missing.
func Lay(files fs.FS) (*Catalogue, error) {
	names, err := fs.Glob(files, "*.json")
	if err != nil {
		return nil, err
	}
	if _, err := fs.Stat(files, "."); err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, ".") })
	if len(names) == 0 || len(names) > maxLaid {
		return nil, fmt.Errorf("%d files, want 1 to %d, each named by its language, such as da.json", len(names), maxLaid)
	}
	languages := slices.Clone(All())
	for _, name := range names {
		l, err := layLanguage(files, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if i := slices.IndexFunc(languages, func(of *Language) bool { return of.Tag == l.Tag }); i >= 0 {
			languages[i] = l
		} else {
			languages = append(languages, l)
		}
	}
	return newCatalogue(languages), nil
}

// layLanguage reads a file of texts, over those of the language that it is laid on.
func layLanguage(files fs.FS, name string) (*Language, error) {
	tag, err := language.Parse(strings.TrimSuffix(name, path.Ext(name)))
	if err != nil || tag == language.Und {
		return nil, errors.New("want the tag of a language as its name, such as da.json")
	}
	if want := tag.String() + ".json"; name != want {
		return nil, fmt.Errorf("want %s as its name", want)
	}
	texts, err := readLaid(files, name)
	if err != nil {
		return nil, err
	}
	base := Find(tag.String())
	if base == nil {
		base = Match(tag.String())
	}
	l := *base
	l.Tag, l.tag, l.texts = tag.String(), tag, maps.Clone(base.texts)
	if l.Tag != base.Tag {
		l.also = nil
		l.knowFromCLDR()
	}
	if said, ok := texts[headKey]; ok {
		if err := l.readHead(said); err != nil {
			return nil, fmt.Errorf("text %q: %w", headKey, err)
		}
		delete(texts, headKey)
	}
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		var said text
		of, ok := base.texts[key]
		switch {
		case !ok:
			err = errors.New("there is none of this key")
		case base.public[key]:
			err = errors.New("it stands on pages for visitors, which have the languages of the program")
		default:
			err = json.Unmarshal(texts[key], &said)
		}
		if err == nil {
			err = said.fits(of, tag)
		}
		if err != nil {
			return nil, fmt.Errorf("text %q: %w", key, err)
		}
		l.texts[key] = said
	}
	return &l, nil
}

// readLaid reads an object of JSON, without what its keys hold.
func readLaid(files fs.FS, name string) (map[string]json.RawMessage, error) {
	file, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxLaidFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxLaidFile {
		return nil, fmt.Errorf("want at most %d bytes", maxLaidFile)
	}
	if !utf8.Valid(data) {
		return nil, errors.New("want UTF-8")
	}
	var texts map[string]json.RawMessage
	err = json.Unmarshal(data, &texts)
	return texts, err
}

// knowFromCLDR sets what x/text knows of the language: its name, the marks of its numbers, and
// what it calls countries and languages.
func (l *Language) knowFromCLDR() {
	l.Name = l.Tag
	if name := display.Self.Name(l.tag); name != "" {
		first, size := utf8.DecodeRuneInString(name)
		l.Name = string(unicode.ToUpper(first)) + name[size:]
	}
	latin, err := l.tag.SetTypeForKey("nu", "latn")
	if err != nil {
		latin = l.tag
	}
	p := message.NewPrinter(latin)
	if _, rest, ok := strings.Cut(p.Sprint(number.Decimal(1234567.5)), "1"); ok {
		thousands, rest, _ := strings.Cut(rest, "234")
		_, decimal, ok := strings.Cut(rest, "567")
		if decimal, five := strings.CutSuffix(decimal, "5"); ok && five && thousands != "" && decimal != "" {
			l.format.Thousands, l.format.Decimal = thousands, decimal
		}
	}
	if percent, ok := strings.CutPrefix(p.Sprint(number.Percent(0.25)), "25"); ok && percent != "" {
		l.format.Percent = percent
	}
	countries, languages := maps.Clone(l.countries), maps.Clone(l.languages)
	if names := display.Regions(l.tag); names != nil {
		for code := range countries {
			if r, err := language.ParseRegion(code); err == nil && names.Name(r) != "" {
				countries[code] = names.Name(r)
			}
		}
	}
	if names := display.Languages(l.tag); names != nil {
		for subtag := range languages {
			if b, err := language.ParseBase(subtag); err == nil && names.Name(b) != "" {
				languages[subtag] = names.Name(b)
			}
		}
	}
	l.countries, l.languages = countries, languages
}

// readHead reads what a laid file says of its language. What it does not say stays.
func (l *Language) readHead(said json.RawMessage) error {
	h := head{l.Name, l.format}
	decoder := json.NewDecoder(bytes.NewReader(said))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&h); err != nil {
		return err
	}
	all := slices.Concat([]string{h.Name}, h.Format.texts())
	for _, s := range all {
		if err := printable(s); err != nil {
			return err
		}
	}
	if !strings.Contains(h.Format.Clock, "15") || !strings.Contains(h.Format.Clock, "04") {
		return fmt.Errorf("clock %q: want how it writes 15:04", h.Format.Clock)
	}
	if got := verbs(h.Format.Ended); !slices.Equal(got, verbs(l.format.Ended)) || wild(h.Format.Ended) {
		return fmt.Errorf("ended %q: want the places of %q", h.Format.Ended, l.format.Ended)
	}
	l.Name, l.format = h.Name, h.Format
	return nil
}

// texts are all that may not be empty.
func (f format) texts() []string {
	one := []string{f.Thousands, f.Decimal, f.Percent, f.Points, f.And, f.Hour, f.Minute, f.Second, f.Clock, f.Ended}
	return slices.Concat(one, f.Months[:], f.ShortMonths[:], f.Weekdays[:], f.ShortWeekdays[:])
}

// printable returns an error for an empty text, and for one with characters that are none.
func printable(s string) error {
	if strings.TrimSpace(s) == "" && s != "\u00a0" && s != "\u202f" && s != " " {
		return errors.New("want words")
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		return fmt.Errorf("%q: want no control characters", s)
	}
	return nil
}

// fits returns an error unless the text can stand in the place of another in a language: it has
// the same places for arguments, and each plural form that the language has.
func (t text) fits(of text, tag language.Tag) error {
	counts := len(of) > 1
	if counts {
		for _, form := range formsOf(tag) {
			if _, ok := t[form]; !ok {
				return fmt.Errorf("want the plural form %q, too", nameOfForm(form))
			}
		}
	} else if len(t) > 1 {
		return errors.New("want one text, without plural forms")
	}
	want := verbs(of[plural.Other])
	for _, wording := range t {
		if err := printable(wording); err != nil {
			return err
		}
		got := verbs(wording)
		if !slices.Equal(got, want) && !(counts && len(got) == 0) || (counts || len(want) > 0) && wild(wording) {
			return fmt.Errorf("%q: want the places of %q", wording, of[plural.Other])
		}
	}
	return nil
}

// formsOf returns the plural forms that whole numbers have in a language.
func formsOf(tag language.Tag) []plural.Form {
	found := []plural.Form{plural.Other}
	for n := range 1001 {
		if form := plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0); !slices.Contains(found, form) {
			found = append(found, form)
		}
	}
	return found
}

func nameOfForm(form plural.Form) string {
	for name, f := range forms {
		if f == form {
			return name
		}
	}
	return strconv.Itoa(int(form))
}

// verbs returns the arguments of a text with their verbs, sorted: "1s" for the first %s.
func verbs(wording string) []string {
	var all []string
	next := 1
	for _, m := range verb.FindAllStringSubmatch(wording, -1) {
		if m[1] != "" {
			next, _ = strconv.Atoi(m[1]) // digits
		}
		all = append(all, strconv.Itoa(next)+m[2])
		next++
	}
	slices.Sort(all)
	return all
}

// wild reports whether a text has a percent sign that is neither of a place nor doubled.
func wild(wording string) bool {
	return strings.Contains(strings.ReplaceAll(verb.ReplaceAllString(wording, ""), "%%", ""), "%")
}

// Write writes the texts of the dashboard in the language as Lay reads them, for somebody who
// translates them or replaces some.
func (l *Language) Write(w io.Writer) error {
	all := map[string]any{headKey: head{l.Name, l.format}}
	for key, text := range l.texts {
		if !l.public[key] {
			all[key] = text
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "\t")
	return encoder.Encode(all)
}

// MarshalJSON writes the text as UnmarshalJSON reads it.
func (t text) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return marshal(t[plural.Other])
	}
	byForm := map[string]string{}
	for form, wording := range t {
		byForm[nameOfForm(form)] = wording
	}
	return marshal(byForm)
}

// marshal is json.Marshal, and leaves the signs of HTML as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return b.Bytes(), err
}
