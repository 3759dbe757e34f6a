package browser

import "strings"

// headlessChrome is what Chrome without a window calls itself, as a product and
// as a brand of the Client Hints.
const headlessChrome = "HeadlessChrome"

// botWords are parts of words that programs use of themselves, in lower case.
// Most name what programs do rather than who they are, so that one that no list
// knows is told too.
var botWords = []string{
	"bot", "agent", // at the end of a word
	// what they do
	"crawl", "spider", "slurp", "scrap", "fetch", "archiv", "harvest", "monitor", "preview", "check",
	"valid", "audit", "scan", "probe", "uptime", "download", "insights", "synthetic", "screenshot",
	"thumbnail", "prerender", "webhook", "sitemap", "backlink", "survey", "detect", "transcod",
	"research", "verif", "inspect", "optimiz", "analyz", "indexer", "grab", "sniff", "favicon", "finder",
	"nutch", "heritrix", "feed",
	// how they are made
	"headless", "lighthouse", "phantomjs", "selenium", "webdriver", "puppeteer", "playwright",
	"htmlunit", "curl", "wget", "libwww", "python", "go-http", "okhttp", "httpclient", "axios", "guzzle",
	"wordpress", "pagespeed", "gtmetrix", "splash",
	// helpers of social networks, search engines and language models
	"externalhit", "meta-external", "whatsapp", "google-", "imageproxy", "proxy", "gpt", "openai",
	"anthropic", "claude-", "cohere", "duckassist", "-user", "novaact", "pingdom", "ptst",
}

// addresses are parts of the web and mail addresses where programs say who runs
// them. People's browsers hold none.
var addresses = []string{"http:", "https:", "www.", "mailto", ".com", ".org", ".net/", "@"}

// innocent blanks out what looks like a program's in people's browsers, and keeps
// every other byte where it was.
var innocent = strings.NewReplacer(
	"cubot", "     ", // a maker of phones
	"ecosia android@", "               ",
	"ecosia ios@", "           ",
)

// openings begin every browser's User-Agent. Programs, and the parts of apps that
// show no page, begin with a name of their own.
var openings = []string{"mozilla/", "opera/", "ucweb/"}

// engines are the parts of browsers of which every one that begins with Mozilla
// names some; each may also follow "compatible;".
var engines = []string{
	"applewebkit", "gecko", "chrome", "msie", "trident", "khtml", "konqueror", "presto", "opera",
	"goanna", "servo", "libweb", "ladybird", "netfront", "playstation", "nintendo",
}

// bot returns the name of the program behind a User-Agent, or "" if it is a
// person's browser; ua is the lower case of raw.
func bot(raw, ua string) string {
	if strings.TrimSpace(ua) == "" {
		return "no-user-agent"
	}
	suspect := innocent.Replace(ua)
	claimed := compatible(raw, suspect)
	var rule, own string
	switch at := botWord(suspect); {
	case at >= 0:
		rule, own = "bot-word", wordAt(raw, at)
	case containsAny(suspect, addresses):
		rule = "has-address"
	case claimed != "":
		rule = "compatible"
	case !hasAnyPrefix(ua, openings):
		rule = "not-a-browser"
	case strings.HasPrefix(ua, "mozilla/") && !containsAny(ua, engines):
		rule = "no-engine"
	default:
		return ""
	}
	for _, name := range []string{own, claimed, opening(raw, ua)} {
		if name = botName(name); name != "" {
			return name
		}
	}
	return rule
}

// botWord returns where one of botWords stands, if it can outside an address; or
// -1 if none does.
func botWord(ua string) int {
	found := -1
	for _, word := range botWords {
		for from := 0; ; {
			next := strings.Index(ua[from:], word)
			if next < 0 {
				break
			}
			at := from + next
			from = at + len(word)
			if (word == "bot" || word == "agent") && !endsWord(ua[from:]) {
				continue
			}
			if start, end := span(ua, at); !isAddress(ua, start, end) {
				return at
			}
			found = at
		}
	}
	return found
}

// endsWord reports whether rest, what follows a word, leaves it be but for an s.
func endsWord(rest string) bool {
	rest = strings.TrimPrefix(rest, "s")
	return rest == "" || !isLetter(rest[0])
}

// span returns the product token around at: letters, digits, and . _ -.
func span(s string, at int) (start, end int) {
	start, end = at, at
	for start > 0 && isToken(s[start-1]) {
		start--
	}
	for end < len(s) && isToken(s[end]) {
		end++
	}
	return start, end
}

func isToken(c byte) bool { return isLetter(c) || isDigit(c) || isSeparator(c) }

func isSeparator(c byte) bool { return c == '.' || c == '_' || c == '-' }

// isAddress reports whether s[start:end] is part of a web or mail address.
func isAddress(s string, start, end int) bool {
	return start > 0 && (s[start-1] == '/' || s[start-1] == '@') ||
		end < len(s) && s[end] == '@' ||
		strings.HasPrefix(s[start:end], "www.")
}

// wordAt returns the product token around at, or "" if it is part of an address.
func wordAt(raw string, at int) string {
	start, end := span(raw, at)
	if isAddress(raw, start, end) {
		return ""
	}
	return raw[start:end]
}

// compatible returns the product that follows "compatible;", where programs since
// the first crawlers say their name, unless it is a browser's engine.
func compatible(raw, ua string) string {
	const mark = "compatible;"
	at := strings.Index(ua, mark)
	if at < 0 {
		return ""
	}
	at += len(mark)
	at += len(ua[at:]) - len(strings.TrimLeft(ua[at:], " +"))
	if at == len(ua) || hasAnyPrefix(ua[at:], engines) {
		return ""
	}
	return opening(raw[at:], ua[at:])
}

// opening returns the product that s begins with, unless that is a browser's.
func opening(raw, ua string) string {
	if hasAnyPrefix(ua, openings) {
		return ""
	}
	if end := strings.IndexAny(raw, "/;,()[]:"); end >= 0 {
		return raw[:end]
	}
	return raw
}

// botName makes a name that may be kept of one that a stranger chose: at most 32
// bytes, each a letter, digit, or . _ -, beginning with a letter or digit, and
// without what looks like a version or an IP address. A mail address, and a name
// that says no more than the rule, is "".
func botName(name string) string {
	if strings.Contains(name, "@") {
		return ""
	}
	kept := make([]byte, 0, 32)
	letters := false
	for i := 0; i < len(name) && len(kept) < cap(kept); i++ {
		c := name[i]
		if c == ' ' || c == '+' {
			c = '-'
		}
		switch {
		case isLetter(c):
			letters = true
		case isDigit(c):
		case !isSeparator(c), len(kept) == 0, isSeparator(kept[len(kept)-1]):
			continue
		case i+1 < len(name) && isDigit(name[i+1]):
			i = len(name) // a version begins
			continue
		}
		kept = append(kept, c)
	}
	text := strings.TrimRight(string(kept), "._-")
	switch strings.ToLower(text) {
	case "bot", "bots", "crawler", "spider", "robot", "http", "https", "linux":
		return ""
	}
	if !letters {
		return ""
	}
	return text
}

func hasAnyPrefix(s string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}
