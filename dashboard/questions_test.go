package dashboard_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/chromium"
	"github.com/fotspor/fotspor/site"
)

// reader asks questions of the pages as a person does: by what is to be seen.
type reader struct {
	*testing.T
	tab *chromium.Tab
}

// sees is what finds the visible element that a text names: all of its text, or the
// beginning of it.
const sees = `((selector, text) => {
	const all = [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility());
	const say = (e) => (e.ariaLabel ?? e.innerText ?? e.textContent).replace(/\s+/g, " ").trim();
	return all.find((e) => say(e) === text) ?? all.find((e) => say(e).startsWith(text));
})`

// click clicks the links, buttons and menus of some texts, one after the other. Links and
// buttons lead to a page, which is waited for.
func (r reader) click(texts ...string) {
	r.Helper()
	for _, text := range texts {
		kind := ask[string](r.tab, fmt.Sprintf(`(() => {
			document.querySelector("main").dataset.old = 1;
			const e = %s("a, button, summary", %q);
			e?.click();
			return e?.localName ?? document.body.innerText;
		})()`, sees, text))
		switch kind {
		case "a", "button":
			until(r.tab, `!document.querySelector("main").dataset.old`)
		case "summary":
		default:
			r.Fatalf("nothing to click is called %q on\n%s", text, kind)
		}
	}
}

// fill writes into the field that a label names, and sends the form.
func (r reader) fill(label, text string) {
	r.Helper()
	if !ask[bool](r.tab, fmt.Sprintf(`(() => {
		const e = %s("label", %q)?.control;
		if (!e) return false;
		document.querySelector("main").dataset.old = 1;
		e.value = %q;
		e.form.requestSubmit();
		return true;
	})()`, sees, label, text)) {
		r.Fatalf("no field %q", label)
	}
	until(r.tab, `!document.querySelector("main").dataset.old`)
}

// cell wants a figure in a row of the table under a heading.
func (r reader) cell(heading, row, column, want string) {
	r.Helper()
	got := ask[string](r.tab, fmt.Sprintf(`(() => {
		const tables = [...document.querySelectorAll("section")].filter((s) => s.querySelector("h2")?.innerText.startsWith(%[1]q)).flatMap((s) => [...s.querySelectorAll("table")]);
		for (const table of tables) {
			const at = [...table.querySelectorAll("thead th")].findIndex((h) => h.innerText.trim().startsWith(%[3]q));
			const line = [...table.querySelectorAll("tbody tr")].find((t) => t.checkVisibility() && t.cells[0].innerText.replace(/\s+/g, " ").includes(%[2]q));
			if (line?.cells[at]) return line.cells[at].innerText.replace(/\s+/g, " ").trim();
		}
		return document.querySelector("main").innerText;
	})()`, heading, row, column))
	if got != want {
		r.Errorf("%s: %s of %s is %q, want %q", heading, column, row, got, want)
	}
}

// reads wants a text on the page.
func (r reader) reads(want string) {
	r.Helper()
	got := clean(ask[string](r.tab, `document.querySelector("main").innerText`))
	if !strings.Contains(got, want) {
		r.Errorf("the page does not say %q:\n%s", want, got)
	}
}

