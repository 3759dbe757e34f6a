package report_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/race"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// zones are those of the sites of the property test, from site 1.
var zones = []*time.Location{mustZone("Europe/Oslo"), mustZone("Asia/Kolkata")}

func mustZone(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return loc
}

// firstDay and lastDay are those of the rows, with whole months and a change to summer
// time between them.
var firstDay, lastDay = mustDay("2025-12-14"), mustDay("2026-04-09")

func mustDay(s string) calendar.Day {
	d, err := calendar.ParseDay(s)
	if err != nil {
		panic(err)
	}
	return d
}

// someRows makes rows whose measures are not those of real visits: every figure is a
// sum, so a plain reading must agree for any rows.
func someRows(rng *rand.Rand, n int) []hit.Row {
	pick := func(s ...string) string { return s[rng.IntN(len(s))] }
	rows := make([]hit.Row, n)
	for i := range rows {
		site := rng.IntN(len(zones))
		day := firstDay + calendar.Day(rng.IntN(int(lastDay-firstDay)+1))
		at := day.In(zones[site]).Add(time.Duration(rng.IntN(23*3600)) * time.Second).UTC()
		r := hit.Row{
			Site: uint32(site + 1), Time: at, Day: day, Kind: hit.Pageview,
			Path:    pick("/", "/helse", "/helse/vann", "/helse/lege?id=1", "/om; 'x'\\", "/blåbær\t\n*", ""),
			Country: pick("NO", "SE", ""), Region: pick("NO-03", "NO-50", ""),
			Browser: pick("Firefox", "Chrome"), BrowserVersion: pick("140", "141"), OS: pick("Windows", "iOS"),
			Device: pick("desktop", "mobile"), Language: pick("nb", "en"), Channel: pick("direct", "search", "campaign"),
			Source: pick("", "google", "avis.no"), Campaign: pick("", "", "vår"), CampaignSource: pick("", "brev"), CampaignMedium: pick("", "e-post"),
			CampaignTerm: pick("", "ord"), CampaignContent: pick("", "a", "b"), EntryPath: pick("/", "/helse"), PreviousPath: pick("", "/", "/helse", "/helse/vann"),
			Pageviews: 1, Visits: int32(rng.IntN(2)), Visitors: int32(rng.IntN(2)), PageVisitors: int32(rng.IntN(2)), SectionVisitors: int32(rng.IntN(2)),
			Bounces: int32(rng.IntN(3) - 1), Seconds: int32(rng.IntN(1800)),
		}
		switch rng.IntN(8) {
		case 0:
			r.Kind, r.Name = hit.Kind(pick("event", "outlink", "download")), pick("a", "b / c", "404 / /gammel", "500 / /", "404 / //x", "4040 / /x")
		case 1:
			r.Kind, r.Name, r.Value = hit.Search, pick("vann", "lege"), float64(rng.IntN(3)-1)
		case 2:
			r.Kind = hit.Ping
		case 3:
			r.Kind, r.Name, r.Conversions = hit.Goal, pick("takk", "kjøp"), 1
		}
		if r.Kind != hit.Pageview {
			r.Pageviews, r.PageVisitors, r.SectionVisitors = 0, 0, 0
		}
		rows[i] = r
	}
	return rows
}

// capDays are those on which some rows have values without a line.
var capDays = []calendar.Range{{From: mustDay("2025-12-20"), To: mustDay("2026-01-08")}, {From: mustDay("2026-02-10"), To: mustDay("2026-02-12")}}

// capSome says of values of some rows that they have no line, as package lines does.
func capSome(rng *rand.Rand, rows []hit.Row) {
	for i := range rows {
		r := &rows[i]
		if !slices.ContainsFunc(capDays, func(days calendar.Range) bool { return days.Contains(r.Day) }) {
			continue
		}
		for _, columns := range []string{"path", "entry_path", "previous_path", "os", "device", "language", "name", "browser_version browser", "region country", "source channel",
			"campaign", "campaign_source", "campaign_medium", "campaign_term", "campaign_content"} {
			if rng.IntN(6) > 0 {
				continue
			}
			for _, column := range strings.Fields(columns) {
				f, _ := hit.FindField(column)
				if f.IsZero(r) {
					continue
				}
				r.Other |= 1 << f.Number
				if bit := f.SectionBit(); bit != 0 && rng.IntN(3) == 0 {
					r.Other |= 1 << bit
				}
				if rng.IntN(2) == 0 {
					break // the group has its line
				}
			}
		}
		if r.Kind == hit.Pageview && r.PreviousPath != "" && rng.IntN(6) == 0 {
			r.Other |= 1 << hit.MoveBit
		}
		if r.Campaign+r.CampaignSource+r.CampaignMedium+r.CampaignTerm+r.CampaignContent != "" && rng.IntN(6) == 0 {
			r.Other |= 1 << hit.CampaignBit
		}
	}
}

