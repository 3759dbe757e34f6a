package lines_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/collector/lines"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/race"
)

var today = calendar.DayOf(now())

func now() time.Time { return time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC) }

func newLines(o lines.Options) *lines.Lines {
	o.Now = now
	return lines.New(o)
}

// from is a hit of the i-th network.
func from(i int) *hit.Hit {
	return &hit.Hit{Site: 1, Kind: hit.Pageview, Addr: hit.NewAddr(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}))}
}

// bitOf returns the bit of a column.
func bitOf(t *testing.T, column string) uint64 {
	t.Helper()
	f, ok := hit.FindField(column)
	if !ok {
		t.Fatalf("no column %s", column)
	}
	return 1 << f.Number
}

// arrive sends a row on its way, and returns what Other says.
func arrive(l *lines.Lines, h *hit.Hit, row hit.Row) uint64 {
	row.Site = 1
	l.Arrive(h, &row, today, false)
	return row.Other
}

func act(l *lines.Lines, h *hit.Hit, row hit.Row) uint64 {
	row.Site, row.Day = 1, today
	l.Act(h, &row)
	return row.Other
}

// TestBits says for each set of lines which bits a row gets once no value may be new.
func TestBits(t *testing.T) {
	known := hit.Row{
		Path: "/helse/skjema", Country: "NO", Region: "NO-50", Browser: "Firefox", BrowserVersion: "140", OS: "Linux", Device: "desktop",
		Language: "nb", Channel: "search", Source: "google", Campaign: "vår", CampaignSource: "brev", CampaignMedium: "epost",
	}
	section := uint64(1) << 61
	tests := map[string]struct {
		change func(*hit.Row)
		want   []string // columns
		more   uint64
	}{
		"nothing new":                  {func(r *hit.Row) {}, nil, 0},
		"a page of a known section":    {func(r *hit.Row) { r.Path = "/helse/nytt" }, []string{"path"}, 0},
		"a page of a new section":      {func(r *hit.Row) { r.Path = "/nytt/nytt" }, []string{"path"}, section},
		"no page":                      {func(r *hit.Row) { r.Path = "" }, nil, 0},
		"a region of a known country":  {func(r *hit.Row) { r.Region = "NO-03" }, []string{"region"}, 0},
		"a new country with a region":  {func(r *hit.Row) { r.Country, r.Region = "SE", "SE-AB" }, []string{"country", "region"}, 0},
		"a new country without region": {func(r *hit.Row) { r.Country, r.Region = "SE", "" }, []string{"country"}, 0},
		"a version":                    {func(r *hit.Row) { r.BrowserVersion = "141" }, []string{"browser_version"}, 0},
		"a browser":                    {func(r *hit.Row) { r.Browser = "Lynx" }, []string{"browser", "browser_version"}, 0},
		"a system":                     {func(r *hit.Row) { r.OS = "Plan 9" }, []string{"os"}, 0},
		"a device":                     {func(r *hit.Row) { r.Device = "tablet" }, []string{"device"}, 0},
		"a language":                   {func(r *hit.Row) { r.Language = "nn" }, []string{"language"}, 0},
		"a source":                     {func(r *hit.Row) { r.Source = "bing" }, []string{"source"}, 0},
		"the first term of a campaign": {func(r *hit.Row) { r.CampaignTerm = "x" }, nil, 1 << hit.CampaignBit},
		"a part of a known campaign":   {func(r *hit.Row) { r.CampaignMedium = "x" }, []string{"campaign_medium"}, 1 << hit.CampaignBit},
		"a campaign":                   {func(r *hit.Row) { r.Campaign = "høst" }, []string{"campaign"}, 1 << hit.CampaignBit},
		"no campaign":                  {func(r *hit.Row) { r.Campaign, r.CampaignSource, r.CampaignMedium = "", "", "" }, nil, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLines(lines.Options{Pages: 1, Values: 1})
			if got := arrive(l, from(1), known); got != 0 {
				t.Fatalf("first values have bits %b", got)
			}
			row := known
			tt.change(&row)
			want := tt.more
			for _, column := range tt.want {
				want |= bitOf(t, column)
			}
			if got := arrive(l, from(2), row); got != want {
				t.Errorf("bits %b, want %b", got, want)
			}
		})
	}
}

