package deploy_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/fotspor/fotspor/collector"
	"github.com/fotspor/fotspor/privacy"
)

const root = ".."

var (
	metricName   = regexp.MustCompile(`\bfotspor_[a-z0-9_]+`)
	recorded     = regexp.MustCompile(`\bjob:fotspor_[a-z0-9_:]+`)
	metricRow    = regexp.MustCompile("(?m)^\\| `(fotspor_[a-z0-9_]+)` \\| (counter|gauge|histogram) \\| [^|]*\\| [^|]+ \\|$")
	variableName = regexp.MustCompile(`\bFOTSPOR_[A-Z_]+`)
	alertName    = regexp.MustCompile(`(?m)^ *- alert: (\w+)$`)
	mount        = regexp.MustCompile(`(?m)^ *- (\./[^:\s]+):`)
	namedFile    = regexp.MustCompile(`\b(?:deploy|docs)/[\w./-]+\.\w+`)
)

func TestMetricsAreDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, row := range metricRow.FindAllStringSubmatch(read(t, "docs/metrics.md"), -1) {
		name, kind := row[1], row[2]
		if kind == "histogram" {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				documented[name+suffix] = true
			}
			continue
		}
		if kind == "counter" != strings.HasSuffix(name, "_total") {
			t.Errorf("docs/metrics.md: %s is a %s; counters, and only they, end in _total", name, kind)
		}
		documented[name] = true
	}
	if len(documented) == 0 {
		t.Fatal("docs/metrics.md: no row of the table could be read")
	}
	for _, file := range []string{"prometheus/rules.yml", "prometheus/rules_test.yml", "prometheus/rules_months_test.yml", "grafana/dashboard.json"} {
		text := read(t, "deploy/"+file)
		for _, name := range unique(recorded.FindAllString(text, -1)) {
			if !strings.Contains(read(t, "deploy/prometheus/rules.yml"), "- record: "+name+"\n") {
				t.Errorf("%s: no rule records %s", file, name)
			}
		}
		used := metricName.FindAllString(recorded.ReplaceAllString(text, ""), -1)
		if len(used) == 0 {
			t.Errorf("%s: uses no metric", file)
		}
		for _, name := range unique(used) {
			if !documented[name] {
				t.Errorf("%s: %s is not in docs/metrics.md", file, name)
			}
		}
	}
}

func TestVariablesAreDocumented(t *testing.T) {
	documented := variableName.FindAllString(read(t, "docs/settings.md"), -1)
	for _, file := range []string{"docker-compose.yml", "deploy/Dockerfile", "deploy/systemd/fotspor.service", "deploy/systemd/fotspor-backup.service", "deploy/systemd/fotspor-geo.service"} {
		for _, name := range unique(variableName.FindAllString(read(t, file), -1)) {
			if !slices.Contains(documented, name) {
				t.Errorf("%s: %s is not in docs/settings.md", file, name)
			}
		}
	}
}

