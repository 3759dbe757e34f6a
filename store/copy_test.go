package store_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fotspor/fotspor/backup"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestCopyCutShort: a copy that ends at any statement has left nothing, a whole store, or one that
// everybody refuses and nobody changes until the same copy has come to its end.
func TestCopyCutShort(t *testing.T) {
	from := storetest.Open(t)
	if _, err := from.AddSite(t.Context(), site.Site{Name: "Example", Hosts: []string{"example.org"}, Location: time.UTC}); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	mustInsert(t, from, hit.Batch{Rows: []hit.Row{{Site: 1, Time: at, Day: calendar.DayOf(at), Kind: hit.Pageview, Path: "/a", Pageviews: 1}}}, "a")
	want, err := from.Figures(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}

	engine := storetest.Engine(t)
	var left atomic.Int64 // statements that change something until the process dies
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent := r.URL.Query().Get("query") + string(body[:min(len(body), 2000)])
		if !strings.HasPrefix(strings.TrimSpace(sent), "SELECT") && left.Add(-1) < 0 {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		engine.ServeHTTP(w, r)
	}))
	defer server.Close()
	copyTo := func(database string, statements int64) error {
		left.Store(statements)
		to, err := store.Open(t.Context(), store.Config{DSN: server.URL + "/" + database, Create: true, Unfinished: true})
		if err != nil {
			return err
		}
		return errors.Join(from.CopyTo(t.Context(), to), to.Close())
	}
	tables := func(database string) string {
		return ask(t, engine, "SELECT count(), groupBitXor(cityHash64(name, toString(uuid))) FROM system.tables WHERE database = '"+database+"'")
	}
	refused := 0
	for n := int64(1); ; n += 1 + 3*n/2 {
		database := storetest.Database()
		err := copyTo(database, n)
		whole := err == nil
		before := tables(database)
		for _, create := range []bool{false, true} {
			st, err := store.Open(t.Context(), store.Config{Engine: engine, Database: database, Create: create})
			switch {
			case errors.Is(err, store.ErrNoStore) && !create && strings.HasPrefix(before, "0\t"):
			case err == nil && create && strings.HasPrefix(before, "0\t"): // a new store, where nothing was
				before = tables(database)
			case errors.Is(err, store.ErrUnfinished) && strings.Contains(err.Error(), "run the same again"):
				refused++
			case err == nil:
				after, err := st.Figures(t.Context(), want)
				if differ := backup.Compare(want, after); err != nil || len(differ) > 0 {
					t.Errorf("after %d statements the store is used, and differs: %q, %v", n, differ, err)
				}
			default:
				t.Errorf("after %d statements: %v", n, err)
			}
			if err == nil {
				st.Close()
			}
		}
		if after := tables(database); after != before {
			t.Errorf("after %d statements: tables %s were made %s by who may not use them", n, before, after)
		}
		if whole {
			break
		}
		ask(t, engine, "DROP DATABASE IF EXISTS "+database+" SYNC")
	}
	if refused < 3 {
		t.Errorf("%d stores are refused", refused)
	}
	// The same copy begins anew, and what is no copy is left alone.
	database := storetest.Database()
	if err := copyTo(database, 30); err == nil {
		t.Fatal("a copy of 30 statements is whole")
	}
	if err := copyTo(database, 1<<30); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if err := copyTo(database, 1<<30); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("a copy over a store: %v", err)
	}
	ask(t, engine, "ALTER TABLE "+database+".migrations DELETE WHERE number = 3 SETTINGS mutations_sync = 2")
	if err := copyTo(database, 1<<30); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("a copy over a store of an older version: %v", err)
	}
	if got := ask(t, engine, "SELECT count() FROM "+database+".migrations WHERE number = 3"); got != "0" {
		t.Errorf("a copy has migrated a store that is not its own")
	}
}
