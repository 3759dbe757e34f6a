package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/internal/trusted"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/embedded"
)

// The traffic of the dashboard's benchmark: three years of one site.
const (
	dashboardSite  = 1
	dashboardDays  = 1096
	dashboardPages = 5000
	dashboardSeed  = 28 // days that one statement makes
	hitsPerVisit   = 2.8
)

var dashboardLast = calendar.DayOf(time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC))

// dashboardTraffic makes the hits of some days, as many visits a day as a weight says.
//
//go:embed dashboard.sql
var dashboardTraffic string

// A dashboardPage is what one page asks for, over some days and under some filters.
type dashboardPage struct {
	name    string
	days    int // up to and with the last day; 0: all
	compare bool
	filters []string
	queries []report.Query // but for sites, days and filters
}

// The parts of a page.
var (
	figuresOfADay = report.Query{Step: report.Day, Measures: []string{"visits", "pageviews", "bounce_rate", "visit_seconds"}}
	topPages      = report.Query{Dimension: "page", Measures: []string{"pageviews"}, Limit: 10}
	topSources    = report.Query{Dimension: "source", Measures: []string{"visits"}, Limit: 10}
	movers        = report.Query{Dimension: "page", Measures: []string{"pageviews"}, Sort: report.Sort{Change: true}, Limit: 5}
	notFound      = report.Query{Dimension: "missing", Measures: []string{"events"}, Limit: 5}
	overview      = []report.Query{figuresOfADay, topPages, topSources, movers, notFound}
	overMonths    = []report.Query{{Step: report.Month, Measures: figuresOfADay.Measures}, topPages, topSources, movers, notFound}
)

func every(dimensions ...string) []report.Query {
	var all []report.Query
	for _, d := range dimensions {
		all = append(all, report.Query{Dimension: d, Measures: []string{"pageviews"}, Limit: 10})
	}
	return all
}

var dashboardAsks = []dashboardPage{
	{"overview, 28 days and before", 28, true, nil, overview},
	{"overview, 12 months and before", 365, true, nil, overMonths},
	{"overview, 3 years", 0, false, nil, overMonths},
	{"all dimensions, 28 days and before", 28, true, nil, every("page", "section", "source", "entry", "region", "version", "os", "device", "language", "search", "missing")},
	{"pages with exits and time, 28 days", 28, false, nil, []report.Query{{Dimension: "page", Measures: []string{"pageviews", "page_visitors", "exits", "view_seconds"}, Limit: 100}}},
	{"pages with exits and time, 3 years", 0, false, nil, []report.Query{{Dimension: "page", Measures: []string{"pageviews", "page_visitors", "exits", "view_seconds"}, Limit: 100}}},
	{"next pages, 28 days", 28, false, []string{"previous:/"}, every("page")},
	{"next pages, 12 months", 365, false, []string{"previous:/"}, every("page")},
	{"hours of the week, 12 months", 365, false, nil, []report.Query{{Dimension: "hour", Measures: []string{"visits"}, Limit: 200}}},
	{"campaigns, 12 months", 365, false, nil, []report.Query{{Dimension: "campaign", Measures: []string{"visits"}}}},
	{"overview of Sweden, 28 days and before", 28, true, []string{"country:SE"}, overview},
	{"overview of mobile, 28 days and before", 28, true, []string{"device:mobile"}, overview},
	{"overview of google, 28 days and before", 28, true, []string{"source:google"}, overview},
	{"sources and browsers of mobile, 12 months", 365, false, []string{"device:mobile"}, []report.Query{{Step: report.Month, Measures: []string{"visits"}}, {Dimension: "source", Measures: []string{"visits"}}, {Dimension: "browser", Measures: []string{"visits"}}}},
	{"pages of a county, 28 days", 28, false, []string{"region:NO-50"}, every("page")},
	{"pages of a county, 12 months", 365, false, []string{"region:NO-50"}, every("page")},
	{"exits of google, 28 days", 28, false, []string{"source:google"}, []report.Query{{Dimension: "page", Measures: []string{"pageviews", "exits"}, Limit: 100}}},
}

// runDashboard fills the engine with some numbers of hits, and prints what they take and
// what the questions of pages cost.
func runDashboard(ctx context.Context, args []string) error {
	sizes := connections{1_000_000, 10_000_000, 100_000_000}
	flags := flag.NewFlagSet("bench dashboard", flag.ContinueOnError)
	flags.Var(&sizes, "hits", "`numbers` of hits to fill the engine with, separated by commas")
	runs := flags.Int("runs", 20, "how `often` each page is asked for")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || *runs < 1 {
		return fmt.Errorf("runs %d, arguments %q: want 1 or more runs and no argument", *runs, flags.Args())
	}
	trusted.StandIn(".") // the engine is that of the checkout
	for _, hits := range sizes {
		if err := measureDashboard(ctx, os.Stdout, hits, *runs); err != nil {
			return fmt.Errorf("%d hits: %w", hits, err)
		}
	}
	return nil
}

