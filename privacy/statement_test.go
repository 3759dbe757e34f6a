package privacy_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/privacy"
)

var update = flag.Bool("update", false, "write the golden files")

var languages, bokmal, nynorsk, english = i18n.All(), i18n.Find("nb"), i18n.Find("nn"), i18n.Find("en")

func statement() privacy.Statement {
	return privacy.Statement{
		Policy: privacy.Default(),
		Site:   3,
		Name:   "Sosiale entreprenører",
		Host:   "example.no",
		Declared: privacy.Declared{
			Controller: "Sosiale entreprenører SA, 999 999 999",
			Contact:    "personvern@example.no",
			Officer:    "Personvernombudet, ombud@example.no",
			Purpose:    "nb: Å gjøre sidene bedre.\nnn: Å gjere sidene betre.\nen: To make the pages better.",
			Basis:      "nb: Artikkel 6 nr. 1 bokstav f.\nen: Article 6(1)(f).",
			Recipients: "Drift AS",
			Countries:  "[…]",
		},
		Reader:  "198.51.0.0/16",
		OptOut:  privacy.OptOut{State: "unsure", Out: true},
		GeoText: "IP geolocation by DB-IP",
		GeoURL:  "https://db-ip.com",
		Made:    time.Date(2026, time.November, 22, 19, 43, 0, 0, time.UTC),
	}
}

func TestStatementGolden(t *testing.T) {
	for name, mutate := range map[string]func(*privacy.Policy){
		"standard": func(*privacy.Policy) {},
		"minimal": func(p *privacy.Policy) {
			*p = privacy.Policy{Record: privacy.Minimal, Retention: privacy.Period{Months: 25}, Bits4: 8, Bits6: 24}
		},
		"counting": func(p *privacy.Policy) { p.CountObjections = true },
		"ignoring": func(p *privacy.Policy) {
			*p = privacy.Policy{Record: privacy.Standard, Retention: privacy.Period{Days: 90}, IgnoreObjection: true}
		},
	} {
		for _, lang := range languages {
			t.Run(name+"."+lang.Tag, func(t *testing.T) {
				s := statement()
				mutate(&s.Policy)
				golden(t, "statement."+name+"."+lang.Tag+".html", withoutStyle(t, render(t, lang, s)))
			})
		}
	}
}

