package i18n_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
)

// lay lays files by their names.
func lay(files map[string]string) (*i18n.Catalogue, error) {
	folder := fstest.MapFS{}
	for name, text := range files {
		folder[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return i18n.Lay(folder)
}

// TestLay: a laid language has its own texts and plural forms, the marks and names of CLDR, and in
// the place of what its file lacks what its readers would read without it.
func TestLay(t *testing.T) {
	c, err := lay(map[string]string{
		"da.json": `{"nav.pages": "Sider", "nav.sources": "Kilder og veje", "days": {"one": "%s dag", "other": "%s dage"}, "language": {"format": {"and": " samt "}}}`,
		"pl.json": `{"days": {"one": "%s dzień", "few": "%s dni", "many": "%s dni!", "other": "%s dnia"}, "period.name.quarter": "%[2]s: %[1]s"}`,
		"nb.json": `{"nav.pages": "Nettsider"}`,
		"se.json": `{"language": {"name": "Davvisámegiella"}, "days": {"one": "%s beaivi", "two": "%s beaivvi", "other": "%s beaivvi"}}`,
		"no.txt":  `{`,
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range c.All() {
		names = append(names, l.Tag+" "+l.Name)
	}
	if diff := cmp.Diff([]string{"en English", "nb Bokmål", "nn Nynorsk", "da Dansk", "pl Polski", "se Davvisámegiella"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	day := calendar.DayOf(time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC))
	for _, got := range []struct {
		what, got, want string
	}{
		{"laid", c.Find("da").Say("nav.sources"), "Kilder og veje"},
		{"not laid, of a neighbour of bokmål", c.Find("da").Say("nav.missing"), "Finner de fram?"},
		{"not laid, of somebody else", c.Find("pl").Say("nav.missing"), i18n.Find("en").Say("nav.missing")},
		{"replaced", c.Find("nb").Say("nav.pages"), "Nettsider"},
		{"not replaced", c.Find("nb").Say("nav.sources"), "Kilder"},
		{"of the program", i18n.Find("nb").Say("nav.pages"), "Sider"},
		{"arguments in another order", c.Find("pl").Say("period.name.quarter", "1", "2026"), "2026: 1"},
		{"one", c.Find("pl").Counted("days", 1), "1 dzień"}, {"few", c.Find("pl").Counted("days", 3), "3 dni"},
		{"many", plain(c.Find("pl").Counted("days", 1005)), "1 005 dni!"},
		{"two", c.Find("se").Counted("days", 2), "2 beaivvi"},
		{"numbers", plain(c.Find("da").Number(1234567)) + " " + plain(c.Find("pl").Number(1234567)), "1.234.567 1 234 567"},
		{"decimals", c.Find("da").Decimal(0.5) + " " + c.Find("pl").Decimal(0.5) + " " + plain(c.Find("da").Percent(0.5)), "0,5 0,5 50,0 %"},
		{"a country", c.Find("da").Country("GB") + ", " + c.Find("pl").Country("NO"), "Storbritannien, Norwegia"},
		{"a language", c.Find("da").LanguageName("en"), "engelsk"},
		{"a region", c.Find("se").Region("NO-50"), "Trøndelag"},
		{"a day", plain(c.Find("da").Day(day)) + ", " + plain(c.Find("pl").Day(day)), "2. november 2026, 2 November 2026"},
		{"a list", c.Find("da").List([]string{"a", "b"}), "a samt b"},
		{"who reads Danish", c.Match("da-DK,en;q=0.5").Tag, "da"}, {"who reads Swedish", c.Match("sv").Tag, "nb"},
		{"who reads Sámi", c.Match("se-NO").Tag, "se"}, {"who reads none", c.Match("").Tag, "en"},
	} {
		if got.got != got.want {
			t.Errorf("%s: %q, want %q", got.what, got.got, got.want)
		}
	}
}

// TestLayMistakes: each mistake is told with the file and the key.
func TestLayMistakes(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{"da.json", `{`, "da.json: unexpected end"},
		{"da.json", `[]`, "da.json: json: cannot unmarshal"},
		{"da.json", "{\"nav.pages\": \"\xff\"}", "da.json: want UTF-8"},
		{"da.json", `{"nav.pages": "` + strings.Repeat("a", 1<<20) + `"}`, "da.json: want at most 1048576 bytes"},
		{"x y.json", `{}`, "x y.json: want the tag of a language"},
		{"texts.json", `{}`, "texts.json: want the tag"},
		{"DA.json", `{}`, "DA.json: want da.json as its name"},
		{"da.txt", `{}`, "0 files, want 1 to 20"},
		{"da.json", `{"nav.page": "Sider"}`, `da.json: text "nav.page": there is none`},
		{"nb.json", `{"optout.leave": "Slutt"}`, `nb.json: text "optout.leave": it stands on pages for visitors`},
		{"da.json", `{"nav.pages": ""}`, `text "nav.pages": want words`},
		{"da.json", `{"nav.pages": null}`, `text "nav.pages": want words`},
		{"da.json", `{"nav.pages": 7}`, `text "nav.pages": json`},
		{"da.json", `{"nav.pages": "a\u0000b"}`, `text "nav.pages": "a\x00b": want no control`},
		{"da.json", `{"nav.pages": "Sider %s"}`, `text "nav.pages": "Sider %s": want the places of "Sider"`},
		{"da.json", `{"nav.pages": {"one": "Side", "other": "Sider"}}`, `text "nav.pages": want one text`},
		{"da.json", `{"period.name.week": "uge"}`, `text "period.name.week": "uge": want the places of "uke %s"`},
		{"da.json", `{"period.name.week": "uge %d"}`, `text "period.name.week": "uge %d"`},
		{"da.json", `{"period.name.week": "uge %s %"}`, `text "period.name.week": "uge %s %"`},
		{"da.json", `{"period.name.quarter": "%[2]s %[3]s"}`, `text "period.name.quarter"`},
		{"da.json", `{"days": "%s dage"}`, `text "days": want the plural form "one"`},
		{"da.json", `{"days": {"one": "%s dag"}}`, `text "days": plural forms [one]: want other`},
		{"da.json", `{"days": {"lots": "%s", "other": "%s"}}`, `text "days": plural form "lots"`},
		{"da.json", `{"days": {"one": "%s %s dag", "other": "%s dage"}}`, `text "days": "%s %s dag": want the places`},
		{"pl.json", `{"days": {"one": "%s", "few": "%s", "other": "%s"}}`, `pl.json: text "days": want the plural form "many"`},
		{"nb.json", `{"days": {"other": "%s dager"}}`, `nb.json: text "days": want the plural form "one"`},
		{"da.json", `{"language": {"nam": "x"}}`, `text "language": json: unknown field "nam"`},
		{"da.json", `{"language": {"name": ""}}`, `text "language": want words`},
		{"da.json", `{"language": {"format": {"months": ["januar"]}}}`, `text "language": want words`},
		{"da.json", `{"language": {"format": {"clock": "kl"}}}`, `text "language": clock "kl"`},
		{"da.json", `{"language": {"format": {"ended": "%s"}}}`, `text "language": ended "%s"`},
	} {
		_, err := lay(map[string]string{c.file: c.text})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s %.60s: %v, want %s", c.file, c.text, err, c.want)
		}
	}
	many := map[string]string{}
	for i := range 21 {
		many[fmt.Sprintf("x-%c.json", 'a'+i)] = "{}"
	}
	if _, err := lay(many); err == nil || !strings.Contains(err.Error(), "21 files") {
		t.Errorf("21 files: %v", err)
	}
}

// TestWriteIsLaid: what is written of a language is laid as it is, and changes nothing.
func TestWriteIsLaid(t *testing.T) {
	for _, l := range i18n.All() {
		var written, again bytes.Buffer
		if err := l.Write(&written); err != nil {
			t.Fatal(err)
		}
		c, err := lay(map[string]string{l.Tag + ".json": written.String()})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Find(l.Tag).Write(&again); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(written.String(), again.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", l.Tag, diff)
		}
		for _, want := range []string{`"nav.pages": `, `"months": [`, `"other": "`} {
			if !strings.Contains(written.String(), want) {
				t.Errorf("%s lacks %s", l.Tag, want)
			}
		}
		if strings.Contains(written.String(), `"optout.`) || strings.Contains(written.String(), `\u003c`) {
			t.Errorf("%s has a text of pages for visitors, or signs that nobody reads", l.Tag)
		}
	}
}
