package app

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/fotspor/fotspor/internal/periodic"
)

// pingTime is how long the store may take to answer a ping.
const pingTime = 3 * time.Second

// health holds why the program can't do all of its work. It is safe for concurrent use.
type health struct {
	up prometheus.Gauge

	mu      sync.Mutex
	ping    func(context.Context) error
	asking  bool  // a ping is running
	store   error // the result of the last ping
	running bool  // the start is complete
	checks  []func() error
}

// Reasons not to be ready.
var (
	errStarting  = errors.New("the program is starting")
	errNotAsked  = errors.New("the store has not answered yet")
	errSpoolFull = errors.New("the spool is full")
)

// newHealth returns the health of a program that is starting.
func newHealth(r prometheus.Registerer) *health {
	return &health{
		store: errNotAsked,
		up: promauto.With(r).NewGauge(prometheus.GaugeOpts{
			Name: "fotspor_engine_up",
			Help: "1 if the ClickHouse behind the store, embedded or not, answered the last ping, else 0.",
		}),
	}
}

// watchStore sets the function that pings the store.
func (h *health) watchStore(ping func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ping = ping
}

// started records that the start is complete.
func (h *health) started() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running = true
}

// add adds a check that ready calls. It must return at once.
func (h *health) add(check func() error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, check)
}

// heard records the result of a ping: nil if the store answered.
func (h *health) heard(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.store = err
	if err == nil {
		h.up.Set(1)
	} else {
		h.up.Set(0)
	}
}

// ask pings the store and waits for pingTime at most. A ping may go on after that: ask
// starts no other one before it has ended.
func (h *health) ask(ctx context.Context) {
	pingCtx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	h.mu.Lock()
	ping, asking := h.ping, h.asking
	h.asking = true
	h.mu.Unlock()
	if asking {
		h.heard(errNotAsked)
		return
	}
	err := within(pingCtx, func(ctx context.Context) error {
		defer func() {
			h.mu.Lock()
			h.asking = false
			h.mu.Unlock()
		}()
		return ping(ctx)
	})
	if errors.Is(err, errOutOfTime) {
		err = errNotAsked
	}
	if ctx.Err() == nil { // else the ping failed because the program stops
		h.heard(err)
	}
}

// watch pings the store at every interval until ctx ends.
func (h *health) watch(ctx context.Context, interval time.Duration) {
	periodic.Task{First: interval, Every: interval, Do: func(ctx context.Context) error { h.ask(ctx); return nil }}.Run(ctx)
}

// ready returns why the program can't do all of its work right now, or nil.
func (h *health) ready() error {
	h.mu.Lock()
	err, checks := h.store, h.checks[:len(h.checks):len(h.checks)]
	if !h.running {
		err = errors.Join(errStarting, err)
	}
	h.mu.Unlock()
	for _, check := range checks {
		err = errors.Join(err, check())
	}
	return err
}

// opsHandler serves the endpoints for ops. /healthz answers while the process runs; /readyz
// reports whether it can accept and store hits, or show figures. What a scraper reads every few
// seconds is small, and goes over a network of ops: it is not compressed.
func (p *program) opsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(p.registry, promhttp.HandlerOpts{Registry: p.registry, DisableCompression: true}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := p.health.ready(); err != nil {
			http.Error(w, "not ready: "+strings.ReplaceAll(err.Error(), "\n", "; "), http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, "ready\n")
	})
	return mux
}
