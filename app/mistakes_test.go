package app_test

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/cli"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestMistakesInTheCommandLine: one line that names the mistake, and status 2.
func TestMistakesInTheCommandLine(t *testing.T) {
	junk := filepath.Join(t.TempDir(), "junk")
	must(t, os.WriteFile(junk, []byte("this is not a file of any kind\n"), 0o600))
	for _, c := range []struct {
		args string
		want string // part of the line
	}{
		{"serve --nope", "-nope"},
		{"serve --retention", "-retention"},
		{"serve --retention 3x", `"3x"`},
		{"serve --retention 0d", `"0d"`},
		{"serve --record everything", `"everything"`},
		{"serve --trusted-proxies 10.0.0.0/8,somewhere", `"somewhere"`},
		{"serve --log-format xml", `"xml"`},
		{"serve --durability hopeful", `"hopeful"`},
		{"serve --rate-limit -1", "-1"},
		{"serve --rate-limit lots", `"lots"`},
		{"serve --visit-memory lots", `"lots"`},
		{"serve --visit-memory 0", `"0"`},
		{"serve --visit-memory 8000KiB", "want 8 MiB or more"},
		{"serve --max-visitors 1000", "-max-visitors"},
		{"spool retry", "SEGMENT"},
		{"serve --engine-memory lots", `"lots"`},
		{"serve --engine-memory -1", "-1"},
		{"serve --public-url stats.example.org", `"stats.example.org"`},
		{"serve --public-url https://example.org/path", `"https://example.org/path"`},
		{"serve extra", `"extra"`},
		{"serve --listen=", "listen"},
		{"serve --listen nope", `"nope"`},
		{"serve --listen 127.0.0.1:99999", `"127.0.0.1:99999"`},
		{"serve --listen 127.0.0.1:-1", `"127.0.0.1:-1"`},
		{"serve --listen 127.0.0:80", `"127.0.0:80"`},
		{"serve --listen 256.0.0.1:80", `"256.0.0.1:80"`},
		{"serve --listen ::1:80", `"::1:80"`},
		{"serve --metrics-listen nope", `"nope"`},
		{"collector --listen nope", `"nope"`},
		{"dashboard --listen nope", `"nope"`},
		{"dashboard --metrics-listen 127.0.0.1:99999", `"127.0.0.1:99999"`},
		{"retention --metrics-listen nope", `"nope"`},
		{"engine --listen 127.0.0.1:99999", `"127.0.0.1:99999"`},
		{"serve --geo /nowhere/city.mmdb", "/nowhere/city.mmdb"},
		{"serve --geo " + junk, junk},
		{"dashboard --geo " + junk, junk},
		{"serve --geo " + filepath.Dir(junk), filepath.Dir(junk)},
		{"serve --sources /nowhere", "/nowhere"},
		{"collector --sources " + junk, junk},
		{"serve --referrer-spam /nowhere", "/nowhere"},
		{"collector --referrer-spam " + junk, junk},
		{"sreve", `"sreve"`},
		{"site", `"site"`},
		{"site remove", `"site remove"`},
		{"site add", "--host"},
		{"site add --host https://example.org/", `"https://example.org/"`},
		{"site add --host example.org:8080", `"example.org:8080"`},
		{"site add --host blå+bær/.no", `"blå+bær/.no"`},
		{"site add --host xn--zzzzzzz99.example", `"xn--zzzzzzz99.example"`},
		{"site add --host example.org,*.", `"*."`},
		{"site add --host example.org --trailing-slash drop", `"drop"`},
		{"site add --host example.org --ignore-referrers https://login.example.no/", `"https://login.example.no/"`},
		{"site add --host example.org --ignore-referrers none,login.example.no", `"none"`},
		{"site add --host example.org --search-parameters q=", `"q="`},
		{"site add --host example.org --search-category-parameters a&b", `"a&b"`},
		{"site add --host example.org --search-count-parameters a/b", `"a/b"`},
		{"site add --host example.org --timezone Mars/Olympus", `"Mars/Olympus"`},
		{"site add --host example.org --policy everything", `"everything"`},
		{"site add --host example.org --exclude admin", `"admin"`},
		{"site add --host example.org --parameters a&b", `"a&b"`},
		{"site add --host *.example.org", `"*.example.org"`},
		{"site edit", "ID"},
		{"site edit one", `"one"`},
		{"token add", "--site"},
		{"token add --site 0", `"0"`},
		{"token add --site 1,all", `"all"`},
		{"token remove", "ID"},
		{"user add", "NAME"},
		{"user add kari --role root", `"root"`},
		{"user add kari --sites one", `"one"`},
		{"user add unknown", `"unknown"`},
		{"user password", "NAME"},
		{"user role kari", "ROLE"},
		{"user role kari root", `"root"`},
		{"user sites kari", "SITES"},
		{"user sites kari ,", `","`},
		{"user sites kari 1,all", `"all"`},
		{"user remove", "NAME"},
		{"audit --since soon", `"soon"`},
		{"audit --format xml", `"xml"`},
		{"serve --audit-retention 11y", "11y"},
		{"retention run --audit-retention 0d", `"0d"`},
		{"query", "SQL"},
		{"access", "--ip"},
		{"access --ip nowhere", "nowhere"},
		{"erase --ip 192.0.2.1 --from yesterday", `"yesterday"`},
		{"retention run --at soon", `"soon"`},
		{"retention run --at 2999-01-01", "only --dry-run"},
		{"retention run --confirm yes", `"yes"`},
		{"engine --listen 0.0.0.0:0", `"0.0.0.0:0"`},
		{"engine --listen nowhere", `"nowhere"`},
		{"version --verbose", "-verbose"},
	} {
		args := strings.Split(c.args, " ")
		data := filepath.Join(t.TempDir(), "data")
		if args[0] != "version" {
			args = append(args, "--data", data)
		}
		_, stderr, status := command(t, testPassword, args...)
		if status != 2 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: status %d, %q, want 2 and one line that names %s", c.args, status, stderr, c.want)
		}
		if _, err := os.Stat(data); err == nil {
			t.Errorf("%s: made a data directory before it saw the mistake", c.args)
		}
	}
}

