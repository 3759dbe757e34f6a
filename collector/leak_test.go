package collector_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"log/slog"
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/fotspor/fotspor/collector"
	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/collector/visit"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/internal/httpmetrics"
)

// forms returns the ways to write an address.
func forms(a netip.Addr) []string {
	wide := a.As16()
	all := []string{a.String(), a.StringExpanded()}
	for _, b := range [][]byte{a.AsSlice(), wide[:]} {
		list := strings.Trim(fmt.Sprint(b), "[]")
		all = append(all, string(b), hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)),
			base64.StdEncoding.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b),
			list, strings.ReplaceAll(list, " ", ","), strings.ReplaceAll(list, " ", ", "))
	}
	if a.Is4() {
		b := a.As4()
		all = append(all, string([]byte{b[3], b[2], b[1], b[0]}), fmt.Sprint(uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8|uint32(b[3])))
	}
	return all
}

// recorder is a log for concurrent writers.
type recorder struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

// TestNoAddressLeaves sends hits of every kind from behind a proxy to a real server, and
// searches for the addresses in all output of the collector: its answers, its log at the
// lowest level, its metrics and its files.
func TestNoAddressLeaves(t *testing.T) {
	addrs := []netip.Addr{
		netip.MustParseAddr("203.0.113.231"),
		netip.MustParseAddr("198.51.100.201"),
		netip.MustParseAddr("2001:db8:3c4d:15:9a1b:2c3d:4e5f:1a2f"),
	}
	var text recorder
	dir := t.TempDir()
	r := newRig(t, func(o *collector.Options) {
		behindProxy(o)
		o.Logger = slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
		var err error
		if o.Spool, err = spool.Open(dir, spool.Options{Logger: o.Logger, Registerer: o.Registerer}); err != nil {
			t.Fatal(err)
		}
		if o.Geo, err = geo.Open(nil, geo.Options{Logger: o.Logger, Registerer: o.Registerer}); err != nil {
			t.Fatal(err)
		}
		o.Visits = visit.New(visit.Options{Now: o.Now, Logger: o.Logger, Registerer: o.Registerer})
		o.Requests = httpmetrics.New(o.Registerer)
	})
	t.Cleanup(func() { r.options.Spool.Close() })

	srv := httptest.NewUnstartedServer(r.mux)
	srv.Config.ErrorLog = log.New(&text, "", 0)
	srv.Start()
	defer srv.Close()
	var out bytes.Buffer // all output except the log
	send := func(q request, headers ...string) {
		t.Helper()
		req := q.make()
		req.RequestURI = ""
		req.URL.Scheme, req.URL.Host = "http", srv.Listener.Addr().String()
		for i := 0; i < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		resp, err := srv.Client().Do(req)
		if len(q.body) > collector.MaxBody && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)) {
			return // refused before all of it was sent
		}
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		dump, err := httputil.DumpResponse(resp, true)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(dump)
	}
	everything := func(headers ...string) {
		for _, q := range []request{
			{target: "/pixel.gif?site=1&url=/"},
			{target: "/pixel.gif?site=1&url=/", header: map[string]string{"Sec-Gpc": "1"}},
			{target: "/pixel.gif?site=1&url=/", header: map[string]string{"User-Agent": google}},
			{target: "/pixel.gif?site=1&url=http://[bad"},
			{target: "/pixel.gif?site=9&url=/"},
			{target: "/pixel.gif"},
			{target: "/matomo.php?idsite=1&rec=1&ping=1&url=/"},
			{target: "/matomo.php?idsite=1&rec=1&url=/&e_c=a&e_a=b"},
			{target: "/matomo.php", body: `{"requests":["?idsite=1&rec=1&url=/a","?idsite=8&rec=1&url=/b",7]}`},
			{target: "/matomo.php", body: `{"requests": oops`},
			{target: "/matomo.php", body: strings.Repeat("x", collector.MaxBody+1)},
			{target: "/matomo.php", body: "no gzip", header: map[string]string{"Content-Encoding": "gzip"}},
			{target: "/fotspor.js"},
			{target: "/matomo.js"},
			{target: "/privacy/1"},
			{target: "/privacy/1/what"},
			{target: "/privacy/1/what", header: map[string]string{"Dnt": "1"}},
			{target: "/nowhere"},
		} {
			send(q, headers...)
		}
	}
	for _, a := range addrs {
		node := netip.AddrPortFrom(a, 4711).String()
		everything("X-Forwarded-For", a.String())
		everything("X-Forwarded-For", node)
		everything("X-Forwarded-For", a.String()+" nonsense")
		everything("Forwarded", fmt.Sprintf("for=%q;proto=https", node))
		everything("Forwarded", fmt.Sprintf("for=%q;broken", a))
		everything("X-Real-Ip", a.String())
		send(request{target: "/matomo.php?idsite=1&rec=1&url=/&cip=" + a.String()})
	}
	hangUp(t, srv.Listener.Addr().String(), addrs[0].String())

	files := 0
	look := func() {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			files++
			fmt.Fprintln(&out, path)
			out.Write(data)
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	look() // while the segment is open
	if err := r.options.Spool.Close(); err != nil {
		t.Error(err)
	}
	look()
	everything("X-Forwarded-For", addrs[0].String()) // and with a spool that fails
	srv.Close()                                      // waits for every answer

	w := httptest.NewRecorder()
	promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	io.Copy(&out, w.Body)

	said := text.buf.String()
	for what, where := range map[string]string{"log": said, "answers, metrics and files": out.String()} {
		for _, a := range append(addrs, netip.MustParseAddr("127.0.0.1")) {
			for _, form := range forms(a) {
				if strings.Contains(where, form) && !(a.IsLoopback() && len(form) < 8) {
					t.Errorf("%s: address as %q", what, form)
				}
			}
		}
	}

	// The search proves something only if there is output to search.
	for _, want := range []string{"203.0.0.0/16", "2001:db8::/32", "recorded", "fotspor_hits_accepted_total"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is nowhere in the answers, metrics and files", want)
		}
	}
	if files < 4 || !strings.Contains(said, "could not be spooled") {
		t.Errorf("%d files, log:\n%s", files, said)
	}
}

// hangUp sends half of a request and goes away: the error that the server then
// reads names both ends of the connection.
func hangUp(t *testing.T, server, address string) {
	t.Helper()
	conn, err := net.Dial("tcp", server)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /matomo.php HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: %s\r\nContent-Length: 100\r\n\r\nidsite=1", address)
	if err := conn.(*net.TCPConn).SetLinger(0); err != nil { // a reset
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}
