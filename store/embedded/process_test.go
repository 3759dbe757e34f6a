package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/internal/patience"
	"github.com/fotspor/fotspor/store/embedded"
)

// children are the other processes of the tests, by name.
var children = map[string]func(dir string) error{
	"fill":      fill,
	"read":      read,
	"client":    client,
	"lifecycle": lifecycle,
	"library":   withLibrary,
	"find":      find,

	"least rights": leastRights,
}

// ask runs a statement outside of a test.
func ask(e *embedded.Engine, sql string) (string, error) {
	response, err := e.RoundTrip(request(context.Background(), "", sql))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != 200 {
		err = errors.New(string(text))
	}
	return string(text), err
}

// withEngine opens an engine, asks it, and closes it.
func withEngine(dir string, statements ...string) (answers string, err error) {
	e, err := embedded.Open(context.Background(), embedded.Options{Dir: dir, Logger: slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	for _, sql := range statements {
		text, err := ask(e, sql)
		if err != nil {
			return "", err
		}
		answers += text
	}
	return answers, nil
}

func fill(dir string) error {
	_, err := withEngine(dir,
		"CREATE TABLE kept (n UInt64) ENGINE = MergeTree ORDER BY n SETTINGS min_bytes_for_wide_part = 0",
		"INSERT INTO kept SELECT number FROM numbers(1000)")
	return err
}

func read(dir string) error {
	text, err := withEngine(dir, "SELECT sum(n) FROM kept")
	fmt.Print(text)
	return err
}

func client(dir string) error {
	way := embedded.DialTransport(embedded.SocketPath(dir))
	defer way.CloseIdleConnections()
	conn, err := clickhouse.Open(&clickhouse.Options{
		Protocol:      clickhouse.HTTP,
		Addr:          []string{"engine"},
		Auth:          clickhouse.Auth{Database: "default"},
		Settings:      clickhouse.Settings{"max_block_size": 7},
		TransportFunc: transport(way),
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx := context.Background()
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO from_client")
	if err != nil {
		return err
	}
	for _, s := range nasty {
		if err := batch.Append(s); err != nil {
			return err
		}
	}
	if err := batch.Send(); err != nil {
		return err
	}
	var count, size uint64
	err = conn.QueryRow(ctx, "SELECT count(), toUInt64(getSetting('max_block_size')) FROM from_client WHERE s = {s:String}", clickhouse.Named("s", "a;b")).Scan(&count, &size)
	fmt.Println(count, size)
	var exception *clickhouse.Exception
	if !errors.As(conn.Exec(ctx, "SELECT * FROM nowhere"), &exception) || exception.Code != 60 {
		return errors.New("no exception for an unknown table")
	}
	return err
}

func TestAnotherProcess(t *testing.T) {
	e := open(t)
	// What a killed process leaves behind.
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: embedded.SocketPath(shared.dir), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()

	listener, err := e.Listen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- e.Serve(ctx, listener) }()

	info, err := os.Stat(embedded.SocketPath(shared.dir))
	if err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("the socket has mode %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(shared.dir, ".sock*")); left != nil {
		t.Errorf("left behind: %v", left)
	}

	mustAnswer(t, e, "", "CREATE TABLE from_client (s String) ENGINE = MergeTree ORDER BY s")
	defer mustAnswer(t, e, "", "DROP TABLE from_client SYNC")
	if out, err := runChild(t, "client", shared.dir); err != nil || out != "1 7\n" {
		t.Errorf("the other process: %v, %q", err, out)
	}
	if got := mustAnswer(t, e, "", "SELECT count() FROM from_client"); got != fmt.Sprintln(len(nasty)) {
		t.Errorf("it stored %s rows, want %d", got, len(nasty))
	}

	if out, err := runChild(t, "read", shared.dir); err == nil || !strings.Contains(out, embedded.ErrLocked.Error()) {
		t.Errorf("a second engine on the directory: %v, %s", err, out)
	}
	if _, err := embedded.Open(t.Context(), embedded.Options{Dir: t.TempDir()}); !errors.Is(err, embedded.ErrBusy) {
		t.Errorf("a second engine in the process: %v, want %v", err, embedded.ErrBusy)
	}

	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(embedded.SocketPath(shared.dir)); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// lifecycle closes an engine under load and opens others after it.
func lifecycle(dir string) error {
	ctx := context.Background()
	first := filepath.Join(dir, "first")
	e, err := embedded.Open(ctx, embedded.Options{Dir: first})
	if err != nil {
		return err
	}
	for _, sql := range []string{"CREATE TABLE kept (n UInt64) ENGINE = MergeTree ORDER BY n", "INSERT INTO kept VALUES (42)"} {
		if _, err := ask(e, sql); err != nil {
			return err
		}
	}
	listener, err := e.Listen()
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- e.Serve(ctx, listener) }()

	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := e.RoundTrip(request(short, "", endless)); !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("cancelled statement: %v", err)
	}
	start := time.Now()
	if err := errors.Join(e.Close(), e.Close(), <-served); err != nil {
		return err
	}
	if took := time.Since(start); took > patience.Of(4*time.Second) {
		return fmt.Errorf("closing took %v", took)
	}
	if _, err := ask(e, "SELECT 1"); !errors.Is(err, embedded.ErrClosed) {
		return fmt.Errorf("a statement after Close: %v", err)
	}
	if _, err := os.Stat(embedded.SocketPath(first)); !os.IsNotExist(err) {
		return fmt.Errorf("after Close the socket is still there: %v", err)
	}
	if _, err := withEngine(filepath.Join(dir, "second"), "SELECT 1"); err != nil {
		return err
	}
	text, err := withEngine(first, "SELECT n FROM kept")
	fmt.Print(text)
	return err
}

func TestLifecycle(t *testing.T) {
	needLibrary(t)
	if out, err := runChild(t, "lifecycle", t.TempDir()); err != nil || out != "42\n" {
		t.Errorf("%v: %s", err, out)
	}
}

// TestDamage checks that a damaged directory is an error or is survived, and
// never the death of the process.
func TestDamage(t *testing.T) {
	needLibrary(t)
	const quarantined = "a damaged part of a table was quarantined"
	whole := t.TempDir()
	if out, err := runChild(t, "fill", whole); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, test := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		want   string // in what the child prints
		fails  bool
	}{
		{"none", func(*testing.T, string) {}, "499500\n", false},
		{"a file for a directory", func(t *testing.T, dir string) {
			must(t, os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600))
		}, "not a directory", true},
		{"nonsense for a table", func(t *testing.T, dir string) { overwrite(t, dir, "kept.sql", "CREATE nonsense") }, "did not start", true},
		{"empty definition of a table", func(t *testing.T, dir string) { overwrite(t, dir, "kept.sql", "") }, "did not start", true},
		{"broken column", func(t *testing.T, dir string) { overwrite(t, dir, "n.bin", "nonsense") }, quarantined, false},
		{"broken part", func(t *testing.T, dir string) { overwrite(t, dir, "columns.txt", "nonsense") }, quarantined, false},
		{"empty checksums", func(t *testing.T, dir string) { overwrite(t, dir, "checksums.txt", "") }, quarantined, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			must(t, os.CopyFS(dir, os.DirFS(whole)))
			test.damage(t, dir)
			out, err := runChild(t, "read", dir)
			t.Logf("%v: %s", err, out)
			if !strings.Contains(out, test.want) || (err != nil) != test.fails || err != nil && err.Error() != "exit status 3" {
				t.Errorf("%v: %s; want failure %v, %q", err, out, test.fails, test.want)
			}
		})
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// overwrite gives every file of this name below dir other contents.
func overwrite(t *testing.T, dir, name, contents string) {
	t.Helper()
	found := 0
	must(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Name() == name {
			found++
			err = errors.Join(os.Remove(path), os.WriteFile(path, []byte(contents), 0o600))
		}
		return err
	}))
	if found == 0 {
		t.Fatalf("no file %s below %s", name, dir)
	}
}

