package site_test

import (
	"slices"
	"testing"

	"github.com/fotspor/fotspor/site"
)

func TestSees(t *testing.T) {
	for name, c := range map[string]struct {
		user site.User
		want []uint32 // of 1, 2 and 3
	}{
		"admin":            {site.User{Role: site.Admin}, []uint32{1, 2, 3}},
		"restricted admin": {site.User{Role: site.Admin, Restricted: true}, []uint32{1, 2, 3}},
		"viewer":           {site.User{Role: site.Viewer}, []uint32{1, 2, 3}},
		"viewer of one":    {site.User{Role: site.Viewer, Restricted: true, Sites: []uint32{2}}, []uint32{2}},
		"editor":           {site.User{Role: site.Editor}, []uint32{1, 2, 3}},
		"editor of one":    {site.User{Role: site.Editor, Restricted: true, Sites: []uint32{3}}, []uint32{3}},
		"viewer of none":   {site.User{Role: site.Viewer, Restricted: true}, nil},
	} {
		var got []uint32
		for site := range uint32(3) {
			if c.user.Sees(site + 1) {
				got = append(got, site+1)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s sees %v, want %v", name, got, c.want)
		}
	}
}

// TestSetRights: only an admin has no list of sites.
func TestSetRights(t *testing.T) {
	for role, want := range map[site.Role]string{site.Admin: "admin", site.Editor: "editor, sites 1,2", site.Viewer: "viewer, sites 1,2"} {
		var u site.User
		if u.SetRights(role, true, []uint32{2, 1, 2}); u.Rights() != want {
			t.Errorf("rights %q, want %q", u.Rights(), want)
		}
	}
}
