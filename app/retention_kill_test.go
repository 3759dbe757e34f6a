package app_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/store"
)

// TestRetentionKilled kills the worker again and again while it deletes rows and totals and
// folds lines of few, with new hits for old days before each pass. In the end one pass
// finishes, the chain of receipts verifies, nothing is left that is past its time, and the
// sums of what stays are those of all hits.
func TestRetentionKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	t.Parallel() // it waits
	kills := int(fromEnvironment(t, killsVariable, defaultKills))
	seed := fromEnvironment(t, seedVariable, uint64(time.Now().UnixNano()))
	t.Logf("to run it again: %s=%d %s=%d", killsVariable, kills, seedVariable, seed)
	random := rand.New(rand.NewPCG(seed, 1))

	data := t.TempDir()
	engine := serve(t, "engine", "--listen", "127.0.0.1:0", "--data", data)
	dsn := engineDSN(t, strings.TrimPrefix(engine.public, "http://"), data, "footprints")
	worker := t.TempDir()
	at := []string{"--store", dsn, "--data", worker}
	for _, args := range [][]string{{"site", "add", "--host", "example.org", "--create"}, {"policy", "set", "retention=1m", "totals=4m", "--yes"}} {
		if _, errs, status := command(t, "", append(args, at...)...); status != 0 {
			t.Fatalf("%v: %s", args, errs)
		}
	}
	st, err := store.Open(t.Context(), store.Config{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	ask := func(sql string) string {
		t.Helper()
		var out strings.Builder
		if err := st.Query(t.Context(), sql, "", &out); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return strings.TrimSpace(out.String())
	}
	exec := func(sql string) {
		t.Helper()
		if err := engineExec(t, dsn, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	for _, table := range []string{"daily", "monthly"} { // so that texts are found on the disk
		exec("ALTER TABLE " + table + " MODIFY COLUMN value CODEC(NONE)")
	}
	today := calendar.DayOf(time.Now().UTC())
	cutoff := calendar.DayOf(privacy.Period{Months: 1}.Cutoff(today.Time()))
	totals := calendar.DayOf(privacy.Period{Months: 4}.Cutoff(today.Time()))
	serial := 0
	insert := func() {
		var rows []hit.Row
		for range 60 {
			serial++
			day := totals - 20 + calendar.Day(random.IntN(int(today-totals)+20))
			path := fmt.Sprintf("/s%d/p%d", random.IntN(4), random.IntN(20))
			if random.IntN(3) == 0 && day < cutoff.FirstOfMonth() {
				path = fmt.Sprintf("/s%d/RAREMARK%d", random.IntN(4), serial)
			}
			rows = append(rows, hit.Row{
				Site: 1, Time: day.Time().Add(time.Hour), Day: day, Kind: hit.Pageview, Path: path, EntryPath: path, Network: "10.0.0.0/16", Country: "NO",
				Pageviews: 1, Visits: 1, Visitors: 1, PageVisitors: 1, SectionVisitors: 1,
			})
		}
		if err := st.Insert(t.Context(), hit.Batch{Rows: rows}, fmt.Sprintf("rows%d", serial)); err != nil {
			t.Fatal(err)
		}
	}
	const locks = "SELECT max(name) FROM system.tables WHERE database = currentDatabase() AND name LIKE 'deleting_%'"
	pass := append([]string{"retention", "run", "--confirm", cutoff.String()}, at...)
	ended := 0
	insert()
	if len(filesWith(t, data, "RAREMARK")) == 0 {
		t.Error("the texts are not found on the disk before they are folded")
	}
	for round := range kills {
		if round%3 == 0 { // the passes after it find what this one left
			insert()
		}
		cmd := process(t, pass...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		began := ask(locks)
		await(t, "the lock of the pass", func() error {
			if len(done) == 0 && ask(locks) == began {
				return errors.New("it is not taken")
			}
			return nil
		})
		select {
		case err := <-done:
			if err != nil {
				t.Fatalf("a pass failed: %v", err)
			}
			ended++
		case <-time.After(time.Duration(random.IntN(random.IntN(5000)+1)) * time.Millisecond):
			cmd.Process.Kill()
			<-done
		}
		// Others take the lock of a dead process after 15 seconds, when the engine has long
		// ended what it was asked. Neither need be waited for here.
		await(t, "the end of what the engine was asked", func() error {
			if n := ask("SELECT count() FROM system.processes WHERE query NOT LIKE '%system.processes%'"); n != "0" {
				return errors.New(n + " statements run")
			}
			return nil
		})
		for table := range strings.FieldsSeq(ask("SELECT name FROM system.tables WHERE database = currentDatabase() AND match(name, '^(migrating|deleting)_[0-9]+$')")) {
			exec("ALTER TABLE " + table + " MODIFY COMMENT 'free'")
		}
	}
	want := ask("SELECT sum(pageviews) FROM hourly WHERE day >= '" + totals.String() + "'")
	if out, errs, status := command(t, "", pass...); status != 0 {
		t.Fatalf("the last pass: status %d, %s%s", status, out, errs)
	}
	out, errs, status := command(t, "", append([]string{"receipts", "verify"}, at...)...)
	if status != 0 {
		t.Errorf("the chain does not verify: %s%s", out, errs)
	}
	t.Logf("%d of %d passes came to their end; %s%s", ended, kills, out, ask("SELECT JSONExtractString(text, 'kind') AS k, JSONExtractBool(text, 'unfinished') AS u, count() FROM receipts GROUP BY k, u ORDER BY k, u"))
	for sql, want := range map[string]string{
		"SELECT count() FROM hits WHERE day < '" + cutoff.String() + "'":      "0",
		"SELECT count() FROM daily WHERE day < '" + totals.String() + "'":     "0",
		"SELECT count() FROM monthly WHERE month < '" + totals.String() + "'": "0",
		"SELECT count() FROM settings WHERE key = 'deletion' AND number = 0":  "0",
		"SELECT sum(pageviews) FROM daily WHERE dimension = 'page'":           want,
		"SELECT sum(pageviews) FROM daily WHERE dimension = 'entry'":          want,
		"SELECT sum(pageviews) FROM daily WHERE dimension = 'total'":          want,
		"SELECT count() FROM daily WHERE value LIKE '%RAREMARK%'":             "0",
		"SELECT count() FROM monthly WHERE value LIKE '%RAREMARK%'":           "0",
		"SELECT count() FROM daily WHERE pageviews < 0":                       "0",
		"SELECT count() FROM (SELECT site, month, value, sum(n) AS s FROM (SELECT site, toStartOfMonth(day) AS month, value, pageviews AS n FROM daily WHERE dimension = 'page' AND month > '" + totals.String() + "' UNION ALL SELECT site, month, value, -pageviews FROM monthly WHERE dimension = 'page') GROUP BY ALL HAVING s != 0)": "0",
	} {
		if got := ask(sql); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
	if found := filesWith(t, data, "RAREMARK"); len(found) > 0 {
		t.Errorf("folded texts are in %v", found)
	}
}

// engineExec runs a statement that changes something, which Query does not.
func engineExec(t *testing.T, dsn, sql string) error {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		return err
	}
	u.RawQuery = url.Values{"database": {strings.TrimPrefix(u.Path, "/")}}.Encode()
	u.Path = "/"
	response, err := http.Post(u.String(), "text/plain", strings.NewReader(sql))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d: %s, %w", response.StatusCode, text, err)
	}
	return nil
}

// filesWith returns the files of a directory that hold a text.
func filesWith(t *testing.T, dir, text string) []string {
	t.Helper()
	var found []string
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || !info.Mode().IsRegular() {
			return nil // a part that is removed meanwhile
		}
		if data, err := os.ReadFile(path); err == nil && strings.Contains(string(data), text) {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
