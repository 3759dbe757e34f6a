package browser

import (
	"regexp"
	"strings"
	"time"
)

// The User-Agents of Matomo's trackers for apps. What follows the tracker is the name of
// the app, which may hold any word. Those for Apple's systems name the device and the
// system, the one for Android that is written with React Native the version and the
// model:
//
//	Darwin/24.6.0 (iPhone17,1; iOS 18.6) MatomoTrackerSDK/7.8 Name/3.2
//	Name/3.2 iPhone14,2 iOS/16.1 MatomoTrackerIOSSDK/7.5 Darwin/22.1.0
//	Android/15 (Pixel 9; Google), MatomoTrackerSDK/4.2 Name/3.2
//
// See https://github.com/matomo-org/matomo-sdk-ios.
var (
	appleApp   = regexp.MustCompile(`^Darwin/\S+ \(([^;()]*); ?(Mac OS X|[A-Za-z]+)[^)]*\),? MatomoTracker(?:IOS)?SDK/`)
	olderApp   = regexp.MustCompile(` (\S+) ([A-Za-z]+)/\S+ MatomoTrackerIOSSDK/\S+ Darwin/`)
	androidApp = regexp.MustCompile(`^Android/(\S+) \(([^()]*(?:\([^()]*\)[^()]*)*); ?[^;()]*\),? MatomoTrackerSDK/`)
)

// The User-Agents of the tracker for apps made with Flutter, one for each system:
//
//	Android 15 (SDK 35), Google Pixel 9
//	iOS 18.6, iPhone
//	MacBookPro18,3, Darwin Kernel Version 24.0.0: …, Version 15.0.1 (Build 24A348)
//	Windows 2009.19045
//	Ubuntu 22.04.4 LTS
//
// On Linux it sends the PRETTY_NAME of os-release(5). Before version 4 it sent the name that
// the owner gave the machine, too, of which nothing is kept:
//
//	iOS 17.0, iPhone iPhone
//	iOS 13.1, iPhone 11 Pro Max iPhone
//	Windows DESKTOP-ABC123
//	Karis MacBook Pro, MacBookPro16,1, Darwin Kernel Version 22.6.0: …
//
// See https://github.com/Floating-Dartists/matomo-tracker.
var (
	flutterAndroid = regexp.MustCompile(`^Android (\S+) \(SDK \d+\), (\S+) ([^()]*(?:\([^()]*\)[^()]*)*)$`)
	flutterIOS     = regexp.MustCompile(`^(?:iOS|iPadOS|iPhone OS) [\d.]+, (?:.* )?(iPhone|iPad|iPod touch)$`)
	flutterDesktop = []struct {
		userAgent *regexp.Regexp
		os        string
	}{
		{regexp.MustCompile(`^(?:.*, )?\w*Mac\w*,\d+, Darwin Kernel Version \d`), "macOS"},
		{regexp.MustCompile(`^Windows (?:\w*\.\d+|\d*[A-Z-][A-Z0-9-]{2,14})$`), "Windows"}, // a name of NetBIOS
		{regexp.MustCompile(`^(?:Ubuntu|Ubuntu Core|Kubuntu|Debian GNU/Linux|Raspbian GNU/Linux|Kali GNU/Linux|Devuan GNU/Linux|Linux Mint|LMDE|` +
			`Fedora|Fedora Linux|CentOS|CentOS Linux|CentOS Stream|Red Hat Enterprise Linux|Rocky Linux|AlmaLinux|Oracle Linux Server|Amazon Linux|` +
			`openSUSE|SUSE Linux Enterprise Desktop|Arch Linux|Arch Linux ARM|EndeavourOS|Manjaro|Manjaro Linux|Manjaro ARM|Garuda Linux|CachyOS|Gentoo|Gentoo Linux|` +
			`NixOS|Zorin OS|elementary OS|Pop!_OS|KDE neon|Void|Void Linux|Alpine Linux|Solus|MX|Slackware|Mageia|deepin|Deepin|UOS|Nobara Linux|Bazzite|SteamOS|Freedesktop SDK|Freedesktop.org SDK)` +
			`(?: (?:\d[\w.+-]*|LTS|Leap|Tumbleweed|Stream|[Rr]olling|Horus|Circe|[a-z]+/sid))*(?: \([\w .()+-]+\))?$`), "Linux"},
	}
)

