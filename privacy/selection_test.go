package privacy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
)

func fieldOf(t *testing.T, name string) hit.Field {
	t.Helper()
	if name == privacy.TitleField.Name {
		return privacy.TitleField
	}
	f, ok := hit.FindField(name)
	if !ok {
		t.Fatalf("no field %s", name)
	}
	return f
}

// TestMatcher: what a selection finds, and what then stands in its place; "" is not found.
func TestMatcher(t *testing.T) {
	rules, err := privacy.ParsePathRules([]string{"/u/*"})
	if err != nil {
		t.Fatal(err)
	}
	text := func(s string) privacy.Selection { return privacy.Selection{Text: s} }
	path := func(s string) privacy.Selection { return privacy.Selection{Path: s} }
	pattern := func(s string) privacy.Selection { return privacy.Selection{Pattern: s} }
	marks := privacy.Selection{Marks: true, Rules: map[uint32]privacy.PathRules{1: rules}}
	for _, c := range []struct {
		of          privacy.Selection
		field, text string
		want        string
	}{
		{text("Kari Nordmann"), "path", "/ansatte/kari-nordmann", "/ansatte/[erased]"},
		{text("kari nordmann"), "path", "/ansatte/Kari%20Nordmann/cv", "/ansatte/[erased]"},
		{text("kari nordmann"), "path", "/sok?q=kari+nordmann", "/sok/[erased]"},
		{text("kari nordmann"), "path", "/kari_nordmann/cv", "/[erased]"},
		{text("kari nordmann"), "path", "/kari-nordmann", "/[erased]"},
		{text("kari nordmann"), "path", "/kari-nordmann/[other]", "/[erased]/[other]"},
		{text("kari nordmann"), "path", "/ansatte/[other]", ""},
		{text("kari nordmann"), "path", "/ansatte/kari/nordmann", ""},
		{text("kari nordmann"), "name", "Skjema / kari.nordmann / sendt", "[erased]"},
		{text("kari nordmann"), "name", "404 / /ansatte/kari-nordmann", "404 / /[erased]"},
		{text("kari nordmann"), "name", "kari hansen", ""},
		{text("KÅRE"), "title", "Kåre sin side", "[erased]"},
		{text("kåre"), "campaign", "ka\u030are", "[erased]"},
		{text("å1b"), "source", "%C3%A51b.no", "[erased]"},

		{path("/ansatte/kari"), "path", "/ansatte/kari", "/ansatte/[erased]"},
		{path("/ansatte/kari"), "entry_path", "/ansatte/kari", "/ansatte/[erased]"},
		{path("/ansatte/kari"), "path", "/ansatte/kari/cv", ""},
		{path("/ansatte/kari"), "path", "/ansatte/Kari", ""},
		{path("/ansatte/kari*"), "path", "/ansatte/kari/cv", "/ansatte/[erased]"},
		{path("/kari/*"), "path", "/kari/cv", "/[erased]"},
		{path("/kari"), "path", "/kari", "/[erased]"},
		{path("/"), "path", "/", "/[erased]"},
		{path("/ansatte/kari"), "name", "404 / /ansatte/kari", "404 / /[erased]"},
		{path("/ansatte/kari"), "name", "/ansatte/kari", ""},
		{path("/ansatte/kari"), "title", "/ansatte/kari", ""},

		{pattern(`^/ansatte/k`), "path", "/ansatte/kari", "/ansatte/[erased]"},
		{pattern(`kari`), "path", "/ansatte/Kari", ""},
		{pattern(`(?i)kari`), "path", "/Kari/x", "/[erased]"},
		{pattern(`\d{6}`), "name", "sak 123456", "[erased]"},
		{pattern(`\d{6}`), "name", "sak %31%32%33%34%35%36", "[erased]"},

		{marks, "path", "/ansatte/kari@example.no", "/ansatte/[erased]"},
		{marks, "path", "/sok?q=kari%40example.no", "/sok/[erased]"},
		{marks, "path", "/u/kari", "/u/[erased]"},
		{marks, "path", "/ansatte/kari", ""},
		{marks, "path", "/bruker/[email]", ""},
		{marks, "name", "ring 91 23 45 67", "[erased]"},
		{marks, "host", "192-0-2-1.example", "[erased]"},
		{marks, "source", "example.no", ""},
		{marks, "title", "kari@example.no", "[erased]"},
	} {
		match, err := c.of.Matcher()
		if err != nil {
			t.Fatal(err)
		}
		f, got := fieldOf(t, c.field), ""
		if match(1, f, c.text) {
			got = f.Erase(c.text, match.Whole(1, f, c.text))
		}
		if got != c.want {
			t.Errorf("%s %+v: %s %q becomes %q, want %q", c.of.Kind(), c.of, c.field, c.text, got, c.want)
		}
		if got != "" && match(1, f, got) && c.of.Kind() != "path" {
			t.Errorf("%s: %q is found again", c.of.Kind(), got)
		}
	}
}

