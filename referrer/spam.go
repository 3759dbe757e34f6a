package referrer

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

// Spam is a set of hosts that send visits which are none, to be seen in reports as
// where they came from; the zero value has none. It never changes, and may be used
// by several goroutines at once.
type Spam struct {
	hosts map[string]struct{} // as browsers send them, without www.
}

// Has reports whether host, in any spelling, or one it is below is in the set.
func (s *Spam) Has(host string) bool {
	host = plain(host)
	for more := host != ""; more; _, host, more = strings.Cut(host, ".") {
		if _, ok := s.hosts[host]; ok {
			return true
		}
	}
	return false
}

//go:embed spam.txt
var spamText string

// ShippedSpam returns the hosts that are part of the program: a few that have been
// at it for years.
func ShippedSpam() *Spam { return shippedSpam() }

// shippedSpam reads spam.txt, which is part of the program: a mistake in it is one
// of ours, and every test of spam meets it.
var shippedSpam = sync.OnceValue(func() *Spam {
	s, err := parseSpam(spamText)
	if err != nil {
		panic("referrer: spam.txt: " + err.Error())
	}
	return s
})

// OpenSpam reads a file of hosts, one a line, such as spammers.txt of
// matomo-org/referrer-spam-list (public domain); # begins a comment. A host stands
// for those below it too. A line that is no host, such as one with a path, is an
// error that names file and line.
func OpenSpam(file string) (*Spam, error) {
	text, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("open referrer spam %q: %w", file, err)
	}
	s, err := parseSpam(string(text))
	if err != nil {
		return nil, fmt.Errorf("open referrer spam %q: %w", file, err)
	}
	return s, nil
}

func parseSpam(text string) (*Spam, error) {
	s := &Spam{hosts: make(map[string]struct{})}
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
