package visit_test

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/collector/visit"
	"github.com/fotspor/fotspor/hit"
)

// TestSourcesBeginVisits: for random sequences of sources, kinds and times, the rows of a
// day add up. Each visit has one first row, one source and one entry. It is a bounce if
// and only if it began with a view and had no further interaction. Its seconds are its
// duration. It ends before a view from outside by another source.
func TestSourcesBeginVisits(t *testing.T) {
	start := time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		now := start
		tracker := visit.New(visit.Options{Now: func() time.Time { return now }})
		type sum struct {
			source, campaign, entry string
			began, last             time.Time
			viewed                  bool // began with a view
			done                    int  // interactions
			bounces, seconds        int32
		}
		var visits []sum
		var visitors, counted int32
		for range rapid.IntRange(1, 40).Draw(t, "hits") {
			now = now.Add(rapid.SampledFrom([]time.Duration{
				0, 400 * time.Millisecond, 10 * time.Second, 29 * time.Minute, visit.Silence, visit.Silence + time.Second,
			}).Draw(t, "pause"))
			h := hit.Hit{
				Site: 1, Time: now, Addr: hit.NewAddr(netip.MustParseAddr("192.0.2.1")), UserAgent: "a",
				Kind:     rapid.SampledFrom([]hit.Kind{hit.Pageview, hit.Pageview, hit.Event, hit.Ping}).Draw(t, "kind"),
				Passive:  rapid.IntRange(0, 9).Draw(t, "passive") == 0,
				NewVisit: rapid.IntRange(0, 9).Draw(t, "new visit") == 0,
			}
			source := rapid.SampledFrom([]string{"", "Google", "nrk.no", "brev"}).Draw(t, "source")
			row := hit.Row{Path: rapid.SampledFrom([]string{"/", "/a", "/b"}).Draw(t, "path"), Channel: "direct", Source: source}
			if source != "" {
				row.Channel = "website"
				h.Arrives = h.Kind == hit.Pageview && rapid.Bool().Draw(t, "arrives")
			}
			if source == "brev" {
				row.Channel, row.Campaign = "campaign", rapid.SampledFrom([]string{"uke27", "UKE27", "uke28"}).Draw(t, "campaign")
			}
			sent := row
			over := len(visits) == 0 || now.Sub(visits[len(visits)-1].last) > visit.Silence
			if kept := tracker.Observe(&h, &row, time.UTC); kept != !(over && h.Kind == hit.Ping) {
				t.Fatalf("%s of a visit that is over (%t): kept %t", h.Kind, over, kept)
			} else if !kept {
				continue
			}
			begins := over
			if !over && h.Kind != hit.Ping {
				v := visits[len(visits)-1]
				same := v.source == sent.Source && (v.campaign == sent.Campaign || v.campaign+sent.Campaign == "uke27UKE27" || v.campaign+sent.Campaign == "UKE27uke27")
				begins = h.NewVisit || h.Arrives && !same
			}
			if begins != (row.Visits == 1) || row.Visits > 1 {
				t.Fatalf("visits %d, want a new one %t: %+v", row.Visits, begins, sent)
			}
			if begins {
				visits = append(visits, sum{source: sent.Source, campaign: sent.Campaign, entry: sent.Path, began: now, viewed: h.Kind == hit.Pageview && !h.Passive})
				if row.PreviousPath != "" || row.Seconds != 0 {
					t.Fatalf("previous page %q and %d seconds on the first row of a visit", row.PreviousPath, row.Seconds)
				}
			}
			v := &visits[len(visits)-1]
			if row.Source != v.source || row.Campaign != v.campaign || row.EntryPath != v.entry {
				t.Fatalf("row of %q, %q from %q, in a visit of %q, %q from %q", row.Source, row.Campaign, row.EntryPath, v.source, v.campaign, v.entry)
			}
			if h.Kind != hit.Ping && !h.Passive {
				v.done++
			}
			v.last, v.bounces, v.seconds = now, v.bounces+row.Bounces, v.seconds+row.Seconds
			visitors, counted = visitors+row.Visitors, counted+row.Visits
		}
		for i, v := range visits {
			bounce := int32(0)
			if v.viewed && v.done == 1 {
				bounce = 1
			}
			if v.bounces != bounce {
				t.Errorf("visit %d: bounces %d, want %d", i, v.bounces, bounce)
			}
			if want := int32(v.last.Sub(v.began) / time.Second); v.seconds != want {
				t.Errorf("visit %d: %d seconds, want %d", i, v.seconds, want)
			}
		}
		if int(counted) != len(visits) || len(visits) > 0 && visitors != 1 {
			t.Errorf("visits %d and visitors %d of %d visits of one visitor", counted, visitors, len(visits))
		}
	})
}

// TestVisitorsWhoShareOneGoOn: visitors who share one may be different people, so another
// source begins no visit.
func TestVisitorsWhoShareOneGoOn(t *testing.T) {
	now := time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC)
	tracker := visit.New(visit.Options{Now: func() time.Time { return now }, NewVisitors: 0.01})
	visits := int32(0)
	for i := range 50 {
		addr := netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
		h := hit.Hit{Site: 1, Time: now, Addr: hit.NewAddr(addr), UserAgent: "a", Kind: hit.Pageview, Arrives: true}
		row := hit.Row{Path: "/", Channel: "campaign", Campaign: string(rune('a' + i%20))}
		tracker.Observe(&h, &row, time.UTC)
		visits += row.Visits
	}
	if visits != 2 { // one of the visitor who was allowed to be new, one of all others
		t.Errorf("%d visits, want 2", visits)
	}
}

// TestEarlierSourceMakesNoTimePass: a hit that claims an earlier time and comes by another
// source begins a visit, and no second is counted twice.
func TestEarlierSourceMakesNoTimePass(t *testing.T) {
	now := time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC)
	tracker := visit.New(visit.Options{Now: func() time.Time { return now }})
	seconds := int32(0)
	for _, c := range []struct {
		ago    time.Duration
		source string
	}{{20 * time.Minute, ""}, {5 * time.Minute, ""}, {15 * time.Minute, "brev"}, {0, "brev"}} {
		h := hit.Hit{Site: 1, Time: now.Add(-c.ago), Addr: hit.NewAddr(netip.MustParseAddr("192.0.2.1")), Kind: hit.Pageview, Arrives: c.source != ""}
		row := hit.Row{Path: "/", Source: c.source}
		tracker.Observe(&h, &row, time.UTC)
		seconds += row.Seconds
	}
	if want := int32(20 * 60); seconds != want {
		t.Errorf("%d seconds, want %d", seconds, want)
	}
}
