package app_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/collector/body"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/internal/patience"
)

// What hostile clients send of their own, and no log may hold.
const (
	canary        = "kanari-5c1fd0"
	canaryAddress = "203.0.113.77"
)

// siege is a program under attack by hostile clients.
type siege struct {
	*program
	host       string // public address
	goroutines int
	memory     int64
}

// besiege starts a program with site 1, which trusts this machine to tell addresses.
func besiege(t *testing.T) *siege {
	t.Helper()
	p := start(t, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), func(o *app.Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	if out, errs, status := command(t, "", "site", "add", "--data", p.opts.Data, "--host", "example.org", "--quiet"); out != "1\n" || status != 0 {
		t.Fatalf("site add printed %q, %q, status %d", out, errs, status)
	}
	p.awaitSite(1)
	s := &siege{program: p, host: strings.TrimPrefix(p.public, "http://")}
	s.honest()
	s.calm()
	s.memory = resetPeak(t)
	return s
}

// calm records the number of goroutines while there are no connections.
func (s *siege) calm() {
	s.client.CloseIdleConnections()
	runtime.GC()
	s.goroutines = runtime.NumGoroutine()
}

// honest sends a hit as a browser does, and fails the test unless it is recorded.
func (s *siege) honest() {
	s.t.Helper()
	if told := s.send(sent{addr: netip.MustParseAddr("84.210.7.9"), agent: agents[0].header, page: "/"}); told != "recorded" {
		s.t.Errorf("an honest client is told %q", told)
	}
}

// heavier is how much more memory a program takes under the race detector.
func heavier() int64 {
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return 10
	}
	return 1
}

// growth is how much larger the process may have been in a siege, in bytes. What the
// hostile clients of the test themselves take is in it.
const growth = 384 << 20

// unhurt fails the test unless the program is as well as it was before: honest clients
// are served, each hit is accounted for, nothing failed, nothing was told, and memory
// and goroutines are given back.
func (s *siege) unhurt() {
	s.t.Helper()
	s.honest()
	await(s.t, "each hit accounted for", func() error {
		received, left := s.account()
		if received != left {
			return fmt.Errorf("%v hits received, %v accepted or dropped", received, left)
		}
		return nil
	})
	for line := range strings.Lines(s.get(s.metrics + "/metrics")) {
		// 503 asks to send it again, which is no error.
		if strings.HasPrefix(line, "fotspor_http_request_duration_seconds_count") && strings.Contains(line, `code="5`) && !strings.Contains(line, `code="503"`) {
			s.t.Errorf("answered with an error of its own: %s", line)
		}
	}
	_, log, _ := strings.Cut(s.log.String(), "msg=started")
	log = log[strings.IndexByte(log, '\n')+1:] // that line tells where the program listens
	for _, secret := range []string{canary, canaryAddress, "127.0.0.1", "level=ERROR", "panic"} {
		if strings.Contains(log, secret) {
			s.t.Errorf("the log holds %q:\n%s", secret, log)
		}
	}
	await(s.t, "goroutines given back", func() error {
		s.client.CloseIdleConnections()
		if n := runtime.NumGoroutine(); n > s.goroutines+10 {
			return fmt.Errorf("%d goroutines, %d before", n, s.goroutines)
		}
		return nil
	})
	if peak, ok := peakMemory(s.t); ok && peak > s.memory+growth*heavier() {
		s.t.Errorf("the process grew from %d to %d MB, want at most %d more", s.memory>>20, peak>>20, growth>>20)
	}
	s.memory = resetPeak(s.t)
}

var series = regexp.MustCompile(`(?m)^fotspor_hits_(received|accepted|dropped)_total(?:\{[a-z]+="([a-z_]+)"\})? (\S+)$`)

// account returns the hits that were received, and those of them of whom it is known
// what became of them. A request that can't be read has no hits, and is counted as
// dropped all the same.
func (s *siege) account() (received, left float64) {
	s.t.Helper()
	for _, m := range series.FindAllStringSubmatch(s.get(s.metrics+"/metrics"), -1) {
		n, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			s.t.Fatal(err)
		}
		switch {
		case m[1] == "received":
			received += n
		case m[2] != "bad_request" && !strings.HasPrefix(m[2], "body_"):
			left += n
		}
	}
	return received, left
}

// resetPeak begins anew to note the most memory that this process takes, and returns
// what it takes now.
func resetPeak(t *testing.T) int64 {
	t.Helper()
	runtime.GC()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		return 0
	}
	now, _ := peakMemory(t)
	return now
}

// peakMemory returns the most memory that this process took, in bytes, where Linux
// tells.
func peakMemory(t *testing.T) (int64, bool) {
	t.Helper()
	return statusOf(t, os.Getpid(), "VmHWM")
}

