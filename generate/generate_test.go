package main_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAddingIsOneEntryAndOneMigration adds a dimension and a measure to a copy of the tree
// and counts the files that change.
func TestAddingIsOneEntryAndOneMigration(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	for _, c := range []struct {
		name, file, after, entry string
		want                     []string // in the migration
	}{
		{"dimension", "report/dimension.go", "var Dimensions = []Dimension{\n", `{Key: "added", Value: "host", Rank: "pageviews", Kept: daily, crowd: many, scope: ofHit},`,
			[]string{"grouping(host_line) = 0, ('added', toString(host_line), '')", "WHERE dimension IN ('added');"}},
		{"measure", "report/measure.go", "var Measures = [...]Measure{\n", `{"worth", "hits.page_visitors", Count, perHit, false},`,
			[]string{"ALTER TABLE daily ADD COLUMN IF NOT EXISTS worth Int64", "ALTER TABLE cube ADD COLUMN IF NOT EXISTS worth Int64", "INSERT INTO hourly (site, day, time, worth)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, part := range []string{"browser", "calendar", "generate", "geo/region", "hit", "internal/hostname", "report", "store/schema"} {
				if err := os.CopyFS(filepath.Join(dir, part), os.DirFS("../"+part)); err != nil {
					t.Fatal(err)
				}
			}
			for _, file := range []string{"go.mod", "go.sum"} {
				copyFile(t, "../"+file, filepath.Join(dir, file))
			}
			before := tree(t, dir)
			text := before[c.file]
			changed := strings.Replace(text, c.after, c.after+"\t"+c.entry+"\n", 1)
			if changed == text {
				t.Fatalf("%s has no %q", c.file, c.after)
			}
			if err := os.WriteFile(filepath.Join(dir, c.file), []byte(changed), 0o644); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time there is nothing to add
				cmd := exec.CommandContext(t.Context(), "go", "run", "./generate")
				cmd.Dir = dir
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			}
			var files []string
			migration := ""
			for file, text := range tree(t, dir) {
				if before[file] != text {
					files = append(files, file)
					if strings.HasSuffix(file, ".sql") {
						migration = text
					}
				}
			}
			slices.Sort(files)
			if len(files) != 2 || files[0] != c.file || !strings.HasPrefix(files[1], "store/schema/migrations/") {
				t.Errorf("changed are %v, want %s and a migration", files, c.file)
			}
			for _, want := range c.want {
				if !strings.Contains(migration, want) {
					t.Errorf("the migration lacks %q:\n%s", want, cmp.Diff("", migration))
				}
			}
		})
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// tree returns the files in a folder by path.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
