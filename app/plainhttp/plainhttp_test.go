package plainhttp_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/net/http/httpguts"
	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/app/plainhttp"
	"github.com/fotspor/fotspor/internal/patience"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func plain(path string) bool { return path == "/hit" || path == "/" }

// describe answers with all that a handler is told, and by which way.
func describe(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	way(w)
	text := fmt.Appendf(nil, "%s %+v %s %s\n%q\n%d %q %v\n%q", r.Method, *r.URL, r.Proto, r.Host, r.Header, r.ContentLength, body, err, r.RequestURI)
	w.Write(text[:min(len(text), 2000)]) // net/http puts more into chunks
}

// way tells in the answer whether it went the short way.
func way(w http.ResponseWriter) {
	if _, long := w.(http.Hijacker); !long {
		w.Header().Set("X-Way", "plain")
	}
}

// server is one that tests talk to.
type server struct {
	addr   string
	log    *bytes.Buffer // not to be read before stop
	stop   func(context.Context) error
	served chan error
}

// start starts a server on l, and stops it when the test ends.
func start(t *testing.T, l net.Listener, h http.Handler) *server {
	t.Helper()
	s := &server{addr: l.Addr().String(), log: new(bytes.Buffer), served: make(chan error, 1)}
	p := plainhttp.New(configured(h, s.log), plain)
	s.stop = p.Shutdown
	go func() { s.served <- p.Serve(l) }()
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

const (
	headerTime = 5 * time.Second
	idleTime   = time.Minute
)

func configured(h http.Handler, to io.Writer) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: headerTime, ReadTimeout: time.Minute, WriteTimeout: time.Minute,
		IdleTimeout: idleTime, ErrorLog: log.New(to, "", 0),
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// startHTTP starts net/http's own server.
func startHTTP(t *testing.T, h http.Handler) (addr string) {
	t.Helper()
	l := listen(t)
	s := configured(h, io.Discard)
	var served sync.WaitGroup
	served.Go(func() { s.Serve(l) })
	t.Cleanup(func() {
		s.Close()
		served.Wait()
	})
	return l.Addr().String()
}

// client is a connection to a server that fails rather than hangs.
type client struct {
	net.Conn
	t  *testing.T
	in *bufio.Reader
}

func dial(t *testing.T, addr string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience.Of(30 * time.Second))); err != nil {
		t.Fatal(err)
	}
	return &client{conn, t, bufio.NewReader(conn)}
}

// answer is what a client sees of an answer.
type answer struct {
	Status string
	Header http.Header
	Length int64
	Body   string
	Close  bool
}

// ask sends text and reads the answers to a number of requests in it, less if the
// connection ends.
func (c *client) ask(text string, requests int) (all []answer) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
	method, _, _ := strings.Cut(text, " ")
	for range requests {
		resp, err := http.ReadResponse(c.in, &http.Request{Method: method})
		if err != nil {
			return all
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			c.t.Fatal(err)
		}
		if resp.Header.Get("Date") == "" && resp.StatusCode < 400 {
			c.t.Error("an answer tells no time")
		}
		resp.Header.Del("Date")
		all = append(all, answer{resp.Status, resp.Header, resp.ContentLength, string(body), resp.Close})
	}
	return all
}

// ways takes from answers by which way they came.
func ways(all []answer) (ways []string) {
	for _, a := range all {
		if a.Header.Get("X-Way") == "" {
			a.Header.Set("X-Way", "net/http")
		}
		ways = append(ways, a.Header.Get("X-Way"))
		a.Header.Del("X-Way")
	}
	return ways
}

const head = " HTTP/1.1\r\nHost: a.example\r\n"