// TestActions is the same for what was done, and for moves between pages.
func TestActions(t *testing.T) {
	name, previous, move := bitOf(t, "name"), hit.PreviousBits.Mask(), uint64(1)<<hit.MoveBit
	event := func(kind hit.Kind, name, previous string) hit.Row {
		return hit.Row{Kind: kind, Name: name, PreviousPath: previous, Path: "/x"}
	}
	tests := map[string]struct {
		known, row hit.Row
		want       uint64
	}{
		"an event":                    {event(hit.Event, "a", "/p"), event(hit.Event, "b", "/p"), name},
		"the same with another page":  {event(hit.Event, "a", "/p"), event(hit.Event, "a", "/q"), 0},
		"of another kind":             {event(hit.Event, "a", "/p"), event(hit.Search, "b", "/p"), 0},
		"a link to a missing page":    {event(hit.Event, "404 / /a", "/p"), event(hit.Event, "404 / /a", "/q"), previous},
		"a missing page":              {event(hit.Event, "404 / /a", "/p"), event(hit.Event, "404 / /b", "/p"), name | previous},
		"a missing page is no event":  {event(hit.Event, "404 / /a", "/p"), event(hit.Event, "b", "/p"), 0},
		"a move":                      {hit.Row{Kind: hit.Pageview, Path: "/a", PreviousPath: "/b"}, hit.Row{Kind: hit.Pageview, Path: "/b", PreviousPath: "/a"}, move},
		"no move":                     {hit.Row{Kind: hit.Pageview, Path: "/a", PreviousPath: "/b"}, hit.Row{Kind: hit.Pageview, Path: "/b"}, 0},
		"a sign of life is no action": {event(hit.Event, "a", "/p"), event(hit.Ping, "b", "/p"), 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLines(lines.Options{Pages: 1, Values: 1})
			if got := act(l, from(1), tt.known); got != 0 {
				t.Fatalf("first values have bits %b", got)
			}
			if got := act(l, from(2), tt.row); got != tt.want {
				t.Errorf("bits %b, want %b", got, tt.want)
			}
		})
	}
}

// TestAttack: random names from anywhere get no more lines than the caps allow, and one
// network gets a share of them.
func TestAttack(t *testing.T) {
	const pages, values = 800, 80
	run := func(t *testing.T, sender func(i int) *hit.Hit) (made map[string]int) {
		l := newLinesOf(t, pages, values)
		seen := map[string]bool{}
		made = map[string]int{}
		count := func(set, line string) {
			if !seen[set+line] {
				seen[set+line] = true
				made[set]++
			}
		}
		for i := range 20_000 {
			row := hit.Row{Site: 1, Day: today, Kind: hit.Event, Path: fmt.Sprintf("/s%d/p%d", i/3, i), Source: fmt.Sprint("s", i), Channel: "website", Name: fmt.Sprint("n", i)}
			h := sender(i)
			l.Arrive(h, &row, today, false)
			l.Act(h, &row)
			path, section := bitOf(t, "path"), uint64(1)<<61
			switch {
			case row.Other&path == 0:
				count("page", row.Path)
			case row.Other&section == 0:
				count("page", hit.Section(row.Path)+"/"+hit.Others)
			default:
				count("page", hit.Others)
			}
			for set, column := range map[string]string{"source": "source", "event": "name"} {
				if row.Other&bitOf(t, column) == 0 {
					count(set, fmt.Sprint(i))
				} else {
					count(set, hit.Others)
				}
			}
		}
		return made
	}
	// At most so many pages, and for sections at most as many lines of others.
	t.Run("from everywhere", func(t *testing.T) {
		got := run(t, from)
		if got["page"] <= pages || got["page"] > pages+values+1 || got["source"] != values+1 || got["event"] != values+1 {
			t.Errorf("20,000 random names made lines %v, with caps of %d pages and %d values", got, pages, values)
		}
	})
	t.Run("from one network", func(t *testing.T) {
		got := run(t, func(int) *hit.Hit { return from(7) })
		share := func(n int) int { return n / lines.NetworkShare }
		if got["page"] <= share(pages) || got["page"] > share(pages)+share(values)+1 || got["source"] != share(values)+1 || got["event"] != share(values)+1 {
			t.Errorf("20,000 random names of one network made lines %v, with caps of %d pages and %d values", got, pages, values)
		}
	})
	t.Run("with a token", func(t *testing.T) {
		got := run(t, func(int) *hit.Hit { h := from(7); h.Trusted = true; return h })
		if got["source"] != values+1 {
			t.Errorf("a trusted sender made %d lines of sources, want %d", got["source"], values+1)
		}
	})
}

