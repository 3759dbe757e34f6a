package body_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/fotspor/fotspor/collector/body"
	"github.com/fotspor/fotspor/hit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const largest = 2 << 20

// nearly is all of a body of the largest size but its end.
var nearly = strings.Repeat("a", largest-10_000)

// server answers each request with what it reads of its body, in a bubble where time
// passes at once.
type server struct {
	t        *testing.T
	registry *prometheus.Registry
	conns    chan net.Conn
	ended    chan struct{}
	hold     chan struct{} // if not nil, whole bodies are held until it is closed
}

func start(t *testing.T, bytes int64) *server {
	t.Helper()
	s := &server{t: t, registry: prometheus.NewRegistry(), conns: make(chan net.Conn), ended: make(chan struct{})}
	budget := body.New(body.Options{Bytes: bytes, Registerer: s.registry})
	web := &http.Server{
		ReadTimeout: 30 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			whole, err := budget.Read(w, r, hit.NewAddr(netip.MustParseAddr(r.Header.Get("X-From"))), largest)
			if err != nil {
				body.Refuse(w, err)
				return
			}
			defer whole.Close()
			if s.hold != nil {
				select {
				case <-s.hold:
				case <-r.Context().Done():
				}
			}
			size := whole.Len()
			text, err := io.ReadAll(whole)
			if err != nil || len(text) != size || r.ContentLength != int64(size) || whole.Len() != 0 {
				s.t.Errorf("%d bytes of %d are read, %d told, %d left, %v", len(text), size, r.ContentLength, whole.Len(), err)
			}
			w.Write(text)
		}),
	}
	go web.Serve(s)
	t.Cleanup(func() {
		web.Close()
		time.Sleep(10 * time.Second) // until all have ended
		if used := s.metric("fotspor_body_bytes", ""); used != 0 {
			t.Errorf("%v bytes are in use in the end", used)
		}
	})
	return s
}

func (s *server) Accept() (net.Conn, error) {
	select {
	case conn := <-s.conns:
		return conn, nil
	case <-s.ended:
		return nil, net.ErrClosed
	}
}

func (s *server) Close() error   { close(s.ended); return nil }
func (s *server) Addr() net.Addr { return &net.TCPAddr{} }

