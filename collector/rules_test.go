package collector_test

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/collector/dialect/matomo"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/site"
)

// TestPathRules: a site's path rules mark a name in every URL of the site in a hit, and nothing
// else.
func TestPathRules(t *testing.T) {
	const home = "https://example.org/"
	q := url.QueryEscape
	for _, c := range []struct {
		name, query string
		want        [2]string // path and name
	}{
		{"page", "url=" + q(home+"u/kari?x=/u/kari#/u/kari"), [2]string{"/u/[*]", ""}},
		{"page by path", "url=" + q("/u/kari/bilder"), [2]string{"/u/[*]/bilder", ""}},
		{"encoded slash", "url=" + q(home+"u/kari%2Fnordmann"), [2]string{"/u/[*]", ""}},
		{"encoded twice", "url=" + q(home+"u/kari%252Fnordmann"), [2]string{"/u/[*]", ""}},
		{"path parameters", "url=" + q(home+"u;a=b/kari;c=d/x"), [2]string{"/u/[*]/x", ""}},
		{"no text at all", "url=" + q(home+"U/%ff%fe/x"), [2]string{"/U/[*]/x", ""}},
		{"allowed parameter", "url=" + q(home+"a?sak="+q("/u/kari")+"&side="+q(home+"u/kari")), [2]string{"/a?sak=/u/[*]&side=" + home + "u/[*]", ""}},
		{"another host", "url=" + q("https://butikk.example.org/u/kari"), [2]string{"/u/[*]", ""}},
		{"what no rule is about", "url=" + q(home+"om/kari"), [2]string{"/om/kari", ""}},
		{"beside what scrubbing marks", "url=" + q(home+"u/kari/ola@example.org"), [2]string{"/u/[*]/[email]", ""}},
		{"event", "url=/a&e_c=JavaScript+Errors&e_a=" + q(home+"u/kari"), [2]string{"/a", "JavaScript Errors / " + home + "u/[*]"}},
		{"event with a path", "url=/a&e_c=Profil&e_a=vist&e_n=" + q("/u/kari"), [2]string{"/a", "Profil / vist / /u/[*]"}},
		{"event with another's URL", "url=/a&e_c=a&e_a=" + q("https://other.example/u/kari"), [2]string{"/a", "a / https://other.example/u/kari"}},
		{"search", "url=/a&search=" + q(home+"u/kari"), [2]string{"/a", home + "u/[*]"}},
		{"slash encoded", "url=" + q(home+"u%2Fkari"), [2]string{"/u/[*]", ""}},
		{"slash encoded twice", "url=" + q(home+"u%252Fkari"), [2]string{"/u/[*]", ""}},
		{"all encoded", "url=" + q("/%2Fu/kari"), [2]string{"//u/[*]", ""}},
		{"unseen sign", "url=" + q("/u%00/kari"), [2]string{"/u/[*]", ""}},
		{"backslash", "url=" + q("/u%5Ckari"), [2]string{"/u/[*]", ""}},
		{"dots in the encoded", "url=" + q("/x%2F..%2Fu%2Fkari"), [2]string{"/u/[*]", ""}},
		{"shape", "url=" + q("/sak/kari"), [2]string{"/sak/kari", ""}},
		{"dot at the end of the host", "url=" + q("https://example.org./u/kari"), [2]string{"/u/[*]", ""}},
		{"dot at the end of the host in a text", "url=/a&e_c=a&e_a=" + q("se http://example.org./u/kari"), [2]string{"/a", "a / se http://example.org./u/[*]"}},
		{"apostrophe in a text", "url=/a&e_c=a&e_a=" + q("se /u/o'hara nå"), [2]string{"/a", "a / se /u/[*] nå"}},
		{"unseen sign in a text", "url=/a&search=" + q("se /u\x00/kari"), [2]string{"/a", "se /u/[*]"}},
		{"two layers in a text", "url=/a&search=" + q("se /u/kari og %2Fu%2Fola"), [2]string{"/a", "se /u/[*] og /u/[*]"}},
		{"path in a search", "url=/a&search=" + q("se /u/kari"), [2]string{"/a", "se /u/[*]"}},
		{"path in a category", "url=/a&search=a&search_cat=" + q("b /u/kari"), [2]string{"/a", "a / b /u/[*]"}},
		{"search as typed", "url=/a&search=" + q("AC/DC / Rammstein og / eller GET /side") + "&search_cat=" + q("a /b / c"), [2]string{"/a", "AC/DC / Rammstein og / eller GET /side / a /b / c"}},
		{"download", "url=/a&download=" + q(home+"u/kari/cv.pdf"), [2]string{"/a", "example.org/u/[*]/cv.pdf"}},
		{"download of another host", "url=/a&download=" + q("https://other.example/u/cv.pdf"), [2]string{"/a", "other.example/u/cv.pdf"}},
		{"outlink", "url=/a&link=" + q("https://other.example/u/x"), [2]string{"/a", "other.example/u/x"}},
		{"goal", "url=" + q(home+"u/kari") + "&idgoal=1", [2]string{"/u/[*]", "goal / 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, nil)
			r.rules("/u/*")
			r.send(request{target: "/matomo.php?idsite=1&rec=1&" + c.query})
			rows := r.stored()
			if len(rows) != 1 {
				t.Fatalf("%d rows, want 1: %v", len(rows), r.counts())
			}
			if got := [2]string{rows[0].Path, rows[0].Name}; got != c.want {
				t.Errorf("path and name are %q, want %q", got, c.want)
			}
		})
	}
}

