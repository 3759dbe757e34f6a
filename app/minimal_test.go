package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/privacy"
)

// secret is in all that a minimal record does not keep, but for words of our own tables.
const secret = "hemmelig"

// TestMainJobMinimal is the main job under --record minimal: what is kept is counted as
// under standard, and nothing else is kept, shown or said to be.
func TestMainJobMinimal(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	zone, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		t.Fatal(err)
	}
	places, err := geo.Open(geo.Find(), geo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 10, 23, 6, 0, 0, 0, zone)
	p := start(t, at, func(o *app.Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		o.Policy.Record = privacy.Minimal
	})
	for _, args := range [][]string{
		{"site", "add", "--data", p.opts.Data, "--host", "example.org", "--timezone", "Europe/Oslo", "--search-parameters", "q", "--guard", "0"},
		{"goal", "add", "1", "Kontakt", "--page", "/kontakt", "--data", p.opts.Data},
	} {
		if out, errs, status := command(t, "", args...); status != 0 {
			t.Fatalf("%q printed %q, %q, status %d", args, out, errs, status)
		}
	}
	p.awaitSite(1)

	rng := rand.New(rand.NewPCG(3, 4))
	from := append(slices.Clone(origins), origin{"https://" + secret + ".example.net/", "website", secret}, origin{"", "campaign", secret})
	actions := []url.Values{
		{"e_c": {secret}, "e_a": {"a"}, "e_v": {"7"}}, {"download": {"https://example.org/" + secret + ".pdf"}},
		{"link": {"https://" + secret + ".example/"}}, {"search": {secret}, "search_count": {"3"}},
	}
	account, rows, acted := traffic{}, int64(0), int64(0)
	visitors := make([]*visitor, 20)
	for i := range visitors {
		visitors[i] = &visitor{addr: draw(rng, networks[i%len(networks)]), agent: agents[i%len(agents)]}
	}
	for i := range 600 {
		at = at.Add(time.Duration(rng.ExpFloat64() * float64(5*24*time.Hour) / 600)).Truncate(time.Second)
		v := visitors[i/20%len(visitors)]
		h := sent{addr: v.addr, agent: v.agent.header, page: paths[rng.IntN(len(paths))], ref: from[rng.IntN(len(from))], form: rng.IntN(4)}
		hits := []sent{h}
		if rng.IntN(3) == 0 { // and does something there
			hits = append(hits, sent{addr: v.addr, agent: v.agent.header, page: h.page, ref: origins[0], form: 1 + rng.IntN(3), action: actions[rng.IntN(len(actions))]})
		}
		for _, h := range hits {
			at = at.Add(10 * time.Second)
			p.setClock(at)
			if told := p.send(h); told != "recorded" {
				t.Fatalf("hit %d: %q", i, told)
			}
			account.note(v, h, at, zone, places)
			rows++
			if h.action != nil {
				acted++
			}
		}
	}
	p.checkNoSecret("under way")
	p.awaitStored(rows)
	p.checkStoredMinimal(rows, acted)
	p.setUp()
	p.checkDashboard(account, at.In(zone), []string{"page", "entry", "region", "version"}, p.checkMinimalPage)
	p.checkUnknown()
	p.checkMinimalStatement(visitors[0])
	p.checkNoSecret("running")
	p.stop()
	p.checkNoSecret("stopped")
	if strings.Contains(p.log.String(), secret) {
		t.Errorf("the log tells of what is not kept")
	}
}

