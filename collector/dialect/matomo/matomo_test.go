package matomo_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/collector/dialect/matomo"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/site"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newDialect() matomo.Dialect { return matomo.Dialect{Now: func() time.Time { return now }} }

// newDialectWithToken takes the word of the holder of "secret" on site 3.
func newDialectWithToken() matomo.Dialect {
	d := newDialect()
	d.Allowed = func(token string, site uint32) bool { return token == "secret" && site == 3 }
	d.SitesOf = func(_ *http.Request, token string) ([]site.Site, error) {
		switch token {
		case "secret":
		case "often":
			return nil, dialect.ErrTooMany
		default:
			return nil, nil
		}
		oslo, err := time.LoadLocation("Europe/Oslo")
		return []site.Site{
			{ID: 3, Name: "Eksempel", Hosts: []string{"example.org", "www.example.org"}, Location: oslo},
			{ID: 5, Name: "Five", Hosts: []string{"five.example"}, Location: time.UTC},
		}, err
	}
	return d
}

// view is what a test compares of a hit: a hit itself does not print.
type view struct {
	Site          uint32
	Time          string
	Kind          hit.Kind
	URL, Referrer string
	Name          string
	Value         float64
	UserAgent     string
	Hints         hit.Hints
	Language      string
	Objection     bool
	Passive       bool
	Addr          string
	Country       string
	Region        string
	Campaign      string
	Remembered    string
	Bots          bool
	NewVisit      bool
	Invalid       string
}

const badItem = "item of a bulk request: want a URL with a query, or an object of parameters"

func views(hits []hit.Hit) []view {
	var vs []view
	for _, h := range hits {
		v := view{
			Site: h.Site, Kind: h.Kind, URL: h.URL, Referrer: h.Referrer, Name: h.Name, Value: h.Value,
			UserAgent: h.UserAgent, Hints: h.Hints, Language: h.Language,
			Objection: h.Objection, Passive: h.Passive, Country: h.Country, Region: h.Region,
			Campaign: h.Campaign, Remembered: h.Remembered, Bots: h.Bots, NewVisit: h.NewVisit, Invalid: h.Invalid,
		}
		if h.Addr.IsValid() {
			v.Addr = h.Addr.Reveal().String()
		}
		if !h.Time.IsZero() {
			v.Time = h.Time.Format(time.RFC3339)
		}
		vs = append(vs, v)
	}
	return vs
}

// What Matomo's own script sends for a page view, shortened.
const pageview = "action_name=Home%20page&idsite=3&rec=1&r=133564&h=17&m=40&s=32" +
	"&url=https%3A%2F%2Fexample.org%2Fom-oss%3Fa%3Db%20c&urlref=https%3A%2F%2Fother.example%2F" +
	"&_id=8b2c52af5f20dea4&_idn=1&send_image=0&_refts=0&pf_net=1&pf_srv=12&pv_id=YrEJws" +
	"&uadata=%7B%7D&cookie=1&res=1920x1080&dimension1=x&cvar=%7B%7D&uid=kari%40example.org"

