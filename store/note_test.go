package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestNotes: notes are found by their days, the newest row of each counts, with who wrote it,
// and a removed one leaves no text on the disk.
func TestNotes(t *testing.T) {
	st := storetest.Open(t)
	kari := audit.As(t.Context(), audit.Actor{Via: audit.Page, Name: "kari"})
	ola := audit.As(t.Context(), audit.Actor{Via: audit.Page, Name: "ola"})
	days := func(from, to calendar.Day) calendar.Range { return calendar.Range{From: from, To: to} }
	all := days(0, 65535)
	texts := func(id uint32, within calendar.Range) string {
		t.Helper()
		notes, err := st.Notes(t.Context(), id, within)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, n := range notes {
			got += fmt.Sprintf("%d–%d %s (%s) ", n.Days.From, n.Days.To, n.Text, n.Who)
			if time.Since(n.Since).Abs() > time.Hour || n.ID == 0 || n.ID >= 1<<53 {
				t.Errorf("note %d since %s", n.ID, n.Since)
			}
		}
		return got
	}
	for _, n := range []site.Note{
		{Days: days(20010, 20012), Text: `It's a "\ {x:Y} ?`}, {Days: days(20000, 20000), Text: "Ny forside"}, {Days: days(0, 0), Text: "først"}, {Days: days(65535, 65535), Text: "sist"},
	} {
		if err := st.PutNote(kari, 1, n); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.PutNote(ola, 2, site.Note{Days: days(20000, 20000), Text: "et annet nettsted"}); err != nil {
		t.Fatal(err)
	}
	const long = `20010–20012 It's a "\ {x:Y} ? (kari) `
	for within, want := range map[calendar.Range]string{
		all:                "0–0 først (kari) 20000–20000 Ny forside (kari) " + long + "65535–65535 sist (kari) ",
		days(20000, 20009): "20000–20000 Ny forside (kari) ", days(20001, 20010): long, days(20012, 20020): long,
		days(20011, 20011): long, days(20013, 30000): "", days(1, 19999): "",
	} {
		if diff := cmp.Diff(want, texts(1, within)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", within, diff)
		}
	}

	notes, _ := st.Notes(t.Context(), 1, days(20000, 20000))
	changed := notes[0]
	changed.Text, changed.Days = "Ny forside, og ny meny", days(20000, 20001)
	if err := st.PutNote(ola, 1, changed); err != nil {
		t.Fatal(err)
	}
	if got := texts(1, days(20000, 20001)); got != "20000–20001 Ny forside, og ny meny (ola) " {
		t.Errorf("changed: %s", got)
	}
	if err := st.RemoveNote(kari, 2, changed.ID); !errors.Is(err, site.ErrNotFound) {
		t.Errorf("removed as that of another site: %v", err)
	}
	if err := st.PutNote(kari, 2, changed); !errors.Is(err, site.ErrNotFound) {
		t.Errorf("changed as that of another site: %v", err)
	}
	if err := st.RemoveNote(kari, 1, changed.ID); err != nil {
		t.Fatal(err)
	}
	if got := texts(1, days(20000, 20001)); got != "" {
		t.Errorf("removed: %s", got)
	}
	for _, err := range []error{st.RemoveNote(kari, 1, changed.ID), st.PutNote(kari, 1, changed), st.RemoveNote(kari, 1, 0)} {
		if !errors.Is(err, site.ErrNotFound) {
			t.Errorf("one that was removed: %v, want ErrNotFound", err)
		}
	}
	if n := query(t, st, "SELECT count() FROM notes WHERE text LIKE '%forside%'"); n != "0" {
		t.Errorf("%s rows have the text that was removed", n)
	}
	if err := st.PutNote(kari, 1, site.Note{Days: days(1, 1), Text: "Ring 91 23 45 67"}); err == nil {
		t.Error("a note with a phone number was stored")
	}
	if got := query(t, st, "SELECT groupArray(concat(who, ' ', action)) FROM (SELECT * FROM audit WHERE action LIKE 'note%' AND about LIKE 'site 1: note %' ORDER BY time, action)"); got !=
		"['kari note added','kari note added','kari note added','kari note added','ola note changed','kari note removed']" {
		t.Errorf("audit log: %s", got)
	}
	if n := query(t, st, "SELECT count() FROM audit WHERE about LIKE '%forside%'"); n != "0" {
		t.Error("the audit log has what was typed")
	}
}

// TestManyNotes: a site has room for so many notes, and no more.
func TestManyNotes(t *testing.T) {
	st := storetest.Open(t)
	query(t, st, "SELECT 1")
	if err := st.Exec(t.Context(), fmt.Sprintf("INSERT INTO notes (site, id, first, last, text, who) SELECT 1, number + 1, '2026-01-01', '2026-01-01', 'a', 'kari' FROM numbers(%d)", site.MaxNotes-1)); err != nil {
		t.Fatal(err)
	}
	note := site.Note{Days: calendar.One(20000), Text: "den siste"}
	if err := st.PutNote(t.Context(), 1, note); err != nil {
		t.Fatal(err)
	}
	if err := st.PutNote(t.Context(), 1, note); !errors.Is(err, site.ErrManyNotes) {
		t.Errorf("one too many: %v, want ErrManyNotes", err)
	}
	if err := st.PutNote(t.Context(), 2, note); err != nil {
		t.Errorf("another site: %v", err)
	}
	note.ID = 7
	if err := st.PutNote(t.Context(), 1, note); err != nil {
		t.Errorf("a change: %v", err)
	}
}
