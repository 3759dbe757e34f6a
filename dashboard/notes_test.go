package dashboard_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/internal/chromium"
	"github.com/fotspor/fotspor/site"
)

// as makes a user with a role and logs in as that user.
func (b *bench) as(name string, role site.Role) {
	b.Helper()
	b.addUser(name, role, userPass)
	b.client = b.newClient()
	b.in(name, userPass)
}

// list returns the notes on the page of the notes.
func (a *answer) notes() []string {
	var all []string
	for i := range a.Find(".written li").Length() {
		li := a.Find(".written li").Eq(i).Find("p")
		all = append(all, clean(li.Eq(0).Text())+": "+clean(li.Eq(1).Text()))
	}
	return all
}

// TestNotesAreWritten: an editor writes a note, sees it in every chart of its days, changes
// it and deletes it, all without a script, and the period of the address stays.
func TestNotesAreWritten(t *testing.T) {
	b := newBench(t)
	s := b.addSite("One", "one.example", "Europe/Oslo")
	put(t, b.store, "story", rowsOf(s, tell(1, s, calendar.DayOf(moment)-60, calendar.DayOf(moment), 8, moment)))
	b.as("kari", site.Editor)

	chart := b.get("/sites/1?period=week&at=2026-W46")
	write := chart.Find("#chart .more a")
	if !strings.HasPrefix(clean(write.Text()), "Write a note") {
		t.Fatalf("an editor is offered %q at the chart", write.Text())
	}
	page := b.get(write.AttrOr("href", ""))
	if got := page.Find("#note-from").AttrOr("value", ""); got != "2026-11-15" {
		t.Errorf("a new note is about %q, want the last day of the chart", got)
	}
	action := page.Find("form.write").AttrOr("action", "")
	page = b.post(action, url.Values{"from": {"2026-11-10"}, "text": {"  Press release <b> & \n more  "}})
	page.want(http.StatusOK)
	if got := page.notes(); !slices.Equal(got, []string{"10 November 2026: Press release <b> & more"}) || page.text(".notice") != "The note is saved." {
		t.Errorf("after writing: %q, %q", got, page.text(".notice"))
	}
	if got := page.Find(".rail a").First().AttrOr("href", ""); !strings.Contains(got, "at=2026-W46") {
		t.Errorf("the way back leads to %s: the period is lost", got)
	}
	b.post(action, url.Values{"from": {"2026-11-12"}, "to": {"2026-12-01"}, "text": {"Campaign"}}).want(http.StatusOK)

	for _, path := range []string{"/sites/1?", "/sites/1/page?path=/om-oss&", "/sites/1/sections?prefix=/aktuelt&"} {
		for period, want := range map[string]string{
			"period=week&at=2026-W46":  "1 10 November: Press release <b> & more|2 12 November – 1 December: Campaign",
			"period=month&at=2026-11":  "1 10 November: Press release <b> & more|2 12 November – 1 December: Campaign",
			"period=day&at=2026-11-12": "1 12 November – 1 December: Campaign",
			"period=week&at=2026-W45":  "",
		} {
			page := b.get(path + period)
			var got []string
			for i := range page.Find("#chart ol.notes li").Length() {
				li := page.Find("#chart ol.notes li").Eq(i)
				got = append(got, clean(li.Find("b").Text()+" "+li.Find("span").Text()))
			}
			if diff := cmp.Diff(want, strings.Join(got, "|")); diff != "" {
				t.Errorf("%s%s (-want +got):\n%s", path, period, diff)
			}
			if pins := page.Find("#chart svg text.flag").Length(); pins == 0 != (want == "") {
				t.Errorf("%s%s: %d pins", path, period, pins)
			}
		}
	}

	// The list, newest first, as a page, JSON and CSV.
	page = b.get("/sites/1/notes")
	if got := page.notes(); len(got) != 2 || got[0] != "12 November – 1 December 2026: Campaign" {
		t.Errorf("notes %q", got)
	}
	var data struct {
		Site  int
		Notes []struct{ ID, From, To, Text, By, At string }
	}
	b.decode("/sites/1/notes.json", &data)
	if n := data.Notes; data.Site != 1 || len(n) != 2 || n[0].From != "2026-11-12" || n[0].To != "2026-12-01" || n[1].Text != "Press release <b> & more" || n[1].By != "kari" {
		t.Errorf("JSON has %+v", data)
	}
	rows := b.sheet("/sites/1/notes.csv", nb())
	if diff := cmp.Diff([]string{"Fra og med", "Til og med", "Notat", "Hvem", "Tid"}, rows[0]); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}
	if len(rows) != 3 || !slices.Equal(rows[2][:4], []string{"2026-11-10", "2026-11-10", "Press release <b> & more", "kari"}) {
		t.Errorf("CSV has %q", rows)
	}

	// The chart has them in its own CSV and JSON.
	rows = b.sheet("/sites/1.csv?period=week&at=2026-W46", nb())
	columns := len(rows[0])
	if !slices.Equal(rows[0][columns-2:], []string{"Merkedager", "Notater"}) || rows[2][columns-1] != "Press release <b> & more" || rows[1][columns-1] != "" || rows[4][columns-1] != "Campaign" {
		t.Errorf("CSV of the chart has %q", rows)
	}
	rows = b.sheet("/sites/1.csv?period=month&at=2026-10&compare=none", nb())
	if got := rows[1][len(rows[1])-2]; got != "" {
		t.Errorf("1 October is %q", got)
	}
	var curve struct {
		Chart struct {
			Notes  []struct{ Text string }
			Events []struct{ Kind, Name, From, To string }
		}
	}
	b.decode("/sites/1.json?period=week&at=2026-W46", &curve)
	if len(curve.Chart.Notes) != 2 || len(curve.Chart.Events) != 0 {
		t.Errorf("JSON of the chart has %+v", curve)
	}
	b.decode("/sites/1.json?period=year&at=2025", &curve)
	if got := curve.Chart.Events; len(got) != 18 || got[0].Name != "christmas_break" || got[0].From != "2024-12-24" {
		t.Errorf("JSON of a year has %d events: %+v", len(got), got)
	}

	// It is changed by the form that it fills, and deleted there.
	page = b.get(page.Find(".written li").Eq(1).Find("a[href*='note=']").AttrOr("href", ""))
	if from, to, text := page.Find("#note-from").AttrOr("value", ""), page.Find("#note-to").AttrOr("value", ""), clean(page.Find("#note-text").Text()); from != "2026-11-10" || to != "2026-11-10" || text != "Press release <b> & more" {
		t.Errorf("the form has %q, %q, %q", from, to, text)
	}
	id := page.Find("form.write input[name=note]").AttrOr("value", "")
	remove := page.Find("form.write button[formaction]").AttrOr("formaction", "")
	page = b.post(page.Find("form.write").AttrOr("action", ""), url.Values{"note": {id}, "from": {"2026-11-11"}, "to": {""}, "text": {"=Press"}})
	if got := page.notes(); len(got) != 2 || got[1] != "11 November 2026: =Press" {
		t.Errorf("after the change: %q", got)
	}
	if rows := b.sheet("/sites/1/notes.csv", nb()); rows[2][2] != "'=Press" {
		t.Errorf("a spreadsheet would reckon with %q", rows[2][2])
	}
	page = b.post(remove, url.Values{"note": {id}})
	if got := page.notes(); len(got) != 1 || page.text(".notice") != "The note is deleted." {
		t.Errorf("after the removal: %q, %q", got, page.text(".notice"))
	}
	if got := b.post(remove, url.Values{"note": {id}}); got.status != http.StatusOK {
		t.Errorf("removed twice: %d", got.status)
	}
	b.get("/sites/1/notes?note=" + id).want(http.StatusNotFound)

	var audit []string
	b.as("boss", site.Admin)
	for _, line := range b.audit() {
		if strings.Contains(line, "note ") || strings.Contains(line, "a note") {
			audit = append(audit, line)
		}
		if strings.Contains(line, "Press") || strings.Contains(line, "Campaign") {
			t.Errorf("the audit log has what was typed: %s", line)
		}
	}
	if len(audit) != 4 {
		t.Errorf("audit log of notes: %q, want four lines", audit)
	}
}

