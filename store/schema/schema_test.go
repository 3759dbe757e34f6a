package schema_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/fotspor/fotspor/internal/patience"
	"github.com/fotspor/fotspor/store/schema"
	"github.com/fotspor/fotspor/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		file, text, want string // want: the kind, or what the error says
	}{
		"table":          {"0001_a.sql", "CREATE TABLE IF NOT EXISTS a (x Int8) ENGINE = Log;\n", "ddl"},
		"column":         {"0001_a.sql", "ALTER TABLE a ADD COLUMN IF NOT EXISTS y Int8;\n", "ddl"},
		"view":           {"0001_a.sql", "CREATE MATERIALIZED VIEW v TO a AS\nSELECT 1 FROM hits;\n", "view"},
		"view dropped":   {"0001_a.sql", "DROP VIEW v;\n", "view"},
		"backfill":       {"0001_a.sql", "CREATE MATERIALIZED VIEW v TO a AS SELECT x FROM hits;\nINSERT INTO a (x) SELECT x FROM hits;\n", "backfill"},
		"number":         {"0002_a.sql", "", "its number is not 1"},
		"name":           {"1_a.sql", "", "want a name such as"},
		"table twice":    {"0001_a.sql", "CREATE TABLE a (x Int8) ENGINE = Log;\n", "want CREATE TABLE IF NOT EXISTS"},
		"column twice":   {"0001_a.sql", "ALTER TABLE a ADD COLUMN y Int8;\n", "want ADD COLUMN IF"},
		"columns twice":  {"0001_a.sql", "ALTER TABLE a ADD COLUMN IF NOT EXISTS y Int8, DROP COLUMN z;\n", "want DROP COLUMN IF"},
		"rows elsewhere": {"0001_a.sql", "INSERT INTO a SELECT x FROM daily;\n", "want one FROM hits"},
		"modified view":  {"0001_a.sql", "SYSTEM STOP MERGES;\n", "want CREATE TABLE"},
	} {
		all, err := schema.Read(fstest.MapFS{"m/" + c.file: {Data: []byte(c.text)}}, "m")
		switch {
		case err != nil && !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: %v, want %q", name, err, c.want)
		case err == nil && string(all[0].Kind()) != c.want:
			t.Errorf("%s: kind %s, want %s", name, all[0].Kind(), c.want)
		}
	}
}

// TestChecksumIsOfStatements: comments and white space may change, statements may not.
func TestChecksumIsOfStatements(t *testing.T) {
	sum := func(text string) string {
		t.Helper()
		all, err := schema.Read(fstest.MapFS{"m/0001_a.sql": {Data: []byte(text)}}, "m")
		if err != nil {
			t.Fatal(err)
		}
		return all[0].Checksum
	}
	one := sum("-- a\nCREATE TABLE IF NOT EXISTS a (x Int8) ENGINE = Log;\n")
	if two := sum("-- another; comment;\nCREATE TABLE IF NOT EXISTS a\n  (x Int8)\nENGINE = Log;\n"); one != two {
		t.Error("a comment is part of the checksum")
	}
	if two := sum("CREATE TABLE IF NOT EXISTS a (x Int16) ENGINE = Log;\n"); one == two {
		t.Error("a statement is not part of the checksum")
	}
}

// place is a database of a test, and how to reach it.
type place struct {
	t        *testing.T
	database string
	conn     driver.Conn
}

