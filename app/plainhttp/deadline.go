package plainhttp

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// DefaultHandlerTime is how long the handler of a plain request may take.
const DefaultHandlerTime = 10 * time.Second

// handling is the context of the request under way on a connection, which ends at its
// deadline. It costs next to nothing until somebody waits for its end, which nearly no
// handler does.
type handling struct {
	mu       sync.Mutex
	over     bool
	deadline time.Time
	real     context.Context // nil until somebody waits
	cancel   context.CancelFunc
}

var _ context.Context = (*handling)(nil)

// begin makes it the context of another request.
func (h *handling) begin(deadline time.Time) {
	h.mu.Lock()
	h.deadline, h.over = deadline, false
	h.mu.Unlock()
}

// end ends the context.
func (h *handling) end() {
	h.mu.Lock()
	h.over = true
	if h.real != nil {
		h.cancel()
		h.real, h.cancel = nil, nil
	}
	h.mu.Unlock()
}

// over is a context that has ended.
var over = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// wait returns a context whose end can be waited for.
func (h *handling) wait() context.Context {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return over
	}
	if h.real == nil {
		h.real, h.cancel = context.WithDeadline(context.Background(), h.deadline)
	}
	return h.real
}

func (h *handling) Deadline() (time.Time, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.deadline, true
}

func (h *handling) Done() <-chan struct{} { return h.wait().Done() }
func (h *handling) Err() error            { return h.wait().Err() }

// Value returns nothing before somebody waits: contexts made of this one, which find each
// other by it, call Done first.
func (h *handling) Value(key any) any {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.real == nil {
		return nil
	}
	return h.real.Value(key)
}

// tooLate is the answer to a request whose handler did not return in time.
const tooLate = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"

// watch answers the requests whose handlers take longer than they may, until stop is
// closed. Such a handler has had the end of its context; it is left behind.
func (s *Server) watch(stop <-chan struct{}) {
	tick := time.NewTicker(s.HandlerTime / 4)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-tick.C:
			s.endLate(now)
		}
	}
}

func (s *Server) endLate(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		// A quarter of the time more is for a handler that heeds its context to answer.
		began := c.began.Load()
		if began == 0 || now.Sub(s.born)-time.Duration(began) < s.HandlerTime+s.HandlerTime/4 || !c.state.CompareAndSwap(busy, closed) {
			continue
		}
		s.http.ErrorLog.Print("plainhttp: a handler takes too long")
		c.SetWriteDeadline(now.Add(time.Second)) // it is short: it fits into the buffers of the system
		c.Conn.Write([]byte(tooLate))
		cut(c.Conn)
	}
}

// bounded gives the requests to a handler a deadline.
func bounded(next http.Handler, limit time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), limit)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
