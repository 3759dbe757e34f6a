package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/internal/patience"
	"github.com/fotspor/fotspor/store/embedded"
)

// nasty is text that breaks what splits, quotes or ends text.
var nasty = []string{
	"", ";", "a;b", "\x00", "a\x00b", "'", `"`, "`", `\`, `\'`, `\\`, "\n", "\r\n", "\t", "\b\f\v",
	"); DROP TABLE t; --", "/* open", "-- comment", "$$", "{x:String}", "%s %2 + %", "FORMAT Native\n",
	"blåbærsyltetøy", "日本語", "🦶🏽", "\u202e", "\ufeff", "\xff\xfe", "__exception__", strings.Repeat("x;\x00\n", 10000),
}

func TestEveryByteComesBack(t *testing.T) {
	e := open(t)
	server := httptest.NewServer(e)
	defer server.Close()
	for name, change := range map[string]func(*clickhouse.Options){
		"in process": func(*clickhouse.Options) {},
		"in process lz4": func(o *clickhouse.Options) {
			o.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
		},
		"in process zstd": func(o *clickhouse.Options) {
			o.Compression = &clickhouse.Compression{Method: clickhouse.CompressionZSTD}
		},
		"tcp": func(o *clickhouse.Options) { overTCP(o, server) },
		"tcp gzip": func(o *clickhouse.Options) {
			overTCP(o, server)
			o.Compression = &clickhouse.Compression{Method: clickhouse.CompressionGZIP, Level: 1}
		},
		"tcp deflate": func(o *clickhouse.Options) {
			overTCP(o, server)
			o.Compression = &clickhouse.Compression{Method: clickhouse.CompressionDeflate, Level: 1}
		},
		"tcp lz4": func(o *clickhouse.Options) {
			overTCP(o, server)
			o.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
		},
	} {
		t.Run(name, func(t *testing.T) {
			options := newDatabase(t, e)
			change(options)
			conn := dial(t, options)
			mustExec(t, conn, "CREATE TABLE t (n UInt64, s String, l LowCardinality(String)) ENGINE = MergeTree ORDER BY n")
			batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO t")
			if err != nil {
				t.Fatal(err)
			}
			for n, s := range nasty {
				if err := batch.Append(uint64(n), s, s); err != nil {
					t.Fatal(err)
				}
			}
			if err := batch.Send(); err != nil {
				t.Fatal(err)
			}
			for _, column := range []string{"s", "l"} {
				rows, err := conn.Query(t.Context(), "SELECT "+column+" FROM t ORDER BY n")
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for rows.Next() {
					var s string
					if err := rows.Scan(&s); err != nil {
						t.Fatal(err)
					}
					got = append(got, s)
				}
				if err := errors.Join(rows.Err(), rows.Close()); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(nasty, got); diff != "" {
					t.Errorf("column %s (-want +got):\n%s", column, diff)
				}
			}
		})
	}
}

// overTCP makes clickhouse-go use its own transport.
func overTCP(o *clickhouse.Options, server *httptest.Server) {
	o.TransportFunc = nil
	o.Addr = []string{server.Listener.Addr().String()}
}

func TestLargeInsert(t *testing.T) {
	conn := connect(t)
	mustExec(t, conn, "CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO t")
	if err != nil {
		t.Fatal(err)
	}
	const rows = 1_000_000
	numbers, texts := make([]uint64, rows), make([]string, rows)
	for i := range rows {
		numbers[i], texts[i] = uint64(i), fmt.Sprintf("%d;%0100d", i, i)
	}
	if err := errors.Join(batch.Column(0).Append(numbers), batch.Column(1).Append(texts), batch.Send()); err != nil {
		t.Fatal(err)
	}
	got := queryRow[uint64](t, conn, "SELECT countIf(s = concat(toString(n), ';', leftPad(toString(n), 100, '0'))) FROM t")
	if got != rows {
		t.Errorf("%d of %d rows came back whole", got, rows)
	}
}