func newLinesOf(t *testing.T, pages, values int) *lines.Lines {
	t.Helper()
	return newLines(lines.Options{Pages: pages, Values: values})
}

// TestDaysAndSites: a cap is that of a day and of a site, and what was new on a day is known
// on the next.
func TestDaysAndSites(t *testing.T) {
	l := newLinesOf(t, 1, 1)
	send := func(site uint32, day calendar.Day, source string) bool {
		row := hit.Row{Site: site, Channel: "website", Source: source}
		l.Arrive(from(1), &row, day, false)
		return row.Other == 0
	}
	for _, step := range []struct {
		site   uint32
		day    calendar.Day
		source string
		want   bool
	}{
		{1, today, "a", true}, {1, today, "b", false}, {2, today, "b", true}, {1, today, "a", true},
		{1, today + 1, "b", true}, {1, today + 1, "a", true}, {1, today + 1, "c", false}, {1, today, "b", true}, {1, today, "c", false},
	} {
		if got := send(step.site, step.day, step.source); got != step.want {
			t.Errorf("%+v: has a line %t", step, got)
		}
	}
}

// TestMinimal: what will be forgotten takes no place.
func TestMinimal(t *testing.T) {
	l := newLinesOf(t, 1, 1)
	row := hit.Row{Site: 1, Path: "/a", Source: "s", Channel: "website", OS: "Linux", Country: "NO"}
	l.Arrive(from(1), &row, today, true)
	row = hit.Row{Site: 1, Path: "/b", Source: "t", Channel: "website", OS: "Windows", Country: "SE"}
	l.Arrive(from(1), &row, today, true)
	if want := hit.PageBits.Mask() | bitOf(t, "country"); row.Other != want {
		t.Errorf("bits %b, want %b", row.Other, want)
	}
	if got := arrive(l, from(1), hit.Row{Source: "u", Channel: "website", OS: "Plan 9"}); got != 0 {
		t.Errorf("after hits of a minimal record, others have bits %b", got)
	}
}

// source is a store with lines.
type source struct {
	lines [][]string     // table, dimension, values…
	first []calendar.Day // of lines; long ago where there is none
	err   error
	since calendar.Day
}

func (s *source) Lines(_ context.Context, site uint32, since calendar.Day, limit int, f func(table, dimension string, values []string, first calendar.Day)) error {
	s.since = since
	for i, line := range s.lines {
		first := since
		if i < len(s.first) {
			first = s.first[i]
		}
		if site == 1 {
			f(line[0], line[1], line[2:], first)
		}
	}
	return s.err
}

var stored = [][]string{
	{"daily", "page", "/helse/skjema", ""}, {"daily", "source", "website", "a.example"}, {"daily", "os", "Linux", ""},
	{"daily", "search", "sol", "some"}, {"daily", "missing", "404 / /a", "/b"}, {"daily", "not-known-to-us", "x", "y"},
	{"campaigns", "all", "vår", "brev", "", "", ""}, {"campaigns", "campaign", "vår"}, {"campaigns", "campaign_source", "brev"}, {"moves", "", "/a", "/b"},
}

// isKnown checks that all of stored has lines, although the caps are 1 and used up, and
// that nothing else has.
func isKnown(t *testing.T, l *lines.Lines) {
	t.Helper()
	all := hit.Row{
		Path: "/helse/skjema", Channel: "website", Source: "a.example", OS: "Linux", Campaign: "vår", CampaignSource: "brev",
	}
	arrive(l, from(1), hit.Row{Path: "/first", Channel: "website", Source: "first", OS: "first", Campaign: "first"})
	for _, row := range []hit.Row{{Kind: hit.Search, Name: "first"}, {Kind: hit.Event, Name: "404 / /first"}, {Kind: hit.Pageview, Path: "/", PreviousPath: "/"}} {
		act(l, from(1), row)
	}
	if got := arrive(l, from(1), all); got != 0 {
		t.Errorf("known values have bits %b", got)
	}
	if got, want := arrive(l, from(1), hit.Row{Path: "/helse/ny", OS: "Plan 9"}), bitOf(t, "path")|bitOf(t, "os"); got != want {
		t.Errorf("unknown values have bits %b, want %b", got, want)
	}
	for _, row := range []hit.Row{
		{Kind: hit.Search, Name: "sol"}, {Kind: hit.Event, Name: "404 / /a", PreviousPath: "/b"}, {Kind: hit.Pageview, Path: "/b", PreviousPath: "/a"},
	} {
		if got := act(l, from(1), row); got != 0 {
			t.Errorf("known %+v has bits %b", row, got)
		}
	}
	if got := act(l, from(1), hit.Row{Kind: hit.Search, Name: "regn"}); got != bitOf(t, "name") {
		t.Errorf("an unknown search has bits %b", got)
	}
}

