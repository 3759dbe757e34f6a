package privacy_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/privacy"
)

func papers() privacy.Papers {
	s := statement()
	s.Reader, s.OptOut = "", privacy.OptOut{}
	return privacy.Papers{
		Version:   privacy.Version{Number: 2, Policy: privacy.Default(), Since: s.Made.AddDate(0, -1, 0)},
		Sites:     []privacy.PapersSite{{Statement: s, Guard: 5, PathRules: 1, Choice: true}},
		AuditKeep: privacy.Period{Months: 12},
		Users:     3,
		HTTPS:     true,
		Made:      s.Made,
	}
}

// least is papers of a program that keeps as little as it can, and of an owner who has said
// nothing and hides nothing.
func least() privacy.Papers {
	p := papers()
	p.Version.Policy = privacy.Policy{Record: privacy.Minimal, Retention: privacy.Period{Days: 90}, Totals: privacy.Period{Years: 2}, IgnoreObjection: true, CountObjections: true}
	p.Sites = []privacy.PapersSite{{Statement: privacy.Statement{
		Policy: p.Version.Policy, Site: 1, Name: "Nytt", Host: "example.org",
		Parameters: []string{"id"}, Searches: []string{"q"}, Categories: []string{"k"},
	}}}
	p.Users, p.HTTPS = 0, false
	return p
}