// TestNotesAreRefused: what is wrong is said beside its field, and what was typed is kept.
func TestNotesAreRefused(t *testing.T) {
	b := newBench(t)
	b.addSite("One", "one.example", "Europe/Oslo")
	b.as("kari", site.Editor)
	for _, c := range []struct {
		from, to, text string
		days, problem  string
	}{
		{"2026-11-10", "2026-11-09", "a", "Write a day such as", ""},
		{"10.11.2026", "", "a", "Write a day such as", ""},
		{"", "", "", "Write a day such as", "Write something."},
		{"2026-11-10", "someday", "a", "Write a day such as", ""},
		{"2026-11-10", "2040-11-10", "a", "Write a day such as", ""},
		{"1969-12-31", "", "a", "Write a day such as", ""},
		{"2026-11-10", "", " \n ", "", "Write something."},
		{"2026-11-10", "", strings.Repeat("å", 281), "", "too long"},
		{"2026-11-10", "", "a\u0000b", "", "can’t be shown"},
		{"2026-11-10", "", "Ring Ola på 91 23 45 67", "", "Ring Ola på [phone]"},
		{"2026-11-10", "", "Fra ola.nordmann@example.org", "", "Fra [email]"},
	} {
		page := b.post("/sites/1/notes", url.Values{"from": {c.from}, "to": {c.to}, "text": {c.text}})
		if page.status != http.StatusUnprocessableEntity {
			t.Errorf("%q: status %d", c.text, page.status)
		}
		if got := page.text("#wrong-days"); !strings.HasPrefix(got, c.days) || got == "" != (c.days == "") {
			t.Errorf("%q to %q: the days have the error %q, want %q", c.from, c.to, got, c.days)
		}
		if got := page.text("#wrong-text"); !strings.Contains(got, c.problem) || got == "" != (c.problem == "") {
			t.Errorf("%q: the text has the error %q, want %q", c.text, got, c.problem)
		}
		if page.Find("#note-from").AttrOr("value", "") != c.from || page.Find("#note-to").AttrOr("value", "") != c.to || clean(page.Find("#note-text").Text()) != clean(strings.ReplaceAll(c.text, "\x00", "\ufffd")) {
			t.Errorf("%q, %q, %q were typed, and not kept: %q", c.from, c.to, c.text, page.Find("#note-text").Text())
		}
		for _, field := range []struct{ id, problem, says string }{{"#note-from", c.days, "wrong-days"}, {"#note-text", c.problem, "wrong-text"}} {
			input := page.Find(field.id)
			if invalid := input.AttrOr("aria-invalid", "") == "true"; invalid != (field.problem != "") || invalid && !strings.Contains(input.AttrOr("aria-describedby", ""), field.says) {
				t.Errorf("%q: the error is not tied to %s", c.text, field.id)
			}
		}
	}
	if got := b.get("/sites/1/notes").notes(); len(got) != 0 {
		t.Errorf("what was refused is stored: %q", got)
	}

	// A note that somebody else deletes meanwhile is not lost.
	b.post("/sites/1/notes", url.Values{"from": {"2026-11-10"}, "text": {"First"}})
	notes, err := b.store.Notes(t.Context(), 1, calendar.Range{From: 0, To: 60000})
	if err != nil || len(notes) != 1 {
		t.Fatalf("notes = %+v, %v", notes, err)
	}
	if err := b.store.RemoveNote(t.Context(), 1, notes[0].ID); err != nil {
		t.Fatal(err)
	}
	page := b.post("/sites/1/notes", url.Values{"note": {fmt.Sprint(notes[0].ID)}, "from": {"2026-11-10"}, "text": {"First, changed"}})
	if page.status != http.StatusUnprocessableEntity || clean(page.Find("#note-text").Text()) != "First, changed" || page.Find("input[name=note]").Length() != 0 {
		t.Errorf("status %d, text %q", page.status, page.Find("#note-text").Text())
	}
	b.post("/sites/1/notes", url.Values{"note": {"x"}, "from": {"2026-11-10"}, "text": {"a"}}).want(http.StatusBadRequest)
}

