package store_test

import (
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/retention/journal"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestWrittenIsErasedAgain: a saved view, a note, a goal and a setting that an erasure took away, and that a restore
// brought back, are taken away by its journal, and others stay.
func TestWrittenIsErasedAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the disk")
	}
	st, dir, now := storetest.Open(t), t.TempDir(), time.Now()
	put := func() {
		if _, err := st.AddSite(t.Context(), site.Site{ID: 1, Name: "Om kari", Tags: []string{"kari", "annet"}, Hosts: []string{"example.org"}, Location: time.UTC, Goals: []site.Goal{site.NewGoal("Kari", hit.Event, "x", now)}}); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"kari", "annet"} {
			if err := st.PutView(t.Context(), site.View{Site: 1, Name: "Sidene til " + text, Owner: "per"}); err != nil {
				t.Fatal(err)
			}
			if err := st.PutNote(t.Context(), 1, site.Note{Days: calendar.One(erasedDay), Text: "Ny side om " + text}); err != nil {
				t.Fatal(err)
			}
		}
	}
	put()
	j, err := journal.Open(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	s := checked(t, privacy.Selection{Text: "kari"})
	held, err := chooseAndErase(t.Context(), st, s, func(all []privacy.Chosen) error {
		var gone []journal.Erased
		for _, c := range all {
			gone = append(gone, journal.Erased{Site: c.Site, Column: c.Column, Value: c.Value, From: s.From, To: s.To})
		}
		return j.Add(now, gone)
	})
	if err != nil || held != (privacy.Held{Views: 1, Notes: 1, Goals: 1, Settings: 2}) {
		t.Fatalf("held %+v, %v", held, err)
	}
	for _, table := range []string{"saved_views", "notes", "sites", "settings"} { // as the backup has them
		if err := st.Exec(t.Context(), "TRUNCATE TABLE "+table); err != nil {
			t.Fatal(err)
		}
	}
	put()
	log, err := journal.Read(dir, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := st.HeldAgain(t.Context(), log); err != nil || n != 5 {
		t.Errorf("held again: %d, %v", n, err)
	}
	if left, err := st.EraseAgain(t.Context(), log); err != nil || left != 0 {
		t.Errorf("left: %d, %v", left, err)
	}
	if got := texts(t, st, "kari"); len(got) > 0 {
		t.Errorf("left: %v", got)
	}
	if got := texts(t, st, "annet"); len(got) != 3 {
		t.Errorf("of the others: %v", got)
	}
}
