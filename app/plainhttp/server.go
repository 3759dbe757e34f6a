// Package plainhttp is an HTTP server for a great many small requests. It answers plain
// ones itself, on a short path, and leaves each connection on which anything else comes
// to net/http.
//
// A request is plain if it comes whole in one read, is a GET or a POST in HTTP/1.1 of a
// path that was named to the server, and holds nothing that two readers could understand
// in two ways: printable ASCII, one Host, at most one length, no other coding, nothing
// asked of the connection but to keep it. A browser's request is, and so is that of a
// proxy. All others, those of slow and of hostile clients among them, are net/http's,
// with its limits and its answers.
package plainhttp

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server is an http.Server with a short path. It is safe for concurrent use.
type Server struct {
	// HandlerTime is how long a handler may take: the context of its request ends then.
	// A plain request whose handler has not returned a quarter of that later is answered
	// 503, and its connection closed. Other requests get ReadTimeout more, for their
	// bodies. To be set before Serve; DefaultHandlerTime if it is not.
	HandlerTime time.Duration

	handler http.Handler
	born    time.Time // from which conn.began is counted
	http    *http.Server
	plain   func(path string) bool
	rest    *passed
	tls     *tls.Config    // nil: without TLS
	h2      atomic.Int64   // connections of HTTP/2
	stop    chan struct{}  // closed, under mu, when no more requests are taken
	live    sync.WaitGroup // of conns, which add to it under mu

	mu       sync.Mutex
	listener net.Listener
	conns    map[*conn]struct{}
}

// New returns a server that answers plain requests to the paths that plain names, and
// has all others answered by server. The handler is the same for both, and so are
// ErrorLog, ReadHeaderTimeout, for the first request, and IdleTimeout, between requests,
// which must be set. Plain requests are handled with a few differences:
//
//   - The request must not be kept or changed by the handler, nor its header or body.
//   - Its context ends with its time, and not when the client goes away.
//   - The answer is sent when the handler has returned, in one piece: headers may be set
//     until then, and http.ResponseController finds nothing to control.
//
// With a TLSConfig it speaks TLS alone, and HTTP/2 to who asks for it, which net/http
// answers. The handshake is part of the time for the first head.
func New(server *http.Server, plain func(path string) bool) *Server {
	s := &Server{
		HandlerTime: DefaultHandlerTime, handler: server.Handler, born: time.Now().Add(-1),
		http: server, plain: plain, stop: make(chan struct{}), conns: map[*conn]struct{}{},
		rest: &passed{conns: make(chan net.Conn), closed: make(chan struct{})},
	}
	server.ConnState = s.follow
	if server.TLSConfig != nil {
		s.secure(server.TLSConfig)
	}
	return s
}

// Serve answers on the connections of l until Shutdown or Close, which close l, and then
// returns http.ErrServerClosed. It may be called once.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	s.listener, s.rest.addr = l, l.Addr()
	stopping := s.isStopping() // and halt has not seen l
	s.mu.Unlock()
	if stopping {
		l.Close()
		return http.ErrServerClosed
	}
	s.http.Handler = s.rest.heads.careful(bounded(s.handler, s.http.ReadTimeout+s.HandlerTime))
	var rest sync.WaitGroup
	rest.Go(func() { s.http.Serve(s.rest) }) // ends when s.rest does, and not before
	ended := make(chan struct{})
	rest.Go(func() { s.watch(ended) })
	err := s.accept(l)
	s.rest.Close() // net/http goes on with the connections that it has
	close(ended)
	rest.Wait()
	return err
}

// accept takes connections until l is closed.
func (s *Server) accept(l net.Listener) error {
	const shortest, longest = 5 * time.Millisecond, time.Second
	wait := shortest
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			wait = shortest
			s.take(c)
		case s.isStopping():
			return http.ErrServerClosed
		case errors.Is(err, net.ErrClosed):
			return err
		default: // too many open files, mostly: some will be closed
			select {
			case <-time.After(wait):
			case <-s.stop:
			}
			wait = min(2*wait, longest)
		}
	}
}

func (s *Server) isStopping() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

// take starts to answer on a connection.
func (s *Server) take(nc net.Conn) {
	if s.tls != nil {
		nc = tls.Server(nc, s.tls)
	}
	c := newConn(s, nc)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isStopping() {
		cut(nc)
		return
	}
	s.conns[c] = struct{}{}
	s.live.Go(c.serve)
}

// forget takes a connection off the list of those to be stopped.
func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// Shutdown takes no more requests, and waits until those under way are answered. If ctx
// ends first it returns the error of ctx; what is left is for Close.
func (s *Server) Shutdown(ctx context.Context) error {
	s.halt((*conn).closeIdle)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.live.Wait()
	}()
	err := s.http.Shutdown(ctx)
	select {
	case <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// closeTime is how long Close waits for handlers that have been told to end.
const closeTime = time.Second

// Close closes every connection at once, ends the contexts of plain requests, and waits a
// second for their handlers. It returns an error if that is not enough: they are left
// behind.
func (s *Server) Close() error {
	s.halt(func(c *conn) {
		cut(c.Conn)
		c.handling.end()
	})
	err := s.http.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.live.Wait()
	}()
	enough := time.NewTimer(closeTime)
	defer enough.Stop()
	select {
	case <-done:
		return err
	case <-enough.C:
		return errors.Join(err, errLeft)
	}
}

// errLeft says that there are handlers that did not end.
var errLeft = errors.New("a handler does not return")

// halt takes no more connections, and does something to those that there are.
func (s *Server) halt(with func(*conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isStopping() {
		close(s.stop)
		if s.listener != nil {
			s.listener.Close()
		}
	}
	for c := range s.conns {
		with(c)
	}
}

// passed is the listener on which net/http gets connections.
type passed struct {
	conns  chan net.Conn
	addr   net.Addr
	once   sync.Once
	closed chan struct{}
	heads  heads
}

func (p *passed) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *passed) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *passed) Addr() net.Addr { return p.addr }

// pass hands a connection over, of which data have been read, unless net/http takes no
// more.
func (p *passed) pass(c net.Conn, data []byte) bool {
	b := &begun{Conn: c, heads: &p.heads, read: bytes.Clone(data), slot: slot{end: func() { cut(c) }}}
	b.inHead.Store(true)
	if _, ok := c.(*tls.Conn); ok {
		return p.offer(begunTLS{b})
	}
	return p.offer(b)
}

// offer hands a connection over, unless net/http takes no more.
func (p *passed) offer(c net.Conn) bool {
	select {
	case p.conns <- c:
		return true
	case <-p.closed:
		return false
	}
}
