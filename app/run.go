package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/fotspor/fotspor/app/demo"
	"github.com/fotspor/fotspor/browser"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/collector"
	"github.com/fotspor/fotspor/collector/body"
	"github.com/fotspor/fotspor/collector/dialect/matomo"
	"github.com/fotspor/fotspor/collector/limit"
	"github.com/fotspor/fotspor/collector/lines"
	"github.com/fotspor/fotspor/collector/optout"
	"github.com/fotspor/fotspor/collector/script"
	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/collector/titles"
	"github.com/fotspor/fotspor/collector/visit"
	"github.com/fotspor/fotspor/dashboard"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/internal/httpmetrics"
	"github.com/fotspor/fotspor/internal/periodic"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/referrer"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/retention"
	"github.com/fotspor/fotspor/retention/receipt"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
)

// maxForm is the largest body of a request to the dashboard, in bytes.
const maxForm = 64 << 10

// Run runs the parts that o names until ctx ends. Then it stops them in the order that loses
// nothing: intake, drain, flush, close. It returns nil after an orderly stop, within 30
// seconds of the end of ctx. Everything that it started has ended when it returns, except
// steps of the stop that ran out of time; its error names these.
func Run(ctx context.Context, o Options) error {
	if err := o.validate(); err != nil {
		return err
	}
	p := &program{Options: o, registry: prometheus.NewRegistry(), fatal: make(chan error, 1)}
	if err := p.start(ctx); err != nil {
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			p.component("program").Info("stopped while it started")
			err = nil // it was asked to
		}
		// The error says what is wrong. The steps that undo the start are not logged.
		return errors.Join(err, p.stop(slog.New(warnings{p.component("program").Handler()})))
	}
	var err error
	select {
	case <-ctx.Done():
		p.component("program").Info("stopping")
	case err = <-p.fatal:
	}
	start := time.Now()
	err = errors.Join(err, p.stop(p.component("program")))
	p.component("program").Info("stopped", "took", time.Since(start).Round(time.Millisecond))
	return err
}

// warnings is a handler that drops records below the level of warnings.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

// program is a running program.
type program struct {
	Options
	registry    *prometheus.Registry
	requests    *httpmetrics.Requests
	store       *store.Store
	began       time.Time     // when the first attempt to open the store began
	prepared    chan struct{} // closed once the store is prepared
	health      *health
	spool       *spool.Spool                             // nil without the collector
	bodies      *body.Budget                             // nil without collector and dashboard
	drops       func(site uint32) []hit.Drop             // nil without the collector
	policies    atomic.Pointer[privacy.History]          // nil until read
	terms       atomic.Pointer[map[uint32]privacy.Terms] // of sites; nil until read
	setPolicy   func(privacy.Policy)                     // of the collector; nil without it
	policyKnown chan struct{}                            // closed once policies is read
	policyNotes policyNotes
	clock       *retention.Clock
	rereads     []reread                    // used by heedHangups
	keptURL     atomic.Pointer[baseurl.URL] // nil until read from the store
	addrs       Addrs
	fatal       chan error // an error ends the program

	lifecycle
}

var errPanicked = errors.New("a part of the program panicked")

// background runs f. The stop of the program cancels its context and waits for it. If f
// panics, the program stops in order. Go itself would print the panic, which could hold an
// address.
func (p *program) background(name string, f func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		defer func() {
			if recover() != nil {
				p.component("program").Error("a part of the program panicked", "at", callers())
				p.fail(errPanicked)
			}
		}()
		f(ctx)
	})
	p.onStop(workers, name, func(context.Context) error {
		cancel()
		wg.Wait()
		return nil
	})
}

