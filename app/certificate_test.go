package app

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// TestCertificate: browsers of either protocol see the certificate of the files, and another
// once these hold another: when they change, and at a SIGHUP. What can't be used is logged and
// counted once, and the last good one stays.
func TestCertificate(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	first, second := NewPair(t, "first"), NewPair(t, "second")
	write := func(path string, text []byte) {
		t.Helper()
		if err := os.WriteFile(path+".new", text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	write(cert, first.Cert)
	write(key, first.Key)

	log := new(strings.Builder) // written by follow alone, which the test calls
	p := &program{fatal: make(chan error, 1), registry: prometheus.NewRegistry()}
	p.Logger = slog.New(slog.NewTextHandler(log, nil))
	p.TLSCert, p.TLSKey, p.paces.files = cert, key, time.Hour
	config, c, err := p.startTLS(true)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.addrs.Public = l.Addr()
	if got, want := p.baseURL().String(), "https://"+l.Addr().String(); got != want {
		t.Errorf("the program says it is at %s, want %s", got, want)
	}
	p.serve(intake, l, config, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }), "public", nothing)
	defer p.stop(slog.New(slog.DiscardHandler))

	see := func(two bool) string {
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: two}
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get("https://" + l.Addr().String())
		if err != nil {
			return err.Error()
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return fmt.Sprint(string(body), " ", resp.TLS.PeerCertificates[0].Subject.CommonName, " ", err)
	}
	for _, step := range []struct {
		name     string
		do       func()
		want     string
		failures float64
		lines    int // of the log that tell of a failure
	}{
		{"at the start", func() {}, "first", 0, 0},
		{"a look at the same files", c.follow, "first", 0, 0},
		{"a new certificate whose key is not there yet", func() { write(cert, second.Cert); c.follow() }, "first", 1, 1},
		{"the same again", c.follow, "first", 1, 1},
		{"its key", func() { write(key, second.Key); c.follow() }, "second", 1, 1},
		{"junk", func() { write(cert, []byte("junk")); c.follow() }, "second", 2, 2},
		{"no file", func() { os.Remove(cert); c.follow() }, "second", 3, 3},
		{"no file at a SIGHUP", func() {
			if err := p.rereads[0].do(); err == nil {
				t.Error("no error for a file that is not there")
			}
		}, "second", 4, 3},
		{"a file that everybody may write", func() {
			write(cert, first.Cert)
			os.Chmod(cert, 0o666)
			c.follow()
		}, "second", 5, 4},
		{"the first pair again, read by a SIGHUP", func() {
			write(cert, first.Cert)
			write(key, first.Key)
			if err := p.rereads[0].do(); err != nil {
				t.Error(err)
			}
		}, "first", 5, 4},
	} {
		step.do()
		for proto, two := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
			if got, want := see(two), proto+" "+step.want+" <nil>"; got != want {
				t.Errorf("%s: a client sees %q, want %q", step.name, got, want)
			}
		}
		if got := testutil.ToFloat64(c.failures); got != step.failures {
			t.Errorf("%s: %v failures are counted, want %v", step.name, got, step.failures)
		}
		if got := strings.Count(log.String(), "can't be used"); got != step.lines {
			t.Errorf("%s: the log tells of %d failures, want %d:\n%s", step.name, got, step.lines, log)
		}
	}
	if got, want := testutil.ToFloat64(c.expiry), float64(c.current.Load().Leaf.NotAfter.Unix()); got != want || got < float64(time.Now().Unix()) {
		t.Errorf("the metric says that the certificate expires at %v, want %v", got, want)
	}
}

// TestCheckTLS: both files or none, and a pair.
func TestCheckTLS(t *testing.T) {
	dir := t.TempDir()
	pairs := [2]string{filepath.Join(dir, "a"), filepath.Join(dir, "b")}
	for _, path := range pairs {
		pair := NewPair(t, "x")
		if err := os.WriteFile(path+".pem", pair.Cert, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+".key", pair.Key, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		cert, key string
		ok        bool
	}{
		{"", "", true},
		{pairs[0] + ".pem", pairs[0] + ".key", true},
		{pairs[0] + ".pem", "", false},
		{"", pairs[0] + ".key", false},
		{pairs[0] + ".pem", pairs[1] + ".key", false},
		{pairs[0] + ".key", pairs[0] + ".pem", false},
		{pairs[0] + ".pem", dir, false},
	} {
		o := DefaultOptions()
		o.TLSCert, o.TLSKey = c.cert, c.key
		if err := o.CheckTLS(); (err == nil) != c.ok {
			t.Errorf("certificate %q with key %q: %v, want good: %v", c.cert, c.key, err, c.ok)
		}
	}
}
