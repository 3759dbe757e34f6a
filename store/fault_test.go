package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/column"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// mixed are rows of hits over months, and half as many excluded ones.
func mixed(n int) hit.Batch {
	now := time.Date(2026, 1, 20, 12, 0, 0, 0, time.UTC)
	rows := someRows(rand.New(rand.NewPCG(9, 10)), n, now, 60, oslo)
	var b hit.Batch
	for i, r := range rows {
		if i%3 > 0 {
			b.Rows = append(b.Rows, r)
			b.Titles = append(b.Titles, hit.PageTitle{Site: 1, Path: fmt.Sprint("/", len(b.Titles)), Title: "Title", Day: r.Day, Visitors: 5})
			continue
		}
		b.Ledger = append(b.Ledger, hit.LedgerEntry{
			Site: r.Site, Day: r.Day, Reason: hit.IsBot, Rule: "word", Name: fmt.Sprintf("bot %d", i%5), Count: 1,
		})
	}
	return b
}

// wantStored checks the totals of every table: each row so many times.
func wantStored(t *testing.T, st *store.Store, batch hit.Batch, times int64) {
	t.Helper()
	pageviews, seconds, events := count(batch.Rows)
	want := func(n int64) string { return fmt.Sprint(n * times) }
	const lines = "SELECT sum(pageviews), sum(seconds), sum(events) FROM "
	totals := want(pageviews) + "\t" + want(seconds) + "\t" + want(events)
	for sql, want := range map[string]string{
		"SELECT count() FROM hits":                    want(int64(len(batch.Rows))),
		"SELECT sum(hits) FROM ledger":                want(int64(len(batch.Ledger))),
		"SELECT uniqExact(path) FROM titles":          fmt.Sprint(len(batch.Titles)), // the same each time
		lines + "hourly":                              totals,
		lines + "cube":                                totals,
		lines + "daily WHERE dimension = 'total'":     totals,
		lines + "daily WHERE dimension = 'version'":   totals,
		lines + "monthly WHERE dimension = 'total'":   totals,
		lines + "monthly WHERE dimension = 'version'": totals,
	} {
		if got := query(t, st, sql); got != want {
			t.Errorf("%s = %q, want %q", sql, got, want)
		}
	}
}

// An insert may fail in any of its tables, when others have their lines already.
// Once the reason is gone, doing it again makes every total exact.
func TestFaultInOneTableLeavesTotalsExact(t *testing.T) {
	rows := mixed(300)
	type fault struct{ on, off string }
	var (
		detached = fault{"DETACH TABLE T", "ATTACH TABLE T"}
		readonly = fault{"ALTER TABLE T MODIFY SETTING table_readonly = 1", "ALTER TABLE T MODIFY SETTING table_readonly = 0"}
		parts    = fault{"ALTER TABLE T MODIFY SETTING parts_to_throw_insert = 1", "ALTER TABLE T RESET SETTING parts_to_throw_insert"}
		refusing = fault{"ALTER TABLE T ADD CONSTRAINT none CHECK site = 0", "ALTER TABLE T DROP CONSTRAINT none"}
	)
	for _, test := range []struct {
		name  string
		table string
		fault
		refused bool // the rows are found at fault
	}{
		{"refused", "hits", refusing, true},
		{"refused", "hourly", refusing, true},
		{"refused", "daily", refusing, true},
		{"refused", "monthly", refusing, true},
		{"refused", "ledger", refusing, true},
		{"refused", "titles", refusing, true},
		{"refused", "cube", refusing, true},
		{"read-only", "cube", readonly, false},
		{"read-only", "hourly", readonly, false},
		{"read-only", "daily", readonly, false},
		{"detached", "ledger", detached, false},
		{"detached", "titles", detached, false},
		{"detached", "hourly", detached, false},
		{"too many parts", "monthly", parts, false},
	} {
		t.Run(test.name+" "+test.table, func(t *testing.T) {
			t.Parallel()
			st := storetest.Open(t)
			mustInsert(t, st, rows, "before")
			mustExec(t, st, strings.ReplaceAll(test.on, "TABLE T", "TABLE "+test.table))
			for range 2 {
				err := st.Insert(t.Context(), rows, "segment")
				if err == nil || errors.Is(err, store.ErrRefused) != test.refused {
					t.Errorf("insert = %v, want an error, refused %v", err, test.refused)
				}
			}
			mustExec(t, st, strings.ReplaceAll(test.off, "TABLE T", "TABLE "+test.table))
			for range 2 {
				mustInsert(t, st, rows, "segment")
			}
			wantStored(t, st, rows, 2)
		})
	}
}

