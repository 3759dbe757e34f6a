package plainhttp_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/app/plainhttp"
)

// FuzzRead: what is read as a plain request is the same request to net/http, and ends
// where net/http sees its end, after any request before it on the connection.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		"GET /hit?a=b" + head + "X: y\r\nY: z\r\n\r\nGET /",
		"GET /hit?a=b" + head + "X: y\r\nX: z\r\n\r\nGET /",
		"POST /" + head + "content-length: 3\r\nConnection: Keep-Alive\r\n\r\nabcd",
		"GET /hit?" + head + "Content-Length: 3\r\n\r\nabc",
		"POST /hit" + head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"GET /hit" + head + " folded\r\n\r\n",
		"GET /hit" + head + "Pragma: no-cache\r\nUpgrade: h2c\r\n\r\n",
	} {
		for _, before := range []string{"", text, browser, "GET /hit" + head + "Y: 1\r\nx: 2\r\n\r\n", "GET /hit" + head + "X: 1\r\ny: 2\r\nZ: 3\r\n\r\n"} {
			f.Add([]byte(text), []byte(before))
		}
	}
	f.Fuzz(func(t *testing.T, data, before []byte) {
		if first, _ := plainhttp.Read(before, plain); first == nil {
			before = nil // the connection would be net/http's
		}
		got, size := plainhttp.Read(data, plain, before, before)
		if fresh, _ := plainhttp.Read(data, plain); (fresh == nil) != (got == nil) {
			t.Fatalf("%q is plain: %v, and after %q: %v", data, fresh != nil, before, got != nil)
		}
		if got == nil {
			return
		}
		rest := bytes.NewReader(data)
		in := bufio.NewReader(rest)
		want, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("%q is plain, and net/http says: %v", data, err)
		}
		body := func(r *http.Request) string {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				t.Fatalf("%q: %v", data, err)
			}
			return string(b)
		}
		gotBody, wantBody := body(got), body(want)
		type told struct {
			Method, URL, URI, Proto, Host, Path, Query, Body string
			Force, Close                                     bool
			Length                                           int64
			Header                                           http.Header
			Size                                             int
		}
		tell := func(r *http.Request, body string, size int) told {
			return told{
				r.Method, r.URL.String(), r.RequestURI, r.Proto, r.Host, r.URL.Path, r.URL.RawQuery, body,
				r.URL.ForceQuery, r.Close, r.ContentLength, r.Header, size,
			}
		}
		end := len(data) - rest.Len() - in.Buffered()
		if diff := cmp.Diff(tell(want, wantBody, end), tell(got, gotBody, size)); diff != "" {
			t.Errorf("%q (-net/http +plain):\n%s", data, diff)
		}
	})
}

// TestAnswers: what a handler answers reaches the client as from net/http.
func TestAnswers(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"nothing":      func(w http.ResponseWriter, r *http.Request) {},
		"a status":     func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) },
		"a text":       func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hei") },
		"an image":     func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "GIF89a\x01\x00") },
		"in pieces":    func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "he"); io.WriteString(w, "i") },
		"an error":     func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) },
		"a redirect":   func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/else", http.StatusFound) },
		"no content":   func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"not modified": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNotModified) },
		"two statuses": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(201); w.WriteHeader(500) },
		"another type": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "x/y")
			io.WriteString(w, "hei")
		},
		"many values": func(w http.ResponseWriter, r *http.Request) { w.Header()["Vary"] = []string{"A", "B"} },
		"packed": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, "hei")
		},
		"the last one": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "close")
			io.WriteString(w, "hei")
		},
		"a length": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "3")
			io.WriteString(w, "hei")
		},
		"line ends": func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-A", "a\r\nSet-Cookie: b") },
		"a body in 204": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusNoContent)
			if _, err := io.WriteString(w, "hei"); !errors.Is(err, http.ErrBodyNotAllowed) {
				w.Header().Set("X-Err", fmt.Sprint(err))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			told := func(w http.ResponseWriter, r *http.Request) { way(w); h(w, r) }
			const twice = "GET /hit" + head + "\r\n" + "GET /hit" + head + "\r\n" // nothing is left of the first
			want := dial(t, startHTTP(t, http.HandlerFunc(told))).ask(twice, 2)
			got := dial(t, start(t, listen(t), http.HandlerFunc(told)).addr).ask(twice, 2)
			if way := ways(got); slices.Contains(way, "net/http") || len(way) == 0 {
				t.Errorf("the answers came by %v, want the short way", way)
			}
			ways(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answers (-net/http +ours):\n%s", diff)
			}
		})
	}
}

