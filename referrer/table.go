package referrer

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed sources.txt
var sources string

// table holds the rules of sources.txt. It is read once and never changed.
var table = mustParse(sources)

// rules are the known sources, by what a host looks like.
type rules struct {
	hosts map[string]*rule // "example.org"
	stems map[string]*rule // "example" of "example.*"
}

// rule is what one host stands for.
type rule struct {
	channel, name string // "" where only pages below paths do
	exact         bool   // not for hosts below this one
	paths         []page // pages with a name of their own
}

// page is a source that is part of a host.
type page struct{ path, channel, name string }

// mustParse reads the rules of text, which is part of the program: a mistake in
// it is one of ours, and every test of the package meets it.
func mustParse(text string) rules {
	r := rules{hosts: make(map[string]*rule), stems: make(map[string]*rule)}
	channel := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '[' {
			channel = strings.Trim(line, "[]")
			continue
		}
		name, hosts, ok := strings.Cut(line, ": ")
		if !ok {
			panic(fmt.Sprintf("referrer: sources.txt: no host in %q", line))
		}
		for host := range strings.FieldsSeq(hosts) {
			if err := r.add(host, channel, name); err != nil {
				panic(fmt.Sprintf("referrer: sources.txt: %q: %v", line, err))
			}
		}
	}
	return r
}

// add adds the rule that text writes for a source.
func (r rules) add(text, channel, name string) error {
	host, exact := strings.CutPrefix(text, "=")
	host, path, hasPath := strings.Cut(host, "/")
	known := r.hosts
	if stem, ok := strings.CutSuffix(host, ".*"); ok {
		host, known = stem, r.stems
	}
	at := known[host]
	if at == nil {
		at = &rule{}
		known[host] = at
	}
	if hasPath {
		at.paths = append(at.paths, page{"/" + path, channel, name})
		return nil
	}
	if at.name != "" {
		return fmt.Errorf("%q is %s already", text, at.name)
	}
	at.channel, at.name, at.exact = channel, name, exact
	return nil
}

// find returns the channel and name of a host in lower case without www., or
// ok = false. It walks from the whole host up to its parents, so that the rule
// with the longest host wins.
func (r rules) find(host, path string) (channel, name string, ok bool) {
	suffix := len(topLevel(host))
	for whole := true; ; whole = false {
		if channel, name, ok := r.hosts[host].match(whole, path); ok {
			return channel, name, true
		}
		if len(host) > suffix {
			if channel, name, ok := r.stems[host[:len(host)-suffix]].match(whole, path); ok {
				return channel, name, true
			}
		}
		_, parent, ok := strings.Cut(host, ".")
		if !ok {
			return "", "", false
		}
		host = parent
	}
}

// match returns what the rule says of a host, which is the whole one asked for
// or a parent of it.
func (r *rule) match(whole bool, path string) (channel, name string, ok bool) {
	if r == nil || r.exact && !whole {
		return "", "", false
	}
	for _, page := range r.paths {
		if strings.HasPrefix(path, page.path) {
			return page.channel, page.name, true
		}
	}
	return r.channel, r.name, r.name != ""
}

// topLevel returns the part of host, its dot included, that a ".*" stands for:
// the last label, and one before it that registries of countries use.
func topLevel(host string) string {
	last := strings.LastIndexByte(host, '.')
	if last <= 0 {
		return ""
	}
	if len(host)-last == len(".uk") {
		second := strings.LastIndexByte(host[:last], '.')
		if second > 0 {
			switch host[second+1 : last] {
			case "co", "com", "net", "org", "ne", "or":
				return host[second:]
			}
		}
	}
	return host[last:]
}
