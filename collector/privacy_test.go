package collector_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/collector"
	"github.com/fotspor/fotspor/collector/lines"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
)

// get requests a page and checks what all privacy pages have in common.
func (r *rig) get(q request) *goquery.Document {
	r.tb.Helper()
	w := r.send(q)
	if w.Code != http.StatusOK {
		r.tb.Fatalf("%s: status %d", q.target, w.Code)
	}
	for name, want := range map[string]string{
		"Content-Type":                 "text/html; charset=utf-8",
		"X-Content-Type-Options":       "nosniff",
		"Cache-Control":                "no-store",
		"Referrer-Policy":              "same-origin",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), browsing-topics=()",
	} {
		if got := w.Header().Get(name); got != want {
			r.tb.Errorf("%s: %s is %q, want %q", q.target, name, got, want)
		}
	}
	if cookies := w.Header().Values("Set-Cookie"); len(cookies) > 0 {
		r.tb.Errorf("%s sets cookies %q", q.target, cookies)
	}
	page, err := goquery.NewDocumentFromReader(w.Body)
	if err != nil {
		r.tb.Fatal(err)
	}
	return page
}

// told returns the row that a page shows, by column.
func told(page *goquery.Document) map[string]string {
	row := map[string]string{}
	page.Find("tbody tr").Each(func(_ int, tr *goquery.Selection) {
		value := tr.Find("td")
		if value.Find("i").Length() > 0 { // a note that the value is empty
			row[tr.Find("code").Text()] = ""
			return
		}
		row[tr.Find("code").Text()] = value.Text()
	})
	return row
}

func TestStatement(t *testing.T) {
	r := newRig(t, func(o *collector.Options) {
		o.Policy.Bits4 = 8
		o.Policy.Retention = privacy.Period{Years: 2}
	})
	page := r.get(request{target: "/privacy/1?lang=en"})
	if title := page.Find("title").Text(); !strings.Contains(title, "example.org") {
		t.Errorf("title is %q", title)
	}
	if text := page.Find("body").Text(); !strings.Contains(text, "first 8 of 32 bits") || !strings.Contains(text, "2 years") {
		t.Errorf("page does not say what the policy does:\n%s", text)
	}
	if href, _ := page.Find("main a").Attr("href"); href != "1/what?lang=en" {
		t.Errorf("first link is to %q", href)
	}
	other := r.get(request{target: "/privacy/2"})
	if title := other.Find("title").Text(); !strings.Contains(title, "www.other.example") {
		t.Errorf("title of the other site is %q", title)
	}
}

// TestWhoMayFrame: only the pages of a site may frame its privacy pages.
func TestWhoMayFrame(t *testing.T) {
	r := newRig(t, nil)
	r.sites = append(r.sites, site.Site{ID: 3, Name: "Odd", Hosts: []string{"example.net", "*.example.net", "a;script-src", "'none'"}, Location: time.UTC})
	if err := r.options.Sites.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]string{
		"/privacy/1":      "'self' butikk.example.org example.org www.butikk.example.org www.example.org",
		"/privacy/1/what": "'self' butikk.example.org example.org www.butikk.example.org www.example.org",
		"/privacy/2":      "'self' other.example www.other.example",
		"/privacy/3":      "'self' *.example.net example.net www.example.net",
	} {
		policy := r.send(request{target: target}).Header().Get("Content-Security-Policy")
		before, got, _ := strings.Cut(policy, "; frame-ancestors ")
		if got != want {
			t.Errorf("%s may be framed by %s, want %s", target, got, want)
		}
		if whole := privacy.ContentSecurityPolicy(); !strings.HasPrefix(whole, before+";") || len(before) < 80 {
			t.Errorf("%s has the policy %s, want that of all privacy pages", target, policy)
		}
	}
}