// TestUnits: systemd understands every line of the units, in which something stands for the program.
func TestUnits(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("SKIPPED: systemd-analyze is not installed; units were not checked")
	}
	units, err := filepath.Glob(filepath.Join(root, "deploy/systemd/fotspor*"))
	if err != nil || len(units) < 3 {
		t.Fatalf("units: %q, %v", units, err)
	}
	dir, args := t.TempDir(), []string{"verify"}
	for _, unit := range units {
		text := strings.ReplaceAll(read(t, "deploy/systemd/"+filepath.Base(unit)), "/opt/fotspor/fotspor ", "/bin/true ")
		args = append(args, filepath.Join(dir, filepath.Base(unit)))
		if err := os.WriteFile(args[len(args)-1], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command(analyze, args...).CombinedOutput(); err != nil || len(out) > 0 { // it warns of an unknown line with status 0
		t.Errorf("systemd-analyze: %v\n%s", err, out)
	}
}

// TestChartValues: the schema of the Helm chart takes its values and refuses slips in them.
func TestChartValues(t *testing.T) {
	schema, err := jsonschema.UnmarshalJSON(strings.NewReader(read(t, "deploy/helm/values.schema.json")))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("values.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("values.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func(values map[string]any)
		good   bool
	}{
		{func(map[string]any) {}, true},
		{func(v map[string]any) { v["env"] = map[string]any{"FOTSPOR_LOG_LEVEL": "debug"} }, true},
		{func(v map[string]any) { v["publicURL"] = "" }, false},
		{func(v map[string]any) { v["publicURL"] = "stats.example.org" }, false},
		{func(v map[string]any) { v["trustedProxies"] = "10.0.0.0/8" }, false},
		{func(v map[string]any) { v["env"] = map[string]any{"LOG_LEVEL": "debug"} }, false},
		{func(v map[string]any) { v["replicas"] = 2 }, false},
	} {
		var values map[string]any
		if err := yaml.Unmarshal([]byte(read(t, "deploy/helm/values.yaml")), &values); err != nil {
			t.Fatal(err)
		}
		values["publicURL"] = "https://stats.example.org"
		c.change(values)
		if err := compiled.Validate(values); (err == nil) != c.good {
			t.Errorf("values %v: %v", values, err)
		}
	}
}

func TestMountsExist(t *testing.T) {
	mounts := mount.FindAllStringSubmatch(read(t, "docker-compose.yml"), -1)
	if len(mounts) == 0 {
		t.Fatal("docker-compose.yml: no mount could be read")
	}
	for _, m := range mounts {
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
			t.Errorf("docker-compose.yml: %v", err)
		}
	}
}

// TestShippedFilesAreStrict: both proxies tell browsers to come by HTTPS alone, with the
// header of the program, and say it once.
func TestShippedFilesAreStrict(t *testing.T) {
	strict := regexp.MustCompile(`transportSecurity = \[\]string\{"([^"]+)"\}`).FindStringSubmatch(read(t, "app/serve.go"))
	if strict == nil {
		t.Fatal("app/serve.go: no value of Strict-Transport-Security could be read")
	}
	for file, lines := range map[string][]string{
		"deploy/caddy/Caddyfile":    {`Strict-Transport-Security "` + strict[1] + `"`, "header_down -Strict-Transport-Security"},
		"deploy/nginx/fotspor.conf": {`Strict-Transport-Security "` + strict[1] + `" always;`, "proxy_hide_header Strict-Transport-Security;"},
	} {
		for _, line := range lines {
			if !strings.Contains(read(t, file), line) {
				t.Errorf("%s: no line has %s", file, line)
			}
		}
	}
}

var update = flag.Bool("update", false, "write what the proxies send to the collector")

