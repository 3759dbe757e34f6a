package visit_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fotspor/fotspor/collector/visit"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/race"
)

// file is the name of a hand-over.
const file = "fotspor-visitors"

// memory returns a new directory that HandOver accepts, and checks at the end of the test
// that it is empty.
func memory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "fotspor-test-")
	if err != nil {
		t.Skip("NOT TESTED: the hand-over needs a tmpfs at /dev/shm:", err)
	}
	t.Cleanup(func() {
		wantFiles(t, dir)
		os.RemoveAll(dir)
	})
	if err := visit.New(visit.Options{}).HandOver(dir); errors.Is(err, visit.ErrNotInMemory) {
		t.Skip("NOT TESTED: the hand-over needs a tmpfs that is not swapped:", err)
	}
	return dir
}

// wantFiles checks what is in a directory.
func wantFiles(t testing.TB, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files in the directory (-want +got):\n%s", diff)
	}
}

// restart hands the state of a tracker over to a new one, and returns the new one.
func restart(t testing.TB, tr *visit.Tracker, dir string, opts visit.Options) *visit.Tracker {
	t.Helper()
	if err := tr.HandOver(dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(filepath.Join(dir, file)); err == nil && info.Mode() != 0o600 {
		t.Errorf("mode of the file is %v", info.Mode())
	}
	next := visit.New(opts)
	if _, err := next.TakeOver(dir); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir)
	return next
}

// isNew observes a hit, and reports whether its visitor is new.
func isNew(tr *visit.Tracker, who int, at time.Time) bool {
	row := hit.Row{Path: "/"}
	return tr.Observe(person(who, at, hit.Pageview), &row, time.UTC) && row.Visitors == 1
}

