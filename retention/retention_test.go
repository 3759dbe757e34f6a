package retention_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/retention"
	"github.com/fotspor/fotspor/retention/receipt"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ledger is raw rows as their times, and fails on demand.
type ledger struct {
	sync.Mutex
	rows   []time.Time
	fails  int // how many calls of DeleteBefore fail
	passes int
	among  []*ledger // that have some of the same rows
}

func (l *ledger) Before(ctx context.Context, cutoff time.Time) (privacy.Held, error) {
	if err := ctx.Err(); err != nil {
		return privacy.Held{}, err
	}
	l.Lock()
	defer l.Unlock()
	l.passes++
	var held privacy.Held
	for _, at := range l.rows {
		if at.Before(cutoff) {
			if held.Rows == 0 || at.Before(held.First) {
				held.First = at
			}
			if at.After(held.Last) {
				held.Last = at
			}
			held.Rows++
		}
	}
	return held, nil
}

func (l *ledger) DeleteBefore(ctx context.Context, cutoff time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.Lock()
	defer l.Unlock()
	if l.fails > 0 {
		l.fails--
		return errors.New("the disk is on strike")
	}
	for _, of := range append(l.among, l) {
		of.rows = slices.DeleteFunc(slices.Clone(of.rows), func(at time.Time) bool { return at.Before(cutoff) })
	}
	return nil
}

// state returns how many rows are left, and how many passes there were.
func (l *ledger) state() (rows, passes int) {
	l.Lock()
	defer l.Unlock()
	return len(l.rows), l.passes
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

// threeYears is a policy that keeps rows for three years.
func threeYears(context.Context) (privacy.Policy, error) { return privacy.Default(), nil }

// TestPassDeletesToTheDay: a row is deleted with the day that is three years old.
func TestPassDeletesToTheDay(t *testing.T) {
	rows := []time.Time{
		at("2020-01-01T00:00:00Z"), at("2023-11-21T23:59:59Z"), // past their time
		at("2023-11-22T00:00:00Z"), at("2026-11-22T00:00:00Z"), // not yet
	}
	for _, now := range []string{"2026-11-22T00:00:00Z", "2026-11-22T23:59:59Z", "2026-11-23T00:59:59+01:00"} {
		l := &ledger{rows: rows}
		w := retention.New(retention.Options{Rows: l, Clock: trusted(t), Policy: threeYears})
		report, err := w.Pass(t.Context(), at(now))
		if err != nil {
			t.Fatal(err)
		}
		if report.Deleted != 2 || len(l.rows) != 2 || !report.Cutoff.Equal(at("2023-11-22T00:00:00Z")) {
			t.Errorf("at %s: deleted %d before %s, left %v; want 2 and the two youngest", now, report.Deleted, report.Cutoff, l.rows)
		}
	}
}

func TestReport(t *testing.T) {
	for _, c := range []struct {
		name string
		rows []time.Time
		dry  bool
		want string
	}{
		{"nothing", nil, false, "retention 3y at 2026-11-22T10:00:00Z: rows from before 2023-11-22 are past their time\nno such rows\ndeleted 0 rows\n"},
		{"dry run", []time.Time{at("2020-01-01T00:00:00Z"), at("2021-02-03T04:05:06Z")}, true,
			"retention 3y at 2026-11-22T10:00:00Z: rows from before 2023-11-22 are past their time\n" +
				"found 2 rows, from 2020-01-01T00:00:00Z to 2021-02-03T04:05:06Z\ndry run: nothing deleted\n"},
		{"deleted", []time.Time{at("2020-01-01T00:00:00Z")}, false,
			"retention 3y at 2026-11-22T10:00:00Z: rows from before 2023-11-22 are past their time\n" +
				"found 1 rows, from 2020-01-01T00:00:00Z to 2020-01-01T00:00:00Z\ndeleted 1 rows\n"},
	} {
		l := &ledger{rows: c.rows}
		w := retention.New(retention.Options{Rows: l, Clock: trusted(t), Policy: threeYears})
		pass := w.Pass
		if c.dry {
			pass = w.DryRun
		}
		report, err := pass(t.Context(), at("2026-11-22T10:00:00Z"))
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if n, err := report.WriteTo(&out); out.String() != c.want || n != int64(len(c.want)) || err != nil {
			t.Errorf("%s: report %q, %v, want %q", c.name, out.String(), err, c.want)
		}
		if c.dry && len(l.rows) != len(c.rows) {
			t.Errorf("%s deleted rows", c.name)
		}
	}
}

// TestAuditLog: lines of the audit log are deleted by their own retention, in the same pass.
func TestAuditLog(t *testing.T) {
	rows := &ledger{rows: []time.Time{at("2026-01-01T00:00:00Z")}}
	audit := &ledger{rows: []time.Time{at("2025-11-21T23:59:59Z"), at("2025-11-22T00:00:00Z")}}
	w := retention.New(retention.Options{Rows: rows, Clock: trusted(t), Policy: threeYears, Audit: audit, AuditKeep: privacy.Period{Months: 12}})
	if report, err := w.DryRun(t.Context(), at("2026-11-22T10:00:00Z")); err != nil || report.AuditFound.Rows != 1 || len(audit.rows) != 2 {
		t.Errorf("dry run: %+v, %v, left %v", report, err, audit.rows)
	}
	report, err := w.Pass(t.Context(), at("2026-11-22T10:00:00Z"))
	if err != nil || report.AuditDeleted != 1 || len(audit.rows) != 1 || len(rows.rows) != 1 {
		t.Errorf("pass: %+v, %v, left %v", report, err, audit.rows)
	}
	var out strings.Builder
	report.WriteTo(&out)
	if want := "audit log: found 1 lines past their time, deleted 1\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("report %q, want %q at its end", out.String(), want)
	}
}

