package store_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/embedded"
	"github.com/fotspor/fotspor/store/storetest"
)

// askEverything calls every method that needs the server, and returns what each says.
func askEverything(t *testing.T, st *store.Store) map[string]error {
	t.Helper()
	ctx := t.Context()
	one := site.Site{ID: 1, Name: "a", Hosts: []string{"a"}, Location: oslo}
	day := calendar.DayOf(time.Now()) // rows of long ago would be past their time
	span := calendar.One(day)
	row := hit.Row{Site: 1, Time: day.Time(), Day: day, Kind: hit.Pageview}
	entry := hit.LedgerEntry{Site: 1, Day: day, Reason: hit.IsBot, Count: 1}
	said := map[string]error{}
	said["Ping"] = st.Ping(ctx)
	said["Insert"] = st.Insert(ctx, hit.Batch{Rows: []hit.Row{row}}, "a")
	said["Insert of an entry"] = st.Insert(ctx, hit.Batch{Ledger: []hit.LedgerEntry{entry}}, "b")
	said["Query"] = st.Query(ctx, "SELECT count() FROM hits", "", io.Discard)
	_, said["Sites"] = st.Sites(ctx)
	_, said["Site"] = st.Site(ctx, 1)
	_, said["AddSite"] = st.AddSite(ctx, one)
	said["ChangeSite"] = storetest.PutSite(ctx, st, one)
	_, said["Credentials"] = st.Credentials(ctx)
	_, _, said["AddCredential"] = st.AddCredential(ctx, "a", nil)
	said["RemoveCredential"] = st.RemoveCredential(ctx, "a")
	_, said["User"] = st.User(ctx, "a")
	_, said["Users"] = st.Users(ctx)
	said["AddUser"] = st.AddUser(ctx, site.User{Name: "a", Password: "a", Role: site.Viewer})
	said["SetPassword"] = st.SetPassword(ctx, "a", "b")
	said["SetRights"] = st.SetRights(ctx, "a", site.Viewer, true, nil)
	said["EndSessions"] = st.EndSessions(ctx, "a")
	said["RemoveUser"] = st.RemoveUser(ctx, "a")
	_, _, said["Session"] = st.Session(ctx, "a", day.Time(), time.Hour)
	_, said["Sessions"] = st.Sessions(ctx, "", day.Time(), time.Hour)
	said["PutSession"] = st.PutSession(ctx, site.Session{ID: "a", User: "a"})
	said["EndSession"] = st.EndSession(ctx, site.Session{ID: "a", User: "a"})
	said["Note"] = st.Note(ctx, audit.Entry{Time: day.Time(), Action: audit.LoggedIn})
	_, said["Audit"] = st.Audit(ctx, day.Time(), time.Time{}, 10)
	_, said["AuditLog.Before"] = st.AuditLog().Before(ctx, day.Time())
	said["AuditLog.DeleteBefore"] = st.AuditLog().DeleteBefore(ctx, day.Time())
	_, said["Reports.Ask"] = answer(ctx, st, report.Query{Sites: []uint32{1}, Range: span, Measures: []string{"visits"}})
	said["Lines"] = st.Lines(ctx, 1, span.From, 10, func(string, string, []string, calendar.Day) {})
	_, said["Excluded"] = st.Excluded(ctx, 1, span, 10)
	_, said["Before"] = st.Before(ctx, day.Time())
	said["DeleteBefore"] = st.DeleteBefore(ctx, day.Time())
	_, said["Held"] = st.Held(ctx, ofNetwork("84.212.0.0/16", day.Time(), day.Time()))
	said["FindTexts"] = st.FindTexts(ctx, privacy.Selection{Text: "kari", To: day.Time()}, func(privacy.FoundText) error { return nil })
	_, said["Choose"] = st.Choose(ctx, ofNetwork("84.212.0.0/16", day.Time(), day.Time()))
	_, said["Erase"] = chooseAndErase(ctx, st, ofNetwork("84.212.0.0/16", day.Time(), day.Time()), noNote)
	_, said["PublicURL"] = st.PublicURL(ctx)
	said["SetPublicURL"] = st.SetPublicURL(ctx, "https://a.example")
	said["Expire"] = st.Expire(ctx, privacy.Default().Retention)
	_, said["ClockNote"] = st.ClockNote(ctx)
	said["NoteClock"] = st.NoteClock(ctx, day.Time())
	_, said["OtherClock"] = st.OtherClock(ctx)
	return said
}

func wantErrors(t *testing.T, when string, said map[string]error) {
	t.Helper()
	for method, err := range said {
		if err == nil {
			t.Errorf("%s: %s returned no error", when, method)
		}
	}
}

// closedPort returns an address at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func openLazy(t *testing.T, dsn string) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{DSN: dsn, Lazy: true, Create: true})
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