func measureDashboard(ctx context.Context, out io.Writer, hits, runs int) (err error) {
	dir, err := os.MkdirTemp("", "fotspor-dashboard-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	library, err := embedded.FindLibrary(os.Getenv("FOTSPOR_ENGINE"))
	if err != nil {
		return err
	}
	engine, err := embedded.Open(ctx, embedded.Options{Dir: dir, Library: library, MaxMemory: 4 << 30})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	st, err := store.Open(ctx, store.Config{Engine: engine, Create: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()

	begun, cpu := time.Now(), processCPU()
	visits := float64(hits) / hitsPerVisit / dashboardDays
	for from := dashboardLast - dashboardDays + 1; from <= dashboardLast; from += dashboardSeed {
		to := min(from+dashboardSeed-1, dashboardLast)
		sql := strings.NewReplacer("{SITE}", fmt.Sprint(dashboardSite), "{FROM}", from.String(), "{TO}", to.String(),
			"{VISITS}", fmt.Sprint(visits), "{PAGES}", fmt.Sprint(dashboardPages)).Replace(dashboardTraffic)
		if err := execute(ctx, engine, sql); err != nil {
			return fmt.Errorf("make the hits of %s to %s: %w", from, to, err)
		}
	}
	rows, err := ask(ctx, st, "SELECT count() FROM hits")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s hits, made in %v with %v of CPU\n", rows, time.Since(begun).Round(time.Second), (processCPU() - cpu).Round(time.Second))
	for _, table := range append([]string{"hits"}, rollups()...) {
		if err := execute(ctx, engine, "OPTIMIZE TABLE "+table+" FINAL SETTINGS optimize_throw_if_noop = 0"); err != nil {
			return err
		}
	}
	sizes, err := ask(ctx, st, `SELECT table, sum(rows), round(sum(rows) / (SELECT count() FROM hits), 3), round(sum(data_compressed_bytes) / (SELECT count() FROM hits), 2)
		FROM system.parts WHERE active AND database = currentDatabase() AND table IN ('hits', '`+strings.Join(rollups(), "', '")+`') GROUP BY table WITH TOTALS ORDER BY 4 DESC`)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "table\tlines\tlines per hit\tbytes per hit\t\n%s\t\n", strings.ReplaceAll(strings.ReplaceAll(sizes, "\n\n", "\n"), "\n", "\t\n"))
	w.Flush()

	source := counted{store.Reports{Store: st, Planner: func() report.Planner { return report.Planner{} }}}
	fmt.Fprintf(w, "page\tstatements\tCPU ms\tp50 ms\tp95 ms\t\n")
	for _, page := range dashboardAsks {
		statements, cpu, times, err := source.measure(ctx, page.ask(), runs)
		if err != nil {
			return fmt.Errorf("%s: %w", page.name, err)
		}
		fmt.Fprintf(w, "%s\t%d\t%.0f\t%.0f\t%.0f\t\n", page.name, statements, ms(cpu), ms(times[len(times)/2]), ms(times[len(times)*95/100]))
	}
	return w.Flush()
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func rollups() []string {
	var names []string
	for _, r := range report.Rollups {
		names = append(names, r.Name)
	}
	return names
}

// ask fills in the days and filters of the queries of a page.
func (p dashboardPage) ask() []report.Query {
	days := calendar.Range{From: dashboardLast - dashboardDays + 1, To: dashboardLast}
	if p.days > 0 {
		days.From = dashboardLast - calendar.Day(p.days) + 1
	}
	filters, err := report.ParseFilters(p.filters)
	if err != nil {
		panic(err) // they stand above
	}
	queries := slices.Clone(p.queries)
	for i := range queries {
		q := &queries[i]
		q.Sites, q.Range, q.Filters = []uint32{dashboardSite}, days, filters
		if p.compare {
			before := days.Before()
			q.Compare = &before
		} else if q.Sort.Change {
			q.Sort = report.Sort{}
		}
	}
	return queries
}

// counted asks a store and measures what it costs.
type counted struct{ store.Reports }

// measure asks the same queries several times, and returns the statements and the CPU of
// one run and the times that the runs took, in order.
func (c counted) measure(ctx context.Context, queries []report.Query, runs int) (statements int, cpu time.Duration, times []time.Duration, err error) {
	plan, err := c.Planner().Plan(queries)
	if err != nil {
		return 0, 0, nil, err
	}
	for range 2 { // to warm up
		if _, err := c.Ask(ctx, queries); err != nil {
			return 0, 0, nil, err
		}
	}
	before := processCPU()
	for range runs {
		begun := time.Now()
		if _, err := c.Ask(ctx, queries); err != nil {
			return 0, 0, nil, err
		}
		times = append(times, time.Since(begun))
	}
	slices.Sort(times)
	return len(plan.Statements), (processCPU() - before) / time.Duration(runs), times, nil
}

// processCPU is the CPU time of this process so far.
func processCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// execute runs a statement on the engine.
func execute(ctx context.Context, engine *embedded.Engine, sql string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://engine/?database="+store.DefaultDatabase, strings.NewReader(sql))
	if err != nil {
		return err
	}
	resp, err := engine.RoundTrip(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", text)
	}
	return err
}

// ask returns the answer to a question as tab-separated text.
func ask(ctx context.Context, st *store.Store, sql string) (string, error) {
	var out strings.Builder
	err := st.Query(ctx, sql, "", &out)
	return strings.TrimSpace(out.String()), err
}
