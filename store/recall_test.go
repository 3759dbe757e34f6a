package store_test

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestRecall: what a store keeps in memory is what a store reads that keeps nothing, whichever of
// several on the engine changes it, and in whichever way.
func TestRecall(t *testing.T) {
	ctx := t.Context()
	engine, database := storetest.Engine(t), storetest.Database()
	server := httptest.NewServer(engine)
	t.Cleanup(server.Close)
	open := func(cfg store.Config) *store.Store {
		st, err := store.Open(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		})
		return st
	}
	own := store.Config{Engine: engine, Database: database, Create: true}
	st, other, plain := open(own), open(own), open(store.Config{DSN: server.URL + "/" + database})
	zone := time.UTC
	added, err := other.AddSite(ctx, site.Site{Name: "one", Hosts: []string{"one.example"}, Location: zone})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.AddUser(ctx, site.User{Name: "kari", Role: site.Viewer, Password: "x"}); err != nil {
		t.Fatal(err)
	}
	kari, err := other.User(ctx, "kari")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	session := site.Session{ID: "s", User: "kari", Generation: kari.Generation, Created: now, Seen: now, Expires: now.Add(time.Hour)}
	if err := other.PutSession(ctx, session); err != nil {
		t.Fatal(err)
	}
	today := calendar.DayOf(now)
	insert := func(to *store.Store, day calendar.Day, token string) error {
		row := hit.Row{Site: added.ID, Time: day.Time(), Day: day, Kind: hit.Pageview, Path: "/", Host: "one.example", Pageviews: 1, Visits: 1, Visitors: 1, PageVisitors: 1}
		return to.Insert(ctx, hit.Batch{Rows: []hit.Row{row}, Titles: []hit.PageTitle{{Site: added.ID, Path: "/", Title: token, Day: day, Visitors: 5}}}, token)
	}
	figures := store.Reports{Store: st, Planner: func() report.Planner { return report.Planner{} }}
	shared := &report.Shared{Source: figures}
	last := calendar.Range{From: today - 28, To: today - 1}
	before := last.Before()
	queries := []report.Query{{Sites: []uint32{added.ID}, Range: last, Measures: []string{"pageviews"}}, {Sites: []uint32{added.ID}, Range: last, Dimension: "page", Measures: []string{"pageviews"}},
		{Sites: []uint32{added.ID}, Range: last, Compare: &before, Dimension: "device", Measures: []string{"pageviews"}}, {Sites: []uint32{added.ID}, Range: before, Measures: []string{"events"}}}
	// seen is all that may be kept, as a store tells it.
	seen := func(st *store.Store, figures report.Source) string {
		text := ""
		add := func(v any, err error) { text += fmt.Sprintf("%+v %v\n", v, err) }
		one, err := st.Site(ctx, added.ID)
		add(one.Name, err)
		add(one.Guard, nil)
		s, u, err := st.Session(ctx, "s", now, time.Hour)
		add(fmt.Sprint(s.Seen, u.Role), err)
		add(st.CountedSince(ctx, added.ID))
		add(st.Notes(ctx, added.ID, last))
		add(st.PageTitles(ctx, added.ID, []string{"/"}))
		results, err := figures.Ask(ctx, queries)
		add(fmt.Sprintf("%+v", results), err)
		return text
	}
	for i, change := range []struct {
		name string
		f    func() error
	}{
		{"nothing", func() error { return nil }},
		{"own hits of today", func() error { return insert(st, today, "a") }},
		{"own hits of yesterday", func() error { return insert(st, today-1, "b") }},
		{"hits of another store", func() error { return insert(other, today-2, "c") }},
		{"earlier hits", func() error { return insert(st, today-100, "d") }},
		{"hits of the days before", func() error { return insert(st, today-40, "i") }},
		{"hits that say more", func() error {
			return other.Exec(ctx, fmt.Sprintf("INSERT INTO hits (site, time, day, kind, path, device, pageviews) SELECT %d, toDateTime(day), toDate('%s') AS day, 'pageview', '/', 'mobile', 1", added.ID, today-40))
		}},
		{"hits of a statement", func() error {
			return other.Exec(ctx, fmt.Sprintf("INSERT INTO hits (site, time, day, kind, path, pageviews) SELECT %d, '2026-11-20 12:00:00', '2026-11-20', 'pageview', '/', 1", added.ID))
		}},
		{"a correction", func() error {
			return other.Exec(ctx, fmt.Sprintf("INSERT INTO daily (site, day, dimension, value, detail, pageviews) VALUES (%d, '2026-11-20', 'total', '', '', 3)", added.ID))
		}},
		{"an erasure", func() error {
			return other.Exec(ctx, "ALTER TABLE daily DELETE WHERE day = '2026-11-21' SETTINGS mutations_sync = 2")
		}},
		{"a note", func() error {
			return other.PutNote(ctx, added.ID, site.Note{Days: calendar.One(today - 3), Text: "here"})
		}},
		{"a site", func() error {
			_, err := other.ChangeSite(ctx, added.ID, func(s *site.Site) error { s.Name, s.Guard = "two", 9; return nil })
			return err
		}},
		{"a session that was seen", func() error {
			session.Seen = now.Add(time.Minute)
			return other.PutSession(ctx, session)
		}},
		{"a right", func() error { return other.SetRights(ctx, "kari", site.Editor, false, nil) }},
	} {
		if err := change.f(); err != nil {
			t.Fatalf("%s: %v", change.name, err)
		}
		want := seen(plain, store.Reports{Store: plain, Planner: figures.Planner})
		for range 2 {
			if got := seen(st, shared); got != want {
				t.Errorf("after change %d, %s, the store tells\n%s, want\n%s", i, change.name, got, want)
			}
		}
	}

	// What was kept is asked for no more, as long as it holds.
	for _, c := range []struct {
		name  string
		f     func() error
		holds bool
	}{
		{"own hits of today", func() error { return insert(st, today, "e") }, true},
		{"a session", func() error { return other.PutSession(ctx, session) }, true},
		{"own hits of the first day", func() error { return insert(st, last.From, "f") }, false},
		{"hits of another store of the process", func() error { return insert(other, today, "g") }, true},
		{"hits of another process", func() error { return insert(plain, today, "h") }, false},
		{"a deletion", func() error {
			return other.Exec(ctx, "ALTER TABLE hits DELETE WHERE day = '2026-11-21' SETTINGS mutations_sync = 2")
		}, false},
	} {
		holds := figures.Unchanged([]calendar.Range{last})
		if err := c.f(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if holds() != c.holds {
			t.Errorf("after %s an answer holds: %v, want %v", c.name, holds(), c.holds)
		}
	}
	planner := report.Planner{}
	figures.Planner = func() report.Planner { return planner }
	holds := figures.Unchanged(nil)
	if planner.RowsSince = today; holds() {
		t.Error("an answer holds although rows are kept for less long")
	}
}
