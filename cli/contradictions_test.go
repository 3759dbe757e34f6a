package cli_test

import (
	"strings"
	"testing"
)

// TestContradictions: what can't be meant together is a mistake of the command line, told before
// anything is opened: a value of the policy that is said twice, and settings that no policy can
// have.
func TestContradictions(t *testing.T) {
	for words, want := range map[string]string{
		"policy set retention=1y retention=2y --yes":   "retention is said twice",
		"policy set preset=short preset=short --yes":   "preset is said twice",
		"config check --totals 1y":                     "totals 1y",
		"config check --totals 2y --retention 25m":     "totals 2y",
		"serve --totals 1y":                            "totals 1y",
		"config check --totals 2y --retention 1y":      "",
		"config check --totals forever --retention 3y": "",
	} {
		_, errs, status := command(t, "", append(strings.Fields(words), "--data", t.TempDir())...)
		if want == "" && status != 0 || want != "" && (status != 2 || !strings.Contains(errs, want)) {
			t.Errorf("%s: status %d, %q, want %q", words, status, errs, want)
		}
	}
}
