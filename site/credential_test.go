package site_test

import (
	"testing"

	"github.com/fotspor/fotspor/site"
)

func TestCredentialAllows(t *testing.T) {
	for _, test := range []struct {
		sites []uint32
		site  uint32
		want  bool
	}{
		{nil, 1, true},
		{[]uint32{}, 7, true},
		{[]uint32{1, 3}, 3, true},
		{[]uint32{1, 3}, 2, false},
	} {
		if got := (site.Credential{Sites: test.sites}).Allows(test.site); got != test.want {
			t.Errorf("a credential of sites %v allows %d = %v, want %v", test.sites, test.site, got, test.want)
		}
	}
}