// start starts the parts. It is one long list on purpose, because it shows their order.
// Listeners are opened first, so that an address in use is an error at once.
func (p *program) start(ctx context.Context) error {
	metricsListener, err := p.listen(p.MetricsListen)
	if err != nil {
		return err
	}
	p.addrs.Metrics = metricsListener.Addr()
	var publicListener net.Listener
	if p.Collector || p.Dashboard {
		if publicListener, err = p.listen(p.Listen); err != nil {
			return err
		}
		p.addrs.Public = publicListener.Addr()
	}
	if err := p.checkBuild(); err != nil {
		return err
	}
	p.registerProgram()
	tlsConfig, _, err := p.startTLS(publicListener != nil)
	if err != nil {
		return err
	}

	p.health = newHealth(p.registry)
	p.serve(ops, metricsListener, nil, p.opsHandler(), "metrics", nothing)
	if err := p.openStore(ctx); err != nil {
		return err
	}

	if err := p.startPolicy(ctx); err != nil {
		return err
	}

	if p.Collector || p.Retention {
		p.clock = p.NewClock(p.store, p.component("clock"), p.registry)
		watch := func(ctx context.Context) {
			if p.Collector { // the clock keeps its note in the data directory while the store is unavailable
				select {
				case <-p.prepared:
				case <-time.After(time.Minute):
				case <-ctx.Done():
				}
				p.clock.Run(ctx)
				return
			}
			// The note must not create the data directory.
			p.afterStore(p.clock.Run)(ctx)
		}
		p.background("clock", watch)
	}
	if p.Retention {
		worker := p.NewWorker(p.store, p.clock, p.component("retention"), p.registry)
		worker.Outside = p.Outside(p.store)
		p.background("retention", p.afterStore(p.afterPolicy(worker.Run)))
		p.watchBackups()
		p.watchRequests()
		p.watchSizes()
	}

	if publicListener != nil {
		mux, err := p.publicHandler(ctx)
		if err != nil {
			return err
		}
		p.serve(intake, publicListener, tlsConfig, mux, "public", collector.Busy)
	}
	p.background("policy", p.afterStore(p.watchPolicy))
	if p.Reread != nil {
		p.rereads = append(p.rereads, reread{"log level", p.Reread})
		p.follow(reread{"log level", p.Reread}, p.Settings)
	}
	p.background("hangups", p.heedHangups)
	p.greet()
	return nil
}

// reread reads something again that can change outside of the program.
type reread struct {
	what string
	do   func() error
}

// follow calls a reread when one of its files changes, appears or disappears; "" is none. After an
// error it waits for the next change.
func (p *program) follow(r reread, files ...string) {
	files = slices.DeleteFunc(files, func(file string) bool { return file == "" })
	if len(files) == 0 {
		return
	}
	look := func() []os.FileInfo {
		infos := make([]os.FileInfo, len(files))
		for i, file := range files {
			infos[i], _ = os.Stat(file) // nil after an error, which reading it tells
		}
		return infos
	}
	known, logger := look(), p.component("files")
	p.background(r.what+" watch", periodic.Task{
		First: p.paces.files, Every: p.paces.files, Do: func(context.Context) error {
			now := look()
			if slices.EqualFunc(now, known, sameFile) {
				return nil
			}
			known = now
			if err := r.do(); err != nil {
				logger.Error("a changed file can't be used; what was known stays", "what", r.what, "err", err)
				return nil
			}
			logger.Info("a changed file is read", "what", r.what)
			return nil
		},
	}.Run)
}

// heedHangups calls all rereads at each SIGHUP, until ctx ends.
func (p *program) heedHangups(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.Hangups:
		}
		var what, failed []string
		var errs []error
		for _, r := range p.rereads {
			if err := r.do(); err != nil {
				failed, errs = append(failed, r.what), append(errs, err)
				continue
			}
			what = append(what, r.what)
		}
		if len(failed) > 0 {
			p.component("program").Warn("SIGHUP: some of what can change could not be read, what was known of it stays", "not", failed, "what", what, "err", errors.Join(errs...))
			continue
		}
		p.component("program").Info("SIGHUP: read again what can change; other settings need a restart", "what", what)
	}
}

// publicHandler starts what browsers reach.
func (p *program) publicHandler(ctx context.Context) (http.Handler, error) {
	geoDB, err := p.openGeo()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	p.bodies = body.New(body.Options{Bytes: p.BodyMemory, Registerer: p.registry})
	if p.Collector {
		p.spareCollections()
		if err := p.startCollector(ctx, mux, geoDB); err != nil {
			return nil, err
		}
	}
	if p.Dashboard {
		if err := p.startDashboard(ctx, mux, geoDB); err != nil {
			return nil, err
		}
	}
	handler := direct(mux, collector.BusyPaths())
	if p.Collector {
		handler = collector.CleanPaths(handler)
	}
	return collector.CountSenders(handler, p.TrustedProxies, p.registry), nil
}

