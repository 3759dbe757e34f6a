package app_test

import (
	"fmt"
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/collector/script"
	"github.com/fotspor/fotspor/internal/baseurl"
)

// TestPublicURL: what a program prints for websites names the address that it was told,
// now or when it ran last.
func TestPublicURL(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	const told, own = "http://stats.example.org", "http://other.example.org" // so that a log-in works without HTTPS
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	var data string
	for i, tt := range []struct{ flag, want string }{{told, told}, {"", told}, {own, own}, {"", own}} {
		p := start(t, now, func(o *app.Options) {
			if data == "" {
				data = o.Data
			}
			o.Data, o.PublicURL = data, baseurl.MustParse(tt.flag)
		})
		if i == 0 {
			p.setUp()
		} else {
			p.logIn(p.public, "kari")
		}
		command := func(args ...string) string {
			out, errs, status := command(t, "", append(args, "--data", data)...)
			if status != 0 {
				t.Fatalf("%v: %q, status %d", args, errs, status)
			}
			return out
		}
		id := fmt.Sprint(i + 1)
		if out := command("site", "add", "--host", "example.org"); !strings.Contains(out, script.Snippet(tt.want, uint32(i+1))) {
			t.Errorf("told %q: site add printed %q", tt.flag, out)
		}
		p.awaitSite(i + 1)
		if page := html.UnescapeString(p.get(p.public + "/sites/" + id)); !strings.Contains(page, script.Snippet(tt.want, uint32(i+1))) {
			t.Errorf("told %q: the page of a new site has no lines of %s", tt.flag, tt.want)
		}
		if js := p.get(p.public + "/index.php?module=CoreAdminHome&action=optOutJS&idsite=1"); !strings.Contains(js, `"privacy":"`+tt.want+`/privacy/1"`) {
			t.Errorf("told %q: the box does not lead to %s: %.300s", tt.flag, tt.want, js)
		}
		// These are told by where they are loaded from.
		if js := p.get(p.public + "/optout.js"); !strings.Contains(js, "import.meta.url") || strings.Contains(js, "example.org") {
			t.Errorf("told %q: optout.js is %.300s", tt.flag, js)
		}
		if frame := p.get(p.public + "/index.php?module=CoreAdminHome&action=optOut&idsite=1&language=en"); !strings.Contains(frame, `href="privacy/1?lang=en"`) {
			t.Errorf("told %q: the frame does not lead to its statement", tt.flag)
		}
		p.stop()
	}
}

