package hit_test

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/hit"
)

// TestFields holds Fields to Row: each field of the one is a field of the other, in the
// same order, once, and its accessor is its own.
func TestFields(t *testing.T) {
	row := reflect.TypeFor[hit.Row]()
	if len(hit.Fields) != row.NumField() {
		t.Fatalf("%d fields are declared, of the %d of hit.Row", len(hit.Fields), row.NumField())
	}
	numbers, names := map[int]bool{}, map[string]bool{}
	for i, f := range hit.Fields {
		if name := columnOf(row.Field(i).Name); f.Name != name {
			t.Errorf("column %s of field %s, want %s", f.Name, row.Field(i).Name, name)
		}
		if f.Number < 1 || f.Number >= hit.CampaignBit || numbers[f.Number] || names[f.Name] {
			t.Errorf("%s has number %d: want one of 1 to 59, each number and name once", f.Name, f.Number)
		}
		numbers[f.Number], names[f.Name] = true, true
		if f.Type == "" || f.Codec == "" || f.Comment == "" || !slices.Contains(hit.Facts, f.Fact) {
			t.Errorf("%s has type %q, codec %q, comment %q, fact %q", f.Name, f.Type, f.Codec, f.Comment, f.Fact)
		}

		var r hit.Row
		at := reflect.ValueOf(f.At).Call([]reflect.Value{reflect.ValueOf(&r)})[0]
		if at.Pointer() != reflect.ValueOf(&r).Elem().Field(i).Addr().Pointer() {
			t.Errorf("%s is not at field %s", f.Name, row.Field(i).Name)
		}
		switch v := at.Elem(); v.Kind() {
		case reflect.String:
			v.SetString("x")
		case reflect.Int32:
			v.SetInt(7)
		case reflect.Uint32, reflect.Uint64:
			v.SetUint(7)
		case reflect.Float64:
			v.SetFloat(7)
		default:
			v.Set(reflect.ValueOf(time.Unix(7, 0)))
		}
		if got := f.Value(&r); got != at.Elem().Interface() {
			t.Errorf("Value of %s = %v, want %v", f.Name, got, at.Elem())
		}
		if f.IsZero(&r) || !f.IsZero(&hit.Row{}) {
			t.Errorf("IsZero of %s is not true of its zero value alone", f.Name)
		}
		if f.Clear(&r); r != (hit.Row{}) {
			t.Errorf("Clear of %s leaves %+v", f.Name, r)
		}
	}
}

var hump = regexp.MustCompile(`([a-z])([A-Z])`)

// columnOf returns the name of a Go field in the way of a column's.
func columnOf(field string) string {
	return strings.ToLower(hump.ReplaceAllString(field, "${1}_$2"))
}

// TestNumbersStay pins the numbers: they are in segments that wait on disks.
func TestNumbersStay(t *testing.T) {
	const want = "site time day kind path host name value network country region browser browser_version os device language " +
		"channel source campaign campaign_source campaign_medium campaign_term campaign_content entry_path previous_path " +
		"pageviews visits visitors page_visitors section_visitors bounces seconds conversions other"
	for i, name := range strings.Fields(want) {
		if at := slices.IndexFunc(hit.Fields, func(f hit.Field) bool { return f.Name == name }); at < 0 || hit.Fields[at].Number != i+1 {
			t.Errorf("%s has not number %d any more", name, i+1)
		}
	}
}

func BenchmarkFields(b *testing.B) {
	var texts []func(*hit.Row) *string
	for _, f := range hit.Fields {
		if at, ok := f.At.(func(*hit.Row) *string); ok {
			texts = append(texts, at)
		}
	}
	r := hit.Row{Path: "/", Host: "example.org"}
	n := 0
	for b.Loop() {
		for _, at := range texts {
			n += len(*at(&r))
		}
	}
	if n == 0 {
		b.Fatal("nothing is read")
	}
}
