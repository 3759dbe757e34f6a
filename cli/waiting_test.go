package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestSpool: rows that are not stored are found, and an erasure takes them out of the spool,
// in any state of their segment. What can't be read is told.
func TestSpool(t *testing.T) {
	data := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		out, errs, status := command(t, "", append(args, "--data", data)...)
		if status != 0 {
			t.Fatalf("%v: status %d, %s%s", args, status, out, errs)
		}
		return out
	}
	run("migrate")
	run("policy", "set", "retention=3y", "--yes")
	dir := filepath.Join(data, "spool")
	for _, suffix := range []string{".seg", ".open", ".quarantined", ".damaged"} {
		must(t, os.RemoveAll(dir))
		fill(t, dir, suffix, 3)
		for _, by := range [][]string{{"--ip", "203.0.113.1"}, {"--text", "kari"}, {"--from", "2026-11-01"}} {
			if out := run(append([]string{"access"}, by...)...); !regexp.MustCompile(`(?m)^Rows +3$`).MatchString(out) || strings.Contains(out, "Not looked at") {
				t.Errorf("%s, access %v:\n%s", suffix, by, out)
			}
		}
		if out := run("find", "kari"); !strings.HasPrefix(out, "spool\t") || !strings.Contains(out, "\t3\t") {
			t.Errorf("%s, find: %q", suffix, out)
		}
		if out := run("erase", "--text", "kari", "--yes"); !regexp.MustCompile(`(?m)^Erased +3 rows`).MatchString(out) || !regexp.MustCompile(`(?m)^Left +0 rows`).MatchString(out) {
			t.Errorf("%s, erase:\n%s", suffix, out)
		}
		if out := run("find", "kari"); out != "" {
			t.Errorf("%s: left are %q", suffix, out)
		}
	}

	must(t, os.RemoveAll(dir))
	fill(t, dir, ".seg", 3)
	registry := prometheus.NewRegistry()
	st, err := store.Open(t.Context(), store.Config{Dir: data, Library: storetest.Library(t), Registerer: registry})
	must(t, err)
	must(t, st.Insert(t.Context(), hit.Batch{Rows: []hit.Row{{Site: 1, Day: calendar.DayOf(time.Now().UTC()) - 1, Time: time.Now().Add(-24 * time.Hour), Kind: hit.Search, Name: "kari", Pageviews: 1}}}, "a"))
	opts := app.DefaultOptions()
	opts.Data = data
	report, err := privacy.Erase(t.Context(), opts.NewRights(st), privacy.Default(), privacy.Selection{Text: "kari"})
	must(t, err)
	if report.Erased.Rows != 4 || report.Erased.Lines == 0 || report.Erased.Left.All() != 0 {
		t.Errorf("erased are %+v", report.Erased)
	}
	// Each question reads path and title of titles, which have nothing to erase.
	if n := reads(t, registry, "titles"); n != 2*2 {
		t.Errorf("an erasure reads titles %d times, want twice before and twice after", n)
	}
	must(t, st.Close())

	must(t, os.WriteFile(filepath.Join(dir, "20261127T000000.000000Z-ABC.3.quarantined"), []byte("fotspor\x03xyz"), 0o600))
	if out := run("access", "--text", "kari", "--lang", "en"); !strings.Contains(out, "Not looked at: what can't be read in 1 segment of the spool") {
		t.Errorf("of a segment that can't be read:\n%s", out)
	}
}

// reads returns how many statements have read a table.
func reads(t *testing.T, g prometheus.Gatherer, table string) (n uint64) {
	t.Helper()
	all, err := g.Gather()
	must(t, err)
	for _, family := range all {
		for _, m := range family.GetMetric() {
			if l := m.GetLabel(); family.GetName() == "fotspor_store_statement_duration_seconds" && l[0].GetValue() == "select" && l[1].GetValue() == table {
				n += m.GetHistogram().GetSampleCount()
			}
		}
	}
	return n
}

// fill writes a segment with some rows into a spool.
func fill(t *testing.T, dir, suffix string, rows int) {
	t.Helper()
	apart := t.TempDir()
	s, err := spool.Open(apart, spool.Options{})
	must(t, err)
	day := calendar.DayOf(time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC))
	var all []hit.Row
	for range rows {
		all = append(all, hit.Row{Site: 1, Day: day, Time: day.Time(), Kind: hit.Pageview, Path: "/ansatt/kari", Network: "203.0.0.0/16", Pageviews: 1})
	}
	must(t, s.Append(hit.Batch{Rows: all}), s.Close())
	names, err := filepath.Glob(filepath.Join(apart, "*.seg"))
	must(t, err, os.MkdirAll(dir, 0o700))
	if len(names) != 1 {
		t.Fatalf("%d segments, want 1", len(names))
	}
	name := strings.TrimSuffix(filepath.Base(names[0]), ".seg")
	if suffix == ".open" {
		name, _ = strings.CutSuffix(name, filepath.Ext(name)) // the number of rows is not known yet
		name = strings.TrimSuffix(name, ".")
	}
	must(t, os.Rename(names[0], filepath.Join(dir, name+suffix)))
}
