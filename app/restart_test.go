package app_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/collector/lines"
	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/store/embedded"
)

// TestVisitOutlivesARestart: the visitor goes on reading, and counts once.
func TestVisitOutlivesARestart(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	memory, err := os.MkdirTemp("/dev/shm", "fotspor-test")
	if err != nil {
		t.Skipf("SKIPPED, no file system in memory here: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(memory) })
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	again := func(handover string) *program {
		return start(t, at, func(o *app.Options) { o.Data, o.Handover = dir, handover })
	}
	view := func(p *program, page string) {
		t.Helper()
		visitor := sent{addr: netip.MustParseAddr("127.0.0.1"), agent: agents[0].header, page: page, ref: origins[0]}
		if told := p.send(visitor); told != "recorded" {
			t.Fatal(told)
		}
	}
	visits := func() string {
		t.Helper()
		out, errs, status := command(t, "", "query", "SELECT sum(visitors), sum(visits), sum(pageviews) FROM hits", "--data", dir)
		if status != 0 {
			t.Fatal(errs)
		}
		return strings.TrimSpace(out)
	}

	p := again(memory)
	if _, errs, status := command(t, "", "site", "add", "--host", "example.org", "--data", dir); status != 0 {
		t.Fatal(errs)
	}
	p.awaitSite(1)
	view(p, "/a")
	p.stop()
	if strings.Contains(p.log.String(), "not handed over") {
		t.Skipf("SKIPPED, the memory of this machine is not taken for memory:\n%s", p.log)
	}
	p = again(memory)
	if left, err := os.ReadDir(memory); err != nil || len(left) > 0 {
		t.Errorf("a running program leaves %v in the directory, %v", left, err)
	}
	view(p, "/b")
	p.stop()
	if got := visits(); got != "1\t1\t2" {
		t.Errorf("after a restart there are %q visitors, visits and views, want 1, 1 and 2", got)
	}

	p = again(t.TempDir()) // which is on a disk, or at least is not where it was left
	view(p, "/c")
	p.stop()
	if got := visits(); got != "2\t2\t3" {
		t.Errorf("after a restart without memory there are %q visitors, visits and views, want 2, 2 and 3", got)
	}
	if !strings.Contains(p.log.String(), "visitors start afresh after a restart") {
		t.Errorf("the log does not say that visitors start afresh:\n%s", p.log)
	}
}

// TestRulesSavedWhileDown: the first hit after a start is under the rules of the store, not
// under the older ones of sites.json; where the store takes too long, the log says so.
func TestRulesSavedWhileDown(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	p := start(t, time.Now(), nil)
	data, engine := p.opts.Data, p.opts.Engine
	run := func(args ...string) string {
		t.Helper()
		out, errs, status := command(t, "", append(args, "--data", data)...)
		if status != 0 {
			t.Fatalf("%v: %s%s", args, out, errs)
		}
		return strings.TrimSpace(out)
	}
	run("site", "add", "--host", "example.org")
	p.awaitSite(1)
	p.stop()
	const fellBack = "the last known ones are used"
	for n := range 6 { // a busy machine may need more than one start
		folder := "/" + strings.Repeat("u", n+1)
		run("site", "edit", "1", "--path-rules", folder+"/*", "--yes") // while the collector is down
		p = startWithout(t, func(o *app.Options) { o.Data, o.Engine = data, engine })
		if status, _ := p.answer(p.public+"/pixel.gif?site=1&url=https://example.org"+folder+"/kari", time.Second); status != 200 {
			t.Errorf("the first hit is answered %d", status)
		}
		old := strings.Contains(p.log.String(), fellBack)
		p.awaitStored(1)
		p.stop()
		got := run("query", "SELECT DISTINCT path FROM hits WHERE path LIKE '"+folder+"/%'")
		if old {
			t.Logf("start %d was under the last known sites", n)
			continue
		}
		if want := folder + "/[*]"; got != want {
			t.Errorf("the first hit is stored as %q, want %q", got, want)
		}
		return
	}
	t.Errorf("each start %q", fellBack)
}

// TestStoreOfTheFuture: hits for a store of a newer version wait in the spool, and are
// stored once the store is one that this program knows.
func TestStoreOfTheFuture(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	p := start(t, time.Now(), nil)
	data, library := p.opts.Data, p.opts.Engine
	if out, errs, status := command(t, "", "site", "add", "--host", "example.org", "--data", data); status != 0 {
		t.Fatal(out, errs)
	}
	p.awaitSite(1)
	p.stop()
	change := func(sql string) {
		t.Helper()
		engine, err := embedded.Open(t.Context(), embedded.Options{Dir: data, Library: library})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		engine.ServeHTTP(w, httptest.NewRequest("POST", "http://127.0.0.1/", strings.NewReader(sql)))
		if err := engine.Close(); err != nil || w.Code != 200 {
			t.Fatalf("%s: %s %v", sql, w.Body, err)
		}
	}
	change("INSERT INTO fotspor.migrations (number, name, state) VALUES (9999, '9999_future', 'begun')")
	p = startWithout(t, func(o *app.Options) { o.Data, o.Engine = data, library })
	if status, _ := p.answer(p.public+"/pixel.gif?site=1&url=https://example.org/side", time.Second); status != 200 {
		t.Errorf("a hit is answered %d", status)
	}
	await(t, "an attempt to store it", func() error {
		if n, _ := metricOf(p.get(p.metrics+"/metrics"), "fotspor_store_insert_failures_total"); n == 0 {
			return errors.New("there is none")
		}
		return nil
	})
	if status, why := p.answer(p.metrics+"/readyz", time.Second); status != 503 || !strings.Contains(why, "newer version") {
		t.Errorf("/readyz = %d %q, want 503 and the version", status, why)
	}
	if n, _ := metricOf(p.get(p.metrics+"/metrics"), "fotspor_hits_stored_total"); n != 0 {
		t.Errorf("%v hits are stored, want none", n)
	}
	p.stop()
	change("DELETE FROM fotspor.migrations WHERE number = 9999")
	p = startWithout(t, func(o *app.Options) { o.Data, o.Engine = data, library })
	p.awaitStored(1)
}

// TestLinesOutliveARestart: what had a line is in the copy that a start without the store
// reads.
func TestLinesOutliveARestart(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	p := start(t, at, func(o *app.Options) { o.Data = dir })
	if _, errs, status := command(t, "", "site", "add", "--host", "example.org", "--data", dir); status != 0 {
		t.Fatal(errs)
	}
	p.awaitSite(1)
	visitor := sent{addr: netip.MustParseAddr("127.0.0.1"), agent: agents[0].header, page: "/a", ref: origins[0]}
	if told := p.send(visitor); told != "recorded" {
		t.Fatal(told)
	}
	if got := get(t, p.client, p.metrics+"/metrics"); !strings.Contains(got, `fotspor_lines_refused_total{reason="cap"} 0`) {
		t.Error("the metrics do not tell of lines that are refused")
	}
	p.stop()

	known := lines.New(lines.Options{Pages: 2, Now: func() time.Time { return at }})
	if err := known.Restore(filepath.Join(dir, "lines.bin")); err != nil {
		t.Fatal(err)
	}
	hasLine := func(path string) bool {
		row := hit.Row{Site: 1, Path: path}
		known.Arrive(&hit.Hit{Site: 1, Trusted: true}, &row, calendar.DayOf(at), false)
		return row.Other == 0
	}
	if !hasLine("/new") || hasLine("/newer") || !hasLine("/a") {
		t.Error("a page from before the restart is new after it")
	}
}

// TestCapsAfterAKill: the lines of the rows that a killed process left in its spool count
// against the caps of that day.
func TestCapsAfterAKill(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	p := start(t, at, nil)
	data := p.opts.Data
	run := func(args ...string) string {
		t.Helper()
		out, errs, status := command(t, "", append(args, "--data", data)...)
		if status != 0 {
			t.Fatalf("%v: %s%s", args, out, errs)
		}
		return strings.TrimSpace(out)
	}
	run("site", "add", "--host", "example.org")
	p.awaitSite(1)
	p.stop()
	sp, err := spool.Open(filepath.Join(data, "spool"), spool.Options{Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	var rows []hit.Row
	for i := range lines.DefaultValues {
		rows = append(rows, hit.Row{Site: 1, Time: at, Day: calendar.DayOf(at), Kind: hit.Search, Name: fmt.Sprint("term ", i), Path: "/"})
	}
	if err := errors.Join(sp.Append(hit.Batch{Rows: rows}), sp.Close()); err != nil {
		t.Fatal(err)
	}
	p = start(t, at, func(o *app.Options) { o.Data = data })
	visitor := sent{addr: netip.MustParseAddr("127.0.0.1"), agent: agents[0].header, page: "/", ref: origins[0], form: 1}
	for _, term := range []string{"term 7", "one too many"} {
		visitor.action = url.Values{"search": {term}}
		if told := p.send(visitor); told != "recorded" {
			t.Fatal(told)
		}
	}
	p.stop()
	sql := "SELECT value, sum(events) FROM daily WHERE dimension = 'search' AND value IN ('term 7', 'one too many', '[other]') GROUP BY value ORDER BY value"
	if got := run("query", sql); got != "[other]\t1\nterm 7\t2" {
		t.Errorf("searches are %q", got)
	}
}
