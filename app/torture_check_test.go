package app_test

import (
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/fotspor/fotspor/collector/lines"
	"github.com/fotspor/fotspor/hit"
	gocmp "github.com/google/go-cmp/cmp"
)

// sum counts the hits by their fate.
func (l *ledger) sum() map[fate]int {
	sum := map[fate]int{}
	for _, h := range l.hits {
		sum[h.fate]++
	}
	return sum
}

// outcome is how many hits are stored in the end.
type outcome struct{ rows, bots int }

// check holds what is stored to the ledger, and every rollup to the raw rows.
func (x *torture) check() outcome {
	x.t.Helper()
	rows := x.byNumber("SELECT path, count() FROM hits GROUP BY path", pathPrefix)
	n := outcome{bots: x.checkBots()}
	x.checkLedger(rows)
	x.checkRollups()
	x.checkLines()
	for _, count := range rows {
		n.rows += count
	}
	return n
}

// checkLedger holds every single hit to what its sender knows of it.
func (x *torture) checkLedger(rows map[int]int) {
	x.t.Helper()
	wrong := map[string][]int{}
	hits := x.load.ledger.hits
	for i, h := range hits {
		n := rows[i]
		switch {
		case (h.kind == objection || h.kind == crawler) && n != 0:
			wrong["stored as what they are not"] = append(wrong["stored as what they are not"], i)
		case h.kind == objection || h.kind == crawler:
		case n > 1:
			wrong["doubled"] = append(wrong["doubled"], i)
		case h.fate == acknowledged && n == 0:
			wrong["acknowledged and lost"] = append(wrong["acknowledged and lost"], i)
		case h.fate == refused && n == 1:
			wrong["refused and stored"] = append(wrong["refused and stored"], i)
		case n != rows[h.request]:
			wrong["of a request that is stored by half"] = append(wrong["of a request that is stored by half"], i)
		}
	}
	for what, which := range wrong {
		x.t.Errorf("%d hits are %s, such as %v", len(which), what, which[:min(len(which), 20)])
	}
	for i := range rows {
		if i < 0 || i >= len(hits) {
			x.t.Errorf("hit %d is stored, which nobody sent", i)
		}
	}
}

// checkBots holds the ledger, in which one bot is like another, to how many were
// acknowledged, and returns its sum.
func (x *torture) checkBots() int {
	x.t.Helper()
	acked, unknown := 0, 0
	for _, h := range x.load.ledger.hits {
		switch {
		case h.kind != crawler:
		case h.fate == acknowledged:
			acked++
		case h.fate != refused:
			unknown++
		}
	}
	text := strings.TrimSpace(x.query("SELECT sum(hits) FROM ledger WHERE name = 'Googlebot'"))
	n, err := strconv.Atoi(text)
	if err != nil || n < acked || n > acked+unknown {
		x.t.Errorf("%q hits of bots are stored, want %d, and up to %d more whose answer did not arrive", text, acked, unknown)
	}
	if other := strings.TrimSpace(x.query("SELECT count() FROM ledger WHERE name != 'Googlebot' AND reason != 'objection'")); other != "0" {
		x.t.Errorf("%s lines of other bots are stored", other)
	}
	return n
}

// measures are summed up by every table.
const measures = "sum(pageviews), sum(visits), sum(visitors), sum(page_visitors), sum(bounces), sum(seconds)"

// dimensions are what the rollups break the raw rows down by. A fast machine sends more
// pages than get a line a day: the rest are counted under their section.
var dimensions = []struct{ name, columns, where string }{
	{"page", lineOf("path") + ", ''", "true"},
	{"left", lineOf("previous_path") + ", ''", "true"},
	{"event", "name, ''", "kind = 'event'"},
	{"outlink", "name, ''", "kind = 'outlink'"},
	{"download", "name, ''", "kind = 'download'"},
	{"search", "name, multiIf(value > 0, 'some', value = 0, 'none', '')", "kind = 'search'"},
	{"entry", lineOf("entry_path") + ", ''", "true"},
	{"source", "channel, source", "true"},
	{"region", "country, region", "true"},
	{"version", "browser, browser_version", "true"},
	{"os", "os, ''", "true"},
	{"device", "device, ''", "true"},
	{"language", "language, ''", "true"},
}

// lineOf is the line of the rollups that a path is counted in.
func lineOf(path string) string {
	return fmt.Sprintf("if(bitTest(other, %d), '%s[other]', %s)", fieldNamed(path).Number, pathPrefix, path)
}

func fieldNamed(name string) hit.Field {
	for _, f := range hit.Fields {
		if f.Name == name {
			return f
		}
	}
	panic("no field " + name)
}

// checkLines holds the paths that have no line to how many new ones get one: as many as
// that before the first of all has none.
func (x *torture) checkLines() {
	x.t.Helper()
	if got := x.query(fmt.Sprintf("SELECT uniqExactIf(path, NOT bitTest(other, %d)) >= least(uniqExact(path), %d) FROM hits",
		fieldNamed("path").Number, lines.DefaultPages)); got != "1\n" {
		x.t.Error("pages have no line before as many have one as may")
	}
}

