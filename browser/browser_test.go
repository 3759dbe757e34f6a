package browser_test

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fotspor/fotspor/browser"
	"github.com/fotspor/fotspor/hit"
)

// User-Agents of browsers, each typical of many.
const (
	chromeWindows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/153.0.0.0 Safari/537.36"
	chromePhone   = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/153.0.0.0 Mobile Safari/537.36"
	chromeTablet  = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/153.0.0.0 Safari/537.36"
	webView       = "Mozilla/5.0 (Linux; Android 15; Pixel 8; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/153.0.0.0 Mobile Safari/537.36"
	safariPhone   = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.6 Mobile/15E148 Safari/604.1"
	safariMac     = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.6 Safari/605.1.15"
	firefoxLinux  = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"
)

func TestPeople(t *testing.T) {
	for _, c := range []struct {
		userAgent string
		want      browser.Client
	}{
		{chromeWindows, browser.Client{Browser: "Chrome", Version: "153", OS: "Windows", Device: "desktop"}},
		{chromePhone, browser.Client{Browser: "Chrome", Version: "153", OS: "Android", Device: "mobile"}},
		{chromeTablet, browser.Client{Browser: "Chrome", Version: "153", OS: "Android", Device: "tablet"}},
		{webView, browser.Client{Browser: "Chrome", Version: "153", OS: "Android", Device: "mobile"}},
		{safariPhone, browser.Client{Browser: "Safari", Version: "26", OS: "iOS", Device: "mobile"}},
		{strings.Replace(safariPhone, "iPhone; CPU iPhone OS", "iPad; CPU OS", 1), browser.Client{Browser: "Safari", Version: "26", OS: "iOS", Device: "tablet"}},
		{safariMac, browser.Client{Browser: "Safari", Version: "26", OS: "macOS", Device: "desktop"}},
		{firefoxLinux, browser.Client{Browser: "Firefox", Version: "150", OS: "Linux", Device: "desktop"}},
		{chromeWindows + " Edg/153.0.0.0", browser.Client{Browser: "Edge", Version: "153", OS: "Windows", Device: "desktop"}},
		{chromeWindows + " OPR/119.0.0.0", browser.Client{Browser: "Opera", Version: "119", OS: "Windows", Device: "desktop"}},
		{strings.Replace(chromePhone, "Chrome/", "SamsungBrowser/29.0 Chrome/", 1), browser.Client{Browser: "Samsung Internet", Version: "29", OS: "Android", Device: "mobile"}},
		{safariPhone + " Brave", browser.Client{Browser: "Brave", OS: "iOS", Device: "mobile"}},
		{strings.Replace(chromeWindows, "Chrome/", "Brave Chrome/", 1), browser.Client{Browser: "Brave", Version: "153", OS: "Windows", Device: "desktop"}},
		{"Mozilla/5.0 (Windows NT 6.3; WOW64; Trident/7.0; rv:11.0) like Gecko", browser.Client{Browser: "Internet Explorer", Version: "11", OS: "Windows", Device: "desktop"}},
		// mssola knows what the table does not
		{"Mozilla/5.0 (X11; U; Linux i686; en-US; rv:1.9) Gecko/20080630 Kazehakase/0.5", browser.Client{Browser: "Kazehakase", OS: "Linux", Device: "desktop"}},
		// makers of phones, models and languages that look like something else
		{strings.Replace(chromePhone, "K)", "CUBOT X30)", 1), browser.Client{Browser: "Chrome", Version: "153", OS: "Android", Device: "mobile"}},
		{strings.Replace(chromePhone, "K)", "motorola edge 40 neo)", 1), browser.Client{Browser: "Chrome", Version: "153", OS: "Android", Device: "mobile"}},
		// a television is not a desktop
		{"Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36", browser.Client{Browser: "Chrome", Version: "120", OS: "webOS", Device: "other"}},
		// nor is a console, which says Windows
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763", browser.Client{Browser: "Edge", Version: "18", OS: "Xbox", Device: "other"}},
		// an app without a version has not got Chrome's
		{webView + " [Pinterest/Android]", browser.Client{Browser: "Pinterest", OS: "Android", Device: "mobile"}},
		// names of nobody's
		{chromeWindows + " KariTestesenBrowser/2", browser.Client{Browser: "Chrome", Version: "153", OS: "Windows", Device: "desktop"}},
		{"Mozilla/5.0 (X11; U; Linux i686; en-US; rv:1.9) Gecko/20080630 KariTestesen/2", browser.Client{Browser: "Other", OS: "Linux", Device: "desktop"}},
		{"Mozilla/5.0 (X11; U; Linux i686; en-US; rv:1.9) Gecko/20080630 KariTestesen Browser/2", browser.Client{Browser: "Other", OS: "Linux", Device: "desktop"}},
		{"Mozilla/5.0 (Kari OS 2; rv:9.0) Gecko KariTestesenBrowser/2", browser.Client{Browser: "Other", OS: "Other", Device: "other"}},
		// no version is that long
		{strings.Replace(chromeWindows, "Chrome/153", "Chrome/15300000", 1), browser.Client{Browser: "Chrome", OS: "Windows", Device: "desktop"}},
	} {
		if got := browser.Parse(c.userAgent, hit.Hints{}); got != c.want {
			t.Errorf("Parse(%q)\n got %+v\nwant %+v", c.userAgent, got, c.want)
		}
	}
}