// startTLS returns how the public listener speaks TLS, and with which certificate; nil if it
// does not.
func (p *program) startTLS(public bool) (*tls.Config, *certificate, error) {
	if !public {
		return nil, nil, nil
	}
	c := newCertificate(p.TLSCert, p.TLSKey, p.component("tls"), p.registry)
	if len(p.TLSACME) > 0 {
		return p.startACME(c), c, nil
	}
	if p.TLSCert == "" {
		return nil, nil, nil
	}
	if err := c.reload(); err != nil {
		return nil, nil, err
	}
	p.rereads = append(p.rereads, reread{"certificate", c.reload})
	p.background("certificate", periodic.Task{
		First: p.paces.files, Every: p.paces.files, Do: func(context.Context) error { c.follow(); return nil },
	}.Run)
	return c.config(), c, nil
}

func (p *program) component(name string) *slog.Logger { return p.Logger.With("component", name) }

// listen opens a listener that closes when the program stops.
func (p *program) listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	p.onStop(ops, "listener", func(context.Context) error {
		l.Close() // usually its server has closed it already
		return nil
	})
	return l, nil
}

// checkBuild returns an error if the program was built without its scripts.
func (p *program) checkBuild() error {
	if p.Collector {
		if err := errors.Join(script.Check(), optout.Check()); err != nil {
			return err
		}
	}
	if p.Dashboard {
		return dashboard.Check()
	}
	return nil
}

func (p *program) registerProgram() {
	p.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	promauto.With(p.registry).NewGauge(prometheus.GaugeOpts{
		Name:        "fotspor_build_info",
		Help:        "Always 1; the labels say which build this is.",
		ConstLabels: prometheus.Labels{"version": p.Version, "commit": p.Commit},
	}).Set(1)
	p.requests = httpmetrics.New(p.registry)
}

func (p *program) openGeo() (*geo.DB, error) {
	files := p.GeoFiles()
	logger := p.component("geo")
	if len(files) == 0 && p.Collector {
		logger.Warn("no GeoIP database found: countries and regions stay unknown")
	}
	db, err := geo.Open(files, geo.Options{Logger: logger, Registerer: p.registry})
	if err != nil {
		return nil, err
	}
	if len(files) > 0 {
		p.rereads = append(p.rereads, reread{"GeoIP databases", func() error { db.Reload(); return nil }})
		p.background("geo watch", func(ctx context.Context) { db.Watch(ctx, p.paces.files) })
	}
	return db, nil
}

func (p *program) startCollector(ctx context.Context, mux *http.ServeMux, geoDB *geo.DB) error {
	if p.Demo {
		if err := p.addDemo(ctx, mux); err != nil {
			return err
		}
	}
	logger := p.component("collector")
	sources, spam, err := p.openLists()
	if err != nil {
		return err
	}
	sites, err := p.startSites(ctx, logger)
	if err != nil {
		return err
	}

	if err := p.startSpool(); err != nil {
		return err
	}
	p.background("quarantine", periodic.Task{
		First: quarantineEvery, Every: quarantineEvery, Do: func(context.Context) error { return p.expireQuarantined(sites) },
		Trouble: &periodic.Trouble{Logger: p.component("spool"), Failed: "quarantined rows that are past the time of their site can't be removed", Over: "quarantined rows are removed in time again"},
	}.Run)
	visits := p.startVisits()
	browsers := browser.New()
	browsers.Now = p.Now

	c := collector.New(collector.Options{
		Policy: p.policyNow(), Sites: sites, Browsers: browsers, Sources: sources, Spam: spam, Geo: geoDB,
		Visits: visits, Lines: p.startLines(sites), Titles: titles.New(titles.Options{Registerer: p.registry}), Limit: limit.New(limit.Options{Rate: p.RateLimit, Now: p.Now}), Bodies: p.bodies, Spool: p.spool, TrustedProxies: p.TrustedProxies,
		Registerer: p.registry, Requests: p.requests, Logger: logger, Now: p.Now, PublicURL: p.toldURL,
		Receipts: p.writeReceipts, ReceiptKeys: p.followReceiptKeys(),
	})
	p.recallHosts(ctx, c)
	c.Routes(mux)
	lists := reread{"lists", func() error {
		sources, spam, err := p.openLists()
		if err == nil {
			c.SetLists(sources, spam)
		}
		return err
	}}
	p.rereads = append(p.rereads, lists)
	p.follow(lists, append(referrer.SourceFiles(p.Sources), p.ReferrerSpam)...)
	p.setPolicy, p.drops = c.SetPolicy, c.Drops
	return nil
}

