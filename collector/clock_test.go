package collector_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/collector"
	"github.com/fotspor/fotspor/collector/limit"
	"github.com/fotspor/fotspor/collector/visit"
)

// TestClockSteps: when the clock is set, rows and lines of the ledger have its time and day
// from the next hit on, and no hit is refused.
func TestClockSteps(t *testing.T) {
	for name, steps := range map[string][]string{
		"hours":  {"2026-07-09 00:30:00", "2026-07-08 22:30:00", "2026-07-08 23:59:00", "2026-07-09 00:00:00", "2026-07-09 02:00:00"},
		"days":   {"2026-07-09 12:00:00", "2026-07-06 12:00:00", "2026-07-06 12:00:10", "2026-07-09 12:00:10"},
		"months": {"2026-07-09 00:10:00", "2026-02-09 00:10:00", "2026-02-09 23:59:59", "2026-02-10 00:00:00", "2026-07-09 00:10:30"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(o *collector.Options) {
				o.Limit = limit.New(limit.Options{Rate: 10, Burst: 2, Now: o.Now})
			})
			oslo := r.sites[0].Location
			var want, got []string
			for _, step := range steps {
				at, err := time.ParseInLocation(time.DateTime, step, oslo)
				if err != nil {
					t.Fatal(err)
				}
				r.now = at
				r.view("/")
				r.now = at.Add(500 * time.Millisecond)
				r.send(request{target: "/pixel.gif?site=1&url=/", header: map[string]string{"User-Agent": "Googlebot/2.1"}})
				want = append(want, step)
			}
			for i, row := range r.stored() {
				in := row.Time.In(oslo)
				got = append(got, in.Format(time.DateTime))
				if row.Day != calendar.DayOf(in) || r.ledger[i].Day != calendar.DayOf(in) {
					t.Errorf("at %v the day is %v, and in the ledger %v", in, row.Day, r.ledger[i].Day)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("moments (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNewVisitorsByToken: any number of visitors whose addresses come with a token are
// counted as new; those that a sender makes up by ua= are limited.
func TestNewVisitorsByToken(t *testing.T) {
	for name, c := range map[string]struct {
		query    string
		visitors int32
	}{
		"made up":      {"", 2},
		"with a token": {"&cip=203.0.113.9&token_auth=hemmelig", 20},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(o *collector.Options) {
				o.Visits = visit.New(visit.Options{Now: o.Now, NewVisitors: 0.01})
			})
			for i := range 20 {
				r.send(request{target: "/matomo.php?idsite=1&rec=1&url=/&ua=" + url.QueryEscape(firefox+string(rune('a'+i))) + c.query})
			}
			var visitors, pageviews int32
			for _, row := range r.stored() {
				visitors += row.Visitors
				pageviews += row.Pageviews
			}
			if visitors != c.visitors || pageviews != 20 {
				t.Errorf("%d visitors and %d page views, want %d and 20", visitors, pageviews, c.visitors)
			}
		})
	}
}
