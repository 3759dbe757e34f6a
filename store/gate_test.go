package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// writers are the methods that change a store, by their names in askEverything.
var writers = []string{
	"Insert", "Insert of an entry", "AddSite", "ChangeSite", "AddCredential", "RemoveCredential", "AddUser", "SetPassword", "SetRights",
	"EndSessions", "RemoveUser", "PutSession", "EndSession", "Note", "NoteClock", "SetPublicURL",
}

// TestNothingIsWrittenUnprepared: before Prepare accepts the version of a store nothing
// is written to it, and what only reads may.
func TestNothingIsWrittenUnprepared(t *testing.T) {
	engine := storetest.Engine(t)
	for name, c := range map[string]struct {
		change string
		want   error // of Prepare; nil: it is not called
	}{
		"not prepared":   {"SELECT 1", nil},
		"newer":          {"INSERT INTO DB.migrations (number, name, state) VALUES (9999, '9999_future', 'begun')", store.ErrNewer},
		"not migrated":   {"DELETE FROM DB.migrations WHERE number = 3", store.ErrOlder},
		"without tables": {"DROP TABLE DB.hits, DB.migrations SYNC", store.ErrNoStore},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := store.Config{Engine: engine, Database: storetest.Database(), Create: true}
			made, err := store.Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer made.Close()
			if _, err := made.AddSite(t.Context(), site.Site{ID: 1, Name: "a", Hosts: []string{"a"}, Location: oslo}); err != nil {
				t.Fatal(err)
			}
			if err := made.AddUser(t.Context(), site.User{Name: "a", Password: "a", Role: site.Viewer}); err != nil {
				t.Fatal(err)
			}
			ask(t, engine, strings.ReplaceAll(c.change, "DB", cfg.Database))
			rows := func() string {
				return ask(t, engine, "SELECT name, total_rows FROM system.tables WHERE database = '"+cfg.Database+"' ORDER BY name")
			}
			before := rows()

			cfg.Lazy, cfg.Create = true, name == "newer"
			st, err := store.Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			if c.want != nil {
				if err := st.Prepare(t.Context()); !errors.Is(err, c.want) {
					t.Errorf("Prepare = %v, want %v", err, c.want)
				}
			}
			said := askEverything(t, st)
			for _, method := range writers {
				if err, ok := said[method]; !ok || err == nil || !slices.Contains([]string{"RemoveCredential", "AddSite", "AddUser"}, method) && !errors.Is(err, store.ErrNotPrepared) {
					t.Errorf("%s = %v, want ErrNotPrepared", method, err)
				}
			}
			for _, method := range []string{"Ping", "Sites", "Site", "Credentials", "Users", "Audit"} {
				if err, ok := said[method]; !ok || err != nil {
					t.Errorf("%s, which reads: %v, tried %v", method, err, ok)
				}
			}
			if after := rows(); after != before {
				t.Errorf("rows of the tables:\n%s\nwere\n%s", after, before)
			}
		})
	}
}

