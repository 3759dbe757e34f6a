package collector

import (
	"slices"
	"strconv"
	"strings"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/privacy"
)

// readURL applies the site's settings to the URLs of a hit. It first drops an incomplete
// part at the end of a URL that was cut, before any rule looks at it. A page that an AMP
// cache serves gets the path that it has on the site. ignore_referrer=1 removes the
// referrer. A view of a page of search results becomes a search if the site declares
// search parameters; minimal records have no searches.
func (c *Collector) readURL(p *hitContext) reason {
	h := p.hit
	h.URL, h.Referrer = wholeParts(h.URL), wholeParts(h.Referrer)
	if h.Kind == hit.Outlink || h.Kind == hit.Download {
		h.Name = wholeParts(h.Name)
	}
	if p.site.cached {
		h.URL, h.Referrer = p.site.withoutCache(h.URL), p.site.withoutCache(h.Referrer)
	}
	if strings.Contains(h.URL, "ignore_refer") && ignoresReferrer(h.URL) {
		h.Referrer = ""
	}
	if len(p.site.SearchParameters) == 0 || h.Kind != hit.Pageview || p.policy.Record == privacy.Minimal {
		return kept
	}
	if name, count, ok := p.site.search(h.URL); ok {
		h.Kind, h.Name, h.Value = hit.Search, name, count
		p.row.Kind = hit.Search
	}
	return kept
}

// withoutCache returns the URL of a page with the path that it has on the site, if an AMP
// cache serves it. In the cache the path begins with a kind, s for https, and the host of
// the page, as in /c/s/www.example.org/path. For a page of another website withoutCache
// returns the URL on that website.
func (s *knownSite) withoutCache(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	host, path, found := strings.Cut(rest, "/")
	if !ok || !found || !hostname.IsAMPCache(hostname.Canonical(host)) {
		return raw
	}
	_, path, _ = strings.Cut(path, "/")
	path = strings.TrimPrefix(path, "s/")
	end := strings.IndexAny(path, "/?#")
	if end < 0 {
		end = len(path)
	}
	named, err := hostname.Parse(path[:end])
	switch {
	case err != nil || !strings.Contains(named, "."):
		return raw
	case !s.Owns(named):
		return scheme + "://" + path
	}
	return scheme + "://" + host + "/" + strings.TrimPrefix(path[end:], "/")
}

// ignoresReferrer reports whether the query of a page says to ignore its referrer, in one
// of Matomo's two spellings.
func ignoresReferrer(raw string) bool {
	query, _ := parametersOf(raw)
	for name, value := range dialect.Parameters(query) {
		if (name == "ignore_referrer" || name == "ignore_referer") && value == "1" {
			return true
		}
	}
	return false
}

// parametersOf returns the query of a URL, and the parameters in its fragment: the part
// after a question mark, or else the whole fragment.
func parametersOf(raw string) (query, inFragment string) {
	raw, fragment, _ := strings.Cut(raw, "#")
	_, query, _ = strings.Cut(raw, "?")
	if before, after, ok := strings.Cut(fragment, "?"); ok && !strings.Contains(before, "=") {
		fragment = after
	}
	return query, fragment
}

// matomoCount is the parameter in which Matomo looks for the number of results.
var matomoCount = []string{"search_count"}

// search returns the name and the number of results of the search in the address of a
// page. As in Matomo, the term is the value of the first of the site's parameters that has
// one, in the query or in the fragment. The number is -1 if it is not in the address.
func (s *knownSite) search(raw string) (name string, count float64, ok bool) {
	query, inFragment := parametersOf(raw)
	query += "&" + inFragment
	term := firstValue(query, s.SearchParameters)
	if term == "" {
		return "", 0, false
	}
	counts := s.SearchCounts
	if len(counts) == 0 {
		counts = matomoCount
	}
	count = -1
	if n, err := strconv.ParseUint(firstValue(query, counts), 10, 31); err == nil {
		count = float64(n)
	}
	return dialect.SearchName(term, firstValue(query, s.SearchCategories)), count, true
}

// firstValue returns the value of the first of the parameters that has one in a query: if
// it has several, the last one, and for a list the first item. The case of names does not
// matter.
func firstValue(query string, parameters []string) string {
	for _, wanted := range parameters {
		found, left := "", maxParameters
		for name, value := range dialect.Parameters(query) {
			if left--; left < 0 {
				break
			}
			name, wanted := strings.ToLower(cleanText(name)), strings.ToLower(wanted)
			if !isParameter(name, wanted) || name != wanted && found != "" {
				continue
			}
			if value = strings.TrimSpace(cleanText(dialect.Unescape(value))); value != "" {
				found = value
			}
		}
		if found != "" {
			return found
		}
	}
	return ""
}

// isSearchParameter reports whether a query parameter holds a search term.
func (s *knownSite) isSearchParameter(name string) bool {
	return slices.ContainsFunc(s.SearchParameters, func(of string) bool {
		return isParameter(strings.ToLower(name), strings.ToLower(of))
	})
}
