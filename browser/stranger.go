package browser

import "strings"

// A program that sends a browser's User-Agent may add a word to it. Packagers, extensions,
// new browsers and apps that show pages add words too, so a word or a comment after the
// engine means nothing by itself. A word is a stranger in a place where none of these would
// put it: in the comment on the system of a desktop, before the engine, in the place of the
// browser's name, or joined to that name.

// familiar are the words of people's browsers, in addition to those of products, with which a
// User-Agent begins, or which are before the engine or in the place of a browser's name. They
// are in lower case and without a version.
var familiar = strings.Fields(`
	mozilla applewebkit webkit gecko khtml like version mobile safari presto release build tablet large screen model android
	linux windows goanna thunderbird lightning icedove iceape conkeror basilisk k-meleon kmeleon galeon omniweb icab shiira
	kazehakase swiftfox cometbird cyberfox icedragon mypal floorp zen mullvad fennec minefield iridium luakit dooble otter
	qutebrowser surf wpe webkitgtk arkweb webissimo3 servo qwant qwantmobile salamweb cliqz brightsign tesla freeu aolbuild adobecep`)

// shells are the words of apps that show pages and of televisions. Any other word may be
// beside them.
var shells = strings.Fields(`
	electron nw nwjs adobeair spotify valve steam gameoverlay obs battle.net epicgameslauncher unityplayer
	unrealengine leagueoflegendsclient gog origin discord teams slack zoom webex notion whatsappdesktop onenote
	outlook oneoutlook msoffice code obsidian honorlock respondus sebv safeexambrowser seb lockdown hbbtv
	ce-html smarttv smarttva smart-tv nettv vidaa odin fvc tivoos vizio sraf netcast opera-tv netrangemmh naver
	daumapps zumapp kakaotalk nettype tbs weibo alipayclient aliapp dingtalk qq baiduboxpad flipboard unity3d
	signon mapi t5 t7 sogoumse acheetahi mms airgclient ucbrowser-cmcc swan baidu webappmanager
	cordova-amazon-fireos webview microsoft wxwork windowswechat roblox coolita omi telegram-android reddit
	viber bingsapphire bingweb outlookmobile matomotracker gw-device mr-device quora`)

// friendly are the endings of the names of people's apps and browsers.
var friendly = []string{"browser", "app", "webview", "tv", "phone", "device", "sdk", "fox", "sapphire"}

// The kinds of word.
const (
	unknown = iota
	plain   // says only that this is a browser
	shell   // one of shells
)

// kinds maps the words that are not strangers to their kind.
var kinds = func() map[string]int {
	kinds := make(map[string]int)
	for _, row := range products {
		kind := plain
		if row.app {
			kind = shell
		}
		for _, word := range row.words {
			word, _, _ = strings.Cut(strings.TrimRight(word, "/ "), " ")
			kinds[word] = kind
		}
	}
	for _, word := range familiar {
		kinds[word] = plain
	}
	for _, word := range shells {
		kinds[word] = shell
	}
	return kinds
}()

// fields are the beginnings of the parts of a desktop browser's comment on its system.
const fields = `
	windows win64 win32 wow64 wow32 arm arm64 macintosh intel ppc linux x86_64 amd64 aarch64 ubuntu debian
	fedora cros freebsd openbsd netbsd dragonfly xbox touch webview msapphost serviceui cortana tablet wayland
	compatible mobile android trident lcjb lcte mathmjs like sunos khtml edition gnu pico openharmony silk
	iphone ipad ipod cpu amigaos morphos haiku beos os solaris sunos aix fuchsia ghostbsd deepin manjaro arch suse minix
	irix hurd serenityos seewoos arcaos warp redox xubuntu kubuntu lubuntu mint centos gentoo redhat slackware
	alpha beta dev canary nightly portable blink chromium`

// isField is the set of fields.
var isField = set(fields)

// set returns the set of the words of a text.
func set(words string) map[string]bool {
	all := make(map[string]bool)
	for word := range strings.FieldsSeq(words) {
		all[word] = true
	}
	return all
}

// stranger returns the first word of a User-Agent in a place where neither a browser nor an
// app of people would put it, and the first word that they may have added. Each is "" if
// there is none. ua is raw in lower case, words is what it says of its device, and embedded
// means that it is that of a web view.
func stranger(raw, ua string, words seen, embedded bool) (found, addition string) {
	bare := isBare(ua)
	if !bare && !isEveryday(ua) || embedded || words.class == deviceOther {
		return "", ""
	}
	// The comment of a phone names its model, and that of old versions of Edge did too.
	comments := bare || isDesktop(ua) && !strings.Contains(ua, "edge/") ||
		words.system == Other && !containsAny(ua, handhelds)
	engine := len(ua) // offset from which words may be additions
	if containsAny(ua, browserNames) {
		engine = strings.Index(ua, "gecko")
	}
	for start, depth := 0, 0; start < len(ua); {
		stop := " ()[]"
		if depth > 0 {
			stop = ";,()"
		}
		length := strings.IndexAny(ua[start:], stop)
		if length < 0 {
			length = len(ua) - start
		}
		end := start + length
		part := ua[start:end]
		switch {
		case depth > 0:
			if isShell(part) {
				return "", ""
			}
			if !comments || depth > 1 || isSystem(part) || isDistribution(ua, start, end) {
				break
			}
			switch {
			case found == "" && start < engine:
				found = raw[start:end]
			case addition == "" && start > engine:
				addition = raw[start:end]
			}
		case part != "":
			from, to, ends := strangePart(part)
			if ends {
				return "", ""
			}
			word := raw[start+from : start+to]
			switch isAddition := from == 0 && start > engine; {
			case found == "" && !isAddition:
				found = word
			case addition == "" && isAddition:
				addition = word
			}
		}
		if end < len(ua) {
			switch ua[end] {
			case '(':
				depth++
			case ')':
				depth--
			}
		}
		start = end + 1
	}
	return found, addition
}