// checkStoredMinimal asks the store for anything that a minimal record has not.
func (p *program) checkStoredMinimal(rows, acted int64) {
	p.t.Helper()
	var filled []string
	for _, f := range hit.Fields {
		switch none := "0"; {
		case f.Minimal:
		case strings.Contains(f.Type, "String"):
			none = "''"
			fallthrough
		default:
			filled = append(filled, f.Name+" != "+none)
		}
	}
	for query, want := range map[string]string{
		"SELECT count(), countIf(kind = 'ping'), countIf(kind = 'pageview') FROM hits":                          fmt.Sprintf("%d\t%d\t%d\n", rows, acted, rows-acted),
		"SELECT countIf(" + strings.Join(filled, " OR ") + ") FROM hits":                                        "0\n",
		"SELECT arraySort(groupUniqArray(dimension)) FROM daily WHERE value != '' OR detail != ''":              "['entry','left','page','region','version']\n",
		"SELECT arraySort(groupUniqArray(dimension)) FROM monthly WHERE value != '' OR detail != ''":            "['entry','left','page','region','version']\n",
		"SELECT countIf(channel != '' OR os != '' OR device != '' OR source != '' OR campaign != '') FROM cube": "0\n",
		"SELECT count() FROM campaigns": "0\n",
		"SELECT sum(events), sum(conversions), sum(visits) > 0, sum(seconds) > 0 FROM daily WHERE dimension = 'total'": "0\t0\t1\t1\n",
		"SELECT count() > 0 FROM moves": "1\n",
	} {
		if out, errs, status := command(p.t, "", "query", "--data", p.opts.Data, query); out != want || status != 0 {
			p.t.Errorf("%s: %q, %s, want %q", query, out, errs, want)
		}
	}
}

// recorded are the tables of a site's pages that a minimal record fills, and notRecorded
// those that it does not.
var (
	recorded    = []string{"pages#page", "entries#entry", "places#country", "devices#browser"}
	notRecorded = []string{"sources#source", "devices#os", "devices#device", "languages#language"}
)

// checkMinimalPage reads the page as people do.
func (p *program) checkMinimalPage(query string, total sums, want map[[3]string]sums) {
	p.t.Helper()
	read := func(path string) *goquery.Document {
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(p.get(p.public + path)))
		if err != nil {
			p.t.Fatal(err)
		}
		return doc
	}
	doc := read("/sites/1?lang=en&" + query)
	for id, n := range map[string]int64{"visitors": total.Visitors, "visits": total.Visits, "pageviews": total.Pageviews} {
		if got := doc.Find("#figure-" + id + " b").Text(); got != grouped(n) {
			p.t.Errorf("%s: the page shows %s %q, want %q", query, id, got, grouped(n))
		}
	}
	block := func(table string) *goquery.Selection {
		path, id, _ := strings.Cut(table, "#")
		return read("/sites/1/" + path + "?lang=en&" + query).Find("#" + id)
	}
	for _, table := range recorded {
		if n := block(table).Find("tbody tr").Length(); n < 1 {
			p.t.Errorf("%s: table %s has %d rows", query, table, n)
		}
	}
	unknown, err := i18n.Find("en").Text("refusal.unknown")
	if err != nil {
		p.t.Fatal(err)
	}
	for _, table := range notRecorded {
		if b := block(table); b.Find("table").Length() != 0 || !strings.Contains(b.Text(), unknown) {
			p.t.Errorf("%s: of %s the page says %q", query, table, b.Text())
		}
	}
	for _, path := range []string{"/", "/sites/1.json?" + query, "/sites/1.csv?" + query, "/sites/1/pages.csv?" + query, "/sites/1/devices.json?" + query} {
		if text := p.get(p.public + path); text == "" || strings.Contains(text, secret) || strings.Contains(text, "iOS") {
			p.t.Errorf("%s: %s", path, text)
		}
	}
}