// TestLargeAnswer: an answer of any size comes whole, and in one piece.
func TestLargeAnswer(t *testing.T) {
	text := strings.Repeat("0123456789", 1<<20)
	s := start(t, listen(t), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, text) }))
	c := dial(t, s.addr)
	for range 2 {
		if got := c.ask("GET /hit"+head+"\r\n", 1); len(got) != 1 || got[0].Body != text || got[0].Length != int64(len(text)) {
			t.Fatalf("%d answers, not the one of %d bytes", len(got), len(text))
		}
	}
}

// TestConnection: plain requests may follow each other in one go; from the first that is
// not plain, or does not come in one piece, the connection is net/http's.
func TestConnection(t *testing.T) {
	get := func(path string) string { return "GET " + path + head + "\r\n" }
	type part struct {
		text    string
		answers int
	}
	for name, test := range map[string]struct {
		parts []part
		want  []string // ways of all answers
	}{
		"one after the other": {[]part{{get("/hit?1"), 1}, {get("/hit?2"), 1}, {get("/"), 1}}, []string{"plain", "plain", "plain"}},
		"in one go":           {[]part{{strings.Repeat(get("/hit"), 50), 50}}, slices.Repeat([]string{"plain"}, 50)},
		"bodies in one go":    {[]part{{strings.Repeat("POST /hit"+head+"Content-Length: 3\r\n\r\nGET", 9), 9}}, slices.Repeat([]string{"plain"}, 9)},
		"other in between":    {[]part{{get("/hit"), 1}, {get("/else"), 1}, {get("/hit"), 1}}, []string{"plain", "net/http", "net/http"}},
		"other in one go":     {[]part{{get("/hit") + get("/else") + get("/hit"), 3}}, []string{"plain", "net/http", "net/http"}},
		"a line end too much": {[]part{{"POST /hit" + head + "Content-Length: 1\r\n\r\na\r\n", 1}, {"\r\n", 0}, {get("/hit"), 1}}, []string{"plain", "plain"}},
		"half of the second":  {[]part{{get("/hit") + "GET /hi", 1}, {"t" + head + "\r\n", 1}}, []string{"plain", "net/http"}},
		"half a body":         {[]part{{"POST /hit" + head + "Content-Length: 3\r\n\r\na", 0}, {"bc", 1}}, []string{"net/http"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newPipes() // of which a read gets no more than what was written at once
			start(t, l, http.HandlerFunc(describe))
			c := &client{l.dial(), t, nil}
			defer c.Close()
			c.in = bufio.NewReader(c)
			var got []answer
			for _, p := range test.parts {
				got = append(got, c.ask(p.text, p.answers)...)
			}
			if way := ways(got); !slices.Equal(way, test.want) {
				t.Errorf("ways %v, want %v", way, test.want)
			}
			for _, a := range got {
				if a.Status != "200 OK" {
					t.Errorf("an answer is %s", a.Status)
				}
			}
		})
	}
}

