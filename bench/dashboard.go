package main

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/internal/trusted"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/embedded"
)

// The traffic of the dashboard's benchmark: three years of one site, up to the day before the
// store is filled. Another site has the hits that come meanwhile.
const (
	dashboardSite  = 1
	meanwhileSite  = 2
	dashboardDays  = 1096
	dashboardPages = 5000
	dashboardSeed  = 28 // days that one statement makes
	hitsPerVisit   = 2.8
)

// dashboardTraffic makes the hits of some days, as many visits a day as a weight says.
//
//go:embed dashboard.sql
var dashboardTraffic string

// A dashboardPage is a page, and what it may take.
type dashboardPage struct {
	name string
	path string        // {28} stands for the last 28 days, {12} for the last 12 months, {36} for all, {week} for the last week
	p95  time.Duration // with one client, for any number of hits
	// held says that the rollups hold what it asks: it may cost twice as much with ten times
	// the hits.
	held bool
}

const (
	of28Days   = 100 * time.Millisecond
	ofYears    = 250 * time.Millisecond
	filtered   = 300 * time.Millisecond
	filtered12 = time.Second
	ofRows     = 3 * time.Second
)

// maxCPU is what a page may take of the server with a million hits, and maxOverview what the
// overview may.
const (
	maxCPU      = 80 * time.Millisecond
	maxOverview = 60 * time.Millisecond
	maxGrowth   = 2.0 // of CPU, from ten million hits to a hundred
)

var dashboardAsks = []dashboardPage{
	{"overview, 28 days", "?{28}", of28Days, true},
	{"overview, last week", "?{week}", of28Days, true},
	{"overview, 12 months", "?{12}", ofYears, true},
	{"overview, 3 years", "?{36}", ofYears, true},
	{"pages, 28 days", "/pages?{28}", of28Days, true},
	{"pages, 3 years", "/pages?{36}", ofYears, true},
	{"page card, 28 days", "/page?path=/&{28}", filtered, true},
	{"sections, 28 days", "/sections?{28}", of28Days, true},
	{"ways, 28 days", "/ways?from=/&{28}", filtered, true},
	{"entries, 28 days", "/entries?{28}", of28Days, true},
	{"exits, 28 days", "/exits?{28}", of28Days, true},
	{"sources, 28 days", "/sources?{28}", of28Days, true},
	{"sources, 3 years", "/sources?{36}", ofYears, true},
	{"campaigns, 28 days", "/campaigns?{28}", of28Days, true},
	{"searches, 28 days", "/searches?{28}", of28Days, true},
	{"missing, 28 days", "/missing?{28}", of28Days, true},
	{"downloads, 28 days", "/downloads?{28}", of28Days, true},
	{"places, 28 days", "/places?{28}", of28Days, true},
	{"places, 3 years", "/places?{36}", ofYears, true},
	{"devices, 28 days", "/devices?{28}", of28Days, true},
	{"languages, 28 days", "/languages?{28}", of28Days, true},
	{"hours, 28 days", "/hours?{28}", of28Days, true},
	{"overview of phones, 28 days", "?{28}&f=device:mobile", filtered, false},
	{"overview of a source, 28 days", "?{28}&f=source:google", filtered, false},
	{"overview of a county, 28 days", "?{28}&f=region:NO-50", filtered, false},
	{"places of phones, 12 months", "/places?{12}&f=device:mobile", filtered12, false},
	{"sources of a country, 12 months", "/sources?{12}&f=country:SE", filtered12, false},
	{"pages of a county, 12 months", "/pages?{12}&f=region:NO-50", ofRows, false},
}

// atOnce are the pages that eight people open at the same time.
var atOnce = []string{"overview, 28 days", "pages, 28 days", "sources, 28 days", "searches, 28 days", "places, 28 days", "devices, 28 days", "exits, 28 days", "hours, 28 days"}

