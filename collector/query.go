package collector

import (
	"net/url"
	"slices"
	"strings"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/privacy/scrub"
	"github.com/fotspor/fotspor/referrer"
)

// maxParameters is the number of parameters of a query that are read.
const maxParameters = 100

// cleanQuery returns the parameters of a query that are allowed or name a campaign, with
// personal data in their values scrubbed.
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
		if !campaign && !slices.Contains(allowed, name) && p.cleanText(name) != name { // the key of a list holds personal data
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

// parameterName returns the name of a parameter, decoded, as sites declare it.
func parameterName(escaped string) string { return cleanText(dialect.Unescape(escaped)) }

// isParameter reports whether name is a parameter that a site allows: the same name, or an
// item of the list of that name. If f or f[] is allowed, these are f[], f[0], f[x] and
// f[x][y].
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

// characters returns the length in bytes of the first n characters of s.
func characters(s string, n int) int {
	for at := range s {
		if n == 0 {
			return at
		}
		n--
	}
	return len(s)
}

// pathWithParameters returns the path of a page, followed by the parameters that the site
// allows. They are in the site's order, so that a page has one path for all spellings of
// its links. Only the first value of a name is kept, but each item of a list. page is
// scrubbed; path and values are scrubbed once more together, because personal data may be
// divided among them. A parameter with an empty value is written without a value.
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

// inQuery escapes characters that would end a value, and texts that would be read as such
// an escape.
var inQuery = strings.NewReplacer("&", "%26", "=", "%3D", "#", "%23",
	"%26", "%2526", "%3D", "%253D", "%3d", "%253d", "%23", "%2523", "%25", "%2525")
