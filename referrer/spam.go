package referrer

import (
	_ "embed"
	"fmt"
	"sync"
)

// Spam is a set of hosts of referrer spam: they send false visits, so that site owners see
// the hosts in their reports.
type Spam = HostSet

//go:embed spam.txt
var spamText string

// ShippedSpam returns the hosts that are part of the program: a few that have sent spam for
// years.
func ShippedSpam() *Spam { return shippedSpam() }

var shippedSpam = shippedHosts("spam.txt", &spamText)

// shippedHosts returns a function that reads an embedded file once. It panics on a mistake in
// the file, so that every test of its hosts finds it.
func shippedHosts(file string, text *string) func() *HostSet {
	return sync.OnceValue(func() *HostSet {
		s, err := parseHosts(*text)
		if err != nil {
			panic("referrer: " + file + ": " + err.Error())
		}
		return s
	})
}

// OpenSpam reads a file of hosts, one on each line, such as spammers.txt of
// matomo-org/referrer-spam-list (public domain); # begins a comment. A host includes those
// below it. For a line that is not a host, such as one with a path, OpenSpam returns an error
// that names file and line.
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
