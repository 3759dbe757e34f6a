package httpmetrics_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/fotspor/fotspor/internal/httpmetrics"
)

// TestHandler: requests are measured by route and status, of which there are few whatever is
// answered, in classic and native buckets and without exemplars; a nil Requests measures
// nothing.
func TestHandler(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	measured := httpmetrics.New(registry).Handler("page", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var status int
		fmt.Sscan(r.URL.Query().Get("status"), &status)
		io.Copy(io.Discard, r.Body)
		switch {
		case status > 1:
			w.WriteHeader(status)
		case status == 1:
			panic(http.ErrAbortHandler)
		}
		if text := r.URL.Query().Get("text"); text != "" {
			io.WriteString(w, text)
		}
	}))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		query string
		body  io.Reader
		ctx   context.Context
	}{
		{"text=hello", nil, t.Context()},
		{"", nil, t.Context()},
		{"status=404&text=no", nil, t.Context()},
		{"status=204", strings.NewReader("12345678"), t.Context()},
		{"status=204", io.MultiReader(strings.NewReader("1234"), strings.NewReader("1234")), t.Context()}, // of unknown length
		{"status=1", nil, t.Context()},
		{"", nil, gone},
		{"status=299", nil, t.Context()},
		{"status=987", nil, t.Context()},
	} {
		func() {
			defer func() { recover() }()
			r := httptest.NewRequestWithContext(c.ctx, http.MethodPost, "/?"+c.query, c.body)
			measured.ServeHTTP(httptest.NewRecorder(), r)
		}()
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, family := range families {
		for _, m := range family.Metric {
			h, labels := m.GetHistogram(), ""
			for _, l := range m.Label {
				labels += " " + l.GetValue()
			}
			got = append(got, fmt.Sprintf("%s%s: %d", strings.TrimPrefix(family.GetName(), "fotspor_http_"), labels, h.GetSampleCount()))
			if len(h.Bucket) == 0 || h.Schema == nil || h.GetSampleCount() > 0 && len(h.PositiveSpan) == 0 {
				t.Errorf("%s has %d classic buckets and the native schema %v", family.GetName(), len(h.Bucket), h.Schema)
			}
			if len(h.Exemplars) > 0 || slices.ContainsFunc(h.Bucket, func(b *dto.Bucket) bool { return b.Exemplar != nil }) {
				t.Errorf("%s has exemplars", family.GetName())
			}
			if name := family.GetName(); strings.HasSuffix(name, "request_size_bytes") && h.GetSampleSum() != 16 || strings.HasSuffix(name, "response_size_bytes") && h.GetSampleSum() != 7 {
				t.Errorf("%s adds up to %v bytes", name, h.GetSampleSum())
			}
		}
	}
	want := []string{
		"request_duration_seconds 200 page: 2", "request_duration_seconds 204 page: 2", "request_duration_seconds 404 page: 1",
		"request_duration_seconds 499 page: 1", "request_duration_seconds 500 page: 1", "request_duration_seconds other page: 2",
		"request_size_bytes page: 2", "response_size_bytes page: 2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}

	w := httptest.NewRecorder()
	(*httpmetrics.Requests)(nil).Handler("page", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })).
		ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusTeapot {
		t.Errorf("without metrics the answer is %d", w.Code)
	}
}
