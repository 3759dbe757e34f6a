package lines_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/collector/lines"
	"github.com/fotspor/fotspor/collector/visit"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// sums are those of a line: visitors, visits, pageviews, bounces, seconds and rows that are
// no view and no sign of life.
type sums [6]int64

const summed = "visitors, visits, pageviews, bounces, seconds, events"

func sumsOf(r hit.Row) sums {
	s := sums{int64(r.Visitors), int64(r.Visits), int64(r.Pageviews), int64(r.Bounces), int64(r.Seconds)}
	if r.Kind != hit.Pageview && r.Kind != hit.Ping {
		s[5] = 1
	}
	return s
}

func (s sums) plus(o sums) sums {
	for i := range s {
		s[i] += o[i]
	}
	return s
}

// lineOf is what a row counts as in a field, read plainly from its bits.
func lineOf(r hit.Row, column string) string {
	f, _ := hit.FindField(column)
	value := f.Value(&r).(string)
	switch {
	case r.Other>>f.Number&1 == 0:
		return value
	case f.SectionBit() == 0:
		return hit.Others
	case r.Other>>f.SectionBit()&1 == 0 && strings.Count(value, "/") > 0 && value != "/":
		return hit.Section(value) + "/" + hit.Others
	}
	return "/" + hit.Others
}

// dailyLines are the lines of a row in tables daily and monthly.
func dailyLines(r hit.Row) []string {
	line := func(dimension string, columns ...string) string {
		parts := []string{dimension, "", ""}
		for i, c := range columns {
			parts[1+i] = lineOf(r, c)
		}
		return strings.Join(parts, "\t")
	}
	all := []string{
		"total\t\t", line("page", "path"), line("entry", "entry_path"), line("source", "channel", "source"), line("region", "country", "region"),
		line("version", "browser", "browser_version"), line("os", "os"), line("device", "device"), line("language", "language"),
	}
	action := report.Action(r.Kind, r.Name)
	if action == "missing" {
		all = append(all, "left\t\t", line(action, "name", "previous_path"))
	} else {
		all = append(all, line("left", "previous_path"))
		if action == "search" {
			all = append(all, line(action, "name")+"none")
		} else if action != "" {
			all = append(all, line(action, "name"))
		}
	}
	return all
}

var campaignParts = []string{"campaign", "campaign_source", "campaign_medium", "campaign_term", "campaign_content"}

// campaignLines are the lines of a row in table campaigns: one of each part, and one of all.
func campaignLines(r hit.Row) (all []string) {
	together := make([]string, len(campaignParts))
	for i, part := range campaignParts {
		own := lineOf(r, part)
		if own == "" {
			continue
		}
		alone := make([]string, len(campaignParts))
		alone[i], together[i] = own, own
		if i > 0 && r.Other>>hit.CampaignBit&1 == 1 {
			together[i] = hit.Others
		}
		all = append(all, part+"\t"+strings.Join(alone, "\t"))
	}
	if len(all) > 0 {
		all = append(all, "all\t"+strings.Join(together, "\t"))
	}
	return all
}

// TestSums sends random hits of which many bring new names, and compares every line of the
// rollups with the rows: each has the sums of its rows, those of a dimension add up to those
// of all rows, there are no more lines than the caps allow, and a visit stays in one line
// from its first row to its last.
func TestSums(t *testing.T) {
	const pages, values = 24, 6
	for seed := range uint64(2) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			st := storetest.Open(t)
			r := rand.New(rand.NewPCG(seed, 11))
			at := now().Add(-3 * time.Hour)
			known := newLinesOf(t, pages, values)
			visits := visit.New(visit.Options{Now: func() time.Time { return at }})
			var rows []hit.Row
			for segment := range 4 {
				first := len(rows)
				for range 500 {
					at = at.Add(time.Duration(r.IntN(9000)) * time.Millisecond)
					rows = append(rows, randomRows(r, at, known, visits)...)
				}
				if err := st.Insert(t.Context(), hit.Batch{Rows: rows[first:]}, fmt.Sprint("segment-", segment)); err != nil {
					t.Fatal(err)
				}
				if segment == 1 { // a day later, as far as memory goes
					if err := known.Refresh(t.Context(), st, []uint32{1}); err != nil {
						t.Fatal(err)
					}
				}
			}
			others := 0
			for _, row := range rows {
				if row.Other != 0 {
					others++
				}
			}
			if others < len(rows)/4 || others == len(rows) {
				t.Fatalf("%d of %d rows have values without a line: too few or too many to tell anything", others, len(rows))
			}

			daily := want(rows, dailyLines)
			compare(t, daily, read(t, st, "daily", "dimension, value, detail"))
			compare(t, daily, read(t, st, "monthly", "dimension, value, detail"))
			one := func(where func(hit.Row) bool, columns ...string) map[string]sums {
				return want(rows, func(r hit.Row) []string {
					if !where(r) {
						return nil
					}
					var parts []string
					for _, c := range columns {
						part := lineOf(r, c)
						if len(columns) == 2 && c == "previous_path" && r.Other>>hit.MoveBit&1 == 1 {
							part = "/" + hit.Others
						}
						parts = append(parts, part)
					}
					return []string{strings.Join(parts, "\t")}
				})
			}
			every := func(hit.Row) bool { return true }
			compare(t, one(every, "channel", "country", "browser", "os", "device", "source", "campaign"),
				read(t, st, "cube", "channel, country, browser, os, device, source, campaign"))
			noVisitors := func(lines map[string]sums) map[string]sums {
				for line, s := range lines {
					s[0] = 0
					lines[line] = s
				}
				return lines
			}
			compare(t, noVisitors(want(rows, campaignLines)),
				read(t, st, "campaigns", "part, campaign, campaign_source, campaign_medium, campaign_term, campaign_content"))
			viewsOnly := func(lines map[string]sums) map[string]sums {
				for line, s := range lines {
					lines[line] = sums{2: s[2]}
				}
				return lines
			}
			compare(t, viewsOnly(one(func(r hit.Row) bool { return r.Kind == hit.Pageview && r.PreviousPath != "" }, "previous_path", "path")),
				read(t, st, "moves", "previous_path, path"))

			perDimension, linesOf := map[string]sums{}, map[string]int{}
			for line, s := range daily {
				dimension, _, _ := strings.Cut(line, "\t")
				perDimension[dimension] = perDimension[dimension].plus(s)
				linesOf[dimension]++
				switch dimension {
				case "entry", "source", "region", "version", "os", "device", "language":
					if s[3] < 0 || s[3] > s[1] || s[4] < 0 {
						t.Errorf("line %q has %d bounces of %d visits, %d seconds: a visit went from one line to another", line, s[3], s[1], s[4])
					}
				}
			}
			for _, dimension := range []string{"page", "entry", "source", "region", "version", "os", "device", "language", "left"} {
				if perDimension[dimension] != perDimension["total"] {
					t.Errorf("lines of %s add up to %v, all rows to %v", dimension, perDimension[dimension], perDimension["total"])
				}
			}
			// The lines of others of each group come to the new values; two days of memory.
			for dimension, most := range map[string]int{"page": 2*(pages+values) + 1, "entry": 2*(pages+values) + 1, "source": 2*2*values + 1, "version": 2*2*values + 1, "event": 2*values + 1, "missing": 2*2*values + 1} {
				if n := linesOf[dimension]; n < 3 || n > most {
					t.Errorf("%s has %d lines, want at most %d", dimension, n, most)
				}
			}
		})
	}
}