func TestLazyStoreWaitsForItsServer(t *testing.T) {
	engine, addr := storetest.Engine(t), closedPort(t)
	dsn := "http://" + addr + "/" + storetest.Database()
	st := openLazy(t, dsn)
	wantErrors(t, "server down", askEverything(t, st))
	if err := st.Prepare(t.Context()); err == nil {
		t.Error("prepared without a server")
	}
	if v := st.Version(); v != "" {
		t.Errorf("version without a server = %q", v)
	}

	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: engine}}
	server.Start()
	defer server.Close()
	wantErrors(t, "no database", askEverything(t, st))

	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if err := st.Prepare(t.Context()); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() { st.Version(); askEverything(t, st) }) // either way is fine
	}
	all.Wait()
	if err := st.Prepare(t.Context()); err != nil {
		t.Errorf("prepare once more: %v", err)
	}
	if st.Version() == "" {
		t.Error("no version of a prepared store")
	}
	// The inserts that failed until now are done, once.
	said := askEverything(t, st)
	for _, method := range []string{"Ping", "Insert", "Insert of an entry", "Query", "Sites", "Credentials", "Reports.Ask", "Lines", "Excluded", "Expire"} {
		if err, ok := said[method]; !ok || err != nil {
			t.Errorf("prepared: %s: %v, tried %v", method, err, ok)
		}
	}
	if got := query(t, st, "SELECT count(), (SELECT sum(hits) FROM ledger) FROM hits"); got != "1\t1" {
		t.Errorf("hits and ledger = %q, want one of each", got)
	}
	// Who comes later finds the store prepared by another.
	if _, err := openLazy(t, dsn).Sites(t.Context()); err != nil {
		t.Errorf("sites of a store that another prepared: %v", err)
	}
}

func TestLazyStoreOverClickHouseProtocol(t *testing.T) {
	st := openLazy(t, "clickhouse://"+closedPort(t)+"/x")
	wantErrors(t, "server down", askEverything(t, st))
	if err := st.Prepare(t.Context()); err == nil || st.Version() != "" {
		t.Errorf("prepare = %v, version %q, want an error and none", err, st.Version())
	}
}

