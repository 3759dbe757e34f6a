package referrer_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/fotspor/fotspor/referrer"
)

// pattern is a host of a public list, in which {} stands for any country.
type pattern struct{ channel, name, host string }

// list reads one of the public lists, which are not part of the project: names
// at the margin, hosts as items of theirs or of "urls".
func list(t *testing.T, file, channel string) []pattern {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "shared", "data", "lists", file))
	if err != nil {
		t.Skipf("SKIPPED, third-party test data not here: %v", err)
	}
	var patterns []pattern
	name, hosts := "", true
	for line := range strings.Lines(string(text)) {
		item := strings.TrimSpace(line)
		switch {
		case line[0] != ' ':
			name, hosts = strings.Trim(strings.TrimSuffix(item, ":"), `"'`), true
		case strings.HasSuffix(item, ":"):
			hosts = strings.HasSuffix(item, "urls:")
		case hosts && strings.HasPrefix(item, "- "):
			patterns = append(patterns, pattern{channel, name, strings.Trim(item[2:], `"'`)})
		}
	}
	return patterns
}

// renamed are sources that the lists call by another name, or by one of the past.
var renamed = map[string]string{
	"Twitter": "X", "Vkontakte": "VK", "Haboo": "Habbo", "Ozone": "Qzone", "Google%2B": "Google+",
	"Yahoo! Directory": "Yahoo", "Google syndicated search": "Google", "Google Custom Search": "Google",
	"Google Blogsearch": "Google", "Google Maps": "Google", "Google News": "Google", "Google Scholar": "Google",
	"Google Shopping": "Google", "Google Translations": "Google", "Google Video": "Google",
	"Gigablast (Directory)": "Gigablast", "URL.ORGanzier": "URL.ORGanizer", "sm.cn": "Shenma (sm.cn)",
	"DasOertliche": "Das Örtliche", "Opplysningen 1881": "1881", "Conduit.com": "Conduit",
	"Compuserve.com (Enhanced by Google)": "CompuServe", "Startpagina (Google)": "Startpagina",
	"La Toile Du Québec (Google)": "La Toile du Québec", "Apollo lv": "Apollo", "Ilse NL": "Ilse",
	"Onet.pl": "Onet", "GoYellow.de": "GoYellow", "uol.com.br": "UOL", "Toppreise.ch": "Toppreise",
	"Canoe.ca": "Canoe", "Cốc Cốc": "Coc Coc", "EpicSearch.in": "EpicSearch", "Mailru": "Mail.ru", "qip.ru": "QIP",
	"TUSK Search": "TUSK", "Scour.com": "Scour", "Flix.de": "Flix", "Poisk.Ru": "Poisk",
	"Classmates.com": "Classmates", "Geni.com": "Geni", "MoiKrug.ru": "MoiKrug", "Nasza-klasa.pl": "Nasza-klasa",
	"Sonico.com": "Sonico", "Twitcast": "TwitCasting",
}

// fold makes a name of a list comparable with ours.
func fold(name string) string {
	if to, ok := renamed[name]; ok {
		name = to
	}
	for _, kind := range []string{" Images", " Videos", " Videa"} {
		name = strings.TrimSuffix(name, kind)
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '+' {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// referring is a URL of a pattern, as a browser or an app would send it.
func referring(host string) string {
	switch {
	case strings.HasPrefix(host, "android-app//"):
		return "android-app://" + strings.TrimPrefix(host, "android-app//")
	case strings.HasPrefix(host, "{}"):
		return "https://no" + strings.TrimPrefix(host, "{}")
	case strings.Contains(host, ".{}."):
		return "https://" + strings.Replace(host, "{}", "no", 1)
	}
	return "https://" + strings.Replace(host, "{}", "co.uk", 1)
}

// large are the sources that a report cannot get wrong.
var large = []string{
	"Google", "Google Images", "Google News", "Bing", "DuckDuckGo", "Yahoo!", "Yahoo! Japan", "Yandex", "Baidu", "Ecosia", "Qwant",
	"StartPage", "Brave", "Kagi", "Naver", "Seznam", "Sogou", "Kvasir", "Startsiden", "Gule Sider", "Facebook", "Instagram",
	"Twitter", "LinkedIn", "YouTube", "TikTok", "reddit", "Pinterest", "Snapchat", "Threads", "Bluesky", "Mastodon", "Telegram",
	"Vkontakte", "WeChat", "ChatGPT", "Claude", "Perplexity", "Gemini", "Copilot", "Le Chat", "Deepseek", "Grok",
}

func TestPublicLists(t *testing.T) {
	patterns := slices.Concat(
		list(t, "SearchEngines.yml", referrer.Search),
		list(t, "Socials.yml", referrer.Social),
		list(t, "AIAssistants.yml", referrer.AI),
	)
	// Some hosts are in two lists; an assistant with a search engine's ways is one.
	accepted := make(map[string][]pattern)
	key := func(host string) string { return strings.TrimPrefix(host, "www.") }
	for _, p := range patterns {
		accepted[key(p.host)] = append(accepted[key(p.host)], p)
	}
	right := make(map[string]int)
	all := make(map[string]int)
	for _, p := range patterns {
		got := referrer.Classify(nil, referring(p.host), nil)
		ok := slices.ContainsFunc(accepted[key(p.host)], func(p pattern) bool {
			return got.Channel == p.channel && fold(got.Source) == fold(p.name)
		})
		all[p.channel]++
		if ok {
			right[p.channel]++
			continue
		}
		// Google's list has portals that show its results, which are not Google.
		if slices.Contains(large, p.name) && strings.Contains(p.host, strings.ToLower(p.name)) {
			t.Errorf("%s %s: %s is %+v", p.channel, p.name, p.host, got)
		}
		t.Logf("%s %s: %s is %s %q", p.channel, p.name, p.host, got.Channel, got.Source)
	}
	for channel, floor := range map[string]float64{referrer.Search: 90, referrer.Social: 95, referrer.AI: 100} {
		share := 100 * float64(right[channel]) / float64(all[channel])
		t.Logf("%-8s %d of %d patterns right, %.1f %% (floor %g)", channel, right[channel], all[channel], share, floor)
		if share < floor {
			t.Errorf("%s: %.1f %%, want at least %g", channel, share, floor)
		}
	}
}
