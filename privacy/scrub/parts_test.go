package scrub_test

import (
	"strings"
	"testing"
)

// TestParts: what is split over texts that stand side by side is found.
func TestParts(t *testing.T) {
	for in, want := range map[string]string{
		"kari.n|@example.no":              "[email]|",
		"kari.n|@example|.no":             "[email]||",
		"Skjema|kari.n|@example.no":       "Skjema|[email]|",
		"81.166|130.147":                  "[ip]|",
		"81.166|.130.147":                 "[ip]|",
		"81|166|130|147":                  "[ip]|||",
		"198.51|.100.201":                 "[ip]|",
		"07839|011142":                    "[national-id]|",
		"078390||11142":                   "[national-id]||",
		"/sak/078390|11142|b":             "/sak/[national-id]||b",
		"51a6|8293":                       "[ip]|",
		"078390|11142|kari.n|@example.no": "[national-id]||[email]|",
		// What makes nothing together.
		"Video|Play|Intro":   "Video|Play|Intro",
		"Del|Twitter|@nrk":   "Del|Twitter|@nrk",
		"2024|12345|6789":    "2024|12345|6789",
		"[email]|[ip]|a":     "[email]|[ip]|a",
		"Artikkel|9123|4567": "Artikkel|9123|4567",
		"JavaScript Errors|https://a.no/b|https://a.no/c.js:10:22": "JavaScript Errors|https://a.no/b|https://a.no/c.js:10:22",
		"/sak|2026|1|20": "/sak|2026|1|20",
		"":               "",
	} {
		parts := strings.Split(in, "|")
		changed := four.Parts(parts)
		if got := strings.Join(parts, "|"); got != want || changed != (in != want) {
			t.Errorf("Parts(%q) = %q, %t, want %q", in, got, changed, want)
		}
	}
}
