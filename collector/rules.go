package collector

import (
	"net/url"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy/scrub"
)

// markPaths applies the site's path rules to every URL and text of the hit.
func (c *Collector) markPaths(p *hitContext) reason {
	rules, h := p.site.rules, p.hit
	if len(rules.PathRules) == 0 {
		return kept
	}
	if marked := rules.URL(h.URL); marked != h.URL {
		if page, ok := parsePage(h.URL); ok {
			p.excluded = p.site.Excludes(page.Path)
		}
		h.URL = marked
	}
	h.Referrer = rules.URL(h.Referrer)
	h.Title = rules.Text(h.Title)
	if h.Kind == hit.Outlink || h.Kind == hit.Download {
		h.Name = rules.URL(h.Name)
	} else {
		h.Name = rules.Text(h.Name)
	}
	return kept
}

// cleanText returns a text scrubbed and with the marks of the site's path rules. The step
// markPaths applied the rules before the text was scrubbed; cleanText applies them to the
// text that is stored.
func (p *hitContext) cleanText(text string) string {
	return p.site.rules.Text(p.scrubber().Text(cleanText(text)))
}

// markPath returns the path of a page as it is stored. If the page is the site's, it
// applies the path rules, and removes the slash at the end if the site says so. It cuts
// the path last, because a rule may match what is cut off.
func (p *hitContext) markPath(page *url.URL, path string) string {
	if (len(p.site.rules.PathRules) > 0 || p.site.StripSlash) && (page.Host == "" || p.site.Owns(cleanHost(page))) {
		path = p.site.rules.Stored(path)
		if p.site.StripSlash {
			path = withoutSlash(path)
		}
	}
	if !isPlain(path) {
		path = norm.NFC.String(path)
	}
	return strings.TrimSpace(scrub.Cut(path, maxPath))
}

// withoutSlash returns a path without the slashes at its end.
func withoutSlash(path string) string {
	if path = strings.TrimRight(path, "/"); path == "" {
		return "/"
	}
	return path
}

// markEarlier applies the path rules to the entry page and the previous page, which the
// visit may have kept since before a rule was added.
func (p *hitContext) markEarlier() {
	if len(p.site.rules.PathRules) > 0 {
		p.row.EntryPath = p.site.rules.Stored(p.row.EntryPath)
		p.row.PreviousPath = p.site.rules.Stored(p.row.PreviousPath)
	}
}
