package collector_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/collector"
	"github.com/fotspor/fotspor/collector/dialect/matomo"
	"github.com/fotspor/fotspor/collector/limit"
	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/referrer"
)

// base is the row of a first view of the front page of site 1.
var base = hit.Row{
	Site: 1, Time: evening, Day: calendar.DayOf(evening) + 1, Kind: hit.Pageview,
	Path: "/", Host: "example.org", EntryPath: "/", Network: "203.0.0.0/16",
	Browser: "Firefox", BrowserVersion: "141", OS: "Windows", Device: "desktop", Language: "nb",
	Channel: "direct", Pageviews: 1, Visits: 1, Visitors: 1, PageVisitors: 1, SectionVisitors: 1, Bounces: 1,
}

// row returns base with changes.
func row(changes ...func(*hit.Row)) hit.Row {
	row := base
	for _, change := range changes {
		change(&row)
	}
	return row
}

// at changes base to a first view of another page.
func at(path string) func(*hit.Row) {
	return func(row *hit.Row) { row.Path, row.EntryPath = path, path }
}

// done changes base to a hit that is not a page view.
func done(kind hit.Kind, name string, value float64) func(*hit.Row) {
	return func(row *hit.Row) {
		row.Kind, row.Name, row.Value = kind, name, value
		row.Pageviews, row.PageVisitors, row.SectionVisitors, row.Bounces = 0, 0, 0, 0
	}
}

// spamOf is a list of referrer spam.
func spamOf(t *testing.T, hosts string) *referrer.Spam {
	t.Helper()
	file := filepath.Join(t.TempDir(), "spam.txt")
	if err := os.WriteFile(file, []byte(hosts), 0o600); err != nil {
		t.Fatal(err)
	}
	spam, err := referrer.OpenSpam(file)
	if err != nil {
		t.Fatal(err)
	}
	return spam
}

func minimal(o *collector.Options) { o.Policy.Record = privacy.Minimal }
func behindProxy(o *collector.Options) {
	o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
}