func TestRefresh(t *testing.T) {
	l := newLinesOf(t, 1, 1)
	src := &source{lines: stored}
	if err := l.Refresh(t.Context(), src, []uint32{1, 2}); err != nil {
		t.Fatal(err)
	}
	if src.since != today-lines.Days {
		t.Errorf("lines are read since %s, want 28 days before %s", src.since, today)
	}
	isKnown(t, l)

	// What got a line since is still on its way to the store.
	if err := l.Refresh(t.Context(), src, []uint32{1, 2}); err != nil {
		t.Fatal(err)
	}
	if got := arrive(l, from(1), hit.Row{Path: "/first", OS: "first"}); got != 0 {
		t.Errorf("values that were new have bits %b after the store was read", got)
	}
	// By the next day its line would be in the store: it is not, so it is new again.
	if err := l.Refresh(t.Context(), src, []uint32{1, 2}); err != nil {
		t.Fatal(err)
	}
	if got, want := arrive(l, from(1), hit.Row{OS: "first"}), bitOf(t, "os"); got != want {
		t.Errorf("a value without a line in the store has bits %b, want %b", got, want)
	}

	src.err = errors.New("away")
	if err := l.Refresh(t.Context(), src, []uint32{1}); !errors.Is(err, src.err) {
		t.Errorf("Refresh() = %v, want the error of the source", err)
	}
	if got := arrive(l, from(1), hit.Row{OS: "Linux"}); got != 0 {
		t.Errorf("after a failure, a known value has bits %b", got)
	}
}

// TestRestart: what the store has from today counts against the caps, also of the program
// that starts later that day.
func TestRestart(t *testing.T) {
	src := &source{}
	add := func(first calendar.Day, line ...string) {
		src.lines, src.first = append(src.lines, line), append(src.first, first)
	}
	for i := range 3 {
		add(today, "daily", "search", fmt.Sprint("of today ", i), "some")
		add(today-1, "daily", "search", fmt.Sprint("of yesterday ", i), "some")
		add(today-5, "daily", "search", fmt.Sprint("older ", i), "some")
		add(today, "daily", "page", fmt.Sprintf("/new/%d", i), "")
		add(today, "daily", "page", fmt.Sprintf("/old/%d", i), "")
	}
	add(today-5, "daily", "page", "/old", "")

	l := newLinesOf(t, 5, 4)
	if err := l.Refresh(t.Context(), src, []uint32{1}); err != nil {
		t.Fatal(err)
	}
	search := func(day calendar.Day, name string) (capped bool) {
		row := hit.Row{Site: 1, Day: day, Kind: hit.Search, Name: name}
		l.Act(from(1), &row)
		l.Act(from(2), &row)
		return row.Other != 0
	}
	for _, tt := range []struct {
		day    calendar.Day
		name   string
		capped bool
	}{
		{today, "of today 1", false}, {today, "a", false}, {today, "b", true},
		{today - 1, "c", false}, {today - 1, "d", true},
		{today + 1, "e", false},
	} {
		if got := search(tt.day, tt.name); got != tt.capped {
			t.Errorf("search %q of %s: capped %t, want %t", tt.name, tt.day, got, tt.capped)
		}
	}
	// Six pages of today, and of the sections /new alone, which is the first of two.
	l = newLinesOf(t, 9, 2)
	if err := l.Refresh(t.Context(), src, []uint32{1}); err != nil {
		t.Fatal(err)
	}
	path, section := bitOf(t, "path"), uint64(1)<<61
	for i, page := range []struct {
		path string
		bits uint64
	}{
		{"/new/1", 0}, {"/s/1", 0}, {"/t/1", 0}, {"/u/1", 0}, // the last two have lines and their sections none
		{"/s/2", path}, {"/t/2", path | section}, {"/new/4", path}, {"/old/4", path},
	} {
		if got := arrive(l, from(i), hit.Row{Path: page.path}); got != page.bits {
			t.Errorf("page %s has bits %b, want %b", page.path, got, page.bits)
		}
	}
}

