package geo_test

import (
	"testing"

	"golang.org/x/text/language"

	"github.com/fotspor/fotspor/geo"
)

// TestCountries: two letters are a country if ISO 3166-1 assigns them, which is less
// than a library of languages takes for a region.
func TestCountries(t *testing.T) {
	n := 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string([]rune{a, b})
			if geo.Told(code, "").Country != code {
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
		if place := geo.Told(code, code+"-1"); place != (geo.Place{}) {
			t.Errorf("%q is the place %+v", code, place)
		}
	}
}

func TestToldRegions(t *testing.T) {
	for region, want := range map[string]string{
		"NO-03": "NO-03", "NO-A": "NO-A", "NO-ABC": "NO-ABC", "NO-50": "NO-50",
		"": "", "03": "", "NO-": "", "NO-0301": "", "SE-03": "", "no-03": "", "NO-Å": "", "NO-0 ": "", "NO_03": "", "NO-NO-03": "", "Oslo": "",
	} {
		if got := geo.Told("NO", region); got != (geo.Place{Country: "NO", Region: want}) {
			t.Errorf("region %q of Norway is %+v, want %q", region, got, want)
		}
	}
}
