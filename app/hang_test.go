package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/internal/patience"
	"github.com/fotspor/fotspor/store/storetest"
)

// hangingServer accepts connections and answers nothing, or the head of an answer and
// nothing more. It returns its address.
func hangingServer(t *testing.T, head string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	ended := make(chan struct{})
	conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer conn.Close()
				if head != "" {
					conn.Read(make([]byte, 4<<10))
					io.WriteString(conn, head)
				}
				<-ended
			})
		}
	})
	t.Cleanup(func() { close(ended); l.Close(); conns.Wait() })
	return l.Addr().String()
}

// knownSites leaves in a data directory what a collector knew of its sites and of the policy.
func knownSites(t *testing.T, data string) {
	t.Helper()
	for name, text := range map[string]string{
		"sites.json":  `{"Sites":[{"ID":1,"Name":"Eksempel","Hosts":["example.org"],"Location":"Europe/Oslo"}]}`,
		"policy.json": `[{"Number":1,"Policy":{"retention":"3y"},"Since":"2026-01-01T00:00:00Z"}]`,
	} {
		if err := os.WriteFile(filepath.Join(data, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// startWithout is start for a program whose store does not come.
func startWithout(t *testing.T, change func(*app.Options)) *program {
	t.Helper()
	p := &program{t: t, log: new(buffer), out: new(buffer), ended: make(chan error, 1)}
	o := app.DefaultOptions()
	o.Hurry()
	o.Collector, o.Dashboard, o.Retention = true, true, true
	o.Data = t.TempDir()
	o.Listen, o.MetricsListen = "127.0.0.1:0", "127.0.0.1:0"
	o.Logger = slog.New(slog.NewTextHandler(p.log, nil))
	o.Out = p.out
	knownSites(t, o.Data)
	change(&o)
	started := make(chan app.Addrs, 1)
	o.Started = func(a app.Addrs) { started <- a }
	p.opts = o
	ctx, cancel := context.WithCancel(context.Background())
	p.end = cancel
	transport := &http.Transport{MaxIdleConnsPerHost: 4}
	t.Cleanup(transport.CloseIdleConnections)
	p.client = &http.Client{Transport: transport}
	begun := time.Now()
	go func() { p.ended <- app.Run(ctx, o) }()
	t.Cleanup(p.stop)
	select {
	case a := <-started:
		p.public, p.metrics = "http://"+a.Public.String(), "http://"+a.Metrics.String()
	case err := <-p.ended:
		p.ended = nil
		t.Fatalf("the program did not start: %v\n%s", err, p.log)
	}
	if took := time.Since(begun); took > patience.Of(2*time.Second) {
		t.Errorf("the program took %v to start, want a second", took)
	}
	return p
}

// answer returns status and body of an answer that must come in time.
func (p *program) answer(url string, within time.Duration) (int, string) {
	p.t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		p.t.Error(err)
		return 0, ""
	}
	r.Header.Set("User-Agent", agents[0].header)
	r.AddCookie(&http.Cookie{Name: "fotspor_session", Value: strings.Repeat("A", 52)})
	begun := time.Now()
	resp, err := p.client.Do(r)
	if err != nil {
		p.t.Errorf("%s: %v", url, err)
		return 0, ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if took := time.Since(begun); err != nil || took > patience.Of(within) {
		p.t.Errorf("%s: %v after %v, want an answer within %v", url, err, took, within)
	}
	return resp.StatusCode, string(body)
}

// TestHangingStore: with a store that takes connections and never answers, the program
// starts, says that it lives, takes hits, tells unknown sites, and stops in time.
func TestHangingStore(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	t.Parallel() // it waits
	for name, hang := range map[string]struct{ scheme, head, query string }{
		"http, silent":       {"http", "", ""},
		"http, headers only": {"http", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", "?dial_timeout=500ms"},
		"native, silent":     {"clickhouse", "", "?dial_timeout=500ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startWithout(t, func(o *app.Options) {
				o.Store = hang.scheme + "://" + hangingServer(t, hang.head) + "/x" + hang.query
			})
			if status, _ := p.answer(p.metrics+"/healthz", time.Second); status != http.StatusOK {
				t.Errorf("/healthz = %d, want 200", status)
			}
			if status, why := p.answer(p.metrics+"/readyz", time.Second); status != http.StatusServiceUnavailable || !strings.Contains(why, "the store") {
				t.Errorf("/readyz = %d %q, want 503 and the store", status, why)
			}
			var all sync.WaitGroup
			for i := range 40 {
				all.Go(func() {
					site, want := 1+i%2, http.StatusOK
					if site == 2 { // which is unknown
						want = http.StatusBadRequest
					}
					page := fmt.Sprintf("%s/pixel.gif?site=%d&url=https://example.org/side%d", p.public, site, i)
					if status, _ := p.answer(page, time.Second); status != want {
						t.Errorf("a hit of site %d is answered %d", site, status)
					}
				})
			}
			all.Wait()
			if n, _ := metricOf(p.get(p.metrics+"/metrics"), "fotspor_hits_accepted_total"); n != 20 {
				t.Errorf("%v hits are accepted, want 20", n)
			}
			if status, _ := p.answer(p.public+"/sites/1", 10*time.Second); status != http.StatusServiceUnavailable {
				t.Errorf("a page of the dashboard = %d, want 503", status)
			}
			begun := time.Now()
			p.stop()
			if took := time.Since(begun); took > patience.Of(30*time.Second) {
				t.Errorf("the stop took %v, want at most 30 s", took)
			}
			for _, want := range []string{"step=drain", `step="hits in the spool"`, "step=store", "hits wait in the spool for the next start", "msg=stopped component=program took="} {
				if !strings.Contains(p.log.String(), want) {
					t.Errorf("the log does not hold %q:\n%s", want, p.log)
				}
			}
		})
	}
}

// TestBrokenLibrary: serve with a file that is not the library says what to do, and accepts
// hits. It runs in a new process, since a process loads only one library.
func TestBrokenLibrary(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	data := t.TempDir()
	knownSites(t, data)
	library := filepath.Join(data, "libchdb.so")
	if err := os.WriteFile(library, []byte("\x7fELF, but not really"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "serve", "--data", data, "--engine", library, "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0")
	p := &program{t: t, public: s.public, metrics: s.metrics, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	if status, _ := p.answer(p.public+"/pixel.gif?site=1&url=https://example.org/side", time.Second); status != http.StatusOK {
		t.Errorf("a hit is answered %d", status)
	}
	await(t, "a log that says what to do", func() error {
		for _, want := range []string{"load the engine", "libchdb.so", "install the library again", "hits wait in the spool"} {
			if !strings.Contains(s.log.String(), want) {
				return fmt.Errorf("%q is not in it:\n%s", want, s.log)
			}
		}
		return nil
	})
	if status, why := p.answer(p.metrics+"/readyz", time.Second); status != http.StatusServiceUnavailable || !strings.Contains(why, "load the engine") {
		t.Errorf("/readyz = %d %q, want 503 and the library", status, why)
	}
	s.stop()
}

// TestServeWithoutEngine: a program whose engine can't be opened says what to do, takes
// hits, and stores them once the reason is gone; one that never had a store ends.
func TestServeWithoutEngine(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	t.Parallel() // it waits
	hitOf := func(p *program) {
		t.Helper()
		if status, _ := p.answer(p.public+"/pixel.gif?site=1&url=https://example.org/side", time.Second); status != http.StatusOK {
			t.Errorf("a hit is answered %d", status)
		}
	}
	lock := func(t *testing.T, data string) {
		t.Helper()
		dir := filepath.Join(data, "clickhouse")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		spoil func(t *testing.T, o *app.Options)
		want  []string // in the log
	}{
		"no library": {
			func(t *testing.T, o *app.Options) { o.Engine = filepath.Join(o.Data, "none.so") },
			[]string{"not found", "none.so"},
		},
		"locked by a silent process": {
			func(t *testing.T, o *app.Options) { o.Engine = storetest.Library(t); lock(t, o.Data) },
			[]string{"another process is using this data directory", "end the process that has it"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			hangups := make(chan os.Signal, 1)
			p := startWithout(t, func(o *app.Options) { o.Hangups = hangups; test.spoil(t, o) })
			hangups <- syscall.SIGHUP
			await(t, "a log that says what to do", func() error {
				for _, want := range append(test.want, "hits wait in the spool", "the last known ones are used until the store has come", "some of what can change could not be read", "not=[sites]") {
					if !strings.Contains(p.log.String(), want) {
						return fmt.Errorf("%q is not in it:\n%s", want, p.log)
					}
				}
				return nil
			})
			hitOf(p)
			if status, why := p.answer(p.metrics+"/readyz", time.Second); status != http.StatusServiceUnavailable || !strings.Contains(why, test.want[0]) {
				t.Errorf("/readyz = %d %q, want 503 and %q", status, why, test.want[0])
			}
			if status, _ := p.answer(p.public+"/sites/1", time.Second); status != http.StatusServiceUnavailable {
				t.Errorf("a page of the dashboard = %d, want 503", status)
			}
			p.stop()

			// Without sites known from before it ends, and says why.
			o := p.opts
			o.Data, o.Started = t.TempDir(), nil
			test.spoil(t, &o)
			err := app.Run(t.Context(), o)
			for _, want := range append(test.want, "no hit can be taken") {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("Run without known sites = %v, want %q in it", err, want)
				}
			}
		})
	}
	t.Run("damaged metadata", func(t *testing.T) {
		before := start(t, time.Now(), nil)
		data := before.opts.Data
		before.stop()
		metadata := filepath.Join(data, "clickhouse", "metadata", "fotspor.sql")
		sound, err := os.ReadFile(metadata)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(metadata, []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
		knownSites(t, data)
		p := startWithout(t, func(o *app.Options) { o.Data, o.Engine = data, before.opts.Engine })
		hitOf(p)
		await(t, "a log that says what to do", func() error {
			if !strings.Contains(p.log.String(), "take the folder clickhouse of the data directory from a backup") {
				return fmt.Errorf("it does not:\n%s", p.log)
			}
			return nil
		})
		if err := os.WriteFile(metadata, sound, 0o600); err != nil {
			t.Fatal(err)
		}
		p.awaitStored(1)
		await(t, "how the first user is made", func() error {
			if out := p.out.String(); !strings.Contains(out, "Make the first one here") {
				return fmt.Errorf("once the store is there the program says %q", out)
			}
			return nil
		})
	})
}

// TestDiskThatFails: while hits can't be written, /readyz says so and the log names the
// file once; both end once they can.
func TestDiskThatFails(t *testing.T) {
	p := startWithout(t, func(o *app.Options) { o.Store = "http://" + hangingServer(t, "") + "/x" })
	page := p.public + "/pixel.gif?site=1&url=https://example.org/hemmelig"
	dir, aside := filepath.Join(p.opts.Data, "spool"), filepath.Join(p.opts.Data, "elsewhere")
	if err := os.Rename(dir, aside); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if status, _ := p.answer(page, time.Second); status != http.StatusServiceUnavailable {
			t.Errorf("a hit that can't be written is answered %d, want 503", status)
		}
	}
	if status, why := p.answer(p.metrics+"/readyz", time.Second); status != http.StatusServiceUnavailable || !strings.Contains(why, "write segment: open "+dir) {
		t.Errorf("/readyz = %d %q, want 503 and what failed", status, why)
	}
	if n := strings.Count(p.log.String(), "hits can't be written to disk"); n != 1 || strings.Contains(p.log.String(), "hemmelig") {
		t.Errorf("the log tells %d times of 20 writes that failed, want once, without data:\n%s", n, p.log)
	}
	if err := os.Rename(aside, dir); err != nil {
		t.Fatal(err)
	}
	if status, _ := p.answer(page, time.Second); status != http.StatusOK {
		t.Errorf("a hit is answered %d once there is a disk", status)
	}
	if _, why := p.answer(p.metrics+"/readyz", time.Second); strings.Contains(why, "write segment") {
		t.Errorf("/readyz = %q once there is a disk", why)
	}
}

// TestEngineOfStoppedProcess: beside a process that has the data directory and has
// stopped answering, a collector takes hits; once that process is gone it opens the
// engine itself.
func TestEngineOfStoppedProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	data := t.TempDir()
	knownSites(t, data)
	other := serve(t, "engine", "--listen", "127.0.0.1:0", "--data", data)
	if out, errs, status := command(t, "", "site", "add", "--create", "--host", "example.org", "--data", data); status != 0 {
		t.Fatalf("site add: %q %q", out, errs)
	}
	if err := other.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	p := startWithout(t, func(o *app.Options) { o.Data, o.Engine = data, storetest.Library(t) })
	if status, _ := p.answer(p.public+"/pixel.gif?site=1&url=https://example.org/side", time.Second); status != http.StatusOK {
		t.Errorf("a hit is answered %d", status)
	}
	await(t, "a log that says that there is no store", func() error {
		if !strings.Contains(p.log.String(), "the store is unavailable") {
			return fmt.Errorf("it does not:\n%s", p.log)
		}
		return nil
	})
	other.kill()
	p.awaitStored(1)
}

// TestSetUpLinkOfALateStore: the link for the first administrator is printed also if the
// store comes after the start, and is slow to tell of users then.
func TestSetUpLinkOfALateStore(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	t.Parallel() // it waits
	data := t.TempDir()
	engine := serve(t, "engine", "--listen", "127.0.0.1:0", "--data", data)
	dsn := engineDSN(t, strings.TrimPrefix(engine.public, "http://"), data, "footprints")
	if out, errs, status := command(t, "", "site", "add", "--create", "--host", "example.org", "--store", dsn); status != 0 {
		t.Fatalf("site add: %q %q", out, errs)
	}
	behind, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: behind.Host})
	var unavailable atomic.Bool
	var refused atomic.Int32 // questions about users
	unavailable.Store(true)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		users := strings.Contains(string(body), "FROM users FINAL WHERE NOT removed ORDER BY name")
		if err != nil || unavailable.Load() || users && refused.Add(1) == 1 {
			http.Error(w, "unavailable", http.StatusServiceUnavailable)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}))
	defer server.Close()
	p := startWithout(t, func(o *app.Options) { o.Store = strings.Replace(dsn, behind.Host, server.Listener.Addr().String(), 1) })
	if strings.Contains(p.out.String(), "/setup?token=") {
		t.Error("there is a link before anybody knows whether there is an administrator")
	}
	unavailable.Store(false)
	await(t, "a set-up link", func() error {
		if !strings.Contains(p.out.String(), p.public+"/setup?token=") {
			return fmt.Errorf("none in %q", p.out)
		}
		return nil
	})
	if refused.Load() < 2 {
		t.Error("no question about users was refused")
	}
	p.stop()
	engine.stop()
}