// writeReceipts writes the receipts of the store as a tar archive.
func (p *program) writeReceipts(ctx context.Context, w io.Writer) error {
	return receipt.WriteTar(w, func(f func(receipt.Receipt) error) error { return p.store.Receipts(ctx, f) })
}

// keysEvery is how often the statement learns by which keys receipts are signed.
const keysEvery = time.Minute

// followReceiptKeys returns what returns the keys of receipts, as they were a minute ago at most.
func (p *program) followReceiptKeys() func() []string {
	var known atomic.Pointer[[]string]
	known.Store(new([]string))
	p.background("keys of receipts", p.afterStore(periodic.Task{
		Every: keysEvery, Trouble: &periodic.Trouble{Logger: p.component("collector"), Failed: "the keys of receipts can't be read; the statement has those of before"},
		Do: func(ctx context.Context) error {
			keys, err := p.store.ReceiptKeys(ctx)
			if err == nil {
				known.Store(&keys)
			}
			return err
		},
	}.Run))
	return func() []string { return *known.Load() }
}

// hostsWait is how long a start waits for the foreign hosts of the store.
const hostsWait = time.Second

// recallHosts counts the foreign hosts in the ledgers of the spool and of the store against the
// bounds of their days. If the store is unavailable, those in it follow when it is prepared.
func (p *program) recallHosts(ctx context.Context, c *collector.Collector) {
	yesterday := calendar.DayOf(p.Now().UTC()) - 1 // which is not over everywhere
	logger := p.component("collector")
	if err := p.spool.Waiting(yesterday.Time(), func(b hit.Batch) { c.Recall(b.Ledger) }); err != nil {
		logger.Warn("foreign hosts that wait for the store do not count against those of today", "err", err)
	}
	recall := func(ctx context.Context) error { // after the spool, whose segments may be stored meanwhile
		ctx, cancel := context.WithTimeout(ctx, hostsWait)
		defer cancel()
		hosts, err := p.store.ForeignHosts(ctx, yesterday)
		c.Recall(hosts)
		return err
	}
	if err := recall(ctx); err != nil {
		p.background("foreign hosts", p.afterStore(func(ctx context.Context) {
			if err := recall(ctx); err != nil && ctx.Err() == nil {
				logger.Warn("foreign hosts in the store do not count against those of today", "err", err)
			}
		}))
	}
}