// rules gives site 1 path rules.
func (r *rig) rules(texts ...string) {
	r.tb.Helper()
	r.sites = slices.Clone(r.sites)
	r.sites[0].PathRules = texts
	if err := r.options.Sites.Refresh(r.tb.Context()); err != nil {
		r.tb.Fatal(err)
	}
}

// TestPathRulesFollowTheVisit: entry and previous pages have the marks, also those that were
// seen before the rule was added. So have referrers and campaigns.
func TestPathRulesFollowTheVisit(t *testing.T) {
	r := newRig(t, nil)
	r.view("/u/kari")
	r.rules("/u/*")
	for _, query := range []string{
		"url=" + url.QueryEscape("/u/ola?utm_campaign=/u/ola&utm_content=https://example.org/u/ola") + "&urlref=https://example.org/u/kari",
		"url=/om&urlref=https://example.org/u/ola", "url=/om&ping=1",
	} {
		r.send(request{target: "/matomo.php?idsite=1&rec=1&" + query})
	}
	rows := r.stored()[1:]
	var got [][3]string
	for _, row := range rows {
		got = append(got, [3]string{row.EntryPath, row.Path, row.PreviousPath})
	}
	want := [][3]string{{"/u/[*]", "/u/[*]", "/u/[*]"}, {"/u/[*]", "/om", "/u/[*]"}, {"/u/[*]", "/om", "/om"}}
	if diff := cmp.Diff(want, got[:len(got):len(got)]); diff != "" {
		t.Errorf("entry, page and previous page (-want +got):\n%s", diff)
	}
	if text := fmt.Sprintf("%+v", rows); strings.Contains(text, "kari") || strings.Contains(text, "ola") {
		t.Errorf("a name is kept: %s", text)
	}
}

// TestNoNameUnderARule plants a name under a rule, in a path in any chain of encodings: as
// a page, an allowed parameter, a download, a search and an event.
func TestNoNameUnderARule(t *testing.T) {
	r := newRig(t, nil)
	r.rules("/u/*", "/bruker/*/profil", "/sak/**", "/@*")
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(layers)), func(name string) bool { return name == "mail" }) // =2F alone may be a value
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.SampledFrom([]string{
			"u/NAVNESEN", "bruker/NAVNESEN/profil", "sak/2024/NAVNESEN", "@NAVNESEN/x", "x/../u/NAVNESEN", "U/NAVNESEN", "u\\NAVNESEN",
		}).Draw(t, "path")
		for range rapid.IntRange(0, 4).Draw(t, "layers") {
			path = encode(rapid.SampledFrom(names).Draw(t, "layer"), path, rapid.Bool().Draw(t, "all"))
		}
		path = rapid.SampledFrom([]string{"", "https://example.org", "https://example.org.:443"}).Draw(t, "host") + "/" + path
		for _, query := range []string{
			"url=" + q(path), "url=" + q("/?sak="+q(path)), "url=" + q("/?mtm_kwd="+q(path)), "url=/&download=" + q(path),
			"url=/&search=" + q("om "+path), "url=/&e_c=a&e_a=" + q(path), "url=/&e_c=a&e_a=b&e_n=" + q(path),
		} {
			r.now = r.now.Add(time.Hour)
			r.send(request{target: "/matomo.php?idsite=1&rec=1&" + query})
		}
		for _, row := range r.stored() {
			for _, text := range texts(row) {
				if strings.Contains(bare(text), "navnesen") {
					t.Fatalf("%s is stored as %q", path, text)
				}
			}
		}
	})
}

// TestExcludedBeforeMarked: an excluded path remains excluded when a rule marks it.
func TestExcludedBeforeMarked(t *testing.T) {
	r := newRig(t, nil)
	r.sites[0].Excluded = []string{"/u/drift*"}
	r.rules("/u/*")
	r.view("/u/drift-1")
	r.view("/u%2Fdrift-1")
	r.view("/u/kari")
	if rows := r.stored(); len(rows) != 1 || rows[0].Path != "/u/[*]" {
		t.Errorf("rows are %+v, want the one of /u/kari", rows)
	}
}

