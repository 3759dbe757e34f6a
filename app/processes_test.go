package app_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/fotspor/fotspor/internal/patience"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/store/embedded"
)

// service is a part of the program in a separate process.
type service struct {
	t       *testing.T
	cmd     *exec.Cmd
	public  string // URL; of the engine's endpoint for `fotspor engine`
	metrics string
	done    chan struct{} // closed when its log has ended
	log     *buffer
}

// serve starts a part of the program and waits until it says that it has started.
func serve(t *testing.T, args ...string) *service {
	t.Helper()
	s := &service{t: t, cmd: process(t, append(args, "--log-format", "json")...), done: make(chan struct{}), log: new(buffer)}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	started := make(chan struct{})
	go func() {
		defer close(s.done)
		lines := bufio.NewScanner(io.TeeReader(stderr, s.log))
		for lines.Scan() {
			var line struct{ Msg, Public, Metrics, Engine any }
			if json.Unmarshal(lines.Bytes(), &line) != nil || line.Msg != "started" {
				continue
			}
			s.public, s.metrics = urlOf(line.Public), urlOf(line.Metrics)
			if line.Engine != nil {
				s.public = urlOf(line.Engine)
			}
			close(started)
		}
	}()
	select {
	case <-started:
	case <-s.done:
		s.cmd.Wait()
		t.Fatalf("%v did not start:\n%s", args, s.log)
	case <-time.After(patience.Of(time.Minute)):
		t.Fatalf("%v does not start:\n%s", args, s.log)
	}
	return s
}

// urlOf returns the URL of an address as slog wrote it.
func urlOf(addr any) string {
	switch a := addr.(type) {
	case string:
		return "http://" + a
	case map[string]any:
		return fmt.Sprintf("http://%v:%v", a["IP"], a["Port"])
	}
	return ""
}

// engineDSN returns the address of a database of an engine, with its user and the
// password from its data directory.
func engineDSN(t *testing.T, addr, data, database string) string {
	t.Helper()
	password, err := os.ReadFile(embedded.PasswordPath(data))
	if err != nil {
		t.Fatal(err)
	}
	u := url.URL{Scheme: "http", User: url.UserPassword(embedded.User, strings.TrimSpace(string(password))), Host: addr, Path: database}
	return u.String()
}

// stop asks the process to end, and fails the test unless it does so in order.
func (s *service) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	<-s.done
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("%v ended with %v:\n%s", s.cmd.Args[1], err, s.log)
	}
}

// kill ends the process at once, wherever it is, if it still runs.
func (s *service) kill() {
	if s.cmd.ProcessState == nil {
		s.cmd.Process.Kill()
		<-s.done
		s.cmd.Wait()
	}
}