// metric returns a metric, with the given value of its label.
func (s *server) metric(name, label string) float64 {
	s.t.Helper()
	families, err := s.registry.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.Metric {
			if family.GetName() == name && (label == "" || m.Label[0].GetValue() == label) {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	s.t.Fatalf("no metric %s", name)
	return 0
}

// client is a connection from somewhere.
type client struct {
	net.Conn
	from string
}

func (s *server) from(format string, args ...any) client {
	ours, theirs := net.Pipe()
	s.conns <- theirs
	s.t.Cleanup(func() { ours.Close() })
	return client{ours, fmt.Sprintf(format, args...)}
}

// begin sends the head of a request, and a part of its body.
func (c client) begin(length int, text string) error {
	_, err := fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\nX-From: %s\r\nContent-Length: %d\r\n\r\n%s", c.from, length, text)
	return err
}

// answer returns the status and the text of the next answer, and 0 if there is none.
func (c client) answer() (int, string, *http.Response) {
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, "", &http.Response{}
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), resp
}

// post sends a body whole, and returns the status and how long it took.
func (c client) post(text string) (int, time.Duration) {
	began := time.Now()
	go c.begin(len(text), text)
	status, got, _ := c.answer()
	if status == http.StatusOK && got != text {
		status = -1
	}
	return status, time.Since(began)
}

// stall has n bodies of the largest size begin, of which the last bytes never come. from
// gives their addresses. It returns when all have sent what they can.
func (s *server) stall(n int, from func(int) string) {
	for i := range n {
		c := s.from("%s", from(i))
		go c.begin(largest, nearly)
	}
	synctest.Wait()
}

func anywhere(i int) string   { return fmt.Sprintf("203.%d.%d.7", i/250, i%250) }
func oneNetwork(i int) string { return fmt.Sprintf("203.0.113.%d", i%250) }

// TestRead: a body is what was sent, however long it is and however it comes.
func TestRead(t *testing.T) {
	for _, size := range []int{1, 100, 4095, 4096, 4097, 20479, 20480, 20481, 100_000, largest - 1, largest} {
		text := strings.Repeat("0123456789abcde", size/15+1)[:size]
		synctest.Test(t, func(t *testing.T) {
			s := start(t, 0)
			c := s.from("203.0.113.7")
			for range 2 { // one after the other
				if status, took := c.post(text); status != http.StatusOK || took > 0 {
					t.Errorf("%d bytes are answered %d after %v", size, status, took)
				}
			}
			go func() { // in pieces that take their time, and without a length
				fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: a\r\nX-From: 203.0.113.7\r\nTransfer-Encoding: chunked\r\n\r\n")
				for rest := text; rest != ""; {
					n := min(len(rest), 15000)
					fmt.Fprintf(c, "%x\r\n%s\r\n", n, rest[:n])
					rest = rest[n:]
					if len(text) <= 100_000 {
						time.Sleep(time.Second)
					}
				}
				fmt.Fprint(c, "0\r\n\r\n")
			}()
			if status, got, _ := c.answer(); status != http.StatusOK || got != text {
				t.Errorf("%d bytes in chunks are answered %d, %d bytes", size, status, len(got))
			}
		})
	}
}

// TestInMemory: what is in memory already takes nothing of the budget.
func TestInMemory(t *testing.T) {
	budget := body.New(body.Options{})
	whole := inMemory{bytes.NewReader([]byte("abc"))}
	r := httptest.NewRequest("POST", "/", whole)
	if got, err := budget.Read(httptest.NewRecorder(), r, hit.Addr{}, 3); got != body.Whole(whole) || err != nil {
		t.Errorf("Read = %v, %v, want the body itself", got, err)
	}
	var tooLarge *http.MaxBytesError
	if _, err := budget.Read(httptest.NewRecorder(), r, hit.Addr{}, 2); !errors.As(err, &tooLarge) || tooLarge.Limit != 2 {
		t.Errorf("Read of too much: %v", err)
	}
}

type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

// TestRefused: what is too long, too slow or not all there has an answer that says so, and
// the connection ends with it.
func TestRefused(t *testing.T) {
	drip := func(each time.Duration, step int) func(client) {
		return func(c client) {
			c.begin(largest, "")
			for {
				time.Sleep(each)
				if _, err := io.WriteString(c, strings.Repeat("a", step)); err != nil {
					return
				}
			}
		}
	}
	for name, test := range map[string]struct {
		send   func(client)
		status int
		after  time.Duration
		reason string
	}{
		"too long":            {func(c client) { c.begin(largest+1, strings.Repeat("a", 100)) }, http.StatusRequestEntityTooLarge, 0, ""},
		"far too long":        {func(c client) { c.begin(1<<40, "a") }, http.StatusRequestEntityTooLarge, 0, ""},
		"silent":              {func(c client) { c.begin(5, "") }, http.StatusRequestTimeout, 10 * time.Second, "slow"},
		"silent near its end": {func(c client) { c.begin(largest, strings.Repeat("a", largest-1)) }, http.StatusRequestTimeout, 10 * time.Second, "slow"},
		"a byte a second":     {drip(time.Second, 1), http.StatusRequestTimeout, 10 * time.Second, "slow"},
		"a step in 9 seconds": {drip(9*time.Second, 20<<10), http.StatusRequestTimeout, 30 * time.Second, "slow"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, 0)
				c := s.from("203.0.113.7")
				go test.send(c)
				began := time.Now()
				status, text, resp := c.answer()
				if took := time.Since(began); status != test.status || took != test.after || !resp.Close {
					t.Errorf("answered %d %q after %v, the last one %v, want %d after %v, the last one", status, text, took, resp.Close, test.status, test.after)
				}
				if test.reason != "" && s.metric("fotspor_bodies_refused_total", test.reason) != 1 {
					t.Errorf("not counted as %s", test.reason)
				}
			})
		})
	}
	t.Run("too long, in chunks", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := start(t, 0).from("203.0.113.7")
			go fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\nX-From: 203.0.113.7\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s", largest+40_000, strings.Repeat("a", largest+40_000))
			if status, text, _ := c.answer(); status != http.StatusRequestEntityTooLarge {
				t.Errorf("answered %d %q", status, text)
			}
		})
	})
}

