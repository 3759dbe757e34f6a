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
		{"a", "f=page%3A%2Fbruker%2Fola%40example.org&period=28d", site.ViewPersonalIn},
		{"a", "f=%21page%3A%2Fbruker%2Fola%2540example.org%2A", site.ViewPersonalIn},
		{"a", "f=entry%3A%2Fx%2F02013299997", site.ViewPersonalIn},
		{"a", "f=device%3Adesktop&f=campaign%3Aola%40example.org", site.ViewPersonalIn},
		{"a", "f=search%3A91+23+45+67", site.ViewPersonalIn},
		{"a", "path=%2Fbruker%2Fola%40example.org", site.ViewPersonalIn},
		{"a", "path=%2Fa&path=%2Fb%2Fola%40example.org", site.ViewPersonalIn},
		{"a", "from=%2Fb%2Fola%40example.org", site.ViewPersonalIn},
		{"a", "prefix=%2Fb%2F02013299997%2F", site.ViewPersonalIn},
		{"a", "name=ola%40example.org", site.ViewPersonalIn},
		{"a", "q=ola%40example.org", site.ViewPersonalIn},
		{"a", "tag=91+23+45+67", site.ViewPersonalIn},
		{"a", "a=%zz", site.ViewPersonalIn},
		{"a", "period=range&from=2026-10-01&to=2026-10-31&compare=year&align=date&sort=-exits&columns=pageviews%2Cexits&measure=visits&at=2026-11-21", ""},
		{"a", "period=week&at=2026-W47&f=region%3ANO-50&f=page%3A%2Fsak%2F%5Bnumber%5D%2A&f=source%3Awww.nrk.no&f=language%3Anb&path=%2Fnyheter%2F2026%2F11%2Fvinteråpent%3Fid%3D12", ""},
		{"a", "f=page%3A%2Fbruker%2F%5Bemail%5D&f=search%3Aola+nordmannsen&name=h%C3%B8st-2026", ""},
	} {
		v := site.View{Name: c.name, Query: c.query, Owner: "kari"}
		if got := v.Problem(); got != c.want {
			t.Errorf("%.30q %.90q: problem %q, want %q", c.name, c.query, got, c.want)
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
