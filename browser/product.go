package browser

import (
	"strings"

	"github.com/mssola/useragent"
)

// product is a browser and its major version.
type product struct {
	name, version string
	app           bool // shows pages inside an app
}

// Names that rules refer to.
const (
	chrome  = "Chrome"
	safari  = "Safari"
	android = "Android"
)

// row is a product, and the words of a User-Agent by which it is recognised. A word is in
// lower case and ends with the character that follows it, a slash or a space; without one, a
// digit or the end follows. Before a word there is no letter, digit or underscore.
type row struct {
	name  string
	words []string
	app   bool // shows pages inside an app
	// chromium is a rebuilt Chrome that may send no version: then Chrome's counts.
	chromium bool
}

// products is the table of products. A browser sends its own words and those of other
// browsers for which it wants to be taken. The first row with a word in the User-Agent
// counts, so each row is above those whose words its User-Agent also has.
var products = []row{
	// Browsers whose User-Agent ends in the name of another browser
	{name: "UC Browser", words: []string{"ucbrowser/", "ucbrowser", "uc browser", "ucmobile/", "ubrowser/", "ucturbo/", "ucmini/", "ucpc/", "ucweb", "ucweb/"}},
	{name: "Opera Mini", words: []string{"opera mini/", "opios/"}},
	{name: "Meta Quest Browser", words: []string{"oculusbrowser/"}},
	{name: "Samsung Internet", words: []string{"samsungbrowser/"}},
	{name: "Yandex Browser", words: []string{"yasearchbrowser/", "yabrowser/"}},
	{name: "Edge", words: []string{"edg/", "edga/", "edgios/", "edge/"}},
	{name: "Opera", words: []string{"opr/", "opt/", "opx/", "coast/"}},
	{name: "DuckDuckGo", words: []string{"duckduckgo/", "ddg/"}},
	{name: "Brave", words: []string{"brave/", "brave ", "brave"}, chromium: true},
	{name: "Vivaldi", words: []string{"vivaldi/", "vivaios/"}},
	{name: "Ecosia", words: []string{"ecosia "}, chromium: true},
	{name: "Whale", words: []string{"whale/"}},
	{name: "Coc Coc", words: []string{"coc_coc_browser/", "coccocbrowser/"}},
	{name: "Amazon Silk", words: []string{"silk/"}},
	{name: "Huawei Browser", words: []string{"huaweibrowser/"}},
	{name: "Miui Browser", words: []string{"miuibrowser/"}},
	{name: "HeyTap Browser", words: []string{"heytapbrowser/"}},
	{name: "vivo Browser", words: []string{"vivobrowser/"}},
	{name: "Honor Browser", words: []string{"honorbrowser/"}},
	{name: "Lenovo Browser", words: []string{"slbrowser/"}},
	{name: "Puffin", words: []string{"puffin/"}},
	{name: "Aloha Browser", words: []string{"alohabrowser/", "alohalite/"}},
	{name: "Maxthon", words: []string{"maxthon/", "maxthon ", "mxbrowser/", "mxios/", "mxnitro/"}},
	{name: "Avast Secure Browser", words: []string{"avast/", "avastsecurebrowser/", "asw/"}},
	{name: "Avira Secure Browser", words: []string{"avira/", "avirasecurebrowser/"}},
	{name: "AVG Secure Browser", words: []string{"avg/", "avgsecurebrowser/"}},
	{name: "Norton Private Browser", words: []string{"norton/"}},
	{name: "CCleaner Browser", words: []string{"ccleaner/"}},
	{name: "Seznam", words: []string{"seznam.cz/", "szn/"}},
	{name: "Baidu Browser", words: []string{"bidubrowser/", "baidubrowser/"}},
	{name: "Sogou Explorer", words: []string{"metasr ", "sogoumobilebrowser/"}},
	{name: "Phoenix Browser", words: []string{"phoenix/"}},
	{name: "Quark", words: []string{"quark/", "quarkpc/"}},
	{name: "Iron", words: []string{"iron/"}},
	{name: "QQ Browser", words: []string{"qqbrowser/", "qqbrowserlite/"}},
	{name: "Ladybird", words: []string{"ladybird/"}},

	// Browsers inside apps
	{name: "WeChat", app: true, words: []string{"micromessenger/"}},
	{name: "QQ Browser", app: true, words: []string{"mqqbrowser/", "qqbrowser "}},
	{name: "Threads", app: true, words: []string{"barcelona "}},
	{name: "Instagram", app: true, words: []string{"instagram "}},
	{name: "Facebook", app: true, words: []string{"fbav/", "fban/", "fb_iab/"}},
	{name: "Snapchat", app: true, words: []string{"snapchat/"}},
	{name: "TikTok", app: true, words: []string{"musical_ly_", "trill_", "bytedancewebview/"}},
	{name: "Pinterest", app: true, words: []string{"pinterest/", "pinterest for"}},
	{name: "LinkedIn", app: true, words: []string{"linkedinapp/", "linkedinapp"}},
	{name: "X", app: true, words: []string{"twitter for"}},
	{name: "LINE", app: true, words: []string{"line/"}},
	{name: "KakaoTalk", app: true, words: []string{"kakaotalk "}},
	{name: "Google App", app: true, words: []string{"gsa/"}},
	{name: "Baidu App", app: true, words: []string{"baiduboxapp/"}},
	{name: "Microsoft Teams", app: true, words: []string{"teams/"}},
	{name: "Slack", app: true, words: []string{"slack/"}},
	{name: "Electron", app: true, words: []string{"electron/"}},

	// Browsers with another engine, and the names of engines
	{name: "Internet Explorer", words: []string{"trident/", "iemobile/", "iemobile "}},
	{name: "Opera", words: []string{"opera/", "opera "}},
	{name: "Internet Explorer", words: []string{"msie "}},
	{name: "Firefox", words: []string{"fxios/", "focus/", "klar/"}},
	{name: "SeaMonkey", words: []string{"seamonkey/"}},
	{name: "Pale Moon", words: []string{"palemoon/"}},
	{name: "Waterfox", words: []string{"waterfox/"}},
	{name: "LibreWolf", words: []string{"librewolf/"}},
	{name: "Camino", words: []string{"camino/"}},
	{name: "Firefox", words: []string{"iceweasel/"}},
	{name: "IceCat", words: []string{"icecat/"}},
	{name: "Firefox", words: []string{"firefox/"}},
	{name: "Konqueror", words: []string{"konqueror/"}},
	{name: "Falkon", words: []string{"falkon/"}},
	{name: "GNOME Web", words: []string{"epiphany/"}},
	{name: "Midori", words: []string{"midori/"}},
	{name: "NetFront", words: []string{"netfront/"}},
	{name: "Nokia Browser", words: []string{"nokiabrowser/"}},
	{name: chrome, words: []string{"crios/", "chrome/", "chromium/", "headlesschrome/"}},
}