// isShell reports whether a part of a comment begins with a word of shells.
func isShell(part string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(part), " ")
	return kinds[word] == shell
}

// browserNames are the names of everyday browsers. If one is there, another word is not in
// the place of the browser's name.
var browserNames = []string{" chrome/", " firefox/", " crios/", " fxios/", " version/"}

// everyday are words of which every browser's User-Agent has some. Those of most bots have
// some too.
var everyday = strings.Fields("mozilla applewebkit gecko like version mobile safari chrome firefox")

// strangePart returns the offset in a word outside of comments at which a name begins that no
// browser has. ends means that the word is an app's, so that the search must end.
func strangePart(word string) (from, to int, ends bool) {
	name, version, _ := strings.Cut(word, "/")
	switch kind := kinds[strings.Trim(name, ";,+")]; {
	case kind == shell:
		return 0, 0, true
	case kind == unknown && isStrange(name) && !isChromium(version):
		return 0, len(name), false
	case name == "chrome" || name == "safari" || name == "firefox":
		tail := strings.TrimLeft(version, "0123456789./,;+-")
		more, _, _ := strings.Cut(tail, "/")
		if kinds[more] == unknown && isStrange(more) && !strings.HasSuffix(more, "pre") {
			return len(word) - len(tail), len(word), false
		}
	}
	return 0, 0, false
}

// isBare reports whether ua begins like a browser's and names no engine. Some apps on Android
// send only the comment of the phone, with its build.
func isBare(ua string) bool {
	return strings.HasPrefix(ua, "mozilla/") && !containsAny(ua, engines) &&
		!(strings.Contains(ua, "; android ") && strings.Contains(ua, " build/"))
}

// isEveryday reports whether ua has the form of Chrome, Firefox, Safari and browsers made of
// them since about 2013. Before that there was no common form.
func isEveryday(ua string) bool {
	return strings.HasPrefix(ua, "mozilla/5.0 (") && (strings.Contains(ua, "applewebkit/537.36 ") ||
		strings.Contains(ua, ") gecko/20100101 ") ||
		strings.Contains(ua, "mac os x") && strings.Contains(ua, "version/"))
}

// isWebView reports whether ua is that of a web view in an app, which may have any words:
// on a desktop that of Electron. app means that ua names an app that shows pages.
func isWebView(ua string, app bool) bool {
	switch {
	case strings.Contains(ua, " electron/"):
		return true
	case strings.Contains(ua, "android"):
		return app || strings.Contains(ua, "; wv)") || strings.Contains(ua, "version/4.0 ")
	case strings.Contains(ua, "like mac os x"):
		return app || strings.Contains(ua, "applewebkit/") && !strings.Contains(ua, "safari/")
	case strings.Contains(ua, "mac os x"): // iPads too
		return strings.Contains(ua, "applewebkit/6") && !strings.Contains(ua, "safari/")
	}
	return false
}

// isDesktop reports whether ua is that of a desktop.
func isDesktop(ua string) bool {
	return strings.Contains(ua, "windows nt") || strings.Contains(ua, "macintosh") || strings.Contains(ua, "x11;")
}

// isSystem reports whether a part of a comment, in lower case, is about the system, the
// language or the engine.
func isSystem(part string) bool {
	part = strings.TrimSpace(part)
	if at := strings.IndexAny(part, " /:-_"); at >= 0 {
		part = part[:at]
	}
	return isField[part] || !isStrange(part)
}

// isDistribution reports whether ua[start:end] is in the place where Firefox and others name
// the distribution of Linux: (X11; Ubuntu; Linux x86_64).
func isDistribution(ua string, start, end int) bool {
	return strings.HasSuffix(ua[:start], "x11;") && strings.HasPrefix(ua[end:], "; linux") && !strings.Contains(ua[start:end], "/")
}

// isChromium reports whether version has four parts, like that of Chrome and of browsers made
// of it.
func isChromium(version string) bool {
	number, rest, _ := strings.Cut(version, ".")
	return len(number) >= 2 && len(number) <= 3 && isDigit(number[0]) && strings.Count(rest, ".") == 2
}

// isStrange reports whether a word in lower case is a name, and not one that ends like the
// name of an app or a browser.
func isStrange(word string) bool {
	letters := 0
	for i := range len(word) {
		if isLetter(word[i]) {
			letters++
		}
	}
	if letters < 3 || !isLetter(word[0]) {
		return false
	}
	if hasAnySuffix(word, friendly) {
		return false
	}
	// The packages of Android are named like com.example.app.
	domain, rest, _ := strings.Cut(word, ".")
	return len(domain) > 3 || !strings.Contains(rest, ".")
}
