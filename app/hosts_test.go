package app_test

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
