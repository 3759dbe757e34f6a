package store

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/site"
)

// TestRecalledBytes: what is kept takes no more bytes than it may, however many or large its values
// are, and small values are kept.
func TestRecalledBytes(t *testing.T) {
	for _, tt := range []struct {
		name        string
		value       []site.Note
		puts, least int
	}{
		{"nothing", nil, 100_000, 1000},
		{"small", []site.Note{{Text: "a"}}, 100_000, 100},
		{"of 100 kB", []site.Note{{Text: strings.Repeat("x", 100<<10)}}, 1000, 1},
		{"many", make([]site.Note, 500), 1000, 1},
		{"too large", []site.Note{{Text: strings.Repeat("x", 600<<10)}}, 10, 0},
	} {
		var kept recalled[uint32, []site.Note]
		size := entryBytes + sizeOf(reflect.ValueOf(&tt.value))
		for key := range uint32(tt.puts) {
			kept.keep(key%uint32(tt.puts-1), recollection[[]site.Note]{tt.value, nil, size})
			if kept.bytes > maxRecalled || kept.bytes != len(kept.kept)*size {
				t.Fatalf("%s: %d values of %d bytes are counted as %d", tt.name, len(kept.kept), size, kept.bytes)
			}
		}
		if len(kept.kept) < tt.least || tt.least == 0 && len(kept.kept) > 0 {
			t.Errorf("%s: %d values are kept, want %d or more", tt.name, len(kept.kept), tt.least)
		}
	}
}

// TestSizeOf: all bytes that a value points to are counted, a time zone not.
func TestSizeOf(t *testing.T) {
	word := int(reflect.TypeFor[uintptr]().Size())
	oslo, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		value any
		want  int
	}{
		{uint32(7), 4},
		{"abc", 2*word + 3},
		{[]string{"abc", "d"}, 3*word + 2*2*word + 4},
		{make([]int64, 1, 10), 3*word + 80},
		{map[string]string{"a": "bc"}, word + 2*(4*word+3)},
		{struct {
			A string
			B *string
		}{"abc", new(string)}, 3*word + 3 + 2*word},
		{oslo, word},
	} {
		if got := sizeOf(reflect.ValueOf(tt.value)); got != tt.want {
			t.Errorf("%s: %d bytes, want %d", fmt.Sprintf("%T %[1]v", tt.value), got, tt.want)
		}
	}
}