// TestSeparateServices runs collector, dashboard and retention as three processes
// on one store, over real HTTP. The engine stands in for a ClickHouse server.
func TestSeparateServices(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	t.Parallel() // it waits
	engineData := t.TempDir()
	engine := serve(t, "engine", "--listen", "127.0.0.1:0", "--data", engineData)
	engineAddr := strings.TrimPrefix(engine.public, "http://")
	dsn := engineDSN(t, engineAddr, engineData, "footprints")
	at := []string{"--store", dsn, "--data", t.TempDir()}
	with := func(args ...string) []string { return append(args, at...) }
	listening := []string{"--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"}

	out, errs, status := command(t, "", with("site", "add", "--host", "example.org", "--name", "Eksempel", "--quiet", "--create")...)
	if out != "1\n" || status != 0 {
		t.Fatalf("site add: %q, %q, status %d", out, errs, status)
	}
	if _, errs, status := command(t, testPassword+"\n", with("user", "add", "kari", "--role", "viewer")...); status != 0 {
		t.Fatalf("user add: %q, status %d", errs, status)
	}

	spool := t.TempDir()
	collectorArgs := append([]string{"collector", "--store", dsn, "--data", spool, "--trusted-proxies", "127.0.0.1"}, listening...)
	collector := serve(t, collectorArgs...)
	dashboard := serve(t, append(with("dashboard"), listening...)...)
	retention := serve(t, with("retention", "--metrics-listen", "127.0.0.1:0")...)

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Jar: jar, Transport: transport}

	hit := func(c *service, n int) {
		t.Helper()
		p := &program{t: t, public: c.public, client: client}
		if told := p.send(sent{
			addr: netip.AddrFrom4([4]byte{84, 210, 7, byte(n)}), agent: agents[n%len(agents)].header,
			page: "/side", ref: origins[0], form: n % 4,
		}); told != "recorded" {
			t.Fatalf("hit %d: %q", n, told)
		}
	}
	views := func() int64 {
		t.Helper()
		var totals struct {
			Totals struct{ Pageviews, Visitors int64 }
		}
		if err := json.Unmarshal([]byte(get(t, client, dashboard.public+"/api/v1/sites/1/totals?period=today")), &totals); err != nil {
			t.Fatal(err)
		}
		return totals.Totals.Pageviews
	}
	logIn(t, client, dashboard.public, "kari")
	for n := range 20 {
		hit(collector, n+1)
	}
	await(t, "hits of one process on the page of another", func() error {
		if got := views(); got != 20 {
			return fmt.Errorf("%d page views, want 20", got)
		}
		return nil
	})

	// Killed, the collector loses nothing of what it has answered.
	for n := range 20 {
		hit(collector, n+1)
	}
	collector.kill()
	collector = serve(t, collectorArgs...)
	await(t, "hits of a killed process", func() error {
		if got := views(); got != 40 {
			return fmt.Errorf("%d page views, want 40", got)
		}
		return nil
	})

	// With the store unavailable it goes on, says so, and brings everything once it is back.
	hit(collector, 1)
	for _, s := range []*service{collector, dashboard, retention} {
		get(t, client, s.metrics+"/healthz")
		await(t, s.cmd.Args[1]+" that has its store", func() error { // a collector that knows its sites starts without
			resp, err := client.Get(s.metrics + "/readyz")
			if err != nil {
				return err
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("/readyz is %s", resp.Status)
			}
			return nil
		})
		if up, ok := metricOf(get(t, client, s.metrics+"/metrics"), "fotspor_engine_up"); !ok || up != 1 {
			t.Errorf("%s: engine up = %v, want 1", s.cmd.Args[1], up)
		}
	}
	for _, name := range []string{"fotspor_clock_trusted", "fotspor_retention_next_pass_timestamp_seconds"} {
		if _, ok := metricOf(get(t, client, retention.metrics+"/metrics"), name); !ok {
			t.Errorf("the retention worker has no %s", name)
		}
	}
	engine.stop()
	hit(collector, 2)
	await(t, "a collector that says that its store is unavailable", func() error {
		resp, err := client.Get(collector.metrics + "/readyz")
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable {
			return fmt.Errorf("/readyz is %s", resp.Status)
		}
		return nil
	})
	hit(collector, 3)

	// It can even start again, with the sites that it knew last.
	collector.stop()
	collector = serve(t, collectorArgs...)
	hit(collector, 4)
	if resp, err := client.Get(dashboard.public + "/sites/1"); err != nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("dashboard without a store: %v, %v, want 503", resp, err)
	} else {
		resp.Body.Close()
	}
	engine = serve(t, "engine", "--listen", engineAddr, "--data", engineData)
	await(t, "hits that came while the store was unavailable", func() error {
		resp, err := client.Get(dashboard.metrics + "/readyz")
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("/readyz is %s", resp.Status)
		}
		if got := views(); got != 44 {
			return fmt.Errorf("%d page views, want 44", got)
		}
		return nil
	})

	hit(collector, 5)
	collector.stop() // the last hit is flushed on the way out
	if got := views(); got != 45 {
		t.Errorf("%d page views after an orderly stop, want 45", got)
	}
	out, errs, status = command(t, "", with("query", "SELECT sum(pageviews), sum(visits) > 0 FROM hits")...)
	if out != "45\t1\n" || status != 0 {
		t.Errorf("query: %q, %q, status %d", out, errs, status)
	}
	dashboard.stop()
	retention.stop()
	engine.stop()
}

