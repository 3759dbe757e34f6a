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
	list list.List // of *begun
}

// enter takes a slot for b. If there is none, the request leaves that has been there
// longest, once that is headTime; else enter returns false.
func (h *heads) enter(b *begun, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.list.Len() >= longHeads {
		first := h.list.Front().Value.(*begun)
		if now.Sub(first.since) < headTime {
			return false
		}
		h.remove(first)
		first.Conn.Close()
	}
	b.since, b.slot = now, h.list.PushBack(b)
	return true
}

// leave gives back the slot of b, if it has one.
func (h *heads) leave(b *begun) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remove(b)
}

// remove does what leave does. The caller holds the lock.
func (h *heads) remove(b *begun) {
	if b.slot != nil {
		h.list.Remove(b.slot)
		b.slot = nil
	}
}

// begun is a connection of net/http, of which something has been read already.
type begun struct {
	net.Conn
	heads *heads
	read  []byte

	inHead atomic.Bool  // the head of a request is being read
	head   atomic.Int64 // bytes of it so far, which may be the beginning of a body, too

	// Of heads.
	slot  *list.Element
	since time.Time
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
	has := b.slot != nil
	b.heads.mu.Unlock()
	return has || b.heads.enter(b, time.Now())
}

// follow is told by net/http of what a connection is doing.
func follow(conn net.Conn, state http.ConnState) {
	b, ok := conn.(*begun)
	if !ok {
		return
	}
	switch state {
	case http.StateActive: // the head has been read
		b.inHead.Store(false)
	case http.StateIdle:
		b.heads.leave(b)
		b.head.Store(0)
		b.inHead.Store(true)
	case http.StateClosed, http.StateHijacked:
		b.heads.leave(b)
	}
}