// TestCollectorIsRouted: both proxies send what the collector answers to it, as the list
// of its routes says, and nothing of the dashboard's.
func TestCollectorIsRouted(t *testing.T) {
	paths, methods := collector.Proxied()
	var nginxPaths []string
	var nginxMethods string
	for _, path := range paths {
		text := regexp.QuoteMeta(strings.TrimPrefix(path, "/"))
		if before, ok := strings.CutSuffix(text, `\*`); ok {
			text = before + ".*"
		}
		nginxPaths = append(nginxPaths, strings.ReplaceAll(text, `\*`, "[^/]*"))
	}
	for _, method := range methods {
		nginxMethods += fmt.Sprintf("    %-7s fotspor_collector;\n", method)
	}
	location := "^/(" + strings.Join(nginxPaths, "|") + ")$"
	for _, line := range []struct{ file, before, want, after string }{
		{"deploy/caddy/Caddyfile", "\t@collector path ", strings.Join(paths, " "), "\n"},
		{"deploy/caddy/Caddyfile", "\t@collectorRoot {\n\t\tmethod ", strings.Join(methods, " "), "\n\t\tpath /\n"},
		{"deploy/nginx/fotspor.conf", "\n    location ~ ", location, " {\n        proxy_pass http://fotspor_collector;\n"},
		{"deploy/nginx/fotspor.conf", "map $request_method $fotspor_root {\n    default fotspor_dashboard;\n", nginxMethods, "}\n"},
	} {
		text := read(t, line.file)
		before, rest, ok := strings.Cut(text, line.before)
		got, rest, ok2 := strings.Cut(rest, line.after)
		if !ok || !ok2 {
			t.Fatalf("%s has no line %q … %q", line.file, line.before, line.after)
		}
		switch {
		case got == line.want:
		case *update:
			if err := os.WriteFile(filepath.Join(root, line.file), []byte(before+line.before+line.want+line.after+rest), 0o644); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s: %q, want %q (go generate ./deploy writes it)", line.file, got, line.want)
		}
	}
	for file, line := range map[string]string{
		"deploy/caddy/Caddyfile":    "reverse_proxy @collectorRoot {$COLLECTOR:collector:8080} {",
		"deploy/nginx/fotspor.conf": "    location = / {\n        proxy_pass http://$fotspor_root;",
	} {
		if !strings.Contains(read(t, file), line) {
			t.Errorf("%s has no line %q", file, line)
		}
	}
	if !strings.Contains(read(t, "deploy/caddy/Caddyfile"), "reverse_proxy @collector {$COLLECTOR:collector:8080} {") {
		t.Error("deploy/caddy/Caddyfile sends nothing to the collector")
	}
	for _, path := range []string{"/", "/login", "/sites/1", "/assets/x.js", "/api/v1/sites", "/js/other", "/js/container_a.css", "/x/matomo.php", "/.well-known/acme-challenge/x"} {
		if regexp.MustCompile(location).MatchString(path) {
			t.Errorf("nginx: GET %s does not go to the dashboard", path)
		}
		for _, glob := range paths {
			if before, after, all := strings.Cut(glob, "*"); path == glob || all && strings.HasPrefix(path, before) && strings.HasSuffix(path, after) {
				t.Errorf("Caddy: GET %s does not go to the dashboard", path)
			}
		}
	}
}

// TestBuildRunsNoScripts: no package runs its own script while an image is built.
func TestBuildRunsNoScripts(t *testing.T) {
	for _, file := range []string{"Makefile", "deploy/Dockerfile"} {
		installs := regexp.MustCompile(`(?m)\bnpm (?:ci|install|i)\b.*$`).FindAllString(read(t, file), -1)
		if len(installs) == 0 {
			t.Errorf("%s: installs no packages", file)
		}
		for _, line := range installs {
			if !strings.Contains(line, "--ignore-scripts") {
				t.Errorf("%s: %q lets packages run scripts", file, line)
			}
		}
	}
}

