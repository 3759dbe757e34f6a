package browser

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
)

// headlessChrome is the name of Chrome without a window, in the User-Agent and as a brand of
// the Client Hints.
const headlessChrome = "HeadlessChrome"

// openings are the beginnings of browsers' User-Agents. Those of programs, and of the parts
// of apps that show no page, begin with another name. Dalvik runs Android's apps: Matomo's
// tracker in an app sends it, for a person.
var openings = []string{"mozilla/", "opera/", "ucweb/", "dalvik/"}

// lateOpenings are in the User-Agents of browsers that begin with another name: that of an
// app, of a television, or of the maker of an old phone.
var lateOpenings = []string{
	"ucweb", "uc browser", "ucbrowser", "opera mini", "opera/9", "qqbrowser", "[fban/", "instagram ",
	" duckduckgo/", " dalvik/", "hbbtv/", "midp", "up.browser", "obigo", "browser/applewebkit", "; wv)", " tbrowser/",
}

// opensLikeBrowser reports whether ua begins like that of a browser.
func opensLikeBrowser(ua string, embedded bool) bool {
	name, _, _ := strings.Cut(strings.TrimSpace(opening(ua, ua)), " ")
	return hasAnyPrefix(ua, openings) || containsAny(ua, lateOpenings) || rare[name] != "" ||
		kinds[name] == plain && !slices.Contains(everyday, name) && containsAny(ua, engines) ||
		embedded && strings.Contains(ua, "mozilla/5.0 (") ||
		strings.Contains(ua, "/mozilla/5.0 (") && strings.Contains(ua, "browser/")
}

// clients are parts of the names of libraries.
var clients = []string{"http", "client", "request", "rest", "url", "socket"}

// lighthouse matches the User-Agent of Lighthouse when it tests as a phone, in which it no
// longer names itself. People have that phone too, but with other versions of Android or of
// the browser.
// See https://github.com/GoogleChrome/lighthouse/blob/main/core/config/constants.js.
var lighthouse = regexp.MustCompile(`^mozilla/5\.0 \(linux; android 11; moto g power \(2022\)\) applewebkit/537\.36 ` +
	`\(khtml, like gecko\) chrome/\d+\.0\.0\.0 mobile safari/537\.36$`)

// engines are parts of browsers. Every browser whose User-Agent begins with Mozilla names some
// of them. Each may also follow one of claims.
var engines = []string{
	"applewebkit", "gecko", "chrome", "msie", "trident", "khtml", "konqueror", "presto", "opera",
	"goanna", "servo/", "libweb", "ladybird", "netfront", "playstation", "nintendo", "smart-tv", "smarttv", "roku", "hbbtv", "ce-html",
	"polaris", "obigo", "jig browser", "ibrowse", "icab", "aweb", "netpositive", "webpositive", "origyn", "oregano",
	"ucweb", "ucbrowser", "uc browser", "midp", "dolfin", "netsurf", "w3m/",
}

// bot returns the rule by which a User-Agent is that of a program, and the name of the
// program, or Other if the name is not in bots. For a person's browser it returns "" and "".
// ua is raw in lower case, words is what it says of its device, and app means that it names
// an app that shows pages.
func bot(raw, ua string, words seen, app bool) (rule, name string) {
	switch {
	case strings.TrimSpace(ua) == "":
		return RuleMalformed, noUserAgent
	case containsAny(ua, debris):
		return RuleMalformed, unnamed
	case strings.Contains(ua, "moto g power (2022)") && lighthouse.MatchString(ua):
		return RuleMonitor, "Lighthouse"
	}
	embedded := isWebView(ua, app)
	claimed := claim(raw, ua)
	foreign, addition := stranger(raw, ua, words, embedded)
	rule, at := findMark(raw, ua, embedded)
	switch {
	case rule != "":
		name = wordAt(raw, at)
	case holdsAddress(ua, embedded), claimed != "":
		rule = RuleCrawler
	case foreign != "":
		rule = RuleOther
	case !opensLikeBrowser(ua, embedded):
		rule = RuleOther
		if containsAny(opening(ua, ua), clients) {
			rule = RuleLibrary
		}
	case isBare(ua), impossible(ua):
		rule = RuleMalformed
	default:
		return "", ""
	}
	called := unnamed
	for _, name := range []string{name, claimed, foreign, addition, opening(raw, ua)} {
		if name = botName(name); name == "" {
			continue
		}
		if listed := bots[strings.ToLower(name)]; listed != "" {
			return rule, listed
		}
		called = Other
	}
	return rule, called
}