// TestJunk: what follows an answered request is a request from the fourth byte on, as in
// net/http. Fewer bytes and then the end earn no answer.
func TestJunk(t *testing.T) {
	const get, post = "GET /hit" + head + "\r\n", "POST /hit" + head + "Content-Length: 1\r\n\r\na"
	for _, request := range []string{get, post} {
		for _, junk := range []string{"", "a", "ab", "abc", "abcd", "abcde", "\r", "\r\n", "\r\na", "\r\nab", "\r\n\r\n", "\x00\xff", "\x16\x03\x01", "GET"} {
			for name, parts := range map[string][]string{
				"in one piece":  {request + junk},
				"in two pieces": {request, junk},
				"byte by byte":  append([]string{request}, strings.Split(junk, "")...),
			} {
				answers := func(addr string) (all []string) {
					c := dial(t, addr)
					next := func() bool {
						resp, err := http.ReadResponse(c.in, nil)
						if err != nil {
							return false
						}
						io.Copy(io.Discard, resp.Body)
						all = append(all, resp.Status)
						return true
					}
					for i, part := range parts {
						io.WriteString(c, part) // may fail: the answer to junk is the last
						if i == 0 {
							next()
						}
					}
					c.Conn.(*net.TCPConn).CloseWrite()
					for next() {
					}
					return all
				}
				want := answers(startHTTP(t, http.HandlerFunc(describe)))
				got := answers(start(t, listen(t), http.HandlerFunc(describe)).addr)
				if !slices.Equal(got, want) {
					t.Errorf("%.4s, then %q %s: answers %q, net/http's are %q", request, junk, name, got, want)
				}
			}
		}
	}
	// The next request may come in pieces, of which the first is too small for one.
	c := dial(t, start(t, listen(t), http.HandlerFunc(describe)).addr)
	got := c.ask(get, 1)
	io.WriteString(c, get[:3])
	got = append(got, c.ask(get[3:], 1)...)
	if len(got) != 2 || got[1].Status != "200 OK" {
		t.Errorf("a request in two pieces is answered %+v", got)
	}
}

// TestLongHeads: a crowd whose heads are long and never end has a bounded number of them
// read, and an honest long head is read among them: once the crowd is slow, and at once
// when it is gone.
func TestLongHeads(t *testing.T) {
	const crowd = 300
	long := "GET /else" + head + strings.Repeat("A: b\r\n", 2000)
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		s := start(t, l, http.HandlerFunc(describe))
		ask := func(text string) (status int) {
			conn := l.dial()
			defer conn.Close()
			go io.WriteString(conn, text)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				return 0
			}
			io.Copy(io.Discard, resp.Body)
			return resp.StatusCode
		}
		var refused, conns []net.Conn
		for range crowd {
			conn := l.dial()
			defer conn.Close()
			conns = append(conns, conn)
			go io.WriteString(conn, long)
		}
		synctest.Wait()
		for _, conn := range conns {
			conn.SetReadDeadline(time.Now().Add(time.Millisecond))
			if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil && resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "" {
				refused = append(refused, conn)
			}
		}
		if len(refused) != crowd-32 {
			t.Errorf("%d of %d are refused, want all but 32", len(refused), crowd)
		}
		if status := ask("GET /else" + head + "\r\n"); status != http.StatusOK {
			t.Errorf("a short head is answered %d", status)
		}
		if status := ask(long + "\r\n"); status != http.StatusServiceUnavailable {
			t.Errorf("a long head is answered %d while all may be honest", status)
		}
		time.Sleep(2 * time.Second)
		for range 100 {
			if status := ask(long + "\r\n"); status != http.StatusOK {
				t.Errorf("a long head is answered %d when the crowd is slow", status)
			}
		}
		s.stop(t.Context())
		time.Sleep(time.Minute)
	})
	// One after the other, on connections that are kept.
	s := start(t, listen(t), http.HandlerFunc(describe))
	for range 2 {
		for range 100 {
			c := dial(t, s.addr)
			if got := c.ask(strings.Repeat(long+"\r\n", 3), 3); len(got) != 3 || got[2].Status != "200 OK" {
				t.Fatalf("%d of 3 long heads are answered", len(got))
			}
		}
	}
}

// held is a handler that lets a test hold requests under way.
type held struct{ began, end chan struct{} }

func (h held) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	way(w)
	h.began <- struct{}{}
	<-h.end
	io.WriteString(w, "done")
}

// TestShutdown: requests under way are answered, by either way, and told that they are
// the last; connections on which nothing happens are closed.
func TestShutdown(t *testing.T) {
	h := held{make(chan struct{}), make(chan struct{})}
	s := start(t, listen(t), h)
	silent, plain, other := dial(t, s.addr), dial(t, s.addr), dial(t, s.addr)
	var answers sync.WaitGroup
	for path, c := range map[string]*client{"/hit": plain, "/else": other} {
		answers.Go(func() {
			got := c.ask("GET "+path+head+"\r\n", 2)
			if len(got) != 1 || got[0].Body != "done" || path == "/hit" && !got[0].Close {
				t.Errorf("GET %s under way is answered %+v, want one answer, the last", path, got)
			}
		})
		<-h.began
	}
	ended := make(chan error)
	go func() { ended <- s.stop(context.Background()) }()
	if _, err := silent.in.ReadByte(); err != io.EOF {
		t.Errorf("a silent connection sees %v, want its end", err)
	}
	select {
	case err := <-ended:
		t.Fatalf("Shutdown = %v with requests under way", err)
	default:
	}
	close(h.end)
	answers.Wait()
	if err := <-ended; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := <-s.served; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve = %v, want ErrServerClosed", err)
	}
	if conn, err := net.Dial("tcp", s.addr); err == nil {
		conn.Close()
		t.Error("a connection after the end")
	}
}

