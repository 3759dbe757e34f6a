package browser

import (
	"strconv"
	"time"
)

// The month in which the versions below were the newest.
const (
	newestYear  = 2026
	newestMonth = time.November
)

// How many major versions above the newest one are accepted.
const (
	aheadAtOnce  = 20 // at any time
	aheadAMonth  = 3  // more for each month since newestMonth
	chromeNewest = 155
)

// newest is the newest major version of every browser for which a version is kept. A browser
// that sends the version of another has the newest version of that one.
var newest = map[string]int{
	chrome: chromeNewest, otherChromium: chromeNewest, "Edge": 155, "Brave": chromeNewest, "Ecosia": chromeNewest, "Iron": chromeNewest,
	"Avast Secure Browser": chromeNewest, "AVG Secure Browser": chromeNewest, "Avira Secure Browser": chromeNewest, "Norton Private Browser": chromeNewest,
	"CCleaner Browser": chromeNewest, "Coc Coc": 152, "Amazon Silk": 150, "Opera": 138, "Electron": 43,

	safari: 27, "DuckDuckGo": 27, "Firefox": 157, "Waterfox": 157, "LibreWolf": 157, "IceCat": 157, "Pale Moon": 34, "SeaMonkey": 2,
	"Camino": 2, "Internet Explorer": 11, "GNOME Web": 626, "Konqueror": 26, "Falkon": 26, "Midori": 12, "NetFront": 4, "Ladybird": 2,

	"Samsung Internet": 30, "Android Browser": 17, "UC Browser": 17, "Opera Mini": 100, "Meta Quest Browser": 42,
	"Yandex Browser": 26, "Vivaldi": 8, "Whale": 4, "Huawei Browser": 17, "Miui Browser": 20, "HeyTap Browser": 50,
	"vivo Browser": 30, "Honor Browser": 10, "Lenovo Browser": 9, "Puffin": 10, "Aloha Browser": 8, "Maxthon": 7, "Seznam": 13,
	"Baidu Browser": 8, "Sogou Explorer": 15, "Phoenix Browser": 20, "Quark": 10, "QQ Browser": 20, "Nokia Browser": 8,

	"WeChat": 8, "Threads": 450, "Instagram": 450, "Facebook": 590, "Snapchat": 14, "TikTok": 45, "Pinterest": 14, "LinkedIn": 10,
	"X": 12, "LINE": 16, "KakaoTalk": 26, "Google App": 440, "Baidu App": 16, "Microsoft Teams": 27, "Slack": 5,
}

// believe returns the product, without its version if that is impossible at the time now: if
// it is more than the newest plus 20 plus 3 for each month since. Without this bound a
// stranger could make 9999 versions.
func (p product) believe(now time.Time) product {
	number, err := strconv.Atoi(p.version)
	most, ok := newest[p.name]
	if err != nil || !ok {
		return product{name: p.name}
	}
	year, month, _ := now.UTC().Date()
	months := (year-newestYear)*12 + int(month-newestMonth)
	if number > most+aheadAtOnce+aheadAMonth*max(months, 0) {
		return product{name: p.name}
	}
	return product{name: p.name, version: strconv.Itoa(number)}
}
