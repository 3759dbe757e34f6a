package report_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/store/embedded"
	"github.com/fotspor/fotspor/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

type db struct {
	t      testing.TB
	engine *embedded.Engine
	name   string
}

func (d db) run(sql string, params map[string]string) []byte {
	d.t.Helper()
	q := url.Values{"database": {d.name}}
	for k, v := range params {
		q.Set("param_"+k, strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`).Replace(v))
	}
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, "http://e/?"+q.Encode(), strings.NewReader(sql))
	if err != nil {
		d.t.Fatal(err)
	}
	resp, err := d.engine.RoundTrip(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 200 {
		d.t.Fatalf("%s\n%s", sql, b)
	}
	return b
}

func open(t testing.TB) db {
	d := db{t, storetest.Engine(t), storetest.Database()}
	db{t, d.engine, "default"}.run("CREATE DATABASE "+d.name, nil)
	var cols []string
	for _, f := range hit.Fields {
		cols = append(cols, f.Name+" "+f.Type+" CODEC("+f.Codec+")")
	}
	d.run("CREATE TABLE hits ("+strings.Join(cols, ", ")+") ENGINE = MergeTree PARTITION BY toYYYYMM(day) ORDER BY (site, day, channel, country, browser, os, device)", nil)
	for _, r := range report.Rollups {
		d.run(r.Table(), nil)
		d.run(r.View(), nil)
	}
	return d
}

func (d db) ask(p report.Planner, queries []report.Query) ([]report.Result, error) {
	plan, err := p.Plan(queries)
	if err != nil {
		return nil, err
	}
	var all [][]report.Row
	for _, s := range plan.Statements {
		out := d.run(s.SQL+"\nFORMAT JSONCompactEachRow", s.Params)
		var rows []report.Row
		dec := json.NewDecoder(strings.NewReader(string(out)))
		for dec.More() {
			var r report.Row
			var raw []json.RawMessage
			if err := dec.Decode(&raw); err != nil {
				d.t.Fatal(err)
			}
			get := func(i int, v any) {
				text := string(raw[i])
				if strings.HasPrefix(text, `["`) { // 64-bit as text
					text = strings.ReplaceAll(text, `"`, "")
				}
				if err := json.Unmarshal([]byte(text), v); err != nil {
					d.t.Fatal(err, text)
				}
			}
			get(0, &r.Query)
			raw[1] = json.RawMessage(strings.Trim(string(raw[1]), `"`))
			get(1, &r.At)
			get(2, &r.Value)
			get(3, &r.Detail)
			get(4, &r.Rank)
			get(5, &r.Now)
			get(6, &r.Before)
			rows = append(rows, r)
		}
		all = append(all, rows)
	}
	return plan.Results(all)
}

func (d db) insert(rows []hit.Row) {
	var b strings.Builder
	var names []string
	for _, f := range hit.Fields {
		names = append(names, f.Name)
	}
	enc := json.NewEncoder(&b)
	for i := range rows {
		line := map[string]any{}
		for _, f := range hit.Fields {
			v := f.Value(&rows[i])
			switch f.Name {
			case "time":
				v = rows[i].Time.Format("2006-01-02 15:04:05")
			case "day":
				v = rows[i].Day.String()
			}
			line[f.Name] = v
		}
		enc.Encode(line)
	}
	q := url.Values{"database": {d.name}, "query": {"INSERT INTO hits (" + strings.Join(names, ", ") + ") FORMAT JSONEachRow"}}
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, "http://e/?"+q.Encode(), strings.NewReader(b.String()))
	if err != nil {
		d.t.Fatal(err)
	}
	resp, err := d.engine.RoundTrip(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 {
		d.t.Fatalf("%s", text)
	}
}