// onStore are the commands that take --data and --store.
var onStore = append([][]string{{"serve"}, {"collector"}, {"dashboard"}, {"retention"}, {"migrate"}, {"spool", "list"}, {"spool", "retry", "x"}, {"spool", "drop", "x"}}, asking...)

// TestMistakesOfPlaces: a place that can't be one is a mistake in the command line of
// every command, whether a flag or the environment has it, and no password is shown.
func TestMistakesOfPlaces(t *testing.T) {
	for _, args := range append(onStore, []string{"engine"}) {
		t.Chdir(t.TempDir())
		type mistake struct {
			args, env []string
			want      string
		}
		mistakes := []mistake{{args: []string{"--data", ""}, want: "data"}}
		if args[0] != "engine" {
			mistakes = append(mistakes,
				mistake{args: []string{"--store", "htp://kari:hemmelig@x"}, want: "htp://"},
				mistake{args: []string{"--store", "localhost:9000"}, want: "want clickhouse://"},
				mistake{env: []string{"FOTSPOR_STORE=htp://kari:hemmelig@x"}, want: "htp://"},
				mistake{env: []string{"FOTSPOR_STORE=http://kari:hemmelig@x:y/"}, want: "not a URL"})
		}
		for _, c := range mistakes {
			cmd := process(t, append(args, c.args...)...)
			cmd.Env = append(cmd.Env, c.env...)
			out, _ := cmd.CombinedOutput()
			if status := cmd.ProcessState.ExitCode(); status != 2 || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), c.want) || strings.Contains(string(out), "hemmelig") {
				t.Errorf("%v with %v%v: status %d, %q, want 2 and one line with %s", args, c.args, c.env, status, out, c.want)
			}
		}
		if made, err := os.ReadDir("."); err != nil || len(made) > 0 {
			t.Errorf("%v made %v, %v", args, made, err)
		}
	}
}

