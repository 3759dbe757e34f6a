package collector_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"log/slog"
	"maps"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/collector"
	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/hit"
)

// secret is personal data, in several spellings. Those for hosts have only characters that a
// host may have.
type secret struct {
	kind      string
	spellings []string
	hosts     []string
	traces    []string // parts that must not be left, as letters and digits in lower case
}

// own is the address from which the hits of these tests come.
const own = "81.166.130.147"

var secrets = []secret{
	{
		kind: "sender's address",
		spellings: []string{
			own, "081.166.130.147", "81-166-130-147", "147.130.166.81", "81, 166, 130, 147", "51a68293", "0x51A68293", "1369866899",
			"0121.0246.0202.0223", "::ffff:81.166.130.147", "2002:51a6:8293::1", "81.10912403", "http://81.166.130.147:8080/x",
		},
		hosts:  []string{"81-166-130-147", "ip-81-166-130-147", "147.130.166.81", "081-166-130-147", "51a68293", "c-1369866899"},
		traces: []string{"81166130147", "14713016681", "51a68293", "1369866899", "0121024602020223", "8110912403"},
	},
	{
		kind:      "another's address",
		spellings: []string{"198.51.100.201", "198.051.100.201", "http://198.51.100.201/x", "2001:db8:3c4d:15:9a1b:2c3d:4e5f:1a2f", "[2001:db8::3c4d:1a2f]"},
		hosts:     []string{"198-51-100-201", "host198-51-100-201", "201.100.51.198", "2001-db8-3c4d-15-9a1b-2c3d-4e5f-1a2f"},
		traces:    []string{"19851100201", "198051100201", "20110051198", "9a1b2c3d4e5f1a2f", "3c4d1a2f"},
	},
	{
		kind: "national id",
		spellings: []string{
			"07839011142", "078390 11142", "078390-11142", "078390_11142", "078390/11142", "078390:11142", "078390,11142", "078390  11142",
			"fnr07839011142", "07839011142x", "07.83.90 11142",
		},
		hosts:  []string{"07839011142", "fnr-07839011142", "078390-11142"},
		traces: []string{"07839011142", "7839011142"},
	},
	{
		kind: "telephone",
		spellings: []string{
			"+47 912 34 567", "91 23 45 67", "912 34 567", "9123 4567", "912 345 67", "912_34_567", "tel91234567", "tlf: 91234567", "004791234567",
		},
		hosts:  []string{"91234567", "tel-91234567"},
		traces: []string{"91234567"},
	},
	{
		kind:      "mail address",
		spellings: []string{"kari.nordmann@example.org", "mailto:kari.nordmann@example.org", "Kari <kari.nordmann@example.org>", "kari.nordmann@"},
		traces:    []string{"karinordmann"},
	},
	{
		kind: "key",
		spellings: []string{
			"/reset/x7Kq9zLw", "/login/magic/x7Kq-9zLw-e012", "/bekreft/x7Kq9zLw", "token=x7Kq9zLw", ";jsessionid=x7Kq9zLw", "/reset_password/x7Kq9zLw",
			"550e8400-e29b-41d4-a716-446655440000", "550e8400_e29b_41d4_a716_446655440000", "Zk3Lm9QpXv7RtB2c", "V1StGXR8_Z5jdHi6B-myT",
		},
		hosts:  []string{"550e8400e29b41d4a716446655440000"},
		traces: []string{"x7kq9zlw", "550e8400e29b41d4", "zk3lm9qpxv7rtb2c", "v1stgxr8z5jdhi6b"},
	},
	{
		kind:      "query of a URL",
		spellings: []string{"https://example.org/side?navn=Testesen", "//example.org/side?navn=Testesen", "https://example.org/#navn=Testesen", "https://testesen:pw@example.org/"},
		traces:    []string{"testesen"},
	},
}

// layers are encodings of a text that a browser, mail program or script may have applied
// before it came into a URL.
var layers = map[string]func(rune) string{
	"percent": func(c rune) string { return fmt.Sprintf("%%%02x", c) },
	"entity":  func(c rune) string { return fmt.Sprintf("&#%d;", c) },
	"hex":     func(c rune) string { return fmt.Sprintf("&#x%X;", c) },
	"JSON":    func(c rune) string { return fmt.Sprintf(`\u%04x`, c) },
	"escape":  func(c rune) string { return fmt.Sprintf("%%u%04X", c) },
	"string":  func(c rune) string { return fmt.Sprintf(`\x%02x`, c) },
	"mail":    func(c rune) string { return fmt.Sprintf("=%02X", c) },
	"wide":    func(c rune) string { return string(c + 0xfee0) },
	"unseen":  func(c rune) string { return string(c) + "\u200b\u00ad" },
}