// TestMemoryLimit: Go's garbage collector keeps each process that serves within the memory
// of its cgroup, less the engine's share, or else to GOMEMLIMIT.
func TestMemoryLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	const series = "go_gc_gomemlimit_bytes"
	run := func() float64 {
		t.Helper()
		s := serve(t, "retention", "--data", t.TempDir(), "--metrics-listen", "127.0.0.1:0", "--engine-memory", "300MiB")
		limit, ok := metricOf(get(t, http.DefaultClient, s.metrics+"/metrics"), series)
		if !ok {
			t.Fatalf("no metric %s", series)
		}
		http.DefaultClient.CloseIdleConnections()
		s.stop()
		return limit
	}
	t.Setenv("GOMEMLIMIT", "")
	want := float64(math.MaxInt64)
	if total, err := memlimit.FromCgroup(); err == nil {
		want = float64(total/10*9 - 300<<20)
	} else {
		t.Logf("this cgroup has no limit: %v", err)
	}
	if got := run(); got != want {
		t.Errorf("%s = %v, want %v", series, got, want)
	}
	t.Setenv("GOMEMLIMIT", "777MiB")
	if got := run(); got != 777<<20 {
		t.Errorf("%s = %v, want that of GOMEMLIMIT", series, got)
	}
}

// TestHardened: each process that serves by itself writes no core file
// in memory, and does not print its stacks on SIGQUIT.
func TestHardened(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	t.Parallel() // it waits
	for _, args := range [][]string{
		{"engine", "--listen", "127.0.0.1:0"},
		{"dashboard", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"},
		{"retention", "--metrics-listen", "127.0.0.1:0"},
		{"collector", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"},
	} {
		s := serve(t, append(args, "--data", t.TempDir())...)
		for file, want := range map[string]string{
			"limits": `(?m)^Max core file size +0 +0 `,
			"status": `(?m)^SigIgn:\t[0-9a-f]{15}[4-7c-f]$`, // SIGQUIT is the third
		} {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.cmd.Process.Pid, file))
			if err != nil {
				t.Skipf("SKIPPED: %v", err)
			}
			if !regexp.MustCompile(want).Match(text) {
				t.Errorf("%s: /proc/PID/%s has no line %s:\n%s", args[0], file, want, text)
			}
		}
		if dir, err := os.Stat(fmt.Sprintf("/proc/%d/mem", s.cmd.Process.Pid)); err == nil {
			if owner := dir.Sys().(*syscall.Stat_t).Uid; owner != 0 {
				t.Errorf("%s may be dumped: its memory belongs to user %d", args[0], owner)
			}
		}
		s.stop()
	}
}

// TestCommandsBesideServe: commands reach the store of a program that runs, through
// its socket, and what they change is there at once.
func TestCommandsBesideServe(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	p := start(t, at, nil)
	data := func(args ...string) []string { return append(args, "--data", p.opts.Data) }

	out, _, status := command(t, "", data("site", "add", "--host", "Example.org,www.example.org", "--timezone", "Europe/Oslo")...)
	for _, want := range []string{"Site 1, example.org", `data-site="1"`, "/fotspor.js", "/pixel.gif?site=1"} {
		if !strings.Contains(out, want) || status != 0 {
			t.Errorf("site add printed %q, status %d, want %s in it", out, status, want)
		}
	}
	if out, _, _ := command(t, "", data("site", "list")...); out != "1\texample.org\texample.org,www.example.org\tEurope/Oslo\t\t\tdefault\t\tkeep\tdefault\t\t\t\t5\t\t\t\tdefault\tdefault\n" {
		t.Errorf("site list printed %q", out)
	}
	p.awaitSite(1)
	addr := netip.MustParseAddr("127.0.0.1")
	if told := p.send(sent{addr: addr, agent: agents[0].header, page: "/a", ref: origins[0]}); told != "recorded" {
		t.Fatal(told)
	}
	p.awaitStored(1)

	if _, _, status := command(t, testPassword, data("user", "add", "ola", "--role", "admin")...); status != 0 {
		t.Errorf("user add: status %d", status)
	}
	p.logIn(p.public, "ola")

	out, _, _ = command(t, "", data("retention", "run", "--dry-run", "--at", "2030-01-01")...)
	if !strings.Contains(out, "found 1 rows") || !strings.Contains(out, "nothing deleted") {
		t.Errorf("dry run printed %q", out)
	}
	if out, _, _ = command(t, "", data("access", "--ip", "127.0.0.1", "--lang", "nn")...); !strings.Contains(out, "Nettverk   127.0.0.0/16") || strings.Contains(out, "127.0.0.1") {
		t.Errorf("access printed %q, want the network and not the address", out)
	}
	if out, _, _ = command(t, "", data("query", "SELECT count() FROM hits", "--format", "CSV")...); out != "1\n" {
		t.Errorf("query printed %q, want 1", out)
	}
	day := privacy.Period{Days: 1}.Cutoff(time.Now()).Format(time.DateOnly)
	if _, errs, status := command(t, "", data("policy", "set", "retention=1d", "--yes")...); status != 0 {
		t.Errorf("policy set: %q, status %d", errs, status)
	}
	out, _, _ = command(t, "", data("retention", "run", "--confirm", day)...)
	if !strings.Contains(out, "deleted 1 rows") {
		t.Errorf("retention run printed %q", out)
	}
	if out, _, _ = command(t, "", data("query", "SELECT count(), (SELECT sum(pageviews) FROM daily WHERE dimension = 'total') FROM hits")...); out != "0\t1\n" {
		t.Errorf("after retention there are %q raw rows and page views, want 0 and 1", out)
	}
	if told := p.send(sent{addr: addr, agent: agents[0].header, page: "/b", ref: origins[0]}); told != "recorded" {
		t.Fatal(told)
	}
	p.awaitStored(2)
	out, errs, status := command(t, "", data("erase", "--ip", "127.0.0.1")...)
	if status != 0 {
		t.Errorf("erase: %q %q, status %d", out, errs, status)
	}
	if out, _, _ = command(t, "", data("query", "SELECT count() FROM hits")...); out != "0\n" {
		t.Errorf("after erasure there are %q raw rows, want 0", out)
	}
}

