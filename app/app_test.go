package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	_ "time/tzdata"

	"go.uber.org/goleak"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/cli"
	"github.com/fotspor/fotspor/internal/patience"
	"github.com/fotspor/fotspor/store/storetest"
)

// asProgram in the environment makes the test binary be the program itself: tests
// of several processes start it again.
const asProgram = "TEST_AS_FOTSPOR"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		goleak.VerifyTestMain(m)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	os.Exit(cli.Main(ctx, cli.Env{
		Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}))
}

// program is the whole program, running in this process.
type program struct {
	t       *testing.T
	opts    app.Options
	public  string // URL
	metrics string // URL
	setup   string // URL of the set-up link
	log     *buffer
	out     *buffer
	now     atomic.Int64 // its clock, in Unix seconds
	end     context.CancelFunc
	ended   chan error
	client  *http.Client // logged in, once logIn was called
}

// buffer is a bytes.Buffer that goroutines share.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start runs the program with every part on free ports, until the test ends or
// stop is called. change may alter its options.
func start(t *testing.T, now time.Time, change func(*app.Options)) *program {
	t.Helper()
	p := &program{t: t, log: new(buffer), out: new(buffer), ended: make(chan error, 1)}
	p.setClock(now)
	o := app.DefaultOptions()
	o.Hurry()
	o.Collector, o.Dashboard, o.Retention = true, true, true
	o.Data = t.TempDir()
	o.Engine = storetest.Library(t)
	o.Listen, o.MetricsListen = "127.0.0.1:0", "127.0.0.1:0"
	o.Logger = slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Out = p.out
	o.Now = func() time.Time { return time.Unix(p.now.Load(), 0) }
	if change != nil {
		change(&o)
	}
	started := make(chan app.Addrs, 1)
	o.Started = func(a app.Addrs) { started <- a }
	p.opts = o

	ctx, cancel := context.WithCancel(context.Background())
	p.end = cancel
	go func() { p.ended <- app.Run(ctx, o) }()
	t.Cleanup(p.stop)
	select {
	case a := <-started:
		p.public, p.metrics, p.setup = "http://"+a.Public.String(), "http://"+a.Metrics.String(), a.SetupURL
	case err := <-p.ended:
		p.ended = nil
		t.Fatalf("the program did not start: %v\n%s", err, p.log)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 4}
	t.Cleanup(transport.CloseIdleConnections)
	p.client = &http.Client{Jar: jar, Transport: transport}
	await(t, "a program that is ready", func() error { // it may begin before its store has come
		resp, err := p.client.Get(p.metrics + "/readyz")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if why, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s, %v", resp.Status, why, err)
		}
		return nil
	})
	return p
}

func (p *program) setClock(at time.Time) { p.now.Store(at.Unix()) }

// stop ends the program and waits for it, and wants one component in each line of its log. It may
// be called twice.
func (p *program) stop() {
	if p.ended == nil {
		return
	}
	p.end()
	if err := <-p.ended; err != nil {
		p.t.Errorf("the program ended with: %v", err)
	}
	p.ended = nil
	for line := range strings.Lines(p.log.String()) {
		if strings.Count(line, " component=") != 1 {
			p.t.Errorf("a line of the log has not one component: %s", line)
		}
	}
}

// get returns the body of a page that must be there.
func (p *program) get(url string) string {
	p.t.Helper()
	return get(p.t, p.client, url)
}

func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s = %s\n%s", url, resp.Status, body)
	}
	return string(body)
}

const testPassword = "korrekt hest batteri stift"

// setUp makes the first user by the set-up link, and logs in as them.
func (p *program) setUp() {
	p.t.Helper()
	link, err := url.Parse(p.setup)
	if err != nil || p.setup == "" {
		p.t.Fatalf("no set-up link: %q, %v", p.setup, err)
	}
	p.post(p.public+"/setup", url.Values{
		"token": link.Query()["token"], "name": {"kari"}, "password": {testPassword}, "again": {testPassword},
	})
	p.logIn(p.public, "kari")
}

func (p *program) logIn(base, name string) {
	p.t.Helper()
	logIn(p.t, p.client, base, name)
}

func logIn(t *testing.T, client *http.Client, base, name string) {
	t.Helper()
	post(t, client, base+"/login", url.Values{"name": {name}, "password": {testPassword}})
	if page := get(t, client, base+"/"); !strings.Contains(page, `action="/logout"`) {
		t.Fatalf("%s is not logged in:\n%s", name, page)
	}
}

func (p *program) post(to string, form url.Values) {
	p.t.Helper()
	post(p.t, p.client, to, form)
}

func post(t *testing.T, client *http.Client, to string, form url.Values) {
	t.Helper()
	resp, err := client.PostForm(to, form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("POST %s = %s\n%s", to, resp.Status, body)
	}
}

// await calls f until it returns nil, and fails the test if that takes too long.
func await(t *testing.T, what string, f func() error) {
	t.Helper()
	deadline := time.After(patience.Of(30 * time.Second))
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// process returns a run of the program in a new process, not yet started.
func process(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "FOTSPOR_") })
	// Under the race detector a process waits a second before it ends, unless told.
	race := "GORACE=atexit_sleep_ms=0 " + os.Getenv("GORACE")
	cmd.Env = append(cmd.Env, asProgram+"=1", "FOTSPOR_ENGINE="+storetest.Library(t), race)
	return cmd
}

// command runs a command of the program in its own process, and returns its
// output and exit status.
func command(t *testing.T, stdin string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := process(t, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %v", args, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// tables returns what each table of the store that holds something has, as text, by two
// queries: a process for each table takes long.
func tables(query func(sql string) string) map[string]string {
	const names = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
	var each []string
	for name := range strings.FieldsSeq(query(names)) {
		each = append(each, "SELECT '"+name+"', toString(tuple(*)) FROM "+name)
	}
	rows := map[string][]string{}
	for line := range strings.Lines(query(strings.Join(each, " UNION ALL "))) {
		name, row, _ := strings.Cut(line, "\t")
		rows[name] = append(rows[name], row)
	}
	texts := map[string]string{}
	for name, all := range rows {
		texts[name] = strings.Join(all, "")
	}
	return texts
}
