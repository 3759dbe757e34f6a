package collector_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/collector"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/site"
)

// newRigOf returns a rig with one site, that of base with changes.
func newRigOf(t *testing.T, change func(*site.Site), options func(*collector.Options)) *rig {
	t.Helper()
	r := newRig(t, options)
	change(&r.sites[0])
	if err := r.options.Sites.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// onlyRow sends a request, and returns its row, or the collector's reason if it has none.
func (r *rig) onlyRow(q request) (hit.Row, string) {
	r.tb.Helper()
	told := r.send(q).Header().Get("X-Fotspor")
	rows := r.stored()
	if len(rows) != 1 {
		return hit.Row{}, told
	}
	return rows[0], told
}

func ofHosts(hosts ...string) func(*site.Site) {
	return func(s *site.Site) { s.Hosts = hosts }
}

const action1 = "/matomo.php?idsite=1&rec=1&url="

func TestHostsOfPages(t *testing.T) {
	const foreign = "dropped: foreign host"
	for _, c := range []struct{ name, hosts, page, host, told string }{
		{"site in Unicode, page as browsers send it", "blåbær.no", "https://xn--blbr-roah.no/", "xn--blbr-roah.no", ""},
		{"site as browsers send it, page in Unicode", "xn--blbr-roah.no", "https://blåbær.no/", "xn--blbr-roah.no", ""},
		{"www. before it", "xn--blbr-roah.no", "https://www.blåbær.no/", "www.xn--blbr-roah.no", ""},
		{"www. before the site's", "www.xn--blbr-roah.no", "https://xn--blbr-roah.no/", "xn--blbr-roah.no", ""},
		{"wildcard in Unicode", "example.org *.blåbær.no", "https://butikk.xn--blbr-roah.no/", "butikk.xn--blbr-roah.no", ""},
		{"wildcard as browsers send it", "example.org *.xn--blbr-roah.no", "https://Butikk.BLÅBÆR.no/", "butikk.xn--blbr-roah.no", ""},
		{"host in form D", "xn--blbr-roah.no", "https://bla\u030abær.no/", "xn--blbr-roah.no", ""},
		{"percent-encoded host", "xn--blbr-roah.no", "https://bl%25C3%25A5b%25C3%25A6r.no/", "xn--blbr-roah.no", ""},
		{"capitals, port and final dot", "example.org", "https://WWW.Example.org.:8443/", "www.example.org", ""},
		{"path alone", "blåbær.no", "/om", "xn--blbr-roah.no", ""},
		{"another that looks alike", "blåbær.no", "https://blabar.no/", "", foreign},
		{"another one in Unicode", "example.org", "https://blåbær.no/", "", foreign},
		{"Google Translate by name", "example.org www-example-org.translate.goog", "https://www-example-org.translate.goog/om?_x_tr_sl=no", "www-example-org.translate.goog", ""},
		{"Google Translate by wildcard", "example.org *.translate.goog", "https://www-example-org.translate.goog/om", "www-example-org.translate.goog", ""},
		{"Google Translate of another site", "example.org *.translate.goog", "https://www-example-com.translate.goog/om", "", foreign},
		{"Google Translate that the owner has not named", "example.org", "https://www-example-org.translate.goog/om", "", foreign},
		{"cache of AMP", "example.org *.cdn.ampproject.org", "https://www-example-org.cdn.ampproject.org/c/s/www.example.org/om", "www-example-org.cdn.ampproject.org", ""},
		{"cache of AMP of another site under the site's host", "example.org *.cdn.ampproject.org", "https://www-example-org.cdn.ampproject.org/c/s/evil.com/x", "", foreign},
		{"the same by name", "example.org www-example-org.cdn.ampproject.org", "https://www-example-org.cdn.ampproject.org/c/s/evil.com/x", "", foreign},
		{"cache of AMP of another site", "example.org *.cdn.ampproject.org", "https://www-example-com.cdn.ampproject.org/c/s/www.example.com/om", "", foreign},
	} {
		r := newRigOf(t, ofHosts(strings.Fields(c.hosts)...), nil)
		row, told := r.onlyRow(request{target: action1 + c.page})
		if row.Host != c.host || c.told != "" && told != c.told {
			t.Errorf("%s: host %q, told %q, want %q, %q", c.name, row.Host, told, c.host, c.told)
		}
	}
}

func TestPixelFromReferer(t *testing.T) {
	r := newRigOf(t, ofHosts("blåbær.no"), nil)
	row, told := r.onlyRow(request{target: "/pixel.gif?site=1", header: map[string]string{"Referer": "https://xn--blbr-roah.no/om"}})
	if row.Host != "xn--blbr-roah.no" || row.Path != "/om" {
		t.Errorf("row of %q%q, told %q", row.Host, row.Path, told)
	}
}

// TestPathsOfCopies: a page has the same path on the site and in all copies of it.
func TestPathsOfCopies(t *testing.T) {
	r := newRigOf(t, func(s *site.Site) {
		s.Hosts = []string{"example.org", "*.cdn.ampproject.org", "*.translate.goog"}
		s.Excluded, s.PathRules = []string{"/intern/*"}, []string{"/u/*"}
	}, nil)
	const cache = "https://www-example-org.cdn.ampproject.org"
	for page, want := range map[string]string{
		cache + "/c/s/www.example.org/om/oss":                    "/om/oss",
		cache + "/c/www.example.org/om":                          "/om",
		cache + "/v/s/example.org/om?amp_js_v=0.1":               "/om",
		cache + "/wp/s/example.org":                              "/",
		cache + "/c/s/example.org/u/kari":                        "/u/[*]",
		cache + "/c/s/www.example.com/om":                        "", // another website's
		cache + "/c/s/om":                                        "/c/s/om",
		cache + "/om":                                            "/om",
		"https://example.org/c/s/example.org/om":                 "/c/s/example.org/om",
		"https://www-example-org.translate.goog/c/s/example.org": "/c/s/example.org",
	} {
		if row, told := r.onlyRow(request{target: action1 + url.QueryEscape(page)}); row.Path != want {
			t.Errorf("%s: path %q, told %q, want %q", page, row.Path, told, want)
		}
	}
	if _, told := r.onlyRow(request{target: action1 + cache + "/c/s/example.org/intern/a"}); told != "dropped: excluded path" {
		t.Errorf("excluded page of a cache: %s", told)
	}
}

func TestOwnLinksAndReferrersInAnySpelling(t *testing.T) {
	for _, site := range []string{"blåbær.no", "xn--blbr-roah.no"} {
		for _, other := range []string{"blåbær.no", "xn--blbr-roah.no", "www.XN--BLBR-ROAH.no.", "WWW.BLÅBÆR.NO:443"} {
			r := newRigOf(t, ofHosts(site), nil)
			_, told := r.onlyRow(request{target: action1 + "https://" + site + "/&link=https://" + other + "/om"})
			if told != "dropped: own link" {
				t.Errorf("link from %s to %s: %s", site, other, told)
			}
			row, _ := r.onlyRow(request{target: action1 + "https://" + site + "/&urlref=https://" + other + "/om"})
			if row.Channel != "direct" || row.Source != "" {
				t.Errorf("from %s to %s: %s %q, want direct", other, site, row.Channel, row.Source)
			}
		}
	}
}

// TestRowsHaveASCIIHosts: a host has one spelling in the store.
func TestRowsHaveASCIIHosts(t *testing.T) {
	r := newRig(t, nil)
	row, _ := r.onlyRow(request{target: action1 + "/&urlref=https://www.blåbær.no/om"})
	if row.Channel != "website" || row.Source != "xn--blbr-roah.no" {
		t.Errorf("source %s %q", row.Channel, row.Source)
	}
	for _, link := range []string{"https://BLÅBÆR.no./om", "https://xn--blbr-roah.no/om"} {
		if row, _ := r.onlyRow(request{target: action1 + "/&link=" + link}); row.Name != "xn--blbr-roah.no/om" {
			t.Errorf("link to %s is named %q", link, row.Name)
		}
	}
	if row, _ := r.onlyRow(request{target: action1 + "/&link=https://ola-91234567-blåbær.no/"}); !strings.Contains(row.Name, "[") {
		t.Errorf("a number of a person in an encoded host is kept: %q", row.Name)
	}
}

// TestPathsInFormC: paths that differ only in Unicode's form are the same, in every column and
// for every rule.
func TestPathsInFormC(t *testing.T) {
	const formC, formD = "/Årsrapport", "/A\u030arsrapport"
	forms := []string{formC, formD, "/%C3%85rsrapport", "/A%CC%8Arsrapport", "/%c3%85rsrapport"}
	for _, form := range forms {
		r := newRigOf(t, func(s *site.Site) { s.Parameters = []string{"side"} }, nil)
		page := url.QueryEscape("https://example.org" + form)
		row, _ := r.onlyRow(request{target: action1 + page})
		if row.Path != formC || row.EntryPath != formC {
			t.Errorf("page %q: path %q, entry %q", form, row.Path, row.EntryPath)
		}
		row, _ = r.onlyRow(request{target: action1 + url.QueryEscape("https://example.org/neste?side="+strings.TrimPrefix(form, "/"))})
		if row.PreviousPath != formC || row.Path != "/neste?side=Årsrapport" {
			t.Errorf("page %q: previous %q, then %q", form, row.PreviousPath, row.Path)
		}
		row, _ = r.onlyRow(request{target: action1 + "/&download=" + page + ".pdf"})
		if row.Name != "example.org"+formC+".pdf" {
			t.Errorf("download %q is named %q", form, row.Name)
		}
		row, _ = r.onlyRow(request{target: action1 + "/&link=" + url.QueryEscape("https://blåbær.no"+form)})
		if row.Name != "xn--blbr-roah.no"+formC {
			t.Errorf("link %q is named %q", form, row.Name)
		}
		row, _ = r.onlyRow(request{target: action1 + "/&e_c=Lest&e_a=" + url.QueryEscape(formD)})
		if row.Name != "Lest / "+formC {
			t.Errorf("event is named %q", row.Name)
		}
		for _, pattern := range forms {
			r := newRigOf(t, func(s *site.Site) { s.Excluded = []string{pattern + "*"} }, nil)
			if _, told := r.onlyRow(request{target: action1 + page + "/2025"}); told != "dropped: excluded path" {
				t.Errorf("page %q, excluded %q: %s", form, pattern, told)
			}
			r = newRigOf(t, func(s *site.Site) { s.PathRules = []string{pattern + "/*"} }, nil)
			if row, _ := r.onlyRow(request{target: action1 + page + "/kari"}); row.Path != formC+"/[*]" {
				t.Errorf("page %q, rule %q: path %q", form, pattern, row.Path)
			}
		}
	}
}

// TestWhoMayFrameTheStatement: only pages of the site may frame the statement, and not the
// pages of others that a page proxy serves.
func TestWhoMayFrameTheStatement(t *testing.T) {
	r := newRigOf(t, ofHosts("xn--blbr-roah.no", "*.example.org", "*.translate.goog", "www-example-org.cdn.ampproject.org"), nil)
	policy := r.send(request{target: "/privacy/1"}).Header().Get("Content-Security-Policy")
	for host, want := range map[string]bool{"www.xn--blbr-roah.no": true, "*.example.org": true, "translate.goog": false, "ampproject": false} {
		if got := strings.Contains(policy, host); got != want {
			t.Errorf("%s may frame the statement: %t, want %t: %s", host, got, want, policy)
		}
	}
}

// TestPathRulesInAnySpelling: the rules of a site apply to its URLs in texts, with its host in
// any spelling.
func TestPathRulesInAnySpelling(t *testing.T) {
	for _, host := range []string{"blåbær.no", "xn--blbr-roah.no", "www.BLÅBÆR.no.", "bl%C3%A5b%C3%A6r.no", "blåbær.no:8080"} {
		r := newRigOf(t, func(s *site.Site) { s.Hosts, s.PathRules = []string{"xn--blbr-roah.no"}, []string{"/u/*"} }, nil)
		for _, what := range []string{"&e_c=x&e_a=", "&search=", "&download="} {
			row, told := r.onlyRow(request{target: action1 + "/" + what + url.QueryEscape("https://"+host+"/u/kari")})
			if row.Name == "" || strings.Contains(row.Name, "kari") {
				t.Errorf("%s%s: %q, told %q", what, host, row.Name, told)
			}
		}
	}
}
