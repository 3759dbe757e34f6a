package cli_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// inFile writes a file of settings and returns its path.
func inFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fotspor.toml")
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// TestOrigins: of flag, environment and file the first wins, and config show says which.
func TestOrigins(t *testing.T) {
	file := inFile(t, `
retention = "1y"
rate-limit = 7
demo = true
trusted-proxies = ["10.0.0.0/8", "127.0.0.1"]
log-format = "json"
listen = ""
`)
	out, errs, status := commandIn(t, []string{"FOTSPOR_RETENTION=2y", "FOTSPOR_LOG_FORMAT="}, "",
		"config", "show", "--json", "--config", file, "--rate-limit", "9")
	if status != 0 {
		t.Fatalf("config show: status %d, %q", status, errs)
	}
	want := map[string][2]string{
		"retention":       {"2y", "FOTSPOR_RETENTION"},
		"rate-limit":      {"9", "--rate-limit"},
		"demo":            {"true", file + ": demo"},
		"trusted-proxies": {"10.0.0.0/8,127.0.0.1/32", file + ": trusted-proxies"},
		"log-format":      {"json", file + ": log-format"},
		"listen":          {"127.0.0.1:8080", "default"},
		"store":           {"", "default"},
	}
	for lines := json.NewDecoder(strings.NewReader(out)); lines.More(); {
		var one struct{ Setting, Value, Origin string }
		must(t, lines.Decode(&one))
		if pair, ok := want[one.Setting]; ok && pair != [2]string{one.Value, one.Origin} {
			t.Errorf("%s is %q from %q, want %q", one.Setting, one.Value, one.Origin, pair)
		}
		delete(want, one.Setting)
	}
	if len(want) > 0 {
		t.Errorf("config show lacks %v", want)
	}
}