func TestParseQuery(t *testing.T) {
	page := view{Site: 3, Kind: hit.Pageview, URL: "https://example.org/"}
	with := func(f func(*view)) []view { v := page; f(&v); return []view{v} }
	const base = "idsite=3&rec=1&url=https%3A%2F%2Fexample.org%2F"

	tests := []struct {
		name, query string
		want        []view
	}{
		{"page view of matomo.js", pageview, []view{{
			Site: 3, Kind: hit.Pageview, URL: "https://example.org/om-oss?a=b c", Referrer: "https://other.example/",
		}}},
		{"plain", base, []view{page}},
		{"empty and unknown parameters", "&&=&x&" + base + "&_id=&ec_dt=false&url[]=x&idsite[]=4", []view{page}},
		{"the last of a name wins", "idsite=9&" + base, []view{page}},
		{"escaped name", "%69dsite=3&rec=1&url=https://example.org/", []view{page}},
		{"broken escapes stand for themselves", base + "%&urlref=%zz%2&lang=%e", with(func(v *view) {
			v.URL, v.Referrer, v.Language = "https://example.org/%", "%zz%2", "%e"
		})},
		{"not UTF-8", base + "%FFom", with(func(v *view) { v.URL += "ÿom" })},
		{"bounded", base + strings.Repeat("x", 9000), with(func(v *view) {
			v.URL = (v.URL + strings.Repeat("x", 9000))[:dialect.MaxURL]
		})},
		{"no url is the Referer", "idsite=3&rec=1", with(func(v *view) { v.URL = "https://referer.example/" })},
		{"urlref alone is no page", "idsite=3&rec=1&urlref=https://x.example/", with(func(v *view) {
			v.URL, v.Referrer = "", "https://x.example/"
		})},

		{"no rec", "idsite=3&url=x", nil},
		{"rec=0", "idsite=3&rec=0&url=x", nil},
		{"rec without a value", "idsite=3&rec=&url=x", nil},
		{"rec is no number", "idsite=3&rec=true&url=x", nil},
		{"rec of a part", "idsite=3&rec=0.5&url=x", nil},
		{"AI bot", base + "&recMode=1", nil},

		{"ping", base + "&ping=1", with(func(v *view) { v.Kind = hit.Ping })},
		{"outlink", base + "&link=https%3A%2F%2Fother.example%2Fx", with(func(v *view) {
			v.Kind, v.Name = hit.Outlink, "https://other.example/x"
		})},
		{"download by its path", base + "&download=/r.pdf", with(func(v *view) {
			v.Kind, v.Name = hit.Download, "https://example.org/r.pdf"
		})},
		{"download", base + "&download=https%3A%2F%2Fexample.org%2Fr.pdf", with(func(v *view) {
			v.Kind, v.Name = hit.Download, "https://example.org/r.pdf"
		})},
		{"site search", base + "&search=red+shoes&search_cat=Shop&search_count=7", with(func(v *view) {
			v.Kind, v.Name, v.Value = hit.Search, "red shoes / Shop", 7
		})},
		{"search without result", base + "&search=red+shoes&search_count=0", with(func(v *view) {
			v.Kind, v.Name, v.Value = hit.Search, "red shoes", 0
		})},
		{"search that doesn't say how many", base + "&search=red+shoes&search_cat=+&search_count=false", with(func(v *view) {
			v.Kind, v.Name, v.Value = hit.Search, "red shoes", -1
		})},
		{"search with the mark of a category", base + "&search=+red++/+/+24+/&search_cat=Shop+/+Sale&search_count=-7", with(func(v *view) {
			v.Kind, v.Name, v.Value = hit.Search, "red / / 24 / / Shop / Sale", -1
		})},
		{"empty search is a page view", base + "&search=+&search_cat=Shop", []view{page}},
		{"event", base + "&e_c=Video&e_a=Play&e_n=Intro&e_v=12.5&ca=1", with(func(v *view) {
			v.Kind, v.Name, v.Value = hit.Event, "Video / Play / Intro", 12.5
		})},
		{"event without name, bad value", base + "&e_c=+Video+&e_a=Play&e_v=NaN", with(func(v *view) {
			v.Kind, v.Name = hit.Event, "Video / Play"
		})},
		{"event of our own script", base + "&e_a=+Newsletter+&e_v=", with(func(v *view) {
			v.Kind, v.Name = hit.Event, "event / Newsletter"
		})},
		{"event of our own script, with its parts", base + "&e_a=Video+/+Play+/+Intro&e_v=12.5", with(func(v *view) {
			v.Kind, v.Name, v.Value = hit.Event, "Video / Play / Intro", 12.5
		})},
		{"event of our own script, with a slash in its name", base + "&e_a=A/B", with(func(v *view) {
			v.Kind, v.Name = hit.Event, "event / A/B"
		})},
		{"event of our own script, without a name", base + "&e_a=+", nil},
		{"missing page of our own script", base + "&e_c=404", with(func(v *view) {
			v.Kind, v.Name = hit.Event, "404 / /"
		})},
		{"page of our own script that is there", base + "&e_c=200", []view{page}},
		{"half an event is a page view", base + "&e_c=Video&e_a=+", []view{page}},
		{"half an event with ca=1 is not", base + "&e_c=Video&ca=1", nil},
		{"custom action", base + "&ca=1&fa_fv=1", nil},
		{"goal", base + "&idgoal=2&revenue=19.99", with(func(v *view) {
			v.Kind, v.Name, v.Value = hit.Event, "goal / 2", 19.99
		})},
		{"goal -1 is none", base + "&idgoal=-1&revenue=5", []view{page}},
		{"cart", base + "&idgoal=0&revenue=119.8&ec_items=%5B%5D", nil},
		{"order", base + "&idgoal=0&ec_id=ORD-7&revenue=129.8&ec_items=%5B%5D", nil},
		{"product view is a page view", base + "&_pks=SKU1&_pkn=Shoe&_pkp=59.9", []view{page}},
		{"content shown", base + "&c_n=Promo&c_p=img.jpg&ca=1", with(func(v *view) {
			v.Kind, v.Name, v.Passive = hit.Event, "content / shown / Promo", true
		})},
		{"content clicked", base + "&c_n=Promo&c_p=img.jpg&c_i=click&ca=1", with(func(v *view) {
			v.Kind, v.Name = hit.Event, "content / click / Promo"
		})},

		{"browser in place of the headers", base + "&ua=Other%2F1.0&lang=nn", with(func(v *view) {
			v.UserAgent, v.Language = "Other/1.0", "nn"
		})},
		{"hints", base + `&uadata={"brands":[{"brand":"Not\"A;Brand","version":"8"},{"brand":"Chromium","version":"140.0.1"}],"mobile":true,"platform":"Android","model":"Pixel"}`,
			with(func(v *view) {
				v.Hints = hit.Hints{Brands: `"Not\"A;Brand";v="8", "Chromium";v="140"`, Mobile: "?1", Platform: `"Android"`}
			})},
		{"full versions", base + `&uadata={"fullVersionList":[{"brand":"Chromium","version":"140.0.1"}],"mobile":false}`,
			with(func(v *view) { v.Hints = hit.Hints{Brands: `"Chromium";v="140"`, Mobile: "?0"} })},
		{"hints that aren't", base + `&uadata={"brands":7}`, []view{page}},

		{"a moment ago", base + "&cdt=1772366399", with(func(v *view) { v.Time = "2026-03-01T11:59:59Z" })},
		{"ISO 8601", base + "&cdt=2026-03-01T11:00:00Z", with(func(v *view) { v.Time = "2026-03-01T11:00:00Z" })},
		{"with a zone", base + "&cdt=2026-03-01T11:00:00%2B0100", with(func(v *view) { v.Time = "2026-03-01T10:00:00Z" })},
		{"without a zone", base + "&cdt=2026-03-01+11:00:00", with(func(v *view) { v.Time = "2026-03-01T11:00:00Z" })},
		{"with an offset of hours", base + "&cdt=2026-03-01+11:00:00+%2B01", with(func(v *view) { v.Time = "2026-03-01T10:00:00Z" })},
		{"with a zone as GMT+1", base + "&cdt=2026-03-01+11:00:00+GMT%2B1", with(func(v *view) { v.Time = "2026-03-01T10:00:00Z" })},
		{"with a zone as UTC-02:30", base + "&cdt=2026-03-01+07:00:00+UTC-02:30", with(func(v *view) { v.Time = "2026-03-01T09:30:00Z" })},
		{"with CET", base + "&cdt=2026-03-01+11:00:00+CET", with(func(v *view) { v.Time = "2026-03-01T10:00:00Z" })},
		{"with cest, small and glued", base + "&cdt=2026-03-01T11:00:00cest", with(func(v *view) { v.Time = "2026-03-01T09:00:00Z" })},
		{"with EST", base + "&cdt=2026-03-01+05:00:00+EST", with(func(v *view) { v.Time = "2026-03-01T10:00:00Z" })},
		{"with PST", base + "&cdt=2026-03-01+02:00+PST", with(func(v *view) { v.Time = "2026-03-01T10:00:00Z" })},
		{"with GMT", base + "&cdt=2026-03-01+10:00:00+GMT", with(func(v *view) { v.Time = "2026-03-01T10:00:00Z" })},
		{"with the name of a place", base + "&cdt=2026-03-01+11:00:00+Europe/Oslo", with(func(v *view) { v.Time = "2026-03-01T10:00:00Z" })},
		{"as in mail, with CET", base + "&cdt=Sun,+01+Mar+2026+11:00:00+CET", with(func(v *view) { v.Time = "2026-03-01T10:00:00Z" })},
		{"as in mail, with an offset", base + "&cdt=Sun,+1+Mar+2026+11:00:00+%2B0100+(CET)", with(func(v *view) { v.Time = "2026-03-01T10:00:00Z" })},
		{"as in HTTP", base + "&cdt=Sun,+01+Mar+2026+10:00:00+GMT", with(func(v *view) { v.Time = "2026-03-01T10:00:00Z" })},
		{"with a fraction and a zone", base + "&cdt=2026-03-01T11:00:00.25%2B01:00", with(func(v *view) { v.Time = "2026-03-01T10:00:00Z" })},
		{"24 hours", base + "&cdt=2026-02-28T12:00:00Z", with(func(v *view) { v.Time = "2026-02-28T12:00:00Z" })},
		{"seconds with a fraction", base + "&cdt=1772366399.75", with(func(v *view) { v.Time = "2026-03-01T11:59:59Z" })},
		{"in the future", base + "&cdt=2026-03-01T12:00:01Z", []view{page}},
		{"no time", base + "&cdt=", []view{page}},
		{"Unix seconds as PHP marks them", base + "&cdt=@1772366399", with(func(v *view) { v.Time = "2026-03-01T11:59:59Z" })},
		{"hours ago", base + "&cdt=-3+hours", with(func(v *view) { v.Time = "2026-03-01T09:00:00Z" })},
		{"hours ago, in words", base + "&cdt=3%20Hours%20ago", with(func(v *view) { v.Time = "2026-03-01T09:00:00Z" })},
		{"without spaces", base + "&cdt=-90min", with(func(v *view) { v.Time = "2026-03-01T10:30:00Z" })},
		{"several units", base + "&cdt=-1+hour+-30+minutes+-5+sec", with(func(v *view) { v.Time = "2026-03-01T10:29:55Z" })},
		{"several units ago", base + "&cdt=1+hour+30+minutes+ago", with(func(v *view) { v.Time = "2026-03-01T10:30:00Z" })},
		{"today", base + "&cdt=today", with(func(v *view) { v.Time = "2026-03-01T00:00:00Z" })},
		{"tomorrow", base + "&cdt=tomorrow", []view{page}},
		{"yesterday at a time", base + "&cdt=yesterday+14:30", with(func(v *view) { v.Time = "2026-02-28T14:30:00Z" })},
		{"now", base + "&cdt=now", with(func(v *view) { v.Time = "2026-03-01T12:00:00Z" })},
		{"a day ago, and before it", base + "&cdt=-23+hours&cdo=3600", with(func(v *view) { v.Time = "2026-02-28T12:00:00Z" })},
		{"in the future by words", base + "&cdt=%2B3+hours", []view{page}},
		{"seconds ago", base + "&cdo=60", with(func(v *view) { v.Time = "2026-03-01T11:59:00Z" })},
		{"before a time", base + "&cdt=2026-03-01T11:00:00Z&cdo=-60", with(func(v *view) { v.Time = "2026-03-01T10:59:00Z" })},
		{"forced visitor", base + "&cid=0123456789abcdef", []view{page}},
		{"empty override", base + "&cip=&country=&lat=0&long=0", []view{page}},

		{"campaign as parameters of the request", base + "&mtm_campaign=H%C3%B8st&mtm_kwd=a+b&_rcn=v%E5r&_rck=x%26y", with(func(v *view) {
			v.Campaign = "mtm_kwd=a+b&mtm_campaign=H%C3%B8st&"
			v.Remembered = "mtm_campaign=v%C3%A5r&mtm_kwd=x%26y"
		})},
		{"term without a campaign", base + "&_rck=x", []view{page}},
		{"a new visit", base + "&new_visit=1", with(func(v *view) { v.NewVisit = true })},
		{"no new visit", base + "&new_visit=0&bots=0", []view{page}},
		{"bots too", base + "&bots=1", with(func(v *view) { v.Bots = true })},
		{"entities between the parameters", "idsite=3&amp;rec=1&#038;e_c=a&#38;e_a=b&#x26;amp;e_n=c&amp;url=https://example.org/", with(func(v *view) {
			v.Kind, v.Name = hit.Event, "a / b / c"
		})},
		{"entities between the parameters of the page", base + "a%3Fb%3D1%26amp%3Bc%3D%26%23038%3Bd%26%2338%3Be%3Dx%3By%26amp%3Bamp%3Bf%23%26amp%3B", with(func(v *view) {
			v.URL += "a?b=1&c=&d&e=x;y&f#&"
		})},
		{"an entity before the query", base + "a%26amp%3Bb%3Fc", with(func(v *view) { v.URL += "a&amp;b?c" })},

		{"ISO-8859-1", base + "s%F8k?q=bl%E5b%E6r%26&search=bl%E5b%E6r&cs=ISO-8859-1", with(func(v *view) {
			v.URL, v.Kind, v.Name, v.Value = "https://example.org/s%C3%B8k?q=bl%C3%A5b%C3%A6r&", hit.Search, "blåbær", -1
		})},
		{"ISO-8859-15", base + "&e_c=%A4&e_a=%A6&e_n=%BD&cs=iso-8859-15", with(func(v *view) {
			v.Kind, v.Name = hit.Event, "€ / Š / œ"
		})},
		{"windows-1252", base + "&c_n=%93%80%94&c_i=klikk&cs=Windows-1252", with(func(v *view) {
			v.Kind, v.Name = hit.Event, "content / klikk / “€”"
		})},
		{"Shift_JIS", base + "%2583%5C&search=%83%5C&cs=shift_jis", with(func(v *view) {
			v.URL, v.Kind, v.Name, v.Value = "https://example.org/%E3%82%BD", hit.Search, "ソ", -1
		})},
		{"escapes inside of a URL, as matomo.js sends them", base + "s%25F8k%253F%3Fq%3Dbl%25E5%2Bb%25E6r%2526%26r%3D%25C3%25A5&urlref=%2F%25F8&search=bl%C3%A5&cs=windows-1252", with(func(v *view) {
			v.URL = "https://example.org/s%C3%B8k%3F?q=bl%C3%A5+b%C3%A6r%26&r=%C3%A5"
			v.Referrer, v.Kind, v.Name, v.Value = "/%C3%B8", hit.Search, "blå", -1
		})},
		{"targets of links", base + "&link=//x.example/%25F8&cs=latin1", with(func(v *view) {
			v.Kind, v.Name = hit.Outlink, "//x.example/%C3%B8"
		})},
		{"campaigns", base + "&mtm_campaign=%A4uro&cs=iso-8859-15", with(func(v *view) { v.Campaign = "mtm_campaign=%E2%82%ACuro&" })},
		{"campaigns in Cyrillic", base + "&mtm_campaign=%EF%F0%E8&cs=windows-1251", with(func(v *view) { v.Campaign = "mtm_campaign=%D0%BF%D1%80%D0%B8&" })},
		{"UTF-8, said aloud", base + "%25C3%25A5&search=bl%C3%A5b%E6r&cs=UTF-8", with(func(v *view) {
			v.URL, v.Kind, v.Name, v.Value = "https://example.org/%C3%A5", hit.Search, "blåbær", -1
		})},
		{"unknown character set", base + "%25F8&search=bl%E5&cs=latin-99", with(func(v *view) {
			v.URL, v.Kind, v.Name, v.Value = "https://example.org/%F8", hit.Search, "blå", -1
		})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request("GET", "/matomo.php?"+strings.ReplaceAll(tt.query, `"`, "%22"), "")
			r.Header.Set("Referer", "https://referer.example/")
			hits, _, err := newDialect().Parse(r, nil)
			if err != nil {
				t.Fatalf("Parse: %v", err)
			}
			if diff := cmp.Diff(tt.want, views(hits)); diff != "" {
				t.Errorf("hits (-want +got):\n%s", diff)
			}
		})
	}
}

