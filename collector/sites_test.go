package collector_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/collector"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
)

var errUnavailable = errors.New("store is unavailable")

// list is a Directory that can fail. It honours its context.
type list struct {
	mu    sync.Mutex
	hosts []string
	err   error
	calls int
}

// become changes the sites that the next call returns.
func (l *list) become(err error, hosts ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hosts, l.err = hosts, err
}

// called returns how many calls there were.
func (l *list) called() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls
}

func (l *list) Sites(ctx context.Context) ([]site.Site, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	if err := errors.Join(ctx.Err(), l.err); err != nil {
		return nil, err
	}
	var sites []site.Site
	for i, host := range l.hosts {
		sites = append(sites, site.Site{ID: uint32(i + 1), Name: host, Hosts: []string{host}, Location: time.UTC})
	}
	return sites, nil
}

func (l *list) Credentials(ctx context.Context) ([]site.Credential, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return []site.Credential{{ID: "a", Hash: site.HashSecret("hemmelig"), Sites: []uint32{2}}}, errors.Join(ctx.Err(), l.err)
}

// hostOf returns the host of a site, or "" if there is none.
func hostOf(sites *collector.Sites, id uint32) string {
	host, _ := sites.ByID(id)
	return host
}

func TestRefresh(t *testing.T) {
	l := list{hosts: []string{"one.example", "two.example"}}
	sites := collector.NewSites(&l, "", slog.New(slog.DiscardHandler))
	if host := hostOf(sites, 1); host != "" {
		t.Errorf("before the first refresh, site 1 is %q", host)
	}
	if err := sites.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, want := range []string{"", "one.example", "two.example", ""} {
		if host := hostOf(sites, uint32(id)); host != want {
			t.Errorf("site %d is %q, want %q", id, host, want)
		}
	}

	l.become(errUnavailable)
	if err := sites.Refresh(t.Context()); !errors.Is(err, errUnavailable) {
		t.Errorf("Refresh = %v, want %v", err, errUnavailable)
	}
	if host := hostOf(sites, 2); host != "two.example" {
		t.Errorf("after a failure, site 2 is %q", host)
	}

	l.become(nil, "new.example")
	if err := sites.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if one, two := hostOf(sites, 1), hostOf(sites, 2); one != "new.example" || two != "" {
		t.Errorf("sites are %q and %q", one, two)
	}
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		l := list{hosts: []string{"one.example"}}
		sites := collector.NewSites(&l, "", slog.New(slog.NewTextHandler(&log, nil)))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			sites.Watch(ctx, 10*time.Second)
		}()
		pass := func(d time.Duration) {
			time.Sleep(d) // by the clock of the bubble
			synctest.Wait()
		}

		pass(10*time.Second - time.Millisecond)
		if host := hostOf(sites, 1); host != "" {
			t.Errorf("before the interval is over, site 1 is %q", host)
		}
		pass(time.Millisecond)
		if host := hostOf(sites, 1); host != "one.example" {
			t.Errorf("after the interval, site 1 is %q", host)
		}

		l.become(errUnavailable)
		pass(20 * time.Second)
		if host := hostOf(sites, 1); host != "one.example" || l.called() != 3 {
			t.Errorf("after %d calls, of which two failed, site 1 is %q", l.called(), host)
		}
		if n := strings.Count(log.String(), "store is unavailable"); n != 1 {
			t.Errorf("two failures of one cause are %d lines of the log:\n%s", n, log.String())
		}

		l.become(nil, "two.example")
		pass(10 * time.Second)
		if host := hostOf(sites, 1); host != "two.example" {
			t.Errorf("after the store came back, site 1 is %q", host)
		}

		stop()
		<-done // otherwise the bubble reports a deadlock
		pass(time.Minute)
		if n := l.called(); n != 4 {
			t.Errorf("%d calls, want 4: Watch has ended", n)
		}
	})
}

// TestFind: a site that was added a moment ago is found at once. Unknown numbers cause at most
// one lookup in the store a second.
func TestFind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Hour) // the zero time is long ago in a bubble, too
		l := list{hosts: []string{"one.example"}}
		sites := collector.NewSites(&l, "", slog.New(slog.DiscardHandler))
		find := func(id uint32) string {
			host, _ := sites.Find(t.Context(), id)
			return host
		}
		if host := find(1); host != "one.example" || l.called() != 1 {
			t.Errorf("a new site is %q after %d calls, want it after 1", host, l.called())
		}
		for id := range uint32(100) {
			find(id + 2)
		}
		if l.called() != 1 {
			t.Errorf("100 unknown sites made %d calls, want none within a second", l.called()-1)
		}
		l.become(nil, "one.example", "two.example")
		time.Sleep(time.Second)
		if host := find(2); host != "two.example" || l.called() != 2 {
			t.Errorf("a second later the new site is %q after %d calls, want it after 2", host, l.called())
		}
		l.become(errUnavailable)
		time.Sleep(time.Second)
		if host := find(3); host != "" || find(2) != "two.example" {
			t.Errorf("with the store unavailable, site 3 is %q and site 2 %q", host, find(2))
		}
		time.Sleep(time.Second)
		if find(0); l.called() != 3 {
			t.Errorf("site 0, which is none, made a call")
		}
	})
}