// TestInsertOutlivesAHold: an insert waits for a process that changes the schema, and
// ends the hold of one that died.
func TestInsertOutlivesAHold(t *testing.T) {
	rows := mixed(300)
	st := storetest.Open(t)
	const hold, release = "ALTER TABLE hits MODIFY SETTING table_readonly = 1", "ALTER TABLE hits RESET SETTING table_readonly"
	mustExec(t, st, hold)
	mustInsert(t, st, rows, "after a dead process")
	held := make(chan struct{})
	done := make(chan error)
	go func() {
		done <- st.WhileLocked(t.Context(), func(ctx context.Context) error {
			err := st.Exec(ctx, hold)
			close(held)
			<-done
			return errors.Join(err, st.Exec(ctx, release))
		})
	}()
	<-held
	inserted := make(chan error, 1)
	go func() { inserted <- st.Insert(t.Context(), rows, "beside a living one") }()
	soon, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := st.Insert(soon, rows, "not for long"); err == nil || errors.Is(err, store.ErrRefused) {
		t.Errorf("an insert beside a hold = %v, want an error that may pass", err)
	}
	select {
	case err := <-inserted:
		t.Errorf("an insert did not wait: %v", err)
	default:
	}
	done <- nil
	if err := errors.Join(<-done, <-inserted); err != nil {
		t.Fatal(err)
	}
	wantStored(t, st, rows, 2)
}

func mustExec(t *testing.T, st *store.Store, sql string) {
	t.Helper()
	if err := st.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// A statement that hangs ends with the context of the insert, wherever it is.
func TestInsertThatHangsEndsWithItsContext(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	rows := mixed(300)
	for _, hanging := range []string{"INSERT INTO hits", "INSERT INTO ledger"} {
		for _, done := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, done %v", hanging, done), func(t *testing.T) {
				engine := storetest.Engine(t)
				var hang atomic.Bool
				hang.Store(true)
				st := openServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if !hang.Load() || !strings.Contains(r.URL.Query().Get("query"), hanging) {
						engine.ServeHTTP(w, r)
						return
					}
					if done {
						engine.ServeHTTP(httptest.NewRecorder(), r)
					} else {
						io.Copy(io.Discard, r.Body) // or the end of the connection is not seen
					}
					<-r.Context().Done()
				}))
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				if err := st.Insert(ctx, rows, "segment"); err == nil || errors.Is(err, store.ErrRefused) || ctx.Err() == nil {
					t.Fatalf("insert = %v, want the end of its context", err)
				}
				hang.Store(false)
				for range 2 {
					mustInsert(t, st, rows, "segment")
				}
				wantStored(t, st, rows, 1)
			})
		}
	}
}

// A row that a column can't take is refused each time; once the table is as it should
// be, the same rows are stored.
func TestRowsThatNoColumnTakesAreRefused(t *testing.T) {
	st := storetest.Open(t)
	rows := mixed(30)
	mustExec(t, st, "ALTER TABLE hits MODIFY COLUMN language UInt8")
	if err := st.Insert(t.Context(), rows, "segment"); !errors.Is(err, store.ErrRefused) {
		t.Errorf("insert of texts into a column of numbers = %v, want %v", err, store.ErrRefused)
	}
	mustExec(t, st, "ALTER TABLE hits MODIFY COLUMN language LowCardinality(String)")
	mustInsert(t, st, rows, "segment")
	wantStored(t, st, rows, 1)

	mustExec(t, st, "ALTER TABLE hits DROP COLUMN host") // an older schema
	if err := st.Insert(t.Context(), rows, "later"); err == nil || errors.Is(err, store.ErrRefused) {
		t.Errorf("insert into a table without a column = %v, want an error that may pass", err)
	}
}

