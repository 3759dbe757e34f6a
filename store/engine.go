package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/fotspor/fotspor/store/embedded"
)

// engineWait bounds the wait for another process to release the data directory or to
// answer on its socket. Commands that hold it take seconds.
const engineWait = 10 * time.Second

// errNotOpen means that the embedded engine is not open, or not yet.
var errNotOpen = errors.New("the embedded engine is not open")

// embeddedWay is an http.RoundTripper to an embedded engine of this or another process. The
// engine may be opened later.
type embeddedWay struct {
	open func(context.Context) (http.RoundTripper, error)

	mu      sync.Mutex
	to      http.RoundTripper // nil until open
	opening *opening          // the running attempt; nil if there is none
	closed  bool
}

// opening is one attempt to open the engine. It can't be cancelled.
type opening struct {
	done chan struct{} // closed once err is set
	err  error
}

// RoundTrip implements http.RoundTripper.
func (w *embeddedWay) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	to := w.to
	w.mu.Unlock()
	if to == nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, errNotOpen
	}
	return to.RoundTrip(r)
}

// Open opens the engine if it is not open, or waits for a running attempt. It returns when
// ctx ends; an attempt in the engine's library goes on then.
func (w *embeddedWay) Open(ctx context.Context) error {
	w.mu.Lock()
	if w.to != nil {
		w.mu.Unlock()
		return nil
	}
	if w.closed {
		w.mu.Unlock()
		return errNotOpen
	}
	o := w.opening
	if o == nil {
		o = &opening{done: make(chan struct{})}
		w.opening = o
		go w.attempt(context.WithoutCancel(ctx), o)
	}
	w.mu.Unlock()
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
		return errors.Join(errNotOpen, ctx.Err())
	}
}

// attempt opens the engine, and closes it at once if Close was called meanwhile.
func (w *embeddedWay) attempt(ctx context.Context, o *opening) {
	ctx, cancel := context.WithTimeout(ctx, engineWait)
	defer cancel()
	to, err := w.open(ctx)
	w.mu.Lock()
	w.opening = nil
	closed := w.closed
	if err == nil && !closed {
		w.to = to
	}
	w.mu.Unlock()
	if err == nil && closed {
		if engine, ok := to.(*embedded.Engine); ok {
			err = engine.Close()
		}
		err = errors.Join(errNotOpen, err)
	}
	o.err = err
	close(o.done)
}

// forget drops the connection to the engine of another process, for when it does not
// answer: the next Open looks again which process has the data directory.
func (w *embeddedWay) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if other, ok := w.to.(*http.Transport); ok && !w.closed {
		other.CloseIdleConnections()
		w.to = nil
	}
}

// engine returns the engine of this process; nil if it is not open or another process has
// it.
func (w *embeddedWay) engine() *embedded.Engine {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	engine, _ := w.to.(*embedded.Engine)
	return engine
}

// Close closes the engine if this process opened it. It waits for a running attempt to open
// it, for closeWait at most.
func (w *embeddedWay) Close() error {
	w.mu.Lock()
	w.closed = true
	o := w.opening
	w.mu.Unlock()
	if o != nil {
		enough := time.NewTimer(closeWait)
		defer enough.Stop()
		select {
		case <-o.done:
		case <-enough.C:
			return errors.New("the engine is still being opened")
		}
	}
	switch to := w.to.(type) { // w.to does not change after closed is set
	case *embedded.Engine:
		return to.Close()
	case *http.Transport:
		to.CloseIdleConnections()
	}
	return nil
}

// closeWait is how long Close waits for an attempt to open the engine.
const closeWait = 4 * time.Second

// openEngine returns the engine of this process or, if another process has the
// data directory, a way to that process's engine.
func (s *Store) openEngine(ctx context.Context, cfg Config) (http.RoundTripper, error) {
	for {
		if !cfg.Create && !embedded.Exists(cfg.Dir) {
			return nil, fmt.Errorf("%w in %q", ErrNoStore, cfg.Place())
		}
		engine, err := embedded.Open(ctx, embedded.Options{
			Dir:       cfg.Dir,
			Library:   cfg.Library,
			MaxMemory: cfg.MaxMemory,
			Logger:    s.log,
		})
		if err == nil {
			engine.Watch(s.changes.note) // as long as it runs
			s.sees.Store(true)
			return engine, nil
		}
		if !errors.Is(err, embedded.ErrLocked) {
			return nil, err
		}
		// The process that has the engine serves it on this socket, unless it is just
		// starting or ending.
		socket := embedded.SocketPath(cfg.Dir)
		if conn, dialErr := net.Dial("unix", socket); dialErr == nil {
			conn.Close()
			return embedded.DialTransport(socket), nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
		if ctx.Err() != nil { // the error below says more than that of ctx
			return nil, err
		}
	}
}
