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