// together reports whether a query asks for values of several lines at once.
func together(q report.Query) bool {
	bases := map[string]bool{}
	add := func(key string) {
		if d := dimensionOf(key); key != "site" {
			if d.Of != "" {
				key = d.Of
			}
			bases[key] = true
		}
	}
	if q.Dimension != "" {
		add(q.Dimension)
	}
	for _, f := range q.Filters {
		add(f.Dimension)
	}
	return len(bases) > 1
}

// inLines is a row with what the rollups count it as, value by value or together.
func inLines(r hit.Row, together bool) hit.Row {
	shown := r
	for _, f := range hit.Fields {
		at, text := f.At.(func(*hit.Row) *string)
		if r.Other>>f.Number&1 == 0 || !text {
			continue
		}
		bit, value := f.SectionBit(), *at(&r)
		switch {
		case bit == 0:
			*at(&shown) = hit.Others
		case r.Other>>bit&1 == 1 || value == "/":
			*at(&shown) = "/" + hit.Others
		default:
			*at(&shown) = hit.Section(value) + "/" + hit.Others
		}
	}
	if together && r.Other>>hit.CampaignBit&1 == 1 {
		for _, at := range []*string{&shown.CampaignSource, &shown.CampaignMedium, &shown.CampaignTerm, &shown.CampaignContent} {
			if *at != "" {
				*at = hit.Others
			}
		}
	}
	if together && r.Other>>hit.MoveBit&1 == 1 {
		shown.PreviousPath = "/" + hit.Others
	}
	return shown
}

// of reads a dimension off a row: what was sent, or, off the row as shown by inLines, the
// line that it is counted in.
func of(dimension string, r, shown hit.Row, lines bool) (value, detail string, ok bool) {
	value, detail, ok = reading(dimension)(r)
	if lines {
		value, detail, _ = reading(dimension)(shown)
	}
	return value, detail, ok
}

// property is a dimension, read off a row. ok is false if the row has no such thing.
type property func(r hit.Row) (value, detail string, ok bool)

var missingName = regexp.MustCompile(`^[45]\d\d / /(?:[^/]|$)`)

func isMissing(r hit.Row) bool { return r.Kind == hit.Event && missingName.MatchString(r.Name) }

func named(kind hit.Kind) property {
	return func(r hit.Row) (string, string, bool) { return r.Name, "", r.Kind == kind && !isMissing(r) }
}

func one(of func(hit.Row) string) property {
	return func(r hit.Row) (string, string, bool) { return of(r), "", true }
}

// properties are the dimensions that are more than columns of table hits.
var properties = map[string]property{
	"site":    one(func(r hit.Row) string { return strconv.Itoa(int(r.Site)) }),
	"section": one(func(r hit.Row) string { return hit.Section(r.Path) }),
	"previous": func(r hit.Row) (string, string, bool) {
		return r.PreviousPath, "", r.PreviousPath != "" && (r.Kind == hit.Pageview || r.Kind == hit.Goal)
	},
	"weekday":  func(r hit.Row) (string, string, bool) { w, _ := weekHour(r); return w, "", true },
	"hour":     func(r hit.Row) (string, string, bool) { w, h := weekHour(r); return w, h, true },
	"download": named(hit.Download),
	"outlink":  named(hit.Outlink),
	"event":    named(hit.Event),
	"search":   named(hit.Search),
	"goal":     named(hit.Goal),
	"search_result": func(r hit.Row) (string, string, bool) {
		result := ""
		if r.Value > 0 {
			result = "some"
		} else if r.Value == 0 {
			result = "none"
		}
		return r.Name, result, r.Kind == hit.Search
	},
	"missing":      func(r hit.Row) (string, string, bool) { return r.Name, "", isMissing(r) },
	"missing_link": func(r hit.Row) (string, string, bool) { return r.Name, r.PreviousPath, isMissing(r) },
}

