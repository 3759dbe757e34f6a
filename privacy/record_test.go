package privacy

import (
	"testing"

	"github.com/fotspor/fotspor/hit"
)

// TestEveryFieldIsTold: a field that hit.Row grows must be told of, in the statement and
// by itself.
func TestEveryFieldIsTold(t *testing.T) {
	told := map[hit.Fact]bool{}
	for _, f := range hit.Fields {
		told[f.Fact] = true
		if meanings[f.Name].en == "" {
			t.Errorf("nothing says what is in %s", f.Name)
		}
	}
	if len(meanings) != len(hit.Fields) {
		t.Errorf("%d columns have a meaning, of %d", len(meanings), len(hit.Fields))
	}
	for _, fact := range hit.Facts {
		if facts[fact].en == "" || !told[fact] {
			t.Errorf("fact %q has no words, or no field that tells it", fact)
		}
	}
	if len(facts) != len(hit.Facts) {
		t.Errorf("%d facts have words, of %d", len(facts), len(hit.Facts))
	}
}

func TestEverythingIsSaidInBothLanguages(t *testing.T) {
	all := []text{and, thousands}
	for _, f := range facts {
		all = append(all, f)
	}
	for _, m := range meanings {
		all = append(all, m)
	}
	for _, d := range dropped {
		all = append(all, d)
	}
	for _, s := range all {
		if s.en == "" || s.nb == "" {
			t.Errorf("%+v lacks a language", s)
		}
	}
}
