package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestInsertAgain: what was tried before is stored once, and by no program that does not
// know all rollups. Such a program then stores nothing, so that no batch is taken for one
// that the store refuses alone.
func TestInsertAgain(t *testing.T) {
	st := storetest.Open(t)
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	batch := func(again bool) hit.Batch {
		return hit.Batch{Rows: []hit.Row{{Site: 1, Time: at, Day: calendar.DayOf(at), Kind: hit.Pageview, Path: "/a", Pageviews: 1}}, Again: again}
	}
	exec := func(sql string) {
		t.Helper()
		if err := st.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	insert := func(token string, again bool, want error) {
		t.Helper()
		if err := st.Insert(t.Context(), batch(again), token); !errors.Is(err, want) || errors.Is(err, store.ErrRefused) {
			t.Errorf("insert of %q, again %v: %v, want %v", token, again, err, want)
		}
	}
	insert("a", false, nil)
	insert("a", true, nil)
	exec("INSERT INTO migrations (number, name, state, at) VALUES (9999, '9999_future', 'begun', now())")
	insert("b", false, nil) // nobody has counted it
	insert("a", true, store.ErrNewer)
	insert("c", false, store.ErrNewer)
	exec("ALTER TABLE migrations DELETE WHERE number = 9999 SETTINGS mutations_sync = 2")
	insert("c", false, nil)
	insert("d", false, nil)
	for _, table := range []string{"hits", "hourly"} {
		var out strings.Builder
		if err := st.Query(t.Context(), "SELECT sum(pageviews) FROM "+table, "", &out); err != nil || out.String() != "4\n" {
			t.Errorf("%s has %q, %v, want 4 page views", table, out.String(), err)
		}
	}
}
