package store_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

func TestChangeSite(t *testing.T) {
	st := storetest.Open(t)
	ctx := t.Context()
	one, err := st.AddSite(ctx, site.Site{Name: "a", Hosts: []string{"example.org"}, Location: oslo})
	if err != nil {
		t.Fatal(err)
	}
	other, err := st.AddSite(ctx, site.Site{
		Name: "b", Hosts: []string{"b.example"}, Location: oslo,
		Parameters: []string{"id"}, Excluded: []string{"/intern"}, Record: privacy.Standard,
	})
	if err != nil {
		t.Fatal(err)
	}
	changed := one
	changed.Name, changed.Hosts = "å", []string{"example.org", "*.example.org"}
	changed.Parameters = []string{"id", "page_no", "a.b-C9"}
	changed.Excluded = []string{"/admin/*", "*/it's a ?\\{x:Y}"}
	changed.PathRules = []string{"/u/*", "/it's \\{x:Y}/*/**"}
	changed.Record = privacy.Minimal
	changed.Guard, changed.StripSlash, changed.IgnoredReferrers = 10, true, []string{"default", "login.example.org"}
	changed.Networks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/48")}
	changed.School = calendar.SchoolWeeks{Winter: 8, Autumn: 41}
	changed.Tags = []string{"Skole's", "Kultur \\ {x:Y}"}
	changed.SearchParameters, changed.SearchCategories, changed.SearchCounts = []string{"q", "tx_solr[q]"}, []string{"cat"}, []string{"n"}
	if err := changed.AddGoal(site.Goal{Name: "Påmelding 'kurs' \\ {x:Y}", Kind: hit.Event, Pattern: "Skjema / Send*", Since: time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []site.Site{changed, one, changed} {
		if err := storetest.PutSite(ctx, st, want); err != nil {
			t.Fatal(err)
		}
		got, err := st.Sites(ctx)
		if err != nil {
			t.Fatal(err)
		}
		options := cmp.Options{cmpopts.EquateEmpty(), cmp.Comparer(func(a, b site.Site) bool {
			return a.Location.String() == b.Location.String() && cmp.Equal(a, b, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Prefix{}), cmpopts.IgnoreFields(site.Site{}, "Location"))
		})}
		if diff := cmp.Diff([]site.Site{want, other}, got, options); diff != "" {
			t.Errorf("sites (-want +got):\n%s", diff)
		}
	}
	// Goals are a setting, of which there is a line for each change and none for a site
	// that never had one.
	if n := query(t, st, "SELECT groupArray(site), groupArray(number) FROM (SELECT * FROM settings WHERE key = 'goals' ORDER BY number)"); n != "[1,1,1]\t[1,2,3]" {
		t.Errorf("lines of goals %s", n)
	}
	if one, err := st.Site(ctx, one.ID); err != nil || len(one.Goals) != 1 {
		t.Errorf("site by its number: %+v, %v", one, err)
	}
	if n := query(t, st, "SELECT countIf(about LIKE 'site 1: %goals%'), countIf(about LIKE '%Skjema%') FROM audit"); n != "3\t0" {
		t.Errorf("lines of the audit log that tell of goals, and by name: %s, want 3 and none", n)
	}
	unknown := one
	unknown.ID = 99
	if err := storetest.PutSite(ctx, st, unknown); !errors.Is(err, site.ErrNotFound) {
		t.Errorf("unknown site: %v, want ErrNotFound", err)
	}
	if err := storetest.PutSite(ctx, st, site.Site{ID: one.ID}); err == nil {
		t.Error("a site without a name was stored")
	}
}

// TestChangesAtOnce: of changes that several processes make at once, none is lost.
func TestChangesAtOnce(t *testing.T) {
	ctx := t.Context()
	cfg := store.Config{Engine: storetest.Engine(t), Database: storetest.Database(), Create: true}
	var stores []*store.Store
	for range 3 {
		st, err := store.Open(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		stores = append(stores, st)
	}
	const rounds = 4
	var all sync.WaitGroup
	do := func(f func(i int, st *store.Store) error) {
		for i := range rounds * len(stores) {
			all.Go(func() {
				if err := f(i, stores[i%len(stores)]); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	do(func(i int, st *store.Store) error {
		_, err := st.AddSite(ctx, site.Site{Name: fmt.Sprint("n", i), Hosts: []string{fmt.Sprintf("h%d.example", i)}, Location: oslo})
		return err
	})
	do(func(i int, st *store.Store) error {
		_, err := st.ChangeSite(ctx, 1, func(s *site.Site) error {
			if i%2 == 0 {
				s.Excluded = append(slices.Clone(s.Excluded), fmt.Sprint("/", i))
				return nil
			}
			return s.AddGoal(site.Goal{Name: fmt.Sprint("g", i), Kind: hit.Pageview, Pattern: "/"})
		})
		return err
	})
	sites, err := stores[0].Sites(ctx)
	if err != nil || len(sites) != rounds*len(stores) {
		t.Fatalf("%d sites, %v, want %d", len(sites), err, rounds*len(stores))
	}
	if one := sites[0]; len(one.Goals) != rounds*len(stores)/2 || len(one.Excluded) != rounds*len(stores)/2 {
		t.Errorf("%d goals and %d excluded paths, want %d of each", len(one.Goals), len(one.Excluded), rounds*len(stores)/2)
	}
	if n := query(t, stores[0], "SELECT count(), uniq(number) FROM settings WHERE site = 1 AND key = 'goals'"); n != "6\t6" {
		t.Errorf("lines and numbers of goals %s, want 6 of both", n)
	}
	refused := errors.New("refused")
	if _, err := stores[0].ChangeSite(ctx, 1, func(s *site.Site) error { s.Name = "x"; return refused }); !errors.Is(err, refused) {
		t.Errorf("ChangeSite = %v, want the error of the change", err)
	}
	if one, err := stores[1].Site(ctx, 1); err != nil || one.Name == "x" {
		t.Errorf("a refused change made %+v, %v", one, err)
	}
}

// TestOneSite: one site is read alone. A mistake in another one is none of its business.
func TestOneSite(t *testing.T) {
	st := storetest.Open(t)
	ctx := t.Context()
	for _, name := range []string{"a", "b"} {
		if _, err := st.AddSite(ctx, site.Site{Name: name, Hosts: []string{name + ".example"}, Location: oslo}); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Exec(ctx, "INSERT INTO sites (id, name, hosts, timezone, updated) VALUES (3, 'c', ['c.example'], 'Mars/Olympus', now64(6))"); err != nil {
		t.Fatal(err)
	}
	if got, err := st.Site(ctx, 2); got.Name != "b" || err != nil {
		t.Errorf("site 2 = %+v, %v", got, err)
	}
	if _, err := st.Site(ctx, 3); err == nil || errors.Is(err, site.ErrNotFound) {
		t.Errorf("site 3 in an unknown time zone: %v", err)
	}
	if _, err := st.Site(ctx, 4); !errors.Is(err, site.ErrNotFound) {
		t.Errorf("site 4: %v, want ErrNotFound", err)
	}
}

// TestSiteChanges: what changes figures is kept with its day and who did it, the newest first,
// and nothing else is.
func TestSiteChanges(t *testing.T) {
	st := storetest.Open(t)
	ctx := audit.As(t.Context(), audit.Actor{Via: audit.Page, Name: "kari"})
	one, err := st.AddSite(t.Context(), site.Site{Name: "a", Hosts: []string{"example.org"}, Location: oslo, Guard: 5})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.AddSite(ctx, site.Site{Name: "b", Hosts: []string{"b.example"}, Location: oslo}); err != nil {
		t.Fatal(err)
	}
	put := func(change func(*site.Site)) {
		t.Helper()
		change(&one)
		if err := storetest.PutSite(ctx, st, one); err != nil {
			t.Fatal(err)
		}
	}
	put(func(s *site.Site) { s.Name, s.Tags = "å", []string{"x"} })
	put(func(s *site.Site) {
		s.Excluded, s.Hosts = []string{"/intern/*"}, []string{"example.org", "xn--blbr-roah.no"}
	})
	put(func(s *site.Site) {})
	put(func(s *site.Site) { s.Excluded, s.Guard = nil, 10 })
	put(func(s *site.Site) {
		if err := s.AddGoal(site.Goal{Name: "Kurs", Kind: hit.Event, Pattern: "x", Since: time.Unix(0, 0).UTC()}); err != nil {
			t.Fatal(err)
		}
	})
	told := func(limit int) []string {
		changes, err := st.SiteChanges(t.Context(), one.ID, limit)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, c := range changes {
			if age := time.Since(c.Since); age < 0 || age > time.Minute {
				t.Errorf("%+v changed %v ago", c, age)
			}
			if !c.First {
				all = append(all, fmt.Sprintf("%s %s: %q -> %q", c.Who, c.Setting, c.Before, c.After))
			} else if c.Setting == "host" {
				all = append(all, "added with "+c.After)
			}
		}
		return all
	}
	want := []string{
		`kari goals: "" -> "Kurs"`, `kari exclude: "/intern/*" -> ""`, `kari guard: "5" -> "10"`,
		`kari host: "example.org" -> "example.org,blåbær.no"`, `kari exclude: "" -> "/intern/*"`, "added with example.org",
	}
	if diff := cmp.Diff(want, told(100)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[:3], told(2)); diff != "" {
		t.Errorf("the last two (-want +got):\n%s", diff)
	}
}

// TestPulse: of a site's last minutes each has its hits, and the last hit is found however
// long ago it was.
func TestPulse(t *testing.T) {
	st := storetest.Open(t)
	ctx := context.Background()
	now := time.Date(2026, 11, 22, 12, 44, 50, 0, time.UTC)
	pulse := func(id uint32) hit.Pulse {
		t.Helper()
		p, err := st.Pulse(ctx, id, now)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := pulse(1); !p.Last.IsZero() || p.Sum() != 0 {
		t.Errorf("a site without hits: %+v", p)
	}
	row := func(id uint32, kind hit.Kind, at time.Time) hit.Row {
		return hit.Row{Site: id, Kind: kind, Time: at, Day: calendar.DayOf(at), Path: "/", Pageviews: 1}
	}
	old := now.AddDate(0, -8, 0)
	rows := []hit.Row{
		row(1, hit.Pageview, now), row(1, hit.Pageview, now.Add(-50*time.Second)), row(1, hit.Event, now.Add(-51*time.Second)),
		row(1, hit.Ping, now.Add(-5*time.Minute)), row(1, hit.Goal, now.Add(-5*time.Minute)), row(1, hit.Download, now.Add(-5*time.Minute)),
		row(1, hit.Pageview, now.Add(-29*time.Minute-50*time.Second)), row(1, hit.Pageview, now.Add(-29*time.Minute-51*time.Second)),
		row(1, hit.Pageview, now.Add(time.Second)), row(1, hit.Pageview, now.AddDate(0, 0, -1)),
		row(2, hit.Pageview, old), row(2, hit.Pageview, old.Add(-time.Hour)),
	}
	if err := st.Insert(ctx, hit.Batch{Rows: rows}, "rows"); err != nil {
		t.Fatal(err)
	}
	want := hit.Pulse{Last: now}
	want.Minutes[29], want.Minutes[28], want.Minutes[24], want.Minutes[0] = 2, 1, 1, 1
	if diff := cmp.Diff(want, pulse(1)); diff != "" {
		t.Errorf("pulse (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(hit.Pulse{Last: old}, pulse(2)); diff != "" {
		t.Errorf("pulse of a site that is silent (-want +got):\n%s", diff)
	}
}

// TestForgetVisits: each erasure changes the number of the sites that it concerns.
func TestForgetVisits(t *testing.T) {
	s := storetest.Open(t)
	for _, host := range []string{"one.example", "two.example"} {
		if _, err := s.AddSite(t.Context(), site.Site{Name: host, Hosts: []string{host}, Location: time.UTC}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		id   uint32 // of the erasure
		want [2]uint64
	}{{1, [2]uint64{1, 0}}, {0, [2]uint64{2, 1}}, {2, [2]uint64{2, 2}}, {2, [2]uint64{2, 3}}, {0, [2]uint64{3, 4}}} {
		if err := s.ForgetVisits(t.Context(), tt.id, "text"); err != nil {
			t.Fatal(err)
		}
		all, err := s.Sites(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, one := range all {
			alone, err := s.Site(t.Context(), one.ID)
			if err != nil || one.Erasures != tt.want[i] || alone.Erasures != tt.want[i] {
				t.Errorf("after an erasure of site %d, site %d has %d and %d, %v, want %d", tt.id, one.ID, one.Erasures, alone.Erasures, err, tt.want[i])
			}
		}
	}
}
