package hit_test

import (
	"testing"

	"github.com/fotspor/fotspor/hit"
)

func TestSection(t *testing.T) {
	for path, want := range map[string]string{
		"": "", "/": "/", "/helse": "/helse", "/helse/": "/helse", "/helse/a/b": "/helse", "/helse?side=2": "/helse",
		"/?side=2": "/", "//x": "/", "/æ/ø": "/æ", "/a:b/c": "/a:b", "helse/a": "",
	} {
		if got := hit.Section(path); got != want {
			t.Errorf("Section(%q) = %q, want %q", path, got, want)
		}
	}
}
