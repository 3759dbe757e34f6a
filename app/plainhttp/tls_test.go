package plainhttp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fotspor/fotspor/app/plainhttp"
)

// startTLS starts a server with a certificate, and returns clients of HTTP/1.1 and HTTP/2.
func startTLS(t *testing.T, h http.Handler) (s *plainhttp.Server, url string, config *tls.Config, clients map[string]*http.Client) {
	t.Helper()
	lender := httptest.NewTLSServer(nil)
	pair := lender.TLS.Certificates[0]
	pool := x509.NewCertPool()
	pool.AddCert(lender.Certificate())
	lender.Close()
	c := configured(h, io.Discard)
	c.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}}
	s = plainhttp.New(c, plain)
	l := listen(t)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	config = &tls.Config{RootCAs: pool, ServerName: "example.com"}
	clients = map[string]*http.Client{}
	for proto, two := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		transport := &http.Transport{TLSClientConfig: config.Clone(), ForceAttemptHTTP2: two}
		clients[proto] = &http.Client{Transport: transport}
		t.Cleanup(transport.CloseIdleConnections)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != http.ErrServerClosed {
			t.Errorf("Serve = %v", err)
		}
	})
	return s, "https://" + l.Addr().String(), config, clients
}

// TestTLS: requests by TLS are answered as those without, HTTP/1.1 by both ways and HTTP/2 by
// net/http, and their handlers know that they came by TLS.
func TestTLS(t *testing.T) {
	s, url, config, clients := startTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		way(w)
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %v %v %d", r.Proto, r.Method, r.URL, r.TLS != nil && r.TLS.HandshakeComplete, err, len(body))
	}))
	for proto, client := range clients {
		for _, path := range []string{"/hit", "/hit", "/else", "/hit?a=b"} {
			for method, length := range map[string]int{"GET": 0, "POST": 200_000} { // more than what waits in memory
				req, _ := http.NewRequest(method, url+path, strings.NewReader(strings.Repeat("a", length)))
				resp, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if want := fmt.Sprintf("%s %s %s true <nil> %d", proto, method, path, length); string(got) != want || err != nil {
					t.Errorf("%s %s %s is answered %q, %v, want %q", proto, method, path, got, err, want)
				}
			}
		}
	}
	// The short way.
	conn, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), config)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "GET /hit"+head+"\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.Header.Get("X-Way") != "plain" {
		t.Errorf("a plain request by TLS is answered %v, %v, want by the short way", resp, err)
	}
	conn.Close()
	// Versions that are too old, and no TLS at all.
	old := config.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if conn, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), old); err == nil {
		conn.Close()
		t.Error("the server speaks TLS 1.1")
	}
	resp, err = http.Get("http" + strings.TrimPrefix(url, "https") + "/hit")
	if err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a request without TLS is answered %v, %v, want 400", resp, err)
	} else {
		resp.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	for _, client := range clients {
		client.CloseIdleConnections()
	}
	await(t, "no connection of HTTP/2", func() bool { return s.H2() == 0 })
}

// await calls f until it returns true, and fails the test if that takes too long.
func await(t *testing.T, what string, f func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("did not happen: %s", what)
		}
	}
}

// TestH2Full: who comes when there are too many connections of HTTP/2 speaks HTTP/1.1.
func TestH2Full(t *testing.T) {
	s, url, _, clients := startTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
	for _, step := range []struct {
		full bool
		want string
	}{{true, "HTTP/1.1"}, {false, "HTTP/2.0"}} {
		if step.full {
			s.FillH2(1)
		} else {
			s.FillH2(-1)
		}
		clients["HTTP/2.0"].CloseIdleConnections()
		resp, err := clients["HTTP/2.0"].Get(url + "/hit")
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(got) != step.want {
			t.Errorf("with full = %v the client speaks %s, want %s", step.full, got, step.want)
		}
	}
}

// TestH2Heads: of requests with long heads in HTTP/2, too, a bounded number is under way. Those
// that are slow leave for others.
func TestH2Heads(t *testing.T) {
	const most = 32
	began := make(chan struct{}, 100)
	_, url, config, _ := startTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began <- struct{}{}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			w.WriteHeader(http.StatusRequestTimeout)
		}
	}))
	ask := func(client *http.Client, head int, body io.Reader) int {
		req, _ := http.NewRequest("POST", url+"/else", body)
		req.Header.Set("X", strings.Repeat("a", head))
		resp, err := client.Do(req)
		if err != nil {
			t.Errorf("no answer: %v", err)
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	fresh := func() *http.Client {
		transport := &http.Transport{TLSClientConfig: config.Clone(), ForceAttemptHTTP2: true}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport}
	}
	var slow sync.WaitGroup
	var ends []*io.PipeWriter
	statuses := make(chan int, most)
	for n := range most / 8 {
		client := fresh()
		for range 8 {
			r, w := io.Pipe()
			ends = append(ends, w)
			slow.Go(func() { statuses <- ask(client, 5000, r) })
			if n == 0 && len(ends) == 1 {
				<-began // so that the others use the connection
			}
		}
	}
	for range most - 1 {
		<-began
	}
	honest := fresh()
	if got := ask(honest, 5000, nil); got != http.StatusServiceUnavailable {
		t.Errorf("one long head more is answered %d, want 503", got)
	}
	if got := ask(honest, 100, nil); got != http.StatusOK {
		t.Errorf("a short head is answered %d, want 200", got)
	}
	// Until the first has been there for a second.
	await(t, "a place for an honest request", func() bool { return ask(honest, 5000, nil) == http.StatusOK })
	if got := <-statuses; got != http.StatusRequestTimeout {
		t.Errorf("the slow request that left is answered %d, want 408", got)
	}
	for _, w := range ends {
		w.Close()
	}
	slow.Wait()
}

// TestTLSTime: a handshake that does not come ends within the time for the first head, and a
// stop waits for no connection on which nothing happens.
func TestTLSTime(t *testing.T) {
	t.Parallel() // it waits
	s, url, config, clients := startTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	addr := strings.TrimPrefix(url, "https://")
	silent, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	idle, err := tls.Dial("tcp", addr, config)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	for proto, client := range clients {
		resp, err := client.Get(url + "/else")
		if err != nil || resp.Proto != proto {
			t.Fatal(resp, err)
		}
		resp.Body.Close()
	}
	start := time.Now()
	if _, err := silent.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("a silent connection sees %v, want its end", err)
	}
	if took := time.Since(start); took < headerTime/2 || took > 2*headerTime {
		t.Errorf("a silent connection lives for %v, want %v", took, headerTime)
	}
	ctx, cancel := context.WithTimeout(t.Context(), headerTime)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown = %v, want nil at once", err)
	}
}