// TestRestore: the last known sites are known after a start without the store.
func TestRestore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sites.json")
	oslo, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		t.Fatal(err)
	}
	one := site.Site{
		ID: 1, Name: "Én", Hosts: []string{"one.example", "*.one.example"}, Location: oslo,
		Parameters: []string{"id"}, Excluded: []string{"/admin/*"}, PathRules: []string{"/u/*"}, Record: privacy.Minimal,
	}
	directory := &rig{sites: []site.Site{one}, credentials: []site.Credential{{ID: "a", Hash: site.HashSecret("hemmelig"), Sites: []uint32{1}}}}
	logger := slog.New(slog.DiscardHandler)

	if err := collector.NewSites(directory, file, logger).Restore(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Restore without a copy = %v, want %v", err, fs.ErrNotExist)
	}
	for range 2 { // the second copy takes the place of the first
		one.Name += "!"
		directory.sites[0] = one
		if err := collector.NewSites(directory, file, logger).Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	after := collector.NewSites(&list{err: errUnavailable}, file, logger)
	if err := after.Restore(); err != nil {
		t.Fatal(err)
	}
	got, ok := after.Site(t.Context(), 1)
	if diff := cmp.Diff(one, got, cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })); !ok || diff != "" {
		t.Errorf("site (-want +got):\n%s", diff)
	}
	if !after.Allowed("hemmelig", 1) || after.Allowed("hemmelig", 2) || after.Allowed("", 1) {
		t.Error("the token is not what it was")
	}
	copied, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(copied, []byte("hemmelig")) {
		t.Error("the copy holds the secret of a token")
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("copy: %v, %v", info.Mode(), err)
	}

	for _, broken := range []string{"", "{", `{"Sites":[{"ID":1,"Name":"x","Hosts":["a.example"],"Location":"Nowhere/Town"}]}`, `{"Sites":[{"ID":1}]}`,
		`{"Sites":[{"ID":1,"Name":"x","Hosts":["a.example"],"Location":"UTC","PathRules":["u"]}]}`} {
		if err := os.WriteFile(file, []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := after.Restore(); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("Restore of %q = %v, want an error that names the file", broken, err)
		}
		if _, ok := after.Site(t.Context(), 1); !ok {
			t.Errorf("a copy %q, which is broken, took away what was known", broken)
		}
	}
}

// stuck is a Directory whose calls never return, even after their context has ended.
type stuck struct {
	calls    atomic.Int32
	released chan struct{}
}

func (s *stuck) Sites(context.Context) ([]site.Site, error) {
	s.calls.Add(1)
	<-s.released
	return nil, errUnavailable
}

func (s *stuck) Credentials(context.Context) ([]site.Credential, error) { return nil, errUnavailable }

// TestFindWithHangingStore: a hit waits half a second at most for an unknown site or token,
// few hits wait at a time, one lookup runs in the store, and hits of known sites do not wait.
func TestFindWithHangingStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "sites.json")
		logger := slog.New(slog.DiscardHandler)
		if err := collector.NewSites(&list{hosts: []string{"one.example"}}, file, logger).Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		hung := &stuck{released: make(chan struct{})}
		sites := collector.NewSites(hung, file, logger)
		if err := sites.Restore(); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		watched := make(chan struct{})
		go func() { defer close(watched); sites.Watch(ctx, 5*time.Second) }()
		time.Sleep(time.Hour) // by now Watch hangs in the store
		for round := range 3 {
			var waited atomic.Int32
			var all sync.WaitGroup
			for i := range 2000 {
				all.Go(func() {
					start := time.Now()
					if i%2 == 0 {
						sites.Find(t.Context(), uint32(i+2))
					} else {
						sites.Allowed("guess", 1)
					}
					switch took := time.Since(start); {
					case took > 500*time.Millisecond:
						t.Errorf("an unknown site took %v", took)
					case took > 0:
						waited.Add(1)
					}
				})
			}
			all.Wait()
			if n := waited.Load(); n > 256 || round > 0 && n > 0 {
				t.Errorf("round %d: %d hits waited for a store that hangs", round, n)
			}
			start := time.Now()
			if host, _ := sites.Find(t.Context(), 1); host != "one.example" || time.Since(start) > 0 {
				t.Errorf("the known site is %q after %v", host, time.Since(start))
			}
			time.Sleep(time.Minute)
		}
		if n := hung.calls.Load(); n != 1 {
			t.Errorf("%d questions are under way, want 1", n)
		}
		close(hung.released)
		stop()
		<-watched
		start := time.Now()
		if sites.Find(t.Context(), 7); time.Since(start) > 0 {
			t.Error("a hit waited for sites that nobody watches any more")
		}
		if err := sites.Refresh(t.Context()); !errors.Is(err, context.Canceled) {
			t.Errorf("Refresh after the end of Watch = %v, want %v", err, context.Canceled)
		}
	})
}
