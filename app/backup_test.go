package app_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
)

// TestBackups backs up a program under load, which loses no hit by it, and restores backups and
// moves the store: rows and totals agree in each, and a page of the dashboard shows the same.
func TestBackups(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	t.Parallel() // it waits
	data, backups := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "backups")
	must := func(args ...string) string {
		t.Helper()
		out, errs, status := command(t, testPassword+"\n", args...)
		if status != 0 {
			t.Fatalf("%v: %q, %q, status %d", args, out, errs, status)
		}
		return out
	}
	must("site", "add", "--host", "example.org", "--quiet", "--create", "--data", data)
	must("user", "add", "kari", "--role", "admin", "--data", data)
	listening := []string{"--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--trusted-proxies", "127.0.0.1"}
	run := func(part string, at ...string) *service {
		return serve(t, append(append([]string{part}, at...), listening...)...)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Jar: jar, Transport: transport}
	// The sums of rows and of each rollup, which are one number if nothing is torn.
	sums := func(at ...string) string {
		t.Helper()
		return strings.TrimSpace(must(append([]string{"query", `SELECT (SELECT sum(pageviews) FROM hits), (SELECT sum(pageviews) FROM hourly), (SELECT sum(pageviews) FROM cube),
			(SELECT sum(pageviews) FROM daily WHERE dimension = 'total'), (SELECT sum(pageviews) FROM monthly WHERE dimension = 'total')`}, at...)...))
	}
	page := func(s *service) string {
		t.Helper()
		logIn(t, client, s.public, "kari")
		today := time.Now().UTC().Format(time.DateOnly)
		return get(t, client, s.public+"/sites/1.json?period=range&from="+time.Now().UTC().AddDate(0, 0, -3).Format(time.DateOnly)+"&to="+today)
	}

	running := run("serve", "--data", data)
	stop, sent := make(chan struct{}), make(chan int)
	go func() {
		p := &program{t: t, public: running.public, client: &http.Client{Transport: transport}}
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-stop:
				sent <- n
				return
			case <-tick.C:
				p.send(sent1(n))
			}
		}
	}()
	for range 2 {
		must("backup", backups, "--data", data)
	}
	close(stop)
	n := <-sent
	all := fmt.Sprint(n)
	whole := strings.Join([]string{all, all, all, all, all}, "\t")
	await(t, "all hits", func() error {
		if got := sums("--data", data); got != whole {
			return fmt.Errorf("sums %q, want %q", got, whole)
		}
		return nil
	})
	must("backup", backups, "--data", data)
	before := page(running)
	running.stop()

	made, err := filepath.Glob(filepath.Join(backups, "fotspor-*"))
	if err != nil || len(made) != 3 {
		t.Fatalf("backups are %q, %v", made, err)
	}
	for _, dir := range made[:2] {
		to := filepath.Join(t.TempDir(), "data")
		must("restore", dir, "--data", to)
		got := strings.Split(sums("--data", to), "\t")
		for _, sum := range got {
			if sum != got[0] {
				t.Errorf("%s is torn: %q", dir, got)
			}
		}
	}
	restored := filepath.Join(t.TempDir(), "data")
	must("restore", backups, "--data", restored) // the newest
	if _, errs, status := command(t, "", "restore", backups, "--data", restored); status != 1 || !strings.Contains(errs, "there is a store in") {
		t.Errorf("a second restore: %q, status %d", errs, status)
	}
	running = run("serve", "--data", restored)
	if got := page(running); got != before {
		t.Errorf("the page after a restore is\n%s\nwant\n%s", got, before)
	}
	if _, errs, status := command(t, "", "restore", backups, "--data", restored); status != 1 || !strings.Contains(errs, "there is a store in") {
		t.Errorf("a restore beside a running program: %q, status %d", errs, status)
	}

	// To a server, and back from a backup of the server.
	engineData := t.TempDir()
	engine := serve(t, "engine", "--listen", "127.0.0.1:0", "--data", engineData)
	dsn := engineDSN(t, strings.TrimPrefix(engine.public, "http://"), engineData, "footprints")
	where, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := where.User.Password()
	if _, errs, status := command(t, "", "move", "--to", dsn, "--data", restored); status != 1 || !strings.Contains(errs, "stop the program first") {
		t.Errorf("a move beside a running program: %q, status %d", errs, status)
	}
	p := &program{t: t, public: running.public, client: client}
	p.send(sent1(n))
	running.kill() // a hit waits in the spool
	if out := must("move", "--to", dsn, "--data", restored); !strings.Contains(out, fmt.Sprintf("hits: %d rows\n", n+1)) || strings.Contains(out, password) {
		t.Errorf("move says %q", out)
	}
	all = fmt.Sprint(n + 1)
	if got, want := sums("--store", dsn), strings.Join([]string{all, all, all, all, all}, "\t"); got != want {
		t.Errorf("the sums on the server are %q, want %q", got, want)
	}
	if _, errs, status := command(t, "", "move", "--to", dsn, "--data", restored); status != 1 || !strings.Contains(errs, "is not empty") {
		t.Errorf("a second move: %q, status %d", errs, status)
	}
	moved := run("dashboard", "--store", dsn, "--data", filepath.Join(t.TempDir(), "none"))
	after := page(moved)
	moved.stop()
	fromServer, aside := filepath.Join(t.TempDir(), "backups"), filepath.Join(t.TempDir(), "aside")
	must("backup", fromServer, "--store", dsn, "--data", aside)
	back := filepath.Join(t.TempDir(), "data")
	must("restore", fromServer, "--data", back)
	running = run("serve", "--data", back)
	if got := page(running); got != after {
		t.Errorf("the page after a restore of a server's backup is\n%s\nwant\n%s", got, after)
	}
	if out := must("upgrade", "--check", "--data", back); !strings.Contains(out, "\nyes: ") {
		t.Errorf("upgrade --check beside a running program says %q", out)
	}
	running.stop()
	must("restore", fromServer, "--store", strings.Replace(dsn, "footprints", "second", 1), "--data", aside)
	if got, want := sums("--store", strings.Replace(dsn, "footprints", "second", 1)), sums("--store", dsn); got != want {
		t.Errorf("the sums restored to a server are %q, want %q", got, want)
	}
	backUpOlder(t, must, strings.Replace(dsn, "footprints", "older", 1))
	for _, dir := range []string{backups, fromServer, data, restored, back, aside} {
		left, err := filepath.Glob(filepath.Join(dir, "*.partial"))
		if staged, _ := os.ReadDir(filepath.Join(dir, "backups")); err != nil || len(left)+len(staged) > 0 {
			t.Errorf("left in %s: %q, %v, %v", dir, left, staged, err)
		}
	}
}

