package site_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/site"
)

// TestSettings: each setting reads what it writes, in every spelling that people use, and its
// errors name the setting and the value that is wrong.
func TestSettings(t *testing.T) {
	for _, tt := range []struct{ key, text, want, wrong string }{
		{"name", "  A\u030ase ", "Åse", ""},
		{"name", "", "", ""},
		{"name", strings.Repeat("å", 201), "", strings.Repeat("å", 201)},
		{"name", "Siden til kari.nordmann@example.org", "", "Siden til kari.nordmann@example.org"},
		{"tags", "Skole,15076500565", "", "15076500565"},
		{"exclude", "/intern/*,/u/kari@example.org/*", "", "/u/kari@example.org/*"},
		{"path-rules", "/u/*,/u/15076500565/*", "", "/u/15076500565/*"},
		{"contact", "personvern@example.org, 99 88 77 66", "personvern@example.org, 99 88 77 66", ""},
		{"officer", "Kari Nordmann, kari@example.org", "Kari Nordmann, kari@example.org", ""},
		{"host", "BLÅBÆR.no.\r\n*.blåbær.no\n\n,blåbær.no", "blåbær.no,*.blåbær.no", ""},
		{"host", "example.org,https://b.no/x", "", "https://b.no/x"},
		{"host", "*.example.org", "", "*.example.org"},
		{"host", "", "", ""},
		{"timezone", "Asia/Kathmandu", "Asia/Kathmandu", ""},
		{"timezone", "Mars/Olympus", "", "Mars/Olympus"},
		{"timezone", "Local", "", "Local"},
		{"tags", "Skole\nKultur, Skole", "Skole,Kultur", ""},
		{"tags", "1,2,3,4,5,6,7,8,9,10,11", "", "11"},
		{"tags", strings.Repeat("x", 51), "", strings.Repeat("x", 51)},
		{"exclude", "/intern/*\n*.pdf", "/intern/*,*.pdf", ""},
		{"exclude", "/ok\nintern", "", "intern"},
		{"exclude-networks", "192.0.2.99/24, 2001:db8:1:2::/48\n192.0.2.0/24", "192.0.2.0/24,2001:db8:1::/48", ""},
		{"exclude-networks", "10.0.0.0/8,2001:db8::/16", "10.0.0.0/8,2001::/16", ""},
		{"exclude-networks", "192.0.2.7", "", "192.0.2.7"},
		{"exclude-networks", "192.0.2.7/32", "", "192.0.2.7/32"},
		{"exclude-networks", "192.0.2.0/25", "", "192.0.2.0/25"},
		{"exclude-networks", "2001:db8::/64", "", "2001:db8::/64"},
		{"exclude-networks", "::ffff:192.0.2.0/120", "", "::ffff:192.0.2.0/120"},
		{"exclude-networks", "0.0.0.0/0", "", "0.0.0.0/0"},
		{"exclude-networks", "::/0", "", "::/0"},
		{"parameters", "id\ntx_news%5Bid%5D", "id,tx_news[id]", ""},
		{"parameters", "id,a&b", "", "a&b"},
		{"path-rules", "/u/*", "/u/*", ""},
		{"path-rules", "/u/*,/v/<x>,/u", "", "/v/<x>"},
		{"trailing-slash", "strip", "strip", ""},
		{"trailing-slash", "drop", "", "drop"},
		{"ignore-referrers", "default\n*.Logg-inn.blåbær.no", "default,logg-inn.blåbær.no", ""},
		{"ignore-referrers", "", "default", ""},
		{"ignore-referrers", "none", "none", ""},
		{"ignore-referrers", "none,a.no", "", "none"},
		{"search-parameters", "matomo", "q,query,s,search,searchword,k,keyword", ""},
		{"search-parameters", "q=", "", "q="},
		{"search-category-parameters", "cat,CAT", "cat", ""},
		{"search-count-parameters", "a/b", "", "a/b"},
		{"policy", "default", "default", ""},
		{"policy", "minimal", "minimal", ""},
		{"policy", "all", "", "all"},
		{"guard", " 10 ", "10", ""},
		{"guard", "101", "", "101"},
		{"guard", "-1", "", "-1"},
		{"guard", "many", "", "many"},
		{"controller", "  Eksempel A\u030as ", "Eksempel Ås", ""},
		{"controller", "a\nb", "", "a\nb"},
		{"controller", strings.Repeat("å", 251), "", strings.Repeat("å", 251)},
		{"basis", "nb: Fordi\r\nnn: Av di\r\n", "nb: Fordi\nnn: Av di", ""},
		{"basis", strings.Repeat("x", 3001), "", strings.Repeat("x", 3001)},
		{"purpose", "a\x00b", "", "a\x00b"},
		{"opt-out", " https://www.example.org/personvern#valg ", "https://www.example.org/personvern#valg", ""},
		{"opt-out", "https://example.net/personvern", "", "https://example.net/personvern"},
		{"opt-out", "javascript:alert(1)", "", "javascript:alert(1)"},
		{"opt-out", "//example.org/", "", "//example.org/"},
		{"opt-out", "https://me@example.org/", "", "https://me@example.org/"},
		{"opt-out", "https://example.org/" + strings.Repeat("x", 1000), "", "https://example.org/" + strings.Repeat("x", 1000)},
	} {
		s := site.Site{Name: "a", Hosts: []string{"example.org"}, Location: time.UTC}
		setting := site.FindSetting(tt.key)
		err := setting.Read(&s, tt.text)
		if err == nil {
			err = s.Validate()
		}
		if bad := tt.wrong != "" || tt.want == "" && tt.text == ""; bad {
			var invalid site.InvalidError
			if !errors.As(err, &invalid) || invalid.Setting != tt.key || invalid.Value != tt.wrong {
				t.Errorf("%s %q: %#v, want an error about %q", tt.key, tt.text, err, tt.wrong)
			}
			continue
		}
		if got := setting.Get(s); err != nil || got != tt.want {
			t.Errorf("%s %q: %q, %v, want %q", tt.key, tt.text, got, err, tt.want)
		}
		again := site.Site{Name: "a", Hosts: []string{"example.org"}, Location: time.UTC}
		if err := setting.Read(&again, setting.Get(s)); err != nil || setting.Get(again) != tt.want {
			t.Errorf("%s %q: read again it is %q, %v", tt.key, tt.want, setting.Get(again), err)
		}
	}
}

