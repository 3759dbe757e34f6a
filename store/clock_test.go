package store_test

import (
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestClockNote: the last note counts, an earlier time too.
func TestClockNote(t *testing.T) {
	st := storetest.Open(t)
	if seen, err := st.ClockNote(t.Context()); err != nil || !seen.IsZero() {
		t.Fatalf("ClockNote of a new store = %s, %v, want the zero time", seen, err)
	}
	for _, want := range []string{"2026-11-26T12:00:00Z", "2030-11-26T12:00:00Z", "2026-11-26T13:00:00Z"} {
		at, err := time.Parse(time.RFC3339, want)
		if err != nil {
			t.Fatal(err)
		}
		if err := st.NoteClock(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		if seen, err := st.ClockNote(t.Context()); err != nil || !seen.Equal(at) {
			t.Errorf("ClockNote = %s, %v, want %s", seen, err, at)
		}
	}
	if err := st.Exec(t.Context(), "OPTIMIZE TABLE clock FINAL"); err != nil {
		t.Fatal(err)
	}
	if n := query(t, st, "SELECT count(), max(number) FROM clock"); n != "1\t3" {
		t.Errorf("rows and numbers after a merge: %q, want one row of number 3", n)
	}
}

// TestOtherClock: a store on this machine confirms no clock, with any address.
func TestOtherClock(t *testing.T) {
	server := httptest.NewServer(storetest.Engine(t))
	t.Cleanup(server.Close)
	embedded := storetest.Open(t)
	loopback, err := store.Open(t.Context(), store.Config{DSN: server.URL + "/" + storetest.Database(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { loopback.Close() })
	for name, st := range map[string]*store.Store{"embedded": embedded, "on loopback": loopback} {
		if at, err := st.OtherClock(t.Context()); !errors.Is(err, store.ErrSameClock) {
			t.Errorf("%s: OtherClock = %s, %v, want ErrSameClock", name, at, err)
		}
	}
}
