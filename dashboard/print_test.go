package dashboard_test

import (
	"encoding/xml"
	"fmt"
	"image/png"
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

// paper is what a page is in print.
type paper struct {
	sheets []string // texts
	text   string   // of all sheets, in its layout
	dense  string   // the same in reading order, without white space: where a line breaks is no matter
	file   string
}

// printed prints the page that is shown, as the browser does.
func printed(t *testing.T, tab *chromium.Tab, name string) paper {
	t.Helper()
	for _, tool := range []string{"pdftotext", "pdftoppm"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip("SKIPPED: no " + tool)
		}
	}
	p := paper{file: filepath.Join(t.TempDir(), name+".pdf")}
	pdf := chromium.Run(tab, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
	if err := os.WriteFile(p.file, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	if keep := os.Getenv("FOTSPOR_SHOTS"); keep != "" {
		if err := os.WriteFile(filepath.Join(keep, name+".pdf"), pdf, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read := func(how string) string {
		out, err := exec.Command("pdftotext", how, p.file, "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	laidOut := read("-layout")
	p.sheets = strings.Split(strings.TrimRight(laidOut, "\f"), "\f")
	p.text = clean(laidOut)
	p.dense = dense(read("-raw"))
	p.isLight(t)
	p.isWhole(t, read("-bbox"))
	return p
}

// isLight wants a light ground on every sheet, with any colours of the screen.
func (p paper) isLight(t *testing.T) {
	t.Helper()
	prefix := strings.TrimSuffix(p.file, ".pdf")
	if err := exec.Command("pdftoppm", "-r", "30", "-png", p.file, prefix).Run(); err != nil {
		t.Fatal(err)
	}
	pictures, err := filepath.Glob(prefix + "-*.png")
	if err != nil || len(pictures) != len(p.sheets) {
		t.Fatalf("%d pictures of %d sheets, %v", len(pictures), len(p.sheets), err)
	}
	for _, name := range pictures {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(file)
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		light, box := 0, picture.Bounds()
		for y := range box.Dy() {
			for x := range box.Dx() {
				if r, g, b, _ := picture.At(x, y).RGBA(); min(r, g, b) > 0xc000 {
					light++
				}
			}
		}
		if share := float64(light) / float64(box.Dx()*box.Dy()); share < 0.75 {
			t.Errorf("%s: %.0f %% of the sheet is light", filepath.Base(name), 100*share)
		}
	}
}

// isWhole wants every word within its sheet, and none in or under the foot but its own.
func (p paper) isWhole(t *testing.T, boxes string) {
	t.Helper()
	var doc struct {
		Sheets []struct {
			Width  float64 `xml:"width,attr"`
			Height float64 `xml:"height,attr"`
			Words  []struct {
				Left   float64 `xml:"xMin,attr"`
				Right  float64 `xml:"xMax,attr"`
				Top    float64 `xml:"yMin,attr"`
				Bottom float64 `xml:"yMax,attr"`
				Text   string  `xml:",chardata"`
			} `xml:"word"`
		} `xml:"body>doc>page"`
	}
	decoder := xml.NewDecoder(strings.NewReader(boxes))
	decoder.Strict, decoder.Entity = false, xml.HTMLEntity
	if err := decoder.Decode(&doc); err != nil || len(doc.Sheets) != len(p.sheets) {
		t.Fatalf("%d sheets of %d, %v", len(doc.Sheets), len(p.sheets), err)
	}
	const millimetre = 72 / 25.4
	for i, sheet := range doc.Sheets {
		foot := sheet.Height
		for _, w := range sheet.Words { // it begins with the name of the site, in small letters
			if w.Bottom-w.Top < 11 && w.Left < 17*millimetre && w.Top > sheet.Height-30*millimetre {
				foot = min(foot, w.Top)
			}
		}
		for _, w := range sheet.Words {
			if w.Left < 11*millimetre || w.Right > sheet.Width-11*millimetre || w.Top < 11*millimetre || w.Bottom > sheet.Height {
				t.Errorf("sheet %d: %q stands at the edge: %.0f to %.0f of %.0f pt", i+1, w.Text, w.Left, w.Right, sheet.Width)
			}
			if w.Bottom-w.Top > 11 && w.Bottom > foot+1 {
				t.Errorf("sheet %d: %q runs into the foot", i+1, w.Text)
			}
		}
	}
}

// hasFoot wants some texts at the foot of each sheet.
func (p paper) hasFoot(t *testing.T, texts ...string) {
	t.Helper()
	for i, sheet := range p.sheets {
		foot := clean(sheet)
		for _, want := range texts {
			if at := strings.LastIndex(foot, want); at < len(foot)-500 {
				t.Errorf("the foot of sheet %d lacks %q:\n%s", i+1, want, foot[max(0, len(foot)-500):])
			}
		}
	}
}

// hasAll wants some texts on the paper, one behind the other.
func (p paper) hasAll(t *testing.T, texts ...string) {
	t.Helper()
	last := 0
	for _, want := range texts {
		at := strings.Index(p.dense[last:], dense(want))
		if at < 0 {
			t.Fatalf("the paper lacks %q after %q", want, p.dense[max(0, last-80):last])
		}
		last += at + len(dense(want))
	}
}

// dense is a text without white space.
func dense(s string) string { return strings.Join(strings.Fields(s), "") }

// hasLabels wants the whole label of each row of the tables that the tab shows, and each heading
// of a block on the sheet of what follows it.
func (p paper) hasLabels(t *testing.T, tab *chromium.Tab) {
	t.Helper()
	for _, label := range ask[[]string](tab, `[...document.querySelectorAll(".block:not(#chart) tbody th .cut")].map((e) => e.title || e.textContent)`) {
		if !strings.Contains(p.dense, dense(label)) {
			t.Errorf("the paper lacks %q", label)
		}
	}
	for _, block := range ask[[][]string](tab, `[...document.querySelectorAll(".block")].filter((b) => !b.querySelector(".chart")).filter((b) => !b.querySelector(":scope > .find:last-child")).map((b) => [b.querySelector("h2"), b.querySelector("tbody th")].map((e) => (e?.querySelector("[title]")?.title ?? e?.querySelector(".cut")?.textContent ?? e?.textContent ?? "").trim()))`) {
		found := false
		for _, sheet := range p.sheets {
			text := dense(sheet)
			at := strings.Index(text, dense(block[0]))
			found = found || at >= 0 && (block[1] == "" || len(dense(block[1])) > 40 || strings.Contains(text, dense(block[1])))
		}
		if !found {
			t.Errorf("the heading %q is not on a sheet with its first row, %q", block[0], block[1])
		}
	}
	for _, none := range []string{"Logg ut", "Sammenlign med", "Mot perioden før", "Last ned", "Lagre visningen", "Vis tallene"} {
		if strings.Contains(p.text, none) {
			t.Errorf("the paper has %q", none)
		}
	}
}

// TestPrint prints the overview of four weeks, as somebody who reads it in the dark, and
// reads the paper: all days of the curve, every row whole, the same foot on each sheet.
func TestPrint(t *testing.T) {
	b := newBench(t)
	site := b.addSite("Vassdal kommune", "www.vassdal.example", "Europe/Oslo")
	today := calendar.DayOf(moment)
	story := tell(1, site, today-80, today, 60, moment)
	put(t, b.store, "story", rowsOf(site, story))
	tab := openTab(b)
	chromium.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
	tab.Do(chromedp.Navigate(b.server.URL+"/sites/1?period=28d"), chromedp.WaitVisible(barOf("28 dager")))
	p := printed(t, tab, "overview")
	if len(p.sheets) < 2 {
		t.Errorf("%d sheets, want more than one", len(p.sheets))
	}
	p.hasFoot(t, "Vassdal kommune", "25. oktober – 21. november 2026", "Europe/Oslo", "Besøkende over flere dager er summen av dagene", strings.TrimPrefix(b.server.URL, "http://")+"/sites/1?")
	var days []string
	for day := today - 28; day < today; day++ { // in the table under the curve, in order
		days = append(days, nb().Weekday(day)+" "+nb().Number(int64(total(between(story, day, day)).visitors)))
	}
	p.hasAll(t, days...)
	p.hasLabels(t, tab)
	long := "/pages?"
	for i := range 12 {
		long += fmt.Sprintf("f=page:/tjenester/%d/%s&", i, strings.Repeat("a", 60))
	}
	for i, path := range append(pagePaths(b), "/notes", long) {
		name, _, _ := strings.Cut(strings.Trim(path, "/"), "?")
		name += fmt.Sprint(i)
		tab.Do(chromedp.Navigate(b.server.URL + "/sites/1" + and(path, "period=month&at=2026-10")))
		t.Run(name, func(t *testing.T) { printed(t, tab, "paper-"+name).hasLabels(t, tab) })
	}
}
