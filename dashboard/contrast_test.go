package dashboard

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// TestContrast holds the colours of both schemes to WCAG 2.2, criteria 1.4.3 (text,
// 4.5:1) and 1.4.11 (lines and edges, 3:1).
func TestContrast(t *testing.T) {
	css, err := os.ReadFile("web/dashboard.css")
	if err != nil {
		t.Fatal(err)
	}
	schemes := regexp.MustCompile(`(?s):root \{.*?\n *\}\n`).FindAllString(string(css), -1)
	if len(schemes) != 2 {
		t.Fatalf("%d schemes of colours, want light and dark", len(schemes))
	}
	for i, scheme := range schemes {
		colors := map[string]float64{}
		for _, c := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{3}|[0-9a-f]{6});`).FindAllStringSubmatch(scheme, -1) {
			colors[c[1]] = luminance(t, c[2])
		}
		for _, pair := range []struct {
			front, back string
			want        float64
		}{
			{"ink", "paper", 4.5}, {"ink", "raised", 4.5}, {"ink", "bar", 4.5},
			{"muted", "paper", 4.5}, {"muted", "raised", 4.5}, {"muted", "bar", 4.5},
			{"a", "paper", 4.5}, {"a", "raised", 4.5}, {"on-a", "a", 4.5}, {"alert", "alert-paper", 4.5},
			{"b", "paper", 3}, {"a-was", "paper", 3}, {"b-was", "paper", 3}, {"edge", "paper", 3}, {"edge", "raised", 3},
		} {
			front, back := colors[pair.front], colors[pair.back]
			if got := (max(front, back) + 0.05) / (min(front, back) + 0.05); got < pair.want {
				t.Errorf("scheme %d: --%s on --%s has %.2f:1, want %.1f:1", i, pair.front, pair.back, got, pair.want)
			}
		}
	}
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			sum += weight * c / 12.92
		} else {
			sum += weight * math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return sum
}