func newPlace(t *testing.T) *place {
	t.Helper()
	engine, database := storetest.Engine(t), storetest.Database()
	conn, err := clickhouse.Open(&clickhouse.Options{
		Protocol: clickhouse.HTTP, Addr: []string{"engine"}, Auth: clickhouse.Auth{Database: "default"},
		TransportFunc: func(*http.Transport) (http.RoundTripper, error) { return engine, nil },
		Settings:      clickhouse.Settings{},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Exec(t.Context(), "CREATE DATABASE "+database); err != nil {
		t.Fatal(err)
	}
	in, err := clickhouse.Open(&clickhouse.Options{
		Protocol: clickhouse.HTTP, Addr: []string{"engine"}, Auth: clickhouse.Auth{Database: database},
		TransportFunc: func(*http.Transport) (http.RoundTripper, error) { return engine, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := conn.Exec(context.Background(), "DROP DATABASE "+database+" SYNC")
		if err := errors.Join(err, in.Close(), conn.Close()); err != nil {
			t.Error(err)
		}
	})
	return &place{t, database, in}
}

func (p *place) exec(sql string) {
	p.t.Helper()
	if err := p.conn.Exec(p.t.Context(), sql); err != nil {
		p.t.Fatalf("%s: %v", sql, err)
	}
}

// text returns the first column of a query's only row, as text.
func (p *place) text(sql string) string {
	p.t.Helper()
	var s string
	if err := p.conn.QueryRow(p.t.Context(), "SELECT toString(("+sql+"))").Scan(&s); err != nil {
		p.t.Fatalf("%s: %v", sql, err)
	}
	return s
}

func (p *place) want(sql, want string) {
	p.t.Helper()
	if got := p.text(sql); got != want {
		p.t.Errorf("%s = %s, want %s", sql, got, want)
	}
}

// insert inserts n rows of each of some days under a token, as the store does.
func (p *place) insert(ctx context.Context, token string, n int, days ...string) error {
	list := "'" + strings.Join(days, "', '") + "'"
	once := clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"insert_deduplication_token": token, "deduplicate_blocks_in_dependent_materialized_views": 1, "deduplicate_insert_select": "force_enable",
	}))
	return p.conn.Exec(once, fmt.Sprintf("INSERT INTO hits (day, host, n) SELECT toDate(arrayJoin([%s])) AS day, if(number %% 2 = 0, 'a', 'b'), 1 FROM numbers(%d) ORDER BY ALL", list, n))
}

func (p *place) mustInsert(token string, n int, days ...string) {
	p.t.Helper()
	if err := p.insert(p.t.Context(), token, n, days...); err != nil {
		p.t.Fatal(err)
	}
}

// wantSums checks that each of rows hits is in each table once, and in what the fourth
// migration adds as often as added says; -1: it is not there.
func (p *place) wantSums(rows, added int) {
	p.t.Helper()
	n := strconv.Itoa(rows)
	p.want("SELECT sum(n) FROM hits", n)
	p.want("SELECT sum(n) FROM daily WHERE value = ''", n)
	p.want("SELECT sum(n) FROM monthly WHERE value = ''", n)
	if added >= 0 {
		n := strconv.Itoa(added)
		p.want("SELECT sum(n) FROM hosts", n)
		p.want("SELECT sum(n) FROM daily WHERE value IN ('a', 'b')", n)
		p.want("SELECT sum(n) FROM monthly WHERE value IN ('a', 'b')", n)
	}
	p.want("SELECT count() FROM system.tables WHERE database = currentDatabase() AND (name LIKE 'filling%' OR engine_full LIKE '%table_readonly = 1%')", "0")
}

// The migrations of these tests, as they come to be: hits with a rollup, then one file
// of each kind.
var texts = []string{
	`CREATE TABLE IF NOT EXISTS hits (day Date, host String, n Int64) ENGINE = MergeTree PARTITION BY toYYYYMM(day) ORDER BY day
SETTINGS non_replicated_deduplication_window = 100, old_parts_lifetime = 1;
CREATE TABLE IF NOT EXISTS daily (day Date, value String, n Int64) ENGINE = SummingMergeTree ORDER BY (day, value) SETTINGS non_replicated_deduplication_window = 100;
CREATE TABLE IF NOT EXISTS monthly (month Date, value String, n Int64) ENGINE = SummingMergeTree ORDER BY (month, value) SETTINGS non_replicated_deduplication_window = 100;
CREATE MATERIALIZED VIEW daily_view TO daily AS SELECT day, '' AS value, sum(hits.n) AS n FROM hits GROUP BY day;
CREATE MATERIALIZED VIEW monthly_view TO monthly AS SELECT toStartOfMonth(day) AS month, value, sum(daily.n) AS n FROM daily GROUP BY month, value;
`,
	`ALTER TABLE hits ADD COLUMN IF NOT EXISTS more Int8;
CREATE TABLE IF NOT EXISTS notes (x Int8) ENGINE = Log;
`,
	`CREATE MATERIALIZED VIEW daily_view TO daily AS SELECT day, '' AS value, sum(hits.n + hits.more) AS n FROM hits GROUP BY day;
`,
	`CREATE TABLE IF NOT EXISTS hosts (day Date, host String, n Int64) ENGINE = SummingMergeTree ORDER BY (day, host) SETTINGS non_replicated_deduplication_window = 100;
CREATE MATERIALIZED VIEW hosts_view TO hosts AS SELECT day, host, sum(hits.n) AS n FROM hits GROUP BY day, host;
CREATE MATERIALIZED VIEW daily_view TO daily AS SELECT day, arrayJoin(['', host]) AS value, sum(hits.n + hits.more) AS n FROM hits GROUP BY day, value;
INSERT INTO hosts (day, host, n) SELECT day, host, sum(hits.n) AS n FROM hits GROUP BY day, host;
INSERT INTO daily (day, value, n)
SELECT * FROM (
SELECT day, arrayJoin(['', host]) AS value, sum(hits.n) AS n FROM hits GROUP BY day, value
)
WHERE value != '';
`,
}

