package cli_test

import (
	"strings"
	"testing"
)

// TestHostsOfASite: a host is taken in any spelling, kept as browsers send it, and shown
// to people as they read it.
func TestHostsOfASite(t *testing.T) {
	data := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		out, errs, status := command(t, "", append(args, "--data", data)...)
		if status != 0 {
			t.Fatalf("%v: %q, status %d", args, errs, status)
		}
		return out
	}
	list := func(want string) {
		t.Helper()
		if got := run("query", "SELECT id, name, arrayStringConcat(hosts, ' ') FROM sites FINAL ORDER BY id"); got != want {
			t.Errorf("sites in the store: %q, want %q", got, want)
		}
	}
	run("site", "add", "--host", "BLÅBÆR.no.,*.blåbær.no,www-example-org.translate.goog", "--create")
	list("1\tblåbær.no\txn--blbr-roah.no *.xn--blbr-roah.no www-example-org.translate.goog\n")
	run("site", "edit", "1", "--hosts", "xn--blbr-roah.no,Example.ORG", "--name", "Bær")
	list("1\tBær\txn--blbr-roah.no example.org\n")
	if got, want := strings.Split(run("site", "list"), "\t")[2], "blåbær.no,example.org"; got != want {
		t.Errorf("site list shows %q, want %q", got, want)
	}
}

// TestAddressesOfASite: site edit sets how a site reads its addresses, site list shows it,
// and an empty flag takes it away.
func TestAddressesOfASite(t *testing.T) {
	data := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		out, errs, status := command(t, "", append(args, "--data", data)...)
		if status != 0 {
			t.Fatalf("%v: %q, status %d", args, errs, status)
		}
		return out
	}
	list := func(want string) {
		t.Helper()
		if got := strings.TrimSuffix(run("site", "list"), "\n"); !strings.HasSuffix(got, "\tdefault\t\t"+want+"\t5\t\t\t\tdefault\tdefault") {
			t.Errorf("site list shows %q, want %q at its end", got, want)
		}
	}
	run("site", "add", "--host", "example.org", "--create")
	list("keep\tdefault\t\t\t")
	run("site", "edit", "1", "--trailing-slash", "strip", "--ignore-referrers", "default,*.Logg-inn.blåbær.no",
		"--search-parameters", "matomo,tx_solr%5Bq%5D", "--search-category-parameters", "cat", "--search-count-parameters", "treff")
	list("strip\tdefault,logg-inn.blåbær.no\tq,query,s,search,searchword,k,keyword,tx_solr[q]\tcat\ttreff")
	run("site", "edit", "1", "--trailing-slash", "keep", "--ignore-referrers", "none", "--search-parameters", "q,query")
	list("keep\tnone\tq,query\tcat\ttreff")
	run("site", "edit", "1", "--ignore-referrers", "default,blåbær.no,XN--BLBR-ROAH.no.,default", "--search-parameters", "søk,so\u0308k,s%C3%B8k,Q,q,matomo,SØK")
	list("keep\tdefault,blåbær.no\tsøk,sök,Q,query,s,search,searchword,k,keyword\tcat\ttreff")
	run("site", "edit", "1", "--ignore-referrers", "", "--search-parameters", "", "--search-category-parameters", "", "--search-count-parameters", "")
	list("keep\tdefault\t\t\t")
}

// TestNetworksAndTagsOfASite: site edit sets them, site list shows them last, and an empty flag
// takes them away.
func TestNetworksAndTagsOfASite(t *testing.T) {
	data := t.TempDir()
	for _, tt := range []struct{ args, want string }{
		{"add --create --host example.org --tags Skole,Kultur", "5\t\tSkole,Kultur\t"},
		{"edit 1 --exclude-networks 192.0.2.9/24,2001:db8::/48", "5\t192.0.2.0/24,2001:db8::/48\tSkole,Kultur\t"},
		{"edit 1 --tags Skole --guard 7", "7\t192.0.2.0/24,2001:db8::/48\tSkole\t"},
		{"edit 1 --tags= --exclude-networks= --school-weeks 8,40", "7\t\t\t8,40"},
		{"edit 1 --school-weeks 0,41", "7\t\t\t0,41"},
		{"edit 1 --school-weeks=", "7\t\t\t"},
	} {
		if _, errs, status := command(t, "", append(append([]string{"site"}, strings.Fields(tt.args)...), "--data", data)...); status != 0 {
			t.Fatalf("site %s: %q", tt.args, errs)
		}
		out, _, _ := command(t, "", "site", "list", "--data", data)
		if got := strings.TrimSuffix(out, "\n"); !strings.HasSuffix(got, "\t"+tt.want+"\tdefault\tdefault") {
			t.Errorf("site %s: listed as %q, want %q at its end", tt.args, got, tt.want)
		}
	}
}

// TestAddressOfLines: the lines to paste name the address that browsers reach the program by,
// or a guess that a warning says is one.
func TestAddressOfLines(t *testing.T) {
	data := t.TempDir()
	for _, c := range []struct{ args, names, warning string }{
		{"", `data-server="http://127.0.0.1:8080"`, "--public-url"},
		{"--public-url https://stats.example.org", `data-server="https://stats.example.org"`, ""},
		{"--quiet", "", ""},
	} {
		out, errs, status := command(t, "", append([]string{"site", "add", "--host", "example.org", "--create", "--data", data}, strings.Fields(c.args)...)...)
		if status != 0 || !strings.Contains(out, c.names) || strings.Contains(errs, "--public-url") != (c.warning != "") {
			t.Errorf("site add %s: status %d, %s, %q", c.args, status, out, errs)
		}
	}
}

