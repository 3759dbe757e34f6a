package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var licenseFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|copyright)([.-].*)?$`)

// notices returns the licence of the program, and the licences and notices of all that is
// linked into it or embedded in it.
func (r *release) notices(arch string) ([]byte, error) {
	c := r.command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}", "./cmd/fotspor")
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	list, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("list the modules of the program: %w", err)
	}
	goroot, err := r.command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("ask go for its root: %w", err)
	}
	sources := []string{
		"Fotspor\t" + r.root,
		"Go\t" + strings.TrimSpace(string(goroot)),
		"world-atlas\t" + r.at("node_modules/world-atlas"),
		"Unicode CLDR\t" + r.at("geo/region"),
		"Common passwords\t" + r.at("dashboard/password"),
	}
	lines := strings.Split(strings.TrimSpace(string(list)), "\n")
	slices.Sort(lines)
	sources = append(sources, slices.Compact(lines)...)
	var b bytes.Buffer
	for _, source := range sources {
		name, dir, _ := strings.Cut(source, "\t")
		if name == "" {
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		n := 0
		for _, e := range entries {
			base := strings.TrimPrefix(strings.TrimPrefix(e.Name(), "cldr."), "common.")
			if e.IsDir() || !licenseFile.MatchString(base) {
				continue
			}
			text, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&b, "==== %s: %s ====\n\n%s\n\n", name, e.Name(), bytes.TrimSpace(text))
			n++
		}
		if n == 0 {
			return nil, fmt.Errorf("%s has no licence in %s", name, dir)
		}
	}
	return b.Bytes(), nil
}