// first returns the first n migrations of these tests.
func first(t *testing.T, n int) []schema.Migration {
	t.Helper()
	files := fstest.MapFS{}
	for i, text := range texts[:n] {
		files[fmt.Sprintf("m/%04d_step.sql", i+1)] = &fstest.MapFile{Data: []byte(text)}
	}
	all, err := schema.Read(files, "m")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// program is a program that knows the first n migrations.
func (p *place) program(n int) *schema.Migrator { return p.over(n, p.conn) }

func (p *place) over(n int, conn schema.Conn) *schema.Migrator {
	return &schema.Migrator{
		Conn: conn, Database: p.database, Place: "/somewhere", Migrations: first(p.t, n),
		Program: "version " + strconv.Itoa(n), Log: slog.New(slog.DiscardHandler),
	}
}

func (p *place) migrate(n int) {
	p.t.Helper()
	if err := p.program(n).Migrate(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// again sends an insert again that may have been tried before, as the store does.
func (p *place) again(n int, token string, rows int, days ...string) {
	p.t.Helper()
	p.mustInsert(token, rows, days...)
	if err := p.program(n).Recount(p.t.Context(), days); err != nil {
		p.t.Fatal(err)
	}
}

// dying is a connection of a program that is killed at its nth change: nothing that it
// sends arrives from then on.
type dying struct {
	driver.Conn
	left atomic.Int64
	done bool // the statement at which it dies is carried out
}

var errKilled = errors.New("killed")

func (d *dying) Exec(ctx context.Context, query string, args ...any) error {
	left := d.left.Add(-1)
	if left < 0 && !(d.done && left == -1) {
		return errKilled
	}
	if err := d.Conn.Exec(ctx, query, args...); err != nil || left >= 0 {
		return err
	}
	return errKilled
}

func (d *dying) Query(ctx context.Context, query string, args ...any) (driver.Rows, error) {
	if d.left.Load() < 0 {
		return nil, errKilled
	}
	return d.Conn.Query(ctx, query, args...)
}

// bury makes the locks of dead processes stale, as time does.
func (p *place) bury() {
	p.t.Helper()
	rows, err := p.conn.Query(p.t.Context(), "SELECT concat((SELECT path FROM system.disks WHERE name = 'default'), metadata_path) FROM system.tables WHERE database = currentDatabase() AND name LIKE 'migrating%'")
	if err != nil {
		p.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var path string
		if err := rows.Scan(&path); err != nil {
			p.t.Fatal(err)
		}
		long := time.Now().Add(-time.Minute)
		if err := os.Chtimes(path, long, long); err != nil {
			p.t.Fatal(err)
		}
	}
}

func TestEachMigrationIsAppliedOnce(t *testing.T) {
	p := newPlace(t)
	if err := p.program(1).Check(t.Context()); !errors.Is(err, schema.ErrNone) {
		t.Errorf("an empty database: %v, want ErrNone", err)
	}
	p.migrate(1)
	p.mustInsert("a", 10, "2026-01-30", "2026-02-02")
	if err := p.program(2).Check(t.Context()); !errors.Is(err, schema.ErrOlder) || !strings.Contains(err.Error(), "0002_step") {
		t.Errorf("before the second: %v, want ErrOlder", err)
	}
	for range 2 {
		p.migrate(3)
	}
	p.mustInsert("b", 10, "2026-02-02")
	if err := p.program(3).Check(t.Context()); err != nil {
		t.Error(err)
	}
	if steps, err := p.program(3).Pending(t.Context()); len(steps) > 0 || err != nil {
		t.Errorf("pending: %v, %v", steps, err)
	}
	p.want("SELECT groupArray((number, kind, state, program)) FROM (SELECT * FROM migrations ORDER BY number, state)",
		"[(1,'view','begun','version 1'),(1,'view','applied','version 1'),(1,'view','attached','version 1'),"+
			"(2,'ddl','begun','version 3'),(2,'ddl','applied','version 3'),"+
			"(3,'view','begun','version 3'),(3,'view','applied','version 3'),(3,'view','attached','version 3')]")
	p.wantSums(30, -1)
	if err := p.program(2).Check(t.Context()); !errors.Is(err, schema.ErrNewer) || !strings.Contains(err.Error(), "0003_step") {
		t.Errorf("an older program: %v, want ErrNewer", err)
	}
	if err := p.program(2).Migrate(t.Context()); !errors.Is(err, schema.ErrNewer) {
		t.Errorf("an older program migrates: %v, want ErrNewer", err)
	}
}

// half leaves an insert in doubt: it reaches the tables but one.
func (p *place) half(token, without string, n int, days ...string) {
	p.t.Helper()
	p.exec("ALTER TABLE " + without + " ADD CONSTRAINT none CHECK n = 0")
	if err := p.insert(p.t.Context(), token, n, days...); err == nil {
		p.t.Fatal("an insert against a constraint had no error")
	}
	p.exec("ALTER TABLE " + without + " DROP CONSTRAINT none")
}

// TestReplayOverAViewChange: an insert that was in doubt when a view changed is counted
// once, whichever tables it had reached, also after the next start.
func TestReplayOverAViewChange(t *testing.T) {
	for _, without := range []string{"", "hits", "daily", "monthly"} {
		t.Run("without "+without, func(t *testing.T) {
			p := newPlace(t)
			p.migrate(1)
			p.mustInsert("before", 10, "2026-01-30", "2026-02-02")
			if without == "" {
				p.mustInsert("doubt", 10, "2026-02-02")
			} else {
				p.half("doubt", without, 10, "2026-02-02")
			}
			p.migrate(3)
			for range 2 {
				p.mustInsert("doubt", 10, "2026-02-02")
			}
			for _, view := range []string{"daily_view", "monthly_view"} {
				p.exec("DETACH TABLE " + view + " SYNC") // as a start does
				p.exec("ATTACH TABLE " + view)
			}
			p.mustInsert("doubt", 10, "2026-02-02")
			p.mustInsert("after", 10, "2026-02-02")
			p.wantSums(40, -1)
		})
	}
}

// TestReplayOverABackfill: inserts that collectors have in doubt when another begins a
// backfill are counted once, whichever tables they had reached, whether their day was
// counted before or after, and when two are in doubt at once. A collector with an older
// program sends nothing again.
func TestReplayOverABackfill(t *testing.T) {
	for _, without := range []string{"", "hits", "daily", "monthly"} {
		for _, filled := range []bool{false, true} {
			t.Run(fmt.Sprintf("without %s, filled %v", without, filled), func(t *testing.T) {
				t.Parallel()
				p := newPlace(t)
				p.migrate(3)
				doubt := func(token string) {
					if without == "" {
						p.mustInsert(token, 10, "2026-02-02", "2026-02-03")
					} else {
						p.half(token, without, 10, "2026-02-02", "2026-02-03")
					}
				}
				p.mustInsert("before", 10, "2026-01-30", "2026-02-02")
				doubt("one")
				doubt("two")
				p.migrate(4)
				if err := p.program(3).Recount(t.Context(), nil); !errors.Is(err, schema.ErrNewer) {
					t.Errorf("an older program may send again: %v, want ErrNewer", err)
				}
				fill := func() {
					if err := p.program(4).Fill(t.Context(), nil); err != nil {
						t.Fatal(err)
					}
				}
				if filled {
					fill()
				}
				p.mustInsert("after", 10, "2026-02-02", "2026-02-04")
				p.again(4, "one", 10, "2026-02-02", "2026-02-03")
				doubt("three")
				p.again(4, "two", 10, "2026-02-02", "2026-02-03")
				for range 2 {
					p.again(4, "three", 10, "2026-02-02", "2026-02-03")
				}
				fill()
				p.wantSums(100, 100)
				p.want("SELECT groupArray((toString(day), host, n)) FROM (SELECT day, host, sum(n) AS n FROM hosts GROUP BY ALL HAVING n != 0 ORDER BY ALL)",
					"[('2026-01-30','a',5),('2026-01-30','b',5),('2026-02-02','a',25),('2026-02-02','b',25),('2026-02-03','a',15),('2026-02-03','b',15),('2026-02-04','a',5),('2026-02-04','b',5)]")
			})
		}
	}
}

// TestKilledAnywhere: a program that is killed at whichever change of the schema leaves a
// store that the next one brings to its end, and that an older one refuses.
func TestKilledAnywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	const all = 57 // more than there are
	var survived atomic.Bool
	t.Cleanup(func() {
		if !survived.Load() {
			t.Errorf("a program that may make %d changes is still killed", all)
		}
	})
	for at := 0; at <= all; at += 3 {
		t.Run(strconv.Itoa(at), func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.migrate(1)
			p.mustInsert("before", 10, "2026-01-30", "2026-02-02")
			conn := &dying{Conn: p.conn, done: at%2 == 0}
			conn.left.Store(int64(at))
			m := p.over(4, conn)
			work := func(m *schema.Migrator) error {
				for _, f := range []func(context.Context) error{m.Migrate, func(ctx context.Context) error { return m.Fill(ctx, nil) }} {
					if err := f(t.Context()); err != nil {
						return err
					}
					if conn.left.Load() < 0 && m.Conn == schema.Conn(conn) { // when it gave its lock back
						return errKilled
					}
				}
				return nil
			}
			err := work(m)
			if err == nil {
				survived.Store(true)
			} else if !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			p.bury()
			if err := p.program(1).Check(t.Context()); p.text("SELECT max(number) FROM migrations") != "1" && !errors.Is(err, schema.ErrNewer) {
				t.Errorf("an older program: %v, want ErrNewer", err)
			}
			if at%2 == 0 { // half of them in the midst of the backfill
				p.migrate(4)
				p.again(4, "before", 10, "2026-01-30", "2026-02-02")
			}
			if err := work(p.program(4)); err != nil {
				t.Fatal(err)
			}
			p.again(4, "before", 10, "2026-01-30", "2026-02-02")
			p.mustInsert("after", 10, "2026-02-02")
			p.wantSums(30, 30)
		})
	}
}

// TestManyAtOnce: several processes bring a store up to date while others insert, and
// send again what was refused. Each migration is applied once, each row is counted once.
func TestManyAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	p := newPlace(t)
	p.migrate(1)
	ctx := t.Context()
	var inserters, migrators sync.WaitGroup
	var stop atomic.Bool
	var rows, held atomic.Int64
	for i := range 3 {
		inserters.Go(func() {
			for n := 0; !stop.Load() || n < 3; n++ {
				token := fmt.Sprintf("%d-%d", i, n)
				for {
					err := p.insert(ctx, token, 10, "2026-01-30", "2026-02-02")
					if err == nil {
						break
					}
					if !strings.Contains(err.Error(), "readonly") {
						t.Errorf("insert: %v", err)
						return
					}
					held.Add(1)
				}
				rows.Add(20)
			}
		})
	}
	for range 4 {
		migrators.Go(func() {
			m := p.program(4)
			if err := m.Migrate(ctx); err != nil {
				t.Errorf("migrate: %v", err)
			}
			if err := m.Fill(ctx, nil); err != nil {
				t.Errorf("fill: %v", err)
			}
		})
	}
	migrators.Wait()
	stop.Store(true)
	inserters.Wait()
	t.Logf("%d rows, %d inserts were held", rows.Load(), held.Load())
	p.wantSums(int(rows.Load()), int(rows.Load()))
	p.want("SELECT countIf(state = 'begun') FROM migrations", "4")
	p.want("SELECT countIf(state = 'filled') FROM migrations", "1")
}

