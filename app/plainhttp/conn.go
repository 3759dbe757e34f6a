package plainhttp

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// bufferSize is the most that a plain request may take, in bytes.
const bufferSize = 4 << 10

// leastRequest is the number of bytes that are taken for a request behind an answered
// one, as in net/http. A connection that ends after fewer gets no answer to them.
const leastRequest = 4

// next is what a connection does once it has answered what it could.
type next int

const (
	await next = iota // more to be read
	pass              // the connection to net/http
	end               // the connection
)

// What a connection is doing.
const (
	idle int32 = iota
	busy
	answering
	closed
)

// conn is a connection on which nothing has come but plain requests.
type conn struct {
	net.Conn
	server   *Server
	state    atomic.Int32
	began    atomic.Int64 // when the handler under way did, in nanoseconds since Server.born; 0: none is
	handling handling
	deadline time.Time // of reading and writing
	posted   bool      // the last request was a POST
	answered bool      // there was a request
	in, out  []byte
	request  request
	response response
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{Conn: nc, server: s, in: make([]byte, bufferSize)}
	c.request.blank = *new(http.Request).WithContext(&c.handling)
	c.request.peer, c.request.header = nc.RemoteAddr().String(), http.Header{}
	c.response.header = http.Header{}
	return c
}

// closeIdle closes the connection, unless a request is under way on it: then serve
// does once that is answered.
func (c *conn) closeIdle() {
	if c.state.CompareAndSwap(idle, closed) {
		cut(c.Conn)
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
	if t, ok := c.Conn.(*tls.Conn); ok {
		var here bool
		if here, kept = c.shake(t); !here {
			return
		}
	}
	unread := 0 // bytes of c.in that were too few to begin a request
	for {
		n, err := c.Conn.Read(c.in[unread:])
		if err != nil || !c.state.CompareAndSwap(idle, busy) {
			return
		}
		rest, next := c.answer(c.in[:unread+n])
		switch next {
		case end:
			return
		case pass:
			c.setDeadline(time.Time{})
			kept = c.server.rest.pass(c.Conn, rest)
			return
		}
		unread = copy(c.in, rest)
		c.state.Store(idle)
		if c.server.isStopping() { // closeIdle may have come while it was busy
			return
		}
	}
}

// answer answers the plain requests at the start of data, and returns what follows and
// what to do next.
func (c *conn) answer(data []byte) (rest []byte, next next) {
	for {
		if len(data) == 0 || c.answered && len(data) < leastRequest {
			return data, await
		}
		if c.posted { // some clients end a body with a line that is not in its length (RFC 9112, 2.2)
			if data = bytes.TrimLeft(data, "\r\n"); len(data) == 0 {
				return nil, await
			}
		}
		size := c.request.read(data, c.server.plain)
		if size == 0 {
			return data, pass
		}
		data = data[size:]
		c.answered, c.posted = true, c.request.Method == http.MethodPost
		now := time.Now()
		c.extend(now)
		c.handling.begin(now.Add(c.server.HandlerTime))
		c.began.Store(int64(now.Sub(c.server.born)))
		ok := c.handle()
		c.began.Store(0)
		c.handling.end()
		if !ok || !c.state.CompareAndSwap(busy, answering) { // else it was answered for, as too late
			return nil, end
		}
		last := c.server.isStopping() || c.response.last()
		c.out = c.response.appendTo(c.out[:0], now, last)
		c.request.clear()
		c.response.clear()
		if _, err := c.Write(c.out); err != nil || last {
			return nil, end
		}
		if cap(c.out) > largestKept {
			c.out = nil
		}
		c.state.Store(busy)
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
	c.server.handler.ServeHTTP(&c.response, &c.request.Request)
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