func TestParameters(t *testing.T) {
	conn := connect(t)
	for _, s := range []string{"", "a;b", "'", `"`, "it's -- {x:String}", "æøå 🦶", "plus + % &="} {
		if got := queryRow[string](t, conn, "SELECT {s:String}", clickhouse.Named("s", s)); got != s {
			t.Errorf("parameter %q came back as %q", s, got)
		}
	}
	if got := queryRow[uint64](t, conn, "SELECT {n:UInt64} + 1", clickhouse.Named("n", "41")); got != 42 {
		t.Errorf("41 + 1 = %d", got)
	}
	mustExec(t, conn, "CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
	mustExec(t, conn, "INSERT INTO t VALUES ({n:UInt64}, {s:String}), (2, 'y')", clickhouse.Named("n", "1"), clickhouse.Named("s", "x;x"))
	mustExec(t, conn, "INSERT INTO {table:Identifier} SELECT 3, {s:String}", clickhouse.Named("table", "t"), clickhouse.Named("s", "z"))
	if got := queryRow[string](t, conn, "SELECT arrayStringConcat(arraySort(groupArray(s)), ',') FROM t WHERE n IN {ns:Array(UInt64)}", clickhouse.Named("ns", "[1,2,3]")); got != "x;x,y,z" {
		t.Errorf("inserted with parameters: %s", got)
	}
}

func TestSettings(t *testing.T) {
	e := open(t)
	for _, test := range []struct{ parameters, sql, want string }{
		{"", "SELECT getSetting('max_block_size')", "65409\n"},
		{"max_block_size=7", "SELECT getSetting('max_block_size')", "7\n"},
		{"max_block_size=7", "SELECT getSetting('max_block_size') SETTINGS max_block_size = 8", "8\n"},
		{"max_block_size=7&max_threads=1", "SELECT getSetting('max_block_size'), getSetting('max_threads')", "7\t1\n"},
		{parameters("format_csv_delimiter", "'"), "SELECT getSetting('format_csv_delimiter')", "\\'\n"},
		{"", "SELECT getSetting('async_insert'), getSetting('implicit_select')", "false\tfalse\n"},
		// Nothing of the above stays behind.
		{"", "SELECT getSetting('max_block_size')", "65409\n"},
		{"default_format=JSONEachRow", "SELECT 1 AS a", "{\"a\":1}\n"},
		{"default_format=JSONEachRow", "SELECT 1 AS a FORMAT CSV", "1\n"},
		// These end with their statement.
		{"", "SET max_block_size = 9", ""},
		{"", "SELECT getSetting('max_block_size')", "65409\n"},
		{"", "USE system", ""},
		{"", "SELECT currentDatabase()", "default\n"},
		{"", "CREATE TEMPORARY TABLE here (a Int8)", ""},
		{"", "EXISTS TEMPORARY TABLE here", "0\n"},
	} {
		if got := mustAnswer(t, e, test.parameters, test.sql); got != test.want {
			t.Errorf("%s with %q = %q, want %q", test.sql, test.parameters, got, test.want)
		}
	}
}

func TestDatabaseHoldsForOneStatement(t *testing.T) {
	conn := connect(t)
	mustExec(t, conn, "CREATE TABLE here (n UInt8) ENGINE = Memory")
	mustExec(t, conn, "INSERT INTO here VALUES (7)")
	if got := queryRow[string](t, conn, "SELECT currentDatabase()"); got != t.Name() {
		t.Errorf("current database = %s, want %s", got, t.Name())
	}
	for range 2 * embedded.DefaultConnections {
		if got := mustAnswer(t, open(t), "", "SELECT currentDatabase()"); got != "default\n" {
			t.Errorf("another statement's current database = %q", got)
		}
	}
}

func TestErrors(t *testing.T) {
	e := open(t)
	mustAnswer(t, e, "", "CREATE TABLE errors (n UInt8) ENGINE = Memory")
	defer mustAnswer(t, e, "", "DROP TABLE errors")
	for _, test := range []struct {
		parameters, sql string
		status, code    int
	}{
		{"", "SELEC 1", 400, 62},
		{"", "  ", 400, 62},
		{"", "SELECT 1; SELECT 2", 400, 62},
		{"", "SELECT 1; nonsense", 400, 62},
		{"", "SELECT * FROM nowhere", 404, 60},
		{"", "INSERT INTO nowhere VALUES (1)", 404, 60},
		{"", "INSERT INTO errors FORMAT CSV\nx\n", 400, 117},
		{"", "INSERT INTO errors FORMAT Nonsense x", 404, 73},
		{"", "SELECT 1 FORMAT Nonsense", 404, 73},
		{"", "SELECT throwIf(number = 70000) FROM numbers(100000)", 500, 395},
		{"", "SELECT {x:UInt8}", 400, 456},
		{"database=nowhere", "SELECT 1", 404, 81},
		{"nonsense=1", "SELECT 1", 404, 115},
		{"nonsense=1", "INSERT INTO errors VALUES (1)", 404, 115},
		{parameters("a = 1, b", "2"), "SELECT 1", 400, 36},
		{"max_threads=many", "SELECT 1", 400, 27},
		{"max_execution_time=0.1", "SELECT sum(cityHash64(number)) FROM numbers(100000000000)", 408, 159},
		{"max_memory_usage=5000000", "SELECT groupArray(number) FROM numbers(10000000)", 500, 241},
		{"session_id=a", "SELECT 1", 501, 48},
		{"role=admin", "SELECT 1", 501, 48},
		{"", "SELECT 1 INTO OUTFILE '/dev/null'", 501, 48},
		{"", "INSERT INTO errors FROM INFILE '/dev/null' FORMAT CSV", 501, 48},
		{"", "INSERT INTO errors SELECT * FROM input('n UInt8') FORMAT CSV\n1\n", 501, 48},
		{"compress=1&network_compression_method=LZMA", "SELECT 1", 501, 48},
	} {
		response, err := e.RoundTrip(request(t.Context(), test.parameters, test.sql))
		if err != nil {
			t.Errorf("%s: %v", test.sql, err)
			continue
		}
		if code := response.Header.Get("X-ClickHouse-Exception-Code"); response.StatusCode != test.status || code != fmt.Sprint(test.code) {
			t.Errorf("%s with %q: status %d, code %s; want %d, %d", test.sql, test.parameters, response.StatusCode, code, test.status, test.code)
		}
	}
	if got := mustAnswer(t, e, "", "SELECT count() FROM errors"); got != "0\n" {
		t.Errorf("failed inserts left %s rows", got)
	}

	conn := connect(t)
	var exception *clickhouse.Exception
	err := conn.Exec(t.Context(), "SELECT * FROM nowhere")
	if !errors.As(err, &exception) || exception.Code != 60 || exception.CodeName != "UNKNOWN_TABLE" || !strings.Contains(exception.Message, "nowhere") {
		t.Errorf("clickhouse-go made of an unknown table: %#v", err)
	}
}

func TestReadonly(t *testing.T) {
	e := open(t)
	mustAnswer(t, e, "", "CREATE TABLE readonly (n UInt8) ENGINE = MergeTree ORDER BY n")
	defer mustAnswer(t, e, "", "DROP TABLE readonly")
	mustAnswer(t, e, "", "INSERT INTO readonly VALUES (1)")
	target := filepath.Join(t.TempDir(), "written")
	for _, sql := range []string{
		"INSERT INTO readonly VALUES (2)",
		"INSERT INTO readonly SELECT 2",
		"INSERT INTO readonly SETTINGS readonly = 0 VALUES (2)",
		"CREATE TABLE readonly2 (n UInt8) ENGINE = Memory",
		"ALTER TABLE readonly DELETE WHERE 1",
		"DELETE FROM readonly WHERE 1",
		"TRUNCATE TABLE readonly",
		"OPTIMIZE TABLE readonly FINAL",
		"DROP TABLE readonly",
		"SET readonly = 0",
		"SYSTEM DROP MARK CACHE",
		"KILL QUERY WHERE 1",
		"BACKUP TABLE readonly TO File('readonly/')",
		"SELECT 1 SETTINGS readonly = 0",
		"SELECT 1 INTO OUTFILE '" + target + "'",
		"SELECT $$'$$ INTO OUTFILE '" + target + "'",
		"SELECT ‘'’ INTO OUTFILE '" + target + "'",
		"INSERT INTO FUNCTION file('" + target + "', LineAsString) VALUES ('x')",
		"SELECT * FROM file('/etc/hostname', LineAsString)",
	} {
		if status, text := answer(t, e, "readonly=1", sql); status == http.StatusOK {
			t.Errorf("%s is allowed: %s", sql, text)
		}
	}
	if _, err := os.Stat(target); err == nil {
		t.Error("a read-only statement wrote a file")
	}
	if got := mustAnswer(t, e, "readonly=1&max_threads=1", "SELECT n, getSetting('max_threads') FROM readonly"); got != "1\t1\n" {
		t.Errorf("read-only SELECT = %q", got)
	}
	for _, sql := range []string{"SHOW TABLES", "DESCRIBE TABLE readonly", "EXPLAIN SELECT 1", "WITH 1 AS x SELECT x"} {
		mustAnswer(t, e, "readonly=1", sql)
	}
	if status, _ := answer(t, e, parameters("query", "DROP TABLE readonly"), ""); status == http.StatusOK {
		t.Error("GET dropped a table")
	}
}

func TestInsertForms(t *testing.T) {
	e := open(t)
	for _, test := range []struct{ query, body, want string }{
		{"", "INSERT INTO t VALUES (1, 'a;b'), (2, 'c');", "1|a;b 2|c"},
		{"", "insert into t (s, n) values ('a', 1)", "1|a"},
		{"", "INSERT INTO t SELECT number, 'x' FROM numbers(2)", "0|x 1|x"},
		{"", "INSERT INTO t FORMAT CSV\n1,\"a;b\"\n2,c\n", "1|a;b 2|c"},
		{"", "INSERT INTO t FORMAT CSV 1,a", "1|a"},
		{"", "INSERT INTO t FORMAT TSV\n1\ta;\\0\n", "1|a;\x00"},
		{"", "/* c; */ INSERT -- VALUES\n INTO TABLE t (n, s) SETTINGS max_threads = 1 FORMAT JSONEachRow {\"n\":1,\"s\":\"FORMAT\"}", "1|FORMAT"},
		{"", "INSERT INTO `t` VALUES", ""},
		{"", "INSERT INTO t FORMAT CSV", ""},
		{"INSERT INTO t FORMAT CSV", "1,a\n", "1|a"},
		{"INSERT INTO t FORMAT CSV\n", "1,a\n", "1|a"},
		{"INSERT INTO t FORMAT RowBinary\n", "\n\x01 ", "10| "},
		{"INSERT INTO t FORMAT CSV\n1,a", "2,b\n", "1|a 2|b"},
		{"INSERT INTO t (n, s) VALUES", "(1, ';')", "1|;"},
		{"INSERT INTO t", "FORMAT JSONEachRow {\"n\":1,\"s\":\"a\"}", "1|a"},
		{"INSERT INTO values VALUES", "(1, 'named so')", "1|named so"},
	} {
		mustAnswer(t, e, "", "CREATE DATABASE forms")
		for _, table := range []string{"t", "values"} {
			mustAnswer(t, e, "database=forms", "CREATE TABLE `"+table+"` (n UInt8, s String) ENGINE = Memory")
		}
		mustAnswer(t, e, parameters("database", "forms", "query", test.query), test.body)
		got := mustAnswer(t, e, "database=forms&default_format=TSVRaw",
			"SELECT arrayStringConcat(arraySort(groupArray(concat(toString(n), '|', s))), ' ') FROM (SELECT * FROM t UNION ALL SELECT * FROM `values`)")
		if got != test.want+"\n" {
			t.Errorf("%q %q stored %q, want %q", test.query, test.body, got, test.want)
		}
		mustAnswer(t, e, "", "DROP DATABASE forms")
	}
}

func TestDeduplication(t *testing.T) {
	conn := connect(t)
	const window = "SETTINGS non_replicated_deduplication_window = 1000"
	mustExec(t, conn, "CREATE TABLE raw (n UInt64, m Int64) ENGINE = MergeTree ORDER BY n "+window)
	mustExec(t, conn, "CREATE TABLE sums (k UInt64, m Int64) ENGINE = SummingMergeTree ORDER BY k "+window)
	mustExec(t, conn, "CREATE TABLE totals (m Int64) ENGINE = SummingMergeTree ORDER BY tuple() "+window)
	mustExec(t, conn, "CREATE MATERIALIZED VIEW sums_view TO sums AS SELECT n % 10 AS k, sum(m) AS m FROM raw GROUP BY k")
	mustExec(t, conn, "CREATE MATERIALIZED VIEW totals_view TO totals AS SELECT sum(m) AS m FROM raw")

	insert := func(token string, rows int) {
		t.Helper()
		ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{
			"insert_deduplication_token":                         token,
			"deduplicate_blocks_in_dependent_materialized_views": 1,
		}))
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO raw")
		if err != nil {
			t.Fatal(err)
		}
		for n := range rows {
			if err := batch.Append(uint64(n), int64(1)); err != nil {
				t.Fatal(err)
			}
		}
		if err := batch.Send(); err != nil {
			t.Fatal(err)
		}
	}
	for i, step := range []struct {
		token string
		rows  int
		want  int64
	}{
		{"a", 100, 100}, {"a", 100, 100}, {"b", 100, 200}, {"a", 100, 200}, {"b", 100, 200},
		{"c", 150000, 150200}, {"c", 150000, 150200}, // several blocks
	} {
		insert(step.token, step.rows)
		for _, table := range []string{"raw", "sums", "totals"} {
			if got := queryRow[int64](t, conn, "SELECT sum(m) FROM "+table); got != step.want {
				t.Errorf("step %d, token %s: sum of %s = %d, want %d", i, step.token, table, got, step.want)
			}
		}
	}
}

