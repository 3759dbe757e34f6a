package app_test

import (
	"bytes"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/cli"
)

// TestRetentionRunHeld: with a clock four years ahead that nothing confirms, a pass by
// hand deletes nothing, says why, and what to type if the clock is right after all.
func TestRetentionRunHeld(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	engine, _ := startEngine(t)
	dsn := engine + "/footprints"
	if out, errs, status := command(t, "", "site", "add", "--store", dsn, "--host", "example.org", "--create"); status != 0 {
		t.Fatalf("site add: %q %q", out, errs)
	}
	p := start(t, at, func(o *app.Options) {
		o.Store, o.Synchronised = dsn, func() bool { return true }
	})
	p.awaitSite(1)
	if told := p.send(sent{addr: netip.MustParseAddr("127.0.0.1"), agent: agents[0].header, page: "/a", ref: origins[0]}); told != "recorded" {
		t.Fatal(told)
	}
	p.awaitStored(1)
	await(t, "a note of the clock", func() error { _, err := os.Stat(p.opts.Data + "/clock.json"); return err })

	run := func(now time.Time, args ...string) (string, string, int) {
		var out, errs bytes.Buffer
		status := cli.Main(t.Context(), cli.Env{
			Args:   append([]string{"retention", "run", "--store", dsn, "--data", p.opts.Data}, args...),
			Stdout: &out, Stderr: &errs, Now: func() time.Time { return now }, Synchronised: func() bool { return false },
		})
		return out.String(), errs.String(), status
	}
	ahead := at.AddDate(4, 0, 0)
	out, errs, status := run(ahead)
	if status != 1 || !strings.Contains(out, "found 1 rows") || !strings.Contains(out, "deleted 0 rows") ||
		!strings.Contains(errs, "more than seven days past 2026-11-22") || !strings.Contains(errs, "--confirm 2027-11-22") {
		t.Errorf("held: %q, %q, status %d", out, errs, status)
	}
	if _, errs, status = run(ahead, "--confirm", "2026-11-22"); status != 1 || !strings.Contains(errs, "2027-11-22") {
		t.Errorf("another day confirmed: %q, status %d", errs, status)
	}
	if out, _, status = run(ahead, "--dry-run"); status != 0 || !strings.Contains(out, "the clock is not trusted") {
		t.Errorf("dry run: %q, status %d", out, status)
	}
	if out, errs, status = run(ahead, "--confirm", "2027-11-22"); status != 0 || !strings.Contains(out, "deleted 1 rows") {
		t.Errorf("confirmed: %q, %q, status %d", out, errs, status)
	}
	// What a person confirmed is trusted from then on.
	if out, errs, status = run(ahead.Add(time.Hour)); status != 0 {
		t.Errorf("after the confirmation: %q, %q, status %d", out, errs, status)
	}
}
