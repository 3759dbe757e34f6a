package browser

import "strings"

// marks are parts of words by which programs describe themselves, with the rule of each. If a
// User-Agent has several, names count before deeds, and then the first one.
type marks []struct{ rule, words string }

// names are the names of programs.
var names = marks{
	{RuleAI, `gptbot chatgpt-user chatgpt-agent oai- openai anthropic- <anthropic claudebot claude- perplexitybot
		perplexity-user ccbot google-extended google-cloudvertex google-notebooklm googleagent gemini- bytespider amazonbot amzn- applebot-extended
		meta-external facebookbot cohere- <cohere> ai2bot diffbot youbot duckassist img2dataset omgili webzio timpibot
		deepseekbot deepai novaact firecrawl crawl4ai tavily kagibot iaskspider pangubot <phind huggingface
		grokbot <xai- langchain llamaindex copilotchat
		<cursor/ <devin/`},
	{RulePreview, `facebookexternalhit facebookcatalog externalhit slackbot slack-img telegrambot twitterbot
		linkedinbot discordbot skypeuri teamsbot redditbot pleroma akkoma cardyb embedly iframely
		vkshare viberbot line-poker kakaotalk-scrap bitlybot flipboardproxy <synapse unfurl opengraph metainspector`},
	{RuleFeed, `feedfetcher flipboardrss universalfeedparser tt-rss simplepie magpierss`},
	{RuleMonitor, `pingdom statuscake betteruptime better-uptime betterstack site24x7 gtmetrix lighthouse pagespeed
		insights> datadog checkly newrelic freshping hetrix nodeping catchpoint dynatrace dareboost speedcurve ptst
		webpagetest onetrust dejaclick alertsite yellowlab nagios zabbix icinga kube-probe blackbox-exporter healthcheck googlehc health-check
		munin/ collectd siteimprove silktide monsido ssllabs hardenize securityheaders nessus qualys nuclei zgrab nikto sqlmap masscan <nmap
		censys shodan watchtowr foregenix datanyze rigor> <ylt> pa11y wappalyzer`},
	{RuleHeadless, `headless phantomjs slimerjs casperjs selenium webdriver puppeteer playwright htmlunit jsdom
		happy-dom happydom cypress/ testcafe prerender rendertron browserless <splash nightmare/ zombie.js`},
	{RuleLibrary, `curl/ curl> <wget libwww-perl libwww/ <python python- python/ urllib aiohttp <httpx go-http go-resty okhttp httpclient http-client
		http_client axios node-fetch undici superagent guzzle <php> java/1 java/2 java/8 java/9 <java1. jakarta apache-http <ruby> <ruby/
		faraday rest-client restsharp httparty typhoeus <perl> <lwp mechanize <dart> reqwest <hyper/ <ureq isahc <hackney
		<ktor <sttp akka-http clj-http winhttp powershell luasocket lua-resty <httr <cohttp
		alamofire cfnetwork indy> <k6/ jmeter locust apachebench <siege <vegeta <deno/ <bun/ <node> nodejs <got>
		<drupal`},
	{RuleCrawler, `mediapartners slurp nutch heritrix scrapy ia_archiver screaming-frog screaming> ahrefs semrush
		yandexmetrika google- -google> googleother newsai sindup marketgoo linktiger duckduckgo-favicons
		googleweblight wechatdevtools dmbrowser collapsify <dlc/ hotjar <readable/ convertify functionize assetnote networkmeasurement
		testlocally abuse.xmco brandverity`},
}

// apps are the names of programs that are also apps that show pages.
var apps = marks{
	{RuleAI, `mistral`},
	{RulePreview, `<whatsapp/ mastodon/ misskey`},
	{RuleFeed, `netnewswire newsblur miniflux freshrss inoreader theoldreader overcast antennapod`},
	{RuleMonitor, `grafana`},
	{RuleLibrary, `wordpress postman insomnia httpie`},
}

// deeds say what a program does. They recognise programs whose names are in no list.
var deeds = marks{
	{RuleHeadless, `automation automated`},
	{RulePreview, `preview screenshot thumbnail imageproxy`},
	{RuleFeed, `feed podcast rss> rssreader aggregator`},
	{RuleMonitor, `monitor uptim check valid audit scan probe synthetic inspect verif survey detect
		observatory diagnostic pinger`},
	{RuleAI, `<llm gpt -user>`},
	{RuleCrawler, `crawl spider bot> robot> scrap fetch archiv harvest download webhook sitemap backlink research
		indexer grab sniff favicon finder transcod optimiz analyz classifier proxy agent>`},
}

// mark is one word of names, apps or deeds.
type mark struct {
	rule, text string
	isName     bool // the name of a program or of an app
	isApp      bool // the name of an app that shows pages
	isEveryday bool // a whole word that has another meaning too, such as ruby
}

