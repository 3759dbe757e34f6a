package region_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fotspor/fotspor/geo/region"
)

// nordic are all subdivisions of the four countries that are complete, with their names.
var nordic = []struct{ code, nb, nn, en string }{
	{"NO-03", "Oslo", "Oslo", "Oslo"},
	{"NO-11", "Rogaland", "Rogaland", "Rogaland"},
	{"NO-15", "Møre og Romsdal", "Møre og Romsdal", "Møre og Romsdal"},
	{"NO-18", "Nordland", "Nordland", "Nordland"},
	{"NO-21", "Svalbard", "Svalbard", "Svalbard"},
	{"NO-22", "Jan Mayen", "Jan Mayen", "Jan Mayen"},
	{"NO-31", "Østfold", "Østfold", "Østfold"},
	{"NO-32", "Akershus", "Akershus", "Akershus"},
	{"NO-33", "Buskerud", "Buskerud", "Buskerud"},
	{"NO-34", "Innlandet", "Innlandet", "Innlandet"},
	{"NO-39", "Vestfold", "Vestfold", "Vestfold"},
	{"NO-40", "Telemark", "Telemark", "Telemark"},
	{"NO-42", "Agder", "Agder", "Agder"},
	{"NO-46", "Vestland", "Vestland", "Vestland"},
	{"NO-50", "Trøndelag", "Trøndelag", "Trøndelag"},
	{"NO-55", "Troms", "Troms", "Troms"},
	{"NO-56", "Finnmark", "Finnmark", "Finnmark"},
	{"SE-AB", "Stockholm", "Stockholm", "Stockholm"},
	{"SE-AC", "Västerbotten", "Västerbotten", "Västerbotten"},
	{"SE-BD", "Norrbotten", "Norrbotten", "Norrbotten"},
	{"SE-C", "Uppsala", "Uppsala", "Uppsala"},
	{"SE-D", "Södermanland", "Södermanland", "Södermanland"},
	{"SE-E", "Östergötland", "Östergötland", "Östergötland"},
	{"SE-F", "Jönköping", "Jönköping", "Jönköping"},
	{"SE-G", "Kronoberg", "Kronoberg", "Kronoberg"},
	{"SE-H", "Kalmar", "Kalmar", "Kalmar"},
	{"SE-I", "Gotland", "Gotland", "Gotland"},
	{"SE-K", "Blekinge", "Blekinge", "Blekinge"},
	{"SE-M", "Skåne", "Skåne", "Skåne"},
	{"SE-N", "Halland", "Halland", "Halland"},
	{"SE-O", "Västra Götaland", "Västra Götaland", "Västra Götaland"},
	{"SE-S", "Värmland", "Värmland", "Värmland"},
	{"SE-T", "Örebro", "Örebro", "Örebro"},
	{"SE-U", "Västmanland", "Västmanland", "Västmanland"},
	{"SE-W", "Dalarna", "Dalarna", "Dalarna"},
	{"SE-X", "Gävleborg", "Gävleborg", "Gävleborg"},
	{"SE-Y", "Västernorrland", "Västernorrland", "Västernorrland"},
	{"SE-Z", "Jämtland", "Jämtland", "Jämtland"},
	{"DK-81", "Nordjylland", "Nordjylland", "North Denmark"},
	{"DK-82", "Midtjylland", "Midtjylland", "Central Denmark"},
	{"DK-83", "Syddanmark", "Syddanmark", "Southern Denmark"},
	{"DK-84", "Hovedstaden", "Hovedstaden", "Capital Region of Denmark"},
	{"DK-85", "Sjælland", "Sjælland", "Zealand"},
	{"FI-01", "Åland", "Åland", "Åland"},
	{"FI-02", "Södra Karelen", "Södra Karelen", "South Karelia"},
	{"FI-03", "Södra Österbotten", "Södra Österbotten", "South Ostrobothnia"},
	{"FI-04", "Södra Savolax", "Södra Savolax", "South Savo"},
	{"FI-05", "Kajanaland", "Kajanaland", "Kainuu"},
	{"FI-06", "Egentliga Tavastland", "Egentliga Tavastland", "Kanta-Häme"},
	{"FI-07", "Mellersta Österbotten", "Mellersta Österbotten", "Central Ostrobothnia"},
	{"FI-08", "Mellersta Finland", "Mellersta Finland", "Central Finland"},
	{"FI-09", "Kymmenedalen", "Kymmenedalen", "Kymenlaakso"},
	{"FI-10", "Lappland", "Lappland", "Lapland"},
	{"FI-11", "Birkaland", "Birkaland", "Pirkanmaa"},
	{"FI-12", "Österbotten", "Österbotten", "Ostrobothnia"},
	{"FI-13", "Norra Karelen", "Norra Karelen", "North Karelia"},
	{"FI-14", "Norra Österbotten", "Norra Österbotten", "North Ostrobothnia"},
	{"FI-15", "Norra Savolax", "Norra Savolax", "North Savo"},
	{"FI-16", "Päijänne-Tavastland", "Päijänne-Tavastland", "Päijät-Häme"},
	{"FI-17", "Satakunta", "Satakunta", "Satakunta"},
	{"FI-18", "Nyland", "Nyland", "Uusimaa"},
	{"FI-19", "Egentliga Finland", "Egentliga Finland", "Southwest Finland"},
}

