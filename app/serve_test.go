package app

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/i18n"
)

// TestPanicTellsNothing: a handler that panics is answered for and logged, by where
// and not by what: neither the value nor an argument stands in the log.
func TestPanicTellsNothing(t *testing.T) {
	var log bytes.Buffer
	p := &program{}
	p.Logger = slog.New(slog.NewTextHandler(&log, nil))
	addr := netip.MustParseAddr("203.0.113.77")
	pages := p.recovered(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { failOn(addr) }), func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "the page of "+r.URL.Path, http.StatusInternalServerError)
	})
	for path, want := range map[string]string{"/pixel.gif": "fotspor: internal error\n", "/pages": "the page of /pages\n", "/privacy/1": i18n.Find("nn").Known("visitor.", "internal")} {
		h := p.recovered(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if path == "/pages" {
				pages.ServeHTTP(w, r) // which recovers first
				return
			}
			failOn(addr)
		}), answerPanic)
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept-Language", "nn")
		h.ServeHTTP(w, r)
		if w.Code != http.StatusInternalServerError || w.Body.String() != want && (path != "/privacy/1" || !strings.Contains(w.Body.String(), "<p role=\"alert\">"+want)) {
			t.Errorf("%s is answered %d %q, want 500 and %q", path, w.Code, w.Body, want)
		}
	}
	if !strings.Contains(log.String(), "failOn") {
		t.Errorf("the log does not say where: %s", log.String())
	}
	for _, form := range []string{"203.0.113.77", "cb00714d", "0xcb", "failed"} {
		if strings.Contains(log.String(), form) {
			t.Errorf("the log tells %q: %s", form, log.String())
		}
	}
}

//go:noinline
func failOn(addr netip.Addr) { panic("failed on " + addr.String()) }

// TestServerTellsNoAddress: what net/http itself has to say of a broken request is
// said without the address that it begins with.
func TestServerTellsNoAddress(t *testing.T) {
	log := new(bytes.Buffer)
	p := &program{fatal: make(chan error, 1)}
	p.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.serve(intake, l, nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.WriteHeader(http.StatusOK) // net/http complains of the second
	}), "public", nothing)
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "NONSENSE\r\n\r\n")
	if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
		t.Fatal(err)
	}
	if err := p.stop(p.Logger); err != nil {
		t.Fatal(err)
	}
	if log.Len() == 0 || strings.Contains(log.String(), "127.0.0.1") {
		t.Errorf("log = %q, want something without an address", log)
	}
}
