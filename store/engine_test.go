package store

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestEngineThatHangs: who opens an engine whose library does not return goes on when
// their time is over, there is one attempt at a time, and Close does not wait for it.
func TestEngineThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		released := make(chan struct{})
		var attempts atomic.Int32
		w := &embeddedWay{open: func(context.Context) (http.RoundTripper, error) {
			attempts.Add(1)
			<-released
			return nil, errors.New("gave up")
		}}
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			start := time.Now()
			if err := w.Open(ctx); !errors.Is(err, errNotOpen) || time.Since(start) > time.Second {
				t.Errorf("Open = %v after %v, want %v after a second", err, time.Since(start), errNotOpen)
			}
			cancel()
		}
		if n := attempts.Load(); n != 1 {
			t.Errorf("%d attempts, want 1", n)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://engine/", strings.NewReader("SELECT 1"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.RoundTrip(r); !errors.Is(err, errNotOpen) {
			t.Errorf("RoundTrip = %v, want %v", err, errNotOpen)
		}
		start := time.Now()
		if err := w.Close(); err == nil || time.Since(start) > closeWait {
			t.Errorf("Close = %v after %v, want an error within %v", err, time.Since(start), closeWait)
		}
		close(released)
		synctest.Wait()
		if err := w.Open(t.Context()); !errors.Is(err, errNotOpen) {
			t.Errorf("Open of what is closed = %v, want %v", err, errNotOpen)
		}
	})
}

// TestEngineThatComesLate: an engine that could not be opened can be later.
func TestEngineThatComesLate(t *testing.T) {
	broken := errors.New("library is broken")
	err := broken
	w := &embeddedWay{open: func(context.Context) (http.RoundTripper, error) {
		return http.NewFileTransport(http.Dir(t.TempDir())), err
	}}
	if got := w.Open(t.Context()); !errors.Is(got, broken) {
		t.Errorf("Open = %v, want %v", got, broken)
	}
	err = nil
	if got := w.Open(t.Context()); got != nil {
		t.Errorf("Open = %v once the library is there", got)
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://engine/", nil)
	resp, got := w.RoundTrip(r)
	if got != nil {
		t.Fatal(got)
	}
	resp.Body.Close()
	if got := errors.Join(w.Close(), w.Close()); got != nil {
		t.Errorf("Close = %v", got)
	}
}
