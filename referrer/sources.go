package referrer

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Sources is a table of known sources by host. The zero value is empty. It never changes and
// is safe for concurrent use.
type Sources struct {
	hosts map[string]*rule // by host, such as "example.org"
	stems map[string]*rule // by "example" for the pattern "example.{}"
}

// Shipped returns the sources that are part of the program.
func Shipped() *Sources { return shipped() }

var shipped = sync.OnceValue(parseShipped)

// origin is the channel and name of a source; without a name it is unknown.
type origin struct{ channel, name string }

// rule holds the origins of a host and of hosts related to it.
type rule struct {
	here      origin           // of the host itself
	below     origin           // of hosts below it
	pages     []page           // paths with another origin
	countries map[string]*rule // rules of hosts with a country before this one, by the labels before the country
}

// page is the origin of a path and of those below it.
type page struct {
	path string
	here bool // not for hosts below that of the rule
	origin
}

//go:embed sources.txt
var sourcesText string

// parseShipped reads sources.txt, which is embedded in the program. It panics on a mistake,
// so that every test of the package finds it.
func parseShipped() *Sources {
	s := &Sources{hosts: make(map[string]*rule), stems: make(map[string]*rule)}
	channel := ""
	for line := range strings.Lines(sourcesText) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '[' {
			channel = strings.Trim(line, "[]")
			continue
		}
		name, patterns, ok := strings.Cut(line, ": ")
		if !ok {
			panic(fmt.Sprintf("referrer: sources.txt: no host in %q", line))
		}
		for pattern := range strings.FieldsSeq(patterns) {
			pattern, here := strings.CutPrefix(pattern, "=")
			if err := s.add(pattern, here, origin{channel, name}); err != nil {
				panic(fmt.Sprintf("referrer: sources.txt: %q: %v", line, err))
			}
		}
	}
	return s
}

// add sets the origin of the hosts of a pattern and, unless here is set, of the hosts below
// them. It replaces the origins that they had.
func (s *Sources) add(pattern string, here bool, from origin) error {
	host, path, err := parsePattern(pattern)
	if err != nil {
		return err
	}
	r := s.rule(host)
	if path != "" {
		r.pages = slices.DeleteFunc(r.pages, func(p page) bool { return p.path == path })
		r.pages = append(r.pages, page{path, here, from})
		return nil
	}
	r.here = from
	if !here {
		r.below = from
	}
	return nil
}

// parsePattern returns the host and the path of a pattern. path is "" if there is none.
func parsePattern(pattern string) (host, path string, err error) {
	host, path, _ = strings.Cut(strings.TrimPrefix(pattern, "android-app//"), "/")
	if path = strings.TrimRight(path, "/"); path != "" {
		path = "/" + path
	}
	if strings.Count(strings.TrimSuffix(host, ".{}"), "{}") > 1 {
		return "", "", fmt.Errorf("host %q: several {}", pattern)
	}
	host = plain(host)
	example := strings.ReplaceAll("."+host+".", ".{}.", ".no.")
	if _, err := parseHost(example[1 : len(example)-1]); err != nil {
		return "", "", fmt.Errorf("host %q: %w", pattern, err)
	}
	return host, path, nil
}

var errHost = errors.New("not the name of a host with a dot")

// parseHost returns the canonical name of a host without www.
func parseHost(s string) (string, error) {
	host := plain(s)
	if !isHost(host) || !strings.Contains(host, ".") || strings.Contains(s, ":") {
		return "", errHost
	}
	return host, nil
}

// rule returns the rule for a host, which it adds if needed.
func (s *Sources) rule(host string) *rule {
	rules := s.hosts
	if stem, ok := strings.CutSuffix(host, ".{}"); ok {
		host, rules = stem, s.stems
	}
	before, parent, ok := strings.Cut(host, "{}.")
	if !ok {
		return entry(rules, host)
	}
	r := entry(rules, parent)
	if r.countries == nil {
		r.countries = make(map[string]*rule)
	}
	return entry(r.countries, strings.TrimSuffix(before, "."))
}

func entry(rules map[string]*rule, key string) *rule {
	r := rules[key]
	if r == nil {
		r = &rule{}
		rules[key] = r
	}
	return r
}

// find returns the origin of a host in lower case without www. It looks up the whole host and
// then its parents, so that the rule with the longest host counts.
func (s *Sources) find(host, path string) origin {
	suffix := len(topLevel(host))
	for at := 0; ; {
		parent, child := host[at:], host[:max(at-1, 0)]
		if from := s.hosts[parent].match(child, path); from.name != "" {
			return from
		}
		if suffix > 0 && len(parent) > suffix {
			if from := s.stems[parent[:len(parent)-suffix]].match(child, path); from.name != "" {
				return from
			}
		}
		dot := strings.IndexByte(parent, '.')
		if dot < 0 {
			return origin{}
		}
		at += dot + 1
	}
}

// match returns the origin by the rule of a host: the host of the rule with the labels of
// child in front. child may be "".
func (r *rule) match(child, path string) origin {
	if r == nil {
		return origin{}
	}
	if len(r.countries) > 0 {
		dot := strings.LastIndexByte(child, '.')
		if country := child[dot+1:]; len(country) == 2 {
			if from := r.countries[child[:max(dot, 0)]].match("", path); from.name != "" {
				return from
			}
		}
	}
	here := child == "" || isTwin(child)
	var best page
	for _, p := range r.pages {
		if (here || !p.here) && isBelow(path, p.path) && len(p.path) > len(best.path) {
			best = p
		}
	}
	switch {
	case best.name != "":
		return best.origin
	case here:
		return r.here
	}
	return r.below
}

// isTwin reports whether a host with label in front is the same site as without: the one for
// phones, or one of several servers that share the load.
func isTwin(label string) bool {
	number, ok := strings.CutPrefix(label, "www")
	return label == "m" || ok && strings.Trim(number, "0123456789") == ""
}

// isBelow reports whether path is that of a page or of one below it.
func isBelow(path, page string) bool {
	rest, ok := strings.CutPrefix(path, page)
	return ok && (rest == "" || rest[0] == '/')
}

// topLevel returns the part of host that a final {} matches, with its dot: the last label,
// and the one before it if it is one that registries of countries use.
func topLevel(host string) string {
	last := strings.LastIndexByte(host, '.')
	if last <= 0 {
		return ""
	}
	if len(host)-last == len(".uk") {
		second := strings.LastIndexByte(host[:last], '.')
		if second > 0 {
			switch host[second+1 : last] {
			case "co", "com", "net", "org", "edu", "it", "ne", "or":
				return host[second:]
			}
		}
	}
	return host[last:]
}