// TestSecrets: a secret is read from a file or a credential, and shown nowhere.
func TestSecrets(t *testing.T) {
	const dsn = "http://kari:hemmelig@db.example.org:8123/fotspor"
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "store"), []byte(dsn+"\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "none"), []byte("\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "bad"), []byte("htp://kari:hemmelig@x"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "long"), []byte(dsn+"?"+strings.Repeat("x", 65<<10)), 0o600))
	for name, c := range map[string]struct {
		environ []string
		file    string
		want    string // where it comes from, or part of the error
		status  int
	}{
		"variable":       {environ: []string{"FOTSPOR_STORE=" + dsn}, want: "FOTSPOR_STORE"},
		"file":           {environ: []string{"FOTSPOR_STORE_FILE=" + dir + "/store"}, want: "FOTSPOR_STORE_FILE"},
		"credential":     {environ: []string{"CREDENTIALS_DIRECTORY=" + dir}, want: "credential store"},
		"settings":       {file: "store = '" + dsn + "'", want: ": store"},
		"file first":     {environ: []string{"FOTSPOR_STORE_FILE=" + dir + "/store"}, file: "store = 'http://x/y'", want: "FOTSPOR_STORE_FILE"},
		"two":            {environ: []string{"FOTSPOR_STORE=" + dsn, "FOTSPOR_STORE_FILE=" + dir + "/store"}, want: "want one of them", status: 2},
		"missing":        {environ: []string{"FOTSPOR_STORE_FILE=" + dir + "/nowhere"}, want: "nowhere", status: 2},
		"empty":          {environ: []string{"FOTSPOR_STORE_FILE=" + dir + "/none"}, want: "is empty", status: 2},
		"too long":       {environ: []string{"FOTSPOR_STORE_FILE=" + dir + "/long"}, want: "more than 64KiB", status: 2},
		"bad":            {environ: []string{"FOTSPOR_STORE_FILE=" + dir + "/bad"}, want: "want clickhouse://", status: 2},
		"bad in file":    {file: "store = 'htp://kari:hemmelig@x'", want: "want clickhouse://", status: 2},
		"no TOML":        {file: "store = http://kari:hemmelig@x", want: "line 1: not TOML", status: 2},
		"no TOML, two":   {file: "demo = true\nstore = '''\nhttp://kari:hemmelig@x", want: "not TOML", status: 2},
		"list of places": {file: "store = [['hemmelig']]", want: "want a list of texts", status: 2},
		"number":         {file: "retention = 3", want: `"3"`, status: 2},
		"unknown key":    {file: "retentoin = '3y'\ndry-run = true", want: "no setting: dry-run; ", status: 2},
		"config":         {file: "config = '/x'", want: "no setting: config", status: 2},
		"date":           {file: "retention = 2026-01-01", want: "retention: want a text", status: 2},
		"commas":         {file: "trusted-proxies = ['10.0.0.0/8,::/0']", want: "without commas", status: 2},
		"several":        {file: "retention = '3x'\nlisten = '8080'", environ: []string{"FOTSPOR_RECORD=all"}, want: `"all"`, status: 2},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"config", "show"}
			if c.file != "" {
				args = append(args, "--config", inFile(t, c.file))
			}
			out, errs, status := commandIn(t, c.environ, "", args...)
			said := out
			if c.status != 0 {
				said = errs
			}
			if status != c.status || !strings.Contains(said, c.want) || strings.Contains(out+errs, "hemmelig") || c.status != 0 && strings.Count(errs, "\n") != 1 {
				t.Errorf("status %d, %q, %q, want %d and %q", status, out, errs, c.status, c.want)
			}
			if c.status == 0 && !strings.Contains(out, "(hidden)") {
				t.Errorf("no store in %q", out)
			}
		})
	}
	_, errs, _ := commandIn(t, nil, "", "config", "check", "--config", inFile(t, "retention = '3x'\nlisten = '8080'"))
	for _, name := range []string{"retention", "listen"} {
		if !strings.Contains(errs, ": "+name+"=") {
			t.Errorf("config check says %q, which lacks %s", errs, name)
		}
	}
	open := inFile(t, "demo = true")
	must(t, os.Chmod(open, 0o666))
	if _, errs, status := command(t, "", "config", "check", "--config", open); status != 1 || !strings.Contains(errs, "refused") {
		t.Errorf("a file that everybody may change: status %d, %q", status, errs)
	}
}

// TestFileReachesCommands: a command finds the store of the file.
func TestFileReachesCommands(t *testing.T) {
	data := t.TempDir()
	file := inFile(t, "data = '"+data+"'\nname = 'x'\n")
	if _, errs, status := command(t, "", "site", "add", "--host", "example.org", "--create", "--config", file); status != 2 || !strings.Contains(errs, "no setting: name") {
		t.Errorf("an argument in the file: status %d, %q", status, errs)
	}
	file = inFile(t, "data = '"+data+"'\n")
	if out, errs, status := commandIn(t, []string{"FOTSPOR_CONFIG=" + file}, "", "site", "add", "--host", "example.org", "--create", "--quiet"); out != "1\n" || status != 0 {
		t.Errorf("site add: %q, %q, status %d", out, errs, status)
	}
	if out, errs, _ := command(t, "", "site", "list", "--config", file); !strings.Contains(out, "example.org") {
		t.Errorf("site list: %q, %q", out, errs)
	}
}

// TestHealthcheck asks a program that lives, one that does not, and none.
func TestHealthcheck(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(status)
		w.Write([]byte("ok\n"))
	}))
	defer server.Close()
	addr := server.Listener.Addr().String()
	if out, errs, code := command(t, "", "healthcheck", "--metrics-listen", addr); code != 0 || out != "ok\n" {
		t.Errorf("status %d, %q, %q", code, out, errs)
	}
	status = http.StatusServiceUnavailable
	if _, errs, code := command(t, "", "healthcheck", "--metrics-listen", addr); code != 1 || !strings.Contains(errs, "503") {
		t.Errorf("status %d, %q", code, errs)
	}
	server.Close()
	if _, errs, code := command(t, "", "healthcheck", "--metrics-listen", addr); code != 1 || strings.Count(errs, "\n") != 1 {
		t.Errorf("status %d, %q", code, errs)
	}
}

