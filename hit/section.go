package hit

import "strings"

// Section returns the section that a page is in, which the first segment of its path
// names: "/helse" for "/helse/skjema?side=2", and "/" for "/". In SQL it is
// extract(path, '^/[^/?]*').
func Section(path string) string {
	if !strings.HasPrefix(path, "/") {
		return ""
	}
	end := 1
	for end < len(path) && path[end] != '/' && path[end] != '?' {
		end++
	}
	return path[:end]
}