// TestErrorsHoldNoParameters: no error of a store that hangs, or breaks off, holds what a
// statement was about, such as a password that was typed as a name.
func TestErrorsHoldNoParameters(t *testing.T) {
	const secret = "MyPassw0rd!æ"
	const network = "84.212.0.0/16"
	engine := storetest.Engine(t)
	var left atomic.Int64 // statements that are answered yet
	var hang atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if left.Add(-1) >= 0 {
			engine.ServeHTTP(w, r)
			return
		}
		io.Copy(io.Discard, r.Body)
		if hang.Load() {
			<-r.Context().Done()
		}
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	left.Store(1 << 30)
	dsn := strings.Replace(server.URL, "://", "://default:hemmelig@", 1) + "/" + storetest.Database()
	st := openLazy(t, dsn)
	if err := st.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	added, err := st.AddSite(t.Context(), site.Site{Name: secret, Hosts: []string{"a"}, Location: oslo})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.AddUser(t.Context(), site.User{Name: secret, Password: secret, Role: site.Viewer}); err != nil {
		t.Fatal(err)
	}
	day := calendar.DayOf(time.Now())
	at, span := day.Time(), calendar.One(day)
	session := site.Session{ID: secret, User: secret, Generation: secret, Created: at, Seen: at, Expires: at}
	calls := map[string]func(context.Context) error{
		"Ping": st.Ping,
		"Insert": func(ctx context.Context) error {
			return st.Insert(ctx, hit.Batch{
				Rows:   []hit.Row{{Site: 1, Time: at, Day: day, Kind: hit.Pageview, Path: secret}},
				Ledger: []hit.LedgerEntry{{Site: 1, Day: day, Reason: hit.ForeignHost, Name: secret, Count: 1}},
			}, secret)
		},
		"Query": func(ctx context.Context) error { return st.Query(ctx, "SELECT '"+secret+"'", "", io.Discard) },
		"Sites": func(ctx context.Context) error { _, err := st.Sites(ctx); return err },
		"AddSite": func(ctx context.Context) error {
			_, err := st.AddSite(ctx, site.Site{Name: secret, Hosts: []string{"a"}, Location: oslo})
			return err
		},
		"Site":          func(ctx context.Context) error { _, err := st.Site(ctx, 1); return err },
		"ChangeSite":    func(ctx context.Context) error { return storetest.PutSite(ctx, st, added) },
		"Credentials":   func(ctx context.Context) error { _, err := st.Credentials(ctx); return err },
		"AddCredential": func(ctx context.Context) error { _, _, err := st.AddCredential(ctx, secret, nil); return err },
		"User":          func(ctx context.Context) error { _, err := st.User(ctx, secret); return err },
		"Users":         func(ctx context.Context) error { _, err := st.Users(ctx); return err },
		"AddUser": func(ctx context.Context) error {
			return st.AddUser(ctx, site.User{Name: secret + "2", Password: secret, Role: site.Viewer})
		},
		"SetPassword": func(ctx context.Context) error { return st.SetPassword(ctx, secret, secret) },
		"SetRights":   func(ctx context.Context) error { return st.SetRights(ctx, secret, site.Viewer, true, nil) },
		"EndSessions": func(ctx context.Context) error { return st.EndSessions(ctx, secret) },
		"RemoveUser":  func(ctx context.Context) error { return st.RemoveUser(ctx, secret) },
		"Session":     func(ctx context.Context) error { _, _, err := st.Session(ctx, secret, at, time.Hour); return err },
		"Sessions":    func(ctx context.Context) error { _, err := st.Sessions(ctx, secret, at, time.Hour); return err },
		"PutSession":  func(ctx context.Context) error { return st.PutSession(ctx, session) },
		"EndSession":  func(ctx context.Context) error { return st.EndSession(ctx, session) },
		"Note": func(ctx context.Context) error {
			return st.Note(ctx, audit.Entry{Time: at, Action: audit.LoggedIn, Actor: audit.Actor{Name: secret}, About: secret})
		},
		"Audit":                 func(ctx context.Context) error { _, err := st.Audit(ctx, at, time.Time{}, 10); return err },
		"AuditLog.Before":       func(ctx context.Context) error { _, err := st.AuditLog().Before(ctx, at); return err },
		"AuditLog.DeleteBefore": func(ctx context.Context) error { return st.AuditLog().DeleteBefore(ctx, at) },
		"Reports.Ask": func(ctx context.Context) error {
			_, err := answer(ctx, st, report.Query{
				Sites: []uint32{1}, Range: span, Measures: []string{"pageviews"}, Filters: []report.Filter{{Dimension: "page", Value: secret}},
			})
			return err
		},
		"Lines": func(ctx context.Context) error {
			return st.Lines(ctx, 1, day, 10, func(string, string, []string, calendar.Day) {})
		},
		"Excluded":     func(ctx context.Context) error { _, err := st.Excluded(ctx, 1, span, 10); return err },
		"Before":       func(ctx context.Context) error { _, err := st.Before(ctx, at); return err },
		"DeleteBefore": func(ctx context.Context) error { return st.DeleteBefore(ctx, at) },
		"Held":         func(ctx context.Context) error { _, err := st.Held(ctx, ofNetwork(network, at, at)); return err },
		"FindTexts": func(ctx context.Context) error {
			return st.FindTexts(ctx, privacy.Selection{Text: secret, To: at}, func(privacy.FoundText) error { return nil })
		},
		"Choose": func(ctx context.Context) error { _, err := st.Choose(ctx, ofNetwork(network, at, at)); return err },
		"Erase": func(ctx context.Context) error {
			_, err := chooseAndErase(ctx, st, privacy.Selection{Text: secret, To: at}, noNote)
			return err
		},
		"PublicURL":    func(ctx context.Context) error { _, err := st.PublicURL(ctx); return err },
		"SetPublicURL": func(ctx context.Context) error { return st.SetPublicURL(ctx, secret) },
		"Expire":       func(ctx context.Context) error { return st.Expire(ctx, privacy.Default().Retention) },
		"ClockNote":    func(ctx context.Context) error { _, err := st.ClockNote(ctx); return err },
		"NoteClock":    func(ctx context.Context) error { return st.NoteClock(ctx, at) },
	}
	for method := range askEverything(t, openLazy(t, "http://"+closedPort(t)+"/x")) {
		if calls[method] == nil && !slices.Contains([]string{"Insert of an entry", "RemoveCredential", "OtherClock"}, method) {
			t.Errorf("%s is not tried", method)
		}
	}
	held := []string{secret, url.QueryEscape(secret), "MyPassw0rd", "hemmelig", "param_", "database=", network}
	for _, hangs := range []bool{true, false} {
		hang.Store(hangs)
		for answered := range 4 {
			for method, call := range calls {
				left.Store(int64(answered))
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				err := call(ctx)
				cancel()
				if err == nil && answered == 0 {
					t.Errorf("%s returned no error", method)
				}
				for ; err != nil; err = errors.Unwrap(err) {
					text := fmt.Sprintf("%v %+v", err, err)
					for _, one := range held {
						if strings.Contains(text, one) && !errors.Is(err, site.ErrNotFound) && !errors.Is(err, site.ErrExists) && !errors.Is(err, site.ErrLastAdmin) {
							t.Errorf("%s after %d answers, hanging %t: %v, which holds %q", method, answered, hangs, err, one)
						}
					}
				}
			}
		}
	}
}

