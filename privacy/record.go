package privacy

import (
	"fmt"
	"time"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
)

// keeps reports whether the policy keeps a field of a row.
func (p Policy) keeps(f hit.Field) bool { return p.Record != Minimal || f.Minimal }

// record returns the lines of the statement on what rows hold under the policy: one for each
// fact of which a field is kept.
func (p Policy) record(lang *i18n.Language) ([]string, error) {
	kept := map[hit.Fact]bool{}
	for _, f := range hit.Fields {
		kept[f.Fact] = kept[f.Fact] || p.keeps(f)
	}
	var list []string
	for _, fact := range hit.Facts {
		if !kept[fact] {
			continue
		}
		words, err := lang.Text("fact." + string(fact))
		if err != nil {
			return nil, err
		}
		list = append(list, words)
	}
	return list, nil
}

// written returns the value of a field as text for people.
func written(row *hit.Row, f hit.Field, lang *i18n.Language) string {
	switch f.Name {
	case "day":
		return row.Day.String()
	case "region":
		if name := lang.Region(row.Region); name != row.Region {
			return row.Region + ", " + name
		}
	}
	if at, ok := f.Value(row).(time.Time); ok {
		return at.UTC().Format(time.DateTime) + " UTC"
	}
	return fmt.Sprint(f.Value(row))
}
