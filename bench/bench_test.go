package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPercentile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100 - i)
	}
	for _, c := range []struct {
		all  []time.Duration
		p    float64
		want time.Duration
	}{
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 99.1, 100},
		{hundred, 100, 100},
		{hundred, 0, 1},
		{[]time.Duration{3, 1, 2}, 50, 2},
		{[]time.Duration{2, 1}, 50, 1},
		{[]time.Duration{7}, 99, 7},
		{nil, 50, 0},
	} {
		if got := percentile(c.all, c.p); got != c.want {
			t.Errorf("percentile %v of %d = %d, want %d", c.p, len(c.all), got, c.want)
		}
	}
}

func TestReadAnswer(t *testing.T) {
	const image = "HTTP/1.1 200 OK\r\nX-Fotspor: recorded\r\nContent-Type: image/gif\r\nContent-Length: 3\r\n\r\nGIF"
	for name, c := range map[string]struct {
		text string
		want []answer
		err  error // of what follows the answers; nil: any
	}{
		"two":           {image + image, []answer{{200, true}, {200, true}}, io.EOF},
		"excluded":      {"HTTP/1.1 200 OK\r\nx-fotspor: dropped: bot\r\ncontent-length: 0\r\n\r\n" + image, []answer{{200, false}, {200, true}}, io.EOF},
		"no body":       {"HTTP/1.1 204 No Content\r\nX-Fotspor: recorded\r\n\r\n" + image, []answer{{204, true}, {200, true}}, io.EOF},
		"refused":       {"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno", []answer{{503, false}}, io.EOF},
		"no length":     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", nil, errLength},
		"cut in body":   {image[:len(image)-1], nil, io.EOF},
		"cut in header": {image[:40], nil, io.EOF},
		"no HTTP":       {"GIF89a\n\n", nil, nil},
		"bad status":    {"HTTP/1.1 abc\r\n\r\n", nil, nil},
		"bad length":    {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", nil, nil},
	} {
		r := bufio.NewReader(strings.NewReader(c.text))
		for i, want := range c.want {
			if got, err := readAnswer(r); got != want || err != nil {
				t.Errorf("%s: answer %d = %+v, %v, want %+v", name, i, got, err, want)
			}
		}
		if _, err := readAnswer(r); err == nil || c.err != nil && !errors.Is(err, c.err) {
			t.Errorf("%s: the error behind the answers is %v, want %v", name, err, c.err)
		}
	}
}

// TestLoad: what the load counts is what the server did.
func TestLoad(t *testing.T) {
	var hits atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told := "recorded"
		if hits.Add(1)%4 == 0 {
			told = "dropped: bot"
		}
		w.Header().Set("X-Fotspor", told)
	}))
	defer s.Close()
	const window = 50 * time.Millisecond
	got, err := load(t.Context(), s.Listener.Addr().String(), traffic(endpoints[0]), 3, window)
	if err != nil {
		t.Fatal(err)
	}
	n := int(hits.Load())
	if got.recorded+got.excluded != n || got.excluded != n/4 || len(got.latencies) != n || n < 3 {
		t.Errorf("%d recorded, %d excluded, %d latencies; the server had %d hits", got.recorded, got.excluded, len(got.latencies), n)
	}
	if got.took < window {
		t.Errorf("took %v, want %v or more", got.took, window)
	}
}

// TestLoadFails: a hit that is not acknowledged ends the run, and so does its user.
func TestLoadFails(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for name, handler := range map[string]http.HandlerFunc{
		"refused": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "full", http.StatusServiceUnavailable) },
		"cut off": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"stopped": func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		},
	} {
		s := httptest.NewServer(handler)
		c := t.Context()
		if name == "stopped" {
			c = ctx
		}
		_, err := load(c, s.Listener.Addr().String(), traffic(endpoints[0]), 2, time.Minute)
		if err == nil || errors.Is(err, context.Canceled) != (name == "stopped") {
			t.Errorf("%s: load ends with %v", name, err)
		}
		s.Close()
	}
}

