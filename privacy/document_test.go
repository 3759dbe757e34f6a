package privacy_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/fotspor/fotspor/privacy"
)

func asJSON(t *testing.T, s privacy.Statement) string {
	t.Helper()
	var b strings.Builder
	if err := privacy.WriteStatement(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// schemaOf returns the published schema, which also checks formats such as dates.
func schemaOf(t *testing.T) *jsonschema.Schema {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(string(privacy.StatementSchema())))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("statement", parsed); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("statement")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func valid(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(doc)
}

// TestStatementForPrograms: the statement as JSON is as the published schema says, with all
// policies and with as little as a site can have.
func TestStatementForPrograms(t *testing.T) {
	schema := schemaOf(t)
	golden(t, "statement.json", asJSON(t, statement()))
	for name, mutate := range map[string]func(*privacy.Statement){
		"whole": func(*privacy.Statement) {},
		"nothing": func(s *privacy.Statement) {
			*s = privacy.Statement{Policy: s.Policy, Site: 1, Host: "example.no", Made: s.Made}
		},
		"minimal": func(s *privacy.Statement) { s.Policy = s.Policy.Of(privacy.Own{Record: privacy.Minimal}) },
		"most": func(s *privacy.Statement) {
			s.Policy.Bits4, s.Policy.Bits6, s.Policy.TitleVisitors = privacy.MaxBits4, privacy.MaxBits6, privacy.MaxTitleVisitors
			s.Policy.Retention = privacy.Period{Years: 1, Months: 2, Days: 3}
			s.Policy.Totals, s.Policy.FoldBelow = privacy.Period{Years: 5}, privacy.MaxFoldBelow
			s.Policy.Ageing = privacy.Ageing{Network: privacy.Period{Days: 90}, Hour: privacy.Period{Years: 1}, Version: privacy.Period{Years: 1}, Region: privacy.Period{Years: 1}}
			s.Parameters, s.Searches, s.Categories = []string{"id"}, []string{"q"}, []string{"k"}
			s.OptOut.Page = "https://example.no/personvern"
			s.Declared.Countries = "Alle\nnn: Nynorsk"
		},
		"least": func(s *privacy.Statement) {
			s.Policy = privacy.Policy{Record: privacy.Minimal, Retention: privacy.Period{Days: 1}}
		},
	} {
		s := statement()
		mutate(&s)
		if err := valid(t, schema, asJSON(t, s)); err != nil {
			t.Errorf("%s: %v\n%s", name, err, asJSON(t, s))
		}
	}
	for _, broken := range [][2]string{
		{`"site": 3`, `"site": "3"`}, {`"ipv4Bits": 16`, `"ipv4Bits": 32`}, {`"P3Y"`, `"3y"`}, {`"2023-11-22"`, `"22.11.2023"`},
		{`"host": `, `"hosts": `}, {`"made": "2026`, `"made": "26`}, {`"record": "standard"`, `"record": "all"`},
	} {
		text := strings.Replace(asJSON(t, statement()), broken[0], broken[1], 1)
		if text == asJSON(t, statement()) || valid(t, schema, text) == nil {
			t.Errorf("the schema takes %s in place of %s", broken[1], broken[0])
		}
	}
}

// TestDeclaredForPrograms: each text of the owner by language, und for all that have no own.
func TestDeclaredForPrograms(t *testing.T) {
	s := statement()
	s.Declared.Officer = "Alle\nnn: Nynorsk"
	var got struct{ Declared map[string]map[string]string }
	if err := json.Unmarshal([]byte(asJSON(t, s)), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]string{
		"controller": {"und": s.Declared.Controller},
		"contact":    {"und": s.Declared.Contact},
		"officer":    {"und": "Alle", "nn": "Nynorsk"},
		"purpose":    {"nb": "Å gjøre sidene bedre.", "nn": "Å gjere sidene betre.", "en": "To make the pages better."},
		"basis":      {"nb": "Artikkel 6 nr. 1 bokstav f.", "en": "Article 6(1)(f)."},
		"recipients": {"und": "Drift AS"},
		"countries":  {},
	}
	if diff := cmp.Diff(want, got.Declared); diff != "" {
		t.Errorf("texts of the owner (-want +got):\n%s", diff)
	}
}

func TestStatementForProgramsRefuses(t *testing.T) {
	s := statement()
	s.Policy.Bits4 = 32
	var b strings.Builder
	if err := privacy.WriteStatement(&b, s); err == nil || b.Len() > 0 {
		t.Errorf("of an invalid policy: %v, %d bytes", err, b.Len())
	}
}