// TestTitles: titles of pages leave in the same pass, by a clock that is trusted.
func TestTitles(t *testing.T) {
	rows := &ledger{rows: []time.Time{at("2026-01-01T00:00:00Z")}}
	titles := &ledger{rows: []time.Time{at("2023-11-21T00:00:00Z"), at("2023-11-22T00:00:00Z")}}
	w := retention.New(retention.Options{Rows: rows, Clock: trusted(t), Policy: threeYears, Titles: titles})
	report, err := w.Pass(t.Context(), at("2026-11-22T10:00:00Z"))
	if err != nil || report.TitlesDeleted != 1 || len(titles.rows) != 1 || len(rows.rows) != 1 {
		t.Errorf("pass: %+v, %v, left %v", report, err, titles.rows)
	}
	var out strings.Builder
	report.WriteTo(&out)
	if want := "titles of pages: found 1 that are not kept any more, deleted 1\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("report %q, want %q at its end", out.String(), want)
	}
	if report, err := w.Pass(t.Context(), at("2040-11-22T10:00:00Z")); !errors.Is(err, retention.ErrHeld) || report.TitlesFound.Rows != 1 || len(titles.rows) != 1 {
		t.Errorf("pass by a wrong clock: %+v, %v, left %v", report, err, titles.rows)
	}
}