// TestPipeline compares the results of requests: the rows in the spool, the reasons if there
// are none, the answer and the counters.
func TestPipeline(t *testing.T) {
	const page = "/pixel.gif?site=1&url="
	const action = "/matomo.php?idsite=1&rec=1&url=https://example.org/kurs"
	long := strings.Repeat("å", 600) // 1,200 bytes

	tests := []struct {
		name    string
		request request
		options func(*collector.Options)
		rows    []hit.Row
		ledger  []string // reason, rule, name and count of each entry of the ledger
		dropped []string // reasons, in alphabetical order
		status  int      // 0: 200
		told    string   // "": by the number of rows
	}{
		// Where the page is named.
		{
			name:    "pixel with url and ref",
			request: request{target: page + "https%3A%2F%2Fexample.org%2Fom%3Fid%3D7%23topp&ref=https%3A%2F%2Fwww.google.no%2F"},
			rows:    []hit.Row{row(at("/om"), func(r *hit.Row) { r.Channel, r.Source = "search", "Google" })},
		},
		{
			name:    "pixel with Referer only",
			request: request{target: "/pixel.gif?site=1", header: map[string]string{"Referer": "https://butikk.example.org/kurv"}},
			rows:    []hit.Row{row(at("/kurv"), func(r *hit.Row) { r.Host = "butikk.example.org" })},
		},
		{
			name:    "Matomo by GET",
			request: request{target: "/matomo.php?idsite=1&rec=1&url=https%3A%2F%2Fexample.org%2Fom&urlref=https%3A%2F%2Fnrk.no%2Fsak&action_name=Om&_id=0123456789abcdef&res=1920x1080"},
			rows:    []hit.Row{row(at("/om"), func(r *hit.Row) { r.Channel, r.Source = "website", "nrk.no" })},
		},
		{
			name:    "Matomo by POST",
			request: request{target: "/piwik.php", body: "idsite=2&rec=1&url=https://www.other.example/a&lang=en-GB"},
			rows: []hit.Row{row(at("/a"), func(r *hit.Row) {
				r.Site, r.Host, r.Language, r.Day = 2, "www.other.example", "en", calendar.DayOf(evening)
			})},
		},
		{
			name:    "path instead of URL",
			request: request{target: page + "/om?x=1"},
			rows:    []hit.Row{row(at("/om"))},
		},
		{
			name:    "no page",
			request: request{target: "/pixel.gif?site=1"},
			dropped: []string{"no page"},
		},

		// Hits that are not page views.
		{
			name:    "event without a page keeps its name",
			request: request{target: "/matomo.php?idsite=1&rec=1&e_c=Video&e_a=Play&e_n=Intro&e_v=2.5"},
			rows:    []hit.Row{row(at(""), done(hit.Event, "Video / Play / Intro", 2.5), func(r *hit.Row) { r.Host = "" })},
		},
		{
			name:    "event on a page",
			request: request{target: action + "&e_c=Skjema&e_a=%20Send%0A%00inn%20"},
			rows:    []hit.Row{row(at("/kurs"), done(hit.Event, "Skjema / Sendinn", 0))},
		},
		{
			name:    "name of an event is cut between characters",
			request: request{target: action + "&e_c=x&e_a=" + long},
			rows:    []hit.Row{row(at("/kurs"), done(hit.Event, "x / "+strings.Repeat("å", 125), 0))},
		},
		{
			name:    "outlink is host and path",
			request: request{target: action + "&link=https%3A%2F%2Fkari:pw@Betal.example:8443%2Fkvittering%3Fepost%3Dkari%40example.org%23x"},
			rows:    []hit.Row{row(at("/kurs"), done(hit.Outlink, "betal.example/kvittering", 0))},
		},
		{
			name:    "link to another host of the site is no outlink",
			request: request{target: action + "&link=https://Butikk.example.org/kurv"},
			dropped: []string{"own link"},
		},
		{name: "link without a scheme", request: request{target: action + "&link=//Betal.example/kvittering?epost=kari"}, rows: []hit.Row{row(at("/kurs"), done(hit.Outlink, "betal.example/kvittering", 0))}},
		{name: "link without a scheme to another host of the site", request: request{target: action + "&link=//butikk.example.org/kurv"}, dropped: []string{"own link"}},
		{name: "link to a server of files", request: request{target: action + "&link=FTP://kari:pw@ftp.betal.example/pub/"}, rows: []hit.Row{row(at("/kurs"), done(hit.Outlink, "ftp.betal.example/pub/", 0))}},
		{name: "link to a server of files of the site", request: request{target: action + "&link=sftp://example.org/pub/"}, dropped: []string{"own link"}},
		{name: "download from a server of files", request: request{target: action + "&download=ftp://ftp.betal.example/a.zip"}, rows: []hit.Row{row(at("/kurs"), done(hit.Download, "ftp.betal.example/a.zip", 0))}},
		{name: "link to a person", request: request{target: action + "&link=mailto:kari@example.org"}, dropped: []string{"no target"}},
		{name: "link to a telephone", request: request{target: action + "&link=tel:+4791234567"}, dropped: []string{"no target"}},
		{name: "link to a message", request: request{target: action + "&link=sms:91234567"}, dropped: []string{"no target"}},
		{name: "link to what can't be read", request: request{target: action + "&link=https://other%2531.example/x"}, dropped: []string{"no target"}},
		{name: "download of what can't be read", request: request{target: action + "&download=https://other%2531.example/x"}, dropped: []string{"no target"}},
		{name: "path of the site as outlink", request: request{target: action + "&link=/intern"}, dropped: []string{"own link"}},
		{
			name:    "own link that the page has counted",
			request: request{target: action + "&link=/intern&own=1"},
			rows:    []hit.Row{row(at("/kurs"), done(hit.Outlink, "example.org/intern", 0))},
		},
		{
			name:    "download of what the page made",
			request: request{target: action + "&download=blob:https://example.org/4c5e"},
			rows:    []hit.Row{row(at("/kurs"), done(hit.Download, "example.org/download", 0))},
		},
		{
			name:    "download of data, which may be a person's",
			request: request{target: action + "&download=Data:text/csv,kari"},
			rows:    []hit.Row{row(at("/kurs"), done(hit.Download, "example.org/download", 0))},
		},
		{
			name:    "download",
			request: request{target: action + "&download=/filer/%C3%85rsmelding.pdf%3Ftoken=1"},
			rows:    []hit.Row{row(at("/kurs"), done(hit.Download, "example.org/filer/Årsmelding.pdf", 0))},
		},
		{
			name:    "search",
			request: request{target: action + "&search=sykkel&search_count=3"},
			rows:    []hit.Row{row(at("/kurs"), done(hit.Search, "sykkel", 3))},
		},
		{
			name:    "ping without a visit",
			request: request{target: action + "&ping=1"},
			dropped: []string{"no visit"},
		},

		// Who is not counted.
		{
			name:    "Global Privacy Control",
			request: request{target: page + "/", header: map[string]string{"Sec-Gpc": "1"}},
			ledger:  []string{"objection"},
			dropped: []string{"objection"},
		},
		{
			name:    "Do Not Track",
			request: request{target: action, header: map[string]string{"Dnt": "1"}},
			ledger:  []string{"objection"},
			dropped: []string{"objection"},
		},
		{
			name:    "event of somebody who objects, which is no page view more",
			request: request{target: action + "&e_c=a&e_a=b", header: map[string]string{"Dnt": "1"}},
			dropped: []string{"objection"},
		},
		{
			name:    "message of our script that somebody objects, where none are counted",
			request: request{target: "/matomo.php?idsite=1&rec=1&objection=1"},
		},
		{
			name:    "message with a page that somebody objects, where none are counted",
			request: request{target: "/matomo.php?objection=1&idsite=1&rec=1&url=https://example.org/"},
		},
		{
			name:    "message of our script that somebody objects",
			request: request{target: "/matomo.php?idsite=1&rec=1&objection=1"},
			options: func(o *collector.Options) { o.Policy.CountObjections = true },
			ledger:  []string{"objection"},
			dropped: []string{"objection"},
		},
		{
			name:    "message of our script that somebody chose not to be counted, where browsers are not heeded",
			request: request{target: "/matomo.php?idsite=1&rec=1&objection=1"},
			options: func(o *collector.Options) { o.Policy.IgnoreObjection, o.Policy.CountObjections = true, true },
			ledger:  []string{"objection"},
			dropped: []string{"objection"},
		},
		{
			name:    "objection at a site that is not there",
			request: request{target: "/matomo.php?idsite=9&rec=1&objection=1"},
			options: func(o *collector.Options) { o.Policy.CountObjections = true },
			status:  http.StatusBadRequest,
			dropped: []string{"unknown site"},
		},
		{
			name:    "no objection",
			request: request{target: page + "/", header: map[string]string{"Sec-Gpc": "0", "Dnt": "0"}},
			rows:    []hit.Row{row()},
		},
		{
			name:    "objection is the first that counts",
			request: request{target: "/pixel.gif?site=1", header: map[string]string{"Sec-Gpc": "1", "User-Agent": google, "Sec-Purpose": "prefetch"}},
			dropped: []string{"objection"},
		},
		{
			name:    "objection of a bot",
			request: request{target: page + "/", header: map[string]string{"Sec-Gpc": "1", "User-Agent": google}},
			dropped: []string{"objection"},
		},
		{
			name:    "objection on a page of another website",
			request: request{target: page + "https://example.com/", header: map[string]string{"Sec-Gpc": "1"}},
			dropped: []string{"objection"},
		},
		{
			name:    "objection on a page that can't be read",
			request: request{target: page + "about:blank", header: map[string]string{"Dnt": "1"}},
			dropped: []string{"objection"},
		},
		{
			name:    "objection that is said without a page, by a bot",
			request: request{target: "/matomo.php?idsite=1&rec=1&objection=1", header: map[string]string{"User-Agent": google}},
			options: func(o *collector.Options) { o.Policy.CountObjections = true },
			dropped: []string{"objection"},
		},
		{
			name:    "objection of a bot that is to be counted as people are",
			request: request{target: "/matomo.php?idsite=1&rec=1&objection=1&bots=1", header: map[string]string{"User-Agent": google}},
			options: func(o *collector.Options) { o.Policy.CountObjections = true },
			dropped: []string{"objection"},
		},
		{
			name:    "policy ignores objections",
			request: request{target: page + "/", header: map[string]string{"Sec-Gpc": "1", "Dnt": "1"}},
			options: func(o *collector.Options) { o.Policy.IgnoreObjection = true },
			rows:    []hit.Row{row()},
		},
		{
			name:    "bot",
			request: request{target: page + "/", header: map[string]string{"User-Agent": google}},
			ledger:  []string{"bot crawler Googlebot"},
			dropped: []string{"bot"},
		},
		{
			name:    "no User-Agent",
			request: request{target: page + "/", header: map[string]string{"User-Agent": ""}},
			ledger:  []string{"bot malformed none"},
			dropped: []string{"bot"},
		},
		{
			name:    "prefetch",
			request: request{target: page + "/", header: map[string]string{"Sec-Purpose": "prefetch;prerender"}},
			ledger:  []string{"prefetch"},
			dropped: []string{"prefetch"},
		},
		{
			name:    "referrer spam",
			request: request{target: page + "/&ref=https://best.SEMALT.com/x"},
			ledger:  []string{"referrer_spam"},
			dropped: []string{"referrer spam"},
		},
		{
			name:    "page of a stranger",
			request: request{target: page + "https://kopi.example/a&ref=https://kopi.example/b"},
			dropped: []string{"foreign host"},
			ledger:  []string{"foreign_host kopi.example"},
		},
		{
			name:    "event on the page of a stranger",
			request: request{target: "/matomo.php?idsite=1&rec=1&url=https://kopi.example/a&e_c=a&e_a=b"},
			dropped: []string{"foreign host"},
			ledger:  []string{"foreign_host kopi.example"},
		},
		{
			name:    "event on a page whose host can't be read",
			request: request{target: "/matomo.php?idsite=1&rec=1&url=https://foreign%2531.example/z7&e_c=z7&e_a=b"},
			dropped: []string{"foreign host"},
			ledger:  []string{"foreign_host"},
		},
		{
			name:    "event on a page that is none",
			request: request{target: "/matomo.php?idsite=1&rec=1&url=about:blank&e_c=a&e_a=b"},
			dropped: []string{"foreign host"},
			ledger:  []string{"foreign_host"},
		},
		{
			name:    "search on a page whose host can't be read",
			request: request{target: "/matomo.php?idsite=1&rec=1&url=https://[::1/x&search=a"},
			dropped: []string{"foreign host"},
			ledger:  []string{"foreign_host"},
		},
		{name: "page whose host can't be read", request: request{target: page + "https://foreign%2531.example/z7"}, dropped: []string{"no page"}},
		{
			name:    "page that is not counted",
			request: request{target: page + "https://example.org/intern/vakt%3Fside=2"},
			dropped: []string{"excluded path"},
			ledger:  []string{"excluded_path"},
		},
		{
			name:    "page that is counted, though its name begins as that of one that is not",
			request: request{target: page + "https://example.org/internasjonalt"},
			rows:    []hit.Row{row(at("/internasjonalt"))},
		},
		{
			name:    "HEAD shows nobody a page",
			request: request{method: "HEAD", target: page + "/"},
		},
		{
			name:    "preflight",
			request: request{method: "OPTIONS", target: "/matomo.php"},
			status:  http.StatusNoContent,
		},

		// Requests that are wrong.
		{
			name:    "pixel of an unknown site",
			request: request{target: "/pixel.gif?site=3&url=/"},
			dropped: []string{"unknown site"}, status: http.StatusBadRequest,
		},
		{
			name:    "Matomo of an unknown site",
			request: request{target: "/matomo.php?idsite=3&rec=1&url=/"},
			dropped: []string{"unknown site"}, status: http.StatusBadRequest,
		},
		{
			name:    "pixel without a site",
			request: request{target: "/pixel.gif?url=/"},
			dropped: []string{"bad request"}, status: http.StatusBadRequest,
		},
		{
			name:    "Matomo without a site",
			request: request{target: "/matomo.php?rec=1&url=/"},
			dropped: []string{"bad request"}, status: http.StatusBadRequest,
		},
		{
			name:    "Matomo without rec",
			request: request{target: "/matomo.php?idsite=1&url=/"},
		},
		{
			name:    "address in a parameter",
			request: request{target: action + "&cip=198.51.100.9"},
			dropped: []string{"bad request"}, status: http.StatusBadRequest,
		},
		{
			name:    "body that is no bulk request",
			request: request{target: "/matomo.php", body: `{"requests": oops`},
			dropped: []string{"bad request"}, status: http.StatusBadRequest,
		},
		{
			name:    "body of 10 MB",
			request: request{target: "/matomo.php?idsite=1&rec=1&url=/", body: "x=" + strings.Repeat("y", 10<<20)},
			dropped: []string{"body too large"}, status: http.StatusRequestEntityTooLarge,
		},
		{
			name:    "small body of much more",
			request: request{target: "/matomo.php?idsite=1&rec=1&url=/", body: zipped(10 << 20), header: map[string]string{"Content-Encoding": "gzip"}},
			dropped: []string{"body too large"}, status: http.StatusRequestEntityTooLarge,
		},
		{name: "URL with a bad host", request: request{target: page + "http://[bad"}, dropped: []string{"no page"}},
		{name: "URL of a script", request: request{target: page + "javascript:alert(1)"}, dropped: []string{"no page"}},
		{name: "URL of a file", request: request{target: page + "file:///home/kari/side.html"}, dropped: []string{"no page"}},
		{name: "URL without a host", request: request{target: page + "https:///om"}, dropped: []string{"no page"}},
		{name: "URL without a scheme", request: request{target: page + "//example.org/om?x=1"}, rows: []hit.Row{row(at("/om"))}},
		{name: "URL of a foreign page without a scheme", request: request{target: page + "//foreign.example/om"}, dropped: []string{"foreign host"}, ledger: []string{"foreign_host foreign.example"}},
		{name: "relative path", request: request{target: page + "om/oss"}, dropped: []string{"no page"}},
		{name: "control character in a URL", request: request{target: page + "https://example.org/a%01b"}, dropped: []string{"no page"}},

		// The parts of a URL that are kept.
		{
			name:    "host without user, port and capitals",
			request: request{target: page + "https://kari:pw@EXAMPLE.org:8443/om"},
			rows:    []hit.Row{row(at("/om"))},
		},
		{
			name:    "host that is not UTF-8",
			request: request{target: page + "https://ex%25FFample.org/om"},
			dropped: []string{"foreign host"},
			ledger:  []string{"foreign_host"},
		},
		{
			name:    "host that is too long",
			request: request{target: page + "https://" + strings.Repeat("a", 300) + "/om"},
			dropped: []string{"foreign host"},
			ledger:  []string{"foreign_host [token]"},
		},
		{
			name:    "front page without a slash",
			request: request{target: page + "https://example.org%3Fa=b"},
			rows:    []hit.Row{row()},
		},
		{
			name:    "percent-encoded path",
			request: request{target: page + "https://example.org/%25C3%25B8kologi/a%2520b%253Fc"},
			rows:    []hit.Row{row(at("/økologi/a b?c"))},
		},
		{
			name:    "path in Latin-1",
			request: request{target: page + "https://example.org/s%25F8k;v=1/bl%25E5b%25E6r"},
			rows:    []hit.Row{row(at("/søk/blåbær"))},
		},
		{
			name:    "path with encoded control characters",
			request: request{target: page + "https://example.org/a%2500%251B%250Ab%20"},
			rows:    []hit.Row{row(at("/ab"))},
		},
		{
			name:    "percent sign that is none of an escape",
			request: request{target: page + "https://example.org/salg/-50%25%23100%25"},
			rows:    []hit.Row{row(at("/salg/-50%"))},
		},
		{
			name:    "session in the path",
			request: request{target: page + "https://example.org/kasse%3Bjsessionid=0A1B.node1%3Fx=1"},
			rows:    []hit.Row{row(at("/kasse"))},
		},
		{
			name:    "session amid the path",
			request: request{target: page + "https://example.org/no%3Bv=1/kasse%3Bjsessionid=0A1B/steg%253B2"},
			rows:    []hit.Row{row(at("/no/kasse/steg;2"))},
		},
		{
			name:    "URL of 9 KB",
			request: request{target: page + "https://example.org/s%3Fq=" + strings.Repeat("x", 9<<10)},
			rows:    []hit.Row{row(at("/s"))},
		},
		{
			name:    "path of 1,025 bytes is cut between characters",
			request: request{target: page + "https://example.org/" + long},
			rows:    []hit.Row{row(at("/" + strings.Repeat("å", 511)))},
		},
		{
			name:    "escaped path that is longer than what is stored of it",
			request: request{target: page + "https://example.org/x" + strings.Repeat("%2561", 700)},
			rows:    []hit.Row{row(at("/x" + strings.Repeat("a", 700)))},
		},
		{
			name:    "URL that is cut loses the segment that the cut is in",
			request: request{target: page + "https://example.org/om/" + strings.Repeat("x", 8170) + "07839011142"},
			rows:    []hit.Row{row(at("/om"))},
		},

		{
			name:    "parameters that tell pages apart, in the order of the site",
			request: request{target: page + "https://example.org/s%3Fside=2%26x=1%26sak=7%2520b%26side=3%26SAK=8"},
			rows:    []hit.Row{row(at("/s?sak=7 b&side=2"))},
		},
		{
			name:    "parameters without a value",
			request: request{target: page + "https://example.org/s%3Fside=%26side%26sak"},
			rows:    []hit.Row{row(at("/s?sak&side"))},
		},
		{
			name:    "empty fields of a form",
			request: request{target: page + "https://example.org/s%3Fsak=%26side="},
			rows:    []hit.Row{row(at("/s?sak&side"))},
		},

		// Personal data.
		{
			name:    "mail address in the path",
			request: request{target: page + "https://example.org/bruker/kari.nordmann%40example.org/profil"},
			rows:    []hit.Row{row(at("/bruker/[email]/profil"))},
		},
		{
			name:    "mail address in an allowed parameter and in a campaign",
			request: request{target: page + "https://example.org/s%3Fsak=kari%2540example.org%26utm_campaign=til-kari%2540example.org"},
			rows: []hit.Row{row(at("/s?sak=[email]"), func(r *hit.Row) {
				r.Channel, r.Campaign = "campaign", "[email]"
			})},
		},
		{
			name:    "national identity number searched for",
			request: request{target: action + "&search=sak+om+01017000027"},
			rows:    []hit.Row{row(at("/kurs"), done(hit.Search, "sak om [national-id]", -1))},
		},
		{
			name:    "phone number in an event",
			request: request{target: action + "&e_c=Ring&e_a=%2B47+912+34+567"},
			rows:    []hit.Row{row(at("/kurs"), done(hit.Event, "Ring / [phone]", 0))},
		},
		{
			name:    "key in the path of a download",
			request: request{target: action + "&download=https://example.org/f/9f86d081884c7d659a2feaa0c55ad015/a.pdf"},
			rows:    []hit.Row{row(at("/kurs"), done(hit.Download, "example.org/f/[token]/a.pdf", 0))},
		},
		{
			name:    "key in the host of a referrer",
			request: request{target: page + "/&ref=https://9f86d081884c7d659a2feaa0c55ad015.tunnel.example/"},
			rows:    []hit.Row{row(func(r *hit.Row) { r.Channel, r.Source = "website", "[token].tunnel.example" })},
		},
		{
			name:    "key before a host with letters beyond ASCII",
			request: request{target: page + "/&ref=https://9f86d081884c7d659a2feaa0c55ad015.xn--blbr-roah.no/"},
			rows:    []hit.Row{row(func(r *hit.Row) { r.Channel, r.Source = "website", "[token].xn--blbr-roah.no" })},
		},

		// Where the visit came from.
		{
			name:    "own host with www as referrer",
			request: request{target: page + "https://example.org/a&ref=https://www.example.org/b"},
			rows:    []hit.Row{row(at("/a"))},
		},
		{
			name:    "own host without www as referrer",
			request: request{target: page + "https://www.example.org/a&ref=https://example.org/b"},
			rows:    []hit.Row{row(at("/a"), func(r *hit.Row) { r.Host = "www.example.org" })},
		},
		{
			name:    "other host of the site as referrer",
			request: request{target: page + "https://example.org/a&ref=https://butikk.example.org/b"},
			rows:    []hit.Row{row(at("/a"))},
		},
		{
			name:    "campaign",
			request: request{target: page + "https://example.org/a%3Futm_source=nyhetsbrev%26utm_medium=email%26utm_campaign=jul"},
			rows: []hit.Row{row(at("/a"), func(r *hit.Row) {
				r.Channel, r.Source = "email", "nyhetsbrev"
				r.Campaign, r.CampaignSource, r.CampaignMedium = "jul", "nyhetsbrev", "email"
			})},
		},

		{
			name:    "campaign in the fragment",
			request: request{target: page + "https://example.org/a%23mtm_campaign=jul%26sak=7%26mtm_kwd=kari%2540example.org"},
			rows: []hit.Row{row(at("/a"), func(r *hit.Row) {
				r.Channel, r.Campaign, r.CampaignTerm = "campaign", "jul", "[email]"
			})},
		},
		{
			name:    "known source that is on the list of spam",
			request: request{target: page + "/&ref=https://search.fbdownloader.com/"},
			options: func(o *collector.Options) { o.Spam = spamOf(t, "fbdownloader.com") },
			rows:    []hit.Row{row(func(r *hit.Row) { r.Channel, r.Source = "search", "InfoSpace" })},
		},

		// The properties of the visitor that are kept.
		{
			name:    "phone, by IPv6",
			request: request{target: page + "/", from: "[2001:db8:3c4d:15::1a2f]:50000", header: map[string]string{"User-Agent": safari, "Accept-Language": "EN"}},
			rows: []hit.Row{row(func(r *hit.Row) {
				r.Network, r.Language = "2001:db8::/32", "en"
				r.Browser, r.BrowserVersion, r.OS, r.Device = "Safari", "18", "iOS", "mobile"
			})},
		},
		{
			name:    "no language",
			request: request{target: page + "/", header: map[string]string{"Accept-Language": ""}},
			rows:    []hit.Row{row(func(r *hit.Row) { r.Language = "" })},
		},
		{
			name:    "policy cuts more",
			request: request{target: page + "/"},
			options: func(o *collector.Options) { o.Policy.Bits4 = 8 },
			rows:    []hit.Row{row(func(r *hit.Row) { r.Network = "203.0.0.0/8" })},
		},
		{
			name:    "the word of a stranger on the address",
			request: request{target: page + "/", header: map[string]string{"X-Forwarded-For": "198.51.100.9"}},
			options: behindProxy,
			rows:    []hit.Row{row()},
		},
		{
			name:    "the word of a proxy on the address",
			request: request{target: page + "/", from: "10.1.1.1:80", header: map[string]string{"X-Forwarded-For": "192.0.2.1, 198.51.100.9"}},
			options: behindProxy,
			rows:    []hit.Row{row(func(r *hit.Row) { r.Network = "198.51.0.0/16" })},
		},
		{
			name:    "no address",
			request: request{target: page + "/", from: "10.1.1.1:80", header: map[string]string{"X-Forwarded-For": "someone"}},
			options: behindProxy,
			rows:    []hit.Row{row(func(r *hit.Row) { r.Network = "" })},
		},
		{
			name:    "minimal policy",
			request: request{target: page + "https://example.org/a%3Futm_source=x&ref=https://nrk.no/"},
			options: minimal,
			rows:    []hit.Row{row(at("/a"), func(r *hit.Row) { r.OS, r.Device, r.Language, r.Channel = "", "", "", "" })},
		},
		{
			name:    "minimal policy and an event",
			request: request{target: action + "&e_c=Video&e_a=Play&e_v=7"},
			options: minimal,
			rows: []hit.Row{row(at("/kurs"), done(hit.Ping, "", 0), func(r *hit.Row) {
				r.OS, r.Device, r.Language, r.Channel = "", "", "", ""
			})},
		},

		// Time.
		{
			name:    "earlier today",
			request: request{target: action + fmt.Sprintf("&cdt=%d", evening.Add(-10*time.Minute).Unix())},
			rows:    []hit.Row{row(at("/kurs"), func(r *hit.Row) { r.Time = evening.Add(-10 * time.Minute) })},
		},
		{
			name:    "yesterday",
			request: request{target: action + fmt.Sprintf("&cdt=%d", evening.Add(-5*time.Hour).Unix())},
			rows: []hit.Row{row(at("/kurs"), func(r *hit.Row) {
				r.Time, r.Day = evening.Add(-5*time.Hour), base.Day-1
			})},
		},
		{
			name:    "in the future",
			request: request{target: action + fmt.Sprintf("&cdt=%d", evening.Add(time.Minute).Unix())},
			rows:    []hit.Row{row(at("/kurs"))},
		},
		{
			name:    "long ago without a token",
			request: request{target: action + fmt.Sprintf("&cdt=%d", evening.Add(-25*time.Hour).Unix())},
			dropped: []string{"bad request"}, status: http.StatusBadRequest,
		},
		{
			name:    "long ago with a token",
			request: request{target: action + fmt.Sprintf("&cdt=%d&token_auth=hemmelig", evening.AddDate(-2, 0, 0).Unix())},
			rows: []hit.Row{row(at("/kurs"), func(r *hit.Row) {
				r.Time = evening.AddDate(-2, 0, 0)
				r.Day = calendar.DayOf(r.Time) + 1
			})},
		},
		{
			name:    "longer ago than rows are held",
			request: request{target: action + fmt.Sprintf("&cdt=%d&token_auth=hemmelig", evening.AddDate(-3, 0, -2).Unix())},
			dropped: []string{"too old"}, status: http.StatusBadRequest,
		},

		// What a sender with a token may set.
		{
			name:    "address",
			request: request{target: action + "&cip=198.51.100.9", body: "token_auth=hemmelig"},
			rows:    []hit.Row{row(at("/kurs"), func(r *hit.Row) { r.Network = "198.51.0.0/16" })},
		},
		{
			name:    "no country of ISO 3166-1",
			request: request{target: action + "&country=uk&region=eng&token_auth=hemmelig"},
			rows:    []hit.Row{row(at("/kurs"))},
		},
		{
			name:    "no region of the country",
			request: request{target: action + "&country=no&region=0301&token_auth=hemmelig"},
			rows:    []hit.Row{row(at("/kurs"), func(r *hit.Row) { r.Country = "NO" })},
		},
		{
			name:    "a region with its country",
			request: request{target: action + "&country=no&region=NO-03&token_auth=hemmelig"},
			rows:    []hit.Row{row(at("/kurs"), func(r *hit.Row) { r.Country, r.Region = "NO", "NO-03" })},
		},
		{
			name:    "a region of another country",
			request: request{target: action + "&country=no&region=SE-AB&token_auth=hemmelig"},
			rows:    []hit.Row{row(at("/kurs"), func(r *hit.Row) { r.Country = "NO" })},
		},
		{
			name:    "country and region",
			request: request{target: action + "&country=no&region=03&token_auth=hemmelig"},
			rows:    []hit.Row{row(at("/kurs"), func(r *hit.Row) { r.Country, r.Region = "NO", "NO-03" })},
		},
		{
			name:    "token of another site",
			request: request{target: "/matomo.php?idsite=2&rec=1&url=/&cip=198.51.100.9&token_auth=hemmelig"},
			dropped: []string{"bad request"}, status: http.StatusBadRequest,
		},

		// Several hits in one request.
		{
			name: "bulk",
			request: request{target: "/matomo.php", body: `{"requests":[
				"?idsite=1&rec=1&url=https://example.org/a",
				"?idsite=1&rec=1&url=https://example.org/b",
				"?idsite=1&rec=1&url=https://example.org/b&e_c=x&e_a=y",
				"?idsite=7&rec=1&url=https://example.org/c",
				"?rec=1",
				"?idsite=1&rec=1&url=nowhere"]}`},
			rows: []hit.Row{
				row(at("/a")),
				row(at("/b"), func(r *hit.Row) {
					r.EntryPath, r.PreviousPath, r.Visits, r.Visitors, r.Bounces = "/a", "/a", 0, 0, -1
				}),
				row(at("/b"), done(hit.Event, "x / y", 0), func(r *hit.Row) {
					r.EntryPath, r.PreviousPath, r.Visits, r.Visitors = "/a", "/b", 0, 0
				}),
			},
			dropped: []string{"bad item", "no page", "unknown site"},
			told:    "recorded; dropped: unknown site (item 3), idsite: want the number of a site, from 1 (item 4), no page (item 5)",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, tt.options)
			w := r.send(tt.request)
			if diff := cmp.Diff(tt.rows, r.stored()); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			var ledger []string
			for _, e := range r.ledger {
				ledger = append(ledger, strings.Join(strings.Fields(e.Reason+" "+e.Rule+" "+e.Name), " "))
				if e.Site != 1 || e.Day != base.Day || e.Count != 1 {
					t.Errorf("entry of the ledger: %+v, want one hit at site 1 on %v", e, base.Day)
				}
			}
			if diff := cmp.Diff(tt.ledger, ledger); diff != "" {
				t.Errorf("ledger (-want +got):\n%s", diff)
			}
			if want := max(tt.status, http.StatusOK); w.Code != want && !(tt.status == 0 && w.Code == http.StatusNoContent) {
				t.Errorf("status %d, want %d", w.Code, want)
			}
			told := tt.told
			switch {
			case told != "":
			case len(tt.dropped) > 0:
				told = "dropped: " + tt.dropped[0]
			case len(tt.rows) > 0:
				told = "recorded"
			default:
				told = "nothing to record"
			}
			if got := w.Header().Get("X-Fotspor"); got != told {
				t.Errorf("X-Fotspor: %s, want %s", got, told)
			}

			got := r.counts()
			received := got["pixel"] + got["matomo"]
			delete(got, "pixel")
			delete(got, "matomo")
			want := map[string]int{}
			if len(tt.rows) > 0 {
				want["accepted"] = len(tt.rows)
			}
			for _, reason := range tt.dropped {
				want[strings.ReplaceAll(reason, " ", "_")]++
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("counters (-want +got):\n%s", diff)
			}
			became := 0 // hits that were accepted or dropped: all that were read
			for reason, n := range want {
				if reason != "bad_request" && reason != "body_too_large" {
					became += n
				}
			}
			if received != became {
				t.Errorf("%d hits received, of which %d were accepted or dropped", received, became)
			}
		})
	}
}