// TestNordicNames: every subdivision has its name in each language, and is found by its
// code and by each of its names as databases write them.
func TestNordicNames(t *testing.T) {
	for _, c := range nordic {
		country, short, _ := strings.Cut(c.code, "-")
		for language, want := range map[string]string{"nb": c.nb, "nn": c.nn, "en": c.en, "de": c.en} {
			if got, _ := region.Name(c.code, language); got != want {
				t.Errorf("Name(%s, %s) = %q, want %q", c.code, language, got, want)
			}
			spellings := []string{want, strings.ToUpper(want), ascii.Replace(want), spelled.Replace(want)}
			for _, kind := range []string{" County", " Region", " Municipality", " fylke", " län", " lan"} {
				spellings = append(spellings, want+kind, ascii.Replace(want)+kind)
			}
			for _, called := range append(spellings, "Region "+want, "County of "+want, c.code, short, strings.ToLower(c.code)) {
				if got := region.Code(country, called); got != c.code {
					t.Errorf("Code(%s, %q) = %q, want %s", country, called, got, c.code)
				}
			}
		}
	}
}

var (
	ascii   = strings.NewReplacer("æ", "ae", "ø", "o", "å", "a", "ä", "a", "ö", "o", "Ø", "O", "Å", "A", "Ä", "A", "Ö", "O")
	spelled = strings.NewReplacer("æ", "ae", "ø", "oe", "å", "aa", "ä", "ae", "ö", "oe", "Ø", "Oe", "Å", "Aa", "Ä", "Ae", "Ö", "Oe")
)

// TestOwnTable: each name in names.txt leads to the code of its line, each code has a
// name, and none stands twice.
func TestOwnTable(t *testing.T) {
	text, err := os.ReadFile("names.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		head, rest, _ := strings.Cut(line, "|")
		head = strings.TrimSpace(head)
		code, target := strings.Fields(head)[0], strings.Fields(head)[0]
		country, _, _ := strings.Cut(code, "-")
		if _, now, ok := strings.Cut(head, " now "); ok {
			target = now
		}
		if _, is, ok := strings.Cut(head, " is "); ok {
			target = is
		}
		if seen[head] {
			t.Errorf("%s stands twice", head)
		}
		seen[head] = true
		names := strings.FieldsFunc(rest, func(r rune) bool { return r == '|' || r == ',' })
		if code != country {
			names = append(names, code)
			if name, _ := region.Name(code, "en"); name == code {
				t.Errorf("%s has no name", code)
			}
		}
		for _, name := range names {
			if name = strings.TrimSpace(name); name == "" {
				continue
			}
			if got := region.Code(country, name); got != target {
				t.Errorf("%s: Code(%s, %q) = %q, want %s", head, country, name, got, target)
			}
		}
	}
	if len(seen) < 300 {
		t.Errorf("%d lines read", len(seen))
	}
}

