package matomo

import (
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/hit"
)

// Titles of missing pages, in the form that Matomo advises and its plug-ins for WordPress,
// Drupal and TYPO3 write: "404/URL = /page?x=y/From = https://example.org/". Page and
// referrer may be escaped and the words translated. An administrator of Matomo can choose the
// separators. See https://matomo.org/faq/how-to/faq_60/.
var (
	ownStatus    = regexp.MustCompile(`^[45]\d\d$`)
	missingTitle = regexp.MustCompile(`^\s*([45]\d\d)` + between + `(\p{L}[\p{L} ]{0,30}?)\s*[=:]\s*(.*)$`)
	titledBefore = regexp.MustCompile(`(?i)^.{1,200}?(?:\s|[/\\|>:–—»·-])([45]\d\d` + between + `UR[LI]\s*[=:]\s*(?:https?(?::|%3a)|/|%2f).*)$`)
	spacedFrom   = regexp.MustCompile(`(?:` + between + `\p{L}[\p{L} ]{0,30}?|\s+\p{L}+)\s+=(?:\s+|$)`)
	knownFrom    = regexp.MustCompile(`(?i)(?:` + between + `|\s+)` + fromWord + `\s*[=:]\s*`)
	onlyFrom     = regexp.MustCompile(`(?i)^` + fromWord + `$`)
)

// fromWord is a word for where a visitor came from.
const fromWord = `(?:from|referr?er|ref|fra|frå|från|von|depuis|de|desde|da|van)`

// between matches the separator of the parts of a title.
const between = `(?:\s*[/\\|>:–—»·]+\s*|\s+-+\s+)`

// missing makes the view of a missing page an event, such as "404 / /page". It reports whether
// the page is missing. Its title says so, or our own script does by a status in place of a
// category and no action.
func (p *params) missing(h *hit.Hit) bool {
	if ownStatus.MatchString(p.category) && p.action == "" {
		return isMissing(h, p.category, pathOf(h.URL))
	}
	if !holdsStatus(p.title) {
		return false // nearly all titles
	}
	title := withoutHost(dialect.Clean(p.plainTitle(), dialect.MaxURL), h.URL)
	if len(title) > 3 && (title[3] == '%' || title[3] == '+') { // escaped once too often
		title = dialect.Clean(dialect.Unescape(title), dialect.MaxURL)
	}
	title = decodeEntities(title)
	status, page := "404", ""
	parts := missingTitle.FindStringSubmatch(title)
	if parts == nil && strings.Contains(title, "%") { // words are escaped, too
		title = unescape(title)
		parts = missingTitle.FindStringSubmatch(title)
	}
	if parts == nil { // a website may put its name before all titles
		if of := titledBefore.FindStringSubmatch(title); of != nil {
			parts = missingTitle.FindStringSubmatch(of[1])
		}
	}
	if parts != nil {
		var from string
		status = parts[1]
		if page, from = cutFrom(parts[3]); onlyFrom.MatchString(parts[2]) {
			page, from = "", parts[3]
		}
		// To browsers a backslash is a slash: /\host/path is another host.
		from = strings.ReplaceAll(unescape(from), `\`, "/")
		if strings.Contains(from, "%") && !strings.Contains(from, "/") { // escaped twice
			from = unescape(from)
		}
		if strings.HasPrefix(from, "//") {
			from = "https:" + from
		}
		if strings.Contains(from, "://") || strings.HasPrefix(from, "/") {
			h.Referrer = from
		}
	} else if !strings.HasPrefix(title, "404/") {
		return false
	}
	path := pathOf(unescape(page))
	if path == "" {
		path = pathOf(h.URL)
	}
	return isMissing(h, status, path)
}

// holdsStatus reports whether a title, escaped or not, may hold the status of a missing page.
func holdsStatus(title string) bool {
	for i := 0; i+3 < len(title); i++ {
		if (title[i] == '4' || title[i] == '5') && isDigit(title[i+1]) && isDigit(title[i+2]) && !isDigit(title[i+3]) {
			return true
		}
	}
	return false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// withoutHost returns a title without the host of its page before it, which Matomo's script
// puts there when a website asks for it: example.org/404/URL = /page.
func withoutHost(title, page string) string {
	_, host, ok := strings.Cut(page, "://")
	if end := strings.IndexAny(host, ":/?#"); end >= 0 {
		host = host[:end]
	}
	if ok && host != "" && len(title) > len(host) && strings.EqualFold(title[:len(host)], host) && title[len(host)] == '/' {
		return title[len(host)+1:]
	}
	return title
}

// plainTitle returns the title without the escapes of a query.
func (p *params) plainTitle() string {
	if p.titleEscaped {
		return dialect.Unescape(p.title)
	}
	return p.title
}

// isMissing makes h the event of a missing page, if its path is known.
func isMissing(h *hit.Hit, status, path string) bool {
	if path == "" {
		return false
	}
	h.Kind, h.Name = hit.Event, dialect.Clean(status+" / "+path, dialect.MaxURL)
	return true
}

// entity is a character as HTML escapes it. Without its semicolon it may be a parameter,
// such as the &copy of ?a=1&copy=2.
var entity = regexp.MustCompile(`&(?:#\d+|#[xX][\da-fA-F]+|[a-zA-Z][\da-zA-Z]*);`)

// decodeEntities decodes what a page has written into its HTML, once or twice.
func decodeEntities(title string) string {
	for range 2 {
		if strings.Contains(title, "&") {
			title = entity.ReplaceAllStringFunc(title, html.UnescapeString)
		}
	}
	return strings.ReplaceAll(title, "\u00a0", " ")
}

// cutFrom returns the page and the referrer of a title. Both may contain a word for a
// referrer, so the last such word that is followed by an address or the end divides them.
func cutFrom(s string) (page, from string) {
	for _, pattern := range []*regexp.Regexp{spacedFrom, knownFrom} {
		all := pattern.FindAllStringIndex(s, -1)
		for _, at := range slices.Backward(all) {
			if rest := s[at[1]:]; rest == "" || isAddress.MatchString(rest) {
				return s[:at[0]], rest
			}
		}
		if len(all) > 0 {
			return s[:all[0][0]], s[all[0][1]:]
		}
	}
	return s, ""
}

// isAddress matches the beginning of a URL or a path, escaped or not.
var isAddress = regexp.MustCompile(`(?i)^(?:https?(?::|%(?:25)?3a)|/|%(?:25)?2f)`)

// unescape decodes the escapes of a part of a title, in which + is not a space.
func unescape(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return strings.TrimSpace(dialect.Text(plain))
	}
	return strings.TrimSpace(s)
}

// pathOf returns the path of a page's address, or "" if it has none.
func pathOf(page string) string {
	if at := strings.IndexAny(page, "?#"); at >= 0 {
		page = page[:at]
	}
	if _, rest, ok := strings.Cut(page, "://"); ok {
		if at := strings.IndexByte(rest, '/'); at >= 0 {
			return rest[at:]
		}
		return "/"
	}
	if strings.HasPrefix(page, "/") && !strings.HasPrefix(page, "//") {
		return page
	}
	return ""
}
