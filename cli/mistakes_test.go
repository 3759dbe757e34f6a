package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/cli"
)

// TestMistakesInTheCommandLine: one line that names the mistake, and status 2.
func TestMistakesInTheCommandLine(t *testing.T) {
	junk := filepath.Join(t.TempDir(), "junk")
	must(t, os.WriteFile(junk, []byte("this is not a file of any kind\n"), 0o600))
	texts := t.TempDir()
	must(t, os.WriteFile(filepath.Join(texts, "da.json"), []byte(`{"nav.pages": "Sider", "nav.pags": "Sider"}`), 0o600))
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
		{"serve --visit-memory 8000KiB", "want 8MiB or more"},
		{"serve --max-visitors 1000", "-max-visitors"},
		{"spool retry", "SEGMENT"},
		{"serve --engine-memory lots", `"lots"`},
		{"serve --engine-memory 10", "want 64MiB or more"},
		{"serve --spool-size 1", "want 4MiB or more"},
		{"serve --body-memory 1MiB", "want 4MiB or more"},
		{"serve --rate-limit NaN", "NaN"},
		{"serve --demo=perhaps", `"perhaps"`},
		{"serve --store postgres://x", `"postgres://x"`},
		{"serve --store https://db.example?secure=false", "db.example"},
		{"serve --store https://db.example --store-ca /nonexistent", "store-ca"},
		{"serve --store http://db.example --store-ca /nonexistent", "has no TLS"},
		{"serve --store https://db.example --store-cert a", "store-cert and store-key"},
		{"serve --tls-acme localhost", `"localhost"`},
		{"serve --tls-acme stats.example.org,*.example.org", `"*.example.org"`},
		{"serve --tls-acme 192.0.2.1", `"192.0.2.1"`},
		{"serve --tls-acme stats.example.org:443", `"stats.example.org:443"`},
		{"serve --tls-acme stats.example.org --tls-cert a --tls-key b", "tls-acme and tls-cert"},
		{"serve --tls-acme-directory http://ca.example/", "http://ca.example/"},
		{"geo update --geo-url ftp://mirror.example/a.mmdb", "ftp://mirror.example/a.mmdb"},
		{"geo update --geo-url https://mirror.example/a.zip", "that ends in .mmdb"},
		{"serve --listen 8080", `"8080"`},
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
		{"serve --engine /nowhere/libchdb.so", "/nowhere/libchdb.so"},
		{"query SELECT --engine /nowhere/libchdb.so", "/nowhere/libchdb.so"},
		{"dashboard --geo " + junk, junk},
		{"serve --geo " + filepath.Dir(junk), filepath.Dir(junk)},
		{"serve --tls-cert " + junk, "tls-key"},
		{"dashboard --tls-key " + junk, "tls-cert"},
		{"serve --tls-cert /nowhere --tls-key " + junk, "/nowhere"},
		{"collector --tls-cert " + junk + " --tls-key " + junk, junk},
		{"serve --sources /nowhere", "/nowhere"},
		{"collector --sources " + junk, junk},
		{"serve --texts /nowhere", "/nowhere"},
		{"dashboard --texts " + filepath.Dir(junk), "0 files"},
		{"serve --texts " + junk, junk},
		{"serve --texts " + texts, `da.json: text "nav.pags"`},
		{"texts nb --texts " + texts, `da.json: text "nav.pags"`},
		{"texts da", `"da"`},
		{"texts", "LANGUAGE"},
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
		{"site add --host example.org --exclude-networks 192.0.2.7", `"192.0.2.7"`},
		{"site add --host example.org --exclude-networks 192.0.2.7/32", `"192.0.2.7/32"`},
		{"site add --host example.org --tags 1,2,3,4,5,6,7,8,9,10,11", "11 tags"},
		{"site add --host *.example.org", `"*.example.org"`},
		{"site edit", "SITE"},
		{"site edit one", `"one"`},
		{"goal add 1", "NAME"},
		{"goal add 1 Takk", "--page"},
		{"goal add 1 Takk --page /a --event b", "--page"},
		{"goal add 1 Takk --page takk", `"takk"`},
		{"goal add one Takk --page /takk", `"one"`},
		{"goal remove 1", "NAME"},
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
		{"access --ip 192.0.2.1 --lang de", `"de"`},
		{"serve --audit-retention 11y", "11y"},
		{"retention run --audit-retention 0d", `"0d"`},
		{"query", "SQL"},
		{"access", "--ip"},
		{"access --ip 192.0.2.1 --text kari", "--text"},
		{"erase --text kari --path /kari", "several"},
		{"erase --text ka", `"ka"`},
		{"erase --path kari", `"kari"`},
		{"erase --pattern (", "pattern"},
		{"erase --text kari --from 2026-11-02 --to 2026-11-01", "earlier"},
		{"find", "TEXT"},
		{"find --site 1", "TEXT"},
		{"find kari --text ola", "one of them"},
		{"find kari ola", `"ola"`},
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
		if args[0] != "version" && args[0] != "texts" {
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

// TestSeveralMistakes: all mistakes of the command line, the environment and the file of settings
// are told at once, in a line, with status 2.
func TestSeveralMistakes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fotspor.toml")
	must(t, os.WriteFile(file, []byte("visit-memory = 1\nretention = '2x'\n"), 0o600))
	for _, c := range []struct {
		args string
		env  []string
		want []string
	}{
		{"serve --listen 8080 --store postgres:// --geo /nonexistent --spool-size 1 --engine-memory 10", nil, []string{"-listen", "postgres:", "/nonexistent", "-spool-size", "-engine-memory"}},
		{"collector --rate-limit -1 --trusted-proxies x --public-url ftp://x --log-format xml", nil, []string{"-rate-limit", "-trusted-proxies", "-public-url", "-log-format"}},
		{"dashboard --metrics-listen 1 --demoo", nil, []string{"-metrics-listen", "-demoo"}},
		{"retention --retention 1x --metrics-listen 99999999 extra", []string{"FOTSPOR_LOG_LEVEL=loud"}, []string{"-retention", "-metrics-listen", `"extra"`, "FOTSPOR_LOG_LEVEL"}},
		{"serve --listen 8080 --config " + file, []string{"FOTSPOR_SPOOL_SIZE=1"}, []string{"-listen", "FOTSPOR_SPOOL_SIZE", "visit-memory", `"2x"`}},
		{"erase --ip nowhere --from soon --lang de", nil, []string{"-ip", "-from", "-lang"}},
		{"retention run --at soon --dry-run=maybe", nil, []string{"-at", "-dry-run"}},
		{"engine --listen 8123 --engine-memory 1", nil, []string{"-listen", "-engine-memory"}},
		{"serve --demoo --listen 8080 -x=1 extra --nope 7 --retention 2x", nil, []string{"-demoo", `"8080"`, "-x", `"extra"`, "-nope", `"2x"`}},
		{"serve ---x --=y --listen 8080 --engine /nowhere/libchdb.so", nil, []string{"---x", "--=y", `"8080"`, "/nowhere/libchdb.so"}},
		{"site add --timezone Mars/Olympus --policy everything --nope", nil, []string{"missing --host", "Mars/Olympus", "everything", "-nope"}},
		{"site add --host example.org --ignore-referrers none,a.example --exclude admin", nil, []string{`"none"`, `"admin"`}},
		{"token add --site none --nope", nil, []string{"numbers of sites", "-nope"}},
		{"user role kari root --sites one", nil, []string{`"root"`, `"one"`}},
		{"goal add one Takk --log-level loud", nil, []string{`"one"`, "--page", `"loud"`}},
		{"erase --ip 192.0.2.1 --text kari --html --markdown --case 26/1 --received 2026-01-02 --to soon", nil, []string{"--ip and --text", "--html and --markdown", "--case and --received", `"soon"`}},
		{"find --site 1 --log-level loud", nil, []string{"TEXT", `"loud"`}},
		{"retention run --at 2999-01-01 --confirm yes", nil, []string{"only --dry-run", `"yes"`}},
		{"policy check gdpr --log-level loud", nil, []string{"want cnil", `"loud"`}},
		{"goal add --nope 1", nil, []string{"-nope", "SITE"}},
		{"policy set retention=2x bits4=40 colour=red titles backups=30d backups=7d preset=long", nil, []string{`"2x"`, `"40"`, `"colour=red"`, `"titles"`, "said twice", "preset"}},
		{"policy set retention=2x guard=-1 record=all fold=3 guard=2 --site 1", nil, []string{`"2x"`, `"-1"`, `"all"`, `"fold=3"`, "said twice"}},
	} {
		data := filepath.Join(t.TempDir(), "data")
		_, stderr, status := commandIn(t, c.env, "", append(strings.Fields(c.args), "--data", data)...)
		if status != 2 || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: status %d, %q, want 2 and one line", c.args, status, stderr)
		}
		for _, want := range c.want {
			if !strings.Contains(stderr, want) {
				t.Errorf("%s: %q, want %s", c.args, stderr, want)
			}
		}
		if _, err := os.Stat(data); err == nil {
			t.Errorf("%s: made a data directory before it saw the mistakes", c.args)
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
				mistake{args: []string{"--store", "clickhouse://kari:hemmelig@localhost:90000/x"}, want: "at most 65535"},
				mistake{args: []string{"--store", "http://"}, want: "store address"},
				mistake{env: []string{"FOTSPOR_STORE=htp://kari:hemmelig@x"}, want: "htp://"},
				mistake{env: []string{"FOTSPOR_STORE=http://kari:hemmelig@x:y/"}, want: "not a URL"})
		}
		for _, c := range mistakes {
			_, errs, status := commandIn(t, c.env, "", append(args, c.args...)...)
			if status != 2 || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, c.want) || strings.Contains(errs, "hemmelig") {
				t.Errorf("%v with %v%v: status %d, %q, want 2 and one line with %s", args, c.args, c.env, status, errs, c.want)
			}
		}
		if made, err := os.ReadDir("."); err != nil || len(made) > 0 {
			t.Errorf("%v made %v, %v", args, made, err)
		}
	}
}

