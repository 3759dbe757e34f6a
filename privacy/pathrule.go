package privacy

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/fotspor/fotspor/internal/hostname"
)

// PathMark replaces a part of a path that a rule of the site's owner marks.
const PathMark = "[*]"

// Bounds of the rules of one site. They bound the time that a hit takes.
const (
	maxPathRules    = 50
	maxPathRule     = 256 // bytes
	maxPathSegments = 16
)

// PathRules mark the parts of a site's paths that may name a person. Only the owner of the
// site knows these parts. The zero PathRules marks nothing. PathRules is safe for concurrent
// use.
//
// A rule is a path whose segments are texts or patterns, such as /u/*, /@* and
// /bruker/*/profil. A * matches one segment, or the part of one between the texts around
// the *, and at least one character. ** as the last segment matches all further segments,
// at least one. A rule applies to every path that begins as the rule does. The text that a
// * or ** matches becomes [*]: under /u/* the path /u/kari/bilder is /u/[*]/bilder, and
// under /u/** it is /u/[*].
//
// Segments are compared decoded, in Unicode's form C, ignoring case and parameters such as
// ;jsessionid. A backslash is a slash, as in browsers. An encoded backslash is part of its
// segment; Stored, which sees decoded paths, reads it as a slash. Empty segments are
// skipped. Every rule is applied to the original path, so the order of rules does not
// matter.
type PathRules []pathRule

// pathRule is one rule.
type pathRule struct {
	text     string // as the owner wrote it
	segments []pattern
	rest     bool // the rule ends in **
}

// pattern is one segment of a rule: a text, or a * with texts around it.
type pattern struct {
	before, after string
	open          bool
}

