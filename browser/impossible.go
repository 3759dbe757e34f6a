package browser

import (
	"strconv"
	"strings"
)

// debris are parts of User-Agents that are sent by mistake, or to attack a server.
var debris = []string{"user-agent:", "${", "{{", "%s", "<script", "<?", "../", "select ", "' or", "mutant", "geckoversion"}

// impossible reports whether a User-Agent in lower case that looks like that of a browser is
// one that no browser sends. The rules are few and narrow: excluding a person is worse than
// counting a program.
func impossible(ua string) bool {
	return strings.Contains(ua, "windows nt 11") || // Windows 11 says 10.0
		impossibleChrome(ua) || impossibleChromeOnIOS(ua) || impossibleFirefox(ua)
}

// impossibleChrome reports whether a User-Agent that names only Chrome is impossible. It
// returns false for iPhones although none of these is possible, since Chrome calls itself
// CriOS there: 2.6 % of the people's traffic in the tests has such User-Agents.
func impossibleChrome(ua string) bool {
	system, rest, ok := strings.Cut(ua, " (khtml, like gecko) chrome/")
	version, rest, _ := strings.Cut(rest, " ")
	rest = strings.TrimPrefix(rest, "mobile ")
	if !ok || !strings.HasPrefix(rest, "safari/") || strings.Contains(rest, " ") {
		return false
	}
	parts := strings.Split(version, ".")
	number, err := strconv.Atoi(parts[0])
	if err != nil {
		return false
	}
	switch {
	case isDesktop(system) && strings.Contains(system, "applewebkit/6"):
		return true // the engine of Safari
	case number < 40 && containsAny(system, young):
		return true
	}
	// No build of Chrome had a thousand patches.
	return len(parts) == 4 && len(parts[3]) > 3 && number >= 20 && strings.Contains(system, "android")
}

// young are systems that came out after Chrome 40 and Firefox 30, of 2014.
var young = []string{
	"windows nt 10.0", "android 8", "android 9", "android 1",
	"mac os x 10_14", "mac os x 10_15", "mac os x 10.14", "mac os x 10.15", "mac os x 11", "mac os x 12", "mac os x 13",
	"mac os x 14", "mac os x 15",
}

// newestOnIOS is the newest Chrome on iOS that is known to send its whole version. Later
// ones are not judged: they may send zeros, as Chrome does on other systems.
const newestOnIOS = 153

// impossibleChromeOnIOS reports whether the version of Chrome on iOS ends in zeros, as it
// does only on other systems.
func impossibleChromeOnIOS(ua string) bool {
	_, rest, _ := strings.Cut(ua, " crios/")
	version, _, _ := strings.Cut(rest, " ")
	version, reduced := strings.CutSuffix(version, ".0.0.0")
	number, err := strconv.Atoi(version)
	return reduced && err == nil && number <= newestOnIOS
}

// impossibleFirefox reports whether a version of Firefox is older than the system, or differs
// from the version of its engine. These two are equal, except that Firefox 110 to 119 sent
// 109 for the engine.
func impossibleFirefox(ua string) bool {
	system, rest, _ := strings.Cut(ua, "rv:")
	engine, version, ok := strings.Cut(rest, ") gecko/20100101 firefox/")
	if !ok || strings.Contains(version, " ") {
		return false
	}
	engine, version = major(engine), major(version)
	number, err := strconv.Atoi(version)
	if err != nil {
		return false
	}
	return number < 30 && containsAny(system, young) || number >= 10 && engine != version && engine != "109"
}
