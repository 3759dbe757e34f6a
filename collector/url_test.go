package collector_test

import (
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/collector"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/privacy/scrub"
	"github.com/fotspor/fotspor/site"
)

// TestPlainPage: the fast way returns the same as url.Parse.
func TestPlainPage(t *testing.T) {
	for raw, plain := range map[string]bool{
		"https://example.org/": true, "http://www.example.org/a/b_c~d.html?x=1&y=%20%": true, "https://1.example-2.org//a?b?c": true,
		"https://example.org": false, "https:///a": false, "HTTPS://example.org/": false, "https://example.org/#a": false, "https://example.org/a?": false,
		"https://example.org/a%20b": false, "https://example.org:80/": false, "https://u@example.org/": false, "https://example.org/a?b#c": false, "/a": false, "": false,
		"https://example.org/" + strings.Repeat("a", scrub.MaxText): false,
	} {
		if _, ok := collector.PlainPage(raw); ok != plain {
			t.Errorf("%.60q goes the short way: %v, want %v", raw, ok, plain)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.OneOf(
			rapid.StringMatching(`https?://[a-z0-9.-]{0,9}[/?#:@%A-Z]?[a-zA-Z0-9/._~?=&%#-]{0,20}`),
			rapid.Map(rapid.String(), func(s string) string { return "https://example.org/" + s }),
		).Draw(t, "raw")
		got, ok := collector.PlainPage(raw)
		if !ok {
			return
		}
		if want, err := url.Parse(raw); err != nil || got != *want {
			t.Errorf("%q is %#v, want %#v, %v", raw, got, want, err)
		}
	})
}

func searching(s *site.Site) {
	s.SearchParameters, s.SearchCategories = []string{"q", "k"}, []string{"cat", "cc"}
}

// TestSearchByAddress: the forms of addresses in which Matomo finds a search (the cases of
// its ActionSiteSearchTest, and what its code does with others).
func TestSearchByAddress(t *testing.T) {
	const none = -1
	for _, c := range []struct {
		name, page string
		search     string // "": a page view
		count      float64
		path       string
	}{
		{"in the query", "https://example.org/index.htm?q=keyword", "keyword", none, "/index.htm"},
		{"in the fragment", "https://example.org/index.htm#q=keyword&cat=test", "keyword / test", none, "/index.htm"},
		{"behind an empty one in the fragment", "https://example.org/index.htm#&q=keyword", "keyword", none, "/index.htm"},
		{"behind a question mark in the fragment", "https://example.org/index.htm#?cat=test&q=keyword", "keyword / test", none, "/index.htm"},
		{"with others in the fragment", "https://example.org/index.htm#?cat=test&q=keyword&otherparam=1", "keyword / test", none, "/index.htm"},
		{"with others in the query", "https://example.org/index.htm?cat=test&otherparam=1&q=keyword", "keyword / test", none, "/index.htm"},
		{"behind an anchor", "https://example.org/index.htm#anchor?cat=test&otherparam=1&q=keyword", "keyword / test", none, "/index.htm"},
		{"in both: the fragment counts", "https://example.org/index.htm?cat=test&otherparam=1&q=kw#?q=keyword", "keyword / test", none, "/index.htm"},
		{"by the second parameter", "https://example.org/index.htm?k=keyword&cc=cat", "keyword / cat", none, "/index.htm"},
		{"a fragment alone", "#?q=keyword", "keyword", none, ""},
		{"behind empty ones", "https://example.org/index.html?a=b#?&&&q=keyword", "keyword", none, "/index.html"},
		{"behind an empty anchor", "https://example.org/#&?q=keyword", "keyword", none, "/"},
		{"not behind a second question mark", "https://example.org/index.html?a=b#?&&&?q=keyword", "", 0, "/index.html"},
		{"not in the value of another", "https://example.org/#&?var=val?q=keyword", "", 0, "/"},

		{"the first parameter counts, wherever it stands", "https://example.org/?k=two&q=one", "one", none, "/"},
		{"an empty value counts for nothing", "https://example.org/?q=&k=two", "two", none, "/"},
		{"blanks count for nothing", "https://example.org/?q=+%20&k=two", "two", none, "/"},
		{"nothing but empty values", "https://example.org/?q=&k", "", 0, "/"},
		{"a list: the first item", "https://example.org/?q[]=one&q[]=two", "one", none, "/"},
		{"an encoded list with numbers", "https://example.org/?q%5B0%5D=one&q%5B1%5D=two", "one", none, "/"},
		{"twice: the last", "https://example.org/?q=one&q=two", "two", none, "/"},
		{"capitals in the name", "https://example.org/?Q=one&CAT=Shop", "one / Shop", none, "/"},
		{"encoded", "https://example.org/s%C3%B8k?q=r%C3%B8de++sko%20&cat=b%C3%A5t", "røde sko / båt", none, "/søk"},
		{"Latin-1", "https://example.org/?q=bl%E5b%E6r", "blåbær", none, "/"},
		{"form D", "https://example.org/?q=bla%CC%8Abær", "blåbær", none, "/"},
		{"number of results", "https://example.org/?q=one&search_count=7", "one", 7, "/"},
		{"no results", "https://example.org/?q=one&search_count=0", "one", 0, "/"},
		{"a number that is none", "https://example.org/?q=one&search_count=-3", "one", none, "/"},
		{"a mail address is scrubbed", "https://example.org/?q=kari@example.com+adresse", "[email] adresse", none, "/"},
		{"another parameter", "https://example.org/?query=keyword", "", 0, "/"},
		{"a path alone", "/treff?q=keyword", "keyword", none, "/treff"},
	} {
		r := newRigOf(t, searching, nil)
		row, told := r.onlyRow(request{target: action1 + url.QueryEscape(c.page)})
		kind, views := hit.Search, int32(0)
		if c.search == "" {
			kind, views = hit.Pageview, 1
		}
		if row.Kind != kind || row.Name != c.search || row.Value != c.count || row.Path != c.path || row.Pageviews != views {
			t.Errorf("%s: %s %q %v on %q, %d views, told %q; want %s %q %v on %q", c.name, row.Kind, row.Name, row.Value, row.Path, row.Pageviews, told, kind, c.search, c.count, c.path)
		}
	}
}