// Each field of the policy is a promise: another value must be another statement.
func TestStatementFollowsThePolicy(t *testing.T) {
	type wanted struct{ before, after string }
	mutations := map[string][]struct {
		mutate     func(*privacy.Policy)
		en, nb, nn wanted
	}{
		"Record": {{
			func(p *privacy.Policy) { p.Record = privacy.Minimal },
			wanted{"which operating system", ""}, wanted{"hvilket operativsystem", ""}, wanted{"kva operativsystem", ""},
		}, {
			func(p *privacy.Policy) { p.Record = privacy.Minimal },
			wanted{"where the visit came from", ""}, wanted{"hvor besøket kom fra", ""}, wanted{"kvar besøket kom frå", ""},
		}, {
			func(p *privacy.Policy) { p.Record = privacy.Minimal },
			wanted{"the campaign named after it", ""}, wanted{"kampanjen som er nevnt etter det", ""}, wanted{"kampanjen som er nemnd etter det", ""},
		}},
		"Retention": {{
			func(p *privacy.Policy) { p.Retention = privacy.Period{Months: 25} },
			wanted{"after 3 years.", "after 25 months."}, wanted{"etter 3 år.", "etter 25 måneder."}, wanted{"etter 3 år.", "etter 25 månader."},
		}, {
			func(p *privacy.Policy) { p.Retention = privacy.Period{Days: 90} },
			wanted{"before 22\u00a0November 2023", "before 24\u00a0August 2026"}, wanted{"før 22.\u00a0november 2023", "før 24.\u00a0august 2026"}, wanted{"før 22.\u00a0november 2023", "før 24.\u00a0august 2026"},
		}},
		"Totals": {{
			func(p *privacy.Policy) { p.Totals = privacy.Period{Years: 4} },
			wanted{"", "They are deleted after 4 years."}, wanted{"", "De slettes etter 4 år."}, wanted{"", "Dei blir sletta etter 4 år."},
		}},
		"Backups": {{
			func(p *privacy.Policy) { p.Backups = privacy.Period{Days: 7} },
			wanted{"live for at most 30 days. What is deleted may", "live for at most 7 days. What is deleted may"}, wanted{"lever i høyst 30 dager.", "lever i høyst 7 dager."}, wanted{"lever i høgst 30 dagar.", "lever i høgst 7 dagar."},
		}, {
			func(p *privacy.Policy) { p.Backups = privacy.Period{} },
			wanted{"backups", ""}, wanted{"sikkerhetskopier", ""}, wanted{"tryggingskopiar", ""},
		}},
		"Bits4": {{
			func(p *privacy.Policy) { p.Bits4 = 20 },
			wanted{"203.0.0.0/16, a network of 65,536 addresses", "203.0.112.0/20, a network of 4,096 addresses"},
			wanted{"203.0.0.0/16, et nettverk med 65\u00a0536 adresser", "203.0.112.0/20, et nettverk med 4\u00a0096 adresser"}, wanted{"203.0.0.0/16, eit nettverk med 65\u00a0536 adresser", "203.0.112.0/20, eit nettverk med 4\u00a0096 adresser"},
		}, {
			func(p *privacy.Policy) { p.Bits4 = 0 },
			wanted{"the first 16 of 32 bits", "every network is stored as 0.0.0.0/0"},
			wanted{"de første 16 av 32 bit", "Alle nettverk lagres som 0.0.0.0/0"}, wanted{"dei første 16 av 32 bit", "Alle nettverk blir lagra som 0.0.0.0/0"},
		}},
		"Bits6": {{
			func(p *privacy.Policy) { p.Bits6 = 48 },
			wanted{"the first 32 of 128 bits", "the first 48 of 128 bits"},
			wanted{"de første 32 av 128 bit", "de første 48 av 128 bit"}, wanted{"dei første 32 av 128 bit", "dei første 48 av 128 bit"},
		}, {
			func(p *privacy.Policy) { p.Bits6 = 0 },
			wanted{"leaves 2001:db8::/32", "every network is stored as ::/0"},
			wanted{"blir det igjen 2001:db8::/32", "Alle nettverk lagres som ::/0"}, wanted{"blir det igjen 2001:db8::/32", "Alle nettverk blir lagra som ::/0"},
		}},
		"IgnoreObjection": {{
			func(p *privacy.Policy) { p.IgnoreObjection = true },
			wanted{"We have chosen to take either one as an objection", "counts visits also when the browser sends Global Privacy Control"},
			wanted{"Vi har valgt å regne begge deler som en protest", "teller besøk også når nettleseren sender Global Privacy Control"}, wanted{"Vi har valt å rekne begge delar som ein protest", "tel besøk også når nettlesaren sender Global Privacy Control"},
		}, {
			func(p *privacy.Policy) { p.IgnoreObjection = true },
			wanted{"Use one of the ways above", "Write to us, as said above"},
			wanted{"Bruk en av måtene ovenfor", "Skriv til oss, som sagt ovenfor"}, wanted{"Bruk ein av måtane ovanfor", "Skriv til oss, som sagt ovanfor"},
		}},
		"TitleVisitors": {{
			func(p *privacy.Policy) { p.TitleVisitors = 8 },
			wanted{"at least 5 visitors have seen it", "at least 8 visitors have seen it"}, wanted{"minst 5 besøkende", "minst 8 besøkende"}, wanted{"minst 5 besøkande", "minst 8 besøkande"},
		}, {
			func(p *privacy.Policy) { p.TitleVisitors = 0 },
			wanted{"sends the title of the page", ""}, wanted{"sender også tittelen på siden", ""}, wanted{"sender òg tittelen på sida", ""},
		}, {
			func(p *privacy.Policy) { p.TitleVisitors = 0 },
			wanted{"The title of a page is deleted", ""}, wanted{"Tittelen på en side slettes", ""}, wanted{"Tittelen på ei side blir sletta", ""},
		}},
		"Ageing": {{
			func(p *privacy.Policy) {
				p.Ageing = privacy.Ageing{Network: privacy.Period{Days: 90}, Hour: privacy.Period{Years: 1}}
			},
			wanted{"", "Before that we remove some of it: the cut internet address after 90 days and minutes and seconds of the time after 1 year."},
			wanted{"", "Før det fjerner vi noe av det: den kuttede internettadressen etter 90 dager og minutter og sekunder i tidspunktet etter 1 år."},
			wanted{"", "Før det fjernar vi noko av det: den kutta internettadressa etter 90 dagar og minutt og sekund i tidspunktet etter 1 år."},
		}, {
			func(p *privacy.Policy) { p.Ageing.Network = privacy.Period{Days: 90} },
			wanted{"", "That goes back 90 days: older rows have no network."}, wanted{"", "Det gjelder for de siste 90 dager"}, wanted{"", "Det gjeld for dei siste 90 dagar"},
		}, {
			func(p *privacy.Policy) {
				p.Ageing = privacy.Ageing{Version: privacy.Period{Years: 2}, Region: privacy.Period{Years: 2}}
			},
			wanted{"", "the version of the browser after 2 years and the region after 2 years."}, wanted{"", "versjonen av nettleseren etter 2 år og regionen etter 2 år."}, wanted{"", "versjonen av nettlesaren etter 2 år og regionen etter 2 år."},
		}},
		"FoldBelow": {{
			func(p *privacy.Policy) { p.FoldBelow = 10 },
			wanted{"what fewer than 5 did in that month", "what fewer than 10 did in that month"}, wanted{"det som færre enn 5 gjorde", "det som færre enn 10 gjorde"}, wanted{"det som færre enn 5 gjorde", "det som færre enn 10 gjorde"},
		}, {
			func(p *privacy.Policy) { p.FoldBelow = 0 },
			wanted{"we can’t tell whether somebody came back", "The totals also name what only one visitor did"},
			wanted{"Vi kan ikke se om noen kom tilbake", "I summene står også det som bare én besøkende gjorde"}, wanted{"Vi kan ikkje sjå om nokon kom tilbake", "I summane står òg det som berre éin besøkande gjorde"},
		}},
		"Rounding": {{
			func(p *privacy.Policy) { p.Rounding = 10 },
			wanted{"", "All counts that we are shown are rounded to the nearest 10."},
			wanted{"", "Alle antall som vises for oss, er rundet av til nærmeste 10."}, wanted{"", "Alle tal som blir viste for oss, er runda av til næraste 10."},
		}},
		"CountObjections": {{
			func(p *privacy.Policy) { p.CountObjections = true },
			wanted{"", "our script sends an empty message"}, wanted{"", "sender skriptet vårt en tom melding"}, wanted{"", "sender skriptet vårt ei tom melding"},
		}, {
			func(p *privacy.Policy) { p.CountObjections = true },
			wanted{"", "comes from your internet address and names your browser"}, wanted{"", "sier hvilken nettleser du bruker"}, wanted{"", "seier kva nettlesar du bruker"},
		}, {
			func(p *privacy.Policy) { p.CountObjections = true },
			wanted{"", "tells us which website you are on"}, wanted{"", "Da sier den hvilket nettsted du er på"}, wanted{"", "Då seier han kva nettstad du er på"},
		}},
	}
	policy := reflect.TypeFor[privacy.Policy]()
	for i := range policy.NumField() {
		name := policy.Field(i).Name
		if len(mutations[name]) == 0 {
			t.Errorf("the statement is not tried against Policy.%s", name)
		}
		for _, m := range mutations[name] {
			for lang, want := range map[*i18n.Language]wanted{english: m.en, bokmal: m.nb, nynorsk: m.nn} {
				s := statement()
				before := words(t, render(t, lang, s))
				machine := asJSON(t, s)
				m.mutate(&s.Policy)
				after := words(t, render(t, lang, s))
				if before == after || asJSON(t, s) == machine {
					t.Errorf("%s, %s: the statement stays as it was", name, lang.Tag)
				}
				if want == (wanted{}) {
					t.Errorf("%s: no sentence in %s", name, lang.Tag)
				}
				if want.before != "" && (!strings.Contains(before, want.before) || strings.Contains(after, want.before)) {
					t.Errorf("%s, %s: want %q before the change and not after it", name, lang.Tag, want.before)
				}
				if want.after != "" && (strings.Contains(before, want.after) || !strings.Contains(after, want.after)) {
					t.Errorf("%s, %s: want %q after the change and not before it", name, lang.Tag, want.after)
				}
			}
		}
	}
}

