package store_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/retention"
	"github.com/fotspor/fotspor/retention/receipt"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// histories is how many random histories TestHistories tries, each with so many events.
const (
	histories = 3
	events    = 7
)

// event is what happens next in a history: time passes, hits come, and then there may be a pass.
type event struct {
	After   time.Duration
	Hits    []comes
	Pass    bool
	Two     bool   // by two workers at once
	Breaks  int    // the call to the store at which it goes away; 0: none
	Done    bool   // which it has carried out all the same
	Restart bool   // with a new worker and a new connection
	Policy  string // that is set before, as KEY=VALUE; "": none
	Own     string // the retention that a site gets before; "": none
	Of      uint32 // that site
}

// comes is a hit of a site, which happened some time ago.
type comes struct {
	Site uint32
	Ago  time.Duration
	Path int
}

// zones are those of the sites by number.
var zones = []string{"", "Europe/Oslo", "Asia/Kolkata", "America/New_York", "Pacific/Chatham", "Pacific/Kiritimati"}

func drawEvent(t *rapid.T) event {
	const day = 24 * time.Hour
	e := event{
		After:   time.Duration(rapid.Int64Range(int64(time.Minute), int64(2*day)).Draw(t, "after")),
		Pass:    rapid.IntRange(0, 3).Draw(t, "pass") > 0,
		Two:     rapid.IntRange(0, 3).Draw(t, "two") == 0,
		Done:    rapid.Bool().Draw(t, "done"),
		Restart: rapid.IntRange(0, 3).Draw(t, "restart") == 0,
	}
	if rapid.IntRange(0, 4).Draw(t, "off") == 0 {
		e.After += time.Duration(rapid.IntRange(7, 60).Draw(t, "days off")) * day
	}
	if rapid.IntRange(0, 2).Draw(t, "outage") == 0 {
		e.Breaks = rapid.IntRange(1, 14).Draw(t, "breaks")
	}
	if rapid.IntRange(0, 4).Draw(t, "change") == 0 {
		e.Policy = rapid.SampledFrom([]string{"retention=2d", "retention=40d", "retention=2m", "ageing=2d:network", "ageing=none", "fold=0", "fold=3"}).Draw(t, "policy")
	}
	if rapid.IntRange(0, 1).Draw(t, "change of a site") == 0 {
		e.Own = rapid.SampledFrom([]string{"1d", "5d", "5d", "1m", "default"}).Draw(t, "own")
		e.Of = uint32(rapid.IntRange(1, len(zones)-1).Draw(t, "of"))
	}
	for range rapid.IntRange(0, 12).Draw(t, "hits") {
		ago := time.Duration(rapid.Int64Range(0, int64(3*day)).Draw(t, "ago"))
		switch rapid.IntRange(0, 3).Draw(t, "back-dated") {
		case 0:
			ago = time.Duration(rapid.Int64Range(0, int64(120*day)).Draw(t, "long ago"))
		case 1, 2: // about the day on which its time is over
			ago = max(0, time.Duration(rapid.SampledFrom([]int{2, 10, 20, 40, 60}).Draw(t, "days ago"))*day+time.Duration(rapid.Int64Range(int64(-2*day), int64(2*day)).Draw(t, "about")))
		}
		e.Hits = append(e.Hits, comes{uint32(rapid.IntRange(1, len(zones)-1).Draw(t, "site")), ago, rapid.IntRange(0, 3).Draw(t, "path")})
	}
	return e
}

// errAway is that the store went away.
var errAway = errors.New("the store went away")

// flaky goes away at a call.
type flaky struct {
	mu   sync.Mutex
	left int // calls until it does; 0: it does not
	done bool
}

func (f *flaky) call(do func() error) error {
	f.mu.Lock()
	away := f.left == 1
	if f.left > 1 {
		f.left--
	}
	f.mu.Unlock()
	if !away {
		return do()
	}
	if f.done {
		if err := do(); err != nil {
			return err
		}
	}
	return errAway
}

type flakyRows struct {
	*flaky
	retention.Rows
}

func (f flakyRows) Before(ctx context.Context, at time.Time) (held privacy.Held, err error) {
	err = f.call(func() error { held, err = f.Rows.Before(ctx, at); return err })
	return held, err
}

func (f flakyRows) DeleteBefore(ctx context.Context, at time.Time) error {
	return f.call(func() error { return f.Rows.DeleteBefore(ctx, at) })
}

type flakyFew struct {
	*flaky
	retention.Few
}

func (f flakyFew) Fold(ctx context.Context, at time.Time, totals calendar.Day) error {
	return f.call(func() error { return f.Few.Fold(ctx, at, totals) })
}

