package collector_test

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/collector"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
)

// aim gives site 1 of a rig goals.
func aim(t *testing.T, r *rig, goals ...site.Goal) {
	t.Helper()
	one := &r.sites[0]
	for _, g := range goals {
		if err := one.AddGoal(g); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.options.Sites.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestGoals follows two visits of a visitor: each reaches a goal once, in a row with the
// properties of the visit, and nothing else changes.
func TestGoals(t *testing.T) {
	rigs := [2]*rig{newRig(t, nil), newRig(t, nil)}
	aim(t, rigs[0],
		site.Goal{Name: "Takk", Kind: hit.Pageview, Pattern: "/kurs/*/takk"},
		site.Goal{Name: "Kurs", Kind: hit.Pageview, Pattern: "/kurs/*"},
		site.Goal{Name: "Send", Kind: hit.Event, Pattern: "Skjema / Send*"},
		site.Goal{Name: "Rapport", Kind: hit.Download, Pattern: "/*.pdf"},
		site.Goal{Name: "Vipps", Kind: hit.Outlink, Pattern: "vipps.no/*"},
		site.Goal{Name: "Søk", Kind: hit.Event, Pattern: "*404*"})
	var rows [2][]hit.Row
	for i, r := range rigs {
		r.view("/&ref=https://nrk.no/")
		r.now = r.now.Add(20 * time.Second)
		r.view("/kurs/sveising&ref=https://example.org/")
		r.view("/kurs/sveising/takk&ref=https://example.org/kurs/sveising")
		r.view("/kurs/sveising/takk&ref=https://example.org/kurs/sveising")
		for _, did := range []string{
			"e_c=Skjema&e_a=Send&e_n=kontakt", "e_c=Skjema&e_a=Send", "link=https://vipps.no/gi/7", "link=https://other.example/",
			"download=https://example.org/fil/2026.pdf", "search=*404*", "action_name=" + url.QueryEscape("404/URL = /borte/From = "),
		} {
			r.send(request{target: "/matomo.php?idsite=1&rec=1&url=https://example.org/om&" + did})
		}
		r.now = r.now.Add(31 * time.Minute)
		r.view("/kurs/maling")
		rows[i] = r.stored()
	}
	var hits, goals []hit.Row
	for _, row := range rows[0] {
		if row.Kind == hit.Goal {
			goals = append(goals, row)
		} else {
			hits = append(hits, row)
		}
	}
	if diff := cmp.Diff(rows[1], hits); diff != "" {
		t.Errorf("rows of hits with goals (-without +with):\n%s", diff)
	}
	goal := func(name, path, previous string, change ...func(*hit.Row)) hit.Row {
		return row(append([]func(*hit.Row){at(path), done(hit.Goal, name, 0), func(r *hit.Row) {
			r.Time, r.EntryPath, r.PreviousPath, r.Channel, r.Source = evening.Add(20*time.Second), "/", previous, "website", "nrk.no"
			r.Visits, r.Visitors, r.Conversions = 0, 0, 1
		}}, change...)...)
	}
	want := []hit.Row{
		goal("Kurs", "/kurs/sveising", "/"),
		goal("Takk", "/kurs/sveising/takk", "/kurs/sveising"),
		goal("Send", "/om", "/kurs/sveising/takk"),
		goal("Vipps", "/om", "/kurs/sveising/takk"),
		goal("Rapport", "/om", "/kurs/sveising/takk"),
		goal("Kurs", "/kurs/maling", "", func(r *hit.Row) {
			r.Time, r.EntryPath, r.Channel, r.Source = r.Time.Add(31*time.Minute), "/kurs/maling", "direct", ""
		}),
	}
	if diff := cmp.Diff(want, goals); diff != "" {
		t.Errorf("rows of goals (-want +got):\n%s", diff)
	}
}

// TestManyGoals: a hit may reach all 32 goals, and a bulk request reserves space for that.
func TestManyGoals(t *testing.T) {
	var goals []site.Goal
	for i := range site.MaxGoals {
		goals = append(goals, site.Goal{Name: fmt.Sprint("mål ", i), Kind: hit.Pageview, Pattern: "/*"})
	}
	r := newRig(t, func(o *collector.Options) { o.Spool = openSpool(t, t.TempDir(), 3*(2+site.MaxGoals)<<13) })
	aim(t, r, goals...)
	bulk := `{"requests":["?idsite=1&rec=1&url=/a","?idsite=1&rec=1&url=/b","?idsite=1&rec=1&url=/c"]}`
	if w := r.send(request{target: "/matomo.php", body: bulk}); w.Code != 200 {
		t.Fatalf("status %d", w.Code)
	}
	rows := r.stored()
	names := map[string]int{}
	for _, row := range rows {
		names[row.Name] += int(row.Conversions)
	}
	if len(rows) != 3+site.MaxGoals || len(names) != 1+site.MaxGoals || names["mål 31"] != 1 {
		t.Errorf("%d rows, conversions %v", len(rows), names)
	}
	// With one row less than the worst case needs, the request is refused before the visit
	// observes it.
	r = newRig(t, func(o *collector.Options) { o.Spool = openSpool(t, t.TempDir(), 3*(1+site.MaxGoals)<<13) })
	aim(t, r, goals...)
	if w := r.send(request{target: "/matomo.php", body: bulk}); w.Code != 503 {
		t.Errorf("status %d, want 503", w.Code)
	}
}

// TestNoGoals: parts of a hit that are not kept reach no goal.
func TestNoGoals(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*collector.Options)
		site   func(*site.Site)
		send   request
	}{
		"minimal policy":         {change: minimal, send: request{target: "/pixel.gif?site=1&url=/takk"}},
		"minimal policy of site": {site: func(s *site.Site) { s.Record = privacy.Minimal }, send: request{target: "/pixel.gif?site=1&url=/takk"}},
		"objection":              {send: request{target: "/pixel.gif?site=1&url=/takk", header: map[string]string{"DNT": "1"}}},
		"bot":                    {send: request{target: "/pixel.gif?site=1&url=/takk", header: map[string]string{"User-Agent": "Googlebot/2.1"}}},
		"another site":           {send: request{target: "/matomo.php?idsite=2&rec=1&url=https://other.example/takk"}},
		"another kind":           {send: request{target: "/matomo.php?idsite=1&rec=1&url=https://example.org/takk&e_c=/takk&e_a=/takk"}},
		"what a rule marks":      {site: func(s *site.Site) { s.PathRules = []string{"/*"} }, send: request{target: "/pixel.gif?site=1&url=/takk"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, tt.change)
			if tt.site != nil {
				r.sites = slices.Clone(r.sites)
				tt.site(&r.sites[0])
			}
			aim(t, r, site.Goal{Name: "Takk", Kind: hit.Pageview, Pattern: "/takk"})
			r.send(tt.send)
			for _, row := range r.stored() {
				if row.Kind == hit.Goal || row.Conversions != 0 {
					t.Errorf("row %+v", row)
				}
			}
		})
	}
}