// TestWhoWritesNotes: viewers read notes and write none, and nobody writes about a site that
// they do not see.
func TestWhoWritesNotes(t *testing.T) {
	b := newBench(t)
	b.addSite("One", "one.example", "Europe/Oslo")
	b.addSite("Two", "two.example", "Europe/Oslo")
	b.as("kari", site.Editor)
	form := url.Values{"from": {"2026-11-10"}, "text": {"By kari"}}
	b.post("/sites/1/notes", form).want(http.StatusOK)
	notes, err := b.store.Notes(t.Context(), 1, calendar.Range{From: 0, To: 60000})
	if err != nil {
		t.Fatal(err)
	}
	remove := url.Values{"note": {fmt.Sprint(notes[0].ID)}}

	b.as("ola", site.Viewer)
	page := b.get("/sites/1/notes")
	if got := page.notes(); len(got) != 1 || page.Find("form.write, .written a[href*='note=']").Length() != 0 {
		t.Errorf("a viewer sees %q and %d forms", got, page.Find("form.write").Length())
	}
	if got := b.get(fmt.Sprintf("/sites/1/notes?note=%d", notes[0].ID)); got.Find("form.write").Length() != 0 {
		t.Error("a viewer gets a form by its address")
	}
	b.post("/sites/1/notes", form).want(http.StatusNotFound)
	b.post("/sites/1/notes/remove", remove).want(http.StatusNotFound)

	if err := b.store.SetRights(t.Context(), "kari", site.Editor, true, []uint32{2}); err != nil {
		t.Fatal(err)
	}
	b.client = b.newClient()
	b.in("kari", userPass)
	b.post("/sites/1/notes", form).want(http.StatusNotFound)
	b.post("/sites/1/notes/remove", remove).want(http.StatusNotFound)
	b.post("/sites/2/notes/remove", remove).want(http.StatusOK) // it is no note of that site
	b.get("/admin/users").want(http.StatusNotFound)
	b.post("/sites/2/notes", form, "Sec-Fetch-Site", "cross-site").want(http.StatusForbidden)
	if notes, err := b.store.Notes(t.Context(), 1, calendar.Range{From: 0, To: 60000}); err != nil || len(notes) != 1 || notes[0].Text != "By kari" {
		t.Errorf("notes = %+v, %v", notes, err)
	}
}