func TestHints(t *testing.T) {
	const grease, chromium = `"Not(A:Brand";v="8", `, `"Chromium";v="153", `
	for _, c := range []struct {
		name      string
		userAgent string
		hints     hit.Hints
		want      browser.Client
	}{
		{"Chrome", chromeWindows, hit.Hints{Brands: grease + chromium + `"Google Chrome";v="153"`, Mobile: "?0", Platform: `"Windows"`},
			browser.Client{Browser: "Chrome", Version: "153", OS: "Windows", Device: "desktop"}},
		{"a brand the User-Agent hides", chromeWindows, hit.Hints{Brands: `"Brave";v="153", ` + chromium + grease},
			browser.Client{Browser: "Brave", Version: "153", OS: "Windows", Device: "desktop"}},
		{"a brand beside Chrome", chromeWindows, hit.Hints{Brands: `"Google Chrome";v="153", "Vivaldi";v="7"`},
			browser.Client{Browser: "Vivaldi", Version: "7", OS: "Windows", Device: "desktop"}},
		{"a brand of a stranger's choice", chromeWindows, hit.Hints{Brands: `"Kari Nordmann, Oslo";v="153", ` + chromium},
			browser.Client{Browser: "Other Chromium", Version: "153", OS: "Windows", Device: "desktop"}},
		{"a token says more than Chrome", chromeWindows + " Edg/152.0.0.0", hit.Hints{Brands: `"Google Chrome";v="153"`},
			browser.Client{Browser: "Edge", Version: "152", OS: "Windows", Device: "desktop"}},
		{"one product, the token's version", chromeWindows + " Edg/152.0.0.0", hit.Hints{Brands: `"Microsoft Edge";v="153"`},
			browser.Client{Browser: "Edge", Version: "152", OS: "Windows", Device: "desktop"}},
		{"grease full of punctuation", chromeWindows, hit.Hints{Brands: `"\\Not;A\"Brand";v="99.0", "Opera";v="119", "Chromium";v="153"`},
			browser.Client{Browser: "Opera", Version: "119", OS: "Windows", Device: "desktop"}},
		{"tablet in desktop mode", chromeWindows, hit.Hints{Mobile: "?0", Platform: `"Android"`},
			browser.Client{Browser: "Chrome", Version: "153", OS: "Android", Device: "tablet"}},
		{"phone", chromeTablet, hit.Hints{Mobile: "?1", Platform: `"Android"`},
			browser.Client{Browser: "Chrome", Version: "153", OS: "Android", Device: "mobile"}},
		{"headless by brand alone", chromeWindows, hit.Hints{Brands: `"HeadlessChrome";v="153", "Chromium";v="153"`},
			browser.Client{Browser: "Chrome", Version: "153", OS: "Windows", Device: "other", Rule: browser.RuleHeadless, Bot: "HeadlessChrome"}},
		{"a version that can't be", chromeWindows, hit.Hints{Brands: `"Brave";v="9999", "Chromium";v="153"`},
			browser.Client{Browser: "Brave", OS: "Windows", Device: "desktop"}},
		{"a system of a stranger's choice", chromeWindows, hit.Hints{Platform: `"KariOS"`},
			browser.Client{Browser: "Chrome", Version: "153", OS: "Windows", Device: "desktop"}},
		{"malformed", chromeWindows, hit.Hints{Brands: `"Brave;v="153`, Mobile: "yes", Platform: "Plan 9"},
			browser.Client{Browser: "Other Chromium", OS: "Windows", Device: "desktop", Version: ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := browser.Parse(c.userAgent, c.hints); got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestBots(t *testing.T) {
	for userAgent, want := range map[string]struct{ rule, bot string }{
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)":                                                                             {browser.RuleCrawler, "Googlebot"},
		"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36":     {browser.RuleCrawler, "bingbot"},
		"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)":                                               {browser.RuleAI, "GPTBot"},
		"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)":                                              {browser.RuleAI, "ClaudeBot"},
		"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Claude-User/1.0; +Claude-User@anthropic.com)":                                          {browser.RuleAI, "Claude-User"},
		"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot":                                            {browser.RuleAI, "ChatGPT-User"},
		"Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; Bytespider; spider-feedback@bytedance.com)": {browser.RuleAI, "Bytespider"},
		"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)":                              {browser.RuleAI, "PerplexityBot"},
		"Mozilla/5.0 (compatible; OAI-SearchBot/1.3; +https://openai.com/searchbot)":                                                                           {browser.RuleAI, "OAI-SearchBot"},
		"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; MistralAI-User/1.0; +https://docs.mistral.ai/robots)":                                  {browser.RuleAI, "MistralAI-User"},
		"meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)":                                                            {browser.RuleAI, "meta-externalagent"},
		"CCBot/2.0 (https://commoncrawl.org/faq/)":                                                                      {browser.RuleAI, "CCBot"},
		"Mozilla/5.0 (compatible; Amazonbot/0.1; +https://developer.amazon.com/support/amazonbot)":                      {browser.RuleAI, "Amazonbot"},
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/153.0.0.0 Safari/537.36": {browser.RuleHeadless, "HeadlessChrome"},
		"Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1":        {browser.RuleHeadless, "PhantomJS"},
		"Mozilla/5.0 (linux) AppleWebKit/537.36 (KHTML, like Gecko) jsdom/26.1.0":                                       {browser.RuleHeadless, "jsdom"},
		"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)":                                     {browser.RulePreview, "facebookexternalhit"},
		"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)":                                                    {browser.RulePreview, "Slackbot-LinkExpanding"},
		"WhatsApp/2.24.20.89 A":         {browser.RulePreview, "WhatsApp"},
		"TelegramBot (like TwitterBot)": {browser.RulePreview, "TelegramBot"},
		"Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com": {browser.RulePreview, "SkypeUriPreview"},
		"Feedly/1.0 (+http://www.feedly.com/fetcher.html; 12 subscribers)":                                {browser.RuleFeed, "Feedly"},
		"UptimeRobot/2.0 (http://www.uptimerobot.com/)":                                                   {browser.RuleMonitor, "UptimeRobot"},
		"Mozilla/5.0 (compatible; Pingdom.com_bot_version_1.4_(http://www.pingdom.com/))":                 {browser.RuleMonitor, "Pingdom"},
		chromeWindows + " Chrome-Lighthouse":                                                              {browser.RuleMonitor, "Chrome-Lighthouse"},
		strings.Replace(chromePhone, "10; K", "11; moto g power (2022)", 1):                               {browser.RuleMonitor, "Lighthouse"},
		"python-requests/2.32.3": {browser.RuleLibrary, "python-requests"},
		"curl/8.5.0":             {browser.RuleLibrary, "curl"},
		"Go-http-client/2.0":     {browser.RuleLibrary, "Go-http-client"},
		"okhttp/4.12.0":          {browser.RuleLibrary, "okhttp"},
		"Java/21.0.4":            {browser.RuleLibrary, "Java"},
		// that no list can know
		"Mozilla/5.0 (compatible; Fjellvettbot/0.1; +https://fjellvett.example/om)": {browser.RuleCrawler, browser.Other},
		"Mozilla/5.0 (compatible; Nordlys/3.0)":                                     {browser.RuleCrawler, browser.Other},
		chromeWindows + " tilgjengelighet-checker":                                  {browser.RuleMonitor, browser.Other},
		strings.Replace(chromeWindows, "x64)", "x64; Zorblax/1.0)", 1):              {browser.RuleOther, browser.Other},
		chromeWindows + " Zorblax/1.0 (+https://zorblax.example/bot)":               {browser.RuleCrawler, browser.Other},
		safariMac + " (se https://robot.example)":                                   {browser.RuleCrawler, "unnamed"},
		"Fossekall":                    {browser.RuleOther, browser.Other},
		"fossekall-http/2":             {browser.RuleLibrary, browser.Other},
		"Mozilla/5.0":                  {browser.RuleMalformed, "unnamed"},
		"Mozilla/5.0 (Nordlys)":        {browser.RuleOther, browser.Other},
		"":                             {browser.RuleMalformed, "none"},
		" ":                            {browser.RuleMalformed, "none"},
		"${jndi:ldap://192.0.2}":       {browser.RuleMalformed, "unnamed"},
		"KariTestesen Browser/2":       {browser.RuleOther, browser.Other},
		"KariTestesen-bot/1.0":         {browser.RuleCrawler, browser.Other},
		"googlebot/2.1":                {browser.RuleCrawler, "Googlebot"}, // in the spelling of the table
		"Googlebot-KariTestesen/1":     {browser.RuleCrawler, browser.Other},
		"KariTestesen/1 curl/8.5.0":    {browser.RuleLibrary, "curl"},
		"curl/8.5.0 KariTestesen-bot/": {browser.RuleLibrary, "curl"},
		// nothing of a name but a name: no address, no version, no e-mail
		"bot-192.0.2.129/1.0": {browser.RuleCrawler, "unnamed"},
		"192.0.2.129":         {browser.RuleOther, "unnamed"},
		"Mozilla/5.0 (compatible; kari.nordmann@example.org)": {browser.RuleCrawler, "unnamed"},
	} {
		if got := browser.Parse(userAgent, hit.Hints{}); got.Rule != want.rule || got.Bot != want.bot {
			t.Errorf("Parse(%q) is %q by rule %q, want %+v", userAgent, got.Bot, got.Rule, want)
		}
	}
}

func TestCutUserAgent(t *testing.T) {
	long := chromeWindows + strings.Repeat(" x", 200) + " Edg/153.0.0.0"
	if got := browser.Parse(long, hit.Hints{}).Browser; got != "Chrome" {
		t.Errorf("browser %q from behind byte 512", got)
	}
}

func TestParserRemembersTheSame(t *testing.T) {
	parser := browser.New()
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for range 200 {
				for _, userAgent := range []string{chromeWindows, chromePhone, safariPhone, firefoxLinux} {
					for _, hints := range []hit.Hints{{}, {Brands: `"Brave";v="153"`}, {Mobile: "?0"}} {
						if got, want := parser.Parse(userAgent, hints), browser.Parse(userAgent, hints); got != want {
							t.Errorf("Parse(%q, %+v) = %+v, want %+v", userAgent, hints, got, want)
						}
					}
				}
			}
		})
	}
	clients.Wait()
}

