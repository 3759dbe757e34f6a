package referrer_test

import (
	"os"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/referrer"
)

// largest are the fifty sources that a report cannot get wrong, each with URLs that
// browsers and apps send.
var largest = []struct {
	channel, name string
	refs          []string
}{
	{"search", "Google", []string{"https://www.google.com/", "https://www.google.no/", "https://www.google.co.uk/search?q=x", "https://google.com.br/url?sa=t", "https://www.google.com.au/", "https://www.google.co.jp/", "https://m.google.de/", "android-app://com.google.android.googlequicksearchbox/", "android-app://com.google.android.googlequicksearchbox/https/www.google.com"}},
	{"search", "Bing", []string{"https://www.bing.com/", "https://cn.bing.com/search?q=x", "https://www2.bing.com/", "http://bing.com", "android-app://com.microsoft.bing/"}},
	{"search", "DuckDuckGo", []string{"https://duckduckgo.com/", "https://html.duckduckgo.com/", "android-app://com.duckduckgo.mobile.android/"}},
	{"search", "Yahoo!", []string{"https://search.yahoo.com/", "https://r.search.yahoo.com/_ylt=1", "https://no.search.yahoo.com/", "https://uk.search.yahoo.com/search?p=x"}},
	{"search", "Yandex", []string{"https://yandex.ru/", "https://yandex.com/", "https://yandex.com.tr/search/", "https://yandex.kz/", "https://ya.ru/", "https://m.yandex.ru/", "https://yandex.ru/clck/jsredir?x"}},
	{"search", "Baidu", []string{"https://www.baidu.com/", "https://m.baidu.com/", "https://www.baidu.com/link?url=x"}},
	{"search", "Ecosia", []string{"https://www.ecosia.org/", "https://ecosia.org/search?q=x"}},
	{"search", "Qwant", []string{"https://www.qwant.com/", "https://lite.qwant.com/"}},
	{"search", "StartPage", []string{"https://www.startpage.com/", "https://eu.startpage.com/do/search"}},
	{"search", "Brave", []string{"https://search.brave.com/", "https://search.brave.com/search?q=x"}},
	{"search", "Kagi", []string{"https://kagi.com/", "https://kagi.com/search?q=x"}},
	{"search", "Naver", []string{"https://search.naver.com/", "https://m.search.naver.com/search.naver?query=x", "https://www.naver.com/"}},
	{"search", "Seznam", []string{"https://search.seznam.cz/", "https://www.seznam.cz/"}},
	{"search", "Sogou", []string{"https://www.sogou.com/", "https://m.sogou.com/web", "https://wap.sogou.com/"}},

	{"social", "Facebook", []string{"https://www.facebook.com/", "https://facebook.com/", "https://m.facebook.com/", "https://l.facebook.com/l.php?u=https%3A%2F%2Fexample.org", "https://lm.facebook.com/", "https://web.facebook.com/", "https://fb.com/", "https://fb.me/e/1", "android-app://com.facebook.katana/"}},
	{"social", "Instagram", []string{"https://www.instagram.com/", "https://l.instagram.com/", "http://instagram.com/", "android-app://com.instagram.android/"}},
	{"social", "Twitter", []string{"https://t.co/abc", "https://twitter.com/", "https://mobile.twitter.com/", "https://x.com/", "android-app://com.twitter.android/"}},
	{"social", "LinkedIn", []string{"https://www.linkedin.com/", "https://no.linkedin.com/", "https://lnkd.in/abc", "android-app://com.linkedin.android/"}},
	{"social", "reddit", []string{"https://www.reddit.com/", "https://old.reddit.com/r/norge/", "https://out.reddit.com/", "https://sh.reddit.com/", "android-app://com.reddit.frontpage/"}},
	{"social", "YouTube", []string{"https://www.youtube.com/", "https://m.youtube.com/", "https://youtu.be/x", "android-app://com.google.android.youtube/"}},
	{"social", "Pinterest", []string{"https://www.pinterest.com/", "https://no.pinterest.com/", "https://www.pinterest.de/", "https://www.pinterest.co.uk/", "https://pin.it/x", "android-app://com.pinterest/"}},
	{"social", "TikTok", []string{"https://www.tiktok.com/", "https://vm.tiktok.com/x", "android-app://com.zhiliaoapp.musically/"}},
	{"social", "WhatsApp", []string{"https://web.whatsapp.com/", "https://l.wl.co/l?u=x", "https://wa.me/", "android-app://com.whatsapp/"}},
	{"social", "Telegram", []string{"https://t.me/", "https://web.telegram.org/", "android-app://org.telegram.messenger/", "android-app://org.telegram.messenger"}},
	{"social", "Snapchat", []string{"https://www.snapchat.com/", "https://web.snapchat.com/", "android-app://com.snapchat.android/"}},
	{"social", "Threads", []string{"https://www.threads.net/", "https://l.threads.net/", "https://l.threads.com/", "https://www.threads.com/"}},
	{"social", "Bluesky", []string{"https://bsky.app/", "https://go.bsky.app/redirect?u=x"}},
	{"social", "Mastodon", []string{"https://mastodon.social/", "https://mastodon.online/@kari", "https://mstdn.social/", "https://fosstodon.org/", "https://hachyderm.io/", "https://mas.to/", "android-app://org.joinmastodon.android/"}},
	{"social", "Vkontakte", []string{"https://vk.com/", "https://m.vk.com/", "https://away.vk.com/", "https://vk.ru/", "android-app://com.vkontakte.android/"}},
	{"social", "Weibo", []string{"https://weibo.com/", "https://m.weibo.cn/", "https://t.cn/abc"}},
	{"social", "Quora", []string{"https://www.quora.com/", "https://es.quora.com/"}},
	{"social", "tumblr", []string{"https://www.tumblr.com/", "https://kari.tumblr.com/", "https://t.umblr.com/redirect?z=x", "https://href.li/"}},
	{"social", "Discord", []string{"https://discord.com/", "https://ptb.discord.com/", "https://discord.gg/x", "https://discordapp.com/"}},
	{"social", "Twitch", []string{"https://www.twitch.tv/", "https://m.twitch.tv/"}},
	{"social", "Hacker News", []string{"https://news.ycombinator.com/", "https://news.ycombinator.com/item?id=1"}},

	{"ai", "ChatGPT", []string{"https://chatgpt.com/", "https://chat.openai.com/", "android-app://com.openai.chatgpt/"}},
	{"ai", "Perplexity", []string{"https://www.perplexity.ai/", "https://perplexity.ai/search/x", "android-app://ai.perplexity.app.android/"}},
	{"ai", "Gemini", []string{"https://gemini.google.com/", "https://gemini.google.com/app", "https://bard.google.com/"}},
	{"ai", "Copilot", []string{"https://copilot.microsoft.com/", "https://m365.cloud.microsoft/", "https://copilot.cloud.microsoft/", "https://www.bing.com/chat"}},
	{"ai", "Claude", []string{"https://claude.ai/", "https://claude.ai/chat/x", "android-app://com.anthropic.claude/"}},
	{"ai", "Deepseek", []string{"https://chat.deepseek.com/", "https://www.deepseek.com/"}},
	{"ai", "Meta AI", []string{"https://www.meta.ai/", "https://meta.ai/"}},
	{"ai", "Le Chat", []string{"https://chat.mistral.ai/", "https://chat.mistral.ai/chat/x"}},
	{"ai", "Grok", []string{"https://grok.com/", "https://x.com/i/grok", "android-app://ai.x.grok/"}},
	{"ai", "You", []string{"https://you.com/", "https://you.com/search?q=x"}},
	{"ai", "Poe", []string{"https://poe.com/", "https://poe.com/chat/x"}},

	{"email", "Gmail", []string{"https://mail.google.com/", "https://mail.google.com/mail/u/0/", "android-app://com.google.android.gm/", "android-app://com.google.android.gm"}},
	{"email", "Outlook", []string{"https://outlook.live.com/", "https://outlook.office.com/mail/", "https://outlook.office365.com/", "https://eur04.safelinks.protection.outlook.com/", "android-app://com.microsoft.office.outlook/"}},
	{"email", "Yahoo Mail", []string{"https://mail.yahoo.com/", "https://no.mail.yahoo.com/", "android-app://com.yahoo.mobile.client.android.mail/"}},
	{"email", "Proton Mail", []string{"https://mail.proton.me/", "https://mail.protonmail.com/", "android-app://ch.protonmail.android/"}},
}

