package referrer_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fotspor/fotspor/referrer"
)

func parse(tb testing.TB, text string) *url.URL {
	tb.Helper()
	u, err := url.Parse(text)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

func TestReferrer(t *testing.T) {
	own := func(host string) bool { return host == "shop.example.org" }
	page := parse(t, "https://example.org/om")
	for _, c := range []struct{ ref, channel, source string }{
		// no referrer, or none that counts
		{"", "direct", ""},
		{"about:blank", "direct", ""},
		{"/om", "direct", ""},
		{"file:///home/kari/index.html", "direct", ""},
		{"chrome-extension://abcdef/page.html", "direct", ""},
		{"https://", "direct", ""},
		{"https://ex ample.com/", "direct", ""},
		{"https://example..com/", "direct", ""},
		{"https://" + strings.Repeat("lang.", 500) + "example.com/", "direct", ""},
		{"https://example.org/%zz", "direct", ""},
		{"http://[::1", "direct", ""},
		{"https://example.org/other", "direct", ""},
		{"https://www.example.org/other", "direct", ""},
		{"https://EXAMPLE.org:8443/other", "direct", ""},
		{"https://shop.example.org/", "direct", ""},
		{"http://192.0.2.129/admin", "direct", ""}, {"http://localhost/x", "direct", ""}, {"http://LocalHost:3000/", "direct", ""}, {"http://app.localhost/", "direct", ""}, {"http://localhost.example/", "website", "localhost.example"},
		{"http://192.0.2.129.:80/", "direct", ""},
		{"http://3221226113/", "direct", ""},
		{"http://0xc0000281/", "direct", ""},
		{"http://１９２.０.２.１２９/", "direct", ""},
		{"http://[2001:db8::1]:8080/", "direct", ""},
		// search engines
		{"https://www.google.com/", "search", "Google"},
		{"https://www.google.no/search?q=sykdom", "search", "Google"},
		{"https://www.google.co.uk", "search", "Google"},
		{"HTTPS://News.Google.com.au/", "search", "Google News"},
		{"https://www.google.com/imgres?q=x", "search", "Google Images"},
		{"https://www.google.com/customers", "search", "Google"},
		{"https://www2.google.com/", "search", "Google"},
		{"https://docs.google.com/imgres", "website", "docs.google.com"},
		{"android-app://com.google.android.googlequicksearchbox/https/www.google.com", "search", "Google"},
		{"https://docs.google.com/document/d/1", "website", "docs.google.com"},
		{"https://google.com.evil.example/", "website", "google.com.evil.example"},
		{"https://notgoogle.com/", "website", "notgoogle.com"},
		{"https://search.yahoo.com/search/dir/x", "search", "Yahoo! Directory"},
		{"https://disk.yandex.ru/d/1", "website", "disk.yandex.ru"},
		{"https://www.bing.com./", "search", "Bing"},
		{"https://kvasir.no/alle?q=x", "search", "Kvasir"},
		{"https://www.sol.no/", "search", "SOL"},
		// social networks
		{"https://facebook.com.evil.example/", "website", "facebook.com.evil.example"},
		{"https://mastodon.example/@kari", "social", "Mastodon"},
		{"https://snabelen.no/@kari/1", "social", "Mastodon"},
		// assistants
		{"https://www.bing.com/chat?q=x", "ai", "Copilot"},
		{"https://x.com/i/grok/share/1", "ai", "Grok"},
		{"https://x.com/i/grokking", "social", "Twitter"},
		// mail
		{"https://webmail.example.com/inbox/7", "email", "webmail.example.com"},
		// other sites, without anything of a person
		{"https://www.Kommune.NO/innbygger/kari.nordmann?fnr=1", "website", "kommune.no"},
		{"https://kari:hemmelig@blogg.example.com/", "website", "blogg.example.com"},
		{"https://blåbær.no/", "website", "xn--blbr-roah.no"},
		{"https://www.BLÅBÆR.no.:443/", "website", "xn--blbr-roah.no"},
		{"android-app://no.example.app/", "website", "no.example.app"},
		{"https://" + strings.Repeat("lang.", 30) + "example.com/", "website", strings.Repeat("lang.", 17) + "example.com"},
		{"https://example.com/" + strings.Repeat("x", 5000), "website", "example.com"},
	} {
		want := referrer.Source{Channel: c.channel, Source: c.source}
		if got := referrer.Shipped().Classify(page, c.ref, own); got != want {
			t.Errorf("Classify(%q) = %+v, want %+v", c.ref, got, want)
		}
	}
}

// TestReferrerIsAHost: of the page that a visitor came from, the source of a visit has the host or
// the name of a service, and nothing of the rest of its URL.
func TestReferrerIsAHost(t *testing.T) {
	page := parse(t, "https://example.org/om")
	for _, host := range []string{"news.example", "www.google.com", "docs.google.com", "search.yahoo.com", "t.co", "mail.example", "chatgpt.com", "user:secretname@news.example", "news.example:8443", "m.facebook.com", "com.reddit.frontpage"} {
		for _, scheme := range []string{"https", "http", "android-app"} {
			for _, rest := range []string{"/secretname", "/?q=secretname", "?secretname", "#secretname", "/a/secretname/b?c=d#secretname", "/search?q=secretname", "/url?url=https://secretname.example/", "\\secretname", "//secretname"} {
				ref := scheme + "://" + host + rest
				got := referrer.Shipped().Classify(page, ref, nil)
				if strings.Contains(fmt.Sprintf("%+v", got), "secretname") || strings.ContainsAny(got.Source, "/?#@") {
					t.Errorf("of %s is kept %+v", ref, got)
				}
				if strings.Contains(referrer.Host(ref), "secretname") {
					t.Errorf("the host of %s is %s", ref, referrer.Host(ref))
				}
			}
		}
	}
}

func TestCampaign(t *testing.T) {
	for _, c := range []struct {
		page, ref string
		want      referrer.Source
	}{
		{"https://example.org/?utm_campaign=vår&utm_source=nyhetsbrev&utm_medium=banner&utm_term=kaffe&utm_content=topp", "https://www.google.com/",
			referrer.Source{Channel: "campaign", Source: "nyhetsbrev", Campaign: "vår", CampaignSource: "nyhetsbrev", CampaignMedium: "banner", CampaignTerm: "kaffe", CampaignContent: "topp"}},
		{"https://example.org/?mtm_campaign=a&mtm_kwd=b", "", referrer.Source{Channel: "campaign", Campaign: "a", CampaignTerm: "b"}},
		{"https://example.org/?matomo_campaign=a&matomo_keyword=b", "", referrer.Source{Channel: "campaign", Campaign: "a", CampaignTerm: "b"}},
		{"https://example.org/?pk_cpn=a&pk_source=s", "", referrer.Source{Channel: "campaign", Source: "s", Campaign: "a", CampaignSource: "s"}},
		{"https://example.org/?piwik_campaign=a&piwik_kwd=b", "", referrer.Source{Channel: "campaign", Campaign: "a", CampaignTerm: "b"}},
		{"https://example.org/#mtm_campaign=a", "", referrer.Source{Channel: "campaign", Campaign: "a"}},
		{"https://example.org/?utm_campaign=a&mtm_campaign=b", "", referrer.Source{Channel: "campaign", Campaign: "b"}},
		{"https://example.org/?utm_campaign=a", "https://www.facebook.com/", referrer.Source{Channel: "campaign", Source: "Facebook", Campaign: "a"}},
		{"https://example.org/?utm_campaign=a&utm_medium=E-mail", "", referrer.Source{Channel: "email", Campaign: "a", CampaignMedium: "E-mail"}},
		// a host that marks its own links
		{"https://example.org/?utm_source=chatgpt.com", "", referrer.Source{Channel: "ai", Source: "ChatGPT", CampaignSource: "chatgpt.com"}},
		{"https://example.org/?utm_source=www.perplexity.ai", "https://www.google.com/", referrer.Source{Channel: "ai", Source: "Perplexity", CampaignSource: "www.perplexity.ai"}},
		{"https://example.org/?utm_source=facebook.com&utm_campaign=a", "", referrer.Source{Channel: "campaign", Source: "facebook.com", Campaign: "a", CampaignSource: "facebook.com"}},
		{"https://example.org/?utm_source=facebook.com&utm_medium=cpc", "", referrer.Source{Channel: "campaign", Source: "facebook.com", CampaignSource: "facebook.com", CampaignMedium: "cpc"}},
		{"https://example.org/?utm_source=avisa", "", referrer.Source{Channel: "campaign", Source: "avisa", CampaignSource: "avisa"}},
		// nothing there
		{"https://example.org/?utm_campaign=&utm_source=%20", "", referrer.Source{Channel: "direct"}},
		{"https://example.org/?side=2", "", referrer.Source{Channel: "direct"}},
		{"https://example.org/?utm_campaign=%zz", "", referrer.Source{Channel: "direct"}},
		{"https://example.org/?gclid=1&fbclid=2&msclkid=3", "https://www.google.com/", referrer.Source{Channel: "search", Source: "Google"}},
		{"https://example.org/?UTM_CAMPAIGN=a&xutm_campaign=b&utm_id=1&utm_campaigns=c", "", referrer.Source{Channel: "direct"}},
		// several for one
		{"https://example.org/?utm_campaign=a&utm_campaign=b&pk_cpn=c&pk_campaign=d&pk_campaign=e", "", referrer.Source{Channel: "campaign", Campaign: "d"}},
		{"https://example.org/?mtm_campaign=&mtm_campaign=%zz&mtm_campaign=a", "", referrer.Source{Channel: "campaign", Campaign: "a"}},
		{"https://example.org/?utm_campaign=a#mtm_campaign=b", "", referrer.Source{Channel: "campaign", Campaign: "a"}},
		{"https://example.org/#?utm_campaign=a%2526b", "", referrer.Source{Channel: "campaign", Campaign: "a%26b"}},
		// as they came, but not without end
		{"https://example.org/?utm_term=[email]+%5Bphone%5D", "", referrer.Source{Channel: "campaign", CampaignTerm: "[email] [phone]"}},
		{"https://example.org/?utm_term=" + strings.Repeat("x", 5000), "", referrer.Source{Channel: "campaign", CampaignTerm: strings.Repeat("x", 100)}},
		{"https://example.org/?utm_term=a%00b%ff+", "", referrer.Source{Channel: "campaign", CampaignTerm: "a b"}},
		{"https://example.org/?utm_content=" + strings.Repeat("å", 300), "", referrer.Source{Channel: "campaign", CampaignContent: strings.Repeat("å", 100)}},
	} {
		if got := referrer.Shipped().Classify(parse(t, c.page), c.ref, nil); got != c.want {
			t.Errorf("Classify(%q, %q)\n got %+v\nwant %+v", c.page, c.ref, got, c.want)
		}
	}
}

func TestHost(t *testing.T) {
	for _, c := range []struct{ ref, want string }{
		{"https://www.Example.org:8443/a?b#c", "example.org"},
		{"http://www.example.org.", "example.org"},
		{"https://kari:hemmelig@example.org?q", "example.org"},
		{"https://example.org\\evil.example/", "example.org"},
		{"android-app://com.google.android.gm/", "com.google.android.gm"},
		{"https://xn--blbr-roah.no/", "xn--blbr-roah.no"},
		{"http://intranett/", "intranett"},
		{"", ""},
		{"example.org", ""},
		{"//example.org/", ""},
		{"ftp://example.org/", ""},
		{"https://192.0.2.129/", ""},
		{"https://[2001:db8::1]/", ""},
		{"https:///example.org", ""},
		{"https://exa%6Dple.org/", ""},
	} {
		if got := referrer.Host(c.ref); got != c.want {
			t.Errorf("Host(%q) = %q, want %q", c.ref, got, c.want)
		}
	}
}

// A parameter is one of a campaign if and only if Classify reads it.
func TestCampaignParameter(t *testing.T) {
	read := 0
	for _, prefix := range []string{"", "x", "mtm_", "matomo_", "pk_", "piwik_", "utm_", "UTM_"} {
		for _, name := range []string{"", "campaign", "cpn", "source", "medium", "term", "keyword", "kwd", "content", "id", "vid", "gclid", "fbclid", "msclkid"} {
			parameter := prefix + name
			got := referrer.Shipped().Classify(parse(t, "https://example.org/?"+parameter+"=x"), "", nil)
			reads := got != referrer.Source{Channel: referrer.Direct}
			if referrer.CampaignParameter(parameter) != reads {
				t.Errorf("CampaignParameter(%q) = %v, but Classify gives %+v", parameter, !reads, got)
			}
			if reads {
				read++
			}
		}
	}
	if read != 5*8 {
		t.Errorf("%d parameters are read, want 40", read)
	}
}

func FuzzClassify(f *testing.F) {
	f.Add("https://example.org/?utm_campaign=a&utm_term=b%20c", "https://www.google.co.uk/search?q=x")
	f.Add("https://example.org/#?mtm_cpn=%ff", "android-app://com.google.android.gm/")
	f.Add("", "https://..com./")
	f.Add("https://example.org/?utm_source=..", "http://[fe80::1%25eth0]/")
	f.Add("https://no.search.yahoo.com/", "https://no.search.yahoo.com:443/search/dir")
	f.Fuzz(func(t *testing.T, pageText, ref string) {
		page, err := url.Parse(pageText)
		if err != nil {
			page = nil
		}
		got := referrer.Shipped().Classify(page, ref, nil)
		switch got.Channel {
		case referrer.Direct, referrer.Search, referrer.Social, referrer.AI, referrer.Website, referrer.Campaign, referrer.Email:
		default:
			t.Fatalf("channel %q", got.Channel)
		}
		if got.Channel == referrer.Direct && got.Source != "" {
			t.Fatalf("direct from %q", got.Source)
		}
		for _, value := range []string{got.Source, got.Campaign, got.CampaignSource, got.CampaignMedium, got.CampaignTerm, got.CampaignContent} {
			if utf8.RuneCountInString(value) > 100 || !utf8.ValidString(value) {
				t.Fatalf("Classify(%q, %q) keeps %q", pageText, ref, value)
			}
		}
		// What Host takes of a URL it takes of one that is no more than that.
		if host := referrer.Host(ref); host != "" && referrer.Host("https://www."+host+"/") != host {
			t.Fatalf("Host(%q) = %q, which is no host", ref, host)
		}
	})
}

func BenchmarkClassify(b *testing.B) {
	sources := referrer.Shipped()
	for _, c := range []struct{ name, page, ref string }{
		{"known", "https://example.org/om", "https://www.google.com/"},
		{"below", "https://example.org/om?side=2", "https://news.google.co.uk/"},
		{"website", "https://example.org/om", "https://www.a.b.example.com/some/page"},
		{"direct", "https://example.org/om", ""},
		{"campaign", "https://example.org/om?utm_source=nyhetsbrev&utm_medium=email&utm_campaign=uke+12", ""},
	} {
		page := parse(b, c.page)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sources.Classify(page, c.ref, nil)
			}
		})
	}
}

// Most visits come with a plain referring URL, or none: they cost no memory.
func TestClassifyAllocates(t *testing.T) {
	sources, page := referrer.Shipped(), parse(t, "https://example.org/om?side=2")
	for _, ref := range []string{"", "https://www.google.com/", "https://l.facebook.com/", "https://www.example.com/a"} {
		if got := testing.AllocsPerRun(100, func() { sources.Classify(page, ref, nil) }); got > 0 {
			t.Errorf("Classify(%q) allocates %v times, want 0", ref, got)
		}
	}
}
