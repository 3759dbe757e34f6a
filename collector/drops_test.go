package collector_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
)

// TestDrops: staff see why the last hits of their site were excluded, but not the time of an
// objection.
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

// TestForeignHostsAreCapped: a stranger who invents hosts adds a bounded number of lines to
// the ledger of a day, and of drops in memory.
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

// TestForeignHostsAreCappedOverRestarts: hosts that the ledger names already count against
// the bound of their day, of whichever process they came.
func TestForeignHostsAreCappedOverRestarts(t *testing.T) {
	named := map[string]bool{}
	var ledger []hit.LedgerEntry
	var others int64
	for process := range 3 {
		r := newRig(t, nil)
		r.Recall(ledger)
		r.Recall([]hit.LedgerEntry{{Site: 1, Day: base.Day - 1, Reason: hit.ForeignHost, Name: "yesterday.example"}, {Site: 2, Day: base.Day, Reason: hit.ForeignHost, Name: "other.example"}})
		for i := range 20 + 30*process {
			r.send(request{target: fmt.Sprintf("/pixel.gif?site=1&url=https://a%d-%d.example/", process, i)})
		}
		r.send(request{target: "/pixel.gif?site=1&url=https://a0-0.example/"}) // has its name
		r.stored()
		for _, e := range r.ledger {
			if e.Name == hit.Others {
				others += e.Count
			} else {
				named[e.Name] = true
			}
		}
		ledger = append(ledger, r.ledger...)
	}
	if len(named) != 50 || !named["a1-29.example"] || named["a1-30.example"] || others != 20+80 {
		t.Errorf("150 hosts over two restarts left %d names and %d hits of others: %v", len(named), others, named)
	}
}

// TestExcludedHitsTakeBoundedMemory: hosts that strangers invent take what docs/install.md
// says, on however many sites, and hold nothing of the requests that they came with.
func TestExcludedHitsTakeBoundedMemory(t *testing.T) {
	const sites, hosts, size, most = 300, 32, 16 << 10, 3_000_000
	r := newRig(t, nil)
	for id := range uint32(sites) {
		r.sites = append(r.sites, site.Site{ID: 100 + id, Name: "Site", Hosts: []string{"example.org"}, Location: time.UTC})
	}
	if err := r.options.Sites.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := heap()
	for id := range sites {
		if id == sites/2 { // hosts of another day
			r.now = r.now.Add(24 * time.Hour)
		}
		for i := range hosts {
			host := strings.Repeat("a", 60) + "." + strconv.Itoa(i) + "-" + strings.Repeat("b", 28) + ".example"
			text := fmt.Sprintf("site=%d&url=https://%s/%s", 100+id, host, strings.Repeat(" ", size))
			q := request{target: "/pixel.gif"}.make()
			q.URL.RawQuery = text[:len(text)-size]
			w := httptest.NewRecorder()
			if r.mux.ServeHTTP(w, q); !strings.HasPrefix(w.Header().Get("X-Fotspor"), "dropped: foreign host") {
				t.Fatalf("%s: %s", host, w.Header().Get("X-Fotspor"))
			}
		}
	}
	after := heap()
	if held := after - before; held > most || len(r.Drops(100+sites-1)) != 32 {
		t.Errorf("%d bytes are held of excluded hits, want at most %d; %d drops of a site", held, most, len(r.Drops(100+sites-1)))
	} else {
		t.Logf("%d bytes are held", held)
	}
	runtime.KeepAlive(r)
}

// heap returns the bytes of the heap in use.
func heap() int64 {
	runtime.GC()
	runtime.GC() // empties the pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestErasedVisits: once the collector has read that something of a site was erased, it has
// forgotten all that visits, titles and drops of the site may hold of it, and of no other site.
// While the store is unavailable it knows nothing of it.
func TestErasedVisits(t *testing.T) {
	r := newRig(t, nil)
	view := func(path string) (rows []string) {
		for i, host := range []string{"example.org", "www.other.example"} {
			r.send(request{target: fmt.Sprintf("/pixel.gif?site=%d&url=https://%s%s&ref=https://nrk.no/x", i+1, host, path)})
		}
		for _, row := range r.stored() {
			rows = append(rows, fmt.Sprint(row.Site, " ", row.Path, " entry ", row.EntryPath, " after ", row.PreviousPath, " visits ", row.Visits, " visitors ", row.Visitors))
		}
		return rows
	}
	foreign := request{target: "/pixel.gif?site=1&url=https://ola.example/"}
	r.send(foreign)
	view("/a")
	for _, tt := range []struct {
		name     string
		erasures uint64
		away     error
		path     string
		want     []string
		drops    int
	}{
		{"the store is unavailable", 1, errUnavailable, "/b", []string{"1 /b entry /a after /a visits 0 visitors 0", "2 /b entry /a after /a visits 0 visitors 0"}, 1},
		{"it is back", 1, nil, "/c", []string{"1 /c entry /c after  visits 1 visitors 1", "2 /c entry /a after /b visits 0 visitors 0"}, 0},
		{"nothing new", 1, nil, "/d", []string{"1 /d entry /c after /c visits 0 visitors 0", "2 /d entry /a after /c visits 0 visitors 0"}, 0},
		{"erased again", 2, nil, "/e", []string{"1 /e entry /e after  visits 1 visitors 1", "2 /e entry /a after /d visits 0 visitors 0"}, 0},
	} {
		r.sites[0].Erasures, r.away = tt.erasures, tt.away
		if err := r.options.Sites.Refresh(t.Context()); !errors.Is(err, tt.away) {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, view(tt.path)); diff != "" {
			t.Errorf("%s: rows (-want +got):\n%s", tt.name, diff)
		}
		if got := len(r.Drops(1)); got != tt.drops {
			t.Errorf("%s: %d drops, want %d", tt.name, got, tt.drops)
		}
	}
	r.now = r.now.Add(24 * time.Hour)
	about := titled("https://example.org/om", "Om Ola")
	enough := privacy.Default().TitleVisitors
	r.crowd(enough-1, about)
	r.sites[0].Erasures = 3
	if err := r.options.Sites.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.send(request{target: about, from: from(enough)}) // with those before, enough
	if got := r.kept(); len(got) > 0 {
		t.Errorf("titles that too few have seen since the erasure are kept: %v", got)
	}
	r.crowd(enough+3, about) // the numbers of some may be the same
	if got := r.kept(); got["/om"] != "Om Ola" {
		t.Errorf("what many see anew is not kept: %v", got)
	}
}