// TestTotals: totals leave by their own time, which each pass reads from the policy.
func TestTotals(t *testing.T) {
	rows := &ledger{rows: []time.Time{at("2026-01-01T00:00:00Z")}}
	totals := &ledger{rows: []time.Time{at("2022-11-21T00:00:00Z"), at("2022-11-22T00:00:00Z"), at("2023-11-22T00:00:00Z")}}
	policy := privacy.Default()
	var failure error
	w := retention.New(retention.Options{Rows: rows, Clock: trusted(t), Totals: totals, Policy: func(context.Context) (privacy.Policy, error) { return policy, failure }})
	for _, c := range []struct {
		totals privacy.Period
		fails  error
		left   int
		want   string // in the report
	}{
		{privacy.Period{}, nil, 3, ""},
		{privacy.Period{Years: 4}, errors.New("the store does not answer"), 3, ""},
		{privacy.Period{Years: 4}, nil, 2, "totals: found 1 lines from before 2022-11-22, deleted 1\n"},
		{privacy.Period{Years: 4}, nil, 2, ""},
		{privacy.Period{Years: 3}, nil, 1, "totals: found 1 lines from before 2023-11-22, deleted 1\n"},
	} {
		policy.Totals, failure = c.totals, c.fails
		report, err := w.Pass(t.Context(), at("2026-11-22T10:00:00Z"))
		var out strings.Builder
		report.WriteTo(&out)
		if !errors.Is(err, c.fails) || len(totals.rows) != c.left || len(rows.rows) != 1 || !strings.HasSuffix(out.String(), c.want) || c.want == "" && strings.Contains(out.String(), "totals") {
			t.Errorf("totals %v: %v, left %v, report %q", c.totals, err, totals.rows, out.String())
		}
	}
	policy.Totals = privacy.Period{Years: 3, Days: 1}
	if report, err := w.Pass(t.Context(), at("2040-11-22T10:00:00Z")); !errors.Is(err, retention.ErrHeld) || report.TotalsFound.Rows != 1 || len(totals.rows) != 1 {
		t.Errorf("pass by a wrong clock: %+v, %v, left %v", report, err, totals.rows)
	}
}

// fewLines are months of lines of few, by their first days.
type fewLines struct {
	months []time.Time
	totals calendar.Day
	counts int
}

func (f *fewLines) Lines(_ context.Context, cutoff time.Time) (n int64, err error) {
	f.counts++
	for _, month := range f.months {
		if !month.AddDate(0, 1, 0).After(cutoff) {
			n++
		}
	}
	return n, nil
}

func (f *fewLines) Fold(_ context.Context, cutoff time.Time, totals calendar.Day) error {
	f.months = slices.DeleteFunc(f.months, func(month time.Time) bool { return !month.AddDate(0, 1, 0).After(cutoff) })
	f.totals = totals
	return nil
}

// TestFolding: lines of few are folded by the number of the policy, once the rows of their month
// are gone, and not by a wrong clock.
func TestFolding(t *testing.T) {
	policy := privacy.Default()
	few := &fewLines{months: []time.Time{at("2023-09-01T00:00:00Z"), at("2023-10-01T00:00:00Z"), at("2023-11-01T00:00:00Z")}}
	var below int
	w := retention.New(retention.Options{Rows: &ledger{}, Totals: &ledger{}, Clock: trusted(t), Policy: func(context.Context) (privacy.Policy, error) { return policy, nil },
		Few: func(n int) retention.Few { below = n; return few }})
	if report, err := w.Pass(t.Context(), at("2040-11-22T10:00:00Z")); !errors.Is(err, retention.ErrHeld) || report.FewFound != 3 || len(few.months) != 3 {
		t.Errorf("pass by a wrong clock: %+v, %v, left %v", report, err, few.months)
	}
	for _, c := range []struct {
		below, left int
		retention   privacy.Period
		want        string
	}{
		{0, 3, policy.Retention, "deleted 0 rows\n"},
		{7, 1, policy.Retention, "totals of fewer than 7: found 2 lines in months that are over, folded 2\n"},
		{7, 1, policy.Retention, "deleted 0 rows\n"},
		{5, 0, privacy.Period{Days: 2}, "totals of fewer than 5: found 1 lines in months that are over, folded 1\n"},
	} {
		policy.FoldBelow, policy.Retention = c.below, c.retention
		report, err := w.Pass(t.Context(), at("2026-11-22T10:00:00Z"))
		var out strings.Builder
		report.WriteTo(&out)
		if err != nil || len(few.months) != c.left || !strings.HasSuffix(out.String(), c.want) || c.below > 0 && below != c.below {
			t.Errorf("below %d, retention %v: %v, left %v, by %d, report %q", c.below, c.retention, err, few.months, below, out.String())
		}
	}
	policy.Totals, few.months = privacy.Period{Years: 1}, []time.Time{at("2024-01-01T00:00:00Z")}
	if _, err := w.Pass(t.Context(), at("2026-11-22T10:00:00Z")); err != nil || few.totals != calendar.DayOf(at("2025-11-22T00:00:00Z")) {
		t.Errorf("%v, totals until %v", err, few.totals)
	}
}