func TestOpenRefuses(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name    string
		ctx     context.Context
		options embedded.Options
		want    string
	}{
		{"no directory", t.Context(), embedded.Options{}, "no data directory"},
		{"negative memory", t.Context(), embedded.Options{Dir: "x", MaxMemory: -1}, "memory limit -1"},
		{"negative connections", t.Context(), embedded.Options{Dir: "x", Connections: -1}, "-1 connections"},
		{"cancelled", cancelled, embedded.Options{Dir: "x"}, "context canceled"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := embedded.Open(test.ctx, test.options); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want %q", err, test.want)
			}
		})
	}
}

// withLibrary opens an engine with the library in dir.
func withLibrary(dir string) error {
	_, err := embedded.Open(context.Background(), embedded.Options{Dir: dir, Library: filepath.Join(dir, "libchdb.so")})
	if errors.Is(err, embedded.ErrNoLibrary) {
		return fmt.Errorf("ErrNoLibrary: %w", err)
	}
	return err
}

func TestLibraryThatIsNone(t *testing.T) {
	math, err := filepath.Glob("/lib/*/libm.so.6")
	must(t, err)
	for name, test := range map[string]struct {
		make func(path string) error
		want string
	}{
		"missing": {func(string) error { return nil }, "ErrNoLibrary"},
		"garbage": {func(path string) error { return os.WriteFile(path, []byte("\x7fELF, but not really"), 0o600) }, "load the engine"},
		"empty":   {func(path string) error { return os.WriteFile(path, nil, 0o600) }, "load the engine"},
		"other": {func(path string) error {
			if len(math) == 0 {
				return os.WriteFile(path, nil, 0o600)
			}
			return os.Symlink(math[0], path)
		}, "load the engine"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			must(t, test.make(filepath.Join(dir, "libchdb.so")))
			out, err := runChild(t, "library", dir)
			if err == nil || err.Error() != "exit status 3" || !strings.Contains(out, test.want) {
				t.Errorf("%v: %s; want %q", err, out, test.want)
			}
		})
	}
}

