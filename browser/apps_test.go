package browser_test

import (
	"strings"
	"testing"

	"github.com/fotspor/fotspor/browser"
	"github.com/fotspor/fotspor/hit"
)

// TestApps: hits of Matomo's trackers for apps are those of people on the device that they
// name, for any name of the app.
func TestApps(t *testing.T) {
	for _, c := range []struct{ name, ua, os, device string }{
		{"phone", "Darwin/24.6.0 (iPhone17,1; iOS 18.6) MatomoTrackerSDK/7.8 Name/3.2", "iOS", "mobile"},
		{"music player", "Darwin/19.6.0 (iPod9,1; iOS 13.6) MatomoTrackerSDK/7.4 Name/3.2", "iOS", "mobile"},
		{"tablet", "Darwin/24.6.0 (iPad14,3; iPadOS 18.6) MatomoTrackerSDK/7.8 Name/3.2", "iOS", "tablet"},
		{"tablet that says iOS", "Darwin/24.6.0 (iPad14,3; iOS 18.6) MatomoTrackerSDK/7.8 Name/3.2", "iOS", "tablet"},
		{"television", "Darwin/24.6.0 (AppleTV14,1; tvOS 18.6) MatomoTrackerSDK/7.8 Name/3.2", "tvOS", "other"},
		{"watch", "Darwin/24.5.0 (Watch7,11; watchOS 11.4) MatomoTrackerSDK/7.7.0 Name/3.2", "watchOS", "other"},
		{"glasses", "Darwin/24.5.0 (RealityDevice14,1; visionOS 2.4) MatomoTrackerSDK/7.7.0 Name/3.2", "visionOS", "other"},
		{"computer", "Darwin/24.6.0 (Mac15,3; macOS 15.6) MatomoTrackerSDK/7.8 Name/3.2", "macOS", "desktop"},
		{"computer that runs an app for phones", "Darwin/24.6.0 (MacBookPro18,3; iOS 18.6) MatomoTrackerSDK/7.8 Name/3.2", "macOS", "desktop"},
		{"simulator", "Darwin/24.6.0 (arm64; iOS 18.6) MatomoTrackerSDK/7.8 Name/3.2", "iOS", "mobile"},
		{"version unknown", "Darwin/Unknown-Version (iPhone17,1; iOS 18.6) MatomoTrackerSDK/7.8 Unknown-App/Unknown-Version", "iOS", "mobile"},
		{"app without a name", "Darwin/24.6.0 (iPhone17,1; iOS 18.6) MatomoTrackerSDK/7.8", "iOS", "mobile"},
		{"app called like a bot", "Darwin/24.6.0 (iPhone17,1; iOS 18.6) MatomoTrackerSDK/7.8 Podcast Bot Monitor/3.2", "iOS", "mobile"},
		{"app called like an address", "Darwin/24.6.0 (iPhone17,1; iOS 18.6) MatomoTrackerSDK/7.8 https://example.com/3.2", "iOS", "mobile"},
		{"app in letters beyond ASCII", "Darwin/24.6.0 (iPhone17,1; iOS 18.6) MatomoTrackerSDK/7.8 Vær og føre/3.2", "iOS", "mobile"},
		{"React Native on Apple's", "Darwin/24.6.0 (iPhone17,1; iOS 18.6), MatomoTrackerSDK/7.8Name/3.2", "iOS", "mobile"},
		{"older, phone", "Name/3.2 iPhone14,2 iOS/16.1 MatomoTrackerIOSSDK/7.5 Darwin/22.1.0", "iOS", "mobile"},
		{"older, tablet", "My Name/3.2 iPad13,4 iPadOS/16.1 MatomoTrackerIOSSDK/7.5.1 Darwin/22.1.0", "iOS", "tablet"},
		{"older, television", "Name/3.2 AppleTV11,1 tvOS/16.1 MatomoTrackerIOSSDK/7.5 Darwin/22.1.0", "tvOS", "other"},
		{"older, computer", "Name/3.2 MacBookPro18,3 macOS/13.0 MatomoTrackerIOSSDK/7.5 Darwin/22.1.0", "macOS", "desktop"},
		{"older, called like a bot", "Nyhetsbot Crawler/3.2 iPhone14,2 iOS/16.1 MatomoTrackerIOSSDK/Unknown-Version Darwin/22.1.0", "iOS", "mobile"},
		{"React Native on Android", "Android/15 (Pixel 9; Google), MatomoTrackerSDK/4.2", "Android", "mobile"},
		{"React Native on Android, with the app", "Android/14 (SM-S921B; samsung), MatomoTrackerSDK/4.2 Min app/1.0", "Android", "mobile"},
		{"React Native on a tablet", "Android/14 (SM-X700; samsung), MatomoTrackerSDK/4.2 Min app/1.0", "Android", "tablet"},
		{"model with brackets", "Android/12 (moto g(60); motorola), MatomoTrackerSDK/4.2", "Android", "mobile"},
		{"the older tracker's name, written as today", "Darwin/24.6.0 (iPhone17,1; iOS 18.6) MatomoTrackerIOSSDK/7.8", "iOS", "mobile"},
		{"Mac by its older name", "Darwin/24.6.0 (Macmini9,1; Mac OS X 15.6) MatomoTrackerSDK/7.8", "macOS", "desktop"},
		{"Flutter, iPhone", "iOS 18.6, iPhone", "iOS", "mobile"},
		{"Flutter, iPad", "iPadOS 18.6, iPad", "iOS", "tablet"},
		{"Flutter, iPad that says iOS", "iOS 18.6, iPad", "iOS", "tablet"},
		{"Flutter, iPod", "iOS 12.5.7, iPod touch", "iOS", "mobile"},
		{"Flutter, Android", "Android 15 (SDK 35), Google Pixel 9", "Android", "mobile"},
		{"Flutter, Android's tablet", "Android 14 (SDK 34), samsung SM-X700", "Android", "tablet"},
		{"Flutter, Android's television", "Android 9 (SDK 28), Amazon AFTMM", "Android", "other"},
		{"Flutter, a model with brackets", "Android 12 (SDK 31), motorola moto g(60)", "Android", "mobile"},
		{"Flutter, a model called like a bot", "Android 12 (SDK 31), XWIRELESS LLC M BOT 551", "Android", "mobile"},
		{"Flutter, Windows", "Windows 2009.19045", "Windows", "desktop"},
		{"Flutter, Windows 11", "Windows 25H2.26200", "Windows", "desktop"},
		{"Flutter, Mac", "MacBookPro18,3, Darwin Kernel Version 24.0.0, Version 15.0.1", "macOS", "desktop"},
		{"Flutter, Mac with its build", "Mac14,2, Darwin Kernel Version 24.0.0: Tue Sep 24 23:37:13 PDT 2024; root:xnu-11215.1.12~1/RELEASE_ARM64_T8112, Version 15.0.1 (Build 24A348)", "macOS", "desktop"},
		{"Flutter, Ubuntu 22.04.4 LTS", "Ubuntu 22.04.4 LTS", "Linux", "desktop"},
		{"Flutter, Debian GNU/Linux 12 (bookworm)", "Debian GNU/Linux 12 (bookworm)", "Linux", "desktop"},
		{"Flutter, Fedora Linux 41 (Workstation Edition)", "Fedora Linux 41 (Workstation Edition)", "Linux", "desktop"},
		{"Flutter, Arch Linux", "Arch Linux", "Linux", "desktop"},
		{"Flutter, Linux Mint 21.2", "Linux Mint 21.2", "Linux", "desktop"},
		{"Flutter, openSUSE Leap 15.5", "openSUSE Leap 15.5", "Linux", "desktop"},
		{"Flutter, Pop!_OS 22.04 LTS", "Pop!_OS 22.04 LTS", "Linux", "desktop"},
		{"Flutter, NixOS 23.11 (Tapir)", "NixOS 23.11 (Tapir)", "Linux", "desktop"},
		{"Flutter, Raspbian GNU/Linux 11 (bullseye)", "Raspbian GNU/Linux 11 (bullseye)", "Linux", "desktop"},
		{"older Flutter, iPhone", "iOS 17.0, iPhone iPhone", "iOS", "mobile"},
		{"older Flutter, a model", "iOS 13.1, iPhone 11 Pro Max iPhone", "iOS", "mobile"},
		{"older Flutter, an owner's name", "iOS 16.1, Karis bot iPad", "iOS", "tablet"},
		{"older Flutter, Windows", "Windows DESKTOP-ABC123", "Windows", "desktop"},
		{"older Flutter, a name on Windows", "Windows KARI-PC", "Windows", "desktop"},
		{"older Flutter, Mac", "Karis MacBook Pro, MacBookPro16,1, Darwin Kernel Version 22.6.0: Wed Jul  5 22:21:56 PDT 2023; root:xnu-8796.141.3~6/RELEASE_X86_64, Version 13.5 (Build 22G74)", "macOS", "desktop"},
		{"older Flutter, a Mac of a name with a comma", "Kari, Ola & bot, Macmini9,1, Darwin Kernel Version 22.6.0", "macOS", "desktop"},
		{"player of streams", "NSPlayer/10.0.0.3702 WMFSDK/10.0", "Other", "other"},
		{"player of music", "iTunes/12.13 (Windows; Microsoft Windows 10 x64; x64) AppleWebKit/7613", "Windows", "desktop"},
		{"player of music on a Mac", "iTunes/12.13 (Macintosh; OS X 10.14.6)", "macOS", "desktop"},
		{"player of films", "VLC/3.0.20 LibVLC/3.0.20", "Other", "other"},
		{"Flash", "LNX 10,0,32,18", "Other", "other"},
		{"Android's own", "Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UQ1A.240105.004)", "Android", "mobile"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := browser.Client{Browser: "Other", OS: c.os, Device: c.device}
			if got := browser.Parse(c.ua, hit.Hints{}); got != want {
				t.Errorf("%s is %+v, want %+v", c.ua, got, want)
			}
		})
	}
	for _, ua := range []string{
		"MatomoTrackerSDK/7.8", "Darwin/24.6.0 MatomoTrackerSDK/7.8", "Name/1 MatomoTrackerIOSSDK/7.5",
		"Googlebot/2.1 (compatible; MatomoTrackerSDK/7.8)", "Darwin/24.6.0 (server; Linux 6) MatomoTrackerSDK/7.8 Name/1",
		"Ubuntu APT-HTTP/1.3 (2.0.2)", "Debian APT-HTTP/1.3", "Windows", "Windows RSS Platform/2.0", "Ubuntu bot", "iOS/18.6 (22G86)", "Android", "Linux",
		"MyApp/1 CFNetwork/1410 Darwin/22.6.0",
	} {
		if got := browser.Parse(ua, hit.Hints{}); got.Bot == "" {
			t.Errorf("%s is %+v, want a program", ua, got)
		}
	}
	if got := browser.Parse(strings.Repeat("Darwin/1 (", 100)+"MatomoTrackerSDK/7.8", hit.Hints{}); got.Bot == "" {
		t.Errorf("brackets without an end are %+v", got)
	}
}