// TestDamagedData: a store whose files are damaged says what to do, in a line.
func TestDamagedData(t *testing.T) {
	engine := storetest.Engine(t)
	for _, table := range []string{"sites", "migrations"} {
		cfg := store.Config{Engine: engine, Database: storetest.Database(), Create: true}
		st, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.AddSite(t.Context(), site.Site{ID: 1, Name: "a", Hosts: []string{"a"}, Location: oslo}); err != nil {
			t.Fatal(err)
		}
		parts := ask(t, engine, "SELECT path FROM system.parts WHERE active AND database = '"+cfg.Database+"' AND table = '"+table+"'")
		for dir := range strings.Lines(parts) {
			file := filepath.Join(strings.TrimSpace(dir), "data.bin")
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			data[len(data)/2] ^= 0xff
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if table == "sites" {
			_, err = st.Sites(t.Context())
		} else {
			cfg.Lazy = true
			other, openErr := store.Open(t.Context(), cfg)
			if openErr != nil {
				t.Fatal(openErr)
			}
			defer other.Close()
			err = other.Prepare(t.Context())
		}
		if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "from a backup") || len(err.Error()) > 400 || strings.Contains(err.Error(), "\n") {
			t.Errorf("damaged %s: %d bytes: %v", table, len(fmt.Sprint(err)), err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}