// statusOf returns a line of /proc/PID/status that is in kB, in bytes.
func statusOf(t *testing.T, pid int, name string) (int64, bool) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Logf("memory is not looked at: %v", err)
		return 0, false
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kB, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kB << 10, err == nil
		}
	}
	return 0, false
}

// dial returns a connection that fails rather than hangs.
func (s *siege) dial() *net.TCPConn {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.host)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(patience.Of(time.Minute))); err != nil {
		s.t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// raw sends bytes as they are, and returns the status of each answer. When so many have
// come as are wanted, it says that it will send no more, and waits for the end. To say
// so earlier ends the context of a request under way, as if the client had gone.
func (s *siege) raw(text string, want int) (all []int) {
	s.t.Helper()
	conn := s.dial()
	defer conn.Close()
	send := func() { io.WriteString(conn, text) } // may fail: the server need not read all of it
	if want > 0 {
		go send()
	} else {
		send()
	}
	method, _, _ := strings.Cut(text, " ")
	in := bufio.NewReader(conn)
	for {
		if len(all) == want {
			conn.CloseWrite()
		}
		resp, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			return all
		}
		all = append(all, resp.StatusCode)
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return all
		}
	}
}

// Parts of requests.
const (
	pixelHit  = "/pixel.gif?site=1&url=https%3A%2F%2Fexample.org%2F" + canary
	matomoHit = "/matomo.php?idsite=1&rec=1&url=https%3A%2F%2Fexample.org%2F" + canary
	smuggled  = "GET /pixel.gif?site=1&url=https%3A%2F%2Fexample.org%2Fsmuggled HTTP/1.1\r\nHost: a\r\n\r\n"
)

