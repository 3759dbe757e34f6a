package browser_test

import (
	"strings"
	"testing"

	"github.com/fotspor/fotspor/browser"
	"github.com/fotspor/fotspor/hit"
)

// inventedBots are made-up programs that are in no list: one for each form in which programs
// have been seen, with names that mean something or nothing.
var inventedBots = []string{
	// a browser's User-Agent, and one word more where only programs have one, or with a mark
	chromeWindows + " ZorblaxBot/1.0",
	chromeWindows + " Zorblax-Crawler",
	chromeWindows + " zorblax-checker/2",
	safariMac + " RypebaerMonitor/1.4.2",
	firefoxLinux + " MolteskogFetcher/2",
	chromePhone + " BlaaklokkeScanner/3.3",
	safariPhone + " Blaaklokkespider/3.3",
	strings.Replace(chromeWindows, "Chrome/", "Tindvedbot/7.2 Chrome/", 1),
	chromeWindows + " Zorblax/1.0 (+https://zorblax.example/bot)",
	chromeWindows + " Zorblax/1.0 (ops@zorblax.example)",
	chromeWindows + " https://tindved.example",
	chromeWindows + " +tindved.example/om-oss.html tindved@example.no",
	strings.Replace(chromeWindows, "AppleWebKit", "Hvitveis/6.0 AppleWebKit", 1),
	strings.Replace(chromeWindows, "x64)", "x64; Hvitveis)", 1),
	strings.Replace(chromeWindows, "x64)", "x64; Hvitveis/2.0 build 11)", 1),
	strings.Replace(chromeWindows, "(Windows", "(Hvitveis; Windows", 1),
	strings.Replace(chromeWindows, "like Gecko)", "like Gecko; Hvitveis)", 1),
	strings.Replace(chromeWindows, "like Gecko)", "like Gecko, Hvitveis)", 1),
	strings.Replace(safariMac, "10_15_7)", "10_15_7; Rypebaer)", 1),
	strings.Replace(firefoxLinux, "x86_64;", "x86_64; Molteskog;", 1),
	strings.Replace(firefoxLinux, "Firefox/150.0", "Molteskog/150.0", 1),
	chromePhone + " (compatible; Blaaklokke/3.3)",
	safariPhone + " (Blaaklokke; https://blaaklokke.example/)",
	strings.Replace(chromeWindows, "Safari/537.36", "Safari/537.36,Kantarell/2", 1),
	strings.Replace(chromeWindows, "Safari/537.36", "Safari/537.36/Kantarell", 1),
	strings.Replace(chromeWindows, "153.0.0.0", "153.0.0.0-kantarell", 1),
	// "compatible"
	"Mozilla/5.0 (compatible; Snadder/1.0)",
	"Mozilla/5.0 (compatible; Snadder)",
	"Mozilla/5.0 (compatible; Snadder 2.0; +http://snadder.example)",
	"Mozilla/4.0 (compatible; Snadder; Windows NT 5.1)",
	"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Snadder/1.1) Chrome/140.0.0.0 Safari/537.36",
	// a name in place of the system, or with nothing around it
	"Mozilla/5.0 (Kvitrev)",
	"Mozilla/5.0 (Kvitrev/2.0)",
	"Mozilla/5.0 (Kvitrev) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
	"Mozilla/5.0 Kvitrev/2.0",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) Kvitrev/2.0",
	"Kvitrev",
	"Kvitrev/2.0",
	"Kvitrev/2.0 (Linux; x86_64)",
	"Kvitrev 2.0 (contact: drift@kvitrev.example)",
	"kvitrev-client/0.1 (+https://kvitrev.example)",
	"kvitrev_worker",
	"The Kvitrev project, see our page",
	"Kvitrev/1.0 " + chromeWindows,
	// a word for what it does
	"Lynvingebot/1.0",
	"Mozilla/5.0 (compatible; lynvinge-spider/0.9)",
	safariMac + " LynvingeCrawl/1",
	"LynvingeScan/2.2",
	"lynvinge-fetch/3",
	chromeWindows + " LynvingeMonitor",
	"Lynvinge-Check 1.0",
	"LynvingePreview/1.0",
	"lynvinge.archiver",
	"LynvingeScraper v4",
	"Lynvinge-Agent/1.0",
	"Lynvinge Link Validator",
	// libraries of languages
	"Scala-Nethttp/3.2", "nim-httpclient/2.0", "zig-std-http/0.14", "Elixir-Mint/1.6", "cpp-httplib/0.18",
	"R (4.5.1 x86_64-pc-linux-gnu)", "Julia/1.11 HTTP.jl/1.10", "perl-lwp-simple/6.7", "swift-nio/2.8", "Dart/3.9 (dart:io)",
	"vertx-web-client/4.5", "hyper-util/0.1", "php-requests/2", "ocaml-cohttp/6",
	// driven by a program
	strings.Replace(chromeWindows, "Chrome/", "HeadlessChromium/", 1),
	chromeWindows + " Automated-Test",
	chromeWindows + " webdriver/4",
	// what no browser can say
	strings.Replace(chromeWindows, "153.0.0.0", "19.0.1084.52", 1),
	strings.Replace(strings.Replace(safariMac, "605.1.15", "537.36", 2), "Version/26.6", "Chrome/23.0.1271.64", 1),
	strings.ReplaceAll(strings.Replace(firefoxLinux, "X11; Linux x86_64", "Windows NT 10.0", 1), "150.0", "12.0"),
	strings.Replace(chromeWindows, "NT 10.0", "NT 11.0", 1),
	strings.Replace(safariMac, "Version/26.6", "Chrome/139.0.0.0", 1),
	strings.Replace(firefoxLinux, "rv:150.0", "rv:92.0", 1),
	strings.Replace(safariPhone, "Version/26.6", "CriOS/151.0.0.0", 1),
	"Mozilla/5.0 (Linux; Android 8.0; Pixel 2 Build/OPD1.170816.004) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/52.0.4432.1519 Mobile Safari/537.36",
	"Mozilla/5.0", "Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "User-Agent: " + chromeWindows, "%s", "null", "-",
	"${jndi:ldap://example.org/a}", "<script>alert(1)</script>", "../../etc/passwd",
}

