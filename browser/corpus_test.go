package browser_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/browser"
	"github.com/fotspor/fotspor/hit"
)

// row is one line of the corpus; nil is what its source does not say.
type row struct {
	UA      string
	Browser *string
	Major   *string
	OS      *string
	Device  *string
	IsBot   *bool `json:"is_bot"`
	Source  string
	Weight  float64
}

// corpus reads the third-party User-Agents, which are not part of the project.
func corpus(tb testing.TB, source string) []row {
	tb.Helper()
	file, err := os.Open(filepath.Join("..", "..", "shared", "data", "ua", "corpus.jsonl"))
	if err != nil {
		tb.Skipf("SKIPPED, third-party test data not here: %v", err)
	}
	defer file.Close()
	var rows []row
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var r row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			tb.Fatal(err)
		}
		if r.Source == source {
			if r.Weight == 0 {
				r.Weight = 1
			}
			rows = append(rows, r)
		}
	}
	if len(rows) == 0 {
		tb.Fatalf("no rows from %q", source)
	}
	return rows
}

// share is the part of the weight of the rows that a figure counts which is right.
type share struct{ right, all float64 }

func (s *share) count(right bool, weight float64) {
	s.all += weight
	if right {
		s.right += weight
	}
}

func (s share) percent() float64 { return 100 * s.right / s.all }

func (s share) atLeast(t *testing.T, what string, floor float64) {
	t.Helper()
	t.Logf("%-28s %7.3f %% (floor %g)", what, s.percent(), floor)
	if s.percent() < floor {
		t.Errorf("%s: %.3f %%, want at least %g", what, s.percent(), floor)
	}
}

// sameBrowser allows for the names of the corpus that say the same as ours.
func sameBrowser(got, want string) bool {
	fold := strings.NewReplacer(" ", "", "-", "")
	return strings.EqualFold(fold.Replace(got), fold.Replace(want)) || want == "iOS WebView" && got == "Safari"
}

// sameVersion holds where the corpus has no version.
func sameVersion(got string, want *string) bool { return want == nil || got == *want }

func TestRealTraffic(t *testing.T) {
	var named, os, device, bots share
	for _, r := range corpus(t, "npm:user-agents") {
		got := browser.Parse(r.UA, hit.Hints{})
		ok := sameBrowser(got.Browser, *r.Browser) && sameVersion(got.Version, r.Major)
		named.count(ok, r.Weight)
		os.count(got.OS == *r.OS, r.Weight)
		device.count(got.Device == *r.Device, r.Weight)
		bots.count(got.Bot == "", r.Weight)
		if !ok || got.Bot != "" || got.OS != *r.OS || got.Device != *r.Device {
			t.Logf("%+v, want %s %v %s %s: %s", got, *r.Browser, r.Major, *r.OS, *r.Device, r.UA)
		}
	}
	named.atLeast(t, "family and major version", 99.5)
	os.atLeast(t, "operating system", 99.9)
	device.atLeast(t, "device", 99.9)
	bots.atLeast(t, "not taken for a bot", 99.9)
}

func TestTopBrowsers(t *testing.T) {
	var named, people share
	for _, r := range corpus(t, "npm:top-user-agents") {
		got := browser.Parse(r.UA, hit.Hints{})
		named.count(sameBrowser(got.Browser, *r.Browser) && sameVersion(got.Version, r.Major), 1)
		people.count(got.Bot == "", 1)
		if !sameBrowser(got.Browser, *r.Browser) || got.Bot != "" {
			t.Logf("%+v, want %s: %s", got, *r.Browser, r.UA)
		}
	}
	named.atLeast(t, "family and major version", 97)
	people.atLeast(t, "not taken for a bot", 99.9)
}

// listed are the browsers that a report names, as uap-core calls them.
var listed = []string{
	"Chrome", "Safari", "iOS WebView", "Firefox", "Edge", "Opera", "Opera Mini", "Samsung Internet", "Internet Explorer",
	"Android Browser", "UC Browser", "QQ Browser", "Yandex Browser", "Brave", "Vivaldi", "DuckDuckGo", "Whale",
	"Coc Coc", "Amazon Silk", "Huawei Browser", "HeyTap Browser", "vivo Browser", "Facebook", "Instagram", "Google App",
	"Snapchat", "WeChat",
}