// TestShutdownOfBoth: a plain client that does not read its answer does not keep
// net/http's connections from being stopped.
func TestShutdownOfBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		s := start(t, l, http.HandlerFunc(describe))
		deaf, idle := l.dial(), l.dial()
		defer deaf.Close()
		defer idle.Close()
		io.WriteString(deaf, "GET /hit"+head+"\r\n") // and the answer waits for a reader
		c := &client{idle, t, bufio.NewReader(idle)}
		if got := c.ask("GET /else"+head+"\r\n", 1); len(got) != 1 {
			t.Fatal("no answer by net/http")
		}
		const most = 10 * time.Second
		ctx, cancel := context.WithTimeout(t.Context(), most)
		defer cancel()
		ended := make(chan error)
		go func() { ended <- s.stop(ctx) }()
		began := time.Now()
		idle.SetReadDeadline(began.Add(most / 2))
		if _, err := c.in.ReadByte(); err != io.EOF {
			t.Errorf("an idle connection of net/http sees %v %v after Shutdown began, want its end", err, time.Since(began))
		}
		<-ended
	})
}

// TestShutdownInTime: what is not answered in time is for Close, which waits for it.
func TestShutdownInTime(t *testing.T) {
	h := held{make(chan struct{}), make(chan struct{})}
	s := start(t, listen(t), h)
	c := dial(t, s.addr)
	if _, err := io.WriteString(c, "GET /hit"+head+"\r\n"); err != nil {
		t.Fatal(err)
	}
	<-h.began
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown = %v, want that time is over", err)
	}
	close(h.end) // and the Close of the test's end returns
}

// TestPanic: a handler that panics ends its connection, and nothing else. Nothing is told
// of it but that.
func TestPanic(t *testing.T) {
	for _, value := range []any{"a secret", http.ErrAbortHandler} {
		s := start(t, listen(t), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery == "panic" {
				panic(value)
			}
			describe(w, r)
		}))
		other := dial(t, s.addr)
		if got := dial(t, s.addr).ask("GET /hit?panic"+head+"\r\n", 1); len(got) != 0 {
			t.Errorf("answered %+v, want the end", got)
		}
		if got := other.ask("GET /hit"+head+"\r\n", 1); len(got) != 1 {
			t.Error("another connection ended")
		}
		if err := s.stop(t.Context()); err != nil {
			t.Error(err)
		}
		want := "plainhttp: a handler panicked\n"
		if value == http.ErrAbortHandler {
			want = ""
		}
		if log := s.log.String(); log != want {
			t.Errorf("log %q, want %q", log, want)
		}
	}
}

// pipes is a listener without a network, so that its clients can live in a bubble where
// time passes at once.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   *sync.Once
}

func newPipes() pipes { return pipes{make(chan net.Conn), make(chan struct{}), new(sync.Once)} }

func (p pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		if conn == nil {
			return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept", syscall.EMFILE)}
		}
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

// TestTime: a connection on which nothing comes, or whose client does not read, ends.
func TestTime(t *testing.T) {
	const get = "GET /hit" + head + "\r\n"
	for name, test := range map[string]struct {
		client      func(net.Conn) // before it waits for the end
		least, most time.Duration
	}{
		"says nothing": {func(net.Conn) {}, headerTime, headerTime},
		"is silent after an answer": {func(c net.Conn) {
			io.WriteString(c, get)
			http.ReadResponse(bufio.NewReader(c), nil)
		}, idleTime, idleTime * 3 / 2},
		"comes back in time": {func(c net.Conn) {
			in := bufio.NewReader(c)
			for range 10 {
				io.WriteString(c, get)
				resp, err := http.ReadResponse(in, nil)
				if err != nil {
					return
				}
				io.Copy(io.Discard, resp.Body)
				time.Sleep(idleTime - time.Second)
			}
		}, 10*idleTime - 10*time.Second, 11 * idleTime},
		"does not read": {func(c net.Conn) {
			io.WriteString(c, get)
			time.Sleep(2 * idleTime)
		}, 2 * idleTime, 2 * idleTime},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newPipes()
				start(t, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hei") }))
				began, conn := time.Now(), l.dial()
				test.client(conn)
				n, _ := io.Copy(io.Discard, conn)
				if took := time.Since(began); took < test.least || took > test.most {
					t.Errorf("the connection ended after %v, want %v to %v", took, test.least, test.most)
				}
				if name == "does not read" && n > 0 {
					t.Errorf("%d bytes were written after the time for them", n)
				}
				conn.Close()
			})
		})
	}
}