// TestNamedFilesExist follows the paths of files that the documentation names.
func TestNamedFilesExist(t *testing.T) {
	for _, file := range []string{"docker-compose.yml", "docs/install.md", "docs/operations.md", "docs/metrics.md", "CONTRIBUTING.md"} {
		for _, path := range unique(namedFile.FindAllString(read(t, file), -1)) {
			if _, err := os.Stat(filepath.Join(root, path)); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

// TestAlertsAreExplained keeps one section of docs/operations.md, and one test,
// for each alert.
func TestAlertsAreExplained(t *testing.T) {
	operations, tests := read(t, "docs/operations.md"), read(t, "deploy/prometheus/rules_test.yml")+read(t, "deploy/prometheus/rules_months_test.yml")
	var alerts []string
	for _, match := range alertName.FindAllStringSubmatch(read(t, "deploy/prometheus/rules.yml"), -1) {
		name := match[1]
		alerts = append(alerts, name)
		if !strings.Contains(operations, "\n### "+name+"\n") {
			t.Errorf("docs/operations.md: no section on %s", name)
		}
		if !strings.Contains(tests, "alertname: "+name+"\n        exp_alerts:") {
			t.Errorf("rules_test.yml and rules_months_test.yml: no test in which %s fires", name)
		}
	}
	if len(alerts) == 0 {
		t.Fatal("rules.yml: no alert could be read")
	}
	for _, section := range regexp.MustCompile(`(?m)^### (Fotspor\w+)$`).FindAllStringSubmatch(operations, -1) {
		if !slices.Contains(alerts, section[1]) {
			t.Errorf("docs/operations.md: a section on %s, which is no alert", section[1])
		}
	}
}

type dashboard struct {
	UID, Title string
	Panels     []panel
}

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []struct{ RefID, Expr, LegendFormat string }
}

func readDashboard(t *testing.T) dashboard {
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, "deploy/grafana/dashboard.json")), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDashboard(t *testing.T) {
	d := readDashboard(t)
	if d.UID == "" || d.Title == "" || len(d.Panels) == 0 {
		t.Fatalf("dashboard %q %q has %d panels", d.UID, d.Title, len(d.Panels))
	}
	seen := map[int]bool{}
	taken := map[[2]int]string{}
	for _, p := range d.Panels {
		if p.Title == "" || p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d %q lacks a title, a description or a query", p.ID, p.Title)
		}
		if seen[p.ID] {
			t.Errorf("panel %q: id %d is used twice", p.Title, p.ID)
		}
		seen[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("panel %q at %+v lies on %q or off the grid", p.Title, p.GridPos, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		for _, target := range p.Targets {
			if !strings.Contains(target.Expr, `{job="$job"`) || target.RefID == "" || target.LegendFormat == "" {
				t.Errorf("panel %q: query %q lacks the job, a reference or a legend", p.Title, target.Expr)
			}
		}
	}
}

func TestXML(t *testing.T) {
	files, err := filepath.Glob("clickhouse/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatalf("clickhouse/*.xml: %v, %v", files, err)
	}
	for _, file := range files {
		decoder := xml.NewDecoder(strings.NewReader(read(t, "deploy/"+file)))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Errorf("%s: %v", file, err)
				break
			}
		}
	}
}

// TestPromtool runs Prometheus's own checks: of its configuration, of the rules
// and their tests, and of each query of the Grafana dashboard.
func TestPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("SKIPPED: promtool is not installed (on Debian: apt-get install prometheus); rules and queries were not checked")
	}
	queries := filepath.Join(t.TempDir(), "queries.yml")
	if err := os.WriteFile(queries, dashboardQueries(t), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"check", "config", "prometheus/prometheus.yml"},
		{"test", "rules", "prometheus/rules_test.yml", "prometheus/rules_months_test.yml"},
		{"check", "rules", queries},
	} {
		if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// dashboardQueries returns the queries of the dashboard as recording rules, which
// is how promtool reads them.
func dashboardQueries(t *testing.T) []byte {
	variables := strings.NewReplacer("$__rate_interval", "5m", "$job", "fotspor")
	var b bytes.Buffer
	b.WriteString("groups:\n- name: dashboard\n  rules:\n")
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			fmt.Fprintf(&b, "  - record: panel%d_%s\n    expr: %q\n", p.ID, target.RefID, variables.Replace(target.Expr))
		}
	}
	return b.Bytes()
}

// read returns the text of a file of the project.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func unique(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names)
}

// TestNoPolicyIsSet: no file that we ship says a value of the policy, which lives in the store.
func TestNoPolicyIsSet(t *testing.T) {
	for _, file := range []string{"docker-compose.yml", "deploy/Dockerfile", "deploy/helm/templates/fotspor.yaml", "deploy/helm/values.yaml", "deploy/systemd/fotspor.service", "deploy/fotspor.toml"} {
		text := read(t, file)
		for _, k := range privacy.Keys {
			said := regexp.MustCompile(`(?m)FOTSPOR_` + strings.ToUpper(strings.ReplaceAll(k.Name, "-", "_")) + `\b|--` + k.Name + `[= ]|^` + k.Name + ` *=`)
			if found := said.FindString(text); found != "" {
				t.Errorf("%s says %q", file, found)
			}
		}
	}
}
