package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// viewsOf returns the views of a site that a user sees, in one line.
func viewsOf(t *testing.T, st *store.Store, id uint32, user string) string {
	t.Helper()
	views, err := st.Views(t.Context(), id, user)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, v := range views {
		whose := v.Owner
		if v.Shared {
			whose = "shared"
		}
		all = append(all, fmt.Sprintf("%s (%s) %s?%s", v.Name, whose, v.Page, v.Query))
		if time.Since(v.Since).Abs() > time.Hour || v.ID == 0 || v.ID >= 1<<53 || v.Site != id {
			t.Errorf("view %+v", v)
		}
	}
	return strings.Join(all, "|")
}

// TestViews: each sees their own views and the shared ones of the site, the newest row of each
// counts, and neither a removed view nor those of a removed user leave anything on the disk.
func TestViews(t *testing.T) {
	st := storetest.Open(t)
	ctx := audit.As(t.Context(), audit.Actor{Via: audit.Page, Name: "kari"})
	put := func(v site.View) {
		t.Helper()
		if err := st.PutView(ctx, v); err != nil {
			t.Fatal(err)
		}
	}
	const odd = `It's "\ {x:Y} ?`
	put(site.View{Site: 1, Name: odd, Owner: "kari", Page: "/pages", Query: `f=page%3A%2Fa%2A&q=%27`})
	put(site.View{Site: 1, Name: "årlig", Owner: "kari"})
	put(site.View{Site: 1, Name: "Alle", Owner: "kari", Shared: true, Query: "period=month"})
	put(site.View{Site: 2, Name: "Annet", Owner: "kari", Shared: true})
	put(site.View{Site: 1, Name: "årlig", Owner: "ola", Page: "/sources"})
	shared := "Alle (shared) ?period=month"
	for user, want := range map[string]string{
		"kari": shared + "|" + odd + ` (kari) /pages?f=page%3A%2Fa%2A&q=%27|årlig (kari) ?`, "ola": shared + "|årlig (ola) /sources?", "per": shared,
	} {
		if diff := cmp.Diff(want, viewsOf(t, st, 1, user)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", user, diff)
		}
	}
	for what, c := range map[string]struct {
		view site.View
		want error
	}{
		"an own one of the same name":         {site.View{Site: 1, Name: "årlig", Owner: "kari"}, site.ErrSameView},
		"a shared one of the same name":       {site.View{Site: 1, Name: "Alle", Owner: "ola", Shared: true}, site.ErrSameView},
		"one that there is not":               {site.View{ID: 7, Site: 1, Name: "x", Owner: "kari"}, site.ErrNotFound},
		"an own one of a shared one's name":   {site.View{Site: 1, Name: "Alle", Owner: "per"}, nil},
		"one of the same name, of other site": {site.View{Site: 2, Name: "årlig", Owner: "kari"}, nil},
	} {
		if err := st.PutView(ctx, c.view); !errors.Is(err, c.want) || (err != nil) != (c.want != nil) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
	if err := st.PutView(ctx, site.View{Site: 1, Name: "Ola 91 23 45 67", Owner: "kari"}); err == nil {
		t.Error("a view with a phone number as its name was stored")
	}

	mine, _ := st.Views(t.Context(), 1, "kari")
	changed := mine[1]
	changed.Name = "Sider"
	put(changed)
	other := mine[2]
	other.Owner = "ola"
	if err := st.PutView(ctx, other); !errors.Is(err, site.ErrNotFound) {
		t.Errorf("another's view was changed: %v", err)
	}
	changed.Site = 2
	if err := st.PutView(ctx, changed); !errors.Is(err, site.ErrNotFound) {
		t.Errorf("changed as one of another site: %v", err)
	}
	if err := st.RemoveView(ctx, 1, mine[2].ID); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(shared+"|Sider (kari) /pages?f=page%3A%2Fa%2A&q=%27", viewsOf(t, st, 1, "kari")); diff != "" {
		t.Errorf("after a change and a removal (-want +got):\n%s", diff)
	}
	if n := query(t, st, "SELECT count() FROM saved_views WHERE name LIKE '%It%' OR name = 'årlig' AND owner = 'kari' AND site = 1"); n != "0" {
		t.Errorf("%s rows have the names that were replaced", n)
	}

	if err := st.AddUser(ctx, site.User{Name: "kari", Role: site.Editor, Password: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := st.RemoveUser(ctx, "kari"); err != nil {
		t.Fatal(err)
	}
	if got := viewsOf(t, st, 1, "kari") + ";" + viewsOf(t, st, 2, "kari") + ";" + viewsOf(t, st, 1, "ola"); got != shared+";Annet (shared) ?;"+shared+"|årlig (ola) /sources?" {
		t.Errorf("after the user was removed: %s", got)
	}
	if n := query(t, st, "SELECT count() FROM saved_views WHERE owner = 'kari' AND NOT shared"); n != "0" {
		t.Errorf("%s rows of the removed user are left", n)
	}
	if got := query(t, st, "SELECT groupArray(action) FROM (SELECT action FROM audit WHERE about LIKE 'site 1: saved view %' ORDER BY action)"); got !=
		"['view added','view added','view added','view added','view added','view changed','view removed']" {
		t.Errorf("audit log: %s", got)
	}
	if n := query(t, st, "SELECT count() FROM audit WHERE about LIKE '%Alle%' OR about LIKE '%Sider%'"); n != "0" {
		t.Error("the audit log has what was typed")
	}
}

// TestManyViews: a user has room for so many views over all sites, and a site for so many
// shared ones.
func TestManyViews(t *testing.T) {
	st := storetest.Open(t)
	query(t, st, "SELECT 1")
	fill := func(n int) {
		t.Helper()
		if err := st.Exec(t.Context(), fmt.Sprintf("INSERT INTO saved_views (site, id, name, owner, shared) SELECT 1, number + %d, toString(number), 'kari', false FROM numbers(%d)", 1+n*2, n)); err != nil {
			t.Fatal(err)
		}
	}
	fill(site.MaxOwnViews - 1)
	for _, c := range []struct {
		what string
		view site.View
		want error
	}{
		{"the last", site.View{Site: 1, Name: "a", Owner: "kari"}, nil},
		{"one too many", site.View{Site: 2, Name: "a", Owner: "kari"}, site.ErrManyViews},
		{"a change", site.View{ID: uint64(1 + 2*(site.MaxOwnViews-1)), Site: 1, Name: "b", Owner: "kari"}, nil},
		{"somebody else's", site.View{Site: 1, Name: "a", Owner: "ola"}, nil},
		{"a shared one", site.View{Site: 1, Name: "a", Owner: "kari", Shared: true}, nil},
	} {
		if err := st.PutView(t.Context(), c.view); !errors.Is(err, c.want) || (err != nil) != (c.want != nil) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
	if err := st.Exec(t.Context(), fmt.Sprintf("INSERT INTO saved_views (site, id, name, owner, shared) SELECT 1, number + 1000, toString(number), 'kari', true FROM numbers(%d)", site.MaxSharedViews-1)); err != nil {
		t.Fatal(err)
	}
	if err := st.PutView(t.Context(), site.View{Site: 1, Name: "c", Owner: "ola", Shared: true}); !errors.Is(err, site.ErrManyViews) {
		t.Errorf("one too many shared: %v", err)
	}
	if err := st.PutView(t.Context(), site.View{Site: 2, Name: "c", Owner: "ola", Shared: true}); err != nil {
		t.Errorf("shared on another site: %v", err)
	}
}
