package dashboard

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
)

// TestNamesOfTheAPI: the tables of docs/dashboard.md say of each figure what the page says
// in English, and of each dimension and measure what is declared. go generate ./dashboard
// writes them.
func TestNamesOfTheAPI(t *testing.T) {
	const file = "../docs/dashboard.md"
	docs, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := func(key string) string {
		text, err := i18n.Find("en").Text(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	var figures, dimensions, measures []string
	for _, key := range headline {
		figures = append(figures, "| **"+text("measure."+key)+"** | "+text("definition."+key)+" |")
	}
	for _, d := range report.Dimensions {
		dimensions = append(dimensions, "| `"+d.Key+"` | "+d.About+" |")
	}
	for _, key := range allMeasures {
		measures = append(measures, "| `"+key+"` | "+text("column."+key+".what")+" | "+string(report.UnitOf(key))+" |")
	}
	want := string(docs)
	for head, rows := range map[string][]string{
		"| Figure | What it counts |\n|---|---|\n":                                figures,
		"| `dimension` | `value`, and `detail` where there is one |\n|---|---|\n": dimensions,
		"| `measures` | What it counts | Unit |\n|---|---|---|\n":                 measures,
	} {
		before, rest, ok := strings.Cut(want, head)
		_, after, closed := strings.Cut(rest, "\n\n")
		if !ok || !closed {
			t.Fatalf("%s has no table with the head %q", file, head)
		}
		want = before + head + strings.Join(rows, "\n") + "\n\n" + after
	}
	switch {
	case want == string(docs):
	case flag.Lookup("update").Value.String() == "true":
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s (-program +file): run go generate ./dashboard\n%s", file, cmp.Diff(want, string(docs)))
	}
}
