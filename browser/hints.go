package browser

import (
	"strings"

	"github.com/fotspor/fotspor/hit"
)

// hinted is what the Client Hints of a request say. A field is zero if they do not say it.
type hinted struct {
	product  product
	os       string
	mobile   string // "?1" or "?0"
	headless bool
}

// otherChromium stands for a brand that is not in our table: a client may send any brand and
// version. Its version is that of Chromium.
const otherChromium = "Other Chromium"

// brands maps the brands of browsers, folded, to products. A brand that maps to "" is
// ignored, because another one says the same or more.
var brands = map[string]string{
	"chromium": "", "androidwebview": "", "yowser": "", "bropp": "",
	"googlechrome":  chrome,
	"microsoftedge": "Edge", "microsoftedgewebview2": "Edge", "microsoftedgesimulate": "Edge", "edge": "Edge",
	"opera": "Opera", "operamobile": "Opera", "operaandroid": "Opera", "operagx": "Opera", "operagxandroid": "Opera",
	"operaair": "Opera", "operacrypto": "Opera", "operatouch": "Opera",
	"operamini": "Opera Mini", "operaminiandroid": "Opera Mini",
	"brave": "Brave", "bravebrowser": "Brave",
	"vivaldi":   "Vivaldi",
	"yabrowser": "Yandex Browser", "yasearchbrowser": "Yandex Browser", "yasearchapp": "Yandex Browser", "yandex": "Yandex Browser",
	"yandexbrowser":   "Yandex Browser",
	"samsunginternet": "Samsung Internet", "samsungbrowser": "Samsung Internet",
	"duckduckgo": "DuckDuckGo",
	"ecosia":     "Ecosia",
	"whale":      "Whale", "naverwhale": "Whale",
	"coccoc":        "Coc Coc",
	"huaweibrowser": "Huawei Browser",
	"honorbrowser":  "Honor Browser",
	"miuibrowser":   "Miui Browser", "xiaomibrowser": "Miui Browser", "mibrowser": "Miui Browser",
	"heytapbrowser": "HeyTap Browser",
	"vivobrowser":   "vivo Browser",
	"silk":          "Amazon Silk", "amazonsilk": "Amazon Silk",
	"alohabrowser": "Aloha Browser", "aloha": "Aloha Browser",
	"puffin":             "Puffin",
	"maxthon":            "Maxthon",
	"ucbrowser":          "UC Browser",
	"avastsecurebrowser": "Avast Secure Browser", "avgsecurebrowser": "AVG Secure Browser",
	"avirasecurebrowser": "Avira Secure Browser", "avira": "Avira Secure Browser",
	"nortonprivatebrowser": "Norton Private Browser", "nortonsecurebrowser": "Norton Private Browser",
	"ccleanerbrowser": "CCleaner Browser",
	"sznprohlizec":    "Seznam",
	"oculusbrowser":   "Meta Quest Browser", "metaquestbrowser": "Meta Quest Browser",
}

// platforms maps Sec-CH-UA-Platform to families of operating systems.
var platforms = map[string]string{
	"Android": android, "Chrome OS": "Chrome OS", "Chromium OS": "Chrome OS", "iOS": "iOS",
	"Linux": "Linux", "macOS": "macOS", "Windows": "Windows",
}

// parseHints reads the three hints of https://wicg.github.io/ua-client-hints/. They are
// structured fields (RFC 9651). parseHints is more tolerant than their grammar, so that a
// malformed hint still counts.
func parseHints(h hit.Hints) hinted {
	found := hinted{os: platforms[strings.Trim(h.Platform, `" `)]}
	if h.Mobile == "?0" || h.Mobile == "?1" {
		found.mobile = h.Mobile
	}
	rest, chromium := h.Brands, ""
	for {
		brand, version, after, ok := nextBrand(rest)
		if !ok {
			if found.product.name == otherChromium {
				found.product.version = chromium
			}
			return found
		}
		rest = after
		if brand == headlessChrome {
			found.headless = true
			continue
		}
		folded := fold(brand)
		if folded == "chromium" {
			chromium = version
		}
		name, known := brands[folded]
		switch {
		case folded == grease, known && name == "":
			continue
		case !known:
			name = otherChromium
		}
		// Any browser may list Chrome or another brand beside its own.
		if weight(name) > weight(found.product.name) {
			found.product = product{name: name, version: version}
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

// nextBrand reads the first quoted brand of list and its quoted version. Brands that exist
// only to keep parsers tolerant (GREASE) hold any punctuation, including quotes.
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

// grease is the folded form of the brands that mean nothing.
const grease = "notabrand"

// fold returns brand in lower case with letters and digits only: some browsers change the
// spaces in their brand between versions.
func fold(brand string) string {
	kept := make([]byte, 0, 32)
	for i := range len(brand) {
		c := brand[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if isAlphanumeric(c) {
			kept = append(kept, c)
		}
	}
	return string(kept)
}