// request keeps a query that httptest.NewRequest would not take.
func request(method, target, body string) *http.Request {
	path, query, _ := strings.Cut(target, "?")
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.URL.RawQuery = query
	return r
}

func packed(body string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, body)
	w.Close()
	return b.String()
}

func TestParseForms(t *testing.T) {
	page := view{Site: 3, Kind: hit.Pageview, URL: "/a"}
	tests := []struct {
		name, target, body string
		header             http.Header
		want               []view
	}{
		{name: "query and empty body", target: "?idsite=3&rec=1&url=/a", want: []view{page}},
		{name: "form", body: "idsite=3&rec=1&url=%2Fa", want: []view{page}},
		{name: "the query wins", target: "?idsite=3&url=/a", body: "idsite=4&rec=1&url=/b", want: []view{page}},
		{name: "token in the body", target: "?idsite=3&rec=1&url=/a", body: "token_auth=abc", want: []view{page}},
		{name: "form, packed", body: packed("idsite=3&rec=1&url=%2Fa"), header: http.Header{"Content-Encoding": {"gzip"}}, want: []view{page}},
		{
			name: "bulk, as a form", target: "?queuedtracking=0",
			body:   `{"requests":["?idsite=3&rec=1&url=/a","http://x.example/?idsite=3&rec=1&url=/b"],"token_auth":"x","send_image":0}`,
			header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
			want:   []view{page, {Site: 3, Kind: hit.Pageview, URL: "/b"}},
		},
		{
			name:   "bulk, objects of the log importer, packed",
			body:   packed(`{"token_auth":"","requests":[{"rec":"1","apiv":"1","idsite":3,"url":"/a","ua":"Firefox","cvar":"{\"1\":[\"HTTP-code\",\"200\"]}","dp":null}]}`),
			header: http.Header{"Content-Encoding": {"gzip"}, "Content-Type": {"application/json"}},
			want:   []view{{Site: 3, Kind: hit.Pageview, URL: "/a", UserAgent: "Firefox"}},
		},
		{
			name: "bulk, hints as an object", body: `{"requests":[{"rec":true,"idsite":3,"url":"/a","uadata":{"platform":"Linux"}}]}`,
			want: []view{{Site: 3, Kind: hit.Pageview, URL: "/a", Hints: hit.Hints{Platform: `"Linux"`}}},
		},
		{
			name: "bulk, one bad item does not spoil the rest",
			body: `{"requests":["?idsite=0&rec=1","?idsite=3&rec=1&url=/a","?idsite=3&rec=1&cip=192.0.2.1",7,null,[]]}`,
			want: []view{
				{Invalid: "idsite: want the number of a site, from 1"}, page, {Invalid: "cip: needs a token_auth"},
				{Invalid: badItem}, {Invalid: badItem}, {Invalid: badItem},
			},
		},
		{
			name: "bulk, a list with gaps as PHP writes it",
			body: `{"requests":{"0":"?idsite=3&rec=1&url=/a","7":{"idsite":3,"rec":1,"url":"/b"}}}`,
			want: []view{page, {Site: 3, Kind: hit.Pageview, URL: "/b"}},
		},
		{
			name: "bulk, an item that is too long",
			body: `{"requests":["?idsite=3&rec=1&url=/` + strings.Repeat("b", 64<<10) + `","?idsite=3&rec=1&url=/a"]}`,
			want: []view{{Invalid: "item of a bulk request: larger than 65536 bytes"}, page},
		},
		{name: "in parts, as FormData", header: http.Header{"Content-Type": {"multipart/form-data; boundary=xyz"}}, want: []view{page},
			body: "--xyz\r\nContent-Disposition: form-data; name=\"idsite\"\r\n\r\n3\r\n--xyz\r\nContent-Disposition: form-data; name=\"rec\"\r\n\r\n1\r\n" +
				"--xyz\r\nContent-Disposition: form-data; name=\"url\"; filename=\"x\"\r\n\r\nhttps://example.org/fil\r\n" +
				"--xyz\r\nContent-Disposition: form-data; name=\"url\"\r\n\r\n/a\r\n--xyz--\r\n"},
		{name: "bulk, items without a query", body: `{"requests":["idsite=3&rec=1&url=/a",""]}`, want: []view{{Invalid: badItem}, {Invalid: badItem}}},
		{name: "bulk, items to ignore", body: `{"requests":["?idsite=3&url=/a","?idsite=3&rec=1&ca=1","?idsite=3&rec=0&url=/a","?idsite=3&rec=true&url=/a",{"idsite":3,"rec":false,"url":"/a"},{"idsite":3,"url":"/a"}]}`},
		{name: "bulk, switched on by any number", body: `{"requests":["?idsite=3&rec=2&url=/a","?idsite=3&rec=01&url=/a",{"idsite":3,"rec":true,"url":"/a"},{"idsite":3,"rec":"1","url":"/a"}]}`,
			want: []view{page, page, page, page}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request("POST", "/matomo.php"+tt.target, tt.body)
			if tt.header != nil {
				r.Header = tt.header
			}
			hits, _, err := newDialect().Parse(r, nil)
			if err != nil {
				t.Fatalf("Parse: %v", err)
			}
			if diff := cmp.Diff(tt.want, views(hits)); diff != "" {
				t.Errorf("hits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHeadersReachEveryHit(t *testing.T) {
	r := request("POST", "/matomo.php", `{"requests":["?idsite=3&rec=1&url=/a","?idsite=3&rec=1&ua=Other"]}`)
	for name, value := range map[string]string{
		"User-Agent": "Mozilla/5.0", "Sec-CH-UA-Platform": `"Linux"`, "Accept-Language": "nb", "Sec-GPC": "1",
		"Referer": "https://example.org/r",
	} {
		r.Header.Set(name, value)
	}
	hits, _, err := newDialect().Parse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []view{
		{Site: 3, Kind: hit.Pageview, URL: "/a", UserAgent: "Mozilla/5.0", Language: "nb", Objection: true, Hints: hit.Hints{Platform: `"Linux"`}},
		{Site: 3, Kind: hit.Pageview, URL: "https://example.org/r", UserAgent: "Other", Language: "nb", Objection: true},
	}
	if diff := cmp.Diff(want, views(hits)); diff != "" {
		t.Errorf("hits (-want +got):\n%s", diff)
	}
}

// The hints of the headers are those of the browser; of another program, told by
// its ua, are those of uadata.
func TestHintsOfHeaders(t *testing.T) {
	const uadata = "&uadata=" + `%7B%22platform%22%3A%22Android%22%7D`
	for query, want := range map[string]string{
		"":                      `"Linux"`,
		uadata:                  `"Linux"`,
		uadata + "&ua=Other":    `"Android"`,
		"&uadata={}&ua=Other":   "",
		"&ua=Other&uadata=%7B+": "",
	} {
		r := request("GET", "/matomo.php?idsite=3&rec=1"+query, "")
		r.Header.Set("Sec-CH-UA-Platform", `"Linux"`)
		if hits, _, err := newDialect().Parse(r, nil); err != nil || hits[0].Hints.Platform != want {
			t.Errorf("%s: %+v, %v, want the platform %q", query, hits[0].Hints, err, want)
		}
	}
}

func TestToken(t *testing.T) {
	page := view{Site: 3, Kind: hit.Pageview, URL: "/a"}
	with := func(f func(*view)) []view { v := page; f(&v); return []view{v} }
	at := with(func(v *view) { v.Addr = "198.51.100.7" })
	const base = "idsite=3&rec=1&url=/a&token_auth=secret"
	tests := []struct {
		name, query, body string
		want              []view
	}{
		{"address", base + "&cip=198.51.100.7", "", at},
		{"IPv6, between spaces", base + "&cip=+2001:db8::1+", "", with(func(v *view) { v.Addr = "2001:db8::1" })},
		{"IPv4 as IPv6", base + "&cip=::ffff:198.51.100.7", "", at},
		{"no address", base + "&cip=0", "", []view{page}},
		{"no address in a log", base + "&cip=-", "", with(func(v *view) { v.Addr = "0.0.0.0" })},
		{"spaces as a log of IIS writes them", base + "&ua=Mozilla/4.0%2B(compatible;%2BMSIE%2B7.0)", "", with(func(v *view) { v.UserAgent = "Mozilla/4.0 (compatible; MSIE 7.0)" })},
		{"a plus in an agent", base + "&ua=" + "Name%2B+/1+(x%2B(y)", "", with(func(v *view) { v.UserAgent = "Name+ /1 (x+(y)" })},
		{"country", base + "&country=no", "", with(func(v *view) { v.Country = "NO" })},
		{"region", base + "&country=NO&region=03", "", with(func(v *view) { v.Country, v.Region = "NO", "NO-03" })},
		{"region of letters", base + "&country=gb&region=sct", "", with(func(v *view) { v.Country, v.Region = "GB", "GB-SCT" })},
		{"region without a country", base + "&region=03", "", []view{page}},
		{"whole region", base + "&country=no&region=NO-03", "", with(func(v *view) { v.Country, v.Region = "NO", "NO-03" })},
		{"not a country, as sent", base + "&country=Norge&region=03", "", with(func(v *view) { v.Country, v.Region = "NORGE", "NORGE-03" })},
		{"more than is kept", base + "&city=Oslo&lat=59.9&long=10.7", "", []view{page}},
		{"old", base + "&cdt=2023-03-01T12:00:00Z", "", with(func(v *view) { v.Time = "2023-03-01T12:00:00Z" })},
		{"old by its offset", base + "&cdo=864000", "", with(func(v *view) { v.Time = "2026-02-19T12:00:00Z" })},
		{"token alone in the body, as PHP sends it", "idsite=3&rec=1&url=/a&cip=198.51.100.7", "token_auth=secret", at},
		{"all in the body", "", base + "&cip=198.51.100.7", at},
		{"the token of the query wins", base + "&cip=198.51.100.7", "token_auth=guess", at},
		{"an empty address in the query wins", "idsite=3&rec=1&url=/a&cip=", "cip=198.51.100.7", []view{page}},
		{
			"bulk: the token of an item, else of the envelope", "",
			`{"token_auth":"secret","requests":[
				{"idsite":3,"rec":1,"url":"/a","cip":"198.51.100.7"},
				"?idsite=3&rec=1&url=/a&cip=198.51.100.7&token_auth=guess",
				"?idsite=4&rec=1&url=/a&cip=198.51.100.7",
				"?idsite=3&rec=1&url=/a&cip=garbage",
				"?idsite=3&rec=1&url=/a"]}`,
			[]view{
				at[0], {Invalid: "cip: needs a token_auth"}, {Invalid: "cip: needs a token_auth"},
				{Invalid: "cip: want an IP address"}, page,
			},
		},
		{
			"bulk: items of their own", "",
			`{"token_auth":null,"requests":["?idsite=3&rec=1&url=/a&cip=198.51.100.7&token_auth=secret","?idsite=3&rec=1&url=/a&country=no"]}`,
			[]view{at[0], {Invalid: "country: needs a token_auth"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			method := "GET"
			if tt.body != "" {
				method = "POST"
			}
			hits, _, err := newDialectWithToken().Parse(request(method, "/matomo.php?"+tt.query, tt.body), nil)
			if err != nil {
				t.Fatalf("Parse: %v", err)
			}
			if diff := cmp.Diff(tt.want, views(hits)); diff != "" {
				t.Errorf("hits (-want +got):\n%s", diff)
			}
		})
	}
}

// A look-up per hit that needs none would cost every page view of every site.
func TestTokenIsAskedForWhereNeeded(t *testing.T) {
	for query, want := range map[string]int{
		"":                          0,
		"&token_auth=secret":        1, // to know whether the browser is somebody's
		"&token_auth=secret&ua=x":   0,
		"&token_auth=secret&rec=0":  0,
		"&cdo=60&token_auth=secret": 1,
		"&cip=&country=&city=0":     0,
		"&cip=192.0.2.1":            1,
		"&cip=192.0.2.1&country=no&cdo=864000&token_auth=guess": 1,
		"&cdo=864000": 1,
	} {
		asked := 0
		d := newDialect()
		d.Allowed = func(string, uint32) bool { asked++; return true }
		if _, _, err := d.Parse(request("GET", "/matomo.php?idsite=3&rec=1"+query, ""), nil); err != nil || asked != want {
			t.Errorf("%q: asked %d times, error %v, want %d", query, asked, err, want)
		}
	}
}

// serve answers as the collector does, for which only site 3 exists.
func serve(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	d := newDialectWithToken()
	hits, reply, err := d.Parse(r, nil)
	o := dialect.Outcome{Err: err}
	for _, h := range hits {
		if h.Site == 3 {
			o.Tracked++
		} else {
			o.Invalid = append(o.Invalid, "unknown site")
			o.Items = append(o.Items, h.Item)
		}
	}
	reply(w, r, o)
}

// TestReply states the rules of Matomo's answers, one by one.
func TestReply(t *testing.T) {
	gif := string(dialect.Pixel)
	const (
		image, text, jsonType = "image/gif", "text/plain; charset=utf-8", "application/json"
		about                 = "This is Fotspor, which answers to Matomo's tracking API here. It counts page views, not people.\n"
		notBulk               = `{"status":"error","tracked":0,"invalid":0}`
		noTime                = "Fotspor: cdt: want Unix seconds, a date and time such as 2026-03-01T11:00:00Z, or an offset such as -3 hours, within 20 years\n"
		noOffset              = "Fotspor: cdo: want a number of seconds, within 20 years\n"
	)
	many := `{"requests":[` + strings.Repeat(`"?idsite=3&rec=1",`, 2000) + `"?idsite=3&rec=1"]}`
	tests := []struct {
		name, method, target, body string
		header                     http.Header
		status                     int
		contentType, want          string
	}{
		// Recorded, or excluded on purpose: the same to whoever asks.
		{name: "page view", method: "GET", target: "?idsite=3&rec=1", status: 200, contentType: image, want: gif},
		{name: "send_image=1", method: "GET", target: "?idsite=3&rec=1&send_image=1", status: 200, contentType: image, want: gif},
		{name: "send_image=0", method: "GET", target: "?idsite=3&rec=1&send_image=0", status: 204},
		{name: "send_image is exactly 0", method: "GET", target: "?idsite=3&rec=1&send_image=00", status: 200, contentType: image, want: gif},
		{name: "ping", method: "GET", target: "?idsite=3&rec=1&ping=1", status: 200, contentType: image, want: gif},
		{name: "no rec", method: "GET", target: "?idsite=3", status: 200, contentType: image, want: gif},
		{name: "no rec, silent", method: "GET", target: "?idsite=3&send_image=0", status: 204},
		{name: "rec=0", method: "GET", target: "?idsite=3&rec=0", status: 200, contentType: image, want: gif},
		{name: "rec=0 needs no visitor id", method: "GET", target: "?idsite=3&rec=0&cid=abc", status: 200, contentType: image, want: gif},
		{name: "of an AI bot", method: "GET", target: "?idsite=3&rec=1&recMode=1", status: 200, contentType: image, want: gif},
		{name: "of a plug-in", method: "GET", target: "?idsite=3&rec=1&ca=1&fa_fv=1", status: 200, contentType: image, want: gif},
		{name: "order", method: "GET", target: "?idsite=3&rec=1&idgoal=0&ec_id=7", status: 200, contentType: image, want: gif},
		{name: "do not track", method: "GET", target: "?idsite=3&rec=1", header: http.Header{"Dnt": {"1"}}, status: 200, contentType: image, want: gif},
		{name: "opted out", method: "GET", target: "?idsite=3&rec=1", header: http.Header{"Cookie": {"matomo_ignore=ignore%3D%2A"}}, status: 200, contentType: image, want: gif},
		{name: "prefetched", method: "GET", target: "?idsite=3&rec=1", header: http.Header{"X-Moz": {"prefetch"}}, status: 200, contentType: image, want: gif},
		{name: "in the future", method: "GET", target: "?idsite=3&rec=1&cdt=2026-03-02", status: 200, contentType: image, want: gif},
		{name: "hours ago", method: "GET", target: "?idsite=3&rec=1&cdt=-3+hours", status: 200, contentType: image, want: gif},
		{name: "old with token", method: "GET", target: "?idsite=3&rec=1&cdt=2026-01-01&token_auth=secret", status: 200, contentType: image, want: gif},
		{name: "address with token", method: "GET", target: "?idsite=3&rec=1&cip=192.0.2.1&token_auth=secret", status: 200, contentType: image, want: gif},
		{name: "bare", method: "GET", status: 200, contentType: text, want: about},
		{name: "head", method: "HEAD", target: "?idsite=3&rec=1", status: 200, contentType: image, want: gif},

		// What can't be recorded.
		{name: "no site", method: "GET", target: "?rec=1", status: 400, contentType: image, want: gif + "Fotspor: idsite: want the number of a site, from 1\n"},
		{name: "no site, silent", method: "GET", target: "?rec=1&send_image=0", status: 400, contentType: text, want: "Fotspor: idsite: want the number of a site, from 1\n"},
		{name: "no site before no rec", method: "GET", target: "?url=/", status: 400, contentType: image, want: gif + "Fotspor: idsite: want the number of a site, from 1\n"},
		{name: "negative site", method: "GET", target: "?rec=1&idsite=-1", status: 400, contentType: image, want: gif + "Fotspor: idsite: want the number of a site, from 1\n"},
		{name: "unknown site", method: "GET", target: "?rec=1&idsite=4", status: 400, contentType: image, want: gif + "Fotspor: unknown site\n"},
		{name: "address without token", method: "GET", target: "?rec=1&idsite=3&cip=192.0.2.1", status: 400, contentType: image, want: gif + "Fotspor: cip: needs a token_auth\n"},
		{name: "address without token before no rec", method: "GET", target: "?idsite=3&cip=192.0.2.1", status: 400, contentType: image, want: gif + "Fotspor: cip: needs a token_auth\n"},
		{name: "country with a guess", method: "GET", target: "?rec=1&idsite=3&country=no&token_auth=guess", status: 400, contentType: image, want: gif + "Fotspor: country: needs a token_auth\n"},
		{name: "region without token", method: "GET", target: "?rec=1&idsite=3&region=03", status: 400, contentType: image, want: gif + "Fotspor: region: needs a token_auth\n"},
		{name: "city without token", method: "GET", target: "?rec=1&idsite=3&city=Oslo", status: 400, contentType: image, want: gif + "Fotspor: city: needs a token_auth\n"},
		{name: "latitude without token", method: "GET", target: "?rec=1&idsite=3&lat=59.9", status: 400, contentType: image, want: gif + "Fotspor: lat: needs a token_auth\n"},
		{name: "longitude without token", method: "GET", target: "?rec=1&idsite=3&long=10.7", status: 400, contentType: image, want: gif + "Fotspor: long: needs a token_auth\n"},
		{name: "token of another site", method: "GET", target: "?rec=1&idsite=4&cip=192.0.2.1&token_auth=secret", status: 400, contentType: image, want: gif + "Fotspor: cip: needs a token_auth\n"},
		{name: "not an address", method: "GET", target: "?rec=1&idsite=3&cip=192.0.2.1234&token_auth=secret", status: 400, contentType: image, want: gif + "Fotspor: cip: want an IP address\n"},
		{name: "not a time", method: "GET", target: "?idsite=3&rec=1&cdt=soon", status: 400, contentType: image, want: gif + noTime},
		{name: "zero is no time", method: "GET", target: "?idsite=3&rec=1&cdt=0", status: 400, contentType: image, want: gif + noTime},
		{name: "zero is no time with a token", method: "GET", target: "?idsite=3&rec=1&cdt=0&token_auth=secret", status: 400, contentType: image, want: gif + noTime},
		{name: "a time in milliseconds", method: "GET", target: "?idsite=3&rec=1&cdt=1772366399000", status: 400, contentType: image, want: gif + noTime},
		{name: "a time beyond belief", method: "GET", target: "?idsite=3&rec=1&cdt=1000000000&token_auth=secret", status: 400, contentType: image, want: gif + noTime},
		{name: "too large a time", method: "GET", target: "?idsite=3&rec=1&cdt=9223372036854775807", status: 400, contentType: image, want: gif + noTime},
		{name: "a zone that is none", method: "GET", target: "?idsite=3&rec=1&cdt=2026-03-01+11:00:00+FOO", status: 400, contentType: image, want: gif + noTime},
		{name: "a zone in mail that is none", method: "GET", target: "?idsite=3&rec=1&cdt=Sun,+01+Mar+2026+11:00:00+FOO", status: 400, contentType: image, want: gif + noTime},
		{name: "a place that is none", method: "GET", target: "?idsite=3&rec=1&cdt=2026-03-01+11:00:00+Europe/Soria", status: 400, contentType: image, want: gif + noTime},
		{name: "an offset that is none", method: "GET", target: "?idsite=3&rec=1&cdt=2026-03-01+11:00:00+GMT%2B25", status: 400, contentType: image, want: gif + noTime},
		{name: "a month that is none", method: "GET", target: "?idsite=3&rec=1&cdt=2026-13-01", status: 400, contentType: image, want: gif + noTime},
		{name: "an offset beyond belief", method: "GET", target: "?idsite=3&rec=1&cdo=1e300", status: 400, contentType: image, want: gif + noOffset},
		{name: "not an offset", method: "GET", target: "?idsite=3&rec=1&cdo=soon", status: 400, contentType: image, want: gif + noOffset},
		{name: "days ago without token", method: "GET", target: "?rec=1&idsite=3&cdt=-2+days", status: 400, contentType: image, want: gif + "Fotspor: cdt: a time more than 24 hours ago needs a token_auth\n"},
		{name: "old without token", method: "GET", target: "?rec=1&idsite=3&cdt=2026-02-28T11:59:59Z", status: 400, contentType: image, want: gif + "Fotspor: cdt: a time more than 24 hours ago needs a token_auth\n"},
		{name: "old with a guess", method: "GET", target: "?rec=1&idsite=3&cdo=864000&token_auth=guess", status: 400, contentType: image, want: gif + "Fotspor: cdt: a time more than 24 hours ago needs a token_auth\n"},
		{name: "short visitor id", method: "GET", target: "?rec=1&idsite=3&cid=abc", status: 400, contentType: image, want: gif + "Fotspor: cid: want 16 hexadecimal digits\n"},
		{name: "long visitor id", method: "GET", target: "?rec=1&idsite=3&cid=0123456789abcdef0", status: 400, contentType: image, want: gif + "Fotspor: cid: want 16 hexadecimal digits\n"},

		// Bodies.
		{name: "post, query", method: "POST", target: "?idsite=3&rec=1", status: 200, contentType: image, want: gif},
		{name: "post, query, silent", method: "POST", target: "?idsite=3&rec=1&send_image=0", status: 204},
		{name: "post, form, silent", method: "POST", body: "idsite=3&rec=1&send_image=0", status: 204},
		{name: "post, the query wins", method: "POST", target: "?send_image=1", body: "idsite=3&rec=1&send_image=0", status: 200, contentType: image, want: gif},
		{name: "post, bad form, silent", method: "POST", body: "rec=1&send_image=0", status: 400, contentType: text, want: "Fotspor: idsite: want the number of a site, from 1\n"},
		{name: "post, bare", method: "POST", status: 400, contentType: image, want: gif + "Fotspor: idsite: want the number of a site, from 1\n"},
		{name: "post, too large", method: "POST", body: strings.Repeat("x", 1<<20+1), status: 413, contentType: image, want: gif + "Fotspor: http: request body too large\n"},
		{name: "post, bomb", method: "POST", body: packed(strings.Repeat("x", 5<<20)), header: http.Header{"Content-Encoding": {"gzip"}}, status: 413, contentType: image, want: gif + "Fotspor: http: request body too large\n"},
		{name: "post, in parts, cut off", method: "POST", body: "--xyz\r\nContent-Disposition: form-data; name=\"idsite\"\r\n\r\n3", header: http.Header{"Content-Type": {"multipart/form-data; boundary=xyz"}}, status: 400, contentType: image, want: gif + "Fotspor: body: incomplete, or not the gzip that its header says\n"},
		{name: "post, not gzip", method: "POST", body: "rec=1", header: http.Header{"Content-Encoding": {"gzip"}}, status: 400, contentType: image, want: gif + "Fotspor: body: incomplete, or not the gzip that its header says\n"},

		// Bulk: bad items don't fail the others, and who has a token is told which they were.
		{name: "bulk", method: "POST", body: `{"requests":["?idsite=3&rec=1","?idsite=4&rec=1","?idsite=x&rec=1","?idsite=3","no query",{"idsite":3,"rec":1}]}`,
			status: 200, contentType: jsonType, want: `{"status":"success","tracked":3,"invalid":3}`},
		{name: "bulk, with token", method: "POST", body: `{"requests":["?idsite=3&rec=1&cip=192.0.2.1","?idsite=4&rec=1&cip=192.0.2.1"],"token_auth":"secret"}`,
			status: 200, contentType: jsonType, want: `{"status":"success","tracked":1,"invalid":1,"invalid_indices":[1]}`},
		{name: "bulk, with token, items skipped", method: "POST", body: `{"requests":["","?idsite=3","?idsite=x","?idsite=3&rec=1",7],"token_auth":"secret"}`,
			status: 200, contentType: jsonType, want: `{"status":"success","tracked":2,"invalid":3,"invalid_indices":[0,2,4]}`},
		{name: "bulk, with token, all good", method: "POST", body: `{"requests":["?idsite=3&rec=1&token_auth=secret"]}`,
			status: 200, contentType: jsonType, want: `{"status":"success","tracked":1,"invalid":0,"invalid_indices":[]}`},
		{name: "bulk, with token, items without rec=1", method: "POST", body: `{"requests":["?idsite=3","?idsite=3&rec=0",{"idsite":3},"?idsite=3&rec=1"],"token_auth":"secret"}`,
			status: 200, contentType: jsonType, want: `{"status":"success","tracked":4,"invalid":0,"invalid_indices":[]}`},
		{name: "bulk, no item with rec=1", method: "POST", body: `{"requests":["?idsite=3","?idsite=3&rec=0"]}`,
			status: 200, contentType: jsonType, want: `{"status":"success","tracked":2,"invalid":0}`},
		{name: "bulk, with a guess", method: "POST", body: `{"requests":["?idsite=3&rec=1&cip=192.0.2.1","?idsite=3&rec=1&cdt=2026-01-01","?idsite=3&rec=1"],"token_auth":"guess"}`,
			status: 200, contentType: jsonType, want: `{"status":"success","tracked":1,"invalid":2}`},
		{name: "bulk, silent", method: "POST", body: `{"requests":["?idsite=3&rec=1"],"send_image":0}`, status: 204},
		{name: "bulk, silent by text", method: "POST", body: `{"requests":["?idsite=3&rec=1"],"send_image":"0"}`, status: 204},
		{name: "bulk, silent by its envelope only", method: "POST", target: "?send_image=0", body: `{"requests":["?idsite=3&rec=1&send_image=0"]}`,
			status: 200, contentType: jsonType, want: `{"status":"success","tracked":1,"invalid":0}`},
		{name: "bulk, empty", method: "POST", body: `{"requests":[]}`, status: 200, contentType: jsonType, want: `{"status":"success","tracked":0,"invalid":0}`},
		{name: "bulk, cut off", method: "POST", body: `{"requests":["?idsite=3&rec=1"`, status: 400, contentType: jsonType, want: notBulk},
		{name: "bulk, cut off, silent", method: "POST", body: `{"send_image":0,"requests":["?idsite=3&rec=1"`, status: 400, contentType: jsonType, want: notBulk},
		{name: "bulk, single quotes", method: "POST", body: `{'requests':['?idsite=3&rec=1']}`, status: 400, contentType: jsonType, want: notBulk},
		{name: "bulk, no list", method: "POST", body: `{"requests":"?idsite=3&rec=1"}`, status: 400, contentType: jsonType, want: notBulk},
		{name: "bulk, no requests", method: "POST", body: `{"x":"\"requests\"", "y":["requests"]}`, status: 400, contentType: jsonType, want: notBulk},
		{name: "bulk, too many", method: "POST", body: many, status: 400, contentType: jsonType, want: notBulk},

		{name: "preflight", method: "OPTIONS", header: http.Header{"Access-Control-Request-Method": {"POST"}}, status: 204},
		{name: "put", method: "PUT", status: 405, contentType: text, want: "Method Not Allowed\n"},
	}
	mux := http.NewServeMux()
	for _, route := range matomo.Format.Routes {
		for _, pattern := range route.Patterns {
			if route.Handler == nil {
				mux.HandleFunc(pattern, serve)
			}
		}
	}
	for _, tt := range tests {
		paths := []string{"/matomo.php", "/piwik.php"}
		if tt.method == "POST" || tt.method == "OPTIONS" {
			paths = append(paths, "/js/", "/js/tracker.php", "/")
		}
		for _, path := range paths {
			t.Run(tt.name+path, func(t *testing.T) {
				r := request(tt.method, path+tt.target, tt.body)
				if tt.header != nil {
					r.Header = tt.header
				}
				w := httptest.NewRecorder()
				mux.ServeHTTP(w, r)
				got, contentType := w.Body.String(), w.Header().Get("Content-Type")
				if w.Code != tt.status || contentType != tt.contentType || got != tt.want {
					t.Errorf("%d %s %q, want %d %s %q", w.Code, contentType, got, tt.status, tt.contentType, tt.want)
				}
				if contentType == jsonType && !json.Valid(w.Body.Bytes()) {
					t.Errorf("%s is not JSON", got)
				}
				cached := "" // as Matomo: a GET must not be answered from a cache, a POST is not anyway
				if tt.method == "GET" || tt.method == "HEAD" {
					cached = "no-store"
				}
				if got := w.Header().Get("Cache-Control"); got != cached {
					t.Errorf("Cache-Control: %q, want %q", got, cached)
				}
			})
		}
	}
}

// No room for hits is an answer after which a tracker sends again.
func TestReplyUnavailable(t *testing.T) {
	const hits = `{"requests":["?idsite=3&rec=1"]}`
	for body, want := range map[string]string{
		"":                                      string(dialect.Pixel) + "Fotspor: no space for hits right now\n",
		"send_image=0":                          "Fotspor: no space for hits right now\n",
		hits:                                    `{"status":"error","tracked":0,"invalid":0}`,
		hits[:1] + `"send_image":0,` + hits[1:]: `{"status":"error","tracked":0,"invalid":0}`,
	} {
		d := newDialect()
		r := request("POST", "/matomo.php?idsite=3&rec=1", body)
		_, reply, err := d.Parse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		reply(w, r, dialect.Outcome{Err: dialect.ErrUnavailable})
		if w.Code != http.StatusServiceUnavailable || w.Body.String() != want {
			t.Errorf("%s: %d %q, want %q", body, w.Code, w.Body.String(), want)
		}
	}
}

// TestAPI: the importer of logs asks for the reporting API at / or at /index.php, where
// nothing must take its question for a hit. The other names never were the reporting API's.
func TestAPI(t *testing.T) {
	const (
		secret  = "&token_auth=secret"
		manager = "module=API&format=json&filter_limit=-1&method=SitesManager."
		three   = `{"idsite":3,"name":"Eksempel","main_url":"https://example.org","timezone":"Europe/Oslo"}`
		users   = "module=API&format=json&method=UsersManager."
	)
	fault := func(message string) string { return `{"result":"error","message":"` + message + `"}` }
	for _, c := range []struct {
		name, form string
		status     int
		want       string // in JSON
	}{
		{"site", manager + "getSiteFromId&idSite=3" + secret, 200, three},
		{"site of another token", manager + "getSiteFromId&idSite=4" + secret, 200, fault("idSite: the token allows no site of this number")},
		{"site without a number", manager + "getSiteFromId" + secret, 200, fault("idSite: the token allows no site of this number")},
		{"all sites, by number", manager + "getAllSites" + secret, 200, `{"3":` + three + `,"5":{"idsite":5,"name":"Five","main_url":"https://five.example","timezone":"UTC"}}`},
		{"site of a host", manager + "getSitesIdFromSiteUrl&url=example.org" + secret, 200, `[{"idsite":3}]`},
		{"site of an address", manager + "getSitesIdFromSiteUrl&url=" + "https%3A%2F%2FEXAMPLE.org.:8080%2Fa%3Fb" + secret, 200, `[{"idsite":3}]`},
		{"site of a host that is nobody's", manager + "getSitesIdFromSiteUrl&url=other.example" + secret, 200, `[]`},
		{"site of nothing", manager + "getSitesIdFromSiteUrl" + secret, 200, `[]`},
		{"no token", manager + "getAllSites", 401, fault("token_auth: want a token that fotspor token add has printed")},
		{"a guess for a token", manager + "getSiteFromId&idSite=3&token_auth=guess", 401, fault("token_auth: want a token that fotspor token add has printed")},
		{"a token too often", manager + "getAllSites&token_auth=often", 429, fault("too many hits from this network")},
		{"a token of its own", users + "createAppSpecificTokenAuth&userLogin=kari&passwordConfirmation=hemmelig", 200,
			fault("no token is made over the network: fotspor token add --site N --name import prints one, for --token-auth")},
		{"a new site", manager + "addSite&siteName=x&urls[0]=http://x.example" + secret, 200, fault("no site is made over the network: fotspor site add --host example.org makes one")},
		{"another method", "module=API&method=VisitsSummary.get&idSite=3&period=day&date=today" + secret, 400,
			fault("module=API: there is no reporting API here, except the calls of SitesManager that importers of logs make; hits go to /matomo.php")},
		{"no method", "module=API" + secret, 400, fault("module=API: there is no reporting API here, except the calls of SitesManager that importers of logs make; hits go to /matomo.php")},
	} {
		for where, r := range map[string]*http.Request{
			"POST /": request("POST", "/", c.form), "POST /?": request("POST", "/?"+c.form, ""), "POST /index.php": request("POST", "/index.php", c.form),
			"POST /index.php?": request("POST", "/index.php?"+c.form, ""), "GET /index.php": request("GET", "/index.php?"+c.form, ""),
		} {
			t.Run(c.name+"/"+where, func(t *testing.T) {
				w := httptest.NewRecorder()
				if serve := http.HandlerFunc(serve); r.URL.Path == "/index.php" {
					handlerOf("GET /index.php", serve).ServeHTTP(w, r)
				} else {
					serve(w, r)
				}
				if w.Code != c.status || strings.TrimSpace(w.Body.String()) != c.want || w.Header().Get("Cache-Control") != "no-store" {
					t.Errorf("%d %s, want %d %s", w.Code, w.Body, c.status, c.want)
				}
				if kind := w.Header().Get("Content-Type"); kind != "application/json; charset=utf-8" {
					t.Errorf("Content-Type %q", kind)
				}
				if c.status == 429 && w.Header().Get("Retry-After") == "" {
					t.Error("429 without Retry-After")
				}
			})
		}
	}
	w := httptest.NewRecorder()
	if serve(w, request("POST", "/matomo.php?idsite=3&rec=1&module=API", "")); w.Code != 200 {
		t.Errorf("a hit with module=API: %d %s", w.Code, w.Body)
	}
	for _, r := range []*http.Request{
		request("GET", "/index.php?module=CoreAdminHome&action=optOut", ""), request("POST", "/index.php?module=CoreAdminHome&action=optOut", "x=1"), request("GET", "/index.php", ""),
	} {
		handlerOf("GET /index.php", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			t.Errorf("%s %s is taken for the API", r.Method, r.URL)
		})).ServeHTTP(httptest.NewRecorder(), r)
	}
}

// handlerOf returns the handler of a pattern, with one for hits behind it.
func handlerOf(pattern string, hits http.Handler) http.Handler {
	for _, route := range matomo.Format.Routes {
		if slices.Contains(route.Patterns, pattern) {
			host := dialect.Host{Heeds: func(uint32) bool { return true }, SiteOf: func(uint32, string) (uint32, bool) { return 0, false }}
			return route.Handler(host, hits)
		}
	}
	panic("no route " + pattern)
}

// The routes stand beside those of the script and of a dashboard.
func TestRoutes(t *testing.T) {
	mux := http.NewServeMux()
	handle := func(pattern, answer string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, answer) })
	}
	for _, pattern := range []string{"GET /{$}", "/", "POST /login"} {
		handle(pattern, pattern)
	}
	for _, route := range matomo.Format.Routes {
		for _, pattern := range route.Patterns {
			if route.Handler == nil {
				handle(pattern, "hits")
			} else {
				handle(pattern, pattern)
			}
		}
	}
	for request, want := range map[string]string{
		"GET /": "GET /{$}", "POST /": "hits", "OPTIONS /": "hits", "PUT /": "/", "POST /x": "/", "OPTIONS /x": "/",
		"GET /js/": "GET /js/{$}", "POST /js/": "hits", "OPTIONS /js/": "hits", "GET /js/x": "GET /js/{container}", "GET /js/x/y": "/", "POST /js/x": "/",
		"GET /js/tracker.php": "GET /js/tracker.php", "POST /js/tracker.php": "hits", "OPTIONS /js/tracker.php": "hits",
		"GET /js/index.php": "GET /js/index.php", "POST /js/index.php": "hits", "GET /js/piwik.min.js": "GET /js/piwik.min.js",
		"GET /matomo.php": "hits", "POST /matomo.php": "hits", "GET /piwik.php": "hits", "OPTIONS /piwik.php": "hits",
	} {
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if got := w.Body.String(); got != want {
			t.Errorf("%s went to %q, want %q", request, got, want)
		}
	}
}