func TestCode(t *testing.T) {
	for _, c := range []struct{ name, country, called, want string }{
		// DB-IP, MaxMind, IP2Location and their like
		{"letters left out", "NO", "Trondelag", "NO-50"},
		{"letters left out", "NO", "Ostfold", "NO-31"},
		{"letters left out", "NO", "More og Romsdal", "NO-15"},
		{"another and", "NO", "Møre & Romsdal", "NO-15"},
		{"letters left out", "SE", "Skane", "SE-M"},
		{"kind behind it", "SE", "Skåne County", "SE-M"},
		{"the name at home", "SE", "Stockholms län", "SE-AB"},
		{"the same without letters", "SE", "Vastra Gotalands lan", "SE-O"},
		{"the name at home", "SE", "Västra Götalandsregionen", "SE-O"},
		{"English", "FI", "Uusimaa", "FI-18"},
		{"Swedish in half", "FI", "Newland", "FI-18"},
		{"the town", "FI", "Tampere", "FI-11"},
		{"Finnish", "FI", "Pohjois-Pohjanmaa", "FI-14"},
		{"two English names", "FI", "Northern Ostrobothnia", "FI-14"},
		{"one is not a part of another", "FI", "Ostrobothnia", "FI-12"},
		{"English", "DK", "Capital Region", "DK-84"},
		{"English", "DK", "Central Jutland", "DK-82"},
		{"Danish", "DK", "Region Hovedstaden", "DK-84"},
		{"Danish without letters", "DK", "Sjaelland", "DK-85"},
		{"Danish without letters", "DK", "Region Sjaelland", "DK-85"},
		// names that are official beside the Norwegian
		{"South Sámi", "NO", "Trööndelage", "NO-50"},
		{"North Sámi", "NO", "Romsa", "NO-55"},
		{"Kven", "NO", "Tromssa", "NO-55"},
		{"North Sámi", "NO", "Finnmárku", "NO-56"},
		{"North Sámi without letters", "NO", "Finnmarku", "NO-56"},
		{"Kven", "NO", "Finmarkku", "NO-56"},
		{"Lule Sámi", "NO", "Nordlánnda", "NO-18"},
		{"of the county, North Sámi", "NO", "Romssa fylka", "NO-55"},
		{"of the county, Kven", "NO", "Finmarkun fylkki", "NO-56"},
		{"all three", "NO", "Troms – Romsa – Tromssa", "NO-55"},
		{"Finnish", "FI", "Ahvenanmaa", "FI-01"},
		// Norway's counties that were
		{"whole in one of today's", "NO", "Sør-Trøndelag", "NO-50"},
		{"whole in one of today's", "NO", "Nord-Trondelag Fylke", "NO-50"},
		{"whole in one of today's", "NO", "16", "NO-50"},
		{"whole in one of today's", "NO", "Hordaland", "NO-46"},
		{"whole in one of today's", "NO", "Sogn og Fjordane", "NO-46"},
		{"whole in one of today's", "NO", "Aust-Agder", "NO-42"},
		{"whole in one of today's", "NO", "Hedmark", "NO-34"},
		{"merged and back", "NO", "01", "NO-31"},
		{"merged and back", "NO", "NO-20", "NO-56"},
		{"divided in 2024", "NO", "Viken", "NO-30"},
		{"divided in 2024", "NO", "30", "NO-30"},
		{"divided in 2024", "NO", "Troms Og Finnmark", "NO-54"},
		{"divided in 2024", "NO", "Vestfold and Telemark", "NO-38"},
		// countries whose regions ISO 3166-2 has under another
		{"Svalbard", "SJ", "Svalbard", "NO-21"},
		{"Jan Mayen", "SJ", "22", "NO-22"},
		{"Åland", "AX", "Mariehamns stad", "FI-01"},
		{"Åland, as the Matomo dialect passes it", "AX", "AX-FI-01", "FI-01"},
		{"Svalbard as Norway's", "NO", "21", "NO-21"},
		// elsewhere
		{"MaxMind", "GB", "ENG", "GB-ENG"},
		{"kind before it", "DE", "State of Berlin", "DE-BE"},
		{"English", "DE", "Bavaria", "DE-BY"},
		{"letters left out", "DE", "Baden-Wurttemberg", "DE-BW"},
		{"letters as two", "DE", "Baden-Wuerttemberg", "DE-BW"},
		{"accents and apostrophes", "FR", "Provence-Alpes-Cote d'Azur", "FR-PAC"},
		{"letters left out", "PL", "Swietokrzyskie", "PL-26"},
		{"kind behind it", "RO", "Constanta County", "RO-CT"},
		{"apostrophe", "NZ", "Hawke's Bay Region", "NZ-HKB"},
		{"a code that has another in its place", "CN", "22", "CN-JL"},
		{"a division before a district of its name", "BD", "Dhaka", "BD-C"},
		{"a county before a municipality of its name", "LT", "Vilnius", "LT-VL"},
		{"below a level that databases leave out", "ID", "West Java", "ID-JB"},
		{"the city", "UA", "Kyiv City", "UA-30"},
		{"the region around it, by the same name", "UA", "Kyiv", "UA-32"},
		{"the city", "RU", "Moscow", "RU-MOW"},
		{"the region around it", "RU", "Moscow Oblast", "RU-MOS"},
		{"the city", "MX", "Mexico City", "MX-CMX"},
		{"renumbered in 2015", "MA", "Casablanca-Settat", "MA-06"},
		{"renumbered in 2020", "IR", "Tehran", "IR-23"},
		{"dissolved in 2016", "FR", "Rhone-Alpes", "FR-ARA"},
		{"the code of one dissolved in 2016", "FR", "V", "FR-ARA"},
		{"a part of another territory", "FR", "Province Nord", ""},
		{"two have it once the kind is left out", "TW", "Hsinchu Area", ""},
		// nothing
		{"unknown", "NO", "Nowhere", ""},
		{"of another country", "NO", "Skåne", ""},
		{"empty", "NO", "", ""},
		{"no country", "", "Oslo", ""},
		{"the kind alone", "NO", "County", ""},
		{"another alphabet", "NO", "Осло", ""},
		{"partly another alphabet", "NO", "Oslo Осло", ""},
		{"a municipality", "NO", "0301", ""},
		{"a prefix", "NO", "Trond", ""},
		{"longer than any", "NO", "Oslo" + strings.Repeat(" ", 100), ""},
	} {
		if got := region.Code(c.country, c.called); got != c.want {
			t.Errorf("%s: Code(%s, %q) = %q, want %q", c.name, c.country, c.called, got, c.want)
		}
	}
}

