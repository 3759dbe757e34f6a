package plainhttp

import (
	"bytes"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// bufferSize is the most that a plain request may take, in bytes.
const bufferSize = 4 << 10

// What a connection is doing.
const (
	idle int32 = iota
	busy
	closed
)

// conn is a connection on which nothing has come but plain requests.
type conn struct {
	net.Conn
	server   *Server
	state    atomic.Int32
	deadline time.Time // of reading and writing
	posted   bool      // the last request was a POST
	in, out  []byte
	request  request
	response response
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{Conn: nc, server: s, in: make([]byte, bufferSize)}
	c.request.peer, c.request.header = nc.RemoteAddr().String(), http.Header{}
	c.response.header = http.Header{}
	return c
}

// closeIdle closes the connection, unless a request is under way on it: then serve
// does once that is answered.
func (c *conn) closeIdle() {
	if c.state.CompareAndSwap(idle, closed) {
		c.Conn.Close()
	}
}

// serve answers requests until the connection ends or becomes net/http's.
func (c *conn) serve() {
	kept := false
	defer func() {
		c.server.forget(c)
		if !kept {
			c.Conn.Close()
		}
	}()
	c.setDeadline(time.Now().Add(c.server.http.ReadHeaderTimeout))
	for {
		n, err := c.Conn.Read(c.in)
		if err != nil || !c.state.CompareAndSwap(idle, busy) {
			return
		}
		rest, ok := c.answer(c.in[:n])
		if !ok {
			return
		}
		if len(rest) > 0 {
			c.setDeadline(time.Time{})
			kept = c.server.rest.pass(c.Conn, rest)
			return
		}
		c.state.Store(idle)
		if c.server.isStopping() { // closeIdle may have come while it was busy
			return
		}
	}
}

// answer answers the plain requests at the start of data, and returns what follows. It
// returns false if the connection is of no more use.
func (c *conn) answer(data []byte) (rest []byte, ok bool) {
	for {
		if c.posted { // some clients end a body with a line that is not in its length (RFC 9112, 2.2)
			data = bytes.TrimLeft(data, "\r\n")
		}
		if len(data) == 0 {
			return nil, true
		}
		size := c.request.read(data, c.server.plain)
		if size == 0 {
			return data, true
		}
		data = data[size:]
		c.posted = c.request.Method == http.MethodPost
		now := time.Now()
		c.extend(now)
		if !c.handle() {
			return nil, false
		}
		last := c.server.isStopping() || c.response.last()
		c.out = c.response.appendTo(c.out[:0], now, last)
		c.request.clear()
		c.response.clear()
		if _, err := c.Write(c.out); err != nil || last {
			return nil, false
		}
		if cap(c.out) > largestKept {
			c.out = nil
		}
	}
}

// handle has the request under way handled. A panic ends the connection and not the
// program, as in net/http; the handler itself has told what it wants told of it.
func (c *conn) handle() (ok bool) {
	defer func() {
		if v := recover(); v != nil && v != http.ErrAbortHandler {
			c.server.http.ErrorLog.Print("plainhttp: a handler panicked")
		}
	}()
	c.server.http.Handler.ServeHTTP(&c.response, &c.request.Request)
	return true
}

// extend gives the connection at least the idle time from now, and at most half of it
// more: to set a deadline for each request would cost as much as to read it.
func (c *conn) extend(now time.Time) {
	least := c.server.http.IdleTimeout
	if c.deadline.Sub(now) < least {
		c.setDeadline(now.Add(least + least/2))
	}
}

func (c *conn) setDeadline(t time.Time) {
	c.deadline = t
	c.SetDeadline(t) // fails on a closed connection only, which the next read tells too
}