func markdown(t *testing.T, lang *i18n.Language, p privacy.Papers) string {
	t.Helper()
	var b strings.Builder
	if err := privacy.WritePapers(&b, lang, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func papersPage(t *testing.T, lang *i18n.Language, p privacy.Papers) string {
	t.Helper()
	var b strings.Builder
	if err := privacy.RenderPapers(&b, lang, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestPapersGolden: as Markdown and as HTML, which marks as many sentences to decide.
func TestPapersGolden(t *testing.T) {
	for name, p := range map[string]privacy.Papers{"whole": papers(), "least": least()} {
		for _, lang := range languages {
			text, page := markdown(t, lang, p), papersPage(t, lang, p)
			golden(t, "papers."+name+"."+lang.Tag+".md", text)
			golden(t, "papers."+name+"."+lang.Tag+".html", withoutStyle(t, page))
			doc := document(t, page)
			marked := doc.Find("blockquote > p > strong:first-child")
			if got := strings.Count(text, "\n> **"+lang.Say("papers.decide")+"** "); got < 10 || marked.Length() != got || doc.Find("blockquote").Length() != got {
				t.Errorf("%s, %s: %d sentences to decide, %d marks, %d quotations", name, lang.Tag, got, marked.Length(), doc.Find("blockquote").Length())
			}
			if doc.Find("html").AttrOr("lang", "") != lang.Tag || doc.Find("title").Text() != doc.Find("h1").Text() || doc.Find("h1").Length() != 1 || doc.Find("h2").Length() != 5 {
				t.Errorf("%s, %s: %d titles and %d papers", name, lang.Tag, doc.Find("h1").Length(), doc.Find("h2").Length())
			}
			if strings.Contains(text, "<no value>") || strings.Contains(text, "\n\n\n") {
				t.Errorf("%s, %s: a value is missing, or there are empty lines", name, lang.Tag)
			}
		}
	}
}

// TestPapersFollowTheSettings: each field is in the papers, and each value of the policy.
func TestPapersFollowTheSettings(t *testing.T) {
	both := func(f func(*privacy.Policy)) func(*privacy.Papers) {
		return func(p *privacy.Papers) { f(&p.Version.Policy); f(&p.Sites[0].Policy) }
	}
	mutations := map[string]func(*privacy.Papers){
		"Version":             func(p *privacy.Papers) { p.Version.Number = 3 },
		"Sites":               func(p *privacy.Papers) { p.Sites = append(p.Sites, least().Sites...) },
		"AuditKeep":           func(p *privacy.Papers) { p.AuditKeep = privacy.Period{Months: 6} },
		"Users":               func(p *privacy.Papers) { p.Users = 0 },
		"HTTPS":               func(p *privacy.Papers) { p.HTTPS = false },
		"Made":                func(p *privacy.Papers) { p.Made = p.Made.Add(24 * time.Hour) },
		"Version.Since":       func(p *privacy.Papers) { p.Version.Since = p.Made },
		"Statement":           func(p *privacy.Papers) { p.Sites[0].Name = "Changed" },
		"Statement.Host":      func(p *privacy.Papers) { p.Sites[0].Host = "changed.example" },
		"Parameters":          func(p *privacy.Papers) { p.Sites[0].Parameters = []string{"id"} },
		"Searches":            func(p *privacy.Papers) { p.Sites[0].Searches = []string{"q"} },
		"Guard":               func(p *privacy.Papers) { p.Sites[0].Guard = 0 },
		"PathRules":           func(p *privacy.Papers) { p.Sites[0].PathRules = 0 },
		"Choice":              func(p *privacy.Papers) { p.Sites[0].Choice = false },
		"Record":              both(func(p *privacy.Policy) { p.Record = privacy.Minimal }),
		"Retention":           both(func(p *privacy.Policy) { p.Retention = privacy.Period{Months: 25} }),
		"Retention of a site": func(p *privacy.Papers) { p.Sites[0].Policy.Retention = privacy.Period{Days: 40} },
		"Totals":              both(func(p *privacy.Policy) { p.Totals = privacy.Period{Years: 5} }),
		"Backups":             both(func(p *privacy.Policy) { p.Backups = privacy.Period{Days: 7} }),
		"Bits4":               both(func(p *privacy.Policy) { p.Bits4 = 8 }),
		"Bits6":               both(func(p *privacy.Policy) { p.Bits6 = 48 }),
		"IgnoreObjection":     both(func(p *privacy.Policy) { p.IgnoreObjection = true }),
		"CountObjections":     both(func(p *privacy.Policy) { p.CountObjections = true }),
		"Ageing":              both(func(p *privacy.Policy) { p.Ageing.Hour = privacy.Period{Days: 90} }),
		"FoldBelow":           both(func(p *privacy.Policy) { p.FoldBelow = 9 }),
		"Rounding":            both(func(p *privacy.Policy) { p.Rounding = 10 }),
		"TitleVisitors":       both(func(p *privacy.Policy) { p.TitleVisitors = 8 }),
	}
	for _, of := range []reflect.Type{reflect.TypeFor[privacy.Papers](), reflect.TypeFor[privacy.PapersSite](), reflect.TypeFor[privacy.Policy]()} {
		for i := range of.NumField() {
			if mutations[of.Field(i).Name] == nil {
				t.Errorf("the papers are not tried against %s.%s", of, of.Field(i).Name)
			}
		}
	}
	for _, d := range privacy.Declarations {
		mutations[d.Key] = func(p *privacy.Papers) { *d.Text(&p.Sites[0].Declared) = "Changed" }
	}
	for name, mutate := range mutations {
		for _, lang := range languages {
			p := papers()
			mutate(&p)
			if markdown(t, lang, p) == markdown(t, lang, papers()) {
				t.Errorf("%s, %s: the papers stay as they were", name, lang.Tag)
			}
		}
	}
}

// TestPapersOfOwnSettings: what holds for one site only is said of that site alone, in each paper.
func TestPapersOfOwnSettings(t *testing.T) {
	p := papers()
	own := p.Sites[0]
	own.Site, own.Name, own.Host = 4, "Own", "own.example.net"
	own.Policy = own.Policy.Of(privacy.Own{Record: privacy.Minimal, Retention: privacy.Period{Days: 90}, Objections: privacy.Ignore})
	p.Sites = append(p.Sites, own)
	text := markdown(t, i18n.Find("en"), p)
	escaped := strings.NewReplacer(".", `\.`, "-", `\-`)
	for _, want := range []string{
		"\n- HOST: rows live for 3 years. Besides the least, operating system, kind of machine",
		"\n- OWN: rows live for 90 days. Only the least is stored. Titles of pages are not stored.",
		"\nOn HOST the program takes Global Privacy Control and Do Not Track as an objection.",
		" On OWN the program counts also when the browser sends Global Privacy Control or Do Not Track.",
		" How can a visitor object on OWN (article 21)?",
		"\n| Rows, one for each hit | 3 years |",
		"\n| Rows of OWN, and titles of pages there | 90 days |",
	} {
		want = strings.NewReplacer("HOST", escaped.Replace(p.Sites[0].Host), "OWN", escaped.Replace(own.Host)).Replace(want)
		if !strings.Contains(strings.ReplaceAll(text, "\u00a0", " "), want) {
			t.Errorf("the papers do not say %q", want)
		}
	}
}

// TestSitesTogether: sites that differ in name and hosts alone stand together.
func TestSitesTogether(t *testing.T) {
	p := papers()
	other := p.Sites[0]
	other.Site, other.Name, other.Host = 4, "Andre", "www.example.net"
	p.Sites = append(p.Sites, other)
	if got := strings.Count(markdown(t, english, p), "### Counting of visits: example\\.no and www\\.example\\.net\n"); got != 1 {
		t.Errorf("sites that are alike stand together %d times", got)
	}
	p.Sites[1].Declared.Controller = "Changed"
	if got := strings.Count(markdown(t, english, p), "### Counting of visits: "); got != 2 {
		t.Errorf("sites of two controllers stand in %d parts", got)
	}
}

// TestPapersKeepTexts: what an owner says is in the papers letter by letter, and is no Markdown
// and no HTML.
func TestPapersKeepTexts(t *testing.T) {
	for _, text := range []string{"a | b", "<script>alert(1)</script>", "[x](javascript:alert)", "**b** _i_ `c` ~~d~~", "# h", "&amp; \\| {{.}}", "https://example.no/a_b?c=d&e=f", "1. a - b + c"} {
		p := papers()
		p.Sites[0].Declared.Controller = text
		doc := document(t, papersPage(t, english, p))
		cells := doc.Find("td").Map(func(_ int, td *goquery.Selection) string { return td.Text() })
		found := false
		for i, cell := range cells {
			found = found || cell == "Controller" && cells[i+1] == text
		}
		if !found || doc.Find("script, a").Length() > 0 {
			t.Errorf("%q is not in the papers, or is more than a text", text)
		}
	}
}

func TestPapersRefuse(t *testing.T) {
	p := papers()
	p.Sites[0].Policy.Bits4 = 32
	for name, write := range map[string]func(*strings.Builder) error{
		"Markdown": func(b *strings.Builder) error { return privacy.WritePapers(b, english, p) },
		"HTML":     func(b *strings.Builder) error { return privacy.RenderPapers(b, english, p) },
	} {
		var b strings.Builder
		if err := write(&b); err == nil || b.Len() > 0 {
			t.Errorf("%s of an invalid policy: %v, %d bytes", name, err, b.Len())
		}
	}
}