// additions are what packagers of Linux, apps, extensions and new browsers add to the
// User-Agent of a browser. No word of theirs says that they are programs.
var additions = func() (userAgents []string) {
	for _, word := range strings.Split("Zorblax/1.0|Zorblax|Vindrose-2024|[Vindrose]|Ab/1|Yr/6|Abc/1|Entur/10.1|Ruter/5|Altinn/1|Helsenorge/4|"+
		"Digipost/7|Kahoot/5|Visma/3|JetBrains/2025.1|Grammarly/1.0|Copilot|kiosk|(kiosk)|(NixOS)|(Vindrose/3.1; Oslo)|Entur/10.1 (build 77; nb)|Entur 10.1|Edg/146.0.0.0 Copilot|"+
		"Edg/146.0.0.0 Entur/10.1", "|") {
		for _, userAgent := range []string{chromeWindows, chromePhone, chromeTablet, webView, safariPhone, safariMac, firefoxLinux, chromeWindows + " Edg/146.0.0.0"} {
			userAgents = append(userAgents, userAgent+" "+word)
		}
	}
	chromium := func(packager string) string {
		return "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) " + packager + " Chrome/83.0.4103.106 Safari/537.36"
	}
	return append(userAgents,
		chromium("snap Chromium/83.0.4103.106"), chromium("Built on Raspbian , running on Raspbian 10 Chromium/83.0.4103.106"),
		chromium("built on Debian 10.0, running on Debian 10.0 Chromium/83.0.4103.106"), chromium("Flatpak Chromium/83.0.4103.106"),
		chromium("Manjaro Chromium/83.0.4103.106"), chromium("Void Linux Chromium/83.0.4103.106"), chromium("Tindved/7.2"), chromium("Tindved"),
		strings.Replace(safariMac, "Version/", "Rypebaer/1.4 Version/", 1),
		strings.Replace(firefoxLinux, "Linux x86_64", "Molteskog; Linux x86_64", 1),
		"Mozilla/5.0 (Linux; arm_64; Android 11; SM-M625F) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/91.0.4472.120 BroPP/1.0 SA/3 Mobile Safari/537.36 YaSearchBrowser/21.81.1 YaApp_Android/21.81.1 ru.yandex.searchplugin/21.81 (samsung SM-M625F; Android 11) ZenKit/21.8.1",
	)
}()

// TestAdditions: an unknown word of any length makes no browser a bot.
func TestAdditions(t *testing.T) {
	for _, userAgent := range additions {
		if got := browser.Parse(userAgent, hit.Hints{}); got.Bot != "" || got.Browser == browser.Other {
			t.Errorf("%+v: %s", got, userAgent)
		}
	}
}

