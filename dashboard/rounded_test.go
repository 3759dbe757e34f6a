package dashboard_test

import (
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/dashboard"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
)

// noCounts are the keys of numbers in JSON that are no counts of what happened.
var noCounts = []string{"site", "rounded_to", "weekday", "day", "days", "days_without_hits", "below", "minimal_days", "erased_days"}

// unrounded returns where a value of JSON has a whole number that is no multiple of ten, and how many
// are one.
func unrounded(at string, value any) (wrong []string, right int) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if _, number := v[key].(float64); number && slices.Contains(noCounts, key) {
				continue
			}
			w, n := unrounded(at+"."+key, v[key])
			wrong, right = append(wrong, w...), right+n
		}
	case []any:
		for i := range v {
			w, n := unrounded(fmt.Sprintf("%s[%d]", at, i), v[i])
			wrong, right = append(wrong, w...), right+n
		}
	case float64:
		key := at[strings.LastIndex(at, ".")+1:]
		ratio := slices.ContainsFunc(report.Ratios[:], func(r report.Ratio) bool { return r.Key == key }) || key == "entered" || key == "goal_share"
		switch {
		case ratio:
		case math.Mod(v, 10) != 0:
			wrong = append(wrong, fmt.Sprint(at, " is ", v))
		case v > 0:
			right++
		}
	}
	return wrong, right
}

// TestRounded: under a policy that rounds to ten the figures are those of the slow counter,
// rounded, no page tells another count in JSON, and each says so once, in all languages.
func TestRounded(t *testing.T) {
	t.Parallel()
	to := int64(10)
	b := newBench(t, func(o *dashboard.Options) { o.Rounding = func() int64 { return to } })
	b.logIn()
	site := b.addSite("One", "one.example", "Europe/Oslo")
	today := calendar.DayOf(moment)
	story := tell(3, site, today-30, today, 25, moment)
	put(t, b.store, "story", rowsOf(site, story))
	putLedger(t, b.store, "ledger", []hit.LedgerEntry{{Site: site.ID, Day: today - 1, Reason: hit.Objection, Count: 3}, {Site: site.ID, Day: today - 1, Reason: "bot", Name: "Googlebot", Count: 17}})
	path := func(look looked, format string) string {
		return fmt.Sprintf("/sites/%d%s%s?period=28d&%s", site.ID, look.path, format, look.own)
	}
	right := 0
	for i, look := range append(slices.Clone(looks), looked{path: "/counting"}) {
		var data map[string]any
		b.decode(path(look, ".json"), &data)
		if data["rounded_to"] != 10. {
			t.Errorf("%s: JSON says that it is rounded to %v", path(look, ".json"), data["rounded_to"])
		}
		wrong, n := unrounded("", data)
		if right += n; len(wrong) > 0 {
			t.Errorf("%s: %d counts are exact: %v", path(look, ".json"), len(wrong), wrong[:min(5, len(wrong))])
		}
		l := i18n.All()[i%len(i18n.All())]
		page := b.get(path(look, ""), "Accept-Language", l.Tag)
		page.want(200)
		note := l.Say("rounded", "10")
		if n := strings.Count(clean(page.Find("main").Text()), clean(note)); n != 1 {
			t.Errorf("%s: the page says %d times %q", path(look, ""), n, note)
		}
		sheet := b.sheet(path(look, ".csv"), l)
		if !slices.ContainsFunc(sheet, func(row []string) bool { return row[0] == "rounded_to: 10" && row[1] == note }) {
			t.Errorf("%s: CSV does not say that it is rounded", path(look, ".csv"))
		}
	}
	if right < 200 {
		t.Errorf("only %d counts were looked at", right)
	}
	s := told{t, site, story, i18n.Find("en")}
	now := keeping(between(story, today-28, today-1))
	var data struct {
		Totals map[string]*float64
		Lines  []map[string]any
		Points []map[string]any
	}
	b.decode(fmt.Sprintf("/api/v1/sites/%d/totals?period=28d", site.ID), &data)
	for _, key := range []string{"visitors", "visits", "pageviews", "bounces", "seconds"} {
		exact, _ := now.of(key)
		if got := data.Totals[key]; got == nil || int64(*got) != report.Round(int64(exact), to) {
			t.Errorf("%s of %v in the API: %v", key, exact, got)
		}
	}
	rate := float64(report.Round(int64(now.bounces), to)) / float64(report.Round(int64(now.visits), to))
	if got := data.Totals["bounce_rate"]; got == nil || math.Abs(*got-rate) > 1e-9 {
		t.Errorf("the bounce rate is %v, want %v of the rounded numbers", got, rate)
	}
	b.decode(fmt.Sprintf("/api/v1/sites/%d/top?period=28d&dimension=page&measures=pageviews,page_visitors&limit=1000", site.ID), &data)
	pages := count(between(story, today-28, today-1), func(a act) string { return a.path })
	few := 0
	for _, line := range data.Lines {
		exact, _ := pages[line["value"].(string)].of("pageviews")
		switch want := report.Round(int64(exact), to); {
		case want == 0 && line["pageviews"] == nil:
			few++
		case line["pageviews"] != float64(want):
			t.Errorf("%v with %v views has %v", line["value"], exact, line["pageviews"])
		}
	}
	if few == 0 || few == len(data.Lines) {
		t.Errorf("%d of %d pages have few views", few, len(data.Lines))
	}
	if text := clean(b.get(path(looked{path: "/pages"}, "")+"&all=1", "Accept-Language", "en").Find("main").Text()); !strings.Contains(text, "< 10") {
		t.Error("no page has < 10 views")
	}
	if text := clean(b.get(path(looked{path: "/counting"}, ""), "Accept-Language", "en").Find("#objections").Text()); !strings.Contains(text, "< 10") {
		t.Errorf("of three objections the page says %s", text)
	}
	// Sentences do not say of few that there were none.
	fewest := ""
	for path, of := range pages {
		if n, _ := of.of("pageviews"); n > 0 && n < 5 && (fewest == "" || path < fewest) {
			fewest = path
		}
	}
	for _, l := range i18n.All() {
		for _, look := range []looked{{path: "/page", own: "path=" + url.QueryEscape(fewest)}, {path: "/ways", own: "from=" + url.QueryEscape(fewest)}} {
			text := clean(b.get(path(look, ""), "Accept-Language", l.Tag).Find("main").Text())
			if !strings.Contains(text, clean(l.Fewer("ways.before.what", to))) || strings.Contains(text, clean(l.Say("page.none"))) {
				t.Errorf("%s of %s with few views says %s", look.path, fewest, text)
			}
		}
		for n, want := range map[int64]string{0: l.Counted("works.recent", 0), 3: l.Fewer("works.recent", to), 12: l.Counted("works.recent", 10)} {
			if got := dashboard.Said(l, to, "works.recent", n); got != want {
				t.Errorf("of %d hits a page says %q, want %q", n, got, want)
			}
		}
	}
	list := clean(b.get("/?period=28d", "Accept-Language", "en").Find("main").Text())
	if !strings.Contains(list, i18n.Find("en").Say("rounded", "10")) || !strings.Contains(list, s.lang.Number(report.Round(int64(now.visitors), to))) {
		t.Errorf("the list of sites says %s", list)
	}
	// Another policy is in force at once, also for answers that are kept.
	to = 1
	b.decode(fmt.Sprintf("/api/v1/sites/%d/totals?period=28d", site.ID), &data)
	if got := data.Totals["visitors"]; got == nil || int(*got) != now.visitors {
		t.Errorf("without rounding there are %v visitors, want %d", got, now.visitors)
	}
}