// TestHostsOnce: a host in two spellings is stored once, and a second site with it causes a
// warning.
func TestHostsOnce(t *testing.T) {
	data := t.TempDir()
	for _, c := range []struct{ hosts, stored, warning string }{
		{"a.no,A.NO.,blåbær.no,*.blåbær.no,XN--BLBR-roah.no,*.BLÅBÆR.no", "a.no,blåbær.no,*.blåbær.no", ""},
		{"b.no", "b.no", ""},
		{"c.no,www.A.no", "c.no,www.a.no", "warning: site 1 has the host www.a.no too\n"},
		{"d.no,sub.blåbær.no", "d.no,sub.blåbær.no", "warning: site 1 has the host sub.blåbær.no too\n"},
		{"e.no,*.blåbær.no", "e.no,*.blåbær.no", "warning: site 1 has the host *.blåbær.no too\n"},
	} {
		_, errs, status := command(t, "", "site", "add", "--host", c.hosts, "--create", "--data", data, "--public-url", "https://stats.example.org")
		if status != 0 || errs != c.warning {
			t.Errorf("%s: status %d, %q, want %q", c.hosts, status, errs, c.warning)
		}
		out, _, _ := command(t, "", "site", "list", "--data", data)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if got := strings.Split(lines[len(lines)-1], "\t")[2]; got != c.stored {
			t.Errorf("%s: stored as %s, want %s", c.hosts, got, c.stored)
		}
	}
}

// TestStatementOfASite: site edit stores what the owner says in the statement, each text by
// itself, refuses one that is too long, not plain or of another website, and names in the audit
// log what was changed, without the text.
func TestStatementOfASite(t *testing.T) {
	data := t.TempDir()
	edit := func(args ...string) (errs string, status int) {
		t.Helper()
		_, errs, status = command(t, "", append([]string{"site", "edit", "1", "--data", data}, args...)...)
		return errs, status
	}
	stored := func(want string) {
		t.Helper()
		out, _, _ := command(t, "", "query", "SELECT value FROM settings WHERE site = 1 AND key = 'statement' ORDER BY number DESC LIMIT 1", "--format", "TSVRaw", "--data", data)
		if out != want {
			t.Errorf("stored is %q, want %q", out, want)
		}
	}
	command(t, "", "site", "add", "--host", "example.org", "--create", "--data", data)
	stored("")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--controller", "Eksempel AS", "--basis", "nb: Fordi\nnn: Av di"},
			`{"Controller":"Eksempel AS","Contact":"","Officer":"","Purpose":"","Basis":"nb: Fordi\nnn: Av di","Recipients":"","Countries":"","OptOut":""}`},
		{[]string{"--opt-out", "https://example.org/personvern", "--controller", ""},
			`{"Controller":"","Contact":"","Officer":"","Purpose":"","Basis":"nb: Fordi\nnn: Av di","Recipients":"","Countries":"","OptOut":"https://example.org/personvern"}`},
	} {
		if errs, status := edit(c.args...); status != 0 {
			t.Errorf("%q: %s", c.args, errs)
		}
		stored(c.want + "\n")
		for _, wrong := range []struct{ flag, text string }{
			{"opt-out", "https://example.net/personvern"}, {"opt-out", "javascript:alert(1)"},
			{"controller", strings.Repeat("å", 251)}, {"controller", "a\nb"}, {"purpose", "a\x1bb"}, {"purpose", strings.Repeat("x", 3001)},
		} {
			if errs, status := edit("--"+wrong.flag, wrong.text); status != 2 || !strings.Contains(errs, wrong.flag) || strings.Count(errs, "\n") != 1 {
				t.Errorf("--%s %.40q: status %d, %q", wrong.flag, wrong.text, status, errs)
			}
		}
		stored(c.want + "\n")
	}
	log, _, _ := command(t, "", "audit", "--data", data)
	for text, want := range map[string]int{"\tsite changed\tsite 1: declared\t": 1, "\tsite changed\tsite 1: declared, optout\t": 1, "Fordi": 0, "personvern": 0} {
		if got := strings.Count(log, text); got != want {
			t.Errorf("the audit log has %q %d times, want %d:\n%s", text, got, want, log)
		}
	}
}

// TestPapers: the papers come from what is in the store, as Markdown and HTML.
func TestPapers(t *testing.T) {
	data := t.TempDir()
	command(t, "", "site", "add", "--host", "example.org", "--create", "--data", data)
	command(t, "", "site", "edit", "1", "--controller", "Eksempel AS", "--data", data)
	command(t, "", "policy", "set", "retention=25m", "--yes", "--data", data)
	for _, tt := range []struct {
		flags []string
		want  []string
	}{
		{[]string{"--lang", "nb"}, []string{"\n| Behandlingsansvarlig | Eksempel AS |\n", "25 måneder", "\n> **Må avgjøres:** "}},
		{[]string{"--lang", "nn", "--html"}, []string{"<td>Eksempel AS</td>", "25 månader", "<strong>Må avgjerast:</strong>"}},
	} {
		out, errs, status := command(t, "", append([]string{"papers", "--data", data}, tt.flags...)...)
		for _, want := range tt.want {
			if status != 0 || !strings.Contains(out, want) {
				t.Errorf("papers %q: status %d, %s, lacks %q", tt.flags, status, errs, want)
			}
		}
	}
}
