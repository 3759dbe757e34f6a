// Package storetest gives tests a store on the real engine.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/fotspor/fotspor/internal/trusted"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/embedded"
)

var (
	once   sync.Once
	server *embedded.Engine // one for the whole test process, which can run only one
	dir    string
	failed error
	serial atomic.Int64
)

// Open returns a store with a new, empty database. It is closed when the test ends. If the
// engine's library is missing, the test is skipped, or fails with CI=true.
func Open(tb testing.TB) *store.Store {
	tb.Helper()
	engine, database := Engine(tb), Database()
	st, err := store.Open(tb.Context(), store.Config{Engine: engine, Database: database, Create: true})
	if err != nil {
		tb.Fatalf("open store: %v", err)
	}
	tb.Cleanup(func() {
		if err := st.Close(); err != nil {
			tb.Errorf("close store: %v", err)
		}
		// An open table takes memory of the engine, which all tests share.
		if err := drop(engine, database); err != nil {
			tb.Errorf("drop the database of the test: %v", err)
		}
	})
	return st
}

func drop(engine *embedded.Engine, database string) error {
	statement := strings.NewReader("DROP DATABASE IF EXISTS " + database + " SYNC")
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://127.0.0.1/", statement)
	if err != nil {
		return err
	}
	resp, err := engine.RoundTrip(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, err := io.ReadAll(resp.Body)
		return errors.Join(errors.New(string(text)), err)
	}
	return nil
}

// Engine returns the engine of this test process, which Main closes. It is an http.Handler
// that replaces a ClickHouse server. If its library is missing, it does the same as Open.
func Engine(tb testing.TB) *embedded.Engine {
	tb.Helper()
	Library(tb)
	once.Do(start)
	if failed != nil {
		tb.Fatalf("start engine: %v", failed)
	}
	return server
}

// Database returns the name of a database that no other test of this process has.
func Database() string { return fmt.Sprintf("test_%d", serial.Add(1)) }

// maxMemory is more than a program's engine has by default: the databases of all tests of a
// process are in this one, and what it counts as its memory grows with each.
const maxMemory = 1 << 30

// start runs the engine of this test process, until Main closes it.
func start() {
	if dir, failed = os.MkdirTemp("", "fotspor-store-"); failed == nil {
		var library string
		if library, failed = findLibrary(); failed == nil {
			server, failed = embedded.Open(context.Background(), embedded.Options{Dir: dir, Library: library, MaxMemory: maxMemory})
		}
	}
}

// Main is the TestMain of every package that calls Open: it runs the tests, ends
// the engine, and fails if goroutines are left.
func Main(m *testing.M) {
	code := m.Run()
	if server != nil {
		if err := server.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "close engine:", err)
			code = 1
		}
	}
	os.RemoveAll(dir)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// init makes the engine be found in the checkout in which the tests run.
func init() { trusted.StandIn(".") }

// findLibrary looks at FOTSPOR_ENGINE, or else where the program looks.
func findLibrary() (string, error) { return embedded.FindLibrary(os.Getenv("FOTSPOR_ENGINE")) }

// Library returns the path of the engine's library, or skips the test.
func Library(tb testing.TB) string {
	tb.Helper()
	path, err := findLibrary()
	if err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatal(err)
		}
		tb.Skipf("SKIPPED, no engine: %v", err)
	}
	return path
}

// PutSite replaces a site.
func PutSite(ctx context.Context, st *store.Store, after site.Site) error {
	_, err := st.ChangeSite(ctx, after.ID, func(s *site.Site) error {
		*s = after
		return nil
	})
	return err
}
