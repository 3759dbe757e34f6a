package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// title is one of a page of site 1.
func title(path, text string, day calendar.Day, visitors uint8) hit.PageTitle {
	return hit.PageTitle{Site: 1, Path: path, Title: text, Day: day, Visitors: visitors}
}

// wantTitles checks the titles of some pages of site 1.
func wantTitles(t *testing.T, st *store.Store, paths []string, want map[string]string) {
	t.Helper()
	got, err := st.PageTitles(t.Context(), 1, paths)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("titles (-want +got):\n%s", diff)
	}
}

// TestPageTitles: the title of a page is that of the last day, and of that day the one that
// most visitors saw, in any order. An insert that comes again does nothing.
func TestPageTitles(t *testing.T) {
	st := storetest.Open(t)
	const day = 20_784
	long := "/" + strings.Repeat("å", 500)
	batches := []hit.Batch{
		{Titles: []hit.PageTitle{
			title("/", "Forsiden", day, 5), title("/om", "Om", day, 10), title("/om", "Om oss", day, 5), title("/ny", "Ny", day+1, 5),
			title(long, "Lang \\ ' \n side", day, 5), {Site: 2, Path: "/", Title: "Et annet sted", Day: day + 9, Visitors: 20},
		}},
		{Titles: []hit.PageTitle{title("/", "Hjem", day+1, 5), title("/om", "Om meg", day, 9), title("/ny", "Gammel", day, 20), title("/alene", "Alene", day, 5)}},
	}
	for i, b := range batches {
		mustInsert(t, st, b, fmt.Sprint(i))
		mustInsert(t, st, b, fmt.Sprint(i))
	}
	want := map[string]string{"/": "Hjem", "/om": "Om", "/ny": "Ny", long: "Lang \\ ' \n side", "/alene": "Alene"}
	paths := []string{"/", "/om", "/ny", long, "/alene", "/nowhere", "/[other]", ""}
	wantTitles(t, st, paths, want)
	wantTitles(t, st, []string{"/om"}, map[string]string{"/om": "Om"})
	wantTitles(t, st, nil, map[string]string{})
	many := make([]string, 10_000)
	for i := range many {
		many[i] = fmt.Sprint(long, i)
	}
	wantTitles(t, st, append(many, paths...), want)
}

// TestTitlesAndDeletion: a title outlives the rows of its page, whether they are erased or
// past their time. It goes when so many visitors have not seen it for as long as rows live,
// or when its site keeps none.
func TestTitlesAndDeletion(t *testing.T) {
	st := storetest.Open(t)
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	today := calendar.DayOf(now)
	one, err := st.AddSite(t.Context(), site.Site{Name: "One", Hosts: []string{"one.example"}, Location: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	row := hit.Row{Site: one.ID, Time: now.Add(-time.Hour), Day: today, Kind: hit.Pageview, Path: "/new", Network: "203.0.0.0/16", Pageviews: 1}
	past := row
	past.Time, past.Day, past.Path = now.AddDate(-4, 0, 0), today-4*366, "/ancient"
	mustInsert(t, st, hit.Batch{
		Rows:   []hit.Row{row, past},
		Titles: []hit.PageTitle{title("/new", "New", today, 5), title("/old", "Old", today-100, 9), title("/ancient", "Ancient", past.Day, 9)},
	}, "a")
	paths := []string{"/new", "/old", "/ancient"}

	for _, tt := range []struct {
		name   string
		change func(*privacy.Policy)
		record privacy.Record // of the site
		gone   int64
	}{
		{"none", func(p *privacy.Policy) { p.TitleVisitors = 0 }, "", 3},
		{"minimal", func(p *privacy.Policy) { p.Record = privacy.Minimal }, "", 3},
		{"minimal site", func(*privacy.Policy) {}, privacy.Minimal, 3},
		{"standard site", func(p *privacy.Policy) { p.Record = privacy.Minimal }, privacy.Standard, 1},
		{"shorter", func(p *privacy.Policy) { p.Retention = privacy.Period{Days: 90} }, "", 2},
		{"more visitors", func(p *privacy.Policy) { p.TitleVisitors = 8 }, "", 2},
		{"as before", func(*privacy.Policy) {}, "", 1},
	} {
		if one.Record != tt.record {
			one.Record = tt.record
			if err := storetest.PutSite(t.Context(), st, one); err != nil {
				t.Fatal(err)
			}
		}
		policy := privacy.Default()
		tt.change(&policy)
		found, err := st.TitlesUnder(policy).Before(t.Context(), policy.Retention.Cutoff(now))
		if err != nil || found.Rows != tt.gone {
			t.Errorf("%s: %d titles are not kept, %v, want %d", tt.name, found.Rows, err, tt.gone)
		}
	}

	policy := privacy.Default()
	cutoff := policy.Retention.Cutoff(now)
	if n, err := chooseAndErase(t.Context(), st, privacy.Selection{Network: "203.0.0.0/16", From: now.AddDate(-1, 0, 0), To: now}, noNote); n.Rows != 1 || err != nil {
		t.Fatalf("erased %d rows, %v", n.Rows, err)
	}
	if err := st.DeleteBefore(t.Context(), cutoff); err != nil {
		t.Fatal(err)
	}
	if got := query(t, st, "SELECT count() FROM hits"); got != "0" {
		t.Fatalf("%s rows are left", got)
	}
	wantTitles(t, st, paths, map[string]string{"/new": "New", "/old": "Old", "/ancient": "Ancient"})
	old := st.TitlesUnder(policy)
	if err := old.DeleteBefore(t.Context(), cutoff); err != nil {
		t.Fatal(err)
	}
	wantTitles(t, st, paths, map[string]string{"/new": "New", "/old": "Old"})
	if found, err := old.Before(t.Context(), cutoff); err != nil || found != (privacy.Held{}) {
		t.Errorf("found %+v, %v, after the deletion", found, err)
	}
	if got := query(t, st, "SELECT count() FROM system.parts WHERE table = 'titles' AND database = currentDatabase() AND NOT active"); got != "0" {
		t.Errorf("%s parts with deleted titles are on the disk", got)
	}
}
