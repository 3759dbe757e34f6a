package browser

import "strings"

// The classes of device.
const (
	deviceDesktop = "desktop"
	deviceMobile  = "mobile"
	deviceTablet  = "tablet"
	deviceOther   = "other" // television, console, watch, or a bot
)

// systems tells operating systems by a word of the User-Agent in lower case. The
// first row wins: those that claim to be another stand above it.
var systems = []struct{ word, name string }{
	{"windows phone", "Windows Phone"}, {"windows ce", "Windows Phone"},
	{"tizen", "Tizen"},
	{"kaios", "KaiOS"},
	{"(mobile; rv:", "KaiOS"}, // and Firefox OS, which it grew from
	{"harmonyos", "HarmonyOS"}, {"openharmony", "HarmonyOS"},
	{"iphone", "iOS"}, {"ipad", "iOS"}, {"ipod", "iOS"}, {"(ios;", "iOS"},
	{"crios/", "iOS"}, {"fxios/", "iOS"}, {"edgios/", "iOS"}, // say Macintosh on an iPad
	{"android", android}, {"silk-accelerated", android}, {"linux; u; adr ", android},
	{"xbox", "Xbox"}, // says Windows
	{"windows", "Windows"}, {"win32", "Windows"}, {"win64", "Windows"}, {"win98", "Windows"},
	{" cros ", "Chrome OS"},
	{"web0s", "webOS"}, {"webos", "webOS"}, {"hpwos", "webOS"},
	{"macintosh", "macOS"}, {"mac os x", "macOS"}, {"mac_powerpc", "macOS"},
	{"playstation", "PlayStation"}, {"nintendo", "Nintendo"},
	{"blackberry", "BlackBerry"}, {"bb10", "BlackBerry"}, {"playbook", "BlackBerry"},
	{"symbian", "Symbian"}, {"symbos", "Symbian"}, {"series60", "Symbian"}, {"series 60", "Symbian"},
	{"sunos", "Solaris"}, {"bsd", "BSD"},
	{"linux", "Linux"}, {"x11", "Linux"}, {"ubuntu", "Linux"},
}

// televisions are the words of screens one does not hold or sit at.
var televisions = []string{
	"smarttv", "smart-tv", "smart tv", "googletv", "google tv", "android tv", "androidtv", "apple tv", "appletv",
	"hbbtv", "crkey", "bravia", "netcast", "roku", "viera", "web0s", "mitv", "mibox", "tv box", "tvbox",
	"; aft", "apple watch", "watchos", "oculusbrowser",
}

// system returns the family of the operating system; ua is in lower case.
func system(ua string) string {
	for _, s := range systems {
		if strings.Contains(ua, s.word) {
			return s.name
		}
	}
	return Other
}

// device returns the class of device; ua is in lower case, and mobile is the hint
// of that name, "" if there is none.
func device(ua, os, mobile string) string {
	if containsAny(ua, televisions) {
		return deviceOther
	}
	switch os {
	case "iOS":
		if strings.Contains(ua, "ipad") || strings.Contains(ua, "macintosh") {
			return deviceTablet
		}
		return deviceMobile
	case android, "HarmonyOS", "Tizen":
		switch {
		case mobile == "?0", mobile == "" && !strings.Contains(ua, "mobi"):
			return deviceTablet
		}
		return deviceMobile
	case "Windows", "macOS", "Linux", "Chrome OS":
		if mobile == "?1" {
			return deviceMobile
		}
		return deviceDesktop
	case "Windows Phone", "KaiOS", "BlackBerry", "Symbian":
		return deviceMobile
	}
	if strings.Contains(ua, "mobi") || strings.Contains(ua, "midp") {
		return deviceMobile
	}
	return deviceOther
}

func containsAny(s string, words []string) bool {
	for _, word := range words {
		if strings.Contains(s, word) {
			return true
		}
	}
	return false
}