func TestPageLanguage(t *testing.T) {
	r := newRig(t, nil)
	for _, tt := range []struct{ query, accept, want string }{
		{"", "nb-NO,nb;q=0.9,en;q=0.8", "nb"},
		{"", "no", "nb"},
		{"", "nn-NO,nn;q=0.9", "nn"},
		{"", "en;q=0.3, nb;q=0.9", "nb"},
		{"?lang=nn", "en", "nn"},
		{"", "en-GB,nb;q=0.5", "en"},
		{"", "de", "en"},
		{"", "", "en"},
		{"?lang=en", "nb", "en"},
		{"?lang=nb", "en", "nb"},
		{"?lang=NB", "en", "nb"},
		{"?lang=de", "nb", "nb"},
	} {
		for _, target := range []string{"/privacy/1", "/privacy/1/what"} {
			page := r.get(request{target: target + tt.query, header: map[string]string{"Accept-Language": tt.accept}})
			if lang, _ := page.Find("html").Attr("lang"); lang != tt.want {
				t.Errorf("%s%s with Accept-Language %q is in %q, want %q", target, tt.query, tt.accept, lang, tt.want)
			}
		}
	}
}

// TestWhat: the page shows the row that a view would leave, and a view then leaves that row.
func TestWhat(t *testing.T) {
	for _, tt := range []struct{ name, from, network string }{
		{"IPv4", "203.0.113.77:1", "203.0.0.0/16"},
		{"IPv6", "[2001:db8:3c4d:15::1a2f]:1", "2001:db8::/32"},
		{"proxy", "10.0.0.1:1", "198.51.0.0/16"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, behindProxy)
			header := map[string]string{"X-Forwarded-For": "198.51.100.9"}
			page := r.get(request{target: "/privacy/1/what?lang=en", from: tt.from, header: header})
			want := map[string]string{
				"site": "1", "kind": "pageview", "path": "/", "host": "example.org", "entry_path": "/", "network": tt.network,
				"browser": "Firefox", "browser_version": "141", "os": "Windows", "device": "desktop", "language": "nb", "channel": "direct",
				"pageviews": "1", "visits": "1", "visitors": "1", "page_visitors": "1", "bounces": "1",
			}
			got := told(page)
			for column, value := range want {
				if got[column] != value {
					t.Errorf("%s is %q, want %q", column, got[column], value)
				}
			}
			html, err := page.Html()
			if err != nil {
				t.Fatal(err)
			}
			for _, address := range []string{"203.0.113.77", "2001:db8:3c4d", "198.51.100.9", "10.0.0.1"} {
				if strings.Contains(html, address) {
					t.Errorf("page shows %s", address)
				}
			}

			// Nothing was recorded.
			if rows := r.stored(); len(rows) > 0 {
				t.Errorf("looking left %d rows", len(rows))
			}
			if counts := r.counts(); len(counts) > 0 {
				t.Errorf("looking counted %v", counts)
			}
			r.send(request{target: "/pixel.gif?site=1&url=/", from: tt.from, header: header})
			if diff := cmp.Diff(row(func(r *hit.Row) { r.Network = tt.network }), r.stored()[0]); diff != "" {
				t.Errorf("row of the first view (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatUnderMinimalPolicy(t *testing.T) {
	r := newRig(t, minimal)
	got := told(r.get(request{target: "/privacy/1/what"}))
	for _, column := range []string{"os", "device", "language", "channel", "source"} {
		if value, ok := got[column]; ok {
			t.Errorf("column %s is shown, with %q", column, value)
		}
	}
	if got["browser"] != "Firefox" || got["network"] != "203.0.0.0/16" {
		t.Errorf("browser %q, network %q", got["browser"], got["network"])
	}
}

func TestWhatLeavesNothing(t *testing.T) {
	r := newRig(t, nil)
	for _, tt := range []struct {
		header map[string]string
		want   string
	}{
		{map[string]string{"Sec-Gpc": "1"}, "objection"},
		{map[string]string{"Dnt": "1"}, "objection"},
		{map[string]string{"User-Agent": google}, "a program sent it"},
		{map[string]string{"Sec-Purpose": "prefetch"}, "fetched the page ahead of time"},
	} {
		page := r.get(request{target: "/privacy/1/what?lang=en", header: tt.header})
		if text := page.Find("main p").First().Text(); !strings.HasPrefix(text, "Nothing.") || !strings.Contains(text, tt.want) {
			t.Errorf("with %v the page says %q, want %q", tt.header, text, tt.want)
		}
		if page.Find("table").Length() > 0 {
			t.Errorf("with %v the page shows a row", tt.header)
		}
	}
	if counts := r.counts(); len(counts) > 0 {
		t.Errorf("looking counted %v", counts)
	}
}

// TestObjectionLeavesNothing: what the statement says of the message of somebody who objects
// and of the module that sends it. The rate of a network is kept in memory, as for any hit.
func TestObjectionLeavesNothing(t *testing.T) {
	var log bytes.Buffer
	r := newRig(t, func(o *collector.Options) {
		o.Policy.CountObjections = true
		o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	header := map[string]string{"Origin": "https://butikk.example.org", "Referer": "https://butikk.example.org/kurv", "Cookie": "a=1"}
	r.send(request{target: "/optout.js", header: header})
	if counts := r.counts(); len(counts) > 0 {
		t.Errorf("loading the module counted %v", counts)
	}
	for range 2 {
		r.send(request{target: "/matomo.php?idsite=1&rec=1&objection=1", header: header})
	}
	if rows := r.stored(); len(rows) > 0 {
		t.Errorf("rows %+v", rows)
	}
	want := []hit.LedgerEntry{{Site: 1, Day: base.Day, Reason: hit.Objection, Count: 1}, {Site: 1, Day: base.Day, Reason: hit.Objection, Count: 1}}
	if diff := cmp.Diff(want, r.ledger); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
	want[0].Count = 2
	if diff := cmp.Diff([]hit.Drop{{LedgerEntry: want[0]}}, r.Drops(1)); diff != "" {
		t.Errorf("in memory, without a time (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"matomo": 2, "objection": 2}, r.counts()); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if log.Len() > 0 {
		t.Errorf("the log says %s", &log)
	}
}

func TestPrivacyOfUnknownSite(t *testing.T) {
	r := newRig(t, nil)
	for _, site := range []string{"3", "0", "-1", "+1", "1.0", "x", "4294967297", "%2e", "1.json.json", "3.json", ".json"} {
		for _, target := range []string{"/privacy/" + site, "/privacy/" + site + "/what"} {
			w := r.send(request{target: target})
			if w.Code != http.StatusNotFound {
				t.Errorf("%s: status %d, want 404", target, w.Code)
			}
			if got, json := w.Body.String(), strings.HasSuffix(site, ".json"); json != strings.HasPrefix(got, `{"code":"not_found","error":`) || json != (w.Header().Get("Content-Type") == "application/json") {
				t.Errorf("%s: %s %q", target, w.Header().Get("Content-Type"), got)
			}
		}
	}
	if w := r.send(request{target: "/privacy/1.json/what"}); w.Code != http.StatusNotFound {
		t.Errorf("the row as JSON: status %d, want 404", w.Code)
	}
	if w := r.send(request{method: "POST", target: "/privacy/1"}); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d, want 405", w.Code)
	}
}

// TestPolicyThatDoesNotHold: with a policy out of its bounds, no statement is shown, only an
// error.
func TestPolicyThatDoesNotHold(t *testing.T) {
	r := newRig(t, func(o *collector.Options) { o.Policy.Bits4 = 32 })
	for _, target := range []string{"/privacy/1", "/privacy/1.json", "/privacy/1/what"} {
		w := r.send(request{target: target})
		if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), i18n.Find("nb").Known("visitor.", "internal")) || strings.Contains(w.Body.String(), "<h1") {
			t.Errorf("%s: status %d, %s", target, w.Code, w.Body)
		}
		if json := strings.HasPrefix(w.Body.String(), `{"code":"internal"`); json != strings.HasSuffix(target, ".json") {
			t.Errorf("%s: %s", target, w.Body)
		}
	}
}

// TestStatementOfTheOwner: the statement has what the site's owner says, and the network of its
// reader alone, of no more bits than the policy keeps.
func TestStatementOfTheOwner(t *testing.T) {
	r := newRig(t, func(o *collector.Options) { o.Policy.Bits4 = 12 })
	if text := r.get(request{target: "/privacy/1?lang=en"}).Find("main").Text(); strings.Count(text, "The owner of the website has not filled this in yet.") != len(privacy.Declarations) {
		t.Errorf("of a site without declarations the page says:\n%s", text)
	}
	r.sites[0].Declared = privacy.Declared{Controller: "Eksempel AS", Basis: "nb: Fordi\nen: Because"}
	if err := r.options.Sites.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	text := r.get(request{target: "/privacy/1?lang=en"}).Find("main").Text()
	for want, there := range map[string]bool{"Eksempel AS": true, "Because": true, "Fordi": false} {
		if got := strings.Contains(text, want); got != there {
			t.Errorf("%q is on the page: %t", want, got)
		}
	}
	from := r.get(request{target: "/privacy/1?lang=en", from: "198.51.100.9:1"}).Find("body").Text()
	if strings.Contains(from, "198.51.100") || !strings.Contains(from, "198.48.0.0/12") {
		t.Errorf("of the reader's address the page says:\n%s", from)
	}
}

// TestChoiceOfSite: the statement keeps a choice where its host shares the registrable domain
// of all hosts of the site; elsewhere it leads to the site's own page.
func TestChoiceOfSite(t *testing.T) {
	r := newRig(t, nil)
	for _, tt := range []struct {
		hosts string
		at    string
		want  bool
	}{
		{"www.example.org", "stats.example.org", true},
		{"example.org", "example.org", true},
		{"example.org,*.example.org", "stats.example.org:8443", true},
		{"example.org", "EXAMPLE.ORG.", true},
		{"example.org,example.net", "stats.example.org", false},
		{"example.org", "stats.example.net", false},
		{"example.org", "notexample.org", false},
		{"www.oslo.kommune.no", "stats.oslo.kommune.no", true},
		{"www.a.kommune.no", "stats.b.kommune.no", false},
		{"a.github.io", "b.github.io", false},
		{"a.co.uk", "b.co.uk", false},
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.1.2.1", false},
		{"localhost", "localhost:8080", true},
		{"xn--blbr-roah.no", "stats.xn--blbr-roah.no", true},
		{"example.org,www-example-org.translate.goog", "stats.example.org", false},
	} {
		r.sites[0].Hosts, r.sites[0].OptOut = strings.Split(tt.hosts, ","), "https://site.example/choose"
		if err := r.options.Sites.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		q := request{target: "https://" + tt.at + "/privacy/1?lang=en"}
		page := r.get(q)
		if form, link := page.Find("form").Length() == 1, page.Find(`a[href="https://site.example/choose"]`).Length() == 1; form != tt.want || link == tt.want {
			t.Errorf("%s at %s: a form %t, a link %t", tt.hosts, tt.at, form, link)
		}
		q.body, q.header = "out=1", map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
		w := r.send(q)
		cookie := strings.Join(w.Header()["Set-Cookie"], "\n")
		if tt.want && (w.Code != http.StatusSeeOther || cookie != "mtm_consent_removed=1; Path=/; Max-Age=34128000; Secure; SameSite=Lax" || w.Header().Get("Location") != "?chosen=1&lang=en") {
			t.Errorf("%s at %s: %d, %q, to %q", tt.hosts, tt.at, w.Code, cookie, w.Header().Get("Location"))
		}
		if !tt.want && (w.Code != http.StatusMethodNotAllowed || cookie != "") {
			t.Errorf("%s at %s takes a choice: %d, %q", tt.hosts, tt.at, w.Code, cookie)
		}
		q.header["Sec-Fetch-Site"] = "cross-site"
		if w := r.send(q); w.Code == http.StatusSeeOther || len(w.Header()["Set-Cookie"]) > 0 {
			t.Errorf("%s at %s takes a choice from another website: %d", tt.hosts, tt.at, w.Code)
		}
	}
}

// TestStateOfChoice: the page says what its request says.
func TestStateOfChoice(t *testing.T) {
	for _, ignore := range []bool{false, true} {
		r := newRig(t, func(o *collector.Options) { o.Policy.IgnoreObjection = ignore })
		for _, tt := range []struct {
			query          string
			cookie, signal string
			want           string
		}{
			{"", "", "", "unsure"},
			{"&chosen=1", "mtm_consent_removed=1", "", "outHere"},
			{"", "piwik_ignore=x", "", "outHere"},
			{"&chosen=1", "", "", "lost"},
			{"&chosen=0", "mtm_consent_removed=1", "", "lost"},
			{"&chosen=0", "", "", "unsure"},
			{"", "", "1", map[bool]string{false: "objects", true: "unsure"}[ignore]},
			{"", "mtm_consent_removed=1", "1", map[bool]string{false: "objects", true: "outHere"}[ignore]},
		} {
			header := map[string]string{}
			if tt.cookie != "" {
				header["Cookie"] = tt.cookie
			}
			if tt.signal != "" {
				header["Sec-GPC"] = tt.signal
			}
			page := r.get(request{target: "https://stats.example.org/privacy/1?lang=nb" + tt.query, header: header})
			if got, want := page.Find("[role=status]").Text(), i18n.Find("nb").Say("optout."+tt.want); got != want {
				t.Errorf("%+v with objections ignored %t: %q, want %q", tt, ignore, got, want)
			}
		}
	}
}

// TestStatementKnowsTheRows: hits that fill every column, the row that a visitor is shown and
// the statement, for people and for programs, know of the same columns: none has one that
// another lacks.
func TestStatementKnowsTheRows(t *testing.T) {
	for _, record := range []privacy.Record{privacy.Standard, privacy.Minimal} {
		r := newRig(t, func(o *collector.Options) {
			o.Policy.Record = record
			o.Lines = lines.New(lines.Options{Pages: 1, Now: o.Now}) // the second page is one of the others
		})
		aim(t, r, site.Goal{Name: "Kurs", Kind: hit.Pageview, Pattern: "/kurs/*"})
		const action = "/matomo.php?idsite=1&rec=1&token_auth=hemmelig&country=no&region=NO-03&url=https://example.org"
		for _, target := range []string{
			action + "/om?mtm_campaign=a%26mtm_source=b%26mtm_medium=c%26mtm_kwd=d%26mtm_content=e",
			action + "/kurs/sveising&urlref=https://example.org/om",
			action + "/om&e_c=Skjema&e_a=Send&e_v=3",
			action + "/om&search=maling&search_count=7",
			action + "/om&ping=1",
		} {
			if w := r.send(request{target: target}); w.Code >= 400 {
				t.Fatalf("%s: status %d", target, w.Code)
			}
			r.now = r.now.Add(20 * time.Second)
		}
		filled, facts := map[string]bool{}, map[hit.Fact]bool{}
		for _, row := range r.stored() {
			for _, f := range hit.Fields {
				if !f.IsZero(&row) {
					filled[f.Name], facts[f.Fact] = true, true
				}
			}
		}
		if record == privacy.Standard && len(filled) != len(hit.Fields) {
			t.Errorf("the hits fill %d columns of %d: %v", len(filled), len(hit.Fields), filled)
		}

		var doc struct {
			Stored []struct{ Columns []string }
		}
		w := r.send(request{target: "/privacy/1.json"})
		if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		said := map[string]bool{}
		for _, one := range doc.Stored {
			for _, column := range one.Columns {
				said[column] = true
			}
		}
		if diff := cmp.Diff(filled, said); diff != "" {
			t.Errorf("%s: columns of rows (-) and of the statement (+):\n%s", record, diff)
		}
		for _, lang := range i18n.All() {
			shown := map[string]bool{}
			for column := range told(r.get(request{target: "/privacy/1/what?lang=" + lang.Tag})) {
				shown[column] = true
			}
			if diff := cmp.Diff(filled, shown); diff != "" {
				t.Errorf("%s, %s: columns of rows (-) and of the row that is shown (+):\n%s", record, lang.Tag, diff)
			}
			want := []string{}
			for _, fact := range hit.Facts {
				if facts[fact] {
					want = append(want, lang.Say("fact."+string(fact)))
				}
			}
			got := r.get(request{target: "/privacy/1?lang=" + lang.Tag}).Find("main li").Map(func(_ int, li *goquery.Selection) string { return li.Text() })
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s: facts of rows (-) and of the statement (+):\n%s", record, lang.Tag, diff)
			}
		}
	}
}

// TestStatementForPrograms: the statement is served as JSON, which names its schema, and has
// nothing of who reads it; the schema is served beside it.
func TestStatementForPrograms(t *testing.T) {
	r := newRig(t, nil)
	r.sites[0].OptOut = "https://example.org/personvern"
	if err := r.options.Sites.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	page := r.get(request{target: "/privacy/1?lang=en"})
	if href := page.Find(`a[type="application/json"]`).AttrOr("href", ""); href != "1.json" {
		t.Fatalf("the page links to %q", href)
	}
	w := r.send(request{target: "/privacy/1.json", from: "198.51.100.9:1", header: map[string]string{"Cookie": "mtm_consent_removed=1", "Sec-GPC": "1"}})
	other := r.send(request{target: "/privacy/1.json"})
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" || w.Body.String() != other.Body.String() {
		t.Errorf("status %d, %s, to another reader the same: %t", w.Code, w.Header().Get("Content-Type"), w.Body.String() == other.Body.String())
	}
	var doc struct {
		Schema     string `json:"$schema"`
		Host       string
		Objections struct{ Page string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || doc.Host != "example.org" || doc.Objections.Page != "https://example.org/personvern" {
		t.Errorf("%v, %+v", err, doc)
	}
	if link := w.Header().Get("Link"); !strings.HasPrefix(link, "<"+doc.Schema+`>; rel="describedby"`) {
		t.Errorf("links to %s, and is by schema %s", link, doc.Schema)
	}
	schema := r.send(request{target: "/privacy/" + doc.Schema})
	if schema.Code != http.StatusOK || schema.Header().Get("Content-Type") != "application/schema+json" || !bytes.Equal(schema.Body.Bytes(), privacy.StatementSchema()) {
		t.Errorf("schema: status %d, %s, %d bytes", schema.Code, schema.Header().Get("Content-Type"), schema.Body.Len())
	}
}

// TestVisitorsAreRefusedInTheirLanguage: what a visitor may not have is refused by a page in
// their language, and in the form of the API where that was asked for.
func TestVisitorsAreRefusedInTheirLanguage(t *testing.T) {
	r := newRig(t, nil)
	for _, tt := range []struct {
		method, target, host string
		status               int
		code, allow          string
	}{
		{"GET", "/privacy/7", "", 404, "not_found", ""},
		{"GET", "/privacy/x", "", 404, "not_found", ""},
		{"GET", "/privacy/7/what", "", 404, "not_found", ""},
		{"GET", "/privacy/1.json/what", "", 404, "not_found", ""},
		{"GET", "/privacy/1/receipts", "", 404, "not_found", ""}, // without a store
		{"GET", "/privacy/1?x=%zz", "", 400, "bad_request", ""},
		{"GET", "/privacy/1/what?;", "", 400, "bad_request", ""},
		{"GET", "/index.php?module=Login", "", 404, "not_found", ""},
		{"PUT", "/privacy/1", "", 405, "bad_method", "GET, HEAD, POST"},
		{"DELETE", "/privacy/1.json", "", 405, "bad_method", "GET, HEAD, POST"},
		{"POST", "/privacy/1/what", "", 405, "bad_method", "GET, HEAD"},
		{"POST", "/privacy/1/receipts", "", 405, "bad_method", "GET, HEAD"},
		{"POST", "/privacy/1", "stats.test", 405, "no_choices", "GET, HEAD"},
		{"POST", "/privacy/1", "stats.example.org", 400, "bad_form", ""}, // nothing was chosen
		{"POST", "/privacy/7", "", 404, "not_found", ""},
		{"GET", "/privacy/7.json", "", 404, "not_found", ""},
		{"GET", "/privacy/1.json?%", "", 400, "bad_request", ""},
	} {
		for _, l := range i18n.All() {
			q := request{method: tt.method, target: tt.target, header: map[string]string{"Accept-Language": l.Tag}}
			if tt.host != "" {
				q.target = "http://" + tt.host + tt.target
			}
			w := r.send(q)
			if w.Code != tt.status || w.Header().Get("Allow") != tt.allow {
				t.Errorf("%s %s: status %d, Allow %q, want %d, %q", tt.method, q.target, w.Code, w.Header().Get("Allow"), tt.status, tt.allow)
			}
			text := l.Known("visitor.", tt.code)
			if strings.Contains(tt.target, ".json") {
				var got struct{ Code, Error string }
				if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Code != tt.code || got.Error != text {
					t.Errorf("%s %s, %s: %q, want %s and %q", tt.method, q.target, l.Tag, w.Body, tt.code, text)
				}
				continue
			}
			if page := w.Body.String(); text == tt.code || !strings.Contains(page, `<html lang="`+l.Tag+`">`) || !strings.Contains(page, `<p role="alert">`+text+"<") || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
				t.Errorf("%s %s, %s: %q, want a page that says %q", tt.method, q.target, l.Tag, page, text)
			}
		}
	}
}