// The most that the slowest of those may take, of its time alone and of the median of all.
const (
	maxOfAlone  = 9.0
	maxOfMedian = 1.5
)

// runDashboard fills stores with some numbers of hits, and prints what they take and what the
// pages of `fotspor serve` on them cost.
func runDashboard(ctx context.Context, args []string) error {
	sizes := connections{1_000_000, 10_000_000, 100_000_000}
	flags := flag.NewFlagSet("bench dashboard", flag.ContinueOnError)
	flags.Var(&sizes, "hits", "`numbers` of hits to fill the engine with, separated by commas")
	runs := flags.Int("runs", 20, "how `often` each page is asked for")
	program := flags.String("program", "bin/fotspor", "`file` of the program to measure")
	dir := flags.String("dir", "", "`directory` that keeps what was filled for the next time; none: it is removed")
	only := flags.String("pages", "", "measure only pages with this `text` in their names")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || *runs < 1 {
		return fmt.Errorf("runs %d, arguments %q: want 1 or more runs and no argument", *runs, flags.Args())
	}
	if _, err := os.Stat(*program); err != nil {
		return fmt.Errorf("no program to measure, make build makes it: %w", err)
	}
	if *dir == "" {
		var err error
		if *dir, err = os.MkdirTemp("", "fotspor-dashboard-"); err != nil {
			return err
		}
		defer os.RemoveAll(*dir)
	}
	trusted.StandIn(".") // the engine is that of the checkout
	costs := map[string]map[int]time.Duration{}
	for _, hits := range sizes {
		d := &dashboardBench{program: *program, data: filepath.Join(*dir, strconv.Itoa(hits)), hits: hits, runs: *runs, only: *only, out: os.Stdout, cpu: map[string]time.Duration{}}
		if err := d.run(ctx); err != nil {
			return fmt.Errorf("%d hits: %w", hits, err)
		}
		for name, cpu := range d.cpu {
			if costs[name] == nil {
				costs[name] = map[int]time.Duration{}
			}
			costs[name][hits] = cpu
		}
	}
	return printGrowth(os.Stdout, sizes, costs)
}