// TestNotesInBrowser: an editor writes a note by hand, on a screen of any width, and finds it
// in the chart that the day in the list leads to.
func TestNotesInBrowser(t *testing.T) {
	b := newBench(t)
	s := b.addSite("Samvirke Norge", "www.samvirke.example", "Europe/Oslo")
	put(t, b.store, "story", rowsOf(s, tell(1, s, calendar.DayOf(moment)-40, calendar.DayOf(moment), 12, moment)))
	b.addUser("kari", site.Editor, userPass)
	tab := chromium.Open(t, chromedp.Flag("accept-lang", "nb"))
	tab.Do(chromedp.Navigate(b.server.URL+"/login"), chromedp.SendKeys("#name", "kari"), chromedp.SendKeys("#password", userPass),
		chromedp.Submit("#password"), chromedp.WaitVisible(".user"))
	tab.Ignore("422") // a note is refused
	long := strings.Repeat("Pressemelding-om-budsjettet-for-2027", 7)
	write := func(text string) {
		t.Helper()
		tab.Do(chromedp.Navigate(b.server.URL+"/sites/1/notes?day=2026-11-10"), chromedp.WaitVisible("#note-text"),
			chromedp.SendKeys("#note-text", text), chromedp.Click("form.write .strong"))
	}
	narrow := func(what, name string) {
		t.Helper()
		for _, width := range []int64{1440, 768, 390, 320} {
			tab.Do(chromedp.EmulateViewport(width, 900))
			if over := chromium.Run(tab, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`)); over > 0 {
				t.Errorf("%s is %d px too wide for a screen of %d px", what, over, width)
			}
			if dir := os.Getenv("FOTSPOR_SHOTS"); dir != "" && width != 768 {
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("notes-%s-%d.png", name, width)), chromium.Run(tab, chromedp.FullScreenshot(100)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	write("Ring 91 23 45 67")
	tab.Do(chromedp.WaitVisible("#wrong-text"))
	narrow("a note that is refused", "refused")
	write("Ny forside")
	tab.Do(chromedp.WaitVisible(".notice"))
	write(long)
	tab.Do(chromedp.WaitVisible(".notice"))
	narrow("the list of notes", "list")
	tab.Do(chromedp.Click(".written a"), chromedp.WaitVisible("#chart ol.notes"))
	if got := chromium.Run(tab, chromedp.Text("#chart ol.notes")); !strings.Contains(got, "Ny forside") {
		t.Errorf("the chart has the notes %q", got)
	}
	narrow("a chart with notes", "chart")
}
