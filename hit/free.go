package hit

import "strings"

// listed are the fields whose texts the program has lists or a form of, so that no sender can
// choose them freely.
var listed = map[string]bool{
	"kind": true, "network": true, "country": true, "region": true, "browser": true, "browser_version": true, "os": true,
	"device": true, "language": true, "channel": true,
}

// Free reports whether the field holds a text that a sender may have chosen, in which anything
// can stand: such as a path, never a country.
func (f Field) Free() bool { return strings.Contains(f.Type, "String") && !listed[f.Name] }

// IsPath reports whether the field holds paths of pages.
func (f Field) IsPath() bool { return f.SectionBit() != 0 }

// Erased stands for a text that was taken out because somebody asked for it.
const Erased = "[erased]"

// missingPrefix is as long as what stands before the path in the name of the event of a page
// that is not there.
const missingPrefix = len("404 / ")

// MissingPath returns the path in the name of the event of a page that is not there, and false
// if it is another name.
func MissingPath(name string) (string, bool) {
	if len(name) <= missingPrefix || name[3:missingPrefix] != " / " || name[missingPrefix] != '/' || strings.HasPrefix(name[missingPrefix:], "//") {
		return "", false
	}
	for i, digit := range []byte(name[:3]) {
		if digit < '0' || digit > '9' || i == 0 && digit != '4' && digit != '5' {
			return "", false
		}
	}
	return name[missingPrefix:], true
}

// Erase returns what stands in the place of a text of the field that was taken out. If it is not
// whole, the first segment of a path stays. What says that a path has no line of its own stays in
// any case, and so does the status of a page that is not there.
func (f Field) Erase(text string, whole bool) string {
	if path, ok := MissingPath(text); f.Name == "name" && ok {
		return strings.TrimSuffix(text, path) + "/" + Erased
	}
	if !f.IsPath() {
		return Erased
	}
	section := Section(text)
	erased, rest := "/"+Erased, text[len(section):]
	if !whole {
		erased = section + erased
	}
	if rest == "/"+Others {
		erased += rest
	}
	return erased
}
