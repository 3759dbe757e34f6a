package site_test

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"testing"
	"unsafe"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/site"
)

func TestGoalValidate(t *testing.T) {
	good := site.Goal{Number: 32, Name: "Påmelding til kurs", Kind: hit.Pageview, Pattern: "/kurs/*/takk"}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*site.Goal){
		"number 0":       func(g *site.Goal) { g.Number = 0 },
		"number 33":      func(g *site.Goal) { g.Number = 33 },
		`goal ""`:        func(g *site.Goal) { g.Name = "" },
		`goal "a\nb"`:    func(g *site.Goal) { g.Name = "a\nb" },
		`goal " a"`:      func(g *site.Goal) { g.Name = " a" },
		"goal \"a\u030a": func(g *site.Goal) { g.Name = "a\u030a" },
		`goal "ååååå`:    func(g *site.Goal) { g.Name = strings.Repeat("å", 101) },
		`pattern ""`:     func(g *site.Goal) { g.Pattern = "" },
		`page "takk"`:    func(g *site.Goal) { g.Pattern = "takk" },
		`kind "search"`:  func(g *site.Goal) { g.Kind = hit.Search },
		`kind "goal"`:    func(g *site.Goal) { g.Kind = hit.Goal },
		`kind ""`:        func(g *site.Goal) { g.Kind = "" },
		`name of a goal: it seems to have personal data`:                         func(g *site.Goal) { g.Name = "Svar til kari@example.org" },
		"pattern of goal \"Påmelding til kurs\": it seems to have personal data": func(g *site.Goal) { g.Pattern = "/sak/15076500565" },
		`pattern "//xxx`: func(g *site.Goal) { g.Pattern = "//" + strings.Repeat("x", 100) },
	} {
		g := good
		spoil(&g)
		if err := g.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate of %+v = %v, want %s", g, err, want)
		}
	}
}

func TestReached(t *testing.T) {
	for _, tt := range []struct {
		kind    hit.Kind
		pattern string
		reach   []string
		miss    []string
	}{
		{hit.Pageview, "/takk", []string{"/takk"}, []string{"/takk/", "/takk?id=1", "/om/takk", ""}},
		{hit.Pageview, "/kurs/*/takk*", []string{"/kurs/sveising/takk", "/kurs/a/b/takk?id=1"}, []string{"/kurs/takk", "/kurs/a/tak"}},
		{hit.Pageview, "*", []string{"/", "/a", ""}, nil},
		{hit.Pageview, "/bl%C3%A5b%C3%A6r", []string{"/blåbær", "/bla\u030abær"}, []string{"/bl%C3%A5b%C3%A6r"}},
		{hit.Event, "Skjema / Send*", []string{"Skjema / Send", "Skjema / Send / kontakt"}, []string{"Skjema / Åpne", "skjema / Send"}},
		{hit.Event, "100%25", []string{"100%25"}, []string{"100%"}},
		{hit.Download, "/rapport/*.pdf", []string{"example.org/rapport/2026.pdf", "cdn.example/rapport/a/b.pdf"}, []string{"example.org/x/rapport/2026.pdf", "example.org/rapport/2026.doc"}},
		{hit.Download, "*.pdf", []string{"example.org/a.pdf"}, []string{"example.org/a.pdf2"}},
		{hit.Outlink, "vipps.no/*", []string{"vipps.no/", "vipps.no/gi/123"}, []string{"www.vipps.no/gi", "example.org/vipps.no/"}},
		{hit.Outlink, "vipps.no", []string{"vipps.no/", "vipps.no/gi", "vipps.no"}, []string{"vipps.no.example/", "www.vipps.no/"}},
		{hit.Outlink, "https://blåbær.se/*", []string{"xn--blbr-roah.se/", "xn--blbr-roah.se/Bær"}, []string{"blbr.se/"}},
		{hit.Outlink, "*.BLÅBÆR.se/Bær", []string{"www.xn--blbr-roah.se/Bær"}, []string{"www.xn--blbr-roah.se/bær"}},
		{hit.Outlink, "bla\u030abær.se./a\u030a", []string{"xn--blbr-roah.se/å"}, nil},
		{hit.Outlink, "xn--blbr-roah.se:443/*", []string{"xn--blbr-roah.se/x"}, nil},
		{hit.Outlink, "*blåbær*", []string{"www.xn--blbr-roah.se/", "example.org/blåbær/"}, []string{"example.org/"}},
		{hit.Outlink, "VG.no/*", []string{"vg.no/sport", "vg.no/"}, []string{"avg.no/"}},
		{hit.Outlink, "*/Fil.pdf", []string{"vg.no/Fil.pdf"}, []string{"vg.no/fil.pdf"}},
		{hit.Outlink, "*Fil/a", []string{"vg.no/Fil/a"}, nil},
		{hit.Download, "www.blåbær.no/rapport/*", []string{"www.xn--blbr-roah.no/rapport/2026.pdf"}, []string{"xn--blbr-roah.no/rapport/2026.pdf"}},
		{hit.Download, "*.PDF", []string{"example.org/a.PDF"}, []string{"example.org/a.pdf"}},
		{hit.Outlink, "/gi*", []string{"vipps.no/gi/123"}, []string{"vipps.no", "gi"}},
	} {
		g := site.Goal{Kind: tt.kind, Pattern: tt.pattern}
		for _, text := range append(tt.reach, tt.miss...) {
			row := hit.Row{Kind: tt.kind, Name: text, Path: "/page"}
			if tt.kind == hit.Pageview {
				row.Name, row.Path = "", text
			}
			want := len(tt.reach) > 0 && strings.Contains("\x00"+strings.Join(tt.reach, "\x00")+"\x00", "\x00"+text+"\x00")
			if got := g.Reached(&row); got != want {
				t.Errorf("%s %q reaches %q: %v, want %v", tt.kind, text, tt.pattern, got, want)
			}
			row.Kind = hit.Search
			if g.Reached(&row) {
				t.Errorf("a search for %q reaches %q", text, tt.pattern)
			}
		}
	}
}