// zipped is n bytes of a form, as gzip.
func zipped(n int) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(bytes.Repeat([]byte("y"), n))
	w.Close()
	return b.String()
}

// TestExcludedLooksTheSame: the answers to excluded and to recorded hits differ only in the
// header X-Fotspor.
func TestExcludedLooksTheSame(t *testing.T) {
	for _, target := range []string{"/pixel.gif?site=1&url=/", "/matomo.php?idsite=1&rec=1&url=/", "/matomo.php?idsite=1&rec=1&url=/&send_image=0"} {
		r := newRig(t, nil)
		kept := r.send(request{target: target})
		for _, header := range []map[string]string{{"Dnt": "1"}, {"User-Agent": google}, {"Sec-Purpose": "prefetch"}} {
			left := r.send(request{target: target, header: header})
			want, got := maps.Clone(kept.Header()), maps.Clone(left.Header())
			want.Del("X-Fotspor")
			got.Del("X-Fotspor")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s with %v: header (-kept +excluded):\n%s", target, header, diff)
			}
			if left.Code != kept.Code || !bytes.Equal(left.Body.Bytes(), kept.Body.Bytes()) {
				t.Errorf("%s with %v: status %d, kept %d", target, header, left.Code, kept.Code)
			}
		}
	}
}

// TestPlace: the client's address is looked up in the GeoIP database before it is cut.
func TestPlace(t *testing.T) {
	file := testdata(t, "GeoIP2-City-Test.mmdb")
	r := newRig(t, func(o *collector.Options) { o.Geo = openGeo(t, file) })
	for _, from := range []string{"89.160.20.113:1", "[2a02:cf40::1]:1", "203.0.113.77:1"} {
		r.send(request{target: "/pixel.gif?site=1&url=/", from: from})
	}
	var got []string
	for _, row := range r.stored() {
		got = append(got, row.Country+" "+row.Region+" "+row.Network)
	}
	want := []string{"SE SE-E 89.160.0.0/16", "NO  2a02:cf40::/32", "  203.0.0.0/16"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("country, region, network (-want +got):\n%s", diff)
	}
}

