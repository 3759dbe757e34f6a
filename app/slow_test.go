package app

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener without a network, so that its clients can live in a bubble
// where time passes at once.
type pipes struct {
	conns chan net.Conn
	ended chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.ended); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

// TestSlowClients: a client that takes its time with anything it is to do loses its
// connection when the time for that is over.
func TestSlowClients(t *testing.T) {
	const answer = 1 << 20
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil && r.Method == http.MethodGet {
			w.Write(make([]byte, answer))
		}
	})
	// trickle writes a byte a second until the connection fails.
	trickle := func(conn net.Conn, text string) {
		for _, b := range []byte(text) {
			if _, err := conn.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(time.Second)
		}
	}
	post := func(more string) string { return "POST / HTTP/1.1\r\nHost: a\r\n" + more + "\r\n" }
	for name, c := range map[string]struct {
		client func(net.Conn)
		want   time.Duration
	}{
		"says nothing":           {func(net.Conn) {}, headerTime},
		"header, byte by byte":   {func(conn net.Conn) { trickle(conn, post("X: "+strings.Repeat("a", 1000))) }, headerTime},
		"header without an end":  {func(conn net.Conn) { io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\n") }, headerTime},
		"body that never begins": {func(conn net.Conn) { io.WriteString(conn, post("Content-Length: 9\r\n")) }, requestTime},
		"body, byte by byte": {func(conn net.Conn) {
			io.WriteString(conn, post("Content-Length: 1000\r\n"))
			trickle(conn, strings.Repeat("a", 1000))
		}, requestTime},
		"chunks, byte by byte": {func(conn net.Conn) {
			io.WriteString(conn, post("Transfer-Encoding: chunked\r\n"))
			trickle(conn, strings.Repeat("1\r\na\r\n", 200))
		}, requestTime},
		"is silent after an answer": {func(conn net.Conn) { io.WriteString(conn, post("Content-Length: 0\r\n")) }, idleTime},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, l := slowProgram(handler)
				conn, start := l.dial(), time.Now()
				var client sync.WaitGroup
				client.Go(func() { c.client(conn) })
				io.Copy(io.Discard, conn)
				if took := time.Since(start); took < c.want || took > c.want+2*time.Second {
					t.Errorf("the connection was closed after %v, want %v", took, c.want)
				}
				conn.Close()
				client.Wait()
				if err := p.stop(p.Logger); err != nil {
					t.Error(err)
				}
			})
		})
	}
	t.Run("does not read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, l := slowProgram(handler)
			conn := l.dial()
			fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			in := bufio.NewReaderSize(conn, 16)
			in.ReadByte()
			time.Sleep(answerTime + time.Second)
			if n, err := io.Copy(io.Discard, in); err != nil || n > answer/2 {
				t.Errorf("%d bytes came after the time for them, %v", n, err)
			}
			conn.Close()
			if err := p.stop(p.Logger); err != nil {
				t.Error(err)
			}
		})
	})
}

// slowProgram is a program that does nothing but serve.
func slowProgram(h http.Handler) (*program, pipes) {
	l := pipes{make(chan net.Conn), make(chan struct{})}
	p := &program{fatal: make(chan error, 1)}
	p.Logger = slog.New(slog.DiscardHandler)
	p.serve(intake, l, nil, h, "public", nothing)
	return p, l
}