// printGrowth prints what ten times the hits cost.
func printGrowth(out io.Writer, sizes []int, costs map[string]map[int]time.Duration) error {
	for _, hits := range sizes {
		if !slices.Contains(sizes, 10*hits) {
			continue
		}
		fmt.Fprintf(out, "\nCPU of pages without a filter from %d to %d hits:\n", hits, 10*hits)
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		for _, p := range dashboardAsks {
			if cpu, ok := costs[p.name]; ok && p.held {
				growth := float64(cpu[10*hits]) / float64(cpu[hits])
				fmt.Fprintf(w, "%s\t%.0f ms\t%.0f ms\t× %.2f\t%s\t\n", p.name, ms(cpu[hits]), ms(cpu[10*hits]), growth, missed(hits >= 10_000_000 && growth > maxGrowth))
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// missed marks what is more than it may be.
func missed(is bool) string {
	if is {
		return "MISSED"
	}
	return ""
}

// dashboardBench measures the pages of one store.
type dashboardBench struct {
	program, data string
	hits, runs    int
	only          string
	out           io.Writer

	last   calendar.Day // with hits
	server *server
	client *http.Client
	cpu    map[string]time.Duration // of pages, by name
	ago    atomic.Int64             // days before last of the next page that nobody has opened, see fresh
}

func (d *dashboardBench) run(ctx context.Context) error {
	fmt.Fprintf(d.out, "\n%d hits\n", d.hits)
	if _, err := os.Stat(d.filled()); errors.Is(err, os.ErrNotExist) {
		if err := os.RemoveAll(d.data); err != nil { // of a fill that did not end
			return err
		}
		if err := d.addSites(ctx); err != nil {
			return err
		}
	}
	if err := d.fill(ctx); err != nil {
		return err
	}
	defer func() {
		if d.server != nil && len(d.server.processes) > 0 {
			d.server.processes[0].stop()
		}
	}()
	if err := d.serve(ctx); err != nil {
		return err
	}
	if err := d.settle(ctx); err != nil {
		return err
	}
	if err := d.alone(ctx); err != nil {
		return err
	}
	if d.only != "" {
		return nil
	}
	if err := d.together(ctx); err != nil {
		return err
	}
	if err := d.equal(ctx); err != nil {
		return err
	}
	return d.meanwhile(ctx)
}

// filled is the file that says that all hits are in the store.
func (d *dashboardBench) filled() string { return filepath.Join(d.data, "filled") }

// command runs the program to its end.
func (d *dashboardBench) command(ctx context.Context, input string, args ...string) error {
	c := exec.CommandContext(ctx, d.program, append(args, "--data", d.data)...)
	c.Stdin = strings.NewReader(input)
	if text, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("fotspor %s: %w: %s", strings.Join(args[:2], " "), err, text)
	}
	return nil
}

// benchUser logs in with this password.
const benchUser, benchPassword = "bench", "a long sentence about mountains"

// addSites makes the store with two sites and somebody who sees them.
func (d *dashboardBench) addSites(ctx context.Context) error {
	return cmp.Or(
		d.command(ctx, "", "site", "add", "--host", "www.example.org", "--quiet", "--create"),
		d.command(ctx, "", "site", "add", "--host", "meanwhile.example.org", "--quiet"),
		d.command(ctx, benchPassword+"\n", "user", "add", benchUser))
}

// fill makes the hits, unless an earlier run has kept them, and prints what they take.
func (d *dashboardBench) fill(ctx context.Context) (err error) {
	library, err := embedded.FindLibrary(os.Getenv("FOTSPOR_ENGINE"))
	if err != nil {
		return err
	}
	engine, err := embedded.Open(ctx, embedded.Options{Dir: d.data, Library: library, MaxMemory: 4 << 30})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	st, err := store.Open(ctx, store.Config{Engine: engine, Create: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()

	if _, err := os.Stat(d.filled()); errors.Is(err, os.ErrNotExist) {
		begun, cpu := time.Now(), ownCPU()
		visits := float64(d.hits) / hitsPerVisit / dashboardDays
		last := calendar.DayOf(begun.UTC()) - 1
		for from := last - dashboardDays + 1; from <= last; from += dashboardSeed {
			to := min(from+dashboardSeed-1, last)
			sql := strings.NewReplacer("{SITE}", fmt.Sprint(dashboardSite), "{FROM}", from.String(), "{TO}", to.String(),
				"{VISITS}", fmt.Sprint(visits), "{PAGES}", fmt.Sprint(dashboardPages)).Replace(dashboardTraffic)
			if err := execute(ctx, engine, sql); err != nil {
				return fmt.Errorf("make the hits of %s to %s: %w", from, to, err)
			}
		}
		for _, table := range append([]string{"hits"}, rollups()...) {
			if err := execute(ctx, engine, "OPTIMIZE TABLE "+table+" FINAL SETTINGS optimize_throw_if_noop = 0"); err != nil {
				return err
			}
		}
		fmt.Fprintf(d.out, "made in %v with %v of CPU\n", time.Since(begun).Round(time.Second), (ownCPU() - cpu).Round(time.Second))
		if err := os.WriteFile(d.filled(), nil, 0o600); err != nil {
			return err
		}
	}
	day, err := ask(ctx, st, fmt.Sprintf("SELECT max(day) FROM hits WHERE site = %d", dashboardSite))
	if err != nil {
		return err
	}
	if d.last, err = calendar.ParseDay(day); err != nil {
		return err
	}
	sizes, err := ask(ctx, st, `SELECT table, sum(rows), round(sum(rows) / (SELECT count() FROM hits), 3), round(sum(data_compressed_bytes) / (SELECT count() FROM hits), 2)
		FROM system.parts WHERE active AND database = currentDatabase() AND table IN ('hits', '`+strings.Join(rollups(), "', '")+`') GROUP BY table WITH TOTALS ORDER BY 4 DESC`)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "table\tlines\tlines per hit\tbytes per hit\t\n%s\t\n", strings.ReplaceAll(strings.ReplaceAll(sizes, "\n\n", "\n"), "\n", "\t\n"))
	return w.Flush()
}

// serve starts the program on the store, and logs in.
func (d *dashboardBench) serve(ctx context.Context) error {
	d.server = &server{name: "fotspor serve", program: d.program, spool: filepath.Join(d.data, "spool"), store: []string{"--data", d.data}}
	if err := d.server.startPart(ctx, "serve", "--retention", "10y", "--data", d.data); err != nil {
		return err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	d.client = &http.Client{
		Jar: jar, Timeout: answerTime,
		Transport: &http.Transport{MaxIdleConnsPerHost: 16},
	}
	form := url.Values{"name": {benchUser}, "password": {benchPassword}}
	return d.server.processes[0].await(ctx, "the log-in", startTime, func() (bool, error) {
		resp, err := d.client.PostForm("http://"+d.server.addr+"/login", form)
		if err != nil {
			return false, err
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return resp.StatusCode == http.StatusOK && resp.Request.URL.Path != "/login", err
	})
}

// settle waits until the server has done what follows its start: with a hundred million hits it
// reads for seconds which lines the rollups have, which is no part of what pages cost.
func (d *dashboardBench) settle(ctx context.Context) error {
	used, err := d.used()
	if err != nil {
		return err
	}
	return d.server.processes[0].await(ctx, "the end of its start", startTime, func() (bool, error) {
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(time.Second):
		}
		before := used
		used, err = d.used()
		return used-before < 50*time.Millisecond, err
	})
}

// fresh returns the last day of periods that no page was of yet: the server keeps the answers of
// pages that somebody has opened. It begins anew after a third of the days, when those of the
// first have to be given up.
func (d *dashboardBench) fresh() calendar.Day {
	return d.last - calendar.Day(d.ago.Add(1)%(dashboardDays/3))
}

// get loads a page of the days up to one, and returns how long it took. It is compressed, as for
// a browser, and not unpacked.
func (d *dashboardBench) get(ctx context.Context, p dashboardPage, last calendar.Day) (time.Duration, error) {
	days := func(n calendar.Day) string {
		return "period=range&from=" + max(last-n+1, d.last-dashboardDays+1).String() + "&to=" + last.String()
	}
	year, week := (last - 6 - 7*((d.last-last)%100)).Time().ISOWeek()
	path := strings.NewReplacer("{28}", "period=28d&at="+last.String(), "{12}", days(365), "{36}", days(dashboardDays),
		"{week}", fmt.Sprintf("period=week&at=%d-W%02d", year, week)).Replace(p.path)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/sites/%d%s", d.server.addr, dashboardSite, path), nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Accept-Encoding", "gzip")
	begun := time.Now()
	resp, err := d.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, resp.Status)
	}
	return time.Since(begun), err
}

// used is the CPU time of the server so far.
func (d *dashboardBench) used() (time.Duration, error) {
	all, err := d.server.usage()
	if err != nil {
		return 0, err
	}
	return cpuOf(all), nil
}

// statements returns how many statements the server has made so far.
func (d *dashboardBench) statements(ctx context.Context) (int, error) {
	page, err := scrape(ctx, d.server.metrics)
	if err != nil {
		return 0, err
	}
	return metric(page, "fotspor_store_statement_duration_seconds_count")
}

// alone prints what each page costs one client, the first time and again.
func (d *dashboardBench) alone(ctx context.Context) error {
	w := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "page\tstatements\tCPU ms\tp50 ms\tp95 ms\tat most\t\tagain CPU ms\tp50 ms\t\n")
	for _, p := range dashboardAsks {
		if !strings.Contains(p.name, d.only) {
			continue
		}
		var first, again []time.Duration
		var cpu, cpuAgain time.Duration
		fewest := math.MaxInt // the first time; in other runs the server asked something else meanwhile
		for i := range d.runs + 2 {
			last := d.fresh()
			asked, err := d.statements(ctx)
			if err != nil {
				return err
			}
			for _, to := range []struct {
				times *[]time.Duration
				cpu   *time.Duration
			}{{&first, &cpu}, {&again, &cpuAgain}} {
				before, err := d.used()
				if err != nil {
					return err
				}
				took, err := d.get(ctx, p, last)
				if err != nil {
					return fmt.Errorf("%s: %w", p.name, err)
				}
				after, err := d.used()
				if err != nil {
					return err
				}
				if i >= 2 { // it is warm
					*to.times = append(*to.times, took)
					*to.cpu += (after - before) / time.Duration(d.runs)
				}
				if to.cpu == &cpu {
					all, err := d.statements(ctx)
					if err != nil {
						return err
					}
					fewest = min(fewest, all-asked)
				}
			}
		}
		d.cpu[p.name] = cpu
		most := maxCPU
		if strings.HasPrefix(p.name, "overview,") {
			most = maxOverview
		}
		p95 := percentile(first, 95)
		fmt.Fprintf(w, "%s\t%d\t%.0f\t%.0f\t%.0f\t%.0f\t%s\t%.0f\t%.0f\t\n", p.name, fewest, ms(cpu), ms(percentile(first, 50)), ms(p95), ms(p.p95), missed(p95 > p.p95 || d.hits <= 1_000_000 && cpu > most),
			ms(cpuAgain), ms(percentile(again, 50)))
	}
	return w.Flush()
}

// pagesAtOnce are the pages that several people open.
func pagesAtOnce() []dashboardPage {
	var all []dashboardPage
	for _, name := range atOnce {
		all = append(all, dashboardAsks[slices.IndexFunc(dashboardAsks, func(p dashboardPage) bool { return p.name == name })])
	}
	return all
}

// open loads pages that nobody has opened at once, and returns what each took.
func (d *dashboardBench) open(ctx context.Context, pages []dashboardPage) ([]time.Duration, error) {
	last := d.fresh()
	times := make([]time.Duration, len(pages))
	group, ctx := errgroup.WithContext(ctx)
	for i, p := range pages {
		group.Go(func() (err error) {
			times[i], err = d.get(ctx, p, last)
			return err
		})
	}
	return times, group.Wait()
}

// rounds is how often things are done at once, for a median.
const rounds = 10

// together prints what eight different pages at once cost those who wait.
func (d *dashboardBench) together(ctx context.Context) error {
	pages := pagesAtOnce()
	alone := make([]time.Duration, len(pages))
	for i, p := range pages {
		var times []time.Duration
		for range rounds {
			took, err := d.get(ctx, p, d.fresh())
			if err != nil {
				return err
			}
			times = append(times, took)
		}
		alone[i] = percentile(times, 50)
	}
	var ofAlone, ofMedian []float64
	for range rounds {
		times, err := d.open(ctx, pages)
		if err != nil {
			return err
		}
		slowest := 0
		for i := range times {
			if times[i] > times[slowest] {
				slowest = i
			}
		}
		ofAlone = append(ofAlone, float64(times[slowest])/float64(alone[slowest]))
		ofMedian = append(ofMedian, float64(times[slowest])/float64(percentile(slices.Clone(times), 50)))
	}
	slices.Sort(ofAlone)
	slices.Sort(ofMedian)
	a, m := ofAlone[rounds/2], ofMedian[rounds/2]
	_, err := fmt.Fprintf(d.out, "eight pages at once: the slowest takes %.1f times as long as alone and %.2f times the median (at most %.0f and %.1f) %s\n",
		a, m, maxOfAlone, maxOfMedian, missed(a > maxOfAlone || m > maxOfMedian))
	return err
}

// equal prints what a page costs that eight people open at once.
func (d *dashboardBench) equal(ctx context.Context) error {
	page := dashboardAsks[0]
	spend := func(n int) (time.Duration, error) {
		before, err := d.used()
		if err != nil {
			return 0, err
		}
		for range rounds {
			if _, err := d.open(ctx, slices.Repeat([]dashboardPage{page}, n)); err != nil {
				return 0, err
			}
		}
		after, err := d.used()
		return (after - before) / rounds, err
	}
	one, err := spend(1)
	if err != nil {
		return err
	}
	eight, err := spend(8)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(d.out, "the same page eight times at once: %.0f ms of CPU, once %.0f ms\n", ms(eight), ms(one))
	return err
}

// The hits that come while pages are opened: each so long after the one before.
const (
	hitEvery      = 5 * time.Millisecond
	meanwhileTime = 10 * time.Second
)

// meanwhile prints how fast hits are acknowledged while eight pages are opened again and
// again, and fails if one of them is refused or lost.
func (d *dashboardBench) meanwhile(ctx context.Context) error {
	count := func() (int, error) {
		out, err := exec.CommandContext(ctx, d.program, "query", fmt.Sprintf("SELECT count() FROM hits WHERE site = %d", meanwhileSite), "--data", d.data).Output()
		if err != nil {
			return 0, err
		}
		return strconv.Atoi(strings.TrimSpace(string(out)))
	}
	before, err := count()
	if err != nil {
		return err
	}
	quiet, err := d.send(ctx)
	if err != nil {
		return err
	}
	busy, stop := context.WithCancel(ctx)
	var readers errgroup.Group
	for _, p := range pagesAtOnce() {
		readers.Go(func() error {
			for busy.Err() == nil {
				if _, err := d.get(busy, p, d.fresh()); err != nil && busy.Err() == nil {
					return err
				}
			}
			return nil
		})
	}
	loaded, err := d.send(ctx)
	stop()
	if err := errors.Join(err, readers.Wait()); err != nil {
		return err
	}
	if err := d.server.awaitStored(ctx); err != nil {
		return err
	}
	after, err := count()
	if err != nil {
		return err
	}
	if want := before + len(quiet) + len(loaded); after != want {
		return fmt.Errorf("%d hits are stored, %d were acknowledged", after, want)
	}
	_, err = fmt.Fprintf(d.out, "%d hits, all stored: acknowledged within %.1f ms (p50) and %.1f ms (p99); while eight pages are opened all the time %.1f and %.1f ms\n", len(quiet)+len(loaded),
		ms(percentile(quiet, 50)), ms(percentile(quiet, 99)), ms(percentile(loaded, 50)), ms(percentile(loaded, 99)))
	return err
}

// send sends hits for a while, and returns how long each took.
func (d *dashboardBench) send(ctx context.Context) ([]time.Duration, error) {
	var times []time.Duration
	tick := time.NewTicker(hitEvery)
	defer tick.Stop()
	for begun := time.Now(); time.Since(begun) < meanwhileTime; {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/pixel.gif?site=%d&url=https://meanwhile.example.org/%d", d.server.addr, meanwhileSite, len(times)%100), nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
		r.Header.Set("X-Forwarded-For", fmt.Sprintf("84.208.%d.%d", len(times)/200%200, len(times)%200))
		sent := time.Now()
		resp, err := d.client.Do(r)
		if err != nil {
			return nil, err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil || resp.Header.Get("X-Fotspor") != "recorded" {
			return nil, fmt.Errorf("hit: %s, %q, %w", resp.Status, resp.Header.Get("X-Fotspor"), err)
		}
		times = append(times, time.Since(sent))
	}
	return times, nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func rollups() []string {
	var names []string
	for _, r := range report.Rollups {
		names = append(names, r.Name)
	}
	return names
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