// TestGarbage: reading a place from a file makes no garbage for its region.
func TestGarbage(t *testing.T) {
	for _, called := range []string{"50", "Trondelag", "Skåne County", "Nowhere in particular"} {
		if n := testing.AllocsPerRun(100, func() { region.Code("NO", called) }); n != 0 {
			t.Errorf("%v allocations for %q, want none", n, called)
		}
	}
}

func TestName(t *testing.T) {
	for _, c := range []struct{ code, language, want string }{
		{"NO-30", "nb", "Viken, 2024"},
		{"NO-30", "nn", "Viken, 2024"},
		{"NO-30", "en", "Viken, 2024"},
		{"NO-38", "nb", "Vestfold og Telemark, 2024"},
		{"NO-54", "en", "Troms og Finnmark, 2024"},
		{"NO-16", "nb", "Sør-Trøndelag, 2018"},
		{"NO-12", "en", "Hordaland, 2020"},
		{"NO-01", "nn", "Østfold, 2020"},
		{"GB-ENG", "en", "England"},
		{"GB-ENG", "nb", "England"},
		{"DE-BY", "nb", "Bavaria"},
		{"FR-IDF", "en", "Île-de-France"},
		{"IR-23", "en", "Tehran"},
		{"", "nb", ""},
		{"XX-1", "nb", "XX-1"},
		{"Vestland", "nb", "Vestland"},
	} {
		got, ended := region.Name(c.code, c.language)
		if ended != "" {
			got += ", " + ended
		}
		if got != c.want {
			t.Errorf("Name(%q, %s) = %q, want %q", c.code, c.language, got, c.want)
		}
	}
}

// FuzzCode: what is stored is a code of a few letters, for anything that a file or a sender says.
func FuzzCode(f *testing.F) {
	f.Add("NO", "Møre og Romsdal")
	f.Add("NO", "NO-50")
	f.Add("AX", "AX-FI-01")
	f.Add("VN", "Thừa Thiên–Huế")
	f.Add("GB", "\xff\x00 County of")
	form := regexp.MustCompile(`^[A-Z]{2}-[A-Z0-9]{1,3}$`)
	f.Fuzz(func(t *testing.T, country, called string) {
		code := region.Code(country, called)
		if code == "" {
			return
		}
		if !form.MatchString(code) {
			t.Fatalf("Code(%q, %q) = %q", country, called, code)
		}
		if again := region.Code(code[:2], code); again != code {
			t.Fatalf("Code(%q, %q) = %q, whose own code is %q", country, called, code, again)
		}
		for _, language := range []string{"nb", "nn", "en"} {
			if name, _ := region.Name(code, language); name == code || name == "" || !utf8.ValidString(name) {
				t.Fatalf("Name(%q, %s) = %q", code, language, name)
			}
		}
	})
}

func BenchmarkCode(b *testing.B) {
	region.Code("NO", "Oslo") // reads the tables
	for _, called := range []string{"50", "Trondelag", "Skåne County"} {
		b.Run(called, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				region.Code("NO", called)
			}
		})
	}
}