func TestConcurrentStatements(t *testing.T) {
	options := newDatabase(t, open(t))
	options.MaxOpenConns = 16
	conn := dial(t, options)
	mustExec(t, conn, "CREATE TABLE t (worker UInt64, n UInt64) ENGINE = MergeTree ORDER BY n")
	var group sync.WaitGroup
	for worker := range uint64(12) {
		group.Go(func() {
			for n := range uint64(5) {
				batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO t")
				if err == nil {
					err = errors.Join(batch.Append(worker, n), batch.Send())
				}
				if err != nil {
					t.Error(err)
					return
				}
				var count uint64
				if err := conn.QueryRow(t.Context(), "SELECT count() FROM t WHERE worker = {w:UInt64}", clickhouse.Named("w", fmt.Sprint(worker))).Scan(&count); err != nil || count != n+1 {
					t.Errorf("worker %d sees %d rows, want %d: %v", worker, count, n+1, err)
					return
				}
			}
		})
	}
	group.Wait()
}

const endless = "SELECT sum(cityHash64(number)) FROM numbers(1000000000000)"

func TestCancelFreesTheCallerAndTheSlot(t *testing.T) {
	e := open(t)
	// Twice as many as there are slots: some are running, some are waiting.
	var group sync.WaitGroup
	for range 2 * embedded.DefaultConnections {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			start := time.Now()
			if _, err := e.RoundTrip(request(ctx, "", endless)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error = %v, want the deadline", err)
			}
			if took := time.Since(start); took > patience.Of(2*time.Second) {
				t.Errorf("the caller waited %v", took)
			}
		})
	}
	group.Wait()
	if got := mustAnswer(t, e, "", "SELECT 1"); got != "1\n" {
		t.Errorf("after cancelled statements SELECT 1 = %q", got)
	}
	waitUntil(t, func() bool {
		return mustAnswer(t, e, "", "SELECT count() FROM system.processes WHERE query LIKE '%cityHash64%' AND query NOT LIKE '%system.processes%'") == "0\n"
	})
}

