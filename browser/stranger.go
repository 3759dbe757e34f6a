package browser

import "strings"

// A program that goes by a browser's User-Agent often adds a word of its own to
// it. So do new browsers, apps that show pages, and televisions. The word is a
// stranger where none of these would put it: beside the words of an everyday
// browser, or in its comment on the system of a desktop.

// familiar are the words that stand outside the comments of people's browsers
// beside those of products, in lower case and without a version.
var familiar = strings.Fields(`
	mozilla applewebkit webkit gecko khtml like version mobile safari presto release build tablet large screen
	model android linux windows language store webp web search explorer ubuntu kubuntu xubuntu lubuntu debian
	fedora centos suse opensuse gentoo mandriva mageia mint linuxmint slackware pclinuxos redhat arch archlinux
	raspbian cyanogenmod lineageos maemo tizen kaios qtwebengine qtwebkit wpe webkitgtk crosswalk crosarc cef
	arkweb webissimo3 efl-webengine osmeta bropp yowser yaapp_android yasearchapp yandexsearch webomni phx
	xiaomi svn lite coolnovo comodo_dragon icedragon chromeplus dragon rockmelt flock mrchrome nichrome amigo
	orbitum sputnik sparrow iridium slimjet cent centbrowser spark bdspark lbbrowser sleipnir lunascape avira
	ghostery cliqz sznprohlizec basilisk k-meleon kmeleon iceape icedove thunderbird lightning swiftfox
	cometbird conkeror galeon omniweb icab shiira stainless dooble otter qutebrowser luakit surf arc dia comet
	zen floorp mullvad polypane wavebox rambox ferdium franz shift blisk kiwi cromite bromite mypal cyberfox
	aurora fennec minefield rocket kazehakase squider colt kapiko salamweb hao123 liebaofast mobileiron mobicip
	instabridge wolvic servo crkey tesla teslabrowser jiosphere jiopages soul swing smooz cake dolphin mcent
	surfy freeu qwant qwantmobile stargon yandex yaani atlas neon leo atom abb odd pocketbook ordissimo wib uws
	rakutenwebsearch silk-accelerated=true goanna sidebar webpanel corom ulaa catsxp thorium sidekick sigmaos
	pulse mercury kinza torch superbird 360se 360ee qihu 2345explorer theworld helium genspark quetta decentr
	presearch slbchan orion kagi`)

// shells are the words of apps that show pages and of televisions: anything may
// stand beside them.
var shells = strings.Fields(`
	electron nw nwjs adobeair spotify valve steam gameoverlay obs battle.net epicgameslauncher unityplayer
	unrealengine leagueoflegendsclient gog origin discord teams slack zoom webex notion whatsappdesktop onenote
	outlook oneoutlook msoffice code cursor obsidian honorlock respondus sebv safeexambrowser seb lockdown hbbtv
	ce-html smarttv smarttva smart-tv nettv vidaa odin fvc tivoos vizio sraf netcast opera-tv netrangemmh naver
	daumapps zumapp kakaotalk nettype tbs weibo alipayclient aliapp dingtalk qq baiduboxpad flipboard unity3d
	signon mapi t5 t7 sogoumse acheetahi mms airgclient ucbrowser-cmcc swan baidu webappmanager
	cordova-amazon-fireos webview microsoft wxwork windowswechat roblox coolita omi telegram-android reddit
	viber bingsapphire bingweb outlookmobile matomotracker gw-device mr-device quora`)

// friendly ends what apps and browsers of people call themselves.
var friendly = []string{"browser", "app", "webview", "tv", "phone", "device", "sdk"}

// The kinds of word.
const (
	unknown = iota
	plain   // says no more than that it is a browser
	shell   // see shells
)

// kinds maps the words that are no strangers to their kind.
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

// fields begin the parts of a desktop browser's comment on its system.
var fields = strings.Fields(`
	windows win64 win32 wow64 wow32 arm arm64 macintosh intel ppc linux x86_64 amd64 aarch64 ubuntu debian
	fedora cros freebsd openbsd netbsd dragonfly xbox touch webview msapphost serviceui cortana tablet wayland
	compatible mobile android trident lcjb lcte mathmjs like sunos khtml edition gnu pico openharmony silk
	iphone ipad ipod cpu`)

