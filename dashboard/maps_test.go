package dashboard

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
)

// TestWorld: every shape is of a country with a name, and in the box that is drawn.
func TestWorld(t *testing.T) {
	lands, err := readWorld()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	size := 0
	for _, l := range lands {
		if i18n.Find("nb").Country(l.code) == l.code || seen[l.code] || !strings.HasPrefix(l.path, "M") || !strings.HasSuffix(l.path, "z") {
			t.Errorf("country %q: %.40q", l.code, l.path)
		}
		seen[l.code] = true
		size += len(l.path)
	}
	for _, code := range []string{"NO", "SE", "DK", "FI", "IS", "US", "RU", "AU", "XK"} {
		if !seen[code] {
			t.Errorf("%s is not on the map", code)
		}
	}
	if len(lands) < 160 || size > 20_000 {
		t.Errorf("%d countries of %d bytes, want at least 160 of at most 20,000", len(lands), size)
	}
}

// TestCounties: each of Norway's counties has its own tile.
func TestCounties(t *testing.T) {
	for i, c := range counties {
		if name := i18n.Find("nb").Region(c.code); name == c.code || strings.Contains(name, "til") {
			t.Errorf("%s is %q", c.code, name)
		}
		for _, other := range counties[:i] {
			if other.y == c.y && other.x > c.x-1 && other.x < c.x+1 || other.code == c.code {
				t.Errorf("%s and %s lie upon each other", c.code, other.code)
			}
		}
		if c.x < 0 || c.x > tilesAcross-1 || c.y < 0 || c.y > 6 {
			t.Errorf("%s lies outside", c.code)
		}
	}
	if len(counties) != 15 {
		t.Errorf("%d counties", len(counties))
	}
}

func TestShades(t *testing.T) {
	for _, c := range []struct {
		numbers []int64
		want    string
	}{
		{nil, "[]"},
		{[]int64{0}, "[]"},
		{[]int64{3}, "[3]"},
		{[]int64{1, 2}, "[1 2]"},
		{[]int64{5, 7, 100, 1929}, "[5 20 50 200 600]"},
		{[]int64{67, 199, 286, 368, 867}, "[67 100 200 300 500]"},
		{[]int64{1, 1_000_000}, "[1 20 300 4000 60000]"},
	} {
		numbers, codes := map[string]found{"hidden": {1, report.Below}, "beside the map": {1, report.Shown}}, []string{"hidden", "nobody"}
		for i, n := range c.numbers {
			code := fmt.Sprint(i)
			numbers[code], codes = found{n, report.Shown}, append(codes, code)
		}
		shades := shadesOf(numbers, codes)
		if got := fmt.Sprint(shades); got != c.want || !slices.IsSorted(shades) {
			t.Errorf("shades of %d are %s, want %s", c.numbers, got, c.want)
		}
		for i, from := range shades {
			if got := shadeOf(shades, from); got != i+1 {
				t.Errorf("%d has shade %d of %d, want %d", from, got, shades, i+1)
			}
		}
	}
}