// TestRestart: as in TestClaims, each line is the time of the clock, the time that a
// hit claims, who, kind, path and, after @, a source. A line with only a time is a
// restart that ends at that time.
func TestRestart(t *testing.T) {
	tests := map[string]string{
		"a visit goes on": `
			9 12:00:00.7 9 12:00:00.7 A pageview /a @Google | 9 12:00:00 pageview visit visitor page bounce 0s entry /a from Google
			9 12:00:05
			9 12:00:10.5 9 12:00:10.5 A ping     /a | 9 12:00:10 9s entry /a after /a from Google
			9 12:00:12
			9 12:00:12.7 9 12:00:12.7 A pageview /a | 9 12:00:12 pageview bounce-1 3s entry /a after /a from Google
			9 12:00:20
			9 12:00:21.7 9 12:00:21.7 A pageview /b | 9 12:00:21 pageview page 9s entry /a after /a from Google`,
		"a visit without a page goes on": `
			9 12:00:00 9 12:00:00 A event    /x | 9 12:00:00 visit visitor 0s entry /x
			9 12:00:05
			9 12:00:10 9 12:00:10 A pageview /a | 9 12:00:10 pageview page 10s entry /x`,
		"silence lasts over a restart": `
			9 12:00:00 9 12:00:00 A pageview /a | 9 12:00:00 pageview visit visitor page bounce 0s entry /a
			9 12:00:00 9 12:00:00 B pageview /a | 9 12:00:00 pageview visit visitor page bounce 0s entry /a
			9 12:20:00
			9 12:30:00 9 12:30:00 A ping     /a | 9 12:30:00 1800s entry /a after /a
			9 12:30:01 9 12:30:01 B ping     /a | dropped
			9 12:30:02 9 12:30:02 B pageview /a | 9 12:30:02 pageview visit bounce 0s entry /a`,
		"midnight comes in between": `
			8 23:59:50 8 23:59:50 A pageview /a | 8 23:59:50 pageview visit visitor page bounce 0s entry /a
			9 00:00:00
			9 00:00:01 9 00:00:01 A pageview /a | 9 00:00:01 pageview visit visitor page bounce 0s entry /a`,
		"a moment before midnight": `
			8 23:59:50 8 23:59:50 A pageview /a | 8 23:59:50 pageview visit visitor page bounce 0s entry /a
			8 23:59:59.999
			8 23:59:59.999 8 23:59:59.999 A pageview /a | 8 23:59:59 pageview bounce-1 9s entry /a after /a
			9 00:00:00 9 00:00:00 A pageview /a | 9 00:00:00 pageview visit visitor page bounce 0s entry /a`,
		"the clock is set back a little, and the day goes on": `
			9 00:00:20 9 00:00:20 A pageview /a | 9 00:00:20 pageview visit visitor page bounce 0s entry /a
			8 23:59:30
			8 23:59:31 8 23:59:31 A pageview /b | 9 00:00:00 pageview page bounce-1 0s entry /a after /a
			9 00:00:25 9 00:00:25 A pageview /b | 9 00:00:25 pageview 5s entry /a after /b`,
		"a past day goes on": `
			9 12:00:00 5 10:00:00 A pageview /a | 5 10:00:00 pageview visit visitor page bounce 0s entry /a
			9 12:00:01 6 10:00:00 A pageview /a | 6 10:00:00 pageview visit visitor page bounce 0s entry /a
			9 12:00:05
			9 12:00:06 5 10:00:30 A pageview /a | 5 10:00:30 pageview bounce-1 30s entry /a after /a
			9 12:00:07 6 10:00:40 A pageview /a | 6 10:00:40 pageview bounce-1 40s entry /a after /a`,
		"a past day without a hit for half an hour is forgotten": `
			9 12:00:00 5 10:00:00 A pageview /a | 5 10:00:00 pageview visit visitor page bounce 0s entry /a
			9 12:00:01 6 10:00:00 A pageview /a | 6 10:00:00 pageview visit visitor page bounce 0s entry /a
			9 12:30:00
			9 12:30:01 5 10:00:30 A pageview /a | 5 10:00:30 pageview visit visitor page bounce 0s entry /a
			9 12:30:02 6 10:00:40 A pageview /a | 6 10:00:40 pageview bounce-1 40s entry /a after /a`,
	}
	for name, timeline := range tests {
		t.Run(name, func(t *testing.T) {
			oslo := zone(t, "Europe/Oslo")
			moment := func(day, clock string) time.Time {
				at, err := time.ParseInLocation("2006-01-2 15:04:05", "2026-07-"+day+" "+clock, oslo)
				if err != nil {
					t.Fatal(err)
				}
				return at
			}
			var now time.Time
			opts := visit.Options{Now: func() time.Time { return now }}
			tr, dir := visit.New(opts), memory(t)
			for line := range strings.Lines(strings.TrimSpace(timeline)) {
				said, want, _ := strings.Cut(strings.TrimSpace(line), " | ")
				f := strings.Fields(said)
				now = moment(f[0], f[1])
				if len(f) == 2 {
					tr = restart(t, tr, dir, opts)
					continue
				}
				row := hit.Row{Path: f[6]}
				if len(f) > 7 {
					row.Source = f[7][1:]
				}
				ok := tr.Observe(person(int(f[4][0]), moment(f[2], f[3]), hit.Kind(f[5])), &row, oslo)
				got := tell(&row, ok)
				if ok {
					got = row.Time.In(oslo).Format("2 15:04:05 ") + got
				}
				if got != want {
					t.Errorf("%s\n got %s\nwant %s", said, got, want)
				}
			}
		})
	}
}

// TestStepsBackRestart: a hit counts on the day of the clock, also if the clock was set
// while the collector did not run.
func TestStepsBackRestart(t *testing.T) {
	dir := memory(t)
	runSteps(t, func(t *testing.T, tr *visit.Tracker, opts visit.Options) *visit.Tracker {
		return restart(t, tr, dir, opts)
	})
}