// backUpOlder backs up a server's store of the version before this one, and tries the upgrade, while
// the store stays as it is. What a newer version has changed is refused in one line.
func backUpOlder(t *testing.T, must func(...string) string, dsn string) {
	t.Helper()
	last := store.SchemaVersion()
	st, err := store.Open(t.Context(), store.Config{DSN: dsn, Create: true, Schema: last - 1})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err = st.AddSite(t.Context(), site.Site{Name: "Example", Hosts: []string{"example.org"}, Location: time.UTC}); err != nil {
		t.Fatal(err)
	}
	aside, dir, back := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "backups"), filepath.Join(t.TempDir(), "data")
	want := fmt.Sprintf("with schema %d; this program has %d\n", last-1, last)
	if out := must("upgrade", "--check", "--store", dsn, "--data", aside); !strings.Contains(out, want) || !strings.Contains(out, "\nyes: ") {
		t.Errorf("upgrade --check of an older store says %q", out)
	}
	must("backup", dir, "--store", dsn, "--data", aside)
	if had, err := st.Schema(t.Context()); had != last-1 || err != nil {
		t.Errorf("an older store has schema %d afterwards, %v", had, err)
	}
	must("restore", dir, "--data", back)
	if out := must("site", "list", "--data", back); !strings.Contains(out, "example.org") {
		t.Errorf("a restored older store has the sites %q", out)
	}
	if err := engineExec(t, dsn, "INSERT INTO migrations (number, name, state, at) VALUES (9999, '9999_future', 'begun', now())"); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"backup", dir}, {"upgrade", "--check"}} {
		if _, errs, status := command(t, "", append(args, "--store", dsn, "--data", aside)...); status != 1 || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "newer version than this program") {
			t.Errorf("%v of a newer store: status %d, %q", args, status, errs)
		}
	}
}

