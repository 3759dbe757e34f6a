package dashboard_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/internal/chromium"
)

// TestPrint prints the overview of four weeks, as somebody who reads it in the dark, and
// reads the paper: all days of the curve, every row whole, the same foot on each sheet.
func TestPrint(t *testing.T) {
	if _, err := exec.LookPath("pdftotext"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("SKIPPED: no pdftotext")
	}
	b := newBench(t)
	site := b.addSite("Vassdal kommune", "www.vassdal.example", "Europe/Oslo")
	today := calendar.DayOf(moment)
	story := tell(1, site, today-80, today, 60, moment)
	put(t, b.store, "story", rowsOf(site, story))
	tab := openTab(b)
	chromium.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
	tab.Do(chromedp.Navigate(b.server.URL+"/sites/1?period=28d"), chromedp.WaitVisible(barOf("28 dager")))
	labels := ask[[]string](tab, `[...document.querySelectorAll(".block:not(#chart) tbody th .cut")].map((e) => e.title || e.textContent)`)
	file := filepath.Join(t.TempDir(), "overview.pdf")
	pdf := chromium.Run(tab, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
	if err := os.WriteFile(file, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	if keep := os.Getenv("FOTSPOR_SHOTS"); keep != "" {
		if err := os.WriteFile(filepath.Join(keep, "overview.pdf"), pdf, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read := func(how string) string {
		out, err := exec.Command("pdftotext", how, file, "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	out := read("-layout")
	sheets := strings.Split(strings.TrimRight(out, "\f"), "\f")
	if len(sheets) < 2 {
		t.Errorf("%d sheets, want more than one", len(sheets))
	}
	for i, sheet := range sheets {
		foot := clean(sheet)
		for _, want := range []string{"Vassdal kommune", "25. oktober – 21. november 2026", "Europe/Oslo", "Besøkende over flere dager er summen av dagene", strings.TrimPrefix(b.server.URL, "http://") + "/sites/1?"} {
			if at := strings.LastIndex(foot, want); at < len(foot)-500 {
				t.Errorf("the foot of sheet %d lacks %q:\n%s", i+1, want, foot[max(0, len(foot)-500):])
			}
		}
	}
	text := clean(out)
	last := 0
	for day := today - 28; day < today; day++ { // in the table under the curve, in order
		want := nb().Weekday(day) + " " + nb().Number(int64(total(between(story, day, day)).visitors))
		at := strings.Index(text[last:], clean(want))
		if at < 0 {
			t.Fatalf("the paper lacks %q after %q", want, text[max(0, last-80):last])
		}
		last += at
	}
	squeezed := strings.Join(strings.Fields(read("-raw")), "") // where a line breaks is no matter
	for _, label := range labels {
		if !strings.Contains(squeezed, strings.Join(strings.Fields(label), "")) {
			t.Errorf("the paper lacks %q", label)
		}
	}
	for _, none := range []string{"Logg ut", "Sammenlign", "Last ned"} {
		if strings.Contains(text, none) {
			t.Errorf("the paper has %q", none)
		}
	}
}
