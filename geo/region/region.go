// Package region maps what GeoIP databases and senders call the subdivision of a country
// to its code of ISO 3166-2, and codes to names.
package region

import (
	"cmp"
	_ "embed"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
)

//go:generate node generate.mjs

var (
	//go:embed names.txt
	ownText string
	//go:embed cldr.txt
	cldrText string
)

// maxName bounds what Code looks at, in bytes. No name in the tables or of DB-IP's is
// longer.
const maxName = 64

// Code returns the code of ISO 3166-2, such as NO-50, of the subdivision that a database
// or a sender calls by its code, with or without the country's before it, or by one of
// its names. Case, accents and words such as "County" or "Region of" make no difference.
// The country is a code of ISO 3166-1 in upper case. For a subdivision that has been
// dissolved, Code returns the one that has the whole of it today, or else its old code.
// Code returns "" for a name that is in no table, and for one that several share.
//
// Code is safe for concurrent use, and does not allocate.
func Code(country, called string) string {
	if len(called) > maxName {
		return ""
	}
	if n := len(country); len(called) > n && called[n] == '-' && strings.EqualFold(called[:n], country) {
		called = called[n+1:]
	}
	var key [2 * maxName]byte
	codes := tables().codes
	for _, f := range [...]form{whole, bare, below} {
		if code, ok := codes[string(appendKey(key[:0], country, called, f))]; ok {
			return code
		}
	}
	return ""
}

// Name returns the name of the subdivision of a code of ISO 3166-2, in bokmål ("nb"),
// nynorsk ("nn") or else English, and the year of its end if it has been dissolved. Outside
// of the Nordic countries names are English. Name returns a code that is in no table
// unchanged. It is safe for concurrent use.
func Name(code, language string) (name, ended string) {
	t := tables()
	own, ok := t.own[code]
	if !ok {
		if name, ok := t.english[code]; ok {
			return name, ""
		}
		return code, ""
	}
	switch language {
	case "nb":
		return own.bokmal, own.until
	case "nn":
		return own.nynorsk, own.until
	}
	return own.english, own.until
}

// IsCode reports whether a hit can have the code of a subdivision, or with prefix one that
// begins so. It is safe for concurrent use.
func IsCode(code string, prefix bool) bool {
	all := codes()
	i, found := slices.BinarySearch(all, code)
	return found || prefix && i < len(all) && strings.HasPrefix(all[i], code)
}

// codes are all codes in the tables, in order.
var codes = sync.OnceValue(func() []string {
	t := tables()
	all := slices.AppendSeq(slices.Collect(maps.Keys(t.own)), maps.Keys(t.english))
	all = slices.AppendSeq(all, maps.Values(t.codes))
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(code string) bool { return !strings.Contains(code, "-") })
})

// names are those of one subdivision in names.txt.
type names struct {
	bokmal, nynorsk, english string
	until                    string // the year of its end
}

// table is what the two files hold.
type table struct {
	own     map[string]names  // by code
	english map[string]string // by code, of those that are not in own
	codes   map[string]string // by the keys of appendKey; "" = several have that name
}

// tables reads the files when they are first needed.
var tables = sync.OnceValue(func() *table {
	t := &table{own: make(map[string]names), english: make(map[string]string), codes: make(map[string]string)}
	t.readOwn()
	t.readCLDR()
	return t
})

// readOwn reads names.txt. The comment at its top defines the columns.
func (t *table) readOwn() {
	found := make(shared)
	for line := range lines(ownText) {
		var column [5]string
		for i, text := range strings.SplitN(line, "|", len(column)) {
			column[i] = strings.TrimSpace(text)
		}
		head := strings.Fields(column[0])
		code, target := head[0], head[0]
		country, _, _ := strings.Cut(code, "-")
		own := names{bokmal: column[1], nynorsk: column[2], english: column[3]}
		for pair := range slices.Chunk(head[1:], 2) {
			if pair[0] == "until" {
				own.until = pair[1]
			} else { // now, is
				target = pair[1]
			}
		}
		own.nynorsk = cmp.Or(own.nynorsk, own.bokmal, own.english)
		own.english = cmp.Or(own.english, own.bokmal)
		own.bokmal = cmp.Or(own.bokmal, own.english)
		if own.english != "" {
			t.own[code] = own
		}
		if code != country {
			found.add(appendKey(nil, country, code[len(country)+1:], whole), target)
		}
		for name := range strings.SplitSeq(strings.Join(column[1:], ","), ",") {
			found.addName(country, strings.TrimSpace(name), target, whole, bare)
		}
	}
	t.take(found)
}

// readCLDR reads cldr.txt. The comment at its top defines the columns. Codes come before
// names, and names of the second level before those that have been withdrawn.
func (t *table) readCLDR() {
	codes, first, second, withdrawn := make(shared), make(shared), make(shared), make(shared)
	for line := range lines(cldrText) {
		code, rest, _ := strings.Cut(line, "\t")
		level, name, named := strings.Cut(rest, "\t")
		country, short, _ := strings.Cut(code, "-")
		key := appendKey(nil, country, short, whole)
		if !named {
			codes.add(key, level)
			continue
		}
		codes.add(key, code)
		if _, ok := t.own[code]; !ok {
			t.english[code] = name
		}
		switch level {
		case "1":
			first.addName(country, name, code, whole, bare)
		case "2":
			second.addName(country, name, code, below)
		default:
			withdrawn.addName(country, name, code, below)
		}
	}
	for _, found := range []shared{codes, first, second, withdrawn} {
		t.take(found)
	}
}

// take adds what t does not have yet.
func (t *table) take(found shared) {
	for key, code := range found {
		if _, ok := t.codes[key]; !ok {
			t.codes[key] = code
		}
	}
}

// shared holds codes by key, and "" where several codes have one key.
type shared map[string]string

func (s shared) add(key []byte, code string) {
	if before, ok := s[string(key)]; ok && before != code {
		code = ""
	}
	s[string(key)] = code
}

// addName adds a name in each form, both as "Møre" is written without its letters: "More"
// and "Moere".
func (s shared) addName(country, name, code string, forms ...form) {
	var buffer [2 * maxName]byte
	for _, f := range forms {
		for _, spelling := range [2]string{name, spelledOut.Replace(name)} {
			if key := appendKey(buffer[:0], country, spelling, f); len(key) > keyHead { // else it is generic words alone
				s.add(key, code)
			}
		}
	}
}

// spelledOut writes letters as two.
var spelledOut = strings.NewReplacer("å", "aa", "Å", "Aa", "ä", "ae", "Ä", "Ae", "æ", "ae", "Æ", "Ae",
	"ö", "oe", "Ö", "Oe", "ø", "oe", "Ø", "Oe", "ü", "ue", "Ü", "Ue")

// lines yields the lines of a file that are neither empty nor comments.
func lines(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if line != "" && line[0] != '#' && !yield(line) {
				return
			}
		}
	}
}