// TestEnvironment: each flag has a twin there, a flag given wins, and a mistake in
// it names the variable.
func TestEnvironment(t *testing.T) {
	cmd := process(t, "serve")
	cmd.Env = append(cmd.Env, "FOTSPOR_TRUSTED_PROXIES=somewhere")
	out, _ := cmd.CombinedOutput()
	if !strings.Contains(string(out), "FOTSPOR_TRUSTED_PROXIES") || cmd.ProcessState.ExitCode() != 2 {
		t.Errorf("a mistake in the environment: %q, status %d", out, cmd.ProcessState.ExitCode())
	}
	data := t.TempDir()
	cmd = process(t, "site", "add", "--host", "example.org", "--data", data, "--quiet", "--create")
	cmd.Env = append(cmd.Env, "FOTSPOR_DATA="+filepath.Join(data, "elsewhere"), "FOTSPOR_NAME=Navn")
	if out, err := cmd.Output(); err != nil || string(out) != "1\n" {
		t.Fatalf("site add: %q, %v", out, err)
	}
	cmd = process(t, "site", "list")
	cmd.Env = append(cmd.Env, "FOTSPOR_DATA="+data)
	if out, err := cmd.Output(); err != nil || !strings.Contains(string(out), "Navn") {
		t.Errorf("site list by the environment: %q, %v", out, err)
	}
}

// TestHelp: every command explains itself and its flags.
func TestHelp(t *testing.T) {
	out, _, status := command(t, "", "help")
	if status != 0 {
		t.Errorf("help: status %d", status)
	}
	for _, name := range []string{"serve", "collector", "dashboard", "retention", "retention run", "engine", "migrate", "site add", "site edit", "site list", "token add", "token list", "token remove", "spool list", "spool retry", "spool drop", "user add", "user list", "user password", "user role", "user sites", "user remove", "audit", "query", "access", "erase", "version"} {
		if !strings.Contains(out, "  "+name+" ") {
			t.Errorf("help does not name %q", name)
		}
		out, errs, status := command(t, "", append(strings.Fields(name), "--help")...)
		if status != 0 || errs != "" || !strings.Contains(out, "fotspor "+name) {
			t.Errorf("%s --help: status %d, %q, %q", name, status, out, errs)
		}
	}
	if out, _, status := command(t, "", "version"); status != 0 || !strings.HasPrefix(out, "fotspor ") || !strings.Contains(out, cli.EngineVersion) {
		t.Errorf("version: %q, status %d", out, status)
	}
	pinned, err := os.ReadFile("../package.json")
	if err != nil || !strings.Contains(string(pinned), `"`+cli.EngineVersion+`"`) {
		t.Errorf("package.json pins another engine than %s", cli.EngineVersion)
	}
}

