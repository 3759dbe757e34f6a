package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// pingTime is how long the store may take to answer that it is there.
const pingTime = 3 * time.Second

// health knows whether the store answers.
type health struct {
	ping func(context.Context) error
	up   prometheus.Gauge
	last atomic.Pointer[error]
}

// newHealth asks the store once.
func newHealth(ctx context.Context, store interface{ Ping(context.Context) error }, r prometheus.Registerer) *health {
	h := &health{
		ping: store.Ping,
		up: promauto.With(r).NewGauge(prometheus.GaugeOpts{
			Name: "fotspor_engine_up",
			Help: "1 if ClickHouse, embedded or not, answered when last asked.",
		}),
	}
	h.ask(ctx)
	return h
}

// ask learns whether the store answers.
func (h *health) ask(ctx context.Context) {
	pingCtx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	err := h.ping(pingCtx)
	if ctx.Err() != nil {
		return // it is the program that ends
	}
	h.last.Store(&err)
	if err == nil {
		h.up.Set(1)
	} else {
		h.up.Set(0)
	}
}

// watch asks the store at every interval until ctx ends.
func (h *health) watch(ctx context.Context, interval time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		h.ask(ctx)
	}
}

var errSpoolFull = errors.New("the spool is full")

// ready returns why the program can't do all of its work right now, or nil.
func (p *program) ready() error {
	if err := p.health.last.Load(); err != nil && *err != nil {
		return *err
	}
	if p.spool != nil && p.spool.Full() {
		return errSpoolFull
	}
	return nil
}

// opsHandler serves what ops ask for: /healthz says that the process lives,
// /readyz that it can take and store hits or show figures.
func (p *program) opsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(p.registry, promhttp.HandlerOpts{Registry: p.registry}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := p.ready(); err != nil {
			http.Error(w, fmt.Sprintf("not ready: %v", err), http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, "ready\n")
	})
	return mux
}