// TestUnreadableRules: sites from the store with rules that can't be read are not used, since
// what the rules mark would be stored.
func TestUnreadableRules(t *testing.T) {
	r := newRig(t, nil)
	r.rules("/u/*")
	r.sites[0].PathRules = []string{"/u/<newer>"}
	if err := r.options.Sites.Refresh(t.Context()); err == nil {
		t.Error("sites with a rule that is none were taken")
	}
	r.view("/u/kari")
	if rows := r.stored(); len(rows) != 1 || rows[0].Path != "/u/[*]" {
		t.Errorf("rows are %+v, want one of /u/[*]", rows)
	}
}

// FuzzPathRulesOfHits: a name that a rule marks is in no row, for any text around it.
func FuzzPathRulesOfHits(f *testing.F) {
	f.Add("https://example.org/u/NAVNESEN", "/u/NAVNESEN")
	f.Add("/U//%2e/NAVNESEN;x?sak=/u/NAVNESEN", "se https://example.org/u/NAVNESEN?x")
	r := newRig(f, nil)
	r.rules("/**")
	f.Fuzz(func(t *testing.T, page, event string) {
		q := request{target: "/matomo.php"}.make()
		q.URL.RawQuery = url.Values{"idsite": {"1"}, "rec": {"1"}, "url": {page}, "e_c": {"a"}, "e_a": {event}}.Encode()
		batch, err := r.Batch(matomo.Dialect{}, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range batch.Rows {
			if path, _, _ := strings.Cut(row.Path, "?"); row.Kind != hit.Ping && path != "" && path != "/" && strings.Trim(path, "/") != "[*]" {
				t.Errorf("kept of %q: %q", page, row.Path)
			}
		}
	})
}

// TestRulesSeeWholeParts: a parameter that was cut by the length of its URL is dropped before
// a rule marks another part of the URL: the mark makes the URL shorter and hides the cut.
func TestRulesSeeWholeParts(t *testing.T) {
	path := encode("unseen", encode("JSON", encode("JSON", encode("entity", "bruker/NAVNESEN/profil", false), true), false), false)
	long := "/?mtm_kwd=" + q("https://example.org.:443/"+path)
	for _, query := range []string{"url=" + q(long), "url=/&download=" + q(long), "url=/&urlref=" + q("https://example.org"+long)} {
		r := newRig(t, nil)
		r.rules("/u/*", "/bruker/*/profil")
		r.send(request{target: "/matomo.php?idsite=1&rec=1&" + query})
		for _, row := range r.stored() {
			if text := fmt.Sprintf("%+v", row); strings.Contains(text, "NAVNESEN") {
				t.Errorf("%s…: %s", query[:30], text)
			}
		}
	}
}

// TestExcludedNetworks: hits from networks that the site does not count are in the ledger and
// in no row; those of a neighbour, and of another site, count.
func TestExcludedNetworks(t *testing.T) {
	r := newRigOf(t, func(s *site.Site) {
		s.Networks = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8:7::/48")}
	}, nil)
	for _, tt := range []struct{ from, site, want string }{
		{"198.51.100.0:50000", "1", "dropped: excluded network"},
		{"198.51.100.255:50000", "1", "dropped: excluded network"},
		{"[::ffff:198.51.100.9]:50000", "1", "dropped: excluded network"},
		{"198.51.101.1:50000", "1", "recorded"},
		{"198.51.99.255:50000", "1", "recorded"},
		{"198.51.100.9:50000", "2", "recorded"},
		{"[2001:db8:7:ffff::1]:50000", "1", "dropped: excluded network"},
		{"[2001:db8:8::1]:50000", "1", "recorded"},
	} {
		host := map[string]string{"1": "example.org", "2": "www.other.example"}[tt.site]
		w := r.send(request{target: "/matomo.php?rec=1&idsite=" + tt.site + "&url=https://" + host + "/", from: tt.from})
		if got := w.Header().Get("X-Fotspor"); got != tt.want {
			t.Errorf("from %s to site %s: %q, want %q", tt.from, tt.site, got, tt.want)
		}
	}
	if w := r.send(request{target: "/matomo.php?rec=1&idsite=1&url=https://example.org/&cip=198.51.100.4&token_auth=hemmelig"}); w.Header().Get("X-Fotspor") != "dropped: excluded network" {
		t.Errorf("an address told with a token: %q", w.Header().Get("X-Fotspor"))
	}
	if rows := r.stored(); len(rows) != 4 {
		t.Errorf("%d rows, want 4", len(rows))
	}
}