func TestSearchByAddressIsOff(t *testing.T) {
	const page = "https://example.org/treff?q=keyword&cat=test"
	view := func(change func(*site.Site), options func(*collector.Options), more string) hit.Row {
		t.Helper()
		r := newRigOf(t, change, options)
		row, _ := r.onlyRow(request{target: action1 + url.QueryEscape(page) + more})
		return row
	}
	for name, row := range map[string]hit.Row{
		"by default":       view(func(*site.Site) {}, nil, ""),
		"minimal":          view(searching, minimal, ""),
		"minimal by site":  view(func(s *site.Site) { searching(s); s.Record = privacy.Minimal }, nil, ""),
		"minimal, allowed": view(func(s *site.Site) { searching(s); s.Parameters = []string{"q"} }, minimal, ""),
	} {
		if row.Kind != hit.Pageview || row.Name != "" || row.Path != "/treff" {
			t.Errorf("%s: %s %q of %q, want a page view", name, row.Kind, row.Name, row.Path)
		}
	}
	if row := view(func(s *site.Site) { searching(s); s.Parameters = []string{"q", "cat"} }, nil, ""); row.Kind != hit.Search || row.Path != "/treff?cat=test" {
		t.Errorf("allowed parameter: %s on %q, want a search without its term in the path", row.Kind, row.Path)
	}
	if row := view(searching, nil, "&link=https://nrk.no/"); row.Kind != hit.Outlink {
		t.Errorf("link on a page of results: %s", row.Kind)
	}
	if row := view(searching, nil, "&search=term"); row.Name != "term" {
		t.Errorf("search by parameter on a page of results: %q", row.Name)
	}
	custom := func(s *site.Site) { searching(s); s.SearchCounts = []string{"treff"} }
	r := newRigOf(t, custom, nil)
	if row, _ := r.onlyRow(request{target: action1 + url.QueryEscape("/?q=a&treff=12&search_count=7")}); row.Value != 12 {
		t.Errorf("number of results by a name of the site's: %v, want 12", row.Value)
	}
}

// TestSearchBeginsAVisit: a page of search results to which another website leads begins a
// visit with that source, like any other page.
func TestSearchBeginsAVisit(t *testing.T) {
	r := newRigOf(t, searching, nil)
	r.onlyRow(request{target: action1 + "/"})
	row, _ := r.onlyRow(request{target: action1 + url.QueryEscape("https://example.org/?q=a") + "&urlref=https://nrk.no/"})
	if row.Visits != 1 || row.Source != "nrk.no" {
		t.Errorf("visits %d from %q, want a new one from nrk.no", row.Visits, row.Source)
	}
}

