package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// machine is a Debian that runs under systemd in namespaces of its own: the file system of
// this machine, with what is written to it laid over it, and a network in which there is
// nobody else.
type machine struct {
	t        *testing.T
	leader   string // the process id of its systemd
	dir      string // in which commands run
	checkout string // what is written to it stays in the machine
}

// boot starts a machine, which ends with the test.
func boot(t *testing.T, dist string) *machine {
	t.Helper()
	need(t)
	over := t.TempDir()
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"upper", "work", "root"} {
		if err := os.Mkdir(filepath.Join(over, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	notify := filepath.Join(over, "notify")
	ready, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: notify, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer ready.Close()
	script := `mount -t overlay overlay -o lowerdir="$1",upperdir="$2/upper",workdir="$2/work",volatile "$2/root" && rm -f "$2/root/etc/machine-id" &&
		echo 'APT::Get::Assume-Yes "true";' >"$2/root/etc/apt/apt.conf.d/yes" && # nobody can be asked
		ln -sf true "$2/root/usr/bin/mandb" && # an index of all manuals takes ten seconds
		ln -sf /dev/null "$2/root/etc/systemd/system/systemd-networkd-wait-online.service" && # there is no network to wait for
		if memory=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup) && test -n "$memory"; then
			mkdir "/sys/fs/cgroup/memory$memory/$5" && echo 0 >"/sys/fs/cgroup/memory$memory/$5/cgroup.procs"
		fi &&
		exec systemd-nspawn --quiet --register=no --keep-unit --private-network --link-journal=no --notify-ready=yes --kill-signal=SIGRTMIN+4 \
			--bind="$3" --overlay="$4::$4" --directory="$2/root" --boot systemd.unit=basic.target`
	// The engine measures what its cgroup takes: the tests must not be in it.
	group := "fotspor-machine-" + strconv.Itoa(os.Getpid())
	ctx, cancel := context.WithCancel(context.Background())
	var console bytes.Buffer
	c := exec.CommandContext(ctx, "unshare", "--mount", "--fork", "--kill-child=SIGKILL", "sh", "-c", script, "sh", "/", over, dist, checkout, group)
	c.Env = append(os.Environ(), "NOTIFY_SOCKET="+notify)
	c.Stdout, c.Stderr = &console, &console
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, dir: dist, checkout: checkout}
	t.Cleanup(func() {
		// Its systemd outlives systemd-nspawn, and all others in it end with its systemd.
		if id, err := strconv.Atoi(m.leader); err == nil {
			if err := unix.Kill(id, unix.SIGKILL); err != nil {
				t.Errorf("end the machine: %v", err)
			}
		}
		cancel()
		_ = c.Wait() // it was killed
		groups, err := filepath.Glob("/sys/fs/cgroup/memory/*/*/" + group)
		more, err2 := filepath.Glob("/sys/fs/cgroup/memory/" + group)
		if err := errors.Join(err, err2); err != nil {
			t.Error(err)
		}
		for _, dir := range append(groups, more...) {
			look := time.NewTicker(10 * time.Millisecond)
			for range 500 { // its last processes end
				if os.Remove(dir) == nil {
					break
				}
				<-look.C
			}
			look.Stop()
		}
	})
	if err := ready.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	message := make([]byte, 4096)
	for started := false; !started; {
		n, err := ready.Read(message)
		if err != nil {
			cancel()
			_ = c.Wait()
			t.Fatalf("the machine did not start: %v\n%s", err, console.Bytes())
		}
		for line := range strings.Lines(string(message[:n])) {
			line = strings.TrimSpace(line)
			if id, ok := strings.CutPrefix(line, "X_NSPAWN_LEADER_PID="); ok {
				m.leader = id
			}
			started = started || line == "READY=1"
		}
	}
	return m
}

// need skips the test where a machine can't be started, and fails where nothing may be skipped.
func need(t *testing.T) {
	t.Helper()
	missing := ""
	for _, tool := range []string{"systemd-nspawn", "systemctl", "unshare", "nsenter", "dpkg", "apt-get", "rpm", "git", "bash", "ssh-keygen"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing = tool + " is not installed"
		}
	}
	if os.Getuid() != 0 {
		missing = "only root may start a machine"
	}
	probe := `mkdir "$1/upper" "$1/work" "$1/root" && mount -t overlay overlay -o lowerdir=/,upperdir="$1/upper",workdir="$1/work" "$1/root" && mount -t proc proc "$1/root/proc"`
	switch {
	case missing == "":
		if out, err := exec.Command("unshare", "--mount", "--pid", "--fork", "sh", "-c", probe, "sh", t.TempDir()).CombinedOutput(); err != nil {
			t.Skipf("SKIPPED: this machine lets root make no other, as in many containers: %v: %s; packages were not installed", err, out)
		}
	case os.Getenv("CI") == "true":
		t.Fatal(missing)
	default:
		t.Skip("SKIPPED: " + missing + "; packages were not installed")
	}
}

// try runs a script in the machine and returns what it wrote. sudo is the script's own: it
// runs as root.
func (m *machine) try(script string) (string, error) {
	c := exec.Command("nsenter", "--target", m.leader, "--all", "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root", "DEBIAN_FRONTEND=noninteractive", "LANG=C.UTF-8", "timeout", "120", "bash", "-e", "-o", "pipefail", "-c", "sudo() { \"$@\"; }; cd "+strconv.Quote(m.dir)+"\n"+script)
	out, err := c.CombinedOutput()
	return string(out), err
}

// run is try for a script that must succeed.
func (m *machine) run(script string) string {
	m.t.Helper()
	began := time.Now()
	out, err := m.try(script)
	if err != nil {
		m.t.Fatalf("%s\n%v\n%s\n%s", script, err, out, m.journal())
	}
	if testing.Verbose() {
		m.t.Logf("%.1fs %s\n%s", time.Since(began).Seconds(), script, out)
	}
	return out
}

// is runs a script and compares what it writes to standard output.
func (m *machine) is(want, script string) {
	m.t.Helper()
	if got := strings.TrimSpace(m.run("{ " + script + "\n} 2>/dev/null")); got != want {
		m.t.Errorf("%s\n got %q, want %q\n%s", script, got, want, m.journal())
	}
}

func (m *machine) journal() string {
	out, _ := m.try("journalctl --unit fotspor --unit fotspor-backup --no-pager --output cat --lines 30")
	return out
}

// client returns a client of HTTP in the network of the machine.
func (m *machine) client() *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			type result struct {
				conn net.Conn
				err  error
			}
			done := make(chan result)
			go func() {
				// The thread is in the other network from here on, and ends with the goroutine.
				runtime.LockOSThread()
				namespace, err := os.Open("/proc/" + m.leader + "/ns/net")
				if err == nil {
					defer namespace.Close()
					err = unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET)
				}
				if err != nil {
					done <- result{err: fmt.Errorf("enter the network of the machine: %w", err)}
					return
				}
				conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
				done <- result{conn, err}
			}()
			r := <-done
			return r.conn, r.err
		},
	}}
}