// TestAged: each stage of the policy removes its part from rows by its own time, and not by a
// wrong clock.
func TestAged(t *testing.T) {
	policy := privacy.Default()
	policy.Ageing = privacy.Ageing{Network: privacy.Period{Days: 90}, Region: privacy.Period{Years: 1}}
	parts := map[string]*ledger{}
	for _, part := range []string{"network", "hour", "version", "region"} {
		parts[part] = &ledger{rows: []time.Time{at("2025-11-21T23:00:00Z"), at("2025-11-22T00:00:00Z"), at("2026-08-23T23:00:00Z"), at("2026-08-24T00:00:00Z")}}
	}
	w := retention.New(retention.Options{Rows: &ledger{}, Clock: trusted(t), Policy: func(context.Context) (privacy.Policy, error) { return policy, nil },
		Aging: func(part string) retention.Rows { return parts[part] }})
	if report, err := w.Pass(t.Context(), at("2040-11-22T10:00:00Z")); !errors.Is(err, retention.ErrHeld) || len(report.Aged) != 2 || len(parts["network"].rows) != 4 {
		t.Errorf("pass by a wrong clock: %+v, %v", report, err)
	}
	report, err := w.Pass(t.Context(), at("2026-11-22T10:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	for part, want := range map[string]int{"network": 1, "hour": 4, "version": 4, "region": 3} {
		if got := len(parts[part].rows); got != want {
			t.Errorf("%d rows have their %s, want %d", got, part, want)
		}
	}
	var out strings.Builder
	report.WriteTo(&out)
	want := "ageing: found 3 rows from before 2026-08-24 with network, removed it from 3\nageing: found 1 rows from before 2025-11-22 with region, removed it from 1\n"
	if !strings.HasSuffix(out.String(), want) {
		t.Errorf("report %q, want %q at its end", out.String(), want)
	}
}

// TestShorter: rows, titles and lines of few of sites whose rows live shorter leave by their own
// time, each time with a receipt that names the sites. What is past the time of all is counted
// with all, and a clock that is not trusted deletes nothing.
func TestShorter(t *testing.T) {
	policy := privacy.Default()
	month := privacy.Period{Days: 30}
	rows := func() *ledger {
		return &ledger{rows: []time.Time{at("2023-11-21T00:00:00Z"), at("2026-10-22T23:00:00Z"), at("2026-10-23T00:00:00Z")}}
	}
	all, allTitles, own, titles, young := rows(), rows(), rows(), rows(), rows()
	all.among, allTitles.among = []*ledger{own, young}, []*ledger{titles}
	few := &fewLines{months: []time.Time{at("2026-08-01T00:00:00Z"), at("2026-10-01T00:00:00Z")}}
	registry := prometheus.NewPedanticRegistry()
	w := retention.New(retention.Options{
		Rows: all, Titles: allTitles, Clock: trusted(t), Policy: func(context.Context) (privacy.Policy, error) { return policy, nil }, Registerer: registry,
		Few: func(int) retention.Few { return &fewLines{} },
		Shorter: func(_ context.Context, p privacy.Policy) ([]privacy.Shorter, error) {
			if p != policy {
				t.Errorf("asked for the sites under %s", p)
			}
			return []privacy.Shorter{{Keep: month, Sites: []uint32{2, 5}}, {Keep: privacy.Period{Years: 3}, Sites: []uint32{7}}}, nil
		},
		OfSites: func(sites []uint32) retention.OfSites {
			if slices.Equal(sites, []uint32{2, 5}) {
				return retention.OfSites{Rows: own, Titles: titles, Few: func(int) retention.Few { return few }}
			}
			return retention.OfSites{Rows: young}
		},
	})
	if report, err := w.Pass(t.Context(), at("2040-11-22T10:00:00Z")); !errors.Is(err, retention.ErrHeld) || len(own.rows) != 3 || len(report.Own) != 1 {
		t.Errorf("pass by a wrong clock: %+v, %v", report, err)
	}
	dry, err := w.DryRun(t.Context(), at("2026-11-22T10:00:00Z"))
	if err != nil || dry.Found.Rows != 1 || len(dry.Own) != 1 || dry.Own[0].Found.Rows != 1 || dry.Own[0].TitlesFound.Rows != 1 || dry.Own[0].FewFound != 1 || !dry.Own[0].Cutoff.Equal(at("2026-10-23T00:00:00Z")) {
		t.Fatalf("dry run: %+v, %v", dry, err)
	}
	report, err := w.Pass(t.Context(), at("2026-11-22T10:00:00Z"))
	if err != nil || len(all.rows) != 2 || len(own.rows) != 1 || len(titles.rows) != 1 || len(few.months) != 1 || len(young.rows) != 2 {
		t.Errorf("pass: %v, left %v of all, %v of sites, titles %v, few %v, %v of a site with the time of all", err, all.rows, own.rows, titles.rows, few.months, young.rows)
	}
	var out strings.Builder
	report.WriteTo(&out)
	if want := "sites 2 5 with retention 30d: found 1 rows from before 2026-10-23, 1 titles and 1 lines of totals of few; deleted 1 rows and 1 titles, folded 1 lines\n"; !strings.Contains(out.String(), want) {
		t.Errorf("report %q, want %q in it", out.String(), want)
	}
	if got := value(t, registry, "fotspor_retention_deleted_rows_total"); got != 2 {
		t.Errorf("%v rows deleted by the metric, want 2", got)
	}
	own.fails, own.rows = 1, rows().rows[1:]
	if _, err := w.Pass(t.Context(), at("2026-11-22T10:00:00Z")); err == nil {
		t.Error("a failure of one site is none of the pass")
	}
	if got := value(t, registry, "fotspor_retention_overdue_rows"); got != 1 {
		t.Errorf("%v rows past their time, want that of the site", got)
	}

	kept := &book{}
	w.Receipts = kept.writer()
	own.fails, own.rows, few.months = 0, rows().rows[1:], []time.Time{at("2026-08-01T00:00:00Z")}
	if _, err := w.Pass(t.Context(), at("2026-11-22T10:00:00Z")); err != nil {
		t.Fatal(err)
	}
	want := []receipt.Deletion{
		{Kind: receipt.Retention, To: "2023-11-22"},
		{Kind: receipt.Retention, Sites: []uint32{2, 5}, Retention: "30d", To: "2026-10-23"},
		{Kind: receipt.Folding, Sites: []uint32{2, 5}, Retention: "30d", Below: privacy.Default().FoldBelow, To: "2026-10-01"},
	}
	if got := kept.deletions(t); !reflect.DeepEqual(got, want) {
		t.Errorf("receipts of %+v, want %+v", got, want)
	}
}

// book keeps receipts in memory.
type book struct {
	receipts []receipt.Receipt
	pending  *receipt.Pending
}

func (b *book) LockDeletions(ctx context.Context, f func(context.Context) error) error { return f(ctx) }

func (b *book) LastReceipt(context.Context) (*receipt.Receipt, error) {
	if len(b.receipts) == 0 {
		return nil, nil
	}
	return &b.receipts[len(b.receipts)-1], nil
}

func (b *book) AddReceipt(_ context.Context, _ uint64, r receipt.Receipt) error {
	b.receipts = append(b.receipts, r)
	return nil
}

func (b *book) PendingDeletion(context.Context) (*receipt.Pending, error) { return b.pending, nil }

func (b *book) SetPendingDeletion(_ context.Context, p *receipt.Pending) error {
	b.pending = p
	return nil
}

func (b *book) StoreTime(context.Context) (time.Time, error) { return time.Now(), nil }

func (b *book) writer() *receipt.Writer {
	return &receipt.Writer{
		Book: b, Program: "v1", Now: time.Now,
		Key:    func() (ed25519.PrivateKey, error) { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), nil },
		Policy: func(context.Context) (json.RawMessage, error) { return json.RawMessage(`""`), nil },
	}
}

