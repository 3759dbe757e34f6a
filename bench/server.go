package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/fotspor/fotspor/collector/dialect"
)

// How long a process may take to start, and to end once it is asked to.
const (
	startTime = 30 * time.Second
	endTime   = time.Minute
)

// process is a server that runs.
type process struct {
	name  string
	cmd   *exec.Cmd
	out   *output
	ended chan struct{}
	end   context.CancelFunc
}

// start starts a program. What it says is kept for an error.
func start(name, program string, args ...string) (*process, error) {
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{name: name, out: new(output), ended: make(chan struct{}), end: cancel}
	p.cmd = exec.CommandContext(ctx, program, args...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = endTime // and then it is killed
	// An interrupt on the terminal is for us: we end the processes in order.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.ended)
		p.cmd.Wait() // how it ended is of no interest: its rows are counted before
	}()
	return p, nil
}

// stop ends the process and waits for it.
func (p *process) stop() {
	p.end()
	<-p.ended
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// await calls ready until it says true, while the process lives.
func (p *process) await(ctx context.Context, what string, limit time.Duration, ready func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		if ok, err := ready(); ok || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-p.ended:
			return fmt.Errorf("%s ended before %s:\n%s", p.name, what, p.out)
		case <-ctx.Done():
			return fmt.Errorf("%s: waiting for %s: %w:\n%s", p.name, what, ctx.Err(), p.out)
		}
	}
}

// awaitWords waits until the process has said something, and returns the groups of
// the pattern.
func (p *process) awaitWords(ctx context.Context, pattern *regexp.Regexp) (words []string, err error) {
	err = p.await(ctx, "its addresses", startTime, func() (bool, error) {
		words = pattern.FindStringSubmatch(p.out.String())
		return words != nil, nil
	})
	if err != nil {
		return nil, err
	}
	return words[1:], nil
}

// output is what a process has said. It is safe for concurrent use.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// server is one that is under load.
type server struct {
	name      string
	program   string     // the build of Fotspor that it runs; empty for other servers
	addr      string     // that answers requests
	processes []*process // the first is the one that answers
	metrics   string     // URL; empty for a server that stores nothing, and so is spool
	spool     string     // directory
	store     []string   // flags that say where fotspor query finds its rows

	recorded, excluded int // all that it ever acknowledged
}

// count keeps what a load says was acknowledged.
func (s *server) count(t tally) {
	s.recorded += t.recorded
	s.excluded += t.excluded
}

// usage returns what each process has used so far.
func (s *server) usage() ([]stat, error) {
	all := make([]stat, len(s.processes))
	for i, p := range s.processes {
		var err error
		if all[i], err = tree(p.pid()); err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", s.name, err, p.out)
		}
	}
	return all, nil
}

// awaitStored waits until nothing is left in the spool. It looks at the files: to ask the
// server ten times a second would cost it as much as thousands of hits.
func (s *server) awaitStored(ctx context.Context) error {
	if s.spool == "" {
		return nil
	}
	return s.processes[0].await(ctx, "its spool to be empty", 2*time.Minute, func() (bool, error) {
		files, err := os.ReadDir(s.spool)
		return !slices.ContainsFunc(files, func(f os.DirEntry) bool { return f.Name() != "lock" }), err
	})
}

// scrape returns the metrics at a URL.
func scrape(ctx context.Context, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(resp.Body); err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return text.String(), nil
}

// metric returns the sum of all series of a metric, of which there is one or more.
func metric(text, name string) (int, error) {
	total, found := 0, false
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || (rest[0] != ' ' && rest[0] != '{') {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndexByte(rest, ' ')+1:]), 64)
		if err != nil {
			return 0, fmt.Errorf("metric %s: %w", name, err)
		}
		total, found = total+int(value), true
	}
	if !found {
		return 0, fmt.Errorf("no metric %s", name)
	}
	return total, nil
}

// serveBare is the server that all are compared with: net/http, which answers
// every request with the image and does nothing else.
func serveBare(ctx context.Context) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	image := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/gif")
		w.Header().Set("Content-Length", strconv.Itoa(len(dialect.Pixel)))
		w.Write(dialect.Pixel)
	})
	s := &http.Server{Handler: image}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	fmt.Printf("listening on %s\n", l.Addr())
	if err := s.Serve(l); err != http.ErrServerClosed {
		return err
	}
	return nil
}