// TestGoalsOfASite: goals get the first free number, and there are at most 32.
func TestGoalsOfASite(t *testing.T) {
	var s site.Site
	add := func(name string) error {
		return s.AddGoal(site.Goal{Name: name, Kind: hit.Pageview, Pattern: "/" + name})
	}
	for i := range site.MaxGoals {
		if err := add(fmt.Sprint(i)); err != nil || s.Goals[i].Number != i+1 {
			t.Fatalf("goal %d: %v, %+v", i, err, s.Goals)
		}
	}
	if err := add("x"); err == nil || len(s.Goals) != site.MaxGoals {
		t.Errorf("goal 33: %v", err)
	}
	before := s
	if err := s.RemoveGoal("6"); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveGoal("6"); !errors.Is(err, site.ErrNotFound) {
		t.Errorf("a goal that is gone: %v", err)
	}
	if err := add("5"); err == nil {
		t.Error("two goals have one name")
	}
	if err := add("ny"); err != nil || s.Goals[len(s.Goals)-1].Number != 7 {
		t.Errorf("the new goal: %v, %+v", err, s.Goals)
	}
	if before.Goals[6].Name != "6" {
		t.Error("a copy of the site has changed")
	}
}

// TestGoalsTakeBoundedMemory: the goals of a site take what docs/install.md says, in letters
// of any script.
func TestGoalsTakeBoundedMemory(t *testing.T) {
	const most = 30_000
	long := func(characters int) string { return strings.Repeat("𝄞", characters) }
	valid := func(characters int) bool {
		g := site.Goal{Number: 1, Name: long(characters), Kind: hit.Event, Pattern: long(characters)}
		return g.Validate() == nil
	}
	characters := sort.Search(1<<20, func(n int) bool { return !valid(n + 1) })
	if size := site.MaxGoals * (int(unsafe.Sizeof(site.Goal{})) + 2*len(long(characters))); characters == 0 || size > most {
		t.Errorf("%d goals with texts of %d characters take %d bytes, want at most %d", site.MaxGoals, characters, size, most)
	}
}