func FuzzUserAgent(f *testing.F) {
	f.Add(chromeWindows)
	f.Add(chromeWindows + " Zorblax/1.0 (+https://zorblax.example/bot)")
	f.Add("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")
	f.Add("Opera/9.80 (J2ME/MIDP; Opera Mini/9.80 (S60; SymbOS; U; en) Presto/2.5.25 Version/10.54")
	f.Add("Mozilla/5.0 (((Linux; Android 8.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/52..4432.1519 Mobile Safari/537.36")
	f.Add("\xff/ \x00(compatible;")
	f.Fuzz(func(t *testing.T, userAgent string) {
		check(t, userAgent, hit.Hints{})
	})
}

func FuzzHints(f *testing.F) {
	f.Add(`"Not(A:Brand";v="8", "Chromium";v="153", "Brave";v="153"`, "?0", `"Windows"`)
	f.Add(`"\\Not;A\"Brand";v="99.0", "HeadlessChrome";v="119"`, "?1", `"Android"`)
	f.Add(`"\"`, "?1", `"`)
	f.Add(`"`, "\xff", "\xff")
	f.Fuzz(func(t *testing.T, brands, mobile, platform string) {
		check(t, chromeWindows, hit.Hints{Brands: brands, Mobile: mobile, Platform: platform})
	})
}

