package schema_test

import (
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/store/schema"
)

// TestGenerated holds the migrations to what is declared.
func TestGenerated(t *testing.T) {
	if name, text, err := schema.Next(schema.All()); name != "" || err != nil {
		t.Errorf("stores lack what is declared: run go run ./generate, or with -anew, in the folder of the checkout: %v\n%s", err, text)
	}
}

// TestNextRefusesAKey: no view is made over a column that the table of a rollup lacks.
func TestNextRefusesAKey(t *testing.T) {
	for name, key := range map[string]string{"cube": "device", "moves": "path", "hourly": "time", "campaigns": "part", "daily": "detail", "monthly": "month"} {
		files := fstest.MapFS{}
		for _, file := range []string{"0001_hits.sql", "0002_rollups.sql"} {
			text, err := os.ReadFile("migrations/" + file)
			if err != nil {
				t.Fatal(err)
			}
			files["m/"+file] = &fstest.MapFile{Data: regexp.MustCompile(`(CREATE TABLE IF NOT EXISTS `+name+`\n\((?s:.*?))\n    `+key+` [A-Z].*`).ReplaceAll(text, []byte("$1"))}
		}
		all, err := schema.Read(files, "m")
		if err != nil {
			t.Fatal(err)
		}
		file, text, err := schema.Next(all)
		if err == nil || file+text != "" || !strings.Contains(err.Error(), "rollup "+name+" has a new key "+key+",") {
			t.Errorf("%s without %s: %v\n%s", name, key, err, text)
		}
	}
}

// TestNext gives a store that lacks a dimension, a measure and two rollups what it lacks,
// and compares each rollup with what its view makes of the rows.
func TestNext(t *testing.T) {
	hits, err := os.ReadFile("migrations/0001_hits.sql")
	if err != nil {
		t.Fatal(err)
	}
	rollups, err := os.ReadFile("migrations/0002_rollups.sql")
	if err != nil {
		t.Fatal(err)
	}
	older := string(rollups)
	for _, part := range []string{
		`(?m)^.*grouping\(language_line\) = 0.*\n`, `(?m)^    \(site, day, language_line\),\n`, // the dimension
		`,\n    conversions Int64[^\n]*`, `,\n    toInt64\(sum\(\w+\.conversions\)\) AS conversions`, // the measure
		`(?s)CREATE TABLE IF NOT EXISTS (cube|moves)\n.*?;\n`, `(?s)CREATE MATERIALIZED VIEW (cube|moves)_view.*?;\n`,
	} {
		shorter := regexp.MustCompile(part).ReplaceAllString(older, "")
		if shorter == older {
			t.Fatalf("nothing is like %s", part)
		}
		older = shorter
	}
	read := func(more ...string) []schema.Migration {
		files := fstest.MapFS{"m/0001_hits.sql": {Data: hits}, "m/0002_rollups.sql": {Data: []byte(older)}}
		for i := 0; i < len(more); i += 2 {
			files["m/"+more[i]] = &fstest.MapFile{Data: []byte(more[i+1])}
		}
		all, err := schema.Read(files, "m")
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	p := newPlace(t)
	migrator := func(all []schema.Migration) *schema.Migrator {
		return &schema.Migrator{Conn: p.conn, Database: p.database, Place: "/somewhere", Migrations: all, Program: "test", Log: slog.New(slog.DiscardHandler)}
	}
	const rows = `INSERT INTO hits (site, time, day, kind, path, name, language, previous_path, country, campaign, pageviews, visits, conversions)
		SELECT 1, toDateTime('2026-01-30 10:00:00') + 86400 * (number % 4), toDate('2026-01-30') + number % 4, if(number % 7 = 0, 'goal', 'pageview'), '/a', if(number % 7 = 0, 'takk', ''),
			if(number % 2 = 0, 'nb', 'nn'), '/b', 'NO', if(number % 5 = 0, 'vår', ''), number % 7 != 0, number % 3 = 0, number % 7 = 0 FROM numbers(100)`
	if err := migrator(read()).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.exec(rows)
	name, text, err := schema.Next(read())
	if err != nil {
		t.Fatal(err)
	}
	all := read(name, text)
	m := migrator(all)
	if err := m.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.exec(rows)
	if err := m.Fill(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, statement := range all[len(all)-1].Statements() { // as if all rows had been in doubt
		if strings.HasPrefix(statement, "INSERT INTO ") {
			p.exec(statement)
		}
	}
	if err := m.Recount(t.Context(), []string{"2026-01-30", "2026-01-31", "2026-02-01", "2026-02-02"}); err != nil {
		t.Fatal(err)
	}
	if again, _, err := schema.Next(all); again != "" || err != nil {
		t.Errorf("after %s there is %s to do, %v", name, again, err)
	}
	for _, r := range report.Rollups {
		columns := strings.Join(r.Keys(), ", ")
		var sums []string
		for _, measure := range r.Measures() {
			sums = append(sums, "sum("+measure+") AS sum_"+measure)
		}
		made := "SELECT " + columns + ", " + strings.Join(sums, ", ") + " FROM (" + r.Select() + ") GROUP BY " + columns
		kept := "SELECT " + columns + ", " + strings.Join(sums, ", ") + " FROM " + r.Name + " GROUP BY " + columns
		p.want("SELECT count() > 0 FROM ("+made+")", "1")
		p.want("SELECT count() FROM ("+made+" EXCEPT "+kept+")", "0")
		p.want("SELECT count() FROM ("+kept+" EXCEPT "+made+")", "0")
	}
}
