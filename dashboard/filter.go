package dashboard

import (
	"errors"
	"slices"
	"strings"

	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
)

// Parameters of the form that adds a filter.
const (
	formDimension = "fd"
	formHow       = "fo" // is, not or begins
	formValue     = "fv"
)

// formFilter reads the filter that somebody chose by hand, and false if none was. What was
// typed may be the name of the value in the language of the reader.
func (q *question) formFilter() (report.Filter, bool, error) {
	if !q.typed.Has(formValue) {
		return report.Filter{}, false, nil
	}
	f := report.Filter{Dimension: q.typed.Get(formDimension), Not: q.typed.Get(formHow) == "not", Prefix: q.typed.Get(formHow) == "begins"}
	f.Value = codeOf(q.lang, f.Dimension, strings.TrimSpace(q.typed.Get(formValue)))
	_, err := report.ParseFilter(f.String())
	if err == nil && !slices.Contains(filterable, f.Dimension) {
		err = badFilter
	}
	if err == nil && f.Value == "" {
		err = errNoValue
	}
	return f, true, err
}

var errNoValue = errors.New("filter without a value")

// codeOf returns the value of a dimension that has a name in a language, and the name
// itself where none has it.
func codeOf(l *i18n.Language, dimension, name string) string {
	find := func(code string, ok bool) string {
		if ok {
			return code
		}
		return name
	}
	switch dimension {
	case "country":
		return find(l.FindCountry(name))
	case "language":
		return find(l.FindLanguage(name))
	case "region":
		return find(l.FindRegion(name))
	case "channel", "device":
		for code, text := range l.Group(dimension + ".") {
			if strings.EqualFold(text, name) {
				return code
			}
		}
	case "page", "section", "entry":
		if path := strings.TrimPrefix(name, "https://"); path != name { // an address from the browser
			if i := strings.IndexByte(path, '/'); i >= 0 {
				return path[i:]
			}
			return "/"
		}
		if !strings.HasPrefix(name, "/") && name != "" {
			return "/" + name
		}
	}
	return name
}
