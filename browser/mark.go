package browser

import "strings"

// names and deeds are parts of words that programs use of themselves, in lower case,
// by the rule they stand for. Where several are in a User-Agent, the first counts, and
// names go before deeds. A "<" before a mark means that a word begins with it, a ">"
// behind it that a word ends with it, but for an s. A digit is part of a word.
type marks []struct{ rule, words string }

// names say who a program is.
var names = marks{
	{RuleAI, `gptbot chatgpt-user chatgpt-agent oai- openai anthropic claudebot claude- perplexitybot
		perplexity-user ccbot google-extended google-cloudvertex google-notebooklm googleagent gemini- bytespider amazonbot amzn- applebot-extended
		meta-external facebookbot mistral cohere ai2bot diffbot youbot duckassist img2dataset omgili webzio timpibot
		deepseekbot deepai novaact firecrawl crawl4ai tavily kagibot iaskspider pangubot <phind huggingface
		grokbot <xai- langchain llamaindex copilotchat`},
	{RulePreview, `facebookexternalhit facebookcatalog externalhit slackbot slack-img <whatsapp/ telegrambot twitterbot
		linkedinbot discordbot skypeuri teamsbot redditbot mastodon/ pleroma misskey akkoma cardyb embedly iframely
		vkshare viberbot line-poker kakaotalk-scrap bitlybot flipboardproxy <synapse unfurl opengraph metainspector`},
	{RuleFeed, `feedfetcher flipboardrss universalfeedparser netnewswire newsblur miniflux freshrss inoreader
		theoldreader tt-rss simplepie magpierss overcast antennapod`},
	{RuleMonitor, `pingdom statuscake betteruptime better-uptime betterstack site24x7 gtmetrix lighthouse pagespeed
		insights datadog checkly newrelic freshping hetrix nodeping catchpoint dynatrace dareboost speedcurve ptst
		webpagetest yellowlab nagios zabbix icinga kube-probe blackbox-exporter healthcheck googlehc health-check
		grafana munin/ collectd siteimprove silktide monsido ssllabs hardenize securityheaders nessus qualys nuclei zgrab nikto sqlmap masscan <nmap
		censys shodan watchtowr foregenix datanyze rigor> <ylt> pa11y wappalyzer`},
	{RuleHeadless, `headless phantomjs slimerjs casperjs selenium webdriver puppeteer playwright htmlunit jsdom
		happy-dom happydom cypress/ testcafe prerender rendertron browserless <splash nightmare/ zombie.js`},
	{RuleLibrary, `curl/ curl> <wget libwww-perl libwww/ python urllib aiohttp <httpx go-http go-resty okhttp httpclient http-client
		http_client httpie axios node-fetch undici superagent guzzle <php> java/1 java/2 java/8 java/9 <java1. jakarta apache-http <ruby> <ruby/
		faraday rest-client restsharp httparty typhoeus <perl> <lwp mechanize <dart> reqwest <hyper/ <ureq isahc <hackney
		<ktor <sttp akka-http clj-http winhttp powershell postman insomnia luasocket lua-resty <httr <cohttp
		alamofire cfnetwork indy> <k6/ jmeter locust apachebench <siege <vegeta <deno/ <bun/ <node> nodejs <got>
		wordpress <drupal`},
	{RuleCrawler, `mediapartners slurp nutch heritrix scrapy ia_archiver screaming-frog screaming> ahrefs semrush
		yandexmetrika google- -google> googleother newsai sindup marketgoo linktiger duckduckgo-favicons
		googleweblight wechatdevtools dmbrowser`},
}

// deeds say what a program does, so that one that no list knows is told too.
var deeds = marks{
	{RuleHeadless, `automation automated`},
	{RulePreview, `preview screenshot thumbnail imageproxy`},
	{RuleFeed, `feed podcast rss> rssreader aggregator`},
	{RuleMonitor, `monitor uptim check valid audit scan probe synthetic inspect verif survey detect
		observatory diagnostic pinger`},
	{RuleAI, `<llm gpt -user>`},
	{RuleCrawler, `crawl spider bot> robot> scrap fetch archiv harvest download webhook sitemap backlink research
		indexer grab sniff favicon finder transcod optimiz analyz proxy agent>`},
}

