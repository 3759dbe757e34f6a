package collector_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/collector"
	"github.com/fotspor/fotspor/collector/lines"
	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/collector/titles"
	"github.com/fotspor/fotspor/collector/visit"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
)

// from is the address of one of many visitors.
func from(n int) string { return fmt.Sprintf("198.51.%d.%d:40000", n/250, 1+n%250) }

// crowd sends a request as many visitors. The numbers of some may be the same by chance, so
// that a few more come than must have seen a title.
func (r *rig) crowd(n int, target string, headers ...string) {
	r.tb.Helper()
	q := request{target: target, header: map[string]string{}}
	for i := 0; i < len(headers); i += 2 {
		q.header[headers[i]] = headers[i+1]
	}
	for i := range n {
		q.from = from(i)
		if w := r.send(q); w.Code >= 400 {
			r.tb.Fatalf("%s: status %d", target, w.Code)
		}
	}
}

// kept takes the titles out of the spool, by path.
func (r *rig) kept() map[string]string {
	r.tb.Helper()
	r.titles = nil
	r.stored()
	found := map[string]string{}
	for _, t := range r.titles {
		found[t.Path] = t.Title
	}
	return found
}

func titled(path, title string) string {
	return "/pixel.gif?site=1&url=" + url.QueryEscape(path) + "&title=" + url.QueryEscape(title)
}

