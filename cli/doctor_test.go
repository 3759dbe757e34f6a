package cli_test

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/collector/script"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/embedded"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestDoctor finds each trouble of a store, of a data directory and of a running program, and
// nothing broken where there is none.
func TestDoctor(t *testing.T) {
	engine, err := embedded.Open(t.Context(), embedded.Options{Dir: t.TempDir(), Library: storetest.Library(t)})
	must(t, err)
	server := httptest.NewServer(engine)
	metrics, ready := "", http.StatusOK
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			w.WriteHeader(ready)
			io.WriteString(w, "the spool is full\n")
			return
		}
		io.WriteString(w, metrics)
	}))
	ours := script.Handler(false)
	public := ours
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { public.ServeHTTP(w, r) }))
	secure := httptest.NewUnstartedServer(front.Config.Handler) // with a certificate that no browser trusts
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer func() {
		secure.Close()
		front.Close()
		program.Close()
		server.Close()
		must(t, engine.Close())
	}()

	data := t.TempDir()
	dsn := server.URL + "/doctor"
	doctor := func(args ...string) (found map[string]string, status int) {
		t.Helper()
		out, errs, status := command(t, "", append([]string{"doctor", "--json", "--store", dsn, "--data", data, "--metrics-listen", program.Listener.Addr().String()}, args...)...)
		if status == 2 {
			t.Fatal(errs)
		}
		found = map[string]string{}
		for lines := json.NewDecoder(strings.NewReader(out)); lines.More(); {
			var f struct{ Check, Result, Code, Found, Do string }
			must(t, lines.Decode(&f))
			found[f.Check] = strings.TrimPrefix(found[f.Check]+", "+f.Result+" "+f.Code, ", ")
			if f.Found == "" || f.Result != "ok" && f.Do == "" {
				t.Errorf("%+v does not say what was found, or what to do", f)
			}
		}
		return found, status
	}
	expect := func(want map[string]string, args ...string) {
		t.Helper()
		got, status := doctor(args...)
		broken := 0
		for check, result := range got {
			if strings.Contains(result, "broken") {
				broken = 1
			}
			if w, ok := want[check]; ok && !strings.HasSuffix(result, w) {
				t.Errorf("%s: %q, want %q", check, result, w)
			}
		}
		for check := range want {
			if got[check] == "" {
				t.Errorf("no check of %s in %v", check, got)
			}
		}
		if status != broken {
			t.Errorf("status %d of %v", status, got)
		}
	}

	expect(map[string]string{"store": "broken none", "process": "broken foreign"})
	metrics = `fotspor_build_info{commit="x",version="devel"} 1` + "\nfotspor_clock_trusted 1\nprocess_open_fds 5\nprocess_max_fds 65536\n"
	run := func(args ...string) {
		t.Helper()
		if out, errs, status := command(t, "", append(args, "--store", dsn, "--data", data)...); status != 0 {
			t.Fatalf("%v: %s%s", args, out, errs)
		}
	}
	run("migrate")
	expect(map[string]string{
		"process": "ok ready", "limits": "ok files", "data": "ok owned", "disk": "ok space", "spool": "ok flows", "engine": "ok answers", "schema": "ok current", "rights": "ok all",
		"clock": "ok trusted", "address": "look unknown", "policy": "look none", "sites": "look none", "receipts": "ok none", "proxies": "ok none",
	})
	run("policy", "set", "retention=1y", "backups=30d", "--yes")
	run("site", "add", "--host", "example.org", "--public-url", front.URL)
	expect(map[string]string{"site": "look no_hit", "backups": "look none", "retention": "ok passes"})

	st, err := store.Open(t.Context(), store.Config{DSN: dsn})
	must(t, err)
	defer st.Close()
	now := time.Now().UTC()
	today := calendar.DayOf(now)
	row := hit.Row{Site: 1, Day: today, Time: now.Add(-time.Second), Kind: hit.Pageview, Path: "/", EntryPath: "/", Host: "example.org", Network: "84.212.0.0/16", Pageviews: 1, Visits: 1}
	ledger := []hit.LedgerEntry{{Site: 1, Day: today, Reason: hit.ForeignHost, Name: "example.net", Count: 200}}
	must(t, st.Insert(t.Context(), hit.Batch{Rows: []hit.Row{row}}, "a"), st.SetPublicURL(t.Context(), front.URL))
	must(t, st.NoteBackups(t.Context(), "/b", store.Backups{Oldest: now, Newest: now}, audit.BackedUp, "b"))
	well := map[string]string{"site": "ok counted", "address": "ok ours", "backups": "ok fresh", "retention": "ok passes"}
	expect(well)

	for name, c := range map[string]struct {
		args    []string
		metrics string
		public  http.Handler // what answers at the public URL; nil: the program
		want    map[string]string
	}{
		"foreign":      {public: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "alert(1)") }), want: map[string]string{"address": "broken foreign"}},
		"moved":        {public: http.RedirectHandler("https://stats.example.org/", http.StatusMovedPermanently), want: map[string]string{"address": "broken redirect"}},
		"not passed":   {public: http.NotFoundHandler(), want: map[string]string{"address": "broken foreign"}},
		"no name":      {args: []string{"--public-url", "https://" + strings.Repeat("a", 64) + ".example"}, want: map[string]string{"address": "broken no_name"}},
		"unknown TLS":  {args: []string{"--public-url", secure.URL}, want: map[string]string{"address": "broken certificate_refused"}},
		"certificate":  {metrics: "fotspor_tls_certificate_expiry_timestamp_seconds 1\n", want: map[string]string{"certificate": "broken ended"}},
		"silent":       {args: []string{"--public-url", "http://127.0.0.1:1"}, want: map[string]string{"address": "broken silent"}},
		"not running":  {args: []string{"--metrics-listen", "127.0.0.1:1"}, want: map[string]string{"process": "look not_running"}},
		"all proxies":  {args: []string{"--trusted-proxies", "::/0"}, want: map[string]string{"proxies": "broken all_trusted"}},
		"proxies":      {args: []string{"--trusted-proxies", "10.0.0.0/8"}, want: map[string]string{"proxies": "ok trusted"}},
		"no directory": {args: []string{"--data", filepath.Join(data, "missing")}, want: map[string]string{"data": "look missing"}},
		"clock":        {metrics: "fotspor_clock_trusted 0\n", want: map[string]string{"clock": "broken not_trusted"}},
		"few files":    {metrics: "process_max_fds 256\n", want: map[string]string{"limits": "look few_files"}},
		"files":        {metrics: "process_open_fds 65000\n", want: map[string]string{"limits": "broken files_used_up"}},
		"geo":          {metrics: "fotspor_geo_reload_failures_total 2\n", want: map[string]string{"regions": "look refused"}},
		"upgraded":     {metrics: `fotspor_build_info{commit="x",version="v0"} 1` + "\n", want: map[string]string{"process": "look other_version"}},
	} {
		t.Run(name, func(t *testing.T) {
			before := metrics
			if metrics += c.metrics; strings.HasPrefix(c.metrics, "fotspor_build_info") {
				metrics = c.metrics
			}
			if c.public != nil {
				public = c.public
			}
			defer func() { metrics, public = before, ours }()
			expect(c.want, c.args...)
		})
	}
	ready = http.StatusServiceUnavailable
	expect(map[string]string{"process": "broken not_ready"})
	ready = http.StatusOK

	fill(t, filepath.Join(data, "spool"), ".quarantined", 3)
	expect(map[string]string{"spool": "look quarantined"})
	must(t, os.WriteFile(filepath.Join(data, "spool", "20261127T000000.000000Z-ABC.3.damaged"), []byte("fotspor\x03xyz"), 0o600))
	expect(map[string]string{"spool": "look quarantined, broken damaged"})
	must(t, os.RemoveAll(filepath.Join(data, "spool")))

	quiet := row
	quiet.Day = today - 800
	quiet.Time = quiet.Day.Time()
	must(t, st.Insert(t.Context(), hit.Batch{Rows: []hit.Row{quiet}, Ledger: ledger}, "b"))
	must(t, st.NoteBackups(t.Context(), "/b", store.Backups{Oldest: now.AddDate(0, -2, 0), Newest: now}, audit.BackedUp, "b"))
	expect(map[string]string{"site": "look foreign_host", "retention": "broken overdue", "backups": "broken overdue"})
	_, err = st.ChangeSite(t.Context(), 1, func(s *site.Site) error { s.Name = "b"; return nil })
	must(t, err)

	statement := func(sql string) {
		t.Helper()
		resp, err := http.Post(server.URL+"/?database=doctor", "", strings.NewReader(sql))
		must(t, err)
		said, err := io.ReadAll(resp.Body)
		must(t, err, resp.Body.Close())
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", sql, said)
		}
	}
	statement("INSERT INTO receipts (number, text, signature, public, figures) SELECT 1, '{\"number\":1}', '', '', ''")
	expect(map[string]string{"receipts": "broken broken"})
	statement("INSERT INTO migrations (number, name, state) SELECT 9999, '9999_future', 'begun'")
	expect(map[string]string{"schema": "broken newer"})
	statement("ALTER TABLE migrations DELETE WHERE number IN (3, 9999) SETTINGS mutations_sync = 2")
	expect(map[string]string{"schema": "broken older"})
	dsn = "http://127.0.0.1:1/doctor"
	expect(map[string]string{"engine": "broken silent"})
	http.DefaultClient.CloseIdleConnections()

	out, errs, status := command(t, "", "doctor", "--store", dsn, "--data", data, "--metrics-listen", "127.0.0.1:1")
	if status != 1 || !strings.HasPrefix(out, "RESULT  CHECK    FOUND\nlook    process  nothing") || !strings.Contains(out, "\n                 -> ") || errs != "fotspor doctor: something is broken: see 1 above\n" {
		t.Errorf("status %d, %q\n%s", status, errs, out)
	}
}
