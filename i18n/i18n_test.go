package i18n_test

import (
	"github.com/google/go-cmp/cmp"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
)

// TestMatch: one reader of wishes for all pages.
func TestMatch(t *testing.T) {
	for header, want := range map[string]string{
		"":                                 "en",
		"nb":                               "nb",
		"nb-NO,nb;q=0.9,en;q=0.8":          "nb",
		"no":                               "nb",
		"NO-no":                            "nb",
		"nb_NO":                            "nb",
		"nn":                               "nn",
		"nn-NO":                            "nn",
		"nn-NO,nn;q=0.9,nb;q=0.8":          "nn",
		"en-GB,nb;q=0.5":                   "en",
		"en;q=0.3, nb;q=0.9":               "nb",
		"nb;q=0.3, nn;q=0.9":               "nn",
		"nb;q=0.5, nn;q=0.5":               "nb",
		"la-VA,la;q=0.9,nn;q=0.4,en;q=0.3": "nn", // of languages that nobody will translate to
		"hi,nb;q=0.1":                      "nb", // of Hindi English is no more than a guess
		"da":                               "nb",
		"sv-SE,sv;q=0.9,en;q=0.8":          "nb",
		"se":                               "nb",
		"se-NO,nn;q=0.5":                   "nb",
		"sma":                              "nb",
		"fi":                               "en",
		"la":                               "en",
		"nb;q=0":                           "en",
		"nb;q=0,en;q=0.1":                  "en",
		"nb;q=0,nn":                        "nn",
		"*":                                "en",
		"nb,*;q=0.5":                       "nb",
		"nb;q=0.1,*;q=0.5":                 "nb",
		"nb;q=0,*":                         "en",
		";;;,q=,nb;q=x":                    "en",
		"\x00,<script>,nb;q=0.1":           "nb",
		"this-is-no-tag-at-all, nb":        "nb",
		strings.Repeat("nb,", 400):         "en", // longer than a browser's
	} {
		if got := i18n.Match(header).Tag; got != want {
			t.Errorf("Match(%.40q) = %s, want %s", header, got, want)
		}
	}
	for _, tt := range []struct {
		wishes []string
		want   string
	}{
		{nil, "en"},
		{[]string{"nn", "en"}, "nn"},
		{[]string{"", "nn"}, "nn"},
		{[]string{"NB", "en"}, "nb"},
		{[]string{"no", "en"}, "nb"},
		{[]string{"la", "nn"}, "nn"},
		{[]string{"la", "la"}, "en"},
	} {
		if got := i18n.Match(tt.wishes...).Tag; got != tt.want {
			t.Errorf("Match(%q) = %s, want %s", tt.wishes, got, tt.want)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("nb-NO,nb;q=0.9")
	f.Add("en;q=0, *")
	f.Fuzz(func(t *testing.T, header string) {
		if i18n.Match(header) == nil {
			t.Error("no language")
		}
	})
}

func TestFind(t *testing.T) {
	for tag, want := range map[string]string{"nb": "Bokmål", "nn": "Nynorsk", "en": "English", "NB": "Bokmål", "no": "", "": "", "nb-NO": ""} {
		got := ""
		if l := i18n.Find(tag); l != nil {
			got = l.Name
		}
		if got != want {
			t.Errorf("Find(%q) is %q, want %q", tag, got, want)
		}
	}
}

func TestMissingText(t *testing.T) {
	l := i18n.Match()
	if text, err := l.Text("no such text"); err == nil {
		t.Errorf("a missing text is %q, want an error", text)
	}
	if text, err := l.Count("no such text", 1); err == nil {
		t.Errorf("a missing text is %q, want an error", text)
	}
	if text, err := l.File("no such page"); err == nil {
		t.Errorf("a missing page is %q, want an error", text)
	}
	if got := l.Known("channel.", "smoke"); got != "smoke" {
		t.Errorf("an unknown channel is %q, want its own name", got)
	}
}

// TestCount: each language has the plural form that CLDR gives a number.
func TestCount(t *testing.T) {
	for tag, want := range map[string][]string{
		"en": {"0 days", "1 day", "2 days", "21 days", "1,001 days", "10,000,001 days"},
		"nb": {"0 dager", "1 dag", "2 dager", "21 dager", "1 001 dager", "10 000 001 dager"},
		"nn": {"0 dagar", "1 dag", "2 dagar", "21 dagar", "1 001 dagar", "10 000 001 dagar"},
	} {
		for i, n := range []int64{0, 1, 2, 21, 1001, 10_000_001} {
			if got, err := i18n.Find(tag).Count("days", n); err != nil || plain(got) != want[i] {
				t.Errorf("%d in %s is %q, %v, want %q", n, tag, got, err, want[i])
			}
		}
	}
}

// TestCountInWords: a text may have its own words for one and for none.
func TestCountInWords(t *testing.T) {
	for tag, want := range map[string][]string{
		"en": {"no visitors", "one visitor", "2 visitors", "6,363 visitors"},
		"nb": {"ingen besøkende", "én besøkende", "2 besøkende", "6 363 besøkende"},
		"nn": {"ingen besøkande", "éin besøkande", "2 besøkande", "6 363 besøkande"},
	} {
		for i, n := range []int64{0, 1, 2, 6363} {
			if got := plain(i18n.Find(tag).Counted("count.visitors", n)); got != want[i] {
				t.Errorf("%d in %s is %q, want %q", n, tag, got, want[i])
			}
		}
	}
}

// TestPieces: words and the places of arguments, in the order of the language.
func TestPieces(t *testing.T) {
	got, err := i18n.Find("nb").Pieces("lead.read.two")
	want := []i18n.Piece{{Text: "Mest lest: ", Arg: -1}, {Arg: 0}, {Text: " og ", Arg: -1}, {Arg: 1}, {Text: ".", Arg: -1}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("pieces: %v\n%s", err, diff)
	}
	if _, err := i18n.Find("nb").Pieces("no such text"); err == nil {
		t.Error("a missing text has pieces, want an error")
	}
}

// plain has ordinary spaces in the place of those that hold a line together.
func plain(text string) string { return strings.ReplaceAll(text, "\u00a0", " ") }

// TestFormats: what each language makes of the same values.
func TestFormats(t *testing.T) {
	day := func(s string) calendar.Day {
		d, err := calendar.ParseDay(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	days := func(from, to string) calendar.Range { return calendar.Range{From: day(from), To: day(to)} }
	type language = *i18n.Language
	for _, test := range []struct {
		name       string
		write      func(l language) string
		en, nb, nn string // nn: "" = as nb
	}{
		{"zero", func(l language) string { return l.Number(0) }, "0", "0", ""},
		{"hundreds", func(l language) string { return l.Number(999) }, "999", "999", ""},
		{"thousands", func(l language) string { return l.Number(1234) }, "1,234", "1 234", ""},
		{"millions", func(l language) string { return l.Number(-1234567) }, "−1,234,567", "−1 234 567", ""},
		{"percent", func(l language) string { return l.Percent(0.125) }, "12.5%", "12,5 %", ""},
		{"hardly any, with a decimal", func(l language) string { return l.Percent(0.0004) }, "< 0.1%", "< 0,1 %", ""},
		{"nothing, with a decimal", func(l language) string { return l.Percent(0) }, "0.0%", "0,0 %", ""},
		{"mean", func(l language) string { return l.Mean(2.25) }, "2.3", "2,3", ""},
		{"small mean", func(l language) string { return l.Mean(0.05) }, "0.1", "0,1", ""},
		{"smaller mean", func(l language) string { return l.Mean(0.0499) }, "under 0.1", "under 0,1", "under 0,1"},
		{"smallest mean", func(l language) string { return l.Mean(1e-9) }, "under 0.1", "under 0,1", ""},
		{"no mean", func(l language) string { return l.Mean(0) }, "0.0", "0,0", ""},
		{"short mean", func(l language) string { return l.MeanDuration(0.2) }, "under 1 s", "under 1 s", ""},
		{"no time", func(l language) string { return l.MeanDuration(0) }, "0 s", "0 s", ""},
		{"a second", func(l language) string { return l.MeanDuration(0.6) }, "1 s", "1 s", ""},
		{"rounded", func(l language) string { return l.Percent(0.99951) }, "100.0%", "100,0 %", ""},
		{"whole percent", func(l language) string { return l.WholePercent(0.125) }, "13%", "13 %", ""},
		{"manifold", func(l language) string { return l.WholePercent(12) }, "1,200%", "1 200 %", ""},
		{"no percent", func(l language) string { return l.WholePercent(0) }, "0%", "0 %", ""},
		{"less than a percent", func(l language) string { return l.WholePercent(0.004) }, "0.4%", "0,4 %", ""},
		{"hardly any percent", func(l language) string { return l.WholePercent(0.0004) }, "< 0.1%", "< 0,1 %", ""},
		{"points", func(l language) string { return l.Points(0.5 - 0.482) }, "1.8 pp", "1,8 pp.", ""},
		{"no point", func(l language) string { return l.Points(0.00001) }, "0.0 pp", "0,0 pp.", ""},
		{"seconds", func(l language) string { return l.Duration(59400 * time.Millisecond) }, "59 s", "59 s", ""},
		{"a minute", func(l language) string { return l.Duration(59600 * time.Millisecond) }, "1 min 0 s", "1 min 0 s", ""},
		{"hours", func(l language) string { return l.Duration(125 * time.Minute) }, "2 h 5 min", "2 t 5 min", ""},
		{"day", func(l language) string { return l.Day(day("2026-11-02")) }, "2 November 2026", "2. november 2026", ""},
		{"weekday", func(l language) string { return l.Weekday(day("2026-11-24")) }, "Tuesday 24 November 2026", "tirsdag 24. november 2026", "tysdag 24. november 2026"},
		{"short day", func(l language) string { return l.ShortDay(day("2026-05-17")) }, "17 May", "17. mai", ""},
		{"month", func(l language) string { return l.Month(day("2026-05-17")) }, "May 2026", "mai 2026", ""},
		{"clock", func(l language) string { return l.Clock(time.Date(2026, 1, 2, 4, 5, 0, 0, time.UTC)) }, "04:05", "04.05", ""},
		{"one day", func(l language) string { return l.Range(days("2026-11-02", "2026-11-02")) }, "2 November 2026", "2. november 2026", ""},
		{"one month", func(l language) string { return l.Range(days("2026-11-02", "2026-11-08")) }, "2–8 November 2026", "2.–8. november 2026", ""},
		{"one year", func(l language) string { return l.Range(days("2026-10-02", "2026-11-08")) }, "2 October – 8 November 2026", "2. oktober – 8. november 2026", ""},
		{"two years", func(l language) string { return l.Range(days("2025-12-31", "2026-01-01")) }, "31 December 2025 – 1 January 2026", "31. desember 2025 – 1. januar 2026", ""},
		{"one day, short", func(l language) string { return l.ShortRange(days("2026-11-02", "2026-11-02"), true) }, "2 Nov 2026", "2. nov. 2026", ""},
		{"one month, short", func(l language) string { return l.ShortRange(days("2026-11-02", "2026-11-08"), false) }, "2–8 Nov", "2.–8. nov.", ""},
		{"one year, short", func(l language) string { return l.ShortRange(days("2026-10-25", "2026-11-21"), true) }, "25 Oct – 21 Nov 2026", "25. okt. – 21. nov. 2026", ""},
		{"two years, short", func(l language) string { return l.ShortRange(days("2025-12-31", "2026-01-01"), false) }, "31 Dec 2025 – 1 Jan 2026", "31. des. 2025 – 1. jan. 2026", ""},
		{"nothing", func(l language) string { return l.List(nil) }, "", "", ""},
		{"one of a list", func(l language) string { return l.List([]string{"a"}) }, "a", "a", ""},
		{"list", func(l language) string { return l.List([]string{"a", "b", "c"}) }, "a, b and c", "a, b og c", ""},
		{"country", func(l language) string { return l.Country("AT") }, "Austria", "Østerrike", "Austerrike"},
		{"unknown country", func(l language) string { return l.Country("ZQ") }, "ZQ", "ZQ", ""},
		{"region", func(l language) string { return l.Region("NO-50") }, "Trøndelag", "Trøndelag", ""},
		{"former region", func(l language) string { return l.Region("NO-30") }, "Viken (until 2024)", "Viken (til 2024)", ""},
		{"unknown region", func(l language) string { return l.Region("NO-99") }, "NO-99", "NO-99", ""},
		{"language", func(l language) string { return l.LanguageName("se") }, "Northern Sami", "nordsamisk", ""},
		{"small language", func(l language) string { return l.LanguageName("fil") }, "Filipino", "filipino", ""},
		{"channel", func(l language) string { return l.Known("channel.", "search") }, "Search", "Søk", ""},
		{"unknown browser", func(l language) string { return l.Known("program.", "Other") }, "Other", "Annet", "Anna"},
	} {
		if test.nn == "" {
			test.nn = test.nb
		}
		for tag, want := range map[string]string{"en": test.en, "nb": test.nb, "nn": test.nn} {
			if got := plain(test.write(i18n.Find(tag))); got != want {
				t.Errorf("%s in %s = %q, want %q", test.name, tag, got, want)
			}
		}
	}
}