func weekHour(r hit.Row) (weekday, hour string) {
	at := r.Time.In(zones[r.Site-1])
	return strconv.Itoa((int(at.Weekday())+6)%7 + 1), fmt.Sprintf("%02d", at.Hour())
}

// reading returns how a dimension is read off a row. Of a new one that is more than columns,
// properties must say it.
func reading(dimension string) property {
	if p := properties[dimension]; p != nil {
		return p
	}
	d := dimensionOf(dimension)
	if d.Of != "" && d.From == "" {
		of := reading(d.Of)
		return func(r hit.Row) (string, string, bool) {
			value, _, ok := of(r)
			return value, "", ok
		}
	}
	value, detail := textOf(d.Value), func(hit.Row) string { return "" }
	if d.Detail != "" {
		detail = textOf(d.Detail)
	}
	if value == nil || detail == nil || d.Where != "" && d.Where != d.Value+" != ''" {
		panic("properties must say how dimension " + dimension + " is read off a row")
	}
	return func(r hit.Row) (string, string, bool) {
		return value(r), detail(r), d.Where == "" || value(r) != ""
	}
}

func dimensionOf(key string) report.Dimension {
	i := slices.IndexFunc(report.Dimensions, func(d report.Dimension) bool { return d.Key == key })
	return report.Dimensions[i]
}

// textOf returns how a column with texts is read off a row, nil for any other SQL.
func textOf(column string) func(hit.Row) string {
	f, _ := hit.FindField(column)
	at, ok := f.At.(func(*hit.Row) *string)
	if !ok {
		return nil
	}
	return func(r hit.Row) string { return *at(&r) }
}

// figures are all measures, read off a row. One that is more than a column must be said here.
func figures(r hit.Row) map[string]int64 {
	f := map[string]int64{"exits": int64(r.Pageviews)}
	for _, m := range report.Measures {
		if column, ok := strings.CutPrefix(m.Term, "hits."); ok {
			f[m.Key] = numberOf(column, &r)
		} else if strings.HasPrefix(m.Term, "kind ") {
			if strings.Contains(m.Term, "'"+string(r.Kind)+"'") {
				f[m.Key] = 1
			}
		} else if m.Key != "exits" && m.Key != "page_seconds" {
			panic("figures must say what measure " + m.Key + " is of a row")
		}
	}
	if r.Kind != hit.Pageview && r.Kind != hit.Ping && r.Kind != hit.Goal {
		f["events"] = 1
	}
	return f
}

// numberOf reads a column with numbers off a row.
func numberOf(column string, r *hit.Row) int64 {
	f, _ := hit.FindField(column)
	n := reflect.ValueOf(f.At).Call([]reflect.Value{reflect.ValueOf(r)})[0].Elem()
	if n.CanInt() {
		return n.Int()
	}
	return int64(n.Uint())
}

// after are the figures that the page before the hit has from it.
func after(r hit.Row) map[string]int64 {
	if r.PreviousPath == "" || isMissing(r) {
		return nil
	}
	return map[string]int64{"exits": -int64(r.Pageviews), "page_seconds": int64(r.Seconds)}
}

func keeps(filters []report.Filter, r, shown hit.Row) bool {
	kept := map[string]bool{}
	for _, f := range filters {
		value, detail, ok := of(f.Dimension, r, shown, f.Value == hit.Others || strings.HasSuffix(f.Value, "/"+hit.Others))
		if slices.Contains([]string{"source", "region", "version", "search_result", "missing_link", "hour"}, f.Dimension) {
			value = detail
		}
		match := ok && (value == f.Value || f.Prefix && strings.HasPrefix(value, f.Value))
		if f.Not && match {
			return false
		}
		if !f.Not {
			kept[f.Dimension] = kept[f.Dimension] || match
		}
	}
	for _, some := range kept {
		if !some {
			return false
		}
	}
	return true
}

type lineKey struct {
	at            int64
	value, detail string
}

