package language_test

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/dashboard/language"
)

func load(t testing.TB) language.Languages {
	t.Helper()
	all, err := language.Load()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Every language has the same texts, each with the same verbs in the same order.
func TestSameTexts(t *testing.T) {
	verbs := regexp.MustCompile(`%[a-z]`)
	all := load(t)
	for _, l := range all[1:] {
		if diff := cmp.Diff(all[0].Keys(), l.Keys()); diff != "" {
			t.Errorf("keys of %s and %s differ (-%[1]s +%[2]s):\n%s", all[0].Tag, l.Tag, diff)
			continue
		}
		for _, key := range l.Keys() {
			one, _ := all[0].Text(key)
			other, _ := l.Text(key)
			if a, b := verbs.FindAllString(one, -1), verbs.FindAllString(other, -1); !slices.Equal(a, b) {
				t.Errorf("%s: verbs %q and %q differ", key, a, b)
			}
			if one == "" || other == "" {
				t.Errorf("%s: empty text", key)
			}
		}
	}
}

func TestMissingText(t *testing.T) {
	if text, err := load(t)[0].Text("no such text"); err == nil {
		t.Errorf("a missing text is %q, want an error", text)
	}
}

func TestMatch(t *testing.T) {
	for header, want := range map[string]string{
		"":                                 "en",
		"nb":                               "nb",
		"nb-NO,nb;q=0.9,en;q=0.8":          "nb",
		"no":                               "nb",
		"nn-NO":                            "nb",
		"en-GB,nb;q=0.5":                   "en",
		"de-DE,de;q=0.9,nn;q=0.4,en;q=0.3": "nb",
		"sv,fi":                            "en",
		"nb;q=0,en;q=0.1":                  "en",
		"*":                                "en",
		";;;,q=,nb;q=x":                    "en",
	} {
		if got := load(t).Match(header).Tag; got != want {
			t.Errorf("Match(%q) = %s, want %s", header, got, want)
		}
	}
}

func FuzzMatch(f *testing.F) {
	all := load(f)
	f.Add("nb-NO,nb;q=0.9")
	f.Fuzz(func(t *testing.T, header string) {
		if all.Match(header) == nil {
			t.Error("no language")
		}
	})
}

// written is what each language makes of the same values.
func TestFormats(t *testing.T) {
	all := load(t)
	day := func(s string) calendar.Day {
		d, err := calendar.ParseDay(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	change := func(l *language.Language, now, before float64) string {
		text, ok := l.Change(now, before)
		if !ok {
			return "none"
		}
		return text
	}
	for _, test := range []struct {
		name   string
		write  func(l *language.Language) string
		en, nb string
	}{
		{"zero", func(l *language.Language) string { return l.Number(0) }, "0", "0"},
		{"hundreds", func(l *language.Language) string { return l.Number(999) }, "999", "999"},
		{"thousands", func(l *language.Language) string { return l.Number(1234) }, "1,234", "1 234"},
		{"millions", func(l *language.Language) string { return l.Number(-1234567) }, "−1,234,567", "−1 234 567"},
		{"percent", func(l *language.Language) string { return l.Percent(0.125) }, "12.5%", "12,5 %"},
		{"rounded", func(l *language.Language) string { return l.Percent(0.99951) }, "100.0%", "100,0 %"},
		{"more", func(l *language.Language) string { return change(l, 112, 100) }, "+12%", "+12 %"},
		{"less", func(l *language.Language) string { return change(l, 50, 100) }, "−50%", "−50 %"},
		{"the same", func(l *language.Language) string { return change(l, 1001, 1000) }, "0%", "0 %"},
		{"manifold", func(l *language.Language) string { return change(l, 1300, 100) }, "+1,200%", "+1 200 %"},
		{"from nothing", func(l *language.Language) string { return change(l, 5, 0) }, "none", "none"},
		{"points up", func(l *language.Language) string { return l.Points(0.5, 0.482) }, "+1.8", "+1,8"},
		{"points down", func(l *language.Language) string { return l.Points(0.4, 0.482) }, "−8.2", "−8,2"},
		{"no point", func(l *language.Language) string { return l.Points(0.40001, 0.4) }, "0.0", "0,0"},
		{"seconds", func(l *language.Language) string { return l.Duration(59400 * time.Millisecond) }, "59 s", "59 s"},
		{"a minute", func(l *language.Language) string { return l.Duration(59600 * time.Millisecond) }, "1 min 0 s", "1 min 0 s"},
		{"hours", func(l *language.Language) string { return l.Duration(125 * time.Minute) }, "2 h 5 min", "2 t 5 min"},
		{"day", func(l *language.Language) string { return l.Day(day("2026-11-02")) }, "2 November 2026", "2. november 2026"},
		{"weekday", func(l *language.Language) string { return l.Weekday(day("2026-11-22")) }, "Sunday 22 November 2026", "søndag 22. november 2026"},
		{"short day", func(l *language.Language) string { return l.ShortDay(day("2026-05-17")) }, "17 May", "17. mai"},
		{"month", func(l *language.Language) string { return l.Month(day("2026-05-17")) }, "May 2026", "mai 2026"},
		{"short month", func(l *language.Language) string { return l.ShortMonth(day("2026-10-17")) }, "Oct 26", "okt. 26"},
		{"one day", func(l *language.Language) string { return l.Days(day("2026-11-02"), day("2026-11-02")) }, "2 November 2026", "2. november 2026"},
		{"one month", func(l *language.Language) string { return l.Days(day("2026-11-02"), day("2026-11-08")) }, "2–8 November 2026", "2.–8. november 2026"},
		{"one year", func(l *language.Language) string { return l.Days(day("2026-10-02"), day("2026-11-08")) }, "2 October – 8 November 2026", "2. oktober – 8. november 2026"},
		{"two years", func(l *language.Language) string { return l.Days(day("2025-12-31"), day("2026-01-01")) }, "31 December 2025 – 1 January 2026", "31. desember 2025 – 1. januar 2026"},
		{"country", func(l *language.Language) string { return l.Country("GB") }, "United Kingdom", "Storbritannia"},
		{"unknown country", func(l *language.Language) string { return l.Country("ZQ") }, "ZQ", "ZQ"},
		{"tongue", func(l *language.Language) string { return l.Tongue("se") }, "Northern Sami", "nordsamisk"},
		{"channel", func(l *language.Language) string { return l.Known("channel.", "search") }, "Search", "Søk"},
		{"unknown channel", func(l *language.Language) string { return l.Known("channel.", "smoke") }, "smoke", "smoke"},
	} {
		for tag, want := range map[string]string{"en": test.en, "nb": test.nb} {
			got := regexp.MustCompile("\u00a0").ReplaceAllString(test.write(all.Find(tag)), " ")
			if got != want {
				t.Errorf("%s in %s = %q, want %q", test.name, tag, got, want)
			}
		}
	}
}