func TestListedBrowsers(t *testing.T) {
	var family, version, people share
	for _, r := range corpus(t, "uap-core:test_ua") {
		if r.Browser == nil || !slices.Contains(listed, *r.Browser) {
			continue
		}
		got := browser.Parse(r.UA, hit.Hints{})
		ok := sameBrowser(got.Browser, *r.Browser)
		family.count(ok, 1)
		if r.Major != nil {
			number, _ := strconv.Atoi(*r.Major)
			if number > browser.Newest(got.Browser)+20 { // Brave 5035 among them
				*r.Major = ""
			}
			ok = ok && sameVersion(got.Version, r.Major)
			version.count(ok, 1)
		}
		people.count(got.Bot == "", 1)
		if !ok {
			t.Logf("%+v, want %s %s: %s", got, *r.Browser, deref(r.Major), r.UA)
		}
	}
	family.atLeast(t, "family", 98)
	version.atLeast(t, "family and major version", 95)
	people.atLeast(t, "not taken for a bot", 97) // the rest show no page: loaders of icons, previews
}

// TestImplausible prints how much of the traffic that its collectors found
// implausible is told. Most is word for word what Chrome says.
func TestImplausible(t *testing.T) {
	var told share
	for _, r := range corpus(t, "npm:user-agents/suspect") {
		told.count(browser.Parse(r.UA, hit.Hints{}).Bot != "", r.Weight)
	}
	told.atLeast(t, "implausible traffic told", 25)
}

// TestFloors: at once, people are left be and bots found. The rows of the table come
// with those of others where these are present.
func TestFloors(t *testing.T) {
	floors := func(t *testing.T, people, bots []string) {
		var left, found share
		for _, userAgent := range people {
			got := browser.Parse(userAgent, hit.Hints{})
			left.count(got.Bot == "", 1)
			if got.Bot != "" {
				t.Logf("taken for the bot %q (%s): %s", got.Bot, got.Rule, userAgent)
			}
		}
		for _, userAgent := range bots {
			found.count(browser.Parse(userAgent, hit.Hints{}).Bot != "", 1)
		}
		t.Logf("%d people, %d bots", len(people), len(bots))
		left.atLeast(t, "people not taken for bots", 99.9)
		found.atLeast(t, "bots found", 99)
	}
	people, bots := slices.Concat(people, chancePeople(), additions), slices.Concat(inventedBots, purposeBots())
	t.Run("own table", func(t *testing.T) { floors(t, people, bots) })
	t.Run("with the rows of others", func(t *testing.T) {
		for _, source := range []string{"npm:user-agents", "npm:top-user-agents", "crawler-user-agents"} {
			for _, r := range corpus(t, source) {
				if *r.IsBot {
					bots = append(bots, r.UA)
				} else {
					people = append(people, r.UA)
				}
			}
		}
		floors(t, people, bots)
	})
}

func deref(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

func TestCrawlers(t *testing.T) {
	var found, named share
	for _, r := range corpus(t, "crawler-user-agents") {
		got := browser.Parse(r.UA, hit.Hints{})
		found.count(got.Bot != "", 1)
		if got.Bot == "" {
			t.Logf("missed: %s", r.UA)
			continue
		}
		named.count(got.Bot != "unnamed" && got.Bot != browser.Other, 1)
	}
	found.atLeast(t, "bots found", 99.7)
	named.atLeast(t, "by a name of the table", 95)
}

func TestOperatingSystems(t *testing.T) {
	var os share
	for _, r := range corpus(t, "uap-core:test_ua") {
		if r.OS == nil {
			continue
		}
		got := browser.Parse(r.UA, hit.Hints{})
		os.count(got.OS == *r.OS, 1)
	}
	os.atLeast(t, "operating system", 70) // half of what is missing are systems of feature phones and apps
}