// randomRows sends one hit of a visitor. It has names that many have, and such that nobody
// else has.
func randomRows(r *rand.Rand, at time.Time, known *lines.Lines, visits *visit.Tracker) []hit.Row {
	name := func(known int) string {
		if r.IntN(3) == 0 {
			return "x" + strconv.FormatUint(r.Uint64(), 36)
		}
		return strconv.Itoa(r.IntN(known))
	}
	who := r.IntN(60)
	h := &hit.Hit{
		Site: 1, Time: at, Kind: []hit.Kind{hit.Pageview, hit.Pageview, hit.Event, hit.Search, hit.Ping}[r.IntN(5)],
		Addr: hit.NewAddr(netip.AddrFrom4([4]byte{10, 0, byte(who), 1})), UserAgent: strconv.Itoa(who % 7),
		NewVisit: r.IntN(10) == 0, Trusted: r.IntN(3) == 0,
	}
	row := hit.Row{
		Site: 1, Kind: h.Kind, Path: "/" + name(3) + "/" + name(4), Host: "example.org", Network: "10.0.0.0/16",
		Country: []string{"NO", "SE"}[who%2], Browser: "b" + strconv.Itoa(who%7), BrowserVersion: strconv.Itoa(who), OS: "o" + strconv.Itoa(who%9),
		Device: "desktop", Language: "l" + strconv.Itoa(who%8), Channel: "website", Source: name(3),
	}
	if r.IntN(20) == 0 {
		row.Path = "/"
	}
	if r.IntN(4) == 0 {
		row.Channel, row.Campaign, row.CampaignSource, row.CampaignTerm = "campaign", name(2), name(2), name(1)
	}
	switch h.Kind {
	case hit.Event:
		row.Name = name(3)
		if r.IntN(2) == 0 {
			row.Name = "404 / /" + name(3)
		}
	case hit.Search:
		row.Name = name(3)
	}
	known.Arrive(h, &row, today, false)
	if !visits.Observe(h, &row, time.UTC) {
		return nil
	}
	known.Act(h, &row)
	return []hit.Row{row}
}

func want(rows []hit.Row, linesOf func(hit.Row) []string) map[string]sums {
	all := map[string]sums{}
	for _, row := range rows {
		for _, line := range linesOf(row) {
			all[line] = all[line].plus(sumsOf(row))
		}
	}
	return all
}

// read returns the lines of a table. What it does not sum up is 0.
func read(t *testing.T, st *store.Store, table, keys string) map[string]sums {
	t.Helper()
	measures := summed
	switch table {
	case "campaigns":
		measures = "0, visits, pageviews, bounces, seconds, events"
	case "moves":
		measures = "0, 0, pageviews, 0, 0, 0"
	}
	var columns []string
	for _, m := range strings.Split(measures, ", ") {
		columns = append(columns, "sum("+m+")")
	}
	var out bytes.Buffer
	if err := st.Query(t.Context(), "SELECT "+keys+", "+strings.Join(columns, ", ")+" FROM "+table+" GROUP BY "+keys, "", &out); err != nil {
		t.Fatal(err)
	}
	all := map[string]sums{}
	for _, line := range strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n") {
		parts := strings.Split(line, "\t")
		n := len(parts) - len(sums{})
		var s sums
		for i := range s {
			s[i], _ = strconv.ParseInt(parts[n+i], 10, 64)
		}
		all[strings.Join(parts[:n], "\t")] = s
	}
	return all
}

// compare compares lines, but for those of which all sums are 0: the tables may drop them.
func compare(t *testing.T, want, got map[string]sums) {
	t.Helper()
	for _, lines := range []map[string]sums{want, got} {
		maps.DeleteFunc(lines, func(_ string, s sums) bool { return s == sums{} })
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-rows +rollup):\n%s", diff)
	}
	if len(want) < 2 {
		t.Errorf("only %d lines: %v", len(want), slices.Collect(maps.Keys(want)))
	}
}
