package visit

import (
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/hit"
)

// TestSecret: printers, loggers and encoders of the standard library write nothing about
// the visitors of a Tracker.
func TestSecret(t *testing.T) {
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	tr := New(Options{Now: func() time.Time { return at }})
	addr := netip.MustParseAddr("203.0.113.77")
	h := &hit.Hit{
		Site: 1, Time: at, Kind: hit.Pageview,
		Addr: hit.NewAddr(addr), UserAgent: "Secret-Agent",
	}
	row := hit.Row{Path: "/secret-page"}
	if !tr.Observe(h, &row, time.UTC) {
		t.Fatal("dropped")
	}
	h.Time = at.AddDate(0, 0, -3)
	if !tr.Observe(h, &row, time.UTC) {
		t.Fatal("dropped")
	}
	today, past := tr.state().sites[1], tr.state().past.days[0].siteDay
	var keyToday, keyPast key
	today.identify(h, &keyToday)
	past.identify(h, &keyPast)

	secrets := []string{addr.String(), "Secret-Agent", "/secret-page"}
	for _, b := range [][]byte{today.salt[:], keyToday[:], past.salt[:], keyPast[:], addr.AsSlice()} {
		secrets = append(secrets,
			string(b), hex.EncodeToString(b), strings.Trim(fmt.Sprint(b), "[]"),
			strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", b), "[]byte{"), "}"))
	}

	var said bytes.Buffer
	holder := struct {
		tracker *Tracker
		Public  *Tracker
	}{tr, tr}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		fmt.Fprintf(&said, verb+"\n", tr)
		fmt.Fprintf(&said, verb+"\n", holder)
		fmt.Fprintf(&said, verb+"\n", reflect.ValueOf(tr).Elem())
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&said, nil), slog.NewJSONHandler(&said, nil)} {
		slog.New(handler).Info("tracker", "tracker", tr, "holder", holder)
	}
	for _, v := range []any{tr, holder} {
		if err := json.NewEncoder(&said).Encode(v); err != nil {
			t.Error(err)
		}
		if err := gob.NewEncoder(&said).Encode(v); err == nil {
			t.Error("gob encodes a Tracker")
		}
	}
	for _, secret := range secrets {
		if strings.Contains(said.String(), secret) {
			t.Errorf("%q is in what the tracker says:\n%s", secret, said.String())
		}
	}
	for i := range reflect.TypeFor[Tracker]().NumField() {
		if f := reflect.TypeFor[Tracker]().Field(i); f.IsExported() {
			t.Errorf("field %s is exported", f.Name)
		}
	}
}

// TestMidnightForgets: the secret and the visitors of a day that is over are overwritten,
// so that a pointer that is left to them shows nothing.
func TestMidnightForgets(t *testing.T) {
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	tr := New(Options{Now: func() time.Time { return at }})
	h := &hit.Hit{Site: 1, Time: at, Kind: hit.Pageview, UserAgent: "ua"}
	for i := range inlinePages + blockPages + 1 {
		tr.Observe(h, &hit.Row{Path: fmt.Sprint("/", i)}, time.UTC)
	}
	s := tr.state().sites[1]
	var before, after key
	s.identify(h, &before)
	salt := s.salt
	m := &tr.state().memory
	visitors, blocks := m.visitors.chunks[0], m.blocks.chunks[0] // pointers that outlive the day
	if visitors[0].key != before || blocks[0].pages[0] == 0 {
		t.Fatal("the test looks in the wrong place")
	}

	tr.Sweep(at.Add(12 * time.Hour))
	s.identify(h, &after)
	if before == after || s.salt == salt {
		t.Error("the visitor is recognised the day after")
	}
	wantEmpty(t, m, visitors, blocks)
}

// wantEmpty checks that memory is empty, and that freed chunks are overwritten.
func wantEmpty(t *testing.T, m *memory, visitors []visitor, blocks []block) {
	t.Helper()
	for _, v := range visitors {
		if v != (visitor{}) {
			t.Errorf("of a visitor is left: %+v", v)
		}
	}
	for _, b := range blocks {
		if b != (block{}) {
			t.Errorf("of the pages is left: %+v", b)
		}
	}
	if m.bytes() != 0 || m.seen != (ends{}) {
		t.Errorf("%d bytes are left, and the list %v", m.bytes(), m.seen)
	}
}

// TestDaysAreStrangers: no two days share a secret, so that nothing in memory links the
// visitors of two days.
func TestDaysAreStrangers(t *testing.T) {
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	tr := New(Options{Now: func() time.Time { return at }})
	h := &hit.Hit{Kind: hit.Pageview, UserAgent: "ua"}
	for h.Site = 1; h.Site <= 3; h.Site++ {
		for daysAgo := range 5 {
			h.Time = at.AddDate(0, 0, -daysAgo)
			tr.Observe(h, &hit.Row{Path: "/a"}, time.UTC)
		}
	}
	days := slices.Collect(maps.Values(tr.state().sites))
	for _, d := range tr.state().past.days {
		days = append(days, d.siteDay)
	}
	if len(days) != 15 {
		t.Fatalf("%d days, want 15", len(days))
	}
	salts, keys, pages := map[[32]byte]bool{{}: true}, map[key]bool{}, map[uint32]bool{}
	for _, d := range days {
		m := &tr.state().memory
		for id := d.visitors.newest; id != 0; id = m.visitors.at(id).links[inDay].older {
			keys[m.visitors.at(id).key], pages[m.visitors.at(id).pages[0]] = true, true
		}
		salts[d.salt] = true
	}
	if len(salts) != 1+15 || len(keys) != 15 || len(pages) != 15 {
		t.Errorf("15 days have %d salts other than zero, %d keys, %d hashes of a page", len(salts)-1, len(keys), len(pages))
	}
}

// TestPastDayForgets: nothing is left in memory of a past day that was swept or replaced
// by another.
func TestPastDayForgets(t *testing.T) {
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	for name, end := range map[string]func(tr *Tracker, h *hit.Hit){
		"swept": func(tr *Tracker, _ *hit.Hit) { tr.Sweep(at.Add(Silence)) },
		"made room": func(tr *Tracker, h *hit.Hit) {
			for range MaxPastDays {
				h.Time = h.Time.AddDate(0, 0, -1)
				tr.Observe(h, &hit.Row{Path: "/a"}, time.UTC)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			tr := New(Options{Now: func() time.Time { return at }})
			h := &hit.Hit{Site: 1, Time: at.AddDate(0, 0, -1), Kind: hit.Pageview, UserAgent: "ua"}
			tr.Observe(h, &hit.Row{Path: "/a"}, time.UTC)
			s := tr.state().past.days[0].siteDay
			m := &tr.state().memory
			id := s.visitors.newest
			v := *m.visitors.at(id)

			end(tr, h)
			if s.salt != [32]byte{} || s.pages != [16]byte{} {
				t.Error("the secret is left")
			}
			for _, chunk := range m.visitors.chunks {
				for _, left := range chunk {
					if left.key == v.key {
						t.Errorf("the visitor is left: %+v", left)
					}
				}
			}
			if s.visitors != (ends{}) {
				t.Error("visitors are left")
			}
			days := tr.state().past.days
			for _, d := range days[:cap(days)] {
				if d.siteDay == s {
					t.Error("the day is left")
				}
			}
		})
	}
}
