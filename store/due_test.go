package store_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/schema"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestDue: a backfill knows which rows are past their time, by the policy and by what a site has for
// itself, and of which days of such a site the rows were gone.
func TestDue(t *testing.T) {
	st := storetest.Open(t)
	policy := privacy.Default()
	policy.Retention = privacy.Period{Days: 90}
	if where, err := st.Due(t.Context()); where != "0" || err != nil {
		t.Errorf("without a policy %q, %v", where, err)
	}
	if err := st.ChangePolicy(t.Context(), 0, policy); err != nil {
		t.Fatal(err)
	}
	for _, own := range []privacy.Period{{}, {Days: 30}} {
		if _, err := st.AddSite(t.Context(), site.Site{Name: "Example", Hosts: []string{"example.org"}, Location: time.UTC, Retention: own}); err != nil {
			t.Fatal(err)
		}
	}
	today := calendar.DayOf(time.Now().UTC())
	var rows []hit.Row
	for _, id := range []uint32{1, 2} {
		for _, ago := range []calendar.Day{0, 30, 31, 90, 91} {
			rows = append(rows, hit.Row{Site: id, Day: today - ago, Time: (today - ago).Time(), Kind: hit.Pageview, Path: "/", Pageviews: 1})
		}
	}
	mustInsert(t, st, hit.Batch{Rows: rows}, "rows")
	where, err := st.Due(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := query(t, st, "SELECT groupArray((site, today() - day)) FROM (SELECT site, day FROM hits WHERE "+where+" ORDER BY site, day DESC)"); got != "[(1,91),(2,31),(2,90),(2,91)]" {
		t.Errorf("past their time are %s", got)
	}

	attached := today.Time()
	month := privacy.Terms{{Retention: privacy.Period{Days: 30}, Since: attached.AddDate(0, -2, 0)}}
	terms := map[uint32]privacy.Terms{2: month, 3: {{Since: attached.AddDate(0, -2, 0)}}, 4: {{Retention: privacy.Period{Days: 7}, Since: attached.Add(time.Hour)}}}
	whole, part := report.Gap{Table: "daily"}, report.Gap{Table: "moves", Before: today - 10}
	got := store.GapsOfSites([]schema.Gap{{Gap: whole, Attached: attached}, {Gap: part, Attached: attached}}, terms)
	whole.OfSites = map[uint32]calendar.Day{2: month.RowsSince(attached)}
	if want := []report.Gap{whole, part}; !reflect.DeepEqual(got, want) {
		t.Errorf("gaps %+v, want %+v", got, want)
	}
	if got := store.GapsOfSites([]schema.Gap{{Gap: report.Gap{Table: "daily"}, Attached: attached}}, nil); got != nil {
		t.Errorf("gaps %+v of what is counted", got)
	}
}
