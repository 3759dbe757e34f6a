package collector

import (
	"net/url"
	"slices"
	"strings"

	"github.com/fotspor/fotspor/privacy/scrub"
	"github.com/fotspor/fotspor/referrer"
)

// maxParameters bounds the parameters of a query that are looked at.
const maxParameters = 100

// cleanQuery returns of a query the parameters that are allowed and those that name a
// campaign, without personal data in their values.
func (p *passage) cleanQuery(raw string, allowed []string) string {
	if raw == "" {
		return ""
	}
	var kept strings.Builder
	left := maxParameters
	for pair := range strings.SplitSeq(raw, "&") {
		if left--; left < 0 {
			break
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			continue
		}
		campaign := referrer.CampaignParameter(name)
		if !campaign && !slices.Contains(allowed, name) {
			continue
		}
		value, err = url.QueryUnescape(value)
		if err != nil {
			continue
		}
		value = p.cleanText(value)
		limit := maxPath
		if campaign {
			limit = characters(value, maxCampaign)
		}
		if kept.Len() > 0 {
			kept.WriteByte('&')
		}
		kept.WriteString(url.QueryEscape(name))
		kept.WriteByte('=')
		kept.WriteString(url.QueryEscape(scrub.Cut(value, limit)))
	}
	return kept.String()
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
// its links are written. page is scrubbed; path and values are looked at once more as what
// they make together.
func (p *passage) pathWithParameters(page *url.URL) string {
	if page.RawQuery == "" || len(p.site.Parameters) == 0 {
		return page.Path
	}
	query := page.Query()
	parts := []string{page.Path}
	for _, name := range p.site.Parameters {
		parts = append(parts, query.Get(name))
	}
	p.scrubber().Parts(parts)
	path, mark := parts[0], "?"
	for i, name := range p.site.Parameters {
		if value := parts[i+1]; value != "" {
			path += mark + name + "=" + value
			mark = "&"
		}
	}
	return scrub.Cut(path, maxPath)
}