// TestLighthousePhone: the phone that Lighthouse says it is, is sold to people too.
func TestLighthousePhone(t *testing.T) {
	phone := func(system, version, more string) string {
		return "Mozilla/5.0 (Linux; " + system + "; moto g power (2022)) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/" + version + " Mobile Safari/537.36" + more
	}
	for _, c := range []struct{ userAgent, bot string }{
		{phone("Android 11", "146.0.0.0", ""), "Lighthouse"}, {phone("Android 11", "98.0.0.0", ""), "Lighthouse"},
		{phone("Android 12", "146.0.0.0", ""), ""}, {phone("Android 11", "98.0.4758.101", ""), ""}, {phone("Android 13", "120.0.6099.144", ""), ""},
		{phone("Android 11", "146.0.0.0", " EdgA/146.0.0.0"), ""}, {phone("Android 11", "146.0.0.0", " OPR/80.0.0.0"), ""},
		{strings.Replace(webView, "15; Pixel 8", "11; moto g power (2022) Build/S3RQS32.20-42-10", 1), ""},
	} {
		if got := browser.Parse(c.userAgent, hit.Hints{}); got.Bot != c.bot {
			t.Errorf("%q, want %q: %s", got.Bot, c.bot, c.userAgent)
		}
	}
}

func TestInventedBots(t *testing.T) {
	var told share
	for _, userAgent := range inventedBots {
		got := browser.Parse(userAgent, hit.Hints{})
		told.count(got.Bot != "", 1)
		if got.Bot == "" {
			t.Logf("missed: %s", userAgent)
		}
	}
	t.Logf("%d invented bots", len(inventedBots))
	told.atLeast(t, "invented bots told", 97)
}

