package collector_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/hit"
)

// TestDrops: staff see why hits of their site were excluded last, and nothing of when
// somebody objected.
func TestDrops(t *testing.T) {
	r := newRig(t, nil)
	const page = "/pixel.gif?site=1&url="
	for _, q := range []request{
		{target: page + "https://kopi.example/a"},
		{target: page + "https://example.org/", header: map[string]string{"Sec-GPC": "1"}},
		{target: page + "https://example.org/intern/"},
		{target: page + "https://kopi.example/b"},
		{target: page + "https://example.org/", header: map[string]string{"User-Agent": "Googlebot/2.1"}},
		{target: "/pixel.gif?site=1", header: map[string]string{"Referer": ""}},
		{target: "/matomo.php?idsite=1&rec=1&ping=1&url=/"},
		{target: page + "https://example.org/"}, // is recorded
		{target: "/pixel.gif?site=7&url=/"},
	} {
		r.send(q)
		r.now = r.now.Add(time.Minute)
	}
	at := func(minutes int) time.Time { return evening.Add(time.Duration(minutes) * time.Minute) }
	entry := func(reason, rule, name string, n int64) hit.LedgerEntry {
		return hit.LedgerEntry{Site: 1, Day: base.Day, Reason: reason, Rule: rule, Name: name, Count: n}
	}
	want := []hit.Drop{
		{LedgerEntry: entry("no_page", "", "", 1), Last: at(5)},
		{LedgerEntry: entry(hit.IsBot, "crawler", "Googlebot", 1), Last: at(4)},
		{LedgerEntry: entry(hit.ForeignHost, "", "kopi.example", 2), Last: at(3)},
		{LedgerEntry: entry(hit.ExcludedPath, "", "", 1), Last: at(2)},
		{LedgerEntry: entry(hit.Objection, "", "", 1)},
	}
	if diff := cmp.Diff(want, r.Drops(1)); diff != "" {
		t.Errorf("drops (-want +got):\n%s", diff)
	}
	if got := r.Drops(7); got != nil {
		t.Errorf("drops of a site that does not exist: %v", got)
	}
	r.now = r.now.Add(72 * time.Hour)
	if got := r.Drops(1); got != nil {
		t.Errorf("drops after three days: %v", got)
	}
}

// TestForeignHostsAreCapped: a stranger who invents hosts adds a bounded number of lines
// to the ledger of a day, and of drops in memory.
func TestForeignHostsAreCapped(t *testing.T) {
	r := newRig(t, nil)
	send := func(from, to int) map[string]int64 {
		r.ledger = nil
		for i := from; i < to; i++ {
			r.send(request{target: fmt.Sprintf("/pixel.gif?site=1&url=https://a%d.example/", i)})
		}
		r.stored()
		names := map[string]int64{}
		for _, e := range r.ledger {
			names[e.Name] += e.Count
		}
		return names
	}
	if names := send(0, 80); len(names) != 51 || names["a49.example"] != 1 || names[hit.Others] != 30 {
		t.Errorf("80 hosts left %d names, %d hits of others: %v", len(names), names[hit.Others], names)
	}
	if names := send(40, 60); len(names) != 11 || names["a49.example"] != 1 || names[hit.Others] != 10 {
		t.Errorf("hosts that came before left %v", names)
	}
	if n := len(r.Drops(1)); n != 32 {
		t.Errorf("%d drops are remembered, want 32", n)
	}
	r.now = r.now.Add(24 * time.Hour)
	if names := send(70, 71); names["a70.example"] != 1 {
		t.Errorf("on the next day a host left %v", names)
	}
}
