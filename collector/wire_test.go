package collector_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/collector"
	"github.com/fotspor/fotspor/collector/limit"
	"github.com/fotspor/fotspor/site"
)

// TestCampaigns: which parts of a campaign are in a row, for all ways in which links and
// trackers send them.
func TestCampaigns(t *testing.T) {
	const home = "https://example.org/"
	type campaign struct{ Path, Channel, Source, Campaign, Term, Medium string }
	for _, c := range []struct {
		name, query string
		want        campaign
	}{
		{"UTF-8", "url=" + q(home+"?utm_campaign=h%C3%B8st"), campaign{"/", "campaign", "", "høst", "", ""}},
		{"Latin-1", "url=" + q(home+"?utm_campaign=h%F8st"), campaign{"/", "campaign", "", "høst", "", ""}},
		{"Windows-1252", "url=" + q(home+"?utm_campaign=%93h%F8st%94"), campaign{"/", "campaign", "", "“høst”", "", ""}},
		{"a sign that is no escape", "url=" + q(home+"?utm_campaign=50%+av"), campaign{"/", "campaign", "", "50% av", "", ""}},
		{"Latin-1 in a path", "url=" + q(home+"s%F8k?utm_campaign=a"), campaign{"/søk", "campaign", "", "a", "", ""}},
		{"&amp;", "url=" + q(home+"a?x=1&amp;utm_source=brev&amp;utm_campaign=a"), campaign{"/a", "campaign", "brev", "a", "", ""}},
		{"&#038;", "url=" + q(home+"a?utm_source=brev&#038;utm_campaign=a&#038;sak=7"), campaign{"/a?sak=7", "campaign", "brev", "a", "", ""}},
		{"&#38; and &#x26;", "url=" + q(home+"a?utm_source=brev&#38;utm_campaign=a&#x26;utm_term=b"), campaign{"/a", "campaign", "brev", "a", "b", ""}},
		{"&amp; before the first", "url=" + q(home+"a?amp;utm_source=brev&amp;amp;utm_campaign=a"), campaign{"/a", "campaign", "brev", "a", "", ""}},
		{"&AMP;", "url=" + q(home+"a?x=1&AMP;utm_source=brev&Amp;utm_campaign=a"), campaign{"/a", "campaign", "brev", "a", "", ""}},
		{"&amp%3B", "url=" + q(home+"a?x=1&amp%3Butm_source=brev&amp%3butm_campaign=a&amp%3Bsak=7"), campaign{"/a?sak=7", "campaign", "brev", "a", "", ""}},
		{"&amp%3B of the request", "url=" + q(home+"a") + "&amp%3Bmtm_campaign=a&AMP;mtm_kwd=b", campaign{"/a", "campaign", "", "a", "b", ""}},
		{"&amp; of the request", "url=" + q(home+"a") + "&amp;mtm_campaign=a&amp;mtm_kwd=b", campaign{"/a", "campaign", "", "a", "b", ""}},
		{"request before page", "url=" + q(home+"?mtm_campaign=b") + "&mtm_campaign=a&mtm_source=brev&mtm_medium=email&mtm_keyword=x", campaign{"/", "email", "brev", "a", "x", "email"}},
		{"older names", "url=" + q(home) + "&pk_campaign=a&pk_kwd=b", campaign{"/", "campaign", "", "a", "b", ""}},
		{"everybody's names", "url=" + q(home) + "&utm_source=brev&utm_campaign=a", campaign{"/", "campaign", "brev", "a", "", ""}},
		{"of an event without a page", "e_c=a&e_a=b&mtm_campaign=a", campaign{"", "campaign", "", "a", "", ""}},
		{"personal data", "url=" + q(home) + "&mtm_campaign=til-kari@example.org", campaign{"/", "campaign", "", "[email]", "", ""}},
		{"remembered", "url=" + q(home) + "&_rcn=a&_rck=b", campaign{"/", "campaign", "", "a", "b", ""}},
		{"remembered, and a link within", "url=" + q(home) + "&_rcn=a&urlref=" + q(home+"b"), campaign{"/", "campaign", "", "a", "", ""}},
		{"remembered, and another now", "url=" + q(home+"?utm_campaign=b") + "&_rcn=a&_rck=b", campaign{"/", "campaign", "", "b", "", ""}},
		{"remembered, and a website now", "url=" + q(home) + "&_rcn=a&urlref=" + q("https://nrk.no/"), campaign{"/", "website", "nrk.no", "", "", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, nil)
			r.send(request{target: "/matomo.php?idsite=1&rec=1&" + c.query})
			rows := r.stored()
			if len(rows) != 1 {
				t.Fatalf("%d rows, want 1: %v", len(rows), r.counts())
			}
			got := campaign{rows[0].Path, rows[0].Channel, rows[0].Source, rows[0].Campaign, rows[0].CampaignTerm, rows[0].CampaignMedium}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestParametersOfLists: parameters with the names that PHP and systems built on it use.
func TestParametersOfLists(t *testing.T) {
	for _, c := range []struct {
		name       string
		parameters []string
		page, want string
	}{
		{"key, bare", []string{"tx_news[id]"}, "/a?tx_news[id]=7&tx_news[x]=8", "/a?tx_news[id]=7"},
		{"key, escaped", []string{"tx_news[id]"}, "/a?tx_news%5Bid%5D=7&tx_news%5bx%5d=8", "/a?tx_news[id]=7"},
		{"list of keys", []string{"tx_news"}, "/a?tx_news[id]=7&tx_news[a][b]=8", "/a?tx_news[id]=7&tx_news[a][b]=8"},
		{"key of another list", []string{"tx"}, "/a?tx_news[id]=7", "/a"},
		{"two keys", []string{"tx[a][b]"}, "/a?tx[a][b]=7&tx[a][c]=8", "/a?tx[a][b]=7"},
		{"items of a list", []string{"f"}, "/a?f[0]=tema:1&f[1]=sted:2", "/a?f[0]=tema:1&f[1]=sted:2"},
		{"items of a list, escaped", []string{"f[]"}, "/a?f%5B0%5D=tema%3A1&f%5B12%5D=sted:2", "/a?f[0]=tema:1&f[12]=sted:2"},
		{"items without a number", []string{"f"}, "/a?f[]=1&f[]=2", "/a?f[]=1&f[]=2"},
		{"one item", []string{"f[0]"}, "/a?f[0]=1&f[1]=2&f[0]=3", "/a?f[0]=1"},
		{"another list", []string{"f"}, "/a?ff[0]=1&f[0=2&f0]=3&f[x]y[z]=4&f[[x]]=5", "/a"},
		{"in the order of the site", []string{"b", "a"}, "/a?a[0]=1&b[0]=2&a[1]=3", "/a?b[0]=2&a[0]=1&a[1]=3"},
		{"no value", []string{"print", "id"}, "/a?print&id=7", "/a?print&id=7"},
		{"no value, twice", []string{"print"}, "/a?print&print=1", "/a?print"},
		{"empty value", []string{"print"}, "/a?print=", "/a?print"},
		{"empty item", []string{"f"}, "/a?f[0]=", "/a?f[0]"},
		{"item without a value", []string{"f"}, "/a?f[0]", "/a?f[0]"},
		{"empty key", []string{"tx_news[id]"}, "/a?tx_news%5Bid%5D=", "/a?tx_news[id]"},
		{"signs of a query in a value", []string{"f", "b"}, "/a?f=a%26b%3D1%23c", "/a?f=a%26b%3D1%23c"},
		{"escapes in a value", []string{"f"}, "/a?f=a%2526b+50%25", "/a?f=a%2526b 50%"},
		{"letters", []string{"søk", "å"}, "/a?%C3%A5=1&s%C3%B8k=2", "/a?søk=2&å=1"},
		{"letters, bare", []string{"søk"}, "/a?søk=2", "/a?søk=2"},
		{"letters, decomposed", []string{"å"}, "/a?a%CC%8A=1", "/a?å=1"},
		{"letters in Latin-1", []string{"å"}, "/a?%E5=1", "/a?å=1"},
		{"personal data in a key", []string{"f"}, "/a?f[kari@example.org]=1", "/a"},
		{"Latin-1", []string{"sak"}, "/a?sak=bl%E5b%E6r", "/a?sak=blåbær"},
		{"personal data in an item", []string{"f"}, "/a?f[0]=kari@example.org", "/a?f[0]=[email]"},
		{"personal data over two items", []string{"f"}, "/a?f[0]=kari.n&f[1]=@example.no", "/a?f[0]=[email]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, nil)
			r.sites = slices.Clone(r.sites)
			r.sites[0].Parameters = c.parameters
			if err := r.sites[0].Validate(); err != nil {
				t.Fatal(err)
			}
			if err := r.options.Sites.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.view(q(c.page))
			if rows := r.stored(); len(rows) != 1 || rows[0].Path != c.want {
				t.Errorf("%s: rows %+v, want path %s", c.page, rows, c.want)
			}
		})
	}
}

// TestHitsThatAreHandedOn: a server that relays the hits of others sends their browser or none.
// The server itself is not taken for their browser.
func TestHitsThatAreHandedOn(t *testing.T) {
	bulk := func(items string) request {
		return request{target: "/matomo.php", body: `{"requests":[` + items + `]}`}
	}
	one := func(more string) request { return request{target: "/matomo.php?idsite=1&rec=1&url=/" + more} }
	const item = `"?idsite=1&rec=1&url=/"`
	for _, c := range []struct {
		name  string
		agent string // of the request; "-": none
		request
		browser, os, device string // "": the hit is excluded
		told                string
	}{
		{"bulk without an agent", "-", bulk(item), "Other", "Other", "other", "recorded"},
		{"bulk of Java's client", "Apache-HttpClient/5.3 (Java/17.0.9)", bulk(item), "Other", "Other", "other", "recorded"},
		{"bulk of Node's client", "node", bulk(item), "Other", "Other", "other", "recorded"},
		{"bulk of axios", "axios/1.7.2", bulk(item), "Other", "Other", "other", "recorded"},
		{"bulk of PHP", "PHP-curl", bulk(item), "Other", "Other", "other", "recorded"},
		{"bulk of WordPress", "WordPress/6.8; https://example.org", bulk(item), "Other", "Other", "other", "recorded"},
		{"bulk of the log importer", "Matomo/LogImport", bulk(`{"idsite":"1","rec":"1","url":"/","ua":""}`), "Other", "Other", "other", "recorded"},
		{"bulk of a log that has no agents", "Matomo/LogImport", bulk(`{"idsite":"1","rec":"1","url":"/","ua":"-"}`), "Other", "Other", "other", "recorded"},
		{"bulk of a program nobody knows", "sommerbris 7", bulk(item), "Other", "Other", "other", "recorded"},
		{"bulk with an agent", "Apache-HttpClient/5.3", bulk(`"?idsite=1&rec=1&url=/&ua=` + q(firefox) + `"`), "Firefox", "Windows", "desktop", "recorded"},
		{"bulk with hints only", "Apache-HttpClient/5.3", bulk(`{"idsite":1,"rec":1,"url":"/","uadata":{"brands":[{"brand":"Google Chrome","version":"140"}],"platform":"Windows","mobile":false}}`),
			"Chrome", "Windows", "other", "recorded"},
		{"bulk of a browser", firefox, bulk(item), "Firefox", "Windows", "desktop", "recorded"},
		{"bulk with the agent of a bot", "Apache-HttpClient/5.3", bulk(`"?idsite=1&rec=1&url=/&ua=` + q(google) + `"`), "", "", "", "dropped: bot (item 0)"},
		{"bulk with the agent of a library", firefox, bulk(`"?idsite=1&rec=1&url=/&ua=curl/8.1"`), "", "", "", "dropped: bot (item 0)"},
		{"bulk of a crawler that runs scripts", google, bulk(item), "", "", "", "dropped: bot (item 0)"},
		{"bulk of a browser without a window", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/138.0.0.0 Safari/537.36", bulk(item), "", "", "", "dropped: bot (item 0)"},

		{"token", "python-requests/2.32", one("&token_auth=hemmelig"), "Other", "Other", "other", "recorded"},
		{"token and address", "-", one("&token_auth=hemmelig&cip=198.51.100.9"), "Other", "Other", "other", "recorded"},
		{"token in the body", "PHP-curl", request{target: "/matomo.php?idsite=1&rec=1&url=/", body: "token_auth=hemmelig"}, "Other", "Other", "other", "recorded"},
		{"token and an agent", "python-requests/2.32", one("&token_auth=hemmelig&ua=" + q(firefox)), "Firefox", "Windows", "desktop", "recorded"},
		{"token and the agent of a proxy's visitor", firefox, one("&token_auth=hemmelig&cip=198.51.100.9"), "Firefox", "Windows", "desktop", "recorded"},
		{"token and a crawler behind a proxy", google, one("&token_auth=hemmelig&cip=198.51.100.9"), "", "", "", "dropped: bot"},
		{"bulk with the header of Flutter's tracker", "Unknown", bulk(`"?idsite=1&rec=1&url=/&ua=Unknown"`), "Other", "Other", "other", "recorded"},
		{"bulk with an agent in quotes", "Java/17", bulk(`"?idsite=1&rec=1&url=/&ua=` + q(`"`+firefox+`"`) + `"`), "Firefox", "Windows", "desktop", "recorded"},
		{"token and an agent in quotes", "Java/17", one("&token_auth=hemmelig&ua=" + q(`'"`+firefox+`"'`)), "Firefox", "Windows", "desktop", "recorded"},
		{"token and the agent of a bot in quotes", "Java/17", one("&token_auth=hemmelig&ua=" + q(`"`+google+`"`)), "", "", "", "dropped: bot"},
		{"token and an agent called as nothing", "Java/17", one("&token_auth=hemmelig&ua=NullBot/1.0"), "", "", "", "dropped: bot"},
		{"no token and an agent that is not known", "python-requests/2.32", one("&ua=null"), "", "", "", "dropped: bot"},
		{"bulk of a text with a mark of its order of bytes", "Apache-HttpClient/5.3", request{target: "/matomo.php", body: "\ufeff" + `{"requests":["?idsite=1&rec=1&url=/"]}`}, "Other", "Other", "other", "recorded"},
		{"a guess for a token", "python-requests/2.32", one("&token_auth=gjett"), "", "", "", "dropped: bot"},
		{"no token", "python-requests/2.32", one(""), "", "", "", "dropped: bot"},
		{"no token and no agent", "-", one(""), "", "", "", "dropped: bot"},

		{"bots too: image proxy of a mail service", "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", one("&bots=1"), "Other", "Other", "other", "recorded"},
		{"bots too: a crawler", google, one("&bots=1"), "Other", "Other", "other", "recorded"},
		{"bots too: nothing", "-", one("&bots=1"), "Other", "Other", "other", "recorded"},
		{"bots too: a person", firefox, one("&bots=1"), "Firefox", "Windows", "desktop", "recorded"},
		{"bots too: a pixel in a mail", google, request{target: "/pixel.gif?site=1&url=/&bots=1"}, "Other", "Other", "other", "recorded"},
		{"a pixel for people", google, request{target: "/pixel.gif?site=1&url=/&bots=0"}, "", "", "", "dropped: bot"},
		{"bots too: no", google, one("&bots=0"), "", "", "", "dropped: bot"},
		{"bots too, and objected", google, request{target: "/matomo.php?idsite=1&rec=1&url=/&bots=1", header: map[string]string{"DNT": "1"}}, "", "", "", "dropped: objection"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, nil)
			sent := c.request
			if sent.header == nil {
				sent.header = make(map[string]string)
			}
			if sent.header["User-Agent"] = c.agent; c.agent == "-" {
				sent.header["User-Agent"] = ""
			}
			w := r.send(sent)
			if got := w.Header().Get("X-Fotspor"); got != c.told || w.Code != http.StatusOK {
				t.Errorf("status %d, X-Fotspor %q, want %q", w.Code, got, c.told)
			}
			rows := r.stored()
			if c.browser == "" {
				if len(rows) != 0 {
					t.Errorf("rows %+v, want none", rows)
				}
				return
			}
			if len(rows) != 1 || rows[0].Browser != c.browser || rows[0].OS != c.os || rows[0].Device != c.device {
				t.Errorf("rows %+v, want %s on %s, %s", rows, c.browser, c.os, c.device)
			}
		})
	}
}

// TestUnknownAgents: what servers write for an agent that they do not know is none.
func TestUnknownAgents(t *testing.T) {
	r := newRig(t, nil)
	agents := []string{"-", "--", "(null)", "null", "NULL", "<null>", "nil", "None", "undefined", "Unknown", "(unknown)", "unknown", "N/A", "0", "false", `""`, "''", `"-"`, `"null"`, " ", "[object Object]", "(not set)", "No User-Agent"}
	for _, agent := range agents {
		for _, one := range []request{
			{target: "/matomo.php?idsite=1&rec=1&url=/&token_auth=hemmelig&ua=" + q(agent)},
			{target: "/matomo.php", body: `{"requests":["?idsite=1&rec=1&url=/&ua=` + q(agent) + `"]}`},
			{target: "/matomo.php", body: `{"requests":[{"idsite":1,"rec":1,"url":"/","ua":` + strconv.Quote(agent) + `}]}`},
		} {
			one.header = map[string]string{"User-Agent": "Java/17.0.2"}
			if got := r.send(one).Header().Get("X-Fotspor"); got != "recorded" {
				t.Errorf("%q by %s %s: %s", agent, one.target, one.body, got)
			}
		}
	}
	rows := r.stored()
	for _, row := range rows {
		if row.Browser != "Other" || row.OS != "Other" {
			t.Errorf("%s on %s", row.Browser, row.OS)
		}
	}
	if len(rows) != 3*len(agents) {
		t.Errorf("%d rows of %d hits", len(rows), 3*len(agents))
	}
}

// TestItemsTellTheirOwnReason: an item of a bulk request gets the same reason as a request with
// the same parameters.
func TestItemsTellTheirOwnReason(t *testing.T) {
	r := newRig(t, nil)
	for item, want := range map[string]string{
		`"?idsite=9&rec=1&url=/"`:                        "unknown site",
		`"?rec=1&url=/"`:                                 "idsite: want the number of a site, from 1",
		`"?idsite=1&rec=1&url=/&cip=192.0.2.1"`:          "cip: needs a token_auth",
		`"?idsite=1&rec=1&url=/&country=no"`:             "country: needs a token_auth",
		`"?idsite=1&rec=1&url=/&cid=7"`:                  "cid: want 16 hexadecimal digits",
		`"?idsite=1&rec=1&url=/&cdt=2026-01-01"`:         "cdt: a time more than 24 hours ago needs a token_auth",
		`"?idsite=1&rec=1&url=/&cdo=x"`:                  "cdo: want a number of seconds, within 20 years",
		`{"idsite":1,"rec":1,"url":"/","cdt":"en gang"}`: "cdt: want Unix seconds, a date and time such as 2026-03-01T11:00:00Z, or an offset such as -3 hours, within 20 years",
		`7`:      "item of a bulk request: want a URL with a query, or an object of parameters",
		`""`:     "item of a bulk request: want a URL with a query, or an object of parameters",
		`"uten"`: "item of a bulk request: want a URL with a query, or an object of parameters",
		`{"idsite":1,"rec":1,"url":"/","token_auth":"x"}`:   "",
		`"?idsite=1&rec=1&url=/&token_auth=hemmelig&cip=x"`: "cip: want an IP address",
	} {
		w := r.send(request{target: "/matomo.php", body: `{"requests":[` + item + `]}`})
		told, answer := "dropped: "+want+" (item 0)", `{"status":"success","tracked":0,"invalid":1}`
		if strings.Contains(item, "hemmelig") { // with a valid token
			answer = `{"status":"success","tracked":0,"invalid":1,"invalid_indices":[0]}`
		}
		if want == "" {
			told, answer = "recorded", `{"status":"success","tracked":1,"invalid":0}`
		}
		if got := w.Header().Get("X-Fotspor"); got != told || w.Body.String() != answer || w.Code != http.StatusOK {
			t.Errorf("%s: status %d, X-Fotspor %q, answer %s, want %q", item, w.Code, got, w.Body, told)
		}
	}
}

// TestItemsAreNamed: the header names the items of each reason, up to its bound.
func TestItemsAreNamed(t *testing.T) {
	r := newRig(t, nil)
	send := func(items ...string) string {
		return r.send(request{target: "/matomo.php", body: `{"requests":[` + strings.Join(items, ",") + `]}`}).Header().Get("X-Fotspor")
	}
	const good, foreign, ignored, bad = `"?idsite=1&rec=1&url=/"`, `"?idsite=1&rec=1&url=https://nrk.no/"`, `"?idsite=1&rec=0"`, `""`
	if got, want := send(good, foreign, ignored, bad, foreign), "recorded; dropped: foreign host (item 1 4), item of a bulk request: want a URL with a query, or an object of parameters (item 3)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := send(slices.Repeat([]string{foreign}, 2000)...); len(got) > 120 || !strings.HasPrefix(got, "dropped: foreign host (item 0 1 2 3 ") || !strings.HasSuffix(got, " ...)") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}

// TestVisitsFromOutside follows a visitor through an evening on which several sources
// lead them to the site.
func TestVisitsFromOutside(t *testing.T) {
	const (
		mail   = "https://example.org/a?utm_source=brev&utm_medium=email&utm_campaign=uke27"
		search = "https://www.google.com/"
	)
	type step struct {
		name, url, ref, more string
		visits               int32
		channel, source      string
	}
	steps := []step{
		{"first", "https://example.org/", "", "", 1, "direct", ""},
		{"link within", "https://example.org/b", "https://example.org/", "", 0, "direct", ""},
		{"newsletter in the middle", mail, "", "", 1, "email", "brev"},
		{"the same, opened again", mail, "https://webmail.example/", "", 0, "email", "brev"},
		{"another link of it", mail + "&utm_content=bunn", "", "", 0, "email", "brev"},
		{"an event on its page, told with the page", mail, "", "&e_c=a&e_a=b", 0, "email", "brev"},
		{"link within, with the parameters", mail, "https://example.org/a", "", 0, "email", "brev"},
		{"link within, with others", "https://example.org/?utm_campaign=banner", "https://example.org/a", "", 0, "email", "brev"},
		{"link from the shop", "https://example.org/", "https://butikk.example.org/kurv", "", 0, "email", "brev"},
		{"address typed", "https://example.org/", "", "", 0, "email", "brev"},
		{"search engine", "https://example.org/c", search, "", 1, "search", "Google"},
		{"the next result", "https://example.org/d", search + "search?q=x", "", 0, "search", "Google"},
		{"another search engine", "https://example.org/d", "https://duckduckgo.com/", "", 1, "search", "DuckDuckGo"},
		{"event on a page of the first one", "https://example.org/c", search, "&e_c=a&e_a=b", 0, "search", "DuckDuckGo"},
		{"social network", "https://example.org/d", "https://www.facebook.com/", "", 1, "social", "Facebook"},
		{"website", "https://example.org/d", "https://nrk.no/sak", "", 1, "website", "nrk.no"},
		{"another page of it", "https://example.org/e", "https://www.nrk.no/", "", 0, "website", "nrk.no"},
		{"newsletter again", mail, "", "", 1, "email", "brev"},
		{"the next newsletter", "https://example.org/a?utm_source=brev&utm_medium=email&utm_campaign=uke28", "", "", 1, "email", "brev"},
		{"its name in other letters", "https://example.org/a?utm_source=Brev&utm_medium=email&utm_campaign=UKE28", "", "", 0, "email", "brev"},
		{"remembered by the tracker", "https://example.org/b", "", "&_rcn=gammel&_rck=x", 0, "email", "brev"},
		{"new visit, said aloud", "https://example.org/b", "", "&new_visit=1", 1, "direct", ""},
		{"search with a campaign", "https://example.org/?utm_source=brev&utm_campaign=uke29", "", "&search=x", 1, "campaign", "brev"},
		{"search from a website", "https://example.org/", "https://nrk.no/", "&search=x", 1, "website", "nrk.no"},
		{"search on the site", "https://example.org/", "https://example.org/", "&search=y", 0, "website", "nrk.no"},
		{"missing page of a newsletter", "https://example.org/borte?utm_source=brev&utm_campaign=uke30", "", "&action_name=404/URL+=+/borte", 1, "campaign", "brev"},
		{"missing page that our script tells of", "https://example.org/borte?utm_source=brev&utm_campaign=uke31", "", "&e_c=404", 1, "campaign", "brev"},
		{"missing page of a website", "https://example.org/borte", "https://vg.no/", "&e_c=404", 1, "website", "vg.no"},
		{"missing page of the site", "https://example.org/borte", "https://example.org/a", "&e_c=404", 0, "website", "vg.no"},
		{"campaign through a log-in service", "https://example.org/?utm_source=brev&utm_campaign=uke32", "https://login.idporten.no/", "", 1, "campaign", "brev"},
		{"the same, and back from it", "https://example.org/kvittering?utm_source=brev&utm_campaign=uke32", "https://login.idporten.no/", "", 0, "campaign", "brev"},
		{"back from it", "https://example.org/kvittering", "https://login.idporten.no/", "", 0, "campaign", "brev"},
		{"new visit again", "https://example.org/b", "", "&new_visit=1", 1, "direct", ""},
		{"event of a new visit", "https://example.org/b", "", "&new_visit=1&e_c=a&e_a=b", 1, "direct", ""},
		{"ping of a new visit", "https://example.org/b", "", "&new_visit=1&ping=1", 0, "direct", ""},
	}
	r := newRig(t, nil)
	for _, s := range steps {
		r.now = r.now.Add(10 * time.Second)
		r.send(request{target: "/matomo.php?idsite=1&rec=1&url=" + q(s.url) + "&urlref=" + q(s.ref) + s.more})
	}
	rows := r.stored()
	if len(rows) != len(steps) {
		t.Fatalf("%d rows of %d hits: %v", len(rows), len(steps), r.counts())
	}
	var visits, visitors, bounces, seconds int32
	for i, row := range rows {
		s := steps[i]
		if row.Visits != s.visits || row.Channel != s.channel || row.Source != s.source {
			t.Errorf("%s: visits %d, %s %q, want %d, %s %q", s.name, row.Visits, row.Channel, row.Source, s.visits, s.channel, s.source)
		}
		want := int32(10)
		if s.visits == 1 {
			want = 0
			if row.EntryPath != row.Path || row.PreviousPath != "" && s.name != "missing page of a website" {
				t.Errorf("%s: entry %q, previous %q of a visit that begins on %q", s.name, row.EntryPath, row.PreviousPath, row.Path)
			}
		}
		if row.Seconds != want {
			t.Errorf("%s: %d seconds, want %d", s.name, row.Seconds, want)
		}
		visits, visitors, bounces, seconds = visits+row.Visits, visitors+row.Visitors, bounces+row.Bounces, seconds+row.Seconds
	}
	// Those of one view: the social network, the newsletter again and the two new visits.
	// Those of searches, missing pages and the event alone had no view.
	if got := fmt.Sprint(visits, visitors, bounces, seconds); got != "17 1 4 180" {
		t.Errorf("visits, visitors, bounces and seconds are %s", got)
	}
}

// TestMissingPagesOfTheMinimalPolicy: minimal records have no source, so a website that links
// to a missing page is not kept.
func TestMissingPagesOfTheMinimalPolicy(t *testing.T) {
	for ref, want := range map[string]string{"https://example.org/om": "/om", "https://nrk.no/sak": ""} {
		r := newRig(t, minimal)
		r.send(request{target: "/matomo.php?idsite=1&rec=1&url=https://example.org/x&action_name=" + q("404/URL = /x/From = "+ref)})
		if rows := r.stored(); len(rows) != 1 || rows[0].PreviousPath != want || rows[0].Name != "" || rows[0].Source != "" {
			t.Errorf("%s: rows %+v, want the previous path %q and nothing else", ref, rows, want)
		}
	}
}

// TestApplicationOfOnePage: a single-page application that sends the same referrer with every
// view stays in one visit, with any campaign at first.
func TestApplicationOfOnePage(t *testing.T) {
	for _, first := range []string{
		"https://example.org/a?utm_campaign=uke27", "https://example.org/a?utm_campaign=uke27&utm_source=brev", "https://example.org/a?utm_source=chatgpt.com", "https://example.org/a",
	} {
		r := newRig(t, nil)
		visits := int32(0)
		for _, url := range []string{first, "https://example.org/b", "https://example.org/c", first} {
			r.now = r.now.Add(10 * time.Second)
			r.send(request{target: "/matomo.php?idsite=1&rec=1&url=" + q(url) + "&urlref=" + q("https://www.google.no/")})
		}
		rows := r.stored()
		for _, row := range rows {
			visits += row.Visits
		}
		if len(rows) != 4 || visits != 1 {
			t.Errorf("%s: %d rows and %d visits, want 4 and 1", first, len(rows), visits)
		}
		r.now = r.now.Add(10 * time.Second)
		r.send(request{target: "/matomo.php?idsite=1&rec=1&url=https://example.org/d&urlref=" + q("https://nrk.no/")})
		if rows := r.stored(); rows[len(rows)-1].Visits != 1 || rows[len(rows)-1].Source != "nrk.no" {
			t.Errorf("%s: another website begins no visit", first)
		}
	}
}

// TestMissingPageAfterItself: an application changes the address before the page is loaded,
// and somebody loads a missing page again.
func TestMissingPageAfterItself(t *testing.T) {
	r := newRig(t, nil)
	for _, target := range []string{
		"url=https://example.org/om", "url=https://example.org/finnes-ikke&e_c=404&urlref=https://example.org/om",
		"url=https://example.org/finnes-ikke&e_c=404&urlref=https://example.org/finnes-ikke",
		"url=https://example.org/finnes-ikke&urlref=https://example.org/om", // the application's view
		"url=https://example.org/finnes-ikke&e_c=404&urlref=https://example.org/finnes-ikke",
	} {
		r.now = r.now.Add(10 * time.Second)
		r.send(request{target: "/matomo.php?idsite=1&rec=1&" + target})
	}
	var got []string
	for _, row := range r.stored() {
		got = append(got, string(row.Kind)+" "+row.PreviousPath)
	}
	if want := "[pageview  event /om event /om pageview /om event ]"; fmt.Sprint(got) != want {
		t.Errorf("pages before: %v, want %s", got, want)
	}
}

// TestMissingPages: the title that Matomo advises for a missing page, and our script's way,
// leave the same event, with the page that has the link.
func TestMissingPages(t *testing.T) {
	const page = "url=https://example.org/finnes-ikke?x=1"
	type event struct{ Kind, Path, Name, Previous, Source string }
	own := event{"event", "/finnes-ikke", "404 / /finnes-ikke", "/om", ""}
	foreign := event{"event", "/finnes-ikke", "404 / /finnes-ikke", "nrk.no", "nrk.no"}
	unlinked := event{"event", "/finnes-ikke", "404 / /finnes-ikke", "", ""}
	view := event{"pageview", "/finnes-ikke", "", "", ""}
	for _, c := range []struct {
		name, query string
		want        event
	}{
		{"our script", page + "&e_c=404&urlref=https://example.org/om", own},
		{"our script for Matomo's snippet", page + "&e_c=404&e_a=/finnes-ikke&urlref=https://example.org/om", own},
		{"our script, from elsewhere", page + "&e_c=404&urlref=https://nrk.no/sak/1?x=y", foreign},
		{"Matomo's advice", page + "&action_name=" + q("404/URL = "+q("/finnes-ikke?x=1")+"/From = "+q("https://example.org/om")), own},
		{"from elsewhere", page + "&action_name=" + q("404/URL = "+q("/finnes-ikke?x=1")+"/From = "+q("https://www.nrk.no/sak/1?navn=kari")), foreign},
		{"slashes alone escaped, as it was before", page + "&action_name=" + q("404/URL = %2ffinnes-ikke?x=1/From = https:%2f%2fexample.org%2fom"), own},
		{"nothing escaped", page + "&action_name=" + q("404/URL = /finnes-ikke?a=b/c=d/From = https://example.org/om?a=b"), own},
		{"without spaces", page + "&action_name=" + q("404/URL=/finnes-ikke?x=1/From=https://example.org/om"), own},
		{"escaped twice", page + "&action_name=" + q(q("404/URL = /finnes-ikke/From = https://example.org/om")), own},
		{"escaped twice, for a URL", page + "&action_name=" + q("404%2FURL%20%3D%20%2Ffinnes-ikke%2FFrom%20%3D%20https%3A%2F%2Fexample.org%2Fom"), own},
		{"whole addresses, as the log importer sends them", page + "&action_name=" + q("404/URL = "+q("https://example.org/finnes-ikke")+"/From = "+q("https://example.org/om")), own},
		{"spaces around", page + "&action_name=" + q("404 / URL = /finnes-ikke / From = https://example.org/om"), own},
		{"TYPO3", page + "&action_name=" + q("404/URL = "+q("/finnes-ikke")+" /From = "+q("https://example.org/om")), own},
		{"a plug-in of WordPress", page + "&action_name=" + q("404/URL = "+q("/finnes-ikke")+" Referrer = "+q("https://example.org/om")), own},
		{"another separator", page + "&action_name=" + q("404 > URL = /finnes-ikke > From = https://example.org/om"), own},
		{"in Norwegian", page + "&action_name=" + q("404/Adresse = /finnes-ikke/Fra = https://example.org/om"), own},
		{"in German", page + "&action_name=" + q("404/URL = /finnes-ikke/Von = https://example.org/om"), own},
		{"in French", page + "&action_name=" + q("404/URL = /finnes-ikke/En provenance de = https://example.org/om"), own},
		{"a folder that looks like a word for from", "url=https://example.org/side=2&action_name=" + q("404/URL = /side=2/x/From = https://example.org/om"), event{"event", "/side=2", "404 / /side=2/x", "/om", ""}},
		{"only where it is linked", page + "&action_name=" + q("404/From = https://example.org/om"), own},
		{"only where it is linked, with an empty page", page + "&action_name=" + q("404/URL = /From = https://example.org/om"), own},
		{"a folder that is a word for from", "url=https://example.org/a&action_name=" + q("404/URL = /a/From = /b/From = https://example.org/om"), event{"event", "/a", "404 / /a/From = /b", "/om", ""}},
		{"a linking page with a word for from", page + "&action_name=" + q("404/URL=/finnes-ikke/From=https://nrk.no/sak/fra:oslo"), foreign},
		{"written into HTML", "url=" + q("https://example.org/x&y") + "&action_name=" + q("404/URL = /x&amp;y&#038;z?a=1&amp;b=2/From = https://example.org/om"), event{"event", "/x&y", "404 / /x&y&z", "/om", ""}},
		{"slashes written into HTML", page + "&action_name=" + q("404&#x2F;URL = &#x2F;finnes-ikke&#x2F;From = https:&#x2F;&#x2F;example.org&#47;om"), own},
		{"slashes written into HTML by number", page + "&action_name=" + q("404&#47;URL = &#47;finnes-ikke&sol;From &#61; https://example.org/om"), own},
		{"written into HTML twice", page + "&action_name=" + q("404&amp;#x2F;URL = /finnes-ikke/From = https://example.org/om"), own},
		{"equals signs written into HTML", page + "&action_name=" + q("404/URL &#61; /finnes-ikke/From &#61; https://example.org/om"), own},
		{"half written into HTML", page + "&action_name=" + q("404/URL = &#x2F;finnes-ikke/From = &#x2F;om"), own},
		{"spaces that do not break", page + "&action_name=" + q("404/URL&nbsp;=&nbsp;/finnes-ikke/From&nbsp;=&nbsp;https://example.org/om"), own},
		{"spaces alone escaped", page + "&action_name=" + q("404/URL%20=%20/finnes-ikke/From%20=%20/om"), own},
		{"a parameter like an entity", "url=" + q("https://example.org/x") + "&action_name=" + q("404/URL = /x?a=1&copy=2/From = /om"), event{"event", "/x", "404 / /x", "/om", ""}},
		{"a path that is another host to browsers", page + "&action_name=" + q(`404/URL = /finnes-ikke/From = /\www.nrk.no/sak/kari`), foreign},
		{"another host without a scheme", page + "&action_name=" + q("404/URL = /finnes-ikke/From = //www.nrk.no/sak/kari"), foreign},
		{"the page's title before the referrer of the request", page + "&urlref=https://nrk.no/&action_name=" + q("404/URL = /finnes-ikke/From = https://example.org/om"), own},
		{"the referrer of the request", page + "&urlref=https://example.org/om&action_name=" + q("404/URL = /finnes-ikke/From = "), own},
		{"no referrer at all", page + "&action_name=" + q("404/URL = /finnes-ikke"), unlinked},
		{"a referrer that is none", page + "&action_name=" + q("404/URL = /finnes-ikke/From = null"), unlinked},
		{"the domain before the title", page + "&action_name=" + q("example.org/404/URL = /finnes-ikke/From = https://example.org/om"), own},
		{"the domain before the title, escaped as Matomo advises", page + "&action_name=" + q("example.org/404/URL = "+q("/finnes-ikke?x=1")+"/From = "+q("https://example.org/om")), own},
		{"the domain before a title in Norwegian", page + "&action_name=" + q("Example.org/404/Adresse = /finnes-ikke/Fra = https://example.org/om"), own},
		{"the domain before a title alone", page + "&action_name=" + q("example.org/404/Siden finnes ikke"), unlinked},
		{"a word before the title", page + "&action_name=" + q("Feil 404/URL = /finnes-ikke/From = https://example.org/om"), own},
		{"the site's name before the title", page + "&action_name=" + q("Samvirke 2000 | 404/URL = /finnes-ikke/From = https://www.nrk.no/sak"), foreign},
		{"the site's name before the title, with a dash", page + "&action_name=" + q("Samvirke – 404/URL = /finnes-ikke/From = https://example.org/om"), own},
		{"another domain before the title", page + "&action_name=" + q("www.example.org/404/URL = /finnes-ikke/From = https://example.org/om"), own},
		{"a word before an escaped title", page + "&action_name=" + q("Feil 404/URL = "+q("/finnes-ikke")+"/From = "+q("https://example.org/om")), own},
		{"a word before another status", page + "&action_name=" + q("Feil 410/URL = /finnes-ikke/From = https://example.org/om"), event{"event", "/finnes-ikke", "410 / /finnes-ikke", "/om", ""}},
		{"a page about the title", page + "&action_name=" + q("Hva er 404/URL = i Matomo?"), view},
		{"a title with a number", page + "&action_name=" + q("Budsjett 500/Pris = /kr"), view},
		{"a title with a longer number", page + "&action_name=" + q("Rom 1404/URL = /x"), view},
		{"escaped more than once", page + "&action_name=" + q("404/URL = %252Ffinnes-ikke/From = https%253A%252F%252Fwww.nrk.no%252Fsak"), foreign},
		{"escaped more than once, own", page + "&action_name=" + q("404/URL = %252Ffinnes-ikke/From = https%253A%252F%252Fexample.org%252Fom"), own},
		{"from a visitor's own machine", page + "&action_name=" + q("404/URL = /finnes-ikke/From = http://localhost/x"), unlinked},
		{"from a visitor's own machine, by its port", page + "&e_c=404&urlref=http://localhost:3000/x", unlinked},
		{"linked from itself", page + "&action_name=" + q("404/URL = /finnes-ikke/From = https://example.org/finnes-ikke"), unlinked},
		{"linked from itself, our script", page + "&e_c=404&urlref=" + q("https://example.org/finnes-ikke?x=1#a"), unlinked},
		{"linked from the page of the error", "url=https://example.org/feil&action_name=" + q("404/URL = /finnes-ikke/From = https://example.org/feil"), event{"event", "/feil", "404 / /finnes-ikke", "", ""}},
		{"title alone", page + "&action_name=" + q("404/Siden finnes ikke"), unlinked},
		{"another page than the title's", "url=https://example.org/feil&action_name=" + q("404/URL = /finnes-ikke/From = https://example.org/om"), event{"event", "/feil", "404 / /finnes-ikke", "/om", ""}},
		{"no page but the title's", "action_name=" + q("404/URL = /finnes-ikke/From = https://example.org/om"), event{"event", "", "404 / /finnes-ikke", "/om", ""}},
		{"403", page + "&action_name=" + q("403/URL = "+q("/finnes-ikke")+"/From = "+q("https://example.org/om")), event{"event", "/finnes-ikke", "403 / /finnes-ikke", "/om", ""}},
		{"500", page + "&action_name=" + q("500/URL = /finnes-ikke/From = https://example.org/om"), event{"event", "/finnes-ikke", "500 / /finnes-ikke", "/om", ""}},
		{"500, our script", page + "&e_c=500", event{"event", "/finnes-ikke", "500 / /finnes-ikke", "", ""}},
		{"our script on a page that is there", page + "&e_c=200", view},
		{"a page that has moved", page + "&action_name=" + q("301/URL = /finnes-ikke/From = https://example.org/om"), view},
		{"letters beyond ASCII", "url=" + q("https://example.org/bl%C3%A5b%C3%A6r") + "&action_name=" + q("404/URL = "+q("/bl%C3%A5b%C3%A6r")+"/From = "+q("https://example.org/s%C3%B8k")),
			event{"event", "/blåbær", "404 / /blåbær", "/søk", ""}},
		{"letters beyond ASCII, our script", "url=" + q("https://example.org/bl%C3%A5b%C3%A6r") + "&e_c=404",
			event{"event", "/blåbær", "404 / /blåbær", "", ""}},
		{"Latin-1", "url=" + q("https://example.org/bl%E5") + "&action_name=" + q("404/URL = "+q("/bl%E5")+"/From = "), event{"event", "/blå", "404 / /blå", "", ""}},
		{"linked with a parameter that the site allows", page + "&action_name=" + q("404/URL = /finnes-ikke/From = "+q("https://example.org/om?sak=7&x=8")), event{"event", "/finnes-ikke", "404 / /finnes-ikke", "/om?sak=7", ""}},
		{"linked from another host of the site", page + "&action_name=" + q("404/URL = /finnes-ikke/From = https://butikk.example.org/kurv"), event{"event", "/finnes-ikke", "404 / /finnes-ikke", "/kurv", ""}},
		{"linked from a page that is not counted", page + "&action_name=" + q("404/URL = /finnes-ikke/From = https://example.org/intern/a"), unlinked},
		{"personal data", "url=" + q("https://example.org/kari@example.org") + "&action_name=" + q("404/URL = "+q("/kari@example.org?x=kari@example.org")+"/From = "+q("https://example.org/u/kari@example.org?x=kari@example.org")),
			event{"event", "/[email]", "404 / /[email]", "/u/[email]", ""}},

		{"a number that is no status", page + "&action_name=" + q("404 spørsmål og svar"), view},
		{"a folder that is no status", page + "&action_name=" + q("400/Kurs"), view},
		{"a year", page + "&action_name=" + q("4042/URL = /x"), view},
		{"no title", page + "&action_name=", view},
		{"an event has a name of its own", page + "&e_c=a&e_a=b&action_name=" + q("404/URL = /x/From = "), event{"event", "/finnes-ikke", "a / b", "", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, nil)
			r.send(request{target: "/matomo.php?idsite=1&rec=1&" + c.query})
			rows := r.stored()
			if len(rows) != 1 {
				t.Fatalf("%d rows, want 1: %v", len(rows), r.counts())
			}
			got := event{string(rows[0].Kind), rows[0].Path, rows[0].Name, rows[0].PreviousPath, rows[0].Source}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestAPITellsOfATokensOwnSites: the API for the importer of logs requires a token, and
// returns only the sites that it allows.
func TestAPITellsOfATokensOwnSites(t *testing.T) {
	r := newRig(t, func(o *collector.Options) {
		o.Limit = limit.New(limit.Options{Rate: 1, Burst: 12, Now: o.Now})
	})
	r.credentials = append(r.credentials, site.Credential{ID: "b", Hash: site.HashSecret("alle")})
	if err := r.options.Sites.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	const one = `{"idsite":1,"name":"Eksempel","main_url":"https://example.org","timezone":"Europe/Oslo"}`
	ask := func(form string) request { return request{target: "/", body: "module=API&format=json&" + form} }
	for _, c := range []struct {
		request
		status int
		want   string
	}{
		{ask("method=SitesManager.getSiteFromId&idSite=1&token_auth=hemmelig"), 200, one},
		{request{target: "/index.php?module=API&method=SitesManager.getSiteFromId&idSite=1&token_auth=hemmelig"}, 200, one},
		{request{target: "/index.php", body: "module=API&method=SitesManager.getSiteFromId&idSite=1&token_auth=hemmelig"}, 200, one},
		{ask("method=SitesManager.getSiteFromId&idSite=2&token_auth=hemmelig"), 200, `{"result":"error","message":"idSite: the token allows no site of this number"}`},
		{ask("method=SitesManager.getAllSites&token_auth=hemmelig"), 200, `{"1":` + one + `}`},
		{ask("method=SitesManager.getAllSites&token_auth=alle"), 200, `{"1":` + one + `,"2":{"idsite":2,"name":"Other","main_url":"https://www.other.example","timezone":"UTC"}}`},
		{ask("method=SitesManager.getSitesIdFromSiteUrl&url=butikk.example.org&token_auth=hemmelig"), 200, `[{"idsite":1}]`},
		{ask("method=SitesManager.getSitesIdFromSiteUrl&url=www.other.example&token_auth=hemmelig"), 200, `[]`},
		{ask("method=SitesManager.getAllSites&token_auth=gjett"), 401, `{"result":"error","message":"token_auth: want a token that fotspor token add has printed"}`},
		{ask("method=SitesManager.getAllSites"), 401, `{"result":"error","message":"token_auth: want a token that fotspor token add has printed"}`},
		{request{target: "/index.php?module=Login"}, 404, ""},
		{ask("method=SitesManager.getAllSites&token_auth=alle"), 200, ""},
		{ask("method=SitesManager.getAllSites&token_auth=alle"), 200, ""},
		{ask("method=SitesManager.getAllSites&token_auth=alle"), 429, `{"result":"error","message":"too many hits from this network"}`},
	} {
		w := r.send(c.request)
		if got := strings.TrimSpace(w.Body.String()); w.Code != c.status || c.want != "" && got != c.want {
			t.Errorf("%s %s: %d %s, want %d %s", c.target, c.body, w.Code, got, c.status, c.want)
		}
	}
	if rows := r.stored(); len(rows) != 0 {
		t.Errorf("questions left rows: %+v", rows)
	}
}

// TestLogImporter sends what Matomo's import_logs.py sends: calls for the site, and then 200
// lines of a log at a time, as objects with one token. If a log has no User-Agent or no
// address, these are empty.
func TestLogImporter(t *testing.T) {
	r := newRig(t, nil)
	header := map[string]string{"User-Agent": "Matomo/LogImport", "Content-Type": "application/json", "Accept-Language": ""}
	ask := request{target: "/", header: map[string]string{"User-Agent": "Matomo/LogImport"},
		body: "module=API&format=json&method=SitesManager.getSiteFromId&filter_limit=-1&token_auth=hemmelig&idSite=1"}
	if w := r.send(ask); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"main_url":"https://example.org"`) {
		t.Fatalf("question for the site: %d %s", w.Code, w.Body)
	}
	const common = `"rec":"1","apiv":"1","idsite":"1","queuedtracking":"0","dp":"1","cvar":"{\"1\": [\"HTTP-code\", \"200\"]}","bw_bytes":368`
	old := evening.AddDate(0, -3, 0)
	at := old.Format(time.DateTime)
	w := r.send(request{target: "/piwik.php?queuedtracking=0", header: header, body: `{"token_auth":"hemmelig","requests":[
		{` + common + `,"url":"https://example.org/a?x=y","urlref":"","cip":"198.51.100.9","cdt":"` + at + `","ua":"` + firefox + `"},
		{` + common + `,"url":"https://example.org/b","urlref":"https://nrk.no/","cip":"198.51.101.9","cdt":"` + at + `","ua":""},
		{` + common + `,"url":"https://example.org/c","urlref":"","cip":"-","cdt":"` + at + `","ua":"-"},
		{` + common + `,"url":"https://example.org/d","urlref":"","cip":"198.51.102.9","cdt":"` + at + `","ua":"Mozilla/5.0+(X11;+Linux+x86_64;+rv:141.0)+Gecko/20100101+Firefox/141.0"},
		{` + common + `,"url":"https://example.org/e","urlref":"https://example.org/a","cip":"198.51.103.9","cdt":"` + at + `","ua":"` + firefox + `","action_name":"404/URL = https%3A%2F%2Fexample.org%2Fe/From = https%3A%2F%2Fexample.org%2Fa"},
		{` + common + `,"url":"https://example.org/f.pdf","download":"https://example.org/f.pdf","urlref":"","cip":"198.51.104.9","cdt":"` + at + `","ua":"` + firefox + `"},
		{` + common + `,"url":"https://example.org/g","urlref":"","cip":"198.51.105.9","cdt":"` + at + `","ua":"` + google + `"},
		{` + common + `,"url":"https://example.org/h","urlref":"","cip":"198.51.106.9","cdt":"` + at + `","ua":"` + google + `","bots":"1"},
		{` + common + `,"url":"https://example.org/i","urlref":"","cip":"hemmelig","cdt":"` + at + `","ua":""}]}`})
	if got := w.Body.String(); w.Code != http.StatusOK || got != `{"status":"success","tracked":8,"invalid":1,"invalid_indices":[8]}` {
		t.Errorf("status %d, %s", w.Code, got)
	}
	if told := w.Header().Get("X-Fotspor"); told != "recorded; dropped: bot (item 6), cip: want an IP address (item 8)" {
		t.Errorf("X-Fotspor %q", told)
	}
	var got []string
	for _, row := range r.stored() {
		got = append(got, fmt.Sprintf("%s %s %q %s/%s %s %s %s", row.Kind, row.Path, row.Name, row.Browser, row.OS, row.Network, row.Source, row.PreviousPath))
		if !row.Time.Equal(old) || row.Visits != 1 || row.Visitors != 1 {
			t.Errorf("%s at %s, visits %d, visitors %d", row.Path, row.Time, row.Visits, row.Visitors)
		}
	}
	want := []string{
		`pageview /a "" Firefox/Windows 198.51.0.0/16  `,
		`pageview /b "" Other/Other 198.51.0.0/16 nrk.no `,
		`pageview /c "" Other/Other 0.0.0.0/16  `,
		`pageview /d "" Firefox/Linux 198.51.0.0/16  `,
		`event /e "404 / /e" Firefox/Windows 198.51.0.0/16  /a`,
		`download /f.pdf "example.org/f.pdf" Firefox/Windows 198.51.0.0/16  `,
		`pageview /h "" Other/Other 198.51.0.0/16  `,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}
