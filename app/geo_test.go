package app

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/fotspor/fotspor/geo"
)

// TestGeoFiles: files that somebody names come first, then fetched ones, then those that came with
// the program.
func TestGeoFiles(t *testing.T) {
	o := DefaultOptions()
	o.Data = t.TempDir()
	if got := o.GeoFiles(); !slices.Equal(got, geo.Find()) {
		t.Errorf("by default the files are %q", got)
	}
	fetched := []string{filepath.Join(o.GeoDir(), "a.mmdb"), filepath.Join(o.GeoDir(), "b.mmdb")}
	if err := os.Mkdir(o.GeoDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range append(fetched, filepath.Join(o.GeoDir(), ".fetching-1")) {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := o.GeoFiles(); !slices.Equal(got, fetched) {
		t.Errorf("fetched files are %q, want %q", got, fetched)
	}
	o.Geo = []string{"named.mmdb"}
	if got := o.GeoFiles(); !slices.Equal(got, o.Geo) {
		t.Errorf("named files are %q", got)
	}
}