// TestStatementFollowsTheSite: each field of the statement is said: another value is another
// page, in each language, and other JSON. So is each text of the owner. The JSON has nothing of
// its reader.
func TestStatementFollowsTheSite(t *testing.T) {
	mutations := map[string]func(*privacy.Statement){
		"Policy":      func(s *privacy.Statement) { s.Policy.Retention = privacy.Period{Days: 9} }, // see TestStatementFollowsThePolicy
		"Site":        func(s *privacy.Statement) { s.Site = 77 },
		"Name":        func(s *privacy.Statement) { s.Name = "Changed" },
		"Host":        func(s *privacy.Statement) { s.Host = "changed.no" },
		"Parameters":  func(s *privacy.Statement) { s.Parameters = []string{"changed"} },
		"Searches":    func(s *privacy.Statement) { s.Searches = []string{"changed"} },
		"Categories":  func(s *privacy.Statement) { s.Searches, s.Categories = []string{"q"}, []string{"changed"} },
		"Declared":    func(s *privacy.Statement) { s.Declared.Basis = "Changed" },
		"Reader":      func(s *privacy.Statement) { s.Reader = "203.0.0.0/16" },
		"OptOut":      func(s *privacy.Statement) { s.OptOut = privacy.OptOut{Page: "https://example.no/changed"} },
		"GeoText":     func(s *privacy.Statement) { s.GeoText = "Changed" },
		"GeoURL":      func(s *privacy.Statement) { s.GeoURL = "https://changed.example" },
		"ReceiptKeys": func(s *privacy.Statement) { s.ReceiptKeys = []string{"Changed"} },
		"Made":        func(s *privacy.Statement) { s.Made = s.Made.Add(time.Hour) },
	}
	for i := range reflect.TypeFor[privacy.Declared]().NumField() {
		mutations["Declared."+reflect.TypeFor[privacy.Declared]().Field(i).Name] = func(s *privacy.Statement) {
			reflect.ValueOf(&s.Declared).Elem().Field(i).SetString("Changed")
		}
	}
	for i := range reflect.TypeFor[privacy.Statement]().NumField() {
		if name := reflect.TypeFor[privacy.Statement]().Field(i).Name; mutations[name] == nil {
			t.Errorf("the page is not tried against Statement.%s", name)
		}
	}
	for name, mutate := range mutations {
		for _, lang := range languages {
			s := statement()
			before, machine := render(t, lang, s), asJSON(t, s)
			mutate(&s)
			if render(t, lang, s) == before {
				t.Errorf("%s, %s: the statement stays as it was", name, lang.Tag)
			}
			if got := asJSON(t, s) == machine; got != (name == "Reader") {
				t.Errorf("%s: the JSON stays as it was: %t", name, got)
			}
		}
	}
}

