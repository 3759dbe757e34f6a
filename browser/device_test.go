package browser_test

import (
	"strings"
	"testing"

	"github.com/fotspor/fotspor/browser"
	"github.com/fotspor/fotspor/hit"
)

// onAndroid returns Chrome on an Android of a model, which calls itself mobile as half
// of all tablets and televisions do.
func onAndroid(model string) string { return onPhone(model) }

func TestDevices(t *testing.T) {
	large := func(model string) string { return strings.Replace(onPhone(model), " Mobile", "", 1) }
	for _, c := range []struct{ name, userAgent, os, device string }{
		// televisions, by their own words
		{"Samsung", "Mozilla/5.0 (SMART-TV; LINUX; Tizen 8.0) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/7.0 Chrome/108.0.5359.1 TV Safari/537.36", "Tizen", "other"},
		{"Samsung without a word but Tizen", "Mozilla/5.0 (Linux; Tizen 2.3) AppleWebKit/538.1 (KHTML, like Gecko) Version/2.3 Safari/538.1", "Tizen", "other"},
		{"LG", "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.269 Safari/537.36 WebAppManager", "webOS", "other"},
		{"Sony", large("BRAVIA 4K VH22 Build/RTT2.220929.001"), "Android", "other"},
		{"Sony, mobile", onAndroid("BRAVIA VU3"), "Android", "other"},
		{"Amazon", "Mozilla/5.0 (Linux; Android 9; AFTKA) AppleWebKit/537.36 (KHTML, like Gecko) Silk/126.3.601 like Chrome/126.0.6478.242 Safari/537.36", "Android", "other"},
		{"Amazon, a view of an app", "Mozilla/5.0 (Linux; Android 7.1.2; AFTMM Build/NS6265; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/100.0.4896.127 Mobile Safari/537.36", "Android", "other"},
		{"Amazon's Dalvik", "Dalvik/2.1.0 (Linux; U; Android 9; AFTSSS Build/PS7299)", "Android", "other"},
		{"Google", onAndroid("Google TV Streamer"), "Android", "other"},
		{"Google's Chromecast", "Mozilla/5.0 (X11; Linux armv7l) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36 CrKey/1.56.500000", "Linux", "other"},
		{"Philips", large("PHILIPS 4k TV Build/RTXC.231010.082.A1"), "Android", "other"},
		{"TCL", large("BeyondTV5 Build/PPR1.180610.011"), "Android", "other"},
		{"Xiaomi", large("MiTV-MOOQ0"), "Android", "other"},
		{"Hisense", "Mozilla/5.0 (Linux armv7l) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0.4606.128 Safari/537.36 VIDAA/7.0 (Hisense; SmartTV; 50A6; U0704)", "Linux", "other"},
		{"HbbTV", "HbbTV/1.4.1 (+DRM;Panasonic;SmartTV2018mid;3.024;4301-0003 0002-0000;SmartTV2018;)", "Other", "other"},
		{"Opera's store", "Opera/9.80 (Linux mips; Opera TV Store/5477) Presto/2.12.362 Version/12.10 Model/Changhong-MST6328", "Linux", "other"},
		{"NETTV", "Opera/9.80 NETTV/4.5.0 Mozilla/5.0 (Linux armv7i; CE-HTML/1.0; U; en) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/49.0.2623.75 Safari/537.36 Tbrowser/2.0", "Linux", "other"},
		{"Roku", "Mozilla/5.0 (Roku/DVP-14.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/104.0.5112.70 Safari/537.36", "Other", "other"},
		{"Yandex", "Mozilla/5.0 (Linux; Android 11; HY43 Build/RP1A.200720.011; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/109.0.5414.117 YaBrowser/24.1.2.86 (lite) TV Safari/537.36", "Android", "other"},
		{"inches first", large("43U550T Build/RP1A.200720.011"), "Android", "other"},
		{"inches after LED", large("SW-LED55UB401"), "Android", "other"},
		{"inches behind a letter", large("U50F8000QG"), "Android", "other"},
		{"inches behind two letters", large("TQ65UFBHV1"), "Android", "other"}, {"inches, two letters", large("50MT-UDG54G"), "Android", "other"},
		{"a build for televisions", large("Mortal T1 Build/RTT4.230821.001"), "Android", "other"},
		{"Yandex, at the end", large("NV731WB") + " TV", "Android", "other"},
		{"a box without brackets", "Mozilla/5.0 Linux; Android 7.1.1; R-TV BOX S10 AppleWebKit/537.36 KHTML, like Gecko Chrome/75.0.3770.101 Safari/537.36", "Android", "other"},
		{"a box", large("TVBOX X10"), "Android", "other"},
		{"Firefox OS", "Mozilla/5.0 (TV; rv:44.0) Gecko/44.0 Firefox/44.0", "KaiOS", "other"},
		{"Apple", "Mozilla/5.0 (AppleTV14,1; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)", "tvOS", "other"},
		{"Apple, by the system", "Mozilla/5.0 (Apple TV; CPU tvOS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)", "tvOS", "other"},
		// consoles
		{"PlayStation 5", "Mozilla/5.0 (PlayStation; PlayStation 5/9.60) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15", "PlayStation", "other"},
		{"PlayStation 3", "Mozilla/5.0 (PLAYSTATION 3; 4.91) AppleWebKit/531.22.8 (KHTML, like Gecko)", "PlayStation", "other"},
		{"PlayStation Vita", "Mozilla/5.0 (PlayStation Vita 3.74) AppleWebKit/537.73 (KHTML, like Gecko) Silk/3.2", "PlayStation", "other"},
		{"Xbox", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox Series X) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/153.0.0.0 Safari/537.36 Edg/153.0.0.0", "Xbox", "other"},
		{"Xbox that asks for a phone's page", "Mozilla/5.0 (compatible; MSIE 10.0; Windows Phone 8.0; Trident/6.0; IEMobile/10.0; Xbox; Xbox One)", "Xbox", "other"},
		{"Xbox, first", "Mozilla/5.0 (Xbox; Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763", "Xbox", "other"},
		{"a PC with an app for Xbox", chromeWindows + " XboxApp/3", "Windows", "desktop"},
		{"a PC with an app called Xbox", chromeWindows + " Xbox/2411.1001", "Windows", "desktop"},
		{"a PC with an app for Xbox in its comment", strings.Replace(chromeWindows, "x64)", "x64; XboxApp)", 1), "Windows", "desktop"},
		{"Switch", "Mozilla/5.0 (Nintendo Switch; WifiWebAuthApplet) AppleWebKit/609.4 (KHTML, like Gecko) NF/6.0.2.21.3 NintendoBrowser/5.1.0.22474", "Nintendo", "other"},
		{"3DS, like an iPhone", "Mozilla/5.0 (New Nintendo 3DS like iPhone) AppleWebKit/536.30 (KHTML, like Gecko) NX/3.0.0.5.22 Mobile NintendoBrowser/1.10.10166.EU", "Nintendo", "other"},
		{"Wii U", "Mozilla/5.0 (Nintendo WiiU) AppleWebKit/536.30 (KHTML, like Gecko) NX/3.0.4.2.12 NintendoBrowser/4.3.2.11274.EU", "Nintendo", "other"},
		{"Ouya", large("OUYA Console Build/JZO54L-OUYA"), "Android", "other"},
		{"Retroid", onAndroid("Retroid Pocket 5"), "Android", "other"},
		{"Steam Deck", "Mozilla/5.0 (X11; Linux x86_64; Valve Steam Client/Steam Deck/default/0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.6478.183 Safari/537.36", "Linux", "other"},
		// watches, glasses, speakers, cars
		{"Samsung's watch on Tizen", "Mozilla/5.0 (Linux; Tizen 5.5; SAMSUNG SM-R820) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/2.0 Chrome/69.0.3497.106 Mobile Safari/537.36", "Tizen", "other"},
		{"Samsung's watch on Android", onAndroid("SAMSUNG SM-R925U"), "Android", "other"},
		{"Google's watch", "Dalvik/2.1.0 (Linux; U; Android 13; Google Pixel Watch 2 Build/TWD9.240605.001.A1)", "Android", "other"},
		{"Apple's watch", "Mozilla/5.0 (Apple Watch; CPU watchOS 11_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22R349", "watchOS", "other"},
		{"ASUS's watch", onAndroid("ASUS ZenWatch 2 Build/NWD1.170706.001"), "Android", "other"},
		{"a build for watches", onAndroid("OWWE231 Build/TWR7.231113.001"), "Android", "other"},
		{"Quest", "Mozilla/5.0 (X11; Linux x86_64; Quest 3) AppleWebKit/537.36 (KHTML, like Gecko) OculusBrowser/39.1.0.9 Chrome/136.0.0.0 VR Safari/537.36", "Linux", "other"},
		{"Firefox in glasses", "Mozilla/5.0 (Android 10; Mobile VR; rv:123.0) Gecko/123.0 Firefox/123.0", "Android", "other"},
		{"Echo Show", large("AEOKN Build/LVY48F"), "Android", "other"},
		{"Tesla", "Mozilla/5.0 (X11; GNU/Linux) AppleWebKit/537.36 (KHTML, like Gecko) Chromium/125.0.0.0 Chrome/125.0.0.0 Safari/537.36 Tesla/2025.32.3-c8a1e2", "Linux", "other"},
		{"Panasonic on FreeBSD", "Mozilla/5.0 (X11; FreeBSD; U; Viera; nb-NO) AppleWebKit/537.11 (KHTML, like Gecko) Viera/3.10.14 Chrome/23.0.1271.97 Safari/537.11", "BSD", "other"},
		{"Panasonic on FreeBSD, like a phone", "Mozilla/5.0 (FreeBSD; U; Viera; like Android 4.0.2; xx; ja-jp) AppleWebKit/534.30 (KHTML, like Gecko) Viera/2.0.0 DIGAPlus/1.0.0 Mobile/534.30", "Android", "other"},
		{"Sharp", "Mozilla/5.0 (DTV) AppleWebKit/531.2+ (KHTML, like Gecko) Espial/6.0.4 AQUOSBrowser/1.0 (US00DTV;V;0001;0001)", "Other", "other"},
		{"Sharp on Linux", "Mozilla/5.0 (X11; Linux armv7l) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/63.0.3239.84 Safari/537.36 AQUOS/1.0", "Linux", "other"},
		{"Sharp on Android", onAndroid("AQUOS-TVX19A"), "Android", "other"},
		{"Sharp's phone, an app", "Dalvik/2.1.0 (Linux; U; Android 13; AQUOS wish3 Build/S30E2)", "Android", "mobile"},
		{"Sharp's phone", onAndroid("AQUOS sense8"), "Android", "mobile"},
		{"a screen in a shop", "BrightSign/8.2.35.4 (XT1144-PP) Mozilla/5.0 (X11; Linux aarch64) AppleWebKit/537.36 (KHTML, like Gecko) QtWebEngine/5.12.3 Chrome/69.0.3497.128 Safari/537.36", "Linux", "other"},
		{"Roku without an engine", "Mozilla/5.0 (QSP; Roku; AP; 3.4.7.10)", "Other", "other"},
		{"a television's own browser", "Zeasn/1.0 (Linux) Mozilla/5.0 Chrome/60 Safari/537.36 Tbrowser/2.0", "Linux", "other"},
		// readers of books
		{"TV as a word, in the view of an app", strings.Replace(webView, "15; Pixel 8", "9; BRANDT FHD TV Build/PI", 1), "Android", "other"},
		{"TV as a word, Percee", onAndroid("Percee TV"), "Android", "other"}, {"TV as a word, DENKA", onAndroid("DENKA TV Build/NRD90M"), "Android", "other"},
		{"TV as a word, Altibox", onAndroid("Altibox TV"), "Android", "other"}, {"TV as a word, in the middle", onAndroid("HIPER MEDIA TV i4"), "Android", "other"},
		{"TV as a word behind 4K", onAndroid("OzoneHD 4K TV Build/MMB29M"), "Android", "other"}, {"TV as a word before more", onAndroid("Fision TV Plus"), "Android", "other"},
		{"TV as a word before a number", onAndroid("Vodafone TV 3"), "Android", "other"}, {"SMART_TV", onAndroid("VESTA_SMART_TV"), "Android", "other"},
		{"Quest in Yandex", large("Quest 3"), "Android", "other"}, {"Quest in an app", onAndroid("Quest 3S"), "Android", "other"}, {"Vive", large("Vive Focus Vision"), "Android", "other"},
		{"Kindle", "Mozilla/5.0 (Linux; U; en-US) AppleWebKit/528.5+ (KHTML, like Gecko, Safari/528.5+) Version/4.0 Kindle/3.0 (screen 600x800; rotate)", "Linux", "tablet"},
		{"Kindle on X11", "Mozilla/5.0 (X11; U; Linux armv7l like Android; en-us) AppleWebKit/531.2+ (KHTML, like Gecko) Version/5.0 Safari/533.2+ Kindle/3.0+", "Android", "tablet"},
		{"Kobo", "Mozilla/5.0 (Linux; U; Android 2.0; en-us;) AppleWebKit/538.1 (KHTML, like Gecko) Version/4.0 Mobile Safari/538.1 (Kobo Touch 0390/4.45.23697)", "Android", "tablet"},
		{"Kobo without Android", "Mozilla/5.0 (Linux; U; en-us;) AppleWebKit/538.1 (KHTML, like Gecko) Version/4.0 Safari/538.1 (Kobo Touch)", "Linux", "tablet"},
		{"PocketBook", "Mozilla/5.0 (Linux; Android 8.0.0; ru_RU) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/73.0.3683.105 Mobile Safari/537.36 PocketBook/970 (screen 825x1200; FW U970.6.7.1921; LCP)", "Android", "tablet"},
		// televisions that say Mobile
		{"inches first, mobile", onAndroid("43U550T Build/RP1A.200720.011"), "Android", "other"}, {"inches after LED, mobile", onAndroid("SW-LED55UB401"), "Android", "other"},
		{"Google TV, mobile", onAndroid("Google TV"), "Android", "other"}, {"Smart TV, mobile", onAndroid("Smart TV Pro"), "Android", "other"},
		{"a box for televisions, mobile", onAndroid("MIBOX4"), "Android", "other"}, {"Echo Show, mobile", onAndroid("AEOKN"), "Android", "other"},
		// tablets that say Mobile
		{"LG's tablet", onAndroid("LG-V500"), "Android", "tablet"}, {"Huawei's MON", onAndroid("MON-W19"), "Android", "tablet"}, {"Tab and a number", onAndroid("Tab8 Pro"), "Android", "tablet"},
		{"Samsung's tablet", onAndroid("SM-T515"), "Android", "tablet"}, {"Samsung's newer tablet", onAndroid("SM-X710"), "Android", "tablet"},
		{"Lenovo's tablet", onAndroid("Lenovo TB-X606F"), "Android", "tablet"}, {"Amazon's tablet", onAndroid("KFTRWI"), "Android", "tablet"},
		{"Huawei's tablet", onAndroid("AGS3-L09"), "Android", "tablet"}, {"Xiaomi's tablet", onAndroid("Xiaomi Pad 6"), "Android", "tablet"},
		{"a tablet by its word", onAndroid("Nokia T20 Tablet"), "Android", "tablet"}, {"Tab", onAndroid("TCL TAB 10s"), "Android", "tablet"},
		{"Pad", onAndroid("realme Pad"), "Android", "tablet"}, {"MatePad", onAndroid("HUAWEI MatePad"), "Android", "tablet"},
		{"Dalvik of a tablet", "Dalvik/2.1.0 (Linux; U; Android 13; SM-X200 Build/TP1A.220624.014)", "Android", "tablet"},
		{"iPad", "Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.6 Mobile/15E148 Safari/604.1", "iOS", "tablet"},
		{"PlayBook", "Mozilla/5.0 (PlayBook; U; RIM Tablet OS 2.1.0; en-US) AppleWebKit/536.2+ (KHTML, like Gecko) Version/7.2.1.0 Safari/536.2+", "BlackBerry", "tablet"},
		{"TouchPad", "Mozilla/5.0 (hp-tablet; Linux; hpwOS/3.0.5; U; en-US) AppleWebKit/534.6 (KHTML, like Gecko) wOSBrowser/234.83 Safari/534.6 TouchPad/1.0", "webOS", "tablet"},
		{"tablet of Firefox OS", "Mozilla/5.0 (Tablet; rv:26.0) Gecko/26.0 Firefox/26.0", "KaiOS", "tablet"},
		{"without a word", chromeTablet, "Android", "tablet"},
		// phones
		{"Dalvik of a phone", "Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Pro Build/UD1A.230803.041)", "Android", "mobile"},
		{"Samsung's phone on Tizen", "Mozilla/5.0 (Linux; Tizen 2.4; SAMSUNG SM-Z130H) AppleWebKit/537.3 (KHTML, like Gecko) SamsungBrowser/1.0 Mobile Safari/537.3", "Tizen", "mobile"},
		{"Coolpad", onAndroid("Coolpad E501_EU"), "Android", "mobile"}, {"inches that are none", onAndroid("50i Pro 5G"), "Android", "mobile"},
		{"Pro behind a number", onAndroid("S60Pro"), "Android", "mobile"}, {"Plus behind a number", onAndroid("A55Plus_LTE"), "Android", "mobile"},
		{"a name that ends as a television's", onAndroid("RIVIERA F23"), "Android", "mobile"}, {"a code of four digits", onAndroid("5033D"), "Android", "mobile"}, {"Realme, 12x", onAndroid("realme 12x 5G"), "Android", "mobile"},
		{"a build like a tablet's code", onAndroid("V1831A Build/P00610"), "Android", "mobile"},
		{"an app of television on a phone", webView + " NRK TV/5.1", "Android", "mobile"},
		{"an app that is a remote control", webView + " SmartTV Remote/2.0", "Android", "mobile"},
		{"an app of a console on an iPhone", iOSWebView + " PlayStationApp/24.1", "iOS", "mobile"},
		{"an app of a console on a phone", webView + " Nintendo/1.0", "Android", "mobile"},
		{"an app of a television's maker on an iPhone", iOSWebView + " BRAVIA Connect/1.0 SmartTV", "iOS", "mobile"},
		{"an app of television on an iPhone", iOSWebView + " NRK TV/5.1", "iOS", "mobile"},
		{"KaiOS", "Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5", "KaiOS", "mobile"},
		{"Firefox OS with a model", "Mozilla/5.0 (Mobile; ALCATELOneTouch4012A; rv:28.0) Gecko/28.0 Firefox/28.0", "KaiOS", "mobile"},
		{"Firefox OS with a build", "Mozilla/5.0 (Mobile; ZTEOPENC; rv:32.0) Gecko/32.0 Firefox/32.0", "KaiOS", "mobile"},
		{"a browser whose name ends as a television's", "Qwant/2.5 (Android 8.1.0; Mobile; rv:63.0) Gecko/63.0 Firefox/59.0 QwantBrowser/63.0.1", "Android", "mobile"},
		{"Firefox OS without", "Mozilla/5.0 (Mobile; rv:32.0) Gecko/32.0 Firefox/32.0", "KaiOS", "mobile"},
		{"Firefox on Android", "Mozilla/5.0 (Android 16; Mobile; rv:152.0) Gecko/152.0 Firefox/152.0", "Android", "mobile"},
		{"Windows on a phone", "Mozilla/5.0 (Windows NT 10.0; ARM; Lumia 640 LTE) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/46.0.2486.0 Safari/537.36 Edge/13.10586", "Windows Phone", "mobile"},
		{"Sailfish", "Mozilla/5.0 (Maemo; Linux; U; Jolla; Sailfish; Mobile; rv:26.0) Gecko/26.0 Firefox/26.0", "Linux", "mobile"},
		{"a build of AOSP, Android 10", strings.Replace(webView, "15; Pixel 8", "10; SM-A505F Build/QP1A.191105.004", 1), "Android", "mobile"},
		{"a build of AOSP, Android 11", onAndroid("Pixel 5 Build/RD2A.211001.002"), "Android", "mobile"},
		{"a build of AOSP, Android 8", onAndroid("Nexus 5X Build/OPR5.170623.014"), "Android", "mobile"},
		{"a build of AOSP, Android 7", onAndroid("SM-G930F Build/NMF26Q"), "Android", "mobile"},
		{"a build of AOSP, Android 7.1", onAndroid("XT1650 Build/NHG47L"), "Android", "mobile"},
		{"a build of AOSP, Android 9", onAndroid("ZTE Blade A5 Build/PI"), "Android", "mobile"}, {"its letters alone", onAndroid("SM-A105FN Build/QT"), "Android", "mobile"},
		{"a build of AOSP, PPR2", onAndroid("vivo 1820 Build/PPR2.180905.006.A1"), "Android", "mobile"},
		{"letters of a television", onAndroid("RMX3624_Natv_vf"), "Android", "mobile"}, {"a phone with a tuner", onAndroid("LG-K430TV"), "Android", "mobile"},
		{"a phone with a digital tuner", onAndroid("FlareS5LiteDTV"), "Android", "mobile"}, {"a phone with a tuner, in two words", onAndroid("XT1069 TV"), "Android", "mobile"},
		{"a phone with a tuner behind a code", onAndroid("A350 TV"), "Android", "mobile"}, {"a phone with a tuner, joined", onAndroid("KEMPLER_TV"), "Android", "mobile"},
		{"a phone with a tuner, joined by a dash", onAndroid("W-K360-TV"), "Android", "mobile"}, {"a phone called Quest", onAndroid("Qumo Quest 503"), "Android", "mobile"},
		{"a phone with a tuner of years ago", "Mozilla/5.0 (Linux; U; Android 4.2.2; en-us; DROIDZ Beat TV Build/JDQ39) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30", "Android", "mobile"},
		{"a phone with a tuner and inches", "Mozilla/5.0 (Linux; Android 4.4.2; KAZAM TV 45) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/44.0.2403.133 Mobile Safari/537.36", "Android", "mobile"},
		{"inches in a code", onAndroid("Lenovo K50a40"), "Android", "mobile"}, {"Letv", onAndroid("Letv X500"), "Android", "mobile"},
		{"T95 in a code", onAndroid("SGH-T959"), "Android", "mobile"}, {"Thor", onAndroid("Thor E"), "Android", "mobile"}, {"4K", onAndroid("era 4K"), "Android", "mobile"},
		{"letters of Amazon's speakers", onAndroid("AEOP520"), "Android", "mobile"}, {"letters of a box", onAndroid("TURBOX_I4G"), "Android", "mobile"},
		{"Xiaomi's code", onAndroid("24069PC21G"), "Android", "mobile"},
		{"codes of Amazon's tablets have no digits", onAndroid("TECNO KF6i"), "Android", "mobile"}, {"KF7j", onAndroid("TECNO KF7j"), "Android", "mobile"},
		{"KF8", onAndroid("TECNO KF8"), "Android", "mobile"}, {"LG's phone", onAndroid("LG-VS985"), "Android", "mobile"}, {"LG V20", onAndroid("LG-V20"), "Android", "mobile"},
		{"M BOT", onAndroid("M BOT 551"), "Android", "mobile"}, {"Taban", onAndroid("GLX Taban"), "Android", "mobile"}, {"Techpad", onAndroid("Techpad X5"), "Android", "mobile"},
		{"Gpad", onAndroid("Gpad_U"), "Android", "mobile"}, {"a pad in two words that is a phone", onAndroid("Tech Pad X10"), "Android", "mobile"}, {"an iPad in letters", onAndroid("KLIPAD_V355"), "Android", "mobile"},
		{"a name that begins as Huawei's codes", onAndroid("Kobe 8"), "Android", "mobile"}, {"Bahia", onAndroid("Bahia 5"), "Android", "mobile"},
		{"keywords of a locale", onAndroid("Pixel 8; nb_NO_#u-fw-mon-mu-celsius"), "Android", "mobile"},
		{"before Android", "KDDI-TS3N UP.Browser/6.2_7.2.7.1.K.3.330 (GUI) MMP/2.0", "Other", "mobile"},
		// desktops
		{"FreeBSD", "Mozilla/5.0 (X11; FreeBSD amd64; rv:150.0) Gecko/20100101 Firefox/150.0", "BSD", "desktop"},
		{"OpenBSD", "Mozilla/5.0 (X11; OpenBSD amd64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36", "BSD", "desktop"},
		{"Solaris", "Mozilla/5.0 (X11; SunOS i86pc; rv:78.0) Gecko/20100101 Firefox/78.0", "Solaris", "desktop"},
		{"Haiku", "Mozilla/5.0 (Haiku x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) WebPositive/1.3 Version/16.0 Safari/605.1.15", "Other", "desktop"},
		{"DragonFly", "Mozilla/5.0 (X11; DragonFly x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36", "BSD", "desktop"},
		{"DragonFly, with a language", "Mozilla/5.0 (X11; U; DragonFly i386; de; rv:1.9.1) Gecko/20090720 Firefox/3.5.1", "BSD", "desktop"},
		{"Haiku on X11", "Mozilla/5.0 (X11; Haiku x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Epiphany/605.1.15 Version/16.0 Safari/605.1.15", "Other", "desktop"},
		{"AIX", "Mozilla/5.0 (X11; AIX 7.2; rv:78.0) Gecko/20100101 Firefox/78.0", "Other", "desktop"},
		{"HP-UX", "Mozilla/5.0 (X11; U; HP-UX ia64; en-US; rv:1.9.2) Gecko/20100101 Firefox/3.6", "Other", "desktop"},
		{"X11 alone", "Mozilla/5.0 (X11; U; en-US; rv:78.0) Gecko/20100101 Firefox/78.0", "Linux", "desktop"},
		{"GNU/Linux on X11", "Mozilla/5.0 (X11; GNU/Linux) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36", "Linux", "desktop"},
		{"a phone that calls itself an iPhone", "Mozilla/5.0 (Linux; Android 12; Mi Note 10 Lite;iPhone: Build/SKQ1.210908.001) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36", "Android", "mobile"},
		{"a phone called as an iPhone", onAndroid("iPhone 15 Pro"), "Android", "mobile"},
		{"Android's older form, called as an iPad", "Mozilla/5.0 (Linux; U; Android 9; nb-no; iPad Pro Build/PI) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/100.0.0.0 Safari/537.36", "Android", "tablet"},
		{"Android on a Chromebook", large("Dell Chromebook 13 (7310)"), "Android", "desktop"},
		{"an app of television on a desktop", chromeWindows + " TV/2.0", "Windows", "desktop"},
	} {
		got := browser.Parse(c.userAgent, hit.Hints{})
		if got.OS != c.os || got.Device != c.device || got.Bot != "" {
			t.Errorf("%s: %s, %s, bot %q (%s), want %s, %s: %s", c.name, got.OS, got.Device, got.Bot, got.Rule, c.os, c.device, c.userAgent)
		}
	}
}

// TestDeviceByHint: whether a browser shows pages for phones is decided by its hint before the
// code of its model. A television is one with any hint.
func TestDeviceByHint(t *testing.T) {
	for _, c := range []struct{ userAgent, mobile, device string }{
		{chromeTablet, "?1", "mobile"}, {chromePhone, "?0", "tablet"}, {onPhone("SM-T515"), "?1", "mobile"}, {onPhone("SM-T515"), "", "tablet"},
		{onPhone("BRAVIA 4K"), "?1", "other"}, {onPhone("BRAVIA 4K"), "?0", "other"}, {chromeWindows, "?0", "desktop"},
	} {
		if got := browser.Parse(c.userAgent, hit.Hints{Mobile: c.mobile}); got.Device != c.device {
			t.Errorf("%q is %s with %q, want %s", c.userAgent, got.Device, c.mobile, c.device)
		}
	}
}
