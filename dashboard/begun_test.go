package dashboard_test

import (
	"strings"
	"testing"

	"github.com/fotspor/fotspor/calendar"
)

// TestSitesBegunMeanwhile: the list of sites compares a site that has begun to count since the
// list was last read, as all other pages do. What was known then depended on which page came
// first.
func TestSitesBegunMeanwhile(t *testing.T) {
	b := newBench(t)
	b.logIn() // which shows the list
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	put(t, b.store, "story", rowsOf(site, tell(5, site, calendar.DayOf(moment)-20, calendar.DayOf(moment), 6, moment)))
	for _, path := range []string{"/sites.json?period=7d", "/sites/1.json?period=7d", "/sites.json?period=7d"} {
		if got := b.get(path).body; !strings.Contains(got, `"before":{"visitors"`) && !strings.Contains(got, `"totals_before"`) {
			t.Errorf("%s compares nothing: %s", path, got)
		}
	}
}