// startSites reads the sites, from the store or else from the copy. Without either it returns
// an error, since the collector could not know which hits are for its sites.
func (p *program) startSites(ctx context.Context, logger *slog.Logger) (*collector.Sites, error) {
	if err := os.MkdirAll(p.Data, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	sites := collector.NewSites(p.store, p.sitesFile(), logger)
	restoreErr := sites.Restore()
	wait := storeWait
	if restoreErr == nil { // use what is left of the time for opening the store
		wait = max(time.Until(p.began.Add(startWait)), readWait)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if err := sites.Refresh(ctx); err != nil { // tried also if the store is not prepared, since its rules are the current ones
		if restoreErr != nil {
			return nil, errors.Join(err, restoreErr)
		}
		logger.Warn("sites could not be read, the last known ones are used until the store has come", "err", err)
		p.background("sites at first", p.afterStore(func(ctx context.Context) {
			if err := sites.Refresh(ctx); err == nil {
				logger.Info("sites are those of the store again")
			} // else Watch logs it
		}))
	}
	p.rereads = append(p.rereads, reread{"sites", func() error { return sites.Refresh(context.Background()) }}) // Refresh has its own bound
	p.background("sites watch", func(ctx context.Context) { sites.Watch(ctx, p.paces.sites) })
	return sites, nil
}

// sitesFile returns the path of the copy of the sites.
func (p *program) sitesFile() string { return sitesFile(p.Data) }

func sitesFile(data string) string { return filepath.Join(data, "sites.json") }

// CopiedSites returns the sites as a collector last copied them to a data directory, and when it
// did. If there is no copy, the error matches fs.ErrNotExist.
func CopiedSites(data string) ([]site.Site, time.Time, error) {
	info, err := os.Stat(sitesFile(data))
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("copy of the sites: %w", err)
	}
	sites, err := collector.CopiedSites(sitesFile(data))
	return sites, info.ModTime(), err
}

// CopySites writes the copy of the sites that CopiedSites reads, into a data directory.
func CopySites(ctx context.Context, data string, st *store.Store) error {
	return collector.NewSites(st, sitesFile(data), slog.New(slog.DiscardHandler)).Refresh(ctx)
}

// hitsPerNewVisitor is how many hits of the rate limit a network has for each new visitor.
// With the default rate limit, 36,000 new visitors an hour may come from one network.
const hitsPerNewVisitor = 10

// quarantineEvery is how often quarantined rows are looked at.
const quarantineEvery = time.Hour

// expireQuarantined takes rows and titles out of quarantined segments whose site keeps them
// shorter than the policy says; whole segments that are older than that expire in the spool.
func (p *program) expireQuarantined(sites *collector.Sites) error {
	cutoffs := sites.Cutoffs(p.policyNow(), p.Now())
	if len(cutoffs) == 0 || !p.spool.Quarantined() || !p.clock.Trusted() {
		return nil
	}
	taken, err := spool.TakeOut(p.Data+"/spool", false, func(b *hit.Batch) (int, error) { return takeExpired(b, cutoffs), nil })
	if taken.Taken > 0 {
		p.component("spool").Warn("quarantined rows past the time of their site are removed", "rows", taken.Taken)
	}
	return err
}

// takeExpired takes the rows and titles of days before the cut-offs of their sites out of a batch,
// and returns how many.
func takeExpired(b *hit.Batch, cutoffs map[uint32]calendar.Day) int {
	had := b.Len()
	b.Rows = slices.DeleteFunc(b.Rows, func(row hit.Row) bool { return row.Day < cutoffs[row.Site] })
	b.Titles = slices.DeleteFunc(b.Titles, func(title hit.PageTitle) bool { return title.Day < cutoffs[title.Site] })
	return had - b.Len()
}

// startVisits returns a tracker with the visitors that the previous process has handed over,
// if it has.
func (p *program) startVisits() *visit.Tracker {
	logger := p.component("visit")
	visits := visit.New(visit.Options{
		Memory: p.VisitMemory, NewVisitors: p.RateLimit / hitsPerNewVisitor,
		Now: p.Now, Registerer: p.registry, Logger: logger,
	})
	if p.Handover == "" {
		logger.Info("visitors start afresh after a restart", "reason", "no --handover")
	} else if n, err := visits.TakeOver(p.Handover); err != nil {
		logger.Warn("visitors start afresh after a restart", "reason", err)
	} else {
		logger.Info("visitors taken over", "visitors", n)
	}
	p.onStop(flush, "visitors", func(context.Context) error { // in stage flush, after Run has ended
		if p.Handover == "" {
			return nil
		}
		if err := visits.HandOver(p.Handover); err != nil {
			logger.Warn("visitors are not handed over", "reason", err)
		}
		return nil
	})
	p.background("visits", visits.Run)
	return visits
}

// startLines returns the lines of the copy in the data directory and those of the rows in the
// spool. It adds those of the store when the store is prepared.
func (p *program) startLines(sites *collector.Sites) *lines.Lines {
	logger := p.component("lines")
	known := lines.New(lines.Options{Memory: p.LineMemory, Now: p.Now, Logger: logger, Registerer: p.registry})
	file := filepath.Join(p.Data, "lines.bin")
	if err := known.Restore(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		logger.Warn("known lines could not be restored, those of the store are used once it has come", "err", err)
	}
	yesterday := calendar.DayOf(p.Now().UTC()) - 1 // which is not over everywhere
	if err := p.spool.Waiting(yesterday.Time(), func(b hit.Batch) {
		for i := range b.Rows {
			known.Recall(&b.Rows[i])
		}
	}); err != nil {
		logger.Warn("what waits for the store does not count against the lines of today", "err", err)
	}
	p.onStop(flush, "lines", func(context.Context) error { // in stage flush, after Run has ended
		if err := known.Save(file); err != nil {
			logger.Warn("the known lines can't be saved; a start without the store will not know them", "err", err)
		}
		return nil
	})
	p.background("lines", p.afterStore(func(ctx context.Context) { known.Run(ctx, p.store, sites.IDs, file) }))
	return known
}

func (p *program) durability() spool.Durability {
	if p.Power {
		return spool.Power
	}
	return spool.Process
}

// startSpool opens the spool and drains it into the store. When the program stops, it tries
// once more to store what is left. What can't be stored waits on disk for the next start.
func (p *program) startSpool() error {
	logger := p.component("spool")
	sp, err := spool.Open(p.Data+"/spool", spool.Options{
		MaxBytes: p.SpoolBytes, SealAfter: p.paces.seal, Durability: p.durability(), Logger: logger, Registerer: p.registry,
		// Quarantined segments have the same retention as stored rows.
		Retention: func() time.Duration {
			now := p.Now()
			return now.Sub(p.policyNow().Retention.Cutoff(now))
		}, ClockTrusted: p.clock.Trusted,
	})
	if err != nil {
		return err
	}
	p.spool = sp
	p.health.add(func() error {
		if sp.Full() {
			return errSpoolFull
		}
		return sp.Err()
	})
	p.background("disk watch", periodic.Task{
		First: p.paces.health, Every: p.paces.health, Do: func(context.Context) error { sp.Check(); return nil },
	}.Run)
	p.onStop(closing, "spool", func(context.Context) error { return sp.Close() })
	p.background("backfill", p.afterStore(p.store.Backfill))
	promauto.With(p.registry).NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fotspor_backfill_remaining",
		Help: "Days whose rows a new rollup has not counted yet, while the collector counts them after an upgrade.",
	}, func() float64 { return float64(p.store.Backfilling()) })
	insert := p.countedInsert()
	p.onStop(flush, "hits in the spool", func(ctx context.Context) error {
		if err := sp.Flush(ctx, insert); err != nil {
			logger.Warn("hits wait in the spool for the next start", "err", err)
		}
		return nil
	})
	p.background("drain", func(ctx context.Context) {
		if err := sp.Drain(ctx, insert); err != nil {
			p.fail(err)
		}
	})
	return nil
}