// TestHelpOfGroups: help of a command, of a group, and the version as a flag.
func TestHelpOfGroups(t *testing.T) {
	for args, want := range map[string][]string{
		"help site add":     {"--host", "--timezone"},
		"help serve":        {"--listen"},
		"serve --help":      {"--listen"},
		"help user":         {"user add NAME", "user remove NAME"},
		"user --help":       {"user add NAME", "user remove NAME"},
		"--help user":       {"user add NAME"},
		"help":              {"serve", "user add NAME"},
		"--version":         {"fotspor ", "engine "},
		"help retention":    {"--audit-retention"},
		"completion --help": {"SHELL"},
	} {
		out, errs, status := command(t, "", strings.Fields(args)...)
		for _, text := range want {
			if status != 0 || errs != "" || !strings.Contains(out, text) {
				t.Errorf("%s: status %d, %q, and %q lacks %q", args, status, errs, out, text)
			}
		}
	}
	if out, _, _ := command(t, "", "help", "user"); strings.Contains(out, "site add") {
		t.Errorf("help user: %q", out)
	}
	for _, args := range []string{"help nothing", "user nothing --help", "user"} {
		if _, errs, status := command(t, "", strings.Fields(args)...); status != 2 || !strings.Contains(errs, "unknown command") {
			t.Errorf("%s: status %d, %q", args, status, errs)
		}
	}
}

// TestCompletion asks bash what it would complete.
func TestCompletion(t *testing.T) {
	script, _, status := command(t, "", "completion", "bash")
	if status != 0 {
		t.Fatal(status)
	}
	for line, want := range map[string]string{
		"fotspor si":                   "site",
		"fotspor site ":                "add edit list",
		"fotspor retention r":          "run",
		"fotspor site add --host":      "--host --hosts",
		"fotspor retention --conf":     "--config",
		"fotspor retention run --conf": "--config --confirm",
		"fotspor serve --lis":          "--listen",
		"fotspor help":                 "help",
	} {
		words := strings.Split(line, " ")
		test := script + "\nCOMP_WORDS=(" + strings.Join(words[:len(words)-1], " ") + " '" + words[len(words)-1] + "')\nCOMP_CWORD=$((${#COMP_WORDS[@]}-1))\n" +
			"_fotspor fotspor '" + words[len(words)-1] + "'\necho \"${COMPREPLY[*]}\"\n"
		out, err := exec.CommandContext(t.Context(), "bash", "-c", test).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%q completes to %q, %v, want %q", line, got, err, want)
		}
	}
	for _, shell := range []string{"zsh", "fish"} {
		if out, _, status := command(t, "", "completion", shell); status != 0 || !strings.Contains(out, "trusted-proxies") {
			t.Errorf("%s: status %d, %q", shell, status, out)
		}
	}
	if _, errs, status := command(t, "", "completion", "csh"); status != 2 || !strings.Contains(errs, `"csh"`) {
		t.Errorf("csh: status %d, %q", status, errs)
	}
}

// TestShippedFile: the file of settings that is shipped is good, also with all of its lines, but for
// those of a certificate, which must be there.
func TestShippedFile(t *testing.T) {
	text, err := os.ReadFile("../deploy/fotspor.toml")
	must(t, err)
	for _, text := range []string{string(text), regexp.MustCompile(`(?m)^#[a-z-]+ = `).ReplaceAllStringFunc(string(text), func(line string) string {
		if strings.HasPrefix(line, "#tls-") {
			return line
		}
		return line[1:]
	})} {
		if out, errs, status := command(t, "", "config", "check", "--config", inFile(t, text)); status != 0 || out != "the settings are good\n" {
			t.Errorf("status %d, %q, %q of\n%s", status, out, errs, text)
		}
	}
}
