package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/internal/periodic"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/embedded"
)

// How long the start and the stop of a store may take.
const (
	startWait = 700 * time.Millisecond // first attempt of a collector that can start without the store
	readWait  = 150 * time.Millisecond // added for such a collector, to read the sites
	pageWait  = 3 * time.Second        // first attempt of dashboard and retention alone, whose work can wait
	storeWait = 30 * time.Second       // first attempt of other programs, and each later attempt
	longWait  = time.Minute            // longest wait between two attempts
)

// openStore opens the store. If the store is not available at once, a program that can start
// without it does so: hits wait in the spool, pages answer 503, /readyz reports why, and the
// program tries the store again until it is available.
func (p *program) openStore(ctx context.Context) error {
	cfg := p.StoreConfig()
	cfg.Lazy, cfg.RowsSince, cfg.Registerer = true, p.wholeSince, p.registry
	st, err := store.Open(ctx, cfg)
	if err != nil {
		return err
	}
	p.store, p.prepared, p.began = st, make(chan struct{}), time.Now()
	p.onStop(closing, "store", func(context.Context) error { return st.Close() })
	p.health.watchStore(st.Ping)
	first := make(chan error, 1) // result of the first attempt
	p.background("store", func(ctx context.Context) { p.runStore(ctx, first) })
	// Until the store is prepared, health has the errors of the attempts, which say more
	// than a ping.
	p.background("health watch", p.afterStore(func(ctx context.Context) { p.health.watch(ctx, p.paces.health) }))

	wait := storeWait
	switch {
	case !p.Collector:
		wait = pageWait
	case p.startsWithoutStore():
		wait = startWait
	}
	enough := time.NewTimer(wait)
	defer enough.Stop()
	select {
	case err = <-first:
	case <-enough.C:
		err = fmt.Errorf("the store did not answer within %v", wait)
	case <-ctx.Done():
		return ctx.Err()
	}
	if err != nil && !p.startsWithoutStore() {
		if p.Collector && !p.Demo {
			err = fmt.Errorf("%w; without its store, or copies of the sites and the policy in %s from a time when it had one, no hit can be taken", advised(err), p.Data)
		}
		return err
	}
	return nil
}

// startsWithoutStore reports whether the program can start without its store. The collector
// needs copies of the sites and of the policy. Dashboard and retention can wait until another process makes
// the store.
func (p *program) startsWithoutStore() bool {
	if p.Demo {
		return false
	}
	if !p.Collector {
		return true
	}
	_, sites := os.Stat(p.sitesFile())
	_, policy := os.Stat(p.policyFile())
	return sites == nil && policy == nil
}

// afterStore returns a function that waits until the store is prepared, and then calls f.
func (p *program) afterStore(f func(context.Context)) func(context.Context) {
	return func(ctx context.Context) {
		select {
		case <-ctx.Done():
		case <-p.prepared:
			f(ctx)
		}
	}
}

// storePrepared reports whether the store has been prepared.
func (p *program) storePrepared() bool {
	select {
	case <-p.prepared:
		return true
	default:
		return false
	}
}

// runStore tries to prepare the store until that succeeds. Then it serves the engine to other
// processes, if this process has it open. first gets the result of the first attempt.
func (p *program) runStore(ctx context.Context, first chan<- error) {
	wait := p.paces.retry
	periodic.Task{
		Once: true,
		Do: func(ctx context.Context) error {
			err := p.prepareStore(ctx)
			if err == nil || ctx.Err() != nil {
				return err
			}
			p.health.heard(fmt.Errorf("waiting for the store: %w", advised(err)))
			select {
			case first <- err:
			default:
			}
			return advised(err)
		},
		Next: func(err error) time.Duration {
			now := wait
			if p.Store == "" && !errors.Is(err, store.ErrNoStore) { // each attempt makes the engine load all metadata and log errors
				wait = min(2*wait, longWait)
			}
			return now
		},
		Trouble: &periodic.Trouble{Logger: p.component("store"), Failed: "the store is unavailable: " + p.meanwhile(), Over: "the store is back"},
	}.Run(ctx)
	if ctx.Err() != nil {
		return
	}
	p.health.heard(nil)
	close(p.prepared)
	select {
	case first <- nil:
	default:
	}
	p.serveEngine(ctx, p.component("engine"))
}

// meanwhile returns in words what happens while the store is unavailable.
func (p *program) meanwhile() string {
	if p.Collector {
		return "hits wait in the spool"
	}
	return "nothing is done until another process makes it, or brings it back"
}

// prepareStore tries once to prepare the store, and keeps the public address.
func (p *program) prepareStore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	if err := p.store.Prepare(ctx); err != nil {
		return err
	}
	if p.Collector || p.Dashboard {
		if err := p.keepURL(ctx); err != nil {
			p.component("store").Warn("the public address can't be stored or read", "err", err)
		}
	}
	return nil
}

// keepURL keeps in the store how browsers reach the program, for commands that print what
// to paste and for programs that are not told; one that is not learns it there.
func (p *program) keepURL(ctx context.Context) error {
	if !p.PublicURL.IsZero() {
		return p.store.SetPublicURL(ctx, p.PublicURL.String())
	}
	kept, err := p.store.PublicURL(ctx)
	if errors.Is(err, site.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	told, err := baseurl.Parse(kept.Value)
	if err != nil {
		return fmt.Errorf("public address %q: %w", kept.Value, err)
	}
	p.keptURL.Store(&told)
	return nil
}

// serveEngine serves the engine to other processes until ctx ends, if there is one in
// this process.
func (p *program) serveEngine(ctx context.Context, logger *slog.Logger) {
	engine := p.store.Engine()
	if engine == nil {
		return
	}
	l, err := engine.Listen()
	if err == nil {
		err = engine.Serve(ctx, l)
	}
	if err != nil {
		logger.Error("other commands can't reach the store", "err", err)
	}
}

// advised adds to an error of the embedded engine what a person can do about it.
func advised(err error) error {
	var what string
	switch {
	case errors.Is(err, embedded.ErrNoLibrary): // says what to do itself
	case errors.Is(err, embedded.ErrLocked):
		what = "end the process that has it and does not answer, or name another directory with --data"
	case errors.Is(err, embedded.ErrNotLoaded) && errors.Is(err, fs.ErrPermission):
		what = "let that user read the library, or name another with --engine"
	case errors.Is(err, embedded.ErrNotLoaded):
		what = "install the library again, or name another with --engine"
	case errors.Is(err, fs.ErrPermission):
		what = "give the files of the data directory to the user of this process, as with chown -R"
	case errors.Is(err, embedded.ErrNotStarted):
		what = "if it says that a file is damaged, take the folder clickhouse of the data directory from a backup, or move it away to begin with an empty store; hits in the spool are kept"
	}
	if what == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, what)
}