// checkRollups holds every rollup to the raw rows, to the hit.
func (x *torture) checkRollups() {
	x.t.Helper()
	const events = "countIf(kind NOT IN ('pageview', 'ping'))"
	total := x.query("SELECT " + measures + ", " + events + " FROM hits")
	for _, table := range []string{"hourly", "daily WHERE dimension = 'total'", "monthly WHERE dimension = 'total'"} {
		if got := x.query("SELECT " + measures + ", sum(events) FROM " + table); got != total {
			x.t.Errorf("%s sums up to %q, want the %q of the raw rows", table, got, total)
		}
	}
	for _, r := range []struct{ table, span, of string }{{"daily", "day", "day"}, {"monthly", "month", "toStartOfMonth(day)"}} {
		var lines []string
		for _, d := range dimensions {
			lines = append(lines, fmt.Sprintf("SELECT '%s' AS dimension, site, %s AS span, %s, %s, %s FROM hits WHERE %s GROUP BY ALL",
				d.name, r.of, d.columns, measures, events, d.where))
		}
		want := x.query(strings.Join(lines, " UNION ALL "))
		got := x.query(fmt.Sprintf("SELECT dimension, site, %s, value, detail, %s, sum(events) FROM %s WHERE dimension != 'total' GROUP BY ALL",
			r.span, measures, r.table))
		if diff := difference(want, got); diff != "" {
			x.t.Errorf("%s is not what the raw rows sum up to (-raw +rollup):\n%s", r.table, diff)
		}
	}
	if got, want := x.query("SELECT sum(visitors), sum(visits), sum(pageviews), sum(bounces), sum(seconds), sum(events) FROM cube"),
		x.query("SELECT sum(visitors), sum(visits), sum(pageviews), sum(bounces), sum(seconds), "+events+" FROM hits"); got != want {
		x.t.Errorf("the cube sums up to %q, want the %q of the raw rows", got, want)
	}
	if got, want := x.query("SELECT sum(pageviews) FROM moves"), x.query("SELECT sum(pageviews) FROM hits WHERE previous_path != ''"); got != want {
		x.t.Errorf("moves sum up to %q, want the %q of the raw rows", got, want)
	}
	if got := x.query("SELECT sum(visits) >= sum(visitors), sum(visitors) > 0, sum(page_visitors) >= sum(visitors), sum(bounces) BETWEEN 0 AND sum(visits), sum(seconds) >= 0, min(pageviews) >= 0 AND max(pageviews) <= 1 FROM hits"); got != "1\t1\t1\t1\t1\t1\n" {
		x.t.Errorf("the measures do not fit each other: %q", got)
	}
	if got := x.query(`SELECT countIf(NOT match(network, '^\\d+\\.\\d+\\.0\\.0/16$|^[0-9a-f]+:[0-9a-f]*::/32$')), countIf(path LIKE '%kunde%'), uniqExact(site) FROM hits`); got != "0\t0\t1\n" {
		x.t.Errorf("rows with more than they may hold: %q", got)
	}
}

// difference returns the first lines in which two answers differ, "" if none.
func difference(want, got string) string {
	if want == got {
		return ""
	}
	var a, b []string
	rest := map[string]int{}
	for line := range strings.Lines(got) {
		rest[line]++
	}
	for line := range strings.Lines(want) {
		if rest[line]--; rest[line] < 0 && len(a) < 10 {
			a = append(a, line)
		}
	}
	for line, n := range rest {
		if n > 0 && len(b) < 10 {
			b = append(b, line)
		}
	}
	return gocmp.Diff(a, b)
}

// query returns the answer to a query, as tab-separated text.
func (x *torture) query(sql string) string {
	x.t.Helper()
	out, errs, status := command(x.t, "", append([]string{"query", sql}, x.at...)...)
	if status != 0 {
		x.t.Fatalf("query %s: %s", sql, errs)
	}
	return out
}

// byNumber returns the counts that a query has for names which end in a number.
func (x *torture) byNumber(sql, prefix string) map[int]int {
	x.t.Helper()
	counts := map[int]int{}
	for line := range strings.Lines(x.query(sql)) {
		name, count, _ := strings.Cut(strings.TrimSpace(line), "\t")
		number, ok := strings.CutPrefix(name, prefix)
		i, err := strconv.Atoi(number)
		n, countErr := strconv.Atoi(count)
		if !ok || err != nil || countErr != nil {
			x.t.Fatalf("query %s: %q is none of what was sent", sql, line)
		}
		counts[i] = n
	}
	return counts
}

// lookEverywhere looks for every address in all that the program wrote and says: in
// its tables as text, which are compressed on disk, its metrics, its logs, and after
// its end in every file.
func (x *torture) lookEverywhere() {
	x.t.Helper()
	texts := tables(x.query)
	if len(texts) < 5 {
		x.t.Errorf("only the tables %q", slices.Collect(maps.Keys(texts)))
	}
	for table, text := range texts {
		x.scanner.look("table "+table, []byte(text))
	}
	x.scanner.look("metrics", []byte(get(x.t, x.client(), x.front.metrics+"/metrics")))
	for _, p := range []*part{x.front, x.store} {
		if p == nil {
			continue
		}
		p.stop()
		for _, log := range p.logs {
			x.scanner.look("log of "+p.args[0], []byte(log.String()))
		}
	}
	if files := x.scanner.lookInto(x.t, x.dir); files < 50 {
		x.t.Errorf("only %d files were looked through", files)
	}
	for _, leak := range x.scanner.leaks {
		x.t.Errorf("an address in %s", leak)
	}
	if left, err := filepath.Glob(filepath.Join(x.front.data, "spool/*.*")); err != nil || len(left) > 0 {
		x.t.Errorf("left in the spool: %q, %v", left, err)
	}
}

// client returns a client without connections to keep.
func (x *torture) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
}
