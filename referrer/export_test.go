package referrer

// ParseList returns the sources of a list alone, as OpenSources reads it.
func ParseList(data []byte, channel string) (*Sources, error) {
	s := &Sources{hosts: make(map[string]*rule), stems: make(map[string]*rule)}
	return s, s.addList(data, channel, channel == Search)
}

// ParseSpam returns the hosts of a file with text, as OpenSpam reads it.
var ParseSpam = parseHosts