func TestStatementTellsOfSearches(t *testing.T) {
	for _, c := range []struct {
		change  func(*site.Site)
		options func(*collector.Options)
		want    bool
	}{
		{searching, nil, true},
		{func(*site.Site) {}, nil, false},
		{searching, minimal, false},
	} {
		r := newRigOf(t, c.change, c.options)
		for lang, words := range map[string]string{"en": "What you search for on this website is read", "nb": "Det du søker etter på nettstedet, leser vi"} {
			page := r.send(request{target: "/privacy/1?lang=" + lang}).Body.String()
			if got := strings.Contains(page, words) && strings.Contains(page, "<code>q</code>, <code>k</code>"); got != c.want {
				t.Errorf("%s: the statement tells of searches: %t, want %t", lang, got, c.want)
			}
		}
	}
}

// TestStatementTellsOfCategories: the statement names the parameters of categories if they are
// kept.
func TestStatementTellsOfCategories(t *testing.T) {
	for words, lang := range map[string]string{"with the category that you search in (<code>kat</code>), and kept": "en", "kategorien du søker i, likeså (<code>kat</code>). Det lagres": "nb"} {
		for _, categories := range [][]string{{"kat"}, nil} {
			r := newRigOf(t, func(s *site.Site) { searching(s); s.SearchCategories = categories }, nil)
			page := r.send(request{target: "/privacy/1?lang=" + lang}).Body.String()
			if got := strings.Contains(page, words); got != (categories != nil) {
				t.Errorf("%s, %v: the statement tells of the category: %t", lang, categories, got)
			}
		}
	}
}

func TestTrailingSlash(t *testing.T) {
	for page, want := range map[string][2]string{ // kept, stripped
		"https://example.org/om/":           {"/om/", "/om"},
		"https://example.org/om":            {"/om", "/om"},
		"https://example.org/om///":         {"/om///", "/om"},
		"https://example.org/":              {"/", "/"},
		"https://example.org":               {"/", "/"},
		"https://example.org//":             {"//", "/"},
		"https://example.org/om/?sak=7":     {"/om/?sak=7", "/om?sak=7"},
		"https://example.org/om/;v=1/":      {"/om//", "/om"},
		"https://example.org/u/kari/":       {"/u/[*]/", "/u/[*]"},
		"https://example.org/om%2F":         {"/om/", "/om"},
		"https://example.org/om/index.html": {"/om/index.html", "/om/index.html"},
	} {
		for i, strip := range []bool{false, true} {
			r := newRigOf(t, func(s *site.Site) { s.StripSlash, s.PathRules = strip, []string{"/u/*"} }, nil)
			row, told := r.onlyRow(request{target: action1 + url.QueryEscape(page)})
			if row.Path != want[i] || row.EntryPath != want[i] {
				t.Errorf("strip %t, %s: path %q, entry %q, told %q, want %q", strip, page, row.Path, row.EntryPath, told, want[i])
			}
			row, _ = r.onlyRow(request{target: action1 + "/neste"})
			if row.PreviousPath != want[i] {
				t.Errorf("strip %t, %s: previous %q, want %q", strip, page, row.PreviousPath, want[i])
			}
			if row, _ = r.onlyRow(request{target: action1 + "/&link=https://nrk.no/om/"}); row.Name != "nrk.no/om/" {
				t.Errorf("strip %t: link to another site is named %q", strip, row.Name)
			}
		}
	}
	for _, pattern := range []string{"/intern/", "/intern", "/intern/*"} {
		r := newRigOf(t, func(s *site.Site) { s.StripSlash, s.Excluded = true, []string{pattern} }, nil)
		if _, told := r.onlyRow(request{target: action1 + "/intern/"}); told != "dropped: excluded path" {
			t.Errorf("excluded %s: %s", pattern, told)
		}
	}
}