// countedInsert returns the store's Insert with metrics.
func (p *program) countedInsert() spool.Inserter {
	f := promauto.With(p.registry)
	stored := f.NewCounter(prometheus.CounterOpts{
		Name: "fotspor_hits_stored_total",
		Help: "Rows that the store has acknowledged.",
	})
	failures := f.NewCounter(prometheus.CounterOpts{
		Name: "fotspor_store_insert_failures_total",
		Help: "Inserts that failed. The segment stays and is tried again.",
	})
	duration := f.NewHistogram(httpmetrics.Histogram(prometheus.HistogramOpts{
		Name:    "fotspor_store_insert_duration_seconds",
		Help:    "Time to insert one segment into the store.",
		Buckets: prometheus.ExponentialBuckets(0.005, 2, 12),
	}))
	return func() spool.Insertion {
		return &countedInsertion{p.store.Begin(), stored, failures, duration}
	}
}

// countedInsertion is an insertion with metrics.
type countedInsertion struct {
	*store.Insertion
	stored, failures prometheus.Counter
	duration         prometheus.Histogram
}

func (in *countedInsertion) Insert(ctx context.Context, batch hit.Batch, token string) error {
	start, rows := time.Now(), in.Len()
	err := in.Insertion.Insert(ctx, batch, token)
	in.duration.Observe(time.Since(start).Seconds())
	if err != nil {
		in.failures.Inc()
		if errors.Is(err, store.ErrRefused) {
			err = fmt.Errorf("%w: %w", spool.ErrRefused, err)
		}
		return err
	}
	in.stored.Add(float64(rows))
	return nil
}

// figures returns what answers the queries of pages.
func (p *program) figures() report.Source {
	return store.Reports{Store: p.store, Planner: p.planner}
}