// place is the position of a word in products.
type place struct{ rank, row int }

// words maps each word of products to its place.
var words = func() map[string]place {
	places := make(map[string]place)
	for i, row := range products {
		for _, word := range row.words {
			places[word] = place{rank: len(places), row: i}
		}
	}
	return places
}()

// tridents maps the version of Trident to that of Internet Explorer. The version that
// Internet Explorer sends itself may be an older one, for compatibility with old pages.
var tridents = map[string]string{"4": "8", "5": "9", "6": "10", "7": "11", "8": "11"}

// find returns the product of a User-Agent; ua is raw in lower case. It reads the words of ua
// once and takes the one that is highest in products.
func find(raw, ua string) product {
	var version string // of the best word so far
	best := place{rank: len(words), row: -1}
	found := make(map[string]string, 4) // versions of words that matter besides the product's own
	for start := 0; start < len(ua); {
		if !isWord(ua[start]) || isDigit(ua[start]) {
			start++
			continue
		}
		end := wordEnd(ua, start)
		word, after := wordAndVersion(ua, start, end)
		start = end
		number := major(ua[after:])
		switch word {
		case "trident/":
			if number = tridents[number]; number == "" {
				continue
			}
		case "chrome/", "version/", "android ", "safari/":
			found[word] = number
		}
		if at, ok := words[word]; ok && at.rank < best.rank {
			best, version = at, number
		}
	}
	if best.row < 0 {
		return unlisted(raw, ua, found)
	}
	switch row := products[best.row]; {
	case row.chromium && version == "":
		version = found["chrome/"]
	case row.words[0] == "opera/" && found["version/"] != "":
		version = found["version/"] // Opera 10 and later still send Opera/9.80
	}
	return product{products[best.row].name, version, products[best.row].app}
}

