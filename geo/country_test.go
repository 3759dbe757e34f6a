package geo_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/text/language"

	"github.com/fotspor/fotspor/geo"
)

// TestCountries: two letters are a country if ISO 3166-1 assigns them, which is less
// than a library of languages takes for a region.
func TestCountries(t *testing.T) {
	db := open(t)
	n := 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string([]rune{a, b})
			if db.Told(code, "").Country != code {
				continue
			}
			n++
			if region, err := language.ParseRegion(code); err != nil || !region.IsCountry() || region.String() != code || region.Canonicalize() != region {
				t.Errorf("%s is a country: %v, %v", code, region, err)
			}
		}
	}
	if n != 250 { // and Kosovo
		t.Errorf("%d countries, want 250", n)
	}
	for _, code := range []string{"", "xx", "no", "XX", "ZZ", "AA", "QO", "EU", "AP", "A1", "A2", "O1", "T1", "UK", "AN", "SU", "YU", "DD", "EZ", "UN", "NOR", "N", "Å", "N\xff"} {
		if place := db.Told(code, code+"-1"); place != (geo.Place{}) {
			t.Errorf("%q is the place %+v", code, place)
		}
	}
}

func TestToldRegions(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	db, err := geo.Open(nil, geo.Options{Registerer: registry})
	if err != nil {
		t.Fatal(err)
	}
	unknown := 0.0
	for _, c := range []struct{ name, region, want string }{
		{"a code", "NO-50", "NO-50"},
		{"a code without its country", "50", "NO-50"},
		{"in lower case", "no-03", "NO-03"},
		{"a name", "Trøndelag", "NO-50"},
		{"a name behind the country, as the Matomo dialect passes it", "NO-TRØNDELAG", "NO-50"},
		{"a name in Sámi", "NO-FINNMÁRKU", "NO-56"},
		{"a code of before 2020 of a county that is back", "07", "NO-39"},
		{"a code of before 2020 of a part of a county", "NO-12", "NO-46"},
		{"a county that was divided", "NO-30", "NO-30"},
		{"none", "", ""},
		{"a code that is none", "NO-99", ""},
		{"a municipality", "NO-0301", ""},
		{"of another country", "SE-AB", ""},
		{"no letters", "NO-", ""},
		{"not a region", "NO-0 ", ""},
		{"the country twice", "NO-NO-03", ""},
		{"too long", strings.Repeat("03", 1<<16), ""},
		{"not UTF-8", "NO-\xff", ""},
	} {
		if got := db.Told("NO", c.region); got != (geo.Place{Country: "NO", Region: c.want}) {
			t.Errorf("%s: region %q of Norway is %+v, want %q", c.name, c.region, got, c.want)
		}
		if c.region != "" && c.want == "" {
			unknown++
		}
	}
	db.Told("NORGE", "03")
	if got := counter(t, registry, "fotspor_geo_unknown_regions_total"); got != unknown {
		t.Errorf("%v unknown regions counted, want %v", got, unknown)
	}
}