func TestLargestSources(t *testing.T) {
	if len(largest) != 50 {
		t.Fatalf("%d sources, want fifty", len(largest))
	}
	check := func(t *testing.T, sources *referrer.Sources) {
		for _, c := range largest {
			want := referrer.Source{Channel: c.channel, Source: c.name}
			for _, ref := range c.refs {
				if got := sources.Classify(parse(t, "https://example.org/"), ref, nil); got != want {
					t.Errorf("Classify(%q) = %+v, want %+v", ref, got, want)
				}
			}
		}
	}
	t.Run("shipped", func(t *testing.T) { check(t, referrer.Shipped()) })
	t.Run("with the public lists", func(t *testing.T) {
		requireLists(t)
		sources, err := referrer.OpenSources(lists)
		if err != nil {
			t.Fatal(err)
		}
		check(t, sources)
	})
}

// A host that stood under two names would go by the last of them.
func TestShippedNamesHostsOnce(t *testing.T) {
	text, err := os.ReadFile("sources.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if line[0] == '#' {
			continue
		}
		_, hosts, _ := strings.Cut(line, ": ")
		for host := range strings.FieldsSeq(hosts) {
			host = strings.TrimPrefix(host, "=")
			if other := seen[host]; other != "" {
				t.Errorf("%s is in two lines:\n%s%s", host, other, line)
			}
			seen[host] = line
		}
	}
}