var (
	validVersion = regexp.MustCompile(`^(0|[1-9][0-9]{0,2})?$`)
	validDevice  = regexp.MustCompile(`^(desktop|mobile|tablet|other)$`)
)

// known is the set of all names that a Client can have: those of the tables.
var known = func() map[string]bool {
	known := map[string]bool{}
	for _, names := range [][]string{browser.Names(), browser.Systems(), browser.Bots()} {
		for _, name := range names {
			known[name] = true
		}
	}
	return known
}()

// TestBotList: each name is one that a bot can be looked up by, and stands once, in
// order.
func TestBotList(t *testing.T) {
	last := ""
	seen := map[string]bool{}
	for line := range strings.Lines(browser.BotList()) {
		names := strings.Fields(line)
		if names[0] == "#" {
			continue
		}
		if first := strings.ToLower(names[0]); first <= last {
			t.Errorf("%s stands behind %s", first, last)
		} else {
			last = first
		}
		for _, name := range names {
			if key := strings.ToLower(name); browser.BotName(name) != name || seen[key] {
				t.Errorf("%q is looked up as %q, or stands twice", name, browser.BotName(name))
			} else {
				seen[key] = true
			}
		}
	}
	t.Logf("%d names", len(seen))
}

// check fails the test unless a parsed Client is as documented.
func check(t *testing.T, userAgent string, hints hit.Hints) {
	t.Helper()
	got := browser.Parse(userAgent, hints)
	if !known[got.Browser] || !known[got.OS] || got.Bot != "" && !known[got.Bot] ||
		!validVersion.MatchString(got.Version) || !validDevice.MatchString(got.Device) ||
		(got.Rule == "") != (got.Bot == "") || got.Rule != "" && !slices.Contains(browser.Rules(), got.Rule) {
		t.Fatalf("Parse(%q, %q) = %+v", userAgent, []string{hints.Brands, hints.Mobile, hints.Platform}, got)
	}
}