// TestStepsAreNoSource: a visitor who comes back from log-in or payment goes on with the visit.
// A campaign is a source also then.
func TestStepsAreNoSource(t *testing.T) {
	named := func(hosts ...string) func(*site.Site) {
		return func(s *site.Site) { s.IgnoredReferrers = hosts }
	}
	for _, c := range []struct {
		name, referrer string
		site           func(*site.Site)
		step           bool
	}{
		{"ID-porten", "https://login.idporten.no/", named(), true},
		{"ID-porten's test", "https://login.test.idporten.no/authorize", named(), true},
		{"BankID", "https://auth.bankid.no/auth/realms/prod", named(), true},
		{"BankID's older host", "https://oidc.bankidapis.no/", named(), true},
		{"Vipps", "https://api.vipps.no/", named(), true},
		{"Vipps' app", "android-app://no.dnb.vipps/", named(), true},
		{"Nets", "https://epayment.nets.eu/Terminal/default.aspx", named(), true},
		{"Nets in Norway", "https://secure.nets.no/terminal", named(), true},
		{"Nets Easy", "https://checkout.dibspayment.eu/", named(), true},
		{"PayPal", "https://www.paypal.com/checkoutnow?token=x", named(), true},
		{"Google's log-in", "https://accounts.google.com/", named(), true},
		{"Google's search", "https://www.google.com/", named(), false},
		{"another website", "https://nrk.no/", named(), false},
		{"one that looks like it", "https://notpaypal.com/", named(), false},
		{"by the owner", "https://LOGG-INN.blåbær.no./", named("xn--blbr-roah.no"), true},
		{"the owner's list is alone", "https://www.paypal.com/", named("xn--blbr-roah.no"), false},
		{"with the default", "https://www.paypal.com/", named("xn--blbr-roah.no", "default"), true},
		{"none", "https://www.paypal.com/", named("none"), false},
	} {
		r := newRigOf(t, c.site, nil)
		back := action1 + url.QueryEscape("https://example.org/kvittering") + "&urlref=" + url.QueryEscape(c.referrer)
		r.onlyRow(request{target: action1 + "/&urlref=https://www.facebook.com/"})
		row, _ := r.onlyRow(request{target: back})
		if goesOn := row.Visits == 0 && row.Source == "Facebook" && row.PreviousPath == "/"; goesOn != c.step {
			t.Errorf("%s in a visit: visits %d, source %q", c.name, row.Visits, row.Source)
		}
		r = newRigOf(t, c.site, nil)
		if row, _ = r.onlyRow(request{target: back}); (row.Channel == "direct") != c.step {
			t.Errorf("%s at the start: %s %q", c.name, row.Channel, row.Source)
		}
		if !c.step {
			continue
		}
		r = newRigOf(t, c.site, nil)
		r.onlyRow(request{target: action1 + "/&urlref=https://www.facebook.com/"})
		row, _ = r.onlyRow(request{target: strings.Replace(back, "kvittering", "kvittering%3Futm_source%3Dkasse%26utm_campaign%3Dx", 1)})
		if row.Visits != 1 || row.Campaign != "x" {
			t.Errorf("%s with a campaign in the way back: visits %d, campaign %q", c.name, row.Visits, row.Campaign)
		}
	}
}

func TestIgnoreReferrer(t *testing.T) {
	for _, more := range []string{
		"%3Fignore_referrer%3D1", "%3Fa%3Db%26ignore_referrer%3D1%26c%3Dd", "%3Fignore_referer%3D1", "&ignore_referrer=1", "&ignore_referer=1",
	} {
		r := newRig(t, nil)
		row, told := r.onlyRow(request{target: action1 + "https://example.org/takk" + more + "&urlref=https://nrk.no/"})
		if row.Channel != "direct" || row.Source != "" || row.Path != "/takk" {
			t.Errorf("%s: %s %q of %q, told %q", more, row.Channel, row.Source, row.Path, told)
		}
	}
	for _, more := range []string{"%3Fignore_referrer%3D0", "%3Fx%3Dignore_referrer%3D1", "%23ignore_referrer%3D1", "&ignore_referrer=0"} {
		r := newRig(t, nil)
		if row, _ := r.onlyRow(request{target: action1 + "https://example.org/takk" + more + "&urlref=https://nrk.no/"}); row.Source != "nrk.no" {
			t.Errorf("%s: source %q, want nrk.no", more, row.Source)
		}
	}
}

// FuzzSearchByAddress: any address is answered, and no part of a search term is in the path.
func FuzzSearchByAddress(f *testing.F) {
	f.Add("https://example.org/?q=keyword#?q=x")
	f.Add("#&?q[]=%E5&cat=%")
	f.Add("https://www-example-org.cdn.ampproject.org/c/s/example.org?k=a&search_count=9e9")
	r := newRig(f, nil)
	searching(&r.sites[0])
	r.sites[0].Hosts = append(r.sites[0].Hosts, "*.cdn.ampproject.org")
	r.sites[0].Parameters = []string{"q", "id"}
	if err := r.options.Sites.Refresh(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, page string) {
		r.tb = t
		w := r.send(request{target: action1 + url.QueryEscape(page)})
		if w.Code >= 500 {
			t.Errorf("%q: status %d", page, w.Code)
		}
		for _, row := range r.stored() {
			if row.Kind == hit.Search && (row.Name == "" || strings.Contains(row.Path, "?q=") || strings.Contains(row.Path, "&q=")) {
				t.Errorf("%q: search %q on %q", page, row.Name, row.Path)
			}
		}
	})
}