// If no part of an address is kept, nothing can be looked up by one.
func TestStatementWithoutNetworksOffersNoSearch(t *testing.T) {
	s := statement()
	s.Policy.Bits4, s.Policy.Bits6 = 0, 0
	for lang, offers := range map[*i18n.Language][]string{
		english: {"We can tell", "We can delete"},
		nynorsk: {"Vi kan seie", "Vi kan slette"},
		bokmal:  {"Vi kan si", "Vi kan slette"},
	} {
		text := words(t, render(t, lang, s))
		for _, offer := range offers {
			if strings.Contains(text, offer) {
				t.Errorf("%s: the statement offers %q", lang.Tag, offer)
			}
		}
	}
}

// The cut that the statement shows is the one that the program makes.
func TestStatementShowsTheRealCut(t *testing.T) {
	s := statement()
	for bits4 := range privacy.MaxBits4 {
		s.Policy.Bits4 = bits4 + 1
		s.Policy.Bits6 = min(2*bits4+2, privacy.MaxBits6)
		codes := document(t, render(t, english, s)).Find("dd code").Map(func(_ int, c *goquery.Selection) string { return c.Text() })
		if len(codes) != 4 {
			t.Fatalf("%d addresses and networks on the page, want 4: %q", len(codes), codes)
		}
		for i := 0; i < len(codes); i += 2 {
			addr := hit.NewAddr(netip.MustParseAddr(codes[i]))
			if want := geo.Cut(addr, s.Policy.Bits4, s.Policy.Bits6); codes[i+1] != want {
				t.Errorf("%s is shown as cut to %s, is cut to %s", codes[i], codes[i+1], want)
			}
		}
	}
}