// TestEnvironment: each flag has a twin in the environment, and overrides it. The error for an
// invalid value names the variable, and an unknown variable is reported.
func TestEnvironment(t *testing.T) {
	_, errs, status := commandIn(t, []string{"FOTSPOR_TRUSTED_PROXIES=somewhere"}, "", "serve")
	if !strings.Contains(errs, "FOTSPOR_TRUSTED_PROXIES") || status != 2 {
		t.Errorf("a mistake in the environment: %q, status %d", errs, status)
	}
	data := t.TempDir()
	out, errs, status := commandIn(t, []string{"FOTSPOR_DATA=" + filepath.Join(data, "elsewhere"), "FOTSPOR_NAME=Navn"}, "",
		"site", "add", "--host", "example.org", "--data", data, "--quiet", "--create")
	if out != "1\n" || errs != "" || status != 0 {
		t.Fatalf("site add: %q, %q, status %d", out, errs, status)
	}
	out, errs, _ = commandIn(t, []string{"FOTSPOR_DATA=" + data, "FOTSPOR_RETENTION=1y", "FOTSPOR_RETENTOIN=1y", "FOTSPOR_DATABASE=x"}, "", "site", "list")
	if !strings.Contains(out, "Navn") {
		t.Errorf("site list by the environment: %q", out)
	}
	if want := "fotspor site list: warning: no setting: FOTSPOR_DATABASE, FOTSPOR_RETENTOIN\nstore: " + data + "\n"; errs != want {
		t.Errorf("site list says %q, want %q", errs, want)
	}
}

