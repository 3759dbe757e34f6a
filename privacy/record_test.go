package privacy

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/hit"
)

// A field that hit.Row grows must be told of, in the statement and by itself.
func TestEveryFieldOfARowIsTold(t *testing.T) {
	var fields []string
	row := reflect.TypeFor[hit.Row]()
	for i := range row.NumField() {
		fields = append(fields, row.Field(i).Name)
	}

	var shown []string
	for _, c := range columns {
		shown = append(shown, c.field)
	}
	if diff := cmp.Diff(fields, shown); diff != "" {
		t.Errorf("columns (-fields of hit.Row +columns):\n%s", diff)
	}

	var told []string
	for _, f := range facts {
		told = append(told, f.fields...)
	}
	slices.Sort(fields)
	slices.Sort(told)
	if diff := cmp.Diff(fields, told); diff != "" {
		t.Errorf("facts (-fields of hit.Row +fields of facts):\n%s", diff)
	}
}

// The columns shown are those of the table, by its own definition.
func TestColumnsAreThoseOfTheTable(t *testing.T) {
	const file = "../store/migrations/0001_hits.sql"
	sql, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^    ([a-z_]+) +[A-Z]`).FindAllStringSubmatch(string(sql), -1) {
		want = append(want, m[1])
	}
	var got []string
	for _, c := range columns {
		got = append(got, c.name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns (-%s +shown):\n%s", file, diff)
	}
}

func TestEverythingIsSaidInBothLanguages(t *testing.T) {
	all := []text{and, thousands}
	for _, f := range facts {
		all = append(all, f.words)
	}
	for _, c := range columns {
		all = append(all, c.words)
	}
	for _, d := range dropped {
		all = append(all, d)
	}
	for _, s := range all {
		if s.en == "" || s.nb == "" {
			t.Errorf("%+v lacks a language", s)
		}
	}
}
