package collector

import (
	"strings"
	"unicode"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/collector/titles"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy/scrub"
)

// cleanTitle returns what may be kept of the title of a page.
func (p *hitContext) cleanTitle(title string) string {
	if !p.memory.KnowsTitle(title) {
		sent := title
		text := cleanText(folded(sent))
		if title = p.scrubber().Text(text); text == sent && title == sent {
			p.memory.KeepTitle(title)
		}
	}
	return strings.TrimSpace(scrub.Cut(p.site.rules.Text(title), maxName))
}

// folded returns s with one space between words: s itself if it is such a text.
func folded(s string) string {
	before := ' '
	for _, r := range s {
		if unicode.IsSpace(r) && (r != ' ' || before == ' ') {
			return strings.Join(strings.Fields(s), " ")
		}
		before = r
	}
	return strings.TrimSuffix(s, " ")
}

// isAddress reports whether a title says no more than the address of the page does.
func (p *hitContext) isAddress(title string) bool {
	title = strings.TrimPrefix(strings.TrimPrefix(title, "https://"), "http://")
	title = strings.TrimRight(title, "/")
	host, path := p.row.Host, strings.TrimRight(p.page.Path, "/")
	if len(title) >= len(host) && strings.EqualFold(title[:len(host)], host) {
		title = title[len(host):]
	}
	return title == "" || strings.EqualFold(title, path)
}

// keepTitle counts who has seen the title of the page, and leaves p.title empty unless that
// is to be stored now. A page has no title where it stands for several: where its path has a
// mark, or no line of its own. A day that is over says nothing of the titles of now.
func (c *Collector) keepTitle(p *hitContext) reason {
	title, row := p.title, p.row
	p.title = ""
	if title == "" || row.Kind != hit.Pageview || p.isAddress(title) || row.Other&hit.PageBits.Mask() != 0 ||
		scrub.HasMark(row.Path) || row.Day != calendar.DayOf(p.now.In(p.site.Location)) {
		return kept
	}
	view := titles.View{Day: row.Day, SiteDay: p.hit.SiteDay, Visitor: p.hit.Visitor, Path: row.Path, Title: title}
	if visitors, keep := c.Titles.See(view, p.policy.TitleVisitors); keep {
		p.title, p.titleVisitors = title, uint8(visitors)
	}
	return kept
}