// history is a store, and a plain model of the rows that it should have.
type history struct {
	*testing.T
	st     *store.Store
	now    time.Time
	policy privacy.Policy
	dir    string
	key    ed25519.PrivateKey

	rows   map[int64]calendar.Day // days of the rows that may be there, by number
	site   map[int64]uint32
	own    map[uint32]privacy.Period
	aged   calendar.Day // rows of days before it have no network
	number int64
}

func (h *history) worker(f *flaky) *retention.Worker {
	policy := func(context.Context) (privacy.Policy, error) { return h.policy, nil }
	return retention.New(retention.Options{
		Rows: flakyRows{f, h.st}, Now: func() time.Time { return h.now }, Policy: policy,
		Clock: retention.NewClock(retention.ClockOptions{File: filepath.Join(h.dir, "clock.json"), Synchronised: func() bool { return true }, Now: func() time.Time { return h.now }}),
		Aging: func(part string) retention.Rows { return flakyRows{f, h.st.Aging(part)} },
		Few:   func(below int) retention.Few { return flakyFew{f, h.st.Few(below)} }, Expired: h.st.Expired,
		Shorter: h.st.Shorter,
		OfSites: func(sites []uint32) retention.OfSites {
			return retention.OfSites{Rows: flakyRows{f, h.st.RowsOf(sites)}, Few: func(below int) retention.Few { return flakyFew{f, h.st.FewOf(sites, below)} }}
		},
		Receipts: &receipt.Writer{Book: h.st, Key: func() (ed25519.PrivateKey, error) { return h.key, nil }, Program: "test", Now: func() time.Time { return h.now },
			Policy: func(context.Context) (json.RawMessage, error) { return json.Marshal(h.policy) }},
	})
}

func (h *history) insert(hits []comes) {
	var rows []hit.Row
	for _, c := range hits {
		zone, err := time.LoadLocation(zones[c.Site])
		if err != nil {
			h.Fatal(err)
		}
		at := h.now.Add(-c.Ago)
		h.number++
		local := at.In(zone)
		day := calendar.DayOf(time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC))
		row := fewRow(day, fmt.Sprintf("/s/%d", c.Path))
		row.Site, row.Time, row.Value, row.Network = c.Site, at, float64(h.number), "10.0.0.0/16"
		rows = append(rows, row)
		h.rows[h.number], h.site[h.number] = day, c.Site
	}
	if len(rows) > 0 {
		mustInsert(h.T, h.st, rows, fmt.Sprintf("rows%d", h.number))
	}
}

// stored returns the rows that the store has, and whether each has its network.
func (h *history) stored() map[int64]bool {
	all := map[int64]bool{}
	for line := range strings.Lines(query(h.T, h.st, "SELECT toInt64(value), network != '' FROM hits")) {
		n, network, _ := strings.Cut(strings.TrimSpace(line), "\t")
		all[number(h.T, n)] = network == "1"
	}
	return all
}

// cutoff returns the first day whose rows of a site are kept.
func (h *history) cutoff(site uint32) calendar.Day {
	cutoff := calendar.DayOf(h.policy.Retention.Cutoff(h.now))
	if own := h.own[site]; own != (privacy.Period{}) {
		cutoff = max(cutoff, calendar.DayOf(own.Cutoff(h.now)))
	}
	return cutoff
}

// pass makes a pass, and compares the store with the model: of a pass that was over nothing
// older is left, and nothing younger is gone.
func (h *history) pass(e event) {
	age := calendar.Day(0)
	if h.policy.Ageing.Network != (privacy.Period{}) {
		age = calendar.DayOf(h.policy.Ageing.Network.Cutoff(h.now))
	}
	f := &flaky{left: e.Breaks, done: e.Done}
	workers := []*retention.Worker{h.worker(f)}
	if e.Two {
		workers = append(workers, h.worker(f))
	}
	errs := make([]error, len(workers))
	var all sync.WaitGroup
	for i, w := range workers {
		all.Go(func() { _, errs[i] = w.Pass(h.Context(), h.now) })
	}
	all.Wait()
	over := slices.Contains(errs, nil)
	for _, err := range errs {
		if err != nil && !errors.Is(err, errAway) {
			h.Fatalf("pass: %v", err)
		}
	}
	stored := h.stored()
	for n, network := range stored {
		day, known := h.rows[n]
		cutoff := h.cutoff(h.site[n])
		switch {
		case !known || over && day < cutoff:
			h.Errorf("at %s a row of site %d of %s is left, of before %s", h.now, h.site[n], day, cutoff)
		case over && day < age && network:
			h.Errorf("at %s a row of %s has its network, of before %s", h.now, day, age)
		case day >= max(age, h.aged) && !network:
			h.Errorf("at %s a row of %s has no network", h.now, day)
		}
	}
	for n, day := range h.rows {
		if _, ok := stored[n]; !ok {
			if cutoff := h.cutoff(h.site[n]); day >= cutoff {
				h.Errorf("at %s a row of site %d of %s is gone, which is not before %s", h.now, h.site[n], day, cutoff)
			}
			delete(h.rows, n)
		}
	}
	h.aged = max(h.aged, age)
	sums := query(h.T, h.st, "SELECT count(), (SELECT sum(pageviews) FROM cube), (SELECT sum(pageviews) FROM daily WHERE dimension = 'total'), (SELECT sum(pageviews) FROM daily WHERE dimension = 'page'), (SELECT sum(pageviews) FROM monthly WHERE dimension = 'page') FROM hits")
	if want := fmt.Sprintf("%d\t%d\t%d\t%d\t%d", len(stored), len(stored), h.number, h.number, h.number); over && sums != want {
		h.Errorf("at %s rows, cube, totals, pages and pages by month are %q, want %q", h.now, sums, want)
	}
	if over && h.policy.FoldBelow > 0 {
		for site := range uint32(len(zones)) {
			month := h.cutoff(site).FirstOfMonth()
			few := query(h.T, h.st, fmt.Sprintf("SELECT count() FROM (SELECT month, value FROM monthly WHERE site = %d AND dimension = 'page' AND month < '%s' AND NOT endsWith(value, '[other]') GROUP BY ALL HAVING sum(page_visitors) < %d)", site, month, h.policy.FoldBelow))
			if few != "0" {
				h.Errorf("at %s %s pages of few of site %d are left in months before %s", h.now, few, site, month)
			}
		}
	}
}