// encode writes a text in a layer: all of it, or its digits and signs only.
func encode(layer, s string, all bool) string {
	var b strings.Builder
	for _, c := range s {
		if '!' <= c && c <= '~' && (all || !unicode.IsLetter(c)) {
			b.WriteString(layers[layer](c))
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// fields are the places for a text of a stranger, each as the query of a request with it.
var fields = map[string]func(text string) string{
	"path": func(s string) string { return "url=" + q("https://example.org/a/"+url.PathEscape(s)+"/b") },
	"path as sent": func(s string) string {
		return "url=" + q("/a/"+strings.NewReplacer("%", "%25", "#", "%23", "?", "%3F").Replace(s))
	},
	"parameter":    func(s string) string { return "url=" + q("https://example.org/?sak="+q(s)) },
	"campaign":     func(s string) string { return "url=" + q("https://example.org/?mtm_campaign="+q(s)) },
	"source":       func(s string) string { return "url=" + q("https://example.org/?utm_campaign=a&utm_source="+q(s)) },
	"medium":       func(s string) string { return "url=" + q("https://example.org/?utm_medium="+q(s)) },
	"term":         func(s string) string { return "url=" + q("https://example.org/?mtm_kwd="+q(s)) },
	"content":      func(s string) string { return "url=" + q("https://example.org/?mtm_content="+q(s)) },
	"fragment":     func(s string) string { return "url=" + q("https://example.org/#mtm_kwd="+q(s)) },
	"search":       func(s string) string { return "url=/&search=" + q(s) },
	"category":     func(s string) string { return "url=/&search=a&search_cat=" + q(s) },
	"event":        func(s string) string { return "url=/&e_a=b&e_c=" + q(s) },
	"action":       func(s string) string { return "url=/&e_c=a&e_a=" + q(s) },
	"event's name": func(s string) string { return "url=/&e_c=a&e_a=b&e_n=" + q("x "+s+" y") },
	"value":        func(s string) string { return "url=/&e_c=a&e_a=b&e_v=" + q(s) },
	"revenue":      func(s string) string { return "url=/&idgoal=1&revenue=" + q(s) },
	"goal":         func(s string) string { return "url=/&idgoal=" + q(s) },
	"results":      func(s string) string { return "url=/&search=a&search_count=" + q(s) },
	"content name": func(s string) string { return "url=/&c_n=" + q(s) },
	"interaction":  func(s string) string { return "url=/&c_n=a&c_i=" + q(s) },
	"outlink":      func(s string) string { return "url=/&link=" + q("https://other.example/"+url.PathEscape(s)) },
	"download": func(s string) string {
		return "url=/&download=" + q("https://example.org/f/"+url.PathEscape(s)+"/a.pdf")
	},
	"referrer": func(s string) string { return "url=/&urlref=" + q("https://other.example/"+s) },
	"title":    func(s string) string { return "url=/&action_name=" + q(s) },
	"language": func(s string) string { return "url=/&lang=" + q(s) },
	"browser":  func(s string) string { return "url=/&ua=" + q("Mozilla/5.0 (X11; Linux x86_64) "+s) },
	"bot":      func(s string) string { return "url=/&ua=" + q("Googlebot/2.1 "+s) },
	"site":     func(s string) string { return "url=/&idsite=" + q(s) },
	"visitor":  func(s string) string { return "url=/&cid=" + q(s) },
	"time":     func(s string) string { return "url=/&cdt=" + q(s) },
	"address":  func(s string) string { return "url=/&cip=" + q(s) },
}

// hosts are the places for the name of a host.
var hosts = map[string]func(host string) string{
	"page":     func(s string) string { return "url=" + q("https://"+s+".wild.example.org/") },
	"outlink":  func(s string) string { return "url=/&link=" + q("https://"+s+".other.example/x") },
	"download": func(s string) string { return "url=/&download=" + q("https://"+s+".other.example/x.pdf") },
	"referrer": func(s string) string { return "url=/&urlref=" + q("https://"+s+".other.example/x") },
	"long referrer": func(s string) string {
		return "url=/&urlref=" + q("https://"+s+"."+strings.Repeat("customer.", 12)+"example/x")
	},
	"spam":    func(s string) string { return "url=/&urlref=" + q("https://"+s+".semalt.com/x") },
	"foreign": func(s string) string { return "url=" + q("https://"+s+".foreign.example/") },
	"search":  func(s string) string { return "url=/&search=" + q(s+".example.org") },
}

func q(s string) string { return url.QueryEscape(s) }

// bare returns the letters and digits of a text without its encodings. It uses no code of
// package scrub.
func bare(text string) string {
	for range 12 {
		text = html.UnescapeString(text)
		if s, err := url.PathUnescape(text); err == nil {
			text = s
		}
		var s string
		if err := json.Unmarshal([]byte(`"`+strings.ReplaceAll(text, `"`, ``)+`"`), &s); err == nil {
			text = s
		}
		text = norm.NFKC.String(text)
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

// secretsRig is a collector with a site of any subdomain, and all of its output except rows.
type secretsRig struct {
	*rig
	log recorder
	dir string
}

func newSecretsRig(t *testing.T) *secretsRig {
	r := &secretsRig{dir: memoryDir(t)}
	r.rig = newRig(t, func(o *collector.Options) {
		o.Logger = slog.New(slog.NewTextHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		var err error
		if o.Spool, err = spool.Open(r.dir, spool.Options{Logger: o.Logger, Registerer: o.Registerer}); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { r.options.Spool.Close() })
	r.sites[0].Hosts = append(r.sites[0].Hosts, "*.wild.example.org")
	if err := r.options.Sites.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// try sends hits with these queries, each in a new visit and followed by another page. It
// returns the texts of the rows, and all other output in one text.
func (r *secretsRig) try(queries []string) (rows []string, rest string) {
	r.ledger = nil
	var out bytes.Buffer
	for _, query := range queries {
		r.now = r.now.Add(time.Hour)
		for _, query := range []string{query, "url=/neste"} {
			w := r.send(request{target: "/matomo.php?idsite=1&rec=1&" + query, from: own + ":50000"})
			fmt.Fprintln(&out, w.Header(), w.Body)
		}
	}
	files, err := filepath.Glob(filepath.Join(r.dir, "*"))
	if err != nil {
		r.tb.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			r.tb.Fatal(err)
		}
		out.Write(data)
	}
	for _, row := range r.stored() {
		rows = append(rows, texts(row)...)
	}
	for _, e := range r.ledger {
		rows = append(rows, e.Reason, e.Rule, e.Name)
	}
	w := httptest.NewRecorder()
	promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) { // without values, which are any numbers
		name, _, _ := strings.Cut(line, " ")
		fmt.Fprintln(&out, name)
	}
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	out.Write(r.log.buf.Bytes())
	r.log.buf.Reset()
	return rows, out.String()
}

// texts returns the columns of a row with texts from the request. The collector itself makes
// sums and days.
func texts(row hit.Row) []string {
	var all []string
	for _, f := range hit.Fields {
		switch v := f.Value(&row).(type) {
		case string:
			all = append(all, v)
		case float64:
			all = append(all, fmt.Sprintf("%f", v))
		}
	}
	return all
}

// TestNoSecretLeaves plants each kind of secret in each field, behind any chain of up to
// three encodings, and looks for it in the rows, the ledger, the spool's files, the
// answers, the log and the metrics.
func TestNoSecretLeaves(t *testing.T) {
	r := newSecretsRig(t)
	plant := func(t *rapid.T, text string, s secret, fields map[string]func(string) string) {
		var queries []string
		for _, query := range fields {
			queries = append(queries, query(text))
		}
		rows, rest := r.try(queries)
		if len(rows) == 0 {
			t.Fatal("no rows")
		}
		for _, left := range append(rows, rest) {
			plain := bare(left)
			for _, trace := range s.traces {
				if strings.Contains(plain, trace) {
					t.Fatalf("%q: %s is left in %.300q", text, s.kind, left)
				}
			}
		}
	}
	names := slices.Sorted(maps.Keys(layers))
	t.Run("texts", rapid.MakeCheck(func(t *rapid.T) {
		s := rapid.SampledFrom(secrets).Draw(t, "secret")
		text := rapid.SampledFrom(s.spellings).Draw(t, "spelling")
		for range rapid.IntRange(0, 3).Draw(t, "layers") {
			text = encode(rapid.SampledFrom(names).Draw(t, "layer"), text, rapid.Bool().Draw(t, "all"))
		}
		text = rapid.SampledFrom([]string{"", "om ", "Å "}).Draw(t, "before") + text
		plant(t, text, s, fields)
	}))
	t.Run("hosts", rapid.MakeCheck(func(t *rapid.T) {
		s := rapid.SampledFrom(secrets).Filter(func(s secret) bool { return s.hosts != nil }).Draw(t, "secret")
		text := rapid.SampledFrom(s.hosts).Draw(t, "host")
		if rapid.Bool().Draw(t, "capitals") {
			text = strings.ToUpper(text)
		}
		plant(t, text, s, hosts)
	}))
}

// TestNoForgedMark plants what the program itself writes in the place of values in each field,
// behind any chain of up to three encodings. No row has it: only the rollups write [other], and
// only what was personal is marked.
func TestNoForgedMark(t *testing.T) {
	r := newSecretsRig(t)
	names := slices.Sorted(maps.Keys(layers))
	rapid.Check(t, func(t *rapid.T) {
		mark := rapid.SampledFrom([]string{hit.Others, hit.Erased, "[ip]", "[email]", "[national-id]", "[phone]", "[token]", "[encoded]", "[*]"}).Draw(t, "mark")
		text := rapid.SampledFrom([]string{"", "", "/", "sec/", "Å "}).Draw(t, "before") + mark + rapid.SampledFrom([]string{"", "", " a"}).Draw(t, "behind")
		if rapid.IntRange(0, 3).Draw(t, "control") == 0 { // which are dropped
			text = strings.Replace(text, mark, mark[:2]+"\u200e\x01"+mark[2:], 1)
		}
		personal := mark == hit.Others && rapid.Bool().Draw(t, "personal") // so that scrub takes the encodings off
		if personal {
			text += " ola.testesen@example.org"
		}
		for range rapid.IntRange(0, 3).Draw(t, "layers") {
			text = encode(rapid.SampledFrom(names).Draw(t, "layer"), text, rapid.Bool().Draw(t, "all"))
		}
		var queries []string
		for _, query := range fields {
			queries = append(queries, query(text))
		}
		rows, _ := r.try(queries)
		if len(rows) == 0 {
			t.Fatal("no rows")
		}
		for _, left := range rows {
			if strings.Contains(left, mark) {
				t.Fatalf("%q is stored as %q", text, left)
			}
		}
	})
	rows, _ := r.try([]string{"url=" + url.QueryEscape("https://example.org/sec/[other]?mtm_campaign=[other]&mtm_source=[other]") + "&action_name=x", "url=/&search=[other]"})
	for _, want := range []string{"/sec/(other)", "(other)"} {
		if !slices.Contains(rows, want) {
			t.Errorf("no row has %q: %q", want, rows)
		}
	}
}

// TestQueryOfURLWithSpaces: a space in a query that is encoded once or several times does not
// end the URL, in any field.
func TestQueryOfURLWithSpaces(t *testing.T) {
	r := newSecretsRig(t)
	for _, text := range []string{
		"https://example.org/side?navn=Kari%20Testesen", "https://example.org/side?navn=O'Testesen", "/side?navn=Kari%20Testesen",
		"https://example.org/side#:~:text=Kari%20Testesen", "https://Kari%20Testesen:pw@example.org/side",
		"https://example.org/side?json=%7B%22navn%22:%22Testesen%22%7D", "https://example.org/side?a|Testesen", "https://example.org/side?a%C2%A0Testesen",
	} {
		for range 3 {
			var queries []string
			for _, query := range fields {
				queries = append(queries, query(text), query("feil: "+text))
			}
			rows, rest := r.try(queries)
			for _, left := range append(rows, rest) {
				if strings.Contains(bare(left), "testesen") {
					t.Errorf("%q: %.300q is left", text, left)
				}
			}
			text = url.QueryEscape(text)
		}
	}
}

// TestSecretsBecomeMarks compares the marks in place of secrets, column by column.
func TestSecretsBecomeMarks(t *testing.T) {
	r := newSecretsRig(t)
	path := func(r hit.Row) string { return r.Path }
	host := func(r hit.Row) string { return r.Host }
	name := func(r hit.Row) string { return r.Name }
	source := func(r hit.Row) string { return r.Source }
	term := func(r hit.Row) string { return r.CampaignTerm }
	value := func(r hit.Row) string { return fmt.Sprint(r.Value) }
	for _, c := range []struct {
		query  string
		column func(hit.Row) string
		want   string
	}{
		{"url=/&search=81.166.130.147", name, "[ip]"},
		{"url=/&e_c=a&e_a=81.166.130.147", name, "a / [ip]"},
		{"url=/&link=http://81.166.130.147/x", name, "[ip]/x"},
		{"url=/wiki/User_talk:81.166.130.140", path, "/wiki/User_talk:[ip]"},
		{"url=/%3Fmtm_kwd=81.166.130.147", term, "[ip]"},
		{"url=/s%3Fsak=81.166.130.147", path, "/s?sak=[ip]"},
		{"url=https://81-166-130-147.wild.example.org/", host, "[ip].wild.example.org"},
		{"url=https://07839011142.wild.example.org/", host, "[national-id].wild.example.org"},
		{"url=https://974760673.wild.example.org/", host, "974760673.wild.example.org"},
		{"url=https://butikk.example.org/", host, "butikk.example.org"},
		{"url=/&urlref=https://147.130.166.81.customer.example/", source, "[ip].customer.example"},
		{"url=/&urlref=https://c-51a68293.customer.example/", source, "c-[ip].customer.example"},
		{"url=/&link=https://07839011142.other.example/", name, "[national-id].other.example/"},
		{"url=/x/2001:db8::1/y", path, "/x/[ip]/y"},
		{"url=/&e_c=a&e_a=b&e_v=07839011142", value, "0"},
		{"url=/&e_c=a&e_a=b&e_v=974760673", value, "9.74760673e+08"},
		{"url=/&e_c=a&e_a=b&e_v=249.90", value, "249.9"},
		{"url=/&idgoal=1&revenue=07839011142", value, "0"},
		{"url=/&idgoal=1&revenue=150385.31090", value, "0"},
		{"url=/&idgoal=1&revenue=412345.67", value, "412345.67"},
		{"url=/&e_c=a&e_a=b&e_v=45.464203", value, "45.464203"},
		{"url=/&e_c=a&e_a=b&e_v=91234567", value, "0"},
		{"url=/&search=a&search_count=07839011142", value, "-1"},
		{"url=/&search=a&search_count=12", value, "12"},
		{"url=/&e_c=JavaScript+Errors&e_a=https://example.org/side?navn=X", name, "JavaScript Errors / https://example.org/side"},
		{"url=/kasse%253Bjsessionid=0A1B.node1", path, "/kasse;jsessionid=[token]"},
		{"url=/reset/x7Kq9zLw", path, "/reset/[token]"},
		{"url=/side%253Fnavn=Kari", path, "/side"},
		{"url=/side%25253Fnavn%25253DKari", path, "/side"},
		{"url=/sak/2024/12345", path, "/sak/2024/12345"},
		{"url=" + q("/A\u030as"), path, "/\u00c5s"},
		{"url=/&e_c=078390&e_a=11142", name, "[national-id]"},
		{"url=/&e_c=kari.n&e_a=@example.no", name, "[email]"},
		{"url=/&e_c=kari.n&e_a=@example.no&e_n=b", name, "[email] / b"},
		{"url=/&e_c=Del&e_a=Twitter&e_n=@nrk", name, "Del / Twitter / @nrk"},
		{"url=" + q("/s?sak=81.166&side=130.147"), path, "/s?sak=[ip]"},
		{"url=" + q("/s?sak=kari.n&side=@example.no"), path, "/s?sak=[email]"},
		{"url=" + q("/078390?sak=11142"), path, "/[national-id]"},
		{"url=/side%2523navn=Kari", path, "/side"},
		{"url=/&e_c=a&e_a=" + strings.Repeat("x", 245) + "kari@example.org", name, "a / [email]"},
		{"url=/&e_c=a&e_a=" + q(strings.Repeat("ord ", 62)+"kari@example.org"), name, "a / " + strings.Repeat("ord ", 61) + "[email]"},
		{"url=/%3Fmtm_kwd=" + q(strings.Repeat("ord+", 24)+"kari%2540example.org"), term, strings.Repeat("ord ", 23) + "o[email]"},
	} {
		r.now = r.now.Add(time.Hour)
		w := r.send(request{target: "/matomo.php?idsite=1&rec=1&" + c.query, from: own + ":50000"})
		rows := r.stored()
		if len(rows) != 1 {
			t.Errorf("%s: %d rows, %s", c.query, len(rows), w.Header().Get("X-Fotspor"))
			continue
		}
		if got := c.column(rows[0]); got != c.want {
			t.Errorf("%s: stored %q, want %q", c.query, got, c.want)
		}
	}
}
