package store_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/patience"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// excluded is an entry of one hit on a day written as 2006-01-02.
func excluded(t *testing.T, site uint32, day, reason, rule, name string) hit.LedgerEntry {
	t.Helper()
	d, err := calendar.ParseDay(day)
	if err != nil {
		t.Fatal(err)
	}
	return hit.LedgerEntry{Site: site, Day: d, Reason: reason, Rule: rule, Name: name, Count: 1}
}

// excludedHost is an entry without its count.
func excludedHost(e hit.LedgerEntry) hit.LedgerEntry {
	e.Count = 0
	return e
}

func TestLedgerIsCountedByReasonRuleAndName(t *testing.T) {
	st := storetest.Open(t)
	const before, first, last, after = "2025-12-30", "2025-12-31", "2026-01-01", "2026-01-02"
	many := excluded(t, 1, last, hit.ForeignHost, "", "kopi.example")
	many.Count = 5
	folded := excluded(t, 1, last, hit.ForeignHost, "", hit.Others)
	folded.Site = 4
	mustInsert(t, st, hit.Batch{Ledger: []hit.LedgerEntry{
		excluded(t, 1, first, hit.IsBot, "word", "Googlebot"),
		excluded(t, 1, last, hit.IsBot, "word", "Googlebot"),
		excluded(t, 1, first, hit.IsBot, "engine", "Googlebot"),
		excluded(t, 1, last, hit.IsBot, "engine", ""),
		excluded(t, 1, last, hit.Prefetched, "", ""),
		excluded(t, 1, before, hit.IsBot, "word", "early"),
		excluded(t, 1, after, hit.IsBot, "word", "late"),
		excluded(t, 2, first, hit.IsBot, "word", "of another site"),
		many, folded,
	}}, "a")
	mustInsert(t, st, hit.Batch{Ledger: []hit.LedgerEntry{
		excluded(t, 1, last, hit.IsBot, "word", "Googlebot"), excluded(t, 1, last, hit.Prefetched, "", ""),
	}}, "b")

	if hosts, err := st.ForeignHosts(t.Context(), many.Day); err != nil || len(hosts) != 1 || hosts[0] != excludedHost(many) {
		t.Errorf("foreign hosts are %v, %v, want %v", hosts, err, excludedHost(many))
	}
	span := calendar.Range{From: excluded(t, 1, first, "", "", "").Day, To: many.Day}
	want := []hit.LedgerEntry{
		{Site: 1, Day: span.From, Reason: hit.ForeignHost, Name: "kopi.example", Count: 5},
		{Site: 1, Day: span.From, Reason: hit.IsBot, Rule: "word", Name: "Googlebot", Count: 3},
		{Site: 1, Day: span.From, Reason: hit.Prefetched, Count: 2},
		{Site: 1, Day: span.From, Reason: hit.IsBot, Rule: "engine", Name: "", Count: 1},
		{Site: 1, Day: span.From, Reason: hit.IsBot, Rule: "engine", Name: "Googlebot", Count: 1},
	}
	check := func(want []hit.LedgerEntry) {
		t.Helper()
		for limit, want := range map[int][]hit.LedgerEntry{10: want, 2: want[:2]} {
			got, err := st.Excluded(t.Context(), 1, span, limit)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("limit %d (-want +got):\n%s", limit, diff)
			}
		}
	}
	check(want)
	// Objections come first, however few.
	mustInsert(t, st, hit.Batch{Ledger: []hit.LedgerEntry{
		excluded(t, 1, first, hit.Objection, "", ""), excluded(t, 1, last, hit.Objection, "", ""),
		excluded(t, 1, after, hit.Objection, "", ""), excluded(t, 2, first, hit.Objection, "", ""),
	}}, "objections")
	check(append([]hit.LedgerEntry{{Site: 1, Day: span.From, Reason: hit.Objection, Count: 2}}, want...))
	if got, err := st.Excluded(t.Context(), 3, span, 10); len(got) > 0 || err != nil {
		t.Errorf("excluded of a site without any = %v, %v", got, err)
	}
	for _, table := range []string{"hits", "hourly", "daily", "monthly"} {
		if got := query(t, st, "SELECT count() FROM "+table); got != "0" {
			t.Errorf("rows of excluded hits in %s = %s, want 0", table, got)
		}
	}
}

// unreliable is a server on which things go wrong on purpose.
type unreliable struct {
	engine  http.Handler
	broken  string       // part of the statements that go wrong; none if empty
	done    bool         // they are done, but their answer is lost
	refused atomic.Int64 // how often that happened
}