// TestQuestions answers what communications staff ask every month. Each question begins at
// the overview of a site, and the figures are known.
func TestQuestions(t *testing.T) {
	b := newBench(t)
	town := b.addSite("Vassdal kommune", "www.vassdal.example", "Europe/Oslo")
	b.now = time.Date(2026, 4, 16, 12, 0, 0, 0, town.Location) // Thursday of week 16, after Easter
	day := func(text string) calendar.Day {
		d, err := calendar.ParseDay(text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	var story []act
	n := 0
	// come tells of people who come on a day at ten, each from a place and by a source, and what
	// they do: paths, and acts of other kinds on the page before.
	come := func(people int, on, region string, by visit, does ...act) {
		for range people {
			n++
			v, who := by, &person{browser: "Firefox", version: "140", os: "Windows", device: "desktop", country: "NO", region: region, language: "nb"}
			at := day(on).In(town.Location).Add(10*time.Hour + time.Duration(n%50)*time.Second)
			v.first, v.entry = at, does[0].path
			for i, a := range does {
				a.person, a.visit, a.day, a.time = who, &v, day(on), at.Add(time.Duration(i)*20*time.Second)
				story = append(story, a)
			}
		}
	}
	page := func(path string) act { return act{kind: hit.Pageview, path: path} }
	direct := visit{channel: "direct"}
	letter := visit{channel: "campaign", source: "nyhetsbrev", campaign: "nyhetsbrev-3-mars", campaignSource: "nyhetsbrev", campaignMedium: "email"}
	come(5, "2025-09-01", "NO-03", direct, page("/"))
	come(40, "2025-11-12", "NO-03", direct, page("/helse/fastlege"))
	come(60, "2026-02-11", "NO-03", direct, page("/helse/fastlege"))
	come(9, "2026-02-02", "NO-03", direct, page("/pressemelding/bru"))
	come(4, "2026-02-03", "NO-03", direct, page("/pressemelding/bru"))
	come(21, "2026-03-09", "NO-03", direct, page("/pressemelding/skole"))
	come(11, "2026-03-03", "NO-03", letter, page("/nyheter/budsjett"), page("/kontakt"))
	come(31, "2026-03-25", "NO-03", direct, page("/"))
	come(12, "2026-04-07", "NO-03", direct, page("/"), page("/kontakt"))
	come(7, "2026-04-08", "NO-50", direct, page("/trondelag"))
	come(10, "2026-04-08", "NO-03", direct, page("/sok"), act{kind: hit.Search, path: "/sok", name: "byggesak", found: 0})
	come(6, "2026-04-08", "NO-03", direct, page("/sok"), act{kind: hit.Search, path: "/sok", name: "tilskudd", found: 3})
	come(9, "2026-04-08", "NO-03", direct, page("/planer"), act{kind: hit.Download, path: "/planer", name: "www.vassdal.example/arsplan.pdf"})
	come(8, "2026-04-09", "NO-03", direct, page("/om"), act{kind: hit.Event, path: "/gammel", name: "404 / /gammel"})
	come(32, "2026-04-01", "NO-03", direct, page("/"))
	put(t, b.store, "story", rowsOf(town, story))
	putLedger(t, b.store, "excluded", []hit.LedgerEntry{{Site: town.ID, Day: day("2026-04-08"), Reason: "bot", Rule: "crawler", Name: "Googlebot", Count: 40}})
	if err := b.store.PutNote(t.Context(), town.ID, site.Note{Days: calendar.One(day("2026-03-11")), Text: "Ny forside"}); err != nil {
		t.Fatal(err)
	}
	tab := openTab(b)

	for question, answer := range map[string]func(r reader){
		"how did this press release do against the last": func(r reader) {
			r.click("Måned", "Sider")
			r.fill("Søk i tabellen", "skole")
			r.click("/pressemelding/skole")
			r.fill("Adressen til en side", "/pressemelding/bru")
			r.cell("Besøkende på siden de første", "/pressemelding/skole", "7 dager", "21")
			r.cell("Besøkende på siden de første", "/pressemelding/bru", "7 dager", "13")
		},
		"where do people leave": func(r reader) {
			r.click("Veier", "Utganger")
			r.cell("", "/kontakt", "Utganger", "12")
		},
		"where next after the front page": func(r reader) {
			r.click("Veier")
			r.cell("Gikk videre til", "/kontakt", "Ganger", "12")
		},
		"what do they search for and not find": func(r reader) {
			r.click("Finner de fram?")
			r.cell("Søk uten treff", "byggesak", "Uten treff", "10")
		},
		"did the health pages grow this quarter": func(r reader) {
			r.click("Kvartal", "Sider", "Deler")
			r.cell("Deler", "/helse", "Besøkende", "60")
			r.cell("Deler", "/helse", "Endring per dag", "opp 53 % fra 0,4") // 60 in 90 days, 40 in 92
		},
		"how many came by the newsletter of 3 March, and what did they read": func(r reader) {
			r.click("Måned", "Kilder", "Kampanjer", "nyhetsbrev-3-mars")
			r.reads("11")
			r.cell("", "/nyheter/budsjett", "Visninger", "11")
		},
		"does Trøndelag read differently": func(r reader) {
			r.click("Publikum", "Trøndelag", "Sider")
			r.cell("Sider", "/trondelag", "Visninger", "7")
			r.reads("Trøndelag")
		},
		"when in the week": func(r reader) {
			r.click("Publikum", "Når i uka")
			r.reads("Flest kom på en onsdag mellom kl. 10 og 11: 32.")
		},
		"which documents": func(r reader) {
			r.click("Handlinger")
			r.cell("Nedlastinger", "arsplan.pdf", "Ganger", "9")
		},
		"what is not there": func(r reader) {
			r.click("Finner de fram?", "Sider som ikke finnes")
			r.cell("", "/gammel", "Visninger", "8")
			r.reads("/om 8")
		},
		"what is left out": func(r reader) {
			r.click("Til å stole på")
			r.cell("Ikke talt med", "Googlebot", "Forespørsler", "40")
		},
		"a PDF for the leader": func(r reader) {
			tab.Do(chromedp.Click(".tools summary"), chromedp.Click(".tools button"), chromedp.WaitVisible("#password"),
				chromedp.SendKeys("#name", userName), chromedp.SendKeys("#password", userPass), chromedp.Submit("#password"),
				chromedp.WaitVisible(".sites"), chromedp.Click(`.sites a[href^="/sites/1"]`), chromedp.WaitVisible("#chart"))
			r.click("Måned")
			p := printed(r.T, tab, "leader")
			p.hasFoot(r.T, "Vassdal kommune", "Mars 2026, 1.–31. mars 2026", "Europe/Oslo", "Besøkende over flere dager er summen av dagene",
				strings.TrimPrefix(b.server.URL, "http://")+"/sites/1?at=2026-03&period=month", "hentet 16. april 2026")
			var days []string
			came := map[string]int64{"2026-03-03": 11, "2026-03-09": 21, "2026-03-25": 31}
			for d := day("2026-03-01"); d <= day("2026-03-31"); d++ {
				name := nb().Weekday(d)
				if d >= day("2026-03-30") {
					name += " (påske)"
				}
				days = append(days, name+" "+nb().Number(came[d.String()]))
			}
			p.hasAll(r.T, append([]string{"Vassdal kommune", "Mars 2026", "63 besøkende", "Ny forside"}, days...)...)
			p.hasLabels(r.T, tab)
		},
		"is it Easter": func(r reader) {
			r.click("Perioden før")
			r.reads("påske")
			r.reads("Uke 14: 32 besøkende")
		},
	} {
		t.Run(question, func(t *testing.T) {
			tab.Do(chromedp.Navigate(b.server.URL+"/sites/1"), chromedp.WaitVisible(barOf("Uke 15")))
			answer(reader{t, tab})
		})
	}
}