// Of all errors of a server, only exceptions about the rows are refusals.
func TestRefusals(t *testing.T) {
	type saying struct {
		code    int // 0: no exception
		status  int
		refused bool
	}
	var says atomic.Pointer[saying]
	engine := storetest.Engine(t)
	st := openServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := says.Load()
		if said == nil {
			engine.ServeHTTP(w, r)
			return
		}
		io.Copy(io.Discard, r.Body)
		text := "Bad request: Code: 6. is not how this begins"
		if said.code > 0 {
			w.Header().Set("X-ClickHouse-Exception-Code", strconv.Itoa(said.code))
			text = fmt.Sprintf("Code: %d. DB::Exception: No, 'Code: 6.'. (NO) (version 26.7.2.1)\n", said.code)
		}
		w.WriteHeader(said.status)
		io.WriteString(w, text)
	}))
	for _, said := range []saying{
		{6, 400, true}, {53, 400, true}, {117, 400, true}, {131, 400, true}, {321, 500, true}, {469, 500, true},
		{16, 404, false}, {60, 404, false}, {81, 404, false}, // a table or column that is not there yet
		{159, 408, false}, {164, 403, false}, {210, 500, false}, {241, 500, false}, {242, 500, false}, {243, 500, false}, {252, 500, false},
		{192, 403, false}, {497, 403, false}, {516, 403, false}, {999, 500, false}, {1002, 500, false}, {54321, 500, false},
		{0, 400, false}, {0, 502, false}, {0, 503, false},
	} {
		says.Store(&said)
		err := st.Insert(t.Context(), mixed(3), "a")
		if err == nil || errors.Is(err, store.ErrRefused) != said.refused {
			t.Errorf("status %d, code %d: insert = %v, want refused %v", said.status, said.code, err, said.refused)
		}
	}
}

func TestRefusalsAreWhatClickHouseCallsThem(t *testing.T) {
	st := storetest.Open(t)
	for code, name := range store.Refusals {
		if got := query(t, st, fmt.Sprintf("SELECT errorCodeToName(%d)", code)); got != name {
			t.Errorf("code %d is %s, want %s", code, got, name)
		}
	}
}

// Columns number their texts in one, two or four bytes.
func TestManyDifferentTexts(t *testing.T) {
	st := storetest.Open(t)
	for _, n := range []int{255, 256, 257, 65_535, 65_536, 65_537} {
		rows := make([]hit.Row, n)
		for i := range rows {
			rows[i] = hit.Row{Site: uint32(n), Kind: hit.Pageview, Value: float64(i)}
			if i > 0 {
				rows[i].Path, rows[i].Host = "/"+strconv.Itoa(i), "host "+strconv.Itoa(i)
			}
		}
		mustInsert(t, st, rows, strconv.Itoa(n))
		const right = `path = if(value = 0, '', concat('/', toString(value))) AND host = if(value = 0, '', concat('host ', toString(value)))`
		sql := "SELECT countIf(" + right + ") FROM hits WHERE site = " + strconv.Itoa(n)
		if got := query(t, st, sql); got != strconv.Itoa(n) {
			t.Errorf("of %d rows %s are right", n, got)
		}
	}
}

// Over ClickHouse's own protocol a column has the type of the table.
func TestTextsForAColumnOfStrings(t *testing.T) {
	to, err := column.Type("String").Column("path", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"/", "", "/om", "/"}
	if err := store.SendTexts(to, want...); err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range to.Rows() {
		got = append(got, to.Row(i, false).(string))
	}
	if !slices.Equal(got, want) {
		t.Errorf("texts = %q, want %q", got, want)
	}
}

func TestSyncHoldsForInsertsAndMerges(t *testing.T) {
	engine, database := storetest.Engine(t), storetest.Database()
	for _, test := range []struct {
		name       string
		sync, want bool
	}{
		{"off", false, false},
		{"on", true, true},
		{"on again", true, true},
		{"another process, off", false, true}, // a dashboard, say
	} {
		st, err := store.Open(t.Context(), store.Config{Engine: engine, Database: database, Sync: test.sync, Create: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"hits", "hourly", "daily", "monthly", "cube", "campaigns", "moves", "ledger", "titles"} {
			ddl := query(t, st, "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = '"+table+"'")
			for _, setting := range []string{"fsync_after_insert = 1", "fsync_part_directory = 1", "min_rows_to_fsync_after_merge = 1"} {
				if got := strings.Contains(ddl, setting); got != test.want {
					t.Errorf("%s: %s of %s is %v, want %v: %s", test.name, setting, table, got, test.want, ddl)
				}
			}
			if !strings.Contains(ddl, "non_replicated_deduplication_window = 10000") {
				t.Errorf("%s: %s keeps no tokens: %s", test.name, table, ddl)
			}
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}