// read answers a query by looking at each row. With inRollup, values that are shown are those
// of the rollups.
func read(rows []hit.Row, q report.Query, inRollup bool) []report.Line {
	needed := map[string]bool{}
	for _, m := range q.Measures {
		needed[m] = true
		for _, r := range report.Ratios {
			if r.Key == m {
				needed[r.Over], needed[r.Under] = true, true
			}
		}
	}
	lines := map[lineKey]*report.Line{}
	count := func(r, shown hit.Row, sums map[string]int64) {
		if !slices.Contains(q.Sites, r.Site) || !keeps(q.Filters, r, shown) {
			return
		}
		value, detail, ok := "", "", true
		if q.Dimension != "" {
			value, detail, ok = of(q.Dimension, r, shown, inRollup)
		}
		if !ok {
			return
		}
		if q.Find != "" && !strings.Contains(strings.ToLower(value), strings.ToLower(q.Find)) && !strings.Contains(strings.ToLower(detail), strings.ToLower(q.Find)) {
			return
		}
		key := lineKey{value: value, detail: detail}
		switch local := r.Time.In(zones[r.Site-1]); q.Step {
		case report.Minute:
			key.at = r.Time.Truncate(time.Minute).Unix()
		case report.Hour:
			_, offset := local.Zone()
			key.at = r.Time.Unix() - int64((r.Time.Unix()+int64(offset))%3600)
		case report.Day:
			key.at = r.Day.Time().Unix()
		case report.Week:
			key.at = r.Day.Time().AddDate(0, 0, -((int(r.Day.Time().Weekday()) + 6) % 7)).Unix()
		case report.Month:
			key.at = r.Day.Time().AddDate(0, 0, 1-r.Day.Time().Day()).Unix()
		}
		line := lines[key]
		if line == nil {
			line = &report.Line{Value: value, Detail: detail}
			if q.Step != "" {
				line.At = time.Unix(key.at, 0).UTC()
			}
			lines[key] = line
		}
		for _, m := range report.Measures {
			if !needed[m.Key] {
				continue
			}
			if q.Range.Contains(r.Day) && (q.Until.IsZero() || !r.Time.After(q.Until)) {
				line.Now = line.Now.Add(report.Sums{}.With(m.Key, sums[m.Key]))
			}
			if q.Compare != nil && q.Compare.Contains(r.Day) && (q.CompareUntil.IsZero() || !r.Time.After(q.CompareUntil)) {
				line.Before = line.Before.Add(report.Sums{}.With(m.Key, sums[m.Key]))
			}
		}
	}
	leaving := needed["exits"] || needed["page_seconds"]
	for _, r := range rows {
		shown := inLines(r, together(q))
		count(r, shown, figures(r))
		if sums := after(r); leaving && sums != nil {
			shown = inLines(r, false)
			r.Path, shown.Path = r.PreviousPath, shown.PreviousPath
			count(r, shown, sums)
		}
	}
	var all []report.Line
	for _, line := range lines {
		gone := q.Gone || q.Step != "" || q.Dimension == "" // lines that only the days before have
		if line.Now != (report.Sums{}) || gone && line.Before != (report.Sums{}) {
			all = append(all, *line)
		}
	}
	slices.SortFunc(all, func(a, b report.Line) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return strings.Compare(a.Value+"\x00"+a.Detail, b.Value+"\x00"+b.Detail)
	})
	return all
}

