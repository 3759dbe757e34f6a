package privacy_test

import (
	"errors"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/privacy"
)

// TestOwn: a site has its own values in place of the policy's, and never rows that live longer.
func TestOwn(t *testing.T) {
	policy := privacy.Default()
	policy.Ageing = privacy.Ageing{Network: privacy.Period{Days: 30}, Hour: privacy.Period{Years: 1}}
	month, year := privacy.Period{Days: 90}, privacy.Period{Years: 1}
	for name, c := range map[string]struct {
		own    privacy.Own
		want   func(*privacy.Policy)
		longer bool
	}{
		"nothing":    {privacy.Own{}, func(*privacy.Policy) {}, false},
		"record":     {privacy.Own{Record: privacy.Minimal}, func(p *privacy.Policy) { p.Record = privacy.Minimal }, false},
		"objections": {privacy.Own{Objections: privacy.Ignore}, func(p *privacy.Policy) { p.IgnoreObjection = true }, false},
		"heed":       {privacy.Own{Objections: privacy.Heed}, func(*privacy.Policy) {}, false},
		"shorter": {privacy.Own{Retention: month}, func(p *privacy.Policy) {
			p.Retention, p.Ageing.Hour = month, privacy.Period{}
		}, false},
		"as long as a part": {privacy.Own{Retention: year}, func(p *privacy.Policy) { p.Retention, p.Ageing.Hour = year, privacy.Period{} }, false},
		"as long":           {privacy.Own{Retention: policy.Retention}, func(*privacy.Policy) {}, false},
		"longer":            {privacy.Own{Retention: privacy.Period{Years: 4}}, func(*privacy.Policy) {}, true},
	} {
		want := policy
		c.want(&want)
		got := policy.Of(c.own)
		if got != want || got.Validate() != nil {
			t.Errorf("%s: %s, %v; want %s", name, got, got.Validate(), want)
		}
		if err := policy.Allows(c.own); errors.Is(err, privacy.ErrLonger) != c.longer {
			t.Errorf("%s: %v", name, err)
		}
	}
	policy.IgnoreObjection = true
	if policy.Of(privacy.Own{Objections: privacy.Heed}).IgnoreObjection {
		t.Error("a site that heeds objections ignores them")
	}
}

// TestTerms: rows that were deleted under a shorter retention of a site are not back under a
// longer one, and a site that never had one says nothing.
func TestTerms(t *testing.T) {
	day := func(s string) time.Time {
		at, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	now := day("2026-11-24")
	term := func(since string, period privacy.Period) privacy.Term {
		return privacy.Term{Retention: period, Since: day(since)}
	}
	short := privacy.Period{Days: 10}
	for name, c := range map[string]struct {
		terms        privacy.Terms
		rows, folded string // "": nothing
	}{
		"none":     {nil, "", ""},
		"of all":   {privacy.Terms{term("2026-01-01", privacy.Period{})}, "", ""},
		"short":    {privacy.Terms{term("2026-01-01", short)}, "2026-11-16", "2026-11-01"},
		"over":     {privacy.Terms{term("2026-01-01", short), term("2026-06-11", privacy.Period{})}, "2026-06-03", "2026-06-01"},
		"longer":   {privacy.Terms{term("2026-01-01", short), term("2026-06-11", privacy.Period{Years: 1})}, "2026-06-03", "2026-06-01"},
		"to begin": {privacy.Terms{term("2026-11-25", short)}, "2026-11-16", "2026-11-01"}, // the clock was set back
	} {
		at := func(s string) calendar.Day {
			if s == "" {
				return 0
			}
			return calendar.DayOf(day(s))
		}
		if rows, folded := c.terms.RowsSince(now), c.terms.FoldedSince(now); rows != at(c.rows) || folded != at(c.folded) {
			t.Errorf("%s: rows since %s, folded since %s; want %s, %s", name, rows, folded, c.rows, c.folded)
		}
	}
}