// TestVisit follows a visitor through an evening.
func TestVisit(t *testing.T) {
	r := newRig(t, nil)
	ping := request{target: "/matomo.php?idsite=1&rec=1&ping=1&url=/b"}
	r.view("/a&ref=https://nrk.no/")
	r.now = r.now.Add(40 * time.Second)
	r.view("/b&ref=https://example.org/a")
	r.now = r.now.Add(15 * time.Second)
	r.send(ping)
	r.now = r.now.Add(31 * time.Minute)
	if w := r.send(ping); w.Header().Get("X-Fotspor") != "dropped: no visit" {
		t.Errorf("ping after the visit: %s", w.Header().Get("X-Fotspor"))
	}
	r.view("/a")

	from := func(seconds int) func(*hit.Row) {
		return func(r *hit.Row) {
			r.Time, r.Channel, r.Source = evening.Add(time.Duration(seconds)*time.Second), "website", "nrk.no"
		}
	}
	want := []hit.Row{
		row(at("/a"), from(0)),
		row(at("/b"), from(40), func(r *hit.Row) {
			r.EntryPath, r.PreviousPath = "/a", "/a"
			r.Visits, r.Visitors, r.Bounces, r.Seconds = 0, 0, -1, 40
		}),
		row(at("/b"), done(hit.Ping, "", 0), from(55), func(r *hit.Row) {
			r.EntryPath, r.PreviousPath = "/a", "/b"
			r.Visits, r.Visitors, r.Seconds = 0, 0, 15
		}),
		row(at("/a"), func(r *hit.Row) {
			r.Time, r.Visitors, r.PageVisitors, r.SectionVisitors = evening.Add(55*time.Second+31*time.Minute), 0, 0, 0
		}),
	}
	if diff := cmp.Diff(want, r.stored()); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// TestRateLimit: a network that sends too much, and no other, gets 429 and Retry-After.
func TestRateLimit(t *testing.T) {
	r := newRig(t, func(o *collector.Options) {
		o.Limit = limit.New(limit.Options{Rate: 1, Burst: 2, Now: o.Now})
	})
	send := func(from, target, body string) *httptest.ResponseRecorder {
		return r.send(request{target: target, body: body, from: from})
	}
	const page = "/pixel.gif?site=1&url=/"
	for _, c := range []struct {
		from, target, body string
		status             int
	}{
		{"203.0.113.1:1", page, "", http.StatusOK},
		{"203.0.113.2:1", page, "", http.StatusOK},
		{"203.0.113.3:1", page, "", http.StatusTooManyRequests},
		{"203.0.113.3:1", "/matomo.php?idsite=1&rec=1&url=/", "", http.StatusTooManyRequests},
		{"203.0.114.3:1", page, "", http.StatusOK},
		{"203.0.113.3:1", "/matomo.php?idsite=1&rec=1&url=/&cip=198.51.100.9&token_auth=hemmelig", "", http.StatusOK},
		{"203.0.114.3:1", "/matomo.php", `{"requests":["?idsite=1&rec=1&url=/","?idsite=1&rec=1&url=/b"]}`, http.StatusTooManyRequests},
	} {
		w := send(c.from, c.target, c.body)
		if w.Code != c.status || c.status == http.StatusTooManyRequests && (w.Header().Get("Retry-After") == "" || w.Header().Get("X-Fotspor") != "dropped: rate limited") {
			t.Errorf("%s %s: status %d, header %v, want %d", c.from, c.target, w.Code, w.Header(), c.status)
		}
	}
	r.now = r.now.Add(time.Second)
	if w := send("203.0.113.9:1", page, ""); w.Code != http.StatusOK {
		t.Errorf("a second later: status %d", w.Code)
	}
	if diff := cmp.Diff(map[string]int{"pixel": 5, "matomo": 4, "accepted": 5, "rate_limited": 4}, r.counts()); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

// TestTokenExemptsItsOwnItems: in a bulk request, items that have an address with a token are
// not limited. They do not count against the limit of the other items, and do not exempt
// them.
func TestTokenExemptsItsOwnItems(t *testing.T) {
	const (
		own     = `"?idsite=1&rec=1&url=/&cip=198.51.100.9&token_auth=hemmelig"`
		useless = `"?idsite=2&rec=1&url=/&cip=198.51.100.9&token_auth=hemmelig"` // a token of another site
		none    = `"?idsite=2&rec=1&url=/"`
	)
	for _, c := range []struct {
		name   string
		spent  bool // the network has used up its limit
		items  []string
		status int
		left   int // hits that the network may still send
	}{
		{"own items", true, []string{own, own, own}, http.StatusOK, 0},
		{"own items first", false, []string{own, own, own}, http.StatusOK, 2},
		{"one own, others", true, []string{own, none, none}, http.StatusTooManyRequests, 0},
		{"others, one own", true, []string{none, none, own}, http.StatusTooManyRequests, 0},
		{"one own, one other", false, []string{own, none}, http.StatusOK, 1},
		{"a token of another site", true, []string{useless, none}, http.StatusTooManyRequests, 0},
		{"both kinds of token", true, []string{own, useless}, http.StatusTooManyRequests, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, func(o *collector.Options) {
				o.Limit = limit.New(limit.Options{Rate: 1, Burst: 2, Now: o.Now})
			})
			left := func() (n int) {
				for r.send(request{target: "/pixel.gif?site=1&url=/"}).Code == http.StatusOK {
					n++
				}
				return n
			}
			if c.spent {
				left()
			}
			w := r.send(request{target: "/matomo.php", body: `{"requests":[` + strings.Join(c.items, ",") + `]}`})
			if w.Code != c.status {
				t.Errorf("status %d, want %d", w.Code, c.status)
			}
			if n := left(); n != c.left {
				t.Errorf("%d hits are left, want %d", n, c.left)
			}
		})
	}
}

