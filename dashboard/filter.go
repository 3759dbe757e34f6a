package dashboard

import (
	"errors"
	"net/http"
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

// filteredQuestion is question for a page with a form of filters: a filter that can't be read, or
// whose value no hit can have, is taken out of the address, and stands in the form with what is
// wrong of it.
func (c *call) filteredQuestion(path string) (*question, error) {
	q, err := c.question(path)
	if err == nil || c.json || c.format != "" {
		return q, err
	}
	values := c.r.URL.Query()
	var wrong *report.Filter
	kept := 0
	values["f"] = slices.DeleteFunc(values["f"], func(text string) bool {
		f, err := report.ParseFilter(text)
		if !slices.Contains(filterable, f.Dimension) {
			f = report.Filter{Value: shortened(text)}
		}
		if err == nil && kept < report.MaxFilters {
			kept++
			return false
		}
		if wrong == nil {
			wrong = &f
		}
		return true
	})
	if wrong == nil {
		return nil, err
	}
	c.ask(values.Encode())
	if q, err = c.question(path); err != nil {
		return nil, err
	}
	how := "is"
	switch {
	case wrong.Not:
		how = "not"
	case wrong.Prefix:
		how = "begins"
	}
	q.badFilter = wrongFilter(wrong.Dimension)
	q.typed[formDimension], q.typed[formHow], q.typed[formValue] = []string{wrong.Dimension}, []string{how}, []string{wrong.Value}
	return q, nil
}

// plainQuestion is question for a page without a form of filters: it leaves out those that can't be
// read, and says so. What changes something is refused.
func (c *call) plainQuestion(path string) (*question, error) {
	typed := c.r.URL.Query()
	q, err := c.filteredQuestion(path)
	if err == nil && q.badFilter != "" {
		left := c.r.URL.Query()["f"]
		i := slices.IndexFunc(typed["f"], func(text string) bool { return !slices.Contains(left, text) })
		c.wrong, q.badFilter = &report.InvalidError{Field: "filter", Value: typed["f"][max(i, 0)]}, ""
		if c.r.Method == http.MethodPost {
			return q, *c.wrong // or something else would be saved
		}
	}
	return q, err
}

// wrongFilter is the key of what is wrong of a filter by a dimension.
func wrongFilter(dimension string) string {
	if dimension == "" {
		return "filter.unread"
	}
	if slices.Contains([]string{"channel", "country", "region", "browser", "os", "device", "language"}, dimension) {
		return "filter.wrong." + dimension
	}
	return "filter.wrong"
}

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
