package dashboard

import (
	"strings"
	"testing"

	"github.com/fotspor/fotspor/report"
)

// TestBoth: a page's own filters and those of the reader hold at once, also by the same
// dimension.
func TestBoth(t *testing.T) {
	for _, c := range []struct{ reader, own, want string }{
		{"", "page:/a", "page:/a"},
		{"country:NO", "page:/a", "country:NO page:/a"},
		{"!page:/b", "page:/a", "!page:/b page:/a"},
		{"page:/a", "page:/a", "page:/a"},
		{"page:/a page:/b", "page:/a", "page:/a"},
		{"page:/b", "page:/a", "page:/a !page:/a"},
		{"page:/b*", "page:/a", "page:/a !page:/a"},
		{"page:/a*", "page:/a", "page:/a"},
		{"page:/a/b", "page:/a*", "page:/a/b"},
		{"page:/a", "page:/a*", "page:/a"},
		{"page:/a*", "page:/a*", "page:/a*"},
		{"page:/a/*", "page:/a*", "page:/a/*"},
		{"page:/a/b page:/c", "page:/a*", "page:/a/b"},
		{"page:/b country:NO", "page:/a page:/b", "country:NO page:/b"},
		{"page:/c", "page:/a page:/b", "page:/b !page:/b"},
		{"campaign:x", "campaign:y channel:email", "campaign:y !campaign:y channel:email"},
	} {
		parse := func(s string) (all []report.Filter) {
			for _, one := range strings.Fields(s) {
				f, err := report.ParseFilter(one)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, f)
			}
			return all
		}
		var got []string
		for _, f := range both(parse(c.reader), parse(c.own)...) {
			got = append(got, f.String())
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q within %q is %q, want %q", c.reader, c.own, got, c.want)
		}
	}
}