// isField has fields.
var isField = func() map[string]bool {
	known := make(map[string]bool)
	for _, field := range fields {
		known[field] = true
	}
	return known
}()

// stranger returns the first word of a User-Agent that neither a browser nor an
// app of people would put there, or "" if there is none; ua is the lower case of
// raw.
func stranger(raw, ua string) (found string) {
	bare := isBare(ua)
	if !bare && !isEveryday(ua) || isEmbedded(ua) || containsAny(ua, televisions) {
		return ""
	}
	// The comment of a phone names its model, and Edge's of old did too.
	comments := bare || isDesktop(ua) && !strings.Contains(ua, "edge/") || system(ua) == Other
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
		if depth > 0 {
			if comments && found == "" && !isSystem(ua[start:end]) {
				found = raw[start:end]
			}
		} else {
			from, to, ends := strangePart(ua[start:end])
			if ends {
				return ""
			}
			if found == "" {
				found = raw[start+from : start+to]
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
	return found
}

// strangePart returns where in a word outside comments a name stands that no
// browser has, and whether the word ends all search, for it is an app's.
func strangePart(word string) (from, to int, ends bool) {
	name, version, _ := strings.Cut(word, "/")
	switch kind := kinds[strings.Trim(name, ";,+")]; {
	case kind == shell:
		return 0, 0, true
	case kind == unknown && isStrange(name) && !isChromium(version):
		return 0, len(name), false
	case name == "chrome" || name == "safari" || name == "firefox":
		if tail := strings.TrimLeft(version, "0123456789./,;+-"); isStrange(tail) {
			return len(word) - len(tail), len(word), false
		}
	}
	return 0, 0, false
}

// isBare reports whether ua begins like a browser's and names no engine.
func isBare(ua string) bool { return strings.HasPrefix(ua, "mozilla/") && !containsAny(ua, engines) }

// isEveryday reports whether ua has the form that Chrome, Firefox and Safari, and
// what is made of them, have had since about 2013. What browsers said before has
// no form to speak of.
func isEveryday(ua string) bool {
	return strings.HasPrefix(ua, "mozilla/5.0 (") && (strings.Contains(ua, "applewebkit/537.36 ") ||
		strings.Contains(ua, ") gecko/20100101 ") ||
		strings.Contains(ua, "mac os x") && strings.Contains(ua, "version/"))
}

// isEmbedded reports whether ua is that of a view inside an app, where anything may
// stand.
func isEmbedded(ua string) bool {
	switch {
	case strings.Contains(ua, "; wv)"), strings.Contains(ua, "version/4.0 "):
		return true // Android
	case strings.Contains(ua, "mac os x") && strings.Contains(ua, "applewebkit/6"):
		return !strings.Contains(ua, "safari/")
	}
	return false
}

// isDesktop reports whether ua says that it comes from a desktop.
func isDesktop(ua string) bool {
	return strings.Contains(ua, "windows nt") || strings.Contains(ua, "macintosh") || strings.Contains(ua, "x11;")
}

// isSystem reports whether a part of a comment, in lower case, tells of the
// system, the language or the engine.
func isSystem(part string) bool {
	part = strings.TrimSpace(part)
	if at := strings.IndexAny(part, " /:-_"); at >= 0 {
		part = part[:at]
	}
	return isField[part] || !isStrange(part)
}

// isChromium reports whether version has the four parts of Chrome's, as with a
// browser made of it.
func isChromium(version string) bool {
	number, rest, _ := strings.Cut(version, ".")
	return len(number) >= 2 && len(number) <= 3 && isDigit(number[0]) && strings.Count(rest, ".") == 2
}

// isStrange reports whether a word in lower case is a name at all, and not one
// that says it is an app's or a browser's.
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
	for _, end := range friendly {
		if strings.HasSuffix(word, end) {
			return false
		}
	}
	// The packages of Android are named like com.example.app.
	domain, rest, _ := strings.Cut(word, ".")
	return len(domain) > 3 || !strings.Contains(rest, ".")
}
