package report_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fotspor/fotspor/report"
)

func TestParseFilter(t *testing.T) {
	for text, want := range map[string]report.Filter{
		"page:/helse/*":   {Dimension: "page", Value: "/helse/", Prefix: true},
		"page:*":          {Dimension: "page", Prefix: true},
		`page:/a\*`:       {Dimension: "page", Value: "/a*"},
		`page:/a\\*`:      {Dimension: "page", Value: `/a\`, Prefix: true},
		`page:/a\b`:       {Dimension: "page", Value: `/a\b`},
		"region:NO-50":    {Dimension: "region", Value: "NO-50"},
		"!source:Google":  {Dimension: "source", Value: "Google", Not: true},
		"country:":        {Dimension: "country"},
		"event:a: b / c!": {Dimension: "event", Value: "a: b / c!"},
	} {
		if got, err := report.ParseFilter(text); got != want || err != nil {
			t.Errorf("%q = %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "page", ":", "Page:/", "!!page:/", "total:", "left:/", "site:1", "hour:10", "weekday:1", "page:/a*b", "page:**",
		"page:\xff", "page:" + strings.Repeat("a", report.MaxFilterValue+1),
	} {
		var invalid report.InvalidError
		if f, err := report.ParseFilter(text); !errors.As(err, &invalid) || invalid.Field != "filter" {
			t.Errorf("%q = %+v, %v, want an InvalidError", text, f, err)
		}
	}
	if all, err := report.ParseFilters([]string{"page:/", "page:/", "os:iOS"}); len(all) != 2 || err != nil {
		t.Errorf("two filters and one again = %v, %v", all, err)
	}
	many := make([]string, report.MaxFilters+1)
	for i := range many {
		many[i] = "page:/" + strings.Repeat("a", i)
	}
	if _, err := report.ParseFilters(many); err == nil {
		t.Errorf("%d filters are taken", len(many))
	}
}

// TestImpossibleFilters: of dimensions whose values are all known beforehand, one that no hit
// can have is refused with the reason; any text may be the name of something.
func TestImpossibleFilters(t *testing.T) {
	for _, c := range []struct {
		want     string // in the reason; "" for what is taken
		possible string
	}{
		{"", "country:NO country:no country:XK country: country:N* country:* !country:SE country:[other]"},
		{"ISO 3166-1", "country:Norge country:XX country:NOR country:EU country:X1* country:no-50 !country:Norge"},
		{"", "region:NO-50 region:no-50 region:NO-30 region:NO-* region:GB-ENG region:SE-AB region:"},
		{"ISO 3166-2", "region:Trøndelag region:NO-99 region:NO region:NO-5 region:XX-* !region:50"},
		{"", "channel:search channel:Search channel:ai channel:s* channel:"},
		{"direct", "channel:xyz channel:google channel:sø* !channel:xyz"},
		{"", "device:mobile device:Desktop device:other device:"},
		{"tablet", "device:foo device:mobil device:phone"},
		{"", "language:nb language:NB language:se language:yue language:n* language:"},
		{"BCP 47", "language:norsk language:xx language:nb-NO language:eng1* language:1"},
		{"", "browser:Firefox browser:firefox browser:FIRE* browser:Other browser:Lynx browser:"},
		{"Firefox", "browser:Mosaik browser:fire browser:fox*"},
		{"", "os:iOS os:MacOS os:visionOS os:* os:"},
		{"iOS", "os:OS/2 os:Windows11"},
		{"", "search_result:some search_result:none search_result:"},
		{"some", "search_result:many"},
		{"none of time", "hour:77 hour:07 weekday:1 weekday:8"},
		{"", "page:x version:999 source:x campaign:x event:x search:x missing:x goal:x entry:x section:x"},
	} {
		for text := range strings.FieldsSeq(c.possible) {
			f, err := report.ParseFilter(text)
			var invalid report.InvalidError
			if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &invalid) || invalid.Field != "filter" || !strings.Contains(invalid.Want, c.want)) {
				t.Errorf("%q = %+v, %v, want %q", text, f, err, c.want)
			}
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, seed := range []string{"page:/helse/*", "!source:Google", `event:\\\*a*`, "country:", "region:NO-50", "x:y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := report.ParseFilter(text)
		if err != nil {
			return
		}
		again, err := report.ParseFilter(filter.String())
		if err != nil || again != filter {
			t.Errorf("%q = %+v, and written as %q it is %+v, %v", text, filter, filter, again, err)
		}
		if !utf8.ValidString(filter.Value) || len(filter.Value) > report.MaxFilterValue {
			t.Errorf("%q has value %q", text, filter.Value)
		}
	})
}
