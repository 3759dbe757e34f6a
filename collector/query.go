package collector

import (
	"net/url"
	"slices"
	"strings"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/privacy/scrub"
	"github.com/fotspor/fotspor/referrer"
)

// maxParameters bounds the parameters of a query that are looked at.
const maxParameters = 100

// cleanQuery returns of a query the parameters that are allowed and those that name a
// campaign, without personal data in their values.
func (p *hitContext) cleanQuery(raw string, allowed []string) string {
	if raw == "" {
		return ""
	}
	var kept strings.Builder
	left := maxParameters
	for pair := range strings.SplitSeq(raw, "&") {
		if left--; left < 0 {
			break
		}
		name, value, hasValue := strings.Cut(pair, "=")
		name = parameterName(name)
		campaign := referrer.CampaignParameter(name)
		if !campaign && !slices.ContainsFunc(allowed, func(of string) bool { return isParameter(name, of) }) {
			continue
		}
		if !campaign && !slices.Contains(allowed, name) && p.cleanText(name) != name { // a key that is somebody's
			continue
		}
		value = p.cleanText(dialect.Unescape(value))
		limit := maxPath
		if campaign {
			limit = characters(value, maxCampaign)
		}
		if kept.Len() > 0 {
			kept.WriteByte('&')
		}
		kept.WriteString(url.QueryEscape(name))
		if hasValue {
			kept.WriteByte('=')
			kept.WriteString(url.QueryEscape(scrub.Cut(value, limit)))
		}
	}
	return kept.String()
}

// parameterName returns the name of a parameter as a site writes it.
func parameterName(escaped string) string { return cleanText(dialect.Unescape(escaped)) }

// isParameter reports whether name is the parameter that a site allows: that very name,
// or an item of the list of that name: f[], f[0], f[x] or f[x][y] of f or f[].
func isParameter(name, allowed string) bool {
	if name == allowed {
		return true
	}
	list, ok := strings.CutPrefix(name, strings.TrimSuffix(allowed, "[]"))
	if !ok || len(list) < len("[]") || list[0] != '[' || list[len(list)-1] != ']' {
		return false
	}
	for key := range strings.SplitSeq(list[1:len(list)-1], "][") {
		if strings.ContainsAny(key, "[]&=#?") {
			return false
		}
	}
	return true
}

// characters returns how many bytes the first n characters of s have.
func characters(s string, n int) int {
	for at := range s {
		if n == 0 {
			return at
		}
		n--
	}
	return len(s)
}

// pathWithParameters returns the path of a page, and behind it the parameters that
// the site allows: in the order of the site, so that a page has one name however
// its links are written. Of a name the first value counts, of a list each item. page is
// scrubbed; path and values are looked at once more as what they make together. A
// parameter with an empty value is one without a value.
func (p *hitContext) pathWithParameters(page *url.URL) string {
	if page.RawQuery == "" || len(p.site.Parameters) == 0 {
		return page.Path
	}
	parts, written, seen := []string{page.Path}, []string(nil), []string(nil)
	for _, allowed := range p.site.Parameters {
		for pair := range strings.SplitSeq(page.RawQuery, "&") {
			name, value, hasValue := strings.Cut(pair, "=")
			name, hasValue = dialect.Unescape(name), hasValue && value != ""
			again := slices.Contains(seen, name) && !strings.HasSuffix(name, "[]")
			if again || !isParameter(name, allowed) {
				continue
			}
			seen = append(seen, name)
			if hasValue {
				name += "="
			}
			parts, written = append(parts, dialect.Unescape(value)), append(written, name)
		}
	}
	p.scrubber().Parts(parts)
	path, mark := parts[0], "?"
	for i, name := range written {
		value := parts[i+1]
		if value == "" && strings.HasSuffix(name, "=") {
			continue
		}
		path += mark + name + inQuery.Replace(value)
		mark = "&"
	}
	return scrub.Cut(path, maxPath)
}

// inQuery escapes what in a value would end it, and what would be read as such an escape.
var inQuery = strings.NewReplacer("&", "%26", "=", "%3D", "#", "%23",
	"%26", "%2526", "%3D", "%253D", "%3d", "%253d", "%23", "%2523", "%25", "%2525")
