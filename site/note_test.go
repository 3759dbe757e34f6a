package site_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/site"
)

func TestNoteProblems(t *testing.T) {
	days := calendar.Range{From: 20000, To: 20003}
	for _, c := range []struct {
		name string
		days calendar.Range
		text string
		want []site.NoteProblem
	}{
		{"plain", days, "Pressemelding om budsjettet for 2027 ble sendt ut", nil},
		{"one day", calendar.One(20000), "Ny forside", nil},
		{"numbers that are no person's", days, "Sak 2026/1234: 1 500 svar, kl. 12.45, uke 47, 16.–22. november 2026", nil},
		{"a page", days, "Flyttet /helse/vaksinasjon til /vaksine", nil},
		{"the longest", days, strings.Repeat("å", 280), nil},
		{"too long", days, strings.Repeat("å", 281), []site.NoteProblem{site.NoteTooLong}},
		{"empty", days, "", []site.NoteProblem{site.NoteEmpty}},
		{"two lines", days, "a\nb", []site.NoteProblem{site.NoteUnprintable}},
		{"a direction", days, "a\u202eb", []site.NoteProblem{site.NoteUnprintable}},
		{"no text", days, "a\xff", []site.NoteProblem{site.NoteUnprintable}},
		{"a phone number", days, "Ring Kari på 91 23 45 67", []site.NoteProblem{site.NotePersonal}},
		{"a mail address", days, "Svar til kari.nordmann@example.org", []site.NoteProblem{site.NotePersonal}},
		{"an address of a machine", days, "Angrep fra 192.0.2.17", []site.NoteProblem{site.NotePersonal}},
		{"a birth number", days, "Gjelder 15076500565", []site.NoteProblem{site.NotePersonal}},
		{"backwards", calendar.Range{From: 20003, To: 20000}, "a", []site.NoteProblem{site.NoteWithoutDay}},
		{"before days", calendar.Range{From: -1, To: 3}, "a", []site.NoteProblem{site.NoteWithoutDay}},
		{"behind days", calendar.Range{From: 65535, To: 65536}, "a", []site.NoteProblem{site.NoteWithoutDay}},
		{"eleven years", calendar.Range{From: 20000, To: 20000 + 11*366}, "a", []site.NoteProblem{site.NoteWithoutDay}},
		{"both", calendar.Range{From: 1, To: 0}, "", []site.NoteProblem{site.NoteWithoutDay, site.NoteEmpty}},
	} {
		note := site.Note{Days: c.days, Text: c.text}
		if got := note.Problems(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if err := note.Validate(); (err == nil) != (len(c.want) == 0) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for text, want := range map[string]string{"  a \r\n b\t": "a b", "A\u030a": "Å", "": "", "\u00a0": ""} {
		if got := site.CleanNote(text); got != want {
			t.Errorf("CleanNote(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestEvents: a site has the days of the country in whose time zone it is.
func TestEvents(t *testing.T) {
	for zone, want := range map[string]int{"Europe/Oslo": 12, "Arctic/Longyearbyen": 12, "Atlantic/Jan_Mayen": 12, "Europe/Stockholm": 0, "UTC": 0} {
		s := site.Site{Location: location(t, zone)}
		holidays := 0
		for _, e := range s.Events(calendar.Range{From: 20454, To: 20454 + 364}) { // 2026
			if e.Kind == calendar.Holiday {
				holidays++
			}
		}
		if holidays != want {
			t.Errorf("%s: %d public holidays in 2026, want %d", zone, holidays, want)
		}
	}
}

// TestWrites: who sees a site and is no viewer may write notes about it.
func TestWrites(t *testing.T) {
	for role, want := range map[site.Role]bool{site.Admin: true, site.Editor: true, site.Viewer: false} {
		if got := role.Writes(); got != want {
			t.Errorf("%s writes: %t, want %t", role, got, want)
		}
	}
}

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}
