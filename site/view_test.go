package site_test

import (
	"strings"
	"testing"

	"github.com/fotspor/fotspor/site"
)

func TestViewProblem(t *testing.T) {
	for _, c := range []struct {
		name, query string
		want        site.ViewProblem
	}{
		{"Månedsrapport", "period=month", ""},
		{strings.Repeat("å", site.MaxViewName/2), strings.Repeat("f", site.MaxViewQuery), ""},
		{"<b> & \"q\"", "", ""},
		{"", "", site.ViewEmpty},
		{strings.Repeat("å", site.MaxViewName/2) + "a", "", site.ViewTooLong},
		{" a", "", site.ViewUnprintable},
		{"a\x00", "", site.ViewUnprintable},
		{"a\u202eb", "", site.ViewUnprintable},
		{"\xff", "", site.ViewUnprintable},
		{"Ola 91 23 45 67", "", site.ViewPersonal},
		{"a", strings.Repeat("f", site.MaxViewQuery+1), site.ViewTooLarge},
	} {
		v := site.View{Name: c.name, Query: c.query, Owner: "kari"}
		if got := v.Problem(); got != c.want {
			t.Errorf("%.30q: problem %q, want %q", c.name, got, c.want)
		}
		if err := v.Validate(); (err != nil) != (c.want != "") {
			t.Errorf("%.30q: %v", c.name, err)
		}
	}
	if err := (site.View{Name: "a"}).Validate(); err == nil {
		t.Error("a view of nobody is valid")
	}
}

// TestWhoseView: one's own views are nobody else's, also not an admin's; shared ones are all
// people's, and changed by those who write.
func TestWhoseView(t *testing.T) {
	for _, c := range []struct {
		user          string
		role          site.Role
		shared        bool
		seen, changed bool
	}{
		{"kari", site.Viewer, false, true, true},
		{"kari", site.Viewer, true, true, false},
		{"kari", site.Editor, true, true, true},
		{"ola", site.Viewer, false, false, false},
		{"ola", site.Admin, false, false, false},
		{"ola", site.Viewer, true, true, false},
		{"ola", site.Editor, true, true, true},
	} {
		v, u := site.View{Owner: "kari", Shared: c.shared}, site.User{Name: c.user, Role: c.role}
		if seen, changed := v.SeenBy(u), v.ChangedBy(u); seen != c.seen || changed != c.changed {
			t.Errorf("%+v: seen %t, changed %t", c, seen, changed)
		}
	}
}
