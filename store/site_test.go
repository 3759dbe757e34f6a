package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store/storetest"
)

func TestPutSite(t *testing.T) {
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
	changed.SearchParameters, changed.SearchCategories, changed.SearchCounts = []string{"q", "tx_solr[q]"}, []string{"cat"}, []string{"n"}
	if err := changed.AddGoal(site.Goal{Name: "Påmelding 'kurs' \\ {x:Y}", Kind: hit.Event, Pattern: "Skjema / Send*", Since: time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []site.Site{changed, one, changed} {
		if err := st.PutSite(ctx, want); err != nil {
			t.Fatal(err)
		}
		got, err := st.Sites(ctx)
		if err != nil {
			t.Fatal(err)
		}
		options := cmp.Options{cmpopts.EquateEmpty(), cmp.Comparer(func(a, b site.Site) bool {
			return a.Location.String() == b.Location.String() && cmp.Equal(a, b, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(site.Site{}, "Location"))
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
	if n := query(t, st, "SELECT count() FROM audit WHERE about LIKE 'site 1: goals: [%Skjema%'"); n != "2" {
		t.Errorf("%s lines of the audit log tell of goals, want 2", n)
	}
	unknown := one
	unknown.ID = 99
	if err := st.PutSite(ctx, unknown); !errors.Is(err, site.ErrNotFound) {
		t.Errorf("unknown site: %v, want ErrNotFound", err)
	}
	if err := st.PutSite(ctx, site.Site{ID: one.ID}); err == nil {
		t.Error("a site without a name was stored")
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