// TestWhatIsNotThere: what a machine lacks, or another process has, is said in one
// line, and nothing is lost.
func TestWhatIsNotThere(t *testing.T) {
	library := storetest.Library(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	notLibrary := filepath.Join(t.TempDir(), "libchdb.so")
	if err := os.WriteFile(notLibrary, []byte("this is not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	noDir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(noDir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	forAll := filepath.Join(t.TempDir(), "list")
	must(t, os.WriteFile(forAll, nil, 0o600), os.Chmod(forAll, 0o666))
	made := t.TempDir()
	if out, errs, status := command(t, "", "migrate", "--data", made); status != 0 || !strings.Contains(out, made) {
		t.Fatalf("migrate: %q, %q, status %d", out, errs, status)
	}
	serve := []string{"serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"port in use":         {[]string{"serve", "--metrics-listen", "127.0.0.1:0", "--data", t.TempDir(), "--listen", taken.Addr().String()}, taken.Addr().String()},
		"metrics port in use": {[]string{"serve", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--metrics-listen", taken.Addr().String()}, taken.Addr().String()},
		"engine port in use":  {[]string{"engine", "--data", t.TempDir(), "--listen", taken.Addr().String()}, taken.Addr().String()},
		"no library":          {append(serve, "--data", t.TempDir(), "--engine", "/nowhere/libchdb.so"), "/nowhere/libchdb.so"},
		"no library to load":  {append(serve, "--data", t.TempDir(), "--engine", notLibrary), notLibrary},
		"data is a file":      {append(serve, "--data", noDir), noDir},
		"region file refused": {append(serve, "--data", t.TempDir(), "--engine", library, "--geo", forAll), forAll},
		"spam file refused":   {append(serve, "--data", t.TempDir(), "--engine", library, "--referrer-spam", forAll), forAll},
		"store not there":     {append(serve, "--data", t.TempDir(), "--store", "http://127.0.0.1:1/x"), "127.0.0.1:1"},
		"SQL with a mistake":  {[]string{"query", "SELECT footprints FROM hits", "--data", made}, "footprints"},
		"SQL that writes":     {[]string{"query", "DROP TABLE hits", "--data", made}, "readonly"},
		"password too short":  {[]string{"user", "add", "kari", "--data", made}, "password"},
		"password, no store":  {[]string{"user", "add", "kari", "--data", t.TempDir()}, "there is no store"},
		"password, no user":   {[]string{"user", "password", "kari", "--data", made}, `"kari"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, stderr, status := command(t, "kort\n", c.args...)
			lines := strings.Split(strings.TrimSpace(stderr), "\n")
			last := lines[len(lines)-1]
			if status != 1 || !strings.Contains(last, c.want) || !strings.HasPrefix(last, "fotspor ") {
				t.Errorf("status %d, %q, want 1 and a last line that names %s", status, stderr, c.want)
			}
			if (strings.Contains(name, "port") || strings.Contains(name, "refused")) && len(lines) != 1 {
				t.Errorf("%q, want the cause alone", stderr)
			}
			if strings.Contains(stderr, "goroutine ") {
				t.Errorf("the error tells too much: %s", stderr)
			}
		})
	}
}

// TestDamagedData: a data directory that a bad disk or hand has been at is told of.
// TestServeWithoutEngine has what serve does then.
func TestDamagedData(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	p := start(t, time.Now(), func(o *app.Options) { o.Now = time.Now; o.Demo = true })
	p.stop()
	damaged := 0
	err := filepath.WalkDir(filepath.Join(p.opts.Data, "clickhouse"), func(name string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".sql") && strings.Contains(name, "hits") {
			damaged++
			return os.WriteFile(name, []byte("ATTACH TABLE nonsense"), 0o600)
		}
		return err
	})
	if err != nil || damaged == 0 {
		t.Fatalf("no table definition to damage: %v", err)
	}
	_, stderr, status := command(t, "", "site", "list", "--data", p.opts.Data)
	if status != 1 || !strings.Contains(stderr, p.opts.Data) || strings.Contains(stderr, "panic") {
		t.Errorf("damaged tables: status %d, %q", status, stderr)
	}
}

// TestLockedData: a second program on the same data directory is refused and does
// not disturb the first.
func TestLockedData(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	p := start(t, time.Now(), func(o *app.Options) { o.Now = time.Now; o.Demo = true })
	_, stderr, status := command(t, "", "serve", "--data", p.opts.Data, "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0")
	if status != 1 || !strings.Contains(stderr, filepath.Join(p.opts.Data, "spool")) {
		t.Errorf("status %d, %q, want 1 and the directory", status, stderr)
	}
	p.get(p.metrics + "/readyz")
}

// TestOptions changes one field of good options at a time.
func TestOptions(t *testing.T) {
	good := func() app.Options {
		o := app.DefaultOptions()
		o.Collector = true
		o.Listen, o.MetricsListen = "127.0.0.1:0", "127.0.0.1:0"
		return o
	}
	for name, change := range map[string]func(*app.Options){
		"no part":         func(o *app.Options) { o.Collector = false },
		"data":            func(o *app.Options) { o.Data = "" },
		"memory":          func(o *app.Options) { o.EngineMemory = -1 },
		"demo":            func(o *app.Options) { o.Demo = true },
		"listen":          func(o *app.Options) { o.Listen = "" },
		"listen on":       func(o *app.Options) { o.Listen = "256.0.0.1:1" },
		"public URL":      func(o *app.Options) { o.PublicURL = "ftp://example.org" },
		"body memory":     func(o *app.Options) { o.BodyMemory = 1 << 20 },
		"visit memory":    func(o *app.Options) { o.VisitMemory = -1 },
		"visit memory 1":  func(o *app.Options) { o.VisitMemory = 1 << 20 },
		"spool":           func(o *app.Options) { o.SpoolBytes = -1 },
		"logger":          func(o *app.Options) { o.Logger = nil },
		"record":          func(o *app.Options) { o.Policy.Record = "all" },
		"retention":       func(o *app.Options) { o.Policy.Retention = privacy.Period{} },
		"IPv4 address":    func(o *app.Options) { o.Policy.Bits4 = 25 },
		"IPv6 address":    func(o *app.Options) { o.Policy.Bits6 = 64 },
		"metrics: listen": func(o *app.Options) { o.MetricsListen = "" },
	} {
		o := good()
		change(&o)
		err := app.Run(t.Context(), o)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, word := range strings.Fields(strings.TrimPrefix(name, "metrics: ")) {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: the error %q does not name %q", name, err, word)
			}
		}
	}
}