// TestRestartChangesNothing: random traffic with restarts at random moments has the same
// rows as without restarts. It has claims of earlier times, too many visitors, sweeps,
// midnights, and changes of the clock and of a site's time zone.
func TestRestartChangesNothing(t *testing.T) {
	race.Skip(t)
	kinds := []hit.Kind{hit.Pageview, hit.Pageview, hit.Pageview, hit.Event, hit.Outlink, hit.Ping, hit.Ping}
	zones := []string{"Europe/Oslo", "America/Santiago", "Africa/Cairo", "America/Havana", "Australia/Lord_Howe", "UTC"}
	dir := memory(t)
	for seed := range uint64(12) { // each number of people with each season
		r := rand.New(rand.NewPCG(seed, 3))
		var locs [4]*time.Location
		for i := range locs {
			locs[i] = zone(t, zones[r.IntN(len(zones))])
		}
		now := time.Date(2026, []time.Month{3, 9, 4, 10}[seed%4], []int{28, 5, 23, 31}[seed%4], 3, 0, 0, 0, time.UTC)
		clock := func() time.Time { return now }
		people := []int{20, 400, 40_000}[seed%3]
		regs := [2]*prometheus.Registry{prometheus.NewPedanticRegistry(), prometheus.NewPedanticRegistry()}
		options := func(reg *prometheus.Registry) visit.Options {
			return visit.Options{Now: clock, Registerer: reg}
		}
		unbroken, broken := visit.New(options(regs[0])), visit.New(options(regs[1]))
		restarts := 0
		for i := range 4000 {
			now = now.Add(time.Duration(r.ExpFloat64() * float64(40*time.Second)))
			switch r.IntN(400) {
			case 0:
				now = now.Add(-time.Duration(r.Int64N(int64(90 * time.Minute))))
			case 1:
				locs[r.IntN(len(locs))] = zone(t, zones[r.IntN(len(zones))])
			case 2:
				unbroken.Sweep(now)
				broken.Sweep(now)
			case 3, 4, 5:
				if err := broken.HandOver(dir); err != nil {
					t.Fatal(err)
				}
				now = now.Add(time.Duration(r.ExpFloat64() * float64(2*time.Minute)))
				broken = visit.New(options(prometheus.NewPedanticRegistry()))
				if _, err := broken.TakeOver(dir); err != nil {
					t.Fatal(err)
				}
				unbroken.Sweep(now)
				restarts++
			}
			at := now
			switch r.IntN(8) {
			case 0:
				at = at.Add(-time.Duration(r.Int64N(int64(6 * time.Hour))))
			case 1:
				at = at.AddDate(0, 0, -r.IntN(30))
			}
			h := person(r.IntN(people), at, kinds[r.IntN(len(kinds))])
			h.Site = 1 + r.Uint32N(uint32(len(locs)))
			h.Passive = r.IntN(10) == 0
			loc := locs[h.Site-1]
			row := hit.Row{
				Path: fmt.Sprintf("/%d", r.IntN(12)), Channel: "campaign", Source: fmt.Sprint(r.IntN(5)),
				Campaign: fmt.Sprint(r.IntN(2)), CampaignSource: "s", CampaignMedium: "m", CampaignTerm: "t", CampaignContent: "c",
			}
			want, got := row, row
			wantOK, gotOK := unbroken.Observe(h, &want, loc), broken.Observe(h, &got, loc)
			if wantOK != gotOK || want != got {
				t.Fatalf("seed %d, hit %d, after %d restarts: %t, %t (-unbroken +broken):\n%s",
					seed, i, restarts, wantOK, gotOK, cmp.Diff(want, got))
			}
		}
		if restarts == 0 {
			t.Errorf("seed %d: no restart", seed)
		}
	}
}

// TestRestartInAnotherZone: the visitors of a site are forgotten if its time zone was
// changed while the collector did not run, as they are while it runs.
func TestRestartInAnotherZone(t *testing.T) {
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	opts := visit.Options{Now: func() time.Time { return at }}
	tr := visit.New(opts)
	var row hit.Row
	tr.Observe(person(1, at, hit.Pageview), &row, zone(t, "Europe/Oslo"))
	tr = restart(t, tr, memory(t), opts)
	tr.Observe(person(1, at, hit.Pageview), &row, zone(t, "America/Santiago"))
	if row.Visitors != 1 {
		t.Error("a visitor is recognised in another time zone")
	}
}

// TestRestartUnknownZone: the visitors of a site are forgotten if its time zone is no
// longer known or has other rules than before. Other sites keep theirs.
func TestRestartUnknownZone(t *testing.T) {
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	opts := visit.Options{Now: func() time.Time { return at }}
	for _, loc := range []*time.Location{
		time.FixedZone("Atlantis/Poseidonis", 3600), time.FixedZone("Europe/Oslo", 3*3600), time.FixedZone("", 3600),
	} {
		tr := visit.New(opts)
		h := person(1, at, hit.Pageview)
		h.Site = 2
		var row hit.Row
		tr.Observe(h, &row, loc)
		isNew(tr, 1, at)
		tr = restart(t, tr, memory(t), opts)
		if tr.Observe(h, &row, loc); row.Visitors != 1 {
			t.Errorf("%v: a visitor is recognised", loc)
		}
		if isNew(tr, 1, at) {
			t.Errorf("%v: the other site started afresh too", loc)
		}
	}
}