func TestRetentionInWords(t *testing.T) {
	for period, want := range map[string][3]string{
		"1y":      {"1 year", "1 år", "1 år"},
		"3y":      {"3 years", "3 år", "3 år"},
		"1m":      {"1 month", "1 måned", "1 månad"},
		"25m":     {"25 months", "25 måneder", "25 månader"},
		"1d":      {"1 day", "1 dag", "1 dag"},
		"90d":     {"90 days", "90 dager", "90 dagar"},
		"1y6m":    {"1 year and 6 months", "1 år og 6 måneder", "1 år og 6 månader"},
		"2y1m":    {"2 years and 1 month", "2 år og 1 måned", "2 år og 1 månad"},
		"1y2m1d":  {"1 year, 2 months and 1 day", "1 år, 2 måneder og 1 dag", "1 år, 2 månader og 1 dag"},
		"1000d":   {"1,000 days", "1\u00a0000 dager", "1\u00a0000 dagar"},
		"1y0m15d": {"1 year and 15 days", "1 år og 15 dager", "1 år og 15 dagar"},
	} {
		s := statement()
		s.Policy.Retention = mustParse(t, period)
		for i, lang := range []*i18n.Language{english, bokmal, nynorsk} {
			if got := document(t, render(t, lang, s)).Find("main b").Text(); got != want[i] {
				t.Errorf("%s, %s: %q, want %q", period, lang.Tag, got, want[i])
			}
		}
	}
}

// TestDeclared: what the owner says stands behind its heading, in the language of the page if
// the owner has it in that language; nothing is said for an owner who has not.
func TestDeclared(t *testing.T) {
	headings := map[string]map[string]string{
		"en": {"controller": "Controller", "contact": "Contact", "officer": "Data protection officer", "purpose": "Purpose", "basis": "Legal basis", "recipients": "Recipients and processor", "countries": "Countries outside the EEA"},
		"nb": {"controller": "Behandlingsansvarlig", "contact": "Kontakt", "officer": "Personvernombud", "purpose": "Formål", "basis": "Behandlingsgrunnlag", "recipients": "Mottakere og databehandler", "countries": "Land utenfor EØS"},
		"nn": {"controller": "Behandlingsansvarleg", "contact": "Kontakt", "officer": "Personvernombod", "purpose": "Formål", "basis": "Behandlingsgrunnlag", "recipients": "Mottakarar og databehandlar", "countries": "Land utanfor EØS"},
	}
	unsaid := map[string]string{"en": "The owner of the website has not filled this in yet.", "nb": "Den som eier nettstedet, har ikke fylt ut dette ennå.", "nn": "Den som eig nettstaden, har ikkje fylt ut dette enno."}
	for _, d := range privacy.Declarations {
		for _, tt := range []struct {
			text string
			want map[string]string // by language; "" for what is not said
			lang map[string]string // how the text is marked
		}{
			{"", nil, nil},
			{"Etter […].", nil, nil},
			{"Ås & <b>", map[string]string{"nb": "Ås & <b>", "nn": "Ås & <b>", "en": "Ås & <b>"}, nil},
			{"nb: Bokmål\nnn: Nynorsk\nto linjer\nen: English", map[string]string{"nb": "Bokmål", "nn": "Nynorsk\nto linjer", "en": "English"}, nil},
			{"For alle\nnn: Nynorsk", map[string]string{"nb": "For alle", "nn": "Nynorsk", "en": "For alle"}, nil},
			{"nn: Nynorsk", map[string]string{"nb": "Nynorsk", "nn": "Nynorsk", "en": "Nynorsk"}, map[string]string{"nb": "nn", "en": "nn"}},
			{"nb: Bokmål\nen: English", map[string]string{"nb": "Bokmål", "nn": "Bokmål", "en": "English"}, map[string]string{"nn": "nb"}},
			{"Merk: ikke et språk", map[string]string{"nb": "Merk: ikke et språk", "nn": "Merk: ikke et språk", "en": "Merk: ikke et språk"}, nil},
		} {
			for _, lang := range languages {
				s := statement()
				*d.Text(&s.Declared) = privacy.ReadText(tt.text)
				value := document(t, render(t, lang, s)).Find("dt").FilterFunction(func(_ int, dt *goquery.Selection) bool { return dt.Text() == headings[lang.Tag][d.Key] }).Next()
				want := tt.want[lang.Tag]
				if want == "" {
					want = unsaid[lang.Tag]
				}
				if value.Text() != want || value.Find(".said").AttrOr("lang", "") != tt.lang[lang.Tag] {
					t.Errorf("%s of %q in %s: %q in language %q, want %q in %q", d.Key, tt.text, lang.Tag, value.Text(), value.Find(".said").AttrOr("lang", ""), want, tt.lang[lang.Tag])
				}
			}
		}
	}
}