// checkUnknown asks for what a minimal record can't tell.
func (p *program) checkUnknown() {
	p.t.Helper()
	const days = "period=range&from=2026-10-20&to=2026-11-01"
	refused := func(question string) {
		p.t.Helper()
		resp, err := p.client.Get(p.public + "/api/v1/sites/1/" + question)
		if err != nil {
			p.t.Fatal(err)
		}
		defer resp.Body.Close()
		var refused struct{ Code string }
		if err := json.NewDecoder(resp.Body).Decode(&refused); err != nil || resp.StatusCode != http.StatusBadRequest || refused.Code != "unknown" {
			p.t.Errorf("%s: %s, %q, %v; want it refused, for nothing is known", question, resp.Status, refused.Code, err)
		}
	}
	for dimension, value := range map[string]string{"source": "Google", "channel": "search", "os": "iOS", "device": "mobile", "language": "nb"} {
		refused("top?measures=visits&" + days + "&dimension=" + dimension)
		refused("totals?measures=visits&" + days + "&f=" + dimension + ":" + value)
		refused("totals?measures=visits&" + days + "&f=!" + dimension + ":" + value)
	}
	for _, dimension := range []string{"campaign", "campaign_medium", "event", "download", "outlink", "search", "search_result", "missing", "goal"} {
		value := "x"
		if dimension == "search_result" {
			value = "none"
		}
		refused("top?" + days + "&dimension=" + dimension)
		refused("totals?" + days + "&f=" + dimension + ":" + value)
		refused("totals?measures=pageviews&" + days + "&f=!" + dimension + ":" + value)
	}
	var pages struct{ Lines []map[string]any }
	p.api("top?measures=exits,page_seconds,section_visitors&f=section:/tjenester&"+days+"&dimension=section", &pages)
	if len(pages.Lines) != 1 || pages.Lines[0]["exits"].(float64) <= 0 || pages.Lines[0]["page_seconds"].(float64) <= 0 || pages.Lines[0]["section_visitors"].(float64) <= 0 {
		p.t.Errorf("exits, time and visitors of a section: %v", pages.Lines)
	}
}

// checkMinimalStatement reads what visitors are told.
func (p *program) checkMinimalStatement(v *visitor) {
	p.t.Helper()
	read := func(path string) *goquery.Document {
		r, err := http.NewRequest(http.MethodGet, p.public+path, nil)
		if err != nil {
			p.t.Fatal(err)
		}
		r.Header.Set("User-Agent", v.agent.header)
		r.Header.Set("X-Forwarded-For", v.addr.String())
		r.Header.Set("Referer", "https://"+secret+".example.net/")
		resp, err := p.client.Do(r)
		if err != nil {
			p.t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			p.t.Fatalf("%s: %s, %v", path, resp.Status, err)
		}
		doc, err := goquery.NewDocumentFromReader(bytes.NewReader(body))
		if err != nil {
			p.t.Fatal(err)
		}
		return doc
	}
	stored := read("/privacy/1?lang=en").Find(`main section:has(h2:contains("What we store"))`)
	if n := stored.Length(); n != 1 {
		p.t.Fatalf("%d sections of the statement tell what is stored, want 1", n)
	}
	facts := 0
	for _, fact := range hit.Facts {
		if slices.ContainsFunc(hit.Fields, func(f hit.Field) bool { return f.Minimal && f.Fact == fact }) {
			facts++
		}
	}
	if n := stored.Find("li").Length(); n != facts {
		p.t.Errorf("the statement lists %d things that are stored, want %d", n, facts)
	}
	for _, word := range []string{"operating system", "language", "campaign", "search"} {
		if strings.Contains(stored.Text(), word) {
			p.t.Errorf("the statement says that %q is stored", word)
		}
	}
	var columns []string
	read("/privacy/1/what?lang=en").Find("table code").Each(func(_ int, s *goquery.Selection) { columns = append(columns, s.Text()) })
	for _, f := range hit.Fields {
		if shown := slices.Contains(columns, f.Name); shown != f.Minimal {
			p.t.Errorf("the row of this visit shows %s: %v, want %v", f.Name, shown, f.Minimal)
		}
	}
}

// checkNoSecret looks through every file of the data directory for what is not kept.
func (p *program) checkNoSecret(when string) {
	p.t.Helper()
	err := filepath.WalkDir(p.opts.Data, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return ignoreGone(err)
		}
		content, err := os.ReadFile(name)
		for _, text := range []string{secret, "nyheter.example.net", "DuckDuckGo"} {
			if bytes.Contains(content, []byte(text)) {
				p.t.Errorf("%s: %q stands in %s", when, text, name)
			}
		}
		return ignoreGone(err)
	})
	if err != nil {
		p.t.Fatal(err)
	}
}