// TestSilentCrowd: whoever announces much and sends nothing takes next to nothing.
func TestSilentCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, 0)
		for i := range 1000 {
			if err := s.from("%s", anywhere(i)).begin(largest, ""); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if used := s.metric("fotspor_body_bytes", ""); used > 1000*4096 {
			t.Errorf("1,000 silent senders take %v bytes", used)
		}
		if status, took := s.from("198.51.100.1").post(strings.Repeat("a", largest)); status != http.StatusOK || took > 0 {
			t.Errorf("an honest body is answered %d after %v", status, took)
		}
	})
}

// TestStalledCrowd: four hundred bodies that stop before their end, from as many networks,
// stay within the budget. Honest bodies among them are read: small ones at once, longer
// ones as soon as the slowest of the crowd can be had to leave.
func TestStalledCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, 0)
		s.stall(400, anywhere)
		used := s.metric("fotspor_body_bytes", "")
		if used > body.DefaultBytes || used < body.DefaultBytes/3 {
			t.Errorf("%v bytes are in use, want up to %d", used, body.DefaultBytes)
		}
		for i := range 100 {
			if status, took := s.from("198.51.100.%d", i).post(strings.Repeat("a", 1+41*i)); status != http.StatusOK || took > 0 {
				t.Errorf("an honest body is answered %d after %v", status, took)
			}
		}
		for i := range 10 {
			if status, took := s.from("198.51.100.%d", i).post(strings.Repeat("a", 40_000)); status != http.StatusOK || took > 3*time.Second {
				t.Errorf("a longer honest body is answered %d after %v", status, took)
			}
			time.Sleep(500 * time.Millisecond)
		}
		time.Sleep(40 * time.Second)
		synctest.Wait()
		if used := s.metric("fotspor_body_bytes", ""); used != 0 {
			t.Errorf("%v bytes are in use when all had their time", used)
		}
	})
}

// TestSlowestLeaves: bodies that hold the whole budget, and of which nothing comes any
// more, leave when another one needs memory.
func TestSlowestLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, 0)
		s.stall(16, anywhere) // as many as there is memory for: more would still be sending
		time.Sleep(5 * time.Second)
		synctest.Wait()
		for i := range 20 {
			if used := s.metric("fotspor_body_bytes", ""); used < body.DefaultBytes/3 {
				t.Errorf("%v bytes are in use, want many", used)
			}
			if status, took := s.from("198.51.100.%d", i).post(strings.Repeat("a", largest)); status != http.StatusOK || took > 0 {
				t.Errorf("a large honest body is answered %d after %v", status, took)
			}
		}
	})
}

// TestStalledNetwork: one network that sends so has its share, and others notice nothing.
// Small bodies from it are read.
func TestStalledNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, 0)
		s.stall(300, oneNetwork)
		if used := s.metric("fotspor_body_bytes", ""); used > body.DefaultBytes/8 {
			t.Errorf("%v bytes are in use by one network, want an eighth of %d", used, body.DefaultBytes)
		}
		for range 20 {
			if status, took := s.from("203.0.114.1").post(strings.Repeat("a", largest)); status != http.StatusOK || took > 0 {
				t.Errorf("a large body of a neighbour is answered %d after %v", status, took)
			}
			if status, took := s.from("203.0.113.9").post(strings.Repeat("a", 4096)); status != http.StatusOK || took > 0 {
				t.Errorf("a small body of the network is answered %d after %v", status, took)
			}
		}
		time.Sleep(10 * time.Second)
		if refused := s.metric("fotspor_bodies_refused_total", "network"); refused == 0 {
			t.Error("nobody is refused for the network's share")
		}
	})
}