// TestHandedOver: the state is held by one tracker or file at a time, and is used once.
func TestHandedOver(t *testing.T) {
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	opts := visit.Options{Now: func() time.Time { return at }}
	dir := memory(t)

	reg := prometheus.NewPedanticRegistry()
	first := visit.New(visit.Options{Now: opts.Now, Registerer: reg})
	for who := range 3 {
		isNew(first, who, at)
		isNew(first, who, at.AddDate(0, 0, -2))
	}
	stale := visit.New(opts)
	isNew(stale, 9, at)
	if err := stale.HandOver(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, file+".new"), []byte("cut off by a kill"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := first.HandOver(dir); err != nil { // replaces both files
		t.Fatal(err)
	}
	wantFiles(t, dir, file)
	wantGauges(t, reg, 0, 0)
	if !isNew(first, 1, at) {
		t.Error("a tracker that handed its state over recognises a visitor")
	}

	reg = prometheus.NewPedanticRegistry()
	second := visit.New(visit.Options{Now: opts.Now, Registerer: reg})
	if n, err := second.TakeOver(dir); n != 6 || err != nil {
		t.Errorf("TakeOver() = %d, %v, want 6 visitors", n, err)
	}
	wantFiles(t, dir)
	wantGauges(t, reg, 0, 6)
	if isNew(second, 1, at) || isNew(second, 1, at.AddDate(0, 0, -2)) || !isNew(second, 9, at) {
		t.Error("the state is not that of the last tracker")
	}

	third := visit.New(opts)
	if n, err := third.TakeOver(dir); n != 0 || err != nil {
		t.Errorf("nothing to take over: %d, %v", n, err)
	}

	// A tracker with nothing to hand over removes an earlier hand-over too.
	if err := second.HandOver(dir); err != nil {
		t.Fatal(err)
	}
	if err := third.HandOver(dir); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir)
}

func TestTakeOverInUse(t *testing.T) {
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	dir := memory(t)
	left, tr := visit.New(visit.Options{Now: live}), visit.New(visit.Options{Now: live})
	isNew(left, 1, at)
	isNew(tr, 2, at)
	if err := left.HandOver(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.TakeOver(dir); err == nil || errors.Is(err, visit.ErrNotInMemory) {
		t.Errorf("TakeOver() of a tracker in use: %v", err)
	}
	if isNew(tr, 2, at) || !isNew(tr, 1, at) {
		t.Error("its state is not as it was")
	}
}

// TestTakeOverFewer: if fewer visitors fit than were handed over, those whose last hit is
// oldest are evicted.
func TestTakeOverFewer(t *testing.T) {
	race.Skip(t)
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	now := func() time.Time { return at }
	dir := memory(t)
	reg := prometheus.NewPedanticRegistry()
	tr := visit.New(visit.Options{Now: now, Memory: 4 * visit.MinMemory, Registerer: reg})
	const visitors = 150_000
	for who := range visitors {
		isNew(tr, who, at)
	}
	for who := range 100 { // the first ones come back
		isNew(tr, who, at)
	}
	if gauge(t, reg, "fotspor_visitors_in_memory") != visitors {
		t.Fatal("not all visitors fit in the first place")
	}
	if err := tr.HandOver(dir); err != nil {
		t.Fatal(err)
	}
	reg = prometheus.NewPedanticRegistry()
	tr = visit.New(visit.Options{Now: now, Memory: visit.MinMemory, Registerer: reg})
	n, err := tr.TakeOver(dir)
	if n < 10_000 || n > visitors*2/3 || err != nil {
		t.Fatalf("TakeOver() = %d, %v, want some ten thousand visitors", n, err)
	}
	wantGauges(t, reg, visitors-n, n)
	if bytes := gauge(t, reg, "fotspor_visit_bytes"); bytes > visit.MinMemory {
		t.Errorf("they take %v bytes", bytes)
	}
	for _, who := range []int{0, 99, visitors - 1, visitors - n + 200} {
		if isNew(tr, who, at) {
			t.Errorf("visitor %d has left, who was among the %d seen last", who, n)
		}
	}
	if !isNew(tr, 100, at) || !isNew(tr, visitors-n-200, at) {
		t.Error("a visitor who was silent for longer has not left")
	}
}

// TestTakeOverOnce: if several trackers take over at once, one gets the state.
func TestTakeOverOnce(t *testing.T) {
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	dir := memory(t)
	for range 20 {
		tr := visit.New(visit.Options{Now: live})
		tr.Observe(person(1, at, hit.Pageview), &hit.Row{}, time.UTC)
		opts := visit.Options{Now: func() time.Time { return at }}
		if err := tr.HandOver(dir); err != nil {
			t.Fatal(err)
		}
		var got atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				n, _ := visit.New(opts).TakeOver(dir)
				got.Add(int64(n))
			})
		}
		wg.Wait()
		if got.Load() != 1 {
			t.Errorf("the state was taken over %d times", got.Load())
		}
	}
}