func (p *program) startDashboard(ctx context.Context, mux *http.ServeMux, geoDB *geo.DB) error {
	languages, err := p.Languages()
	if err != nil {
		return err
	}
	d, err := dashboard.New(dashboard.Options{
		Languages: languages,
		Store:     p.store, Figures: p.figures(), Logger: p.Logger, Registerer: p.registry,
		Requests: p.requests, Now: p.Now, BaseURL: p.PublicURL,
		Attribution: geoDB.Attribution, Snippet: p.snippet,
		Drops: p.drops, CountsObjections: func() bool { return p.policyNow().CountObjections },
		Rounding:  func() int64 { return int64(p.policyNow().Rounding) },
		Statement: func(site uint32) string { return fmt.Sprintf("/privacy/%d", site) },
		Rights:    p.rights(),
		Network: func(r *http.Request) string {
			return geo.Cut(collector.ClientAddr(r, p.TrustedProxies), geo.MaxBits4, geo.MaxBits6)
		},
	})
	if err != nil {
		return err
	}
	pages := http.NewServeMux()
	d.Routes(pages)
	client := func(r *http.Request) hit.Addr { return collector.ClientAddr(r, p.TrustedProxies) }
	mux.Handle("/", p.bodies.Handler(matomo.AtRoot(mux, p.recovered(pages, d.AnswerPanic)), client, maxForm, d.RefuseBody))
	p.background("audit log", p.afterStore(d.Run))
	if p.storePrepared() {
		if p.addrs.SetupURL, err = d.SetupURL(ctx, p.baseURL()); err == nil {
			return nil
		}
	}
	p.background("first user", p.afterStore(periodic.Task{
		Every: p.paces.health, Once: true,
		Do: func(ctx context.Context) error {
			link, err := d.SetupURL(ctx, p.baseURL())
			if err == nil {
				p.greetFirst(link)
			}
			return err
		},
		Trouble: &periodic.Trouble{Logger: p.component("program"), Failed: "whether there is an administrator is not known yet"},
	}.Run))
	return nil
}

// addDemo adds the demo pages.
func (p *program) addDemo(ctx context.Context, mux *http.ServeMux) error {
	site, err := p.demoSite(ctx)
	if err != nil {
		return err
	}
	pages := demo.Handler(p.PublicURL, site.ID)
	mux.Handle("GET /demo", pages)
	mux.Handle("GET /demo/", pages)
	return nil
}

// demoSite returns the first site that has the host of this program's own address, or adds
// one.
func (p *program) demoSite(ctx context.Context) (site.Site, error) {
	sites, err := p.store.Sites(ctx)
	if err != nil {
		return site.Site{}, err
	}
	own := p.baseURL().Hostname()
	host, named := hostname.Parse(own)
	for _, site := range sites {
		if site.Owns(own) {
			return site, nil
		}
	}
	hosts := []string{"localhost", "127.0.0.1"}
	if named == nil && !slices.Contains(hosts, host) { // an IPv6 address has no name
		hosts = append(hosts, host)
	}
	return p.store.AddSite(ctx, site.Site{Name: "Demo", Hosts: hosts, Location: DefaultZone()})
}

// baseURL returns how browsers reach the program.
func (p *program) baseURL() baseurl.URL {
	if len(p.TLSACME) > 0 {
		return p.PublicURL.Or(baseurl.Listening(p.TLSACME[0], true))
	}
	return p.PublicURL.Or(baseurl.Listening(p.addrs.Public.String(), p.TLSCert != ""))
}

// toldURL returns the public address of the program: that of --public-url, else the last one
// in the store. It is zero if there is none.
func (p *program) toldURL() baseurl.URL {
	if kept := p.keptURL.Load(); kept != nil {
		return p.PublicURL.Or(*kept)
	}
	return p.PublicURL
}

// snippet is script.Snippet. It uses base only if the program has no public address.
func (p *program) snippet(base string, site uint32, parameters ...string) string {
	if told := p.toldURL(); !told.IsZero() {
		base = told.String()
	}
	return script.Snippet(base, site, parameters...)
}

// fail ends the program with an error. Of several calls the first one counts.
func (p *program) fail(err error) {
	select {
	case p.fatal <- err:
	default:
	}
}

// greet writes the addresses for people to Out.
func (p *program) greet() {
	p.component("program").Info("started", "public", p.addrs.Public, "metrics", p.addrs.Metrics, "clickhouse", p.store.Version())
	if p.Demo {
		fmt.Fprintf(p.Out, "Demo page:  %s/demo\n", p.baseURL())
	}
	if p.Dashboard {
		fmt.Fprintf(p.Out, "Dashboard:  %s/\n", p.baseURL())
	}
	p.greetFirst(p.addrs.SetupURL)
	p.health.started()
	if p.Started != nil {
		p.Started(p.addrs)
	}
}

// greetFirst writes the set-up link for the first administrator, unless there is one.
func (p *program) greetFirst(link string) {
	if link != "" {
		fmt.Fprintf(p.Out, "There is no administrator yet. Make the first one here, once:\n  %s\n", link)
	}
}

// DefaultZone is the time zone of a site that names none.
func DefaultZone() *time.Location {
	loc, err := time.LoadLocation("Europe/Oslo")
	if err != nil { // can't happen: the program embeds the zone data
		return time.UTC
	}
	return loc
}