// someQuery makes a query that may be refused, but is valid.
func someQuery(rng *rand.Rand, rows []hit.Row) report.Query {
	site := 1 + rng.IntN(len(zones))
	days := func() calendar.Range {
		from := firstDay - 3 + calendar.Day(rng.IntN(int(lastDay-firstDay)))
		r := calendar.Range{From: from, To: from + calendar.Day(rng.IntN(70))}
		if rng.IntN(3) == 0 {
			r = calendar.Month(from)
			r.To = r.From.AddMonths(1+rng.IntN(3)) - 1
		}
		return r
	}
	q := report.Query{Sites: []uint32{uint32(site)}, Zone: zones[site-1], Range: days(), Limit: report.MaxLimit, Sort: report.Sort{By: report.ByValue}}
	if rng.IntN(2) == 0 {
		compare := days()
		q.Compare, q.Gone = &compare, compare.From%2 == 0
	}
	if rng.IntN(8) == 0 {
		q.Until = (q.Range.To).In(q.Zone).Add(time.Duration(rng.IntN(24)) * time.Hour)
		if q.Compare != nil {
			q.CompareUntil = (q.Compare.To).In(q.Zone).Add(time.Duration(rng.IntN(24)) * time.Hour)
		}
	}
	var keys []string
	for _, d := range report.Dimensions {
		keys = append(keys, d.Key)
	}
	if rng.IntN(5) > 0 {
		q.Dimension = keys[rng.IntN(len(keys))]
	}
	if rng.IntN(3) == 0 {
		q.Step = []report.Step{report.Minute, report.Hour, report.Day, report.Week, report.Month}[rng.IntN(5)]
		if q.Step == report.Minute {
			q.Range.To, q.Compare, q.CompareUntil = q.Range.From+1, nil, time.Time{}
		}
	}
	for range rng.IntN(4) - 1 {
		f := report.Filter{Dimension: keys[rng.IntN(len(keys))], Not: rng.IntN(4) == 0}
		if rng.IntN(3) == 0 && q.Dimension != "" {
			f.Dimension = q.Dimension // what the same lines can tell
		}
		row := rows[rng.IntN(len(rows))]
		value, detail, ok := of(f.Dimension, row, inLines(row, rng.IntN(2) == 0), rng.IntN(3) == 0)
		if f.Value = value; detail != "" {
			f.Value = detail
		}
		if rng.IntN(5) == 0 && ok {
			f.Prefix, f.Value = true, strings.ToValidUTF8(f.Value[:len(f.Value)/2], "")
		}
		if _, err := report.ParseFilter(f.String()); err == nil {
			q.Filters = append(q.Filters, f)
		}
	}
	if rng.IntN(10) == 0 { // ways
		q.Step, q.Until, q.CompareUntil, q.Dimension, q.Filters = "", time.Time{}, time.Time{}, "page", []report.Filter{{Dimension: "previous", Value: "/helse"}}
	}
	if rng.IntN(6) == 0 {
		q.Find = []string{"HELSE", "o", "å", "'"}[rng.IntN(4)]
	}
	var exact []string
	for _, m := range report.Measures {
		if _, refused := q.Refusal(m.Key); !refused {
			exact = append(exact, m.Key)
		}
	}
	for _, r := range report.Ratios {
		if _, refused := q.Refusal(r.Key); !refused {
			exact = append(exact, r.Key)
		}
	}
	if slices.ContainsFunc(q.Filters, func(f report.Filter) bool { return f.Dimension == "previous" && !f.Not }) && slices.Contains(exact, "pageviews") && rng.IntN(2) == 0 {
		exact = []string{"pageviews"}
	}
	rng.Shuffle(len(exact), func(i, j int) { exact[i], exact[j] = exact[j], exact[i] })
	if q.Measures = exact[:min(len(exact), 1+rng.IntN(4))]; len(exact) == 0 { // no hit can be of all that
		return someQuery(rng, rows)
	}
	return q
}

// TestSomeQueries: what the next test asks can be answered, but for what is not kept any more.
func TestSomeQueries(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	rows := someRows(rng, 300)
	for range 5_000 {
		q := someQuery(rng, rows)
		for _, m := range q.Measures {
			if why, refused := q.Refusal(m); refused {
				t.Fatalf("%s of %+v is refused: %v", m, q, why)
			}
		}
	}
}

// TestAnswersAreSumsOfRows asks at random and compares with a plain reading of the rows:
// first while all rows are kept, then when those of the first weeks are deleted. A filter
// is always by what was sent, also where rollups count that together with other values, or
// else the query is refused.
func TestAnswersAreSumsOfRows(t *testing.T) {
	race.Skip(t)
	for name, capped := range map[string]bool{"each value has a line": false, "some have none": true} {
		t.Run(name, func(t *testing.T) { testAnswers(t, capped) })
	}
}