// head returns the head of a request from a browser, with more lines of header.
func head(line string, more ...string) string {
	lines := append([]string{line + " HTTP/1.1", "Host: stats.example.org", "User-Agent: " + agents[0].header, "X-Forwarded-For: " + canaryAddress}, more...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// TestHostileRequests sends what no honest client sends, and holds the program to its
// answers and to how many hits it took out of them.
func TestHostileRequests(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	s := besiege(t)
	body := "idsite=1&rec=1&url=https%3A%2F%2Fexample.org%2F" + canary
	length := func(body string) string { return fmt.Sprintf("Content-Length: %d", len(body)) }
	pixel, post := "GET "+pixelHit, "POST /matomo.php"
	get := func(path string) string { return head("GET " + path) }
	behind := func(forwarded string) string { // a proxy that says it in the other way
		return strings.Replace(head(pixel, forwarded), "X-Forwarded-For", "X-Else", 1)
	}
	const chunked = "Transfer-Encoding: chunked"
	big := func(n int) string { return strings.Repeat("a", n) }
	const redirect, none = http.StatusTemporaryRedirect, http.StatusNotFound
	for _, c := range []struct {
		name, text string
		want       []int
		hits       int
		cut        bool // the text stops where more should come
	}{
		// Messages whose end two readers might see in two places: what one takes for a
		// body must not be a request to the other.
		{"two lengths", head("POST "+matomoHit, "Content-Length: 0", "Content-Length: 90") + smuggled, []int{400}, 0, false},
		{"the same length twice", head(post, length(body), length(body)) + body, []int{200}, 1, false},
		{"a list of lengths", head(post, "Content-Length: 5, 5") + body, []int{400}, 0, false},
		{"a negative length", head(post, "Content-Length: -1") + smuggled, []int{400}, 0, false},
		{"a length with a sign", head(post, "Content-Length: +5") + smuggled, []int{400}, 0, false},
		{"a hexadecimal length", head(post, "Content-Length: 0x5") + smuggled, []int{400}, 0, false},
		{"a length beyond all", head(post, "Content-Length: 99999999999999999999"), []int{400}, 0, false},
		{"a length that never comes", head(post, "Content-Length: 9223372036854775807") + body, []int{413}, 0, true},
		{"length before a space", head(post, "Content-Length : 5") + smuggled, []int{400}, 0, false},
		{"chunks before a space", head(post, "Transfer-Encoding : chunked") + "0\r\n\r\n" + smuggled, []int{400}, 0, false},
		{"chunks by another name", head(post, "Transfer-Encoding: xchunked") + "0\r\n\r\n" + smuggled, []int{501}, 0, false},
		{"chunks behind a control", head(post, "Transfer-Encoding: \x0bchunked") + "0\r\n\r\n" + smuggled, []int{400}, 0, false},
		{"chunks or not", head(post, chunked, "Transfer-Encoding: identity") + "0\r\n\r\n" + smuggled, []int{501}, 0, false},
		{"packed chunks", head(post, "Transfer-Encoding: gzip, chunked") + "0\r\n\r\n" + smuggled, []int{501}, 0, false},
		{"chunks before there were any", strings.Replace(head("POST "+matomoHit, chunked), "/1.1", "/1.0", 1) + "0\r\n\r\n" + smuggled, []int{200}, 1, false},
		{"chunks with a bare LF", head("POST "+matomoHit, chunked) + "0\n\n" + smuggled, []int{400}, 0, false},
		{"a chunk of less than nothing", head(post, chunked) + "-1\r\na\r\n0\r\n\r\n", []int{400}, 0, false},
		{"a chunk beyond all", head(post, chunked) + "fffffffffffffffff\r\na\r\n0\r\n\r\n", []int{400}, 0, false},
		{"a chunk with much to say", head(post, chunked) + "1;" + big(10_000) + "\r\na\r\n0\r\n\r\n", []int{400}, 0, false},
		{"a chunk that ends early", head(post, chunked) + "5\r\nabc", []int{400}, 0, true},
		{"an address in a trailer", head("POST "+matomoHit, chunked, "Trailer: X-Forwarded-For") + "0\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n", []int{200}, 1, false},
		{"a body that ends early", head(post, "Content-Length: 500") + body, []int{400}, 0, true},
		{"GET with a request for a body", head(pixel, length(smuggled)) + smuggled, []int{200}, 1, false},
		{"lines that end in LF", strings.ReplaceAll(head(pixel), "\r\n", "\n"), []int{200}, 1, false},
		{"lines that end in CR", strings.ReplaceAll(head(pixel), "\r\n", "\r"), []int{400}, 0, true},
		{"a folded line", head(pixel, "X-A: b", " Transfer-Encoding: chunked"), []int{200}, 1, false},
		{"a folded first line", pixel + " HTTP/1.1\r\n Host: a\r\n\r\n", []int{400}, 0, false},

		// Other protocols and targets.
		{"absolute form", head("GET http://evil.example" + pixelHit), []int{200}, 1, false},
		{"absolute form of what is private", get("http://127.0.0.1:9180/metrics"), []int{none}, 0, false},
		{"authority form", get("example.org:80"), []int{redirect}, 0, false},
		{"asterisk form", head("OPTIONS *"), []int{200}, 0, false},
		{"GET of an asterisk", get("*"), []int{400}, 0, false},
		{"CONNECT", head("CONNECT 127.0.0.1:9180"), []int{405}, 0, false},
		{"upgrade to h2c", head(pixel, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"), []int{200}, 1, false},
		{"upgrade to WebSocket", head(pixel, "Connection: Upgrade", "Upgrade: websocket"), []int{200}, 1, false},
		{"HTTP/2 at once", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", []int{400}, 0, false},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + big(500), []int{400}, 0, true},
		{"HTTP/0.9", "GET /\r\n", []int{400}, 0, false},
		{"HTTP/1.0", strings.Replace(head(pixel), "/1.1", "/1.0", 1), []int{200}, 1, false},
		{"HTTP/9.9", "GET / HTTP/9.9\r\nHost: a\r\n\r\n", []int{505}, 0, false},
		{"no host", "GET / HTTP/1.1\r\n\r\n", []int{400}, 0, false},
		{"two hosts", head("GET /", "Host: other"), []int{400}, 0, false},
		{"no host at all", pixel + " HTTP/1.1\r\nHost: a b/c@d\r\n\r\n", []int{400}, 0, false},

		// Bytes that are no text.
		{"NUL in the target", get("/pixel.gif?site=1&url=\x00"), []int{400}, 0, false},
		{"NUL and lines, encoded", get(pixelHit + "%00%0d%0aSet-Cookie:a"), []int{200}, 1, false},
		{"high bytes in the target", get(pixelHit + "\xff\xfe"), []int{200}, 1, false},
		{"a space in the target", get(pixelHit + " x"), []int{400}, 0, false},
		{"a broken escape in the path", get("/%zz/pixel.gif"), []int{400}, 0, false},
		{"a broken escape in the query", get(pixelHit + "%zz%"), []int{200}, 1, false},
		{"NUL in a header", head(pixel, "X-A: a\x00b"), []int{400}, 0, false},
		{"high bytes in headers", head(pixel, "X-A: \xff\xfe", "Accept-Language: \xff\xff", "Sec-Ch-Ua: \xc3\x28"), []int{200}, 1, false},
		{"high bytes in the name of a header", head(pixel, "X-\xff: a"), []int{400}, 0, false},
		{"a header without a name", head(pixel, ": a"), []int{400}, 0, false},
		{"a header without a colon", head(pixel, "nonsense"), []int{400}, 0, false},

		// Methods.
		{"PUT", head("PUT " + matomoHit), []int{none}, 0, false},
		{"DELETE", head("DELETE " + matomoHit), []int{none}, 0, false},
		{"TRACE", head("TRACE " + matomoHit), []int{none}, 0, false},
		{"HEAD shows nobody a page", head("HEAD " + matomoHit), []int{200}, 0, false},
		{"a method in lower case", head("get " + matomoHit), []int{none}, 0, false},
		{"a long method", head(big(60_000) + " " + matomoHit), []int{none}, 0, false},
		{"no method", head("G@T " + matomoHit), []int{400}, 0, false},

		// Paths. Those of the collector are answered however they are written. Any other that
		// is cleaned leads to where it says, and never to another host.
		{"up and in", get("/..//matomo.php?" + body), []int{200}, 1, false},
		{"two slashes", get("//matomo.php?" + body), []int{200}, 1, false},
		{"to another host", get("//evil.example/%2f.."), []int{redirect}, 0, false},
		{"to another host, backwards", get("/\\evil.example/.."), []int{redirect}, 0, false},
		{"an escaped path", get("/%6datomo%2ephp?" + body), []int{200}, 1, false},
		{"NUL in the path", get("/matomo.php%00?" + body), []int{none}, 0, false},
		{"a parameter of the path", get("/matomo.php;a?" + body), []int{none}, 0, false},
		{"an escaped slash", get("/js%2ftracker.php?" + body), []int{none}, 0, false},
		{"files of the system", get("/../../../../etc/passwd"), []int{redirect}, 0, false},
		{"files behind the script", get("/fotspor.js/%2e%2e/%2e%2e/etc/passwd"), []int{none}, 0, false},
		{"no number of a site", get("/privacy/1%2f..%2f.."), []int{none}, 0, false},
		{"a number beyond all", get("/privacy/99999999999999999999"), []int{none}, 0, false},
		{"profiles are not public", get("/debug/pprof/"), []int{none}, 0, false},
		{"a profile is not public", get("/debug/pprof/heap"), []int{none}, 0, false},
		{"variables are not public", get("/debug/vars"), []int{none}, 0, false},
		{"metrics are not public", get("/metrics"), []int{none}, 0, false},
		{"health is not public", get("/healthz"), []int{none}, 0, false},
		{"readiness is not public", get("/readyz"), []int{none}, 0, false},

		// Too much of everything.
		{"requests in one go", strings.Repeat(head(pixel), 50), slices.Repeat([]int{200}, 50), 50, false},
		{"nonsense in one go", head(pixel) + "nonsense\r\n\r\n" + head(pixel), []int{200, 400}, 1, false},
		{"Expect: 100-continue", head(post, length(body), "Expect: 100-continue") + body, []int{100, 200}, 1, false},
		{"Expect: something else", head(post, length(body), "Expect: 200-ok") + body, []int{417}, 0, false},
		{"a piece of the script", head("GET /fotspor.js", "Range: bytes=0-9"), []int{206}, 0, false},
		{"all of the script, often", head("GET /fotspor.js", "Range: bytes=0-"+strings.Repeat(",0-", 5000)), []int{200}, 0, false},
		{"a long query", get(pixelHit + big(60_000)), []int{200}, 1, false},
		{"many parameters", get(pixelHit + strings.Repeat("&a", 30_000)), []int{200}, 1, false},
		{"a query too long", get(pixelHit + big(1<<20)), []int{431}, 0, false},
		{"a header too long", head(pixel, "X-A: "+big(1<<20)), []int{431}, 0, false},
		{"many headers", head(pixel, strings.Repeat("A: b\r\n", 10_000)+"B: c"), []int{200}, 1, false},
		{"too many headers", head(pixel, strings.Repeat("A: b\r\n", 20_000)+"B: c"), []int{431}, 0, false},
		{"many proxies", behind("Forwarded: " + strings.Repeat(`for="[2001:db8::1]";host="a,b";,`, 1800)), []int{200}, 1, false},
		{"no proxies, often", behind("Forwarded: " + strings.Repeat(",", 60_000)), []int{200}, 1, false},
		{"a proxy without an end", behind("Forwarded: " + strings.Repeat(`a="`, 20_000)), []int{200}, 1, false},
		{"many trusted proxies", head(pixel, "X-Forwarded-For: "+strings.Repeat("127.0.0.1,", 6000)), []int{200}, 1, false},
		{"many cookies", head(pixel, "Cookie: "+strings.Repeat("a=b; ", 12_000)), []int{200}, 1, false},
		{"many brands", head(pixel, "Sec-Ch-Ua: "+strings.Repeat(`"a";v="1",`, 6000)), []int{200}, 1, false},
	} {
		before, _ := s.account()
		answers := len(c.want)
		if c.cut {
			answers = 0
		}
		if got := s.raw(c.text, answers); !slices.Equal(got, c.want) {
			t.Errorf("%s: answers %v, want %v", c.name, got, c.want)
		}
		if after, _ := s.account(); after-before != float64(c.hits) {
			t.Errorf("%s: %v hits, want %d", c.name, after-before, c.hits)
		}
	}
	s.unhurt()
}

// TestSecurityHeaders: with each answer of the program, a browser is told to come by HTTPS
// and not to guess; every page says what it may load, where its forms may go, and who may
// frame it.
func TestSecurityHeaders(t *testing.T) {
	for base, strict := range map[string]string{
		"https://stats.example.org": "max-age=63072000",
		"http://stats.example.org":  "",
		"https://localhost:8443":    "",
		"":                          "",
	} {
		p := start(t, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), func(o *app.Options) { o.PublicURL, o.Demo = baseurl.MustParse(base), true })
		p.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		_, setup, _ := strings.Cut(p.setup, "/setup")
		for _, address := range []string{
			"GET " + p.public + "/", "GET " + p.public + "/login", "GET " + p.public + "/setup" + setup, "GET " + p.public + "/sites/1", "POST " + p.public + "/login",
			"GET " + p.public + "/api/v1/sites", "GET " + p.public + "/nowhere", "GET " + p.public + "/a/../b", "PUT " + p.public + "/matomo.php",
			"GET " + p.public + "/privacy/1", "GET " + p.public + "/privacy/1/what", "GET " + p.public + "/privacy/9", "GET " + p.public + "/demo",
			"GET " + p.public + pixelHit, "GET " + p.public + "/pixel.gif", "HEAD " + p.public + matomoHit, "POST " + p.public + matomoHit, "OPTIONS " + p.public + "/matomo.php",
			"GET " + p.public + "/fotspor.js", "GET " + p.public + "/matomo.js",
			"GET " + p.metrics + "/metrics", "GET " + p.metrics + "/healthz", "GET " + p.metrics + "/readyz", "GET " + p.metrics + "/nowhere",
		} {
			method, to, _ := strings.Cut(address, " ")
			r, err := http.NewRequest(method, to, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := p.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if got := strings.Join(resp.Header["Strict-Transport-Security"], ", "); got != strict {
				t.Errorf("public URL %q, %s: Strict-Transport-Security %q, want %q", base, address, got, strict)
			}
			if got := resp.Header["X-Content-Type-Options"]; !slices.Equal(got, []string{"nosniff"}) {
				t.Errorf("%s: X-Content-Type-Options %q", address, got)
			}
			if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") || strings.HasSuffix(to, "/a/../b") { // a redirect of net/http's
				continue
			}
			policy := strings.Split(resp.Header.Get("Content-Security-Policy"), "; ")
			for _, directive := range []string{"default-src 'none'", "base-uri 'none'", "form-action '", "frame-ancestors '"} {
				if !slices.ContainsFunc(policy, func(d string) bool { return strings.HasPrefix(d, directive) }) {
					t.Errorf("%s: Content-Security-Policy %q has no %s", address, policy, directive)
				}
			}
			if strings.Contains(to, "/demo") {
				continue // its pages are tracked by their Referer
			}
			if got := resp.Header.Get("Referrer-Policy"); got != "same-origin" {
				t.Errorf("%s: Referrer-Policy %q", address, got)
			}
		}
		p.stop()
	}
}

// TestPolicyOnEveryAnswer: in every answer of every handler, browsers may do only what the
// handler allows, and the answer is not cached.
func TestPolicyOnEveryAnswer(t *testing.T) {
	p := start(t, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), nil)
	p.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, c := range []struct {
		method, path string
		size, status int
	}{
		{"GET", "/privacy/99", 0, 404}, {"GET", "/privacy/x", 0, 404}, {"GET", "/privacy/99/what", 0, 404}, {"PUT", "/privacy/1", 0, 405},
		{"POST", "/login", 70_000, 413}, {"POST", "/account/password", 70_000, 413}, {"GET", "/a/../b", 0, 307}, {"GET", "/login", 0, 200},
		{"GET", "/nowhere", 0, 404}, {"GET", "/api/nowhere", 0, 401}, {"GET", "/assets/none.js", 0, 404},
	} {
		r, err := http.NewRequest(c.method, p.public+c.path, strings.NewReader(strings.Repeat("x", c.size)))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := p.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, resp.StatusCode, c.status)
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "Referrer-Policy": "same-origin", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		} {
			if got := resp.Header.Get(name); !strings.HasPrefix(got, want) || len(resp.Header.Values(name)) != 1 {
				t.Errorf("%s %s: %s %q, want %q", c.method, c.path, name, resp.Header.Values(name), want)
			}
		}
	}
}

// TestHostileTwoEnds: of a request with a length and with chunks, behind which a proxy
// may have let another pass as its body, nothing more is read (RFC 9112, 6.1).
func TestHostileTwoEnds(t *testing.T) {
	s := besiege(t)
	before, _ := s.account()
	got := s.raw(head("POST "+matomoHit, "Content-Length: 4", "Transfer-Encoding: chunked")+"0\r\n\r\n"+smuggled, 1)
	if after, _ := s.account(); len(got) != 1 || after-before > 1 {
		t.Errorf("answers %v, %v hits, want one at most", got, after-before)
	}
	s.unhurt()
}

// packed returns text as gzip packs it, n times over.
func packed(t *testing.T, text string, n int) string {
	t.Helper()
	var b strings.Builder
	w := gzip.NewWriter(&b)
	for range n {
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestHostileBodies sends bodies that are small on the wire and large in memory, or
// long to read, many at a time.
func TestHostileBodies(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	s := besiege(t)
	const gzipped, plain = "Content-Encoding: gzip", "X-Plain: 1"
	item := `"?idsite=1&rec=1&url=https://example.org/` + canary + `",`
	list := func(items string) string { return `{"requests":[` + strings.TrimSuffix(items, ",") + `]}` }
	keys := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"%x":1,`, i)
		}
		return "{" + strings.TrimSuffix(b.String(), ",") + "}"
	}
	for name, c := range map[string]struct {
		body, how  string
		want, hits int // for each time that it is sent
	}{
		"a bomb":                     {packed(t, strings.Repeat("\x00", 1<<20), 200), gzipped, 413, 0},
		"a bomb in a bomb":           {packed(t, packed(t, strings.Repeat("\x00", 1<<20), 20), 1), gzipped, 200, 1},
		"a bomb of items":            {packed(t, list(strings.Repeat(item, 2000))+strings.Repeat(" ", 1<<20), 4), gzipped, 413, 0},
		"a body too large":           {strings.Repeat("a", 3<<20), plain, 413, 0},
		"100,000 lists in lists":     {`{"requests":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`, plain, 400, 0},
		"100,000 objects in objects": {`{"requests":[` + strings.Repeat(`{"a":`, 100_000), plain, 400, 0},
		"100,000 items":              {packed(t, list(strings.Repeat(`"?idsite=1&rec=1",`, 100_000)), 1), gzipped, 400, 0},
		"2,000 items":                {list(strings.Repeat(item, 2000)), plain, 200, 2000},
		"an object of 200,000 keys":  {list(keys(200_000)), plain, 200, 1},
		"a string without an end":    {`{"requests":["?` + strings.Repeat(`\u0061`, 300_000), plain, 400, 0},
		"no JSON":                    {`"requests"` + strings.Repeat("\x00", 1<<20), plain, 400, 0},
		"no gzip":                    {"abcd", gzipped, 400, 0},
		"gzip cut short":             {packed(t, item, 1000)[:50], gzipped, 400, 0},
		"no gzip said":               {packed(t, item, 1000), plain, 200, 1},
	} {
		t.Run(name, func(t *testing.T) {
			defer func(whole *testing.T) { s.t = whole }(s.t)
			s.t = t
			const times = 6
			before, _ := s.account()
			text := head("POST "+matomoHit, c.how, fmt.Sprintf("Content-Length: %d", len(c.body))) + c.body
			answers := make(chan []int, times)
			for i := range times { // each from its own network: nobody floods
				from := fmt.Sprintf("203.0.%d.77", i)
				go func() {
					got := s.raw(strings.Replace(text, canaryAddress, from, 1), 1)
					for range 20 { // as Retry-After asks, when the machine is busy
						if !slices.Equal(got, []int{http.StatusServiceUnavailable}) {
							break
						}
						got = s.raw(strings.Replace(text, canaryAddress, from, 1), 1)
					}
					answers <- got
				}()
			}
			for range times {
				if got := <-answers; !slices.Equal(got, []int{c.want}) && len(got) > 0 {
					t.Errorf("answers %v, want %d", got, c.want)
				}
			}
			if after, _ := s.account(); after-before != float64(times*c.hits) {
				t.Errorf("%v hits, want %d", after-before, times*c.hits)
			}
			s.unhurt()
		})
	}
}

// TestHostileStall: bodies that are small on the wire and stop before their end, and
// then come to it all at once, take a bounded amount of memory.
func TestHostileStall(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	s := besiege(t)
	bomb := packed(t, strings.Repeat("a", 4<<20-1), 1)
	end := len(bomb) - 8 // where the sum begins that tells it is whole
	conns := make([]*net.TCPConn, 500)
	for i := range conns {
		conns[i] = s.dial()
		defer conns[i].Close()
		fmt.Fprint(conns[i], head("POST /matomo.php", "Content-Encoding: gzip", fmt.Sprintf("Content-Length: %d", len(bomb)))+bomb[:end])
	}
	for range 20 {
		s.honest()
	}
	for i, conn := range conns { // half of them give up, half of them send the rest, all at once
		if i%2 == 0 {
			io.WriteString(conn, bomb[end:])
		}
		conn.CloseWrite()
	}
	for _, conn := range conns {
		io.Copy(io.Discard, conn) // ignores the answer
	}
	s.unhurt()
}

// TestHostileUploads: a thousand clients that send all of a large body but its end take a
// bounded amount of memory, whether they are of one network or of as many, and honest
// clients are served among them as fast as without them.
func TestHostileUploads(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	const (
		crowd  = 1000
		most   = 100 << 20 // growth, in bytes
		slower = 3         // times
	)
	sent := strings.Repeat("a", 1_990_000)
	for name, from := range map[string]func(i int) string{
		"of one network":    func(i int) string { return fmt.Sprintf("203.0.113.%d", i%250) },
		"of their networks": func(i int) string { return fmt.Sprintf("203.%d.%d.7", i/250, i%250) },
	} {
		t.Run(name, func(t *testing.T) {
			c, s := besiegeProcess(t)
			pid := c.cmd.Process.Pid
			s.p99() // warm
			calm := s.p99()
			os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
			before, _ := statusOf(t, pid, "VmRSS")

			var senders sync.WaitGroup
			conns := make([]net.Conn, crowd)
			for i := range conns {
				conn := s.dial()
				defer conn.Close()
				conns[i] = conn
				senders.Go(func() { // may fail: not all need be read
					io.WriteString(conn, strings.Replace(head("POST /matomo.php", "Content-Length: 2000000"), canaryAddress, from(i), 1))
					io.WriteString(conn, sent)
				})
			}
			during := s.p99()
			peak, ok := statusOf(t, pid, "VmHWM")
			t.Logf("%s: p99 %v, %v with %d uploads; %d MB more", name, calm, during, crowd, (peak-before)>>20)
			if ok && peak-before > most*heavier() {
				t.Errorf("the process grew from %d to %d MB, want at most %d more", before>>20, peak>>20, most>>20)
			}
			if during > max(slower*calm, patience.Of(20*time.Millisecond)) { // as much as others of the machine may take
				t.Errorf("p99 is %v, and was %v without uploads", during, calm)
			}
			if used, limit := s.program.metric("fotspor_body_bytes"), s.program.metric("fotspor_body_limit_bytes"); used > limit || limit != body.DefaultBytes {
				t.Errorf("bodies take %v bytes of %v", used, limit)
			}
			for _, conn := range conns {
				conn.Close()
			}
			senders.Wait()
			c.stop()
		})
	}
}

// TestHostileHeads: a thousand clients whose heads are long and never end, of lines that
// take far more memory once they are read, take a bounded amount of it.
func TestHostileHeads(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	c, s := besiegeProcess(t)
	pid := c.cmd.Process.Pid
	s.p99() // warm
	os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
	before, _ := statusOf(t, pid, "VmRSS")
	text := strings.TrimSuffix(head("POST "+matomoHit, strings.Repeat("A: b\r\n", 10_000)), "\r\n")
	var senders sync.WaitGroup
	var conns []net.Conn
	for range 1000 {
		conn := s.dial()
		defer conn.Close()
		conns = append(conns, conn)
		senders.Go(func() { io.WriteString(conn, text) }) // may fail: not all need be read
	}
	senders.Wait()
	s.p99()
	peak, ok := statusOf(t, pid, "VmHWM")
	t.Logf("%d MB more", (peak-before)>>20)
	const most = 200 << 20 // half of it is garbage until it is collected
	if ok && peak-before > most*heavier() {
		t.Errorf("the process grew from %d to %d MB, want at most %d more", before>>20, peak>>20, most>>20)
	}
	for _, conn := range conns {
		conn.Close()
	}
	c.stop()
}

// p99 returns the time in which 99 of 100 honest requests are answered, in the best of a
// few rounds: page views by GET, and by POST with head and body in two pieces, as Caddy
// sends them.
func (s *siege) p99() time.Duration {
	s.t.Helper()
	conn := s.dial()
	defer conn.Close()
	in := bufio.NewReader(conn)
	hit := "idsite=1&rec=1&url=https%3A%2F%2Fexample.org%2F"
	best := time.Hour
	for range 5 {
		var took []time.Duration
		for i := range 500 {
			from := strings.NewReplacer(canaryAddress, fmt.Sprintf("198.51.%d.7", i%250))
			began := time.Now()
			if i%2 == 0 {
				io.WriteString(conn, from.Replace(head("GET "+pixelHit)))
			} else {
				io.WriteString(conn, from.Replace(head("POST /matomo.php", fmt.Sprintf("Content-Length: %d", len(hit)))))
				io.WriteString(conn, hit)
			}
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				s.t.Fatalf("an honest request has no answer: %v", err)
			}
			io.Copy(io.Discard, resp.Body)
			took = append(took, time.Since(began))
			if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Fotspor") != "recorded" {
				s.t.Fatalf("an honest request is answered %s, %q", resp.Status, resp.Header.Get("X-Fotspor"))
			}
		}
		slices.Sort(took)
		best = min(best, took[len(took)*99/100])
	}
	return best
}

// besiegeProcess starts its own program with site 1, which trusts this machine to
// tell addresses.
func besiegeProcess(t *testing.T) (*service, *siege) {
	t.Helper()
	data := t.TempDir()
	if _, errs, status := command(t, "", "site", "add", "--data", data, "--host", "example.org", "--quiet", "--create"); status != 0 {
		t.Fatalf("site add: %q, status %d", errs, status)
	}
	c := serve(t, "serve", "--data", data, "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--trusted-proxies", "127.0.0.1")
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	p := &program{t: t, public: c.public, metrics: c.metrics, client: &http.Client{Transport: transport}}
	p.awaitSite(1)
	s := &siege{program: p, host: strings.TrimPrefix(c.public, "http://")}
	s.honest()
	return c, s
}

// TestHostileFlood: one network that sends without end is told to slow down, hears it
// in the form of its dialect, and takes no other network's place.
func TestHostileFlood(t *testing.T) {
	s := besiege(t)
	const dropped = `fotspor_hits_dropped_total{reason="rate_limited"}`
	if _, ok := metricOf(s.get(s.metrics+"/metrics"), dropped); !ok {
		t.Skip("this program limits no rate")
	}
	bulk := `{"requests":[` + strings.TrimSuffix(strings.Repeat(`"?idsite=1&rec=1&url=https://example.org/`+canary+`",`, 500), ",") + `]}`
	flood := func(from string) *http.Response {
		t.Helper()
		r, err := http.NewRequest("POST", s.public+"/matomo.php", strings.NewReader(bulk))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Forwarded-For", from)
		r.Header.Set("User-Agent", agents[0].header)
		resp, err := s.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		return resp
	}
	limited := false
	for range 200 { // the clock stands still: nothing is earned
		if resp := flood(canaryAddress); resp.StatusCode == http.StatusTooManyRequests {
			limited = true
			if resp.Header.Get("Retry-After") == "" || resp.Header.Get("X-Fotspor") != "dropped: rate limited" {
				t.Errorf("who is limited is told Retry-After %q, X-Fotspor %q", resp.Header.Get("Retry-After"), resp.Header.Get("X-Fotspor"))
			}
			break
		}
	}
	if !limited {
		t.Fatal("100,000 hits at once from one network are not limited")
	}
	if neighbour := flood("203.0.113.78"); neighbour.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a neighbour in the same network is answered %s", neighbour.Status)
	}
	if got := s.metric(dropped); got != 1000 {
		t.Errorf("%s = %v, want 1000", dropped, got)
	}
	s.unhurt()
	s.setClock(time.Unix(s.now.Load(), 0).Add(time.Hour))
	if resp := flood(canaryAddress); resp.StatusCode != http.StatusOK {
		t.Errorf("an hour later it is answered %s", resp.Status)
	}
	s.unhurt()
}

// TestHostileCrowd: nearly ten thousand clients that came and stay, saying nothing more, take
// a bounded amount of memory, and honest clients are served among them.
func TestHostileCrowd(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	c, s := besiegeProcess(t)
	p := s.program

	crowd := 9_900 // with the honest ones no more than the program holds at a time
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	if most := int(files.Cur) - 500; crowd > most {
		t.Logf("only %d clients: this process may open %d files", most, files.Cur)
		crowd = most
	}
	before, _ := statusOf(t, c.cmd.Process.Pid, "VmRSS")
	goroutines := p.metric("go_goroutines")
	conns := make([]*net.TCPConn, crowd)
	defer func() {
		for _, conn := range conns {
			if conn != nil {
				conn.Close()
			}
		}
	}()
	answer := make([]byte, 4096)
	for group := range slices.Chunk(conns, 100) { // not one by one, which is a hundred times as many switches of process
		for i := range group {
			group[i] = s.dial()
			method := []string{"GET", "HEAD"}[i%2] // the short way, and that of net/http
			io.WriteString(group[i], method+" /matomo.php HTTP/1.1\r\nHost: a\r\n\r\n")
		}
		for _, conn := range group {
			if n, err := conn.Read(answer); err != nil || !bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 200")) {
				t.Fatalf("a client is answered %q, %v", answer[:n], err)
			}
		}
	}
	for range 50 {
		s.honest()
	}
	after, ok := statusOf(t, c.cmd.Process.Pid, "VmRSS")
	each := (after - before) / int64(crowd)
	t.Logf("%d clients take %d MB, %d bytes each", crowd, (after-before)>>20, each)
	if ok && each > 32<<10*heavier() {
		t.Errorf("an idle client takes %d bytes, want at most 32 kB", each)
	}
	for i := range conns {
		conns[i].Close()
		conns[i] = nil
	}
	await(t, "goroutines given back", func() error {
		if n := p.metric("go_goroutines"); n > goroutines+20 {
			return fmt.Errorf("%v goroutines, %v before", n, goroutines)
		}
		return nil
	})
	s.honest()
	c.stop()
}