// TestTraffic: every request is one that servers understand, and they vary.
func TestTraffic(t *testing.T) {
	for _, e := range endpoints {
		seen := map[string]map[string]int{}
		note := func(what, value string) {
			if seen[what] == nil {
				seen[what] = map[string]int{}
			}
			seen[what][value]++
		}
		for _, raw := range traffic(e) {
			in := bufio.NewReader(bytes.NewReader(raw))
			r, err := http.ReadRequest(in)
			if err != nil {
				t.Fatalf("%v:\n%s", err, raw)
			}
			if in.Buffered() > 0 || r.URL.Path != e.path || r.URL.Query().Get("url") == "" {
				t.Fatalf("not one request to %s:\n%s", e.path, raw)
			}
			page, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Query().Get("url"), "https://example.org/tjenester/"), "/")
			note("page", page)
			note("agent", r.UserAgent())
			note("visitor", r.Header.Get("X-Forwarded-For"))
			note("objection", r.Header.Get("Dnt"))
		}
		if n := len(seen["page"]); n < 150 || n > trafficPaths {
			t.Errorf("%s: %d pages", e.path, n)
		}
		if n := len(seen["visitor"]); n < 1000 || n > trafficVisitors {
			t.Errorf("%s: %d visitors", e.path, n)
		}
		if got, want := len(seen["agent"]), len(agents)+len(bots); got != want {
			t.Errorf("%s: %d User-Agents, want %d", e.path, got, want)
		}
		if n := seen["objection"]["1"]; n < trafficRequests/20 || n > trafficRequests/5 {
			t.Errorf("%s: %d objections", e.path, n)
		}
		if n := seen["page"]["0"]; n < trafficRequests/20 {
			t.Errorf("%s: the first page has %d views", e.path, n)
		}
	}
}