// TestHangup: SIGHUP ends nothing that serves, and the log says what it did.
func TestHangup(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	t.Parallel() // it waits
	hangUp := func(s *service, what string) {
		t.Helper()
		if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		await(t, "a log line", func() error {
			if !strings.Contains(s.log.String(), "SIGHUP") || !strings.Contains(s.log.String(), what) {
				return fmt.Errorf("%v does not say %q:\n%s", s.cmd.Args[1], what, s.log)
			}
			return nil
		})
	}
	dir := t.TempDir()
	config, spam := filepath.Join(dir, "fotspor.toml"), filepath.Join(dir, "spam.txt")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(config, `log-level = "info"`)
	write(spam, "spam.example\n")
	at := []string{"--data", t.TempDir(), "--metrics-listen", "127.0.0.1:0"}
	whole := serve(t, append([]string{"serve", "--listen", "127.0.0.1:0", "--config", config, "--referrer-spam", spam}, at...)...)
	hangUp(whole, `"what":["GeoIP databases","sites","lists","log level"]`)
	write(config, `log-level = "loud"`)
	hangUp(whole, `"not":["log level"]`)
	write(config, `log-level = "warn"`)
	if err := whole.cmd.Process.Signal(syscall.SIGHUP); err != nil { // of which only a warning would tell
		t.Fatal(err)
	}
	write(spam, "no host/at all\n")
	hangUp(whole, `"not":["lists","log level"]`) // which is one of the settings, and one of these is bad
	write(spam, "spam.example\n")
	write(config, `log-level = "debug"`)
	const good = "SIGHUP: read again what can change"
	if n := strings.Count(whole.log.String(), good); n != 1 {
		t.Errorf("the log tells %d times of a SIGHUP that went well, want 1: of the second only a warning would tell:\n%s", n, whole.log)
	}
	if err := whole.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	await(t, "a log line", func() error {
		if strings.Count(whole.log.String(), good) < 2 { // one signal more may have waited since
			return fmt.Errorf("the log does not tell of the last SIGHUP:\n%s", whole.log)
		}
		return nil
	})
	get(t, http.DefaultClient, whole.metrics+"/healthz")
	http.DefaultClient.CloseIdleConnections()
	whole.stop()
	part := serve(t, append([]string{"retention"}, at...)...)
	hangUp(part, "other settings need a restart")
	part.stop()
	engine := serve(t, "engine", "--listen", "127.0.0.1:0", "--data", t.TempDir())
	hangUp(engine, "there is nothing to read again")
	engine.stop()
}
