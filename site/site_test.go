package site_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
)

func TestSiteValidate(t *testing.T) {
	good := func() site.Site {
		return site.Site{
			Name: "a", Hosts: []string{"example.org", "*.example.org"}, Location: time.UTC,
			Parameters: []string{"id"}, Excluded: []string{"/admin", "*.pdf"}, Record: privacy.Standard,
		}
	}
	if err := good().Validate(); err != nil {
		t.Fatal(err)
	}
	byAddress := good()
	byAddress.Name, byAddress.Hosts = "127.0.0.1", []string{"127.0.0.1"}
	if err := byAddress.Validate(); err != nil {
		t.Errorf("a site that is called by its host, an address: %v", err)
	}
	for want, spoil := range map[string]func(*site.Site){
		"without a name":      func(s *site.Site) { s.Name = "" },
		"without a host":      func(s *site.Site) { s.Hosts = nil },
		"without a time zone": func(s *site.Site) { s.Location = nil },
		`host ""`:             func(s *site.Site) { s.Hosts[0] = "" },
		`host "blåbær.no"`:    func(s *site.Site) { s.Hosts[0] = "blåbær.no" },
		`host "a.no."`:        func(s *site.Site) { s.Hosts[0] = "a.no." },
		`host "a.no:80"`:      func(s *site.Site) { s.Hosts[0] = "a.no:80" },
		`host "*.å.no"`:       func(s *site.Site) { s.Hosts[1] = "*.å.no" },
		`host "A"`:            func(s *site.Site) { s.Hosts[0] = "A" },
		`host "https://a/"`:   func(s *site.Site) { s.Hosts[0] = "https://a/" },
		`host "*.main"`:       func(s *site.Site) { s.Hosts[0] = "*.main" },
		`host "*"`:            func(s *site.Site) { s.Hosts[1] = "*" },
		`host "*."`:           func(s *site.Site) { s.Hosts[1] = "*." },
		`host "*.*.a"`:        func(s *site.Site) { s.Hosts[1] = "*.*.a" },
		`host "*..a"`:         func(s *site.Site) { s.Hosts[1] = "*..a" },
		`host "a.*"`:          func(s *site.Site) { s.Hosts[1] = "a.*" },
		`host "*a"`:           func(s *site.Site) { s.Hosts[1] = "*a" },
		`parameter ""`:        func(s *site.Site) { s.Parameters[0] = "" },
		`parameter "a b"`:     func(s *site.Site) { s.Parameters[0] = "a b" },
		`parameter "a=b"`:     func(s *site.Site) { s.Parameters[0] = "a=b" },
		`parameter "a&b"`:     func(s *site.Site) { s.Parameters[0] = "a&b" },
		`parameter "%61"`:     func(s *site.Site) { s.Parameters[0] = "%61" },
		`parameter "å"`:      func(s *site.Site) { s.Parameters[0] = "å" },
		`path ""`:             func(s *site.Site) { s.Excluded[0] = "" },
		`path "admin"`:        func(s *site.Site) { s.Excluded[0] = "admin" },
		`path rule "/u"`:      func(s *site.Site) { s.PathRules = []string{"/u/*", "/u"} },
		`referrer "a"`:        func(s *site.Site) { s.IgnoredReferrers = []string{"a"} },
		`referrer "A.no"`:     func(s *site.Site) { s.IgnoredReferrers = []string{"default", "A.no"} },
		`referrer "none"`:     func(s *site.Site) { s.IgnoredReferrers = []string{"a.no", "none"} },
		`referrer "a.no/b"`:   func(s *site.Site) { s.IgnoredReferrers = []string{"a.no/b"} },
		`parameter "c d"`:     func(s *site.Site) { s.SearchParameters = []string{"c d"} },
		`parameter "e f"`:     func(s *site.Site) { s.SearchCategories = []string{"e f"} },
		`parameter "g h"`:     func(s *site.Site) { s.SearchCounts = []string{"g h"} },
		`record "all"`:        func(s *site.Site) { s.Record = "all" },
	} {
		s := good()
		spoil(&s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want one about %s", err, want)
		}
	}
}

func TestSiteOwns(t *testing.T) {
	s := site.Site{Hosts: []string{"example.org", "www.shop.example", "*.blog.example"}}
	for host, want := range map[string]bool{
		"example.org":          true,
		"www.example.org":      true,
		"shop.example":         true,
		"www.shop.example":     true,
		"a.example.org":        false,
		"notexample.org":       false,
		"blog.example":         false,
		"a.blog.example":       true,
		"www.blog.example":     true,
		"a.b.blog.example":     true,
		".blog.example":        false,
		"notblog.example":      false,
		"blog.example.evil.no": false,
		"*.blog.example":       true, // no host, and below it as text
		"":                     false,
	} {
		if got := s.Owns(host); got != want {
			t.Errorf("owns %q = %v, want %v", host, got, want)
		}
	}
}