func (u *unreliable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if u.broken == "" || !strings.Contains(r.URL.Query().Get("query"), u.broken) {
		u.engine.ServeHTTP(w, r)
		return
	}
	u.refused.Add(1)
	if u.done {
		u.engine.ServeHTTP(httptest.NewRecorder(), r)
	}
	panic(http.ErrAbortHandler)
}

// openServer opens a store on a handler that stands in for a ClickHouse server.
func openServer(t *testing.T, h http.Handler) *store.Store {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	st, err := store.Open(t.Context(), store.Config{DSN: server.URL + "/" + storetest.Database(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// An insert may end anywhere between its two tables. After any part of it, doing
// it again makes every total exact.
func TestInsertThatBrokeOffIsExact(t *testing.T) {
	batch := mixed(600) // over months and a year
	for name, server := range map[string]*unreliable{
		"nothing went wrong":           {},
		"before the hits":              {broken: "INSERT INTO hits"},
		"hits stored, answer lost":     {broken: "INSERT INTO hits", done: true},
		"between hits and ledger":      {broken: "INSERT INTO ledger"},
		"all stored, last answer lost": {broken: "INSERT INTO ledger", done: true},
	} {
		t.Run(name, func(t *testing.T) {
			server.engine = storetest.Engine(t)
			st := openServer(t, server)
			if server.broken != "" {
				for range 2 {
					ctx, cancel := context.WithTimeout(t.Context(), patience.Of(time.Minute))
					err := st.Insert(ctx, batch, "segment")
					cancel()
					if err == nil || server.refused.Load() == 0 {
						t.Fatalf("insert = %v after %d refusals, want an error", err, server.refused.Load())
					}
				}
				server.broken = ""
			}
			for range 2 {
				mustInsert(t, st, batch, "segment")
			}
			mustInsert(t, st, batch, "another segment")
			wantStored(t, st, batch, 2)
			if got := query(t, st, "SELECT sum(hits) FROM ledger WHERE rule = 'word' AND name = 'bot 3'"); got != fmt.Sprint(2*len(batch.Ledger)/5) {
				t.Errorf("hits of bot 3 = %s, want %d", got, 2*len(batch.Ledger)/5)
			}
		})
	}
}

func TestInsertOverManyMonths(t *testing.T) {
	st := storetest.Open(t)
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	var batch hit.Batch
	for month := range 119 { // of the ten years that raw rows may live
		at := now.AddDate(0, -month, 0)
		batch.Rows = append(batch.Rows, hit.Row{Site: 1, Time: at, Day: calendar.DayOf(at), Kind: hit.Pageview, Pageviews: 1})
		batch.Ledger = append(batch.Ledger, hit.LedgerEntry{Site: 1, Day: calendar.DayOf(at), Reason: hit.IsBot, Count: 1})
	}
	for range 2 {
		mustInsert(t, st, batch, "a")
	}
	if got := query(t, st, "SELECT count(), (SELECT sum(hits) FROM ledger) FROM hits"); got != "119\t119" {
		t.Errorf("hits and ledger = %s, want 119 of each", got)
	}
}

// TestCountedSince: a site was counted from the day of its first row on, and one without a
// row is not there, with all that was excluded of it.
func TestCountedSince(t *testing.T) {
	st := storetest.Open(t)
	noon := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	row := func(site uint32, days int) hit.Row {
		at := noon.AddDate(0, 0, days)
		return hit.Row{Site: site, Time: at, Day: calendar.DayOf(at), Kind: hit.Pageview, Path: "/", Pageviews: 1, Visits: 1, Visitors: 1}
	}
	mustInsert(t, st, hit.Batch{
		Rows:   []hit.Row{row(1, 0), row(1, 5), row(2, 3)},
		Ledger: []hit.LedgerEntry{excluded(t, 1, "2026-01-01", hit.Prefetched, "", ""), excluded(t, 3, "2026-01-01", hit.Prefetched, "", "")},
	}, "a")
	got, err := st.CountedSince(t.Context(), 1, 2, 3)
	want := map[uint32]calendar.Day{1: calendar.DayOf(noon), 2: calendar.DayOf(noon) + 3}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("counted since: %v\n%s", err, diff)
	}
	mustInsert(t, st, hit.Batch{Rows: []hit.Row{row(1, -400)}}, "b") // a log that was imported
	got, err = st.CountedSince(t.Context(), 1)
	want = map[uint32]calendar.Day{1: calendar.DayOf(noon) - 400}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("counted since, after an earlier row: %v\n%s", err, diff)
	}
}

// TestExcludedSums: hits are added up by reason and rule, over two ranges that may overlap or
// of which the second is empty.
func TestExcludedSums(t *testing.T) {
	st := storetest.Open(t)
	entry := func(id uint32, day calendar.Day, reason, rule, name string, n int64) hit.LedgerEntry {
		return hit.LedgerEntry{Site: id, Day: day, Reason: reason, Rule: rule, Name: name, Count: n}
	}
	entries := []hit.LedgerEntry{
		entry(1, 100, hit.IsBot, "ai", "A", 1), entry(1, 101, hit.IsBot, "ai", "B", 2), entry(1, 101, hit.IsBot, "crawler", "C", 4),
		entry(1, 101, hit.Objection, "", "", 8), entry(1, 102, hit.ExcludedNetwork, "", "", 16), entry(2, 101, hit.Objection, "", "", 32),
	}
	if err := st.Insert(t.Context(), hit.Batch{Ledger: entries}, "ledger"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		now, before calendar.Range
		want        []hit.ExcludedSum
	}{
		{calendar.Range{From: 101, To: 102}, calendar.Range{From: 99, To: 100}, []hit.ExcludedSum{
			{Reason: hit.ExcludedNetwork, Now: 16}, {Reason: hit.Objection, Now: 8}, {Reason: hit.IsBot, Rule: "crawler", Now: 4}, {Reason: hit.IsBot, Rule: "ai", Now: 2, Before: 1},
		}},
		{calendar.Range{From: 100, To: 101}, calendar.Range{From: 101, To: 101}, []hit.ExcludedSum{
			{Reason: hit.Objection, Now: 8, Before: 8}, {Reason: hit.IsBot, Rule: "crawler", Now: 4, Before: 4}, {Reason: hit.IsBot, Rule: "ai", Now: 3, Before: 2},
		}},
		{calendar.One(100), calendar.Range{From: 1, To: 0}, []hit.ExcludedSum{{Reason: hit.IsBot, Rule: "ai", Now: 1}}},
		{calendar.One(103), calendar.Range{From: 1, To: 0}, nil},
	} {
		for _, limit := range []int{1, 2, 100} {
			got, entries, err := st.ExcludedSums(t.Context(), 1, tt.now, tt.before, limit)
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Fatalf("%v beside %v: %v (-want +got):\n%s", tt.now, tt.before, err, diff)
			}
			want, err := st.Excluded(t.Context(), 1, tt.now, limit)
			if diff := cmp.Diff(want, entries); err != nil || diff != "" {
				t.Errorf("%d entries of %v beside %v: %v (-want +got):\n%s", limit, tt.now, tt.before, err, diff)
			}
		}
	}
}

// TestOthers: traffic without its own lines is found in the daily sums.
func TestOthers(t *testing.T) {
	st := storetest.Open(t)
	field := func(name string) uint64 {
		for _, f := range hit.Fields {
			if f.Name == name {
				return 1 << f.Number
			}
		}
		t.Fatalf("no field %s", name)
		return 0
	}
	row := func(day calendar.Day, kind hit.Kind, change func(*hit.Row)) hit.Row {
		r := hit.Row{Site: 1, Time: day.Time(), Day: day, Kind: kind, Path: "/a/b", EntryPath: "/a/b", Channel: "website", Source: "x.example"}
		if kind == hit.Pageview {
			r.Pageviews, r.Visits = 1, 1
		}
		change(&r)
		return r
	}
	rows := []hit.Row{
		row(100, hit.Pageview, func(r *hit.Row) { r.Other = field("path") | field("entry_path") }),
		row(100, hit.Pageview, func(r *hit.Row) { r.Other = field("path") | field("source") }),
		row(100, hit.Pageview, func(*hit.Row) {}),
		row(100, hit.Search, func(r *hit.Row) { r.Name, r.Other = "ord", field("name") }),
		row(101, hit.Pageview, func(r *hit.Row) { r.Other = field("path") }),
	}
	if err := st.Insert(t.Context(), hit.Batch{Rows: rows}, "rows"); err != nil {
		t.Fatal(err)
	}
	got, err := st.Others(t.Context(), 1, calendar.One(100))
	if diff := cmp.Diff(map[string]int64{"page": 2, "entry": 1, "source": 1, "search": 1}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := st.Others(t.Context(), 2, calendar.One(100)); err != nil || len(got) > 0 {
		t.Errorf("of another site %v, %v", got, err)
	}
}