func startBare(ctx context.Context) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{name: "net/http, an image only"}
	p, err := start(s.name, self, asBare)
	if err != nil {
		return nil, err
	}
	s.processes = []*process{p}
	words, err := p.awaitWords(ctx, regexp.MustCompile(`listening on (\S+)\n`))
	if err != nil {
		return s, err
	}
	s.addr = words[0]
	return s, nil
}

const nginxName = "nginx, empty_gif"

// nginxConfig wants a directory and an address. It does as little as nginx can.
const nginxConfig = `daemon off;
pid %[1]s/pid;
error_log stderr;
worker_processes auto;
events { worker_connections 16384; }
http {
	access_log off;
	keepalive_requests 1000000000;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	server {
		listen %[2]s;
		location / { empty_gif; }
	}
}
`

// startNginx returns nil where there is no nginx.
func startNginx(ctx context.Context, dir string) (*server, error) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		return nil, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // nginx can't choose a port by itself
	if err != nil {
		return nil, err
	}
	s := &server{name: nginxName, addr: l.Addr().String()}
	l.Close()
	config := filepath.Join(dir, "nginx.conf")
	if err := os.Mkdir(filepath.Join(dir, "nginx"), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, filepath.Join(dir, "nginx"), s.addr), 0o644); err != nil {
		return nil, err
	}
	p, err := start(s.name, program, "-e", "stderr", "-c", config)
	if err != nil {
		return nil, err
	}
	s.processes = []*process{p}
	return s, p.await(ctx, "its port", startTime, func() (bool, error) {
		c, err := net.Dial("tcp", s.addr)
		if err == nil {
			c.Close()
		}
		return err == nil, nil
	})
}

// servingFlags are those of every part that is under load.
var servingFlags = []string{
	"--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--trusted-proxies", "127.0.0.1", "--rate-limit", "0",
}

// startEmbedded starts `fotspor serve` with the engine in its process.
func startEmbedded(ctx context.Context, program, dir string) (*server, error) {
	data := filepath.Join(dir, "serve")
	s := &server{name: "fotspor serve", program: program, spool: filepath.Join(data, "spool"), store: []string{"--data", data}}
	return s, s.startFotspor(ctx, "serve", s.store...)
}

// startSplit starts `fotspor collector`, and `fotspor engine` for it to store in.
func startSplit(ctx context.Context, program, dir string) (*server, error) {
	data := filepath.Join(dir, "collector")
	s := &server{name: "fotspor collector + engine", program: program, spool: filepath.Join(data, "spool")}
	engine, err := start("fotspor engine", program, "engine", "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "engine"))
	if err != nil {
		return nil, err
	}
	s.processes = []*process{engine}
	words, err := engine.awaitWords(ctx, regexp.MustCompile(`Engine: +(\S+)/\n`))
	if err != nil {
		return s, err
	}
	password, err := os.ReadFile(filepath.Join(dir, "engine", "engine.password"))
	if err != nil {
		return s, err
	}
	addr := strings.TrimPrefix(words[0], "http://")
	s.store = []string{"--store", fmt.Sprintf("http://fotspor:%s@%s/fotspor", strings.TrimSpace(string(password)), addr)}
	return s, s.startFotspor(ctx, "collector", append(s.store, "--data", data)...)
}

// startFotspor adds the site and starts the part that is under load.
func (s *server) startFotspor(ctx context.Context, part string, flags ...string) error {
	add := append([]string{"site", "add", "--host", "example.org", "--quiet", "--create"}, s.store...)
	if text, err := exec.CommandContext(ctx, s.program, add...).CombinedOutput(); err != nil || string(text) != "1\n" {
		return fmt.Errorf("fotspor site add: %w: %s", err, text)
	}
	return s.startPart(ctx, part, flags...)
}

// startPart starts the part.
func (s *server) startPart(ctx context.Context, part string, flags ...string) error {
	p, err := start("fotspor "+part, s.program, append(append([]string{part}, servingFlags...), flags...)...)
	if err != nil {
		return err
	}
	s.processes = append([]*process{p}, s.processes...)
	words, err := p.awaitWords(ctx, regexp.MustCompile(`public=(\S+) metrics=(\S+)`))
	if err != nil {
		return err
	}
	s.addr, s.metrics = words[0], "http://"+words[1]+"/metrics"
	return nil
}