// TestSpoolFull: a hit that was refused for a full spool counts as new when it is sent again.
func TestSpoolFull(t *testing.T) {
	r := newRig(t, func(o *collector.Options) { o.Spool = openSpool(t, t.TempDir(), 20<<10) })
	for {
		place, err := r.options.Spool.Reserve(1)
		if errors.Is(err, spool.ErrFull) {
			break
		}
		if err := place.Append(hit.Batch{Rows: []hit.Row{{Site: 2, Time: evening}}}); err != nil {
			t.Fatal(err)
		}
	}
	bulk := `{"requests":["?idsite=1&rec=1&url=/","?idsite=1&rec=1&url=/b"]}`
	for _, q := range []request{
		{target: "/pixel.gif?site=1&url=/"},
		{target: "/matomo.php?idsite=1&rec=1&url=/"},
		{target: "/matomo.php", body: bulk, header: map[string]string{"Origin": "https://example.org"}},
	} {
		w := r.send(q)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "30" {
			t.Errorf("%s: status %d, Retry-After %q", q.target, w.Code, w.Header().Get("Retry-After"))
		}
		if got := w.Header().Get("X-Fotspor"); got != "dropped: spool full" {
			t.Errorf("%s: X-Fotspor: %s", q.target, got)
		}
		if origin := w.Header().Get("Access-Control-Allow-Origin"); q.body != "" && origin != "https://example.org" {
			t.Errorf("%s: a script of %q may read the answer", q.target, origin)
		}
	}
	// Requests without a hit are still answered.
	w := r.send(request{method: "OPTIONS", target: "/matomo.php"})
	if w.Code != http.StatusNoContent || w.Header().Get("X-Fotspor") != "nothing to record" || w.Header().Get("Retry-After") != "" {
		t.Errorf("preflight: status %d, header %v", w.Code, w.Header())
	}
	if diff := cmp.Diff(map[string]int{"pixel": 1, "matomo": 3, "spool_full": 4}, r.counts()); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}

	r.stored()
	r.view("/")
	if diff := cmp.Diff([]hit.Row{base}, r.stored()); diff != "" {
		t.Errorf("rows of the visitor who came back (-want +got):\n%s", diff)
	}
}