func TestLazyEngine(t *testing.T) {
	st, err := store.Open(t.Context(), store.Config{Engine: storetest.Engine(t), Database: storetest.Database(), Lazy: true, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err := st.Sites(t.Context()); err == nil || st.Version() != "" {
		t.Errorf("sites before Prepare: %v, version %q, want an error and none", err, st.Version())
	}
	if err := st.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Sites(t.Context()); err != nil || st.Version() == "" {
		t.Errorf("sites: %v, version %q", err, st.Version())
	}
}

// ask runs a statement outside of any database of a test.
func ask(t *testing.T, engine *embedded.Engine, sql string) string {
	t.Helper()
	w := httptest.NewRecorder()
	engine.ServeHTTP(w, httptest.NewRequest("POST", "http://127.0.0.1/", strings.NewReader(sql)))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %s", sql, w.Body)
	}
	return strings.TrimSpace(w.Body.String())
}

// TestNothingIsMadeByMistake: a store that is not there is an error which names the
// place, without the password, and nothing is made.
func TestNothingIsMadeByMistake(t *testing.T) {
	engine := storetest.Engine(t)
	server := httptest.NewServer(engine)
	defer server.Close()
	url := server.URL
	host := strings.TrimPrefix(url, "http://")
	empty, started := t.TempDir(), storetest.Database()
	ask(t, engine, "CREATE DATABASE "+started)
	missing := filepath.Join(t.TempDir(), "none")
	for name, c := range map[string]struct {
		cfg   store.Config
		place string
	}{
		"no directory":                   {store.Config{Dir: missing}, missing},
		"an empty directory":             {store.Config{Dir: empty}, empty},
		"an engine without the database": {store.Config{Engine: engine, Database: "typo_1", Dir: "/somewhere"}, "/somewhere"},
		"a server without the database":  {store.Config{DSN: "http://default:hemmelig@" + host + "/typo_2"}, "http://default@" + host + "/typo_2"},
		"a password in the query":        {store.Config{DSN: "http://" + host + "/typo_3?username=default&password=hemmelig"}, "http://" + host + "/typo_3"},
		"a database without tables":      {store.Config{DSN: url + "/" + started}, url + "/" + started},
	} {
		for _, lazy := range []bool{false, true} {
			c.cfg.Lazy = lazy
			st, err := store.Open(t.Context(), c.cfg)
			if lazy && err == nil {
				err = st.Prepare(t.Context())
				if name != "a database without tables" { // which answers a ping
					wantErrors(t, name, askEverything(t, st))
				}
				st.Close()
			}
			if !errors.Is(err, store.ErrNoStore) || !strings.Contains(err.Error(), `"`+c.place+`"`) || strings.Contains(err.Error(), "hemmelig") {
				t.Errorf("%s: %v, want ErrNoStore in %q", name, err, c.place)
			}
			if got := c.cfg.Place(); got != c.place {
				t.Errorf("%s: place %q, want %q", name, got, c.place)
			}
		}
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("made a directory")
	}
	if made, err := os.ReadDir(empty); err != nil || len(made) > 0 {
		t.Errorf("made %v in the directory, %v", made, err)
	}
	if got := ask(t, engine, "SELECT countIf(name LIKE 'typo%') FROM system.databases"); got != "0" {
		t.Errorf("made %s databases", got)
	}
	if got := ask(t, engine, "SELECT count() FROM system.tables WHERE database = '"+started+"'"); got != "0" {
		t.Errorf("made %s tables", got)
	}
}

// TestStoreOfAnotherVersion: who may not change the schema says that it is not that of
// this version, and what to do.
func TestStoreOfAnotherVersion(t *testing.T) {
	cfg := store.Config{Engine: storetest.Engine(t), Database: storetest.Database(), Dir: "/somewhere"}
	open := func(create bool) error {
		cfg.Create = create
		st, err := store.Open(t.Context(), cfg)
		if err == nil {
			err = st.Close()
		}
		return err
	}
	run := func(sql string) { t.Helper(); ask(t, cfg.Engine, strings.ReplaceAll(sql, "DB", cfg.Database)) }
	for _, step := range []struct {
		what   string
		sql    string
		create bool
		want   error
		say    string
	}{
		{"none", "", false, store.ErrNoStore, "/somewhere"},
		{"made", "", true, nil, ""},
		{"read", "", false, nil, ""},
		{"without a migration", "DELETE FROM DB.migrations WHERE number = 3", false, store.ErrOlder, "0003_administration: run fotspor migrate"},
		{"migrated", "", true, nil, ""},
		{"read again", "", false, nil, ""},
		{"killed in a migration", "DELETE FROM DB.migrations WHERE number = 3 AND state = 'applied'", false, store.ErrOlder, "0003_administration: run fotspor migrate"},
		{"migrated again", "", true, nil, ""},
		{"with a hold that somebody left", "ALTER TABLE DB.hits MODIFY SETTING table_readonly = 1", true, nil, ""},
		{"of the future", "INSERT INTO DB.migrations (number, name, state) VALUES (9999, '9999_future', 'begun')", false, store.ErrNewer, "9999_future: run the version that made it"},
		{"of the future, not changed", "", true, store.ErrNewer, "9999_future"},
		{"of another program", "ALTER TABLE DB.migrations DELETE WHERE number = 9999 SETTINGS mutations_sync = 2; ALTER TABLE DB.migrations UPDATE checksum = 'x' WHERE number = 2 SETTINGS mutations_sync = 2", false, store.ErrForeign, "its migration 0002_rollups is not the 0002_rollups of this program: begin with a new store"},
		{"of another program, not changed", "", true, store.ErrForeign, "0002_rollups"},
		{"from before versions", "DROP TABLE DB.migrations SYNC; CREATE TABLE DB.migrations (name String, applied DateTime64(6, 'UTC')) ENGINE = ReplacingMergeTree(applied) ORDER BY name", true, store.ErrForeign, "/somewhere"},
		{"without migrations", "DROP TABLE DB.migrations SYNC", true, store.ErrForeign, "/somewhere"},
	} {
		for sql := range strings.SplitSeq(step.sql, "; ") {
			if sql != "" {
				run(sql)
			}
		}
		if err := open(step.create); !errors.Is(err, step.want) || err != nil && !strings.Contains(err.Error(), step.say) {
			t.Errorf("%s: %v, want %v with %q", step.what, err, step.want, step.say)
		}
		if step.create && step.want == nil && ask(t, cfg.Engine, "SELECT engine_full LIKE '%table_readonly = 1%' FROM system.tables WHERE name = 'hits' AND database = '"+cfg.Database+"'") != "0" {
			t.Errorf("%s: inserts are held", step.what)
		}
	}
}

// TestNoStoreOrNoSystem: only the absence of the store's own database is that of a store.
func TestNoStoreOrNoSystem(t *testing.T) {
	engine := storetest.Engine(t)
	for name, absent := range map[string]bool{"fotspor": true, "`fotspor`": true, "system": false, "default": false, "fotspor2": false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if !strings.Contains(string(body)+r.URL.RawQuery, "migrations") {
				r.Body = io.NopCloser(strings.NewReader(string(body)))
				engine.ServeHTTP(w, r)
				return
			}
			w.Header().Set("X-ClickHouse-Exception-Code", "81")
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, "Code: 81. DB::Exception: Database "+name+" does not exist. (UNKNOWN_DATABASE) (version 26.7.2.1)\n")
		}))
		_, err := store.Open(t.Context(), store.Config{DSN: server.URL + "/fotspor"})
		server.Close()
		if err == nil || errors.Is(err, store.ErrNoStore) != absent || !strings.Contains(err.Error(), server.URL) {
			t.Errorf("no database %s: %v, want absence %v", name, err, absent)
		}
	}
}