func testAnswers(t *testing.T, capped bool) {
	st := storetest.Open(t)
	rng := rand.New(rand.NewPCG(7, 11))
	rows := someRows(rng, 1500)
	if capped {
		capSome(rng, rows)
	}
	for part := range slices.Chunk(rows, 400) {
		if err := st.Insert(t.Context(), hit.Batch{Rows: part}, fmt.Sprint(len(part), part[0])); err != nil {
			t.Fatal(err)
		}
	}
	gone := mustDay("2026-01-20")
	tables := map[string]int{}
	open, ofLines, ofRows := 0, 0, 0 // queries that lines can't tell; answers that only lines have, or only rows
	since := []calendar.Day{0, gone}
	if testing.Short() { // a deletion waits for the disk
		since = since[:1]
	}
	for _, since := range since {
		if since == gone {
			if err := st.DeleteBefore(t.Context(), gone.Time()); err != nil {
				t.Fatal(err)
			}
		}
		planner := report.Planner{RowsSince: since}
		source := store.Reports{Store: st, Planner: func() report.Planner { return planner }}
		answered, refused := 0, 0
		for range 100 {
			first := someQuery(rng, rows)
			for len(first.Measures) == 0 { // nothing of it is exact
				first = someQuery(rng, rows)
			}
			queries := []report.Query{first}
			for range rng.IntN(4) { // others of the same days, as of a page
				q := someQuery(rng, rows)
				q.Sites, q.Zone, q.Range, q.Compare, q.Until, q.CompareUntil = first.Sites, first.Zone, first.Range, first.Compare, first.Until, first.CompareUntil
				if q.Step == report.Minute {
					q.Step = report.Day
				}
				if rng.IntN(2) == 0 && len(first.Filters) > 0 {
					q.Filters = first.Filters
				}
				if rng.IntN(3) == 0 { // of the cube, which several read together
					q.Filters, q.Dimension, q.Step, q.Measures = filters(t, "device:mobile"), []string{"", "channel", "source", "campaign", "country", "browser", "os"}[rng.IntN(7)], "", []string{"visits", "bounce_rate"}
					q.Sort, q.Limit, q.After, q.Find, q.Gone = report.Sort{}, report.MaxLimit, "", "", true
				}
				for _, m := range q.Measures {
					if _, bad := q.Refusal(m); bad {
						q.Measures = nil
						break
					}
				}
				if len(q.Measures) > 0 {
					queries = append(queries, q)
				}
			}
			results, err := source.Ask(t.Context(), queries)
			var refusal report.RefusedError
			if errors.As(err, &refusal) && (refusal.Code == report.RowsGone || capped && refusal.Code == report.Capped) && since == gone {
				if refusal.Code == report.Capped {
					open++
				}
				refused++
				continue
			}
			if err != nil {
				t.Fatalf("%+v: %v", queries, err)
			}
			answered++
			for i, q := range queries {
				want, lines := read(rows, q, false), read(rows, q, true)
				got := results[i].Lines
				slices.SortFunc(got, func(a, b report.Line) int {
					if c := a.At.Compare(b.At); c != 0 {
						return c
					}
					return strings.Compare(a.Value+"\x00"+a.Detail, b.Value+"\x00"+b.Detail)
				})
				switch rows, rollup := cmp.Equal(want, got), cmp.Equal(lines, got); {
				case rollup && !rows:
					ofLines++
					continue
				case rows && !rollup:
					ofRows++
				}
				if diff := cmp.Diff(want, got); diff != "" {
					plan, _ := planner.Plan(queries)
					t.Fatalf("query %d of %+v (-want +got):\n%s\n%v", i, queries, diff, plan.Statements)
				}
			}
			plan, _ := planner.Plan(queries)
			for _, s := range plan.Statements {
				for _, table := range []string{"monthly", "daily", "hourly", "campaigns", "moves", "cube", "hits"} {
					if strings.Contains(s.SQL, "FROM "+table+" ") || strings.Contains(s.SQL, "FROM "+table+"\n") {
						tables[table]++
					}
				}
				if strings.Contains(s.SQL, "FROM cube\n        ") {
					tables["the cube for several"]++
				}
			}
		}
		if answered < 30 || (refused < 3) != (since == 0) {
			t.Errorf("answered %d, refused %d", answered, refused)
		}
	}
	for _, table := range []string{"monthly", "daily", "hourly", "campaigns", "moves", "cube", "the cube for several", "hits"} {
		if tables[table] < 2 && !capped {
			t.Errorf("%s answered %d times: the test tells little of it", table, tables[table])
		}
	}
	if capped == (ofLines < 10 || ofRows < 10) || !capped && open > 0 {
		t.Errorf("%d answers were told by lines alone, %d by rows alone, %d by none", ofLines, ofRows, open)
	}
}