// FuzzPage: for any URL and name, short, clean text is kept.
func FuzzPage(f *testing.F) {
	for _, s := range []string{
		"https://example.org/om?x=1#y", "/a;jsessionid=1/b%3B", "http://[bad", "javascript:alert(1)", "https://ex%FFample.org/50%-off",
		"/%00%0A%E9%E2%80%AE\u2066", "//x", "https://æøå.no/%C3%A6", "/\u2028", "https://e.org/" + strings.Repeat("%61", 1000),
	} {
		f.Add(s, s)
	}
	r := newRig(f, nil)
	f.Fuzz(func(t *testing.T, url, name string) {
		q := request{target: "/matomo.php"}.make()
		values := q.URL.Query()
		for k, v := range map[string]string{"idsite": "1", "rec": "1", "url": url, "link": name} {
			values.Set(k, v)
		}
		q.URL.RawQuery = values.Encode()
		batch, err := r.Batch(matomo.Dialect{}, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range batch.Ledger {
			if strings.ToValidUTF8(e.Name, "") != e.Name || strings.ContainsAny(e.Name, "\x00\n\r\t\x1b\x7f\u0085\u200e\u202e\u2066") || len(e.Name) > 100 {
				t.Errorf("the ledger keeps of %q: %q", url, e.Name)
			}
		}
		for _, row := range batch.Rows {
			for _, text := range []string{row.Path, row.Host, row.Name, row.EntryPath} {
				if strings.ToValidUTF8(text, "") != text || strings.ContainsAny(text, "\x00\n\r\t\x1b\x7f\u0085\u200e\u202e\u2066") || len(text) > 1024 {
					t.Errorf("kept of %q and %q: %q", url, name, text)
				}
			}
			if row.Path != "" && row.Path[0] != '/' || len(row.Host) > 253 || len(row.Name) > 255 {
				t.Errorf("kept of %q and %q: %q on %q, %q", url, name, row.Path, row.Host, row.Name)
			}
		}
	})
}

// TestSetLists: hits are looked up in the lists that came last.
func TestSetLists(t *testing.T) {
	r := newRig(t, nil)
	send := func() string {
		return r.send(request{target: "/pixel.gif?site=1&url=https://example.org/&ref=https://spam.example/x"}).Header().Get("X-Fotspor")
	}
	if why := send(); why != "recorded" {
		t.Errorf("with the lists shipped the hit is %s", why)
	}
	r.SetLists(referrer.Shipped(), spamOf(t, "spam.example"))
	if why := send(); why != "dropped: referrer spam" {
		t.Errorf("with a list that has its host the hit is %q", why)
	}
	r.SetLists(referrer.Shipped(), referrer.ShippedSpam())
	if why := send(); why != "recorded" {
		t.Errorf("with the lists shipped again the hit is %s", why)
	}
}
