package referrer

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// prefixes are the prefixes of campaign parameters: Matomo's, its older ones, and the common
// one. The first that has a value counts.
var prefixes = []string{"mtm_", "matomo_", "pk_", "piwik_", "utm_"}

// CampaignParameter reports whether Classify reads the query parameter name: campaign (cpn),
// source, medium, term (keyword, kwd) or content after one of mtm_, matomo_, pk_, piwik_ and
// utm_. Click identifiers such as gclid, fbclid and msclkid are not read: each identifies one
// click of one person, and says less about its source than the referring URL.
func CampaignParameter(name string) bool {
	_, _, ok := parameter(name)
	return ok
}

// The campaign parameters, in the order of the fields of Source.
const (
	fieldCampaign = iota
	fieldSource
	fieldMedium
	fieldTerm
	fieldContent
	fields
)

// parameter returns the field of Source for a query parameter. Of several parameters for one
// field, the one with the lowest rank counts.
func parameter(name string) (field, rank int, ok bool) {
	for i, prefix := range prefixes {
		short, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		rank := 3 * i
		switch short {
		case "campaign":
			return fieldCampaign, rank, true
		case "cpn":
			return fieldCampaign, rank + 1, true
		case "source":
			return fieldSource, rank, true
		case "medium":
			return fieldMedium, rank, true
		case "term":
			return fieldTerm, rank, true
		case "keyword":
			return fieldTerm, rank + 1, true
		case "kwd":
			return fieldTerm, rank + 2, true
		case "content":
			return fieldContent, rank, true
		}
	}
	return 0, 0, false
}

// campaign reads the campaign parameters of page, from its query or else from a fragment that
// looks like a query. It sets only their fields of Source.
func campaign(page *url.URL) Source {
	if page == nil {
		return Source{}
	}
	source := parameters(page.RawQuery)
	if source == (Source{}) && page.Fragment != "" {
		source = parameters(strings.TrimLeft(page.EscapedFragment(), "?!/"))
	}
	return source
}

// parameters reads the campaign parameters of query.
func parameters(query string) Source {
	query = query[:min(len(query), 4*maxRead)]
	var values [fields]string
	var ranks [fields]int
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, value, _ := strings.Cut(pair, "=")
		field, rank, ok := parameter(name)
		if !ok || values[field] != "" && ranks[field] <= rank {
			continue
		}
		if value = clean(value); value != "" {
			values[field], ranks[field] = value, rank
		}
	}
	return Source{
		Campaign:        values[fieldCampaign],
		CampaignSource:  values[fieldSource],
		CampaignMedium:  values[fieldMedium],
		CampaignTerm:    values[fieldTerm],
		CampaignContent: values[fieldContent],
	}
}

// clean returns an encoded query value decoded and in the form in which it may be kept, or ""
// if it can't be decoded.
func clean(value string) string {
	value, err := url.QueryUnescape(value)
	if err != nil {
		return ""
	}
	return readable(value)
}

// readable returns s as at most maxValue characters without control characters and
// space around them.
func readable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s[:min(len(s), maxRead)])
	s = strings.TrimSpace(s)
	count := 0
	for at := range s {
		if count == maxValue {
			return strings.TrimSpace(s[:at])
		}
		count++
	}
	return s
}