// TestDeletionsDuringABackfill: rows that are deleted while a backfill goes on leave its
// clone too, and whoever deletes settles the day that was counted in part: what was
// counted stays, what was not is gone, and each table of the backfill says the same.
func TestDeletionsDuringABackfill(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	for at := range 5 { // changes of Fill until it is killed
		t.Run(strconv.Itoa(at), func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.migrate(1)
			days := []string{"2026-01-30", "2026-02-02", "2026-02-03"}
			p.mustInsert("before", 10, days...)
			p.migrate(4)
			if err := p.program(4).Check(t.Context()); err != nil {
				t.Errorf("reports can not be made while a backfill goes on: %v", err)
			}
			p.mustInsert("after", 10, days...)
			p.want("SELECT sum(n) FROM hosts", "30")

			conn := &dying{Conn: p.conn, done: true}
			conn.left.Store(int64(1 + at)) // the lock is made, then the newest day is counted
			if err := p.over(4, conn).Fill(t.Context(), nil); !errors.Is(err, errKilled) {
				t.Fatalf("fill = %v, want %v", err, errKilled)
			}
			p.bury()
			var tables []string
			err := p.program(4).Rows(t.Context(), func(ctx context.Context, names []string) error {
				tables = names
				for _, name := range names {
					if err := p.conn.Exec(ctx, "ALTER TABLE "+name+" DELETE WHERE day >= '2026-02-02' AND host = 'a' SETTINGS mutations_sync = 2"); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(tables, " "); got != "filling_0004 hits" {
				t.Errorf("rows are in %q", got)
			}
			if err := p.program(4).Fill(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			// The newest day that was not counted was settled, with all of its rows. Days
			// before it have lost those of host a that came before the backfill.
			second, all := "5", "55"
			if at > 2 { // the newest was counted before
				second, all = "10", "60"
			}
			p.want("SELECT groupArray((toString(day), host, n)) FROM (SELECT day, host, sum(n) AS n FROM hosts GROUP BY ALL ORDER BY ALL)",
				"[('2026-01-30','a',10),('2026-01-30','b',10),('2026-02-02','a',"+second+"),('2026-02-02','b',10),('2026-02-03','a',10),('2026-02-03','b',10)]")
			p.want("SELECT sum(n) FROM daily WHERE value IN ('a', 'b')", all)
			p.want("SELECT sum(n) FROM monthly WHERE value IN ('a', 'b')", all)
			p.want("SELECT sum(n) FROM hits", "40")
			p.want("SELECT sum(n) FROM daily WHERE value = ''", "60")
		})
	}
}

// TestLock: one process at a time has the lock, a dead one loses it, and one that lost it
// changes nothing more.
func TestLock(t *testing.T) {
	p := newPlace(t)
	m := p.program(1)
	held, unlock, err := m.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	soon, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, _, err := p.program(1).Lock(soon); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "process "+strconv.Itoa(os.Getpid())) {
		t.Errorf("a second lock = %v, want the end of the wait and the holder", err)
	}
	p.bury()
	other, unlockOther, err := p.program(1).Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-held.Done():
		if cause := context.Cause(held); !strings.Contains(cause.Error(), "lock migrating_1 is lost") {
			t.Errorf("the first lock ended by %v", cause)
		}
	case <-time.After(patience.Of(time.Minute)):
		t.Error("the first lock was not lost")
	}
	unlock() // must not free that of the other
	soon, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, _, err := m.Lock(soon); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a third lock = %v, want the end of the wait", err)
	}
	if other.Err() != nil {
		t.Errorf("the second lock ended by %v", context.Cause(other))
	}
	unlockOther()
	_, unlock, err = m.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	p.want("SELECT groupArray((name, comment)) FROM system.tables WHERE database = currentDatabase()", "[('migrating_3','free')]")
}