// TestMissing: what is not said, or still has a blank of a suggestion, is missing.
func TestMissing(t *testing.T) {
	var d privacy.Declared
	if got := d.Missing(); len(got) != len(privacy.Declarations) {
		t.Errorf("of nothing %q are missing", got)
	}
	for i, one := range privacy.Declarations {
		*one.Text(&d) = "nn: […]"
		if got := d.Missing(); got[0] != one.Key {
			t.Errorf("with a blank in %s %q are missing", one.Key, got)
		}
		*one.Text(&d) = "nn: noko"
		if got := d.Missing(); len(got) != len(privacy.Declarations)-i-1 {
			t.Errorf("with %d texts %q are missing", i+1, got)
		}
	}
}

// TestDeclarationsAreBounded: a text is plain, and no longer than its bound, in bytes.
func TestDeclarationsAreBounded(t *testing.T) {
	for _, d := range privacy.Declarations {
		for text, ok := range map[string]bool{
			"":                                 true,
			strings.Repeat("å", d.Max/2):       true,
			strings.Repeat("å", d.Max/2) + "å": false,
			"a\x00b":                           false,
			"a\u202eb":                         false,
			"a\xffb":                           false,
			"a\nb":                             d.Lines,
		} {
			if err := d.Check(text); (err == nil) != ok {
				t.Errorf("%s: %.20q: %v", d.Key, text, err)
			}
		}
	}
}

// TestReader: the page shows the network of its reader only where something is kept of it.
func TestReader(t *testing.T) {
	for reader, want := range map[string]bool{"198.51.0.0/16": true, "2001:db8::/32": true, "0.0.0.0/0": false, "::/0": false, "": false} {
		for _, lang := range languages {
			s := statement()
			s.Reader = reader
			doc := document(t, render(t, lang, s))
			if got := doc.Find("p > code").FilterFunction(func(_ int, c *goquery.Selection) bool { return c.Text() == reader }).Length() == 1; got != want {
				t.Errorf("%s: network %q of the reader is shown: %t", lang.Tag, reader, got)
			}
		}
	}
}

