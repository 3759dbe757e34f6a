package matomo

import "testing"

func TestIsContainer(t *testing.T) {
	for file, want := range map[string]bool{
		"container_Ab12Cd34.js": true, "container_Ab12Cd34_dev_01.js": true, "container_Ab12Cd34_preview.js": true,
		"container_.js": false, "container_a": false, "container.js": false, "xcontainer_a.js": false, "container_a.js.map": false, "": false,
	} {
		if got := isContainer(file); got != want {
			t.Errorf("isContainer(%q) = %v, want %v", file, got, want)
		}
	}
}
