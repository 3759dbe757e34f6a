package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// onDisk returns the files of the tables of a store that hold a text.
func onDisk(t *testing.T, st *store.Store, text string) []string {
	t.Helper()
	var found []string
	for _, dir := range strings.Split(query(t, st, "SELECT arrayJoin(data_paths) FROM system.tables WHERE database = currentDatabase() AND data_paths != []"), "\n") {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			if err == nil && bytes.Contains(data, []byte(text)) {
				found = append(found, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// plain lets a store write texts as they are, so that a test finds them on the disk.
func plain(t *testing.T, st *store.Store) {
	t.Helper()
	for _, table := range []string{"daily", "monthly", "campaigns", "moves", "ledger", "titles", "hits", "cube"} {
		var alter []string
		for _, column := range strings.Split(query(t, st, "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = '"+table+"' AND type LIKE '%String%' AND default_kind = ''"), "\n") {
			alter = append(alter, "MODIFY COLUMN "+column+" CODEC(NONE)")
		}
		if err := st.Exec(t.Context(), "ALTER TABLE "+table+" "+strings.Join(alter, ", ")); err != nil {
			t.Fatal(err)
		}
	}
}

var foldMonth = calendar.DayOf(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))

// fewRow is a page view of a visitor of a day who sees nothing else.
func fewRow(day calendar.Day, path string) hit.Row {
	return hit.Row{
		Site: 1, Time: day.Time().Add(time.Hour), Day: day, Kind: hit.Pageview, Path: path, EntryPath: path, Channel: "website", Source: "example.com",
		Country: "NO", Region: "NO-50", Browser: "Firefox", BrowserVersion: "150", OS: "Linux", Device: "desktop", Language: "nb",
		Pageviews: 1, Visits: 1, Visitors: 1, PageVisitors: 1, SectionVisitors: 1, Bounces: 1,
	}
}

// TestFold: what fewer than five did in a month that is over is counted under [other], page
// by section where the section has five, and its texts are off the disk. What five did stays,
// and so does all of a month that is not over.
func TestFold(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the disk")
	}
	st := storetest.Open(t)
	plain(t, st)
	rare := 0
	text := func() string { rare++; return fmt.Sprintf("RAREMARK%d", rare) }
	var batch hit.Batch
	for i := range calendar.Day(6) { // of many
		row := fewRow(foldMonth+i, "/helse/a")
		row.Campaign, row.CampaignMedium, row.PreviousPath = "sommer", "epost", "/helse/a"
		search := fewRow(foldMonth+i, "/helse/a")
		search.Kind, search.Name, search.Value = hit.Search, "time", 3
		search.Pageviews, search.Visits, search.Visitors, search.PageVisitors, search.SectionVisitors, search.Bounces = 0, 0, 0, 0, 0, 0
		batch.Rows = append(batch.Rows, row, search)
		batch.Ledger = append(batch.Ledger, hit.LedgerEntry{Site: 1, Day: foldMonth + i, Reason: hit.ForeignHost, Name: "often.example", Count: 1})
	}
	few := func(day calendar.Day, path string) hit.Row {
		row := fewRow(day, path)
		row.Source, row.Region, row.BrowserVersion, row.OS, row.Language = text(), text(), text(), text(), text()
		row.Campaign, row.CampaignSource, row.CampaignTerm = text(), text(), text()
		row.PreviousPath, row.EntryPath = "/"+text(), "/helse/"+text()
		return row
	}
	of := func(row hit.Row, kind hit.Kind, name string) hit.Row {
		row.Kind, row.Name = kind, name
		row.Pageviews, row.Visits, row.Visitors, row.PageVisitors, row.SectionVisitors, row.Bounces = 0, 0, 0, 0, 0, 0
		return row
	}
	helse, alene := few(foldMonth, "/helse/"+text()), few(foldMonth+30, "/"+text()+"/b")
	campaign := fewRow(foldMonth, "/helse/a") // of a campaign that many have, with a term that one has
	campaign.Campaign, campaign.CampaignTerm = "sommer", text()
	batch.Rows = append(batch.Rows, helse, alene, campaign,
		of(few(foldMonth+1, "/helse/a"), hit.Search, text()), of(few(foldMonth+1, "/helse/a"), hit.Download, "https://example.com/"+text()),
		of(few(foldMonth+1, "/helse/a"), hit.Event, text()), of(few(foldMonth+1, "/helse/a"), hit.Event, "404 / /"+text()), of(few(foldMonth+1, "/helse/a"), hit.Outlink, text()))
	batch.Ledger = append(batch.Ledger, hit.LedgerEntry{Site: 1, Day: foldMonth + 1, Reason: hit.ForeignHost, Name: text(), Count: 1})
	batch.Titles = []hit.PageTitle{{Site: 1, Path: "/" + text(), Title: text(), Day: foldMonth + 40, Visitors: 5}, {Site: 1, Path: "/helse/a", Title: "A", Day: foldMonth + 1, Visitors: 5}}
	keep := fewRow(foldMonth+31, "/KEEPMARK")
	batch.Rows = append(batch.Rows, keep)
	mustInsert(t, st, batch, "a")
	cutoff := (foldMonth + 31).Time()
	if err := st.DeleteBefore(t.Context(), cutoff); err != nil {
		t.Fatal(err)
	}
	if len(onDisk(t, st, "RAREMARK")) == 0 || len(onDisk(t, st, "KEEPMARK")) == 0 {
		t.Fatal("the texts are not found on the disk before")
	}
	sums := foldSums(t, st)
	fold := st.Few(5)
	if n, err := fold.Lines(t.Context(), (foldMonth + 30).Time()); err != nil || n != 1 { // only the title without a line
		t.Errorf("before the month is over there are %d lines of few, %v", n, err)
	}
	if err := fold.Fold(t.Context(), cutoff, 0); err != nil {
		t.Fatal(err)
	}
	if n, err := fold.Lines(t.Context(), cutoff); err != nil || n != 0 {
		t.Errorf("%d lines of few are left, %v", n, err)
	}
	if got := foldSums(t, st); got != sums {
		t.Errorf("the sums are\n%s\nand were\n%s", got, sums)
	}
	if left := onDisk(t, st, "RAREMARK"); len(left) > 0 {
		t.Errorf("on the disk in %v", left)
	}
	if len(onDisk(t, st, "KEEPMARK")) == 0 {
		t.Error("a month that is not over was folded")
	}
	for sql, want := range map[string]string{
		"SELECT value, sum(pageviews) FROM monthly WHERE dimension = 'page' AND month = '2026-01-01' GROUP BY value ORDER BY value":                                                  "/[other]\t1\n/helse/[other]\t1\n/helse/a\t7",
		"SELECT value, sum(visits) FROM daily WHERE dimension = 'entry' AND day < '2026-02-01' GROUP BY value ORDER BY value":                                                        "/helse/[other]\t2\n/helse/a\t7",
		"SELECT value, detail, sum(visits) FROM daily WHERE dimension = 'source' AND day < '2026-02-01' GROUP BY ALL ORDER BY ALL":                                                   "website\t[other]\t2\nwebsite\texample.com\t7",
		"SELECT value, detail, sum(events) FROM daily WHERE dimension = 'search' GROUP BY ALL ORDER BY ALL":                                                                          "[other]\tnone\t1\ntime\tsome\t6",
		"SELECT value, detail, sum(events) FROM daily WHERE dimension = 'missing' GROUP BY ALL ORDER BY ALL":                                                                         "[other]\t/[other]\t1",
		"SELECT campaign, campaign_medium, campaign_term, sum(visits) FROM campaigns WHERE part = 'all' GROUP BY ALL ORDER BY ALL":                                                   "[other]\t\t[other]\t2\nsommer\t\t[other]\t1\nsommer\tepost\t\t6",
		"SELECT part, campaign, campaign_medium, campaign_term, sum(visits) FROM campaigns WHERE part IN ('campaign', 'campaign_medium', 'campaign_term') GROUP BY ALL ORDER BY ALL": "campaign\t[other]\t\t\t2\ncampaign\tsommer\t\t\t7\ncampaign_medium\t\tepost\t\t6\ncampaign_term\t\t\t[other]\t3",
		"SELECT previous_path, path, sum(pageviews) FROM moves GROUP BY ALL ORDER BY ALL":                                                                                            "/[other]\t/[other]\t1\n/[other]\t/helse/[other]\t1\n/helse/a\t/helse/a\t6",
		"SELECT name, sum(hits) FROM ledger GROUP BY ALL ORDER BY ALL":                                                                                                               "[other]\t1\noften.example\t6",
		"SELECT path, title FROM titles": "/helse/a\tA",
	} {
		if got := query(t, st, sql); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", sql, got, want)
		}
	}
	// The same hits once more, late, are folded once more.
	mustInsert(t, st, []hit.Row{helse}, "b")
	if err := fold.Fold(t.Context(), cutoff, 0); err != nil {
		t.Fatal(err)
	}
	if n, err := fold.Lines(t.Context(), cutoff); err != nil || n != 0 {
		t.Errorf("of late hits %d lines of few are left, %v", n, err)
	}
	mustInsert(t, st, []hit.Row{helse}, "c")
	if err := fold.Fold(t.Context(), cutoff, 0); err != nil {
		t.Fatal(err)
	}
	if got := query(t, st, "SELECT sum(pageviews) FROM monthly WHERE dimension = 'page' AND value = '/helse/[other]'"); got != "3" {
		t.Errorf("/helse/[other] has %s views, want 3", got)
	}
	parts := query(t, st, "SELECT table, name FROM system.parts WHERE database = currentDatabase() AND active ORDER BY ALL")
	if err := fold.Fold(t.Context(), cutoff, 0); err != nil {
		t.Fatal(err)
	}
	if got := query(t, st, "SELECT table, name FROM system.parts WHERE database = currentDatabase() AND active ORDER BY ALL"); got != parts {
		t.Errorf("a second fold changed parts:\n%s\nbefore\n%s", got, parts)
	}
}

// TestFilterOverFolded: a filter over folded months tells of the line of its value, and says so;
// over other days it is refused where [other] may have the value and no row can tell.
func TestFilterOverFolded(t *testing.T) {
	st := storetest.Open(t)
	var rows []hit.Row
	for i := range calendar.Day(50) {
		other := fewRow(foldMonth+i, "/helse/b")
		other.Other = 1 << 5 // without a line
		rows = append(rows, fewRow(foldMonth+i, "/helse/a"), other)
	}
	mustInsert(t, st, rows, "a")
	february := foldMonth + 31
	ask := func(from, to calendar.Day, filters ...report.Filter) (int64, calendar.Day, error) {
		figures := store.Reports{Store: st, Planner: func() report.Planner {
			return report.Planner{RowsSince: foldMonth + 100, FoldedSince: february}
		}}
		results, err := figures.Ask(t.Context(), []report.Query{{Sites: []uint32{1}, Range: calendar.Range{From: from, To: to}, Filters: filters, Measures: []string{"pageviews"}}})
		if err != nil {
			return 0, 0, err
		}
		now, _ := results[0].Total()
		return now.Count("pageviews"), results[0].FoldedBefore, nil
	}
	page, not, section := report.Filter{Dimension: "page", Value: "/helse/a"}, report.Filter{Dimension: "page", Value: "/helse/a", Not: true}, report.Filter{Dimension: "page", Value: "/helse/", Prefix: true}
	for _, c := range []struct {
		from, to calendar.Day
		filters  []report.Filter
		want     int64
		folded   calendar.Day
		refused  bool
	}{
		{foldMonth, february - 1, nil, 62, 0, false},
		{foldMonth, february - 1, []report.Filter{page}, 31, february, false},
		{foldMonth + 3, february - 1, []report.Filter{page}, 28, february, false},
		{foldMonth, february - 1, []report.Filter{not}, 31, february, false},
		{foldMonth, february - 1, []report.Filter{section}, 62, february, false},
		{foldMonth, february, []report.Filter{page}, 0, 0, true},
		{february, february + 3, []report.Filter{page}, 0, 0, true},
		{february, february + 3, nil, 8, 0, false},
	} {
		got, folded, err := ask(c.from, c.to, c.filters...)
		var refused report.RefusedError
		if errors.As(err, &refused) != c.refused || got != c.want || folded != c.folded {
			t.Errorf("%s to %s with %v: %d views, folded before %s, %v; want %d, %s", c.from, c.to, c.filters, got, folded, err, c.want, c.folded)
		}
	}
}

// foldSums returns the sums of all measures by site, day and dimension of each table.
func foldSums(t *testing.T, st *store.Store) string {
	t.Helper()
	var all []string
	for _, r := range report.Rollups {
		if r.Mortal {
			continue
		}
		keys := "site, " + r.Keys()[1]
		if r.Name == "daily" || r.Name == "monthly" {
			keys += ", dimension"
		}
		var sums []string
		for _, m := range r.Measures() {
			sums = append(sums, "sum("+m+")")
		}
		all = append(all, query(t, st, "SELECT '"+r.Name+"', "+keys+", "+strings.Join(sums, ", ")+" FROM "+r.Name+" GROUP BY ALL ORDER BY ALL"))
	}
	return strings.Join(append(all, query(t, st, "SELECT site, day, reason, sum(hits) FROM ledger GROUP BY ALL ORDER BY ALL")), "\n")
}

// TestFoldAgainstModel folds random pages of two sites, in steps with hits that come late and
// with statements that stop amid, and compares the page lines with a plain model.
func TestFoldAgainstModel(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the disk")
	}
	st := storetest.Open(t)
	random := rand.New(rand.NewPCG(1, 2))
	views := map[string]int64{} // by site, month and path
	insert := func(n int, token string) {
		var rows []hit.Row
		for range n {
			row := fewRow(foldMonth+calendar.Day(random.IntN(59)), fmt.Sprintf("/s%d/p%d", random.IntN(9)*random.IntN(9)/8, random.IntN(40)*random.IntN(40)/39))
			if random.IntN(9) == 0 {
				row.Path, row.EntryPath = "/s9", "/s9"
			}
			row.Site = 1 + uint32(random.IntN(2))
			rows = append(rows, row)
			views[fmt.Sprintf("%d %s %s", row.Site, row.Day.String()[:7], row.Path)]++
		}
		mustInsert(t, st, rows, token)
	}
	want := func() map[string]int64 {
		section := func(key string) string { return strings.Join(strings.SplitN(key, "/", 3)[:2], "/") }
		sections, lines := map[string]int64{}, map[string]int64{}
		for key, n := range views {
			sections[section(key)] += n
		}
		for key, n := range views {
			switch {
			case n >= 5:
			case strings.HasSuffix(key, "/[other]") && strings.Count(key, "/") == 1:
			case sections[section(key)] >= 5:
				key = section(key) + "/[other]"
			default:
				key = strings.SplitN(key, "/", 2)[0] + "/[other]"
			}
			lines[key] += n
		}
		return lines
	}
	fold := st.Few(5)
	for round := range 3 {
		insert(150, fmt.Sprintf("rows%d", round))
		sums := foldSums(t, st)
		if round == 1 { // the corrections of one table, and then the process ends
			for _, f := range report.Foldings()[:1] {
				month := calendar.Range{From: foldMonth, To: foldMonth + 30}
				if err := st.Exec(t.Context(), f.Correct(5, month, 1, calendar.Range{From: foldMonth, To: foldMonth + 12})); err != nil {
					t.Fatal(err)
				}
			}
		}
		if round == 2 { // the lines of months lack what those of days had
			if err := st.Exec(t.Context(), "ALTER TABLE monthly DELETE WHERE site = 2 AND month = '2026-01-01' AND dimension = 'page' SETTINGS mutations_sync = 2"); err != nil {
				t.Fatal(err)
			}
		}
		// All months are counted by one statement as they are one by one.
		var alone int64
		for _, month := range []calendar.Range{{From: foldMonth, To: foldMonth + 30}, {From: foldMonth + 31, To: foldMonth + 58}} {
			for _, f := range report.Foldings() {
				alone += number(t, query(t, st, "SELECT sum(n) FROM ("+f.Count(5, []calendar.Range{month}, "")+")"))
			}
		}
		if n, err := fold.Lines(t.Context(), (foldMonth + 90).Time()); err != nil || n != alone || n == 0 {
			t.Errorf("round %d: %d lines of few in all months, %v, and %d in each alone", round, n, err, alone)
		}
		views = want()
		if err := fold.Fold(t.Context(), (foldMonth + 90).Time(), 0); err != nil {
			t.Fatal(err)
		}
		if n, err := fold.Lines(t.Context(), (foldMonth + 90).Time()); err != nil || n != 0 {
			t.Errorf("round %d: %d lines of few are left, %v", round, n, err)
		}
		if got := foldSums(t, st); got != sums {
			t.Errorf("round %d: the sums are\n%s\nand were\n%s", round, got, sums)
		}
		got := map[string]int64{}
		for _, line := range strings.Split(query(t, st, "SELECT site, substring(toString(month), 1, 7), value, sum(pageviews) FROM monthly WHERE dimension = 'page' GROUP BY ALL"), "\n") {
			parts := strings.Split(line, "\t")
			got[strings.Join(parts[:3], " ")] = number(t, parts[3])
		}
		for key := range got {
			if got[key] != views[key] {
				t.Errorf("round %d: %s has %d views, want %d", round, key, got[key], views[key])
			}
		}
		for key := range views {
			if _, ok := got[key]; !ok {
				t.Errorf("round %d: %s has no line, want %d views", round, key, views[key])
			}
		}
	}
}