func TestServeHTTP(t *testing.T) {
	e := open(t)
	for _, test := range []struct {
		method, target, body string
		status               int
		want                 string
	}{
		{"GET", "/ping", "", 200, "Ok.\n"},
		{"GET", "/", "", 200, "Ok.\n"},
		{"GET", "/?query=SELECT%201", "", 200, "1\n"},
		{"POST", "/", "SELECT 1", 200, "1\n"},
		{"POST", "/?query=SELECT", "2", 200, "2\n"},
		{"POST", "/?enable_http_compression=1&wait_end_of_query=1&user=default&password=x", "SELECT 1", 200, "1\n"},
		{"GET", "/", "SELECT 1", 400, "A GET has its statement in the URL: use POST for one in the body\n"},
		{"PUT", "/", "SELECT 1", 405, ""},
		{"GET", "/play", "", 404, ""},
	} {
		recorder := httptest.NewRecorder()
		r := httptest.NewRequest(test.method, "http://localhost"+test.target, strings.NewReader(test.body))
		r.Header.Set("Accept-Encoding", "gzip, br")
		e.ServeHTTP(recorder, r)
		if recorder.Code != test.status || test.want != "" && recorder.Body.String() != test.want {
			t.Errorf("%s %s: %d %q, want %d %q", test.method, test.target, recorder.Code, recorder.Body, test.status, test.want)
		}
	}
	for _, test := range []struct {
		header, value string
		status        int
	}{
		{"Content-Encoding", "br", 501},
		{"Content-Encoding", "gzip", 400},
		{"Content-Type", "multipart/form-data; boundary=x", 501},
	} {
		recorder := httptest.NewRecorder()
		r := httptest.NewRequest("POST", "http://localhost/", strings.NewReader("SELECT 1"))
		r.Header.Set(test.header, test.value)
		e.ServeHTTP(recorder, r)
		if recorder.Code != test.status {
			t.Errorf("%s: %s: status %d, want %d: %s", test.header, test.value, recorder.Code, test.status, recorder.Body)
		}
	}
}

// TestClientGoneHalfWay: an insert whose body breaks off stores nothing.
func TestClientGoneHalfWay(t *testing.T) {
	e := open(t)
	mustAnswer(t, e, "", "CREATE TABLE half (s String) ENGINE = MergeTree ORDER BY s")
	defer mustAnswer(t, e, "", "DROP TABLE half SYNC")
	server := httptest.NewServer(e)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	must(t, err)
	fmt.Fprintf(conn, "POST /?query=INSERT+INTO+half+FORMAT+CSV HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\na\nb\n")
	conn.(*net.TCPConn).CloseWrite()
	answer, err := io.ReadAll(conn)
	must(t, err, conn.Close())
	if strings.HasPrefix(string(answer), "HTTP/1.1 200") {
		t.Errorf("answer: %s", answer)
	}
	if got := mustAnswer(t, e, "", "SELECT count() FROM half"); got != "0\n" {
		t.Errorf("the table holds %s rows", got)
	}
}
