package privacy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/privacy"
)

// TestCNIL: each point follows the setting that fills it in, of each site, and has its words.
func TestCNIL(t *testing.T) {
	preset := func(name string) privacy.Policy {
		return privacy.Presets[slices.IndexFunc(privacy.Presets, func(p privacy.Preset) bool { return p.Name == name })].Policy
	}
	month := func(n int) privacy.Period { return privacy.Period{Months: n} }
	for name, c := range map[string]struct {
		change func(*privacy.Policy, *privacy.PapersSite)
		want   string // points that are not as by default
	}{
		"default":               {func(*privacy.Policy, *privacy.PapersSite) {}, ""},
		"rows of 25 months":     {func(p *privacy.Policy, _ *privacy.PapersSite) { p.Retention = month(25) }, "rows met"},
		"rows of 26 months":     {func(p *privacy.Policy, _ *privacy.PapersSite) { p.Retention = month(26) }, ""},
		"two years and a month": {func(p *privacy.Policy, _ *privacy.PapersSite) { p.Retention = privacy.Period{Years: 2, Months: 1} }, "rows met"},
		"rows of one site":      {func(_ *privacy.Policy, s *privacy.PapersSite) { s.Policy.Retention = month(25) }, ""},
		"totals":                {func(p *privacy.Policy, _ *privacy.PapersSite) { p.Retention, p.Totals = month(25), month(25) }, "rows met, totals met"},
		"totals for longer":     {func(p *privacy.Policy, _ *privacy.PapersSite) { p.Totals = privacy.Period{Years: 3} }, ""},
		"rounded to ten":        {func(p *privacy.Policy, _ *privacy.PapersSite) { p.Rounding = 10 }, "rounding met"},
		"rounded to less":       {func(p *privacy.Policy, _ *privacy.PapersSite) { p.Rounding = 5 }, ""},
		"rounded to a dozen":    {func(p *privacy.Policy, _ *privacy.PapersSite) { p.Rounding = 12 }, ""},
		"preset":                {func(p *privacy.Policy, _ *privacy.PapersSite) { *p = preset("cnil") }, "rows met, totals met, rounding met"},
		"no choice":             {func(_ *privacy.Policy, s *privacy.PapersSite) { s.Choice = false }, "optout unmet"},
		"choice elsewhere": {func(_ *privacy.Policy, s *privacy.PapersSite) {
			s.Choice, s.OptOut.Page = false, "https://example.no/personvern"
		}, ""},
		"minimal": {func(p *privacy.Policy, _ *privacy.PapersSite) { p.Record = privacy.Minimal }, "events met"},
	} {
		policy := privacy.Default()
		sites := []privacy.PapersSite{{Choice: true}, {Choice: true}}
		c.change(&policy, &sites[0])
		for i := range sites {
			own := sites[i].Policy.Retention
			sites[i].Policy = policy.Of(privacy.Own{Retention: own})
		}
		usual := map[string]privacy.Verdict{"rows": privacy.Unmet, "totals": privacy.Unmet, "tracker": privacy.Met, "optout": privacy.Met, "referrer": privacy.Met,
			"rounding": privacy.Unmet, "events": privacy.Decide, "publisher": privacy.Decide, "others": privacy.Decide}
		var differ []string
		points := privacy.CNIL(policy, sites)
		for _, point := range points {
			if usual[point.Key] != point.Verdict {
				differ = append(differ, fmt.Sprint(point.Key, " ", point.Verdict))
			}
			for _, lang := range i18n.All() {
				if _, err := lang.Text("cnil." + point.Key); err != nil {
					t.Errorf("%s: %v", point.Key, err)
				}
			}
		}
		if got := strings.Join(differ, ", "); got != c.want || len(points) != len(usual) {
			t.Errorf("%s: %d points, not as by default are %q, want %q", name, len(points), got, c.want)
		}
	}
	shorter := privacy.Default().Of(privacy.Own{Retention: month(25)})
	if points := privacy.CNIL(privacy.Default(), []privacy.PapersSite{{Statement: privacy.Statement{Policy: shorter}}}); points[0].Verdict != privacy.Met {
		t.Error("rows that live shorter on all sites don't meet the point")
	}
	if points := privacy.CNIL(privacy.Default(), nil); points[0].Verdict != privacy.Unmet {
		t.Error("without a site the rows of three years meet the point")
	}
}