func TestParseStat(t *testing.T) {
	const numbers = " S 7 41 41 0 -1 4194560 2013 0 0 0 250 130 9 9 20 0 12 0 8467 1305882624 3000 18446744073709551615 1 1"
	want := stat{parent: 7, resident: 3000 * int64(os.Getpagesize())}
	for _, name := range []string{"(nginx)", "(a b)", "(:-) 1 2 (x))", "()"} {
		if got, err := parseStat([]byte("41 " + name + numbers + "\n")); got != want || err != nil {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
		}
	}
	for _, bad := range []string{"", "41", "41 (x)", "41 (x) S 7 41", "41 (x) S x" + numbers[4:]} {
		if got, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

func TestTree(t *testing.T) {
	all := map[int]stat{
		1: {parent: 0, cpu: 1000, resident: 1000},
		2: {parent: 1, cpu: 1, resident: 10},
		3: {parent: 2, cpu: 2, resident: 20},
		4: {parent: 3, cpu: 4, resident: 40},
		5: {parent: 2, cpu: 8, resident: 80},
		6: {parent: 1, cpu: 100, resident: 100},
	}
	if got, want := sum(all, 2), (stat{cpu: 15, resident: 150}); got != want {
		t.Errorf("sum = %+v, want %+v", got, want)
	}
	self, err := tree(os.Getpid())
	if err != nil {
		t.Skipf("no /proc: %v", err)
	}
	if own := ownCPU(); self.resident < 1<<20 || self.cpu <= 0 || self.cpu > own {
		t.Errorf("this process takes %d bytes and %v, want less than %v", self.resident, self.cpu, own)
	}
	if _, err := tree(-1); err == nil {
		t.Error("a process that is not there has a tree")
	}
}

func TestParseBusy(t *testing.T) {
	got, err := parseBusy([]byte("cpu  100 10 50 9000 500 20 5 15 7 3\ncpu0 1 1 1 1 1 1 1 1 1 1\n"))
	if want := 2 * time.Second; got != want || err != nil {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	for _, bad := range []string{"", "cpu 1 2", "intr 1 2 3 4 5 6 7 8 9", "cpu x 2 3 4 5 6 7 8"} {
		if got, err := parseBusy([]byte(bad)); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

func TestMetric(t *testing.T) {
	const text = `# HELP fotspor_a_total Some.
fotspor_a_total{reason="bot or b"} 5
fotspor_a_total{reason="objection"} 1.2e+06
fotspor_a_total_more 9
fotspor_b 0
`
	for name, want := range map[string]int{"fotspor_a_total": 1_200_005, "fotspor_b": 0} {
		if got, err := metric(text, name); got != want || err != nil {
			t.Errorf("%s = %d, %v, want %d", name, got, err, want)
		}
	}
	if _, err := metric(text, "fotspor_c"); err == nil {
		t.Error("a metric that is not there has a value")
	}
}

// TestCheck: one hit lost, doubled or taken for another is an error.
func TestCheck(t *testing.T) {
	s := server{recorded: 100, excluded: 10}
	if err := s.check(100, 10); err != nil {
		t.Error(err)
	}
	for _, c := range [][2]int{{99, 10}, {101, 10}, {100, 9}, {100, 11}, {99, 11}} {
		if s.check(c[0], c[1]) == nil {
			t.Errorf("%d rows and %d excluded pass for 100 and 10", c[0], c[1])
		}
	}
}

func TestRatios(t *testing.T) {
	for _, c := range []struct {
		of   ratios
		want string
	}{
		{ratios{1, 1, 1}, "1.00"},
		{ratios{0.5}, "0.50"},
		{ratios{1, 4}, "2.00 (0.00–13363.40)"}, // two say little
		{ratios{1.2, 1.3, 1.25, 1.3, 1.2}, "1.25 (1.19–1.31)"},
		{slices.Repeat(ratios{1.2, 1.3}, 50), "1.25 (1.24–1.26)"},
	} {
		if got := c.of.String(); got != c.want {
			t.Errorf("%v prints as %q, want %q", []float64(c.of), got, c.want)
		}
	}
}

// TestCompare: a window is held against the one of the same round, and a process
// against the whole of the other server.
func TestCompare(t *testing.T) {
	second := func(hits int, used ...stat) window {
		return window{tally: tally{recorded: hits - 1, excluded: 1, took: time.Second}, used: used}
	}
	base := result{second(100, stat{cpu: time.Second, resident: 10}), second(200, stat{cpu: time.Second, resident: 20})}
	of := result{
		second(50, stat{cpu: time.Second, resident: 10}, stat{cpu: 2 * time.Second, resident: 20}),
		second(50, stat{cpu: time.Second, resident: 20}, stat{cpu: 2 * time.Second, resident: 60}),
	}
	for name, c := range map[string]struct{ got, want string }{
		"throughput": {fmt.Sprint([]float64(compare(of, base, window.rate))), "[0.5 0.25]"},
		"CPU":        {fmt.Sprint([]float64(compare(of, base, window.cost))), "[6 12]"},
		"engine":     {fmt.Sprint([]float64(compare(of.part(1), base, window.cost))), "[4 8]"},
		"memory":     {fmt.Sprint([]float64(compare(of, base, window.memory))), "[3 4]"},
	} {
		if c.got != c.want {
			t.Errorf("%s = %s, want %s", name, c.got, c.want)
		}
	}
}

// TestHonestTraffic: the measurement sees the visitors of a website, and what they take.
func TestHonestTraffic(t *testing.T) {
	bytes, visitors, hits := honestTraffic(20_000)
	if visitors < 8_000 || visitors > 20_000 || hits != 4*20_000 {
		t.Errorf("%d visitors, %d hits", visitors, hits)
	}
	if bytes < 100 || bytes > honestBytes {
		t.Errorf("%.0f bytes a visitor, want 100 to %d", bytes, honestBytes)
	}
}

func TestOptions(t *testing.T) {
	program := []string{"--program", os.Args[0]}
	o, err := parseOptions(append(program, "--connections", "1, 64", "--seconds", "0.5", "--rounds", "7"))
	if err != nil || o.connections.String() != "1,64" || o.window != 500*time.Millisecond || o.rounds != 7 {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err := parseOptions([]string{"--visitors"}); err != nil || !o.visitors {
		t.Errorf("--visitors: %+v, %v", o, err)
	}
	for _, bad := range []string{"--rounds 0", "--seconds 0", "--seconds 1000", "--connections 0", "--connections 1,x", "--program nowhere", "extra"} {
		if o, err := parseOptions(append(program, strings.Fields(bad)...)); err == nil {
			t.Errorf("%s is read as %+v", bad, o)
		}
	}
}