// markFinder finds the words of names, apps and deeds. Their ranks are indices of marked.
var markFinder, marked = func() (*finder, []mark) {
	words, marked := new(finder), []mark(nil)
	for i, list := range []marks{names, apps, deeds} {
		for _, m := range list {
			for text := range strings.FieldsSeq(m.words) {
				w := parseWord(text, len(marked))
				words.add(w)
				marked = append(marked, mark{
					rule:       m.rule,
					text:       w.text,
					isName:     i < 2,
					isApp:      i == 1,
					isEveryday: (w.begins || w.ends) && !strings.ContainsFunc(w.text, isPunctuation),
				})
			}
		}
	}
	return words, marked
}()

func isPunctuation(r rune) bool { return r < 'a' || r > 'z' }

// findMark returns the rule of the mark in ua that counts, and its offset, or "" if there is
// none. A mark outside of an address counts before those inside. embedded means that ua is
// that of a web view.
func findMark(raw, ua string, embedded bool) (rule string, at int) {
	best := 2 * len(marked)
	here := spot{raw: raw, ua: ua, embedded: embedded}
	for i, w := range markFinder.all(ua) {
		rank := w.rank
		if rank >= best {
			continue
		}
		here.move(i)
		if here.isAddress {
			rank += len(marked)
		}
		if m := marked[w.rank]; rank < best && !here.isChance(m) {
			best, rule, at = rank, m.rule, i
		}
	}
	return rule, at
}

// spot is a position in a User-Agent, and how marks count there. It moves forward only: all
// moves together take the time of reading the User-Agent a few times, for any input.
type spot struct {
	raw, ua  string
	embedded bool // in a web view

	end       int  // end of the current stretch: a comment, or the text between two
	isComment bool // whether the stretch is a comment
	chancy    bool // whether marks in the stretch are likely to be there by chance

	wordEnd   int    // end of the current product token
	word      string // the token, as it was sent
	isProduct bool   // whether a slash follows the token, as before a version
	isAddress bool   // whether the token is part of a web or mail address
}

func (s *spot) move(at int) {
	for at >= s.end {
		start := s.end
		s.end, s.isComment = stretch(s.ua, start)
		comment := s.ua[start:s.end]
		// The comment of the engine names no model.
		s.chancy = s.embedded && !strings.HasPrefix(comment, "(khtml") || s.isComment && containsAny(comment, handhelds)
	}
	if at >= s.wordEnd {
		start, end := span(s.ua, at)
		s.wordEnd, s.word, s.isAddress = max(end, at+1), s.raw[start:end], isAddress(s.ua, start, end)
		s.isProduct = strings.HasPrefix(s.ua[end:], "/")
	}
}

// isChance reports whether to ignore a mark, because it may be there by chance: in the
// comment of a phone, which names its model, and in what an app adds to its web view. Only
// what says "I am a robot" counts there: a name of our table that ends in one of robots, and
// the names of programs. In a comment these must be in our table and more than a word of
// letters, such as Slurp, or have a version. In a web view they must be in our table, whole,
// and none of homonyms. The names of apps, everyday words and, in a web view, the libraries
// and readers of feeds that apps are made of do not count.
func (s *spot) isChance(m mark) bool {
	if !s.chancy {
		return false
	}
	name := strings.ToLower(botName(s.word))
	switch {
	case s.isAddress:
		return true
	case bots[name] != "" && hasAnySuffix(name, robots):
		return false
	case !m.isName, m.isApp, m.isEveryday:
		return true
	case s.embedded && (m.rule == RuleLibrary || m.rule == RuleFeed || bots[name] == ""):
		return true
	case s.embedded && homonyms[name] && !(windows[name] && strings.Contains(s.ua, " electron/")):
		return true
	}
	return s.isComment && !s.isProduct && (bots[name] == "" || name == m.text && !strings.ContainsFunc(name, isPunctuation))
}

// homonyms are the names of our table that are also words or names of something else, in lower
// case. In a web view they are the name of an app. The program has a longer name there:
// Chrome-Lighthouse.
var homonyms = set("cursor cypress devin dlc lighthouse munin nightmare nuclei nutch playwright prerender puppeteer readable selenium slurp")

// windows are those homonyms that are programs in a window of Electron, by their names.
var windows = set("cursor cypress devin")

// robots are the endings of names that say that a program is one.
var robots = []string{"bot", "crawler", "spider"}

// handhelds are words of comments that name a phone or tablet.
var handhelds = []string{
	"android", "adr ", "iphone", "ipad", "harmony", "windows phone", "kaios", "tizen", "blackberry", "symbian", "series60",
	"midp", "cloud phone", "speedmode",
}

// stretch returns the end of the comment that begins at start, with the comments nested in
// it. If no comment begins there, it returns the beginning of the next one.
func stretch(ua string, start int) (end int, isComment bool) {
	depth := 0
	for i := start; i < len(ua); i++ {
		switch ua[i] {
		case '(', '[':
			if depth == 0 && i > start {
				return i, false
			}
			depth++
		case ')', ']':
			if depth--; depth == 0 {
				return i + 1, true
			}
			depth = max(depth, 0)
		}
	}
	return len(ua), depth > 0
}