// TestChoiceOnStatement: the page says how the choice stands, offers the other one, and leads
// to the page of the site where it can't keep one.
func TestChoiceOnStatement(t *testing.T) {
	for _, lang := range languages {
		for _, tt := range []struct {
			choice        privacy.OptOut
			value, button string
		}{
			{privacy.OptOut{State: "unsure", Out: true}, "1", "optout.leave"},
			{privacy.OptOut{State: "outHere"}, "0", "optout.join"},
			{privacy.OptOut{State: "lost", Out: true}, "1", "optout.leave"},
			{privacy.OptOut{State: "objects", Out: true}, "", ""},
			{privacy.OptOut{Page: "https://example.no/personvern"}, "", ""},
			{privacy.OptOut{}, "", ""},
		} {
			s := statement()
			s.OptOut = tt.choice
			doc := document(t, render(t, lang, s))
			if button := doc.Find("form button"); button.AttrOr("value", "") != tt.value || tt.button != "" && button.Text() != lang.Say(tt.button) {
				t.Errorf("%s: %+v has the button %q, %q", lang.Tag, tt.choice, button.AttrOr("value", ""), button.Text())
			}
			if said := doc.Find("[role=status]").Text(); (said == "") != (tt.choice.State == "") || said != "" && said != lang.Say("optout."+tt.choice.State) {
				t.Errorf("%s: %+v says %q", lang.Tag, tt.choice, said)
			}
			if got := doc.Find(`a[href="https://example.no/personvern"]`).Length(); (got == 1) != (tt.choice.Page != "") {
				t.Errorf("%s: %+v has %d links", lang.Tag, tt.choice, got)
			}
		}
	}
}

// TestStatementClaimsNoLaw: the page says that the law on communications equipment applies, that
// it is not settled what follows, and nowhere that a signal of a browser is a legal duty.
func TestStatementClaimsNoLaw(t *testing.T) {
	for lang, want := range map[*i18n.Language][]string{
		bokmal:  {"Ekomloven § 3-15 krever", "kommunikasjonsutstyret ditt", "ikke avklart", "Vi har valgt å regne begge deler som en protest"},
		nynorsk: {"Ekomlova § 3-15 krev", "kommunikasjonsutstyret ditt", "ikkje avklart", "Vi har valt å rekne begge delar som ein protest"},
		english: {"Section 3-15", "communications equipment", "not settled", "We have chosen to take either one as an objection"},
	} {
		text := words(t, render(t, lang, statement()))
		for _, part := range want {
			if !strings.Contains(text, part) {
				t.Errorf("%s: the statement lacks %q", lang.Tag, part)
			}
		}
		for _, never := range []string{"terminalutstyr", "gjelder ikke", "gjeld ikkje", "does not apply", "krever GPC", "anonyme", "anonymous"} {
			if strings.Contains(text, never) {
				t.Errorf("%s: the statement says %q", lang.Tag, never)
			}
		}
	}
}

func TestStatementContact(t *testing.T) {
	for contact, href := range map[string]string{
		"personvern@example.no":       "mailto:personvern@example.no",
		"https://example.no/kontakt":  "https://example.no/kontakt",
		"Storgata 1, 0155 Oslo":       "",
		"javascript:alert(1)":         "",
		"javascript:alert('a@b')":     "",
		"a@example.no?bcc=b@mail.com": "",
		"<script>alert(1)</script>":   "",
		"":                            "",
	} {
		s := statement()
		s.Declared.Contact = contact
		for _, lang := range languages {
			doc := document(t, render(t, lang, s))
			last := doc.Find("section p").Last()
			if got := last.Find("a").AttrOr("href", ""); got != href {
				t.Errorf("%s, contact %q links to %q, want %q", lang.Tag, contact, got, href)
			}
			if !strings.Contains(last.Text(), contact) {
				t.Errorf("%s: contact %q is not in %q", lang.Tag, contact, last.Text())
			}
			if contact == "" && !strings.Contains(last.Text(), "example.no") {
				t.Errorf("%s: without a contact %q does not lead to the site", lang.Tag, last.Text())
			}
			if doc.Find("script").Length() > 0 {
				t.Errorf("%s: contact %q makes a script", lang.Tag, contact)
			}
		}
	}
}