// TestHandOverMeanwhile: hits during a hand-over and a take-over do no harm.
func TestHandOverMeanwhile(t *testing.T) {
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	dir := memory(t)
	tr, next := visit.New(visit.Options{Now: live}), visit.New(visit.Options{Now: func() time.Time { return at }})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 2000 {
				isNew(tr, w*7+i%30, at.Add(time.Duration(i)*time.Minute))
				tr.Sweep(at)
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			if err := tr.HandOver(dir); err != nil {
				t.Error(err)
			}
			next.TakeOver(dir)
			next.Sweep(at)
		}
	})
	wg.Wait()
}

// TestNotInMemory: nothing is written where it might reach a disk or a stranger.
func TestNotInMemory(t *testing.T) {
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	base := memory(t)
	sub := func(mode os.FileMode) func(*testing.T) string {
		return func(t *testing.T) string {
			dir, err := os.MkdirTemp(base, "")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Remove(dir) })
			if err := os.Chmod(dir, mode); err != nil {
				t.Fatal(err)
			}
			return dir
		}
	}
	tests := map[string]struct {
		dir func(*testing.T) string
		say string
	}{
		"on a disk":            {onDisk, "neither tmpfs nor ramfs"},
		"a new one on a disk":  {func(t *testing.T) string { return filepath.Join(onDisk(t), "new") }, "neither tmpfs nor ramfs"},
		"shared":               {func(*testing.T) string { return "/dev/shm" }, "others may write"},
		"open to its group":    {sub(0o720), "others may write"},
		"open to all":          {sub(0o702), "others may write"},
		"no directory's child": {func(*testing.T) string { return base + "/a/b" }, "no such file"},
		"nowhere":              {func(*testing.T) string { return "" }, "no such file"},
		"a file": {func(t *testing.T) string {
			t.Cleanup(func() { os.Remove(base + "/file") })
			if err := os.WriteFile(base+"/file", nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return base + "/file"
		}, "not a directory"},
		"a link": {func(t *testing.T) string {
			dir := sub(0o700)(t)
			t.Cleanup(func() { os.Remove(base + "/link") })
			if err := os.Symlink(dir, base+"/link"); err != nil {
				t.Fatal(err)
			}
			return base + "/link/"
		}, "not a directory"},
		"of another user": {func(t *testing.T) string {
			dir := sub(0o700)(t)
			if err := os.Chown(dir, 65534, 65534); err != nil {
				t.Skip("NOT TESTED: only root can give a directory away:", err)
			}
			return dir
		}, "another user"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := tt.dir(t)
			before, _ := os.ReadDir(dir)
			tr := visit.New(visit.Options{Now: live})
			isNew(tr, 1, at)
			err := tr.HandOver(dir)
			if !errors.Is(err, visit.ErrNotInMemory) || !strings.Contains(err.Error(), tt.say) {
				t.Errorf("HandOver() = %v", err)
			}
			if isNew(tr, 1, at) {
				t.Error("the tracker is not as it was")
			}
			if n, err := visit.New(visit.Options{}).TakeOver(dir); n != 0 || !errors.Is(err, visit.ErrNotInMemory) {
				t.Errorf("TakeOver() = %d, %v", n, err)
			}
			if after, _ := os.ReadDir(dir); len(after) != len(before) {
				t.Errorf("%d files, where there were %d", len(after), len(before))
			}
			if strings.HasSuffix(dir, "/new") {
				if _, err := os.Stat(dir); err == nil {
					t.Error("the directory was made for nothing")
				}
			}
		})
	}
}

