package collector

import "github.com/fotspor/fotspor/hit"

// markPaths puts the marks of the site's path rules into every URL and text of the hit.
func (c *Collector) markPaths(p *passage) reason {
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
	if h.Kind == hit.Outlink || h.Kind == hit.Download {
		h.Name = rules.URL(h.Name)
	} else {
		h.Name = rules.Text(h.Name)
	}
	return kept
}

// markEarlier marks the pages of the visit that were seen before a rule was there.
func (p *passage) markEarlier() {
	if len(p.site.rules.PathRules) > 0 {
		p.row.EntryPath = p.site.rules.Path(p.row.EntryPath)
		p.row.PreviousPath = p.site.rules.Path(p.row.PreviousPath)
	}
}
