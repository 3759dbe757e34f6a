package browser

import (
	"strings"

	"github.com/fotspor/fotspor/hit"
)

// hinted is what the Client Hints of a request say. Each field is zero where they
// say nothing.
type hinted struct {
	product  product
	os       string
	mobile   string // "?1" or "?0"
	headless bool
}

// otherChromium is a brand without a name here: brands are the client's to choose.
const otherChromium = "Other Chromium"

// brands maps the brands of browsers to products. A brand of "" says nothing that
// another does not.
var brands = map[string]string{
	"Chromium": "", "Android WebView": "",
	"Google Chrome":  chrome,
	"Microsoft Edge": "Edge", "Microsoft Edge WebView2": "Edge",
	"Opera": "Opera", "OperaMobile": "Opera", "Opera GX": "Opera", "Opera Air": "Opera",
	"Brave": "Brave", "Brave Browser": "Brave",
	"Vivaldi":          "Vivaldi",
	"YaBrowser":        "Yandex Browser",
	"Samsung Internet": "Samsung Internet",
	"DuckDuckGo":       "DuckDuckGo",
	"Ecosia":           "Ecosia",
	"Whale":            "Whale",
	"CocCoc":           "Coc Coc", "Coc Coc": "Coc Coc",
	"HuaweiBrowser": "Huawei Browser",
	"Miui Browser":  "Miui Browser", "XiaoMiBrowser": "Miui Browser",
	"HeyTapBrowser":        "HeyTap Browser",
	"Avast Secure Browser": "Avast Secure Browser", "AVG Secure Browser": "AVG Secure Browser",
	"Norton Private Browser": "Norton Private Browser", "CCleaner Browser": "CCleaner Browser",
	"Oculus Browser": "Meta Quest Browser",
}

// platforms maps Sec-CH-UA-Platform to the families of system.
var platforms = map[string]string{
	"Android": android, "Chrome OS": "Chrome OS", "Chromium OS": "Chrome OS", "iOS": "iOS",
	"Linux": "Linux", "macOS": "macOS", "Windows": "Windows",
}

// parseHints reads the three hints of https://wicg.github.io/ua-client-hints/.
// They come in structured fields (RFC 9651), read here with more tolerance than
// its grammar has, for a malformed hint is no reason to know less.
func parseHints(h hit.Hints) hinted {
	found := hinted{os: platforms[strings.Trim(h.Platform, `" `)]}
	if h.Mobile == "?0" || h.Mobile == "?1" {
		found.mobile = h.Mobile
	}
	rest := h.Brands
	for {
		brand, version, after, ok := nextBrand(rest)
		if !ok {
			return found
		}
		rest = after
		if brand == headlessChrome {
			found.headless = true
			continue
		}
		name, known := brands[brand]
		switch {
		case isGrease(brand), known && name == "":
			continue
		case !known:
			name = otherChromium
		}
		// Any browser may list Chrome, or a brand more, beside its own.
		if weight(name) > weight(found.product.name) {
			found.product = product{name, version}
		}
	}
}

// weight orders the products of one list by how much they say.
func weight(name string) int {
	switch name {
	case "":
		return 0
	case chrome:
		return 1
	case otherChromium:
		return 2
	}
	return 3
}

// nextBrand reads the first quoted brand of list and its quoted version. The
// brands that are there to keep parsers honest hold any punctuation, quotes too.
func nextBrand(list string) (brand, version, rest string, ok bool) {
	brand, rest, ok = quoted(list)
	if !ok {
		return "", "", "", false
	}
	parameter := strings.TrimLeft(rest, " ;")
	if strings.HasPrefix(parameter, "v=") {
		if version, after, ok := quoted(parameter); ok {
			return brand, major(version), after, true
		}
	}
	return brand, "", rest, true
}

// quoted returns the first quoted string of s and what follows it.
func quoted(s string) (text, rest string, ok bool) {
	start := strings.IndexByte(s, '"') + 1
	if start == 0 {
		return "", "", false
	}
	for end := start; end < len(s); end++ {
		switch s[end] {
		case '\\':
			end++
		case '"':
			return s[start:end], s[end+1:], true
		}
	}
	return "", "", false
}

// isGrease reports whether brand is one of those that mean nothing: its letters
// spell "Not A Brand".
func isGrease(brand string) bool {
	const want = "notabrand"
	n := 0
	for i := range len(brand) {
		c := brand[i] | 0x20
		if c < 'a' || c > 'z' {
			continue
		}
		if n == len(want) || c != want[n] {
			return false
		}
		n++
	}
	return n == len(want)
}