// onDisk returns an empty directory that is on no tmpfs.
func onDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := visit.New(visit.Options{}).HandOver(dir)
	if err == nil {
		if dir, err = os.MkdirTemp(".", "testdir-"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		if err = visit.New(visit.Options{}).HandOver(dir); err == nil {
			t.Skip("NOT TESTED: neither the temporary directory nor this one is on a disk")
		}
	}
	return dir
}

// TestHandOverMakesDir: in a shared directory in memory, HandOver creates a private one.
func TestHandOverMakesDir(t *testing.T) {
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	dir := filepath.Join(memory(t), "own")
	opts := visit.Options{Now: func() time.Time { return at }}
	tr := visit.New(opts)
	if n, err := tr.TakeOver(dir); n != 0 || err != nil {
		t.Errorf("TakeOver() at the first start = %d, %v", n, err)
	}
	isNew(tr, 1, at)
	if err := tr.HandOver(dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode() != os.ModeDir|0o700 {
		t.Errorf("directory: %v, %v", info, err)
	}
	if n, err := visit.New(opts).TakeOver(dir); n != 1 || err != nil {
		t.Errorf("TakeOver() = %d, %v", n, err)
	}
	os.Remove(dir)
}

// TestTakeOverRefuses: a file that is not what HandOver leaves is removed, and the
// tracker starts afresh.
func TestTakeOverRefuses(t *testing.T) {
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	opts := visit.Options{Now: func() time.Time { return at }}
	rewrite := func(change func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, name string) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, change(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	replace := func(with func(name string) error) func(*testing.T, string) {
		return func(t *testing.T, name string) {
			if err := errors.Join(os.Remove(name), with(name)); err != nil {
				t.Skip("NOT TESTED:", err)
			}
		}
	}
	elsewhere := filepath.Join(memory(t), "elsewhere")
	t.Cleanup(func() { os.Remove(elsewhere) })
	tests := map[string]struct {
		change func(t *testing.T, name string)
		say    string
	}{
		"empty":           {rewrite(func([]byte) []byte { return nil }), "cut short"},
		"of header alone": {rewrite(func(b []byte) []byte { return b[:17] }), "cut short"},
		"cut":             {rewrite(func(b []byte) []byte { return b[:len(b)-1] }), "checksum"},
		"longer":          {rewrite(func(b []byte) []byte { return append(b, 0) }), "checksum"},
		"with a bit flipped": {rewrite(func(b []byte) []byte {
			b[len(b)/2] ^= 1
			return b
		}), "checksum"},
		"of something else":  {rewrite(func([]byte) []byte { return []byte(strings.Repeat("?", 100)) }), "not a hand-over"},
		"of another version": {rewrite(func(b []byte) []byte { b[16] = 9; return b }), "format 9"},
		"of another user": {func(t *testing.T, name string) {
			if err := os.Chown(name, 65534, 65534); err != nil {
				t.Skip("NOT TESTED: only root can give a file away:", err)
			}
		}, "another user"},
		"open to others": {func(t *testing.T, name string) {
			if err := os.Chmod(name, 0o640); err != nil {
				t.Fatal(err)
			}
		}, "open to others"},
		"with another name": {func(t *testing.T, name string) {
			os.Remove(elsewhere)
			if err := os.Link(name, elsewhere); err != nil {
				t.Fatal(err)
			}
		}, "another name"},
		"a link": {func(t *testing.T, name string) {
			if err := errors.Join(os.Rename(name, elsewhere), os.Symlink(elsewhere, name)); err != nil {
				t.Fatal(err)
			}
		}, "symbolic links"},
		"a pipe": {replace(func(name string) error { return syscall.Mkfifo(name, 0o600) }), "no regular file"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := memory(t)
			tr := visit.New(opts)
			isNew(tr, 1, at)
			if err := tr.HandOver(dir); err != nil {
				t.Fatal(err)
			}
			tt.change(t, filepath.Join(dir, file))
			next := visit.New(opts)
			n, err := next.TakeOver(dir)
			if n != 0 || err == nil || !strings.Contains(err.Error(), tt.say) {
				t.Errorf("TakeOver() = %d, %v; want an error of %q", n, err, tt.say)
			}
			wantFiles(t, dir)
			if !isNew(next, 1, at) || isNew(next, 1, at) {
				t.Error("the tracker does not start afresh")
			}
		})
	}
}

// TestHandOverSize logs the size of a hand-over.
func TestHandOverSize(t *testing.T) {
	race.Skip(t)
	const visitors = 100_000
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	dir := memory(t)
	opts := visit.Options{Now: func() time.Time { return at }}
	tr := visit.New(opts)
	for who := range visitors {
		h := person(who, at, hit.Pageview)
		h.Site = uint32(1 + who>>16)
		for page := range 3 {
			row := hit.Row{Path: fmt.Sprintf("/artikkel/%d", (who+page)%300), Channel: "search", Source: "Google"}
			tr.Observe(h, &row, time.UTC)
		}
	}
	start := time.Now()
	if err := tr.HandOver(dir); err != nil {
		t.Fatal(err)
	}
	over := time.Since(start)
	info, err := os.Stat(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	if per := info.Size() / visitors; per < 50 || per > 65 {
		t.Errorf("%d bytes a visitor, where the documentation says some 60", per)
	}
	runtime.GC()
	start = time.Now()
	if n, err := visit.New(opts).TakeOver(dir); n != visitors || err != nil {
		t.Errorf("TakeOver() = %d, %v", n, err)
	}
	t.Logf("%d visitors: %d bytes, %v to hand over, %v to take over", visitors, info.Size(), over, time.Since(start))
}

// TestForget: visitors of a site, on past days too, are new once something of it was erased, and
// no row of them says where they were before. Others go on with their visits.
func TestForget(t *testing.T) {
	now := time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)
	opts := visit.Options{Now: func() time.Time { return now }}
	var days [3]uint64 // of site 1: today, yesterday; of site 2
	see := func(tr *visit.Tracker, path string) (told []string) {
		for i, at := range []time.Time{now, now.AddDate(0, 0, -1), now} {
			h := person(1, at, hit.Pageview)
			h.Site = uint32(1 + i/2)
			row := hit.Row{Path: path}
			told = append(told, tell(&row, tr.Observe(h, &row, time.UTC)))
			days[i] = h.SiteDay
		}
		return told
	}
	const on = "pageview page bounce-1 0s entry /a after /a"
	for name, tt := range map[string]struct {
		erasures [2]uint64 // of site 1, before the visits began and while they go on
		handOver bool
		forgets  bool
	}{
		"nothing erased":               {[2]uint64{0, 0}, false, false},
		"erased":                       {[2]uint64{0, 1}, false, true},
		"erased before":                {[2]uint64{7, 7}, false, false},
		"erased again":                 {[2]uint64{7, 8}, false, true},
		"of an older backup":           {[2]uint64{7, 2}, false, true},
		"erased while there was none":  {[2]uint64{0, 1}, true, true},
		"again while there was none":   {[2]uint64{7, 8}, true, true},
		"not while there was none":     {[2]uint64{7, 7}, true, false},
		"never, and there was a pause": {[2]uint64{0, 0}, true, false},
	} {
		tr := visit.New(opts)
		if tr.Forget(1, tt.erasures[0]) || tr.Forget(2, 3) {
			t.Errorf("%s: a tracker without visitors forgets some", name)
		}
		see(tr, "/a")
		first := days
		if tt.handOver {
			dir := memory(t)
			tr = restart(t, tr, dir, opts)
		}
		if got := tr.Forget(1, tt.erasures[1]); got != tt.forgets || tr.Forget(1, tt.erasures[1]) || tr.Forget(2, 3) {
			t.Errorf("%s: forgets %v, want %v, once, and no other site", name, got, tt.forgets)
		}
		want := []string{on, on, on}
		if tt.forgets {
			want[0] = "pageview visit visitor page bounce 0s entry /b"
			want[1] = want[0]
		}
		if diff := cmp.Diff(want, see(tr, "/b")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if !tt.handOver && (days[0] == first[0] || days[1] == first[1]) == tt.forgets {
			t.Errorf("%s: days of the site are %v, before %v", name, days, first)
		}
	}
}