// TestStoreThatStopsAnswering: if a store hangs after it has worked, no hit waits and none is
// lost: all are stored once when it goes on.
func TestStoreThatStopsAnswering(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	t.Parallel() // it waits
	engineData := t.TempDir()
	engine := serve(t, "engine", "--listen", "127.0.0.1:0", "--data", engineData)
	dsn := engineDSN(t, strings.TrimPrefix(engine.public, "http://"), engineData, "footprints")
	if out, errs, status := command(t, "", "site", "add", "--create", "--host", "example.org", "--store", dsn); status != 0 {
		t.Fatalf("site add: %q %q", out, errs)
	}
	var data string
	p := startWithout(t, func(o *app.Options) { o.Store, data = dsn, o.Data })
	hits := func(p *program, n int) {
		t.Helper()
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				if status, _ := p.answer(fmt.Sprintf("%s/pixel.gif?site=1&url=https://example.org/side%d", p.public, i), time.Second); status != http.StatusOK {
					t.Errorf("a hit is answered %d", status)
				}
				if status, _ := p.answer(p.public+"/pixel.gif?site=77&url=https://example.org/", time.Second); status != http.StatusBadRequest {
					t.Errorf("a hit of an unknown site is answered %d", status)
				}
			})
		}
		all.Wait()
	}
	hits(p, 10)
	p.awaitStored(10)
	if err := engine.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	hits(p, 10)
	if status, _ := p.answer(p.metrics+"/healthz", time.Second); status != http.StatusOK {
		t.Errorf("/healthz = %d, want 200", status)
	}
	if status, _ := p.answer(p.public+"/sites/1", 10*time.Second); status != http.StatusServiceUnavailable {
		t.Errorf("a page of the dashboard = %d, want 503", status)
	}
	await(t, "a program that says that its store is unavailable", func() error {
		if status, why := p.answer(p.metrics+"/readyz", time.Second); status != http.StatusServiceUnavailable {
			return fmt.Errorf("/readyz = %d %q", status, why)
		}
		return nil
	})
	begun := time.Now()
	p.stop()
	if took := time.Since(begun); took > patience.Of(30*time.Second) {
		t.Errorf("the stop took %v, want at most 30 s", took)
	}
	if err := engine.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	p = startWithout(t, func(o *app.Options) { o.Store, o.Data = dsn, data })
	hits(p, 10)
	await(t, "every hit once", func() error {
		if out, errs, _ := command(t, "", "query", "SELECT sum(pageviews) FROM hits", "--store", dsn); out != "30\n" {
			return fmt.Errorf("%q page views, %s, want 30", out, errs)
		}
		return nil
	})
	p.stop()
	engine.stop()
}