// mark is one word of names or deeds.
type mark struct {
	rule, word   string
	rank         int
	begins, ends bool
	isName       bool
	isEveryday   bool // a whole word that means something else too, such as ruby
}

// marksByPair has names and deeds by the pair of bytes that they begin with, so that a
// User-Agent is read once.
var marksByPair = func() *[1 << 10][]mark {
	byPair, rank := new([1 << 10][]mark), 0
	for i, list := range []marks{names, deeds} {
		for _, m := range list {
			for word := range strings.FieldsSeq(m.words) {
				one := mark{rule: m.rule, rank: rank, isName: i == 0}
				word, one.begins = strings.CutPrefix(word, "<")
				one.word, one.ends = strings.CutSuffix(word, ">")
				one.isEveryday = (one.begins || one.ends) && !strings.ContainsFunc(one.word, isPunctuation)
				at := pair(one.word, 0)
				byPair[at] = append(byPair[at], one)
				rank++
			}
		}
	}
	return byPair
}()

// pair is a hash of two bytes of s, the same for some that are not.
func pair(s string, at int) int { return int(s[at]&31)<<5 | int(s[at+1]&31) }

// findMark returns the rule of the mark in ua that counts, and where it stands; or
// "" if none does. One outside an address counts more than any within.
func findMark(raw, ua string, embedded bool) (rule string, at int) {
	const within = 1 << 16
	best := 2 * within
	for i := range len(ua) - 1 {
		for _, m := range marksByPair[pair(ua, i)] {
			if m.rank >= best || !strings.HasPrefix(ua[i:], m.word) ||
				m.begins && i > 0 && isAlphanumeric(ua[i-1]) || m.ends && !endsWord(ua[i+len(m.word):]) {
				continue
			}
			rank := m.rank
			if start, end := span(ua, i); isAddress(ua, start, end) {
				rank += within
			}
			if rank < best && !m.isChance(raw, ua, i, embedded) {
				best, rule, at = rank, m.rule, i
			}
		}
	}
	return rule, at
}

func isPunctuation(r rune) bool { return r < 'a' || r > 'z' }

// isChance reports whether a mark at a byte of ua says nothing: in the comment of a
// phone, which names its model, and in what an app adds to its web view. Only names
// count there, and in comments only those that are no everyday word. The comment of
// the engine names no model.
func (m mark) isChance(raw, ua string, at int, embedded bool) bool {
	comment := commentAround(ua, at)
	if strings.HasPrefix(comment, "(khtml") || !embedded && !containsAny(comment, handhelds) {
		return false
	}
	if m.isName {
		return comment != "" && m.isEveryday
	}
	return m.rule != RuleCrawler || bots[strings.ToLower(botName(wordAt(raw, at)))] == ""
}

// handhelds are words of the comments that name a phone or tablet.
var handhelds = []string{
	"android", "adr ", "iphone", "ipad", "harmony", "windows phone", "kaios", "tizen", "blackberry", "symbian", "series60",
	"midp", "cloud phone", "speedmode",
}

// commentAround returns the outermost comment that a byte of ua is in, or "" if it is
// in none.
func commentAround(ua string, at int) string {
	start, depth := 0, 0
	for i := range len(ua) {
		switch ua[i] {
		case '(', '[':
			if depth == 0 {
				if i > at {
					return ""
				}
				start = i
			}
			depth++
		case ')', ']':
			if depth--; depth <= 0 {
				depth = 0
				if start <= at && at < i && isOpening(ua[start]) {
					return ua[start:i]
				}
			}
		}
	}
	if depth > 0 && start <= at {
		return ua[start:]
	}
	return ""
}

func isOpening(c byte) bool { return c == '(' || c == '[' }

// endsWord reports whether rest, what follows a word, leaves it be but for an s.
func endsWord(rest string) bool {
	rest = strings.TrimPrefix(rest, "s")
	return rest == "" || !isAlphanumeric(rest[0])
}