// TestAccept: a listener that fails for a while, as when files run out, is asked again
// and again, and not all the time.
func TestAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		start(t, l, http.HandlerFunc(describe))
		began := time.Now()
		for range 10 {
			l.conns <- nil
		}
		conn := l.dial()
		defer conn.Close()
		if took := time.Since(began); took < time.Second || took > 10*time.Second {
			t.Errorf("ten failures took %v", took)
		}
		go io.WriteString(conn, "GET /hit"+head+"\r\n")
		if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
			t.Error(err)
		}
	})
}

// TestServeAfterShutdown: a server that was stopped before it began takes nothing.
func TestServeAfterShutdown(t *testing.T) {
	s := plainhttp.New(configured(http.NotFoundHandler(), io.Discard), plain)
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	l := listen(t)
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve = %v, want ErrServerClosed", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is still open: %v", err)
	}
}

// TestAllocations: a plain request costs the copy of its head, and no more.
func TestAllocations(t *testing.T) {
	text := []byte(browser)
	requests := plainhttp.NewReader(plain)
	if got := testing.AllocsPerRun(100, func() {
		if requests.Read(text) != len(text) {
			t.Fatal("not plain")
		}
	}); got > 1 {
		t.Errorf("%v allocations, want 1", got)
	}
}

// browser is a request as a browser sends it.
const browser = "GET /hit?idsite=1&rec=1&url=https%3A%2F%2Fexample.org%2Ftjenester%2F17%2Fom-tilbudet&urlref=https%3A%2F%2Fwww.google.com%2F" + head +
	"User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36\r\n" +
	"Accept: image/avif,image/webp,*/*;q=0.8\r\nAccept-Language: nb-NO,nb;q=0.9\r\nAccept-Encoding: gzip, deflate, br\r\n" +
	"Referer: https://example.org/tjenester/17/om-tilbudet\r\nX-Forwarded-For: 84.210.7.9\r\nX-Forwarded-Proto: https\r\n\r\n"

// BenchmarkRead reads the same names again and again, as on most connections.
func BenchmarkRead(b *testing.B) {
	text, requests := []byte(browser), plainhttp.NewReader(plain)
	b.ReportAllocs()
	for b.Loop() {
		if requests.Read(text) != len(text) {
			b.Fatal("not plain")
		}
	}
}

// BenchmarkServe compares the short way with that of net/http, client and all.
func BenchmarkServe(b *testing.B) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = []string{"text/plain"}
		io.WriteString(w, "hei")
	})
	ask := func(b *testing.B, addr string) {
		b.ReportAllocs()
		used := cpu(b)
		b.RunParallel(func(pb *testing.PB) {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			answer := make([]byte, 4096)
			for pb.Next() {
				if _, err := io.WriteString(conn, browser); err != nil {
					b.Error(err)
					return
				}
				if _, err := conn.Read(answer); err != nil {
					b.Error(err)
					return
				}
			}
		})
		b.ReportMetric(float64((cpu(b)-used).Nanoseconds())/float64(b.N), "cpu-ns/op")
	}
	b.Run("way=plain", func(b *testing.B) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		s := plainhttp.New(configured(h, io.Discard), plain)
		go s.Serve(l)
		defer s.Close()
		ask(b, l.Addr().String())
	})
	b.Run("way=net-http", func(b *testing.B) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		s := configured(h, io.Discard)
		go s.Serve(l)
		defer s.Close()
		ask(b, l.Addr().String())
	})
}

// cpu returns what this process has used of the processors.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
