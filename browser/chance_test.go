package browser_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/browser"
	"github.com/fotspor/fotspor/hit"
)

// onPhone returns Chrome on an Android phone of a model.
func onPhone(model string) string { return strings.Replace(chromePhone, "10; K)", "13; "+model+")", 1) }

// inElectron returns the window of an app on a desktop.
func inElectron(app string) string {
	return "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) " + app + " Chrome/142.0.7444.265 Electron/39.8.1 Safari/537.36"
}

// iOSWebView is a view inside an app on an iPhone.
const iOSWebView = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"

// TestMarksByChance: words by which programs describe themselves are also in the User-Agents of
// people's browsers, in the names of models, builds, languages and apps.
func TestMarksByChance(t *testing.T) {
	for _, c := range marksByChance {
		if got := browser.Parse(c.userAgent, hit.Hints{}); got.Bot != "" || got.Rule != "" {
			t.Errorf("%s: taken for the bot %q (%s): %s", c.name, got.Bot, got.Rule, c.userAgent)
		}
	}
}

var marksByChance = []struct{ name, userAgent string }{
	{"shop app, checkout", webView + " csh-cashify-flutter csh-store-checkout d2c-back-supported"},
	{"shop app on iOS, checkout", iOSWebView + " KassaCheckout/3.1"},
	{"shop app, checkout in a name", webView + " KassaCheckout/3.1"},
	{"app that reads codes", webView + " QRScanner/2.4"},
	{"app that reads codes on iOS", iOSWebView + " QRScanner/2.4"},
	{"app that scans papers", webView + " CamScanner/4.8.5.2310271827"},
	{"app of podcasts", webView + " Podcastappen/5.2"},
	{"app of podcasts on iOS", iOSWebView + " Podcastappen/5.2 (build 12)"},
	{"app of surveys", webView + " FeltSurvey/1.0"},
	{"app of news, feed", iOSWebView + " Nyhetsfeed/8.0.1"},
	{"app with a bot in its name", webView + " Robotklipper/1.2"},
	{"app called by its domain", webView + " tilbud.com/5.1"},
	{"app before Mozilla", "Job Search/24.4.0 " + webView},
	{"Instagram, region in the language", iOSWebView + " Instagram 330.0.3.29.91 (iPhone14,3; iOS 17_5; en_GB@rg=nozzzz; en; scale=3.00; 1125x2436; 595323416)"},
	{"Instagram, calendar in the language", iOSWebView + " Instagram 330.0.3.29.91 (iPhone14,3; iOS 17_5; fa_IR@calendar=gregorian; fa; scale=3.00; 1125x2436; 595323416)"},
	{"Instagram, a phone called ruby", webView + " Instagram 333.0.0.42.91 Android (33/13; 440dpi; 1080x2400; Xiaomi/Redmi; 22101316UG; ruby; mt6877; nb_NO; 604247818)"},
	{"Instagram, rss in the build", strings.Replace(webView, "Pixel 8", "moto g(50) 5G Build/S1RSS32.38-20-9-13", 1) + " Instagram 333.0.0.42.91 Android (31/12; 280dpi; 720x1462; motorola; moto g(50) 5G; saipan; mt6833; nb_NO; 604247818)"},
	{"Facebook, a model with a mark", webView + " [FB_IAB/FB4A;FBAV/531.0.0.47.109;FBDV/Robot Check;]"},
	{"Facebook on iOS, a carrier with a mark", iOSWebView + " [FBAN/FBIOS;FBAV/534.0.0.32.98;FBDV/iPhone15,3;FBCR/Get;FBLC/nb_NO;FBOP/80]"},
	{"Snapchat on iOS, with Safari's word", safariPhone + " Snapchat/13.60.0.45 (like Safari/8621.3.11, spider)"},
	{"php and digits", onPhone("PHP110")},
	{"php and digits, Yandex", "Mozilla/5.0 (Linux; arm_64; Android 13; PHP110) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 YaBrowser/23.7.0.271.00 SA/3 Mobile Safari/537.36"},
	{"got and a dash", onPhone("GOT-W29")},
	{"rss in the build", onPhone("moto g(50) 5G Build/S1RSS32.38-20-9-13")},
	{"gpt in the model", onPhone("SGPT12 Build/TISU0122")},
	{"dart", onPhone("DART KZ07 Build/LMY47I")},
	{"ruby", onPhone("HTC_Ruby")},
	{"java", onPhone("Java Phone 2")},
	{"node", onPhone("Node Tab")},
	{"python", onPhone("python 7")},
	{"M BOT", onPhone("M BOT 551")}, {"B BOT", onPhone("B BOT 50")}, {"VR BOT", onPhone("VR BOT 552 PLUS")},
	{"M_bot_tab", onPhone("M_bot_tab_71")}, {"IDbot", onPhone("IDbot553PLUS")}, {"C Bot", onPhone("C Bot Tab 100")},
	{"XBot", onPhone("XBot")}, {"XBot Junior", onPhone("XBot Junior")}, {"Cubot", onPhone("CUBOT_NOTE_S")},
	{"Spider", onPhone("Spider 8")}, {"GLX Spider", onPhone("GLX SpiderI Build/JDQ39")},
	{"robot in the build", onPhone("Galaxy S4 Build/Robot")},
	{"scanner of a shop", onPhone("Honeywell Scanner CT60")},
	{"monitor", onPhone("Smart Monitor M7")},
	{"user in the build", "Mozilla/5.0 (Linux; U; Android 2.1; fr-fr; A10 Build/ERE27) AppleWebKit/530.17 (KHTML, like Gecko) Version/4.0 Mobile Safari/530.17; A10-V5.0.67-user-20101018"},
	{"an app's Dalvik", "Dalvik/2.1.0 (Linux; U; Android 9; CUBOT X19 Build/PPR1.180610.011)"},
	{"an app before Dalvik", "ESPN App/6.12.0 Dalvik/2.1.0 (Linux; U; Android 9; SM-G965U Build/PPR1.180610.011)"},
	{"HarmonyOS", "Mozilla/5.0 (Linux; Android 12; HarmonyOS; GOT-AL09; HMSCore 6.6.0.369) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/92.0.4515.105 HuaweiBrowser/12.0.4.310 Safari/537.36"},
	{"KaiOS", "Mozilla/5.0 (Mobile; Kaios Robot 2; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5"},
	{"UC that saves data", "UCWEB/2.0 (Java; U; MIDP-2.0; Nokia203/20.37) U2/1.0.0 UCMini/11.4.0.1180 (SpeedMode; Proxy; Android 6.0; GT-S5360 ) U2/1.0.0 Mobile"},
	{"UC that saves data, no model", "UCWEB/2.0 (MIDP-2.0; U; Adr 9; nb-NO; Pixel_8) U2/1.0.0 UCBrowser/12.13.5.1209 (SpeedMode; Proxy) U2/1.0.0 Mobile"},
	{"Ecosia, @ before its version", safariPhone + " (Ecosia ios@13.1.0.2301)"},
	{"a phone's old browser", "SonyEricssonK800i/R1KG Browser/NetFront/3.3 Profile/MIDP-2.0 Configuration/CLDC-1.1"},
	{"an app's client without an engine", "Mozilla/5.0 (Linux; Android 7.0; iQM801 Build/NRD90M)"},
	{"in the middle of an app's name", webView + " Detektiv/1.0"},
	{"a currency in the locale of a comment", onPhone("Pixel 8; nb_NO@euro")}, {"a currency in a web view", webView + " nb_NO@euro"},
	{"script in the locale", onPhone("Pixel 8; sr_RS@latin")},
	{"WhatsApp's web view", webView + " WhatsApp/2.26"}, {"WhatsApp's web view on iOS", iOSWebView + " WhatsApp/2.26.10"},
	{"app with a deed as a word", webView + " Fetch Rewards/2"}, {"app of Flutter", webView + " Dart/3.2 (dart:io)"},
	{"app that is called as a program", webView + " WordPress/25.1"}, {"reader of feeds that shows pages", webView + " Inoreader/7.9"},
	{"app called by a deed alone", webView + " Scan/5.0"},
	{"a tool's window", inElectron("Postman/11.70.2")}, {"a tool's window, Insomnia", inElectron("insomnia/11.6.1")},
	{"a tool's window, HTTPie", inElectron("HTTPie/2025.2.0")}, {"a tool's window, Bruno", inElectron("Bruno/2.14.0")},
	{"a window of WhatsApp", inElectron("WhatsApp/2.2412.50")}, {"a window of an app with a deed in its name", inElectron("Podcastappen/5.2")},
	{"a window of an app called by its domain", inElectron("tilbud.com/5.1")}, {"a window of an editor", inElectron("Code/1.107.0")},
	{"FETCH", onPhone("FETCH X")}, {"Scan", onPhone("Scan 5G")}, {"Archive", onPhone("Archive 7")},
	{"FETCH in a web view", strings.Replace(webView, "Pixel 8", "FETCH X", 1)}, {"Scan in a web view", strings.Replace(webView, "Pixel 8", "Scan 5G", 1)},
	{"an app in Mozilla's place", strings.Replace(webView, "Mozilla/5.0", "AptoideLite/50", 1)},
	{"an app in Mozilla's place without an engine", "AptoideLite/50 (Linux; Android 9; SM-J530F Build/PPR1.180610.011; wv)"},
	{"a television of Panasonic", "Mozilla/5.0 (FreeBSD; U; Viera; nb-NO) AppleWebKit/537.11 (KHTML, like Gecko) Viera/3.10.14 Chrome/23.0.1271.97 Safari/537.11"},
	{"a television of Roku", "Mozilla/5.0 (QSP; Roku; AP; 3.4.7.10)"},
	{"a television's browser", "Zeasn/2.0 NETTV/4.5.0 Mozilla/5.0 (Linux armv7i;CE-HTML/1.0;U;en), Chrome/42.0.2311.152 Safari/537.36 AppleWebKit 537.36 (KHTML, like Gecko) Tbrowser/2.0, _TV_nt563/V8-NT563LA-LF1V140 (KALLEY,43D1800,wireless)"},
	{"a television's browser without a net", "Zeasn/2.0 Mozilla/5.0 (Linux;CE-HTML/1.0;U;en), Chrome/49.0.2623.87 Safari/537.36 AppleWebKit 537.36 (KHTML, like Gecko) Tbrowser/2.0, _TV_UNKONWN/V8-NT563LA-LF1V250 (WESTPOINT,TETS-4919SM,wireless)"},
	{"a screen in a shop", "BrightSign/8.2.35.4 (XT1144-PP) Mozilla/5.0 (X11; Linux aarch64) AppleWebKit/537.36 (KHTML, like Gecko) QtWebEngine/5.12.3 Chrome/69.0.3497.128 Safari/537.36"},
	{"app on an iPad, which says Macintosh", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_6) AppleWebKit/605.1.15 (KHTML, like Gecko) KassaCheckout/3.1"},
	{"app on okhttp", webView + " Entur/10.1 okhttp/4.9"}, {"app on okhttp alone", webView + " okhttp/4.12.0"},
	{"app on Apple's library", iOSWebView + " Tog/5.0 CFNetwork/1568.100.1 Darwin/24.0.0"}, {"app on Alamofire", iOSWebView + " Tog/5.0 Alamofire/5.9"},
	{"app on Java", webView + " Java/17"}, {"app on Axios", webView + " Axios/1.7.2"}, {"app on Python", webView + " python-requests/2.31"},
	{"Instagram, and a library", webView + " Instagram 333.0.0.42.91 Android (33/13; 440dpi; 1080x2400; Xiaomi; ruby) okhttp/4.9"},
	{"Facebook, and a library", iOSWebView + " [FBAN/FBIOS;FBAV/534.0.0.32.98;FBDV/iPhone15,3] CFNetwork/1568"},
	{"a window of an app on Axios", inElectron("Podcastappen/5.2") + " axios/1.7"},
	{"crawl in a name, not crawler, though a bot has it too", webView + " Crawlspace/1.0"},
	{"a deed in a name, though a bot has it too", webView + " ImageFetcher/2.0"}, {"a deed in a name on iOS, though a bot has it too", iOSWebView + " ImageFetcher"},
	{"a deed in a name, though a validator has it too", webView + " W3C_Validator/1.3"},
	{"reader of feeds", webView + " FeedFetcher/1.0"}, {"Mastodon's app", webView + " Mastodon/2.9"},
	{"in the middle of a name, Anthropic", webView + " Philanthropic/1.0"}, {"at the start of a name, Cohere", webView + " Coherence/2.1"},
	{"app of insights", webView + " Insights/4.1"},
	{"the app's service", webView + " Reise/2.0 (https://app.example.no/)"}, {"the app's service on iOS", iOSWebView + " Reise/2.0 (https://app.example.no/)"},
	{"the app's service, called as a bot", webView + " (https://lighthouse.example.no/)"},
	{"the app's support", webView + " Monitor/1 (support@example.no)"}, {"the app's support on iOS", iOSWebView + " (drift@fjellvett.example)"},
	{"Slurp, a model", onPhone("Slurp 2")}, {"Slurp and a build", onPhone("Slurp 2 Build/AP3A.240905.015")},
	{"Lighthouse, a model", onPhone("Lighthouse L1")}, {"Headless, a model", onPhone("Headless H1")}, {"Headless in a web view", strings.Replace(webView, "Pixel 8", "Headless H1", 1)},
	{"the app's page about bots in chats", webView + " (https://app.example.no/chatbots/hjelp)"},
	{"Facebook, a model called as a bot", webView + " [FB_IAB/FB4A;FBDV/Lighthouse L1;]"},
}