// TestNetworksAreCoarse: a network of a site holds no less than is kept of any address.
func TestNetworksAreCoarse(t *testing.T) {
	for bits := range 129 {
		for _, address := range []string{"192.0.0.0", "2001::"} {
			s := site.Site{Name: "a", Hosts: []string{"example.org"}, Location: time.UTC}
			least, most := 8, geo.MaxBits4
			if address == "2001::" {
				least, most = 16, geo.MaxBits6
			} else if bits > 32 {
				continue
			}
			err := site.FindSetting("exclude-networks").Read(&s, address+"/"+strconv.Itoa(bits))
			if err == nil {
				err = s.Validate()
			}
			if ok := least <= bits && bits <= most; ok != (err == nil) {
				t.Errorf("%s/%d: %v", address, bits, err)
			}
		}
	}
}

// TestSettingsTakeBoundedMemory: the settings of a site are not of any size.
func TestSettingsTakeBoundedMemory(t *testing.T) {
	s := site.Site{Name: "a", Hosts: []string{"example.org"}, Location: time.UTC}
	for s.Validate() == nil && len(s.Excluded) < site.MaxSettings {
		s.Excluded = append(s.Excluded, strings.Repeat("/side", 20))
	}
	if n := len(s.Excluded); n*100 > site.MaxSettings+100 || n*100 < site.MaxSettings/2 {
		t.Errorf("%d paths of 100 bytes were taken", n)
	}
}

func TestSchoolWeeksOfASite(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "8,40": "8,40", " 9 ,\n41": "9,41", "0,40": "0,40", "8,0": "8,0", "0,0": "",
		"8": "error", "40,8": "error", "8,40,41": "error", "8,53": "error", "uke 8,40": "error", "-8,40": "error",
	} {
		var s site.Site
		got := "error"
		if err := site.FindSetting("school-weeks").Read(&s, text); err == nil {
			got = site.FindSetting("school-weeks").Get(s)
		}
		if got != want {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
	}
}
