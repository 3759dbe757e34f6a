package hostname

import "strings"

// proxies are what hosts end in that serve copies of pages: Google Translate, and the
// caches of AMP (https://amp.dev/documentation/guides-and-tutorials/learn/amp-caches-and-cors/amp-cache-urls/).
// One label stands before it for the host of the page.
var proxies = []struct {
	suffix string
	amp    bool
}{
	{".translate.goog", false},
	{".cdn.ampproject.org", true},
	{".bing-amp.com", true},
}

// Copied returns the Canonical host whose pages a page proxy serves under a Canonical
// host, such as www.example.org for www-example-org.translate.goog. ok reports whether
// the host is that of a page proxy; original is "" where it can't be read off it.
func Copied(host string) (original string, ok bool) {
	for _, proxy := range proxies {
		label, found := strings.CutSuffix(host, proxy.suffix)
		if !found {
			continue
		}
		if strings.Contains(label, ".") {
			return "", true
		}
		return originalOf(label), true
	}
	return "", false
}

// originalOf returns the host that a label stands for: it was decoded, its hyphens
// doubled and its full stops made hyphens. One that might be taken for an encoded label
// then stands between 0- and -0.
func originalOf(label string) string {
	label = Unicode(label)
	if inner, ok := strings.CutPrefix(label, "0-"); ok {
		if inner, ok = strings.CutSuffix(inner, "-0"); ok {
			label = inner
		}
	}
	return Canonical(fromLabel.Replace(label))
}

var fromLabel = strings.NewReplacer("--", "-", "-", ".")

// IsAMPCache reports whether a Canonical host is that of a cache of AMP, where the path
// of a page stands behind its host: /c/s/www.example.org/path.
func IsAMPCache(host string) bool {
	for _, proxy := range proxies {
		if proxy.amp && strings.HasSuffix(host, proxy.suffix) {
			return true
		}
	}
	return false
}