// appNames are names of apps with words of names of programs.
var appNames = strings.Fields(`HealthCheckApp/2 HealthCheck/1.0 healthcheck/3 Health-Check/2 LighthouseCinema/2 Lighthouse/1 Lighthouse headlessapp/1 Headless/4
	HeadlessHorseman/1.2 Selenium/1 SeleniumTracker/3 Cypress/1 CypressCreek/2 PuppeteerShow/3 Puppeteer/2 Playwright/1 PlaywrightTheatre/5.1 Prerender/1 Prerendered/2
	Nightmare/3 Munin/2.0 Synapse/1 SynapseNotes/2 Splash/4 Unfurl/1.1 Nuclei/2 NucleiMed/1 Readable/3 ReadableNews/1 Rigor/2 Catchpoints/1 PagespeedRun/2 OpenGraphite/1
	WebdriverLine/1 Sitemonitor/3 Slurp/2 Slurpee/4 Nutcher/1 Hotjars/2 Gemini-Horoskop/3 Claude-Monet/1 Google-Fan/2 Lighthouse2/1 BrowserlessTravel/1 Jsdominoes/2
	OpenAIQuiz/1 DeepAIChat/2 Tavilyn/1 Qualysoft/2 Datadoggy/3 Zabbixen/1 Censysis/2 Shodana/1 Embedlya/2`)

