package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/hit"
)

// TestWaiting: both reports say how many rows they did not look at since these are still in
// the spool, what holds them there, and what to do.
func TestWaiting(t *testing.T) {
	data := t.TempDir()
	for _, args := range [][]string{{"migrate"}, {"policy", "set", "retention=3y", "--yes"}} {
		if out, errs, status := command(t, "", append(args, "--data", data)...); status != 0 {
			t.Fatalf("%v: status %d, %s%s", args, status, out, errs)
		}
	}
	const again, retry = "un this again", "fotspor spool retry"
	for _, tt := range []struct {
		name     string
		segments map[string]int // rows of each by what their files end in; ".seg" in two files
		want     []string
		not      []string
	}{
		{"none", nil, nil, []string{"Not looked at", again, retry}},
		{"sealed", map[string]int{".seg": 3}, []string{"Not looked at: 6 rows in 2 segments of the spool", again}, []string{retry}},
		{"open", map[string]int{".open": 1}, []string{"Not looked at: 1 row in 1 segment of the spool", again}, []string{retry}},
		{"quarantined", map[string]int{".quarantined": 2}, []string{"Not looked at: 2 rows in 1 segment of the spool", retry, "fotspor spool drop"}, []string{"wait for the store"}},
		{"damaged", map[string]int{".damaged": 4}, []string{"Not looked at: 4 rows in 1 segment of the spool", "fotspor spool drop"}, []string{"wait for the store"}},
		{"all", map[string]int{".seg": 1, ".open": 1, ".quarantined": 5, ".damaged": 2}, []string{": 3 rows in 3 segments", ": 7 rows in 2 segments"}, nil},
	} {
		dir := filepath.Join(data, "spool")
		must(t, os.RemoveAll(dir))
		for suffix, rows := range tt.segments {
			fill(t, dir, suffix, rows)
			if suffix == ".seg" {
				fill(t, dir, suffix, rows)
			}
		}
		for _, name := range []string{"access", "erase"} {
			out, errs, status := command(t, "", name, "--ip", "192.0.2.1", "--data", data)
			if status != 0 {
				t.Fatalf("%s, %s: status %d, %s", tt.name, name, status, errs)
			}
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("%s: %s does not say %q:\n%s", tt.name, name, want, out)
				}
			}
			for _, not := range append(tt.not, "other machines") {
				if strings.Contains(out, not) {
					t.Errorf("%s: %s says %q:\n%s", tt.name, name, not, out)
				}
			}
		}
	}
}

// fill writes a segment with some rows into a spool.
func fill(t *testing.T, dir, suffix string, rows int) {
	t.Helper()
	apart := t.TempDir()
	s, err := spool.Open(apart, spool.Options{})
	must(t, err)
	must(t, s.Append(hit.Batch{Rows: make([]hit.Row, rows)}), s.Close())
	names, err := filepath.Glob(filepath.Join(apart, "*.seg"))
	must(t, err, os.MkdirAll(dir, 0o700))
	if len(names) != 1 {
		t.Fatalf("%d segments, want 1", len(names))
	}
	name := strings.TrimSuffix(filepath.Base(names[0]), ".seg")
	if suffix == ".open" {
		name, _ = strings.CutSuffix(name, filepath.Ext(name)) // the number of rows is not known yet
		name = strings.TrimSuffix(name, ".")
	}
	must(t, os.Rename(names[0], filepath.Join(dir, name+suffix)))
}