// TestHelp: every command explains itself and its flags.
func TestHelp(t *testing.T) {
	out, _, status := command(t, "", "help")
	if status != 0 {
		t.Errorf("help: status %d", status)
	}
	for _, name := range []string{"serve", "collector", "dashboard", "retention", "retention run", "engine", "migrate", "site add", "site edit", "site list", "goal add", "goal list", "goal remove", "token add", "token list", "token remove", "spool list", "spool retry", "spool drop", "user add", "user list", "user password", "user role", "user sites", "user remove", "audit", "query", "find", "access", "erase", "papers", "texts", "version"} {
		if !strings.Contains(out, "  "+name+" ") {
			t.Errorf("help does not name %q", name)
		}
		out, errs, status := command(t, "", append(strings.Fields(name), "--help")...)
		if status != 0 || errs != "" || !strings.Contains(out, "fotspor "+name) {
			t.Errorf("%s --help: status %d, %q, %q", name, status, out, errs)
		}
	}
	data := t.TempDir()
	if _, errs, status := command(t, "", "migrate", "--data", data); status != 0 {
		t.Fatal(errs)
	}
	engine, _, _ := command(t, "", "query", "SELECT version()", "--data", data)
	if out, errs, status := command(t, "", "version"); status != 0 || !regexp.MustCompile(`^[0-9]+(\.[0-9]+){3}\n$`).MatchString(engine) ||
		out != "fotspor devel, commit unknown, engine package "+cli.EngineVersion+", ClickHouse "+engine {
		t.Errorf("version: %q, %q, status %d, and the engine says %q", out, errs, status, engine)
	}
	if out, errs, status := command(t, "", "version", "--engine", "/nowhere/libchdb.so"); status != 0 || !strings.HasSuffix(out, cli.EngineVersion+", which is not installed here\n") {
		t.Errorf("version without an engine: %q, %q, status %d", out, errs, status)
	}
	broken := filepath.Join(t.TempDir(), "libchdb.so")
	must(t, os.WriteFile(broken, []byte("no library"), 0o600))
	if out, errs, status := command(t, "", "version", "--engine", broken); status != 0 || !strings.HasSuffix(out, ", which does not start here\n") || !strings.HasPrefix(errs, "fotspor version: warning: load the engine ") {
		t.Errorf("version with a broken engine: %q, %q, status %d", out, errs, status)
	}
	pinned, err := os.ReadFile("../package.json")
	if err != nil || !strings.Contains(string(pinned), `"`+cli.EngineVersion+`"`) {
		t.Errorf("package.json pins another engine than %s", cli.EngineVersion)
	}
}
