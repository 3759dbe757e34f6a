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
	type pair struct {
		front, back string
		want        float64
	}
	schemes := regexp.MustCompile(`(?s):root \{.*?\n *\}\n`).FindAllString(string(css), -1)
	if len(schemes) != 2 {
		t.Fatalf("%d schemes of colours, want light and dark", len(schemes))
	}
	for i, scheme := range schemes {
		colors := map[string][3]float64{}
		for _, c := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{3}|[0-9a-f]{6});`).FindAllStringSubmatch(scheme, -1) {
			colors[c[1]] = channels(t, c[2])
		}
		// The hours of the week are shades of the bars.
		shades := regexp.MustCompile(`\.(l[1-9]) \{ background: color-mix\(in srgb, var\(--bar\) (\d+)%, var\(--paper\)\)`).FindAllStringSubmatch(string(css), -1)
		if len(shades) < 4 {
			t.Fatalf("%d shades of the hours of the week", len(shades))
		}
		for _, s := range shades {
			part, _ := strconv.ParseFloat(s[2], 64)
			var mixed [3]float64
			for i := range mixed {
				mixed[i] = (colors["bar"][i]*part + colors["paper"][i]*(100-part)) / 100
			}
			colors[s[1]] = mixed
		}
		pairs := []pair{
			{"on-accent", "accent", 4.5}, {"alert", "paper", 4.5}, {"alert", "raised", 4.5},
			{"edge", "paper", 3}, {"edge", "raised", 3}, {"accent", "band", 3}, {"muted", "band", 3}, // lines over weekends
		}
		for _, back := range []string{"paper", "raised", "tint", "band"} {
			for _, front := range []string{"ink", "muted", "accent"} {
				pairs = append(pairs, pair{front, back, 4.5})
			}
		}
		for _, s := range shades {
			pairs = append(pairs, pair{"ink", s[1], 4.5})
		}
		for _, pair := range pairs {
			front, ok := colors[pair.front]
			back, okBack := colors[pair.back]
			if !ok || !okBack {
				t.Fatalf("scheme %d lacks --%s or --%s", i, pair.front, pair.back)
			}
			a, b := luminance(front), luminance(back)
			if got := (max(a, b) + 0.05) / (min(a, b) + 0.05); got < pair.want {
				t.Errorf("scheme %d: --%s on --%s has %.2f:1, want %.1f:1", i, pair.front, pair.back, got, pair.want)
			}
		}
	}
}

// channels reads red, green and blue, each 0 to 1.
func channels(t *testing.T, hex string) (rgb [3]float64) {
	t.Helper()
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	for i := range rgb {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		rgb[i] = float64(n) / 255
	}
	return rgb
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(rgb [3]float64) (sum float64) {
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		if c := rgb[i]; c <= 0.04045 {
			sum += weight * c / 12.92
		} else {
			sum += weight * math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return sum
}
