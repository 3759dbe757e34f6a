package embedded_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"go.uber.org/goleak"

	"github.com/fotspor/fotspor/internal/trusted"
	"github.com/fotspor/fotspor/store/embedded"
)

// childVariable makes this test binary run one of children instead of the
// tests: another process, with an engine or without.
const childVariable = "EMBEDDED_TEST_CHILD"

func TestMain(m *testing.M) {
	name := os.Getenv(childVariable)
	if name != "find" { // which looks from where it is
		trusted.StandIn(".")
	}
	if name != "" {
		if err := children[name](os.Args[1]); err != nil {
			fmt.Println(err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := shared.remove(); err != nil {
			fmt.Println(err)
			code = 1
		}
		os.Exit(code)
	}))
}

// runChild runs a child on a directory and returns what it printed, and its
// error if it ended badly.
func runChild(t *testing.T, name, dir string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], dir)
	cmd.Env = append(os.Environ(), childVariable+"="+name)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// sharedEngine is the one engine of this process. Tests share it, each with a
// database of its own.
type sharedEngine struct {
	once   sync.Once
	dir    string
	engine *embedded.Engine
	err    error
}

var shared sharedEngine

func (s *sharedEngine) open() {
	if s.dir, s.err = os.MkdirTemp("", "embedded"); s.err == nil {
		s.engine, s.err = embedded.Open(context.Background(), embedded.Options{Dir: s.dir})
	}
}

func (s *sharedEngine) remove() error {
	if s.engine == nil {
		return nil
	}
	if err := s.engine.Close(); err != nil {
		return err
	}
	return os.RemoveAll(s.dir)
}

// needLibrary skips a test where libchdb is not installed, but not in CI.
func needLibrary(t testing.TB) {
	t.Helper()
	if _, err := embedded.FindLibrary(""); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("NOT TESTED: %v", err)
	}
}

// open returns the engine of this process.
func open(t testing.TB) *embedded.Engine {
	t.Helper()
	needLibrary(t)
	shared.once.Do(shared.open)
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.engine
}

// transport is a clickhouse.Options.TransportFunc.
func transport(rt http.RoundTripper) func(*http.Transport) (http.RoundTripper, error) {
	return func(*http.Transport) (http.RoundTripper, error) { return rt, nil }
}

// newDatabase makes a database for the test and returns options to reach it.
func newDatabase(t testing.TB, e *embedded.Engine) *clickhouse.Options {
	t.Helper()
	name := strings.NewReplacer("/", "_", "-", "_", " ", "_").Replace(t.Name())
	mustAnswer(t, e, "", "CREATE DATABASE `"+name+"`")
	t.Cleanup(func() { mustAnswer(t, e, "", "DROP DATABASE `"+name+"` SYNC") })
	return &clickhouse.Options{
		Protocol:      clickhouse.HTTP,
		Addr:          []string{"embedded"},
		Auth:          clickhouse.Auth{Database: name},
		TransportFunc: transport(e),
	}
}

func dial(t testing.TB, options *clickhouse.Options) driver.Conn {
	t.Helper()
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// connect reaches a new database of the shared engine through clickhouse-go.
func connect(t testing.TB) driver.Conn {
	t.Helper()
	return dial(t, newDatabase(t, open(t)))
}

func mustExec(t testing.TB, conn driver.Conn, sql string, args ...any) {
	t.Helper()
	if err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func queryRow[T any](t testing.TB, conn driver.Conn, sql string, args ...any) T {
	t.Helper()
	var value T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// request makes a POST of a statement, or a GET where there is none.
func request(ctx context.Context, parameters, body string) *http.Request {
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	return httptest.NewRequest(method, "/?"+parameters, strings.NewReader(body)).WithContext(ctx)
}

// answer posts a statement to the engine and returns status and body.
func answer(t testing.TB, rt http.RoundTripper, parameters, body string) (int, string) {
	t.Helper()
	response, err := rt.RoundTrip(request(context.WithoutCancel(t.Context()), parameters, body))
	if err != nil {
		t.Fatalf("%s %s: %v", parameters, body, err)
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.ContentLength != int64(len(text)) {
		t.Errorf("%s: ContentLength = %d, body has %d bytes", body, response.ContentLength, len(text))
	}
	return response.StatusCode, string(text)
}

func mustAnswer(t testing.TB, rt http.RoundTripper, parameters, body string) string {
	t.Helper()
	status, text := answer(t, rt, parameters, body)
	if status != http.StatusOK {
		t.Fatalf("%s %s: status %d: %s", parameters, body, status, text)
	}
	return text
}

func parameters(pairs ...string) string {
	values := make(url.Values)
	for i := 0; i < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return values.Encode()
}