// TestTitles sends titles as many visitors: what is kept of each, if anything.
func TestTitles(t *testing.T) {
	ruled := func(r *rig) { r.sites[0].PathRules = []string{"/u/*"} }
	const matomo = "/matomo.php?idsite=1&rec=1&url=https://example.org/om&action_name="
	for name, tt := range map[string]struct {
		target  string
		headers []string
		options func(*collector.Options)
		site    func(*rig)
		want    map[string]string
	}{
		"pixel":           {target: titled("/om", "Om oss – Eksempel"), want: map[string]string{"/om": "Om oss – Eksempel"}},
		"Matomo":          {target: matomo + "Om+oss%20%7C%20Eksempel", want: map[string]string{"/om": "Om oss | Eksempel"}},
		"our own script":  {target: "/matomo.php?idsite=1&rec=1&url=https://example.org/om&title=404+%2F+side:+borte", want: map[string]string{"/om": "404 / side: borte"}},
		"Latin-1":         {target: matomo + "%C5pent&cs=iso-8859-1", want: map[string]string{"/om": "Åpent"}},
		"no title":        {target: titled("/om", ""), want: nil},
		"spaces":          {target: titled("/om", " Om\n\t oss\u00a0 \u202eher\u202c\u2067\x00 "), want: map[string]string{"/om": "Om oss her"}},
		"only spaces":     {target: titled("/om", " \n "), want: nil},
		"form C":          {target: titled("/om", "A\u030apent"), want: map[string]string{"/om": "Åpent"}},
		"long":            {target: titled("/om", strings.Repeat("å", 300)), want: map[string]string{"/om": strings.Repeat("å", 127)}},
		"address":         {target: titled("/om", "https://example.org/om"), want: nil},
		"address, query":  {target: titled("/om?a=1", "example.org/om?a=1"), want: nil},
		"path":            {target: titled("/om", "/om/"), want: nil},
		"host":            {target: titled("https://example.org/", "Example.org"), want: nil},
		"mail":            {target: titled("/om", "Skriv til kari@example.com"), want: map[string]string{"/om": "Skriv til [email]"}},
		"number":          {target: titled("/om", "Ring +47 41 00 05 00"), want: map[string]string{"/om": "Ring [phone]"}},
		"cut amid a mark": {target: titled("/om", strings.Repeat("x ", 124)+"kari@example.com"), want: map[string]string{"/om": strings.TrimSpace(strings.Repeat("x ", 124)) + " [email]"}},
		"path rule in it": {target: titled("/om", "Siden /u/kari er flyttet"), site: ruled, want: map[string]string{"/om": "Siden /u/[*] er flyttet"}},
		"page of several": {target: titled("/u/kari", "Kari"), site: ruled, want: nil},
		"page with a key": {target: titled("/sak/kari@example.com", "Saken til Kari"), want: nil},
		"parameter":       {target: titled("/om?sak=7&x=1", "Sak 7"), want: map[string]string{"/om?sak=7": "Sak 7"}},

		"none kept":       {target: titled("/om", "Om oss"), options: func(o *collector.Options) { o.Policy.TitleVisitors = 0 }},
		"more wanted":     {target: titled("/om", "Om oss"), options: func(o *collector.Options) { o.Policy.TitleVisitors = 20 }},
		"minimal":         {target: titled("/om", "Om oss"), options: minimal},
		"minimal site":    {target: titled("/om", "Om oss"), site: func(r *rig) { r.sites[0].Record = privacy.Minimal }},
		"standard site":   {target: titled("/om", "Om oss"), options: minimal, site: func(r *rig) { r.sites[0].Record = privacy.Standard }, want: map[string]string{"/om": "Om oss"}},
		"robot":           {target: titled("/om", "Om oss"), headers: []string{"User-Agent", google}},
		"objection":       {target: titled("/om", "Om oss"), headers: []string{"Sec-Gpc", "1"}},
		"prefetch":        {target: titled("/om", "Om oss"), headers: []string{"Sec-Purpose", "prefetch"}},
		"excluded page":   {target: titled("/intern/x", "Internt")},
		"foreign page":    {target: titled("https://other.example/", "Annet")},
		"event":           {target: matomo + "Om&e_c=a&e_a=b"},
		"search":          {target: matomo + "Om&search=kari"},
		"ping":            {target: matomo + "Om&ping=1"},
		"not there":       {target: matomo + url.QueryEscape("404/URL = /borte/From = ")},
		"of a moment ago": {target: matomo + "Om&cdo=600", want: map[string]string{"/om": "Om"}},
		"of the past day": {target: matomo + "Om&cdo=80000"},
		"no line": {target: titled("/om", "Om oss"), options: func(o *collector.Options) {
			o.Lines = lines.New(lines.Options{Pages: 1, Now: o.Now})
			var full hit.Row
			full.Site, full.Path, full.Kind = 1, "/first", hit.Pageview
			o.Lines.Arrive(&hit.Hit{Site: 1, Trusted: true}, &full, calendar.DayOf(evening)+1, false)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, tt.options)
			if tt.site != nil {
				tt.site(r)
				if err := r.options.Sites.Refresh(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			r.crowd(12, tt.target, tt.headers...)
			if diff := cmp.Diff(tt.want, r.kept(), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("titles (-want +got):\n%s", diff)
			}
			for _, got := range r.titles {
				if got.Site != 1 || got.Visitors != 5 || got.Day != calendar.DayOf(evening)+1 {
					t.Errorf("kept %+v", got)
				}
			}
		})
	}
}

// TestFewSeeATitle: visitors count once, with all that they do, and by their network's flood as
// one.
func TestFewSeeATitle(t *testing.T) {
	r := newRig(t, nil)
	target := titled("/om", "Kari Nordmann")
	for range 20 {
		r.crowd(4, target)
	}
	if got := r.kept(); len(got) > 0 {
		t.Errorf("four visitors keep %q", got)
	}
	r.now = r.now.Add(2 * time.Hour) // new visits
	r.crowd(4, target)
	if got := r.kept(); len(got) > 0 {
		t.Errorf("four visitors, with two visits each, keep %q", got)
	}
	r.now = r.now.Add(24 * time.Hour)
	r.crowd(4, target)
	if got := r.kept(); len(got) > 0 {
		t.Errorf("four visitors of another day keep %q", got)
	}

	shared := newRig(t, func(o *collector.Options) {
		o.Visits = visit.New(visit.Options{Now: o.Now, NewVisitors: 0.01})
	})
	for n := range 50 {
		shared.send(request{target: target, header: map[string]string{"User-Agent": fmt.Sprint(firefox, n)}})
	}
	if got := shared.kept(); len(got) > 0 {
		t.Errorf("a network that brought too many visitors keeps %q", got)
	}

	evicted := newRig(t, func(o *collector.Options) {
		o.Visits = visit.New(visit.Options{Now: o.Now, Memory: visit.MinMemory})
	})
	for range 3 {
		evicted.crowd(4, target)
		for n := range 60_000 / 25 { // of one network, whose share is a sixteenth
			evicted.send(request{target: "/pixel.gif?site=1&url=/" + fmt.Sprint(n%7), from: from(n % 250), header: map[string]string{"User-Agent": fmt.Sprint(firefox, n)}})
		}
	}
	if got := evicted.kept(); len(got) > 0 {
		t.Errorf("four visitors who were forgotten and came back keep %q", got)
	}
}

// TestTitlesBeginAnew: a restart forgets how many have seen a title, also where it takes
// the visitors along.
func TestTitlesBeginAnew(t *testing.T) {
	before := newRig(t, nil)
	target := titled("/om", "Om oss")
	before.crowd(4, target)
	after := newRig(t, func(o *collector.Options) { o.Visits = before.options.Visits })
	for n := range 4 {
		after.send(request{target: target, from: from(100 + n)})
	}
	if got := after.kept(); len(got) > 0 {
		t.Errorf("four visitors before a restart and four after it keep %q", got)
	}
	after.crowd(12, target)
	if got := after.kept(); got["/om"] != "Om oss" {
		t.Errorf("kept %q", got)
	}
}

// TestNoTitleOfFew: visitors open pages under titles at random. A title that fewer than
// enough visitors saw at its page is found nowhere: in rows, kept titles, files of the spool,
// the log, metrics and answers.
func TestNoTitleOfFew(t *testing.T) {
	type seen struct{ path, title string }
	dir := t.TempDir()
	var log recorder
	var out bytes.Buffer
	r := newRig(t, func(o *collector.Options) {
		o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		o.Titles = titles.New(titles.Options{Registerer: o.Registerer})
		var err error
		if o.Spool, err = spool.Open(dir, spool.Options{Logger: o.Logger}); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { r.options.Spool.Close() })
	random := rand.New(rand.NewPCG(5, 6))
	visitors, kept := map[seen]map[int]bool{}, 0
	for range 8000 {
		n := random.IntN(40)
		path := fmt.Sprint("/side/", random.IntN(12))
		title := fmt.Sprintf("Tittel-%c%c", 'a'+int(random.ExpFloat64()*2)%26, 'a'+int(random.ExpFloat64()*2)%26)
		key := seen{path, title}
		if visitors[key] == nil {
			visitors[key] = map[int]bool{}
		}
		visitors[key][n] = true
		target := titled(path, title)
		if random.IntN(2) == 0 {
			target = "/matomo.php?idsite=1&rec=1&url=" + url.QueryEscape("https://example.org"+path) + "&action_name=" + url.QueryEscape(title)
		}
		w := r.send(request{target: target, from: from(n)})
		fmt.Fprintln(&out, w.Header(), w.Body)
		r.now = r.now.Add(time.Second)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files in the spool: %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(data)
	}
	w := httptest.NewRecorder()
	promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	out.Write(w.Body.Bytes())
	log.mu.Lock()
	out.Write(log.buf.Bytes())
	log.mu.Unlock()
	for _, row := range r.stored() {
		fmt.Fprintf(&out, "%+v\n", row)
	}
	for _, k := range r.titles {
		kept++
		if n := len(visitors[seen{k.Path, k.Title}]); n < 5 || n < int(k.Visitors) {
			t.Errorf("%+v is kept, which %d visitors saw", k, n)
		}
	}
	most := map[string]int{} // visitors of a title at any one page
	for key, of := range visitors {
		most[key.title] = max(most[key.title], len(of))
	}
	few := 0
	for title, n := range most {
		if n < 5 {
			few++
			if strings.Contains(out.String(), title) {
				t.Errorf("%s is found, which %d visitors saw", title, n)
			}
		}
	}
	if kept < 10 || few < 10 {
		t.Errorf("%d titles are kept and %d are of few, want ten and more of both", kept, few)
	}
}