// TestSelectionsRefused: what can't be answered is refused, and says why.
func TestSelectionsRefused(t *testing.T) {
	for want, s := range map[string]privacy.Selection{
		"want a network":         {},
		"not several":            {Text: "kari", Path: "/kari"},
		"3 characters":           {Text: "- k. "},
		"first slash":            {Path: "kari"},
		"error parsing":          {Pattern: "("},
		"matches every text":     {Pattern: "k*"},
		"at most":                {Pattern: strings.Repeat("k", 1001)},
		"want the earlier one":   {Text: "kari", From: at(2), To: at(1)},
		"want the earlier one f": {From: at(2), To: at(2)},
	} {
		if _, err := s.Checked(privacy.Default()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", s, err, want)
		}
	}
}

// TestTakeOut: of what is not stored yet is taken what would be taken out of the store.
func TestTakeOut(t *testing.T) {
	day := calendar.DayOf(at(3))
	batch := func() hit.Batch {
		row := hit.Row{Site: 1, Day: day, Time: at(3), Kind: hit.Pageview, Path: "/ansatte/kari", EntryPath: "/", Network: "203.0.7.0/24", Country: "NO"}
		other, later := row, row
		other.Site, later.Day, later.Time, later.Network = 2, day+5, at(8), "198.51.0.0/16"
		return hit.Batch{
			Rows:   []hit.Row{row, other, later},
			Ledger: []hit.LedgerEntry{{Site: 1, Day: day, Name: "kari.no"}, {Site: 1, Day: day}},
			Titles: []hit.PageTitle{{Site: 1, Day: day, Path: "/x", Title: "Kari"}, {Site: 1, Day: day, Path: "/ansatte/kari"}, {Site: 1, Day: day, Path: "/"}},
		}
	}
	for _, c := range []struct {
		of     privacy.Selection
		n      int
		paths  string
		titles int
	}{
		{privacy.Selection{Text: "kari"}, 6, "/ansatte/[erased] /ansatte/[erased] /ansatte/[erased]", 1},
		{privacy.Selection{Text: "kari", Site: 2}, 1, "/ansatte/kari /ansatte/[erased] /ansatte/kari", 3},
		{privacy.Selection{Text: "kari", From: at(7)}, 1, "/ansatte/kari /ansatte/kari /ansatte/[erased]", 3},
		{privacy.Selection{Text: "ola"}, 0, "/ansatte/kari /ansatte/kari /ansatte/kari", 3},
		{privacy.Selection{Path: "/ansatte/kari", Site: 1}, 3, "/ansatte/[erased] /ansatte/kari /ansatte/[erased]", 2},
		{of(oslo, time.Time{}, time.Time{}), 2, "/ansatte/kari", 3},
		{privacy.Selection{Network: oslo, Site: 2}, 1, "/ansatte/kari /ansatte/kari", 3},
		{privacy.Selection{From: at(4)}, 1, "/ansatte/kari /ansatte/kari", 3},
	} {
		s, err := c.of.Checked(privacy.Default())
		if err != nil {
			t.Fatal(err)
		}
		b := batch()
		n, err := s.TakeOut(&b)
		var paths []string
		for _, r := range b.Rows {
			paths = append(paths, r.Path)
		}
		if got := strings.Join(paths, " "); n != c.n || err != nil || got != c.paths || len(b.Titles) != c.titles {
			t.Errorf("%s %+v: %d taken out, %v, left %q and %d titles; want %d, %q and %d", s.Kind(), c.of, n, err, got, len(b.Titles), c.n, c.paths, c.titles)
		}
	}
}