// BenchmarkParse parses real User-Agents by their frequency, as headers come: each
// in memory of its own.
func BenchmarkParse(b *testing.B) {
	var userAgents []string
	for _, r := range corpus(b, "npm:user-agents") {
		for range max(1, int(r.Weight*1000)) {
			userAgents = append(userAgents, strings.Clone(r.UA))
		}
	}
	hints := hit.Hints{Brands: `"Not(A:Brand";v="8", "Chromium";v="153", "Google Chrome";v="153"`, Mobile: "?0", Platform: `"Windows"`}
	parser := browser.New()
	for _, c := range []struct {
		name  string
		parse func(string, hit.Hints) browser.Client
	}{{"cached", parser.Parse}, {"uncached", browser.Parse}} {
		for _, userAgent := range userAgents {
			c.parse(userAgent, hints)
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := rand.IntN(len(userAgents)); pb.Next(); i++ {
					c.parse(userAgents[i%len(userAgents)], hints)
				}
			})
		})
	}
}

// TestCachedParseAllocatesNothing: the path of nearly every hit makes no garbage.
func TestCachedParseAllocatesNothing(t *testing.T) {
	parser := browser.New()
	hints := hit.Hints{Brands: `"Chromium";v="153", "Google Chrome";v="153"`, Mobile: "?0", Platform: `"Windows"`}
	if n := testing.AllocsPerRun(100, func() { parser.Parse(chromeWindows, hints) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