// TestSiteSettings changes what is said of a site while the program runs, from
// another process, and sees the collector follow.
func TestSiteSettings(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	p := start(t, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), nil)
	run := func(args ...string) string {
		t.Helper()
		out, errs, status := command(t, "", append(args, "--data", p.opts.Data)...)
		if status != 0 {
			t.Fatalf("%v: %q, status %d", args, errs, status)
		}
		return out
	}
	if out := run("site", "add", "--host", "example.org", "--exclude", "/intern/*", "--parameters", "id", "--public-url", p.public); !strings.Contains(out, script.Snippet(p.public, 1, "id")) {
		t.Errorf("site add printed %q", out)
	}
	if out := run("site", "edit", "1", "--parameters", "id,side", "--public-url", p.public); !strings.Contains(out, script.Snippet(p.public, 1, "id", "side")) {
		t.Errorf("site edit printed %q", out)
	}
	if out := run("site", "edit", "1", "--exclude", "/intern/*"); out != "" {
		t.Errorf("site edit printed %q for pages that need no change", out)
	}
	run("site", "edit", "1", "--parameters", "id")
	p.awaitSite(1)

	// told sends a hit of a page and returns what the collector says of it.
	told := func(agent, query string) string {
		t.Helper()
		req, err := http.NewRequest(http.MethodGet, p.public+"/matomo.php?idsite=1&rec=1&"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("User-Agent", agent)
		resp, err := p.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.Header.Get("X-Fotspor")
	}
	becomes := func(query, want string) {
		t.Helper()
		await(t, fmt.Sprintf("%s for %s", want, query), func() error {
			if got := told(agents[0].header, query); got != want {
				return fmt.Errorf("X-Fotspor: %s", got)
			}
			return nil
		})
	}
	becomes("url=https://example.org/a?id=7%26x=8", "recorded")
	becomes("url=https://example.org/intern/a", "dropped: excluded path")
	becomes("url=https://www.example.com/a", "dropped: foreign host")

	secret := strings.TrimSpace(run("token", "add", "--site", "1", "--name", "backend", "--quiet"))
	becomes("url=https://example.org/b&cip=84.210.7.9&token_auth="+secret, "recorded")
	id, _, _ := strings.Cut(run("token", "list"), "\t")
	if line := run("token", "list"); !strings.Contains(line, id+"\tbackend\t1\t") || strings.Contains(line, secret) {
		t.Errorf("token list printed %q", line)
	}
	run("token", "remove", id)
	becomes("url=https://example.org/b&cip=84.210.7.9&token_auth="+secret, "dropped: bad request")

	run("site", "edit", "1", "--host", "example.org,*.example.com", "--exclude", "", "--policy", "minimal")
	if got, want := run("site", "list"), "1\texample.org\texample.org,*.example.com\tEurope/Oslo\tid\t\tminimal\t\tkeep\tdefault\t\t\t\t5\t\t\t\tdefault\tdefault\n"; got != want {
		t.Errorf("site list printed %q, want %q", got, want)
	}
	becomes("url=https://www.example.com/c", "recorded")
	becomes("url=https://example.org/intern/c", "recorded")
	if page := p.get(p.public + "/privacy/1?lang=en"); !strings.Contains(page, "<code>id</code>") || strings.Contains(page, "operating system") {
		t.Error("the statement does not follow the settings of the site")
	}

	for range 3 {
		if got := told("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "url=https://example.org/a"); got != "dropped: bot" {
			t.Errorf("a bot: %s", got)
		}
	}
	await(t, "the ledger", func() error {
		if got := run("query", "SELECT reason, rule, name, sum(hits) FROM ledger GROUP BY ALL ORDER BY ALL"); got != "bot\tcrawler\tGooglebot\t3\nexcluded_path\t\t\t1\nforeign_host\t\twww.example.com\t1\n" {
			return fmt.Errorf("%q", got)
		}
		return nil
	})
	await(t, "rows", func() error {
		const query = `SELECT host, path, network = '84.210.0.0/16', os != '' FROM hits GROUP BY ALL ORDER BY ALL`
		want := "example.org\t/a?id=7\t0\t1\nexample.org\t/b\t1\t1\nexample.org\t/intern/c\t0\t0\nwww.example.com\t/c\t0\t0\n"
		if got := run("query", query); got != want {
			return fmt.Errorf("%q, want %q", got, want)
		}
		return nil
	})
}

// TestObjectionsTold: the dashboard knows the settings of the collector beside it.
func TestObjectionsTold(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	for flag, want := range map[bool]string{true: "because the privacy rules count them", false: "They are in no figure, because"} {
		p := start(t, time.Now(), func(o *app.Options) { o.Policy.CountObjections = flag })
		if _, errs, status := command(t, "", "site", "add", "--host", "example.org", "--data", p.opts.Data); status != 0 {
			t.Fatalf("site add: status %d, %q", status, errs)
		}
		p.awaitSite(1)
		req, err := http.NewRequest(http.MethodGet, p.public+"/matomo.php?idsite=1&rec=1&url=https://example.org/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("User-Agent", agents[0].header)
		resp, err := p.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		p.awaitStored(1)
		p.setUp()
		if page := p.get(p.public + "/sites/1/counting?period=today&lang=en"); !strings.Contains(page, want) {
			t.Errorf("--count-objections %v: the page lacks %q", flag, want)
		}
		p.stop()
	}
}