// TestSameAsNetHTTP: to each request, the answer is that of net/http, and so is what
// the handler was told. What is plain goes the short way.
func TestSameAsNetHTTP(t *testing.T) {
	ours := start(t, listen(t), http.HandlerFunc(describe)).addr
	theirs := startHTTP(t, http.HandlerFunc(describe))
	big := func(n int) string { return strings.Repeat("a", n) }
	for name, test := range map[string]struct {
		text  string
		plain bool
	}{
		"GET":                    {"GET /hit?a=b" + head + "\r\n", true},
		"no query":               {"GET /hit" + head + "\r\n", true},
		"an empty query":         {"GET /hit?" + head + "\r\n", true},
		"two question marks":     {"GET /hit?a?b#c" + head + "\r\n", true},
		"escapes in the query":   {"GET /hit?a=%C3%A5%zz%" + head + "\r\n", true},
		"odd signs in the query": {"GET /hit?\"<>\\^`{|}'();:@&=+$,/?" + head + "\r\n", true},
		"a browser": {"GET /hit?a=b" + head + "user-agent: Mozilla/5.0 (X11) \r\nAccept:*/*\r\nsec-ch-ua: \"A\";v=\"1\", \"B\"\r\n" +
			"DNT: 1\r\nAccept-Language:   nb,en;q=0.5  \r\nConnection: keep-alive\r\nCookie: a=b; c=d\r\nX-Empty:\r\n\r\n", true},
		"Chromium's beacon": {"POST /hit?a" + head + "Connection: keep-alive\r\nContent-Length: 0\r\nsec-ch-ua-platform: \"Linux\"\r\n" +
			"sec-ch-ua: \"Not:A-Brand\";v=\"8\", \"Chromium\";v=\"156\"\r\nsec-ch-ua-mobile: ?0\r\nAccept: */*\r\nOrigin: https://a.example\r\n" +
			"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: empty\r\nReferer: https://a.example/\r\n\r\n", true},
		"through nginx":          {"POST /hit" + head + "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nContent-Length: 1\r\nUser-Agent: M\r\n\r\na", true},
		"through Caddy":          {"GET /hit" + head + "Dnt: 1\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: a\r\nAccept-Encoding: gzip\r\n\r\n", true},
		"through HAProxy":        {"POST /hit HTTP/1.1\r\nhost: a:1\r\ndnt: 1\r\ncontent-length: 0\r\nx-forwarded-for: 127.0.0.1\r\n\r\n", true},
		"a name twice":           {"GET /hit" + head + "Cookie: a\r\ncookie: b\r\nCookie: c\r\nX: 1\r\n\r\n", true},
		"POST of nothing":        {"POST /hit?a" + head + "Content-Length: 0\r\n\r\n", true},
		"POST without a length":  {"POST /hit?a" + head + "\r\n", true},
		"POST":                   {"POST /hit" + head + "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\na\r\n\x00\xff", true},
		"a length with zeros":    {"POST /hit" + head + "Content-Length: 005\r\n\r\nabcde", true},
		"as large as it may be":  {"GET /hit?" + big(4096-len("GET /hit?"+head+"\r\n")) + head + "\r\n", true},
		"an address as host":     {"GET /hit HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", true},
		"the host in lower case": {"GET /hit HTTP/1.1\r\nhost: a\r\n\r\n", true},

		"a line end behind a body": {"POST /hit" + head + "Content-Length: 1\r\n\r\na\r\n\r\n", true},

		"too large by one":            {"GET /hit?" + big(4097-len("GET /hit?"+head+"\r\n")) + head + "\r\n", false},
		"another path":                {"GET /else" + head + "\r\n", false},
		"a longer path":               {"GET /hit/" + head + "\r\n", false},
		"an escaped path":             {"GET /h%69t" + head + "\r\n", false},
		"HEAD":                        {"HEAD /hit" + head + "\r\n", false},
		"PUT":                         {"PUT /hit" + head + "Content-Length: 1\r\n\r\na", false},
		"a method in lower case":      {"get /hit" + head + "\r\n", false},
		"HTTP/1.0":                    {"GET /hit HTTP/1.0\r\nHost: a\r\n\r\n", false},
		"HTTP/1.2":                    {"GET /hit HTTP/1.2\r\nHost: a\r\n\r\n", false},
		"no version":                  {"GET /hit\r\nHost: a\r\n\r\n", false},
		"a space in the target":       {"GET /hit?a b HTTP/1.1\r\nHost: a\r\n\r\n", false},
		"two spaces":                  {"GET  /hit HTTP/1.1\r\nHost: a\r\n\r\n", false},
		"a tab":                       {"GET /hit\tHTTP/1.1\r\nHost: a\r\n\r\n", false},
		"absolute form":               {"GET http://b/hit" + head + "\r\n", false},
		"a control in the target":     {"GET /hit?\x01" + head + "\r\n", false},
		"DEL in the target":           {"GET /hit?\x7f" + head + "\r\n", false},
		"UTF-8 in the target":         {"GET /hit?å" + head + "\r\n", false},
		"UTF-8 in a header":           {"GET /hit" + head + "X: blåbærsyltetøy\r\n\r\n", false},
		"a tab in a header":           {"GET /hit" + head + "X: a\tb\r\n\r\n", false},
		"NUL in a header":             {"GET /hit" + head + "X: a\x00b\r\n\r\n", false},
		"a bare CR in a header":       {"GET /hit" + head + "X: a\rb\r\n\r\n", false},
		"a bare LF in a header":       {"GET /hit" + head + "X: a\nY: b\r\n\r\n", false},
		"lines that end in LF":        {"GET /hit HTTP/1.1\nHost: a\n\n", false},
		"the last line ends in LF":    {"GET /hit HTTP/1.1\r\nHost: a\r\n\n", false},
		"a folded line":               {"GET /hit" + head + "X: a\r\n b\r\n\r\n", false},
		"a space before the colon":    {"GET /hit" + head + "X : a\r\n\r\n", false},
		"no colon":                    {"GET /hit" + head + "X\r\n\r\n", false},
		"no name":                     {"GET /hit" + head + ": a\r\n\r\n", false},
		"a name of other signs":       {"GET /hit" + head + "X(: a\r\n\r\n", false},
		"no host":                     {"GET /hit HTTP/1.1\r\nX: a\r\n\r\n", false},
		"an empty host":               {"GET /hit HTTP/1.1\r\nHost:\r\n\r\n", false},
		"two hosts":                   {"GET /hit" + head + "Host: b\r\n\r\n", false},
		"a host with a path":          {"GET /hit HTTP/1.1\r\nHost: a/b\r\n\r\n", false},
		"a host of two":               {"GET /hit HTTP/1.1\r\nHost: a, b\r\n\r\n", false},
		"the last one":                {"GET /hit" + head + "Connection: close\r\n\r\n", false},
		"more of the connection":      {"GET /hit" + head + "Connection: keep-alive, X\r\nX: a\r\n\r\n", false},
		"an upgrade":                  {"GET /hit" + head + "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", false},
		"an upgrade by itself":        {"GET /hit" + head + "Upgrade: h2c\r\n\r\n", false},
		"Expect":                      {"POST /hit" + head + "Expect: 200-ok\r\nContent-Length: 1\r\n\r\na", false},
		"Pragma":                      {"GET /hit" + head + "Pragma: no-cache\r\n\r\n", false},
		"chunks":                      {"POST /hit" + head + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", false},
		"chunks and a length":         {"POST /hit" + head + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", false},
		"a trailer":                   {"POST /hit" + head + "Trailer: X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: a\r\n\r\n", false},
		"GET with a body":             {"GET /hit" + head + "Content-Length: 1\r\n\r\na", false},
		"GET with an empty body":      {"GET /hit" + head + "Content-Length: 0\r\n\r\n", false},
		"a length twice":              {"POST /hit" + head + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", false},
		"two lengths":                 {"POST /hit" + head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\na", false},
		"a list of lengths":           {"POST /hit" + head + "Content-Length: 1, 1\r\n\r\na", false},
		"a length with a sign":        {"POST /hit" + head + "Content-Length: +1\r\n\r\na", false},
		"a negative length":           {"POST /hit" + head + "Content-Length: -1\r\n\r\na", false},
		"a hexadecimal length":        {"POST /hit" + head + "Content-Length: 0x1\r\n\r\na", false},
		"no length":                   {"POST /hit" + head + "Content-Length:\r\n\r\n", false},
		"a length beyond all":         {"POST /hit" + head + "Content-Length: 99999999999999999999\r\n\r\na", false},
		"a body too large":            {"POST /hit" + head + "Content-Length: 5000\r\n\r\n" + big(5000), false},
		"many headers":                {"GET /hit" + head + strings.Repeat("X: a\r\n", 100) + "\r\n", false},
		"an empty line before":        {"\r\nGET /hit" + head + "\r\n", false},
		"nonsense":                    {"nonsense\r\n\r\n", false},
		"HTTP/2 at once":              {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", false},
		"a header that ends too soon": {"GET /hit\r\n\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			want := dial(t, theirs).ask(test.text, 1)
			got := dial(t, ours).ask(test.text, 1)
			way := ways(got)
			ways(want)
			if diff := cmp.Diff(want, got); diff != "" || len(got) != 1 {
				t.Errorf("%q is answered (-net/http +ours):\n%s", test.text, diff)
			}
			if plain := slices.Equal(way, []string{"plain"}); plain != test.plain {
				t.Errorf("%q went by %v, want plain %v", test.text, way, test.plain)
			}
		})
	}
}

// TestCanonical: a name that is taken as it is written is one that net/http takes so, too.
func TestCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching(`[A-Za-z-]{0,9}(-[A-Z][a-z]{0,4}){0,3}`)).Draw(t, "name")
		if plainhttp.IsCanonical(name) && (!httpguts.ValidHeaderFieldName(name) || textproto.CanonicalMIMEHeaderKey(name) != name) {
			t.Errorf("%q is taken as it is", name)
		}
	})
	for _, name := range []string{"Host", "User-Agent", "X-Forwarded-For", "Sec-Ch-Ua-Mobile", "Dnt"} {
		if !plainhttp.IsCanonical(name) {
			t.Errorf("%q takes the long way", name)
		}
	}
}
