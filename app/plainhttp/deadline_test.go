package plainhttp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/app/plainhttp"
)

// TestHandlerTime: a handler whose time is over sees the end of its context, by either
// way; one that does not heed it is answered for and left behind, and keeps nobody else
// waiting, not even who stops the server.
func TestHandlerTime(t *testing.T) {
	const limit = 200 * time.Millisecond
	released := make(chan struct{})
	defer close(released)
	contexts := make(chan context.Context, 1)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.RawQuery {
		case "heeds":
			inner, cancel := context.WithTimeout(r.Context(), time.Hour)
			defer cancel()
			<-inner.Done()
			if deadline, ok := r.Context().Deadline(); !ok || time.Until(deadline) > 0 {
				t.Errorf("the deadline is %v, %v", deadline, ok)
			}
			if !errors.Is(r.Context().Err(), context.DeadlineExceeded) {
				t.Errorf("the context ends with %v", r.Context().Err())
			}
			http.Error(w, "too late", http.StatusGatewayTimeout)
		case "hangs":
			<-released
			io.WriteString(w, "nobody wants to know any more")
		case "keeps":
			contexts <- r.Context()
			r.Context().Done()
		}
	})
	s := plainhttp.New(configured(handler, io.Discard), plain)
	s.HandlerTime = limit
	l := listen(t)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	get := func(target string) string { return "GET " + target + head + "\r\n" }

	hanging := dial(t, l.Addr().String())
	io.WriteString(hanging, get("/hit?hangs"))
	if got := dial(t, l.Addr().String()).ask(get("/hit?heeds"), 1); len(got) != 1 || !strings.HasPrefix(got[0].Status, "504") {
		t.Errorf("a handler that heeds its context answers %+v", got)
	}
	if got := hanging.ask("", 2); len(got) != 1 || !strings.HasPrefix(got[0].Status, "503") || !got[0].Close || got[0].Header.Get("Retry-After") == "" {
		t.Errorf("a handler that hangs is answered for by %+v, want 503 and the end", got)
	}
	if got := dial(t, l.Addr().String()).ask(get("/hit?other")+get("/hit?keeps")+get("/hit?other"), 3); len(got) != 3 || got[2].Status != "200 OK" {
		t.Errorf("other requests are answered %+v", got)
	}
	if kept := <-contexts; kept.Err() == nil {
		t.Error("the context of a request that is answered has not ended")
	}

	hanging = dial(t, l.Addr().String())
	io.WriteString(hanging, get("/hit?hangs"))
	if got := dial(t, l.Addr().String()).ask(get("/hit?other"), 1); len(got) != 1 {
		t.Fatal("no answer")
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown = %v with a handler that hangs", err)
	}
	if err := s.Close(); err == nil {
		t.Error("Close left a handler behind and does not say so")
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the stop took %v", took)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve = %v", err)
	}
}

// TestHandlerTimeOfOthers: what net/http handles has a deadline too.
func TestHandlerTimeOfOthers(t *testing.T) {
	var left time.Duration
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		deadline, _ := r.Context().Deadline()
		left = time.Until(deadline)
	})
	s := start(t, listen(t), handler)
	if got := dial(t, s.addr).ask("GET /else"+head+"\r\n", 1); len(got) != 1 || left <= plainhttp.DefaultHandlerTime || left > time.Minute+plainhttp.DefaultHandlerTime {
		t.Errorf("answers %+v, %v left", got, left)
	}
}
