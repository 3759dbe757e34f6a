package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// botRow is one hit of a bot on a day written as 2006-01-02.
func botRow(t *testing.T, site uint32, day, rule, name string) hit.Row {
	t.Helper()
	d, err := calendar.ParseDay(day)
	if err != nil {
		t.Fatal(err)
	}
	return hit.Row{Site: site, Time: d.Time(), Day: d, Kind: hit.Bot, Name: rule, Browser: name}
}

func TestBotsAreCountedByRuleAndName(t *testing.T) {
	st := storetest.Open(t)
	const before, first, last, after = "2025-12-30", "2025-12-31", "2026-01-01", "2026-01-02"
	mustInsert(t, st, []hit.Row{
		botRow(t, 1, first, "word", "Googlebot"),
		botRow(t, 1, last, "word", "Googlebot"),
		botRow(t, 1, first, "engine", "Googlebot"),
		botRow(t, 1, last, "engine", ""),
		botRow(t, 1, last, "prefetch", ""),
		botRow(t, 1, before, "word", "early"),
		botRow(t, 1, after, "word", "late"),
		botRow(t, 2, first, "word", "of another site"),
	}, "a")
	mustInsert(t, st, []hit.Row{botRow(t, 1, last, "word", "Googlebot"), botRow(t, 1, last, "prefetch", "")}, "b")

	span := calendar.Range{From: botRow(t, 1, first, "", "").Day, To: botRow(t, 1, last, "", "").Day}
	want := []store.BotCount{
		{Rule: "word", Name: "Googlebot", Hits: 3},
		{Rule: "prefetch", Name: "", Hits: 2},
		{Rule: "engine", Name: "", Hits: 1},
		{Rule: "engine", Name: "Googlebot", Hits: 1},
	}
	for limit, want := range map[int][]store.BotCount{0: want, 10: want, 2: want[:2]} {
		got, err := st.Bots(t.Context(), 1, span, limit)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("limit %d (-want +got):\n%s", limit, diff)
		}
	}
	// Objections are counted beside the bots, and are none.
	mustInsert(t, st, []hit.Row{
		botRow(t, 1, first, hit.ObjectionRule, ""), botRow(t, 1, last, hit.ObjectionRule, ""),
		botRow(t, 1, after, hit.ObjectionRule, ""), botRow(t, 2, first, hit.ObjectionRule, ""),
	}, "objections")
	if got, err := st.Objections(t.Context(), 1, span); got != 2 || err != nil {
		t.Errorf("objections = %d, %v, want 2", got, err)
	}
	if got, err := st.Bots(t.Context(), 1, span, 0); err != nil || slices.ContainsFunc(got, func(b store.BotCount) bool { return b.Rule == hit.ObjectionRule }) {
		t.Errorf("bots = %v, %v, want no objection among them", got, err)
	}
	if got, err := st.Objections(t.Context(), 3, span); got != 0 || err != nil {
		t.Errorf("objections of a site without any = %d, %v", got, err)
	}
	if got, err := st.Bots(t.Context(), 3, span, 0); len(got) > 0 || err != nil {
		t.Errorf("bots of a site without any = %v, %v", got, err)
	}
	for _, table := range []string{"hits", "hourly", "daily", "monthly"} {
		if got := query(t, st, "SELECT count() FROM "+table); got != "0" {
			t.Errorf("rows of bots in %s = %s, want 0", table, got)
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

// An insert may end anywhere between its two tables. Whatever was done of it, doing
// it again makes every total exact.
func TestInsertThatBrokeOffIsExact(t *testing.T) {
	now := time.Date(2026, 1, 20, 12, 0, 0, 0, time.UTC)
	rows := someRows(rand.New(rand.NewPCG(9, 10)), 600, now, 60, oslo) // over months and a year
	var bots int
	for i := range rows {
		if i%3 == 0 {
			rows[i] = hit.Row{
				Site: rows[i].Site, Time: rows[i].Time, Day: rows[i].Day, Kind: hit.Bot,
				Name: "word", Browser: fmt.Sprintf("bot %d", i%5),
			}
			bots++
		}
	}
	views := count(rows, func(hit.Row) bool { return true }).Pageviews
	for name, server := range map[string]*unreliable{
		"nothing went wrong":           {},
		"before the hits":              {broken: "INSERT INTO hits"},
		"hits stored, answer lost":     {broken: "INSERT INTO hits", done: true},
		"between hits and bots":        {broken: "INSERT INTO bots"},
		"all stored, last answer lost": {broken: "INSERT INTO bots", done: true},
	} {
		t.Run(name, func(t *testing.T) {
			server.engine = storetest.Engine(t)
			st := openServer(t, server)
			if server.broken != "" {
				for range 2 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					err := st.Insert(ctx, rows, "segment")
					cancel()
					if err == nil || server.refused.Load() == 0 {
						t.Fatalf("insert = %v after %d refusals, want an error", err, server.refused.Load())
					}
				}
				server.broken = ""
			}
			for range 2 {
				mustInsert(t, st, rows, "segment")
			}
			mustInsert(t, st, rows, "another segment")
			for sql, want := range map[string]int64{
				"SELECT count() FROM hits":                                          2 * int64(len(rows)-bots),
				"SELECT sum(pageviews) FROM hits":                                   2 * views,
				"SELECT sum(pageviews) FROM hourly":                                 2 * views,
				"SELECT sum(pageviews) FROM daily WHERE dimension = 'total'":        2 * views,
				"SELECT sum(pageviews) FROM monthly WHERE dimension = 'total'":      2 * views,
				"SELECT sum(hits) FROM bots":                                        2 * int64(bots),
				"SELECT sum(hits) FROM bots WHERE rule = 'word' AND name = 'bot 3'": 2 * int64(bots/5),
			} {
				if got := query(t, st, sql); got != fmt.Sprint(want) {
					t.Errorf("%s = %s, want %d", sql, got, want)
				}
			}
		})
	}
}

func TestInsertOverManyMonths(t *testing.T) {
	st := storetest.Open(t)
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	rows := []hit.Row{}
	for month := range 119 { // of the ten years that raw rows may live
		at := now.AddDate(0, -month, 0)
		rows = append(rows,
			hit.Row{Site: 1, Time: at, Day: calendar.DayOf(at), Kind: hit.Pageview, Pageviews: 1},
			hit.Row{Site: 1, Time: at, Day: calendar.DayOf(at), Kind: hit.Bot, Name: "word"})
	}
	for range 2 {
		mustInsert(t, st, rows, "a")
	}
	if got := query(t, st, "SELECT count(), (SELECT sum(hits) FROM bots) FROM hits"); got != "119\t119" {
		t.Errorf("hits and bots = %s, want 119 of each", got)
	}
}
