package app_test

import (
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestUserCommands manages users by command while the dashboard runs, which follows at
// the next request.
func TestUserCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	p := start(t, time.Now(), nil)
	run := func(stdin string, args ...string) (stdout, stderr string) {
		t.Helper()
		out, errs, status := command(t, stdin, append(args, "--data", p.opts.Data)...)
		errs = strings.TrimPrefix(errs, "store: "+p.opts.Data+"\n") // which lists name
		if (status == 0) != (errs == "") {
			t.Errorf("%v: status %d, %q", args, status, errs)
		}
		return out, errs
	}
	must := func(stdin string, args ...string) string {
		t.Helper()
		out, errs := run(stdin, args...)
		if errs != "" {
			t.Fatalf("%v: %s", args, errs)
		}
		return out
	}
	refused := func(want, stdin string, args ...string) {
		t.Helper()
		if _, errs := run(stdin, args...); !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: %q, want one line with %q", args, errs, want)
		}
	}
	users := func(want string) {
		t.Helper()
		if got := must("", "user", "list"); got != want {
			t.Errorf("users:\n%swant:\n%s", got, want)
		}
	}
	for _, host := range []string{"one.example", "fjordvik.example"} {
		must("", "site", "add", "--quiet", "--host", host)
	}
	must(testPassword, "user", "add", "kari", "--role", "admin")
	must(testPassword, "user", "add", "ola", "--sites", "2")
	users("kari\tadmin\tall\nola\tviewer\t2\n")
	must("", "user", "sites", "ola", "2,1,2,2")
	users("kari\tadmin\tall\nola\tviewer\t1,2\n")
	must("", "user", "role", "ola", "viewer", "--sites", "none")
	users("kari\tadmin\tall\nola\tviewer\tnone\n")
	must("", "user", "role", "ola", "viewer", "--sites", "2")
	for _, args := range [][]string{ // mistakes, which change nothing
		{"user", "add", "per", "--sites", ""}, {"user", "add", "per", "--sites", " , "}, {"user", "add", "per", "--sites", "all,1"},
		{"user", "role", "ola", "viewer", "--sites", ""}, {"user", "sites", "ola", ""}, {"user", "sites", "ola", "none,1"},
		{"token", "add", "--site", "none"}, {"token", "add", "--site", ""},
		{"user", "add", "per", "--role", "admin", "--sites", "1"}, {"user", "role", "kari", "admin", "--sites", "1"},
		{"user", "role", "ola", "admin", "--sites", "none"}, {"user", "sites", "kari", "1"}, {"user", "sites", "kari", "none"},
	} {
		if _, errs, status := command(t, testPassword, append(args, "--data", p.opts.Data)...); status != 2 || strings.Count(errs, "\n") != 1 {
			t.Errorf("%q: status %d, %q, want 2 and one line", args, status, errs)
		}
	}
	users("kari\tadmin\tall\nola\tviewer\t2\n")

	refused("exists", "another "+testPassword, "user", "add", "KARI")
	refused("one script", "another "+testPassword, "user", "add", "k\u0430ri")
	refused("already", testPassword, "user", "password", "ola")
	refused("fotspor user password", "another "+testPassword, "user", "add", "kari")
	refused("common", "Passord123456", "user", "add", "per")
	refused("common", "vi i fjordvik bor her", "user", "add", "per")
	refused("common", "per spellmann hadde", "user", "add", "per spell")
	refused("not found", testPassword, "user", "password", "per")
	refused("site 9", testPassword, "user", "add", "per", "--sites", "1,9")
	refused("site 9", "", "user", "sites", "ola", "9")
	refused("last admin", "", "user", "remove", "kari")
	refused("last admin", "", "user", "role", "kari", "viewer")
	users("kari\tadmin\tall\nola\tviewer\t2\n")

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Jar: jar, Transport: transport}
	at := func(path string) (string, int) {
		t.Helper()
		resp, err := client.Get(p.public + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.Request.URL.Path, resp.StatusCode
	}
	logIn := func(pass string) {
		t.Helper()
		resp, err := client.PostForm(p.public+"/login", url.Values{"name": {"ola"}, "password": {pass}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got, _ := at("/"); got != "/" {
			t.Fatalf("after a log-in at %s", got)
		}
	}
	ends := func(what string) {
		t.Helper()
		if got, _ := at("/"); got != "/login" {
			t.Errorf("after %s the session goes on", what)
		}
	}
	logIn(testPassword)
	if _, status := at("/sites/1"); status != 404 {
		t.Errorf("another site: status %d, want 404", status)
	}
	if _, status := at("/sites/2"); status != 200 {
		t.Errorf("the own site: status %d", status)
	}
	must("", "user", "sites", "ola", "1")
	ends("other sites")
	logIn(testPassword)
	must("", "user", "role", "ola", "admin", "--sites", "all")
	ends("another role")
	logIn(testPassword)
	const newPassword = "fire nye ord til lykke"
	must(newPassword, "user", "password", "ola")
	ends("another password")
	users("kari\tadmin\tall\nola\tadmin\tall\n") // a password changes no role
	logIn(newPassword)
	must("", "user", "remove", "ola")
	ends("the removal")
	users("kari\tadmin\tall\n")

	lines := must("", "audit", "--since", "1d", "--json")
	seen := map[string]int{}
	for line := range strings.Lines(lines) {
		var e struct {
			Time, Via, Who, Action, About string
			Count                         int
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if _, err := time.Parse(time.RFC3339, e.Time); err != nil {
			t.Error(err)
		}
		seen[e.Via+" "+e.Action] += e.Count
	}
	for what, want := range map[string]int{
		"command user added": 2, "command user removed": 1, "command role changed": 1, "command sites changed": 4, "command last admin kept": 2,
		"command password changed": 1, "command site added": 2, "page log-in": 4, "page access refused": 1,
	} {
		if seen[what] != want {
			t.Errorf("%d lines of %q, want %d:\n%s", seen[what], what, want, lines)
		}
	}
	text := must("", "audit")
	if strings.Count(text, "\n") != strings.Count(lines, "\n") || !strings.Contains(text, "\tuser removed\tola\t1\n") {
		t.Errorf("audit log:\n%s", text)
	}
	if strings.Contains(text, "127.0") || strings.Contains(text, testPassword) {
		t.Errorf("the audit log holds an address or a password:\n%s", text)
	}
	if got := must("", "retention", "run", "--dry-run", "--at", "2100-01-01"); !strings.Contains(got, "audit log: found ") {
		t.Errorf("retention does not look at the audit log:\n%s", got)
	}
	if got := must("", "audit", "--since", "2100-01-01"); got != "" {
		t.Errorf("lines of the future: %q", got)
	}
}
