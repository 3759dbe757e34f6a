package referrer

import (
	_ "embed"
	"fmt"
	"sync"
)

// Spam are the hosts that send visits which are none, to be seen in reports as where they
// came from.
type Spam = HostSet

//go:embed spam.txt
var spamText string

// ShippedSpam returns the hosts that are part of the program: a few that have been
// at it for years.
func ShippedSpam() *Spam { return shippedSpam() }

var shippedSpam = shippedHosts("spam.txt", &spamText)

// shippedHosts reads a file that is part of the program, once: a mistake in it is one of
// ours, and every test of its hosts meets it.
func shippedHosts(file string, text *string) func() *HostSet {
	return sync.OnceValue(func() *HostSet {
		s, err := parseHosts(*text)
		if err != nil {
			panic("referrer: " + file + ": " + err.Error())
		}
		return s
	})
}

// OpenSpam reads a file of hosts, one a line, such as spammers.txt of
// matomo-org/referrer-spam-list (public domain); # begins a comment. A host stands
// for those below it too. A line that is no host, such as one with a path, is an
// error that names file and line.
func OpenSpam(file string) (*Spam, error) {
	text, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("open referrer spam %q: %w", file, err)
	}
	s, err := parseHosts(string(text))
	if err != nil {
		return nil, fmt.Errorf("open referrer spam %q: %w", file, err)
	}
	return s, nil
}