// botList holds the names of bots, one on each line, followed by its other spellings.
//
//go:embed bots.txt
var botList string

// bots maps the names in botList, in lower case, to the first name of their line. Only these
// names are stored: a bot may send any name, and what is stored is kept for ever.
var bots = func() map[string]string {
	bots := make(map[string]string)
	for line := range strings.Lines(botList) {
		names := strings.Fields(line)
		if names[0] == "#" {
			continue
		}
		for _, name := range names {
			bots[strings.ToLower(name)] = names[0]
		}
	}
	return bots
}()

// addresses are parts of the web and mail addresses by which programs say who runs them.
// The User-Agents of people's browsers have none.
var addresses = []string{"http:", "https:", "mailto"}

// holdsAddress reports whether ua has a web or mail address. Apps add the addresses of their
// services and of their support to their web views. There, only one after a plus counts, by
// which crawlers say where to read about them, and one of a page about a robot.
func holdsAddress(ua string, embedded bool) bool {
	if embedded {
		return strings.Contains(ua, "+http:") || strings.Contains(ua, "+https:") || strings.Contains(ua, "+mailto:") ||
			strings.Contains(ua, "://") && aboutRobot.MatchString(ua)
	}
	if containsAny(ua, addresses) || holdsMailAddress(ua) {
		return true
	}
	for _, domain := range []string{".com", ".org", ".net/"} {
		if _, after, ok := strings.Cut(ua, domain); ok && endsWord(after) && !strings.HasPrefix(after, ".") {
			return true
		}
	}
	return strings.Contains(ua, "www.")
}

// aboutRobot matches the address of a page about a robot, such as https://example.org/bot.html.
var aboutRobot = regexp.MustCompile(`https?://[^\s/;,()]+(?:/[^\s/;,()]+)*/(?:(?:web|our)?-?(?:ro)?bot|(?:web)?-?(?:crawler|spider))s?(?:\.\w+)?(?:[/?#;,)\s]|$)`)

// holdsMailAddress reports whether an @ in ua is more than that of a locale (nb_NO@euro,
// en_GB@rg=nozzzz, Unicode TR 35) or before a version (ios@13.1): a domain follows it.
func holdsMailAddress(ua string) bool {
	for {
		_, after, ok := strings.Cut(ua, "@")
		if !ok {
			return false
		}
		for i := 1; i+1 < len(after) && isToken(after[i]); i++ {
			if after[i] == '.' && isLetter(after[i+1]) {
				return true
			}
		}
		ua = after
	}
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

func isToken(c byte) bool { return isAlphanumeric(c) || isSeparator(c) }

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

// harmless are the beginnings of what follows claims in browsers of rare systems.
var harmless = []string{"u;", "linux ", "windows nt "}

// claims are texts before the names of programs: "compatible;", which crawlers have always
// used, and the comment of the engine, to which no browser adds anything.
var claims = []string{"compatible;", "khtml, like gecko;"}

// claim returns the product that follows one of claims, unless it is a browser's engine.
func claim(raw, ua string) string {
	for _, mark := range claims {
		at := strings.Index(ua, mark)
		if at < 0 {
			continue
		}
		at += len(mark)
		at += len(ua[at:]) - len(strings.TrimLeft(ua[at:], " +"))
		if at < len(ua) && !hasAnyPrefix(ua[at:], engines) && !hasAnyPrefix(ua[at:], harmless) {
			return opening(raw[at:], ua[at:])
		}
	}
	return ""
}

// opening returns the product with which a User-Agent begins, unless it is that of a browser.
func opening(raw, ua string) string {
	if hasAnyPrefix(ua, openings) {
		return ""
	}
	end := strings.IndexAny(raw, "/;,()[]:")
	if end < 0 {
		return raw
	}
	if strings.HasPrefix(raw[end:], "://") { // the word is the scheme of a URL, not a name
		end = strings.LastIndexByte(raw[:end], ' ') + 1
	}
	return raw[:end]
}

// botName turns a name from a User-Agent into one to look up in bots: at most 64 bytes, each
// a letter, digit, or . _ -, beginning with a letter or digit, and without a version or an
// IP address. It returns "" for a mail address, and for a name that says no more than the
// rule.
func botName(name string) string {
	if strings.Contains(name, "@") {
		return ""
	}
	kept := make([]byte, 0, 64)
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

func hasAnySuffix(s string, suffixes []string) bool {
	for _, suffix := range suffixes {
		if strings.HasSuffix(s, suffix) {
			return true
		}
	}
	return false
}

func hasAnyPrefix(s string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}
