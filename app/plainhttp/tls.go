package plainhttp

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// Bounds of HTTP/2, whose connections hold several requests at a time: 10,000 together.
const (
	mostH2  = 1000 // connections; further ones are told to speak HTTP/1.1
	streams = 10   // requests at a time on one of them
	// h2Body is how much of the bodies on a connection waits in memory for handlers, in bytes:
	// the least that the protocol knows.
	h2Body = 64<<10 - 1
)

const h2 = "h2" // RFC 9113, 3.2

// secure has the server speak TLS, with the certificates of config. Of its protocols nothing is
// answered: a connection with one of them is closed after the handshake, as ACME wants it.
func (s *Server) secure(config *tls.Config) {
	both := config.Clone()
	both.NextProtos = append([]string{h2, "http/1.1"}, config.NextProtos...)
	one := config.Clone()
	one.NextProtos = both.NextProtos[1:]
	both.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		if s.h2.Load() >= mostH2 {
			return one, nil
		}
		return nil, nil
	}
	s.tls, s.http.TLSConfig = both, both
	s.http.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams:          streams,
		MaxReceiveBufferPerConnection: h2Body, MaxReceiveBufferPerStream: h2Body,
		WriteByteTimeout: s.http.WriteTimeout,
	}
}

// notTLS is the answer to a request that comes without TLS.
const notTLS = "HTTP/1.0 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\nthis address speaks HTTPS\n"

// shake does the handshake of TLS. It reports whether the connection goes on here, and
// whether net/http has it, as HTTP/2.
func (c *conn) shake(t *tls.Conn) (here, kept bool) {
	if err := t.Handshake(); err != nil { // by the deadline of the first head
		if plain, ok := errors.AsType[tls.RecordHeaderError](err); ok && plain.Conn != nil && (string(plain.RecordHeader[:4]) == "GET " || string(plain.RecordHeader[:4]) == "POST") {
			io.WriteString(plain.Conn, notTLS)
		}
		return false, false
	}
	state := t.ConnectionState()
	switch state.NegotiatedProtocol {
	case "", "http/1.1":
		c.request.blank.TLS = &state
		return true, false
	case h2:
	default:
		return false, false
	}
	if !c.state.CompareAndSwap(idle, busy) {
		return false, false
	}
	c.setDeadline(time.Time{})
	// Of many that shook hands at the same time some are too many.
	if c.server.h2.Add(1) <= mostH2+mostH2/10 && c.server.rest.offer(t) {
		return false, true
	}
	c.server.h2.Add(-1)
	return false, false
}

// begunTLS is a begun connection by TLS. net/http asks it for what to tell handlers of that.
type begunTLS struct{ *begun }

func (b begunTLS) ConnectionState() tls.ConnectionState { return b.Conn.(*tls.Conn).ConnectionState() }

// cut closes a connection at once, without the farewell of TLS, for which the peer might let
// us wait.
func cut(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	c.Close()
}

// careful has long heads of HTTP/2 take slots. When its handler gets one it has been read
// whole, of which the streams and connections are the bound.
func (h *heads) careful(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 || headSize(r) < shortHead {
			next.ServeHTTP(w, r)
			return
		}
		now := time.Now()
		// The end of a body that does not come is the end of its request.
		slot := &slot{end: func() { http.NewResponseController(w).SetReadDeadline(now) }}
		if !h.enter(slot, now) {
			w.Header().Set("Retry-After", "10")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		defer h.leave(slot)
		next.ServeHTTP(w, r)
	})
}

// headSize returns the size of a head, in bytes.
func headSize(r *http.Request) int {
	size := len(r.RequestURI) + len(r.Host)
	for name, values := range r.Header {
		for _, value := range values {
			size += len(name) + len(value)
		}
	}
	return size
}