// sent1 is one hit of a person of many.
func sent1(n int) sent {
	return sent{addr: netip.AddrFrom4([4]byte{84, 210, byte(n >> 8), byte(n)}), agent: agents[n%len(agents)].header, page: fmt.Sprint("/side/", n%7), ref: origins[0]}
}

// TestBackupMetrics: a running program tells when the last backup was made, and whether one is
// older than the policy allows.
func TestBackupMetrics(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	p := start(t, time.Now(), nil)
	dir := filepath.Join(t.TempDir(), "backups")
	must := func(args ...string) {
		t.Helper()
		if out, errs, status := command(t, "", append(args, "--data", p.opts.Data)...); status != 0 {
			t.Fatalf("%v: %q, %q, status %d", args, out, errs, status)
		}
	}
	tells := func(newest bool, overdue int) {
		t.Helper()
		await(t, "metrics", func() error {
			text := p.get(p.metrics + "/metrics")
			if strings.Contains(text, "fotspor_backup_newest_timestamp_seconds 0\n") == newest || !strings.Contains(text, fmt.Sprintf("fotspor_backup_overdue_directories %d\n", overdue)) {
				return fmt.Errorf("want newest %t and %d overdue", newest, overdue)
			}
			return nil
		})
	}
	tells(false, 0)
	must("backup", dir)
	tells(true, 0)
	must("policy", "set", "backups=none", "--yes")
	tells(true, 1)
	must("backup", "prune", dir)
	tells(false, 0)
}

// TestBackupDocs runs each command of docs/backup.md, in its order.
func TestBackupDocs(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	t.Parallel() // it waits
	dir := t.TempDir()
	bin, data := filepath.Join(dir, "bin"), filepath.Join(dir, "data")
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(bin, name)
		if err := os.MkdirAll(bin, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	secret, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	program := process(t)
	write("fotspor", "#!/bin/sh\nexec "+program.Path+" \"$@\"\n")
	write("systemctl", "#!/bin/sh\n")
	write("age-keygen", fmt.Sprintf("#!/bin/sh\nif [ $1 = -o ]; then echo %s > $2; else echo %s; fi\n", secret, secret.Recipient()))
	engineData := t.TempDir()
	engine := serve(t, "engine", "--listen", "127.0.0.1:0", "--data", engineData)
	write("server", engineDSN(t, strings.TrimPrefix(engine.public, "http://"), engineData, "footprints"))
	for _, args := range [][]string{{"site", "add", "--host", "example.org", "--create"}, {"policy", "set", "retention=3y", "--yes"}, {"retention", "run", "--confirm", time.Now().UTC().AddDate(-3, 0, 0).Format(time.DateOnly)}} {
		if _, errs, status := command(t, "", append(args, "--data", data)...); status != 0 {
			t.Fatalf("%v: %s", args, errs)
		}
	}
	paths := strings.NewReplacer("/srv/backups", filepath.Join(dir, "backups"), "/var/lib/fotspor", data, "/etc/fotspor/server", filepath.Join(bin, "server"))
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(readDoc(t, "docs/backup.md"), -1)
	ran := 0
	for _, block := range blocks {
		for line := range strings.Lines(block[1]) {
			cmd := exec.CommandContext(t.Context(), "sh", "-c", paths.Replace(line))
			cmd.Dir, cmd.Env = dir, append(program.Env, "PATH="+bin+":"+os.Getenv("PATH"), "FOTSPOR_DATA="+data)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", strings.TrimSpace(line), err, out)
			}
			ran++
		}
	}
	if ran < 14 {
		t.Errorf("docs/backup.md has %d commands", ran)
	}
	if out, errs, _ := command(t, "", "site", "list", "--store", engineDSN(t, strings.TrimPrefix(engine.public, "http://"), engineData, "footprints"), "--data", data); !strings.Contains(out, "example.org") {
		t.Errorf("after all of them the server has the sites %q, %s", out, errs)
	}
}