// people are browsers of people in all their variety, apps that show pages and
// televisions among them. Their form is that of the real ones; versions and models
// vary.
var people = []string{
	// everyday browsers
	chromeWindows, chromePhone, chromeTablet, webView, safariPhone, safariMac, firefoxLinux,
	strings.Replace(firefoxLinux, "Linux x86_64", "Ubuntu; Linux x86_64", 1),
	"Mozilla/5.0 (X11; Fedora; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:109.0) Gecko/20100101 Firefox/115.0",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:152.0) Gecko/20100101 Firefox/152.0",
	"Mozilla/5.0 (Android 16; Mobile; rv:152.0) Gecko/152.0 Firefox/152.0",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/151.0 Mobile/15E148 Safari/605.1.15",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/152.0.7800.41 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/170.0.0.0 Mobile/15E148 Safari/604.1", // of a day to come
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/390.0.811 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Windows NT 6.1; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/109.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; SLCC2; .NET CLR 2.0.50727; Media Center PC 6.0; rv:11.0) like Gecko",
	"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (Linux; Android 9; CUBOT NOTE 20) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.6045.66 Mobile Safari/537.36",
	// rebuilt ones
	chromeWindows + " Edg/153.0.0.0", chromeWindows + " OPR/119.0.0.0", chromeWindows + " OPR/119.0.0.0 (Edition Campaign 34)",
	chromeWindows + " Solgangsbris/140.2.5711.44", // made of Chrome, and of no name
	chromeWindows + " Vivaldi/7.6", chromeWindows + " Avast/150.0.0.0", chromeWindows + " Whale/4.33.325.17",
	strings.Replace(chromeWindows, "Safari/", "YaBrowser/25.10.0.0 Yowser/2.5 Safari/", 1),
	strings.Replace(chromeWindows, "Chrome/", "coc_coc_browser/140.0.150 Chrome/", 1),
	strings.Replace(chromePhone, "Chrome/", "SamsungBrowser/29.0 Chrome/", 1),
	strings.Replace(chromePhone, "Mobile ", "UCBrowser/13.9.5.1338 Mobile ", 1),
	chromePhone + " EdgA/152.0.0.0", chromePhone + " OPR/92.0.0.0", chromePhone + " OPX/3.1",
	strings.Replace(chromePhone, "Safari/", "DuckDuckGo/5 Safari/", 1),
	"Mozilla/5.0 (Linux; U; Android 15; nb-no; 2312DRA50G Build/AP3A.240905.015) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/135.0.7049.79 Mobile Safari/537.36 XiaoMi/MiuiBrowser/14.46.1-gn",
	"Mozilla/5.0 (Linux; Android 12; NOH-NX9; HMSCore 6.15.4.322) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.5735.196 HuaweiBrowser/16.0.7.303 Mobile Safari/537.36",
	"Mozilla/5.0 (Linux; Android 13; V2109) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/123.0.6312.118 Mobile Safari/537.36 VivoBrowser/14.2.0.1",
	"Mozilla/5.0 (Linux; Android 11; KFTRWI) AppleWebKit/537.36 (KHTML, like Gecko) Silk/133.3.3 like Chrome/133.0.6943.89 Safari/537.36",
	"Mozilla/5.0 (Linux; Android 14; SM-S711B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36 Fjellbrowser/1.2",
	safariPhone + " Brave", safariPhone + " Ddg/26.6", safariMac + " Ddg/26.6", safariPhone + " OPT/6.4.1", safariPhone + " AlohaBrowser/7.9",
	strings.Replace(safariPhone, "Version/26.6", "Version/26.6 EdgiOS/151.0.4210.30", 1),
	safariPhone + " (Ecosia ios@13.1.0.2301)",
	"Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/191.361; U; en) Presto/2.12.423 Version/12.16",
	"Opera/9.80 (Android; Opera Mini/78.0.2254/191.361; U; nb) Presto/2.12.423 Version/12.16",
	"Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5",
	// inside apps
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/534.0.0.32.98;FBBV/800912;FBDV/iPhone15,3;FBMD/iPhone;FBSN/iOS;FBSV/18.7;FBSS/3;FBCR/;FBID/phone;FBLC/nb_NO;FBOP/80]",
	webView + " [FB_IAB/FB4A;FBAV/531.0.0.47.109;IABMV/1;]", webView + " [FB_IAB/MESSENGER;FBAV/531.0.0.41.105;]",
	webView + " Instagram 401.0.0.48.79 Android (35/15; 420dpi; 1080x2400; Google/google; Pixel 8; shiba; shiba; nb_NO; 800111222; IABMV/1)",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22H20 Instagram 401.0.0.30.75 (iPhone15,4; iOS 18_7; nb_NO; nb; scale=3.00; 1179x2556; 800111222)",
	webView + " Barcelona 401.0.0.40.75 Android (35/15; 420dpi; 1080x2142; Google/google; Pixel 8; shiba; shiba; nb_NO)",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.7 Mobile/15E148 Safari/604.1 Snapchat/13.60.0.45 (like Safari/8621.3.11, panda)",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 musical_ly_41.8.0 JsSdk/2.0 NetType/WIFI Channel/App Store ByteLocale/nb Region/NO BytedanceWebview/d8a21c6",
	webView + " trill_410805 BytedanceWebview/d8a21c6", webView + " [Pinterest/Android]", webView + " Line/15.16.0/IAB",
	webView + " MicroMessenger/8.0.60.2860(0x28003C3D) WeChat/arm64 Weixin NetType/WIFI Language/nb ABI/arm64",
	webView + " KAKAOTALK/25.8.2 (INAPP)", webView + " LinkedInApp/4.1.1050", webView + " NorskBankApp/4.2.1", webView + " Fjelltur/3.1",
	chromePhone + " Telegram-Android/12.1.1 (Google Pixel 8; Android 15; SDK 35; HIGH)",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Fjelltur/3.1 (build 77)",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 LinkedInApp/9.31",
	"Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Twitter for iPhone/11.22",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Avisleser/5",
	"Instagram 415.0.0.36.76 Android (33/13; 320dpi; 720x1600; samsung; SM-A032M; a3core; m168; nb_NO; 874816631)",
	// desktop apps
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Teams/25275.2601.4002.2815 Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Slack/4.46.101 Chrome/138.0.7204.251 Electron/37.6.0 Safari/537.36",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Notatblokk/1.8.2 Chrome/138.0.7204.251 Electron/37.6.0 Safari/537.36",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.6478.183 Spotify/1.2.74.477 Safari/537.36",
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) QtWebEngine/6.9.2 Chrome/130.0.6723.192 Safari/537.36",
	"Mozilla/5.0 (X11; Ubuntu; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15 Epiphany/605.1.15",
	// televisions, consoles, cars and glasses
	"Mozilla/5.0 (SMART-TV; LINUX; Tizen 8.0) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/7.0 Chrome/108.0.5359.1 TV Safari/537.36",
	"Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.269 Safari/537.36 WebAppManager",
	"Mozilla/5.0 (Linux; Andr0id 12; BRAVIA 4K VH22) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/112.0.5615.213 Safari/537.36 OPR/46.0.2207.0 OMI/4.24.1.35.ODIN.24",
	"Mozilla/5.0 (Linux armv7l) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0.4606.128 Safari/537.36 VIDAA/7.0 (Hisense; SmartTV; 50A6; U0704)",
	"Mozilla/5.0 (PlayStation; PlayStation 5/9.60) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15",
	"Mozilla/5.0 (X11; Linux x86_64; Quest 3) AppleWebKit/537.36 (KHTML, like Gecko) OculusBrowser/39.1.0.9 Chrome/136.0.0.0 VR Safari/537.36",
	"Mozilla/5.0 (X11; GNU/Linux) AppleWebKit/537.36 (KHTML, like Gecko) Chromium/125.0.0.0 Chrome/125.0.0.0 Safari/537.36 Tesla/2025.32.3-c8a1e2",
}

func TestPeopleAreNoBots(t *testing.T) {
	for _, userAgent := range people {
		if got := browser.Parse(userAgent, hit.Hints{}); got.Bot != "" || got.Rule != "" {
			t.Errorf("taken for the bot %q (%s): %s", got.Bot, got.Rule, userAgent)
		}
	}
	t.Logf("%d browsers of people", len(people))
}
