package matomo

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"

	"github.com/fotspor/fotspor/collector/dialect"
)

// decode converts the texts to UTF-8 if the page has another character set (cs), one of the
// labels of https://encoding.spec.whatwg.org/. It does not change texts that are valid UTF-8:
// Matomo's script sends the character set of the page, but writes UTF-8, except in the
// escapes of a URL.
func (p *params) decode() {
	if p.charset == "" {
		return
	}
	charset, err := htmlindex.Get(p.charset)
	if err != nil || charset == unicode.UTF8 {
		return
	}
	from := charset.NewDecoder()
	p.title, p.titleEscaped = p.plainTitle(), false
	for _, text := range []*string{
		&p.search, &p.searchCategory, &p.category, &p.action, &p.name, &p.contentName, &p.contentInteraction, &p.title,
		&p.rememberedCampaign, &p.rememberedTerm,
	} {
		*text = decodeText(*text, from)
	}
	for _, address := range []*string{&p.url, &p.urlref, &p.link, &p.download, &p.campaign} {
		*address = decodeURL(*address, from)
	}
}

func decodeText(s string, from *encoding.Decoder) string {
	if utf8.ValidString(s) {
		return s
	}
	if decoded, err := from.String(s); err == nil {
		return decoded
	}
	return s
}

// decodeURL converts each part of a URL that is not UTF-8, escaped or not, and escapes it
// again. In all character sets of web pages, the bytes of the characters between parts mean
// only these characters.
func decodeURL(s string, from *encoding.Decoder) string {
	const marks = "/?#&=;+"
	var b strings.Builder
	for s != "" {
		end := strings.IndexAny(s, marks)
		switch {
		case end == 0:
			end = 1
		case end < 0:
			end = len(s)
		}
		part := s[:end]
		s = s[end:]
		if plain := dialect.Unescape(part); !utf8.ValidString(plain) {
			part = strings.ReplaceAll(url.QueryEscape(decodeText(plain, from)), "+", "%20")
		}
		b.WriteString(part)
	}
	return b.String()
}
