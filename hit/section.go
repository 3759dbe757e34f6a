package hit

import "strings"

// Section returns the section that a page is in, which the first segment of its path
// names: "/helse" for "/helse/skjema?side=2", and "/" for "/". In SQL it is
// extract(path, '^/[^/?]*').
func Section(path string) string {
	if !strings.HasPrefix(path, "/") {
		return ""
	}
	if i := strings.IndexAny(path[1:], "/?"); i >= 0 {
		return path[:1+i]
	}
	return path
}
