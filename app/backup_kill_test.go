package app_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/store"
)

// TestBackupsKilled kills backup, restore, upgrade --check and move at random moments. A backup that
// was killed is none, and is removed by the next. A restore that was killed has left no store; one
// that has holds nothing past its time and nothing erased. A move that was killed has left the old
// store as it was, and another is refused by other commands until the same move has come to its
// end. What any of them leaves in the data directory is removed by the next pass.
func TestBackupsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	t.Parallel() // it waits
	kills := int(fromEnvironment(t, killsVariable, defaultKills))
	seed := fromEnvironment(t, seedVariable, uint64(time.Now().UnixNano()))
	t.Logf("to run it again: %s=%d %s=%d", killsVariable, kills, seedVariable, seed)
	random := rand.New(rand.NewPCG(seed, 2))
	each := max(1, kills/4)

	data, backups := t.TempDir(), filepath.Join(t.TempDir(), "backups")
	must := func(args ...string) string {
		t.Helper()
		out, errs, status := command(t, "", args...)
		if status != 0 {
			t.Fatalf("%v: status %d, %s%s", args, status, out, errs)
		}
		return out
	}
	engine := serve(t, "engine", "--listen", "127.0.0.1:0", "--data", data)
	addr := strings.TrimPrefix(engine.public, "http://")
	dsn := engineDSN(t, addr, data, store.DefaultDatabase)
	must("site", "add", "--host", "example.org", "--create", "--data", data)
	must("policy", "set", "retention=1m", "--yes", "--data", data)
	st, err := store.Open(t.Context(), store.Config{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	today := calendar.DayOf(time.Now().UTC())
	cutoff := calendar.DayOf(privacy.Period{Months: 1}.Cutoff(today.Time()))
	inserted := 0
	insert := func(day calendar.Day, mark string, n int) {
		t.Helper()
		var rows []hit.Row
		for i := range n {
			path := fmt.Sprintf("/%s/p%d", mark, i)
			rows = append(rows, hit.Row{Site: 1, Time: day.Time().Add(time.Hour), Day: day, Kind: hit.Pageview, Path: path, EntryPath: path, Pageviews: 1, Visits: 1, Visitors: 1, PageVisitors: 1, SectionVisitors: 1})
		}
		inserted++
		if err := st.Insert(t.Context(), hit.Batch{Rows: rows}, fmt.Sprint("rows", inserted)); err != nil {
			t.Fatal(err)
		}
	}
	insert(cutoff-5, "OLDMARK", 50)
	insert(today, "ERASEMARK", 50)
	insert(today, "stays", 2000)
	old := strings.TrimSpace(must("backup", backups, "--data", data))
	must("retention", "run", "--confirm", cutoff.String(), "--data", data)
	must("erase", "--text", "erasemark", "--yes", "--data", data)
	const sums = "SELECT (SELECT count() FROM hits), (SELECT sum(pageviews) FROM hits), (SELECT sum(pageviews) FROM daily WHERE dimension = 'page'), (SELECT sum(pageviews) FROM monthly WHERE dimension = 'page'), (SELECT count() FROM hits WHERE path LIKE '%MARK%'), (SELECT count() FROM daily WHERE value LIKE '%ERASEMARK%')"
	ask := func(st *store.Store, sql string) string {
		t.Helper()
		var out strings.Builder
		if err := st.Query(t.Context(), sql, "", &out); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return strings.TrimSpace(out.String())
	}
	want := ask(st, sums)
	if want != "2050\t2050\t2100\t2100\t0\t0" {
		t.Fatalf("the store has %q", want)
	}

	// settle waits until the engine has ended what a killed process had asked of it, and frees its
	// locks, which others would take after 15 seconds.
	settle := func() {
		t.Helper()
		await(t, "the end of what the engine was asked", func() error {
			if n := ask(st, "SELECT count() FROM system.processes WHERE query NOT LIKE '%system.processes%'"); n != "0" {
				return errors.New(n + " statements run")
			}
			return nil
		})
		for line := range strings.Lines(ask(st, "SELECT database, name FROM system.tables WHERE match(name, '^(migrating|deleting|editing)_[0-9]+$') AND comment != 'free'")) {
			database, table, _ := strings.Cut(strings.TrimSpace(line), "\t")
			if err := engineExec(t, dsn, "ALTER TABLE "+database+"."+table+" MODIFY COMMENT 'free'"); err != nil {
				t.Fatal(err)
			}
		}
	}
	// killed runs a command that takes about some time, kills it, and reports whether it had ended.
	killed := func(takes time.Duration, args ...string) bool {
		t.Helper()
		cmd := process(t, args...)
		var errs strings.Builder
		cmd.Stderr = &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case err := <-done:
			if err != nil {
				t.Fatalf("%v: %v, %s", args, err, &errs)
			}
			return true
		case <-time.After(time.Duration(random.Int64N(int64(takes)))):
			cmd.Process.Kill()
			<-done
			settle()
			return false
		}
	}
	took := func(f func()) time.Duration {
		began := time.Now()
		f()
		return time.Since(began)
	}
	// left returns what commands have left in the data directory and in that of the backups.
	left := func() (all []string) {
		for _, pattern := range []string{filepath.Join(data, "*.partial"), filepath.Join(data, "backups", "*"), filepath.Join(backups, "*.partial")} {
			some, err := filepath.Glob(pattern)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, some...)
		}
		return all
	}

	backUp := []string{"backup", backups, "--data", data}
	takes := took(func() { must(backUp...) })
	whole := 2
	for range each {
		if killed(takes, backUp...) {
			whole++
		}
		list := strings.Fields(must("backup", "list", backups))
		verified := strings.Count(must("backup", "verify", backups), ": whole\n")
		if n := len(slices.DeleteFunc(list, func(s string) bool { return !strings.HasPrefix(s, "fotspor-") })); n != verified || verified < whole {
			t.Errorf("%d backups are listed, %d whole, and %d were made", n, verified, whole)
		}
		whole = verified // one that was killed may have been whole already
	}
	must(backUp...)
	if found := left(); len(found) > 0 {
		t.Errorf("after a backup there are %q", found)
	}
	insert(cutoff-5, "OLDMARK", 1) // inserts are not held any more, and the row is past its time

	check := []string{"upgrade", "--check", "--data", data}
	takes = took(func() { must(check...) })
	for range each {
		killed(takes, check...)
	}
	must("retention", "run", "--data", data)
	if found := left(); len(found) > 0 {
		t.Errorf("after a pass there are %q", found)
	}
	want = ask(st, sums)

	to := filepath.Join(t.TempDir(), "data")
	restore := []string{"restore", old, "--data", to, "--confirm", cutoff.String()}
	again := func() {
		t.Helper()
		if err := errors.Join(os.RemoveAll(to), os.Mkdir(to, 0o700)); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"erasures.journal", "erasures.key", "receipts.key", "receipts.heads"} {
			text, err := os.ReadFile(filepath.Join(data, name))
			if err == nil {
				err = os.WriteFile(filepath.Join(to, name), text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	checkRestored := func() {
		t.Helper()
		if got := strings.TrimSpace(must("query", "SELECT (SELECT count() FROM hits), (SELECT count() FROM hits WHERE path LIKE '%MARK%'), (SELECT count() FROM daily WHERE value LIKE '%ERASEMARK%')", "--data", to)); got != "2050\t0\t0" {
			t.Errorf("a restored store has %q", got)
		}
		if out := must("receipts", "verify", "--data", to); !strings.Contains(out, "the store was restored at") {
			t.Errorf("its receipts: %s", out)
		}
	}
	again()
	takes = took(func() { must(restore...) })
	again()
	for range each {
		killed(takes, restore...)
		if _, err := os.Stat(filepath.Join(to, "clickhouse")); err == nil {
			checkRestored()
			again()
			continue
		}
		if _, errs, status := command(t, "", "query", "SELECT 1", "--data", to); status != 1 || !strings.Contains(errs, "there is no store") {
			t.Errorf("beside a restore that was killed: status %d, %s", status, errs)
		}
	}
	must(restore...)
	checkRestored()
	if found, err := filepath.Glob(filepath.Join(to, "*.partial")); err != nil || len(found) > 0 {
		t.Errorf("after a restore there are %q, %v", found, err)
	}

	targets := 0
	target := func() string { return engineDSN(t, addr, data, fmt.Sprint("target", targets)) }
	takes = took(func() { must("move", "--to", target(), "--data", data) })
	targets++
	for range each {
		killed(takes, "move", "--to", target(), "--data", data)
		moved, err := store.Open(t.Context(), store.Config{DSN: target()})
		switch {
		case errors.Is(err, store.ErrNoStore), errors.Is(err, store.ErrOlder), errors.Is(err, store.ErrUnfinished):
			continue
		case err != nil:
			t.Fatal(err)
		}
		empty, err := moved.Empty(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !empty {
			if got := ask(moved, sums); got != want {
				t.Errorf("a move that was killed has left %q, want %q", got, want)
			}
			targets++
		}
		if err := moved.Close(); err != nil {
			t.Fatal(err)
		}
	}
	must("move", "--to", target(), "--data", data)
	moved, err := store.Open(t.Context(), store.Config{DSN: target()})
	if err != nil {
		t.Fatal(err)
	}
	defer moved.Close()
	if got := ask(moved, sums); got != want {
		t.Errorf("moved are %q, want %q", got, want)
	}
	insert(today, "stays", 1)
	if got := ask(st, "SELECT count() FROM hits"); got != "2051" {
		t.Errorf("the old store has %s rows", got)
	}
}