// With a query string a GET of the script is a hit.
func TestScriptPathsTakeHits(t *testing.T) {
	for _, path := range []string{"/js/", "/js/index.php", "/js/tracker.php"} {
		w := httptest.NewRecorder()
		if serve(w, request("GET", path+"?idsite=3&rec=1", "")); w.Code != 200 || w.Body.String() != string(dialect.Pixel) {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
	}
}

func TestReplyHeaders(t *testing.T) {
	const (
		origin      = "Access-Control-Allow-Origin"
		credentials = "Access-Control-Allow-Credentials"
	)
	tests := []struct {
		method, target, origin string
		want                   map[string]string
	}{
		{"GET", "?idsite=3&rec=1", "https://example.org", map[string]string{
			origin: "", credentials: "", "Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "cross-origin"}},
		{"GET", "?idsite=3&rec=1&send_image=0", "", map[string]string{"Cache-Control": "no-store"}},
		{"POST", "?idsite=3&rec=1", "https://example.org", map[string]string{
			origin: "https://example.org", credentials: "true", "Cache-Control": ""}},
		{"POST", "?rec=1", "https://example.org", map[string]string{origin: "https://example.org", credentials: "true"}},
		{"POST", "?idsite=3&rec=1", "", map[string]string{origin: "*", credentials: "true"}},
		{"OPTIONS", "", "https://example.org", map[string]string{
			origin: "*", credentials: "", "Access-Control-Allow-Methods": "GET, POST", "Access-Control-Allow-Headers": "*"}},
	}
	for _, tt := range tests {
		r := request(tt.method, "/matomo.php"+tt.target, "")
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		w := httptest.NewRecorder()
		serve(w, r)
		for name, want := range tt.want {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s %s from %q: %s is %q, want %q", tt.method, tt.target, tt.origin, name, got, want)
			}
		}
	}
}

func TestZeroValue(t *testing.T) {
	hits, _, err := matomo.Dialect{}.Parse(request("GET", "/matomo.php?idsite=3&rec=1&url=/a&cdo=60", ""), nil)
	if err != nil || len(hits) != 1 {
		t.Fatalf("Parse = %d hits, %v", len(hits), err)
	}
	if age := time.Since(hits[0].Time); age < time.Minute || age > time.Hour {
		t.Errorf("hit of 60 seconds ago is %v old", age)
	}
}

// A network error names the peer's address, which nothing may print.
func TestBodyErrorHidesTheAddress(t *testing.T) {
	r := request("POST", "/matomo.php", "")
	r.ContentLength = -1
	r.Body = io.NopCloser(iotest.ErrReader(errors.New("read tcp 192.0.2.1:80->198.51.100.7:4711: i/o timeout")))
	if _, _, err := newDialect().Parse(r, nil); err == nil || strings.Contains(err.Error(), "198.51.100.7") {
		t.Errorf("Parse: error %v, want one without the address", err)
	}
}

// What is secret in a request stays out of the error that says what is wrong with it.
func TestErrorsTellNoSecrets(t *testing.T) {
	for _, query := range []string{
		"idsite=3&rec=1&cip=203.0.113.77x&token_auth=secret",
		"idsite=3&rec=1&cip=203.0.113.77&token_auth=another-secret",
		"idsite=3&rec=1&cdt=2020-01-01&token_auth=another-secret",
		"idsite=secret&rec=1&token_auth=secret",
		"idsite=3&rec=1&cid=secret&token_auth=secret",
	} {
		_, _, err := newDialectWithToken().Parse(request("GET", "/matomo.php?"+query, ""), nil)
		if err == nil || strings.Contains(err.Error(), "203.0.113") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v", query, err)
		}
	}
}