// TestWait: where bodies that are whole hold the budget, another one waits, with its
// request's context and no longer than five seconds.
func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, body.LeastBytes)
		s.hold = make(chan struct{})
		large := strings.Repeat("a", largest-300_000)
		c := s.from("203.0.113.7")
		go c.begin(len(large), large)
		synctest.Wait()

		refused := s.from("198.51.100.1")
		began := time.Now()
		go refused.begin(len(large), large)
		status, text, resp := refused.answer()
		if took := time.Since(began); status != http.StatusServiceUnavailable || took != 5*time.Second || resp.Header.Get("Retry-After") == "" {
			t.Errorf("answered %d %q after %v, Retry-After %q", status, text, took, resp.Header.Get("Retry-After"))
		}
		if n := s.metric("fotspor_bodies_refused_total", "memory"); n != 1 {
			t.Errorf("%v are refused for want of memory, want 1", n)
		}

		late := s.from("198.51.100.2")
		go late.begin(len(large), large)
		time.Sleep(3 * time.Second)
		close(s.hold)
		if status, text, _ := c.answer(); status != http.StatusOK || text != large {
			t.Errorf("who was first is answered %d, %d bytes", status, len(text))
		}
		if status, text, _ := late.answer(); status != http.StatusOK || text != large {
			t.Errorf("who waits is answered %d, %d bytes", status, len(text))
		}
	})
	synctest.Test(t, func(t *testing.T) { // and not when the request is over
		budget := body.New(body.Options{Bytes: body.LeastBytes})
		read := func(ctx context.Context, from string) (body.Whole, error) {
			r := httptest.NewRequestWithContext(ctx, "POST", "/", strings.NewReader(strings.Repeat("a", largest-300_000)))
			return budget.Read(httptest.NewRecorder(), r, hit.NewAddr(netip.MustParseAddr(from)), largest)
		}
		first, err := read(t.Context(), "203.0.113.7")
		if err != nil {
			t.Fatal(err)
		}
		defer first.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := read(ctx, "198.51.100.1"); !errors.Is(err, body.ErrGone) || time.Since(began) != time.Second {
			t.Errorf("Read = %v after %v", err, time.Since(began))
		}
	})
}

// TestManyWait: a crowd that waits is bounded, too.
func TestManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, 0)
		began := time.Now()
		var refused atomic.Int64
		for i := range 500 {
			c := s.from("%s", anywhere(i))
			go c.begin(largest, nearly)
			go func() {
				if status, _, _ := c.answer(); status == http.StatusServiceUnavailable && time.Since(began) == 0 {
					refused.Add(1)
				}
			}()
		}
		synctest.Wait()
		if n := refused.Load(); n < 100 {
			t.Errorf("%d of 500 are refused at once", n)
		}
	})
}

// TestMix: bodies of all sizes from few networks and many, some of which stop or go away,
// are read right, never take more than the budget, and leave nothing behind.
func TestMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const budget = 8 << 20
		s := start(t, budget)
		done := make(chan struct{})
		var watcher, clients sync.WaitGroup
		watcher.Go(func() {
			for {
				if used := s.metric("fotspor_body_bytes", ""); used > budget || used < 0 {
					t.Errorf("%v bytes are in use, want at most %d", used, budget)
				}
				select {
				case <-done:
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
		})
		var good atomic.Int64
		for i := range 50 {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			clients.Go(func() {
				for range 20 {
					c := s.from("203.0.%d.7", rng.IntN(12))
					size := 1 + rng.IntN(1<<(1+rng.IntN(21)))
					text := strings.Repeat(string(rune('a'+i%26)), size)
					pause := time.Duration(rng.IntN(3000)) * time.Millisecond
					switch rng.IntN(4) {
					case 0: // stops
						go c.begin(size+1+rng.IntN(1000), text)
						time.Sleep(pause)
						c.Close()
					case 1: // comes in two parts
						go func() {
							c.begin(size, text[:size/2])
							time.Sleep(pause / 2)
							io.WriteString(c, text[size/2:])
						}()
						if status, got, _ := c.answer(); status == http.StatusOK && got != text {
							t.Errorf("%d bytes are read wrong", size)
						}
					default:
						switch status, _ := c.post(text); status {
						case http.StatusOK:
							good.Add(1)
						case -1:
							t.Errorf("%d bytes are read wrong", size)
						}
					}
					c.Close()
				}
			})
		}
		clients.Wait()
		close(done)
		watcher.Wait()
		t.Logf("%d bodies of some 500 are read", good.Load())
	})
}

// TestHandler: a handler behind the budget gets bodies whole, and none that is refused.
func TestHandler(t *testing.T) {
	h := body.New(body.Options{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		fmt.Fprint(w, r.PostForm.Get("a"))
	}), func(*http.Request) hit.Addr { return hit.Addr{} }, 10, func(w http.ResponseWriter, _ *http.Request, status int, why error) {
		http.Error(w, why.Error(), status)
	})
	for text, want := range map[string]int{"": 200, "a=b": 200, "a=bcdefgh": 200, "a=bcdefghij": 413} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(text))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want || want == 200 && w.Body.String() != strings.TrimPrefix(text, "a=") {
			t.Errorf("%q is answered %d %q, want %d", text, w.Code, w.Body, want)
		}
	}
}