// TestKilled: what waits in the spool of a process that was killed counts against the caps of
// that day, together with what the store has.
func TestKilled(t *testing.T) {
	for name, c := range map[string]struct {
		waiting []hit.Row
		stored  []string
		free    int // searches and pages that still get a line, of a cap of ten
	}{
		"nothing":              {free: 10},
		"in the spool":         {waiting: searches(0, 6), free: 4},
		"twice in it":          {waiting: append(searches(0, 6), searches(3, 6)...), free: 1},
		"in both":              {waiting: searches(0, 4), stored: []string{"0", "1", "4", "5"}, free: 4},
		"without lines":        {waiting: []hit.Row{{Kind: hit.Search, Name: "x", Other: bitOf(t, "name")}}, free: 10},
		"of another action":    {waiting: []hit.Row{{Kind: hit.Download, Name: "x"}}, free: 10},
		"full":                 {waiting: searches(0, 6), stored: []string{"a", "b", "c", "d"}, free: 0},
		"of the day before":    {waiting: []hit.Row{{Kind: hit.Search, Name: "x", Day: today - 1}}, free: 10},
		"more than the cap":    {waiting: searches(0, 30), free: 0},
		"stored by this again": {waiting: searches(0, 6), stored: []string{"0", "1", "2", "3", "4", "5"}, free: 4},
	} {
		l := newLinesOf(t, 10, 10)
		for _, row := range c.waiting {
			row.Site, row.Path = 1, "/"
			if row.Day == 0 {
				row.Day = today
			}
			l.Recall(&row)
		}
		src := &source{}
		for _, term := range c.stored {
			src.lines, src.first = append(src.lines, []string{"daily", "search", term, "some"}), append(src.first, today)
		}
		if err := l.Refresh(t.Context(), src, []uint32{1}); err != nil {
			t.Fatal(err)
		}
		free := 0
		for i := range 30 {
			row := hit.Row{Site: 1, Day: today, Kind: hit.Search, Name: fmt.Sprint("new ", i)}
			if l.Act(from(i), &row); row.Other == 0 {
				free++
			}
		}
		if free != c.free {
			t.Errorf("%s: %d searches get a line, want %d", name, free, c.free)
		}
	}
}