// TestAppsByChance: an app may be called like a program, or like a part of one.
func TestAppsByChance(t *testing.T) {
	for _, name := range appNames {
		for _, userAgent := range []string{webView + " " + name, iOSWebView + " " + name, webView + " Reise/2.0 (" + name + "; nb)", iOSWebView + " [FBAN/FBIOS;FBAV/534.0;FBDV/iPhone15,3] " + name} {
			if got := browser.Parse(userAgent, hit.Hints{}); got.Bot != "" {
				t.Errorf("taken for the bot %q (%s): %s", got.Bot, got.Rule, userAgent)
			}
		}
		if name == "Cypress/1" { // whose window is one of Electron
			continue
		}
		if got := browser.Parse(inElectron(name), hit.Hints{}); got.Bot != "" {
			t.Errorf("taken for the bot %q (%s): %s", got.Bot, got.Rule, inElectron(name))
		}
	}
}

func chancePeople() (userAgents []string) {
	for _, name := range appNames {
		userAgents = append(userAgents, webView+" "+name, iOSWebView+" "+name)
	}
	for _, c := range marksByChance {
		userAgents = append(userAgents, c.userAgent)
	}
	return userAgents
}

// TestDeedsByChance: a phone or an app is a person's, also if its name has words for what
// programs do.
func TestDeedsByChance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[A-Z]{0,3}[0-9]{0,2}[ _-]?`).Draw(t, "before") +
			rapid.SampledFrom(browser.Deeds()).Draw(t, "deed") + rapid.StringMatching(`[ _-]?[0-9a-z]{0,4}`).Draw(t, "behind")
		if slices.ContainsFunc(strings.Fields(name), browser.IsListed) {
			return
		}
		for _, userAgent := range []string{
			onPhone(name), onPhone(name + " Build/AP3A.240905.015"), "Dalvik/2.1.0 (Linux; U; Android 14; " + name + " Build/UP1A)",
			webView + " " + name + "/1.0", iOSWebView + " " + name + "/1.0", webView + " [FB_IAB/FB4A;FBDV/" + name + ";]",
		} {
			if got := browser.Parse(userAgent, hit.Hints{}); got.Bot != "" {
				t.Errorf("taken for the bot %q (%s): %s", got.Bot, got.Rule, userAgent)
			}
		}
	})
}

// TestMarksOnPurpose: a program that names itself, or says that nobody sees the page, is a bot
// in a web view of an app and on a phone too.
func TestMarksOnPurpose(t *testing.T) {
	for _, c := range marksOnPurpose {
		if got := browser.Parse(c.userAgent, hit.Hints{}); got.Rule != c.rule || got.Bot != c.bot {
			t.Errorf("%s: %q by rule %q, want %q by %q: %s", c.name, got.Bot, got.Rule, c.bot, c.rule, c.userAgent)
		}
	}
}

var marksOnPurpose = []struct{ name, userAgent, rule, bot string }{
	{"headless on a phone", strings.Replace(chromePhone, "Chrome/", "HeadlessChrome/", 1), browser.RuleHeadless, "HeadlessChrome"},
	{"headless in a web view", strings.Replace(webView, "Chrome/", "HeadlessChrome/", 1), browser.RuleHeadless, "HeadlessChrome"},
	{"GPTBot in a web view", webView + " (compatible; GPTBot/1.2; +https://openai.com/gptbot)", browser.RuleAI, "GPTBot"},
	{"GPTBot as a word of a web view", webView + " GPTBot/1.2", browser.RuleAI, "GPTBot"},
	{"GPTBot on a phone", onPhone("GPTBot/1.2"), browser.RuleAI, "GPTBot"},
	{"Googlebot's phone", "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/153.0.7800.41 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", browser.RuleCrawler, "Googlebot"},
	{"Googlebot in a web view", webView + " Googlebot/2.1", browser.RuleCrawler, "Googlebot"},
	{"Googlebot's iPhone", iOSWebView + " (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", browser.RuleCrawler, "Googlebot"},
	{"Googlebot in the comment of a phone", onPhone("Googlebot"), browser.RuleCrawler, "Googlebot"},
	{"compatible in a web view", webView + " (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", browser.RuleCrawler, "AhrefsBot"},
	{"compatible in the comment of a web view", strings.Replace(webView, "Pixel 8", "compatible; AhrefsBot/7.0", 1), browser.RuleCrawler, "AhrefsBot"},
	{"compatible, of a name that nobody knows", webView + " (compatible; Fjellvettbot/0.1)", browser.RuleCrawler, browser.Other},
	{"an address in a web view", webView + " (+https://fjellvett.example/om)", browser.RuleCrawler, "unnamed"},
	{"an address after a plus in a web view", webView + " Fjellvett/1.0 (+http://fjellvett.example/)", browser.RuleCrawler, "unnamed"},
	{"a service that looks at pages names itself", webView + " Checkly/1", browser.RuleMonitor, "Checkly"},
	{"Lighthouse names itself in a web view", webView + " Chrome-Lighthouse", browser.RuleMonitor, "Chrome-Lighthouse"},
	{"Mastodon's server, which looks at a link", "http.rb/5.1.1 (Mastodon/4.3.1; +https://tut.example/)", browser.RulePreview, "Mastodon"},
	{"headless, said in a comment", webView + " (HeadlessChrome)", browser.RuleHeadless, "HeadlessChrome"},
	{"a user's agent, said in a comment", webView + " (ChatGPT-User)", browser.RuleAI, "ChatGPT-User"},
	{"a name of a program and an address without a plus", iOSWebView + " Twitter for iPhone BrandVerity/1.0 (http://www.brandverity.com/why-is-brandverity-visiting-me)", browser.RuleCrawler, "BrandVerity"},
	{"Slurp with a version on a phone", onPhone("Slurp/2.0"), browser.RuleCrawler, "Slurp"},
	{"a name that ends in crawler in a web view", webView + " AdsTxtCrawler/1.0", browser.RuleCrawler, "AdsTxtCrawler"},
	{"an address of support outside a web view", chromePhone + " Monitor/1 (support@example.no)", browser.RuleMonitor, browser.Other},
	{"a library outside a web view", chromePhone + " okhttp/4.12.0", browser.RuleLibrary, "okhttp"},
	{"an app's library alone", "Entur/10.1 okhttp/4.9", browser.RuleLibrary, "okhttp"},
	{"facebookexternalhit beside Instagram", webView + " Instagram 333.0.0.42.91 Android facebookexternalhit/1.1", browser.RulePreview, "facebookexternalhit"},
	{"a word beside the engine", "Mozilla/5.0 (Linux; U; Android 2.3.4; generic) AppleWebKit/537.36 (KHTML, like Gecko; Google Web Preview) Version/4.0 Mobile Safari/537.36", browser.RulePreview, "Google-Web-Preview"},
	{"a name beside the engine", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; GoogleAdwordsExpress) Chrome/100 Safari/537.36", browser.RuleCrawler, browser.Other},
	{"a name beside the engine of a web view", strings.Replace(webView, "like Gecko)", "like Gecko; Fjellvett)", 1), browser.RuleCrawler, browser.Other},
	{"a tool without a window", "PostmanRuntime/7.51.0", browser.RuleLibrary, "PostmanRuntime"},
	{"a tool without a window, Insomnia", "insomnia/11.6.1", browser.RuleLibrary, "insomnia"},
	{"a tool without a window, HTTPie", "HTTPie/3.2.4", browser.RuleLibrary, "HTTPie"},
	{"a tool without a window, Bruno", "bruno-runtime/2.14.0", browser.RuleOther, browser.Other},
	{"a tool in the name of Chrome", chromeWindows + " Postman/11.70.2", browser.RuleLibrary, browser.Other},
	{"tests in Electron", inElectron("Cypress/15.7.0"), browser.RuleHeadless, "Cypress"},
	{"a monitor in Electron", inElectron("browser/2020.2.1") + " PingdomTMS/2020.2", browser.RuleMonitor, "PingdomTMS"},
	{"a crawler in Electron", inElectron("Googlebot/2.1"), browser.RuleCrawler, "Googlebot"},
	{"an address in Electron", inElectron("Fjellvett/1.0") + " (+https://fjellvett.example/om)", browser.RuleCrawler, "unnamed"},
	{"an address of a page about a robot in a web view", webView + " https://deepcrawl.com/bot", browser.RuleCrawler, "unnamed"},
	{"an address of a page about a robot, with more after it", webView + " Fjellvett/1.0 (https://fjellvett.example/om/webcrawler.html)", browser.RuleCrawler, "unnamed"},
	{"an address of a page about a robot on iOS", iOSWebView + " (http://fjellvett.example/spider/)", browser.RuleCrawler, "unnamed"},
	{"headless Edge in a web view", webView + " HeadlessEdg/142.0.0.0", browser.RuleHeadless, "HeadlessEdg"},
	{"a test of speed in a web view", webView + " PTST/250819.1", browser.RuleMonitor, "PTST"},
	{"a test of speed in a web view, Datadog", iOSWebView + " DatadogSynthetics", browser.RuleMonitor, "DatadogSynthetics"},
	{"a link's preview in a web view", iOSWebView + " facebookexternalhit/1.1 Facebot Twitterbot/1.0", browser.RulePreview, "facebookexternalhit"},
	{"a scanner of cookies behind a browser", chromeWindows + "; OneTrust;", browser.RuleMonitor, "OneTrust"},
	{"a monitor behind a browser", chromeWindows + " DejaClick/2.9.7.2", browser.RuleMonitor, "DejaClick"},
	{"a classifier behind a browser", chromeWindows + " XaxisSemanticsClassifier/1.0", browser.RuleCrawler, "XaxisSemanticsClassifier"},
	{"an agent's browser", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Cursor/3.0.12 Chrome/142.0.7444.265 Electron/39.8.1 Safari/537.36", browser.RuleAI, "Cursor"},
	{"an app that fetches for itself", "Snapchat/13.54.0.54 (iPad7,5; iOS 17.7; gzip)", browser.RuleOther, "Snapchat"},
	{"a browser that fetches for itself", "DuckDuckGo/5 (com.duckduckgo.mobile.android; Android API 33)", browser.RuleOther, browser.Other},
	{"on a phone, outside the comment", chromePhone + " LynvingeMonitor", browser.RuleMonitor, browser.Other},
	{"an app's check outside a web view", chromeWindows + " KassaCheckout/3.1", browser.RuleMonitor, browser.Other},
	{"WhatsApp, which looks at a link", "WhatsApp/2.26.10 A", browser.RulePreview, "WhatsApp"},
	{"an e-mail address in a locale's place", onPhone("Pixel 8; drift@fjellvett.example"), browser.RuleCrawler, "unnamed"},
	{"php, a word", "php/8.3", browser.RuleLibrary, "PHP"},
	{"a bot with digits in front", "Mozilla/5.0 (compatible; MJ12bot/v1.4.8; http://mj12bot.com/)", browser.RuleCrawler, "MJ12bot"},
}

func purposeBots() (userAgents []string) {
	for _, c := range marksOnPurpose {
		userAgents = append(userAgents, c.userAgent)
	}
	return userAgents
}

// TestStrangeButPeople: browsers of people with words and comments that everyday browsers do
// not have.
func TestStrangeButPeople(t *testing.T) {
	for _, c := range []struct {
		name, userAgent string
		want            browser.Client
	}{
		{"Ladybird of 2026", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Ladybird/1.0 Chrome/146.0.0.0 Safari/537.36",
			browser.Client{Browser: "Ladybird", Version: "1", OS: "Linux", Device: "desktop"}},
		{"Ladybird of 2026, as it comes", "Mozilla/5.0 (macOS; AArch64) Ladybird/1.0 Chrome/146.0.0.0 AppleWebKit/537.36 Safari/537.36",
			browser.Client{Browser: "Ladybird", Version: "1", OS: "macOS", Device: "desktop"}},
		{"Ladybird on Linux", "Mozilla/5.0 (Linux; x86_64) Ladybird/1.0 Chrome/146.0.0.0 AppleWebKit/537.36 Safari/537.36",
			browser.Client{Browser: "Ladybird", Version: "1", OS: "Linux", Device: "desktop"}},
		{"Steam", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; Valve Steam Client/default/1733265492) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.6478.183 Safari/537.36",
			browser.Client{Browser: "Chrome", Version: "126", OS: "Windows", Device: "desktop"}},
		{"Steam's overlay", "Mozilla/5.0 (Linux; U; X11; en-US; Valve Steam GameOverlay/1586022601; ) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/79.0.3945.117 Safari/537.36",
			browser.Client{Browser: "Chrome", Version: "79", OS: "Linux", Device: "desktop"}},
		{"Yandex, beta", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 YaBrowser/24.7.1.873 (beta) Yowser/2.5 Safari/537.36",
			browser.Client{Browser: "Yandex Browser", Version: "24", OS: "Linux", Device: "desktop"}},
		{"Maxthon, portable", chromeWindows + " Maxthon 5.2.6 (portable)/5.2.6.200",
			browser.Client{Browser: "Maxthon", Version: "5", OS: "Windows", Device: "desktop"}},
		{"Opera, its campaign", chromeWindows + " OPR/119.0.0.0 (Kampanje Nord)",
			browser.Client{Browser: "Opera", Version: "119", OS: "Windows", Device: "desktop"}},
		{"Chromium of another name", chromeWindows + " (Chromium GOST)",
			browser.Client{Browser: "Chrome", Version: "153", OS: "Windows", Device: "desktop"}},
		{"a name of two words", strings.Replace(chromeWindows, "Safari/", "Elements Browser/1.1.35 Safari/", 1),
			browser.Client{Browser: "Chrome", Version: "153", OS: "Windows", Device: "desktop"}},
		{"Firefox before its release", "Mozilla/5.0 (X11; Linux x86_64; rv:151.0a1pre) Gecko/20100101 Firefox/151.0a1pre",
			browser.Client{Browser: "Firefox", Version: "151", OS: "Linux", Device: "desktop"}},
		{"a system that few have", "Mozilla/5.0 (X11; Haiku x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
			browser.Client{Browser: "Firefox", Version: "128", OS: "Other", Device: "desktop"}},
		{"a system with its name in brackets", "Mozilla/5.0 (X11; Linux x86_64; Debian GNU/Linux 8.1 (jessie)) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/33.0.1750.0 Maxthon/1.0.5.3 Safari/537.36",
			browser.Client{Browser: "Maxthon", Version: "1", OS: "Linux", Device: "desktop"}},
		{"UC without an engine", "Mozilla/5.0 (S60V5; U; en-us; Nokia5250)/UC Browser8.2.0.132/50/355/UCWEB Mobile",
			browser.Client{Browser: "UC Browser", Version: "8", OS: "Other", Device: "mobile"}},
		{"a text browser", "Lynx/2.9.2 libwww-FM/2.14 SSL-MM/1.4.1 OpenSSL/3.0.13",
			browser.Client{Browser: "Lynx", OS: "Other", Device: "other"}},
		{"a phone without a system of its own", "Mozilla/5.0 (Cloud Phone 2.4; Nokia 225 4G; UNISOC) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.6834.210 Mobile Safari/537.36 Puffin/12.1.1.51391FP",
			browser.Client{Browser: "Puffin", Version: "12", OS: "Other", Device: "mobile"}},
		{"space before it", " " + chromeWindows,
			browser.Client{Browser: "Chrome", Version: "153", OS: "Windows", Device: "desktop"}},
	} {
		if got := browser.Parse(c.userAgent, hit.Hints{}); got != c.want {
			t.Errorf("%s: Parse(%q)\n got %+v\nwant %+v", c.name, c.userAgent, got, c.want)
		}
	}
}

// TestKnownBeforeUnknown: a name in the tables, from User-Agent or hints, counts before a
// brand that is in none.
func TestKnownBeforeUnknown(t *testing.T) {
	const chromium = `"Chromium";v="115", "Not(A:Brand";v="99"`
	token := func(word string) string { return strings.Replace(chromeWindows, "Safari/", word+" Safari/", 1) }
	for _, c := range []struct{ name, userAgent, brands, browser, version string }{
		{"Norton's word", token("Norton/115.0.21984.175"), `"Nytt navn";v="115", ` + chromium, "Norton Private Browser", "115"},
		{"Aloha's word", safariPhone + " AlohaBrowser/7.9", `"Aloha Ny";v="7", ` + chromium, "Aloha Browser", "7"},
		{"Yandex's word", strings.Replace(chromePhone, "Mobile", "YaSearchBrowser/24.10.0 Mobile", 1), `"Noe annet";v="24", ` + chromium, "Yandex Browser", "24"},
		{"Edge's word", chromeWindows + " Edg/153.0.0.0", `"Edge Ny";v="153", ` + chromium, "Edge", "153"},
		{"Firefox's word", firefoxLinux, `"Nytt navn";v="1"`, "Firefox", "150"},
		{"no word", chromeWindows, `"Nytt navn";v="115", ` + chromium, "Other Chromium", "115"},
		{"Opera Mini", chromePhone, `"Opera Mini Android";v="96", ` + chromium, "Opera Mini", "96"},
		{"Opera GX on Android", chromePhone, `"Opera GX Android";v="2", ` + chromium, "Opera", "2"},
		{"Opera GX", chromeWindows, `"Opera GX";v="119", ` + chromium, "Opera", "119"},
		{"Avast in one word", chromeWindows, `"AvastSecureBrowser";v="153", ` + chromium, "Avast Secure Browser", "153"},
		{"Avast in three", chromeWindows, `"Avast Secure Browser";v="153", ` + chromium, "Avast Secure Browser", "153"},
		{"Avira", chromeWindows, `"Avira Secure Browser";v="153", ` + chromium, "Avira Secure Browser", "153"},
		{"Avira's word", chromeWindows + " Avira/140.0.0.0", "", "Avira Secure Browser", "140"},
		{"a stranger's version", chromeWindows, `"Nytt navn";v="7", ` + chromium, "Other Chromium", "115"},
		{"a stranger's version, nothing beside", chromeWindows, `"Nytt navn";v="7"`, "Other Chromium", ""},
		{"Norton's other name", chromeWindows, `"Norton Secure Browser";v="115", ` + chromium, "Norton Private Browser", "115"},
		{"Edge", chromeWindows, `"Edge";v="150", ` + chromium, "Edge", "150"},
		{"Microsoft Edge", chromeWindows, `"Microsoft Edge";v="150", ` + chromium, "Edge", "150"},
		{"YaSearchBrowser and its parts", chromePhone, `"YaSearchBrowser";v="24", "Yowser";v="2.5", "BroPP";v="1.0", ` + chromium, "Yandex Browser", "24"},
		{"in another spelling", chromeWindows, `"coc-coc";v="150", ` + chromium, "Coc Coc", "150"},
	} {
		got := browser.Parse(c.userAgent, hit.Hints{Brands: c.brands})
		if got.Browser != c.browser || got.Version != c.version || got.Bot != "" {
			t.Errorf("%s: %+v, want %s %s", c.name, got, c.browser, c.version)
		}
	}
}