// TestHistories: over random histories of hits that come late and back-dated, in zones with and
// without summer time and with parts of hours, of a store that goes away, restarts, two workers
// at once, weeks off and changes of the policy and of the retention of single sites, nothing younger than its time goes, and nothing
// older stays. The chain of receipts verifies, and says of no row that a server took it.
func TestHistories(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the disk")
	}
	draw := rapid.Custom(func(t *rapid.T) []event {
		return rapid.SliceOfN(rapid.Custom(drawEvent), events, events).Draw(t, "events")
	})
	for i := range histories {
		all := draw.Example(i)
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			st := storetest.Open(t)
			for _, table := range []string{"hits", "cube", "daily", "monthly", "moves", "campaigns", "ledger", "titles"} {
				if err := st.Exec(t.Context(), "ALTER TABLE "+table+" MODIFY SETTING old_parts_lifetime = 0, cleanup_delay_period = 0, cleanup_delay_period_random_add = 0, max_cleanup_delay_period = 0"); err != nil {
					t.Fatal(err)
				}
			}
			h := &history{T: t, st: st, dir: t.TempDir(), key: ed25519.NewKeyFromSeed(make([]byte, 32)),
				now: time.Date(2026, 3, 20+i, 22, 30, 0, 0, time.UTC), policy: privacy.Default(), rows: map[int64]calendar.Day{}, site: map[int64]uint32{}, own: map[uint32]privacy.Period{}}
			for id := 1; id < len(zones); id++ {
				zone, err := time.LoadLocation(zones[id])
				if err != nil {
					t.Fatal(err)
				}
				if _, err := st.AddSite(t.Context(), site.Site{ID: uint32(id), Name: "S", Hosts: []string{fmt.Sprintf("s%d.example", id)}, Location: zone}); err != nil {
					t.Fatal(err)
				}
			}
			h.policy.FoldBelow = 0 // until it changes: to look for lines takes long
			h.policy.Retention, h.policy.Ageing.Network = privacy.Period{Days: 20}, privacy.Period{Days: 10}
			for _, e := range append(all, event{After: time.Hour, Pass: true}) {
				h.now = h.now.Add(e.After)
				if name, text, ok := strings.Cut(e.Policy, "="); ok {
					key, _ := privacy.FindKey(name)
					after := h.policy
					if err := key.Read(&after, text); err != nil {
						t.Fatal(err)
					}
					if after.Validate() == nil {
						h.policy = after
					}
				}
				if e.Own != "" {
					after, err := st.ChangeSite(t.Context(), e.Of, func(s *site.Site) error { return site.FindSetting("retention").Read(s, e.Own) })
					if err != nil {
						t.Fatal(err)
					}
					h.own[e.Of] = after.Retention
				}
				h.insert(e.Hits)
				if e.Pass {
					h.pass(e)
				}
				if t.Failed() {
					t.Fatalf("after %+v of %+v", e, all)
				}
			}
			var chain receipt.Chain
			kinds := map[receipt.Kind]int{}
			if err := st.Receipts(t.Context(), func(r receipt.Receipt) error {
				text, err := r.Read()
				kinds[text.Kind]++
				return errors.Join(err, chain.Add(r))
			}); err != nil || chain.Count == 0 || kinds[receipt.Expiry] > 0 {
				t.Errorf("%d receipts: %v, %v", chain.Count, slices.Collect(maps.Keys(kinds)), err)
			}
			t.Logf("%d hits, %v", h.number, kinds)
		})
	}
}