// appleSystems are the families of Apple's systems by the names that they give themselves,
// in lower case.
var appleSystems = map[string]struct{ os, device string }{
	"ios": {"iOS", deviceMobile}, "ipados": {"iOS", deviceTablet}, "macos": {"macOS", deviceDesktop}, "mac os x": {"macOS", deviceDesktop}, "osx": {"macOS", deviceDesktop},
	"tvos": {"tvOS", deviceOther}, "watchos": {"watchOS", deviceOther}, "visionos": {"visionOS", deviceOther}, "xros": {"visionOS", deviceOther},
}

// players matches media players that play streams for people, as they appear in logs of
// streaming servers: "NSPlayer/10.0.0.3702 WMFSDK/10.0", and Flash as "WIN 10,0,32,18".
var players = regexp.MustCompile(`^(?:(?:NSPlayer|Windows-Media-Player|WMPlayer|Winamp|WinampMPEG|VLC|iTunes|QuickTime|foobar2000)/\d|(?:LNX|MAC|WIN) \d+(?:,\d+){3}$)`)

// app returns the client on which a player or a tracker for apps runs, and false if the
// User-Agent is of neither. Its Browser is Other, since an app is not a browser of our table.
func app(raw string, now time.Time) (Client, bool) {
	if !strings.HasPrefix(raw, "Mozilla/") && players.MatchString(raw) {
		ua := lower(raw)
		words := look(ua)
		return Client{Browser: Other, OS: words.system, Device: device(ua, words.system, words, "")}, true
	}
	if client, ok := flutter(raw, now); ok {
		return client, true
	}
	at := strings.Index(raw, "MatomoTracker")
	if at < 0 || !strings.Contains(raw[at:], "SDK/") { // nearly all User-Agents
		return Client{}, false
	}
	if parts := androidApp.FindStringSubmatch(raw); parts != nil {
		return onAndroidModel(parts[1], parts[2], now), true
	}
	parts := appleApp.FindStringSubmatch(raw)
	if parts == nil {
		parts = olderApp.FindStringSubmatch(raw)
	}
	if parts == nil {
		return Client{}, false
	}
	system, known := appleSystems[strings.ToLower(parts[2])]
	if !known {
		return Client{}, false
	}
	client := Client{Browser: Other, OS: system.os, Device: system.device}
	switch model := strings.ToLower(parts[1]); { // an app for phones or tablets also runs on other devices
	case client.OS != "iOS":
	case strings.HasPrefix(model, "ipad"):
		client.Device = deviceTablet
	case strings.HasPrefix(model, "mac"), strings.HasPrefix(model, "imac"):
		client.OS, client.Device = "macOS", deviceDesktop
	}
	return client, true
}

// flutter returns the client on which the tracker for apps made with Flutter runs, and false
// if the User-Agent is of another program.
func flutter(raw string, now time.Time) (Client, bool) {
	if strings.HasPrefix(raw, "Mozilla/") { // nearly all User-Agents
		return Client{}, false
	}
	if parts := flutterAndroid.FindStringSubmatch(raw); parts != nil {
		return onAndroidModel(parts[1], parts[2]+"; "+parts[3], now), true
	}
	if parts := flutterIOS.FindStringSubmatch(raw); parts != nil {
		client := Client{Browser: Other, OS: "iOS", Device: deviceMobile}
		if parts[1] == "iPad" {
			client.Device = deviceTablet
		}
		return client, true
	}
	for _, row := range flutterDesktop {
		if row.userAgent.MatchString(raw) {
			return Client{Browser: Other, OS: row.os, Device: deviceDesktop}, true
		}
	}
	return Client{}, false
}

// onAndroidModel returns the client of an app on an Android device. The class of device is
// that of a User-Agent in which Android names this version and model.
func onAndroidModel(version, model string, now time.Time) Client {
	client := parse(request{userAgent: "Dalvik/2.1.0 (Linux; U; Android " + version + "; " + model + " Build/SDK)"}, now)
	return Client{Browser: Other, OS: android, Device: client.Device}
}

// Relays reports whether a program is of a kind that relays the hits of others, as servers
// and importers of logs do: an HTTP library, a program that is in no list, or one that sends
// no User-Agent.
func (c Client) Relays() bool {
	switch c.Rule {
	case RuleLibrary, RuleMalformed, RuleOther:
		return true
	}
	return false
}