// waitUntil asks again and again; the question itself takes the time.
func waitUntil(t *testing.T, done func() bool) {
	t.Helper()
	for start := time.Now(); !done(); {
		if time.Since(start) > patience.Of(10*time.Second) {
			t.Fatal("waited too long")
		}
	}
}

func TestCancelOfAnInsertLeavesNothing(t *testing.T) {
	e := open(t)
	mustAnswer(t, e, "", "CREATE TABLE cancelled (s String) ENGINE = MergeTree ORDER BY s")
	defer mustAnswer(t, e, "", "DROP TABLE cancelled SYNC")
	ctx, cancel := context.WithCancel(t.Context())
	body := &stuckBody{start: strings.NewReader("INSERT INTO cancelled FORMAT CSV\na\nb\n"), reached: cancel, closed: make(chan struct{})}
	r := request(ctx, "", "x")
	r.Body = body
	if _, err := e.RoundTrip(r); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want %v", err, context.Canceled)
	}
	if got := mustAnswer(t, e, "", "SELECT count() FROM cancelled"); got != "0\n" {
		t.Errorf("the table holds %s rows", got)
	}
}

// stuckBody is a client that stops sending half-way.
type stuckBody struct {
	start   *strings.Reader
	reached func()
	once    sync.Once
	closed  chan struct{}
}

