package privacy_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/privacy"
)

func visitRow() hit.Row {
	now := statement().Made
	return hit.Row{
		Site: 3, Time: now, Day: calendar.DayOf(now), Kind: hit.Pageview, Path: "/", Host: "example.no",
		Network: "203.0.0.0/16", Country: "NO", Region: "NO-46",
		Browser: "Firefox", BrowserVersion: "145", OS: "Linux", Device: "desktop", Language: "nb",
		Channel: "website", Source: "example.org", EntryPath: "/", PreviousPath: "/om-oss",
		Pageviews: 1, PageVisitors: 1, Bounces: -1, Seconds: 12,
	}
}

func TestWhatGolden(t *testing.T) {
	for _, lang := range languages {
		w := privacy.What{Statement: statement(), Row: visitRow()}
		golden(t, "what.standard."+lang.Tag+".html", withoutStyle(t, renderWhat(t, lang, w)))

		w.Policy.Record = privacy.Minimal
		w.Policy.Trim(&w.Row)
		golden(t, "what.minimal."+lang.Tag+".html", withoutStyle(t, renderWhat(t, lang, w)))

		w = privacy.What{Statement: statement(), Dropped: "objection"}
		golden(t, "what.objection."+lang.Tag+".html", withoutStyle(t, renderWhat(t, lang, w)))
	}
}

// Every value of a row is on the page, whichever field it is in.
func TestWhatShowsEveryField(t *testing.T) {
	row := fullRow()
	v := reflect.ValueOf(row)
	for _, lang := range languages {
		values := map[string]bool{}
		for _, value := range cells(t, renderWhat(t, lang, privacy.What{Statement: statement(), Row: row}), "td") {
			values[value] = true
		}
		for i := range v.NumField() {
			want := fmt.Sprint(v.Field(i).Interface())
			if at, ok := v.Field(i).Interface().(time.Time); ok {
				want = at.Format("2006-01-02 15:04:05 UTC")
			}
			if !values[want] {
				t.Errorf("%s: %s, which is %q, is not on the page", lang.Tag, v.Type().Field(i).Name, want)
			}
		}
	}
}

// Columns that a policy does not keep are named without a value. If a row has a value there by
// mistake, the page shows it: it must not hide a mistake of the program.
func TestWhatUnderMinimal(t *testing.T) {
	for _, lang := range languages {
		w := privacy.What{Statement: statement(), Row: visitRow()}
		w.Policy.Record = privacy.Minimal
		w.Policy.Trim(&w.Row)
		html := renderWhat(t, lang, w)
		if got, want := len(cells(t, html, "td")), len(minimal); got != want {
			t.Errorf("%s: %d columns, want %d", lang.Tag, got, want)
		}
		if !strings.Contains(words(t, html), "name, value, os, device, language, channel, source, campaign,") {
			t.Errorf("%s: the columns left empty are not named", lang.Tag)
		}

		w.Row.OS = "Plan 9"
		if !strings.Contains(words(t, renderWhat(t, lang, w)), "Plan 9") {
			t.Errorf("%s: a row that holds too much is shown as if it did not", lang.Tag)
		}
	}
}

func TestWhatLeavesNothing(t *testing.T) {
	for _, reason := range []string{"objection", "bot", "prefetch", "no_page", "unknown_site", "spool_full"} {
		said := map[string]bool{}
		for _, lang := range languages {
			// A row beside a reason is never shown.
			html := renderWhat(t, lang, privacy.What{Statement: statement(), Row: visitRow(), Dropped: reason})
			doc := document(t, html)
			if doc.Find("table").Length() > 0 || strings.Contains(html, visitRow().Network) {
				t.Errorf("%s, %s: a row is shown", lang.Tag, reason)
			}
			text := doc.Find("main p").First().Text()
			named := strings.HasSuffix(text, " "+strings.ReplaceAll(reason, "_", " "))
			if unknown := reason == "spool_full"; named != unknown {
				t.Errorf("%s: %s is told as %q", lang.Tag, reason, text)
			}
			if said[text] && reason != "spool_full" {
				t.Errorf("%s: %s is told in another language: %q", lang.Tag, reason, text)
			}
			said[text] = true
		}
	}
}

func TestWhatEscapes(t *testing.T) {
	w := privacy.What{Statement: statement(), Row: visitRow()}
	w.Row.Path = `/<script>alert(1)</script>`
	html := renderWhat(t, english, w)
	if document(t, html).Find("script").Length() > 0 || !strings.Contains(words(t, html), w.Row.Path) {
		t.Error("a path is not shown as text")
	}
}

// cells returns the texts of the cells of the table's body.
func cells(t *testing.T, html, cell string) []string {
	t.Helper()
	return document(t, html).Find("tbody " + cell).Map(func(_ int, s *goquery.Selection) string {
		return strings.TrimSpace(s.Text())
	})
}

func renderWhat(t *testing.T, lang *i18n.Language, w privacy.What) string {
	t.Helper()
	var b strings.Builder
	if err := privacy.RenderWhat(&b, lang, w); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
