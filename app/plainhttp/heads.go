package plainhttp

import (
	"container/list"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of long heads. What net/http makes of a head of many short lines takes seven
// times its size, and lives as long as the request.
const (
	shortHead = 4 << 10     // bytes of a head that each connection may have
	longHeads = 32          // requests at a time whose heads are longer
	headTime  = time.Second // how long such a request is safe while others want its place
)

// heads are the requests at net/http with long heads, that which has been there longest
// in front.
type heads struct {
	mu   sync.Mutex
	list list.List // of *slot
}

// slot is the place of one request among heads.
type slot struct {
	end   func()        // ends the request; it does not wait
	in    *list.Element // nil: the request has no place
	since time.Time
}

// enter gives s a place. If there is none, the request leaves that has been there
// longest, once that is headTime; else enter returns false.
func (h *heads) enter(s *slot, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.list.Len() >= longHeads {
		first := h.list.Front().Value.(*slot)
		if now.Sub(first.since) < headTime {
			return false
		}
		h.remove(first)
		first.end()
	}
	s.since, s.in = now, h.list.PushBack(s)
	return true
}

// leave gives back the place of s, if it has one. Nobody ends its request after that.
func (h *heads) leave(s *slot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remove(s)
}

// remove does what leave does. The caller holds the lock.
func (h *heads) remove(s *slot) {
	if s.in != nil {
		h.list.Remove(s.in)
		s.in = nil
	}
}

// begun is a connection of net/http, of which something has been read already.
type begun struct {
	net.Conn
	heads *heads
	read  []byte

	inHead atomic.Bool  // the head of a request is being read
	head   atomic.Int64 // bytes of it so far, which may be the beginning of a body, too
	slot   slot
}

// refusal is the answer to a long head for which there is no slot.
const refusal = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: 10\r\n\r\n"

// errRefused is to net/http that the network failed, which it does not answer.
var errRefused = &net.OpError{Op: "read", Err: errors.New("too many long heads at a time")}

// Read implements net.Conn.
func (b *begun) Read(p []byte) (n int, err error) {
	if b.inHead.Load() && b.head.Load() >= shortHead && !b.mayGoOn() {
		io.WriteString(b.Conn, refusal)
		return 0, errRefused
	}
	defer func() { b.head.Add(int64(n)) }()
	if len(b.read) == 0 {
		return b.Conn.Read(p)
	}
	n = copy(p, b.read)
	if b.read = b.read[n:]; len(b.read) == 0 {
		b.read = nil // the connection may live for long
	}
	return n, nil
}

// mayGoOn reports whether the head may be longer than a short one.
func (b *begun) mayGoOn() bool {
	b.heads.mu.Lock()
	has := b.slot.in != nil
	b.heads.mu.Unlock()
	return has || b.heads.enter(&b.slot, time.Now())
}

// follow is told by net/http of what a connection is doing.
func (s *Server) follow(conn net.Conn, state http.ConnState) {
	var b *begun
	switch c := conn.(type) {
	case *begun:
		b = c
	case begunTLS:
		b = c.begun
	default: // HTTP/2
		if state == http.StateClosed {
			s.h2.Add(-1)
		}
		return
	}
	switch state {
	case http.StateActive: // the head has been read
		b.inHead.Store(false)
	case http.StateIdle:
		b.heads.leave(&b.slot)
		b.head.Store(0)
		b.inHead.Store(true)
	case http.StateClosed, http.StateHijacked:
		b.heads.leave(&b.slot)
	}
}