// ParsePathRules reads the rules of a site. Its error names the first invalid rule.
func ParsePathRules(texts []string) (PathRules, error) {
	if len(texts) > maxPathRules {
		return nil, fmt.Errorf("%d path rules: want at most %d", len(texts), maxPathRules)
	}
	var rules PathRules
	for _, text := range texts {
		rule, err := parsePathRule(text)
		if err != nil {
			return nil, fmt.Errorf("path rule %q: %w", text, err)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func parsePathRule(text string) (pathRule, error) {
	rule := pathRule{text: text}
	path, ok := strings.CutPrefix(strings.TrimSuffix(text, "/"), "/")
	switch {
	case len(text) > maxPathRule:
		return rule, fmt.Errorf("want at most %d bytes", maxPathRule)
	case !ok || path == "":
		return rule, errors.New("want a path such as /u/* or /bruker/*/profil")
	case strings.ContainsAny(text, "?#[]") || strings.ContainsFunc(text, unicode.IsControl) || !utf8.ValidString(text):
		return rule, errors.New("want a path alone, without ?, #, [ and ]")
	case !strings.Contains(path, "*"):
		return rule, errors.New("marks nothing: want a * for what is to be marked")
	}
	segments := strings.Split(path, "/")
	if last := len(segments) - 1; segments[last] == "**" {
		rule.rest, segments = true, segments[:last]
	}
	if len(segments) > maxPathSegments {
		return rule, fmt.Errorf("want at most %d segments", maxPathSegments)
	}
	for _, segment := range segments {
		one, err := parsePattern(segment)
		if err != nil {
			return rule, err
		}
		rule.segments = append(rule.segments, one)
	}
	return rule, nil
}

func parsePattern(segment string) (one pattern, err error) {
	before, after, open := strings.Cut(segment, "*")
	switch {
	case segment == "" || segment == "." || segment == "..":
		return one, fmt.Errorf("segment %q can't be in a path", segment)
	case strings.Contains(after, "*"):
		return one, errors.New("want one * in a segment, and ** as the last segment only")
	}
	one.open = open
	if one.before, err = url.PathUnescape(before); err == nil {
		one.after, err = url.PathUnescape(after)
	}
	if err != nil {
		return one, fmt.Errorf("segment %q: want %%25 for a %%", segment)
	}
	one.before, one.after = norm.NFC.String(one.before), norm.NFC.String(one.after)
	return one, nil
}

// match reports whether p matches a segment, and how many bytes at the beginning and end of
// the segment are not marked.
func (p pattern) match(segment string) (before, after int, ok bool) {
	if !p.open {
		return 0, 0, strings.EqualFold(segment, p.before)
	}
	before, ok = foldPrefix(segment, p.before)
	if !ok {
		return 0, 0, false
	}
	after, ok = foldSuffix(segment[before:], p.after)
	return before, after, ok && before+after < len(segment)
}

// foldPrefix reports whether s begins with prefix, ignoring case, and with how many bytes.
func foldPrefix(s, prefix string) (length int, ok bool) {
	for prefix != "" {
		r, size := utf8.DecodeRuneInString(s[length:])
		_, want := utf8.DecodeRuneInString(prefix)
		if r == utf8.RuneError || !strings.EqualFold(s[length:length+size], prefix[:want]) {
			return 0, false
		}
		length, prefix = length+size, prefix[want:]
	}
	return length, true
}

// foldSuffix is foldPrefix for the end of s.
func foldSuffix(s, suffix string) (length int, ok bool) {
	for suffix != "" {
		end := len(s) - length
		r, size := utf8.DecodeLastRuneInString(s[:end])
		_, want := utf8.DecodeLastRuneInString(suffix)
		if r == utf8.RuneError || !strings.EqualFold(s[end-size:end], suffix[len(suffix)-want:]) {
			return 0, false
		}
		length, suffix = length+size, suffix[:len(suffix)-want]
	}
	return length, true
}

// Path returns a decoded path, such as that of a row, with its marks. It does not change
// what follows a question mark.
func (r PathRules) Path(path string) string {
	path, query, ok := strings.Cut(path, "?")
	path, _ = r.mark(path, false)
	if ok {
		path += "?" + query
	}
	return path
}

// Hit reports for each rule whether it marks a part of a path as Path takes it.
func (r PathRules) Hit(path string) []bool {
	hit := make([]bool, len(r))
	for i := range r {
		hit[i] = r[i:i+1].Path(path) != path
	}
	return hit
}

// PathMarker marks the URLs and texts of a site by its rules. It is safe for concurrent
// use.
type PathMarker struct {
	PathRules
	Own    func(host string) bool   // reports whether a host, in any spelling, is the site's
	Decode func(text string) string // decodes one layer of encoding of a text, if it has one
}

// URL returns the URL of a page, absolute or a path, with marks in its path and in the
// paths and URLs in its query. It returns a URL of another host unchanged.
func (m PathMarker) URL(raw string) string {
	if len(m.PathRules) == 0 {
		return raw
	}
	rest, fragment, hasFragment := strings.Cut(strings.TrimSpace(raw), "#")
	rest, query, hasQuery := strings.Cut(rest, "?")
	start := 0
	if scheme, behind, ok := strings.Cut(rest, "://"); ok && !strings.HasPrefix(rest, "/") {
		host, _, _ := strings.Cut(behind, "/")
		start = len(scheme) + len("://") + len(host)
		if !m.Own(hostOf(host)) {
			return raw
		}
	}
	path := resolve(rest[start:])
	changed := path != rest[start:]
	if marked, ok := m.mark(path, true); ok {
		path, changed = marked, true
	}
	query, inQuery := m.query(query)
	fragment, inFragment := m.query(fragment)
	if !changed && !inQuery && !inFragment {
		return raw
	}
	marked := rest[:start] + path
	if hasQuery {
		marked += "?" + query
	}
	if hasFragment {
		marked += "#" + fragment
	}
	return marked
}

// hostOf returns the host of an authority (RFC 3986, section 3.2).
func hostOf(authority string) string {
	return hostname.Canonical(authority[strings.LastIndexByte(authority, '@')+1:])
}

// query marks the values of a query.
func (m PathMarker) query(query string) (marked string, changed bool) {
	if !strings.ContainsAny(query, "/%") {
		return query, false
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		text, err := url.QueryUnescape(value)
		if err != nil {
			text = value
		}
		if marked := m.Text(text); marked != text {
			pairs[i], changed = name+"="+url.QueryEscape(marked), true
		}
	}
	return strings.Join(pairs, "&"), changed
}

// maxLayers is how many layers of encoding of a text are decoded: as many as package scrub
// decodes. Of a text with more layers, package scrub keeps nothing.
const maxLayers = 32

// Text returns a text with marks in the paths and URLs of the site. These begin with one of
// its hosts, or with a slash after a character that is no part of a path, and end at a
// space. Text looks at each layer of the text's encoding. It returns the innermost layer in
// which something is marked, or else the text unchanged.
func (m PathMarker) Text(text string) string { return m.layers(text, m.inText) }

// Stored returns the decoded path of a page of the site with marks, as it is stored. A rule
// applies if it matches the path in any layer of its encoding, with or without its dot
// segments.
func (m PathMarker) Stored(path string) string {
	return m.layers(path, func(path string) (string, bool) {
		path, query, ok := strings.Cut(path, "?")
		marked, _ := m.resolved(path, false)
		changed := marked != path
		if ok {
			marked += "?" + query
		}
		return marked, changed
	})
}

// resolved marks a path without its dot segments or, if that marks nothing, with them.
func (r PathRules) resolved(path string, escaped bool) (marked string, changed bool) {
	if marked, changed = r.mark(resolve(path), escaped); changed {
		return marked, true
	}
	return r.mark(path, escaped)
}

// layers marks the layers of a text. If no layer has anything to mark, it tries again with
// each backslash read as a slash, as in browsers. That begins with the innermost layer,
// since in others a backslash may begin an escape.
func (m PathMarker) layers(text string, mark func(string) (string, bool)) string {
	if len(m.PathRules) == 0 {
		return text
	}
	best, layer, found, slashes := text, text, false, false
	for range maxLayers {
		slashes = slashes || strings.Contains(layer, `\`)
		if marked, ok := mark(layer); ok {
			best, layer, found = marked, marked, true
		}
		decoded := m.Decode(layer)
		if decoded == layer {
			break
		}
		layer = decoded
	}
	if found || !slashes {
		return best
	}
	all := []string{text}
	for range maxLayers {
		all = append(all, m.Decode(all[len(all)-1]))
	}
	for _, layer := range slices.Backward(slices.Compact(all)) {
		if marked, ok := mark(strings.ReplaceAll(layer, `\`, "/")); ok {
			return marked
		}
	}
	return text
}

func (m PathMarker) inText(text string) (marked string, changed bool) {
	var b strings.Builder
	copied, end := 0, 0
	for i := 0; i < len(text); i++ {
		if text[i] != '/' || !beginsPath(text, i, m.Own) {
			continue
		}
		if end <= i { // else this slash is in the path that an earlier slash began
			end = len(text)
			if at := strings.IndexFunc(text[i:], endsPath); at >= 0 {
				end = i + at
			}
		}
		if path, ok := m.resolved(text[i:end], true); ok {
			b.WriteString(text[copied:i])
			b.WriteString(path)
			copied, i, changed = end, end-1, true
		}
	}
	b.WriteString(text[copied:])
	return b.String(), changed
}

func endsPath(r rune) bool {
	return r <= ' ' || unicode.IsSpace(r) || strings.ContainsRune("?#\"<>`", r)
}

// beginsPath reports whether the slash at text[at] is the first of a path of the site.
func beginsPath(text string, at int, own func(host string) bool) bool {
	const longest = 300 // bytes of a host and its port
	start := at
	for start > 0 && at-start < longest && isHostByte(text[start-1]) {
		start--
	}
	if start < at {
		return own(hostOf(text[start:at]))
	}
	return !strings.HasPrefix(text[at:], "//") && (at == 0 || text[at-1] != '/')
}

func isHostByte(c byte) bool {
	return c == '.' || c == '-' || c == ':' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c >= utf8.RuneSelf
}

// segment is one segment of a path.
type segment struct {
	start, end    int    // offsets in the path
	text          string // decoded, in form C, without parameters
	before, after int    // bytes of text that are not marked
	marked        bool
}

// mark returns a path with its marks, or the path unchanged and false if it has none. It
// looks at no more segments than the longest rule has.
func (r PathRules) mark(path string, escaped bool) (marked string, changed bool) {
	if !strings.HasPrefix(path, "/") {
		return path, false
	}
	longest := 0
	for i := range r {
		longest = max(longest, r[i].need())
	}
	var all [maxPathSegments + 1]segment
	segments := all[:0]
	for start := 1; start < len(path) && len(segments) < longest; {
		length := strings.IndexByte(path[start:], '/')
		if length < 0 {
			length = len(path) - start
		}
		if length > 0 {
			text := comparable(path[start:start+length], escaped)
			segments = append(segments, segment{start: start, end: start + length, text: text})
		}
		start += length + 1
	}
	rest := len(segments) // index of the first segment that a ** matches
	for i := range r {
		changed = r[i].mark(segments, &rest) || changed
	}
	if !changed {
		return path, false
	}
	var b strings.Builder
	copied := 0
	for i, one := range segments {
		if i == rest {
			b.WriteString(path[copied:one.start])
			b.WriteString(PathMark)
			return b.String(), true
		}
		if !one.marked {
			continue
		}
		before, after := one.text[:one.before], one.text[len(one.text)-one.after:]
		if escaped {
			before, after = url.PathEscape(before), url.PathEscape(after)
		}
		b.WriteString(path[copied:one.start])
		b.WriteString(before + PathMark + after)
		copied = one.end
	}
	b.WriteString(path[copied:])
	return b.String(), true
}

// comparable returns the text of a segment to which rules are compared.
func comparable(segment string, escaped bool) string {
	if escaped {
		segment, _, _ = strings.Cut(segment, ";")
		if strings.Contains(segment, "%") {
			if decoded, err := url.PathUnescape(segment); err == nil {
				segment = decoded
			}
		}
	}
	return norm.NFC.String(segment)
}

// resolve returns an escaped path without the dot segments of RFC 3986, section 5.2.4.
func resolve(path string) string {
	if !strings.Contains(path, "/.") && !strings.Contains(strings.ToLower(path), "/%2e") {
		return path
	}
	parts := strings.Split(path, "/")
	kept := parts[:1]
	for i, part := range parts[1:] {
		switch strings.ReplaceAll(strings.ToLower(part), "%2e", ".") {
		case "..":
			kept = kept[:max(1, len(kept)-1)]
			fallthrough
		case ".":
			if i == len(parts)-2 {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, "/")
}

// need returns how many segments a path must have for the rule to apply.
func (r *pathRule) need() int {
	if r.rest {
		return len(r.segments) + 1
	}
	return len(r.segments)
}

// mark marks the segments of a path by the rule, and lowers rest to the first segment that
// its ** matches. It reports whether the rule applies to the path.
func (r *pathRule) mark(segments []segment, rest *int) bool {
	if len(segments) < r.need() {
		return false
	}
	for i, p := range r.segments {
		if _, _, ok := p.match(segments[i].text); !ok {
			return false
		}
	}
	for i, p := range r.segments {
		if !p.open {
			continue
		}
		one := &segments[i]
		before, after, _ := p.match(one.text)
		if one.marked {
			before, after = min(before, one.before), min(after, one.after)
		}
		one.before, one.after, one.marked = before, after, true
	}
	if r.rest {
		*rest = min(*rest, len(r.segments))
	}
	return true
}