func (b *stuckBody) Read(p []byte) (int, error) {
	if b.start.Len() > 0 {
		return b.start.Read(p)
	}
	b.reached()
	<-b.closed
	return 0, errors.New("closed")
}

func (b *stuckBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

func TestMemoryLimit(t *testing.T) {
	e := open(t)
	want := fmt.Sprintf("%d\n", embedded.DefaultMaxMemory)
	if got := mustAnswer(t, e, "", "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'"); got != want {
		t.Errorf("limit in force = %s, want %s", got, want)
	}
	for range 3 {
		status, text := answer(t, e, "max_memory_usage=0&max_bytes_before_external_group_by=0&max_bytes_ratio_before_external_group_by=0", "SELECT length(groupArray(repeat('x', 1000) || toString(number))) FROM numbers(1000000)")
		if status == http.StatusOK || !strings.Contains(text, "Code: 241.") {
			t.Errorf("a statement above the limit: status %d, %.200s", status, text)
		}
	}
	if got := mustAnswer(t, e, "", "SELECT 1"); got != "1\n" {
		t.Errorf("then SELECT 1 = %q", got)
	}
}

func TestNoLogTables(t *testing.T) {
	e := open(t)
	mustAnswer(t, e, "", "SELECT 1")
	mustAnswer(t, e, "", "SYSTEM FLUSH LOGS")
	if got := mustAnswer(t, e, "", `SELECT name FROM system.tables WHERE database = 'system' AND name LIKE '%\\_log'`); got != "" {
		t.Errorf("the engine keeps logs of its own: %s", got)
	}
}

func TestBackup(t *testing.T) {
	e := open(t)
	mustAnswer(t, e, "", "CREATE TABLE kept (n UInt8) ENGINE = MergeTree ORDER BY n")
	defer mustAnswer(t, e, "", "DROP TABLE kept SYNC")
	mustAnswer(t, e, "", "INSERT INTO kept VALUES (42)")
	mustAnswer(t, e, "", "BACKUP TABLE kept TO File('one/')")
	if _, err := os.Stat(filepath.Join(shared.dir, "backups", "one", ".backup")); err != nil {
		t.Error(err)
	}
	mustAnswer(t, e, "", "RESTORE TABLE kept AS restored FROM File('one/')")
	defer mustAnswer(t, e, "", "DROP TABLE restored SYNC")
	if got := mustAnswer(t, e, "", "SELECT n FROM restored"); got != "42\n" {
		t.Errorf("restored %q", got)
	}
	if status, _ := answer(t, e, "", "BACKUP TABLE kept TO File('"+t.TempDir()+"/')"); status == http.StatusOK {
		t.Error("a backup went outside its folder")
	}
}

// TestSignals proves that the engine and Go's runtime do not take each other's
// signals: statements, garbage collections (which preempt by SIGURG) and
// recovered nil-pointer panics (SIGSEGV), all at once. FOTSPOR_LONG=1 runs it
// for a minute.
func TestSignals(t *testing.T) {
	conn := connect(t)
	mustExec(t, conn, "CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
	rounds, limit := 15, time.Minute
	if os.Getenv("FOTSPOR_LONG") != "" {
		rounds = 1 << 30
	}
	stop := make(chan struct{})
	var noise, work sync.WaitGroup
	noise.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
				dereferenceNil()
			}
		}
	})
	deadline := time.Now().Add(limit)
	for range 3 {
		work.Go(func() {
			for round := 0; round < rounds && time.Now().Before(deadline); round++ {
				if err := insertAndSum(t.Context(), conn); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	work.Wait()
	close(stop)
	noise.Wait()
}

func insertAndSum(ctx context.Context, conn driver.Conn) error {
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO t")
	if err != nil {
		return err
	}
	for n := range uint64(600) {
		if err := batch.Append(n, "a;b"); err != nil {
			return err
		}
	}
	if err := batch.Send(); err != nil {
		return err
	}
	var sum uint64
	return conn.QueryRow(ctx, "SELECT sum(n) + sum(length(s)) FROM t").Scan(&sum)
}

func dereferenceNil() {
	defer func() { _ = recover() }()
	var nothing *[1 << 10]int
	nothing[5]++
}