// deletions returns what the receipts say, once their chain is verified.
func (b *book) deletions(t *testing.T) (all []receipt.Deletion) {
	t.Helper()
	var chain receipt.Chain
	for _, r := range b.receipts {
		if err := chain.Add(r); err != nil {
			t.Fatal(err)
		}
		all = append(all, chain.Last.Deletion)
	}
	return all
}

// value returns the value of a metric without labels.
func value(t *testing.T, g prometheus.Gatherer, name string) float64 {
	t.Helper()
	all, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range all {
		if family.GetName() == name {
			m := family.GetMetric()[0]
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// TestAgain: what earlier deletions have deleted is deleted again, of the sites that they were of,
// whatever the policy says now, each with a receipt; what finds nothing has none.
func TestAgain(t *testing.T) {
	rows := func() *ledger {
		return &ledger{rows: []time.Time{at("2026-08-31T00:00:00Z"), at("2026-10-22T23:00:00Z"), at("2026-11-20T00:00:00Z")}}
	}
	all, own, titles, totals, hours := rows(), rows(), rows(), rows(), rows()
	few := &fewLines{months: []time.Time{at("2026-08-01T00:00:00Z"), at("2026-10-01T00:00:00Z")}}
	var below []int
	kept := &book{}
	w := retention.New(retention.Options{
		Rows: all, Titles: titles, Totals: totals, Clock: trusted(t), Policy: threeYears,
		Few:      func(k int) retention.Few { below = append(below, k); return few },
		OfSites:  func([]uint32) retention.OfSites { return retention.OfSites{Rows: own} },
		Aging:    func(string) retention.Rows { return hours },
		Receipts: kept.writer(),
	})
	folding := receipt.Deletion{Kind: receipt.Folding, Below: 9, To: "2026-10-01"}
	some := []receipt.Deletion{
		folding,
		{Kind: receipt.Totals, To: "2026-08-30"}, // finds nothing
		{Kind: receipt.Retention, To: "2026-10-01"},
		{Kind: receipt.Retention, Sites: []uint32{2}, Retention: "30d", To: "2026-10-23"},
		{Kind: receipt.Ageing, By: "hour", To: "2026-10-23"},
		{Kind: receipt.Erasure, By: "text", To: "2026-11-30"}, // the journal knows more
		{Kind: receipt.Restore},
	}
	again, err := w.Again(t.Context(), some)
	want := []retention.Again{{Deletion: some[2], Deleted: 1}, {Deletion: some[3], Deleted: 2}, {Deletion: some[4], Deleted: 2}, {Deletion: folding, Deleted: 1}}
	if err != nil || !reflect.DeepEqual(again, want) {
		t.Errorf("again: %+v, %v, want %+v", again, err, want)
	}
	if len(all.rows) != 2 || len(titles.rows) != 2 || len(own.rows) != 1 || len(hours.rows) != 1 || len(totals.rows) != 3 || len(few.months) != 1 || !slices.Equal(below, []int{9}) {
		t.Errorf("left are %v of all, %v titles, %v of a site, %v hours, %v totals, %v of few below %v", all.rows, titles.rows, own.rows, hours.rows, totals.rows, few.months, below)
	}
	if len(kept.receipts) != len(want) {
		t.Errorf("%d receipts, want %d", len(kept.receipts), len(want))
	}
	if again, err := w.Again(t.Context(), some); err != nil || len(again) > 0 {
		t.Errorf("a second time: %+v, %v", again, err)
	}
	if _, err := w.Again(t.Context(), []receipt.Deletion{{Kind: receipt.Retention, To: "soon"}}); err == nil {
		t.Error("a day that is none is no error")
	}
}

// TestCounts: a pass counts what there is of each thing once before it deletes some and once after,
// with receipts and without; what has no receipt, what there is nothing of, and what is only looked
// at it counts once. What is counted last is the figure of rows past their time.
func TestCounts(t *testing.T) {
	policy := privacy.Default()
	policy.Ageing, policy.Totals = privacy.Ageing{Network: privacy.Period{Days: 90}}, privacy.Period{Years: 4}
	old, now := []time.Time{at("2020-01-01T00:00:00Z")}, "2026-11-22T10:00:00Z"
	for _, c := range []struct {
		name     string
		rows     []time.Time
		at       string
		dry      bool
		fails    int
		want     string // counts of rows, those of a site, with a network, totals, lines of few, titles and lines of the audit log
		overdue  float64
		receipts int
	}{
		{"a pass", old, now, false, 0, "3 2 2 2 2 1 1", 0, 5},
		{"nothing to do", nil, now, false, 0, "2 1 1 1 1 1 1", 0, 1},
		{"a pass that fails", old, now, false, 1, "3 2 1 0 0 0 0", 2, 0},
		{"held", old, "2040-11-22T10:00:00Z", false, 0, "2 2 1 1 1 1 1", 2, 0},
		{"dry run", old, now, true, 0, "1 2 1 1 1 1 1", 0, 0},
	} {
		for _, kept := range []*book{nil, {}} {
			t.Run(fmt.Sprintf("%s, receipts %t", c.name, kept != nil), func(t *testing.T) {
				all, own, aged, totals, titles, audit := &ledger{rows: c.rows, fails: c.fails}, &ledger{rows: c.rows}, &ledger{rows: c.rows}, &ledger{rows: c.rows}, &ledger{rows: c.rows}, &ledger{rows: c.rows}
				few := &fewLines{months: c.rows}
				registry := prometheus.NewPedanticRegistry()
				w := retention.New(retention.Options{
					Rows: all, Totals: totals, Titles: titles, Audit: audit, AuditKeep: privacy.Period{Years: 1}, Clock: trusted(t), Registerer: registry,
					Policy: func(context.Context) (privacy.Policy, error) { return policy, nil },
					Aging:  func(string) retention.Rows { return aged },
					Few:    func(int) retention.Few { return few },
					Shorter: func(context.Context, privacy.Policy) ([]privacy.Shorter, error) {
						return []privacy.Shorter{{Keep: privacy.Period{Days: 30}, Sites: []uint32{2}}}, nil
					},
					OfSites: func([]uint32) retention.OfSites { return retention.OfSites{Rows: own} },
				})
				if kept != nil {
					w.Receipts = kept.writer()
				}
				pass := w.Pass
				if c.dry {
					pass = w.DryRun
				}
				pass(t.Context(), at(c.at))
				if got := fmt.Sprint(all.passes, own.passes, aged.passes, totals.passes, few.counts, titles.passes, audit.passes); got != c.want {
					t.Errorf("counted %s times, want %s", got, c.want)
				}
				if !c.dry {
					if got := value(t, registry, "fotspor_retention_overdue_rows"); got != c.overdue {
						t.Errorf("%v rows past their time, want %v", got, c.overdue)
					}
				}
				if kept != nil && len(kept.receipts) != c.receipts {
					t.Errorf("%d receipts, want %d", len(kept.receipts), c.receipts)
				}
			})
		}
	}
}

// TestRun: a pass ten minutes after the start and one after each midnight; one that fails is tried
// again, counted, and does not end the worker.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The clock of a bubble begins at midnight UTC of 2000-01-01.
		time.Sleep(10 * time.Hour)
		l := &ledger{rows: []time.Time{at("1990-01-01T00:00:00Z"), at("1997-01-02T12:00:00Z")}, fails: 2}
		registry := prometheus.NewPedanticRegistry()
		var noted atomic.Int64
		noted.Store(at("1999-12-30T00:10:00Z").Unix()) // before this process
		w := retention.New(retention.Options{
			Rows: l, Clock: trusted(t), Policy: threeYears, Registerer: registry,
			LastPass: func(context.Context) (time.Time, error) { return time.Unix(noted.Load(), 0), nil },
			NotePass: func(_ context.Context, at time.Time) error { noted.Store(at.Unix()); return nil },
		})
		for _, name := range []string{"last_success_timestamp_seconds", "oldest_row_timestamp_seconds", "overdue_rows", "next_pass_timestamp_seconds"} {
			if n, err := testutil.GatherAndCount(registry, "fotspor_retention_"+name); n != 0 || err != nil {
				t.Errorf("%d values of %s before anything is known, %v", n, name, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); w.Run(ctx) }()

		time.Sleep(10*time.Minute - time.Second)
		synctest.Wait()
		first, second := at("1990-01-01T00:00:00Z"), at("1997-01-02T12:00:00Z")
		before := noted.Load()
		expect(t, registry, 0, 0, before, first, 1, at("2000-01-01T10:10:00Z"))
		time.Sleep(time.Second)
		synctest.Wait()
		expect(t, registry, 0, 1, before, first, 1, at("2000-01-01T10:25:00Z"))
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		expect(t, registry, 0, 2, before, first, 1, at("2000-01-01T10:40:00Z"))
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		expect(t, registry, 1, 2, at("2000-01-01T10:40:00Z").Unix(), second, 0, at("2000-01-02T00:10:00Z"))
		time.Sleep(13*time.Hour + 20*time.Minute) // to midnight
		synctest.Wait()
		if rows, _ := l.state(); rows != 1 {
			t.Errorf("a row left before its day was over")
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		expect(t, registry, 1, 2, at("2000-01-02T00:10:00Z").Unix(), second, 0, at("2000-01-03T00:10:00Z"))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		expect(t, registry, 2, 2, at("2000-01-03T00:10:00Z").Unix(), time.Time{}, 0, at("2000-01-04T00:10:00Z"))
		if rows, _ := l.state(); rows != 0 {
			t.Errorf("%d rows left, want 0", rows)
		}
		if want := at("2000-01-03T00:10:00Z"); noted.Load() != want.Unix() {
			t.Errorf("the last pass is noted at %s, want %s", time.Unix(noted.Load(), 0), want)
		}
		cancel()
		<-done
	})
}

func expect(t *testing.T, g prometheus.Gatherer, deleted, failures, success int64, oldest time.Time, overdue int64, next time.Time) {
	t.Helper()
	var first int64
	if !oldest.IsZero() {
		first = oldest.Unix()
	}
	var want strings.Builder
	for _, m := range []struct {
		name, kind, help string
		value            int64
	}{
		{"fotspor_retention_deleted_rows_total", "counter", "Raw rows deleted because they were past their retention.", deleted},
		{"fotspor_retention_failures_total", "counter", "Deletion passes that failed. Each is tried again.", failures},
		{"fotspor_retention_held", "gauge", "1 while a deletion pass waits because the clock is not trusted, else 0.", 0},
		{"fotspor_retention_last_success_timestamp_seconds", "gauge", "When a deletion pass last ended without an error, in Unix time, also one of another process or before the last start, as the store knows. There is no such series before the first.", success},
		{"fotspor_retention_oldest_row_timestamp_seconds", "gauge", "Time of the oldest row at the start and after the last deletion pass, in Unix time; 0 if there is none. No such series until it is known.", first},
		{"fotspor_retention_overdue_rows", "gauge", "Rows past their retention, or with a part past its time, at the start and after the last pass, also one that was held or failed. It should be 0. No such series until it is known.", overdue},
		{"fotspor_retention_next_pass_timestamp_seconds", "gauge", "When the next deletion pass is due, in Unix time. There is no such series while the worker waits for its store.", next.Unix()},
	} {
		fmt.Fprintf(&want, "# HELP %[1]s %[2]s\n# TYPE %[1]s %[3]s\n%[1]s %[4]d\n", m.name, m.help, m.kind, m.value)
	}
	if err := testutil.GatherAndCompare(g, strings.NewReader(want.String())); err != nil {
		t.Error(err)
	}
}
