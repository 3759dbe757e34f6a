package browser_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/browser"
	"github.com/fotspor/fotspor/hit"
)

func parserAt(year int, month time.Month) *browser.Parser {
	parser := browser.New()
	parser.Now = func() time.Time { return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC) }
	return parser
}

// TestVersionsThatCanBe: 20 more than the newest, and 3 more for each month since. A
// clock that is behind takes none away.
func TestVersionsThatCanBe(t *testing.T) {
	newest := browser.Newest("Chrome")
	for _, c := range []struct {
		year  int
		month time.Month
		most  int
	}{
		{2026, time.November, newest + 20}, {2026, time.December, newest + 23}, {2027, time.January, newest + 26},
		{2027, time.November, newest + 56}, {2029, time.October, newest + 20 + 3*35}, {2020, time.January, newest + 20},
	} {
		parser := parserAt(c.year, c.month)
		for number := range 1000 {
			want := strconv.Itoa(number)
			if number > c.most {
				want = ""
			}
			got := parser.Parse(strings.Replace(firefoxLinux, "Gecko/20100101 Firefox/150.0", fmt.Sprintf("AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", number), 1), hit.Hints{})
			if got.Bot == "" && got.Version != want {
				t.Errorf("in %s %d, Chrome %d has the version %q, want %q", c.month, c.year, number, got.Version, want)
			}
		}
	}
}

// TestNoVersion: a text that only begins with a number is not a version.
func TestNoVersion(t *testing.T) {
	for _, version := range []string{"1e3", "1E3.0", "99999.0", "x"} {
		got := browser.New().Parse("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/"+version+" Safari/537.36", hit.Hints{})
		if got.Version != "" {
			t.Errorf("Chrome/%s has the version %q, want none", version, got.Version)
		}
	}
}

// TestFewVersions: of all versions that can be sent for every browser, by its User-Agent or by
// hint, few are kept, each in one spelling.
func TestFewVersions(t *testing.T) {
	parser := parserAt(2026, time.November)
	versions := map[string]map[string]bool{}
	keep := func(c browser.Client) {
		if c.Bot != "" {
			return
		}
		if versions[c.Browser] == nil {
			versions[c.Browser] = map[string]bool{}
		}
		versions[c.Browser][c.Version] = true
	}
	for number := 0; number < 10000; number += 41 {
		for _, form := range []string{"%d", "%04d", "%05d"} {
			v := fmt.Sprintf(form, number)
			for _, userAgent := range []string{
				strings.ReplaceAll(chromeWindows, "153.0", v+".0"), chromeWindows + " Edg/" + v, chromePhone + " OPR/" + v, webView + " Instagram " + v + ".0",
				strings.Replace(safariPhone, "26.6", v, 1), strings.Replace(safariPhone, "Version/26.6", "CriOS/"+v, 1),
				strings.ReplaceAll(firefoxLinux, "150.0", v+".0"), "Opera/9.80 (Windows NT 6.1; U; nb) Presto/2.12 Version/" + v,
				"Mozilla/4.0 (compatible; MSIE " + v + "; Windows NT 6.0)", "Mozilla/5.0 (X11; U; Linux i686; en-US; rv:1.9) Gecko/20080630 Kazehakase/" + v,
				"Mozilla/5.0 (Linux; U; Android " + v + "; nb-no) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
			} {
				keep(parser.Parse(userAgent, hit.Hints{}))
			}
			for _, brand := range []string{"Google Chrome", "Brave", "Vivaldi", "Kari Nordmann"} {
				keep(parser.Parse(chromeWindows, hit.Hints{Brands: fmt.Sprintf("%q;v=%q", brand, v)}))
			}
		}
	}
	for name, all := range versions {
		for v := range all {
			if n, err := strconv.Atoi(v); v != "" && (err != nil || strconv.Itoa(n) != v || n > browser.Newest(name)+20) {
				t.Errorf("%s has the version %q", name, v)
			}
		}
	}
	for _, name := range []string{"Chrome", "Edge", "Opera", "Instagram", "Safari", "Firefox", "Internet Explorer", "Android Browser", "Brave", "Vivaldi", "Other Chromium", "Kazehakase"} {
		if len(versions[name]) == 0 {
			t.Errorf("%s was not among them: %v", name, versions)
		}
	}
}

// TestEveryBrowserHasANewestVersion, or none at all.
func TestEveryBrowserHasANewestVersion(t *testing.T) {
	for _, name := range browser.Names() {
		if none := browser.Rare(name) || name == browser.Other; (browser.Newest(name) == 0) != none {
			t.Errorf("%s has the newest version %d", name, browser.Newest(name))
		}
	}
}

// TestNewestVersionsAreNew: no real traffic is of a version beyond the newest. Where it
// fails, raise the versions and the month in version.go.
func TestNewestVersionsAreNew(t *testing.T) {
	for _, source := range []string{"npm:user-agents", "npm:top-user-agents"} {
		for _, r := range corpus(t, source) {
			got := browser.Parse(r.UA, hit.Hints{})
			number, _ := strconv.Atoi(got.Version)
			if number > browser.Newest(got.Browser) {
				t.Errorf("%s %d is newer than %d: %s", got.Browser, number, browser.Newest(got.Browser), r.UA)
			}
			if r.Major != nil && sameBrowser(got.Browser, *r.Browser) && got.Version == "" {
				t.Errorf("%s has no version: %s", got.Browser, r.UA)
			}
		}
	}
}
