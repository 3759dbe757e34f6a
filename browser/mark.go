package browser

import "strings"

// marks are parts of words that programs use of themselves, in lower case, by the
// rule they stand for. Where several are in a User-Agent, the first here counts. A
// "<" before a mark means that a word begins with it, a ">" behind it that a word
// ends with it, but for an s.
//
// Most marks below "what they do" say what a program does rather than who it is, so
// that one that no list knows is told too.
var marks = []struct{ rule, words string }{
	// Who they are
	{RuleAI, `gptbot chatgpt-user chatgpt-agent oai- openai anthropic claudebot claude- perplexitybot
		perplexity-user ccbot google-extended google-cloudvertex google-notebooklm googleagent gemini- bytespider amazonbot amzn- applebot-extended
		meta-external facebookbot mistral cohere ai2bot diffbot youbot duckassist img2dataset omgili webzio timpibot
		deepseekbot deepai novaact firecrawl crawl4ai tavily kagibot iaskspider pangubot <phind huggingface
		grokbot <xai- langchain llamaindex copilotchat`},
	{RulePreview, `facebookexternalhit facebookcatalog externalhit slackbot slack-img whatsapp telegrambot twitterbot
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
	{RuleLibrary, `curl/ curl> <wget libwww python urllib aiohttp <httpx go-http go-resty okhttp httpclient http-client
		http_client httpie axios node-fetch undici superagent guzzle <php> java/ <java1. jakarta apache-http <ruby> <ruby/
		faraday rest-client restsharp httparty typhoeus <perl> <lwp mechanize <dart> reqwest <hyper/ <ureq isahc <hackney
		<ktor <sttp akka-http clj-http winhttp powershell postman insomnia luasocket lua-resty <httr <cohttp
		alamofire cfnetwork indy> <k6/ jmeter locust apachebench <siege <vegeta <deno/ <bun/ <node> nodejs <got>
		wordpress <drupal`},
	{RuleCrawler, `mediapartners slurp nutch heritrix scrapy ia_archiver screaming-frog screaming> ahrefs semrush
		yandexmetrika google- -google> googleother newsai sindup marketgoo linktiger duckduckgo-favicons`},

	// What they do
	{RuleHeadless, `automation automated`},
	{RulePreview, `preview screenshot thumbnail imageproxy`},
	{RuleFeed, `feed podcast <rss> rssreader aggregator`},
	{RuleMonitor, `monitor uptim check valid audit scan probe synthetic inspect verif survey detect
		observatory diagnostic pinger`},
	{RuleAI, `<llm gpt -user>`},
	{RuleCrawler, `crawl spider bot> robot> scrap fetch archiv harvest download webhook sitemap backlink research
		indexer grab sniff favicon finder transcod optimiz analyz proxy agent>`},
}

// mark is one word of marks.
type mark struct {
	rule, word   string
	rank         int
	begins, ends bool
}

// marksByPair has the words of marks by the pair of bytes that they begin with, so
// that a User-Agent is read once.
var marksByPair = func() *[1 << 10][]mark {
	byPair, rank := new([1 << 10][]mark), 0
	for _, m := range marks {
		for word := range strings.FieldsSeq(m.words) {
			one := mark{rule: m.rule, rank: rank}
			word, one.begins = strings.CutPrefix(word, "<")
			one.word, one.ends = strings.CutSuffix(word, ">")
			at := pair(one.word, 0)
			byPair[at] = append(byPair[at], one)
			rank++
		}
	}
	return byPair
}()

// pair is a hash of two bytes of s, the same for some that are not.
func pair(s string, at int) int { return int(s[at]&31)<<5 | int(s[at+1]&31) }

// findMark returns the rule of the mark in ua that counts, and where it stands; or
// "" if none does. One outside an address counts more than any within.
func findMark(ua string) (rule string, at int) {
	const within = 1 << 16
	best := 2 * within
	for i := range len(ua) - 1 {
		for _, m := range marksByPair[pair(ua, i)] {
			if m.rank >= best || !strings.HasPrefix(ua[i:], m.word) ||
				m.begins && i > 0 && isLetter(ua[i-1]) || m.ends && !endsWord(ua[i+len(m.word):]) {
				continue
			}
			rank := m.rank
			if start, end := span(ua, i); isAddress(ua, start, end) {
				rank += within
			}
			if rank < best {
				best, rule, at = rank, m.rule, i
			}
		}
	}
	return rule, at
}

// endsWord reports whether rest, what follows a word, leaves it be but for an s.
func endsWord(rest string) bool {
	rest = strings.TrimPrefix(rest, "s")
	return rest == "" || !isLetter(rest[0])
}
