package referrer_test

import (
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
		{"http://[::1", "direct", ""},
		{"https://example.org/other", "direct", ""},
		{"https://www.example.org/other", "direct", ""},
		{"https://EXAMPLE.org:8443/other", "direct", ""},
		{"https://shop.example.org/", "direct", ""},
		{"http://192.0.2.129/admin", "direct", ""},
		{"http://[2001:db8::1]:8080/", "direct", ""},
		// search engines
		{"https://www.google.com/", "search", "Google"},
		{"https://www.google.no/search?q=sykdom", "search", "Google"},
		{"https://www.google.co.uk", "search", "Google"},
		{"https://news.google.com.au/", "search", "Google"},
		{"android-app://com.google.android.googlequicksearchbox/https/www.google.com", "search", "Google"},
		{"https://docs.google.com/document/d/1", "website", "docs.google.com"},
		{"https://google.com.evil.example/", "website", "google.com.evil.example"},
		{"https://notgoogle.com/", "website", "notgoogle.com"},
		{"https://no.search.yahoo.com/", "search", "Yahoo"},
		{"https://r.search.yahoo.com/_ylt=1", "search", "Yahoo"},
		{"https://yandex.com.tr/", "search", "Yandex"},
		{"https://duckduckgo.com/", "search", "DuckDuckGo"},
		{"https://search.brave.com/", "search", "Brave"},
		{"https://www.bing.com./", "search", "Bing"},
		{"https://kvasir.no/alle?q=x", "search", "Kvasir"},
		{"https://www.sol.no/", "search", "SOL"},
		// social networks
		{"https://l.facebook.com/l.php?u=https%3A%2F%2Fexample.org", "social", "Facebook"},
		{"https://lm.facebook.com/", "social", "Facebook"},
		{"android-app://com.facebook.katana/", "social", "Facebook"},
		{"https://t.co/abc", "social", "X"},
		{"https://out.reddit.com/", "social", "Reddit"},
		{"https://mastodon.example/@kari", "social", "Mastodon"},
		{"https://snabelen.no/@kari/1", "social", "Mastodon"},
		{"https://no.pinterest.com/", "social", "Pinterest"},
		{"android-app://org.telegram.messenger", "social", "Telegram"},
		// assistants
		{"https://chatgpt.com/", "ai", "ChatGPT"},
		{"https://gemini.google.com/app", "ai", "Gemini"},
		{"https://www.perplexity.ai/search/x", "ai", "Perplexity"},
		{"https://www.bing.com/chat?q=x", "ai", "Copilot"},
		{"https://x.com/i/grok", "ai", "Grok"},
		{"https://x.com/i/lists", "social", "X"},
		// mail
		{"https://mail.google.com/", "email", "Gmail"},
		{"android-app://com.google.android.gm/", "email", "Gmail"},
		{"https://outlook.live.com/", "email", "Outlook"},
		{"https://webmail.example.com/inbox/7", "email", "webmail.example.com"},
		// other sites, without anything of a person
		{"https://www.Kommune.NO/innbygger/kari.nordmann?fnr=1", "website", "kommune.no"},
		{"https://kari:hemmelig@blogg.example.com/", "website", "blogg.example.com"},
		{"https://blåbær.no/", "website", "blåbær.no"},
		{"android-app://no.example.app/", "website", "no.example.app"},
		{"https://" + strings.Repeat("lang.", 30) + "example.com/", "website", strings.Repeat("lang.", 17) + "example.com"},
		{"https://example.com/" + strings.Repeat("x", 5000), "website", "example.com"},
	} {
		want := referrer.Source{Channel: c.channel, Source: c.source}
		if got := referrer.Classify(page, c.ref, own); got != want {
			t.Errorf("Classify(%q) = %+v, want %+v", c.ref, got, want)
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
		// nothing of a person, and nothing without end
		{"https://example.org/?utm_campaign=til+kari.nordmann%40example.org+(vår)", "", referrer.Source{Channel: "campaign", Campaign: "til [email] (vår)"}},
		{"https://example.org/?utm_term=kari%2540example.org%7Cx", "", referrer.Source{Channel: "campaign", CampaignTerm: "[email]|x"}},
		{"https://example.org/?utm_term=" + strings.Repeat("x", 2040) + "+kari%40example.org", "", referrer.Source{Channel: "campaign", CampaignTerm: strings.Repeat("x", 100)}},
		{"https://example.org/?utm_term=a%00b%ff+", "", referrer.Source{Channel: "campaign", CampaignTerm: "a b"}},
		{"https://example.org/?utm_content=" + strings.Repeat("å", 300), "", referrer.Source{Channel: "campaign", CampaignContent: strings.Repeat("å", 100)}},
	} {
		if got := referrer.Classify(parse(t, c.page), c.ref, nil); got != c.want {
			t.Errorf("Classify(%q, %q)\n got %+v\nwant %+v", c.page, c.ref, got, c.want)
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add("https://example.org/?utm_campaign=a&utm_term=kari%40example.org", "https://www.google.co.uk/search?q=x")
	f.Add("https://example.org/#?mtm_cpn=%ff", "android-app://com.google.android.gm/")
	f.Add("", "https://..com./")
	f.Add("https://example.org/?utm_source=..", "http://[fe80::1%25eth0]/")
	f.Fuzz(func(t *testing.T, pageText, ref string) {
		page, err := url.Parse(pageText)
		if err != nil {
			page = nil
		}
		got := referrer.Classify(page, ref, nil)
		switch got.Channel {
		case referrer.Direct, referrer.Search, referrer.Social, referrer.AI, referrer.Website, referrer.Campaign, referrer.Email:
		default:
			t.Fatalf("channel %q", got.Channel)
		}
		if got.Channel == referrer.Direct && got.Source != "" {
			t.Fatalf("direct from %q", got.Source)
		}
		for _, value := range []string{got.Source, got.Campaign, got.CampaignSource, got.CampaignMedium, got.CampaignTerm, got.CampaignContent} {
			if utf8.RuneCountInString(value) > 100 || !utf8.ValidString(value) || strings.Contains(value, "@") {
				t.Fatalf("Classify(%q, %q) keeps %q", pageText, ref, value)
			}
		}
	})
}

func BenchmarkClassify(b *testing.B) {
	plain := parse(b, "https://example.org/om?side=2")
	tagged := parse(b, "https://example.org/om?utm_source=nyhetsbrev&utm_medium=email&utm_campaign=uke+12")
	b.Run("referrer", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			referrer.Classify(plain, "https://news.google.co.uk/", nil)
		}
	})
	b.Run("website", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			referrer.Classify(plain, "https://www.a.b.example.com/some/page", nil)
		}
	})
	b.Run("campaign", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			referrer.Classify(tagged, "", nil)
		}
	})
}