// TestStoppedWithoutItsStore: what the copy of a process knows is counted, and stays known as
// long as its rows wait, also where the store that comes has none of it.
func TestStoppedWithoutItsStore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lines.bin")
	first := newLinesOf(t, 10, 10)
	var rows []hit.Row
	for i := range 10 {
		row := hit.Row{Site: 1, Day: today, Kind: hit.Search, Name: fmt.Sprint(i), Path: fmt.Sprint("/t/", i)}
		first.Arrive(from(i), &row, today, false)
		first.Act(from(i), &row)
		rows = append(rows, row)
	}
	if err := first.Save(file); err != nil {
		t.Fatal(err)
	}
	for _, waiting := range []int{0, 4, 10} {
		l := newLinesOf(t, 10, 10)
		if err := l.Restore(file); err != nil {
			t.Fatal(err)
		}
		for _, row := range rows[:waiting] {
			l.Recall(&row)
		}
		for _, when := range []string{"before the store comes", "with an empty store"} {
			row := hit.Row{Site: 1, Day: today, Kind: hit.Search, Name: "new", Path: "/t/new"}
			l.Arrive(from(20), &row, today, false)
			l.Act(from(20), &row)
			want := bitOf(t, "path") | bitOf(t, "name") // the section has its own cap
			if row.Other != want {
				t.Errorf("%d rows wait: %s a new page and search have the bits %b, want %b", waiting, when, row.Other, want)
			}
			if err := l.Refresh(t.Context(), &source{}, []uint32{1}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// searches are rows of n searches, from the i-th on.
func searches(i, n int) (rows []hit.Row) {
	for ; n > 0; i, n = i+1, n-1 {
		rows = append(rows, hit.Row{Kind: hit.Search, Name: fmt.Sprint(i)})
	}
	return rows
}

func TestCopy(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lines.bin")
	l := newLinesOf(t, 1, 1)
	if err := l.Restore(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Restore of no file: %v", err)
	}
	if err := l.Refresh(t.Context(), &source{lines: stored}, []uint32{1}); err != nil {
		t.Fatal(err)
	}
	arrive(l, from(1), hit.Row{OS: "new today"})
	if err := l.Save(file); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	info, _ := os.Stat(file)
	if info.Mode() != 0o600 {
		t.Errorf("the copy has mode %v", info.Mode())
	}
	for _, line := range stored {
		for _, text := range line[2:] {
			if len(text) > 3 && bytes.Contains(data, []byte(text)) {
				t.Errorf("the copy tells %q", text)
			}
		}
	}

	restored := newLinesOf(t, 1, 1)
	if err := restored.Restore(file); err != nil {
		t.Fatal(err)
	}
	if got := arrive(restored, from(1), hit.Row{OS: "new today"}); got != 0 {
		t.Errorf("what was new before the restart has bits %b", got)
	}
	isKnown(t, restored)

	for at := range data { // any byte that is wrong, and any end that is lost
		wrong := slices.Clone(data)
		wrong[at] ^= 0x40
		for _, damaged := range [][]byte{wrong, data[:at]} {
			if err := os.WriteFile(file, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := newLinesOf(t, 1, 1).Restore(file); err == nil || errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("a copy with damage at byte %d was taken: %v", at, err)
			}
		}
	}
}

// TestMemory: no number of random names, days, sites or known lines takes more than the
// budget and a fifth.
func TestMemory(t *testing.T) {
	race.Skip(t)
	reg := prometheus.NewPedanticRegistry()
	before := heap()
	l := newLines(lines.Options{Memory: lines.MinMemory, Registerer: reg})
	for i := range 300_000 {
		h := from(i)
		row := hit.Row{Site: uint32(1 + i%3), Day: today - calendar.Day(i%5), Kind: hit.Event, Path: fmt.Sprintf("/s%d/%d", i, i), Source: fmt.Sprint(i), OS: fmt.Sprint(i), Name: fmt.Sprint(i)}
		l.Arrive(h, &row, row.Day, false)
		l.Act(h, &row)
	}
	check := func(when string) {
		t.Helper()
		taken := heap() - before
		t.Logf("%s: %.1f MiB taken, budget %.1f MiB", when, taken/(1<<20), float64(lines.MinMemory)/(1<<20))
		if taken > 1.2*lines.MinMemory || taken < lines.MinMemory/4 {
			t.Errorf("%s: %.1f MiB taken of %.1f", when, taken/(1<<20), float64(lines.MinMemory)/(1<<20))
		}
		runtime.KeepAlive(l)
	}
	check("after an attack")
	if n := testutil.CollectAndCount(reg, "fotspor_lines_refused_total"); n != 3 {
		t.Errorf("%d reasons of refusal, want 3", n)
	}
	if got := strings.Contains(metric(t, reg), `fotspor_lines_refused_total{reason="memory"}`); !got {
		t.Error("no metric of values that were refused for want of memory")
	}

	many := &source{}
	for i := range 600_000 {
		many.lines = append(many.lines, []string{"daily", "page", fmt.Sprint("/", i), ""})
	}
	l = nil
	before = heap()
	l = newLines(lines.Options{Memory: lines.MinMemory})
	if err := l.Refresh(t.Context(), many, []uint32{1}); err != nil {
		t.Fatal(err)
	}
	check("with more known lines than it can hold")
	runtime.KeepAlive(many)
}

func metric(t *testing.T, reg *prometheus.Registry) string {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range families {
		for _, m := range f.Metric {
			for _, label := range m.Label {
				if m.Counter.GetValue() > 0 {
					fmt.Fprintf(&b, "%s{%s=%q} %v\n", f.GetName(), label.GetName(), label.GetValue(), m.Counter.GetValue())
				}
			}
		}
	}
	return b.String()
}

// heap returns the bytes of live heap.
func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