func TestStatementNamesItsRegionData(t *testing.T) {
	for _, lang := range languages {
		s := statement()
		link := document(t, render(t, lang, s)).Find(`footer a[href="https://db-ip.com"]`)
		if link.Text() != "IP geolocation by DB-IP" {
			t.Errorf("%s: the link to DB-IP reads %q", lang.Tag, link.Text())
		}
		s.GeoText, s.GeoURL = "", ""
		if got := words(t, render(t, lang, s)); strings.Contains(got, "DB-IP") {
			t.Errorf("%s: region data are named that nobody uses", lang.Tag)
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	broken := statement()
	broken.Policy.Bits4 = 32
	for name, render := range map[string]func(*strings.Builder) error{
		"statement of an invalid policy": func(b *strings.Builder) error {
			return privacy.RenderStatement(b, english, broken)
		},
		"row under an invalid policy": func(b *strings.Builder) error {
			return privacy.RenderWhat(b, english, privacy.What{Statement: broken})
		},
	} {
		var b strings.Builder
		if err := render(&b); err == nil || b.Len() > 0 {
			t.Errorf("%s: error %v after %d bytes, want an error and no byte", name, err, b.Len())
		}
	}
	if err := privacy.RenderStatement(brokenPipe{}, english, statement()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("error of the writer is lost: %v", err)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, os.ErrClosed }

// The pages must work under the header that is sent with them, and need nothing
// from anywhere else.
func TestPagesKeepTheirContentSecurityPolicy(t *testing.T) {
	for _, lang := range languages {
		for name, html := range map[string]string{
			"statement": render(t, lang, statement()),
			"what":      renderWhat(t, lang, privacy.What{Statement: statement(), Row: fullRow()}),
			"nothing":   renderWhat(t, lang, privacy.What{Statement: statement(), Dropped: "bot"}),
		} {
			_, rest, _ := strings.Cut(html, "<style>")
			style, _, ok := strings.Cut(rest, "</style>")
			sum := sha256.Sum256([]byte(style))
			hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
			if csp := privacy.ContentSecurityPolicy(); !ok || !strings.Contains(csp, "style-src "+hash) {
				t.Errorf("%s in %s: style sheet of hash %s is not the one of %q", name, lang.Tag, hash, csp)
			}
			doc := document(t, html)
			if n := doc.Find("script, link, img, iframe, form[action], [style], [onclick], [src]").Length(); n > 0 {
				t.Errorf("%s in %s: %d elements that the policy forbids", name, lang.Tag, n)
			}
			if got := doc.Find("html").AttrOr("lang", ""); got != lang.Tag {
				t.Errorf("%s in %s: marked as %q", name, lang.Tag, got)
			}
			if doc.Find("h1").Length() != 1 || doc.Find("main").Length() != 1 {
				t.Errorf("%s in %s: want one h1 and one main", name, lang.Tag)
			}
		}
	}
}

func render(t *testing.T, lang *i18n.Language, s privacy.Statement) string {
	t.Helper()
	var b strings.Builder
	if err := privacy.RenderStatement(&b, lang, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func document(t *testing.T, html string) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(html))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// words returns the text of the page as it is read.
func words(t *testing.T, html string) string {
	t.Helper()
	doc := document(t, html)
	doc.Find("style").Remove()
	return strings.Join(strings.FieldsFunc(doc.Text(), func(r rune) bool { return r == ' ' || r == '\n' }), " ")
}

// withoutStyle leaves the style sheet out of a page: golden files are about
// what it says.
func withoutStyle(t *testing.T, html string) string {
	t.Helper()
	before, rest, _ := strings.Cut(html, "<style>")
	_, after, ok := strings.Cut(rest, "</style>")
	if !ok {
		t.Fatal("page without a style sheet")
	}
	return before + after
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), -update writes it:\n%s", path, diff)
	}
}

// The statement names the query parameters that a site keeps.
func TestStatementNamesParameters(t *testing.T) {
	for _, lang := range languages {
		s := statement()
		if strings.Contains(render(t, lang, s), "<code>sak</code>") {
			t.Errorf("%s: names a parameter that is not kept", lang.Tag)
		}
		s.Parameters = []string{"sak", "side"}
		if !strings.Contains(render(t, lang, s), "(<code>sak</code>, <code>side</code>)") {
			t.Errorf("%s: does not name the parameters that are kept", lang.Tag)
		}
	}
}