// unlisted returns a product that has no row: Safari and Android's old browser, which are
// recognised by the words that they lack, and rare browsers, which package mssola finds.
func unlisted(raw, ua string, found map[string]string) product {
	_, isSafari := found["safari/"]
	webKit := strings.Contains(ua, "applewebkit")
	switch {
	case webKit && found["android "] != "":
		return product{name: "Android Browser", version: found["android "]}
	case isSafari, webKit && strings.Contains(ua, "like mac os x"): // the second is a web view in an app
		return product{name: safari, version: found["version/"]}
	}
	name, _ := useragent.New(raw).Browser()
	if listed := rare[strings.ToLower(name)]; listed != "" {
		return product{name: listed}
	}
	return product{name: Other}
}

// rare maps the names that package mssola finds for rare browsers, in lower case, to our
// names. Their versions are not kept.
var rare = func() map[string]string {
	names := make(map[string]string)
	for _, name := range []string{
		"Amaya", "Arora", "Basilisk", "Chimera", "Conkeror", "CyberFox", "Dillo", "Dooble", "ELinks", "Epic", "Fennec", "Flock",
		"Galeon", "IceDragon", "Iridium", "K-Meleon", "Kazehakase", "Lightning", "Links", "Luakit",
		"Lunascape", "Lynx", "Minefield", "Minimo", "Mosaic", "Mullvad Browser", "Mypal", "Netscape", "NetSurf", "OmniWeb",
		"Otter", "Postbox", "qutebrowser", "Rekonq", "RockMelt", "Shiira", "Sleipnir", "Surf", "Swiftfox", "Thunderbird",
		"Uzbl", "w3m",
	} {
		names[strings.ToLower(name)] = name
		names[strings.ToLower(strings.ReplaceAll(name, " ", ""))] = name
	}
	return names
}()

// wordAndVersion returns the word ua[start:end] in the form of products, and the offset at
// which its version would begin. A name of two words counts as one word.
func wordAndVersion(ua string, start, end int) (word string, after int) {
	if end < len(ua) && ua[end] == ' ' {
		second := wordEnd(ua, end+1)
		if second < len(ua) && ua[second] == '/' {
			second++
		}
		if _, ok := words[ua[start:second]]; ok {
			return ua[start:second], second
		}
	}
	if end < len(ua) && (ua[end] == '/' || ua[end] == ' ') {
		end++
	}
	return ua[start:end], end
}

// wordEnd returns where the word that begins at start ends: letters, underscores
// and dots between letters are part of it, digits are not.
func wordEnd(ua string, start int) int {
	end := start
	for end < len(ua) && (isWord(ua[end]) && !isDigit(ua[end]) ||
		ua[end] == '.' && end+1 < len(ua) && isLetter(ua[end+1])) {
		end++
	}
	return end
}

func isWord(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' }

// major returns the digits with which s begins, or "" if they are too many for a version or
// part of something else, such as 1e3.
func major(s string) string {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	if n > 4 || n+1 < len(s) && s[n]|0x20 == 'e' && isDigit(s[n+1]) {
		return ""
	}
	return s[:n]
}
