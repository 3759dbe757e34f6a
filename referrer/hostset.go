package referrer

import (
	"fmt"
	"strings"
)

// HostSet is a set of hosts, each with all hosts below it. The zero value is empty. It never
// changes and is safe for concurrent use.
type HostSet struct {
	hosts map[string]struct{} // canonical, without www.
}

// NewHostSet returns the set of hosts. It skips texts that are not hosts.
func NewHostSet(hosts []string) *HostSet {
	s := &HostSet{hosts: make(map[string]struct{}, len(hosts))}
	for _, host := range hosts {
		if host = plain(host); host != "" {
			s.hosts[host] = struct{}{}
		}
	}
	return s
}

// Has reports whether host, in any spelling, or a host above it is in the set.
func (s *HostSet) Has(host string) bool {
	if len(s.hosts) == 0 {
		return false
	}
	host = plain(host)
	for more := host != ""; more; _, host, more = strings.Cut(host, ".") {
		if _, ok := s.hosts[host]; ok {
			return true
		}
	}
	return false
}

// parseHosts reads a text of hosts, one a line; # begins a comment.
func parseHosts(text string) (*HostSet, error) {
	s := &HostSet{hosts: make(map[string]struct{})}
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		number++
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		host, err := parseHost(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: host %q: %w", number, line, err)
		}
		s.hosts[host] = struct{}{}
	}
	return s, nil
}