func TestSiteOwnsInAnySpelling(t *testing.T) {
	for _, own := range []string{"blåbær.no", "xn--blbr-roah.no", "BLÅBÆR.NO", "www.blåbær.no"} {
		s := site.Site{Hosts: []string{own, "*.shop." + own}}
		for host, want := range map[string]bool{
			"blåbær.no": true, "xn--blbr-roah.no": true, "www.xn--blbr-roah.no": true, "XN--BLBR-ROAH.no.": true, "blåbær.no:443": true,
			"blabar.no": false, "x.blåbær.no": false, "a.shop." + own: true, "A.SHOP." + strings.ToUpper(own) + ".": true,
		} {
			if got := s.Owns(host); got != want {
				t.Errorf("site %q owns %q = %v, want %v", own, host, got, want)
			}
		}
	}
}

func TestSiteOwnsCopiesOfItsPages(t *testing.T) {
	s := site.Site{Hosts: []string{"example.org", "*.translate.goog", "*.cdn.ampproject.org", "other-example.bing-amp.com"}}
	for host, want := range map[string]bool{
		"www-example-org.translate.goog":   true,
		"example-org.cdn.ampproject.org":   true,
		"www-example-com.translate.goog":   false,
		"a-example-org.translate.goog":     false,
		"x.www-example-org.translate.goog": false,
		"translate.goog":                   false,
		"other-example.bing-amp.com":       true, // by its name
		"example-org.bing-amp.com":         false,
	} {
		if got := s.Owns(host); got != want {
			t.Errorf("owns %q = %v, want %v", host, got, want)
		}
	}
}

func TestSiteExcludes(t *testing.T) {
	for _, test := range []struct {
		patterns string // separated by blanks
		yes, no  string
	}{
		{patterns: "/admin", yes: "/admin", no: "/ /admin/ /admins /x/admin"},
		{patterns: "/admin/*", yes: "/admin/ /admin/a /admin/a/b", no: "/admin /x/admin/"},
		{patterns: "*/preview", yes: "/preview /a/b/preview", no: "/preview/ /apreview /previewed"},
		{patterns: "*.pdf", yes: "/a.pdf /a/.pdf /.pdf.pdf", no: "/a.pdfx /pdf"},
		{patterns: "/*/edit/*", yes: "/a/edit/ /a/b/edit/c //edit/", no: "/edit/ /a/edit"},
		{patterns: "*ab*ab", yes: "/abab /ab/ab /ababab", no: "/ab /aba"},
		{patterns: "/a*a", yes: "/aa /aba", no: "/a"},
		{patterns: "/a**b", yes: "/ab /axb", no: "/a"},
		{patterns: "*", yes: "/ /x/y", no: ""},
		{patterns: "/æ/*", yes: "/æ/ø", no: "/ae/ø"},
		{patterns: "/årsrapport", yes: "/årsrapport /a\u030arsrapport", no: "/arsrapport"},
		{patterns: "/a\u030arsrapport/*", yes: "/årsrapport/ /a\u030arsrapport/x", no: "/årsrapport"},
		{patterns: "/%C3%A5rsrapport*", yes: "/årsrapport /årsrapport/x", no: "/arsrapport"},
		{patterns: "/a%CC%8Arsrapport", yes: "/årsrapport", no: "/arsrapport"},
		{patterns: "/100%", yes: "/100%", no: "/100"},
		{patterns: "/%F8l", yes: "/%F8l", no: "/øl"},
		{patterns: "/a /b/*", yes: "/a /b/c", no: "/b /c"},
		{patterns: "/a.c", yes: "/a.c", no: "/abc"},
		{patterns: "", yes: "", no: "/ /a"},
	} {
		s := site.Site{Excluded: strings.Fields(test.patterns)}
		for want, paths := range map[bool]string{true: test.yes, false: test.no} {
			for _, path := range strings.Fields(paths) {
				if got := s.Excludes(path); got != want {
					t.Errorf("%q exclude %q = %v, want %v", test.patterns, path, got, want)
				}
			}
		}
	}
}

func TestSiteLooksCostNothing(t *testing.T) {
	s := site.Site{
		Hosts:    []string{"example.org", "*.example.org"},
		Excluded: []string{"/admin/*", "*/a*b*c*d*e", "*.pdf"},
	}
	path := "/" + strings.Repeat("abcd/", 200)
	if n := testing.AllocsPerRun(100, func() { s.Owns("www.sub.example.org"); s.Excludes(path) }); n != 0 {
		t.Errorf("allocations = %v, want 0", n)
	}
}
